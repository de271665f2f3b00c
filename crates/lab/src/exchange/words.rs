//! The engine's answers in Exchange's words.
//!
//! Completions from MailKit and offlineimap transcripts; `doesn't exist.` from rainloop #1777, `Command received in
//! Invalid state.` from imapsync's FAQ.Exchange and go-imap #11, `Command Argument Error. 11` and `Server Unavailable. 15`
//! from imapsync #5 and #161 (rows 15 and 27), `Connection closed. 14` from MailKit #849 (row 12), `Connection is closed.
//! 13` from the logs of clients that were idle (row 14).

use crate::server::manners::Spoken;
use crate::server::session::Failure;

pub(super) const ARGUMENT_ERROR: &str = "Command Argument Error. 11";
pub(super) const UNKNOWN: &str = "Command Error. 12";
pub(super) const INVALID_STATE: &str = "Command received in Invalid state.";
pub(super) const UNAVAILABLE: &str = "Server Unavailable. 15";
pub(super) const NOT_CONNECTED: &str = "User is authenticated but not connected.";
pub(super) const CLOSED: &str = "Connection closed. 14";
pub(super) const WEARY: &str = "Connection is closed. 13";
pub(super) const KEYWORDS: &str = "NO Keywords are not supported";

pub(super) fn throttled(backoff_ms: u64) -> String {
    format!("Request is throttled. Suggested Backoff Time: {backoff_ms} milliseconds")
}

pub(super) fn sign_in_failed(mechanism: &str) -> Failure {
    let command = if mechanism == "LOGIN" { "LOGIN" } else { "AUTHENTICATE" };
    Failure::No(format!("{command} failed."))
}

/// The text behind OK.
pub(super) fn completed(spoken: &Spoken, text: &str) -> String {
    let name = spoken.command.strip_prefix("UID ").unwrap_or(spoken.command);
    // Exchange has no code for capabilities.
    let code = code(text).filter(|code| !code.starts_with("[CAPABILITY"));
    match code {
        Some(code) => format!("{code} {name} completed."),
        None => format!("{name} completed."),
    }
}

pub(super) fn refused(spoken: &Spoken, failure: Failure) -> Failure {
    let no = |text: &str| Failure::No(text.to_owned());
    let bad = |text: &str| Failure::Bad(text.to_owned());
    match failure {
        Failure::No(text) => match code(&text).and_then(|code| code.split([' ', ']']).next()).unwrap_or_default() {
            "[NONEXISTENT" => no(&format!("{} doesn't exist.", spoken.mailbox)),
            "[TRYCREATE" => no(&format!("[TRYCREATE] {} doesn't exist.", spoken.mailbox)),
            "[ALREADYEXISTS" => no(&format!("{} already exists.", spoken.mailbox)),
            "[TOOBIG" => no("Maximum size of appendable message has been exceeded."),
            "[OVERQUOTA" => no(UNAVAILABLE),
            "[READ-ONLY" => no(INVALID_STATE),
            "[BADCHARSET" => no("[BADCHARSET (US-ASCII)] The specified charset is not supported."),
            "[EXPUNGEISSUED" => bad("The specified message set is invalid."),
            "[CANNOT" => bad(ARGUMENT_ERROR),
            _ => no(&text),
        },
        Failure::Bad(text) if is_ours(&text) => Failure::Bad(text),
        Failure::Bad(text) => match text.as_str() {
            "sign in first" | "select a mailbox first" | "signed in already" => bad(INVALID_STATE),
            "no such sequence number" => bad("The specified message set is invalid."),
            unknown if unknown.starts_with("unknown command") => bad(UNKNOWN),
            _ => bad(ARGUMENT_ERROR),
        },
        other => other,
    }
}

fn is_ours(text: &str) -> bool {
    text.starts_with("Request is throttled")
        || [ARGUMENT_ERROR, UNKNOWN, INVALID_STATE, UNAVAILABLE, NOT_CONNECTED].contains(&text)
}

/// The response code at the beginning, in brackets.
fn code(text: &str) -> Option<&str> {
    let end = text.starts_with('[').then(|| text.find(']')).flatten()?;
    text.get(..=end)
}
