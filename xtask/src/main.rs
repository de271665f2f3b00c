//! Project chores: ci, tidy, live, bench, long.

use std::process::ExitCode;
use xtask::{Result, bench, ci, failure, live, long, tidy};

const USAGE: &str = "cargo xtask <chore>

  ci        everything that must hold: fmt, clippy, tidy, build, tests, live suites
  tidy      arrows between crates, first lines, sizes, loose ends
  live      start dovecot [--layout maildir|sdbox] [--tls] | start cyrus: a server for hand use, until Enter
  bench     [scenario]... [--runs N] [--no-peers]: Parom beside mbsync and doveadm sync
            extensions [name]...: Parom with each IMAP extension and without it
            calendars: the first transfer of 50 calendars, on the lab's servers
  long      what does not fit into ci
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // CI has said everything already, and its last line must stay the last.
            let sentence = failure.to_string();
            if !sentence.is_empty() {
                eprintln!("xtask: {sentence}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["ci"] => ci::run(),
        ["tidy"] => tidy::run(),
        ["live", rest @ ..] => live::by_hand::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["long", rest @ ..] => long::run(rest),
        _ => Err(failure(USAGE)),
    }
}
