//! The parts of a message that FETCH and SEARCH ask for, as slices of its exact bytes.

use bytes::Bytes;

/// What stands between the brackets of `BODY[...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Whole,
    Header,
    Text,
    Fields { names: Vec<String>, inverted: bool },
}

impl Section {
    pub fn of(&self, message: &Bytes) -> Bytes {
        let header = header_len(message);
        match self {
            Section::Whole => message.clone(),
            Section::Header => message.slice(..header),
            Section::Text => message.slice(header..),
            Section::Fields { names, inverted } => {
                let mut chosen = Vec::new();
                for (name, field) in fields(message) {
                    let named = names.iter().any(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name));
                    if named != *inverted {
                        chosen.extend_from_slice(field);
                    }
                }
                // The empty line that ends a header belongs to the answer (RFC 3501 section 6.4.5).
                chosen.extend_from_slice(b"\r\n");
                chosen.into()
            }
        }
    }

    /// The section as the answer names it.
    pub fn to_wire(&self) -> String {
        match self {
            Section::Whole => String::new(),
            Section::Header => "HEADER".to_owned(),
            Section::Text => "TEXT".to_owned(),
            Section::Fields { names, inverted } => {
                let not = if *inverted { ".NOT" } else { "" };
                format!("HEADER.FIELDS{not} ({})", names.join(" "))
            }
        }
    }
}

/// The raw value of the first field of this name, folding included.
pub(crate) fn field<'a>(message: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let found = fields(message).find(|(name, _)| wanted.as_bytes().eq_ignore_ascii_case(name));
    found.and_then(|(name, field)| field.get(name.len()..)).map(|rest| rest.trim_ascii_start()).map(|rest| {
        // White space may stand before the colon in old mail.
        rest.strip_prefix(b":").unwrap_or(rest).trim_ascii()
    })
}

/// Does the subject contain this text, byte for byte?
pub(crate) fn subject_contains(message: &[u8], text: &str) -> bool {
    field(message, "Subject").is_some_and(|subject| contains(subject, text.as_bytes()))
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

/// As SEARCH compares: without regard to ASCII case.
pub(crate) fn contains_any_case(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

/// The length of the header with the empty line that ends it; all of a message without one.
pub(crate) fn header_len(message: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = message.get(at..).filter(|rest| !rest.is_empty()) {
        let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        at += line;
        if matches!(rest.get(..line), Some(b"\r\n" | b"\n")) {
            break;
        }
    }
    at
}

/// All fields as (name, the whole field with its name and line ends). A line that is no field belongs to the one before.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = message.get(..header_len(message)).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let mut end = line_len(rest)?;
            while matches!(rest.get(end), Some(b' ' | b'\t')) {
                end += line_len(rest.get(end..)?)?;
            }
            let (field, after) = rest.split_at_checked(end)?;
            rest = after;
            if let Some(colon) = field.iter().position(|byte| *byte == b':') {
                return Some((field.get(..colon)?.trim_ascii(), field));
            }
        }
    })
}

fn line_len(bytes: &[u8]) -> Option<usize> {
    (!bytes.is_empty()).then(|| bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: a\r\nSubject: one\r\n two\r\nX: y\r\n\r\nbody\r\n\r\nmore";

    fn part(section: &Section) -> Vec<u8> {
        section.of(&Bytes::from_static(MAIL)).to_vec()
    }

    #[test]
    fn sections_are_exact() {
        assert_eq!(part(&Section::Header), b"From: a\r\nSubject: one\r\n two\r\nX: y\r\n\r\n");
        assert_eq!(part(&Section::Text), b"body\r\n\r\nmore");
        let names = vec!["subject".to_owned(), "Date".to_owned()];
        assert_eq!(part(&Section::Fields { names: names.clone(), inverted: false }), b"Subject: one\r\n two\r\n\r\n");
        assert_eq!(part(&Section::Fields { names, inverted: true }), b"From: a\r\nX: y\r\n\r\n");
        assert_eq!(field(MAIL, "SUBJECT"), Some(&b"one\r\n two"[..]));
    }

    #[test]
    fn odd_messages_have_parts_too() {
        for (mail, header, text) in [
            (&b""[..], &b""[..], &b""[..]),
            (b"\r\nx", b"\r\n", b"x"),
            (b"A: b\r\n", b"A: b\r\n", b""),
            (b"a\nb: c\n\nd", b"a\nb: c\n\n", b"d"),
        ] {
            let mail = Bytes::from_static(mail);
            assert_eq!(Section::Header.of(&mail), header);
            assert_eq!(Section::Text.of(&mail), text);
        }
    }
}
