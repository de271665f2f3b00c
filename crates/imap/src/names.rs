//! Between folder paths and the names on the wire: namespace prefix, delimiter, modified UTF-7.

use crate::command::WireName;
use crate::tokens::Tokens;
use crate::utf7;
use bytes::Bytes;
use parom_domain::FolderPath;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The personal namespace (RFC 2342), and the prefixes of what is not personal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    pub prefix: Vec<u8>,
    /// `None`: the server knows no hierarchy.
    pub delimiter: Option<u8>,
    /// Names are UTF-8 as they are (UTF8=ACCEPT is enabled), not modified UTF-7.
    pub utf8: bool,
    foreign: Vec<Vec<u8>>,
}

impl Namespace {
    /// Reads `(("" "/")) (("~" "/")) NIL`.
    #[must_use]
    pub fn parse(mut rest: Tokens<'_>) -> Namespace {
        let mut namespace = Namespace::default();
        for class in 0..3 {
            let mut list = rest;
            if !rest.skip_value() || !list.open() {
                continue;
            }
            let mut first = class == 0;
            while list.open() {
                let prefix = list.next().and_then(|token| token.string()).unwrap_or_default().into_owned();
                let delimiter = list.next().and_then(|token| token.string());
                while list.skip_value() {}
                list.next();
                if first {
                    namespace.delimiter = delimiter.and_then(|delimiter| delimiter.first().copied());
                    namespace.prefix = prefix;
                    first = false;
                } else if !prefix.is_empty() && !namespace.prefix.starts_with(&prefix) {
                    namespace.foreign.push(prefix);
                }
            }
        }
        namespace
    }

    /// Does the name belong to the account itself?
    #[must_use]
    pub fn is_personal(&self, name: &[u8]) -> bool {
        // Beside a personal prefix such as `INBOX.` everything else is somebody else's, `INBOX` itself excepted.
        if !self.prefix.is_empty() {
            return name.eq_ignore_ascii_case(b"INBOX") || name.starts_with(&self.prefix);
        }
        let foreign = self.foreign.iter().any(|prefix| {
            // The root of a foreign namespace is listed without the delimiter that ends its prefix.
            name.starts_with(prefix) || Some(name) == prefix.split_last().map(|(_, root)| root)
        });
        !foreign
    }

    /// The readable path of a name. A name that does not decode stays as it is, in one piece where it has empty parts.
    #[must_use]
    pub fn path(&self, name: &[u8]) -> Option<FolderPath> {
        if name.eq_ignore_ascii_case(b"INBOX") {
            return Some(FolderPath::inbox());
        }
        let inside = name.split_at_checked(self.prefix.len());
        let inside = inside.filter(|(prefix, _)| prefix.eq_ignore_ascii_case(&self.prefix)).map(|(_, inside)| inside);
        // With the prefix `INBOX.`, `INBOX.INBOX` must not become the inbox.
        let inside = inside.filter(|inside| !inside.eq_ignore_ascii_case(b"INBOX")).unwrap_or(name);
        let segments: Vec<String> = match self.delimiter {
            Some(delimiter) => inside.split(|byte| *byte == delimiter).map(|it| self.readable(it)).collect(),
            None => vec![self.readable(inside)],
        };
        FolderPath::new(segments).or_else(|| FolderPath::new([raw(name)]))
    }

    /// The name of a path that the server has not listed.
    #[must_use]
    pub fn name(&self, path: &FolderPath) -> WireName {
        if path.is_inbox() {
            return Bytes::from_static(b"INBOX");
        }
        let mut name = self.prefix.clone();
        for (at, segment) in path.segments().iter().enumerate() {
            if at > 0 {
                name.push(self.delimiter.unwrap_or(b'/'));
            }
            name.extend_from_slice(self.written(segment).as_bytes());
        }
        Bytes::from(name)
    }

    fn readable(&self, segment: &[u8]) -> String {
        let decoded = std::str::from_utf8(segment).ok().filter(|_| !self.utf8).and_then(utf7::decode);
        decoded.unwrap_or_else(|| raw(segment))
    }

    /// The wire form of one segment.
    fn written(&self, segment: &str) -> String {
        if self.utf8 { segment.to_owned() } else { utf7::encode(segment) }
    }
}

fn raw(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The names of an account, as last listed, and what is known about the folders behind them.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub namespace: Namespace,
    /// The server has permanent ids that are to be asked for folder by folder.
    pub ids_when_opened: bool,
    listed: HashMap<FolderPath, WireName>,
    /// The UIDVALIDITY last told for each name.
    validities: HashMap<WireName, u32>,
}

impl Names {
    #[must_use]
    pub fn new(namespace: Namespace) -> Names {
        Names { namespace, ..Names::default() }
    }

    /// Takes up a listed name and returns its path. `None`: another name reads exactly alike, even raw.
    pub fn take_up(&mut self, name: &WireName) -> Option<FolderPath> {
        let marked = format!("{}\u{fffd}", raw(name));
        let candidates = [self.namespace.path(name), FolderPath::new([raw(name)]), FolderPath::new([marked])];
        for path in candidates.into_iter().flatten() {
            if self.listed.get(&path).is_none_or(|known| known == name) {
                self.listed.insert(path.clone(), name.clone());
                return Some(path);
            }
        }
        None
    }

    /// The wire name of a path: exactly what was listed, else what the rules make of it.
    #[must_use]
    pub fn name(&self, path: &FolderPath) -> WireName {
        if let Some(name) = self.listed.get(path) {
            return name.clone();
        }
        // Below a listed parent the new name begins as the parent's does, however that is spelled.
        let parent = path.parent().and_then(|parent| self.listed.get(&parent)).filter(|_| path.depth() > 1);
        match (parent, self.namespace.delimiter) {
            (Some(parent), Some(delimiter)) => {
                [parent, &[delimiter][..], self.namespace.written(path.name()).as_bytes()].concat().into()
            }
            _ => self.namespace.name(path),
        }
    }

    /// Forgets a folder and everything below it.
    pub fn forget(&mut self, path: &FolderPath) {
        let validities = &mut self.validities;
        self.listed.retain(|known, name| {
            let gone = known == path || known.is_below(path);
            if gone {
                validities.remove(name);
            }
            !gone
        });
    }

    pub fn set_validity(&mut self, name: &WireName, validity: u32) {
        self.validities.insert(name.clone(), validity);
    }

    #[must_use]
    pub fn validity(&self, name: &WireName) -> Option<u32> {
        self.validities.get(name).copied()
    }
}

/// The names of one account, shared by whatever speaks for it. There are none before the first listing.
#[derive(Clone, Default)]
pub struct SharedNames(Arc<Mutex<Option<Names>>>);

impl SharedNames {
    /// `None` before the first listing.
    pub fn with<T>(&self, work: impl FnOnce(&mut Names) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(work)
    }

    pub fn replace(&self, names: Names) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> FolderPath {
        FolderPath::new(segments.iter().copied()).unwrap()
    }

    #[test]
    fn names_and_paths_are_inverse() {
        let plain = Namespace::parse(Tokens::new(b"((\"\" \"/\")) NIL NIL"));
        let cyrus = Namespace::parse(Tokens::new(b"((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))"));
        for (namespace, name, segments) in [
            (&plain, "INBOX", &["INBOX"][..]),
            (&plain, "INBOX/a", &["INBOX", "a"]),
            (&plain, "R&-D/&BBI-", &["R&D", "В"]),
            (&cyrus, "INBOX.a.b", &["a", "b"]),
            (&cyrus, "INBOX", &["INBOX"]),
            (&cyrus, "INBOX.INBOX.x", &["INBOX", "x"]),
        ] {
            assert_eq!(namespace.path(name.as_bytes()).unwrap(), path(segments));
            assert_eq!(namespace.name(&path(segments)), name);
        }
        assert!(cyrus.is_personal(b"INBOX.a") && !cyrus.is_personal(b"user.b") && !cyrus.is_personal(b"user"));
    }

    #[test]
    fn every_listed_name_has_a_path_of_its_own_and_comes_back_as_listed() {
        let mut names = Names::new(Namespace { delimiter: Some(b'/'), ..Namespace::default() });
        let listed: [&[u8]; 7] = [b"a&-", b"a&", b"\xfe", b"x//y", b"\xff", b"inbox", b"Inbox/b"];
        let mut paths = Vec::new();
        for name in listed {
            let name = Bytes::from_static(name);
            let path = names.take_up(&name).unwrap();
            assert_eq!(names.name(&path), name);
            assert!(!paths.contains(&path));
            paths.push(path);
        }
        assert_eq!(names.name(&path(&["INBOX", "b", "c"])), "Inbox/b/c");
        assert_eq!(names.take_up(&Bytes::from_static(b"x//y")), Some(path(&["x//y"])));
    }

    #[test]
    fn utf8_names_are_taken_as_they_are() {
        let utf8 = Namespace { delimiter: Some(b'/'), utf8: true, ..Namespace::default() };
        for name in ["R&-D/Входящие", "a&b"] {
            assert_eq!(utf8.name(&utf8.path(name.as_bytes()).unwrap()), name);
        }
        assert_eq!(utf8.path("R&-D/В".as_bytes()).unwrap(), path(&["R&-D", "В"]));
    }

    #[test]
    fn a_server_without_hierarchy_has_flat_names() {
        let flat = Namespace::parse(Tokens::new(b"((\"\" NIL)) NIL NIL"));
        assert_eq!(flat.path(b"a/b").unwrap(), path(&["a/b"]));
        assert_eq!(flat.name(&path(&["a/b"])), "a/b");
    }
}
