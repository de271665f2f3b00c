//! What is remembered of an account, and the changes of it that the store commits as one.

use crate::endpoint::Cursor;
use crate::link::Link;
use crate::{Both, Error, Fingerprint, FolderPath, Role, Side, Uid};

/// An account's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub i64);

/// A folder pair's own number: names are attributes and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FolderId(pub u32);

/// The right to write an account's state: `epoch` grows with every taking, and each write is checked against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub account: AccountId,
    pub epoch: i64,
}

/// A folder on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPair {
    pub id: FolderId,
    /// `None` on a side where it has not been made yet.
    pub paths: Both<Option<FolderPath>>,
    pub role: Option<Role>,
    /// Up to where each side has been seen and settled.
    pub cursors: Both<Option<Cursor>>,
    pub mailbox_ids: Both<Option<String>>,
    /// The subscription both sides last agreed on.
    pub subscribed: bool,
    /// When a complete listing first lacked the folder, milliseconds since 1970.
    pub missing_since_ms: Both<Option<u64>>,
    /// The server says that there are folders below, and shows none of them.
    pub hides: Both<bool>,
}

/// An operation written down before it is tried, because repeating it blindly could do harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Unique within the account, ascending.
    pub id: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Messages on their way into `folder` on side `into`.
    Append { folder: FolderId, into: Side, validity: u32, floor: Uid, items: Vec<Appending> },
    /// Messages on their way from one folder to another on one side.
    Move {
        side: Side,
        from: FolderId,
        to: FolderId,
        from_validity: u32,
        to_validity: u32,
        floor: Uid,
        items: Vec<Moving>,
    },
    /// A folder operation on one side.
    Folder { side: Side, op: FolderOp },
}

/// One message of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appending {
    /// Its UID on the side it comes from.
    pub origin: Uid,
    pub fingerprint: Fingerprint,
    /// Its exact length in bytes.
    pub len: u64,
    /// The first 8 bytes of its BLAKE3 hash; 0 while unknown (big messages before they have passed).
    pub content: u64,
    /// The marks it was sent with.
    pub marks: crate::Marks,
}

/// One message of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moving {
    pub uid: Uid,
    /// The UID on the other side in the destination folder, where the person moved it; `None` for a message that goes
    /// into this side's trash because it was deleted over there.
    pub other: Option<Uid>,
    pub short: u64,
    pub size: u32,
    pub marks: crate::Marks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderOp {
    Create {
        path: FolderPath,
    },
    /// A goal is what the pass wants in the end; other renames are the steps on the way (a swap goes through a spare name).
    Rename {
        folder: FolderId,
        from: FolderPath,
        to: FolderPath,
        goal: bool,
    },
    Remove {
        path: FolderPath,
    },
}

/// A message that cannot be carried as it is. It counts as accounted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub folder: FolderId,
    /// The side on which it is.
    pub side: Side,
    pub uid: Uid,
    /// The error's code and arguments, for the sentence that tells cause and remedy.
    pub code: String,
    pub args: Vec<(String, String)>,
    pub since_ms: u64,
}

impl Parked {
    #[must_use]
    pub fn new(folder: FolderId, side: Side, uid: Uid, error: &Error, now_ms: u64) -> Parked {
        Parked {
            folder,
            side,
            uid,
            code: error.code().as_str().to_owned(),
            args: error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            since_ms: now_ms,
        }
    }
}

/// A linked message that one complete listing lacked. It is believed gone only when another, a grace later, agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspected {
    pub folder: FolderId,
    pub side: Side,
    pub uid: Uid,
    pub since_ms: u64,
}

/// A brake that holds the account, until the cause is gone or a person releases it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Unique within the account: the brake's name and the folder, if any.
    pub key: String,
    pub brake: String,
    pub args: Vec<(String, String)>,
    /// When it tripped, or was released.
    pub since_ms: u64,
    pub released: bool,
}

/// A short account of the last pass, for `parom status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassSummary {
    pub at_ms: u64,
    /// When a pass last left both sides in step. `None` leaves what is stored.
    pub last_ok_ms: Option<u64>,
    /// Messages that are parked.
    pub parked: u64,
    /// Bodies that the pass carried.
    pub carried: u64,
    pub folders: u32,
    /// Code and arguments of what stopped it.
    pub error: Option<(String, Vec<(String, String)>)>,
}

impl PassSummary {
    /// Did the pass leave both sides in step?
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none() && self.last_ok_ms == Some(self.at_ms)
    }
}

/// Everything of an account but its links, which are loaded folder by folder when something changed there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    pub folders: Vec<FolderPair>,
    pub intents: Vec<Intent>,
    pub parked: Vec<Parked>,
    pub suspected: Vec<Suspected>,
    pub held: Vec<Held>,
    /// Messages that were given up after a crash and sent again, for a day: a twin that the server commits late is
    /// recognised by them.
    pub recent: Vec<Recent>,
    /// Messages that a folder with new UIDs lost, until a pass could look for them everywhere.
    pub strays: Vec<Strays>,
    /// Deletions that nothing can undo, for a day: the volume brake counts them.
    pub deleted: Vec<Deleted>,
}

impl AccountState {
    /// How many messages were deleted irreversibly at that moment or later.
    #[must_use]
    pub fn deleted_since(&self, since_ms: u64) -> u32 {
        let counted = self.deleted.iter().filter(|deleted| deleted.at_ms >= since_ms);
        counted.fold(0, |sum, deleted| sum.saturating_add(deleted.messages))
    }
}

/// So many messages were deleted at one moment, and nothing can undo it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    pub at_ms: u64,
    pub messages: u32,
}

/// A message that was announced, not found after the grace, and sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    pub folder: FolderId,
    pub into: Side,
    pub fingerprint: Fingerprint,
    pub len: u64,
    pub content: u64,
    pub uid: Option<Uid>,
    pub at_ms: u64,
}

/// What was linked in a folder before its messages got new UIDs on this side, and was not found again there. Each may have
/// been moved elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strays {
    pub folder: FolderId,
    pub side: Side,
    pub at_ms: u64,
    /// [`Fingerprint::short`] and size, as links know them.
    pub looks: Vec<(u64, u32)>,
}

/// One change of an account's state. The store commits a list of them as one, durably, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    PutFolder(FolderPair),
    /// Forgets the pair with its links, parked and suspected items.
    DropFolder(FolderId),
    /// Replaces one chunk of links; an empty list deletes it.
    PutLinks {
        folder: FolderId,
        chunk: u32,
        links: Vec<Option<Link>>,
    },
    SetCursor {
        folder: FolderId,
        side: Side,
        cursor: Option<Cursor>,
    },
    OpenIntent(Intent),
    CloseIntent(u64),
    Park(Parked),
    Unpark {
        folder: FolderId,
        side: Side,
        uid: Uid,
    },
    Suspect(Suspected),
    Unsuspect {
        folder: FolderId,
        side: Side,
        uid: Uid,
    },
    Remember(Vec<Recent>),
    /// Forgets what was remembered before that moment.
    ForgetRecent {
        before_ms: u64,
    },
    /// Replaces the strays of that folder and side.
    PutStrays(Strays),
    /// Forgets all strays.
    ForgetStrays,
    /// Adds to what was deleted at that moment.
    CountDeleted(Deleted),
    /// Forgets what was deleted before that moment.
    ForgetDeleted {
        before_ms: u64,
    },
    Hold(Held),
    Unhold {
        key: String,
    },
    Summary(PassSummary),
}
