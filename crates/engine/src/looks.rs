//! The looks of a pass: every folder that may have changed is observed on both sides, and compared with what is known of it.

use crate::lanes::{side_by_side, split};
use crate::pass::{Run, both_paths, stops_the_pass};
use crate::work::{FolderWork, Open, Seen};
use crate::{likeness, relink, witness};
use futures_util::future::{BoxFuture, join};
use parom_domain::endpoint::{Cursor, Holds, Listing, LookAt, Looked, Sighting, Snapshot};
use parom_domain::link::LinkTable;
use parom_domain::look;
use parom_domain::state::{FolderId, FolderPair, Suspected};
use parom_domain::tree::TreePlan;
use parom_domain::uid::UidSet;
use parom_domain::{Both, Code, Error, FolderPath, Marks, Result, Side, Uid};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What an answer that tells everything is taken to be worth where nothing says how much there is.
const UNKNOWN_MESSAGES: u64 = 1000;

/// So many messages to list are worth a connection of their own.
const WORTH_A_CONNECTION: u64 = 2000;

/// A folder to look at.
struct Job {
    pair: FolderPair,
    links: LinkTable,
    gone_side: Option<Side>,
    questions: Both<Question>,
}

/// What a side is asked about a folder.
enum Question {
    /// It has no such folder.
    Nothing,
    /// The listing has told everything already.
    Known(Snapshot),
    /// The number is how many messages the answer may tell of.
    Ask(LookAt, u64),
}

/// Looks at every folder that may have changed. A folder that cannot be opened is that folder's trouble.
pub async fn look_everywhere(
    run: &mut Run<'_>,
    listings: &Both<Listing>,
    trees: &TreePlan,
) -> Result<BTreeMap<FolderId, FolderWork>> {
    let mut jobs = jobs(run, listings, trees).await?;
    let asked = witness::choose(jobs.iter().map(|job| &job.pair));
    if let Some(job) = asked.and_then(|at| jobs.get_mut(at)) {
        for side in Side::ALL {
            if let Question::Ask(look, _) = &mut job.questions[side] {
                look.ask = witness::sample(&job.pair, &job.links, side);
            }
        }
    }
    let (source, target) = join(observe(run, &jobs, Side::Source), observe(run, &jobs, Side::Target)).await;
    let mut answers = Both::new(source, target);
    if let Some((at, job)) = asked.and_then(|at| Some((at, jobs.get(at)?))) {
        for side in Side::ALL {
            if let Some(Ok(looked)) = answers[side].get(&at)
                && !witness::knows(&job.pair, &job.links, side, looked)
            {
                return Err(witness::hold(run, side).await?);
            }
        }
    }
    let results = {
        let run = &*run;
        let mut compared: Vec<BoxFuture<'_, (FolderId, Result<FolderWork>)>> = Vec::with_capacity(jobs.len());
        for (at, job) in jobs.into_iter().enumerate() {
            let looked = Both::from_fn(|side| answers[side].remove(&at));
            compared.push(Box::pin(async move { (job.pair.id, compare(run, job, looked).await) }));
        }
        side_by_side(run.lanes, compared).await
    };
    let mut works = BTreeMap::new();
    for (id, result) in results {
        match result {
            Ok(work) => {
                works.insert(id, work);
            }
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(error) => run.trouble(id, error),
        }
    }
    Ok(works)
}

async fn jobs(run: &mut Run<'_>, listings: &Both<Listing>, trees: &TreePlan) -> Result<Vec<Job>> {
    let gone: HashMap<FolderId, Side> = trees.gone.iter().copied().collect();
    let active: HashSet<FolderId> = trees.active.iter().copied().collect();
    let by_path: Both<HashMap<&FolderPath, Option<Cursor>>> =
        Both::from_fn(|side| listings[side].folders.iter().map(|folder| (&folder.path, folder.status)).collect());
    let mut jobs = Vec::new();
    let mut troubles = Vec::new();
    for pair in &run.state.folders {
        let gone_side = gone.get(&pair.id).copied();
        if gone_side.is_none() && (!active.contains(&pair.id) || both_paths(pair).is_none()) {
            continue;
        }
        // Recovery left something half done in it.
        if run.unseen.contains(&pair.id) {
            continue;
        }
        let status =
            Both::from_fn(|side| pair.paths[side].as_ref().and_then(|path| by_path[side].get(path).copied()).flatten());
        if gone_side.is_none() && is_idle(run, pair, &status) {
            continue;
        }
        let links = match run.pass.book.links(pair.id).await {
            Ok(links) => links,
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(error) => {
                troubles.push((pair.id, error));
                continue;
            }
        };
        let questions = Both::from_fn(|side| match gone_side {
            Some(gone) if gone == side => Question::Nothing,
            _ => question(run, pair, &links, side, &status),
        });
        jobs.push(Job { pair: pair.clone(), links, gone_side, questions });
    }
    for (id, error) in troubles {
        run.trouble(id, error);
    }
    Ok(jobs)
}

/// Both sides stand where they stood, and nothing is open: no links are loaded and no folder is opened.
fn is_idle(run: &Run<'_>, pair: &FolderPair, status: &Both<Option<Cursor>>) -> bool {
    Side::ALL.iter().all(|side| status[*side].is_some_and(|status| stands_still(run, pair, *side, &status)))
}

/// Nothing has changed on this side since its cursor, and nothing there is under suspicion.
fn stands_still(run: &Run<'_>, pair: &FolderPair, side: Side, status: &Cursor) -> bool {
    // Without a MODSEQ flags change unseen; an empty folder has none to change.
    let tells_all = status.modseq > 0 || status.exists == 0;
    let is_suspected = |item: &Suspected| (item.folder, item.side) == (pair.id, side);
    tells_all && pair.cursors[side].as_ref() == Some(status) && !run.state.suspected.iter().any(is_suspected)
}

/// What a look from the cursor would find. That it is not opened means that nobody knows which marks the folder holds: an
/// endpoint leaves out what it does not.
fn unchanged(cursor: Cursor) -> Snapshot {
    Snapshot {
        cursor,
        holds: Holds { marks: Marks::from_system(31), any_keyword: true },
        present: Vec::new(),
        listed: (cursor.exists == 0).then(UidSet::new),
        vanished: UidSet::new(),
    }
}

fn question(
    run: &Run<'_>,
    pair: &FolderPair,
    links: &LinkTable,
    side: Side,
    statuses: &Both<Option<Cursor>>,
) -> Question {
    let Some(folder) = pair.paths[side].clone() else { return Question::Nothing };
    if let Some(known) = statuses[side].filter(|_| links.count(side) == 0 && pair.cursors[side].is_none())
        && let Some(uids) = listed_by_numbers(run, &known, statuses[side.other()])
    {
        let present = uids.iter().map(|uid| Sighting { uid, marks: Marks::default() }).collect();
        return Question::Known(Snapshot { present, listed: Some(uids), ..unchanged(known) });
    }
    // The inbox tells whose mailbox it is, and is asked even so.
    let still = statuses[side].filter(|status| !folder.is_inbox() && stands_still(run, pair, side, status));
    if let Some(still) = still {
        return Question::Known(unchanged(still));
    }
    // Only a complete listing confirms a suspicion or clears it: a delta says nothing of what vanished before it.
    let (now, grace) = (run.pass.clock.now_ms(), run.grace_ms[side]);
    let suspected = run.state.suspected.iter().filter(|item| item.folder == pair.id && item.side == side);
    let full = suspected.into_iter().any(|item| now.saturating_sub(item.since_ms) >= grace);
    // A cursor that covers nothing yet (written before the first copy) asks for everything.
    let since = pair.cursors[side].filter(|cursor| !full && cursor.modseq > 0);
    let messages = match since {
        Some(_) => 0,
        None => statuses[side].map_or(UNKNOWN_MESSAGES, |status| u64::from(status.exists)),
    };
    Question::Ask(LookAt { folder, since, ask: UidSet::new() }, messages)
}

/// The UIDs of a folder of which nothing is known yet, where its numbers tell them and nothing else is needed of it.
fn listed_by_numbers(run: &Run<'_>, status: &Cursor, other: Option<Cursor>) -> Option<UidSet> {
    if status.exists == 0 {
        return Some(UidSet::new());
    }
    // Messages have different UIDs, all below UIDNEXT (RFC 3501 section 2.3.1.1): as many as there are numbers have all of
    // them. Their marks are read with their bodies, so this serves a first copy into an empty folder, where nothing is paired
    // and nothing was moved.
    let fresh = run.is_first_copy && other.is_some_and(|other| other.exists == 0);
    let last = Uid::new(status.exists).filter(|_| fresh && status.exists.checked_add(1) == Some(status.uidnext))?;
    Some(UidSet::range(Uid::MIN, last))
}

/// Asks one side everything that it is to be asked. Answers come under the positions of their jobs.
async fn observe(run: &Run<'_>, jobs: &[Job], side: Side) -> HashMap<usize, Result<Looked>> {
    let mut answers = HashMap::new();
    let (mut places, mut looks) = (Vec::new(), Vec::new());
    for (at, job) in jobs.iter().enumerate() {
        match &job.questions[side] {
            Question::Nothing => {}
            Question::Known(snapshot) => {
                answers.insert(at, Ok(Looked { snapshot: snapshot.clone(), stamps: Vec::new() }));
            }
            Question::Ask(look, messages) => {
                places.push(at);
                looks.push((look.clone(), *messages));
            }
        }
    }
    answers.extend(places.into_iter().zip(observe_many(run, side, looks).await));
    answers
}

/// Looks at many folders of one side, over as many connections as the answers are worth. The numbers say how many messages
/// each answer may tell of. One result for each, in order.
pub async fn observe_many(run: &Run<'_>, side: Side, looks: Vec<(LookAt, u64)>) -> Vec<Result<Looked>> {
    let weights: Vec<u64> = looks.iter().map(|(_, messages)| *messages).collect();
    let mut looks = looks.into_iter().map(|(look, _)| look);
    let mut flights: Vec<BoxFuture<'_, (usize, Vec<Result<Looked>>)>> = Vec::new();
    for (at, count) in split(&weights, WORTH_A_CONNECTION, run.lanes).into_iter().enumerate() {
        let looks: Vec<LookAt> = looks.by_ref().take(count).collect();
        flights.push(Box::pin(async move {
            if run.pass.observer.should_stop() {
                return (at, looks.iter().map(|_| Err(crate::ports::cancelled())).collect());
            }
            (at, run.pass.sides[side].observe_all(&looks).await)
        }));
    }
    let mut results = side_by_side(run.lanes, flights).await;
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().flat_map(|(_, results)| results).collect()
}

/// Compares what was seen with what is known of the folder, and looks again where that asks for it.
async fn compare(run: &Run<'_>, job: Job, answers: Both<Option<Result<Looked>>>) -> Result<FolderWork> {
    let Job { pair, links, gone_side, .. } = job;
    let mut open = Open::of(pair.id, &run.state.parked, &run.state.suspected, &run.state.recent);
    let Both { source, target } = answers;
    let source = seen(run, &pair, Side::Source, source).await?;
    let mut seen = Both::new(source, seen(run, &pair, Side::Target, target).await?);
    let mut work = FolderWork::new(&pair, links, gone_side);
    relink_if_replaced(run, &pair, &mut work, &mut seen).await?;
    work.is_guessed = gone_side.is_some_and(|gone| work.renumbered[gone.other()]);
    // What was known of UIDs that mean something else now is not known any more.
    let mut stale = Both::<(Vec<Uid>, Vec<Uid>)>::default();
    for side in Side::ALL.into_iter().filter(|side| work.renumbered[*side]) {
        stale[side].0 = open.suspected[side].drain().map(|(uid, _)| uid).collect();
        stale[side].1 = open.parked[side].drain().collect();
    }
    for side in Side::ALL {
        if let Some(snapshot) = &seen[side] {
            work.unlearn(side, snapshot);
            if let Some(covered) = pair.cursors[side].filter(|_| run.interrupted.contains(&(pair.id, side))) {
                work.doubt(side, snapshot, covered);
            }
        }
    }
    let known = open.known(&work.links, run);
    let mut findings = look::look(&known, seen.as_ref().map(Option::as_ref));
    // The free audit: a delta that does not add up is not believed, and everything is listed.
    for side in Side::ALL {
        let Some(snapshot) = &seen[side] else { continue };
        if !look::adds_up(&known, side, snapshot, &findings) {
            tracing::info!(side = %side, folder = ?pair.paths[side], "the delta does not add up; listing the folder");
            let path = pair.paths[side].as_ref().ok_or_else(|| Error::internal("a folder without a name"))?;
            seen[side] = Some(run.pass.sides[side].observe(path, None).await?);
            findings = look::look(&known, seen.as_ref().map(Option::as_ref));
        }
    }
    if let Some(side) = gone_side {
        // The folder is gone with all that was in it.
        findings.gone[side] = work.links.iter().filter(|(_, l)| l.uids[side].is_some()).map(|(slot, _)| slot).collect();
        findings.set_aside_gone();
    }
    for side in Side::ALL {
        findings.clear[side].append(&mut stale[side].0);
        findings.unpark[side].append(&mut stale[side].1);
    }
    work.findings = findings;
    work.seen = seen.map(|snapshot| snapshot.as_ref().map(Seen::of));
    Ok(work)
}

async fn seen(
    run: &Run<'_>,
    pair: &FolderPair,
    side: Side,
    answer: Option<Result<Looked>>,
) -> Result<Option<Snapshot>> {
    match answer {
        // The cursor speaks of another folder of that name: everything is listed, and compared by what it is.
        Some(Err(error)) if error.code() == Code::ValidityChanged => {
            let path = pair.paths[side].as_ref().ok_or_else(|| Error::internal("a folder without a name"))?;
            run.pass.sides[side].observe(path, None).await.map(Some)
        }
        Some(answer) => answer.map(|looked| Some(looked.snapshot)),
        None => Ok(None),
    }
}

/// A folder under another UIDVALIDITY, or with a UIDNEXT that went back, is paired anew from its headers. Nothing is
/// deleted for it; what does not look like the old folder waits for a person.
async fn relink_if_replaced(
    run: &Run<'_>,
    pair: &FolderPair,
    work: &mut FolderWork,
    seen: &mut Both<Option<Snapshot>>,
) -> Result<()> {
    for side in Side::ALL {
        let (Some(cursor), Some(snapshot)) = (pair.cursors[side], &seen[side]) else { continue };
        let now = snapshot.cursor;
        let other_validity = now.validity != cursor.validity;
        let back = !other_validity && now.uidnext > 0 && now.uidnext < cursor.uidnext;
        if !other_validity && !back {
            continue;
        }
        work.renumbered[side] = true;
        let path = pair.paths[side].as_ref().ok_or_else(|| Error::internal("a folder without a name"))?;
        let endpoint = run.pass.sides[side];
        let full = endpoint.observe(path, None).await?;
        let uids: UidSet = full.present.iter().map(|sighting| sighting.uid).collect();
        let stamps = likeness::stamps(run, side, path, full.cursor.validity, &uids).await?;
        let agreement = relink::relink(&mut work.links, side, &stamps);
        let (known, found) = (agreement.known, agreement.found);
        tracing::warn!(side = %side, folder = ?path, known, found, "the folder was renumbered; paired anew from its headers");
        work.went_back[side] = back && !agreement.is_plausible();
        work.replaced[side] = other_validity && !agreement.is_plausible();
        seen[side] = Some(full);
        // Messages that lost their link are newcomers on the other side, and a delta would not show them.
        work.strays[side] = agreement.dropped;
        if !work.strays[side].is_empty()
            && let Some(path) = &pair.paths[side.other()]
            && work.gone_side.is_none()
        {
            seen[side.other()] = Some(run.pass.sides[side.other()].observe(path, None).await?);
        }
    }
    Ok(())
}
