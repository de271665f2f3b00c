//! What the administrator decided about calendars: which accounts, which direction, whose deletions.

use crate::{Both, Side};
use std::collections::BTreeSet;

/// What an account's calendar link does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CalendarMode {
    #[default]
    Off,
    /// From the source to the target, as often as wanted. It deletes nothing on the target that it did not bring there.
    Sync,
    /// Both ways.
    Subscribe,
}

impl CalendarMode {
    pub const ALL: [CalendarMode; 3] = [CalendarMode::Off, CalendarMode::Sync, CalendarMode::Subscribe];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CalendarMode::Off => "off",
            CalendarMode::Sync => "sync",
            CalendarMode::Subscribe => "subscribe",
        }
    }
}

/// Whose changes may be written back to the source. Addresses are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteBack {
    /// Everyone's but theirs.
    Black(BTreeSet<String>),
    /// Nobody's but theirs.
    White(BTreeSet<String>),
}

impl Default for WriteBack {
    fn default() -> Self {
        WriteBack::Black(BTreeSet::new())
    }
}

impl WriteBack {
    #[must_use]
    pub fn black<'a>(addresses: impl IntoIterator<Item = &'a str>) -> WriteBack {
        WriteBack::Black(addresses.into_iter().map(str::to_lowercase).collect())
    }

    #[must_use]
    pub fn white<'a>(addresses: impl IntoIterator<Item = &'a str>) -> WriteBack {
        WriteBack::White(addresses.into_iter().map(str::to_lowercase).collect())
    }

    #[must_use]
    pub fn allows(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        match self {
            WriteBack::Black(listed) => !listed.contains(&address),
            WriteBack::White(listed) => listed.contains(&address),
        }
    }
}

/// What holds for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPolicy {
    /// May this side be changed?
    pub writes: Both<bool>,
    /// Where only one side is written, a deletion on the other also removes what was on both sides before we came.
    pub removes_adopted: bool,
    /// The side where the person works now: its move wins over a different one on the other side.
    pub home: Side,
    /// How long an event must be missing before it is believed gone. A move or an answer to an invitation makes a new event
    /// out of an old one within that time.
    pub grace_ms: u64,
    /// Deletions per account and day beyond the larger of these two hold the rest of them.
    pub brake_count: u32,
    pub brake_percent: u32,
}

impl Default for EventPolicy {
    fn default() -> Self {
        EventPolicy {
            writes: Both::new(true, true),
            removes_adopted: true,
            home: Side::Source,
            grace_ms: 60_000,
            brake_count: 50,
            brake_percent: 10,
        }
    }
}

impl EventPolicy {
    /// The policy of an account's mode, `None` where its calendars are left alone. `may_write_back` is what the access list
    /// says of the account; it comes after the mode.
    #[must_use]
    pub fn of(mode: CalendarMode, may_write_back: bool) -> Option<EventPolicy> {
        let policy = EventPolicy::default();
        match mode {
            CalendarMode::Off => None,
            CalendarMode::Sync => {
                Some(EventPolicy { writes: Both::new(false, true), removes_adopted: false, ..policy })
            }
            CalendarMode::Subscribe => Some(EventPolicy { writes: Both::new(may_write_back, true), ..policy }),
        }
    }

    /// The policy for a calendar that may not be written everywhere.
    #[must_use]
    pub fn within(self, writable: Both<bool>) -> EventPolicy {
        EventPolicy { writes: Both::from_fn(|side| self.writes[side] && writable[side]), ..self }
    }

    #[must_use]
    pub fn is_two_way(&self) -> bool {
        self.writes.source && self.writes.target
    }

    /// The side that alone is written.
    #[must_use]
    pub fn only(&self) -> Option<Side> {
        Side::ALL.into_iter().find(|side| self.writes[*side] && !self.writes[side.other()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_comes_after_the_mode_and_limits_one_direction() {
        let sees = |mode, list: &WriteBack| EventPolicy::of(mode, list.allows("A.B@Corp.example")).map(|it| it.writes);
        let listed = ["a.b@corp.EXAMPLE"];
        for (list, back) in [
            (WriteBack::default(), true),
            (WriteBack::black(listed), false),
            (WriteBack::white(listed), true),
            (WriteBack::white([]), false),
        ] {
            assert_eq!(sees(CalendarMode::Off, &list), None);
            assert_eq!(sees(CalendarMode::Sync, &list), Some(Both::new(false, true)));
            assert_eq!(sees(CalendarMode::Subscribe, &list), Some(Both::new(back, true)));
        }
    }
}
