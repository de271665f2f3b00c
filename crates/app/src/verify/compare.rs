//! What differs between the messages of two folders: a comparison of multisets, because true duplicates count.

use super::read::{Identity, Seen};
use parom_domain::{Both, FolderPath, InternalDate, Marks, Side, Uid};
use std::collections::HashMap;

/// Something that is not the same on both sides. Folders are named as they are on the side that has the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The folder is not on `side`.
    FolderMissing { side: Side, folder: FolderPath, messages: u64 },
    /// The message `uid` of the other side's `folder` is not on `side` (or not as often as there).
    Missing { side: Side, folder: FolderPath, uid: Uid },
    /// Flags or keywords: those that only one of the two has.
    Marks { folder: FolderPath, uids: Both<Uid>, only: Both<Marks> },
    /// INTERNALDATE.
    Date { folder: FolderPath, uids: Both<Uid>, dates: Both<InternalDate> },
    /// The server of `side` lists the message and does not give it.
    Unreadable { side: Side, folder: FolderPath, uid: Uid },
}

#[derive(Debug, Default)]
pub struct Compared {
    pub equal: u64,
    pub differences: Vec<Difference>,
}

/// Compares two folders. `held` is the part of a message's marks that both folders can keep at all.
pub fn compare(paths: &Both<FolderPath>, seen: Both<Vec<Seen>>, held: impl Fn(&Marks) -> Marks) -> Compared {
    let mut compared = Compared::default();
    let mut groups: HashMap<Identity, Both<Vec<Copy>>> = HashMap::new();
    for (side, messages) in seen.iter() {
        for Seen { uid, identity, marks, date } in messages {
            match identity {
                Some(identity) => {
                    let copy = Copy { uid: *uid, marks: held(marks), date: *date };
                    groups.entry(*identity).or_default()[side].push(copy);
                }
                None => {
                    let (folder, uid) = (paths[side].clone(), *uid);
                    compared.differences.push(Difference::Unreadable { side, folder, uid });
                }
            }
        }
    }
    for copies in groups.into_values() {
        group(paths, copies, &mut compared);
    }
    compared.differences.sort_by_key(Difference::order);
    compared
}

/// A message without what makes it the same as others.
#[derive(Clone, Debug)]
struct Copy {
    uid: Uid,
    marks: Marks,
    date: Option<InternalDate>,
}

/// Compares copies of one message: those that agree in everything first, then what is left one by one.
fn group(paths: &Both<FolderPath>, copies: Both<Vec<Copy>>, compared: &mut Compared) {
    let Both { source, mut target } = copies;
    let mut left = Vec::new();
    for copy in source {
        match target.iter().position(|other| only(&copy, other).is_none() && same_date(&copy, other)) {
            Some(at) => {
                target.swap_remove(at);
                compared.equal = compared.equal.saturating_add(1);
            }
            None => left.push(copy),
        }
    }
    target.sort_by_key(|copy| copy.uid);
    let mut target = target.into_iter();
    for source in left {
        let Some(target) = target.next() else {
            let folder = paths.source.clone();
            compared.differences.push(Difference::Missing { side: Side::Target, folder, uid: source.uid });
            continue;
        };
        let (folder, uids) = (paths.source.clone(), Both::new(source.uid, target.uid));
        if let Some(only) = only(&source, &target) {
            compared.differences.push(Difference::Marks { folder: folder.clone(), uids, only });
        }
        if let (Some(a), Some(b), false) = (source.date, target.date, same_date(&source, &target)) {
            compared.differences.push(Difference::Date { folder, uids, dates: Both::new(a, b) });
        }
    }
    for copy in target {
        let folder = paths.target.clone();
        compared.differences.push(Difference::Missing { side: Side::Source, folder, uid: copy.uid });
    }
}

/// The marks that one copy has and the other has not; `None` when they agree.
fn only(source: &Copy, target: &Copy) -> Option<Both<Marks>> {
    let only = Both::new(source.marks.minus(&target.marks), target.marks.minus(&source.marks));
    (!only.source.is_empty() || !only.target.is_empty()).then_some(only)
}

/// The same moment, in whatever zone it is told. What is not a date cannot differ.
fn same_date(a: &Copy, b: &Copy) -> bool {
    match (a.date, b.date) {
        (Some(a), Some(b)) => a.unix_s == b.unix_s,
        _ => true,
    }
}

impl Difference {
    fn order(&self) -> (u32, Side) {
        match self {
            Difference::FolderMissing { side, .. } => (0, *side),
            Difference::Missing { side, uid, .. } | Difference::Unreadable { side, uid, .. } => (uid.get(), *side),
            Difference::Marks { uids, .. } | Difference::Date { uids, .. } => (uids.source.get(), Side::Source),
        }
    }
}
