//! Carries moves over as moves, announced before and settled after: those that people made, and those into the trash.

use crate::execute::{Works, begin_cursors, end_suspicions, fail};
use crate::pass::{Run, stops_the_pass};
use crate::plan::AccountPlan;
use crate::ports::Event;
use crate::recovery::settle_moved;
use crate::{halves, held, likeness};
use parom_domain::endpoint::{MarkChange, Shifted};
use parom_domain::link::Slot;
use parom_domain::state::{Change, FolderId, Intent, Moving, Work};
use parom_domain::uid::UidSet;
use parom_domain::{Both, Code, Error, FolderPath, Marks, Result, Retry, Scope, Side, Uid, recover};
use std::collections::{BTreeMap, HashMap, HashSet};

/// So many messages are announced together.
const MOST_AT_ONCE: usize = 500;
/// So many messages may be refused one by one for want of room, until the folder counts as full: a smaller one may still fit.
const MOST_REFUSED: usize = 8;

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
    let mut left = Links::new();
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
        let (moved, outcome) = shift(run, works, (side, from, to), items, &left).await;
        run.report.moved += moved;
        if moved > 0 {
            run.pass.observer.event(Event::Moved { count: moved });
        }
        if let Err(error) = outcome {
            refused(run, works, (from, to), error)?;
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
///
/// # Errors
/// The error itself where it is not about messages or folders.
pub fn refused(run: &mut Run<'_>, works: &mut Works, (from, to): (FolderId, FolderId), error: Error) -> Result<()> {
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

/// From one folder of a side to another.
type Way = (Side, FolderId, FolderId);

/// The links of what is moved that are not in the folder which it leaves.
pub type Links = HashMap<(FolderId, Side, Uid), (FolderId, Slot)>;

/// Moves messages on one side. Returns how many arrived, and why not all.
pub async fn shift(
    run: &mut Run<'_>,
    works: &mut Works,
    (side, from, to): Way,
    mut items: Vec<Moving>,
    left: &Links,
) -> (u64, Result<()>) {
    // What the folder does not keep was not agreed with it, and does not count as removed there later.
    if let Some(work) = works.get_mut(&to)
        && let Some(seen) = &work.seen[side]
    {
        let no_marks = Marks::default();
        let withheld = items.iter().any(|item| !seen.holds.unkept(&item.marks, &no_marks).withheld.is_empty());
        items.iter_mut().for_each(|item| item.marks = seen.holds.of(&item.marks));
        work.waits |= withheld;
        work.settled &= !withheld;
    }
    let (mut moved, mut alone, mut full) = (0, 0, None);
    let mut flights: Vec<&[Moving]> = items.chunks(MOST_AT_ONCE).rev().collect();
    while let Some(items) = flights.pop() {
        match fly(run, works, (side, from, to), items, left).await {
            Ok(Flight::Arrived(count)) => moved += count,
            // Where a message finds no room, smaller ones may.
            Ok(Flight::NoRoom(error)) => {
                full.get_or_insert(error);
                let (first, second) = items.split_at(items.len() / 2);
                if items.len() > 1 {
                    flights.extend([second, first]);
                } else {
                    alone += 1;
                    if alone == MOST_REFUSED {
                        break;
                    }
                }
            }
            Err(error) => return (moved, Err(error)),
        }
    }
    (moved, full.map_or(Ok(()), Err))
}

/// What became of messages that were moved by one command.
enum Flight {
    Arrived(u64),
    /// All of them are where they were.
    NoRoom(Error),
}

async fn fly(
    run: &mut Run<'_>,
    works: &mut Works,
    (side, from, to): Way,
    items: &[Moving],
    left: &Links,
) -> Result<Flight> {
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
        return Ok(Flight::Arrived(0));
    };
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
            if !matches!(error.code(), Code::MoveRefused | Code::QuotaFull)
                || !nothing_moved(run, works, side, (place, to), items).await?
            {
                return Err(error);
            }
            // Were it looked up by the next pass, a copy that somebody makes until then would pass for ours.
            run.pass.book.commit(vec![Change::CloseIntent(id)]).await?;
            return if error.code() == Code::QuotaFull { Ok(Flight::NoRoom(error)) } else { Err(error) };
        }
    };
    let new_uids = landed(run, works, side, to, &to_path, items, &shifted).await?;
    let kept: UidSet = shifted.iter().filter(|shifted| shifted.kept).map(|shifted| shifted.old).collect();
    if !kept.is_empty() {
        let unfound: UidSet = kept.iter().filter(|uid| !new_uids.contains_key(uid)).collect();
        if !unfound.is_empty() {
            // The announcement stays open, and the next pass looks for the copies again.
            let there = endpoint.present(&from_path, from_seen.cursor.validity, &unfound).await?;
            if !there.is_empty() {
                return Err(not_shown(side, &to_path));
            }
            // Somebody was faster: they had gone before the COPY came, and there is nothing to tell.
            for id in [from, to] {
                if let Some(work) = works.get_mut(&id) {
                    work.failed = true;
                    work.settled = false;
                }
            }
            return Ok(Flight::Arrived(0));
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
    let (mut changes, mut moved) = (Vec::new(), 0);
    for item in items {
        let Some(uid) = new_uids.get(&item.uid) else { continue };
        moved += 1;
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
    Ok(Flight::Arrived(moved))
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
    let there = likeness::stamps(run, side, from, validity, &uids).await?;
    let left = recover::sizes(&there);
    if uids.iter().any(|uid| !left.contains_key(&uid)) {
        return Ok(false);
    }
    let last = work.links.iter().filter_map(|(_, link)| link.uids[side]).max();
    let found = likeness::find(run, side, path, seen.cursor.validity, seen.floor(last)).await?;
    let answers = recover::recover_moves(items, &left, &found, &work.links, side);
    Ok(answers.iter().all(|answer| *answer == recover::MoveRecovery::Redo))
}

/// The server said yes to mail for this folder, and does not show it there. It tells no UIDs (RFC 4315), or did not this time.
#[must_use]
pub fn not_shown(side: Side, folder: &FolderPath) -> Error {
    Error::new(Code::ListingIncomplete, Scope::Folder, Retry::Soon).with("side", side).with("folder", folder)
}

/// It may be the other folder that lacks room or rights.
pub fn of_move(error: Error, to: &FolderPath) -> Error {
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
    let answers = recover::recover_moves(&items, &HashMap::new(), &found, &work.links, side);
    let known = items.iter().zip(answers).filter_map(|(item, answer)| match answer {
        recover::MoveRecovery::Done(uid) => Some((item.uid, uid)),
        _ => None,
    });
    Ok(known.collect())
}
