//! The test's own hands on a memory server: content, edits, switches, disasters.

use super::switches::{Rewriting, Switches};
use super::world::{Stored, World};
use bytes::Bytes;
use parom_domain::{FolderPath, InternalDate, Marks, Result, Uid, UidSet};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// One account's mailbox on one side. Clones are handles to the same mailbox.
#[derive(Clone)]
pub struct MemoryServer {
    world: Arc<Mutex<World>>,
    /// Counts changes, for those who wait for one.
    changes: Arc<watch::Sender<u64>>,
}

/// What a mailbox holds, without UIDs: two sides in step have equal pictures. Each folder's messages are sorted, so that
/// equality is that of multisets.
pub type Picture = BTreeMap<FolderPath, Vec<(Bytes, Marks, Option<InternalDate>)>>;

/// The name that direct edits by the test have in errors.
pub(super) const HOST: &str = "memory";

impl Default for MemoryServer {
    fn default() -> Self {
        MemoryServer::new(Switches::default())
    }
}

impl MemoryServer {
    /// A mailbox with an empty inbox.
    #[must_use]
    pub fn new(switches: Switches) -> MemoryServer {
        MemoryServer { world: Arc::new(Mutex::new(World::new(switches))), changes: Arc::new(watch::channel(0).0) }
    }

    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        self.edit(|world| change(&mut world.switches));
    }

    #[must_use]
    pub fn rewriting(&self) -> Rewriting {
        self.look(|world| world.switches.rewriting)
    }

    /// Adds a message, making the folder when it is missing.
    pub fn add(
        &self,
        folder: &FolderPath,
        bytes: impl Into<Bytes>,
        marks: Marks,
        date: Option<InternalDate>,
    ) -> Result<Uid> {
        let stored = Stored { bytes: bytes.into(), date, marks, modseq: 0 };
        self.edit(|world| {
            world.create(HOST, folder, None)?;
            let landed = world.land(HOST, folder, vec![stored])?;
            landed.first().map(|(_, uid)| *uid).ok_or_else(|| parom_domain::Error::internal("one message, one UID"))
        })
    }

    pub fn mark(&self, folder: &FolderPath, uid: Uid, add: &Marks, remove: &Marks) -> Result<()> {
        self.edit(|world| world.mark(HOST, folder, &UidSet::range(uid, uid), add, remove))
    }

    pub fn expunge(&self, folder: &FolderPath, uids: &UidSet) -> Result<()> {
        self.edit(|world| world.expunge(HOST, folder, uids).map(drop))
    }

    /// Moves messages and tells their new UIDs.
    pub fn shift(&self, from: &FolderPath, uids: &UidSet, to: &FolderPath) -> Result<Vec<(Uid, Uid)>> {
        self.edit(|world| {
            let pairs = world.copy(HOST, from, uids, to)?;
            world.expunge(HOST, from, uids)?;
            Ok(pairs)
        })
    }

    pub fn create(&self, folder: &FolderPath) -> Result<()> {
        self.edit(|world| world.create(HOST, folder, None))
    }

    pub fn create_with_role(&self, folder: &FolderPath, role: parom_domain::Role) -> Result<()> {
        self.edit(|world| world.create(HOST, folder, Some(role)))
    }

    pub fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        self.edit(|world| world.rename(HOST, from, to))
    }

    pub fn remove(&self, folder: &FolderPath) -> Result<()> {
        self.edit(|world| world.remove(HOST, folder))
    }

    pub fn subscribe(&self, folder: &FolderPath, subscribed: bool) {
        self.edit(|world| world.subscribe(folder, subscribed));
    }

    /// Gives the folder another UIDVALIDITY; its messages keep their order and are numbered from 1.
    pub fn renumber(&self, folder: &FolderPath, validity: u32) -> Result<()> {
        self.edit(|world| {
            let folder = world.folder_mut(HOST, folder)?;
            folder.validity = validity;
            folder.expunged.clear();
            let messages = std::mem::take(&mut folder.messages);
            folder.uidnext = Some(Uid::MIN);
            for message in messages.into_values() {
                if let Some(uid) = folder.uidnext {
                    folder.uidnext = uid.next();
                    folder.messages.insert(uid, message);
                }
            }
            Ok(())
        })
    }

    /// Puts an empty folder in the place of this one, under a new UIDVALIDITY.
    pub fn replace_folder(&self, folder: &FolderPath) {
        self.edit(|world| {
            let role = world.folder(HOST, folder).ok().and_then(|folder| folder.role);
            world.make(folder.clone(), role);
        });
    }

    /// Another, empty mailbox answers to the same login from now on.
    pub fn replace_mailbox(&self) {
        self.edit(|world| {
            world.folders.clear();
            world.subscribed.clear();
            world.make(FolderPath::inbox(), Some(parom_domain::Role::Inbox));
        });
    }

    /// Lands what died on its way in, see [`Switches::late_commit`]. Returns how many messages it were.
    pub fn release_late(&self) -> usize {
        self.edit(|world| {
            let late = std::mem::take(&mut world.late);
            // A batch whose folder is gone by now is lost, as on a real server.
            late.into_iter()
                .filter_map(|(folder, letters)| world.land(HOST, &folder, letters).ok())
                .map(|uids| uids.len())
                .sum()
        })
    }

    /// An independent copy of the server as it is now: its backup.
    #[must_use]
    pub fn backup(&self) -> MemoryServer {
        let world = self.lock().clone();
        MemoryServer { world: Arc::new(Mutex::new(world)), changes: Arc::new(watch::channel(0).0) }
    }

    /// Puts this server back to where it was when the backup was taken.
    pub fn restore(&self, backup: &MemoryServer) {
        let world = backup.lock().clone();
        self.edit(|mine| *mine = world);
    }

    /// The folders that can hold messages.
    #[must_use]
    pub fn folders(&self) -> Vec<FolderPath> {
        self.lock().folders.keys().cloned().collect()
    }

    #[must_use]
    pub fn subscribed(&self) -> Vec<FolderPath> {
        self.lock().subscribed.iter().cloned().collect()
    }

    /// What the folder holds; empty for one that is missing.
    #[must_use]
    pub fn messages(&self, folder: &FolderPath) -> Vec<(Uid, Stored)> {
        let world = self.lock();
        let messages = world.folder(HOST, folder).map(|folder| folder.messages.clone()).unwrap_or_default();
        messages.into_iter().collect()
    }

    /// The UIDs of the messages whose bytes contain `text`.
    #[must_use]
    pub fn uids_of(&self, folder: &FolderPath, text: &str) -> UidSet {
        let found = self.messages(folder).into_iter();
        found
            .filter(|(_, stored)| super::switches::contains(&stored.bytes, text.as_bytes()))
            .map(|(uid, _)| uid)
            .collect()
    }

    #[must_use]
    pub fn validity(&self, folder: &FolderPath) -> Option<u32> {
        self.lock().folder(HOST, folder).ok().map(|folder| folder.validity)
    }

    #[must_use]
    pub fn picture(&self) -> Picture {
        let world = self.lock();
        let mut picture = Picture::new();
        for (path, folder) in &world.folders {
            let messages = folder.messages.values();
            let mut content: Vec<_> =
                messages.map(|message| (message.bytes.clone(), message.marks.clone(), message.date)).collect();
            content.sort();
            picture.insert(path.clone(), content);
        }
        picture
    }

    /// How many changes were made so far, by anyone.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// How many bodies were handed out by endpoints so far.
    #[must_use]
    pub fn bodies_read(&self) -> u64 {
        self.lock().bodies_read
    }

    /// Runs an effect and rings the bell of those who wait.
    pub(super) fn edit<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.lock());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.lock())
    }

    pub(super) fn count_body(&self) {
        self.lock().bodies_read += 1;
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
