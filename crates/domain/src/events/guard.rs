//! Brakes on calendars: rules that hold deletions back on implausible evidence.

use super::CalendarNumber;
use super::policy::EventPolicy;
use crate::Side;
use crate::state::Held;

/// A calendar in which everything vanished at once counts as implausible from this size on. Below, it is tidying, if the server has
/// none of its events when it is asked for each.
const EMPTIED_FROM: u32 = 5;

/// So much is gone from a calendar with so many links that it counts as emptied, and is held.
#[must_use]
pub fn is_emptied(gone: u32, linked: u32) -> bool {
    gone >= EMPTIED_FROM && gone >= linked
}

/// Keys of calendar brakes begin so, which tells them from those of mail.
pub const KEY_PREFIX: &str = "calendar:";

/// What one calendar pair is about to lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarLoss {
    pub calendar: CalendarNumber,
    /// The side where things are gone.
    pub side: Side,
    /// Events linked before.
    pub linked: u32,
    /// Of these, gone and about to be deleted on the other side.
    pub gone: u32,
    /// The calendar itself is gone from that side.
    pub vanished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarBrakeName {
    EmptiedCalendar,
    VanishedCalendar,
    ManyDeletions,
}

impl CalendarBrakeName {
    pub const ALL: [CalendarBrakeName; 3] =
        [CalendarBrakeName::EmptiedCalendar, CalendarBrakeName::VanishedCalendar, CalendarBrakeName::ManyDeletions];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CalendarBrakeName::EmptiedCalendar => "emptied-calendar",
            CalendarBrakeName::VanishedCalendar => "vanished-calendar",
            CalendarBrakeName::ManyDeletions => "many-event-deletions",
        }
    }
}

/// A brake that trips, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarBrake {
    pub name: CalendarBrakeName,
    pub side: Side,
    pub calendar: Option<CalendarNumber>,
    pub count: u32,
    pub total: u32,
}

impl CalendarBrake {
    /// The key under which it is held and released.
    #[must_use]
    pub fn key(&self) -> String {
        let (name, side) = (self.name.as_str(), self.side);
        match self.calendar {
            Some(calendar) => format!("{KEY_PREFIX}{name}:{side}:{}", calendar.0),
            None => format!("{KEY_PREFIX}{name}:{side}"),
        }
    }
}

/// Which brakes trip. `held` are those that tripped before, some of them released by a person. `done_today` are deletions of
/// the account's events during the last 24 hours.
#[must_use]
pub fn brakes(
    losses: &[CalendarLoss],
    total: u32,
    done_today: u32,
    policy: &EventPolicy,
    held: &[Held],
) -> Vec<CalendarBrake> {
    let mut brakes = Vec::new();
    let is = |brake: &CalendarBrake, released: bool| {
        let key = brake.key();
        held.iter().any(|it| it.released == released && it.key == key)
    };
    for loss in losses.iter().filter(|loss| loss.gone > 0) {
        let (calendar, side) = (Some(loss.calendar), loss.side);
        let on = |name| CalendarBrake { name, side, calendar, count: loss.gone, total: loss.linked };
        if loss.vanished {
            brakes.push(on(CalendarBrakeName::VanishedCalendar));
            continue;
        }
        // New events in an emptied calendar explain nothing: what is held stays held.
        let emptied = on(CalendarBrakeName::EmptiedCalendar);
        if is_emptied(loss.gone, loss.linked) || (loss.gone >= EMPTIED_FROM && is(&emptied, false)) {
            brakes.push(emptied);
        }
    }
    for side in Side::ALL {
        let count: u32 = losses.iter().filter(|loss| loss.side == side).map(|loss| loss.gone).sum();
        let share = u32::try_from(u64::from(total) * u64::from(policy.brake_percent) / 100).unwrap_or(u32::MAX);
        if count > 0 && count.saturating_add(done_today) > policy.brake_count.max(share) {
            let name = CalendarBrakeName::ManyDeletions;
            brakes.push(CalendarBrake { name, side, calendar: None, count, total });
        }
    }
    brakes.retain(|brake| !is(brake, true));
    brakes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss() -> CalendarLoss {
        CalendarLoss { calendar: CalendarNumber(3), side: Side::Source, linked: 100, gone: 1, vanished: false }
    }

    fn tripped(loss: CalendarLoss, done: u32, held: &[Held]) -> Vec<CalendarBrakeName> {
        let brakes = brakes(&[loss], 100, done, &EventPolicy::default(), held);
        brakes.into_iter().map(|brake| brake.name).collect()
    }

    fn held(name: CalendarBrakeName, released: bool) -> Held {
        let brake = CalendarBrake { name, side: Side::Source, calendar: Some(CalendarNumber(3)), count: 0, total: 0 };
        Held { key: brake.key(), brake: name.as_str().to_owned(), args: vec![], since_ms: 0, released }
    }

    #[test]
    fn an_emptied_calendar_trips_and_tidying_does_not() {
        use CalendarBrakeName::EmptiedCalendar;
        let emptied = CalendarLoss { linked: 6, gone: 6, ..loss() };
        assert_eq!(tripped(emptied, 0, &[]), [EmptiedCalendar]);
        assert_eq!(tripped(emptied, 0, &[held(EmptiedCalendar, true)]), []);
        assert_eq!(tripped(CalendarLoss { linked: 4, gone: 4, ..loss() }, 0, &[]), []);
        let refilled = CalendarLoss { linked: 7, ..emptied };
        assert_eq!(tripped(refilled, 0, &[]), []);
        assert_eq!(tripped(refilled, 0, &[held(EmptiedCalendar, false)]), [EmptiedCalendar]);
    }

    #[test]
    fn a_vanished_calendar_trips_whatever_was_in_it() {
        let vanished = CalendarLoss { linked: 1, vanished: true, ..loss() };
        assert_eq!(tripped(vanished, 0, &[]), [CalendarBrakeName::VanishedCalendar]);
        assert_eq!(tripped(CalendarLoss { gone: 0, ..vanished }, 0, &[]), []);
    }

    #[test]
    fn many_deletions_trip_and_what_was_done_today_counts() {
        assert_eq!(tripped(CalendarLoss { gone: 50, ..loss() }, 0, &[]), []);
        assert_eq!(tripped(CalendarLoss { gone: 51, ..loss() }, 0, &[]), [CalendarBrakeName::ManyDeletions]);
        assert_eq!(tripped(CalendarLoss { gone: 2, ..loss() }, 49, &[]), [CalendarBrakeName::ManyDeletions]);
    }
}
