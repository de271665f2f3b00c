//! Days and instants, and how EWS writes them (`xs:dateTime`, `xs:date`, `xs:duration`).
//!
//! An instant is whole seconds since 1970 in UTC; a day is a number of days since then; local time is counted as if it
//! were UTC. Nothing here knows zones.

pub const DAY_S: i64 = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

impl Date {
    pub fn new(year: i64, month: i64, day: i64) -> Date {
        Date { year, month, day }
    }

    /// Days since 1970-01-01, by the reckoning in Howard Hinnant's `chrono-Compatible Low-Level Date Algorithms`.
    pub fn number(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month = (self.month + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    pub fn from_number(number: i64) -> Date {
        let shifted = number + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month, day }
    }

    pub fn days_in_month(year: i64, month: i64) -> i64 {
        match month {
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => 31,
        }
    }

    /// The same day `months` later, in a month that may be too short for it: the day is left for the caller to mend.
    pub fn month_later(self, months: i64) -> (i64, i64) {
        let count = self.year * 12 + self.month - 1 + months;
        (count.div_euclid(12), count.rem_euclid(12) + 1)
    }

    pub fn is_real(self) -> bool {
        (1..=12).contains(&self.month) && self.day >= 1 && self.day <= Date::days_in_month(self.year, self.month)
    }

    pub fn written(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// 0 is Sunday.
pub fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

/// A date with time, and where its writer said that it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// As the clock on the wall shows it.
    pub local_s: i64,
    pub offset_s: Option<i64>,
}

/// `2024-03-01T10:00:00[.123][Z|+03:00]`, and with no time too, as .NET takes it.
pub fn parse(text: &str) -> Option<Stamp> {
    let text = text.trim();
    let (date, rest) = split_date(text)?;
    let (time_s, rest) = match rest.strip_prefix('T') {
        Some(rest) => {
            let clock = rest.get(..8)?;
            let mut parts = clock.split(':').map(|part| number(part, 2));
            let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
            if hour > 23 || minute > 59 || second > 59 {
                return None;
            }
            let rest = rest.get(8..)?;
            let rest = match rest.strip_prefix('.') {
                Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
                None => rest,
            };
            (hour * 3600 + minute * 60 + second, rest)
        }
        None => (0, rest),
    };
    let offset_s = offset(rest)?;
    Some(Stamp { local_s: date.number() * DAY_S + time_s, offset_s })
}

/// `2024-03-01`, with an offset that means nothing ("2021-09-30-06:00").
pub fn parse_date(text: &str) -> Option<Date> {
    let (date, rest) = split_date(text.trim())?;
    offset(rest)?;
    Some(date)
}

fn split_date(text: &str) -> Option<(Date, &str)> {
    let mut parts = text.get(..10)?.split('-');
    let date = Date::new(number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    (date.is_real() && date.year > 0).then_some((date, text.get(10..)?))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn offset(text: &str) -> Option<Option<i64>> {
    match text {
        "" => Some(None),
        "Z" => Some(Some(0)),
        _ => {
            let sign = if text.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
            Some(Some(sign * (number(hours, 2)? * 3600 + number(minutes, 2)? * 60)))
        }
    }
}

/// `2024-03-01T10:00:00`, of local time.
pub fn written_local(local_s: i64) -> String {
    let date = Date::from_number(local_s.div_euclid(DAY_S));
    let second = local_s.rem_euclid(DAY_S);
    format!("{}T{:02}:{:02}:{:02}", date.written(), second / 3600, second / 60 % 60, second % 60)
}

pub fn written_utc(instant_s: i64) -> String {
    written_local(instant_s) + "Z"
}

/// `+03:00`.
pub fn written_offset(offset_s: i64) -> String {
    let sign = if offset_s < 0 { '-' } else { '+' };
    let minutes = offset_s.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `PT480M`, `-PT60M`, `PT2H`, `P1DT2H30M15S` in seconds. No years and months.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (sign, text) = match text.trim().strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.trim()),
    };
    let text = text.strip_prefix('P')?;
    let (mut total, mut digits, mut in_time) = (0_i64, String::new(), false);
    for character in text.chars() {
        let unit = match character {
            '0'..='9' | '.' => {
                digits.push(character);
                continue;
            }
            'T' => {
                in_time = true;
                continue;
            }
            'W' => 7 * DAY_S,
            'D' => DAY_S,
            'H' => 3600,
            'M' if in_time => 60,
            'S' => 1,
            _ => return None,
        };
        let count: i64 = digits.split('.').next()?.parse().ok()?;
        total = total.checked_add(count.checked_mul(unit)?)?;
        digits.clear();
    }
    digits.is_empty().then_some(sign * total)
}

/// As Exchange writes biases: `PT480M`.
pub fn written_minutes(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    format!("{sign}PT{}M", seconds.abs() / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_right() {
        for (year, month, day, number) in
            [(1970, 1, 1, 0), (2000, 2, 29, 11_016), (1601, 4, 1, -134_684), (4500, 9, 1, 924_307)]
        {
            let date = Date::new(year, month, day);
            assert_eq!((date.number(), Date::from_number(number)), (number, date));
        }
        for number in -800_000..800_000 {
            assert_eq!(Date::from_number(number).number(), number);
        }
        assert_eq!(weekday(Date::new(2024, 3, 1).number()), 5);
    }

    #[test]
    fn stamps_are_read_in_every_dress() {
        let noon = Date::new(2024, 3, 1).number() * DAY_S + 12 * 3600;
        for (text, offset_s) in [
            ("2024-03-01T12:00:00", None),
            ("2024-03-01T12:00:00Z", Some(0)),
            ("2024-03-01T12:00:00.123+03:00", Some(10_800)),
            ("2024-03-01T12:00:00-03:30", Some(-12_600)),
        ] {
            assert_eq!(parse(text), Some(Stamp { local_s: noon, offset_s }), "{text}");
        }
        for broken in ["", "2024-02-30T12:00:00Z", "2024-03-01T25:00:00", "2024-03-01T12:00:00+3", "yesterday"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
        assert_eq!(parse_date("2021-09-30-06:00"), Some(Date::new(2021, 9, 30)));
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [("PT480M", 28_800), ("-PT180M", -10_800), ("P1DT2H", 93_600), ("PT0S", 0)] {
            assert_eq!(parse_duration(text), Some(seconds), "{text}");
        }
    }
}
