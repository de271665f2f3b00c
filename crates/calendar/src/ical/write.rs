//! An event to iCalendar text.

use super::lines::{Line, Param};
use super::tree::Component;
use super::values::{escape, print_date, print_datetime};
use super::{alarm, people, spelling, zones};
use crate::event::{Attachment, Busy, Content, Details, Event, Sensitivity, Status};
use crate::rule::{self, Ends, Rule};
use crate::time::{Frame, When};
use crate::zone::Zone;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;

/// Whether the server that stores it may write to people about it (RFC 6638 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheduling {
    /// SCHEDULE-AGENT=CLIENT on the organizer and on every attendee. INVARIANT: nobody is mailed because of us.
    Suppressed,
    /// Left to the server: after the cut-over.
    Server,
}

const PRODUCT: &str = "-//Parom//Calendar//EN";

/// The calendar object resource of an event, with the zones that it needs.
#[must_use]
pub fn to_ical(event: &Event, scheduling: Scheduling) -> String {
    let mut calendar = Component::new("VCALENDAR");
    calendar.lines = vec![Line::new("VERSION", "2.0"), Line::new("PRODID", PRODUCT)];
    calendar.lines.extend(event.extras.iter().cloned());
    calendar.children.extend(zones_of(event));
    if let Some(master) = event.master() {
        calendar.children.push(master_component(event, master, scheduling));
    }
    for (original, details) in &event.exceptions {
        let recurrence_id = when_line("RECURRENCE-ID", &event.frame().at(*original));
        calendar.children.push(component(event, details, vec![recurrence_id], scheduling));
    }
    calendar.children.extend(event.extra_components.iter().cloned());
    let mut out = String::with_capacity(calendar.octets());
    calendar.write(&mut out);
    out
}

/// The VTIMEZONE of every zone in it, from the first year in which it is used. They have no end: clients keep them by name
/// for other events too.
fn zones_of(event: &Event) -> Vec<Component> {
    let frame = event.frame();
    let of_frame = match &frame {
        Frame::Zoned(zone) => Some(zone),
        _ => None,
    };
    let times = || event.all_details().flat_map(|details| [&details.start, &details.end]);
    let mut zones: Vec<&Zone> = times().filter_map(When::zone).chain(of_frame).collect();
    zones.sort_unstable();
    zones.dedup();
    let originals = event.exceptions.keys().chain(&event.deleted);
    let first = times().map(|when| when.local().year()).chain(originals.map(|at| at.year())).min();
    let first = first.unwrap_or(1970);
    zones.into_iter().map(|zone| zones::component(&zone.definition(first, None), zone.label())).collect()
}

fn master_component(event: &Event, master: &Details, scheduling: Scheduling) -> Component {
    let mut own = Vec::new();
    let frame = master.start.frame();
    if let Some(recurrence) = &event.recurrence {
        own.extend(recurrence.rule.as_ref().map(|rule| Line::new("RRULE", print_rule(rule, &master.start))));
        own.extend(recurrence.added.iter().map(|at| when_line("RDATE", &frame.at(*at))));
    }
    own.extend(event.deleted.iter().map(|at| when_line("EXDATE", &frame.at(*at))));
    component(event, master, own, scheduling)
}

/// UNTIL is in UTC where the start is a moment, else of the start's own kind (RFC 5545 section 3.3.10).
pub(crate) fn print_rule(rule: &Rule, start: &When) -> String {
    let last = match rule.ends {
        Ends::On(date) => date.to_datetime(start.local().time()),
        Ends::At(at) => at,
        Ends::Never | Ends::After(_) => return rule::print(rule, None),
    };
    let until = match start.frame().at(last) {
        When::Date(date) => print_date(date),
        When::Floating(at) => print_datetime(at),
        moment => format!("{}Z", print_datetime(moment.local_in(&Frame::Utc))),
    };
    rule::print(rule, Some(&until))
}

fn component(event: &Event, details: &Details, own: Vec<Line>, scheduling: Scheduling) -> Component {
    let mut out = Component::new("VEVENT");
    let lines = &mut out.lines;
    lines.push(spelling::uid_line(&event.uid, details));
    lines.push(stamp_line("DTSTAMP", details.stamps.stamped.unwrap_or(Timestamp::UNIX_EPOCH)));
    lines.push(when_line("DTSTART", &details.start));
    lines.push(when_line("DTEND", &details.end));
    lines.extend(own);
    lines.extend(details.stamps.created.map(|at| stamp_line("CREATED", at)));
    lines.extend(details.stamps.modified.map(|at| stamp_line("LAST-MODIFIED", at)));
    if details.sequence > 0 {
        lines.push(Line::new("SEQUENCE", details.sequence.to_string()));
    }
    lines.extend(spelling::SPELLED.iter().filter_map(|name| spelling::spelled(name, details)));
    if details.sensitivity == Sensitivity::Personal && spelled_otherwise(details) {
        lines.push(Line::new(spelling::SENSITIVITY_MARK, "PERSONAL"));
    }
    lines.extend(details.status.map(|status| {
        let word = match status {
            Status::Tentative => "TENTATIVE",
            Status::Confirmed => "CONFIRMED",
            Status::Cancelled => "CANCELLED",
        };
        Line::new("STATUS", word)
    }));
    let transparent = details.busy == Busy::Free;
    lines.push(Line::new("TRANSP", if transparent { "TRANSPARENT" } else { "OPAQUE" }));
    lines.extend(cdo_busy(details.busy).map(|word| Line::new("X-MICROSOFT-CDO-BUSYSTATUS", word)));
    if details.is_all_day() {
        lines.push(Line::new("X-MICROSOFT-CDO-ALLDAYEVENT", "TRUE"));
    }
    if !details.categories.is_empty() {
        let all: Vec<String> = details.categories.iter().map(|category| escape(category)).collect();
        lines.push(Line::new("CATEGORIES", all.join(",")));
    }
    lines.extend(details.organizer.iter().map(|person| people::organizer_line(person, scheduling)));
    lines.extend(details.attendees.iter().map(|attendee| people::attendee_line(attendee, scheduling)));
    if !details.online_meeting.is_empty() {
        lines.push(Line::new("X-MICROSOFT-SKYPETEAMSMEETINGURL", &*details.online_meeting));
        lines.push(Line::new("CONFERENCE", &*details.online_meeting).with("VALUE", "URI"));
    }
    lines.extend(details.attachments.iter().map(attachment_line));
    if details.no_counter {
        lines.push(Line::new("X-MICROSOFT-DISALLOW-COUNTER", "TRUE"));
    }
    lines.extend(details.extras.iter().cloned());
    out.children.extend(details.alarms.iter().map(alarm::component));
    out.children.extend(details.extra_components.iter().cloned());
    out
}

/// Is CLASS written with a word that does not tell personal by itself?
fn spelled_otherwise(details: &Details) -> bool {
    let class = spelling::spelled("CLASS", details);
    class.is_none_or(|line| spelling::sensitivity(&line.value) != Sensitivity::Personal)
}

fn cdo_busy(busy: Busy) -> Option<&'static str> {
    match busy {
        Busy::Free => Some("FREE"),
        Busy::Tentative => Some("TENTATIVE"),
        Busy::Busy => Some("BUSY"),
        Busy::OutOfOffice => Some("OOF"),
        Busy::WorkingElsewhere => Some("WORKINGELSEWHERE"),
        Busy::Opaque => None,
    }
}

fn when_line(name: &str, when: &When) -> Line {
    match when {
        When::Date(date) => Line::new(name, print_date(*date)).with("VALUE", "DATE"),
        When::Floating(at) => Line::new(name, print_datetime(*at)),
        When::Utc(at) => Line::new(name, format!("{}Z", print_datetime(*at))),
        When::Zoned(at, zone) => Line::new(name, print_datetime(*at)).with("TZID", zone.label()),
    }
}

fn stamp_line(name: &str, at: Timestamp) -> Line {
    let local: DateTime = Zone::utc_local(at);
    Line::new(name, format!("{}Z", print_datetime(local)))
}

fn attachment_line(attachment: &Attachment) -> Line {
    let (value, inline) = match &attachment.content {
        Content::Link(uri) => (uri.clone(), false),
        Content::Inline(bytes) => (STANDARD.encode(bytes), true),
    };
    let mut line = Line::new("ATTACH", value);
    if !attachment.media_type.is_empty() {
        line.params.push(Param::new("FMTTYPE", &*attachment.media_type));
    }
    if !attachment.name.is_empty() {
        line.params.push(Param::new("FILENAME", &*attachment.name));
    }
    if inline {
        line.params.extend([Param::new("ENCODING", "BASE64"), Param::new("VALUE", "BINARY")]);
    }
    line.params.extend(attachment.params.iter().cloned());
    line
}
