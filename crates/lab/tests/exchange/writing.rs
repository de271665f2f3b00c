//! Rows 26 to 28: what may be written, and who hears of it.

use crate::driver::{DATE, Imaplib, exchange, folder, inbox, mail, outlook};
use parom_lab::exchange::{ExchangeServer, ReceiptKind, Version};

fn append(message: &str) -> String {
    format!("'append', 'INBOX', None, None, b{message:?}")
}

/// The call is taken while the switch is off and refused with these words while it is on.
fn refused_when_on(exchange: &ExchangeServer, call: &str, turn: impl Fn(bool), words: &str) {
    let mut imap = Imaplib::in_inbox(exchange);
    for on in [false, true] {
        turn(on);
        let answer = imap.call(call);
        assert_eq!(answer.is("OK"), !on, "{answer:?}");
        assert_eq!(answer.says(words), on, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_long_lines_are_refused() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let message = |len: usize| append(&format!("Subject: x\r\n\r\n{}\r\n", "a".repeat(len)));
    let turn = |on: bool| exchange.switch(|quirks| quirks.line_bytes = on.then_some(10_240));
    refused_when_on(&exchange, &message(10_240), turn, "BAD Command Argument Error. 11");
    Imaplib::in_inbox(&exchange).ok(&message(10_239));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_long_commands_are_refused() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let fetch = |len: usize| format!("'uid', 'FETCH', '{}', '(FLAGS)'", "1,".repeat(len / 2) + "1");
    let turn = |on: bool| exchange.switch(|quirks| quirks.command_bytes = on.then_some(10_240));
    refused_when_on(&exchange, &fetch(10_240), turn, "BAD Command Argument Error. 11");
    let mut imap = Imaplib::in_inbox(&exchange);
    imap.ok(&fetch(10_000));
    // Literals do not count.
    imap.ok(&append(&format!("Subject: x\r\n\r\n{}", "short\r\n".repeat(3000))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_control_bytes_are_refused() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let turn = |on: bool| exchange.switch(|quirks| quirks.refuses_control_bytes = on);
    let call = r"'append', 'INBOX', None, None, b'Subject: x\r\n\r\n\x01\r\n'";
    refused_when_on(&exchange, call, turn, "BAD Command Argument Error. 11");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_27_odd_headers_and_receipts_are_refused_with_one_text() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let turn = |on: bool| exchange.switch(|quirks| quirks.refuses_bad_headers = on);
    refused_when_on(&exchange, &append("no header at all\r\n"), turn, "BAD Command Argument Error. 11");
    let turn = |on: bool| exchange.switch(|quirks| quirks.refuses_receipts = on);
    let receipt = append("Subject: Read: x\r\n\r\n");
    refused_when_on(&exchange, &receipt, turn, "BAD Command Argument Error. 11");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_27_sizes_and_quotas_have_texts_of_their_own() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let big = append(&format!("Subject: x\r\n\r\n{}", "line\r\n".repeat(100)));
    let turn = |on: bool| exchange.switch(|quirks| quirks.append_bytes = on.then_some(500));
    refused_when_on(&exchange, &big, turn, "NO Maximum size of appendable message has been exceeded.");
    exchange.switch(|quirks| quirks.append_bytes = None);
    let turn = |on: bool| exchange.switch(|quirks| quirks.quota_bytes = on.then_some(1500));
    refused_when_on(&exchange, &big, turn, "NO Server Unavailable. 15");
}

/// Three unread messages in the inbox whose sender wants to know.
async fn awaited() -> ExchangeServer {
    let exchange = exchange(Version::E2016, |quirks| quirks.suppress_read_receipts = false).await;
    let hands = outlook(&exchange).hands();
    for subject in ["one", "two", "three"] {
        let mail = format!("Disposition-Notification-To: b@corp.example\r\n{}", mail(subject));
        hands.add(&inbox(), mail, &[], DATE).unwrap();
    }
    hands.add(&inbox(), mail("four"), &[], DATE).unwrap();
    exchange
}

fn caught(exchange: &ExchangeServer) -> Vec<ReceiptKind> {
    exchange.receipts().iter().map(|receipt| receipt.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_28_the_trap_catches_every_way_to_send_a_receipt() {
    use ReceiptKind::{NotRead, Read};
    let seen = r"'uid', 'STORE', '1:2', '+FLAGS', '(\\Seen)'";
    let deleted = r"'uid', 'STORE', '1:2', '+FLAGS', '(\\Deleted)'";
    let cases: [(&[&str], &[ReceiptKind]); 10] = [
        (&[seen, seen], &[Read, Read]),
        (&["'uid', 'FETCH', '1', '(BODY[])'"], &[Read]),
        (&["'uid', 'FETCH', '1', '(BODY.PEEK[])'"], &[]),
        (&[deleted, "'expunge'"], &[NotRead, NotRead]),
        (&[deleted, "'xatom', 'UID', 'EXPUNGE', '2'"], &[NotRead]),
        (&[deleted, "'close'"], &[NotRead, NotRead]),
        (&["'xatom', 'UID', 'MOVE', '1', '\"Deleted Items\"'"], &[NotRead]),
        (&["'xatom', 'UID', 'MOVE', '1', 'Drafts'"], &[]),
        (&[seen, deleted, "'expunge'"], &[Read, Read]),
        (&["'uid', 'STORE', '1:2', '+FLAGS', '($MDNSent)'", seen, deleted, "'expunge'"], &[]),
    ];
    for (calls, expected) in cases {
        let exchange = awaited().await;
        let mut imap = Imaplib::in_inbox(&exchange);
        calls.iter().for_each(|call| drop(imap.ok(call)));
        assert_eq!(caught(&exchange), expected, "{calls:?}");
        assert!(exchange.receipts().iter().all(|receipt| receipt.to == "b@corp.example" && receipt.mailbox == "alice"));

        let exchange = awaited().await;
        exchange.switch(|quirks| quirks.suppress_read_receipts = true);
        let mut imap = Imaplib::in_inbox(&exchange);
        calls.iter().for_each(|call| drop(imap.ok(call)));
        assert_eq!(caught(&exchange), [], "suppressed: {calls:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_28_appended_mail_asks_for_receipts_too_and_folders_take_it_along() {
    let exchange = awaited().await;
    let mut imap = Imaplib::in_inbox(&exchange);
    let mail = format!("Disposition-Notification-To: b@corp.example\r\n{}", mail("five"));
    imap.ok("'create', 'Projects'");
    imap.ok(&format!("'append', 'Projects', None, None, b{mail:?}"));
    imap.ok(&format!("'append', 'Projects', '(\\\\Seen)', None, b{mail:?}"));
    assert_eq!(caught(&exchange), []);
    imap.ok("'delete', 'Projects'");
    assert_eq!(caught(&exchange), [ReceiptKind::NotRead]);
    // What its owner does in another client is the owner's affair.
    let hands = outlook(&exchange).hands();
    hands.remove(&inbox(), &[1]).unwrap();
    hands.flag(&inbox(), 2, &["\\Seen"], &[]).unwrap();
    assert_eq!(caught(&exchange).len(), 1);
    assert!(hands.messages(&folder("Projects")).is_empty());
}
