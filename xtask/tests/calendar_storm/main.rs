//! Storms of calendars: people plan on Exchange and on their phones while Parom works, connections break and drag, servers
//! stumble, and Parom is killed. When it is over both sides hold the same, each event once, and nobody was written to.
//!
//! `cargo xtask long calendar-storm` for 50 accounts, 10,000 edits, 200 faults and 20 kills on the lab's CalDAV server and on
//! Radicale. `PAROM_STORM_SEED=7` for another one, `PAROM_STORM_EDITS=1000` for a longer one, `PAROM_STORM_OF_ONE=3` to let people
//! edit one event more often, `PAROM_STORM_LOG=file` to see what Parom did.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the report")]

mod faults;
mod outlook;
mod phone;
mod verdict;

use parom_lab::sample::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};
use xtask::live::Radicale;
use xtask::live::calendars::{Peer, Plot, Rig};

#[test]
fn a_storm_on_the_labs_server_ends_with_both_sides_equal() {
    storm(Peer::Lab, &Size::wished());
}

#[test]
fn a_storm_on_radicale_ends_with_both_sides_equal() {
    storm(Peer::Radicale, &Size { people: 3, ..Size::wished() });
}

#[test]
#[ignore = "long: cargo xtask long calendar-storm"]
fn fifty_accounts_and_ten_thousand_edits_with_the_labs_server() {
    storm(Peer::Lab, &Size::long());
}

#[test]
#[ignore = "long: cargo xtask long calendar-storm-radicale"]
fn fifty_accounts_and_ten_thousand_edits_with_radicale() {
    storm(Peer::Radicale, &Size::long());
}

#[derive(Clone, Copy)]
struct Size {
    people: usize,
    edits: usize,
    faults: usize,
    kills: usize,
    edits_in_a_round: usize,
    /// So many edits of one event: with more Parom leaves it alone for a while, which takes longer than CI has time for.
    most_of_one: usize,
    /// How long it may take until both sides are at rest.
    calm: Duration,
}

impl Size {
    fn long() -> Size {
        let edits = number("PAROM_STORM_EDITS").unwrap_or(10_000);
        // Events that were written too often wait for ten minutes.
        let calm = Duration::from_secs(40 * 60);
        let (faults, kills) = (edits / 50, edits / 500);
        Size { people: 50, edits, faults, kills, edits_in_a_round: 100, most_of_one: usize::MAX, calm }
    }

    fn wished() -> Size {
        let edits = number("PAROM_STORM_EDITS").unwrap_or(200);
        Size {
            people: 6,
            edits,
            faults: edits / 20,
            kills: edits / 100,
            edits_in_a_round: 20,
            most_of_one: number("PAROM_STORM_OF_ONE").unwrap_or(2),
            calm: Duration::from_secs(90),
        }
    }
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// What people did, with events that are known by the first word of their titles.
#[derive(Default)]
pub struct Deeds {
    pub born: BTreeMap<String, String>,
    pub deleted: BTreeSet<String>,
    edits_of: BTreeMap<String, usize>,
    pub edits: usize,
    pub log: Vec<String>,
    most_of_one: usize,
}

impl Deeds {
    pub fn bear(&mut self, whose: &str) -> String {
        let id = format!("e{}", self.born.len());
        self.born.insert(id.clone(), whose.to_owned());
        id
    }

    pub fn note(&mut self, id: &str, what: String) {
        self.edits += 1;
        *self.edits_of.entry(id.to_owned()).or_default() += 1;
        self.log.push(format!("{id} {what}"));
    }

    pub fn may_edit(&self, id: &str) -> bool {
        self.edits_of.get(id).copied().unwrap_or(0) < self.most_of_one
    }

    /// What was done with one event, and what befell Parom meanwhile.
    pub fn about(&self, id: &str) -> String {
        let first = self.log.iter().position(|line| line.split(' ').next() == Some(id)).unwrap_or(0);
        let concerns = |line: &&String| line.split(' ').next() == Some(id) || line.starts_with('#');
        self.log[first..].iter().filter(concerns).cloned().collect::<Vec<_>>().join("\n")
    }
}

/// What an event is called, and by what it is known.
pub fn id_of(title: &str) -> &str {
    title.split(' ').next().unwrap_or_default()
}

fn storm(peer: Peer, size: &Size) {
    if peer == Peer::Radicale && !Radicale::is_installed() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "radicale is missing");
        eprintln!("SKIPPED: radicale is not installed, so nothing was tested against it");
        return;
    }
    let seed = number("PAROM_STORM_SEED").unwrap_or(1);
    println!("storm {seed} on {peer:?}");
    let mut random = Random::new(seed as u64);
    let folder = tempfile::tempdir().unwrap();
    let plot = Plot { people: size.people, peer, relays: true, accounts_at_once: 8, connections: 16 };
    let rig = Rig::build(folder.path(), &plot).unwrap();
    let mut deeds = Deeds { most_of_one: usize::MAX, ..Deeds::default() };
    for name in &rig.people {
        (0..8).for_each(|_| outlook::bear(&rig, name, &mut random, &mut deeds));
    }
    rig.parom.run(&["calendar", "subscribe", "--all"]).unwrap().ok().unwrap();
    deeds = Deeds { born: deeds.born, most_of_one: size.most_of_one, ..Deeds::default() };

    let began = Instant::now();
    let (mut faults, mut kills, mut round) = (0, 0, 0);
    while deeds.edits < size.edits {
        round += 1;
        deeds.log.push(format!("# round {round}"));
        let mut sync = rig.parom.command(&["calendar", "sync", "--all"]);
        let told = std::env::var_os("PAROM_STORM_LOG").map_or_else(Stdio::null, |file| {
            sync.arg("--verbose");
            std::fs::File::options().create(true).append(true).open(file).unwrap().into()
        });
        let mut sync = sync.stdin(Stdio::null()).stdout(Stdio::null()).stderr(told).spawn().unwrap();
        // As many of both as the share of edits that is done.
        let due = |all: usize, edits: usize| all * edits / size.edits;
        for _ in 0..size.edits_in_a_round {
            std::thread::sleep(Duration::from_millis(random.below(30)));
            let name = rig.people[random.index(rig.people.len())].clone();
            if random.index(2) == 0 {
                outlook::edit(&rig, &name, &mut random, &mut deeds);
            } else {
                phone::edit(&rig, &name, &mut random, &mut deeds);
            }
            while faults < due(size.faults, deeds.edits) {
                faults += 1;
                let fault = faults::strike(&rig, &mut random);
                deeds.log.push(format!("# {fault}"));
            }
        }
        if kills < due(size.kills, deeds.edits) {
            std::thread::sleep(Duration::from_millis(random.below(300)));
            // It may have ended by itself.
            let _ = sync.kill();
            kills += 1;
            deeds.log.push("# parom is killed".to_owned());
        }
        sync.wait().unwrap();
    }
    faults::end(&rig);
    println!(
        "storm {seed} on {peer:?}: {} accounts, {} edits in {round} rounds and {:.0} s, {faults} faults, {kills} kills",
        rig.people.len(),
        deeds.edits,
        began.elapsed().as_secs_f64()
    );
    verdict::calm(&rig, &deeds, size.calm);
    verdict::judge(&rig, &deeds);
}
