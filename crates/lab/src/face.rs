//! What an event looks like to a person, the same for both of the lab's calendar servers: for comparisons without any of our
//! clients.

use crate::caldav::Component;
use crate::ews::{Event, EventId, Outlook};
use std::collections::BTreeSet;

/// Longer series are not compared to their end.
const MOST_OCCURRENCES: usize = 500;

/// Times are local, as `20270302T100000`, or days, as `20270302`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Face {
    pub title: String,
    pub location: String,
    pub start: String,
    pub end: String,
    /// The addresses of those who take part.
    pub participants: BTreeSet<String>,
    /// Of a series that ends after so many: how many occurrences are left.
    pub left: Option<usize>,
    /// Occurrences that are not as the series says: what they are called, and when they begin.
    pub changed: BTreeSet<(String, String)>,
}

impl Face {
    /// Of an event in somebody's Outlook.
    #[must_use]
    pub fn of_event(outlook: &Outlook, id: &EventId, event: &Event) -> Face {
        let digits = |time: &str| digits(time, event.is_all_day);
        let mut face = Face {
            title: event.subject.clone(),
            location: event.location.clone(),
            start: digits(&event.start),
            end: digits(&event.end),
            participants: [&event.required, &event.optional, &event.resources].into_iter().flatten().cloned().collect(),
            ..Face::default()
        };
        if event.recurrence.is_none() {
            return face;
        }
        let occurrences = outlook.occurrences(id, MOST_OCCURRENCES).unwrap_or_default();
        face.left =
            event.recurrence.as_ref().filter(|it| it.contains("NumberOfOccurrences")).map(|_| occurrences.len());
        let clock = |time: &str| time.get(10..).unwrap_or_default().to_owned();
        for (day, start) in occurrences {
            let title = outlook.read_occurrence(id, &day).map(|occurrence| occurrence.subject).unwrap_or_default();
            if !start.starts_with(&day) || clock(&start) != clock(&event.start) || title != event.subject {
                face.changed.insert((title, digits(&start)));
            }
        }
        face
    }

    /// Of an event in iCalendar. `None` for what is none.
    #[must_use]
    pub fn of_ical(text: &str) -> Option<Face> {
        let root = Component::parse(text).ok()?;
        let parts = root.children.iter().filter(|part| part.name == "VEVENT");
        let (changed, series): (Vec<&Component>, Vec<&Component>) =
            parts.partition(|part| part.line("RECURRENCE-ID").is_some());
        let master = series.first()?;
        let said = |part: &Component, name: &str| part.value(name).map(plain).unwrap_or_default();
        let mut face = Face {
            title: said(master, "SUMMARY"),
            location: said(master, "LOCATION"),
            start: said(master, "DTSTART"),
            end: said(master, "DTEND"),
            participants: master.all("ATTENDEE").map(|line| address(&line.value)).collect(),
            ..Face::default()
        };
        let rule = master.value("RRULE").unwrap_or_default();
        let count = rule.split(';').find_map(|part| part.strip_prefix("COUNT=")?.parse::<usize>().ok());
        let skipped: BTreeSet<&str> = master.all("EXDATE").flat_map(|line| line.value.split(',')).collect();
        face.left = count.map(|count| count.saturating_sub(skipped.len()));
        for part in changed {
            let (title, start) = (said(part, "SUMMARY"), said(part, "DTSTART"));
            // What says the same as the series is no other occurrence.
            if title != face.title || Some(start.as_str()) != part.value("RECURRENCE-ID") {
                face.changed.insert((title, start));
            }
        }
        Some(face)
    }
}

/// `2027-03-02T10:00:00` as iCalendar writes it.
#[must_use]
pub fn digits(time: &str, is_day: bool) -> String {
    let plain = time.replace(['-', ':'], "");
    if is_day { plain.get(..8).unwrap_or_default().to_owned() } else { plain }
}

/// A text without its escapes (RFC 5545 section 3.3.11).
fn plain(value: &str) -> String {
    let mut out = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => out.push('\n'),
                escaped => out.extend(escaped),
            },
            character => out.push(character),
        }
    }
    out
}

fn address(value: &str) -> String {
    let lower = value.trim().to_lowercase();
    lower.strip_prefix("mailto:").map_or(lower.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ews::{Config, Ews, User};
    use crate::exchange::Version;

    const TEXT: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:План\r\n ёрка\\, общая\r\nLOCATION:3\r\n\
        DTSTART;TZID=Europe/Moscow:20270301T100000\r\nDTEND;TZID=Europe/Moscow:20270301T103000\r\n\
        RRULE:FREQ=DAILY;COUNT=4\r\nEXDATE;TZID=Europe/Moscow:20270302T100000\r\nATTENDEE:MAILTO:Boris@corp.example\r\n\
        END:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Планёрка\\, общая\r\nRECURRENCE-ID;TZID=Europe/Moscow:20270303T100000\r\n\
        DTSTART;TZID=Europe/Moscow:20270303T150000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[tokio::test]
    async fn one_event_has_one_face_on_both_servers() {
        let config = Config::new(Version::E2016).with(User::new("anna@corp.example", "Anna"));
        let ews = Ews::start(config).await.unwrap();
        let outlook = ews.outlook("anna@corp.example");
        let mut event = Event::at("Планёрка, общая", "2027-03-01T10:00:00", "2027-03-01T10:30:00").daily(4);
        (event.location, event.required) = ("3".to_owned(), vec!["boris@corp.example".to_owned()]);
        let id = outlook.add(&event).unwrap();
        let face = || Face::of_event(&outlook, &id, &outlook.read(&id).unwrap());
        assert_ne!(Some(face()), Face::of_ical(TEXT));
        outlook.delete_occurrence(&id, "2027-03-02").unwrap();
        let later = |event: &mut Event| {
            (event.start, event.end) = ("2027-03-03T15:00:00".to_owned(), "2027-03-03T15:30:00".to_owned());
        };
        outlook.edit_occurrence(&id, "2027-03-03", later).unwrap();
        assert_eq!(Some(face()), Face::of_ical(TEXT));
        assert_eq!(face().left, Some(3));
        assert_eq!(Face::of_ical("hello"), None);
    }
}
