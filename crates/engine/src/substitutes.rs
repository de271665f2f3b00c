//! A message that a side cannot show any more (Exchange), moved there. The text that stands in its place has headers of its
//! own, so that no move is seen: one message seems to be gone, and another is parked. Before the other side's copy is deleted
//! for that, the text is asked which message it stands for.
//!
//! It quotes the subject, and the server keeps the date at which the message came. Where both are the same and there is
//! nothing else that they could belong to, the copy goes where the message went. Where only one of them is, or several
//! messages have the same, nobody knows: then the copy stays where it is, and what cannot be shown stays parked.

use crate::gather::ensure_loaded;
use crate::moves::PlannedMove;
use crate::pass::{Run, stops_the_pass};
use crate::plan::AccountPlan;
use crate::work::FolderWork;
use crate::{execute, read, shift};
use mail_parser::MessageParser;
use parom_domain::endpoint::Body;
use parom_domain::link::Slot;
use parom_domain::state::{FolderId, Moving};
use parom_domain::{Code, Error, Marks, Result, Side, Uid, UidSet};
use std::collections::{BTreeMap, BTreeSet};

type Works = BTreeMap<FolderId, FolderWork>;

/// What is parked when something goes missing may be that, and so may what was parked a little earlier: the folders of one
/// pass are not looked at in one moment, and a pass that fails has looked all the same.
const AROUND_MS: u64 = 24 * 3600 * 1000;

/// What is known of a message without its own headers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Traits {
    /// When it came, in seconds.
    date: Option<i64>,
    /// In small letters, with single spaces. None is no evidence.
    subject: Option<String>,
}

/// The copy of a message that is missing on the other side.
struct Lost {
    folder: FolderId,
    slot: Slot,
    traits: Traits,
}

/// What cannot be shown.
struct Veiled {
    folder: FolderId,
    uid: Uid,
    marks: Marks,
    traits: Traits,
}

/// What is to be done with a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Something else became of it.
    Unrelated,
    /// The message went there.
    Went(usize),
    /// Perhaps.
    Doubtful,
}

/// Turns deletions of the plan into moves, where what is missing was only moved.
pub async fn follow(run: &mut Run<'_>, works: &mut Works, plan: &mut AccountPlan) -> Result<()> {
    for side in Side::ALL {
        let deleted = deleted(works, plan, side);
        let parked = parked_around(run, works, &deleted, side);
        if deleted.is_empty() || parked.is_empty() {
            continue;
        }
        let (lost, veiled) = match look_into(run, works, &deleted, &parked, side).await {
            Ok(seen) => seen,
            Err((_, error)) if stops_the_pass(&error) => return Err(error),
            Err((folder, error)) => {
                run.trouble(folder, error);
                wait_with(works, plan, &deleted, side);
                continue;
            }
        };
        let fates = fates(
            &lost.iter().map(|lost| &lost.traits).collect::<Vec<_>>(),
            &veiled.iter().map(|veiled| &veiled.traits).collect::<Vec<_>>(),
        );
        for (lost, fate) in lost.iter().zip(fates) {
            let went = match fate {
                Fate::Unrelated => continue,
                Fate::Doubtful => None,
                Fate::Went(at) => veiled.get(at),
            };
            if let Some(folder) = plan.folders.get_mut(&lost.folder) {
                folder.deletes[side.other()].retain(|slot| *slot != lost.slot);
            }
            match went {
                Some(veiled) => plan.moves.extend(planned(run, works, lost, veiled, side).await?),
                None => execute::let_sleep(run, works, lost.folder, lost.slot, side).await?,
            }
        }
    }
    shift::moves(run, works, plan).await
}

/// The copies that are to be deleted because their message is gone from `side`.
fn deleted(works: &Works, plan: &AccountPlan, side: Side) -> Vec<(FolderId, Slot)> {
    let folders = plan.folders.iter().filter(|(id, _)| works.get(id).is_some_and(|work| !work.failed));
    folders.flat_map(|(id, folder)| folder.deletes[side.other()].iter().map(|slot| (*id, *slot))).collect()
}

fn parked_around(
    run: &Run<'_>,
    works: &Works,
    deleted: &[(FolderId, Slot)],
    side: Side,
) -> BTreeMap<FolderId, BTreeSet<Uid>> {
    let missing_since = |(folder, slot): &(FolderId, Slot)| {
        let uid = works.get(folder)?.links.get(*slot)?.uids[side]?;
        let suspected = run.state.suspected.iter();
        let mut of_it = suspected.filter(|item| (item.folder, item.side, item.uid) == (*folder, side, uid));
        Some(of_it.next().map_or_else(|| run.pass.clock.now_ms(), |item| item.since_ms))
    };
    let first = deleted.iter().filter_map(missing_since).min().unwrap_or(u64::MAX).saturating_sub(AROUND_MS);
    let mut around: BTreeMap<FolderId, BTreeSet<Uid>> = BTreeMap::new();
    let is_substituted = |code: &str| code == Code::MessageSubstituted.as_str();
    for item in run.state.parked.iter().filter(|item| item.side == side && is_substituted(&item.code)) {
        if item.since_ms >= first {
            around.entry(item.folder).or_default().insert(item.uid);
        }
    }
    around
}

/// What is known of either. An error is that of one folder.
async fn look_into(
    run: &Run<'_>,
    works: &Works,
    deleted: &[(FolderId, Slot)],
    parked: &BTreeMap<FolderId, BTreeSet<Uid>>,
    side: Side,
) -> std::result::Result<(Vec<Lost>, Vec<Veiled>), (FolderId, Error)> {
    let (mut lost, mut veiled) = (Vec::new(), Vec::new());
    for (folder, uids) in parked {
        veiled.extend(veiled_in(run, *folder, uids, side).await.map_err(|error| (*folder, error))?);
    }
    for work in works.values().filter(|_| !veiled.is_empty()) {
        let slots = deleted.iter().filter(|(folder, _)| *folder == work.id).map(|(_, slot)| *slot);
        let copies = slots.filter_map(|slot| Some((work.links.get(slot)?.uids[side.other()]?, slot))).collect();
        lost.extend(lost_from(run, work, &copies, side).await.map_err(|error| (work.id, error))?);
    }
    Ok((lost, veiled))
}

/// What these texts tell of the messages in whose place they stand. Those that can be shown by now are left out: they are
/// carried as what they are.
async fn veiled_in(run: &Run<'_>, folder: FolderId, uids: &BTreeSet<Uid>, side: Side) -> Result<Vec<Veiled>> {
    let mut veiled = Vec::new();
    let place = run.pair(folder).and_then(|pair| Some((pair.paths[side].as_ref()?, pair.cursors[side]?.validity)));
    let Some((path, validity)) = place else { return Ok(veiled) };
    let mut stream = run.pass.sides[side].read(path, validity, &uids.iter().copied().collect()).await?;
    while let Some(item) = stream.next().await? {
        if let Body::Substitute { subject } = item.body {
            let traits = Traits {
                date: item.date.map(|date| date.unix_s),
                subject: subject_of(format!("Subject: {subject}\r\n\r\n").as_bytes()),
            };
            veiled.push(Veiled { folder, uid: item.uid, marks: item.marks, traits });
        }
    }
    Ok(veiled)
}

async fn lost_from(run: &Run<'_>, work: &FolderWork, copies: &BTreeMap<Uid, Slot>, side: Side) -> Result<Vec<Lost>> {
    let mut lost = Vec::new();
    let (Some(path), Some(validity)) = (&work.paths[side.other()], work.validity(side.other())) else {
        return Ok(lost);
    };
    if copies.is_empty() {
        return Ok(lost);
    }
    let uids: UidSet = copies.keys().copied().collect();
    let mut stream = run.pass.sides[side.other()].read(path, validity, &uids).await?;
    while let Some(item) = stream.next().await? {
        let head = match item.body {
            Body::Small(bytes) => bytes,
            Body::Big { .. } => read::read_head(stream.as_mut()).await?,
            Body::Substitute { .. } => continue,
        };
        let traits = Traits { date: item.date.map(|date| date.unix_s), subject: subject_of(&head) };
        lost.extend(copies.get(&item.uid).map(|slot| Lost { folder: work.id, slot: *slot, traits }));
    }
    Ok(lost)
}

/// What cannot be told apart now may be told by the next pass: nothing is deleted before.
fn wait_with(works: &mut Works, plan: &mut AccountPlan, deleted: &[(FolderId, Slot)], side: Side) {
    for (folder, _) in deleted {
        if let Some(folder) = plan.folders.get_mut(folder) {
            folder.deletes[side.other()].clear();
        }
        if let Some(work) = works.get_mut(folder) {
            work.failed = true;
            work.settled = false;
        }
    }
}

pub fn subject_of(head: &[u8]) -> Option<String> {
    let parsed = MessageParser::default().parse_headers(head)?;
    let words: Vec<String> = parsed.subject()?.split_whitespace().map(str::to_lowercase).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// One fate for each that is lost. Both traits together tell who is who, where there is only one of either kind; each of
/// them alone casts a doubt.
fn fates(lost: &[&Traits], veiled: &[&Traits]) -> Vec<Fate> {
    let is_same = |one: &Traits, other: &Traits| one == other && one.date.is_some() && one.subject.is_some();
    let is_like = |one: &Traits, other: &Traits| {
        one.date.is_some() && one.date == other.date || one.subject.is_some() && one.subject == other.subject
    };
    let fate = |one: &&Traits| {
        let mut same = veiled.iter().enumerate().filter(|(_, other)| is_same(one, other));
        match (same.next(), same.next()) {
            (Some((at, other)), None) if lost.iter().filter(|lost| is_same(lost, other)).count() == 1 => Fate::Went(at),
            _ if veiled.iter().any(|other| is_like(one, other)) => Fate::Doubtful,
            _ => Fate::Unrelated,
        }
    };
    lost.iter().map(fate).collect()
}

/// `None` where the folder cannot take it at this time: the next pass sees the same again.
async fn planned(
    run: &mut Run<'_>,
    works: &mut Works,
    lost: &Lost,
    veiled: &Veiled,
    side: Side,
) -> Result<Option<PlannedMove>> {
    let is_on_both = run.pair(veiled.folder).is_some_and(|pair| pair.paths[side.other()].is_some());
    if !works.contains_key(&veiled.folder)
        && is_on_both
        && let Err(error) = ensure_loaded(run, works, veiled.folder, side.other()).await
    {
        if stops_the_pass(&error) {
            return Err(error);
        }
        run.trouble(veiled.folder, error);
    }
    let is_there = works.get(&veiled.folder).is_some_and(|work| work.seen[side.other()].is_some());
    let Some(work) = works.get_mut(&lost.folder) else { return Ok(None) };
    if !is_there {
        work.failed = true;
        work.settled = false;
        return Ok(None);
    }
    let Some(link) = work.links.get(lost.slot) else { return Ok(None) };
    let Some(uid) = link.uids[side.other()] else { return Ok(None) };
    Ok(Some(PlannedMove {
        side: side.other(),
        from: lost.folder,
        to: veiled.folder,
        left: Some((lost.folder, lost.slot)),
        marks_there: veiled.marks.clone(),
        marks_here: None,
        item: Moving { uid, other: Some(veiled.uid), short: link.short, size: link.size, marks: link.base.clone() },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_guesses_between_two() {
        let of = |date: i64, subject: &str| Traits {
            date: Some(date),
            subject: subject_of(format!("Subject: {subject}\r\n\r\n").as_bytes()),
        };
        let (a, b) = (of(1, "a"), of(2, "b"));
        assert_eq!(fates(&[&a, &b], &[&b, &a]), [Fate::Went(1), Fate::Went(0)]);
        assert_eq!(fates(&[&a], &[&a, &a]), [Fate::Doubtful]);
        assert_eq!(fates(&[&a, &a], &[&a]), [Fate::Doubtful, Fate::Doubtful]);
        assert_eq!(fates(&[&a], &[&of(1, "c"), &b]), [Fate::Doubtful], "the date alone");
        assert_eq!(fates(&[&a], &[&of(3, "a")]), [Fate::Doubtful], "the subject alone");
        assert_eq!(fates(&[&a], &[&b]), [Fate::Unrelated]);
        assert_eq!(fates(&[&of(1, "")], &[&of(1, "")]), [Fate::Doubtful], "no subject tells nothing");
        assert_eq!(fates(&[&of(1, "")], &[&of(2, "")]), [Fate::Unrelated]);
        assert_eq!(fates(&[&of(1, "=?utf-8?B?0J/QuNGB0YzQvNC+?=")], &[&of(1, " письмо ")]), [Fate::Went(0)]);
    }
}
