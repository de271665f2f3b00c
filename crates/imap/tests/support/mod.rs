//! A Dovecot for one test: temporary folder, free port, any user name signs in with the same password.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const PASSWORD: &str = "sesame";

pub struct Dovecot {
    child: Child,
    folder: tempfile::TempDir,
    pub port: u16,
    /// For implicit TLS; the certificate, for `localhost`, is `certificate.pem` in the folder.
    pub tls_port: u16,
}

impl Dovecot {
    /// `None`, with a loud word, where Dovecot is not installed; under `CI=true` that is a failure.
    pub fn start(location: &str, separator: &str, plugins: &str) -> Option<Dovecot> {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/usr/lib/dovecot");
        let unpacked =
            std::env::var_os("PAROM_PEERS").map_or(unpacked, |peers| PathBuf::from(peers).join("usr/lib/dovecot"));
        let sources = [PathBuf::from("/usr/lib/dovecot"), unpacked];
        let installed = Path::new("/usr/sbin/dovecot").exists() && sources.iter().any(|it| it.join("imap").exists());
        if !installed {
            eprintln!("SKIPPED: Dovecot (dovecot-imapd) is not installed, so nothing was tested against it");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "Dovecot is missing under CI=true");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display().to_string();
        for name in ["libexec", "modules", "run", "mail"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // Debian's package may lie unpacked beside the system, where Cyrus is installed too.
        for source in &sources {
            gather(source, &folder.path().join("libexec"));
            gather(&source.join("modules"), &folder.path().join("modules"));
        }
        // Dovecot's workers need a user of their own when root starts them.
        let me = fs::metadata(folder.path()).unwrap();
        let (uid, gid) = if me.uid() == 0 { (65534, 65534) } else { (me.uid(), me.gid()) };
        let (user, group) = (name_of("passwd", uid), name_of("group", gid));
        let free_port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, tls_port) = (free_port(), free_port());
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "openssl could not make a certificate");
        let config = format!(
            "base_dir = {root}/run\nlog_path = {root}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
             default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
             first_valid_uid = {uid}\nfirst_valid_gid = {gid}\nlibexec_dir = {root}/libexec\n\
             mail_plugin_dir = {root}/modules\nmail_location = {location}\nmail_fsync = never\n\
             ssl = yes\nssl_cert = <{root}/certificate.pem\nssl_key = <{root}/key.pem\n\
             mail_max_userip_connections = 1000\ndisable_plaintext_auth = no\nauth_failure_delay = 0\n\
             namespace inbox {{\n inbox = yes\n separator = {separator}\n}}\n\
             passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
             userdb {{\n driver = static\n args = uid={uid} gid={gid} home={root}/mail/%u allow_all_users=yes\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n  port = {port}\n }}\n inet_listener imaps {{\n  port = {tls_port}\n  ssl = yes\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n unix_listener stats-writer {{\n  mode = 0666\n }}\n}}\n\
             protocol imap {{\n mail_plugins = {plugins}\n}}\n"
        );
        let config_file = folder.path().join("dovecot.conf");
        fs::write(&config_file, config).unwrap();
        if me.uid() == 0 {
            let owner = format!("{uid}:{gid}");
            assert!(Command::new("chown").arg("-R").arg(owner).arg(folder.path()).status().unwrap().success());
        }
        let child = Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(&config_file)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let dovecot = Dovecot { child, folder, port, tls_port };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "Dovecot does not answer: {}", dovecot.log());
            std::thread::yield_now();
        }
        Some(dovecot)
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn gather(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let place = to.join(entry.file_name());
        if place.exists() {
            continue;
        }
        if from.starts_with("/usr/lib") {
            symlink(entry.path(), place).unwrap();
        } else if entry.path().is_file() {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}

fn name_of(database: &str, id: u32) -> String {
    let entries = fs::read_to_string(format!("/etc/{database}")).unwrap();
    let entry = entries.lines().find(|line| line.split(':').nth(2) == Some(id.to_string().as_str()));
    entry.and_then(|line| line.split(':').next()).unwrap().to_owned()
}
