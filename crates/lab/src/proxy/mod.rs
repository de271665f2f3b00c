//! A TCP proxy that delays, drips, cuts, swallows and stops at exactly the byte a test asks for.
//!
//! It listens on loopback and forwards to one upstream. What it does to all connections is in [`Conditions`], which can be
//! changed while it runs. What it does once, at one byte or one occurrence of a pattern, is armed as a trigger: a
//! [`Spot`] and an [`Act`]. The bytes up to the spot have always been handed to the receiver's socket before the act.

mod pipe;
mod trigger;

pub use trigger::{Act, Direction, Held, Spot};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use trigger::Ledger;

/// What every connection suffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Half of it in each direction, without limiting the throughput; connecting takes a round trip of its own as TCP's
    /// handshake does. A connection keeps the delay it was opened with.
    pub round_trip: Duration,
    /// At most so many bytes per second in each direction of each connection.
    pub bytes_per_s: Option<u64>,
    /// At most so many bytes per second in each direction, all connections together: they share a line.
    pub line_bytes_per_s: Option<u64>,
    /// Nothing is forwarded any more, and everything stays open.
    pub black_hole: bool,
    /// New connections are reset at once.
    pub refuse: bool,
}

/// How much has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes from clients to the upstream.
    pub up: u64,
    /// Bytes from the upstream to clients.
    pub down: u64,
    /// Connections accepted.
    pub connections: u64,
    /// How often a client spoke after it had listened, all connections together. Where commands wait for answers these are
    /// the round trips; while both directions flow at once it says little.
    pub turns: u64,
}

/// A running proxy. Dropping it resets all its connections.
pub struct Proxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

struct Shared {
    upstream: SocketAddr,
    conditions: watch::Sender<Conditions>,
    /// Raised to reset all connections.
    kicks: watch::Sender<u64>,
    ledger: Mutex<Ledger>,
}

impl Proxy {
    /// Listens on a free loopback port. Must be called within a tokio runtime.
    pub async fn start(upstream: SocketAddr, conditions: Conditions) -> io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            conditions: watch::channel(conditions).0,
            kicks: watch::channel(0).0,
            ledger: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Proxy { addr, shared, accepting })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn change(&self, change: impl FnOnce(&mut Conditions)) {
        self.shared.conditions.send_modify(change);
    }

    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.ledger().counters
    }

    /// Does `act` once, when `spot` is reached.
    pub fn arm(&self, spot: Spot, act: Act) {
        self.shared.ledger().arm(spot, act);
    }

    /// Runs `callback` when `spot` is reached. Until it has returned no connection forwards anything. Then all go on, so
    /// the receiver still gets what the sender's socket held, as after a real death.
    pub fn call_at(&self, spot: Spot, callback: impl FnOnce() + Send + 'static) {
        self.arm(spot, Act::Call(Box::new(callback)));
    }

    /// The same, but all connections are reset afterwards: whoever the callback kills dies exactly there, and the receiver
    /// sees not one byte more.
    pub fn kill_at(&self, spot: Spot, callback: impl FnOnce() + Send + 'static) {
        self.arm(spot, Act::Kill(Box::new(callback)));
    }

    /// Resets all connections that are open now.
    pub fn reset_all(&self) {
        self.shared.reset_all();
    }

    /// Holds all forwarding when `spot` is reached; it goes on when the [`Held`] that comes through is dropped. The
    /// channel closes without a value when the proxy ends first.
    #[must_use]
    pub fn hold_at(&self, spot: Spot) -> oneshot::Receiver<Held> {
        let (tell, told) = oneshot::channel();
        self.arm(spot, Act::Hold(tell));
        told
    }

    /// How many triggers have not fired yet.
    #[must_use]
    pub fn armed(&self) -> usize {
        self.shared.ledger().armed()
    }

    /// Forgets all triggers that have not fired.
    pub fn disarm(&self) {
        self.shared.ledger().disarm();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn reset_all(&self) {
        self.kicks.send_modify(|count| *count += 1);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Aborting this task drops the set, which aborts every connection.
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors: the backlog waits until some are free again.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        shared.ledger().counters.connections += 1;
        connections.spawn(serve(client, Arc::clone(&shared)));
    }
}

async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let conditions = *shared.conditions.borrow();
    let mut kicks = shared.kicks.subscribe();
    if !conditions.round_trip.is_zero() {
        // The client believes itself connected at once; the round trip of the handshake and the way of its last packet
        // are waited for here.
        tokio::time::sleep(conditions.round_trip.mul_f32(1.5)).await;
    }
    let upstream = if conditions.refuse { None } else { TcpStream::connect(shared.upstream).await.ok() };
    let Some(mut upstream) = upstream else {
        reset(&client);
        return;
    };
    // Small writes must leave at once, or Nagle's algorithm would add delays of its own.
    let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
    let ending = tokio::select! {
        // A reset for all comes before anything that could still be forwarded.
        biased;
        _ = kicks.changed() => Err(pipe::Ending::Reset),
        ending = pipe::both_ways(&mut client, &mut upstream, &shared, conditions.round_trip / 2) => ending,
    };
    match ending {
        Ok(()) | Err(pipe::Ending::Close) => {}
        Err(pipe::Ending::Reset) => {
            reset(&client);
            reset(&upstream);
        }
        Err(pipe::Ending::BlackHole) => pipe::swallow(&mut client, &mut upstream).await,
    }
}

/// Makes the coming close of this socket a RST.
fn reset(stream: &TcpStream) {
    // A socket that is already gone needs no reset.
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests;
