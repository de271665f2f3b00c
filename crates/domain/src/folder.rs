//! Folders as both sides name them: a path of readable segments, whatever the server's delimiter and encoding.

use crate::endpoint::Cursor;
use std::fmt;

/// A folder's place in the account's own (personal) name space: decoded segments, root first, never empty.
/// The inbox is always `["INBOX"]`, however the server spells it (RFC 3501 section 5.1: case does not matter there).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FolderPath(Vec<String>);

impl FolderPath {
    /// `None` when there is no segment or one is empty.
    pub fn new(segments: impl IntoIterator<Item = impl Into<String>>) -> Option<FolderPath> {
        let mut segments: Vec<String> = segments.into_iter().map(Into::into).collect();
        if segments.is_empty() || segments.iter().any(String::is_empty) {
            return None;
        }
        if let Some(first) = segments.first_mut()
            && first.eq_ignore_ascii_case("INBOX")
        {
            *first = "INBOX".to_owned();
        }
        Some(FolderPath(segments))
    }

    #[must_use]
    pub fn inbox() -> FolderPath {
        FolderPath(vec!["INBOX".to_owned()])
    }

    #[must_use]
    pub fn is_inbox(&self) -> bool {
        matches!(self.0.as_slice(), [one] if one == "INBOX")
    }

    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    #[must_use]
    pub fn parent(&self) -> Option<FolderPath> {
        let (_, above) = self.0.split_last()?;
        (!above.is_empty()).then(|| FolderPath(above.to_vec()))
    }

    #[must_use]
    pub fn child(&self, name: impl Into<String>) -> FolderPath {
        let mut segments = self.0.clone();
        segments.push(name.into());
        FolderPath(segments)
    }

    /// Is `self` below `above` (at any depth, not itself)?
    #[must_use]
    pub fn is_below(&self, above: &FolderPath) -> bool {
        self.0.len() > above.0.len() && self.0.starts_with(&above.0)
    }

    /// The same place after `from` has become `to`; unchanged when it is neither `from` nor below it.
    #[must_use]
    pub fn rebased(&self, from: &FolderPath, to: &FolderPath) -> FolderPath {
        match self.0.strip_prefix(from.0.as_slice()) {
            Some(rest) => FolderPath(to.0.iter().chain(rest).cloned().collect()),
            None => self.clone(),
        }
    }
}

/// For people: segments joined by ` / ` would hide slashes in names, so a slash inside a segment is doubled.
impl fmt::Display for FolderPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            f.write_str(&segment.replace('/', "//"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for FolderPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// What a folder is for (RFC 6154, RFC 8457, and Exchange's own kinds, which no migration carries).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Inbox,
    Sent,
    Drafts,
    Trash,
    Junk,
    Archive,
    Outbox,
    Contacts,
    Calendar,
    Tasks,
    Journal,
    Notes,
    SyncIssues,
    Rss,
    /// A view of other folders (`\All`, `\Flagged`): its messages live elsewhere.
    Virtual,
}

impl Role {
    pub const NAMED: [(Role, &'static str); 14] = [
        (Role::Inbox, "inbox"),
        (Role::Sent, "sent"),
        (Role::Drafts, "drafts"),
        (Role::Trash, "trash"),
        (Role::Junk, "junk"),
        (Role::Archive, "archive"),
        (Role::Outbox, "outbox"),
        (Role::Contacts, "contacts"),
        (Role::Calendar, "calendar"),
        (Role::Tasks, "tasks"),
        (Role::Journal, "journal"),
        (Role::Notes, "notes"),
        (Role::SyncIssues, "sync-issues"),
        (Role::Rss, "rss"),
    ];

    /// The word in configuration and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMED.iter().find(|(role, _)| *role == self).map_or("virtual", |(_, name)| name)
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Role> {
        Self::NAMED.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }
}

/// One folder as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderSeen {
    pub path: FolderPath,
    pub role: Option<Role>,
    /// It may be opened (neither `\Noselect` nor `\NonExistent`).
    pub selectable: bool,
    /// It may have children (no `\Noinferiors`).
    pub may_have_children: bool,
    /// It has children, and the listing shows none of them: there are folders that cannot be carried.
    pub hides_children: bool,
    pub subscribed: bool,
    /// It can be subscribed to.
    pub subscribable: bool,
    /// Where the folder stands, when the server tells it along with the listing (LIST-STATUS, RFC 5819).
    pub status: Option<Cursor>,
    /// The folder's permanent id, where the server has one (OBJECTID, RFC 8474).
    pub mailbox_id: Option<String>,
}
