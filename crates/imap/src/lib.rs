//! The IMAP client: one connection type for every server, and the endpoint that the engine works with.
//!
//! From the wire upwards: [`framer`] cuts bytes into responses, [`tokens`], [`response`] and [`fetch`] read them in place,
//! [`wire`] moves bytes within deadlines, [`connection`] keeps commands under way, `sign_in` opens connections and
//! `pool` lends them, and [`ImapEndpoint`] is the account as the engine sees it.

mod append;
pub mod capability;
mod change;
pub mod classify;
pub mod command;
pub mod connection;
mod deflate;
mod echo;
mod endpoint;
pub mod fetch;
mod folders;
pub mod framer;
mod identify;
mod idle;
mod names;
mod observe;
mod pool;
pub mod quirks;
mod read;
pub mod response;
mod select;
mod settings;
mod sign_in;
mod stamps;
mod substitute;
pub mod tokens;
pub mod utf7;
pub mod wire;

pub use endpoint::{ImapEndpoint, Profile};
pub use quirks::{Extensions, Overrides, Product, QuirkValue, Quirks};
pub use settings::{Deadlines, Login, Mechanism, ServerSettings};
