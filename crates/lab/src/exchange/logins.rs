//! Rows 35 to 38: what a login means, and whether it is let in.
//!
//! [MS-OXIMAP4] 2.2.2 documents `(domain"/"delegate | delegate's UPN) "/" (alias | UPN)` for LOGIN. The forms with
//! backslashes and with a SASL authzid are from imapsync #136, its FAQ, and jakartaee/mail-api #485.

use super::directory::{Directory, Name};
use super::quirks::{Charged, Denial, Quirks};
use crate::server::manners::Claim;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoginForm {
    /// `alice`
    Own,
    /// `CORP\alice` or `CORP/alice`
    OwnDomain,
    /// `alice@corp.example`
    OwnUpn,
    /// `CORP/svc/alice` or `CORP/svc/alice@corp.example`
    DomainSlash,
    /// `svc@corp.example/alice` or `svc@corp.example/alice@corp.example`
    UpnSlash,
    /// `CORP\svc\alice`
    DomainBackslash,
    /// `svc@corp.example\alice`
    UpnBackslash,
    /// `svc/alice` or `svc\alice`, which no report says to work: off in every version.
    Bare,
    /// SASL PLAIN with an authzid
    Authzid,
}

impl LoginForm {
    pub const ALL: [LoginForm; 9] = [
        LoginForm::Own,
        LoginForm::OwnDomain,
        LoginForm::OwnUpn,
        LoginForm::DomainSlash,
        LoginForm::UpnSlash,
        LoginForm::DomainBackslash,
        LoginForm::UpnBackslash,
        LoginForm::Bare,
        LoginForm::Authzid,
    ];
}

/// A login taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Reading<'a> {
    form: LoginForm,
    prover: Name<'a>,
    /// `None` for the prover's own mailbox.
    principal: Option<Name<'a>>,
}

fn read<'a>(authzid: &'a str, user: &'a str, domain: &str) -> Option<Reading<'a>> {
    let separator = user.find(['/', '\\']).and_then(|at| user.get(at..)?.chars().next());
    let parts: Vec<&str> = separator.map_or_else(|| vec![user], |separator| user.split(separator).collect());
    let other = |name: &'a str| if name.contains('@') { Name::Upn(name) } else { Name::Alias(name) };
    let slash = separator == Some('/');
    let is_domain = |name: &str| name.eq_ignore_ascii_case(domain);
    let mut reading = match *parts.as_slice() {
        [upn] if upn.contains('@') => Reading { form: LoginForm::OwnUpn, prover: Name::Upn(upn), principal: None },
        [name] => Reading { form: LoginForm::Own, prover: Name::Delegate(name), principal: None },
        [first, name] if is_domain(first) => {
            Reading { form: LoginForm::OwnDomain, prover: Name::Delegate(name), principal: None }
        }
        [upn, name] if upn.contains('@') => Reading {
            form: if slash { LoginForm::UpnSlash } else { LoginForm::UpnBackslash },
            prover: Name::Upn(upn),
            principal: Some(other(name)),
        },
        [delegate, name] => {
            Reading { form: LoginForm::Bare, prover: Name::Delegate(delegate), principal: Some(other(name)) }
        }
        [first, delegate, name] if is_domain(first) => Reading {
            form: if slash { LoginForm::DomainSlash } else { LoginForm::DomainBackslash },
            prover: Name::Delegate(delegate),
            principal: Some(other(name)),
        },
        _ => return None,
    };
    if !authzid.is_empty() && authzid != user {
        reading = Reading { form: LoginForm::Authzid, principal: Some(other(authzid)), ..reading };
    }
    Some(reading)
}

/// Whether one is let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    In { principal: String, delegate: String },
    Denied(Denial),
}

/// Decides, and keeps account of wrong passwords. `database` is the one whose back-end port was called.
pub(super) fn judge(directory: &mut Directory, quirks: &Quirks, claim: &Claim, database: Option<&str>) -> Verdict {
    let denied = Verdict::Denied;
    let domain = directory.domain.clone();
    let Some(reading) = read(claim.authzid, claim.user, &domain) else { return denied(Denial::LoginFailed) };
    // A form that the server does not know is a name that nobody has: no password was tried.
    if !quirks.login_forms.contains(&reading.form) {
        return denied(Denial::LoginFailed);
    }
    let Some(delegate) = directory.find(reading.prover) else { return denied(Denial::LoginFailed) };
    let principal = reading.principal.map_or(Some(delegate.clone()), |name| directory.find(name));
    let Some(prover) = directory.get_mut(&delegate) else { return denied(Denial::LoginFailed) };
    if quirks.locks_out_after.is_some_and(|limit| prover.failures >= limit) {
        return denied(Denial::LoginFailed);
    }
    if !(claim.proves)(&prover.person.password) {
        prover.failures += 1;
        prover.wrong_passwords += 1;
        return denied(if quirks.late_password_check { Denial::NotConnected } else { Denial::LoginFailed });
    }
    prover.failures = 0;
    let is_refused = prover.person.administrator && quirks.refuses_administrators;
    if is_refused || !prover.person.imap {
        return denied(Denial::LoginFailed);
    }
    if !prover.person.has_mailbox {
        return denied(quirks.without_rights);
    }
    let Some(principal) = principal.filter(|principal| directory.may_open(&delegate, principal)) else {
        return denied(quirks.without_rights);
    };
    let Some(member) = directory.get(&principal) else { return denied(quirks.without_rights) };
    if !member.person.imap || !member.person.has_mailbox {
        return denied(Denial::LoginFailed);
    }
    if database.is_some_and(|database| database != member.person.database) {
        return denied(quirks.wrong_database);
    }
    Verdict::In { principal, delegate }
}

/// Row 38: on whose account a session runs.
pub(super) fn charged<'a>(charged: Charged, delegate: &'a str, principal: &'a str) -> &'a str {
    match charged {
        Charged::Delegate => delegate,
        Charged::Principal => principal,
    }
}

#[cfg(test)]
mod tests {
    use super::super::directory::Person;
    use super::super::quirks::Validities;
    use super::super::version::Version;
    use super::*;

    fn directory() -> Directory {
        let mut directory = Directory::new("CORP");
        directory.add(Person { account: "a.smith".to_owned(), ..Person::new("alice") }, Validities::Small);
        directory.add(Person::new("svc"), Validities::Small);
        directory.add(Person::new("bob"), Validities::Small);
        directory.grant("svc", "alice");
        directory
    }

    fn outcome(quirks: &Quirks, authzid: &str, user: &str) -> Verdict {
        let password = if user.contains("svc") { "svc" } else { "alice" };
        let proves = |known: &str| known == password;
        judge(&mut directory(), quirks, &Claim { mechanism: "PLAIN", authzid, user, proves: &proves }, None)
    }

    #[test]
    fn every_form_is_known_by_its_look_and_can_be_turned_off() {
        for (form, authzid, user, delegate) in [
            (LoginForm::Own, "", "alice", "alice"),
            (LoginForm::Own, "alice", "alice", "alice"),
            (LoginForm::OwnDomain, "", "CORP\\a.smith", "alice"),
            (LoginForm::OwnDomain, "", "corp/alice", "alice"),
            (LoginForm::OwnUpn, "", "Alice@corp.example", "alice"),
            (LoginForm::DomainSlash, "", "CORP/svc/alice", "svc"),
            (LoginForm::DomainSlash, "", "CORP/svc/alice@corp.example", "svc"),
            (LoginForm::UpnSlash, "", "svc@corp.example/alice", "svc"),
            (LoginForm::UpnSlash, "", "svc@corp.example/alice@corp.example", "svc"),
            (LoginForm::DomainBackslash, "", "CORP\\svc\\alice", "svc"),
            (LoginForm::UpnBackslash, "", "svc@corp.example\\alice", "svc"),
            (LoginForm::Bare, "", "svc/alice", "svc"),
            (LoginForm::Bare, "", "svc\\alice@corp.example", "svc"),
            (LoginForm::Authzid, "alice", "svc", "svc"),
            (LoginForm::Authzid, "alice@corp.example", "CORP\\svc", "svc"),
        ] {
            let mut quirks = Quirks::none();
            let expected = Verdict::In { principal: "alice".to_owned(), delegate: delegate.to_owned() };
            assert_eq!(outcome(&quirks, authzid, user), expected, "{user}");
            quirks.login_forms.remove(&form);
            assert_eq!(outcome(&quirks, authzid, user), Verdict::Denied(Denial::LoginFailed), "{user}");
        }
    }

    #[test]
    fn the_account_name_of_the_principal_does_not_do() {
        let quirks = Quirks { without_rights: Denial::NotConnected, ..Quirks::none() };
        assert_eq!(outcome(&quirks, "", "CORP/svc/a.smith"), Verdict::Denied(Denial::NotConnected));
        assert_eq!(outcome(&quirks, "", "CORP/svc/bob"), Verdict::Denied(Denial::NotConnected));
        assert_eq!(outcome(&quirks, "", "OTHER/svc/alice"), Verdict::Denied(Denial::LoginFailed));
    }

    #[test]
    fn wrong_passwords_lock_out_and_unknown_forms_do_not() {
        let quirks = Quirks { locks_out_after: Some(2), ..Quirks::of(Version::E2016) };
        let mut directory = directory();
        let mut says = |user: &str, password: &str| {
            let proves = |known: &str| known == password;
            judge(&mut directory, &quirks, &Claim { mechanism: "LOGIN", authzid: "", user, proves: &proves }, None)
        };
        for _ in 0..5 {
            assert_eq!(says("alice/bob", "wrong"), Verdict::Denied(Denial::LoginFailed));
        }
        assert!(matches!(says("alice", "alice"), Verdict::In { .. }));
        for _ in 0..2 {
            assert_eq!(says("alice", "wrong"), Verdict::Denied(Denial::LoginFailed));
        }
        assert_eq!(says("alice", "alice"), Verdict::Denied(Denial::LoginFailed));
    }
}
