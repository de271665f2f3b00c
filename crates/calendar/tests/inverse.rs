//! What is written is read back equal, by us and by an independent reader.

mod common;

use parom_calendar::{EventHash, Scheduling, from_ical, to_ical};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

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
        let theirs = calcard::icalendar::ICalendar::parse(&text);
        prop_assert!(theirs.is_ok(), "{}", text);
        let theirs = theirs.unwrap();
        let events = theirs.components.iter().filter(|component| component.component_type == calcard::icalendar::ICalendarComponentType::VEvent);
        prop_assert_eq!(events.count(), event.all_details().count());
    }
}
