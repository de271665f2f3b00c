//! People at their phones: a calendar client at the target, by requests of its own.

use crate::{Deeds, id_of};
use parom_lab::caldav::Component;
use parom_lab::phone::{self, Answer};
use parom_lab::sample::Random;
use std::collections::BTreeMap;
use xtask::live::PASSWORD;
use xtask::live::calendars::{Rig, Target};

/// The status is 0 where a server that is just being restarted hangs up.
fn request(rig: &Rig, name: &str, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let answer = phone::request(rig.target.port(), (name, PASSWORD), (method, path), headers, body);
    answer.unwrap_or_else(|_| Answer { status: 0, head: String::new(), body: String::new() })
}

/// What is right below a collection. `None` where the server is not well just now.
fn below(rig: &Rig, name: &str, path: &str) -> Option<Vec<String>> {
    let answer = request(rig, name, "PROPFIND", path, "Depth: 1\r\n", "");
    if answer.status != 207 {
        return None;
    }
    // Servers write the namespace in their own ways.
    let parts = answer.body.split("href>").skip(1).step_by(2);
    let hrefs = parts.filter_map(|part| part.split('<').next()).map(str::to_owned);
    let mut hrefs: Vec<String> = hrefs.filter(|href| href.starts_with(path) && href != path).collect();
    hrefs.sort();
    hrefs.dedup();
    Some(hrefs)
}

fn calendars(rig: &Rig, name: &str) -> Option<Vec<String>> {
    let home = match rig.target {
        Target::Lab(_) => format!("/calendars/{name}/"),
        Target::Radicale(_) => format!("/{name}/"),
        Target::Sogo(_) => format!("/SOGo/dav/{name}/Calendar/"),
    };
    let mut all = below(rig, name, &home)?;
    all.retain(|path| path.ends_with('/') && !path.ends_with("/inbox/"));
    Some(all)
}

/// Where each event is, and its text. The target has to be well.
pub fn events(rig: &Rig, name: &str) -> BTreeMap<String, String> {
    let mut events = BTreeMap::new();
    for calendar in calendars(rig, name).unwrap() {
        for path in below(rig, name, &calendar).unwrap() {
            let answer = request(rig, name, "GET", &path, "", "");
            assert_eq!(answer.status, 200, "{path}");
            events.insert(path, answer.body);
        }
    }
    events
}

/// An event as lines, which a phone changes.
struct Sheet(Vec<String>);

impl Sheet {
    fn of(text: &str) -> Sheet {
        Sheet(text.replace("\r\n", "\n").replace("\n ", "").lines().map(str::to_owned).collect())
    }

    fn text(&self) -> String {
        self.0.iter().map(|line| format!("{line}\r\n")).collect()
    }

    /// The lines of the series, or of the only event.
    fn master(&self) -> std::ops::Range<usize> {
        let begins = (0..self.0.len()).filter(|at| self.0[*at] == "BEGIN:VEVENT");
        for begin in begins {
            let end = begin + self.0[begin..].iter().position(|line| line == "END:VEVENT").unwrap();
            // Alarms have texts and times of their own.
            let alarm = self.0[begin..end].iter().position(|line| line == "BEGIN:VALARM");
            let end = alarm.map_or(end, |alarm| begin + alarm);
            if !self.0[begin..end].iter().any(|line| is_of(line, "RECURRENCE-ID")) {
                return begin..end;
            }
        }
        0..0
    }

    fn line(&self, name: &str) -> Option<&str> {
        self.0[self.master()].iter().find(|line| is_of(line, name)).map(String::as_str)
    }

    fn set(&mut self, name: &str, value: &str) {
        let master = self.master();
        let line = format!("{name}:{value}");
        match self.0[master.clone()].iter().position(|line| is_of(line, name)) {
            Some(at) => self.0[master.start + at] = line,
            None => self.0.insert(master.end, line),
        }
    }

    /// Gives every time of the series or the event another day, at the same hour.
    fn put_off(&mut self, day: &str) {
        for at in self.master() {
            let line = &mut self.0[at];
            if is_of(line, "DTSTART") || is_of(line, "DTEND") {
                let value = line.rfind(':').unwrap() + 1;
                line.replace_range(value..value + 8, day);
            }
        }
    }

    /// An occurrence of the series that is as the series says, as a name and parameters, a day and the time of the day.
    fn occurrence(&self, random: &mut Random) -> Option<(String, String, String)> {
        let start = self.line("DTSTART")?;
        self.line("RRULE")?;
        let (head, value) = start.rsplit_once(':')?;
        let (day, clock) = value.split_once('T')?;
        let number: usize = day.get(6..)?.parse().ok()?;
        // A series that goes on into the next month is left alone there.
        let number = number + random.index(6);
        let other = format!("{}{number:02}", day.get(..6)?);
        let known = self
            .0
            .iter()
            .any(|line| (is_of(line, "EXDATE") || is_of(line, "RECURRENCE-ID")) && line.contains(&format!("{other}T")));
        (number <= 31 && !known).then(|| (head.replacen("DTSTART", "", 1), other, clock.to_owned()))
    }
}

fn is_of(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', ';']))
}

fn new(id: &str, random: &mut Random) -> String {
    let (day, hour) = (1 + random.index(24), 8 + random.index(9));
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Europe/Moscow\r\nBEGIN:STANDARD\r\nDTSTART:20141026T020000\r\nTZOFFSETFROM:+0400\r\n\
                TZOFFSETTO:+0300\r\nTZNAME:MSK\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    let timed = format!(
        "DTSTART;TZID=Europe/Moscow:202703{day:02}T{hour:02}0000\r\nDTEND;TZID=Europe/Moscow:202703{day:02}T{hour:02}4500\r\n"
    );
    let (zone, times) = match random.index(3) {
        0 => ("", format!("DTSTART;VALUE=DATE:202703{day:02}\r\nDTEND;VALUE=DATE:202703{:02}\r\n", day + 1)),
        1 => (zone, format!("{timed}RRULE:FREQ=DAILY;COUNT=6\r\n")),
        _ => (zone, timed),
    };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//phone//EN\r\n{zone}BEGIN:VEVENT\r\nUID:{id}@phone\r\n\
         DTSTAMP:20260101T000000Z\r\n{times}SUMMARY:{id} t0\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// One edit. What the server refuses just now, because somebody was quicker or it is not well, is left.
pub fn edit(rig: &Rig, name: &str, random: &mut Random, deeds: &mut Deeds) {
    let Some(calendar) = calendars(rig, name).and_then(|all| all.into_iter().next()) else { return };
    let kind = "Content-Type: text/calendar; charset=utf-8\r\n";
    if random.index(10) < 3 {
        let id = deeds.bear(name);
        let text = new(&id, random);
        let path = format!("{calendar}phone-{id}.ics");
        let answer = request(rig, name, "PUT", &path, &format!("{kind}If-None-Match: *\r\n"), &text);
        match answer.status {
            201 => deeds.note(&id, "is added on the phone".to_owned()),
            // Whether it was stored is not known.
            _ => {
                deeds.deleted.insert(id.clone());
                deeds.log.push(format!("{id} ({}) is added on the phone", answer.status));
            }
        }
        return;
    }
    let Some(paths) = below(rig, name, &calendar).filter(|paths| !paths.is_empty()) else { return };
    let path = &paths[random.index(paths.len())];
    let got = request(rig, name, "GET", path, "", "");
    let (200, Some(etag)) = (got.status, got.header("etag")) else { return };
    let mut sheet = Sheet::of(&got.body);
    let id = id_of(sheet.line("SUMMARY").map_or("", |line| &line[8..])).to_owned();
    if id.is_empty() || !deeds.may_edit(&id) {
        return;
    }
    let condition = format!("If-Match: {etag}\r\n");
    let token = deeds.edits;
    let what = match random.index(8) {
        0 | 1 => {
            sheet.set("SUMMARY", &format!("{id} t{token}"));
            format!("is called {id} t{token} on the phone")
        }
        2 => {
            sheet.set("LOCATION", &format!("Room {token}"));
            format!("moves to Room {token} on the phone")
        }
        // A whole day would need another end.
        3 if sheet.line("RRULE").is_none()
            && !sheet.line("DTSTART").is_some_and(|line| line.contains("VALUE=DATE")) =>
        {
            let day = 1 + random.index(28);
            sheet.put_off(&format!("202703{day:02}"));
            format!("moves to the day {day} on the phone")
        }
        4 => {
            let Some((params, day, clock)) = sheet.occurrence(random) else { return };
            let at = sheet.master().end;
            sheet.0.insert(at, format!("EXDATE{params}:{day}T{clock}"));
            format!("loses its occurrence {day} on the phone")
        }
        5 => {
            let Some((params, day, clock)) = sheet.occurrence(random) else { return };
            let end = sheet.master().start
                + sheet.0[sheet.master().start..].iter().position(|it| it == "END:VEVENT").unwrap();
            let uid = sheet.line("UID").unwrap().to_owned();
            let people = |line: &&String| is_of(line, "ORGANIZER") || is_of(line, "ATTENDEE");
            let people: Vec<String> = sheet.0[sheet.master()].iter().filter(people).cloned().collect();
            let one = [
                "BEGIN:VEVENT".to_owned(),
                uid,
                "DTSTAMP:20260101T000000Z".to_owned(),
                format!("RECURRENCE-ID{params}:{day}T{clock}"),
                format!("DTSTART{params}:{day}T203000"),
                format!("DTEND{params}:{day}T213000"),
                format!("SUMMARY:{id} o{token}"),
            ];
            let one = one.into_iter().chain(people).chain(["END:VEVENT".to_owned()]);
            sheet.0.splice(end + 1..end + 1, one);
            format!("has the occurrence {day} moved on the phone")
        }
        6 => {
            sheet.set("DESCRIPTION", &format!("The text of {token}."));
            "gets a text on the phone".to_owned()
        }
        7 => {
            let answer = request(rig, name, "DELETE", path, &format!("{condition}Schedule-Reply: F\r\n"), "");
            // Of a broken answer nobody knows.
            deeds.deleted.insert(id.clone());
            return match answer.status {
                200 | 204 => deeds.note(&id, "is deleted on the phone".to_owned()),
                status => deeds.log.push(format!("{id} ({status}) is deleted on the phone")),
            };
        }
        _ => return,
    };
    assert!(Component::parse(&sheet.text()).is_ok(), "a phone says nonsense: {}", sheet.text());
    let answer = request(rig, name, "PUT", path, &format!("{kind}{condition}"), &sheet.text());
    match answer.status {
        200 | 201 | 204 => deeds.note(&id, what),
        // Somebody was quicker, or a fault that was meant for Parom hit the phone.
        0 | 412 | 502 | 503 => deeds.log.push(format!("{id} (refused: {}) {what}", answer.status)),
        status => panic!("{status} {}: {}", answer.body, sheet.text()),
    }
}
