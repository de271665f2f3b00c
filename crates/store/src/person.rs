//! People as an import knows them, and the writing of many of them at once.

use crate::account::key;
use crate::database::{Fields, Writer};
use crate::secret::for_account;
use crate::writer::Write;
use crate::{NewAccount, Store, codec};
use async_trait::async_trait;
use parom_domain::state::AccountId;
use parom_domain::{Both, Error, Result, Side};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// What is kept of a person besides the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonRecord {
    pub address: String,
    pub domain: String,
    pub wave: Option<String>,
    /// From 1, the most critical, on.
    pub criticality: Option<u32>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub groups: Vec<String>,
    pub phone: Option<String>,
    /// The person has the messenger only: no mail is collected.
    pub only_myteam: bool,
    pub send_email: bool,
    pub enabled_2fa: bool,
    pub phone_2fa: Option<String>,
}

/// One row of an import as it is written.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonWrite {
    pub person: PersonRecord,
    /// The account that collects the person's mail, made where it is not there yet.
    pub account: Option<NewAccount>,
    /// Pins a service account. `None` leaves what is known.
    pub service_login: Option<String>,
    /// Passwords to be kept. `None` leaves what is known.
    pub passwords: Both<Option<Zeroizing<String>>>,
}

impl std::fmt::Debug for PersonWrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonWrite").field("address", &self.person.address).finish_non_exhaustive()
    }
}

/// So many rows are committed at once.
const PORTION: usize = 1000;

impl Store {
    /// Everybody, in the order of the addresses.
    pub async fn people(&self) -> Result<Vec<PersonRecord>> {
        const SQL: &str = "
            SELECT address, domain, wave, criticality, first_name, last_name, groups_text, phone, only_myteam, send_email,
                   enabled_2fa, phone_2fa
            FROM person ORDER BY address_key";
        self.readers().all(sqlx::query(SQL), person).await
    }

    /// All passwords of single accounts, opened.
    ///
    /// Errors: `SecretUnreadable`.
    pub async fn passwords(&self) -> Result<HashMap<(i64, Side), Zeroizing<String>>> {
        const SQL: &str = "SELECT account, side, sealed FROM password";
        let read = |row: &Fields<'_>| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<Vec<u8>>(2)?));
        let mut passwords = HashMap::new();
        for (account, side, sealed) in self.readers().all(sqlx::query(SQL), read).await? {
            let side = if side == i64::from(codec::side_number(Side::Source)) { Side::Source } else { Side::Target };
            let opened = self.unseal(&for_account(AccountId(account), side), &sealed)?;
            passwords.insert((account, side), Zeroizing::new(opened.expose().to_owned()));
        }
        Ok(passwords)
    }

    /// Writes rows of an import, so many at a time. What was written before an error stays: the same import run again goes
    /// on from there. `progress` is told how many rows are on the disk.
    pub async fn import(&self, rows: Vec<PersonWrite>, mut progress: impl FnMut(usize)) -> Result<()> {
        let mut done = 0;
        for portion in rows.chunks(PORTION) {
            self.write(Import { rows: portion.to_vec(), store: self.clone() }).await?;
            done += portion.len();
            progress(done);
        }
        Ok(())
    }
}

fn person(row: &Fields<'_>) -> Result<PersonRecord> {
    let groups: String = row.get(6)?;
    Ok(PersonRecord {
        address: row.get(0)?,
        domain: row.get(1)?,
        wave: row.get(2)?,
        criticality: row.get::<Option<i64>>(3)?.and_then(|number| u32::try_from(number).ok()),
        first_name: row.get(4)?,
        last_name: row.get(5)?,
        groups: groups.lines().map(str::to_owned).collect(),
        phone: row.get(7)?,
        only_myteam: row.get::<i64>(8)? != 0,
        send_email: row.get::<i64>(9)? != 0,
        enabled_2fa: row.get::<i64>(10)? != 0,
        phone_2fa: row.get(11)?,
    })
}

struct Import {
    rows: Vec<PersonWrite>,
    store: Store,
}

#[async_trait]
impl Write for Import {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        for row in &self.rows {
            put_person(db, &row.person).await?;
            let Some(account) = &row.account else { continue };
            let id = match account_id(db, &account.address).await? {
                Some(id) => id,
                None => crate::account::insert(db, account).await?,
            };
            if let Some(service_login) = &row.service_login {
                let query = sqlx::query("UPDATE account SET service_login = $2 WHERE id = $1");
                db.execute(query.bind(id.0).bind(service_login.clone())).await?;
            }
            for (side, password) in row.passwords.iter() {
                if let Some(password) = password {
                    let sealed = self.store.key().seal(&for_account(id, side), password.as_bytes())?;
                    crate::secret::put_password(db, id, side, sealed).await?;
                }
            }
        }
        Ok(())
    }
}

async fn account_id(db: &mut Writer, address: &str) -> Result<Option<AccountId>> {
    let row = db.row(sqlx::query("SELECT id FROM account WHERE address_key = $1").bind(key(address))).await?;
    row.map(|row| Ok(AccountId(Fields::of(&row, db.path()).get(0)?))).transpose()
}

async fn put_person(db: &mut Writer, person: &PersonRecord) -> Result<()> {
    const SQL: &str = "
        INSERT INTO person (address_key, address, domain, wave, criticality, first_name, last_name, groups_text, phone,
                            only_myteam, send_email, enabled_2fa, phone_2fa)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (address_key) DO UPDATE SET
            wave = excluded.wave, criticality = excluded.criticality, first_name = excluded.first_name,
            last_name = excluded.last_name, groups_text = excluded.groups_text, phone = excluded.phone,
            only_myteam = excluded.only_myteam, send_email = excluded.send_email,
            enabled_2fa = excluded.enabled_2fa, phone_2fa = excluded.phone_2fa";
    if person.groups.iter().any(|group| group.contains('\n')) {
        return Err(Error::internal("a group of several lines"));
    }
    let query = sqlx::query(SQL)
        .bind(key(&person.address))
        .bind(person.address.clone())
        .bind(person.domain.clone())
        .bind(person.wave.clone())
        .bind(person.criticality.map(i64::from))
        .bind(person.first_name.clone())
        .bind(person.last_name.clone())
        .bind(person.groups.join("\n"))
        .bind(person.phone.clone())
        .bind(i64::from(person.only_myteam))
        .bind(i64::from(person.send_email))
        .bind(i64::from(person.enabled_2fa))
        .bind(person.phone_2fa.clone());
    db.execute(query).await.map(drop)
}
