//! The one table that turns a refusal of Exchange into an error: how much must stop, and when it may start again.

use crate::envelope::Refusal;
use parom_domain::{Code, Error, Retry, Scope};
use parom_net::printable;
use std::time::Duration;

/// What was asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// The mailbox as a whole: its folders, its zones, names.
    Account,
    /// One calendar: a look at it.
    Calendar,
    /// Reading one event.
    Read,
    /// Creating, changing or removing one event.
    Write,
    /// One folder of mail: a look at it.
    MailFolder,
    /// Reading one message.
    MailRead,
    /// Creating, changing or removing messages.
    MailWrite,
}

impl About {
    /// What the same refusal is about where it is one of calendars.
    fn alike(self) -> About {
        match self {
            About::MailFolder => About::Calendar,
            About::MailRead => About::Read,
            About::MailWrite => About::Write,
            about => about,
        }
    }

    /// The word for it.
    fn named(self, code: Code) -> Code {
        if self.alike() == self {
            return code;
        }
        match code {
            Code::CalendarGone => Code::FolderGone,
            Code::CalendarRefused => Code::FolderCannotOpen,
            Code::EventUnreadable => Code::MessageUnreadable,
            Code::EventRefused | Code::EventTooLarge => Code::MessageRefused,
            Code::EventChanged => Code::ChangeRefused,
            code => code,
        }
    }
}

/// What a server says when its pause is too short to mean anything (`BackOffMilliseconds` of 0).
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// What a mailbox that is being moved takes at least.
const MOVING: Duration = Duration::from_secs(300);
/// For a 503 that does not say how long.
const UNAVAILABLE: Duration = Duration::from_secs(30);

/// The error that a refusal means. The caller adds what it knows: host, calendar, UID.
#[must_use]
pub fn classify(about: About, refusal: &Refusal) -> Error {
    let (code, scope, retry) = verdict(about.alike(), refusal);
    let error = Error::new(about.named(code), scope, retry).with("answer", told(refusal));
    match retry {
        Retry::After(pause) if code == Code::Throttled => error.with("backoff_ms", pause.as_millis()),
        _ => error,
    }
}

/// Codes that ask for an older `RequestServerVersion`. On a site with servers of several versions it differs from mailbox to
/// mailbox.
#[must_use]
pub fn asks_for_older(code: &str) -> bool {
    matches!(
        code,
        "ErrorInvalidServerVersion" | "ErrorIncorrectSchemaVersion" | "ErrorInvalidSchemaVersionForMailboxVersion"
    )
}

/// Codes that say that an item is not there (any more).
#[must_use]
pub fn is_gone(code: &str) -> bool {
    matches!(code, "ErrorItemNotFound" | "ErrorCalendarOccurrenceIsDeletedFromRecurrence")
}

/// Codes that say that an item cannot be given in full, but perhaps with less.
#[must_use]
pub fn is_corrupt(code: &str) -> bool {
    matches!(
        code,
        "ErrorItemCorrupt"
            | "ErrorCorruptData"
            | "ErrorContentConversionFailed"
            | "ErrorMimeContentConversionFailed"
            | "ErrorItemPropertyRequestFailed"
            | "ErrorPropertyValidationFailure"
    )
}

/// Codes that say that an attachment cannot be had, today or tomorrow.
#[must_use]
pub fn is_lost_attachment(code: &str) -> bool {
    is_corrupt(code)
        || matches!(
            code,
            "ErrorAttachmentNotFound"
                | "ErrorCannotOpenFileAttachment"
                | "ErrorInvalidAttachmentId"
                | "ErrorItemNotFound"
        )
}

/// Codes that say that a SyncState means nothing to this server.
#[must_use]
pub fn is_forgotten(code: &str) -> bool {
    matches!(code, "ErrorInvalidSyncStateData" | "ErrorSyncStateNotFound")
}

/// Codes that say that a subscription is none (any more): another one has to be made, and one look to be taken.
#[must_use]
pub fn is_lost_subscription(code: &str) -> bool {
    matches!(
        code,
        "ErrorSubscriptionNotFound"
            | "ErrorExpiredSubscription"
            | "ErrorInvalidSubscription"
            | "ErrorInvalidWatermark"
            | "ErrorReadEventsFailed"
            | "ErrorMissedNotificationEvents"
            | "ErrorProxyRequestNotAllowed"
    )
}

/// Codes that say that this mailbox or this server tells nothing by itself, in the way that was asked for.
#[must_use]
pub fn tells_nothing(code: &str) -> bool {
    matches!(
        code,
        "ErrorInvalidSubscriptionRequest"
            | "ErrorSubscriptionDelegateAccessNotSupported"
            | "ErrorAccessDenied"
            | "ErrorSchemaValidation"
            | "ErrorInvalidRequest"
            | "ErrorExceededSubscriptionCount"
    )
}

fn verdict(about: About, refusal: &Refusal) -> (Code, Scope, Retry) {
    let backoff = refusal.backoff_ms.map(Duration::from_millis);
    match refusal.code.as_str() {
        // The budget is one mailbox's from 2010 SP2 RU4 on: others may go on.
        "ErrorServerBusy" | "ErrorExceededConnectionCount" | "ErrorExceededSubscriptionCount" => {
            let pause = backoff.unwrap_or(SHORTEST_PAUSE).max(SHORTEST_PAUSE);
            (Code::Throttled, Scope::Account, Retry::After(pause))
        }
        "ErrorTimeoutExpired"
        | "ErrorInternalServerTransientError"
        | "ErrorTooManyObjectsOpened"
        | "ErrorInsufficientResources"
        | "ErrorConnectionFailed"
        | "ErrorMailboxStoreUnavailable"
        | "ErrorMailboxFailover"
        | "ErrorBatchProcessingStopped"
        | "ErrorNotEnoughMemory"
        | "ErrorADSessionFilter"
        | "ErrorCrossSiteRequest" => (Code::ServerUnavailable, Scope::Account, Retry::Soon),
        "ErrorADUnavailable" | "ErrorADOperation" => (Code::ServerUnavailable, Scope::Server, Retry::Soon),
        "ErrorMailboxMoveInProgress" => (Code::ServerUnavailable, Scope::Account, Retry::After(MOVING)),
        "ErrorImpersonateUserDenied" | "ErrorImpersonationDenied" | "ErrorImpersonationFailed" => {
            (Code::ImpersonationDenied, Scope::Account, Retry::WhenFixed)
        }
        "ErrorNonExistentMailbox"
        | "ErrorNonPrimarySmtpAddress"
        | "ErrorMissingEmailAddress"
        | "ErrorInvalidSmtpAddress"
        | "ErrorAccountDisabled"
        | "ErrorMailboxConfiguration" => (Code::MailboxMissing, Scope::Account, Retry::WhenFixed),
        "ErrorQuotaExceeded" => (Code::QuotaFull, Scope::Account, Retry::WhenFixed),
        "ErrorAccessDenied" => match about {
            About::Account => (Code::ImpersonationDenied, Scope::Account, Retry::WhenFixed),
            _ => (Code::CalendarRefused, Scope::Folder, Retry::WhenFixed),
        },
        "ErrorFolderNotFound" | "ErrorSyncFolderNotFound" | "ErrorParentFolderNotFound" | "ErrorToFolderNotFound" => {
            (Code::CalendarGone, Scope::Folder, Retry::Soon)
        }
        "ErrorFolderExists" | "ErrorCreateFolder" => (Code::CalendarRefused, Scope::Folder, Retry::WhenFixed),
        "ErrorIrresolvableConflict"
        | "ErrorStaleObject"
        | "ErrorChangeKeyRequired"
        | "ErrorChangeKeyRequiredForWriteOperations"
        | "ErrorInvalidChangeKey"
        | "ErrorItemNotFound" => (Code::EventChanged, Scope::Item, Retry::Soon),
        "ErrorMessageSizeExceeded" | "ErrorAttachmentSizeLimitExceeded" => {
            (Code::EventTooLarge, Scope::Item, Retry::WhenFixed)
        }
        // A defect of ours, and the same for every event.
        "ErrorSchemaValidation" | "ErrorInvalidRequest" | "ErrorInvalidPropertyRequest" => {
            (Code::AnswerUnexpected, Scope::Account, Retry::WhenFixed)
        }
        code if asks_for_older(code) => (Code::AnswerUnexpected, Scope::Server, Retry::WhenFixed),
        code => match about {
            About::Read if is_corrupt(code) => (Code::EventUnreadable, Scope::Item, Retry::WhenFixed),
            About::Read => (Code::EventUnreadable, Scope::Item, Retry::Soon),
            About::Write if code == "ErrorInternalServerError" => (Code::EventRefused, Scope::Item, Retry::Soon),
            About::Write => (Code::EventRefused, Scope::Item, Retry::WhenFixed),
            About::Calendar => (Code::CalendarRefused, Scope::Folder, Retry::Soon),
            About::Account | About::MailFolder | About::MailRead | About::MailWrite => {
                (Code::ServerUnavailable, Scope::Account, Retry::Soon)
            }
        },
    }
}

/// The error behind an HTTP status other than 200, whose body is no SOAP fault.
#[must_use]
pub fn classify_status(about: About, status: u16, retry_after: Option<Duration>) -> Error {
    let (code, scope, retry) = match status {
        401 => (Code::SignInRefused, Scope::Credential, Retry::WhenFixed),
        // EWS switched off for this mailbox or for this program (EwsEnabled, EwsApplicationAccessPolicy).
        403 => (Code::MailboxMissing, Scope::Account, Retry::WhenFixed),
        413 if about.alike() == About::Write => (about.named(Code::EventTooLarge), Scope::Item, Retry::WhenFixed),
        429 => (Code::Throttled, Scope::Account, Retry::After(retry_after.unwrap_or(UNAVAILABLE).max(SHORTEST_PAUSE))),
        502..=504 => {
            let pause = retry_after.unwrap_or(UNAVAILABLE).max(SHORTEST_PAUSE);
            (Code::ServerUnavailable, Scope::Server, Retry::After(pause))
        }
        500 => (Code::ServerUnavailable, Scope::Account, Retry::Soon),
        // 302: the sign-in page for browsers; 404: another address.
        _ => (Code::AnswerUnexpected, Scope::Server, Retry::WhenFixed),
    };
    let error = Error::new(code, scope, retry).with("answer", format!("HTTP {status}"));
    match retry {
        Retry::After(pause) if code == Code::Throttled => error.with("backoff_ms", pause.as_millis()),
        _ => error,
    }
}

/// A request of so many octets is one that servers may refuse for its size alone: nginx takes no more where nobody says otherwise.
const LARGE: usize = 1 << 20;

/// The error of a request that carried so many octets. Not every server that takes no such request says so: IIS answers with a
/// bare 404 (404.13), and what stands before it may hang up while it is being sent. That may have been the line too, so it is
/// tried again later.
#[must_use]
pub fn classify_large(error: Error, octets: usize) -> Error {
    let is_wordless = matches!(error.code(), Code::ConnectionLost | Code::AnswerUnexpected);
    if octets < LARGE || !is_wordless {
        return if error.code() == Code::EventTooLarge { error.with("bytes", octets) } else { error };
    }
    let answer = error.arg("answer").or(error.arg("detail")).unwrap_or_default().to_owned();
    Error::new(Code::EventTooLarge, Scope::Item, Retry::Soon).with("bytes", octets).with("answer", answer)
}

fn told(refusal: &Refusal) -> String {
    printable(&format!("{} {}", refusal.code, refusal.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(about: About, code: &str, backoff_ms: Option<u64>) -> (Code, Scope, Retry) {
        let error = classify(about, &Refusal { code: code.into(), text: String::new(), backoff_ms });
        (error.code(), error.scope(), error.retry())
    }

    #[test]
    fn who_hangs_up_on_a_large_request_stops_only_this_event() {
        let lost = || Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon);
        let bare = || classify_status(About::Write, 404, None);
        let told = |error: Error| (error.code(), error.scope(), error.retry(), error.arg("bytes").map(str::to_owned));
        let large = || (Code::EventTooLarge, Scope::Item, Retry::Soon, Some("50000000".to_owned()));
        assert_eq!(told(classify_large(lost(), 50_000_000)), large());
        assert_eq!(told(classify_large(bare(), 50_000_000)), large());
        assert_eq!(told(classify_large(lost(), 5_000)), told(lost()));
        let busy = || Error::new(Code::Throttled, Scope::Account, Retry::Soon);
        assert_eq!(told(classify_large(busy(), 50_000_000)), told(busy()));
        let said = classify_status(About::Write, 413, None);
        assert_eq!(told(classify_large(said, 5_000)).3.as_deref(), Some("5000"));
    }

    #[test]
    fn every_class_of_refusal_has_its_reach() {
        use About::{Account, Calendar, MailFolder, MailRead, MailWrite, Read, Write};
        let after = |seconds| Retry::After(Duration::from_secs(seconds));
        let table = [
            (Read, "ErrorServerBusy", Some(300_000), Code::Throttled, Scope::Account, after(300)),
            (Read, "ErrorServerBusy", Some(0), Code::Throttled, Scope::Account, after(1)),
            (Write, "ErrorServerBusy", None, Code::Throttled, Scope::Account, after(1)),
            (Read, "ErrorBatchProcessingStopped", None, Code::ServerUnavailable, Scope::Account, Retry::Soon),
            (Account, "ErrorADUnavailable", None, Code::ServerUnavailable, Scope::Server, Retry::Soon),
            (Account, "ErrorImpersonateUserDenied", None, Code::ImpersonationDenied, Scope::Account, Retry::WhenFixed),
            (Account, "ErrorNonExistentMailbox", None, Code::MailboxMissing, Scope::Account, Retry::WhenFixed),
            (Account, "ErrorMailboxMoveInProgress", None, Code::ServerUnavailable, Scope::Account, after(300)),
            (Calendar, "ErrorSyncFolderNotFound", None, Code::CalendarGone, Scope::Folder, Retry::Soon),
            (Calendar, "ErrorAccessDenied", None, Code::CalendarRefused, Scope::Folder, Retry::WhenFixed),
            (Write, "ErrorIrresolvableConflict", None, Code::EventChanged, Scope::Item, Retry::Soon),
            (Write, "ErrorStaleObject", None, Code::EventChanged, Scope::Item, Retry::Soon),
            (Write, "ErrorCalendarInvalidRecurrence", None, Code::EventRefused, Scope::Item, Retry::WhenFixed),
            (Write, "ErrorMessageSizeExceeded", None, Code::EventTooLarge, Scope::Item, Retry::WhenFixed),
            (Write, "ErrorQuotaExceeded", None, Code::QuotaFull, Scope::Account, Retry::WhenFixed),
            (Read, "ErrorItemCorrupt", None, Code::EventUnreadable, Scope::Item, Retry::WhenFixed),
            (Write, "ErrorSchemaValidation", None, Code::AnswerUnexpected, Scope::Account, Retry::WhenFixed),
            (Read, "ErrorNobodyKnows", None, Code::EventUnreadable, Scope::Item, Retry::Soon),
            (MailRead, "ErrorItemCorrupt", None, Code::MessageUnreadable, Scope::Item, Retry::WhenFixed),
            (MailWrite, "ErrorMessageSizeExceeded", None, Code::MessageRefused, Scope::Item, Retry::WhenFixed),
            (MailFolder, "ErrorFolderNotFound", None, Code::FolderGone, Scope::Folder, Retry::Soon),
            (MailFolder, "ErrorServerBusy", None, Code::Throttled, Scope::Account, after(1)),
        ];
        for (about, code, backoff, expected, scope, retry) in table {
            assert_eq!(of(about, code, backoff), (expected, scope, retry), "{code}");
        }
    }

    #[test]
    fn a_status_tells_what_no_fault_tells() {
        let of = |status, after: Option<u64>| {
            let error = classify_status(About::Write, status, after.map(Duration::from_secs));
            (error.code(), error.scope())
        };
        assert_eq!(of(401, None), (Code::SignInRefused, Scope::Credential));
        assert_eq!(of(503, Some(20)), (Code::ServerUnavailable, Scope::Server));
        assert_eq!(of(413, None), (Code::EventTooLarge, Scope::Item));
        assert_eq!(of(302, None), (Code::AnswerUnexpected, Scope::Server));
        assert_eq!(of(429, None), (Code::Throttled, Scope::Account));
    }

    #[test]
    fn an_answer_is_one_printable_line() {
        let refusal = Refusal { code: "ErrorX".into(), text: "a\nb\u{1}  c".repeat(200), backoff_ms: None };
        let error = classify(About::Read, &refusal);
        let answer = error.arg("answer").unwrap();
        assert!(answer.starts_with("ErrorX a b c") && answer.chars().count() <= 300);
    }
}
