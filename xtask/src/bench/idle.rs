//! What an account costs that has nothing to do: memory and CPU of an idle run over 200 and over 2,000 accounts.

use super::corpus::{Body, Shape};
use super::measure::{self, Cost, median};
use super::rig::{Rig, Setting, Tool};
use crate::Result;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

pub const KEY: &str = "idle";
const TITLE: &str = "Idle cost of an account";
const FEW: u64 = 200;
const MANY: u64 = 2_000;
/// One message in each of three folders: what an account keeps in memory must not hang on its mail.
const SHAPE: Shape = Shape { messages: 3, folders: 3, big_one_in: 0, fixed_bytes: 1_000, body: Body::Attachment };

/// Returns the section of the report.
pub fn run(rounds: usize, state: &Path, machine: &str) -> Result<String> {
    let (few, many) = (idle(FEW, rounds, state)?, idle(MANY, rounds, state)?);
    let more = (MANY - FEW) as f64;
    let memory_kb = (many.peak_mb - few.peak_mb) * 1024.0 / more;
    let cpu_ms = (many.cpu_s - few.cpu_s) * 1000.0 / more;
    let met = |value: f64, bar: f64| if value <= bar { "met" } else { "MISSED" };
    let mut text = format!("## {TITLE}\n\n`cargo xtask bench {KEY}` on {machine}\n\n");
    text.push_str("| accounts in step | wall, s | CPU, s | peak, MB |\n|---|---|---|---|\n");
    for (accounts, Cost { wall_s, cpu_s, peak_mb }) in [(FEW, few), (MANY, many)] {
        let _ = writeln!(text, "| {accounts} | {wall_s:.3} | {cpu_s:.2} | {peak_mb:.1} |");
    }
    let _ = write!(
        text,
        "\n- memory per further account, KB: {memory_kb:.1}, bar 16: {}\n- CPU per idle pass, ms: {cpu_ms:.2}, bar 5: {}\n",
        met(memory_kb, 16.0),
        met(cpu_ms, 5.0)
    );
    Ok(text)
}

fn idle(users: u64, rounds: usize, state: &Path) -> Result<Cost> {
    println!("{TITLE}: {users} accounts");
    let rig = Rig::build(Setting { users, shape: SHAPE, round_trip: Duration::ZERO, tls: false }, state)?;
    rig.start_over(Tool::Parom)?;
    let invocation = rig.invocation(Tool::Parom)?;
    measure::run(&invocation)?;
    measure::run(&invocation)?;
    let costs: Vec<Cost> = (0..rounds).map(|_| measure::run(&invocation)).collect::<Result<_>>()?;
    Ok(median(&costs))
}
