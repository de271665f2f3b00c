//! Recurrence patterns and ranges ([MS-OXWSCDATA] 2.2.4, RecurrenceType).

use crate::xml::{Element, Out};
use jiff::civil::{Date, Weekday};
use parom_calendar::pattern::{Days, Pattern, Position, Repeat, Stop};

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "Monday"),
    (Weekday::Tuesday, "Tuesday"),
    (Weekday::Wednesday, "Wednesday"),
    (Weekday::Thursday, "Thursday"),
    (Weekday::Friday, "Friday"),
    (Weekday::Saturday, "Saturday"),
    (Weekday::Sunday, "Sunday"),
];
const POSITIONS: [(Position, &str); 5] = [
    (Position::First, "First"),
    (Position::Second, "Second"),
    (Position::Third, "Third"),
    (Position::Fourth, "Fourth"),
    (Position::Last, "Last"),
];
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

fn word<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(known, _)| *known == value).map_or("", |(_, word)| word)
}

fn value<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    table.iter().find(|(_, known)| *known == word.trim()).map(|(value, _)| *value)
}

fn month_name(month: i8) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("January")
}

fn days_word(days: Days) -> &'static str {
    match days {
        Days::One(day) => word(&DAYS, day),
        Days::Any => "Day",
        Days::Working => "Weekday",
        Days::Weekend => "WeekendDay",
    }
}

pub(super) fn write(out: &mut Out, repeat: &Repeat) {
    out.within("t:Recurrence", &[], |out| {
        write_pattern(out, &repeat.pattern);
        let start = repeat.start.to_string();
        match repeat.stop {
            Stop::Never => out.within("t:NoEndRecurrence", &[], |out| out.leaf("t:StartDate", &start)),
            Stop::On(date) => out.within("t:EndDateRecurrence", &[], |out| {
                out.leaf("t:StartDate", &start);
                out.leaf("t:EndDate", &date.to_string());
            }),
            Stop::After(count) => out.within("t:NumberedRecurrence", &[], |out| {
                out.leaf("t:StartDate", &start);
                out.leaf("t:NumberOfOccurrences", &count.to_string());
            }),
        }
    });
}

fn write_pattern(out: &mut Out, pattern: &Pattern) {
    let interval = |out: &mut Out, interval: &u32| out.leaf("t:Interval", &interval.to_string());
    let relative = |out: &mut Out, days: &Days, position: &Position| {
        out.leaf("t:DaysOfWeek", days_word(*days));
        out.leaf("t:DayOfWeekIndex", word(&POSITIONS, *position));
    };
    match pattern {
        Pattern::Daily { interval: n } => out.within("t:DailyRecurrence", &[], |out| interval(out, n)),
        Pattern::Weekly { interval: n, days, first_day } => out.within("t:WeeklyRecurrence", &[], |out| {
            interval(out, n);
            let days: Vec<&str> = days.iter().map(|day| word(&DAYS, *day)).collect();
            out.leaf("t:DaysOfWeek", &days.join(" "));
            out.leaf("t:FirstDayOfWeek", word(&DAYS, *first_day));
        }),
        Pattern::AbsoluteMonthly { interval: n, day } => out.within("t:AbsoluteMonthlyRecurrence", &[], |out| {
            interval(out, n);
            out.leaf("t:DayOfMonth", &day.to_string());
        }),
        Pattern::RelativeMonthly { interval: n, days, position } => {
            out.within("t:RelativeMonthlyRecurrence", &[], |out| {
                interval(out, n);
                relative(out, days, position);
            });
        }
        Pattern::AbsoluteYearly { month, day } => out.within("t:AbsoluteYearlyRecurrence", &[], |out| {
            out.leaf("t:DayOfMonth", &day.to_string());
            out.leaf("t:Month", month_name(*month));
        }),
        Pattern::RelativeYearly { month, days, position } => out.within("t:RelativeYearlyRecurrence", &[], |out| {
            relative(out, days, position);
            out.leaf("t:Month", month_name(*month));
        }),
    }
}

/// `None` for what a calendar does not have (regenerating patterns are of tasks).
pub(super) fn read(recurrence: &Element) -> Option<Repeat> {
    let mut pattern = None;
    let mut range = None;
    for child in &recurrence.children {
        let number = |name: &str| child.text_of(name).and_then(|text| text.trim().parse::<u32>().ok());
        match child.name.as_str() {
            "NoEndRecurrence" => range = Some((date(child, "StartDate")?, Stop::Never)),
            "EndDateRecurrence" => range = Some((date(child, "StartDate")?, Stop::On(date(child, "EndDate")?))),
            "NumberedRecurrence" => {
                range = Some((date(child, "StartDate")?, Stop::After(number("NumberOfOccurrences")?)));
            }
            _ => pattern = Some(read_pattern(child)?),
        }
    }
    let (start, stop) = range?;
    Some(Repeat { pattern: pattern.filter(Pattern::is_valid)?, start, stop })
}

fn read_pattern(element: &Element) -> Option<Pattern> {
    let number = |name: &str| element.text_of(name).and_then(|text| text.trim().parse::<u32>().ok());
    let day = || number("DayOfMonth").and_then(|day| i8::try_from(day).ok());
    let month = || {
        let name = element.text_of("Month")?.trim();
        let at = MONTHS.iter().position(|month| *month == name)?;
        i8::try_from(at + 1).ok()
    };
    let days = || {
        Some(match element.text_of("DaysOfWeek")?.trim() {
            "Day" => Days::Any,
            "Weekday" => Days::Working,
            "WeekendDay" => Days::Weekend,
            day => Days::One(value(&DAYS, day)?),
        })
    };
    let position = || value(&POSITIONS, element.text_of("DayOfWeekIndex")?);
    Some(match element.name.as_str() {
        "DailyRecurrence" => Pattern::Daily { interval: number("Interval")? },
        "WeeklyRecurrence" => {
            let mut days = Vec::new();
            for name in element.text_of("DaysOfWeek")?.split_whitespace() {
                match name {
                    "Day" => days.extend(DAYS.map(|(day, _)| day)),
                    "Weekday" => days.extend(parom_calendar::pattern::WORKING),
                    "WeekendDay" => days.extend(parom_calendar::pattern::WEEKEND),
                    name => days.push(value(&DAYS, name)?),
                }
            }
            days.sort_by_key(|day| day.to_monday_zero_offset());
            days.dedup();
            // Exchange 2007 does not tell it and counts from Sunday on.
            let first_day =
                element.text_of("FirstDayOfWeek").map_or(Some(Weekday::Sunday), |name| value(&DAYS, name))?;
            Pattern::Weekly { interval: number("Interval")?, days, first_day }
        }
        "AbsoluteMonthlyRecurrence" => Pattern::AbsoluteMonthly { interval: number("Interval")?, day: day()? },
        "RelativeMonthlyRecurrence" => {
            Pattern::RelativeMonthly { interval: number("Interval")?, days: days()?, position: position()? }
        }
        "AbsoluteYearlyRecurrence" => Pattern::AbsoluteYearly { month: month()?, day: day()? },
        "RelativeYearlyRecurrence" => Pattern::RelativeYearly { month: month()?, days: days()?, position: position()? },
        _ => return None,
    })
}

/// A date may come with an offset, `2021-09-30-06:00`, or a `Z`: what is before it counts.
fn date(element: &Element, name: &str) -> Option<Date> {
    element.text_of(name)?.trim().get(..10)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;
    use jiff::civil::date;

    fn back(repeat: &Repeat) -> Option<Repeat> {
        let mut out = Out::new();
        write(&mut out, repeat);
        read(&xml::read(out.finish().as_bytes()).unwrap())
    }

    #[test]
    fn every_pattern_and_range_comes_back() {
        let patterns = [
            Pattern::Daily { interval: 999 },
            Pattern::Weekly { interval: 2, days: vec![Weekday::Tuesday, Weekday::Sunday], first_day: Weekday::Sunday },
            Pattern::AbsoluteMonthly { interval: 12, day: 31 },
            Pattern::RelativeMonthly { interval: 1, days: Days::Working, position: Position::Last },
            Pattern::RelativeMonthly { interval: 1, days: Days::One(Weekday::Friday), position: Position::Third },
            Pattern::AbsoluteYearly { month: 2, day: 29 },
            Pattern::RelativeYearly { month: 12, days: Days::Weekend, position: Position::First },
            Pattern::RelativeYearly { month: 1, days: Days::Any, position: Position::Fourth },
        ];
        for pattern in patterns {
            for stop in [Stop::Never, Stop::On(date(2030, 12, 31)), Stop::After(999)] {
                let repeat = Repeat { pattern: pattern.clone(), start: date(2026, 3, 1), stop };
                assert_eq!(back(&repeat), Some(repeat));
            }
        }
    }

    #[test]
    fn a_date_with_an_offset_is_that_date() {
        let text = "<R><DailyRecurrence><Interval>1</Interval></DailyRecurrence><EndDateRecurrence><StartDate>2021-09-01Z\
                    </StartDate><EndDate>2021-09-30-06:00</EndDate></EndDateRecurrence></R>";
        let repeat = read(&xml::read(text.as_bytes()).unwrap()).unwrap();
        assert_eq!((repeat.start, repeat.stop), (date(2021, 9, 1), Stop::On(date(2021, 9, 30))));
    }

    #[test]
    fn what_is_of_tasks_is_not_known() {
        let text = "<R><DailyRegeneration><Interval>1</Interval></DailyRegeneration><NoEndRecurrence><StartDate>2021-09-01\
                    </StartDate></NoEndRecurrence></R>";
        assert_eq!(read(&xml::read(text.as_bytes()).unwrap()), None);
    }
}
