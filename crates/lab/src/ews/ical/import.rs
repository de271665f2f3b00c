//! What Exchange makes of an event that comes as MIME ([MS-OXCICAL] 2.1.3.1): the same draft that properties make.
//!
//! The first `VEVENT` without `RECURRENCE-ID` is the event; those with one are its exceptions. What [MS-OXCICAL] knows no
//! property for is lost here as there.

use super::tree::{Component, Property};
use super::{rule, zone};
use crate::ews::draft::Draft;
use crate::ews::fields;
use crate::ews::item::Person;
use crate::ews::soap::{Refusal, refuse};
use crate::ews::switches::Switches;
use crate::ews::time::{self, DAY_S, Stamp};
use crate::ews::version::Level;
use crate::ews::xml::{Element, t, tt};
use crate::ews::zones::Zone;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A time as iCalendar writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By its own clock.
    pub local_s: i64,
    pub is_utc: bool,
    pub is_date: bool,
}

impl Moment {
    /// `20260301`, `20260301T100000`, `20260301T100000Z`.
    pub fn read(text: &str) -> Option<Moment> {
        let text = text.trim();
        let (date, clock) = text.split_once('T').unwrap_or((text, ""));
        let spelled = format!("{}-{}-{}", date.get(..4)?, date.get(4..6)?, date.get(6..)?);
        if clock.is_empty() {
            let day = time::parse_date(&spelled)?;
            return Some(Moment { local_s: day.number() * DAY_S, is_utc: false, is_date: true });
        }
        let (clock, is_utc) = clock.strip_suffix('Z').map_or((clock, false), |clock| (clock, true));
        let spelled = format!("{spelled}T{}:{}:{}", clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?);
        Some(Moment { local_s: time::parse(&spelled)?.local_s, is_utc, is_date: false })
    }
}

/// A moment with the zone that its property names. Without one it stands in the zone of the request.
struct When {
    moment: Moment,
    zone: Option<Zone>,
}

impl When {
    fn stamp(&self, moment: Moment) -> Stamp {
        let zone = self.zone.as_ref().filter(|_| !moment.is_date);
        Stamp { local_s: moment.local_s, offset_s: zone.map(|zone| zone.offset_s(zone.instant_s(moment.local_s))) }
    }
}

fn when(calendar: &Component, property: &Property) -> Option<When> {
    let moment = Moment::read(&property.value)?;
    let zone = match property.parameter("TZID") {
        _ if moment.is_utc => Some(Zone::utc()),
        Some(id) => zone::meant(calendar, id),
        None => None,
    };
    Some(When { moment, zone })
}

fn broken() -> Refusal {
    refuse("ErrorMimeContentInvalid", "The MIME content is invalid.")
}

/// Puts what the MIME says into a draft; what the request says beside it comes later and wins.
pub fn read_into(draft: &mut Draft, base64: &str, level: Level, switches: &Switches) -> Result<(), Refusal> {
    let packed: String = base64.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| refuse("ErrorMimeContentInvalidBase64String", "The MIME content isn't a valid base64 string."))?;
    let text = String::from_utf8(bytes).map_err(|_| broken())?;
    let calendar = Component::parse(&text).filter(|root| root.name == "VCALENDAR").ok_or_else(broken)?;
    let events = || calendar.below("VEVENT");
    let master = events().find(|event| event.property("RECURRENCE-ID").is_none()).ok_or_else(broken)?;
    event(draft, &calendar, master, level, switches)?;
    for exception in events() {
        let Some(id) = exception.property("RECURRENCE-ID") else { continue };
        let id = when(&calendar, id).ok_or_else(broken)?;
        let mut changes = Draft::default();
        event(&mut changes, &calendar, exception, level, switches)?;
        changes.recurrence = None;
        draft.exceptions.push((id.stamp(id.moment), changes));
    }
    Ok(())
}

fn event(
    draft: &mut Draft,
    calendar: &Component,
    event: &Component,
    level: Level,
    switches: &Switches,
) -> Result<(), Refusal> {
    let start = event.property("DTSTART").and_then(|start| when(calendar, start)).ok_or_else(broken)?;
    let is_all_day =
        start.moment.is_date || event.value("X-MICROSOFT-CDO-ALLDAYEVENT").is_some_and(|value| value == "TRUE");
    let end = match (event.property("DTEND"), event.value("DURATION")) {
        (Some(end), _) => when(calendar, end).ok_or_else(broken)?,
        (None, duration) => {
            let length_s = match duration {
                Some(duration) => time::parse_duration(duration).ok_or_else(broken)?,
                None if start.moment.is_date => DAY_S,
                None => 0,
            };
            let moment = Moment { local_s: start.moment.local_s + length_s, ..start.moment };
            When { moment, zone: start.zone.clone() }
        }
    };
    (draft.start, draft.end) = (Some(start.stamp(start.moment)), Some(end.stamp(end.moment)));
    (draft.start_zone, draft.end_zone) = (start.zone.clone(), end.zone.clone());
    draft.uid = event.property("UID").map(Property::plain);
    if let Some(text) = event.value("RRULE") {
        let read = rule::read(text, start.moment.local_s, start.zone.as_ref());
        draft.recurrence = Some(Some(read.map_err(|(code, text)| refuse(code, text))?));
    }
    for property in event.all("EXDATE") {
        for value in property.value.split(',') {
            let single = Property { value: value.to_owned(), ..property.clone() };
            let gone = when(calendar, &single).ok_or_else(broken)?;
            draft.deleted.push(gone.stamp(gone.moment));
        }
    }
    draft.organizer = event.property("ORGANIZER").and_then(person);
    for element in elements(event, is_all_day) {
        if let Some((_, field)) = fields::by_name(&element.name) {
            draft.set(field, &element, level, switches)?;
        }
    }
    Ok(())
}

fn person(property: &Property) -> Option<Person> {
    let value = property.value.trim();
    let is_mail = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address = value.get(7..).filter(|_| is_mail)?.to_owned();
    Some(Person { name: property.parameter("CN").unwrap_or(&address).to_owned(), address })
}

/// The fields that an event's properties stand for.
fn elements(event: &Component, is_all_day: bool) -> Vec<Element> {
    let text = |name: &str| event.property(name).map(Property::plain);
    let sensitivity = match event.value("CLASS") {
        Some("PERSONAL") => "Personal",
        Some("PRIVATE") => "Private",
        Some("CONFIDENTIAL") => "Confidential",
        _ => "Normal",
    };
    let importance = match (event.value("X-MICROSOFT-CDO-IMPORTANCE"), event.value("PRIORITY")) {
        (Some("2"), _) | (None, Some("1" | "2" | "3" | "4")) => "High",
        (Some("0"), _) | (None, Some("6" | "7" | "8" | "9")) => "Low",
        _ => "Normal",
    };
    let busy = match (event.value("X-MICROSOFT-CDO-BUSYSTATUS"), event.value("TRANSP")) {
        (Some("FREE"), _) | (None, Some("TRANSPARENT")) => "Free",
        (Some("TENTATIVE"), _) => "Tentative",
        (Some("OOF"), _) => "OOF",
        _ => "Busy",
    };
    let mut all = vec![
        tt("Subject", text("SUMMARY").unwrap_or_default()),
        tt("Sensitivity", sensitivity),
        tt("Body", text("DESCRIPTION").unwrap_or_default()).set("BodyType", "Text"),
        tt("Importance", importance),
        tt("IsAllDayEvent", is_all_day),
        tt("LegacyFreeBusyStatus", busy),
        tt("Location", text("LOCATION").unwrap_or_default()),
    ];
    let categories = event.all("CATEGORIES").flat_map(Property::list);
    all.push(t("Categories").with_all(categories.map(|category| tt("String", category))));
    let alarm = event.below("VALARM").find_map(|alarm| {
        let before_s = -time::parse_duration(alarm.value("TRIGGER")?)?;
        Some((before_s / 60).max(0))
    });
    all.push(tt("ReminderIsSet", alarm.is_some()));
    all.extend(alarm.map(|minutes| tt("ReminderMinutesBeforeStart", minutes)));
    let organizer = event.property("ORGANIZER").and_then(person);
    for (list, roles) in [
        ("RequiredAttendees", &["REQ-PARTICIPANT", "CHAIR", ""][..]),
        ("OptionalAttendees", &["OPT-PARTICIPANT"][..]),
        ("Resources", &["NON-PARTICIPANT"][..]),
    ] {
        let role = |attendee: &&Property| {
            let kind = attendee.parameter("CUTYPE").unwrap_or_default();
            let is_resource = kind.eq_ignore_ascii_case("RESOURCE") || kind.eq_ignore_ascii_case("ROOM");
            let role = if is_resource { "NON-PARTICIPANT" } else { attendee.parameter("ROLE").unwrap_or_default() };
            roles.contains(&role.to_ascii_uppercase().as_str())
        };
        // Who invites is no guest.
        let is_other =
            |who: &Person| organizer.as_ref().is_none_or(|host| !host.address.eq_ignore_ascii_case(&who.address));
        let people = event.all("ATTENDEE").filter(role).filter_map(person).filter(is_other);
        let told = people.map(|who| {
            t("Attendee").with(t("Mailbox").with(tt("Name", who.name)).with(tt("EmailAddress", who.address)))
        });
        let told: Vec<Element> = told.collect();
        if !told.is_empty() {
            all.push(t(list).with_all(told));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: &str) -> Result<Draft, Refusal> {
        let text = format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", body.replace('\n', "\r\n"));
        let mut draft = Draft::default();
        read_into(&mut draft, &STANDARD.encode(text), Level::V2016, &Switches::none())?;
        Ok(draft)
    }

    #[test]
    fn times_are_read_in_every_dress() {
        for (written, start, end, is_all_day) in [
            ("DTSTART:20260302T060000Z\nDTEND:20260302T070000Z", Some(0), 3600, "false"),
            ("DTSTART;TZID=Russian Standard Time:20260302T090000\nDURATION:PT1H", Some(10_800), 3600, "false"),
            ("DTSTART:20260302T090000", None, 0, "false"),
            ("DTSTART;VALUE=DATE:20260302", None, DAY_S, "true"),
            (
                "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nDTSTART;TZID=Russian Standard Time:20260302T000000\n\
                 DTEND;TZID=Russian Standard Time:20260304T000000",
                Some(10_800),
                2 * DAY_S,
                "true",
            ),
        ] {
            let read = draft(&format!("BEGIN:VEVENT\nUID:1\n{written}\nEND:VEVENT\n")).unwrap();
            let (from, to) = (read.start.unwrap(), read.end.unwrap());
            assert_eq!((from.offset_s, to.local_s - from.local_s), (start, end), "{written}");
            assert_eq!(read.fields["IsAllDayEvent"].as_ref().unwrap().text, is_all_day, "{written}");
        }
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        assert_eq!(draft("").unwrap_err().code, "ErrorMimeContentInvalid");
        assert_eq!(draft("BEGIN:VEVENT\nUID:1\nEND:VEVENT\n").unwrap_err().code, "ErrorMimeContentInvalid");
        let mut draft = Draft::default();
        let refused = read_into(&mut draft, "%%", Level::V2016, &Switches::none()).unwrap_err();
        assert_eq!(refused.code, "ErrorMimeContentInvalidBase64String");
    }
}
