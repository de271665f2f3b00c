//! Whole mailboxes, both ways.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::Version;
use std::time::{Duration, Instant};

#[test]
fn mail_crosses_from_every_version_and_back_and_then_all_is_still() {
    for version in [Version::E2010, Version::E2013, Version::E2016, Version::E2019] {
        let stage = Stage::new(version);
        let (here, there) = stage.hands();
        let sent = FolderPath::new(["Отправленные"]).unwrap();
        for at in 0..20 {
            here.add(&FolderPath::inbox(), mail(&format!("in{at}")), &["\\Seen"], DATE).unwrap();
            here.add(&sent, mail(&format!("out{at}")), &["\\Seen", "\\Answered"], DATE).unwrap();
        }
        there.add(&FolderPath::inbox(), mail("new"), &["\\Seen"], DATE).unwrap();
        let first = stage.sync();
        assert!(first.status.success(), "{version:?}: {}", told(&first));
        assert_eq!(stage.tokens(&here), stage.tokens(&there), "{version:?}");
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 21, "{version:?}");
        for item in ["Календарь", "Контакты", "Задачи", "Дневник", "Заметки", "Исходящие", "Черновики"]
        {
            assert!(!there.folders().contains(&FolderPath::new([item]).unwrap()), "{version:?}: {item}");
        }
        let before = (here.changes(), there.changes());
        let second = stage.sync();
        assert!(second.status.success(), "{version:?}: {}", told(&second));
        assert_eq!((here.changes(), there.changes()), before, "{version:?}: {}", told(&second));
        assert_eq!(stage.exchange.receipts(), []);
        assert_eq!(stage.exchange.tally().byes_for_errors, 0, "{version:?}");
    }
}

#[test]
fn what_exchange_cannot_convert_is_parked_and_comes_once_it_can() {
    // Shown as another text in a plain read; or left out of it, and shown only to who asks for it alone.
    for omitted in [false, true] {
        let stage = Stage::new(Version::E2016);
        let (here, there) = stage.hands();
        for name in ["before", "broken", "after"] {
            here.add(&FolderPath::inbox(), mail(name), &["\\Seen"], DATE).unwrap();
        }
        // A person forwarded such a text, and kept one as a message of its own.
        let kept = "Subject: Retrieval using the IMAP4 protocol failed for the following message:\r\n 4711\r\n\r\n\
                    The server couldn't retrieve the following message:\r\n";
        here.add(&FolderPath::inbox(), kept.as_bytes().to_vec(), &["\\Seen"], DATE).unwrap();
        stage.exchange.switch(|quirks| match omitted {
            true => quirks.omitted_when_wide.push("broken".into()),
            false => quirks.substitutes.push("broken".into()),
        });
        let first = stage.sync();
        assert!(first.status.success(), "{}", told(&first));
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 3, "{:?}", stage.tokens(&there));
        assert!(!stage.tokens(&there)["INBOX"].contains_key("broken"));
        let parked = told(&stage.run(&["parked"]));
        assert!(parked.contains(if omitted { "INBOX" } else { "another text in its place" }), "{parked}");
        assert_eq!(stage.tokens(&here)["INBOX"].len(), 4, "nothing is deleted for it");

        stage.exchange.switch(|quirks| {
            quirks.omitted_when_wide.clear();
            quirks.substitutes.clear();
        });
        assert!(stage.run(&["parked", "--retry"]).status.success());
        let second = stage.sync();
        assert!(second.status.success(), "{}", told(&second));
        assert_eq!(stage.tokens(&there)["INBOX"]["broken"], 1);
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 4);
    }
}

#[test]
fn a_throttle_is_ridden_out_and_its_pause_is_kept() {
    let stage = Stage::new(Version::E2013);
    let (here, there) = stage.hands();
    for at in 0..5 {
        here.add(&FolderPath::inbox(), mail(&format!("m{at}")), &["\\Seen"], DATE).unwrap();
    }
    stage.exchange.throttle("svc", Duration::from_millis(1500));
    let began = Instant::now();
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    assert!(began.elapsed() >= Duration::from_millis(1500), "{}", told(&synced));
    assert_eq!(stage.tokens(&there)["INBOX"].len(), 5);
    // One attempt told how long to wait; nobody asked again before.
    assert!(stage.exchange.tally().throttled <= 2, "{:?}", stage.exchange.tally());
}

#[test]
fn many_mailboxes_behind_one_service_account_stay_below_its_connections() {
    let names: Vec<String> = (0..24).map(|at| format!("person{at}")).collect();
    let stage = Stage::of(Version::E2016, &names);
    for name in &names {
        let here = stage.exchange.mailbox(name).unwrap();
        for at in 0..3 {
            here.add(&FolderPath::inbox(), mail(&format!("{name}-{at}")), &["\\Seen"], DATE).unwrap();
        }
    }
    let synced = stage.sync();
    assert!(synced.status.success(), "{}", told(&synced));
    for name in &names {
        let there = stage.target.mailbox(name).unwrap();
        assert_eq!(stage.tokens(&there)["INBOX"].len(), 3, "{name}");
    }
    let tally = stage.exchange.tally();
    assert!(tally.most_connections <= 16, "{tally:?}");
    assert_eq!((tally.refused_sign_ins, tally.byes_for_errors), (0, 0), "{tally:?}");
}
