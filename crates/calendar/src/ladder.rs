//! How a series becomes one of Exchange's: as it is, as more with deletions, or as events of their own; never nearly.

use crate::event::Recurrence;
use crate::pattern::{MOST_OCCURRENCES, Pattern, Repeat, Stop};
use crate::rule::{Ends, Freq, Rule};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, ToSpan};
use std::collections::BTreeSet;
use std::fmt;

/// What to make of a series. Together its parts have exactly the occurrences that were asked for, except that `apart` is
/// only a part of an endless series where it is not complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub series: Option<Repeat>,
    /// Occurrences of the series that have to be deleted from it, as original starts.
    pub deleted: BTreeSet<DateTime>,
    /// Occurrences that become events of their own.
    pub apart: BTreeSet<DateTime>,
    /// `false`: later occurrences lie beyond the window, and it has to be moved on from time to time.
    pub complete: bool,
}

/// Why a series cannot be made on Exchange at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoPlan {
    /// More events of their own than a calendar should get.
    TooMany,
    /// It is endless, has no pattern of Exchange, and nothing of it is in the window.
    OutsideWindow,
    /// It begins before 1601-04-01 or ends after 4500-08-31.
    OutOfRange,
}

impl NoPlan {
    pub const ALL: [NoPlan; 3] = [NoPlan::TooMany, NoPlan::OutsideWindow, NoPlan::OutOfRange];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NoPlan::TooMany => "series-too-many",
            NoPlan::OutsideWindow => "series-outside-window",
            NoPlan::OutOfRange => "series-out-of-range",
        }
    }
}

impl fmt::Display for NoPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for NoPlan {}

/// Deletions from a series that is wider than what was asked for.
const MOST_DELETED: usize = 100;
/// Events of their own that one series may become.
const MOST_APART: usize = 500;
/// Endless rules are compared over so many years: weekdays and leap years come round in 28.
const PROVEN_YEARS: i64 = 30;

/// A series with more occurrences is not tried as a part of a wider one.
const MOST_COMPARED: usize = 5000;

/// The first and the last day that Exchange can hold ([MS-OXWSMTGS], ErrorRecurrenceEndDateTooBig).
const EARLIEST: Date = Date::constant(1601, 4, 1);
const LATEST: Date = Date::constant(4500, 8, 31);

/// The plan for a series that starts at `start` and whose occurrences are `length` long. `window` is what is made of an
/// endless series that Exchange has no pattern for.
pub fn plan(
    start: DateTime,
    recurrence: &Recurrence,
    length: SignedDuration,
    window: (Date, Date),
) -> Result<Plan, NoPlan> {
    let parts = parts(start, recurrence, length, window);
    let is_one = parts.as_ref().is_ok_and(|plan| plan.apart.is_empty());
    if is_one || parts == Err(NoPlan::OutOfRange) {
        return parts;
    }
    // One series with deletions is better than events beside it.
    together(start, recurrence, length).map_or(parts, Ok)
}

fn parts(
    start: DateTime,
    recurrence: &Recurrence,
    length: SignedDuration,
    window: (Date, Date),
) -> Result<Plan, NoPlan> {
    if start.date() < EARLIEST || start.date() > LATEST {
        return Err(NoPlan::OutOfRange);
    }
    let mut plan = Plan { complete: true, ..Plan::default() };
    plan.apart.extend(recurrence.added.iter().copied());
    let Some(rule) = &recurrence.rule else {
        plan.apart.insert(start);
        return few(plan);
    };
    // The start takes place, but a series of Exchange begins with the first occurrence of its pattern.
    let (first, rest) = if rule.meets(start) {
        (Some(start), rule.clone())
    } else {
        plan.apart.insert(start);
        let ends = match rule.ends {
            Ends::After(count) => Ends::After(count - 1),
            ends => ends,
        };
        let first = if ends == Ends::After(0) { None } else { rule.occurrences(start).nth(1) };
        (first, Rule { ends, ..rule.clone() })
    };
    let Some(first) = first else { return few(plan) };
    let is_possible = rest.once_a_day() && !overlaps(&rest, first, length);
    let series = if is_possible { equal(&rest, first).map(|repeat| (repeat, BTreeSet::new())) } else { None };
    let series = series.or_else(|| if is_possible { wider(&rest, first) } else { None });
    if let Some((repeat, deleted)) = series {
        // What the series has needs no event of its own.
        let own: Vec<DateTime> = plan.apart.iter().copied().filter(|at| rest.takes_place(first, *at)).collect();
        own.iter().for_each(|at| _ = plan.apart.remove(at));
        plan.series = Some(repeat);
        plan.deleted = deleted;
        return few(plan);
    }
    let all: Vec<DateTime> = rest.occurrences(first).take(MOST_APART + 1).collect();
    let ends = rest.ends != Ends::Never;
    if ends && all.len() <= MOST_APART {
        plan.apart.extend(all);
        return few(plan);
    }
    if rest.freq < Freq::Daily {
        return Err(NoPlan::TooMany);
    }
    let (from, to) = window;
    let occurrences = rest.occurrences(first).skipping_to(from);
    let inside = occurrences.skip_while(|at| at.date() < from).take_while(|at| at.date() <= to);
    plan.apart.extend(inside.take(MOST_APART + 1));
    plan.apart.retain(|at| at.date() >= from && at.date() <= to);
    plan.complete = false;
    if plan.apart.is_empty() { Err(NoPlan::OutsideWindow) } else { few(plan) }
}

fn few(plan: Plan) -> Result<Plan, NoPlan> {
    if plan.apart.len() > MOST_APART { Err(NoPlan::TooMany) } else { Ok(plan) }
}

/// Does an occurrence last into the next one? Exchange takes no such series.
fn overlaps(rule: &Rule, first: DateTime, length: SignedDuration) -> bool {
    let starts: Vec<DateTime> = rule.occurrences(first).take(64).collect();
    starts.windows(2).any(|pair| matches!(pair, [one, two] if one.duration_until(*two) < length))
}

/// The pattern with exactly these occurrences.
fn equal(rule: &Rule, first: DateTime) -> Option<Repeat> {
    let by_words = Pattern::of(rule);
    let pattern = by_words.or_else(|| guesses(rule, first).into_iter().find(|guess| is_equal(guess, rule, first)))?;
    let stop = match rule.ends {
        Ends::Never => Stop::Never,
        Ends::After(count) if count <= MOST_OCCURRENCES => Stop::After(count),
        Ends::On(date) => Stop::On(date),
        // More than Exchange can count, or an end within a day.
        Ends::After(_) | Ends::At(_) => Stop::On(rule.occurrences(first).last()?.date()),
    };
    let too_late = matches!(stop, Stop::On(date) if date > LATEST);
    (!too_late).then(|| Repeat { pattern, start: first.date(), stop })
}

fn guesses(rule: &Rule, first: DateTime) -> Vec<Pattern> {
    let second = rule.occurrences(first).nth(1);
    Pattern::guesses(rule, first.date(), second.map(DateTime::date))
}

/// Proven by expanding both, to the end or over [`PROVEN_YEARS`].
fn is_equal(pattern: &Pattern, rule: &Rule, first: DateTime) -> bool {
    let until = first.saturating_add(PROVEN_YEARS.years());
    let other = Rule { ends: rule.ends, ..pattern.rule() };
    let other = crate::rule::canonical(other, first);
    let within = |at: &DateTime| *at < until;
    other.meets(first) && rule.occurrences(first).take_while(within).eq(other.occurrences(first).take_while(within))
}

/// For a series with an end: the pattern that has all of its occurrences and the fewest others.
fn wider(rule: &Rule, first: DateTime) -> Option<(Repeat, BTreeSet<DateTime>)> {
    if rule.ends == Ends::Never {
        return None;
    }
    let wanted: BTreeSet<DateTime> = rule.occurrences(first).take(MOST_COMPARED + 1).collect();
    let last = wanted.last()?.date();
    if wanted.len() > MOST_COMPARED || last > LATEST {
        return None;
    }
    narrowest(guesses(rule, first), &wanted, first, |_| true)
}

/// Of the patterns that have all of these occurrences, the one with the fewest others, and those.
fn narrowest(
    patterns: Vec<Pattern>,
    wanted: &BTreeSet<DateTime>,
    first: DateTime,
    is_possible: impl Fn(&Rule) -> bool,
) -> Option<(Repeat, BTreeSet<DateTime>)> {
    let last = wanted.last()?.date();
    let mut best: Option<(Repeat, BTreeSet<DateTime>)> = None;
    for pattern in patterns {
        let repeat = Repeat { pattern, start: first.date(), stop: Stop::On(last) };
        let wide = repeat.rule(first);
        if !wide.meets(first) || !is_possible(&wide) {
            continue;
        }
        let all: BTreeSet<DateTime> = wide.occurrences(first).take(wanted.len() + MOST_DELETED + 1).collect();
        let deleted: BTreeSet<DateTime> = all.difference(wanted).copied().collect();
        let holds = wanted.is_subset(&all) && deleted.len() <= MOST_DELETED;
        let is_better = best.as_ref().is_none_or(|(_, known)| deleted.len() < known.len());
        if holds && is_better {
            best = Some((repeat, deleted));
        }
    }
    best
}

/// For what comes to an end and always takes place at the same time of the day: a series that has the further dates and the
/// start off the rule as its own, with others deleted from it.
fn together(start: DateTime, recurrence: &Recurrence, length: SignedDuration) -> Option<Plan> {
    let by_rule: Vec<DateTime> = match &recurrence.rule {
        Some(rule) if rule.ends == Ends::Never => return None,
        Some(rule) => rule.occurrences(start).take(MOST_COMPARED + 1).collect(),
        None => Vec::new(),
    };
    let wanted: BTreeSet<DateTime> =
        by_rule.into_iter().chain(recurrence.added.iter().copied()).chain([start]).collect();
    let is_even = wanted.iter().all(|at| at.time() == start.time());
    // A series of Exchange begins with the first that takes place.
    let begins = wanted.first() == Some(&start);
    if !is_even || !begins || wanted.len() > MOST_COMPARED || wanted.last()?.date() > LATEST {
        return None;
    }
    let mut patterns = recurrence.rule.as_ref().map(|rule| guesses(rule, start)).unwrap_or_default();
    patterns.extend(spanning(&wanted));
    let (repeat, deleted) = narrowest(patterns, &wanted, start, |wide| !overlaps(wide, start, length))?;
    Some(Plan { series: Some(repeat), deleted, apart: BTreeSet::new(), complete: true })
}

/// Every so many days, and every so many weeks on these days: what has all of the dates.
fn spanning(wanted: &BTreeSet<DateTime>) -> Vec<Pattern> {
    let dates: Vec<Date> = wanted.iter().map(|at| at.date()).collect();
    let Some(first) = dates.first() else { return Vec::new() };
    let since = |date: &Date| date.duration_until(*first).abs().as_hours() / 24;
    let monday = i64::from(first.weekday().to_monday_zero_offset());
    let common = |steps: &mut dyn Iterator<Item = i64>| u32::try_from(steps.fold(0, gcd)).unwrap_or(0).max(1);
    let days = common(&mut dates.iter().map(since));
    let weeks = common(&mut dates.iter().map(|date| (since(date) + monday) / 7));
    let mut on: Vec<Weekday> = dates.iter().map(|date| date.weekday()).collect();
    on.sort_unstable_by_key(|day| day.to_monday_zero_offset());
    on.dedup();
    let all =
        [Pattern::Daily { interval: days }, Pattern::Weekly { interval: weeks, days: on, first_day: Weekday::Monday }];
    all.into_iter().filter(Pattern::is_valid).collect()
}

fn gcd(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

impl Rule {
    /// Is this one of the occurrences?
    fn takes_place(&self, start: DateTime, at: DateTime) -> bool {
        self.occurrences(start).skipping_to(at.date()).find(|occurrence| *occurrence >= at) == Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Days, Position};
    use crate::rule::{canonical, parse};
    use jiff::civil::date;

    const WINDOW: (Date, Date) = (Date::constant(2026, 1, 1), Date::constant(2028, 1, 1));

    fn planned(start: Date, text: &str) -> Result<Plan, NoPlan> {
        let start = start.at(10, 0, 0, 0);
        let recurrence = Recurrence { rule: Some(canonical(parse(text).unwrap().0, start)), added: BTreeSet::new() };
        let plan = plan(start, &recurrence, SignedDuration::from_hours(1), WINDOW)?;
        is_exact(start, &recurrence, &plan);
        Ok(plan)
    }

    /// The parts of a plan together have the occurrences of the series, to its end or for ten years.
    fn is_exact(start: DateTime, recurrence: &Recurrence, plan: &Plan) {
        let horizon = start.saturating_add(10.years());
        let rule = recurrence.rule.as_ref().unwrap();
        let mut wanted: BTreeSet<DateTime> = rule.occurrences(start).take_while(|at| *at < horizon).collect();
        wanted.extend(&recurrence.added);
        let mut made = plan.apart.clone();
        if let Some(repeat) = &plan.series {
            let first = repeat.start.to_datetime(start.time());
            let of_series = repeat.rule(first).occurrences(first).take_while(|at| *at < horizon).collect::<Vec<_>>();
            made.extend(of_series.into_iter().filter(|at| !plan.deleted.contains(at)));
        }
        if plan.complete {
            assert_eq!(made, wanted);
        } else {
            assert!(made.is_subset(&wanted));
        }
    }

    fn pattern(start: Date, text: &str) -> Pattern {
        let plan = planned(start, text).unwrap();
        assert!(plan.deleted.is_empty() && plan.apart.is_empty(), "{plan:?}");
        plan.series.unwrap().pattern
    }

    #[test]
    fn rules_that_say_what_exchange_says_stay_one_series() {
        let friday = date(2026, 1, 9);
        let second_friday =
            Pattern::RelativeMonthly { interval: 1, days: Days::One(Weekday::Friday), position: Position::Second };
        assert_eq!(pattern(friday, "FREQ=MONTHLY;BYDAY=2FR"), second_friday);
        assert_eq!(pattern(friday, "FREQ=MONTHLY;BYDAY=FR;BYSETPOS=2"), second_friday);
        let last_day = Pattern::AbsoluteMonthly { interval: 1, day: 31 };
        assert_eq!(pattern(date(2026, 1, 31), "FREQ=MONTHLY;BYMONTHDAY=-1"), last_day);
        let workdays = pattern(friday, "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR");
        assert!(matches!(workdays, Pattern::Weekly { interval: 1, days, .. } if days.len() == 5));
        // Every second year is every 24 months, up to 8 years in 96.
        assert_eq!(pattern(friday, "FREQ=YEARLY;INTERVAL=2"), Pattern::AbsoluteMonthly { interval: 24, day: 9 });
        assert_eq!(pattern(friday, "FREQ=YEARLY;INTERVAL=8"), Pattern::AbsoluteMonthly { interval: 96, day: 9 });
        // Twice a year is every six months.
        assert_eq!(
            pattern(friday, "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=9"),
            Pattern::AbsoluteMonthly { interval: 6, day: 9 }
        );
        // Thanksgiving, in the words of other clients.
        let fourth_thursday =
            Pattern::RelativeYearly { month: 11, days: Days::One(Weekday::Thursday), position: Position::Fourth };
        assert_eq!(
            pattern(date(2026, 11, 26), "FREQ=YEARLY;BYMONTH=11;BYDAY=TH;BYMONTHDAY=22,23,24,25,26,27,28"),
            fourth_thursday
        );
    }

    #[test]
    fn weeks_that_begin_on_sunday_keep_their_first_day() {
        let text = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU";
        assert!(matches!(pattern(date(2026, 1, 4), text), Pattern::Weekly { first_day: Weekday::Sunday, .. }));
    }

    #[test]
    fn months_that_are_left_out_are_deleted_from_a_series_that_ends() {
        let plan = planned(date(2026, 1, 31), "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=7").unwrap();
        assert_eq!(plan.series.unwrap().pattern, Pattern::AbsoluteMonthly { interval: 1, day: 31 });
        let days: Vec<Date> = plan.deleted.iter().map(|at| at.date()).collect();
        let short = [(2026, 2, 28), (2026, 4, 30), (2026, 6, 30), (2026, 9, 30), (2026, 11, 30)];
        assert_eq!(days, short.map(|(year, month, day)| date(year, month, day)));
    }

    #[test]
    fn an_endless_rule_without_a_pattern_becomes_events_in_the_window() {
        let plan = planned(date(2026, 1, 31), "FREQ=MONTHLY;BYMONTHDAY=31").unwrap();
        assert_eq!((plan.series, plan.complete), (None, false));
        assert_eq!(plan.apart.len(), 14);
        assert_eq!(planned(date(2030, 1, 31), "FREQ=MONTHLY;BYMONTHDAY=31"), Err(NoPlan::OutsideWindow));
        assert_eq!(planned(date(2026, 1, 1), "FREQ=HOURLY"), Err(NoPlan::TooMany));
        // 9 years are 108 months, more than Exchange can count.
        assert!(planned(date(2026, 1, 9), "FREQ=YEARLY;INTERVAL=9").unwrap().series.is_none());
    }

    #[test]
    fn a_start_that_the_rule_does_not_meet_is_one_of_a_wider_series_or_stands_apart() {
        let plan = planned(date(2026, 1, 1), "FREQ=WEEKLY;BYDAY=MO;COUNT=3").unwrap();
        let series = plan.series.unwrap();
        assert_eq!((series.start, series.stop), (date(2026, 1, 1), Stop::On(date(2026, 1, 12))));
        assert_eq!(
            (plan.apart.len(), plan.deleted.len()),
            (0, 1),
            "Mondays and Thursdays, without the Thursday between"
        );
        // Too many would have to be deleted.
        let plan = planned(date(2026, 1, 1), "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;COUNT=200").unwrap();
        assert_eq!(plan.apart.len(), 1);
        let series = plan.series.unwrap();
        assert_eq!((series.start, series.stop), (date(2026, 1, 12), Stop::After(199)));
    }

    #[test]
    fn further_dates_of_a_series_that_ends_become_its_own() {
        let at = |month, day| date(2026, month, day).at(10, 0, 0, 0);
        let hour = SignedDuration::from_hours(1);
        let made = |rule: Option<&str>, added: &[DateTime], length| {
            let rule = rule.map(|text| canonical(parse(text).unwrap().0, at(1, 5)));
            let recurrence = Recurrence { rule, added: added.iter().copied().collect() };
            let plan = plan(at(1, 5), &recurrence, length, WINDOW).unwrap();
            if recurrence.rule.is_some() {
                is_exact(at(1, 5), &recurrence, &plan);
            }
            plan
        };
        // Nothing but dates: every third day, without one of them.
        let plan = made(None, &[at(1, 8), at(1, 14)], hour);
        assert_eq!(plan.series.unwrap().pattern, Pattern::Daily { interval: 3 });
        assert_eq!((plan.deleted, plan.apart.len()), (BTreeSet::from([at(1, 11)]), 0));
        // A series and one date more.
        let plan = made(Some("FREQ=WEEKLY;COUNT=4"), &[at(1, 14)], hour);
        assert_eq!((plan.series.is_some(), plan.apart.len()), (true, 0), "{:?}", plan.apart);
        // Another time of the day, a date before the start, and lengths that overlap stand apart.
        assert_eq!(made(Some("FREQ=WEEKLY;COUNT=4"), &[date(2026, 1, 14).at(11, 0, 0, 0)], hour).apart.len(), 1);
        assert_eq!(made(Some("FREQ=WEEKLY;COUNT=4"), &[at(1, 2)], hour).apart.len(), 1);
        assert_eq!(made(None, &[at(1, 6), at(1, 8)], SignedDuration::from_hours(30)).apart.len(), 3);
    }

    #[test]
    fn several_times_a_day_become_events_of_their_own() {
        let plan = planned(date(2026, 1, 1), "FREQ=DAILY;BYHOUR=10,15;COUNT=6").unwrap();
        assert_eq!((plan.series, plan.apart.len(), plan.complete), (None, 6, true));
    }

    #[test]
    fn more_occurrences_than_exchange_counts_end_on_a_day() {
        let series = planned(date(2026, 1, 1), "FREQ=DAILY;COUNT=1500").unwrap().series.unwrap();
        assert_eq!(series.stop, Stop::On(date(2030, 2, 8)));
    }

    #[test]
    fn occurrences_that_last_into_the_next_are_events_of_their_own() {
        let start = date(2026, 1, 1).at(10, 0, 0, 0);
        let recurrence =
            Recurrence { rule: Some(canonical(parse("FREQ=DAILY;COUNT=3").unwrap().0, start)), added: BTreeSet::new() };
        let plan = plan(start, &recurrence, SignedDuration::from_hours(30), WINDOW).unwrap();
        assert_eq!((plan.series, plan.apart.len()), (None, 3));
    }

    #[test]
    fn further_dates_stand_apart_from_the_series() {
        let start = date(2026, 1, 5).at(10, 0, 0, 0);
        let rule = canonical(parse("FREQ=WEEKLY").unwrap().0, start);
        let (on, off) = (date(2026, 1, 12).at(10, 0, 0, 0), date(2026, 1, 14).at(10, 0, 0, 0));
        let recurrence = Recurrence { rule: Some(rule), added: BTreeSet::from([on, off]) };
        let plan = plan(start, &recurrence, SignedDuration::from_hours(1), WINDOW).unwrap();
        assert_eq!((plan.series.is_some(), plan.apart), (true, BTreeSet::from([off])));
    }
}
