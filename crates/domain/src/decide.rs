//! The truth table: what must happen to one item so that both sides agree. The same for a message and an event.
//!
//! Nothing is deleted but here, and only on a [`Sight::Gone`], which needs evidence (see `look`), of an item that was
//! linked, which means that it was seen present on both sides before.

use crate::policy::{Deletions, Policy};
use crate::{Both, Marks, Side};

/// A hash of an item's content where content can be edited (events). Messages are immutable and have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub u64);

/// What one side shows of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Not in this look. Unchanged if it is linked, and never a deletion.
    Unmentioned,
    Present {
        marks: Marks,
        version: Option<Version>,
    },
    /// Deleted, with evidence.
    Gone,
}

/// What both sides last agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub marks: Marks,
    pub version: Both<Option<Version>>,
}

/// One step towards agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Carry the item into this side.
    Create {
        into: Side,
    },
    /// The two are the same item: record the pair.
    Adopt,
    Mark {
        on: Side,
        add: Marks,
        remove: Marks,
    },
    /// From now on this is the base.
    Rebase {
        marks: Marks,
    },
    /// Overwrite the content on this side by the other's.
    Update {
        on: Side,
    },
    /// Both contents changed: merge them field by field.
    Merge,
    Delete {
        on: Side,
    },
    /// It stays where it is, known and never carried back, though it is gone from this side.
    Sleep {
        gone: Side,
    },
    /// Gone everywhere.
    Forget,
}

/// Decides about one item. `base` is there if and only if the item is linked.
#[must_use]
pub fn decide(base: Option<&Base>, sight: &Both<Sight>, policy: &Policy) -> Vec<Op> {
    match base {
        None => decide_unlinked(sight, policy),
        Some(base) => decide_linked(base, sight, policy),
    }
}

fn decide_unlinked(sight: &Both<Sight>, policy: &Policy) -> Vec<Op> {
    match (&sight.source, &sight.target) {
        (Sight::Present { marks: source, .. }, Sight::Present { marks: target, .. }) => {
            let agreed = match policy.mode {
                crate::policy::Mode::TwoWay => Marks::agree(source, target),
                crate::policy::Mode::ToTarget => source.clone(),
            };
            let mut ops = vec![Op::Adopt];
            ops.extend(marks_on(Side::Source, source, &agreed, policy));
            // One way, a mark that only the target has is its own reader's: it stays.
            let wanted = match policy.mode {
                crate::policy::Mode::TwoWay => agreed.clone(),
                crate::policy::Mode::ToTarget => agreed.union(target),
            };
            ops.extend(marks_on(Side::Target, target, &wanted, policy));
            ops.push(Op::Rebase { marks: agreed });
            ops
        }
        (Sight::Present { .. }, _) if policy.writes(Side::Target) => vec![Op::Create { into: Side::Target }],
        (_, Sight::Present { .. }) if policy.writes(Side::Source) => vec![Op::Create { into: Side::Source }],
        _ => Vec::new(),
    }
}

fn decide_linked(base: &Base, sight: &Both<Sight>, policy: &Policy) -> Vec<Op> {
    for side in Side::ALL {
        if sight[side] != Sight::Gone {
            continue;
        }
        let other = side.other();
        if sight[other] == Sight::Gone {
            return vec![Op::Forget];
        }
        if !policy.writes(other) || policy.deletions == Deletions::Never {
            return vec![Op::Sleep { gone: side }];
        }
        // An edit beats a delete. A change of flags is not an edit: there the delete wins.
        if edited(base, sight, other) {
            return if policy.writes(side) { vec![Op::Create { into: side }] } else { vec![Op::Sleep { gone: side }] };
        }
        return vec![Op::Delete { on: other }];
    }
    let mut ops = Vec::new();
    match (edited(base, sight, Side::Source), edited(base, sight, Side::Target)) {
        (true, true) => ops.push(Op::Merge),
        (true, false) => ops.push(Op::Update { on: Side::Target }),
        (false, true) if policy.writes(Side::Source) => ops.push(Op::Update { on: Side::Source }),
        _ => {}
    }
    let marks = Both::from_fn(|side| match &sight[side] {
        Sight::Present { marks, .. } => marks.clone(),
        Sight::Unmentioned | Sight::Gone => base.marks.clone(),
    });
    let agreed = match policy.mode {
        crate::policy::Mode::TwoWay => {
            let merged = Marks::merge(&base.marks, &marks.source, &marks.target);
            ops.extend(marks_on(Side::Source, &marks.source, &merged, policy));
            ops.extend(marks_on(Side::Target, &marks.target, &merged, policy));
            merged
        }
        // One way, the base follows the source, and what the source changed is done to the target: the rest of the
        // target's marks are its own.
        crate::policy::Mode::ToTarget => {
            let added = marks.source.minus(&base.marks);
            let removed = base.marks.minus(&marks.source);
            let wanted = marks.target.minus(&removed).union(&added);
            ops.extend(marks_on(Side::Target, &marks.target, &wanted, policy));
            marks.source.clone()
        }
    };
    if agreed != base.marks {
        ops.push(Op::Rebase { marks: agreed });
    }
    ops
}

fn edited(base: &Base, sight: &Both<Sight>, side: Side) -> bool {
    matches!(&sight[side], Sight::Present { version, .. } if *version != base.version[side])
}

fn marks_on(side: Side, has: &Marks, wanted: &Marks, policy: &Policy) -> Option<Op> {
    let (add, remove) = (wanted.minus(has), has.minus(wanted));
    let needed = policy.writes(side) && !(add.is_empty() && remove.is_empty());
    needed.then_some(Op::Mark { on: side, add, remove })
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
