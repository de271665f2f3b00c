//! The changes of an account's calendars, each in a statement that also checks the lease (`commit.rs`).

use crate::commit::{Leased, hold, under, unhold};
use crate::database::{Query, Writer};
use crate::lease::millis;
use crate::{Store, codec};
use async_trait::async_trait;
use parom_domain::agenda::{Handle, Version};
use parom_domain::events::state::{
    AgendaChange, AgendaIntent, ArchivedEvent, DeletedEvents, ParkedEvent, SuspectedEvent,
};
use parom_domain::events::{CalendarNumber, CalendarPair, End, EventLink};
use parom_domain::state::Lease;
use parom_domain::{Result, Side};
use std::ops::RangeInclusive;
use std::sync::Arc;

impl Store {
    /// Commits all changes or none. When it returns `Ok` they survive a kill and a loss of power.
    ///
    /// Errors: as [`Store::commit`].
    pub async fn commit_agenda(&self, lease: &Lease, changes: Vec<AgendaChange>) -> Result<()> {
        self.commit_under(lease, statements(changes)).await
    }
}

/// What one statement or two do.
#[expect(clippy::large_enum_variant, reason = "nearly all are changes, and a box would be an allocation for each")]
enum Step {
    One(AgendaChange),
    /// Announcements that came one after the other end together: each statement costs two changes of thread.
    Close(RangeInclusive<u64>),
}

/// The changes of a commit in their order, and then the announcements that end with it: no change concerns one of these.
fn statements(changes: Vec<AgendaChange>) -> Vec<Step> {
    let mut closed = Vec::new();
    let mut steps = Vec::with_capacity(changes.len());
    for change in changes {
        match change {
            AgendaChange::CloseIntent(id) => closed.push(id),
            change => steps.push(Step::One(change)),
        }
    }
    closed.sort_unstable();
    let runs = closed.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    steps.extend(runs.filter_map(|run| Some(Step::Close(*run.first()?..=*run.last()?))));
    steps
}

#[async_trait]
impl Leased for Step {
    async fn apply(&self, db: &mut Writer, lease: Lease) -> Result<()> {
        match self {
            Step::One(change) => apply(db, lease, change).await,
            Step::Close(ids) => close_intents(db, lease, ids).await,
        }
    }

    fn is_one_statement(&self) -> bool {
        !matches!(self, Step::One(AgendaChange::DropCalendar(_)))
    }
}

async fn apply(db: &mut Writer, lease: Lease, change: &AgendaChange) -> Result<()> {
    match change {
        AgendaChange::PutCalendar(pair) => db.put(lease, put_calendar(lease, pair)).await,
        AgendaChange::DropCalendar(calendar) => {
            db.forget(lease, under(lease, DROP_PARKED).bind(number(*calendar))).await?;
            db.forget(lease, under(lease, DROP_CALENDAR).bind(number(*calendar))).await
        }
        AgendaChange::SetToken { calendar, side, token } => {
            let sql = match side {
                Side::Source => SET_SOURCE_TOKEN,
                Side::Target => SET_TARGET_TOKEN,
            };
            let token = token.as_ref().map(|token| token.0.to_string());
            db.forget(lease, under(lease, sql).bind(number(*calendar)).bind(token)).await
        }
        AgendaChange::PutEvent { link, base } => db.put(lease, put_event(lease, link, base.as_ref())).await,
        AgendaChange::DropEvent(event) => db.forget(lease, under(lease, DROP_EVENT).bind(event.0.cast_signed())).await,
        AgendaChange::OpenIntent(intent) => db.put(lease, open_intent(lease, intent)).await,
        AgendaChange::CloseIntent(id) => close_intents(db, lease, &(*id..=*id)).await,
        AgendaChange::Park(parked) => db.put(lease, park(lease, parked)).await,
        AgendaChange::Unpark { calendar, side, handle } => {
            db.forget(lease, item(lease, UNPARK, *calendar, *side, handle)).await
        }
        AgendaChange::Suspect(suspected) => db.put(lease, suspect(lease, *suspected)).await,
        AgendaChange::Unsuspect { event, side } => {
            let query = under(lease, UNSUSPECT).bind(event.0.cast_signed()).bind(side_of(*side));
            db.forget(lease, query).await
        }
        AgendaChange::Archive(archived) => db.put(lease, archive(lease, archived)).await,
        AgendaChange::CountDeleted(deleted) => db.put(lease, count_deleted(lease, *deleted)).await,
        AgendaChange::ForgetDeleted { before_ms } => {
            db.forget(lease, under(lease, FORGET_DELETED).bind(millis(*before_ms))).await
        }
        AgendaChange::Hold(held) => db.put(lease, hold(lease, held)).await,
        AgendaChange::Unhold { key } => db.forget(lease, unhold(lease, key)).await,
    }
}

fn number(calendar: CalendarNumber) -> i64 {
    i64::from(calendar.0)
}

fn side_of(side: Side) -> i64 {
    i64::from(codec::side_number(side))
}

const PUT_CALENDAR: &str = "
    INSERT INTO calendar (account, id, source_id, target_id, source_name, target_name, is_default, source_token,
        target_token, source_missing_since_ms, target_missing_since_ms)
    SELECT account, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, id) DO UPDATE SET
        source_id = excluded.source_id, target_id = excluded.target_id, source_name = excluded.source_name,
        target_name = excluded.target_name, is_default = excluded.is_default, source_token = excluded.source_token,
        target_token = excluded.target_token, source_missing_since_ms = excluded.source_missing_since_ms,
        target_missing_since_ms = excluded.target_missing_since_ms";

fn put_calendar(lease: Lease, pair: &CalendarPair) -> Query {
    let ids = pair.ids.as_ref().map(|id| id.as_ref().map(|id| id.0.to_string()));
    let tokens = pair.tokens.as_ref().map(|token| token.as_ref().map(|token| token.0.to_string()));
    let missing = pair.missing_since_ms.map(|ms| ms.map(millis));
    under(lease, PUT_CALENDAR)
        .bind(number(pair.number))
        .bind(ids.source)
        .bind(ids.target)
        .bind(pair.names.source.clone())
        .bind(pair.names.target.clone())
        .bind(i64::from(pair.is_default))
        .bind(tokens.source)
        .bind(tokens.target)
        .bind(missing.source)
        .bind(missing.target)
}

const DROP_PARKED: &str = "
    DELETE FROM event_parked WHERE account = $1 AND calendar = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const DROP_CALENDAR: &str = "
    DELETE FROM calendar WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const SET_SOURCE_TOKEN: &str = "
    UPDATE calendar SET source_token = $4 WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const SET_TARGET_TOKEN: &str = "
    UPDATE calendar SET target_token = $4 WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

/// Without a base the one that is there stays. A new link always brings one.
const PUT_EVENT: &str = "
    INSERT INTO event (account, id, uid, calendar, source_calendar, source_handle, source_version, source_hash,
        target_calendar, target_handle, target_version, target_hash, base_hash, brought, asleep, writes_ms, base)
    SELECT account, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        COALESCE($18, (SELECT base FROM event WHERE account = $1 AND id = $3))
    FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, id) DO UPDATE SET
        uid = excluded.uid, calendar = excluded.calendar, source_calendar = excluded.source_calendar,
        source_handle = excluded.source_handle, source_version = excluded.source_version,
        source_hash = excluded.source_hash, target_calendar = excluded.target_calendar,
        target_handle = excluded.target_handle, target_version = excluded.target_version,
        target_hash = excluded.target_hash, base_hash = excluded.base_hash, brought = excluded.brought,
        asleep = excluded.asleep, writes_ms = excluded.writes_ms, base = excluded.base";

fn put_event(lease: Lease, link: &EventLink, base: Option<&Arc<str>>) -> Query {
    let mut query =
        under(lease, PUT_EVENT).bind(link.number.0.cast_signed()).bind(link.uid.clone()).bind(number(link.calendar));
    for side in Side::ALL {
        let end = link.ends[side].as_ref();
        let version = |end: &End| end.version.as_ref().map(|Version(version)| version.to_string());
        query = query
            .bind(end.map(|end| number(end.calendar)))
            .bind(end.map(|end| end.handle.0.to_string()))
            .bind(end.and_then(version))
            .bind(end.map(|end| end.hash.to_vec()));
    }
    query
        .bind(link.base.to_vec())
        .bind(link.brought.map(side_of))
        .bind(link.asleep.map(side_of))
        .bind(codec::write_deeds(&link.writes))
        .bind(base.map(|text| codec::write_event_text(text)))
}

/// Its suspicions go with it (`ON DELETE CASCADE`).
const DROP_EVENT: &str = "
    DELETE FROM event WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const OPEN_INTENT: &str = "
    INSERT INTO event_intent (account, id, at_ms, body, was)
    SELECT account, $3, $4, $5, $6 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, id) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body, was = excluded.was";

fn open_intent(lease: Lease, intent: &AgendaIntent) -> Query {
    let body = codec::write_event_intent(intent);
    let was = intent.was.as_deref().map(codec::write_event_text);
    under(lease, OPEN_INTENT).bind(intent.id.cast_signed()).bind(millis(intent.at_ms)).bind(body).bind(was)
}

const CLOSE_INTENTS: &str = "
    DELETE FROM event_intent WHERE account = $1 AND id BETWEEN $3 AND $4
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

async fn close_intents(db: &mut Writer, lease: Lease, ids: &RangeInclusive<u64>) -> Result<()> {
    let (first, last) = (ids.start().cast_signed(), ids.end().cast_signed());
    db.forget(lease, under(lease, CLOSE_INTENTS).bind(first).bind(last)).await
}

const PARK: &str = "
    INSERT INTO event_parked (account, calendar, side, handle, version, uid, code, args, since_ms, until_ms)
    SELECT account, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, calendar, side, handle) DO UPDATE SET
        version = excluded.version, uid = excluded.uid, code = excluded.code, args = excluded.args,
        since_ms = excluded.since_ms, until_ms = excluded.until_ms";

fn park(lease: Lease, parked: &ParkedEvent) -> Query {
    item(lease, PARK, parked.calendar, parked.side, &parked.handle)
        .bind(parked.version.as_ref().map(|version| version.0.to_string()))
        .bind(parked.uid.clone())
        .bind(parked.code.clone())
        .bind(codec::write_args(&parked.args))
        .bind(millis(parked.since_ms))
        .bind(parked.until_ms.map(millis))
}

const UNPARK: &str = "
    DELETE FROM event_parked WHERE account = $1 AND calendar = $3 AND side = $4 AND handle = $5
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

fn item(lease: Lease, sql: &'static str, calendar: CalendarNumber, side: Side, handle: &Handle) -> Query {
    under(lease, sql).bind(number(calendar)).bind(side_of(side)).bind(handle.0.to_string())
}

const SUSPECT: &str = "
    INSERT INTO event_suspected (account, event, side, since_ms)
    SELECT account, $3, $4, $5 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, event, side) DO UPDATE SET since_ms = excluded.since_ms";

fn suspect(lease: Lease, suspected: SuspectedEvent) -> Query {
    let query = under(lease, SUSPECT).bind(suspected.event.0.cast_signed()).bind(side_of(suspected.side));
    query.bind(millis(suspected.since_ms))
}

const UNSUSPECT: &str = "
    DELETE FROM event_suspected WHERE account = $1 AND event = $3 AND side = $4
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const ARCHIVE: &str = "
    INSERT INTO event_archived (account, seq, at_ms, uid, side, body)
    SELECT account, (SELECT COALESCE(MAX(seq), 0) + 1 FROM event_archived WHERE account = $1), $3, $4, $5, $6
    FROM lease WHERE account = $1 AND epoch = $2";

fn archive(lease: Lease, archived: &ArchivedEvent) -> Query {
    let query = under(lease, ARCHIVE).bind(millis(archived.at_ms)).bind(archived.uid.clone());
    query.bind(side_of(archived.side)).bind(codec::write_event_text(&archived.text))
}

/// What is deleted in one moment adds up.
const COUNT_DELETED: &str = "
    INSERT INTO event_deletion (account, at_ms, events)
    SELECT account, $3, $4 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, at_ms) DO UPDATE SET events = event_deletion.events + excluded.events";

fn count_deleted(lease: Lease, deleted: DeletedEvents) -> Query {
    under(lease, COUNT_DELETED).bind(millis(deleted.at_ms)).bind(i64::from(deleted.events))
}

const FORGET_DELETED: &str = "
    DELETE FROM event_deletion WHERE account = $1 AND at_ms < $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";
