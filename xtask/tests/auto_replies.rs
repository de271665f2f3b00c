//! Automatic replies from a simulated Exchange to a real Dovecot with Pigeonhole, by the real binary. What came of it is read from
//! Dovecot's files and told by `sieve-test`, which sends nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use parom_lab::ews::{Config, Ews, Oof, User};
use parom_lab::exchange::Version;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xtask::live::dovecot::{Dovecot, Options};
use xtask::live::parom::{Parom, Run, Settings};
use xtask::live::tls::Validity;
use xtask::live::{Address, MASTER, MASTER_PASSWORD};

const FILTER: &str =
    "require \"fileinto\";\nif header :contains \"subject\" \"order\" { fileinto \"Orders\"; stop; }\n";

struct Stage {
    ews: Ews,
    dovecot: Dovecot,
    parom: Parom,
    folder: TempDir,
    // Last, so that the server ends before what it runs on.
    _runtime: Runtime,
}

impl Stage {
    /// Anna and Boris. `None` where there is no Pigeonhole to be tested against.
    fn of(options: Options) -> Option<Stage> {
        if !Dovecot::has_sieve() || !Parom::is_built() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "under CI=true nothing may be missing");
            eprintln!(
                "SKIPPED: Dovecot's Pigeonhole or the binary is missing (.ci/deps test, cargo build -p parom-app)"
            );
            return None;
        }
        let options = Options { sieve: options.sieve.or(Some(String::new())), ..options };
        let dovecot = Dovecot::start(options).unwrap();
        let runtime = Runtime::new().unwrap();
        let users = ["anna", "boris"].map(|name| User::new(&format!("{name}@corp.example"), name));
        let mut config = Config::new(Version::E2016);
        config.users.extend(users);
        let ews = runtime.block_on(Ews::start(config)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let parom =
            Parom::new(&folder.path().join("parom"), &settings(&ews, &dovecot, &plainly(&dovecot.sieve()))).unwrap();
        let stage = Stage { ews, dovecot, parom, folder, _runtime: runtime };
        stage.secret("svc@corp.example", "svc");
        for name in ["anna", "boris"] {
            stage.parom.add(name, name, name).unwrap();
        }
        Some(stage)
    }

    fn secret(&self, name: &str, value: &str) {
        let file = self.folder.path().join("secret");
        fs::write(&file, value).unwrap();
        self.parom.run(&["secret", "set", name, "--file", &file.to_string_lossy()]).unwrap().ok().unwrap();
    }

    /// Reaches the scripts otherwise.
    fn configure(&self, sieve: &str) {
        self.parom.configure(&settings(&self.ews, &self.dovecot, sieve)).unwrap();
    }

    fn set(&self, name: &str, change: impl FnOnce(&mut Oof)) {
        self.ews.outlook(&format!("{name}@corp.example")).set_oof(change).unwrap();
    }

    fn run(&self, words: &[&str]) -> Run {
        self.parom.run(&[&["oof", "copy"], words].concat()).unwrap()
    }

    fn copy(&self, words: &[&str]) -> String {
        self.run(words).ok().unwrap().stdout
    }

    /// What must fail: the code and what was said.
    fn fails(&self, words: &[&str]) -> (i32, String) {
        let run = self.run(words);
        (run.code.unwrap(), run.said())
    }

    /// Anna's or Boris's scripts by name.
    fn scripts(&self, name: &str) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.dovecot.home(name).join("sieve")).into_iter().flatten().flatten();
        let scripts = entries.filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().strip_suffix(".sieve")?.to_owned();
            Some((name, fs::read_to_string(entry.path()).unwrap()))
        });
        scripts.collect()
    }

    fn active(&self, name: &str) -> Option<String> {
        let link = fs::read_link(self.active_file(name)).ok()?;
        Some(link.file_name()?.to_string_lossy().strip_suffix(".sieve")?.to_owned())
    }

    fn active_file(&self, name: &str) -> PathBuf {
        self.dovecot.home(name).join(".dovecot.sieve")
    }

    /// Gives somebody an active script of their own, as a web mailer does.
    fn own(&self, name: &str, script: &str) {
        let home = self.dovecot.home(name);
        fs::create_dir_all(home.join("sieve")).unwrap();
        fs::write(home.join("sieve/mine.sieve"), script).unwrap();
        let _ = fs::remove_file(self.active_file(name));
        std::os::unix::fs::symlink("sieve/mine.sieve", self.active_file(name)).unwrap();
        let account = self.dovecot.account();
        account.own_all(&home.join("sieve")).unwrap();
        account.own(&home).unwrap();
    }

    /// What becomes of a message by this sender.
    fn receives(&self, name: &str, sender: &str, subject: &str) -> String {
        let message = format!(
            "From: <{sender}>\r\nTo: <{name}@corp.example>\r\nSubject: {subject}\r\nMessage-ID: <1@x>\r\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nHello\r\n"
        );
        self.dovecot.sieve_test(name, &format!("{name}@corp.example"), &self.active_file(name), &message).unwrap()
    }
}

fn plainly(address: &Address) -> String {
    format!("host = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nlogin = \"{{target_login}}\"\n", address.port)
}

fn settings(ews: &Ews, dovecot: &Dovecot, sieve: &str) -> Settings {
    let mut settings = Settings::new(dovecot.plain(), dovecot.plain());
    settings.source.extra = format!(
        "[domain.source.ews]\nurl = \"{}\"\nlogin = \"{{service_login}}\"\nservice_login = \"svc@corp.example\"\n\
         password = \"secret:{{service_login}}\"\n",
        ews.url()
    );
    if !sieve.is_empty() {
        settings.target.extra = format!("[domain.target.sieve]\n{sieve}");
    }
    settings
}

fn on(oof: &mut Oof) {
    oof.state = "Enabled".to_owned();
    oof.internal =
        "<html><body><p>Я в отпуске &mdash; до понедельника.</p><p>.</p><p>\"Пока\"</p></body></html>".to_owned();
    oof.external = "I am away.\r\nBack on Monday.".to_owned();
}

fn between(from_s: i64, until_s: i64) -> impl FnOnce(&mut Oof) {
    move |oof| {
        on(oof);
        let now_s = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        oof.state = "Scheduled".to_owned();
        (oof.from_s, oof.until_s) = (now_s + from_s, now_s + until_s);
    }
}

#[test]
fn a_reply_is_previewed_carried_and_given_and_an_idle_run_writes_nothing() {
    let Some(stage) = Stage::of(Options::default()) else { return };
    assert!(stage.copy(&["--all"]).contains("no automatic reply on the source"));
    stage.set("anna", on);
    let preview = stage.copy(&["anna@corp.example", "--dry-run"]);
    assert!(
        preview.contains("would be put on the target") && preview.contains("Я в отпуске — до понедельника."),
        "{preview}"
    );
    assert!(stage.scripts("anna").is_empty() && stage.active("anna").is_none(), "a preview writes nothing");

    assert!(stage.copy(&["anna@corp.example"]).contains("is on the target now"));
    assert_eq!(stage.active("anna").as_deref(), Some("parom-oof"));
    let inside = stage.receives("anna", "boris@corp.example", "Lunch");
    assert!(
        inside.contains("vacation") && inside.contains("Я в отпуске — до понедельника.\r\n.\r\n\"Пока\"")
            || inside.contains("Я в отпуске — до понедельника.\n.\n\"Пока\""),
        "{inside}"
    );
    let outside = stage.receives("anna", "carol@elsewhere.example", "Lunch");
    assert!(outside.contains("I am away.") && !outside.contains("отпуске"), "{outside}");

    let file = stage.dovecot.home("anna").join("sieve/parom-oof.sieve");
    let before = (fs::metadata(&file).unwrap().ino(), fs::metadata(&file).unwrap().mtime_nsec());
    assert!(stage.copy(&["--all"]).contains("anna@corp.example: the automatic reply is on the target as it should be"));
    let after = fs::metadata(&file).unwrap();
    assert_eq!((after.ino(), after.mtime_nsec()), before);

    stage.set("anna", |oof| oof.external = "<p>Gone fishing.</p>".to_owned());
    stage.copy(&["--all"]);
    assert!(stage.receives("anna", "carol@elsewhere.example", "Lunch").contains("Gone fishing."));
    for (audience, answered) in [("None", false), ("Known", false), ("All", true)] {
        stage.set("anna", |oof| oof.audience = audience.to_owned());
        let said = stage.copy(&["anna@corp.example"]);
        assert_eq!(said.contains("known_senders"), audience == "Known", "{said}");
        let outside = stage.receives("anna", "carol@elsewhere.example", "Lunch");
        assert_eq!(outside.contains("Gone fishing."), answered, "{audience}: {outside}");
        assert!(stage.receives("anna", "boris@corp.example", "Lunch").contains("отпуске"));
    }
    stage.configure(
        &(plainly(&stage.dovecot.sieve())
            + "known_senders = \"everybody\"\ninternal_domains = [\"Elsewhere.example\"]\n"),
    );
    stage.set("anna", |oof| oof.audience = "Known".to_owned());
    stage.copy(&["anna@corp.example"]);
    assert!(stage.receives("anna", "carol@elsewhere.example", "Lunch").contains("отпуске"));
    assert!(stage.receives("anna", "carol@third.example", "Lunch").contains("Gone fishing."));

    stage.set("anna", |oof| oof.state = "Disabled".to_owned());
    let json: serde_json::Value = serde_json::from_str(&stage.copy(&["anna@corp.example", "--json"])).unwrap();
    assert_eq!((&json["state"], &json["steps"]), (&"removed".into(), &serde_json::json!(["activate", "delete"])));
    assert!(stage.scripts("anna").is_empty() && stage.active("anna").is_none());
    assert_eq!(stage.ews.count("SetUserOofSettingsRequest"), 0, "the source is only read");
    assert!(stage.ews.outgoing().is_empty());
}

#[test]
fn a_schedule_holds_from_its_beginning_to_its_end() {
    for extensions in ["", "+vacation-seconds"] {
        let Some(stage) = Stage::of(Options { sieve: Some(extensions.to_owned()), ..Options::default() }) else {
            return;
        };
        const HOUR: i64 = 3600;
        for (from_s, until_s, answered) in [
            (-HOUR, 3 * HOUR, true),
            (HOUR, 5 * HOUR, false),
            (-40 * 24 * HOUR, 24 * HOUR, true),
            (24 * HOUR, 48 * HOUR, false),
        ] {
            stage.set("anna", between(from_s, until_s));
            let said = stage.copy(&["anna@corp.example"]);
            assert!(said.contains("UTC"), "{said}");
            let told = stage.receives("anna", "boris@corp.example", "Lunch");
            assert_eq!(told.contains("отпуске"), answered, "{from_s} {until_s}: {told}");
        }
        stage.set("anna", between(-HOUR, 3 * HOUR));
        stage.copy(&["anna@corp.example"]);
        let told = stage.scripts("anna").remove("parom-oof").unwrap();
        assert_eq!(told.contains(":seconds 14400"), !extensions.is_empty(), "{told}");
        // It is over: what is ours goes.
        stage.set("anna", between(-2 * HOUR, -HOUR));
        assert!(stage.copy(&["anna@corp.example"]).contains("removed"));
        assert!(stage.scripts("anna").is_empty());
    }
}

#[test]
fn a_script_of_ones_own_goes_on_beside_ours_and_is_back_afterwards() {
    let Some(stage) = Stage::of(Options::default()) else { return };
    stage.set("anna", on);
    stage.own("anna", FILTER);
    let preview = stage.copy(&["anna@corp.example", "--dry-run"]);
    assert!(preview.contains("\"mine\" goes on beside it") && preview.contains("include :personal"), "{preview}");
    stage.copy(&["anna@corp.example"]);
    assert_eq!(stage.active("anna").as_deref(), Some("parom-oof"));
    assert_eq!(stage.scripts("anna")["mine"], FILTER);
    let told = stage.receives("anna", "boris@corp.example", "An order");
    assert!(told.contains("отпуске") && told.contains("Orders"), "{told}");
    let told = stage.receives("anna", "boris@corp.example", "Lunch");
    assert!(told.contains("отпуске") && !told.contains("Orders"), "{told}");
    assert!(stage.copy(&["anna@corp.example"]).contains("as it should be"));

    stage.set("anna", |oof| oof.state = "Disabled".to_owned());
    assert!(stage.copy(&["anna@corp.example"]).contains("\"mine\" is the active one"));
    assert_eq!((stage.active("anna").as_deref(), stage.scripts("anna").len()), (Some("mine"), 1));
    assert_eq!(stage.scripts("anna")["mine"], FILTER);

    // A reply of one's own on the new system holds, and the one of the old is not put beside it.
    let own = "require \"vacation\";\nvacation \"Gone.\";\n";
    stage.own("anna", own);
    stage.set("anna", on);
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 3 && said.contains("\"mine\", which uses \"vacation\""), "{code} {said}");
    assert_eq!((stage.active("anna").as_deref(), &stage.scripts("anna")["mine"][..]), (Some("mine"), own));
}

#[test]
fn where_two_scripts_cannot_run_the_persons_own_stays_and_the_cause_is_named() {
    let Some(stage) = Stage::of(Options { sieve: Some("-include".to_owned()), ..Options::default() }) else { return };
    stage.set("anna", on);
    stage.set("boris", on);
    stage.own("anna", FILTER);
    let (code, said) = stage.fails(&["--all"]);
    assert!(code == 3 && said.contains("lacks the extension \"include\""), "{code} {said}");
    assert!(said.contains("boris@corp.example: the automatic reply is on the target now"), "{said}");
    assert_eq!((stage.active("anna").as_deref(), stage.scripts("anna").len()), (Some("mine"), 1));
    assert!(stage.receives("boris", "anna@corp.example", "Lunch").contains("отпуске"));
}

#[test]
fn what_keeps_a_reply_from_being_carried_is_told_with_its_remedy() {
    let Some(stage) = Stage::of(Options { sieve: Some("-date".to_owned()), ..Options::default() }) else { return };
    stage.set("anna", between(-60, 3600));
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(
        code == 3 && said.contains("its Sieve has no \"date\"") && stage.scripts("anna").is_empty(),
        "{code} {said}"
    );

    stage.configure("");
    let (code, said) = stage.fails(&["--all"]);
    assert!(code == 2 && said.contains("no ManageSieve server is configured"), "{code} {said}");
    assert!(said.contains("boris@corp.example: no automatic reply on the source"), "{said}");

    // IMAP answers at that port; nothing does at the other.
    stage.configure(&plainly(&stage.dovecot.plain()));
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 4 && said.contains("is not the expected protocol"), "{code} {said}");
    stage.configure(&plainly(&Address::plain(1)));
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 4 && said.contains("Cannot connect to 127.0.0.1, port 1"), "{code} {said}");

    stage.configure(&plainly(&stage.dovecot.sieve()));
    stage.ews.deny("anna@corp.example");
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 4 && said.contains("may not act for anna@corp.example"), "{code} {said}");
}

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(stage) = Stage::of(Options::default()) else { return };
    stage.set("anna", on);
    stage.secret("wrong", "not-it");
    stage.configure(&(plainly(&stage.dovecot.sieve()) + "password = \"secret:wrong\"\n"));
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 4 && said.contains("Cannot sign in to 127.0.0.1 as anna"), "{code} {said}");
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 4 && said.contains("Not signing in to 127.0.0.1 as anna"), "{code} {said}");
}

#[test]
fn every_way_to_sign_in_leads_to_the_persons_own_scripts() {
    let Some(stage) = Stage::of(Options { tls: Some(Validity::Now), ..Options::default() }) else { return };
    stage.secret(MASTER, MASTER_PASSWORD);
    let certificate = stage.dovecot.certificate().unwrap().certificate.display().to_string();
    let (plain, tls) = (stage.dovecot.sieve().port, stage.dovecot.sieve_over_tls().port);
    let own = "login = \"{target_login}\"\n";
    let ways = [
        format!("host = \"localhost\"\nport = {plain}\ntrust = \"{certificate}\"\n{own}"),
        format!("host = \"localhost\"\nport = {tls}\ntls = \"implicit\"\ntrust = \"{certificate}\"\n{own}"),
        format!(
            "host = \"localhost\"\nport = {plain}\ntrust = \"{certificate}\"\nlogin = \"{{target_login}}*{MASTER}\"\n\
             password = \"secret:{MASTER}\"\n"
        ),
        format!(
            "host = \"localhost\"\nport = {plain}\ntrust = \"{certificate}\"\nlogin = \"{{service_login}}\"\n\
             service_login = \"{MASTER}\"\nauthzid = \"{{target_login}}\"\npassword = \"secret:{{service_login}}\"\n"
        ),
    ];
    for (at, way) in ways.iter().enumerate() {
        stage.configure(way);
        stage.set("anna", |oof| {
            on(oof);
            oof.internal = format!("<p>Way {at}</p>");
        });
        stage.copy(&["anna@corp.example"]);
        assert!(stage.scripts("anna")["parom-oof"].contains(&format!("Way {at}\r\n")), "{way}");
        assert_eq!(stage.scripts(MASTER).len(), 0, "{way}");
    }
    stage.configure(&format!("host = \"localhost\"\nport = {plain}\n{own}"));
    let (code, said) = stage.fails(&["anna@corp.example"]);
    assert!(code == 4 && said.contains("is not trusted"), "{code} {said}");
}
