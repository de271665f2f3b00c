//! Carries bodies: read on one side and appended on the other at the same time, in bounded memory, folders one behind the
//! other over the same connections, several such convoys side by side, and both directions at once.
//!
//! Three stages for each convoy, joined by short channels: `read` yields messages, this module's batcher announces them in
//! batches, `append` sends and settles them. A stage that fails closes its channel, and the others end.

use crate::append::{self, Batch};
use crate::lanes::{side_by_side, split};
use crate::origins::{self, Origins};
use crate::pass::{Run, stops_the_pass};
use crate::plan::{AccountPlan, FolderPlan};
use crate::read::{self, Feed, Incoming, IncomingBody};
use crate::work::{FolderWork, Seen};
use futures_util::future::{BoxFuture, join3};
use parom_domain::endpoint::{Abilities, Listing, MarkChange};
use parom_domain::link::LinkTable;
use parom_domain::state::{Change, FolderId, Intent, Parked, Work};
use parom_domain::tree::TreePlan;
use parom_domain::{Both, Error, FolderPath, Marks, Result, Side, Uid};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{self, error::TryRecvError};

/// Where a message of so many bytes finds no room, the folder is full.
const SMALL: u64 = 64 << 10;

/// Folders whose messages go one way, over one connection on either side.
pub struct Convoy<'a> {
    pub run: &'a Run<'a>,
    pub into: Side,
    pub abilities: &'a Abilities,
    pub lanes: Vec<Lane<'a>>,
}

/// One folder in one direction.
pub struct Lane<'a> {
    /// Its place in the convoy.
    pub at: usize,
    pub run: &'a Run<'a>,
    pub folder: FolderId,
    pub into: Side,
    /// What is to be carried.
    pub uids: &'a [Uid],
    pub from_path: FolderPath,
    pub into_path: FolderPath,
    pub from: Seen,
    pub to: Seen,
    pub abilities: &'a Abilities,
    /// The name under which people know the folder.
    name: Option<&'a FolderPath>,
    pub origins: &'a Origins,
    links: &'a Mutex<LinkTable>,
    /// No message that we append from now on can get a UID below this one.
    floor: AtomicU32,
    done: Mutex<Done>,
    failed: Mutex<Option<Error>>,
    /// Messages of so many bytes have found no room.
    room: AtomicU64,
}

/// What a lane did.
#[derive(Default)]
pub struct Done {
    pub carried: u64,
    pub bytes: u64,
    pub parked: Vec<Parked>,
    /// Messages that wait for the next look.
    pub waiting: u64,
    /// Messages wait for room, and this is what the server said.
    pub no_room: Option<Error>,
    /// Marks wait for the right to write them.
    pub withheld: bool,
    /// Messages that landed with a flag that has to be set once more.
    pub shallow: Vec<Uid>,
    /// Other folders that could not be asked whether these messages come from them.
    pub troubles: BTreeMap<FolderId, Error>,
}

impl<'a> Convoy<'a> {
    /// The lane of a message under way.
    pub fn lane(&self, at: usize) -> Result<&Lane<'a>> {
        self.lanes.get(at).ok_or_else(|| Error::internal("a message without a lane"))
    }
}

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

    /// Tells that the convoy has come to this folder.
    pub fn begin(&self) {
        if let Some(path) = self.name {
            self.run.pass.observer.event(crate::ports::Event::Folder { path: path.clone() });
        }
    }

    /// The folder cannot go on; the others of the convoy can. An error that reaches further is handed back.
    pub fn fail(&self, error: Error) -> Result<()> {
        if stops_the_pass(&error) {
            return Err(error);
        }
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Ok(())
    }

    /// Where a message finds no room, smaller ones may. Where a small one finds none, the folder takes no more.
    pub fn no_room(&self, bytes: u64, error: Error) {
        self.done().no_room.get_or_insert(error);
        let room = if bytes <= SMALL { 0 } else { bytes };
        self.room.fetch_min(room, Ordering::Relaxed);
    }

    /// Only what is smaller than this may find room.
    pub fn room(&self) -> u64 {
        self.room.load(Ordering::Relaxed)
    }

    /// Nothing more can go into the folder.
    pub fn has_failed(&self) -> bool {
        self.room() == 0 || self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Puts a message aside: it counts as accounted for, and the rest goes on.
    pub async fn park(&self, uid: Uid, error: &Error) -> Result<()> {
        let side = self.into.other();
        let parked = Parked::new(self.folder, side, uid, error, self.run.pass.clock.now_ms());
        self.run.pass.book.commit(vec![Change::Park(parked.clone())]).await?;
        tracing::info!(folder = ?self.from_path, %uid, error = ?error, "a message was parked");
        let event = crate::ports::Event::Parked { folder: self.from_path.clone(), parked: parked.clone() };
        self.run.pass.observer.event(event);
        self.done().parked.push(parked);
        Ok(())
    }
}

/// Carries everything that the plan creates.
pub async fn creates(
    run: &mut Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    plan: &mut AccountPlan,
    listings: &Both<Listing>,
    trees: &TreePlan,
) -> Result<()> {
    let shallow = carry(run, works, plan, listings, trees).await?;
    for (folder, into, uids) in shallow.into_iter().filter(|(.., uids)| !uids.is_empty()) {
        let add = Marks::from_system(Marks::FLAGGED);
        let change = MarkChange { uids: uids.into_iter().collect(), add, remove: Marks::default() };
        plan.folders.entry(folder).or_default().marks[into].push((change, Vec::new()));
    }
    Ok(())
}

/// Returns the messages whose flag has to be set once more.
async fn carry(
    run: &mut Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    plan: &AccountPlan,
    listings: &Both<Listing>,
    trees: &TreePlan,
) -> Result<Vec<(FolderId, Side, Vec<Uid>)>> {
    let wanted = |folder: &FolderPlan| !(folder.creates.source.is_empty() && folder.creates.target.is_empty());
    let ids: Vec<FolderId> = plan.folders.iter().filter(|(_, folder)| wanted(folder)).map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let origins = Origins::of(run, works, trees, plan).await?;
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
        let convoys =
            Side::ALL.into_iter().flat_map(|into| convoys(run, &jobs, into, &listings[into].abilities, &origins));
        let convoys: Vec<BoxFuture<'_, Arrival>> = convoys.map(|convoy| Box::pin(drive(convoy)) as _).collect();
        // Each convoy holds one connection on either side, whichever way it goes.
        side_by_side(run.lanes, convoys).await
    };
    let mut stop = None;
    let mut full = None;
    let mut ended: BTreeMap<FolderId, Vec<(Side, Done, Result<()>)>> = BTreeMap::new();
    for Arrival { into, lanes, result } in outcomes {
        for (folder, done, outcome) in lanes {
            ended.entry(folder).or_default().push((into, done, outcome));
        }
        stop = result.err().or(stop);
    }
    let results = jobs.into_iter().map(|mut job| {
        job.work.links = job.links.into_inner().unwrap_or_else(PoisonError::into_inner);
        let outcomes = ended.remove(&job.work.id).unwrap_or_default();
        (job.work, outcomes)
    });
    let mut unasked = BTreeMap::new();
    let mut shallow = Vec::new();
    for (mut work, outcomes) in results {
        let id = work.id;
        for (into, done, result) in outcomes {
            run.report.carried[into] += done.carried;
            run.report.bytes += done.bytes;
            work.wrote[into] |= done.carried > 0;
            work.failed |= done.waiting > 0;
            work.waits |= done.withheld;
            work.settled &= done.waiting == 0 && !done.withheld;
            run.state.parked.extend(done.parked);
            shallow.push((id, into, done.shallow));
            unasked.extend(done.troubles);
            // What is deleted on the other side makes room, and marks need none.
            work.waits |= done.no_room.is_some();
            work.settled &= done.no_room.is_none();
            full = full.or(done.no_room);
            if let Err(error) = result {
                work.failed = true;
                work.settled = false;
                run.trouble(id, error);
            }
        }
        works.insert(id, work);
    }
    run.full = run.full.take().or(full);
    for (folder, error) in unasked {
        run.trouble(folder, error);
    }
    stop.map_or(Ok(shallow), Err)
}

/// A folder whose bodies are carried, in one direction or both.
struct Job<'a> {
    work: FolderWork,
    links: Mutex<LinkTable>,
    plan: &'a FolderPlan,
}

/// A convoy at its end.
struct Arrival {
    into: Side,
    /// What each folder came to. The errors are those of single folders.
    lanes: Vec<(FolderId, Done, Result<()>)>,
    /// An error that ends the pass.
    result: Result<()>,
}

/// How many convoys each of the connections to a near server gets, one after another: the largest of them decides when all
/// is done. Over a distance each beginning costs two round trips.
const CONVOYS_A_LANE: usize = 4;

/// Forms the convoys of one direction.
fn convoys<'a>(
    run: &'a Run<'a>,
    jobs: &'a [Job<'a>],
    into: Side,
    abilities: &'a Abilities,
    origins: &'a Origins,
) -> Vec<Convoy<'a>> {
    let lanes: Vec<Lane<'a>> = jobs.iter().filter_map(|job| lane(run, job, into, abilities, origins)).collect();
    let weights: Vec<u64> = lanes.iter().map(|lane| lane.uids.len() as u64).collect();
    let many = if run.is_far() { run.lanes } else { run.lanes * CONVOYS_A_LANE };
    let mut lanes = lanes.into_iter();
    let counts = split(&weights, WORTH_A_CONVOY, many);
    let group = |count| {
        let lanes = lanes.by_ref().take(count).enumerate().map(|(at, lane)| Lane { at, ..lane });
        Convoy { run, into, abilities, lanes: lanes.collect() }
    };
    counts.into_iter().map(group).collect()
}

/// So many messages are worth connections of their own.
const WORTH_A_CONVOY: u64 = 400;

/// Asks for the connections of a first copy while the folders are still being made.
pub fn warm_for_first_copy(run: &Run<'_>, listings: &Both<Listing>) {
    if !run.is_far() || run.pass.dry_run || !run.is_first_copy {
        return;
    }
    let most = Side::ALL.into_iter().map(|side| {
        let folders = listings[side].folders.iter().filter_map(|folder| folder.status);
        folders.map(|status| u64::from(status.exists)).sum::<u64>()
    });
    let convoys = usize::try_from(most.max().unwrap_or(0) / WORTH_A_CONVOY).unwrap_or(usize::MAX);
    run.warmth.wish(convoys.min(run.lanes));
}

fn lane<'a>(
    run: &'a Run<'a>,
    job: &'a Job<'a>,
    into: Side,
    abilities: &'a Abilities,
    origins: &'a Origins,
) -> Option<Lane<'a>> {
    let Job { work, links, plan } = job;
    let (uids, from) = (plan.creates[into].as_slice(), into.other());
    if uids.is_empty() {
        return None;
    }
    let (from_path, into_path) = (work.paths[from].clone()?, work.paths[into].clone()?);
    let (from_seen, to_seen) = (work.seen[from].clone()?, work.seen[into].clone()?);
    let last = {
        let links = links.lock().unwrap_or_else(PoisonError::into_inner);
        let newcomers = work.findings.newcomers[into].iter().map(|sighting| sighting.uid).max();
        links.iter().filter_map(|(_, link)| link.uids[into]).max().max(newcomers)
    };
    Some(Lane {
        at: 0,
        run,
        folder: work.id,
        into,
        uids,
        from_path,
        into_path,
        floor: AtomicU32::new(to_seen.floor(last).get()),
        from: from_seen,
        to: to_seen,
        abilities,
        name: plan.name.as_ref(),
        origins,
        links,
        done: Mutex::default(),
        failed: Mutex::default(),
        room: AtomicU64::new(u64::MAX),
    })
}

async fn drive(convoy: Convoy<'_>) -> Arrival {
    let (feed, fed) = mpsc::channel(16);
    let (batches, batched) = mpsc::channel(1);
    let (read, announced, appended) =
        join3(read::read(&convoy, feed), announce(&convoy, fed, batches), append::append(&convoy, batched)).await;
    let Convoy { into, lanes, .. } = convoy;
    let ended = lanes.into_iter().map(|lane| {
        let failed = lane.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        (lane.folder, lane.done.into_inner().unwrap_or_else(PoisonError::into_inner), failed.map_or(Ok(()), Err))
    });
    // The stage nearest to the end knows best: the others only saw their channel close.
    let result = appended.and(announced).and(read).and_then(|read_all| {
        // INVARIANT: a convoy that ends well has read everything; else cursors would pass over what it left.
        if read_all { Ok(()) } else { Err(Error::internal("messages were not taken, and nobody said why")) }
    });
    Arrival { into, lanes: ended.collect(), result }
}

/// Forms batches and announces each durably before it may leave. Small ones of several folders are announced together.
async fn announce(convoy: &Convoy<'_>, mut fed: mpsc::Receiver<Feed>, batches: mpsc::Sender<Batch>) -> Result<()> {
    let mut forming = Forming::default();
    loop {
        let feed = match fed.try_recv() {
            Ok(feed) => feed,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                if !send_on(convoy, &mut forming, &batches).await? {
                    return Ok(());
                }
                match fed.recv().await {
                    Some(feed) => feed,
                    None => break,
                }
            }
        };
        match feed {
            Feed::Letter(item) => forming.add(item, convoy.abilities),
            Feed::Flush => forming.close(true),
        }
        if forming.is_urgent && !send_on(convoy, &mut forming, &batches).await? {
            return Ok(());
        }
    }
    forming.close(true);
    send_on(convoy, &mut forming, &batches).await.map(drop)
}

/// So many messages, or bytes of them, are announced at once.
const ANNOUNCED_ITEMS: usize = 64;
const ANNOUNCED_BYTES: u64 = 1 << 20;

/// Batches on their way from single messages to the announcement.
#[derive(Default)]
struct Forming {
    /// Messages of one folder.
    items: Vec<Incoming>,
    bytes: u64,
    /// Batches that wait to be announced, and how much they hold.
    ready: Vec<Vec<Incoming>>,
    waiting: usize,
    waiting_bytes: u64,
    /// They must not wait any longer.
    is_urgent: bool,
}

impl Forming {
    fn add(&mut self, item: Incoming, abilities: &Abilities) {
        let other = self.items.last().is_some_and(|last| last.lane != item.lane);
        // A big one is streamed: whoever reads it waits until it leaves.
        let alone = matches!(item.body, IncomingBody::Big(_));
        let full = self.items.len() >= abilities.batch_items.max(1) || self.bytes + item.len > abilities.batch_bytes;
        if other || alone || full {
            self.close(alone);
        }
        self.bytes += item.len;
        self.items.push(item);
        if alone {
            self.close(true);
        }
    }

    fn close(&mut self, is_urgent: bool) {
        let items = std::mem::take(&mut self.items);
        self.waiting += items.len();
        self.waiting_bytes += std::mem::take(&mut self.bytes);
        self.ready.extend((!items.is_empty()).then_some(items));
        self.is_urgent |= is_urgent || self.waiting >= ANNOUNCED_ITEMS || self.waiting_bytes >= ANNOUNCED_BYTES;
    }

    fn take_ready(&mut self) -> Vec<Vec<Incoming>> {
        (self.waiting, self.waiting_bytes, self.is_urgent) = (0, 0, false);
        std::mem::take(&mut self.ready)
    }
}

/// Announces the batches that are ready and hands them on. Returns false when nobody takes any more: that is so only when
/// appending failed, and then its error is the one that counts.
async fn send_on(convoy: &Convoy<'_>, forming: &mut Forming, batches: &mpsc::Sender<Batch>) -> Result<bool> {
    let ready = forming.take_ready();
    let mut announced = Vec::with_capacity(ready.len());
    let mut changes = Vec::with_capacity(ready.len());
    for items in ready {
        let Some(at) = items.first().map(|item| item.lane) else { continue };
        let lane = convoy.lane(at)?;
        if lane.has_failed() {
            continue;
        }
        let items = origins::leave_moved(lane, items).await?;
        if items.is_empty() {
            continue;
        }
        let (batch, intent) = batch(lane, items);
        announced.push(batch);
        changes.push(Change::OpenIntent(intent));
    }
    if batches.is_closed() {
        return Ok(false);
    }
    // INVARIANT: the intents are durable before the first byte of a batch leaves.
    convoy.run.pass.book.commit(changes).await?;
    for batch in announced {
        if batches.send(batch).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A batch of messages of this lane, and its announcement.
#[must_use]
pub fn batch(lane: &Lane<'_>, items: Vec<Incoming>) -> (Batch, Intent) {
    let (id, floor) = (lane.run.intent_id(), lane.floor());
    let work = Work::Append {
        folder: lane.folder,
        into: lane.into,
        validity: lane.to.cursor.validity,
        floor,
        items: items.iter().map(|item| item.announced(&lane.to.holds)).collect(),
    };
    let intent = Intent { id, at_ms: lane.run.pass.clock.now_ms(), work };
    (Batch { lane: lane.at, intent: id, floor, items }, intent)
}
