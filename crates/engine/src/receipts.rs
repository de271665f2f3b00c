//! Receipts: a server that sends them to people when unread mail is marked as read or deleted (Exchange) gets no such
//! change of a message that asks for one, nor the message itself unread, until its admin has stopped the receipts or a
//! person has released the brake.

use crate::moves::PlannedMove;
use crate::pass::Run;
use crate::plan::AccountPlan;
use crate::work::FolderWork;
use parom_domain::endpoint::Listing;
use parom_domain::guard::{Brake, BrakeName};
use parom_domain::link::Slot;
use parom_domain::state::FolderId;
use parom_domain::{Both, Result, Side, Uid, UidSet};
use std::collections::{BTreeMap, HashSet};

type Works = BTreeMap<FolderId, FolderWork>;

/// Takes out of the plan what would send receipts, and tells of it.
pub async fn hold_back(
    run: &Run<'_>,
    works: &mut Works,
    plan: &mut AccountPlan,
    listings: &Both<Listing>,
) -> Result<Vec<Brake>> {
    let mut brakes = Vec::new();
    for side in Side::ALL.into_iter().filter(|side| listings[*side].abilities.sends_receipts) {
        let folders: Vec<FolderId> = works.keys().copied().collect();
        for folder in folders {
            let brake = Brake { name: BrakeName::Receipts, side, folder: Some(folder), count: 0, total: 0 };
            let is_released = run.state.held.iter().any(|held| held.released && held.key == brake.key());
            if is_released {
                continue;
            }
            let held = hold_changes(run, works, plan, folder, side).await?
                + hold_moves(run, works, plan, folder, side).await?
                + hold_creates(run, works, plan, folder, side).await?;
            if held > 0 {
                let total = works.get(&folder).map_or(0, |work| work.links.count(side));
                brakes.push(Brake { count: number(held), total: number(total), ..brake });
            }
        }
    }
    Ok(brakes)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Those of the messages that ask for a receipt. Most changes concern no unread message, and then nothing is asked.
async fn asking(run: &Run<'_>, works: &Works, folder: FolderId, side: Side, uids: UidSet) -> Result<UidSet> {
    let Some(work) = works.get(&folder).filter(|_| !uids.is_empty()) else { return Ok(UidSet::new()) };
    let (Some(path), Some(validity)) = (&work.paths[side], work.validity(side)) else { return Ok(UidSet::new()) };
    run.pass.sides[side].asking_receipts(path, validity, &uids).await
}

/// The folder is looked at again from where it stood.
fn keep(works: &mut Works, folder: FolderId) {
    if let Some(work) = works.get_mut(&folder) {
        work.waits = true;
        work.settled = false;
    }
}

/// Marks that say "read", and deletions of unread mail.
async fn hold_changes(
    run: &Run<'_>,
    works: &mut Works,
    plan: &mut AccountPlan,
    folder: FolderId,
    side: Side,
) -> Result<usize> {
    let (Some(work), Some(planned)) = (works.get(&folder), plan.folders.get(&folder)) else { return Ok(0) };
    // Into the trash, too: to such a server that is a copy and a removal.
    let deleted: Vec<(Uid, Slot)> =
        planned.deletes[side].iter().filter_map(|slot| Some((work.links.get(*slot)?.uids[side]?, *slot))).collect();
    let read =
        planned.marks[side].iter().filter(|(change, _)| change.add.seen()).flat_map(|(change, _)| change.uids.iter());
    let uids: UidSet = read.chain(deleted.iter().map(|(uid, _)| *uid)).collect();
    let asking = asking(run, works, folder, side, uids).await?;
    if asking.is_empty() {
        return Ok(0);
    }
    let kept: HashSet<Slot> = deleted.iter().filter(|(uid, _)| asking.contains(*uid)).map(|(_, slot)| *slot).collect();
    let Some(work) = works.get(&folder) else { return Ok(0) };
    let unread: HashSet<Slot> = asking.iter().filter_map(|uid| work.links.slot(side, uid)).collect();
    if let Some(planned) = plan.folders.get_mut(&folder) {
        planned.deletes[side].retain(|slot| !kept.contains(slot));
        for (change, slots) in planned.marks[side].iter_mut().filter(|(change, _)| change.add.seen()) {
            change.uids = change.uids.iter().filter(|uid| !asking.contains(*uid)).collect();
            slots.retain(|slot| !unread.contains(slot));
        }
        planned.marks[side].retain(|(change, _)| !change.uids.is_empty());
        // What was not marked is not agreed.
        planned.rebase.retain(|(slot, _)| !unread.contains(slot));
    }
    keep(works, folder);
    Ok(usize::try_from(asking.count()).unwrap_or(usize::MAX))
}

/// Moves: to such a server they are a copy and a removal.
async fn hold_moves(
    run: &Run<'_>,
    works: &mut Works,
    plan: &mut AccountPlan,
    folder: FolderId,
    side: Side,
) -> Result<usize> {
    let is_here = |planned: &PlannedMove| planned.side == side && planned.from == folder;
    let uids: UidSet = plan.moves.iter().filter(|planned| is_here(planned)).map(|planned| planned.item.uid).collect();
    let asking = asking(run, works, folder, side, uids).await?;
    let mut held = 0;
    for planned in plan.moves.extract_if(.., |planned| is_here(planned) && asking.contains(planned.item.uid)) {
        held += 1;
        let left = planned.left.map(|(folder, _)| folder);
        [Some(planned.from), Some(planned.to), left].into_iter().flatten().for_each(|folder| keep(works, folder));
    }
    Ok(held)
}

/// Unread mail that is to be brought here, and asks for a receipt once more when it is read here.
async fn hold_creates(
    run: &Run<'_>,
    works: &mut Works,
    plan: &mut AccountPlan,
    folder: FolderId,
    side: Side,
) -> Result<usize> {
    let from = side.other();
    let (Some(work), Some(planned)) = (works.get(&folder), plan.folders.get(&folder)) else { return Ok(0) };
    let is_unread = |uid: &Uid| work.newcomer_marks(from, *uid).is_some_and(|marks| !marks.seen());
    let uids: UidSet = planned.creates[side].iter().copied().filter(is_unread).collect();
    let asking = asking(run, works, folder, from, uids).await?;
    if asking.is_empty() {
        return Ok(0);
    }
    if let Some(planned) = plan.folders.get_mut(&folder) {
        planned.creates[side].retain(|uid| !asking.contains(*uid));
    }
    keep(works, folder);
    Ok(usize::try_from(asking.count()).unwrap_or(usize::MAX))
}
