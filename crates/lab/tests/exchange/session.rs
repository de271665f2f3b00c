//! Rows 2 and 8 to 15: commands that end otherwise than they should.

use crate::driver::{Imaplib, exchange, folder, inbox, mail, outlook, seed};
use parom_lab::exchange::{CopyUid, Denial, ExchangeServer, Quirks, Standard, Version};
use parom_lab::server::{IndexLag, Reaction};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_02_move_is_offered_and_refused() {
    let exchange = exchange(Version::E2013, |quirks| quirks.move_fails = true).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    assert!(imap.ok("'capability'").says(" MOVE "));
    let refused = imap.call("'xatom', 'UID', 'MOVE', '1', 'Drafts'");
    assert!(refused.is("ERROR") && refused.says("BAD Command Argument Error. 11"), "{refused:?}");
    assert_eq!(outlook(&exchange).hands().messages(&inbox()).len(), 1);
    exchange.switch(|quirks| quirks.move_fails = false);
    imap.ok("'xatom', 'UID', 'MOVE', '1', 'Drafts'");
    assert!(outlook(&exchange).hands().messages(&inbox()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_08_search_is_narrow() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    let searches = ["'search', 'UTF-8', 'ALL'", "'search', None, 'KEYWORD work'"];
    searches.iter().for_each(|search| drop(imap.ok(search)));
    exchange.switch(|quirks| quirks.search_is_narrow = true);
    let charset = imap.call(searches[0]);
    assert!(charset.is("NO") && charset.says("NO [BADCHARSET (US-ASCII)]"), "{charset:?}");
    assert!(imap.call(searches[1]).says("BAD Command Argument Error. 11"));
    imap.ok("'search', 'US-ASCII', 'KEYWORD $MDNSent'");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_08_searches_by_header_miss_messages() {
    let exchange = exchange(Version::E2010, |_| {}).await;
    seed(&exchange, &["one", "two"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    for (misses, found) in [(false, "* SEARCH 1 2\r\n"), (true, "* SEARCH 1\r\n")] {
        exchange.switch(|quirks| quirks.header_search_misses = misses);
        assert!(imap.ok("'search', None, 'HEADER Message-ID corp.example'").says(found));
        assert!(imap.ok("'search', None, 'ALL'").says("* SEARCH 1 2\r\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_09_the_index_lags_behind_an_append() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::in_inbox(&exchange);
    let append = "'append', 'INBOX', None, None, b'Subject: x\\r\\n\\r\\n'";
    assert!(imap.ok(append).says("[APPENDUID "));
    assert!(imap.ok("'uid', 'FETCH', '1:*', '(FLAGS)'").says("* 1 FETCH (UID 1 "));
    exchange.switch(|quirks| quirks.index_lag = IndexLag::UntilReleased);
    assert_eq!(imap.ok(append).number("[APPENDUID 1400000000 "), 2);
    assert!(!imap.ok("'uid', 'FETCH', '2', '(FLAGS)'").says("FETCH ("));
    // Who comes back sees no more.
    assert!(!Imaplib::in_inbox(&exchange).ok("'uid', 'FETCH', '1:*', '(FLAGS)'").says("UID 2 "));
    assert!(imap.ok("'check'").says("* 2 EXISTS"));
    assert!(imap.ok("'uid', 'FETCH', '2', '(FLAGS)'").says("* 2 FETCH (UID 2 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_10_sequence_numbers_of_new_mail_are_wrong() {
    let exchange = exchange(Version::E2010, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    seed(&exchange, &["two"]);
    assert!(!imap.ok("'noop'").says("FETCH"));
    assert!(imap.ok("'uid', 'FETCH', '2', '(FLAGS)'").says("* 2 FETCH (UID 2 "));
    exchange.switch(|quirks| quirks.wild_numbers = true);
    seed(&exchange, &["three"]);
    let news = imap.ok("'noop'");
    assert!(news.says("* 3 EXISTS\r\n* 4 FETCH (FLAGS ())\r\n"), "{news:?}");
    assert!(imap.ok("'uid', 'FETCH', '1:*', '(FLAGS)'").says("* 4 FETCH (UID 3 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_copyuid_comes_with_empty_sets() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    let (copy, nothing) = ("'uid', 'COPY', '1', 'Drafts'", "'uid', 'COPY', '77', 'Drafts'");
    for (copyuid, of_one, of_nothing) in [
        (CopyUid::Told, " 1 ", None),
        (CopyUid::EmptyForNothing, " 1 ", Some("  ]")),
        (CopyUid::AlwaysEmpty, "  ]", Some("  ]")),
    ] {
        exchange.switch(|quirks| quirks.copyuid = copyuid);
        assert!(imap.ok(copy).says(&format!("OK [COPYUID 1400000004{of_one}")), "{copyuid:?}");
        let answer = imap.ok(nothing);
        match of_nothing {
            None => assert!(!answer.says("COPYUID"), "{answer:?}"),
            Some(sets) => assert!(answer.says(&format!("OK [COPYUID 1400000004{sets}")), "{answer:?}"),
        }
    }
    let moved = imap.ok("'xatom', 'UID', 'MOVE', '1', 'Drafts'");
    assert!(moved.says("* OK [COPYUID 1400000004  ]"), "{moved:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_11_a_silent_store_fails() {
    let exchange = exchange(Version::E2010, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    let store = r"'uid', 'STORE', '1', 'FLAGS.SILENT', '(\\Seen)'";
    imap.ok(store);
    exchange.switch(|quirks| quirks.silent_store_fails = true);
    assert!(imap.call(store).says("BAD Command Argument Error. 11"));
    imap.ok(r"'uid', 'STORE', '1', '+FLAGS.SILENT', '(\\Seen)'");
    imap.ok(r"'uid', 'STORE', '1', 'FLAGS', '(\\Seen)'");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_12_ten_errors_end_the_connection() {
    for limit in [None, Some(10)] {
        let exchange = exchange(Version::E2016, |quirks| quirks.errors_before_bye = limit).await;
        let mut imap = Imaplib::alice(&exchange);
        for _ in 0..9 {
            let missing = imap.call("'status', 'Nowhere', '(MESSAGES)'");
            assert!(missing.is("NO") && missing.says("NO Nowhere doesn't exist."), "{missing:?}");
        }
        let tenth = imap.call("'status', 'Nowhere', '(MESSAGES)'");
        assert!(tenth.says("NO Nowhere doesn't exist."), "{tenth:?}");
        // The good-bye follows the answer.
        let after = imap.call("'noop'");
        assert_eq!(after.says("* BYE Connection closed. 14"), limit.is_some(), "{after:?}");
        assert_eq!(after.is("GONE"), limit.is_some());
        assert_eq!(exchange.tally().byes_for_errors, u64::from(limit.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_12_the_status_of_a_missing_folder_ends_the_connection() {
    let exchange = exchange(Version::E2010, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    let status = "'status', 'Nowhere', '(MESSAGES)'";
    assert!(imap.call(status).is("NO"));
    exchange.switch(|quirks| quirks.missing_status_drops = true);
    imap.ok("'status', 'INBOX', '(MESSAGES)'");
    assert!(imap.call(status).is("GONE"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_13_logout_may_hang() {
    let exchange = exchange(Version::E2016, |quirks| quirks.hangs_at_logout = true).await;
    let mut imap = Imaplib::alice(&exchange);
    imap.call("'patience', 0.3");
    let silent = imap.call("'logout'");
    assert!(silent.heard.is_empty() && !silent.is("OK"), "{silent:?}");
    exchange.switch(|quirks| quirks.hangs_at_logout = false);
    assert!(Imaplib::alice(&exchange).call("'logout'").says("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_13_a_bulk_copy_breaks_half_way() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one", "two", "three"]);
    let copied = || outlook(&exchange).hands().messages(&folder("Drafts")).len();
    let mut imap = Imaplib::in_inbox(&exchange);
    imap.ok("'uid', 'COPY', '1:3', 'Drafts'");
    assert_eq!(copied(), 3);
    exchange.switch(|quirks| quirks.bulk_copy_breaks = Some(2));
    imap.ok("'uid', 'COPY', '1:2', 'Drafts'");
    assert!(imap.call("'uid', 'COPY', '1:3', 'Drafts'").is("GONE"));
    assert_eq!(copied(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_who_is_silent_is_sent_away() {
    let limit = |exchange: &ExchangeServer, idle: bool, sign_in: bool| {
        let short = Duration::from_millis(150);
        exchange.switch(|quirks| {
            (quirks.idle_limit, quirks.sign_in_limit) = (idle.then_some(short), sign_in.then_some(short));
        });
    };
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut silent = Imaplib::in_inbox(&exchange);
    let mut idle = Imaplib::in_inbox(&exchange);
    let mut stranger = Imaplib::connect(exchange.addr());
    limit(&exchange, true, false);
    silent.ok("'noop'");
    idle.ok("'idle'");
    stranger.ok("'noop'");
    for imap in [&mut silent, &mut idle] {
        let end = imap.call("'wait'");
        assert!(end.is("GONE") && end.says("* BYE Connection is closed. 13"), "{end:?}");
    }
    limit(&exchange, false, false);
    let mut silent = Imaplib::in_inbox(&exchange);
    limit(&exchange, false, true);
    stranger.ok("'noop'");
    let end = stranger.call("'wait'");
    assert!(end.is("GONE") && end.says("* BYE Connection is closed. 13"), "{end:?}");
    silent.ok("'noop'");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_connections_are_limited() {
    assert_eq!(Quirks::of(Version::E2016).connections_per_user, Some(16));
    let exchange = exchange(Version::E2016, |quirks| quirks.connections_per_user = Some(2)).await;
    let login = "'login', 'alice', 'alice'";
    let first = Imaplib::alice(&exchange);
    let _second = Imaplib::alice(&exchange);
    assert_eq!(exchange.connections("alice"), 2);
    let third = Imaplib::connect(exchange.addr()).call(login);
    assert!(third.is("ERROR") && third.says("NO LOGIN failed."), "{third:?}");
    exchange.switch(|quirks| quirks.over_the_cap = Denial::NotConnected);
    let mut fourth = Imaplib::connect(exchange.addr());
    fourth.ok(login);
    assert!(fourth.call("'select'").says("BAD User is authenticated but not connected."));
    assert_eq!(exchange.tally().most_connections, 2);
    // Others have their own, until the whole server is full.
    Imaplib::connect(exchange.addr()).ok("'login', 'bob', 'bob'");
    exchange.switch(|quirks| (quirks.connections, quirks.over_the_cap) = (Some(2), Denial::LoginFailed));
    assert!(Imaplib::connect(exchange.addr()).call("'login', 'bob', 'bob'").is("ERROR"));
    exchange.switch(|quirks| (quirks.connections, quirks.connections_per_user) = (None, None));
    Imaplib::connect(exchange.addr()).ok(login);
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_15_nobody_signs_in_without_tls() {
    let exchange = exchange(Version::E2013, |quirks| quirks.needs_tls = true).await;
    let mut imap = Imaplib::connect(exchange.addr());
    assert!(imap.began.says(" LOGINDISABLED STARTTLS "), "{:?}", imap.began);
    let refused = imap.call("'login', 'alice', 'alice'");
    assert!(refused.says("BAD Command received in Invalid state."), "{refused:?}");
    exchange.switch(|quirks| quirks.needs_tls = false);
    let mut imap = Imaplib::alice(&exchange);
    assert!(!imap.began.says("LOGINDISABLED"));
    assert!(imap.call("'noop'").is("OK"));
}

/// Not a quirk: a test writes an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_can_be_written_word_for_word() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    exchange.script("APPEND", Reaction::Bad("Command Error. 10".to_owned()));
    let append = "'append', 'INBOX', None, None, b'Subject: x\\r\\n\\r\\n'";
    assert!(imap.call(append).says("BAD Command Error. 10"));
    imap.ok(append);
    exchange.switch_engine(|switches| switches.refuses.push("one".to_owned()));
    let refused = imap.call(&format!("'append', 'INBOX', None, None, b{:?}", mail("one")));
    assert!(refused.is("NO"), "{refused:?}");
    assert_eq!(outlook(&exchange).hands().messages(&Standard::Inbox.path(Default::default())).len(), 1);
}
