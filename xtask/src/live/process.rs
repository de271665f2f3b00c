//! A server process with its folder: started as an ordinary user, ended with its guard or with the test process.

use crate::{Result, failure};
use parom_lab::keeper::KEEPER;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user that a server runs as. Dovecot and Cyrus both refuse root's mail, so root steps down to `nobody`.
#[derive(Clone, Debug)]
pub struct Account {
    pub name: String,
    pub group: String,
    pub uid: u32,
    pub gid: u32,
    /// Whether commands must change to this user first.
    steps_down: bool,
}

impl Account {
    pub fn for_servers() -> Result<Account> {
        let own = answer("id", &["-u"])?;
        let steps_down = own == "0";
        let who = if steps_down { "nobody".to_owned() } else { answer("id", &["-un"])? };
        Ok(Account {
            group: answer("id", &["-gn", &who])?,
            uid: answer("id", &["-u", &who])?.parse()?,
            gid: answer("id", &["-g", &who])?.parse()?,
            name: who,
            steps_down,
        })
    }

    /// A command that runs as this user.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if self.steps_down {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Gives a file or folder to this user.
    pub fn own(&self, path: &Path) -> Result<()> {
        if self.steps_down {
            chown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    /// Gives a folder with all that is in it to this user.
    pub fn own_all(&self, path: &Path) -> Result<()> {
        self.own(path)?;
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                self.own_all(&entry?.path())?;
            }
        }
        Ok(())
    }
}

fn answer(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A temporary folder that belongs to the servers' user. It goes with the last of its users.
#[derive(Debug)]
pub struct RunDir {
    folder: tempfile::TempDir,
}

impl RunDir {
    /// `below`: for example `/dev/shm`; the system's temporary folder if `None`.
    pub fn new(account: &Account, below: Option<&Path>) -> Result<RunDir> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("parom-live-");
        let folder = match below {
            Some(below) => builder.tempdir_in(below)?,
            None => builder.tempdir()?,
        };
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        account.own(folder.path())?;
        Ok(RunDir { folder })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A subfolder, made and owned.
    pub fn subfolder(&self, account: &Account, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::create_dir_all(&path)?;
        account.own(&path)?;
        Ok(path)
    }

    /// A file, written and owned.
    pub fn file(&self, account: &Account, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, text)?;
        account.own(&path)?;
        Ok(path)
    }
}

/// A running server. A shell stands between: it ends the server and removes the folder when its standard input closes,
/// which happens when this value is dropped and also when the test process dies in whatever way.
#[derive(Debug)]
pub struct Server {
    keeper: Child,
}

impl Server {
    /// Starts `program` in the foreground and waits until `port` answers with an IMAP greeting.
    pub fn start(
        account: &Account,
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        port: u16,
        log: &Path,
    ) -> Result<Server> {
        Server::start_until(account, folder, program, arguments, port, log, greets)
    }

    /// Starts `program` in the foreground and waits until `is_up` says so of `port`.
    pub fn start_until(
        account: &Account,
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        port: u16,
        log: &Path,
        is_up: fn(u16) -> bool,
    ) -> Result<Server> {
        let output = std::fs::File::options().create(true).append(true).open(log)?;
        account.own(log)?;
        let mut command = account.command(Path::new("/bin/sh"));
        command.arg("-c").arg(KEEPER).arg("keeper").arg(folder).arg(program).args(arguments);
        // A server inherits nothing of the developer's session but the path.
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
        let mut server = Server { keeper: command.spawn()? };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_up(port) {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                server.stop();
                return Err(failure(format!("{} did not come up on port {port}:\n{log}", program.display())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    fn stop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing sensible can be done about a keeper that cannot be waited for.
        let _ = self.keeper.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut greeting = [0_u8; 4];
    let greeted = stream.read_exact(&mut greeting).is_ok() && greeting == *b"* OK";
    let _ = stream.write_all(b"a LOGOUT\r\n");
    greeted
}

/// For servers that speak only when spoken to.
pub fn takes_connections(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
