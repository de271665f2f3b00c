//! Folders that a server says it has made, and does not list: it has written the name otherwise (Hoodiecrow makes `quote\s` of
//! `quote"s`), or hides them from the account. Were mail carried into one, it would come back out of the other name.

use crate::folders::{Step, note, told};
use crate::pass::Run;
use parom_domain::endpoint::Listing;
use parom_domain::state::{Change, FolderId};
use parom_domain::tree::{TreePlan, TreeStep};
use parom_domain::{Both, Code, Error, FolderPath, Result, Retry, Scope, Side, names};
use std::collections::{HashMap, HashSet};

/// Which of the folders that this plan has made are missing from the listings that were fetched since.
pub fn of_plan(run: &Run<'_>, plan: &TreePlan, fresh: &Both<Option<Listing>>) -> HashMap<FolderId, Side> {
    let listed = fresh.as_ref().map(|listing| {
        let listing = listing.as_ref().filter(|listing| listing.withheld.is_none())?;
        Some(listing.folders.iter().map(|seen| names::folded(&seen.path)).collect::<HashSet<FolderPath>>())
    });
    let made = plan.steps.iter().filter_map(|step| match step {
        TreeStep::Create { id, side, path, .. } => {
            let is_made = run.pair(*id)?.paths[*side].as_ref() == Some(path);
            let is_missing = !listed[*side].as_ref()?.contains(&names::folded(path));
            (is_made && is_missing).then_some((*id, *side))
        }
        TreeStep::Rename { .. } | TreeStep::Subscribe { .. } => None,
    });
    made.collect()
}

/// They count as refused: they have no other end, and `subscribed` is what it was before.
pub async fn give_up(
    run: &mut Run<'_>,
    unmade: &HashMap<FolderId, Side>,
    subscribed: &HashMap<FolderId, bool>,
) -> Result<()> {
    let mut changes = Vec::new();
    for (id, side) in unmade {
        let Some(pair) = run.pair_mut(*id) else { continue };
        pair.paths[*side] = None;
        pair.subscribed = subscribed.get(id).copied().unwrap_or_default();
        changes.push(Change::PutFolder(pair.clone()));
        let refused = Error::new(Code::FolderRefused, Scope::Folder, Retry::WhenFixed);
        note(run, *id, told(*side, Step::Create, Err(refused)))?;
    }
    run.pass.book.commit(changes).await
}
