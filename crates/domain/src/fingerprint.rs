//! What a message is, from its headers alone: the same on both sides, whatever UID it has there.

use std::fmt;

/// The version of the recipe below. It is part of the hash, so that a stored fingerprint never meets one made otherwise.
const VERSION: u8 = 1;

/// The header fields a fingerprint is made of, in the order in which they are hashed. `Received` counts once: the
/// first, which is the last hop's, because forwarding agents only ever add above it.
pub const FIELDS: [&str; 5] = ["Message-ID", "Date", "From", "Subject", "Received"];

/// A 128-bit hash of [`FIELDS`], white space folded. Equal headers with different bodies have equal fingerprints;
/// where that matters, sizes and content hashes tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Reads the header block of a message (all of it, the wanted fields only, or the whole message: reading stops at the
    /// first empty line). Line ends may be CRLF or LF; a message without any of the fields has a fingerprint too.
    #[must_use]
    pub fn of_headers(bytes: &[u8]) -> Fingerprint {
        let mut found: [Option<Vec<u8>>; 5] = Default::default();
        for (name, value) in fields(bytes) {
            let wanted = FIELDS.iter().position(|field| field.as_bytes().eq_ignore_ascii_case(name));
            if let Some(slot) = wanted.and_then(|at| found.get_mut(at))
                && slot.is_none()
            {
                *slot = Some(folded(value));
            }
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[VERSION]);
        for value in &found {
            match value {
                // The length goes first, so that no two different lists of values run together.
                Some(value) => hasher.update(&(value.len() as u64 + 1).to_le_bytes()).update(value),
                None => hasher.update(&0u64.to_le_bytes()),
            };
        }
        let mut short = [0; 16];
        short.copy_from_slice(hasher.finalize().as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
        Fingerprint(short)
    }

    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Fingerprint {
        Fingerprint(bytes)
    }

    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Of a message of which no more than [`Fingerprint::short`] is known. It equals no fingerprint, but its short form does.
    #[must_use]
    pub fn of_short(short: u64) -> Fingerprint {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(short.to_le_bytes().into_iter().take(6)) {
            *to = from;
        }
        Fingerprint(bytes)
    }

    /// The first 48 bits, as links keep them: enough to tell the messages of one mailbox apart (a false match among a
    /// million messages has a chance below 0.2 %, and every use of it checks the size too).
    #[must_use]
    pub fn short(self) -> u64 {
        let mut bytes = [0u8; 8];
        for (to, from) in bytes.iter_mut().zip(self.0.iter().take(6)) {
            *to = *from;
        }
        u64::from_le_bytes(bytes)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The fields of a header block as (name, raw value with its folding), tolerant of anything.
fn fields(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let mut end = line_end(rest);
            let line = rest.get(..end)?;
            if line.is_empty() || line == b"\r\n" || line == b"\n" {
                return None;
            }
            // Folded lines belong to the field.
            while rest.get(end).is_some_and(|byte| *byte == b' ' || *byte == b'\t') {
                end += line_end(rest.get(end..)?);
            }
            let field = rest.get(..end)?;
            rest = rest.get(end..)?;
            if let Some(colon) = field.iter().position(|byte| *byte == b':') {
                let name = field.get(..colon)?.trim_ascii();
                return Some((name, field.get(colon + 1..)?));
            }
        }
    })
}

fn line_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1)
}

/// Every run of white space becomes one space; none at the ends.
fn folded(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for word in value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAIL: &[u8] = b"Received: from b\r\n\tby c\r\nReceived: from a\r\nMessage-ID: <1@x>\r\nFrom: A <a@x>\r\nSubject: one two\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nbody: no header\r\n";

    #[test]
    fn order_folding_case_and_line_ends_do_not_matter() {
        let same = b"subject: one\n  two\nDATE: Mon, 1 Jan 2024 00:00:00 +0000\nFrom:A <a@x>\nMessage-Id:   <1@x>\nReceived: from b by c\n";
        assert_eq!(Fingerprint::of_headers(MAIL), Fingerprint::of_headers(same));
    }

    #[test]
    fn each_field_matters_and_the_body_does_not() {
        let base = Fingerprint::of_headers(MAIL);
        let text = String::from_utf8(MAIL.to_vec()).unwrap();
        for (from, to) in
            [("<1@x>", "<2@x>"), ("one two", "one"), ("A <a@x>", "B <a@x>"), ("1 Jan", "2 Jan"), ("by c", "by d")]
        {
            assert_ne!(Fingerprint::of_headers(text.replacen(from, to, 1).as_bytes()), base, "{from}");
        }
        assert_eq!(Fingerprint::of_headers(text.replace("no header", "other").as_bytes()), base);
    }

    #[test]
    fn what_is_known_in_short_is_equal_in_short() {
        let whole = Fingerprint::of_headers(MAIL);
        assert_eq!(Fingerprint::of_short(whole.short()).short(), whole.short());
        assert_ne!(Fingerprint::of_short(whole.short()), whole);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Fingerprint::of_headers(&bytes);
        }
    }
}
