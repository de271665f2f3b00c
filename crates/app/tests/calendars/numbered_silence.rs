//! A target that schedules by itself: Cyrus writes to people, and to nobody because of us. By the numbers of
//! `docs/scenarios.md`.

use crate::caldav_servers::{Kind, Server};
use crate::stage::{Office, at, in_outlook};
use parom_lab::ews::Event;

const INBOX: &str = "/dav/calendars/user/boris/Inbox/";

/// What Cyrus has delivered to Boris.
fn letters(server: &Server) -> usize {
    let (status, answer) = server.request_of_boris("PROPFIND", INBOX, &[("Depth", "1")]);
    assert_eq!(status, 207, "{answer}");
    answer.matches(".ics</").count()
}

/// Anna's events on Cyrus: where they are, and their texts without folds.
fn stored(server: &Server) -> Vec<(String, String)> {
    let home = "/dav/calendars/user/anna/Default/";
    let (status, answer) = server.request("PROPFIND", home, &[("Depth", "1")], "");
    assert_eq!(status, 207, "{answer}");
    let hrefs = answer.split("href>").filter(|part| part.contains(".ics</"));
    let hrefs = hrefs.map(|part| part.split('<').next().unwrap().to_owned());
    let text = |href: String| {
        let (_, answer) = server.request("GET", &href, &[], "");
        (href, answer.replace("\r\n ", "").replace("\r\n", "\n"))
    };
    hrefs.map(text).collect()
}

fn of(server: &Server, title: &str) -> (String, String) {
    let line = format!("\nSUMMARY:{title}\n");
    let mut found: Vec<_> = stored(server).into_iter().filter(|(_, text)| text.contains(&line)).collect();
    assert_eq!(found.len(), 1, "{title}");
    found.remove(0)
}

#[test]
fn e11_e25_e26_e27_a_target_that_schedules_writes_to_nobody_because_of_us() {
    let Some(server) = Server::start(Kind::Cyrus) else { return };
    let folder = tempfile::Builder::new().prefix("parom-calendars-").tempdir().unwrap();
    let office = Office::open(folder, server.port, &["anna"]);
    let outlook = office.outlook();
    // Of what is over Cyrus tells nobody anyway.
    let meeting = |title: &str, day: u32| {
        let event = at(title, day, 10);
        let later = |text: &str| text.replace("2026-03", "2099-03");
        let (start, end) = (later(&event.start), later(&event.end));
        Event { start, end, required: vec!["boris@corp.example".to_owned()], ..event }
    };
    for (title, day) in [("Council", 3), ("Board", 4)] {
        outlook.add(&meeting(title, day)).unwrap();
    }
    let rounds = outlook.add(&meeting("Rounds", 5).daily(5)).unwrap();
    // E25: the import.
    office.calendar(&["subscribe", "anna@corp.example"]);
    office.settle();
    let (_, text) = of(&server, "Council");
    assert_eq!(text.matches("SCHEDULE-AGENT=CLIENT").count(), 2, "{text}");
    assert_eq!(letters(&server), 0);
    // E27, E11: Outlook changes the list of people, and deletes an occurrence. E26: and a meeting.
    let council = in_outlook(&outlook, "Council").0;
    outlook.edit(&council, |event| event.required.push("clara@corp.example".to_owned())).unwrap();
    outlook.edit(&council, |event| event.location = "Hall".to_owned()).unwrap();
    outlook.delete_occurrence(&rounds, "2099-03-06").unwrap();
    outlook.delete(&in_outlook(&outlook, "Board").0).unwrap();
    office.until("the deletion", || stored(&server).len() == 2);
    office.settle();
    assert!(of(&server, "Rounds").1.contains("EXDATE;TZID=Europe/Moscow:20990306T100000"));
    assert!(of(&server, "Council").1.contains("LOCATION:Hall"));
    assert_eq!(letters(&server), 0);
    // On Cyrus Anna's own client changes what we brought: it is still in our hands, and crosses in silence.
    let (href, text) = of(&server, "Council");
    let text = text.split_once("\n\n").unwrap().1.replace("LOCATION:Hall", "LOCATION:Yard").replace('\n', "\r\n");
    let (status, answer) = server.request("PUT", &href, &[("Content-Type", "text/calendar")], &text);
    assert!((200..300).contains(&status), "{answer}");
    office.settle();
    assert_eq!(in_outlook(&outlook, "Council").1.location, "Yard");
    assert_eq!((letters(&server), office.ews.outgoing().len()), (0, 0));

    // The same trap catches the same meeting without what keeps Cyrus silent.
    let loud = text.replace(";SCHEDULE-AGENT=CLIENT", "").replace("UID:", "UID:loud-");
    assert_ne!(loud, text);
    let (status, answer) =
        server.request("PUT", &href.replace(".ics", "-loud.ics"), &[("Content-Type", "text/calendar")], &loud);
    assert!((200..300).contains(&status), "{answer}");
    assert_eq!(letters(&server), 1);
    // And what is in the server's hands is carried to Exchange and back without another letter; where it cannot be, it is told.
    office.run(&["calendar", "sync", "--all"]);
    office.run(&["calendar", "sync", "--all"]);
    let on_exchange = outlook.events().into_iter().filter(|(_, event)| event.subject == "Council").count();
    assert_eq!((on_exchange, letters(&server), office.ews.outgoing().len()), (2, 1, 0));
    outlook.send(&council).unwrap();
    assert_eq!(office.ews.outgoing().len(), 1);
}
