//! SOGo on loopback with its PostgreSQL and memcached, and a trap for the mails that it sends.

use super::process::{Account, RunDir, Server, free_port, takes_connections};
use super::{PASSWORD, calendars};
use crate::{Result, failure, paths};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// What it needs, and what one installs who lacks it.
const MISSING: &str = "SOGo is missing: apt-get install --no-install-recommends sogo postgresql memcached";

/// A running SOGo that mails people about events. It ends, with all that it runs on, when this is dropped.
#[derive(Debug)]
pub struct Sogo {
    // Dropped in this order: SOGo stops before what it runs on.
    _servers: [Server; 3],
    _folders: [RunDir; 3],
    port: u16,
    trap: Trap,
}

impl Sogo {
    /// `users` may sign in, each with [`PASSWORD`].
    pub fn start(users: &[&str]) -> Result<Sogo> {
        let missing = || failure(MISSING);
        let sogod = paths::program("sogod").ok_or_else(missing)?;
        let memcached = paths::program("memcached").ok_or_else(missing)?;
        let postgres = postgres().ok_or_else(missing)?;
        let account = Account::for_servers()?;
        let trap = Trap::start()?;

        let (database, port_of_database) = (RunDir::new(&account, None)?, free_port()?);
        let data = database.path().join("data").display().to_string();
        let made = account
            .command(&postgres.join("initdb"))
            .args(["-D", &data, "-A", "trust", "-U", "sogo", "-E", "UTF8", "--no-sync"])
            .current_dir(database.path())
            .output()?;
        if !made.status.success() {
            return Err(failure(format!("initdb: {}", String::from_utf8_lossy(&made.stderr))));
        }
        let log = database.path().join("log");
        let port = port_of_database.to_string();
        let arguments = ["-D", &data, "-p", &port, "-h", "127.0.0.1", "-k", "", "-F"];
        let program = postgres.join("postgres");
        let start = |folder: &RunDir, program: &Path, arguments: &[&str], port: u16, log: &Path| {
            Server::start_until(&account, folder.path(), program, arguments, port, log, takes_connections)
        };
        let tables = start(&database, &program, &arguments, port_of_database, &log)?;
        let url = format!("postgresql://sogo@127.0.0.1:{port}/postgres");
        fill(&postgres.join("psql"), &url, users)?;

        let (cache, port_of_cache) = (RunDir::new(&account, None)?, free_port()?);
        let arguments = ["-l", "127.0.0.1", "-p", &port_of_cache.to_string(), "-U", "0", "-m", "16"];
        let cached = start(&cache, &memcached, &arguments, port_of_cache, &cache.path().join("log"))?;

        let (folder, port) = (RunDir::new(&account, None)?, free_port()?);
        let url = format!("postgresql://sogo:sogo@127.0.0.1:{port_of_database}/postgres");
        let file = |name: &str| folder.path().join(name).display().to_string();
        let settings = [
            ("WOPort", format!("127.0.0.1:{port}")),
            ("WOWorkersCount", "3".to_owned()),
            ("WONoDetach", "YES".to_owned()),
            ("WOLogFile", file("sogo.log")),
            ("WOPidFile", file("sogo.pid")),
            ("SOGoProfileURL", format!("{url}/sogo_user_profile")),
            ("OCSFolderInfoURL", format!("{url}/sogo_folder_info")),
            ("OCSSessionsFolderURL", format!("{url}/sogo_sessions_folder")),
            ("OCSEMailAlarmsFolderURL", format!("{url}/sogo_alarms_folder")),
            ("SOGoMemcachedHost", format!("127.0.0.1:{port_of_cache}")),
            ("SOGoAppointmentSendEMailNotifications", "YES".to_owned()),
            ("SOGoMailingMechanism", "smtp".to_owned()),
            ("SOGoSMTPServer", format!("smtp://127.0.0.1:{}", trap.port)),
            ("SOGoMailDomain", "corp.example".to_owned()),
            ("SOGoTimeZone", "Europe/Moscow".to_owned()),
            (
                "SOGoUserSources",
                format!(
                    "({{type=sql;id=users;viewURL=\"{url}/sogo_users\";canAuthenticate=YES;isAddressBook=YES;\
                     userPasswordAlgorithm=plain;MailFieldNames=(mail);}})"
                ),
            ),
        ];
        // It writes its defaults below its home.
        let home = format!("HOME={}", folder.path().display());
        let mut arguments = vec![home, sogod.display().to_string()];
        arguments.extend(settings.into_iter().flat_map(|(name, value)| [format!("-{name}"), value]));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = start(&folder, Path::new("/usr/bin/env"), &arguments, port, &folder.path().join("out"))?;
        Ok(Sogo { _servers: [server, cached, tables], _folders: [folder, cache, database], port, trap })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The letters that it has sent since this was asked last: to whom, and about what.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        std::mem::take(&mut *self.trap.letters.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The folder of PostgreSQL's programs, which Debian keeps for each version apart.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

/// Makes the table of users, once the database takes questions.
fn fill(psql: &Path, url: &str, users: &[&str]) -> Result<()> {
    let rows =
        users.iter().map(|user| format!("('{user}','{user}','{PASSWORD}','{user}','{}')", calendars::address(user)));
    let script = format!(
        "create table sogo_users (c_uid text primary key, c_name text, c_password text, c_cn text, mail text); \
         insert into sogo_users values {}",
        rows.collect::<Vec<_>>().join(",")
    );
    let mut said = String::new();
    for _ in 0..50 {
        let output = Command::new(psql).args(["-q", "-d", url, "-c", &script]).output()?;
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err(failure(format!("psql: {said}")))
}

/// An SMTP server that keeps what it is given.
#[derive(Debug)]
struct Trap {
    port: u16,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Trap {
    fn start() -> Result<Trap> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (port, letters) = (listener.local_addr()?.port(), Arc::new(Mutex::new(Vec::new())));
        let kept = letters.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || take(stream, &kept));
            }
        });
        Ok(Trap { port, letters })
    }
}

/// One session of RFC 5321.
fn take(stream: TcpStream, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (mut lines, mut out) = (BufReader::new(stream.try_clone()?).lines(), stream);
    let (mut to, mut subject) = (Vec::new(), String::new());
    out.write_all(b"220 trap\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "RCPT" => to.push(line.split(':').nth(1).unwrap_or_default().trim().to_owned()),
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    if let Some(told) = line.strip_prefix("Subject: ").filter(|_| subject.is_empty()) {
                        told.clone_into(&mut subject);
                    }
                }
                let letter = format!("{}: {}", to.join(", "), std::mem::take(&mut subject));
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
                to.clear();
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => {}
        }
        out.write_all(b"250 ok\r\n")?;
    }
    Ok(())
}
