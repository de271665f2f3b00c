//! Opening and closing the state, and the way of every write into the queue of the one that writes.

use crate::database::{Readers, Writer};
use crate::key::MasterKey;
use crate::lock::StateLock;
use crate::writer::{self, Queued, Write};
use crate::{classify, schema};
use parom_domain::{Code, Result, Retry};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many writes may wait before the next one waits to be taken into the queue.
const QUEUE: usize = 512;

/// The state, open. Clones share it. Needs a tokio runtime for as long as it is open.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    key: MasterKey,
    readers: Readers,
    /// `None` when it was opened for reading only, or is closed.
    writing: Mutex<Option<Writing>>,
    transactions: Arc<AtomicU64>,
}

struct Writing {
    queue: mpsc::Sender<Box<dyn Queued>>,
    task: JoinHandle<()>,
}

impl Store {
    /// Opens the state for this process alone, makes it if it is not there, and brings its tables up to date. The folder
    /// must be there.
    ///
    /// Errors: `StateLocked` while another process has it, `StateNewer`, `StateDamaged`, `StateFull`, `StateUnavailable`.
    pub async fn open(path: &Path, key: MasterKey) -> Result<Store> {
        let lock = StateLock::take(path)?;
        let transactions = Arc::new(AtomicU64::new(0));
        let mut db = Writer::open(path, transactions.clone()).await?;
        if let Err(error) = schema::migrate(&mut db).await {
            db.close().await;
            return Err(error);
        }
        let readers = Readers::open(path).await?;
        let (queue, asked) = mpsc::channel(QUEUE);
        let task = tokio::spawn(writer::run(db, lock, asked));
        let writing = Mutex::new(Some(Writing { queue, task }));
        Ok(Store { inner: Arc::new(Inner { path: path.to_owned(), key, readers, writing, transactions }) })
    }

    /// Opens the state to look at it, beside a process that works on it. Every write is refused.
    pub async fn open_read(path: &Path, key: MasterKey) -> Result<Store> {
        let readers = Readers::open(path).await?;
        schema::verify(&readers, path).await?;
        let transactions = Arc::new(AtomicU64::new(0));
        let writing = Mutex::new(None);
        Ok(Store { inner: Arc::new(Inner { path: path.to_owned(), key, readers, writing, transactions }) })
    }

    /// Finishes the writes that wait, and lets the next process in. Without it that happens soon after the last clone
    /// is gone, or at the latest with the process.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        let writing = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writing { queue, task }) = writing {
            drop(queue);
            // The task ends by itself when nobody can ask any more; it fails only with the runtime.
            let _ = task.await;
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// How many transactions were committed since the state was opened. At rest it does not grow.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.inner.transactions.load(Ordering::Relaxed)
    }

    pub(crate) fn key(&self) -> &MasterKey {
        &self.inner.key
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    /// Has a write done. It is on the disk when this returns; it may be done all the same when this future is dropped.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Answer> {
        let queue = {
            let writing = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
            writing.as_ref().map(|writing| writing.queue.clone())
        };
        let answer = match queue {
            Some(queue) => writer::ask(&queue, write).await,
            None => None,
        };
        answer.unwrap_or_else(|| {
            let error = classify::state(Code::StateUnavailable, Retry::WhenFixed, self.path());
            Err(error.with("detail", "it is open for reading only, or closed"))
        })
    }
}
