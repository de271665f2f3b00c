//! RRULE in words: reading and writing.

use super::{ByDay, Ends, Freq, Rule};
use crate::Unfit;
use crate::ical::values::{parse_date, parse_datetime, print_date};
use jiff::civil::{Date, DateTime, Weekday};
use std::fmt::{Display, Write};
use std::str::FromStr;

/// UNTIL as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Date(Date),
    Local(DateTime),
    Utc(DateTime),
}

const FREQUENCIES: [(&str, Freq); 7] = [
    ("SECONDLY", Freq::Secondly),
    ("MINUTELY", Freq::Minutely),
    ("HOURLY", Freq::Hourly),
    ("DAILY", Freq::Daily),
    ("WEEKLY", Freq::Weekly),
    ("MONTHLY", Freq::Monthly),
    ("YEARLY", Freq::Yearly),
];

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

/// More occurrences than this are none that a calendar shows; it keeps expansion in bounds.
const MOST: u32 = 100_000;

/// Reads the value of an RRULE. UNTIL is given apart: only the caller knows the frame it is meant in. COUNT is in
/// `ends`. Not canonical yet.
pub fn parse(text: &str) -> Result<(Rule, Option<Until>), Unfit> {
    let mut rule = Rule::every(Freq::Yearly, 1);
    let (mut freq, mut until) = (None, None);
    for part in text.trim().split(';').filter(|part| !part.trim().is_empty()) {
        let (name, value) = part.split_once('=').ok_or(Unfit::BadRule)?;
        let value = value.trim();
        match name.trim().to_ascii_uppercase().as_str() {
            "FREQ" => freq = Some(word(&FREQUENCIES, value)?),
            "INTERVAL" => rule.interval = one(value, 1, MOST)?,
            "COUNT" => rule.ends = Ends::After(one(value, 1, MOST)?),
            "UNTIL" => until = Some(parse_until(value)?),
            "WKST" => rule.week_start = word(&DAYS, value)?,
            "BYSECOND" => rule.by_second = list(value, 0, 60)?,
            "BYMINUTE" => rule.by_minute = list(value, 0, 59)?,
            "BYHOUR" => rule.by_hour = list(value, 0, 23)?,
            "BYDAY" => rule.by_day = value.split(',').map(parse_by_day).collect::<Result<_, _>>()?,
            "BYMONTHDAY" => rule.by_month_day = nonzero(list(value, -31, 31)?)?,
            "BYYEARDAY" => rule.by_year_day = nonzero(list(value, -366, 366)?)?,
            "BYWEEKNO" => rule.by_week_no = nonzero(list(value, -53, 53)?)?,
            "BYMONTH" => rule.by_month = list(value, 1, 12)?,
            "BYSETPOS" => rule.by_set_pos = nonzero(list(value, -366, 366)?)?,
            "RSCALE" | "SKIP" => return Err(Unfit::RuleExtension),
            _ => return Err(Unfit::BadRule),
        }
    }
    rule.freq = freq.ok_or(Unfit::BadRule)?;
    let nth_means_nothing = !matches!(rule.freq, Freq::Monthly | Freq::Yearly) || !rule.by_week_no.is_empty();
    if nth_means_nothing && rule.by_day.iter().any(|day| day.nth != 0) {
        return Err(Unfit::BadRule);
    }
    Ok((rule, until))
}

/// The value of an RRULE; `until` is what stands for [`Ends::On`] and [`Ends::At`].
#[must_use]
pub fn print(rule: &Rule, until: Option<&str>) -> String {
    let mut out = format!("FREQ={}", name(&FREQUENCIES, rule.freq));
    if rule.interval > 1 {
        let _ = write!(out, ";INTERVAL={}", rule.interval);
    }
    let days = rule.by_day.iter().map(|by| match by.nth {
        0 => name(&DAYS, by.day).to_owned(),
        nth => format!("{nth}{}", name(&DAYS, by.day)),
    });
    let days: Vec<String> = days.collect();
    join(&mut out, "BYMONTH", &rule.by_month);
    join(&mut out, "BYWEEKNO", &rule.by_week_no);
    join(&mut out, "BYYEARDAY", &rule.by_year_day);
    join(&mut out, "BYMONTHDAY", &rule.by_month_day);
    join(&mut out, "BYDAY", &days);
    join(&mut out, "BYHOUR", &rule.by_hour);
    join(&mut out, "BYMINUTE", &rule.by_minute);
    join(&mut out, "BYSECOND", &rule.by_second);
    join(&mut out, "BYSETPOS", &rule.by_set_pos);
    if rule.week_start != Weekday::Monday {
        let _ = write!(out, ";WKST={}", name(&DAYS, rule.week_start));
    }
    match (rule.ends, until) {
        (Ends::After(count), _) => _ = write!(out, ";COUNT={count}"),
        (Ends::On(_) | Ends::At(_), Some(until)) => _ = write!(out, ";UNTIL={until}"),
        (Ends::On(date), None) => _ = write!(out, ";UNTIL={}", print_date(date)),
        _ => {}
    }
    out
}

fn join<T: Display>(out: &mut String, part: &str, values: &[T]) {
    for (at, value) in values.iter().enumerate() {
        let _ = if at == 0 { write!(out, ";{part}={value}") } else { write!(out, ",{value}") };
    }
}

fn parse_until(value: &str) -> Result<Until, Unfit> {
    if !value.contains(['T', 't']) {
        return parse_date(value).map(Until::Date).map_err(|_| Unfit::BadRule);
    }
    let (at, utc) = parse_datetime(value).map_err(|_| Unfit::BadRule)?;
    Ok(if utc { Until::Utc(at) } else { Until::Local(at) })
}

fn parse_by_day(text: &str) -> Result<ByDay, Unfit> {
    let text = text.trim();
    let split = text.len().checked_sub(2).ok_or(Unfit::BadRule)?;
    let (nth, day) = (text.get(..split).ok_or(Unfit::BadRule)?, text.get(split..).ok_or(Unfit::BadRule)?);
    let day = word(&DAYS, day)?;
    if nth.is_empty() {
        return Ok(ByDay::every(day));
    }
    let nth: i8 = nth.parse().map_err(|_| Unfit::BadRule)?;
    if nth == 0 || !(-53..=53).contains(&nth) { Err(Unfit::BadRule) } else { Ok(ByDay { nth, day }) }
}

fn word<T: Copy>(table: &[(&str, T)], value: &str) -> Result<T, Unfit> {
    let found = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
    found.map(|(_, meant)| *meant).ok_or(Unfit::BadRule)
}

fn name<T: PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
}

fn one<T: FromStr + PartialOrd>(value: &str, least: T, most: T) -> Result<T, Unfit> {
    let number: T = value.trim().parse().map_err(|_| Unfit::BadRule)?;
    if number >= least && number <= most { Ok(number) } else { Err(Unfit::BadRule) }
}

fn list<T: FromStr + PartialOrd + Copy>(value: &str, least: T, most: T) -> Result<Vec<T>, Unfit> {
    value.split(',').map(|number| one(number, least, most)).collect()
}

fn nonzero<T: PartialEq + Default>(values: Vec<T>) -> Result<Vec<T>, Unfit> {
    if values.contains(&T::default()) { Err(Unfit::BadRule) } else { Ok(values) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_are_none_are_refused() {
        for text in [
            "",
            "INTERVAL=2",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=-1",
            "FREQ=FORTNIGHTLY",
            "FREQ=WEEKLY;BYDAY=2TU",
            "FREQ=MONTHLY;BYDAY=0TU",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=YEARLY;BYEASTER=1",
            "FREQ=DAILY;UNTIL=tomorrow",
            "FREQ",
        ] {
            assert_eq!(parse(text).map(|_| ()), Err(Unfit::BadRule), "{text}");
        }
    }

    #[test]
    fn extensions_are_known_for_what_they_are() {
        assert_eq!(parse("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD").map(|_| ()), Err(Unfit::RuleExtension));
    }

    #[test]
    fn what_is_read_is_written() {
        for text in [
            "FREQ=DAILY;INTERVAL=3",
            "FREQ=MONTHLY;BYDAY=-1FR;COUNT=5",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            "FREQ=DAILY;BYHOUR=9,12;BYMINUTE=0,30;BYSECOND=0",
        ] {
            let (rule, until) = parse(text).unwrap();
            assert_eq!((print(&rule, None).as_str(), until), (text, None));
        }
    }

    #[test]
    fn until_is_given_as_it_was_written() {
        let until = |text: &str| parse(&format!("FREQ=DAILY;UNTIL={text}")).unwrap().1.unwrap();
        let (date, at) = (jiff::civil::date(2026, 3, 30), jiff::civil::date(2026, 3, 30).at(7, 0, 0, 0));
        assert_eq!(until("20260330"), Until::Date(date));
        assert_eq!(until("20260330T070000"), Until::Local(at));
        assert_eq!(until("20260330T070000Z"), Until::Utc(at));
    }
}
