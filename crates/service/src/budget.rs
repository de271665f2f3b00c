//! The process-wide budget for bodies in memory.

use async_trait::async_trait;
use parom_domain::endpoint::Permits;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A permit of the semaphore is this much, so that any budget fits into its counter.
const UNIT_BYTES: u64 = 1024;
/// Far below what the semaphore can count.
const MAX_UNITS: u32 = 1 << 28;

pub struct Budget {
    free: Arc<Semaphore>,
    units: u32,
}

impl Budget {
    #[must_use]
    pub fn new(bytes: u64) -> Budget {
        let units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(MAX_UNITS).clamp(1, MAX_UNITS);
        Budget { free: Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(1))), units }
    }
}

#[async_trait]
impl Permits for Budget {
    async fn bytes(&self, bytes: u64) -> Box<dyn Send + Sync> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX).min(self.units);
        // The semaphore is never closed, so there is always a permit to wait for.
        Box::new(self.free.clone().acquire_many_owned(units).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn bodies_wait_for_room_and_a_huge_one_is_served_alone() {
        let budget = Budget::new(10 * 1024);
        let first = budget.bytes(6 * 1024).await;
        assert!(budget.bytes(5 * 1024).now_or_never().is_none());
        let second = budget.bytes(4 * 1024).now_or_never();
        assert!(second.is_some());
        drop((first, second));
        let huge = budget.bytes(u64::MAX).now_or_never();
        assert!(huge.is_some(), "cut to the whole budget");
        assert!(budget.bytes(1).now_or_never().is_none());
    }
}
