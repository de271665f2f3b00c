//! The circuit breaker: an event that changes again after each of our writes is left alone for a while.
//!
//! It is the last of three nets against echoes; ids and hashes come before it. What gets as far as this is a server, or
//! another program, that changes whatever we write. People who edit an event again and again are none: what they edit is not
//! what we have just written there.

use crate::{Both, Side};

/// So many writes of one event on one side within [`WINDOW_MS`] are ordinary, even if it changes there afterwards.
pub const MOST_WRITES: usize = 3;
pub const WINDOW_MS: u64 = 10 * 60 * 1000;

/// One of our writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    pub side: Side,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// The writes that still count.
#[must_use]
pub fn recent(writes: &[Write], now_ms: u64) -> Vec<Write> {
    writes.iter().copied().filter(|write| write.at_ms.saturating_add(WINDOW_MS) > now_ms).collect()
}

/// When an event that has changed on these sides may be written again. `None`: now.
#[must_use]
pub fn closed_until(writes: &[Write], changed: Both<bool>, now_ms: u64) -> Option<u64> {
    let until = |side: Side| {
        let recent: Vec<Write> = recent(writes, now_ms).into_iter().filter(|write| write.side == side).collect();
        let last_allowed = recent.len().checked_sub(MOST_WRITES)?;
        recent.get(last_allowed).map(|write| write.at_ms.saturating_add(WINDOW_MS))
    };
    Side::ALL.into_iter().filter(|side| changed[*side]).filter_map(until).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(side: Side, at_ms: &[u64]) -> Vec<Write> {
        at_ms.iter().map(|at_ms| Write { side, at_ms: *at_ms }).collect()
    }

    #[test]
    fn what_changes_after_three_writes_waits_for_the_first_to_be_forgotten() {
        let changed = Both::new(false, true);
        let closed = |at_ms: &[u64], now_ms| closed_until(&writes(Side::Target, at_ms), changed, now_ms);
        assert_eq!(closed(&[], 5), None);
        assert_eq!(closed(&[1, 2], 5), None);
        assert_eq!(closed(&[1, 2, 3], 5), Some(1 + WINDOW_MS));
        assert_eq!(closed(&[1, 2, 3], 1 + WINDOW_MS), None);
        assert_eq!(closed(&[1, 2, 3, 4], 5), Some(2 + WINDOW_MS));
    }

    #[test]
    fn edits_on_the_side_that_is_not_written_are_never_held_up() {
        let target = writes(Side::Target, &[1, 2, 3, 4]);
        assert_eq!(closed_until(&target, Both::new(true, false), 5), None);
        let both = [target, writes(Side::Source, &[1, 2])].concat();
        assert_eq!(closed_until(&both, Both::new(true, false), 5), None);
        assert_eq!(closed_until(&both, Both::new(true, true), 5), Some(2 + WINDOW_MS));
    }
}
