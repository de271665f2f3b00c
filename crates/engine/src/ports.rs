//! What a pass needs besides the two endpoints: the book it writes, a clock, and somebody who watches.

use async_trait::async_trait;
use parom_domain::link::LinkTable;
use parom_domain::state::{Change, FolderId, Lease, Parked};
use parom_domain::{Error, FolderPath, Result, Side};
use parom_store::Store;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a pass writes down what it is about to do and what happened. A commit is durable when it returns.
#[async_trait]
pub trait Book: Send + Sync {
    async fn commit(&self, changes: Vec<Change>) -> Result<()>;
    async fn links(&self, folder: FolderId) -> Result<LinkTable>;
}

/// The store, as far as one lease reaches.
pub struct LeasedBook<'a> {
    pub store: &'a Store,
    pub lease: Lease,
}

#[async_trait]
impl Book for LeasedBook<'_> {
    async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.store.commit(&self.lease, changes).await
    }

    async fn links(&self, folder: FolderId) -> Result<LinkTable> {
        Ok(LinkTable::from_chunks(self.store.links(self.lease.account, folder).await?))
    }
}

/// Time as the pass sees it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;
    async fn sleep_ms(&self, ms: u64);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

/// What a pass tells while it runs. Addresses and folder names only: never subjects or bodies.
#[derive(Clone, Debug)]
pub enum Event {
    /// The look is over; so much is to be carried.
    Planned {
        messages: u64,
    },
    /// Work on a folder begins.
    Folder {
        path: FolderPath,
    },
    /// One message has arrived on the other side.
    Carried {
        into: Side,
        bytes: u64,
    },
    /// Messages whose marks were brought in step, that were moved, or that were deleted.
    Marked {
        count: u64,
    },
    Moved {
        count: u64,
    },
    Deleted {
        count: u64,
    },
    /// Folders that were made, renamed, subscribed to or removed.
    Stepped {
        count: u64,
    },
    /// A message could not be carried and was put aside, out of this folder.
    Parked {
        folder: FolderPath,
        parked: Parked,
    },
    /// There are folders in this one that the side's server does not show.
    Hidden {
        side: Side,
        folder: FolderPath,
    },
    /// The pass waits: a server may still commit what it had received before a crash.
    Waiting {
        ms: u64,
    },
}

pub trait Observer: Send + Sync {
    fn event(&self, event: Event);
    /// Asked at every step: true ends the pass cleanly.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}

/// The error of a pass that was told to stop.
#[must_use]
pub fn cancelled() -> Error {
    Error::new(parom_domain::Code::Cancelled, parom_domain::Scope::Account, parom_domain::Retry::Soon)
        .with("what", "pass")
}
