//! An account's calendar link: what was said of it, and how its last pass ended.

use crate::commit::under;
use crate::database::{Fields, Writer};
use crate::lease::{millis, unknown};
use crate::read::summary;
use crate::writer::Write;
use crate::{Store, codec};
use async_trait::async_trait;
use parom_domain::Result;
use parom_domain::events::policy::CalendarMode;
use parom_domain::state::{AccountId, Lease, PassSummary};

impl Store {
    /// What was said of accounts' calendars. Of accounts that are missing here nothing was.
    pub async fn calendar_modes(&self) -> Result<Vec<(AccountId, CalendarMode)>> {
        self.readers().all(sqlx::query(MODES), mode).await
    }

    /// Errors: `AccountUnknown`.
    pub async fn set_calendar_mode(&self, account: AccountId, mode: CalendarMode) -> Result<()> {
        self.write(SetMode(account, mode)).await
    }

    /// The last calendar pass of every account that had one. Its `folders` are calendars.
    pub async fn calendar_summaries(&self) -> Result<Vec<(AccountId, PassSummary)>> {
        self.readers().all(sqlx::query(SUMMARIES), summary).await
    }

    /// Notes how a calendar pass ended. `last_ok_ms: None` leaves what is stored.
    ///
    /// Errors: `LeaseLost`.
    pub async fn note_calendar_pass(&self, lease: &Lease, summary: PassSummary) -> Result<()> {
        self.write(Note(*lease, summary)).await
    }

    /// How many events of each account are on both sides.
    pub async fn linked_events(&self) -> Result<Vec<(AccountId, u64)>> {
        self.readers().all(sqlx::query(LINKED), |row| Ok((AccountId(row.get(0)?), row.unsigned(1)?))).await
    }
}

const MODES: &str = "SELECT account AS calendar_link, mode FROM calendar_link ORDER BY account";

fn mode(row: &Fields<'_>) -> Result<(AccountId, CalendarMode)> {
    let text = row.get::<&str>(1)?;
    let mode = CalendarMode::ALL.into_iter().find(|mode| mode.as_str() == text);
    Ok((AccountId(row.get(0)?), mode.ok_or_else(|| row.damaged(codec::Damage("not a mode")))?))
}

struct SetMode(AccountId, CalendarMode);

#[async_trait]
impl Write for SetMode {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO calendar_link (account, mode) SELECT id, $2 FROM account WHERE id = $1
            ON CONFLICT (account) DO UPDATE SET mode = excluded.mode";
        match db.execute(sqlx::query(SQL).bind(self.0.0).bind(self.1.as_str())).await? {
            0 => Err(unknown(self.0)),
            _ => Ok(()),
        }
    }
}

const SUMMARIES: &str = "
    SELECT account AS calendar_summary, at_ms, last_ok_ms, parked, carried, calendars, error_code, error_args
    FROM calendar_summary ORDER BY account";

struct Note(Lease, PassSummary);

#[async_trait]
impl Write for Note {
    type Answer = ();

    async fn perform(&self, db: &mut Writer) -> Result<()> {
        const SQL: &str = "
            INSERT INTO calendar_summary (account, at_ms, last_ok_ms, parked, carried, calendars, error_code, error_args)
            SELECT account, $3, $4, $5, $6, $7, $8, $9 FROM lease WHERE account = $1 AND epoch = $2
            ON CONFLICT (account) DO UPDATE SET
                at_ms = excluded.at_ms, last_ok_ms = COALESCE(excluded.last_ok_ms, calendar_summary.last_ok_ms),
                parked = excluded.parked, carried = excluded.carried, calendars = excluded.calendars,
                error_code = excluded.error_code, error_args = excluded.error_args";
        let Note(lease, summary) = self;
        let (code, args) = match &summary.error {
            Some((code, args)) => (Some(code.clone()), Some(codec::write_args(args))),
            None => (None, None),
        };
        let query = under(*lease, SQL)
            .bind(millis(summary.at_ms))
            .bind(summary.last_ok_ms.map(millis))
            .bind(summary.parked.cast_signed())
            .bind(summary.carried.cast_signed())
            .bind(i64::from(summary.folders))
            .bind(code)
            .bind(args);
        db.put(*lease, query).await
    }

    fn is_one_statement(&self) -> bool {
        true
    }
}

const LINKED: &str = "
    SELECT account AS event, COUNT(*) FROM event
    WHERE source_handle IS NOT NULL AND target_handle IS NOT NULL GROUP BY account ORDER BY account";
