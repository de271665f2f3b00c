//! Real IMAP and CalDAV servers for tests and benchmarks: each lives in a folder of its own on loopback and ends with its guard.

pub mod by_hand;
pub mod calendars;
pub mod cyrus;
pub mod dovecot;
pub mod oracle;
pub mod parom;
mod process;
pub mod radicale;
pub mod relay;
mod saslauthd;
pub mod sogo;
pub mod tls;
pub mod world;

pub use cyrus::Cyrus;
pub use dovecot::{Dovecot, Layout};
pub use process::{Account, RunDir, Server};
pub use radicale::Radicale;
pub use sogo::Sogo;

/// What every account signs in with.
pub const PASSWORD: &str = "ferry-boat";
/// A service account that may open any mailbox (Dovecot: `user*master`; both: SASL PLAIN with authzid).
pub const MASTER: &str = "svc";
pub const MASTER_PASSWORD: &str = "ferry-master";

/// Where a client connects.
#[derive(Clone, Debug)]
pub struct Address {
    pub host: String,
    pub port: u16,
    /// Implicit TLS, with the certificate of [`tls`].
    pub tls: bool,
}

impl Address {
    #[must_use]
    pub fn plain(port: u16) -> Address {
        Address { host: "127.0.0.1".to_owned(), port, tls: false }
    }

    #[must_use]
    pub fn implicit_tls(port: u16) -> Address {
        Address { host: "127.0.0.1".to_owned(), port, tls: true }
    }
}
