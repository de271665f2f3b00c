//! Parom as a process of its own, as a user would start it.

use super::desk::Desk;
use super::failed;
use crate::failure::Failure;
use crate::i18n::Texts;
use std::process::Stdio;
use tokio::process::Command;

pub struct Child {
    process: tokio::process::Child,
}

impl Child {
    /// Starts this program again. What it shows goes where the demo's own words go.
    pub fn start(desk: &Desk, texts: &Texts, args: &[&str]) -> Result<Child, Failure> {
        Child::start_with(desk, texts, args, Stdio::inherit())
    }

    fn start_with(desk: &Desk, texts: &Texts, args: &[&str], out: Stdio) -> Result<Child, Failure> {
        let program = std::env::current_exe().map_err(failed)?;
        let started = Command::new(program)
            .args(["--lang", texts.lang().as_str()])
            .arg("--config")
            .arg(desk.config())
            .args(args)
            .stdin(Stdio::null())
            .stdout(out)
            .kill_on_drop(true)
            .spawn();
        Ok(Child { process: started.map_err(failed)? })
    }

    /// Starts it, shows nothing of it, and waits.
    pub async fn silently(desk: &Desk, texts: &Texts, args: &[&str]) -> Result<Option<i32>, Failure> {
        Child::start_with(desk, texts, args, Stdio::null())?.wait().await
    }

    /// The exit code; `None` when it was killed.
    pub async fn wait(&mut self) -> Result<Option<i32>, Failure> {
        Ok(self.process.wait().await.map_err(failed)?.code())
    }

    /// SIGKILL: it can do nothing any more.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        self.process.kill().await.map_err(failed)
    }
}
