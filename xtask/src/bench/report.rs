//! docs/benchmarks.md: one section for each scenario, replaced when the scenario is run again.

use super::measure::{Cost, median};
use super::rig::Tool;
use super::scenario::{Bar, Scenario, Table};
use crate::{Result, paths};
use std::fmt::Write as _;
use std::fs;

const HEAD: &str = "# Benchmarks

Written by `cargo xtask bench`; each section by `cargo xtask bench <scenario>`. The tools run on one machine in the same
run, in turn, and the median of the rounds counts. Between the rounds of a first copy the target is emptied.

- Servers: two Dovecots on loopback with their defaults, Maildir on tmpfs, `mail_fsync = optimized`.
- Tools: `parom sync --all` (release build, durable intents, state on a real disk), `mbsync -a` (two-way; under
  `xargs -P 8` where there are many mailboxes; state on the same disk), `doveadm sync -1 -R` with an imapc source (it
  writes the target's storage itself, without a server, so it skips half of the work).
- `floor`: a client that does nothing else. In a first copy it fetches all bodies and appends the same (MULTIAPPEND) side by
  side, over one connection to each server; in a second run it signs in to each mailbox on both servers and asks one LIST
  where the folders stand, opens each folder that changed once on either side, and fetches, appends and sets what is to be,
  without checking or writing down anything. Eight mailboxes at a time.
- CPU is the client's, user and system, with all its children. Peak memory is that of the largest process.
- 40 ms of round trip: the lab's fault proxy before both servers, which delays without limiting the throughput.
- After Parom's last round the independent oracle has found source and target equal, message by message.
";

/// One section with its tables and bars.
#[must_use]
pub fn section(scenario: &Scenario, tables: &[Table], machine: &str) -> String {
    let mut text = format!("## {}\n\n`cargo xtask bench {}` on {machine}\n", scenario.title, scenario.key);
    for table in tables {
        let Table { title, messages, corpus_bytes, .. } = table;
        let megabytes = corpus_bytes / 1_000_000;
        let _ = write!(
            text,
            "\n{title} ({messages} messages, {megabytes} MB):\n\n\
             | tool | wall, s | rounds | of mbsync's | CPU, s | CPU per message, ms | peak, MB |\n\
             |---|---|---|---|---|---|---|\n"
        );
        let mbsync = cost_of(table, Tool::Mbsync);
        for figures in &table.figures {
            let Cost { wall_s, cpu_s, peak_mb } = median(&figures.costs);
            let rounds: Vec<String> = figures.costs.iter().map(|cost| format!("{:.3}", cost.wall_s)).collect();
            let ratio = mbsync.map_or_else(|| "-".to_owned(), |mbsync| format!("{:.2}", wall_s / mbsync.wall_s));
            let _ = writeln!(
                text,
                "| {} | {wall_s:.3} | {} | {ratio} | {} | {} | {} |",
                figures.tool.name(),
                rounds.join(", "),
                known(cpu_s, 2),
                known(cpu_s * 1000.0 / (*messages as f64), 3),
                known(peak_mb, 1),
            );
        }
        let verdicts: Vec<String> = scenario.bars.iter().filter_map(|bar| verdict(bar, table)).collect();
        if !verdicts.is_empty() {
            let _ = write!(text, "\n{}\n", verdicts.join("\n"));
        }
    }
    text
}

/// A figure, or a dash where it was not measured.
fn known(figure: f64, digits: usize) -> String {
    if figure.is_nan() { "-".to_owned() } else { format!("{figure:.digits$}") }
}

fn cost_of(table: &Table, tool: Tool) -> Option<Cost> {
    table.figures.iter().find(|figures| figures.tool == tool).map(|figures| median(&figures.costs))
}

/// A bar as a line, if everything it compares was run.
fn verdict(bar: &Bar, table: &Table) -> Option<String> {
    let parom = cost_of(table, Tool::Parom)?;
    let (what, value, limit) = match bar {
        Bar::Wall(other, limit) => {
            (format!("wall time of {}'s", other.name()), parom.wall_s / cost_of(table, *other)?.wall_s, *limit)
        }
        Bar::Moonshot(other, limit) => {
            let ratio = parom.wall_s / cost_of(table, *other)?.wall_s;
            (format!("moonshot, wall time of {}'s", other.name()), ratio, *limit)
        }
        Bar::Cpu(other, limit) => {
            (format!("CPU of {}'s", other.name()), parom.cpu_s / cost_of(table, *other)?.cpu_s, *limit)
        }
        Bar::PeakMb(limit) => ("peak MB".to_owned(), parom.peak_mb, *limit),
    };
    let word = if value <= limit { "met" } else { "MISSED" };
    Some(format!("- {what}: {value:.2}, bar {limit}: {word}"))
}

/// Puts the section into the file, in place of the one with the same heading.
pub fn save(section: &str) -> Result<()> {
    let file = paths::root().join("docs/benchmarks.md");
    fs::create_dir_all(paths::root().join("docs"))?;
    let old = fs::read_to_string(&file).unwrap_or_default();
    fs::write(file, merged(&old, section))?;
    Ok(())
}

fn merged(old: &str, section: &str) -> String {
    let heading = |part: &str| part.lines().next().unwrap_or_default().to_owned();
    let mut sections: Vec<String> = old.split("\n## ").skip(1).map(|part| format!("## {}", part.trim_end())).collect();
    let section = section.trim_end().to_owned();
    match sections.iter_mut().find(|old| heading(old) == heading(&section)) {
        Some(old) => *old = section,
        None => sections.push(section),
    }
    sections.sort_by_key(|section| heading(section));
    format!("{HEAD}\n{}\n", sections.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_replaces_its_predecessor_and_leaves_the_others() {
        let old = merged("", "## (b) two\n\nold\n");
        let both = merged(&old, "## (a) one\n\nfirst\n");
        let new = merged(&both, "## (b) two\n\nnew\n");
        assert!(new.starts_with("# Benchmarks"));
        assert!(new.ends_with("## (a) one\n\nfirst\n\n## (b) two\n\nnew\n"), "{new}");
    }
}
