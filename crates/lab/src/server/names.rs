//! Mailbox names on the wire: modified UTF-7, quoting, LIST patterns.

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use parom_domain::FolderPath;

/// Modified base64 (RFC 3501 section 5.1.3): a comma for the slash, no padding.
const MODIFIED: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
);

/// A name as a quoted string, in modified UTF-7 unless the client has enabled UTF8=ACCEPT.
pub(super) fn quoted(name: &str, utf8: bool) -> String {
    let encoded = if utf8 { name.to_owned() } else { to_utf7(name) };
    format!("\"{}\"", encoded.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn to_utf7(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let plain = |c: char| (' '..='~').contains(&c);
        let end = rest.find(|c| plain(c) != plain(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if plain(first) {
            out.push_str(&run.replace('&', "&-"));
        } else {
            let utf16: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
            out.push('&');
            MODIFIED.encode_string(utf16, &mut out);
            out.push('-');
        }
        rest = after;
    }
    out
}

/// `None` for what no encoder would have written.
pub(super) fn from_utf7(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((plain, coded)) = rest.split_once('&') {
        out.push_str(plain);
        let (coded, after) = coded.split_once('-')?;
        if coded.is_empty() {
            out.push('&');
        } else {
            let bytes = MODIFIED.decode(coded).ok().filter(|bytes| bytes.len() % 2 == 0)?;
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte)))
                .collect();
            out.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// The folder that a decoded name stands for; `None` where it has an empty or unprintable segment.
pub(super) fn path(name: &str, delimiter: char) -> Option<FolderPath> {
    let printable = !name.chars().any(char::is_control);
    printable.then(|| FolderPath::new(name.split(delimiter))).flatten()
}

/// The decoded name of a folder.
pub(super) fn name(path: &FolderPath, delimiter: char) -> String {
    path.segments().join(delimiter.encode_utf8(&mut [0; 4]))
}

/// Does the LIST pattern cover this name? `*` covers anything, `%` all but the delimiter.
pub(super) fn matches(pattern: &str, name: &str, delimiter: char) -> bool {
    let Some(wanted) = pattern.chars().next() else { return name.is_empty() };
    let after = pattern.get(wanted.len_utf8()..).unwrap_or_default();
    if wanted == '*' || wanted == '%' {
        let ends = name.char_indices().take_while(|(_, c)| wanted == '*' || *c != delimiter);
        let last = ends.clone().last().map_or(0, |(at, c)| at + c.len_utf8());
        return ends
            .map(|(at, _)| at)
            .chain([last])
            .any(|at| matches(after, name.get(at..).unwrap_or_default(), delimiter));
    }
    name.strip_prefix(wanted).is_some_and(|rest| matches(after, rest, delimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf7_goes_both_ways() {
        for (name, wire) in [
            ("Входящие", "&BBIERQQ+BDQETwRJBDgENQ-"),
            ("R&D", "R&-D"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("a&б&c", "a&-&BDE-&-c"),
            ("😀", "&2D3eAA-"),
            ("plain \"quoted\" \\ % *", "plain \"quoted\" \\ % *"),
            ("", ""),
        ] {
            assert_eq!(to_utf7(name), wire);
            assert_eq!(from_utf7(wire).as_deref(), Some(name));
        }
        for wire in ["&", "&abc", "&AA-", "&2D0-", "&!-"] {
            assert_eq!(from_utf7(wire), None, "{wire}");
        }
        assert_eq!(quoted("a\"\\", false), r#""a\"\\""#);
    }

    #[test]
    fn patterns_cover_what_they_should() {
        for (pattern, name, covered) in [
            ("*", "a/b/c", true),
            ("%", "a/b", false),
            ("%", "a", true),
            ("a/%", "a/b", true),
            ("a/%", "a/b/c", false),
            ("a*c", "a/b/c", true),
            ("%/%", "ж/щ", true),
            ("", "a", false),
            ("a", "a", true),
            ("*b", "b", true),
        ] {
            assert_eq!(matches(pattern, name, '/'), covered, "{pattern} {name}");
        }
    }
}
