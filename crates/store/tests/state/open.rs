//! Opening: one process at a time, readers beside it, and every bad state met with its own code.

use crate::samples::*;
use parom_domain::state::FolderPair;
use parom_domain::{Both, Code};
use parom_store::Store;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

async fn refusal(path: &Path) -> parom_domain::Error {
    Store::open(path, key()).await.err().unwrap()
}

#[tokio::test]
async fn the_second_process_is_told_who_is_there() {
    let state = State::new().await;
    let error = refusal(&state.path()).await;
    assert_eq!(error.code(), Code::StateLocked);
    assert_eq!(error.arg("pid"), Some(std::process::id().to_string().as_str()));
    state.store.close().await;
    Store::open(&state.path(), key()).await.unwrap();
}

#[tokio::test]
async fn a_reader_looks_on_while_another_works_and_writes_nothing() {
    let state = State::new().await;
    let reader = Store::open_read(&state.path(), key()).await.unwrap();
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    assert_eq!(picture(&reader, lease.account).await, picture(&state.store, lease.account).await);
    assert_eq!(reader.commit(&lease, filled()).await.unwrap_err().code(), Code::StateUnavailable);
    assert_eq!(reader.add_account(new_account("b")).await.unwrap_err().code(), Code::StateUnavailable);
    reader.close().await;
    state.store.close().await;
    // Nobody works now: the log is gone, and reading goes on.
    let reader = Store::open_read(&state.path(), key()).await.unwrap();
    assert_eq!(reader.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parom.db");
    assert_eq!(Store::open_read(&path, key()).await.err().unwrap().code(), Code::StateUnavailable);
    assert!(!path.exists());
    assert_eq!(refusal(&folder.path().join("missing/parom.db")).await.code(), Code::StateUnavailable);
    std::fs::write(&path, "").unwrap();
    assert_eq!(Store::open_read(&path, key()).await.err().unwrap().code(), Code::StateUnavailable);
}

#[tokio::test]
async fn an_older_state_is_brought_up_to_date_and_keeps_what_it_has() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    state.store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(state.path());
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let undo = "DROP TABLE calendar_link; DROP TABLE calendar_summary; DROP TABLE calendar; DROP TABLE event_suspected; DROP TABLE event; DROP TABLE event_intent; DROP TABLE event_parked; DROP TABLE event_archived; DROP TABLE event_deletion; DROP TABLE stray; ALTER TABLE folder DROP COLUMN source_hides; ALTER TABLE folder DROP COLUMN target_hides; DROP TABLE pace; ALTER TABLE account DROP COLUMN priority; ALTER TABLE account DROP COLUMN mailbox_database; DROP TABLE proof; DROP TABLE refusal; DROP TABLE person; ALTER TABLE account DROP COLUMN service_login; DROP TABLE deletion; ALTER TABLE summary ADD COLUMN linked BIGINT NOT NULL DEFAULT 7;
        DELETE FROM schema_version WHERE version > 2";
    sqlx::raw_sql(undo).execute(&mut other).await.unwrap();
    sqlx::Connection::close(other).await.unwrap();

    let error = Store::open_read(&state.path(), key()).await.err().unwrap();
    assert_eq!(error.code(), Code::StateUnavailable, "who only reads changes no tables");
    let store = Store::open(&state.path(), key()).await.unwrap();
    let loaded = store.load(lease.account).await.unwrap();
    let kept = FolderPair { hides: Both::default(), ..pair(1) };
    assert_eq!((loaded.folders, loaded.deleted), (vec![kept], vec![]));
    assert_eq!(store.summaries().await.unwrap(), [(lease.account, summary(10))]);
    store.commit(&lease, one_of_each()).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_newer_state_is_refused_and_left_alone() {
    let state = State::new().await;
    state.store.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(state.path());
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("INSERT INTO schema_version (version) VALUES (900)").execute(&mut other).await.unwrap();
    sqlx::Connection::close(other).await.unwrap();
    let before = std::fs::read(state.path()).unwrap();
    for error in [refusal(&state.path()).await, Store::open_read(&state.path(), key()).await.err().unwrap()] {
        assert_eq!(error.code(), Code::StateNewer);
        assert_eq!((error.arg("found"), error.arg("known")), (Some("900"), Some("13")));
    }
    assert_eq!(std::fs::read(state.path()).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_state_is_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parom.db");
    std::fs::write(&path, "From nobody\n".repeat(1000)).unwrap();
    assert_eq!(refusal(&path).await.code(), Code::StateDamaged);
    assert_eq!(Store::open_read(&path, key()).await.err().unwrap().code(), Code::StateDamaged);
}

#[tokio::test]
async fn a_page_or_a_blob_that_was_overwritten_is_called_damaged() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, filled()).await.unwrap();
    state.store.close().await;
    let sound = std::fs::read(state.path()).unwrap();

    // Somewhere in the middle of the links: SQLite does not notice, the blob's hash does.
    let blob: Vec<u8> = (100..103u8).flat_map(|at| [0xe1, 2, 2, 0, at, 0, 0, 0, 0, 0, at]).collect();
    let at = sound.windows(blob.len()).position(|window| window == blob).unwrap();
    let mut bytes = sound.clone();
    bytes[at + 4] ^= 4;
    std::fs::write(state.path(), &bytes).unwrap();
    let store = Store::open(&state.path(), key()).await.unwrap();
    let error = store.links(lease.account, parom_domain::state::FolderId(1)).await.unwrap_err();
    assert_eq!((error.code(), error.scope()), (Code::StateDamaged, parom_domain::Scope::Account), "{error}");
    store.load(lease.account).await.unwrap();
    store.close().await;

    // All pages but the first: whatever is asked, the answer is an error and no panic.
    let mut bytes = sound;
    bytes[4096..].fill(0x5a);
    std::fs::write(state.path(), &bytes).unwrap();
    match Store::open(&state.path(), key()).await {
        Err(error) => assert_eq!(error.code(), Code::StateDamaged, "{error}"),
        Ok(store) => assert_eq!(store.load(lease.account).await.unwrap_err().code(), Code::StateDamaged),
    }
}

#[tokio::test]
async fn the_files_are_their_owners_alone() {
    let state = State::new().await;
    state.account("a@corp.example").await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = || std::fs::read_dir(state.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    assert!(files().count() >= 3, "database, log and lock");
    for file in files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    state.store.close().await;
    std::fs::set_permissions(state.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::open(&state.path(), key()).await.unwrap();
    assert_eq!(mode(&state.path()), 0o600);
    store.close().await;
}
