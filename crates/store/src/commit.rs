//! Commits under a lease, of mail and of calendars alike.
//!
//! INVARIANT: no statement of a change touches a row unless the lease's epoch is still the account's. An upsert selects
//! its row from `lease`, a delete asks `EXISTS`; so there is no moment between the check and the write.

use crate::Store;
use crate::codec;
use crate::database::{Query, Writer};
use crate::lease::millis;
use crate::writer::Write;
use async_trait::async_trait;
use parom_domain::Result;
use parom_domain::state::{Held, Lease};

/// One change of an account's state.
#[async_trait]
pub(crate) trait Leased: Send + Sync + 'static {
    async fn apply(&self, db: &mut Writer, lease: Lease) -> Result<()>;

    /// One statement does it, so that it needs no transaction around it to be atomic.
    fn is_one_statement(&self) -> bool;
}

impl Store {
    /// Commits all changes or none. When it returns `Ok` they survive a kill and a loss of power.
    pub(crate) async fn commit_under<C: Leased>(&self, lease: &Lease, changes: Vec<C>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(Commit { lease: *lease, changes }).await
    }
}

struct Commit<C> {
    lease: Lease,
    changes: Vec<C>,
}

#[async_trait]
impl<C: Leased> Write for Commit<C> {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        for change in &self.changes {
            change.apply(db, self.lease).await?;
        }
        Ok(())
    }

    fn is_one_statement(&self) -> bool {
        matches!(self.changes.as_slice(), [one] if one.is_one_statement())
    }
}

/// A statement that runs under a lease: `$1` is the account, `$2` the epoch.
pub(crate) fn under(lease: Lease, sql: &'static str) -> Query {
    sqlx::query(sql).bind(lease.account.0).bind(lease.epoch)
}

const HOLD: &str = "
    INSERT INTO held (account, brake_key, brake, args, since_ms, released)
    SELECT account, $3, $4, $5, $6, $7 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, brake_key) DO UPDATE SET
        brake = excluded.brake, args = excluded.args, since_ms = excluded.since_ms, released = excluded.released";

pub(crate) fn hold(lease: Lease, held: &Held) -> Query {
    under(lease, HOLD)
        .bind(held.key.clone())
        .bind(held.brake.clone())
        .bind(codec::write_args(&held.args))
        .bind(millis(held.since_ms))
        .bind(i64::from(held.released))
}

const UNHOLD: &str = "
    DELETE FROM held WHERE account = $1 AND brake_key = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

pub(crate) fn unhold(lease: Lease, key: &str) -> Query {
    under(lease, UNHOLD).bind(key.to_owned())
}
