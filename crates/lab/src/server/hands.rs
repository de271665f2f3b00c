//! The test's own hands on a mailbox: looking and editing without IMAP.

use super::store::{Flags, Folder, Mailbox, Message, Notes, Refused, Store};
use super::switches::IndexLag;
use bytes::Bytes;
use parom_domain::{FolderPath, InternalDate};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One account's mail. Sessions hear of every edit as they would of another client's.
#[derive(Clone)]
pub struct Hands(Arc<Mailbox>);

/// A message as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub uid: u32,
    pub bytes: Bytes,
    pub date: InternalDate,
    /// Flags and keywords, sorted.
    pub flags: Vec<String>,
}

/// What the server says when it refuses an edit.
type Result<T> = std::result::Result<T, String>;

impl Hands {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Hands {
        Hands(mailbox)
    }

    #[must_use]
    pub fn folders(&self) -> Vec<FolderPath> {
        self.0.lock().paths.keys().cloned().collect()
    }

    #[must_use]
    pub fn subscribed(&self) -> Vec<FolderPath> {
        self.0.lock().subscribed.iter().cloned().collect()
    }

    /// What the folder holds, in order of UID, also what the index does not show yet; empty for one that is missing.
    #[must_use]
    pub fn messages(&self, folder: &FolderPath) -> Vec<Seen> {
        let store = self.0.lock();
        store.at(folder).map(all).unwrap_or_default()
    }

    /// Everything, for an independent verification.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<FolderPath, Vec<Seen>> {
        let store = self.0.lock();
        store.paths.keys().map(|path| (path.clone(), store.at(path).map(all).unwrap_or_default())).collect()
    }

    /// Everything, with the number that each folder keeps under whatever name.
    pub(crate) fn identified(&self) -> Vec<(FolderPath, u64, Vec<Seen>)> {
        let store = self.0.lock();
        let seen = |id: &u64| store.folders.get(id).map(all).unwrap_or_default();
        store.paths.iter().map(|(path, id)| (path.clone(), *id, seen(id))).collect()
    }

    #[must_use]
    pub fn validity(&self, folder: &FolderPath) -> Option<u32> {
        self.0.lock().at(folder).map(|folder| folder.validity)
    }

    /// The mod-sequences of all folders together: equal before and after means that nothing was written.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.0.lock().folders.values().map(|folder| folder.modseq).sum()
    }

    pub fn create(&self, folder: &FolderPath, special_use: Option<&str>) -> Result<()> {
        self.edit(|store| store.create(folder.clone(), special_use.map(str::to_owned)).map(drop))
    }

    pub fn delete(&self, folder: &FolderPath) -> Result<()> {
        self.edit(|store| store.delete(folder))
    }

    pub fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        self.edit(|store| store.rename(from, to))
    }

    pub fn subscribe(&self, folder: &FolderPath) {
        self.0.lock().subscribed.insert(folder.clone());
    }

    /// Adds a message, making the folder when it is missing, and tells its UID.
    pub fn add(&self, folder: &FolderPath, bytes: impl Into<Bytes>, flags: &[&str], date: InternalDate) -> Result<u32> {
        let flags = Flags::new(flags.iter().copied());
        let message = Message { uid: 0, bytes: bytes.into(), date, flags, modseq: 0, notes: Notes::default() };
        self.edit(|store| {
            if store.id(folder).is_none() {
                store.create(folder.clone(), None)?;
            }
            Ok(store.at_mut(folder).ok_or(GONE)?.add(message, IndexLag::None))
        })
    }

    /// Adds and removes flags and keywords.
    pub fn flag(&self, folder: &FolderPath, uid: u32, add: &[&str], remove: &[&str]) -> Result<()> {
        self.edit(|store| {
            store.at_mut(folder).ok_or(GONE)?.reflag(uid, |flags| {
                add.iter().for_each(|name| flags.add(name));
                remove.iter().for_each(|name| flags.remove(name));
            });
            Ok(())
        })
    }

    /// Removes messages for good.
    pub fn remove(&self, folder: &FolderPath, uids: &[u32]) -> Result<()> {
        self.edit(|store| {
            store.at_mut(folder).ok_or(GONE)?.take(|message| uids.contains(&message.uid));
            Ok(())
        })
    }

    /// Moves messages and tells their new UIDs.
    pub fn shift(&self, from: &FolderPath, uids: &[u32], to: &FolderPath) -> Result<Vec<u32>> {
        self.edit(|store| {
            store.id(to).ok_or(GONE)?;
            let taken = store.at_mut(from).ok_or(GONE)?.take(|message| uids.contains(&message.uid));
            let folder = store.at_mut(to).ok_or(GONE)?;
            Ok(taken.into_iter().map(|message| folder.add(message, IndexLag::None)).collect())
        })
    }

    /// Gives the folder another UIDVALIDITY and numbers its messages from 1.
    pub fn renumber(&self, folder: &FolderPath, validity: u32) -> Result<()> {
        self.edit(|store| {
            store.at_mut(folder).ok_or(GONE)?.renumber(validity);
            Ok(())
        })
    }

    /// Puts an empty folder in the place of this one, under another UIDVALIDITY.
    pub fn replace_folder(&self, folder: &FolderPath) -> Result<()> {
        self.edit(|store| {
            let special_use = store.at(folder).ok_or(GONE)?.special_use.clone();
            store.make(folder.clone(), special_use);
            Ok(())
        })
    }

    /// From now on another, empty mailbox answers to this account.
    pub fn replace_mailbox(&self) -> Result<()> {
        self.edit(|store| {
            store.paths.clear();
            store.folders.clear();
            store.subscribed.clear();
            store.make(FolderPath::inbox(), None);
            Ok(())
        })
    }

    /// Shows all messages that the index did not show yet.
    pub fn release_index(&self) {
        self.0.lock().folders.values_mut().for_each(Folder::show_all);
        self.0.ring();
    }

    fn edit<T>(&self, change: impl FnOnce(&mut Store) -> std::result::Result<T, Refused>) -> Result<T> {
        let done = change(&mut self.0.lock()).map_err(str::to_owned);
        self.0.ring();
        done
    }
}

const GONE: Refused = "[NONEXISTENT] no such mailbox";

fn all(folder: &Folder) -> Vec<Seen> {
    let lagging = folder.lagging.iter().map(|(_, message)| message);
    let seen = |message: &Message| Seen {
        uid: message.uid,
        bytes: message.bytes.clone(),
        date: message.date,
        flags: message.flags.iter().map(str::to_owned).collect(),
    };
    folder.messages.iter().chain(lagging).map(seen).collect()
}
