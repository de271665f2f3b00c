//! Everything that the passes of this process share, and the tasks of its accounts.

use crate::bell::HotSet;
use crate::budget::Budget;
use crate::connections::{BoundOf, Connections, Ticket, Waiting};
use crate::ending::{AccountOutcome, Ending};
use crate::gate::Gates;
use crate::keep::{keep, need};
use crate::lease::Leases;
use crate::member::Member;
use crate::next::Mode;
use crate::paces::Paces;
use crate::ports::{EndpointFactory, Listener, Place, Terms};
use crate::stop::Stop;
use parom_domain::state::{AccountId, PassSummary};
use parom_domain::{Both, Code, Error, Result, Side};
use parom_store::{Account, Store};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

#[derive(Clone, Debug)]
pub struct Settings {
    pub mode: Mode,
    /// Look and plan, but change nothing anywhere.
    pub dry_run: bool,
    /// Who holds the leases.
    pub owner: String,
    pub accounts_at_once: usize,
    /// Connections of one account to one side at most.
    pub connections_per_account: usize,
    pub body_budget_bytes: u64,
}

/// A place in the queue, under the terms that go with it.
pub struct Queued {
    pub terms: Terms,
    pub waiting: Waiting,
}

/// Service accounts that have refused to open one account's mailbox, and when. After a while they are asked again.
#[derive(Default)]
pub struct Avoided(HashMap<(Side, Arc<str>), Instant>);

/// As long as a refused password is not tried again.
const AVOIDED_FOR: Duration = Duration::from_secs(3600);

impl Avoided {
    pub fn holds(&self, side: Side, place: &Place) -> bool {
        self.refused_at(side, place).is_some_and(|at| at.elapsed() < AVOIDED_FOR)
    }

    fn refused_at(&self, side: Side, place: &Place) -> Option<Instant> {
        self.0.get(&(side, place.credential.as_ref()?.name.clone())).copied()
    }

    /// Adds one; tells whether that is news.
    pub fn add(&mut self, side: Side, place: &Place) -> bool {
        let is_news = !self.holds(side, place);
        if let Some(credential) = &place.credential {
            self.0.insert((side, credential.name.clone()), Instant::now());
        }
        is_news && place.credential.is_some()
    }
}

/// Which accounts are worked on.
#[derive(Clone, Debug)]
pub enum Roster {
    These(Vec<Account>),
    /// All that are switched on. A watch notices when that changes.
    Enabled,
}

/// Works on many accounts.
pub struct Service {
    shared: Arc<Shared>,
}

pub struct Shared {
    pub store: Store,
    pub factory: Arc<dyn EndpointFactory>,
    pub listener: Arc<dyn Listener>,
    pub stop: Stop,
    pub settings: Settings,
    pub connections: Connections,
    pub budget: Budget,
    pub gates: Gates,
    pub paces: Paces,
    pub hot: Arc<HotSet>,
    pub started: Instant,
    pub leases: Arc<Leases>,
}

impl Shared {
    /// A place in the queue for connections, at the side's emptiest service account: the last one, or the one that was
    /// taken before. Those in `avoid` have refused the account.
    pub fn queue(&self, account: &Account, avoid: &Avoided, ticket: Option<Ticket>) -> Result<Queued> {
        let offers = self.factory.offers(account)?;
        let mut places = Both::new(None, None);
        for side in Side::ALL {
            let possible = offers.places[side].iter().enumerate().filter(|(_, place)| !avoid.holds(side, place));
            let all = offers.places[side].iter().enumerate();
            let count = offers.places[side].len().max(1);
            let rank = |(at, place): &(usize, &Place)| {
                let closed = self.gates.of(place).closed_for();
                let login = place.claims().into_iter().find(|claim| matches!(claim.bound.of, BoundOf::Login(_)));
                let load = login.map_or(0, |claim| self.connections.load(&claim.bound));
                // Those that are as empty take turns.
                let turn = (at + usize::try_from(account.id.0).unwrap_or(0)) % count;
                (closed, load, turn)
            };
            // Where all have refused, the one that did so first is asked again, and tells so.
            let chosen =
                possible.min_by_key(rank).or_else(|| all.min_by_key(|(_, place)| avoid.refused_at(side, place)));
            places[side] = chosen.map(|(_, place)| place.clone());
        }
        let Both { source: Some(source), target: Some(target) } = places else {
            return Err(Error::internal("a side without a place"));
        };
        let terms = Terms { policy: offers.policy, exclusions: offers.exclusions, places: Both::new(source, target) };
        let waiting = self.connections.request(&need(self, account, &terms, ticket));
        Ok(Queued { terms, waiting })
    }

    /// A pass that did its work is not called a failure for this.
    pub async fn write_paces(&self) {
        if self.paces.has_news()
            && let Err(error) = self.paces.write(&self.store, &self.connections).await
        {
            tracing::warn!(error = ?error, "what goes slowly could not be written down");
        }
    }
}

impl Service {
    #[must_use]
    pub fn new(
        store: Store,
        factory: Arc<dyn EndpointFactory>,
        listener: Arc<dyn Listener>,
        stop: Stop,
        settings: Settings,
    ) -> Service {
        let shared = Shared {
            store,
            factory,
            listener,
            stop,
            connections: Connections::new(settings.accounts_at_once),
            budget: Budget::new(settings.body_budget_bytes),
            gates: Gates::new(matches!(settings.mode, Mode::Watch { .. })),
            paces: Paces::default(),
            hot: Arc::default(),
            started: Instant::now(),
            leases: Arc::default(),
            settings,
        };
        Service { shared: Arc::new(shared) }
    }

    /// Works under leases that the calendars of the same accounts are written under too.
    #[must_use]
    pub fn beside(mut self, leases: Arc<Leases>) -> Service {
        // Nobody else has it before it runs.
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.leases = leases;
        }
        self
    }

    /// Works on the accounts for as long as the mode says. One outcome for each, in the order in which they ended; those
    /// that were switched off meanwhile have none.
    ///
    /// # Errors
    /// Those of reading the accounts from the state.
    pub async fn run(self, roster: Roster) -> Result<Vec<AccountOutcome>> {
        self.shared.leases.join();
        self.shared.paces.resume(&self.shared.store, &self.shared.connections, &self.shared.gates).await?;
        let accounts = self.accounts(&roster).await?;
        let mut crew =
            Crew { shared: self.shared.clone(), tasks: JoinSet::new(), members: HashMap::new(), done: Vec::new() };
        crew.add(accounts).await?;
        let follows = matches!((&roster, self.shared.settings.mode), (Roster::Enabled, Mode::Watch { .. }));
        let mut outcomes = Vec::new();
        loop {
            let alone = crew.tasks.is_empty();
            // A watch over nobody waits for accounts, but one whose accounts have all failed for good says so by ending.
            if alone && !(follows && outcomes.is_empty()) {
                break;
            }
            tokio::select! {
                Some(outcome) = crew.next(), if !alone => outcomes.extend(outcome),
                () = self.shared.stop.asked(), if alone => break,
                () = tokio::time::sleep(self.look_at_roster_every()), if follows => {
                    match self.accounts(&roster).await {
                        Ok(accounts) => crew.follow(accounts).await?,
                        // The accounts that are known go on meanwhile.
                        Err(error) => tracing::warn!(error = ?error, "the accounts could not be read"),
                    }
                }
            }
        }
        self.shared.leases.done(&self.shared.store).await;
        if !self.shared.settings.dry_run {
            self.shared.paces.write(&self.shared.store, &self.shared.connections).await?;
        }
        Ok(outcomes)
    }

    async fn accounts(&self, roster: &Roster) -> Result<Vec<Account>> {
        match roster {
            Roster::These(accounts) => Ok(accounts.clone()),
            Roster::Enabled => {
                let mut accounts = self.shared.store.accounts().await?;
                accounts.retain(|account| account.enabled);
                Ok(accounts)
            }
        }
    }

    fn look_at_roster_every(&self) -> Duration {
        match self.shared.settings.mode {
            Mode::Watch { every_ms } => Duration::from_millis(every_ms.clamp(1, 60_000)),
            Mode::Once | Mode::UntilSettled => Duration::MAX,
        }
    }
}

/// The tasks of the accounts.
struct Crew {
    shared: Arc<Shared>,
    tasks: JoinSet<Option<AccountOutcome>>,
    members: HashMap<Id, Entry>,
    /// Accounts that ended by themselves. They are not taken on again as they are.
    done: Vec<Arc<Account>>,
}

struct Entry {
    account: Arc<Account>,
    switched_off: Arc<Notify>,
}

fn is_refusal(code: &str) -> bool {
    [Code::SignInRefused, Code::SignInHeld].iter().any(|refusal| refusal.as_str() == code)
}

impl Crew {
    /// Takes accounts on. Their places in the queue for connections are taken before the first of them starts, so that
    /// they share what there is.
    async fn add(&mut self, accounts: Vec<Account>) -> Result<()> {
        if accounts.is_empty() {
            return Ok(());
        }
        let mut summaries: HashMap<AccountId, PassSummary> = self.shared.store.summaries().await?.into_iter().collect();
        let mut accounts = accounts;
        // Those that were let in before come first: whether a password that serves many is right is then known before
        // a mailbox that is not there makes it doubtful.
        accounts.sort_by_key(|account| {
            let summary = summaries.get(&account.id);
            let refused = |summary: &PassSummary| summary.error.as_ref().is_some_and(|(code, _)| is_refusal(code));
            (summary.is_some_and(refused), summary.is_none_or(|summary| summary.last_ok_ms.is_none()))
        });
        let queued: Vec<_> = accounts
            .into_iter()
            .map(|account| {
                let place = self.shared.queue(&account, &Avoided::default(), None).ok();
                (Arc::new(account), place)
            })
            .collect();
        for (account, place) in queued {
            let member = Member::new(account.clone(), summaries.remove(&account.id));
            let switched_off = Arc::new(Notify::new());
            let task = self.tasks.spawn(keep(self.shared.clone(), member, place, switched_off.clone()));
            self.members.insert(task.id(), Entry { account, switched_off });
        }
        Ok(())
    }

    /// Waits for the end of one account's task; `None` when there is none left.
    async fn next(&mut self) -> Option<Option<AccountOutcome>> {
        match self.tasks.join_next_with_id().await? {
            Ok((id, outcome)) => {
                let entry = self.members.remove(&id);
                self.done.extend(entry.filter(|_| outcome.is_some()).map(|entry| entry.account));
                Some(outcome)
            }
            Err(error) => {
                let entry = self.members.remove(&error.id());
                let address = entry.map_or_else(|| "".into(), |entry| entry.account.address.as_str().into());
                let ending = Ending::Failed(Error::internal(error).with("account", &address));
                Some(Some(AccountOutcome { address, ending, totals: crate::Totals::default() }))
            }
        }
    }

    /// Lets go of accounts that are no longer there, or are not what they were, and takes new ones on. One that changed
    /// is taken on again by the next look, when its task has ended.
    async fn follow(&mut self, accounts: Vec<Account>) -> Result<()> {
        let wanted: HashMap<AccountId, &Account> = accounts.iter().map(|account| (account.id, account)).collect();
        for entry in self.members.values() {
            if wanted.get(&entry.account.id).is_none_or(|account| **account != *entry.account) {
                entry.switched_off.notify_one();
            }
        }
        self.done.retain(|done| wanted.get(&done.id).is_some_and(|account| **account == **done));
        let working = self.members.values().map(|entry| entry.account.id);
        let known: HashSet<AccountId> = working.chain(self.done.iter().map(|done| done.id)).collect();
        let new = accounts.into_iter().filter(|account| !known.contains(&account.id)).collect();
        self.add(new).await
    }
}
