//! Two memory servers, a real book on disk, and passes between them that can be made to die at any step.

#![allow(dead_code)]

use async_trait::async_trait;
use parom_domain::endpoint::Permits;
use parom_domain::link::LinkTable;
use parom_domain::policy::Policy;
use parom_domain::state::{AccountId, AccountState, Change, FolderId, Lease};
use parom_domain::{Both, FolderPath, InternalDate, Marks, Result, Side, Uid};
use parom_engine::{Book, Clock, Exclusions, LeasedBook, Pass, Report, Scars, Silent, run_pass};
use parom_lab::memory::{MemoryEndpoint, MemoryServer, Steps, Switches};
use parom_store::{MasterKey, NewAccount, Store};
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that only moves when somebody sleeps or the test pushes it.
pub struct TestClock(pub AtomicU64);

#[async_trait]
impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    async fn sleep_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// No limit.
pub struct Free;

#[async_trait]
impl Permits for Free {
    async fn bytes(&self, _: u64) -> Box<dyn Send + Sync> {
        Box::new(())
    }
}

/// The real book, each commit of which is a step: before it nothing is written, after it everything is.
struct SteppedBook<'a> {
    book: LeasedBook<'a>,
    steps: Steps,
}

#[async_trait]
impl Book for SteppedBook<'_> {
    async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.steps.step("book commit")?;
        self.book.commit(changes).await?;
        self.steps.step("book committed")
    }

    async fn links(&self, folder: FolderId) -> Result<LinkTable> {
        self.book.links(folder).await
    }
}

pub struct World {
    pub servers: Both<MemoryServer>,
    pub steps: Steps,
    pub clock: TestClock,
    pub policy: Policy,
    pub exclusions: Exclusions,
    pub scars: Scars,
    pub store: Store,
    pub account: AccountId,
    dir: tempfile::TempDir,
}

pub fn path(text: &str) -> FolderPath {
    FolderPath::new(text.split('/')).unwrap()
}

pub fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

/// A small message that says what it is.
pub fn mail(id: &str) -> String {
    format!(
        "Message-ID: <{id}@corp.example>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0300\r\nFrom: a@corp.example\r\nSubject: {id}\r\n\r\nText of {id}.\r\n"
    )
}

pub fn date(n: i64) -> Option<InternalDate> {
    Some(InternalDate { unix_s: 1_700_000_000 + n, offset_min: 180 })
}

impl World {
    pub async fn new(source: Switches, target: Switches) -> World {
        // The book is synced to disk at every commit; in memory that costs nothing, and these tests make many books.
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let key = MasterKey::create(&dir.path().join("parom.key")).unwrap();
        let store = Store::open(&dir.path().join("parom.db"), key).await.unwrap();
        let account = store
            .add_account(NewAccount {
                address: "a@corp.example".into(),
                source_login: "a".into(),
                target_login: "a".into(),
                domain: "corp.example".into(),
            })
            .await
            .unwrap()
            .unwrap()
            .id;
        World {
            servers: Both::new(MemoryServer::new(source), MemoryServer::new(target)),
            steps: Steps::new(),
            clock: TestClock(AtomicU64::new(1_000_000)),
            policy: Policy { deletions: parom_domain::policy::Deletions::Expunge, ..Policy::default() },
            exclusions: Exclusions::default(),
            scars: Scars::default(),
            store,
            account,
            dir,
        }
    }

    pub async fn plain() -> World {
        World::new(Switches::default(), Switches::default()).await
    }

    pub async fn lease(&self) -> Lease {
        self.store.acquire(self.account, "test", self.clock.now_ms(), 1_000_000_000).await.unwrap().unwrap()
    }

    pub async fn state(&self) -> AccountState {
        self.store.load(self.account).await.unwrap()
    }

    /// One pass, which may die.
    pub async fn pass(&self) -> Result<Report> {
        self.pass_with(false).await
    }

    pub async fn pass_with(&self, dry_run: bool) -> Result<Report> {
        let lease = self.lease().await;
        let source = MemoryEndpoint::new("source", self.servers.source.clone(), self.steps.clone());
        let target = MemoryEndpoint::new("target", self.servers.target.clone(), self.steps.clone());
        let book = SteppedBook { book: LeasedBook { store: &self.store, lease }, steps: self.steps.clone() };
        let pass = Pass {
            sides: Both::new(&source, &target),
            book: &book,
            clock: &self.clock,
            permits: &Free,
            observer: &Silent,
            policy: self.policy,
            exclusions: &self.exclusions,
            lanes: 2,
            deleted_today: 0,
            scars: &self.scars,
            dry_run,
        };
        run_pass(&pass, self.state().await).await
    }

    /// Passes until nothing is left to do, the clock moving past every grace. Panics when it does not come to rest.
    pub async fn settle(&self) -> Report {
        for _ in 0..12 {
            let report = self.pass().await.unwrap();
            if report.settled {
                return report;
            }
            self.clock.0.fetch_add(self.policy.grace_ms + 1, Ordering::Relaxed);
        }
        panic!("the account does not come to rest: {:?}", self.pass().await.unwrap());
    }

    /// The next life of the process after it died.
    pub fn revive(&self) {
        self.steps.revive();
    }

    /// Both sides hold the same: folders, bytes, marks, dates, and as many of each.
    #[track_caller]
    pub fn assert_equal(&self) {
        let pictures = Both::from_fn(|side| self.servers[side].picture());
        for (path, source) in &pictures.source {
            let target = pictures.target.get(path);
            assert_eq!(Some(source), target, "folder {path}");
        }
        assert_eq!(pictures.source.len(), pictures.target.len(), "{:?}", pictures.target.keys());
    }

    /// Another run changes nothing on either server, reads no body, and writes nothing into the book.
    pub async fn assert_idle(&self) {
        let before = Both::from_fn(|side| (self.servers[side].writes(), self.servers[side].bodies_read()));
        let transactions = self.store.transactions();
        let report = self.pass().await.unwrap();
        assert!(report.settled, "{report:?}");
        let after = Both::from_fn(|side| (self.servers[side].writes(), self.servers[side].bodies_read()));
        assert_eq!(before, after);
        // Taking the lease is one write; the pass itself makes none.
        assert!(self.store.transactions() <= transactions + 1, "an idle pass wrote into the book");
    }

    pub fn add(&self, side: Side, folder: &str, id: &str, marks: &[&str]) -> Uid {
        self.servers[side]
            .add(&path(folder), mail(id), Marks::from_names(marks.iter().copied()), date(id.len() as i64))
            .unwrap()
    }

    pub fn expunge(&self, side: Side, folder: &str, text: &str) {
        let uids = self.servers[side].uids_of(&path(folder), &format!("<{text}@"));
        self.servers[side].expunge(&path(folder), &uids).unwrap();
    }

    pub fn shift(&self, side: Side, from: &str, text: &str, to: &str) {
        let uids = self.servers[side].uids_of(&path(from), &format!("<{text}@"));
        self.servers[side].shift(&path(from), &uids, &path(to)).unwrap();
    }

    pub fn mark(&self, side: Side, folder: &str, text: &str, add: &[&str], remove: &[&str]) {
        let names = |list: &[&str]| Marks::from_names(list.iter().copied());
        for uid in self.servers[side].uids_of(&path(folder), &format!("<{text}@")).iter() {
            self.servers[side].mark(&path(folder), uid, &names(add), &names(remove)).unwrap();
        }
    }

    /// The ids of all messages in a folder, sorted.
    pub fn ids(&self, side: Side, folder: &str) -> Vec<String> {
        let messages = self.servers[side].messages(&path(folder));
        let mut ids: Vec<String> = messages
            .iter()
            .map(|(_, stored)| {
                let text = String::from_utf8_lossy(&stored.bytes);
                text.split('<').nth(1).and_then(|rest| rest.split('@').next()).unwrap_or("?").to_owned()
            })
            .collect();
        ids.sort();
        ids
    }

    /// The state is lost; the accounts' settings are not.
    pub async fn forget(&mut self) {
        let fresh = World::new(Switches::default(), Switches::default()).await;
        self.store.close().await;
        self.store = fresh.store;
        self.account = fresh.account;
        self.dir = fresh.dir;
    }

    pub fn count(&self, side: Side, folder: &str, text: &str) -> u64 {
        self.servers[side].uids_of(&path(folder), text).count()
    }
}
