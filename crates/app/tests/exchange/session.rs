//! Rows 1 to 15: how the server converses.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::{CopyUid, Version};
use std::time::Duration;

/// Twenty messages in step in the inbox, and a folder beside it.
fn in_step(version: Version) -> Stage {
    let stage = Stage::new(version);
    let (here, _) = stage.hands();
    for at in 0..20 {
        here.add(&FolderPath::inbox(), mail(&format!("m{at}")), &["\\Seen"], DATE).unwrap();
    }
    here.create(&work(), None).unwrap();
    stage.settle();
    stage
}

fn work() -> FolderPath {
    FolderPath::new(["Работа"]).unwrap()
}

/// Somebody moves all of the inbox on the target, and that is carried over as a move.
fn moves_cross(stage: &Stage) {
    let (here, there) = stage.hands();
    let uids: Vec<u32> = there.messages(&FolderPath::inbox()).iter().map(|seen| seen.uid).collect();
    let bodies = (stage.exchange.count("APPEND"), stage.target.count("APPEND"));
    there.shift(&FolderPath::inbox(), &uids, &work()).unwrap();
    stage.settle();
    assert_eq!((here.messages(&FolderPath::inbox()).len(), here.messages(&work()).len()), (0, 20));
    assert_eq!(stage.tokens(&here), stage.tokens(&there));
    assert_eq!((stage.exchange.count("APPEND"), stage.target.count("APPEND")), bodies, "bodies were carried");
}

#[test]
fn a_move_crosses_where_move_is_offered_and_refused() {
    let stage = in_step(Version::E2013);
    // An admin's banner hides the product.
    stage.exchange.switch(|quirks| quirks.banner = Some("Mail is ready.".to_owned()));
    moves_cross(&stage);
}

#[test]
fn moves_cross_whatever_copyuid_tells() {
    for copyuid in [CopyUid::EmptyForNothing, CopyUid::AlwaysEmpty] {
        let stage = in_step(Version::E2016);
        stage.exchange.switch(|quirks| quirks.copyuid = copyuid);
        moves_cross(&stage);
    }
}

#[test]
fn a_move_crosses_where_bulk_copies_break_half_way() {
    let stage = in_step(Version::E2013);
    stage.exchange.switch(|quirks| quirks.bulk_copy_breaks = Some(7));
    moves_cross(&stage);
}

#[test]
fn a_logout_that_is_never_answered_keeps_nobody() {
    let stage = in_step(Version::E2010);
    stage.exchange.switch(|quirks| quirks.hangs_at_logout = true);
    stage.settle();
}

#[test]
fn keywords_stay_where_they_can_be_kept() {
    let stage = in_step(Version::E2016);
    let (here, there) = stage.hands();
    let uid = there.messages(&FolderPath::inbox())[0].uid;
    there.flag(&FolderPath::inbox(), uid, &["work", "\\Flagged"], &[]).unwrap();
    there.add(&FolderPath::inbox(), mail("new"), &["\\Seen", "urgent"], DATE).unwrap();
    stage.settle();
    let keywords = |hands: &parom_lab::server::Hands| {
        let messages = hands.messages(&FolderPath::inbox());
        let flags = messages.iter().flat_map(|seen| seen.flags.iter().map(|flag| flag.to_string()));
        flags.filter(|flag| !flag.starts_with('\\')).collect::<Vec<_>>()
    };
    assert_eq!(keywords(&here), Vec::<String>::new());
    assert_eq!(keywords(&there), ["work", "urgent"]);
    let flagged = |hands: &parom_lab::server::Hands| {
        let messages = hands.messages(&FolderPath::inbox());
        messages.iter().filter(|seen| seen.flags.iter().any(|flag| &**flag == "\\Flagged")).count()
    };
    assert_eq!((flagged(&here), flagged(&there)), (1, 1));
}

#[test]
fn a_watch_outlives_the_limit_of_silence() {
    let stage = in_step(Version::E2016);
    stage.exchange.switch(|quirks| quirks.idle_limit = Some(Duration::from_millis(700)));
    let (here, there) = stage.hands();
    let watch = stage.watch();
    std::thread::sleep(Duration::from_secs(3));
    here.add(&FolderPath::inbox(), mail("late"), &["\\Seen"], DATE).unwrap();
    let came = || stage.tokens(&there)["INBOX"].contains_key("late");
    for _ in 0..600 {
        if came() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(came());
    let output = watch.stop();
    assert!(!told(&output).contains("failed"), "{}", told(&output));
}

#[test]
fn a_server_that_wants_tls_first_is_told_with_its_remedy() {
    let stage = in_step(Version::E2016);
    stage.exchange.switch(|quirks| quirks.needs_tls = true);
    let output = stage.sync();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    assert!(told(&output).contains("TLS"), "{}", told(&output));
}

#[test]
fn what_the_server_is_taken_for_is_shown() {
    let stage = in_step(Version::E2016);
    for banner in [None, Some("Mail is ready.".to_owned())] {
        stage.exchange.switch(|quirks| quirks.banner = banner);
        let output = stage.run(&["status", "--server"]);
        let shown = told(&output);
        assert!(output.status.success(), "{shown}");
        assert!(shown.contains("product: Microsoft Exchange"), "{shown}");
        assert!(shown.contains("keeps_bytes = no"), "{shown}");
        assert!(shown.contains("index_lag_s = 1  (set in the configuration)"), "{shown}");
        assert!(shown.contains("Offered and not used: move_messages"), "{shown}");
    }
    let output = stage.run(&["status", "--server", "--json"]);
    let objects: Vec<serde_json::Value> =
        told(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["quirks"]["sends_receipts"], true);
    assert_eq!(objects[1]["product"], "-");
    assert_eq!(objects[1]["quirks"]["keeps_bytes"], true);
}
