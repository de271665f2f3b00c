//! Rows 7 and 30 to 34: which folders there are, and what they are called.

use crate::driver::{Imaplib, exchange, outlook};
use parom_domain::FolderPath;
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Language, Person, Quirks, Standard, Validities, Version};

const LIST: &str = "'list', '\"\"', '*'";

fn path(segments: &[&str]) -> FolderPath {
    FolderPath::new(segments.iter().copied()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_07_uidvalidities_are_small_and_collide() {
    for (validities, is_small, is_shared, is_kept) in [
        (Validities::Distinct, false, false, false),
        (Validities::Small, true, true, false),
        (Validities::Sticky, true, true, true),
    ] {
        let exchange = exchange(Version::E2016, |quirks| quirks.validities = validities).await;
        let mut alice = Imaplib::alice(&exchange);
        let mut bob = Imaplib::connect(exchange.addr());
        bob.ok("'login', 'bob', 'bob'");
        let of = |imap: &mut Imaplib, name: &str| {
            imap.ok(&format!("'status', {name:?}, '(UIDVALIDITY)'")).number("UIDVALIDITY ")
        };
        let inbox = of(&mut alice, "INBOX");
        assert_eq!(inbox == 14, is_small, "{inbox}");
        for name in ["INBOX", "Drafts"] {
            assert_eq!(of(&mut alice, name) == of(&mut bob, name), is_shared, "{validities:?} {name}");
        }
        alice.ok("'create', 'Projects'");
        let first = of(&mut alice, "Projects");
        alice.ok("'delete', 'Projects'");
        alice.ok("'create', 'Projects'");
        assert_eq!(of(&mut alice, "Projects") == first, is_kept, "{validities:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_30_folders_with_a_slash_are_not_listed() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let hands = outlook(&exchange).hands();
    hands.create(&path(&["In/Out"]), None).unwrap();
    hands.create(&path(&["In/Out", "Below"]), None).unwrap();
    hands.create(&path(&["In", "Side"]), None).unwrap();
    let mut imap = Imaplib::alice(&exchange);
    assert!(imap.ok(LIST).says("In/Out"));
    exchange.switch(|quirks| quirks.hides_slashes = true);
    let listed = imap.ok(LIST);
    assert!(!listed.says("In/Out") && !listed.says("Below") && listed.says("In/Side"), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_31_a_name_that_ends_with_a_space_kills_the_session() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    outlook(&exchange).hands().create(&path(&["Old "]), None).unwrap();
    let mut imap = Imaplib::alice(&exchange);
    let select = "'select', '\"Old \"'";
    imap.ok(select);
    exchange.switch(|quirks| quirks.trailing_space_kills = true);
    imap.ok("'select'");
    assert!(imap.ok(LIST).says("\"Old \""));
    assert!(imap.call(select).is("GONE"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_31_names_differ_by_more_than_case() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    assert!(imap.call("'select', 'drafts'").says("NO drafts doesn't exist."));
    imap.ok("'create', 'Trash'");
    imap.ok("'create', 'trash'");
    imap.ok("'delete', 'trash'");
    exchange.switch(|quirks| quirks.folds_case = true);
    imap.ok("'select', 'drafts'");
    let twice = imap.call("'create', 'trash'");
    assert!(twice.is("NO") && twice.says("NO trash already exists."), "{twice:?}");
    imap.ok("'delete', 'TRASH'");
    assert!(!imap.ok(LIST).says("Trash"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_31_some_names_are_reserved() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    imap.ok("'create', 'Files'");
    imap.ok("'delete', 'Files'");
    exchange.switch(|quirks| quirks.reserved_names.push("Files".to_owned()));
    let refused = imap.call("'create', 'Files'");
    assert!(refused.is("NO") && refused.says("NO Folder name is reserved"), "{refused:?}");
    imap.ok("'create', 'Papers'");
    assert!(imap.call("'rename', 'Papers', 'files'").is("NO"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_folders_have_names_in_their_owners_language() {
    for (language, expected) in [
        (Language::English, vec!["\"Deleted Items\"", "Drafts", "\"Junk Email\"", "\"Sent Items\"", "Calendar"]),
        (Language::Russian, vec!["&BCMENAQwBDsENQQ9BD0ESwQ1-", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"]),
        (Language::German, vec!["Entw&APw-rfe", "\"Gel&APY-schte Elemente\"", "\"Gesendete Elemente\"", "Kalender"]),
    ] {
        let mut config = ExchangeConfig::new(Version::E2016).with(Person::new("alice").speaking(language));
        config.quirks = Quirks { lists_item_folders: true, ..Quirks::none() };
        let exchange = ExchangeServer::start(config).await.unwrap();
        let mut imap = Imaplib::alice(&exchange);
        let listed = imap.ok(LIST);
        assert!(listed.says("* LIST (\\HasNoChildren) \"/\" INBOX\r\n"), "{listed:?}");
        for name in expected {
            assert!(listed.says(&format!("* LIST (\\HasNoChildren) \"/\" {name}\r\n")), "{name}: {listed:?}");
        }
        // All but the hidden one.
        assert_eq!(listed.lines("* LIST ").len(), Standard::ALL.len() - 1);
        assert!(!listed.says("\\Drafts"), "SPECIAL-USE is not known here");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_another_language_renames_the_folders() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    let validity = imap.ok("'select', 'Drafts'").number("[UIDVALIDITY ");
    imap.ok("'create', 'Drafts/Old'");
    exchange.speak("alice", Language::Russian);
    assert!(imap.call("'select', 'Drafts'").says("NO Drafts doesn't exist."));
    assert_eq!(imap.ok("'select', '&BCcENQRABD0EPgQyBDgEOgQ4-'").number("[UIDVALIDITY "), validity);
    let listed = imap.ok(LIST);
    assert!(listed.says("&BCcENQRABD0EPgQyBDgEOgQ4-/Old") && !listed.says("Drafts"), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_33_folders_of_other_items_are_listed() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    let items = ["Calendar", "Contacts", "Journal", "Notes", "Outbox", "\"Sync Issues\"", "Tasks"];
    for on in [false, true] {
        exchange.switch(|quirks| quirks.lists_item_folders = on);
        let listed = imap.ok(LIST);
        for name in items {
            assert_eq!(listed.says(&format!("\"/\" {name}\r\n")), on, "{name}");
        }
        assert!(listed.says("Drafts"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_33_hidden_folders_are_listed_if_they_shall_be() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    for on in [false, true] {
        exchange.switch(|quirks| quirks.lists_hidden_folders = on);
        assert_eq!(imap.ok(LIST).says("Conversation Action Settings"), on);
    }
}

/// How LIST spells names: atoms where they can be, literals where there is a backslash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_34_there_are_no_public_folders_and_names_are_spelled_as_exchange_does() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    outlook(&exchange).hands().create(&path(&["a\\b"]), None).unwrap();
    let mut imap = Imaplib::alice(&exchange);
    assert!(imap.ok(LIST).says("* LIST (\\HasNoChildren) \"/\" {3}\r\na\\b\r\n"));
    assert!(imap.ok("'namespace'").says("NIL NIL\r\n"));
    imap.ok(r#"'select', '"a\\\\b"'"#);
}
