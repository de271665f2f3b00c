//! Rows 1 to 6: what a server says of itself.

use crate::driver::{Imaplib, exchange, seed};
use parom_lab::exchange::{Quirks, Version};

/// Before and after sign-in, as transcripts have it.
const CAPABILITIES: [(Version, &str, &str); 4] = [
    (
        Version::E2010,
        "IMAP4 IMAP4rev1 AUTH=NTLM AUTH=GSSAPI AUTH=PLAIN UIDPLUS CHILDREN IDLE NAMESPACE LITERAL+",
        "IMAP4 IMAP4rev1 AUTH=NTLM AUTH=GSSAPI AUTH=PLAIN UIDPLUS CHILDREN IDLE NAMESPACE LITERAL+",
    ),
    (
        Version::E2013,
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI UIDPLUS MOVE ID CHILDREN IDLE NAMESPACE LITERAL+",
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI UIDPLUS MOVE ID XPROXY3 CHILDREN IDLE NAMESPACE LITERAL+",
    ),
    (
        Version::E2016,
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI SASL-IR UIDPLUS MOVE ID UNSELECT \
         CLIENTNETWORKPRESENCELOCATION CHILDREN IDLE NAMESPACE LITERAL+",
    ),
    (
        Version::E2019,
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
        "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=NTLM AUTH=GSSAPI SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES \
         CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_01_capabilities_grow_after_sign_in() {
    for (version, before, after) in CAPABILITIES {
        let exchange = exchange(version, |quirks| *quirks = Quirks::of(version)).await;
        let mut imap = Imaplib::connect(exchange.addr());
        let line = |told: &str| format!("* CAPABILITY {told}\r\n");
        assert!(imap.began.says(&line(before)), "{:?}", imap.began);
        let login = imap.ok("'login', 'alice', 'alice'");
        assert!(!login.says("CAPABILITY"), "it has to be asked for: {login:?}");
        assert!(imap.ok("'capability'").says(&line(after)));
        exchange.switch(|quirks| quirks.capability_grows = false);
        assert!(imap.ok("'capability'").says(&line(before)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_01_what_is_not_offered_is_not_done() {
    let exchange = exchange(Version::E2010, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    for command in ["'xatom', 'ENABLE', 'QRESYNC'", "'xatom', 'NOTIFY', 'NONE'", "'xatom', 'ID', 'NIL'"] {
        let answer = imap.call(command);
        assert!(answer.is("ERROR") && answer.says("BAD Command Error. 12"), "{answer:?}");
    }
    for command in ["'xatom', 'LIST', '\"\" \"*\" RETURN (STATUS (MESSAGES))'", "'status', 'INBOX', '(HIGHESTMODSEQ)'"]
    {
        let answer = imap.call(command);
        assert!(answer.is("ERROR") && answer.says("BAD Command Argument Error. 11"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_03_only_the_good_bye_names_the_version() {
    for version in Version::ALL {
        let exchange = exchange(version, |_| {}).await;
        let mut imap = Imaplib::alice(&exchange);
        assert!(imap.began.says("* OK The Microsoft Exchange IMAP4 service is ready."), "{:?}", imap.began);
        assert_eq!(imap.began.says("ready. [YwBhAHMAMQAu"), version > Version::E2010, "{:?}", imap.began);
        assert!(!imap.began.says(version.year()));
        let farewell = imap.call("'logout'");
        let expected = format!("* BYE Microsoft Exchange Server {} IMAP4 server signing off.", version.year());
        assert!(farewell.is("BYE") && farewell.says(&expected), "{farewell:?}");
        exchange.switch(|quirks| quirks.banner = Some("Mail of CORP.".to_owned()));
        assert!(Imaplib::connect(exchange.addr()).began.says("* OK Mail of CORP."));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_04_the_root_is_told() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut imap = Imaplib::alice(&exchange);
    assert!(imap.ok("'namespace'").says("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"));
    assert!(imap.ok("'list', '\"\"', '\"\"'").says("* LIST (\\Noselect \\HasChildren) \"/\" \"\"\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_05_no_keyword_is_kept_but_one() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::alice(&exchange);
    let opened = imap.ok("'select'");
    let flags = "\\Answered \\Deleted \\Draft \\Flagged \\Seen";
    for line in [
        "* 1 EXISTS",
        "* 0 RECENT",
        "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)",
        &format!("* OK [PERMANENTFLAGS ({flags} $MDNSent)] Permanent flags"),
        "* OK [UNSEEN 1] Is the first unseen message",
        "* OK [UIDNEXT 2] The next unique identifier value",
    ] {
        assert!(opened.says(&format!("{line}\r\n")), "{line}: {opened:?}");
    }
    assert!(opened.says(" OK [READ-WRITE] SELECT completed.\r\n"));
    imap.ok("'store', '1', '+FLAGS', '(work $MDNSent)'");
    assert!(imap.ok("'fetch', '1', '(FLAGS)'").says("FLAGS ($MDNSent)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_06_keywords_are_warned_of() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mut imap = Imaplib::in_inbox(&exchange);
    for on in [false, true] {
        exchange.switch(|quirks| quirks.keyword_warnings = on);
        let stored = imap.ok("'store', '1', '+FLAGS', '(work $MDNSent)'");
        assert_eq!(stored.lines("* NO Keywords are not supported").len(), usize::from(on), "{stored:?}");
        let appended = imap.ok("'append', 'INBOX', '(work)', None, b'Subject: x\\r\\n\\r\\n'");
        assert_eq!(appended.says("* NO Keywords are not supported"), on, "{appended:?}");
    }
}

#[test]
fn versions_differ_where_reports_say_so() {
    let ways = Version::ALL.map(Quirks::of);
    assert_eq!(ways.each_ref().map(|way| way.silent_store_fails), [true, false, false, false]);
    assert_eq!(ways.each_ref().map(|way| way.message_flag_header), [true, false, false, false]);
    assert_eq!(ways.each_ref().map(|way| way.wild_numbers), [true, false, false, false]);
    assert_eq!(ways.each_ref().map(|way| way.move_fails), [false, true, false, false]);
    assert!(ways.iter().all(|way| way.errors_before_bye == Some(10) && way.connections_per_user == Some(16)));
    assert!(ways.iter().all(|way| *way != Quirks::none() && !way.suppress_read_receipts));
}
