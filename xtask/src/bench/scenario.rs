//! The scenarios, their bars, and how each is run.

use super::corpus;
use super::measure::Cost;
use super::rig::{Rig, Setting, Tool};
use crate::{Result, failure};
use std::path::Path;
use std::time::Duration;

/// What is measured in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Into an emptied target.
    FirstCopy,
    /// With nothing changed, and then after 1 % new messages and 5 % changed flags.
    Again,
}

/// A limit on a figure of Parom's.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// Wall time as a multiple of the other tool's.
    Wall(Tool, f64),
    /// The same, as a wish beyond what is promised.
    Moonshot(Tool, f64),
    /// CPU as a multiple of the other tool's.
    Cpu(Tool, f64),
    PeakMb(f64),
}

#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub key: &'static str,
    pub title: &'static str,
    pub kind: Kind,
    pub setting: Setting,
    pub bars: &'static [Bar],
}

const FAR: Duration = Duration::from_millis(40);
const NEAR: Duration = Duration::ZERO;

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        key: "a",
        title: "(a) First copy of one mailbox, plain",
        kind: Kind::FirstCopy,
        setting: Setting { users: 1, shape: corpus::MAILBOX, round_trip: NEAR, tls: false },
        bars: &[
            Bar::Wall(Tool::Mbsync, 0.5),
            Bar::Wall(Tool::Doveadm, 1.0),
            Bar::Moonshot(Tool::Floor, 1.25),
            Bar::Cpu(Tool::Mbsync, 1.5),
            Bar::PeakMb(60.0),
        ],
    },
    Scenario {
        key: "a-tls",
        title: "(a) First copy of one mailbox, TLS",
        kind: Kind::FirstCopy,
        setting: Setting { users: 1, shape: corpus::MAILBOX, round_trip: NEAR, tls: true },
        bars: &[Bar::Wall(Tool::Mbsync, 0.6), Bar::Cpu(Tool::Mbsync, 1.5), Bar::PeakMb(60.0)],
    },
    Scenario {
        key: "b",
        title: "(b) First copy over 40 ms of round trip",
        kind: Kind::FirstCopy,
        setting: Setting { users: 1, shape: corpus::FAR_MAILBOX, round_trip: FAR, tls: false },
        bars: &[Bar::Wall(Tool::Mbsync, 0.12)],
    },
    Scenario {
        key: "c-far",
        title: "(c) Second run over 40 ms of round trip",
        kind: Kind::Again,
        setting: Setting { users: 1, shape: corpus::FAR_MAILBOX, round_trip: FAR, tls: false },
        bars: &[Bar::Wall(Tool::Mbsync, 0.2)],
    },
    Scenario {
        key: "c-many",
        title: "(c) Second run over 100 mailboxes",
        kind: Kind::Again,
        setting: Setting { users: 100, shape: corpus::SMALL_MAILBOX, round_trip: NEAR, tls: false },
        bars: &[Bar::Wall(Tool::Mbsync, 0.4)],
    },
    Scenario {
        key: "c-one",
        title: "(c) Second run over one mailbox",
        kind: Kind::Again,
        setting: Setting { users: 1, shape: corpus::MAILBOX, round_trip: NEAR, tls: false },
        bars: &[Bar::Wall(Tool::Mbsync, 1.5)],
    },
    Scenario {
        key: "d",
        title: "(d) First copy of 100 mailboxes",
        kind: Kind::FirstCopy,
        setting: Setting { users: 100, shape: corpus::SMALL_MAILBOX, round_trip: NEAR, tls: false },
        bars: &[Bar::Wall(Tool::Mbsync, 0.55), Bar::Moonshot(Tool::Mbsync, 0.45), Bar::PeakMb(150.0)],
    },
    Scenario {
        key: "e",
        title: "(e) One message of 200 MB",
        kind: Kind::FirstCopy,
        setting: Setting { users: 1, shape: corpus::HUGE_MESSAGE, round_trip: NEAR, tls: false },
        bars: &[Bar::PeakMb(40.0)],
    },
];

/// All runs of one tool.
#[derive(Clone, Debug)]
pub struct Figures {
    pub tool: Tool,
    pub costs: Vec<Cost>,
}

/// A table of the report.
#[derive(Clone, Debug)]
pub struct Table {
    pub title: String,
    pub messages: u64,
    pub corpus_bytes: u64,
    pub figures: Vec<Figures>,
}

/// Runs a scenario, the tools in turn within each round.
pub fn run(scenario: &Scenario, tools: &[Tool], rounds: usize, state: &Path) -> Result<Vec<Table>> {
    println!("{}: building the mail", scenario.title);
    let mut rig = Rig::build(scenario.setting, state)?;
    let mut tools = tools.to_vec();
    if tools.len() > 1 && rig.has_floor() {
        tools.push(Tool::Floor);
    }
    let tools = tools.as_slice();
    let once = |rig: &mut Rig, tool| if tool == Tool::Floor { rig.floor(scenario.kind) } else { rig.run(tool) };
    let tables = match scenario.kind {
        Kind::FirstCopy => {
            let costs = rounds_of(tools, rounds, |tool, _| {
                rig.start_over(tool)?;
                once(&mut rig, tool)
            })?;
            vec![table(scenario.title.to_owned(), &rig, costs)]
        }
        Kind::Again => {
            for tool in tools {
                rig.start_over(*tool)?;
                // Twice: the second run absorbs whatever a tool still has to learn about its own copies.
                once(&mut rig, *tool)?;
                once(&mut rig, *tool)?;
            }
            let idle = rounds_of(tools, rounds, |tool, _| once(&mut rig, tool))?;
            let mut churned = None;
            let busy = rounds_of(tools, rounds, |tool, round| {
                if churned != Some(round) {
                    rig.churn(round)?;
                    churned = Some(round);
                }
                once(&mut rig, tool)
            })?;
            vec![
                table(format!("{}, nothing changed", scenario.title), &rig, idle),
                table(format!("{}, after 1 % new and 5 % flag changes", scenario.title), &rig, busy),
            ]
        }
    };
    if tools.contains(&Tool::Parom) {
        rig.check().map_err(|found| failure(format!("the copy is not exact: {found}")))?;
    }
    Ok(tables)
}

fn rounds_of(
    tools: &[Tool],
    rounds: usize,
    mut measured: impl FnMut(Tool, usize) -> Result<Cost>,
) -> Result<Vec<Figures>> {
    let mut all: Vec<Figures> = tools.iter().map(|tool| Figures { tool: *tool, costs: Vec::new() }).collect();
    for round in 0..rounds {
        for figures in &mut all {
            let cost = measured(figures.tool, round)?;
            let Cost { wall_s, cpu_s, peak_mb } = cost;
            println!("  {:8} {wall_s:8.3} s wall  {cpu_s:7.2} s CPU  {peak_mb:6.1} MB", figures.tool.name());
            figures.costs.push(cost);
        }
    }
    Ok(all)
}

fn table(title: String, rig: &Rig, figures: Vec<Figures>) -> Table {
    Table { title, messages: rig.messages(), corpus_bytes: rig.corpus_bytes, figures }
}
