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
}

/// A write in the queue, whatever it answers.
#[async_trait]
pub(crate) trait Queued: Send {
    /// Performs the write, keeps its answer, and tells whether it succeeded.
    async fn run(&mut self, db: &mut Writer) -> bool;
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
