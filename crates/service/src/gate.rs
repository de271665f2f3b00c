//! Breakers: what one account has found out about a server or a service password, the others need not find out again.

use crate::connections::{Bound, BoundOf};
use crate::ports::Place;
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};
use tokio::time::Instant;

/// For how long a server that could not be reached is left alone; doubled by each failure in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// One refusal may be the fault of one mailbox. So many in a row are that of the password, also where it was right before:
/// somebody may have changed it.
const REFUSALS: u32 = 2;
/// Of one that was right in an earlier run it takes more: no directory locks an account after so few.
const REFUSALS_OF_PROVED: u32 = 4;

/// The gates of this process, by server and by service password.
pub struct Gates {
    known: Mutex<HashMap<Bound, Arc<Gate>>>,
    /// Faults that a person must remove are looked at again after a while. Where the process is to end, they are not.
    watching: bool,
    changes: Changes,
}

/// Rings when a gate closes, or opens before its time.
type Changes = watch::Sender<()>;

/// The gates before one side of an account.
#[derive(Clone)]
pub struct SideGates {
    server: Arc<Gate>,
    /// Only where several accounts sign in with one password.
    credential: Option<Arc<Gate>>,
}

/// Stands before a server or a service password. Until somebody has got through, one account at a time may try; after a
/// failure nobody may until the pause is over.
pub struct Gate {
    guards: Scope,
    watching: bool,
    changes: Changes,
    turn: Arc<AsyncMutex<()>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Somebody got through, and nothing has failed since.
    open: bool,
    /// Somebody got through at any time.
    proved: bool,
    failures: u32,
    /// Logins in a row that were refused with this password.
    refusals: u32,
    /// The password was right in an earlier run.
    trusted: bool,
    /// A throttle concerned one mailbox: while it lasted, another was served. Exchange does not say whose budget a delegate
    /// uses up, the mailbox's or its own.
    throttles_one: bool,
    broken: Option<Broken>,
}

struct Broken {
    error: Error,
    at: Instant,
    /// `None`: until the process is started anew.
    until: Option<Instant>,
}

/// The right to try. Where nobody has got through yet it is held by one at a time.
type Turn = Option<OwnedMutexGuard<()>>;

impl Gates {
    #[must_use]
    pub fn new(watching: bool) -> Gates {
        Gates { known: Mutex::default(), watching, changes: Changes::default() }
    }

    /// Tells from now on when a gate closes, or opens before its time.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    #[must_use]
    pub fn of(&self, place: &Place) -> SideGates {
        let bound = |of| Bound { server: place.server.clone(), of };
        let login = place.credential.as_ref().map(|credential| BoundOf::Login(credential.name.clone()));
        SideGates { server: self.gate(bound(BoundOf::Server)), credential: login.map(|of| self.gate(bound(of))) }
    }

    /// An earlier run was asked for a pause that is not over yet.
    pub fn resume(&self, bound: Bound, pause: Duration, answer: &str) {
        let host = bound.server.rsplit_once(':').map_or(&*bound.server, |(host, _)| host).to_owned();
        let gate = self.gate(bound);
        let error = Error::new(Code::Throttled, gate.guards, Retry::After(pause));
        let error = error.with("host", host).with("answer", answer).with("backoff_ms", pause.as_millis());
        gate.note(&error);
    }

    fn gate(&self, bound: Bound) -> Arc<Gate> {
        let guards = if bound.of == BoundOf::Server { Scope::Server } else { Scope::Credential };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(bound).or_insert_with(|| Arc::new(Gate::new(guards, self.watching, self.changes.clone()))).clone()
    }
}

impl SideGates {
    /// Does what connects and signs in, if it may be tried; else tells what others were told.
    pub async fn through<T>(&self, attempt: impl Future<Output = Result<T>>) -> Result<T> {
        let _server = self.server.enter().await?;
        let _credential = match &self.credential {
            Some(credential) => credential.enter().await?,
            None => None,
        };
        let tried = attempt.await;
        match &tried {
            Ok(_) => self.all().for_each(Gate::open),
            Err(error) => self.note(error),
        }
        tried
    }

    /// Notes an error that was met later on.
    pub fn note(&self, error: &Error) {
        // A server that refuses a sign-in is there.
        if error.scope() < Scope::Server && error.arg("answer").is_some() {
            self.server.open();
        }
        self.all().for_each(|gate| gate.note(error));
    }

    /// Something that began then went well.
    pub fn went_well(&self, began: Instant) {
        if let Some(gate) = &self.credential {
            gate.went_well(began);
        }
    }

    /// Throttles are those of single mailboxes: each has a password of its own, or that was found out.
    #[must_use]
    pub fn throttles_one(&self) -> bool {
        self.credential.as_ref().is_none_or(|gate| gate.lock().throttles_one)
    }

    /// Somebody has signed in there during the life of this process.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.all().all(|gate| gate.lock().proved)
    }

    /// The password may be wrong itself: it serves several accounts, and has let in none yet, or none of the last ones.
    #[must_use]
    pub fn is_password_in_doubt(&self) -> bool {
        self.credential.as_ref().is_some_and(|gate| {
            let state = gate.lock();
            !(state.proved || state.trusted) || state.refusals >= state.refusals_allowed()
        })
    }

    /// The password was right in an earlier run.
    pub fn trust(&self) {
        if let Some(gate) = &self.credential {
            gate.lock().trusted = true;
        }
    }

    /// The password has let somebody in during this run, and was not known to be right before.
    #[must_use]
    pub fn is_newly_proved(&self) -> bool {
        self.credential.as_ref().is_some_and(|gate| {
            let state = gate.lock();
            state.proved && !state.trusted
        })
    }

    /// How long nothing needs to be tried.
    #[must_use]
    pub fn closed_for(&self) -> Duration {
        let untils = self.all().filter_map(|gate| gate.lock().broken.as_ref().and_then(|broken| broken.until));
        untils.max().map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// What is left of a pause that the server has asked for.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.all().map(|gate| gate.lock().pause()).max().unwrap_or_default()
    }

    /// The wish for the pause that is not over.
    #[must_use]
    pub fn throttle(&self) -> Option<Error> {
        let wish = |gate: &Gate| {
            let state = gate.lock();
            state.broken.as_ref().filter(|_| !state.pause().is_zero()).map(Broken::told)
        };
        self.all().max_by_key(|gate| gate.lock().pause()).and_then(wish)
    }

    fn all(&self) -> impl Iterator<Item = &Gate> {
        std::iter::once(&*self.server).chain(self.credential.as_deref())
    }
}

impl State {
    fn refusals_allowed(&self) -> u32 {
        if self.trusted { REFUSALS_OF_PROVED } else { REFUSALS }
    }

    fn pause(&self) -> Duration {
        let throttle = self.broken.as_ref().filter(|broken| broken.error.code() == Code::Throttled);
        let until = throttle.and_then(|broken| broken.until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

impl Gate {
    fn new(guards: Scope, watching: bool, changes: Changes) -> Gate {
        Gate { guards, watching, changes, turn: Arc::default(), state: Mutex::default() }
    }

    async fn enter(&self) -> Result<Turn> {
        if let Some(known) = self.known() {
            return known.map(|()| None);
        }
        let turn = self.turn.clone().lock_owned().await;
        match self.known() {
            Some(known) => known.map(|()| None),
            None => Ok(Some(turn)),
        }
    }

    /// What is known without trying: that one may pass, or why one may not.
    fn known(&self) -> Option<Result<()>> {
        let mut state = self.lock();
        if let Some(broken) = &state.broken {
            if broken.until.is_none_or(|until| Instant::now() < until) {
                return Some(Err(broken.told()));
            }
            state.broken = None;
        }
        state.open.then_some(Ok(()))
    }

    fn open(&self) {
        let mut state = self.lock();
        (state.open, state.proved, state.failures, state.refusals) = (true, true, 0, 0);
    }

    fn note(&self, error: &Error) {
        if error.scope() != self.guards {
            return;
        }
        let mut state = self.lock();
        if error.code() == Code::Throttled && state.throttles_one {
            return;
        }
        let until = match (self.guards, error.retry()) {
            (_, Retry::After(pause)) => Instant::now().checked_add(pause),
            (Scope::Credential, _) => {
                state.refusals = state.refusals.saturating_add(1);
                if state.refusals < state.refusals_allowed() {
                    // One after the other from here, until the next tells which of the two it is.
                    state.open = false;
                    return;
                }
                // What was refused is remembered beyond this, so that trying again later costs no further refusals.
                self.watching.then(|| Instant::now().checked_add(LONGEST_PAUSE)).flatten()
            }
            (_, Retry::Soon) => Instant::now().checked_add(pause(state.failures)),
            (_, Retry::WhenFixed | Retry::Never) if self.watching => Instant::now().checked_add(LONGEST_PAUSE),
            (_, Retry::WhenFixed | Retry::Never) => None,
        };
        // Several may fail together; that is one failure.
        if state.broken.as_ref().is_none_or(|broken| broken.until.is_some()) {
            if state.open || state.broken.is_none() {
                state.failures = state.failures.saturating_add(1);
            }
            state.open = false;
            state.broken = Some(Broken { error: again(error), at: Instant::now(), until });
            self.changes.send_replace(());
        }
    }

    fn went_well(&self, began: Instant) {
        let mut state = self.lock();
        let is_past = |broken: &Broken| broken.error.code() == Code::Throttled && began > broken.at;
        if state.broken.as_ref().is_some_and(is_past) {
            (state.broken, state.open, state.throttles_one) = (None, true, true);
            self.changes.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broken {
    /// The error, with the part of the pause that is left.
    fn told(&self) -> Error {
        match (self.error.retry(), self.until) {
            (Retry::After(_), Some(until)) => {
                let left = until.saturating_duration_since(Instant::now());
                let error = Error::new(self.error.code(), self.error.scope(), Retry::After(left));
                self.error.args().iter().fold(error, |error, (name, value)| error.with(name, value))
            }
            _ => again(&self.error),
        }
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE)
}

/// The same error once more; what lies behind it is told once.
pub fn again(error: &Error) -> Error {
    let copy = Error::new(error.code(), error.scope(), error.retry());
    error.args().iter().fold(copy, |copy, (name, value)| copy.with(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Shared;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn place(credential: Option<&str>) -> Place {
        let shared = |name: &str| Shared { name: name.into(), max_connections: 16 };
        Place { server: "mail:993".into(), max_connections: 16, credential: credential.map(shared), database: None }
    }

    fn error(code: Code, scope: Scope, retry: Retry) -> Error {
        Error::new(code, scope, retry).with("host", "mail").with("answer", "NO")
    }

    fn refused() -> Error {
        error(Code::SignInRefused, Scope::Credential, Retry::WhenFixed)
    }

    fn unreachable() -> Error {
        Error::new(Code::CannotConnect, Scope::Server, Retry::Soon).with("host", "mail")
    }

    /// So many accounts try at the same time; the answer to the n-th attempt is `answer(n)`. Tells how many attempts
    /// there were, and how many accounts failed.
    async fn storm(gates: &Gates, place: &Place, accounts: u32, answer: fn(u32) -> Result<()>) -> (u32, usize) {
        let attempts = Arc::new(AtomicU32::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..accounts {
            let (side, attempts) = (gates.of(place), attempts.clone());
            tasks.spawn(async move {
                side.through(async {
                    let n = attempts.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    answer(n)
                })
                .await
            });
        }
        let failed = tasks.join_all().await.into_iter().filter(Result::is_err).count();
        (attempts.load(Ordering::Relaxed), failed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_service_password_is_two_failed_sign_ins() {
        let gates = Gates::new(true);
        assert_eq!(storm(&gates, &place(Some("svc")), 500, |_| Err(refused())).await, (2, 500));
        assert_eq!(storm(&gates, &place(Some("svc")), 1, |_| Ok(())).await, (0, 1), "not again for a while");
        tokio::time::sleep(LONGEST_PAUSE).await;
        assert_eq!(storm(&gates, &place(Some("svc")), 1, |_| Ok(())).await, (1, 0), "somebody may have mended it");
        let gates = Gates::new(false);
        assert_eq!(storm(&gates, &place(Some("svc")), 500, |_| Err(refused())).await, (2, 500));
        assert_eq!(storm(&gates, &place(Some("other")), 9, |_| Ok(())).await, (9, 0), "the server is not to blame");
    }

    #[tokio::test]
    async fn once_the_password_is_proved_a_refusal_concerns_one_mailbox() {
        let gates = Gates::new(false);
        let answer = |n| if n == 3 { Err(refused()) } else { Ok(()) };
        assert_eq!(storm(&gates, &place(Some("svc")), 50, answer).await, (50, 1));
        // One that comes first is no reason to doubt it, and one that was changed meanwhile is noticed.
        let gates = Gates::new(false);
        assert_eq!(
            storm(&gates, &place(Some("svc")), 50, |n| if n == 0 { Err(refused()) } else { Ok(()) }).await,
            (50, 1)
        );
        let mut tried = 0;
        for _ in 0..10 {
            tried += storm(&gates, &place(Some("svc")), 4, |_| Err(refused())).await.0;
        }
        assert_eq!(tried, 4, "those that were on their way");
    }

    #[tokio::test]
    async fn passwords_of_their_own_are_all_tried() {
        let gates = Gates::new(false);
        assert_eq!(storm(&gates, &place(None), 20, |_| Err(refused())).await, (20, 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_down_is_asked_by_one_account_and_left_alone_ever_longer() {
        let gates = Gates::new(true);
        assert_eq!(storm(&gates, &place(None), 100, |_| Err(unreachable())).await, (1, 100));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            let closed = gates.of(&place(None)).closed_for();
            pauses.push(closed.as_secs());
            tokio::time::sleep(closed).await;
            assert_eq!(storm(&gates, &place(None), 100, |_| Err(unreachable())).await, (1, 100));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        tokio::time::sleep(LONGEST_PAUSE).await;
        assert_eq!(storm(&gates, &place(None), 100, |_| Ok(())).await, (100, 0));
        assert_eq!(gates.of(&place(None)).closed_for(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_person_must_fix_is_tried_again_by_a_watch_only() {
        let refused = |_| Err(error(Code::CertificateRefused, Scope::Server, Retry::WhenFixed));
        for (watching, later) in [(true, (1, 0)), (false, (0, 1))] {
            let gates = Gates::new(watching);
            assert_eq!(storm(&gates, &place(None), 10, refused).await, (1, 10));
            tokio::time::sleep(LONGEST_PAUSE).await;
            assert_eq!(storm(&gates, &place(None), 1, |_| Ok(())).await, later);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttling_server_gets_the_time_it_asked_for() {
        let gates = Gates::new(false);
        let side = gates.of(&place(Some("svc")));
        side.through(async { Ok(()) }).await.unwrap();
        side.note(&error(Code::Throttled, Scope::Credential, Retry::After(Duration::from_secs(40))));
        assert_eq!(side.closed_for(), Duration::from_secs(40));
        assert_eq!(storm(&gates, &place(Some("svc")), 10, |_| Ok(())).await, (0, 10));
        tokio::time::sleep(Duration::from_millis(39_999)).await;
        let told = gates.of(&place(Some("svc"))).through(async { Ok(()) }).await.unwrap_err();
        assert_eq!(told.retry(), Retry::After(Duration::from_millis(1)), "who comes late waits for what is left");
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(storm(&gates, &place(Some("svc")), 10, |_| Ok(())).await, (10, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_of_one_mailbox_does_not_keep_the_others() {
        let gates = Gates::new(false);
        let side = gates.of(&place(Some("svc")));
        side.through(async { Ok(()) }).await.unwrap();
        let before = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let throttled = || error(Code::Throttled, Scope::Credential, Retry::After(Duration::from_secs(40)));
        side.note(&throttled());
        // What was on its way says nothing. What was asked afterwards does.
        side.went_well(before);
        assert_eq!((side.closed_for(), side.throttles_one()), (Duration::from_secs(40), false));
        tokio::time::sleep(Duration::from_secs(1)).await;
        side.went_well(Instant::now());
        assert_eq!((side.closed_for(), side.throttles_one()), (Duration::ZERO, true));
        side.note(&throttled());
        assert_eq!(side.closed_for(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_of_an_earlier_run_is_kept() {
        let gates = Gates::new(false);
        let bound = place(Some("svc")).claims().remove(1).bound;
        gates.resume(bound, Duration::from_millis(1234), "slow down");
        assert_eq!(storm(&gates, &place(Some("svc")), 10, |_| Ok(())).await, (0, 10));
        tokio::time::sleep(Duration::from_millis(1234)).await;
        assert_eq!(storm(&gates, &place(Some("svc")), 10, |_| Ok(())).await, (10, 0));
    }
}
