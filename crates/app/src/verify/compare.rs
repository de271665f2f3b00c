//! What differs between the messages of two folders: a comparison of multisets, because true duplicates count.

use super::read::{Identity, Seen, Shape, Text};
use parom_domain::{Both, Fingerprint, FolderPath, InternalDate, Marks, Side, Uid};
use std::collections::HashMap;

/// Something that is not the same on both sides. Folders are named as they are on the side that has the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The folder is not on `side`.
    FolderMissing { side: Side, folder: FolderPath, messages: u64 },
    /// The message `uid` of the other side's `folder` is not on `side`.
    Missing { side: Side, folder: FolderPath, uid: Uid },
    /// The message `uid` is on both sides, and on `side` once more than on the other.
    Doubled { side: Side, folder: FolderPath, uid: Uid },
    /// Two messages with the same headers say different things.
    Altered { folder: FolderPath, uids: Both<Uid>, bytes: Both<u64> },
    /// The same but for how lines end, and whether the last one does.
    LineEnds { folder: FolderPath, uids: Both<Uid>, bytes: Both<u64> },
    /// Flags or keywords: those that only one of the two has.
    Marks { folder: FolderPath, uids: Both<Uid>, only: Both<Marks> },
    /// INTERNALDATE.
    Date { folder: FolderPath, uids: Both<Uid>, dates: Both<InternalDate> },
    /// The server of `side` lists the message and does not give it.
    Unreadable { side: Side, folder: FolderPath, uid: Uid },
    /// The server of `side` gives another text in the message's place.
    Substituted { side: Side, folder: FolderPath, uid: Uid },
}

impl Difference {
    /// The one message that is meant, by the side on which it is; `None` where it is on both, or a folder is meant.
    #[must_use]
    pub fn message(&self) -> Option<(Side, &FolderPath, Uid)> {
        match self {
            Difference::Missing { side, folder, uid } => Some((side.other(), folder, *uid)),
            Difference::Doubled { side, folder, uid }
            | Difference::Unreadable { side, folder, uid }
            | Difference::Substituted { side, folder, uid } => Some((*side, folder, *uid)),
            Difference::FolderMissing { .. }
            | Difference::Altered { .. }
            | Difference::LineEnds { .. }
            | Difference::Marks { .. }
            | Difference::Date { .. } => None,
        }
    }

    fn order(&self) -> (u32, Side) {
        match self {
            Difference::FolderMissing { side, .. } => (0, *side),
            Difference::Missing { side, uid, .. }
            | Difference::Doubled { side, uid, .. }
            | Difference::Unreadable { side, uid, .. }
            | Difference::Substituted { side, uid, .. } => (uid.get(), *side),
            Difference::Altered { uids, .. }
            | Difference::LineEnds { uids, .. }
            | Difference::Marks { uids, .. }
            | Difference::Date { uids, .. } => (uids.source.get(), Side::Source),
        }
    }
}

#[derive(Debug, Default)]
pub struct Compared {
    pub equal: u64,
    pub differences: Vec<Difference>,
}

/// Compares two folders, each in order of UID. `held` is the part of a message's marks that both folders can keep at all.
pub fn compare(paths: &Both<FolderPath>, seen: Both<Vec<Seen>>, held: impl Fn(&Marks) -> Marks) -> Compared {
    let mut compared = Compared::default();
    let mut groups: HashMap<Identity, Both<Vec<Copy>>> = HashMap::new();
    for (side, messages) in seen.iter() {
        for Seen { uid, text, marks, date } in messages {
            let (folder, uid) = (paths[side].clone(), *uid);
            match text {
                Text::Given(identity, shape) => {
                    let copy = Copy { uid, shape: *shape, marks: held(marks), date: *date };
                    groups.entry(*identity).or_default()[side].push(copy);
                }
                Text::Substitute => compared.differences.push(Difference::Substituted { side, folder, uid }),
                Text::Withheld => compared.differences.push(Difference::Unreadable { side, folder, uid }),
            }
        }
    }
    // What only one side has, by its headers.
    let mut lonely: HashMap<Fingerprint, Both<Vec<(Uid, Shape)>>> = HashMap::new();
    for (identity, copies) in groups {
        match Side::ALL.into_iter().find(|side| copies[*side].is_empty()) {
            Some(side) => {
                let only = copies[side.other()].iter().map(|copy| (copy.uid, copy.shape));
                lonely.entry(identity.headers).or_default()[side.other()].extend(only);
            }
            None => group(paths, copies, &mut compared),
        }
    }
    for uids in lonely.into_values() {
        unlike(paths, uids, &mut compared.differences);
    }
    compared.differences.sort_by_key(Difference::order);
    compared
}

/// A message without what makes it the same as others.
#[derive(Clone, Debug)]
struct Copy {
    uid: Uid,
    shape: Shape,
    marks: Marks,
    date: Option<InternalDate>,
}

/// Compares copies of one message that is on both sides: those that agree in everything first, then what is left one by
/// one.
fn group(paths: &Both<FolderPath>, copies: Both<Vec<Copy>>, compared: &mut Compared) {
    let Both { source, mut target } = copies;
    let mut left = Vec::new();
    for copy in source {
        match target.iter().position(|other| only(&copy, other).is_none() && same_date(&copy, other)) {
            Some(at) => {
                target.remove(at);
                compared.equal = compared.equal.saturating_add(1);
            }
            None => left.push(copy),
        }
    }
    let mut target = target.into_iter();
    for source in left {
        let Some(target) = target.next() else {
            let folder = paths.source.clone();
            compared.differences.push(Difference::Doubled { side: Side::Source, folder, uid: source.uid });
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
        compared.differences.push(Difference::Doubled { side: Side::Target, folder, uid: copy.uid });
    }
}

/// Messages with the same headers that are not the same message: an altered one on each side, or one that is missing.
fn unlike(paths: &Both<FolderPath>, mut only: Both<Vec<(Uid, Shape)>>, differences: &mut Vec<Difference>) {
    Side::ALL.into_iter().for_each(|side| only[side].sort_unstable_by_key(|(uid, _)| *uid));
    let pairs = only.source.len().min(only.target.len());
    for (source, target) in only.source.iter().zip(&only.target) {
        let (uids, folder) = (Both::new(source.0, target.0), paths.source.clone());
        let bytes = Both::new(source.1.bytes, target.1.bytes);
        differences.push(if source.1.folded.is_some() && source.1.folded == target.1.folded {
            Difference::LineEnds { folder, uids, bytes }
        } else {
            Difference::Altered { folder, uids, bytes }
        });
    }
    for (side, only) in only.iter() {
        let missing = only.iter().skip(pairs).map(|(uid, _)| Difference::Missing {
            side: side.other(),
            folder: paths[side].clone(),
            uid: *uid,
        });
        differences.extend(missing);
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
