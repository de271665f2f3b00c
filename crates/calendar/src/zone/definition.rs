//! A zone as VTIMEZONE and Exchange's definitions tell it: offsets, and when they begin (RFC 5545 section 3.6.5,
//! [MS-OXWSGTZ] for the transitions).

use crate::Unfit;
use crate::rule::{self, ByDay, Ends, Freq, Rule, Until, canonical};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// Rules of a zone and the name that they go by, which is unique only within one calendar object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    pub label: String,
    observances: Vec<Observance>,
}

/// From its onsets on, clocks show `to` seconds east of UTC instead of `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observance {
    pub daylight: bool,
    /// The first onset, on a clock that still shows `from`.
    pub onset: DateTime,
    pub from: i32,
    pub to: i32,
    /// Further onsets; its end is on the same clock.
    pub rule: Option<Rule>,
    pub dates: Vec<DateTime>,
}

/// The day on which clocks change each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YearDay {
    /// The nth such weekday of the month, 1 to 4, or the last one (-1; Windows writes 5).
    Nth {
        month: i8,
        day: Weekday,
        nth: i8,
    },
    Date {
        month: i8,
        day: i8,
    },
}

impl Observance {
    /// One that begins each year, from one year to another: how Exchange's RecurringDayTransition and
    /// RecurringDateTransition, and Windows' TIME_ZONE_INFORMATION, tell it. `None` for a day that does not exist.
    #[must_use]
    pub fn yearly(
        daylight: bool,
        (from, to): (i32, i32),
        day: YearDay,
        time: Time,
        (first_year, last_year): (i16, Option<i16>),
    ) -> Option<Observance> {
        let rule = Rule::every(Freq::Yearly, 1);
        let (month, rule) = match day {
            YearDay::Nth { month, day, nth } => {
                let nth = if nth == 5 { -1 } else { nth };
                (month, Rule { by_month: vec![month], by_day: vec![ByDay { nth, day }], ..rule })
            }
            YearDay::Date { month, day } => (month, Rule { by_month: vec![month], by_month_day: vec![day], ..rule }),
        };
        let ends = last_year.map_or(Some(Ends::Never), |last| Date::new(last, 12, 31).ok().map(Ends::On))?;
        let rule = rule.ending(ends);
        let begin = Date::new(first_year, month, 1).ok()?.to_datetime(time);
        let onset = std::iter::once(begin).chain(rule.occurrences(begin)).find(|at| rule.meets(*at))?;
        let rule = Some(canonical(rule, onset));
        Some(Observance { daylight, onset, from, to, rule, dates: Vec::new() })
    }

    /// An observance with the rule of an RRULE, whose UNTIL is in UTC.
    pub fn with_rule(mut self, text: &str) -> Result<Observance, Unfit> {
        let (mut rule, until) = rule::parse(text).map_err(|_| Unfit::BadZone)?;
        rule.ends = match until {
            None => rule.ends,
            Some(Until::Date(date)) => Ends::On(date),
            Some(Until::Local(at)) => Ends::At(at),
            Some(Until::Utc(at)) => Ends::At(at.saturating_add(SignedDuration::from_secs(self.from.into()))),
        };
        self.rule = Some(canonical(rule, self.onset));
        Ok(self)
    }

    /// The onsets in UTC seconds, from one second to another.
    fn onsets(&self, from: i64, to: i64) -> Vec<i64> {
        let utc = |local: DateTime| seconds(local).saturating_sub(self.from.into());
        let mut all: Vec<i64> = self.dates.iter().map(|date| utc(*date)).collect();
        match &self.rule {
            None => all.push(utc(self.onset)),
            Some(rule) => {
                let onsets = rule.occurrences(self.onset);
                // The last onset before `from` has to be among them: of a rule that ended, that may be long ago.
                let onsets = if rule.ends == Ends::Never {
                    let day = Timestamp::from_second(from).unwrap_or(Timestamp::MIN);
                    let day = Offset::UTC.to_datetime(day).date();
                    onsets.skipping_to(day.saturating_sub(jiff::Span::new().years(1)))
                } else {
                    onsets
                };
                all.extend(onsets.map(utc).take_while(|at| *at < to));
            }
        }
        all.retain(|at| *at < to);
        all
    }
}

impl Definition {
    #[must_use]
    pub fn new(label: &str, observances: Vec<Observance>) -> Definition {
        Definition { label: label.to_owned(), observances }
    }

    #[must_use]
    pub fn observances(&self) -> &[Observance] {
        &self.observances
    }

    /// The offset at the beginning, and every change of it after that, up to the end; all in seconds.
    pub(super) fn steps(&self, from: i64, to: i64) -> (i32, Vec<(i64, i32)>) {
        let mut all: Vec<(i64, i32)> = Vec::new();
        for observance in &self.observances {
            all.extend(observance.onsets(from, to).into_iter().map(|at| (at, observance.to)));
        }
        all.sort_unstable();
        let first = self.observances.iter().min_by_key(|observance| observance.onset);
        let before = first.map_or(0, |observance| observance.from);
        let past = all.partition_point(|(at, _)| *at <= from);
        let at_start = past.checked_sub(1).and_then(|last| all.get(last)).map_or(before, |(_, to)| *to);
        let mut offset = at_start;
        let mut steps = Vec::new();
        for (at, to) in all.split_off(past) {
            if to != offset {
                steps.push((at, to));
            }
            offset = to;
        }
        (at_start, steps)
    }

    /// Seconds east of UTC at that second.
    pub(super) fn offset(&self, at: i64) -> i32 {
        self.steps(at, at.saturating_add(1)).0
    }

    pub(super) fn instant(&self, local: DateTime) -> Option<Timestamp> {
        const DAY: i64 = 86_400;
        let wall = seconds(local);
        // Of the two offsets around, the earlier moment whose clock shows this; in a gap, the offset before it counts.
        let (before, steps) = self.steps(wall.saturating_sub(2 * DAY), wall.saturating_add(2 * DAY));
        let offsets = std::iter::once(before).chain(steps.iter().map(|(_, to)| *to));
        let shown = offsets.map(|offset| wall - i64::from(offset)).find(|at| wall - i64::from(self.offset(*at)) == *at);
        let in_gap = || {
            let mut offset = before;
            for (at, to) in &steps {
                if wall - i64::from(offset) < *at {
                    break;
                }
                // The clocks went forward over it: it is as long after the change as it is after the gap's begin.
                if wall - i64::from(*to) < *at {
                    return wall - i64::from(offset);
                }
                offset = *to;
            }
            wall - i64::from(offset)
        };
        Timestamp::from_second(shown.unwrap_or_else(in_gap)).ok()
    }

    /// What orders and tells definitions apart.
    pub(super) fn key(&self) -> String {
        format!("{self:?}")
    }
}

fn seconds(local: DateTime) -> i64 {
    Offset::UTC.to_timestamp(local).map_or(0, Timestamp::as_second)
}
