//! Everything an admin or a server can get wrong: one clear sentence, the documented exit code, nothing lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use parom_lab::proxy::{Act, Direction, Spot};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use xtask::live::dovecot::{Dovecot, Options};
use xtask::live::parom::{Parom, Run, Settings};
use xtask::live::tls::Validity;
use xtask::live::world::{Peer, Server, World, ready};
use xtask::live::{Layout, oracle};

const USER: &str = "boris";
const PEERS: [Peer; 2] = [Peer::DovecotMaildir, Peer::DovecotSdbox];

/// The exit codes as documented.
const USAGE: i32 = 2;
const NOT_IN_STEP: i32 = 3;
const SERVER: i32 = 4;
const STATE: i32 = 5;
const HELD: i32 = 6;

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(world) = world() else { return };
    let parom = world.parom(USER).unwrap();
    let wrong = world.folder().join("wrong");
    std::fs::write(&wrong, "not the password").unwrap();
    let wrong = wrong.to_string_lossy();
    for user in ["carl", "dora"] {
        let address = format!("{user}@corp.example");
        let logins = ["account", "add", &address, "--source-login", user, "--target-login", user];
        let files = ["--source-password-file", &wrong, "--target-password-file", &wrong];
        parom.run(&[&logins[..], &files[..]].concat()).unwrap().ok().unwrap();
    }
    let run = parom.run(&["sync", "--account", "carl@corp.example", "--until-settled"]).unwrap();
    said(&run, SERVER, &["127.0.0.1", "carl", "password"]);
    assert!(!run.said().contains("not the password"), "a password was shown");
    let Server::Dovecot(source) = &world.source else { panic!("the source is a Dovecot") };
    let refusals = source.log().matches("auth failed").count();
    assert_eq!(refusals, 1, "the password must be tried once\n{}", source.log());
    // The others are carried all the same.
    oracle::run(&["do", &world.source_of(USER), "append", "INBOX", "fine"]).unwrap();
    let run = parom.run(&["sync", "--all"]).unwrap();
    assert!(matches!(run.code, Some(NOT_IN_STEP | SERVER)), "{}", run.said());
    world.equal(USER).unwrap();
}

#[test]
fn a_wrong_host_is_named() {
    let Some(world) = world() else { return };
    let mut settings = world.settings();
    settings.target.address.host = "no-such-host.invalid".to_owned();
    let parom = world.parom_with(USER, &settings).unwrap();
    said(&parom.run(&["sync", "--all"]).unwrap(), SERVER, &["no-such-host.invalid"]);

    // A port where nobody listens.
    let mut settings = world.settings();
    settings.target.address.port = 1;
    parom.configure(&settings).unwrap();
    said(&parom.run(&["sync", "--all"]).unwrap(), SERVER, &["127.0.0.1", "1"]);

    parom.configure(&world.settings()).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn a_host_that_is_not_on_the_allow_list_is_never_dialled() {
    let Some(world) = world() else { return };
    let mut settings = world.settings();
    settings.root = "allow_hosts = [\"mail.corp.example\"]".to_owned();
    let parom = world.parom_with(USER, &settings).unwrap();
    let run = parom.run(&["sync", "--all"]).unwrap();
    assert!(matches!(run.code, Some(USAGE | SERVER)), "{:?} {}", run.code, run.said());
    contains(&run, &["127.0.0.1", "allow_hosts"]);
    assert_eq!(world.source_relay.proxy().counters().connections, 0);
    assert_eq!(world.target_relay.proxy().counters().connections, 0);
}

#[test]
fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let Some(world) = world() else { return };
    for how in ["starttls", "implicit"] {
        let mut settings = world.settings();
        settings.target.address.tls = true;
        let parom = world.parom_with(&format!("tls-{how}"), &settings).unwrap();
        // The real configuration with this one word instead.
        let text = std::fs::read_to_string(parom.config()).unwrap();
        std::fs::write(parom.config(), text.replace("tls = \"implicit\"", &format!("tls = \"{how}\""))).unwrap();
        let run = parom.run(&["sync", "--all"]).unwrap();
        said(&run, SERVER, &["127.0.0.1", "TLS"]);
    }
}

/// The binary under test is the one that everybody builds, without the feature `ntlm`.
#[test]
fn ntlm_that_was_left_out_of_the_build_is_told_with_the_way_to_get_it() {
    let Some(world) = world() else { return };
    let parom = world.parom(USER).unwrap();
    let mut settings = world.settings();
    settings.source.extra = "sasl = \"ntlm\"\n".to_owned();
    parom.configure(&settings).unwrap();
    said(&parom.run(&["sync", "--all"]).unwrap(), USAGE, &["built without NTLM", "--features ntlm"]);
}

#[test]
fn an_expired_certificate_is_refused_even_from_a_trusted_authority() {
    let Some(_) = world() else { return };
    let options = Options { tls: Some(Validity::Expired), ..Options::default() };
    let target = Dovecot::start(options).unwrap();
    let source = Peer::DovecotMaildir.start().unwrap();
    let (address, authority) = (target.implicit_tls(), target.certificate().unwrap().certificate.clone());
    let world = World::of(source, Server::Dovecot(Box::new(target)), false).unwrap();
    let mut settings = Settings::new(world.source.plain(), address);
    settings.target.trust = authority.display().to_string();
    let parom = world.parom_with(USER, &settings).unwrap();
    said(&parom.run(&["sync", "--all"]).unwrap(), SERVER, &["127.0.0.1", "certificate", "expired"]);
    // `insecure` is possible, and loud.
    settings.target.trust = "insecure".to_owned();
    parom.configure(&settings).unwrap();
    let run = parom.settle().unwrap();
    contains(&run, &["insecure"]);
}

#[test]
fn a_login_that_opens_another_mailbox_is_held() {
    let Some(world) = world() else { return };
    let parom = world.parom(USER).unwrap();
    for mailbox in [world.source_of(USER), world.target_of(USER)] {
        oracle::run(&["load", &mailbox, "ordinary", "--seed", "own", "--count", "60"]).unwrap();
    }
    parom.settle().unwrap();
    let own = world.snapshot(&world.source_of(USER), "own").unwrap();
    // An admin mistakes the template, and behind the new login lies another person's mailbox, or an empty one.
    oracle::run(&["load", &world.target_of("zoe-boris"), "ordinary", "--seed", "stranger", "--count", "47"]).unwrap();
    for prefix in ["zoe-", "nobody-"] {
        let stranger = world.target_of(&format!("{prefix}{USER}"));
        let before = world.snapshot(&stranger, prefix).unwrap();
        parom.configure(&world.settings()).unwrap();
        let text = std::fs::read_to_string(parom.config()).unwrap();
        let mistaken = text.replace("login = \"{target_login}\"", &format!("login = \"{prefix}{{target_login}}\""));
        std::fs::write(parom.config(), mistaken).unwrap();
        let run = parom.run(&["sync", "--all"]).unwrap();
        assert!(matches!(run.code, Some(HELD | SERVER)), "{prefix}: {:?} {}", run.code, run.said());
        world.compare(&own.to_string_lossy(), &world.source_of(USER)).unwrap();
        world.compare(&before.to_string_lossy(), &stranger).unwrap();
    }
    // With the right login again everything goes on.
    parom.configure(&world.settings()).unwrap();
    oracle::run(&["do", &world.source_of(USER), "append", "INBOX", "after"]).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn a_full_quota_stops_the_account_and_loses_nothing() {
    let Some(_) = world() else { return };
    let target = dovecot(Options { layout: Layout::Sdbox, quota: Some("200k".to_owned()), ..Options::default() });
    let world = World::of(Peer::DovecotMaildir.start().unwrap(), target, false).unwrap();
    let ours = world.source_of(USER);
    let words = ["load", &ours, "ordinary", "--count", "100", "--body-bytes", "10000"];
    oracle::run(&words).unwrap();
    let before = world.snapshot(&ours, "before").unwrap();
    let parom = world.parom(USER).unwrap();
    said(&parom.run(&["sync", "--all"]).unwrap(), NOT_IN_STEP, &["quota"]);
    world.compare(&before.to_string_lossy(), &ours).unwrap();
    // What landed landed once.
    let landed = world.snapshot(&world.target_of(USER), "landed").unwrap();
    let digests = digests(&landed);
    let mut single = digests.clone();
    single.dedup();
    assert_eq!(digests, single, "something was copied twice into the full mailbox");
}

#[test]
fn what_the_account_may_not_do_in_a_folder_waits_for_the_right() {
    let Some(_) = world() else { return };
    let target = Dovecot::start(Options { acl: true, ..Options::default() }).unwrap();
    let world = World::of(Peer::DovecotSdbox.start().unwrap(), Server::Dovecot(Box::new(target)), false).unwrap();
    let Server::Dovecot(target) = &world.target else { panic!("the target is a Dovecot") };
    let ours = world.source_of(USER);
    let messages = ["anchor", "deleted", "marked", "moved"];
    oracle::run(&["do", &ours, "create", "Shared"]).unwrap();
    let parom = world.parom(USER).unwrap();

    // Everything but what expunges, nothing but reading, and nothing but what has been read.
    for rights in ["lrwstik", "lr", "lrs"] {
        let named = |message: &str| format!("{message}-{rights}.");
        for message in messages {
            oracle::run(&["do", &ours, "append", "Shared", &named(message)]).unwrap();
        }
        parom.settle().unwrap();
        target.grant(USER, "Shared", rights).unwrap();
        oracle::run(&["do", &ours, "delete", "Shared", &named("deleted")]).unwrap();
        oracle::run(&["do", &ours, "move", "Shared", &named("moved"), "INBOX"]).unwrap();
        oracle::run(&["do", &ours, "flag", "Shared", &named("marked"), "\\Flagged"]).unwrap();
        let here = world.snapshot(&ours, "here").unwrap();
        for _ in 0..3 {
            let run = parom.run(&["sync", "--all", "--until-settled"]).unwrap();
            said(&run, NOT_IN_STEP, &["does not let Parom move mail from \"Shared\" to \"INBOX\""]);
            let also = if rights.contains('w') { "does not let Parom delete" } else { "does not let Parom change" };
            contains(&run, &[also]);
        }
        world.compare(&here.to_string_lossy(), &ours).unwrap();
        target.grant(USER, "Shared", "lrwstipekxa").unwrap();
        parom.settle().unwrap();
        world.compare(&here.to_string_lossy(), &ours).unwrap();
        world.equal(USER).unwrap();
        world.idle(&parom, USER, 50_000).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_selected_is_left_alone() {
    let Some(world) = world() else { return };
    let ours = world.source_of(USER);
    for folder in ["Locked", "Open"] {
        oracle::run(&["load", &ours, "ordinary", "--folder", folder, "--seed", folder, "--count", "20"]).unwrap();
    }
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    let Server::Dovecot(source) = &world.source else { panic!("the source is a Dovecot") };
    let locked = source.home(USER).join("Maildir/.Locked");
    let copy = world.snapshot(&world.target_of(USER), "copy").unwrap();
    // LIST still names it, but it cannot be opened (Dovecot: NO [SERVERBUG] Internal error).
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let run = parom.run(&["sync", "--all"]).unwrap();
    said(&run, NOT_IN_STEP, &["Locked"]);
    // The folder and its mail stay on the other side, and the other folders go on.
    world.compare(&copy.to_string_lossy(), &world.target_of(USER)).unwrap();
    oracle::run(&["do", &ours, "append", "Open", "still-carried"]).unwrap();
    parom.run(&["sync", "--all"]).unwrap();
    oracle::run(&["do", &world.target_of(USER), "flag", "Open", "still-carried", "\\Flagged"]).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o700)).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn a_refused_message_is_parked_and_the_rest_goes_on() {
    let Some(_) = world() else { return };
    let largest = Options { layout: Layout::Sdbox, largest_message: Some("300k".to_owned()), ..Options::default() };
    let world = World::of(Peer::DovecotMaildir.start().unwrap(), dovecot(largest), false).unwrap();
    let ours = world.source_of(USER);
    oracle::run(&["load", &ours, "ordinary", "--count", "40", "--body-bytes", "2000"]).unwrap();
    oracle::run(&["load", &ours, "ordinary", "--count", "1", "--body-bytes", "900000", "--seed", "big"]).unwrap();
    oracle::run(&["load", &ours, "ordinary", "--count", "40", "--body-bytes", "2000", "--seed", "more"]).unwrap();
    let parom = world.parom(USER).unwrap();
    let run = parom.run(&["sync", "--all", "--until-settled"]).unwrap();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let landed = world.snapshot(&world.target_of(USER), "landed").unwrap();
    assert_eq!(digests(&landed).len(), 80);
    let parked = parom.run(&["parked"]).unwrap().ok().unwrap();
    contains(&parked, &["boris@corp.example", "INBOX"]);
    world.idle(&parom, USER, 50_000).unwrap();
}

#[test]
fn a_full_disk_under_the_state_is_told_and_survived() {
    let Some(world) = world() else { return };
    oracle::run(&["load", &world.source_of(USER), "ordinary", "--count", "400", "--body-bytes", "500"]).unwrap();
    let disk = world.folder().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let Some(mounted) = SmallDisk::mount(&disk) else {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    };
    let parom = Parom::new(&disk.join("state"), &world.settings()).unwrap();
    parom.add(USER, USER, USER).unwrap();
    // Whatever is the first thing for which there is no room.
    for pieces_free in [0, 1, 2, 3, 4, 6, 8, 10, 12] {
        mounted.fill_up_to(pieces_free);
        said(&parom.run(&["sync", "--all"]).unwrap(), STATE, &["There is no space left"]);
        mounted.empty();
    }
    parom.settle().unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn two_processes_on_one_state_do_not_meet() {
    let Some(world) = world() else { return };
    oracle::run(&["load", &world.source_of(USER), "ordinary", "--count", "50"]).unwrap();
    let parom = world.parom(USER).unwrap();
    // The first one is held in the middle of its work; only then the second one starts.
    let (reached, told) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let spot = Spot::Pattern { direction: Direction::Up, bytes: b"APPEND".to_vec(), occurrence: 1 };
    let hold = move || {
        let _ = reached.send(());
        let _ = wait.recv();
    };
    world.target_relay.proxy().arm(spot, Act::Call(Box::new(hold)));
    let mut first = parom.command(&["sync", "--all"]);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    told.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    let second = parom.run(&["sync", "--all"]).unwrap();
    said(&second, STATE, &[&first.id().to_string()]);
    drop(go_on);
    assert!(first.wait().unwrap().success());
    parom.settle().unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn a_state_newer_than_the_binary_is_refused() {
    let Some(world) = world() else { return };
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                  db.execute('UPDATE schema_version SET version = version + 1000'); db.commit()";
    let database = parom.folder().join("parom.db");
    assert!(Command::new("python3").args(["-c", script]).arg(&database).status().unwrap().success());
    let bytes = std::fs::read(&database).unwrap();
    for command in [&["sync", "--all"][..], &["status"], &["account", "list"]] {
        said(&parom.run(command).unwrap(), STATE, &["newer"]);
    }
    assert_eq!(std::fs::read(&database).unwrap(), bytes, "a newer state must not be touched");
}

#[test]
fn an_emptied_mailbox_is_held_by_a_brake() {
    let Some(world) = world() else { return };
    let ours = world.source_of(USER);
    oracle::run(&["load", &ours, "ordinary", "--count", "120"]).unwrap();
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    let copy = world.snapshot(&world.target_of(USER), "copy").unwrap();
    let Server::Dovecot(source) = &world.source else { panic!("the source is a Dovecot") };
    // The mailbox is replaced by an empty one of the same name (L10).
    source.wipe(USER).unwrap();
    let run = parom.run(&["sync", "--all"]).unwrap();
    assert!(run.code != Some(0), "{}", run.said());
    world.compare(&copy.to_string_lossy(), &world.target_of(USER)).unwrap();
}

fn world() -> Option<World> {
    ready(&PEERS).then(|| World::new(Peer::DovecotMaildir, Peer::DovecotSdbox).unwrap())
}

fn dovecot(options: Options) -> Server {
    Server::Dovecot(Box::new(Dovecot::start(options).unwrap()))
}

/// The run ended with this code and said all of this.
fn said(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{}", run.said());
    contains(run, words);
}

fn contains(run: &Run, words: &[&str]) {
    let said = run.said().to_lowercase();
    for word in words {
        assert!(said.contains(&word.to_lowercase()), "{word:?} is missing in: {}", run.said());
    }
    assert!(!said.contains("panicked"), "{}", run.said());
}

/// The digests of all messages in a snapshot, sorted.
fn digests(snapshot: &Path) -> Vec<String> {
    let parsed: serde_json::Value = serde_json::from_slice(&std::fs::read(snapshot).unwrap()).unwrap();
    let folders = parsed["folders"].as_object().unwrap();
    let messages = folders.values().flat_map(|folder| folder["messages"].as_array().unwrap());
    let mut all: Vec<String> = messages.map(|message| message[0].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

/// A file system of a few megabytes, unmounted when dropped.
struct SmallDisk<'d> {
    folder: &'d Path,
}

impl<'d> SmallDisk<'d> {
    fn mount(folder: &'d Path) -> Option<SmallDisk<'d>> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=4m", "parom-test"]).arg(folder).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(SmallDisk { folder })
    }

    /// Leaves so many blocks free.
    fn fill_up_to(&self, pieces_free: u64) {
        let piece = vec![0; 4096];
        let mut file = std::fs::File::create(self.folder.join("ballast")).unwrap();
        while std::io::Write::write_all(&mut file, &piece).is_ok() {}
        let len = file.metadata().unwrap().len();
        file.set_len(len - len % 4096 - pieces_free * 4096).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.folder.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Without it the folder cannot be removed; nothing else can be done about a failure here.
        let _ = Command::new("umount").arg(self.folder).status();
    }
}
