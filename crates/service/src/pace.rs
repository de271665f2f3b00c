//! How many connections something bears at this time: as many as it may, until it says that this is too much.
//!
//! Half of them from there, and one more for every round of work that went well (additive increase, multiplicative
//! decrease, as in RFC 5681 for a network).

/// Fewer are of no use: one pass needs two.
const LEAST: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    allowed: usize,
    /// Connections that came back and had met no trouble, since the last change.
    went_well: usize,
    /// How often it was slowed down. Work that began before the last time says nothing new.
    round: u64,
}

impl Pace {
    /// As fast as it may go.
    #[must_use]
    pub fn full(ceiling: usize) -> Pace {
        Pace { allowed: ceiling, went_well: 0, round: 0 }
    }

    #[must_use]
    pub fn allowed(self, ceiling: usize) -> usize {
        self.allowed.min(ceiling)
    }

    #[must_use]
    pub fn round(self) -> u64 {
        self.round
    }

    /// Where it stood when an earlier run ended.
    pub fn resume(&mut self, allowed: usize) {
        self.allowed = allowed.max(LEAST);
    }

    /// Work that began in `round` was told that this is too much. Tells whether that was news.
    pub fn slow_down(&mut self, round: u64, ceiling: usize) -> bool {
        if round != self.round {
            return false;
        }
        self.allowed = (self.allowed(ceiling) / 2).max(LEAST);
        self.went_well = 0;
        self.round += 1;
        true
    }

    /// So many connections came back from work that began in `round`. Where they met trouble, the round is over.
    pub fn came_back(&mut self, connections: usize, round: u64, ceiling: usize) {
        if round != self.round || self.allowed >= ceiling {
            return;
        }
        self.went_well += connections;
        if self.went_well >= self.allowed {
            self.allowed += 1;
            self.went_well = 0;
        }
    }

    /// The ceiling was raised, or it is night: what was not slowed down goes as fast as it may.
    pub fn follow(&mut self, before: usize, now: usize) {
        if self.allowed >= before {
            self.allowed = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_at_once_and_one_more_after_each_round() {
        let mut pace = Pace::full(16);
        assert!(pace.slow_down(0, 16));
        assert!(!pace.slow_down(0, 16), "all that were on their way are told, and that is once");
        assert_eq!(pace.allowed(16), 8);
        let mut came = Vec::new();
        for _ in 0..12 {
            for _ in 0..pace.allowed(16) / 2 {
                pace.came_back(2, 1, 16);
            }
            came.push(pace.allowed(16));
        }
        assert_eq!(came[..3], [9, 9, 10], "an odd one is counted with the next");
        assert_eq!(came[11], 16);
        pace.came_back(2, 1, 16);
        assert_eq!(pace.allowed(16), 16);
    }

    #[test]
    fn it_never_stops_for_good_and_never_exceeds_the_ceiling() {
        let mut pace = Pace::full(5);
        for round in 0..9 {
            assert!(pace.slow_down(round, 5));
        }
        assert_eq!(pace.allowed(5), LEAST);
        assert_eq!(Pace::full(5).allowed(3), 3);
    }

    #[test]
    fn at_night_it_goes_faster_unless_it_was_slowed_down() {
        let mut pace = Pace::full(4);
        pace.follow(4, 20);
        assert_eq!(pace.allowed(20), 20);
        pace.follow(20, 4);
        assert_eq!(pace.allowed(4), 4);
        pace.slow_down(0, 4);
        pace.follow(4, 20);
        assert_eq!(pace.allowed(20), 2);
    }
}
