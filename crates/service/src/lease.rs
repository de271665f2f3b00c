//! The lease of an account, as long as this process works on it: taken seldom, renewed while a pass runs, and given up
//! by ourselves before others may take it. Mail and calendars of an account are written under the same one, also at once.

use async_trait::async_trait;
use parom_domain::state::{AccountId, Lease};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_engine::{Clock, SystemClock};
use parom_store::Store;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::{Instant, sleep, sleep_until};

/// For how long a lease is taken.
const TERM: Duration = Duration::from_secs(600);
/// So long before its end a lease that could not be renewed counts as lost: clocks differ, and so do processes in speed.
const MARGIN: Duration = Duration::from_secs(30);
/// A lease that could not be renewed is tried again so soon.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Where leases are taken and renewed: the store.
#[async_trait]
pub trait Registry: Send + Sync {
    async fn take(&self, account: AccountId, owner: &str, term: Duration) -> Result<Option<Lease>>;
    async fn renew(&self, lease: Lease, term: Duration) -> Result<()>;
}

#[async_trait]
impl Registry for Store {
    async fn take(&self, account: AccountId, owner: &str, term: Duration) -> Result<Option<Lease>> {
        self.acquire(account, owner, SystemClock.now_ms(), millis(term)).await
    }

    async fn renew(&self, lease: Lease, term: Duration) -> Result<()> {
        Store::renew(self, lease, SystemClock.now_ms(), millis(term)).await
    }
}

/// A lease and how long we believe in it. Clones share that.
#[derive(Clone)]
pub struct Tenure {
    pub lease: Lease,
    until: Arc<Mutex<Instant>>,
}

/// The leases that this process has. Whoever works on an account, on its mail or its calendars, has the same one.
#[derive(Default)]
pub struct Leases {
    slots: Mutex<HashMap<AccountId, Slot>>,
    users: Mutex<usize>,
}

type Slot = Arc<AsyncMutex<Option<Tenure>>>;

impl Leases {
    /// One more works with them. They are given back when all of them have said that they are done.
    pub fn join(&self) {
        *self.users.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    /// The tenure for a pass.
    ///
    /// # Errors
    /// `LeaseLost` while somebody else has the account; those of the store.
    pub async fn of(&self, registry: &dyn Registry, account: AccountId, owner: &str) -> Result<Tenure> {
        let slot = self.slot(account);
        let mut held = slot.lock().await;
        let tenure = Tenure::of(held.take(), registry, account, owner).await?;
        *held = Some(tenure.clone());
        Ok(tenure)
    }

    /// Somebody else has the account now.
    pub async fn lose(&self, lost: Lease) {
        let slot = self.slot(lost.account);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|tenure| tenure.lease == lost) {
            *held = None;
        }
    }

    /// Gives all of them back if nobody else works with them.
    pub async fn done(&self, store: &Store) {
        let users = {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            *users = users.saturating_sub(1);
            *users
        };
        if users > 0 {
            return;
        }
        let slots = std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        let give_back = slots.into_values().map(async |slot| {
            let held = slot.lock().await.take();
            if let Some(tenure) = held {
                // A lease that cannot be given back ends by itself.
                let _ = store.release(tenure.lease).await;
            }
        });
        // Together, at the cost of one write.
        futures_util::future::join_all(give_back).await;
    }

    fn slot(&self, account: AccountId) -> Slot {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(account).or_default().clone()
    }
}

impl Tenure {
    /// The tenure for a pass. While the last one holds for a good while yet, nothing is written. Later it is renewed, because
    /// another pass of ours may be under way with it.
    ///
    /// # Errors
    /// `LeaseLost` while somebody else has the account; those of the store.
    pub async fn of(last: Option<Tenure>, registry: &dyn Registry, account: AccountId, owner: &str) -> Result<Tenure> {
        // The clock starts before the question, so that we never believe in it longer than the store does.
        let until = Instant::now() + TERM;
        if let Some(last) = last {
            if last.until() > Instant::now() + TERM / 2 {
                return Ok(last);
            }
            match registry.renew(last.lease, TERM).await {
                Ok(()) => {
                    last.believe(until);
                    return Ok(last);
                }
                Err(error) if error.code() == Code::LeaseLost => {}
                Err(error) => return Err(error),
            }
        }
        let lease = registry.take(account, owner, TERM).await?.ok_or_else(lost)?;
        Ok(Tenure { lease, until: Arc::new(Mutex::new(until)) })
    }

    fn until(&self) -> Instant {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believe(&self, until: Instant) {
        let mut known = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *known = until.max(*known);
    }

    /// Of a dry run: its epoch is one that no lease has, so whatever would be written by mistake is refused.
    #[must_use]
    pub fn of_a_dry_run(account: AccountId) -> Tenure {
        let until = Arc::new(Mutex::new(Instant::now() + TERM * 100_000));
        Tenure { lease: Lease { account, epoch: -1 }, until }
    }

    /// Renews the lease for as long as it is awaited, and ends with the error when it is lost.
    pub async fn keep(&self, registry: &dyn Registry) -> Error {
        let due = |until: Instant| until.checked_sub(TERM * 2 / 3).unwrap_or(until);
        let mut next = due(self.until());
        loop {
            let end = self.until().checked_sub(MARGIN).unwrap_or_else(|| self.until());
            sleep_until(next.min(end)).await;
            if Instant::now() >= end {
                // Another pass may have renewed it meanwhile.
                if due(self.until()) > Instant::now() {
                    next = due(self.until());
                    continue;
                }
                return lost();
            }
            let asked = Instant::now();
            let renewed = tokio::select! {
                renewed = registry.renew(self.lease, TERM) => renewed,
                () = sleep_until(end) => return lost(),
            };
            match renewed {
                Ok(()) => {
                    self.believe(asked + TERM);
                    next = asked + TERM / 3;
                }
                Err(error) if error.code() == Code::LeaseLost => return error,
                // The disk may be full for a moment. The lease lasts a while yet.
                Err(error) => {
                    tracing::warn!(error = ?error, "a lease could not be renewed");
                    sleep(TRY_AGAIN).await;
                    next = Instant::now();
                }
            }
        }
    }
}

fn lost() -> Error {
    Error::new(Code::LeaseLost, Scope::Account, Retry::Soon)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::Mutex;

    /// Answers renewals by a plan, the last answer for ever, and notes when it was asked.
    struct Planned {
        answers: Mutex<Vec<Option<Code>>>,
        asked_s: Mutex<Vec<u64>>,
        start: Instant,
    }

    impl Planned {
        fn new(answers: &[Option<Code>]) -> Planned {
            Planned {
                answers: Mutex::new(answers.iter().rev().copied().collect()),
                asked_s: Mutex::default(),
                start: Instant::now(),
            }
        }
    }

    #[async_trait]
    impl Registry for Planned {
        async fn take(&self, account: AccountId, _: &str, _: Duration) -> Result<Option<Lease>> {
            let epoch = self.asked_s.lock().unwrap().len() as i64;
            Ok(Some(Lease { account, epoch }))
        }

        async fn renew(&self, _: Lease, _: Duration) -> Result<()> {
            self.asked_s.lock().unwrap().push(self.start.elapsed().as_secs());
            let answer = {
                let mut answers = self.answers.lock().unwrap();
                if answers.len() > 1 { answers.pop() } else { answers.first().copied() }
            };
            match answer.flatten() {
                None => Ok(()),
                // A store that hangs.
                Some(Code::Internal) => std::future::pending().await,
                Some(code) => Err(Error::new(code, Scope::System, Retry::Soon)),
            }
        }
    }

    async fn taken(registry: &Planned) -> Tenure {
        Tenure::of(None, registry, AccountId(1), "me").await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_in_good_time_for_as_long_as_the_pass_runs() {
        let registry = Planned::new(&[None]);
        let tenure = taken(&registry).await;
        let pass = sleep(TERM * 2 - TRY_AGAIN);
        tokio::select! {
            error = tenure.keep(&registry) => panic!("lost: {error}"),
            () = pass => {}
        }
        assert_eq!(*registry.asked_s.lock().unwrap(), [200, 400, 600, 800, 1000]);
        let again = Tenure::of(Some(tenure), &registry, AccountId(1), "me").await.unwrap();
        assert_eq!(again.lease.epoch, 0, "it is not taken anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_another_took_ends_the_pass_at_once() {
        let registry = Planned::new(&[None, Some(Code::LeaseLost)]);
        let error = taken(&registry).await.keep(&registry).await;
        assert_eq!((error.code(), registry.start.elapsed().as_secs()), (Code::LeaseLost, 400));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_or_hangs_ends_the_pass_before_the_lease_does() {
        for trouble in [Code::StateFull, Code::Internal] {
            let registry = Planned::new(&[Some(trouble)]);
            let error = taken(&registry).await.keep(&registry).await;
            assert_eq!((error.code(), registry.start.elapsed()), (Code::LeaseLost, TERM - MARGIN));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_of_trouble_loses_nothing() {
        let registry = Planned::new(&[Some(Code::StateFull), Some(Code::StateFull), None]);
        let tenure = taken(&registry).await;
        assert!(tokio::time::timeout(TERM * 3, tenure.keep(&registry)).await.is_err());
        assert_eq!(registry.asked_s.lock().unwrap().get(..4), Some([200, 205, 210, 410].as_slice()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_lease_is_renewed_and_a_lost_one_taken_anew() {
        let registry = Planned::new(&[None, Some(Code::LeaseLost)]);
        let tenure = taken(&registry).await;
        sleep(TERM).await;
        let again = Tenure::of(Some(tenure), &registry, AccountId(1), "me").now_or_never().unwrap().unwrap();
        assert_eq!((again.lease.epoch, again.until()), (0, Instant::now() + TERM));
        sleep(TERM).await;
        let again = Tenure::of(Some(again), &registry, AccountId(1), "me").now_or_never().unwrap().unwrap();
        assert_ne!(again.lease.epoch, 0);
    }

    /// Mail and calendars of one account: neither takes the lease from the other.
    #[tokio::test(start_paused = true)]
    async fn two_passes_of_an_account_have_one_lease_and_one_renewal_serves_both() {
        let (registry, leases) = (Planned::new(&[None]), Leases::default());
        let first = leases.of(&registry, AccountId(1), "me").await.unwrap();
        sleep(TERM * 3 / 4).await;
        let second = leases.of(&registry, AccountId(1), "me").await.unwrap();
        assert_eq!((first.lease, first.until()), (second.lease, Instant::now() + TERM));
        leases.lose(first.lease).await;
        assert_ne!(leases.of(&registry, AccountId(1), "me").await.unwrap().lease, first.lease);
    }
}
