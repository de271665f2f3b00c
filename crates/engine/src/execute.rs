//! Does what the plan says, but for bodies: records findings, moves, marks, deletions.

use crate::lanes::{side_by_side, split};
use crate::pass::{Run, stops_the_pass};
use crate::plan::{AccountPlan, Removal, removal};
use crate::ports::Event;
use crate::recovery::settle_moved;
use crate::work::FolderWork;
use crate::{halves, held, likeness, strays};
use futures_util::future::BoxFuture;
use parom_domain::endpoint::{Cursor, MarkChange, Marked, Removed, Shifted};
use parom_domain::link::{Link, Slot};
use parom_domain::state::{Change, FolderId, Intent, Moving, Suspected, Work};
use parom_domain::uid::UidSet;
use parom_domain::{Both, Code, Error, FolderPath, Marks, Result, Retry, Scope, Side, Uid, recover};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

type Works = BTreeMap<FolderId, FolderWork>;

/// Writes down what the looks found and what needs no server: pairs, suspicions, parked items that went away, links that
/// end or keep one end only.
pub async fn record_findings(run: &mut Run<'_>, works: &mut Works, plan: &AccountPlan) -> Result<()> {
    let now_ms = run.pass.clock.now_ms();
    // INVARIANT: one commit for all folders. A message that both sides moved leaves the book in one folder and enters it in
    // another; a crash in between would leave it unlinked on both sides.
    let mut changes = Vec::new();
    for work in works.values_mut() {
        let folder = work.id;
        for side in Side::ALL {
            // Old suspicions end first: after a renumbering the same UID may come under a new one.
            for uid in &work.findings.clear[side] {
                let known = |item: &Suspected| item.folder == folder && item.side == side && item.uid == *uid;
                // Cleared because it is gone for sure: then it stays noted until the deletion is done.
                let gone = work.links.slot(side, *uid).is_some_and(|slot| work.findings.gone[side].contains(&slot));
                if !gone && run.state.suspected.iter().any(known) {
                    run.state.suspected.retain(|item| !known(item));
                    changes.push(Change::Unsuspect { folder, side, uid: *uid });
                }
            }
            for uid in &work.findings.suspect[side] {
                let item = Suspected { folder, side, uid: *uid, since_ms: now_ms };
                run.state.suspected.retain(|old| (old.folder, old.side, old.uid) != (folder, side, *uid));
                run.state.suspected.push(item);
                changes.push(Change::Suspect(item));
            }
            for uid in &work.findings.unpark[side] {
                run.state.parked.retain(|item| !(item.folder == folder && item.side == side && item.uid == *uid));
                changes.push(Change::Unpark { folder, side, uid: *uid });
            }
        }
        if let Some(folder_plan) = plan.folders.get(&folder) {
            for slot in &folder_plan.forget {
                changes.extend(end_suspicions(run, work, *slot));
                work.links.remove(*slot);
            }
            for (slot, gone) in &folder_plan.sleep {
                changes.extend(end_suspicions(run, work, *slot));
                work.links.set_uid(*slot, *gone, None);
            }
            for side in Side::ALL {
                for uid in &folder_plan.known[side] {
                    let mut uids = Both::default();
                    uids[side] = Some(*uid);
                    work.links.insert(Link { uids, base: Marks::default(), short: 0, size: 0 });
                }
            }
        }
        changes.extend(work.link_changes());
        changes.extend(restart_cursors(run, work));
    }
    changes.extend(strays::take_changes(run));
    let linked = plan.folders.keys().chain(plan.moves.iter().map(|planned| &planned.to));
    let linked: BTreeSet<FolderId> = linked.copied().chain(changes.iter().filter_map(linked_by)).collect();
    for folder in linked {
        changes.extend(begin_cursors(run, works, folder));
    }
    run.pass.book.commit(changes).await
}

fn linked_by(change: &Change) -> Option<FolderId> {
    if let Change::PutLinks { folder, .. } = change { Some(*folder) } else { None }
}

/// Before anything is linked or announced in a folder, the book knows under which UIDVALIDITY: a cursor that covers nothing
/// yet. Else the links would be believed of any folder that has the name later.
fn begin_cursors(run: &mut Run<'_>, works: &Works, folder: FolderId) -> Vec<Change> {
    let (Some(work), Some(pair)) = (works.get(&folder), run.pair_mut(folder)) else { return Vec::new() };
    let mut changes = Vec::new();
    for side in Side::ALL {
        let Some(seen) = work.seen[side].as_ref().filter(|_| pair.cursors[side].is_none()) else { continue };
        let cursor = Some(Cursor::covering_nothing(seen.cursor.validity));
        pair.cursors[side] = cursor;
        changes.push(Change::SetCursor { folder, side, cursor });
    }
    changes
}

/// Links of other UIDs make a cursor stale: where they are, and where the messages are that lost theirs. Should this pass
/// not get to its end, the next one lists everything there.
pub fn restart_cursors(run: &mut Run<'_>, work: &FolderWork) -> Vec<Change> {
    let mut changes = Vec::new();
    let is_stale = |side: &Side| work.renumbered[*side] || work.relook[*side] || !work.strays[side.other()].is_empty();
    for side in Side::ALL.into_iter().filter(is_stale) {
        let (Some(seen), Some(pair)) = (work.seen[side].as_ref(), run.pair_mut(work.id)) else { continue };
        let cursor = Some(Cursor::covering_nothing(seen.cursor.validity));
        pair.cursors[side] = cursor;
        changes.push(Change::SetCursor { folder: work.id, side, cursor });
    }
    changes
}

/// A link that ends takes the suspicions about its ends along.
fn end_suspicions(run: &mut Run<'_>, work: &FolderWork, slot: Slot) -> Vec<Change> {
    let Some(link) = work.links.get(slot) else { return Vec::new() };
    let mut changes = Vec::new();
    for side in Side::ALL {
        let Some(uid) = link.uids[side] else { continue };
        let known = |item: &Suspected| item.folder == work.id && item.side == side && item.uid == uid;
        if run.state.suspected.iter().any(known) {
            run.state.suspected.retain(|item| !known(item));
            changes.push(Change::Unsuspect { folder: work.id, side, uid });
        }
    }
    changes
}

/// The other side keeps its message, which is known from now on and has no other end.
pub async fn let_sleep(run: &mut Run<'_>, works: &mut Works, folder: FolderId, slot: Slot, gone: Side) -> Result<()> {
    let Some(work) = works.get_mut(&folder) else { return Ok(()) };
    let mut changes = end_suspicions(run, work, slot);
    work.links.set_uid(slot, gone, None);
    changes.extend(work.link_changes());
    run.pass.book.commit(changes).await
}

/// What one folder's failure does: the folder is left as it is, unless the error reaches further.
fn fail(run: &mut Run<'_>, works: &mut Works, folder: FolderId, error: Error) -> Result<()> {
    if stops_the_pass(&error) {
        return Err(error);
    }
    if let Some(work) = works.get_mut(&folder) {
        work.failed = true;
        work.settled = false;
    }
    run.trouble(folder, error);
    Ok(())
}

/// The marks of a message that is moved: those that were agreed, and those that it bears on the side that lags behind and where
/// the person moved it.
struct Shown {
    base: Marks,
    here: Marks,
    there: Marks,
}

/// Carries moves over as moves.
pub async fn moves(run: &mut Run<'_>, works: &mut Works, plan: &mut AccountPlan) -> Result<()> {
    let mut groups: BTreeMap<(FolderId, FolderId, Side), Vec<Moving>> = BTreeMap::new();
    let mut shown: HashMap<(FolderId, Side, Uid), Shown> = HashMap::new();
    let mut left: HashMap<(FolderId, Side, Uid), (FolderId, Slot)> = HashMap::new();
    for planned in std::mem::take(&mut plan.moves) {
        if let Some(link) = planned.left {
            left.insert((planned.from, planned.side, planned.item.uid), link);
        }
        if let Some(uid) = planned.item.other {
            let base = planned.item.marks.clone();
            let here = planned.marks_here.unwrap_or_else(|| base.clone());
            shown.insert((planned.to, planned.side.other(), uid), Shown { base, here, there: planned.marks_there });
        }
        groups.entry((planned.from, planned.to, planned.side)).or_default().push(planned.item);
    }
    for ((from, to, side), items) in groups {
        let others: Vec<Uid> = items.iter().filter_map(|item| item.other).collect();
        match shift(run, works, side, from, to, items, &left).await {
            Ok(moved) => {
                run.report.moved += moved;
                run.pass.observer.event(Event::Moved { count: moved });
            }
            Err(error) => {
                move_refused(run, works, (from, to), error)?;
                continue;
            }
        }
        // Marks that were changed along with the move are merged like any other.
        let Some(work) = works.get(&to) else { continue };
        let mut changed = Vec::new();
        for uid in others {
            let key = (to, side.other(), uid);
            let (Some(slot), Some(marks)) = (work.links.slot(side.other(), uid), shown.remove(&key)) else { continue };
            let (Some(link), Some(seen)) = (work.links.get(slot), &work.seen[side]) else { continue };
            let agreed = Marks::merge(&marks.base, &marks.there, &marks.here);
            // The new folder may not keep what the message bore in its old one.
            let mut has = Both::new(marks.there.clone(), marks.there);
            has[side] = seen.holds.of(&marks.here);
            let (mut never, mut writes) = (Marks::default(), Both::default());
            for side in Side::ALL.into_iter().filter(|side| run.pass.policy.writes(*side)) {
                let (add, remove) = (agreed.minus(&has[side]), has[side].minus(&agreed));
                let unkept = work.unkept(side, &add, &remove);
                writes[side] =
                    Some((add.minus(&unkept), remove.minus(&unkept))).filter(|(a, r)| !(a.is_empty() && r.is_empty()));
                never = never.union(&unkept);
            }
            changed.push((slot, link.uids, writes, agreed.but_for(&never, &link.base)));
        }
        let folder = plan.folders.entry(to).or_default();
        for (slot, uids, writes, agreed) in changed {
            for (side, change) in writes.iter() {
                if let (Some((add, remove)), Some(uid)) = (change.clone(), uids[side]) {
                    let uids = UidSet::range(uid, uid);
                    folder.marks[side].push((MarkChange { uids, add, remove }, vec![slot]));
                }
            }
            if works.get(&to).and_then(|work| work.links.get(slot)).is_some_and(|link| link.base != agreed) {
                folder.rebase.push((slot, agreed));
            }
        }
    }
    Ok(())
}

/// Messages that cannot be moved wait where they are, and hold up nothing else in the two folders.
fn move_refused(run: &mut Run<'_>, works: &mut Works, (from, to): (FolderId, FolderId), error: Error) -> Result<()> {
    let waits = match error.code() {
        Code::MoveRefused => !stops_the_pass(&error),
        Code::QuotaFull => true,
        _ => false,
    };
    for id in [from, to] {
        if let Some(work) = works.get_mut(&id) {
            work.failed |= !waits;
            work.waits |= waits;
            work.settled = false;
        }
    }
    match error.code() {
        Code::MoveRefused if waits => run.complain(from, error),
        Code::QuotaFull => run.full = run.full.take().or(Some(error)),
        _ => fail(run, works, from, error)?,
    }
    Ok(())
}

/// Moves messages on one side, announced before and settled after. Returns how many arrived.
async fn shift(
    run: &mut Run<'_>,
    works: &mut Works,
    side: Side,
    from: FolderId,
    to: FolderId,
    mut items: Vec<Moving>,
    left: &HashMap<(FolderId, Side, Uid), (FolderId, Slot)>,
) -> Result<u64> {
    let place = |works: &Works, id: FolderId| {
        let work = works.get(&id)?;
        Some((
            work.paths[side].clone()?,
            work.seen[side].clone()?,
            work.links.iter().filter_map(|(_, l)| l.uids[side]).max(),
        ))
    };
    let (Some((from_path, from_seen, last_there)), Some((to_path, to_seen, last))) =
        (place(works, from), place(works, to))
    else {
        return Ok(0);
    };
    let mut moved_in_all = 0;
    // What the folder does not keep was not agreed with it, and does not count as removed there later.
    let no_marks = Marks::default();
    let withheld = items.iter().any(|item| !to_seen.holds.unkept(&item.marks, &no_marks).withheld.is_empty());
    items.iter_mut().for_each(|item| item.marks = to_seen.holds.of(&item.marks));
    if let Some(work) = works.get_mut(&to).filter(|_| withheld) {
        work.waits = true;
        work.settled = false;
    }
    for items in items.chunks(500) {
        let intent = Intent {
            id: run.intent_id(),
            at_ms: run.pass.clock.now_ms(),
            work: Work::Move {
                side,
                from,
                to,
                from_validity: from_seen.cursor.validity,
                to_validity: to_seen.cursor.validity,
                floor: to_seen.floor(last),
                items: items.to_vec(),
            },
        };
        let id = intent.id;
        let mut announced = begin_cursors(run, works, to);
        announced.push(Change::OpenIntent(intent));
        // INVARIANT: the intent is durable before the MOVE leaves.
        run.pass.book.commit(announced).await?;
        let uids: UidSet = items.iter().map(|item| item.uid).collect();
        let endpoint = run.pass.sides[side];
        let place = (&from_path, from_seen.cursor.validity);
        let shifted = endpoint.shift(place, &uids, (&to_path, to_seen.cursor.validity)).await;
        let mut shifted = match shifted.map_err(|error| of_move(error, &to_path)) {
            Ok(shifted) => shifted,
            Err(error) => {
                if matches!(error.code(), Code::MoveRefused | Code::QuotaFull)
                    && nothing_moved(run, works, side, (place, to), items).await?
                {
                    // Were it looked up by the next pass, a copy that somebody makes until then would pass for ours.
                    run.pass.book.commit(vec![Change::CloseIntent(id)]).await?;
                }
                return Err(error);
            }
        };
        let new_uids = landed(run, works, side, to, &to_path, items, &shifted).await?;
        let kept: UidSet = shifted.iter().filter(|shifted| shifted.kept).map(|shifted| shifted.old).collect();
        if !kept.is_empty() {
            if kept.iter().any(|uid| !new_uids.contains_key(&uid)) {
                // The announcement stays open, and the next pass looks for the copies again.
                return Err(Error::new(Code::ListingIncomplete, Scope::Folder, Retry::Soon).with("folder", &to_path));
            }
            let removed = endpoint.expunge(&from_path, from_seen.cursor.validity, &kept).await?;
            let removed = held::none_spared(side, removed)?;
            for one in shifted.iter_mut().filter(|one| one.kept) {
                (one.overtaken, one.doubted) = (!removed.there.contains(one.old), removed.doubted);
            }
        }
        if shifted.iter().any(|one| one.doubted) {
            let place = (&from_path, from_seen.cursor.validity);
            let renewed = halves::renewed(run, side, place, from_seen.floor(last_there), items).await?;
            shifted.iter_mut().for_each(|one| one.overtaken |= renewed.contains(one.old));
        }
        let overtaken = shifted.iter().filter(|shifted| shifted.overtaken);
        let overtaken: UidSet = overtaken.filter_map(|shifted| new_uids.get(&shifted.old).copied()).collect();
        let halves = halves::left_behind(run, works, side, to, &overtaken).await?;
        let mut changes = Vec::new();
        for item in items {
            let Some(uid) = new_uids.get(&item.uid) else { continue };
            moved_in_all += 1;
            let old = left.get(&(from, side, item.uid)).copied();
            let old = old.or_else(|| Some((from, works.get(&from)?.links.slot(side, item.uid)?)));
            if let Some((id, slot)) = old
                && let Some(work) = works.get_mut(&id)
            {
                changes.extend(end_suspicions(run, work, slot));
                work.links.remove(slot);
                changes.extend(work.link_changes());
            }
            move_link(works, side, from, to, item, *uid);
            changes.extend(item.other.and_then(|uid| run.unpark(to, side.other(), uid)));
        }
        // What was gone when we came, or went while we were at it, is not explained any more: both folders are looked at
        // again from where they stood.
        let all_moved = overtaken.is_empty() && items.iter().all(|item| new_uids.contains_key(&item.uid));
        for id in [from, to] {
            if let Some(work) = works.get_mut(&id) {
                work.wrote[side] = true;
                work.failed |= !all_moved;
                work.settled &= all_moved;
                changes.extend(work.link_changes());
            }
        }
        run.state.recent.extend(halves.iter().copied());
        changes.extend([Change::Remember(halves), Change::CloseIntent(id)]);
        run.pass.book.commit(changes).await?;
    }
    Ok(moved_in_all)
}

/// After a refusal: are all originals where they were, and is nothing in the new folder that could be their copy?
async fn nothing_moved(
    run: &Run<'_>,
    works: &Works,
    side: Side,
    ((from, validity), to): ((&FolderPath, u32), FolderId),
    items: &[Moving],
) -> Result<bool> {
    let Some(work) = works.get(&to) else { return Ok(false) };
    let (Some(path), Some(seen)) = (&work.paths[side], &work.seen[side]) else { return Ok(false) };
    let uids: UidSet = items.iter().map(|item| item.uid).collect();
    let there = run.pass.sides[side].present(from, validity, &uids).await?;
    if uids.iter().any(|uid| !there.contains(uid)) {
        return Ok(false);
    }
    let last = work.links.iter().filter_map(|(_, link)| link.uids[side]).max();
    let found = likeness::find(run, side, path, seen.cursor.validity, seen.floor(last)).await?;
    let left: HashSet<Uid> = there.iter().collect();
    let answers = recover::recover_moves(items, &left, &found, &work.links, side);
    Ok(answers.iter().all(|answer| *answer == recover::MoveRecovery::Redo))
}

/// It may be the other folder that lacks room or rights.
fn of_move(error: Error, to: &FolderPath) -> Error {
    match error.code() {
        Code::QuotaFull => {
            let full = Error::new(Code::QuotaFull, Scope::Folder, error.retry()).with("folder", to);
            let told = error.args().iter().filter(|(name, _)| *name != "folder");
            told.fold(full, |full, (name, value)| full.with(name, value))
        }
        Code::ChangeRefused => error.renamed(Code::MoveRefused).with("to", to),
        _ => error,
    }
}

fn move_link(works: &mut Works, side: Side, from: FolderId, to: FolderId, item: &Moving, uid: Uid) {
    let Some(mut old) = works.remove(&from) else { return };
    if let Some(new) = works.get_mut(&to) {
        settle_moved(&mut old.links, &mut new.links, side, item, uid);
    }
    works.insert(from, old);
}

/// The new UIDs of moved messages: told by COPYUID, else found by what the messages are.
async fn landed(
    run: &Run<'_>,
    works: &Works,
    side: Side,
    to: FolderId,
    path: &FolderPath,
    items: &[Moving],
    shifted: &[Shifted],
) -> Result<HashMap<Uid, Uid>> {
    let told: HashMap<Uid, Uid> = shifted.iter().filter_map(|shifted| Some((shifted.old, shifted.new?))).collect();
    if shifted.iter().all(|shifted| shifted.new.is_some()) {
        return Ok(told);
    }
    let Some(work) = works.get(&to) else { return Ok(told) };
    let Some(seen) = &work.seen[side] else { return Ok(told) };
    let last = work.links.iter().filter_map(|(_, link)| link.uids[side]).max();
    let found = likeness::find(run, side, path, seen.cursor.validity, seen.floor(last)).await?;
    let moved: HashSet<Uid> = shifted.iter().map(|shifted| shifted.old).collect();
    let items: Vec<Moving> = items.iter().filter(|item| moved.contains(&item.uid)).cloned().collect();
    let answers = recover::recover_moves(&items, &HashSet::new(), &found, &work.links, side);
    let known = items.iter().zip(answers).filter_map(|(item, answer)| match answer {
        recover::MoveRecovery::Done(uid) => Some((item.uid, uid)),
        _ => None,
    });
    Ok(known.collect())
}

/// Asks for the connections that marks will take while bodies are still being carried.
pub fn warm_for_marks(run: &Run<'_>, plan: &AccountPlan) {
    let folders = plan.folders.values().filter(|folder| !Side::ALL.iter().all(|side| folder.marks[*side].is_empty()));
    if run.is_far() {
        run.warmth.wish(folders.count().min(run.lanes));
    }
}

/// What became of the changes of marks in one folder on one side.
type MarkedIn = (FolderId, Side, Marked);

/// So many messages to mark are worth a connection of their own on a near server.
const WORTH_A_CONNECTION: u64 = 400;

/// Brings marks in step, folders side by side. What a server refuses, or does not take for want of rights, is told, and tried
/// again by the next pass.
pub async fn marks(run: &mut Run<'_>, works: &mut Works, plan: &AccountPlan) -> Result<()> {
    let results = {
        let (run, works) = (&*run, &*works);
        let convoys = Side::ALL.into_iter().flat_map(|side| mark_convoys(run, works, plan, side));
        let jobs = convoys.map(|(side, folders)| -> BoxFuture<'_, Vec<MarkedIn>> {
            Box::pin(async move {
                let mut results = Vec::with_capacity(folders.len());
                for (work, changes) in folders {
                    results.push((work.id, side, mark(run, work, changes, side).await));
                }
                results
            })
        });
        side_by_side(run.lanes, jobs.collect()).await
    };
    let mut refused: HashSet<(FolderId, Slot)> = HashSet::new();
    let mut unkept: HashMap<(FolderId, Slot), Marks> = HashMap::new();
    for (id, side, marked) in results.into_iter().flatten() {
        let Some(folder) = plan.folders.get(&id) else { continue };
        if let Some(work) = works.get_mut(&id) {
            // Without an echo a look has to tell what came of it.
            work.wrote[side] |= marked.echo.is_none();
            work.echo[side] = marked.echo;
        }
        let (mut done, mut withheld) = (0u64, Marks::default());
        if let Some(work) = works.get_mut(&id).filter(|_| !marked.missing.is_empty()) {
            // It went somewhere without the mark, which is not agreed then.
            let gone = marked.missing.iter().filter_map(|uid| work.links.slot(side, uid));
            refused.extend(gone.map(|slot| (id, slot)));
            work.waits = true;
            work.settled = false;
        }
        for ((change, slots), result) in folder.marks[side].iter().zip(marked.results) {
            match result {
                Ok(left_out) => {
                    let all = left_out.all();
                    withheld = withheld.union(&left_out.withheld);
                    let is_done = !change.add.union(&change.remove).minus(&all).is_empty();
                    done += if is_done { change.uids.count() } else { 0 };
                    for slot in slots.iter().filter(|_| !all.is_empty()) {
                        let known = unkept.entry((id, *slot)).or_default();
                        *known = known.union(&all);
                    }
                }
                Err(error) => {
                    refused.extend(slots.iter().map(|slot| (id, *slot)));
                    refuse(run, works, id, error)?;
                }
            }
        }
        if !withheld.is_empty() {
            let names: Vec<&str> = withheld.names().collect();
            let error = Error::new(Code::MarksWithheld, Scope::Folder, Retry::WhenFixed);
            refuse(run, works, id, error.with("side", side.as_str()).with("what", names.join(" ")))?;
        }
        run.report.marked += done;
        run.pass.observer.event(Event::Marked { count: done });
    }
    let mut changes = Vec::new();
    for (id, folder) in &plan.folders {
        let Some(work) = works.get_mut(id) else { continue };
        for (slot, marks) in folder.rebase.iter().filter(|(slot, _)| !refused.contains(&(*id, *slot))) {
            let Some(base) = work.links.get(*slot).map(|link| &link.base) else { continue };
            let undone = unkept.remove(&(*id, *slot)).unwrap_or_default();
            let agreed = marks.but_for(&undone, base);
            work.links.set_base(*slot, agreed);
        }
        changes.extend(work.link_changes());
    }
    run.pass.book.commit(changes).await
}

/// What one refused change of marks does: it is tried again by the next pass. All else in the folder goes on, unless the
/// error says more than that.
fn refuse(run: &mut Run<'_>, works: &mut Works, folder: FolderId, error: Error) -> Result<()> {
    if !matches!(error.code(), Code::ChangeRefused | Code::MarksWithheld) || stops_the_pass(&error) {
        return fail(run, works, folder, error);
    }
    if let Some(work) = works.get_mut(&folder) {
        work.waits = true;
        work.settled = false;
    }
    run.complain(folder, error);
    Ok(())
}

/// A folder with what is to be changed there.
type ToMark<'a> = (&'a FolderWork, &'a [(MarkChange, Vec<Slot>)]);

/// Folders that are marked one after the other over one connection. Over a distance each goes by itself, because round trips
/// are what takes the time; on near servers it is signing in.
fn mark_convoys<'a>(
    run: &Run<'_>,
    works: &'a Works,
    plan: &'a AccountPlan,
    side: Side,
) -> Vec<(Side, Vec<ToMark<'a>>)> {
    let folders = plan.folders.iter().filter(|(_, folder)| !folder.marks[side].is_empty());
    let folders: Vec<ToMark<'_>> =
        folders.filter_map(|(id, folder)| Some((works.get(id)?, &folder.marks[side][..]))).collect();
    let weights: Vec<u64> =
        folders.iter().map(|(_, changes)| changes.iter().map(|(change, _)| change.uids.count()).sum()).collect();
    let counts = if run.is_far() { vec![1; folders.len()] } else { split(&weights, WORTH_A_CONNECTION, run.lanes) };
    let mut folders = folders.into_iter();
    counts.into_iter().map(|count| (side, folders.by_ref().take(count).collect())).collect()
}

async fn mark(run: &Run<'_>, work: &FolderWork, changes: &[(MarkChange, Vec<Slot>)], side: Side) -> Marked {
    let (Some(path), Some(seen)) = (&work.paths[side], &work.seen[side]) else {
        return Marked::default();
    };
    let commands: Vec<MarkChange> = changes.iter().map(|(change, _)| change.clone()).collect();
    match run.pass.sides[side].mark(path, &seen.cursor, &commands).await {
        Ok(marked) => marked,
        Err(error) => {
            // One failure for all of them; the first tells why.
            let refused = || Error::new(Code::ChangeRefused, Scope::Folder, Retry::Soon).with("folder", path);
            let rest = commands.iter().skip(1).map(|_| Err(refused()));
            Marked { results: std::iter::once(Err(error)).chain(rest).collect(), ..Marked::default() }
        }
    }
}

/// Deletions come last, when everything that could explain them has been done.
pub async fn deletes(run: &mut Run<'_>, works: &mut Works, plan: &AccountPlan) -> Result<()> {
    for (id, folder) in &plan.folders {
        for side in Side::ALL {
            if folder.deletes[side].is_empty() || works.get(id).is_none_or(|work| work.failed) {
                continue;
            }
            if run.pass.observer.should_stop() {
                return Err(crate::ports::cancelled());
            }
            let outcome = match removal(run, *id, side) {
                Removal::ToTrash(trash) => to_trash(run, works, *id, side, trash, &folder.deletes[side]).await,
                Removal::Expunge => expunge(run, works, *id, side, &folder.deletes[side]).await,
            };
            match outcome {
                Ok(count) => {
                    run.report.deleted += count;
                    run.deleted_in.extend((count > 0).then_some((*id, side)));
                    run.pass.observer.event(Event::Deleted { count });
                }
                Err(error) => fail(run, works, *id, error)?,
            }
        }
    }
    Ok(())
}

/// Into the side's trash, where the message is known and never carried back.
async fn to_trash(
    run: &mut Run<'_>,
    works: &mut Works,
    id: FolderId,
    side: Side,
    trash: FolderId,
    slots: &[Slot],
) -> Result<u64> {
    crate::gather::ensure_loaded(run, works, trash, side).await?;
    let Some(work) = works.get(&id) else { return Ok(0) };
    let items: Vec<Moving> = slots
        .iter()
        .filter_map(|slot| work.links.get(*slot))
        .filter_map(|link| {
            let uid = link.uids[side]?;
            Some(Moving { uid, other: None, short: link.short, size: link.size, marks: link.base.clone() })
        })
        .collect();
    shift(run, works, side, id, trash, items, &HashMap::new()).await
}

async fn expunge(run: &mut Run<'_>, works: &mut Works, id: FolderId, side: Side, slots: &[Slot]) -> Result<u64> {
    let Some(work) = works.get_mut(&id) else { return Ok(0) };
    let role = work.role;
    let (Some(path), Some(validity)) = (work.paths[side].clone(), work.validity(side)) else { return Ok(0) };
    let uids: UidSet = slots.iter().filter_map(|slot| work.links.get(*slot)?.uids[side]).collect();
    work.wrote[side] = true;
    let Removed { there, spared, .. } = run.pass.sides[side].expunge(&path, validity, &uids).await?;
    let mut changes = Vec::new();
    let mut gone = 0;
    for slot in slots {
        let Some(work) = works.get_mut(&id) else { continue };
        let Some(uid) = work.links.get(*slot).and_then(|link| link.uids[side]) else { continue };
        // What went before we came may have been moved: its link stays until a look has seen both ends of that. So does the
        // link of what the server did not remove.
        if spared.contains(uid) || !there.contains(uid) {
            work.failed = true;
            work.settled = false;
            continue;
        }
        gone += 1;
        changes.extend(end_suspicions(run, work, *slot));
        work.links.remove(*slot);
    }
    let Some(work) = works.get_mut(&id) else { return Ok(0) };
    changes.extend(work.link_changes());
    changes.extend(held::count_deleted(run, role, gone));
    run.pass.book.commit(changes).await?;
    if !spared.is_empty() {
        fail(run, works, id, held::withheld(side, &spared))?;
    }
    Ok(gone)
}
