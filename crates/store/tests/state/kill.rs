//! A kill: whatever `commit` has acknowledged is there afterwards, whole.

use crate::samples::*;
use parom_domain::state::{Change, FolderId};
use parom_store::Store;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const PATH: &str = "PAROM_TEST_STATE";

/// Not a test of its own: the process that is killed. It tells every commit once that has returned.
#[tokio::test]
#[ignore = "started by acknowledged_commits_survive_a_kill"]
async fn commits_until_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = Store::open(path.as_ref(), key()).await.unwrap();
    let lease = leased(&store, &format!("{}@corp.example", std::process::id())).await;
    store.commit(&lease, vec![Change::PutFolder(pair(1))]).await.unwrap();
    println!("\naccount {}", lease.account.0);
    for chunk in 0..100_000u32 {
        // Two changes: after the kill there are both or none.
        let changes = vec![
            Change::PutLinks { folder: FolderId(1), chunk, links: links(1..65) },
            Change::OpenIntent(append(u64::from(chunk), 1)),
        ];
        store.commit(&lease, changes).await.unwrap();
        println!("done {chunk}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn acknowledged_commits_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parom.db");
    for kill_after in [0, 1, 2, 3, 50, 351] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "kill::commits_until_killed", "--nocapture"])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut account = None;
        let mut done = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(number) = line.strip_prefix("account ") {
                account = Some(parom_domain::state::AccountId(number.parse().unwrap()));
            } else if let Some(number) = line.strip_prefix("done ") {
                done = Some(number.parse::<u32>().unwrap());
                if done == Some(kill_after) {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        let (account, done) = (account.unwrap(), done.unwrap());
        assert!(done >= kill_after);

        // The lock has gone with its process.
        let store = Store::open(&path, key()).await.unwrap();
        let stored = store.links(account, FolderId(1)).await.unwrap();
        let intents = store.load(account).await.unwrap().intents;
        assert!(stored.len() as u32 > done, "{done} was acknowledged, {} are there", stored.len());
        assert!(stored.iter().zip(0..).all(|((chunk, stored), at)| *chunk == at && *stored == links(1..65)));
        assert_eq!(intents.len(), stored.len(), "each commit whole");
        store.close().await;
    }
}
