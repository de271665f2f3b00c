//! When what a server refused for the moment is tried again: soon at first, and more and more seldom while nothing changes.

pub const FIRST_PAUSE_MS: u64 = 60 * 1000;
pub const LONGEST_PAUSE_MS: u64 = 60 * 60 * 1000;

/// The next moment, for what is refused since `since_ms`: each pause is as long as all before it together.
#[must_use]
pub fn at(since_ms: u64, now_ms: u64) -> u64 {
    now_ms.saturating_add(now_ms.saturating_sub(since_ms).clamp(FIRST_PAUSE_MS, LONGEST_PAUSE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_doubled_up_to_an_hour() {
        let minutes = |pauses: usize| {
            let mut now = 5;
            let pause = |now: &mut u64| {
                let next = at(5, *now);
                let pause = (next - *now) / 60_000;
                *now = next;
                pause
            };
            (0..pauses).map(|_| pause(&mut now)).collect::<Vec<_>>()
        };
        assert_eq!(minutes(9), [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
