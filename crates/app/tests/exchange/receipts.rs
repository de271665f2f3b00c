//! Row 28: nobody gets a receipt because of us.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::Version;
use parom_lab::server::Hands;

/// A message whose sender waits for a receipt.
fn asking(token: &str) -> Vec<u8> {
    [b"Disposition-Notification-To: boss@corp.example\r\n".to_vec(), mail(token)].concat()
}

/// Four unread messages that ask for a receipt and two that do not, in step; and a folder beside them.
fn in_step(version: Version, more: &str) -> Stage {
    let stage = Stage::new(version);
    stage.configure(more);
    let (here, _) = stage.hands();
    for token in ["read", "deleted", "moved", "kept"] {
        here.add(&FolderPath::inbox(), asking(token), &[], DATE).unwrap();
    }
    for token in ["plain-read", "plain-deleted"] {
        here.add(&FolderPath::inbox(), mail(token), &[], DATE).unwrap();
    }
    here.create(&work(), None).unwrap();
    stage.settle();
    stage
}

fn work() -> FolderPath {
    FolderPath::new(["Работа"]).unwrap()
}

fn uid(hands: &Hands, token: &str) -> u32 {
    let subject = format!("Subject: {token}\r\n");
    let is_it = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&subject);
    hands.messages(&FolderPath::inbox()).iter().find(|seen| is_it(&seen.bytes)).unwrap().uid
}

/// The person works on the target.
fn work_on_target(there: &Hands) {
    for token in ["read", "plain-read"] {
        there.flag(&FolderPath::inbox(), uid(there, token), &["\\Seen"], &[]).unwrap();
    }
    there.shift(&FolderPath::inbox(), &[uid(there, "moved")], &work()).unwrap();
    for token in ["deleted", "plain-deleted"] {
        there.remove(&FolderPath::inbox(), &[uid(there, token)]).unwrap();
    }
    there.add(&FolderPath::inbox(), asking("new"), &[], DATE).unwrap();
}

fn subjects(stage: &Stage, hands: &Hands, folder: &str) -> Vec<String> {
    stage.tokens(hands).remove(folder).unwrap_or_default().into_keys().collect()
}

#[test]
fn what_would_send_a_receipt_waits_and_all_else_goes_on() {
    for version in [Version::E2010, Version::E2013, Version::E2019] {
        for deletions in ["trash", "expunge"] {
            let stage = in_step(version, &format!("deletions = \"{deletions}\""));
            let (here, there) = stage.hands();
            work_on_target(&there);
            let held = stage.sync();
            assert_eq!(held.status.code(), Some(6), "{}", told(&held));
            assert!(told(&held).contains("ask for a read receipt"), "{}", told(&held));
            assert!(told(&held).contains("Set-CASMailbox"), "{}", told(&held));
            assert_eq!(stage.exchange.receipts(), [], "{version:?} {deletions}");
            let inbox = subjects(&stage, &here, "INBOX");
            assert_eq!(inbox, ["deleted", "kept", "moved", "plain-read", "read"], "{version:?} {deletions}");
            let is_read = |token: &str| {
                let seen = here.messages(&FolderPath::inbox()).into_iter().find(|seen| seen.uid == uid(&here, token));
                seen.unwrap().flags.iter().any(|flag| &**flag == "\\Seen")
            };
            assert!(is_read("plain-read") && !is_read("read"), "{version:?} {deletions}");

            // The admin has stopped the receipts, and says so.
            stage.exchange.switch(|quirks| quirks.suppress_read_receipts = true);
            stage.suppress_receipts(&format!("deletions = \"{deletions}\""));
            stage.settle();
            assert_eq!(stage.exchange.receipts(), []);
            assert_eq!(
                subjects(&stage, &here, "INBOX"),
                ["kept", "new", "plain-read", "read"],
                "{version:?} {deletions}"
            );
            assert_eq!(subjects(&stage, &here, "Работа"), ["moved"]);
            assert!(is_read("read"));
        }
    }
}

#[test]
fn a_person_may_let_the_receipts_go_out() {
    let stage = in_step(Version::E2016, "");
    let (_, there) = stage.hands();
    work_on_target(&there);
    assert_eq!(stage.sync().status.code(), Some(6));
    let shown = told(&stage.run(&["brakes"]));
    assert!(shown.contains("ask for a read receipt"), "{shown}");
    assert!(stage.run(&["brakes", "release", "anna@corp.example"]).status.success());
    stage.settle();
    assert!(!stage.exchange.receipts().is_empty());
}

#[test]
fn what_its_owner_has_read_meanwhile_waits_no_longer() {
    let stage = in_step(Version::E2016, "");
    let (here, there) = stage.hands();
    there.remove(&FolderPath::inbox(), &[uid(&there, "deleted")]).unwrap();
    assert_eq!(stage.sync().status.code(), Some(6));
    here.flag(&FolderPath::inbox(), uid(&here, "deleted"), &["\\Seen"], &[]).unwrap();
    stage.settle();
    assert!(!subjects(&stage, &here, "INBOX").contains(&"deleted".to_owned()));
    assert_eq!(stage.exchange.receipts(), []);
}
