//! Migrations: every change of the tables, in order, each done once. A state newer than the program is refused.

use crate::classify;
use crate::database::{Fields, Readers, Writer};
use parom_domain::{Code, Error, Result, Retry};
use std::path::Path;

/// The version of a state is the number of its last migration. Entries are only ever added at the end.
const MIGRATIONS: [&str; 13] = [
    include_str!("../migrations/0001_accounts.sql"),
    include_str!("../migrations/0002_state.sql"),
    include_str!("../migrations/0003_deletions.sql"),
    include_str!("../migrations/0004_summary.sql"),
    include_str!("../migrations/0005_people.sql"),
    include_str!("../migrations/0006_refusals.sql"),
    include_str!("../migrations/0007_pace.sql"),
    include_str!("../migrations/0008_hidden_folders.sql"),
    include_str!("../migrations/0009_strays.sql"),
    include_str!("../migrations/0010_calendars.sql"),
    include_str!("../migrations/0011_calendar_links.sql"),
    include_str!("../migrations/0012_kept_events.sql"),
    include_str!("../migrations/0013_half_events.sql"),
];

pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;

const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";

/// Brings the tables up to date, all or nothing.
pub(crate) async fn migrate(db: &mut Writer) -> Result<()> {
    db.begin().await?;
    let done = match bring_up(db).await {
        Ok(()) => db.commit().await,
        Err(error) => Err(error),
    };
    if done.is_err() {
        db.rollback().await;
    }
    done
}

async fn bring_up(db: &mut Writer) -> Result<()> {
    db.script("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)").await?;
    let row = db.row(sqlx::query(VERSION)).await?;
    let found = row.map_or(Ok(0), |row| Fields::of(&row, db.path()).get::<i64>(0))?;
    check(found, db.path())?;
    for (sql, version) in MIGRATIONS.into_iter().zip(1i64..).filter(|(_, version)| *version > found) {
        db.script(sql).await?;
        db.execute(sqlx::query("INSERT INTO schema_version (version) VALUES ($1)").bind(version)).await?;
    }
    Ok(())
}

/// For those who only read: the tables must be exactly the ones we know.
pub(crate) async fn verify(readers: &Readers, path: &Path) -> Result<()> {
    let found = readers.first(sqlx::query(VERSION), |row| row.get::<i64>(0)).await?.unwrap_or(0);
    check(found, path)?;
    if found < KNOWN {
        let detail = "an older version wrote it; the next sync brings it up to date";
        return Err(classify::state(Code::StateUnavailable, Retry::WhenFixed, path).with("detail", detail));
    }
    Ok(())
}

fn check(found: i64, path: &Path) -> Result<(), Error> {
    if found <= KNOWN {
        return Ok(());
    }
    let error = classify::state(Code::StateNewer, Retry::WhenFixed, path);
    Err(error.with("found", found).with("known", KNOWN))
}
