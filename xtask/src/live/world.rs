//! Two servers, a Parom between them, and the oracle beside them: what every live test begins with.

use super::dovecot::Options;
use super::parom::{Parom, Run, Settings};
use super::relay::Relay;
use super::{Address, Cyrus, Dovecot, Layout, oracle};
use crate::{Result, failure};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    DovecotMaildir,
    DovecotSdbox,
    Cyrus,
}

impl Peer {
    #[must_use]
    pub fn is_installed(self) -> bool {
        match self {
            Peer::DovecotMaildir | Peer::DovecotSdbox => Dovecot::is_installed(),
            Peer::Cyrus => Cyrus::is_installed(),
        }
    }

    /// Characters that this server has in no folder name.
    #[must_use]
    pub fn avoids(self) -> &'static str {
        match self {
            Peer::DovecotMaildir => "./",
            Peer::DovecotSdbox => "/",
            Peer::Cyrus => "/!\"%;<>\\^`{|}",
        }
    }

    pub fn start(self) -> Result<Server> {
        let dovecot = |layout| {
            Dovecot::start(Options { layout, ..Options::default() }).map(|server| Server::Dovecot(Box::new(server)))
        };
        match self {
            Peer::DovecotMaildir => dovecot(Layout::Maildir),
            Peer::DovecotSdbox => dovecot(Layout::Sdbox),
            Peer::Cyrus => Cyrus::start().map(Server::Cyrus),
        }
    }
}

/// A running server of any kind.
#[derive(Debug)]
pub enum Server {
    Dovecot(Box<Dovecot>),
    Cyrus(Cyrus),
}

impl Server {
    #[must_use]
    pub fn plain(&self) -> Address {
        match self {
            Server::Dovecot(server) => server.plain(),
            Server::Cyrus(server) => server.plain(),
        }
    }
}

/// May a test with these peers run here? Where one is missing, the test is skipped, and says so; under CI=true it fails.
#[must_use]
pub fn ready(peers: &[Peer]) -> bool {
    let missing: Vec<String> =
        peers.iter().filter(|peer| !peer.is_installed()).map(|peer| format!("{peer:?}")).collect();
    let lacks = if !missing.is_empty() {
        format!("{} (run .ci/deps test)", missing.join(", "))
    } else if !Parom::is_built() {
        "the parom binary (cargo build --release -p parom-app)".to_owned()
    } else {
        return true;
    };
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "under CI=true nothing may be missing: {lacks}");
    eprintln!("SKIPPED: {lacks} is missing");
    false
}

/// A source, a target, and proxies before both; Parom goes through the proxies, the oracle does not.
pub struct World {
    pub source: Server,
    pub target: Server,
    pub source_relay: Relay,
    pub target_relay: Relay,
    /// Whether the servers differ in the folder names they can have.
    pub folded: bool,
    folder: tempfile::TempDir,
}

impl World {
    pub fn new(source: Peer, target: Peer) -> Result<World> {
        World::of(source.start()?, target.start()?, source.avoids() != target.avoids())
    }

    pub fn of(source: Server, target: Server, folded: bool) -> Result<World> {
        let folder = tempfile::Builder::new().prefix("parom-world-").tempdir()?;
        let source_relay = Relay::start(&source.plain(), Duration::ZERO)?;
        let target_relay = Relay::start(&target.plain(), Duration::ZERO)?;
        Ok(World { source, target, source_relay, target_relay, folded, folder })
    }

    /// Two-way settings through the proxies.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings::new(self.source_relay.address(), self.target_relay.address())
    }

    /// A fresh installation with one account: `user` on both sides.
    pub fn parom(&self, user: &str) -> Result<Parom> {
        self.parom_with(user, &self.settings())
    }

    pub fn parom_with(&self, user: &str, settings: &Settings) -> Result<Parom> {
        let parom = Parom::new(&self.folder.path().join(user), settings)?;
        parom.add(user, user, user)?;
        Ok(parom)
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The oracle's addresses of a user's mailboxes: past the proxies.
    #[must_use]
    pub fn source_of(&self, user: &str) -> String {
        oracle::address(&self.source.plain(), user)
    }

    #[must_use]
    pub fn target_of(&self, user: &str) -> String {
        oracle::address(&self.target.plain(), user)
    }

    /// Fails with every difference between the two mailboxes of `user`.
    pub fn equal(&self, user: &str) -> Result<()> {
        self.compare(&self.source_of(user), &self.target_of(user))
    }

    /// Fails with every difference between two mailboxes or snapshots.
    pub fn compare(&self, a: &str, b: &str) -> Result<()> {
        let mut words = vec!["compare", a, b];
        if self.folded {
            words.push("--fold");
        }
        oracle::run(&words).map(drop)
    }

    /// Fails unless the oracle finds a difference: an oracle that cannot look has not found one.
    pub fn differ(&self, a: &str, b: &str) -> Result<()> {
        let found = oracle::call(&["compare", a, b])?;
        if found.status.code() == Some(1) && String::from_utf8_lossy(&found.stdout).contains("DIFFERENT") {
            return Ok(());
        }
        Err(failure(format!("{a} and {b} do not differ")))
    }

    /// Fails unless `actual` is `base` with the edits of the journals, and nothing else.
    pub fn expect(&self, base: &Path, journals: &[&Path], actual: &str) -> Result<()> {
        let mut words = vec!["expect".to_owned(), base.display().to_string()];
        words.extend(journals.iter().map(|journal| journal.display().to_string()));
        words.push(actual.to_owned());
        if self.folded {
            words.push("--fold".to_owned());
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        oracle::run(&words).map(drop)
    }

    /// Saves what a mailbox holds.
    pub fn snapshot(&self, mailbox: &str, name: &str) -> Result<PathBuf> {
        let file = self.folder.path().join(format!("{name}.json"));
        oracle::run(&["snapshot", mailbox, "--out", &file.to_string_lossy()])?;
        Ok(file)
    }

    /// Random edits of a mailbox from a seed, of the messages of one share (for example `1/2`). Returns the journal.
    pub fn edit(&self, mailbox: &str, seed: &str, count: u32, share: &str, operations: &str) -> Result<PathBuf> {
        let journal = self.folder.path().join(format!("{seed}.journal"));
        let file = journal.to_string_lossy();
        // The journal exists even when no edit was made.
        std::fs::File::create(&journal)?;
        let count = count.to_string();
        let words = ["edit", mailbox, "--seed", seed, "--count", &count, "--share", share, "--journal", &file];
        oracle::run(&[&words[..], &["--ops", operations]].concat())?;
        Ok(journal)
    }

    /// Passes once more and fails if that moved a body or wrote anything: both mailboxes keep even their UIDs, and so few
    /// bytes passed that no body can have been among them.
    pub fn idle(&self, parom: &Parom, user: &str, most_bytes: u64) -> Result<Run> {
        let before =
            [self.snapshot(&self.source_of(user), "before-s")?, self.snapshot(&self.target_of(user), "before-t")?];
        let bytes_before = self.bytes();
        let run = parom.run(&["sync", "--all"])?.ok()?;
        let passed = self.bytes() - bytes_before;
        let after =
            [self.snapshot(&self.source_of(user), "after-s")?, self.snapshot(&self.target_of(user), "after-t")?];
        for (before, after) in before.iter().zip(&after) {
            if std::fs::read(before)? != std::fs::read(after)? {
                return Err(failure(format!("an idle run changed a mailbox: {}", run.said())));
            }
        }
        if passed > most_bytes {
            return Err(failure(format!("an idle run moved {passed} bytes: {}", run.said())));
        }
        Ok(run)
    }

    /// Bytes that have passed the two proxies.
    fn bytes(&self) -> u64 {
        let (source, target) = (self.source_relay.proxy().counters(), self.target_relay.proxy().counters());
        source.up + source.down + target.up + target.down
    }
}
