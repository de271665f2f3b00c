//! Dovecot 2.3 on loopback: any user name signs in, mail in Maildir ("." between levels) or sdbox ("/").

use super::process::{Account, RunDir, Server, free_port};
use super::tls::{Certificate, Validity};
use super::{Address, MASTER, MASTER_PASSWORD, PASSWORD};
use crate::{Result, failure, paths};
use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How mail is kept, and with it what separates the levels of folder names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Maildir++, separator `.`.
    Maildir,
    /// One file for a message, separator `/`.
    Sdbox,
}

impl Layout {
    #[must_use]
    pub fn separator(self) -> char {
        match self {
            Layout::Maildir => '.',
            Layout::Sdbox => '/',
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Layout::Maildir => "maildir",
            Layout::Sdbox => "sdbox",
        }
    }
}

/// What differs from an ordinary server. `Options::default()` is a plain Maildir server.
#[derive(Clone, Debug)]
pub struct Options {
    pub layout: Layout,
    /// Offer implicit TLS on a port of its own, and STARTTLS on the plain one.
    pub tls: Option<Validity>,
    /// Dovecot's `mail_fsync`: `optimized` (Debian's default), `always` or `never`.
    pub fsync: &'static str,
    /// Where the run folder with the mail is made: `/dev/shm` for benchmarks.
    pub below: Option<PathBuf>,
    /// Quota of each account, for example `100k`.
    pub quota: Option<String>,
    /// Largest message, for example `1M`.
    pub largest_message: Option<String>,
    /// Offer COMPRESS=DEFLATE. Debian's default configuration does not.
    pub compress: bool,
    /// Lets the mailboxes drafts, sent, junk and trash exist from the first sign-in, with their roles (RFC 6154).
    pub special_folders: bool,
    /// Access lists: a folder's own is the file `dovecot-acl` within it ([`Dovecot::grant`]).
    pub acl: bool,
    /// Serve ManageSieve, with `sieve_extensions` as this says ("": what is switched on by itself).
    pub sieve: Option<String>,
    /// Extra lines for dovecot.conf.
    pub extra: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            layout: Layout::Maildir,
            tls: None,
            fsync: "optimized",
            below: None,
            quota: None,
            largest_message: None,
            compress: false,
            special_folders: false,
            acl: false,
            sieve: None,
            extra: String::new(),
        }
    }
}

/// A running Dovecot. It ends, and its mail is removed, when this is dropped.
#[derive(Debug)]
pub struct Dovecot {
    // Dropped in this order: the server stops before its folder goes.
    _server: Server,
    folder: RunDir,
    account: Account,
    options: Options,
    port: u16,
    tls_port: u16,
    sieve_ports: [u16; 2],
    certificate: Option<Certificate>,
}

impl Dovecot {
    /// Is there all that is needed to start one?
    #[must_use]
    pub fn is_installed() -> bool {
        paths::program("dovecot").is_some() && paths::peer_file("/usr/lib/dovecot/imap").is_some()
    }

    /// And for ManageSieve?
    #[must_use]
    pub fn has_sieve() -> bool {
        Dovecot::is_installed()
            && Path::new("/usr/lib/dovecot/managesieve").exists()
            && paths::program("sieve-test").is_some()
    }

    pub fn start(options: Options) -> Result<Dovecot> {
        let program = paths::program("dovecot").ok_or_else(|| failure("dovecot is not installed (dovecot-core)"))?;
        let account = Account::for_servers()?;
        let folder = RunDir::new(&account, options.below.as_deref())?;
        let certificate = match options.tls {
            Some(validity) => Some(Certificate::make(&account, &folder, validity)?),
            None => None,
        };
        gather_programs(&account, &folder)?;
        for name in ["mail", "run", "state"] {
            folder.subfolder(&account, name)?;
        }
        folder.file(&account, "masters", &format!("{MASTER}:{{PLAIN}}{MASTER_PASSWORD}\n"))?;
        let (port, tls_port) = (free_port()?, free_port()?);
        let sieve_ports = [free_port()?, free_port()?];
        let mut text = configuration(&account, folder.path(), &options, certificate.as_ref(), port, tls_port);
        if let Some(extensions) = &options.sieve {
            text.push_str(&managesieve(extensions, certificate.is_some(), sieve_ports));
        }
        let config = folder.file(&account, "dovecot.conf", &text)?;
        let log = folder.path().join("dovecot.log");
        let arguments = ["-F", "-c", &config.to_string_lossy()];
        let server = Server::start(&account, folder.path(), &program, &arguments, port, &log)?;
        Ok(Dovecot { _server: server, folder, account, options, port, tls_port, sieve_ports, certificate })
    }

    #[must_use]
    pub fn plain(&self) -> Address {
        Address::plain(self.port)
    }

    #[must_use]
    pub fn implicit_tls(&self) -> Address {
        Address::implicit_tls(self.tls_port)
    }

    /// ManageSieve; with a certificate it offers STARTTLS.
    #[must_use]
    pub fn sieve(&self) -> Address {
        Address::plain(self.sieve_ports[0])
    }

    /// ManageSieve with TLS from the first byte.
    #[must_use]
    pub fn sieve_over_tls(&self) -> Address {
        Address::implicit_tls(self.sieve_ports[1])
    }

    /// What a script would do with a message to this address, as `sieve-test` tells it. Nothing is done.
    pub fn sieve_test(&self, user: &str, address: &str, script: &Path, message: &str) -> Result<String> {
        let program = paths::program("sieve-test").ok_or_else(|| failure("sieve-test is missing (dovecot-sieve)"))?;
        let file = self.folder.file(&self.account, "message.eml", message)?;
        let mut command = self.account.command(&program);
        // Compiled anew each time: scripts change within a second.
        command
            .arg("-c")
            .arg(self.config())
            .args(["-C", "-u", user, "-a", address, "-r", address])
            .arg(script)
            .arg(file);
        let output = command.current_dir(self.folder.path()).env("HOME", self.home(user)).output()?;
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        if output.status.success() { Ok(said) } else { Err(failure(said)) }
    }

    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    #[must_use]
    pub fn layout(&self) -> Layout {
        self.options.layout
    }

    /// The user that owns the mail; `doveadm` runs as it too.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("dovecot.conf")
    }

    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("dovecot.log")).unwrap_or_default()
    }

    /// The home of a user's mail, whether it exists or not. For Maildir the mail is in `Maildir` below.
    #[must_use]
    pub fn home(&self, user: &str) -> PathBuf {
        self.folder.path().join("mail").join(user)
    }

    /// The rights that a user has from now on in a folder of Maildir at the top level (RFC 4314 section 2.1).
    pub fn grant(&self, user: &str, folder: &str, rights: &str) -> Result<()> {
        let list = self.home(user).join(format!("Maildir/.{folder}/dovecot-acl"));
        Ok(std::fs::write(list, format!("owner {rights}\n"))?)
    }

    /// Removes a user's whole mailbox, as if it had never signed in.
    pub fn wipe(&self, user: &str) -> Result<()> {
        match std::fs::remove_dir_all(self.home(user)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// `doveadm` with this server's configuration, as the user that owns the mail.
    pub fn doveadm(&self) -> Result<Command> {
        let program = paths::program("doveadm").ok_or_else(|| failure("doveadm is not installed (dovecot-core)"))?;
        let mut command = self.account.command(&program);
        command.arg("-c").arg(self.config()).current_dir(self.folder.path());
        Ok(command)
    }
}

/// Debian does not install Dovecot's IMAP part beside Cyrus', so it may lie unpacked in a folder that the servers' user
/// cannot enter. The run folder gets one folder of programs and one of plug-ins, with those of both places.
fn gather_programs(account: &Account, folder: &RunDir) -> Result<()> {
    let unpacked = paths::peers().join("usr/lib/dovecot");
    for (system, unpacked, name) in [
        (PathBuf::from("/usr/lib/dovecot"), unpacked.clone(), "libexec"),
        (PathBuf::from("/usr/lib/dovecot/modules"), unpacked.join("modules"), "modules"),
    ] {
        let gathered = folder.subfolder(account, name)?;
        for entry in std::fs::read_dir(system)? {
            let entry = entry?;
            symlink(entry.path(), gathered.join(entry.file_name()))?;
        }
        for entry in std::fs::read_dir(unpacked).into_iter().flatten() {
            let entry = entry?;
            let place = gathered.join(entry.file_name());
            if entry.file_type()?.is_file() && !place.exists() {
                std::fs::copy(entry.path(), place)?;
            }
        }
    }
    if folder.path().join("libexec/imap").exists() {
        return Ok(());
    }
    Err(failure("Dovecot's IMAP part is missing (dovecot-imapd): run .ci/deps test"))
}

/// The service of scripts, and where they are kept.
fn managesieve(extensions: &str, has_tls: bool, [port, tls_port]: [u16; 2]) -> String {
    let over_tls = match has_tls {
        true => format!("inet_listener sieves {{\n    port = {tls_port}\n    ssl = yes\n  }}"),
        false => String::new(),
    };
    let extensions = match extensions {
        "" => String::new(),
        extensions => format!("  sieve_extensions = {extensions}\n"),
    };
    format!(
        "protocols = imap sieve\nservice managesieve-login {{\n  chroot =\n  inet_listener sieve {{\n    port = {port}\n  }}\n  \
         {over_tls}\n}}\nplugin {{\n  sieve = file:~/sieve;active=~/.dovecot.sieve\n{extensions}}}\n"
    )
}

fn configuration(
    account: &Account,
    folder: &Path,
    options: &Options,
    certificate: Option<&Certificate>,
    port: u16,
    tls_port: u16,
) -> String {
    let Account { name, group, uid, gid, .. } = account;
    let folder = folder.display();
    let (location, separator) = match options.layout {
        Layout::Maildir => ("maildir:~/Maildir", "."),
        Layout::Sdbox => ("sdbox:~/sdbox", "/"),
    };
    let fsync = options.fsync;
    let (mut plugins, mut imap_plugins) = (String::new(), String::new());
    if options.compress {
        plugins.push_str("zlib");
        imap_plugins.push_str("imap_zlib");
    }
    let mut plugin_lines = String::new();
    if let Some(quota) = &options.quota {
        plugin_lines = format!("  quota = count:mailbox\n  quota_rule = *:storage={quota}\n  quota_vsizes = yes\n");
    }
    if let Some(largest) = &options.largest_message {
        if options.quota.is_none() {
            plugin_lines.push_str("  quota = count:mailbox\n  quota_vsizes = yes\n");
        }
        let _ = writeln!(plugin_lines, "  quota_max_mail_size = {largest}");
    }
    if !plugin_lines.is_empty() {
        plugins.push_str(" quota");
        imap_plugins.push_str(" imap_quota");
    }
    if options.acl {
        plugins.push_str(" acl");
        imap_plugins.push_str(" imap_acl");
        plugin_lines.push_str("  acl = vfile\n");
    }
    let (ssl, ssl_listener) = match certificate {
        Some(Certificate { certificate, key }) => (
            format!("ssl = yes\nssl_cert = <{}\nssl_key = <{}", certificate.display(), key.display()),
            format!("inet_listener imaps {{\n    port = {tls_port}\n    ssl = yes\n  }}"),
        ),
        None => ("ssl = no".to_owned(), "inet_listener imaps {\n    port = 0\n  }".to_owned()),
    };
    let mut special = String::new();
    if options.special_folders {
        for (folder, role) in [("Drafts", "Drafts"), ("Sent", "Sent"), ("Junk", "Junk"), ("Trash", "Trash")] {
            let _ = writeln!(special, "  mailbox {folder} {{\n    special_use = \\{role}\n    auto = subscribe\n  }}");
        }
    }
    let extra = &options.extra;
    format!(
        r"# Written by xtask for one test run.
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {name}
default_internal_group = {group}
default_login_user = {name}
default_process_limit = 1000
default_client_limit = 4000
first_valid_uid = {uid}
last_valid_uid = {uid}
first_valid_gid = {gid}
last_valid_gid = {gid}
libexec_dir = {folder}/libexec
mail_plugin_dir = {folder}/modules
mail_plugins = {plugins}
mail_location = {location}
mail_fsync = {fsync}
mail_max_userip_connections = 1000
mail_max_keyword_length = 200
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_master_user_separator = *
auth_failure_delay = 0
{ssl}
namespace inbox {{
  inbox = yes
  separator = {separator}
{special}}}
passdb {{
  driver = passwd-file
  args = {folder}/masters
  master = yes
  result_success = continue
}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  {ssl_listener}
}}
service imap {{
  process_limit = 2048
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
protocol imap {{
  mail_plugins = {plugins} {imap_plugins}
}}
plugin {{
{plugin_lines}}}
{extra}
"
    )
}
