//! Newcomers that may have come out of a folder that could not be looked at: they wait until it is seen again or known to
//! be gone.
//!
//! Somebody who moves everything out of a folder and removes it has moved messages, and they are carried as moves once
//! the folder is believed gone. Were they carried as new mail before, both sides would hold them twice. That goes for either
//! side: a message of a folder that is missing on one side may be moved on the other meanwhile. And a folder that is not the one
//! that we know is held by a brake: what left it before it was made anew waits until a person has released that.

use crate::gather::fetch_stamps;
use crate::overtaken::announced;
use crate::pass::Run;
use crate::work::FolderWork;
use parom_domain::link::stored_size;
use parom_domain::state::FolderId;
use parom_domain::{Result, Side, Uid};
use std::collections::{BTreeMap, HashSet};

pub async fn hold_back(run: &Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>) -> Result<()> {
    let any = works.values().any(|work| Side::ALL.iter().any(|side| !work.findings.newcomers[*side].is_empty()));
    if !any {
        return Ok(());
    }
    let known = known_elsewhere(run, works).await?;
    if !known.is_empty() {
        take_known(run, works, &known, |work| {
            work.failed = true;
            work.settled = false;
        })
        .await?;
    }
    let known = known_to_strangers(run).await?;
    if !known.is_empty() {
        take_known(run, works, &known, |work| work.waits = true).await?;
    }
    Ok(())
}

/// Takes the newcomers that look like what is known out of their folders, and leaves a note there.
async fn take_known(
    run: &Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    known: &HashSet<(u64, u32)>,
    note: impl Fn(&mut FolderWork),
) -> Result<()> {
    for side in Side::ALL.into_iter().filter(|side| run.pass.policy.writes(side.other())) {
        for work in works.values_mut().filter(|work| !work.findings.newcomers[side].is_empty()) {
            fetch_stamps(run, work, side).await?;
            let is_known = |uid: &Uid| {
                let stamp = work.stamps[side].get(uid);
                stamp.is_some_and(|stamp| known.contains(&(stamp.fingerprint.short(), stored_size(stamp.size))))
            };
            let newcomers = work.findings.newcomers[side].iter().map(|sighting| sighting.uid);
            let held: HashSet<Uid> = newcomers.filter(is_known).collect();
            if !held.is_empty() {
                work.take_newcomers(side, &held);
                note(work);
            }
        }
    }
    Ok(())
}

/// What is linked in the folders that this pass cannot look at, was on its way into them, or may be there now.
async fn known_elsewhere(run: &Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Result<HashSet<(u64, u32)>> {
    let mut known = HashSet::new();
    // What is gone on both sides may have been moved on both, and is paired once both places are seen.
    let explained = |id: &FolderId| run.forgotten.contains(id) && run.sees_everything();
    let folders = run.state.folders.iter().filter(|pair| !explained(&pair.id));
    for pair in folders.filter(|pair| !works.contains_key(&pair.id)) {
        let missing = pair.missing_since_ms.iter().any(|(_, since)| since.is_some());
        if !missing && !run.unseen.contains(&pair.id) {
            continue;
        }
        let links = run.pass.book.links(pair.id).await?;
        let whole = links.iter().filter(|(_, link)| !link.is_one_sided() && link.short != 0);
        known.extend(whole.map(|(_, link)| (link.short, link.size)));
    }
    // What is announced still, what was given up, what a folder lost, and the other half of a move may have been moved into a
    // folder that is missing, whatever folder it was in or meant for.
    if !run.sees_everything() {
        known.extend(announced(run).map(|stray| (stray.short, stray.size)));
        known.extend(run.state.strays.iter().flat_map(|strays| &strays.looks));
    }
    let recent = run.state.recent.iter().filter(|_| run.trees_wait);
    known.extend(recent.map(|item| (item.fingerprint.short(), stored_size(item.len))));
    Ok(known)
}

/// What was linked in folders that somebody has made anew, or was on its way into them.
async fn known_to_strangers(run: &Run<'_>) -> Result<HashSet<(u64, u32)>> {
    let mut known = HashSet::new();
    for folder in &run.strangers {
        let links = run.pass.book.links(*folder).await?;
        let whole = links.iter().filter(|(_, link)| !link.is_one_sided() && link.short != 0);
        known.extend(whole.map(|(_, link)| (link.short, link.size)));
    }
    let announced = announced(run).filter(|stray| run.strangers.contains(&stray.folder));
    known.extend(announced.map(|stray| (stray.short, stray.size)));
    Ok(known)
}
