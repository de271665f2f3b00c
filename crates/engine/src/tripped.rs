//! What is remembered of brakes, of mail and of calendars alike: one that trips is held until a person releases it or its cause
//! is gone.

use parom_domain::Side;
use parom_domain::state::Held;

pub const DAY_MS: u64 = 86_400_000;

/// A brake that trips in this pass, and what a person is told of it.
pub struct Tripped {
    pub key: String,
    pub brake: &'static str,
    pub side: Side,
    /// The folder or the calendar, if it is about one.
    pub what: Option<String>,
    pub count: u32,
    pub total: u32,
}

/// What has to be written down.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub hold: Vec<Held>,
    /// By their keys.
    pub unhold: Vec<String>,
}

/// Puts what is held in step with what trips. A brake whose cause is gone lets go by itself, if everything was looked at and
/// decided: else nothing is known of causes. A released one is kept until the pass that it allowed has ended.
pub fn record(held: &mut Vec<Held>, tripped: Vec<Tripped>, knows_all: bool, now_ms: u64) -> Recorded {
    let mut recorded = Recorded::default();
    if knows_all {
        let lost_its_cause = |held: &mut Held| !held.released && tripped.iter().all(|tripped| tripped.key != held.key);
        recorded.unhold = held.extract_if(.., lost_its_cause).map(|held| held.key).collect();
    }
    for tripped in tripped {
        if held.iter().any(|held| held.key == tripped.key) {
            continue;
        }
        let new = Held {
            key: tripped.key,
            brake: tripped.brake.to_owned(),
            args: vec![
                ("side".to_owned(), tripped.side.to_string()),
                ("folder".to_owned(), tripped.what.unwrap_or_default()),
                ("count".to_owned(), tripped.count.to_string()),
                ("total".to_owned(), tripped.total.to_string()),
            ],
            since_ms: now_ms,
            released: false,
        };
        held.push(new.clone());
        recorded.hold.push(new);
    }
    recorded
}

/// What was released and is over, after a pass that went through: all of it where everything was looked at and decided; else what the
/// pass did by leave of it, and what nobody needed for a day. What was agreed to then must not allow what nobody has seen.
pub fn take_released(held: &mut Vec<Held>, knows_all: bool, used: &[String], now_ms: u64) -> Vec<Held> {
    let is_over = |held: &Held| knows_all || used.contains(&held.key) || now_ms.saturating_sub(held.since_ms) >= DAY_MS;
    held.extract_if(.., |held| held.released && is_over(held)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tripped(key: &str) -> Tripped {
        Tripped { key: key.to_owned(), brake: "b", side: Side::Source, what: None, count: 2, total: 3 }
    }

    fn keys(held: &[Held]) -> Vec<&str> {
        held.iter().map(|held| &*held.key).collect()
    }

    #[test]
    fn a_brake_is_held_from_its_first_trip_until_its_cause_is_gone() {
        let mut held = Vec::new();
        assert_eq!(keys(&record(&mut held, vec![tripped("a")], true, 5).hold), ["a"]);
        assert_eq!(record(&mut held, vec![tripped("a")], true, 9), Recorded::default(), "it is known");
        assert_eq!(held[0].since_ms, 5);
        assert_eq!(record(&mut held, vec![], false, 9), Recorded::default(), "nothing is known of its cause");
        assert_eq!(record(&mut held, vec![], true, 9).unhold, ["a"]);
        assert_eq!(held, []);
    }

    #[test]
    fn a_released_brake_is_kept_until_its_pass_has_ended() {
        let mut held = Vec::new();
        record(&mut held, vec![tripped("a"), tripped("b")], true, 5);
        held[0].released = true;
        assert_eq!(record(&mut held, vec![], true, 9).unhold, ["b"]);
        let used = ["a".to_owned()];
        assert_eq!(keys(&take_released(&mut held.clone(), true, &[], 9)), ["a"]);
        assert_eq!(keys(&take_released(&mut held.clone(), false, &used, 9)), ["a"]);
        assert_eq!(keys(&take_released(&mut held.clone(), false, &[], 9)), Vec::<&str>::new());
        assert_eq!(keys(&take_released(&mut held, false, &[], 5 + DAY_MS)), ["a"]);
        assert_eq!(held, []);
    }
}
