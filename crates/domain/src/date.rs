//! INTERNALDATE: a moment with the zone in which the server told it.

use std::fmt;

/// Seconds since 1970-01-01T00:00Z and the zone's offset from UTC in minutes. Equality for verification is the moment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InternalDate {
    pub unix_s: i64,
    pub offset_min: i16,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl InternalDate {
    /// Reads `17-Jul-1996 02:44:25 -0700` (RFC 3501 `date-time`; the day may be padded by a space or not at all).
    /// `None` for anything that is not a real moment between the years 1900 and 9999, such as `00-Jan-0000`.
    #[must_use]
    pub fn parse(text: &str) -> Option<InternalDate> {
        let mut words = text.split_ascii_whitespace();
        let (date, time, zone) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() {
            return None;
        }
        let mut parts = date.split('-');
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? as i64 + 1;
        let (day, year) = (number(day, 2)?, number(year, 4)?);
        let mut parts = time.split(':');
        let (hour, minute, second) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        let sign = match zone.get(..1)? {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let (zone_h, zone_m) = (number(zone.get(1..3)?, 2)?, number(zone.get(3..)?, 2)?);
        let plausible = (1900..=9999).contains(&year)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 61
            && zone_h < 24
            && zone_m < 60;
        if !plausible {
            return None;
        }
        let offset_min = sign * (zone_h * 60 + zone_m);
        let unix_s = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_min * 60;
        Some(InternalDate { unix_s, offset_min: i16::try_from(offset_min).ok()? })
    }
}

impl fmt::Display for InternalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.unix_s + i64::from(self.offset_min) * 60;
        let (year, month, day) = civil_from_days(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("Jan");
        let (sign, offset) = if self.offset_min < 0 { ('-', -self.offset_min) } else { ('+', self.offset_min) };
        write!(
            f,
            "{day:02}-{month}-{year:04} {:02}:{:02}:{:02} {sign}{:02}{:02}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            offset / 60,
            offset % 60
        )
    }
}

fn number(text: &str, max_digits: usize) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= max_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in 400-year eras that start in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers() {
        let date = InternalDate::parse("17-Jul-1996 02:44:25 -0700").unwrap();
        assert_eq!(date, InternalDate { unix_s: 837_596_665, offset_min: -420 });
        assert_eq!(InternalDate::parse(" 1-Jan-1970 03:00:00 +0300").unwrap().unix_s, 0);
        assert_eq!(InternalDate::parse("29-Feb-2024 00:00:00 +0000").unwrap().unix_s, 1_709_164_800);
    }

    #[test]
    fn impossible_dates_are_none() {
        for text in [
            "00-Jan-0000 00:00:00 +0000",
            "01-Jan-0102 00:00:00 +0000",
            "30-Feb-2024 00:00:00 +0000",
            "1-Jan-2024 24:00:00 +0000",
            "",
            "x",
            "1-Jan-2024 00:00:00 UTC",
            "1-Jan-2024 00:00:00 +0000 x",
        ] {
            assert_eq!(InternalDate::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(unix_s in -2_208_900_000i64..253_402_200_000, offset_min in -900i16..900) {
            let date = InternalDate { unix_s, offset_min };
            prop_assert_eq!(InternalDate::parse(&date.to_string()), Some(date));
        }
    }
}
