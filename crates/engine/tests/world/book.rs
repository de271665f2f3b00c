//! The books of a test world: the real store on disk, or the same in memory, where a thousand crashes cost nothing.

use async_trait::async_trait;
use parom_domain::link::{Link, LinkTable};
use parom_domain::state::{AccountId, AccountState, Change, FolderId, Lease};
use parom_domain::{Result, Side};
use parom_engine::{Book, LeasedBook};
use parom_store::{MasterKey, NewAccount, Store};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A store in a folder of its own, with one account.
pub struct Disk {
    pub store: Store,
    pub account: AccountId,
    dir: tempfile::TempDir,
}

impl Disk {
    pub async fn new() -> Disk {
        // The book is synced to disk at every commit; in memory that costs nothing, and these tests make many books.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let key = MasterKey::create(&dir.path().join("parom.key")).unwrap();
        let store = Store::open(&dir.path().join("parom.db"), key).await.unwrap();
        let account = NewAccount {
            address: "a@corp.example".into(),
            source_login: "a".into(),
            target_login: "a".into(),
            domain: "corp.example".into(),
        };
        let account = store.add_account(account).await.unwrap().unwrap().id;
        Disk { store, account, dir }
    }

    /// Closes the store and opens it again, as the next process does.
    pub async fn reopened(self) -> Disk {
        self.store.close().await;
        let key = MasterKey::find(&self.dir.path().join("parom.key")).unwrap();
        let store = Store::open(&self.dir.path().join("parom.db"), key).await.unwrap();
        Disk { store, ..self }
    }

    pub async fn lease(&self, now_ms: u64) -> Lease {
        self.store.acquire(self.account, "test", now_ms, 1_000_000_000).await.unwrap().unwrap()
    }

    pub fn leased(&self, lease: Lease) -> LeasedBook<'_> {
        LeasedBook { store: &self.store, lease }
    }
}

/// What the store would remember. `scenarios.rs` compares the two after every pass that it does not kill.
#[derive(Default)]
pub struct MemoryBook(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    state: AccountState,
    links: BTreeMap<(FolderId, u32), Vec<Option<Link>>>,
    commits: u64,
    /// What the last commit changed.
    last: Vec<Change>,
}

impl MemoryBook {
    pub fn state(&self) -> AccountState {
        self.pages().state.clone()
    }

    /// How many commits there were so far.
    pub fn commits(&self) -> u64 {
        self.pages().commits
    }

    /// What the last commit changed.
    pub fn last(&self) -> Vec<Change> {
        self.pages().last.clone()
    }

    pub fn apply(&self, changes: Vec<Change>) {
        let mut pages = self.pages();
        pages.commits += 1;
        pages.last.clone_from(&changes);
        changes.into_iter().for_each(|change| pages.apply(change));
    }

    /// Releases all brakes, as a person does.
    pub fn release(&self) {
        self.pages().state.held.iter_mut().for_each(|held| held.released = true);
    }

    pub fn table(&self, folder: FolderId) -> LinkTable {
        let pages = self.pages();
        let chunks = pages.links.iter().filter(|((id, _), _)| *id == folder);
        LinkTable::from_chunks(chunks.map(|((_, chunk), links)| (*chunk, links.clone())))
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Book for MemoryBook {
    async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        self.apply(changes);
        Ok(())
    }

    async fn links(&self, folder: FolderId) -> Result<LinkTable> {
        Ok(self.table(folder))
    }
}

impl Pages {
    fn apply(&mut self, change: Change) {
        let state = &mut self.state;
        match change {
            Change::PutFolder(pair) => {
                state.folders.retain(|old| old.id != pair.id);
                state.folders.push(pair);
                state.folders.sort_by_key(|pair| pair.id);
            }
            Change::DropFolder(id) => {
                state.folders.retain(|pair| pair.id != id);
                state.parked.retain(|item| item.folder != id);
                state.suspected.retain(|item| item.folder != id);
                self.links.retain(|(folder, _), _| *folder != id);
            }
            Change::PutLinks { folder, chunk, links } => {
                // A chunk of a folder that was dropped meanwhile would have nothing to belong to.
                assert!(state.folders.iter().any(|pair| pair.id == folder), "links of a folder that nobody knows");
                if links.iter().all(Option::is_none) {
                    self.links.remove(&(folder, chunk));
                } else {
                    self.links.insert((folder, chunk), links);
                }
            }
            Change::SetCursor { folder, side, cursor } => {
                if let Some(pair) = state.folders.iter_mut().find(|pair| pair.id == folder) {
                    pair.cursors[side] = cursor;
                }
            }
            Change::OpenIntent(intent) => {
                state.intents.retain(|old| old.id != intent.id);
                state.intents.push(intent);
                state.intents.sort_by_key(|intent| intent.id);
            }
            Change::CloseIntent(id) => state.intents.retain(|intent| intent.id != id),
            Change::Park(parked) => {
                let same = |a: FolderId, b: Side, c| (a, b, c) == (parked.folder, parked.side, parked.uid);
                state.parked.retain(|old| !same(old.folder, old.side, old.uid));
                state.parked.push(parked);
            }
            Change::Unpark { folder, side, uid } => {
                state.parked.retain(|item| (item.folder, item.side, item.uid) != (folder, side, uid));
            }
            Change::Suspect(item) => {
                state.suspected.retain(|old| (old.folder, old.side, old.uid) != (item.folder, item.side, item.uid));
                state.suspected.push(item);
            }
            Change::Unsuspect { folder, side, uid } => {
                state.suspected.retain(|item| (item.folder, item.side, item.uid) != (folder, side, uid));
            }
            Change::Remember(recent) => state.recent.extend(recent),
            Change::ForgetRecent { before_ms } => state.recent.retain(|item| item.at_ms >= before_ms),
            Change::PutStrays(strays) => {
                state.strays.retain(|old| (old.folder, old.side) != (strays.folder, strays.side));
                state.strays.push(strays);
            }
            Change::ForgetStrays => state.strays.clear(),
            Change::CountDeleted(deleted) => match state.deleted.iter_mut().find(|old| old.at_ms == deleted.at_ms) {
                Some(old) => old.messages += deleted.messages,
                None => state.deleted.push(deleted),
            },
            Change::ForgetDeleted { before_ms } => state.deleted.retain(|item| item.at_ms >= before_ms),
            Change::Hold(held) => {
                state.held.retain(|old| old.key != held.key);
                state.held.push(held);
            }
            Change::Unhold { key } => state.held.retain(|held| held.key != key),
            Change::Summary(_) => {}
        }
    }
}

/// The same lists, whatever their order.
#[track_caller]
pub fn assert_same_state(mut a: AccountState, mut b: AccountState) {
    for state in [&mut a, &mut b] {
        state.folders.sort_by_key(|pair| pair.id);
        state.intents.sort_by_key(|intent| intent.id);
        state.parked.sort_by_key(|item| (item.folder, item.side, item.uid));
        state.suspected.sort_by_key(|item| (item.folder, item.side, item.uid));
        state.held.sort_by(|a, b| a.key.cmp(&b.key));
        state.strays.sort_by_key(|strays| (strays.folder, strays.side));
        state.deleted.sort_by_key(|deleted| deleted.at_ms);
        state.recent.sort_by_key(|item| (item.folder, item.into, item.at_ms, item.fingerprint));
    }
    assert_eq!(a, b);
}
