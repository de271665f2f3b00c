//! The exit codes: what scripts may rely on. One table; the help text and the reference are made from it.

use parom_domain::Code;
use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for is done. Parked messages do not change that: they are told plainly and counted.
    Done = 0,
    /// A defect of ours, or an output that cannot be written.
    Internal = 1,
    /// The command line, the configuration or a secret has to be corrected.
    Usage = 2,
    /// Some accounts are not in step, for reasons that differ or lie in single folders.
    NotInStep = 3,
    /// A server cannot be reached, is not allowed, or refused the sign-in.
    Server = 4,
    /// The state is locked, full, damaged, newer than this program, or cannot be opened.
    State = 5,
    /// A brake holds operations until they are released.
    Held = 6,
    /// `parom verify` found differences.
    Differences = 7,
    /// Stopped by Ctrl-C, SIGTERM or SIGHUP; what was begun is finished by the next run.
    Interrupted = 130,
}

impl Exit {
    pub const ALL: [Exit; 9] = [
        Exit::Done,
        Exit::Internal,
        Exit::Usage,
        Exit::NotInStep,
        Exit::Server,
        Exit::State,
        Exit::Held,
        Exit::Differences,
        Exit::Interrupted,
    ];

    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What the code of an error comes to for a script.
    #[must_use]
    pub fn of(code: Code) -> Exit {
        match code {
            Code::HostNotFound
            | Code::CannotConnect
            | Code::HostNotAllowed
            | Code::NoTls
            | Code::TlsFailed
            | Code::CertificateRefused
            | Code::SignInRefused
            | Code::SignInHeld
            | Code::NoMechanism
            | Code::ConnectionLost
            | Code::TimedOut
            | Code::ProtocolError
            | Code::Throttled
            | Code::AnswerUnexpected
            | Code::CalendarRedirected
            | Code::ImpersonationDenied
            | Code::MailboxMissing
            | Code::ServerUnavailable => Exit::Server,
            Code::FolderCannotOpen
            | Code::FolderGone
            | Code::ValidityChanged
            | Code::FolderRefused
            | Code::ListingIncomplete
            | Code::HiddenFolderUnreached
            | Code::HiddenFolderUnnumbered
            | Code::MessageRefused
            | Code::MessageTooLarge
            | Code::MessageUnreadable
            | Code::MessageSubstituted
            | Code::QuotaFull
            | Code::ChangeRefused
            | Code::MoveRefused
            | Code::MarksWithheld
            | Code::DeletionWithheld
            | Code::OthersMarkedDeleted
            | Code::EventChanged
            | Code::EventExists
            | Code::EventUnfit
            | Code::EventRefused
            | Code::EventTroubled
            | Code::EventForbidden
            | Code::EventLocked
            | Code::EventNotRemoved
            | Code::EventTooLarge
            | Code::EventUnreadable
            | Code::EventDoubled
            | Code::EventRestless
            | Code::EventHalf
            | Code::CalendarGone
            | Code::CalendarIncomplete
            | Code::CalendarRefused
            | Code::SieveExtensionMissing
            | Code::SieveScriptInTheWay
            | Code::SieveScriptAnswers
            | Code::SieveNameTaken
            | Code::SieveScriptRefused
            | Code::CalendarUnpaired
            | Code::LeaseLost => Exit::NotInStep,
            Code::StateUnavailable | Code::StateFull | Code::StateLocked | Code::StateNewer | Code::StateDamaged => {
                Exit::State
            }
            Code::SecretMissing
            | Code::SecretUnreadable
            | Code::AccountUnknown
            | Code::AccountDomainMissing
            | Code::AccountPasswordMissing
            | Code::AccountServiceLoginMissing
            | Code::CalendarsNotConfigured
            | Code::SieveNotConfigured
            | Code::NtlmLeftOut
            | Code::NtlmOwnMailbox
            | Code::SameMailbox
            | Code::MailboxShared => Exit::Usage,
            Code::Braked | Code::ReceiptsHeld | Code::OtherMailbox => Exit::Held,
            Code::Cancelled => Exit::Interrupted,
            Code::Internal => Exit::Internal,
        }
    }

    /// The exit code of many accounts together: the common one where all that failed agree, else [`Exit::NotInStep`].
    /// Being stopped outweighs everything, because nothing can be concluded from the rest.
    #[must_use]
    pub fn together(all: impl IntoIterator<Item = Exit>) -> Exit {
        let mut common = Exit::Done;
        for exit in all {
            common = match (common, exit) {
                (Exit::Interrupted, _) | (_, Exit::Interrupted) => Exit::Interrupted,
                (common, Exit::Done) => common,
                (Exit::Done, exit) => exit,
                (common, exit) if common == exit => common,
                _ => Exit::NotInStep,
            };
        }
        common
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_that_fail_alike_keep_their_code() {
        use Exit::*;
        assert_eq!(Exit::together([]), Done);
        assert_eq!(Exit::together([Done, Server, Done, Server]), Server);
        assert_eq!(Exit::together([Server, Held]), NotInStep);
        assert_eq!(Exit::together([Server, Held, Interrupted, Done]), Interrupted);
    }
}
