//! A plain, correct IMAP4rev1 server on loopback with its mail in memory, for the demo and for tests.
//!
//! It has its own parser and its own codecs on purpose: shared with our client, their errors would cancel out. Every
//! extension can be turned off and many kinds of misbehaviour on, at any time, see [`Switches`]. A test looks into a
//! mailbox and edits it without IMAP through [`Hands`].
//!
//! Not offered, because nothing here needs it: TLS, ENVELOPE, BODYSTRUCTURE and numbered body parts.

mod args;
mod command;
pub(crate) mod dates;
mod hands;
pub(crate) mod manners;
pub(crate) mod message;
mod names;
mod search;
mod selected;
pub(crate) mod session;
pub(crate) mod store;
mod switches;
mod wire;

pub use hands::{Hands, Seen};
pub use switches::{Extensions, IndexLag, Omitted, Reaction, Scripted, Switches};

use manners::{Plain, Product};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::Mailbox;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

#[derive(Clone, Debug)]
pub struct Config {
    /// Loopback port; 0 for any free one.
    pub port: u16,
    /// Name and password.
    pub accounts: Vec<(String, String)>,
    /// Name and password of one who may open every mailbox, as `user*master` or by SASL authzid.
    pub master: Option<(String, String)>,
    pub delimiter: char,
    /// UIDVALIDITY of the first folder; two servers in one test should differ.
    pub first_validity: u32,
    pub switches: Switches,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            port: 0,
            accounts: Vec::new(),
            master: None,
            delimiter: '/',
            first_validity: 1000,
            switches: Switches::default(),
        }
    }
}

impl Config {
    /// One account named like its password.
    #[must_use]
    pub fn with_account(mut self, name: &str) -> Config {
        self.accounts.push((name.to_owned(), name.to_owned()));
        self
    }
}

/// A running server. Dropping it ends all connections; the mail lives on in any [`Hands`].
pub struct LabServer {
    lab: Arc<Lab>,
    door: Listening,
}

/// A port that is served. Dropping it ends its connections.
pub(crate) struct Listening {
    pub addr: SocketAddr,
    accepting: AbortHandle,
}

/// What all sessions share.
pub(crate) struct Lab {
    accounts: BTreeMap<String, Account>,
    master: Option<(String, String)>,
    delimiter: char,
    product: Box<dyn Product>,
    switches: Mutex<Switches>,
    /// How often each command was given.
    commands: Mutex<BTreeMap<String, u64>>,
    /// Raised to end all sessions.
    kicks: watch::Sender<u64>,
}

struct Account {
    password: String,
    mailbox: Arc<Mailbox>,
    connections: Arc<AtomicUsize>,
}

impl LabServer {
    /// Starts to listen on loopback. Must be called within a tokio runtime.
    pub async fn start(config: Config) -> io::Result<LabServer> {
        let port = config.port;
        let lab = Arc::new(Lab::new(config, Box::new(Plain)));
        let door = listen(&lab, port, "imap").await?;
        Ok(LabServer { lab, door })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.door.addr
    }

    /// The test's hands on one account's mailbox; `None` for an account that is not there.
    #[must_use]
    pub fn mailbox(&self, account: &str) -> Option<Hands> {
        self.lab.accounts.get(account).map(|account| Hands::new(Arc::clone(&account.mailbox)))
    }

    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.lab.switches());
    }

    /// Lets the next command of this name (in capitals, as in `UID FETCH`) end otherwise.
    pub fn script(&self, command: &str, reaction: Reaction) {
        self.lab.switches().script.push_back(Scripted { command: command.to_owned(), reaction });
    }

    /// Ends all connections without a word.
    pub fn disconnect_all(&self) {
        self.lab.kick_all();
    }

    /// How often this command was given, on all connections; `UID FETCH` counts apart from `FETCH`.
    #[must_use]
    pub fn count(&self, command: &str) -> u64 {
        self.lab.counted(command)
    }

    /// Connections that are signed in as this account.
    #[must_use]
    pub fn connections(&self, account: &str) -> usize {
        self.lab.accounts.get(account).map_or(0, |account| account.connections.load(Ordering::Relaxed))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves until the process ends; `started` hears where. This is what a process of its own runs.
pub async fn run(config: Config, started: impl FnOnce(&LabServer)) -> io::Result<()> {
    let server = LabServer::start(config).await?;
    started(&server);
    std::future::pending().await
}

impl Lab {
    pub(crate) fn new(config: Config, product: Box<dyn Product>) -> Lab {
        let accounts = config.accounts.into_iter().map(|(name, password)| {
            let mailbox = Arc::new(Mailbox::new(config.first_validity));
            (name, Account { password, mailbox, connections: Arc::default() })
        });
        Lab {
            accounts: accounts.collect(),
            master: config.master,
            delimiter: config.delimiter,
            product,
            switches: Mutex::new(config.switches),
            commands: Mutex::default(),
            kicks: watch::channel(0).0,
        }
    }

    pub(crate) fn switches(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, command: &str) {
        *self.commands.lock().unwrap_or_else(PoisonError::into_inner).entry(command.to_owned()).or_default() += 1;
    }

    /// How often this command was given.
    pub(crate) fn counted(&self, command: &str) -> u64 {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).get(command).copied().unwrap_or(0)
    }

    /// Ends all sessions without a word.
    pub(crate) fn kick_all(&self) {
        self.kicks.send_modify(|count| *count += 1);
    }
}

/// Serves a loopback port, any free one for 0. Must be called within a tokio runtime.
pub(crate) async fn listen(lab: &Arc<Lab>, port: u16, door: &str) -> io::Result<Listening> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let addr = listener.local_addr()?;
    let accepting = tokio::spawn(accept(listener, Arc::clone(lab), door.to_owned())).abort_handle();
    Ok(Listening { addr, accepting })
}

async fn accept(listener: TcpListener, lab: Arc<Lab>, door: String) {
    // Aborting this task drops the set, which aborts every session.
    let mut sessions = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: the backlog waits until some are free again.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        while sessions.try_join_next().is_some() {}
        // Answers must leave at once, or Nagle's algorithm would add delays of its own.
        let _ = stream.set_nodelay(true);
        let (lab, mut kicks, manners) = (Arc::clone(&lab), lab.kicks.subscribe(), lab.product.receive(&door));
        sessions.spawn(async move {
            tokio::select! {
                () = session::serve(stream, lab, manners) => {}
                _ = kicks.changed() => {}
            }
        });
    }
}
