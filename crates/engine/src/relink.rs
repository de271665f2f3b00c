//! A folder whose messages got new UIDs: its links are found again by what the messages are.

use parom_domain::endpoint::Stamp;
use parom_domain::link::{LinkTable, Slot, stored_size};
use parom_domain::{Marks, Side, Uid};
use std::collections::HashMap;

/// How well the folder's content agrees with what was linked there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    pub known: usize,
    pub found: usize,
    /// Links that were given up, as fingerprint and size. Their messages on the other side count as new.
    pub dropped: Vec<(u64, u32)>,
}

impl Agreement {
    /// At least twenty messages, or four fifths of what was known, are there again: it is the same folder.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        self.found >= 20 || self.found * 5 >= self.known * 4
    }
}

/// Points the links of one side at the new UIDs. What is not found again is given up, never deleted: its message on the
/// other side is then carried once more.
pub fn relink(links: &mut LinkTable, side: Side, stamps: &[Stamp]) -> Agreement {
    let mut free: HashMap<(u64, u32), Vec<Uid>> = HashMap::new();
    let mut order: Vec<&Stamp> = stamps.iter().collect();
    order.sort_by_key(|stamp| std::cmp::Reverse(stamp.uid));
    for stamp in order {
        free.entry((stamp.fingerprint.short(), stored_size(stamp.size))).or_default().push(stamp.uid);
    }
    let mut by_headers = by_headers_alone(links, side, &free);
    let mut old: Vec<(Uid, Slot, u64, u32, bool)> = links
        .iter()
        .filter_map(|(slot, link)| Some((link.uids[side]?, slot, link.short, link.size, link.is_one_sided())))
        .collect();
    old.sort_unstable_by_key(|(uid, ..)| *uid);
    let mut agreement = Agreement { known: 0, found: 0, dropped: Vec::new() };
    let mut again = Vec::new();
    let mut by_marks = twins_by_marks(links, &old, stamps, &mut free);
    for (_, slot, short, size, one_sided) in old {
        let uid = by_marks.remove(&slot);
        let uid = uid.or_else(|| free.get_mut(&(short, size)).and_then(Vec::pop));
        let uid = uid.or_else(|| by_headers.get_mut(&short)?.pop());
        agreement.known += 1;
        agreement.found += usize::from(uid.is_some());
        again.push((slot, uid, one_sided));
    }
    // First all old UIDs go, so that a new one never meets an old one of the same number.
    let taken: Vec<_> =
        again.into_iter().filter_map(|(slot, uid, one)| Some((links.remove(slot)?, uid, one))).collect();
    for (mut link, uid, one_sided) in taken {
        match uid {
            Some(uid) => {
                link.uids[side] = Some(uid);
                links.insert(link);
            }
            None if one_sided => {}
            None => agreement.dropped.push((link.short, link.size)),
        }
    }
    agreement
}

/// Where several messages look the same, the one that bears the marks of a link is its own: a server may number them in another order
/// than before (Courier 5.0 after RENAME), and they may differ in what no link tells, their dates.
fn twins_by_marks(
    links: &LinkTable,
    old: &[(Uid, Slot, u64, u32, bool)],
    stamps: &[Stamp],
    free: &mut HashMap<(u64, u32), Vec<Uid>>,
) -> HashMap<Slot, Uid> {
    let marks: HashMap<Uid, &Marks> = stamps.iter().map(|stamp| (stamp.uid, &stamp.marks)).collect();
    let mut found = HashMap::new();
    for (_, slot, short, size, _) in old {
        let Some(twins) = free.get_mut(&(*short, *size)).filter(|twins| twins.len() > 1) else { continue };
        let Some(link) = links.get(*slot) else { continue };
        if let Some(at) = twins.iter().rposition(|uid| marks.get(uid).is_some_and(|marks| **marks == link.base)) {
            found.insert(*slot, twins.remove(at));
        }
    }
    found
}

/// Messages of a size that no link of their headers has, where as many links of these headers find none of their size: this side
/// keeps other bytes than it was given, and a link tells the size on the other one. Those with the lowest UIDs come last.
fn by_headers_alone(links: &LinkTable, side: Side, free: &HashMap<(u64, u32), Vec<Uid>>) -> HashMap<u64, Vec<Uid>> {
    let mut wanted: HashMap<(u64, u32), usize> = HashMap::new();
    for (_, link) in links.iter().filter(|(_, link)| link.uids[side].is_some() && link.short != 0) {
        *wanted.entry((link.short, link.size)).or_default() += 1;
    }
    let mut without: HashMap<u64, usize> = HashMap::new();
    for (look, count) in &wanted {
        let found = free.get(look).map_or(0, Vec::len);
        *without.entry(look.0).or_default() += count.saturating_sub(found);
    }
    let mut others: HashMap<u64, Vec<Uid>> = HashMap::new();
    for (look, uids) in free {
        let taken = wanted.get(look).copied().unwrap_or(0);
        others.entry(look.0).or_default().extend(uids.iter().take(uids.len().saturating_sub(taken)));
    }
    others.retain(|short, uids| without.get(short) == Some(&uids.len()));
    others.values_mut().for_each(|uids| uids.sort_unstable_by_key(|uid| std::cmp::Reverse(*uid)));
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::link::Link;
    use parom_domain::{Both, Fingerprint};

    fn fingerprint(what: u32) -> Fingerprint {
        Fingerprint::of_headers(format!("Subject: {what}\r\n").as_bytes())
    }

    fn stamp(uid: u32, what: u32) -> Stamp {
        Stamp {
            uid: Uid::new(uid).unwrap(),
            fingerprint: fingerprint(what),
            size: 5,
            marks: Marks::default(),
            substituted: false,
        }
    }

    fn table(n: u32) -> LinkTable {
        let mut links = LinkTable::new();
        for at in 1..=n {
            let uids = Both::new(Uid::new(at), Uid::new(at + 100));
            links.insert(Link { uids, base: Marks::default(), short: fingerprint(at).short(), size: 5 });
        }
        links
    }

    #[test]
    fn links_follow_their_messages_to_new_numbers() {
        let mut links = table(10);
        let stamps: Vec<Stamp> = (1..=10).map(|what| stamp(11 - what, what)).collect();
        let agreement = relink(&mut links, Side::Source, &stamps);
        assert!(agreement.is_plausible() && agreement.dropped.is_empty());
        for what in 1..=10 {
            let link = links.at(Side::Target, Uid::new(what + 100).unwrap()).unwrap();
            assert_eq!(link.uids.source, Uid::new(11 - what));
        }
    }

    #[test]
    fn twins_in_another_order_are_told_by_their_marks() {
        let mut links = LinkTable::new();
        let marks = [Marks::from_names(["\\Seen"]), Marks::from_names(["\\Answered"]), Marks::default()];
        for (base, at) in marks.iter().zip(1..) {
            let uids = Both::new(Uid::new(at), Uid::new(at + 100));
            links.insert(Link { uids, base: base.clone(), short: fingerprint(1).short(), size: 5 });
        }
        let stamps: Vec<Stamp> =
            marks.iter().rev().zip(11..).map(|(marks, uid)| Stamp { marks: marks.clone(), ..stamp(uid, 1) }).collect();
        assert_eq!(relink(&mut links, Side::Source, &stamps).found, 3);
        for (at, uid) in [(101, 13), (102, 12), (103, 11)] {
            assert_eq!(links.at(Side::Target, Uid::new(at).unwrap()).unwrap().uids.source, Uid::new(uid));
        }
    }

    #[test]
    fn twenty_messages_or_four_fifths_tell_the_same_folder() {
        let table = [
            ((0, 0), true),
            ((1, 0), false),
            ((1, 1), true),
            ((4, 3), false),
            ((5, 4), true),
            ((19, 15), false),
            ((19, 16), true),
            ((20, 15), false),
            ((20, 16), true),
            ((20, 19), true),
            ((24, 19), false),
            ((25, 20), true),
            ((1000, 19), false),
            ((1000, 20), true),
        ];
        for ((known, found), plausible) in table {
            let agreement = Agreement { known, found, dropped: Vec::new() };
            assert_eq!(agreement.is_plausible(), plausible, "{found} of {known}");
        }
    }

    #[test]
    fn another_mailbox_is_not_plausible_and_nothing_stays_linked() {
        let mut links = table(30);
        let agreement = relink(&mut links, Side::Source, &[stamp(1, 900)]);
        assert!(!agreement.is_plausible());
        assert_eq!((agreement.dropped.len(), links.len()), (30, 0));
    }
}
