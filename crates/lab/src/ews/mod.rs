//! A simulated Exchange Web Services server with the calendars behind it, 2010 to 2019.
//!
//! It is built from Microsoft's open specifications ([MS-OXWS*], [MS-OXOCAL], [MS-OXCICAL]) and from what users of other
//! clients reported; each module names its sources. No Exchange was at hand. What the documents leave open is a switch, see
//! [`Switches`]. Independent clients keep it honest: `tests/live/ews_exchangelib.py`.
//!
//! ```no_run
//! # async fn start() -> std::io::Result<()> {
//! use parom_lab::ews::{Config, Event, Ews, User};
//! use parom_lab::exchange::Version;
//! let mut config = Config::new(Version::E2016);
//! config.users.push(User::new("alice@corp.example", "Alice"));
//! let ews = Ews::start(config).await?;
//! // The service account `svc@corp.example` with the password `svc` may impersonate her at ews.url().
//! let alice = ews.outlook("alice@corp.example");
//! let id = alice.add(&Event::at("Lunch", "2024-03-01T12:00:00", "2024-03-01T13:00:00")).unwrap();
//! alice.edit(&id, |event| event.subject = "Dinner".to_owned()).unwrap();
//! assert!(ews.outgoing().is_empty());
//! # Ok(())
//! # }
//! ```

mod appointment_recur;
mod autodiscover;
mod draft;
mod event;
mod fields;
mod gate;
mod goid;
pub(crate) mod http;
mod ical;
mod ids;
mod item;
mod mail;
mod mail_write;
mod notify;
mod oof;
mod op;
mod outlook;
mod paths;
mod query;
mod recurrence;
mod schema;
mod show;
mod site;
mod soap;
mod store;
mod switches;
mod sync;
mod time;
mod trap;
mod version;
mod xml;
mod zones;

pub use autodiscover::Elsewhere;
pub use gate::{Gate, SignIns};
pub use mail::{Mail, SharedMail};
pub use oof::Oof;
pub use outlook::{Event, EventId, Outlook};
pub use switches::Switches;
pub use trap::{Outgoing, OutgoingKind};

use crate::exchange::{Language, Version};
use crate::gauge::Load;
use site::{Site, now_s};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::State;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// A person, or the service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The primary SMTP address, by which and by whose first part one signs in.
    pub address: String,
    pub password: String,
    pub name: String,
    /// Other addresses, and the principal name where it differs.
    pub aliases: Vec<String>,
    pub language: Language,
    /// Known to the directory, but without a mailbox.
    pub has_no_mailbox: bool,
    /// May open every mailbox without impersonation.
    pub has_full_access: bool,
    /// The time zone chosen in Outlook on the web, a Windows id; empty for none.
    pub zone: String,
    /// The categories of the calendar with the numbers of their colours.
    pub categories: Vec<(String, i64)>,
}

impl User {
    /// The first part of the address is the password.
    #[must_use]
    pub fn new(address: &str, name: &str) -> User {
        User {
            address: address.to_owned(),
            password: address.split('@').next().unwrap_or_default().to_owned(),
            name: name.to_owned(),
            aliases: Vec::new(),
            language: Language::English,
            has_no_mailbox: false,
            has_full_access: false,
            zone: String::new(),
            categories: Vec::new(),
        }
    }

    #[must_use]
    pub fn living_in(mut self, zone: &str) -> User {
        zone.clone_into(&mut self.zone);
        self
    }

    #[must_use]
    pub fn speaking(mut self, language: Language) -> User {
        self.language = language;
        self
    }

    #[must_use]
    pub fn also(mut self, alias: &str) -> User {
        self.aliases.push(alias.to_owned());
        self
    }

    fn has(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(address))
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub version: Version,
    pub switches: Switches,
    pub users: Vec<User>,
    /// The account that may impersonate everybody, which has no mailbox.
    pub service: Option<User>,
    /// Loopback port; 0 for any free one.
    pub port: u16,
}

impl Config {
    /// The version's own ways, the service account `svc@corp.example`, and nobody else.
    #[must_use]
    pub fn new(version: Version) -> Config {
        let service = Some(User::new("svc@corp.example", "Service"));
        Config { version, switches: Switches::of(version), users: Vec::new(), service, port: 0 }
    }

    #[must_use]
    pub fn with(mut self, user: User) -> Config {
        self.users.push(user);
        self
    }
}

/// How the next call of an operation ends otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// ErrorServerBusy with this back-off, which may be 0.
    Busy { backoff_ms: u64 },
    /// A fault with this response code.
    Fault(&'static str),
    /// A bare HTTP status, as a proxy or IIS gives it.
    Status(u16),
    /// The connection ends, nothing was done.
    Broken,
    /// It was done, but the answer is lost.
    BrokenAfter,
    /// Only so many of the batch are done; the others are answered with ErrorBatchProcessingStopped.
    StopBatchAfter(usize),
}

/// What was said, for checks against the schema.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub request: String,
    pub response: String,
}

/// A running server. Dropping it ends all connections.
pub struct Ews {
    site: Arc<Site>,
    addr: SocketAddr,
    listening: JoinHandle<()>,
}

impl Ews {
    /// Starts to listen on loopback. Must be called within a tokio runtime.
    pub async fn start(config: Config) -> io::Result<Ews> {
        let mut state = State::new(config.version, config.switches, config.service);
        config.users.into_iter().for_each(|user| state.add_user(user, now_s()));
        let site = Arc::new(Site::new(state));
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
        let addr = listener.local_addr()?;
        let served = Arc::clone(&site);
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((stream, _)) = accepted else { continue };
                        let site = Arc::clone(&served);
                        connections.spawn(async move {
                            let visitor = Arc::new(gate::Visitor::default());
                            let answer = |request| {
                                let (site, visitor) = (Arc::clone(&site), Arc::clone(&visitor));
                                async move {
                                    let _busy = site.gauge.enter();
                                    let latency = site.state().switches.latency;
                                    tokio::time::sleep(latency).await;
                                    Arc::clone(&site).answer(request, visitor).await
                                }
                            };
                            if let Err(error) = http::serve(stream, answer).await {
                                tracing::debug!(%error, "a connection to the simulated EWS ended");
                            }
                        });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Ews { site, addr, listening })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where clients post to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/EWS/Exchange.asmx", self.addr)
    }

    /// Flips the server's ways.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.site.state().switches);
        self.site.ring();
    }

    /// Changes what one may sign in by.
    pub fn gate(&self, change: impl FnOnce(&mut Gate)) {
        change(&mut self.site.gate());
    }

    /// How often people were let in, and how often not, since the start.
    #[must_use]
    pub fn sign_ins(&self) -> SignIns {
        *self.site.sign_ins()
    }

    /// Lets the next call of this operation end otherwise.
    pub fn script(&self, operation: &str, reaction: Reaction) {
        self.site.scripts().push_back((operation.to_owned(), reaction));
    }

    /// Cuts an account off for this time, as if it had overdrawn its budget.
    pub fn throttle(&self, address: &str, wait: Duration) {
        self.site.ledger().block(address, wait, Instant::now());
    }

    /// Shows the mail of another server's mailboxes, the simulated Exchange's, as mail of the same mailboxes.
    pub fn show_mail(&self, mail: Mail) {
        self.site.state().mail = Some(mail);
    }

    /// Shares the mailboxes of another server, the simulated Exchange's: their mail is seen here, and what is written to it here
    /// is written there.
    pub fn share_mail(&self, mail: SharedMail) {
        self.site.state().shared_mail = Some(mail);
    }

    /// Takes from the service account the right to impersonate this person.
    pub fn deny(&self, address: &str) {
        self.site.state().denied.push(address.to_owned());
    }

    /// Gives it back.
    pub fn allow(&self, address: &str) {
        self.site.state().denied.retain(|denied| !denied.eq_ignore_ascii_case(address));
    }

    /// Lets Autodiscover send questions about an address somewhere else.
    pub fn point(&self, address: &str, to: Elsewhere) {
        self.site.state().elsewhere.push((address.to_owned(), to));
    }

    /// What the trap caught: all that was sent to people, by clients of EWS and by Outlook.
    #[must_use]
    pub fn outgoing(&self) -> Vec<Outgoing> {
        self.site.state().outgoing.clone()
    }

    /// How often each operation was called, refused calls too.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.site.state().calls.clone()
    }

    #[must_use]
    pub fn count(&self, operation: &str) -> u64 {
        self.site.state().calls.get(operation).copied().unwrap_or(0)
    }

    /// How many requests there were, and how long they were under way. A stream counts until its first byte.
    #[must_use]
    pub fn load(&self) -> Load {
        self.site.gauge.load()
    }

    /// Subscriptions that stand.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.site.state().subscriptions.len()
    }

    /// Forgets the subscriptions that stand, as a server does that was started anew.
    pub fn forget_subscriptions(&self) {
        self.site.state().subscriptions.clear();
        self.site.ring();
    }

    /// Cuts the connections of all streams, without a word.
    pub fn cut_streams(&self) {
        self.site.scissors.send_modify(|count| *count += 1);
    }

    /// Streams that are open now, of all accounts.
    #[must_use]
    pub fn streams(&self) -> usize {
        site::lock(&self.site.streams).values().sum()
    }

    /// Begins to keep what is said; of a stream each document with the request that opened it.
    pub fn record(&self) {
        self.site.recorded().get_or_insert_with(Vec::new);
    }

    /// What was said since then.
    #[must_use]
    pub fn recorded(&self) -> Vec<Exchange> {
        self.site.recorded().clone().unwrap_or_default()
    }

    /// A person at Outlook. Of an address that is not there everything fails.
    #[must_use]
    pub fn outlook(&self, address: &str) -> Outlook {
        let number = self.site.state().at(address).map_or(u32::MAX, |mailbox| mailbox.number);
        Outlook { site: Arc::clone(&self.site), mailbox: number }
    }
}

impl Drop for Ews {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
