//! Events of every kind, for tests with generated data.
#![allow(dead_code, clippy::unwrap_used)]

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use parom_calendar::event::*;
use parom_calendar::ical::values::Duration;
use parom_calendar::ical::{Component, Line, Param};
use parom_calendar::rule::{self, Ends, canonical};
use parom_calendar::zone::{Definition, Observance};
use parom_calendar::{Rule, When, Zone};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub const RULES: [&str; 24] = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYMONTHDAY=15",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=SA,SU;BYSETPOS=1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;INTERVAL=2",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=SU;BYSETPOS=-1",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYYEARDAY=1,100,-1",
];

/// Strings by a pattern that is compiled once.
fn like(pattern: &str) -> impl Strategy<Value = String> {
    proptest::string::string_regex(pattern).unwrap()
}

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), like("[^\\p{C}]{0,30}"), like("([a-zа-я ,;:\"\\\\^]|\n){0,40}")]
}

fn word() -> impl Strategy<Value = String> {
    like("[a-zA-Zа-я][a-zA-Zа-я, ;:^'-]{0,8}[a-z]")
}

pub fn zone() -> impl Strategy<Value = Zone> {
    let names = [
        "Europe/Moscow",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Europe/Dublin",
    ];
    prop_oneof![
        6 => prop::sample::select(names.to_vec()).prop_map(|name| Zone::named(name).unwrap()),
        1 => Just(Zone::Custom(Arc::new(nowhere()))),
    ]
}

/// A zone that behaves like no other, with summer time.
pub fn nowhere() -> Definition {
    let part = |daylight, month, from, to, rule: &str| {
        let onset = Date::new(1970, month, 1).unwrap().at(2, 0, 0, 0);
        Observance { daylight, onset, from, to, rule: None, dates: Vec::new() }.with_rule(rule).unwrap()
    };
    let (winter, summer) = (3 * 3600 + 17 * 60, 4 * 3600 + 17 * 60);
    Definition::new(
        "Nowhere, in particular",
        vec![
            part(true, 3, winter, summer, "FREQ=YEARLY;BYMONTH=3;BYDAY=1SU"),
            part(false, 10, summer, winter, "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"),
        ],
    )
}

pub fn local() -> impl Strategy<Value = DateTime> {
    (1995i16..2035, 1i8..=12, 1i8..=31, 0i8..24, prop::sample::select(&[0i8, 15, 30, 59][..])).prop_map(
        |(year, month, day, hour, minute)| {
            let days = Date::new(year, month, 1).unwrap().days_in_month();
            Date::new(year, month, day.min(days)).unwrap().at(hour, minute, 0, 0)
        },
    )
}

pub fn when() -> impl Strategy<Value = When> {
    (local(), zone(), 0u8..8).prop_map(|(at, zone, kind)| match kind {
        0 | 1 => When::Date(at.date()),
        2 => When::Floating(at),
        3 => When::Utc(at),
        _ => When::Zoned(at, zone),
    })
}

/// A start and an end that is not before it.
fn times() -> impl Strategy<Value = (When, When)> {
    (when(), zone(), 0i64..4000, any::<bool>())
        .prop_map(|(start, other, minutes, flies)| {
            let later = SignedDuration::from_mins(minutes);
            let end = match &start {
                When::Date(date) => {
                    When::Date(date.checked_add(SignedDuration::from_hours(24 * (1 + minutes / 1440))).unwrap())
                }
                When::Floating(at) => When::Floating(*at + later),
                When::Utc(at) => When::Utc(*at + later),
                When::Zoned(at, zone) => {
                    let zone = if flies { &other } else { zone };
                    let end = start.instant().unwrap() + later;
                    let _ = at;
                    When::Zoned(zone.local(end), zone.clone())
                }
            };
            (start, end)
        })
        // In the hour that comes twice an end may be told that is before the start.
        .prop_filter("ends before it starts", |(start, end)| match (start.instant(), end.instant()) {
            (Some(start), Some(end)) => start <= end,
            _ => true,
        })
}

fn person() -> impl Strategy<Value = Person> {
    (like("[a-zA-Z]{1,6}@[a-z]{1,6}\\.example|urn:uuid:[0-9a-f]{4}"), text(), any::<bool>()).prop_map(
        |(address, name, param)| {
            let params = if param { vec![Param::new("LANGUAGE", "ru")] } else { Vec::new() };
            Person { address, name, params }
        },
    )
}

fn attendee() -> impl Strategy<Value = Attendee> {
    let roles = [Role::Chair, Role::Required, Role::Optional, Role::NonParticipant];
    let kinds = [Kind::Individual, Kind::Group, Kind::Resource, Kind::Room, Kind::Unknown];
    let answers = [Answer::NeedsAction, Answer::Accepted, Answer::Declined, Answer::Tentative, Answer::Delegated];
    let select = (
        prop::sample::select(roles.to_vec()),
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(answers.to_vec()),
    );
    (person(), select, any::<bool>()).prop_map(|(person, (role, kind, answer), rsvp)| Attendee {
        person,
        role,
        kind,
        answer,
        rsvp,
    })
}

fn alarm() -> impl Strategy<Value = Alarm> {
    let duration = (0i64..3, 0i64..90_000, any::<bool>()).prop_map(|(days, seconds, after)| {
        let sign = if after { 1 } else { -1 };
        Duration { days: sign * days, seconds: sign * seconds }
    });
    let trigger = prop_oneof![
        duration.clone().prop_map(Trigger::FromStart),
        duration.prop_map(Trigger::FromEnd),
        local().prop_map(Trigger::At),
    ];
    (prop::sample::select(&["DISPLAY", "AUDIO", "EMAIL"][..]), trigger).prop_map(|(action, trigger)| Alarm {
        action: action.into(),
        trigger,
        extras: vec![Line::new("DESCRIPTION", "x")],
        extra_components: Vec::new(),
    })
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let content = prop_oneof![
        like("https://[a-z]{1,8}/[a-z:;,]{0,8}[a-z]").prop_map(Content::Link),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(|bytes| Content::Inline(bytes.into())),
    ];
    (word(), content).prop_map(|(name, content)| Attachment {
        name,
        media_type: "text/plain".into(),
        content,
        params: vec![Param::new("MANAGED-ID", "1")],
    })
}

fn stamps() -> impl Strategy<Value = Stamps> {
    let at = || prop::option::of((1i64..2_000_000_000).prop_map(|second| Timestamp::from_second(second).unwrap()));
    (at(), at(), at()).prop_map(|(stamped, created, modified)| Stamps { stamped, created, modified })
}

pub fn details() -> impl Strategy<Value = Details> {
    let busy = [Busy::Free, Busy::Tentative, Busy::Busy, Busy::OutOfOffice, Busy::WorkingElsewhere, Busy::Opaque];
    let sensitivities = [Sensitivity::Normal, Sensitivity::Personal, Sensitivity::Private, Sensitivity::Confidential];
    let importances = [Importance::Low, Importance::Normal, Importance::High];
    let statuses = [Status::Tentative, Status::Confirmed, Status::Cancelled];
    let words = (text(), text(), text(), text(), like("[!-~]{0,12}"), like("(https://[!-~]{1,12})?"));
    let chosen = (
        prop::sample::select(busy.to_vec()),
        prop::sample::select(sensitivities.to_vec()),
        prop::sample::select(importances.to_vec()),
        prop::option::of(prop::sample::select(statuses.to_vec())),
        any::<bool>(),
        0u32..5,
    );
    let people = (prop::option::of(person()), prop::collection::vec(attendee(), 0..4));
    let lists = (
        prop::collection::vec(word(), 0..4),
        prop::collection::vec(alarm(), 0..3),
        prop::collection::vec(attachment(), 0..2),
        prop::collection::vec((like("X-TEST-[A-Z]{1,4}"), like("[^\\p{C}]{0,20}")), 0..3),
        any::<bool>(),
    );
    (times(), words, chosen, people, lists, stamps()).prop_map(
        |((start, end), words, chosen, people, lists, stamps)| {
            let mut details = Details::new(start, end);
            (
                details.subject,
                details.body.text,
                details.body.html,
                details.location,
                details.url,
                details.online_meeting,
            ) = words;
            (
                details.busy,
                details.sensitivity,
                details.importance,
                details.status,
                details.no_counter,
                details.sequence,
            ) = chosen;
            details.organizer = people.0;
            for attendee in people.1 {
                if !details.attendees.iter().any(|known| known.person.is(&attendee.person)) {
                    details.attendees.push(attendee);
                }
            }
            let (categories, alarms, attachments, extras, component) = lists;
            for category in categories {
                if !details.categories.iter().any(|known| known.to_lowercase() == category.to_lowercase()) {
                    details.categories.push(category);
                }
            }
            details.alarms = alarms;
            details.attachments = attachments;
            details.extras = extras.iter().map(|(name, value)| Line::new(name, &**value)).collect();
            if component {
                details.extra_components.push(Component::new("X-TEST"));
            }
            if details.importance == Importance::High {
                details.spelling.push(Line::new("PRIORITY", "2"));
            }
            details.stamps = stamps;
            details
        },
    )
}

/// A rule that fits the start, with an end of any kind.
pub fn rule_for(start: DateTime, text: &str, end: u8, count: u32) -> Rule {
    let (rule, _) = rule::parse(text).unwrap();
    let ends = match end {
        0 => Ends::Never,
        1 => Ends::After(count),
        _ => Ends::On(start.date().saturating_add(SignedDuration::from_hours(24 * 7 * i64::from(count)))),
    };
    canonical(rule.ending(ends), start)
}

pub fn event() -> impl Strategy<Value = Event> {
    let series = (prop::sample::select(&RULES[..]), 0u8..3, 1u32..40, any::<bool>());
    let changed = prop::collection::vec((0usize..20, details()), 0..3);
    let deleted = prop::collection::vec(0usize..20, 0..4);
    (like("[!-~]([ -~]{0,20}[!-~])?"), details(), prop::option::weighted(0.6, series), changed, deleted, 0u8..6)
        .prop_map(|(uid, details, series, changed, deleted, kind)| {
            let start = details.start.clone();
            let mut event = Event::single(&uid, details);
            let Some((text, end, count, added)) = series else { return event };
            let mut recurrence =
                Recurrence { rule: Some(rule_for(start.local(), text, end, count)), added: BTreeSet::new() };
            if added {
                recurrence.added.insert(start.local().saturating_add(SignedDuration::from_hours(24 * 3)));
            }
            event.recurrence = Some(recurrence);
            let starts: Vec<DateTime> = event.original_starts().take(20).collect();
            let exceptions: BTreeMap<DateTime, Details> =
                changed.into_iter().filter_map(|(at, details)| Some((*starts.get(at)?, details))).collect();
            event.deleted = deleted
                .into_iter()
                .filter_map(|at| starts.get(at).copied())
                .filter(|at| !exceptions.contains_key(at))
                .collect();
            event.exceptions = exceptions;
            if kind == 0 && !event.exceptions.is_empty() {
                event.head = Head::Instances(start.frame());
                event.recurrence = None;
                event.deleted.clear();
            }
            event
        })
}
