//! Real CalDAV servers for one test: temporary folder, free port, loopback; they end with the test.

#![allow(dead_code, clippy::unwrap_used)]

mod cyrus;
mod lab;

use lab::Lab;
use parom_caldav::{CalDavAgenda, ServerSettings};
use parom_lab::caldav::CalDav;
use parom_lab::keeper::KEEPER;
use parom_lab::phone;
use parom_net::http::{Identity, Target};
use parom_net::{AllowList, Dialer};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const USER: &str = "anna";
pub const PASSWORD: &str = "sesame";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Radicale,
    Xandikos,
    /// The one that schedules by itself.
    Cyrus,
    /// The one in our lab, which has to be like the others.
    Lab,
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Kind::Radicale => "radicale",
            Kind::Xandikos => "xandikos",
            Kind::Cyrus => cyrus::MASTER,
            Kind::Lab => "the lab",
        }
    }

    fn is_installed(self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        match self {
            Kind::Cyrus => cyrus::is_installed(),
            Kind::Lab => true,
            _ => std::env::split_paths(&path).any(|folder| folder.join(self.program()).exists()),
        }
    }
}

pub struct Server {
    pub kind: Kind,
    pub port: u16,
    running: Running,
    folder: tempfile::TempDir,
}

enum Running {
    Apart(Child),
    Here(Lab),
}

impl Server {
    /// `None`, with a loud word, where the server is not installed; under `CI=true` that is a failure.
    pub fn start(kind: Kind) -> Option<Server> {
        if !kind.is_installed() {
            eprintln!("SKIPPED: {} is not installed, so nothing was tested against it", kind.program());
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{} is missing", kind.program());
            return None;
        }
        let folder = tempfile::Builder::new().prefix("parom-caldav-").tempdir().unwrap();
        if kind == Kind::Lab {
            let lab = Lab::start(&[USER, "boris"]);
            return Some(Server { kind, port: lab.dav.addr().port(), running: Running::Here(lab), folder });
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(kind, folder.path(), port);
        if kind == Kind::Cyrus {
            for user in [USER, "boris"] {
                cyrus::welcome(folder.path(), user);
            }
        }
        Some(Server { kind, port, running: Running::Apart(child), folder })
    }

    /// All that are installed, one after the other.
    pub fn all() -> impl Iterator<Item = Server> {
        [Kind::Radicale, Kind::Xandikos, Kind::Cyrus, Kind::Lab].into_iter().filter_map(Server::start)
    }

    /// Stops it and starts it again on the same data.
    pub fn restart(&mut self) {
        self.stop();
        match &mut self.running {
            Running::Apart(child) => *child = spawn(self.kind, self.folder.path(), self.port),
            Running::Here(lab) => lab.restart(),
        }
    }

    fn stop(&mut self) {
        if let Running::Apart(child) = &mut self.running {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }

    /// The lab's server, which can be looked into.
    pub fn lab(&self) -> Option<&CalDav> {
        match &self.running {
            Running::Here(lab) => Some(&lab.dav),
            Running::Apart(_) => None,
        }
    }

    pub fn agenda(&self) -> CalDavAgenda {
        self.agenda_with(|_| {})
    }

    pub fn agenda_with(&self, change: impl FnOnce(&mut ServerSettings)) -> CalDavAgenda {
        self.agenda_as(USER, PASSWORD, change)
    }

    pub fn agenda_as(&self, user: &str, password: &str, change: impl FnOnce(&mut ServerSettings)) -> CalDavAgenda {
        let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(20));
        let target = Target { host: "127.0.0.1".into(), port: self.port, tls: None };
        let mut settings = ServerSettings::new(dialer, target);
        change(&mut settings);
        let identity = Identity::Basic { user: user.into(), password: password.into() };
        CalDavAgenda::new(Arc::new(settings), identity, user)
    }

    /// The same person's request by another client. The status and the answer.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        self.request_as(USER, method, path, headers, body)
    }

    /// Boris's request.
    pub fn request_of_boris(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        self.request_as("boris", method, path, headers, "")
    }

    fn request_as(&self, user: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let answer = phone::request(self.port, (user, PASSWORD), (method, path), &headers, body).unwrap();
        (answer.status, format!("{}\r\n\r\n{}", answer.head, answer.body))
    }

    /// What a client that shares nothing with ours sees: lines of calendar name, UID, summary, number of participants and
    /// number of those whom the server must not write to, separated by tabs.
    pub fn witness(&self) -> Vec<Vec<String>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/witness.py");
        let start = if self.kind == Kind::Cyrus { "dav/principals/user/anna/" } else { "" };
        let url = format!("http://127.0.0.1:{}/{start}", self.port);
        // Debian's own: its packages are not seen by others.
        let output = Command::new("/usr/bin/python3").arg(script).args([&url, USER, PASSWORD]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Cyrus goes through all the files that it might have open, each time it starts a process.
fn keeper() -> String {
    format!("ulimit -n 1024\n{KEEPER}")
}

fn spawn(kind: Kind, folder: &Path, port: u16) -> Child {
    let data = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &keeper(), "keeper", "", kind.program()]);
    match kind {
        Kind::Cyrus => command = cyrus::command(folder, port),
        Kind::Lab => unreachable!("it runs here"),
        Kind::Radicale => {
            command.arg("--config").arg(radicale(folder, &data, port));
        }
        Kind::Xandikos => {
            let principal = format!("/{USER}");
            command.arg("-d").arg(&data).args(["-l", "127.0.0.1", "-p", &port.to_string()]);
            command.args(["--current-user-principal", &principal, "--defaults"]);
        }
    }
    // An interrupt at the terminal is for the test, whose end is the server's.
    command.process_group(0);
    command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            drop(child.stdin.take());
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("{} did not come up:\n{log}", kind.program());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn radicale(folder: &Path, data: &Path, port: u16) -> PathBuf {
    let users = folder.join("users");
    fs::write(&users, format!("{USER}:{PASSWORD}\nboris:{PASSWORD}\n")).unwrap();
    let config = folder.join("config");
    let text = format!(
        "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {}\n\
         htpasswd_encryption = plain\ndelay = 0\n[rights]\ntype = owner_only\n[storage]\nfilesystem_folder = {}\n",
        users.display(),
        data.display()
    );
    fs::write(&config, text).unwrap();
    config
}
