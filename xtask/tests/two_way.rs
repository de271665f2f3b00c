//! Whole mailboxes both ways between real servers, judged by the independent oracle.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::path::Path;
use xtask::live::oracle;
use xtask::live::parom::Parom;
use xtask::live::world::{Peer, World, ready};

const USER: &str = "anna";

#[test]
fn dovecot_maildir_and_dovecot_sdbox() {
    whole_mailboxes(Peer::DovecotMaildir, Peer::DovecotSdbox);
}

#[test]
fn dovecot_sdbox_and_dovecot_maildir() {
    whole_mailboxes(Peer::DovecotSdbox, Peer::DovecotMaildir);
}

#[test]
fn dovecot_and_cyrus() {
    whole_mailboxes(Peer::DovecotMaildir, Peer::Cyrus);
}

#[test]
fn cyrus_and_dovecot() {
    whole_mailboxes(Peer::Cyrus, Peer::DovecotSdbox);
}

/// The whole story of one account: first copy with mail on both sides, an idle run, edits on both sides, folders that
/// are renamed, swapped and removed, and after each step the same mail on both sides and an idle run.
fn whole_mailboxes(source: Peer, target: Peer) {
    if !ready(&[source, target]) {
        return;
    }
    let world = World::new(source, target).unwrap();
    let (ours, theirs) = (world.source_of(USER), world.target_of(USER));
    oracle::run(&["load", &ours, "special"]).unwrap();
    oracle::run(&["load", &ours, "names", "--avoid", source.avoids()]).unwrap();
    oracle::run(&["load", &ours, "ordinary", "--seed", "here", "--count", "200"]).unwrap();
    oracle::run(&["load", &theirs, "ordinary", "--seed", "there", "--count", "80"]).unwrap();
    oracle::run(&["load", &theirs, "ordinary", "--seed", "only", "--folder", "Only there", "--count", "10"]).unwrap();
    let first_source = world.snapshot(&ours, "first").unwrap();

    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    // What was there before has not been touched: the source is as it was, plus what only the target had.
    only_added(&world, &first_source, &ours, 90);
    world.idle(&parom, USER, 150_000).unwrap();

    let base = world.snapshot(&ours, "base").unwrap();
    let here = world.edit(&ours, "edits-here", 40, "1/2", "append,append,flag,flag,flag,move,delete,create").unwrap();
    let there = world.edit(&theirs, "edits-there", 40, "2/2", "append,append,flag,flag,flag,move,delete").unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.expect(&base, &[&here, &there], &ours).unwrap();
    world.idle(&parom, USER, 150_000).unwrap();

    let base = world.snapshot(&ours, "folders").unwrap();
    let mut steps = Vec::new();
    for (side, words) in [
        (&ours, ["create", "Swap A", ""]),
        (&ours, ["create", "Swap B", ""]),
        (&theirs, ["rename", "Only there", "Renamed there"]),
        (&ours, ["rename", "Проекты/Паром", "Проекты/Паром 2"]),
        (&ours, ["remove", "Inbox copy", ""]),
    ] {
        steps.push((side, words));
    }
    for (side, words) in steps {
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        oracle::run(&[&["do", side][..], &words].concat()).unwrap();
    }
    oracle::run(&["load", &ours, "ordinary", "--seed", "sa", "--folder", "Swap A", "--count", "25"]).unwrap();
    oracle::run(&["load", &ours, "ordinary", "--seed", "sb", "--folder", "Swap B", "--count", "30"]).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.differ(&base.to_string_lossy(), &ours).unwrap();

    let swapped = world.snapshot(&ours, "swapped").unwrap();
    // Cyrus numbers UIDVALIDITY by the second, so that these two may differ in nothing but their permanent ids.
    for (from, to) in [("Swap A", "Swap C"), ("Swap B", "Swap A"), ("Swap C", "Swap B")] {
        oracle::run(&["do", &ours, "rename", from, to]).unwrap();
    }
    let source_after_swap = world.snapshot(&ours, "after-swap").unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.compare(&source_after_swap.to_string_lossy(), &ours).unwrap();
    world.differ(&swapped.to_string_lossy(), &ours).unwrap();
    world.idle(&parom, USER, 150_000).unwrap();

    parom.run(&["verify"]).unwrap().ok().unwrap();
    planted(&parom, &ours, &theirs);
}

/// `verify` finds what is really different on either side, and tells it by its kind.
fn planted(parom: &Parom, ours: &str, theirs: &str) {
    for token in ["gone", "other", "twice", "marked"] {
        oracle::run(&["do", ours, "append", "INBOX", token, "\\Seen"]).unwrap();
    }
    parom.settle().unwrap();
    let kinds = || {
        let verified = parom.run(&["verify", "--json"]).unwrap();
        let found = |line: &str| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            object["difference"].as_str().map(|kind| format!("{kind} {}", object["side"].as_str().unwrap_or("both")))
        };
        let mut kinds: Vec<String> = verified.stdout.lines().filter_map(found).collect();
        kinds.sort();
        (verified.code, kinds)
    };
    for (mailbox, side) in [(ours, "source"), (theirs, "target")] {
        assert_eq!(kinds(), (Some(0), vec![]));
        oracle::run(&["do", mailbox, "delete", "INBOX", "gone"]).unwrap();
        oracle::run(&["do", mailbox, "append", "INBOX", "twice", "\\Seen"]).unwrap();
        oracle::run(&["do", mailbox, "flag", "INBOX", "marked", "\\Flagged"]).unwrap();
        oracle::run(&["do", mailbox, "alter", "INBOX", "other", "\\Seen"]).unwrap();
        let wanted =
            ["altered both".to_owned(), format!("doubled {side}"), "marks both".to_owned(), format!("missing {side}")];
        assert_eq!(kinds(), (Some(7), wanted.to_vec()));
        // As it was before, for the other side's turn.
        parom.settle().unwrap();
        oracle::run(&["do", mailbox, "delete", "INBOX", "twice", "--all"]).unwrap();
        oracle::run(&["do", mailbox, "unflag", "INBOX", "marked", "\\Flagged"]).unwrap();
        for token in ["gone", "twice"] {
            oracle::run(&["do", mailbox, "append", "INBOX", token, "\\Seen"]).unwrap();
        }
        parom.settle().unwrap();
    }
}

fn lose_state(parom: &Parom) {
    for entry in std::fs::read_dir(parom.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".db")) {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// `mailbox` holds everything of the snapshot, and so many messages more.
fn only_added(world: &World, snapshot: &Path, mailbox: &str, more: usize) {
    let now = world.snapshot(mailbox, "now").unwrap();
    let rows = |file: &Path| -> Vec<String> {
        let parsed: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let folders = parsed["folders"].as_object().unwrap();
        let rows = folders.iter().flat_map(|(path, folder)| {
            folder["messages"].as_array().unwrap().iter().map(move |message| format!("{path} {message}"))
        });
        rows.collect()
    };
    let (before, after) = (rows(snapshot), rows(&now));
    for row in &before {
        assert!(after.contains(row), "lost or changed on the source: {row}");
    }
    assert_eq!(after.len(), before.len() + more);
}

#[test]
fn names_with_the_other_sides_separator_find_a_place() {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let world = World::new(Peer::DovecotSdbox, Peer::DovecotMaildir).unwrap();
    let ours = world.source_of(USER);
    for (number, name) in ["v1.2", "v1.2/sub.folder", "v1", "a.b.c"].iter().enumerate() {
        oracle::run(&["load", &ours, "ordinary", "--folder", name, "--count", "3", "--seed", &number.to_string()])
            .unwrap();
    }
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.idle(&parom, USER, 50_000).unwrap();
}

#[test]
fn a_name_spelled_on_the_source_is_found_again_after_a_lost_state() {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let world = World::new(Peer::DovecotMaildir, Peer::DovecotSdbox).unwrap();
    let theirs = world.target_of(USER);
    oracle::run(&["load", &theirs, "ordinary", "--folder", "v1.2/sub.folder", "--count", "3"]).unwrap();
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    let before = world.snapshot(&theirs, "full").unwrap();
    lose_state(&parom);
    parom.add(USER, USER, USER).unwrap();
    parom.settle().unwrap();
    world.compare(&before.to_string_lossy(), &theirs).unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn two_full_mailboxes_are_paired_not_doubled() {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let world = World::new(Peer::DovecotMaildir, Peer::DovecotSdbox).unwrap();
    for mailbox in [world.source_of(USER), world.target_of(USER)] {
        oracle::run(&["load", &mailbox, "special", "--big-bytes", "100000"]).unwrap();
        oracle::run(&["load", &mailbox, "ordinary", "--count", "300"]).unwrap();
    }
    let before = world.snapshot(&world.source_of(USER), "full").unwrap();
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.compare(&before.to_string_lossy(), &world.source_of(USER)).unwrap();

    // The state is lost: everything is paired again, nothing is copied or deleted (L1, D8).
    lose_state(&parom);
    parom.add(USER, USER, USER).unwrap();
    parom.settle().unwrap();
    world.compare(&before.to_string_lossy(), &world.source_of(USER)).unwrap();
    world.equal(USER).unwrap();
}

#[test]
fn a_deleted_message_goes_to_the_other_sides_trash_and_stays_there() {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let special = |layout| {
        let options = xtask::live::dovecot::Options { layout, special_folders: true, ..Default::default() };
        xtask::live::world::Server::Dovecot(Box::new(xtask::live::Dovecot::start(options).unwrap()))
    };
    let source = special(xtask::live::Layout::Maildir);
    let world = World::of(source, special(xtask::live::Layout::Sdbox), false).unwrap();
    let mut settings = world.settings();
    settings.domain = settings.domain.replace("\"expunge\"", "\"trash\"");
    let (ours, theirs) = (world.source_of(USER), world.target_of(USER));
    oracle::run(&["do", &ours, "append", "INBOX", "kept"]).unwrap();
    oracle::run(&["do", &ours, "append", "INBOX", "doomed"]).unwrap();
    let parom = world.parom_with(USER, &settings).unwrap();
    parom.settle().unwrap();
    oracle::run(&["do", &ours, "delete", "INBOX", "doomed"]).unwrap();
    parom.settle().unwrap();
    parom.settle().unwrap();
    // It can be taken by name from where it must be, and from nowhere else.
    oracle::run(&["do", &theirs, "flag", "Trash", "doomed", "\\Flagged"]).unwrap();
    assert!(oracle::run(&["do", &theirs, "flag", "INBOX", "doomed", "\\Flagged"]).is_err());
    assert!(oracle::run(&["do", &ours, "flag", "INBOX", "doomed", "\\Flagged"]).is_err(), "it was carried back");
    oracle::run(&["do", &theirs, "flag", "INBOX", "kept", "\\Flagged"]).unwrap();
}

#[test]
fn a_thousand_folders() {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let world = World::new(Peer::DovecotMaildir, Peer::DovecotSdbox).unwrap();
    oracle::run(&["load", &world.source_of(USER), "many-folders", "--count", "1000"]).unwrap();
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.idle(&parom, USER, 2_000_000).unwrap();
}

#[test]
#[ignore = "long: cargo xtask long big-folder"]
fn two_hundred_thousand_messages() {
    if !ready(&[Peer::DovecotMaildir, Peer::DovecotSdbox]) {
        return;
    }
    let world = World::new(Peer::DovecotMaildir, Peer::DovecotSdbox).unwrap();
    let ours = world.source_of(USER);
    oracle::run(&["load", &ours, "ordinary", "--count", "200000", "--body-bytes", "1000"]).unwrap();
    oracle::run(&["load", &world.target_of(USER), "ordinary", "--count", "500", "--seed", "back"]).unwrap();
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    world.equal(USER).unwrap();
    world.idle(&parom, USER, 100_000).unwrap();
}

#[test]
#[ignore = "long: cargo xtask long storm"]
fn rounds_of_edits() {
    if !ready(&[Peer::DovecotMaildir, Peer::Cyrus]) {
        return;
    }
    let world = World::new(Peer::DovecotMaildir, Peer::Cyrus).unwrap();
    let (ours, theirs) = (world.source_of(USER), world.target_of(USER));
    for folder in ["INBOX", "One", "Two", "Three"] {
        oracle::run(&["load", &ours, "ordinary", "--folder", folder, "--seed", folder, "--count", "200"]).unwrap();
    }
    let parom = world.parom(USER).unwrap();
    parom.settle().unwrap();
    for round in 0..50 {
        let base = world.snapshot(&ours, "round").unwrap();
        let here = world.edit(&ours, &format!("here{round}"), 30, "1/2", "").unwrap();
        let there = world.edit(&theirs, &format!("there{round}"), 30, "2/2", "").unwrap();
        parom.settle().unwrap();
        world.equal(USER).unwrap_or_else(|found| panic!("round {round}: {found}"));
        world.expect(&base, &[&here, &there], &ours).unwrap_or_else(|found| panic!("round {round}: {found}"));
    }
}
