//! Values inside content lines: text, dates, durations, offsets (RFC 5545 section 3.3).

use crate::Unfit;
use jiff::civil::{Date, DateTime, Time};
use std::fmt::Write;

/// TEXT as it is meant. Backslashes before other letters than RFC 5545's stand for themselves.
#[must_use]
pub fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let meant = match after.as_bytes().first() {
            Some(b'n' | b'N') => Some('\n'),
            Some(b'\\') => Some('\\'),
            Some(b',') => Some(','),
            Some(b';') => Some(';'),
            _ => None,
        };
        out.push(meant.unwrap_or('\\'));
        rest = if meant.is_some() { after.get(1..).unwrap_or_default() } else { after };
    }
    out.push_str(rest);
    out
}

#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, c, after)) = split_at_char(rest, |c| matches!(c, '\\' | ',' | ';') || is_stray(c)) {
        out.push_str(plain);
        match c {
            '\n' => out.push_str("\\n"),
            '\\' | ',' | ';' => out.extend(['\\', c]),
            _ => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What is before the first such character, that one, and what is after it.
fn split_at_char(text: &str, is_wanted: impl Fn(char) -> bool) -> Option<(&str, char, &str)> {
    let (plain, rest) = text.split_at(text.find(is_wanted)?);
    let mut rest = rest.chars();
    let c = rest.next()?;
    Some((plain, c, rest.as_str()))
}

/// Control characters but the tab have no place in a content line, and most texts have none.
pub fn is_stray(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Has the text none of them? Told by its bytes, which is fast: those from U+0080 on begin with one that few others begin with.
pub fn has_no_stray(text: &str) -> bool {
    let may_be = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f || byte == 0xc2;
    !text.bytes().fold(false, |found, byte| found | may_be(byte)) || !text.contains(is_stray)
}

/// The values of a list, split at the commas that are not escaped.
pub fn split_list(value: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        match c {
            '\\' => escaped = !escaped,
            ',' if !escaped => {
                parts.push(value.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => escaped = false,
        }
    }
    parts.push(value.get(start..).unwrap_or_default());
    parts
}

/// `YYYYMMDD`.
pub fn parse_date(text: &str) -> Result<Date, Unfit> {
    let digits = text.trim();
    if digits.len() != 8 {
        return Err(Unfit::BadTime);
    }
    let year = number(digits, 0, 4)?;
    let (month, day) = (number(digits, 4, 6)?, number(digits, 6, 8)?);
    Date::new(year, small(month)?, small(day)?).map_err(|_| Unfit::BadTime)
}

/// `YYYYMMDDTHHMMSS`, and whether a `Z` follows. The seconds may be missing; a leap second is the one before it.
pub fn parse_datetime(text: &str) -> Result<(DateTime, bool), Unfit> {
    let (date, time) = text.trim().split_once(['T', 't']).ok_or(Unfit::BadTime)?;
    let (time, utc) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, true),
        None => (time, false),
    };
    if !matches!(time.len(), 4 | 6) {
        return Err(Unfit::BadTime);
    }
    let second = if time.len() == 6 { number(time, 4, 6)? } else { 0 };
    let (hour, minute) = (number(time, 0, 2)?, number(time, 2, 4)?);
    let second = if second == 60 { 59 } else { second };
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).map_err(|_| Unfit::BadTime)?;
    Ok((parse_date(date)?.to_datetime(time), utc))
}

#[must_use]
pub fn print_date(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Without a `Z`.
#[must_use]
pub fn print_datetime(at: DateTime) -> String {
    format!("{}T{:02}{:02}{:02}", print_date(at.date()), at.hour(), at.minute(), at.second())
}

fn number(text: &str, from: usize, to: usize) -> Result<i16, Unfit> {
    let digits = text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(Unfit::BadTime)
}

fn small(number: i16) -> Result<i8, Unfit> {
    i8::try_from(number).map_err(|_| Unfit::BadTime)
}

/// A DURATION: days are nominal (a day across a change of clocks has 23 or 25 hours), seconds are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration {
    pub days: i64,
    pub seconds: i64,
}

/// No event and no alarm reaches further.
const LONGEST_DAYS: i64 = 400_000;

impl Duration {
    /// `[+-]P[nW][nD][T[nH][nM][nS]]`.
    pub fn parse(text: &str) -> Result<Duration, Unfit> {
        let text = text.trim();
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let mut rest = text.strip_prefix('P').ok_or(Unfit::BadDuration)?;
        let mut duration = Duration::default();
        let (mut in_time, mut parts) = (false, 0);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('T')
                && !in_time
            {
                (in_time, rest) = (true, after);
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or(Unfit::BadDuration)?;
            let (digits, after) = rest.split_at(end);
            let count: i64 = digits.parse().map_err(|_| Unfit::BadDuration)?;
            let mut letters = after.chars();
            let (to, unit) = match (in_time, letters.next()) {
                (false, Some('W')) => (&mut duration.days, 7),
                (false, Some('D')) => (&mut duration.days, 1),
                (true, Some('H')) => (&mut duration.seconds, 3600),
                (true, Some('M')) => (&mut duration.seconds, 60),
                (true, Some('S')) => (&mut duration.seconds, 1),
                _ => return Err(Unfit::BadDuration),
            };
            let amount = count.checked_mul(unit).and_then(|more| to.checked_add(more)).ok_or(Unfit::BadDuration)?;
            *to = amount;
            parts += 1;
            rest = letters.as_str();
        }
        if parts == 0 || duration.days > LONGEST_DAYS || duration.seconds > LONGEST_DAYS * 86_400 {
            return Err(Unfit::BadDuration);
        }
        Ok(Duration { days: sign * duration.days, seconds: sign * duration.seconds })
    }

    /// Both parts have the same sign, as everything that was read has.
    #[must_use]
    pub fn print(self) -> String {
        let mut out = String::from(if self.days < 0 || self.seconds < 0 { "-P" } else { "P" });
        let (days, seconds) = (self.days.unsigned_abs(), self.seconds.unsigned_abs());
        if days > 0 {
            let _ = write!(out, "{days}D");
        }
        if seconds > 0 || days == 0 {
            out.push('T');
            let parts = [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')];
            for (count, unit) in parts.into_iter().filter(|(count, _)| *count > 0) {
                let _ = write!(out, "{count}{unit}");
            }
            if seconds == 0 {
                out.push_str("0M");
            }
        }
        out
    }

    /// All of it in seconds, a day taken as 24 hours.
    #[must_use]
    pub fn total_seconds(self) -> i64 {
        self.days * 86_400 + self.seconds
    }
}

/// `+HHMM` or `-HHMMSS` in seconds east of UTC.
pub fn parse_offset(text: &str) -> Result<i32, Unfit> {
    let text = text.trim();
    let (sign, digits) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(digits), _) => (-1, digits),
        (_, Some(digits)) => (1, digits),
        _ => return Err(Unfit::BadZone),
    };
    if !matches!(digits.len(), 4 | 6) {
        return Err(Unfit::BadZone);
    }
    let part = |from, to| number(digits, from, to).map(i32::from).map_err(|_| Unfit::BadZone);
    let seconds = if digits.len() == 6 { part(4, 6)? } else { 0 };
    let offset = part(0, 2)? * 3600 + part(2, 4)? * 60 + seconds;
    // The furthest that RFC 5545 and the zone database know is less than a day.
    if offset < 86_400 { Ok(sign * offset) } else { Err(Unfit::BadZone) }
}

#[must_use]
pub fn print_offset(offset: i32) -> String {
    let size = offset.unsigned_abs();
    let mut out = format!("{}{:02}{:02}", if offset < 0 { '-' } else { '+' }, size / 3600, size / 60 % 60);
    if !size.is_multiple_of(60) {
        let _ = write!(out, "{:02}", size % 60);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_that_do_not_exist_are_refused() {
        for text in ["20260230T100000", "20260101T250000", "20260101", "2026-01-01T10:00:00", "", "+0260101T1000", "T"]
        {
            assert_eq!(parse_datetime(text), Err(Unfit::BadTime), "{text}");
        }
        assert_eq!(parse_datetime("20161231T235960Z").unwrap(), parse_datetime("20161231T235959Z").unwrap());
    }

    #[test]
    fn durations_have_all_their_parts() {
        for (text, days, seconds) in
            [("-P1DT2H", -1, -7200), ("P2W", 14, 0), ("PT0S", 0, 0), ("-PT15M", 0, -900), ("+P1W2DT3H4M5S", 9, 11_045)]
        {
            assert_eq!(Duration::parse(text), Ok(Duration { days, seconds }), "{text}");
        }
        for text in ["P", "PT", "15M", "P1H", "PT1D", "P1", "PTT1H", "P99999999999999999999D", "-"] {
            assert_eq!(Duration::parse(text), Err(Unfit::BadDuration), "{text}");
        }
        assert_eq!(Duration::default().print(), "PT0M");
    }

    #[test]
    fn lists_are_split_where_no_backslash_stands() {
        assert_eq!(split_list("a,b\\,c,d\\\\,e"), ["a", "b\\,c", "d\\\\", "e"]);
    }

    proptest! {
        #[test]
        fn text_is_read_back(text in "([^\\p{C}]|\n|\\\\){0,50}") {
            prop_assert_eq!(unescape(&escape(&text)), text);
        }

        #[test]
        fn durations_and_offsets_are_read_back(days in 0i64..1000, seconds in 0i64..1_000_000, minus: bool, offset in -86_399..86_400) {
            let sign = if minus { -1 } else { 1 };
            let duration = Duration { days: sign * days, seconds: sign * seconds };
            prop_assert_eq!(Duration::parse(&duration.print()), Ok(duration));
            prop_assert_eq!(parse_offset(&print_offset(offset)), Ok(offset));
        }
    }
}
