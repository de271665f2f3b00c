//! The first transfer, an idle run, and what crosses afterwards.

use crate::stage::{Stage, at, in_outlook, told};

/// A single event, one of a whole day, and a series with one occurrence moved and one deleted.
fn fill(stage: &Stage) {
    let outlook = stage.outlook();
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    let mut day_off = at("Day off", 8, 0);
    (day_off.start, day_off.end) = ("2026-03-08T00:00:00".to_owned(), "2026-03-09T00:00:00".to_owned());
    day_off.is_all_day = true;
    outlook.add(&day_off).unwrap();
    let series = outlook.add(&at("Stand-up", 2, 9).daily(5)).unwrap();
    outlook
        .edit_occurrence(&series, "2026-03-03", |event| {
            event.subject = "Late stand-up".to_owned();
            event.start = "2026-03-03T11:00:00".to_owned();
            event.end = "2026-03-03T11:30:00".to_owned();
        })
        .unwrap();
    outlook.delete_occurrence(&series, "2026-03-04").unwrap();
}

#[test]
fn the_first_transfer_brings_everything_and_an_idle_run_writes_nothing() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    fill(&stage);
    let planned = stage.json(&["plan", "anna@corp.example", "--json"]);
    assert_eq!(planned["events"], 3, "{planned}");
    assert_eq!(stage.radicale.calendars("anna"), Vec::<String>::new(), "a plan writes nothing");
    let first = stage.calendar(&["sync", "anna@corp.example"]);
    assert!(first.contains("3 events") && first.contains("from now on the calendars are brought"), "{first}");
    let (_, lunch) = stage.radicale.event("anna", "Lunch");
    assert!(lunch.contains("DTSTART;TZID=Europe/Moscow:20260302T120000"), "{lunch}");
    let (_, day_off) = stage.radicale.event("anna", "Day off");
    assert!(day_off.contains("DTSTART;VALUE=DATE:20260308"), "{day_off}");
    let (_, series) = stage.radicale.event("anna", "Stand-up");
    for line in [
        "RRULE:FREQ=DAILY;COUNT=5",
        "RECURRENCE-ID;TZID=Europe/Moscow:20260303T090000",
        "DTSTART;TZID=Europe/Moscow:20260303T110000",
        "SUMMARY:Late stand-up",
        "EXDATE;TZID=Europe/Moscow:20260304T090000",
    ] {
        assert!(series.contains(line), "{line}: {series}");
    }
    stage.check();
    let before = (stage.source_writes(), stage.radicale.events("anna"));
    assert_eq!(before.0, 0, "a sync writes nothing to Exchange");
    assert!(stage.calendar(&["sync", "--all"]).contains("no changes"));
    assert_eq!((stage.source_writes(), stage.radicale.events("anna")), before);
    let status = stage.json(&["status", "--json"]);
    assert_eq!((&status["mode"], &status["standing"]), (&"sync".into(), &"in-step".into()), "{status}");
    assert_eq!(status["events"], 3, "{status}");
}

#[test]
fn with_a_subscription_edits_and_deletions_cross_both_ways() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    fill(&stage);
    for title in ["Dentist", "Cinema"] {
        outlook.add(&at(title, 12, 15)).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.check();

    let (lunch, _) = in_outlook(&outlook, "Lunch");
    outlook.edit(&lunch, |event| event.location = "Canteen".to_owned()).unwrap();
    let (href, text) = stage.radicale.event("anna", "Stand-up");
    stage.radicale.put("anna", &href, &text.replace("SUMMARY:Stand-up\n", "SUMMARY:Morning round\n"));
    let calendar = stage.radicale.calendars("anna").remove(0);
    let new = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:from-the-phone\nDTSTAMP:20260101T000000Z\n\
               DTSTART:20260320T100000Z\nDTEND:20260320T110000Z\nSUMMARY:From the phone\n\
               ATTENDEE:mailto:boris@elsewhere.example\nORGANIZER:mailto:anna@corp.example\nEND:VEVENT\nEND:VCALENDAR\n";
    stage.radicale.put("anna", &format!("{calendar}phone.ics"), new);
    stage.until("the edit of the phone", || stage.titles().0.contains_key("Morning round"));
    assert!(stage.radicale.event("anna", "Lunch").1.contains("LOCATION:Canteen"));
    let (series, _) = in_outlook(&outlook, "Morning round");
    let late = outlook.read_occurrence(&series, "2026-03-03").unwrap();
    assert_eq!((late.subject.as_str(), late.start.as_str()), ("Late stand-up", "2026-03-03T11:00:00"));
    assert_eq!(in_outlook(&outlook, "From the phone").1.start.get(..10), Some("2026-03-20"));
    // Exchange knows the organizer's name, which the phone did not say: Parom has both, and knows that they differ.
    stage.check_but(1);

    // Both change the same event, each another field.
    let (dentist, _) = in_outlook(&outlook, "Dentist");
    outlook.edit(&dentist, |event| event.location = "Room 7".to_owned()).unwrap();
    let (href, text) = stage.radicale.event("anna", "Dentist");
    stage.radicale.put("anna", &href, &text.replace("SUMMARY:Dentist\n", "SUMMARY:Dentist at last\n"));
    stage.until("the merge", || stage.titles().0.contains_key("Dentist at last"));
    assert!(stage.radicale.event("anna", "Dentist at last").1.contains("LOCATION:Room 7"));
    stage.check_but(1);

    // One pass does not believe that something is gone.
    outlook.delete(&in_outlook(&outlook, "Lunch").0).unwrap();
    stage.radicale.delete("anna", &stage.radicale.event("anna", "Cinema").0);
    stage.calendar(&["sync", "--all"]);
    let (source, target) = stage.titles();
    assert!(source.contains_key("Cinema") && target.contains_key("Lunch"), "the grace is not over");
    stage.until("the deletions", || {
        let (source, target) = stage.titles();
        !source.contains_key("Cinema") && !target.contains_key("Lunch")
    });
    stage.check_but(1);

    // The trap would have caught mail.
    outlook.send(&in_outlook(&outlook, "From the phone").0).unwrap();
    assert_eq!(stage.ews.outgoing().len(), 1);
}

#[test]
fn the_access_list_keeps_changes_from_being_written_back() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    stage.configure("write_back = \"black\"\nwrite_back_list = [\"Anna@CORP.example\"]");
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let (href, text) = stage.radicale.event("anna", "Lunch");
    stage.radicale.put("anna", &href, &text.replace("SUMMARY:Lunch\n", "SUMMARY:Supper\n"));
    for _ in 0..3 {
        stage.calendar(&["sync", "--all"]);
    }
    assert_eq!(stage.source_writes(), 0);
    assert_eq!(in_outlook(&stage.outlook(), "Lunch").1.subject, "Lunch");
}

#[test]
fn one_account_that_fails_stops_no_other_and_names_its_cause() {
    let Some(stage) = Stage::of(&["anna", "boris"]) else { return };
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    stage.ews.deny("boris@corp.example");
    let done = stage.run(&["calendar", "sync", "boris@corp.example", "anna@corp.example"]);
    let said = told(&done);
    assert_eq!(done.status.code(), Some(4), "{said}");
    assert!(said.contains("boris@corp.example: failed: The service account may not act for"), "{said}");
    assert!(said.contains("anna@corp.example: in step"), "{said}");
    assert!(stage.radicale.event("anna", "Lunch").1.contains("20260302T120000"));
    let unknown = stage.run(&["calendar", "sync", "nobody@corp.example"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", told(&unknown));
    stage.ews.allow("boris@corp.example");
    stage.check();
}

#[test]
fn whoever_unsubscribes_is_left_alone_and_nothing_is_deleted() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.calendar(&["unsubscribe", "ANNA@corp.example"]);
    outlook.add(&at("Dentist", 3, 12)).unwrap();
    assert!(stage.calendar(&["sync", "--all"]).contains("no account"));
    assert_eq!(stage.titles().1.into_keys().collect::<Vec<_>>(), ["Lunch"]);
    assert_eq!(stage.json(&["status", "--json"])["mode"], "off");
    // To name the account is not to switch it on again.
    let named = stage.run(&["calendar", "sync", "anna@corp.example"]);
    assert_eq!(named.status.code(), Some(2), "{}", told(&named));
    assert!(told(&named).contains("parom calendar subscribe anna@corp.example"), "{}", told(&named));
    assert_eq!(stage.json(&["status", "--json"])["mode"], "off");
    assert_eq!(stage.titles().1.into_keys().collect::<Vec<_>>(), ["Lunch"]);
    assert!(stage.calendar(&["sync", "--on", "anna@corp.example"]).contains("from now on"));
    assert_eq!(stage.json(&["status", "--json"])["mode"], "sync");
    assert_eq!(stage.titles().1.into_keys().collect::<Vec<_>>(), ["Dentist", "Lunch"]);
    stage.calendar(&["subscribe", "anna@corp.example"]);
    assert!(!stage.calendar(&["sync", "anna@corp.example"]).contains("from now on"), "nothing is changed by it");
    assert_eq!(stage.json(&["status", "--json"])["mode"], "subscribe");
    stage.check();
}

#[test]
fn people_may_open_their_calendars_themselves_and_a_wrong_password_is_tried_once() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    stage.sign_in_themselves("anna");
    stage.ews.deny("anna@corp.example");
    stage.calendar(&["sync", "anna@corp.example"]);
    stage.check();

    stage.give_password("wrong");
    for says in ["Cannot sign in to 127.0.0.1", "Not signing in to 127.0.0.1"] {
        let done = stage.run(&["calendar", "sync", "anna@corp.example"]);
        assert_eq!(done.status.code(), Some(4), "{}", told(&done));
        assert!(told(&done).contains(says), "{}", told(&done));
    }
}

#[test]
fn an_event_that_cannot_be_read_is_parked_and_told_and_tried_again() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    let damaged = outlook.add(&at("Damaged", 3, 12)).unwrap();
    outlook.spoil(&damaged, Some("ErrorItemCorrupt")).unwrap();
    assert!(stage.calendar(&["sync", "anna@corp.example"]).contains("1 event is parked"));
    assert_eq!(stage.titles().1.into_keys().collect::<Vec<_>>(), ["Lunch"]);
    let parked = told(&stage.run(&["parked"]));
    assert!(parked.contains("calendar \"Calendar\", event") && parked.contains("ErrorItemCorrupt"), "{parked}");
    assert_eq!(stage.json(&["status", "--json"])["parked"], 1);
    outlook.spoil(&damaged, None).unwrap();
    let retried = stage.run(&["parked", "--retry"]);
    assert!(told(&retried).contains("1 event will be tried again"), "{}", told(&retried));
    stage.check();
    assert!(told(&stage.run(&["parked"])).contains("Nothing is parked"));
}

#[test]
fn a_calendar_that_is_emptied_at_once_is_held_until_it_is_released() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    for day in 1..=8 {
        stage.outlook().add(&at(&format!("Event {day}"), day, 12)).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    for (id, _) in stage.outlook().events() {
        stage.outlook().delete(&id).unwrap();
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let held = loop {
        let done = stage.run(&["calendar", "sync", "--all"]);
        if done.status.code() == Some(6) {
            break told(&done);
        }
        assert!(done.status.success() && std::time::Instant::now() < deadline, "{}", told(&done));
    };
    assert!(held.contains("8 of 8 events vanished at once from the calendar \"Calendar\""), "{held}");
    assert_eq!(stage.titles().1.len(), 8);
    assert_eq!(stage.json(&["status", "--json"])["standing"], "held");
    let brakes = told(&stage.run(&["brakes"]));
    assert!(brakes.contains("8 of 8 events"), "{brakes}");
    assert!(stage.run(&["brakes", "release", "anna@corp.example"]).status.success());
    stage.until("the deletions", || stage.titles().1.is_empty());
    stage.check();
}
