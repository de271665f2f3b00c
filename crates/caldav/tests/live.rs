//! The agenda against real servers, as the engine uses it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use parom_caldav::CalDavAgenda;
use parom_calendar::event::{Attendee, Person};
use parom_calendar::{EventHash, Scheduling, from_ical, to_ical};
use parom_domain::agenda::{Agenda, CalendarId, EventSeen, Form, Handle, Token, Version};
use parom_domain::{Code, Scope};
use std::collections::BTreeSet;
use support::{Kind, Server};

fn form(uid: &str, subject: &str) -> Form {
    form_with(uid, subject, |_| {})
}

fn form_with(uid: &str, subject: &str, change: impl FnOnce(&mut parom_calendar::Event)) -> Form {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
                DTSTART;TZID=Europe/Moscow:20260302T100000\r\nDTEND;TZID=Europe/Moscow:20260302T113000\r\n\
                RRULE:FREQ=WEEKLY;COUNT=5\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let mut event = from_ical(text.as_bytes(), None).unwrap();
    event.uid = uid.to_owned();
    event.master_mut().unwrap().subject = subject.to_owned();
    change(&mut event);
    Form {
        uid: uid.to_owned(),
        hash: EventHash::of(&event).to_bytes(),
        text: to_ical(&event, Scheduling::Server).into(),
    }
}

fn meeting(uid: &str, subject: &str) -> Form {
    form_with(uid, subject, |event| {
        let details = event.master_mut().unwrap();
        details.organizer = Some(Person::new("anna@corp.example", "Анна"));
        details.attendees =
            vec![Attendee::new("anna@corp.example", "Анна"), Attendee::new("boris@corp.example", "Борис, второй")];
    })
}

/// The calendar that the account has, or a new one.
async fn calendar(agenda: &CalDavAgenda, name: &str) -> CalendarId {
    agenda.make_calendar(name).await.unwrap().id
}

async fn create(agenda: &CalDavAgenda, calendar: &CalendarId, form: &Form) -> EventSeen {
    let written = agenda.create(calendar, form).await.unwrap();
    EventSeen { handle: written.handle, version: written.version.unwrap() }
}

fn handles(events: &[EventSeen]) -> BTreeSet<Handle> {
    events.iter().map(|event| event.handle.clone()).collect()
}

#[tokio::test]
async fn calendars_are_found_and_made() {
    for server in Server::all() {
        let agenda = server.agenda();
        let before = agenda.calendars().await.unwrap().0.len();
        for name in ["Рабочий календарь", "R&D <plans>"] {
            let made = agenda.make_calendar(name).await.unwrap();
            assert_eq!((made.name.as_str(), made.writable), (name, true), "{:?}", server.kind);
            // Once more: the same one.
            assert_eq!(agenda.make_calendar(name).await.unwrap().id, made.id);
        }
        let (calendars, abilities) = server.agenda().calendars().await.unwrap();
        assert_eq!(calendars.len(), before + 2, "{:?} {calendars:?}", server.kind);
        assert_eq!(calendars.iter().filter(|it| it.is_default).count(), 1);
        assert!(abilities.tells_changes && abilities.makes_calendars && !abilities.moves);
        let names: BTreeSet<&str> = calendars.iter().map(|it| it.name.as_str()).collect();
        assert!(names.contains("Рабочий календарь") && names.contains("R&D <plans>"));
    }
}

#[tokio::test]
async fn what_is_created_is_read_as_it_was_and_seen_by_others() {
    // What uniqueness, paths, XML and file systems find hard.
    let uids = [
        "plain-1",
        "встреча №1@корп.пример",
        "a/b?c=d&e#f%41",
        "..",
        ".hidden",
        "two words",
        "\"quoted\"<tag>'",
        "040000008200E00074C5B7101A82E0080000000010D0A3B1C2D4DA010000000000000000100000000123456789ABCDEF0123456789ABCDEF",
    ];
    for server in Server::all() {
        let agenda = server.agenda();
        let calendar = calendar(&agenda, "Рабочий").await;
        let mut forms: Vec<Form> = uids.iter().map(|uid| meeting(uid, &format!("О {uid}; и, \\прочем"))).collect();
        forms.push(meeting(&"долго".repeat(60), "длинный UID"));
        let mut seen = Vec::new();
        for form in &forms {
            seen.push(create(&agenda, &calendar, form).await);
        }
        let look = agenda.observe(&calendar, None).await.unwrap();
        assert!(look.complete && look.gone.is_empty());
        let mut listed = look.present.clone();
        listed.sort_by(|one, two| one.handle.cmp(&two.handle));
        let mut expected = seen.clone();
        expected.sort_by(|one, two| one.handle.cmp(&two.handle));
        assert_eq!(listed, expected, "{:?}: the same handles and versions", server.kind);

        let wanted: Vec<Handle> = seen.iter().map(|event| event.handle.clone()).collect();
        let read = agenda.read(&calendar, &wanted).await.unwrap();
        for ((event, form), seen) in read.iter().zip(&forms).zip(&seen) {
            assert_eq!((&event.handle, &event.version), (&seen.handle, &seen.version));
            let got = event.form.as_ref().unwrap();
            assert_eq!((&got.uid, got.hash), (&form.uid, form.hash), "{:?}", server.kind);
            assert!(!got.text.contains("SCHEDULE-AGENT"));
        }
        for form in &forms {
            let found = agenda.find(&calendar, &form.uid).await.unwrap();
            assert_eq!(found.len(), 1, "{:?} {}", server.kind, form.uid);
        }
        assert!(agenda.find(&calendar, "plain").await.unwrap().is_empty(), "a part of a UID is none");

        let witness = server.witness();
        let told: BTreeSet<(&str, &str)> = witness.iter().map(|line| (line[1].as_str(), line[2].as_str())).collect();
        assert_eq!(told.len(), forms.len(), "{told:?}");
        for (uid, form) in uids.iter().zip(&forms) {
            let subject = format!("О {uid}; и, \\прочем");
            assert!(told.contains(&(form.uid.as_str(), subject.as_str())), "{uid}: {told:?}");
        }
        // Organizer and two attendees, none of them the server's business.
        assert!(witness.iter().all(|line| line[0] == "Рабочий" && line[3] == "3" && line[4] == "3"), "{witness:?}");
    }
}

#[tokio::test]
async fn a_uid_is_created_once() {
    for server in Server::all() {
        let agenda = server.agenda();
        let calendar = calendar(&agenda, "work").await;
        create(&agenda, &calendar, &form("one", "a")).await;
        let error = agenda.create(&calendar, &form("one", "b")).await.err().unwrap();
        assert_eq!((error.code(), error.scope(), error.arg("uid")), (Code::EventExists, Scope::Item, Some("one")));

        // Under another name, as other clients choose them.
        let text = to_ical(&from_ical(form("two", "x").text.as_bytes(), None).unwrap(), Scheduling::Server);
        let path = format!("{}{}", calendar.0, "AAAA-BBBB.ics");
        let (status, _) = server.request("PUT", &path, &[("Content-Type", "text/calendar")], &text);
        assert_eq!(status, 201);
        let error = agenda.create(&calendar, &form("two", "y")).await.err().unwrap();
        assert_eq!(error.code(), Code::EventExists, "{:?} {error:?}", server.kind);
        assert_eq!(agenda.find(&calendar, "two").await.unwrap().len(), 1);

        // Somebody else's event has the name that ours would get.
        let path = format!("{}{}", calendar.0, "three.ics");
        let text = text.replace("UID:two", "UID:other");
        assert_eq!(server.request("PUT", &path, &[("Content-Type", "text/calendar")], &text).0, 201);
        let written = create(&agenda, &calendar, &form("three", "z")).await;
        assert_ne!(&*written.handle.0, path);
        assert_eq!(agenda.find(&calendar, "three").await.unwrap()[0].handle, written.handle);
    }
}

#[tokio::test]
async fn who_was_quicker_is_not_overwritten() {
    for server in Server::all() {
        let agenda = server.agenda();
        let calendar = calendar(&agenda, "work").await;
        let (first, second, third) = (form("one", "a"), form("one", "b"), form("one", "c"));
        let seen = create(&agenda, &calendar, &first).await;
        let written = agenda.update(&calendar, &seen, &first, &second).await.unwrap();
        let newer = EventSeen { handle: written.handle, version: written.version.unwrap() };
        assert_ne!(newer.version, seen.version);

        let changed = |result: Option<parom_domain::Error>| {
            let error = result.unwrap();
            assert_eq!((error.code(), error.scope()), (Code::EventChanged, Scope::Item));
        };
        changed(agenda.update(&calendar, &seen, &first, &third).await.err());
        changed(agenda.remove(&calendar, &seen).await.err());
        let read = agenda.read(&calendar, std::slice::from_ref(&newer.handle)).await.unwrap();
        assert_eq!(read[0].form.as_ref().unwrap().hash, second.hash);

        // What is so already is not written.
        let same = agenda.update(&calendar, &newer, &second, &second).await.unwrap();
        assert_eq!(same.version.as_ref(), Some(&newer.version));

        agenda.remove(&calendar, &newer).await.unwrap();
        agenda.remove(&calendar, &newer).await.unwrap();
        changed(agenda.update(&calendar, &newer, &second, &third).await.err());
        assert!(agenda.read(&calendar, std::slice::from_ref(&newer.handle)).await.unwrap().is_empty());
        assert!(agenda.observe(&calendar, None).await.unwrap().present.is_empty());
    }
}

#[tokio::test]
async fn a_delta_tells_what_changed_and_survives_a_restart() {
    for mut server in Server::all() {
        let agenda = server.agenda();
        let work = calendar(&agenda, "work").await;
        let other = calendar(&agenda, "other").await;
        let (one, two, three) = (form("one", "a"), form("two", "a"), form("three", "a"));
        let first = create(&agenda, &work, &one).await;
        let second = create(&agenda, &work, &two).await;
        let look = agenda.observe(&work, None).await.unwrap();
        let token = look.token.unwrap();
        assert!(token.0.starts_with("sync:"), "{token:?}");

        let idle = agenda.observe(&work, Some(&token)).await.unwrap();
        assert!(!idle.complete && idle.present.is_empty() && idle.gone.is_empty());

        let written = agenda.update(&work, &first, &one, &form("one", "b")).await.unwrap();
        agenda.remove(&work, &second).await.unwrap();
        let third = create(&agenda, &work, &three).await;
        create(&agenda, &other, &form("elsewhere", "a")).await;

        server.restart();
        let agenda = server.agenda();
        let look = agenda.observe(&work, Some(&token)).await.unwrap();
        assert!(!look.complete, "{:?} knows its token after a restart", server.kind);
        assert_eq!(look.gone, std::slice::from_ref(&second.handle));
        assert_eq!(handles(&look.present), BTreeSet::from([written.handle.clone(), third.handle.clone()]));
        let changed = look.present.iter().find(|it| it.handle == written.handle).unwrap();
        assert_eq!(Some(&changed.version), written.version.as_ref(), "our echo is known by its version");
        let next = agenda.observe(&work, look.token.as_ref()).await.unwrap();
        assert!(!next.complete && next.present.is_empty() && next.gone.is_empty());

        for unknown in ["sync:http://radicale.org/ns/sync/0000", "sync:nonsense", "sync:", "other", "ctag:x"] {
            let look = agenda.observe(&work, Some(&Token(unknown.into()))).await.unwrap();
            assert!(look.complete && look.token.is_some(), "{:?} {unknown}", server.kind);
            assert_eq!(handles(&look.present), BTreeSet::from([written.handle.clone(), third.handle.clone()]));
        }
    }
}

#[tokio::test]
async fn one_glance_tells_whether_anything_has_changed_anywhere() {
    for server in Server::all() {
        let agenda = server.agenda();
        let (work, other) = (calendar(&agenda, "work").await, calendar(&agenda, "other").await);
        let glance = async || {
            agenda.rest();
            agenda.calendars().await.unwrap();
            agenda.sign().unwrap_or_else(|| panic!("{:?} tells nothing", server.kind))
        };
        let mut last = glance().await;
        assert_eq!(glance().await, last, "{:?}: nothing has changed", server.kind);
        let (one, two) = (form("one", "a"), form("two", "a"));
        let first = create(&agenda, &work, &one).await;
        let mut differs = async |what: &str| {
            let now = glance().await;
            assert_ne!(now, last, "{:?}: {what}", server.kind);
            assert_eq!(glance().await, now, "{:?}: nothing since", server.kind);
            last = now;
        };
        differs("a new event").await;
        create(&agenda, &other, &two).await;
        differs("in another calendar").await;
        let written = agenda.update(&work, &first, &one, &form("one", "b")).await.unwrap();
        differs("an edit").await;
        let seen = EventSeen { handle: written.handle, version: written.version.unwrap() };
        agenda.remove(&work, &seen).await.unwrap();
        differs("a removal").await;
        calendar(&agenda, "a third one").await;
        differs("a new calendar").await;
    }
}

#[tokio::test]
async fn without_tokens_the_ctag_tells_whether_to_look() {
    for server in Server::all() {
        let agenda = server.agenda_with(|settings| settings.overrides.switches = vec![("sync_tokens".into(), false)]);
        let calendar = calendar(&agenda, "work").await;
        let first = create(&agenda, &calendar, &form("one", "a")).await;
        let look = agenda.observe(&calendar, None).await.unwrap();
        let Some(token) = look.token else {
            // Then every look is complete, which is true too.
            assert_eq!(server.kind, Kind::Xandikos);
            continue;
        };
        assert!(token.0.starts_with("ctag:"));
        assert!(!agenda.calendars().await.unwrap().1.tells_changes);
        let idle = agenda.observe(&calendar, Some(&token)).await.unwrap();
        assert!(!idle.complete && idle.present.is_empty() && idle.token.as_ref() == Some(&token));
        let second = create(&agenda, &calendar, &form("two", "a")).await;
        let look = agenda.observe(&calendar, Some(&token)).await.unwrap();
        assert!(look.complete && look.token.as_ref() != Some(&token));
        assert_eq!(handles(&look.present), BTreeSet::from([first.handle, second.handle]));
    }
}

#[tokio::test]
async fn tasks_are_left_out_and_counted() {
    for server in Server::all() {
        let agenda = server.agenda();
        let event = form("event", "a");
        // Of a calendar that takes tasks too.
        let path = "/anna/mixed/";
        let base = agenda.calendars().await.unwrap().0.first().map(|it| it.id.0.to_string());
        let path = match (server.kind, base) {
            (Kind::Xandikos | Kind::Cyrus | Kind::Lab, Some(base)) => base,
            _ => {
                assert_eq!(server.request("MKCALENDAR", path, &[], "").0, 201);
                path.to_owned()
            }
        };
        let task =
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:KIND\r\nUID:task\r\nDTSTAMP:20260101T000000Z\r\n\
                    SUMMARY:t\r\nEND:KIND\r\nEND:VCALENDAR\r\n"
                .replace("KIND", concat!("VTO", "DO"));
        let (status, answer) =
            server.request("PUT", &format!("{path}task.ics"), &[("Content-Type", "text/calendar")], &task);
        assert_eq!(status, 201, "{answer}");
        let calendar = CalendarId(path.into());
        let seen = create(&agenda, &calendar, &event).await;
        let look = agenda.observe(&calendar, None).await.unwrap();
        if look.present.len() == 1 {
            assert_eq!(look.present, [seen]);
            assert_eq!(agenda.skipped(&calendar), 1);
        } else {
            // A server that does not tell what is in a resource: the task says so itself.
            let all: Vec<Handle> = look.present.iter().map(|it| it.handle.clone()).collect();
            let read = agenda.read(&calendar, &all).await.unwrap();
            let errors: Vec<_> = read.iter().filter_map(|it| it.form.as_ref().err()).collect();
            assert_eq!((errors.len(), errors[0].code()), (1, Code::EventUnfit), "{:?}", server.kind);
            assert_eq!(errors[0].arg("detail"), Some("not-an-event"));
        }
    }
}

#[tokio::test]
async fn a_thousand_events_are_listed_and_read() {
    for server in Server::all() {
        let agenda = server.agenda();
        let (calendar, count) = if server.kind == Kind::Lab {
            let calendar = calendar(&agenda, "work").await;
            for number in 0..1000 {
                create(&agenda, &calendar, &form(&format!("event-{number}"), "x")).await;
            }
            (calendar, 1000)
        } else if server.kind == Kind::Radicale {
            // A whole calendar at once, as Radicale takes it.
            let mut all = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n");
            for number in 0..1000 {
                all.push_str(&format!(
                    "BEGIN:VEVENT\r\nUID:event-{number}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260302T100000Z\r\n\
                     SUMMARY:№ {number}\r\nEND:VEVENT\r\n"
                ));
            }
            all.push_str("END:VCALENDAR\r\n");
            let (status, answer) = server.request("PUT", "/anna/many/", &[("Content-Type", "text/calendar")], &all);
            assert_eq!(status, 201, "{answer}");
            (CalendarId("/anna/many/".into()), 1000)
        } else {
            let calendar = calendar(&agenda, "work").await;
            for number in 0..60 {
                create(&agenda, &calendar, &form(&format!("event-{number}"), "x")).await;
            }
            (calendar, 60)
        };
        let look = agenda.observe(&calendar, None).await.unwrap();
        assert_eq!(look.present.len(), count);
        let all: Vec<Handle> = look.present.iter().map(|it| it.handle.clone()).collect();
        let read = agenda.read(&calendar, &all).await.unwrap();
        let uids: BTreeSet<String> = read.iter().map(|it| it.form.as_ref().unwrap().uid.clone()).collect();
        assert_eq!(uids.len(), count);
        for (event, seen) in read.iter().zip(&look.present) {
            assert_eq!((&event.handle, &event.version), (&seen.handle, &seen.version));
        }
    }
}

#[tokio::test]
async fn an_event_that_is_too_large_is_left_where_it_is_and_the_others_are_read() {
    for server in Server::all() {
        let writer = server.agenda();
        let calendar = calendar(&writer, "work").await;
        let large = form_with("large", "x", |event| event.master_mut().unwrap().body.text = "word ".repeat(8000));
        let seen = [create(&writer, &calendar, &large).await, create(&writer, &calendar, &form("small", "y")).await];
        let agenda = server.agenda_with(|settings| settings.most_event_bytes = 20_000);
        // One by one, as they are read when many together are too much.
        for seen in &seen {
            let read = agenda.read(&calendar, std::slice::from_ref(&seen.handle)).await.unwrap();
            let told = read[0].form.as_ref().map_err(|error| (error.code(), error.scope(), error.arg("limit")));
            match seen.handle.0.contains("large") {
                true => assert_eq!(told.unwrap_err(), (Code::EventTooLarge, Scope::Item, Some("20000"))),
                false => assert_eq!(told.unwrap().uid, "small"),
            }
            // With its version, so that it is left alone until it is another.
            assert_eq!(read[0].version, seen.version, "{:?}", server.kind);
        }
    }
}

#[tokio::test]
async fn reading_one_by_one_gives_the_same() {
    for server in Server::all() {
        let agenda = server.agenda();
        let calendar = calendar(&agenda, "work").await;
        let mut seen = Vec::new();
        for number in 0..5 {
            seen.push(create(&agenda, &calendar, &meeting(&format!("e{number}"), "x")).await);
        }
        let all: Vec<Handle> = seen.iter().map(|it| it.handle.clone()).collect();
        let single = server.agenda_with(|settings| {
            settings.overrides.switches = vec![("multiget".into(), false), ("finds_uids".into(), false)];
        });
        let (many, few) = (agenda.read(&calendar, &all).await.unwrap(), single.read(&calendar, &all).await.unwrap());
        for (one, two) in many.iter().zip(&few) {
            assert_eq!((&one.handle, &one.version), (&two.handle, &two.version));
            assert_eq!(one.form.as_ref().unwrap(), two.form.as_ref().unwrap());
        }
        assert_eq!(single.find(&calendar, "e3").await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn who_may_not_sign_in_or_see_is_told_apart() {
    let Some(server) = Server::start(Kind::Radicale) else { return };
    let wrong = server.agenda_as("anna", "wrong", |_| {});
    let error = wrong.calendars().await.err().unwrap();
    assert_eq!((error.code(), error.scope()), (Code::SignInRefused, Scope::Credential));
    assert_eq!((error.arg("host"), error.arg("login")), (Some("127.0.0.1"), Some("anna")));
    assert!(!format!("{error:?}").contains("wrong"));

    // Boris signs in and asks for Anna's home.
    let other = server.agenda_as("boris", support::PASSWORD, |settings| settings.start = "/anna/".to_owned());
    let error = other.calendars().await.err().unwrap();
    assert_eq!((error.code(), error.scope()), (Code::ImpersonationDenied, Scope::Account));

    // By name it is found without asking who signed in.
    let named = server.agenda_with(|settings| settings.start = "/{user}/".to_owned());
    named.calendars().await.unwrap();
}

#[tokio::test]
async fn a_calendar_that_is_gone_is_told_so() {
    for server in Server::all() {
        let agenda = server.agenda();
        let calendar = calendar(&agenda, "work").await;
        let seen = create(&agenda, &calendar, &form("one", "a")).await;
        let token = agenda.observe(&calendar, None).await.unwrap().token;
        let (status, answer) = server.request("DELETE", &calendar.0, &[], "");
        assert!((200..300).contains(&status), "{answer}");
        let gone =
            |error: parom_domain::Error| assert_eq!(error.code(), Code::CalendarGone, "{:?} {error:?}", server.kind);
        gone(agenda.observe(&calendar, token.as_ref()).await.err().unwrap());
        gone(agenda.observe(&calendar, None).await.err().unwrap());
        assert!(agenda.create(&calendar, &form("two", "a")).await.is_err());
        assert!(agenda.update(&calendar, &seen, &form("one", "a"), &form("one", "b")).await.is_err());
    }
}

#[tokio::test]
async fn a_stale_version_is_no_version() {
    let Some(server) = Server::start(Kind::Radicale) else { return };
    let agenda = server.agenda();
    let calendar = calendar(&agenda, "work").await;
    let seen = create(&agenda, &calendar, &form("one", "a")).await;
    for version in ["\"never\"", "#never", ""] {
        let stale = EventSeen { version: Version(version.into()), ..seen.clone() };
        let error = agenda.remove(&calendar, &stale).await.err().unwrap();
        assert_eq!(error.code(), Code::EventChanged, "{version}");
    }
    assert_eq!(agenda.observe(&calendar, None).await.unwrap().present, [seen]);
}

/// The servers that write to people themselves.
fn scheduling() -> impl Iterator<Item = Server> {
    [Kind::Cyrus, Kind::Lab].into_iter().filter_map(Server::start).inspect(|server| {
        if let Some(lab) = server.lab() {
            lab.switch(|switches| switches.scheduling = parom_lab::caldav::Scheduling::ByAgent);
        }
    })
}

/// How many letters wait for a person of the lab.
fn letters_in_the_lab(server: &Server, address: &str) -> Option<usize> {
    Some(server.lab()?.letters().iter().filter(|letter| letter.to == address).count())
}

/// How many letters of the server wait for Boris.
fn letters_of_boris(server: &Server) -> usize {
    if let Some(count) = letters_in_the_lab(server, "boris@corp.example") {
        return count;
    }
    let (status, answer) = server.request_of_boris("PROPFIND", "/dav/calendars/user/boris/Inbox/", &[("Depth", "1")]);
    assert_eq!(status, 207, "{answer}");
    answer.matches(".ics</").count()
}

/// And for Anna.
fn letters_of_anna(server: &Server) -> usize {
    if let Some(count) = letters_in_the_lab(server, "anna@corp.example") {
        return count;
    }
    let (status, answer) = server.request("PROPFIND", "/dav/calendars/user/anna/Inbox/", &[("Depth", "1")], "");
    assert_eq!(status, 207, "{answer}");
    answer.matches(".ics</").count()
}

#[tokio::test]
async fn no_answer_leaves_with_what_we_write() {
    for server in scheduling() {
        no_answer_leaves(&server).await;
    }
}

async fn no_answer_leaves(server: &Server) {
    let default =
        |calendars: Vec<parom_domain::agenda::CalendarSeen>| calendars.into_iter().find(|it| it.is_default).unwrap().id;
    let hers = default(server.agenda().calendars().await.unwrap().0);
    let boris = server.agenda_as("boris", support::PASSWORD, |_| {});
    let his = default(boris.calendars().await.unwrap().0);
    // Anna's own client invites, and the server puts it into Boris's calendar.
    for uid in ["changed", "removed", "control"] {
        let text = meeting(uid, "a").text.replace("20260302T", "20990302T");
        let path = format!("{}{uid}.ics", hers.0);
        assert_eq!(server.request("PUT", &path, &[("Content-Type", "text/calendar")], &text).0, 201);
    }
    for uid in ["changed", "removed"] {
        let read = boris.find(&his, uid).await.unwrap().remove(0);
        let form = read.form.unwrap();
        let mut event = from_ical(form.text.as_bytes(), None).unwrap();
        let seen = EventSeen { handle: read.handle, version: read.version };
        if uid == "removed" {
            boris.remove(&his, &seen).await.unwrap();
            continue;
        }
        event.master_mut().unwrap().attendees[1].answer = parom_calendar::event::Answer::Accepted;
        let hash = EventHash::of(&event).to_bytes();
        let accepted = Form { uid: uid.into(), hash, text: to_ical(&event, Scheduling::Server).into() };
        boris.update(&his, &seen, &form, &accepted).await.unwrap();
        assert_eq!(boris.find(&his, uid).await.unwrap()[0].form.as_ref().unwrap().hash, hash);
    }
    assert_eq!(letters_of_anna(server), 0);
    // The trap catches: Boris's own client removes the third.
    let path = boris.find(&his, "control").await.unwrap().remove(0).handle;
    assert_eq!(server.request_of_boris("DELETE", &path.0, &[]).0, 204);
    assert_eq!(letters_of_anna(server), 1);
}

#[tokio::test]
async fn nobody_hears_of_what_we_write() {
    for server in scheduling() {
        nobody_hears(&server).await;
    }
}

async fn nobody_hears(server: &Server) {
    let agenda = server.agenda();
    let (calendars, abilities) = agenda.calendars().await.unwrap();
    assert!(abilities.tells_changes);
    assert_eq!(abilities.unique_uids, server.kind == Kind::Cyrus);
    let calendar = calendars.iter().find(|it| it.is_default).unwrap().id.clone();
    // Of what is over, the server tells nobody anyway.
    let meeting = |uid: &str, subject: &str| {
        let text = meeting(uid, subject).text.replace("20260302T", "20990302T");
        let event = from_ical(text.as_bytes(), None).unwrap();
        Form { uid: uid.to_owned(), hash: EventHash::of(&event).to_bytes(), text: text.into() }
    };
    let form = meeting("ours", "a");
    let seen = create(&agenda, &calendar, &form).await;
    let newer = meeting("ours", "b");
    let written = agenda.update(&calendar, &seen, &form, &newer).await.unwrap();
    let seen = EventSeen { handle: written.handle, version: written.version.unwrap() };
    agenda.remove(&calendar, &seen).await.unwrap();
    assert_eq!(letters_of_boris(server), 0);

    // The trap catches: Anna's own client makes a meeting.
    let text = to_ical(&from_ical(meeting("hers", "a").text.as_bytes(), None).unwrap(), Scheduling::Server);
    let path = format!("{}hers.ics", calendar.0);
    let put = |text: &str| server.request("PUT", &path, &[("Content-Type", "text/calendar")], text);
    assert_eq!(put(&text).0, 201);
    assert_eq!(letters_of_boris(server), 1);
    let read = agenda.find(&calendar, "hers").await.unwrap().remove(0);
    let form = read.form.unwrap();
    let seen = EventSeen { handle: read.handle, version: read.version };
    let unfit = |error: parom_domain::Error| assert_eq!((error.code(), error.scope()), (Code::EventUnfit, Scope::Item));
    unfit(agenda.update(&calendar, &seen, &form, &meeting("hers", "b")).await.err().unwrap());
    unfit(agenda.remove(&calendar, &seen).await.err().unwrap());
    assert_eq!(letters_of_boris(server), 1);

    // Why these two are refused: taking the meeting into our hands is another letter.
    let silent = to_ical(&from_ical(text.as_bytes(), None).unwrap(), Scheduling::Suppressed);
    let (status, answer) = put(&silent);
    assert!((200..300).contains(&status), "{answer}");
    assert_eq!(letters_of_boris(server), 2);
}

/// Every way that the lab's server can have is one that events get through.
#[tokio::test]
async fn events_cross_whatever_the_ways_of_a_server() {
    use parom_lab::caldav::{ETags, Switches};
    type Way = (&'static str, fn(&mut Switches));
    let ways: [Way; 6] = [
        ("VK WorkSpace", |switches| *switches = Switches::vk_workspace()),
        ("weak tags", |switches| switches.etags = ETags::Weak),
        ("no tags", |switches| switches.etags = ETags::None),
        ("in parts", |switches| switches.part_limit = Some(1)),
        ("forgetful", |switches| switches.forgets_tokens = true),
        ("no tokens at all", |switches| (switches.tells_changes, switches.tells_ctags) = (false, false)),
    ];
    for (name, way) in ways {
        let server = Server::start(Kind::Lab).unwrap();
        let lab = server.lab().unwrap();
        lab.switch(way);
        let is_vk = name == "VK WorkSpace";
        let agenda = server.agenda_with(|settings| {
            settings.overrides.product = is_vk.then_some(parom_caldav::Product::VkWorkSpace);
        });
        let (calendars, abilities) = agenda.calendars().await.unwrap();
        assert_eq!(abilities.makes_calendars, !is_vk, "{name}");
        assert_eq!(agenda.make_calendar("more").await.is_ok(), !is_vk, "{name}");
        let calendar = &calendars[0].id;
        let mut seen = Vec::new();
        for number in 0..5 {
            seen.push(create(&agenda, calendar, &meeting(&format!("e{number}"), "до")).await);
        }
        let first = agenda.observe(calendar, None).await.unwrap();
        assert_eq!(handles(&first.present), handles(&seen), "{name}");
        let newer = agenda.update(calendar, &seen[0], &meeting("e0", "до"), &meeting("e0", "после")).await.unwrap();
        agenda.remove(calendar, &seen[1]).await.unwrap();
        let next = agenda.observe(calendar, first.token.as_ref()).await.unwrap();
        match next.complete {
            true => assert_eq!(next.present.len(), 4, "{name}"),
            false => assert_eq!(handles(&next.present), BTreeSet::from([newer.handle.clone()]), "{name}"),
        }
        assert_eq!(next.complete, !matches!(name, "weak tags" | "no tags" | "in parts"), "{name}");
        let read = agenda.read(calendar, std::slice::from_ref(&newer.handle)).await.unwrap();
        assert_eq!(read[0].form.as_ref().unwrap().hash, meeting("e0", "после").hash, "{name}");
        let found = agenda.find(calendar, "e2").await.unwrap();
        assert_eq!(found.len(), 1, "{name}");
        let error = agenda.remove(calendar, &seen[0]).await.err().unwrap();
        assert_eq!(error.code(), Code::EventChanged, "{name}");
        assert_eq!(lab.events("anna").len(), 4, "{name}");
    }
}

#[tokio::test]
async fn attachments_that_the_server_keeps_are_carried_and_stay_where_they_are() {
    let Some(server) = Server::start(Kind::Cyrus) else { return };
    let agenda = server.agenda();
    let (calendars, _) = agenda.calendars().await.unwrap();
    let calendar = calendars.into_iter().find(|it| it.is_default).unwrap().id;
    let seen = create(&agenda, &calendar, &form("one", "a")).await;
    // Anna's own client adds a file (RFC 8607 section 3.4).
    let headers = [("Content-Type", "text/plain"), ("Content-Disposition", "attachment;filename=plan.txt")];
    let (status, answer) =
        server.request("POST", &format!("{}?action=attachment-add", seen.handle.0), &headers, "a plan");
    assert!((200..300).contains(&status), "{answer}");
    let stored = || server.request("GET", &seen.handle.0, &[], "").1.replace("\r\n ", "");
    assert!(stored().contains("MANAGED-ID=") && !stored().contains("BASE64"), "{}", stored());

    let read = agenda.read(&calendar, std::slice::from_ref(&seen.handle)).await.unwrap().remove(0);
    let before = read.form.unwrap();
    let mut event = from_ical(before.text.as_bytes(), None).unwrap();
    let attached = event.master().unwrap().attachments[0].clone();
    assert_eq!(attached.name, "plan.txt");
    assert!(matches!(&attached.content, parom_calendar::event::Content::Inline(bytes) if **bytes == *b"a plan"));

    // Another field is changed: the file stays the server's.
    let id = stored().split("MANAGED-ID=").nth(1).unwrap().split([';', ':']).next().unwrap().to_owned();
    event.master_mut().unwrap().location = "Hall".into();
    let now = EventSeen { handle: read.handle, version: read.version };
    let written = agenda.update(&calendar, &now, &before, &written_as(&event)).await.unwrap();
    assert!(stored().contains(&id) && stored().contains("LOCATION:Hall"), "{}", stored());
    let read = agenda.read(&calendar, std::slice::from_ref(&written.handle)).await.unwrap().remove(0);
    assert_eq!(read.form.as_ref().unwrap().hash, written_as(&event).hash);

    // It is taken out on the other side.
    event.master_mut().unwrap().attachments.clear();
    let now = EventSeen { handle: read.handle, version: read.version };
    agenda.update(&calendar, &now, &read.form.unwrap(), &written_as(&event)).await.unwrap();
    assert!(!stored().contains("ATTACH"), "{}", stored());
}

fn written_as(event: &parom_calendar::Event) -> Form {
    let text = to_ical(event, Scheduling::Server);
    Form { uid: event.uid.clone(), hash: EventHash::of(event).to_bytes(), text: text.into() }
}
