//! How busy a server is kept: for how long requests were under way, and how many at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a gauge has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub requests: u64,
    /// The time that requests were under way, all together: two at once for a second are two seconds.
    pub busy: Duration,
    /// The most that were under way at a time.
    pub most_at_once: usize,
    /// From the first request to the last answer.
    pub span: Duration,
}

#[derive(Default)]
pub struct Gauge(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    load: Load,
    now: usize,
    first: Option<Instant>,
}

impl Gauge {
    /// A request is under way for as long as what is returned lives.
    pub fn enter(&self) -> Busy<'_> {
        let began = Instant::now();
        let mut seen = self.seen();
        seen.first.get_or_insert(began);
        seen.load.requests += 1;
        seen.now += 1;
        seen.load.most_at_once = seen.load.most_at_once.max(seen.now);
        Busy { gauge: self, began }
    }

    #[must_use]
    pub fn load(&self) -> Load {
        self.seen().load
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[must_use]
pub struct Busy<'a> {
    gauge: &'a Gauge,
    began: Instant,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut seen = self.gauge.seen();
        seen.now = seen.now.saturating_sub(1);
        seen.load.busy += now.saturating_duration_since(self.began);
        let first = seen.first.unwrap_or(self.began);
        seen.load.span = now.saturating_duration_since(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_at_once_are_counted_together() {
        let gauge = Gauge::default();
        let first = gauge.enter();
        let second = gauge.enter();
        drop(first);
        drop(second);
        drop(gauge.enter());
        let load = gauge.load();
        assert_eq!((load.requests, load.most_at_once), (3, 2));
        assert!(load.busy <= 2 * load.span);
    }
}
