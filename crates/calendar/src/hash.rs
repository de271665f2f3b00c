//! What an event is, in 32 bytes: equal for events that mean the same, whatever their clients and servers add.

use crate::event::{Alarm, Answer, Attachment, Attendee, Details, Event, Person};
use crate::ical::{Component, Line, Param};
use crate::rule::{self, Ends, Rule};
use crate::time::When;
use crate::zone::Zone;
use jiff::civil::DateTime;
use std::fmt;

/// The version of the recipe. It is part of the hash, so that a stored one never meets one that was made otherwise.
pub const VERSION: u8 = 1;

/// BLAKE3 over the normal form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventHash([u8; 32]);

impl EventHash {
    #[must_use]
    pub fn of(event: &Event) -> EventHash {
        let mut recipe = Recipe(blake3::Hasher::new());
        recipe.byte(VERSION);
        recipe.text(&event.uid);
        recipe.option(event.master(), Recipe::details);
        recipe.frame(event);
        recipe.option(event.recurrence.as_ref(), |recipe, recurrence| {
            recipe.option(recurrence.rule.as_ref(), Recipe::rule);
            recipe.moments(recurrence.added.iter());
        });
        recipe.count(event.exceptions.len());
        for (original, details) in &event.exceptions {
            recipe.moment(*original);
            recipe.details(details);
        }
        recipe.moments(event.deleted.iter());
        recipe.extras(&event.extras, &event.extra_components);
        EventHash(*recipe.0.finalize().as_bytes())
    }

    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> EventHash {
        EventHash(bytes)
    }

    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Is this line one that clients and servers write for themselves?
#[must_use]
pub fn is_ignored(line: &Line) -> bool {
    const NAMES: [&str; 12] = [
        "REV",
        "ACKNOWLEDGED",
        "X-MOZ-LASTACK",
        "X-MOZ-GENERATION",
        "X-MOZ-RECEIVED-DTSTAMP",
        "X-MOZ-RECEIVED-SEQUENCE",
        "X-RADICALE-NAME",
        "X-LIC-ERROR",
        "X-CALENDARSERVER-DTSTAMP",
        "X-MICROSOFT-CDO-APPT-SEQUENCE",
        "X-MICROSOFT-CDO-OWNERAPPTID",
        "REQUEST-STATUS",
    ];
    NAMES.contains(&line.name.as_str()) || line.name.starts_with("X-WR-") || line.name.starts_with("X-MOZ-SNOOZE-")
}

/// Text without what systems do to it: spaces at line ends, empty lines at the end.
#[must_use]
pub fn plain_text(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Every value is preceded by its length or kind, so that no two different events run together.
struct Recipe(blake3::Hasher);

impl Recipe {
    fn byte(&mut self, byte: u8) {
        self.0.update(&[byte]);
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn texts<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        let mut texts: Vec<T> = texts.into_iter().collect();
        texts.sort_unstable_by(|one, two| one.as_ref().cmp(two.as_ref()));
        self.count(texts.len());
        texts.iter().for_each(|text| self.text(text.as_ref()));
    }

    fn option<T: ?Sized>(&mut self, value: Option<&T>, tell: impl FnOnce(&mut Recipe, &T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            tell(self, value);
        }
    }

    fn moment(&mut self, at: DateTime) {
        self.text(&at.to_string());
    }

    fn moments<'a>(&mut self, all: impl ExactSizeIterator<Item = &'a DateTime>) {
        self.count(all.len());
        all.for_each(|at| self.moment(*at));
    }

    /// Local time and the zone's name: a new edition of the zone database changes no hash.
    fn when(&mut self, when: &When) {
        self.moment(when.local());
        match when {
            When::Date(_) => self.byte(0),
            When::Floating(_) => self.byte(1),
            When::Utc(_) => self.byte(2),
            When::Zoned(_, zone) => {
                self.byte(3);
                self.zone(zone);
            }
        }
    }

    fn zone(&mut self, zone: &Zone) {
        match zone {
            Zone::Iana(_) => self.text(zone.label()),
            // What it is called differs from client to client.
            Zone::Custom(definition) => {
                for observance in definition.observances() {
                    self.moment(observance.onset);
                    self.text(&format!("{} {}", observance.from, observance.to));
                    self.option(observance.rule.as_ref(), Recipe::rule);
                    self.moments(observance.dates.iter());
                }
            }
        }
    }

    fn frame(&mut self, event: &Event) {
        self.when(&event.frame().at(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)));
    }

    fn rule(&mut self, rule: &Rule) {
        self.text(&rule::print(rule, None));
        match rule.ends {
            Ends::At(at) => self.moment(at),
            // Told by the words of the rule.
            Ends::Never | Ends::After(_) | Ends::On(_) => {}
        }
    }

    fn details(&mut self, details: &Details) {
        self.text(plain_text(&details.subject).trim());
        self.text(&plain_text(&details.body.text));
        self.text(&plain_text(&details.body.html));
        self.text(plain_text(&details.location).trim());
        self.when(&details.start);
        self.when(&details.end);
        self.text(&format!("{:?}", details.shown_busy()));
        self.text(&format!("{:?} {:?} {:?}", details.sensitivity, details.importance, details.status));
        self.texts(&details.categories);
        self.option(details.organizer.as_ref(), Recipe::person);
        self.attendees(details);
        self.count(details.alarms.len());
        details.alarms.iter().for_each(|alarm| self.alarm(alarm));
        self.text(&details.url);
        self.text(&details.online_meeting);
        self.texts(details.attachments.iter().map(attachment));
        self.byte(u8::from(details.no_counter));
        self.extras(&details.extras, &details.extra_components);
    }

    fn person(&mut self, person: &Person) {
        self.text(&person.key());
        self.text(&person.name);
        self.params(&person.params);
    }

    fn params(&mut self, params: &[Param]) {
        self.texts(params.iter().map(|param| format!("{}={}", param.name, param.values.join("\u{1}"))));
    }

    /// In the order of their addresses. The organizer's own line is left out: one side has it, the other has not.
    fn attendees(&mut self, details: &Details) {
        let organizer = details.organizer.as_ref().map(Person::key);
        let mut all: Vec<&Attendee> = details.attendees.iter().collect();
        all.retain(|attendee| organizer.as_ref() != Some(&attendee.person.key()));
        all.sort_by_key(|attendee| attendee.person.key());
        self.count(all.len());
        for attendee in all {
            self.person(&attendee.person);
            // Whether an answer is asked for no longer matters when it is there.
            let rsvp = attendee.rsvp && attendee.answer == Answer::NeedsAction;
            self.text(&format!("{:?} {:?} {:?} {rsvp}", attendee.role, attendee.kind, attendee.answer));
        }
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.text(&alarm.action);
        self.text(&format!("{:?}", alarm.trigger));
        self.extras(&alarm.extras, &alarm.extra_components);
    }

    fn extras(&mut self, lines: &[Line], components: &[Component]) {
        self.texts(lines.iter().filter(|line| !is_ignored(line)).map(written));
        self.texts(components.iter().map(|component| {
            let mut out = String::new();
            component.write(&mut out);
            out
        }));
    }
}

fn written(line: &Line) -> String {
    let mut out = String::new();
    line.write(&mut out);
    out
}

fn attachment(attachment: &Attachment) -> String {
    format!("{}\u{1}{}\u{1}{}", attachment.name, attachment.media_type, attachment.content.hash())
}
