//! The loop of one account: wait for connections, run a pass, ask what comes next, rest.

use crate::bell::{Bell, Told, bells_of};
use crate::connections::{Claim, Grant, LEAST_CONNECTIONS, Need, Ticket};
use crate::ending::{AccountOutcome, Ending, Totals};
use crate::gate::SideGates;
use crate::member::{Member, Passed};
use crate::next::{History, Mode, Next, next};
use crate::ports::{Notice, Place, Terms};
use crate::service::{Avoided, Queued, Shared};
use crate::turn::{Step, step};
use futures_util::FutureExt;
use parom_domain::endpoint::Endpoint;
use parom_domain::{Both, Code, Error, Result, Side};
use parom_engine::{Clock, SystemClock};
use parom_store::Account;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Works on an account until there is no more to do, or for as long as it is asked to. `first` is a place in the queue
/// that was taken together with other accounts. `None` when the account was switched off meanwhile.
pub async fn keep(
    shared: Arc<Shared>,
    mut member: Member,
    first: Option<Queued>,
    switched_off: Arc<Notify>,
) -> Option<AccountOutcome> {
    let mut totals = Totals::default();
    let ended = tokio::select! {
        ended = rounds(&shared, &mut member, first, &mut totals) => Some(ended),
        // What a pass leaves when it is dropped, a kill may leave as well.
        () = switched_off.notified() => None,
    };
    let address = member.address.clone();
    ended.map(|ending| AccountOutcome { address, ending, totals })
}

async fn rounds(shared: &Arc<Shared>, member: &mut Member, first: Option<Queued>, totals: &mut Totals) -> Ending {
    let mut first = first;
    let mut avoid = Avoided::default();
    let mut history = History::default();
    let mut bell: Option<Bell> = None;
    let mut place = KeptPlace::default();
    loop {
        if let Some(bell) = &mut bell {
            bell.reset();
        }
        let queued = first.take().map_or_else(|| shared.queue(&member.account, &avoid, place.ticket.take()), Ok);
        // On the heap, and only for as long as it runs: thousands of accounts in step must cost next to nothing.
        let Some(round) = Box::pin(one_round(shared, member, queued, &avoid, &mut place)).await else {
            return Ending::Interrupted;
        };
        let Round { terms, passed } = round;
        totals.add(&passed.totals);
        if passed.progressed {
            shared.hot.touch(member.account.id, Instant::now());
        }
        let gates = terms.as_ref().map(|terms| gates(shared, terms)).unwrap_or_default();
        history = judge(history, &passed, gates.iter().all(SideGates::is_proved));
        let after = match next(shared.settings.mode, &passed.ending, history, SystemClock.now_ms()) {
            Next::End => None,
            Next::Again { after_ms } => Some(Duration::from_millis(after_ms)),
        };
        if let (Some(terms), Ending::Failed(error)) = (&terms, &passed.ending)
            && another_may_serve(shared, member, terms, error, &mut avoid)
        {
            let again = Some(Duration::ZERO);
            shared.listener.on(&member.address, Notice::Ended { ending: &passed.ending, again });
            continue;
        }
        // While a gate is closed, nothing could be tried.
        let failed = matches!(passed.ending, Ending::Failed(_));
        let closed = gates.iter().filter(|_| failed).map(SideGates::closed_for).max().unwrap_or_default();
        let after = after.map(|after| after.max(closed));
        shared.listener.on(&member.address, Notice::Ended { ending: &passed.ending, again: after });
        let Some(after) = after else { return passed.ending };
        if failed {
            place.told_until = Instant::now().checked_add(after);
        }
        if let (Mode::Watch { .. }, Some(terms), None) = (shared.settings.mode, &terms, &bell)
            && matches!(passed.ending, Ending::InStep { .. } | Ending::Unsettled { .. })
        {
            let active_at = if passed.progressed { Instant::now() } else { shared.started };
            bell = hang(shared, member, terms, active_at).await;
        }
        // A pause is spent in the queue.
        let pause = gates.iter().filter(|_| place.ticket.is_some()).map(SideGates::pause).max().unwrap_or_default();
        let rests = if after <= pause { Duration::ZERO } else { after };
        if !rest(shared, rests, &mut bell).await {
            return Ending::Interrupted;
        }
    }
}

/// Those that were on their way when a server asked for a pause are told of ends of it that lie so near to each other.
const SAME_PAUSE: Duration = Duration::from_secs(1);

/// A place in the queue that outlasts a throttle.
#[derive(Default)]
struct KeptPlace {
    ticket: Option<Ticket>,
    /// It was kept for the pass before as well.
    was_kept: bool,
    /// The listener knows of a pause that is not over before.
    told_until: Option<Instant>,
}

impl KeptPlace {
    /// Whom a throttle has turned away or cut off keeps the place, but once: the throttle may be that of one mailbox, and
    /// would go on to hold up everybody behind it. The second time it goes behind those who wait.
    fn keep(&mut self, passed: &Passed, had: Ticket, last: impl FnOnce() -> Ticket) {
        let is_throttled = matches!(&passed.ending, Ending::Failed(error) if error.code() == Code::Throttled);
        // Who was not even allowed to try has used up nothing.
        let keeps = is_throttled && (passed.was_held || !self.was_kept);
        self.ticket = is_throttled.then(|| if keeps { had } else { last() });
        self.was_kept = if passed.was_held { self.was_kept } else { keeps };
    }

    /// Tells of a pause, unless it is the one that was told.
    fn tell(&mut self, shared: &Shared, member: &Member, terms: &Terms, pause: Duration) {
        let until = Instant::now().checked_add(pause);
        if self.told_until.is_some_and(|told| until <= told.checked_add(SAME_PAUSE)) {
            return;
        }
        let longest = gates(shared, terms).into_iter().max_by_key(SideGates::pause);
        if let Some(error) = longest.and_then(|gates| gates.throttle()) {
            shared.listener.on(&member.address, Notice::Waits { error: &error, pause });
            self.told_until = until;
        }
    }
}

/// A pass that is over, and under which terms it was run.
struct Round {
    terms: Option<Terms>,
    passed: Passed,
}

/// One pass with its connections; `None` when stopping was asked for before it began.
async fn one_round(
    shared: &Shared,
    member: &mut Member,
    queued: Result<Queued>,
    avoid: &Avoided,
    place: &mut KeptPlace,
) -> Option<Round> {
    let failed = |ending| Passed {
        ending,
        totals: Totals { passes: 1, ..Totals::default() },
        progressed: false,
        was_held: false,
    };
    let mut queued = match queued {
        Ok(queued) => queued,
        Err(error) => return Some(Round { terms: None, passed: failed(member.failed(shared, error).await) }),
    };
    let grant = wait_for_turn(shared, member, &mut queued, avoid, place).await?;
    let Queued { terms, waiting } = queued;
    shared.listener.on(&member.address, Notice::Began);
    // A defect of ours that shows in one mailbox must not keep the others from their mail.
    let passed = match AssertUnwindSafe(member.pass(shared, &terms, &grant)).catch_unwind().await {
        Ok(passed) => passed,
        Err(_) => failed(member.failed(shared, Error::internal("a pass panicked")).await),
    };
    place.keep(&passed, waiting.ticket, || shared.connections.ticket(member.account.priority));
    Some(Round { terms: Some(terms), passed })
}

/// Waits in the queue. Where a server asks for a pause meanwhile, the place is kept until it is over, or is taken at
/// another service account that is open. `None` when stopping was asked for.
async fn wait_for_turn(
    shared: &Shared,
    member: &Member,
    queued: &mut Queued,
    avoid: &Avoided,
    place: &mut KeptPlace,
) -> Option<Grant> {
    let mut changes = shared.gates.changes();
    loop {
        changes.borrow_and_update();
        let pause = gates(shared, &queued.terms).iter().map(SideGates::pause).max().unwrap_or_default();
        if !pause.is_zero() {
            if another_is_open(shared, &member.account, &queued.terms, avoid)
                && let Ok(elsewhere) = shared.queue(&member.account, avoid, Some(queued.waiting.ticket))
            {
                *queued = elsewhere;
                continue;
            }
            place.tell(shared, member, &queued.terms, pause);
        }
        match step(&shared.stop, &mut queued.waiting, pause, &mut changes).await {
            Step::Granted(grant) => return Some(grant),
            Step::Stopped => return None,
            Step::Moved => {}
        }
    }
}

fn gates(shared: &Shared, terms: &Terms) -> Vec<SideGates> {
    terms.places.iter().map(|(_, place)| shared.gates.of(place)).collect()
}

/// Where several service accounts can open a mailbox, and one has refused it or is to be left alone for a while, the next
/// one is asked at once.
fn another_may_serve(shared: &Shared, member: &Member, terms: &Terms, error: &Error, avoid: &mut Avoided) -> bool {
    let Ok(offers) = shared.factory.offers(&member.account) else { return false };
    let others = |side: Side| offers.places[side].iter().filter(move |place| **place != terms.places[side]);
    match error.code() {
        Code::SignInRefused | Code::SignInHeld | Code::SecretMissing => {
            let refusing = Side::ALL.into_iter().find(|side| error.arg("side") == Some(side.to_string().as_str()));
            refusing.is_some_and(|side| {
                avoid.add(side, &terms.places[side]) && others(side).any(|place| !avoid.holds(side, place))
            })
        }
        Code::Throttled => another_is_open(shared, &member.account, terms, avoid),
        _ => false,
    }
}

/// Whatever side has to wait, another service account could do the work there.
fn another_is_open(shared: &Shared, account: &Account, terms: &Terms, avoid: &Avoided) -> bool {
    let Ok(offers) = shared.factory.offers(account) else { return false };
    let is_open =
        |side: Side, place: &Place| shared.gates.of(place).closed_for().is_zero() && !avoid.holds(side, place);
    let mut closed = Side::ALL.into_iter().filter(|side| !is_open(*side, &terms.places[*side])).peekable();
    closed.peek().is_some()
        && closed
            .all(|side| offers.places[side].iter().any(|place| *place != terms.places[side] && is_open(side, place)))
}

/// What the next decision must know of the past.
fn judge(history: History, passed: &Passed, proved: bool) -> History {
    let tries = match (&passed.ending, passed.progressed) {
        (Ending::Failed(_), false) if passed.was_held => history.tries,
        (Ending::Failed(_) | Ending::Unsettled { .. }, false) => history.tries.saturating_add(1),
        (Ending::Failed(_) | Ending::Unsettled { .. }, true) => 1,
        _ => 0,
    };
    let repeats = match passed.ending {
        Ending::Unsettled { soon: true, .. } => history.repeats.saturating_add(1),
        Ending::Failed(_) => history.repeats,
        _ => 0,
    };
    History { tries, repeats, proved }
}

/// The connections that an account asks for.
pub fn need(shared: &Shared, account: &Account, terms: &Terms, ticket: Option<Ticket>) -> Need {
    let mut claims: Vec<Claim> = terms.places.iter().flat_map(|(_, place)| place.claims()).collect();
    if let Mode::Watch { .. } = shared.settings.mode {
        claims.iter_mut().for_each(|claim| claim.limit -= bells_of(claim.limit));
    }
    Need {
        claims,
        least: LEAST_CONNECTIONS,
        most: shared.settings.connections_per_account,
        priority: account.priority,
        gates: gates(shared, terms),
        ticket,
    }
}

async fn hang(shared: &Arc<Shared>, member: &Member, terms: &Terms, active_at: Instant) -> Option<Bell> {
    let endpoints = async || -> Result<Both<Arc<dyn Endpoint>>> {
        let endpoint = async |side: Side| shared.factory.endpoint(&member.account, terms.at(side), 1).await;
        Ok(Both::new(endpoint(Side::Source).await?, endpoint(Side::Target).await?))
    };
    Bell::hang(&shared.hot, member.account.id, terms, active_at, endpoints).await
}

/// Rests until it is time, or the bell rings. `false`: stopping was asked for.
async fn rest(shared: &Shared, pause: Duration, bell: &mut Option<Bell>) -> bool {
    // Beyond a year nobody waits.
    let until = Instant::now() + pause.min(Duration::from_secs(365 * 86_400));
    loop {
        let heard = async {
            match bell.as_mut() {
                Some(bell) => bell.heard().await,
                None => std::future::pending().await,
            }
        };
        let told = tokio::select! {
            () = shared.stop.asked() => return false,
            () = tokio::time::sleep_until(until) => return true,
            told = heard => told,
        };
        match told {
            Told::Rang => return true,
            Told::Over => {
                if let Some(bell) = bell.take() {
                    bell.take_down().await;
                }
            }
        }
    }
}
