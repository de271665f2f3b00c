//! kill -9 and cut connections, keyed to bytes that pass the fault proxy: the end is the same, whatever the moment.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use parom_lab::proxy::{Act, Direction, Spot};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use xtask::live::oracle;
use xtask::live::parom::Parom;
use xtask::live::relay::Relay;
use xtask::live::world::{Peer, World, ready};

/// What happens at the chosen byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    Kill,
    Cut,
}

/// What Parom is doing when it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    FirstCopy,
    /// New mail, flags, moves and deletions on both sides, and a folder renamed.
    Edits,
}

/// One spot on the wire, as a share of what passes there in an undisturbed run, or at a word.
#[derive(Clone, Debug)]
enum Moment {
    Share { of_target: bool, direction: Direction, thousandths: u64 },
    Word { of_target: bool, direction: Direction, word: &'static str, occurrence: u64 },
}

#[test]
fn kills_while_copying() {
    blows(Work::FirstCopy, Blow::Kill, spread(8));
}

#[test]
fn kills_while_carrying_edits() {
    blows(Work::Edits, Blow::Kill, spread(8));
}

#[test]
fn cuts_while_copying() {
    blows(Work::FirstCopy, Blow::Cut, spread(6));
}

#[test]
fn cuts_while_carrying_edits() {
    blows(Work::Edits, Blow::Cut, spread(6));
}

#[test]
fn kills_at_the_words_that_matter() {
    blows(Work::FirstCopy, Blow::Kill, words(&COPY_WORDS));
    blows(Work::Edits, Blow::Kill, words(&EDIT_WORDS));
}

#[test]
fn cuts_at_the_words_that_matter() {
    blows(Work::FirstCopy, Blow::Cut, words(&COPY_WORDS));
    blows(Work::Edits, Blow::Cut, words(&EDIT_WORDS));
}

#[test]
#[ignore = "long: cargo xtask long kills"]
fn a_hundred_kills() {
    blows(Work::FirstCopy, Blow::Kill, spread(50));
    blows(Work::Edits, Blow::Kill, spread(50));
}

#[test]
#[ignore = "long: cargo xtask long cuts"]
fn a_hundred_cuts() {
    blows(Work::FirstCopy, Blow::Cut, spread(50));
    blows(Work::Edits, Blow::Cut, spread(50));
}

/// `count` moments spread over a run: on both connections, in both directions.
fn spread(count: u64) -> Vec<Moment> {
    (0..count)
        .map(|at| Moment::Share {
            // Three of four at the target: that is where most is written.
            of_target: at % 4 != 3,
            direction: if at % 2 == 0 { Direction::Up } else { Direction::Down },
            thousandths: (at * 1000 + 500) / count,
        })
        .collect()
}

/// In a literal's announcement, between a command and its answer, right after an answer.
const COPY_WORDS: [(bool, Direction, &str, u64); 5] = [
    (true, Direction::Up, "APPEND", 1),
    (true, Direction::Up, "APPEND", 3),
    (true, Direction::Down, "APPENDUID", 1),
    (true, Direction::Up, "CREATE", 1),
    (false, Direction::Down, "BODY[]", 60),
];

const EDIT_WORDS: [(bool, Direction, &str, u64); 7] = [
    (true, Direction::Up, "APPEND", 1),
    (false, Direction::Down, "APPENDUID", 1),
    (true, Direction::Up, "MOVE", 1),
    (true, Direction::Down, "COPYUID", 1),
    (true, Direction::Up, "EXPUNGE", 1),
    (true, Direction::Up, "STORE", 1),
    (true, Direction::Up, "RENAME", 1),
];

fn words(all: &[(bool, Direction, &'static str, u64)]) -> Vec<Moment> {
    all.iter()
        .map(|(of_target, direction, word, occurrence)| Moment::Word {
            of_target: *of_target,
            direction: *direction,
            word,
            occurrence: *occurrence,
        })
        .collect()
}

/// Deals a blow at each moment, each time to a fresh account with the same mail, and looks at the end.
fn blows(work: Work, blow: Blow, moments: Vec<Moment>) {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let world = World::new(Peer::DovecotMaildir, Peer::DovecotSdbox).unwrap();
    let undisturbed = Stage::set(&world, work, "model");
    let before = bytes(&world);
    undisturbed.parom.settle().unwrap();
    let after = bytes(&world);
    undisturbed.judge(&world).unwrap();

    let mut dealt = 0;
    let all = moments.len();
    for (at, moment) in moments.into_iter().enumerate() {
        let stage = Stage::set(&world, work, &format!("user{at}"));
        let hit = stage.disturbed(&world, &moment, blow, &before, &after);
        dealt += usize::from(hit);
        // What was begun is finished by the next run; the run after that finds nothing to do.
        let told = || format!("{work:?} {blow:?} at {moment:?} (reached: {hit})");
        stage.parom.settle().unwrap_or_else(|found| panic!("{}: {found}", told()));
        stage.judge(&world).unwrap_or_else(|found| panic!("{}: {found}", told()));
        let idle = world.idle(&stage.parom, &stage.user, 200_000);
        idle.unwrap_or_else(|found| panic!("{}: {found}", told()));
    }
    // A run with a blow may need fewer bytes than the model, so the last moments may not be reached.
    assert!(dealt * 10 >= all * 8, "only {dealt} of {all} moments were reached");
}

/// An account just before the work, and what must be there after it.
struct Stage {
    user: String,
    parom: Parom,
    base: PathBuf,
    journals: Vec<PathBuf>,
}

impl Stage {
    fn set(world: &World, work: Work, user: &str) -> Stage {
        let (ours, theirs) = (world.source_of(user), world.target_of(user));
        for (folder, count) in [("INBOX", "60"), ("One", "40"), ("One/Two", "30")] {
            let words = ["load", &ours, "ordinary", "--folder", folder, "--seed", folder, "--count", count];
            oracle::run(&words).unwrap();
        }
        let parom = world.parom(user).unwrap();
        let mut stage = Stage { user: user.to_owned(), parom, base: PathBuf::new(), journals: Vec::new() };
        if work == Work::Edits {
            stage.parom.settle().unwrap();
        }
        stage.base = world.snapshot(&ours, &format!("{user}-base")).unwrap();
        if work == Work::Edits {
            // The seeds do not depend on the account, so that all accounts have the same to do.
            let operations = "append,append,append,flag,move,delete";
            for (mailbox, share, seed) in [(&ours, "1/2", "here"), (&theirs, "2/2", "there")] {
                let journal = world.edit(mailbox, seed, 24, share, operations).unwrap();
                let kept = world.folder().join(format!("{user}-{seed}.journal"));
                std::fs::rename(journal, &kept).unwrap();
                stage.journals.push(kept);
            }
            let renamed = world.edit(&ours, "rename", 1, "1/2", "rename").unwrap();
            let kept = world.folder().join(format!("{user}-rename.journal"));
            std::fs::rename(renamed, &kept).unwrap();
            stage.journals.push(kept);
        }
        stage
    }

    /// Both sides hold exactly what was there with the edits of both, no more and no less.
    fn judge(&self, world: &World) -> xtask::Result<()> {
        let journals: Vec<&std::path::Path> = self.journals.iter().map(PathBuf::as_path).collect();
        world.expect(&self.base, &journals, &world.source_of(&self.user))?;
        world.expect(&self.base, &journals, &world.target_of(&self.user))
    }

    /// Runs Parom with a blow at the moment. Was it reached?
    fn disturbed(&self, world: &World, moment: &Moment, blow: Blow, before: &Bytes, after: &Bytes) -> bool {
        let (relay, spot) = spot(world, moment, before, after);
        let (tell_pid, pid) = mpsc::channel::<u32>();
        match blow {
            Blow::Kill => relay.proxy().call_at(spot, move || {
                // Nothing is forwarded until this returns, so the process dies exactly here.
                if let Ok(pid) = pid.recv_timeout(Duration::from_secs(60)) {
                    let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
                }
            }),
            Blow::Cut => relay.proxy().arm(spot, Act::Reset),
        }
        let mut command = self.parom.command(&["sync", "--all"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let _ = tell_pid.send(child.id());
        let status = child.wait().unwrap();
        let hit = relay.proxy().armed() == 0;
        relay.proxy().disarm();
        if blow == Blow::Kill {
            assert_eq!(hit, status.code().is_none(), "a run ends by the signal exactly if the moment was reached");
        }
        hit
    }
}

/// Bytes that have passed each proxy: up and down.
struct Bytes {
    source: (u64, u64),
    target: (u64, u64),
}

fn bytes(world: &World) -> Bytes {
    let of = |relay: &Relay| {
        let counters = relay.proxy().counters();
        (counters.up, counters.down)
    };
    Bytes { source: of(&world.source_relay), target: of(&world.target_relay) }
}

/// Where a moment lies for a run that begins now.
fn spot<'w>(world: &'w World, moment: &Moment, before: &Bytes, after: &Bytes) -> (&'w Relay, Spot) {
    match moment {
        Moment::Word { of_target, direction, word, occurrence } => {
            let relay = if *of_target { &world.target_relay } else { &world.source_relay };
            (relay, Spot::Pattern { direction: *direction, bytes: word.as_bytes().to_vec(), occurrence: *occurrence })
        }
        Moment::Share { of_target, direction, thousandths } => {
            let (relay, before, after) = if *of_target {
                (&world.target_relay, before.target, after.target)
            } else {
                (&world.source_relay, before.source, after.source)
            };
            let counters = relay.proxy().counters();
            let (now, whole) = match direction {
                Direction::Up => (counters.up, after.0 - before.0),
                Direction::Down => (counters.down, after.1 - before.1),
            };
            (relay, Spot::Total(*direction, now + whole * thousandths / 1000))
        }
    }
}
