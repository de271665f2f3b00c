//! Calendars that cross between the simulated Exchange Web Services and a real Radicale, by the built binary. What came of it
//! is read by hand on both servers, never by our clients.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the report")]

mod archive;
mod asked;
#[path = "../../../caldav/tests/support/mod.rs"]
mod caldav_servers;
mod crashes;
mod crossing;
mod davmail;
mod discover;
mod faults;
#[cfg(feature = "ntlm")]
#[path = "../exchange/front.rs"]
mod front;
mod large;
mod mirrored;
mod numbered_days;
mod numbered_fields;
mod numbered_halves;
mod numbered_people;
mod numbered_series;
mod numbered_silence;
mod numbered_trouble;
mod radicale;
mod several;
#[cfg(feature = "ntlm")]
mod sign_in;
mod stage;
mod watch;
