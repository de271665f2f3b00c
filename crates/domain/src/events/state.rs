//! What is remembered of an account's calendars, and the changes of it that the store commits as one.

use super::{CalendarNumber, CalendarPair, End, EventLink, EventNumber};
use crate::agenda::{Handle, Label, Token, Version};
use crate::state::Held;
use crate::{Both, Error, Side};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A write that is announced before it is tried, because repeating it blindly could do harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgendaIntent {
    /// Unique within the account, ascending.
    pub id: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub event: EventNumber,
    pub uid: String,
    pub side: Side,
    pub work: AgendaWork,
    /// What the event is to say, and its hash.
    pub hash: [u8; 32],
    pub text: Arc<str>,
    /// What the side had when this was decided, where it may be found between the two.
    pub was: Option<Arc<str>>,
    /// What the sides showed when this was decided. The ends become the link's when the write is settled.
    pub ends: Both<Option<End>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgendaWork {
    Create {
        calendar: CalendarNumber,
    },
    /// The event that `ends` has on the side.
    Update,
    /// Of the event that `ends` has on the side, to this calendar. It is open until the old one is gone.
    Move {
        to: CalendarNumber,
    },
    /// It was found to be written half, where `ends` has it. What it was to say stays known until it is whole.
    Half,
}

/// An event that cannot be carried as it is. It counts as accounted for.
#[derive(Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    pub calendar: CalendarNumber,
    /// The side on which it is.
    pub side: Side,
    pub handle: Handle,
    /// With another version it is tried again.
    pub version: Option<Version>,
    pub uid: Option<String>,
    /// The error's code and arguments, for the sentence that tells cause and remedy.
    pub code: String,
    pub args: Vec<(String, String)>,
    pub since_ms: u64,
    /// It is tried again then, whatever its version.
    pub until_ms: Option<u64>,
}

impl ParkedEvent {
    /// Sets code and arguments from an error.
    #[must_use]
    pub fn because(self, error: &Error) -> ParkedEvent {
        let args = error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        ParkedEvent { code: error.code().as_str().to_owned(), args, ..self }
    }

    /// Adds what people know it by, unless that is known.
    #[must_use]
    pub fn labelled(mut self, label: &Label) -> ParkedEvent {
        if self.label() == Label::default() {
            self.args.extend(label.args().map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        self
    }

    /// The same for where many may read of it.
    #[must_use]
    pub fn unlabelled(mut self) -> ParkedEvent {
        self.args.retain(|(name, _)| name != Label::TITLE && name != Label::DAY);
        self
    }

    /// What people know it by, as far as that is known.
    #[must_use]
    pub fn label(&self) -> Label {
        let arg = |name: &str| self.args.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        Label { title: arg(Label::TITLE), day: arg(Label::DAY) }
    }
}

impl fmt::Debug for ParkedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people plan is nobody's business in a log.
        let args: Vec<_> = self.args.iter().filter(|(name, _)| name != Label::TITLE).collect();
        let mut told = f.debug_struct("ParkedEvent");
        told.field("calendar", &self.calendar).field("side", &self.side).field("handle", &self.handle);
        told.field("version", &self.version).field("uid", &self.uid).field("code", &self.code).field("args", &args);
        told.field("since_ms", &self.since_ms).field("until_ms", &self.until_ms).finish()
    }
}

/// A linked event that may be missing on a side, and is not yet believed gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuspectedEvent {
    pub event: EventNumber,
    pub side: Side,
    /// When it was first missing, milliseconds since 1970. 0: it was there, but no token knows of it yet.
    pub since_ms: u64,
}

/// What is suspected, by event and side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspicions(BTreeMap<(EventNumber, Side), u64>);

impl Suspicions {
    /// Since when this end is missing, as [`SuspectedEvent::since_ms`] tells it. `None`: it is not suspected.
    #[must_use]
    pub fn since_ms(&self, event: EventNumber, side: Side) -> Option<u64> {
        self.0.get(&(event, side)).copied()
    }

    pub fn put(&mut self, suspected: SuspectedEvent) {
        self.0.insert((suspected.event, suspected.side), suspected.since_ms);
    }

    /// Ends a suspicion, and tells whether there was one.
    pub fn end(&mut self, event: EventNumber, side: Side) -> bool {
        self.0.remove(&(event, side)).is_some()
    }

    /// In the order of their events.
    pub fn iter(&self) -> impl Iterator<Item = SuspectedEvent> {
        self.0.iter().map(|((event, side), since_ms)| SuspectedEvent {
            event: *event,
            side: *side,
            since_ms: *since_ms,
        })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<SuspectedEvent> for Suspicions {
    fn from_iter<I: IntoIterator<Item = SuspectedEvent>>(all: I) -> Suspicions {
        let mut suspicions = Suspicions::default();
        all.into_iter().for_each(|suspected| suspicions.put(suspected));
        suspicions
    }
}

/// A version that a merge gave up. It is kept until the migration is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedEvent {
    pub at_ms: u64,
    pub uid: String,
    /// The side whose version it was.
    pub side: Side,
    pub text: Arc<str>,
}

/// An event of somebody else's making, as it was before Parom first overwrote or removed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEvent {
    pub at_ms: u64,
    pub uid: String,
    /// The side on which it was.
    pub side: Side,
    pub text: Arc<str>,
    /// What [`Agenda::export`](crate::agenda::Agenda::export) gave.
    pub export: Option<Arc<str>>,
}

/// So many events were deleted at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedEvents {
    pub at_ms: u64,
    pub events: u32,
}

/// Everything of an account's calendars but the links, which are loaded when something changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgendaState {
    pub calendars: Vec<CalendarPair>,
    pub intents: Vec<AgendaIntent>,
    pub parked: Vec<ParkedEvent>,
    pub suspected: Suspicions,
    pub held: Vec<Held>,
    pub deleted: Vec<DeletedEvents>,
    /// Links of which something waits for leave to be carried ([`super::EventLink::waits`]); those that nobody may carry count too.
    pub left: u64,
}

impl AgendaState {
    /// How many events were deleted at that moment or later.
    #[must_use]
    pub fn deleted_since(&self, since_ms: u64) -> u32 {
        let counted = self.deleted.iter().filter(|deleted| deleted.at_ms >= since_ms);
        counted.fold(0, |sum, deleted| sum.saturating_add(deleted.events))
    }
}

/// One change of an account's calendar state. The store commits a list of them as one, durably, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgendaChange {
    PutCalendar(CalendarPair),
    /// Forgets the pair with its parked events. Links are dropped on their own.
    DropCalendar(CalendarNumber),
    SetToken {
        calendar: CalendarNumber,
        side: Side,
        token: Option<Token>,
    },
    /// `base` replaces the form that both sides agreed on; `None` leaves it.
    PutEvent {
        link: EventLink,
        base: Option<Arc<str>>,
    },
    /// Forgets the link with its base and suspicions.
    DropEvent(EventNumber),
    OpenIntent(AgendaIntent),
    CloseIntent(u64),
    Park(ParkedEvent),
    Unpark {
        calendar: CalendarNumber,
        side: Side,
        handle: Handle,
    },
    Suspect(SuspectedEvent),
    Unsuspect {
        event: EventNumber,
        side: Side,
    },
    Archive(ArchivedEvent),
    CountDeleted(DeletedEvents),
    /// Forgets what was deleted before that moment.
    ForgetDeleted {
        before_ms: u64,
    },
    Hold(Held),
    Unhold {
        key: String,
    },
}
