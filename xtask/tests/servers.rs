//! The live servers and the oracle do what the live suites rely on, shown without Parom.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::process::Command;
use xtask::live::dovecot::{Dovecot, Options};
use xtask::live::tls::Validity;
use xtask::live::world::Peer;
use xtask::live::{Address, Layout, MASTER, MASTER_PASSWORD, PASSWORD, Radicale, oracle};

fn ready(peer: Peer) -> bool {
    if peer.is_installed() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "under CI=true nothing may be missing: {peer:?}");
    eprintln!("SKIPPED: {peer:?} is missing (run .ci/deps test)");
    false
}

#[test]
fn every_server_keeps_the_special_messages_and_names_as_another_does() {
    let peers = [Peer::DovecotMaildir, Peer::DovecotSdbox, Peer::Cyrus];
    if !peers.into_iter().all(ready) {
        return;
    }
    let servers: Vec<_> = peers.iter().map(|peer| peer.start().unwrap()).collect();
    let mailboxes: Vec<String> = servers.iter().map(|server| oracle::address(&server.plain(), "eve")).collect();
    for mailbox in &mailboxes {
        oracle::run(&["load", mailbox, "special", "--big-bytes", "3000000"]).unwrap();
        // Names that all of them can have, so that nothing has to be folded.
        oracle::run(&["load", mailbox, "names", "--avoid", Peer::Cyrus.avoids()]).unwrap();
    }
    oracle::run(&["compare", &mailboxes[0], &mailboxes[1]]).unwrap();
    oracle::run(&["compare", &mailboxes[0], &mailboxes[2]]).unwrap();
}

#[test]
fn the_oracle_sees_every_kind_of_difference() {
    if !ready(Peer::DovecotMaildir) {
        return;
    }
    let server = Peer::DovecotMaildir.start().unwrap();
    let differs = |name: &str, words: &[&str]| {
        let (a, b) = (oracle::address(&server.plain(), "left"), oracle::address(&server.plain(), name));
        oracle::run(&["load", &b, "ordinary", "--count", "10"]).unwrap();
        oracle::run(&["compare", &a, &b]).unwrap();
        oracle::run(&[&["do", &b], words].concat()).unwrap();
        let found = oracle::call(&["compare", &a, &b]).unwrap();
        assert_eq!(found.status.code(), Some(1), "{words:?}");
    };
    oracle::run(&["load", &oracle::address(&server.plain(), "left"), "ordinary", "--count", "10"]).unwrap();
    differs("more", &["append", "INBOX", "one-more"]);
    differs("fewer", &["delete", "INBOX", "t1-5"]);
    differs("flag", &["flag", "INBOX", "t1-5", "$Unusual"]);
    differs("folder", &["create", "Empty"]);
}

#[test]
fn a_journal_foretells_what_edits_come_to() {
    if !ready(Peer::DovecotSdbox) {
        return;
    }
    let server = Peer::DovecotSdbox.start().unwrap();
    let mailbox = oracle::address(&server.plain(), "frank");
    for folder in ["INBOX", "One", "One/Two"] {
        oracle::run(&["load", &mailbox, "ordinary", "--folder", folder, "--seed", folder, "--count", "30"]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let (base, journal) = (folder.path().join("base"), folder.path().join("journal"));
    let (base, journal) = (base.to_string_lossy(), journal.to_string_lossy());
    oracle::run(&["snapshot", &mailbox, "--out", &base]).unwrap();
    let operations = "append,flag,move,delete,create,rename";
    let edit = ["edit", &mailbox, "--seed", "7", "--count", "40", "--journal", &journal, "--ops", operations];
    oracle::run(&edit).unwrap();
    oracle::run(&["expect", &base, &journal, &mailbox]).unwrap();
    assert_eq!(oracle::call(&["compare", &base, &mailbox]).unwrap().status.code(), Some(1));
}

#[test]
fn limits_are_kept() {
    if !ready(Peer::DovecotSdbox) {
        return;
    }
    let refused = |options: Options, word: &str| {
        let server = Dovecot::start(options).unwrap();
        let mailbox = oracle::address(&server.plain(), "gina");
        let words = ["load", &mailbox, "ordinary", "--count", "20", "--body-bytes", "50000"];
        let said = oracle::run(&words).unwrap_err().to_string();
        assert!(said.contains(word), "{said}");
    };
    let sdbox = Options { layout: Layout::Sdbox, ..Options::default() };
    refused(Options { quota: Some("100k".to_owned()), ..sdbox.clone() }, "OVERQUOTA");
    refused(Options { largest_message: Some("10k".to_owned()), ..sdbox }, "APPEND");
}

#[test]
fn the_service_account_opens_any_mailbox() {
    if !ready(Peer::DovecotMaildir) {
        return;
    }
    let server = Peer::DovecotMaildir.start().unwrap();
    oracle::run(&["load", &oracle::address(&server.plain(), "hugo"), "ordinary", "--count", "3"]).unwrap();
    let Address { host, port, .. } = server.plain();
    let opened = oracle::run(&["stats", &format!("imap://hugo*{MASTER}:{MASTER_PASSWORD}@{host}:{port}")]).unwrap();
    assert!(opened.contains("       3 "), "{opened}");
    assert!(oracle::run(&["stats", &format!("imap://hugo:wrong@{host}:{port}")]).is_err());
}

#[test]
fn certificates_are_good_or_expired_as_asked() {
    if !ready(Peer::DovecotMaildir) {
        return;
    }
    for (validity, good) in [(Validity::Now, true), (Validity::Expired, false)] {
        let server = Dovecot::start(Options { tls: Some(validity), ..Options::default() }).unwrap();
        oracle::run(&["stats", &oracle::address(&server.implicit_tls(), "ida")]).unwrap();
        let certificate = &server.certificate().unwrap().certificate;
        let words = ["x509", "-noout", "-checkend", "0", "-in", &certificate.to_string_lossy()];
        assert_eq!(Command::new("openssl").args(words).output().unwrap().status.success(), good);
    }
}

#[test]
fn a_server_and_its_mail_end_with_the_guard() {
    if !ready(Peer::DovecotMaildir) {
        return;
    }
    let server = Dovecot::start(Options::default()).unwrap();
    let (port, config) = (server.plain().port, server.config());
    oracle::run(&["load", &oracle::address(&server.plain(), "jan"), "ordinary", "--count", "3"]).unwrap();
    drop(server);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!config.exists());
}

#[test]
fn radicale_shows_each_user_what_is_theirs_and_ends_with_its_guard() {
    if !Radicale::is_installed() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "under CI=true nothing may be missing: Radicale");
        eprintln!("SKIPPED: Radicale is missing (run .ci/deps test)");
        return;
    }
    let server = Radicale::start(&["anna", "boris"]).unwrap();
    let status = |user: &str, password: &str, path: &str| {
        let script = "import base64, http.client, sys\n\
                      port, user, password, path = sys.argv[1:]\n\
                      word = base64.b64encode(f'{user}:{password}'.encode()).decode()\n\
                      link = http.client.HTTPConnection('127.0.0.1', int(port))\n\
                      link.request('PROPFIND', path, headers={'Authorization': 'Basic ' + word, 'Depth': '0'})\n\
                      print(link.getresponse().status)";
        let port = server.port().to_string();
        let output = Command::new("python3").args(["-c", script, &port, user, password, path]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(status("anna", PASSWORD, "/anna/"), "207");
    assert_eq!(status("anna", "wrong", "/anna/"), "401");
    assert_eq!(status("anna", PASSWORD, "/boris/"), "403");
    let port = server.port();
    drop(server);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
