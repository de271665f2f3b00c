//! Cyrus imapd 3.6 on loopback: any user name signs in and gets its mailbox, "/" between levels, INBOX beside the rest.

use super::process::{Account, RunDir, Server, free_port};
use super::saslauthd;
use super::{Address, MASTER, MASTER_PASSWORD, PASSWORD};
use crate::{Result, failure, paths};
use std::path::Path;

/// A running Cyrus. It ends, and its mail is removed, when this is dropped.
#[derive(Debug)]
pub struct Cyrus {
    // Dropped in this order: the server stops before its folder goes.
    _server: Server,
    folder: RunDir,
    port: u16,
}

const MASTER_PROGRAM: &str = "/usr/lib/cyrus/bin/master";

impl Cyrus {
    /// Is there all that is needed to start one?
    #[must_use]
    pub fn is_installed() -> bool {
        Path::new(MASTER_PROGRAM).exists() && paths::peer_file("/usr/lib/cyrus/bin/imapd").is_some()
    }

    pub fn start() -> Result<Cyrus> {
        let imapd = paths::peer_file("/usr/lib/cyrus/bin/imapd")
            .ok_or_else(|| failure("Cyrus' imapd is missing (cyrus-imapd): run .ci/deps test"))?;
        let account = Account::for_servers()?;
        let folder = RunDir::new(&account, None)?;
        let here = folder.path().display();
        for name in ["conf", "conf/proc", "conf/lock", "conf/socket", "spool", "spool/stage."] {
            folder.subfolder(&account, name)?;
        }
        // The unpacked copy may lie where the servers' user cannot enter.
        let program = folder.path().join("imapd");
        std::fs::copy(imapd, &program)?;
        let port = free_port()?;
        let socket = folder.path().join("conf/mux");
        saslauthd::serve(&socket, accepts)?;
        let name = &account.name;
        let settings = folder.file(
            &account,
            "imapd.conf",
            &format!(
                "configdirectory: {here}/conf\n\
                 defaultpartition: default\n\
                 partition-default: {here}/spool\n\
                 cyrus_user: {name}\n\
                 servername: localhost\n\
                 admins: admin\n\
                 proxyservers: {MASTER}\n\
                 virtdomains: off\n\
                 unixhierarchysep: yes\n\
                 altnamespace: yes\n\
                 autocreate_quota: 0\n\
                 munge8bit: no\n\
                 allowplaintext: yes\n\
                 sasl_mech_list: PLAIN LOGIN\n\
                 sasl_pwcheck_method: saslauthd\n\
                 sasl_saslauthd_path: {}\n\
                 idlesocket: {here}/conf/socket/idle\n\
                 lmtpsocket: {here}/conf/socket/lmtp\n\
                 notifysocket: {here}/conf/socket/notify\n\
                 improved_mboxlist_sort: yes\n\
                 delete_mode: immediate\n\
                 expunge_mode: immediate\n\
                 maxlogins_per_host: 0\n\
                 maxlogins_per_user: 0\n",
                socket.display(),
            ),
        )?;
        let settings = settings.display();
        let services = folder.file(
            &account,
            "cyrus.conf",
            &format!(
                "START {{\n  recover cmd=\"/usr/sbin/cyrus ctl_cyrusdb -C {settings} -r\"\n}}\n\
                 SERVICES {{\n  imap cmd=\"{} -C {settings}\" listen=\"127.0.0.1:{port}\" prefork=0 maxchild=300\n}}\n\
                 EVENTS {{\n}}\n",
                program.display()
            ),
        )?;
        let log = folder.path().join("cyrus.log");
        let pid = folder.path().join("master.pid");
        let arguments =
            ["-C", &settings.to_string(), "-M", &services.to_string_lossy(), "-p", &pid.to_string_lossy(), "-D"];
        let server = Server::start(&account, folder.path(), Path::new(MASTER_PROGRAM), &arguments, port, &log)?;
        Ok(Cyrus { _server: server, folder, port })
    }

    #[must_use]
    pub fn plain(&self) -> Address {
        Address::plain(self.port)
    }

    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("cyrus.log")).unwrap_or_default()
    }
}

fn accepts(login: &str, password: &str) -> bool {
    if login == MASTER { password == MASTER_PASSWORD } else { password == PASSWORD }
}
