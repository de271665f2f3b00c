//! Folders that the other side does not take (a name that is not allowed there, a limit). They have no partner, so no pass looks into
//! them, and yet a message that is gone elsewhere may have been moved into one: then it waits, and all other deletions go on.

use crate::likeness;
use crate::pass::{Run, stops_the_pass};
use crate::work::FolderWork;
use parom_domain::endpoint::Listing;
use parom_domain::link::{Slot, stored_size};
use parom_domain::state::{FolderId, FolderPair};
use parom_domain::{Both, FolderPath, Result, Side, Uid};
use std::collections::{BTreeMap, HashSet};

/// A folder with more messages than that is not read whenever something is deleted: then all deletions wait for it.
const MOST: u32 = 10_000;

/// Nothing is deleted for what may be in such a folder.
pub async fn hold_back(
    run: &mut Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    listings: &Both<Listing>,
) -> Result<()> {
    for side in Side::ALL {
        let is_gone = works.values().any(|work| !work.findings.gone[side].is_empty());
        for (folder, path) in refused(run, side).into_iter().filter(|_| is_gone) {
            match looks(run, listings, side, &path).await {
                Ok(Some(looks)) => works.values_mut().for_each(|work| keep(work, side, &looks)),
                // Nobody knows what is in there.
                Ok(None) => _ = run.unseen.insert(folder),
                Err(error) if stops_the_pass(&error) => return Err(error),
                Err(error) => run.trouble(folder, error),
            }
        }
    }
    Ok(())
}

fn refused(run: &Run<'_>, side: Side) -> Vec<(FolderId, FolderPath)> {
    let is_alone = |pair: &&FolderPair| run.refused.contains(&pair.id) && pair.paths[side.other()].is_none();
    let pairs = run.state.folders.iter().filter(is_alone);
    pairs.filter_map(|pair| Some((pair.id, pair.paths[side].clone()?))).collect()
}

/// What the messages in it look like.
async fn looks(
    run: &Run<'_>,
    listings: &Both<Listing>,
    side: Side,
    path: &FolderPath,
) -> Result<Option<HashSet<(u64, u32)>>> {
    let told = crate::folders::listed(&listings[side], path).and_then(|seen| seen.status);
    let cursor = match told {
        Some(status) => status,
        None => run.pass.sides[side].observe(path, None).await?.cursor,
    };
    if cursor.exists > MOST {
        return Ok(None);
    }
    let stamps = likeness::find(run, side, path, cursor.validity, Uid::MIN).await?;
    Ok(Some(stamps.iter().map(|stamp| (stamp.fingerprint.short(), stored_size(stamp.size))).collect()))
}

fn keep(work: &mut FolderWork, side: Side, looks: &HashSet<(u64, u32)>) {
    let links = &work.links;
    let may_be_there = |slot: &mut Slot| links.get(*slot).is_some_and(|link| looks.contains(&(link.short, link.size)));
    let kept = work.findings.gone[side].extract_if(.., may_be_there).count();
    work.waits |= kept > 0;
    work.settled &= kept == 0;
}
