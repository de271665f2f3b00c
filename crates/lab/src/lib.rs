//! A plain IMAP server, a CalDAV server, a simulated Exchange, the fault proxy, the memory endpoint and sample mail.
//!
//! Everything here stands in for the world outside. It depends on `domain` only: sharing a codec with our clients would
//! let their errors cancel out.

pub mod caldav;
pub mod ews;
pub mod exchange;
pub mod face;
pub mod gauge;
pub mod keeper;
pub mod memory;
pub mod phone;
pub mod proxy;
pub mod python;
pub mod sample;
pub mod server;
pub mod storm;
mod xml;

pub use parom_domain::{FolderPath, InternalDate};
