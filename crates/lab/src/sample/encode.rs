//! The encodings of mail: Cyrillic charsets, encoded words, base64 and quoted-printable bodies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    #[default]
    Utf8,
    Koi8R,
    Windows1251,
}

/// The letters of KOI8-R from 0xC0 on; the capitals follow in the same order from 0xE0 on.
const KOI8_ORDER: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";

impl Charset {
    pub fn name(self) -> &'static str {
        match self {
            Charset::Utf8 => "utf-8",
            Charset::Koi8R => "koi8-r",
            Charset::Windows1251 => "windows-1251",
        }
    }

    /// What the charset lacks becomes a question mark.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Koi8R => text.chars().map(|c| ascii(c).unwrap_or_else(|| koi8(c))).collect(),
            Charset::Windows1251 => text.chars().map(|c| ascii(c).unwrap_or_else(|| windows1251(c))).collect(),
        }
    }
}

fn ascii(c: char) -> Option<u8> {
    u8::try_from(c).ok().filter(u8::is_ascii)
}

fn koi8(c: char) -> u8 {
    let place = |c: char| KOI8_ORDER.chars().position(|known| known == c).and_then(|at| u8::try_from(at).ok());
    let lower = c.to_lowercase().next().unwrap_or(c);
    match (place(lower), c) {
        (Some(at), _) if lower == c => 0xc0 + at,
        (Some(at), _) => 0xe0 + at,
        (None, 'ё') => 0xa3,
        (None, 'Ё') => 0xb3,
        _ => b'?',
    }
}

fn windows1251(c: char) -> u8 {
    let from_a = u8::try_from(u32::from(c).wrapping_sub(u32::from('А'))).ok().filter(|at| *at < 64);
    match (from_a, c) {
        (Some(at), _) => 0xc0 + at,
        (None, 'Ё') => 0xa8,
        (None, 'ё') => 0xb8,
        (None, '№') => 0xb9,
        (None, '«') => 0xab,
        (None, '»') => 0xbb,
        (None, '—') => 0x97,
        _ => b'?',
    }
}

/// A header value as encoded words (RFC 2047) of at most 75 characters, folded; plain ASCII stays as it is.
pub(super) fn words(text: &str, charset: Charset) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    // Twenty letters are forty bytes of UTF-8, and 56 of base64.
    let word = |part: &[char]| {
        let part: String = part.iter().collect();
        format!("=?{}?B?{}?=", charset.name(), STANDARD.encode(charset.encode(&part)))
    };
    chars.chunks(20).map(word).collect::<Vec<_>>().join("\r\n ")
}

/// Base64 in lines of 76.
pub(super) fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len() / 57 * 78 + 80);
    for line in bytes.chunks(57) {
        STANDARD.encode_string(line, &mut text);
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// Quoted-printable with soft line breaks; CRLF stays a line break.
pub(super) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    for line in bytes.split(|byte| *byte == b'\n') {
        if !out.is_empty() {
            out.extend_from_slice(b"\r\n");
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut column = 0;
        for (at, byte) in line.iter().enumerate() {
            let at_end = at + 1 == line.len();
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (*byte == b' ' && !at_end);
            let width = if plain { 1 } else { 3 };
            if column + width > 75 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += width;
            if plain {
                out.push(*byte);
            } else {
                out.extend_from_slice(format!("={byte:02X}").as_bytes());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_have_their_known_bytes() {
        assert_eq!(Charset::Koi8R.encode("Привет, ёж №"), b"\xf0\xd2\xc9\xd7\xc5\xd4, \xa3\xd6 ?");
        assert_eq!(Charset::Windows1251.encode("Привет, Ёж №"), b"\xcf\xf0\xe8\xe2\xe5\xf2, \xa8\xe6 \xb9");
    }

    #[test]
    fn encoded_words_are_short_and_complete() {
        assert_eq!(words("Re: order", Charset::Utf8), "Re: order");
        assert_eq!(words("Заказ", Charset::Utf8), "=?utf-8?B?0JfQsNC60LDQtw==?=");
        let long = words(&"Очень длинная тема ".repeat(5), Charset::Koi8R);
        assert!(long.split("\r\n ").all(|word| word.len() <= 75), "{long}");
    }

    #[test]
    fn bodies_are_encoded_by_the_book() {
        assert_eq!(quoted_printable("a=б \r\nend ".as_bytes()), b"a=3D=D0=B1=20\r\nend=20");
        let long = quoted_printable(&[0xff; 100]);
        assert!(long.split(|byte| *byte == b'\n').all(|line| line.len() <= 77));
        assert_eq!(base64_lines(&[0; 58]).len(), 78 + 6);
    }
}
