//! Writes one message: its headers, its body, and the oddities that real mailboxes have.

use super::Shape;
use super::encode::{Charset, base64_lines, quoted_printable, words};
use super::random::Random;
use super::words::{FILES, PEOPLE, SENTENCES_EN, SENTENCES_RU, SUBJECTS_EN, SUBJECTS_RU};
use crate::server::dates::to_wire;
use parom_domain::InternalDate;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Ordinary,
    /// An attachment of 2 to 20 MB.
    Big,
    /// Every byte as in the message before.
    Duplicate,
    /// The Message-ID of the message before, and another body.
    SameId,
    NoMessageId,
    /// No body.
    HeadersOnly,
    /// A body and no header at all.
    NoHeaders,
    /// UTF-8 and KOI8-R in headers without any encoding.
    RawHeaders,
    /// A line of 20,000 characters.
    LongLine,
    /// A Message-ID of more than 470 characters.
    LongId,
    /// A header that is folded wherever it may be.
    Folded,
    /// No line end after the last line.
    NoLastLineEnd,
}

pub(super) const ODD: [Kind; 10] = [
    Kind::Duplicate,
    Kind::SameId,
    Kind::NoMessageId,
    Kind::HeadersOnly,
    Kind::NoHeaders,
    Kind::RawHeaders,
    Kind::LongLine,
    Kind::LongId,
    Kind::Folded,
    Kind::NoLastLineEnd,
];

/// What most of the message depends on.
struct Tone {
    russian: bool,
    charset: Charset,
}

pub(super) fn message(random: &mut Random, shape: &Shape, kind: Kind, date: InternalDate) -> Vec<u8> {
    let russian = random.below(10) < 7;
    let charset = match random.below(10) {
        0..=1 if russian => Charset::Koi8R,
        2..=4 if russian => Charset::Windows1251,
        _ => Charset::Utf8,
    };
    let tone = Tone { russian, charset };
    let size = match kind {
        Kind::Big => 2_000_000 + random.index(18_000_000),
        _ => random.size(shape.median_bytes).clamp(700, 1_900_000),
    };
    if kind == Kind::NoHeaders {
        let text = text(random, &tone, size);
        return [b"\r\n", tone.charset.encode(&text).as_slice()].concat();
    }
    let mut mail = head(random, shape, &tone, kind, date);
    match kind {
        // Not even the empty line is always there.
        Kind::HeadersOnly if random.below(2) == 0 => {}
        Kind::HeadersOnly => mail.extend_from_slice(b"\r\n"),
        Kind::LongLine => {
            let line: String = text(random, &tone, 60_000).replace("\r\n", " ").chars().take(20_000).collect();
            let part = part("text/plain", tone.charset, "8bit", &tone.charset.encode(&format!("{line}\r\n")));
            mail.extend_from_slice(&part);
        }
        _ => mail.extend_from_slice(&body(random, &tone, size, kind == Kind::Big)),
    }
    if kind == Kind::NoLastLineEnd {
        mail.extend_from_slice(b"--\r\nno line end here");
    }
    mail
}

/// The header without the fields that describe the body.
fn head(random: &mut Random, shape: &Shape, tone: &Tone, kind: Kind, date: InternalDate) -> Vec<u8> {
    let (name, address) = random.pick(&PEOPLE);
    let base = if tone.russian { random.pick(&SUBJECTS_RU) } else { random.pick(&SUBJECTS_EN) };
    let prefix = random.pick(&["", "", "", "Re: ", "Fwd: ", "RE: RE: "]);
    let number = random.below(9000) + 1000;
    let subject = if random.below(2) == 0 { format!("{prefix}{base}") } else { format!("{prefix}{base} №{number}") };
    let id_len = if kind == Kind::LongId { 480 } else { 16 };
    let id: String = (0..id_len / 16).map(|_| format!("{:016x}", random.number())).collect();
    let host = address.split('@').nth(1).unwrap_or("corp.example");
    let when = rfc5322(date);

    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut add = |line: String| lines.push(line.into_bytes());
    add(format!(
        "Received: from mx1.{host} (mx1.{host} [192.0.2.{}])\r\n\tby mail.corp.example with ESMTPS id {:08x};\r\n\t{when}",
        number % 250,
        number * 7919
    ));
    add(format!("Date: {when}"));
    if kind != Kind::NoMessageId {
        add(format!("Message-ID: <{id}@{host}>"));
    }
    match kind {
        Kind::RawHeaders => {
            add(format!("From: {name} <{address}>"));
            lines.push(
                [b"Subject: ".as_slice(), &Charset::Koi8R.encode(&format!("Тема без кодировки {number}"))].concat(),
            );
            lines.push(format!("To: {}", shape.owner).into_bytes());
        }
        Kind::Folded => {
            add(format!("From:\r\n {}\r\n\t<{address}>", words(name, tone.charset)));
            add(format!(
                "Subject:{}",
                format!(" {subject} ")
                    .split(' ')
                    .filter(|word| !word.is_empty())
                    .map(|word| format!("\r\n {}", words(word, tone.charset)))
                    .collect::<String>()
            ));
            add(format!("To:\r\n\t{}", shape.owner));
        }
        _ => {
            add(format!("From: {} <{address}>", words(name, tone.charset)));
            add(format!("Subject: {}", words(&subject, tone.charset)));
            add(format!("To: {}", shape.owner));
        }
    }
    lines.push(b"X-Mailer: Sample 1.0".to_vec());
    lines.push(b"MIME-Version: 1.0\r\n".to_vec());
    lines.join(b"\r\n".as_slice())
}

/// From `Content-Type` on.
fn body(random: &mut Random, tone: &Tone, size: usize, big: bool) -> Vec<u8> {
    let plain = |random: &mut Random, size| {
        let text = tone.charset.encode(&text(random, tone, size));
        match random.below(4) {
            0 => part("text/plain", tone.charset, "base64", &base64_lines(&text)),
            1 => part("text/plain", tone.charset, "quoted-printable", &quoted_printable(&text)),
            _ => part("text/plain", tone.charset, "8bit", &text),
        }
    };
    if big || (size > 6_000 && random.below(3) > 0) {
        let letter = plain(random, 800);
        let file = attachment(random, tone, size);
        return multipart(random, "mixed", &[letter, file]);
    }
    if random.below(2) == 0 {
        return plain(random, size);
    }
    let text = text(random, tone, size / 4);
    let html = format!(
        "<html><head><meta charset=\"{}\"></head><body>\r\n<p>{}</p>\r\n</body></html>\r\n",
        tone.charset.name(),
        text.replace("\r\n\r\n", "</p>\r\n<p style=\"margin: 0; font-family: sans-serif\">")
    );
    let letter = part("text/plain", tone.charset, "8bit", &tone.charset.encode(&text));
    let html = part("text/html", tone.charset, "quoted-printable", &quoted_printable(&tone.charset.encode(&html)));
    multipart(random, "alternative", &[letter, html])
}

fn part(kind: &str, charset: Charset, encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let head =
        format!("Content-Type: {kind}; charset={}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n", charset.name());
    [head.as_bytes(), bytes].concat()
}

fn attachment(random: &mut Random, tone: &Tone, size: usize) -> Vec<u8> {
    let (name, kind) = random.pick(&FILES);
    let name = words(name, tone.charset);
    let head = format!(
        "Content-Type: {kind};\r\n name=\"{name}\"\r\nContent-Disposition: attachment;\r\n filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    // Base64 makes four bytes of three.
    [head.as_bytes(), &base64_lines(&random.bytes(size / 4 * 3))].concat()
}

fn multipart(random: &mut Random, kind: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let boundary = format!("=_{:016x}", random.number());
    let mut out =
        format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\nThis is a multipart message.\r\n")
            .into_bytes();
    for part in parts {
        out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

/// Paragraphs of about so many bytes, in lines of at most some seventy characters.
fn text(random: &mut Random, tone: &Tone, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 200);
    while text.len() < bytes {
        let mut column = 0;
        for _ in 0..=random.below(4) {
            let sentence = if tone.russian { random.pick(&SENTENCES_RU) } else { random.pick(&SENTENCES_EN) };
            for word in sentence.split(' ') {
                let len = word.chars().count() + 1;
                if column + len > 72 {
                    text.push_str("\r\n");
                    column = 0;
                } else if column > 0 {
                    text.push(' ');
                }
                text.push_str(word);
                column += len;
            }
        }
        text.push_str("\r\n\r\n");
    }
    text
}

/// As in `Mon, 01 Jan 2024 10:20:30 +0300`.
fn rfc5322(date: InternalDate) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let day = (date.unix_s + i64::from(date.offset_min) * 60).div_euclid(86_400).rem_euclid(7);
    let name = usize::try_from(day).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or("Thu");
    format!("{name}, {}", to_wire(date).trim_start().replacen('-', " ", 2))
}
