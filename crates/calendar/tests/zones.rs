//! Zones as definitions behave as the database says, and names and definitions are understood.
#![allow(clippy::unwrap_used)]

mod common;

use jiff::civil::{Date, DateTime, Time, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parom_calendar::zone::{Definition, How, Observance, YearDay, resolve};
use parom_calendar::{Zone, from_ical};
use proptest::prelude::*;
use std::sync::Arc;

fn custom(zone: &Zone, first: i16, last: Option<i16>) -> Zone {
    Zone::Custom(zone.definition(first, last))
}

fn second(year: i16) -> i64 {
    TimeZone::UTC.to_timestamp(date(year, 1, 1).at(0, 0, 0, 0)).unwrap().as_second()
}

#[test]
fn the_definition_of_every_zone_behaves_like_the_zone() {
    let mut zones = 0;
    for name in jiff::tz::db().available() {
        let Some(zone) = Zone::named(name.as_str()) else { continue };
        if zone.label() != name.as_str() {
            continue;
        }
        zones += 1;
        // Clocks that follow the moon, and days that lie now in one month and now in the next, have no rule in iCalendar:
        // their changes are listed.
        let listed = ["Africa/Casablanca", "Africa/El_Aaiun", "Africa/Cairo", "Asia/Gaza", "Asia/Hebron"];
        let listed = listed.contains(&name.as_str());
        let last = if listed { 2038 } else { 2090 };
        let told = custom(&zone, 1990, None);
        // Odd steps meet every hour of the day and every day of the week.
        let mut at = second(1990);
        while at < second(last) {
            let moment = Timestamp::from_second(at).unwrap();
            assert_eq!(told.offset(moment), zone.offset(moment), "{name} at {moment}");
            at += 86_400 * 53 + 3600 * 5;
        }
    }
    assert!(zones > 300, "{zones}");
}

#[test]
fn changes_are_told_to_the_second() {
    for name in [
        "Europe/Moscow",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Tehran",
        "Africa/Casablanca",
        "America/Santiago",
    ] {
        let zone = Zone::named(name).unwrap();
        let told = custom(&zone, 1995, None);
        let tz = TimeZone::get(name).unwrap();
        let start = Timestamp::from_second(second(1995)).unwrap();
        for step in tz.following(start).take_while(|step| step.timestamp().as_second() < second(2037)) {
            for seconds in [-1, 0, 1] {
                let moment = step.timestamp() + SignedDuration::from_secs(seconds);
                assert_eq!(told.offset(moment), zone.offset(moment), "{name} at {moment}");
            }
        }
    }
}

/// One offset for ever.
fn fixed(label: &str, offset: i32) -> Definition {
    let onset = date(1601, 1, 1).at(0, 0, 0, 0);
    Definition::new(
        label,
        vec![Observance { daylight: false, onset, from: offset, to: offset, rule: None, dates: Vec::new() }],
    )
}

fn resolved(name: &str, definition: Option<&Definition>, year: i16, home: Option<&str>) -> Option<(String, How)> {
    let home = home.map(|home| Zone::named(home).unwrap());
    let resolved = resolve(name, definition, year..=year, home.as_ref())?;
    Some((resolved.zone.map_or("UTC".into(), |zone| zone.label().to_owned()), resolved.how))
}

#[test]
fn names_of_every_kind_are_understood() {
    for (name, zone) in [
        ("Europe/Moscow", "Europe/Moscow"),
        ("europe/kiev", "Europe/Kyiv"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Russian Standard Time", "Europe/Moscow"),
        ("\"W. Europe Standard Time\"", "Europe/Berlin"),
        ("Mitteleuropäische Zeit ", "Europe/Berlin"),
        ("Московское время (зима)", "Europe/Moscow"),
        ("/freeassociation.sourceforge.net/Europe/Moscow", "Europe/Moscow"),
        ("/softwarestudio.org/Olson_20011030_5/America/New_York", "America/New_York"),
        ("(UTC+03:00) Moscow, St. Petersburg", "Europe/Moscow"),
        ("\"(GMT+03:00) Moscow, St. Petersburg, Volgograd\"", "Europe/Moscow"),
        ("(UTC+05:00) Ekaterinburg (RTZ 4)", "Asia/Yekaterinburg"),
        ("(UTC-05:00) eastern time (US & Canada)", "America/New_York"),
        ("(UTC) Coordinated Universal Time", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("UTC", "UTC"),
        ("GMT", "UTC"),
        ("Etc/GMT", "UTC"),
    ] {
        assert_eq!(resolved(name, None, 2026, None), Some((zone.to_owned(), How::Name)), "{name}");
    }
    assert_eq!(resolved("Nowhere/Middle", None, 2026, None), None);
    assert_eq!(resolved("Customized Time Zone", None, 2026, None), None);
}

#[test]
fn a_definition_without_a_name_is_known_by_its_behaviour() {
    let three = fixed("Customized Time Zone", 3 * 3600);
    let moscow = resolved("Customized Time Zone", Some(&three), 2026, Some("Europe/Moscow"));
    assert_eq!(moscow, Some(("Europe/Moscow".into(), How::Behaviour)));
    // Moscow was at +03:00 with summer time in 2005.
    let then = resolved("Customized Time Zone", Some(&three), 2005, Some("Europe/Moscow")).unwrap();
    assert_ne!(then.0, "Europe/Moscow");
    assert_eq!(Zone::named(&then.0).unwrap().offset(Timestamp::from_second(second(2005)).unwrap()), 3 * 3600);
    let berlin = Zone::named("Europe/Berlin").unwrap().definition(1990, None);
    assert_eq!(resolved("tzone://Microsoft/Custom", Some(&berlin), 2026, None).unwrap().1, How::Behaviour);
    let odd = fixed("Customized Time Zone", 3 * 3600 + 17 * 60);
    assert_eq!(
        resolved("Customized Time Zone", Some(&odd), 2026, None),
        Some(("Customized Time Zone".into(), How::Definition))
    );
}

#[test]
fn the_wall_clock_counts_where_a_definition_is_obsolete() {
    // What servers without the update of 2014 still say of Moscow.
    let four = fixed("Russian Standard Time", 4 * 3600);
    assert_eq!(resolved("Russian Standard Time", Some(&four), 2013, None), Some(("Europe/Moscow".into(), How::Name)));
    assert_eq!(
        resolved("Russian Standard Time", Some(&four), 2026, None),
        Some(("Europe/Moscow".into(), How::ObsoleteDefinition))
    );
    // A zone that never was Moscow's is not taken for it.
    let ten = fixed("Russian Standard Time", 10 * 3600);
    assert_eq!(resolved("Russian Standard Time", Some(&ten), 2026, None).unwrap().1, How::Behaviour);
}

/// Moscow from 1990 on, as Exchange's periods and transitions tell it, up to the end of summer time in 2010.
fn old_moscow() -> Definition {
    let (winter, summer) = (3 * 3600, 4 * 3600);
    let last = |month| YearDay::Nth { month, day: Weekday::Sunday, nth: 5 };
    let years = (1997, Some(2010));
    Definition::new(
        "Customized Time Zone",
        vec![
            Observance::yearly(true, (winter, summer), last(3), Time::constant(2, 0, 0, 0), years).unwrap(),
            Observance::yearly(false, (summer, winter), last(10), Time::constant(3, 0, 0, 0), years).unwrap(),
        ],
    )
}

#[test]
fn rules_that_ended_hold_on_with_their_last_offset() {
    let zone = Zone::Custom(Arc::new(old_moscow()));
    let moscow = Zone::named("Europe/Moscow").unwrap();
    for day in [date(1998, 1, 1), date(2005, 7, 1), date(2010, 12, 1), date(2011, 1, 1), date(2026, 1, 1)] {
        let local = day.at(12, 0, 0, 0);
        assert_eq!(zone.instant(local), moscow.instant(local), "{day}");
    }
    let definition = old_moscow();
    assert_eq!(resolved("Customized Time Zone", Some(&definition), 2005, None).unwrap().0, "Europe/Moscow");
}

#[test]
fn exchange_tells_days_of_change_in_two_ways() {
    let onset =
        |day| Observance::yearly(true, (0, 3600), day, Time::midnight(), (2026, None)).map(|it| it.onset.date());
    assert_eq!(onset(YearDay::Nth { month: 3, day: Weekday::Sunday, nth: 2 }), Some(date(2026, 3, 8)));
    assert_eq!(onset(YearDay::Nth { month: 3, day: Weekday::Sunday, nth: 5 }), Some(date(2026, 3, 29)));
    assert_eq!(onset(YearDay::Date { month: 3, day: 22 }), Some(date(2026, 3, 22)));
    assert_eq!(onset(YearDay::Date { month: 2, day: 30 }), None);
    assert_eq!(onset(YearDay::Date { month: 13, day: 1 }), None);
}

#[test]
fn an_event_in_a_private_zone_keeps_its_moment() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nDTSTART:16010101T000000\n\
        TZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:1\n\
        DTSTART;TZID=Customized Time Zone:20260330T100000\nDTEND;TZID=Customized Time Zone:20260330T110000\n\
        END:VEVENT\nEND:VCALENDAR\n";
    let event = from_ical(text.as_bytes(), Zone::named("Europe/Moscow").as_ref()).unwrap();
    let start = &event.master().unwrap().start;
    assert_eq!(start.instant().unwrap().to_string(), "2026-03-30T07:00:00Z");
    assert_eq!(start.zone().unwrap().label(), "Europe/Moscow");
}

proptest! {
    #[test]
    fn local_times_are_the_same_moments(name in prop::sample::select(vec!["Europe/Moscow", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin"]), year in 1996i16..2037, day in 1i16..=365, minute in 0i64..1440) {
        let zone = Zone::named(name).unwrap();
        let told = custom(&zone, 1994, None);
        let local: DateTime = Date::new(year, 1, 1).unwrap().saturating_add(SignedDuration::from_hours(24 * i64::from(day - 1))).at(0, 0, 0, 0);
        let local = local.saturating_add(SignedDuration::from_mins(minute));
        prop_assert_eq!(told.instant(local), zone.instant(local), "{} {}", name, local);
        // Around every change: gaps, and hours that come twice.
        let change = TimeZone::get(name).unwrap().following(zone.instant(local).unwrap()).next().map(|step| step.timestamp());
        if let Some(change) = change.filter(|change| change.as_second() < second(2037)) {
            let near = zone.local(change).saturating_add(SignedDuration::from_mins(minute / 8 - 90));
            prop_assert_eq!(told.instant(near), zone.instant(near), "{} {}", name, near);
        }
    }

    #[test]
    fn a_moment_shown_is_told_back(zone in common::zone(), at in 0i64..2_000_000_000) {
        let moment = Timestamp::from_second(at).unwrap();
        let local = zone.local(moment);
        let again = zone.instant(local).unwrap();
        // Of an hour that comes twice, the first is told.
        prop_assert!(again == moment || zone.local(again) == local, "{:?} {} {}", zone, moment, again);
    }
}

#[test]
fn a_private_zone_may_be_in_an_event() {
    let nowhere = Zone::Custom(Arc::new(common::nowhere()));
    let summer = nowhere.instant(date(2026, 7, 1).at(12, 0, 0, 0)).unwrap();
    assert_eq!(summer.to_string(), "2026-07-01T07:43:00Z");
    let winter = nowhere.instant(date(2026, 1, 1).at(12, 0, 0, 0)).unwrap();
    assert_eq!(winter.to_string(), "2026-01-01T08:43:00Z");
}
