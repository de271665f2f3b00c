//! Measures the layout of the state: `cargo run --release -p parom-store --example state_layout [FOLDER]`.
//!
//! The numbers of `docs/decisions/002-state-layout.md` come from here. A row per link is measured beside our chunks, by
//! the same library, with the same settings and in the same folder.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

use parom_domain::link::{CHUNK, Link, LinkTable};
use parom_domain::state::{Appending, Change, FolderId, FolderPair, Intent, Lease, Work};
use parom_domain::{Both, Fingerprint, FolderPath, Marks, Side, Uid};
use parom_store::{MasterKey, NewAccount, Store};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::Instant;

const MESSAGES: u32 = 200_000;
const BATCH: u32 = 64;
const ACCOUNTS: u32 = 50;
const BATCHES: u32 = 40;

#[tokio::main]
async fn main() {
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => tempfile::tempdir_in(folder).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    println!("{:<58}{:>12}{:>12}", "", "chunks", "rows");
    let (chunks, rows) = (Chunks::open(folder.path()).await, Rows::open(folder.path()).await);
    first_copy(chunks, rows, folder.path()).await;
    many_accounts(folder.path()).await;
}

/// One mailbox: batch by batch, an intent before and its settling after, as the engine does.
async fn first_copy(chunks: Chunks, mut rows: Rows, folder: &Path) {
    let ours = Gauge::start();
    chunks.copy(MESSAGES / BATCH, true).await;
    let ours = ours.stop();
    let theirs = Gauge::start();
    rows.copy(MESSAGES / BATCH).await;
    let theirs = theirs.stop();
    let commits = f64::from(MESSAGES / BATCH * 2);
    line("copy, batches of 64: commits a second", commits / ours.wall_s, commits / theirs.wall_s);
    let per_message = |gauge: &Gauge| gauge.cpu_s * 1e6 / f64::from(MESSAGES);
    line("copy, batches of 64: CPU a message, us", per_message(&ours), per_message(&theirs));
    let per_message = |gauge: &Gauge| gauge.written as f64 / f64::from(MESSAGES);
    line("copy, batches of 64: bytes written a message", per_message(&ours), per_message(&theirs));

    let ours = Gauge::start();
    chunks.store.links(chunks.lease.account, FolderId(1)).await.unwrap();
    let ours = ours.stop();
    let theirs = Gauge::start();
    rows.load().await;
    let theirs = theirs.stop();
    line("read 200,000 links: ms", ours.wall_s * 1e3, theirs.wall_s * 1e3);

    let ours = Gauge::start();
    let table = LinkTable::from_chunks(chunks.store.links(chunks.lease.account, FolderId(1)).await.unwrap());
    let ours = ours.stop();
    let theirs = Gauge::start();
    let again = LinkTable::from_chunks(rows.load().await);
    let theirs = theirs.stop();
    assert_eq!((table.len(), again.len()), (200_000, 200_000));
    line("the same into a table: ms", ours.wall_s * 1e3, theirs.wall_s * 1e3);

    let ours = Gauge::start();
    let counts = chunks.store.folder_counts(chunks.lease.account).await.unwrap();
    let ours = ours.stop();
    let theirs = Gauge::start();
    let counted = rows.count().await;
    let theirs = theirs.stop();
    assert_eq!((counts.iter().map(|(_, counts)| counts.linked).sum::<u64>(), counted), (200_000, 200_000));
    line("count 200,000 links: ms", ours.wall_s * 1e3, theirs.wall_s * 1e3);

    let ours = Gauge::start();
    let mut marked = table;
    chunks.mark_every(&mut marked, 20).await;
    let ours = ours.stop();
    let theirs = Gauge::start();
    rows.mark_every(20).await;
    let theirs = theirs.stop();
    line("change the marks of every 20th message: ms", ours.wall_s * 1e3, theirs.wall_s * 1e3);

    chunks.store.close().await;
    rows.connection.close().await.unwrap();
    let size = |name: &str| std::fs::metadata(folder.join(name)).unwrap().len() as f64 / f64::from(MESSAGES);
    line("bytes a message on disk", size("chunks.db"), size("rows.db"));
}

/// Many first copies at once share the waits for the disk.
async fn many_accounts(folder: &Path) {
    let store = Store::open(&folder.join("many.db"), key()).await.unwrap();
    let mut all = Vec::new();
    for at in 0..ACCOUNTS {
        all.push(Chunks::account(&store, &format!("{at}@corp.example")).await);
    }
    for (name, at_once) in [("one after another", 1), ("all at once", ACCOUNTS)] {
        let before = store.transactions();
        let gauge = Gauge::start();
        let mut tasks = Vec::new();
        for part in all.chunks((ACCOUNTS / at_once) as usize) {
            let part = part.to_vec();
            tasks.push(tokio::spawn(async move {
                for one in part {
                    one.copy(BATCHES, false).await;
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let gauge = gauge.stop();
        let commits = f64::from(ACCOUNTS * BATCHES * 2);
        let shared = commits / (store.transactions() - before) as f64;
        println!(
            "50 accounts {name}: {:.0} commits a second, {shared:.1} to a transaction, {:.0} us CPU a commit, {:.1} KB written a commit",
            commits / gauge.wall_s,
            gauge.cpu_s * 1e6 / commits,
            gauge.written as f64 / 1e3 / commits
        );
    }
    store.close().await;
}

fn line(what: &str, ours: f64, theirs: f64) {
    println!("{what:<58}{ours:>12.1}{theirs:>12.1}");
}

fn key() -> MasterKey {
    MasterKey::from_base64("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap()
}

fn link(uid: u32) -> Link {
    let uids = Both::new(Uid::new(uid), Uid::new(uid));
    // As fingerprints are: without any pattern.
    let short = u64::from(uid).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    Link { uids, base: Marks::from_system(1), short, size: 2000 + uid % 30_000 }
}

fn intent(id: u64, first: u32) -> Intent {
    let items = (first..first + BATCH).map(|uid| Appending {
        origin: Uid::new(uid).unwrap(),
        fingerprint: Fingerprint::of_headers(&uid.to_le_bytes()),
        len: 12_000,
        content: 0,
        marks: Marks::from_system(1),
    });
    let work =
        Work::Append { folder: FolderId(1), into: Side::Target, validity: 1, floor: Uid::MIN, items: items.collect() };
    Intent { id, at_ms: 0, work }
}

/// The layout of the store.
#[derive(Clone)]
struct Chunks {
    store: Store,
    lease: Lease,
}

impl Chunks {
    async fn open(folder: &Path) -> Chunks {
        let store = Store::open(&folder.join("chunks.db"), key()).await.unwrap();
        Chunks::account(&store, "a@corp.example").await
    }

    async fn account(store: &Store, address: &str) -> Chunks {
        let new = NewAccount {
            address: address.to_owned(),
            source_login: String::new(),
            target_login: String::new(),
            domain: String::new(),
        };
        let account = store.add_account(new).await.unwrap().unwrap();
        let lease = store.acquire(account.id, "bench", 0, 1).await.unwrap().unwrap();
        let pair = FolderPair {
            id: FolderId(1),
            paths: Both::from_fn(|_| Some(FolderPath::inbox())),
            role: None,
            cursors: Both::default(),
            mailbox_ids: Both::default(),
            subscribed: true,
            missing_since_ms: Both::default(),
            hides: Both::default(),
        };
        store.commit(&lease, vec![Change::PutFolder(pair)]).await.unwrap();
        Chunks { store: store.clone(), lease }
    }

    async fn copy(&self, batches: u32, all: bool) {
        let mut table = LinkTable::new();
        for batch in 0..batches {
            let first = batch * BATCH + 1;
            let id = u64::from(batch);
            self.store.commit(&self.lease, vec![Change::OpenIntent(intent(id, first))]).await.unwrap();
            for uid in first..first + BATCH {
                table.insert(link(uid));
            }
            let mut changes = vec![Change::CloseIntent(id)];
            changes.extend(put(&mut table));
            self.store.commit(&self.lease, changes).await.unwrap();
        }
        assert!(!all || table.len() == MESSAGES as usize);
    }

    async fn mark_every(&self, table: &mut LinkTable, step: usize) {
        let slots: Vec<_> = table.iter().map(|(slot, _)| slot).step_by(step).collect();
        slots.into_iter().for_each(|slot| table.set_base(slot, Marks::from_system(5)));
        self.store.commit(&self.lease, put(table).collect()).await.unwrap();
    }
}

fn put(table: &mut LinkTable) -> impl Iterator<Item = Change> {
    let dirty = table.take_dirty().into_iter();
    dirty.map(|(chunk, links)| Change::PutLinks { folder: FolderId(1), chunk, links })
}

/// The layout it is compared with: a row for each link.
struct Rows {
    connection: SqliteConnection,
}

impl Rows {
    async fn open(folder: &Path) -> Rows {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("rows.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut connection = options.connect().await.unwrap();
        let sql = "
            CREATE TABLE link (account INTEGER, folder INTEGER, source INTEGER, target INTEGER, marks INTEGER,
                short INTEGER, size INTEGER, PRIMARY KEY (account, folder, source)) WITHOUT ROWID;
            CREATE UNIQUE INDEX link_target ON link (account, folder, target);
            CREATE TABLE intent (account INTEGER, id INTEGER, body BLOB, PRIMARY KEY (account, id))";
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        Rows { connection }
    }

    async fn copy(&mut self, batches: u32) {
        for batch in 0..batches {
            let first = batch * BATCH + 1;
            let body = vec![7u8; BATCH as usize * 29];
            let query = sqlx::query("INSERT INTO intent VALUES (1, $1, $2)").bind(batch).bind(body);
            query.execute(&mut self.connection).await.unwrap();
            let mut transaction = self.connection.begin().await.unwrap();
            let query = sqlx::query("DELETE FROM intent WHERE account = 1 AND id = $1").bind(batch);
            query.execute(&mut *transaction).await.unwrap();
            for uid in first..first + BATCH {
                let link = link(uid);
                let query = sqlx::query("INSERT INTO link VALUES (1, 1, $1, $1, $2, $3, $4)")
                    .bind(uid)
                    .bind(link.base.system())
                    .bind(link.short.cast_signed())
                    .bind(link.size);
                query.execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
        }
    }

    async fn load(&mut self) -> Vec<(u32, Vec<Option<Link>>)> {
        let sql = "SELECT source, target, marks, short, size FROM link WHERE account = 1 AND folder = 1";
        let rows = sqlx::query(sql).fetch_all(&mut self.connection).await.unwrap();
        let links: Vec<_> = rows
            .iter()
            .map(|row| {
                Some(Link {
                    uids: Both::new(Uid::new(row.get(0)), Uid::new(row.get(1))),
                    base: Marks::from_system(row.get(2)),
                    short: row.get::<i64, _>(3).cast_unsigned(),
                    size: row.get(4),
                })
            })
            .collect();
        (0..).zip(links.chunks(CHUNK).map(<[_]>::to_vec)).collect()
    }

    async fn count(&mut self) -> i64 {
        let sql = "SELECT COUNT(*) FROM link WHERE account = 1 AND folder = 1";
        sqlx::query(sql).fetch_one(&mut self.connection).await.unwrap().get(0)
    }

    async fn mark_every(&mut self, step: usize) {
        let mut transaction = self.connection.begin().await.unwrap();
        for uid in (1..=MESSAGES).step_by(step) {
            let query = sqlx::query("UPDATE link SET marks = 5 WHERE account = 1 AND folder = 1 AND source = $1");
            query.bind(uid).execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

/// Wall time, CPU time of this process, and what it has handed to files.
struct Gauge {
    started: Instant,
    wall_s: f64,
    cpu_s: f64,
    written: u64,
}

impl Gauge {
    fn start() -> Gauge {
        Gauge { started: Instant::now(), wall_s: 0.0, cpu_s: cpu_s(), written: written() }
    }

    fn stop(mut self) -> Gauge {
        self.wall_s = self.started.elapsed().as_secs_f64();
        self.cpu_s = cpu_s() - self.cpu_s;
        self.written = written() - self.written;
        self
    }
}

/// User and system time in seconds (proc(5): fields 14 and 15 of `stat`, in hundredths).
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string(PathBuf::from("/proc/self/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// Bytes given to `write` (proc(5): `wchar` of `io`).
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}
