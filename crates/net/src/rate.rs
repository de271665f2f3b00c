//! A limit of bytes in a second, shared by connections.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How much may go at once, so that a pause is not needed for every packet.
const BURST: Duration = Duration::from_millis(50);
/// The rate is asked for anew so often: by night it may be another.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// One read or write takes at most what goes in this time, so that many connections take turns.
const SLICE: Duration = Duration::from_millis(100);
const SLICE_LEAST: u64 = 1024;

type Asked = dyn Fn() -> Option<u64> + Send + Sync;

/// So many bytes in a second, both ways together, over all connections that share it.
pub struct Rate {
    asked: Box<Asked>,
    state: Mutex<State>,
}

struct State {
    bytes_per_s: Option<u64>,
    asked_at: Option<Instant>,
    /// When what went until now will have gone at the rate.
    gone_at: Option<Instant>,
}

impl Rate {
    /// `bytes_per_s` is asked about once a second; `None`: no limit now.
    #[must_use]
    pub fn new(bytes_per_s: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Arc<Rate> {
        let state = State { bytes_per_s: None, asked_at: None, gone_at: None };
        Arc::new(Rate { asked: Box::new(bytes_per_s), state: Mutex::new(state) })
    }

    /// How many bytes one read or write may take now.
    fn slice(&self) -> usize {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.asked_at.is_none_or(|at| now.saturating_duration_since(at) >= ASK_EVERY) {
            state.bytes_per_s = (self.asked)().map(|rate| rate.max(1));
            state.asked_at = Some(now);
        }
        let bytes = |rate: u64| (rate.saturating_mul(SLICE.as_millis() as u64) / 1000).max(SLICE_LEAST);
        state.bytes_per_s.map_or(usize::MAX, |rate| usize::try_from(bytes(rate)).unwrap_or(usize::MAX))
    }

    /// So many bytes went. Tells until when whoever moved them has to rest.
    fn went(&self, bytes: usize) -> Option<Instant> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = state.bytes_per_s?;
        let nanos = u128::from(u64::try_from(bytes).unwrap_or(u64::MAX)) * 1_000_000_000 / u128::from(rate);
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let now = Instant::now();
        let from = state.gone_at.map_or(now, |gone| gone.max(now));
        let gone_at = from.checked_add(takes)?;
        state.gone_at = Some(gone_at);
        gone_at.checked_sub(BURST).filter(|until| *until > now)
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rate").finish_non_exhaustive()
    }
}

/// A connection that keeps to a rate.
pub struct Paced<T> {
    inner: T,
    rate: Arc<Rate>,
    reading: Rest,
    writing: Rest,
}

type Rest = Option<Pin<Box<Sleep>>>;

impl<T> Paced<T> {
    pub fn new(inner: T, rate: Arc<Rate>) -> Paced<T> {
        Paced { inner, rate, reading: None, writing: None }
    }
}

/// Ready when the rest is over.
fn rested(rest: &mut Rest, cx: &mut Context<'_>) -> Poll<()> {
    if let Some(sleep) = rest {
        ready!(sleep.as_mut().poll(cx));
        *rest = None;
    }
    Poll::Ready(())
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(rested(&mut this.reading, cx));
        let size = this.rate.slice().min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(size));
        ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        this.reading = this.rate.went(read).map(|until| Box::pin(sleep_until(until)));
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(rested(&mut this.writing, cx));
        let part = bytes.get(..this.rate.slice()).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut this.inner).poll_write(cx, part))?;
        this.writing = this.rate.went(written).map(|until| Box::pin(sleep_until(until)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    /// Sends so many bytes over so many connections that share a rate, each way on its own connection; tells how long it
    /// took on the clock that the test turns.
    async fn takes(rate: &Arc<Rate>, connections: usize, bytes: usize) -> Duration {
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for at in 0..connections {
            let (ours, mut theirs) = duplex(1 << 20);
            let mut ours = Paced::new(ours, rate.clone());
            tasks.spawn(async move {
                let body = vec![7; bytes];
                if at % 2 == 0 {
                    ours.write_all(&body).await.unwrap();
                    let mut got = vec![0; bytes];
                    theirs.read_exact(&mut got).await.unwrap();
                    assert!(got == body);
                } else {
                    theirs.write_all(&body).await.unwrap();
                    let mut got = vec![0; bytes];
                    ours.read_exact(&mut got).await.unwrap();
                    assert!(got == body);
                }
            });
        }
        tasks.join_all().await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn connections_share_a_rate_both_ways() {
        let rate = Rate::new(|| Some(100_000));
        for connections in [1, 4] {
            let seconds = takes(&rate, connections, 500_000).await.as_secs_f64();
            let ideal = 5.0 * f64::from(u32::try_from(connections).unwrap());
            assert!((seconds - ideal).abs() < 0.5, "{connections} connections took {seconds} s instead of {ideal} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits_and_a_new_rate_counts_within_a_second() {
        let limit = Arc::new(AtomicU64::new(0));
        let asked = limit.clone();
        let rate = Rate::new(move || Some(asked.load(Ordering::Relaxed)).filter(|rate| *rate > 0));
        assert_eq!(takes(&rate, 4, 900_000).await, Duration::ZERO);
        limit.store(10_000, Ordering::Relaxed);
        tokio::time::sleep(ASK_EVERY).await;
        let seconds = takes(&rate, 1, 20_000).await.as_secs_f64();
        assert!((seconds - 2.0).abs() < 0.2, "{seconds}");
    }
}
