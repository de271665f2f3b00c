//! INTERNALDATE on the wire (RFC 3501 `date-time`), written apart from the client's codec so that errors do not cancel out.

use parom_domain::InternalDate;
use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_S: i64 = 86_400;

/// The time of this machine, in UTC.
pub(crate) fn now() -> InternalDate {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    InternalDate { unix_s: i64::try_from(since.as_secs()).unwrap_or(0), offset_min: 0 }
}

/// `17-Jul-1996 02:44:25 -0700`, with the day padded to two characters by a space.
pub(crate) fn to_wire(date: InternalDate) -> String {
    let local = date.unix_s + i64::from(date.offset_min) * 60;
    let (mut days, second) = (local.div_euclid(DAY_S), local.rem_euclid(DAY_S));
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += year_days(year);
    }
    while days >= year_days(year) {
        days -= year_days(year);
        year += 1;
    }
    let mut name = MONTHS[0];
    for (month, length) in MONTHS.iter().zip(month_days(year)) {
        name = month;
        if days < length {
            break;
        }
        days -= length;
    }
    let (sign, zone) =
        if date.offset_min < 0 { ('-', -i32::from(date.offset_min)) } else { ('+', date.offset_min.into()) };
    format!(
        "{:>2}-{name}-{year:04} {:02}:{:02}:{:02} {sign}{:02}{:02}",
        days + 1,
        second / 3600,
        second / 60 % 60,
        second % 60,
        zone / 60,
        zone % 60
    )
}

/// Reads a `date-time` without its quotes.
pub(super) fn from_wire(text: &str) -> Option<InternalDate> {
    let (date, rest) = text.trim_start().split_once(' ')?;
    let (time, zone) = rest.split_once(' ')?;
    let midnight = day(date)?;
    let [hour, minute, second] = numbers::<3>(time, ':')?;
    let (sign, zone) = match zone.split_at_checked(1)? {
        ("+", zone) => (1, zone),
        ("-", zone) => (-1, zone),
        _ => return None,
    };
    if zone.len() != 4 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone: i64 = zone.parse().ok()?;
    let offset = sign * (zone / 100 * 60 + zone % 100);
    let unix_s = midnight + hour * 3600 + minute * 60 + second - offset * 60;
    Some(InternalDate { unix_s, offset_min: i16::try_from(offset).ok()? })
}

/// Midnight UTC of a `date` such as `1-Feb-1994`, as SEARCH has it.
pub(super) fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let lengths = month_days(year);
    if parts.next().is_some() || !(1800..=9999).contains(&year) || !(1..=*lengths.get(month)?).contains(&day) {
        return None;
    }
    let years: i64 =
        if year >= 1970 { (1970..year).map(year_days).sum() } else { -(year..1970).map(year_days).sum::<i64>() };
    let days = years + lengths.iter().take(month).sum::<i64>() + day - 1;
    Some(days * DAY_S)
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let parts: Vec<i64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

fn year_days(year: i64) -> i64 {
    month_days(year).iter().sum()
}

fn month_days(year: i64) -> [i64; 12] {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for (text, unix_s, offset_min) in [
            ("17-Jul-1996 02:44:25 -0700", 837_596_665, -420),
            (" 1-Jan-1970 03:00:00 +0300", 0, 180),
            ("31-Dec-1969 23:59:59 +0000", -1, 0),
            ("29-Feb-2024 00:00:00 +0000", 1_709_164_800, 0),
            ("31-Dec-2000 12:00:00 +0545", 978_243_300, 345),
        ] {
            let date = InternalDate { unix_s, offset_min };
            assert_eq!(to_wire(date), text);
            assert_eq!(from_wire(text), Some(date));
        }
        for text in
            ["00-Jan-0000 00:00:00 +0000", "30-Feb-2024 00:00:00 +0000", "1-Jan-2024", "", "1-Jan-2024 1:2 +0000"]
        {
            assert_eq!(from_wire(text), None, "{text}");
        }
    }
}
