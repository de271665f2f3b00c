//! The changes of an account's mail, each in a statement that also checks the lease (`commit.rs`).

use crate::commit::{Leased, hold, under, unhold};
use crate::database::{Query, Writer};
use crate::lease::millis;
use crate::{Store, codec};
use async_trait::async_trait;
use parom_domain::state::{
    Change, Deleted, FolderId, FolderPair, Intent, Lease, Parked, PassSummary, Recent, Strays, Suspected,
};
use parom_domain::{Result, Role, Side, Uid};

impl Store {
    /// Commits all changes or none. When it returns `Ok` they survive a kill and a loss of power.
    ///
    /// Errors: `LeaseLost`; `StateFull` and other failures of the disk. After any error nothing of the list is written.
    pub async fn commit(&self, lease: &Lease, changes: Vec<Change>) -> Result<()> {
        self.commit_under(lease, changes).await
    }
}

#[async_trait]
impl Leased for Change {
    async fn apply(&self, db: &mut Writer, lease: Lease) -> Result<()> {
        apply(db, lease, self).await
    }

    fn is_one_statement(&self) -> bool {
        !matches!(self, Change::Remember(_))
    }
}

async fn apply(db: &mut Writer, lease: Lease, change: &Change) -> Result<()> {
    match change {
        Change::PutFolder(pair) => db.put(lease, put_folder(lease, pair)?).await,
        Change::DropFolder(folder) => db.forget(lease, under(lease, DROP_FOLDER).bind(number(*folder))).await,
        Change::PutLinks { folder, chunk, links } if links.iter().all(Option::is_none) => {
            db.forget(lease, under(lease, DROP_LINKS).bind(number(*folder)).bind(i64::from(*chunk))).await
        }
        Change::PutLinks { folder, chunk, links } => {
            let has = |side: Side| links.iter().flatten().filter(|link| link.uids[side].is_some()).count() as i64;
            let linked = links.iter().flatten().filter(|link| !link.is_one_sided()).count() as i64;
            let query = under(lease, PUT_LINKS)
                .bind(number(*folder))
                .bind(i64::from(*chunk))
                .bind(linked)
                .bind(has(Side::Source))
                .bind(has(Side::Target))
                .bind(codec::write_links(links)?);
            db.put(lease, query).await
        }
        Change::SetCursor { folder, side, cursor } => {
            let sql = match side {
                Side::Source => SET_SOURCE_CURSOR,
                Side::Target => SET_TARGET_CURSOR,
            };
            let cursor = cursor.as_ref().map(codec::write_cursor);
            // A folder that was dropped meanwhile has no cursor to keep.
            db.forget(lease, under(lease, sql).bind(number(*folder)).bind(cursor)).await
        }
        Change::OpenIntent(intent) => db.put(lease, open_intent(lease, intent)?).await,
        Change::CloseIntent(id) => db.forget(lease, under(lease, CLOSE_INTENT).bind(id.cast_signed())).await,
        Change::Park(parked) => db.put(lease, park(lease, parked)).await,
        Change::Unpark { folder, side, uid } => db.forget(lease, item(lease, UNPARK, *folder, *side, *uid)).await,
        Change::Suspect(suspected) => db.put(lease, suspect(lease, suspected)).await,
        Change::Unsuspect { folder, side, uid } => db.forget(lease, item(lease, UNSUSPECT, *folder, *side, *uid)).await,
        Change::Remember(recent) => remember(db, lease, recent).await,
        Change::ForgetRecent { before_ms } => {
            db.forget(lease, under(lease, FORGET_RECENT).bind(millis(*before_ms))).await
        }
        Change::PutStrays(strays) => db.put(lease, put_strays(lease, strays)).await,
        Change::ForgetStrays => db.forget(lease, under(lease, FORGET_STRAYS)).await,
        Change::CountDeleted(deleted) => db.put(lease, count_deleted(lease, *deleted)).await,
        Change::ForgetDeleted { before_ms } => {
            db.forget(lease, under(lease, FORGET_DELETED).bind(millis(*before_ms))).await
        }
        Change::Hold(held) => db.put(lease, hold(lease, held)).await,
        Change::Unhold { key } => db.forget(lease, unhold(lease, key)).await,
        Change::Summary(summary) => db.put(lease, put_summary(lease, summary)).await,
    }
}

fn number(folder: FolderId) -> i64 {
    i64::from(folder.0)
}

const PUT_FOLDER: &str = "
    INSERT INTO folder (account, id, source_path, target_path, role, source_cursor, target_cursor,
        source_mailbox_id, target_mailbox_id, subscribed, source_missing_since_ms, target_missing_since_ms,
        source_hides, target_hides)
    SELECT account, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, id) DO UPDATE SET
        source_path = excluded.source_path, target_path = excluded.target_path, role = excluded.role,
        source_cursor = excluded.source_cursor, target_cursor = excluded.target_cursor,
        source_mailbox_id = excluded.source_mailbox_id, target_mailbox_id = excluded.target_mailbox_id,
        subscribed = excluded.subscribed, source_missing_since_ms = excluded.source_missing_since_ms,
        target_missing_since_ms = excluded.target_missing_since_ms,
        source_hides = excluded.source_hides, target_hides = excluded.target_hides";

fn put_folder(lease: Lease, pair: &FolderPair) -> Result<Query> {
    let paths = pair.paths.as_ref().map(|path| path.as_ref().map(codec::write_path).transpose());
    let cursors = pair.cursors.map(|cursor| cursor.as_ref().map(codec::write_cursor));
    let missing = pair.missing_since_ms.map(|ms| ms.map(millis));
    Ok(under(lease, PUT_FOLDER)
        .bind(number(pair.id))
        .bind(paths.source?)
        .bind(paths.target?)
        .bind(pair.role.map(Role::as_str))
        .bind(cursors.source)
        .bind(cursors.target)
        .bind(pair.mailbox_ids.source.clone())
        .bind(pair.mailbox_ids.target.clone())
        .bind(i64::from(pair.subscribed))
        .bind(missing.source)
        .bind(missing.target)
        .bind(i64::from(pair.hides.source))
        .bind(i64::from(pair.hides.target)))
}

/// Links, parked and suspected items go with it (`ON DELETE CASCADE`).
const DROP_FOLDER: &str = "
    DELETE FROM folder WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const SET_SOURCE_CURSOR: &str = "
    UPDATE folder SET source_cursor = $4 WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const SET_TARGET_CURSOR: &str = "
    UPDATE folder SET target_cursor = $4 WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const PUT_LINKS: &str = "
    INSERT INTO links (account, folder, chunk, linked, in_source, in_target, body)
    SELECT account, $3, $4, $5, $6, $7, $8 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, folder, chunk) DO UPDATE SET
        linked = excluded.linked, in_source = excluded.in_source, in_target = excluded.in_target,
        body = excluded.body";

const DROP_LINKS: &str = "
    DELETE FROM links WHERE account = $1 AND folder = $3 AND chunk = $4
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const OPEN_INTENT: &str = "
    INSERT INTO intent (account, id, at_ms, body)
    SELECT account, $3, $4, $5 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, id) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body";

fn open_intent(lease: Lease, intent: &Intent) -> Result<Query> {
    let body = codec::write_work(&intent.work)?;
    Ok(under(lease, OPEN_INTENT).bind(intent.id.cast_signed()).bind(millis(intent.at_ms)).bind(body))
}

const CLOSE_INTENT: &str = "
    DELETE FROM intent WHERE account = $1 AND id = $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const PARK: &str = "
    INSERT INTO parked (account, folder, side, uid, code, args, since_ms)
    SELECT account, $3, $4, $5, $6, $7, $8 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, folder, side, uid) DO UPDATE SET
        code = excluded.code, args = excluded.args, since_ms = excluded.since_ms";

fn park(lease: Lease, parked: &Parked) -> Query {
    item(lease, PARK, parked.folder, parked.side, parked.uid)
        .bind(parked.code.clone())
        .bind(codec::write_args(&parked.args))
        .bind(millis(parked.since_ms))
}

const UNPARK: &str = "
    DELETE FROM parked WHERE account = $1 AND folder = $3 AND side = $4 AND uid = $5
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const SUSPECT: &str = "
    INSERT INTO suspected (account, folder, side, uid, since_ms)
    SELECT account, $3, $4, $5, $6 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, folder, side, uid) DO UPDATE SET since_ms = excluded.since_ms";

fn suspect(lease: Lease, suspected: &Suspected) -> Query {
    item(lease, SUSPECT, suspected.folder, suspected.side, suspected.uid).bind(millis(suspected.since_ms))
}

const UNSUSPECT: &str = "
    DELETE FROM suspected WHERE account = $1 AND folder = $3 AND side = $4 AND uid = $5
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

fn item(lease: Lease, sql: &'static str, folder: FolderId, side: Side, uid: Uid) -> Query {
    under(lease, sql).bind(number(folder)).bind(i64::from(codec::side_number(side))).bind(i64::from(uid.get()))
}

const REMEMBER: &str = "
    INSERT INTO recent (account, seq, at_ms, body)
    SELECT account, (SELECT COALESCE(MAX(seq), 0) + 1 FROM recent WHERE account = $1), $3, $4
    FROM lease WHERE account = $1 AND epoch = $2";

async fn remember(db: &mut Writer, lease: Lease, recent: &[Recent]) -> Result<()> {
    for batch in recent.chunk_by(|a, b| a.at_ms == b.at_ms) {
        let Some(first) = batch.first() else { continue };
        let query = under(lease, REMEMBER).bind(millis(first.at_ms)).bind(codec::write_recent(batch));
        db.put(lease, query).await?;
    }
    Ok(())
}

const FORGET_RECENT: &str = "
    DELETE FROM recent WHERE account = $1 AND at_ms < $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const PUT_STRAYS: &str = "
    INSERT INTO stray (account, folder, side, at_ms, body)
    SELECT account, $3, $4, $5, $6 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, folder, side) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body";

fn put_strays(lease: Lease, strays: &Strays) -> Query {
    under(lease, PUT_STRAYS)
        .bind(number(strays.folder))
        .bind(i64::from(codec::side_number(strays.side)))
        .bind(millis(strays.at_ms))
        .bind(codec::write_strays(&strays.looks))
}

const FORGET_STRAYS: &str = "
    DELETE FROM stray WHERE account = $1
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

/// What is deleted in one moment adds up.
const COUNT_DELETED: &str = "
    INSERT INTO deletion (account, at_ms, messages)
    SELECT account, $3, $4 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account, at_ms) DO UPDATE SET messages = deletion.messages + excluded.messages";

fn count_deleted(lease: Lease, deleted: Deleted) -> Query {
    under(lease, COUNT_DELETED).bind(millis(deleted.at_ms)).bind(i64::from(deleted.messages))
}

const FORGET_DELETED: &str = "
    DELETE FROM deletion WHERE account = $1 AND at_ms < $3
        AND EXISTS (SELECT 1 FROM lease WHERE account = $1 AND epoch = $2)";

const PUT_SUMMARY: &str = "
    INSERT INTO summary (account, at_ms, last_ok_ms, parked, carried, folders, error_code, error_args)
    SELECT account, $3, $4, $5, $6, $7, $8, $9 FROM lease WHERE account = $1 AND epoch = $2
    ON CONFLICT (account) DO UPDATE SET
        at_ms = excluded.at_ms, last_ok_ms = COALESCE(excluded.last_ok_ms, summary.last_ok_ms),
        parked = excluded.parked, carried = excluded.carried, folders = excluded.folders,
        error_code = excluded.error_code, error_args = excluded.error_args";

fn put_summary(lease: Lease, summary: &PassSummary) -> Query {
    let (code, args) = match &summary.error {
        Some((code, args)) => (Some(code.clone()), Some(codec::write_args(args))),
        None => (None, None),
    };
    under(lease, PUT_SUMMARY)
        .bind(millis(summary.at_ms))
        .bind(summary.last_ok_ms.map(millis))
        .bind(summary.parked.cast_signed())
        .bind(summary.carried.cast_signed())
        .bind(i64::from(summary.folders))
        .bind(code)
        .bind(args)
}
