//! Series: patterns, exceptions, deletions, by the numbers of `docs/scenarios.md`.

use crate::stage::{Stage, at, has, has_no, in_outlook, phone, python};
use parom_lab::ews::{Event, EventId, Outlook};

fn days(outlook: &Outlook, series: &EventId, most: usize) -> Vec<String> {
    outlook.occurrences(series, most).unwrap().into_iter().map(|(day, _)| day).collect()
}

fn series(title: &str, day: &str, pattern: &str, range: &str) -> Event {
    let mut event = Event::at(title, &format!("{day}T09:00:00"), &format!("{day}T10:00:00"));
    event.recurrence = Some(format!("{pattern}{}", range.replace("$", &format!("<StartDate>{day}</StartDate>"))));
    event
}

const SIX: &str = "<NumberedRecurrence>$<NumberOfOccurrences>6</NumberOfOccurrences></NumberedRecurrence>";
const ENDLESS: &str = "<NoEndRecurrence>$</NoEndRecurrence>";

#[test]
fn e8_e9_e10_e13_e22_occurrences_are_found_changed_and_deleted_by_what_they_are() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let daily = "<DailyRecurrence><Interval>1</Interval></DailyRecurrence>";
    // E8.
    let rounds = outlook.add(&at("Rounds", 2, 9).daily(10)).unwrap();
    outlook.delete_occurrence(&rounds, "2026-03-03").unwrap();
    // E9.
    let years = outlook.add(&series("Years", "2024-01-01", daily, ENDLESS)).unwrap();
    for day in ["2024-01-05", "2024-02-06", "2025-03-07"] {
        outlook.delete_occurrence(&years, day).unwrap();
    }
    // E13.
    let moved = outlook.add(&at("Moved", 2, 12).daily(5)).unwrap();
    let later = |event: &mut Event| {
        (event.start, event.end) = ("2026-03-03T15:00:00".to_owned(), "2026-03-03T16:00:00".to_owned());
    };
    outlook.edit_occurrence(&moved, "2026-03-03", later).unwrap();
    outlook.delete_occurrence(&moved, "2026-03-03").unwrap();
    // E22.
    let titled = outlook.add(&at("Titled", 2, 17).daily(3)).unwrap();
    outlook.edit_occurrence(&titled, "2026-03-03", |event| event.subject = String::new()).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let (_, text) = stage.radicale.event("anna", "Moved");
    has(&text, &["EXDATE;TZID=Europe/Moscow:20260303T120000"]);
    has_no(&text, &["RECURRENCE-ID", "T150000"]);
    let (_, text) = stage.radicale.event("anna", "Titled");
    assert_eq!(text.matches("SUMMARY:Titled").count(), 1, "{text}");
    has(&text, &["RECURRENCE-ID;TZID=Europe/Moscow:20260303T170000"]);

    // E8: a later one by the phone, another one by Outlook.
    let exdate = |day: &str, hour: &str| format!("\nEXDATE;TZID=Europe/Moscow:{day}T{hour}0000\n");
    stage
        .radicale
        .edit("anna", "Rounds", |text| text.replacen("\nEXDATE", &format!("{}EXDATE", exdate("20260306", "09")), 1));
    outlook.delete_occurrence(&rounds, "2026-03-05").unwrap();
    // E10: all of it comes with the first sync.
    let whole = "DTSTART;TZID=Europe/Moscow:20260302T200000\nDTEND;TZID=Europe/Moscow:20260302T210000\n\
                 RRULE:FREQ=DAILY;COUNT=6\nEXDATE;TZID=Europe/Moscow:20260304T200000\nSUMMARY:Whole\nEND:VEVENT\nBEGIN:VEVENT\n\
                 UID:whole\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Moscow:20260305T200000\n\
                 DTSTART;TZID=Europe/Moscow:20260305T220000\nDTEND;TZID=Europe/Moscow:20260305T230000\nSUMMARY:Whole later\n\
                 LOCATION:Attic";
    stage.radicale.add("anna", "whole", &phone("whole", whole));
    stage.calendar(&["sync", "--all"]);
    let (whole, _) = in_outlook(&outlook, "Whole");
    assert_eq!(days(&outlook, &whole, 9), ["2026-03-02", "2026-03-03", "2026-03-05", "2026-03-06", "2026-03-07"]);
    let exception = outlook.read_occurrence(&whole, "2026-03-05").unwrap();
    let shown = (&*exception.subject, &*exception.location, &*exception.start);
    assert_eq!(shown, ("Whole later", "Attic", "2026-03-05T22:00:00"));

    // E9: the thousandth occurrence and some is found by its number, not by going there.
    let before = stage.ews.count("GetItem") + stage.ews.count("FindItem");
    stage.radicale.edit("anna", "Years", |text| {
        let end = text.rfind("END:VEVENT").unwrap();
        let uid = text.lines().find(|line| line.starts_with("UID:")).unwrap();
        let exception = format!(
            "END:VEVENT\nBEGIN:VEVENT\n{uid}\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Moscow:20261215T090000\n\
             DTSTART;TZID=Europe/Moscow:20261215T110000\nDTEND;TZID=Europe/Moscow:20261215T120000\nSUMMARY:Third year\n"
        );
        format!("{}{exception}{}", &text[..end], &text[end..])
    });
    stage.settle();
    let asked = stage.ews.count("GetItem") + stage.ews.count("FindItem") - before;
    assert!(asked <= 16, "{asked} requests");
    assert_eq!(outlook.read_occurrence(&years, "2026-12-15").unwrap().subject, "Third year");
    assert_eq!(outlook.read_occurrence(&years, "2026-12-14").unwrap().subject, "Years");

    // E8 at its end.
    let kept = ["2026-03-02", "2026-03-04", "2026-03-07", "2026-03-08"];
    assert_eq!(days(&outlook, &rounds, 4), kept);
    let (_, text) = stage.radicale.event("anna", "Rounds");
    for day in ["20260303", "20260305", "20260306"] {
        assert!(text.contains(exdate(day, "09").trim_end()), "{day}: {text}");
    }
    // E22 the other way: one occurrence is somebody else's.
    stage.radicale.edit("anna", "Whole later", |text| {
        text.replace("LOCATION:Attic", "LOCATION:Cellar\nORGANIZER:mailto:boris@elsewhere.example")
    });
    stage.settle();
    assert_eq!(outlook.read_occurrence(&whole, "2026-03-05").unwrap().location, "Cellar");
    assert_eq!(stage.ews.outgoing(), []);
}

/// What Outlook shows and what dateutil makes of the rule that came of it are the same days.
#[test]
fn e14_e15_e16_the_patterns_of_outlook_become_rules_with_the_same_days() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let absolute = |day: u32| {
        format!(
            "<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>{day}</DayOfMonth></AbsoluteMonthlyRecurrence>"
        )
    };
    let relative = |days: &str, which: &str| {
        format!(
            "<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>{days}</DaysOfWeek>\
             <DayOfWeekIndex>{which}</DayOfWeekIndex></RelativeMonthlyRecurrence>"
        )
    };
    let fortnight = |first: &str| {
        format!(
            "<WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Sunday Tuesday</DaysOfWeek>\
             <FirstDayOfWeek>{first}</FirstDayOfWeek></WeeklyRecurrence>"
        )
    };
    let leap =
        "<AbsoluteYearlyRecurrence><DayOfMonth>29</DayOfMonth><Month>February</Month></AbsoluteYearlyRecurrence>";
    let yearly = "<RelativeYearlyRecurrence><DaysOfWeek>Tuesday</DaysOfWeek><DayOfWeekIndex>Second</DayOfWeekIndex>\
                  <Month>March</Month></RelativeYearlyRecurrence>";
    let patterns = [
        ("29th", "2027-01-29", absolute(29)),
        ("30th", "2027-01-30", absolute(30)),
        ("31st", "2027-01-31", absolute(31)),
        ("Leap", "2024-02-29", leap.to_owned()),
        ("Second Tuesday", "2026-03-10", relative("Tuesday", "Second")),
        ("First weekday", "2026-03-02", relative("Weekday", "First")),
        ("Last day", "2026-03-31", relative("Day", "Last")),
        ("Weekend", "2026-03-14", relative("WeekendDay", "Fourth")),
        ("Monday weeks", "2026-03-03", fortnight("Monday")),
        ("Sunday weeks", "2026-03-03", fortnight("Sunday")),
        ("Yearly", "2026-03-10", yearly.to_owned()),
    ];
    let mut made = Vec::new();
    for (title, day, pattern) in &patterns {
        let event = series(title, day, pattern, SIX);
        made.push((*title, outlook.add(&event).unwrap_or_else(|refused| panic!("{title}: {refused}"))));
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let mut seen = std::collections::BTreeSet::new();
    for (title, id) in &made {
        let (_, text) = stage.radicale.event("anna", title);
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let (start, rule) = (line("DTSTART;TZID=Europe/Moscow:"), line("RRULE:"));
        let theirs = python(&["expand", &start, &rule, "9"]);
        assert_eq!(days(&outlook, id, 9), theirs.lines().collect::<Vec<_>>(), "{title}: {rule}");
        assert_eq!(theirs.lines().count(), 6, "{title}");
        seen.insert(theirs);
    }
    assert_eq!(seen.len(), made.len(), "no two of them are the same");
    stage.check();
}

/// A phone's rules: Outlook shows the days that dateutil makes of them, or the event is put aside with its reason.
#[test]
fn e14_to_e18_e20_the_rules_of_phones_become_patterns_with_the_same_days_or_none() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let rules = [
        ("e14-clamp", "20260131", "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=4"),
        ("e14-thirty", "20260130", "FREQ=MONTHLY;BYMONTHDAY=30;COUNT=6"),
        ("e14-last", "20260131", "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=6"),
        ("e15-nth", "20260310", "FREQ=MONTHLY;BYDAY=2TU;COUNT=6"),
        ("e15-setpos", "20260310", "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;COUNT=6"),
        ("e15-weekday", "20260302", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=6"),
        ("e15-workdays", "20260302", "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=6"),
        ("e16-sunday", "20260303", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU;COUNT=6"),
        ("e16-monday", "20260303", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=MO;COUNT=6"),
        ("e17-two", "20260303", "FREQ=YEARLY;INTERVAL=2;COUNT=4"),
        ("e17-eight", "20260303", "FREQ=YEARLY;INTERVAL=8;COUNT=3"),
        // More than Exchange counts months: every year, and those between deleted.
        ("e17-nine", "20260303", "FREQ=YEARLY;INTERVAL=9;COUNT=3"),
        ("e18-both", "20260303", "FREQ=DAILY;COUNT=30;UNTIL=20260306T060000Z"),
    ];
    let lines = |uid: &str, day: &str, rule: &str| {
        format!(
            "DTSTART;TZID=Europe/Moscow:{day}T090000\nDTEND;TZID=Europe/Moscow:{day}T100000\nRRULE:{rule}\nSUMMARY:{uid}"
        )
    };
    let add = |uid: &str, lines: &str| stage.radicale.add("anna", uid, &phone(uid, lines));
    for (uid, day, rule) in rules {
        add(uid, &lines(uid, day, rule));
    }
    add("e18-many", &lines("e18-many", "20260303", "FREQ=DAILY;COUNT=1500"));
    let unfit = [("e20-off", lines("e20-off", "20260303", "FREQ=WEEKLY;BYDAY=FR"), "events of their own")];
    for (uid, lines, _) in &unfit {
        add(uid, lines);
    }
    stage.settle();
    for (uid, day, rule) in rules {
        let (id, _) = in_outlook(&outlook, uid);
        let theirs = python(&["expand", &format!("{day}T090000"), &rule.replace("T060000Z", "T090000"), "9"]);
        assert_eq!(days(&outlook, &id, 9), theirs.lines().collect::<Vec<_>>(), "{uid}: {rule}");
    }
    let (many, _) = in_outlook(&outlook, "e18-many");
    assert_eq!(days(&outlook, &many, 2000).len(), 1500);
    for (uid, _, why) in &unfit {
        let (code, text) = stage.parked_for(uid);
        assert!(code == "event-unfit" && text.contains(why), "{uid}: {code} {text}");
        // Where it came from it stays as it is.
        stage.radicale.of_uid("anna", uid);
    }
    assert_eq!(stage.parked().len(), unfit.len(), "{:#?}", stage.parked());
    // What is put right follows.
    let (href, _) = stage.radicale.of_uid("anna", "e20-off");
    stage.radicale.put("anna", &href, &phone("e20-off", &lines("e20-off", "20260303", "FREQ=WEEKLY;COUNT=4")));
    stage.settle();
    assert_eq!(days(&outlook, &in_outlook(&outlook, "e20-off").0, 9).len(), 4);
}

#[test]
fn e37_a_series_of_three_hundred_exceptions_crosses_both_ways() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    let long = outlook.add(&at("Long", 1, 9).daily(300)).unwrap();
    let all = days(&outlook, &long, 300);
    for day in &all {
        outlook.edit_occurrence(&long, day, |event| event.location = format!("Room {day}")).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let (_, text) = stage.radicale.event("anna", "Long");
    assert_eq!((text.matches("\nRECURRENCE-ID").count(), text.matches("\nLOCATION:Room 20").count()), (300, 300));
    // A phone copies all of it into a new series, and changes the old one in one place.
    let copy = text.lines().map(|line| if line.starts_with("UID:") { "UID:copy" } else { line }).collect::<Vec<_>>();
    stage.radicale.add("anna", "copy", &(copy.join("\n") + "\n").replace("SUMMARY:Long", "SUMMARY:Copy"));
    let (href, _) = stage.radicale.events("anna").into_iter().find(|(_, text)| text.contains("SUMMARY:Long")).unwrap();
    stage.radicale.put("anna", &href, &text.replace("LOCATION:Room 2026-12-01", "LOCATION:Cellar"));
    stage.settle();
    let (copy, _) = in_outlook(&outlook, "Copy");
    for day in &all {
        let there = outlook.read_occurrence(&copy, day).unwrap();
        assert_eq!((there.location, there.subject), (format!("Room {day}"), "Copy".to_owned()));
    }
    assert_eq!(outlook.read_occurrence(&long, "2026-12-01").unwrap().location, "Cellar");
    assert_eq!(outlook.read_occurrence(&long, "2026-12-02").unwrap().location, "Room 2026-12-02");
    stage.check();
}
