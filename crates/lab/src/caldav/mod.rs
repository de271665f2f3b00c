//! A CalDAV server in this process: calendars of some people, what changed in them, and a trap for what it would have written
//! to others.
//!
//! It is built from the standards (RFC 4791, 6578, 6638, 6764) and from what real servers do otherwise, which is a switch each,
//! see [`Switches`]. It reads iCalendar by its own hand, and refuses more than most servers. Real clients and the suites that
//! run against real servers keep it honest: `crates/caldav/tests/live.rs`, `tests/live/caldav_client.py`.
//!
//! ```no_run
//! # async fn start() -> std::io::Result<()> {
//! use parom_lab::caldav::{CalDav, Config, Person};
//! let dav = CalDav::start(Config::plain().with(Person::new("anna", "sesame"))).await?;
//! // Anna signs in with `sesame` at dav.url(); her calendar has no events yet.
//! assert!(dav.events("anna").is_empty());
//! assert!(dav.letters().is_empty());
//! # Ok(())
//! # }
//! ```

mod lines;
mod object;
mod place;
mod properties;
mod report;
mod schedule;
mod site;
mod store;
mod switches;
mod write;
mod xml;

pub use lines::{Component, Line};
pub use schedule::{Letter, LetterKind};
pub use switches::{ETags, Scheduling, Switches};

use crate::ews::http;
use crate::gauge::Load;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use place::Place;
use site::Site;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::State;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

/// So many connections at a time; the next one waits.
const MOST_CONNECTIONS: usize = 256;

/// Whose calendars they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub login: String,
    pub password: String,
    /// By which others invite them.
    pub address: String,
}

impl Person {
    /// Of corp.example.
    #[must_use]
    pub fn new(login: &str, password: &str) -> Person {
        let address = if login.contains('@') { login.to_owned() } else { format!("{login}@corp.example") };
        Person { login: login.to_owned(), password: password.to_owned(), address }
    }

    fn has(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }
}

#[derive(Clone, Debug)]
pub struct Config {
    pub switches: Switches,
    pub people: Vec<Person>,
    /// Loopback port; 0 for any free one.
    pub port: u16,
}

impl Config {
    #[must_use]
    pub fn plain() -> Config {
        Config { switches: Switches::plain(), people: Vec::new(), port: 0 }
    }

    #[must_use]
    pub fn with(mut self, person: Person) -> Config {
        self.people.push(person);
        self
    }
}

/// How the next request with a method ends otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// 503 with Retry-After.
    Busy { retry_after_s: u64 },
    /// A bare status, as a proxy gives it.
    Status(u16),
    /// The connection ends, nothing was done.
    Broken,
    /// It was done, but the answer is lost.
    BrokenAfter,
}

/// A running server. Dropping it ends all connections.
pub struct CalDav {
    site: Arc<Site>,
    addr: SocketAddr,
    runtime: Handle,
    listening: Mutex<JoinHandle<()>>,
}

impl CalDav {
    /// Starts to listen on loopback. Must be called within a tokio runtime.
    pub async fn start(config: Config) -> io::Result<CalDav> {
        let site = Arc::new(Site::new(State::new(config.switches, config.people)));
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
        let addr = listener.local_addr()?;
        let listening = Mutex::new(tokio::spawn(listen(listener, Arc::clone(&site))));
        Ok(CalDav { site, addr, runtime: Handle::current(), listening })
    }

    /// Ends all connections and listens anew at the same port, with what it holds.
    pub async fn restart(&self) -> io::Result<()> {
        let before = std::mem::replace(&mut *self.listening(), self.runtime.spawn(async {}));
        before.abort();
        // Its end closes the listener.
        let _ = before.await;
        let listener = self.runtime.spawn(TcpListener::bind(self.addr)).await.map_err(io::Error::other)??;
        *self.listening() = self.runtime.spawn(listen(listener, Arc::clone(&self.site)));
        Ok(())
    }

    fn listening(&self) -> MutexGuard<'_, JoinHandle<()>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where a client begins.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// Flips the server's ways.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.site.state().switches);
    }

    /// Lets the next request with this method end otherwise.
    pub fn script(&self, method: &str, reaction: Reaction) {
        self.site.state().scripts.push_back((method.to_owned(), reaction));
    }

    /// Answers a person with 503 for this time.
    pub fn throttle(&self, login: &str, wait: Duration) {
        if let Some(home) = self.site.state().homes.get_mut(login) {
            home.blocked_until = Instant::now().checked_add(wait);
        }
    }

    /// What the trap caught: all that the server would have written to people.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.site.state().letters.clone()
    }

    /// How often each method was asked for, refused ones too.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.site.state().calls.clone()
    }

    /// Requests that write, refused ones too.
    #[must_use]
    pub fn writes(&self) -> u64 {
        let state = self.site.state();
        let methods = ["PUT", "DELETE", "MOVE", "MKCALENDAR", "PROPPATCH"];
        methods.iter().filter_map(|method| state.calls.get(*method)).sum()
    }

    /// How many requests there were, and how long they were under way.
    #[must_use]
    pub fn load(&self) -> Load {
        self.site.gauge.load()
    }

    /// A request of a person as another client of theirs makes it, but without a connection: the status and the body.
    #[must_use]
    pub fn ask(&self, login: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let password = self.site.state().homes.get(login).map(|home| home.person.password.clone());
        let pair = STANDARD.encode(format!("{login}:{}", password.unwrap_or_default()));
        let own = |(name, value): &(&str, &str)| (name.to_ascii_lowercase(), (*value).to_owned());
        let mut headers: Vec<(String, String)> = headers.iter().map(own).collect();
        headers.push(("authorization".to_owned(), format!("Basic {pair}")));
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.as_bytes().to_vec());
        let reply = self.site.respond(&http::Request { method, path, headers, body });
        match reply.body {
            http::Body::Whole(body) => (reply.status, body),
            http::Body::Stream(_) | http::Body::Broken => (0, String::new()),
        }
    }

    /// The texts of a person's objects as they are stored, by their paths.
    #[must_use]
    pub fn events(&self, login: &str) -> BTreeMap<String, String> {
        let state = self.site.state();
        let calendars = state.homes.get(login).into_iter().flat_map(|home| &home.calendars);
        let objects = calendars.flat_map(|(calendar, held)| held.objects.iter().map(move |object| (calendar, object)));
        let path =
            |calendar: &str, name: &str| Place::Object(login.to_owned(), calendar.to_owned(), name.to_owned()).path();
        objects.map(|(calendar, (name, stored))| (path(calendar, name), stored.text.clone())).collect()
    }

    /// The paths of a person's calendars, and what they are called.
    #[must_use]
    pub fn calendars(&self, login: &str) -> BTreeMap<String, String> {
        let state = self.site.state();
        let calendars = state.homes.get(login).into_iter().flat_map(|home| &home.calendars);
        let path = |calendar: &str| Place::Calendar(login.to_owned(), calendar.to_owned()).path();
        calendars.map(|(name, calendar)| (path(name), calendar.display_name.clone())).collect()
    }

    /// How many objects there are, of everybody.
    #[must_use]
    pub fn count(&self) -> usize {
        let state = self.site.state();
        let calendars = state.homes.values().flat_map(|home| home.calendars.values());
        calendars.map(|calendar| calendar.objects.len()).sum()
    }
}

async fn listen(listener: TcpListener, site: Arc<Site>) {
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let site = Arc::clone(&site);
                connections.spawn(async move {
                    let _place = place;
                    let answer = |request| {
                        let site = Arc::clone(&site);
                        async move { site.answer(request).await }
                    };
                    if let Err(error) = http::serve(stream, answer).await {
                        tracing::debug!(%error, "a connection to the CalDAV server ended");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Drop for CalDav {
    fn drop(&mut self) {
        self.listening().abort();
    }
}
