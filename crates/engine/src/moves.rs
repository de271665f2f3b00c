//! Moves: what is missing in one folder and new in another is one message that somebody moved, and is moved on the other
//! side too.

use crate::gather::{Looks, fetch_stamps};
use crate::likeness::{contents, essences, stamps};
use crate::pass::Run;
use crate::strays;
use crate::work::FolderWork;
use parom_domain::link::{Link, Slot};
use parom_domain::pair::{self, Found, Lost, Moved};
use parom_domain::policy::Deletions;
use parom_domain::state::{FolderId, Moving};
use parom_domain::{Both, Marks, Result, Side, Uid, UidSet};
use std::collections::{BTreeMap, BTreeSet, HashMap};

type Works = BTreeMap<FolderId, FolderWork>;

/// A message that somebody moved, and what carries the move to the other side.
#[derive(Clone, Debug)]
pub struct PlannedMove {
    /// The side that lags behind.
    pub side: Side,
    pub from: FolderId,
    pub to: FolderId,
    pub item: Moving,
    /// The link it has until then, if any. It is given up when the move is settled, not before: a crash in between must
    /// find it.
    pub left: Option<(FolderId, Slot)>,
    /// The marks it has where the person moved it.
    pub marks_there: Marks,
    /// Those that it has on the side that lags behind, where they were changed.
    pub marks_here: Option<Marks>,
}

/// Finds moves across the account's folders. Needs the headers of newcomers only if something is missing somewhere.
pub async fn pair_moves(run: &mut Run<'_>, works: &mut Works) -> Result<Vec<PlannedMove>> {
    let mut moved: Both<Vec<Moved>> = Both::default();
    for side in Side::ALL {
        let lost: Vec<Lost> = works.values().flat_map(|work| lost(work, side)).collect();
        if lost.is_empty() {
            continue;
        }
        for work in works.values_mut().filter(|work| !work.findings.newcomers[side].is_empty()) {
            fetch_stamps(run, work, side).await?;
        }
        let found: Vec<Found> = works
            .values()
            .flat_map(|work| {
                let newcomers = work.findings.newcomers[side].iter();
                newcomers.filter_map(|s| work.stamps[side].get(&s.uid)).map(|stamp| Found::new(work.id, stamp))
            })
            .collect();
        moved[side] = pair::pair_moves(side, &lost, &found);
    }
    let mut planned = crate::overtaken::pair_overtaken(run, works).await?;
    let links: BTreeSet<(FolderId, Slot)> =
        Side::ALL.iter().flat_map(|side| &moved[*side]).map(|change| (change.lost.folder, change.lost.slot)).collect();
    for (folder, slot) in links {
        let of_link = |change: &&Moved| (change.lost.folder, change.lost.slot) == (folder, slot);
        let changes = Both::from_fn(|side| moved[side].iter().find(of_link).copied());
        let is_held =
            |change: &Moved| [change.lost.folder, change.found.folder].iter().any(|id| run.strangers.contains(id));
        if changes.iter().any(|(_, change)| change.as_ref().is_some_and(is_held)) {
            wait_for_look(works, &changes);
            continue;
        }
        match without_doubt(run, works, changes).await? {
            Some(changes) => planned.extend(plan_move(run, works, &changes)),
            None => wait_for_look(works, &changes),
        }
    }
    Ok(planned)
}

/// Link ends that are missing from a folder on one side, as far as a move could explain them.
pub fn lost(work: &FolderWork, side: Side) -> Vec<Lost> {
    let slots = work.findings.gone[side].iter().chain(&work.findings.missing[side]);
    slots
        .filter_map(|slot| Some((*slot, work.links.get(*slot)?)))
        .filter(|(_, link)| !link.is_one_sided())
        .map(|(slot, link)| {
            let on_both = is_lost(work, slot, side.other());
            Lost { folder: work.id, slot, short: link.short, size: link.size, on_both }
        })
        .collect()
}

/// Messages that both sides moved to the same place were adopted there, and their old links have done their duty: kept until
/// the grace is over, they would make whatever is done with the message next look like a move of theirs.
pub fn end_moved_on_both(works: &mut Works, adopted: &Looks) {
    let mut ended: HashMap<(u64, u32), Vec<(FolderId, Slot)>> = HashMap::new();
    for work in works.values().filter(|_| !adopted.is_empty()) {
        for lost in lost(work, Side::Source).into_iter().filter(|lost| lost.on_both && lost.short != 0) {
            ended.entry((lost.short, lost.size)).or_default().push((lost.folder, lost.slot));
        }
    }
    // Where more are missing than were adopted, the others may be back in the next look, and which they are is not known.
    ended.retain(|look, links| adopted.get(look).is_some_and(|count| links.len() <= *count));
    for (folder, slot) in ended.into_values().flatten() {
        let Some(work) = works.get_mut(&folder) else { continue };
        let Some(link) = work.links.get(slot).cloned() else { continue };
        explain_link(work, slot, &link);
        for side in Side::ALL {
            work.findings.gone[side].push(slot);
        }
    }
}

/// Nothing is where that end of the link says.
pub fn is_lost(work: &FolderWork, slot: Slot, side: Side) -> bool {
    work.findings.gone[side].contains(&slot) || work.findings.missing[side].contains(&slot)
}

/// What both sides did with one message, but for what only looked like it: what is said in both places tells. Where sizes
/// are no evidence, everything is in doubt. `None` when a body is gone by now: then it was moved while we looked.
async fn without_doubt(
    run: &Run<'_>,
    works: &Works,
    changes: Both<Option<Moved>>,
) -> Result<Option<Both<Option<Moved>>>> {
    let is_doubtful = |change: &Moved| change.doubtful || !run.keeps_bytes;
    if !changes.iter().any(|(_, change)| change.as_ref().is_some_and(is_doubtful)) {
        return Ok(Some(changes));
    }
    let (Some(source), Some(target)) = (place(works, &changes, Side::Source), place(works, &changes, Side::Target))
    else {
        // Where it is on the other side is not known yet.
        return Ok(Some(changes));
    };
    let is_altered = changes.iter().any(|(_, change)| change.as_ref().is_some_and(Moved::is_altered));
    let mut bodies = Vec::new();
    for (side, (folder, uid)) in [(Side::Source, source), (Side::Target, target)] {
        let Some(work) = works.get(&folder) else { continue };
        let read = if is_altered {
            essences(run, work, side, &[uid]).await?
        } else {
            contents(run, work, side, &[uid]).await?
        };
        if read.is_empty() && is_gone_by_now(run, work, side, uid).await? {
            return Ok(None);
        }
        bodies.extend(read.into_iter().map(|(_, hash)| hash));
    }
    let is_one = match bodies.as_slice() {
        [source, target] => source == target,
        // Exchange does not give every body. What it cannot show is not deleted elsewhere for that.
        _ => !run.keeps_bytes,
    };
    Ok(Some(changes.map(|change| change.filter(|change| is_one || !is_doubtful(change)))))
}

/// A server may also list a message whose body it does not give.
async fn is_gone_by_now(run: &Run<'_>, work: &FolderWork, side: Side, uid: Uid) -> Result<bool> {
    let (Some(path), Some(validity)) = (&work.paths[side], work.validity(side)) else { return Ok(false) };
    Ok(stamps(run, side, path, validity, &UidSet::range(uid, uid)).await?.is_empty())
}

/// Leaves a message to the next look, which sees where it is now: nothing of it is deleted or carried before.
fn wait_for_look(works: &mut Works, changes: &Both<Option<Moved>>) {
    for change in changes.iter().filter_map(|(_, change)| *change) {
        let link = works.get(&change.lost.folder).and_then(|work| work.links.get(change.lost.slot)).cloned();
        if let Some(link) = link {
            keep(works, &change, &link);
        }
        if let Some(work) = works.get_mut(&change.found.folder) {
            work.take_newcomer(change.side, change.found.uid);
            work.failed = true;
            work.settled = false;
        }
    }
}

/// Where a message is now on one side.
fn place(works: &Works, changes: &Both<Option<Moved>>, side: Side) -> Option<(FolderId, Uid)> {
    if let Some(change) = changes[side] {
        return Some((change.found.folder, change.found.uid));
    }
    let lost = changes[side.other()]?.lost;
    let work = works.get(&lost.folder).filter(|work| !is_lost(work, lost.slot, side))?;
    Some((lost.folder, work.links.get(lost.slot)?.uids[side]?))
}

/// Takes a move out of the findings of both folders and says what carries it over. Where both sides moved the message,
/// home's move wins, and the other side's message goes from where it is to where home has it. But a message that was only
/// put back goes along with a move, and a folder that is being removed takes nothing.
fn plan_move(run: &mut Run<'_>, works: &mut Works, changes: &Both<Option<Moved>>) -> Option<PlannedMove> {
    let home = run.pass.policy.home;
    let mut ways: Vec<Moved> = [changes[home], changes[home.other()]].into_iter().flatten().collect();
    ways.sort_by_key(Moved::is_put_back);
    let is_possible = |change: &Moved| {
        let destination = works.get(&change.found.folder);
        run.pass.policy.writes(change.side.other())
            && destination
                .is_some_and(|work| work.is_open() && work.newcomer_marks(change.side, change.found.uid).is_some())
    };
    let change = ways.iter().copied().find(is_possible).or_else(|| ways.into_iter().next())?;
    let other = change.side.other();
    let link = works.get(&change.lost.folder)?.links.get(change.lost.slot)?.clone();
    if changes[other].is_none() && is_lost(works.get(&change.lost.folder)?, change.lost.slot, other) {
        // It was deleted there, or moved to where this look did not see it.
        if !is_believed_gone(run, works, &change) {
            postpone(run, works, &change, &link);
        }
        return None;
    }
    if !is_possible(&change) {
        if is_to_be_made(run, works, &change) {
            // The move is carried over when the folder is there.
            keep(works, &change, &link);
        } else if changes[other].is_some() {
            // Both places are in folders that are gone on one side, and what is new in them keeps them alive. The link is not
            // kept, as its own folder may be one of them: what the message looks like is.
            strays::add(run, change.lost.folder, change.side, &[(link.short, link.size)]);
        }
        return None;
    }
    let (from, uid) = place(works, changes, other)?;
    if changes[other].is_some() && from == change.found.folder {
        return None;
    }
    let mut marks_here = marks_of(works.get(&change.lost.folder)?, change.lost.slot, other);
    explain(works, &change, &link)?;
    if changes[other].is_some() {
        marks_here = works.get_mut(&from)?.take_newcomer(other, uid).map(|sighting| sighting.marks);
    }
    let sighting = works.get_mut(&change.found.folder)?.take_newcomer(change.side, change.found.uid)?;
    if change.is_put_back() {
        put_back(works.get_mut(&change.lost.folder)?, &change);
        return None;
    }
    Some(PlannedMove {
        left: Some((change.lost.folder, change.lost.slot)),
        marks_there: sighting.marks,
        marks_here,
        side: other,
        from,
        to: change.found.folder,
        item: Moving { uid, other: Some(change.found.uid), short: link.short, size: link.size, marks: link.base },
    })
}

/// The marks of a linked message on a side, where they are not those that were agreed.
fn marks_of(work: &FolderWork, slot: Slot, side: Side) -> Option<Marks> {
    let mut seen = work.findings.changed.iter().chain(&work.findings.in_passing);
    seen.find(|(changed, _)| *changed == slot)?.1[side].clone()
}

/// The folder into which it was moved is gone on the other side, and the message keeps it alive: the next pass makes it there
/// anew. A folder that is being removed itself waits for no other: two of them might wait for each other.
fn is_to_be_made(run: &Run<'_>, works: &Works, change: &Moved) -> bool {
    let (policy, other) = (&run.pass.policy, change.side.other());
    let gone_on = |folder: FolderId| works.get(&folder).and_then(|work| work.gone_side);
    gone_on(change.found.folder) == Some(other)
        && gone_on(change.lost.folder).is_none()
        && policy.writes(other)
        && policy.deletions != Deletions::Never
}

/// Nothing is deleted for what a link lost, and the folder that the message left is looked at again from where it stood.
fn keep(works: &mut Works, change: &Moved, link: &Link) {
    let Some(work) = works.get_mut(&change.lost.folder) else { return };
    for side in Side::ALL {
        work.findings.gone[side].retain(|slot| *slot != change.lost.slot);
        work.findings.clear[side].retain(|uid| link.uids[side] != Some(*uid));
    }
    work.failed = true;
    work.settled = false;
}

/// What a link lost is explained: it is neither gone nor under suspicion any more.
fn explain(works: &mut Works, change: &Moved, link: &Link) -> Option<()> {
    explain_link(works.get_mut(&change.lost.folder)?, change.lost.slot, link);
    Some(())
}

fn explain_link(work: &mut FolderWork, slot: Slot, link: &Link) {
    for side in Side::ALL {
        work.findings.gone[side].retain(|gone| *gone != slot);
        work.findings.missing[side].retain(|missing| *missing != slot);
        if let Some(uid) = link.uids[side] {
            work.findings.suspect[side].retain(|suspect| *suspect != uid);
            work.findings.clear[side].push(uid);
        }
    }
    work.findings.changed.retain(|(changed, _)| *changed != slot);
}

/// The message has another UID in its folder. Its marks, on either side, are left to the next look.
fn put_back(work: &mut FolderWork, change: &Moved) {
    work.links.set_uid(change.lost.slot, change.side, Some(change.found.uid));
    work.failed = true;
    work.settled = false;
}

/// Is the other end of what was moved deleted for sure? It may have been moved while we looked, or into a folder that we
/// could not look at. So it has to be missing still a grace after a look that saw everything.
fn is_believed_gone(run: &Run<'_>, works: &Works, change: &Moved) -> bool {
    let other = change.side.other();
    let Some(work) = works.get(&change.lost.folder) else { return false };
    let uid = work.links.get(change.lost.slot).and_then(|link| link.uids[other]);
    let now_ms = run.pass.clock.now_ms();
    let grace_ms = run.grace_ms[other];
    let unseen_until = works.values().filter(|work| work.gone_side.is_some()).filter_map(|work| run.pair(work.id));
    let unseen_until = unseen_until.flat_map(|pair| pair.missing_since_ms.iter().filter_map(|(_, since)| *since).max());
    let unseen_until = unseen_until.max().unwrap_or(0);
    let is_old = run.state.suspected.iter().any(|item| {
        (item.folder, item.side, Some(item.uid)) == (work.id, other, uid)
            && item.since_ms > unseen_until
            && now_ms.saturating_sub(item.since_ms) >= grace_ms
    });
    is_old && run.sees_everything() && work.findings.gone[other].contains(&change.lost.slot)
}

/// What was moved here is missing on the other side too, and whether it was deleted or moved there is not known yet. It
/// waits until that suspicion is confirmed or cleared: both folders are looked at again from where they stood.
fn postpone(run: &Run<'_>, works: &mut Works, change: &Moved, link: &Link) {
    for id in [change.lost.folder, change.found.folder] {
        if let Some(work) = works.get_mut(&id) {
            work.failed = true;
            work.settled = false;
        }
    }
    let other = change.side.other();
    if let Some(work) = works.get_mut(&change.lost.folder) {
        for side in Side::ALL {
            work.findings.gone[side].retain(|slot| *slot != change.lost.slot);
        }
        if let Some(uid) = link.uids[other] {
            let known = |item: &parom_domain::state::Suspected| {
                (item.folder, item.side, item.uid) == (change.lost.folder, other, uid)
            };
            // A suspicion that is old enough and not believed began before everything was seen: it begins anew.
            let is_old = |item: &parom_domain::state::Suspected| {
                known(item) && run.pass.clock.now_ms().saturating_sub(item.since_ms) >= run.grace_ms[other]
            };
            let suspected = &run.state.suspected;
            let begins = suspected.iter().any(is_old) || !suspected.iter().any(known);
            work.findings.clear[other].retain(|cleared| *cleared != uid);
            if begins && !work.findings.suspect[other].contains(&uid) {
                work.findings.suspect[other].push(uid);
            }
        }
    }
    if let Some(work) = works.get_mut(&change.found.folder) {
        work.take_newcomer(change.side, change.found.uid);
    }
}
