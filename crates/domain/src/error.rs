//! One error type that answers two questions: how much must stop, and when may it start again.

use crate::agenda::Label;
use std::fmt;
use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Item,
    Folder,
    Account,
    /// One login (a service account serves many mailboxes): its breaker opens.
    Credential,
    /// One host: its breaker opens.
    Server,
    /// The whole process: state, disk, configuration.
    System,
}

/// When it may start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    Soon,
    After(Duration),
    /// A person has to change something first.
    WhenFixed,
    Never,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened, as a stable name: the key of its sentence in every language and of its row in the reference.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }
        }
    };
}

codes! {
    // Connecting and signing in. Arguments: host, port, and what the code says; service is "ews" or "caldav" where it is not IMAP.
    /// Arguments: host.
    HostNotFound = "host-not-found",
    /// Arguments: host, port, detail.
    CannotConnect = "cannot-connect",
    /// Arguments: host.
    HostNotAllowed = "host-not-allowed",
    /// Arguments: host, port. The server offers no STARTTLS or speaks no TLS on this port.
    NoTls = "no-tls",
    /// Arguments: host, port, detail.
    TlsFailed = "tls-failed",
    /// Arguments: host, port, detail (expired, wrong name, unknown issuer, pin mismatch).
    CertificateRefused = "certificate-refused",
    /// Arguments: host, login, answer, credential ("secret": the password is one for many accounts), name (of it), service.
    SignInRefused = "sign-in-refused",
    /// Arguments: host, login, answer, since_ms, credential, name. This password was refused then, and is not tried
    /// again yet.
    SignInHeld = "sign-in-held",
    /// Arguments: host, mechanism, service.
    NoMechanism = "no-mechanism",
    /// Arguments: host, service. NTLM is asked for, and this program was built without it.
    NtlmLeftOut = "ntlm-left-out",
    /// Arguments: host, login, service. The login names a mailbox beside the one who signs in, and NTLM cannot.
    NtlmOwnMailbox = "ntlm-own-mailbox",
    /// Arguments: account, host, login. Source and target are one mailbox.
    SameMailbox = "same-mailbox",
    /// Arguments: account, other, host, login. Another account opens the same mailbox.
    MailboxShared = "mailbox-shared",
    /// Arguments: side. The login opens a mailbox that is not the one we know.
    OtherMailbox = "other-mailbox",
    /// Arguments: host, detail, service.
    ConnectionLost = "connection-lost",
    /// Arguments: host, seconds, command (its name only), service.
    TimedOut = "timed-out",
    /// Arguments: host, detail. The server spoke something that is not IMAP.
    ProtocolError = "protocol-error",
    /// Arguments: host, backoff_ms.
    Throttled = "throttled",
    /// Arguments: host, answer.
    ServerUnavailable = "server-unavailable",

    // Folders.
    /// Arguments: host, folder, answer.
    FolderCannotOpen = "folder-cannot-open",
    /// Arguments: host, folder.
    FolderGone = "folder-gone",
    /// Arguments: host, folder.
    ValidityChanged = "uidvalidity-changed",
    /// Arguments: host, side, change (`create`, `delete` and so on), folder, answer.
    FolderRefused = "folder-refused",
    /// Arguments: host, folder, listed, exists, side. The listing does not add up and was not believed. With a side: it lacks
    /// what we have just written.
    ListingIncomplete = "listing-incomplete",
    /// Arguments: host, folder, answer. IMAP does not show the folder, and EWS does not give it at present.
    HiddenFolderUnreached = "hidden-folder-unreached",
    /// Arguments: host, folder, count, total. EWS tells no numbers of so many messages of a folder that IMAP does not show.
    HiddenFolderUnnumbered = "hidden-folder-unnumbered",

    // Items.
    /// Arguments: host, folder, uid, answer.
    MessageRefused = "message-refused",
    /// Arguments: host, folder, uid, bytes, limit.
    MessageTooLarge = "message-too-large",
    /// Arguments: host, folder, uid, answer. The message cannot be read from its server.
    MessageUnreadable = "message-unreadable",
    /// Arguments: folder, uid. The server gave another text in place of the message.
    MessageSubstituted = "message-substituted",
    /// Arguments: host, folder, answer, what (the name of a calendar).
    QuotaFull = "quota-full",
    /// Arguments: host, folder, answer. A command about existing messages was refused.
    ChangeRefused = "change-refused",
    /// Arguments: host, folder, to, answer. A message is not moved.
    MoveRefused = "move-refused",
    /// Arguments: side, folder, what (their names). The server does not let us change these marks.
    MarksWithheld = "marks-withheld",
    /// Arguments: side, folder, count. The server does not let us delete, and says so by doing nothing.
    DeletionWithheld = "deletion-withheld",
    /// Arguments: host, folder. Without UIDPLUS our deletion would take along what others have marked as deleted.
    OthersMarkedDeleted = "others-marked-deleted",

    // Calendars. `what` is the name of the calendar. An error of one event may have `title` and `day`, by which people know it.
    /// Arguments: host, what, uid. Somebody changed the event between our look and our write.
    EventChanged = "event-changed",
    /// Arguments: host, what, uid. An event with this UID is there already.
    EventExists = "event-exists",
    /// Arguments: host, what, uid, detail, to (who would hear of it, or whose meeting it is). The event is faulty where it was
    /// read, or the other side has no place for something.
    EventUnfit = "event-unfit",
    /// Arguments: host, what, uid, answer. The server does not take the event.
    EventRefused = "event-refused",
    /// Arguments: host, what, uid, answer. The server failed at the event, for a reason of its own.
    EventTroubled = "event-troubled",
    /// Arguments: host, what, uid, answer. The server does not let us write into this calendar, or not this event.
    EventForbidden = "event-forbidden",
    /// Arguments: host, what, uid, answer. Somebody has locked the event.
    EventLocked = "event-locked",
    /// Arguments: host, what, uid, side (from which it was deleted), answer, detail (why we do not even try). The event stays on
    /// the other side.
    EventNotRemoved = "event-not-removed",
    /// Arguments: host, what, uid, bytes, limit.
    EventTooLarge = "event-too-large",
    /// Arguments: host, what, uid, answer. The event cannot be read from its server.
    EventUnreadable = "event-unreadable",
    /// Arguments: what, uid. The calendar has several events with this UID, and another one is carried.
    EventDoubled = "event-doubled",
    /// Arguments: what, uid. The event changes after each of our writes, and is left alone for a while.
    EventRestless = "event-restless",
    /// Arguments: host, what, uid, cause (the code of the refusal), answer. Of a write in several requests the rest was refused.
    EventHalf = "event-half",
    /// Arguments: account, path. The account's domain names no servers for calendars.
    CalendarsNotConfigured = "calendars-not-configured",
    /// Arguments: host, what.
    CalendarGone = "calendar-gone",
    /// Arguments: host, what, answer.
    CalendarRefused = "calendar-refused",
    /// Arguments: host, what, answer (with where it leads). The server sends requests about the calendar elsewhere.
    CalendarRedirected = "calendar-redirected",
    /// Arguments: what, side. The calendar lists no events, and some that are asked for by themselves are there.
    CalendarIncomplete = "calendar-incomplete",
    /// Arguments: what, uid, side. The calendar has no partner on the side, where none can be made; the event waits.
    CalendarUnpaired = "calendar-unpaired",
    /// Arguments: host, login, answer, service. The service account may not act for this person.
    ImpersonationDenied = "impersonation-denied",
    /// Arguments: host, login, answer. There is no mailbox, or no calendar home, behind the login.
    MailboxMissing = "mailbox-missing",
    /// Arguments: host, answer. The server spoke something else than EWS, CalDAV or ManageSieve.
    AnswerUnexpected = "answer-unexpected",

    // Automatic replies. `name` is the name of a Sieve script.
    /// Arguments: account, path. The account's domain names no ManageSieve server.
    SieveNotConfigured = "sieve-not-configured",
    /// Arguments: host, what. The server's Sieve lacks an extension without which the reply cannot be said.
    SieveExtensionMissing = "sieve-extension-missing",
    /// Arguments: host, login, name. A script of the person's own is active, and the server cannot run ours beside it.
    SieveScriptInTheWay = "sieve-script-in-the-way",
    /// Arguments: host, login, name, what. The person's own script has an action of a kind that goes with no other reply.
    SieveScriptAnswers = "sieve-script-answers",
    /// Arguments: host, login, name. A script has our name and is not ours.
    SieveNameTaken = "sieve-name-taken",
    /// Arguments: host, login, answer. The server does not take our script.
    SieveScriptRefused = "sieve-script-refused",

    // State.
    /// Arguments: path, detail.
    StateUnavailable = "state-unavailable",
    /// Arguments: path.
    StateFull = "state-full",
    /// Arguments: path, pid.
    StateLocked = "state-locked",
    /// Arguments: path, found, known.
    StateNewer = "state-newer",
    /// Arguments: path, detail.
    StateDamaged = "state-damaged",
    /// Arguments: account, number (of the account in the state). Another process took the account over.
    LeaseLost = "lease-lost",
    /// Arguments: name.
    SecretMissing = "secret-missing",
    /// Arguments: path, detail, mode (of a key file that others may read). The sealed value does not open with this master key.
    SecretUnreadable = "secret-unreadable",
    /// Arguments: account.
    AccountUnknown = "account-unknown",
    /// Arguments: account, path, known. The domain of the account is not in the configuration (any more).
    AccountDomainMissing = "account-domain-missing",
    /// Arguments: account, side. The account has no password of its own, and there is none for all.
    AccountPasswordMissing = "account-password-missing",
    /// Arguments: account, side. The login needs a service account, and neither the configuration nor the account names one.
    AccountServiceLoginMissing = "account-service-login-missing",

    // Holding back.
    /// Arguments: brake, side, folder, count, total.
    Braked = "braked",
    /// Arguments: brake, side, folder, count, total. What is to be done would send receipts to people.
    ReceiptsHeld = "receipts-held",
    /// Arguments: what.
    Cancelled = "cancelled",
    /// Arguments: detail. A defect of ours.
    Internal = "internal",
}

/// Something that did not work. The sentence for a person is made from code and arguments, in their language.
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    scope: Scope,
    retry: Retry,
    args: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    #[must_use]
    pub fn new(code: Code, scope: Scope, retry: Retry) -> Error {
        Error(Box::new(Inner { code, scope, retry, args: Vec::new(), source: None }))
    }

    /// Adds a typed argument of the sentence. An argument that is already there stays (the one who knew first is nearest).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Error {
        if self.arg(name).is_none() {
            self.0.args.push((name, value.to_string()));
        }
        self
    }

    /// Adds what people know the event by.
    #[must_use]
    pub fn labelled(self, label: &Label) -> Error {
        label.args().fold(self, |error, (name, value)| error.with(name, value))
    }

    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// What is behind this error, by another name.
    #[must_use]
    pub fn renamed(mut self, code: Code) -> Error {
        self.0.code = code;
        self
    }

    /// The same error, reaching as far as this.
    #[must_use]
    pub fn reaching(mut self, scope: Scope) -> Error {
        self.0.scope = scope;
        self
    }

    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    #[must_use]
    pub fn args(&self) -> &[(&'static str, String)] {
        &self.0.args
    }

    #[must_use]
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.0.args.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The same error with another reach; used where a caller knows more than the place that met it.
    #[must_use]
    pub fn widened(mut self, scope: Scope) -> Error {
        self.0.scope = self.0.scope.max(scope);
        self
    }

    /// A defect of ours, met at run time.
    #[must_use]
    pub fn internal(detail: impl ToString) -> Error {
        Error::new(Code::Internal, Scope::Account, Retry::Soon).with("detail", detail)
    }
}

/// For logs: the code and its arguments. People get the sentence that `app` makes of them.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.as_str())?;
        // What people plan is nobody's business in a log.
        for (name, value) in self.0.args.iter().filter(|(name, _)| *name != Label::TITLE) {
            write!(f, " {name}={value:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?}, {:?})", self.0.scope, self.0.retry)?;
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
