//! Sign-ins that a server refused: which password, and when. The password itself is not kept, only what recognises it.

use crate::Store;
use crate::database::Writer;
use crate::lease::unknown;
use crate::writer::Write;
use async_trait::async_trait;
use parom_domain::Result;
use parom_domain::state::AccountId;

/// Who signs in where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    pub account: AccountId,
    /// Host and port.
    pub server: String,
    pub login: String,
    /// The name of the password, where it serves many accounts.
    pub secret: Option<String>,
}

/// A sign-in that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub at_ms: u64,
    /// What the server said.
    pub answer: String,
}

/// A password that serves many accounts is held to be wrong once so many logins were refused with it: one alone may be a
/// mailbox that is not there.
const LOGINS: usize = 2;

impl Store {
    /// Notes a refusal. `concerns_all`: the password has not opened any mailbox yet, so that it may be wrong itself.
    ///
    /// Errors: `AccountUnknown`.
    pub async fn note_refusal(
        &self,
        sign_in: &SignIn,
        password: &[u8],
        concerns_all: bool,
        refusal: Refusal,
    ) -> Result<()> {
        let mark = self.key().mark(password);
        let mut sign_in = sign_in.clone();
        sign_in.secret = sign_in.secret.filter(|_| concerns_all);
        self.write(PutRefusal { sign_in, mark, refusal }).await
    }

    /// Was this password refused since then, for this login or for several that it serves? The latest such refusal.
    pub async fn refusal(&self, sign_in: &SignIn, password: &[u8], since_ms: u64) -> Result<Option<Refusal>> {
        const SQL: &str = "
            SELECT login, secret, at_ms, answer FROM refusal
            WHERE server = $1 AND mark = $2 AND at_ms >= $3 ORDER BY at_ms DESC";
        let mark = self.key().mark(password);
        let since = i64::try_from(since_ms).unwrap_or(i64::MAX);
        let query = sqlx::query(SQL).bind(sign_in.server.clone()).bind(mark.to_vec()).bind(since);
        let rows = self.readers().all(query, |row| {
            let refusal = Refusal { at_ms: row.unsigned(2)?, answer: row.get(3)? };
            Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?, refusal))
        });
        let rows = rows.await?;
        let of_all = |secret: &Option<String>| secret.is_some() && *secret == sign_in.secret;
        let all = rows.iter().filter(|(_, secret, _)| of_all(secret)).count() >= LOGINS;
        let concerns =
            |(login, secret, _): &(String, Option<String>, Refusal)| *login == sign_in.login || all && of_all(secret);
        Ok(rows.into_iter().find(concerns).map(|(_, _, refusal)| refusal))
    }

    /// Notes that a password which serves many accounts has let in one of them: from now on it is not doubted for the sake
    /// of single mailboxes.
    pub async fn note_proof(&self, sign_in: &SignIn, password: &[u8]) -> Result<()> {
        let Some(secret) = sign_in.secret.clone() else { return Ok(()) };
        self.write(PutProof { server: sign_in.server.clone(), secret, mark: self.key().mark(password) }).await
    }

    /// Has this password let in somebody?
    pub async fn is_proved(&self, sign_in: &SignIn, password: &[u8]) -> Result<bool> {
        const SQL: &str = "SELECT 1 FROM proof WHERE server = $1 AND secret = $2 AND mark = $3";
        let Some(secret) = sign_in.secret.clone() else { return Ok(false) };
        let mark = self.key().mark(password).to_vec();
        let query = sqlx::query(SQL).bind(sign_in.server.clone()).bind(secret).bind(mark);
        Ok(self.readers().first(query, |row| row.get::<i64>(0)).await?.is_some())
    }

    /// Something was mended: the account's password may be tried again at once, and with it what is in doubt about these
    /// that serve others too.
    pub async fn forget_refusals(&self, account: AccountId, secrets: Vec<String>) -> Result<()> {
        self.write(ForgetRefusals(account, secrets)).await
    }
}

struct PutRefusal {
    sign_in: SignIn,
    mark: [u8; 32],
    refusal: Refusal,
}

#[async_trait]
impl Write for PutRefusal {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO refusal (server, login, account, secret, mark, at_ms, answer)
            SELECT $1, $2, id, $4, $5, $6, $7 FROM account WHERE id = $3
            ON CONFLICT (server, login) DO UPDATE SET account = excluded.account, secret = excluded.secret,
                mark = excluded.mark, at_ms = excluded.at_ms, answer = excluded.answer";
        let SignIn { account, server, login, secret } = self.sign_in.clone();
        let query = sqlx::query(SQL).bind(server).bind(login).bind(account.0).bind(secret).bind(self.mark.to_vec());
        let at_ms = i64::try_from(self.refusal.at_ms).unwrap_or(i64::MAX);
        match db.execute(query.bind(at_ms).bind(self.refusal.answer.clone())).await? {
            0 => Err(unknown(account)),
            _ => Ok(()),
        }
    }
}

struct PutProof {
    server: String,
    secret: String,
    mark: [u8; 32],
}

#[async_trait]
impl Write for PutProof {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO proof (server, secret, mark) VALUES ($1, $2, $3)
            ON CONFLICT (server, secret) DO UPDATE SET mark = excluded.mark";
        let query = sqlx::query(SQL).bind(self.server.clone()).bind(self.secret.clone()).bind(self.mark.to_vec());
        db.execute(query).await.map(drop)
    }
}

struct ForgetRefusals(AccountId, Vec<String>);

#[async_trait]
impl Write for ForgetRefusals {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        for secret in &self.1 {
            db.execute(sqlx::query("DELETE FROM refusal WHERE secret = $1").bind(secret.clone())).await?;
        }
        db.execute(sqlx::query("DELETE FROM refusal WHERE account = $1").bind(self.0.0)).await.map(drop)
    }
}
