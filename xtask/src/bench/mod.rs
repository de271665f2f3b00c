//! `cargo xtask bench`: Parom beside mbsync and `doveadm sync`, on the same servers in the same run.

mod calendar_watch;
pub mod calendars;
pub mod corpus;
pub mod extensions;
mod fleet;
pub mod floor;
mod follow;
pub mod idle;
pub mod measure;
pub mod report;
pub mod rig;
pub mod scenario;

use crate::{Result, failure, paths};
use rig::Tool;
use scenario::SCENARIOS;
use std::path::PathBuf;
use std::process::Command;

const USAGE: &str = "cargo xtask bench [a|a-tls|b|c-far|c-many|c-one|d|e|idle|fleet]... [--runs N] [--no-peers|--without-parom] [--only TOOL] \
                     [--state-dir DIR] [--dry]\n\
                     cargo xtask bench extensions [NAME]... [--runs N] [--dry]\n\
                     cargo xtask bench calendar-watch [--mailboxes N] [--dry]\n\
                     cargo xtask bench calendars [--calendars N] [--events N] [--latency MS] [--connections N] [--dry]";

pub fn run(words: &[&str]) -> Result<()> {
    if let ["extensions", rest @ ..] = words {
        return extensions::run(rest);
    }
    if let [calendar_watch::KEY, rest @ ..] = words {
        return watch_calendars(rest);
    }
    if let [calendars::KEY, rest @ ..] = words {
        let state = tempfile::Builder::new().prefix("bench-state-").tempdir_in(paths::target())?;
        return calendars::run(rest, state.path(), &machine());
    }
    let mut keys = Vec::new();
    let mut rounds = 3;
    let mut tools = vec![Tool::Parom, Tool::Mbsync, Tool::Doveadm];
    let mut below = paths::target();
    let mut saved = true;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--runs" => rounds = words.next().and_then(|n| n.parse().ok()).ok_or_else(|| failure(USAGE))?,
            "--no-peers" => tools = vec![Tool::Parom],
            "--without-parom" => tools.retain(|tool| *tool != Tool::Parom),
            "--only" => {
                let wanted = words.next().ok_or_else(|| failure(USAGE))?;
                tools.retain(|tool| tool.name() == *wanted);
            }
            "--state-dir" => below = PathBuf::from(words.next().ok_or_else(|| failure(USAGE))?),
            "--dry" => saved = false,
            // A letter stands for all its scenarios.
            idle::KEY => keys.push(idle::KEY),
            fleet::KEY => keys.push(fleet::KEY),
            key if SCENARIOS.iter().any(|scenario| is_named(scenario.key, key)) => keys.push(key),
            _ => return Err(failure(format!("unknown word {word}\n{USAGE}"))),
        }
    }
    if tools.contains(&Tool::Parom) && !crate::live::parom::Parom::is_built() {
        return Err(failure("parom is not built: cargo build --release -p parom-app"));
    }
    // Two benchmarks at once spoil each other's figures, but they must not find each other's state.
    let state = tempfile::Builder::new().prefix("bench-state-").tempdir_in(below)?;
    let state = state.path();
    // Only a comparison is worth keeping.
    saved &= tools.len() > 1 && tools.contains(&Tool::Parom);
    let machine = machine();
    for scenario in SCENARIOS {
        if !keys.is_empty() && !keys.iter().any(|key| is_named(scenario.key, key)) {
            continue;
        }
        let tables = scenario::run(scenario, &tools, rounds, state)?;
        let section = report::section(scenario, &tables, &machine);
        println!("\n{section}");
        if saved {
            report::save(&section)?;
        }
    }
    if tools.contains(&Tool::Parom) && (keys.is_empty() || keys.contains(&idle::KEY)) {
        let section = idle::run(rounds, state, &machine)?;
        println!("\n{section}");
        if saved {
            report::save(&section)?;
        }
    }
    if tools.contains(&Tool::Parom) && (keys.is_empty() || keys.contains(&fleet::KEY)) {
        let section = fleet::run(state, &machine)?;
        println!("\n{section}");
        if saved {
            report::save(&section)?;
        }
    }
    Ok(())
}

/// By itself, because it takes long and compares with nothing.
fn watch_calendars(words: &[&str]) -> Result<()> {
    let (mailboxes, saved) = match words {
        [] => (calendar_watch::MAILBOXES, true),
        ["--dry"] => (calendar_watch::MAILBOXES, false),
        // Fewer tell nothing of the bars.
        ["--mailboxes", number] | ["--mailboxes", number, "--dry"] => {
            (number.parse().map_err(|_| failure(USAGE))?, false)
        }
        _ => return Err(failure(USAGE)),
    };
    if !crate::live::parom::Parom::is_built() {
        return Err(failure("parom is not built: cargo build --release -p parom-app"));
    }
    let state = tempfile::Builder::new().prefix("bench-state-").tempdir_in(paths::target())?;
    let section = calendar_watch::run(mailboxes, state.path(), &machine())?;
    println!("\n{section}");
    if saved { report::save(&section) } else { Ok(()) }
}

fn is_named(key: &str, word: &str) -> bool {
    key == word || key.split_once('-').is_some_and(|(letter, _)| letter == word)
}

/// Cores, processor and day, for the reader of the report.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let day = Command::new("date").arg("+%F").output().map(|output| output.stdout).unwrap_or_default();
    format!("{cores} cores ({model}), {}", String::from_utf8_lossy(&day).trim())
}
