//! An event or a series as Exchange tells it in MIME ([MS-OXCICAL] 2.1.3).
//!
//! The shape and order are those of `Microsoft Exchange Server 2010` as published samples have them, with what reports say
//! of it: an organizer on every event, times of whole days as midnights in the zone, no time of the last change.

use super::rule::{self, compact};
use super::tree::{Component, Property};
use super::zone;
use crate::ews::item::{Item, Occurrence, Part, Seen};
use crate::ews::show::{BodyKind, Lens};
use crate::ews::time;
use crate::ews::xml::Element;
use crate::ews::zones::Zone;

/// The whole calendar object: a single event, one occurrence, or a series with its exceptions.
pub fn calendar(lens: &Lens<'_>, seen: &Seen<'_>) -> String {
    let item = seen.item;
    let mut calendar = Component::new("VCALENDAR");
    calendar.add(Property::new("METHOD", "PUBLISH"));
    calendar.add(Property::new("PRODID", "Microsoft Exchange Server 2010"));
    calendar.add(Property::new("VERSION", "2.0"));
    let mut events = vec![event(lens, item, &seen.part, seen.occurrence.as_ref())];
    let mut zones: Vec<(Zone, i64)> = vec![(seen.part.start_zone.clone(), seen.part.start_s)];
    zones.push((seen.part.end_zone.clone(), seen.part.end_s));
    if let (Some(series), None) = (&item.series, &seen.occurrence) {
        let until = series.exceptions.keys().last().copied().unwrap_or(i64::MIN);
        let all = item.occurrences().take_while(|occurrence| occurrence.day <= until);
        for occurrence in all.filter(|occurrence| occurrence.is_exception && !occurrence.is_deleted) {
            let part = item.part_of(&occurrence);
            events.push(event(lens, item, &part, Some(&occurrence)));
            zones.push((part.start_zone.clone(), part.start_s));
            zones.push((part.end_zone.clone(), part.end_s));
        }
    }
    let mut told: Vec<String> = Vec::new();
    for (zone, instant_s) in zones {
        if !is_utc(&zone) && !told.contains(&zone.id) {
            calendar.children.push(zone::written(&zone, zone::year_of(&zone, instant_s)));
            told.push(zone.id);
        }
    }
    calendar.children.extend(events);
    calendar.written()
}

fn is_utc(zone: &Zone) -> bool {
    zone.id == "UTC"
}

/// An instant on the clock of its zone.
fn when(name: &str, instant_s: i64, zone: &Zone) -> Property {
    if is_utc(zone) {
        return Property::new(name, compact(&time::written_utc(instant_s)));
    }
    Property::new(name, compact(&time::written_local(zone.local_s(instant_s)))).with("TZID", &zone.id)
}

fn event(lens: &Lens<'_>, item: &Item, part: &Part, occurrence: Option<&Occurrence>) -> Component {
    let mut event = Component::new("VEVENT");
    let (start_zone, end_zone) = (&part.start_zone, &part.end_zone);
    let mailto = |address: &str| format!("MAILTO:{address}");
    event.add(Property::new("ORGANIZER", mailto(&item.organizer.address)).with("CN", &item.organizer.name));
    if lens.state.switches.mime_names_attendees {
        attendees(part).into_iter().for_each(|attendee| event.add(attendee));
    }
    let body = lens.body(part.fields.get("Body"), BodyKind::Text).map(|body| body.text).unwrap_or_default();
    if !body.is_empty() {
        event.add(Property::text("DESCRIPTION", &body).with("LANGUAGE", "en-US"));
    }
    if let (Some(series), None) = (&item.series, occurrence) {
        event.add(Property::new("RRULE", rule::written(&series.recurrence, start_zone, part.start_s)));
        let until = series.deleted.last().copied().unwrap_or(i64::MIN);
        let all = item.occurrences().take_while(|occurrence| occurrence.day <= until);
        let deleted: Vec<i64> = all.filter(|it| it.is_deleted).map(|it| it.original_s).collect();
        if let Some((first, rest)) = deleted.split_first() {
            let mut dates = when("EXDATE", *first, start_zone);
            for date in rest {
                dates.value = format!("{},{}", dates.value, when("EXDATE", *date, start_zone).value);
            }
            event.add(dates);
        }
    }
    event.add(Property::text("SUMMARY", part.text("Subject").unwrap_or_default()).with("LANGUAGE", "en-US"));
    event.add(when("DTSTART", part.start_s, start_zone));
    event.add(when("DTEND", part.end_s, end_zone));
    event.add(Property::text("UID", &item.uid));
    if let Some(occurrence) = occurrence {
        event.add(when("RECURRENCE-ID", occurrence.original_s, &item.part.start_zone));
    }
    event.add(Property::new("CLASS", class(part)));
    let (priority, importance) = match part.text("Importance") {
        Some("High") => (1, 2),
        Some("Low") => (9, 0),
        _ => (5, 1),
    };
    event.add(Property::new("PRIORITY", priority));
    event.add(Property::new("DTSTAMP", compact(&time::written_utc(item.stamp_s))));
    let busy = part.text("LegacyFreeBusyStatus").unwrap_or("Busy");
    event.add(Property::new("TRANSP", if busy == "Free" { "TRANSPARENT" } else { "OPAQUE" }));
    event.add(Property::new("STATUS", if item.is_cancelled { "CANCELLED" } else { "CONFIRMED" }));
    event.add(Property::new("SEQUENCE", item.sequence));
    event.add(Property::text("LOCATION", part.text("Location").unwrap_or_default()).with("LANGUAGE", "en-US"));
    let categories = part.fields.get("Categories").map_or(&[][..], |list| &list.children);
    if !categories.is_empty() {
        let list: Vec<String> = categories.iter().map(|category| super::tree::escaped(&category.text)).collect();
        event.add(Property::new("CATEGORIES", list.join(",")));
    }
    let kind = match (&item.series, occurrence) {
        (_, Some(_)) => 3,
        (Some(_), None) => 1,
        (None, None) => 0,
    };
    let flag = |value: bool| if value { "TRUE" } else { "FALSE" };
    event.add(Property::new("X-MICROSOFT-CDO-APPT-SEQUENCE", item.sequence));
    event.add(Property::new("X-MICROSOFT-CDO-BUSYSTATUS", busy.to_ascii_uppercase()));
    event.add(Property::new("X-MICROSOFT-CDO-INTENDEDSTATUS", busy.to_ascii_uppercase()));
    event.add(Property::new("X-MICROSOFT-CDO-ALLDAYEVENT", flag(part.is_all_day())));
    event.add(Property::new("X-MICROSOFT-CDO-IMPORTANCE", importance));
    event.add(Property::new("X-MICROSOFT-CDO-INSTTYPE", kind));
    event.add(Property::new("X-MICROSOFT-DISALLOW-COUNTER", flag(!part.is("AllowNewTimeProposal", true))));
    if part.is("ReminderIsSet", false) {
        let minutes = part.text("ReminderMinutesBeforeStart").unwrap_or("0");
        let mut alarm = Component::new("VALARM");
        alarm.add(Property::new("DESCRIPTION", "REMINDER"));
        alarm.add(Property::new("TRIGGER", format!("-PT{minutes}M")).with("RELATED", "START"));
        alarm.add(Property::new("ACTION", "DISPLAY"));
        event.children.push(alarm);
    }
    event
}

fn class(part: &Part) -> &'static str {
    match part.text("Sensitivity") {
        Some("Personal") => "PERSONAL",
        Some("Private") => "PRIVATE",
        Some("Confidential") => "CONFIDENTIAL",
        _ => "PUBLIC",
    }
}

fn attendees(part: &Part) -> Vec<Property> {
    let lists = [
        ("RequiredAttendees", "REQ-PARTICIPANT"),
        ("OptionalAttendees", "OPT-PARTICIPANT"),
        ("Resources", "NON-PARTICIPANT"),
    ];
    let told = |attendee: &Element, role: &str| {
        let mailbox = attendee.child("Mailbox")?;
        let state = match attendee.text_of("ResponseType") {
            Some("Accept") => "ACCEPTED",
            Some("Tentative") => "TENTATIVE",
            Some("Decline") => "DECLINED",
            _ => "NEEDS-ACTION",
        };
        let property = Property::new("ATTENDEE", format!("MAILTO:{}", mailbox.text_of("EmailAddress")?));
        let property = property.with("ROLE", role).with("PARTSTAT", state).with("RSVP", "TRUE");
        Some(property.with("CN", mailbox.text_of("Name").unwrap_or_default()))
    };
    let all = lists.iter().filter_map(|(list, role)| Some((part.fields.get(list)?, role)));
    all.flat_map(|(list, role)| list.children.iter().filter_map(move |attendee| told(attendee, role))).collect()
}
