//! Secrets: named ones, and the passwords of single accounts. They are sealed before they come near the database.

use crate::database::Writer;
use crate::key::unreadable;
use crate::lease::unknown;
use crate::writer::Write;
use crate::{Store, codec};
use async_trait::async_trait;
use parom_domain::state::AccountId;
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use std::fmt;
use zeroize::Zeroizing;

/// An opened secret: wiped from memory when it is dropped, and hidden from `Debug`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself. What takes it must not log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Store {
    /// Keeps a secret under a name, instead of what was there.
    pub async fn set_secret(&self, name: &str, value: &str) -> Result<()> {
        let sealed = self.key().seal(&for_name(name), value.as_bytes())?;
        self.write(PutSecret { name: name.to_owned(), sealed }).await
    }

    /// Errors: `SecretMissing`, `SecretUnreadable`.
    pub async fn secret(&self, name: &str) -> Result<Secret> {
        let query = sqlx::query("SELECT sealed FROM secret WHERE name = $1").bind(name.to_owned());
        let sealed = self.readers().first(query, |row| row.get::<Vec<u8>>(0)).await?;
        let missing = || Error::new(Code::SecretMissing, Scope::Credential, Retry::WhenFixed).with("name", name);
        self.unseal(&for_name(name), &sealed.ok_or_else(missing)?)
    }

    /// The names alone.
    pub async fn secret_names(&self) -> Result<Vec<String>> {
        self.readers().all(sqlx::query("SELECT name FROM secret ORDER BY name"), |row| row.get(0)).await
    }

    /// Tells whether there was one.
    pub async fn remove_secret(&self, name: &str) -> Result<bool> {
        self.write(RemoveSecret(name.to_owned())).await
    }

    /// Keeps an account's own password for one side; `None` removes it.
    ///
    /// Errors: `AccountUnknown`.
    pub async fn set_password(&self, account: AccountId, side: Side, password: Option<&str>) -> Result<()> {
        let sealed =
            password.map(|value| self.key().seal(&for_account(account, side), value.as_bytes())).transpose()?;
        self.write(PutPassword { account, side, sealed }).await
    }

    /// The account's own password for one side, if it has one.
    pub async fn password(&self, account: AccountId, side: Side) -> Result<Option<Secret>> {
        let query = sqlx::query("SELECT sealed FROM password WHERE account = $1 AND side = $2")
            .bind(account.0)
            .bind(i64::from(codec::side_number(side)));
        let sealed = self.readers().first(query, |row| row.get::<Vec<u8>>(0)).await?;
        sealed.map(|sealed| self.unseal(&for_account(account, side), &sealed)).transpose()
    }

    pub(crate) fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Secret> {
        let failed = || unreadable(self.path(), format!("{name} does not open with this master key"));
        let opened = self.key().open(name, sealed).ok_or_else(failed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| failed())?;
        Ok(Secret(Zeroizing::new(text.to_owned())))
    }
}

/// The names under which values are sealed: a value that is moved to another row does not open there.
fn for_name(name: &str) -> String {
    format!("secret {name}")
}

pub(crate) fn for_account(account: AccountId, side: Side) -> String {
    format!("{side} password of account {}", account.0)
}

struct PutSecret {
    name: String,
    sealed: Vec<u8>,
}

#[async_trait]
impl Write for PutSecret {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO secret (name, sealed) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed";
        db.execute(sqlx::query(SQL).bind(self.name.clone()).bind(self.sealed.clone())).await?;
        // Whoever sets a password, even the same one again, wants it to be tried.
        db.execute(sqlx::query("DELETE FROM refusal WHERE secret = $1").bind(self.name.clone())).await.map(drop)
    }
}

struct RemoveSecret(String);

#[async_trait]
impl Write for RemoveSecret {
    type Answer = bool;

    async fn perform(&self, db: &mut Writer) -> Result<bool> {
        let query = sqlx::query("DELETE FROM secret WHERE name = $1").bind(self.0.clone());
        Ok(db.execute(query).await? > 0)
    }
}

struct PutPassword {
    account: AccountId,
    side: Side,
    sealed: Option<Vec<u8>>,
}

#[async_trait]
impl Write for PutPassword {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const REMOVE: &str = "DELETE FROM password WHERE account = $1 AND side = $2";
        db.execute(sqlx::query("DELETE FROM refusal WHERE account = $1").bind(self.account.0)).await?;
        let Some(sealed) = &self.sealed else {
            let side = i64::from(codec::side_number(self.side));
            return db.execute(sqlx::query(REMOVE).bind(self.account.0).bind(side)).await.map(drop);
        };
        put_password(db, self.account, self.side, sealed.clone()).await
    }
}

pub(crate) async fn put_password(db: &mut Writer, account: AccountId, side: Side, sealed: Vec<u8>) -> Result<()> {
    const SQL: &str = "
        INSERT INTO password (account, side, sealed) SELECT id, $2, $3 FROM account WHERE id = $1
        ON CONFLICT (account, side) DO UPDATE SET sealed = excluded.sealed";
    let side = i64::from(codec::side_number(side));
    match db.execute(sqlx::query(SQL).bind(account.0).bind(side).bind(sealed)).await? {
        0 => Err(unknown(account)),
        _ => Ok(()),
    }
}
