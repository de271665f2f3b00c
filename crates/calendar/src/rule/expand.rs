//! The occurrences of a rule, exactly as RFC 5545 says: every part of a rule is a filter on the days of a period.

use super::{Freq, Rule};
use crate::rule::Ends;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{SignedDuration, ToSpan};
use std::collections::VecDeque;

/// After so many periods without an occurrence none is to come: the calendar repeats itself after 400 years.
fn most_empty(freq: Freq) -> u32 {
    match freq {
        Freq::Yearly => 401,
        Freq::Monthly => 12 * 401,
        _ => 150_000,
    }
}

/// Occurrences in order, each once. Ends with the rule, with the year 9999, or where nothing more can come.
#[derive(Clone, Debug)]
pub struct Occurrences<'a> {
    rule: &'a Rule,
    start: DateTime,
    /// The next period, counted from the one of the start.
    period: i64,
    ready: VecDeque<DateTime>,
    last: Option<DateTime>,
    given: u32,
    anchored: bool,
    over: bool,
}

impl<'a> Occurrences<'a> {
    pub(super) fn new(rule: &'a Rule, start: DateTime) -> Occurrences<'a> {
        Occurrences {
            rule,
            start,
            period: 0,
            ready: VecDeque::from([start]),
            last: None,
            given: 0,
            anchored: true,
            over: false,
        }
    }

    /// Without the start where the rule does not meet it.
    pub(super) fn unanchored(rule: &'a Rule, start: DateTime) -> Occurrences<'a> {
        Occurrences { ready: VecDeque::new(), anchored: false, ..Occurrences::new(rule, start) }
    }

    /// Leaves out what lies a period or more before this day; for rules that do not count.
    #[must_use]
    pub fn skipping_to(mut self, day: Date) -> Occurrences<'a> {
        let first = self.start.date();
        if day <= first || matches!(self.rule.ends, Ends::After(_)) {
            return self;
        }
        let days = i64::from(days_between(first, day));
        let units = match self.rule.freq {
            Freq::Yearly => i64::from(day.year()) - i64::from(first.year()),
            Freq::Monthly => months_between(first, day),
            Freq::Weekly => days / 7,
            Freq::Daily => days,
            Freq::Hourly | Freq::Minutely | Freq::Secondly => return self,
        };
        self.period = (units / i64::from(self.rule.interval) - 1).max(0);
        if self.period > 0 {
            self.ready.clear();
        }
        self
    }

    /// Fills `ready` with the next occurrences after `last`.
    fn refill(&mut self) {
        let mut empty = 0;
        while self.ready.is_empty() && !self.over {
            let Some(mut found) = self.rule.within(self.start, self.period) else {
                self.over = true;
                return;
            };
            self.period += 1;
            found.retain(|at| {
                self.last.map_or(*at >= self.start && (!self.anchored || *at > self.start), |last| *at > last)
            });
            empty += 1;
            if found.is_empty() && empty > most_empty(self.rule.freq) {
                self.over = true;
            }
            self.ready.extend(found);
        }
    }
}

impl Iterator for Occurrences<'_> {
    type Item = DateTime;

    fn next(&mut self) -> Option<DateTime> {
        self.refill();
        let at = self.ready.pop_front()?;
        // The start takes place whatever the rule says of it.
        let is_anchor = self.anchored && self.period == 0 && self.given == 0;
        let goes_on = match self.rule.ends {
            _ if is_anchor => true,
            Ends::Never => true,
            Ends::After(count) => self.given < count,
            Ends::On(day) => at.date() <= day,
            Ends::At(last) => at <= last,
        };
        if !goes_on {
            self.over = true;
            self.ready.clear();
            return None;
        }
        self.given += 1;
        self.last = Some(at);
        Some(at)
    }
}

impl Rule {
    /// The occurrences of one period in order, those before the start too; `None` beyond the calendar.
    fn within(&self, start: DateTime, period: i64) -> Option<Vec<DateTime>> {
        let steps = period.checked_mul(i64::from(self.interval))?;
        let all = match self.freq {
            Freq::Hourly => return self.within_day(start, SignedDuration::from_hours(steps)),
            Freq::Minutely => return self.within_day(start, SignedDuration::from_mins(steps)),
            Freq::Secondly => return self.within_day(start, SignedDuration::from_secs(steps)),
            _ => self.days(start.date(), steps)?,
        };
        if all.is_empty() {
            return Some(Vec::new());
        }
        let times = self.times(start.time());
        let moments = all.iter().flat_map(|day| times.iter().map(|time| day.to_datetime(*time))).collect();
        Some(self.at_positions(moments))
    }

    /// The days of one period that pass all filters.
    fn days(&self, first: Date, steps: i64) -> Option<Vec<Date>> {
        let (from, count) = match self.freq {
            Freq::Yearly => {
                let year = i16::try_from(i64::from(first.year()).checked_add(steps)?).ok()?;
                let from = Date::new(year, 1, 1).ok()?;
                (from, from.days_in_year())
            }
            Freq::Monthly => {
                let months = i64::from(first.month()) - 1 + steps;
                let year = i16::try_from(i64::from(first.year()) + months.div_euclid(12)).ok()?;
                let from = Date::new(year, i8::try_from(months.rem_euclid(12)).ok()? + 1, 1).ok()?;
                (from, i16::from(from.days_in_month()))
            }
            Freq::Weekly => {
                let week = first.checked_sub(i64::from(first.weekday().since(self.week_start)).days()).ok()?;
                (week.checked_add(days(steps.checked_mul(7)?)?).ok()?, 7)
            }
            _ => (first.checked_add(days(steps)?).ok()?, 1),
        };
        // What a rule leaves open is taken from the start (RFC 5545 section 3.3.10).
        let open = self.by_week_no.is_empty()
            && self.by_year_day.is_empty()
            && self.by_month_day.is_empty()
            && self.by_day.is_empty();
        let month = (open && self.freq == Freq::Yearly && self.by_month.is_empty()).then_some(first.month());
        let month_day = (open && matches!(self.freq, Freq::Yearly | Freq::Monthly)).then_some(first.day());
        let only_weeks = !self.by_week_no.is_empty() && self.by_day.is_empty();
        let weekday = (only_weeks || (open && self.freq == Freq::Weekly)).then_some(first.weekday());
        let mut found = Vec::new();
        let mut day = from;
        let mut left = count;
        while left > 0 {
            let wrong_month = month.is_some_and(|month| day.month() != month)
                || !(self.by_month.is_empty() || self.by_month.contains(&day.month()));
            // Months that the rule does not name are passed over as a whole.
            let passed = if wrong_month { i16::from(day.days_in_month() - day.day()) + 1 } else { 1 };
            let from_start = month_day.is_none_or(|month_day| day.day() == month_day)
                && weekday.is_none_or(|weekday| day.weekday() == weekday);
            if !wrong_month && from_start && self.admits(day) {
                found.push(day);
            }
            left -= passed;
            if left > 0 {
                day = if passed == 1 { day.tomorrow() } else { day.checked_add(i64::from(passed).days()) }.ok()?;
            }
        }
        Some(found)
    }

    /// Does the day pass every filter on days?
    fn admits(&self, day: Date) -> bool {
        let month_day_fits = |wanted: &i8| *wanted == day.day() || *wanted == day.day() - day.days_in_month() - 1;
        let year_day_fits =
            |wanted: &i16| *wanted == day.day_of_year() || *wanted == day.day_of_year() - day.days_in_year() - 1;
        (self.by_month.is_empty() || self.by_month.contains(&day.month()))
            && (self.by_month_day.is_empty() || self.by_month_day.iter().any(month_day_fits))
            && (self.by_year_day.is_empty() || self.by_year_day.iter().any(year_day_fits))
            && (self.by_week_no.is_empty() || self.in_weeks(day))
            && (self.by_day.is_empty()
                || self.by_day.iter().any(|by| by.day == day.weekday() && self.is_nth(by.nth, day)))
    }

    /// Is it the nth such weekday of the month, or of the year where the rule names no month?
    fn is_nth(&self, nth: i8, day: Date) -> bool {
        if nth == 0 || self.freq < Freq::Monthly {
            return true;
        }
        let of_year = self.freq == Freq::Yearly && self.by_month.is_empty();
        let (number, length) = if of_year {
            (day.day_of_year(), day.days_in_year())
        } else {
            (day.day().into(), day.days_in_month().into())
        };
        let (from_start, from_end) = ((number - 1) / 7 + 1, (length - number) / 7 + 1);
        i16::from(nth) == from_start || i16::from(nth) == -from_end
    }

    /// Is it in one of the weeks of BYWEEKNO? Week 1 is the first with four days in the year, whatever day begins it.
    fn in_weeks(&self, day: Date) -> bool {
        let Some((number, of)) = week_of(day, self.week_start) else { return false };
        self.by_week_no.iter().any(|wanted| i16::from(*wanted) == number || i16::from(*wanted) == number - of - 1)
    }

    fn times(&self, start: Time) -> Vec<Time> {
        let or = |list: &[i8], from_start: i8| if list.is_empty() { vec![from_start] } else { list.to_vec() };
        let mut times = Vec::new();
        for hour in or(&self.by_hour, start.hour()) {
            for minute in or(&self.by_minute, start.minute()) {
                for second in or(&self.by_second, start.second()) {
                    times.extend(Time::new(hour, minute, second.min(59), 0));
                }
            }
        }
        times.sort_unstable();
        times.dedup();
        times
    }

    fn within_day(&self, start: DateTime, after: SignedDuration) -> Option<Vec<DateTime>> {
        let at = start.checked_add(after).ok()?;
        let fits = |list: &[i8], value: i8| list.is_empty() || list.contains(&value);
        let in_step = fits(&self.by_hour, at.hour())
            && (self.freq == Freq::Hourly || fits(&self.by_minute, at.minute()))
            && (self.freq != Freq::Secondly || fits(&self.by_second, at.second()));
        if !in_step || !self.admits(at.date()) {
            return Some(Vec::new());
        }
        // What is finer than the step opens up, the step itself stands.
        let fixed = Rule {
            by_hour: vec![at.hour()],
            by_minute: if self.freq == Freq::Hourly { self.by_minute.clone() } else { vec![at.minute()] },
            by_second: if self.freq == Freq::Secondly { vec![at.second()] } else { self.by_second.clone() },
            ..Rule::every(self.freq, 1)
        };
        let moments = fixed.times(at.time()).into_iter().map(|time| at.date().to_datetime(time)).collect();
        Some(self.at_positions(moments))
    }

    /// BYSETPOS.
    fn at_positions(&self, moments: Vec<DateTime>) -> Vec<DateTime> {
        if self.by_set_pos.is_empty() {
            return moments;
        }
        let count = moments.len() as i64;
        let wanted = |at: usize| {
            let (from_start, from_end) = (at as i64 + 1, at as i64 - count);
            self.by_set_pos.iter().any(|n| i64::from(*n) == from_start || i64::from(*n) == from_end)
        };
        moments.into_iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(_, moment)| moment).collect()
    }
}

/// The number of the week that holds the day, and how many weeks its year has.
fn week_of(day: Date, week_start: Weekday) -> Option<(i16, i16)> {
    let middle = |date: Date| {
        let begin = date.checked_sub(i64::from(date.weekday().since(week_start)).days()).ok()?;
        begin.checked_add(3.days()).ok()
    };
    // The fourth day of a week lies in the year that the week belongs to.
    let here = middle(day)?;
    let last = middle(here.last_of_year())?;
    let last = if last.year() == here.year() { last } else { last.checked_sub(7.days()).ok()? };
    let number = |date: Date| (date.day_of_year() - 1) / 7 + 1;
    Some((number(here), number(last)))
}

fn days(count: i64) -> Option<jiff::Span> {
    jiff::Span::new().try_days(count).ok()
}

fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(from.duration_until(to).as_hours() / 24).unwrap_or(i32::MAX)
}

fn months_between(from: Date, to: Date) -> i64 {
    (i64::from(to.year()) - i64::from(from.year())) * 12 + i64::from(to.month()) - i64::from(from.month())
}
