//! What a dry run tells of the folder trees: folders that would be made, renamed and removed.

use crate::pass::Run;
use crate::plan::AccountPlan;
use crate::removal::{self, Left};
use crate::work::FolderWork;
use parom_domain::endpoint::{Cursor, Listing};
use parom_domain::policy::Deletions;
use parom_domain::state::FolderId;
use parom_domain::tree::{TreePlan, TreeStep};
use parom_domain::{Both, FolderPath, FolderSeen, Side};
use std::collections::{BTreeMap, HashSet};

/// One change of one side's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderStep {
    Make {
        side: Side,
        path: FolderPath,
    },
    Rename {
        side: Side,
        from: FolderPath,
        to: FolderPath,
    },
    Subscribe {
        side: Side,
        path: FolderPath,
        on: bool,
    },
    Remove {
        side: Side,
        path: FolderPath,
    },
    /// Gone from this side, but not for long enough to be believed: until then nothing is done about it.
    Missing {
        side: Side,
        path: FolderPath,
    },
}

/// The listings as they would be had the plan's folders been made: new and empty. So all that a look, the pairing and the
/// decisions find out about such a folder is what the pass itself would find out, and no server is asked about it.
pub fn as_if_made(run: &mut Run<'_>, mut listings: Both<Listing>, plan: &TreePlan) -> Both<Listing> {
    for step in &plan.steps {
        let TreeStep::Create { id, side, path, role } = step else { continue };
        if let Some(pair) = run.pair_mut(*id) {
            pair.paths[*side] = Some(path.clone());
        }
        listings[*side].folders.push(FolderSeen {
            path: path.clone(),
            role: *role,
            selectable: true,
            may_have_children: true,
            hides_children: false,
            subscribed: false,
            subscribable: true,
            status: Some(Cursor { validity: 1, uidnext: 1, modseq: 0, exists: 0 }),
            mailbox_id: None,
        });
    }
    listings
}

/// The steps in the order in which a pass takes them.
#[must_use]
pub fn steps(
    run: &Run<'_>,
    works: &BTreeMap<FolderId, FolderWork>,
    plan: &AccountPlan,
    trees: &TreePlan,
    listings: &Both<Listing>,
) -> Vec<FolderStep> {
    let mut steps: Vec<FolderStep> = renames(run, trees);
    let others = trees.steps.iter().filter_map(|step| match step {
        TreeStep::Create { side, path, .. } => Some(FolderStep::Make { side: *side, path: path.clone() }),
        TreeStep::Subscribe { id, side, on } => {
            let path = run.pair(*id)?.paths[*side].clone()?;
            Some(FolderStep::Subscribe { side: *side, path, on: *on })
        }
        TreeStep::Rename { .. } => None,
    });
    steps.extend(others);
    steps.extend(removals(run, works, plan, trees, listings));
    steps.extend(missing(run, trees));
    steps
}

/// Where each folder gets in the end; the spare names on the way are nobody's business.
fn renames(run: &Run<'_>, trees: &TreePlan) -> Vec<FolderStep> {
    let mut goals: BTreeMap<(FolderId, Side), &FolderPath> = BTreeMap::new();
    for step in &trees.steps {
        if let TreeStep::Rename { id, side, to } = step {
            goals.insert((*id, *side), to);
        }
    }
    let renames = goals.into_iter().filter_map(|((id, side), to)| {
        let from = run.pair(id)?.paths[side].clone().filter(|from| from != to)?;
        Some(FolderStep::Rename { side, from, to: to.clone() })
    });
    renames.collect()
}

/// Folders whose partner is gone and in which nothing would be left (see [`crate::removal`]). One that stays keeps those
/// above it.
fn removals(
    run: &Run<'_>,
    works: &BTreeMap<FolderId, FolderWork>,
    plan: &AccountPlan,
    trees: &TreePlan,
    listings: &Both<Listing>,
) -> Vec<FolderStep> {
    let mut removed: Both<HashSet<FolderPath>> = Both::default();
    let mut steps = Vec::new();
    for Left { id, side, path } in removal::left(run, trees) {
        if is_emptied(run, works, plan, id, side) && !removal::holds_others(&listings[side], &path, &removed[side]) {
            removed[side].insert(path.clone());
            steps.push(FolderStep::Remove { side, path });
        }
    }
    steps
}

fn is_emptied(
    run: &Run<'_>,
    works: &BTreeMap<FolderId, FolderWork>,
    plan: &AccountPlan,
    id: FolderId,
    side: Side,
) -> bool {
    let Some(work) = works.get(&id).filter(|work| !work.stays()) else { return false };
    let deleted = plan.folders.get(&id).map_or(0, |folder| folder.deletes[side].len());
    let moved = plan.moves.iter().filter(|planned| (planned.from, planned.side) == (id, side)).count();
    let held = work.seen[side].as_ref().map_or(0, |seen| seen.cursor.exists);
    run.pass.policy.writes(side)
        && run.pass.policy.deletions != Deletions::Never
        && u64::from(held) <= (deleted + moved) as u64
}

fn missing(run: &Run<'_>, trees: &TreePlan) -> Vec<FolderStep> {
    let mut steps = Vec::new();
    for pair in &run.state.folders {
        for side in Side::ALL {
            let is_gone = trees.gone.contains(&(pair.id, side)) || trees.forget.contains(&pair.id);
            if let (Some(_), Some(path), false) = (pair.missing_since_ms[side], &pair.paths[side], is_gone) {
                steps.push(FolderStep::Missing { side, path: path.clone() });
            }
        }
    }
    steps
}
