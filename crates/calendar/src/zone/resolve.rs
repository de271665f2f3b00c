//! Which zone is meant by a name, by a definition, or by both: names that are clear count most, then behaviour.

use super::windows::{first_zones, iana_of_shown, iana_of_windows};
use super::{Definition, Zone, tzdb};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What the answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// The name is one of the IANA database, or of Windows without a definition against it.
    Name,
    /// The name is one of Windows, and the definition is what its zone once was: the wall clock counts, so the zone is
    /// taken as it is now (Russia in 2011 and 2014, on servers without updates).
    ObsoleteDefinition,
    /// The definition behaves like this zone in all the years that matter.
    Behaviour,
    /// No zone behaves so: the definition itself.
    Definition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// `None` is UTC.
    pub zone: Option<Zone>,
    pub how: How,
}

/// Of zones that behave alike, the ones that most people mean.
const MOST_USED: [&str; 16] = [
    "Europe/Moscow",
    "Europe/Berlin",
    "Europe/Kyiv",
    "Europe/London",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Asia/Yekaterinburg",
    "Asia/Novosibirsk",
    "Asia/Krasnoyarsk",
    "Asia/Vladivostok",
    "Asia/Almaty",
    "Asia/Dubai",
    "Asia/Shanghai",
    "Asia/Tokyo",
];

/// Further years in which a definition is tried, where several zones behave alike in those that matter.
const AROUND: i16 = 10;
/// Years in which a definition may have been true once.
const EVER: RangeInclusive<i16> = 1985..=2040;

/// The zone that `name` (an IANA name, a Windows id, a TZID of any client) and `definition` mean in those years. Where
/// several zones behave alike, `home` is taken first. `None`: the name is unknown and nothing defines it.
#[must_use]
pub fn resolve(
    name: &str,
    definition: Option<&Definition>,
    years: RangeInclusive<i16>,
    home: Option<&Zone>,
) -> Option<Resolved> {
    let name = name.trim().trim_matches('"').trim();
    if let Some(zone) = clear_name(name) {
        return Some(Resolved { zone, how: How::Name });
    }
    let Some(definition) = definition else {
        return weak_name(name).map(|zone| Resolved { zone, how: How::Name });
    };
    let steps = within(&years, |from, to| definition.steps(from, to));
    if let Some(zone) = weak_name(name) {
        if behaviour(zone.as_ref(), &years) == steps {
            return Some(Resolved { zone, how: How::Name });
        }
        let once = EVER.into_iter().any(|year| {
            let year = year..=year;
            within(&year, |from, to| definition.steps(from, to)) == behaviour(zone.as_ref(), &year)
        });
        if once {
            return Some(Resolved { zone, how: How::ObsoleteDefinition });
        }
    }
    if let Some(zone) = by_behaviour(definition, &years, home) {
        return Some(Resolved { zone, how: How::Behaviour });
    }
    Some(Resolved { zone: Some(Zone::Custom(Arc::new(definition.clone()))), how: How::Definition })
}

/// Names of the database, with whatever a client has put before them: `/freeassociation.sourceforge.net/Europe/Moscow`.
fn clear_name(name: &str) -> Option<Option<Zone>> {
    if is_utc(name) {
        return Some(None);
    }
    if !name.contains('/') {
        return None;
    }
    if let Some(zone) = Zone::named(name) {
        return Some(Some(zone));
    }
    if !name.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = name.split('/').collect();
    let tails = (1..parts.len().saturating_sub(1)).filter_map(|from| parts.get(from..));
    tails.map(|tail| tail.join("/")).find_map(|tail| Zone::named(&tail)).map(Some)
}

fn is_utc(name: &str) -> bool {
    const NAMES: [&str; 8] =
        ["UTC", "Etc/UTC", "Z", "Etc/Universal", "Etc/Zulu", "Zulu", "Etc/UCT", "tzone://Microsoft/Utc"];
    NAMES.iter().any(|utc| utc.eq_ignore_ascii_case(name))
}

/// Names that people use loosely: Windows ids, what Windows shows for them, and short ones such as `EST` that often come with rules of their own.
fn weak_name(name: &str) -> Option<Option<Zone>> {
    match iana_of_windows(name).or_else(|| iana_of_shown(name)) {
        Some("Etc/UTC") => Some(None),
        Some(iana) => Zone::named(iana).map(Some),
        None if tzdb::is_utc(name) => Some(None),
        None => Zone::named(name).map(Some),
    }
}

type Steps = (i32, Vec<(i64, i32)>);

fn within(years: &RangeInclusive<i16>, steps: impl Fn(i64, i64) -> Steps) -> Steps {
    let second = |year: i16| {
        let begin = jiff::civil::Date::new(year.clamp(1, 9998), 1, 1).unwrap_or(jiff::civil::Date::MIN);
        Zone::utc_instant(begin.at(0, 0, 0, 0)).map_or(0, jiff::Timestamp::as_second)
    };
    let (offset, mut changes) = steps(second(*years.start()), second(years.end().saturating_add(1)));
    let mut last = offset;
    changes.retain(|(_, to)| std::mem::replace(&mut last, *to) != *to);
    (offset, changes)
}

fn behaviour(zone: Option<&Zone>, years: &RangeInclusive<i16>) -> Steps {
    within(years, |from, to| match zone {
        None => (0, Vec::new()),
        Some(Zone::Iana(iana)) => iana.steps(from, to),
        Some(Zone::Custom(definition)) => definition.steps(from, to),
    })
}

/// The zone that behaves so in those years; of several, one that does so for longer.
fn by_behaviour(definition: &Definition, years: &RangeInclusive<i16>, home: Option<&Zone>) -> Option<Option<Zone>> {
    let wanted = within(years, |from, to| definition.steps(from, to));
    if home.is_some() && behaviour(home, years) == wanted {
        return Some(home.cloned());
    }
    if wanted == (0, Vec::new()) {
        return Some(None);
    }
    let listed = MOST_USED.iter().copied().chain(first_zones());
    let all = listed.filter_map(Zone::named).chain(tzdb::all().into_iter().map(Zone::Iana));
    let mut alike = all.filter(|zone| behaviour(Some(zone), years) == wanted).peekable();
    let nearest = alike.peek()?.clone();
    let wide = years.start().saturating_sub(1)..=years.end().saturating_add(AROUND);
    let wanted = within(&wide, |from, to| definition.steps(from, to));
    Some(Some(alike.find(|zone| behaviour(Some(zone), &wide) == wanted).unwrap_or(nearest)))
}
