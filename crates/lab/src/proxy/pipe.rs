//! Moves the bytes of one connection, on time and no further than its triggers allow.

use super::trigger::{Act, Claim, Held, Passed};
use super::{Conditions, Shared};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// Large enough that system calls do not dominate, small enough for thousands of connections.
const BUFFER: usize = 128 << 10;

/// What a delayed direction may hold: enough for 1 GB/s at 60 ms.
const IN_FLIGHT: usize = 64 << 20;

/// Why a connection ends before both its ends have closed it.
pub(super) enum Ending {
    Reset,
    Close,
    BlackHole,
}

/// Forwards both directions until both have ended.
pub(super) async fn both_ways(
    client: &mut TcpStream,
    upstream: &mut TcpStream,
    shared: &Arc<Shared>,
    delay: Duration,
) -> Result<(), Ending> {
    let (from_client, to_client) = client.split();
    let (from_upstream, to_upstream) = upstream.split();
    let (up, down) = Passed::both_ways();
    tokio::try_join!(
        one_way(from_client, to_upstream, shared, up, delay),
        one_way(from_upstream, to_client, shared, down, delay),
    )?;
    Ok(())
}

/// Reads both sockets into nothing until one of them ends.
pub(super) async fn swallow(client: &mut TcpStream, upstream: &mut TcpStream) {
    let (mut from_client, _to_client) = client.split();
    let (mut from_upstream, _to_upstream) = upstream.split();
    tokio::select! {
        () = drain(&mut from_client) => {}
        () = drain(&mut from_upstream) => {}
    }
}

async fn one_way(
    mut from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    shared: &Arc<Shared>,
    passed: Passed,
    delay: Duration,
) -> Result<(), Ending> {
    let mut out = Out { to, shared, passed, truncated: false };
    if delay.is_zero() {
        let mut buffer = vec![0; BUFFER];
        loop {
            let len = read(&mut from, &mut buffer).await?;
            match buffer.get(..len) {
                Some(data) if len > 0 => out.pass(data).await?,
                _ => return out.end().await,
            }
        }
    }
    // The reader stamps what it gets and never waits for the writer, so the delay does not limit the throughput.
    let (send, mut receive) = mpsc::unbounded_channel::<(Instant, Bytes)>();
    let room = Semaphore::new(IN_FLIGHT);
    let reading = async {
        let mut buffer = BytesMut::new();
        loop {
            // Small pieces share one allocation; a new one is made when little of it is left.
            if buffer.capacity() < BUFFER / 8 {
                buffer.reserve(BUFFER);
            }
            let len = from.read_buf(&mut buffer).await.map_err(|_| Ending::Reset)?;
            let data = buffer.split().freeze();
            if let Ok(permit) = room.acquire_many(u32::try_from(len).unwrap_or(u32::MAX)).await {
                permit.forget();
            }
            // The end is delayed as data is; the empty piece stands for it.
            if send.send((Instant::now() + delay, data)).is_err() || len == 0 {
                return Ok(());
            }
        }
    };
    let writing = async {
        while let Some((due, data)) = receive.recv().await {
            tokio::time::sleep_until(due).await;
            if data.is_empty() {
                break;
            }
            out.pass(&data).await?;
            room.add_permits(data.len());
        }
        out.end().await
    };
    tokio::try_join!(reading, writing)?;
    Ok(())
}

/// The writing end of one direction.
struct Out<'a> {
    to: WriteHalf<'a>,
    shared: &'a Arc<Shared>,
    passed: Passed,
    truncated: bool,
}

impl Out<'_> {
    /// Hands `data` on as far as conditions and triggers allow.
    async fn pass(&mut self, mut data: &[u8]) -> Result<(), Ending> {
        // So many bytes of `data` are across the shared line already: a trigger may hold them back after that.
        let mut across = 0;
        while !data.is_empty() && !self.truncated {
            let conditions = self.open().await;
            let piece = piece(data, conditions);
            if let Some(rate) = conditions.line_bytes_per_s
                && across < piece.len()
            {
                self.cross(piece.len() - across, rate).await;
                across = piece.len();
            }
            let claim = self.shared.ledger().claim(&mut self.passed, piece);
            match claim {
                Claim::Held => self.free().await,
                Claim::Pass(len, act) => {
                    let _release = act.as_ref().filter(|act| act.holds()).map(|_| Release(self.shared));
                    let (now, rest) = data.split_at_checked(len).unwrap_or((data, &[]));
                    let written = self.to.write_all(now).await;
                    data = rest;
                    across = across.saturating_sub(now.len());
                    // A receiver that is already gone does not keep the act from happening.
                    if let Some(act) = act {
                        self.act(act).await?;
                    }
                    written.map_err(|_| Ending::Reset)?;
                    if let Some(rate) = conditions.bytes_per_s {
                        tokio::time::sleep(Duration::from_secs_f64(len as f64 / rate.max(1) as f64)).await;
                    }
                }
            }
        }
        Ok(())
    }

    async fn act(&mut self, act: Act) -> Result<(), Ending> {
        match act {
            Act::Reset => Err(Ending::Reset),
            Act::Close => Err(Ending::Close),
            Act::BlackHole => Err(Ending::BlackHole),
            Act::Truncate => {
                self.truncated = true;
                Ok(())
            }
            Act::Call(callback) => {
                // A callback that panicked has had its say; the test sees it in its own thread's output.
                let _ = tokio::task::spawn_blocking(callback).await;
                Ok(())
            }
            Act::Kill(callback) => {
                let _ = tokio::task::spawn_blocking(callback).await;
                self.shared.reset_all();
                Err(Ending::Reset)
            }
            Act::Hold(tell) => {
                let (resume, resumed) = oneshot::channel();
                if tell.send(Held { _resume: resume }).is_ok() {
                    // Dropping the other end is the signal, so this is always an error.
                    let _ = resumed.await;
                }
                Ok(())
            }
        }
    }

    /// The sender has closed its end: so do we, unless what it sent had vanished on the way.
    async fn end(&mut self) -> Result<(), Ending> {
        if self.truncated {
            return Ok(());
        }
        self.open().await;
        self.to.shutdown().await.map_err(|_| Ending::Reset)
    }

    /// Waits while a black hole is open, and tells the conditions after it.
    async fn open(&self) -> Conditions {
        let mut conditions = self.shared.conditions.subscribe();
        let open = conditions.wait_for(|now| !now.black_hole).await;
        open.map(|now| *now).unwrap_or_default()
    }

    /// Waits until so many bytes are across the line that all connections share.
    async fn cross(&self, len: usize, bytes_per_s: u64) {
        let across = self.shared.ledger().across(self.passed.direction, len, bytes_per_s, Instant::now());
        tokio::time::sleep_until(across).await;
    }

    /// Waits until no trigger holds us.
    async fn free(&self) {
        let mut held = self.shared.ledger().held();
        // The sender lives in `shared`, so waiting cannot fail.
        let _ = held.wait_for(|held| !held).await;
    }
}

/// Lets everything go on when it is dropped, also when the connection that holds is aborted.
struct Release<'a>(&'a Arc<Shared>);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.ledger().release();
    }
}

/// At a limited rate data goes in pieces of a twentieth of a second, on a shared line in such of five milliseconds, so that
/// nobody waits long for a turn.
fn piece(data: &[u8], conditions: Conditions) -> &[u8] {
    let part = |rate: Option<u64>, of_a_second: u64| rate.map(|rate| (rate / of_a_second).max(1));
    let limits = [part(conditions.bytes_per_s, 20), part(conditions.line_bytes_per_s, 200)];
    let limit = limits.into_iter().flatten().min().and_then(|limit| usize::try_from(limit).ok());
    limit.and_then(|limit| data.get(..limit)).unwrap_or(data)
}

async fn read(from: &mut ReadHalf<'_>, buffer: &mut [u8]) -> Result<usize, Ending> {
    from.read(buffer).await.map_err(|_| Ending::Reset)
}

async fn drain(from: &mut ReadHalf<'_>) {
    let mut buffer = [0; 4096];
    while from.read(&mut buffer).await.is_ok_and(|len| len > 0) {}
}
