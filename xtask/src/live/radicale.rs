//! Radicale on loopback: a CalDAV server on which any user name signs in and gets its calendars.

use super::PASSWORD;
use super::process::{Account, RunDir, Server, free_port, takes_connections};
use crate::{Result, failure, paths};
use std::path::{Path, PathBuf};

/// A running Radicale. It ends, and its calendars are removed, when this is dropped.
#[derive(Debug)]
pub struct Radicale {
    // Dropped in this order: the server stops before its folder goes.
    _server: Server,
    folder: RunDir,
    port: u16,
}

impl Radicale {
    #[must_use]
    pub fn is_installed() -> bool {
        paths::program("radicale").is_some()
    }

    /// `users` may sign in, each with [`PASSWORD`], and see what is theirs.
    pub fn start(users: &[&str]) -> Result<Radicale> {
        let program = paths::program("radicale").ok_or_else(|| failure("radicale is missing: run .ci/deps test"))?;
        let account = Account::for_servers()?;
        let folder = RunDir::new(&account, None)?;
        let port = free_port()?;
        let lines: Vec<String> = users.iter().map(|user| format!("{user}:{PASSWORD}\n")).collect();
        let passwords = folder.file(&account, "users", &lines.concat())?;
        let data = folder.subfolder(&account, "data")?;
        let settings = folder.file(
            &account,
            "config",
            &format!(
                "[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 100\n\
                 [auth]\ntype = htpasswd\nhtpasswd_filename = {}\nhtpasswd_encryption = plain\ndelay = 0\n\
                 [rights]\ntype = owner_only\n[storage]\nfilesystem_folder = {}\n",
                passwords.display(),
                data.display()
            ),
        )?;
        let log = folder.path().join("radicale.log");
        let arguments = ["--config", &settings.to_string_lossy()];
        let server = Server::start_until(&account, folder.path(), &program, &arguments, port, &log, takes_connections)?;
        Ok(Radicale { _server: server, folder, port })
    }

    /// Where a client begins.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many events the calendars of a user hold, as the disk has them: quicker than asking.
    #[must_use]
    pub fn events(&self, user: &str) -> usize {
        let folders = |at: &Path| std::fs::read_dir(at).into_iter().flatten().flatten().map(|entry| entry.path());
        let calendars = folders(&self.folder.path().join("data/collection-root").join(user));
        let is_event = |path: &PathBuf| path.extension().is_some_and(|it| it == "ics");
        calendars.map(|calendar| folders(&calendar).filter(is_event).count()).sum()
    }

    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("radicale.log")).unwrap_or_default()
    }
}
