//! Rows 35 to 37: how a service account gets into somebody's mailbox, and that nobody is locked out for it.

use crate::stage::{DATE, Stage, mail, told};
use parom_domain::FolderPath;
use parom_lab::exchange::{Denial, LoginForm, Version};
use std::collections::BTreeSet;

const ASK: [&str; 9] = [
    "login",
    "find",
    "anna@corp.example",
    "--service-account",
    "svc",
    "--nt-domain",
    "CORP",
    "--service-upn",
    "svc@corp.example",
];

#[test]
fn the_form_that_a_version_takes_is_found_and_works_as_it_is_told() {
    for version in [Version::E2010, Version::E2013, Version::E2016, Version::E2019] {
        let stage = Stage::new(version);
        stage.exchange.switch(|quirks| quirks.locks_out_after = Some(5));
        stage.hands().0.add(&FolderPath::inbox(), mail("m"), &["\\Seen"], DATE).unwrap();
        let found = stage.run(&ASK);
        assert!(found.status.success(), "{version:?}: {}", told(&found));
        let told = told(&found);
        let value = |key: &str| {
            let line = told.lines().find_map(|line| line.trim().strip_prefix(&format!("{key} = '")));
            line.unwrap().trim_end_matches('\'').to_owned()
        };
        stage.sign_in_as(&value("login"), &value("service_login"), "");
        stage.settle();
        assert_eq!(stage.tokens(&stage.hands().1)["INBOX"].len(), 1);
        assert_eq!(stage.exchange.wrong_passwords("svc"), 0);
    }
}

#[test]
fn every_form_is_found_where_it_is_the_only_one() {
    for form in [
        LoginForm::DomainSlash,
        LoginForm::DomainBackslash,
        LoginForm::UpnSlash,
        LoginForm::UpnBackslash,
        LoginForm::Authzid,
    ] {
        let stage = Stage::new(Version::E2016);
        stage.exchange.switch(|quirks| {
            quirks.login_forms = BTreeSet::from([LoginForm::Own, LoginForm::OwnDomain, LoginForm::OwnUpn, form]);
            quirks.locks_out_after = Some(5);
        });
        let found = stage.run(&ASK);
        assert!(found.status.success(), "{form:?}: {}", told(&found));
        assert!(stage.exchange.wrong_passwords("svc") < 5, "{form:?}");
    }
}

#[test]
fn a_wrong_password_and_missing_rights_lock_nobody_out() {
    for rights in [true, false] {
        let stage = Stage::new(Version::E2016);
        stage.exchange.switch(|quirks| {
            quirks.locks_out_after = Some(5);
            quirks.without_rights = Denial::NotConnected;
        });
        if rights {
            stage.seal("wrong");
        } else {
            stage.exchange.revoke("svc", "anna");
        }
        for _ in 0..4 {
            let refused = stage.run(&ASK);
            assert_eq!(refused.status.code(), Some(4), "{}", told(&refused));
        }
        let last = told(&stage.run(&ASK));
        assert!(last.contains(if rights { "itself is not let in" } else { "Add-MailboxPermission" }), "{last}");
        assert!(stage.exchange.wrong_passwords("svc") <= 2, "{}", stage.exchange.wrong_passwords("svc"));
    }
}
