//! Connections to one server, shared by many clients: no more are open together than the server may have. Each is used by the
//! client alone that opened it, and stays with it between two requests.
//!
//! Whoever began earlier is served first, so that one after the other comes to an end: were all served alike, all would ask this
//! server at the same time, and at the same time the other one, while this one rests. Only the first few requests of a client are
//! served before all others: so it learns what it has to do, and can ask the other server while this one is busy.

use super::connection::Connection;
use super::url::Origin;
use parom_domain::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A connection that its client did not need for so long may go to one that began later. Between an answer and the next request passes less.
const LINGER: Duration = Duration::from_millis(20);

/// With so many requests a client finds out what there is to do, where a person has one calendar.
const FIRST: u64 = 8;

/// How many connections to a server may be open. Clones share them.
#[derive(Clone)]
pub struct Lanes(Arc<Mutex<State>>);

struct State {
    /// So many more may be opened. The others are in use, or idle.
    free: usize,
    /// By rank, then in the order in which they came.
    waiting: BTreeMap<(Rank, u64), Waiting>,
    /// What was used last is last.
    idle: Vec<Idle>,
}

struct Waiting {
    owner: u64,
    origin: Origin,
    lane: oneshot::Sender<Lane>,
}

struct Idle {
    owner: u64,
    origin: Origin,
    connection: Connection,
    /// INVARIANT: it is dropped when nobody holds the state, which it gives itself back to.
    permit: Permit,
}

/// Who is served before others: whoever has only begun, then whoever began earlier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_at_work: bool,
    turn: u64,
}

/// A client, as far as its connections are concerned.
pub(super) struct Owner {
    id: u64,
    /// Since when it is at work.
    turn: AtomicU64,
    /// How often it has asked since then.
    asked: AtomicU64,
}

/// The right to have one connection open.
pub(super) struct Permit(Lanes);

/// A permit, and a connection to the origin where the client has one.
pub(super) type Lane = (Permit, Option<Connection>);

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
        Owner { id: next(), turn: AtomicU64::new(next()), asked: AtomicU64::new(0) }
    }

    fn rank(&self) -> Rank {
        let is_at_work = self.asked.load(Ordering::Relaxed) > FIRST;
        Rank { is_at_work, turn: self.turn.load(Ordering::Relaxed) }
    }

    fn begin_anew(&self) {
        self.turn.store(next(), Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
    }
}

impl Lanes {
    /// At least one.
    #[must_use]
    pub fn new(most: usize) -> Lanes {
        Lanes(Arc::new(Mutex::new(State { free: most.max(1), waiting: BTreeMap::new(), idle: Vec::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this client may have one connection more in use. What was idle for longer than `keep` is not used again.
    pub(super) async fn acquire(&self, owner: &Owner, origin: &Origin, keep: Duration) -> Result<Lane> {
        owner.asked.fetch_add(1, Ordering::Relaxed);
        let mut waiting = {
            let mut state = self.state();
            if let Some(at) = state.idle.iter().rposition(|it| it.owner == owner.id) {
                let kept = state.idle.remove(at);
                drop(state);
                let is_usable = kept.origin == *origin && is_alive(&kept.connection, keep);
                return Ok((kept.permit, Some(kept.connection).filter(|_| is_usable)));
            }
            if state.free > 0 {
                state.free -= 1;
                return Ok((Permit(self.clone()), None));
            }
            let (lane, receiver) = oneshot::channel();
            let waits = Waiting { owner: owner.id, origin: origin.clone(), lane };
            state.waiting.insert((owner.rank(), next()), waits);
            receiver
        };
        loop {
            match timeout(LINGER, &mut waiting).await {
                Ok(lane) => return lane.map_err(|error| Error::internal("nobody gives way").caused_by(error)),
                Err(_) => self.reclaim(),
            }
        }
    }

    /// The connection stays open for its client, unless one that goes before it waits.
    pub(super) fn keep(&self, owner: &Owner, origin: &Origin, connection: Connection, permit: Permit) {
        let mut state = self.state();
        let first = state.waiting.first_entry();
        let takes = first.filter(|first| first.get().owner == owner.id || first.key().0 < owner.rank());
        match takes.map(|first| first.remove()) {
            Some(next) => {
                drop(state);
                let kept = (next.owner == owner.id && next.origin == *origin).then_some(connection);
                // Whoever waits no longer gives the permit back in turn.
                let _ = next.lane.send((permit, kept));
            }
            None => {
                state.idle.push(Idle { owner: owner.id, origin: origin.clone(), connection, permit });
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
        if let Some((_, next)) = next {
            let _ = next.lane.send((Permit(self.clone()), None));
        }
    }

    /// Takes the connection that lingers longest from its client.
    fn reclaim(&self) {
        let mut state = self.state();
        let lingering = state.idle.iter().position(|it| it.connection.idle_since.elapsed() >= LINGER);
        let taken = lingering.map(|at| state.idle.remove(at));
        drop(state);
        drop(taken);
    }

    /// The client has done its work for now: what it does not use is closed, and what it begins next is begun later.
    pub(super) fn rest(&self, owner: &Owner) {
        owner.begin_anew();
        let mut state = self.state();
        let (closed, kept): (Vec<Idle>, _) = state.idle.drain(..).partition(|it| it.owner == owner.id);
        state.idle = kept;
        drop(state);
        drop(closed);
    }
}

fn is_alive(connection: &Connection, keep: Duration) -> bool {
    !connection.sender.is_closed() && connection.idle_since.elapsed() < keep
}
