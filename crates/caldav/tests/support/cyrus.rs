//! Cyrus with CalDAV and its own scheduling: any user name signs in, and gets calendars at the first sign-in by IMAP.

use super::PASSWORD;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub const MASTER: &str = "/usr/lib/cyrus/bin/master";
const HTTPD: &str = "/usr/lib/cyrus/bin/httpd";

/// Debian's cyrus-imapd may lie unpacked beside the system, where Dovecot is installed too.
fn imapd() -> Option<PathBuf> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let unpacked = std::env::var_os("PAROM_PEERS").map_or(unpacked, PathBuf::from);
    let places = [PathBuf::from("/usr/lib/cyrus/bin/imapd"), unpacked.join("usr/lib/cyrus/bin/imapd")];
    places.into_iter().find(|path| path.exists())
}

pub fn is_installed() -> bool {
    Path::new(MASTER).exists() && Path::new(HTTPD).exists() && imapd().is_some()
}

/// The command that runs it, as a user that is not root.
pub fn command(folder: &Path, port: u16) -> Command {
    let here = folder.display();
    let is_new = !folder.join("imapd.conf").exists();
    let name = |what: &str| {
        let output = Command::new("id").arg(what).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let is_root = name("-u") == "0";
    if is_new {
        for name in ["conf/proc", "conf/lock", "conf/socket", "spool/stage."] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let user = if is_root { "nobody".to_owned() } else { name("-un") };
        let imap_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::copy(imapd().unwrap(), folder.join("imapd")).unwrap();
        fs::write(folder.join("imap-port"), imap_port.to_string()).unwrap();
        let settings = format!(
            "configdirectory: {here}/conf\ndefaultpartition: default\npartition-default: {here}/spool\n\
             cyrus_user: {user}\nservername: localhost\nadmins: admin\nvirtdomains: off\nunixhierarchysep: yes\n\
             altnamespace: yes\nautocreate_quota: 0\nallowplaintext: yes\nsasl_mech_list: PLAIN LOGIN\n\
             sasl_pwcheck_method: saslauthd\nsasl_saslauthd_path: {here}/conf/mux\nhttpmodules: caldav\n\
             calendar_user_address_set: corp.example\ncaldav_allowscheduling: on\n\
             notifysocket: {here}/conf/socket/notify\nidlesocket: {here}/conf/socket/idle\n\
             lmtpsocket: {here}/conf/socket/lmtp\n"
        );
        fs::write(folder.join("imapd.conf"), settings).unwrap();
        let services = format!(
            "START {{\n  recover cmd=\"/usr/sbin/cyrus ctl_cyrusdb -C {here}/imapd.conf -r\"\n}}\nSERVICES {{\n  \
             http cmd=\"{HTTPD} -C {here}/imapd.conf\" listen=\"127.0.0.1:{port}\" prefork=0\n  \
             imap cmd=\"{here}/imapd -C {here}/imapd.conf\" listen=\"127.0.0.1:{imap_port}\" prefork=0\n}}\nEVENTS {{\n}}\n"
        );
        fs::write(folder.join("cyrus.conf"), services).unwrap();
        passwords(&folder.join("conf/mux"));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    if is_root {
        assert!(Command::new("chown").args(["-R", "nobody:nogroup"]).arg(folder).status().unwrap().success());
        command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "/bin/sh"]);
    }
    command.args(["-c", &super::keeper(), "keeper", "", MASTER]);
    let file = |name: &str| folder.join(name).display().to_string();
    command.args(["-C", &file("imapd.conf"), "-M", &file("cyrus.conf"), "-p", &file("master.pid"), "-D"]);
    command
}

/// Gives a user calendars.
pub fn welcome(folder: &Path, user: &str) {
    let port: u16 = fs::read_to_string(folder.join("imap-port")).unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for (command, end) in [(format!("a LOGIN {user} {PASSWORD}"), "a OK"), ("b SELECT INBOX".into(), "b OK")] {
        write!(stream, "{command}\r\n").unwrap();
        let mut line = String::new();
        while !line.starts_with(end) {
            line.clear();
            assert!(answers.read_line(&mut line).unwrap() > 0 && !line.contains(" NO "), "{command}: {line}");
        }
    }
}

/// The protocol of saslauthd: four counted strings, one counted answer.
fn passwords(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    fs::set_permissions(socket, fs::Permissions::from_mode(0o777)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let told: Vec<String> = (0..4).map_while(|_| counted(&mut stream)).collect();
            let answer = if told.get(1).is_some_and(|it| it == PASSWORD) { b"\0\x02OK" } else { b"\0\x02NO" };
            let _ = stream.write_all(answer);
        }
    });
}

fn counted(stream: &mut UnixStream) -> Option<String> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut text = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut text).ok()?;
    String::from_utf8(text).ok()
}
