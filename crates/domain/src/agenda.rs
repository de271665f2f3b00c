//! What the engine asks of one side's calendars. An event has a version, and its text travels in the normal form that the
//! calendar crate defines: the engine compares hashes and never reads it.

use crate::{Both, Result, Side};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// What a side calls a calendar: an EWS folder id, the path of a CalDAV collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CalendarId(pub Arc<str>);

/// Where an event is on a side: an EWS item id, the path of a CalDAV resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(pub Arc<str>);

/// What changes with every change of an event: an EWS change key, a strong ETag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub Arc<str>);

/// From where the next look goes on: a SyncState, a sync-token, a CTag. Only its side can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(pub Arc<str>);

/// A calendar as a side lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarSeen {
    pub id: CalendarId,
    pub name: String,
    /// The one into which invitations come.
    pub is_default: bool,
    pub writable: bool,
}

/// An event as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSeen {
    pub handle: Handle,
    pub version: Version,
}

/// What one look at a calendar found.
#[derive(Clone, Debug, Default)]
pub struct AgendaLook {
    /// All events, or those new or changed since the token that was asked about.
    pub present: Vec<EventSeen>,
    /// Events that the side itself said to be gone since then.
    pub gone: Vec<Handle>,
    /// `present` is everything: only then is absence from it evidence.
    pub complete: bool,
    /// Taken before anything above was read. `None` where the side has none: then every look is complete.
    pub token: Option<Token>,
}

/// An event in its normal form.
#[derive(Clone, PartialEq, Eq)]
pub struct Form {
    /// In canonical spelling: equal on both sides for one event.
    pub uid: String,
    /// Equal for events that mean the same.
    pub hash: [u8; 32],
    /// iCalendar, as the calendar crate writes it without loss.
    pub text: Arc<str>,
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people plan is nobody's business in a log.
        write!(f, "Form({:02x}{:02x}{:02x}{:02x})", self.hash[0], self.hash[1], self.hash[2], self.hash[3])
    }
}

/// What a person knows an event by, who cannot know its UID.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// One line, cut where it is long. `None` where there is none, and of what is nobody else's to read.
    pub title: Option<String>,
    /// The day on which it begins where it takes place, or its series does: `2026-11-30`.
    pub day: Option<String>,
}

impl Label {
    /// The names of its parts as arguments of a sentence.
    pub const TITLE: &str = "title";
    pub const DAY: &str = "day";

    /// What there is of it, as arguments of a sentence.
    pub fn args(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = [(Label::TITLE, &self.title), (Label::DAY, &self.day)];
        parts.into_iter().filter_map(|(name, part)| Some((name, part.as_deref()?)))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({})", self.day.as_deref().unwrap_or("-"))
    }
}

/// What reading an event gave.
#[derive(Debug)]
pub struct EventRead {
    pub handle: Handle,
    pub version: Version,
    /// The error says why this one event cannot be carried as it is.
    pub form: Result<Form>,
    /// A write of ours has begun here and not come to its end: what is missing in the form was perhaps never written.
    pub half: bool,
}

/// What a side can do with calendars. Known after the first call that connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgendaAbilities {
    /// The owner may have more calendars made.
    pub makes_calendars: bool,
    /// An event moves between calendars in one step.
    pub moves: bool,
    /// Looks since a token are deltas.
    pub tells_changes: bool,
    /// Events asked for at once.
    pub batch_items: usize,
    /// The largest event the side takes, in bytes of its own format.
    pub max_bytes: Option<u64>,
    /// Each UID may be in one calendar of a person only.
    pub unique_uids: bool,
    /// A write may take several requests, and end between them.
    pub writes_in_steps: bool,
}

/// How something was left after a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub handle: Handle,
    /// `None` where the side does not tell and the event has to be looked at again.
    pub version: Option<Version>,
}

/// The calendars of one account on one side. Nothing that it does is told to anybody: no invitation, no answer, no
/// cancellation leaves because of it.
///
/// A write names the version it believes in. Where the event has another one, the answer is
/// [`Code::EventChanged`](crate::Code::EventChanged) and nothing was done.
///
/// Where a write takes several requests, the first one marks the event and the last one takes the mark away, so that whoever
/// reads it in between knows it to be half. A write that is refused on its way is
/// [`Code::EventHalf`](crate::Code::EventHalf).
#[async_trait]
pub trait Agenda: Send + Sync {
    /// A transiently incomplete answer must come as an error, never as a short list.
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)>;

    /// With a token the answer may be a delta; without, it lists everything. A token that the side does not know any more
    /// makes the look complete.
    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook>;

    /// Events in full. One that is gone is missing from the answer.
    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>>;

    /// Events with this UID, wherever in the calendar: for recovery, and before a deletion is believed.
    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>>;

    /// Creates an event. One of its UID that is there already is [`Code::EventExists`](crate::Code::EventExists).
    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written>;

    /// Makes an event what `form` says. `base` is what the side has now: what does not differ is not touched.
    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written>;

    /// Removes an event, into the side's trash where it has one. One that is gone already is no error.
    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()>;

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen>;

    /// What the last listing of the calendars showed, as something that is another whenever anything in any of them is another.
    /// `None` where the side shows nothing of the kind; then only looks can tell.
    fn sign(&self) -> Option<Token> {
        None
    }

    /// Lets go of what is kept open for the next call. There may be none for long.
    fn rest(&self) {}

    /// The event as its side keeps it, with what the normal form has no word for: a text that only that side can read.
    /// `None` where it gives no such thing.
    async fn export(&self, _calendar: &CalendarId, _seen: &EventSeen) -> Result<Option<Arc<str>>> {
        Ok(None)
    }

    /// Puts an exported event back, as a new one beside whatever is there.
    async fn restore(&self, _calendar: &CalendarId, _export: &str) -> Result<Written> {
        Err(crate::Error::internal("a side that exports nothing was given an export"))
    }
}

/// What a three-way merge came to.
#[derive(Clone, Debug)]
pub struct Merged {
    pub form: Form,
    /// The side whose version of something was given up, and is to be archived.
    pub lost: Option<Side>,
}

/// Merges versions of one event; given by the calendar crate.
pub trait Merge: Send + Sync {
    /// # Errors
    ///
    /// A form that is not in the normal form.
    fn merge(&self, base: Option<&Form>, forms: Both<&Form>) -> Result<Merged>;

    /// What an event says that was written only half: `wanted`, with what people have changed since the write began. `was` is
    /// what it said before, if it was there.
    ///
    /// # Errors
    ///
    /// A form that is not in the normal form.
    fn whole(&self, half: &Form, was: Option<&Form>, wanted: &Form) -> Result<Form>;

    /// How people are told of an event of this normal form. `None` where it says nothing that names it.
    fn label(&self, text: &str) -> Option<Label>;
}
