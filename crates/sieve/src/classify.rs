//! The one table that turns a refusal of a ManageSieve server into an error.

use parom_domain::{Code, Error, Retry, Scope};
use parom_net::printable;

/// How an answer ends (RFC 5804 section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    No,
    /// The server closes the connection.
    Bye,
}

/// The line that ends an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// `QUOTA/MAXSIZE` and the like, in capitals; empty where there is none.
    pub code: String,
    /// The server's words.
    pub text: String,
}

impl Answer {
    /// Is it this response code, or a kind of it (`QUOTA/MAXSIZE` of `QUOTA`)?
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.split('/').next() == Some(code)
    }
}

/// What was asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Anything up to the end of the sign-in.
    SignIn,
    /// The list of scripts, and reading one.
    Look,
    /// Storing a script, choosing the active one, deleting one.
    Write,
}

/// The error that a refusal means. The caller adds host and login.
#[must_use]
pub fn classify(request: Request, answer: &Answer) -> Error {
    let (code, scope, retry) = verdict(request, answer);
    let error = Error::new(code, scope, retry);
    if code == Code::NoMechanism { error.with("mechanism", "PLAIN") } else { error.with("answer", told(answer)) }
}

fn verdict(request: Request, answer: &Answer) -> (Code, Scope, Retry) {
    if answer.has_code("TRYLATER") || (answer.status == Status::Bye && request == Request::SignIn) {
        return (Code::ServerUnavailable, Scope::Server, Retry::Soon);
    }
    if answer.status == Status::Bye {
        return (Code::ServerUnavailable, Scope::Account, Retry::Soon);
    }
    match request {
        Request::SignIn if answer.has_code("ENCRYPT-NEEDED") || answer.has_code("AUTH-TOO-WEAK") => {
            (Code::NoMechanism, Scope::Server, Retry::WhenFixed)
        }
        Request::SignIn => (Code::SignInRefused, Scope::Credential, Retry::WhenFixed),
        Request::Look => (Code::ServerUnavailable, Scope::Account, Retry::Soon),
        Request::Write => (Code::SieveScriptRefused, Scope::Account, Retry::WhenFixed),
    }
}

fn told(answer: &Answer) -> String {
    printable(if answer.text.trim().is_empty() { &answer.code } else { &answer.text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_of_refusal_has_its_reach() {
        use Request::{Look, SignIn, Write};
        use Status::{Bye, No};
        for (request, status, code, expected) in [
            (SignIn, No, "", (Code::SignInRefused, Scope::Credential, Retry::WhenFixed)),
            (SignIn, No, "AUTH-TOO-WEAK", (Code::NoMechanism, Scope::Server, Retry::WhenFixed)),
            (SignIn, No, "ENCRYPT-NEEDED", (Code::NoMechanism, Scope::Server, Retry::WhenFixed)),
            (SignIn, No, "TRYLATER", (Code::ServerUnavailable, Scope::Server, Retry::Soon)),
            (SignIn, Bye, "", (Code::ServerUnavailable, Scope::Server, Retry::Soon)),
            (Look, Bye, "", (Code::ServerUnavailable, Scope::Account, Retry::Soon)),
            (Look, No, "NONEXISTENT", (Code::ServerUnavailable, Scope::Account, Retry::Soon)),
            (Write, No, "QUOTA/MAXSIZE", (Code::SieveScriptRefused, Scope::Account, Retry::WhenFixed)),
            (Write, No, "", (Code::SieveScriptRefused, Scope::Account, Retry::WhenFixed)),
            (Write, Bye, "TRYLATER", (Code::ServerUnavailable, Scope::Server, Retry::Soon)),
        ] {
            let answer = Answer { status, code: code.to_owned(), text: "a\r\n  b".to_owned() };
            let error = classify(request, &answer);
            assert_eq!((error.code(), error.scope(), error.retry()), expected, "{request:?} {status:?} {code}");
            assert!(error.arg("answer").is_none_or(|answer| answer == "a b"));
        }
    }
}
