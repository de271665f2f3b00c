//! `cargo xtask ci`: all that must hold before a change goes in. Ends with `N passed, N failed` alone on the last line.

use crate::live::{Cyrus, Dovecot, Radicale};
use crate::{Result, failure, paths, tidy};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Test binaries of xtask that start servers and run the real `parom`.
pub const LIVE_SUITES: &[&str] =
    &["two_way", "crashes", "bad_input", "exchange_storm", "auto_replies", "calendar_storm"];

/// What the tests are built with beyond what everybody builds (decision 006).
const FEATURES: [&str; 2] = ["--features", "parom-app/ntlm"];

/// Most tests wait for servers and pauses: so many at once on each core keep it at work.
const TESTS_PER_CORE: usize = 3;

/// How many passed and failed. A check without tests of its own (fmt, clippy, tidy, build) counts as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    fn of_check(holds: bool) -> Tally {
        Tally { passed: u64::from(holds), failed: u64::from(!holds) }
    }

    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Runs everything, whatever fails on the way, and fails in the end if anything did.
pub fn run() -> Result<()> {
    tell_peers();
    let mut total = Tally::default();
    let nextest = has_nextest();
    total.add(check("fmt", &["fmt", "--all", "--check"])?);
    total.add(check("clippy", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?);
    let with_features =
        [&["clippy", "--workspace", "--all-targets", "--quiet"][..], &FEATURES, &["--", "-D", "warnings"]];
    total.add(check("clippy with all features", &with_features.concat())?);
    heading("tidy");
    let tidied = tidy::run();
    if let Err(found) = &tidied {
        println!("{found}");
    }
    total.add(Tally::of_check(tidied.is_ok()));
    total.add(check("build", &["build", "--release", "--quiet", "--package", "parom-app"])?);
    // The live suites take all the cores for themselves: they come after the others, not among them.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = format!("--test-threads={}", cores * TESTS_PER_CORE);
    let at_once: &[&str] = if nextest { &[&threads] } else { &[] };
    total.add(tests("tests", nextest, &[&["--workspace", "--exclude", "xtask"][..], &FEATURES, at_once].concat())?);
    total.add(tests(
        "tests of xtask",
        nextest,
        &["--package", "xtask", "--lib", "--test", "tidy", "--test", "servers"],
    )?);
    // nextest has no doc tests.
    if nextest {
        total.add(tests("doc tests", false, &[&["--workspace", "--doc"][..], &FEATURES].concat())?);
    }
    total.add(live(nextest)?);
    let Tally { passed, failed } = total;
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err(failure("")) }
}

/// The live suites, with so few at a time that the servers of each have room.
fn live(nextest: bool) -> Result<Tally> {
    let mut words = vec!["--package", "xtask"];
    for suite in LIVE_SUITES {
        words.extend(["--test", suite]);
    }
    tests("live suites", nextest, &words)
}

/// What runs beside us decides what can be shown; a suite without its peer fails under CI=true and is skipped elsewhere.
fn tell_peers() {
    let there = |has: bool| if has { "found" } else { "MISSING, its suites are skipped (under CI=true they fail)" };
    println!("Dovecot: {}", there(Dovecot::is_installed()));
    println!("Cyrus: {}", there(Cyrus::is_installed()));
    println!("Radicale: {}", there(Radicale::is_installed()));
    println!("Xandikos: {}", there(paths::program("xandikos").is_some()));
    println!("python3: {}", there(paths::program("python3").is_some()));
}

fn heading(name: &str) {
    println!("\n== {name}");
}

fn has_nextest() -> bool {
    let asked = cargo(&["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Cargo without the traces of the `cargo run` that we live in, which would make it build things anew.
fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let traces = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if name.to_str().is_some_and(|name| traces.iter().any(|trace| name.starts_with(trace))) {
            command.env_remove(name);
        }
    }
    command.args(words).current_dir(paths::root());
    command
}

fn check(name: &str, words: &[&str]) -> Result<Tally> {
    heading(name);
    let start = Instant::now();
    let status = cargo(words).status()?;
    println!("{name}: {status}, {:.0} s", start.elapsed().as_secs_f64());
    Ok(Tally::of_check(status.success()))
}

/// Runs tests and counts them from what the runner says.
fn tests(name: &str, nextest: bool, words: &[&str]) -> Result<Tally> {
    heading(name);
    let start = Instant::now();
    let mut command = if nextest {
        let mut command = cargo(&["nextest", "run", "--no-fail-fast", "--no-tests=pass"]);
        // Only what failed, and the summary: thousands of passes hide one failure.
        command.args(["--status-level", "fail", "--final-status-level", "fail", "--show-progress", "none"]);
        command
    } else {
        cargo(&["test", "--no-fail-fast", "--quiet"])
    };
    command.args(words).env("CARGO_TERM_COLOR", "never").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut tally = std::thread::scope(|scope| {
        let errors = scope.spawn(|| stderr.map(echoed).unwrap_or_default());
        let mut tally = stdout.map(echoed).unwrap_or_default();
        tally.add(errors.join().unwrap_or_default());
        tally
    });
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        // It did not come to the tests: something does not compile, or the runner itself failed.
        tally.failed = 1;
    }
    println!("{name}: {} passed, {} failed, {:.0} s", tally.passed, tally.failed, start.elapsed().as_secs_f64());
    Ok(tally)
}

/// Passes the lines on as they come, and adds up those that count tests.
fn echoed(stream: impl Read) -> Tally {
    let mut tally = Tally::default();
    for line in BufReader::new(stream).split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add(counted(&line));
    }
    tally
}

/// The figures of a summary line: libtest's `test result: ok. 7 passed; 0 failed; ...` or nextest's
/// `Summary [ 0.5s] 7 tests run: 6 passed (1 slow), 1 failed, 0 skipped`. Other lines count nothing.
fn counted(line: &str) -> Tally {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("test result:").or_else(|| line.strip_prefix("Summary [")) else {
        return Tally::default();
    };
    let words: Vec<&str> = rest.split([' ', ';', ',', '(', ')']).filter(|word| !word.is_empty()).collect();
    let mut tally = Tally::default();
    for pair in words.windows(2) {
        if let [number, what] = pair
            && let Ok(number) = number.parse::<u64>()
        {
            match *what {
                "passed" => tally.passed += number,
                "failed" | "timed" => tally.failed += number,
                _ => {}
            }
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_are_understood() {
        let libtest =
            "test result: FAILED. 7 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(counted(libtest), Tally { passed: 7, failed: 2 });
        let nextest =
            "     Summary [   0.512s] 9 tests run: 6 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(counted(nextest), Tally { passed: 6, failed: 3 });
        assert_eq!(counted("test a ... ok, 5 passed"), Tally::default());
    }
}
