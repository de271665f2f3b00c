//! Clients that others wrote in Python: each test that uses one gets it from here.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The client for Exchange Web Services.
pub const EXCHANGELIB: &str = "exchangelib==5.6.0";

/// A Python that has `package` and what comes with it, made once below the target folder.
///
/// Errors: what the tools said, where it cannot be made. Under `CI=true` that is a panic, else a loud word.
pub fn with(package: &str) -> Option<PathBuf> {
    match make(package) {
        Ok(python) => Some(python),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{package} is needed to run this test: {error}");
            eprintln!("SKIPPED: {package} cannot be had, so this test proved nothing: {error}");
            None
        }
    }
}

fn make(package: &str) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let name = package.split('=').next().unwrap_or(package);
    let folder = target.join(format!("python-{name}"));
    let (python, marker) = (folder.join("bin/python"), folder.join(package));
    fs::create_dir_all(&target).map_err(|error| error.to_string())?;
    // Tests run side by side, in processes of their own.
    let lock = File::create(target.join(format!("python-{name}.lock"))).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if !marker.exists() {
        let mut venv = Command::new("python3");
        run(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]))?;
        fs::write(&marker, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

/// Runs a program to its end and returns what it printed.
///
/// Errors: that it cannot be started, or all that it said where it fails.
pub fn run(command: &mut Command) -> Result<String, String> {
    let name = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).concat();
    Err(format!("{name} failed:\n{said}"))
}
