//! Keeps a server that schedules by itself from writing to people because of us.

use crate::agenda::CalDavAgenda;
use crate::answers::heard_by;
use crate::quirks::Silence;
use parom_calendar::ical::{Component, Line, parse};
use parom_calendar::{Event, from_ical};
use parom_domain::agenda::CalendarId;
use parom_domain::{Code, Error, Retry};

/// Why an event is not written: the server would write to its participants. A key of a sentence in every language.
pub const WOULD_WRITE: &str = "server-would-write";
/// Another one: the server would answer the organizer in the name of who was invited.
pub const WOULD_ANSWER: &str = "server-would-answer";

/// What is known about a server's own letters.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The server schedules by itself (RFC 6638).
    pub schedules: bool,
    pub silence: Silence,
    /// The server mails to the organizer what the owner answers, and that they deleted it, whatever is asked of it.
    pub mails_answers: bool,
    /// The addresses of the calendars' owner, lower-case; empty where the server does not tell.
    pub addresses: Vec<String>,
}

/// A letter that a server would write because of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The key of a sentence.
    pub why: &'static str,
    /// Who would get it, where that is one person.
    pub to: Option<String>,
}

impl Letter {
    /// The event is not written, because nobody is mailed.
    pub fn error(self, agenda: &CalDavAgenda, calendar: &CalendarId, uid: &str) -> Error {
        let error = agenda.event_error(Code::EventUnfit, Retry::WhenFixed, calendar, uid).with("detail", self.why);
        self.to.into_iter().fold(error, |error, to| error.with("to", to))
    }
}

impl Watch {
    /// What would the server write if `now` (as it is stored) were replaced by `after`, or removed for `None`?
    #[must_use]
    pub fn letter(&self, now: Option<&[u8]>, after: Option<&Event>) -> Option<Letter> {
        if self.would_write(now, after) {
            return Some(Letter { why: WOULD_WRITE, to: None });
        }
        let now = now.filter(|_| self.schedules && self.mails_answers)?;
        let to = match from_ical(now, None) {
            Ok(now) => heard_by(&self.addresses, &now, after)?,
            // What cannot be read may be an invitation.
            Err(_) => meetings(now).find_map(|it| it.line("ORGANIZER").map(address))?,
        };
        Some(Letter { why: WOULD_ANSWER, to: Some(to) })
    }

    /// Would the server write to somebody if `now` (as it is stored) were replaced by `after`, or removed for `None`?
    fn would_write(&self, now: Option<&[u8]>, after: Option<&Event>) -> bool {
        if !self.schedules {
            return false;
        }
        match self.silence {
            Silence::Header => false,
            Silence::Impossible => {
                now.is_some_and(|now| meetings(now).next().is_some()) || after.is_some_and(Event::is_meeting)
            }
            Silence::Agent => now.is_some_and(|now| meetings(now).any(|component| self.is_theirs(&component))),
        }
    }

    /// Would the server answer an organizer for the owner, if what is stored were put into our hands? Cyrus 3.6 then declines.
    #[must_use]
    pub fn would_answer(&self, now: &[u8]) -> bool {
        let is_invitation = |component: Component| {
            let organizer = component.line("ORGANIZER");
            organizer.is_some_and(|line| is_the_servers(line) && !self.addresses.contains(&address(line)))
        };
        // Where no header silences a deletion either, nothing is exchanged: SOGo leaves an update alone that answers nothing.
        let by_agent = self.schedules && self.silence == Silence::Agent && !self.mails_answers;
        by_agent && meetings(now).any(is_invitation)
    }

    /// Is this a meeting of the owner whose participants hear from the server? They would get a cancellation both when it is
    /// removed and when it is put into our hands (RFC 6638 sections 3.2.1.2 and 3.2.1.3). Who was only invited may remove it
    /// in silence, by the header.
    fn is_theirs(&self, component: &Component) -> bool {
        let organizer = component.line("ORGANIZER").map(address).unwrap_or_default();
        let is_own = self.addresses.is_empty() || self.addresses.contains(&organizer);
        let hears = |line: &Line| line.name == "ATTENDEE" && is_the_servers(line) && address(line) != organizer;
        is_own && component.lines.iter().any(hears)
    }
}

/// The components of a stored event that have an organizer. What cannot be read is nobody's meeting for the server either.
fn meetings(text: &[u8]) -> impl Iterator<Item = Component> {
    let roots = parse(text).unwrap_or_default();
    let components = roots.into_iter().flat_map(|root| root.children);
    components.filter(|component| component.name == "VEVENT" && component.line("ORGANIZER").is_some())
}

fn is_the_servers(line: &Line) -> bool {
    line.param("SCHEDULE-AGENT").unwrap_or("SERVER").eq_ignore_ascii_case("SERVER")
}

/// An address as it is compared.
#[must_use]
pub fn address(line: &Line) -> String {
    plain(&line.value)
}

#[must_use]
pub fn plain(address: &str) -> String {
    let lower = address.trim().to_lowercase();
    lower.strip_prefix("mailto:").map_or(lower.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_calendar::from_ical;

    fn event(lines: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260101T100000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    #[test]
    fn who_would_be_written_to() {
        let own = event("ORGANIZER:mailto:Anna@x\r\nATTENDEE:mailto:anna@x\r\nATTENDEE:mailto:boris@x\r\n");
        let ours =
            event("ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:anna@x\r\nATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:boris@x\r\n");
        let invited = event("ORGANIZER:mailto:boris@x\r\nATTENDEE:mailto:anna@x\r\nATTENDEE:mailto:clara@x\r\n");
        let alone = event("");
        let watch = |schedules, silence, addresses: &[&str]| Watch {
            schedules,
            silence,
            mails_answers: false,
            addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
        };
        use Silence::{Agent, Header, Impossible};
        let table: [(&str, Watch, [bool; 4]); 5] = [
            ("no scheduling", watch(false, Impossible, &[]), [false; 4]),
            ("by agent", watch(true, Agent, &["anna@x"]), [true, false, false, false]),
            ("by agent, addresses unknown", watch(true, Agent, &[]), [true, false, true, false]),
            ("by header", watch(true, Header, &[]), [false; 4]),
            ("impossible", watch(true, Impossible, &["anna@x"]), [true, true, true, false]),
        ];
        for (name, watch, expected) in table {
            let told = [&own, &ours, &invited, &alone].map(|now| watch.would_write(Some(now.as_bytes()), None));
            assert_eq!(told, expected, "{name}");
        }
        let answers = |text: &str| watch(true, Agent, &["anna@x"]).would_answer(text.as_bytes());
        assert_eq!([&own, &ours, &invited, &alone].map(|now| answers(now)), [false, false, true, false]);
        assert!(!answers(&invited.replace("ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:")));
        assert!(!watch(true, Header, &["anna@x"]).would_answer(invited.as_bytes()));
        let after = from_ical(ours.as_bytes(), None).unwrap();
        assert!(watch(true, Impossible, &[]).would_write(None, Some(&after)));
        assert!(!watch(true, Agent, &[]).would_write(None, Some(&after)));
    }

    #[test]
    fn a_server_that_mails_answers_is_given_none() {
        let invited = event("ORGANIZER:mailto:boris@x\r\nATTENDEE:mailto:anna@x\r\n");
        let broken = invited.replace("DTSTART:20260101T100000Z", "DTSTART:never");
        let own = event("ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:anna@x\r\nATTENDEE:mailto:boris@x\r\n");
        let watch = |mails_answers| Watch {
            schedules: true,
            silence: Silence::Agent,
            mails_answers,
            addresses: vec!["anna@x".to_owned()],
        };
        let letter = Some(Letter { why: WOULD_ANSWER, to: Some("boris@x".to_owned()) });
        assert_eq!(watch(true).letter(Some(invited.as_bytes()), None), letter);
        assert_eq!(watch(true).letter(Some(broken.as_bytes()), None), letter);
        assert!(!watch(true).would_answer(invited.as_bytes()), "a deletion is not silent there");
        // What is new is silent, and so is what was said before.
        let same = from_ical(invited.as_bytes(), None).unwrap();
        assert_eq!(watch(true).letter(None, Some(&same)), None);
        assert_eq!(watch(true).letter(Some(invited.as_bytes()), Some(&same)), None);
        assert_eq!(watch(false).letter(Some(invited.as_bytes()), None), None);
        assert_eq!(
            watch(true).letter(Some(own.replace("ATTENDEE", "ATTENDEE;SCHEDULE-AGENT=CLIENT").as_bytes()), None),
            None
        );
    }
}
