//! The recurrences that Exchange knows ([MS-OXWSMTGS] RecurrenceType, [MS-OXOCAL] 2.2.1.44), in words of our own.

use crate::rule::{ByDay, Ends, Freq, Rule, canonical};
use jiff::civil::{Date, DateTime, Weekday};

/// How a series of Exchange comes again. Where a month is too short for a day, its last day is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Every 1..=999 days.
    Daily {
        interval: u32,
    },
    /// Every 1..=99 weeks, on these days in the order of the week from Monday on. `first_day` begins the weeks that are
    /// counted.
    Weekly {
        interval: u32,
        days: Vec<Weekday>,
        first_day: Weekday,
    },
    /// Every 1..=99 months on day 1..=31.
    AbsoluteMonthly {
        interval: u32,
        day: i8,
    },
    RelativeMonthly {
        interval: u32,
        days: Days,
        position: Position,
    },
    AbsoluteYearly {
        month: i8,
        day: i8,
    },
    RelativeYearly {
        month: i8,
        days: Days,
        position: Position,
    },
}

/// The days that a relative pattern counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Days {
    One(Weekday),
    /// Exchange's `Day`.
    Any,
    /// Monday to Friday, Exchange's `Weekday`.
    Working,
    /// Saturday and Sunday, Exchange's `WeekendDay`.
    Weekend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    First,
    Second,
    Third,
    Fourth,
    Last,
}

/// When a series of Exchange ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    Never,
    /// The last day on which it may begin.
    On(Date),
    /// After 1..=999 occurrences, deleted ones too.
    After(u32),
}

/// A whole recurrence. The start is its first occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Repeat {
    pub pattern: Pattern,
    pub start: Date,
    pub stop: Stop,
}

pub const WORKING: [Weekday; 5] =
    [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
pub const WEEKEND: [Weekday; 2] = [Weekday::Saturday, Weekday::Sunday];

/// The greatest values that Exchange takes ([MS-OXWSMTGS] 2.2.4).
const MOST_DAYS: u32 = 999;
const MOST_WEEKS_OR_MONTHS: u32 = 99;
pub const MOST_OCCURRENCES: u32 = 999;

impl Position {
    const ALL: [(i8, Position); 5] = [
        (1, Position::First),
        (2, Position::Second),
        (3, Position::Third),
        (4, Position::Fourth),
        (-1, Position::Last),
    ];

    fn nth(self) -> i8 {
        Position::ALL.iter().find(|(_, position)| *position == self).map_or(1, |(nth, _)| *nth)
    }

    fn of(nth: i8) -> Option<Position> {
        Position::ALL.iter().find(|(known, _)| *known == nth).map(|(_, position)| *position)
    }
}

impl Pattern {
    /// Are all numbers such that Exchange takes them?
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let months = |interval: &u32| (1..=MOST_WEEKS_OR_MONTHS).contains(interval);
        match self {
            Pattern::Daily { interval } => (1..=MOST_DAYS).contains(interval),
            Pattern::Weekly { interval, days, .. } => months(interval) && !days.is_empty(),
            Pattern::AbsoluteMonthly { interval, day } => months(interval) && (1..=31).contains(day),
            Pattern::RelativeMonthly { interval, .. } => months(interval),
            Pattern::AbsoluteYearly { month, day } => (1..=12).contains(month) && (1..=31).contains(day),
            Pattern::RelativeYearly { month, .. } => (1..=12).contains(month),
        }
    }

    /// The rule with exactly these occurrences, from a start that is one of them.
    #[must_use]
    pub fn rule(&self) -> Rule {
        match self {
            Pattern::Daily { interval } => Rule::every(Freq::Daily, *interval),
            Pattern::Weekly { interval, days, first_day } => {
                Rule { week_start: *first_day, ..Rule::every(Freq::Weekly, *interval).on_days(days) }
            }
            Pattern::AbsoluteMonthly { interval, day } => {
                let rule = Rule::every(Freq::Monthly, *interval);
                match day {
                    31 => Rule { by_month_day: vec![-1], ..rule },
                    // The last of those of these days that the month has.
                    29 | 30 => Rule { by_month_day: (28..=*day).collect(), by_set_pos: vec![-1], ..rule },
                    _ => Rule { by_month_day: vec![*day], ..rule },
                }
            }
            Pattern::RelativeMonthly { interval, days, position } => {
                relative(Rule::every(Freq::Monthly, *interval), *days, *position)
            }
            Pattern::AbsoluteYearly { month, day } => {
                let is_there_each_year = *day <= shortest(*month);
                let by_month_day = vec![if is_there_each_year { *day } else { -1 }];
                Rule { by_month: vec![*month], by_month_day, ..Rule::every(Freq::Yearly, 1) }
            }
            Pattern::RelativeYearly { month, days, position } => {
                let rule = Rule { by_month: vec![*month], ..Rule::every(Freq::Yearly, 1) };
                relative(rule, *days, *position)
            }
        }
    }

    /// The pattern that says the same as a canonical rule, by its words alone.
    #[must_use]
    pub fn of(rule: &Rule) -> Option<Pattern> {
        let pattern = Pattern::by_words(rule)?;
        let same = canonical(Rule { ends: rule.ends, ..pattern.rule() }, DateTime::MIN);
        (pattern.is_valid() && same == *rule).then_some(pattern)
    }

    fn by_words(rule: &Rule) -> Option<Pattern> {
        let interval = rule.interval;
        match rule.freq {
            Freq::Daily => Some(Pattern::Daily { interval }),
            Freq::Weekly => {
                let days = rule.by_day.iter().map(|by| by.day).collect();
                Some(Pattern::Weekly { interval, days, first_day: rule.week_start })
            }
            Freq::Monthly => Some(match (absolute(rule), nth_of(rule)) {
                (Some(day), _) => Pattern::AbsoluteMonthly { interval, day },
                (None, Some((days, position))) => Pattern::RelativeMonthly { interval, days, position },
                _ => return None,
            }),
            // A year is twelve months; Exchange knows no years left out.
            Freq::Yearly if interval > 1 => None,
            Freq::Yearly => {
                let &[month] = rule.by_month.as_slice() else { return None };
                Some(match (rule.by_month_day.as_slice(), nth_of(rule)) {
                    (&[-1], _) => Pattern::AbsoluteYearly { month, day: longest(month) },
                    (&[day], _) => Pattern::AbsoluteYearly { month, day },
                    (_, Some((days, position))) => Pattern::RelativeYearly { month, days, position },
                    _ => return None,
                })
            }
            Freq::Hourly | Freq::Minutely | Freq::Secondly => None,
        }
    }

    /// Patterns that may have these first occurrences, plain ones first. Whether one has them all is for expansion to
    /// prove.
    #[must_use]
    pub fn guesses(rule: &Rule, first: Date, second: Option<Date>) -> Vec<Pattern> {
        let mut all: Vec<Pattern> = Pattern::by_words(rule).into_iter().collect();
        let nth = (first.day() - 1) / 7 + 1;
        let is_last = first.day() + 7 > first.days_in_month();
        let mut positions: Vec<Position> = Position::of(nth).into_iter().collect();
        positions.extend(is_last.then_some(Position::Last));
        let one = Days::One(first.weekday());
        let month = first.month();
        all.push(Pattern::AbsoluteYearly { month, day: first.day() });
        all.extend(positions.iter().map(|position| Pattern::RelativeYearly { month, days: one, position: *position }));
        let mut intervals = vec![rule.interval, rule.interval.saturating_mul(12)];
        let months = second.map(|second| {
            (i32::from(second.year()) - i32::from(first.year())) * 12 + i32::from(second.month())
                - i32::from(first.month())
        });
        intervals.extend(months.and_then(|months| u32::try_from(months).ok()));
        intervals.sort_unstable();
        intervals.dedup();
        for interval in intervals {
            all.push(Pattern::AbsoluteMonthly { interval, day: first.day() });
            if first == first.last_of_month() {
                all.push(Pattern::AbsoluteMonthly { interval, day: 31 });
            }
            let relative = |position: &Position| Pattern::RelativeMonthly { interval, days: one, position: *position };
            all.extend(positions.iter().map(relative));
            if let Some((days, position)) = nth_of(rule) {
                all.push(Pattern::RelativeMonthly { interval, days, position });
            }
        }
        let mut days: Vec<Weekday> = rule.by_day.iter().map(|by| by.day).collect();
        days.dedup();
        let days = if days.is_empty() { vec![first.weekday()] } else { days };
        all.push(Pattern::Weekly { interval: 1, days, first_day: Weekday::Monday });
        let gap = second.map(|second| first.duration_until(second).as_hours() / 24);
        for interval in [gap.and_then(|days| u32::try_from(days).ok()), Some(1)].into_iter().flatten() {
            all.push(Pattern::Daily { interval });
        }
        all.retain(Pattern::is_valid);
        let mut seen = Vec::new();
        all.retain(|pattern| {
            !seen.contains(pattern) && {
                seen.push(pattern.clone());
                true
            }
        });
        all
    }
}

impl Repeat {
    /// The rule of the series, canonical for its start.
    #[must_use]
    pub fn rule(&self, start: DateTime) -> Rule {
        let ends = match self.stop {
            Stop::Never => Ends::Never,
            Stop::On(date) => Ends::On(date),
            Stop::After(count) => Ends::After(count.max(1)),
        };
        canonical(self.pattern.rule().ending(ends), start)
    }
}

fn relative(rule: Rule, days: Days, position: Position) -> Rule {
    let nth = position.nth();
    match days {
        Days::One(day) => Rule { by_day: vec![ByDay { nth, day }], ..rule },
        Days::Any => Rule { by_month_day: vec![nth], ..rule },
        Days::Working => Rule { by_set_pos: vec![nth.into()], ..rule.on_days(&WORKING) },
        Days::Weekend => Rule { by_set_pos: vec![nth.into()], ..rule.on_days(&WEEKEND) },
    }
}

/// The day of an absolute monthly pattern.
fn absolute(rule: &Rule) -> Option<i8> {
    match (rule.by_month_day.as_slice(), rule.by_set_pos.as_slice()) {
        ([-1], []) => Some(31),
        (&[day], []) if (1..=28).contains(&day) => Some(day),
        ([28, 29], [-1]) => Some(29),
        ([28, 29, 30], [-1]) => Some(30),
        _ => None,
    }
}

/// Which days of the month, and the how manyth of them.
fn nth_of(rule: &Rule) -> Option<(Days, Position)> {
    let days: Vec<Weekday> = rule.by_day.iter().map(|by| by.day).collect();
    match (rule.by_day.as_slice(), rule.by_set_pos.as_slice()) {
        (&[ByDay { nth, day }], []) => Some((Days::One(day), Position::of(nth)?)),
        (_, &[nth]) if days == WORKING => Some((Days::Working, Position::of(i8::try_from(nth).ok()?)?)),
        (_, &[nth]) if days == WEEKEND => Some((Days::Weekend, Position::of(i8::try_from(nth).ok()?)?)),
        _ => None,
    }
}

/// The length of the month in the years in which it is shortest.
fn shortest(month: i8) -> i8 {
    Date::new(2023, month, 1).map_or(31, |first| first.days_in_month())
}

fn longest(month: i8) -> i8 {
    Date::new(2024, month, 1).map_or(31, |first| first.days_in_month())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn days() -> impl Strategy<Value = Days> {
        prop_oneof![
            (0i8..7).prop_map(|day| Days::One(Weekday::from_monday_zero_offset(day).unwrap())),
            Just(Days::Any),
            Just(Days::Working),
            Just(Days::Weekend),
        ]
    }

    fn pattern() -> impl Strategy<Value = Pattern> {
        let position = || prop::sample::select(Position::ALL.map(|(_, position)| position).to_vec());
        prop_oneof![
            (1u32..=999).prop_map(|interval| Pattern::Daily { interval }),
            (1u32..=99, 1u8..127, 0i8..7).prop_map(|(interval, bits, first)| {
                let day = |n| Weekday::from_monday_zero_offset(n).unwrap();
                let days = (0..7).filter(|n| bits & (1 << n) != 0).map(day).collect();
                Pattern::Weekly { interval, days, first_day: day(first) }
            }),
            (1u32..=99, 1i8..=31).prop_map(|(interval, day)| Pattern::AbsoluteMonthly { interval, day }),
            (1u32..=99, days(), position()).prop_map(|(interval, days, position)| Pattern::RelativeMonthly {
                interval,
                days,
                position
            }),
            (1i8..=12, 1i8..=31).prop_map(|(month, day)| Pattern::AbsoluteYearly { month, day }),
            (1i8..=12, days(), position()).prop_map(|(month, days, position)| Pattern::RelativeYearly {
                month,
                days,
                position
            }),
        ]
    }

    fn counted(days: Days, day: Date) -> bool {
        match days {
            Days::One(weekday) => day.weekday() == weekday,
            Days::Any => true,
            Days::Working => day.weekday().to_monday_zero_offset() < 5,
            Days::Weekend => day.weekday().to_monday_zero_offset() >= 5,
        }
    }

    /// A second expander, made from Exchange's documents and from nothing of ours: does the pattern fall on this day?
    fn falls_on(pattern: &Pattern, start: Date, day: Date) -> bool {
        let days_after = i64::from(day.since(start).unwrap().get_days());
        let months_after =
            (i64::from(day.year()) - i64::from(start.year())) * 12 + i64::from(day.month() - start.month());
        let clamped = |wanted: i8| day.day() == wanted.min(day.days_in_month());
        let position = |days: Days, position: Position| {
            let all: Vec<Date> = day
                .first_of_month()
                .series(1.day())
                .take(day.days_in_month() as usize)
                .filter(|d| counted(days, *d))
                .collect();
            let at = match position {
                Position::Last => all.len() - 1,
                Position::First => 0,
                Position::Second => 1,
                Position::Third => 2,
                Position::Fourth => 3,
            };
            all.get(at) == Some(&day)
        };
        match pattern {
            Pattern::Daily { interval } => days_after % i64::from(*interval) == 0,
            Pattern::Weekly { interval, days, first_day } => {
                let week = |d: Date| d.saturating_sub(i64::from(d.weekday().since(*first_day)).days());
                let weeks = i64::from(week(day).since(week(start)).unwrap().get_days()) / 7;
                days.contains(&day.weekday()) && weeks % i64::from(*interval) == 0
            }
            Pattern::AbsoluteMonthly { interval, day } => months_after % i64::from(*interval) == 0 && clamped(*day),
            Pattern::RelativeMonthly { interval, days, position: nth } => {
                months_after % i64::from(*interval) == 0 && position(*days, *nth)
            }
            Pattern::AbsoluteYearly { month, day: wanted } => day.month() == *month && clamped(*wanted),
            Pattern::RelativeYearly { month, days, position: nth } => day.month() == *month && position(*days, *nth),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn the_rule_of_a_pattern_has_the_same_occurrences(pattern in pattern(), from in 0i64..4000) {
            let from = date(2019, 1, 1).saturating_add(from.days());
            let horizon = from.saturating_add(8.years());
            // The start of a series is its first occurrence: for patterns that count, any day that fits.
            let start = from.series(1.day()).take(20_000).find(|day| falls_on(&pattern, *day, *day)).unwrap();
            let theirs: Vec<Date> = start.series(1.day()).take_while(|day| *day < horizon).filter(|day| falls_on(&pattern, start, *day)).collect();
            let repeat = Repeat { pattern: pattern.clone(), start, stop: Stop::Never };
            let at = start.at(9, 30, 0, 0);
            let rule = repeat.rule(at);
            let ours: Vec<Date> = rule.occurrences(at).map(|at| at.date()).take_while(|day| *day < horizon).collect();
            prop_assert!(rule.meets(at));
            prop_assert_eq!(ours, theirs, "{:?}", rule);
        }

        #[test]
        fn a_pattern_comes_back_from_its_rule(pattern in pattern()) {
            let rule = canonical(pattern.rule(), DateTime::MIN);
            let again = Pattern::of(&rule);
            prop_assert!(again.is_some(), "{:?}", rule);
            // Some patterns say the same: the first `Day` is day 1, a week of all days is daily.
            let again = canonical(again.unwrap().rule(), DateTime::MIN);
            prop_assert_eq!(again, rule);
        }
    }

    #[test]
    fn day_29_30_and_31_mean_the_last_day_of_short_months() {
        let rule = |day| crate::rule::print(&Pattern::AbsoluteMonthly { interval: 1, day }.rule(), None);
        assert_eq!(rule(31), "FREQ=MONTHLY;BYMONTHDAY=-1");
        assert_eq!(rule(30), "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1");
        assert_eq!(rule(29), "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1");
        assert_eq!(rule(28), "FREQ=MONTHLY;BYMONTHDAY=28");
        let leap = Pattern::AbsoluteYearly { month: 2, day: 29 };
        assert_eq!(crate::rule::print(&leap.rule(), None), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1");
    }
}
