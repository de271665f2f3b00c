//! A storm between an Exchange with all its ways at their worst and a plain server: people edit on both sides while Parom
//! works, connections break, and Parom is killed. When it is over both sides hold the same, each message once.
//!
//! `PAROM_STORM_ROUNDS=100 PAROM_STORM_SEED=7 cargo test -p parom-app --test exchange -- storm` for more of it.

use crate::slashes::{share, spelled};
use crate::stage::{DATE, Stage, mail, token, told};
use parom_domain::FolderPath;
use parom_lab::ews::Reaction;
use parom_lab::exchange::{Quirks, Version};
use parom_lab::sample::Random;
use parom_lab::server::Hands;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What people did.
#[derive(Default)]
struct Deeds {
    born: BTreeSet<String>,
    deleted: BTreeSet<String>,
    edits: usize,
    log: Vec<String>,
}

const FLAGS: [&str; 3] = ["\\Flagged", "\\Answered", "\\Seen"];
/// Folders of the storm, besides the inbox.
const FOLDERS: [&str; 3] = ["Работа", "Архив 2026", "Проекты"];

/// Folders that Exchange hides from IMAP.
const HIDDEN: [&[&str]; 2] = [&["Смета 2024/2025"], &["Смета 2024/2025", "Ниже"]];

fn places(with_hidden: bool) -> Vec<FolderPath> {
    let named = FOLDERS.iter().map(|name| FolderPath::new([*name]).unwrap());
    let hidden = HIDDEN.iter().filter(|_| with_hidden).map(|names| FolderPath::new(names.iter().copied()).unwrap());
    std::iter::once(FolderPath::inbox()).chain(named).chain(hidden).collect()
}

/// One edit by somebody on one side. What the server would refuse just now is left.
fn edit(stage: &Stage, random: &mut Random, deeds: &mut Deeds, with_hidden: bool) {
    let (here, there) = stage.hands();
    let on_exchange = random.index(2) == 0;
    let hands: &Hands = if on_exchange { &here } else { &there };
    let places = places(with_hidden);
    let places: Vec<FolderPath> =
        places.iter().map(|place| if on_exchange { place.clone() } else { spelled(place) }).collect();
    let Some(folder) = places.get(random.index(places.len())).cloned() else { return };
    let messages = hands.messages(&folder);
    let chosen =
        messages.get(random.index(messages.len())).map(|seen| (seen.uid, token(&seen.bytes), seen.bytes.clone()));
    let what = match (random.index(12), chosen) {
        (0..=3, _) => {
            let id = format!("m{}", deeds.born.len());
            if hands.add(&folder, mail(&id), &["\\Seen"], DATE).is_err() {
                return;
            }
            deeds.born.insert(id.clone());
            format!("adds {id} to {folder}")
        }
        (4..=6, Some((uid, id, _))) => {
            let Some(flag) = FLAGS[..2].get(random.index(FLAGS[..2].len())).copied() else { return };
            let (add, remove): (&[&str], &[&str]) = if random.index(2) == 0 { (&[flag], &[]) } else { (&[], &[flag]) };
            let _ = hands.flag(&folder, uid, add, remove);
            format!("flags {id} in {folder}: +{add:?} -{remove:?}")
        }
        (7..=8, Some((uid, id, _))) => {
            let Some(to) = places.get(random.index(places.len())).filter(|to| **to != folder) else { return };
            if hands.shift(&folder, &[uid], to).is_err() {
                return;
            }
            format!("moves {id} from {folder} to {to}")
        }
        (9, Some((uid, id, _))) => {
            if hands.remove(&folder, &[uid]).is_err() {
                return;
            }
            deeds.deleted.insert(id.clone());
            format!("deletes {id} from {folder}")
        }
        (10..=11, Some((uid, id, bytes))) if on_exchange => {
            if stage.exchange.outlook("anna").unwrap().edit(&folder, uid, bytes).is_err() {
                return;
            }
            format!("sets a category of {id} in {folder}")
        }
        _ => return,
    };
    deeds.edits += 1;
    deeds.log.push(format!("{}: {what}", if on_exchange { "exchange" } else { "target" }));
}

/// How often each message is where, on one side.
fn where_each_is(stage: &Stage, hands: &Hands) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (folder, tokens) in stage.tokens(hands) {
        for (token, count) in tokens {
            // As the target spells it.
            let folder = folder.replace("//", "\u{2215}");
            all.entry(token).or_default().extend(std::iter::repeat_n(folder, count));
        }
    }
    all
}

fn marks(hands: &Hands) -> BTreeSet<(String, Vec<String>)> {
    let messages = hands.snapshot().into_values().flatten();
    let named = |seen: &parom_lab::server::Seen| {
        let mut flags: Vec<String> = seen.flags.iter().map(|flag| flag.to_string()).collect();
        flags.retain(|flag| FLAGS.contains(&flag.as_str()));
        flags.sort();
        (token(&seen.bytes), flags)
    };
    messages.map(|seen| named(&seen)).collect()
}

fn storm(seed: u64, rounds: usize, with_hidden: bool) {
    let mut random = Random::new(seed);
    let stage = Stage::new(Version::E2013);
    stage.configure("deletions = \"expunge\"");
    stage.exchange.switch(|quirks| *quirks = Quirks { budget: None, ..Quirks::worst() });
    let ews = with_hidden.then(|| share(&stage, Version::E2013));
    let (here, there) = stage.hands();
    for folder in places(with_hidden).iter().skip(1) {
        here.create(folder, None).unwrap();
    }
    // People can use what is there on their side.
    stage.sync();
    let mut deeds = Deeds::default();
    for _ in 0..30 {
        edit(&stage, &mut random, &mut deeds, with_hidden);
    }
    let (mut kills, mut breaks) = (0, 0);
    for round in 0..rounds {
        deeds.log.push(format!("round {round}"));
        let mut parom = stage.begin();
        for _ in 0..random.index(12) {
            std::thread::sleep(Duration::from_millis(random.index(120) as u64));
            edit(&stage, &mut random, &mut deeds, with_hidden);
            if let Some((ews, _)) = ews.as_ref().filter(|_| random.index(6) == 0) {
                let (operation, reaction) = fault(&mut random);
                ews.script(operation, reaction);
                deeds.log.push(format!("EWS fails: {operation}, {reaction:?}"));
            }
            if random.index(12) == 0 {
                stage.exchange.disconnect_all();
                breaks += 1;
                deeds.log.push("connections break".to_owned());
            }
        }
        if random.index(4) == 0 {
            std::thread::sleep(Duration::from_millis(random.index(400) as u64));
            parom.kill().unwrap();
            kills += 1;
            deeds.log.push("parom is killed".to_owned());
        }
        parom.wait().unwrap();
        for _ in 0..random.index(6) {
            edit(&stage, &mut random, &mut deeds, with_hidden);
        }
    }
    let mut last = String::new();
    for _ in 0..12 {
        let synced = stage.sync();
        last = told(&synced);
        if synced.status.success() {
            break;
        }
        stage.run(&["brakes", "release", "anna@corp.example"]);
    }
    println!("storm {seed}: {} edits, {breaks} broken connections, {kills} kills", deeds.edits);
    let story = || format!("seed {seed}\n{}\n{last}\n{}", deeds.log.join("\n"), told(&stage.run(&["parked"])));
    let (on_exchange, on_target) = (where_each_is(&stage, &here), where_each_is(&stage, &there));
    for id in &deeds.born {
        let places = |side: &BTreeMap<String, Vec<String>>| side.get(id).cloned().unwrap_or_default();
        let (a, b) = (places(&on_exchange), places(&on_target));
        assert!(a.len() <= 1 && a == b, "{id} is in {a:?} on Exchange and in {b:?} on the target\n{}", story());
        assert!(a.len() == 1 || deeds.deleted.contains(id), "{id} is lost\n{}", story());
    }
    assert_eq!(marks(&here), marks(&there), "{}", story());
    assert_eq!(stage.exchange.receipts(), [], "{}", story());
    assert!(ews.as_ref().is_none_or(|(ews, _)| ews.outgoing().is_empty()), "{}", story());
    stage.settle();
}

/// How the next call of some operation of EWS ends.
fn fault(random: &mut Random) -> (&'static str, Reaction) {
    let operations = ["FindFolder", "FindItem", "GetItem", "CreateItem", "UpdateItem", "DeleteItem", "MoveItem"];
    let reactions = [
        Reaction::Broken,
        Reaction::BrokenAfter,
        Reaction::Status(503),
        Reaction::Fault("ErrorInternalServerTransientError"),
        Reaction::Busy { backoff_ms: 300 },
        Reaction::StopBatchAfter(1),
    ];
    let operation = operations.get(random.index(operations.len())).copied().unwrap();
    (operation, reactions.get(random.index(reactions.len())).copied().unwrap())
}

#[test]
fn a_storm_ends_with_both_sides_equal_and_nobody_told() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let rounds = number("PAROM_STORM_ROUNDS").and_then(|rounds| usize::try_from(rounds).ok()).unwrap_or(8);
    storm(number("PAROM_STORM_SEED").unwrap_or(1), rounds, false);
}

#[test]
fn a_storm_over_folders_that_imap_hides_ends_with_both_sides_equal() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let rounds = number("PAROM_STORM_ROUNDS").and_then(|rounds| usize::try_from(rounds).ok()).unwrap_or(8);
    storm(number("PAROM_STORM_SEED").unwrap_or(1), rounds, true);
}
