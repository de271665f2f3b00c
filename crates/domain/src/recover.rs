//! After a crash: which of the messages that were announced have landed, and which must be sent again.

use crate::endpoint::Stamp;
use crate::link::{LinkTable, stored_size};
use crate::state::{Appending, Moving, Recent};
use crate::{Side, Uid};
use std::collections::HashMap;

/// What became of an announced message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It is there, under this UID: link it.
    Adopt(Uid),
    /// This one has its headers and another length: the server keeps other bytes than it was given (a last line end more, or
    /// LF alone), or it is another message. What both say tells.
    Doubtful(Uid),
    /// It is not there yet, and the server may still commit what it had received: look again later.
    Wait,
    /// It never arrived: its source is a newcomer again.
    Redo,
}

/// Matches all announced messages of one folder with what is found there at or above the floor. Multiplicity counts:
/// each message found answers one announcement. UIDs that are linked already answer none.
///
/// Messages that headers and length cannot tell apart are matched in the order in which they were sent; the server
/// numbers what it receives in that order.
#[must_use]
pub fn recover_appends(
    announced: &[&Appending],
    found: &[Stamp],
    links: &LinkTable,
    into: Side,
    grace_is_over: bool,
) -> Vec<Recovery> {
    let mut free = Free::of(found, links, into);
    let exact: Vec<Option<Uid>> =
        announced.iter().map(|item| free.take(item.fingerprint.short(), stored_size(item.len))).collect();
    let lacking = if grace_is_over { Recovery::Redo } else { Recovery::Wait };
    let answers = announced.iter().zip(exact).map(|(item, exact)| match exact {
        Some(uid) => Recovery::Adopt(uid),
        None => free.take_alike(item.fingerprint.short()).map_or(lacking, |(uid, _)| Recovery::Doubtful(uid)),
    });
    answers.collect()
}

/// Messages that were found and are nobody's yet, by what they look like. Those with the lowest UIDs go first.
struct Free(HashMap<u64, Vec<(Uid, u32)>>);

impl Free {
    fn of(found: &[Stamp], links: &LinkTable, side: Side) -> Free {
        let mut stamps: Vec<&Stamp> = found.iter().filter(|stamp| links.slot(side, stamp.uid).is_none()).collect();
        stamps.sort_by_key(|stamp| stamp.uid);
        let mut free: HashMap<u64, Vec<(Uid, u32)>> = HashMap::new();
        for stamp in stamps {
            free.entry(stamp.fingerprint.short()).or_default().push((stamp.uid, stored_size(stamp.size)));
        }
        Free(free)
    }

    fn take(&mut self, short: u64, size: u32) -> Option<Uid> {
        let alike = self.0.get_mut(&short)?;
        let at = alike.iter().position(|(_, other)| *other == size)?;
        Some(alike.remove(at).0)
    }

    /// One of any size.
    fn take_alike(&mut self, short: u64) -> Option<(Uid, u32)> {
        let alike = self.0.get_mut(&short)?;
        (!alike.is_empty()).then(|| alike.remove(0))
    }
}

/// The sizes of messages that are there, as [`recover_moves`] wants them.
#[must_use]
pub fn sizes(stamps: &[Stamp]) -> HashMap<Uid, u32> {
    stamps.iter().map(|stamp| (stamp.uid, stored_size(stamp.size))).collect()
}

/// What became of a message that was to be moved within one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveRecovery {
    /// It left the old folder and is in the new one.
    Done(Uid),
    /// The copy was made, but the original is still there: remove the original.
    Half(Uid),
    /// Nothing happened.
    Redo,
    /// It is in neither: somebody else took it, and the next look will tell.
    Lost,
}

/// Matches announced moves with both folders. `left` is what is still in the old folder, with the size that it has there;
/// `found` what is at or above the floor in the new one. A link tells the size of the side that the message came from, and this
/// one may keep other bytes: so what is still there is known by its size here, and what left by its headers where no size fits.
#[must_use]
pub fn recover_moves(
    announced: &[Moving],
    left: &HashMap<Uid, u32>,
    found: &[Stamp],
    links: &LinkTable,
    side: Side,
) -> Vec<MoveRecovery> {
    let mut free = Free::of(found, links, side);
    let exact: Vec<Option<Uid>> =
        announced.iter().map(|item| free.take(item.short, left.get(&item.uid).copied().unwrap_or(item.size))).collect();
    let answers = announced.iter().zip(exact).map(|(item, exact)| match (left.contains_key(&item.uid), exact) {
        (true, Some(uid)) => MoveRecovery::Half(uid),
        (true, None) => MoveRecovery::Redo,
        (false, Some(uid)) => MoveRecovery::Done(uid),
        (false, None) => free.take_alike(item.short).map_or(MoveRecovery::Lost, |(uid, _)| MoveRecovery::Done(uid)),
    });
    answers.collect()
}

/// May this newcomer be the late twin of a message that we appended: the same in headers, in a folder into which we sent it within
/// the last day, and not the copy that we linked? Only equal content makes it one; the caller reads it.
#[must_use]
pub fn may_be_twin(stamp: &Stamp, recent: &[&Recent]) -> bool {
    recent.iter().any(|item| item.fingerprint == stamp.fingerprint && item.uid != Some(stamp.uid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Link;
    use crate::{Both, Fingerprint, Marks};

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    fn announced(what: u8) -> Appending {
        Appending {
            origin: uid(1),
            fingerprint: Fingerprint::of_headers(&[b'S', b'u', b'b', b'j', b'e', b'c', b't', b':', what]),
            len: 10,
            content: 0,
            marks: Marks::default(),
        }
    }

    fn stamp(at: u32, what: u8) -> Stamp {
        Stamp {
            uid: uid(at),
            fingerprint: announced(what).fingerprint,
            size: 10,
            marks: Marks::default(),
            substituted: false,
        }
    }

    #[test]
    fn each_message_found_answers_one_announcement() {
        let items = [announced(b'a'), announced(b'a'), announced(b'b')];
        let items: Vec<&Appending> = items.iter().collect();
        let table = LinkTable::new();
        let found = [stamp(7, b'a')];
        assert_eq!(
            recover_appends(&items, &found, &table, Side::Target, true),
            [Recovery::Adopt(uid(7)), Recovery::Redo, Recovery::Redo]
        );
        assert_eq!(recover_appends(&items, &found, &table, Side::Target, false)[2], Recovery::Wait);
    }

    #[test]
    fn what_is_linked_already_answers_none() {
        let mut table = LinkTable::new();
        table.insert(Link { uids: Both::new(Uid::new(1), Uid::new(7)), base: Marks::default(), short: 1, size: 1 });
        let item = announced(b'a');
        assert_eq!(recover_appends(&[&item], &[stamp(7, b'a')], &table, Side::Target, true), [Recovery::Redo]);
    }

    #[test]
    fn a_move_is_recovered_from_where_the_message_is_now() {
        let item = Moving {
            uid: uid(3),
            other: Uid::new(9),
            short: announced(b'a').fingerprint.short(),
            size: 10,
            marks: Marks::default(),
        };
        let table = LinkTable::new();
        let check = |left: &[u32], found: &[Stamp]| {
            let left = left.iter().map(|value| (uid(*value), 10)).collect();
            recover_moves(std::slice::from_ref(&item), &left, found, &table, Side::Source)[0]
        };
        assert_eq!(check(&[], &[stamp(5, b'a')]), MoveRecovery::Done(uid(5)));
        assert_eq!(check(&[3], &[stamp(5, b'a')]), MoveRecovery::Half(uid(5)));
        assert_eq!(check(&[3], &[]), MoveRecovery::Redo);
        assert_eq!(check(&[], &[]), MoveRecovery::Lost);
    }
}
