//! Mail that crosses between the simulated Exchange and a plain server, by the built binary.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use parom_domain::{FolderPath, InternalDate};
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Version};
use parom_lab::server::{Config, LabServer};
use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// An Exchange with a Russian mailbox behind a service account, a plain target, and the account between them.
struct Stage {
    folder: TempDir,
    exchange: ExchangeServer,
    target: LabServer,
    // Last, so that the servers end before what they run on.
    _runtime: Runtime,
}

const DATE: InternalDate = InternalDate { unix_s: 1_700_000_000, offset_min: 180 };

impl Stage {
    fn new(version: Version) -> Stage {
        Stage::of(version, &["anna".to_owned()])
    }

    fn of(version: Version, names: &[String]) -> Stage {
        let runtime = Runtime::new().unwrap();
        let mut people = ExchangeConfig::new(version).with(Person::new("svc"));
        people.people.extend(names.iter().map(|name| Person::new(name).speaking(Language::Russian)));
        let exchange = runtime.block_on(ExchangeServer::start(people)).unwrap();
        exchange.grant_all("svc");
        let accounts = names.iter().map(|name| (name.clone(), "pass".to_owned())).collect();
        let target = runtime.block_on(LabServer::start(Config { accounts, ..Config::default() })).unwrap();
        let stage = Stage { folder: tempfile::tempdir().unwrap(), exchange, target, _runtime: runtime };
        let side = |side: &str, port: u16, login: &str, password: &str| {
            format!(
                "[domain.{side}.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nlogin = \"{login}\"\npassword = \"{password}\"\n"
            )
        };
        let text = format!(
            "[[domain]]\nname = \"corp.example\"\ngrace_s = 0\n{}service_login = \"CORP/svc\"\nquirks = {{ index_lag_s = 1 }}\n{}",
            side("source", stage.exchange.addr().port(), "{service_login}/{source_login}", "secret:svc"),
            side("target", stage.target.addr().port(), "{target_login}", "account")
        );
        std::fs::write(stage.folder.path().join("parom.toml"), text).unwrap();
        std::fs::write(stage.folder.path().join("pw"), "pass").unwrap();
        std::fs::write(stage.folder.path().join("svc"), "svc").unwrap();
        let rows: String = names.iter().map(|name| format!("{name}@corp.example,pass\n")).collect();
        std::fs::write(stage.folder.path().join("users.csv"), format!("email,target_password\n{rows}")).unwrap();
        assert!(stage.run(&["import", "users.csv"]).status.success());
        assert!(stage.run(&["secret", "set", "svc", "--file", "svc"]).status.success());
        stage
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command.args(["--lang", "en"]).args(args).current_dir(self.folder.path());
        command.env_remove("PAROM_CONFIG").env_remove("PAROM_MASTER_KEY").stdin(Stdio::null()).output().unwrap()
    }

    fn sync(&self) -> Output {
        self.run(&["sync", "--all", "--until-settled"])
    }

    /// How often each token is in each folder of a side; folders without mail are left out.
    fn tokens(&self, hands: &parom_lab::server::Hands) -> BTreeMap<String, BTreeMap<String, usize>> {
        let mut all: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for (path, messages) in hands.snapshot() {
            for message in messages {
                *all.entry(path.to_string()).or_default().entry(token(&message.bytes)).or_default() += 1;
            }
        }
        all
    }
}

/// The subject.
fn token(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("?");
    subject.trim().to_owned()
}

fn mail(token: &str) -> Vec<u8> {
    format!(
        "From: anna@corp.example\r\nTo: boris@corp.example\r\nMessage-ID: <{token}@corp.example>\r\n\
         Date: Tue, 14 Nov 2023 22:13:20 +0300\r\nSubject: {token}\r\n\r\nThe text of {token}.\r\n"
    )
    .into_bytes()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn mail_crosses_from_every_version_and_back_and_then_all_is_still() {
    for version in [Version::E2010, Version::E2013, Version::E2016, Version::E2019] {
        let stage = Stage::new(version);
        let (here, there) = (stage.exchange.mailbox("anna").unwrap(), stage.target.mailbox("anna").unwrap());
        let sent = FolderPath::new(["Отправленные"]).unwrap();
        for at in 0..20 {
            here.add(&FolderPath::inbox(), mail(&format!("in{at}")), &["\\Seen"], DATE).unwrap();
            here.add(&sent, mail(&format!("out{at}")), &["\\Seen", "\\Answered"], DATE).unwrap();
        }
        there.add(&FolderPath::inbox(), mail("new"), &["\\Seen"], DATE).unwrap();
        let first = stage.sync();
        assert!(first.status.success(), "{version:?}: {}", told(&first));
        assert_eq!(stage.tokens(&here), stage.tokens(&there), "{version:?}");
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 21, "{version:?}");
        for item in ["Календарь", "Контакты", "Задачи", "Дневник", "Заметки", "Исходящие", "Черновики"]
        {
            assert!(!there.folders().contains(&FolderPath::new([item]).unwrap()), "{version:?}: {item}");
        }
        let before = (here.changes(), there.changes());
        let second = stage.sync();
        assert!(second.status.success(), "{version:?}: {}", told(&second));
        assert_eq!((here.changes(), there.changes()), before, "{version:?}: {}", told(&second));
        assert_eq!(stage.exchange.receipts(), []);
        assert_eq!(stage.exchange.tally().byes_for_errors, 0, "{version:?}");
    }
}

#[test]
fn what_exchange_cannot_convert_is_parked_and_comes_once_it_can() {
    // Shown as another text in a plain read; or left out of it, and shown only to who asks for it alone.
    for omitted in [false, true] {
        let stage = Stage::new(Version::E2016);
        let (here, there) = (stage.exchange.mailbox("anna").unwrap(), stage.target.mailbox("anna").unwrap());
        for name in ["before", "broken", "after"] {
            here.add(&FolderPath::inbox(), mail(name), &["\\Seen"], DATE).unwrap();
        }
        // A person forwarded such a text, and kept one as a message of its own.
        let kept = "Subject: Retrieval using the IMAP4 protocol failed for the following message:\r\n 4711\r\n\r\n\
                    The server couldn't retrieve the following message:\r\n";
        here.add(&FolderPath::inbox(), kept.as_bytes().to_vec(), &["\\Seen"], DATE).unwrap();
        stage.exchange.switch(|quirks| match omitted {
            true => quirks.omitted_when_wide.push("broken".into()),
            false => quirks.substitutes.push("broken".into()),
        });
        let first = stage.sync();
        assert!(first.status.success(), "{}", told(&first));
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 3, "{:?}", stage.tokens(&there));
        assert!(!stage.tokens(&there)["INBOX"].contains_key("broken"));
        let parked = told(&stage.run(&["parked"]));
        assert!(parked.contains(if omitted { "INBOX" } else { "another text in its place" }), "{parked}");
        assert_eq!(stage.tokens(&here)["INBOX"].len(), 4, "nothing is deleted for it");

        stage.exchange.switch(|quirks| {
            quirks.omitted_when_wide.clear();
            quirks.substitutes.clear();
        });
        assert!(stage.run(&["parked", "--retry"]).status.success());
        let second = stage.sync();
        assert!(second.status.success(), "{}", told(&second));
        assert_eq!(stage.tokens(&there)["INBOX"]["broken"], 1);
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 4);
    }
}

#[test]
fn a_throttle_is_ridden_out_and_its_pause_is_kept() {
    let stage = Stage::new(Version::E2013);
    let (here, there) = (stage.exchange.mailbox("anna").unwrap(), stage.target.mailbox("anna").unwrap());
    for at in 0..5 {
        here.add(&FolderPath::inbox(), mail(&format!("m{at}")), &["\\Seen"], DATE).unwrap();
    }
    stage.exchange.throttle("svc", Duration::from_millis(1500));
    let began = Instant::now();
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    assert!(began.elapsed() >= Duration::from_millis(1500), "{}", told(&synced));
    assert_eq!(stage.tokens(&there)["INBOX"].len(), 5);
    // One attempt told how long to wait; nobody asked again before.
    assert!(stage.exchange.tally().throttled <= 2, "{:?}", stage.exchange.tally());
}

#[test]
fn many_mailboxes_behind_one_service_account_stay_below_its_connections() {
    let names: Vec<String> = (0..24).map(|at| format!("person{at}")).collect();
    let stage = Stage::of(Version::E2016, &names);
    for name in &names {
        let here = stage.exchange.mailbox(name).unwrap();
        for at in 0..3 {
            here.add(&FolderPath::inbox(), mail(&format!("{name}-{at}")), &["\\Seen"], DATE).unwrap();
        }
    }
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    for name in &names {
        let there = stage.target.mailbox(name).unwrap();
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 3, "{name}");
    }
    let tally = stage.exchange.tally();
    assert!(tally.most_connections <= 16, "{tally:?}");
    assert_eq!((tally.refused_sign_ins, tally.byes_for_errors), (0, 0), "{tally:?}");
}
