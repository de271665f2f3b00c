//! What a folder of one side is called on the other.

use crate::FolderPath;
use std::collections::HashSet;

/// Look-alikes for characters that the other side cannot have in a name: its delimiter first of all. The mapping is the
/// same every time, so that a lost state finds the same pairs again.
const LOOKALIKES: [(char, char); 17] = [
    ('/', '\u{2215}'),
    ('.', '\u{2024}'),
    ('\\', '\u{FF3C}'),
    ('^', '\u{FF3E}'),
    ('~', '\u{FF5E}'),
    ('*', '\u{FF0A}'),
    ('%', '\u{FF05}'),
    (':', '\u{FF1A}'),
    ('!', '\u{FF01}'),
    ('"', '\u{FF02}'),
    (';', '\u{FF1B}'),
    ('<', '\u{FF1C}'),
    ('>', '\u{FF1E}'),
    ('`', '\u{FF40}'),
    ('{', '\u{FF5B}'),
    ('|', '\u{FF5C}'),
    ('}', '\u{FF5D}'),
];

/// The same name with every forbidden character replaced. A space is forbidden at the end of a name only.
#[must_use]
pub fn spelled(segment: &str, forbidden: &[char]) -> String {
    let kept = if forbidden.contains(&' ') { segment.trim_end_matches(' ') } else { segment };
    let spaces = segment.len() - kept.len();
    kept.chars()
        .map(|c| {
            if c == ' ' || !forbidden.contains(&c) {
                return c;
            }
            LOOKALIKES.iter().find(|(plain, _)| *plain == c).map_or('_', |(_, alike)| *alike)
        })
        .chain(std::iter::repeat_n('\u{A0}', spaces))
        .collect()
}

/// Has it a character that no name may hold, wherever it stands?
#[must_use]
pub fn is_forbidden(path: &FolderPath, forbidden: &[char]) -> bool {
    path.segments().iter().any(|segment| segment.contains(|c: char| c != ' ' && forbidden.contains(&c)))
}

/// May this be the name of a folder that has some forbidden character elsewhere?
#[must_use]
pub fn may_be_spelled(path: &FolderPath, forbidden: &[char]) -> bool {
    let alike = |c: char| LOOKALIKES.iter().any(|(plain, alike)| *alike == c && forbidden.contains(plain));
    is_forbidden(path, forbidden) || path.segments().iter().any(|segment| segment.contains(alike))
}

/// Where `path` belongs on the other side: below the place of its nearest ancestor that is paired (`ancestor`: that
/// ancestor here and there), its own name spelled as the other side can.
#[must_use]
pub fn place(path: &FolderPath, ancestor: Option<(&FolderPath, &FolderPath)>, forbidden: &[char]) -> FolderPath {
    let (start, below) = match ancestor {
        Some((here, there)) => (Some(there.clone()), here.depth()),
        None => (None, 0),
    };
    let rest = path.segments().iter().skip(below).map(|segment| spelled(segment, forbidden));
    let placed = rest.fold(start, |place, segment| match place {
        Some(place) => Some(place.child(segment)),
        None => FolderPath::new([segment]),
    });
    placed.unwrap_or_else(|| path.clone())
}

/// A free variant of `path`: itself, or with ` (2)`, ` (3)`... after the name.
#[must_use]
pub fn free(path: FolderPath, taken: &HashSet<FolderPath>, case_sensitive: bool) -> FolderPath {
    free_from(path, taken, case_sensitive, 2)
}

/// The same with numbers from `first` on.
#[must_use]
pub fn free_from(path: FolderPath, taken: &HashSet<FolderPath>, case_sensitive: bool, first: u32) -> FolderPath {
    let clashes = |path: &FolderPath| {
        if case_sensitive { taken.contains(path) } else { taken.contains(&folded(path)) || taken.contains(path) }
    };
    if !clashes(&path) {
        return path;
    }
    let base = path.name().to_owned();
    let parent = path.parent();
    (first..)
        .filter_map(|n| {
            let name = format!("{base} ({n})");
            match &parent {
                Some(parent) => Some(parent.child(name)),
                None => FolderPath::new([name]),
            }
        })
        .find(|candidate| !clashes(candidate))
        .unwrap_or(path)
}

/// Is `path` the same name as `plain` with a number that [`free`] gave it?
#[must_use]
pub fn is_numbered(path: &FolderPath, plain: &FolderPath) -> bool {
    let number = path.name().strip_prefix(plain.name()).and_then(|rest| rest.strip_prefix(" ("));
    let number = number.and_then(|rest| rest.strip_suffix(')'));
    path.parent() == plain.parent()
        && number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The form in which a server that ignores case compares names.
#[must_use]
pub fn folded(path: &FolderPath) -> FolderPath {
    FolderPath::new(path.segments().iter().map(|segment| segment.to_lowercase())).unwrap_or_else(|| path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> FolderPath {
        FolderPath::new(segments.iter().copied()).unwrap()
    }

    #[test]
    fn a_child_follows_its_parent_and_is_spelled_as_the_side_can() {
        let (sent, sent_there) = (path(&["Sent"]), path(&["Sent Items"]));
        let child = path(&["Sent", "v1.2"]);
        assert_eq!(place(&child, Some((&sent, &sent_there)), &['.']), path(&["Sent Items", "v1\u{2024}2"]));
        assert_eq!(place(&child, None, &['/']), child);
    }

    #[test]
    fn every_forbidden_character_has_a_look_alike_of_its_own() {
        let forbidden: Vec<char> = "/.\\^~*%:!\";<>`{|}".chars().collect();
        let there = "∕․＼＾～＊％：！＂；＜＞｀｛｜｝";
        assert_eq!(spelled(&forbidden.iter().collect::<String>(), &forbidden), there);
        // Spelled once is spelled for good, and what nobody has a look-alike for is still a name.
        assert_eq!(spelled(there, &forbidden), there);
        assert_eq!(spelled("a\tb", &['\t']), "a_b");
    }

    #[test]
    fn a_clash_of_case_gets_a_number() {
        let taken: HashSet<FolderPath> = [path(&["work"])].into();
        assert_eq!(free(path(&["Work"]), &taken, false), path(&["Work (2)"]));
        assert_eq!(free(path(&["Work"]), &taken, true), path(&["Work"]));
        assert!(is_numbered(&path(&["Work (2)"]), &path(&["Work"])));
        assert!(
            !is_numbered(&path(&["Work (b)"]), &path(&["Work"])) && !is_numbered(&path(&["Work"]), &path(&["Work"]))
        );
    }
}
