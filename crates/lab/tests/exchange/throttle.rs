//! Row 29: who asks too much is told when to come back.

use crate::driver::{Imaplib, exchange, seed};
use parom_lab::exchange::{Budget, Version};
use std::time::Duration;

const SMALL: Budget = Budget {
    burst_ms: 40,
    recharge_ms_per_hour: 1,
    cutoff_ms: 10,
    command_ms: 10,
    mebibyte_ms: 0,
    longest_backoff_ms: 60_000,
};
const SUGGESTED: &str = "BAD Request is throttled. Suggested Backoff Time: ";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_29_an_overdrawn_budget_suggests_a_backoff_and_disconnects() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut early = Imaplib::connect(exchange.addr());
    let mut imap = Imaplib::alice(&exchange);
    (0..20).for_each(|_| drop(imap.ok("'noop'")));
    exchange.switch(|quirks| quirks.budget = Some(SMALL));
    (0..5).for_each(|_| drop(imap.ok("'noop'")));
    let refused = imap.call("'noop'");
    let wait = refused.number(SUGGESTED);
    assert!(refused.is("ERROR") && (59_000..=60_000).contains(&wait), "{refused:?}");
    assert!(refused.says(" milliseconds\r\n"));
    assert!(imap.call("'noop'").says("* BYE Connection closed. 14"));
    assert_eq!(exchange.tally().throttled, 1);
    // Whoever does not wait is told again, at the door.
    let told = early.call("'login', 'alice', 'alice'");
    assert!(told.number(SUGGESTED) <= wait, "{told:?}");
    Imaplib::connect(exchange.addr()).ok("'login', 'bob', 'bob'");
    exchange.throttle("alice", Duration::ZERO);
    Imaplib::alice(&exchange).ok("'noop'");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_29_bodies_use_up_the_budget_too() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    let mail = format!("Subject: big\r\n\r\n{}", "line\r\n".repeat(200_000));
    let hands = exchange.mailbox("alice").unwrap();
    hands.add(&crate::driver::inbox(), mail, &[], crate::driver::DATE).unwrap();
    let costly = Budget { command_ms: 0, mebibyte_ms: 1000, burst_ms: 500, ..SMALL };
    exchange.switch(|quirks| quirks.budget = Some(costly));
    let mut imap = Imaplib::in_inbox(&exchange);
    (0..20).for_each(|_| drop(imap.ok("'uid', 'FETCH', '1', '(BODY.PEEK[])'")));
    imap.ok("'uid', 'FETCH', '2', '(BODY.PEEK[])'");
    assert!(imap.call("'noop'").says(SUGGESTED));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_29_a_test_can_throttle_an_account() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let mut alice = Imaplib::alice(&exchange);
    exchange.throttle("alice", Duration::from_secs(299));
    let wait = alice.call("'noop'").number(SUGGESTED);
    assert!((290_000..=299_000).contains(&wait), "{wait}");
    let mut delegate = Imaplib::connect(exchange.addr());
    delegate.ok("'login', 'CORP/svc/alice', 'svc'");
    delegate.ok("'select'");
}
