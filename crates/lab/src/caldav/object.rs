//! What may be stored: a calendar object resource (RFC 4791 section 4.1) whose parts say what RFC 5545 asks of them.
//!
//! Stricter than most servers, because a client whose mistakes are overlooked here makes them elsewhere.

use super::lines::{Component, Line};
use std::collections::BTreeSet;

/// Events, tasks and journal entries.
pub const KINDS: [&str; 3] = ["VEVENT", concat!("VTO", "DO"), "VJOURNAL"];

/// An object that may be stored.
#[derive(Clone, Debug)]
pub struct Object {
    pub uid: String,
    /// One of [`KINDS`].
    pub kind: String,
    pub root: Component,
}

/// Why it may not: the precondition of RFC 4791 section 5.3.2.1 and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub condition: &'static str,
    pub detail: String,
}

impl Object {
    pub fn read(text: &[u8]) -> Result<Object, Fault> {
        let text = std::str::from_utf8(text).map_err(|_| data("not UTF-8"))?;
        let root = Component::parse(text).map_err(data)?;
        if root.name != "VCALENDAR" {
            return Err(data("no VCALENDAR"));
        }
        once(&root, &["VERSION", "PRODID"])?;
        at_most_once(&root, &["CALSCALE"])?;
        if root.value("VERSION") != Some("2.0") {
            return Err(data("a VERSION that is not 2.0"));
        }
        if root.line("METHOD").is_some() {
            return Err(object("a METHOD"));
        }
        let zones = zones(&root)?;
        let mut parts = root.children.iter().filter(|part| part.name != "VTIMEZONE").peekable();
        let kind = parts.peek().map(|part| part.name.clone()).ok_or_else(|| object("no component"))?;
        if !KINDS.contains(&kind.as_str()) {
            return Err(Fault { condition: "supported-calendar-component", detail: kind });
        }
        let (mut uids, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for part in parts {
            if part.name != kind {
                return Err(object("components of several kinds"));
            }
            check(part, &zones)?;
            uids.insert(part.value("UID").unwrap_or_default());
            if !ids.insert(part.line("RECURRENCE-ID").map(|line| line.value.as_str())) {
                return Err(object("two components of one recurrence"));
            }
        }
        let mut uids = uids.into_iter();
        match (uids.next(), uids.next()) {
            (Some(uid), None) if !uid.is_empty() => Ok(Object { uid: uid.to_owned(), kind, root: root.clone() }),
            _ => Err(object("no UID, or several")),
        }
    }

    /// The events and whatever else is no time zone.
    pub fn parts(&self) -> impl Iterator<Item = &Component> {
        self.root.children.iter().filter(|part| part.name != "VTIMEZONE")
    }

    pub fn summary(&self) -> &str {
        self.parts().find_map(|part| part.value("SUMMARY")).unwrap_or_default()
    }
}

fn data(detail: impl ToString) -> Fault {
    Fault { condition: "valid-calendar-data", detail: detail.to_string() }
}

fn object(detail: impl ToString) -> Fault {
    Fault { condition: "valid-calendar-object-resource", detail: detail.to_string() }
}

fn at_most_once(part: &Component, names: &[&str]) -> Result<(), Fault> {
    match names.iter().find(|name| part.all(name).count() > 1) {
        Some(name) => Err(data(format!("{name} twice in {}", part.name))),
        None => Ok(()),
    }
}

fn once(part: &Component, names: &[&str]) -> Result<(), Fault> {
    match names.iter().find(|name| part.all(name).count() != 1) {
        Some(name) => Err(data(format!("not one {name} in {}", part.name))),
        None => Ok(()),
    }
}

/// The zones that the object defines.
fn zones(root: &Component) -> Result<BTreeSet<String>, Fault> {
    let mut zones = BTreeSet::new();
    for zone in root.children.iter().filter(|part| part.name == "VTIMEZONE") {
        once(zone, &["TZID"])?;
        if zone.children.is_empty() {
            return Err(data("a time zone without observances"));
        }
        for observance in &zone.children {
            if !["STANDARD", "DAYLIGHT"].contains(&observance.name.as_str()) {
                return Err(data(format!("{} in a time zone", observance.name)));
            }
            once(observance, &["DTSTART", "TZOFFSETFROM", "TZOFFSETTO"])?;
            let is_local = |value: &str| time(value, false) == Some(Kind::Local);
            if !observance.value("DTSTART").is_some_and(is_local) {
                return Err(data("an observance whose start is not local"));
            }
            observance.all("RRULE").try_for_each(|line| rule(&line.value, None))?;
        }
        if !zones.insert(zone.value("TZID").unwrap_or_default().to_owned()) {
            return Err(data("a time zone defined twice"));
        }
    }
    Ok(zones)
}

const SINGLE: &[&str] = &[
    "CLASS",
    "CREATED",
    "DESCRIPTION",
    "DTEND",
    "DUE",
    "DURATION",
    "GEO",
    "LAST-MODIFIED",
    "LOCATION",
    "ORGANIZER",
    "PRIORITY",
    "RECURRENCE-ID",
    "SEQUENCE",
    "STATUS",
    "SUMMARY",
    "TRANSP",
    "URL",
];

fn check(part: &Component, zones: &BTreeSet<String>) -> Result<(), Fault> {
    once(part, &["UID", "DTSTAMP"])?;
    at_most_once(part, SINGLE)?;
    at_most_once(part, &["DTSTART"])?;
    if part.name == "VEVENT" {
        once(part, &["DTSTART"])?;
    }
    for (one, other) in [("DTEND", "DURATION"), ("DUE", "DURATION")] {
        if part.line(one).is_some() && part.line(other).is_some() {
            return Err(data(format!("{one} and {other}")));
        }
    }
    let stamp = part.value("DTSTAMP").and_then(|value| time(value, false));
    if stamp != Some(Kind::Utc) {
        return Err(data("a DTSTAMP that is not in UTC"));
    }
    let start = part.line("DTSTART").map(|line| times(line, zones)).transpose()?;
    for line in &part.lines {
        match line.name.as_str() {
            "DTEND" | "DUE" | "RECURRENCE-ID" | "EXDATE" => {
                let kind = times(line, zones)?;
                if start.is_some_and(|start| (start == Kind::Day) != (kind == Kind::Day)) {
                    return Err(data(format!("{} and DTSTART of different types", line.name)));
                }
            }
            "RDATE" if line.param("VALUE") != Some("PERIOD") => {
                times(line, zones)?;
            }
            "RRULE" => rule(&line.value, start)?,
            "ATTENDEE" | "ORGANIZER" if !line.value.contains(':') => {
                return Err(data(format!("{} is no address", line.name)));
            }
            "SEQUENCE" | "PRIORITY" if line.value.parse::<u32>().is_err() => {
                return Err(data(format!("{} is no number", line.name)));
            }
            _ => {}
        }
    }
    if let (Some(start), Some(end)) = (part.line("DTSTART"), part.line("DTEND"))
        && start.param("TZID") == end.param("TZID")
        && start.value.ends_with('Z') == end.value.ends_with('Z')
        && end.value < start.value
    {
        return Err(data("an end before the start"));
    }
    for alarm in &part.children {
        if alarm.name != "VALARM" {
            return Err(data(format!("{} in {}", alarm.name, part.name)));
        }
        once(alarm, &["ACTION", "TRIGGER"])?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Day,
    Local,
    Utc,
}

/// Reads a value of a day, or of a day and a time.
fn time(value: &str, is_day: bool) -> Option<Kind> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_day {
        return digits(value, 8).then_some(Kind::Day);
    }
    let (date, clock) = value.split_once('T')?;
    let bare = clock.strip_suffix('Z');
    let fits = digits(date, 8) && digits(bare.unwrap_or(clock), 6);
    fits.then_some(if bare.is_some() { Kind::Utc } else { Kind::Local })
}

/// The times of a line, which are all of one kind, in a zone that the object defines.
fn times(line: &Line, zones: &BTreeSet<String>) -> Result<Kind, Fault> {
    let bad = || data(format!("{} is no time", line.name));
    let is_day = match line.param("VALUE").map(str::to_ascii_uppercase).as_deref() {
        Some("DATE") => true,
        None | Some("DATE-TIME") => false,
        Some(_) => return Err(bad()),
    };
    let mut kinds = line.value.split(',').map(|value| time(value, is_day));
    let first = kinds.next().flatten().ok_or_else(bad)?;
    if kinds.any(|kind| kind != Some(first)) {
        return Err(bad());
    }
    match line.param("TZID") {
        Some(_) if first != Kind::Local => Err(data(format!("{} has a zone for nothing", line.name))),
        Some(zone) if !zone.starts_with('/') && !zones.contains(zone) => {
            Err(object(format!("the zone {zone} is not defined")))
        }
        _ => Ok(first),
    }
}

/// RFC 5545 section 3.3.10, as far as a server has to know it.
fn rule(value: &str, start: Option<Kind>) -> Result<(), Fault> {
    let bad = |detail: &str| data(format!("a rule with {detail}"));
    let mut seen = BTreeSet::new();
    for part in value.split(';') {
        let (name, value) = part.split_once('=').ok_or_else(|| bad("a part that is none"))?;
        if !seen.insert(name) {
            return Err(bad("a part twice"));
        }
        let fits = match name {
            "FREQ" => ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value),
            "COUNT" | "INTERVAL" => value.parse::<u32>().is_ok_and(|number| number > 0),
            "UNTIL" => {
                let kind = time(value, value.len() == 8);
                match start {
                    // In the zone of the start it would mean something else to everybody.
                    Some(Kind::Utc) => kind == Some(Kind::Utc),
                    Some(Kind::Day) => kind == Some(Kind::Day),
                    _ => kind.is_some(),
                }
            }
            "WKST" => value.len() == 2,
            "BYDAY" | "BYMONTH" | "BYMONTHDAY" | "BYYEARDAY" | "BYWEEKNO" | "BYSETPOS" | "BYHOUR" | "BYMINUTE"
            | "BYSECOND" => !value.is_empty(),
            _ => false,
        };
        if !fits {
            return Err(bad(part));
        }
    }
    match (seen.contains("FREQ"), seen.contains("COUNT") && seen.contains("UNTIL")) {
        (true, false) => Ok(()),
        _ => Err(bad("no frequency, or two ends")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VTIMEZONE\nTZID:Moscow\nBEGIN:STANDARD\n\
        DTSTART:20141026T020000\nTZOFFSETFROM:+0400\nTZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nUID:1\n\
        DTSTAMP:20260101T000000Z\nDTSTART;TZID=Moscow:20260302T100000\nDTEND;TZID=Moscow:20260302T110000\n\
        RRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:Планёрка\nEND:VEVENT\nEND:VCALENDAR\n";

    #[test]
    fn an_event_is_an_object() {
        let read = Object::read(GOOD.as_bytes()).unwrap();
        assert_eq!((read.uid.as_str(), read.kind.as_str(), read.summary()), ("1", "VEVENT", "Планёрка"));
    }

    #[test]
    fn what_rfc_5545_forbids_is_refused() {
        let bad: &[(&str, &str, &str)] = &[
            ("VERSION:2.0\n", "", "valid-calendar-data"),
            ("PRODID:x\n", "PRODID:x\nMETHOD:REQUEST\n", "valid-calendar-object-resource"),
            ("UID:1\n", "", "valid-calendar-data"),
            ("UID:1\n", "UID:\n", "valid-calendar-object-resource"),
            ("DTSTAMP:20260101T000000Z\n", "", "valid-calendar-data"),
            ("DTSTAMP:20260101T000000Z\n", "DTSTAMP:20260101T000000\n", "valid-calendar-data"),
            ("TZID:Moscow\n", "TZID:Minsk\n", "valid-calendar-object-resource"),
            ("DTSTART;TZID=Moscow:20260302T100000\n", "", "valid-calendar-data"),
            ("DTSTART;TZID=Moscow:20260302T100000", "DTSTART;VALUE=DATE:20260302", "valid-calendar-data"),
            ("DTEND;TZID=Moscow:20260302T11", "DTEND;TZID=Moscow:20260302T09", "valid-calendar-data"),
            ("SUMMARY:", "DURATION:PT1H\nSUMMARY:", "valid-calendar-data"),
            ("SUMMARY:", "SUMMARY:x\nSUMMARY:", "valid-calendar-data"),
            ("SUMMARY:", "RECURRENCE-ID;VALUE=DATE:20260302\nSUMMARY:", "valid-calendar-data"),
            ("COUNT=3", "COUNT=3;UNTIL=20270101T000000Z", "valid-calendar-data"),
            ("FREQ=WEEKLY;", "", "valid-calendar-data"),
            ("FREQ=WEEKLY", "FREQ=OFTEN", "valid-calendar-data"),
            ("SUMMARY:", "ATTENDEE:nobody\nSUMMARY:", "valid-calendar-data"),
            ("END:VEVENT\n", "BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n", "valid-calendar-data"),
            ("VEVENT", "VFREEBUSY", "supported-calendar-component"),
        ];
        for (part, other, condition) in bad {
            let text = GOOD.replace(part, other);
            assert_ne!(text, GOOD);
            assert_eq!(Object::read(text.as_bytes()).unwrap_err().condition, *condition, "{text}");
        }
    }

    #[test]
    fn a_recurrence_is_said_once() {
        let (head, rest) = GOOD.split_once("BEGIN:VEVENT").unwrap();
        let event = rest.split_once("END:VCALENDAR").unwrap().0;
        let twice = format!("{head}BEGIN:VEVENT{event}BEGIN:VEVENT{event}END:VCALENDAR\n");
        assert_eq!(Object::read(twice.as_bytes()).unwrap_err().condition, "valid-calendar-object-resource");
        let moved = event.replace("RRULE:FREQ=WEEKLY;COUNT=3", "RECURRENCE-ID;TZID=Moscow:20260309T100000");
        let series = format!("{head}BEGIN:VEVENT{event}BEGIN:VEVENT{moved}END:VCALENDAR\n");
        assert_eq!(Object::read(series.as_bytes()).unwrap().parts().count(), 2);
    }
}
