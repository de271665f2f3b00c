//! Pairs calendars by what they are and what they are called, and tells which of several events with one UID is the one.

use super::{CalendarNumber, CalendarPair};
use crate::agenda::CalendarSeen;
use crate::{Both, Side};
use std::collections::HashSet;

/// What the listings mean for the pairs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CalendarPlan {
    /// Pairs that are new or changed.
    pub changed: Vec<CalendarPair>,
    /// Pairs of which neither side has anything left.
    pub forget: Vec<CalendarNumber>,
}

/// Brings the pairs in step with what both sides list: by id, then the default calendars, then by name.
///
/// A pair whose calendar is not listed gets `missing_since_ms`; nothing else happens to it here.
#[must_use]
pub fn pair_calendars(known: &[CalendarPair], seen: Both<&[CalendarSeen]>, now_ms: u64) -> CalendarPlan {
    let mut pairs: Vec<CalendarPair> = known.to_vec();
    let mut taken: Both<HashSet<usize>> = Both::default();
    for pair in &mut pairs {
        for side in Side::ALL {
            let Some(id) = &pair.ids[side] else { continue };
            match seen[side].iter().position(|calendar| calendar.id == *id) {
                Some(at) => {
                    taken[side].insert(at);
                    pair.missing_since_ms[side] = None;
                    if let Some(calendar) = seen[side].get(at) {
                        pair.names[side].clone_from(&calendar.name);
                    }
                }
                None => _ = pair.missing_since_ms[side].get_or_insert(now_ms),
            }
        }
    }
    // Calendars that wait for their partner take it before new pairs are made.
    for side in Side::ALL {
        for pair in pairs.iter_mut().filter(|pair| pair.ids[side].is_none()) {
            let fits = |at: usize, calendar: &CalendarSeen, taken: &HashSet<usize>| {
                !taken.contains(&at)
                    && (same_name(&calendar.name, pair.name()) || pair.is_default && calendar.is_default)
            };
            let found = seen[side].iter().enumerate().find(|(at, calendar)| fits(*at, calendar, &taken[side]));
            if let Some((at, calendar)) = found {
                taken[side].insert(at);
                pair.ids[side] = Some(calendar.id.clone());
                pair.names[side].clone_from(&calendar.name);
                pair.missing_since_ms[side] = None;
            }
        }
    }
    let mut next = known.iter().map(|pair| pair.number.0).max().unwrap_or(0);
    let mut add = |pairs: &mut Vec<CalendarPair>, both: Both<Option<&CalendarSeen>>| {
        next += 1;
        pairs.push(CalendarPair {
            number: CalendarNumber(next),
            ids: both.map(|calendar| calendar.map(|calendar| calendar.id.clone())),
            names: both.map(|calendar| calendar.map(|calendar| calendar.name.clone()).unwrap_or_default()),
            is_default: both.iter().any(|(_, calendar)| calendar.is_some_and(|calendar| calendar.is_default)),
            tokens: Both::default(),
            missing_since_ms: Both::default(),
        });
    };
    let free = |side: Side, taken: &Both<HashSet<usize>>| -> Vec<(usize, &CalendarSeen)> {
        seen[side].iter().enumerate().filter(|(at, _)| !taken[side].contains(at)).collect()
    };
    type Fit = fn(&CalendarSeen, &CalendarSeen) -> bool;
    let fits: [Fit; 2] = [|a, b| a.is_default && b.is_default, |a, b| same_name(&a.name, &b.name)];
    for fit in fits {
        for (at, source) in free(Side::Source, &taken) {
            let partner = free(Side::Target, &taken).into_iter().find(|(_, target)| fit(source, target));
            if let Some((other, target)) = partner {
                taken.source.insert(at);
                taken.target.insert(other);
                add(&mut pairs, Both::new(Some(source), Some(target)));
            }
        }
    }
    for side in Side::ALL {
        for (_, calendar) in free(side, &taken) {
            let mut both = Both::new(None, None);
            both[side] = Some(calendar);
            add(&mut pairs, both);
        }
    }
    let is_forgotten = |pair: &CalendarPair| {
        Side::ALL.into_iter().all(|side| pair.ids[side].is_none() || pair.missing_since_ms[side].is_some())
    };
    let forget = pairs.iter().filter(|pair| is_forgotten(pair)).map(|pair| pair.number).collect();
    let changed = pairs.into_iter().filter(|pair| !known.contains(pair)).collect();
    CalendarPlan { changed, forget }
}

fn same_name(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// Which of several events with one UID in one calendar is the one that is carried: the one that was linked, else the one
/// that the other side has too, else the first. The rest are put aside.
///
/// `candidates` are hashes in the order of their handles, `linked` that of the link's end, `other` those of the same UID on
/// the other side.
#[must_use]
pub fn keep(candidates: &[[u8; 32]], linked: Option<[u8; 32]>, other: &[[u8; 32]]) -> usize {
    let at = |wanted: &dyn Fn(&[u8; 32]) -> bool| candidates.iter().position(wanted);
    at(&|hash| Some(*hash) == linked).or_else(|| at(&|hash| other.contains(hash))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::CalendarId;
    use proptest::prelude::*;

    fn calendar(id: &str, name: &str) -> CalendarSeen {
        let is_default = name == "*";
        CalendarSeen { id: CalendarId(id.into()), name: name.to_owned(), is_default, writable: true }
    }

    fn ids(plan: &CalendarPlan) -> Vec<(Option<&str>, Option<&str>)> {
        plan.changed
            .iter()
            .map(|pair| (pair.ids.source.as_ref().map(|id| &*id.0), pair.ids.target.as_ref().map(|id| &*id.0)))
            .collect()
    }

    #[test]
    fn default_calendars_pair_first_then_names_and_the_rest_waits() {
        let source = [calendar("1", "Work"), calendar("2", "*"), calendar("3", "Only here")];
        let target = [calendar("a", "*"), calendar("b", " work "), calendar("c", "Only there")];
        let plan = pair_calendars(&[], Both::new(&source, &target), 5);
        assert_eq!(ids(&plan), [(Some("2"), Some("a")), (Some("1"), Some("b")), (Some("3"), None), (None, Some("c"))]);
        let again = pair_calendars(&plan.changed, Both::new(&source, &target), 6);
        assert_eq!(again, CalendarPlan::default(), "what is paired stays");
    }

    #[test]
    fn a_calendar_that_was_made_for_a_waiting_one_becomes_its_partner() {
        let source = [calendar("1", "Work")];
        let waiting = pair_calendars(&[], Both::new(&source, &[]), 5).changed;
        let target = [calendar("b", "Work")];
        let plan = pair_calendars(&waiting, Both::new(&source, &target), 6);
        assert_eq!(ids(&plan), [(Some("1"), Some("b"))]);
        assert_eq!(plan.changed[0].number, waiting[0].number);
    }

    #[test]
    fn a_missing_calendar_is_noted_once_and_forgotten_when_both_are() {
        let [source, target] = [[calendar("1", "Work")], [calendar("b", "Work")]];
        let known = pair_calendars(&[], Both::new(&source, &target), 5).changed;
        let plan = pair_calendars(&known, Both::new(&[], &target), 6);
        assert_eq!(plan.changed[0].missing_since_ms, Both::new(Some(6), None));
        assert_eq!(pair_calendars(&plan.changed, Both::new(&[], &target), 7), CalendarPlan::default());
        assert_eq!(pair_calendars(&plan.changed, Both::new(&[], &[]), 8).forget, [known[0].number]);
        let back = pair_calendars(&plan.changed, Both::new(&source, &target), 9);
        assert_eq!(back.changed, known);
    }

    #[test]
    fn of_several_the_linked_one_stays_then_the_one_both_have() {
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
        assert_eq!(keep(&[a, b, c], Some(c), &[b]), 2);
        assert_eq!(keep(&[a, b, c], Some([9; 32]), &[b]), 1);
        assert_eq!(keep(&[a, b, c], None, &[]), 0);
    }

    proptest! {
        #[test]
        fn pairing_again_changes_nothing(
            names in proptest::collection::vec(("[a-c*]", any::<bool>()), 0..8),
        ) {
            let of = |side: bool| -> Vec<CalendarSeen> {
                names.iter().enumerate().filter(|(_, (_, on))| *on == side)
                    .map(|(at, (name, _))| calendar(&at.to_string(), name)).collect()
            };
            let (source, target) = (of(true), of(false));
            let plan = pair_calendars(&[], Both::new(&source, &target), 1);
            let ends: usize = plan.changed.iter().map(|pair| {
                usize::from(pair.ids.source.is_some()) + usize::from(pair.ids.target.is_some())
            }).sum();
            prop_assert_eq!(ends, names.len(), "each calendar is in one pair");
            prop_assert_eq!(pair_calendars(&plan.changed, Both::new(&source, &target), 2), CalendarPlan::default());
        }
    }
}
