//! What all connections to one simulated Exchange share.

use super::directory::Directory;
use super::quirks::Quirks;
use super::receipts::Receipt;
use super::throttle::Ledger;
use super::version::Version;
use crate::server::Switches;
use crate::server::manners::{Manners, Product};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The door of the client access service. Back ends are called by their database.
pub(super) const FRONT: &str = "";

pub(super) struct Site {
    pub version: Version,
    quirks: Mutex<Quirks>,
    directory: Mutex<Directory>,
    ledger: Mutex<Ledger>,
    receipts: Mutex<Vec<Receipt>>,
    #[cfg(feature = "ntlm")]
    challenges: AtomicU64,
    pub counters: Counters,
}

/// How often things happened.
#[derive(Default)]
pub(super) struct Counters {
    pub sign_ins: AtomicU64,
    pub refused_sign_ins: AtomicU64,
    pub throttled: AtomicU64,
    pub byes_for_errors: AtomicU64,
    pub substitutes: AtomicU64,
    /// The most connections that one account had at a time.
    pub most_connections: AtomicU64,
}

impl Counters {
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Site {
    pub fn new(version: Version, quirks: Quirks, directory: Directory) -> Site {
        Site {
            version,
            quirks: Mutex::new(quirks),
            directory: Mutex::new(directory),
            ledger: Mutex::default(),
            receipts: Mutex::default(),
            #[cfg(feature = "ntlm")]
            challenges: AtomicU64::new(1),
            counters: Counters::default(),
        }
    }

    pub fn quirks(&self) -> MutexGuard<'_, Quirks> {
        self.quirks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn receipts(&self) -> MutexGuard<'_, Vec<Receipt>> {
        self.receipts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A challenge that no other connection was given. A real one cannot be foreseen; here nobody tries.
    #[cfg(feature = "ntlm")]
    pub fn nonce(&self) -> [u8; 8] {
        let count = self.challenges.fetch_add(1, Ordering::Relaxed);
        count.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()
    }

    /// Takes from an account's budget, where there is one.
    pub fn charge(&self, account: &str, commands: u64, body_bytes: usize) {
        let Some(budget) = self.quirks().budget else { return };
        let bodies = (body_bytes as u64).saturating_mul(budget.mebibyte_ms) >> 20;
        let cost = commands.saturating_mul(budget.command_ms).saturating_add(bodies);
        self.ledger().charge(account, &budget, cost, Instant::now());
    }

    /// Sets those switches of the engine that a quirk stands behind.
    pub fn apply(&self, switches: &mut Switches) {
        let quirks = self.quirks();
        switches.extensions = self.version.extensions();
        switches.append_limit = quirks.append_bytes;
        switches.tells_append_limit = false;
        switches.quota_bytes = quirks.quota_bytes;
        switches.any_keyword = false;
        switches.keywords = vec!["$MDNSent".to_owned()];
        switches.index_lag = quirks.index_lag;
    }
}

/// What gives each connection its manners.
pub(super) struct Door(pub Arc<Site>);

impl Product for Door {
    fn receive(&self, door: &str) -> Box<dyn Manners> {
        let database = (door != FRONT).then(|| door.to_owned());
        Box::new(super::conversation::Conversation::new(Arc::clone(&self.0), database))
    }
}
