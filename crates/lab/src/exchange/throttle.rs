//! Row 29: each account has a budget of the server's time. Who overdraws it is told when to come back, and cut off.
//!
//! Since 2013 a policy gives milliseconds: so many at most (`ImapMaxBurst`), so many an hour (`ImapRechargeRate`), and so
//! many below nothing at which the account is cut off (`ImapCutoffBalance`). 2010 counts percentages of time, which the
//! same bucket stands for. Suggested back-offs in reports are at most five minutes.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub burst_ms: u64,
    pub recharge_ms_per_hour: u64,
    pub cutoff_ms: u64,
    /// What a command costs.
    pub command_ms: u64,
    /// What a mebibyte of bodies costs.
    pub mebibyte_ms: u64,
    pub longest_backoff_ms: u64,
}

impl Budget {
    /// A budget that ordinary use does not exhaust.
    #[must_use]
    pub fn usual() -> Budget {
        Budget {
            burst_ms: 3_600_000,
            recharge_ms_per_hour: 600_000,
            cutoff_ms: 600_000,
            command_ms: 2,
            mebibyte_ms: 100,
            longest_backoff_ms: 300_000,
        }
    }
}

/// The accounts' budgets. Amounts are milliseconds of the server's time, kept in thousandths.
#[derive(Default)]
pub(crate) struct Ledger(BTreeMap<String, Balance>);

struct Balance {
    /// Thousandths of milliseconds; below zero when overdrawn.
    left: i64,
    at: Instant,
    blocked_until: Option<Instant>,
}

impl Ledger {
    /// How long this account has still to wait, in whole milliseconds, rounded up.
    pub fn backoff_ms(&self, account: &str, now: Instant) -> Option<u64> {
        let until = self.0.get(account)?.blocked_until?;
        let left = until.checked_duration_since(now)?;
        let ms = u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        (ms > 0).then_some(ms)
    }

    /// Takes from the account's budget, and cuts it off if that was too much.
    pub fn charge(&mut self, account: &str, budget: &Budget, cost_ms: u64, now: Instant) {
        let thousandths = |ms: u64| i64::try_from(ms.saturating_mul(1000)).unwrap_or(i64::MAX);
        let full = thousandths(budget.burst_ms);
        let balance = self.balance(account, full, now);
        let passed = now.saturating_duration_since(balance.at).as_micros();
        let regained = passed.saturating_mul(u128::from(budget.recharge_ms_per_hour)) / 3_600_000;
        let regained = i64::try_from(regained).unwrap_or(i64::MAX);
        balance.left = balance.left.saturating_add(regained).min(full).saturating_sub(thousandths(cost_ms));
        balance.at = now;
        if balance.left < -thousandths(budget.cutoff_ms) {
            // Until the budget is at nothing again, and never longer than reports tell.
            let rate = budget.recharge_ms_per_hour.max(1);
            let owed = balance.left.unsigned_abs().saturating_mul(3_600).div_ceil(rate);
            let wait = Duration::from_millis(owed.min(budget.longest_backoff_ms));
            balance.blocked_until = now.checked_add(wait);
            // Whoever has waited may begin anew.
            balance.left = 0;
        }
    }

    /// Cuts the account off for this time.
    pub fn block(&mut self, account: &str, wait: Duration, now: Instant) {
        self.balance(account, 0, now).blocked_until = now.checked_add(wait);
    }

    fn balance(&mut self, account: &str, full: i64, now: Instant) -> &mut Balance {
        let fresh = Balance { left: full, at: now, blocked_until: None };
        self.0.entry(account.to_owned()).or_insert(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Budget = Budget {
        burst_ms: 100,
        recharge_ms_per_hour: 3_600_000,
        cutoff_ms: 50,
        command_ms: 10,
        mebibyte_ms: 0,
        longest_backoff_ms: 60,
    };

    #[tokio::test(start_paused = true)]
    async fn a_budget_is_overdrawn_cut_off_and_regained() {
        let mut ledger = Ledger::default();
        let start = Instant::now();
        for _ in 0..15 {
            ledger.charge("a", &SMALL, 10, start);
            assert_eq!(ledger.backoff_ms("a", start), None);
        }
        ledger.charge("a", &SMALL, 10, start);
        assert_eq!(ledger.backoff_ms("a", start), Some(60));
        assert_eq!(ledger.backoff_ms("b", start), None);
        let later = start + Duration::from_micros(59_001);
        assert_eq!(ledger.backoff_ms("a", later), Some(1));
        let later = start + Duration::from_millis(60);
        assert_eq!(ledger.backoff_ms("a", later), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_spent_slowly_never_ends() {
        let mut ledger = Ledger::default();
        let mut now = Instant::now();
        for _ in 0..100 {
            ledger.charge("a", &SMALL, 10, now);
            now += Duration::from_millis(10);
            assert_eq!(ledger.backoff_ms("a", now), None);
        }
        ledger.block("a", Duration::from_secs(1), now);
        assert_eq!(ledger.backoff_ms("a", now), Some(1000));
    }
}
