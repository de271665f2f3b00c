//! What is written to Exchange is read back as the same event: what Exchange can hold from its fields, the rest from the residue.
#![allow(clippy::unwrap_used)]

#[path = "../../calendar/tests/common/mod.rs"]
mod common;

use parom_calendar::event::*;
use parom_calendar::ical::Line;
use parom_calendar::{EventHash, Scheduling, When, Zone, from_ical, to_ical};
use parom_exchange::convert::{Context, Draft, from_ews, to_ews};
use parom_exchange::item::{CalendarItem, ItemKind, Mailbox, changes, write_new};
use parom_exchange::xml::{self, Out};
use parom_exchange::{Version, item};
use proptest::prelude::*;
use std::sync::Arc;

fn context(home: Option<&str>) -> Context {
    Context {
        owner: vec!["owner@corp.example".into(), "alias@corp.example".into()],
        home: home.and_then(Zone::named),
        version: Version::Exchange2016,
        server_zones: None,
    }
}

/// What a server makes of what it is sent: through XML, with what it adds by itself.
fn stored(sent: &CalendarItem) -> CalendarItem {
    let mut out = Out::new();
    write_new(&mut out, sent, Version::NEWEST);
    let text = out.finish().replacen("<t:CalendarItem>", "<t:CalendarItem><t:ItemId Id=\"A\" ChangeKey=\"1\"/>", 1);
    let mut item = CalendarItem::read(&xml::read(text.as_bytes()).unwrap()).unwrap();
    item.attachments.clone_from(&sent.attachments);
    item.is_meeting = !(item.required.is_empty() && item.optional.is_empty() && item.resources.is_empty());
    // Whatever was said of the organizer: it is the owner.
    item.organizer =
        Some(Mailbox { name: "Owner".into(), address: "owner@corp.example".into(), routing: "SMTP".into() });
    item
}

fn server(draft: &Draft, context: &Context) -> (CalendarItem, Vec<CalendarItem>) {
    let mut master = stored(&draft.master);
    master.deleted_occurrences = draft.deleted.iter().map(|at| draft.instant(*at, context).unwrap()).collect();
    master.kind = if draft.series.is_some() { ItemKind::Master } else { ItemKind::Single };
    let exceptions = draft.exceptions.iter().map(|(original, item)| CalendarItem {
        kind: ItemKind::Exception,
        original_start: draft.instant(*original, context),
        ..stored(item)
    });
    let exceptions = exceptions.collect();
    (master, exceptions)
}

fn there_and_back(event: &Event, context: &Context) -> Option<Event> {
    let draft = to_ews(event, context).ok()?;
    let (master, exceptions) = server(&draft, context);
    Some(from_ews(&master, &exceptions, context).unwrap())
}

/// The organizer's name is the directory's on Exchange.
fn without_organizers_name(event: &Event) -> Event {
    let mut event = event.clone();
    let plain = |details: &mut Details| {
        if let Some(organizer) = &mut details.organizer {
            organizer.name.clear();
        }
    };
    event.master_mut().map(plain);
    event.exceptions.values_mut().for_each(plain);
    event
}

const HOMES: [Option<&str>; 4] = [None, Some("Europe/Moscow"), Some("America/New_York"), Some("Europe/Dublin")];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn an_event_comes_back(event in common::event(), home in prop::sample::select(&HOMES[..])) {
        let context = context(home);
        if let Some(again) = there_and_back(&event, &context) {
            let (ours, theirs) = (without_organizers_name(&event), without_organizers_name(&again));
            prop_assert!(
                EventHash::of(&ours) == EventHash::of(&theirs),
                "{}\n{}",
                to_ical(&event, Scheduling::Server),
                to_ical(&again, Scheduling::Server)
            );
        }
    }

    #[test]
    fn nothing_to_change_is_no_change(event in common::event()) {
        if let Ok(draft) = to_ews(&event, &context(Some("Europe/Moscow"))) {
            prop_assert!(changes(&draft.master, &Arc::new(draft.master.clone())).is_empty());
            prop_assert_eq!(to_ews(&event, &context(Some("Europe/Moscow"))), Ok(draft));
        }
    }

    #[test]
    fn every_occurrence_has_its_number(event in common::event()) {
        if let Ok(draft) = to_ews(&event, &context(Some("Europe/Moscow")))
            && let Some(series) = &draft.series
        {
            let rule = series.rule(draft.start);
            for (at, original) in rule.occurrences(draft.start).take(20).enumerate() {
                prop_assert_eq!(draft.index_of(original), u32::try_from(at + 1).ok());
            }
        }
    }
}

fn event(lines: &str) -> Event {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    from_ical(text.as_bytes(), None).unwrap()
}

const MONDAY: &str = "DTSTART;TZID=Europe/Moscow:20260302T100000\r\nDTEND;TZID=Europe/Moscow:20260302T110000\r\n";

fn draft(lines: &str) -> Draft {
    to_ews(&event(lines), &context(Some("Europe/Moscow"))).unwrap()
}

#[test]
fn what_exchange_can_hold_needs_no_residue() {
    let lines = format!(
        "{MONDAY}SUMMARY:Совещание\r\nDESCRIPTION:Текст\\nещё\r\nLOCATION:Комната\r\nCLASS:PRIVATE\r\nPRIORITY:1\r\n\
         TRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nCATEGORIES:Red,Синий\r\n\
         RRULE:FREQ=WEEKLY;COUNT=10\r\nEXDATE;TZID=Europe/Moscow:20260309T100000\r\n\
         BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
    );
    let draft = draft(&lines);
    assert_eq!(draft.master.residue, None);
    assert_eq!((draft.master.reminder, draft.deleted.len()), (Some(15), 1));
    assert_eq!(draft.master.start_zone.unwrap().id, "Russian Standard Time");
    assert_eq!(draft.master.start.unwrap().to_string(), "2026-03-02T07:00:00Z");
}

#[test]
fn what_is_changed_on_exchange_beats_the_residue_and_the_rest_of_it_stays() {
    let lines = format!("{MONDAY}SUMMARY:{}\r\nX-CLIENT:7\r\nSTATUS:CONFIRMED\r\n", "я".repeat(300));
    let context = context(Some("Europe/Moscow"));
    let draft = draft(&lines);
    let (mut master, _) = server(&draft, &context);
    assert_eq!(master.subject.chars().count(), 255);
    assert_eq!(from_ews(&master, &[], &context).unwrap().master().unwrap().subject.chars().count(), 300);
    master.subject = "Другое".into();
    let event = from_ews(&master, &[], &context).unwrap();
    let details = event.master().unwrap();
    assert_eq!(details.subject, "Другое");
    assert_eq!(details.status, Some(Status::Confirmed));
    assert!(details.extras.contains(&Line::new("X-CLIENT", "7")));
}

#[test]
fn floating_times_stay_floating_until_somebody_moves_them() {
    let context = context(Some("Europe/Moscow"));
    let draft = draft(
        "DTSTART:20260302T100000\r\nDTEND:20260302T110000\r\nRRULE:FREQ=DAILY;COUNT=5\r\nEXDATE:20260303T100000\r\n",
    );
    let (mut master, _) = server(&draft, &context);
    let event = from_ews(&master, &[], &context).unwrap();
    assert!(matches!(event.master().unwrap().start, When::Floating(_)));
    assert_eq!(event.deleted.len(), 1);
    let later = |at: Option<jiff::Timestamp>| at.map(|at| at + jiff::SignedDuration::from_hours(1));
    (master.start, master.end) = (later(master.start), later(master.end));
    master.deleted_occurrences.clear();
    let event = from_ews(&master, &[], &context).unwrap();
    assert_eq!(event.master().unwrap().start.zone().unwrap().label(), "Europe/Moscow");
}

#[test]
fn a_zone_that_shares_its_windows_id_comes_back() {
    let lines = MONDAY.replace("Europe/Moscow", "Europe/Dublin") + "RRULE:FREQ=WEEKLY\r\n";
    let draft = draft(&lines);
    assert_eq!(
        (draft.master.zones.as_deref(), draft.master.residue.as_deref()),
        (Some("Europe/Dublin;Europe/Dublin"), None)
    );
    let context = context(Some("Europe/Moscow"));
    let (mut master, _) = server(&draft, &context);
    let zone = |master: &CalendarItem| {
        from_ews(master, &[], &context).unwrap().master().unwrap().start.zone().unwrap().label().to_owned()
    };
    assert_eq!(zone(&master), "Europe/Dublin");
    // Moved to another zone in Outlook, the name beside it is of no account.
    master.start_zone = Some(item::ZoneSeen::known("Tokyo Standard Time"));
    assert_eq!(zone(&master), "Asia/Tokyo");
}

/// A Windows without updates does not know Volgograd.
#[test]
fn a_zone_that_the_server_does_not_know_is_no_zone_for_a_series() {
    let lines = MONDAY.replace("Europe/Moscow", "Europe/Volgograd");
    let context = Context {
        server_zones: Some(Arc::new(["Russian Standard Time".to_owned(), "UTC".to_owned()].into())),
        ..context(Some("Europe/Moscow"))
    };
    assert_eq!(
        to_ews(&event(&(lines.clone() + "RRULE:FREQ=DAILY\r\n")), &context).unwrap_err().as_str(),
        "zone-unknown-to-server"
    );
    // Which no update brings.
    let nowhere = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0123\r\n\
                   TZOFFSETTO:+0123\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    let own = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{nowhere}BEGIN:VEVENT\r\nUID:1\r\n{}RRULE:FREQ=DAILY\r\nEND:VEVENT\r\n\
         END:VCALENDAR\r\n",
        MONDAY.replace("Europe/Moscow", "Own")
    );
    let own = from_ical(own.as_bytes(), None).unwrap();
    assert_eq!(to_ews(&own, &context).unwrap_err().as_str(), "zone-unknown-to-windows");
    let single = to_ews(&event(&lines), &context).unwrap();
    let (master, _) = server(&single, &context);
    let again = from_ews(&master, &[], &context).unwrap();
    assert_eq!(again.master().unwrap().start.zone().unwrap().label(), "Europe/Volgograd");
}

/// Which zones a server has is asked before something is written, and Windows learns new ones.
#[test]
fn what_the_server_has_no_zone_for_is_read_as_it_was_written_whatever_is_known_of_its_zones() {
    let zones = |ids: &[&str]| Some(Arc::new(ids.iter().map(|id| (*id).to_owned()).collect()));
    let at_home = |server_zones| Context { server_zones, ..context(Some("Europe/Volgograd")) };
    let old = at_home(zones(&["Russian Standard Time", "UTC"]));
    let whole = "DTSTART;VALUE=DATE:20260302\r\nDTEND;VALUE=DATE:20260303\r\nX-CLIENT:7\r\n";
    let floating = "DTSTART:20260302T100000\r\nDTEND:20260302T110000\r\n";
    let flight = "DTSTART;TZID=Europe/Moscow:20260302T100000\r\nDTEND;TZID=Europe/Volgograd:20260302T120000\r\n";
    for lines in [
        MONDAY.replace("Europe/Moscow", "Europe/Volgograd"),
        MONDAY.replace("Europe/Moscow", "Pacific/Chatham"),
        floating.to_owned(),
        format!("{floating}RRULE:FREQ=DAILY;COUNT=5\r\nEXDATE:20260303T100000\r\n"),
        flight.to_owned(),
        format!("{flight}RRULE:FREQ=DAILY;COUNT=5\r\n"),
        whole.to_owned(),
        format!("{whole}RRULE:FREQ=DAILY;COUNT=5\r\nEXDATE;VALUE=DATE:20260303\r\n"),
    ] {
        let event = event(&lines);
        let (master, exceptions) = server(&to_ews(&event, &old).unwrap(), &old);
        assert_eq!(master.end_zone.as_ref().unwrap().id, "UTC", "{lines}");
        let all = ["Russian Standard Time", "Volgograd Standard Time", "Chatham Islands Standard Time", "UTC"];
        for known in [None, zones(&["Russian Standard Time", "UTC"]), zones(&all)] {
            let again = from_ews(&master, &exceptions, &at_home(known)).unwrap();
            assert_eq!(EventHash::of(&again), EventHash::of(&event), "{}", to_ical(&again, Scheduling::Server));
        }
    }
}

#[test]
fn what_the_server_has_no_zone_for_is_moved_in_outlook_and_stays_on_its_clock() {
    let context = context(Some("Europe/Moscow"));
    let old = Context { server_zones: Some(Arc::new(["UTC".to_owned()].into())), ..context.clone() };
    let lines = MONDAY.replace("Europe/Moscow", "Europe/Volgograd");
    let (mut master, _) = server(&to_ews(&event(&lines), &old).unwrap(), &old);
    let later = |at: Option<jiff::Timestamp>| at.map(|at| at + jiff::SignedDuration::from_hours(1));
    (master.start, master.end) = (later(master.start), later(master.end));
    let moved = from_ews(&master, &[], &context).unwrap();
    let start = &moved.master().unwrap().start;
    assert_eq!(
        (start.local().to_string().as_str(), start.zone().unwrap().label()),
        ("2026-03-02T11:00:00", "Europe/Volgograd")
    );
    // On a clock that it was given there it is on that one.
    (master.start_zone, master.end_zone) =
        (Some(item::ZoneSeen::known("Tokyo Standard Time")), Some(item::ZoneSeen::known("Tokyo Standard Time")));
    let moved = from_ews(&master, &[], &context).unwrap();
    assert_eq!(moved.master().unwrap().start.zone().unwrap().label(), "Asia/Tokyo");
}

#[test]
fn whole_days_are_the_owners_days_whoever_made_them() {
    let context = context(Some("Europe/Moscow"));
    let mut item = CalendarItem {
        uid: "1".into(),
        all_day: true,
        start: "2026-03-01T21:00:00Z".parse().ok(),
        end: "2026-03-02T21:00:00Z".parse().ok(),
        ..CalendarItem::default()
    };
    let date = |item: &CalendarItem| {
        let event = from_ews(item, &[], &context).unwrap();
        let details = event.master().unwrap();
        (details.start.local().date().to_string(), details.end.local().date().to_string())
    };
    let expected = ("2026-03-02".to_owned(), "2026-03-03".to_owned());
    for zone in ["Russian Standard Time", "UTC", "Nobody's Time"] {
        item.start_zone = Some(item::ZoneSeen::known(zone));
        assert_eq!(date(&item), expected, "{zone}");
    }
    // By a client in another zone, one hour off anybody's midnight.
    item.start = "2026-03-01T22:00:00Z".parse().ok();
    item.end = "2026-03-02T22:00:00Z".parse().ok();
    assert_eq!(date(&item), expected);
}

#[test]
fn only_meetings_have_people() {
    let context = context(Some("Europe/Moscow"));
    let owner = Mailbox { name: "Owner".into(), address: "owner@corp.example".into(), routing: "SMTP".into() };
    let item = CalendarItem {
        uid: "1".into(),
        start: "2026-03-01T21:00:00Z".parse().ok(),
        end: "2026-03-02T21:00:00Z".parse().ok(),
        organizer: Some(owner),
        ..CalendarItem::default()
    };
    assert!(!from_ews(&item, &[], &context).unwrap().is_meeting());
    let meeting = CalendarItem { is_meeting: true, ..item };
    assert!(from_ews(&meeting, &[], &context).unwrap().is_meeting());
}

/// Exchange would make the owner the organizer, and the owner's deletion a cancellation for everybody.
#[test]
fn somebody_elses_meeting_is_written_without_its_people() {
    let lines = format!(
        "{MONDAY}ORGANIZER;CN=Boss:mailto:boss@corp.example\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:Owner@corp.example\r\n\
         ATTENDEE;PARTSTAT=DECLINED:mailto:other@corp.example\r\n"
    );
    let context = context(Some("Europe/Moscow"));
    let draft = draft(&lines);
    assert!(draft.master.required.is_empty() && draft.master.residue.is_some());
    let (master, _) = server(&draft, &context);
    let details = from_ews(&master, &[], &context).unwrap().master().unwrap().clone();
    assert_eq!(details.organizer.unwrap().address, "boss@corp.example");
    assert_eq!(details.attendees.len(), 2);
}

#[test]
fn ones_own_answer_is_the_mailboxs() {
    let context = context(Some("Europe/Moscow"));
    let attendee = |address: &str| item::AttendeeSeen {
        mailbox: Mailbox { name: String::new(), address: address.into(), routing: "SMTP".into() },
        response: Answer::NeedsAction,
    };
    let item = CalendarItem {
        uid: "1".into(),
        start: "2026-03-01T21:00:00Z".parse().ok(),
        end: "2026-03-02T21:00:00Z".parse().ok(),
        is_meeting: true,
        response_requested: true,
        my_response: Answer::Tentative,
        organizer: Some(Mailbox { name: "Boss".into(), address: "boss@corp.example".into(), routing: "SMTP".into() }),
        required: vec![attendee("alias@corp.example"), attendee("ALIAS@corp.example"), attendee("x@corp.example")],
        resources: vec![attendee("room@corp.example")],
        ..CalendarItem::default()
    };
    let event = from_ews(&item, &[], &context).unwrap();
    let told: Vec<_> =
        event.master().unwrap().attendees.iter().map(|a| (a.person.address.as_str(), a.answer, a.kind)).collect();
    assert_eq!(
        told,
        [
            ("alias@corp.example", Answer::Tentative, Kind::Individual),
            ("x@corp.example", Answer::NeedsAction, Kind::Individual),
            ("room@corp.example", Answer::NeedsAction, Kind::Resource)
        ]
    );
}

#[test]
fn who_was_invited_with_a_group_has_an_answer_too() {
    let context = context(Some("Europe/Moscow"));
    let group = Mailbox { name: "All".into(), address: "all@corp.example".into(), routing: "SMTP".into() };
    let item = CalendarItem {
        uid: "1".into(),
        start: "2026-03-01T21:00:00Z".parse().ok(),
        end: "2026-03-02T21:00:00Z".parse().ok(),
        is_meeting: true,
        my_response: Answer::Accepted,
        organizer: Some(Mailbox { name: "Boss".into(), address: "boss@corp.example".into(), routing: "SMTP".into() }),
        required: vec![item::AttendeeSeen { mailbox: group, response: Answer::NeedsAction }],
        ..CalendarItem::default()
    };
    let event = from_ews(&item, &[], &context).unwrap();
    let own = &event.master().unwrap().attendees[1];
    assert_eq!((own.person.address.as_str(), own.answer), ("owner@corp.example", Answer::Accepted));
}

#[test]
fn a_changed_subject_is_one_change() {
    let (one, two) = (draft(&format!("{MONDAY}SUMMARY:a\r\n")), draft(&format!("{MONDAY}SUMMARY:b\r\n")));
    let changes = changes(&one.master, &Arc::new(two.master));
    assert_eq!(changes.iter().map(item::FieldChange::field).collect::<Vec<_>>(), [item::Field::Subject]);
}

#[test]
fn a_start_moves_with_its_zones_and_its_end() {
    let (one, two) = (draft(MONDAY), draft(&MONDAY.replace("T100000", "T090000")));
    let changes = changes(&one.master, &Arc::new(two.master));
    assert_eq!(changes.iter().map(item::FieldChange::field).collect::<Vec<_>>(), item::Field::TIME);
}

#[test]
fn attachments_left_out_are_told_and_never_written_back() {
    let context = context(None);
    let mut item = stored(&draft(MONDAY).master);
    item.attachments.push(item::AttachmentSeen {
        id: "F".into(),
        name: "big.iso".into(),
        content_type: String::new(),
        size: 5_000_000_000,
        is_file: true,
        content: None,
    });
    let event = from_ews(&item, &[], &context).unwrap();
    let line = &event.master().unwrap().extras[0];
    assert_eq!((line.value.as_str(), line.param("SIZE")), ("big.iso", Some("5000000000")));
    assert_eq!(to_ews(&event, &context).unwrap().master.residue, None);
}

/// Further dates and a start off the rule are a wider series with deletions there, and come back as what they were.
#[test]
fn further_dates_come_back_as_such_and_can_be_edited_there() {
    let context = context(Some("Europe/Moscow"));
    for lines in [
        format!("{MONDAY}RDATE;TZID=Europe/Moscow:20260305T100000,20260312T100000\r\n"),
        format!("{MONDAY}RRULE:FREQ=WEEKLY;COUNT=4\r\nRDATE;TZID=Europe/Moscow:20260311T100000\r\n"),
        format!("{MONDAY}RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=4\r\n"),
    ] {
        let event = event(&lines);
        let draft = to_ews(&event, &context).unwrap();
        assert!(!draft.deleted.is_empty(), "{lines}");
        let (mut master, mut exceptions) = server(&draft, &context);
        let back = from_ews(&master, &exceptions, &context).unwrap();
        assert_eq!(EventHash::of(&back), EventHash::of(&event), "{lines}");
        // Outlook: one occurrence is deleted, another gets a title.
        let [deleted, edited] = [1, 2].map(|at| event.original_starts().nth(at).unwrap());
        master.deleted_occurrences.push(draft.instant(deleted, &context).unwrap());
        let other = CalendarItem { subject: "other".into(), ..draft.occurrence(edited, &context).unwrap() };
        let original_start = draft.instant(edited, &context);
        exceptions.push(CalendarItem { kind: ItemKind::Exception, original_start, ..stored(&other) });
        let back = from_ews(&master, &exceptions, &context).unwrap();
        assert_eq!(back.recurrence, event.recurrence, "{lines}");
        assert_eq!(back.deleted.iter().collect::<Vec<_>>(), [&deleted], "{lines}");
        assert_eq!(back.exceptions.keys().collect::<Vec<_>>(), [&edited], "{lines}");
        assert_eq!(back.exceptions[&edited].subject, "other");
    }
}

/// Somebody was invited to one occurrence only.
#[test]
fn a_lone_occurrence_is_a_single_event_there_and_comes_back_as_what_it_was() {
    let context = context(Some("Europe/Moscow"));
    for at in ["RECURRENCE-ID;TZID=Europe/Moscow:20260303T100000", "RECURRENCE-ID:20260303T070000Z"] {
        let event = event(&format!("{at}\r\n{MONDAY}SUMMARY:once\r\nX-OWN:kept\r\n"));
        assert!(matches!(event.head, Head::Instances(_)));
        let draft = to_ews(&event, &context).unwrap();
        assert_eq!((draft.master.subject.as_str(), draft.series.is_none()), ("once", true));
        let (master, _) = server(&draft, &context);
        assert_eq!(EventHash::of(&from_ews(&master, &[], &context).unwrap()), EventHash::of(&event), "{at}");
        // An edit in Outlook is one of the occurrence.
        let edited = CalendarItem { subject: "twice".into(), ..master.clone() };
        let back = from_ews(&edited, &[], &context).unwrap();
        let (original, details) = back.exceptions.first_key_value().unwrap();
        assert_eq!((Some(original), details.subject.as_str()), (event.exceptions.keys().next(), "twice"));
        assert!(matches!(back.head, Head::Instances(_)) && to_ews(&back, &context).is_ok());
    }
    let two = format!(
        "RECURRENCE-ID:20260303T070000Z\r\n{MONDAY}END:VEVENT\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n\
         RECURRENCE-ID:20260310T070000Z\r\nDTSTART:20260310T080000Z\r\nDTEND:20260310T090000Z\r\n"
    );
    assert_eq!(to_ews(&event(&two), &context).unwrap_err().as_str(), "instances-only");
}

#[test]
fn what_has_no_place_says_why() {
    let crossing = "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\nRECURRENCE-ID;TZID=Europe/Moscow:20260303T100000\r\n\
        DTSTART;TZID=Europe/Moscow:20260304T080000\r\nDTEND;TZID=Europe/Moscow:20260304T090000\r\n";
    let table = [
        (format!("{MONDAY}RRULE:FREQ=DAILY;COUNT=5\r\n{crossing}"), "exception-crossing"),
        (format!("{MONDAY}RRULE:FREQ=HOURLY;COUNT=3\r\n"), "series-apart"),
        (format!("{MONDAY}RRULE:FREQ=WEEKLY\r\nRDATE;TZID=Europe/Moscow:20260305T100000\r\n"), "series-apart"),
        (format!("{MONDAY}RDATE;TZID=Europe/Moscow:20260305T110000\r\n"), "series-apart"),
        (
            format!(
                "{MONDAY}RRULE:FREQ=DAILY;COUNT=2\r\nEXDATE;TZID=Europe/Moscow:20260302T100000,20260303T100000\r\n"
            ),
            "no-occurrence",
        ),
        ("DTSTART:15000101T000000Z\r\nDTEND:15000101T010000Z\r\n".to_owned(), "out-of-range"),
        ("DTSTART:20200101T000000Z\r\nDTEND:20300101T010000Z\r\n".to_owned(), "too-long"),
    ];
    for (lines, reason) in table {
        let told = to_ews(&event(&lines), &context(None)).unwrap_err();
        assert_eq!(told.as_str(), reason, "{lines}");
    }
}
