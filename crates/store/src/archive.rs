//! The archive of an account's events: what merges gave up, and what others made before it was first overwritten or removed.

use crate::codec::Damage;
use crate::commit::under;
use crate::database::{Fields, Writer};
use crate::lease::millis;
use crate::read::side;
use crate::writer::Write;
use crate::{Store, codec};
use async_trait::async_trait;
use parom_domain::events::state::KeptEvent;
use parom_domain::state::{AccountId, Lease};
use parom_domain::{Result, Side};
use std::sync::Arc;

/// An entry of the archive, without the event itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Within the account, ascending from 1.
    pub number: u64,
    pub at_ms: u64,
    pub uid: String,
    /// The side whose version it was.
    pub side: Side,
    /// It was kept before it was overwritten or removed; else a merge gave it up.
    pub is_kept: bool,
    /// It can be put back as its side had it.
    pub is_exported: bool,
}

/// An entry with what it holds. People's plans have no Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct ArchiveItem {
    pub entry: ArchiveEntry,
    /// iCalendar.
    pub text: Arc<str>,
    /// As the side itself had given it.
    pub export: Option<Arc<str>>,
}

impl Store {
    /// Keeps an event. When it returns `Ok` it survives a kill and a loss of power.
    ///
    /// Errors: `LeaseLost`.
    pub async fn keep_event(&self, lease: &Lease, event: KeptEvent) -> Result<()> {
        self.write(Keep(*lease, event)).await
    }

    /// The UIDs of events that were kept on a side.
    pub async fn kept_events(&self, account: AccountId, side: Side) -> Result<Vec<String>> {
        let query = sqlx::query(KEPT).bind(account.0).bind(i64::from(codec::side_number(side)));
        self.readers().all(query, |row| row.get(0)).await
    }

    /// What the archive of an account holds, oldest first.
    pub async fn archive(&self, account: AccountId) -> Result<Vec<ArchiveEntry>> {
        self.readers().all(sqlx::query(ENTRIES).bind(account.0), entry).await
    }

    /// `None`: there is no such entry.
    pub async fn archived(&self, account: AccountId, number: u64) -> Result<Option<ArchiveItem>> {
        let query = sqlx::query(ITEM).bind(account.0).bind(number.cast_signed());
        self.readers().first(query, item).await
    }
}

const KEPT: &str =
    "SELECT DISTINCT uid AS event_archived FROM event_archived WHERE account = $1 AND side = $2 AND kept = 1";

const ENTRIES: &str = "
    SELECT seq AS event_archived, at_ms, uid, side, kept, export IS NOT NULL
    FROM event_archived WHERE account = $1 ORDER BY seq";

const ITEM: &str = "
    SELECT seq AS event_archived, at_ms, uid, side, kept, export IS NOT NULL, body, export
    FROM event_archived WHERE account = $1 AND seq = $2";

fn entry(row: &Fields<'_>) -> Result<ArchiveEntry> {
    Ok(ArchiveEntry {
        number: row.unsigned(0)?,
        at_ms: row.unsigned(1)?,
        uid: row.get(2)?,
        side: side(row, 3)?,
        is_kept: flag(row, 4)?,
        is_exported: flag(row, 5)?,
    })
}

fn flag(row: &Fields<'_>, column: usize) -> Result<bool> {
    match row.get::<i64>(column)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(row.damaged(Damage("neither yes nor no"))),
    }
}

fn item(row: &Fields<'_>) -> Result<ArchiveItem> {
    Ok(ArchiveItem {
        entry: entry(row)?,
        text: row.blob(6, codec::read_event_text)?,
        export: row.maybe_blob(7, codec::read_event_text)?,
    })
}

struct Keep(Lease, KeptEvent);

#[async_trait]
impl Write for Keep {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO event_archived (account, seq, at_ms, uid, side, body, kept, export)
            SELECT account, (SELECT COALESCE(MAX(seq), 0) + 1 FROM event_archived WHERE account = $1), $3, $4, $5, $6, 1, $7
            FROM lease WHERE account = $1 AND epoch = $2";
        let Keep(lease, event) = self;
        let query = under(*lease, SQL)
            .bind(millis(event.at_ms))
            .bind(event.uid.clone())
            .bind(i64::from(codec::side_number(event.side)))
            .bind(codec::write_event_text(&event.text))
            .bind(event.export.as_ref().map(|export| codec::write_event_text(export)));
        db.put(*lease, query).await
    }

    fn is_one_statement(&self) -> bool {
        true
    }
}
