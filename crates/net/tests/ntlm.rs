//! NTLM against a server that others wrote: Samba's `ntlm_auth`, which needs no running service where it is told the password.

#![cfg(feature = "ntlm")]
#![allow(clippy::unwrap_used)]

use parom_net::Secret;
use parom_net::sasl::Ntlm;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const SAMBA: &str = "/usr/bin/ntlm_auth";
const PASSWORD: &str = "Пароль 1";

/// What Samba says about anna of CORP in the end, in the helper protocol of Squid: `AF` and her name, or `NA` and why not.
fn verdict(folder: &Path, login: &str, password: &str, binding: Option<&[u8]>) -> String {
    let mut samba = Command::new(SAMBA)
        .arg(format!("--configfile={}", folder.join("smb.conf").display()))
        .args(["--helper-protocol=squid-2.5-ntlmssp", "--username=anna", "--domain=CORP"])
        .arg(format!("--password={PASSWORD}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (samba.stdin.take().unwrap(), BufReader::new(samba.stdout.take().unwrap()));
    let mut say = |word: &str, message: &Secret| {
        writeln!(input, "{word} {}", std::str::from_utf8(message.expose()).unwrap()).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let mut ntlm = Ntlm::new(login, &password.into(), binding).unwrap();
    let asked = say("YR", &ntlm.respond(b"").unwrap());
    let challenge = asked.strip_prefix("TT ").unwrap_or_else(|| panic!("{login}: {asked}"));
    let verdict = say("KK", &ntlm.respond(challenge.as_bytes()).unwrap());
    drop(input);
    samba.wait().unwrap();
    verdict
}

#[test]
fn samba_believes_the_right_password_under_every_name_and_no_other() {
    if !Path::new(SAMBA).exists() {
        eprintln!("SKIPPED: winbind is not installed, so nothing was tested against Samba");
        assert!(std::env::var("CI").as_deref() != Ok("true"), "Samba's ntlm_auth is missing under CI=true");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let directories = ["lock", "state", "private", "cache", "pid"].map(|name| format!("{name} directory = {place}\n"));
    std::fs::write(folder.path().join("smb.conf"), format!("[global]\nworkgroup = CORP\n{}", directories.concat()))
        .unwrap();
    for (login, named) in
        [("CORP\\anna", "CORP\\anna"), ("anna", "\\anna"), ("anna@corp.example", "\\anna@corp.example")]
    {
        for binding in [None, Some(&b"tls-server-end-point:\x01"[..])] {
            assert_eq!(verdict(folder.path(), login, PASSWORD, binding), format!("AF {named}"));
        }
        assert!(verdict(folder.path(), login, "Пароль 2", None).starts_with("NA "), "{login}");
    }
}
