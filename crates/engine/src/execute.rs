//! Does what the plan says, but for bodies: records findings, moves, marks, deletions.

use crate::lanes::{side_by_side, split};
use crate::pass::{Run, stops_the_pass};
use crate::plan::{AccountPlan, Removal, removal};
use crate::ports::Event;
use crate::shift::{self, shift};
use crate::work::FolderWork;
use crate::{held, strays};
use futures_util::future::BoxFuture;
use parom_domain::endpoint::{Cursor, MarkChange, Marked, Removed};
use parom_domain::link::{Link, Slot};
use parom_domain::state::{Change, FolderId, Moving, Suspected};
use parom_domain::uid::UidSet;
use parom_domain::{Both, Code, Error, Marks, Result, Retry, Scope, Side};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub type Works = BTreeMap<FolderId, FolderWork>;

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
pub fn begin_cursors(run: &mut Run<'_>, works: &Works, folder: FolderId) -> Vec<Change> {
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
pub fn end_suspicions(run: &mut Run<'_>, work: &FolderWork, slot: Slot) -> Vec<Change> {
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
pub fn fail(run: &mut Run<'_>, works: &mut Works, folder: FolderId, error: Error) -> Result<()> {
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
            let count = outcome.or_else(|error| fail(run, works, *id, error).map(|()| 0))?;
            run.report.deleted += count;
            run.deleted_in.extend((count > 0).then_some((*id, side)));
            run.pass.observer.event(Event::Deleted { count });
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
    let (moved, outcome) = shift(run, works, (side, id, trash), items, &shift::Links::new()).await;
    outcome.or_else(|error| shift::refused(run, works, (id, trash), error))?;
    Ok(moved)
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
