//! Leases: who may write an account's state, and the epoch by which a late writer is known.

use crate::Store;
use crate::database::{Fields, Writer};
use crate::writer::Write;
use async_trait::async_trait;
use parom_domain::state::{AccountId, Lease};
use parom_domain::{Code, Error, Result, Retry, Scope};

/// Taken when it is free, has expired, or is the same owner's (who has restarted, and fences off what he was before).
const ACQUIRE: &str = "
    INSERT INTO lease (account, epoch, owner, until_ms) VALUES ($1, 1, $2, $3)
    ON CONFLICT (account) DO UPDATE
        SET epoch = lease.epoch + 1, owner = excluded.owner, until_ms = excluded.until_ms
        WHERE lease.owner IS NULL OR lease.owner = excluded.owner OR lease.until_ms <= $4
    RETURNING epoch";

const RENEW: &str = "UPDATE lease SET until_ms = $3 WHERE account = $1 AND epoch = $2";

const RELEASE: &str = "UPDATE lease SET owner = NULL, until_ms = 0 WHERE account = $1 AND epoch = $2";

impl Store {
    /// Takes the account for `owner` until `now_ms + ttl_ms`; `None` while another owner has it. Taking costs a write, so
    /// an owner of many accounts keeps what he has and renews it, rather than taking it anew for every pass.
    ///
    /// Errors: `AccountUnknown`.
    pub async fn acquire(&self, account: AccountId, owner: &str, now_ms: u64, ttl_ms: u64) -> Result<Option<Lease>> {
        self.write(Acquire { account, owner: owner.to_owned(), now_ms, ttl_ms }).await
    }

    /// Keeps a lease until `now_ms + ttl_ms`. A lease that has expired and was not taken since is kept too.
    ///
    /// Errors: `LeaseLost`.
    pub async fn renew(&self, lease: Lease, now_ms: u64, ttl_ms: u64) -> Result<()> {
        self.write(Renew { lease, until_ms: until(now_ms, ttl_ms) }).await
    }

    /// Gives a lease back. One that was lost already is nobody's business.
    pub async fn release(&self, lease: Lease) -> Result<()> {
        self.write(Release(lease)).await
    }
}

struct Acquire {
    account: AccountId,
    owner: String,
    now_ms: u64,
    ttl_ms: u64,
}

#[async_trait]
impl Write for Acquire {
    type Answer = Option<Lease>;

    async fn perform(&self, db: &mut Writer) -> Result<Option<Lease>> {
        let known = sqlx::query("SELECT 1 FROM account WHERE id = $1").bind(self.account.0);
        if db.row(known).await?.is_none() {
            return Err(unknown(self.account));
        }
        let query = sqlx::query(ACQUIRE)
            .bind(self.account.0)
            .bind(self.owner.clone())
            .bind(until(self.now_ms, self.ttl_ms))
            .bind(millis(self.now_ms));
        let Some(row) = db.row(query).await? else { return Ok(None) };
        let epoch = Fields::of(&row, db.path()).get(0)?;
        Ok(Some(Lease { account: self.account, epoch }))
    }

    fn is_one_statement(&self) -> bool {
        true
    }
}

struct Renew {
    lease: Lease,
    until_ms: i64,
}

#[async_trait]
impl Write for Renew {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        let query = sqlx::query(RENEW).bind(self.lease.account.0).bind(self.lease.epoch).bind(self.until_ms);
        db.put(self.lease, query).await
    }

    fn is_one_statement(&self) -> bool {
        true
    }
}

struct Release(Lease);

#[async_trait]
impl Write for Release {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        db.execute(sqlx::query(RELEASE).bind(self.0.account.0).bind(self.0.epoch)).await.map(drop)
    }

    fn is_one_statement(&self) -> bool {
        true
    }
}

fn until(now_ms: u64, ttl_ms: u64) -> i64 {
    millis(now_ms.saturating_add(ttl_ms))
}

/// Moments beyond the year 292,000,000 are all the same to us.
pub(crate) fn millis(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

pub(crate) fn unknown(account: AccountId) -> Error {
    Error::new(Code::AccountUnknown, Scope::Account, Retry::WhenFixed).with("account", account.0)
}
