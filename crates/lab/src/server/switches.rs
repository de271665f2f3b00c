//! What the server offers, refuses and gets wrong. Everything may be changed while it runs.

use parom_domain::FolderPath;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Extensions that can be turned off one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    pub literal_plus: bool,
    pub sasl_ir: bool,
    pub enable: bool,
    pub id: bool,
    pub idle: bool,
    pub namespace: bool,
    pub uidplus: bool,
    pub r#move: bool,
    pub multiappend: bool,
    pub condstore: bool,
    /// Needs `condstore` and `enable`.
    pub qresync: bool,
    pub esearch: bool,
    pub unselect: bool,
    pub list_extended: bool,
    /// Needs `list_extended`.
    pub list_status: bool,
    pub special_use: bool,
    pub object_id: bool,
    pub utf8: bool,
}

impl Extensions {
    pub const ALL: Extensions = Extensions::every(true);
    pub const NONE: Extensions = Extensions::every(false);

    const fn every(on: bool) -> Extensions {
        Extensions {
            literal_plus: on,
            sasl_ir: on,
            enable: on,
            id: on,
            idle: on,
            namespace: on,
            uidplus: on,
            r#move: on,
            multiappend: on,
            condstore: on,
            qresync: on,
            esearch: on,
            unselect: on,
            list_extended: on,
            list_status: on,
            special_use: on,
            object_id: on,
            utf8: on,
        }
    }
}

/// UIDs that are there and not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    pub uids: BTreeSet<u32>,
    /// EXISTS is short by them too, so that nothing gives the server away. Takes effect at the next SELECT.
    pub consistently: bool,
}

/// When an appended message appears in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexLag {
    None,
    For(Duration),
    /// When the test calls `release_index`.
    UntilReleased,
}

/// An answer that the next command of a kind gets instead of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripted {
    /// In capitals, as in `APPEND` or `UID FETCH`.
    pub command: String,
    pub reaction: Reaction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// `NO` with this text; nothing is done.
    No(String),
    /// `BAD` with this text; nothing is done.
    Bad(String),
    /// `* BYE` with this text, and the end.
    Bye(String),
    /// The connection ends before anything is done.
    Disconnect,
    /// The connection ends after it was done, without an answer.
    DisconnectAfter,
    /// It is done, and the answer is `NO` all the same.
    NoAfter(String),
}

/// Messages are chosen by a text in their subject.
#[derive(Clone, Debug)]
pub struct Switches {
    pub extensions: Extensions,
    /// The largest message taken; told as APPENDLIMIT if `tells_append_limit`.
    pub append_limit: Option<u64>,
    pub tells_append_limit: bool,
    /// All bodies of one mailbox together.
    pub quota_bytes: Option<u64>,
    /// PERMANENTFLAGS has `\*`. Otherwise only system flags and those of `keywords` are kept.
    pub any_keyword: bool,
    pub keywords: Vec<String>,
    /// Connections that one user may have.
    pub max_connections: Option<usize>,
    /// Appending such a message is refused.
    pub refuses: Vec<String>,
    /// Fetching the body of such a message breaks the connection in the middle of it.
    pub poison: Vec<String>,
    /// Fetching the body of such a message gives no answer for it, and OK.
    pub unfetchable: Vec<String>,
    /// Such a message has `00-Jan-0000` for its INTERNALDATE.
    pub bad_dates: Vec<String>,
    /// Such a message is announced by so many bytes more (or fewer) than follow.
    pub lying_literals: Vec<(String, i64)>,
    /// Listed, and NO to SELECT and EXAMINE.
    pub cannot_select: BTreeSet<FolderPath>,
    /// A connection neither renames nor deletes the mailbox that it has open (Courier 5.0).
    pub keeps_what_is_open: bool,
    /// A set of UIDs whose last one is no more is `BAD` (GNU imap4d 3.15).
    pub gone_is_bad: bool,
    /// There, and not listed.
    pub unlisted: BTreeSet<FolderPath>,
    pub omitted: BTreeMap<FolderPath, Omitted>,
    pub index_lag: IndexLag,
    /// Answers for the commands to come, used up one by one.
    pub script: VecDeque<Scripted>,
}

impl Default for Switches {
    fn default() -> Self {
        Switches {
            extensions: Extensions::ALL,
            append_limit: None,
            tells_append_limit: true,
            quota_bytes: None,
            any_keyword: true,
            keywords: Vec::new(),
            max_connections: None,
            refuses: Vec::new(),
            poison: Vec::new(),
            unfetchable: Vec::new(),
            bad_dates: Vec::new(),
            lying_literals: Vec::new(),
            cannot_select: BTreeSet::new(),
            keeps_what_is_open: false,
            gone_is_bad: false,
            unlisted: BTreeSet::new(),
            omitted: BTreeMap::new(),
            index_lag: IndexLag::None,
            script: VecDeque::new(),
        }
    }
}

impl Switches {
    /// The answer scripted for this command, which is then used up.
    pub(super) fn scripted(&mut self, command: &str) -> Option<Reaction> {
        let at = self.script.iter().position(|next| next.command == command)?;
        self.script.remove(at).map(|next| next.reaction)
    }
}
