//! Ids of Windows time zones and the IANA zones that they stand for (Unicode CLDR, windowsZones).

use std::collections::HashMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../../data/windows_zones.txt");
const NAMES: &str = include_str!("../../data/windows_names.txt");

/// Ids that older versions of Windows had, that CLDR does not list, or that servers write in their own language.
const OTHERS: &[(&str, &str)] = &[
    ("Mexico Standard Time", "America/Mexico_City"),
    ("Mexico Standard Time 2", "America/Chihuahua"),
    ("Armenian Standard Time", "Asia/Yerevan"),
    ("Kamchatka Standard Time", "Asia/Kamchatka"),
    ("Mid-Atlantic Standard Time", "Etc/GMT+2"),
    ("Russia TZ 1 Standard Time", "Europe/Kaliningrad"),
    ("Russia TZ 2 Standard Time", "Europe/Moscow"),
    ("Russia TZ 3 Standard Time", "Europe/Samara"),
    ("Russia TZ 4 Standard Time", "Asia/Yekaterinburg"),
    ("Russia TZ 5 Standard Time", "Asia/Novosibirsk"),
    ("Russia TZ 6 Standard Time", "Asia/Krasnoyarsk"),
    ("Russia TZ 7 Standard Time", "Asia/Irkutsk"),
    ("Russia TZ 8 Standard Time", "Asia/Yakutsk"),
    ("Russia TZ 9 Standard Time", "Asia/Vladivostok"),
    ("Russia TZ 10 Standard Time", "Asia/Srednekolymsk"),
    ("Russia TZ 11 Standard Time", "Asia/Kamchatka"),
    ("RTZ 1 (зима)", "Europe/Kaliningrad"),
    ("RTZ 2 (зима)", "Europe/Moscow"),
    ("RTZ 3 (зима)", "Europe/Samara"),
    ("RTZ 4 (зима)", "Asia/Yekaterinburg"),
    ("RTZ 5 (зима)", "Asia/Novosibirsk"),
    ("RTZ 6 (зима)", "Asia/Krasnoyarsk"),
    ("RTZ 7 (зима)", "Asia/Irkutsk"),
    ("RTZ 8 (зима)", "Asia/Yakutsk"),
    ("RTZ 9 (зима)", "Asia/Vladivostok"),
    ("RTZ 10 (зима)", "Asia/Srednekolymsk"),
    ("RTZ 11 (зима)", "Asia/Kamchatka"),
    ("Russian Standard Time (RTZ 2)", "Europe/Moscow"),
    ("Московское время (зима)", "Europe/Moscow"),
    ("Финляндия (зима)", "Europe/Kyiv"),
    ("Mitteleuropäische Zeit", "Europe/Berlin"),
    ("Westeuropäische Zeit", "Europe/London"),
    ("Osteuropäische Zeit", "Europe/Bucharest"),
    ("Romance Daylight Time", "Europe/Paris"),
];

/// Zones of one offset for ever, and the ids that CLDR gives them where no country is known (territory ZZ).
const OFFSETS: &[(&str, &str)] = &[
    ("Etc/GMT+1", "Cape Verde Standard Time"),
    ("Etc/GMT+3", "SA Eastern Standard Time"),
    ("Etc/GMT+4", "SA Western Standard Time"),
    ("Etc/GMT+5", "SA Pacific Standard Time"),
    ("Etc/GMT+6", "Central America Standard Time"),
    ("Etc/GMT+7", "US Mountain Standard Time"),
    ("Etc/GMT+10", "Hawaiian Standard Time"),
    ("Etc/GMT-1", "W. Central Africa Standard Time"),
    ("Etc/GMT-2", "South Africa Standard Time"),
    ("Etc/GMT-3", "E. Africa Standard Time"),
    ("Etc/GMT-4", "Arabian Standard Time"),
    ("Etc/GMT-5", "West Asia Standard Time"),
    ("Etc/GMT-6", "Central Asia Standard Time"),
    ("Etc/GMT-7", "SE Asia Standard Time"),
    ("Etc/GMT-8", "Singapore Standard Time"),
    ("Etc/GMT-9", "Tokyo Standard Time"),
    ("Etc/GMT-10", "West Pacific Standard Time"),
    ("Etc/GMT-11", "Central Pacific Standard Time"),
    ("Etc/GMT-14", "Line Islands Standard Time"),
];

struct Table {
    first: HashMap<String, &'static str>,
    back: HashMap<&'static str, &'static str>,
    /// Ids by what people are shown.
    shown: HashMap<String, &'static str>,
}

fn table() -> &'static Table {
    static ONCE: OnceLock<Table> = OnceLock::new();
    ONCE.get_or_init(|| {
        let mut table = Table { first: HashMap::new(), back: HashMap::new(), shown: HashMap::new() };
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let Some((id, zones)) = line.split_once(" = ") else { continue };
            for (at, zone) in zones.split(' ').enumerate() {
                if at == 0 {
                    table.first.insert(id.to_lowercase(), zone);
                }
                table.back.insert(zone, id);
            }
        }
        for (id, zone) in OTHERS {
            table.first.entry(id.to_lowercase()).or_insert(zone);
        }
        table.back.extend(OFFSETS.iter().copied());
        let named = NAMES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
        table.shown.extend(named.map(|(id, name)| (name.to_lowercase(), id)));
        table
    })
}

/// The IANA zone of a Windows id, for the world (territory 001); as CLDR names it, without regard to case. UTC is `Etc/UTC`.
#[must_use]
pub fn iana_of_windows(id: &str) -> Option<&'static str> {
    let id = id.trim().to_lowercase();
    if matches!(id.as_str(), "utc" | "tzone://microsoft/utc") {
        return Some("Etc/UTC");
    }
    table().first.get(&id).copied()
}

/// The same by the name that people are shown, as some programs write it: `(UTC+03:00) Moscow, St. Petersburg`, or `(GMT+03:00)`.
pub(super) fn iana_of_shown(name: &str) -> Option<&'static str> {
    let name = name.trim();
    let bare = match name.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((offset, bare)) if offset.starts_with("UTC") || offset.starts_with("GMT") => bare.trim(),
        _ => name,
    };
    iana_of_windows(table().shown.get(&bare.to_lowercase())?)
}

/// The Windows id for an IANA zone, under any of its names.
#[must_use]
pub fn windows_of_iana(name: &str) -> Option<&'static str> {
    if let Some(id) = table().back.get(name) {
        return Some(id);
    }
    // Another name of a zone that is listed.
    let zone = super::tzdb::get(name)?;
    if let Some(id) = table().back.get(&*zone.name) {
        return Some(id);
    }
    table()
        .back
        .iter()
        .find(|(listed, _)| super::tzdb::get(listed).is_some_and(|other| other.name == zone.name))
        .map(|(_, id)| *id)
}

/// The zones of the world's table, the most used ones of each offset.
pub(super) fn first_zones() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter_map(|line| line.split_once(" = ")?.1.split(' ').next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;

    #[test]
    fn every_windows_id_has_a_zone_that_is_built_in() {
        let mut count = 0;
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let id = line.split_once(" = ").unwrap().0;
            let iana = iana_of_windows(id).unwrap();
            assert!(Zone::named(iana).is_some() || iana == "Etc/UTC", "{id}: {iana}");
            count += 1;
        }
        assert!(count > 130, "{count}");
        for (id, iana) in OTHERS {
            assert!(Zone::named(iana).is_some(), "{id}: {iana}");
        }
    }

    #[test]
    fn the_independent_table_says_the_same() {
        let mut compared = 0;
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let id = line.split_once(" = ").unwrap().0;
            let Ok(theirs) = id.parse::<windows_timezones::WindowsTimezone>() else { continue };
            let (ours, theirs) = (Zone::named(iana_of_windows(id).unwrap()), Zone::named(theirs.tzdb_id()));
            assert_eq!(ours, theirs, "{id}");
            compared += 1;
        }
        assert!(compared > 130, "{compared}");
    }

    #[test]
    fn there_and_back() {
        for (iana, id) in [
            ("Europe/Moscow", "Russian Standard Time"),
            ("Europe/Samara", "Russia Time Zone 3"),
            ("Europe/Kyiv", "FLE Standard Time"),
            ("Europe/Kiev", "FLE Standard Time"),
            ("Asia/Kolkata", "India Standard Time"),
            ("US/Eastern", "Eastern Standard Time"),
            ("Etc/GMT+5", "SA Pacific Standard Time"),
        ] {
            assert_eq!(windows_of_iana(iana), Some(id), "{iana}");
        }
    }

    #[test]
    fn every_zone_of_one_offset_has_the_id_of_a_zone_that_has_it_too() {
        let now = jiff::Timestamp::from_second(1_770_000_000).unwrap();
        for (zone, id) in OFFSETS {
            let offset = Zone::named(zone).unwrap().offset(now);
            let first = iana_of_windows(id).and_then(Zone::named).map_or(0, |zone| zone.offset(now));
            assert_eq!(offset, first, "{zone}: {id}");
            assert_eq!(windows_of_iana(zone), Some(*id));
        }
    }

    #[test]
    fn every_name_that_people_are_shown_is_known() {
        for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
            let (id, name) = line.split_once(" = ").unwrap();
            assert_eq!(iana_of_shown(name), iana_of_windows(id), "{name}");
            assert!(iana_of_windows(id).is_some(), "{id}");
        }
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let Ok(theirs) = line.split_once(" = ").unwrap().0.parse::<windows_timezones::WindowsTimezone>() else {
                continue;
            };
            assert_eq!(iana_of_shown(theirs.description()), iana_of_windows(theirs.name()), "{}", theirs.name());
        }
    }

    #[test]
    fn every_zone_of_the_database_has_a_windows_id_or_none_for_a_reason() {
        let without: Vec<_> = super::super::tzdb::all()
            .iter()
            .map(|zone| zone.name.to_string())
            .filter(|name| windows_of_iana(name).is_none())
            .collect();
        assert!(
            without
                .iter()
                .all(|name| name.starts_with("Etc/") || name.starts_with("Antarctica/") || !name.contains('/')),
            "{without:?}"
        );
    }
}
