//! Reading back what is remembered of an account's calendars.

use crate::database::Fields;
use crate::read::side;
use crate::{Store, codec};
use parom_domain::agenda::{CalendarId, Handle, Token, Version};
use parom_domain::events::guard::KEY_PREFIX;
use parom_domain::events::state::{
    AgendaIntent, AgendaState, ArchivedEvent, DeletedEvents, ParkedEvent, SuspectedEvent,
};
use parom_domain::events::{CalendarNumber, CalendarPair, End, EventLink, EventNumber};
use parom_domain::state::AccountId;
use parom_domain::{Both, Result, Side};
use std::sync::Arc;

impl Store {
    /// All of an account's calendars but the links of events.
    ///
    /// Errors: `StateDamaged` when a row is not what was written.
    pub async fn load_agenda(&self, account: AccountId) -> Result<AgendaState> {
        let db = self.readers();
        let left = db.first(sqlx::query(LEFT).bind(account.0).bind(&End::OWN[..]), |row| row.unsigned(0)).await?;
        Ok(AgendaState {
            calendars: db.all(sqlx::query(CALENDARS).bind(account.0), calendar).await?,
            intents: db.all(sqlx::query(INTENTS).bind(account.0), intent).await?,
            parked: self.parked_events(account).await?,
            suspected: db.all(sqlx::query(SUSPECTED).bind(account.0), suspected).await?.into_iter().collect(),
            held: self.held_by(account, |key| key.starts_with(KEY_PREFIX)).await?,
            deleted: db.all(sqlx::query(DELETED).bind(account.0), deleted).await?,
            left: left.unwrap_or(0),
        })
    }

    /// The links of all events of an account, without the forms that both sides agreed on.
    pub async fn event_links(&self, account: AccountId) -> Result<Vec<EventLink>> {
        self.readers().all(sqlx::query(LINKS).bind(account.0), link).await
    }

    /// The form that both sides last agreed on.
    pub async fn event_base(&self, account: AccountId, event: EventNumber) -> Result<Option<Arc<str>>> {
        let query = sqlx::query(BASE).bind(account.0).bind(event.0.cast_signed());
        self.readers().first(query, |row| row.blob(0, codec::read_event_text)).await
    }

    pub async fn parked_events(&self, account: AccountId) -> Result<Vec<ParkedEvent>> {
        self.readers().all(sqlx::query(PARKED).bind(account.0), parked).await
    }

    /// The versions that merges gave up, oldest first; [`Store::archive`] lists those that were kept too.
    pub async fn archived_events(&self, account: AccountId) -> Result<Vec<ArchivedEvent>> {
        self.readers().all(sqlx::query(ARCHIVED).bind(account.0), archived).await
    }
}

const LEFT: &str = "
    SELECT COUNT(*) FROM event
    WHERE account = $1 AND (asleep IS NULL AND (source_handle IS NULL OR target_handle IS NULL)
        OR source_hash = $2 OR target_hash = $2)";

const CALENDARS: &str = "
    SELECT id AS calendar, source_id, target_id, source_name, target_name, is_default, source_token, target_token,
        source_missing_since_ms, target_missing_since_ms
    FROM calendar WHERE account = $1 ORDER BY id";

fn calendar(row: &Fields<'_>) -> Result<CalendarPair> {
    let id = |column| Ok(row.get::<Option<&str>>(column)?.map(|id| CalendarId(id.into())));
    let token = |column| Ok(row.get::<Option<&str>>(column)?.map(|token| Token(token.into())));
    Ok(CalendarPair {
        number: CalendarNumber(row.small(0)?),
        ids: Both::new(id(1)?, id(2)?),
        names: Both::new(row.get(3)?, row.get(4)?),
        is_default: row.get::<i64>(5)? != 0,
        tokens: Both::new(token(6)?, token(7)?),
        missing_since_ms: Both::new(row.maybe_unsigned(8)?, row.maybe_unsigned(9)?),
    })
}

const LINKS: &str = "
    SELECT id AS event, uid, calendar, source_calendar, source_handle, source_version, source_hash, target_calendar,
        target_handle, target_version, target_hash, base_hash, brought, asleep, writes_ms
    FROM event WHERE account = $1 ORDER BY id";

fn link(row: &Fields<'_>) -> Result<EventLink> {
    let maybe_side = |column| {
        let number = row.get::<Option<i64>>(column)?;
        number.map(codec::side_of).transpose().map_err(|damage| row.damaged(damage))
    };
    let writes = codec::read_deeds(row.get::<&str>(14)?).map_err(|damage| row.damaged(damage))?;
    Ok(EventLink {
        number: EventNumber(row.unsigned(0)?),
        uid: row.get(1)?,
        calendar: CalendarNumber(row.small(2)?),
        ends: Both::new(end(row, 3)?, end(row, 7)?),
        base: row.blob(11, codec::read_hash)?,
        brought: maybe_side(12)?,
        asleep: maybe_side(13)?,
        writes,
    })
}

fn end(row: &Fields<'_>, column: usize) -> Result<Option<End>> {
    let Some(handle) = row.get::<Option<&str>>(column + 1)? else { return Ok(None) };
    Ok(Some(End {
        calendar: CalendarNumber(row.small(column)?),
        handle: Handle(handle.into()),
        version: row.get::<Option<&str>>(column + 2)?.map(|version| Version(version.into())),
        hash: row.blob(column + 3, codec::read_hash)?,
    }))
}

const BASE: &str = "SELECT base FROM event WHERE account = $1 AND id = $2";

const INTENTS: &str = "SELECT id AS event_intent, at_ms, body, was FROM event_intent WHERE account = $1 ORDER BY id";

fn intent(row: &Fields<'_>) -> Result<AgendaIntent> {
    let (id, at_ms) = (row.unsigned(0)?, row.unsigned(1)?);
    let intent = codec::read_event_intent(row.get(2)?, id, at_ms).map_err(|damage| row.damaged(damage))?;
    let was = row.get::<Option<&[u8]>>(3)?.map(codec::read_event_text).transpose();
    Ok(AgendaIntent { was: was.map_err(|damage| row.damaged(damage))?, ..intent })
}

const PARKED: &str = "
    SELECT calendar AS event_parked, side, handle, version, uid, code, args, since_ms, until_ms
    FROM event_parked WHERE account = $1 ORDER BY calendar, side, handle";

fn parked(row: &Fields<'_>) -> Result<ParkedEvent> {
    Ok(ParkedEvent {
        calendar: CalendarNumber(row.small(0)?),
        side: side(row, 1)?,
        handle: Handle(row.get::<&str>(2)?.into()),
        version: row.get::<Option<&str>>(3)?.map(|version| Version(version.into())),
        uid: row.get(4)?,
        code: row.get(5)?,
        args: row.blob(6, codec::read_args)?,
        since_ms: row.unsigned(7)?,
        until_ms: row.maybe_unsigned(8)?,
    })
}

const SUSPECTED: &str = "
    SELECT event AS event_suspected, side, since_ms FROM event_suspected WHERE account = $1 ORDER BY event, side";

fn suspected(row: &Fields<'_>) -> Result<SuspectedEvent> {
    Ok(SuspectedEvent { event: EventNumber(row.unsigned(0)?), side: side(row, 1)?, since_ms: row.unsigned(2)? })
}

const ARCHIVED: &str = "
    SELECT at_ms AS event_archived, uid, side, body FROM event_archived WHERE account = $1 AND kept = 0 ORDER BY seq";

fn archived(row: &Fields<'_>) -> Result<ArchivedEvent> {
    let text = row.blob(3, codec::read_event_text)?;
    let side: Side = side(row, 2)?;
    Ok(ArchivedEvent { at_ms: row.unsigned(0)?, uid: row.get(1)?, side, text })
}

const DELETED: &str = "SELECT at_ms AS event_deletion, events FROM event_deletion WHERE account = $1 ORDER BY at_ms";

fn deleted(row: &Fields<'_>) -> Result<DeletedEvents> {
    Ok(DeletedEvents { at_ms: row.unsigned(0)?, events: row.small(1)? })
}
