//! What is written is read back equal, by us and by an independent reader.

mod common;

use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty};
use parom_calendar::{EventHash, Scheduling, from_ical, to_ical};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn an_event_comes_back_from_its_text(event in common::event()) {
        for scheduling in [Scheduling::Server, Scheduling::Suppressed] {
            let text = to_ical(&event, scheduling);
            let again = from_ical(text.as_bytes(), None);
            prop_assert!(again.as_ref() == Ok(&event), "{:?}\n{:?}\n{}", event, again, text);
            prop_assert_eq!(EventHash::of(&again.unwrap()), EventHash::of(&event));
            prop_assert!(text.lines().all(|line| line.len() <= 75), "{}", text);
        }
    }

    #[test]
    fn nobody_is_mailed_unless_the_server_may(event in common::event()) {
        let text = to_ical(&event, Scheduling::Suppressed).replace("\r\n ", "");
        for line in text.lines().filter(|line| line.starts_with("ATTENDEE") || line.starts_with("ORGANIZER")) {
            prop_assert!(line.contains(";SCHEDULE-AGENT=CLIENT"), "{}", line);
        }
        prop_assert!(!to_ical(&event, Scheduling::Server).contains("SCHEDULE-AGENT"));
    }

    #[test]
    fn an_independent_reader_reads_the_same(event in common::event()) {
        let text = to_ical(&event, Scheduling::Server);
        let theirs = ICalendar::parse(&text);
        prop_assert!(theirs.is_ok(), "{}", text);
        let theirs = theirs.unwrap();
        let is_event = |component: &&ICalendarComponent| component.component_type == ICalendarComponentType::VEvent;
        let all: Vec<&ICalendarComponent> = theirs.components.iter().filter(is_event).collect();
        prop_assert_eq!(all.len(), event.all_details().count());
        for (theirs, ours) in all.into_iter().zip(event.all_details()) {
            let text = |property| {
                let entry = theirs.property(&property)?;
                Some(entry.values.first()?.as_text()?.to_owned())
            };
            prop_assert_eq!(text(ICalendarProperty::Uid), Some(event.uid.clone()));
            prop_assert_eq!(text(ICalendarProperty::Summary).unwrap_or_default(), ours.subject.clone());
            prop_assert_eq!(text(ICalendarProperty::Location).unwrap_or_default(), ours.location.clone());
            prop_assert_eq!(theirs.properties(&ICalendarProperty::Attendee).count(), ours.attendees.len());
        }
    }
}
