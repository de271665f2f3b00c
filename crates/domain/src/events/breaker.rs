//! The circuit breaker: an event that is written again and again is left alone for a while.
//!
//! It is the last of three nets against echoes; ids and hashes come before it. What gets as far as this is a server, or
//! another program, that changes whatever we write.

/// So many writes of one event within [`WINDOW_MS`] are ordinary.
pub const MOST_WRITES: usize = 3;
pub const WINDOW_MS: u64 = 10 * 60 * 1000;

/// The writes that still count.
#[must_use]
pub fn recent(writes_ms: &[u64], now_ms: u64) -> Vec<u64> {
    writes_ms.iter().copied().filter(|at| at.saturating_add(WINDOW_MS) > now_ms).collect()
}

/// When the event may be written again. `None`: now.
#[must_use]
pub fn closed_until(writes_ms: &[u64], now_ms: u64) -> Option<u64> {
    let recent = recent(writes_ms, now_ms);
    let last_allowed = recent.len().checked_sub(MOST_WRITES)?;
    recent.get(last_allowed).map(|at| at.saturating_add(WINDOW_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_writes_are_ordinary_and_the_fourth_waits_for_the_first_to_be_forgotten() {
        assert_eq!(closed_until(&[], 5), None);
        assert_eq!(closed_until(&[1, 2], 5), None);
        assert_eq!(closed_until(&[1, 2, 3], 5), Some(1 + WINDOW_MS));
        assert_eq!(closed_until(&[1, 2, 3], 1 + WINDOW_MS), None);
        assert_eq!(closed_until(&[1, 2, 3, 4], 5), Some(2 + WINDOW_MS));
    }
}
