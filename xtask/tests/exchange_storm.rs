//! Storms between the worst of Exchanges and a real server: people edit on both sides while Parom works, connections break, and
//! Parom is killed. When it is over both sides hold the same, each message once, and nobody was told of anything.
//!
//! `cargo xtask long exchange-storm` for 10,000 edits, 200 broken connections and 20 kills on either server.
//! `PAROM_STORM_SEED=7` for another one, `PAROM_STORM_EDITS=1000` for a longer one, `PAROM_STORM_LOG=file` to see what Parom did.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the report")]

use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Person, Quirks, Version};
use parom_lab::sample::Random;
use parom_lab::server::Hands;
use parom_lab::{FolderPath, InternalDate};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xtask::bench::floor::Client;
use xtask::live::parom::{Parom, Settings};
use xtask::live::relay::Relay;
use xtask::live::world::{Peer, Server, ready};
use xtask::live::{Address, PASSWORD};

const USER: &str = "anna";
const DATE: InternalDate = InternalDate { unix_s: 1_700_000_000, offset_min: 180 };
const FOLDERS: [&str; 4] = ["INBOX", "Work", "Archive 2026", "Projects"];
const FLAGS: [&str; 2] = ["\\Flagged", "\\Answered"];

#[test]
fn a_storm_on_dovecot_ends_with_both_sides_equal() {
    storm(Peer::DovecotMaildir, &Size::wished());
}

#[test]
fn a_storm_on_cyrus_ends_with_both_sides_equal() {
    storm(Peer::Cyrus, &Size::wished());
}

#[test]
#[ignore = "long: cargo xtask long exchange-storm"]
fn ten_thousand_edits() {
    for peer in [Peer::DovecotMaildir, Peer::Cyrus] {
        storm(peer, &Size::of(10_000));
    }
}

struct Size {
    edits: usize,
    faults: usize,
    kills: usize,
}

impl Size {
    fn of(edits: usize) -> Size {
        Size { edits, faults: edits / 50 + 1, kills: edits / 500 + 1 }
    }

    fn wished() -> Size {
        Size::of(std::env::var("PAROM_STORM_EDITS").ok().and_then(|edits| edits.parse().ok()).unwrap_or(160))
    }
}

/// Where each message is, with its flags: by what its subject says.
type Picture = BTreeMap<String, Vec<(String, BTreeSet<String>)>>;

struct Stage {
    exchange: ExchangeServer,
    here: Hands,
    /// Somebody's mail program at the target.
    there: Client,
    relay: Relay,
    parom: Parom,
    _server: Server,
    _folder: TempDir,
    _runtime: Runtime,
}

impl Stage {
    fn new(peer: Peer) -> Stage {
        let runtime = Runtime::new().unwrap();
        let people = ExchangeConfig::new(Version::E2013).with(Person::new("svc")).with(Person::new(USER));
        let exchange = runtime.block_on(ExchangeServer::start(people)).unwrap();
        exchange.grant_all("svc");
        // The dates of what was appended would differ, which nobody can help (row 24).
        exchange.switch(|quirks| *quirks = Quirks { budget: None, append_date_is_now: false, ..Quirks::worst() });
        let server = peer.start().unwrap();
        let relay = Relay::start(&server.plain(), Duration::ZERO).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let source = Address::plain(exchange.addr().port());
        let parom = Parom::new(folder.path(), &Settings::new(source, relay.address())).unwrap();
        let side = |name: &str, port: u16, more: &str| {
            format!("[domain.{name}.imap]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n{more}\n")
        };
        let text = format!(
            "[[domain]]\nname = \"corp.example\"\ngrace_s = 0\ndeletions = \"expunge\"\n{}{}",
            side(
                "source",
                exchange.addr().port(),
                "login = '{service_login}/{source_login}'\nservice_login = 'CORP/svc'\npassword = \"secret:svc\"\n\
                 quirks = { index_lag_s = 1, recovery_grace_s = 1 }"
            ),
            side("target", relay.address().port, "login = '{target_login}'\npassword = \"account\""),
        );
        std::fs::write(parom.config(), text).unwrap();
        std::fs::write(folder.path().join("svc"), "svc").unwrap();
        std::fs::write(folder.path().join("own"), PASSWORD).unwrap();
        parom.run(&["secret", "set", "svc", "--file", "svc"]).unwrap().ok().unwrap();
        let add = ["account", "add", "anna@corp.example", "--target-password-file", "own"];
        parom.run(&add).unwrap().ok().unwrap();
        let here = exchange.mailbox(USER).unwrap();
        for name in &FOLDERS[1..] {
            here.create(&path(name), None).unwrap();
        }
        parom.settle().unwrap();
        let there = Client::connect(&server.plain(), USER).unwrap();
        Stage { exchange, here, there, relay, parom, _server: server, _folder: folder, _runtime: runtime }
    }

    /// UIDs and subjects of a folder at the target.
    fn messages(&mut self, folder: &str) -> Vec<(u32, String, BTreeSet<String>)> {
        self.there.command(&format!("SELECT \"{folder}\""), |_, _| ()).unwrap();
        let mut found = Vec::new();
        let fetch = "UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])";
        // Cyrus calls it a mistake where there is nothing.
        let _ = self.there.command(fetch, |line, body| {
            let uid = line.split_once("UID ").and_then(|(_, rest)| rest.split([' ', ')']).next());
            let flags = line.split_once("FLAGS (").and_then(|(_, rest)| rest.split(')').next()).unwrap_or_default();
            let subject = String::from_utf8_lossy(body);
            if let (Some(uid), Some(subject)) = (uid.and_then(|uid| uid.parse().ok()), subject.split(": ").nth(1)) {
                let flags = flags.split(' ').filter(|flag| FLAGS.contains(flag)).map(str::to_owned).collect();
                found.push((uid, subject.trim().to_owned(), flags));
            }
        });
        found
    }

    fn picture_there(&mut self) -> Picture {
        let mut picture = Picture::new();
        for folder in FOLDERS {
            for (_, subject, flags) in self.messages(folder) {
                picture.entry(subject).or_default().push((folder.to_owned(), flags));
            }
        }
        picture
    }

    fn picture_here(&self) -> Picture {
        let mut picture = Picture::new();
        for (folder, messages) in self.here.snapshot() {
            for seen in messages {
                let flags = seen.flags.iter().map(ToString::to_string).filter(|flag| FLAGS.contains(&flag.as_str()));
                picture.entry(subject(&seen.bytes)).or_default().push((folder.to_string(), flags.collect()));
            }
        }
        picture
    }
}

fn path(name: &str) -> FolderPath {
    if name == "INBOX" { FolderPath::inbox() } else { FolderPath::new([name]).unwrap() }
}

fn subject(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("?").trim().to_owned()
}

fn mail(id: &str) -> Vec<u8> {
    format!(
        "From: anna@corp.example\r\nTo: boris@corp.example\r\nMessage-ID: <{id}@corp.example>\r\n\
         Date: Tue, 14 Nov 2023 22:13:20 +0300\r\nSubject: {id}\r\n\r\nThe text of {id}.\r\n"
    )
    .into_bytes()
}

/// What people did.
#[derive(Default)]
struct Deeds {
    born: BTreeSet<String>,
    deleted: BTreeSet<String>,
    edits: usize,
    log: Vec<String>,
}

impl Deeds {
    fn note(&mut self, what: String) {
        self.edits += 1;
        self.log.push(what);
    }

    /// What was done with one message, and what befell Parom in those rounds.
    fn about(&self, id: &str) -> String {
        let mut told = Vec::new();
        for round in self.log.split(|line| line.starts_with("round ")) {
            let is_about = |line: &&String| line.split(' ').any(|word| word == id);
            if round.iter().any(|line| is_about(&line)) {
                told.push("a round".to_owned());
                told.extend(round.iter().filter(|line| is_about(line) || !line.contains(": ")).cloned());
            }
        }
        told.join("\n")
    }

    fn bear(&mut self) -> String {
        let id = format!("m{}", self.born.len());
        self.born.insert(id.clone());
        id
    }
}

/// One edit on Exchange. What it refuses just now is left.
fn edit_here(stage: &Stage, random: &mut Random, deeds: &mut Deeds) {
    let Some(folder) = FOLDERS.get(random.index(FOLDERS.len())).copied() else { return };
    let at = path(folder);
    let messages = stage.here.messages(&at);
    let chosen =
        messages.get(random.index(messages.len())).map(|seen| (seen.uid, subject(&seen.bytes), seen.bytes.clone()));
    match (random.index(12), chosen) {
        (0..=3, _) => {
            let id = deeds.bear();
            stage.here.add(&at, mail(&id), &["\\Seen"], DATE).unwrap();
            deeds.note(format!("exchange: adds {id} to {folder}"));
        }
        (4..=6, Some((uid, id, _))) => {
            let flag = FLAGS[random.index(2)];
            let (add, remove): (&[&str], &[&str]) = if random.index(2) == 0 { (&[flag], &[]) } else { (&[], &[flag]) };
            if stage.here.flag(&at, uid, add, remove).is_ok() {
                deeds.note(format!("exchange: flags {id} in {folder}: +{add:?} -{remove:?}"));
            }
        }
        (7..=8, Some((uid, id, _))) => {
            let to = FOLDERS[random.index(FOLDERS.len())];
            if to != folder && stage.here.shift(&at, &[uid], &path(to)).is_ok() {
                deeds.note(format!("exchange: moves {id} from {folder} to {to}"));
            }
        }
        (9, Some((uid, id, _))) if stage.here.remove(&at, &[uid]).is_ok() => {
            deeds.deleted.insert(id.clone());
            deeds.note(format!("exchange: deletes {id} from {folder}"));
        }
        (10.., Some((uid, id, bytes)))
            if stage.exchange.outlook(USER).unwrap().edit(&at, uid, bytes.clone()).is_ok() =>
        {
            deeds.note(format!("exchange: sets a category of {id} in {folder}"));
        }
        _ => {}
    }
}

/// One edit at the target, as a mail program does it.
fn edit_there(stage: &mut Stage, random: &mut Random, deeds: &mut Deeds) {
    let Some(folder) = FOLDERS.get(random.index(FOLDERS.len())).copied() else { return };
    let what = random.index(10);
    if what < 4 {
        let id = deeds.bear();
        stage.there.append(folder, "\\Seen", &mail(&id)).unwrap();
        deeds.note(format!("target: adds {id} to {folder}"));
        return;
    }
    let messages = stage.messages(folder);
    let Some((uid, id, _)) = messages.get(random.index(messages.len())).cloned() else { return };
    match what {
        4..=6 => {
            let (sign, flag) = (if random.index(2) == 0 { '+' } else { '-' }, FLAGS[random.index(2)]);
            stage.there.command(&format!("UID STORE {uid} {sign}FLAGS.SILENT ({flag})"), |_, _| ()).unwrap();
            deeds.note(format!("target: flags {id} in {folder}: {sign}{flag}"));
        }
        7..=8 => {
            let to = FOLDERS[random.index(FOLDERS.len())];
            if to != folder {
                // It may be gone by now.
                let mut moved = false;
                let _ = stage
                    .there
                    .command(&format!("UID MOVE {uid} \"{to}\""), |line, _| moved |= line.contains("COPYUID"));
                if moved {
                    deeds.note(format!("target: moves {id} from {folder} to {to}"));
                }
            }
        }
        _ => {
            stage.there.command(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"), |_, _| ()).unwrap();
            let mut gone = false;
            let note = |line: &str, _: &[u8]| gone |= line.contains("EXPUNGE") || line.contains("VANISHED");
            stage.there.command(&format!("UID EXPUNGE {uid}"), note).unwrap();
            if gone {
                deeds.deleted.insert(id.clone());
                deeds.note(format!("target: deletes {id} from {folder}"));
            }
        }
    }
}

fn storm(peer: Peer, size: &Size) {
    if !ready(&[peer]) {
        return;
    }
    let seed = std::env::var("PAROM_STORM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut random = Random::new(seed);
    let mut stage = Stage::new(peer);
    let mut deeds = Deeds::default();
    let (mut faults, mut kills, mut round) = (0, 0, 0);
    while deeds.edits < size.edits {
        round += 1;
        deeds.log.push(format!("round {round}"));
        let mut sync = stage.parom.command(&["sync", "--all", "--until-settled"]);
        let quiet = std::process::Stdio::null;
        let told = std::env::var_os("PAROM_STORM_LOG").map_or_else(quiet, |file| {
            sync.arg("--verbose");
            std::fs::File::options().create(true).append(true).open(file).unwrap().into()
        });
        let mut sync = sync.stdin(quiet()).stdout(quiet()).stderr(told).spawn().unwrap();
        // As many of both as the share of edits that is done.
        let due = |all: usize, edits: usize| all * edits / size.edits;
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(random.index(30) as u64));
            if random.index(2) == 0 {
                edit_here(&stage, &mut random, &mut deeds);
            } else {
                edit_there(&mut stage, &mut random, &mut deeds);
            }
            while faults < due(size.faults, deeds.edits) {
                faults += 1;
                deeds.log.push("connections break".to_owned());
                if random.index(2) == 0 { stage.exchange.disconnect_all() } else { stage.relay.proxy().reset_all() }
            }
        }
        if kills < due(size.kills, deeds.edits) {
            std::thread::sleep(Duration::from_millis(random.index(300) as u64));
            // It may have ended by itself.
            let _ = sync.kill();
            kills += 1;
            deeds.log.push("parom is killed".to_owned());
        }
        sync.wait().unwrap();
    }
    let mut last = String::new();
    for _ in 0..12 {
        let synced = stage.parom.run(&["sync", "--all", "--until-settled"]).unwrap();
        last = synced.said();
        if synced.code == Some(0) {
            break;
        }
        stage.parom.run(&["brakes", "release", "anna@corp.example"]).unwrap();
    }
    println!(
        "storm {seed} on {peer:?}: {} edits in {round} rounds, {faults} broken connections, {kills} kills",
        deeds.edits
    );
    let (here, there) = (stage.picture_here(), stage.picture_there());
    let none = Vec::new();
    for id in &deeds.born {
        let (a, b) = (here.get(id).unwrap_or(&none), there.get(id).unwrap_or(&none));
        let story = || deeds.about(id);
        assert!(a.len() <= 1 && a == b, "{id} is {a:?} on Exchange and {b:?} at the target\n{}\n{last}", story());
        assert!(a.len() == 1 || deeds.deleted.contains(id), "{id} is lost\n{}\n{last}", story());
    }
    assert_eq!(stage.exchange.receipts(), []);
    let verified = stage.parom.run(&["verify", "anna@corp.example"]).unwrap();
    assert_eq!(verified.code, Some(0), "{}", verified.said());
}
