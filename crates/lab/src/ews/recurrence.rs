//! The six patterns of recurrence and their days ([MS-OXOCAL] 2.2.1.44.1, [MS-OXWSCDATA] 2.2.4), expanded by the lab itself.

use super::time::{self, Date, weekday};
use super::xml::{Element, t, tt};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const ORDER: [&str; 5] = ["First", "Second", "Third", "Fourth", "Last"];

/// The last day that Exchange knows, 4500-08-31.
const LAST_YEAR: i64 = 4500;

/// Which days of a week: bit 0 is Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    Daily {
        interval: i64,
    },
    Weekly {
        interval: i64,
        days: Days,
        first: i64,
    },
    /// A day that a month is too short for falls on its last.
    Monthly {
        interval: i64,
        day: i64,
    },
    /// `index` is 0 to 4, which is the last.
    MonthlyNth {
        interval: i64,
        days: Days,
        index: usize,
    },
    Yearly {
        month: i64,
        day: i64,
    },
    YearlyNth {
        month: i64,
        days: Days,
        index: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Never,
    /// The number of the last day.
    On(i64),
    After(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    pub pattern: Pattern,
    /// The number of the first day.
    pub start: i64,
    pub end: End,
}

/// A response code and its text.
pub type Refused = (&'static str, &'static str);

const INVALID: Refused = ("ErrorCalendarInvalidRecurrence", "The recurrence pattern is invalid.");
const EMPTY: Refused =
    ("ErrorRecurrenceHasNoOccurrence", "The specified recurrence pattern doesn't have any occurrence.");
const TOO_FAR: Refused = ("ErrorRecurrenceEndDateTooBig", "The recurrence end date is too big.");

impl Days {
    fn read(text: &str) -> Option<Days> {
        let mut days = 0;
        for word in text.split_whitespace() {
            days |= match word {
                "Day" => 0b111_1111,
                "Weekday" => 0b011_1110,
                "WeekendDay" => 0b100_0001,
                day => 1 << DAYS.iter().position(|known| *known == day)?,
            };
        }
        (days != 0).then_some(Days(days))
    }

    fn written(self) -> String {
        match self.0 {
            0b111_1111 => "Day".to_owned(),
            0b011_1110 => "Weekday".to_owned(),
            0b100_0001 => "WeekendDay".to_owned(),
            _ => self.list(),
        }
    }

    fn list(self) -> String {
        let has = |at: &usize| self.0 & (1 << at) != 0;
        (0..7).filter(has).filter_map(|at| DAYS.get(at).copied()).collect::<Vec<_>>().join(" ")
    }

    pub fn of_mask(mask: u8) -> Days {
        Days(mask & 0b111_1111)
    }

    /// As PidLidAppointmentRecur has it: bit 0 is Sunday.
    pub fn mask(self) -> u32 {
        u32::from(self.0)
    }

    fn has(self, weekday: i64) -> bool {
        self.0 >> weekday & 1 == 1
    }
}

impl Recurrence {
    /// Reads `Recurrence` of a request. The start is where the client says; see `settle`.
    pub fn read(element: &Element) -> Result<Recurrence, Refused> {
        let [pattern, range] = element.children.as_slice() else { return Err(INVALID) };
        let number = |name: &str, most: i64| match pattern.text_of(name).map(|text| text.trim().parse::<i64>()) {
            Some(Ok(number)) if (1..=most).contains(&number) => Ok(number),
            _ => Err(INVALID),
        };
        let days = || pattern.text_of("DaysOfWeek").and_then(Days::read).ok_or(INVALID);
        let position = |name: &str, words: &[&str]| {
            let word = pattern.text_of(name).ok_or(INVALID)?.trim();
            words.iter().position(|known| *known == word).ok_or(INVALID)
        };
        let month = || position("Month", &MONTHS).and_then(|at| i64::try_from(at + 1).map_err(|_| INVALID));
        let pattern = match pattern.name.as_str() {
            "DailyRecurrence" => Pattern::Daily { interval: number("Interval", 999)? },
            "WeeklyRecurrence" => {
                let words = pattern.text_of("DaysOfWeek").unwrap_or_default();
                if words.split_whitespace().any(|word| !DAYS.contains(&word)) {
                    return Err((
                        "ErrorCalendarInvalidDayForWeeklyRecurrence",
                        "The day is invalid for a weekly recurrence.",
                    ));
                }
                let first = match pattern.child("FirstDayOfWeek") {
                    Some(_) => i64::try_from(position("FirstDayOfWeek", &DAYS)?).map_err(|_| INVALID)?,
                    None => 0,
                };
                Pattern::Weekly { interval: number("Interval", 99)?, days: days()?, first }
            }
            "AbsoluteMonthlyRecurrence" => {
                Pattern::Monthly { interval: number("Interval", 99)?, day: number("DayOfMonth", 31)? }
            }
            "RelativeMonthlyRecurrence" => Pattern::MonthlyNth {
                interval: number("Interval", 99)?,
                days: days()?,
                index: position("DayOfWeekIndex", &ORDER)?,
            },
            "AbsoluteYearlyRecurrence" => {
                let (month, day) = (month()?, number("DayOfMonth", 31)?);
                if day > Date::days_in_month(2000, month) {
                    return Err(INVALID);
                }
                Pattern::Yearly { month, day }
            }
            "RelativeYearlyRecurrence" => {
                Pattern::YearlyNth { month: month()?, days: days()?, index: position("DayOfWeekIndex", &ORDER)? }
            }
            _ => return Err(INVALID),
        };
        let start = range.text_of("StartDate").and_then(time::parse_date).ok_or(INVALID)?;
        if start < Date::new(1601, 4, 1) {
            return Err(("ErrorCalendarOutOfRange", "The start date is out of range."));
        }
        let end = match range.name.as_str() {
            "NoEndRecurrence" => End::Never,
            "EndDateRecurrence" => {
                let end = range.text_of("EndDate").and_then(time::parse_date).ok_or(INVALID)?;
                if end > Date::new(4500, 9, 1) {
                    return Err(TOO_FAR);
                }
                End::On(end.number())
            }
            "NumberedRecurrence" => {
                let count = range.text_of("NumberOfOccurrences").and_then(|text| text.trim().parse().ok());
                End::After(count.filter(|count| (1..=999).contains(count)).ok_or(INVALID)?)
            }
            _ => return Err(INVALID),
        };
        Ok(Recurrence { pattern, start: start.number(), end })
    }

    /// Exchange lets a series begin on the first day that fits its pattern (a day that does not fit moves there).
    pub fn settle(mut self) -> Result<Recurrence, Refused> {
        self.start = self.days().next().ok_or(EMPTY)?;
        Ok(self)
    }

    pub fn written(&self) -> Element {
        let text = |words: &[&str], at: i64| {
            usize::try_from(at).ok().and_then(|at| words.get(at).copied()).unwrap_or_default().to_owned()
        };
        let order = |index: usize| ORDER.get(index).copied().unwrap_or_default();
        let pattern = match self.pattern {
            Pattern::Daily { interval } => t("DailyRecurrence").with(tt("Interval", interval)),
            Pattern::Weekly { interval, days, first } => t("WeeklyRecurrence")
                .with(tt("Interval", interval))
                .with(tt("DaysOfWeek", days.list()))
                .with(tt("FirstDayOfWeek", text(&DAYS, first))),
            Pattern::Monthly { interval, day } => {
                t("AbsoluteMonthlyRecurrence").with(tt("Interval", interval)).with(tt("DayOfMonth", day))
            }
            Pattern::MonthlyNth { interval, days, index } => t("RelativeMonthlyRecurrence")
                .with(tt("Interval", interval))
                .with(tt("DaysOfWeek", days.written()))
                .with(tt("DayOfWeekIndex", order(index))),
            Pattern::Yearly { month, day } => {
                t("AbsoluteYearlyRecurrence").with(tt("DayOfMonth", day)).with(tt("Month", text(&MONTHS, month - 1)))
            }
            Pattern::YearlyNth { month, days, index } => t("RelativeYearlyRecurrence")
                .with(tt("DaysOfWeek", days.written()))
                .with(tt("DayOfWeekIndex", order(index)))
                .with(tt("Month", text(&MONTHS, month - 1))),
        };
        // Exchange writes these dates with a zone that says nothing (vandelay #33).
        let date = |name: &str, number: i64| tt(name, Date::from_number(number).written() + "Z");
        let start = date("StartDate", self.start);
        let range = match self.end {
            End::Never => t("NoEndRecurrence").with(start),
            End::On(day) => t("EndDateRecurrence").with(start).with(date("EndDate", day)),
            End::After(count) => t("NumberedRecurrence").with(start).with(tt("NumberOfOccurrences", count)),
        };
        t("Recurrence").with(pattern).with(range)
    }

    /// All days, deleted ones too, from the first on.
    pub fn days(&self) -> impl Iterator<Item = i64> + use<> {
        let (start, end) = (self.start, self.end);
        let most = match end {
            End::After(count) => usize::try_from(count).unwrap_or(0),
            _ => usize::MAX,
        };
        let last = Date::new(LAST_YEAR, 8, 31).number();
        let last = if let End::On(day) = end { day.min(last) } else { last };
        self.candidates().skip_while(move |day| *day < start).take_while(move |day| *day <= last).take(most)
    }

    fn candidates(&self) -> Box<dyn Iterator<Item = i64> + Send> {
        let start = self.start;
        let first = Date::from_number(start);
        match self.pattern {
            Pattern::Daily { interval } => Box::new((0..).map(move |n: i64| start + n * interval)),
            Pattern::Weekly { interval, days, first } => {
                let week = start - (weekday(start) - first).rem_euclid(7);
                Box::new((0..).flat_map(move |n: i64| {
                    let monday = week + n * interval * 7;
                    (monday..monday + 7).filter(move |day| days.has(weekday(*day)))
                }))
            }
            Pattern::Monthly { interval, day } => Box::new((0..).map(move |n: i64| {
                let (year, month) = first.month_later(n * interval);
                in_month(year, month, day)
            })),
            Pattern::MonthlyNth { interval, days, index } => Box::new((0..).filter_map(move |n: i64| {
                let (year, month) = first.month_later(n * interval);
                nth(year, month, days, index)
            })),
            Pattern::Yearly { month, day } => Box::new((first.year..).map(move |year| in_month(year, month, day))),
            Pattern::YearlyNth { month, days, index } => {
                Box::new((first.year..).filter_map(move |year| nth(year, month, days, index)))
            }
        }
    }

    /// The shortest distance between two occurrences that the pattern can have, in days.
    pub fn shortest_gap(&self) -> i64 {
        let days: Vec<i64> = self.days().take(20).collect();
        days.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).min().unwrap_or(i64::MAX)
    }
}

fn in_month(year: i64, month: i64, day: i64) -> i64 {
    Date::new(year, month, day.min(Date::days_in_month(year, month))).number()
}

fn nth(year: i64, month: i64, days: Days, index: usize) -> Option<i64> {
    let first = Date::new(year, month, 1).number();
    let mut fitting = (first..first + Date::days_in_month(year, month)).filter(|day| days.has(weekday(*day)));
    if index == 4 { fitting.next_back() } else { fitting.nth(index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: Element, start: &str, end: End) -> Recurrence {
        let start = time::parse_date(start).unwrap().number();
        let range = Recurrence { pattern: Pattern::Daily { interval: 1 }, start, end }.written().children.remove(1);
        Recurrence::read(&t("Recurrence").with(pattern).with(range)).unwrap()
    }

    fn of(name: &str, parts: &[(&str, &str)]) -> Element {
        t(name).with_all(parts.iter().map(|(name, text)| tt(name, text)))
    }

    #[test]
    fn patterns_give_their_days() {
        let cases = [
            (of("DailyRecurrence", &[("Interval", "3")]), "2024-02-27", "2024-02-27 2024-03-01 2024-03-04"),
            (
                of(
                    "WeeklyRecurrence",
                    &[("Interval", "2"), ("DaysOfWeek", "Sunday Monday"), ("FirstDayOfWeek", "Monday")],
                ),
                "2024-03-04",
                "2024-03-04 2024-03-10 2024-03-18",
            ),
            (
                of(
                    "WeeklyRecurrence",
                    &[("Interval", "2"), ("DaysOfWeek", "Sunday Monday"), ("FirstDayOfWeek", "Sunday")],
                ),
                "2024-03-04",
                "2024-03-04 2024-03-17 2024-03-18",
            ),
            (
                of("AbsoluteMonthlyRecurrence", &[("Interval", "1"), ("DayOfMonth", "31")]),
                "2024-01-31",
                "2024-01-31 2024-02-29 2024-03-31",
            ),
            (
                of(
                    "RelativeMonthlyRecurrence",
                    &[("Interval", "1"), ("DaysOfWeek", "Weekday"), ("DayOfWeekIndex", "Last")],
                ),
                "2024-03-01",
                "2024-03-29 2024-04-30 2024-05-31",
            ),
            (
                of("AbsoluteYearlyRecurrence", &[("DayOfMonth", "29"), ("Month", "February")]),
                "2024-02-29",
                "2024-02-29 2025-02-28 2026-02-28",
            ),
            (
                of(
                    "RelativeYearlyRecurrence",
                    &[("DaysOfWeek", "Tuesday"), ("DayOfWeekIndex", "Second"), ("Month", "March")],
                ),
                "2024-03-13",
                "2025-03-11 2026-03-10 2027-03-09",
            ),
        ];
        for (pattern, start, days) in cases {
            let name = pattern.name.clone();
            let recurrence = read(pattern.clone(), start, End::After(3)).settle().unwrap();
            let shown: Vec<String> = recurrence.days().map(|day| Date::from_number(day).written()).collect();
            assert_eq!(shown.join(" "), days, "{name}");
            assert_eq!(Recurrence::read(&recurrence.written()), Ok(recurrence));
            assert_eq!(recurrence.written().children[0], pattern);
        }
    }

    #[test]
    fn what_exchange_cannot_hold_is_refused() {
        let daily = |interval: &str, end: Element| {
            let daily = of("DailyRecurrence", &[("Interval", interval)]);
            Recurrence::read(&t("Recurrence").with(daily).with(end))
                .and_then(Recurrence::settle)
                .map_err(|(code, _)| code)
        };
        let end = |day: &str| of("EndDateRecurrence", &[("StartDate", "2024-03-01"), ("EndDate", day)]);
        assert_eq!(daily("1000", end("2024-03-02")), Err("ErrorCalendarInvalidRecurrence"));
        assert_eq!(daily("1", end("2024-02-02")), Err("ErrorRecurrenceHasNoOccurrence"));
        assert_eq!(daily("1", end("4500-09-02")), Err("ErrorRecurrenceEndDateTooBig"));
        assert!(daily("1", end("2024-03-02")).is_ok());
    }
}
