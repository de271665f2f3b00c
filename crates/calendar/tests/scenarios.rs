//! What calendars of the field hold, and what becomes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use jiff::civil::{DateTime, date};
use parom_calendar::event::*;
use parom_calendar::rule::print;
use parom_calendar::{EventHash, Frame, Scheduling, Unfit, When, Zone, from_ical, to_ical};

/// A VEVENT in Moscow on 30 March 2026, 10 to 11, with these lines.
fn event_with(lines: &str) -> Result<Event, Unfit> {
    calendar(&format!(
        "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Europe/Moscow:20260330T100000\nDTEND;TZID=Europe/Moscow:20260330T110000\n{lines}\nEND:VEVENT"
    ))
}

fn calendar(components: &str) -> Result<Event, Unfit> {
    from_ical(
        format!("BEGIN:VCALENDAR\n{components}\nEND:VCALENDAR\n").as_bytes(),
        Zone::named("Europe/Moscow").as_ref(),
    )
}

fn master(lines: &str) -> Details {
    event_with(lines).unwrap().master().unwrap().clone()
}

fn moscow(day: i8, hour: i8) -> DateTime {
    date(2026, 4, day).at(hour, 0, 0, 0)
}

#[test]
fn until_is_inclusive_and_in_utc() {
    // 10:00 in Moscow is 07:00 in UTC: the last Monday takes place.
    let event = event_with("RRULE:FREQ=WEEKLY;UNTIL=20260427T070000Z").unwrap();
    assert_eq!(event.original_starts().count(), 5);
    let event = event_with("RRULE:FREQ=WEEKLY;UNTIL=20260427T065959Z").unwrap();
    assert_eq!(event.original_starts().count(), 4);
    // Written as a date, or in local time, that day is meant too.
    for until in ["20260427", "20260427T100000"] {
        let event = event_with(&format!("RRULE:FREQ=WEEKLY;UNTIL={until}")).unwrap();
        assert_eq!(event.original_starts().count(), 5, "{until}");
        assert!(to_ical(&event, Scheduling::Server).contains("UNTIL=20260427T070000Z"));
    }
}

#[test]
fn an_occurrence_is_found_by_its_place_though_others_are_deleted() {
    let event = event_with("RRULE:FREQ=WEEKLY\nEXDATE:20260406T070000Z").unwrap();
    assert_eq!(event.index_of(moscow(13, 10)), Some(3));
    assert_eq!(event.index_of(moscow(6, 10)), Some(2));
    assert_eq!(event.index_of(moscow(7, 10)), None);
}

#[test]
fn a_series_keeps_its_wall_clock_when_clocks_change() {
    let event = calendar("BEGIN:VEVENT\nUID:1\nDTSTART;TZID=W. Europe Standard Time:20260323T100000\nRRULE:FREQ=WEEKLY;COUNT=2\nEND:VEVENT").unwrap();
    let moments: Vec<String> =
        event.original_starts().map(|at| event.frame().at(at).instant().unwrap().to_string()).collect();
    assert_eq!(moments, ["2026-03-23T09:00:00Z", "2026-03-30T08:00:00Z"]);
}

#[test]
fn thousands_of_attendees_are_read_and_merged_in_no_time() {
    let people: Vec<String> = (0..5000).map(|n| format!("ATTENDEE;CN=N:mailto:n{n}@x.example")).collect();
    let event = event_with(&people.join("\n")).unwrap();
    assert_eq!(event.master().unwrap().attendees.len(), 5000);
    let judge = parom_calendar::merge::Judge::of(parom_domain::Both::new(&event, &event), None);
    let merged = parom_calendar::merge::merge(Some(&event), parom_domain::Both::new(&event, &event), &judge);
    assert_eq!(merged.event.master().unwrap().attendees.len(), 5000);
}

#[test]
fn of_count_and_until_the_earlier_end_holds() {
    let count = |end: &str| event_with(&format!("RRULE:FREQ=DAILY;{end}")).unwrap().original_starts().count();
    assert_eq!(count("COUNT=3;UNTIL=20260410T070000Z"), 3);
    assert_eq!(count("COUNT=30;UNTIL=20260410T070000Z"), 12);
}

#[test]
fn deleted_occurrences_are_understood_in_every_form() {
    for exdate in [
        "EXDATE;TZID=Europe/Moscow:20260406T100000",
        "EXDATE:20260406T070000Z",
        "EXDATE;TZID=America/New_York:20260406T030000",
        "EXDATE;VALUE=DATE:20260406",
        "EXDATE:20260406T100000",
    ] {
        let event = event_with(&format!("RRULE:FREQ=WEEKLY\n{exdate}")).unwrap();
        assert_eq!(event.deleted.iter().collect::<Vec<_>>(), [&moscow(6, 10)], "{exdate}");
    }
    // Exchange writes times into series of whole days.
    let event = calendar(
        "BEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20260330\nRRULE:FREQ=WEEKLY\nEXDATE:20260405T210000Z\nEND:VEVENT",
    );
    assert_eq!(event.unwrap().deleted.iter().collect::<Vec<_>>(), [&moscow(6, 0)]);
}

#[test]
fn exceptions_are_found_by_their_original_start_in_any_zone() {
    let exception = |id: &str| {
        format!(
            "END:VEVENT\nBEGIN:VEVENT\nUID:1\n{id}\nDTSTART:20260407T100000Z\nDTEND:20260407T110000Z\nSUMMARY:moved"
        )
    };
    for id in [
        "RECURRENCE-ID:20260406T070000Z",
        "RECURRENCE-ID;TZID=Europe/Moscow:20260406T100000",
        "RECURRENCE-ID;VALUE=DATE:20260406",
    ] {
        let event = event_with(&format!("RRULE:FREQ=WEEKLY\nEXDATE:20260406T070000Z\n{}", exception(id))).unwrap();
        assert_eq!(event.exceptions[&moscow(6, 10)].subject, "moved", "{id}");
        // What is different is not deleted too.
        assert!(event.deleted.is_empty());
    }
}

#[test]
fn instances_without_their_series_are_an_event_too() {
    let event =
        calendar("BEGIN:VEVENT\nUID:1\nRECURRENCE-ID:20260406T070000Z\nDTSTART:20260406T080000Z\nEND:VEVENT").unwrap();
    assert_eq!(event.head, Head::Instances(Frame::Utc));
    assert_eq!(event.exceptions.len(), 1);
    assert_eq!(from_ical(to_ical(&event, Scheduling::Server).as_bytes(), None), Ok(event));
}

#[test]
fn ends_are_understood_in_every_form() {
    let end = |lines: &str| {
        calendar(&format!("BEGIN:VEVENT\nUID:1\n{lines}\nEND:VEVENT")).map(|event| event.master().unwrap().end.clone())
    };
    assert_eq!(end("DTSTART;VALUE=DATE:20260330"), Ok(When::Date(date(2026, 3, 31))));
    assert_eq!(end("DTSTART;VALUE=DATE:20260330\nDURATION:P2D"), Ok(When::Date(date(2026, 4, 1))));
    let at = date(2026, 3, 30).at(7, 0, 0, 0);
    assert_eq!(end("DTSTART:20260330T070000Z"), Ok(When::Utc(at)));
    assert_eq!(end("DTSTART:20260330T070000Z\nDURATION:PT90M"), Ok(When::Utc(date(2026, 3, 30).at(8, 30, 0, 0))));
    assert_eq!(end("DTSTART:20260330T070000Z\nDTEND:20260330T060000Z"), Err(Unfit::EndBeforeStart));
    assert_eq!(end("DTSTART:20260330T070000Z\nDTEND;VALUE=DATE:20260331"), Err(Unfit::MixedTypes));
    // A day is nominal, hours are exact: the clocks go forward in the night of 29 March.
    let berlin = |duration: &str| {
        end(&format!("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:{duration}")).unwrap().local()
    };
    assert_eq!(berlin("P1D"), date(2026, 3, 29).at(12, 0, 0, 0));
    assert_eq!(berlin("PT24H"), date(2026, 3, 29).at(13, 0, 0, 0));
}

#[test]
fn what_cannot_be_carried_has_a_reason() {
    for (lines, reason) in [
        ("RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", Unfit::SeveralRules),
        ("RRULE:FREQ=DAILY;INTERVAL=0", Unfit::BadRule),
        ("RRULE:FREQ=DAILY;COUNT=0", Unfit::BadRule),
        ("RRULE:RSCALE=CHINESE;FREQ=YEARLY", Unfit::RuleExtension),
        ("EXRULE:FREQ=DAILY", Unfit::ExclusionRule),
        ("RDATE;VALUE=PERIOD:20260406T070000Z/PT1H", Unfit::PeriodDates),
        ("EXDATE;TZID=Nowhere:20260406T100000", Unfit::UnknownZone),
        ("END:VEVENT\nBEGIN:VEVENT\nUID:1\nDTSTART:20260406T070000Z", Unfit::TwoMasters),
        ("END:VEVENT\nBEGIN:VEVENT\nUID:2\nDTSTART:20260406T070000Z", Unfit::SeveralObjects),
        (
            "END:VEVENT\nBEGIN:VEVENT\nUID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260406T070000Z\nDTSTART:20260406T070000Z",
            Unfit::ThisAndFuture,
        ),
        ("not a line", Unfit::BrokenLine),
    ] {
        assert_eq!(event_with(lines), Err(reason), "{lines}");
    }
    for (text, reason) in [
        ("", Unfit::NotICalendar),
        ("BEGIN:VCARD\nEND:VCARD", Unfit::NotICalendar),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR", Unfit::NoEvent),
        ("BEGIN:VCALENDAR\nCALSCALE:HEBREW\nEND:VCALENDAR", Unfit::OtherScale),
        (
            "BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nDTSTART:20260406T070000Z\nEND:VEVENT\nEND:VCALENDAR",
            Unfit::SchedulingMessage,
        ),
        ("BEGIN:VCALENDAR\nBEGIN:VJOURNAL\nUID:1\nEND:VJOURNAL\nEND:VCALENDAR", Unfit::NotAnEvent),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR", Unfit::NoStart),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260406T070000Z\nEND:VEVENT\nEND:VCALENDAR", Unfit::NoUid),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n", Unfit::BrokenStructure),
    ] {
        assert_eq!(from_ical(text.as_bytes(), None).map(|_| ()), Err(reason), "{text}");
    }
}

#[test]
fn five_kinds_of_busy_and_those_that_contradict() {
    for (lines, busy) in [
        ("TRANSP:TRANSPARENT", Busy::Free),
        ("TRANSP:OPAQUE", Busy::Opaque),
        ("", Busy::Opaque),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", Busy::OutOfOffice),
        ("TRANSP:OPAQUE\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", Busy::WorkingElsewhere),
        // A client that knows only TRANSP changed it.
        ("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:OOF", Busy::Free),
        ("TRANSP:OPAQUE\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", Busy::Opaque),
    ] {
        assert_eq!(master(lines).busy, busy, "{lines}");
    }
    assert_eq!(master("STATUS:TENTATIVE").shown_busy(), Busy::Tentative);
    assert_eq!(master("STATUS:TENTATIVE\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY").shown_busy(), Busy::Busy);
}

#[test]
fn personal_and_private_are_told_apart() {
    for (lines, sensitivity) in [
        ("CLASS:PUBLIC", Sensitivity::Normal),
        ("CLASS:PRIVATE", Sensitivity::Private),
        ("CLASS:PRIVATE\nX-PAROM-SENSITIVITY:PERSONAL", Sensitivity::Personal),
        ("CLASS:CONFIDENTIAL\nX-PAROM-SENSITIVITY:PERSONAL", Sensitivity::Confidential),
        ("CLASS:X-SECRET", Sensitivity::Private),
    ] {
        assert_eq!(master(lines).sensitivity, sensitivity, "{lines}");
    }
}

#[test]
fn the_one_reminder_of_exchange() {
    for (trigger, minutes) in [
        ("TRIGGER:-PT15M", Some(15)),
        ("TRIGGER:-P1DT2H", Some(26 * 60)),
        ("TRIGGER:PT0S", Some(0)),
        ("TRIGGER:PT5M", Some(0)),
        ("TRIGGER;RELATED=END:-PT1H15M", Some(15)),
        ("TRIGGER;VALUE=DATE-TIME:20260330T063000Z", Some(30)),
    ] {
        let details = master(&format!(
            "BEGIN:VALARM\nACTION:EMAIL\nTRIGGER:-P7D\nEND:VALARM\nBEGIN:VALARM\nACTION:DISPLAY\n{trigger}\nEND:VALARM"
        ));
        assert_eq!(details.reminder_minutes(), minutes, "{trigger}");
    }
    let mut details = master("BEGIN:VALARM\nACTION:EMAIL\nTRIGGER:-P7D\nEND:VALARM");
    assert_eq!(details.reminder_minutes(), None);
    details.set_reminder(Some(20));
    assert_eq!((details.reminder_minutes(), details.alarms.len()), (Some(20), 2));
    details.set_reminder(None);
    assert_eq!(details.alarms.len(), 1);
}

#[test]
fn a_missing_role_is_required_and_people_are_listed_once() {
    let lines = "ORGANIZER;CN=Boss;SCHEDULE-AGENT=CLIENT:MAILTO:boss@x.example\nATTENDEE;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=\"1.2\":mailto:A@x.example\nATTENDEE:mailto:a@X.example\nATTENDEE;PARTSTAT=X-MAYBE;CUTYPE=ROOM:urn:uuid:1";
    let details = master(lines);
    assert_eq!(details.organizer.unwrap().address, "boss@x.example");
    let [first, room] = details.attendees.as_slice() else { panic!("{:?}", details.attendees) };
    assert_eq!((first.role, first.answer, first.person.params.len()), (Role::Required, Answer::Accepted, 0));
    assert_eq!((room.kind, room.person.address.as_str()), (Kind::Room, "urn:uuid:1"));
    // A word that we do not know is written again.
    let text = to_ical(&event_with(lines).unwrap(), Scheduling::Server);
    assert!(text.contains("PARTSTAT=X-MAYBE") && !text.contains("SCHEDULE"), "{text}");
}

#[test]
fn what_was_spelled_is_spelled_so_again_until_it_changes() {
    let mut event = event_with("PRIORITY:2\nSUMMARY;LANGUAGE=ru:Да\nX-ODD;A=\"b,c\":\\;raw,").unwrap();
    let text = to_ical(&event, Scheduling::Server);
    for line in ["PRIORITY:2", "SUMMARY;LANGUAGE=ru:Да", "X-ODD;A=\"b,c\":\\;raw,"] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
    }
    event.master_mut().unwrap().importance = Importance::Low;
    event.master_mut().unwrap().subject = "No".into();
    let text = to_ical(&event, Scheduling::Server);
    assert!(text.contains("PRIORITY:9\r\n") && text.contains("SUMMARY:No\r\n"), "{text}");
}

#[test]
fn a_uid_is_written_as_it_was() {
    for (written, meant) in [("a,b", "a,b"), ("a\\,b", "a,b"), ("{1;2}", "{1;2}"), ("c:\\\\x", "c:\\x")] {
        let event = calendar(&format!("BEGIN:VEVENT\nUID:{written}\nDTSTART:20260406T070000Z\nEND:VEVENT")).unwrap();
        assert_eq!(event.uid, meant);
        assert!(to_ical(&event, Scheduling::Server).contains(&format!("UID:{written}\r\n")), "{written}");
    }
}

#[test]
fn the_hash_does_not_see_what_systems_write_for_themselves() {
    let hash = |lines: &str| EventHash::of(&event_with(lines).unwrap());
    let plain = hash("SUMMARY:a\nDESCRIPTION:one\\ntwo\nRRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-1");
    let noise = "DTSTAMP:20260101T000000Z\nLAST-MODIFIED:20260101T000000Z\nCREATED:20260101T000000Z\nSEQUENCE:7\nX-MOZ-LASTACK:20260101T000000Z\nX-MOZ-GENERATION:3";
    assert_eq!(
        hash(&format!(
            "{noise}\nDESCRIPTION:one \\ntwo\\n\nSUMMARY;LANGUAGE=en:a\nCLASS:PUBLIC\nTRANSP:OPAQUE\nRRULE:FREQ=MONTHLY;WKST=SU;BYDAY=-1MO"
        )),
        plain
    );
    for other in
        ["SUMMARY:b", "SUMMARY:a\nX-OTHER:1", "SUMMARY:a\nTRANSP:TRANSPARENT", "SUMMARY:a\nEXDATE:20260406T070000Z"]
    {
        assert_ne!(hash(&format!("{other}\nDESCRIPTION:one\\ntwo\nRRULE:FREQ=MONTHLY;BYDAY=-1MO")), plain, "{other}");
    }
}

/// A change of the recipe without a new version would make every stored hash a change.
#[test]
fn the_recipe_of_the_hash_is_what_it_was() {
    let event = event_with(
        "SUMMARY:a\nCATEGORIES:x,y\nRRULE:FREQ=WEEKLY;UNTIL=20260427T070000Z\nATTENDEE;PARTSTAT=DECLINED:mailto:a@x.example\nORGANIZER:mailto:b@x.example\nPRIORITY:1\nBEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nEND:VALARM",
    );
    let hash = EventHash::of(&event.unwrap());
    assert_eq!(parom_calendar::hash::VERSION, 1);
    assert_eq!(format!("{hash:?}"), "c80594d9715d9316");
}

#[test]
fn rules_that_say_the_same_are_the_same() {
    let rule = |text: &str| {
        print(event_with(&format!("RRULE:{text}")).unwrap().recurrence.unwrap().rule.as_ref().unwrap(), None)
    };
    for (text, canonical) in [
        ("FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=WEEKLY;BYDAY=WE,MO;WKST=SU", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=30"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-1", "FREQ=MONTHLY;BYDAY=-1MO"),
        ("FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=30"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("FREQ=DAILY;BYHOUR=10", "FREQ=DAILY"),
    ] {
        assert_eq!(rule(text), canonical, "{text}");
    }
}

#[test]
fn no_text_makes_it_panic() {
    let text = to_ical(
        &event_with("SUMMARY:Привет\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE:20260406T070000Z").unwrap(),
        Scheduling::Suppressed,
    );
    let bytes = text.as_bytes();
    // Each byte left out, and each replaced by others.
    for at in 0..bytes.len() {
        let _ = from_ical(&[&bytes[..at], &bytes[at + 1..]].concat(), None);
        for byte in [b';', b':', b'9', b'-', 0xFF] {
            let mut broken = bytes.to_vec();
            broken[at] = byte;
            if let Ok(event) = from_ical(&broken, None) {
                let again = from_ical(to_ical(&event, Scheduling::Server).as_bytes(), None);
                assert_eq!(again.as_ref(), Ok(&event), "{}", String::from_utf8_lossy(&broken));
            }
        }
    }
}
