//! Messages that are gone from one folder, and may be in another one that this pass has not seen since.
//!
//! A folder that stood still when it was listed is not looked at. What was moved into it afterwards is gone in its old place and
//! not yet seen in its new one: carried as a deletion, it would be removed on the other side, and come again as new mail. But
//! whoever moves a message puts it into its new place no later than it leaves the old one. So where all folders stand, asked
//! once more after the looks, tells whether anything came in between. Then what is gone waits for the next look.
//!
//! Where the server does not tell what vanished, the grace of a suspicion does the same.

use crate::folders::listed;
use crate::looks::observe_many;
use crate::pass::{Run, stops_the_pass};
use crate::work::FolderWork;
use parom_domain::endpoint::{Cursor, Listing, LookAt};
use parom_domain::state::{FolderId, FolderPair};
use parom_domain::uid::UidSet;
use parom_domain::{Both, Result, Side};
use std::collections::BTreeMap;

type Works = BTreeMap<FolderId, FolderWork>;

/// The sides on which something came after it was looked for.
pub async fn ask(run: &Run<'_>, works: &Works, listings: &Both<Listing>) -> Result<Both<bool>> {
    let mut moved_on = Both::new(false, false);
    for side in Side::ALL {
        let is_gone = works.values().any(|work| !work.findings.gone[side].is_empty());
        if is_gone && listings[side].abilities.tells_vanished {
            moved_on[side] = has_come(run, works, &listings[side], side).await?;
        }
    }
    Ok(moved_on)
}

async fn has_come(run: &Run<'_>, works: &Works, before: &Listing, side: Side) -> Result<bool> {
    let now = run.pass.sides[side].folders().await?;
    if now.folders.iter().any(|folder| folder.selectable && listed(before, &folder.path).is_none()) {
        return Ok(true);
    }
    let mut untold = Vec::new();
    for pair in &run.state.folders {
        let Some(path) = &pair.paths[side] else { continue };
        // One that is not there any more has taken in nothing that stays.
        let Some(folder) = listed(&now, path) else { continue };
        let stood = stood(works, before, pair, side);
        match (folder.status, stood) {
            (Some(now), Some(stood)) if now.uidnext > 0 => {
                if arrived(&stood, &now) {
                    return Ok(true);
                }
            }
            (_, Some(stood)) => {
                untold.push((LookAt { folder: path.clone(), since: Some(stood), ask: UidSet::new() }, 0))
            }
            (_, None) => {}
        }
    }
    let since: Vec<Option<Cursor>> = untold.iter().map(|(look, _)| look.since).collect();
    for (stood, looked) in since.into_iter().flatten().zip(observe_many(run, side, untold).await) {
        match looked {
            Ok(looked) if arrived(&stood, &looked.snapshot.cursor) => return Ok(true),
            Ok(_) => {}
            Err(error) if stops_the_pass(&error) => return Err(error),
            // Nobody knows what is in there.
            Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// Where this pass saw the folder stand.
fn stood(works: &Works, before: &Listing, pair: &FolderPair, side: Side) -> Option<Cursor> {
    let looked = works.get(&pair.id).and_then(|work| work.seen[side].as_ref()).map(|seen| seen.cursor);
    let told = || listed(before, pair.paths[side].as_ref()?)?.status;
    looked.or_else(told)
}

fn arrived(stood: &Cursor, now: &Cursor) -> bool {
    (now.validity, now.uidnext) != (stood.validity, stood.uidnext)
}
