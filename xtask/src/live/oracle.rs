//! Calls tests/live/oracle.py, the check that shares no code with Parom.

use super::{Address, PASSWORD};
use crate::{Result, failure, paths};
use std::process::{Command, Output};

/// The address of a user's mailbox, as the oracle takes it.
#[must_use]
pub fn address(server: &Address, user: &str) -> String {
    let scheme = if server.tls { "imaps" } else { "imap" };
    format!("{scheme}://{user}:{PASSWORD}@{}:{}", server.host, server.port)
}

/// Runs the oracle; an exit code other than 0 is a failure with its words.
pub fn run(arguments: &[&str]) -> Result<String> {
    let output = call(arguments)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(failure(format!("oracle {}: {said}{errors}", arguments.join(" "))))
}

/// Runs the oracle and leaves the judgement to the caller.
pub fn call(arguments: &[&str]) -> Result<Output> {
    let python = paths::program("python3").ok_or_else(|| failure("python3 is not installed"))?;
    Ok(Command::new(python).arg(paths::root().join("tests/live/oracle.py")).args(arguments).output()?)
}
