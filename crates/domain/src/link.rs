//! Links: one message, its two places, and the base they last agreed on; kept per folder pair.

use crate::{Both, Fingerprint, Marks, Side, Uid};
use std::collections::{BTreeSet, HashMap};

/// How many links make a chunk, the unit in which the store writes them.
pub const CHUNK: usize = 512;

/// One message in its two places. One side `None` means that it is not there on purpose (deleted there under a policy
/// that keeps it here, put into the trash on this side, or deleted on the target of a one-way sync): it is known, and
/// never carried back. At least one side is `Some`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub uids: Both<Option<Uid>>,
    /// The marks both sides last agreed on: the base of the merge.
    pub base: Marks,
    /// [`Fingerprint::short`]; 0 where it was never needed (then the message pairs with nothing).
    pub short: u64,
    /// The length of the message in bytes, cut at 2^32 - 1; 0 if unknown.
    pub size: u32,
}

impl Link {
    #[must_use]
    pub fn is_one_sided(&self) -> bool {
        self.uids.source.is_none() || self.uids.target.is_none()
    }
}

/// The stored form of a length.
#[must_use]
pub fn stored_size(len: u64) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Where a link sits in its table. Stable while the link lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(u32);

/// All links of one folder pair, found by the UID of either side. It remembers which chunks changed since they were
/// last written.
#[derive(Clone, Debug, Default)]
pub struct LinkTable {
    slots: Vec<Option<Link>>,
    free: Vec<Slot>,
    by_uid: Both<HashMap<Uid, Slot>>,
    dirty: BTreeSet<u32>,
}

impl LinkTable {
    #[must_use]
    pub fn new() -> Self {
        LinkTable::default()
    }

    /// Rebuilds a table from its stored chunks. Slots keep their numbers; a UID that occurs twice keeps its first link.
    #[must_use]
    pub fn from_chunks(chunks: impl IntoIterator<Item = (u32, Vec<Option<Link>>)>) -> Self {
        let mut table = LinkTable::default();
        for (number, links) in chunks {
            let start = number as usize * CHUNK;
            if table.slots.len() < start + links.len() {
                table.slots.resize(start + links.len(), None);
            }
            for (slot, link) in table.slots.iter_mut().skip(start).zip(links.into_iter().take(CHUNK)) {
                *slot = link;
            }
        }
        for at in 0..table.slots.len() {
            let slot = Slot(u32::try_from(at).unwrap_or(u32::MAX));
            match table.get(slot).map(|link| link.uids) {
                Some(uids) => table.index(slot, uids),
                None => table.free.push(slot),
            }
        }
        table.free.reverse();
        table
    }

    fn index(&mut self, slot: Slot, uids: Both<Option<Uid>>) {
        for side in Side::ALL {
            if let Some(uid) = uids[side] {
                self.by_uid[side].entry(uid).or_insert(slot);
            }
        }
    }

    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&Link> {
        self.slots.get(slot.0 as usize)?.as_ref()
    }

    #[must_use]
    pub fn slot(&self, side: Side, uid: Uid) -> Option<Slot> {
        self.by_uid[side].get(&uid).copied()
    }

    #[must_use]
    pub fn at(&self, side: Side, uid: Uid) -> Option<&Link> {
        self.get(self.slot(side, uid)?)
    }

    /// All links in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Link)> {
        self.slots.iter().zip(0..).filter_map(|(link, at)| Some((Slot(at), link.as_ref()?)))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages of one side are known here.
    #[must_use]
    pub fn count(&self, side: Side) -> usize {
        self.by_uid[side].len()
    }

    /// Adds a link. If one of its UIDs is linked already, the older link loses that side first (a UID names one message).
    pub fn insert(&mut self, link: Link) -> Slot {
        for side in Side::ALL {
            if let Some(old) = link.uids[side].and_then(|uid| self.slot(side, uid)) {
                self.set_uid(old, side, None);
            }
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Slot(u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX))
        });
        self.index(slot, link.uids);
        if let Some(place) = self.slots.get_mut(slot.0 as usize) {
            *place = Some(link);
        }
        self.touch(slot);
        slot
    }

    /// Forgets a link.
    pub fn remove(&mut self, slot: Slot) -> Option<Link> {
        let link = self.slots.get_mut(slot.0 as usize)?.take()?;
        for side in Side::ALL {
            if let Some(uid) = link.uids[side] {
                self.by_uid[side].remove(&uid);
            }
        }
        self.free.push(slot);
        self.touch(slot);
        Some(link)
    }

    pub fn set_base(&mut self, slot: Slot, base: Marks) {
        if let Some(Some(link)) = self.slots.get_mut(slot.0 as usize)
            && link.base != base
        {
            link.base = base;
            self.touch(slot);
        }
    }

    /// Moves one end of a link; a link that loses both ends is forgotten.
    pub fn set_uid(&mut self, slot: Slot, side: Side, uid: Option<Uid>) {
        let Some(Some(link)) = self.slots.get_mut(slot.0 as usize) else { return };
        let old = std::mem::replace(&mut link.uids[side], uid);
        if old == uid {
            return;
        }
        let empty = link.uids.source.is_none() && link.uids.target.is_none();
        if let Some(old) = old {
            self.by_uid[side].remove(&old);
        }
        if let Some(uid) = uid {
            self.by_uid[side].insert(uid, slot);
        }
        self.touch(slot);
        if empty {
            self.remove(slot);
        }
    }

    /// Remembers what a message is, where that was learnt later than its place.
    pub fn set_identity(&mut self, slot: Slot, fingerprint: Fingerprint, size: u32) {
        if let Some(Some(link)) = self.slots.get_mut(slot.0 as usize) {
            link.short = fingerprint.short();
            link.size = size;
            self.touch(slot);
        }
    }

    fn touch(&mut self, slot: Slot) {
        self.dirty.insert(slot.0 / CHUNK as u32);
    }

    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// The chunks that changed since the last call, as the store keeps them. An empty list means: delete the chunk.
    pub fn take_dirty(&mut self) -> Vec<(u32, Vec<Option<Link>>)> {
        let numbers = std::mem::take(&mut self.dirty);
        numbers.into_iter().map(|number| (number, self.chunk(number))).collect()
    }

    fn chunk(&self, number: u32) -> Vec<Option<Link>> {
        let mut links: Vec<_> = self.slots.iter().skip(number as usize * CHUNK).take(CHUNK).cloned().collect();
        while links.last().is_some_and(Option::is_none) {
            links.pop();
        }
        links
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn link(source: u32, target: u32) -> Link {
        Link { uids: Both::new(Uid::new(source), Uid::new(target)), base: Marks::default(), short: 7, size: 9 }
    }

    #[test]
    fn a_uid_names_one_message() {
        let mut table = LinkTable::new();
        table.insert(link(1, 10));
        table.insert(link(1, 11));
        assert_eq!(table.at(Side::Source, Uid::MIN).unwrap().uids.target, Uid::new(11));
        assert_eq!(table.at(Side::Target, Uid::new(10).unwrap()).unwrap().uids.source, None);
        assert_eq!(table.len(), 2);
    }

    proptest! {
        /// Whatever happens to a table, writing its dirty chunks and reading them back gives the same table.
        #[test]
        fn dirty_chunks_rebuild_the_table(steps in proptest::collection::vec((0u8..4, 1u32..1500, 0u32..1500), 0..300)) {
            let mut table = LinkTable::new();
            let mut stored = std::collections::BTreeMap::new();
            for (at, (what, a, b)) in steps.into_iter().enumerate() {
                match what {
                    0 | 1 => { table.insert(link(a, b)); }
                    2 => { if let Some(slot) = Uid::new(a).and_then(|uid| table.slot(Side::Source, uid)) { table.remove(slot); } }
                    _ => { if let Some(slot) = Uid::new(a).and_then(|uid| table.slot(Side::Source, uid)) { table.set_uid(slot, Side::Source, None); } }
                }
                if at % 7 == 0 {
                    stored.extend(table.take_dirty());
                }
            }
            stored.extend(table.take_dirty());
            let again = LinkTable::from_chunks(stored);
            prop_assert_eq!(table.iter().map(|(slot, link)| (slot, link.clone())).collect::<Vec<_>>(), again.iter().map(|(slot, link)| (slot, link.clone())).collect::<Vec<_>>());
            prop_assert_eq!(table.count(Side::Source), again.count(Side::Source));
            prop_assert_eq!(table.len(), again.len());
        }
    }
}
