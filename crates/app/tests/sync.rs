//! `parom sync`, `verify`, `parked` and `status` as processes, against the lab's servers.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use parom_domain::{Both, FolderPath, InternalDate, Side};
use parom_lab::server::{Config, Extensions, Hands, LabServer, Reaction, Scripted, Switches};
use std::fs;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const NAMES: [&str; 3] = ["anna", "boris", "vera"];

/// Two servers, a configured folder, and the accounts.
struct Stage {
    folder: TempDir,
    servers: Both<LabServer>,
    // Last, so that the servers end before what they run on.
    _runtime: Runtime,
}

impl Stage {
    fn new() -> Stage {
        let runtime = Runtime::new().unwrap();
        let config = |side: Side| Config {
            accounts: NAMES.map(|name| (name.to_owned(), "pass".to_owned())).to_vec(),
            master: Some(("svc".to_owned(), "service".to_owned())),
            first_validity: if side == Side::Source { 10 } else { 20 },
            ..Config::default()
        };
        let start = |side| runtime.block_on(LabServer::start(config(side))).unwrap();
        let servers = Both::from_fn(start);
        let stage = Stage { folder: tempfile::tempdir().unwrap(), servers, _runtime: runtime };
        stage.configure("account", "");
        stage.write("pw", "pass");
        // Another configuration in the same folder: what is wanted of it is the key.
        assert_eq!(code(&stage.parom(&["init"], "unused.toml")), 0);
        for name in NAMES {
            let address = format!("{name}@corp.example");
            let added = stage.run(&[
                "account",
                "add",
                &address,
                "--source-password-file",
                "pw",
                "--target-password-file",
                "pw",
            ]);
            assert_eq!(code(&added), 0, "{added:?}");
        }
        stage
    }

    /// Writes the configuration: where the source's password comes from, and lines for the top of the file.
    fn configure(&self, source_password: &str, top: &str) {
        let side = |side: Side, login: &str, password: &str| {
            let addr: SocketAddr = self.servers[side].addr();
            format!(
                "[domain.{side}.imap]\nhost = \"{}\"\nport = {}\ntls = \"none\"\nlogin = \"{login}\"\npassword = \"{password}\"\n",
                addr.ip(),
                addr.port()
            )
        };
        let login = if source_password == "account" { "{source_login}" } else { "{source_login}*svc" };
        let text = format!(
            "{top}\n[[domain]]\nname = \"corp.example\"\ngrace_s = 0\nexclude_folders = []\n{}{}",
            side(Side::Source, login, source_password),
            side(Side::Target, "{target_login}", "account")
        );
        self.write("parom.toml", &text);
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        self.parom(args, "parom.toml")
    }

    fn parom(&self, args: &[&str], config: &str) -> Output {
        self.command(args, config).output().unwrap()
    }

    fn command(&self, args: &[&str], config: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command
            .args(["--lang", "en", "--config", config])
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("PAROM_CONFIG")
            .env_remove("PAROM_MASTER_KEY")
            .stdin(Stdio::null());
        command
    }

    fn hands(&self, side: Side, name: &str) -> Hands {
        self.servers[side].mailbox(name).unwrap()
    }

    fn add(&self, side: Side, name: &str, text: &str) {
        let bytes = format!("Message-ID: <{text}@x>\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes();
        self.hands(side, name).add(&FolderPath::inbox(), bytes, &["\\Seen"], DATE).unwrap();
    }

    fn bodies(&self, side: Side, name: &str) -> Vec<Vec<u8>> {
        let mut bodies: Vec<Vec<u8>> =
            self.hands(side, name).messages(&FolderPath::inbox()).iter().map(|seen| seen.bytes.to_vec()).collect();
        bodies.sort();
        bodies
    }

    /// How often somebody has tried to sign in.
    fn sign_ins(&self, side: Side) -> u64 {
        self.servers[side].count("LOGIN") + self.servers[side].count("AUTHENTICATE")
    }
}

const DATE: InternalDate = InternalDate { unix_s: 1_000_000_000, offset_min: 0 };

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn mail_goes_both_ways_and_the_second_run_writes_nothing() {
    let stage = Stage::new();
    for name in NAMES {
        stage.add(Side::Source, name, "one");
        stage.add(Side::Target, name, "two");
    }
    let planned = stage.run(&["sync", "--all", "--dry-run"]);
    assert_eq!(code(&planned), 0, "{planned:?}");
    assert!(out(&planned).contains("INBOX"), "{planned:?}");
    assert_eq!(stage.bodies(Side::Target, "anna").len(), 1, "a dry run changes nothing");

    let differs = stage.run(&["verify", "anna@corp.example"]);
    assert_eq!(code(&differs), 7, "{differs:?}");
    assert!(out(&differs).contains("2 differences"), "{differs:?}");

    let synced = stage.run(&["sync", "--all", "--until-settled"]);
    assert_eq!(code(&synced), 0, "{synced:?}");
    for name in NAMES {
        assert_eq!(stage.bodies(Side::Source, name), stage.bodies(Side::Target, name));
        assert_eq!(stage.bodies(Side::Source, name).len(), 2);
    }
    assert_eq!(code(&stage.run(&["verify"])), 0);
    let status = out(&stage.run(&["status"]));
    assert_eq!(status.matches("in step").count(), 3, "{status}");

    let changes = || NAMES.map(|name| Side::ALL.map(|side| stage.hands(side, name).changes()));
    let before = changes();
    let again = stage.run(&["sync", "--all", "--json"]);
    assert_eq!(code(&again), 0);
    assert_eq!(changes(), before);
    let ended: Vec<serde_json::Value> = out(&again).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(ended.iter().filter(|event| event["state"] == "in-step").count(), 3);
    assert!(!ended.iter().any(|event| event["event"] == "did"), "{ended:?}");
    every_field_is_documented(&ended);
}

/// The texts and kinds of what `verify` finds, and its exit code.
fn verified(stage: &Stage) -> (i32, Vec<serde_json::Value>) {
    let output = stage.run(&["verify", "anna@corp.example", "--json"]);
    let objects: Vec<serde_json::Value> =
        out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    every_field_is_documented(&objects);
    (code(&output), objects.into_iter().filter(|object| object["difference"].is_string()).collect())
}

#[test]
fn what_was_planted_on_either_side_is_found_and_told_by_its_kind() {
    for side in Side::ALL {
        let stage = Stage::new();
        for text in ["missing", "altered", "doubled", "reflagged", "whole"] {
            stage.add(Side::Source, "anna", text);
        }
        assert_eq!(code(&stage.run(&["sync", "--all", "--until-settled"])), 0);
        assert_eq!(verified(&stage), (0, vec![]));

        let (hands, inbox) = (stage.hands(side, "anna"), FolderPath::inbox());
        let found = |text: &str| {
            let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&format!("Subject: {text}\r\n"));
            hands.messages(&inbox).into_iter().find(|seen| holds(&seen.bytes)).unwrap()
        };
        hands.remove(&inbox, &[found("missing").uid]).unwrap();
        let altered = found("altered");
        hands.remove(&inbox, &[altered.uid]).unwrap();
        hands.add(&inbox, [&altered.bytes[..], b"P.S.\r\n"].concat(), &["\\Seen"], DATE).unwrap();
        hands.add(&inbox, found("doubled").bytes, &["\\Seen"], DATE).unwrap();
        hands.flag(&inbox, found("reflagged").uid, &["\\Flagged"], &["\\Seen"]).unwrap();

        let (code, differences) = verified(&stage);
        assert_eq!(code, 7);
        let mut kinds: Vec<(&str, Option<&str>)> =
            differences.iter().map(|found| (found["difference"].as_str().unwrap(), found["side"].as_str())).collect();
        kinds.sort_unstable();
        let here = Some(side.as_str());
        assert_eq!(
            kinds,
            [("altered", None), ("doubled", here), ("marks", None), ("missing", here)],
            "{differences:?}"
        );
        let told = out(&stage.run(&["verify", "anna@corp.example"]));
        assert!(told.contains("4 differences") && told.contains("equal: 2 messages"), "{told}");
    }
}

#[test]
fn a_parked_message_is_named_as_such_and_hides_no_other() {
    let stage = Stage::new();
    stage.servers.target.switch(|switches: &mut Switches| switches.refuses.push("bulky".to_owned()));
    for text in ["bulky", "fine"] {
        stage.add(Side::Source, "anna", text);
    }
    assert_eq!(code(&stage.run(&["sync", "--all", "--until-settled"])), 0);
    let (code, found) = verified(&stage);
    assert_eq!(code, 0, "{found:?}");
    assert_eq!((found.len(), &found[0]["difference"], &found[0]["parked"]), (1, &"missing".into(), &true.into()));
    let told = out(&stage.run(&["verify", "anna@corp.example"]));
    assert!(told.contains("(and 1 message is parked)") && told.contains("parom parked"), "{told}");

    stage.add(Side::Source, "anna", "new");
    let (code, found) = verified(&stage);
    assert_eq!((code, found.len()), (7, 2), "{found:?}");
    // Without its state Parom knows of nothing that is parked: the servers alone say what is different.
    for file in ["parom.db", "parom.db-wal", "parom.db-shm"] {
        let _ = fs::remove_file(stage.folder.path().join(file));
    }
    let passwords = ["--source-password-file", "pw", "--target-password-file", "pw"];
    assert!(stage.run(&[&["account", "add", "anna@corp.example"][..], &passwords].concat()).status.success());
    let (code, found) = verified(&stage);
    assert_eq!((code, found.iter().filter(|found| found["parked"] == false).count()), (7, 2), "{found:?}");
}

#[test]
fn what_a_deletion_left_in_the_trash_is_named_as_such_and_hides_no_other() {
    let stage = Stage::new();
    let trash = FolderPath::new(["Trash"]).unwrap();
    for side in Side::ALL {
        stage.hands(side, "anna").create(&trash, Some("\\Trash")).unwrap();
    }
    stage.add(Side::Source, "anna", "old");
    assert_eq!(code(&stage.run(&["sync", "--all", "--until-settled"])), 0);
    let uid = stage.hands(Side::Source, "anna").messages(&FolderPath::inbox())[0].uid;
    stage.hands(Side::Source, "anna").remove(&FolderPath::inbox(), &[uid]).unwrap();
    assert_eq!(code(&stage.run(&["sync", "--all", "--until-settled"])), 0);
    let (code, found) = verified(&stage);
    assert_eq!((code, found.len(), &found[0]["deleted"], &found[0]["folder"]), (0, 1, &true.into(), &"Trash".into()));
    let told = out(&stage.run(&["verify", "anna@corp.example"]));
    assert!(told.contains("(and 1 that was deleted is in the trash of one side)"), "{told}");

    // What was put there by somebody else is a difference.
    let bytes = b"Message-ID: <other@x>\r\n\r\nother\r\n".to_vec();
    stage.hands(Side::Target, "anna").add(&trash, bytes, &["\\Seen"], DATE).unwrap();
    let (code, found) = verified(&stage);
    assert_eq!((code, found.len(), &found[0]["deleted"]), (7, 2, &false.into()), "{found:?}");
}

#[test]
fn a_few_changes_cost_one_connection_to_each_side() {
    let stage = Stage::new();
    let folders = ["A", "B", "C", "D", "E"].map(|name| FolderPath::new([name]).unwrap());
    let add = |folder: &FolderPath, text: String| {
        let bytes = format!("Message-ID: <{text}@x>\r\n\r\n{text}\r\n").into_bytes();
        stage.hands(Side::Source, "anna").add(folder, bytes, &[], DATE).unwrap();
    };
    for folder in &folders {
        stage.hands(Side::Source, "anna").create(folder, None).unwrap();
        (0..10).for_each(|n| add(folder, format!("{folder}-{n}")));
    }
    assert_eq!(code(&stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"])), 0);
    let cost = |round: usize| {
        let before = Both::from_fn(|side| stage.sign_ins(side));
        for folder in &folders {
            add(folder, format!("{folder}-new{round}"));
            for side in Side::ALL {
                let uid = stage.hands(side, "anna").messages(folder)[2 * round + side as usize].uid;
                stage.hands(side, "anna").flag(folder, uid, &["\\Seen"], &[]).unwrap();
            }
        }
        assert_eq!(code(&stage.run(&["sync", "--account", "anna@corp.example"])), 0);
        let after = Both::from_fn(|side| stage.sign_ins(side) - before[side]);
        assert_eq!(verified(&stage), (0, vec![]));
        after
    };
    // A machine so busy that each answer takes 8 ms looks like a distance, where connections save round trips.
    assert!((0..5).map(cost).any(|cost| cost == Both::new(1, 1)));
}

/// The pages about the output for programs name each field.
fn every_field_is_documented(objects: &[serde_json::Value]) {
    assert!(!objects.is_empty());
    for page in ["reference-json.md", "reference-json.ru.md"] {
        let text = fs::read_to_string(format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for name in objects.iter().flat_map(|object| object.as_object().unwrap().keys()) {
            assert!(text.contains(&format!("`{name}`")), "{page} lacks {name}");
        }
    }
}

#[test]
fn all_that_is_told_to_programs_is_documented() {
    let stage = Stage::new();
    stage.add(Side::Source, "anna", "bulky");
    stage.add(Side::Source, "anna", "fine");
    stage.servers.target.switch(|switches: &mut Switches| switches.refuses.push("bulky".to_owned()));
    for args in [
        &["sync", "--all", "--json"][..],
        &["status", "--json"],
        &["parked", "--json"],
        &["verify", "--json"],
        &["account", "list", "--json"],
    ] {
        let said = out(&stage.run(args));
        let objects: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        every_field_is_documented(&objects);
    }
    // An emptied folder is held, and its brake is told.
    for at in 0..30 {
        stage.add(Side::Source, "boris", &format!("m{at}"));
    }
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0);
    let inbox = FolderPath::inbox();
    let uids: Vec<_> = stage.hands(Side::Source, "boris").messages(&inbox).iter().map(|seen| seen.uid).collect();
    stage.hands(Side::Source, "boris").remove(&inbox, &uids).unwrap();
    let held = stage.run(&["sync", "--all"]);
    assert_eq!(code(&held), 6, "{held:?}");
    let brakes = out(&stage.run(&["brakes", "--json"]));
    let brake: serde_json::Value = serde_json::from_str(brakes.trim()).unwrap();
    assert_eq!(
        (&brake["brake"], &brake["folder"], &brake["count"]),
        (&"emptied-folder".into(), &"INBOX".into(), &30.into())
    );
    every_field_is_documented(&[brake]);
    let told = out(&stage.run(&["sync", "--all", "--dry-run"]));
    assert!(told.contains("boris@corp.example, held back:"), "{told}");
    assert!(told.contains("30 of 30 messages vanished at once from \"INBOX\" on the source"), "{told}");
}

#[test]
fn a_dry_run_tells_the_whole_plan_and_changes_nothing() {
    let stage = Stage::new();
    let source = stage.hands(Side::Source, "anna");
    let add = |folder: &str, text: &str| {
        let bytes = format!("Message-ID: <{text}@x>\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes();
        source.add(&FolderPath::new([folder]).unwrap(), bytes, &[], DATE).unwrap();
    };
    stage.add(Side::Source, "anna", "one");
    for text in ["two", "three", "four"] {
        add("Projects", text);
    }
    let picture = || {
        let state = fs::read(stage.folder.path().join("parom.db")).unwrap();
        (NAMES.map(|name| Side::ALL.map(|side| stage.hands(side, name).changes())), state)
    };
    let before = picture();
    let planned = stage.run(&["sync", "--all", "--dry-run"]);
    assert_eq!(code(&planned), 0, "{planned:?}");
    let told = out(&planned);
    assert!(told.contains("target: make the folder \"Projects\"\n"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("Projects ") && line.contains(" 3 ")), "{told}");
    let planned = out(&stage.run(&["sync", "--all", "--dry-run", "--json"]));
    let objects: Vec<serde_json::Value> = planned.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has = |plan: &str, fields: &[(&str, serde_json::Value)]| {
        let is = |object: &&serde_json::Value| fields.iter().all(|(name, value)| object[*name] == *value);
        objects.iter().filter(|object| object["plan"] == plan).filter(is).count()
    };
    assert_eq!(has("make", &[("folder", "Projects".into()), ("side", "target".into())]), 1, "{planned}");
    assert_eq!(has("folder", &[("folder", "Projects".into()), ("to_target", 3.into())]), 1, "{planned}");
    assert_eq!(has("account", &[("moves", 0.into())]), 3, "{planned}");
    assert_eq!(picture(), before);

    every_field_is_documented(&objects);

    // What was planned is done, and then there is nothing more to plan.
    assert_eq!(code(&stage.run(&["sync", "--all", "--until-settled"])), 0);
    assert_eq!(out(&stage.run(&["sync", "--all", "--dry-run"])).matches("nothing to do").count(), 3);
}

#[test]
fn a_refused_password_is_tried_once_and_told_with_its_remedy() {
    let stage = Stage::new();
    stage.write("wrong", "wrong");
    assert_eq!(code(&stage.run(&["account", "add", "anna@corp.example", "--source-password-file", "wrong"])), 0);
    let failed = stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"]);
    assert_eq!(code(&failed), 4, "{failed:?}");
    assert!(out(&failed).contains("Cannot sign in to 127.0.0.1 as anna"), "{failed:?}");
    assert!(out(&failed).contains("What to do: Set the password anew"), "{failed:?}");
    assert_eq!(stage.sign_ins(Side::Source), 1);
    let status = out(&stage.run(&["status"]));
    assert!(status.contains("failed"), "{status}");
    // Later runs do not try it again, until a person says so.
    for _ in 0..3 {
        let held = stage.run(&["sync", "--account", "anna@corp.example"]);
        assert_eq!(code(&held), 4, "{held:?}");
        assert!(out(&held).contains("refused this password"), "{held:?}");
        assert!(out(&held).contains("parom account on anna@corp.example"), "{held:?}");
    }
    assert_eq!(code(&stage.run(&["verify", "anna@corp.example"])), 4);
    assert_eq!(stage.sign_ins(Side::Source), 1);
    assert_eq!(code(&stage.run(&["account", "on", "anna@corp.example"])), 0);
    assert_eq!(code(&stage.run(&["sync", "--account", "anna@corp.example"])), 4);
    assert_eq!(stage.sign_ins(Side::Source), 2);
    // The others are not concerned, and the account is in step again when its password is right.
    assert_eq!(code(&stage.run(&["sync", "--account", "boris@corp.example"])), 0);
    assert_eq!(code(&stage.run(&["account", "add", "anna@corp.example", "--source-password-file", "pw"])), 0);
    assert_eq!(code(&stage.run(&["sync", "--account", "anna@corp.example"])), 0);
    let status = out(&stage.run(&["status"]));
    assert!(!status.contains("failed"), "{status}");
}

#[test]
fn a_refused_service_password_is_not_tried_by_everyone() {
    let stage = Stage::new();
    stage.configure("secret:svc", "");
    stage.write("wrong", "wrong");
    assert_eq!(code(&stage.run(&["secret", "set", "svc", "--file", "wrong"])), 0);
    let failed = stage.run(&["sync", "--all"]);
    assert_eq!(code(&failed), 4, "{failed:?}");
    assert_eq!(stage.sign_ins(Side::Source), 2, "one may be the fault of one mailbox; three accounts are configured");
    assert_eq!(out(&failed).matches("Cannot sign in").count(), 3, "and all are told: {failed:?}");
    // What two logins were refused with is not tried again by later runs.
    for _ in 0..3 {
        assert_eq!(code(&stage.run(&["sync", "--all"])), 4);
    }
    assert_eq!(stage.sign_ins(Side::Source), 2);
    stage.write("right", "service");
    assert_eq!(code(&stage.run(&["secret", "set", "svc", "--file", "right"])), 0);
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0);
    // Without a value the secret's name and the command that sets it are told.
    assert_eq!(code(&stage.run(&["secret", "remove", "svc"])), 0);
    let missing = stage.run(&["sync", "--all"]);
    assert_eq!(code(&missing), 2, "{missing:?}");
    assert!(out(&missing).contains("parom secret set svc"), "{missing:?}");
}

#[test]
fn a_mailbox_that_is_not_there_keeps_nobody_from_theirs() {
    let stage = Stage::new();
    stage.configure("secret:svc", "");
    stage.write("right", "service");
    assert_eq!(code(&stage.run(&["secret", "set", "svc", "--file", "right"])), 0);
    // Two that come first, new ones among accounts that were in step before; then in a state where nobody was.
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0);
    for name in ["aa", "ab", "ac"] {
        let address = format!("{name}@corp.example");
        assert_eq!(code(&stage.run(&["account", "add", &address, "--target-password-file", "pw"])), 0);
    }
    for _ in 0..3 {
        for name in NAMES {
            stage.add(Side::Source, name, "news");
        }
        let synced = out(&stage.run(&["sync", "--all"]));
        for name in NAMES {
            assert!(!synced.contains(&format!("{name}@corp.example: failed")), "{synced}");
        }
        assert!(synced.contains("aa@corp.example: failed"), "{synced}");
    }
}

#[test]
fn a_host_that_is_not_allowed_is_not_called() {
    let stage = Stage::new();
    stage.configure("account", "allow_hosts = [\"mail.example\"]");
    let failed = stage.run(&["sync", "--all"]);
    assert_eq!(code(&failed), 4, "{failed:?}");
    assert!(out(&failed).contains("Connecting to 127.0.0.1 is not allowed"), "{failed:?}");
    assert_eq!(stage.sign_ins(Side::Source) + stage.sign_ins(Side::Target), 0);
}

#[test]
fn what_the_target_refuses_is_parked_told_and_tried_again_on_request() {
    let stage = Stage::new();
    stage.add(Side::Source, "anna", "bulky");
    stage.add(Side::Source, "anna", "fine");
    stage.servers.target.switch(|switches: &mut Switches| switches.refuses.push("bulky".to_owned()));
    let synced = stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"]);
    assert_eq!(code(&synced), 0, "parked messages are told, not failed: {synced:?}");
    assert!(out(&synced).contains("1 message is parked"), "{synced:?}");
    assert!(out(&synced).contains("parked: 127.0.0.1 refused message 1 for \"INBOX\""), "{synced:?}");
    assert_eq!(stage.bodies(Side::Target, "anna").len(), 1);
    let parked = out(&stage.run(&["parked"]));
    assert!(parked.contains("anna@corp.example, source, \"INBOX\", message 1"), "{parked}");
    assert!(parked.contains("refused message"), "{parked}");

    stage.servers.target.switch(|switches: &mut Switches| switches.refuses.clear());
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0);
    assert_eq!(stage.bodies(Side::Target, "anna").len(), 1, "it is not tried again by itself");
    assert!(out(&stage.run(&["parked", "--retry"])).contains("1 message will be tried again"));
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0);
    assert_eq!(stage.bodies(Side::Target, "anna").len(), 2);
    assert_eq!(out(&stage.run(&["parked"])), "Nothing is parked.\n");
}

#[test]
fn what_the_server_does_not_let_us_write_is_told_with_its_folder() {
    let stage = Stage::new();
    stage.add(Side::Source, "anna", "one");
    let refused = |text: &str| {
        let reaction = Reaction::No(text.to_owned());
        stage.servers.target.switch(|switches: &mut Switches| {
            switches.script = [Scripted { command: "APPEND".to_owned(), reaction }].into();
        });
        let synced = stage.run(&["sync", "--account", "anna@corp.example"]);
        assert_ne!(code(&synced), 0, "{synced:?}");
        assert_eq!(err(&synced), "", "the log is not for the person who looks on");
        [out(&synced), out(&stage.run(&["status"]))]
    };
    for told in refused("[NOPERM] Permission denied") {
        assert!(told.contains("refused a change in \"INBOX\""), "{told}");
        assert!(told.contains("rights on the folder do not suffice"), "{told}");
    }
    for told in refused("[OVERQUOTA] Quota exceeded") {
        assert!(told.contains("there is no room for all that should go into \"INBOX\""), "{told}");
    }
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0);
}

#[test]
fn a_folder_that_cannot_be_opened_is_told_once() {
    let stage = Stage::new();
    let work = FolderPath::new(["Work"]).unwrap();
    stage.hands(Side::Source, "anna").create(&work, None).unwrap();
    stage.servers.source.switch(|switches: &mut Switches| switches.cannot_select = [work].into());
    let synced = stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"]);
    assert_eq!(code(&synced), 3, "{synced:?}");
    assert_eq!(out(&synced).matches("\"Work\" at 127.0.0.1 cannot be opened").count(), 1, "{synced:?}");
}

/// What was refused, on which side, and in the server's words; and no pass is promised where none follows.
#[test]
fn a_refused_folder_is_told_with_what_was_wanted_and_the_last_line_promises_nothing() {
    let stage = Stage::new();
    stage.hands(Side::Source, "anna").create(&FolderPath::new(["odd"]).unwrap(), None).unwrap();
    let no =
        Scripted { command: "CREATE".to_owned(), reaction: Reaction::No("[CANNOT] nothing below this".to_owned()) };
    stage.servers.target.switch(|switches| switches.script.extend(vec![no; 9]));
    let synced = stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"]);
    let told = err(&synced) + &out(&synced);
    assert!(told.contains("(target) refused to create the folder \"odd\": [CANNOT] nothing below this."), "{told}");
    let last = told.lines().rfind(|line| line.starts_with("anna@corp.example: ")).unwrap();
    assert!(last.contains("not settled") && last.ends_with("; what is left waits for the next run"), "{told}");
    assert!(!told.contains("the next pass goes on"), "{told}");
    assert_eq!(code(&synced), 3);
}

/// Courier 5.0 has no UNSELECT, and neither renames nor deletes the folder that a connection has open. What a connection has
/// open is remembered too where a rename made doubtful what is called how.
#[test]
fn folders_are_deleted_on_a_server_that_keeps_what_is_open() {
    let stage = Stage::new();
    let folders = ["a", "b", "c", "d"].map(|name| FolderPath::new([name]).unwrap());
    stage.servers.source.switch(|switches| {
        switches.extensions.unselect = false;
        switches.keeps_what_is_open = true;
    });
    for folder in &folders {
        stage.hands(Side::Source, "anna").create(folder, None).unwrap();
    }
    let sync = || code(&stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"]));
    assert_eq!(sync(), 0);
    for folder in &folders {
        stage.hands(Side::Target, "anna").delete(folder).unwrap();
    }
    assert_eq!(sync(), 0);
    assert_eq!(stage.hands(Side::Source, "anna").folders(), [FolderPath::inbox()]);
}

/// GNU imap4d 3.15 has neither MOVE nor UIDPLUS, and calls a set of UIDs a mistake whose last one is gone.
#[test]
fn a_message_is_moved_on_a_server_that_calls_it_a_mistake_to_ask_for_what_is_gone() {
    let stage = Stage::new();
    let (inbox, work) = (FolderPath::inbox(), FolderPath::new(["work"]).unwrap());
    stage.servers.target.switch(|switches| {
        switches.extensions = Extensions { unselect: true, ..Extensions::NONE };
        switches.gone_is_bad = true;
    });
    stage.hands(Side::Source, "anna").create(&work, None).unwrap();
    ["a", "b", "c"].iter().for_each(|text| stage.add(Side::Source, "anna", text));
    let sync = || code(&stage.run(&["sync", "--account", "anna@corp.example", "--until-settled"]));
    assert_eq!(sync(), 0);
    stage.hands(Side::Source, "anna").shift(&inbox, &[2], &work).unwrap();
    assert_eq!(sync(), 0);
    let hands = stage.hands(Side::Target, "anna");
    assert_eq!((hands.messages(&inbox).len(), hands.messages(&work).len()), (2, 1));
}

#[test]
fn a_watch_goes_on_until_it_is_stopped_and_holds_the_state() {
    use std::io::{BufRead, BufReader};
    let stage = Stage::new();
    stage.configure("account", "[limits]\nlook_every_s = 1");
    let mut watch =
        stage.command(&["sync", "--all", "--watch", "--json"], "parom.toml").stdout(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut await_event =
        |wanted: &str| events.find(|line| line.as_ref().is_ok_and(|line| line.contains(wanted))).unwrap().unwrap();
    await_event("in-step");
    // Beside it, looking is allowed and working is not.
    assert_eq!(code(&stage.run(&["status"])), 0);
    let second = stage.run(&["sync", "--all"]);
    assert_eq!(code(&second), 5, "{second:?}");
    assert!(err(&second).contains("in use by another Parom"), "{second:?}");
    // What arrives is carried without being asked.
    stage.add(Side::Target, "vera", "late");
    let did = await_event("\"event\":\"did\"");
    assert!(did.contains("vera@corp.example"), "{did}");
    assert_eq!(stage.bodies(Side::Source, "vera").len(), 1);
    let stopped = Command::new("kill").args(["-INT", &watch.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(watch.wait().unwrap().code(), Some(130));
    assert_eq!(code(&stage.run(&["sync", "--all"])), 0, "the next one goes on");
    // The end of the terminal is such an order too, unless the shell was told that it is none.
    for (shell, ended) in [("exec", Some(130)), ("trap '' HUP; exec", None)] {
        let parom = stage.command(&["sync", "--all", "--watch", "--json"], "parom.toml");
        let args = std::iter::once(parom.get_program()).chain(parom.get_args());
        let mut watch = Command::new("sh")
            .args(["-c", &format!("{shell} \"$0\" \"$@\"")])
            .args(args)
            .current_dir(stage.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut events = BufReader::new(watch.stdout.take().unwrap()).lines();
        let mut await_event =
            |wanted: &str| events.find(|line| line.as_ref().is_ok_and(|line| line.contains(wanted))).unwrap().unwrap();
        await_event("in-step");
        let kill = |signal: &str| Command::new("kill").args([signal, &watch.id().to_string()]).status().unwrap();
        assert!(kill("-HUP").success());
        if ended.is_none() {
            stage.add(Side::Target, "vera", "later");
            await_event("\"event\":\"did\"");
            assert!(kill("-INT").success());
        }
        assert_eq!(watch.wait().unwrap().code(), Some(130), "{shell}");
    }
}

#[test]
fn a_mailbox_is_not_kept_in_step_with_itself() {
    let stage = Stage::new();
    stage.add(Side::Source, "anna", "one");
    let text = fs::read_to_string(stage.folder.path().join("parom.toml")).unwrap();
    let port = |side: Side| format!("port = {}", stage.servers[side].addr().port());
    stage.write("parom.toml", &text.replace(&port(Side::Target), &port(Side::Source)));
    let refused = stage.run(&["sync", "--account", "anna@corp.example"]);
    assert_eq!(code(&refused), 2, "{refused:?}");
    assert!(err(&refused).contains("are one mailbox") || out(&refused).contains("are one mailbox"), "{refused:?}");
    assert_eq!((stage.bodies(Side::Source, "anna").len(), stage.sign_ins(Side::Source)), (1, 0));
}

/// Each would carry the mail of the other into it again.
#[test]
fn two_accounts_do_not_open_one_mailbox() {
    let stage = Stage::new();
    stage.add(Side::Source, "anna", "one");
    for logins in [["--source-login", "Anna"], ["--target-login", "anna"]] {
        let added = stage.run(&[&["account", "add", "alias@corp.example"][..], &logins].concat());
        assert_eq!(code(&added), 2, "{added:?}");
        assert!(err(&added).contains("the same mailbox as anna@corp.example"), "{added:?}");
    }
    // From a list it may come all the same.
    stage.write("users.csv", "email;collector_login\nalias@corp.example;anna\n");
    assert_eq!(code(&stage.run(&["import", "users.csv"])), 0);
    let synced = stage.run(&["sync", "--account", "alias@corp.example", "--account", "anna@corp.example"]);
    assert_eq!(code(&synced), 2, "{synced:?}");
    let said = format!("{}{}", out(&synced), err(&synced));
    assert!(said.contains("alias@corp.example opens the same mailbox as anna@corp.example"), "{said}");
    assert_eq!((stage.bodies(Side::Target, "anna").len(), stage.bodies(Side::Source, "anna").len()), (1, 1));
}
