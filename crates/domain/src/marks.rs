//! Flags and keywords of a message, and their merge: each flag on its own against the last agreed base.

use std::sync::Arc;

/// A set of flags and keywords. `\Recent` is session state and never part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Marks {
    system: u8,
    /// Sorted without regard to case, no two equal; `None` is the (usual) empty set and costs no allocation.
    keywords: Option<Arc<[Box<str>]>>,
}

impl Marks {
    pub const SEEN: u8 = 1;
    pub const ANSWERED: u8 = 2;
    pub const FLAGGED: u8 = 4;
    pub const DELETED: u8 = 8;
    pub const DRAFT: u8 = 16;

    const SYSTEM: [(u8, &'static str); 5] = [
        (Self::SEEN, "\\Seen"),
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// The five system flags as bits; unknown bits are dropped.
    #[must_use]
    pub fn from_system(bits: u8) -> Marks {
        Marks { system: bits & 31, keywords: None }
    }

    /// Builds from wire names; `\Recent` and unknown `\...` flags are ignored.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Marks {
        let mut marks = Marks::default();
        let mut keywords: Vec<Box<str>> = Vec::new();
        for name in names {
            if name.starts_with('\\') {
                if let Some((bit, _)) = Self::SYSTEM.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
                    marks.system |= bit;
                }
            } else if !name.is_empty() {
                keywords.push(name.into());
            }
        }
        marks.keywords = sorted(keywords);
        marks
    }

    /// The wire names, system flags first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let system = self.system;
        Self::SYSTEM.iter().filter(move |(bit, _)| system & bit != 0).map(|(_, name)| *name).chain(self.keywords())
    }

    #[must_use]
    pub fn system(&self) -> u8 {
        self.system
    }

    pub fn keywords(&self) -> impl Iterator<Item = &str> {
        self.keywords.iter().flat_map(|list| list.iter().map(AsRef::as_ref))
    }

    #[must_use]
    pub fn has_keyword(&self, keyword: &str) -> bool {
        self.keywords().any(|mine| mine.eq_ignore_ascii_case(keyword))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords.is_none()
    }

    #[must_use]
    pub fn seen(&self) -> bool {
        self.system & Self::SEEN != 0
    }

    #[must_use]
    pub fn deleted(&self) -> bool {
        self.system & Self::DELETED != 0
    }

    /// What is in `self` or in `other`.
    #[must_use]
    pub fn union(&self, other: &Marks) -> Marks {
        let keywords = self.keywords().chain(other.keywords()).map(Into::into).collect();
        Marks { system: self.system | other.system, keywords: sorted(keywords) }
    }

    /// What is in `self` and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Marks) -> Marks {
        self.only(self.system & !other.system, |keyword| !other.has_keyword(keyword))
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Marks) -> Marks {
        self.only(self.system & other.system, |keyword| other.has_keyword(keyword))
    }

    fn only(&self, system: u8, keep: impl Fn(&str) -> bool) -> Marks {
        let keywords = self.keywords().filter(|keyword| keep(keyword)).map(Into::into).collect();
        Marks { system, keywords: sorted(keywords) }
    }

    /// Three-way merge, flag by flag: where the two differ, the one that left the base wins. It cannot conflict,
    /// because a flag has two values and so at most one side can have changed where they differ.
    #[must_use]
    pub fn merge(base: &Marks, a: &Marks, b: &Marks) -> Marks {
        if a == b {
            return a.clone();
        }
        let added = a.minus(base).union(&b.minus(base));
        let kept = base.intersection(a).intersection(b);
        kept.union(&added)
    }

    /// The base where only a part of a merge was done: what is in `undone` stays as it was in `base`.
    #[must_use]
    pub fn but_for(&self, undone: &Marks, base: &Marks) -> Marks {
        if undone.is_empty() { self.clone() } else { self.minus(undone).union(&base.intersection(undone)) }
    }

    /// The marks that two copies get when they are paired without a base: whatever one of them has, except `\Deleted`,
    /// which both must carry.
    #[must_use]
    pub fn agree(a: &Marks, b: &Marks) -> Marks {
        let mut all = a.union(b);
        if !(a.deleted() && b.deleted()) {
            all.system &= !Self::DELETED;
        }
        all
    }
}

fn sorted(mut keywords: Vec<Box<str>>) -> Option<Arc<[Box<str>]>> {
    if keywords.is_empty() {
        return None;
    }
    // Keywords compare without regard to case (RFC 9051 section 2.3.2); the first spelling stays.
    keywords.sort_by_key(|keyword| keyword.to_ascii_lowercase());
    keywords.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    Some(keywords.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks() -> impl Strategy<Value = Marks> {
        (0u8..32, proptest::collection::vec(prop_oneof!["a", "B", "c"], 0..3)).prop_map(|(system, keywords)| {
            Marks::from_system(system).union(&Marks::from_names(keywords.iter().map(String::as_str)))
        })
    }

    proptest! {
        #[test]
        fn merge_is_symmetric_and_keeps_every_change(base in marks(), a in marks(), b in marks()) {
            let merged = Marks::merge(&base, &a, &b);
            prop_assert_eq!(&merged, &Marks::merge(&base, &b, &a));
            for side in [&a, &b] {
                // What a side added is there; what it removed is gone, unless the other added it anew (impossible per flag).
                prop_assert!(side.minus(&base).minus(&merged).is_empty());
                prop_assert!(base.minus(side).intersection(&merged).is_empty());
            }
            prop_assert_eq!(&Marks::merge(&merged, &merged, &merged), &merged);
        }
    }

    #[test]
    fn names_go_both_ways_and_recent_is_dropped() {
        let marks = Marks::from_names(["\\Seen", "\\RECENT", "$Forwarded", "work", "WORK", "\\answered"]);
        assert_eq!(marks.names().collect::<Vec<_>>(), ["\\Seen", "\\Answered", "$Forwarded", "work"]);
        assert_eq!(Marks::from_names(marks.names()), marks);
    }
}
