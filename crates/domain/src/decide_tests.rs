//! The truth table as a whole, and the properties it must have.

use super::*;
use crate::policy::Mode;
use proptest::prelude::*;
use std::fmt::Write;

fn present(marks: u8, version: Option<u64>) -> Sight {
    Sight::Present { marks: Marks::from_system(marks), version: version.map(Version) }
}

fn base(marks: u8, version: Option<u64>) -> Base {
    Base { marks: Marks::from_system(marks), version: Both::new(version.map(Version), version.map(Version)) }
}

fn policies() -> Vec<(&'static str, Policy)> {
    let two_way = Policy { deletions: Deletions::Expunge, ..Policy::default() };
    vec![
        ("two-way", two_way),
        ("two-way, deletions never", Policy { deletions: Deletions::Never, ..two_way }),
        ("to-target", Policy { mode: Mode::ToTarget, ..two_way }),
    ]
}

fn show_marks(marks: &Marks) -> String {
    if marks.is_empty() { "-".to_owned() } else { marks.names().collect::<Vec<_>>().join(" ") }
}

fn show(op: &Op) -> String {
    match op {
        Op::Create { into } => format!("create on {into}"),
        Op::Adopt => "adopt".to_owned(),
        Op::Mark { on, add, remove } => format!("mark {on} +({}) -({})", show_marks(add), show_marks(remove)),
        Op::Rebase { marks } => format!("base := {}", show_marks(marks)),
        Op::Update { on } => format!("update {on}"),
        Op::Merge => "merge".to_owned(),
        Op::Delete { on } => format!("delete on {on}"),
        Op::Sleep { gone } => format!("sleep (gone on {gone})"),
        Op::Forget => "forget".to_owned(),
    }
}

#[test]
fn the_whole_table() {
    let sights = [
        ("unmentioned", Sight::Unmentioned),
        ("present", present(0, Some(1))),
        ("present, seen", present(Marks::SEEN, Some(1))),
        ("present, edited", present(0, Some(2))),
        ("gone", Sight::Gone),
    ];
    let mut table = String::new();
    for (policy_name, policy) in policies() {
        for (link_name, link) in [("unlinked", None), ("linked", Some(base(0, Some(1))))] {
            writeln!(table, "## {policy_name}, {link_name}").unwrap();
            for (source_name, source) in &sights {
                for (target_name, target) in &sights {
                    let ops = decide(link.as_ref(), &Both::new(source.clone(), target.clone()), &policy);
                    let ops: Vec<_> = ops.iter().map(show).collect();
                    writeln!(table, "{source_name:>16} | {target_name:>16} | {}", ops.join("; ")).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn sight() -> impl Strategy<Value = Sight> {
    prop_oneof![
        Just(Sight::Unmentioned),
        (0u8..32, prop_oneof![Just(Some(1)), Just(Some(2)), Just(Some(3))]).prop_map(|(m, v)| present(m, v)),
        Just(Sight::Gone),
    ]
}

fn link() -> impl Strategy<Value = Option<Base>> {
    proptest::option::of((0u8..32).prop_map(|marks| base(marks, Some(1))))
}

fn swapped(op: Op) -> Op {
    match op {
        Op::Create { into } => Op::Create { into: into.other() },
        Op::Mark { on, add, remove } => Op::Mark { on: on.other(), add, remove },
        Op::Update { on } => Op::Update { on: on.other() },
        Op::Delete { on } => Op::Delete { on: on.other() },
        Op::Sleep { gone } => Op::Sleep { gone: gone.other() },
        same => same,
    }
}

/// What the two sides and the link are after the operations were done.
fn applied(link: Option<Base>, mut sight: Both<Sight>, ops: &[Op]) -> (Option<Base>, Both<Sight>) {
    let mut link = link;
    for op in ops {
        match op {
            Op::Create { into } => {
                let item = sight[into.other()].clone();
                if let Sight::Present { marks, version } = &item {
                    link = Some(Base { marks: marks.clone(), version: Both::new(*version, *version) });
                }
                sight[*into] = item;
            }
            Op::Mark { on, add, remove } => {
                let (old, version) = match &sight[*on] {
                    Sight::Present { marks, version } => (marks.clone(), *version),
                    _ => (
                        link.as_ref().map(|base| base.marks.clone()).unwrap_or_default(),
                        link.as_ref().and_then(|base| base.version[*on]),
                    ),
                };
                sight[*on] = Sight::Present { marks: old.minus(remove).union(add), version };
            }
            Op::Adopt => {
                let version = Both::from_fn(|side| match &sight[side] {
                    Sight::Present { version, .. } => *version,
                    _ => None,
                });
                link = Some(Base { marks: Marks::default(), version });
            }
            Op::Rebase { marks } => link.as_mut().unwrap().marks = marks.clone(),
            Op::Update { on } => {
                let (Sight::Present { version, .. }, base) = (sight[on.other()].clone(), link.as_mut().unwrap()) else {
                    panic!()
                };
                base.version = Both::new(version, version);
                let marks = match &sight[*on] {
                    Sight::Present { marks, .. } => marks.clone(),
                    _ => base.marks.clone(),
                };
                sight[*on] = Sight::Present { marks, version };
            }
            Op::Merge => {
                let base = link.as_mut().unwrap();
                base.version = Both::new(Some(Version(9)), Some(Version(9)));
                for side in Side::ALL {
                    if let Sight::Present { version, .. } = &mut sight[side] {
                        *version = Some(Version(9));
                    }
                }
            }
            Op::Delete { on } => {
                sight[*on] = Sight::Gone;
            }
            Op::Sleep { .. } | Op::Forget => {}
        }
    }
    (link, sight)
}

proptest! {
    #[test]
    fn symmetric(link in link(), source in sight(), target in sight()) {
        for (_, policy) in policies().into_iter().filter(|(_, policy)| policy.mode == Mode::TwoWay) {
            let sight = Both::new(source.clone(), target.clone());
            let mut here: Vec<String> = decide(link.as_ref(), &sight, &policy).into_iter().map(|op| show(&op)).collect();
            let mut there: Vec<String> = decide(link.as_ref(), &sight.swapped(), &policy).into_iter().map(|op| show(&swapped(op))).collect();
            here.sort();
            there.sort();
            prop_assert_eq!(here, there);
        }
    }

    #[test]
    fn once_done_nothing_is_left_to_do(link in link(), source in sight(), target in sight()) {
        for (_, policy) in policies() {
            let sight = Both::new(source.clone(), target.clone());
            let ops = decide(link.as_ref(), &sight, &policy);
            let ends = ops.iter().any(|op| matches!(op, Op::Sleep { .. } | Op::Forget | Op::Delete { .. }));
            let (after, seen) = applied(link.clone(), sight, &ops);
            if ends || after.is_none() { continue; }
            let again: Vec<Op> = decide(after.as_ref(), &seen, &policy).into_iter().filter(|op| !matches!(op, Op::Update { on: Side::Source } if !policy.writes(Side::Source))).collect();
            prop_assert_eq!(again, vec![], "after {:?}", ops);
        }
    }

    #[test]
    fn nothing_is_deleted_without_a_link_and_evidence(link in link(), source in sight(), target in sight()) {
        for (_, policy) in policies() {
            let sight = Both::new(source.clone(), target.clone());
            for op in decide(link.as_ref(), &sight, &policy) {
                if let Op::Delete { on } = op {
                    prop_assert!(link.is_some() && sight[on.other()] == Sight::Gone && policy.writes(on));
                }
            }
        }
    }

    #[test]
    fn a_side_that_may_not_be_written_is_not(link in link(), source in sight(), target in sight()) {
        let (_, policy) = policies().into_iter().find(|(_, policy)| policy.mode == Mode::ToTarget).unwrap();
        for op in decide(link.as_ref(), &Both::new(source.clone(), target.clone()), &policy) {
            let harmless = !matches!(op, Op::Create { into: Side::Source } | Op::Mark { on: Side::Source, .. } | Op::Update { on: Side::Source } | Op::Delete { on: Side::Source });
            prop_assert!(harmless, "{:?}", op);
        }
    }

    /// A full look that shows an unchanged item and a delta that leaves it out lead to the same.
    #[test]
    fn full_and_delta_observation_agree(marks in 0u8..32, other in sight()) {
        for (_, policy) in policies() {
            let link = base(marks, Some(1));
            let full = decide(Some(&link), &Both::new(present(marks, Some(1)), other.clone()), &policy);
            let delta = decide(Some(&link), &Both::new(Sight::Unmentioned, other.clone()), &policy);
            prop_assert_eq!(full, delta);
        }
    }

    /// No intent of a person is lost: what either side changed is what both have afterwards.
    #[test]
    fn every_change_of_marks_arrives(marks in 0u8..32, source in 0u8..32, target in 0u8..32) {
        let link = base(marks, None);
        let (_, policy) = policies().remove(0);
        let sight = Both::new(present(source, None), present(target, None));
        let ops = decide(Some(&link), &sight, &policy);
        let (after, seen) = applied(Some(link), sight, &ops);
        let wanted = Marks::merge(&Marks::from_system(marks), &Marks::from_system(source), &Marks::from_system(target));
        prop_assert_eq!(&after.unwrap().marks, &wanted);
        for side in Side::ALL {
            let is_wanted = matches!(&seen[side], Sight::Present { marks, .. } if *marks == wanted);
            prop_assert!(is_wanted);
        }
    }
}

#[test]
fn an_edit_beats_a_delete_and_a_delete_beats_a_flag() {
    let (_, policy) = policies().remove(0);
    let link = base(0, Some(1));
    let edited = decide(Some(&link), &Both::new(present(0, Some(2)), Sight::Gone), &policy);
    assert_eq!(edited, [Op::Create { into: Side::Target }]);
    let flagged = decide(Some(&link), &Both::new(present(Marks::FLAGGED, Some(1)), Sight::Gone), &policy);
    assert_eq!(flagged, [Op::Delete { on: Side::Source }]);
}
