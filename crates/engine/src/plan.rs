//! What a pass is going to do, as plain data: made by the decisions of `domain`, printed by a dry run, executed as it is.

use crate::foresee::FolderStep;
use crate::moves::PlannedMove;
use crate::pass::Run;
use crate::veiled::Veiled;
use crate::work::FolderWork;
use parom_domain::decide::{Base, Op, Sight, decide};
use parom_domain::endpoint::MarkChange;
use parom_domain::link::Slot;
use parom_domain::policy::Deletions;
use parom_domain::state::FolderId;
use parom_domain::uid::UidSet;
use parom_domain::{Both, FolderPath, Marks, Role, Side, Uid};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub struct AccountPlan {
    /// Of a dry run. A pass has brought the trees in step before it plans.
    pub steps: Vec<FolderStep>,
    pub moves: Vec<PlannedMove>,
    pub folders: BTreeMap<FolderId, FolderPlan>,
    /// Something is gone of which this pass cannot say whether it was deleted: what it means waits for another one.
    pub is_undecided: bool,
}

#[derive(Debug, Default)]
pub struct FolderPlan {
    pub name: Option<FolderPath>,
    /// By the side that receives: UIDs on the other.
    pub creates: Both<Vec<Uid>>,
    /// By the side that is changed.
    pub marks: Both<Vec<(MarkChange, Vec<Slot>)>>,
    pub rebase: Vec<(Slot, Marks)>,
    /// By the side that loses them.
    pub deletes: Both<Vec<Slot>>,
    pub forget: Vec<Slot>,
    /// Links that keep one end only: gone from this side, and the other keeps its message.
    pub sleep: Vec<(Slot, Side)>,
    /// Newcomers that are not carried (one way), but known from now on.
    pub known: Both<Vec<Uid>>,
}

impl AccountPlan {
    #[must_use]
    pub fn creates(&self) -> u64 {
        self.folders.values().map(|plan| (plan.creates.source.len() + plan.creates.target.len()) as u64).sum()
    }

    /// Nothing to do anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.moves.is_empty() && self.folders.values().all(FolderPlan::is_empty)
    }
}

impl FolderPlan {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let quiet = |side: Side| {
            self.creates[side].is_empty()
                && self.marks[side].is_empty()
                && self.deletes[side].is_empty()
                && self.known[side].is_empty()
        };
        quiet(Side::Source)
            && quiet(Side::Target)
            && self.rebase.is_empty()
            && self.forget.is_empty()
            && self.sleep.is_empty()
    }
}

/// Decides about everything that the looks found.
#[must_use]
pub fn make(
    run: &Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    moves: Vec<PlannedMove>,
    moved_on: Both<bool>,
) -> AccountPlan {
    // While a folder could not be looked at, a message that is missing elsewhere may have gone there.
    let wait_with_deletes = !run.sees_everything();
    let mut plan = AccountPlan { moves, ..AccountPlan::default() };
    let veiled = Veiled::of(run, works);
    for work in works.values_mut() {
        let mut folder = plan_folder(run, work);
        veiled.let_alike_sleep(work, &mut folder);
        if work.is_guessed {
            keep_guessed(work, &mut folder);
        }
        let none = folder.forget.is_empty() && folder.deletes.source.is_empty() && folder.deletes.target.is_empty();
        // Nor is it known to be gone while something has come to that side which nobody has looked at.
        let may_be_there = Side::ALL.iter().any(|side| moved_on[*side] && !work.findings.gone[*side].is_empty());
        if may_be_there && !(none && folder.sleep.is_empty()) || wait_with_deletes && !none {
            folder.deletes = Both::default();
            folder.forget.clear();
            folder.sleep.retain(|(_, gone)| !moved_on[*gone]);
            plan.is_undecided = true;
            work.failed = true;
            work.settled = false;
        }
        if !folder.is_empty() {
            plan.folders.insert(work.id, folder);
        }
    }
    plan
}

/// Nothing is deleted for a guess. What was not moved is new mail from the next pass on, and keeps its folder alive.
fn keep_guessed(work: &mut FolderWork, folder: &mut FolderPlan) {
    for side in Side::ALL {
        folder.forget.append(&mut folder.deletes[side]);
    }
    if !folder.forget.is_empty() {
        work.failed = true;
        work.settled = false;
    }
}

fn plan_folder(run: &Run<'_>, work: &FolderWork) -> FolderPlan {
    let policy = &run.pass.policy;
    let mut plan = FolderPlan { name: run.name(work.id), ..FolderPlan::default() };
    for side in Side::ALL {
        for sighting in &work.findings.newcomers[side] {
            let mut sight = Both::new(Sight::Unmentioned, Sight::Unmentioned);
            sight[side] = Sight::Present { marks: sighting.marks.clone(), version: None };
            match decide(None, &sight, policy).as_slice() {
                // A folder that is gone on the other side takes nothing: the newcomer keeps this one alive.
                [Op::Create { into }] if work.is_open() => plan.creates[*into].push(sighting.uid),
                [Op::Create { .. }] => {}
                _ => plan.known[side].push(sighting.uid),
            }
        }
    }
    let mut marks = GroupedMarks::default();
    let mut gone: Vec<Slot> = work.findings.gone.source.iter().chain(&work.findings.gone.target).copied().collect();
    gone.sort_unstable();
    gone.dedup();
    for slot in gone {
        let Some(link) = work.links.get(slot) else { continue };
        if link.is_one_sided() {
            plan.forget.push(slot);
            continue;
        }
        let sight =
            Both::from_fn(
                |side| {
                    if work.findings.gone[side].contains(&slot) { Sight::Gone } else { Sight::Unmentioned }
                },
            );
        decided(work, slot, &link.base, &sight, run, &mut plan, &mut marks);
    }
    for (slot, seen) in &work.findings.changed {
        let Some(link) = work.links.get(*slot) else { continue };
        let sight = seen.as_ref().map(|marks| match marks {
            Some(marks) => Sight::Present { marks: marks.clone(), version: None },
            None => Sight::Unmentioned,
        });
        decided(work, *slot, &link.base, &sight, run, &mut plan, &mut marks);
    }
    plan.marks = marks.into_changes();
    plan
}

fn decided(
    work: &FolderWork,
    slot: Slot,
    base: &Marks,
    sight: &Both<Sight>,
    run: &Run<'_>,
    plan: &mut FolderPlan,
    marks: &mut GroupedMarks,
) {
    let base = Base { marks: base.clone(), version: Both::default() };
    // INVARIANT: a mark that one side does not keep is not agreed. Else its absence there would be a removal as soon as the
    // side can keep it. What only wants for rights is tried all the same, so that the refusal is told.
    let mut never = Marks::default();
    for op in decide(Some(&base), sight, &run.pass.policy) {
        match op {
            Op::Mark { on, add, remove } => {
                let unkept = work.unkept(on, &add, &remove);
                let (add, remove) = (add.minus(&unkept), remove.minus(&unkept));
                never = never.union(&unkept);
                let uid = work.links.get(slot).and_then(|link| link.uids[on]);
                if let Some(uid) = uid.filter(|_| !(add.is_empty() && remove.is_empty())) {
                    marks.add(on, add, remove, uid, slot);
                }
            }
            Op::Rebase { marks } => {
                let agreed = marks.but_for(&never, &base.marks);
                if agreed != base.marks {
                    plan.rebase.push((slot, agreed));
                }
            }
            Op::Delete { on } => plan.deletes[on].push(slot),
            Op::Sleep { gone } => plan.sleep.push((slot, gone)),
            Op::Forget => plan.forget.push(slot),
            // Messages have no versions, and a linked one is never created or adopted.
            Op::Create { .. } | Op::Adopt | Op::Update { .. } | Op::Merge => {}
        }
    }
}

/// The messages of one change, and their links.
type Group = (Vec<Uid>, Vec<Slot>);

/// The same change of marks on many messages is one command.
#[derive(Default)]
struct GroupedMarks {
    groups: HashMap<(Side, Marks, Marks), Group>,
}

impl GroupedMarks {
    fn add(&mut self, side: Side, add: Marks, remove: Marks, uid: Uid, slot: Slot) {
        let group = self.groups.entry((side, add, remove)).or_default();
        group.0.push(uid);
        group.1.push(slot);
    }

    fn into_changes(self) -> Both<Vec<(MarkChange, Vec<Slot>)>> {
        let mut changes: Both<Vec<(MarkChange, Vec<Slot>)>> = Both::default();
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by(|(a, _), (b, _)| a.cmp(b));
        for ((side, add, remove), (mut uids, slots)) in groups {
            uids.sort_unstable();
            let uids: UidSet = uids.into_iter().collect();
            changes[side].push((MarkChange { uids, add, remove }, slots));
        }
        changes
    }
}

/// What a deletion on one side does to the messages of a folder there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Into this folder pair, the side's trash.
    ToTrash(FolderId),
    Expunge,
}

/// How messages of a folder are removed from a side.
#[must_use]
pub fn removal(run: &Run<'_>, folder: FolderId, side: Side) -> Removal {
    if run.pass.policy.deletions != Deletions::Trash {
        return Removal::Expunge;
    }
    let trash = run.state.folders.iter().find(|pair| pair.role == Some(Role::Trash) && pair.paths[side].is_some());
    match trash {
        Some(trash) if trash.id != folder && !is_below_trash(run, folder, side, trash.paths[side].as_ref()) => {
            Removal::ToTrash(trash.id)
        }
        _ => Removal::Expunge,
    }
}

fn is_below_trash(run: &Run<'_>, folder: FolderId, side: Side, trash: Option<&FolderPath>) -> bool {
    let path = run.pair(folder).and_then(|pair| pair.paths[side].clone());
    matches!((path, trash), (Some(path), Some(trash)) if path.is_below(trash))
}
