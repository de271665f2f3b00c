//! Calendars and the events in them: what is remembered, and every decision about them.
//!
//! An event is recognised by its UID: handles change when it is moved, accepted or restored. Two hashes are remembered of
//! each link, one for each side, because a side may not hold all of an event: what a side showed last time is unchanged,
//! whatever the other side shows.

pub mod again;
pub mod breaker;
pub mod copies;
pub mod decide;
pub mod guard;
pub mod missing;
pub mod pair;
pub mod policy;
pub mod state;

use crate::agenda::{CalendarId, Handle, Token, Version};
use crate::{Both, Side};

/// A calendar pair's own number: names and ids are attributes and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CalendarNumber(pub u32);

/// An event's own number in the account. It outlives handles, moves and re-creations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventNumber(pub u64);

/// A calendar on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalendarPair {
    pub number: CalendarNumber,
    /// `None` on a side where it has not been made yet.
    pub ids: Both<Option<CalendarId>>,
    /// As each side calls it; kept after it is gone.
    pub names: Both<String>,
    pub is_default: bool,
    /// Up to where each side has been seen and settled.
    pub tokens: Both<Option<Token>>,
    /// When a listing first lacked the calendar, milliseconds since 1970.
    pub missing_since_ms: Both<Option<u64>>,
}

impl CalendarPair {
    /// The name under which people know it.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.names.source.is_empty() { &self.names.target } else { &self.names.source }
    }
}

/// One end of a link: the event as one side showed it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub calendar: CalendarNumber,
    pub handle: Handle,
    /// `None` where it is not known: then the event is read when it is seen next.
    pub version: Option<Version>,
    /// Of the form that this side shows. [`End::OWN`] where that was changed, and carried nowhere: no form has this hash.
    pub hash: [u8; 32],
}

impl End {
    pub const OWN: [u8; 32] = [0; 32];

    /// What people changed here is this side's own, until it may be carried.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.hash == End::OWN
    }
}

/// An event on both sides, or one that is known and stays on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLink {
    pub number: EventNumber,
    pub uid: String,
    /// Where both sides agreed it is.
    pub calendar: CalendarNumber,
    pub ends: Both<Option<End>>,
    /// Of the form that both sides last agreed on. The form itself is kept beside the link.
    pub base: [u8; 32],
    /// The side into which we carried it. `None` for one that was on both sides before.
    pub brought: Option<Side>,
    /// It is gone from this side, and the other keeps it.
    pub asleep: Option<Side>,
    /// Our writes of late.
    pub writes: Vec<breaker::Write>,
}

impl EventLink {
    /// It has an end on one side only and waits for nothing but leave to be carried.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.asleep.is_none() && (self.ends.source.is_none() || self.ends.target.is_none())
    }

    /// There is something about it that the other side does not have, and would get if it might be written.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.is_left() || Side::ALL.into_iter().any(|side| self.ends[side].as_ref().is_some_and(End::is_own))
    }
}
