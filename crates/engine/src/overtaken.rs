//! Messages that we sent and that somebody moved on before we saw where they had landed: carried as the moves that they
//! are, not sent once more.
//!
//! Recovery looks for an announced message in its folder only, and gives it up where it is not. Then its origin is a
//! newcomer on one side, and the message that arrived all the same is one on the other, in another folder.

use crate::gather::{PlannedMove, fetch_stamps};
use crate::pass::Run;
use crate::work::FolderWork;
use parom_domain::endpoint::Stamp;
use parom_domain::link::stored_size;
use parom_domain::state::{FolderId, Moving, Recent};
use parom_domain::{Result, Side, Uid};
use std::collections::BTreeMap;

type Works = BTreeMap<FolderId, FolderWork>;

/// Takes overtaken messages out of the findings and says what brings their origins to where they are now. Only what is
/// beyond doubt: one origin in the folder, and one arrival elsewhere.
pub async fn pair_overtaken(run: &Run<'_>, works: &mut Works) -> Result<Vec<PlannedMove>> {
    let mut planned = Vec::new();
    for item in &run.state.recent {
        let (into, from) = (item.into, item.into.other());
        let waits = works.get(&item.folder).is_some_and(|work| !work.findings.newcomers[from].is_empty());
        if !waits || !run.pass.policy.writes(from) {
            continue;
        }
        if let Some(work) = works.get_mut(&item.folder) {
            fetch_stamps(run, work, from).await?;
        }
        for work in works.values_mut().filter(|work| !work.findings.newcomers[into].is_empty()) {
            fetch_stamps(run, work, into).await?;
        }
        let origins = alike(works, item, from, |folder| folder == item.folder);
        let arrivals = alike(works, item, into, |folder| folder != item.folder);
        if let ([(_, origin)], [(to, arrival)]) = (origins.as_slice(), arrivals.as_slice()) {
            planned.extend(plan(works, item, *origin, *to, *arrival));
        }
    }
    Ok(planned)
}

/// The newcomers of one side that look like the message that was given up.
fn alike(works: &Works, item: &Recent, side: Side, wanted: impl Fn(FolderId) -> bool) -> Vec<(FolderId, Uid)> {
    let is_alike = |stamp: &&Stamp| (stamp.fingerprint, stamp.size) == (item.fingerprint, item.len);
    let open = works.values().filter(|work| wanted(work.id) && work.is_open());
    open.flat_map(|work| {
        let newcomers = work.findings.newcomers[side].iter();
        let stamps = newcomers.filter_map(|sighting| work.stamps[side].get(&sighting.uid)).filter(is_alike);
        stamps.map(|stamp| (work.id, stamp.uid)).collect::<Vec<_>>()
    })
    .collect()
}

fn plan(works: &mut Works, item: &Recent, origin: Uid, to: FolderId, arrival: Uid) -> Option<PlannedMove> {
    let (into, from) = (item.into, item.into.other());
    let there = works.get_mut(&to)?.take_newcomer(into, arrival)?;
    let here = works.get_mut(&item.folder)?.take_newcomer(from, origin)?;
    Some(PlannedMove {
        side: from,
        from: item.folder,
        to,
        item: Moving {
            uid: origin,
            other: Some(arrival),
            short: item.fingerprint.short(),
            size: stored_size(item.len),
            marks: here.marks,
        },
        left: None,
        marks_there: there.marks,
    })
}
