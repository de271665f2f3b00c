//! How Parom signs in to Exchange Web Services: Basic, NTLM, tokens, by what is offered, over TLS and without.

use crate::front::Front;
use crate::stage::{Stage, at, told};
use openssl::ssl::SslVersion;
use parom_lab::exchange::ExtendedProtection;

const URL: &str = "url = \"http://127.0.0.1";
const LOGIN: &str = "login = \"{service_login}\"";

/// A calendar with one event, to be signed in to in this way.
fn stage(auth: &str) -> Option<Stage> {
    let stage = Stage::of(&["anna"])?;
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    stage.edit_configuration(LOGIN, &format!("auth = \"{auth}\"\n{LOGIN}"));
    Some(stage)
}

/// Everything crosses, and no password was refused on the way.
fn crosses(stage: &Stage) {
    stage.calendar(&["sync", "anna@corp.example"]);
    assert_eq!(stage.titles().1.into_keys().collect::<Vec<_>>(), ["Lunch"]);
    let counts = stage.ews.sign_ins();
    assert!(counts.believed > 0 && counts.refused == 0, "{counts:?}");
}

/// Lets the lab be asked by TLS through this front, whose certificate is pinned.
fn behind(stage: &Stage, front: &Front, policy: &str) {
    let ews = format!("{URL}:{}/EWS", stage.ews.addr().port());
    let tls = format!("tls_policy = \"{policy}\"\ntrust = \"pin:{}\"\nurl = \"https://127.0.0.1", front.pin());
    stage.edit_configuration(&ews, &format!("{tls}:{}/EWS", front.port));
}

#[test]
fn calendars_cross_in_every_way_that_exchange_takes() {
    for auth in ["auto", "basic", "ntlm", "oauth2"] {
        let Some(stage) = stage(auth) else { return };
        if auth == "oauth2" {
            stage.ews.gate(|gate| {
                gate.tokens.insert("t0.k-en".to_owned(), "svc@corp.example".to_owned());
                gate.basic = false;
            });
            stage.seal("t0.k-en");
        }
        crosses(&stage);
        let counts = stage.ews.sign_ins();
        // Without TLS what is offered is taken so that no password is shown.
        assert_eq!(counts.challenged > 0, matches!(auth, "auto" | "ntlm"), "{auth}: {counts:?}");
        // NTLM is proved once for each connection, and Basic with each request.
        let is_by_connection = counts.believed < stage.ews.calls().values().sum();
        assert_eq!(is_by_connection, matches!(auth, "auto" | "ntlm"), "{auth}: {counts:?}");
    }
}

#[test]
fn what_is_offered_is_taken() {
    for (basic, ntlm, negotiate, proves_each, closes) in [
        (true, false, false, false, false),
        (true, false, false, false, true),
        (false, true, false, false, false),
        (false, false, true, false, false),
        (false, true, true, true, false),
    ] {
        for auth in ["auto", "ntlm"] {
            if auth == "ntlm" && basic {
                continue;
            }
            let Some(stage) = stage(auth) else { return };
            stage.ews.gate(|gate| {
                (gate.basic, gate.ntlm, gate.negotiate) = (basic, ntlm, negotiate);
                (gate.proves_each_request, gate.closes_refused) = (proves_each, closes);
            });
            crosses(&stage);
        }
    }
}

#[test]
fn a_service_that_offers_nothing_that_fits_is_told_and_not_tried() {
    let Some(stage) = stage("auto") else { return };
    stage.ews.gate(|gate| (gate.basic, gate.ntlm, gate.negotiate) = (false, false, false));
    for auth in ["auto", "ntlm"] {
        let refused = stage.run(&["calendar", "sync", "anna@corp.example"]);
        let said = told(&refused);
        assert_eq!(refused.status.code(), Some(4), "{said}");
        assert!(said.contains("offers no way to sign in that fits") && said.contains("oauth2"), "{said}");
        assert!(!said.contains("IMAP") && !said.contains("SASL"), "{said}");
        assert_eq!(stage.ews.sign_ins().refused, 0);
        if auth == "auto" {
            stage.edit_configuration("auth = \"auto\"", "auth = \"ntlm\"");
        }
    }
}

#[test]
fn a_wrong_password_is_one_refusal_in_whatever_way_and_is_not_tried_again() {
    for auth in ["auto", "basic", "ntlm", "oauth2"] {
        let Some(stage) = stage(auth) else { return };
        stage.ews.gate(|gate| {
            gate.tokens.insert("right".to_owned(), "svc@corp.example".to_owned());
        });
        stage.seal("mistaken");
        for attempt in 0..2 {
            let refused = stage.run(&["calendar", "sync", "anna@corp.example"]);
            let said = told(&refused);
            assert_eq!(refused.status.code(), Some(4), "{said}");
            let sentence = match attempt {
                0 => "Cannot sign in to 127.0.0.1 as svc@corp.example",
                _ => "refused this password",
            };
            assert!(said.contains(sentence) && !said.contains("mistaken"), "{auth}: {said}");
            assert!(!said.contains("IMAP"), "{auth}: {said}");
        }
        assert_eq!(stage.ews.sign_ins().refused, 1, "{auth}");
        stage.seal(if auth == "oauth2" { "right" } else { "svc" });
        stage.calendar(&["sync", "anna@corp.example"]);
        assert_eq!(stage.ews.sign_ins().refused, 1, "{auth}");
    }
}

#[test]
fn a_server_that_demands_extended_protection_is_satisfied_over_tls_and_no_other() {
    let Some(stage) = stage("ntlm") else { return };
    let front = Front::before(stage.ews.addr());
    stage.ews.gate(|gate| gate.protection = ExtendedProtection::Require { end_point: front.end_point() });
    behind(&stage, &front, "modern");
    crosses(&stage);
    // What a man in the middle looks like to the server.
    stage.ews.gate(|gate| gate.protection = ExtendedProtection::Require { end_point: b"another".to_vec() });
    let refused = stage.run(&["calendar", "sync", "anna@corp.example"]);
    assert_eq!((refused.status.code(), stage.ews.sign_ins().refused), (Some(4), 1), "{}", told(&refused));
}

#[test]
fn over_tls_basic_comes_first() {
    let Some(stage) = stage("auto") else { return };
    let front = Front::before(stage.ews.addr());
    behind(&stage, &front, "modern");
    crosses(&stage);
    assert_eq!(stage.ews.sign_ins().challenged, 0);
}

#[test]
fn an_exchange_of_old_tls_is_reached_where_that_is_allowed() {
    for (most, policy, is_reached) in [
        (SslVersion::TLS1, "modern", false),
        (SslVersion::TLS1, "legacy", true),
        (SslVersion::TLS1_1, "legacy-1.1", true),
    ] {
        let Some(stage) = stage("auto") else { return };
        let front = Front::speaking(stage.ews.addr(), Some(most));
        behind(&stage, &front, policy);
        if is_reached {
            crosses(&stage);
            continue;
        }
        let failed = stage.run(&["calendar", "sync", "anna@corp.example"]);
        let said = told(&failed);
        assert!(!failed.status.success() && said.contains("tls_policy"), "{policy}: {said}");
        assert_eq!(stage.ews.sign_ins().believed, 0, "{policy}");
    }
}

#[test]
fn nothing_of_a_sign_in_is_logged() {
    for (auth, password, secrets) in [
        ("ntlm", "svc", ["NTLMSSP", "TlRMTVNTUA", "78, 84, 76, 77"]),
        ("basic", "svc", ["c3ZjQGNvcnAuZXhhbXBsZTpzdmM", "svc:svc", "Basic c3"]),
        ("oauth2", "s3cret-token", ["s3cret-token", "Bearer s3", "czNjcmV0"]),
    ] {
        let Some(stage) = stage(auth) else { return };
        stage.ews.gate(|gate| {
            gate.tokens.insert("s3cret-token".to_owned(), "svc@corp.example".to_owned());
        });
        stage.seal(password);
        let log = told(&stage.run_with(&["calendar", "sync", "anna@corp.example"], &[("PAROM_LOG", "trace")]));
        assert!(log.contains("TRACE") || log.contains("DEBUG"), "{log}");
        for secret in secrets {
            assert!(!log.contains(secret), "{auth}: {secret} in {log}");
        }
    }
}
