//! A full disk: the error says so, nothing is half written, and work goes on once there is room.

use crate::samples::*;
use parom_domain::Code;
use parom_domain::state::{Change, FolderId, Lease};
use parom_store::Store;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// One link chunk a commit, until the disk is full. Tells how many were committed.
async fn fill(store: &Store, lease: &Lease) -> u32 {
    for chunk in 0..10_000 {
        let links = links(1..513);
        match store.commit(lease, vec![Change::PutLinks { folder: FolderId(1), chunk, links }]).await {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.code(), Code::StateFull, "{error:?}");
                return chunk;
            }
        }
    }
    panic!("the disk was never full");
}

/// What was acknowledged is there, and nothing else.
async fn holds(store: &Store, lease: &Lease, chunks: u32) {
    let stored = store.links(lease.account, FolderId(1)).await.unwrap();
    assert_eq!(stored.iter().map(|(chunk, _)| *chunk).collect::<Vec<_>>(), (0..chunks).collect::<Vec<_>>());
    assert!(stored.iter().all(|(_, stored)| *stored == links(1..513)));
}

/// A tmpfs of its own, unmounted with the test. `None` where we may not mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn skipped(test: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: mounting a small tmpfs needs root");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_heals() {
    let Some(disk) = SmallDisk::mount() else {
        return skipped("a_full_disk_loses_nothing_and_heals");
    };
    let path = disk.path().join("parom.db");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 300_000]).unwrap();
    let store = Store::open(&path, key()).await.unwrap();
    let lease = leased(&store, "a@corp.example").await;
    store.commit(&lease, vec![Change::PutFolder(pair(1))]).await.unwrap();
    let chunks = fill(&store, &lease).await;
    assert!(chunks > 5, "only {chunks} before the disk was full");
    holds(&store, &lease, chunks).await;
    // Still full, and still in order.
    let more = vec![Change::PutLinks { folder: FolderId(1), chunk: chunks, links: links(1..513) }];
    assert_eq!(store.commit(&lease, more.clone()).await.unwrap_err().code(), Code::StateFull);
    holds(&store, &lease, chunks).await;

    std::fs::remove_file(&ballast).unwrap();
    store.commit(&lease, more).await.unwrap();
    holds(&store, &lease, chunks + 1).await;
    store.close().await;
    let store = Store::open(&path, key()).await.unwrap();
    holds(&store, &lease, chunks + 1).await;
    store.close().await;
}

#[tokio::test]
async fn a_lease_that_a_full_disk_refuses_was_not_taken_by_another() {
    let Some(disk) = SmallDisk::mount() else {
        return skipped("a_lease_that_a_full_disk_refuses_was_not_taken_by_another");
    };
    let store = Store::open(&disk.path().join("parom.db"), key()).await.unwrap();
    let mut lease = leased(&store, "a@corp.example").await;
    store.commit(&lease, vec![Change::PutFolder(pair(1))]).await.unwrap();
    fill(&store, &lease).await;
    // There may be room for some small writes more.
    for now_ms in 0..10_000 {
        match store.acquire(lease.account, "test", now_ms, 60_000).await {
            Ok(taken) => lease = taken.unwrap(),
            Err(error) => {
                assert_eq!(error.code(), Code::StateFull, "{error:?}");
                return;
            }
        }
        if let Err(error) = store.renew(lease, now_ms, 60_000).await {
            assert_eq!(error.code(), Code::StateFull, "{error:?}");
        }
    }
    panic!("the disk was never full");
}

#[tokio::test]
async fn a_disk_that_is_full_from_the_start_is_told_as_such() {
    let Some(disk) = SmallDisk::mount() else {
        return skipped("a_disk_that_is_full_from_the_start_is_told_as_such");
    };
    // Leaves no room, one room for a page or two, and so on up to enough: each is an error that says so, or works.
    let mut opened = 0;
    for free in (0..400).step_by(8) {
        let ballast = disk.path().join("ballast");
        std::fs::write(&ballast, vec![0; (1024 - 4 - free) * 1024]).ok();
        let path = disk.path().join(format!("{free}.db"));
        match Store::open(&path, key()).await {
            Ok(store) => {
                opened += 1;
                store.close().await;
            }
            Err(error) => assert_eq!(error.code(), Code::StateFull, "{free} KiB free: {error:?}"),
        }
        for entry in std::fs::read_dir(disk.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
    assert!((1..50).contains(&opened), "{opened} of 50 opened");
}
