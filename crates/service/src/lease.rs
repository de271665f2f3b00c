//! The lease of an account, as long as this process works on it: taken seldom, renewed while a pass runs, and given up
//! by ourselves before others may take it.

use async_trait::async_trait;
use parom_domain::state::{AccountId, Lease};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_engine::{Clock, SystemClock};
use parom_store::Store;
use std::time::Duration;
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

/// A lease and how long we believe in it.
pub struct Tenure {
    pub lease: Lease,
    until: Instant,
}

impl Tenure {
    /// The tenure for a pass. While the last one holds for a good while yet, nothing is written.
    pub async fn of(last: Option<Tenure>, registry: &dyn Registry, account: AccountId, owner: &str) -> Result<Tenure> {
        // The clock starts before the question, so that we never believe in it longer than the store does.
        let until = Instant::now() + TERM;
        if let Some(last) = last.filter(|last| last.until > Instant::now() + TERM / 2) {
            return Ok(last);
        }
        let lease = registry.take(account, owner, TERM).await?.ok_or_else(lost)?;
        Ok(Tenure { lease, until })
    }

    /// Of a dry run: its epoch is one that no lease has, so whatever would be written by mistake is refused.
    #[must_use]
    pub fn of_a_dry_run(account: AccountId) -> Tenure {
        Tenure { lease: Lease { account, epoch: -1 }, until: Instant::now() + TERM * 100_000 }
    }

    /// Renews the lease for as long as it is awaited, and ends with the error when it is lost.
    pub async fn keep(&mut self, registry: &dyn Registry) -> Error {
        let mut next = self.until.checked_sub(TERM * 2 / 3).unwrap_or(self.until);
        loop {
            let end = self.until.checked_sub(MARGIN).unwrap_or(self.until);
            sleep_until(next.min(end)).await;
            if Instant::now() >= end {
                return lost();
            }
            let asked = Instant::now();
            let renewed = tokio::select! {
                renewed = registry.renew(self.lease, TERM) => renewed,
                () = sleep_until(end) => return lost(),
            };
            match renewed {
                Ok(()) => {
                    self.until = asked + TERM;
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
        let mut tenure = taken(&registry).await;
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
        let mut tenure = taken(&registry).await;
        assert!(tokio::time::timeout(TERM * 3, tenure.keep(&registry)).await.is_err());
        assert_eq!(registry.asked_s.lock().unwrap().get(..4), Some([200, 205, 210, 410].as_slice()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_lease_is_taken_anew() {
        let registry = Planned::new(&[None]);
        let tenure = taken(&registry).await;
        sleep(TERM).await;
        registry.asked_s.lock().unwrap().push(0);
        let again = Tenure::of(Some(tenure), &registry, AccountId(1), "me").now_or_never().unwrap().unwrap();
        assert_eq!(again.lease.epoch, 1);
    }
}
