//! Bells: connections that wait in IDLE, so that a change crosses at once. There are few of them: the accounts in which
//! something happened last have one on each side, all others are looked at from time to time.

use crate::connections::{Bound, Claim, LEAST_CONNECTIONS};
use crate::ports::Terms;
use parom_domain::endpoint::Endpoint;
use parom_domain::state::AccountId;
use parom_domain::{Both, FolderPath, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// One wait is at most this long. The adapter renews what has to be renewed in between.
const WAIT_MS: u64 = 86_400_000;

/// A bell rings at most this often.
const QUIET: Duration = Duration::from_secs(1);

/// Who has a bell.
#[derive(Default)]
pub struct HotSet {
    seats: Mutex<HashMap<AccountId, Seat>>,
}

struct Seat {
    /// What its two connections take.
    claims: Vec<Claim>,
    /// When something happened in the account.
    active_at: Instant,
    given_up: Arc<Notify>,
}

/// A bell, hung up on both sides of an account.
pub struct Bell {
    waits: JoinSet<Result<()>>,
    rang: Arc<Notify>,
    given_up: Arc<Notify>,
    set: Arc<HotSet>,
    account: AccountId,
}

/// What a bell told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Rang,
    /// Another account needs the connections more, or they broke.
    Over,
}

impl HotSet {
    /// A place for an account in which something happened at `active_at`; `None` while all are taken by livelier ones.
    fn seat(&self, account: AccountId, claims: Vec<Claim>, active_at: Instant) -> Option<Arc<Notify>> {
        let mut seats = self.lock();
        let on = |claims: &[Claim], bound: &Bound| claims.iter().filter(|claim| claim.bound == *bound).count();
        let mut leave = Vec::new();
        for Claim { bound, limit } in &claims {
            let mut there: Vec<(Instant, AccountId, usize)> = seats
                .iter()
                .filter(|(known, _)| !leave.contains(*known))
                .map(|(known, seat)| (seat.active_at, *known, on(&seat.claims, bound)))
                .filter(|(_, _, taken)| *taken > 0)
                .collect();
            there.sort_unstable();
            let mut quietest = there.iter();
            let mut taken: usize = there.iter().map(|(_, _, taken)| taken).sum();
            while taken + on(&claims, bound) > bells_of(*limit) {
                let (_, known, freed) = quietest.next().filter(|(at, _, _)| *at < active_at)?;
                leave.push(*known);
                taken -= freed;
            }
        }
        for seat in leave.iter().filter_map(|known| seats.remove(known)) {
            seat.given_up.notify_one();
        }
        let given_up = Arc::new(Notify::new());
        let seat = Seat { claims, active_at, given_up: given_up.clone() };
        seats.insert(account, seat);
        Some(given_up)
    }

    /// Something happened in an account that may have a bell.
    pub fn touch(&self, account: AccountId, active_at: Instant) {
        if let Some(seat) = self.lock().get_mut(&account) {
            seat.active_at = active_at;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// Hangs up a bell if there is a place for it.
    pub async fn hang(
        set: &Arc<HotSet>,
        account: AccountId,
        terms: &Terms,
        active_at: Instant,
        endpoints: impl AsyncFnOnce() -> Result<Both<Arc<dyn Endpoint>>>,
    ) -> Option<Bell> {
        let claims = terms.places.iter().flat_map(|(_, place)| place.claims()).collect();
        let given_up = set.seat(account, claims, active_at)?;
        let mut bell = Bell { waits: JoinSet::new(), rang: Arc::default(), given_up, set: set.clone(), account };
        // Without passwords there will be no pass either, and that is told there.
        let endpoints = endpoints().await.ok()?;
        for endpoint in [endpoints.source, endpoints.target] {
            bell.waits.spawn(listen(endpoint, bell.rang.clone()));
        }
        Some(bell)
    }

    /// Forgets what rang until now: the next look sees it.
    pub fn reset(&mut self) {
        self.rang = {
            // The listeners keep their handle, so the permit that may be stored in it is taken out.
            let rang = self.rang.clone();
            let _ = futures_util::FutureExt::now_or_never(rang.notified());
            rang
        };
    }

    /// Waits until something seems to have happened.
    pub async fn heard(&mut self) -> Told {
        tokio::select! {
            () = self.rang.notified() => Told::Rang,
            () = self.given_up.notified() => Told::Over,
            // A listener ends only by an error.
            _ = self.waits.join_next() => Told::Over,
        }
    }

    /// Takes the bell down.
    pub async fn take_down(mut self) {
        self.waits.shutdown().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut seats = self.set.lock();
        // The place may have been taken from us and given to ourselves anew.
        if seats.get(&self.account).is_some_and(|seat| Arc::ptr_eq(&seat.given_up, &self.given_up)) {
            seats.remove(&self.account);
        }
    }
}

async fn listen(endpoint: Arc<dyn Endpoint>, rang: Arc<Notify>) -> Result<()> {
    let inbox = FolderPath::inbox();
    let waited = loop {
        if let Err(error) = endpoint.wait(&inbox, WAIT_MS).await {
            break error;
        }
        rang.notify_one();
        // What happens now is told by the next wait. A server that ends every wait at once must not keep us running.
        tokio::time::sleep(QUIET).await;
    };
    endpoint.close().await;
    Err(waited)
}

/// Of the connections that something bears, those that may wait in IDLE. The others are for passes.
#[must_use]
pub fn bells_of(max_connections: usize) -> usize {
    (max_connections / 2).min(max_connections.saturating_sub(LEAST_CONNECTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::BoundOf;
    use futures_util::FutureExt;

    #[test]
    fn bells_leave_connections_for_a_pass() {
        for (allowed, bells) in [(0, 0), (1, 0), (2, 0), (3, 1), (4, 2), (16, 8)] {
            assert_eq!(bells_of(allowed), bells, "{allowed}");
        }
    }

    /// Claims on two servers, on which so many bells may hang.
    fn servers(source: &str, target: &str, bells: usize) -> Vec<Claim> {
        let claim = |name: &str| Claim {
            bound: Bound { server: name.into(), of: BoundOf::Server },
            limit: (2 * bells).max(bells + LEAST_CONNECTIONS),
        };
        vec![claim(source), claim(target)]
    }

    #[tokio::test]
    async fn the_liveliest_accounts_have_the_bells() {
        let set = HotSet::default();
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let seat = |account, s| set.seat(AccountId(account), servers("s", "t", 2), at(s));
        let (first, second) = (seat(1, 10).unwrap(), seat(2, 20).unwrap());
        assert!(seat(3, 5).is_none(), "nothing happened there for longer");
        assert!(first.notified().now_or_never().is_none());
        assert!(seat(3, 15).is_some());
        assert!(first.notified().now_or_never().is_some(), "the quietest one goes");
        assert!(second.notified().now_or_never().is_none());
        set.touch(AccountId(3), at(30));
        assert!(seat(4, 25).is_some());
        assert!(second.notified().now_or_never().is_some());
    }

    #[tokio::test]
    async fn servers_are_counted_one_by_one() {
        let set = HotSet::default();
        let now = Instant::now();
        assert!(set.seat(AccountId(1), servers("s", "t", 1), now).is_some());
        assert!(set.seat(AccountId(2), servers("u", "t", 1), now).is_none(), "the target has no place left");
        assert!(set.seat(AccountId(3), servers("u", "v", 1), now).is_some());
        assert!(set.seat(AccountId(4), servers("w", "w", 1), now).is_none(), "both sides are on it");
        assert!(set.seat(AccountId(4), servers("w", "w", 2), now).is_some());
    }
}
