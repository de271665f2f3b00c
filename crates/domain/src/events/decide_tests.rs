//! The whole table as a snapshot, and what holds for all of it.

use super::*;
use proptest::prelude::*;

fn policies() -> Vec<(&'static str, EventPolicy)> {
    let policy = EventPolicy::default();
    vec![
        ("both ways", policy),
        ("to target, a mirror", EventPolicy { writes: Both::new(false, true), ..policy }),
        ("to target, own only", EventPolicy { writes: Both::new(false, true), removes_adopted: false, ..policy }),
        ("to source", EventPolicy { writes: Both::new(true, false), ..policy }),
        ("nowhere", EventPolicy { writes: Both::new(false, false), ..policy }),
    ]
}

fn ties() -> Vec<(&'static str, Option<Tie>)> {
    let both = Tie { ends: Both::new(true, true), brought: None, asleep: None };
    let here = |source: bool, asleep| Some(Tie { ends: Both::new(source, !source), brought: None, asleep });
    vec![
        ("unknown", None),
        ("on both, brought to target", Some(Tie { brought: Some(Side::Target), ..both })),
        ("on both before", Some(both)),
        ("left on source", here(true, None)),
        ("left on target", here(false, None)),
        ("asleep, gone from target", here(true, Some(Side::Target))),
        ("asleep, gone from source", here(false, Some(Side::Source))),
    ]
}

/// What a side can show of an event with such a tie.
fn sights(tie: Option<&Tie>, side: Side) -> Vec<Sight> {
    match tie {
        Some(tie) if tie.ends[side] => vec![Sight::Same, Sight::Changed, Sight::Gone],
        _ => vec![Sight::Absent, Sight::Changed],
    }
}

#[test]
fn the_whole_table() {
    use std::fmt::Write;
    let mut table = String::new();
    for (policy_name, policy) in policies() {
        for (tie_name, tie) in ties() {
            writeln!(table, "{policy_name} | {tie_name}").unwrap();
            for source in sights(tie.as_ref(), Side::Source) {
                for target in sights(tie.as_ref(), Side::Target) {
                    let deed = decide(tie.as_ref(), Both::new(source, target), &policy);
                    writeln!(table, "    {:10} {:10} {deed:?}", format!("{source:?}"), format!("{target:?}")).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

fn any_policy() -> impl Strategy<Value = EventPolicy> {
    any::<(bool, bool, bool, bool)>().prop_map(|(source, target, removes_adopted, home)| EventPolicy {
        writes: Both::new(source, target),
        removes_adopted,
        home: if home { Side::Source } else { Side::Target },
        ..EventPolicy::default()
    })
}

fn any_side() -> impl Strategy<Value = Option<Side>> {
    prop_oneof![Just(None), Just(Some(Side::Source)), Just(Some(Side::Target))]
}

fn any_case() -> impl Strategy<Value = (Option<Tie>, Both<Sight>, EventPolicy)> {
    let tie = (0..4u8, any_side(), any::<bool>()).prop_map(|(ends, brought, asleep)| match ends {
        0 => None,
        1 => Some(Tie { ends: Both::new(true, true), brought, asleep: None }),
        ends => {
            let ends = Both::new(ends == 2, ends == 3);
            let gone = if ends.source { Side::Target } else { Side::Source };
            Some(Tie { ends, brought, asleep: asleep.then_some(gone) })
        }
    });
    (tie, any::<(u8, u8)>(), any_policy()).prop_map(|(tie, (source, target), policy)| {
        let pick = |side: Side, at: u8| {
            let list = sights(tie.as_ref(), side);
            list[usize::from(at) % list.len()]
        };
        let sight = Both::new(pick(Side::Source, source), pick(Side::Target, target));
        (tie, sight, policy)
    })
}

fn swapped(deed: Deed) -> Deed {
    match deed {
        Deed::Create { into } => Deed::Create { into: into.other() },
        Deed::Delete { on } => Deed::Delete { on: on.other() },
        Deed::Sleep { gone } => Deed::Sleep { gone: gone.other() },
        other => other,
    }
}

/// What the tie and the sights are once the deed is done.
fn done(tie: Option<Tie>, sight: Both<Sight>, deed: Deed) -> (Option<Tie>, Both<Sight>) {
    let both = Tie { ends: Both::new(true, true), brought: tie.and_then(|tie| tie.brought), asleep: None };
    let calm = Both::new(Sight::Same, Sight::Same);
    let one = |here: Side, asleep| {
        let ends = Both::from_fn(|side| side == here);
        let sight = Both::from_fn(|side| if side == here { Sight::Same } else { Sight::Absent });
        (Some(Tie { ends, brought: None, asleep }), sight)
    };
    match deed {
        Deed::Nothing => (tie, sight),
        Deed::Adopt | Deed::Merge => (Some(both), calm),
        Deed::Create { into } => (Some(Tie { brought: Some(into), ..both }), calm),
        Deed::Note => {
            (tie, Both::from_fn(|side| if sight[side] == Sight::Changed { Sight::Same } else { sight[side] }))
        }
        Deed::Sleep { gone } => one(gone.other(), Some(gone)),
        Deed::Leave => {
            let here = if sight.source == Sight::Changed { Side::Source } else { Side::Target };
            one(here, None)
        }
        Deed::Delete { .. } | Deed::Forget => (None, Both::new(Sight::Absent, Sight::Absent)),
    }
}

proptest! {
    #[test]
    fn both_sides_are_treated_alike((tie, sight, policy) in any_case()) {
        let mirrored = tie.map(|tie| Tie {
            ends: tie.ends.swapped(),
            brought: tie.brought.map(Side::other),
            asleep: tie.asleep.map(Side::other),
        });
        let other = EventPolicy { writes: policy.writes.swapped(), home: policy.home.other(), ..policy };
        let deed = decide(mirrored.as_ref(), sight.swapped(), &other);
        prop_assert_eq!(deed, swapped(decide(tie.as_ref(), sight, &policy)));
    }

    #[test]
    fn one_deed_brings_rest((tie, sight, policy) in any_case()) {
        let (tie, sight) = done(tie, sight, decide(tie.as_ref(), sight, &policy));
        prop_assert_eq!(decide(tie.as_ref(), sight, &policy), Deed::Nothing);
    }

    #[test]
    fn nothing_is_deleted_without_a_link_evidence_and_leave((tie, sight, policy) in any_case()) {
        if let Deed::Delete { on } = decide(tie.as_ref(), sight, &policy) {
            let tie = tie.unwrap();
            prop_assert!(tie.ends.source && tie.ends.target);
            prop_assert_eq!((sight[on.other()], sight[on]), (Sight::Gone, Sight::Same), "an edit beats a delete");
            prop_assert!(policy.writes[on]);
            prop_assert!(policy.removes_adopted || tie.brought == Some(on));
        }
    }

    #[test]
    fn nothing_is_written_where_nothing_may_be((tie, sight, policy) in any_case()) {
        match decide(tie.as_ref(), sight, &policy) {
            Deed::Create { into } => prop_assert!(policy.writes[into] && sight[into] != Sight::Same),
            Deed::Merge => prop_assert!(policy.writes.source || policy.writes.target),
            _ => {}
        }
    }

    #[test]
    fn an_edit_is_never_dropped((tie, sight, policy) in any_case()) {
        let deed = decide(tie.as_ref(), sight, &policy);
        for side in Side::ALL {
            if sight[side] == Sight::Changed {
                let fine = !matches!(deed, Deed::Nothing | Deed::Forget) && deed != Deed::Delete { on: side };
                prop_assert!(fine, "{:?}", deed);
            }
        }
    }

    #[test]
    fn a_place_is_agreed_after_one_move(agreed in 0..3u32, source in 0..3u32, target in 0..3u32, policy in any_policy()) {
        let number = CalendarNumber;
        let now = Both::new(number(source), number(target));
        match place(number(agreed), now, &policy) {
            Place::Agreed(at) => prop_assert!(at == now.source || !policy.is_two_way()),
            Place::Move { on, to } => {
                let mut then = now;
                then[on] = to;
                prop_assert!(policy.writes[on]);
                prop_assert_eq!(place(number(agreed), then, &policy), Place::Agreed(to));
            }
        }
    }
}

#[test]
fn homes_move_wins_where_both_moved() {
    let (a, b, c) = (CalendarNumber(1), CalendarNumber(2), CalendarNumber(3));
    let policy = EventPolicy::default();
    let moved = place(a, Both::new(b, c), &policy);
    assert_eq!(moved, Place::Move { on: Side::Target, to: b });
    let moved = place(a, Both::new(b, c), &EventPolicy { home: Side::Target, ..policy });
    assert_eq!(moved, Place::Move { on: Side::Source, to: c });
    assert_eq!(place(a, Both::new(a, c), &policy), Place::Move { on: Side::Source, to: c });
}

#[test]
fn an_unchanged_side_is_written_only_when_the_agreement_changes() {
    let policy = EventPolicy::default();
    let [base, other] = [[1; 32], [2; 32]];
    assert_eq!(writes(Some(base), Both::new(Some(other), None), other, &policy), Both::new(false, true));
    assert_eq!(writes(Some(base), Both::new(Some(other), None), base, &policy), Both::new(true, false));
    assert_eq!(writes(None, Both::new(Some(base), Some(other)), other, &policy), Both::new(true, false));
}
