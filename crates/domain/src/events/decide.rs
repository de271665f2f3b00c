//! The truth table of events: what must happen to one so that both sides agree.
//!
//! Nothing is deleted but here, and only on a [`Sight::Gone`], which needs evidence (see `missing`), of an event that was
//! linked, which means that it was seen present on both sides before.

use super::policy::EventPolicy;
use super::{CalendarNumber, EventLink};
use crate::{Both, Side};

/// What one side shows of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sight {
    /// It has no end of the link here, and nothing was found.
    Absent,
    /// As it was. Also what is missing and not yet believed gone.
    Same,
    /// With another form than this side showed before, or for the first time.
    Changed,
    /// Deleted, with evidence.
    Gone,
}

impl Sight {
    pub const ALL: [Sight; 4] = [Sight::Absent, Sight::Same, Sight::Changed, Sight::Gone];
}

/// What the decision needs to know of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    pub ends: Both<bool>,
    pub brought: Option<Side>,
    pub asleep: Option<Side>,
}

impl Tie {
    #[must_use]
    pub fn of(link: &EventLink) -> Tie {
        Tie { ends: link.ends.as_ref().map(|end| end.is_some()), brought: link.brought, asleep: link.asleep }
    }
}

/// One step towards agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Nothing,
    /// Record what the sides show now: what changed is nobody else's business.
    Note,
    /// The two are the same event: merge them without a base, write what differs, and record the pair.
    Adopt,
    /// Merge both versions with the base, and write them where they differ.
    Merge,
    /// Carry the event into this side, also where a deletion there lost against an edit here.
    Create {
        into: Side,
    },
    Delete {
        on: Side,
    },
    /// It stays where it is, known and never carried back, though it is gone from this side.
    Sleep {
        gone: Side,
    },
    /// It stays where it is until it may be carried.
    Leave,
    /// Gone everywhere.
    Forget,
}

/// Decides about one event. A side that the tie has an end on is never `Absent`; without a tie no side is `Same` or `Gone`.
#[must_use]
pub fn decide(tie: Option<&Tie>, sight: Both<Sight>, policy: &EventPolicy) -> Deed {
    match tie {
        None => newcomer(sight, policy),
        Some(tie) if tie.ends.source && tie.ends.target => linked(tie, sight, policy),
        Some(tie) => one_ended(tie, sight, policy),
    }
}

fn newcomer(sight: Both<Sight>, policy: &EventPolicy) -> Deed {
    let is_new = |side: Side| sight[side] == Sight::Changed;
    match (is_new(Side::Source), is_new(Side::Target)) {
        (true, true) => Deed::Adopt,
        (false, false) => Deed::Nothing,
        (on_source, _) => {
            let into = if on_source { Side::Target } else { Side::Source };
            if policy.writes[into] { Deed::Create { into } } else { Deed::Leave }
        }
    }
}

fn linked(tie: &Tie, sight: Both<Sight>, policy: &EventPolicy) -> Deed {
    let gone = Side::ALL.map(|side| matches!(sight[side], Sight::Gone | Sight::Absent));
    match gone {
        [true, true] => return Deed::Forget,
        [true, false] => return gone_from(Side::Source, tie, sight, policy),
        [false, true] => return gone_from(Side::Target, tie, sight, policy),
        [false, false] => {}
    }
    let changed = |side: Side| sight[side] == Sight::Changed;
    if !changed(Side::Source) && !changed(Side::Target) {
        return Deed::Nothing;
    }
    // Where one side alone is written, what people change there is their own until the other side changes too.
    let carried = Side::ALL.into_iter().any(|side| changed(side) && policy.writes[side.other()]);
    if carried { Deed::Merge } else { Deed::Note }
}

fn gone_from(side: Side, tie: &Tie, sight: Both<Sight>, policy: &EventPolicy) -> Deed {
    let other = side.other();
    // An edit beats a delete: the event is people's data.
    if sight[other] == Sight::Changed {
        return if policy.writes[side] { Deed::Create { into: side } } else { Deed::Sleep { gone: side } };
    }
    let ours = policy.removes_adopted || tie.brought == Some(other);
    if policy.writes[other] && ours { Deed::Delete { on: other } } else { Deed::Sleep { gone: side } }
}

fn one_ended(tie: &Tie, sight: Both<Sight>, policy: &EventPolicy) -> Deed {
    let Some(here) = Side::ALL.into_iter().find(|side| tie.ends[*side]) else { return Deed::Forget };
    let there = here.other();
    match (sight[here], sight[there]) {
        (Sight::Gone | Sight::Absent, Sight::Changed) => {
            if policy.writes[here] {
                Deed::Create { into: here }
            } else {
                Deed::Leave
            }
        }
        (Sight::Gone | Sight::Absent, _) => Deed::Forget,
        (_, Sight::Changed) => Deed::Adopt,
        // Whoever edits what was deleted on the other side wants it back; and what was left waits for leave only.
        (Sight::Changed, _) if policy.writes[there] => Deed::Create { into: there },
        (Sight::Same, _) if policy.writes[there] && tie.asleep.is_none() => Deed::Create { into: there },
        (Sight::Changed, _) => Deed::Note,
        (Sight::Same, _) => Deed::Nothing,
    }
}

/// Where an event belongs that is in different calendars on the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Both sides have it there.
    Agreed(CalendarNumber),
    Move {
        on: Side,
        to: CalendarNumber,
    },
}

/// Moved on one side: the other follows. Moved differently on both: home's move wins, if the other side may be written.
#[must_use]
pub fn place(agreed: CalendarNumber, now: Both<CalendarNumber>, policy: &EventPolicy) -> Place {
    if now.source == now.target {
        return Place::Agreed(now.source);
    }
    let moved = |side: Side| now[side] != agreed;
    let wanted = if moved(Side::Source) && moved(Side::Target) {
        policy.home.other()
    } else if moved(Side::Source) {
        Side::Target
    } else {
        Side::Source
    };
    let on = policy.only().unwrap_or(wanted);
    if policy.writes[on] { Place::Move { on, to: now[on.other()] } } else { Place::Agreed(agreed) }
}

/// Which sides must be written so that they say what `merged` says. An unchanged side says what both agreed on last.
///
/// `shows`: the hash of a form that a side shows now and did not show before, or of any form where one side alone is
/// written.
#[must_use]
pub fn writes(
    base: Option<[u8; 32]>,
    shows: Both<Option<[u8; 32]>>,
    merged: [u8; 32],
    policy: &EventPolicy,
) -> Both<bool> {
    Both::from_fn(|side| policy.writes[side] && shows[side].or(base) != Some(merged))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
