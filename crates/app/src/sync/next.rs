//! What comes after a pass: pure, so that it can be told as a table.

use super::account::Outcome;
use crate::exit::Exit;
use parom_domain::{Retry, Scope};
use std::time::Duration;

/// How long the work on an account goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    OnePass,
    /// Until a pass finds nothing more to do.
    Settled,
    /// Until the process is stopped; looking every so often.
    Stopped {
        look_every_ms: u64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    End(Exit),
    Again { after_ms: u64 },
}

/// Failures in a row after which `--until-settled` gives up.
const TRIES: u32 = 6;
/// Passes in a row that found something to do and could do nothing, after which it is not settled and will not be.
const LONGEST_PAUSE_MS: u64 = 300_000;

/// `failures`: how many passes in a row have failed, this one included.
pub fn next(until: Until, outcome: &Outcome, failures: u32, now_ms: u64) -> Next {
    let exit = outcome.exit();
    match (until, outcome) {
        (_, Outcome::Interrupted) | (Until::OnePass, _) => Next::End(exit),
        // What only a person can change is not tried again: a password that was refused once may lock the account.
        (
            _,
            Outcome::Failed { retry: Retry::WhenFixed | Retry::Never, .. }
            | Outcome::Failed { scope: Scope::System, .. },
        ) => Next::End(exit),
        (Until::Settled, Outcome::Failed { .. }) if failures >= TRIES => Next::End(exit),
        (_, Outcome::Failed { retry, .. }) => Next::Again { after_ms: pause_ms(*retry, failures) },
        (Until::Settled, Outcome::Settled | Outcome::Held | Outcome::Planned(_)) => Next::End(exit),
        (Until::Settled, Outcome::Unsettled { wake_at_ms: Some(at), .. }) => {
            Next::Again { after_ms: at.saturating_sub(now_ms).max(1) }
        }
        (Until::Settled, Outcome::Unsettled { did: false, .. }) => Next::End(exit),
        (Until::Settled, Outcome::Unsettled { .. }) => Next::Again { after_ms: 0 },
        (Until::Stopped { look_every_ms }, Outcome::Unsettled { wake_at_ms: Some(at), .. }) => {
            Next::Again { after_ms: at.saturating_sub(now_ms).clamp(1, look_every_ms) }
        }
        (Until::Stopped { .. }, Outcome::Unsettled { did: true, .. }) => Next::Again { after_ms: 0 },
        (Until::Stopped { look_every_ms }, _) => Next::Again { after_ms: look_every_ms },
    }
}

/// Each failure in a row doubles the pause, unless the server said how long it wants to be left alone.
fn pause_ms(retry: Retry, failures: u32) -> u64 {
    let asked = match retry {
        Retry::After(pause) => u64::try_from(Duration::as_millis(&pause)).unwrap_or(u64::MAX),
        _ => 0,
    };
    let doubled = 1000u64.saturating_mul(1 << failures.clamp(1, 10).saturating_sub(1));
    asked.max(doubled.min(LONGEST_PAUSE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: Until = Until::Stopped { look_every_ms: 60_000 };

    fn failed(scope: Scope, retry: Retry) -> Outcome {
        Outcome::Failed { scope, retry, exit: Exit::Server }
    }

    fn unsettled(did: bool, wake_at_ms: Option<u64>) -> Outcome {
        Outcome::Unsettled { did, wake_at_ms, exit: Exit::Done }
    }

    #[test]
    fn one_pass_is_one_pass() {
        for outcome in [Outcome::Settled, unsettled(true, None), failed(Scope::Server, Retry::Soon)] {
            assert_eq!(next(Until::OnePass, &outcome, 1, 0), Next::End(outcome.exit()));
        }
    }

    #[test]
    fn a_refused_password_is_tried_once() {
        for until in [Until::Settled, WATCH] {
            let refused = failed(Scope::Credential, Retry::WhenFixed);
            assert_eq!(next(until, &refused, 1, 0), Next::End(Exit::Server));
        }
    }

    #[test]
    fn a_lost_connection_is_tried_again_with_growing_pauses() {
        let lost = failed(Scope::Server, Retry::Soon);
        let pause = |until, failures| next(until, &lost, failures, 0);
        assert_eq!(pause(Until::Settled, 1), Next::Again { after_ms: 1000 });
        assert_eq!(pause(Until::Settled, 3), Next::Again { after_ms: 4000 });
        assert_eq!(pause(Until::Settled, TRIES), Next::End(Exit::Server));
        assert_eq!(pause(WATCH, 1000), Next::Again { after_ms: LONGEST_PAUSE_MS });
        let throttled = failed(Scope::Server, Retry::After(Duration::from_secs(40)));
        assert_eq!(next(WATCH, &throttled, 1, 0), Next::Again { after_ms: 40_000 });
    }

    #[test]
    fn what_is_suspected_is_looked_at_again_when_its_grace_is_over() {
        assert_eq!(next(Until::Settled, &unsettled(false, Some(5000)), 0, 2000), Next::Again { after_ms: 3000 });
        assert_eq!(next(WATCH, &unsettled(false, Some(900_000)), 0, 0), Next::Again { after_ms: 60_000 });
        assert_eq!(next(Until::Settled, &unsettled(true, None), 0, 0), Next::Again { after_ms: 0 });
        assert_eq!(next(Until::Settled, &unsettled(false, None), 0, 0), Next::End(Exit::Done), "it would never end");
    }

    #[test]
    fn a_brake_ends_one_run_and_is_waited_out_by_a_watch() {
        assert_eq!(next(Until::Settled, &Outcome::Held, 0, 0), Next::End(Exit::Held));
        assert_eq!(next(WATCH, &Outcome::Held, 0, 0), Next::Again { after_ms: 60_000 });
        assert_eq!(next(WATCH, &Outcome::Interrupted, 0, 0), Next::End(Exit::Interrupted));
    }
}
