//! Row 36: the lab's NTLM with a client that others wrote, the Python package ntlm-auth.

use crate::driver::{Answer, Imaplib, exchange, seed};
use parom_lab::exchange::{ExchangeServer, ExtendedProtection, Version};

/// MD4 of `alice` in UTF-16, as `openssl dgst -md4 -provider legacy` tells it.
const ALICE: &str = "4039730e1bf6e10dd01eaac983db4d7c";
const END_POINT: &[u8] = b"tls-server-end-point:\x01\x02\x03";

/// `false`, said loudly, where the package is missing; under CI that is a failure.
fn is_installed(exchange: &ExchangeServer) -> bool {
    let found = Imaplib::connect(exchange.addr()).call("'has', 'ntlm_auth'").is("OK");
    if !found {
        assert!(std::env::var_os("CI").is_none(), "python3-ntlm-auth is needed to run this test");
        eprintln!("SKIPPED: python3-ntlm-auth is not installed, so this test proved nothing");
    }
    found
}

fn attempt(exchange: &ExchangeServer, domain: &str, user: &str, nt_hash: &str, end_point: &[u8]) -> Answer {
    let end_point: String = end_point.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let call = format!("'ntlm', '{domain}', '{user}', '{nt_hash}', b'{end_point}'");
    Imaplib::connect(exchange.addr()).call(&call)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_ntlm_opens_the_own_mailbox() {
    let exchange = exchange(Version::E2016, |quirks| quirks.announces_ntlm = true).await;
    if !is_installed(&exchange) {
        return;
    }
    exchange.change("alice", |person| person.account = "a.smith".to_owned());
    seed(&exchange, &["one"]);
    for (domain, user) in [("CORP", "a.smith"), ("corp", "A.Smith"), ("", "a.smith"), ("", "alice@corp.example")] {
        let answer = attempt(&exchange, domain, user, ALICE, b"");
        assert!(answer.is("OK") && answer.says("OK AUTHENTICATE completed."), "{domain} {user}: {answer:?}");
    }
    for (domain, user) in [("OTHER", "a.smith"), ("CORP", "nobody"), ("", "nobody@corp.example")] {
        let answer = attempt(&exchange, domain, user, ALICE, b"");
        assert!(answer.is("ERROR") && answer.says("NO AUTHENTICATE failed."), "{domain} {user}: {answer:?}");
    }
    let mut imap = Imaplib::connect(exchange.addr());
    imap.ok(&format!("'ntlm', 'CORP', 'a.smith', '{ALICE}', b''"));
    assert!(imap.ok("'select'").says("* 1 EXISTS"));
    exchange.switch(|quirks| quirks.announces_ntlm = false);
    assert!(attempt(&exchange, "CORP", "a.smith", ALICE, b"").says("NO "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_a_wrong_password_counts_with_ntlm_too() {
    let exchange = exchange(Version::E2016, |quirks| {
        (quirks.announces_ntlm, quirks.locks_out_after) = (true, Some(2));
    });
    let exchange = exchange.await;
    if !is_installed(&exchange) {
        return;
    }
    for _ in 0..2 {
        assert!(attempt(&exchange, "CORP", "alice", &ALICE.replace('4', "5"), b"").says("NO AUTHENTICATE failed."));
    }
    assert_eq!(exchange.wrong_passwords("alice"), 2);
    assert!(attempt(&exchange, "CORP", "alice", ALICE, b"").says("NO "), "the account is locked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_extended_protection_looks_at_the_channel_binding() {
    let exchange = exchange(Version::E2016, |quirks| quirks.announces_ntlm = true).await;
    if !is_installed(&exchange) {
        return;
    }
    let end_point = || END_POINT.to_vec();
    for (protection, right, wrong, none) in [
        (ExtendedProtection::None, true, true, true),
        (ExtendedProtection::Allow { end_point: end_point() }, true, false, true),
        (ExtendedProtection::Require { end_point: end_point() }, true, false, false),
    ] {
        exchange.switch(|quirks| quirks.extended_protection = protection.clone());
        for (brought, is_in) in [(END_POINT, right), (b"tls-server-end-point:other", wrong), (b"", none)] {
            let answer = attempt(&exchange, "CORP", "alice", ALICE, brought);
            assert_eq!(answer.is("OK"), is_in, "{protection:?} {brought:?}: {answer:?}");
        }
    }
}
