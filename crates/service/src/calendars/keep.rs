//! The loop of one account's calendars: wait for a turn, run a pass, rest until something rings.

use super::wakes::Wake;
use super::{CalendarPassed, Hands, Shared};
use crate::connections::{Grant, Need};
use crate::ending::Ending;
use crate::gate::SideGates;
use crate::next::{History, Mode, Next, next};
use crate::ports::Place;
use crate::turn::{Step, step};
use futures_util::FutureExt;
use parom_domain::agenda::Token;
use parom_domain::{Code, Error};
use parom_engine::{Clock, SystemClock};
use parom_store::Account;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Beyond this nobody waits.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Works on an account's calendars until stopping is asked for or nothing can be done for them any more.
pub(super) async fn keep(shared: Arc<Shared>, account: Account) -> (Arc<str>, Ending) {
    let ending = rounds(&shared, &account).await;
    (account.address.as_str().into(), ending)
}

/// An account in which nothing happens is glanced at so many times as seldom as a lively one.
const CALMEST_GLANCE: u32 = 20;

/// What is known of the target by glancing at it.
struct Glances {
    /// What it was when the last pass began.
    seen: Option<Token>,
    /// Passes alone can tell.
    are_blind: bool,
    /// After something has happened.
    lively: Duration,
    every: Duration,
    next: Instant,
}

impl Glances {
    fn new(lively: Duration) -> Glances {
        Glances { seen: None, are_blind: false, lively, every: lively, next: Instant::now() }
    }

    fn put_off(&mut self, something_happened: bool) {
        let calmer = self.every.saturating_mul(2).min(self.lively.saturating_mul(CALMEST_GLANCE));
        self.every = if something_happened { self.lively } else { calmer };
        self.next = Instant::now() + self.every;
    }
}

async fn rounds(shared: &Shared, account: &Account) -> Ending {
    let wake = shared.wakes.of(account.id);
    let mut glances = Glances::new(shared.passes.glance_every(account));
    let mut history = History::default();
    loop {
        wake.reset();
        // On the heap, and only for as long as it runs: thousands of accounts in step must cost next to nothing.
        let Some((passed, gates)) = Box::pin(one_round(shared, account)).await else {
            return Ending::Interrupted;
        };
        let CalendarPassed { ending, progressed, sign } = passed;
        history = judge(history, &ending, progressed, &gates);
        if !matches!(ending, Ending::Failed(_)) {
            // INVARIANT: it is what the target was before the pass looked, so what came in between is another again.
            (glances.are_blind, glances.seen) = (sign.is_none(), sign);
        }
        glances.put_off(progressed);
        let rest = Rest::after(shared, ending, history, &gates);
        shared.passes.ended(account, &rest.ending, rest.again(&wake, &glances));
        if rest.base.is_none() {
            return rest.ending;
        }
        if !rest.over(shared, account, &wake, &mut glances).await {
            return Ending::Interrupted;
        }
    }
}

fn judge(history: History, ending: &Ending, progressed: bool, gates: &[SideGates]) -> History {
    let goes_on = matches!(ending, Ending::Failed(_) | Ending::Unsettled { .. });
    let tries = match (goes_on, progressed) {
        (false, _) => 0,
        (true, true) => 1,
        (true, false) => history.tries.saturating_add(1),
    };
    History { tries, repeats: 0, proved: gates.iter().all(SideGates::is_proved) }
}

/// The time until the next pass.
struct Rest {
    ending: Ending,
    began: Instant,
    /// How long it is where not everything rings; `None`: for ever.
    base: Option<Duration>,
    /// How long it is where everything does.
    calm: Duration,
    /// What rings is heard. After a failure it has to wait, too.
    hears: bool,
}

impl Rest {
    fn after(shared: &Shared, ending: Ending, history: History, gates: &[SideGates]) -> Rest {
        let now_ms = SystemClock.now_ms();
        let within = |every: Duration| {
            let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
            match next(Mode::Watch { every_ms }, &ending, history, now_ms) {
                Next::End => None,
                Next::Again { after_ms } => Some(Duration::from_millis(after_ms).min(YEAR)),
            }
        };
        let failed = matches!(ending, Ending::Failed(_));
        let closed = gates.iter().filter(|_| failed).map(SideGates::closed_for).max().unwrap_or_default();
        let base = within(shared.settings.every).map(|rest| rest.max(closed));
        let calm = match failed {
            true => base.unwrap_or_default(),
            false => within(shared.settings.calm.max(shared.settings.every)).unwrap_or_default(),
        };
        Rest { ending, began: Instant::now(), base, calm, hears: !failed }
    }

    fn length(&self, wake: &Wake, glances: &Glances) -> Duration {
        let everything_rings = wake.is_attended() && !glances.are_blind;
        if everything_rings { self.calm } else { self.base.unwrap_or(YEAR) }
    }

    fn again(&self, wake: &Wake, glances: &Glances) -> Option<Duration> {
        self.base.map(|_| self.length(wake, glances))
    }

    /// `false`: stopping was asked for.
    async fn over(&self, shared: &Shared, account: &Account, wake: &Wake, glances: &mut Glances) -> bool {
        loop {
            let until = self.began + self.length(wake, glances);
            let rung = wake.due().filter(|_| self.hears);
            let look = rung.map_or(until, |rung| rung.min(until));
            let now = Instant::now();
            if look <= now {
                tracing::debug!(account = %account.address, rang = rung.is_some(), "looks at calendars");
                return true;
            }
            let glances_on = self.hears && !glances.are_blind;
            if glances_on && glances.next <= now {
                match Box::pin(glance(shared, account, glances)).await {
                    Some(true) => return true,
                    Some(false) => continue,
                    None => return false,
                }
            }
            let next = if glances_on { look.min(glances.next) } else { look };
            tokio::select! {
                () = shared.stop.asked() => return false,
                () = tokio::time::sleep_until(next) => {}
                () = wake.changed() => {}
            }
        }
    }
}

/// Glances at the target. Tells whether it is another than before; `None` when stopping was asked for. One that cannot be
/// glanced at is looked at, which tells why.
async fn glance(shared: &Shared, account: &Account, glances: &mut Glances) -> Option<bool> {
    let Ok(places) = shared.passes.places(account) else { return Some(true) };
    let gates = vec![shared.gates.of(&places.target)];
    let grant = turn(shared, account, &[&places.target], gates).await?;
    let seen = shared.passes.glance(account).await;
    drop(grant);
    let is_other = match seen {
        Ok(seen) => {
            glances.are_blind = seen.is_none();
            seen != glances.seen
        }
        Err(error) => {
            tracing::info!(account = %account.address, error = ?error, "the target could not be glanced at");
            true
        }
    };
    glances.put_off(is_other);
    Some(is_other)
}

/// One pass with its turn; `None` when stopping was asked for before it began.
async fn one_round(shared: &Shared, account: &Account) -> Option<(CalendarPassed, Vec<SideGates>)> {
    let failed = |error| CalendarPassed { ending: Ending::Failed(error), progressed: false, sign: None };
    let places = match shared.passes.places(account) {
        Ok(places) => places,
        Err(error) => return Some((failed(error), Vec::new())),
    };
    let gates = places.as_ref().map(|place| shared.gates.of(place));
    let both: Vec<SideGates> = gates.iter().map(|(_, gates)| gates.clone()).collect();
    let grant = turn(shared, account, &[&places.source, &places.target], both.clone()).await?;
    let tenure = match shared.leases.of(&shared.store, account.id, &shared.settings.owner).await {
        Ok(tenure) => tenure,
        Err(error) => return Some((failed(error), both)),
    };
    let lease = tenure.lease;
    let hands = Hands { tenure, gates, places: &places, grant: &grant, paces: &shared.paces };
    // A defect of ours that shows in one account must not keep the others from their calendars.
    let passed = AssertUnwindSafe(shared.passes.pass(account, &hands)).catch_unwind().await;
    let passed = passed.unwrap_or_else(|_| failed(Error::internal("a pass over calendars panicked")));
    if matches!(&passed.ending, Ending::Failed(error) if error.code() == Code::LeaseLost) {
        shared.leases.lose(lease).await;
    }
    if shared.paces.has_news()
        && let Err(error) = shared.paces.write(&shared.store, &shared.connections).await
    {
        tracing::warn!(error = ?error, "what goes slowly could not be written down");
    }
    Some((passed, both))
}

/// Waits in the queue. Where a server asks for a pause meanwhile, the place is kept until it is over. `None` when stopping was
/// asked for.
async fn turn(shared: &Shared, account: &Account, places: &[&Place], gates: Vec<SideGates>) -> Option<Grant> {
    let mut changes = shared.gates.changes();
    let need = Need {
        claims: places.iter().flat_map(|place| place.claims()).collect(),
        least: 1,
        most: 1,
        priority: account.priority,
        gates: gates.clone(),
        ticket: None,
    };
    let mut waiting = shared.connections.request(&need);
    let mut is_told = false;
    loop {
        changes.borrow_and_update();
        let pausing = gates.iter().max_by_key(|gates| gates.pause());
        let pause = pausing.map(SideGates::pause).unwrap_or_default();
        if !pause.is_zero()
            && !is_told
            && let Some(error) = pausing.and_then(SideGates::throttle)
        {
            shared.passes.waits(account, &error, pause);
            is_told = true;
        }
        match step(&shared.stop, &mut waiting, pause, &mut changes).await {
            Step::Granted(grant) => return Some(grant),
            Step::Stopped => return None,
            Step::Moved => {}
        }
    }
}
