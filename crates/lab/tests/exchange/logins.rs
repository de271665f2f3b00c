//! Rows 35 to 38: who is let in, and to which mailbox.

use crate::driver::{Imaplib, exchange, seed};
use parom_lab::exchange::{Charged, Denial, ExchangeServer, LoginForm, Version};

/// Every form, as LOGIN or as SASL PLAIN.
const FORMS: [(LoginForm, &str); 13] = [
    (LoginForm::Own, "'login', 'alice', 'alice'"),
    (LoginForm::OwnDomain, r"'login', 'CORP\\alice', 'alice'"),
    (LoginForm::OwnDomain, "'login', 'CORP/alice', 'alice'"),
    (LoginForm::OwnUpn, "'login', 'alice@corp.example', 'alice'"),
    (LoginForm::DomainSlash, "'login', 'CORP/svc/alice', 'svc'"),
    (LoginForm::DomainSlash, "'login', 'CORP/svc/alice@corp.example', 'svc'"),
    (LoginForm::UpnSlash, "'login', 'svc@corp.example/alice', 'svc'"),
    (LoginForm::UpnSlash, "'login', 'svc@corp.example/alice@corp.example', 'svc'"),
    (LoginForm::DomainBackslash, r"'login', 'CORP\\svc\\alice', 'svc'"),
    (LoginForm::UpnBackslash, r"'login', 'svc@corp.example\\alice', 'svc'"),
    (LoginForm::Bare, "'login', 'svc/alice', 'svc'"),
    (LoginForm::Authzid, r"'authenticate', 'PLAIN', b'alice\0svc\0svc'"),
    (LoginForm::Authzid, r"'authenticate', 'PLAIN', b'alice@corp.example\0CORP\\svc\0svc'"),
];

fn attempt(exchange: &ExchangeServer, call: &str) -> (Imaplib, bool) {
    let mut imap = Imaplib::connect(exchange.addr());
    let is_in = imap.call(call).is("OK");
    (imap, is_in)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_every_form_opens_the_mailbox_where_it_is_known() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    seed(&exchange, &["one"]);
    for (form, call) in FORMS {
        let (mut imap, is_in) = attempt(&exchange, call);
        assert!(is_in && imap.ok("'select'").says("* 1 EXISTS"), "{call}");
        exchange.switch(|quirks| quirks.login_forms.retain(|known| *known != form));
        assert!(!attempt(&exchange, call).1, "{call}");
        exchange.switch(|quirks| quirks.login_forms.extend([form]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_the_last_part_is_an_alias_and_no_account_name() {
    let exchange = exchange(Version::E2016, |quirks| quirks.without_rights = Denial::LoginFailed).await;
    exchange.change("alice", |person| person.account = "a.smith".to_owned());
    assert!(attempt(&exchange, "'login', 'CORP/svc/alice', 'svc'").1);
    assert!(!attempt(&exchange, "'login', 'CORP/svc/a.smith', 'svc'").1);
    assert!(attempt(&exchange, r"'login', 'CORP\\a.smith', 'alice'").1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_not_every_account_may_use_imap() {
    let exchange = exchange(Version::E2016, |quirks| quirks.refuses_administrators = true).await;
    let call = "'login', 'CORP/svc/alice', 'svc'";
    assert!(attempt(&exchange, call).1);
    exchange.change("svc", |person| person.administrator = true);
    assert!(!attempt(&exchange, call).1);
    exchange.switch(|quirks| quirks.refuses_administrators = false);
    assert!(attempt(&exchange, call).1);
    exchange.change("svc", |person| person.has_mailbox = false);
    assert!(!attempt(&exchange, call).1);
    exchange.change("svc", |person| (person.has_mailbox, person.imap) = (true, false));
    assert!(!attempt(&exchange, call).1);
    exchange.change("svc", |person| person.imap = true);
    exchange.change("alice", |person| person.imap = false);
    assert!(!attempt(&exchange, call).1);
    exchange.change("alice", |person| person.imap = true);
    assert!(attempt(&exchange, call).1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_36_what_is_no_ntlm_is_refused() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    for on in [false, true] {
        exchange.switch(|quirks| quirks.announces_ntlm = on);
        let mut imap = Imaplib::connect(exchange.addr());
        assert_eq!(imap.began.says("AUTH=NTLM AUTH=GSSAPI"), on);
        let refused = imap.call("'authenticate', 'NTLM', b'x'");
        assert!(refused.is("ERROR") && refused.says("NO "), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_one_without_rights_is_let_in_to_nothing() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    let call = "'login', 'CORP/svc/alice', 'svc'";
    exchange.grant_all("svc");
    exchange.revoke("svc", "alice");
    let mut imap = Imaplib::connect(exchange.addr());
    assert!(imap.call(call).says("NO LOGIN failed."));
    for denial in [Denial::ServerUnavailable, Denial::NotConnected] {
        exchange.switch(|quirks| quirks.without_rights = denial);
        let mut imap = Imaplib::connect(exchange.addr());
        let login = imap.call(call);
        if denial == Denial::ServerUnavailable {
            assert!(login.says("NO Server Unavailable. 15"), "{login:?}");
            continue;
        }
        assert!(login.is("OK") && login.says(" OK LOGIN completed."), "{login:?}");
        imap.ok("'capability'");
        for command in ["'select'", "'namespace'", "'list', '\"\"', '*'"] {
            let answer = imap.call(command);
            assert!(answer.is("ERROR") && answer.says("BAD User is authenticated but not connected."), "{answer:?}");
        }
    }
    assert_eq!(exchange.tally().refused_sign_ins, 3);
    exchange.grant("svc", "alice");
    let mut imap = Imaplib::connect(exchange.addr());
    imap.ok(call);
    imap.ok("'select'");
    assert_eq!(exchange.tally().sign_ins, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_a_wrong_password_may_be_noticed_late() {
    let exchange = exchange(Version::E2016, |_| {}).await;
    for late in [false, true] {
        exchange.switch(|quirks| quirks.late_password_check = late);
        let (mut imap, is_in) = attempt(&exchange, "'login', 'alice', 'wrong'");
        assert_eq!(is_in, late);
        if late {
            assert!(imap.call("'select'").says("BAD User is authenticated but not connected."));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_wrong_passwords_lock_an_account_out() {
    for limit in [None, Some(3)] {
        let exchange = exchange(Version::E2016, |quirks| quirks.locks_out_after = limit).await;
        for _ in 0..3 {
            assert!(!attempt(&exchange, "'login', 'CORP/svc/alice', 'wrong'").1);
        }
        assert_eq!(attempt(&exchange, "'login', 'CORP/svc/alice', 'svc'").1, limit.is_none());
        assert_eq!(attempt(&exchange, "'login', 'svc', 'svc'").1, limit.is_none());
        assert!(attempt(&exchange, "'login', 'alice', 'alice'").1, "others are not locked out");
        assert_eq!((exchange.wrong_passwords("svc"), exchange.wrong_passwords("alice")), (3, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_38_a_session_is_charged_to_one_of_two() {
    for (charged, svc, alice) in [(Charged::Delegate, 1, 0), (Charged::Principal, 0, 1)] {
        let exchange = exchange(Version::E2016, |quirks| {
            (quirks.charged, quirks.connections_per_user) = (charged, Some(1));
        });
        let exchange = exchange.await;
        let (_imap, is_in) = attempt(&exchange, "'login', 'CORP/svc/alice', 'svc'");
        assert!(is_in);
        assert_eq!((exchange.connections("svc"), exchange.connections("alice")), (svc, alice));
        assert_eq!(attempt(&exchange, "'login', 'CORP/svc/bob', 'svc'").1, charged == Charged::Principal);
        assert_eq!(attempt(&exchange, "'login', 'alice', 'alice'").1, charged == Charged::Delegate);
    }
}

/// Port 1993: the back end of one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_back_end_serves_the_mailboxes_of_its_database_only() {
    let exchange = exchange(Version::E2016, |quirks| quirks.mailbox_move = parom_lab::exchange::MailboxMove::KeepsUids);
    let exchange = exchange.await;
    seed(&exchange, &["one"]);
    let call = "'login', 'CORP/svc/alice', 'svc'";
    let says = |database: &str| Imaplib::connect(exchange.back_end(database).unwrap()).call(call);
    assert!(says("DB1").is("OK"));
    for (denial, words) in [
        (Denial::LoginFailed, "NO LOGIN failed."),
        (Denial::ServerUnavailable, "NO Server Unavailable. 15"),
        (Denial::NotConnected, "OK LOGIN completed."),
    ] {
        exchange.switch(|quirks| quirks.wrong_database = denial);
        assert!(says("DB2").says(words));
    }
    exchange.switch(|quirks| quirks.wrong_database = Denial::ServerUnavailable);
    exchange.move_mailbox("alice", "DB2");
    assert!(says("DB2").is("OK"));
    assert!(says("DB1").says("NO Server Unavailable. 15"));
    // The front door knows the way.
    let (mut imap, is_in) = attempt(&exchange, call);
    assert!(is_in && imap.ok("'select'").says("* 1 EXISTS"));
    assert!(exchange.back_end("DB3").is_none());
}
