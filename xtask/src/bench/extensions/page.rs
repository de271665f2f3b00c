//! docs/extensions.md: the table, of which a line is replaced when it is measured again, and the decisions that follow.

use super::{Row, Sample, cases, middle};
use crate::{Result, paths};
use std::fmt::Write as _;
use std::fs;

const HEAD: &str = "# Extensions: on and off

Which extension of IMAP is used when, and the measurements that say so. The table is written by
`cargo xtask bench extensions [NAME]...`; the decisions below it are those of `crates/imap/src/quirks.rs`, and a test holds
both together. The configuration key `extensions` has the last word.

- Servers: two Dovecots 2.3 on loopback, Maildir on tmpfs. Parom: release build, state on a real disk.
- On and off are two installations with targets of their own, which take turns in every round; the median of the rounds
  counts (three for copies and moves, up to nine for the rest). In the end both copies were equal to the source.
- All other extensions are as the decisions say, but: CONDSTORE and ESEARCH are measured without QRESYNC, LITERAL- without
  LITERAL+, because these do the same better.
- `near` is loopback, `40 ms` the delay of the lab's proxy without a limit of bandwidth; `Mbit/s` a limit for each server
  and direction, shared by all connections, without delay.
- Mail: 2,000 messages, 38 MB, in 20 folders, unless said otherwise. `attachments` are random base64, `text` words.
- CPU is Parom's alone, to a hundredth of a second. MB are the bytes on the wire, both servers and directions together.
  Turns: how often a connection spoke after it had listened, all connections together; in a copy, where both directions
  flow at once, they say little.
- All of it runs on the same cores: what packing costs the servers is in the wall time too.
- Near, a pass with changes takes once or twice its time from run to run, whatever is on: there a ratio between 0.7 and 1.3
  says nothing.
";

const COLUMNS: &str = "| extension | scenario | wall on, s | wall off, s | on / off | CPU on, s | CPU off, s | MB on | MB off | \
                       turns on | turns off |\n|---|---|---|---|---|---|---|---|---|---|---|\n";

/// A row of the table.
pub fn line(row: &Row) -> String {
    let (on, off) = (middle(&row.on), middle(&row.off));
    let mut text = format!("| {} | {} |", row.extension, row.scenario);
    let [on_s, off_s] = [on, off].map(|Sample { cost, .. }| cost.wall_s);
    let _ = write!(text, " {on_s:.3} | {off_s:.3} | {:.2} |", on_s / off_s);
    let _ = write!(text, " {:.2} | {:.2} |", on.cost.cpu_s, off.cost.cpu_s);
    let [on_mb, off_mb] = [on, off].map(|sample| sample.bytes as f64 / 1e6);
    let _ = write!(text, " {on_mb:.3} | {off_mb:.3} | {} | {} |", on.turns, off.turns);
    text
}

/// Puts the rows into the page, in place of those with the same names.
pub fn save(rows: &[Row], machine: &str) -> Result<()> {
    let file = paths::root().join("docs/extensions.md");
    let old = fs::read_to_string(&file).unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(line).collect();
    fs::write(file, merged(&old, &lines, machine))?;
    Ok(())
}

fn merged(old: &str, lines: &[String], machine: &str) -> String {
    let (table, decisions) = old.split_once("\n## Decisions").unwrap_or((old, "\n"));
    let kept = table.lines().filter(|old| lines.iter().all(|new| key(new) != key(old)));
    let mut all: Vec<&str> = kept.chain(lines.iter().map(String::as_str)).filter(|line| rank(line).is_some()).collect();
    all.sort_by_key(|line| rank(line));
    format!("{HEAD}\n## Measurements\n\nLast on {machine}.\n\n{COLUMNS}{}\n\n## Decisions{decisions}", all.join("\n"))
}

/// The extension and the scenario of a row.
fn key(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix("| ")?.split(" | ");
    Some((cells.next()?, cells.next()?))
}

/// Rows that are not measured any more have none, and vanish.
fn rank(line: &str) -> Option<(usize, usize)> {
    key(line).and_then(|(extension, scenario)| cases::rank(extension, scenario))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_replaces_its_predecessor_and_the_decisions_stay() {
        let rows = |figure: &str, names: &[(&str, &str)]| -> Vec<String> {
            names.iter().map(|(extension, scenario)| format!("| {extension} | {scenario} | {figure} |")).collect()
        };
        let first = merged("", &rows("1", &[("id", "nothing new, near"), ("uidplus", "first copy, near")]), "2 cores");
        let first = first.replace("## Decisions\n", "## Decisions\n\n- as they are\n");
        let both = merged(&first, &rows("2", &[("id", "nothing new, near"), ("gone", "first copy, near")]), "4 cores");
        assert!(both.contains("| uidplus | first copy, near | 1 |\n| id | nothing new, near | 2 |\n"), "{both}");
        assert!(both.ends_with("## Decisions\n\n- as they are\n") && both.contains("Last on 4 cores"), "{both}");
        assert!(!both.contains("gone") && !both.contains("near | 1 |\n| id | nothing new, near | 1"), "{both}");
    }
}
