//! Counts what an account has planned and done, and estimates how long the rest takes.

use super::What;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub messages: u64,
    pub bytes: u64,
    pub changes: u64,
    /// Of calendars; a pass over them counts nothing else.
    pub events: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Meter {
    pub planned: Work,
    pub done: Work,
    /// The pass is one over calendars.
    pub is_of_calendars: bool,
    began: Instant,
}

impl Meter {
    #[must_use]
    pub fn new(now: Instant) -> Meter {
        Meter { planned: Work::default(), done: Work::default(), is_of_calendars: false, began: now }
    }

    pub fn count(&mut self, what: &What) {
        match what {
            What::BeganCalendars => self.is_of_calendars = true,
            What::Planned(work) => self.planned.add(*work),
            What::Did(work) => self.done.add(*work),
            _ => {}
        }
    }

    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Bytes per second since the beginning.
    #[must_use]
    pub fn rate(&self, now: Instant) -> u64 {
        let ms = self.elapsed(now).as_millis().max(1);
        u64::try_from(u128::from(self.done.bytes).saturating_mul(1000) / ms).unwrap_or(u64::MAX)
    }

    /// How long the rest takes at the speed so far; `None` while nothing is done or nothing is left.
    #[must_use]
    pub fn remaining_s(&self, now: Instant) -> Option<u64> {
        let (done, planned) = self.share();
        if done == 0 || done >= planned {
            return None;
        }
        let rest = u128::from(planned - done);
        let ms = self.elapsed(now).as_millis().saturating_mul(rest) / u128::from(done);
        u64::try_from(ms.div_ceil(1000)).ok()
    }

    /// What is done and what there is to do, in messages or events: their sizes are known only when they have been read.
    #[must_use]
    pub fn share(&self) -> (u64, u64) {
        let [done, planned] = [self.done, self.planned].map(|work| work.messages.saturating_add(work.events));
        (done.min(planned), planned)
    }
}

impl Work {
    fn add(&mut self, more: Work) {
        self.messages = self.messages.saturating_add(more.messages);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.changes = self.changes.saturating_add(more.changes);
        self.events = self.events.saturating_add(more.events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_estimated_from_what_was_done() {
        let work = |messages| Work { messages, bytes: messages * 1000, ..Work::default() };
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut meter = Meter::new(start);
        assert_eq!(meter.remaining_s(at(5)), None);
        meter.count(&What::Planned(Work { messages: 4000, ..Work::default() }));
        assert_eq!(meter.remaining_s(at(5)), None, "nothing done yet, nothing known");
        meter.count(&What::Did(work(1000)));
        assert_eq!(meter.rate(at(10)), 100_000);
        assert_eq!(meter.remaining_s(at(10)), Some(30));
        meter.count(&What::Did(work(3000)));
        assert_eq!(meter.remaining_s(at(10)), None);
    }
}
