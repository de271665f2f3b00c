//! The ports: what the engine needs of a side, and what it offers to whoever watches it work.
//!
//! An [`Endpoint`] is one account on one side for the length of one pass. It may hold several connections; the engine
//! never asks for more parallel work than the lanes it was given. All calls may be repeated without harm.

use crate::date::InternalDate;
use crate::{Error, Fingerprint, FolderPath, FolderSeen, Marks, Result, Role, Uid, UidSet};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// Where a folder stood at one moment. Two equal cursors mean that nothing happened in between, if `modseq` is not 0;
/// without it flags may have changed unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// UIDVALIDITY: when it changes, every UID means something else.
    pub validity: u32,
    /// UIDNEXT; 0 if the server does not tell.
    pub uidnext: u32,
    /// HIGHESTMODSEQ (RFC 7162); 0 if the server or the folder has none.
    pub modseq: u64,
    /// EXISTS.
    pub exists: u32,
}

impl Cursor {
    /// Says which folder the links are of, and that everything in it has to be listed.
    #[must_use]
    pub const fn covering_nothing(validity: u32) -> Cursor {
        Cursor { validity, uidnext: 0, modseq: 0, exists: 0 }
    }
}

/// What a side can do. Known after the first call that connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// The server tells what vanished since a cursor (QRESYNC), so a deletion is evident in one look.
    pub tells_vanished: bool,
    /// Messages move in one step (MOVE, RFC 6851). Elsewhere a crash may leave both the copy and the original.
    pub moves_in_one_step: bool,
    /// New messages come back with their UID (UIDPLUS).
    pub tells_new_uids: bool,
    /// Sizes and bytes are what was stored (false: Exchange, which renders each message anew).
    pub keeps_bytes: bool,
    /// Names differ by case only on such a server: false means that `a` and `A` are one folder.
    pub case_sensitive: bool,
    /// Every folder is listed, whatever its name (false: Exchange, which leaves out names with a slash).
    pub lists_every_folder: bool,
    /// The characters that no folder name may hold (its delimiter first of all).
    pub forbidden_in_names: Vec<char>,
    /// A batch of messages for [`Writer::send`] holds at most so many; 1 without MULTIAPPEND.
    pub batch_items: usize,
    pub batch_bytes: u64,
    /// So many small batches may be under way on one connection.
    pub batches_under_way: usize,
    /// The largest message the server says it takes (APPENDLIMIT, RFC 7889).
    pub append_limit: Option<u64>,
    /// The server renames its own folders when their owner chooses another language (Exchange).
    pub renames_roles: bool,
    /// Marking a message as read, or deleting it unread, may send a receipt to whoever asked for one (Exchange).
    pub sends_receipts: bool,
    /// A `\Flagged` that comes with a message must be set once more, or other clients do not see it (Exchange).
    pub shallow_flags: bool,
    /// After a crash, how long this server may still commit what it had already received.
    pub recovery_grace_ms: u64,
    /// How long a listing may lack a message that is there: the server's index is behind itself (Exchange).
    pub index_lag_ms: u64,
    /// How long a question and its answer take at least, as measured when signing in.
    pub round_trip_ms: u32,
}

/// All folders of the account. A transiently incomplete answer must come as an error, never as a short list.
#[derive(Clone, Debug)]
pub struct Listing {
    pub folders: Vec<FolderSeen>,
    pub abilities: Abilities,
    /// Why some folders could not be listed this time, where the others could (Exchange: IMAP answers, EWS does not): those with a
    /// character in their names that [`Abilities::forbidden_in_names`] has. Of these nothing is known then.
    pub withheld: Option<Arc<Error>>,
}

/// One message as a listing of flags shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub uid: Uid,
    pub marks: Marks,
}

/// Which marks a folder keeps for good (PERMANENTFLAGS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Those it names.
    pub marks: Marks,
    /// `\*`: any new keyword is kept too.
    pub any_keyword: bool,
}

impl Holds {
    /// The part of `marks` that this folder keeps.
    #[must_use]
    pub fn of(&self, marks: &Marks) -> Marks {
        if self.any_keyword {
            let system = Marks::from_system(self.marks.system());
            return Marks::from_names(marks.names().filter(|name| !name.starts_with('\\')))
                .union(&marks.intersection(&system));
        }
        marks.intersection(&self.marks)
    }

    /// What the folder does not take of a change of marks.
    #[must_use]
    pub fn unkept(&self, add: &Marks, remove: &Marks) -> Unkept {
        const FOR_ALL: u8 = Marks::SEEN | Marks::ANSWERED | Marks::FLAGGED;
        let (add, remove) = (add.minus(&self.of(add)), remove.minus(&self.of(remove)));
        // Whoever may write there may answer and flag (RFC 4314 section 4, the right "w"): else nothing is kept for want of
        // rights. Keywords, and `\Deleted` and `\Draft` alone, are lacking on some servers for everybody.
        let may_write = self.marks.system() & (Marks::ANSWERED | Marks::FLAGGED) != 0;
        let lacking = add.union(&remove);
        let withheld = match may_write {
            true => lacking.intersection(&Marks::from_system(FOR_ALL)),
            false => lacking.clone(),
        };
        // A keyword that is shown and not held can be taken away all the same.
        let kept = remove.minus(&Marks::from_system(remove.system())).minus(&withheld).minus(&add);
        Unkept { never: lacking.minus(&withheld).minus(&kept), withheld }
    }
}

/// The marks in a change that a folder did not take. They are as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unkept {
    /// It has no place for them, and nobody waits for that.
    pub never: Marks,
    /// We lack the rights at present.
    pub withheld: Marks,
}

impl Unkept {
    #[must_use]
    pub fn all(&self) -> Marks {
        self.never.union(&self.withheld)
    }
}

/// What one look at a folder found. The adapter vouches for it: tagged OK, same UIDVALIDITY throughout, and, where
/// `listed` is given, as many UIDs as EXISTS said at the end.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Taken before anything below was read, so that what happens meanwhile is seen again by the next look.
    pub cursor: Cursor,
    pub holds: Holds,
    /// Present now, with marks: all messages, or those new or changed since the cursor that was asked about.
    pub present: Vec<Sighting>,
    /// A complete list of the UIDs, when one was taken. Only absence from it is evidence.
    pub listed: Option<UidSet>,
    /// UIDs that the server itself said to have vanished since the cursor.
    pub vanished: UidSet,
}

/// A folder that is to be looked at.
#[derive(Clone, Debug)]
pub struct LookAt {
    pub folder: FolderPath,
    /// As for [`Endpoint::observe`].
    pub since: Option<Cursor>,
    /// Messages whose headers are wanted along with it.
    pub ask: UidSet,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Looked {
    pub snapshot: Snapshot,
    /// The headers that were asked for, under the snapshot's UIDVALIDITY. A UID that is gone is missing.
    pub stamps: Vec<Stamp>,
}

/// What identifies a message without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub uid: Uid,
    pub fingerprint: Fingerprint,
    /// RFC822.SIZE. Not exact where [`Abilities::keeps_bytes`] is false.
    pub size: u64,
    pub marks: Marks,
    /// These are the headers of another text that the side gives in the message's place ([`Body::Substitute`]).
    pub substituted: bool,
}

/// A message on its way out of a side.
#[derive(Debug)]
pub struct Item {
    pub uid: Uid,
    pub marks: Marks,
    /// `None` where the server's INTERNALDATE is not a real date.
    pub date: Option<InternalDate>,
    pub body: Body,
}

/// The bytes of a message, exactly as the side has them.
#[derive(Debug)]
pub enum Body {
    Small(Bytes),
    /// Too large to hold: `len` bytes come through [`BodyStream::chunk`] before the next item.
    Big {
        len: u64,
    },
    /// The side gave another text in its place: it cannot convert the message (Exchange). That text is not the message.
    Substitute {
        /// The message's own, as that text quotes it; perhaps with encoded words. Empty where it quotes none.
        subject: String,
    },
}

/// Messages of one folder that are to be read.
#[derive(Clone, Debug)]
pub struct ReadFrom {
    pub folder: FolderPath,
    pub validity: u32,
    pub uids: UidSet,
}

/// Messages of one folder after another, in the order the server gives them.
#[async_trait]
pub trait BodyStream: Send {
    /// The next message of the folder at hand, `None` when it gives no more. What is left of a big body is skipped first.
    /// A message that was asked for and never came is simply missing: the engine finds out why. After an error of the
    /// folder or of a message, `turn` goes on; after one of the connection nothing does.
    async fn next(&mut self) -> Result<Option<Item>>;
    /// The next piece of the big body that `next` has just announced, `None` after its last byte.
    async fn chunk(&mut self) -> Result<Option<Bytes>>;
    /// Goes on to the next folder that was asked for; `false` behind the last. What the folder at hand still gives is
    /// skipped.
    async fn turn(&mut self) -> Result<bool>;
}

/// Pieces of a big body on their way into a side. Dropping it before the end makes the writer break the connection,
/// because a literal cannot be taken back.
#[async_trait]
pub trait Chunks: Send {
    async fn next(&mut self) -> Result<Option<Bytes>>;
}

/// A message on its way into a side.
pub struct Letter {
    pub marks: Marks,
    pub date: Option<InternalDate>,
    pub body: LetterBody,
}

pub enum LetterBody {
    Small(Bytes),
    /// A big one is always alone in its batch.
    Big {
        len: u64,
        chunks: Box<dyn Chunks>,
    },
}

/// Where a message landed; `None` where the server does not tell (no UIDPLUS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    pub validity: Option<u32>,
    pub uid: Option<Uid>,
}

/// What became of a batch.
#[derive(Debug)]
pub enum BatchOutcome {
    /// All landed, in the order of the batch.
    Landed(Vec<Landed>),
    /// The server answered NO or BAD. Whether a part landed all the same is for `find` to tell.
    Refused(Error),
}

/// A lane into the folders of a side. Several batches may be under way; they are answered in order.
#[async_trait]
pub trait Writer: Send {
    /// Hands a batch for one folder to the server. It returns when the last byte has left, not when the answer is there.
    /// After an error of the folder (`ValidityChanged`) nothing of it has left, and other batches may follow.
    /// Not to be cancelled: a half-sent literal breaks the connection.
    async fn send(&mut self, folder: &FolderPath, validity: u32, batch: Vec<Letter>) -> Result<()>;
    /// What became of the oldest unanswered batch; `None` when none is under way. May be cancelled and called again.
    async fn outcome(&mut self) -> Option<Result<BatchOutcome>>;
}

/// A message that was moved within a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shifted {
    pub old: Uid,
    /// Its new UID, where the server tells.
    pub new: Option<Uid>,
    /// It was copied, and was gone from its old folder before it could be removed there: somebody moved it as well, or
    /// deleted it. True only where that is certain, and never of a move in one step.
    pub overtaken: bool,
    /// It was copied and the original is still in its place: the server did not say where the copy is, or did not remove what
    /// it said it would. It is removed when the copy was found.
    pub kept: bool,
    /// As in [`Removed::doubted`].
    pub doubted: bool,
}

/// What became of messages that were to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Those that were still there.
    pub there: UidSet,
    /// Those that are there still: some servers say OK to whoever lacks the right to delete, and do nothing.
    pub spared: UidSet,
    /// Right after, something else in the folder bore `\Deleted` that had not borne it right before. Some servers give a message
    /// that is edited a new UID: it may be one of these, edited in that very instant, and then we have not removed it.
    pub doubted: bool,
}

/// The same marks added and removed on a set of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkChange {
    pub uids: UidSet,
    pub add: Marks,
    pub remove: Marks,
}

/// What became of changes of marks.
#[derive(Debug, Default)]
pub struct Marked {
    /// One for each change, in order, with what the folder did not take of it.
    pub results: Vec<Result<Unkept>>,
    /// Messages that were gone when we came: servers say OK to that, and nothing was written.
    pub missing: UidSet,
    /// What a look from the cursor would show now, where the answers to the changes tell all of it.
    pub echo: Option<Snapshot>,
}

/// One account on one side.
///
/// Every call names the UIDVALIDITY it believes in; when the folder has another one, the answer is
/// [`Code::ValidityChanged`](crate::Code::ValidityChanged) and nothing was done.
#[async_trait]
pub trait Endpoint: Send + Sync {
    async fn folders(&self) -> Result<Listing>;

    /// The permanent ids (RFC 8474) of folders, on a side that has some and does not tell them in its listing. One answer
    /// for each, in order; `None` where there is none.
    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        Ok(vec![None; folders.len()])
    }

    /// Looks at a folder. With a cursor the answer may be a delta; without, it lists everything.
    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot>;

    /// Looks at several folders over one connection, with as few round trips as the side allows. One result for each.
    async fn observe_all(&self, looks: &[LookAt]) -> Vec<Result<Looked>> {
        let mut results = Vec::with_capacity(looks.len());
        for look in looks {
            let looked = async {
                let snapshot = self.observe(&look.folder, look.since.as_ref()).await?;
                let validity = snapshot.cursor.validity;
                let stamps = match look.ask.is_empty() {
                    true => Vec::new(),
                    false => self.stamps(&look.folder, validity, &look.ask).await?,
                };
                Ok(Looked { snapshot, stamps })
            };
            results.push(looked.await);
        }
        results
    }

    /// Headers only, for pairing. A UID that is gone is missing from the answer.
    async fn stamps(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>>;

    /// Which of these messages are there: asked for by UID and flags alone, because some servers leave a message out of any
    /// wider answer that they cannot convert (Exchange).
    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet>;

    /// How long these messages are (RFC822.SIZE), by a question that asks for nothing else: a server that cannot read one of them
    /// may know its size all the same. Those whose size is no evidence, or not told, are missing.
    async fn sizes(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<(Uid, u64)>>;

    /// Which of these messages are unread and ask for a receipt when they are read (`Disposition-Notification-To`, RFC 8098, and what was
    /// usual before it).
    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet>;

    /// Bodies, without leaving a trace (PEEK), in ascending order of UID where the server allows. All folders come over
    /// one connection, one after another.
    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>>;

    /// Bodies of one folder.
    async fn read(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Box<dyn BodyStream>> {
        self.read_all(vec![ReadFrom { folder: folder.clone(), validity, uids: uids.clone() }]).await
    }

    /// Opens a lane for messages.
    async fn writer(&self) -> Result<Box<dyn Writer>>;

    /// Changes marks in a folder that stood there. What the folder does not hold is left out and told.
    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked>;

    /// Moves messages as MOVE does (RFC 6851), or by COPY and UID EXPUNGE where the server has none. Messages that were
    /// already gone are missing from the answer, where the server tells. Each folder comes with its UIDVALIDITY. What landed
    /// in a folder with another one has no new UID in the answer.
    async fn shift(&self, from: (&FolderPath, u32), uids: &UidSet, to: (&FolderPath, u32)) -> Result<Vec<Shifted>>;

    /// Removes exactly these messages, never another client's `\Deleted` ones, and answers which of them were there. Missing
    /// ones are no failure, but somebody may have moved them.
    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed>;

    /// Makes a folder (and tells the server its role, where CREATE-SPECIAL-USE allows). One that exists is a success.
    async fn create(&self, folder: &FolderPath, role: Option<Role>) -> Result<()>;
    /// Makes many folders, parents before children, with as few round trips as the side allows. One result for each.
    async fn create_all(&self, folders: &[(FolderPath, Option<Role>)]) -> Vec<Result<()>> {
        let mut results = Vec::with_capacity(folders.len());
        for (path, role) in folders {
            results.push(self.create(path, *role).await);
        }
        results
    }
    /// Renames a folder with all that is below it.
    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()>;
    /// Deletes a folder. One that is missing is a success.
    async fn remove(&self, folder: &FolderPath) -> Result<()>;
    async fn subscribe(&self, folder: &FolderPath, subscribed: bool) -> Result<()>;

    /// For recovery only: all messages at or above `floor`.
    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>>;

    /// Signs in ahead of need, so that `lanes` lanes find their connections open. A side that cannot is none the worse.
    async fn warm(&self, lanes: usize) {
        let _ = lanes;
    }

    /// Waits until something seems to have happened in the folder, or `limit_ms` has passed: a bell, no data.
    async fn wait(&self, folder: &FolderPath, limit_ms: u64) -> Result<()>;

    /// Says good-bye to the servers, without waiting for their answer.
    async fn close(&self);
}

/// A message that a side does not show, and what is known of it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veiled {
    pub folder: FolderPath,
    pub uid: Uid,
    pub date: Option<InternalDate>,
    /// Its words in small letters, with single spaces between them. Empty where it has none.
    pub subject: String,
}

/// Another way to messages that a side does not show (Exchange: over EWS what IMAP cannot convert).
#[async_trait]
pub trait BodyRescue: Send + Sync {
    /// The message as it is. `None` where it is not given this way either, or where it is not certain which one it is.
    ///
    /// Errors: this way is closed at present.
    async fn rescue(&self, wanted: &Veiled) -> Result<Option<Bytes>>;
}

/// The process-wide budget for bodies in memory. The engine asks before it takes bytes from a side.
#[async_trait]
pub trait Permits: Send + Sync {
    /// Waits until `bytes` more may be held, and gives them back when the returned value is dropped. A request above the
    /// whole budget is cut to it, so that it is served alone rather than never.
    async fn bytes(&self, bytes: u64) -> Box<dyn Send + Sync>;
}
