//! The one table that turns a server's refusal into an error: how much must stop, and when it may start again.

use crate::response::{Condition, Status};
use parom_domain::{Code, Error, Retry, Scope};
use std::time::Duration;

/// What was asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The greeting, and everything up to and including the sign-in.
    SignIn,
    /// CAPABILITY, LIST, NAMESPACE, ENABLE and the like: about the account as a whole.
    Account,
    /// SELECT and STATUS.
    Open,
    /// RENAME, DELETE, SUBSCRIBE.
    Folder,
    /// CREATE: what is not there is no reason to look where it went.
    Create,
    /// FETCH and SEARCH.
    Read,
    Append,
    /// STORE, COPY, MOVE, EXPUNGE.
    Change,
}

/// The end of a command, kept after the response is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    /// The response code with its arguments, without the brackets.
    pub code: String,
    pub text: String,
}

impl Answer {
    #[must_use]
    pub fn of(condition: &Condition<'_>) -> Answer {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer { status: condition.status, code: text(condition.code), text: text(condition.text) }
    }

    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    #[must_use]
    pub fn has_code(&self, name: &str) -> bool {
        self.code.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(name))
    }

    fn says(&self, words: &str) -> bool {
        self.text.to_ascii_lowercase().contains(words)
    }

    fn printable(&self) -> String {
        let code = if self.code.is_empty() { String::new() } else { format!("[{}] ", self.code) };
        parom_net::printable(&format!("{code}{}", self.text))
    }
}

/// The error that a refusal means. The caller adds what it knows: host, folder, UID.
#[must_use]
pub fn classify(request: Request, answer: &Answer) -> Error {
    let (code, scope, retry) = verdict(request, answer);
    let error = Error::new(code, scope, retry).with("answer", answer.printable());
    match retry {
        Retry::After(pause) if code == Code::Throttled => error.with("backoff_ms", pause.as_millis()),
        _ => error,
    }
}

fn verdict(request: Request, answer: &Answer) -> (Code, Scope, Retry) {
    use Request::{Account, Append, Change, Create, Folder, Open, Read, SignIn};

    // What stops a whole login or server, whatever was asked.
    if let Some(pause) = throttled(request, answer) {
        return (Code::Throttled, Scope::Credential, Retry::After(pause));
    }
    if answer.has_code("UNAVAILABLE") || answer.status == Status::Bye && request == SignIn {
        return (Code::ServerUnavailable, Scope::Server, Retry::Soon);
    }
    // Who was let in is sent away alone: for silence, for refused commands, in the middle of a throttle. That a server goes down
    // shows when nobody is let in any more.
    if answer.status == Status::Bye {
        return (Code::ServerUnavailable, Scope::Account, Retry::Soon);
    }
    // Exchange 2010-2019: a wrong password, a missing delegation or a connection limit, met after the sign-in.
    if answer.says("authenticated but not connected") {
        return (Code::SignInRefused, Scope::Account, Retry::WhenFixed);
    }
    let sign_in = ["AUTHENTICATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN"];
    if sign_in.iter().any(|code| answer.has_code(code)) {
        return (Code::SignInRefused, Scope::Credential, Retry::WhenFixed);
    }
    // The password was right, but this login may not act as that person.
    if answer.has_code("AUTHORIZATIONFAILED") {
        return (Code::SignInRefused, Scope::Account, Retry::WhenFixed);
    }
    if answer.has_code("SERVERBUG") || answer.has_code("CORRUPTION") {
        let scope = if request == Read { Scope::Item } else { Scope::Folder };
        let code = if request == Read { Code::MessageUnreadable } else { unusable(request) };
        return (code, if matches!(request, SignIn | Account) { Scope::Account } else { scope }, Retry::Soon);
    }
    if answer.has_code("INUSE") {
        return (unusable(request), if request == SignIn { Scope::Account } else { Scope::Folder }, Retry::Soon);
    }

    match request {
        SignIn if too_many(answer) => {
            (Code::ServerUnavailable, Scope::Credential, Retry::After(Duration::from_secs(60)))
        }
        SignIn => (Code::SignInRefused, Scope::Credential, Retry::WhenFixed),
        Account => (Code::ServerUnavailable, Scope::Account, Retry::Soon),
        Append => append(answer),
        Open if is_missing(answer) => (Code::FolderGone, Scope::Folder, Retry::Soon),
        Open => (Code::FolderCannotOpen, Scope::Folder, Retry::Soon),
        Folder | Create if over_quota(answer) => (Code::QuotaFull, Scope::Account, Retry::WhenFixed),
        Folder if is_missing(answer) => (Code::FolderGone, Scope::Folder, Retry::Soon),
        Folder | Create => (Code::FolderRefused, Scope::Folder, Retry::WhenFixed),
        // What was expunged by somebody else meanwhile is found by the next look.
        Read if answer.has_code("EXPUNGEISSUED") => (Code::MessageUnreadable, Scope::Item, Retry::Soon),
        Read => (Code::MessageUnreadable, Scope::Item, Retry::WhenFixed),
        // Each folder may have a quota of its own (RFC 9208 section 3.2).
        Change if over_quota(answer) => (Code::QuotaFull, Scope::Folder, Retry::WhenFixed),
        Change if answer.has_code("TRYCREATE") || is_missing(answer) => (Code::FolderGone, Scope::Folder, Retry::Soon),
        Change if answer.has_code("NOPERM") => (Code::ChangeRefused, Scope::Folder, Retry::WhenFixed),
        Change if answer.has_code("EXPUNGEISSUED") => (Code::ChangeRefused, Scope::Item, Retry::Soon),
        Change => (Code::ChangeRefused, Scope::Item, Retry::WhenFixed),
    }
}

fn append(answer: &Answer) -> (Code, Scope, Retry) {
    if over_quota(answer) {
        (Code::QuotaFull, Scope::Folder, Retry::WhenFixed)
    } else if answer.has_code("TRYCREATE") || is_missing(answer) {
        (Code::FolderGone, Scope::Folder, Retry::Soon)
    } else if is_too_large(answer) {
        (Code::MessageTooLarge, Scope::Item, Retry::WhenFixed)
    } else if answer.has_code("NOPERM") {
        // It is about the right to write there, not about the folder itself.
        (Code::ChangeRefused, Scope::Folder, Retry::WhenFixed)
    } else {
        (Code::MessageRefused, Scope::Item, Retry::WhenFixed)
    }
}

fn unusable(request: Request) -> Code {
    match request {
        Request::SignIn | Request::Account => Code::ServerUnavailable,
        Request::Open => Code::FolderCannotOpen,
        Request::Folder | Request::Create => Code::FolderRefused,
        Request::Read => Code::MessageUnreadable,
        Request::Append => Code::MessageRefused,
        Request::Change => Code::ChangeRefused,
    }
}

/// `BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds` (Exchange), `[THROTTLED]` (Yahoo), `Account
/// exceeded command or bandwidth limits` (Gmail). `[LIMIT]` (RFC 5530) is about the rate only where nothing is written:
/// elsewhere it is the message, its keywords or the name that goes beyond what the server can hold.
fn throttled(request: Request, answer: &Answer) -> Option<Duration> {
    let text = answer.text.to_ascii_lowercase();
    if let Some((_, after)) = text.split_once("suggested backoff time:") {
        let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
        // A server that asks for more than a day has lost count.
        let pause = digits.parse().unwrap_or(60_000).min(86_400_000);
        return Some(Duration::from_millis(pause));
    }
    let writes = matches!(request, Request::Append | Request::Change | Request::Folder | Request::Create);
    let told = answer.has_code("THROTTLED") || answer.has_code("LIMIT") && answer.status != Status::Ok && !writes;
    let words = ["request is throttled", "bandwidth limits", "rate limit"];
    (told || words.iter().any(|words| text.contains(words))).then_some(Duration::from_secs(60))
}

fn over_quota(answer: &Answer) -> bool {
    answer.has_code("OVERQUOTA")
        || answer.says("quota exceeded")
        || answer.says("over quota")
        || answer.says("quotaexceeded")
        // Exchange 2010-2019, at least where a mailbox is full.
        || answer.says("server unavailable. 15")
}

fn is_too_large(answer: &Answer) -> bool {
    answer.has_code("TOOBIG")
        || answer.says("too large")
        || answer.says("too big")
        || answer.says("maximum size of appendable message")
        || answer.says("larger than the maximum size")
        || answer.says("message size exceeds")
}

fn is_missing(answer: &Answer) -> bool {
    answer.has_code("NONEXISTENT")
        || answer.says("doesn't exist")
        || answer.says("does not exist")
        || answer.says("nonexistent")
        || answer.says("no such mailbox")
        || answer.says("mailbox not found")
}

/// Too many connections of one login: it may sign in again when others have gone.
fn too_many(answer: &Answer) -> bool {
    answer.says("too many") || answer.says("maximum number of connections")
}

/// Did CREATE meet a folder that is already there?
#[must_use]
pub fn already_exists(answer: &Answer) -> bool {
    answer.has_code("ALREADYEXISTS") || answer.says("already exists") || answer.says("mailbox exists")
}

/// Did the server say that there is no such folder?
#[must_use]
pub fn missing(answer: &Answer) -> bool {
    is_missing(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::Response;
    use Request::{Account, Append, Change, Create, Folder, Open, Read, SignIn};

    #[test]
    fn the_table() {
        let soon = Retry::Soon;
        let fixed = Retry::WhenFixed;
        let after = |ms| Retry::After(Duration::from_millis(ms));
        let table: &[(Request, &str, Code, Scope, Retry)] = &[
            (SignIn, "NO [AUTHENTICATIONFAILED] Authentication failed.", Code::SignInRefused, Scope::Credential, fixed),
            (SignIn, "NO [AUTHORIZATIONFAILED] may not act as", Code::SignInRefused, Scope::Account, fixed),
            (
                SignIn,
                "NO [UNAVAILABLE] Temporary authentication failure.",
                Code::ServerUnavailable,
                Scope::Server,
                soon,
            ),
            (SignIn, "NO [LIMIT] too many connections", Code::Throttled, Scope::Credential, after(60_000)),
            (SignIn, "NO LOGIN failed.", Code::SignInRefused, Scope::Credential, fixed),
            (SignIn, "BYE Too many connections", Code::ServerUnavailable, Scope::Server, soon),
            (
                SignIn,
                "NO Maximum number of connections from user exceeded",
                Code::ServerUnavailable,
                Scope::Credential,
                after(60_000),
            ),
            (Account, "BAD User is authenticated but not connected.", Code::SignInRefused, Scope::Account, fixed),
            (Account, "NO [SERVERBUG] Internal error", Code::ServerUnavailable, Scope::Account, soon),
            (Open, "NO [NONEXISTENT] Unknown mailbox", Code::FolderGone, Scope::Folder, soon),
            (Open, "NO Mailbox doesn't exist: x", Code::FolderGone, Scope::Folder, soon),
            (Open, "NO [INUSE] locked", Code::FolderCannotOpen, Scope::Folder, soon),
            (Open, "NO [NOPERM] Permission denied", Code::FolderCannotOpen, Scope::Folder, soon),
            (Folder, "NO [OVERQUOTA] Too many mailboxes", Code::QuotaFull, Scope::Account, fixed),
            (Folder, "NO [CANNOT] Invalid mailbox name", Code::FolderRefused, Scope::Folder, fixed),
            (Folder, "NO [NONEXISTENT] no such mailbox", Code::FolderGone, Scope::Folder, soon),
            (Create, "NO [NONEXISTENT] no parent", Code::FolderRefused, Scope::Folder, fixed),
            (Create, "NO Mailbox doesn't exist: Work", Code::FolderRefused, Scope::Folder, fixed),
            (Create, "NO [OVERQUOTA] Too many mailboxes", Code::QuotaFull, Scope::Account, fixed),
            (Create, "NO [LIMIT] Mailbox name too long", Code::FolderRefused, Scope::Folder, fixed),
            (
                Read,
                "NO [EXPUNGEISSUED] Some messages were already expunged",
                Code::MessageUnreadable,
                Scope::Item,
                soon,
            ),
            (Read, "NO [SERVERBUG] broken", Code::MessageUnreadable, Scope::Item, soon),
            (
                Read,
                "BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds",
                Code::Throttled,
                Scope::Credential,
                after(299_961),
            ),
            (Append, "NO [OVERQUOTA] Quota exceeded (mailbox for user is full)", Code::QuotaFull, Scope::Folder, fixed),
            (Append, "NO [TRYCREATE] Mailbox doesn't exist", Code::FolderGone, Scope::Folder, soon),
            (Append, "NO [TOOBIG] no", Code::MessageTooLarge, Scope::Item, fixed),
            (
                Append,
                "NO Maximum size of appendable message has been exceeded.",
                Code::MessageTooLarge,
                Scope::Item,
                fixed,
            ),
            (
                Append,
                "NO [LIMIT] Mail size is larger than the maximum size allowed by server configuration (0.003 secs).",
                Code::MessageTooLarge,
                Scope::Item,
                fixed,
            ),
            (Append, "NO [LIMIT] Too many keywords", Code::MessageRefused, Scope::Item, fixed),
            (Append, "NO [LIMIT] Rate limit exceeded", Code::Throttled, Scope::Credential, after(60_000)),
            (
                Append,
                "NO [OVERQUOTA] Account exceeded command or bandwidth limits.",
                Code::Throttled,
                Scope::Credential,
                after(60_000),
            ),
            (Append, "NO [THROTTLED] slow down", Code::Throttled, Scope::Credential, after(60_000)),
            (Append, "NO [NOPERM] Permission denied", Code::ChangeRefused, Scope::Folder, fixed),
            (Append, "NO Message contains invalid header", Code::MessageRefused, Scope::Item, fixed),
            (Append, "BAD Command Argument Error. 11", Code::MessageRefused, Scope::Item, fixed),
            (Append, "BYE [UNAVAILABLE] shutting down", Code::ServerUnavailable, Scope::Server, soon),
            (Account, "BYE Connection closed. 14", Code::ServerUnavailable, Scope::Account, soon),
            (Account, "BYE [CLOSED] idle for too long", Code::ServerUnavailable, Scope::Account, soon),
            (Change, "NO [NOPERM] read-only", Code::ChangeRefused, Scope::Folder, fixed),
            (Change, "NO [TRYCREATE] no such mailbox", Code::FolderGone, Scope::Folder, soon),
            (Change, "NO [OVERQUOTA] full", Code::QuotaFull, Scope::Folder, fixed),
            (Change, "NO [THROTTLED] slow down", Code::Throttled, Scope::Credential, after(60_000)),
            (Change, "NO [LIMIT] Too many flags", Code::ChangeRefused, Scope::Item, fixed),
            (Folder, "NO [LIMIT] Mailbox name too long", Code::FolderRefused, Scope::Folder, fixed),
            (Read, "NO [LIMIT] wait a little", Code::Throttled, Scope::Credential, after(60_000)),
            (Change, "BAD what", Code::ChangeRefused, Scope::Item, fixed),
        ];
        for (request, line, code, scope, retry) in table {
            let line = format!("* {line}");
            let Some(Response::Untagged(condition)) = Response::parse(line.as_bytes()) else { panic!("{line}") };
            let error = classify(*request, &Answer::of(&condition));
            assert_eq!((error.code(), error.scope(), error.retry()), (*code, *scope, *retry), "{request:?} {line}");
        }
    }

    #[test]
    fn an_endless_or_unprintable_answer_is_tamed() {
        let answer = Answer { status: Status::No, code: String::new(), text: "a\x1b[2Jb".repeat(1000) };
        let error = classify(Append, &answer);
        let shown = error.arg("answer").unwrap();
        assert!(shown.len() <= 300 && !shown.contains('\x1b'));
    }
}
