//! The one table that turns a server's refusal into an error: how much must stop, and when it may start again.

use parom_domain::{Code, Error, Retry, Scope};
use std::time::Duration;

/// What was asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Who somebody is, where their calendars are, which there are.
    Home,
    /// What is in a calendar.
    Look,
    /// An event in full.
    Read,
    Create,
    Update,
    Remove,
    /// A new calendar.
    Make,
}

/// An answer that is no success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// The names of the preconditions that it tells.
    pub conditions: Vec<String>,
    pub retry_after: Option<Duration>,
    /// The reason in words, if there are any.
    pub text: String,
}

impl Refusal {
    #[must_use]
    pub fn tells(&self, condition: &str) -> bool {
        self.conditions.iter().any(|known| known == condition)
    }

    /// An event of this UID is there already, under whatever name (RFC 4791 section 5.3.2.1, RFC 6638 section 3.2.4.1).
    #[must_use]
    pub fn says_uid_is_taken(&self) -> bool {
        self.tells("no-uid-conflict") || self.tells("unique-scheduling-object-resource")
    }

    pub fn printable(&self) -> String {
        let mut whole = self.status.to_string();
        for part in self.conditions.iter().map(String::as_str).chain([self.text.as_str()]) {
            if !part.is_empty() {
                whole.push(' ');
                whole.push_str(part);
            }
        }
        parom_net::printable(&whole)
    }
}

/// The error that a refusal means. The caller adds what it knows: host, login, calendar, UID.
#[must_use]
pub fn classify(asked: Asked, refusal: &Refusal) -> Error {
    let (code, scope, retry) = verdict(asked, refusal);
    let error = Error::new(code, scope, retry).with("answer", refusal.printable());
    match retry {
        Retry::After(pause) if code == Code::Throttled => error.with("backoff_ms", pause.as_millis()),
        _ => error,
    }
}

/// A request of so many octets is one that servers may refuse for its size alone: nginx takes no more where nobody says otherwise.
const LARGE: usize = 1 << 20;

/// The error of a connection that ended while so many octets of an event were sent. What stands before a server may hang up on
/// a request that is too large for it instead of saying so; that may have been the line too, so it is tried again later.
#[must_use]
pub fn classify_large(error: Error, octets: usize) -> Error {
    if octets < LARGE || error.code() != Code::ConnectionLost {
        return error;
    }
    let detail = error.arg("detail").unwrap_or_default().to_owned();
    Error::new(Code::EventTooLarge, Scope::Item, Retry::Soon).with("bytes", octets).with("answer", detail)
}

/// What a server may ask for and be believed: who asks for more than a day has lost count.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);
const USUAL_PAUSE: Duration = Duration::from_secs(60);

/// Preconditions about what is in an event (RFC 4791 section 5.3.2.1, RFC 6638 section 3.2.4).
const UNFIT: [&str; 14] = [
    "supported-calendar-data",
    "valid-calendar-data",
    "valid-calendar-object-resource",
    "supported-calendar-component",
    "min-date-time",
    "max-date-time",
    "max-instances",
    "max-attendees-per-instance",
    "supported-filter",
    "same-organizer-in-all-components",
    "allowed-organizer-scheduling-object-change",
    "allowed-attendee-scheduling-object-change",
    "valid-managed-id",
    "max-attachments-per-resource",
];

fn verdict(asked: Asked, refusal: &Refusal) -> (Code, Scope, Retry) {
    use Asked::{Create, Home, Look, Make, Read, Remove, Update};
    let writes_event = matches!(asked, Create | Update);

    // What stops a whole login or server, whatever was asked.
    match (refusal.status, refusal.retry_after) {
        (401 | 407, _) => return (Code::SignInRefused, Scope::Credential, Retry::WhenFixed),
        (429, pause) => {
            let pause = pause.unwrap_or(USUAL_PAUSE).min(LONGEST_PAUSE);
            return (Code::Throttled, Scope::Credential, Retry::After(pause));
        }
        (503, Some(pause)) => return (Code::Throttled, Scope::Credential, Retry::After(pause.min(LONGEST_PAUSE))),
        (502..=504, _) => return (Code::ServerUnavailable, Scope::Server, Retry::Soon),
        _ => {}
    }

    // What the server explains.
    if writes_event || asked == Make {
        let full = refusal.status == 507
            || refusal.tells("quota-not-exceeded")
            || refusal.tells("sufficient-disk-space")
            // RFC 8607: the attachments of one resource.
            || refusal.tells("max-attachment-size");
        if full {
            return (Code::QuotaFull, Scope::Account, Retry::WhenFixed);
        }
    }
    if writes_event {
        if refusal.status == 413 || refusal.tells("max-resource-size") {
            return (Code::EventTooLarge, Scope::Item, Retry::WhenFixed);
        }
        if refusal.says_uid_is_taken() {
            return (Code::EventExists, Scope::Item, Retry::Soon);
        }
        if UNFIT.iter().any(|condition| refusal.tells(condition)) {
            return (Code::EventRefused, Scope::Item, Retry::WhenFixed);
        }
    }
    if refusal.tells("need-privileges") && matches!(asked, Create | Update | Remove) {
        return (Code::CalendarRefused, Scope::Folder, Retry::WhenFixed);
    }

    match (asked, refusal.status) {
        // Only the search for the calendars follows. An event that was put where a server sends us is in no calendar that it
        // has told of, and would count as deleted.
        (Look | Create | Update | Remove | Make, 301 | 302 | 303 | 307 | 308) => {
            (Code::CalendarRedirected, Scope::Folder, Retry::Soon)
        }

        // Signed in, and not allowed to see this person's home.
        (Home, 403) => (Code::ImpersonationDenied, Scope::Account, Retry::WhenFixed),
        (Home, 404 | 410) => (Code::MailboxMissing, Scope::Account, Retry::WhenFixed),
        (Home, 500) => (Code::ServerUnavailable, Scope::Account, Retry::Soon),

        (Look, 403) => (Code::CalendarRefused, Scope::Folder, Retry::WhenFixed),
        (Look, 404 | 410) => (Code::CalendarGone, Scope::Folder, Retry::Soon),
        (Look, 500 | 507) => (Code::ServerUnavailable, Scope::Folder, Retry::Soon),

        (Read, 404 | 410 | 500) => (Code::EventUnreadable, Scope::Item, Retry::Soon),
        (Read, 400..=499) => (Code::EventUnreadable, Scope::Item, Retry::WhenFixed),

        (Create, 412) => (Code::EventExists, Scope::Item, Retry::Soon),
        (Create, 404 | 410) => (Code::CalendarGone, Scope::Folder, Retry::Soon),
        // Who was quicker is seen by the next look, and so is that the event is gone.
        (Update | Remove, 412 | 404 | 410) => (Code::EventChanged, Scope::Item, Retry::Soon),
        (Create | Update | Remove, 423) => (Code::EventLocked, Scope::Item, Retry::Soon),
        // Nothing is said against the event: it is the right to write that is missing.
        (Create | Update | Remove, 403 | 405) => (Code::EventForbidden, Scope::Item, Retry::WhenFixed),
        // 409 without a word may be another UID, a lost calendar, a race.
        (Create | Update | Remove, 409) => (Code::EventRefused, Scope::Item, Retry::Soon),
        // Two writes at once (SOGo 5.8: GCSVersionMismatch), a server that does not understand this event, or nothing today.
        (Create | Update | Remove, 500) => (Code::EventTroubled, Scope::Item, Retry::Soon),
        (Create | Update | Remove, 400..=499) => (Code::EventRefused, Scope::Item, Retry::WhenFixed),

        (Make, 500) => (Code::CalendarRefused, Scope::Folder, Retry::Soon),
        (Make, 400..=499 | 501) => (Code::CalendarRefused, Scope::Folder, Retry::WhenFixed),

        (Home, _) => (Code::AnswerUnexpected, Scope::Account, Retry::Soon),
        (Look | Make, _) => (Code::AnswerUnexpected, Scope::Folder, Retry::Soon),
        (Read | Create | Update | Remove, _) => (Code::AnswerUnexpected, Scope::Item, Retry::Soon),
    }
}

/// Does the server not know the token any more (RFC 6578 section 3.2)? Then everything is looked at. Servers say so in many ways,
/// and some say nothing but that the request is bad.
#[must_use]
pub fn token_is_unknown(refusal: &Refusal) -> bool {
    refusal.tells("valid-sync-token")
        || matches!(refusal.status, 400 | 403 | 404 | 405 | 409 | 410 | 412 | 415 | 422 | 500 | 501 | 507)
}

/// Does the server not know this kind of report?
#[must_use]
pub fn report_is_unknown(refusal: &Refusal) -> bool {
    refusal.tells("supported-report") || matches!(refusal.status, 400 | 403 | 405 | 415 | 422 | 500 | 501)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Asked::{Create, Home, Look, Make, Read, Remove, Update};

    type Row = (Asked, u16, &'static str, Option<u64>, Code, Scope, Retry);

    #[test]
    fn the_table() {
        let (soon, fixed) = (Retry::Soon, Retry::WhenFixed);
        let after = |seconds| Retry::After(Duration::from_secs(seconds));
        let table: &[Row] = &[
            (Home, 401, "", None, Code::SignInRefused, Scope::Credential, fixed),
            (Create, 401, "", None, Code::SignInRefused, Scope::Credential, fixed),
            (Home, 403, "", None, Code::ImpersonationDenied, Scope::Account, fixed),
            (Home, 404, "", None, Code::MailboxMissing, Scope::Account, fixed),
            (Home, 500, "", None, Code::ServerUnavailable, Scope::Account, soon),
            (Home, 503, "", None, Code::ServerUnavailable, Scope::Server, soon),
            (Look, 502, "", None, Code::ServerUnavailable, Scope::Server, soon),
            (Look, 503, "", Some(30), Code::Throttled, Scope::Credential, after(30)),
            (Look, 503, "", Some(999_999), Code::Throttled, Scope::Credential, after(86_400)),
            (Create, 429, "", None, Code::Throttled, Scope::Credential, after(60)),
            (Create, 429, "", Some(5), Code::Throttled, Scope::Credential, after(5)),
            (Look, 403, "", None, Code::CalendarRefused, Scope::Folder, fixed),
            (Look, 404, "", None, Code::CalendarGone, Scope::Folder, soon),
            (Look, 410, "", None, Code::CalendarGone, Scope::Folder, soon),
            (Look, 500, "", None, Code::ServerUnavailable, Scope::Folder, soon),
            (Look, 200, "", None, Code::AnswerUnexpected, Scope::Folder, soon),
            (Look, 302, "", None, Code::CalendarRedirected, Scope::Folder, soon),
            (Create, 301, "", None, Code::CalendarRedirected, Scope::Folder, soon),
            (Read, 307, "", None, Code::AnswerUnexpected, Scope::Item, soon),
            (Remove, 308, "", None, Code::CalendarRedirected, Scope::Folder, soon),
            (Home, 301, "", None, Code::AnswerUnexpected, Scope::Account, soon),
            (Read, 404, "", None, Code::EventUnreadable, Scope::Item, soon),
            (Read, 403, "", None, Code::EventUnreadable, Scope::Item, fixed),
            (Read, 500, "", None, Code::EventUnreadable, Scope::Item, soon),
            (Create, 412, "", None, Code::EventExists, Scope::Item, soon),
            (Create, 409, "no-uid-conflict", None, Code::EventExists, Scope::Item, soon),
            (Create, 403, "no-uid-conflict", None, Code::EventExists, Scope::Item, soon),
            (Create, 409, "", None, Code::EventRefused, Scope::Item, soon),
            (Create, 500, "", None, Code::EventTroubled, Scope::Item, soon),
            (Remove, 500, "", None, Code::EventTroubled, Scope::Item, soon),
            (Create, 403, "", None, Code::EventForbidden, Scope::Item, fixed),
            (Update, 405, "", None, Code::EventForbidden, Scope::Item, fixed),
            (Create, 403, "need-privileges", None, Code::CalendarRefused, Scope::Folder, fixed),
            (Create, 403, "valid-calendar-data", None, Code::EventRefused, Scope::Item, fixed),
            (Create, 415, "", None, Code::EventRefused, Scope::Item, fixed),
            (Create, 413, "", None, Code::EventTooLarge, Scope::Item, fixed),
            (Update, 403, "max-resource-size", None, Code::EventTooLarge, Scope::Item, fixed),
            (Create, 507, "", None, Code::QuotaFull, Scope::Account, fixed),
            (Update, 403, "quota-not-exceeded", None, Code::QuotaFull, Scope::Account, fixed),
            (Create, 404, "", None, Code::CalendarGone, Scope::Folder, soon),
            (Update, 412, "", None, Code::EventChanged, Scope::Item, soon),
            (Update, 404, "", None, Code::EventChanged, Scope::Item, soon),
            (Update, 423, "lock-token-submitted", None, Code::EventLocked, Scope::Item, soon),
            (Remove, 423, "", None, Code::EventLocked, Scope::Item, soon),
            (Update, 403, "allowed-attendee-scheduling-object-change", None, Code::EventRefused, Scope::Item, fixed),
            (Remove, 412, "", None, Code::EventChanged, Scope::Item, soon),
            (Remove, 403, "need-privileges", None, Code::CalendarRefused, Scope::Folder, fixed),
            (Remove, 403, "", None, Code::EventForbidden, Scope::Item, fixed),
            (Make, 405, "", None, Code::CalendarRefused, Scope::Folder, fixed),
            (Make, 501, "", None, Code::CalendarRefused, Scope::Folder, fixed),
            (Make, 403, "", None, Code::CalendarRefused, Scope::Folder, fixed),
            (Make, 507, "", None, Code::QuotaFull, Scope::Account, fixed),
        ];
        for (asked, status, condition, pause, code, scope, retry) in table {
            let conditions = if condition.is_empty() { Vec::new() } else { vec![(*condition).to_owned()] };
            let retry_after = pause.map(Duration::from_secs);
            let refusal = Refusal { status: *status, conditions, retry_after, text: String::new() };
            let error = classify(*asked, &refusal);
            let told = (error.code(), error.scope(), error.retry());
            assert_eq!(told, (*code, *scope, *retry), "{asked:?} {status} {condition}");
        }
    }

    #[test]
    fn who_hangs_up_on_a_large_event_stops_only_this_event() {
        let lost = || Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon);
        let told = |error: Error| (error.code(), error.scope(), error.arg("bytes").map(str::to_owned));
        let large = (Code::EventTooLarge, Scope::Item, Some("50000000".to_owned()));
        assert_eq!(told(classify_large(lost(), 50_000_000)), large);
        assert_eq!(told(classify_large(lost(), 5_000)), told(lost()));
        let slow = || Error::new(Code::TimedOut, Scope::Account, Retry::Soon);
        assert_eq!(told(classify_large(slow(), 50_000_000)), told(slow()));
    }

    #[test]
    fn what_is_told_is_one_line_of_a_bounded_length() {
        let refusal = Refusal { status: 400, text: format!("a\r\nb{}", "x".repeat(1000)), ..Refusal::default() };
        let answer = classify(Look, &refusal).arg("answer").unwrap().to_owned();
        assert!(answer.starts_with("400 a bx") && answer.len() == 300);
    }

    #[test]
    fn servers_have_many_words_for_a_token_that_they_forgot() {
        let refusal =
            |status, condition: &str| Refusal { status, conditions: vec![condition.to_owned()], ..Refusal::default() };
        for (status, condition) in
            [(403, "valid-sync-token"), (409, "valid-sync-token"), (415, ""), (400, ""), (507, "")]
        {
            assert!(token_is_unknown(&refusal(status, condition)), "{status}");
        }
        for status in [401, 429, 503, 502] {
            assert!(!token_is_unknown(&refusal(status, "")), "{status}");
        }
    }
}
