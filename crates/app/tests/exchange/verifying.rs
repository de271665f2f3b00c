//! Rows 19 and 20 as `parom verify` sees them: another rendering is no difference, another text is one.

use crate::stage::{DATE, Stage, mail, token, told};
use parom_domain::FolderPath;
use parom_lab::exchange::{Rendering, Version};
use parom_lab::sample::{self, Shape};

/// The kinds of the differences that are found, sorted, with the side of each and whether it is known to be parked.
fn verified(stage: &Stage) -> (Option<i32>, Vec<(String, String, bool)>) {
    let output = stage.run(&["verify", "--json"]);
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let objects = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let differences = objects.filter(|object| object["difference"].is_string()).map(|object| {
        let text = |name: &str| object.get(name).unwrap().as_str().unwrap_or_default().to_owned();
        (text("difference"), text("side"), object.get("parked").unwrap() == true)
    });
    let mut differences: Vec<_> = differences.collect();
    differences.sort_unstable();
    (output.status.code(), differences)
}

#[test]
fn what_was_planted_is_found_on_either_side_however_messages_are_rendered() {
    for is_source in [true, false] {
        let stage = Stage::new(Version::E2016);
        let (here, there) = stage.hands();
        let inbox = FolderPath::inbox();
        // Mail of every kind that real mailboxes hold; keywords are nothing that Exchange keeps.
        let shape = Shape { owner: "anna@corp.example".to_owned(), messages: 120, folders: 4, ..Shape::default() };
        for folder in sample::folders(7, &shape) {
            for message in folder.messages() {
                let flags: Vec<&str> = message.flags.into_iter().filter(|flag| flag.starts_with('\\')).collect();
                here.add(&folder.path, message.bytes, &flags, message.date).unwrap();
            }
        }
        for name in ["missing", "altered", "doubled", "reflagged"] {
            there.add(&inbox, mail(name), &["\\Seen"], DATE).unwrap();
        }
        stage.settle();
        assert_eq!(verified(&stage), (Some(0), vec![]), "{is_source}");
        // The mailbox was moved to a server that renders in another way.
        stage.exchange.switch(|quirks| quirks.rendering = Rendering::Rewritten { seed: 9 });
        assert_eq!(verified(&stage), (Some(0), vec![]), "{is_source}");

        let hands = if is_source { &here } else { &there };
        let found = |name: &str| hands.messages(&inbox).into_iter().find(|seen| token(&seen.bytes) == name).unwrap();
        hands.remove(&inbox, &[found("missing").uid]).unwrap();
        let altered = found("altered");
        let text = String::from_utf8_lossy(&altered.bytes).replace("The text of", "No text of");
        hands.remove(&inbox, &[altered.uid]).unwrap();
        hands.add(&inbox, text.into_bytes(), &["\\Seen"], DATE).unwrap();
        hands.add(&inbox, found("doubled").bytes, &["\\Seen"], DATE).unwrap();
        hands.flag(&inbox, found("reflagged").uid, &["\\Flagged"], &["\\Seen"]).unwrap();
        let side = if is_source { "source" } else { "target" };
        let wanted = [("altered", ""), ("doubled", side), ("marks", ""), ("missing", side)];
        let wanted = wanted.map(|(kind, side)| (kind.to_owned(), side.to_owned(), false));
        assert_eq!(verified(&stage), (Some(7), wanted.to_vec()));
    }
}

#[test]
fn a_substitute_that_is_parked_is_told_apart_from_a_difference() {
    let stage = Stage::new(Version::E2016);
    let (here, _) = stage.hands();
    for name in ["broken", "whole"] {
        here.add(&FolderPath::inbox(), mail(name), &["\\Seen"], DATE).unwrap();
    }
    stage.exchange.switch(|quirks| quirks.substitutes.push("broken".into()));
    let found = |kind: &str, is_parked| (kind.to_owned(), "source".to_owned(), is_parked);
    stage.settle();
    assert_eq!(verified(&stage), (Some(0), vec![found("substituted", true)]));
    let text = told(&stage.run(&["verify"]));
    assert!(text.contains("parked, see \"parom parked\": \"INBOX\": the source cannot show message"), "{text}");
    // What cannot be shown any more after it was carried is no parked message.
    stage.exchange.switch(|quirks| quirks.substitutes.push("whole".into()));
    let (code, differences) = verified(&stage);
    assert_eq!(code, Some(7));
    assert!(differences.contains(&found("substituted", false)), "{differences:?}");
}

/// Row 24: nothing can be done about it over IMAP, and it is told.
#[test]
fn the_date_that_an_old_exchange_gives_to_what_is_appended_is_told_and_moves_no_body() {
    let stage = Stage::new(Version::E2010);
    stage.exchange.switch(|quirks| quirks.append_date_is_now = true);
    let (here, there) = stage.hands();
    let inbox = FolderPath::inbox();
    here.add(&inbox, mail("from exchange"), &["\\Seen"], DATE).unwrap();
    there.add(&inbox, mail("to exchange"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    assert_eq!((here.messages(&inbox).len(), there.messages(&inbox).len()), (2, 2));
    assert_eq!(verified(&stage), (Some(7), vec![("date".to_owned(), String::new(), false)]));
}
