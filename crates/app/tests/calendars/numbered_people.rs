//! Meetings and the people in them, by the numbers of `docs/scenarios.md`. Nobody is written to.

use crate::stage::{Stage, at, has, has_no, in_outlook, phone};
use parom_lab::ews::Event;

const BOSS: &str = "boss@elsewhere.example";

fn meeting(title: &str, day: u32) -> Event {
    Event {
        required: vec!["boris@corp.example".to_owned(), "Boris@corp.example".to_owned()],
        optional: vec!["clara@elsewhere.example".to_owned(), "anna@corp.example".to_owned()],
        resources: vec!["room1@corp.example".to_owned()],
        ..at(title, day, 10)
    }
}

fn people<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.starts_with(name)).collect()
}

#[test]
fn e11_e12_e23_e24_e27_e54_people_are_listed_once_and_nobody_hears_of_us() {
    let Some(stage) = Stage::of(&["anna", "boris"]) else { return };
    let outlook = stage.outlook();
    stage.ews.switch(|switches| switches.tells_ex_addresses = true);
    outlook.add(&at("Alone", 2, 9)).unwrap();
    outlook.add(&meeting("Council", 3)).unwrap();
    let rounds = outlook.add(&meeting("Rounds", 4).daily(5)).unwrap();
    let invited = Event { required: vec!["anna@corp.example".to_owned()], ..at("Invited", 9, 9).daily(5) };
    outlook.receive(&invited, BOSS).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);

    // E24, E23.
    let (_, text) = stage.radicale.event("anna", "Alone");
    has_no(&text, &["ORGANIZER", "ATTENDEE"]);
    let (_, text) = stage.radicale.event("anna", "Council");
    assert!(people(&text, "ORGANIZER")[0].ends_with(":mailto:anna@corp.example"), "{text}");
    let mut listed: Vec<&str> =
        people(&text, "ATTENDEE").iter().map(|line| line.rsplit_once("mailto:").unwrap().1).collect();
    listed.sort();
    assert_eq!(listed, ["boris@corp.example", "clara@elsewhere.example", "room1@corp.example"]);
    has_no(&text, &["/o=", "/O="]);
    let of = |address: &str| *people(&text, "ATTENDEE").iter().find(|line| line.ends_with(address)).unwrap();
    assert!(of("clara@elsewhere.example").contains("ROLE=OPT-PARTICIPANT"), "{text}");
    assert!(of("room1@corp.example").contains("CUTYPE=RESOURCE"), "{text}");

    // E27, E54: one more on the phone. E11: an occurrence less. E12: one occurrence of an invitation is declined.
    stage.radicale.edit("anna", "Council", |text| {
        text.replacen(
            "\nATTENDEE",
            "\nATTENDEE;CN=Dora;ROLE=OPT-PARTICIPANT:mailto:dora@elsewhere.example\nATTENDEE",
            1,
        )
    });
    stage.radicale.edit("anna", "Rounds", |text| {
        text.replacen("\nRRULE", "\nEXDATE;TZID=Europe/Moscow:20260305T100000\nRRULE", 1)
    });
    stage.radicale.edit("anna", "Invited", |text| {
        let uid = text.lines().find(|line| line.starts_with("UID:")).unwrap();
        let end = text.rfind("END:VCALENDAR").unwrap();
        format!(
            "{}BEGIN:VEVENT\n{uid}\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Moscow:20260311T090000\n\
             DTSTART;TZID=Europe/Moscow:20260311T090000\nDTEND;TZID=Europe/Moscow:20260311T093000\nSUMMARY:Invited\n\
             ORGANIZER:mailto:{BOSS}\nATTENDEE;PARTSTAT=DECLINED:mailto:anna@corp.example\nEND:VEVENT\n{}",
            &text[..end],
            &text[end..]
        )
    });
    stage.settle();
    let (_, council) = in_outlook(&outlook, "Council");
    let sorted =
        |list: Vec<String>| list.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    // What nobody touched is as it was, twice.
    assert_eq!(sorted(council.required), ["Boris@corp.example", "boris@corp.example"]);
    assert_eq!(sorted(council.optional), ["clara@elsewhere.example", "dora@elsewhere.example"]);
    assert_eq!(council.resources, ["room1@corp.example"]);
    assert_eq!(outlook.occurrences(&rounds, 9).unwrap().len(), 4);
    let (invited, series) = in_outlook(&outlook, "Invited");
    assert_eq!((&*series.my_response, outlook.occurrences(&invited, 9).unwrap().len()), ("NoResponseReceived", 5));
    assert_eq!(stage.ews.outgoing(), []);
    let boris = stage.ews.outlook("boris@corp.example");
    assert_eq!((boris.events().len(), boris.count("inbox"), outlook.count("sentitems")), (0, 0, 0));
    // The trap would have caught it.
    outlook.send(&rounds).unwrap();
    assert!(stage.ews.outgoing().len() == 1 && boris.count("inbox") > 0);
}

#[test]
fn e26_deletions_on_either_side_cancel_nothing() {
    let Some(stage) = Stage::of(&["anna", "boris"]) else { return };
    let outlook = stage.outlook();
    outlook.add(&meeting("Council", 3)).unwrap();
    outlook.add(&meeting("Board", 4)).unwrap();
    outlook.receive(&Event { required: vec!["anna@corp.example".to_owned()], ..at("Invited", 9, 9) }, BOSS).unwrap();
    outlook.add(&at("Stays", 5, 9)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    for title in ["Council", "Invited"] {
        stage.radicale.delete("anna", &stage.radicale.event("anna", title).0);
    }
    outlook.delete(&in_outlook(&outlook, "Board").0).unwrap();
    stage.until("the deletions", || {
        let (source, target) = stage.titles();
        source.keys().eq(["Stays"].iter()) && target.keys().eq(["Stays"].iter())
    });
    stage.settle();
    assert_eq!(stage.ews.outgoing(), []);
    assert_eq!(stage.ews.outlook("boris@corp.example").count("inbox"), 0);
}

#[test]
fn e28_e29_an_invitation_is_one_event_whatever_way_it_comes_and_whoever_answers() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    stage.ews.switch(|switches| switches.responses_make_anew = true);
    let invited = |title: &str, day: u32| Event {
        required: vec!["anna@corp.example".to_owned()],
        uid: format!("{title}@elsewhere.example"),
        ..at(title, day, 9)
    };
    outlook.receive(&invited("both", 2), BOSS).unwrap();
    outlook.receive(&invited("answered", 3), BOSS).unwrap();
    outlook.receive(&invited("restored", 4), BOSS).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    // E29: an invitation that the target's own mail put into the calendar, before it comes to Exchange and before we look.
    let own = |title: &str, day: u32| {
        let lines = format!(
            "DTSTART;TZID=Europe/Moscow:202603{day:02}T090000\nDTEND;TZID=Europe/Moscow:202603{day:02}T093000\nSUMMARY:{title}\n\
             ORGANIZER:mailto:{BOSS}\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:anna@corp.example"
        );
        phone(&format!("{title}@elsewhere.example"), &lines)
    };
    stage.radicale.add("anna", "mailed", &own("mailed", 5));
    outlook.receive(&invited("mailed", 5), BOSS).unwrap();
    // E28: accepted on the phone, which Exchange answers with another item; moved out and back in Outlook, which does too.
    stage.radicale.edit("anna", "answered", |text| {
        let line = people(text, "ATTENDEE")[0].to_owned();
        let accepted = line.replace("PARTSTAT=NEEDS-ACTION", "PARTSTAT=ACCEPTED");
        assert_ne!(line, accepted, "{text}");
        text.replace(&line, &accepted)
    });
    let restored = in_outlook(&outlook, "restored").0;
    let away = outlook.move_to(&restored, "deleteditems").unwrap();
    outlook.move_to(&away, "calendar").unwrap();
    stage.settle();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    stage.settle();
    let (source, target) = stage.titles();
    assert_eq!(source, target);
    let each_once = ["answered", "both", "mailed", "restored"].map(|title| (title.to_owned(), 1));
    assert_eq!(source.into_iter().collect::<Vec<_>>(), each_once);
    assert_eq!(in_outlook(&outlook, "answered").1.my_response, "Accept");
    has(&stage.radicale.event("anna", "answered").1.replace(';', "\n"), &["PARTSTAT=ACCEPTED"]);
    assert_eq!(stage.ews.outgoing(), []);
}

#[test]
fn e50_messages_about_meetings_are_no_events() {
    let Some(stage) = Stage::of(&["anna", "boris"]) else { return };
    // What Boris's Outlook sends comes to Anna's inbox as a message and into her calendar as an event.
    let boris = stage.ews.outlook("boris@corp.example");
    let sent = boris.add(&Event { required: vec!["anna@corp.example".to_owned()], ..at("From Boris", 2, 9) }).unwrap();
    boris.send(&sent).unwrap();
    let caught = stage.ews.outgoing().len();
    let outlook = stage.outlook();
    assert_eq!((outlook.count("inbox"), outlook.events().len()), (1, 1));
    stage.calendar(&["subscribe", "anna@corp.example"]);
    for method in ["REPLY", "CANCEL"] {
        let text = phone(method, "DTSTART:20260310T100000Z\nSUMMARY:Message\nORGANIZER:mailto:x@elsewhere.example");
        stage.radicale.add("anna", method, &text.replace("VERSION:2.0\n", &format!("VERSION:2.0\nMETHOD:{method}\n")));
    }
    stage.settle();
    assert_eq!(stage.titles().0.into_keys().collect::<Vec<_>>(), ["From Boris"]);
    for method in ["REPLY", "CANCEL"] {
        let (code, text) = stage.parked_for(method);
        assert!(code == "event-unfit" && text.contains("message"), "{text}");
    }
    assert_eq!(stage.ews.outgoing().len(), caught);
}
