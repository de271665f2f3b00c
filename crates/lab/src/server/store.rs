//! One account's mail as the server keeps it, and the effects that change it. Nothing here fails half-way.

use super::switches::{IndexLag, Switches};
use bytes::Bytes;
use parom_domain::{FolderPath, InternalDate};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// A folder keeps its id when it is renamed.
pub(crate) type FolderId = u64;

/// One account's mail, shared by its sessions and the test.
pub(crate) struct Mailbox {
    store: Mutex<Store>,
    /// Counts changes, for IDLE.
    changes: watch::Sender<u64>,
}

impl Mailbox {
    pub fn new(first_validity: u32) -> Mailbox {
        Mailbox::numbered(Validities::From(first_validity))
    }

    pub fn numbered(validities: Validities) -> Mailbox {
        let mut store = Store {
            paths: BTreeMap::new(),
            folders: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            validities,
            next_id: 1,
        };
        store.make(FolderPath::inbox(), Some("\\Inbox".to_owned()));
        Mailbox { store: Mutex::new(store), changes: watch::channel(0).0 }
    }

    pub fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the sessions that wait that they should look.
    pub fn ring(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// Where UIDVALIDITYs come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Validities {
    /// This is the next one, and none comes twice.
    From(u32),
    /// The same name has the same one, in every mailbox and for ever.
    ByName(fn(&FolderPath) -> u32),
}

pub(crate) struct Store {
    pub paths: BTreeMap<FolderPath, FolderId>,
    pub folders: BTreeMap<FolderId, Folder>,
    pub subscribed: BTreeSet<FolderPath>,
    pub validities: Validities,
    next_id: FolderId,
}

pub(crate) struct Folder {
    pub validity: u32,
    /// Above every UID ever given; 0 when none is left.
    pub uidnext: u32,
    pub modseq: u64,
    /// In order of UID.
    pub messages: Vec<Message>,
    /// What was expunged, with the mod-sequence at which it went.
    pub expunged: Vec<(u64, u32)>,
    /// Appended and not yet shown, in order of UID.
    pub lagging: VecDeque<(Option<Instant>, Message)>,
    pub special_use: Option<String>,
    /// What kind of items it is for, in the words of a product that has others than mail.
    pub class: &'static str,
    pub mailbox_id: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub uid: u32,
    pub bytes: Bytes,
    pub date: InternalDate,
    pub flags: Flags,
    pub modseq: u64,
    pub notes: Notes,
}

/// What a product knows of a message beside its flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// Only IMAP clients see `\Flagged`.
    pub flag_is_shallow: bool,
    /// A receipt was sent, no second one will be.
    pub receipted: bool,
}

/// Flags and keywords: sorted without regard to case, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(Vec<Box<str>>);

impl Flags {
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Flags {
        let mut flags = Flags::default();
        names.into_iter().for_each(|name| flags.add(name));
        flags
    }

    pub fn add(&mut self, name: &str) {
        if let Err(at) = self.find(name) {
            self.0.insert(at, name.into());
        }
    }

    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.0.remove(at);
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// As in `(\Seen work)`.
    pub fn to_wire(&self) -> String {
        format!("({})", self.0.join(" "))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        let wanted = name.to_ascii_lowercase();
        self.0.binary_search_by(|known| known.to_ascii_lowercase().cmp(&wanted))
    }
}

/// Why a folder operation was refused: the response code and the text behind NO.
pub(crate) type Refused = &'static str;

impl Store {
    pub fn id(&self, path: &FolderPath) -> Option<FolderId> {
        self.paths.get(path).copied()
    }

    pub fn at(&self, path: &FolderPath) -> Option<&Folder> {
        self.folders.get(self.paths.get(path)?)
    }

    pub fn at_mut(&mut self, path: &FolderPath) -> Option<&mut Folder> {
        self.folders.get_mut(self.paths.get(path)?)
    }

    pub fn path_of(&self, id: FolderId) -> Option<&FolderPath> {
        self.paths.iter().find(|(_, known)| **known == id).map(|(path, _)| path)
    }

    /// Is there something below this name?
    pub fn has_children(&self, path: &FolderPath) -> bool {
        // What is below a folder follows it in the order of paths.
        let mut after = self.paths.range((Bound::Excluded(path), Bound::Unbounded));
        after.next().is_some_and(|(next, _)| next.is_below(path))
    }

    pub fn bytes_held(&self) -> u64 {
        let lens = self
            .folders
            .values()
            .flat_map(|folder| folder.messages.iter().chain(folder.lagging.iter().map(|(_, m)| m)));
        lens.map(|message| message.bytes.len() as u64).sum()
    }

    /// Puts a new empty folder into this place, whatever was there.
    pub fn make(&mut self, path: FolderPath, special_use: Option<String>) -> FolderId {
        let id = self.next_id;
        self.next_id += 1;
        let validity = self.next_validity(&path);
        if let Some(old) = self.paths.insert(path, id) {
            self.folders.remove(&old);
        }
        let folder = Folder {
            validity,
            uidnext: 1,
            modseq: 1,
            messages: Vec::new(),
            expunged: Vec::new(),
            lagging: VecDeque::new(),
            special_use: special_use.filter(|name| name != "\\Inbox"),
            class: "",
            mailbox_id: format!("F{id}"),
        };
        self.folders.insert(id, folder);
        id
    }

    fn next_validity(&mut self, path: &FolderPath) -> u32 {
        match &mut self.validities {
            Validities::From(next) => {
                let validity = *next;
                *next = next.saturating_add(1);
                validity
            }
            Validities::ByName(number) => number(path),
        }
    }

    pub fn create(&mut self, path: FolderPath, special_use: Option<String>) -> Result<FolderId, Refused> {
        if self.paths.contains_key(&path) {
            return Err("[ALREADYEXISTS] the mailbox exists");
        }
        Ok(self.make(path, special_use))
    }

    pub fn delete(&mut self, path: &FolderPath) -> Result<(), Refused> {
        if path.is_inbox() {
            return Err("[CANNOT] the inbox stays");
        }
        let id = self.paths.remove(path).ok_or("[NONEXISTENT] no such mailbox")?;
        self.folders.remove(&id);
        Ok(())
    }

    pub fn rename(&mut self, from: &FolderPath, to: &FolderPath) -> Result<(), Refused> {
        if self.paths.contains_key(to) {
            return Err("[ALREADYEXISTS] the new name is taken");
        }
        if to.is_below(from) && !from.is_inbox() {
            return Err("[CANNOT] a mailbox cannot move below itself");
        }
        if !self.paths.contains_key(from) && !self.has_children(from) {
            return Err("[NONEXISTENT] no such mailbox");
        }
        if from.is_inbox() {
            self.empty_inbox_into(to.clone());
            return Ok(());
        }
        let moved: Vec<FolderPath> =
            self.paths.keys().filter(|path| *path == from || path.is_below(from)).cloned().collect();
        for path in moved {
            if let Some(id) = self.paths.remove(&path) {
                self.paths.insert(path.rebased(from, to), id);
            }
        }
        Ok(())
    }

    /// RENAME of the inbox moves its messages and leaves an empty inbox (RFC 3501 section 6.3.5).
    fn empty_inbox_into(&mut self, to: FolderPath) {
        self.make(to.clone(), None);
        let Some(inbox) = self.at_mut(&FolderPath::inbox()) else { return };
        let messages = inbox.take(|_| true);
        if let Some(folder) = self.at_mut(&to) {
            for message in messages {
                folder.add(message, IndexLag::None);
            }
        }
    }
}

impl Folder {
    pub fn find(&self, uid: u32) -> Option<&Message> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        self.messages.get(at)
    }

    pub fn find_mut(&mut self, uid: u32) -> Option<&mut Message> {
        let at = self.messages.binary_search_by_key(&uid, |message| message.uid).ok()?;
        self.messages.get_mut(at)
    }

    /// Stores a message under the next UID, which it returns; 0 when none is left.
    pub fn add(&mut self, mut message: Message, lag: IndexLag) -> u32 {
        message.uid = self.uidnext;
        if message.uid == 0 {
            return 0;
        }
        self.uidnext = self.uidnext.checked_add(1).unwrap_or(0);
        let due = match lag {
            // What is appended behind a lagging message lags with it, so that UIDs appear in order.
            IndexLag::None if self.lagging.is_empty() => {
                let uid = message.uid;
                self.show(message);
                return uid;
            }
            IndexLag::None => Some(Instant::now()),
            IndexLag::For(time) => Instant::now().checked_add(time),
            IndexLag::UntilReleased => None,
        };
        let uid = message.uid;
        self.lagging.push_back((due, message));
        uid
    }

    /// Shows the messages whose time has come.
    pub fn show_due(&mut self, now: Instant) {
        while self.lagging.front().is_some_and(|(due, _)| due.is_some_and(|due| due <= now)) {
            if let Some((_, message)) = self.lagging.pop_front() {
                self.show(message);
            }
        }
    }

    /// Shows all that lag.
    pub fn show_all(&mut self) {
        while let Some((_, message)) = self.lagging.pop_front() {
            self.show(message);
        }
    }

    fn show(&mut self, mut message: Message) {
        self.modseq += 1;
        message.modseq = self.modseq;
        self.messages.push(message);
    }

    /// Gives a message other flags; nothing happens where they are equal.
    pub fn reflag(&mut self, uid: u32, change: impl FnOnce(&mut Flags)) {
        let next = self.modseq + 1;
        let Some(message) = self.find_mut(uid) else { return };
        let mut flags = message.flags.clone();
        change(&mut flags);
        if flags != message.flags {
            message.flags = flags;
            message.modseq = next;
            self.modseq = next;
        }
    }

    /// Removes the messages that are chosen and returns them.
    pub fn take(&mut self, chosen: impl Fn(&Message) -> bool) -> Vec<Message> {
        let (gone, kept) = std::mem::take(&mut self.messages).into_iter().partition(chosen);
        self.messages = kept;
        let gone: Vec<Message> = gone;
        for message in &gone {
            self.modseq += 1;
            self.expunged.push((self.modseq, message.uid));
        }
        gone
    }

    /// Numbers the messages anew from 1 under another UIDVALIDITY.
    pub fn renumber(&mut self, validity: u32) {
        self.show_all();
        self.validity = validity;
        self.expunged.clear();
        self.uidnext = 1;
        for message in std::mem::take(&mut self.messages) {
            self.add(message, IndexLag::None);
        }
    }

    /// Every flag that a message here has or may have.
    pub fn known_flags(&self, switches: &Switches) -> Flags {
        let mut flags = Flags::new(["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"]);
        let used = self.messages.iter().flat_map(|message| message.flags.iter());
        let mut met = HashSet::new();
        used.chain(switches.keywords.iter().map(String::as_str))
            .filter(|name| met.insert(*name))
            .for_each(|name| flags.add(name));
        flags
    }
}
