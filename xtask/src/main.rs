//! Project chores: ci, tidy, live, bench, long.

use std::process::ExitCode;
use xtask::{Result, bench, failure, live};

const USAGE: &str = "cargo xtask <chore>

  live start dovecot [--layout maildir|sdbox] [--tls]   a server for hand use, until Enter
  live start cyrus                                      the same with Cyrus
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["bench", rest @ ..] => bench::run(rest),
        ["live", rest @ ..] => live::by_hand::run(rest),
        _ => Err(failure(format!("unknown chore\n\n{USAGE}"))),
    }
}
