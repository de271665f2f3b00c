//! Messages that lost their place in the book while both sides may still have them: carried as the moves that they are,
//! not sent once more.
//!
//! Four kinds of them. Recovery looks for an announced message in its folder only, and gives it up where it is not; the
//! message that arrived all the same may have been moved on since. While the folder is missing, recovery cannot even look.
//! A link that is not found again in a folder with new UIDs may be that of a message that was moved out of it. And what was
//! in a folder that is gone on both sides may have been moved out of it on both.

use crate::gather::{fetch_stamps, first_base};
use crate::moves::PlannedMove;
use crate::pass::Run;
use crate::work::FolderWork;
use parom_domain::link::stored_size;
use parom_domain::state::{FolderId, Moving, Work};
use parom_domain::{Result, Side, Uid};
use std::collections::{BTreeMap, HashSet};

type Works = BTreeMap<FolderId, FolderWork>;

/// A message whose place on side `into` is not known any more; it was to be in this folder.
#[derive(Clone, Copy)]
pub struct Stray {
    pub folder: FolderId,
    into: Side,
    pub short: u64,
    pub size: u32,
    /// This very look lost it: where somebody moved it meanwhile, the look may have been before.
    is_new: bool,
}

/// A newcomer.
#[derive(Clone, Copy)]
struct Place {
    folder: FolderId,
    side: Side,
    uid: Uid,
}

/// Messages whose announcement is still open: their folder is missing.
pub fn announced<'a>(run: &'a Run<'_>) -> impl Iterator<Item = Stray> + use<'a> {
    run.state.intents.iter().flat_map(|intent| match &intent.work {
        Work::Append { folder, into, items, .. } => {
            let stray = |fingerprint: parom_domain::Fingerprint, len| Stray {
                folder: *folder,
                into: *into,
                short: fingerprint.short(),
                size: stored_size(len),
                is_new: false,
            };
            items.iter().map(|item| stray(item.fingerprint, item.len)).collect()
        }
        Work::Move { .. } | Work::Folder { .. } => Vec::new(),
    })
}

fn strays(run: &Run<'_>, works: &Works) -> Vec<Stray> {
    let given_up = run.state.recent.iter().filter(|item| item.uid.is_none()).map(|item| Stray {
        folder: item.folder,
        into: item.into,
        short: item.fingerprint.short(),
        size: stored_size(item.len),
        is_new: false,
    });
    let not_found_again = run.state.strays.iter().flat_map(|lost| {
        let (folder, into) = (lost.folder, lost.side);
        let is_new = works.get(&folder).is_some_and(|work| !work.strays[into].is_empty());
        lost.looks.iter().map(move |(short, size)| Stray { folder, into, short: *short, size: *size, is_new })
    });
    given_up.chain(announced(run)).chain(not_found_again).collect()
}

/// Takes strays out of the findings and says what brings both their places together. Only what is beyond doubt: one
/// newcomer that looks like it on each side.
pub async fn pair_overtaken(run: &Run<'_>, works: &mut Works) -> Result<Vec<PlannedMove>> {
    let mut strays = strays(run, works);
    let count =
        |works: &Works, side: Side| works.values().map(|work| work.findings.newcomers[side].len()).sum::<usize>();
    let (source, target) = (count(works, Side::Source), count(works, Side::Target));
    if source == 0 || target == 0 {
        strays.retain(|stray| stray.is_new);
    }
    if strays.is_empty() || source + target == 0 {
        return Ok(Vec::new());
    }
    // The side with fewer newcomers tells whether the headers of the other's are needed at all.
    let fewer = if source < target { Side::Source } else { Side::Target };
    for side in [fewer, fewer.other()] {
        for work in works.values_mut().filter(|work| !work.findings.newcomers[side].is_empty()) {
            fetch_stamps(run, work, side).await?;
        }
        let seen = looks(works, side);
        if !has_fleeting(works, side) {
            strays.retain(|stray| stray.is_new || seen.contains(&(stray.short, stray.size)));
        }
        if strays.is_empty() {
            return Ok(Vec::new());
        }
    }
    let mut planned = Vec::new();
    for stray in strays {
        let origins = alike(works, &stray, stray.into.other());
        let arrivals = alike(works, &stray, stray.into);
        match (origins.as_slice(), arrivals.as_slice()) {
            ([origin], [arrival]) if origin.folder != arrival.folder => {
                planned.extend(plan(run, works, &stray, *origin, *arrival));
            }
            ([], [place]) | ([place], []) if stray.is_new || has_fleeting(works, place.side.other()) => {
                wait(works, *place);
            }
            _ => {}
        }
    }
    Ok(planned)
}

/// Newcomers that were gone again when their headers were asked for: what they are is not known, and they may have been moved
/// to where this pass has looked already.
pub fn has_fleeting(works: &Works, side: Side) -> bool {
    let is_known = |work: &FolderWork, uid: &Uid| work.stamps[side].contains_key(uid);
    works.values().any(|work| work.findings.newcomers[side].iter().any(|sighting| !is_known(work, &sighting.uid)))
}

/// Leaves a newcomer to the next pass.
fn wait(works: &mut Works, place: Place) {
    if let Some(work) = works.get_mut(&place.folder) {
        work.take_newcomer(place.side, place.uid);
        work.failed = true;
        work.settled = false;
    }
}

fn looks(works: &Works, side: Side) -> HashSet<(u64, u32)> {
    let stamps = works.values().flat_map(|work| work.stamps[side].values());
    stamps.map(|stamp| (stamp.fingerprint.short(), stored_size(stamp.size))).collect()
}

/// The newcomers of one side that look like the message.
fn alike(works: &Works, stray: &Stray, side: Side) -> Vec<Place> {
    let places = works.values().flat_map(|work| {
        let newcomers = work.findings.newcomers[side].iter();
        let stamps = newcomers.filter_map(|sighting| work.stamps[side].get(&sighting.uid));
        let alike = stamps.filter(|s| (s.fingerprint.short(), stored_size(s.size)) == (stray.short, stray.size));
        alike.map(|stamp| Place { folder: work.id, side, uid: stamp.uid }).collect::<Vec<_>>()
    });
    places.collect()
}

/// The side that moved it wins; where both did, home does. A folder that is being removed takes nothing.
fn plan(run: &Run<'_>, works: &mut Works, stray: &Stray, origin: Place, arrival: Place) -> Option<PlannedMove> {
    let arrival_first = match (origin.folder == stray.folder, arrival.folder == stray.folder) {
        (true, _) => true,
        (_, true) => false,
        _ => arrival.side == run.pass.policy.home,
    };
    let ways =
        if arrival_first { [(origin, arrival), (arrival, origin)] } else { [(arrival, origin), (origin, arrival)] };
    let possible = |(from, to): &(Place, Place)| {
        run.pass.policy.writes(from.side) && works.get(&to.folder).is_some_and(FolderWork::is_open)
    };
    let (from, to) = ways.into_iter().find(possible)?;
    let there = works.get_mut(&to.folder)?.take_newcomer(to.side, to.uid)?;
    let here = works.get_mut(&from.folder)?.take_newcomer(from.side, from.uid)?;
    let (source, target) = if from.side == Side::Source { (&here, &there) } else { (&there, &here) };
    let base = first_base(run.pass.policy.mode, &source.marks, &target.marks);
    Some(PlannedMove {
        side: from.side,
        from: from.folder,
        to: to.folder,
        item: Moving { uid: from.uid, other: Some(to.uid), short: stray.short, size: stray.size, marks: base },
        left: None,
        marks_there: there.marks,
        marks_here: Some(here.marks),
    })
}
