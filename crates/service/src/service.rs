//! Everything that the passes of this process share, and the tasks of its accounts.

use crate::bell::HotSet;
use crate::budget::Budget;
use crate::connections::Connections;
use crate::ending::{AccountOutcome, Ending};
use crate::gate::Gates;
use crate::keep::{keep, need};
use crate::member::Member;
use crate::next::Mode;
use crate::ports::{EndpointFactory, Listener};
use crate::stop::Stop;
use futures_util::future::join_all;
use parom_domain::state::{AccountId, Lease, PassSummary};
use parom_domain::{Code, Error, Result};
use parom_store::{Account, Store};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
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
    pub hot: Arc<HotSet>,
    pub started: Instant,
    /// Leases that are not needed any more. They are given back together, at the cost of one write.
    left: Mutex<Vec<Lease>>,
}

impl Shared {
    pub fn leave(&self, lease: Lease) {
        if !self.settings.dry_run {
            self.left.lock().unwrap_or_else(PoisonError::into_inner).push(lease);
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
            hot: Arc::default(),
            started: Instant::now(),
            left: Mutex::default(),
            settings,
        };
        Service { shared: Arc::new(shared) }
    }

    /// Works on the accounts for as long as the mode says. One outcome for each, in the order in which they ended; those
    /// that were switched off meanwhile have none.
    ///
    /// # Errors
    /// Those of reading the accounts from the state.
    pub async fn run(self, roster: Roster) -> Result<Vec<AccountOutcome>> {
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
        self.give_leases_back().await;
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

    async fn give_leases_back(&self) {
        let left = std::mem::take(&mut *self.shared.left.lock().unwrap_or_else(PoisonError::into_inner));
        // A lease that cannot be given back ends by itself.
        join_all(left.into_iter().map(|lease| self.shared.store.release(lease))).await;
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
                let terms = self.shared.factory.terms(&account).ok();
                let place = terms.map(|terms| self.shared.connections.request(&need(&self.shared, &terms)));
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
