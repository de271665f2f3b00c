//! IMAP UIDs and sets of them (RFC 3501 section 2.3.1.1, `sequence-set`).

use std::fmt;
use std::num::NonZeroU32;

/// A message's UID within one folder and one UIDVALIDITY: 1 to 2^32 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid(NonZeroU32);

impl Uid {
    pub const MIN: Uid = Uid(NonZeroU32::MIN);
    pub const MAX: Uid = Uid(NonZeroU32::MAX);

    /// `None` for zero, which no message may have.
    #[must_use]
    pub fn new(value: u32) -> Option<Uid> {
        NonZeroU32::new(value).map(Uid)
    }

    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The next UID, or `None` after the last possible one.
    #[must_use]
    pub fn next(self) -> Option<Uid> {
        self.get().checked_add(1).and_then(Uid::new)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An ordered set of UIDs, kept as inclusive ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UidSet {
    ranges: Vec<(Uid, Uid)>,
}

impl UidSet {
    #[must_use]
    pub fn new() -> Self {
        UidSet::default()
    }

    /// One inclusive range; the bounds may come in either order (RFC 3501 allows `4:2`).
    #[must_use]
    pub fn range(a: Uid, b: Uid) -> Self {
        UidSet { ranges: vec![(a.min(b), a.max(b))] }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many UIDs are in the set (as u64: a hostile range may cover all of them).
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|(a, b)| u64::from(b.get()) - u64::from(a.get()) + 1).sum()
    }

    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= uid);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| uid <= *last)
    }

    #[must_use]
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().map(|(first, _)| *first)
    }

    #[must_use]
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().map(|(_, last)| *last)
    }

    #[must_use]
    pub fn ranges(&self) -> &[(Uid, Uid)] {
        &self.ranges
    }

    /// Adds one UID. Appending in ascending order costs nothing.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    pub fn insert_range(&mut self, a: Uid, b: Uid) {
        let (mut first, mut last) = (a.min(b), a.max(b));
        if let Some((_, end)) = self.ranges.last_mut()
            && end.next() == Some(first)
        {
            *end = last;
            return;
        }
        let start = self.ranges.partition_point(|(_, end)| end.next().is_some_and(|after| after < first));
        let stop = self.ranges.partition_point(|(begin, _)| match last.next() {
            Some(after) => *begin <= after,
            None => true,
        });
        if let Some((begin, _)) = self.ranges.get(start)
            && start < stop
        {
            first = first.min(*begin);
        }
        if start < stop
            && let Some((_, end)) = stop.checked_sub(1).and_then(|at| self.ranges.get(at))
        {
            last = last.max(*end);
        }
        self.ranges.splice(start..stop.max(start), [(first, last)]);
    }

    /// Every UID, ascending. Only for sets whose size is known to be sane.
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges.iter().flat_map(|(a, b)| (a.get()..=b.get()).filter_map(Uid::new))
    }

    /// Splits into sets whose printed form stays under `max_len` bytes and that hold at most `max_count` UIDs.
    #[must_use]
    pub fn chunks(&self, max_len: usize, max_count: u32) -> Vec<UidSet> {
        let mut chunks = Vec::new();
        let mut now = UidSet::new();
        let (mut len, mut left) = (0usize, max_count.max(1));
        for &(a, b) in &self.ranges {
            let mut from = a.get();
            loop {
                // A printed range takes at most 22 bytes: two ten-digit numbers, the colon and the comma.
                if !now.is_empty() && (left == 0 || len + 22 > max_len) {
                    chunks.push(std::mem::take(&mut now));
                    len = 0;
                    left = max_count.max(1);
                }
                let to = b.get().min(from.saturating_add(left - 1));
                if let (Some(first), Some(last)) = (Uid::new(from), Uid::new(to)) {
                    now.ranges.push((first, last));
                }
                len += 22;
                left -= (to - from) + 1;
                if to == b.get() {
                    break;
                }
                from = to + 1;
            }
        }
        if !now.is_empty() {
            chunks.push(now);
        }
        chunks
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = UidSet::new();
        for uid in uids {
            set.insert(uid);
        }
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        for uid in uids {
            self.insert(uid);
        }
    }
}

/// The wire form: `1:4,7,9:12`.
impl fmt::Display for UidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (a, b)) in self.ranges.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            if a == b { write!(f, "{a}")? } else { write!(f, "{a}:{b}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    #[test]
    fn prints_the_wire_form() {
        let set: UidSet = [1, 2, 3, 4, 7, 9, 10].into_iter().map(uid).collect();
        assert_eq!(set.to_string(), "1:4,7,9:10");
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(ranges in proptest::collection::vec((1u32..60, 1u32..60), 0..12)) {
            let mut set = UidSet::new();
            let mut model = BTreeSet::new();
            for (a, b) in ranges {
                set.insert_range(uid(a), uid(b));
                model.extend(a.min(b)..=a.max(b));
            }
            prop_assert_eq!(set.iter().map(Uid::get).collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.count(), model.len() as u64);
            for value in 1..60 {
                prop_assert_eq!(set.contains(uid(value)), model.contains(&value));
            }
            for pair in set.ranges().windows(2) {
                prop_assert!(pair[0].1.get() + 1 < pair[1].0.get());
            }
        }

        #[test]
        fn chunks_lose_nothing(values in proptest::collection::btree_set(1u32..500, 0..200), len in 30usize..90, count in 1u32..20) {
            let set: UidSet = values.iter().copied().map(uid).collect();
            let chunks = set.chunks(len, count);
            for chunk in &chunks {
                prop_assert!(chunk.count() <= u64::from(count) && chunk.to_string().len() <= len);
            }
            let again: Vec<u32> = chunks.iter().flat_map(|c| c.iter().map(Uid::get).collect::<Vec<_>>()).collect();
            prop_assert_eq!(again, values.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_whole_range_is_counted_without_overflow() {
        let all = UidSet::range(Uid::MIN, Uid::MAX);
        assert_eq!(all.count(), u64::from(u32::MAX));
        assert!(all.contains(Uid::MAX));
        let mut again = all.clone();
        again.insert(Uid::MAX);
        assert_eq!(again, all);
    }
}
