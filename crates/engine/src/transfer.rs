//! Carries bodies: read on one side and appended on the other at the same time, in bounded memory, folders side by side
//! and both directions at once.
//!
//! Three stages for each folder and direction, joined by short channels: `read` yields messages, this module's batcher
//! announces them in batches, `append` sends and settles them. A stage that fails closes its channel, and the others end.

use crate::append::{self, Batch};
use crate::lanes::side_by_side;
use crate::pass::{Run, stops_the_pass};
use crate::plan::{AccountPlan, FolderPlan};
use crate::read::{self, Feed, Incoming, IncomingBody};
use crate::work::{FolderWork, Seen};
use futures_util::future::{BoxFuture, join3};
use parom_domain::endpoint::{Abilities, Cursor, Listing};
use parom_domain::link::LinkTable;
use parom_domain::state::{Appending, Change, FolderId, Intent, Parked, Work};
use parom_domain::{Both, Error, FolderPath, Result, Side, Uid};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// One folder in one direction.
pub struct Lane<'a> {
    pub run: &'a Run<'a>,
    pub folder: FolderId,
    pub into: Side,
    pub from_path: FolderPath,
    pub into_path: FolderPath,
    pub from: Seen,
    pub to: Seen,
    pub abilities: &'a Abilities,
    links: &'a Mutex<LinkTable>,
    /// No message that we append from now on can get a UID below this one.
    floor: AtomicU32,
    done: Mutex<Done>,
}

/// What a lane did.
#[derive(Default)]
pub struct Done {
    pub carried: u64,
    pub bytes: u64,
    pub parked: Vec<Parked>,
}

/// What a lane did, and how it ended.
type Outcome = (Done, Result<()>);

impl Lane<'_> {
    pub fn links(&self) -> MutexGuard<'_, LinkTable> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn floor(&self) -> Uid {
        Uid::new(self.floor.load(Ordering::Relaxed)).unwrap_or(Uid::MIN)
    }

    /// UIDs only grow, so what lands later lands above.
    pub fn raise_floor(&self, landed: Uid) {
        if let Some(next) = landed.next() {
            self.floor.fetch_max(next.get(), Ordering::Relaxed);
        }
    }

    /// Puts a message aside: it counts as accounted for, and the rest goes on.
    pub async fn park(&self, uid: Uid, error: &Error) -> Result<()> {
        let side = self.into.other();
        let parked = Parked::new(self.folder, side, uid, error, self.run.pass.clock.now_ms());
        self.run.pass.book.commit(vec![Change::Park(parked.clone())]).await?;
        tracing::warn!(folder = ?self.from_path, %uid, error = ?error, "a message was parked");
        let event = crate::ports::Event::Parked { folder: self.from_path.clone(), error: error.to_string() };
        self.run.pass.observer.event(event);
        self.done().parked.push(parked);
        Ok(())
    }
}

/// Carries everything that the plan creates.
pub async fn creates(
    run: &mut Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    plan: &AccountPlan,
    listings: &Both<Listing>,
) -> Result<()> {
    let wanted = |folder: &FolderPlan| !(folder.creates.source.is_empty() && folder.creates.target.is_empty());
    let ids: Vec<FolderId> = plan.folders.iter().filter(|(_, folder)| wanted(folder)).map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    begin_cursors(run, works, &ids).await?;
    let jobs: Vec<Job<'_>> = ids
        .iter()
        .filter_map(|id| {
            let (mut work, plan) = (works.remove(id)?, plan.folders.get(id)?);
            let links = Mutex::new(std::mem::take(&mut work.links));
            Some(Job { work, links, plan })
        })
        .collect();
    let outcomes = {
        let run = &*run;
        let mut lanes: Vec<BoxFuture<'_, (usize, Side, Outcome)>> = Vec::new();
        for (at, job) in jobs.iter().enumerate() {
            for into in Side::ALL {
                if !job.plan.creates[into].is_empty() {
                    lanes.push(Box::pin(async move { (at, into, carry(run, job, into, listings).await) }));
                }
            }
        }
        // Each lane holds one connection on either side, whichever way it goes.
        side_by_side(run.lanes, lanes).await
    };
    let mut ended: Vec<Vec<(Side, Outcome)>> = jobs.iter().map(|_| Vec::new()).collect();
    for (at, into, outcome) in outcomes {
        if let Some(list) = ended.get_mut(at) {
            list.push((into, outcome));
        }
    }
    let results = jobs.into_iter().zip(ended).map(|(mut job, outcomes)| {
        job.work.links = job.links.into_inner().unwrap_or_else(PoisonError::into_inner);
        (job.work, outcomes)
    });
    let mut stop = None;
    for (mut work, outcomes) in results {
        let id = work.id;
        for (into, (done, result)) in outcomes {
            run.report.carried[into] += done.carried;
            run.report.bytes += done.bytes;
            work.wrote[into] |= done.carried > 0;
            run.state.parked.extend(done.parked);
            if let Err(error) = result {
                work.failed = true;
                work.settled = false;
                if stops_the_pass(&error) {
                    stop = Some(error);
                } else {
                    run.trouble(id, error);
                }
            }
        }
        works.insert(id, work);
    }
    stop.map_or(Ok(()), Err)
}

/// Before anything is announced, the book knows under which UIDVALIDITY: a cursor that covers nothing yet.
async fn begin_cursors(run: &mut Run<'_>, works: &BTreeMap<FolderId, FolderWork>, ids: &[FolderId]) -> Result<()> {
    let mut changes = Vec::new();
    for id in ids {
        let Some(work) = works.get(id) else { continue };
        let Some(pair) = run.pair_mut(*id) else { continue };
        for side in Side::ALL {
            let Some(seen) = work.seen[side].as_ref().filter(|_| pair.cursors[side].is_none()) else { continue };
            let cursor = Cursor { validity: seen.cursor.validity, uidnext: 0, modseq: 0, exists: 0 };
            pair.cursors[side] = Some(cursor);
            changes.push(Change::SetCursor { folder: *id, side, cursor: Some(cursor) });
        }
    }
    run.pass.book.commit(changes).await
}

/// A folder whose bodies are carried, in one direction or both.
struct Job<'a> {
    work: FolderWork,
    links: Mutex<LinkTable>,
    plan: &'a FolderPlan,
}

async fn carry(run: &Run<'_>, job: &Job<'_>, into: Side, listings: &Both<Listing>) -> Outcome {
    let Job { work, links, plan } = job;
    if let Some(path) = &plan.name {
        run.pass.observer.event(crate::ports::Event::Folder { path: path.clone() });
    }
    let uids = &plan.creates[into];
    let from = into.other();
    let (Some(from_path), Some(into_path)) = (work.paths[from].clone(), work.paths[into].clone()) else {
        return (Done::default(), Ok(()));
    };
    let (Some(from_seen), Some(to_seen)) = (work.seen[from].clone(), work.seen[into].clone()) else {
        return (Done::default(), Ok(()));
    };
    let last = {
        let links = links.lock().unwrap_or_else(PoisonError::into_inner);
        let newcomers = work.findings.newcomers[into].iter().map(|sighting| sighting.uid).max();
        links.iter().filter_map(|(_, link)| link.uids[into]).max().max(newcomers)
    };
    let lane = Lane {
        run,
        folder: work.id,
        into,
        from_path,
        into_path,
        floor: AtomicU32::new(to_seen.floor(last).get()),
        from: from_seen,
        to: to_seen,
        abilities: &listings[into].abilities,
        links,
        done: Mutex::default(),
    };
    let (feed, fed) = mpsc::channel(16);
    let (batches, batched) = mpsc::channel(1);
    let (read, announced, appended) =
        join3(read::read(&lane, uids, feed), announce(&lane, fed, batches), append::append(&lane, batched)).await;
    let done = std::mem::take(&mut *lane.done());
    // The stage nearest to the end knows best: the others only saw their channel close.
    (done, appended.and(announced).and(read))
}

/// Forms batches and announces each durably before it may leave.
async fn announce(lane: &Lane<'_>, mut fed: mpsc::Receiver<Feed>, batches: mpsc::Sender<Batch>) -> Result<()> {
    let mut items: Vec<Incoming> = Vec::new();
    let mut bytes = 0;
    while let Some(feed) = fed.recv().await {
        let Feed::Letter(item) = feed else {
            flush(lane, &mut items, &mut bytes, &batches).await?;
            continue;
        };
        let alone = matches!(item.body, IncomingBody::Big(_));
        let full = items.len() >= lane.abilities.batch_items.max(1) || bytes + item.len > lane.abilities.batch_bytes;
        if alone || full {
            flush(lane, &mut items, &mut bytes, &batches).await?;
        }
        bytes += item.len;
        items.push(item);
        if alone {
            flush(lane, &mut items, &mut bytes, &batches).await?;
        }
    }
    flush(lane, &mut items, &mut bytes, &batches).await
}

async fn flush(
    lane: &Lane<'_>,
    items: &mut Vec<Incoming>,
    bytes: &mut u64,
    batches: &mpsc::Sender<Batch>,
) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let items = std::mem::take(items);
    *bytes = 0;
    let intent = intent(lane, items.iter().map(Incoming::announced).collect());
    let id = intent.id;
    // INVARIANT: the intent is durable before the first byte of the batch leaves.
    lane.run.pass.book.commit(vec![Change::OpenIntent(intent)]).await?;
    // The receiver is gone only when appending failed, and then that error is the one that counts.
    let _ = batches.send(Batch { intent: id, items }).await;
    Ok(())
}

/// The announcement of messages on this lane.
#[must_use]
pub fn intent(lane: &Lane<'_>, items: Vec<Appending>) -> Intent {
    let work = Work::Append {
        folder: lane.folder,
        into: lane.into,
        validity: lane.to.cursor.validity,
        floor: lane.floor(),
        items,
    };
    Intent { id: lane.run.intent_id(), at_ms: lane.run.pass.clock.now_ms(), work }
}
