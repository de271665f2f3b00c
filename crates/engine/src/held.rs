//! Brakes in a pass: what trips is written down, shown, and not done, until a person releases it or the cause is gone.

use crate::moves::PlannedMove;
use crate::pass::Run;
use crate::plan::{AccountPlan, Removal, removal};
use crate::receipts;
use crate::tripped::{self, DAY_MS, Tripped};
use crate::work::FolderWork;
use parom_domain::endpoint::{Listing, Removed};
use parom_domain::guard::{self, Brake, BrakeName, FolderLoss};
use parom_domain::state::{Change, Deleted, FolderId, Held};
use parom_domain::{Both, Code, Error, Result, Retry, Role, Scope, Side, UidSet};
use std::collections::{BTreeMap, HashSet};

/// Asks the guard, takes what it holds out of the plan, and records it.
pub async fn apply_brakes(
    run: &mut Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    plan: &mut AccountPlan,
    listings: &Both<Listing>,
) -> Result<()> {
    let mut losses: Vec<FolderLoss> = works.values().flat_map(|work| losses(run, work, plan)).collect();
    for loss in &mut losses {
        loss.may_be_hidden = !listings[loss.side].abilities.lists_every_folder;
    }
    let total: usize = works.values().map(|work| work.links.len()).sum();
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    let deleted_today = run.state.deleted_since(day_ago_ms(run));
    let brakes = |held: &[Held]| guard::brakes(&losses, total, deleted_today, &run.pass.policy, held);
    let is_held: Vec<Held> = run.state.held.iter().filter(|held| !held.released).cloned().collect();
    let allowed = brakes(&is_held);
    let mut brakes = brakes(&run.state.held);
    run.allowed = allowed.into_iter().filter(|brake| !brakes.contains(brake)).collect();
    run.is_undecided = plan.is_undecided;
    for brake in &brakes {
        hold(run, works, plan, brake);
    }
    brakes.extend(receipts::hold_back(run, works, plan, listings).await?);
    let named: Vec<(Brake, Option<parom_domain::FolderPath>)> =
        brakes.iter().map(|brake| (*brake, brake.folder.and_then(|folder| run.name(folder)))).collect();
    if !run.pass.dry_run {
        record(run, &named).await?;
    }
    run.report.held = named;
    Ok(())
}

/// The folders that are not the ones that we know, as long as nobody has said that they are right.
pub fn strangers(run: &Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> HashSet<FolderId> {
    let plan = AccountPlan::default();
    let losses: Vec<FolderLoss> = works.values().flat_map(|work| losses(run, work, &plan)).collect();
    let brakes = guard::brakes(&losses, 0, 0, &run.pass.policy, &run.state.held);
    brakes.into_iter().filter_map(|brake| brake.folder).collect()
}

fn losses(run: &Run<'_>, work: &FolderWork, plan: &AccountPlan) -> Vec<FolderLoss> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let deletes = |on: Side| plan.folders.get(&work.id).map_or(0, |folder| folder.deletes[on].len());
    Side::ALL
        .into_iter()
        .map(|side| FolderLoss {
            folder: work.id,
            role: work.role,
            side,
            // Of a folder that was replaced, what is not found again counts too.
            linked: count(work.links.count(side) + work.strays[side].len()),
            gone: count(deletes(side.other())),
            irreversible: match removal(run, work.id, side.other()) {
                Removal::Expunge => count(deletes(side.other())),
                Removal::ToTrash(_) => 0,
            },
            vanished: work.gone_side == Some(side),
            may_be_hidden: false,
            replaced: work.replaced[side],
            went_back: work.went_back[side],
        })
        .filter(|loss| loss.gone > 0 || loss.replaced || loss.went_back)
        .collect()
}

/// Takes out of the plan what the brake is about. Cursors of such a folder stay, so that the evidence stays evident.
fn hold(run: &mut Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>, plan: &mut AccountPlan, brake: &Brake) {
    let mut keep = |id: FolderId| {
        if let Some(work) = works.get_mut(&id) {
            work.failed = true;
            work.settled = false;
        }
    };
    match (brake.name, brake.folder) {
        // Not the folder that we know: nothing at all is done in it, and its links stay as they are in the book.
        (BrakeName::OtherMailbox | BrakeName::RestoredServer, Some(id)) => {
            plan.folders.remove(&id);
            // What was to be moved between this folder and another is news in the other again.
            let concerns = |planned: &mut PlannedMove| {
                let left = planned.left.map(|(folder, _)| folder);
                planned.from == id || planned.to == id || left == Some(id)
            };
            for planned in plan.moves.extract_if(.., concerns) {
                keep(planned.from);
                keep(planned.to);
                planned.left.iter().for_each(|(left, _)| keep(*left));
            }
            works.remove(&id);
            run.braked.insert(id);
        }
        (_, Some(id)) => {
            keep(id);
            if let Some(folder) = plan.folders.get_mut(&id) {
                folder.deletes[brake.side.other()].clear();
            }
        }
        (_, None) => {
            for (id, folder) in &mut plan.folders {
                if !folder.deletes[brake.side.other()].is_empty() {
                    folder.deletes[brake.side.other()].clear();
                    keep(*id);
                }
            }
        }
    }
}

async fn record(run: &mut Run<'_>, named: &[(Brake, Option<parom_domain::FolderPath>)]) -> Result<()> {
    let told = |(brake, folder): &(Brake, Option<parom_domain::FolderPath>)| Tripped {
        key: brake.key(),
        brake: brake.name.as_str(),
        side: brake.side,
        what: folder.as_ref().map(ToString::to_string),
        count: brake.count,
        total: brake.total,
    };
    let (knows_all, now_ms) = (run.knows_all_losses(), run.pass.clock.now_ms());
    let recorded = tripped::record(&mut run.state.held, named.iter().map(told).collect(), knows_all, now_ms);
    let holds = recorded.hold.into_iter().map(Change::Hold);
    let changes = holds.chain(recorded.unhold.into_iter().map(|key| Change::Unhold { key })).collect();
    run.pass.book.commit(changes).await
}

/// After a pass went through: what was released has been done, or nobody needs it.
pub async fn forget_released(run: &mut Run<'_>) -> Result<()> {
    let is_used = |brake: &&Brake| {
        let mut deleted = run.deleted_in.iter().filter(|(_, on)| *on == brake.side.other());
        deleted.any(|(id, _)| brake.folder.is_none_or(|folder| folder == *id))
    };
    let used: Vec<String> = run.allowed.iter().filter(is_used).map(Brake::key).collect();
    let (knows_all, now_ms) = (run.knows_all_losses(), run.pass.clock.now_ms());
    let released = tripped::take_released(&mut run.state.held, knows_all, &used, now_ms);
    if released.is_empty() {
        return Ok(());
    }
    let mut changes = Vec::new();
    // A person has agreed to what the volume brake counted. Were it counted on, each further deletion of that day would
    // have to be released too.
    if released.iter().any(|held| held.brake == BrakeName::ManyDeletions.as_str()) {
        changes.push(Change::ForgetDeleted { before_ms: u64::MAX });
        run.state.deleted.clear();
    }
    changes.extend(released.into_iter().map(|held| Change::Unhold { key: held.key }));
    run.pass.book.commit(changes).await
}

/// Notes messages that were deleted on one side, to be committed with the end of their links: a restart must not let a
/// day's deletions begin anew. What is older than a day goes with the same commit, so that an idle pass writes nothing.
pub fn count_deleted(run: &mut Run<'_>, role: Option<Role>, messages: u64) -> Vec<Change> {
    if guard::is_harmless(role) || messages == 0 {
        return Vec::new();
    }
    let deleted = Deleted { at_ms: run.pass.clock.now_ms(), messages: u32::try_from(messages).unwrap_or(u32::MAX) };
    let before_ms = day_ago_ms(run);
    run.state.deleted.retain(|old| old.at_ms >= before_ms);
    run.state.deleted.push(deleted);
    vec![Change::CountDeleted(deleted), Change::ForgetDeleted { before_ms }]
}

/// What the server did not remove, though it said that it did.
pub fn withheld(side: Side, spared: &UidSet) -> Error {
    let error = Error::new(Code::DeletionWithheld, Scope::Folder, Retry::WhenFixed).with("side", side.as_str());
    error.with("count", spared.count())
}

/// # Errors
/// `DeletionWithheld` where anything is still there that was to be removed.
pub fn none_spared(side: Side, removed: Removed) -> Result<Removed> {
    if removed.spared.is_empty() { Ok(removed) } else { Err(withheld(side, &removed.spared)) }
}

fn day_ago_ms(run: &Run<'_>) -> u64 {
    run.pass.clock.now_ms().saturating_sub(DAY_MS)
}
