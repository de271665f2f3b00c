//! Accounts: who is carried, and by which logins.

use crate::Store;
use crate::database::{Fields, Writer};
use crate::lease::unknown;
use crate::writer::Write;
use async_trait::async_trait;
use parom_domain::policy::Priority;
use parom_domain::state::AccountId;
use parom_domain::{Code, Error, Result, Retry, Scope};

/// One person: both mailboxes under one canonical address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    /// As it was given. Addresses that differ by case only are one.
    pub address: String,
    pub source_login: String,
    pub target_login: String,
    /// The name of the configuration's domain whose servers are used.
    pub domain: String,
    pub enabled: bool,
    /// The service account that signs in for this one on the source, if one is pinned.
    pub service_login: Option<String>,
    pub priority: Priority,
    /// The mailbox database on the source, where somebody has told it.
    pub database: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    pub address: String,
    pub source_login: String,
    pub target_login: String,
    pub domain: String,
}

impl Account {
    /// One of which nothing is known but its number.
    #[must_use]
    pub fn new(id: AccountId) -> Account {
        Account {
            id,
            address: String::new(),
            source_login: String::new(),
            target_login: String::new(),
            domain: String::new(),
            enabled: true,
            service_login: None,
            priority: Priority::Normal,
            database: None,
        }
    }
}

impl Store {
    /// Adds an account, switched on. `None` when its address is there already; nothing is changed then.
    pub async fn add_account(&self, account: NewAccount) -> Result<Option<Account>> {
        self.write(Add(account)).await
    }

    /// All accounts in the order of their addresses.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.readers().all(sqlx::query(ALL), account).await
    }

    /// Errors: `AccountUnknown`.
    pub async fn account(&self, address: &str) -> Result<Account> {
        let found = self.readers().first(sqlx::query(BY_ADDRESS).bind(key(address)), account).await?;
        let unknown = || Error::new(Code::AccountUnknown, Scope::Account, Retry::WhenFixed).with("account", address);
        found.ok_or_else(unknown)
    }

    /// Errors: `AccountUnknown`.
    pub async fn set_enabled(&self, account: AccountId, enabled: bool) -> Result<()> {
        self.write(SetEnabled(account, enabled)).await
    }

    /// Errors: `AccountUnknown`.
    pub async fn set_priority(&self, account: AccountId, priority: Priority) -> Result<()> {
        self.write(SetPriority(account, priority)).await
    }

    /// Notes in which mailbox database the account is on the source; `None`: unknown.
    ///
    /// Errors: `AccountUnknown`.
    pub async fn set_database(&self, account: AccountId, database: Option<String>) -> Result<()> {
        self.write(SetDatabase(account, database)).await
    }

    /// Forgets an account with its state and passwords. Its number is never given again, so that a commit that is
    /// under way meets no lease.
    ///
    /// Errors: `AccountUnknown`.
    pub async fn remove_account(&self, account: AccountId) -> Result<()> {
        self.write(Remove(account)).await
    }

    /// Lets a held account go on past one brake, from this moment on. Tells whether there was such a brake.
    pub async fn release_brake(&self, account: AccountId, brake_key: &str, now_ms: u64) -> Result<bool> {
        self.write(ReleaseBrake { account, brake_key: brake_key.to_owned(), now_ms }).await
    }
}

const ALL: &str = "
    SELECT id, address, source_login, target_login, domain, enabled, service_login, priority, mailbox_database
    FROM account ORDER BY address_key";

const BY_ADDRESS: &str = "
    SELECT id, address, source_login, target_login, domain, enabled, service_login, priority, mailbox_database
    FROM account WHERE address_key = $1";

fn account(row: &Fields<'_>) -> Result<Account> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        address: row.get(1)?,
        source_login: row.get(2)?,
        target_login: row.get(3)?,
        domain: row.get(4)?,
        enabled: row.get::<i64>(5)? != 0,
        service_login: row.get(6)?,
        priority: match row.get::<i64>(7)? {
            0 => Priority::High,
            1 => Priority::Normal,
            _ => Priority::Low,
        },
        database: row.get(8)?,
    })
}

/// Folded here and not in SQL, because databases disagree about letters beyond ASCII.
pub(crate) fn key(address: &str) -> String {
    address.to_lowercase()
}

struct Add(NewAccount);

#[async_trait]
impl Write for Add {
    type Answer = Option<Account>;

    async fn perform(&self, db: &mut Writer) -> Result<Option<Account>> {
        const TAKEN: &str = "SELECT 1 FROM account WHERE address_key = $1";
        if db.row(sqlx::query(TAKEN).bind(key(&self.0.address))).await?.is_some() {
            return Ok(None);
        }
        let id = insert(db, &self.0).await?;
        let NewAccount { address, source_login, target_login, domain } = self.0.clone();
        Ok(Some(Account { address, source_login, target_login, domain, ..Account::new(id) }))
    }
}

/// Gives a new account its number and puts it in.
pub(crate) async fn insert(db: &mut Writer, account: &NewAccount) -> Result<AccountId> {
    const NUMBER: &str = "UPDATE counter SET value = value + 1 WHERE name = 'account' RETURNING value";
    const INSERT: &str = "
        INSERT INTO account (id, address, address_key, source_login, target_login, domain, enabled)
        VALUES ($1, $2, $3, $4, $5, $6, 1)";
    let row = db.row(sqlx::query(NUMBER)).await?;
    let row = row.ok_or_else(|| Error::internal("the counter of accounts is missing"))?;
    let id = AccountId(Fields::of(&row, db.path()).get(0)?);
    let NewAccount { address, source_login, target_login, domain } = account.clone();
    let query = sqlx::query(INSERT)
        .bind(id.0)
        .bind(address.clone())
        .bind(key(&address))
        .bind(source_login)
        .bind(target_login)
        .bind(domain);
    db.execute(query).await?;
    Ok(id)
}

struct SetEnabled(AccountId, bool);

#[async_trait]
impl Write for SetEnabled {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        let query = sqlx::query("UPDATE account SET enabled = $2 WHERE id = $1").bind(self.0.0).bind(i64::from(self.1));
        match db.execute(query).await? {
            0 => Err(unknown(self.0)),
            _ => Ok(()),
        }
    }
}

struct SetPriority(AccountId, Priority);

#[async_trait]
impl Write for SetPriority {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "UPDATE account SET priority = $2 WHERE id = $1";
        let number: i64 = match self.1 {
            Priority::High => 0,
            Priority::Normal => 1,
            Priority::Low => 2,
        };
        match db.execute(sqlx::query(SQL).bind(self.0.0).bind(number)).await? {
            0 => Err(unknown(self.0)),
            _ => Ok(()),
        }
    }
}

struct SetDatabase(AccountId, Option<String>);

#[async_trait]
impl Write for SetDatabase {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "UPDATE account SET mailbox_database = $2 WHERE id = $1";
        match db.execute(sqlx::query(SQL).bind(self.0.0).bind(self.1.clone())).await? {
            0 => Err(unknown(self.0)),
            _ => Ok(()),
        }
    }
}

struct Remove(AccountId);

#[async_trait]
impl Write for Remove {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        match db.execute(sqlx::query("DELETE FROM account WHERE id = $1").bind(self.0.0)).await? {
            0 => Err(unknown(self.0)),
            _ => Ok(()),
        }
    }
}

struct ReleaseBrake {
    account: AccountId,
    brake_key: String,
    now_ms: u64,
}

#[async_trait]
impl Write for ReleaseBrake {
    type Answer = bool;

    async fn perform(&self, db: &mut Writer) -> Result<bool> {
        const SQL: &str = "UPDATE held SET released = 1, since_ms = $3 WHERE account = $1 AND brake_key = $2";
        let since_ms = i64::try_from(self.now_ms).unwrap_or(i64::MAX);
        let query = sqlx::query(SQL).bind(self.account.0).bind(self.brake_key.clone()).bind(since_ms);
        Ok(db.execute(query).await? > 0)
    }
}
