//! Meetings and invitations between the lab's Exchange and a real SOGo that mails people, by the built binary.
//! `cargo xtask long sogo`.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use parom_lab::ews::{Event, EventId};
use parom_lab::phone;
use std::thread::sleep;
use std::time::Duration;
use xtask::live::PASSWORD;
use xtask::live::calendars::{Peer, Plot, Rig, address};

const OUTSIDE: &str = "ext@outside.example";

struct Stage {
    rig: Rig,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Everybody has signed in once, so that everybody has a calendar into which SOGo lays invitations.
    fn set(people: usize) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let plot = Plot { people, peer: Peer::Sogo, relays: false, accounts_at_once: 4, connections: 4 };
        let rig = Rig::build(folder.path(), &plot).unwrap();
        let stage = Stage { rig, _folder: folder };
        for name in &stage.rig.people {
            let home = format!("/SOGo/dav/{name}/Calendar/");
            assert_eq!(stage.ask(name, ("PROPFIND", &home), "Depth: 1\r\n", "").0, 207);
        }
        stage
    }

    fn ask(&self, name: &str, what: (&str, &str), headers: &str, body: &str) -> (u16, String) {
        let answer = phone::request(self.rig.target.port(), (name, PASSWORD), what, headers, body).unwrap();
        (answer.status, answer.body.replace("\r\n ", ""))
    }

    /// All that a person has at SOGo.
    fn stored(&self, name: &str) -> Vec<String> {
        let home = format!("/SOGo/dav/{name}/Calendar/personal/");
        let list = self.ask(name, ("PROPFIND", &home), "Depth: 1\r\n", "").1;
        let places = list.split("href>").filter(|part| part.starts_with(&home) && part.contains(".ics"));
        places.map(|part| self.ask(name, ("GET", part.split('<').next().unwrap()), "", "").1).collect()
    }

    fn titled(&self, name: &str, title: &str) -> Option<String> {
        self.stored(name).into_iter().find(|text| text.contains(&format!("SUMMARY:{title}\r\n")))
    }

    /// Carries all there is, and lets SOGo send what it has to send.
    fn pass(&self) {
        for _ in 0..3 {
            self.rig.parom.run(&["calendar", "sync", "--all"]).unwrap();
            sleep(Duration::from_millis(1200));
        }
    }

    fn mails(&self) -> Vec<String> {
        self.rig.target.sogo().unwrap().mails()
    }

    fn nobody_was_mailed(&self, after: &str) {
        self.pass();
        assert_eq!(self.mails(), Vec::<String>::new(), "{after}");
    }

    fn parked(&self) -> String {
        self.rig.parom.run(&["parked"]).unwrap().ok().unwrap().stdout
    }

    fn event(&self, name: &str, title: &str) -> EventId {
        let events = self.rig.outlook(name).events();
        events.into_iter().find(|(_, event)| event.subject == title).unwrap_or_else(|| panic!("no {title}")).0
    }
}

fn at(title: &str, day: u32, people: &[&str]) -> Event {
    let required = people.iter().map(|it| (*it).to_owned()).collect();
    let event = Event::at(title, &format!("2027-03-{day:02}T10:00:00"), &format!("2027-03-{day:02}T11:00:00"));
    Event { required, ..event }
}

/// What a person's own client stores, with nothing that asks for silence.
fn by_hand(organizer: &str, invited: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//phone//EN\r\nBEGIN:VEVENT\r\nUID:hand\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20270320T100000Z\r\nDTEND:20270320T110000Z\r\nSUMMARY:By hand\r\nORGANIZER:mailto:{organizer}\r\n\
         ATTENDEE;RSVP=TRUE:mailto:{invited}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
#[ignore = "long: cargo xtask long sogo"]
fn nobody_is_mailed_by_a_server_that_mails_people() {
    let stage = Stage::set(3);
    let [anna, boris, clara] = [0, 1, 2].map(|at: usize| stage.rig.people[at].as_str());
    let [anna_at, boris_at, clara_at] = [anna, boris, clara].map(address);

    // The trap catches: a meeting made by hand is announced.
    let place = format!("/SOGo/dav/{clara}/Calendar/personal/hand.ics");
    let kind = "Content-Type: text/calendar; charset=utf-8\r\n";
    assert_eq!(stage.ask(clara, ("PUT", &place), kind, &by_hand(&clara_at, OUTSIDE)).0, 201);
    sleep(Duration::from_secs(1));
    let caught = stage.mails();
    assert!(caught.len() == 1 && caught[0].contains(OUTSIDE), "{caught:?}");

    // The first transfer, with meetings among those who are on the server and with others.
    let (annas, boriss) = (stage.rig.outlook(anna), stage.rig.outlook(boris));
    annas.add(&at("Plain", 1, &[])).unwrap();
    let meeting = annas.add(&at("Meeting", 2, &[&boris_at, OUTSIDE])).unwrap();
    annas.send(&meeting).unwrap();
    for (title, day) in [("Accepts", 3), ("Deletes", 4), ("Retitled", 5)] {
        annas.receive(&at(title, day, &[&anna_at, &clara_at]), OUTSIDE).unwrap();
    }
    annas.receive(&at("Series", 8, &[&anna_at]).daily(5), OUTSIDE).unwrap();
    boriss.answer(&stage.event(boris, "Meeting"), "Accept").unwrap();
    stage.rig.parom.run(&["calendar", "subscribe", "--all"]).unwrap();
    stage.nobody_was_mailed("the first transfer");
    for title in ["Plain", "Meeting", "Accepts", "Deletes", "Retitled", "Series"] {
        assert!(stage.titled(anna, title).is_some(), "{title}\n{}", stage.parked());
    }

    // What organizers change.
    annas.edit(&meeting, |it| it.subject = "Meeting two".to_owned()).unwrap();
    stage.nobody_was_mailed("another title");
    assert!(stage.titled(anna, "Meeting two").is_some(), "{}", stage.parked());
    annas.edit(&meeting, |it| it.required.push(clara_at.clone())).unwrap();
    stage.nobody_was_mailed("one more is invited");
    annas.edit(&meeting, |it| it.required.retain(|it| *it != OUTSIDE)).unwrap();
    stage.nobody_was_mailed("one is not invited any more");

    // SOGo takes a meeting that its organizer removed out of the others' calendars, and Parom takes that for their deletion:
    // what was theirs is in their trash.
    annas.delete(&meeting).unwrap();
    stage.nobody_was_mailed("an organizer's deletion");
    let titles = |folder: &str| boriss.events_in(folder).into_iter().map(|(_, it)| it.subject).collect::<Vec<_>>();
    let (kept, trash) = (titles("calendar"), titles("deleteditems"));
    assert!(kept.iter().chain(&trash).any(|it| it.starts_with("Meeting")), "{kept:?} {trash:?}");

    // What invited people do.
    annas.edit(&stage.event(anna, "Retitled"), |it| it.subject = "Retitled two".to_owned()).unwrap();
    stage.nobody_was_mailed("an invited person's own title");
    assert!(stage.titled(anna, "Retitled two").is_some(), "{}", stage.parked());
    annas.answer(&stage.event(anna, "Accepts"), "Accept").unwrap();
    stage.nobody_was_mailed("an answer");
    annas.delete(&stage.event(anna, "Deletes")).unwrap();
    stage.nobody_was_mailed("a deletion");
    annas.delete_occurrence(&stage.event(anna, "Series"), "2027-03-10").unwrap();
    stage.nobody_was_mailed("a deletion of one occurrence");
    let said = stage.parked();
    for title in ["Accepts", "Deletes", "Series"] {
        assert!(said.contains(&format!("event \"{title}\"")), "{title}\n{said}");
    }
    let letter = format!("the server would mail {OUTSIDE} an answer in the name of the calendar's owner");
    assert!(said.matches(&letter).count() >= 3, "{said}");

    // Told that the server mails nobody, all of it is written, and this server mails.
    let config = std::fs::read_to_string(stage.rig.parom.config()).unwrap();
    std::fs::write(stage.rig.parom.config(), format!("{config}notifications = \"off\"\n")).unwrap();
    stage.rig.parom.run(&["parked", "--retry"]).unwrap();
    stage.pass();
    let caught = stage.mails();
    let to_organizer = caught.iter().filter(|letter| letter.contains(OUTSIDE)).count();
    assert_eq!(to_organizer, 3, "{caught:?}");
}
