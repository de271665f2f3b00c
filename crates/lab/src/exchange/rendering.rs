//! Rows 17 to 19: a message is kept as properties, and its bytes are made anew for each who reads them.
//!
//! What changes here is what reports tell of: the order of fields, folding, fields of Exchange's own, transfer encodings,
//! boundaries, the protection of encrypted mail (gpgit PR #6). What a decoded part says does not change.

use super::quirks::Rendering;
use crate::server::message::{field, fields, header_len};
use bytes::Bytes;
use std::collections::BTreeMap;

/// These come first, in this order.
const FIRST: [&str; 6] = ["From", "To", "CC", "Subject", "Date", "Message-ID"];

/// These come last.
const LAST: [&str; 3] = ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"];

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

impl Rendering {
    pub(super) fn of(self, message: &Bytes) -> Bytes {
        match self {
            Rendering::AsGiven => message.clone(),
            Rendering::Rewritten { seed } => rewritten(message, seed),
        }
    }
}

/// The message as Exchange would write it. The same seed makes the same bytes.
fn rewritten(message: &Bytes, seed: u32) -> Bytes {
    let header = message.get(..header_len(message)).unwrap_or_default();
    let body = message.get(header.len()..).unwrap_or_default();
    let all: Vec<(&[u8], &[u8])> = fields(message).collect();
    if all.is_empty() {
        return message.clone();
    }
    let boundaries = new_boundaries(message, seed);
    let quotes = wants_quoting(message);

    let mut out: Vec<u8> = Vec::with_capacity(message.len() + message.len() / 16 + 512);
    let is = |name: &[u8], known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
    let named = |wanted: &'static str| all.iter().filter(move |(name, _)| is(name, &wanted));
    for (_, field) in all.iter().filter(|(name, _)| is(name, &"Received")) {
        out.extend_from_slice(&with_line_end(field));
    }
    for (_, field) in FIRST.iter().flat_map(|wanted| named(wanted)) {
        out.extend_from_slice(&folded(field));
    }
    let others = all
        .iter()
        .filter(|(name, _)| !is(name, &"Received") && !FIRST.iter().chain(&LAST).any(|known| is(name, known)));
    for (_, field) in others {
        out.extend_from_slice(&with_line_end(field));
    }
    out.extend_from_slice(b"X-MS-Has-Attach:\r\nX-MS-TNEF-Correlator:\r\n");
    for (name, field) in LAST.iter().flat_map(|wanted| named(wanted)) {
        if quotes && is(name, &"Content-Transfer-Encoding") {
            continue;
        }
        out.extend_from_slice(&unprotected(&renamed(&with_line_end(field), &boundaries)));
    }
    if quotes {
        out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if quotes {
        out.extend_from_slice(&quoted_printable(body));
    } else {
        out.extend_from_slice(&renamed(body, &boundaries));
    }
    out.into()
}

/// Row 17: the field that 2010 adds to what is flagged.
pub(super) fn flagged(message: &Bytes) -> Bytes {
    let mut out = b"X-Message-Flag: Flag for follow up\r\n".to_vec();
    out.extend_from_slice(message);
    out.into()
}

/// Row 18: an estimate, never right and the same each time.
pub(super) fn estimated(bytes: usize) -> u64 {
    let bytes = bytes as u64;
    bytes + bytes / 37 + 113
}

/// A single part of text that is not encoded yet.
fn wants_quoting(message: &[u8]) -> bool {
    let value = |name: &str| field(message, name).unwrap_or_default().to_ascii_lowercase();
    let (kind, encoding) = (value("Content-Type"), value("Content-Transfer-Encoding"));
    (kind.is_empty() || kind.starts_with(b"text/")) && matches!(encoding.as_slice(), b"" | b"7bit" | b"8bit")
}

/// Each boundary in the message with the one that takes its place.
fn new_boundaries(message: &[u8], seed: u32) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut boundaries = BTreeMap::new();
    if !has_parts(message) {
        return boundaries;
    }
    for line in message.split(|byte| *byte == b'\n') {
        let Some(at) = boundary_in(line) else { continue };
        let value = line.get(at..).unwrap_or_default();
        let old: &[u8] = match value.strip_prefix(b"\"") {
            Some(quoted) => quoted.split(|byte| *byte == b'"').next().unwrap_or_default(),
            None => value.split(|byte| b"; \t\r".contains(byte)).next().unwrap_or_default(),
        };
        if old.is_empty() || old.len() > 70 {
            continue;
        }
        let hash = old
            .iter()
            .fold(HASH_START ^ u64::from(seed), |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        let new = format!("_{:03}_{hash:016x}corpexample_", boundaries.len());
        boundaries.entry(old.to_vec()).or_insert_with(|| new.into_bytes());
    }
    boundaries
}

fn has_parts(message: &[u8]) -> bool {
    let kind = field(message, "Content-Type").unwrap_or_default();
    kind.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/"))
}

/// Where the value of a boundary parameter begins.
fn boundary_in(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"boundary=";
    // Most lines are text or base64, and are told apart by their want of this sign.
    if !line.contains(&b'=') {
        return None;
    }
    find(&line.to_ascii_lowercase(), NAME).map(|at| at + NAME.len())
}

/// The text with all boundaries replaced, in parameters and in lines between parts.
fn renamed(text: &[u8], boundaries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    if boundaries.is_empty() {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len() + 64);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(&renamed_line(line, boundaries));
    }
    out
}

fn renamed_line(line: &[u8], boundaries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    if let Some(rest) = line.strip_prefix(b"--") {
        let ended = rest.trim_ascii_end();
        for (old, new) in boundaries {
            if let Some(tail @ (b"" | b"--")) = ended.strip_prefix(old.as_slice()) {
                return [b"--", new.as_slice(), tail, b"\r\n"].concat();
            }
        }
    }
    let Some(at) = boundary_in(line) else { return line.to_vec() };
    let (before, after) = line.split_at(at);
    let quote: &[u8] = if after.starts_with(b"\"") { b"\"" } else { b"" };
    let value = after.strip_prefix(quote).unwrap_or(after);
    // The longest that fits, because one boundary may begin like another.
    let fitting = boundaries.iter().filter(|(old, _)| value.starts_with(old)).max_by_key(|(old, _)| old.len());
    match fitting {
        Some((old, new)) => {
            let rest = value.get(old.len()..).unwrap_or_default();
            [before, b"\"", new, b"\"", rest.strip_prefix(quote).unwrap_or(rest)].concat()
        }
        None => line.to_vec(),
    }
}

/// Encrypted mail arrives as a mere mixture of parts.
fn unprotected(field: &[u8]) -> Vec<u8> {
    match find(&field.to_ascii_lowercase(), b"multipart/encrypted") {
        Some(at) => {
            let (before, after) = field.split_at(at);
            let after = after.get(b"multipart/encrypted".len()..).unwrap_or_default();
            [before, b"multipart/mixed", after].concat()
        }
        None => field.to_vec(),
    }
}

/// The field on one line as far as it goes, folded at blanks behind the 76th column.
fn folded(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len() + 8);
    let mut column = 0;
    let flat: Vec<u8> = field.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    for word in flat.split_inclusive(|byte| *byte == b' ') {
        if column > 0 && column + word.len() > 76 && out.last() == Some(&b' ') && !word.trim_ascii().is_empty() {
            out.pop();
            out.extend_from_slice(b"\r\n ");
            column = 1;
        }
        out.extend_from_slice(word);
        column += word.len();
    }
    with_line_end(&out)
}

fn with_line_end(field: &[u8]) -> Vec<u8> {
    [field.trim_ascii_end(), b"\r\n"].concat()
}

/// RFC 2045 section 6.7.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 8);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let ends = line.ends_with(b"\n");
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let mut column = 0;
        for (at, byte) in text.iter().enumerate() {
            let is_last = at + 1 == text.len();
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !is_last);
            let piece = if plain { vec![*byte] } else { format!("={byte:02X}").into_bytes() };
            if column + piece.len() > 75 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += piece.len();
            out.extend_from_slice(&piece);
        }
        if ends {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "MIME-Version: 1.0\r\nSubject: a\r\n b\r\nContent-Type: multipart/mixed;\r\n boundary=\"x\"\r\n\
        X-Own: 1\r\nFrom: a@corp.example\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=xy\r\n\r\n--xy\r\n\
        \r\none\r\n--xy--\r\n--x--\r\n";

    #[test]
    fn boundaries_and_fields_change_and_parts_stay() {
        let out = rewritten(&Bytes::from(MIXED), 1);
        let text = std::str::from_utf8(&out).unwrap();
        assert!(text.starts_with("From: a@corp.example\r\nSubject: a b\r\nX-Own: 1\r\nX-MS-Has-Attach:"), "{text}");
        for old in ["--x\r\n", "--xy", "boundary=xy", "boundary=\"x\"", "--x--"] {
            assert!(!text.contains(old), "{old} in {text}");
        }
        assert!(text.contains("\r\none\r\n--_00"), "{text}");
        assert_eq!(text.matches("--\r\n").count(), 2);
        assert_eq!(rewritten(&Bytes::from(MIXED), 1), out);
        assert_ne!(rewritten(&Bytes::from(MIXED), 2), out);
        // What is rewritten again changes its boundaries and nothing else that matters.
        assert_eq!(rewritten(&out, 1).len(), out.len() + b"X-MS-Has-Attach:\r\nX-MS-TNEF-Correlator:\r\n".len());
    }

    #[test]
    fn text_is_quoted_and_decodes_to_itself() {
        let mail = Bytes::from("Subject: x\r\n\r\nпривет = \r\n.\r\n".to_owned() + &"a".repeat(100));
        let out = rewritten(&mail, 1);
        let text = std::str::from_utf8(&out).unwrap();
        let (header, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(header.ends_with("Content-Transfer-Encoding: quoted-printable"));
        let expected =
            format!("=D0=BF=D1=80=D0=B8=D0=B2=D0=B5=D1=82 =3D=20\r\n.\r\n{}=\r\n{}", "a".repeat(75), "a".repeat(25));
        assert_eq!(body, expected);
    }

    #[test]
    fn long_fields_are_folded_and_short_ones_unfolded() {
        let long = format!("Subject: {}\r\n", ["word"; 30].join(" "));
        let out = folded(long.as_bytes());
        assert!(out.split(|byte| *byte == b'\n').all(|line| line.len() <= 77));
        assert_eq!(out.iter().filter(|byte| !b"\r\n".contains(byte)).count(), long.len() - 2);
        assert_eq!(folded(b"Subject: a\r\n b\r\n"), b"Subject: a b\r\n");
        assert_eq!(unprotected(b"Content-Type: Multipart/Encrypted; x"), b"Content-Type: multipart/mixed; x");
    }

    #[test]
    fn sizes_are_wrong_and_steady() {
        for bytes in [0, 1, 100, 1_000_000] {
            assert_ne!(estimated(bytes), bytes as u64);
            assert_eq!(estimated(bytes), estimated(bytes));
        }
    }
}
