//! Connections to one server, shared by many clients: no more are open together than the server may have. Each is used by the
//! client alone that opened it.
//!
//! Whoever began earlier is served first, so that one after the other comes to an end: were all served alike, all would ask this server at the
//! same time, and at the same time the other one, while this one rests.

use super::connection::Connection;
use super::url::Origin;
use parom_domain::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many connections to a server may be open. Clones share them.
#[derive(Clone)]
pub struct Lanes(Arc<Inner>);

struct Inner {
    most: usize,
    state: Mutex<State>,
}

struct State {
    /// So many more may be in use.
    free: usize,
    /// By turn, then in the order in which they came.
    waiting: BTreeMap<(u64, u64), oneshot::Sender<Permit>>,
    /// Connections that nobody uses just now; what was used last is last.
    idle: Vec<Idle>,
}

struct Idle {
    owner: u64,
    origin: Origin,
    connection: Connection,
}

/// A client, as far as its connections are concerned.
pub(super) struct Owner {
    id: u64,
    /// Since when it is at work.
    turn: AtomicU64,
}

/// One connection more is in use while this lives.
pub(super) struct Permit(Lanes);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

fn next() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

impl Owner {
    pub(super) fn new() -> Owner {
        Owner { id: next(), turn: AtomicU64::new(next()) }
    }
}

impl Lanes {
    /// At least one.
    #[must_use]
    pub fn new(most: usize) -> Lanes {
        let most = most.max(1);
        let state = State { free: most, waiting: BTreeMap::new(), idle: Vec::new() };
        Lanes(Arc::new(Inner { most, state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one connection more may be in use.
    pub(super) async fn permit(&self, owner: &Owner) -> Result<Permit> {
        let waiting = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                None
            } else {
                let (sender, receiver) = oneshot::channel();
                state.waiting.insert((owner.turn.load(Ordering::Relaxed), next()), sender);
                Some(receiver)
            }
        };
        match waiting {
            None => Ok(Permit(self.clone())),
            Some(permit) => {
                permit.await.map_err(|error| Error::internal("no more requests are taken").caused_by(error))
            }
        }
    }

    fn give_back(&self) {
        let next = {
            let mut state = self.state();
            let next = state.waiting.pop_first();
            state.free += usize::from(next.is_none());
            next
        };
        // Whoever waits no longer gives it back in turn.
        if let Some((_, waiting)) = next {
            let _ = waiting.send(Permit(self.clone()));
        }
    }

    /// A kept connection of this client that still looks alive.
    pub(super) fn take(&self, owner: &Owner, origin: &Origin, keep: Duration) -> Option<Connection> {
        let idle = &mut self.state().idle;
        idle.retain(|it| it.owner != owner.id || is_alive(&it.connection, keep));
        let at = idle.iter().rposition(|it| it.owner == owner.id && it.origin == *origin)?;
        Some(idle.remove(at).connection)
    }

    pub(super) fn keep(&self, owner: &Owner, origin: &Origin, connection: Connection) {
        self.state().idle.push(Idle { owner: owner.id, origin: origin.clone(), connection });
    }

    /// Whoever has a permit is about to open a connection: what was not used for the longest time makes room for it.
    pub(super) fn make_room(&self) {
        let mut state = self.state();
        let open = self.0.most - state.free + state.idle.len();
        let too_many = open.saturating_sub(self.0.most).min(state.idle.len());
        state.idle.drain(..too_many);
    }

    /// The client has done its work for now: what it does not use is closed, and what it begins next is begun later.
    pub(super) fn rest(&self, owner: &Owner) {
        owner.turn.store(next(), Ordering::Relaxed);
        self.state().idle.retain(|it| it.owner != owner.id);
    }
}

fn is_alive(connection: &Connection, keep: Duration) -> bool {
    !connection.sender.is_closed() && connection.idle_since.elapsed() < keep
}
