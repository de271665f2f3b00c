//! The lab's IMAP server through clients that others wrote: Python's imaplib and mbsync.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use parom_domain::{FolderPath, InternalDate};
use parom_lab::server::{Config, Hands, LabServer};
use std::path::Path;
use std::process::Command;

/// Runs a program that may be missing: `None`, said loudly, if so. Under CI a missing one is a failure.
async fn run(mut command: Command) -> Option<std::process::Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    if output.is_err() {
        assert!(std::env::var_os("CI").is_none(), "{program} is needed to run this test");
        eprintln!("SKIPPED: {program} is not installed, so this test proved nothing");
    }
    output.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imaplib_is_served_correctly() {
    let server = LabServer::start(Config::default().with_account("alice")).await.unwrap();
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imaplib_session.py"));
    python.arg(server.addr().port().to_string()).env("TZ", "UTC");
    if let Some(output) = run(python).await {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mbsync_copies_a_mailbox_once() {
    let far = LabServer::start(Config::default().with_account("alice")).await.unwrap();
    let near =
        LabServer::start(Config { first_validity: 5000, ..Config::default() }.with_account("alice")).await.unwrap();
    let (far_hands, near_hands) = (far.mailbox("alice").unwrap(), near.mailbox("alice").unwrap());
    let folders = ["INBOX", "Заказы 2024", "Заказы 2024/№ 1"].map(|name| FolderPath::new(name.split('/')).unwrap());
    for (at, folder) in folders.iter().enumerate() {
        for n in 0..40 * (at + 1) {
            let mail = format!("Message-ID: <{at}.{n}@corp.example>\r\nSubject: {n}\r\n\r\nbody {n}\r\n");
            let date = InternalDate { unix_s: 1_700_000_000 + n as i64, offset_min: 180 };
            far_hands.add(folder, mail, &["\\Seen"], date).unwrap();
        }
    }
    let dir = std::env::temp_dir().join(format!("parom-lab-mbsync-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let account = |name: &str, server: &LabServer| {
        let port = server.addr().port();
        format!(
            "IMAPStore {name}\nHost 127.0.0.1\nPort {port}\nUser alice\nPass alice\nSSLType None\nAuthMechs LOGIN\n\n"
        )
    };
    let channel = "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nCopyArrivalDate yes\nSyncState ";
    let config = [account("far", &far), account("near", &near), format!("{channel}{}/\n", dir.display())].concat();
    let config_file = dir.join("mbsyncrc");
    std::fs::write(&config_file, config).unwrap();
    let mbsync = || {
        let mut mbsync = Command::new("mbsync");
        mbsync.arg("-c").arg(&config_file).arg("-a");
        mbsync
    };
    let first = run(mbsync()).await;
    let before = (near_hands.changes(), far_hands.changes());
    let second = run(mbsync()).await;
    let after = (near_hands.changes(), far_hands.changes());
    std::fs::remove_dir_all(&dir).unwrap();
    let (Some(first), Some(second)) = (first, second) else { return };
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(near_hands.folders(), folders);
    for folder in &folders {
        assert_eq!(dates_and_flags(&near_hands, folder), dates_and_flags(&far_hands, folder), "{folder}");
    }
    assert_eq!(before, after, "a second run changes nothing");
}

/// mbsync adds a header of its own, so the bytes differ.
fn dates_and_flags(hands: &Hands, folder: &FolderPath) -> Vec<(i64, Vec<String>)> {
    hands.messages(folder).into_iter().map(|seen| (seen.date.unix_s, seen.flags)).collect()
}
