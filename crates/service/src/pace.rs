//! How many connections something bears at this time: as many as it may, until it says that this is too much.
//!
//! Half of them from there, and one more for every round of work that went well (additive increase, multiplicative
//! decrease, as in RFC 5681 for a network). But a round is over in no time, and a server's budget fills up slowly: a while passes
//! before there is one more.

use std::time::Duration;
use tokio::time::Instant;

/// Fewer are of no use: one pass needs two.
const LEAST: usize = 2;
/// From one connection more to the next. After a pause that was asked for, a multiple of that.
const GROWS_AFTER: Duration = Duration::from_secs(10);
const PAUSES: u32 = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    slowed: Option<Slowed>,
    /// How often it was slowed down. Work that began before the last time says nothing new.
    round: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slowed {
    allowed: usize,
    /// What it was slowed down from. By day and by night the ceiling may be another.
    from: usize,
    /// Connections that came back and had met no trouble, since the last change.
    went_well: usize,
    grows_after: Duration,
    since: Instant,
}

impl Pace {
    #[must_use]
    pub fn allowed(self, ceiling: usize) -> usize {
        self.slowed.map_or(ceiling, |slowed| slowed.allowed.min(ceiling))
    }

    #[must_use]
    pub fn round(self) -> u64 {
        self.round
    }

    /// Where it stood when an earlier run ended.
    pub fn resume(&mut self, allowed: usize, from: usize) {
        let allowed = allowed.max(LEAST);
        self.slowed = Some(Slowed { allowed, from, went_well: 0, grows_after: GROWS_AFTER, since: Instant::now() });
    }

    /// Work that began in `round` was told that this is too much, and how long to wait. Tells whether that was news.
    pub fn slow_down(&mut self, round: u64, ceiling: usize, pause: Duration) -> bool {
        if round != self.round {
            return false;
        }
        let from = self.slowed.map_or(ceiling, |slowed| slowed.from.max(ceiling));
        let allowed = (self.allowed(ceiling) / 2).max(LEAST);
        let grows_after = pause.saturating_mul(PAUSES).max(GROWS_AFTER);
        self.slowed = Some(Slowed { allowed, from, went_well: 0, grows_after, since: Instant::now() });
        self.round += 1;
        true
    }

    /// So many connections came back from work that began in `round`. Where they met trouble, the round is over.
    pub fn came_back(&mut self, connections: usize, round: u64, ceiling: usize) {
        let Some(slowed) = self.slowed.as_mut().filter(|slowed| round == self.round && slowed.allowed < ceiling) else {
            return;
        };
        slowed.went_well += connections;
        if slowed.went_well >= slowed.allowed && slowed.since.elapsed() >= slowed.grows_after {
            slowed.allowed += 1;
            slowed.went_well = 0;
            slowed.since = Instant::now();
        }
        if slowed.allowed >= slowed.from {
            self.slowed = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn half_at_once_and_one_more_after_each_round() {
        let mut pace = Pace::default();
        assert!(pace.slow_down(0, 16, Duration::from_secs(5)));
        assert!(!pace.slow_down(0, 16, Duration::ZERO), "all that were on their way are told, and that is once");
        assert_eq!(pace.allowed(16), 8);
        let mut came = Vec::new();
        pace.came_back(100, 1, 16);
        assert_eq!(pace.allowed(16), 8, "its budget is not full again");
        for _ in 0..12 {
            tokio::time::advance(Duration::from_secs(20)).await;
            for _ in 0..pace.allowed(16) / 2 {
                pace.came_back(2, 1, 16);
            }
            came.push(pace.allowed(16));
        }
        assert_eq!((came[0], came[11]), (9, 16));
        pace.came_back(2, 1, 16);
        assert_eq!(pace.allowed(16), 16);
    }

    #[test]
    fn it_never_stops_for_good_and_never_exceeds_the_ceiling() {
        let mut pace = Pace::default();
        for round in 0..9 {
            assert!(pace.slow_down(round, 5, Duration::ZERO));
        }
        assert_eq!(pace.allowed(5), LEAST);
        assert_eq!(Pace::default().allowed(3), 3);
    }

    #[test]
    fn what_was_learnt_by_night_is_not_forgotten_by_day() {
        let mut pace = Pace::default();
        assert_eq!((pace.allowed(4), pace.allowed(20)), (4, 20));
        pace.slow_down(0, 20, Duration::ZERO);
        assert_eq!((pace.allowed(4), pace.allowed(20)), (4, 10));
        for _ in 0..100 {
            pace.came_back(4, 1, 4);
        }
        assert_eq!(pace.allowed(20), 10, "four by day say nothing of twenty by night");
    }
}
