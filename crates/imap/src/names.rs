//! Between folder paths and the names on the wire: namespaces, delimiters, modified UTF-7.

use crate::command::WireName;
use crate::tokens::Tokens;
use crate::utf7;
use bytes::Bytes;
use parom_domain::{Code, Error, FolderPath, Result, Retry, Scope};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The namespaces of an account (RFC 2342). Its own field is the personal one in which the inbox is: new folders go there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    pub prefix: Vec<u8>,
    /// `None`: the server knows no hierarchy.
    pub delimiter: Option<u8>,
    /// Names are UTF-8 as they are (UTF8=ACCEPT is enabled), not modified UTF-7.
    pub utf8: bool,
    /// Names that differ by case only are one name.
    pub any_case: bool,
    /// Personal namespaces beside it: their folders are read with their prefix as the first segments.
    further: Vec<Space>,
    /// What belongs to other users or to everybody.
    foreign: Vec<Space>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Space {
    prefix: Vec<u8>,
    delimiter: Option<u8>,
}

impl Space {
    /// The name of its root: the prefix without the delimiter that ends it.
    fn root(&self) -> &[u8] {
        match self.prefix.split_last() {
            Some((last, root)) if Some(*last) == self.delimiter => root,
            _ => &self.prefix,
        }
    }
}

/// To whom a name belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    /// The namespace in which the inbox is.
    Home,
    Further(&'a Space),
    Foreign(&'a Space),
    /// Beside all that the server names.
    Beside,
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
            while list.open() {
                let prefix = list.next().and_then(|token| token.string()).unwrap_or_default().into_owned();
                let delimiter = list.next().and_then(|token| token.string());
                while list.skip_value() {}
                list.next();
                let delimiter = delimiter.and_then(|delimiter| delimiter.first().copied());
                let spaces = if class == 0 { &mut namespace.further } else { &mut namespace.foreign };
                spaces.push(Space { prefix, delimiter });
            }
        }
        // Dovecot 2.3 tells the shortest prefix first, whatever it is for.
        let home = namespace.further.iter().position(|space| {
            space.prefix.is_empty() || space.prefix.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"INBOX"))
        });
        if !namespace.further.is_empty() {
            let home = namespace.further.remove(home.unwrap_or(0));
            (namespace.prefix, namespace.delimiter) = (home.prefix, home.delimiter);
        }
        namespace
    }

    /// Does the name belong to the account itself?
    #[must_use]
    pub fn is_personal(&self, name: &[u8]) -> bool {
        matches!(self.place(name), Place::Home | Place::Further(_))
    }

    /// Does it belong to the personal namespace in which the inbox is?
    #[must_use]
    pub fn is_home(&self, name: &[u8]) -> bool {
        self.place(name) == Place::Home
    }

    /// What separates the levels of this name.
    #[must_use]
    pub fn delimiter_of(&self, name: &[u8]) -> Option<u8> {
        match self.place(name) {
            Place::Further(space) => space.delimiter,
            _ => self.delimiter,
        }
    }

    /// Whatever separates levels in some namespace of the account.
    pub fn delimiters(&self) -> impl Iterator<Item = u8> {
        self.delimiter.into_iter().chain(self.further.iter().filter_map(|space| space.delimiter))
    }

    /// The longest prefix says whose a name is: personal and shared ones may lie within each other (`INBOX.`,
    /// `INBOX.shared.`).
    fn place(&self, name: &[u8]) -> Place<'_> {
        if name.eq_ignore_ascii_case(b"INBOX") {
            return Place::Home;
        }
        let home = self.inside(name).map(|_| (self.prefix.len(), Place::Home));
        // The root of another namespace is listed without the delimiter that ends its prefix.
        let holds = |space: &Space| self.after(name, &space.prefix).is_some() || self.is_same(name, space.root());
        let further = self.further.iter().filter(|space| holds(space));
        let further = further.map(|space| (space.prefix.len(), Place::Further(space)));
        let foreign = self.foreign.iter().filter(|space| holds(space));
        let foreign = foreign.map(|space| (space.prefix.len(), Place::Foreign(space)));
        let mut best = (0, Place::Beside);
        for (length, place) in home.into_iter().chain(further).chain(foreign) {
            // Of equal ones the first counts, which is the account's own.
            if best.1 == Place::Beside || length > best.0 {
                best = (length, place);
            }
        }
        best.1
    }

    /// The part of a name behind the prefix of the inbox's namespace.
    fn inside<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        self.after(name, &self.prefix)
    }

    fn after<'n>(&self, name: &'n [u8], prefix: &[u8]) -> Option<&'n [u8]> {
        let (start, rest) = name.split_at_checked(prefix.len())?;
        self.is_same(start, prefix).then_some(rest)
    }

    /// Case does not matter in the word INBOX at the beginning (RFC 3501 section 5.1), be it announced as `INBOX.` and
    /// listed as `Inbox.x`.
    fn is_same(&self, a: &[u8], b: &[u8]) -> bool {
        if self.any_case {
            return a.eq_ignore_ascii_case(b);
        }
        let start = |name: &[u8]| name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"INBOX"));
        match start(a) && start(b) {
            true => a.get(5..) == b.get(5..),
            false => a == b,
        }
    }

    /// The readable path of a name. A name that does not decode stays as it is, in one piece where it has empty parts.
    #[must_use]
    pub fn path(&self, name: &[u8]) -> Option<FolderPath> {
        if name.eq_ignore_ascii_case(b"INBOX") {
            return Some(FolderPath::inbox());
        }
        let (inside, delimiter) = match self.place(name) {
            Place::Further(space) => (name, space.delimiter),
            _ => {
                let inside = self.inside(name);
                // With the prefix `INBOX.`, `INBOX.INBOX` must not become the inbox.
                (inside.filter(|inside| !inside.eq_ignore_ascii_case(b"INBOX")).unwrap_or(name), self.delimiter)
            }
        };
        FolderPath::new(self.segments(inside, delimiter)).or_else(|| FolderPath::new([raw(name)]))
    }

    fn segments(&self, name: &[u8], delimiter: Option<u8>) -> Vec<String> {
        match delimiter {
            Some(delimiter) => name.split(|byte| *byte == delimiter).map(|it| self.readable(it)).collect(),
            None => vec![self.readable(name)],
        }
    }

    /// What the rules make of a path in the namespace of the inbox.
    fn in_home(&self, path: &FolderPath) -> WireName {
        if path.is_inbox() {
            return Bytes::from_static(b"INBOX");
        }
        let mut name = self.prefix.clone();
        self.write(&mut name, path.segments(), self.delimiter);
        Bytes::from(name)
    }

    /// And in the further one whose prefix the path begins with, if it lies below its root.
    fn in_further(&self, path: &FolderPath) -> Option<WireName> {
        let depth = |space: &Space| self.segments(space.root(), space.delimiter).len();
        let fits = |space: &&Space| !space.prefix.is_empty() && self.is_below_root(space, path);
        let space = self.further.iter().filter(fits).max_by_key(|space| depth(space))?;
        let mut name = space.prefix.clone();
        self.write(&mut name, path.segments().get(depth(space)..)?, space.delimiter);
        Some(Bytes::from(name))
    }

    fn is_below_root(&self, space: &Space, path: &FolderPath) -> bool {
        let root = FolderPath::new(self.segments(space.root(), space.delimiter));
        root.is_some_and(|root| path.is_below(&root))
    }

    /// Is it where a further namespace begins?
    fn is_root(&self, path: &FolderPath) -> bool {
        let root = |space: &Space| FolderPath::new(self.segments(space.root(), space.delimiter));
        self.further.iter().any(|space| root(space).as_ref() == Some(path))
    }

    fn write(&self, name: &mut Vec<u8>, segments: &[String], delimiter: Option<u8>) {
        for (at, segment) in segments.iter().enumerate() {
            if at > 0 {
                name.push(delimiter.unwrap_or(b'/'));
            }
            name.extend_from_slice(self.written(segment).as_bytes());
        }
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
    /// The values of `listed`.
    taken: HashSet<WireName>,
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
                self.taken.insert(name.clone());
                return Some(path);
            }
        }
        None
    }

    /// The wire name of a path: exactly what was listed, else what the rules make of it.
    ///
    /// INVARIANT: a name that was not listed is read back as the same path, belongs to the account, and is no other folder's.
    /// Else two folders would be merged, or one be made in another person's mailbox.
    ///
    /// # Errors
    /// `FolderRefused` where there is no such name.
    pub fn name(&self, path: &FolderPath) -> Result<WireName> {
        if let Some(name) = self.listed.get(path) {
            return Ok(name.clone());
        }
        let rules = self.namespace.in_home(path);
        let candidates = [self.below_parent(path), self.namespace.in_further(path), Some(rules.clone())];
        let found = candidates.into_iter().flatten().find(|name| {
            self.namespace.is_personal(name)
                && self.namespace.path(name).as_ref() == Some(path)
                && !self.taken.contains(name)
        });
        found.ok_or_else(|| self.refusal(path, &rules))
    }

    /// Below a listed parent the new name begins as the parent's does, however that is spelled. What comes directly below the root
    /// of a further namespace belongs there.
    fn below_parent(&self, path: &FolderPath) -> Option<WireName> {
        let parent = path.parent().filter(|parent| !self.namespace.is_root(parent))?;
        let parent = self.listed.get(&parent)?;
        let delimiter = self.namespace.delimiter_of(parent)?;
        Some([parent, &[delimiter][..], self.namespace.written(path.name()).as_bytes()].concat().into())
    }

    fn refusal(&self, path: &FolderPath, rules: &WireName) -> Error {
        let remedy = "rename the folder on the other side, or exclude it";
        let answer = match self.namespace.place(rules) {
            Place::Foreign(space) => format!(
                "names below \"{}\" belong to other users or to everybody there; {remedy}",
                raw(&space.prefix).escape_debug()
            ),
            _ => format!("that server would take this name for that of another folder; {remedy}"),
        };
        Error::new(Code::FolderRefused, Scope::Folder, Retry::WhenFixed).with("folder", path).with("answer", answer)
    }

    /// Forgets a folder and everything below it.
    pub fn forget(&mut self, path: &FolderPath) {
        let (validities, taken) = (&mut self.validities, &mut self.taken);
        self.listed.retain(|known, name| {
            let gone = known == path || known.is_below(path);
            if gone {
                validities.remove(name);
                taken.remove(name);
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
    use proptest::prelude::*;

    fn path(segments: &[&str]) -> FolderPath {
        FolderPath::new(segments.iter().copied()).unwrap()
    }

    fn parsed(told: &'static str) -> Namespace {
        Namespace::parse(Tokens::new(told.as_bytes()))
    }

    /// An account whose server lists these names.
    fn listed(told: &'static str, names: &[&'static str]) -> (Names, Vec<FolderPath>) {
        let mut account = Names::new(parsed(told));
        let paths = names.iter().map(|name| account.take_up(&Bytes::from_static(name.as_bytes())).unwrap()).collect();
        (account, paths)
    }

    fn answer(refused: Result<WireName>) -> String {
        let refused = refused.unwrap_err();
        assert_eq!((refused.code(), refused.scope()), (Code::FolderRefused, Scope::Folder));
        refused.arg("answer").unwrap().to_owned()
    }

    #[test]
    fn what_is_below_the_inbox_is_not_merged_with_what_is_beside_it() {
        let (names, _) = listed("((\"INBOX.\" \".\")) NIL NIL", &["INBOX", "INBOX.Projects"]);
        for (segments, name) in [
            (&["Projects"][..], "INBOX.Projects"),
            (&["INBOX", "Projects"], "INBOX.INBOX.Projects"),
            (&["INBOX", "INBOX", "Projects"], "INBOX.INBOX.INBOX.Projects"),
            (&["Projects", "x"], "INBOX.Projects.x"),
            (&["INBOX"], "INBOX"),
        ] {
            assert_eq!(names.name(&path(segments)).unwrap(), name);
        }
    }

    #[test]
    fn the_folders_of_every_personal_namespace_are_the_account_s() {
        let told = "((\"INBOX.\" \".\") (\"Archive.\" \".\") (\"#mh/\" \"/\")) NIL ((\"\" \".\"))";
        let listing = ["INBOX", "INBOX.Archive.2019", "Archive", "Archive.2020", "#mh/a.b"];
        let (names, paths) = listed(told, &listing);
        let expected = [&["INBOX"][..], &["Archive", "2019"], &["Archive"], &["Archive", "2020"], &["#mh", "a.b"]];
        assert_eq!(paths, expected.map(path));
        assert!(listing.iter().all(|name| names.namespace.is_personal(name.as_bytes())));
        let last = parsed("((\"Old.\" \".\") (\"#mh/\" \"/\") (\"inbox.\" \".\")) NIL NIL");
        assert_eq!((&last.prefix[..], last.further.len()), (&b"inbox."[..], 2));
        assert!(!names.namespace.is_personal(b"Archives") && !names.namespace.is_personal(b"Other.x"));
        for (segments, name) in [
            (&["Archive", "2021"][..], "Archive.2021"),
            (&["Archive", "2019", "May"], "INBOX.Archive.2019.May"),
            (&["#mh", "x", "y"], "#mh/x/y"),
            (&["x", "y"], "INBOX.x.y"),
        ] {
            assert_eq!(names.name(&path(segments)).unwrap(), name);
        }
    }

    #[test]
    fn folders_of_two_namespaces_that_read_alike_are_not_merged() {
        let told = "((\"INBOX.\" \".\") (\"Archive.\" \".\")) NIL NIL";
        let (mut names, paths) = listed(told, &["INBOX.Archive.2020", "Archive.2020"]);
        assert_eq!(paths, [path(&["Archive", "2020"]), path(&["Archive.2020"])]);
        assert_eq!(names.name(&paths[0]).unwrap(), "INBOX.Archive.2020");
        assert_eq!(names.name(&paths[1]).unwrap(), "Archive.2020");
        // Once the one is removed, its path does not lead to the other.
        names.forget(&paths[0]);
        assert_eq!(names.name(&paths[0]).unwrap(), "INBOX.Archive.2020");
    }

    #[test]
    fn what_belongs_to_others_has_no_name() {
        let told = "((\"\" \"/\") (\"Archive/\" \"/\")) ((\"shared/\" \"/\")) ((\"Public/\" \"/\"))";
        let (names, _) = listed(told, &["INBOX", "Archive"]);
        for segments in [&["Public"][..], &["Public", "Secret"], &["shared", "anna", "INBOX"], &["shared"]] {
            assert!(answer(names.name(&path(segments))).contains("exclude it"));
        }
        assert!(answer(names.name(&path(&["Public", "x"]))).contains("\"Public/\""));
        for segments in [&["public"][..], &["Publicity", "x"], &["x", "Public"], &["Archive", "2021"]] {
            assert_eq!(names.name(&path(segments)).unwrap(), segments.join("/"));
        }
        let any_case = Names::new(Namespace { any_case: true, ..names.namespace });
        answer(any_case.name(&path(&["public", "x"])));
        // A shared namespace may lie within the personal one.
        let (names, _) = listed("((\"INBOX.\" \".\")) NIL ((\"INBOX.shared.\" \".\"))", &["INBOX"]);
        assert!(!names.namespace.is_personal(b"INBOX.shared.x") && !names.namespace.is_personal(b"INBOX.shared"));
        answer(names.name(&path(&["shared", "x"])));
    }

    #[test]
    fn the_inbox_in_a_prefix_is_known_however_it_is_spelled() {
        let namespace = parsed("((\"INBOX.\" \".\")) NIL ((\"mail.\" \".\"))");
        for name in ["Inbox.x", "inbox.x", "INBOX.x"] {
            assert!(namespace.is_personal(name.as_bytes()));
            assert_eq!(namespace.path(name.as_bytes()).unwrap(), path(&["x"]));
        }
        assert!(!namespace.is_personal(b"mail.x") && !namespace.is_personal(b"Mail.x"));
    }

    #[test]
    fn a_path_of_which_the_server_would_make_another_one_has_no_name() {
        let (flat, _) = listed("((\"\" NIL)) NIL NIL", &["INBOX"]);
        answer(flat.name(&path(&["a", "b"])));
        let (odd, paths) = listed("((\"\" \"/\")) NIL NIL", &["INBOX", "x//y"]);
        answer(odd.name(&paths[1].child("z")));
        answer(odd.name(&path(&["a/b"])));
    }

    const NAMESPACES: [&str; 12] = [
        "((\"\" \"/\")) NIL NIL",
        "((\"\" NIL)) NIL NIL",
        "((\"INBOX.\" \".\")) NIL NIL",
        "((\"INBOX/\" \"/\")) ((\"user/\" \"/\")) ((\"\" \"/\"))",
        "((\"mail/\" \"/\")) NIL NIL",
        "((\"INBOX.\" \".\") (\"a.\" \".\")) NIL ((\"b.\" \".\"))",
        "((\"INBOX.\" \".\") (\"\" \".\")) ((\"a.\" \".\")) NIL",
        "((\"\" \"/\") (\"INBOX.\" \".\")) NIL NIL",
        "((\"a.\" \".\") (\"INBOX.\" \".\")) NIL NIL",
        "((\"\" \"/\") (\"a/\" \"/\")) ((\"b/\" \"/\")) ((\"INBOX/a/\" \"/\"))",
        "((\"\" \".\") (\"a/b/\" \"/\") (\"#mh\" NIL)) ((\"~\" \"/\")) NIL",
        "((\"INBOX.\" \".\")) NIL ((\"INBOX.a.\" \".\"))",
    ];

    fn part() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "INBOX", "Inbox", "a", "b", "A", "a/b", "a.b", "mail", "#mh", "~", "user", "&", "&-", "a&", "Я",
        ])
    }

    proptest! {
        #[test]
        fn no_two_paths_have_one_name_whatever_is_listed(
            told in prop::sample::select(&NAMESPACES[..]),
            utf8: bool,
            any_case: bool,
            listing in prop::collection::vec((prop::collection::vec(part(), 1..4), "[./]", ".?"), 0..8),
            paths in prop::collection::vec(prop::collection::vec(part(), 1..4), 1..8),
        ) {
            let mut names = Names::new(Namespace { utf8, any_case, ..parsed(told) });
            let mut known = HashMap::new();
            for (parts, delimiter, more) in listing {
                let name = Bytes::from(parts.join(&delimiter) + &more);
                if names.namespace.is_personal(&name) && let Some(path) = names.take_up(&name) {
                    known.insert(path, name);
                }
            }
            let mut owners: HashMap<WireName, FolderPath> = HashMap::new();
            let paths = paths.into_iter().filter_map(FolderPath::new);
            let children: Vec<FolderPath> = known.keys().map(|path| path.child("c")).collect();
            for path in known.keys().cloned().chain(paths).chain(children) {
                let Ok(name) = names.name(&path) else { continue };
                prop_assert!(names.namespace.is_personal(&name), "{:?} {:?}", path, name);
                match known.get(&path) {
                    Some(listed) => prop_assert_eq!(&name, listed),
                    None => prop_assert_eq!(names.clone().take_up(&name), Some(path.clone()), "{:?}", name),
                }
                let owner = owners.entry(name).or_insert_with(|| path.clone());
                prop_assert_eq!(owner, &path);
            }
        }
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
            assert_eq!(Names::new(namespace.clone()).name(&path(segments)).unwrap(), name);
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
            assert_eq!(names.name(&path).unwrap(), name);
            assert!(!paths.contains(&path));
            paths.push(path);
        }
        assert_eq!(names.name(&path(&["INBOX", "b", "c"])).unwrap(), "Inbox/b/c");
        assert_eq!(names.take_up(&Bytes::from_static(b"x//y")), Some(path(&["x//y"])));
    }

    #[test]
    fn utf8_names_are_taken_as_they_are() {
        let utf8 = Namespace { delimiter: Some(b'/'), utf8: true, ..Namespace::default() };
        for name in ["R&-D/Входящие", "a&b"] {
            assert_eq!(Names::new(utf8.clone()).name(&utf8.path(name.as_bytes()).unwrap()).unwrap(), name);
        }
        assert_eq!(utf8.path("R&-D/В".as_bytes()).unwrap(), path(&["R&-D", "В"]));
    }

    #[test]
    fn a_server_without_hierarchy_has_flat_names() {
        let flat = Namespace::parse(Tokens::new(b"((\"\" NIL)) NIL NIL"));
        assert_eq!(flat.path(b"a/b").unwrap(), path(&["a/b"]));
        assert_eq!(Names::new(flat).name(&path(&["a/b"])).unwrap(), "a/b");
    }
}
