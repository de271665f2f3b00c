//! Newcomers that may have come out of a folder that is missing: they wait until it is known to be gone or back.
//!
//! Somebody who moves everything out of a folder and removes it has moved messages, and they are carried as moves once
//! the folder is believed gone. Were they carried as new mail before, the other side would hold them twice meanwhile.

use crate::gather::fetch_stamps;
use crate::pass::Run;
use crate::work::FolderWork;
use parom_domain::link::stored_size;
use parom_domain::state::FolderId;
use parom_domain::{Result, Side, Uid};
use std::collections::{BTreeMap, HashSet};

pub async fn hold_back(run: &Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>) -> Result<()> {
    for side in Side::ALL {
        let missing = run.state.folders.iter().filter(|pair| pair.missing_since_ms[side].is_some());
        let mut known: HashSet<(u64, u32)> = HashSet::new();
        for pair in missing.filter(|pair| !works.contains_key(&pair.id)) {
            let links = run.pass.book.links(pair.id).await?;
            let whole = links.iter().filter(|(_, link)| !link.is_one_sided() && link.short != 0);
            known.extend(whole.map(|(_, link)| (link.short, link.size)));
        }
        if known.is_empty() || !run.pass.policy.writes(side.other()) {
            continue;
        }
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
                work.failed = true;
                work.settled = false;
            }
        }
    }
    Ok(())
}
