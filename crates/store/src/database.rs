//! The connection to the database: how it is opened, and everything in which SQLite differs from PostgreSQL.
//!
//! All other files speak SQL that both understand: numbered parameters, `ON CONFLICT`, `RETURNING`, whole numbers for
//! times and truth values. For PostgreSQL this file changes: the options below go, `BLOB` in the migrations becomes
//! `BYTEA`, and the lease check of a write takes `FOR SHARE`, because there others write at the same time.

use crate::{classify, codec};
use parom_domain::state::Lease;
use parom_domain::{Code, Error, Result, Retry, Scope};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use std::fs::OpenOptions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) type Dialect = sqlx::Sqlite;
pub(crate) type Query = sqlx::query::Query<'static, Dialect, sqlx::sqlite::SqliteArguments>;
pub(crate) type Row = sqlx::sqlite::SqliteRow;

/// How many readers work side by side with the writer.
const READERS: u32 = 3;
/// Memory for pages, in KiB, of each connection.
const CACHE_KIB: u32 = 1024;
/// Above that the log is cut when it has been carried into the database, in bytes.
const LOG_BYTES: u32 = 4 * 1024 * 1024;

/// The one connection that writes.
pub(crate) struct Writer {
    connection: sqlx::SqliteConnection,
    path: PathBuf,
    transactions: Arc<AtomicU64>,
}

impl Writer {
    /// `transactions` counts what is committed.
    pub(crate) async fn open(path: &Path, transactions: Arc<AtomicU64>) -> Result<Writer> {
        create_private(path)?;
        let options = common(path)
            .journal_mode(SqliteJournalMode::Wal)
            // INVARIANT: what was committed survives a loss of power. NORMAL would sync the log at checkpoints only.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("journal_size_limit", LOG_BYTES.to_string());
        let connection = options.connect().await.map_err(|error| classify::database(&error, path))?;
        Ok(Writer { connection, path: path.to_owned(), transactions })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a transaction that is sure to become the writer, if anybody does.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.execute(sqlx::query("BEGIN IMMEDIATE")).await.map(drop)
    }

    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.execute(sqlx::query("COMMIT")).await?;
        self.count_transaction();
        Ok(())
    }

    pub(crate) fn count_transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    /// Undoes everything since `begin`. After a full disk SQLite may have done so on its own; that refusal says nothing.
    pub(crate) async fn rollback(&mut self) {
        let _ = self.execute(sqlx::query("ROLLBACK")).await;
    }

    /// Runs one statement and tells how many rows it changed.
    pub(crate) async fn execute(&mut self, query: Query) -> Result<u64> {
        let done = query.execute(&mut self.connection).await;
        Ok(done.map_err(|error| classify::database(&error, &self.path))?.rows_affected())
    }

    /// Runs one statement that gives at most one row.
    pub(crate) async fn row(&mut self, query: Query) -> Result<Option<Row>> {
        // INVARIANT: it is run to its end. A statement without a transaction around it commits there, and whoever left with
        // the first row would never hear that a full disk refused it.
        let rows = query.fetch_all(&mut self.connection).await;
        Ok(rows.map_err(|error| classify::database(&error, &self.path))?.into_iter().next())
    }

    /// Runs a script of several statements.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<()> {
        let done = sqlx::raw_sql(sql).execute(&mut self.connection).await;
        done.map(drop).map_err(|error| classify::database(&error, &self.path))
    }

    /// Runs a write that carries the lease check in its own statement: no row means that the lease is lost.
    pub(crate) async fn put(&mut self, lease: Lease, query: Query) -> Result<()> {
        match self.execute(query).await? {
            0 => Err(lease_lost(lease)),
            _ => Ok(()),
        }
    }

    /// Runs a delete that carries the lease check in its own statement. No row means that there was nothing, or that the
    /// lease is lost; the second look is inside the same transaction, so nothing can come between.
    pub(crate) async fn forget(&mut self, lease: Lease, query: Query) -> Result<()> {
        if self.execute(query).await? == 0 {
            let held = sqlx::query("SELECT 1 FROM lease WHERE account = $1 AND epoch = $2");
            let held = self.row(held.bind(lease.account.0).bind(lease.epoch)).await?;
            held.ok_or_else(|| lease_lost(lease))?;
        }
        Ok(())
    }

    pub(crate) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(path = %self.path.display(), %error, "the state did not close cleanly; nothing is lost");
        }
    }
}

/// Connections that read while the writer writes.
#[derive(Clone)]
pub(crate) struct Readers {
    pool: sqlx::SqlitePool,
    path: PathBuf,
}

impl Readers {
    pub(crate) async fn open(path: &Path) -> Result<Readers> {
        let options = common(path).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
        // Without these two nothing looks after idle connections in the background. What does so in sqlx 0.9 counts them by a number
        // that may wrap around for an instant, and then goes through its loop for ever: a process that had done its work did not end.
        let pool = pool.idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await.map_err(|error| classify::database(&error, path))?;
        Ok(Readers { pool, path: path.to_owned() })
    }

    pub(crate) async fn rows(&self, query: Query) -> Result<Vec<Row>> {
        query.fetch_all(&self.pool).await.map_err(|error| classify::database(&error, &self.path))
    }

    /// Reads all rows of a query, each by `read`.
    pub(crate) async fn all<T>(&self, query: Query, read: impl Fn(&Fields<'_>) -> Result<T>) -> Result<Vec<T>> {
        let rows = self.rows(query).await?;
        rows.iter().map(|row| read(&Fields { row, path: &self.path })).collect()
    }

    pub(crate) async fn first<T>(&self, query: Query, read: impl Fn(&Fields<'_>) -> Result<T>) -> Result<Option<T>> {
        let row = query.fetch_optional(&self.pool).await.map_err(|error| classify::database(&error, &self.path))?;
        row.map(|row| read(&Fields { row: &row, path: &self.path })).transpose()
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A row whose columns are read in their order, and not believed.
pub(crate) struct Fields<'a> {
    row: &'a Row,
    path: &'a Path,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(row: &'a Row, path: &'a Path) -> Fields<'a> {
        Fields { row, path }
    }

    pub(crate) fn get<T>(&self, column: usize) -> Result<T>
    where
        T: sqlx::Decode<'a, Dialect> + sqlx::Type<Dialect>,
    {
        sqlx::Row::try_get(self.row, column).map_err(|error| classify::database(&error, self.path))
    }

    /// A number that was written from an unsigned one.
    pub(crate) fn unsigned(&self, column: usize) -> Result<u64> {
        Ok(self.get::<i64>(column)?.cast_unsigned())
    }

    pub(crate) fn small(&self, column: usize) -> Result<u32> {
        u32::try_from(self.get::<i64>(column)?).map_err(|_| self.damaged(codec::Damage("number out of range")))
    }

    pub(crate) fn blob<T>(&self, column: usize, read: fn(&[u8]) -> Result<T, codec::Damage>) -> Result<T> {
        read(self.get::<&[u8]>(column)?).map_err(|damage| self.damaged(damage))
    }

    pub(crate) fn maybe_unsigned(&self, column: usize) -> Result<Option<u64>> {
        Ok(self.get::<Option<i64>>(column)?.map(i64::cast_unsigned))
    }

    pub(crate) fn maybe_blob<T>(
        &self,
        column: usize,
        read: fn(&[u8]) -> Result<T, codec::Damage>,
    ) -> Result<Option<T>> {
        let blob = self.get::<Option<&[u8]>>(column)?;
        blob.map(read).transpose().map_err(|damage| self.damaged(damage))
    }

    /// Says whose row is damaged by the name of its first column: queries name it after what they read.
    pub(crate) fn damaged(&self, damage: codec::Damage) -> Error {
        let columns = sqlx::Row::columns(self.row);
        let table = columns.first().map_or("row", |column| sqlx::Column::name(column));
        classify::damage(damage, table, self.path)
    }
}

/// Whose address it is, who asked knows.
fn lease_lost(lease: Lease) -> Error {
    Error::new(Code::LeaseLost, Scope::Account, Retry::Soon).with("number", lease.account.0)
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", format!("-{CACHE_KIB}"))
        .disable_statement_logging()
}

/// Sealed or not, the state is nobody else's to read. SQLite gives its log files the mode of the database.
fn create_private(path: &Path) -> Result<()> {
    let failed = |error: std::io::Error| classify::file(&error, path);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700)).map_err(failed)?;
    }
    Ok(())
}
