//! People at Outlook.

use crate::{Deeds, id_of};
use parom_lab::ews::Event;
use parom_lab::sample::Random;
use xtask::live::calendars::{Rig, address};

/// A new event: a plain one, one of a whole day, a series, or a meeting.
pub fn bear(rig: &Rig, name: &str, random: &mut Random, deeds: &mut Deeds) {
    let id = deeds.bear(name);
    let (day, hour) = (1 + random.index(28), 8 + random.index(9));
    let (title, guest) = (format!("{id} t0"), "guest@elsewhere.example".to_owned());
    let plain =
        Event::at(&title, &format!("2027-03-{day:02}T{hour:02}:00:00"), &format!("2027-03-{day:02}T{hour:02}:45:00"));
    let event = match random.index(4) {
        0 => Event {
            start: format!("2027-03-{day:02}T00:00:00"),
            end: format!("2027-03-{:02}T00:00:00", day + 1),
            is_all_day: true,
            ..plain
        },
        1 => plain.daily(6),
        2 => Event {
            // Whoever invites themselves is the organizer and no participant.
            required: vec![address(if name == "person00" { "person01" } else { "person00" }), guest],
            location: "Room 1".to_owned(),
            ..plain
        },
        _ => plain,
    };
    rig.outlook(name).add(&event).unwrap();
    deeds.note(&id, "is added in Outlook".to_owned());
}

/// One edit. What Exchange refuses just now is left.
pub fn edit(rig: &Rig, name: &str, random: &mut Random, deeds: &mut Deeds) {
    let outlook = rig.outlook(name);
    let events = outlook.events();
    if random.index(10) < 3 || events.is_empty() {
        return bear(rig, name, random, deeds);
    }
    let (event_id, event) = &events[random.index(events.len())];
    let id = id_of(&event.subject).to_owned();
    if !deeds.may_edit(&id) {
        return;
    }
    let token = deeds.edits;
    let occurrences = outlook.occurrences(event_id, 10).unwrap_or_default();
    let one = occurrences.get(random.index(occurrences.len().max(1)));
    let (done, what) = match (random.index(9), one) {
        (0 | 1, _) => {
            let title = format!("{id} t{token}");
            (outlook.edit(event_id, |event| event.subject = title.clone()), format!("is called {title} in Outlook"))
        }
        (2, _) => {
            let room = format!("Room {token}");
            (outlook.edit(event_id, |event| event.location = room.clone()), format!("moves to {room} in Outlook"))
        }
        (3, _) if event.recurrence.is_none() && !event.is_all_day => {
            let day = 1 + random.index(28);
            let at = |time: &str| format!("2027-03-{day:02}{}", &time[10..]);
            let (start, end) = (at(&event.start), at(&event.end));
            let change = |event: &mut Event| (event.start, event.end) = (start.clone(), end.clone());
            (outlook.edit(event_id, change), format!("moves to the day {day} in Outlook"))
        }
        (4, Some((day, _))) if event.recurrence.is_some() && occurrences.len() > 2 => {
            (outlook.delete_occurrence(event_id, day), format!("loses its occurrence {day} in Outlook"))
        }
        (5, Some((day, start))) if event.recurrence.is_some() => {
            let at = |hour: &str| format!("{}T{hour}:30:00", &start[..10]);
            let (start, end) = (at("19"), at("20"));
            let title = format!("{id} o{token}");
            let change = |event: &mut Event| {
                (event.start, event.end, event.subject) = (start.clone(), end.clone(), title.clone());
            };
            (outlook.edit_occurrence(event_id, day, change), format!("has the occurrence {day} moved in Outlook"))
        }
        (6, _) => {
            let category = format!("Category {}", token % 7);
            let change = |event: &mut Event| event.categories = vec![category.clone()];
            (outlook.edit(event_id, change), format!("gets {category} in Outlook"))
        }
        (7, _) => {
            let body = format!("The text of {token}.");
            let change = |event: &mut Event| (event.body, event.body_is_html) = (body.clone(), false);
            (outlook.edit(event_id, change), "gets a text in Outlook".to_owned())
        }
        (8, _) => {
            deeds.deleted.insert(id.clone());
            (outlook.delete(event_id), "is deleted in Outlook".to_owned())
        }
        _ => return,
    };
    match done {
        Ok(()) => deeds.note(&id, what),
        Err(refused) => deeds.log.push(format!("{id} (refused: {refused}) {what}")),
    }
}
