//! The one task that writes: all writes that wait are committed together, and each is judged alone.
//!
//! A commit waits for the disk, and while it does the next writes queue up; they share the next wait. So one fsync
//! serves many accounts. A write that fails (its lease is lost, its account is gone) fails alone.

use crate::classify;
use crate::database::Writer;
use crate::lock::StateLock;
use async_trait::async_trait;
use parom_domain::{Error, Result};
use tokio::sync::{mpsc, oneshot};

/// At most so many writes share a transaction.
const GROUP: usize = 256;

/// A write as plain data. It may be performed twice, with a rollback between.
#[async_trait]
pub(crate) trait Write: Send + Sync + 'static {
    type Answer: Send + 'static;
    async fn perform(&self, db: &mut Writer) -> Result<Self::Answer>;

    /// It changes rows by one statement only, so that it needs no transaction around it to be atomic.
    fn is_one_statement(&self) -> bool {
        false
    }
}

/// A write in the queue, whatever it answers.
#[async_trait]
pub(crate) trait Queued: Send {
    /// Performs the write, keeps its answer, and tells whether it succeeded.
    async fn run(&mut self, db: &mut Writer) -> bool;
    fn is_one_statement(&self) -> bool;
    /// Gives the answer. `failed` is what became of the transaction, if it failed as a whole.
    fn answer(self: Box<Self>, failed: Option<&Error>);
}

struct Slip<W: Write> {
    write: W,
    answer: Option<Result<W::Answer>>,
    reply: oneshot::Sender<Result<W::Answer>>,
}

#[async_trait]
impl<W: Write> Queued for Slip<W> {
    async fn run(&mut self, db: &mut Writer) -> bool {
        self.answer.insert(self.write.perform(db).await).is_ok()
    }

    fn is_one_statement(&self) -> bool {
        self.write.is_one_statement()
    }

    fn answer(self: Box<Self>, failed: Option<&Error>) {
        let answer = match (self.answer, failed) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failed)) => Err(classify::copy(failed)),
            (Some(answer), None) => answer,
            (None, None) => Err(Error::internal("a write was not performed")),
        };
        // Whoever asked may have gone; the write is done all the same.
        let _ = self.reply.send(answer);
    }
}

/// Puts a write into the queue and waits until it is on the disk.
pub(crate) async fn ask<W: Write>(queue: &mpsc::Sender<Box<dyn Queued>>, write: W) -> Option<Result<W::Answer>> {
    let (reply, answer) = oneshot::channel();
    queue.send(Box::new(Slip { write, answer: None, reply })).await.ok()?;
    answer.await.ok()
}

/// Works until nobody can ask any more, then closes the database and gives up the lock, in this order.
pub(crate) async fn run(mut db: Writer, lock: StateLock, mut queue: mpsc::Receiver<Box<dyn Queued>>) {
    let mut group = Vec::new();
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let failed = commit_group(&mut db, &mut group).await.err();
        if failed.is_some() {
            db.rollback().await;
        }
        group.drain(..).for_each(|write| write.answer(failed.as_ref()));
    }
    db.close().await;
    drop(lock);
}

async fn commit_group(db: &mut Writer, group: &mut [Box<dyn Queued>]) -> Result<()> {
    // Every statement costs two changes of thread, which is most of what a small commit costs at all.
    if let [write] = group
        && write.is_one_statement()
    {
        if write.run(db).await {
            db.count_transaction();
        }
        return Ok(());
    }
    // Failures are rare, so the first try does without savepoints: they would cost two statements for each write.
    db.begin().await?;
    let mut all = true;
    for write in &mut *group {
        all = all && write.run(db).await;
    }
    if all {
        return db.commit().await;
    }
    db.rollback().await;
    if group.len() == 1 {
        return Ok(());
    }
    db.begin().await?;
    for write in group {
        db.execute(sqlx::query("SAVEPOINT write")).await?;
        if !write.run(db).await {
            // INVARIANT: when a full disk has made SQLite roll back everything, this fails and so does the group;
            // otherwise the writes that follow would be committed one by one, outside of any transaction.
            db.execute(sqlx::query("ROLLBACK TO SAVEPOINT write")).await?;
        }
        db.execute(sqlx::query("RELEASE SAVEPOINT write")).await?;
    }
    db.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use crate::database::Fields;
    use crate::samples::*;
    use parom_domain::state::{Change, FolderId, Lease};
    use parom_domain::{Code, Side};

    /// Sets or asks a pragma on the connection that writes.
    struct Pragma(&'static str);

    #[async_trait]
    impl Write for Pragma {
        type Answer = i64;

        async fn perform(&self, db: &mut Writer) -> Result<i64> {
            let row = db.row(sqlx::query(self.0)).await?;
            row.map_or(Ok(-1), |row| Fields::of(&row, db.path()).get(0))
        }
    }

    #[tokio::test]
    async fn the_writer_waits_for_the_disk_and_keeps_references() {
        let state = State::new().await;
        assert_eq!(state.store.write(Pragma("PRAGMA synchronous")).await.unwrap(), 2, "FULL");
        assert_eq!(state.store.write(Pragma("PRAGMA foreign_keys")).await.unwrap(), 1);
    }

    fn chunk(chunk: u32) -> Vec<Change> {
        vec![Change::PutLinks { folder: FolderId(1), chunk, links: links(1..513) }]
    }

    async fn stored(store: &Store, lease: Lease) -> Vec<u32> {
        let stored = store.links(lease.account, FolderId(1)).await.unwrap();
        stored.into_iter().map(|(chunk, _)| chunk).collect()
    }

    /// What `tests/full.rs` does with a real disk, here without the right to mount one: the database keeps the limit.
    #[tokio::test]
    async fn a_full_database_loses_nothing() {
        let state = State::new().await;
        let lease = state.account("a@corp.example").await;
        state.store.commit(&lease, vec![Change::PutFolder(pair(1))]).await.unwrap();
        state.store.write(Pragma("PRAGMA max_page_count = 100")).await.unwrap();
        let mut full = 0;
        let error = loop {
            match state.store.commit(&lease, chunk(full)).await {
                Ok(()) => full += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Code::StateFull);
        assert!(full > 5, "only {full} before it was full");
        assert_eq!(stored(&state.store, lease).await, (0..full).collect::<Vec<_>>());

        // One group of a write that needs room between two that do not: what is acknowledged is there, and only that.
        let set = |side, validity| {
            let change = Change::SetCursor { folder: FolderId(1), side, cursor: Some(cursor(validity)) };
            state.store.commit(&lease, vec![change])
        };
        let (first, big, last) =
            tokio::join!(set(Side::Source, 5), state.store.commit(&lease, chunk(500)), set(Side::Target, 6));
        assert_eq!(big.unwrap_err().code(), Code::StateFull);
        let cursors = state.store.load(lease.account).await.unwrap().folders[0].cursors;
        assert_eq!(first.is_ok(), cursors.source == Some(cursor(5)));
        assert_eq!(last.is_ok(), cursors.target == Some(cursor(6)));
        assert_eq!(stored(&state.store, lease).await, (0..full).collect::<Vec<_>>());

        state.store.write(Pragma("PRAGMA max_page_count = 10000")).await.unwrap();
        state.store.commit(&lease, chunk(full)).await.unwrap();
        let state = state.reopened().await;
        assert_eq!(stored(&state.store, lease).await, (0..=full).collect::<Vec<_>>());
    }
}
