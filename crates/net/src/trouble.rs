//! What a broken connection means, and what a server says as people may read it, whatever is spoken.

use parom_domain::{Code, Error, Retry, Scope};
use std::io;
use std::time::Duration;

/// The connection broke while it was spoken over.
#[must_use]
pub fn broken(host: &str, error: io::Error) -> Error {
    closed(host, &error.kind().to_string()).caused_by(error)
}

/// The connection ended without an error.
#[must_use]
pub fn closed(host: &str, detail: &str) -> Error {
    Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("host", host).with("detail", detail)
}

/// Nothing came within `patience` after `command`.
#[must_use]
pub fn timed_out(host: &str, patience: Duration, command: impl ToString) -> Error {
    let error = Error::new(Code::TimedOut, Scope::Account, Retry::Soon).with("host", host);
    error.with("seconds", patience.as_secs()).with("command", command)
}

/// What a server says, for people: one line, printable, not endless.
#[must_use]
pub fn printable(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_one_line_of_a_bounded_length() {
        assert_eq!(printable(" a\r\n  b\u{1b}[2J "), "a b[2J");
        assert_eq!(printable(&"ы".repeat(1000)), "ы".repeat(300));
    }
}
