//! The simulated Exchange as Python's imaplib sees it: every quirk of `docs/exchange-quirks.md` on and off, by its row.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

mod bytes;
mod document;
mod driver;
mod folders;
mod logins;
#[cfg(feature = "ntlm")]
mod ntlm;
mod ordinary;
mod session;
mod throttle;
mod versions;
mod writing;
