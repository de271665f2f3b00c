//! The simulated Exchange through mail programs that others wrote: without its faults they copy from it once and then rest.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use parom_domain::{FolderPath, InternalDate};
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Quirks, Version};
use parom_lab::server::{Config, Hands, LabServer};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory that is gone when the test is over, however it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("parom-lab-exchange-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a program that may be missing: `None`, said loudly, if so. Under CI a missing one is a failure.
async fn run(mut command: Command) -> Option<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    if output.is_err() {
        assert!(std::env::var_os("CI").is_none(), "{program} is needed to run this test");
        eprintln!("SKIPPED: {program} is not installed, so this test proved nothing");
    }
    output.ok()
}

fn path(segments: &[&str]) -> FolderPath {
    FolderPath::new(segments.iter().copied()).unwrap()
}

const FOLDERS: [&[&str]; 4] = [&["INBOX"], &["Отправленные"], &["Заказы 2024"], &["Заказы 2024", "№ 1"]];

/// Alice's mailbox with 30 messages in each of some folders.
async fn exchange(version: Version) -> ExchangeServer {
    let mut config = ExchangeConfig::new(version).with(Person::new("alice").speaking(Language::Russian));
    config = config.with(Person::new("svc"));
    config.quirks = Quirks::none();
    let exchange = ExchangeServer::start(config).await.unwrap();
    exchange.grant("svc", "alice");
    let hands = exchange.mailbox("alice").unwrap();
    for (at, folder) in FOLDERS.iter().enumerate() {
        for n in 0..30 {
            let mail = format!(
                "Message-ID: <{at}.{n}@corp.example>\r\nFrom: a@corp.example\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\
                 Subject: {n}\r\n\r\nbody {n}\r\n"
            );
            let date = InternalDate { unix_s: 1_700_000_000 + n, offset_min: 180 };
            let flags: &[&str] = if n % 3 == 0 { &["\\Seen"] } else { &["\\Flagged", "\\Seen"] };
            hands.add(&path(folder), mail, flags, date).unwrap();
        }
    }
    exchange
}

fn dates_and_flags(hands: &Hands, folder: &FolderPath) -> Vec<(i64, Vec<String>)> {
    hands.messages(folder).into_iter().map(|seen| (seen.date.unix_s, seen.flags)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mbsync_copies_once_and_rests() {
    for version in Version::ALL {
        let far = exchange(version).await;
        let near = LabServer::start(Config::default().with_account("alice")).await.unwrap();
        let (far_hands, near_hands) = (far.mailbox("alice").unwrap(), near.mailbox("alice").unwrap());
        let dir = Scratch::new(&format!("mbsync-{}", version.year()));
        let account = |name: &str, port: u16, user: &str, password: &str| {
            format!(
                "IMAPStore {name}\nHost 127.0.0.1\nPort {port}\nUser {user}\nPass {password}\nSSLType None\n\
                 AuthMechs LOGIN\n\n"
            )
        };
        let config = [
            account("far", far.addr().port(), "CORP/svc/alice", "svc"),
            account("near", near.addr().port(), "alice", "alice"),
            "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nCopyArrivalDate yes\nSyncState ".to_owned(),
            format!("{}/\n", dir.0.display()),
        ];
        let config = dir.write("mbsyncrc", &config.concat());
        let mbsync = || {
            let mut mbsync = Command::new("mbsync");
            mbsync.arg("-c").arg(&config).arg("-a");
            mbsync
        };
        let first = run(mbsync()).await;
        let before = (near_hands.changes(), far_hands.changes(), far.count("UID FETCH"));
        let second = run(mbsync()).await;
        let (Some(first), Some(second)) = (first, second) else { return };
        for output in [first, second] {
            assert!(output.status.success(), "{version:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        for folder in FOLDERS {
            let copied = dates_and_flags(&near_hands, &path(folder));
            assert_eq!(copied.len(), 30);
            assert_eq!(copied, dates_and_flags(&far_hands, &path(folder)), "{version:?} {folder:?}");
        }
        assert_eq!((near_hands.changes(), far_hands.changes()), (before.0, before.1), "{version:?}");
        assert!(far.count("UID FETCH") > before.2, "the second run looked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offlineimap_copies_once_and_rests() {
    for version in [Version::E2010, Version::E2016] {
        let far = exchange(version).await;
        let hands = far.mailbox("alice").unwrap();
        let dir = Scratch::new(&format!("offlineimap-{}", version.year()));
        let base = dir.0.display();
        let config = format!(
            "[general]\naccounts = a\nmetadata = {base}/state\nui = quiet\nfsync = false\n\n\
             [Account a]\nlocalrepository = near\nremoterepository = far\n\n\
             [Repository near]\ntype = Maildir\nlocalfolders = {base}/mail\n\n\
             [Repository far]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {}\nremoteuser = CORP/svc/alice\n\
             remotepass = svc\nssl = no\nstarttls = no\nauth_mechanisms = LOGIN\nmaxconnections = 2\n",
            far.addr().port()
        );
        let config = dir.write("offlineimaprc", &config);
        let offlineimap = || {
            let mut offlineimap = Command::new("offlineimap");
            offlineimap.arg("-c").arg(&config).arg("-o").env("HOME", &dir.0);
            offlineimap
        };
        let first = run(offlineimap()).await;
        let changes = hands.changes();
        let copied = files(&dir.0.join("mail"));
        let second = run(offlineimap()).await;
        let (Some(first), Some(second)) = (first, second) else { return };
        for output in [first, second] {
            let words = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{version:?}: {}", String::from_utf8_lossy(&words));
        }
        assert_eq!(copied.len(), 30 * FOLDERS.len(), "{version:?}");
        assert_eq!(files(&dir.0.join("mail")), copied, "the second run changed something");
        assert_eq!(hands.changes(), changes);
    }
}

/// The messages of a Maildir tree, sorted.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.parent().is_some_and(|parent| parent.ends_with("cur") || parent.ends_with("new")) {
            found.push(path);
        }
    }
    found.sort();
    found
}
