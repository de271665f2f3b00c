//! Rows 16 to 25: which bytes a message has, under which UID, and whether it shows itself at all.

use crate::driver::{Imaplib, exchange, folder, inbox, mail, outlook, seed};
use parom_lab::exchange::{CalendarItems, MailboxMove, Quirks, Rendering, Validities, Version};

const WHOLE: &str = "'uid', 'FETCH', '1:*', '(UID BODY.PEEK[])'";
const WIDE: &str = "'uid', 'FETCH', '1:*', '(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER])'";
const NARROW: &str = "'uid', 'FETCH', '1:*', '(UID FLAGS)'";
const SUBSTITUTE: &str = "Subject: Retrieval using the IMAP4 protocol failed for the following message:\r\n 1\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_16_what_another_client_edits_has_a_new_uid() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one", "two"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    assert_eq!(outlook(&exchange).edit(&inbox(), 1, mail("edited")), Ok(1));
    assert!(imap.ok("'uid', 'SEARCH', 'ALL'").says("* SEARCH 1 2\r\n"));
    exchange.switch(|quirks| quirks.new_uid_on_edit = true);
    assert_eq!(outlook(&exchange).edit(&inbox(), 1, mail("edited again")), Ok(3));
    let news = imap.ok("'noop'");
    assert!(news.says("* 1 EXPUNGE\r\n* 2 EXISTS\r\n"), "{news:?}");
    assert!(imap.ok("'uid', 'SEARCH', 'ALL'").says("* SEARCH 2 3\r\n"));
    assert!(imap.ok("'uid', 'FETCH', '3', '(BODY.PEEK[])'").says("Subject: edited again"));
    assert!(outlook(&exchange).edit(&inbox(), 1, mail("gone")).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_17_flagged_messages_have_one_field_more() {
    let exchange = exchange(Version::E2010, |quirks| quirks.message_flag_header = true).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    assert!(!imap.ok(WHOLE).says("X-Message-Flag"));
    imap.ok(r"'uid', 'STORE', '1', '+FLAGS', '(\\Flagged)'");
    let flagged = imap.ok(WHOLE);
    assert!(flagged.says("UID 1 ") && flagged.says("X-Message-Flag: "), "{flagged:?}");
    assert!(imap.ok("'uid', 'FETCH', '1', '(BODY.PEEK[HEADER])'").says("X-Message-Flag: "));
    exchange.switch(|quirks| quirks.message_flag_header = false);
    assert!(!imap.ok(WHOLE).says("X-Message-Flag"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_18_sizes_are_estimates() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    for rendering in [Rendering::AsGiven, Rendering::Rewritten { seed: 1 }] {
        for is_estimate in [false, true] {
            exchange.switch(|quirks| (quirks.rendering, quirks.size_is_estimate) = (rendering, is_estimate));
            let told = imap.ok("'uid', 'FETCH', '1', '(RFC822.SIZE)'").number("RFC822.SIZE ");
            let whole = imap.ok(WHOLE).number("BODY[] {");
            assert_eq!(told != whole, is_estimate, "{told} and {whole}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_19_bytes_are_made_anew() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    assert!(imap.ok(WHOLE).says(&mail("one")));
    exchange.switch(|quirks| quirks.rendering = Rendering::Rewritten { seed: 1 });
    let rewritten = imap.ok(WHOLE);
    assert!(!rewritten.says(&mail("one")));
    for kept in ["Message-ID: <one@corp.example>\r\n", "X-Own: kept\r\n", "\r\n\r\nbody of one\r\n", "X-MS-Has-Attach:"]
    {
        assert!(rewritten.says(kept), "{kept}: {rewritten:?}");
    }
    let body = |answer: &str| answer.split_once("BODY[] {").map(|(_, rest)| rest.to_owned()).unwrap();
    let cut = |text: &str| body(text).split("\r\n)\r\n").next().unwrap().to_owned();
    assert_eq!(cut(&imap.ok(WHOLE).heard), cut(&rewritten.heard), "the same each time");

    // Parts keep what they say; boundaries and the protection of encrypted mail do not last.
    let encrypted = "Subject: secret\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"old\"\r\n\r\n\
        --old\r\n\r\none\r\n--old--\r\n";
    outlook(&exchange).hands().add(&inbox(), encrypted, &[], crate::driver::DATE).unwrap();
    imap.ok("'noop'");
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        exchange.switch(|quirks| quirks.rendering = Rendering::Rewritten { seed });
        let answer = imap.ok("'uid', 'FETCH', '2', '(BODY.PEEK[])'");
        assert!(answer.says("multipart/mixed") && !answer.says("--old"), "{answer:?}");
        seen.push(cut(&answer.heard));
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[1], seen[2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_what_cannot_be_converted_is_substituted() {
    for version in Version::ALL {
        let exchange = exchange(version, |_| {}).await;
        seed(&exchange, &["Canceled: meeting"]);
        let mut imap = Imaplib::in_inbox(&exchange);
        assert!(imap.ok(WHOLE).says("body of Canceled"));
        exchange.switch(|quirks| quirks.substitutes.push("Canceled".to_owned()));
        for fetch in [WHOLE, "'uid', 'FETCH', '1', '(BODY.PEEK[HEADER])'"] {
            assert!(imap.ok(fetch).says(SUBSTITUTE));
        }
        let whole = imap.ok(WHOLE);
        assert!(whole.says("From: Microsoft Exchange Server"), "{whole:?}");
        assert!(whole.says("retrieve the following message:\r\n\r\nSubject: \"Canceled: meeting\"\r\n"), "{whole:?}");
        assert_eq!(whole.says("couldn't"), version == Version::E2010, "{whole:?}");
        assert!(imap.ok(NARROW).says("UID 1 FLAGS ()"));
        assert_eq!(exchange.tally().substitutes, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_21_wide_fetches_omit_messages_silently() {
    let exchange = exchange(Version::E2013, |_| {}).await;
    seed(&exchange, &["Canceled: meeting", "two"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    assert!(imap.ok(WIDE).says("UID 1 "));
    exchange.switch(|quirks| quirks.omitted_when_wide.push("Canceled".to_owned()));
    for fetch in [WIDE, WHOLE] {
        let answer = imap.ok(fetch);
        assert!(answer.says("UID 2 ") && !answer.says("UID 1 "), "{answer:?}");
    }
    let narrow = imap.ok(NARROW);
    assert!(narrow.says("UID 1 ") && narrow.says("UID 2 "), "{narrow:?}");
    assert!(imap.ok("'uid', 'FETCH', '1', '(BODY[])'").says(SUBSTITUTE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_22_calendar_items_show_themselves_in_three_ways() {
    let exchange = exchange(Version::E2016, |quirks| quirks.lists_item_folders = true).await;
    outlook(&exchange).add_item(&folder("Calendar"), "Planning", crate::driver::DATE).unwrap();
    let mut imap = Imaplib::alice(&exchange);
    imap.ok("'select', 'Calendar'");
    for (items, shows, hides) in [
        (CalendarItems::ICalendar, "BEGIN:VEVENT", SUBSTITUTE),
        (CalendarItems::Substitute, SUBSTITUTE, "BEGIN:VEVENT"),
        (CalendarItems::NoData, "OK FETCH completed.", "FETCH ("),
    ] {
        exchange.switch(|quirks| quirks.calendar_items = items);
        let answer = imap.ok(WHOLE);
        assert!(answer.says(shows) && !answer.says(hides), "{items:?}: {answer:?}");
        assert!(imap.ok(NARROW).says("UID 1 "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_contacts_and_tasks_are_substituted() {
    let exchange = exchange(Version::E2016, |quirks| quirks.lists_item_folders = true).await;
    for name in ["Contacts", "Tasks", "Notes", "Journal"] {
        outlook(&exchange).add_item(&folder(name), "An item", crate::driver::DATE).unwrap();
        let mut imap = Imaplib::alice(&exchange);
        imap.ok(&format!("'select', {name:?}"));
        for on in [false, true] {
            exchange.switch(|quirks| quirks.items_are_substitutes = on);
            assert_eq!(imap.ok(WHOLE).says(SUBSTITUTE), on, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_a_flag_that_came_with_append_is_seen_by_imap_only() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::in_inbox(&exchange);
    let append = r"'append', 'INBOX', '(\\Flagged \\Seen)', None, b'Subject: x\r\n\r\n'";
    for (uid, on) in [(1, false), (2, true)] {
        exchange.switch(|quirks| quirks.appended_flag_is_shallow = on);
        imap.ok(append);
        assert!(imap.ok(&format!("'uid', 'FETCH', '{uid}', '(FLAGS)'")).says(r"FLAGS (\Flagged \Seen)"));
        let seen = outlook(&exchange).flags(&inbox(), uid).unwrap();
        assert_eq!(seen.contains(&"\\Flagged".to_owned()), !on, "{seen:?}");
        assert!(seen.contains(&"\\Seen".to_owned()));
    }
    imap.ok(r"'uid', 'STORE', '2', '+FLAGS', '(\\Flagged)'");
    assert_eq!(outlook(&exchange).flags(&inbox(), 2).unwrap(), ["\\Flagged", "\\Seen"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_24_an_appended_message_bears_the_time_of_its_transfer() {
    let exchange = exchange(Version::E2010, |_| {}).await;
    let mut imap = Imaplib::in_inbox(&exchange);
    for (uid, on) in [(1, false), (2, true)] {
        exchange.switch(|quirks| quirks.append_date_is_now = on);
        imap.ok(r#"'append', 'INBOX', None, '"17-Jul-1996 02:44:25 -0700"', b'Subject: x\r\n\r\n'"#);
        let told = imap.ok(&format!("'uid', 'FETCH', '{uid}', '(INTERNALDATE)'"));
        assert_eq!(told.says("INTERNALDATE \"17-Jul-1996 02:44:25 -0700\""), !on, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_25_a_moved_mailbox_has_other_uids() {
    for (how, uids, is_same) in [
        (MailboxMove::KeepsUids, "* SEARCH 1 2\r\n", true),
        (MailboxMove::NewUids, "* SEARCH 3 4\r\n", true),
        (MailboxMove::NewValidities, "* SEARCH 1 2\r\n", false),
    ] {
        let exchange = exchange(Version::E2016, |quirks| {
            (quirks.mailbox_move, quirks.validities) = (how, Validities::Small);
        });
        let exchange = exchange.await;
        seed(&exchange, &["one", "two"]);
        let mut before = Imaplib::alice(&exchange);
        let validity = before.ok("'select'").number("[UIDVALIDITY ");
        assert_eq!(validity, 14);
        let mut idle = Imaplib::in_inbox(&exchange);
        idle.ok("'idle'");
        exchange.move_mailbox("alice", "DB2");
        let end = idle.call("'wait'");
        assert!(end.says("* BYE Connection closed. 14") && !end.says("EXPUNGE"), "{how:?}: {end:?}");
        assert_eq!(exchange.database("alice").as_deref(), Some("DB2"));
        assert!(before.call("'noop'").is("GONE"), "the session ends");
        let mut after = Imaplib::alice(&exchange);
        assert_eq!(after.ok("'select'").number("[UIDVALIDITY ") == validity, is_same, "{how:?}");
        assert!(after.ok("'uid', 'SEARCH', 'ALL'").says(uids), "{how:?}");
        assert!(after.ok("'uid', 'FETCH', '1:*', '(BODY.PEEK[])'").says("body of two"));
    }
    assert_eq!(Quirks::of(Version::E2019).mailbox_move, MailboxMove::NewUids);
}
