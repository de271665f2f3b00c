//! Pairs what belongs together without being linked: newcomers that appeared on both sides, and messages that are missing
//! in one folder and new in another.

use crate::endpoint::Stamp;
use crate::link::{Slot, stored_size};
use crate::state::FolderId;
use crate::{Both, Fingerprint, Side, Uid};
use std::collections::HashMap;

/// Newcomers of one folder, paired.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// The same message on both sides.
    pub pairs: Vec<Both<Uid>>,
    /// Groups that headers and size cannot tell apart: their bodies have to be read. See [`pair_by_content`].
    pub unclear: Vec<Both<Vec<Uid>>>,
    /// Groups with the same headers and other sizes on either side: other messages, or one of the sides keeps other bytes than it is
    /// given. What they say tells, whatever their bytes.
    pub altered: Vec<Both<Vec<Uid>>>,
}

/// Pairs newcomers by fingerprint and by size (which is zero where it is no evidence). A message that stands alone in its group on
/// both sides is paired; where several could be meant, content decides.
#[must_use]
pub fn pair_newcomers(stamps: &Both<Vec<Stamp>>) -> Paired {
    let mut groups: HashMap<(Fingerprint, u64), Both<Vec<Uid>>> = HashMap::new();
    for (side, stamps) in stamps.iter() {
        for stamp in stamps {
            groups.entry((stamp.fingerprint, stamp.size)).or_default()[side].push(stamp.uid);
        }
    }
    let mut paired = Paired::default();
    let mut alone: HashMap<Fingerprint, Both<Vec<Uid>>> = HashMap::new();
    for ((fingerprint, _), group) in groups {
        match (group.source.as_slice(), group.target.as_slice()) {
            ([], _) | (_, []) => {
                let alike = alone.entry(fingerprint).or_default();
                Side::ALL.into_iter().for_each(|side| alike[side].extend(&group[side]));
            }
            ([source], [target]) => paired.pairs.push(Both::new(*source, *target)),
            _ => paired.unclear.push(group),
        }
    }
    paired.pairs.sort_by_key(|pair| pair.source);
    paired.unclear.sort_by_key(|group| group.source.first().copied());
    paired.altered = alone.into_values().filter(|alike| !alike.source.is_empty() && !alike.target.is_empty()).collect();
    for group in &mut paired.altered {
        Side::ALL.into_iter().for_each(|side| group[side].sort_unstable());
    }
    paired.altered.sort_by_key(|group| group.source.first().copied());
    paired
}

/// Pairs a group whose bodies were read: equal content, as many times as both sides have it. True duplicates stay as many
/// as they were. `C` is whatever identifies content (a hash).
#[must_use]
pub fn pair_by_content<C: Eq + std::hash::Hash>(contents: &Both<Vec<(Uid, C)>>) -> Vec<Both<Uid>> {
    let mut groups: HashMap<&C, Both<Vec<Uid>>> = HashMap::new();
    for (side, list) in contents.iter() {
        for (uid, content) in list {
            groups.entry(content).or_default()[side].push(*uid);
        }
    }
    let mut pairs: Vec<_> = groups
        .into_values()
        .flat_map(|mut group| {
            group.source.sort_unstable();
            group.target.sort_unstable();
            group.source.into_iter().zip(group.target).map(|(source, target)| Both::new(source, target))
        })
        .collect();
    pairs.sort_by_key(|pair| pair.source);
    pairs
}

/// A link end that is missing from its folder on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    pub folder: FolderId,
    pub slot: Slot,
    pub short: u64,
    pub size: u32,
    /// Its other end is missing too.
    pub on_both: bool,
}

/// A newcomer on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub folder: FolderId,
    pub uid: Uid,
    pub short: u64,
    pub size: u32,
}

impl Found {
    #[must_use]
    pub fn new(folder: FolderId, stamp: &Stamp) -> Found {
        Found { folder, uid: stamp.uid, short: stamp.fingerprint.short(), size: stored_size(stamp.size) }
    }
}

/// A message that somebody moved on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub side: Side,
    pub lost: Lost,
    pub found: Found,
    /// More than its look has to say that it is the same message: the bodies have to be compared.
    pub doubtful: bool,
}

impl Moved {
    /// It has the headers of the one that is missing, and another size.
    #[must_use]
    pub fn is_altered(&self) -> bool {
        self.lost.size != self.found.size
    }

    /// It went elsewhere and came back: it has a new UID in its old folder.
    #[must_use]
    pub fn is_put_back(&self) -> bool {
        self.lost.folder == self.found.folder
    }
}

/// Finds moves on one side: missing here, new there, the same message. Beyond doubt is one lost and one found, or several
/// of the same look that all went the same way. Doubtful is a new UID in the same folder, which may also be a revision, and
/// where several are lost and one is found: then it is the one that is missing on both sides, for the others are
/// deletions. The rest is carried as a copy and a deletion, which ends the same.
#[must_use]
pub fn pair_moves(side: Side, lost: &[Lost], found: &[Found]) -> Vec<Moved> {
    let mut groups: HashMap<(u64, u32), (Vec<Lost>, Vec<Found>)> = HashMap::new();
    for item in lost.iter().filter(|item| item.short != 0) {
        groups.entry((item.short, item.size)).or_default().0.push(*item);
    }
    let mut others: HashMap<u64, Vec<Found>> = HashMap::new();
    for item in found {
        match groups.get_mut(&(item.short, item.size)) {
            Some(group) => group.1.push(*item),
            None => others.entry(item.short).or_default().push(*item),
        }
    }
    let mut moves = Vec::new();
    // One is missing and one of its headers is new, of another size: this side may keep other bytes than it was given.
    let mut missed: HashMap<u64, Vec<Lost>> = HashMap::new();
    for (lost, found) in groups.values() {
        lost.iter().filter(|_| found.is_empty()).for_each(|lost| missed.entry(lost.short).or_default().push(*lost));
    }
    for (short, lost) in missed {
        if let ([lost], Some([found])) = (lost.as_slice(), others.get(&short).map(Vec::as_slice)) {
            moves.push(Moved { side, lost: *lost, found: *found, doubtful: true });
        }
    }
    for (lost, found) in groups.into_values() {
        let one_way = lost.windows(2).all(|two| matches!(two, [a, b] if a.folder == b.folder))
            && found.windows(2).all(|two| matches!(two, [a, b] if a.folder == b.folder));
        if lost.len() == found.len() && one_way {
            let pairs = lost.into_iter().zip(found);
            moves.extend(pairs.map(|(lost, found)| {
                let doubtful = lost.folder == found.folder;
                Moved { side, lost, found, doubtful }
            }));
            continue;
        }
        // Several are missing on both sides where a message that moved twice has left an old link. Either side takes the
        // same one of them.
        let on_both = lost.iter().filter(|lost| lost.on_both).min_by_key(|lost| (lost.folder, lost.slot));
        if let (Some(lost), [found]) = (on_both, found.as_slice()) {
            moves.push(Moved { side, lost: *lost, found: *found, doubtful: true });
        }
    }
    moves.sort_by_key(|moved| (moved.lost.folder, moved.lost.slot));
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Marks;
    use crate::link::{Link, LinkTable};
    use proptest::prelude::*;

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    fn stamp(at: u32, what: u8, size: u64) -> Stamp {
        Stamp {
            uid: uid(at),
            fingerprint: Fingerprint::of_headers(&[b's', b':', what]),
            size,
            marks: Marks::default(),
            substituted: false,
        }
    }

    fn stamp_of(at: u32, what: u8) -> Stamp {
        let header = format!("Subject: {what}\r\n");
        Stamp { fingerprint: Fingerprint::of_headers(header.as_bytes()), ..stamp(at, 0, 10) }
    }

    #[test]
    fn equal_headers_with_other_sizes_are_other_messages() {
        let stamps = Both::new(vec![stamp(1, 0, 10), stamp(2, 0, 11)], vec![stamp(5, 0, 11)]);
        assert_eq!(pair_newcomers(&stamps).pairs, [Both::new(uid(2), uid(5))]);
    }

    #[test]
    fn where_several_could_be_meant_content_decides() {
        let stamps = Both::new(vec![stamp(1, 0, 10), stamp(2, 0, 10)], vec![stamp(5, 0, 10)]);
        let paired = pair_newcomers(&stamps);
        assert!(paired.pairs.is_empty() && paired.unclear.len() == 1);
        let contents = Both::new(vec![(uid(1), "a"), (uid(2), "b")], vec![(uid(5), "b")]);
        assert_eq!(pair_by_content(&contents), [Both::new(uid(2), uid(5))]);
    }

    proptest! {
        #[test]
        fn true_duplicates_stay_as_many_as_they_were(source in proptest::collection::vec(0u8..4, 0..12), target in proptest::collection::vec(0u8..4, 0..12)) {
            let listed = |what: &[u8]| what.iter().zip(1..).map(|(w, at)| (uid(at), *w)).collect::<Vec<_>>();
            let pairs = pair_by_content(&Both::new(listed(&source), listed(&target)));
            for kind in 0u8..4 {
                let n = |list: &[u8]| list.iter().filter(|w| **w == kind).count();
                let paired = pairs.iter().filter(|pair| source[pair.source.get() as usize - 1] == kind).count();
                prop_assert_eq!(paired, n(&source).min(n(&target)));
            }
        }

        #[test]
        fn a_message_is_paired_at_most_once(source in proptest::collection::vec(0u8..5, 0..12), target in proptest::collection::vec(0u8..5, 0..12)) {
            let stamps = Both::new(&source, &target).map(|list| list.iter().zip(1..).map(|(w, at)| stamp_of(at, *w)).collect::<Vec<_>>());
            let paired = pair_newcomers(&stamps);
            for side in Side::ALL {
                let mut uids: Vec<Uid> = paired.pairs.iter().map(|pair| pair[side]).chain(paired.unclear.iter().flat_map(|group| group[side].clone())).collect();
                uids.sort_unstable();
                let count = uids.len();
                uids.dedup();
                prop_assert_eq!(count, uids.len());
            }
        }
    }

    #[test]
    fn only_what_is_beyond_doubt_is_a_move() {
        let mut table = LinkTable::new();
        let slot = |table: &mut LinkTable, n| {
            table.insert(Link { uids: Both::new(Uid::new(n), Uid::new(n)), base: Marks::default(), short: 1, size: 1 })
        };
        let (a, b) = (slot(&mut table, 1), slot(&mut table, 2));
        let lost = |slot, folder| Lost { folder: FolderId(folder), slot, short: 7, size: 1, on_both: false };
        let found = |at, folder| Found { folder: FolderId(folder), uid: uid(at), short: 7, size: 1 };
        assert_eq!(pair_moves(Side::Source, &[lost(a, 1)], &[found(9, 2)]).len(), 1);
        assert_eq!(pair_moves(Side::Source, &[lost(a, 1), lost(b, 1)], &[found(8, 2), found(9, 2)]).len(), 2);
        assert!(pair_moves(Side::Source, &[lost(a, 1), lost(b, 3)], &[found(8, 2), found(9, 4)]).is_empty());
        assert!(pair_moves(Side::Source, &[lost(a, 1)], &[found(8, 2), found(9, 4)]).is_empty());
        assert!(pair_moves(Side::Source, &[lost(a, 1)], &[found(8, 1)])[0].doubtful, "it may be a revision");
        let gone = Lost { on_both: true, ..lost(b, 3) };
        let one_of_two = pair_moves(Side::Source, &[lost(a, 1), gone], &[found(9, 4)]);
        assert_eq!((one_of_two[0].lost, one_of_two[0].doubtful), (gone, true));
        // An old link of the same message does not hide where it is.
        let old = Lost { on_both: true, ..lost(a, 1) };
        for lost in [[old, gone], [gone, old]] {
            let moved = pair_moves(Side::Target, &lost, &[found(9, 4)]);
            assert_eq!((moved.len(), moved[0].lost, moved[0].doubtful), (1, old, true));
        }
    }
}
