//! The normal form of an event: what both systems mean, in words of neither.

use crate::ical::{Component, Line, Param};
use crate::rule::Rule;
use crate::time::{Frame, When};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// One calendar object: a single event, or a series with everything that is different in it. On a CalDAV server it is one
/// resource, on Exchange one item with its exceptions.
///
/// Occurrences are named by their original start: what a clock in the frame of the series showed when the rule made them
/// (midnight for whole days).
#[derive(Clone, PartialEq)]
pub struct Event {
    pub uid: String,
    pub head: Head,
    /// `None` for a single event.
    pub recurrence: Option<Recurrence>,
    /// Occurrences that are not as the master says, complete in themselves.
    pub exceptions: BTreeMap<DateTime, Details>,
    /// Occurrences that do not take place (EXDATE). None of them is an exception too.
    pub deleted: BTreeSet<DateTime>,
    /// Lines and components of the VCALENDAR around it that are not known.
    pub extras: Vec<Line>,
    pub extra_components: Vec<Component>,
}

/// What the occurrences without an exception look like.
#[derive(Clone, PartialEq)]
pub enum Head {
    Master(Box<Details>),
    /// Somebody was invited to single occurrences only: there is nothing but exceptions. Their original starts are in this
    /// frame.
    Instances(Frame),
}

/// How an event comes again: by a rule, on further dates (RDATE), or both. Not both are empty.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recurrence {
    pub rule: Option<Rule>,
    /// Further original starts.
    pub added: BTreeSet<DateTime>,
}

/// Everything that is told about one event, a master or an exception.
#[derive(Clone, PartialEq)]
pub struct Details {
    /// Text has `\n` as its line end and no other control characters; empty is the same as missing.
    pub subject: String,
    pub body: Body,
    pub location: String,
    pub start: When,
    /// Not before the start, and a date exactly if the start is one (then the day after the last).
    pub end: When,
    pub busy: Busy,
    pub sensitivity: Sensitivity,
    pub importance: Importance,
    /// In the order in which they were given, no two equal without regard to case.
    pub categories: Vec<String>,
    pub status: Option<Status>,
    /// Only meetings have one.
    pub organizer: Option<Person>,
    /// No two with the same address.
    pub attendees: Vec<Attendee>,
    pub alarms: Vec<Alarm>,
    pub url: String,
    /// Where the online meeting is joined.
    pub online_meeting: String,
    pub attachments: Vec<Attachment>,
    /// New times may not be proposed.
    pub no_counter: bool,
    pub sequence: u32,
    pub stamps: Stamps,
    /// Lines that the normal form has no word for.
    pub extras: Vec<Line>,
    /// Components that the normal form has no word for.
    pub extra_components: Vec<Component>,
    /// How iCalendar spelled what the normal form says in fewer words (`PRIORITY:2` for high, a LANGUAGE). Used again
    /// where it still means the same; no part of what the event is.
    pub spelling: Vec<Line>,
}

/// The description, as text and as HTML where both are known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body {
    pub text: String,
    /// Empty where there is none.
    pub html: String,
}

/// What others see of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Busy {
    Free,
    Tentative,
    Busy,
    OutOfOffice,
    WorkingElsewhere,
    /// Not free; which of the others has not been told (TRANSP:OPAQUE alone, from clients that know no more).
    Opaque,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sensitivity {
    #[default]
    Normal,
    Personal,
    Private,
    Confidential,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Importance {
    Low,
    #[default]
    Normal,
    High,
}

/// STATUS of RFC 5545 section 3.8.1.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Tentative,
    Confirmed,
    Cancelled,
}

/// Somebody with a calendar address: `user@example.org`, or another URI in full (`urn:uuid:...`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub address: String,
    pub name: String,
    /// Parameters that the normal form has no word for (SENT-BY, DIR, ...).
    pub params: Vec<Param>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    pub person: Person,
    pub role: Role,
    pub kind: Kind,
    pub answer: Answer,
    /// An answer is asked for.
    pub rsvp: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    Chair,
    #[default]
    Required,
    Optional,
    NonParticipant,
}

/// CUTYPE of RFC 5545 section 3.2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    #[default]
    Individual,
    Group,
    Resource,
    Room,
    Unknown,
}

/// PARTSTAT of RFC 5545 section 3.2.12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Answer {
    #[default]
    NeedsAction,
    Accepted,
    Declined,
    Tentative,
    Delegated,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Alarm {
    /// DISPLAY, AUDIO, EMAIL or another word, in capitals.
    pub action: String,
    pub trigger: Trigger,
    /// Everything else in it: description, repetition, and marks of clients.
    pub extras: Vec<Line>,
    pub extra_components: Vec<Component>,
}

/// When an alarm rings. Durations are negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    FromStart(crate::ical::values::Duration),
    FromEnd(crate::ical::values::Duration),
    /// In UTC.
    At(DateTime),
}

#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    pub media_type: String,
    pub content: Content,
    /// Parameters that the normal form has no word for (MANAGED-ID, SIZE, ...).
    pub params: Vec<Param>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    Link(String),
    Inline(Arc<[u8]>),
}

/// When and how often it was changed, as its side says. No part of what the event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// DTSTAMP.
    pub stamped: Option<Timestamp>,
    pub created: Option<Timestamp>,
    pub modified: Option<Timestamp>,
}

impl Event {
    /// A single event.
    #[must_use]
    pub fn single(uid: &str, details: Details) -> Event {
        Event {
            uid: uid.to_owned(),
            head: Head::Master(Box::new(details)),
            recurrence: None,
            exceptions: BTreeMap::new(),
            deleted: BTreeSet::new(),
            extras: Vec::new(),
            extra_components: Vec::new(),
        }
    }

    #[must_use]
    pub fn master(&self) -> Option<&Details> {
        match &self.head {
            Head::Master(details) => Some(details),
            Head::Instances(_) => None,
        }
    }

    pub fn master_mut(&mut self) -> Option<&mut Details> {
        match &mut self.head {
            Head::Master(details) => Some(details),
            Head::Instances(_) => None,
        }
    }

    /// The frame that original starts are told in.
    #[must_use]
    pub fn frame(&self) -> Frame {
        match &self.head {
            Head::Master(details) => details.start.frame(),
            Head::Instances(frame) => frame.clone(),
        }
    }

    /// The master and all exceptions.
    pub fn all_details(&self) -> impl Iterator<Item = &Details> {
        self.master().into_iter().chain(self.exceptions.values())
    }

    pub fn all_details_mut(&mut self) -> impl Iterator<Item = &mut Details> {
        let master = match &mut self.head {
            Head::Master(details) => Some(&mut **details),
            Head::Instances(_) => None,
        };
        master.into_iter().chain(self.exceptions.values_mut())
    }

    /// The original starts in order, deleted ones left out, those of exceptions not. Endless series do not end.
    pub fn original_starts(&self) -> Box<dyn Iterator<Item = DateTime> + '_> {
        let Some(master) = self.master() else { return Box::new(self.exceptions.keys().copied()) };
        let start = master.start.local();
        let Some(recurrence) = &self.recurrence else { return Box::new(std::iter::once(start)) };
        let by_rule: Box<dyn Iterator<Item = DateTime>> = match &recurrence.rule {
            Some(rule) => Box::new(rule.occurrences(start)),
            None => Box::new(std::iter::once(start)),
        };
        let all = merged(by_rule, recurrence.added.iter().copied());
        Box::new(all.filter(|at| !self.deleted.contains(at)))
    }

    /// The place of an occurrence among all that the rule makes, from 1 on, deleted ones counted too: how Exchange names it.
    #[must_use]
    pub fn index_of(&self, original: DateTime) -> Option<u32> {
        let start = self.master()?.start.local();
        let rule = self.recurrence.as_ref()?.rule.as_ref()?;
        let before = rule.occurrences(start).take_while(|at| *at <= original);
        let (count, last) = before.fold((0, None), |(count, _), at| (count + 1, Some(at)));
        (last == Some(original)).then_some(count)
    }

    /// Is it a meeting, rather than an appointment of one person?
    #[must_use]
    pub fn is_meeting(&self) -> bool {
        self.all_details().any(|details| details.organizer.is_some() || !details.attendees.is_empty())
    }

    /// The latest change that this side has noted anywhere in it.
    #[must_use]
    pub fn modified(&self) -> Option<Timestamp> {
        self.all_details().filter_map(|details| details.stamps.modified.or(details.stamps.stamped)).max()
    }
}

/// Two ordered streams as one, what is in both once.
fn merged(one: impl Iterator<Item = DateTime>, two: impl Iterator<Item = DateTime>) -> impl Iterator<Item = DateTime> {
    let (mut one, mut two) = (one.peekable(), two.peekable());
    std::iter::from_fn(move || {
        let next = match (one.peek(), two.peek()) {
            (Some(a), Some(b)) => *a.min(b),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return None,
        };
        one.next_if_eq(&next);
        two.next_if_eq(&next);
        Some(next)
    })
}

impl Details {
    /// An event with nothing but its time.
    #[must_use]
    pub fn new(start: When, end: When) -> Details {
        Details {
            subject: String::new(),
            body: Body::default(),
            location: String::new(),
            start,
            end,
            busy: Busy::Busy,
            sensitivity: Sensitivity::Normal,
            importance: Importance::Normal,
            categories: Vec::new(),
            status: None,
            organizer: None,
            attendees: Vec::new(),
            alarms: Vec::new(),
            url: String::new(),
            online_meeting: String::new(),
            attachments: Vec::new(),
            no_counter: false,
            sequence: 0,
            stamps: Stamps::default(),
            extras: Vec::new(),
            extra_components: Vec::new(),
            spelling: Vec::new(),
        }
    }

    #[must_use]
    pub fn is_all_day(&self) -> bool {
        self.start.is_date()
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.status == Some(Status::Cancelled)
    }

    /// What is shown where one of the five has to be.
    #[must_use]
    pub fn shown_busy(&self) -> Busy {
        match (self.busy, self.status) {
            (Busy::Opaque, Some(Status::Tentative)) => Busy::Tentative,
            (Busy::Opaque, _) => Busy::Busy,
            (told, _) => told,
        }
    }

    /// How long it is on the clock of its start; across changes of clocks for zones, by the wall elsewhere.
    #[must_use]
    pub fn length(&self) -> SignedDuration {
        match (self.start.instant(), self.end.instant()) {
            (Some(start), Some(end)) => start.duration_until(end),
            _ => self.start.local().duration_until(self.end.local()),
        }
    }

    /// The one reminder that Exchange can hold, in minutes before the start: that of the first alarm for a person. Alarms
    /// after the start count as at the start.
    #[must_use]
    pub fn reminder_minutes(&self) -> Option<u32> {
        let alarm = self.alarms.iter().find(|alarm| alarm.is_for_a_person())?;
        let seconds = match alarm.trigger {
            Trigger::FromStart(before) => before.total_seconds(),
            Trigger::FromEnd(before) => before.total_seconds() + self.length().as_secs(),
            Trigger::At(at) => {
                let start = self.start.local_in(&Frame::Utc);
                start.duration_until(at).as_secs()
            }
        };
        u32::try_from((-seconds).max(0) / 60).ok()
    }

    /// Sets the reminder that Exchange knows and leaves all other alarms as they are. `None` takes it away.
    pub fn set_reminder(&mut self, minutes: Option<u32>) {
        if self.reminder_minutes() == minutes {
            return;
        }
        let at = self.alarms.iter().position(Alarm::is_for_a_person);
        match (minutes, at) {
            (Some(minutes), Some(at)) => {
                if let Some(alarm) = self.alarms.get_mut(at) {
                    alarm.trigger = Trigger::minutes_before(minutes);
                }
            }
            (Some(minutes), None) => self.alarms.push(Alarm::reminder(minutes)),
            (None, _) => self.alarms.retain(|alarm| !alarm.is_for_a_person()),
        }
    }
}

impl Trigger {
    #[must_use]
    pub fn minutes_before(minutes: u32) -> Trigger {
        Trigger::FromStart(crate::ical::values::Duration { days: 0, seconds: -60 * i64::from(minutes) })
    }
}

impl Alarm {
    /// The alarm that stands for a reminder of Exchange.
    #[must_use]
    pub fn reminder(minutes: u32) -> Alarm {
        Alarm {
            action: "DISPLAY".into(),
            trigger: Trigger::minutes_before(minutes),
            // RFC 5545 section 3.6.6 asks for one.
            extras: vec![Line::new("DESCRIPTION", "Reminder")],
            extra_components: Vec::new(),
        }
    }

    #[must_use]
    pub fn is_for_a_person(&self) -> bool {
        matches!(self.action.as_str(), "DISPLAY" | "AUDIO")
    }
}

impl Person {
    #[must_use]
    pub fn new(address: &str, name: &str) -> Person {
        Person { address: address.to_owned(), name: name.to_owned(), params: Vec::new() }
    }

    /// Addresses are compared without regard to case.
    #[must_use]
    pub fn is(&self, other: &Person) -> bool {
        self.key() == other.key()
    }

    #[must_use]
    pub fn key(&self) -> String {
        self.address.to_lowercase()
    }
}

impl Attendee {
    #[must_use]
    pub fn new(address: &str, name: &str) -> Attendee {
        Attendee {
            person: Person::new(address, name),
            role: Role::default(),
            kind: Kind::default(),
            answer: Answer::default(),
            rsvp: false,
        }
    }
}

impl Content {
    /// BLAKE3 of the bytes, or of the link.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        match self {
            Content::Link(uri) => blake3::hash(uri.as_bytes()),
            Content::Inline(bytes) => blake3::hash(bytes),
        }
    }
}

// For logs: shapes, and nothing of what an event says.

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("uid", &self.uid)
            .field("master", &self.master())
            .field("recurrence", &self.recurrence)
            .field("exceptions", &self.exceptions)
            .field("deleted", &self.deleted)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Head::Master(details) => details.fmt(f),
            Head::Instances(frame) => frame.fmt(f),
        }
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Details")
            .field("start", &self.start)
            .field("end", &self.end)
            .field("busy", &self.busy)
            .field("attendees", &self.attendees.len())
            .field("alarms", &self.alarms)
            .field("attachments", &self.attachments.len())
            .field("extras", &self.extras)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} octets, {} of HTML)", self.text.len(), self.html.len())
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.action, self.trigger)
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({})", self.media_type)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Content::Link(_) => "Link",
            Content::Inline(_) => "Inline",
        })
    }
}
