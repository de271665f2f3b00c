//! Two memory servers, a book, and passes between them that can be made to die at any step.

#![allow(dead_code)]

pub mod book;
pub mod verdict;

use async_trait::async_trait;
use book::{Disk, MemoryBook};
use parom_domain::endpoint::Permits;
use parom_domain::link::LinkTable;
use parom_domain::policy::Policy;
use parom_domain::state::{AccountState, Change, FolderId, Lease};
use parom_domain::{Both, FolderPath, InternalDate, Marks, Result, Side, Uid};
use parom_engine::{Book, Clock, Exclusions, Pass, Report, Scars, Silent, run_pass};
use parom_lab::memory::{MemoryEndpoint, MemoryServer, Steps, Switches};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// A clock that only moves when somebody sleeps or the test pushes it.
pub struct TestClock(pub AtomicU64);

impl TestClock {
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

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

/// So many bytes at once.
pub struct Budget(Arc<Semaphore>, u32);

impl Budget {
    pub fn of(bytes: u32) -> Budget {
        Budget(Arc::new(Semaphore::new(bytes as usize)), bytes)
    }
}

#[async_trait]
impl Permits for Budget {
    async fn bytes(&self, bytes: u64) -> Box<dyn Send + Sync> {
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.1);
        Box::new(self.0.clone().acquire_many_owned(wanted).await.unwrap())
    }
}

/// A book each commit of which is a step: before it nothing is written, after it everything is.
struct SteppedBook<'a> {
    world: &'a World,
    /// The lease of the pass, where the book is on disk.
    lease: Option<Lease>,
}

#[async_trait]
impl Book for SteppedBook<'_> {
    async fn commit(&self, changes: Vec<Change>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.world.steps.step("book commit")?;
        match (&self.world.disk, self.lease) {
            (Some(disk), Some(lease)) => {
                disk.leased(lease).commit(changes.clone()).await?;
                self.world.book.apply(changes);
            }
            _ => self.world.book.commit(changes).await?,
        }
        self.world.steps.step("book committed")
    }

    async fn links(&self, folder: FolderId) -> Result<LinkTable> {
        match (&self.world.disk, self.lease) {
            (Some(disk), Some(lease)) => disk.leased(lease).links(folder).await,
            _ => self.world.book.links(folder).await,
        }
    }
}

pub struct World {
    pub servers: Both<MemoryServer>,
    pub steps: Steps,
    pub clock: TestClock,
    pub policy: Policy,
    pub exclusions: Exclusions,
    pub scars: Scars,
    pub permits: Box<dyn Permits>,
    /// So many lanes.
    pub lanes: usize,
    /// What is remembered; where there is a store on disk, the same as in there.
    pub book: MemoryBook,
    pub disk: Option<Disk>,
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
    /// With its book in memory.
    pub fn in_memory(source: Switches, target: Switches) -> World {
        World {
            servers: Both::new(MemoryServer::new(source), MemoryServer::new(target)),
            steps: Steps::new(),
            clock: TestClock(AtomicU64::new(1_000_000)),
            policy: Policy { deletions: parom_domain::policy::Deletions::Expunge, ..Policy::default() },
            exclusions: Exclusions::default(),
            scars: Scars::default(),
            permits: Box::new(Free),
            lanes: 2,
            book: MemoryBook::default(),
            disk: None,
        }
    }

    /// Two modern servers, the book in memory.
    pub fn modern() -> World {
        World::in_memory(Switches::default(), Switches::default())
    }

    /// With its book in a real store.
    pub async fn new(source: Switches, target: Switches) -> World {
        World { disk: Some(Disk::new().await), ..World::in_memory(source, target) }
    }

    pub async fn plain() -> World {
        World::new(Switches::default(), Switches::default()).await
    }

    pub async fn state(&self) -> AccountState {
        match &self.disk {
            Some(disk) => disk.store.load(disk.account).await.unwrap(),
            None => self.book.state(),
        }
    }

    /// How often the book was written so far.
    pub fn commits(&self) -> u64 {
        self.disk.as_ref().map_or_else(|| self.book.commits(), |disk| disk.store.transactions())
    }

    /// One pass, which may die.
    pub async fn pass(&self) -> Result<Report> {
        self.pass_with(false).await
    }

    pub async fn pass_with(&self, dry_run: bool) -> Result<Report> {
        let lease = match &self.disk {
            Some(disk) => Some(disk.lease(self.clock.now_ms()).await),
            None => None,
        };
        let source = MemoryEndpoint::new("source", self.servers.source.clone(), self.steps.clone());
        let target = MemoryEndpoint::new("target", self.servers.target.clone(), self.steps.clone());
        let book = SteppedBook { world: self, lease };
        let pass = Pass {
            sides: Both::new(&source, &target),
            book: &book,
            clock: &self.clock,
            permits: &*self.permits,
            observer: &Silent,
            policy: self.policy,
            exclusions: &self.exclusions,
            lanes: self.lanes,
            scars: &self.scars,
            dry_run,
        };
        run_pass(&pass, self.state().await).await
    }

    /// A dry run. It changes nothing, neither on the servers nor in the book.
    pub async fn dry_run(&self) -> Report {
        let writes = || Both::from_fn(|side| self.servers[side].writes());
        let (before, state, commits) = (writes(), self.state().await, self.commits());
        let report = self.pass_with(true).await.unwrap();
        assert_eq!(writes(), before);
        assert_eq!(self.state().await, state);
        // Taking the lease of a store is one write, and that is this world's own.
        assert_eq!(self.commits(), commits + u64::from(self.disk.is_some()));
        report
    }

    /// Passes until nothing is left to do, the clock moving past every grace. Panics when it does not come to rest.
    pub async fn settle(&self) -> Report {
        for _ in 0..12 {
            let report = self.pass().await.unwrap();
            if report.settled {
                return report;
            }
            self.wait_out_the_grace();
        }
        panic!("the account does not come to rest: {:?}", self.pass().await.unwrap());
    }

    /// A suspicion may be confirmed from now on.
    pub fn wait_out_the_grace(&self) {
        self.clock.0.fetch_add(self.policy.grace_ms + 1, Ordering::Relaxed);
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
        let commits = self.commits();
        let report = self.pass().await.unwrap();
        assert!(report.settled, "{report:?}");
        let after = Both::from_fn(|side| (self.servers[side].writes(), self.servers[side].bodies_read()));
        assert_eq!(before, after);
        // Taking the lease of a store is one write; the pass itself makes none.
        let lease = u64::from(self.disk.is_some());
        assert!(self.commits() <= commits + lease, "an idle pass wrote into the book");
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

    /// The process ends and another one begins.
    pub async fn restart(&mut self) {
        self.scars = Scars::default();
        if let Some(old) = self.disk.take() {
            self.disk = Some(old.reopened().await);
        }
    }

    /// The state is lost; the accounts' settings are not.
    pub async fn forget(&mut self) {
        self.book = MemoryBook::default();
        if let Some(old) = self.disk.take() {
            old.store.close().await;
            self.disk = Some(Disk::new().await);
        }
    }

    pub fn count(&self, side: Side, folder: &str, text: &str) -> u64 {
        self.servers[side].uids_of(&path(folder), text).count()
    }
}
