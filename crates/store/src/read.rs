//! Reading the state back: a whole account for its pass, and the short answers for `parom status`.

use crate::database::Fields;
use crate::{Store, codec};
use parom_domain::events::guard::KEY_PREFIX;
use parom_domain::link::Link;
use parom_domain::state::{
    AccountId, AccountState, Deleted, FolderId, FolderPair, Held, Intent, Parked, PassSummary, Recent, Strays,
    Suspected,
};
use parom_domain::{Both, FolderPath, Result, Role, Side, Uid};

/// What is known of one folder pair, without reading a link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderCounts {
    /// Messages linked on both sides.
    pub linked: u64,
    /// Messages known on each side, whether they are on the other side or not.
    pub known: Both<u64>,
    pub parked: Both<u64>,
    pub suspected: Both<u64>,
}

impl Store {
    /// All of an account but its links. An account that was never written has nothing.
    ///
    /// Errors: `StateDamaged` when a row is not what was written.
    pub async fn load(&self, account: AccountId) -> Result<AccountState> {
        // Several statements, and yet one picture: whoever asks has the lease, so nobody else writes meanwhile.
        let db = self.readers();
        Ok(AccountState {
            folders: db.all(sqlx::query(FOLDERS).bind(account.0), folder_pair).await?,
            intents: db.all(sqlx::query(INTENTS).bind(account.0), intent).await?,
            parked: self.parked(Some(account)).await?.into_iter().map(|(_, parked)| parked).collect(),
            suspected: db.all(sqlx::query(SUSPECTED).bind(account.0), suspected).await?,
            held: self.held_by(account, |key| !key.starts_with(KEY_PREFIX)).await?,
            recent: db.all(sqlx::query(RECENT).bind(account.0), recent).await?.concat(),
            strays: db.all(sqlx::query(STRAYS).bind(account.0), strays).await?,
            deleted: db.all(sqlx::query(DELETED).bind(account.0), deleted).await?,
        })
    }

    /// The chunks of a folder pair's links, as [`parom_domain::link::LinkTable::from_chunks`] takes them.
    pub async fn links(&self, account: AccountId, folder: FolderId) -> Result<Vec<(u32, Vec<Option<Link>>)>> {
        let query = sqlx::query(LINKS).bind(account.0).bind(i64::from(folder.0));
        self.readers().all(query, |row| Ok((row.small(0)?, row.blob(1, codec::read_links)?))).await
    }

    /// Numbers of every folder pair that has any, in the order of their ids. Reads no link.
    pub async fn folder_counts(&self, account: AccountId) -> Result<Vec<(FolderId, FolderCounts)>> {
        let db = self.readers();
        let mut counts = std::collections::BTreeMap::<FolderId, FolderCounts>::new();
        let links = db.all(sqlx::query(COUNT_LINKS).bind(account.0), |row| {
            Ok((FolderId(row.small(0)?), row.unsigned(1)?, Both::new(row.unsigned(2)?, row.unsigned(3)?)))
        });
        for (folder, linked, known) in links.await? {
            let counts = counts.entry(folder).or_default();
            (counts.linked, counts.known) = (linked, known);
        }
        for (folder, side, parked) in db.all(sqlx::query(COUNT_PARKED).bind(account.0), side_count).await? {
            counts.entry(folder).or_default().parked[side] = parked;
        }
        for (folder, side, suspected) in db.all(sqlx::query(COUNT_SUSPECTED).bind(account.0), side_count).await? {
            counts.entry(folder).or_default().suspected[side] = suspected;
        }
        Ok(counts.into_iter().collect())
    }

    /// The folders in which servers hide others, of all accounts.
    pub async fn hiding(&self) -> Result<Vec<(AccountId, Side, FolderPath)>> {
        let rows = self.readers().all(sqlx::query(HIDING), |row| {
            let paths = Both::new(row.maybe_blob(1, codec::read_path)?, row.maybe_blob(2, codec::read_path)?);
            let hides = Both::new(row.get::<i64>(3)? != 0, row.get::<i64>(4)? != 0);
            Ok((AccountId(row.get(0)?), paths, hides))
        });
        let found = rows.await?.into_iter().flat_map(|(account, paths, hides)| {
            let sides = Side::ALL.into_iter().filter(move |side| hides[*side]);
            sides.filter_map(move |side| Some((account, side, paths[side].clone()?)))
        });
        Ok(found.collect())
    }

    /// The last pass of every account that had one.
    pub async fn summaries(&self) -> Result<Vec<(AccountId, PassSummary)>> {
        self.readers().all(sqlx::query(SUMMARIES), summary).await
    }

    /// What is parked in one account, or in all.
    pub async fn parked(&self, account: Option<AccountId>) -> Result<Vec<(AccountId, Parked)>> {
        let query = match account {
            Some(account) => sqlx::query(PARKED_OF).bind(account.0),
            None => sqlx::query(PARKED),
        };
        self.readers().all(query, parked).await
    }

    /// The brakes of one account whose keys are wanted: those of mail and of calendars share a table.
    pub(crate) async fn held_by(&self, account: AccountId, wanted: fn(&str) -> bool) -> Result<Vec<Held>> {
        let held = self.held(Some(account)).await?.into_iter().map(|(_, held)| held);
        Ok(held.filter(|held| wanted(&held.key)).collect())
    }

    /// The brakes that hold one account, or any, in its mail and in its calendars.
    pub async fn held(&self, account: Option<AccountId>) -> Result<Vec<(AccountId, Held)>> {
        let query = match account {
            Some(account) => sqlx::query(HELD_OF).bind(account.0),
            None => sqlx::query(HELD),
        };
        self.readers().all(query, held).await
    }
}

const FOLDERS: &str = "
    SELECT id AS folder, source_path, target_path, role, source_cursor, target_cursor, source_mailbox_id,
        target_mailbox_id, subscribed, source_missing_since_ms, target_missing_since_ms, source_hides, target_hides
    FROM folder WHERE account = $1 ORDER BY id";

const HIDING: &str = "
    SELECT account AS hiding, source_path, target_path, source_hides, target_hides
    FROM folder WHERE source_hides <> 0 OR target_hides <> 0 ORDER BY account, id";

fn folder_pair(row: &Fields<'_>) -> Result<FolderPair> {
    Ok(FolderPair {
        id: FolderId(row.small(0)?),
        paths: Both::new(row.maybe_blob(1, codec::read_path)?, row.maybe_blob(2, codec::read_path)?),
        role: row.get::<Option<&str>>(3)?.map(|name| role(row, name)).transpose()?,
        cursors: Both::new(row.maybe_blob(4, codec::read_cursor)?, row.maybe_blob(5, codec::read_cursor)?),
        mailbox_ids: Both::new(row.get(6)?, row.get(7)?),
        subscribed: row.get::<i64>(8)? != 0,
        missing_since_ms: Both::new(row.maybe_unsigned(9)?, row.maybe_unsigned(10)?),
        hides: Both::new(row.get::<i64>(11)? != 0, row.get::<i64>(12)? != 0),
    })
}

fn role(row: &Fields<'_>, name: &str) -> Result<Role> {
    let found = Role::from_name(name).or_else(|| (name == Role::Virtual.as_str()).then_some(Role::Virtual));
    found.ok_or_else(|| row.damaged(codec::Damage("unknown role")))
}

const INTENTS: &str = "SELECT id AS intent, at_ms, body FROM intent WHERE account = $1 ORDER BY id";

fn intent(row: &Fields<'_>) -> Result<Intent> {
    Ok(Intent { id: row.unsigned(0)?, at_ms: row.unsigned(1)?, work: row.blob(2, codec::read_work)? })
}

const SUSPECTED: &str =
    "SELECT folder AS suspected, side, uid, since_ms FROM suspected WHERE account = $1 ORDER BY folder, side, uid";

fn suspected(row: &Fields<'_>) -> Result<Suspected> {
    Ok(Suspected {
        folder: FolderId(row.small(0)?),
        side: side(row, 1)?,
        uid: uid(row, 2)?,
        since_ms: row.unsigned(3)?,
    })
}

const RECENT: &str = "SELECT at_ms AS recent, body FROM recent WHERE account = $1 ORDER BY seq";

fn recent(row: &Fields<'_>) -> Result<Vec<Recent>> {
    let at_ms = row.unsigned(0)?;
    codec::read_recent(row.get(1)?, at_ms).map_err(|damage| row.damaged(damage))
}

const STRAYS: &str = "SELECT folder AS stray, side, at_ms, body FROM stray WHERE account = $1 ORDER BY folder, side";

fn strays(row: &Fields<'_>) -> Result<Strays> {
    Ok(Strays {
        folder: FolderId(row.small(0)?),
        side: side(row, 1)?,
        at_ms: row.unsigned(2)?,
        looks: row.blob(3, codec::read_strays)?,
    })
}

const DELETED: &str = "SELECT at_ms AS deletion, messages FROM deletion WHERE account = $1 ORDER BY at_ms";

fn deleted(row: &Fields<'_>) -> Result<Deleted> {
    Ok(Deleted { at_ms: row.unsigned(0)?, messages: row.small(1)? })
}

const LINKS: &str = "SELECT chunk AS links, body FROM links WHERE account = $1 AND folder = $2 ORDER BY chunk";

const COUNT_LINKS: &str = "
    SELECT folder, CAST(SUM(linked) AS BIGINT), CAST(SUM(in_source) AS BIGINT), CAST(SUM(in_target) AS BIGINT)
    FROM links WHERE account = $1 GROUP BY folder";

const COUNT_PARKED: &str = "SELECT folder, side, COUNT(*) FROM parked WHERE account = $1 GROUP BY folder, side";

const COUNT_SUSPECTED: &str = "SELECT folder, side, COUNT(*) FROM suspected WHERE account = $1 GROUP BY folder, side";

fn side_count(row: &Fields<'_>) -> Result<(FolderId, Side, u64)> {
    Ok((FolderId(row.small(0)?), side(row, 1)?, row.unsigned(2)?))
}

const SUMMARIES: &str = "
    SELECT account AS summary, at_ms, last_ok_ms, parked, carried, folders, error_code, error_args
    FROM summary ORDER BY account";

/// The last pass over mail or calendars: both are asked for in the order of `SUMMARIES`.
pub(crate) fn summary(row: &Fields<'_>) -> Result<(AccountId, PassSummary)> {
    let code = row.get::<Option<String>>(6)?;
    let args = row.maybe_blob(7, codec::read_args)?;
    let summary = PassSummary {
        at_ms: row.unsigned(1)?,
        last_ok_ms: row.maybe_unsigned(2)?,
        parked: row.unsigned(3)?,
        carried: row.unsigned(4)?,
        folders: row.small(5)?,
        error: code.map(|code| (code, args.unwrap_or_default())),
    };
    Ok((AccountId(row.get(0)?), summary))
}

const PARKED: &str = "
    SELECT account AS parked, folder, side, uid, code, args, since_ms FROM parked
    ORDER BY account, folder, side, uid";

const PARKED_OF: &str = "
    SELECT account AS parked, folder, side, uid, code, args, since_ms FROM parked
    WHERE account = $1 ORDER BY folder, side, uid";

fn parked(row: &Fields<'_>) -> Result<(AccountId, Parked)> {
    let parked = Parked {
        folder: FolderId(row.small(1)?),
        side: side(row, 2)?,
        uid: uid(row, 3)?,
        code: row.get(4)?,
        args: row.blob(5, codec::read_args)?,
        since_ms: row.unsigned(6)?,
    };
    Ok((AccountId(row.get(0)?), parked))
}

const HELD: &str = "
    SELECT account AS held, brake_key, brake, args, since_ms, released FROM held ORDER BY account, brake_key";

const HELD_OF: &str = "
    SELECT account AS held, brake_key, brake, args, since_ms, released FROM held
    WHERE account = $1 ORDER BY brake_key";

fn held(row: &Fields<'_>) -> Result<(AccountId, Held)> {
    let held = Held {
        key: row.get(1)?,
        brake: row.get(2)?,
        args: row.blob(3, codec::read_args)?,
        since_ms: row.unsigned(4)?,
        released: row.get::<i64>(5)? != 0,
    };
    Ok((AccountId(row.get(0)?), held))
}

pub(crate) fn side(row: &Fields<'_>, column: usize) -> Result<Side> {
    codec::side_of(row.get(column)?).map_err(|damage| row.damaged(damage))
}

fn uid(row: &Fields<'_>, column: usize) -> Result<Uid> {
    Uid::new(row.small(column)?).ok_or_else(|| row.damaged(codec::Damage("UID zero")))
}
