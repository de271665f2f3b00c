//! Rows 26 and 27: which messages APPEND refuses, all with the same words.

use super::quirks::Quirks;
use super::words::ARGUMENT_ERROR;
use crate::server::message::{field, fields, header_len};
use crate::server::session::Failure;

/// The size is judged by the engine, when the literal is announced.
pub(super) fn accept(message: &[u8], quirks: &Quirks) -> Result<(), Failure> {
    let mut lines = message.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let has_long_line = quirks.line_bytes.is_some_and(|limit| lines.any(|line| line.len() >= limit));
    let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(byte);
    let has_control = quirks.refuses_control_bytes && message.iter().any(is_control);
    let is_receipt = field(message, "Subject").is_some_and(|subject| subject.starts_with(b"Read:"));
    let refused = has_long_line
        || has_control
        || (quirks.refuses_receipts && is_receipt)
        || (quirks.refuses_bad_headers && !begins_with_a_field(message));
    if refused { Err(Failure::Bad(ARGUMENT_ERROR.to_owned())) } else { Ok(()) }
}

fn begins_with_a_field(message: &[u8]) -> bool {
    let header = message.get(..header_len(message)).unwrap_or_default();
    let first = header.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let name = fields(message).next().map(|(name, _)| name).unwrap_or_default();
    !name.is_empty() && first.starts_with(name)
}

#[cfg(test)]
mod tests {
    use super::super::version::Version;
    use super::*;

    #[test]
    fn each_fault_is_found_and_each_can_be_forgiven() {
        let line = |len: usize| format!("Subject: x\r\n\r\n{}\r\n", "a".repeat(len)).into_bytes();
        for (mail, refused) in [
            (line(10_239), false),
            (line(10_240), true),
            (b"Subject: x\r\n\r\n\x01\r\n".to_vec(), true),
            (b"Subject: x\r\n\r\n\ttab\r\n".to_vec(), false),
            (b"Subject: Read: x\r\n\r\n".to_vec(), true),
            (b"no header\r\nSubject: x\r\n\r\n".to_vec(), true),
            (b"\r\nbody".to_vec(), true),
        ] {
            assert_eq!(accept(&mail, &Quirks::of(Version::E2016)).is_err(), refused);
            assert!(accept(&mail, &Quirks::none()).is_ok());
        }
    }
}
