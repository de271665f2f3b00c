//! What comes after a pass: pure, so that it can be told as a table.

use crate::ending::Ending;
use parom_domain::{Code, Error, Retry, Scope};
use std::time::Duration;

/// How long the work on an account goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One pass, repeated only where it was disturbed.
    Once,
    /// Until a pass finds nothing more to do.
    UntilSettled,
    /// Until the process is stopped; looking every so often when nothing rings before.
    Watch { every_ms: u64 },
}

/// What went before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Passes in a row that failed or left something and brought nothing forward, this one included. One that brought
    /// something forward counts as the first of a new row.
    pub tries: u32,
    /// Passes in a row after which there was more to do at once, this one included.
    pub repeats: u32,
    /// Both servers have let somebody in during the life of this process.
    pub proved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    End,
    Again { after_ms: u64 },
}

/// So many passes in a row that bring nothing forward are enough.
const TRIES: u32 = 8;
/// Of a server that asks for pauses, which end.
const PAUSES: u32 = 64;
/// So often in a row its own word is doubted: it may ask for no time at all.
const PATIENT: u32 = 5;
/// So often one pass is repeated because others wrote meanwhile.
const REPEATS: u32 = 2;
const FIRST_PAUSE_MS: u64 = 250;
const LONGEST_PAUSE_MS: u64 = 300_000;

#[must_use]
pub fn next(mode: Mode, ending: &Ending, history: History, now_ms: u64) -> Next {
    match ending {
        Ending::Interrupted | Ending::Planned { .. } => Next::End,
        Ending::InStep { .. } | Ending::Held(_) => look_again(mode),
        Ending::Failed(error) => after_failure(mode, error, history),
        Ending::Unsettled { wake_at_ms, soon, .. } => {
            // What was due during the pass, and is due still, does not come nearer by being looked at again and again.
            let woken = wake_at_ms.map(|at| match at.saturating_sub(now_ms) {
                0 => pause_ms(history.tries).max(1),
                later => later,
            });
            after_unsettled(mode, woken, *soon, history)
        }
    }
}

fn look_again(mode: Mode) -> Next {
    match mode {
        Mode::Once | Mode::UntilSettled => Next::End,
        Mode::Watch { every_ms } => Next::Again { after_ms: every_ms },
    }
}

fn after_unsettled(mode: Mode, woken_ms: Option<u64>, soon: bool, history: History) -> Next {
    let pause = pause_ms(history.tries);
    match (mode, soon, woken_ms) {
        (Mode::Once, true, _) if history.repeats <= REPEATS => Next::Again { after_ms: pause },
        (Mode::Once, ..) => Next::End,
        (Mode::UntilSettled, ..) if history.tries >= TRIES => Next::End,
        (Mode::UntilSettled, true, _) => Next::Again { after_ms: pause },
        (Mode::UntilSettled, false, Some(woken)) => Next::Again { after_ms: woken },
        (Mode::UntilSettled, false, None) => Next::End,
        (Mode::Watch { every_ms }, true, _) => Next::Again { after_ms: pause.min(every_ms) },
        (Mode::Watch { every_ms }, false, Some(woken)) => Next::Again { after_ms: woken.min(every_ms) },
        (Mode::Watch { every_ms }, false, None) => Next::Again { after_ms: every_ms },
    }
}

fn after_failure(mode: Mode, error: &Error, history: History) -> Next {
    let pause = Next::Again { after_ms: pause_after(error, history.tries) };
    if let Mode::Watch { every_ms } = mode {
        return match error.retry() {
            Retry::Never => Next::End,
            // A defect shows again whenever the same mail is met.
            _ if error.code() == Code::Internal => Next::Again { after_ms: LONGEST_PAUSE_MS.max(every_ms) },
            Retry::WhenFixed if error.scope() == Scope::System => Next::End,
            // A full mailbox gives its mail, and hears of marks and deletions, as ever.
            _ if error.code() == Code::QuotaFull => Next::Again { after_ms: every_ms },
            Retry::WhenFixed => Next::Again { after_ms: LONGEST_PAUSE_MS.max(every_ms) },
            Retry::Soon if error.code() == Code::LeaseLost => Next::Again { after_ms: every_ms },
            Retry::Soon | Retry::After(_) => pause,
        };
    }
    match error.retry() {
        Retry::WhenFixed | Retry::Never => Next::End,
        // The state fails for every account alike, and somebody else has this one.
        _ if error.scope() == Scope::System || error.code() == Code::LeaseLost => Next::End,
        _ if error.code() == Code::Internal => Next::End,
        // A server that was never reached is more likely misconfigured than restarting.
        Retry::Soon if error.scope() == Scope::Server && !history.proved => Next::End,
        _ if history.tries >= if error.code() == Code::Throttled { PAUSES } else { TRIES } => Next::End,
        Retry::Soon | Retry::After(_) => pause,
    }
}

/// The pause is at least what the server asked for.
fn pause_after(error: &Error, tries: u32) -> u64 {
    let asked = match error.retry() {
        Retry::After(pause) => u64::try_from(Duration::as_millis(&pause)).unwrap_or(u64::MAX),
        _ => 0,
    };
    // Who tells how long to wait is not to be outguessed.
    let tries = if error.code() == Code::Throttled { tries.min(PATIENT) } else { tries };
    asked.max(pause_ms(tries))
}

/// None after the first try, and doubled by each one in a row.
fn pause_ms(tries: u32) -> u64 {
    match tries.checked_sub(2) {
        None => 0,
        Some(doublings) => FIRST_PAUSE_MS.saturating_mul(1 << doublings.min(20)).min(LONGEST_PAUSE_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WATCH: Mode = Mode::Watch { every_ms: 60_000 };
    const FIRST: History = History { tries: 1, repeats: 0, proved: true };

    fn failed(code: Code, scope: Scope, retry: Retry) -> Ending {
        Ending::Failed(Error::new(code, scope, retry))
    }

    fn unsettled(soon: bool, wake_at_ms: Option<u64>) -> Ending {
        Ending::Unsettled { parked: 0, wake_at_ms, soon, troubles: Vec::new() }
    }

    fn again(after_ms: u64) -> Next {
        Next::Again { after_ms }
    }

    #[test]
    fn after_the_first_pass() {
        let after = |s| Retry::After(Duration::from_secs(s));
        let table = [
            // ending, once, until settled, watch
            (Ending::InStep { parked: 3 }, Next::End, Next::End, again(60_000)),
            (Ending::Interrupted, Next::End, Next::End, Next::End),
            (Ending::Held(Error::internal("")), Next::End, Next::End, again(60_000)),
            (unsettled(true, None), again(0), again(0), again(0)),
            (unsettled(false, None), Next::End, Next::End, again(60_000)),
            (unsettled(false, Some(5000)), Next::End, again(4000), again(4000)),
            (unsettled(false, Some(900_000)), Next::End, again(899_000), again(60_000)),
            (failed(Code::ConnectionLost, Scope::Account, Retry::Soon), again(0), again(0), again(0)),
            (failed(Code::CannotConnect, Scope::Server, Retry::Soon), again(0), again(0), again(0)),
            (failed(Code::Throttled, Scope::Credential, after(40)), again(40_000), again(40_000), again(40_000)),
            // The factory remembers what was refused, and does not ask again within the hour.
            (failed(Code::SignInRefused, Scope::Credential, Retry::WhenFixed), Next::End, Next::End, again(300_000)),
            (failed(Code::SignInRefused, Scope::Account, Retry::WhenFixed), Next::End, Next::End, again(300_000)),
            (failed(Code::SignInHeld, Scope::Account, Retry::WhenFixed), Next::End, Next::End, again(300_000)),
            (failed(Code::QuotaFull, Scope::Account, Retry::WhenFixed), Next::End, Next::End, again(60_000)),
            (failed(Code::CertificateRefused, Scope::Server, Retry::WhenFixed), Next::End, Next::End, again(300_000)),
            (failed(Code::StateFull, Scope::System, after(60)), Next::End, Next::End, again(60_000)),
            (failed(Code::StateDamaged, Scope::System, Retry::WhenFixed), Next::End, Next::End, Next::End),
            (failed(Code::LeaseLost, Scope::Account, Retry::Soon), Next::End, Next::End, again(60_000)),
            (failed(Code::Internal, Scope::Account, Retry::Soon), Next::End, Next::End, again(300_000)),
            (failed(Code::MessageRefused, Scope::Account, Retry::Never), Next::End, Next::End, Next::End),
        ];
        for (ending, once, settled, watch) in table {
            assert_eq!(next(Mode::Once, &ending, FIRST, 1000), once, "once: {ending:?}");
            assert_eq!(next(Mode::UntilSettled, &ending, FIRST, 1000), settled, "until settled: {ending:?}");
            assert_eq!(next(WATCH, &ending, FIRST, 1000), watch, "watch: {ending:?}");
        }
    }

    #[test]
    fn a_lost_connection_is_tried_eight_times_with_growing_pauses() {
        let lost = failed(Code::ConnectionLost, Scope::Account, Retry::Soon);
        let after = |mode, tries| next(mode, &lost, History { tries, ..FIRST }, 0);
        let pauses: Vec<Next> = (1..8).map(|tries| after(Mode::Once, tries)).collect();
        assert_eq!(pauses, [0, 250, 500, 1000, 2000, 4000, 8000].map(again));
        assert_eq!(after(Mode::Once, 8), Next::End);
        assert_eq!(after(Mode::UntilSettled, 8), Next::End);
        assert_eq!((after(WATCH, 8), after(WATCH, 1000)), (again(16_000), again(300_000)));
    }

    #[test]
    fn a_server_that_asks_for_pauses_is_not_given_up_soon() {
        let throttled = failed(Code::Throttled, Scope::Credential, Retry::After(Duration::from_secs(40)));
        let after = |tries| next(Mode::Once, &throttled, History { tries, ..FIRST }, 0);
        assert_eq!(
            [after(1), after(8), after(63), after(64)],
            [again(40_000), again(40_000), again(40_000), Next::End]
        );
    }

    #[test]
    fn a_server_that_nobody_ever_reached_is_told_at_once() {
        let nobody = History { proved: false, ..FIRST };
        let unreachable = failed(Code::CannotConnect, Scope::Server, Retry::Soon);
        assert_eq!(next(Mode::Once, &unreachable, nobody, 0), Next::End);
        assert_eq!(next(Mode::UntilSettled, &unreachable, nobody, 0), Next::End);
        assert_eq!(next(WATCH, &unreachable, nobody, 0), again(0));
        let lost = failed(Code::ConnectionLost, Scope::Account, Retry::Soon);
        assert_eq!(next(Mode::Once, &lost, nobody, 0), again(0), "it was there a moment ago");
    }

    #[test]
    fn one_pass_is_repeated_twice_at_most_when_others_write() {
        let more = unsettled(true, None);
        let after = |repeats| next(Mode::Once, &more, History { repeats, ..FIRST }, 0);
        assert_eq!([after(1), after(2), after(3)], [again(0), again(0), Next::End]);
    }

    #[test]
    fn what_is_due_again_and_again_is_looked_at_with_growing_pauses() {
        let after =
            |wake_at_ms, tries| next(WATCH, &unsettled(false, Some(wake_at_ms)), History { tries, ..FIRST }, 1000);
        assert_eq!([1, 2, 3, 4].map(|tries| after(1000, tries)), [1, 250, 500, 1000].map(again));
        assert_eq!((after(10, 8), after(10, 100)), (again(16_000), again(60_000)));
        assert_eq!(after(1300, 100), again(300), "what is due at a moment has it");
    }

    #[test]
    fn what_never_settles_ends_all_the_same() {
        for ending in [unsettled(true, None), unsettled(false, Some(10))] {
            assert_eq!(next(Mode::UntilSettled, &ending, History { tries: TRIES, ..FIRST }, 0), Next::End);
        }
    }
}
