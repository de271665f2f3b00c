//! Automatic replies on a server with Sieve: the ManageSieve client (RFC 5804), the script that gives a reply (RFC 5228,
//! 5230, 5260, 6131), and what is to be done so that nobody's own script is lost or switched off.

mod classify;
mod client;
mod language;
mod scripts;
mod tokens;
mod vacation;
mod wire;

pub use classify::{Answer, Request, Status, classify};
pub use client::{Client, Listed, Login, Settings};
pub use language::required;
pub use scripts::{NAME, Plan, Standing, Step, decide, look, perform, try_out, withdraw};
pub use vacation::{Around, Extensions, is_ours, script};
