//! One pass: one account, once through the loop. Recovery after a crash is its ordinary start.

use crate::folders::{self, Exclusions};
use crate::ports::{Book, Clock, Observer};
use crate::warmth::{self, Warmth};
use crate::work::FolderWork;
use crate::{
    departed, echo, execute, foresee, gather, halves, held, identity, looks, missing, moves, plan, recovery, refused,
    removal, shift, strays, substitutes, transfer, veiled, witness,
};
use futures_util::future::BoxFuture;
use parom_domain::endpoint::{Endpoint, Permits};
use parom_domain::guard::Brake;
use parom_domain::policy::Policy;
use parom_domain::state::{AccountState, Change, FolderId, FolderPair, PassSummary};
use parom_domain::{Both, Error, FolderPath, Result, Scope, Side, Uid};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// From this round trip on a server is far away.
const FAR_MS: u32 = 8;
/// So many lanes keep near servers busy.
pub const NEAR_LANES: usize = 3;

/// Everything one pass works with.
pub struct Pass<'a> {
    pub sides: Both<&'a dyn Endpoint>,
    pub book: &'a dyn Book,
    pub clock: &'a dyn Clock,
    pub permits: &'a dyn Permits,
    pub observer: &'a dyn Observer,
    pub policy: Policy,
    pub exclusions: &'a Exclusions,
    /// How many things may go on at once. Each holds at most one connection on either side, and now and then one of them
    /// asks a question besides: the endpoints need one connection more than there are lanes.
    pub lanes: usize,
    /// Messages whose reading broke the connection, remembered from pass to pass.
    pub scars: &'a Scars,
    /// Look and plan, but change nothing anywhere.
    pub dry_run: bool,
}

/// What the passes before met at single messages. Kept by whoever runs passes: one that broke its connection too often is parked
/// on sight, and a large one that was refused with its keywords goes without them.
#[derive(Debug, Default)]
pub struct Scars(Mutex<HashMap<(FolderId, Side, Uid), Scar>>);

#[derive(Clone, Copy, Debug, Default)]
struct Scar {
    /// So often reading the message broke the connection.
    broke: u32,
    refused_with_keywords: bool,
}

impl Scars {
    /// Reading it broke the connection once more; returns how often by now.
    pub fn add(&self, folder: FolderId, side: Side, uid: Uid) -> u32 {
        self.with((folder, side, uid), |scar| {
            scar.broke += 1;
            scar.broke
        })
    }

    #[must_use]
    pub fn count(&self, folder: FolderId, side: Side, uid: Uid) -> u32 {
        self.of((folder, side, uid)).broke
    }

    /// It was refused with its keywords, and its body has passed.
    pub fn refuse_keywords(&self, folder: FolderId, side: Side, uid: Uid) {
        self.with((folder, side, uid), |scar| scar.refused_with_keywords = true);
    }

    #[must_use]
    pub fn goes_without_keywords(&self, folder: FolderId, side: Side, uid: Uid) -> bool {
        self.of((folder, side, uid)).refused_with_keywords
    }

    fn of(&self, message: (FolderId, Side, Uid)) -> Scar {
        let scars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scars.get(&message).copied().unwrap_or_default()
    }

    fn with<T>(&self, message: (FolderId, Side, Uid), change: impl FnOnce(&mut Scar) -> T) -> T {
        let mut scars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(scars.entry(message).or_default())
    }
}

/// What a pass did and what it left.
#[derive(Debug, Default)]
pub struct Report {
    pub carried: Both<u64>,
    pub bytes: u64,
    pub adopted: u64,
    pub marked: u64,
    pub moved: u64,
    pub deleted: u64,
    pub folder_steps: u64,
    pub parked: u64,
    pub folders: u32,
    /// Brakes that hold something back, with the folder's name.
    pub held: Vec<(Brake, Option<FolderPath>)>,
    /// Folders that could not be worked on, and why. The rest of the account went on.
    pub trouble: Vec<(Option<FolderPath>, Error)>,
    /// A look right now would find nothing to do, as far as this pass knows.
    pub settled: bool,
    /// When a suspicion can be confirmed at the earliest.
    pub wake_at_ms: Option<u64>,
    /// What a dry run would do.
    pub plan: Option<plan::AccountPlan>,
}

/// The running state of a pass: what is known of the account, kept in step with the book.
pub struct Run<'a> {
    pub pass: &'a Pass<'a>,
    pub state: AccountState,
    pub report: Report,
    /// Nothing was known of the account when the pass began.
    pub is_first_copy: bool,
    /// How many lanes this pass uses, see [`lanes_for`].
    pub lanes: usize,
    /// Both sides give back what they were given, so that sizes and bytes are evidence.
    pub keeps_bytes: bool,
    round_trip_ms: u32,
    pub warmth: Warmth,
    /// For so long a message must be missing to be believed gone: as the policy says, and no less than a listing may lag.
    pub grace_ms: Both<u64>,
    /// A folder is missing from a listing and not yet believed gone.
    pub trees_wait: bool,
    /// Folders that this pass could not look at. What is in them is unknown.
    pub unseen: HashSet<FolderId>,
    /// Folders that the other side does not take, or whose new name or subscription it refuses. They can be looked at.
    pub refused: HashSet<FolderId>,
    /// Folders that are gone on both sides. They leave the book at the end of a pass that saw everything, when what was in
    /// them is explained.
    pub forgotten: HashSet<FolderId>,
    /// Folders that are not the ones that we know, while nobody has said that they are right.
    pub strangers: HashSet<FolderId>,
    /// The brakes that would hold something in this pass, had a person not released them.
    pub allowed: Vec<Brake>,
    /// Folders in which this pass deleted something, and on which side.
    pub deleted_in: HashSet<(FolderId, Side)>,
    /// Something is gone, and whether it was deleted is not known yet.
    pub is_undecided: bool,
    /// Folders in which a brake lets nothing happen. They are not the ones that we know.
    pub braked: HashSet<FolderId>,
    /// Announced for folders that are gone or were replaced. What arrived there before may have been moved out of them, so
    /// they stay open until this pass has looked everywhere.
    pub homeless: Vec<u64>,
    /// A side takes no more mail. The pass goes on with what needs no room, and ends with this.
    pub full: Option<Error>,
    /// Folders into which the last process was sending when it ended, and on which side.
    pub interrupted: HashSet<(FolderId, Side)>,
    /// Recovery did not find what had been announced.
    pub gave_up: bool,
    /// Strays that are not in the book yet.
    pub new_strays: HashSet<(FolderId, Side)>,
    /// This pass made work for the next one.
    pub unfinished: bool,
    began_ms: u64,
    next_intent: AtomicU64,
}

impl<'a> Run<'a> {
    fn new(pass: &'a Pass<'a>, state: AccountState, warmth: Warmth) -> Run<'a> {
        let is_first_copy = state.folders.is_empty();
        let last = state.intents.iter().map(|intent| intent.id).max().unwrap_or(0);
        Run {
            pass,
            state,
            report: Report::default(),
            is_first_copy,
            lanes: 1,
            keeps_bytes: true,
            round_trip_ms: 0,
            warmth,
            began_ms: pass.clock.now_ms(),
            grace_ms: Both::new(pass.policy.grace_ms, pass.policy.grace_ms),
            trees_wait: false,
            unseen: HashSet::new(),
            refused: HashSet::new(),
            forgotten: HashSet::new(),
            strangers: HashSet::new(),
            braked: HashSet::new(),
            homeless: Vec::new(),
            full: None,
            allowed: Vec::new(),
            deleted_in: HashSet::new(),
            is_undecided: false,
            interrupted: HashSet::new(),
            gave_up: false,
            new_strays: HashSet::new(),
            unfinished: false,
            next_intent: AtomicU64::new(last + 1),
        }
    }

    /// For the log: where the time of a pass goes.
    fn phase(&self, done: &'static str) {
        tracing::debug!(done, ms = self.pass.clock.now_ms().saturating_sub(self.began_ms), lanes = self.lanes, "phase");
    }

    /// Round trips are what takes the time.
    pub fn is_far(&self) -> bool {
        self.round_trip_ms >= FAR_MS
    }

    /// The size by which a message is recognised: zero where it is no evidence.
    pub fn evident_size(&self, size: u64) -> u64 {
        if self.keeps_bytes { size } else { 0 }
    }

    pub fn intent_id(&self) -> u64 {
        self.next_intent.fetch_add(1, Ordering::Relaxed)
    }

    #[must_use]
    pub fn pair(&self, id: FolderId) -> Option<&FolderPair> {
        self.state.folders.iter().find(|pair| pair.id == id)
    }

    pub fn pair_mut(&mut self, id: FolderId) -> Option<&mut FolderPair> {
        self.state.folders.iter_mut().find(|pair| pair.id == id)
    }

    /// An item is put aside no more.
    pub fn unpark(&mut self, folder: FolderId, side: Side, uid: Uid) -> Option<Change> {
        let before = self.state.parked.len();
        self.state.parked.retain(|item| (item.folder, item.side, item.uid) != (folder, side, uid));
        (self.state.parked.len() < before).then_some(Change::Unpark { folder, side, uid })
    }

    /// The name under which people know the folder: home's, else the other.
    #[must_use]
    pub fn name(&self, id: FolderId) -> Option<FolderPath> {
        let pair = self.pair(id)?;
        let home = self.pass.policy.home;
        pair.paths[home].clone().or_else(|| pair.paths[home.other()].clone())
    }

    /// Some folder could not be looked at, or is missing: what is missing elsewhere may have gone there.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.unseen.is_empty() && !self.trees_wait
    }

    /// Everything that is gone was planned for, so that a brake that does not trip has lost its cause.
    #[must_use]
    pub fn knows_all_losses(&self) -> bool {
        self.sees_everything() && !self.is_undecided
    }

    pub fn trouble(&mut self, folder: FolderId, error: Error) {
        self.unseen.insert(folder);
        self.complain(folder, error);
    }

    /// The trouble of a folder that was looked at all the same.
    pub fn complain(&mut self, folder: FolderId, error: Error) {
        tracing::info!(folder = ?self.name(folder), error = ?error, "a folder could not be brought in step");
        let name = self.name(folder);
        let error = match &name {
            Some(name) => error.with("folder", name),
            None => error,
        };
        self.report.trouble.push((name, error));
    }
}

/// Runs one pass. An error means that the pass could not go on at all; what was done until then is written down, and the
/// next pass goes on from there.
///
/// The future is boxed here so that the whole engine is compiled once, in this crate, and not in each one that runs it.
pub fn run_pass<'a>(pass: &'a Pass<'a>, state: AccountState) -> BoxFuture<'a, Result<Report>> {
    Box::pin(go(pass, state))
}

async fn go(pass: &Pass<'_>, state: AccountState) -> Result<Report> {
    let (warmth, opening) = warmth::beside(pass.sides);
    tokio::select! {
        biased;
        report = work(pass, state, warmth) => report,
        never = opening => match never {},
    }
}

async fn work(pass: &Pass<'_>, state: AccountState, warmth: Warmth) -> Result<Report> {
    let mut run = Run::new(pass, state, warmth);
    witness::accept_released(&mut run).await?;
    let mut listings = folders::list(pass).await?;
    run.round_trip_ms = listings.source.abilities.round_trip_ms.max(listings.target.abilities.round_trip_ms);
    run.lanes = lanes_for(&run);
    run.keeps_bytes = listings.source.abilities.keeps_bytes && listings.target.abilities.keeps_bytes;
    run.grace_ms = Both::from_fn(|side| pass.policy.grace_ms.max(listings[side].abilities.index_lag_ms));
    transfer::warm_for_first_copy(&run, &listings);
    if !pass.dry_run {
        recovery::recover(&mut run, &mut listings).await?;
        if run.gave_up {
            // What was not found where it was meant to be may have been moved since the folders were listed.
            listings = folders::list(pass).await?;
        }
    }
    run.phase("listed");
    let (listings, trees) = folders::bring_in_step(&mut run, listings).await?;
    folders::note_hidden(&mut run, &listings).await?;
    run.phase("trees in step");
    let mut works = looks::look_everywhere(&mut run, &listings, &trees).await?;
    run.phase("looked");
    run.strangers = held::strangers(&run, &works);
    strays::note(&mut run, &works).await?;
    halves::drop_halves(&mut run, &mut works).await?;
    gather::pair_newcomers(&mut run, &mut works).await?;
    missing::hold_back(&run, &mut works).await?;
    let moves = moves::pair_moves(&mut run, &mut works).await?;
    refused::hold_back(&mut run, &mut works, &listings).await?;
    let moved_on = departed::ask(&run, &works, &listings).await?;
    let mut plan = plan::make(&run, &mut works, moves, moved_on);
    held::apply_brakes(&mut run, &mut works, &mut plan, &listings).await?;
    veiled::let_all_sleep(&works, &mut plan);
    pass.observer.event(crate::ports::Event::Planned { messages: plan.creates() });
    if pass.dry_run {
        plan.steps = foresee::steps(&run, &works, &plan, &trees, &listings);
        run.report.plan = Some(plan);
        return Ok(run.report);
    }
    run.phase("planned");
    execute::warm_for_marks(&run, &plan);
    execute::record_findings(&mut run, &mut works, &plan).await?;
    shift::moves(&mut run, &mut works, &mut plan).await?;
    recovery::close_homeless(&mut run, &works).await?;
    transfer::creates(&mut run, &mut works, &mut plan, &listings, &trees).await?;
    run.phase("bodies carried");
    substitutes::follow(&mut run, &mut works, &mut plan).await?;
    execute::marks(&mut run, &mut works, &plan).await?;
    execute::deletes(&mut run, &mut works, &plan).await?;
    removal::remove_gone(&mut run, &mut works, &trees, &listings).await?;
    run.phase("changes done");
    echo::advance_cursors(&mut run, &mut works).await?;
    strays::forget(&mut run, &works).await?;
    identity::learn(&mut run, &works).await?;
    run.phase("cursors advanced");
    held::forget_released(&mut run).await?;
    match run.full.take() {
        Some(full) => Err(full.reaching(Scope::Account)),
        None => finish(run, &works).await,
    }
}

/// Near servers are kept busy by a few lanes, and each further sign-in costs them more than it brings. Over a distance it
/// is the round trips that take the time, and lanes wait for them side by side.
fn lanes_for(run: &Run<'_>) -> usize {
    let wanted = if run.is_far() { usize::MAX } else { NEAR_LANES };
    run.pass.lanes.min(wanted).max(1)
}

/// Sums up. An idle pass writes nothing, so the summary is stored only when something happened or ended.
async fn finish(mut run: Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Result<Report> {
    let missing = run
        .state
        .folders
        .iter()
        .flat_map(|pair| pair.missing_since_ms.iter().filter_map(|(_, since)| *since).collect::<Vec<_>>());
    let missing = missing.filter(|_| run.trees_wait).map(|since| since.saturating_add(run.pass.policy.grace_ms));
    let suspected = run.state.suspected.iter().map(|item| item.since_ms.saturating_add(run.grace_ms[item.side]));
    let wake = suspected.chain(missing).max();
    run.report.wake_at_ms = wake;
    run.report.parked = run.state.parked.len() as u64;
    run.report.folders = u32::try_from(run.state.folders.len()).unwrap_or(u32::MAX);
    // What was announced for a folder that is missing or gone is closed by the next pass.
    let announced = !run.state.intents.is_empty();
    let open = run.unfinished || announced || works.values().any(|work| !work.settled);
    run.report.settled = !open && wake.is_none() && run.report.trouble.is_empty() && run.report.held.is_empty();
    let did = run.report.carried.source
        + run.report.carried.target
        + run.report.marked
        + run.report.moved
        + run.report.deleted
        + run.report.folder_steps
        + run.report.adopted;
    if did > 0 || !run.report.trouble.is_empty() {
        let now = run.pass.clock.now_ms();
        let error = run.report.trouble.first().map(|(_, error)| {
            let args = error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            (error.code().as_str().to_owned(), args)
        });
        let summary = PassSummary {
            at_ms: now,
            last_ok_ms: run.report.settled.then_some(now),
            parked: run.report.parked,
            carried: run.report.carried.source + run.report.carried.target,
            folders: run.report.folders,
            error,
        };
        run.pass.book.commit(vec![Change::Summary(summary)]).await?;
    }
    Ok(run.report)
}

/// Both sides of a folder pair must exist for work on its content.
#[must_use]
pub fn both_paths(pair: &FolderPair) -> Option<Both<FolderPath>> {
    match (&pair.paths.source, &pair.paths.target) {
        (Some(source), Some(target)) => Some(Both::new(source.clone(), target.clone())),
        _ => None,
    }
}

/// Does the whole account stop on this error, or only the folder that met it?
#[must_use]
pub fn stops_the_pass(error: &Error) -> bool {
    error.scope() >= parom_domain::Scope::Account
}
