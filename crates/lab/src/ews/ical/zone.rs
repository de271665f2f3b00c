//! Zones as `VTIMEZONE` ([MS-OXCICAL] 2.1.3.1.1.19): one rule, the one that holds in the year of the event.

use super::tree::{Component, Property};
use crate::ews::time::{self, Date};
use crate::ews::zones::{Change, Rules, Zone};

/// Two letters of each weekday, Sunday first.
pub const DAYS: [&str; 7] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

pub fn written(zone: &Zone, year: i64) -> Component {
    let rules = zone.rules(year);
    let (summer_min, changes) = match rules.summer {
        Some((summer_min, begin, end)) => (summer_min, Some((begin, end))),
        // A zone that never changes its clocks is told with two halves that are the same.
        None => (rules.standard_min, None),
    };
    let half = |name: &str, from_min: i64, to_min: i64, change: Option<Change>| {
        let mut half = Component::new(name);
        let minute = change.map_or(0, |change| change.minute);
        half.add(Property::new("DTSTART", format!("16010101T{:02}{:02}00", minute / 60, minute % 60)));
        half.add(Property::new("TZOFFSETFROM", offset(from_min)));
        half.add(Property::new("TZOFFSETTO", offset(to_min)));
        if let Some(change) = change {
            let day = usize::try_from(change.weekday).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or("SU");
            let week = if change.week == 5 { -1 } else { change.week };
            let rule = format!("FREQ=YEARLY;INTERVAL=1;BYDAY={week}{day};BYMONTH={}", change.month);
            half.add(Property::new("RRULE", rule));
        }
        half
    };
    let mut told = Component::new("VTIMEZONE");
    told.add(Property::new("TZID", &zone.id));
    told.children.push(half("STANDARD", summer_min, rules.standard_min, changes.map(|(_, end)| end)));
    told.children.push(half("DAYLIGHT", rules.standard_min, summer_min, changes.map(|(begin, _)| begin)));
    told
}

fn offset(minutes: i64) -> String {
    time::written_offset(minutes * 60).replace(':', "")
}

/// The zone that a name and the definition beside it mean: a name that the server knows says all.
pub fn meant(calendar: &Component, id: &str) -> Option<Zone> {
    if let Some(known) = Zone::known(id) {
        return Some(known);
    }
    let defined = calendar.below("VTIMEZONE").find(|zone| zone.value("TZID") == Some(id))?;
    // Of several rules the latest holds.
    let latest = |name: &str| {
        let all = defined.children.iter().filter(|half| half.name == name);
        all.max_by_key(|half| half.value("DTSTART").unwrap_or_default().to_owned())
    };
    let to_min = |half: &Component| half.value("TZOFFSETTO").and_then(minutes);
    let standard = latest("STANDARD");
    let standard_min = standard.and_then(to_min);
    let summer = latest("DAYLIGHT").and_then(|half| Some((to_min(half)?, change(half)?, change(standard?)?)));
    let standard_min = standard_min.or_else(|| latest("DAYLIGHT").and_then(to_min))?;
    Some(Zone::custom(id, Rules { standard_min, summer }))
}

fn minutes(text: &str) -> Option<i64> {
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.trim().trim_start_matches('+')),
    };
    Some(sign * (digits.get(..2)?.parse::<i64>().ok()? * 60 + digits.get(2..4)?.parse::<i64>().ok()?))
}

/// A yearly change on a weekday of a week of a month; a single date is none.
fn change(half: &Component) -> Option<Change> {
    let rule = half.value("RRULE")?;
    let part = |name: &str| rule.split(';').find_map(|part| part.split_once('=').filter(|(known, _)| *known == name));
    let day = part("BYDAY")?.1;
    let (week, day) = day.split_at_checked(day.len().checked_sub(2)?)?;
    let start = half.value("DTSTART")?;
    let clock = start.split_once('T')?.1;
    let week: i64 = week.parse().ok()?;
    Some(Change {
        month: part("BYMONTH")?.1.parse().ok().filter(|month| (1..=12).contains(month))?,
        week: if week < 0 { 5 } else { week.clamp(1, 5) },
        weekday: i64::try_from(DAYS.iter().position(|known| *known == day)?).ok()?,
        minute: clock.get(..2)?.parse::<i64>().ok()? * 60 + clock.get(2..4)?.parse::<i64>().ok()?,
    })
}

/// The year in which an instant falls, on the clock of the zone.
pub fn year_of(zone: &Zone, instant_s: i64) -> i64 {
    Date::from_number(zone.local_s(instant_s).div_euclid(time::DAY_S)).year
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_told_is_the_zone_that_is_understood() {
        for zone in Zone::all() {
            let mut told = written(&zone, 2024);
            for property in told.properties.iter_mut().filter(|property| property.name == "TZID") {
                "Elsewhere".clone_into(&mut property.value);
            }
            let mut calendar = Component::new("VCALENDAR");
            calendar.children.push(told);
            let read = meant(&calendar, "Elsewhere").unwrap();
            assert_eq!(read.rules(2024), zone.rules(2024), "{}", zone.id);
            assert!(read.is_custom());
        }
    }
}
