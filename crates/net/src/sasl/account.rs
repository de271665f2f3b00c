//! How Windows reads the name of one who signs in.

/// An account as NTLM names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowsAccount<'a> {
    /// Empty where the user is a principal name or no domain was given.
    pub domain: &'a str,
    pub user: &'a str,
}

impl<'a> WindowsAccount<'a> {
    /// `DOMAIN\user` is cut, also with the slash that Exchange allows; `user@domain` is a principal name and stays whole
    /// (User Name Formats of the Windows SDK). `None` for a delegate's form such as `DOMAIN/svc/alias`: a name in NTLM names one
    /// account, the one who proves himself.
    #[must_use]
    pub fn parse(login: &'a str) -> Option<WindowsAccount<'a>> {
        let Some((domain, user)) = login.split_once(['\\', '/']) else {
            return Some(WindowsAccount { domain: "", user: login });
        };
        let names_two = domain.contains('@') || user.contains(['\\', '/']);
        (!names_two).then_some(WindowsAccount { domain, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_windows_reads_them() {
        for (login, expected) in [
            ("anna", Some(("", "anna"))),
            ("CORP\\anna", Some(("CORP", "anna"))),
            ("CORP/anna", Some(("CORP", "anna"))),
            ("anna@corp.example", Some(("", "anna@corp.example"))),
            ("CORP\\anna@corp.example", Some(("CORP", "anna@corp.example"))),
            ("CORP/svc/anna", None),
            ("CORP\\svc\\anna", None),
            ("svc@corp.example/anna", None),
            ("svc@corp.example\\anna@corp.example", None),
        ] {
            let account = WindowsAccount::parse(login).map(|account| (account.domain, account.user));
            assert_eq!(account, expected, "{login}");
        }
    }
}
