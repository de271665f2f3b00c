//! The real `parom` binary with a configuration, a state and accounts of its own.

use super::{Address, PASSWORD};
use crate::{Result, failure, paths};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How one side is reached, as the configuration says it.
#[derive(Clone, Debug)]
pub struct SideSettings {
    pub address: Address,
    /// `system`, `insecure`, a CA file or `pin:...`.
    pub trust: String,
    /// Further lines of the side's table.
    pub extra: String,
}

impl SideSettings {
    #[must_use]
    pub fn new(address: Address) -> SideSettings {
        let trust = if address.tls { "insecure" } else { "system" };
        SideSettings { address, trust: trust.to_owned(), extra: String::new() }
    }
}

/// What the configuration says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub source: SideSettings,
    pub target: SideSettings,
    /// Further lines at the top, for example `[limits]`.
    pub root: String,
    /// Further lines of the domain's table. They win over the default ones below.
    pub domain: String,
}

impl Settings {
    /// Two-way; deletions are expunged and no folder is excluded, so that both sides become equal.
    #[must_use]
    pub fn new(source: Address, target: Address) -> Settings {
        Settings {
            source: SideSettings::new(source),
            target: SideSettings::new(target),
            root: String::new(),
            domain: "mode = \"two-way\"\nexclude_folders = []\ndeletions = \"expunge\"\ngrace_s = 0\n".to_owned(),
        }
    }
}

/// An installation of Parom in a folder.
#[derive(Debug)]
pub struct Parom {
    binary: PathBuf,
    folder: PathBuf,
}

/// What a run of the binary ended with.
#[derive(Debug)]
pub struct Run {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The run, if it ended with 0, else a failure with all it said.
    pub fn ok(self) -> Result<Run> {
        if self.code == Some(0) {
            return Ok(self);
        }
        Err(failure(format!("parom ended with {:?}\n{}{}", self.code, self.stdout, self.stderr)))
    }

    /// Both outputs together.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Parom {
    /// Is the binary built?
    #[must_use]
    pub fn is_built() -> bool {
        paths::parom().is_some_and(|path| path.exists())
    }

    /// Writes the configuration into `folder`, which is made if needed.
    pub fn new(folder: &Path, settings: &Settings) -> Result<Parom> {
        let binary = paths::parom().ok_or_else(|| failure("parom is not built: cargo build --release -p parom-app"))?;
        std::fs::create_dir_all(folder)?;
        let parom = Parom { binary, folder: folder.to_owned() };
        // `init` makes the key that seals passwords; its configuration is not used.
        if !folder.join("parom.key").exists() {
            let init = folder.join("init.toml");
            let output = Command::new(&parom.binary).arg("--config").arg(init).arg("init").output()?;
            Run::from(output).ok()?;
        }
        parom.configure(settings)?;
        std::fs::write(folder.join("password"), PASSWORD)?;
        Ok(parom)
    }

    /// Writes the configuration anew.
    pub fn configure(&self, settings: &Settings) -> Result<()> {
        std::fs::write(self.config(), configuration(settings))?;
        Ok(())
    }

    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("parom.toml")
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The binary with `--config` and English words.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.config()).args(["--lang", "en"]).args(arguments);
        command.env_remove("PAROM_CONFIG").current_dir(&self.folder);
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Run> {
        Ok(self.command(arguments).output()?.into())
    }

    /// Adds `name@corp.example`, who signs in as `source` and as `target`.
    pub fn add(&self, name: &str, source: &str, target: &str) -> Result<()> {
        let address = format!("{name}@corp.example");
        let password = self.folder.join("password");
        let password = password.to_string_lossy();
        let files = ["--source-password-file", &password, "--target-password-file", &password];
        let logins = ["account", "add", &address, "--source-login", source, "--target-login", target];
        self.run(&[&logins[..], &files[..]].concat())?.ok()?;
        Ok(())
    }

    /// Passes over all accounts until nothing is left to do.
    pub fn settle(&self) -> Result<Run> {
        self.run(&["sync", "--all", "--until-settled"])?.ok()
    }
}

fn configuration(settings: &Settings) -> String {
    let Settings { source, target, root, domain } = settings;
    let mut text = format!("state = \"sqlite:parom.db\"\n{root}\n[[domain]]\nname = \"corp.example\"\n{domain}\n");
    for (name, side) in [("source", source), ("target", target)] {
        let Address { host, port, tls } = &side.address;
        let tls = if *tls { "implicit" } else { "none" };
        let trust = &side.trust;
        let extra = &side.extra;
        let _ = write!(
            text,
            "\n[domain.{name}.imap]\nhost = \"{host}\"\nport = {port}\ntls = \"{tls}\"\ntrust = \"{trust}\"\n\
             login = \"{{{name}_login}}\"\npassword = \"account\"\n{extra}\n"
        );
    }
    text
}
