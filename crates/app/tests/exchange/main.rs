//! Mail that crosses between the simulated Exchange and a plain server, by the built binary: every way of Exchange in
//! `docs/exchange-quirks.md` that our client has to live with, by its row.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod crossing;
#[cfg(feature = "ntlm")]
mod front;
mod hidden;
mod identity;
mod logins;
#[cfg(feature = "ntlm")]
mod ntlm;
mod pacing;
mod receipts;
mod rescued;
mod session;
mod slashes;
mod stage;
mod storm;
mod verifying;
mod writing;
