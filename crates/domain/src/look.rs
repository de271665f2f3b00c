//! Compares what a look at both ends of a folder pair showed with what is linked there: compact findings, no decisions.
//!
//! INVARIANT: a link's end is found gone only on evidence: the server said that it vanished, or two complete listings at
//! least a grace apart lacked it. Between the two it is suspected, durably, and the cursor may advance.

use crate::endpoint::{Sighting, Snapshot};
use crate::link::{LinkTable, Slot};
use crate::{Both, Marks, Side, Uid};
use std::collections::{HashMap, HashSet};

/// What is known of a folder pair when it is looked at.
pub struct Known<'a> {
    pub links: &'a LinkTable,
    pub parked: Both<HashSet<Uid>>,
    /// UIDs under suspicion, and since when.
    pub suspected: Both<HashMap<Uid, u64>>,
    pub now_ms: u64,
    /// For so long a message must be missing to be believed gone.
    pub grace_ms: Both<u64>,
}

/// What differs from what is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Present, and neither linked nor parked.
    pub newcomers: Both<Vec<Sighting>>,
    /// Link ends that are gone, with evidence.
    pub gone: Both<Vec<Slot>>,
    /// Link ends that this look lacked, but that are not believed gone yet. A move may still explain them.
    pub missing: Both<Vec<Slot>>,
    /// Suspicions that begin with this look, and those that it cleared.
    pub suspect: Both<Vec<Uid>>,
    pub clear: Both<Vec<Uid>>,
    /// Parked items that are no longer there.
    pub unpark: Both<Vec<Uid>>,
    /// Links whose marks differ from the base on either side, with the marks as seen.
    pub changed: Vec<(Slot, Both<Option<Marks>>)>,
    /// The same of links with an end that is gone: if it was moved, they go along.
    pub in_passing: Vec<(Slot, Both<Option<Marks>>)>,
}

impl Findings {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Findings::default()
    }

    /// The marks of what is gone are no change of their own.
    pub fn set_aside_gone(&mut self) {
        let gone: HashSet<Slot> = Side::ALL.iter().flat_map(|side| self.gone[*side].iter().copied()).collect();
        self.in_passing.extend(self.changed.extract_if(.., |(slot, _)| gone.contains(slot)));
    }
}

/// Looks at one folder pair. `None` on a side means that it has no folder there yet: nothing is known to be gone.
#[must_use]
pub fn look(known: &Known<'_>, seen: Both<Option<&Snapshot>>) -> Findings {
    let mut findings = Findings::default();
    let mut changed: HashMap<Slot, Both<Option<Marks>>> = HashMap::new();
    for side in Side::ALL {
        let Some(snapshot) = seen[side] else { continue };
        look_at_present(known, side, snapshot, &mut findings, &mut changed);
        look_at_absent(known, side, snapshot, &mut findings);
    }
    findings.changed = changed.into_iter().collect();
    findings.changed.sort_by_key(|(slot, _)| *slot);
    findings.set_aside_gone();
    findings
}

fn look_at_present(
    known: &Known<'_>,
    side: Side,
    snapshot: &Snapshot,
    findings: &mut Findings,
    changed: &mut HashMap<Slot, Both<Option<Marks>>>,
) {
    for sighting in &snapshot.present {
        if known.suspected[side].contains_key(&sighting.uid) {
            findings.clear[side].push(sighting.uid);
        }
        let Some(slot) = known.links.slot(side, sighting.uid) else {
            if !known.parked[side].contains(&sighting.uid) {
                findings.newcomers[side].push(sighting.clone());
            }
            continue;
        };
        let Some(link) = known.links.get(slot) else { continue };
        if link.is_one_sided() {
            continue;
        }
        let shown = shown_marks(&sighting.marks, &link.base, snapshot);
        if shown != link.base {
            changed.entry(slot).or_default()[side] = Some(shown);
        }
    }
}

/// A keyword that the side cannot hold is not a keyword that somebody removed there: it counts as unchanged.
fn shown_marks(marks: &Marks, base: &Marks, snapshot: &Snapshot) -> Marks {
    if marks == base {
        return marks.clone();
    }
    let unholdable = base.minus(&snapshot.holds.of(base));
    if unholdable.is_empty() { marks.clone() } else { marks.union(&unholdable) }
}

fn look_at_absent(known: &Known<'_>, side: Side, snapshot: &Snapshot, findings: &mut Findings) {
    let mut told = HashSet::new();
    for &(first, last) in snapshot.vanished.ranges() {
        // A vanished range may be far wider than the folder (RFC 7162 section 3.2.10.2): walk the shorter of the two.
        let width = u64::from(last.get()) - u64::from(first.get()) + 1;
        if width > known.links.len() as u64 + known.parked[side].len() as u64 {
            let linked = known.links.iter().filter_map(|(_, link)| link.uids[side]);
            told.extend(linked.chain(known.parked[side].iter().copied()).filter(|uid| (first..=last).contains(uid)));
        } else {
            told.extend((first.get()..=last.get()).filter_map(Uid::new));
        }
    }
    for uid in told {
        if let Some(slot) = known.links.slot(side, uid) {
            findings.gone[side].push(slot);
            if known.suspected[side].contains_key(&uid) {
                findings.clear[side].push(uid);
            }
        }
        if known.parked[side].contains(&uid) {
            findings.unpark[side].push(uid);
        }
    }
    if let Some(listed) = &snapshot.listed {
        for (slot, link) in known.links.iter() {
            let Some(uid) = link.uids[side].filter(|uid| !listed.contains(*uid) && !snapshot.vanished.contains(*uid))
            else {
                continue;
            };
            match known.suspected[side].get(&uid) {
                Some(since) if known.now_ms.saturating_sub(*since) >= known.grace_ms[side] => {
                    findings.gone[side].push(slot);
                    findings.clear[side].push(uid);
                }
                Some(_) => findings.missing[side].push(slot),
                None => {
                    findings.missing[side].push(slot);
                    findings.suspect[side].push(uid);
                }
            }
        }
        let absent = known.parked[side].iter().filter(|uid| !listed.contains(**uid)).copied();
        findings.unpark[side].extend(absent.filter(|uid| !snapshot.vanished.contains(*uid)));
        // A suspect that is listed without marks (a UID list beside a delta of marks) is there. One that is not linked any
        // more concerns nobody.
        let seen: HashSet<Uid> = findings.clear[side].iter().copied().collect();
        let is_cleared = |uid: &Uid| listed.contains(*uid) || known.links.slot(side, *uid).is_none();
        let back = known.suspected[side].keys().filter(|uid| is_cleared(uid) && !seen.contains(uid)).copied();
        findings.clear[side].extend(back);
    }
    findings.gone[side].sort_unstable();
    findings.gone[side].dedup();
    findings.unpark[side].sort_unstable();
    findings.clear[side].sort_unstable();
    findings.clear[side].dedup();
}

/// The free audit of a delta: do the messages that are known to be present add up to what the folder says it holds?
/// If not, something was missed, and only a complete listing will do.
#[must_use]
pub fn adds_up(known: &Known<'_>, side: Side, snapshot: &Snapshot, findings: &Findings) -> bool {
    if snapshot.listed.is_some() {
        return true;
    }
    let linked = known.links.count(side) + known.parked[side].len() + findings.newcomers[side].len();
    let cleared: HashSet<Uid> = findings.clear[side].iter().copied().collect();
    let suspected = known.suspected[side].keys().filter(|uid| !cleared.contains(uid)).count();
    let absent = findings.gone[side].len() + findings.unpark[side].len() + suspected;
    linked.checked_sub(absent) == Some(snapshot.cursor.exists as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Cursor, Holds};
    use crate::link::Link;
    use crate::uid::UidSet;
    use proptest::prelude::*;

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    fn snapshot(present: &[(u32, u8)], listed: Option<&[u32]>, vanished: &[u32]) -> Snapshot {
        Snapshot {
            cursor: Cursor { validity: 1, uidnext: 100, modseq: 1, exists: present.len() as u32 },
            holds: Holds { marks: Marks::from_system(31), any_keyword: false },
            present: present.iter().map(|(u, m)| Sighting { uid: uid(*u), marks: Marks::from_system(*m) }).collect(),
            listed: listed.map(|uids| uids.iter().map(|u| uid(*u)).collect()),
            vanished: vanished.iter().map(|u| uid(*u)).collect(),
        }
    }

    fn links(pairs: &[(u32, u32)]) -> LinkTable {
        let mut table = LinkTable::new();
        for (s, t) in pairs {
            table.insert(Link {
                uids: Both::new(Uid::new(*s), Uid::new(*t)),
                base: Marks::default(),
                short: 1,
                size: 1,
            });
        }
        table
    }

    fn known(links: &LinkTable) -> Known<'_> {
        Known {
            links,
            parked: Both::default(),
            suspected: Both::default(),
            now_ms: 1000,
            grace_ms: Both::new(100, 100),
        }
    }

    #[test]
    fn absence_from_one_complete_listing_is_only_a_suspicion() {
        let table = links(&[(1, 1), (2, 2)]);
        let mut known = known(&table);
        let source = snapshot(&[(1, 0)], Some(&[1]), &[]);
        let first = look(&known, Both::new(Some(&source), None));
        assert_eq!((first.gone.source.len(), first.suspect.source.as_slice()), (0, [uid(2)].as_slice()));
        known.suspected.source.insert(uid(2), 950);
        assert!(look(&known, Both::new(Some(&source), None)).gone.source.is_empty(), "the grace is not over");
        known.suspected.source.insert(uid(2), 900);
        assert_eq!(look(&known, Both::new(Some(&source), None)).gone.source.len(), 1);
    }

    #[test]
    fn absence_from_a_delta_is_nothing() {
        let table = links(&[(1, 1), (2, 2)]);
        let delta = snapshot(&[], None, &[]);
        assert!(look(&known(&table), Both::new(Some(&delta), Some(&delta))).is_empty());
    }

    #[test]
    fn what_the_server_says_has_vanished_is_gone_at_once() {
        let table = links(&[(1, 1), (2, 2)]);
        let mut delta = snapshot(&[], None, &[]);
        delta.vanished = UidSet::range(uid(2), Uid::MAX);
        let findings = look(&known(&table), Both::new(None, Some(&delta)));
        assert_eq!(findings.gone.target, [table.slot(Side::Target, uid(2)).unwrap()]);
    }

    #[test]
    fn a_keyword_that_a_side_cannot_hold_was_not_removed_there() {
        let mut table = LinkTable::new();
        let base = Marks::from_names(["work", "\\Seen"]);
        table.insert(Link { uids: Both::new(Uid::new(1), Uid::new(1)), base, short: 1, size: 1 });
        let seen = snapshot(&[(1, Marks::SEEN)], None, &[]);
        assert!(look(&known(&table), Both::new(Some(&seen), None)).is_empty());
    }

    proptest! {
        /// A full listing and a delta of the same world find the same, but that the delta's deletions are evident.
        #[test]
        fn full_and_delta_agree(linked in proptest::collection::btree_set(1u32..40, 0..20), now in proptest::collection::btree_map(1u32..40, 0u8..2, 0..20)) {
            let table = links(&linked.iter().map(|u| (*u, *u + 100)).collect::<Vec<_>>());
            let mut known = known(&table);
            known.suspected.source = linked.iter().map(|u| (uid(*u), 0)).collect();
            let all: Vec<(u32, u8)> = now.iter().map(|(u, m)| (*u, *m)).collect();
            let uids: Vec<u32> = now.keys().copied().collect();
            let full = look(&known, Both::new(Some(&snapshot(&all, Some(&uids), &[])), None));
            let fresh: Vec<(u32, u8)> = all.iter().filter(|(u, m)| !linked.contains(u) || *m != 0).copied().collect();
            let lost: Vec<u32> = linked.iter().filter(|u| !now.contains_key(u)).copied().collect();
            let mut seen = snapshot(&fresh, None, &lost);
            seen.cursor.exists = all.len() as u32;
            known.suspected.source.clear();
            let delta = look(&known, Both::new(Some(&seen), None));
            prop_assert_eq!(&full.newcomers, &delta.newcomers);
            prop_assert_eq!(&full.gone, &delta.gone);
            prop_assert_eq!(&full.changed, &delta.changed);
            prop_assert!(adds_up(&known, Side::Source, &seen, &delta));
            seen.cursor.exists += 1;
            prop_assert!(!adds_up(&known, Side::Source, &seen, &delta));
        }
    }
}
