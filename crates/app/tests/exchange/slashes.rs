//! Row 30 where EWS is configured: the folders that Exchange hides from IMAP are carried over EWS, both ways.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::ews::{Config, Ews, Reaction, User};
use parom_lab::exchange::{Language, Version};
use parom_lab::server::{Hands, Seen};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// An EWS of the stage's mailboxes, known to Parom.
struct Shared {
    stage: Stage,
    ews: Ews,
    here: Hands,
    there: Hands,
    // Last, so that the server ends before what it runs on.
    _runtime: Runtime,
}

fn path(names: &[&str]) -> FolderPath {
    FolderPath::new(names.iter().copied()).unwrap()
}

fn estimate() -> FolderPath {
    path(&["Смета 2024/2025"])
}

fn drafts() -> FolderPath {
    path(&["Смета 2024/2025", "Черновики к смете"])
}

fn expenses() -> FolderPath {
    path(&["Договоры", "Приход/расход"])
}

/// Tells Parom of an EWS of the stage's mailbox. The server ends before what it runs on.
pub fn share(stage: &Stage, version: Version) -> (Ews, Runtime) {
    let runtime = Runtime::new().unwrap();
    let mut config = Config::new(version);
    config.users.push(User::new("anna@corp.example", "Anna").speaking(Language::Russian));
    let ews = runtime.block_on(Ews::start(config)).unwrap();
    let mailbox = stage.hands().0;
    ews.share_mail(Arc::new(move |address| address.starts_with("anna@").then(|| mailbox.clone())));
    stage.reach_over_ews(&ews.url());
    (ews, runtime)
}

/// As the target, which has `/` between folders, spells a name.
pub fn spelled(path: &FolderPath) -> FolderPath {
    FolderPath::new(path.segments().iter().map(|name| name.replace('/', "\u{2215}"))).unwrap()
}

impl Shared {
    fn new(version: Version) -> Shared {
        let stage = Stage::new(version);
        let (ews, runtime) = share(&stage, version);
        let (here, there) = stage.hands();
        Shared { stage, ews, here, there, _runtime: runtime }
    }

    /// Some mail that IMAP shows, and some that it does not.
    fn filled(version: Version) -> Shared {
        let shared = Shared::new(version);
        for (folder, tokens) in [
            (FolderPath::inbox(), vec!["inbox1", "inbox2"]),
            (path(&["Договоры"]), vec!["deal"]),
            (estimate(), vec!["sum1", "sum2", "sum3"]),
            (drafts(), vec!["draft1"]),
            (expenses(), vec!["cost1", "cost2"]),
        ] {
            for token in tokens {
                shared.here.add(&folder, mail(token), &["\\Seen"], DATE).unwrap();
            }
        }
        shared
    }

    /// What each folder of a side holds: subject and flags, under the names of the target.
    fn held(hands: &Hands) -> BTreeMap<String, Vec<(String, Vec<String>)>> {
        let mut held = BTreeMap::new();
        for (path, messages) in hands.snapshot() {
            let mut all: Vec<(String, Vec<String>)> = messages.iter().map(|seen| (token(seen), marks(seen))).collect();
            all.sort();
            if !all.is_empty() {
                held.insert(spelled(&path).to_string(), all);
            }
        }
        held
    }

    fn expect_in_step(&self) {
        self.stage.settle();
        assert_eq!(Shared::held(&self.there), Shared::held(&self.here));
        let verified = self.stage.run(&["verify"]);
        assert!(verified.status.success(), "{}", told(&verified));
        assert!(self.ews.outgoing().is_empty() && self.stage.exchange.receipts().is_empty(), "nobody is written to");
    }

    fn find(hands: &Hands, folder: &FolderPath, wanted: &str) -> Seen {
        hands.messages(folder).into_iter().find(|seen| token(seen) == wanted).unwrap()
    }
}

fn token(seen: &Seen) -> String {
    crate::stage::token(&seen.bytes)
}

fn marks(seen: &Seen) -> Vec<String> {
    seen.flags.iter().filter(|flag| ["\\Seen", "\\Flagged"].contains(&flag.as_str())).cloned().collect()
}

#[test]
fn folders_that_imap_hides_are_carried_over_ews_and_followed() {
    for version in Version::ALL {
        let shared = Shared::filled(version);
        let Shared { stage, ews, here, there, .. } = &shared;
        // A page holds less than a folder.
        ews.switch(|switches| switches.find_limit = 2);
        shared.expect_in_step();
        assert_eq!(there.messages(&spelled(&estimate())).len(), 3);
        assert_eq!(there.messages(&spelled(&drafts())).len(), 1);
        assert_eq!(there.messages(&spelled(&expenses()))[0].date.unix_s, DATE.unix_s);
        assert!(!told(&stage.run(&["status"])).contains("does not show them"));

        // New mail, marks, a move out and a move in, a deletion: all follow.
        here.add(&estimate(), mail("sum4"), &[], DATE).unwrap();
        let sum1 = Shared::find(here, &estimate(), "sum1");
        here.flag(&estimate(), sum1.uid, &["\\Flagged"], &["\\Seen"]).unwrap();
        let sum2 = Shared::find(here, &estimate(), "sum2");
        here.shift(&estimate(), &[sum2.uid], &FolderPath::inbox()).unwrap();
        let inbox1 = Shared::find(here, &FolderPath::inbox(), "inbox1");
        here.shift(&FolderPath::inbox(), &[inbox1.uid], &drafts()).unwrap();
        let cost1 = Shared::find(here, &expenses(), "cost1");
        here.remove(&expenses(), &[cost1.uid]).unwrap();
        stage.settle();
        let held = Shared::held(there);
        let tokens = |folder: &FolderPath| -> Vec<&str> {
            held[&spelled(folder).to_string()].iter().map(|(token, _)| token.as_str()).collect()
        };
        assert_eq!(tokens(&estimate()), ["sum1", "sum3", "sum4"]);
        assert_eq!(tokens(&drafts()), ["draft1", "inbox1"]);
        assert_eq!(tokens(&expenses()), ["cost2"]);
        assert_eq!(tokens(&FolderPath::inbox()), ["inbox2", "sum2"]);
        assert_eq!(marks(&Shared::find(there, &spelled(&estimate()), "sum1")), ["\\Flagged"]);
        assert_eq!(Shared::find(here, &estimate(), "sum3").flags, ["\\Seen"], "reading leaves no trace");

        // A folder is renamed with all that is below it, and keeps its messages.
        let renamed = path(&["Смета 2025/2026"]);
        here.rename(&estimate(), &renamed).unwrap();
        stage.settle();
        assert!(!there.folders().contains(&spelled(&estimate())));
        assert_eq!(there.messages(&spelled(&renamed)).len(), 3);
        assert_eq!(there.messages(&spelled(&renamed.child("Черновики к смете"))).len(), 2);
    }
}

#[test]
fn what_people_do_on_the_target_is_done_in_hidden_folders() {
    for version in Version::ALL {
        let shared = Shared::filled(version);
        let Shared { here, there, .. } = &shared;
        shared.expect_in_step();
        let (sums, costs) = (spelled(&estimate()), spelled(&expenses()));

        // Marks, a new message, moves in and out and between hidden folders.
        let sum1 = Shared::find(there, &sums, "sum1");
        there.flag(&sums, sum1.uid, &["\\Flagged"], &["\\Seen"]).unwrap();
        there.add(&sums, mail("written"), &["\\Seen", "\\Flagged"], DATE).unwrap();
        there.add(&costs, mail("unread"), &[], DATE).unwrap();
        let inbox1 = Shared::find(there, &FolderPath::inbox(), "inbox1");
        there.shift(&FolderPath::inbox(), &[inbox1.uid], &sums).unwrap();
        let sum2 = Shared::find(there, &sums, "sum2");
        there.shift(&sums, &[sum2.uid], &FolderPath::inbox()).unwrap();
        let cost1 = Shared::find(there, &costs, "cost1");
        there.shift(&costs, &[cost1.uid], &spelled(&drafts())).unwrap();
        shared.expect_in_step();
        let written = Shared::find(here, &estimate(), "written");
        assert_eq!((written.date.unix_s, written.flags.len()), (DATE.unix_s, 2), "no draft, and its own time");
        assert_eq!(Shared::find(here, &expenses(), "unread").flags, [""; 0]);
        assert_eq!(Shared::held(here)[&sums.to_string()].len(), 4);
        assert_eq!(marks(&Shared::find(here, &estimate(), "sum1")), ["\\Flagged"]);

        // Folders: a new one below a hidden one, and other names.
        let below = sums.child("Новая");
        there.add(&below, mail("below"), &["\\Seen"], DATE).unwrap();
        shared.expect_in_step();
        assert_eq!(here.messages(&estimate().child("Новая")).len(), 1);
        there.rename(&below, &sums.child("Старая")).unwrap();
        shared.expect_in_step();
        assert_eq!(here.messages(&estimate().child("Старая")).len(), 1);
        assert!(!here.folders().contains(&estimate().child("Новая")));
        there.rename(&sums, &path(&["Смета"])).unwrap();
        shared.expect_in_step();
        assert_eq!(here.messages(&path(&["Смета", "Старая"])).len(), 1, "IMAP shows it now");

        // A deletion on the target goes into the trash of Exchange, and a folder that is removed goes with it.
        let cost2 = Shared::find(there, &costs, "cost2");
        there.remove(&costs, &[cost2.uid]).unwrap();
        shared.stage.settle();
        assert!(!here.messages(&expenses()).iter().any(|seen| token(seen) == "cost2"));
        assert_eq!(here.messages(&path(&["Удаленные"])).iter().filter(|seen| token(seen) == "cost2").count(), 1);
        there.delete(&costs).unwrap();
        shared.stage.settle();
        assert!(!here.folders().contains(&expenses()), "{:?}", here.folders());
        assert!(shared.ews.outgoing().is_empty() && shared.stage.exchange.receipts().is_empty());
    }
}

#[test]
fn while_ews_is_closed_hidden_folders_wait_and_the_rest_goes_on() {
    let shared = Shared::filled(Version::E2016);
    let Shared { stage, ews, here, there, .. } = &shared;
    shared.expect_in_step();
    let before = Shared::held(there);
    ews.deny("anna@corp.example");
    here.add(&FolderPath::inbox(), mail("news"), &[], DATE).unwrap();
    here.add(&estimate(), mail("sum4"), &[], DATE).unwrap();
    let sum1 = Shared::find(here, &estimate(), "sum1");
    here.remove(&estimate(), &[sum1.uid]).unwrap();
    for _ in 0..3 {
        let synced = stage.sync();
        assert_eq!(synced.status.code(), Some(3), "{}", told(&synced));
        let said = told(&synced);
        assert!(said.contains("is not shown by IMAP, and EWS at") && said.contains("Смета 2024//2025"), "{said}");
    }
    let mut expected = before.clone();
    expected.get_mut("INBOX").unwrap().push(("news".to_owned(), Vec::new()));
    assert_eq!(Shared::held(there), expected, "nothing hidden is believed gone, and mail goes on");
    let verified = stage.run(&["verify"]);
    assert!(!verified.status.success() && told(&verified).contains("is not shown by IMAP"), "{}", told(&verified));

    // The state is lost meanwhile: nothing is made twice.
    stage.forget();
    for _ in 0..2 {
        assert_eq!(stage.sync().status.code(), Some(3));
    }
    assert_eq!(Shared::held(there), expected);
    assert!(!here.folders().contains(&spelled(&estimate())), "a hidden folder has no twin");

    ews.allow("anna@corp.example");
    stage.settle();
    let held = Shared::held(there);
    let sums = &held[&spelled(&estimate()).to_string()];
    assert!(sums.iter().any(|(token, _)| token == "sum4"), "{sums:?}");
    assert_eq!(Shared::held(here), held);
}

#[test]
fn what_goes_into_a_hidden_folder_while_ews_is_closed_is_not_deleted() {
    let shared = Shared::filled(Version::E2016);
    let Shared { stage, ews, here, there, .. } = &shared;
    shared.expect_in_step();
    ews.deny("anna@corp.example");
    let inbox1 = Shared::find(here, &FolderPath::inbox(), "inbox1");
    here.shift(&FolderPath::inbox(), &[inbox1.uid], &estimate()).unwrap();
    let sum1 = Shared::find(here, &estimate(), "sum1");
    here.shift(&estimate(), &[sum1.uid], &FolderPath::inbox()).unwrap();
    for _ in 0..3 {
        stage.sync();
    }
    let there_now = Shared::held(there);
    let is_in = |folder: &FolderPath, wanted: &str| {
        there_now[&spelled(folder).to_string()].iter().filter(|(token, _)| token == wanted).count()
    };
    assert_eq!((is_in(&FolderPath::inbox(), "inbox1"), is_in(&estimate(), "sum1")), (1, 1), "{there_now:?}");
    ews.allow("anna@corp.example");
    shared.expect_in_step();
    let all: usize = there.snapshot().values().map(Vec::len).sum();
    assert_eq!(all, 9, "moved, and not copied");
}

#[test]
fn an_ews_that_is_not_there_keeps_no_mail_waiting() {
    let stage = Stage::new(Version::E2016);
    stage.reach_over_ews("http://127.0.0.1:9/EWS/Exchange.asmx");
    let (here, there) = stage.hands();
    here.add(&FolderPath::inbox(), mail("inbox1"), &["\\Seen"], DATE).unwrap();
    here.add(&path(&["Работа"]), mail("work"), &["\\Seen"], DATE).unwrap();
    stage.settle();
    here.delete(&path(&["Работа"])).unwrap();
    there.create(&path(&["Новая"]), None).unwrap();
    for _ in 0..3 {
        stage.sync();
    }
    // As without EWS: a folder that vanishes may be one whose new name IMAP does not show.
    assert!(told(&stage.run(&["brakes"])).contains("vanished on the source"));
    assert!(here.folders().contains(&path(&["Новая"])) && there.folders().contains(&path(&["Работа"])));
}

#[test]
fn a_server_that_fails_in_between_costs_nothing() {
    let shared = Shared::filled(Version::E2019);
    let Shared { stage, ews, here, there, .. } = &shared;
    for (number, (operation, reaction)) in [
        ("FindItem", Reaction::Broken),
        ("FindItem", Reaction::Status(503)),
        ("GetItem", Reaction::Status(503)),
        ("FindFolder", Reaction::Busy { backoff_ms: 1000 }),
        ("GetItem", Reaction::Fault("ErrorInternalServerTransientError")),
    ]
    .into_iter()
    .enumerate()
    {
        here.add(&estimate(), mail(&format!("more{number}")), &[], DATE).unwrap();
        ews.script(operation, reaction);
        stage.sync();
        shared.expect_in_step();
    }
    // The answer to a write is lost: it was done, and is not done again.
    let sums = spelled(&estimate());
    for (operation, token) in [("CreateItem", "one"), ("CreateItem", "two")] {
        there.add(&sums, mail(token), &[], DATE).unwrap();
        ews.script(operation, Reaction::BrokenAfter);
        stage.sync();
    }
    let sum1 = Shared::find(there, &sums, "sum1");
    there.shift(&sums, &[sum1.uid], &FolderPath::inbox()).unwrap();
    ews.script("MoveItem", Reaction::BrokenAfter);
    stage.sync();
    shared.expect_in_step();
    let all: usize = here.snapshot().values().map(Vec::len).sum();
    assert_eq!(all, 16, "nothing twice");
}

#[test]
fn nobody_gets_a_receipt_for_mail_in_hidden_folders() {
    for version in [Version::E2010, Version::E2019] {
        let shared = Shared::new(version);
        let Shared { stage, ews, here, there, .. } = &shared;
        let asking = [b"Disposition-Notification-To: boss@corp.example\r\n".to_vec(), mail("asks")].concat();
        here.add(&estimate(), asking, &[], DATE).unwrap();
        here.add(&estimate(), mail("plain"), &[], DATE).unwrap();
        stage.settle();
        let sums = spelled(&estimate());
        for token in ["asks", "plain"] {
            there.flag(&sums, Shared::find(there, &sums, token).uid, &["\\Seen"], &[]).unwrap();
        }
        let is_read = |token: &str| !Shared::find(here, &estimate(), token).flags.is_empty();
        let held = stage.sync();
        assert!(held.status.code() == Some(6) && told(&held).contains("asks for a read receipt"), "{}", told(&held));
        assert!(is_read("plain") && !is_read("asks"));

        // What the admin can stop is what IMAP sends. EWS can be told to send nothing from 2013 SP1 on.
        stage.exchange.switch(|quirks| quirks.suppress_read_receipts = true);
        stage.suppress_receipts("");
        stage.reach_over_ews(&ews.url());
        let synced = stage.sync();
        if version == Version::E2010 {
            assert_eq!(synced.status.code(), Some(3), "{}", told(&synced));
            assert!(told(&synced).contains("would send a receipt") && !is_read("asks"), "{}", told(&synced));
        } else {
            assert!(synced.status.success() && is_read("asks"), "{}", told(&synced));
        }
        assert!(ews.outgoing().is_empty() && stage.exchange.receipts().is_empty());
    }
}

#[test]
fn a_folder_whose_messages_have_no_numbers_is_told_and_stops_nothing_else() {
    let shared = Shared::filled(Version::E2016);
    shared.ews.switch(|switches| switches.numbers_mail = false);
    let synced = shared.stage.sync();
    let said = told(&synced);
    assert!(said.contains("gives no number of their own to 3 of its 3 messages"), "{said}");
    assert_eq!(shared.there.messages(&FolderPath::inbox()).len(), 2);
    assert_eq!(shared.there.messages(&spelled(&estimate())).len(), 0);
    shared.ews.switch(|switches| switches.numbers_mail = true);
    shared.expect_in_step();
}

#[test]
fn killed_at_any_moment_nothing_is_lost_or_doubled() {
    let shared = Shared::new(Version::E2016);
    let Shared { stage, ews, here, there, .. } = &shared;
    for number in 0..24 {
        let folder = if number % 3 == 0 { FolderPath::inbox() } else { estimate() };
        here.add(&folder, mail(&format!("here{number}")), &["\\Seen"], DATE).unwrap();
    }
    let kill = |after: u64, operation: &str| {
        let goal = ews.count(operation) + after;
        let mut parom = stage.begin();
        let until = Instant::now() + Duration::from_secs(20);
        while ews.count(operation) < goal && Instant::now() < until && parom.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = parom.kill();
        parom.wait().unwrap();
    };
    for after in [1, 2, 5, 3] {
        kill(after, "GetItem");
    }
    shared.expect_in_step();
    let sums = spelled(&estimate());
    for round in 0..4_u64 {
        for number in 0..6 {
            there.add(&sums, mail(&format!("there{round}-{number}")), &["\\Seen"], DATE).unwrap();
        }
        let moved = there.messages(&sums)[0].uid;
        there.shift(&sums, &[moved], &FolderPath::inbox()).unwrap();
        kill(round + 1, "CreateItem");
    }
    shared.expect_in_step();
    let all: usize = here.snapshot().values().map(Vec::len).sum();
    assert_eq!(all, 48, "each exactly once");
}
