//! Row 36: sign-in by NTLM, with and without TLS, and what a server may demand of it.

use crate::front::Front;
use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::{ExtendedProtection, Version};

/// A mailbox with one message, which its owner opens by NTLM under this login.
fn stage(version: Version, login: &str) -> Stage {
    let stage = Stage::new(version);
    stage.hands().0.add(&FolderPath::inbox(), mail("m"), &["\\Seen"], DATE).unwrap();
    stage.seal("anna");
    stage.sign_in_by_ntlm(login, None);
    stage
}

fn arrived(stage: &Stage) -> bool {
    stage.tokens(&stage.hands().1).get("INBOX").is_some_and(|tokens| tokens.len() == 1)
}

#[test]
fn mail_crosses_by_ntlm_without_tls_under_every_name_of_its_owner() {
    let names = ["{source_login}", "CORP\\{source_login}", "corp/{source_login}", "{address}"];
    let versions = [Version::E2010, Version::E2013, Version::E2016, Version::E2019];
    for (version, login) in versions.into_iter().zip(names) {
        let stage = stage(version, login);
        stage.settle();
        assert!(arrived(&stage), "{login}");
        assert!(stage.exchange.count("AUTHENTICATE") > 0 && stage.exchange.count("LOGIN") == 0);
        assert_eq!(stage.exchange.tally().refused_sign_ins, 0);
    }
}

#[test]
fn a_server_that_demands_extended_protection_is_satisfied_over_tls() {
    let stage = stage(Version::E2016, "CORP\\{source_login}");
    let front = Front::before(stage.exchange.addr());
    let end_point = front.end_point();
    stage.sign_in_by_ntlm("CORP\\{source_login}", Some(&front));
    for protection in [
        ExtendedProtection::Require { end_point: end_point.clone() },
        ExtendedProtection::Allow { end_point },
        ExtendedProtection::None,
    ] {
        stage.exchange.switch(|quirks| quirks.extended_protection = protection.clone());
        stage.settle();
        assert!(arrived(&stage) && stage.exchange.tally().refused_sign_ins == 0, "{protection:?}");
    }
}

/// What a man in the middle looks like to the server: the sign-in comes over a connection that it was not meant for.
#[test]
fn a_sign_in_for_another_connection_or_for_none_is_refused_once_and_told() {
    for over_tls in [true, false] {
        let stage = stage(Version::E2016, "{source_login}");
        let front = Front::before(stage.exchange.addr());
        stage.sign_in_by_ntlm("{source_login}", over_tls.then_some(&front));
        let end_point = if over_tls { b"tls-server-end-point:another".to_vec() } else { front.end_point() };
        stage.exchange.switch(|quirks| quirks.extended_protection = ExtendedProtection::Require { end_point });
        let refused = stage.sync();
        let said = told(&refused);
        assert_eq!(refused.status.code(), Some(4), "{said}");
        assert!(said.contains("Cannot sign in to 127.0.0.1") && said.contains("AUTHENTICATE failed"), "{said}");
        assert_eq!((stage.exchange.wrong_passwords("anna"), arrived(&stage)), (1, false));
    }
}

#[test]
fn what_is_only_allowed_may_be_missing() {
    let stage = stage(Version::E2016, "{source_login}");
    let end_point = b"tls-server-end-point:whatever".to_vec();
    stage.exchange.switch(|quirks| quirks.extended_protection = ExtendedProtection::Allow { end_point });
    stage.settle();
    assert!(arrived(&stage));
}

#[test]
fn a_wrong_password_is_one_refusal_and_is_not_tried_again() {
    let stage = stage(Version::E2013, "CORP\\{source_login}");
    stage.seal("mistaken");
    for attempt in 0..2 {
        let refused = stage.sync();
        let said = told(&refused);
        assert_eq!(refused.status.code(), Some(4), "{said}");
        let sentence = if attempt == 0 { "Cannot sign in to 127.0.0.1 as CORP\\anna" } else { "refused this password" };
        assert!(said.contains(sentence) && !said.contains("mistaken"), "{said}");
    }
    assert_eq!(stage.exchange.wrong_passwords("anna"), 1);
    stage.seal("anna");
    stage.settle();
    assert!(arrived(&stage));
}

#[test]
fn nothing_of_the_conversation_is_logged() {
    let stage = stage(Version::E2016, "{source_login}");
    let log = told(&stage.run_with(&["sync", "--all"], &[("PAROM_LOG", "trace")]));
    assert!(arrived(&stage) && log.contains("DEBUG"), "{log}");
    for secret in ["NTLMSSP", "TlRMTVNTUA", "78, 84, 76, 77", "4e544c4d"] {
        assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{secret} in {log}");
    }
}
