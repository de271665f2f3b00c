//! Decides, for every piece of data about to pass, how much of it may pass and what happens then.

use super::Counters;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the upstream.
    Up,
    Down,
}

/// The place where a trigger fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Right after so many bytes of all connections together, counted from the start of the proxy.
    Total(Direction, u64),
    /// Right after so many bytes of the first connection that gets there, counted from its start.
    OfConnection(Direction, u64),
    /// Right after the k-th occurrence (from 1, counted over all connections from the moment of arming).
    Pattern { direction: Direction, bytes: Vec<u8>, occurrence: u64 },
}

impl Spot {
    fn direction(&self) -> Direction {
        match self {
            Spot::Total(direction, _) | Spot::OfConnection(direction, _) | Spot::Pattern { direction, .. } => {
                *direction
            }
        }
    }
}

/// What happens there to the connection that got there.
pub enum Act {
    /// Both ends see a connection reset.
    Reset,
    /// Both ends see an orderly end.
    Close,
    /// What follows in this direction vanishes; the connection stays open and the other direction works.
    Truncate,
    /// What follows in both directions vanishes; the connection stays open.
    BlackHole,
    /// Every connection stands still until the callback returns.
    Call(Box<dyn FnOnce() + Send>),
    /// The same, and then all connections are reset.
    Kill(Box<dyn FnOnce() + Send>),
    /// Every connection stands still until the receiver drops what it got.
    Hold(oneshot::Sender<Held>),
}

impl Act {
    pub(super) fn holds(&self) -> bool {
        matches!(self, Act::Call(_) | Act::Kill(_) | Act::Hold(_))
    }
}

/// While it lives the proxy forwards nothing.
pub struct Held {
    pub(super) _resume: oneshot::Sender<()>,
}

/// All counters and triggers of a proxy.
#[derive(Default)]
pub(super) struct Ledger {
    pub counters: Counters,
    triggers: Vec<(Spot, Act)>,
    /// True while a trigger holds everything.
    held: watch::Sender<bool>,
    /// When the line is free again, up and down.
    line_free: [Option<Instant>; 2],
}

/// What one direction of one connection remembers between two claims.
pub(super) struct Passed {
    pub direction: Direction,
    bytes: u64,
    /// The last bytes that passed, for patterns that lie across two pieces.
    tail: Vec<u8>,
    /// The client of this connection spoke last. Both directions know.
    client_spoke: Arc<AtomicBool>,
}

impl Passed {
    /// Both directions of a new connection: up and down.
    pub fn both_ways() -> (Passed, Passed) {
        let client_spoke = Arc::new(AtomicBool::new(false));
        let passed = |direction| Passed { direction, bytes: 0, tail: Vec::new(), client_spoke: client_spoke.clone() };
        (passed(Direction::Up), passed(Direction::Down))
    }
}

pub(super) enum Claim {
    /// Everything stands still: ask again later.
    Held,
    /// So many bytes may pass, and then this happens.
    Pass(usize, Option<Act>),
}

impl Ledger {
    pub fn arm(&mut self, spot: Spot, act: Act) {
        self.triggers.push((spot, act));
    }

    pub fn armed(&self) -> usize {
        self.triggers.len()
    }

    pub fn disarm(&mut self) {
        self.triggers.clear();
    }

    pub fn release(&mut self) {
        self.held.send_replace(false);
    }

    /// Tells when a hold begins and ends.
    pub fn held(&self) -> watch::Receiver<bool> {
        self.held.subscribe()
    }

    /// Takes the next turn of `len` bytes on the line that all connections share, and tells when they are across.
    pub fn across(&mut self, direction: Direction, len: usize, bytes_per_s: u64, now: Instant) -> Instant {
        let free = match direction {
            Direction::Up => &mut self.line_free[0],
            Direction::Down => &mut self.line_free[1],
        };
        let start = free.map_or(now, |free| free.max(now));
        let across = start + Duration::from_secs_f64(len as f64 / bytes_per_s.max(1) as f64);
        *free = Some(across);
        across
    }

    /// Asks for `data` to pass. What is granted is counted as passed.
    pub fn claim(&mut self, passed: &mut Passed, data: &[u8]) -> Claim {
        if *self.held.borrow() {
            return Claim::Held;
        }
        let total = match passed.direction {
            Direction::Up => self.counters.up,
            Direction::Down => self.counters.down,
        };
        let mut first: Option<(usize, usize)> = None;
        for (at, (spot, _)) in self.triggers.iter().enumerate() {
            if spot.direction() != passed.direction {
                continue;
            }
            let cut = match spot {
                Spot::Total(_, n) => cut_at(*n, total, data.len()),
                Spot::OfConnection(_, n) => cut_at(*n, passed.bytes, data.len()),
                Spot::Pattern { bytes, occurrence, .. } => {
                    let nth = usize::try_from(occurrence.saturating_sub(1)).unwrap_or(usize::MAX);
                    ends(&passed.tail, data, bytes).nth(nth)
                }
            };
            if let Some(cut) = cut
                && first.is_none_or(|(nearest, _)| cut < nearest)
            {
                first = Some((cut, at));
            }
        }
        let len = first.map_or(data.len(), |(cut, _)| cut);
        let act = first.map(|(_, at)| self.triggers.remove(at).1);
        let data = data.get(..len).unwrap_or(data);
        self.count(passed, data);
        if act.as_ref().is_some_and(Act::holds) {
            self.held.send_replace(true);
        }
        Claim::Pass(len, act)
    }

    fn count(&mut self, passed: &mut Passed, data: &[u8]) {
        let len = data.len() as u64;
        match passed.direction {
            Direction::Up => self.counters.up += len,
            Direction::Down => self.counters.down += len,
        }
        passed.bytes += len;
        if len > 0 {
            let up = passed.direction == Direction::Up;
            let turned = passed.client_spoke.swap(up, Ordering::Relaxed) != up;
            self.counters.turns += u64::from(turned && up);
        }
        let mut longest = 0;
        for (spot, _) in &mut self.triggers {
            if let Spot::Pattern { direction, bytes, occurrence } = spot
                && *direction == passed.direction
            {
                *occurrence = occurrence.saturating_sub(ends(&passed.tail, data, bytes).count() as u64);
                longest = longest.max(bytes.len());
            }
        }
        // A pattern armed later must not find its beginning in what passed before, so the tail is kept only while needed.
        if longest == 0 {
            passed.tail.clear();
            return;
        }
        passed.tail.extend(data.get(data.len().saturating_sub(longest)..).unwrap_or_default());
        let surplus = passed.tail.len().saturating_sub(longest);
        passed.tail.drain(..surplus);
    }
}

/// How many bytes of a piece of `len` may pass before the count, now at `passed`, reaches `n`.
fn cut_at(n: u64, passed: u64, len: usize) -> Option<usize> {
    let left = usize::try_from(n.checked_sub(passed)?).ok()?;
    (left <= len).then_some(left)
}

/// The offsets in `data` right behind each occurrence of `pattern` that ends there, also of one that began in `tail`.
fn ends(tail: &[u8], data: &[u8], pattern: &[u8]) -> impl Iterator<Item = usize> {
    let reach = pattern.len().saturating_sub(1);
    let tail = tail.get(tail.len().saturating_sub(reach)..).unwrap_or_default();
    let seam = [tail, data.get(..reach.min(data.len())).unwrap_or_default()].concat();
    let before = tail.len();
    let across: Vec<usize> = starts(&seam, pattern).map(|at| at + pattern.len() - before).collect();
    across.into_iter().chain(starts(data, pattern).map(|at| at + pattern.len()))
}

fn starts(data: &[u8], pattern: &[u8]) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = *pattern.first()?;
        loop {
            let at = from + data.get(from..)?.iter().position(|byte| *byte == first)?;
            from = at + 1;
            if data.get(at..).is_some_and(|rest| rest.starts_with(pattern)) {
                return Some(at);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes `data` in pieces of `size` and tells after how many bytes the trigger fired.
    fn fired_after(spot: Spot, data: &[u8], size: usize) -> Option<u64> {
        let mut ledger = Ledger::default();
        let (mut passed, _) = Passed::both_ways();
        ledger.arm(spot, Act::Reset);
        for piece in data.chunks(size) {
            if let Claim::Pass(_, Some(_)) = ledger.claim(&mut passed, piece) {
                return Some(ledger.counters.up);
            }
        }
        None
    }

    #[test]
    fn spots_are_exact_wherever_the_pieces_end() {
        let data = b"a1 APPEND x\r\na2 APPEND y\r\nAPPAPPEND";
        for size in 1..=data.len() {
            for n in 1..=data.len() as u64 {
                assert_eq!(fired_after(Spot::Total(Direction::Up, n), data, size), Some(n));
            }
            assert_eq!(fired_after(Spot::Total(Direction::Up, 36), data, size), None);
            assert_eq!(fired_after(Spot::OfConnection(Direction::Up, 0), data, size), Some(0));
            for (occurrence, end) in [(1, Some(9)), (2, Some(22)), (3, Some(35)), (4, None)] {
                let spot = Spot::Pattern { direction: Direction::Up, bytes: b"APPEND".to_vec(), occurrence };
                assert_eq!(fired_after(spot, data, size), end, "pieces of {size}");
            }
        }
    }

    #[test]
    fn the_nearest_of_several_spots_fires_first() {
        let mut ledger = Ledger::default();
        let (_, mut passed) = Passed::both_ways();
        ledger.arm(Spot::Total(Direction::Down, 5), Act::Close);
        ledger.arm(Spot::OfConnection(Direction::Down, 3), Act::Truncate);
        ledger.arm(Spot::Total(Direction::Up, 1), Act::Reset);
        assert!(matches!(ledger.claim(&mut passed, b"12345678"), Claim::Pass(3, Some(Act::Truncate))));
        assert!(matches!(ledger.claim(&mut passed, b"45678"), Claim::Pass(2, Some(Act::Close))));
        assert!(matches!(ledger.claim(&mut passed, b"678"), Claim::Pass(3, None)));
        assert_eq!((ledger.counters.down, ledger.counters.up), (8, 0));
    }

    #[test]
    fn a_hold_stops_every_connection() {
        let mut ledger = Ledger::default();
        let (mut one, mut two) = Passed::both_ways();
        ledger.arm(Spot::Total(Direction::Up, 2), Act::Call(Box::new(|| {})));
        assert!(matches!(ledger.claim(&mut one, b"123"), Claim::Pass(2, Some(Act::Call(_)))));
        assert!(matches!(ledger.claim(&mut two, b"x"), Claim::Held));
        ledger.release();
        assert!(matches!(ledger.claim(&mut two, b"x"), Claim::Pass(1, None)));
    }

    #[test]
    fn connections_take_turns_on_a_shared_line_and_directions_do_not_meet() {
        let mut ledger = Ledger::default();
        let now = Instant::now();
        let ms = |ms| now + Duration::from_millis(ms);
        assert_eq!(ledger.across(Direction::Up, 100, 1_000, now), ms(100));
        assert_eq!(ledger.across(Direction::Up, 50, 1_000, now), ms(150));
        assert_eq!(ledger.across(Direction::Down, 10, 1_000, now), ms(10));
        assert_eq!(ledger.across(Direction::Up, 10, 1_000, ms(400)), ms(410));
    }

    #[test]
    fn a_turn_is_counted_when_a_client_speaks_after_it_has_listened() {
        let mut ledger = Ledger::default();
        let (mut up, mut down) = Passed::both_ways();
        let (mut other, _) = Passed::both_ways();
        for direction in "duudduu".chars() {
            ledger.claim(if direction == 'u' { &mut up } else { &mut down }, b"x");
        }
        ledger.claim(&mut other, b"x");
        assert_eq!(ledger.counters.turns, 3);
    }
}
