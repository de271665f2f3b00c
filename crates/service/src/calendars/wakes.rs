//! What rang for which account, and since when. A burst is one look.

use parom_domain::state::AccountId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// After the last ring it stays quiet for so long before the account is looked at: one save is told two or three times, and
/// people who arrange a day save often.
const QUIET: Duration = Duration::from_secs(2);
/// But no later than so long after the first.
const LATEST: Duration = Duration::from_secs(5);

/// Who has to be looked at. Clones share it.
#[derive(Clone, Default)]
pub struct Wakes(Arc<Mutex<HashMap<AccountId, Arc<Wake>>>>);

/// What rang for one account.
#[derive(Default)]
pub(super) struct Wake {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The first and the last time since the account was looked at.
    rang: Option<(Instant, Instant)>,
    is_attended: bool,
}

impl Wakes {
    /// Something happened, or may have happened, in an account.
    pub fn ring(&self, account: AccountId) {
        let wake = self.of(account);
        let now = Instant::now();
        {
            let mut state = wake.lock();
            state.rang = Some((state.rang.map_or(now, |(first, _)| first), now));
        }
        wake.changed.notify_one();
    }

    /// Whether what happens on the account's source rings.
    pub fn attend(&self, account: AccountId, is_attended: bool) {
        let wake = self.of(account);
        wake.lock().is_attended = is_attended;
        wake.changed.notify_one();
    }

    pub(super) fn of(&self, account: AccountId) -> Arc<Wake> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(account).or_default().clone()
    }
}

impl Wake {
    /// Forgets what rang until now: the next look sees it.
    pub fn reset(&self) {
        self.lock().rang = None;
    }

    /// When what rang asks for a look.
    pub fn due(&self) -> Option<Instant> {
        self.lock().rang.map(|(first, last)| (last + QUIET).min(first + LATEST))
    }

    pub fn is_attended(&self) -> bool {
        self.lock().is_attended
    }

    /// Waits until something is another here.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_look_that_is_not_put_off_for_ever() {
        let wakes = Wakes::default();
        let wake = wakes.of(AccountId(1));
        assert_eq!(wake.due(), None);
        let start = Instant::now();
        wakes.ring(AccountId(1));
        assert_eq!(wake.due(), Some(start + QUIET));
        for _ in 0..20 {
            advance(Duration::from_millis(500)).await;
            wakes.ring(AccountId(1));
        }
        assert_eq!(wake.due(), Some(start + LATEST));
        assert_eq!(wakes.of(AccountId(2)).due(), None, "nobody else's");
        wake.reset();
        assert_eq!(wake.due(), None);
    }

    #[tokio::test]
    async fn what_rings_before_anybody_waits_is_heard() {
        let wakes = Wakes::default();
        wakes.attend(AccountId(1), true);
        let wake = wakes.of(AccountId(1));
        wake.changed().await;
        assert!(wake.is_attended());
    }
}
