//! Whole days and time zones, by the numbers of `docs/scenarios.md`.

use crate::stage::{Stage, at, has, has_no, in_outlook, phone};
use parom_lab::ews::Event;

fn whole_day(title: &str, zone: &str) -> Event {
    let days = Event::at(title, "2026-03-08T00:00:00", "2026-03-09T00:00:00");
    Event { is_all_day: true, zone: zone.to_owned(), ..days }
}

#[test]
fn e1_e2_e3_whole_days_keep_their_dates_whoever_made_them() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let makers = [
        ("Moscow", "Russian Standard Time"),
        ("Magadan", "Magadan Standard Time"),
        ("Seattle", "Pacific Standard Time"),
    ];
    for (title, zone) in makers {
        outlook.add(&whole_day(title, zone)).unwrap();
    }
    let duty = outlook.add(&whole_day("Duty", "Magadan Standard Time").daily(5)).unwrap();
    outlook.edit_occurrence(&duty, "2026-03-09", |event| event.subject = "Boris's duty".to_owned()).unwrap();
    outlook.delete_occurrence(&duty, "2026-03-10").unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    for (title, _) in makers {
        let (_, text) = stage.radicale.event("anna", title);
        has(&text, &["DTSTART;VALUE=DATE:20260308", "DTEND;VALUE=DATE:20260309"]);
    }
    let (_, series) = stage.radicale.event("anna", "Duty");
    has(&series, &["DTSTART;VALUE=DATE:20260308", "RRULE:FREQ=DAILY;COUNT=5", "EXDATE;VALUE=DATE:20260310"]);
    has(&series, &["RECURRENCE-ID;VALUE=DATE:20260309", "DTSTART;VALUE=DATE:20260309", "SUMMARY:Boris's duty"]);

    // The other way: made by a phone, and only renamed by it.
    let vacation = "DTSTART;VALUE=DATE:20260316\nDTEND;VALUE=DATE:20260320\nSUMMARY:Vacation";
    stage.radicale.add("anna", "vacation", &phone("vacation", vacation));
    for (title, _) in makers {
        stage.radicale.edit("anna", title, |text| text.replace("\nSUMMARY:", "\nSUMMARY:Day of "));
    }
    let series = phone(
        "shifts",
        "DTSTART;VALUE=DATE:20260401\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;VALUE=DATE:20260402\nSUMMARY:Shifts",
    );
    stage.radicale.add("anna", "shifts", &series);
    stage.check();
    let (_, vacation) = in_outlook(&outlook, "Vacation");
    assert!(vacation.is_all_day);
    assert_eq!((&*vacation.start, &*vacation.end), ("2026-03-16T00:00:00", "2026-03-20T00:00:00"));
    for (title, zone) in makers {
        let (_, day) = in_outlook(&outlook, &format!("Day of {title}"));
        assert_eq!((&*day.start, &*day.end, &*day.zone), ("2026-03-08T00:00:00", "2026-03-09T00:00:00", zone));
    }
    let (shifts, _) = in_outlook(&outlook, "Shifts");
    let days: Vec<String> = outlook.occurrences(&shifts, 9).unwrap().into_iter().map(|(day, _)| day).collect();
    assert_eq!(days, ["2026-04-01", "2026-04-03", "2026-04-04"]);
}

#[test]
fn e4_e5_e6_e19_times_and_zones_arrive_as_they_were_meant() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let ten = |title: &str, zone: &str| Event {
        zone: zone.to_owned(),
        ..Event::at(title, "2026-03-10T10:00:00", "2026-03-10T11:00:00")
    };
    // E4.
    outlook.add(&ten("Call", "Pacific Standard Time")).unwrap();
    // E5: clocks go forward in the night to 29 March.
    let mut weekly = ten("Weekly", "W. Europe Standard Time");
    (weekly.start, weekly.end) = ("2026-03-23T10:00:00".to_owned(), "2026-03-23T11:00:00".to_owned());
    let weekly = outlook.add(&weekly.weekly("Monday")).unwrap();
    let moved = |event: &mut Event| {
        (event.start, event.end) = ("2026-03-28T10:00:00".to_owned(), "2026-03-28T11:00:00".to_owned());
    };
    outlook.edit_occurrence(&weekly, "2026-03-30", moved).unwrap();
    // E6.
    let strange = [
        ("Customized", "Customized Time Zone", ""),
        ("Custom", "tzone://Microsoft/Custom", ""),
        ("Localised", "Mitteleuropäische Zeit", "Mitteleuropäische Zeit"),
        ("Nameless", "", ""),
    ];
    for (title, zone, name) in strange {
        let id = outlook.add(&ten(title, "W. Europe Standard Time")).unwrap();
        outlook.call_zone(&id, zone, name).unwrap();
    }
    outlook.add(&ten("Greenwich", "tzone://Microsoft/Utc")).unwrap();
    // E19: the schema's dates may carry an offset.
    for (title, end) in [("Until", "2026-03-06"), ("Until Z", "2026-03-06Z"), ("Until +03", "2026-03-06+03:00")] {
        let mut series = at(title, 2, 9);
        series.recurrence = Some(format!(
            "<DailyRecurrence><Interval>1</Interval></DailyRecurrence><EndDateRecurrence><StartDate>2026-03-02</StartDate>\
             <EndDate>{end}</EndDate></EndDateRecurrence>"
        ));
        outlook.add(&series).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);

    let (_, text) = stage.radicale.event("anna", "Weekly");
    has(&text, &["DTSTART;TZID=Europe/Berlin:20260323T100000", "RECURRENCE-ID;TZID=Europe/Berlin:20260330T100000"]);
    has(&text, &["DTSTART;TZID=Europe/Berlin:20260328T100000"]);
    for (title, ..) in strange {
        let (_, text) = stage.radicale.event("anna", title);
        assert!(text.contains(":20260310T100000\n") && text.contains("TZOFFSETTO:+0100"), "{text}");
        has_no(&text, &["DTSTART:20260310T100000\n"]);
    }
    let (_, text) = stage.radicale.event("anna", "Greenwich");
    has(&text, &["DTSTART:20260310T100000Z"]);
    for title in ["Until", "Until Z", "Until +03"] {
        let (_, text) = stage.radicale.event("anna", title);
        has(&text, &["RRULE:FREQ=DAILY;UNTIL=20260306T060000Z"]);
    }

    // E4: who changes the subject sends the subject.
    stage.ews.record();
    stage.radicale.edit("anna", "Call", |text| text.replace("SUMMARY:Call", "SUMMARY:Long call"));
    // E19 the other way: midnight between the fifth and the sixth, in the series' own zone.
    let until = "DTSTART;TZID=Europe/Moscow:20260302T090000\nDTEND;TZID=Europe/Moscow:20260302T093000\n\
                 RRULE:FREQ=DAILY;UNTIL=20260305T210000Z\nSUMMARY:Until midnight";
    stage.radicale.add("anna", "midnight", &phone("midnight", until));
    stage.settle();
    let sent: Vec<String> = stage.ews.recorded().into_iter().map(|said| said.request).collect();
    let updates: Vec<&String> = sent.iter().filter(|request| request.contains("UpdateItem")).collect();
    assert_eq!(updates.len(), 1, "{updates:?}");
    has_no(updates[0], &["calendar:Start", "StartTimeZone"]);
    let (_, call) = in_outlook(&outlook, "Long call");
    assert_eq!((&*call.start, &*call.zone), ("2026-03-10T10:00:00", "Pacific Standard Time"));
    let (midnight, _) = in_outlook(&outlook, "Until midnight");
    assert_eq!(outlook.occurrences(&midnight, 9).unwrap().len(), 4);
    stage.check();
}

#[test]
fn e7_e47_e48_e49_what_phones_write_into_times_is_understood() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let add = |uid: &str, lines: &str| stage.radicale.add("anna", uid, &phone(uid, lines));
    // E7.
    add(
        "exdates",
        "DTSTART;TZID=Europe/Moscow:20260302T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE:20260303T070000Z\n\
         EXDATE;TZID=America/New_York:20260304T020000\nSUMMARY:Exdates",
    );
    // E47.
    add("floating", "DTSTART:20260310T100000\nDTEND:20260310T110000\nSUMMARY:Floating");
    add("utc", "DTSTART:20260310T100000Z\nDTEND:20260310T110000Z\nSUMMARY:Utc");
    // E49: a zone of the maker's own name, with rules from the year one.
    let zone = "BEGIN:VTIMEZONE\nTZID:Время офиса «Юг»\nBEGIN:STANDARD\nDTSTART:00010101T000000\nTZOFFSETFROM:+0300\n\
                TZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n";
    let lines =
        "DTSTART;TZID=Время офиса «Юг»:20260311T100000\nDTEND;TZID=Время офиса «Юг»:20260311T110000\nSUMMARY:Office";
    stage.radicale.add(
        "anna",
        "office",
        &phone("office", lines).replace("BEGIN:VEVENT\n", &format!("{zone}BEGIN:VEVENT\n")),
    );
    // E48.
    add("ancient", "DTSTART:15000101T100000Z\nDTEND:15000101T110000Z\nSUMMARY:Ancient");
    add("far", "DTSTART:46000101T100000Z\nDTEND:46000101T110000Z\nSUMMARY:Far");
    add("moment", "DTSTART:20260312T100000Z\nDTEND:20260312T100000Z\nSUMMARY:Moment");
    add("backwards", "DTSTART:20260312T100000Z\nDTEND:20260312T090000Z\nSUMMARY:Backwards");
    add("long", "DTSTART:20260101T100000Z\nDTEND:20320102T100000Z\nSUMMARY:Long");
    stage.settle();

    let (series, _) = in_outlook(&outlook, "Exdates");
    let days: Vec<String> = outlook.occurrences(&series, 9).unwrap().into_iter().map(|(day, _)| day).collect();
    assert_eq!(days, ["2026-03-02", "2026-03-05", "2026-03-06"]);
    let (_, office) = in_outlook(&outlook, "Office");
    assert!(["2026-03-11T10:00:00", "2026-03-11T07:00:00"].contains(&&*office.start), "{office:?}");
    assert_eq!(office.start.contains("T07"), office.zone == "UTC", "{office:?}");
    let (_, moment) = in_outlook(&outlook, "Moment");
    assert_eq!(moment.start, moment.end);
    for (uid, why) in [("ancient", "1601"), ("far", "1601"), ("long", "five years"), ("backwards", "before it begins")]
    {
        let (code, text) = stage.parked_for(uid);
        assert!(code == "event-unfit" && text.contains(why), "{uid}: {code} {text}");
    }
    assert_eq!(stage.parked().len(), 4);

    // Somebody changes another field: the phone's words stay.
    for title in ["Floating", "Utc", "Office"] {
        outlook.edit(&in_outlook(&outlook, title).0, |event| event.location = "Here".to_owned()).unwrap();
    }
    stage.settle();
    for (title, line) in [
        ("Floating", "DTSTART:20260310T100000"),
        ("Utc", "DTSTART:20260310T100000Z"),
        // Known by what it does, which is what Moscow does.
        ("Office", "DTSTART;TZID=Europe/Moscow:20260311T100000"),
    ] {
        let (_, text) = stage.radicale.event("anna", title);
        has(&text, &["LOCATION:Here", line]);
    }
    assert_eq!(stage.ews.outgoing(), []);
}

/// Each command is a process of its own, and one that only reads does not know the zones of Exchange.
#[test]
fn e6_what_exchange_has_no_zone_for_keeps_its_clock_on_the_phone_in_every_process() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let zones = ["Europe/Volgograd", "Pacific/Chatham", "Australia/Lord_Howe"];
    for zone in zones {
        let hour = format!("DTSTART;TZID={zone}:20260310T100000\nDTEND;TZID={zone}:20260310T110000\nSUMMARY:{zone}");
        stage.radicale.add("anna", zone.split('/').next_back().unwrap(), &phone(zone, &hour));
    }
    for _ in 0..3 {
        stage.calendar(&["sync", "--all"]);
        for zone in zones {
            assert_eq!(in_outlook(&outlook, zone).1.zone, "UTC");
            has(&stage.radicale.event("anna", zone).1, &[&format!("DTSTART;TZID={zone}:20260310T100000")]);
        }
    }
    // Moved in Outlook, it is moved on the phone.
    let (id, _) = in_outlook(&outlook, "Europe/Volgograd");
    let later = |event: &mut Event| {
        (event.start, event.end) = ("2026-03-10T08:00:00".to_owned(), "2026-03-10T09:00:00".to_owned());
    };
    outlook.edit(&id, later).unwrap();
    stage.settle();
    has(&stage.radicale.event("anna", "Europe/Volgograd").1, &["DTSTART;TZID=Europe/Volgograd:20260310T110000"]);
    stage.check();
}
