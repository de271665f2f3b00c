//! What a command costs: wall time, CPU of it and all its children, peak memory of the largest process.

use crate::live::Account;
use crate::{Result, failure, paths};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A command to be measured.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The user it runs as, if not the developer.
    pub account: Option<Account>,
    /// Where it runs.
    pub folder: PathBuf,
}

impl Invocation {
    #[must_use]
    pub fn new<I>(program: PathBuf, folder: &Path, arguments: I) -> Invocation
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Invocation { program, arguments, account: None, folder: folder.to_owned() }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall_s: f64,
    /// User and system time.
    pub cpu_s: f64,
    pub peak_mb: f64,
}

/// Runs the command under GNU time. One that fails is a failure, with its last words.
pub fn run(invocation: &Invocation) -> Result<Cost> {
    let time = paths::program("time").ok_or_else(|| failure("GNU time is not installed (package time)"))?;
    let mut command = match &invocation.account {
        Some(account) => account.command(&time),
        None => Command::new(time),
    };
    command.args(["-q", "-f", "\ncost %U %S %M"]).arg(&invocation.program).args(&invocation.arguments);
    command.current_dir(&invocation.folder);
    let start = Instant::now();
    let output = command.output()?;
    let wall_s = start.elapsed().as_secs_f64();
    let words = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Err(failure(format!("{} failed: {said}{words}", invocation.program.display())));
    }
    if std::env::var_os("PAROM_LOG").is_some() {
        eprint!("{words}");
    }
    let last = words.lines().rev().find_map(|line| line.strip_prefix("cost ")).unwrap_or_default();
    let figures: Vec<f64> = last.split(' ').filter_map(|figure| figure.parse().ok()).collect();
    match figures.as_slice() {
        [user, system, peak_kib] => Ok(Cost { wall_s, cpu_s: user + system, peak_mb: peak_kib / 1024.0 }),
        _ => Err(failure(format!("GNU time said nothing that could be understood: {words}"))),
    }
}

/// The median of each figure on its own.
#[must_use]
pub fn median(costs: &[Cost]) -> Cost {
    let middle = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Cost { wall_s: middle(|cost| cost.wall_s), cpu_s: middle(|cost| cost.cpu_s), peak_mb: middle(|cost| cost.peak_mb) }
}
