//! What people do with their calendars on both sides, and whether the other side has it.

use super::samples::{BUDGET, DENTIST, PLANNING, REVIEW, SHOWING, STAND_UP};
use super::text::{is_of, unfolded, value_of};
use super::{Calendars, address, failed};
use crate::failure::Failure;
use crate::message::Message;
use parom_lab::ews::Event;
use parom_lab::face::digits;

const NEW: &str = "Собеседование";
const ROOM: &str = "Переговорная 7";
const BIG_ROOM: &str = "Room 11";
const RENAMED: &str = "Quarterly review with figures";
const SKIPPED: &str = "2027-03-09";
const MOVED: (&str, &str) = ("2027-03-22", "2027-03-22T17:00:00");
const LATER: &str = "2027-03-10T10:00:00";

/// Something that one person did, on one side or on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A meeting gets another room.
    Room,
    /// An occurrence of a series does not take place.
    Skip,
    New,
    /// An event begins later.
    Later,
    /// One occurrence of a series is moved.
    MoveOne,
    Delete,
    /// Another room here, another title there, of one event.
    Both,
}

impl Edit {
    pub const ALL: [Edit; 7] =
        [Edit::Room, Edit::Skip, Edit::New, Edit::Later, Edit::MoveOne, Edit::Delete, Edit::Both];

    fn whose(self) -> &'static str {
        match self {
            Edit::Room | Edit::MoveOne => "a.smirnova",
            Edit::Skip | Edit::Later | Edit::Both => "j.miller",
            Edit::New | Edit::Delete => "k.popov",
        }
    }

    /// Its sentence.
    #[must_use]
    pub fn told(self) -> Message {
        let (key, side, title) = match self {
            Edit::Room => ("demo-event-room", "side-source", BUDGET),
            Edit::Skip => ("demo-event-skip", "side-source", STAND_UP),
            Edit::New => ("demo-event-new", "side-source", NEW),
            Edit::Later => ("demo-event-later", "side-target", DENTIST),
            Edit::MoveOne => ("demo-event-move-one", "side-target", PLANNING),
            Edit::Delete => ("demo-event-delete", "side-target", SHOWING),
            Edit::Both => ("demo-event-both", "side-target", REVIEW),
        };
        let message = Message::new(key).with("account", address(self.whose())).with("title", title);
        if self == Edit::Both { message } else { message.with("side", Message::new(side)) }
    }
}

impl Calendars {
    pub fn edit(&self, edit: Edit) -> Result<(), Failure> {
        let name = edit.whose();
        let outlook = self.outlook(name);
        match edit {
            Edit::Room => {
                let (id, _) = self.planned(name, BUDGET)?;
                outlook.edit(&id, |event| event.location = ROOM.to_owned()).map_err(failed)
            }
            Edit::Skip => {
                let (id, _) = self.planned(name, STAND_UP)?;
                outlook.delete_occurrence(&id, SKIPPED).map_err(failed)
            }
            Edit::New => {
                let event = Event::at(NEW, "2027-03-11T16:00:00", "2027-03-11T17:00:00");
                outlook.add(&event).map(drop).map_err(failed)
            }
            Edit::Later => self.rewrite(name, DENTIST, |lines| {
                set_time(lines, "DTSTART", LATER);
                set_time(lines, "DTEND", "2027-03-10T11:00:00");
            }),
            Edit::MoveOne => self.rewrite(name, PLANNING, move_one),
            Edit::Delete => {
                let (path, _) = self.stored(name, SHOWING).ok_or_else(|| failed(SHOWING))?;
                self.done(self.dav.ask(name, "DELETE", &path, &[("Schedule-Reply", "F")], ""))
            }
            Edit::Both => {
                let (id, _) = self.planned(name, REVIEW)?;
                outlook.edit(&id, |event| event.location = BIG_ROOM.to_owned()).map_err(failed)?;
                self.rewrite(name, REVIEW, |lines| {
                    for line in lines.iter_mut().filter(|line| is_of(line, "SUMMARY")) {
                        *line = format!("SUMMARY:{RENAMED}");
                    }
                })
            }
        }
    }

    /// Has the other side what was done? Where both did something, both.
    #[must_use]
    pub fn has_crossed(&self, edit: Edit) -> bool {
        let name = edit.whose();
        let stored = |title: &str| self.stored(name, title).map(|(_, text)| unfolded(&text));
        let says = |title: &str, wanted: &str| stored(title).is_some_and(|lines| lines.iter().any(|it| it == wanted));
        let planned = |title: &str| self.planned(name, title).ok();
        match edit {
            Edit::Room => says(BUDGET, &format!("LOCATION:{ROOM}")),
            Edit::Skip => {
                let day = digits(SKIPPED, true);
                stored(STAND_UP)
                    .is_some_and(|lines| lines.iter().any(|line| is_of(line, "EXDATE") && line.contains(&day)))
            }
            Edit::New => stored(NEW).is_some(),
            Edit::Later => planned(DENTIST).is_some_and(|(_, event)| event.start == LATER),
            Edit::MoveOne => planned(PLANNING).is_some_and(|(id, _)| {
                let occurrence = self.outlook(name).read_occurrence(&id, MOVED.0);
                occurrence.is_ok_and(|occurrence| occurrence.start == MOVED.1)
            }),
            Edit::Delete => planned(SHOWING).is_none(),
            Edit::Both => {
                says(RENAMED, &format!("LOCATION:{BIG_ROOM}"))
                    && planned(RENAMED).is_some_and(|(_, event)| event.location == BIG_ROOM)
            }
        }
    }

    /// Changes an event on the target, as a phone does it.
    fn rewrite(&self, name: &str, title: &str, change: impl FnOnce(&mut Vec<String>)) -> Result<(), Failure> {
        let (path, text) = self.stored(name, title).ok_or_else(|| failed(title))?;
        let mut lines = unfolded(&text);
        change(&mut lines);
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.done(self.dav.ask(name, "PUT", &path, &[("Content-Type", "text/calendar"), ("If-Match", "*")], &text))
    }

    fn done(&self, (status, answer): (u16, String)) -> Result<(), Failure> {
        if (200..300).contains(&status) { Ok(()) } else { Err(failed(format!("{status} {answer}"))) }
    }
}

/// Another time in the same zone.
fn set_time(lines: &mut [String], name: &str, time: &str) {
    // The zone's definition comes first and has starts of its own.
    let event = lines.iter().position(|line| line == "BEGIN:VEVENT").unwrap_or_default();
    for line in lines.iter_mut().skip(event).filter(|line| is_of(line, name)) {
        let head = line.len() - value_of(line).len();
        line.replace_range(head.., &digits(time, false));
    }
}

/// Moves one occurrence: what the series says, with another time, beside it.
fn move_one(lines: &mut Vec<String>) {
    let begin = lines.iter().position(|line| line == "BEGIN:VEVENT").unwrap_or_default();
    let length = lines.iter().skip(begin).position(|line| line == "END:VEVENT").map_or(0, |end| end + 1);
    let mut one: Vec<String> = lines.iter().skip(begin).take(length).cloned().collect();
    one.retain(|line| !is_of(line, "RRULE") && !is_of(line, "EXDATE"));
    let start = one.iter().find(|line| is_of(line, "DTSTART")).cloned().unwrap_or_default();
    set_time(&mut one, "DTSTART", MOVED.1);
    set_time(&mut one, "DTEND", "2027-03-22T17:45:00");
    let head = start.len() - value_of(&start).len();
    let zone = start.get(..head).unwrap_or_default().replacen("DTSTART", "RECURRENCE-ID", 1);
    one.insert(1, format!("{zone}{}", digits("2027-03-22T10:00:00", false)));
    let at = begin + length;
    lines.splice(at..at, one);
}
