//! Many accounts in one process: who is worked on when, and what comes after a pass.

mod account;
mod breaker;
mod next;
mod observer;
mod permits;

pub use account::Planned;
pub use next::Until;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::state;
use crate::stop::Stop;
use crate::wiring::Wiring;
use account::{Member, Outcome};
use breaker::Breakers;
use next::{Next, next};
use parom_store::{Account, Store};
use permits::Budget;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Everything that the passes of this process share.
pub struct Sync {
    config: Config,
    store: Store,
    wiring: Wiring,
    progress: Arc<dyn Progress>,
    stop: Stop,
    budget: Budget,
    breakers: Breakers,
    share: Share,
    dry_run: bool,
}

/// How the servers' connections are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    accounts_at_once: usize,
    /// Connections of one account to one side.
    lanes: usize,
}

impl Sync {
    pub fn new(
        config: &Config,
        store: &Store,
        progress: Arc<dyn Progress>,
        stop: Stop,
        accounts: usize,
        dry_run: bool,
    ) -> Result<Sync, Failure> {
        Ok(Sync {
            wiring: Wiring::new(config)?,
            store: store.clone(),
            progress,
            stop,
            budget: Budget::new(config.limits.body_budget_bytes),
            breakers: Breakers::new(accounts > 1),
            share: Share::of(config, accounts),
            dry_run,
            config: config.clone(),
        })
    }

    /// Works on all these accounts. The plans are those of a dry run.
    pub async fn run(self, accounts: Vec<Account>, until: Until) -> Result<(Exit, Vec<Planned>), Failure> {
        let mut summaries: std::collections::HashMap<_, _> = self.store.summaries().await?.into_iter().collect();
        let slots = Arc::new(Semaphore::new(self.share.accounts_at_once));
        let shared = Arc::new(self);
        let mut tasks = JoinSet::new();
        for account in accounts {
            let summary = summaries.remove(&account.id);
            let member = Member::new(account, summary);
            tasks.spawn(keep(shared.clone(), slots.clone(), member, until));
        }
        let (mut exits, mut plans) = (Vec::new(), Vec::new());
        while let Some(ended) = tasks.join_next().await {
            // A task fails only by a panic, which has been told on stderr.
            let (exit, plan) = ended.unwrap_or((Exit::Internal, None));
            exits.push(exit);
            plans.extend(plan);
        }
        Ok((Exit::together(exits), plans))
    }
}

/// Works on one account until there is no more to do, or for as long as it is asked to.
async fn keep(sync: Arc<Sync>, slots: Arc<Semaphore>, mut member: Member, until: Until) -> (Exit, Option<Planned>) {
    let mut failures = 0;
    loop {
        let outcome = {
            // The semaphore is never closed. Stopping ends those that wait, too.
            let _slot = tokio::select! {
                slot = slots.acquire() => slot,
                () = sync.stop.asked() => return (Exit::Interrupted, None),
            };
            // On the heap, and only for as long as it runs: thousands of accounts in step must cost next to nothing.
            Box::pin(member.pass(&sync)).await
        };
        failures = if matches!(outcome, Outcome::Failed { .. }) { failures + 1 } else { 0 };
        match next(until, &outcome, failures, state::now_ms()) {
            Next::End(exit) => return (exit, outcome.into_plan()),
            Next::Again { after_ms } => {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(after_ms)) => {}
                    () = sync.stop.asked() => return (Exit::Interrupted, None),
                }
            }
        }
    }
}

impl Share {
    /// No server is asked for more connections than any domain allows, whichever accounts come together. Each account
    /// needs two: one never serves both directions.
    fn of(config: &Config, accounts: usize) -> Share {
        let sides = config.domains.iter().flat_map(|domain| [&domain.sides.source, &domain.sides.target]);
        let number = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let allowed = sides.map(|side| number(side.max_connections)).min().unwrap_or(1);
        let wanted = number(config.limits.accounts_at_once).min(accounts).max(1);
        let accounts_at_once = wanted.min(allowed / 2).max(1);
        let lanes = number(config.limits.connections_per_account).min(allowed / accounts_at_once).max(1);
        Share { accounts_at_once, lanes }
    }
}
