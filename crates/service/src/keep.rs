//! The loop of one account: wait for connections, run a pass, ask what comes next, rest.

use crate::bell::{Bell, Told, bells_of};
use crate::connections::{Claim, LEAST_CONNECTIONS, Need, Waiting};
use crate::ending::{AccountOutcome, Ending, Totals};
use crate::gate::{SideGates, again};
use crate::member::{Member, Passed};
use crate::next::{History, Mode, Next, next};
use crate::ports::{Notice, Place, Terms};
use crate::service::{Avoided, Queued, Shared};
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
    if let Some(lease) = member.into_lease() {
        shared.leave(lease);
    }
    ended.map(|ending| AccountOutcome { address, ending, totals })
}

async fn rounds(shared: &Arc<Shared>, member: &mut Member, first: Option<Queued>, totals: &mut Totals) -> Ending {
    let mut first = first;
    let mut avoid = Avoided::default();
    let mut history = History::default();
    let mut bell: Option<Bell> = None;
    loop {
        if let Some(bell) = &mut bell {
            bell.reset();
        }
        let queued = first.take().map_or_else(|| shared.queue(&member.account, &avoid), Ok);
        let (terms, waiting) = match queued {
            Ok(Queued { terms, waiting }) => (Ok(terms), Some(waiting)),
            Err(error) => (Err(error), None),
        };
        // On the heap, and only for as long as it runs: thousands of accounts in step must cost next to nothing.
        let Some(passed) = Box::pin(one_pass(shared, member, &terms, waiting)).await else {
            return Ending::Interrupted;
        };
        totals.add(&passed.totals);
        if passed.progressed {
            shared.hot.touch(member.account.id, Instant::now());
        }
        let gates: Vec<SideGates> =
            terms.iter().flat_map(|terms| terms.places.iter().map(|(_, place)| shared.gates.of(place))).collect();
        history = judge(history, &passed, gates.iter().all(SideGates::is_proved));
        let after = match next(shared.settings.mode, &passed.ending, history, SystemClock.now_ms()) {
            Next::End => None,
            Next::Again { after_ms } => Some(Duration::from_millis(after_ms)),
        };
        if let (Ok(terms), Ending::Failed(error)) = (&terms, &passed.ending)
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
        shared.listener.on(&member.address, Notice::Ended { ending: &passed.ending, again: after.filter(|_| failed) });
        let Some(after) = after else { return passed.ending };
        if let (Mode::Watch { .. }, Ok(terms), None) = (shared.settings.mode, &terms, &bell)
            && matches!(passed.ending, Ending::InStep { .. } | Ending::Unsettled { .. })
        {
            let active_at = if passed.progressed { Instant::now() } else { shared.started };
            bell = hang(shared, member, terms, active_at).await;
        }
        if !rest(shared, after, &mut bell).await {
            return Ending::Interrupted;
        }
    }
}

/// One pass with its connections; `None` when stopping was asked for before it began.
async fn one_pass(
    shared: &Shared,
    member: &mut Member,
    terms: &Result<Terms>,
    waiting: Option<Waiting>,
) -> Option<Passed> {
    let failed = |ending| Passed {
        ending,
        totals: Totals { passes: 1, ..Totals::default() },
        progressed: false,
        was_held: false,
    };
    let terms = match terms {
        Ok(terms) => terms,
        Err(error) => return Some(failed(member.failed(shared, again(error)).await)),
    };
    let mut waiting = waiting.unwrap_or_else(|| shared.connections.request(&need(shared, &member.account, terms)));
    let grant = tokio::select! {
        biased;
        () = shared.stop.asked() => return None,
        grant = waiting.granted() => grant,
    };
    shared.listener.on(&member.address, Notice::Began);
    // A defect of ours that shows in one mailbox must not keep the others from their mail.
    let passed = AssertUnwindSafe(member.pass(shared, terms, &grant)).catch_unwind().await;
    Some(match passed {
        Ok(passed) => passed,
        Err(_) => failed(member.failed(shared, Error::internal("a pass panicked")).await),
    })
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
        Code::Throttled => {
            let is_open =
                |side: Side, place: &Place| shared.gates.of(place).closed_for().is_zero() && !avoid.holds(side, place);
            let is_closed = |side: &Side| !is_open(*side, &terms.places[*side]);
            let mut closed = Side::ALL.into_iter().filter(is_closed).peekable();
            closed.peek().is_some() && closed.all(|side| others(side).any(|place| is_open(side, place)))
        }
        _ => false,
    }
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
pub fn need(shared: &Shared, account: &Account, terms: &Terms) -> Need {
    let mut claims: Vec<Claim> = terms.places.iter().flat_map(|(_, place)| place.claims()).collect();
    if let Mode::Watch { .. } = shared.settings.mode {
        claims.iter_mut().for_each(|claim| claim.limit -= bells_of(claim.limit));
    }
    Need { claims, priority: account.priority, least: LEAST_CONNECTIONS, most: shared.settings.connections_per_account }
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
