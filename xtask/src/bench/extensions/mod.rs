//! `cargo xtask bench extensions`: Parom with an IMAP extension and without it, on the same servers with the same mail.

mod cases;
mod page;

use super::measure::{self, Cost, median};
use super::rig::{Rig, Surroundings, Tool, Variant};
use crate::{Result, failure, paths};
use cases::{CASES, Case, Part};
use std::collections::BTreeMap;
use std::path::Path;

const USAGE: &str = "cargo xtask bench extensions [NAME]... [--runs N] [--dry]";

pub fn run(words: &[&str]) -> Result<()> {
    let (mut names, mut rounds, mut saved) = (Vec::new(), 3, true);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--runs" => rounds = words.next().and_then(|n| n.parse().ok()).ok_or_else(|| failure(USAGE))?,
            "--dry" => saved = false,
            name if CASES.iter().any(|case| case.extension == name) => names.push(name),
            _ => return Err(failure(format!("nothing is measured for {word}\n{USAGE}"))),
        }
    }
    if !crate::live::parom::Parom::is_built() {
        return Err(failure("parom is not built: cargo build --release -p parom-app"));
    }
    let state = tempfile::Builder::new().prefix("bench-state-").tempdir_in(paths::target())?;
    for case in CASES.iter().filter(|case| names.is_empty() || names.contains(&case.extension)) {
        let rows = case_rows(case, rounds, state.path())?;
        rows.iter().for_each(|row| println!("{}", page::line(row)));
        if saved {
            page::save(&rows, &super::machine())?;
        }
    }
    Ok(())
}

/// One run of Parom.
#[derive(Clone, Copy, Debug)]
struct Sample {
    cost: Cost,
    bytes: u64,
    turns: u64,
}

/// A line of the table: all runs of a scenario, with the extension and without.
#[derive(Debug)]
struct Row {
    extension: &'static str,
    scenario: String,
    on: Vec<Sample>,
    off: Vec<Sample>,
}

/// The two installations that are compared.
const SWITCHES: [&str; 2] = ["on", "off"];

/// Measures the parts of a case one after the other on one pair of servers; on and off take turns in every round.
fn case_rows(case: &'static Case, rounds: usize, state: &Path) -> Result<Vec<Row>> {
    println!("{}, {}", case.extension, case.place.name);
    let around = Surroundings {
        counted: true,
        line_bytes_per_s: case.place.line_bytes_per_s,
        compress: case.extension == "compress",
        servers: case.servers,
    };
    let mut rig = Rig::build_in(around, case.place.setting(), state)?;
    let mut rows = Vec::new();
    if case.parts.contains(&Part::FirstCopy) {
        rows.push(row(case, Part::FirstCopy, rounds, &mut rig, |rig, _| rig.start_over(Tool::Parom))?);
    } else {
        settle(case, &mut rig, true)?;
    }
    if case.parts != [Part::FirstCopy] {
        // The second run absorbs what is still to be learnt about our own copies.
        settle(case, &mut rig, false)?;
    }
    for part in case.parts.iter().filter(|part| **part != Part::FirstCopy) {
        // What takes little time varies more, and is measured more often.
        let rounds = if *part == Part::Moves { rounds } else { rounds * 3 };
        rows.push(row(case, *part, rounds, &mut rig, |rig, round| match (*part, round) {
            (Part::FewChanges, Some(round)) => rig.churn(round),
            (Part::Moves, Some(round)) => rig.shift(round, MOVES),
            _ => Ok(()),
        })?);
    }
    for switch in SWITCHES {
        rig.take(variant(case, switch));
        rig.check().map_err(|found| failure(format!("{} {switch}: the copy is not exact: {found}", case.extension)))?;
    }
    Ok(rows)
}

/// So many messages change their folder between two runs.
const MOVES: usize = 20;

fn settle(case: &Case, rig: &mut Rig, anew: bool) -> Result<()> {
    for switch in SWITCHES {
        rig.take(variant(case, switch));
        if anew {
            rig.start_over(Tool::Parom)?;
        }
        rig.run(Tool::Parom)?;
    }
    Ok(())
}

/// `before` prepares each run; it gets the number of the round when that has just begun.
fn row(
    case: &'static Case,
    part: Part,
    rounds: usize,
    rig: &mut Rig,
    before: impl Fn(&Rig, Option<usize>) -> Result<()>,
) -> Result<Row> {
    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for round in 0..rounds {
        // Whoever comes first finds colder caches, so they take turns at that too.
        let order = if round % 2 == 0 { SWITCHES } else { [SWITCHES[1], SWITCHES[0]] };
        for (at, switch) in order.into_iter().enumerate() {
            rig.take(variant(case, switch));
            before(rig, (at == 0).then_some(round))?;
            let sample = sample(rig)?;
            println!(
                "  {:12} {switch:3} {:8.3} s wall  {:7.2} s CPU",
                part.name(),
                sample.cost.wall_s,
                sample.cost.cpu_s
            );
            samples.entry(switch).or_default().push(sample);
        }
    }
    let mut of = |switch| samples.remove(switch).unwrap_or_default();
    let scenario = format!("{}, {}", part.name(), case.place.name);
    Ok(Row { extension: case.extension, scenario, on: of("on"), off: of("off") })
}

fn sample(rig: &mut Rig) -> Result<Sample> {
    let before = rig.traffic();
    let cost = measure::run(&rig.invocation(Tool::Parom)?)?;
    let (mut bytes, mut turns) = (0, 0);
    for (now, then) in rig.traffic().iter().zip(before) {
        bytes += now.up + now.down - then.up - then.down;
        turns += now.turns - then.turns;
    }
    Ok(Sample { cost, bytes, turns })
}

/// An installation whose configuration switches the extension, and those off that would hide it.
fn variant(case: &Case, switch: &'static str) -> Variant {
    let hidden = case.without.iter().map(|name| format!(", {name} = \"off\"")).collect::<String>();
    Variant { name: switch, sides: format!("extensions = {{ {} = \"{switch}\"{hidden} }}", case.extension) }
}

/// The median of each figure on its own.
fn middle(samples: &[Sample]) -> Sample {
    let costs: Vec<Cost> = samples.iter().map(|sample| sample.cost).collect();
    let middle = |figure: fn(&Sample) -> u64| {
        let mut figures: Vec<u64> = samples.iter().map(figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    Sample { cost: median(&costs), bytes: middle(|sample| sample.bytes), turns: middle(|sample| sample.turns) }
}
