//! A recurrence rule, as RFC 5545 section 3.3.10 says, in the one form that equal rules share.

mod canonical;
mod expand;
mod text;

pub use canonical::canonical;
pub use expand::Occurrences;
pub use text::{Until, parse, print};

use jiff::civil::{Date, DateTime, Weekday};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Freq {
    Secondly,
    Minutely,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// When a series ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ends {
    #[default]
    Never,
    /// After so many occurrences, the start among them, the deleted ones too. At least one.
    After(u32),
    /// The last day on which an occurrence may begin, in the frame of the series.
    On(Date),
    /// The last moment, in the frame of the series; only where a day has several occurrences.
    At(DateTime),
}

/// A weekday, or the nth one of the month or year; negative ones count from the end, 0 is every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByDay {
    pub nth: i8,
    pub day: Weekday,
}

impl ByDay {
    #[must_use]
    pub fn every(day: Weekday) -> ByDay {
        ByDay { nth: 0, day }
    }

    fn order(self) -> (i8, i8) {
        (self.nth, self.day.to_monday_zero_offset())
    }
}

/// All times in it are local ones of the series' frame. What is read or built goes through [`canonical`], so that equal
/// rules are equal values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    pub freq: Freq,
    /// At least 1.
    pub interval: u32,
    pub ends: Ends,
    pub by_month: Vec<i8>,
    pub by_week_no: Vec<i8>,
    pub by_year_day: Vec<i16>,
    pub by_month_day: Vec<i8>,
    pub by_day: Vec<ByDay>,
    pub by_hour: Vec<i8>,
    pub by_minute: Vec<i8>,
    pub by_second: Vec<i8>,
    pub by_set_pos: Vec<i16>,
    pub week_start: Weekday,
}

impl Rule {
    #[must_use]
    pub fn every(freq: Freq, interval: u32) -> Rule {
        Rule {
            freq,
            interval: interval.max(1),
            ends: Ends::Never,
            by_month: Vec::new(),
            by_week_no: Vec::new(),
            by_year_day: Vec::new(),
            by_month_day: Vec::new(),
            by_day: Vec::new(),
            by_hour: Vec::new(),
            by_minute: Vec::new(),
            by_second: Vec::new(),
            by_set_pos: Vec::new(),
            week_start: Weekday::Monday,
        }
    }

    #[must_use]
    pub fn on_days(mut self, days: &[Weekday]) -> Rule {
        self.by_day = days.iter().map(|day| ByDay::every(*day)).collect();
        self
    }

    #[must_use]
    pub fn ending(mut self, ends: Ends) -> Rule {
        self.ends = ends;
        self
    }

    /// Does a day have at most one occurrence, at the start's time of day?
    #[must_use]
    pub fn once_a_day(&self) -> bool {
        self.freq >= Freq::Daily && self.by_hour.is_empty() && self.by_minute.is_empty() && self.by_second.is_empty()
    }

    /// The occurrences in order, the start first whether the rule meets it or not.
    #[must_use]
    pub fn occurrences(&self, start: DateTime) -> Occurrences<'_> {
        Occurrences::new(self, start)
    }

    /// Is the start what the rule itself yields first? (Exchange knows no other series.)
    #[must_use]
    pub fn meets(&self, start: DateTime) -> bool {
        Occurrences::unanchored(self, start).next() == Some(start)
    }
}
