//! A simulated Microsoft Exchange over IMAP, 2010 to 2019, with the ways of the real one that documents and field reports
//! tell of. No Exchange was at hand: nothing here is known better than its sources, which each module names.
//!
//! The protocol engine is that of [`crate::server`]; this module gives it Exchange's manners. Every way is a switch, see
//! [`Quirks`], with a default per [`Version`] ([`Quirks::of`]), and may be flipped while the server runs.
//!
//! ```no_run
//! # async fn start() -> std::io::Result<()> {
//! use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Version};
//! let mut config = ExchangeConfig::new(Version::E2016);
//! config.people.push(Person::new("alice").speaking(Language::Russian));
//! config.people.push(Person::new("svc"));
//! let exchange = ExchangeServer::start(config).await?;
//! exchange.grant("svc", "alice");
//! // `CORP/svc/alice` with the password `svc` opens her mailbox at exchange.addr().
//! # Ok(())
//! # }
//! ```

mod acceptance;
mod conversation;
mod defaults;
mod directory;
mod folders;
mod logins;
#[cfg(feature = "ntlm")]
pub(crate) mod ntlm;
mod outlook;
mod quirks;
mod receipts;
mod rendering;
mod sight;
mod site;
mod substitute;
mod throttle;
mod version;
mod words;

pub use directory::Person;
pub use folders::{Language, Standard};
pub use logins::LoginForm;
pub use outlook::Outlook;
pub use quirks::{
    CalendarItems, Charged, CopyUid, Denial, ExtendedProtection, MailboxMove, Quirks, Rendering, Validities,
};
pub use receipts::{Receipt, ReceiptKind};
pub use throttle::Budget;
pub(crate) use throttle::Ledger;
pub use version::Version;

use crate::server::{Config, Hands, Lab, Listening, Reaction, Switches, listen};
use bytes::Bytes;
use directory::Directory;
use site::{Door, FRONT, Site};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    pub version: Version,
    pub quirks: Quirks,
    /// The NetBIOS name of the domain.
    pub domain: String,
    pub people: Vec<Person>,
    /// Loopback port of the client access service; 0 for any free one.
    pub port: u16,
}

impl ExchangeConfig {
    /// Domain CORP, nobody in it, with the version's own ways.
    #[must_use]
    pub fn new(version: Version) -> ExchangeConfig {
        ExchangeConfig { version, quirks: Quirks::of(version), domain: "CORP".to_owned(), people: Vec::new(), port: 0 }
    }

    #[must_use]
    pub fn with(mut self, person: Person) -> ExchangeConfig {
        self.people.push(person);
        self
    }
}

/// A running Exchange. Dropping it ends all connections; the mail lives on in any [`Hands`].
pub struct ExchangeServer {
    site: Arc<Site>,
    lab: Arc<Lab>,
    front: Listening,
    /// What real servers have on port 1993, one for each database.
    backs: BTreeMap<String, Listening>,
}

impl ExchangeServer {
    /// Starts to listen on loopback. Must be called within a tokio runtime.
    pub async fn start(config: ExchangeConfig) -> io::Result<ExchangeServer> {
        let mut directory = Directory::new(&config.domain);
        let validities = config.quirks.validities;
        config.people.into_iter().for_each(|person| directory.add(person, validities));
        let databases = directory.databases();
        let site = Arc::new(Site::new(config.version, config.quirks, directory));
        let mut switches = Switches::default();
        site.apply(&mut switches);
        let lab = Lab::new(Config { switches, ..Config::default() }, Box::new(Door(Arc::clone(&site))));
        let lab = Arc::new(lab);
        let front = listen(&lab, config.port, FRONT).await?;
        let mut backs = BTreeMap::new();
        for database in databases {
            let back = listen(&lab, 0, &database).await?;
            backs.insert(database, back);
        }
        Ok(ExchangeServer { site, lab, front, backs })
    }

    /// The client access service, which serves every mailbox.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.front.addr
    }

    /// The back end that serves the mailboxes of this database only; the databases are those people started on.
    #[must_use]
    pub fn back_end(&self, database: &str) -> Option<SocketAddr> {
        self.backs.get(database).map(|back| back.addr)
    }

    #[must_use]
    pub fn version(&self) -> Version {
        self.site.version
    }

    /// Flips Exchange's ways.
    pub fn switch(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.site.quirks());
        self.site.apply(&mut self.lab.switches());
    }

    /// Flips what the engine can get wrong for any product. Those that a quirk stands behind are set again by `switch`.
    pub fn switch_engine(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.lab.switches());
    }

    /// Lets the next command of this name (in capitals, as in `UID FETCH`) end otherwise.
    pub fn script(&self, command: &str, reaction: Reaction) {
        let scripted = crate::server::Scripted { command: command.to_owned(), reaction };
        self.lab.switches().script.push_back(scripted);
    }

    /// The test's hands on one mailbox, by alias; `None` for one that is not there.
    #[must_use]
    pub fn mailbox(&self, alias: &str) -> Option<Hands> {
        self.outlook(alias).map(|outlook| outlook.hands())
    }

    /// Another client of this mailbox.
    #[must_use]
    pub fn outlook(&self, alias: &str) -> Option<Outlook> {
        let directory = self.site.directory();
        let mailbox = directory.get(alias).map(|member| Arc::clone(&member.mailbox))?;
        Some(Outlook { site: Arc::clone(&self.site), mailbox })
    }

    /// Gives the delegate FullAccess to the principal's mailbox; both by alias.
    pub fn grant(&self, delegate: &str, principal: &str) {
        self.site.directory().grant(delegate, principal);
    }

    /// Gives the delegate FullAccess to every mailbox.
    pub fn grant_all(&self, delegate: &str) {
        self.site.directory().grant_all(delegate);
    }

    pub fn revoke(&self, delegate: &str, principal: &str) {
        self.site.directory().revoke(delegate, principal);
    }

    /// Changes what is known of a person, but for alias, database and language: see `move_mailbox` and `speak`.
    pub fn change(&self, alias: &str, change: impl FnOnce(&mut Person)) {
        if let Some(member) = self.site.directory().get_mut(alias) {
            let Person { alias, database, language, .. } = member.person.clone();
            change(&mut member.person);
            member.person = Person { alias, database, language, ..member.person.clone() };
        }
    }

    /// Moves the mailbox to another database, with what that does to UIDs (row 25). Sessions end at their next command.
    pub fn move_mailbox(&self, alias: &str, database: &str) {
        let how = self.site.quirks().mailbox_move;
        let Some(outlook) = self.outlook(alias) else { return };
        if let Some(member) = self.site.directory().get_mut(alias) {
            database.clone_into(&mut member.person.database);
            member.moves += 1;
        }
        outlook.relocate(how);
    }

    /// Its owner chooses another language, and Exchange renames the folders that it made itself (row 32).
    pub fn speak(&self, alias: &str, language: Language) {
        if let Some(member) = self.site.directory().get_mut(alias) {
            folders::rename(&mut member.mailbox.lock(), member.person.language, language);
            member.person.language = language;
            member.mailbox.ring();
        }
    }

    /// The database that the mailbox is in now.
    #[must_use]
    pub fn database(&self, alias: &str) -> Option<String> {
        self.site.directory().get(alias).map(|member| member.person.database.clone())
    }

    /// Cuts an account off for this time, as if it had overdrawn its budget (row 29).
    pub fn throttle(&self, alias: &str, wait: Duration) {
        self.site.ledger().block(alias, wait, Instant::now());
    }

    /// Ends all connections without a word.
    pub fn disconnect_all(&self) {
        self.lab.kick_all();
    }

    /// What IMAP gives of a message that is stored with these bytes (row 19).
    #[must_use]
    pub fn rendered(&self, stored: &Bytes) -> Bytes {
        self.site.quirks().rendering.of(stored)
    }

    /// What the trap caught: the receipts that would have been sent to people (row 28).
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        self.site.receipts().clone()
    }

    /// How often this command was given, on all connections; `UID FETCH` counts apart from `FETCH`.
    #[must_use]
    pub fn count(&self, command: &str) -> u64 {
        self.lab.counted(command)
    }

    /// Connections that count against this account now.
    #[must_use]
    pub fn connections(&self, alias: &str) -> usize {
        let directory = self.site.directory();
        directory.get(alias).map_or(0, |member| member.connections.load(Ordering::Relaxed))
    }

    /// Wrong passwords that were tried for this account since the start. So many steps towards a lock-out.
    #[must_use]
    pub fn wrong_passwords(&self, alias: &str) -> u64 {
        self.site.directory().get(alias).map_or(0, |member| member.wrong_passwords)
    }

    /// How often this account has signed in, to its own mailbox or another.
    #[must_use]
    pub fn sign_ins(&self, alias: &str) -> u64 {
        self.site.directory().get(alias).map_or(0, |member| member.sign_ins)
    }

    /// How often somebody has signed in to this mailbox.
    #[must_use]
    pub fn openings(&self, alias: &str) -> u64 {
        self.site.directory().get(alias).map_or(0, |member| member.openings)
    }

    #[must_use]
    pub fn tally(&self) -> Tally {
        let counters = &self.site.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally {
            sign_ins: read(&counters.sign_ins),
            refused_sign_ins: read(&counters.refused_sign_ins),
            throttled: read(&counters.throttled),
            byes_for_errors: read(&counters.byes_for_errors),
            substitutes: read(&counters.substitutes),
            most_connections: read(&counters.most_connections),
        }
    }
}

/// How often things happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub sign_ins: u64,
    /// Refused at once, or let in without a mailbox.
    pub refused_sign_ins: u64,
    /// Commands and sign-ins that were answered with a suggested back-off.
    pub throttled: u64,
    /// Good-byes because of too many refused commands (row 12).
    pub byes_for_errors: u64,
    /// Substitute messages that were sent.
    pub substitutes: u64,
    /// The most connections that one account had at a time.
    pub most_connections: u64,
}
