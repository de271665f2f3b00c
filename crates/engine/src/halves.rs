//! Halves of moves: one message that is there twice because of us. A server without MOVE copies and expunges. A crash in
//! between leaves both, and recovery puts that right, unless somebody moved the copy or the original on before it came to
//! look. And somebody may move the original in between without any crash.

use crate::gather::{ensure_open, fetch_stamps};
use crate::held;
use crate::likeness::{contents, find, stamps};
use crate::moves;
use crate::overtaken::has_fleeting;
use crate::pass::{Run, stops_the_pass};
use crate::work::FolderWork;
use parom_domain::endpoint::{MarkChange, Stamp};
use parom_domain::link::stored_size;
use parom_domain::state::{Change, FolderId, Moving, Recent};
use parom_domain::uid::UidSet;
use parom_domain::{Fingerprint, FolderPath, Marks, Result, Role, Side, Uid};
use std::collections::{BTreeMap, HashSet};

type Works = BTreeMap<FolderId, FolderWork>;

/// Removes the half that is linked, once its body was compared with that of the other: where somebody moved the other to
/// is where the message is now, and the link follows it there like any message that was moved. It is looked for once, in the
/// first look that sees everything and from which nothing goes before it was asked what it is: what appears later is
/// somebody's own copy.
pub async fn drop_halves(run: &mut Run<'_>, works: &mut Works) -> Result<()> {
    let (halves, rest): (Vec<Recent>, Vec<Recent>) = run.state.recent.iter().partition(|item| item.uid.is_some());
    if halves.is_empty() || run.pass.dry_run {
        return Ok(());
    }
    let mut kept = rest;
    for half in halves {
        for work in works.values_mut().filter(|work| !work.findings.newcomers[half.into].is_empty()) {
            fetch_stamps(run, work, half.into).await?;
        }
        let is_decided = match alike(works, &half).as_slice() {
            [other] => {
                // By the time that it is found, nothing may be new in the folder of the linked one.
                match ensure_open(run, works, half.folder).await {
                    Err(error) if stops_the_pass(&error) => return Err(error),
                    // It went while we looked.
                    Err(_) => false,
                    Ok(()) => drop_half(run, works, &half, *other).await?,
                }
            }
            [one, other] if is_lost(works, &half) && is_only_one_lost(works, &half) => {
                drop_other(run, works, half.into, *one, *other).await?
            }
            [] => !has_fleeting(works, half.into),
            _ => true,
        };
        run.unfinished |= !is_decided;
        kept.extend(Some(half).filter(|_| !is_decided));
    }
    if run.sees_everything() {
        let before_ms = run.pass.clock.now_ms().saturating_add(1);
        run.pass.book.commit(vec![Change::ForgetRecent { before_ms }, Change::Remember(kept.clone())]).await?;
        run.state.recent = kept;
    }
    Ok(())
}

/// Newcomers that look like the linked half.
fn alike(works: &Works, half: &Recent) -> Vec<(FolderId, Uid)> {
    let is_alike = |stamp: &&Stamp| (stamp.fingerprint.short(), stored_size(stamp.size)) == look(half);
    let places = works.values().flat_map(|work| {
        let newcomers = work.findings.newcomers[half.into].iter();
        let stamps = newcomers.filter_map(|sighting| work.stamps[half.into].get(&sighting.uid)).filter(is_alike);
        stamps.map(|stamp| (work.id, stamp.uid)).collect::<Vec<_>>()
    });
    places.collect()
}

fn look(half: &Recent) -> (u64, u32) {
    (half.fingerprint.short(), stored_size(half.len))
}

/// The linked half is not in its place any more.
fn is_lost(works: &Works, half: &Recent) -> bool {
    let Some(work) = works.get(&half.folder) else { return false };
    let slot = half.uid.and_then(|uid| work.links.slot(half.into, uid));
    work.gone_side == Some(half.into) || slot.is_some_and(|slot| moves::is_lost(work, slot, half.into))
}

/// Nothing else that looks like the half is missing: then there is one newcomer more than a person can have moved.
fn is_only_one_lost(works: &Works, half: &Recent) -> bool {
    let lost = works.values().flat_map(|work| moves::lost(work, half.into));
    lost.filter(|lost| (lost.short, lost.size) == look(half)).count() <= 1
}

/// Somebody moved both halves on: where their bodies are the same, one of them is removed, and the link follows the other.
/// `false` where one of them is on the move still.
async fn drop_other(
    run: &mut Run<'_>,
    works: &mut Works,
    side: Side,
    one: (FolderId, Uid),
    other: (FolderId, Uid),
) -> Result<bool> {
    let mut bodies = Vec::new();
    for (folder, uid) in [one, other] {
        let Some(work) = works.get(&folder) else { return Ok(true) };
        let read = contents(run, work, side, &[uid]).await?;
        let Some((_, body)) = read.into_iter().next() else { return Ok(false) };
        bodies.push(body);
    }
    if bodies.first() != bodies.last() {
        return Ok(true);
    }
    // The one that bears the mark of removal, or went to the trash, is the one to remove.
    let is_waste = |(folder, uid): (FolderId, Uid)| {
        works.get(&folder).is_some_and(|work| is_marked(work, side, uid) || work.role == Some(Role::Trash))
    };
    let (stays, (folder, uid)) = if is_waste(one) { (other, one) } else { (one, other) };
    if !unmark(run, works, side, stays).await? {
        return Ok(true);
    }
    let Some(work) = works.get(&folder) else { return Ok(true) };
    let (Some(path), Some(validity)) = (work.paths[side].clone(), work.validity(side)) else { return Ok(true) };
    tracing::warn!(side = %side, folder = ?path, uid = %uid, "removing a half of our move: somebody moved both on");
    let removed = run.pass.sides[side].expunge(&path, validity, &UidSet::range(uid, uid)).await;
    if let Err(error) = removed.and_then(|removed| held::none_spared(side, removed)) {
        if stops_the_pass(&error) {
            return Err(error);
        }
        // Both wait in their folders, and so does what became of the linked one.
        for (folder, _) in [one, other] {
            works.remove(&folder);
            run.unseen.insert(folder);
        }
        run.trouble(folder, error);
        return Ok(false);
    }
    if let Some(work) = works.get_mut(&folder) {
        work.take_newcomer(side, uid);
        work.wrote[side] = true;
    }
    Ok(true)
}

/// `false` where one of the halves is on the move still.
async fn drop_half(
    run: &mut Run<'_>,
    works: &mut Works,
    half: &Recent,
    (folder, uid): (FolderId, Uid),
) -> Result<bool> {
    let side = half.into;
    let (Some(linked), Some(work)) = (works.get(&half.folder), works.get(&folder)) else { return Ok(true) };
    let Some(kept) = half.uid else { return Ok(true) };
    let Some(slot) = linked.links.slot(side, kept) else { return Ok(true) };
    let moved = contents(run, work, side, &[uid]).await?;
    let Some((_, moved)) = moved.first() else { return Ok(false) };
    let ours = contents(run, linked, side, &[kept]).await?;
    let Some((_, ours)) = ours.first() else { return Ok(is_lost(works, half)) };
    let (Some(path), Some(validity)) = (linked.paths[side].clone(), linked.validity(side)) else { return Ok(true) };
    if moved != ours || !unmark(run, works, side, (folder, uid)).await? {
        return Ok(true);
    }
    tracing::warn!(side = %side, folder = ?path, uid = %kept, "removing our half of a move that somebody moved elsewhere");
    let removed = run.pass.sides[side].expunge(&path, validity, &UidSet::range(kept, kept)).await;
    if let Err(error) = removed.and_then(|removed| held::none_spared(side, removed)) {
        if stops_the_pass(&error) {
            return Err(error);
        }
        // What the newcomer is to the other side is not known before our half is gone: its folder waits.
        works.remove(&folder);
        run.unseen.insert(folder);
        run.trouble(half.folder, error);
        return Ok(false);
    }
    if let Some(work) = works.get_mut(&half.folder) {
        work.findings.changed.retain(|(changed, _)| *changed != slot);
        if !work.findings.gone[side].contains(&slot) {
            work.findings.gone[side].push(slot);
        }
        work.wrote[side] = true;
    }
    Ok(true)
}

fn is_marked(work: &FolderWork, side: Side, uid: Uid) -> bool {
    work.newcomer_marks(side, uid).is_some_and(Marks::deleted)
}

/// A message that somebody moved or edited after we had marked it as deleted bears that mark where it is now, and whoever
/// expunges that folder would lose it. `false` where the mark stays: then both halves do.
async fn unmark(run: &Run<'_>, works: &mut Works, side: Side, (folder, uid): (FolderId, Uid)) -> Result<bool> {
    let Some(work) = works.get_mut(&folder) else { return Ok(false) };
    if !is_marked(work, side, uid) {
        return Ok(true);
    }
    let (Some(path), Some(seen)) = (work.paths[side].clone(), work.seen[side].clone()) else { return Ok(false) };
    let deleted = Marks::from_system(Marks::DELETED);
    let change = MarkChange { uids: UidSet::range(uid, uid), add: Marks::default(), remove: deleted.clone() };
    work.wrote[side] = true;
    if run.pass.sides[side].mark(&path, &seen.cursor, &[change]).await?.results.iter().any(Result::is_err) {
        return Ok(false);
    }
    let newcomers = work.findings.newcomers[side].iter_mut();
    newcomers
        .filter(|sighting| sighting.uid == uid)
        .for_each(|sighting| sighting.marks = sighting.marks.minus(&deleted));
    Ok(true)
}

/// Which of these messages were edited in the instant in which their originals were removed: they are in their old folder
/// still, under new UIDs, and bear the mark that we put on them.
pub async fn renewed(
    run: &Run<'_>,
    side: Side,
    (path, validity): (&FolderPath, u32),
    floor: Uid,
    items: &[Moving],
) -> Result<UidSet> {
    let found = find(run, side, path, validity, floor).await?;
    let marked = found.iter().filter(|stamp| stamp.marks.deleted());
    let marked: HashSet<(u64, u32)> =
        marked.map(|stamp| (stamp.fingerprint.short(), stored_size(stamp.size))).collect();
    Ok(items.iter().filter(|item| marked.contains(&(item.short, item.size))).map(|item| item.uid).collect())
}

/// What is to be remembered of messages that we copied while somebody took the originals.
pub async fn left_behind(
    run: &Run<'_>,
    works: &Works,
    side: Side,
    folder: FolderId,
    uids: &UidSet,
) -> Result<Vec<Recent>> {
    let Some(work) = works.get(&folder) else { return Ok(Vec::new()) };
    let (Some(path), Some(validity)) = (&work.paths[side], work.validity(side)) else { return Ok(Vec::new()) };
    let stamps = stamps(run, side, path, validity, uids).await?;
    Ok(stamps.iter().map(|stamp| half(run, folder, side, stamp)).collect())
}

/// The half of a move that is linked.
pub fn half(run: &Run<'_>, folder: FolderId, into: Side, stamp: &Stamp) -> Recent {
    let at_ms = run.pass.clock.now_ms();
    Recent { folder, into, fingerprint: stamp.fingerprint, len: stamp.size, content: 0, uid: Some(stamp.uid), at_ms }
}

/// The half of a move neither of whose ends is where it was.
pub fn of_lost(run: &Run<'_>, from: FolderId, into: Side, item: &Moving) -> Recent {
    let (fingerprint, at_ms) = (Fingerprint::of_short(item.short), run.pass.clock.now_ms());
    Recent { folder: from, into, fingerprint, len: item.size.into(), content: 0, uid: Some(item.uid), at_ms }
}
