//! How fast servers, service accounts and mailbox databases are worked on, as one run tells the next.

use crate::Store;
use crate::database::{Fields, Writer};
use crate::writer::Write;
use async_trait::async_trait;
use parom_domain::Result;

/// Something that goes slower than it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaceRecord {
    /// Host and port.
    pub server: String,
    /// `server`, `login` or `database`.
    pub kind: String,
    /// Empty for the server itself.
    pub name: String,
    /// Connections.
    pub allowed: u32,
    pub most: u32,
    pub slowed_at_ms: u64,
    /// Nothing is asked of it before.
    pub until_ms: Option<u64>,
    /// What the server said.
    pub answer: String,
}

impl Store {
    pub async fn paces(&self) -> Result<Vec<PaceRecord>> {
        const SQL: &str = "
            SELECT server, kind, name, allowed, most, slowed_at_ms, until_ms, answer
            FROM pace ORDER BY server, kind, name";
        self.readers().all(sqlx::query(SQL), pace).await
    }

    pub async fn put_pace(&self, pace: PaceRecord) -> Result<()> {
        self.write(PutPace(pace)).await
    }

    /// A person says that nobody need wait any longer.
    pub async fn end_pauses(&self, server: &str) -> Result<()> {
        self.write(EndPauses(server.to_owned())).await
    }

    /// It goes as fast as it may again.
    pub async fn forget_pace(&self, server: &str, kind: &str, name: &str) -> Result<()> {
        self.write(ForgetPace([server, kind, name].map(str::to_owned))).await
    }
}

fn pace(row: &Fields<'_>) -> Result<PaceRecord> {
    let number = |at| Ok(u32::try_from(row.unsigned(at)?).unwrap_or(u32::MAX));
    Ok(PaceRecord {
        server: row.get(0)?,
        kind: row.get(1)?,
        name: row.get(2)?,
        allowed: number(3)?,
        most: number(4)?,
        slowed_at_ms: row.unsigned(5)?,
        until_ms: Some(row.unsigned(6)?).filter(|until| *until > 0),
        answer: row.get(7)?,
    })
}

struct PutPace(PaceRecord);

#[async_trait]
impl Write for PutPace {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO pace (server, kind, name, allowed, most, slowed_at_ms, until_ms, answer)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (server, kind, name) DO UPDATE SET allowed = excluded.allowed, most = excluded.most,
                slowed_at_ms = excluded.slowed_at_ms, until_ms = excluded.until_ms, answer = excluded.answer";
        let PaceRecord { server, kind, name, allowed, most, slowed_at_ms, until_ms, answer } = self.0.clone();
        let time = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        let query = sqlx::query(SQL).bind(server).bind(kind).bind(name).bind(i64::from(allowed)).bind(i64::from(most));
        let query = query.bind(time(slowed_at_ms)).bind(time(until_ms.unwrap_or(0))).bind(answer);
        db.execute(query).await.map(drop)
    }
}

struct EndPauses(String);

#[async_trait]
impl Write for EndPauses {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "UPDATE pace SET until_ms = 0 WHERE server = $1";
        db.execute(sqlx::query(SQL).bind(self.0.clone())).await.map(drop)
    }
}

struct ForgetPace([String; 3]);

#[async_trait]
impl Write for ForgetPace {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "DELETE FROM pace WHERE server = $1 AND kind = $2 AND name = $3";
        let [server, kind, name] = self.0.clone();
        db.execute(sqlx::query(SQL).bind(server).bind(kind).bind(name)).await.map(drop)
    }
}
