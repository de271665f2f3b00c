//! What people know an event by: its title, and the day on which it begins.

use crate::event::{Details, Event, Sensitivity};
use crate::ical::values::parse_date;
use crate::ical::{Line, lines, spelling};
use crate::time::When;
use jiff::civil::Date;
use parom_domain::agenda::Label;

/// A longer title is cut, in characters.
const LONGEST: usize = 60;

/// A longer line of a broken text is no title, in bytes.
const LONGEST_LINE: usize = 16 << 10;

/// The label of an event. The day is that of its own zone; of a series, it is the first.
#[must_use]
pub fn label(event: &Event) -> Label {
    let first: Option<&Details> = event.master().or_else(|| event.exceptions.values().next());
    first.map_or_else(Label::default, |details| of(&details.subject, details.sensitivity, Some(day(&details.start))))
}

/// The label that these make.
#[must_use]
pub fn of(subject: &str, sensitivity: Sensitivity, day: Option<Date>) -> Label {
    let is_secret = matches!(sensitivity, Sensitivity::Private | Sensitivity::Confidential);
    let title = Some(title(subject)).filter(|title| !is_secret && !title.is_empty());
    Label { title, day: day.map(|day| day.to_string()) }
}

/// What a text that cannot be understood still tells of its first event.
#[must_use]
pub fn of_broken(text: &[u8]) -> Label {
    let (mut subject, mut sensitivity, mut day) = (None, Sensitivity::Normal, None);
    let mut open: Vec<String> = Vec::new();
    for line in lines::unfold_broken(text) {
        let Some(Ok(Line { name, value, .. })) = (line.len() <= LONGEST_LINE).then(|| Line::parse(&line)) else {
            continue;
        };
        let is_component = open.len() == 2 && open.last().is_some_and(|name| name != "VTIMEZONE");
        match name.as_str() {
            "BEGIN" => open.push(value.trim().to_ascii_uppercase()),
            // What follows is of another one.
            "END" if is_component && day.is_some() => break,
            "END" => _ = open.pop(),
            "SUMMARY" if is_component => subject = subject.or_else(|| Some(spelling::text(&value))),
            "CLASS" if is_component => sensitivity = spelling::sensitivity(&value),
            "DTSTART" if is_component => {
                day = day.or_else(|| parse_date(value.trim().get(..8).unwrap_or_default()).ok());
            }
            _ => {}
        }
    }
    of(&subject.unwrap_or_default(), sensitivity, day)
}

fn day(start: &When) -> Date {
    start.local().date()
}

/// One line of it.
fn title(subject: &str) -> String {
    let words: Vec<&str> =
        subject.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    let line = words.join(" ");
    // What turns the direction of writing would turn the sentence around it.
    let line: String = line
        .chars()
        .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    match line.char_indices().nth(LONGEST) {
        Some(_) => line.chars().take(LONGEST - 1).collect::<String>().trim_end().to_owned() + "\u{2026}",
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_ical;

    fn text(lines: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n")
    }

    fn told(label: &Label) -> (Option<&str>, Option<&str>) {
        (label.title.as_deref(), label.day.as_deref())
    }

    #[test]
    fn an_event_is_known_by_its_title_and_its_first_day_where_it_takes_place() {
        for (lines, title, day) in [
            ("DTSTART:20261130T100000Z\r\nSUMMARY:Lunch\r\n", Some("Lunch"), "2026-11-30"),
            ("DTSTART;VALUE=DATE:20261201\r\nSUMMARY: A\\n\tb \r\n", Some("A b"), "2026-12-01"),
            ("DTSTART;TZID=Asia/Tokyo:20261201T003000\r\nRRULE:FREQ=DAILY\r\nSUMMARY:x\r\n", Some("x"), "2026-12-01"),
            ("DTSTART:20261130T100000Z\r\n", None, "2026-11-30"),
            ("DTSTART:20261130T100000Z\r\nSUMMARY:x\r\nCLASS:PRIVATE\r\n", None, "2026-11-30"),
            ("DTSTART:20261130T100000Z\r\nSUMMARY:x\r\nCLASS:CONFIDENTIAL\r\n", None, "2026-11-30"),
            ("RECURRENCE-ID:20261130T100000Z\r\nDTSTART:20261202T100000Z\r\nSUMMARY:x\r\n", Some("x"), "2026-12-02"),
        ] {
            let event = from_ical(text(lines).as_bytes(), None).unwrap();
            assert_eq!(told(&label(&event)), (title, Some(day)), "{lines}");
            assert_eq!(told(&of_broken(text(lines).as_bytes())), (title, Some(day)), "{lines}");
        }
    }

    #[test]
    fn a_long_title_is_cut_and_nothing_in_it_disturbs_the_line() {
        assert_eq!(title(&"я".repeat(60)), "я".repeat(60));
        assert_eq!(title(&"я".repeat(61)), "я".repeat(59) + "…");
        assert_eq!(title("a\u{1b}[31m\r\nb\u{202e}c"), "a [31m bc");
    }

    #[test]
    fn what_cannot_be_read_is_named_by_what_can_be_read_of_it() {
        let alarm = "BEGIN:VALARM\r\nSUMMARY:ring\r\nEND:VALARM\r\n";
        let faulty =
            format!("DTSTART:20261130T100000Z\r\n{alarm}nonsense\r\nDTEND:20261129T100000Z\r\nSUMMARY:Lunch\r\n");
        let bytes = [text(&faulty).as_bytes(), b"\xff\r\n"].concat();
        assert!(from_ical(&bytes, None).is_err());
        assert_eq!(told(&of_broken(&bytes)), (Some("Lunch"), Some("2026-11-30")));
        let zone =
            "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE\n";
        let cut = format!("{zone}BEGIN:VEVENT\nSUMMARY:x\nDTSTART:2026");
        assert_eq!(told(&of_broken(cut.as_bytes())), (Some("x"), None));
        assert_eq!(of_broken(b""), Label::default());
    }
}
