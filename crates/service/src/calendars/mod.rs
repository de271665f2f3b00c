//! The calendars of many accounts, kept in step beside their mail.
//!
//! Each account has a task (`keep.rs`): wait for a turn on both servers, run one pass, rest until something rings. What
//! rings are the notifications of the source ([`Wakes`]) and glances at the target, which tells nothing by itself; where
//! neither is to be had, an account is looked at from time to time. How a pass is made is [`CalendarPasses`]' business.

mod guarded;
mod keep;
mod wakes;

pub use guarded::GuardedAgenda;
pub use wakes::Wakes;

use crate::connections::{Connections, Grant};
use crate::ending::Ending;
use crate::gate::{Gates, SideGates};
use crate::lease::{Leases, Tenure};
use crate::paces::Paces;
use crate::ports::Place;
use crate::stop::Stop;
use async_trait::async_trait;
use parom_domain::agenda::{Agenda, Token};
use parom_domain::{Both, Error, Result, Side};
use parom_store::{Account, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Makes passes over calendars; the only thing here that knows how a side is reached.
#[async_trait]
pub trait CalendarPasses: Send + Sync {
    /// Where the calendars of an account are.
    fn places(&self, account: &Account) -> Result<Both<Place>>;

    /// One pass. What it does is told by whoever makes it.
    async fn pass(&self, account: &Account, hands: &Hands<'_>) -> CalendarPassed;

    /// Something that is another whenever anything in the account's calendars on the target is another
    /// ([`Agenda::sign`]). `None` where only a pass can tell.
    async fn glance(&self, account: &Account) -> Result<Option<Token>>;

    /// How often the account's target is glanced at after something has happened. Where nothing happens, less and less often.
    fn glance_every(&self, account: &Account) -> Duration;

    /// The pass is over, and there is another one after `again`; `None`: that was the last.
    fn ended(&self, account: &Account, ending: &Ending, again: Option<Duration>);

    /// A server wants a pause, and the account waits for so long before its pass begins.
    fn waits(&self, account: &Account, error: &Error, pause: Duration);
}

/// What a pass came to.
pub struct CalendarPassed {
    pub ending: Ending,
    /// It brought something forward, even if it failed afterwards.
    pub progressed: bool,
    /// What a glance at the target would have told before anything was looked at.
    pub sign: Option<Token>,
}

/// With what a pass works.
pub struct Hands<'a> {
    pub tenure: Tenure,
    gates: Both<SideGates>,
    places: &'a Both<Place>,
    grant: &'a Grant,
    paces: &'a Paces,
}

impl<'a> Hands<'a> {
    /// A side behind its gates. What it is told of too much makes the work there slower.
    #[must_use]
    pub fn guard(&'a self, side: Side, agenda: &'a dyn Agenda) -> GuardedAgenda<'a> {
        GuardedAgenda::loaded(agenda, self.gates[side].clone(), &self.places[side].server, (self.grant, self.paces))
    }
}

#[derive(Clone, Debug)]
pub struct CalendarSettings {
    /// Who holds the leases.
    pub owner: String,
    pub accounts_at_once: usize,
    /// How often an account is looked at when nothing rings.
    pub every: Duration,
    /// The same where everything that happens on either side rings.
    pub calm: Duration,
}

/// Keeps the calendars of many accounts in step until it is asked to stop.
pub struct CalendarService {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    passes: Arc<dyn CalendarPasses>,
    wakes: Wakes,
    stop: Stop,
    settings: CalendarSettings,
    connections: Connections,
    gates: Gates,
    paces: Paces,
    leases: Arc<Leases>,
}

impl CalendarService {
    /// `wakes` is rung by whoever hears of changes on the source.
    #[must_use]
    pub fn new(
        store: Store,
        passes: Arc<dyn CalendarPasses>,
        wakes: Wakes,
        stop: Stop,
        leases: Arc<Leases>,
        settings: CalendarSettings,
    ) -> CalendarService {
        let connections = Connections::new(settings.accounts_at_once);
        let (gates, paces) = (Gates::new(true), Paces::default());
        let shared = Shared { store, passes, wakes, stop, settings, connections, gates, paces, leases };
        CalendarService { shared: Arc::new(shared) }
    }

    /// Works on the accounts until stopping is asked for. How the last pass of each ended, in the order in which they ended.
    ///
    /// # Errors
    /// Those of the state.
    pub async fn run(self, accounts: Vec<Account>) -> Result<Vec<(Arc<str>, Ending)>> {
        let shared = self.shared;
        shared.leases.join();
        shared.paces.resume(&shared.store, &shared.connections, &shared.gates).await?;
        let mut tasks = JoinSet::new();
        for account in accounts {
            tasks.spawn(keep::keep(shared.clone(), account));
        }
        let mut ended = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            // Each pass is kept from taking its task with it, so this is a defect in what is around them.
            let none = |error| ("".into(), Ending::Failed(Error::internal(error)));
            ended.push(joined.unwrap_or_else(none));
        }
        shared.leases.done(&shared.store).await;
        shared.paces.write(&shared.store, &shared.connections).await?;
        Ok(ended)
    }
}
