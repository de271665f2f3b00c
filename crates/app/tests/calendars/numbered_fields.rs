//! What an event says: reminders, kinds of busy, texts, attachments, by the numbers of `docs/scenarios.md`.

use crate::stage::{Stage, at, has, has_no, in_outlook, phone, python};
use parom_lab::ews::Event;

const HOUR: &str = "DTSTART;TZID=Europe/Moscow:20260310T100000\nDTEND;TZID=Europe/Moscow:20260310T110000";

fn rename(text: &str, from: &str, to: &str) -> String {
    text.replace(&format!("\nSUMMARY:{from}\n"), &format!("\nSUMMARY:{to}\n"))
}

/// The text without its lines of these names, as a client leaves it that does not know them.
fn without(text: &str, names: &[&str]) -> String {
    let kept = text.lines().filter(|line| !names.iter().any(|name| line.starts_with(name)));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn e30_e31_e53_reminders_of_every_kind_arrive_and_stay() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    // E53: a series with a reminder, one occurrence with another, one with none.
    let series = outlook.add(&Event { reminder_min: Some(15), ..at("Series", 2, 9).daily(4) }).unwrap();
    outlook.edit_occurrence(&series, "2026-03-03", |event| event.reminder_min = Some(5)).unwrap();
    outlook.edit_occurrence(&series, "2026-03-04", |event| event.reminder_min = None).unwrap();
    outlook.add(&Event { reminder_min: Some(0), ..at("At once", 5, 9) }).unwrap();
    outlook.add(&at("Silent", 6, 9)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let (_, text) = stage.radicale.event("anna", "Series");
    let parts: Vec<&str> = text.split("BEGIN:VEVENT").skip(1).collect();
    let part = |day: &str| {
        *parts.iter().find(|part| part.contains(&format!("RECURRENCE-ID;TZID=Europe/Moscow:{day}"))).unwrap()
    };
    assert!(parts[0].contains("TRIGGER:-PT15M"), "{text}");
    assert!(part("20260303").contains("TRIGGER:-PT5M") && !part("20260304").contains("VALARM"), "{text}");
    assert!(stage.radicale.event("anna", "At once").1.contains("TRIGGER:"));
    has_no(&stage.radicale.event("anna", "Silent").1, &["VALARM"]);

    // E31: what phones write.
    let alarm = |trigger: &str| format!("BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\n{trigger}\nEND:VALARM");
    let forms = [
        ("none", String::new(), None),
        ("zero", alarm("TRIGGER:-PT0M"), Some(0)),
        ("days", alarm("TRIGGER:-P1DT2H"), Some(26 * 60)),
        ("absolute", alarm("TRIGGER;VALUE=DATE-TIME:20260310T063000Z"), Some(30)),
        ("end", alarm("TRIGGER;RELATED=END:-PT1H15M"), Some(15)),
        ("several", format!("{}\n{}", alarm("TRIGGER:-PT10M"), alarm("TRIGGER:-P1D")), Some(10)),
    ];
    for (uid, alarms, _) in &forms {
        stage.radicale.add("anna", uid, &phone(uid, &format!("{HOUR}\nSUMMARY:{uid}\n{alarms}")));
    }
    // E53 the other way: only one occurrence has a reminder, and lasts a whole day.
    let only = format!(
        "DTSTART;TZID=Europe/Moscow:20260316T100000\nDTEND;TZID=Europe/Moscow:20260316T110000\nRRULE:FREQ=DAILY;COUNT=3\n\
         SUMMARY:Only\nEND:VEVENT\nBEGIN:VEVENT\nUID:only\nDTSTAMP:20260101T000000Z\n\
         RECURRENCE-ID;TZID=Europe/Moscow:20260317T100000\nDTSTART;VALUE=DATE:20260317\nDTEND;VALUE=DATE:20260318\n\
         SUMMARY:Only today\n{}",
        alarm("TRIGGER:-PT45M")
    );
    stage.radicale.add("anna", "only", &phone("only", &only));
    stage.settle();
    for (uid, _, minutes) in &forms {
        assert_eq!(in_outlook(&outlook, uid).1.reminder_min, *minutes, "{uid}");
    }
    let (only, master) = in_outlook(&outlook, "Only");
    let today = outlook.read_occurrence(&only, "2026-03-17").unwrap();
    assert_eq!((master.reminder_min, today.reminder_min, today.is_all_day), (None, Some(45), true));
    assert!(!outlook.read_occurrence(&only, "2026-03-18").unwrap().is_all_day);

    // What Outlook cannot say stays on the phone when Outlook changes something else.
    for (uid, ..) in &forms {
        outlook.edit(&in_outlook(&outlook, uid).0, |event| event.location = "Here".to_owned()).unwrap();
    }
    stage.settle();
    for (uid, alarms, _) in &forms {
        let (_, text) = stage.radicale.event("anna", uid);
        has(&text, &["LOCATION:Here"]);
        assert_eq!(text.matches("BEGIN:VALARM").count(), alarms.matches("BEGIN:VALARM").count(), "{text}");
        let triggers = alarms.lines().filter(|line| line.starts_with("TRIGGER") && *uid != "zero");
        has(&text, &triggers.collect::<Vec<_>>());
    }

    // E30: dismissed and put off on the phone.
    let written = stage.source_writes();
    stage.radicale.edit("anna", "days", |text| {
        let text = text.replace("END:VALARM", "ACKNOWLEDGED:20260309T080000Z\nEND:VALARM");
        text.replace("BEGIN:VALARM", "X-MOZ-LASTACK:20260309T080000Z\nX-MOZ-SNOOZE-TIME:20260309T090000Z\nBEGIN:VALARM")
    });
    stage.settle();
    assert_eq!(stage.source_writes(), written);
    assert_eq!(stage.ews.outgoing(), []);
}

#[test]
fn e32_e33_busy_and_privacy_survive_a_phone_that_does_not_know_them() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let kinds = ["Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"];
    for busy in kinds {
        outlook.add(&Event { busy: busy.to_owned(), ..at(busy, 2, 9) }).unwrap();
    }
    let degrees = ["Normal", "Personal", "Private", "Confidential"];
    for sensitivity in degrees {
        outlook.add(&Event { sensitivity: sensitivity.to_owned(), ..at(sensitivity, 3, 9) }).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let of = |title: &str| stage.radicale.event("anna", title).1;
    has(&of("Free"), &["TRANSP:TRANSPARENT"]);
    for busy in &kinds[1..] {
        has(&of(busy), &["TRANSP:OPAQUE"]);
    }
    has(&of("Personal"), &["CLASS:PRIVATE"]);
    has(&of("Private"), &["CLASS:PRIVATE"]);
    has(&of("Confidential"), &["CLASS:CONFIDENTIAL"]);
    for title in kinds {
        stage.radicale.edit("anna", title, |text| {
            let text = without(text, &["X-MICROSOFT-"]);
            rename(&text, title, &format!("New {title}")).replace("\nTRANSP:", "\nSTATUS:CONFIRMED\nTRANSP:")
        });
    }
    for title in degrees {
        stage.radicale.edit("anna", title, |text| rename(text, title, &format!("New {title}")));
    }
    stage.settle();
    for busy in kinds {
        assert_eq!(in_outlook(&outlook, &format!("New {busy}")).1.busy, busy);
    }
    for sensitivity in degrees {
        assert_eq!(in_outlook(&outlook, &format!("New {sensitivity}")).1.sensitivity, sensitivity);
    }
    // Who knows TRANSP alone may still say by it what they mean.
    stage.radicale.edit("anna", "New OOF", |text| text.replace("TRANSP:OPAQUE", "TRANSP:TRANSPARENT"));
    stage.radicale.edit("anna", "New Free", |text| text.replace("TRANSP:TRANSPARENT", "TRANSP:OPAQUE"));
    stage.settle();
    assert_eq!(in_outlook(&outlook, "New OOF").1.busy, "Free");
    assert_eq!(in_outlook(&outlook, "New Free").1.busy, "Busy");
    assert_eq!(stage.ews.outgoing(), []);
}

#[test]
fn e34_e35_e52_e55_texts_arrive_whole_and_what_is_cleared_is_cleared() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let html = "<p>Agenda: <b>budget</b></p>";
    outlook.add(&Event { body: html.to_owned(), body_is_html: true, ..at("Formatted", 2, 9) }).unwrap();
    let full = Event {
        body: "Bring it".to_owned(),
        location: "Room 1".to_owned(),
        categories: vec!["Важное".to_owned(), "A, B".to_owned()],
        ..at("Full", 2, 10)
    };
    outlook.add(&full).unwrap();
    outlook.add(&Event { subject: "Full too".to_owned(), ..full.clone() }).unwrap();
    let odd = Event { location: "a; b, c\\d".to_owned(), ..at("Ракета 🚀, second\u{b}half\u{0}", 2, 11) };
    outlook.add(&odd).unwrap();
    outlook.make_calendar("Проекты").unwrap();
    outlook.add_to("Проекты", &at("Запуск", 2, 12)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);

    // E35, E34.
    let (_, text) = stage.radicale.event("anna", "Formatted");
    assert!(text.contains("DESCRIPTION:Agenda: budget") && text.contains("<b>budget</b>"), "{text}");
    let body = in_outlook(&outlook, "Formatted").1.body;
    let (_, text) = stage.radicale.event("anna", "Full");
    has(&text, &["CATEGORIES:Важное,A\\, B", "LOCATION:Room 1"]);
    let (_, text) = stage.radicale.event("anna", "Ракета 🚀\\, secondhalf");
    has(&text, &["LOCATION:a\\; b\\, c\\\\d"]);
    // E52.
    let (href, _) = stage.radicale.event("anna", "Запуск");
    let (projects, _) = href.rsplit_once('/').unwrap();
    let launch = phone(
        "старт-1",
        &format!(
            "{HOUR}\nSUMMARY:Старт\nCATEGORIES:Важное\nATTENDEE;CN=Борис:mailto:boris@corp.example\nORGANIZER;CN=Анна:mailto:anna@corp.example"
        ),
    );
    stage.radicale.put("anna", &format!("{projects}/%D1%81%D1%82%D0%B0%D1%80%D1%82.ics"), &launch);

    // E34: longer than Outlook takes.
    let long = "длинно ".repeat(60).trim().to_owned();
    let (href, _) = stage.radicale.event("anna", "Full");
    let (first, _) = href.rsplit_once('/').unwrap();
    let lines = format!("{HOUR}\nSUMMARY:{long}\nLOCATION:{long}");
    stage.radicale.put("anna", &format!("{first}/long.ics"), &phone("long", &lines));
    // E35: another field is changed. E55: fields are emptied.
    stage.radicale.edit("anna", "Formatted", |text| text.replace("\nTRANSP:", "\nLOCATION:Hall\nTRANSP:"));
    stage.radicale.edit("anna", "Full", |text| without(text, &["CATEGORIES", "LOCATION", "DESCRIPTION", "X-ALT-DESC"]));
    let cleared = |event: &mut Event| {
        event.categories.clear();
        (event.location, event.body) = (String::new(), String::new());
    };
    outlook.edit(&in_outlook(&outlook, "Full too").0, cleared).unwrap();
    stage.settle();
    let (_, formatted) = in_outlook(&outlook, "Formatted");
    assert_eq!((formatted.location, formatted.body), ("Hall".to_owned(), body));
    let (_, full) = in_outlook(&outlook, "Full");
    assert_eq!((full.categories, &*full.location), (vec![], ""));
    assert!(!full.body.contains("Bring it"), "{}", full.body);
    has_no(&stage.radicale.event("anna", "Full too").1, &["CATEGORIES", "\nLOCATION", "Bring it"]);
    let launched = outlook.events_in("Проекты").into_iter().find(|(_, event)| event.subject == "Старт").unwrap();
    assert_eq!(
        (&*launched.1.categories, &*launched.1.required),
        (&["Важное".to_owned()][..], &["boris@corp.example".to_owned()][..])
    );
    let (id, clipped) = outlook.events().into_iter().find(|(_, event)| long.starts_with(&event.subject)).unwrap();
    assert_eq!(clipped.subject.chars().count(), 255);
    outlook.edit(&id, |event| event.categories = vec!["Важное".to_owned()]).unwrap();
    outlook.edit(&launched.0, |event| event.location = "Байконур".to_owned()).unwrap();
    stage.settle();
    let (_, text) = stage.radicale.event("anna", &long);
    has(&text, &[&format!("LOCATION:{long}"), "CATEGORIES:Важное"]);
    let (_, text) = stage.radicale.event("anna", "Старт");
    has(&text, &["LOCATION:Байконур"]);
    // Her own name Exchange knows better than the phone.
    assert!(text.contains("CN=Борис"), "{text}");
    assert_eq!(stage.ews.outgoing(), []);
}

#[test]
fn e36_attachments_cross_and_what_is_too_large_is_told() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let small = outlook.add(&at("Small", 2, 9)).unwrap();
    outlook.attach(&small, "план.txt", "0J/Qu9Cw0L0=").unwrap();
    let large = outlook.add(&at("Large", 2, 10)).unwrap();
    // What is beyond twenty megabytes is not carried.
    outlook.attach(&large, "one.bin", &"AAAA".repeat((1 << 20) / 3)).unwrap();
    outlook.attach(&large, "huge.bin", &"AAAA".repeat((21 << 20) / 3)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let (_, text) = stage.radicale.event("anna", "Small");
    assert!(text.contains("план.txt") && text.contains("0J/Qu9Cw0L0="), "{text}");
    let (_, text) = stage.radicale.event("anna", "Large");
    assert!(text.contains("one.bin") && text.len() > 1 << 20, "{}", text.len());
    let told = text.lines().find(|line| line.contains("huge.bin")).unwrap();
    assert!(told.starts_with("X-PAROM-") && told.len() < 200, "{told}");
    // From a phone, on a series and on one of its occurrences; a picture within the text stays too.
    let lines = "DTSTART;TZID=Europe/Moscow:20260303T100000\nDTEND;TZID=Europe/Moscow:20260303T110000\nRRULE:FREQ=DAILY;COUNT=3\n\
         SUMMARY:Minutes\nATTACH;FMTTYPE=text/plain;FILENAME=all.txt;ENCODING=BASE64;VALUE=BINARY:YWxs\n\
         ATTACH;FMTTYPE=image/png;FILENAME=in.png;ENCODING=BASE64;VALUE=BINARY;X-CID=1:aW4=\nATTACH:https://files.example/x\n\
         END:VEVENT\nBEGIN:VEVENT\nUID:minutes\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Moscow:20260304T100000\n\
         DTSTART;TZID=Europe/Moscow:20260304T100000\nDTEND;TZID=Europe/Moscow:20260304T110000\nSUMMARY:Minutes of the fourth\n\
         ATTACH;FMTTYPE=text/plain;FILENAME=one.txt;ENCODING=BASE64;VALUE=BINARY:b25l";
    stage.radicale.add("anna", "minutes", &phone("minutes", lines));
    stage.radicale.edit("anna", "Small", |text| rename(text, "Small", "Small and new"));
    stage.settle();
    let (id, minutes) = in_outlook(&outlook, "Minutes");
    let names = |event: &Event| event.attachments.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(minutes.attachments[0], ("all.txt".to_owned(), "YWxs".to_owned()));
    assert!(names(&minutes).contains(&"in.png".to_owned()), "{:?}", names(&minutes));
    let fourth = outlook.read_occurrence(&id, "2026-03-04").unwrap();
    assert!(names(&fourth).contains(&"one.txt".to_owned()), "{:?}", names(&fourth));
    let (_, small) = in_outlook(&outlook, "Small and new");
    assert_eq!(small.attachments, [("план.txt".to_owned(), "0J/Qu9Cw0L0=".to_owned())]);
    let (_, large) = in_outlook(&outlook, "Large");
    assert_eq!(names(&large), ["one.bin", "huge.bin"], "what was too large to be carried is still there");
    // Outlook changes another field: the link and the parameters that it does not know stay.
    outlook.edit(&id, |event| event.location = "Hall".to_owned()).unwrap();
    stage.settle();
    let (_, text) = stage.radicale.event("anna", "Minutes");
    has(&text, &["ATTACH:https://files.example/x", "LOCATION:Hall"]);
    assert!(text.contains("X-CID=1") && text.contains("one.txt"), "{text}");
    assert_eq!(stage.ews.outgoing(), []);
}

/// Exchange to CalDAV, an edit by a client that shares nothing with ours, and back: what it did not touch is as it was.
#[test]
fn an_edit_by_an_independent_client_changes_nothing_else() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let rich = Event {
        body: "<p>Agenda: <b>budget</b>, <a href=\"https://x.example/\">link</a></p>".to_owned(),
        body_is_html: true,
        location: "Room 1, second floor".to_owned(),
        busy: "OOF".to_owned(),
        sensitivity: "Personal".to_owned(),
        importance: "High".to_owned(),
        categories: vec!["Red".to_owned(), "Важное".to_owned()],
        reminder_min: Some(25),
        required: vec!["boris@corp.example".to_owned()],
        optional: vec!["clara@elsewhere.example".to_owned()],
        resources: vec!["room1@corp.example".to_owned()],
        ..at("Rich", 2, 9).daily(5)
    };
    let id = outlook.add(&rich).unwrap();
    outlook.attach(&id, "a.txt", "YQ==").unwrap();
    let changed = |event: &mut Event| {
        (event.location, event.busy) = ("Room 2".to_owned(), "Tentative".to_owned());
        (event.start, event.end) = ("2026-03-03T15:00:00".to_owned(), "2026-03-03T15:30:00".to_owned());
    };
    outlook.edit_occurrence(&id, "2026-03-03", changed).unwrap();
    outlook.delete_occurrence(&id, "2026-03-05").unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let before = (outlook.read(&id).unwrap(), outlook.read_occurrence(&id, "2026-03-03").unwrap());
    let days = outlook.occurrences(&id, 9).unwrap();

    let (_, text) = stage.radicale.event("anna", "Rich");
    let uid = text.lines().find_map(|line| line.strip_prefix("UID:")).unwrap();
    let url = format!("http://127.0.0.1:{}/", stage.radicale.port);
    python(&["set", &url, "anna", crate::radicale::PASSWORD, uid, "location", "Room 9"]);
    stage.settle();
    let (same, after) = in_outlook(&outlook, "Rich");
    assert_eq!(after.location, "Room 9");
    // What Parom keeps beside the item is its own.
    let plain = |event: Event| Event { strings: vec![], ..event };
    assert_eq!(plain(Event { location: rich.location.clone(), ..after }), plain(before.0));
    let exception = outlook.read_occurrence(&same, "2026-03-03").unwrap();
    assert_eq!(plain(exception), plain(before.1));
    assert_eq!(outlook.occurrences(&same, 9).unwrap(), days);
    assert_eq!(stage.ews.outgoing(), []);

    // And one that the client had from us and Outlook has not touched is, property by property, what the client left.
    outlook.edit(&same, |event| event.categories.push("Late".to_owned())).unwrap();
    let left: Vec<String> = stage.radicale.event("anna", "Rich").1.lines().map(str::to_owned).collect();
    stage.settle();
    let now = stage.radicale.event("anna", "Rich").1;
    let noise = ["CATEGORIES", "LAST-MODIFIED", "DTSTAMP", "SEQUENCE", "PRODID", "CREATED"];
    let lost: Vec<&String> = left
        .iter()
        .filter(|line| !noise.iter().any(|name| line.starts_with(name)) && !now.contains(line.as_str()))
        .collect();
    assert_eq!(lost, Vec::<&String>::new(), "{now}");
}
