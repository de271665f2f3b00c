//! Recurrence as `RRULE` ([MS-OXCICAL] 2.1.3.2): the six patterns that Exchange has, and nothing else.

use super::import::Moment;
use super::zone::DAYS;
use crate::ews::recurrence::{Days, End, Pattern, Recurrence, Refused};
use crate::ews::time::{self, DAY_S, Date};
use crate::ews::zones::Zone;

const UNKNOWN: Refused = ("ErrorMimeContentConversionFailed", "The MIME content conversion failed: RRULE.");

/// `start_s` is when the first occurrence begins, by the clock of the zone in which the days are counted.
pub fn written(recurrence: &Recurrence, zone: &Zone, start_s: i64) -> String {
    let days = |days: Days| {
        let has = |at: &usize| days.mask() >> at & 1 == 1;
        (0..7).filter(has).filter_map(|at| DAYS.get(at).copied()).collect::<Vec<_>>().join(",")
    };
    // The last day of a month is counted from its end; the 29th and the 30th are told as they are.
    let in_month = |day: i64| if day == 31 { -1 } else { day };
    let nth = |index: usize| if index == 4 { "-1".to_owned() } else { (index + 1).to_string() };
    let end = match recurrence.end {
        End::Never => String::new(),
        End::After(count) => format!(";COUNT={count}"),
        End::On(last) => {
            let last = recurrence.days().take_while(|day| *day <= last).last().unwrap_or(last);
            let last_s = zone.instant_s(last * DAY_S + zone.local_s(start_s).rem_euclid(DAY_S));
            format!(";UNTIL={}", compact(&time::written_utc(last_s)))
        }
    };
    let (frequency, interval, rest) = match recurrence.pattern {
        Pattern::Daily { interval } => ("DAILY", interval, String::new()),
        Pattern::Weekly { interval, days: on, first } => {
            let first = usize::try_from(first).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or("SU");
            ("WEEKLY", interval, format!(";BYDAY={};WKST={first}", days(on)))
        }
        Pattern::Monthly { interval, day } => ("MONTHLY", interval, format!(";BYMONTHDAY={}", in_month(day))),
        Pattern::MonthlyNth { interval, days: on, index } => {
            ("MONTHLY", interval, format!(";BYDAY={};BYSETPOS={}", days(on), nth(index)))
        }
        Pattern::Yearly { month, day } => ("YEARLY", 1, format!(";BYMONTHDAY={};BYMONTH={month}", in_month(day))),
        Pattern::YearlyNth { month, days: on, index } => {
            ("YEARLY", 1, format!(";BYDAY={};BYMONTH={month};BYSETPOS={}", days(on), nth(index)))
        }
    };
    format!("FREQ={frequency}{end};INTERVAL={interval}{rest}")
}

/// `2024-03-01T10:00:00Z` without what iCalendar leaves out.
pub fn compact(text: &str) -> String {
    text.replace(['-', ':'], "")
}

/// Reads a rule of an event that begins at `start`, by its own clock.
pub fn read(text: &str, start_local_s: i64, zone: Option<&Zone>) -> Result<Recurrence, Refused> {
    let mut parts: Vec<(&str, &str)> = text.trim().split(';').filter_map(|part| part.split_once('=')).collect();
    let mut take = |name: &str| {
        let at = parts.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(parts.remove(at).1)
    };
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| UNKNOWN);
    let first_day = start_local_s.div_euclid(DAY_S);
    let first = Date::from_number(first_day);
    let frequency = take("FREQ").ok_or(UNKNOWN)?.to_ascii_uppercase();
    let interval = take("INTERVAL").map_or(Ok(1), number)?;
    if !(1..=999).contains(&interval) {
        return Err(UNKNOWN);
    }
    let by_day = take("BYDAY");
    let by_month_day = take("BYMONTHDAY").map(number).transpose()?;
    let by_month = take("BYMONTH").map(number).transpose()?;
    let position = take("BYSETPOS").map(number).transpose()?;
    let week_start = take("WKST");
    let (count, until) = (take("COUNT").map(number).transpose()?, take("UNTIL"));
    if !parts.is_empty() || by_month.is_some_and(|month| !(1..=12).contains(&month)) {
        return Err(UNKNOWN);
    }
    let mut mask = 0_u8;
    // `2TU` says day and position in one.
    let mut ordinal = position;
    for word in by_day.into_iter().flat_map(|days| days.split(',')) {
        let split = word.trim().len().checked_sub(2).and_then(|at| word.trim().split_at_checked(at));
        let (nth, day) = split.ok_or(UNKNOWN)?;
        let at = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day)).ok_or(UNKNOWN)?;
        mask |= 1 << at;
        if !nth.is_empty() {
            ordinal = Some(number(nth)?);
        }
    }
    let weekday = u8::try_from(time::weekday(first_day)).unwrap_or(0);
    let days = Days::of_mask(if mask == 0 { 1 << weekday } else { mask });
    let month_day = |given: Option<i64>| match given {
        Some(-1) => Ok(31),
        Some(day @ 1..=31) => Ok(day),
        None => Ok(first.day),
        Some(_) => Err(UNKNOWN),
    };
    let index = |ordinal: i64| match ordinal {
        1..=4 => usize::try_from(ordinal - 1).map_err(|_| UNKNOWN),
        -1 => Ok(4),
        _ => Err(UNKNOWN),
    };
    let pattern = match (frequency.as_str(), ordinal) {
        ("DAILY", None) if mask == 0 => Pattern::Daily { interval },
        ("WEEKLY", None) | ("DAILY", None) => {
            let named = week_start.map(|day| DAYS.iter().position(|known| *known == day).ok_or(UNKNOWN)).transpose()?;
            let first = i64::try_from(named.unwrap_or(1)).map_err(|_| UNKNOWN)?;
            Pattern::Weekly { interval, days, first }
        }
        ("MONTHLY", Some(nth)) => Pattern::MonthlyNth { interval, days, index: index(nth)? },
        ("MONTHLY", None) if mask == 0 => Pattern::Monthly { interval, day: month_day(by_month_day)? },
        ("YEARLY", Some(nth)) if interval == 1 => {
            Pattern::YearlyNth { month: by_month.unwrap_or(first.month), days, index: index(nth)? }
        }
        ("YEARLY", None) if mask == 0 && interval == 1 => {
            Pattern::Yearly { month: by_month.unwrap_or(first.month), day: month_day(by_month_day)? }
        }
        _ => return Err(UNKNOWN),
    };
    let end = match (count, until) {
        (Some(count @ 1..=999), _) => End::After(count),
        (Some(_), _) => return Err(UNKNOWN),
        (None, Some(until)) => {
            let until = Moment::read(until).ok_or(UNKNOWN)?;
            let local_s = match (until.is_utc, zone) {
                (true, Some(zone)) => zone.local_s(until.local_s),
                _ => until.local_s,
            };
            End::On(local_s.div_euclid(DAY_S))
        }
        (None, None) => End::Never,
    };
    Recurrence { pattern, start: first_day, end }.settle()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_is_told_is_the_rule_that_is_understood() {
        let zone = Zone::known("Russian Standard Time").unwrap();
        let start = Date::new(2026, 3, 2);
        let local_s = start.number() * DAY_S + 9 * 3600;
        for rule in [
            "FREQ=DAILY;COUNT=5;INTERVAL=1",
            "FREQ=WEEKLY;UNTIL=20260428T060000Z;INTERVAL=2;BYDAY=MO,TU;WKST=MO",
            "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1",
            "FREQ=MONTHLY;INTERVAL=3;BYDAY=MO;BYSETPOS=1",
            "FREQ=YEARLY;INTERVAL=1;BYMONTHDAY=2;BYMONTH=3",
            "FREQ=YEARLY;INTERVAL=1;BYDAY=MO;BYMONTH=3;BYSETPOS=-1",
        ] {
            let read = read(rule, local_s, Some(&zone)).unwrap();
            assert_eq!(written(&read, &zone, zone.instant_s(read.start * DAY_S + 9 * 3600)), rule);
        }
        let nth = read("FREQ=MONTHLY;BYDAY=2TU", local_s, Some(&zone)).unwrap();
        assert!(matches!(nth.pattern, Pattern::MonthlyNth { index: 1, .. }), "{nth:?}");
        for beyond in ["FREQ=HOURLY", "FREQ=YEARLY;BYYEARDAY=1", "FREQ=MONTHLY;BYMONTHDAY=1,2", "INTERVAL=1"] {
            assert_eq!(read(beyond, local_s, None), Err(UNKNOWN), "{beyond}");
        }
    }
}
