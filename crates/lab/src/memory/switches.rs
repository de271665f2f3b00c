//! How a memory server behaves: what it can, what it refuses, and how it lies.

use bytes::Bytes;
use parom_domain::endpoint::{Abilities, Holds};
use parom_domain::{FolderPath, Marks, UidSet};
use std::collections::{BTreeMap, BTreeSet};

/// When the messages of one batch become visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchLanding {
    /// All in one step, as RFC 3502 wants it.
    Atomic,
    /// One step for each message, so that a crash may leave the first ones behind.
    OneByOne,
}

/// What a refused batch leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBatch {
    Nothing,
    /// The messages before the first bad one, although the server said NO.
    TheOnesBefore,
    /// All but the bad ones, although the server said NO.
    TheGoodOnes,
}

/// How messages are missing from a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// The numbers do not add up, so an honest adapter notices and reports `ListingIncomplete`.
    Noticed,
    /// The server lies consistently: EXISTS is short too.
    Unnoticed,
}

/// What goes wrong when a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// The answer is complete and OK, the message is just not in it.
    Missing,
    /// The server refuses the whole request.
    Refused,
    /// It refuses to tell the headers too.
    RefusedWithHeaders,
    /// The connection breaks there.
    BreaksConnection,
    /// The server says BYE, also where only the headers are asked for (Dovecot, where the file is damaged).
    SendsAway,
}

/// What becomes of the bytes of a message that is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewriting {
    Nothing,
    /// A message that does not end with a line end gets one (Courier 5.0, Dovecot's mbox).
    LastLineEnd,
    /// Lines end with LF alone (pymap's Maildir).
    LineEnds,
}

impl Rewriting {
    #[must_use]
    pub fn of(self, bytes: Bytes) -> Bytes {
        match self {
            Rewriting::LastLineEnd if !bytes.ends_with(b"\r\n") => [&bytes[..], b"\r\n"].concat().into(),
            Rewriting::LineEnds => {
                let mut kept = bytes.to_vec();
                kept.retain(|byte| *byte != b'\r');
                kept.into()
            }
            Rewriting::Nothing | Rewriting::LastLineEnd => bytes,
        }
    }
}

/// Change them at any time through `MemoryServer::switch`. Messages are chosen by a text that their bytes contain.
#[derive(Clone, Debug)]
pub struct Switches {
    /// What the endpoint says of itself; the server behaves accordingly.
    pub abilities: Abilities,
    /// The server has mod-sequences (CONDSTORE).
    pub counts_changes: bool,
    /// The listing of folders tells where each folder stands.
    pub lists_status: bool,
    pub has_mailbox_ids: bool,
    /// As Cyrus 3.6: folders made in the same second (here: all) have the same UIDVALIDITY, ids are told only where a folder
    /// is opened, and a rename counts as a change of the folder.
    pub is_like_cyrus: bool,
    /// The marks that folders keep; others are dropped in silence.
    pub holds: Holds,
    /// Folders that keep others.
    pub holds_in: BTreeMap<FolderPath, Holds>,
    /// So many different keywords fit into one folder.
    pub keyword_limit: Option<usize>,
    /// A message that is appended arrives without its marks, though the folder keeps them (GNU imap4d 3.15).
    pub appends_bare: bool,
    pub rewriting: Rewriting,
    /// Keywords at which the server says no, to the message that bears one and to the command that sets one.
    pub refuses_keywords: Vec<String>,
    /// MOVE in one step; otherwise copy and expunge are two.
    pub moves_atomically: bool,
    /// Messages are expunged as IMAP does it: marked as deleted, searched for that mark, and then removed, in three steps.
    pub marks_before_expunge: bool,
    /// Without it the account may mark as deleted and not expunge: the server says OK, does nothing, and refuses to move.
    pub may_expunge: bool,
    pub rename_keeps_validity: bool,
    /// No folder is renamed to a name below which others stand.
    pub refuses_names_above: bool,
    /// Removing a folder removes what is below it.
    pub remove_takes_children: bool,
    /// Names of one segment may have so many characters.
    pub name_limit: Option<usize>,
    /// Bodies of at least so many bytes are streamed.
    pub big_from: u64,
    pub batch_landing: BatchLanding,
    pub refused_batch: RefusedBatch,
    /// Batches are answered when nothing more has been sent for a while, so that many are under way.
    pub slow_answers: bool,
    /// A batch whose connection breaks before it landed lands when the test calls `release_late`.
    pub late_commit: bool,
    /// All bodies of the mailbox together.
    pub quota_bytes: Option<u64>,
    /// Folders whose own quota is used up.
    pub no_room_in: BTreeSet<FolderPath>,
    /// Folders into which the account may not move anything.
    pub takes_no_moves: BTreeSet<FolderPath>,
    /// Messages that this server takes from nobody.
    pub refuses: Vec<String>,
    /// Big messages that are longer are refused as soon as their length is told, before their bytes are taken: a server
    /// that wants to be asked for each literal does so. It does not say so in advance.
    pub hidden_limit: Option<u64>,
    pub read_faults: Vec<(String, ReadFault)>,
    /// So many connections for bodies break before anything is asked of them.
    pub readers_lost: u32,
    /// Sizes are told with headers only.
    pub hides_sizes: bool,
    /// Names that the server gives to no folder.
    pub refuses_names: BTreeSet<FolderPath>,
    /// Names that the server writes otherwise, without a word.
    pub writes_otherwise: BTreeMap<FolderPath, FolderPath>,
    /// Folders that are listed and cannot be opened.
    pub cannot_open: BTreeSet<FolderPath>,
    /// Folders that are there and not listed.
    pub unlisted: BTreeSet<FolderPath>,
    /// They can be opened: it is the right to look them up that is lacking.
    pub unlisted_opens: bool,
    /// UIDs that are there and not listed.
    pub omits: BTreeMap<FolderPath, (UidSet, Omission)>,
    /// VANISHED names every UID that is not there, as Dovecot does once its log was rotated.
    pub vanished_overtells: bool,
}

impl Default for Switches {
    /// A modern server: everything on, nothing refused.
    fn default() -> Self {
        Switches {
            abilities: Abilities {
                tells_vanished: true,
                moves_in_one_step: true,
                tells_new_uids: true,
                keeps_bytes: true,
                lists_every_folder: true,
                case_sensitive: true,
                forbidden_in_names: vec!['/'],
                batch_items: 64,
                batch_bytes: 4 << 20,
                batches_under_way: 8,
                append_limit: None,
                renames_roles: false,
                sends_receipts: false,
                shallow_flags: false,
                recovery_grace_ms: 0,
                index_lag_ms: 0,
                round_trip_ms: 0,
            },
            counts_changes: true,
            lists_status: true,
            has_mailbox_ids: false,
            is_like_cyrus: false,
            holds: Holds { marks: Marks::from_system(31), any_keyword: true },
            holds_in: BTreeMap::new(),
            keyword_limit: None,
            appends_bare: false,
            rewriting: Rewriting::Nothing,
            refuses_keywords: Vec::new(),
            moves_atomically: true,
            marks_before_expunge: false,
            may_expunge: true,
            rename_keeps_validity: true,
            refuses_names_above: false,
            remove_takes_children: false,
            name_limit: None,
            big_from: 1 << 20,
            batch_landing: BatchLanding::Atomic,
            refused_batch: RefusedBatch::Nothing,
            slow_answers: false,
            late_commit: false,
            quota_bytes: None,
            no_room_in: BTreeSet::new(),
            takes_no_moves: BTreeSet::new(),
            refuses: Vec::new(),
            hidden_limit: None,
            read_faults: Vec::new(),
            readers_lost: 0,
            hides_sizes: false,
            refuses_names: BTreeSet::new(),
            writes_otherwise: BTreeMap::new(),
            cannot_open: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            unlisted_opens: false,
            omits: BTreeMap::new(),
            vanished_overtells: false,
        }
    }
}

impl Switches {
    /// A plain IMAP4rev1 server without any extension.
    #[must_use]
    pub fn plain() -> Switches {
        let mut switches = Switches::default();
        switches.abilities.tells_vanished = false;
        switches.abilities.tells_new_uids = false;
        switches.abilities.batch_items = 1;
        switches.counts_changes = false;
        switches.lists_status = false;
        switches.moves_atomically = false;
        switches
    }

    /// Those of the marks at which the server says no.
    pub(super) fn refused_keywords(&self, marks: &Marks) -> Marks {
        marks.intersection(&Marks::from_names(self.refuses_keywords.iter().map(String::as_str)))
    }

    pub(super) fn is_refused(&self, bytes: &[u8]) -> bool {
        self.refuses.iter().any(|text| contains(bytes, text.as_bytes()))
    }

    pub(super) fn read_fault(&self, bytes: &[u8]) -> Option<ReadFault> {
        self.read_faults.iter().find(|(text, _)| contains(bytes, text.as_bytes())).map(|(_, fault)| *fault)
    }
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}
