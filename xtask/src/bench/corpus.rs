//! The mail that is copied: written straight into a Dovecot's Maildir, the same for every run.

use crate::Result;
use crate::live::Account;
use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How much mail, in how many folders.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub messages: u64,
    pub folders: u64,
    /// One message in so many is of 2-20 MB; 0: none.
    pub big_one_in: u64,
    /// Every message has exactly this size, if not 0.
    pub fixed_bytes: u64,
    pub body: Body,
}

/// What the bodies are like, for whoever packs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Random base64: mail that packs as badly as attachments do.
    Attachment,
    /// Words, some much more often than others.
    Text,
}

/// The shape of the first-copy scenario: 20,000 messages, about 700 MB.
pub const MAILBOX: Shape =
    Shape { messages: 20_000, folders: 20, big_one_in: 650, fixed_bytes: 0, body: Body::Attachment };
/// The shape of the scenario with a long round trip.
pub const FAR_MAILBOX: Shape =
    Shape { messages: 2_000, folders: 20, big_one_in: 0, fixed_bytes: 0, body: Body::Attachment };
/// One of the hundred small mailboxes.
pub const SMALL_MAILBOX: Shape =
    Shape { messages: 200, folders: 5, big_one_in: 0, fixed_bytes: 0, body: Body::Attachment };
/// One message of 200 MB.
pub const HUGE_MESSAGE: Shape =
    Shape { messages: 1, folders: 1, big_one_in: 0, fixed_bytes: 200 << 20, body: Body::Attachment };

/// Writes the mail of one user below `home` (its `Maildir`). Returns the bytes written.
pub fn write(account: &Account, home: &Path, shape: Shape, seed: u64) -> Result<u64> {
    let maildir = home.join("Maildir");
    let mut randomness = Randomness(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let filler = filler(&mut randomness, shape.body);
    let mut total = 0;
    for number in 0..shape.folders {
        let folder = if number == 0 { maildir.clone() } else { maildir.join(format!(".Folder {number:02}")) };
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part))?;
        }
        if number > 0 {
            File::create(folder.join("maildirfolder"))?;
        }
        let first = shape.messages * number / shape.folders;
        let last = shape.messages * (number + 1) / shape.folders;
        for message in first..last {
            let body_bytes = size(&mut randomness, shape, message);
            total += write_message(&folder, &filler, message, body_bytes, &mut randomness)?;
        }
    }
    account.own_all(home)?;
    Ok(total)
}

fn size(randomness: &mut Randomness, shape: Shape, message: u64) -> u64 {
    if shape.fixed_bytes > 0 {
        return shape.fixed_bytes;
    }
    if shape.big_one_in > 0 && message % shape.big_one_in == shape.big_one_in / 2 {
        return (2 << 20) + randomness.below(18 << 20);
    }
    randomness.log_normal(12_000.0, 1.0).clamp(300, 1 << 20)
}

/// Writes one file as Dovecot does: LF line ends, sizes in the name, INTERNALDATE as the time of modification.
fn write_message(
    folder: &Path,
    filler: &[u8],
    number: u64,
    body_bytes: u64,
    randomness: &mut Randomness,
) -> Result<u64> {
    let head = format!(
        "Received: from mx.corp.example by mail.corp.example with ESMTP id {number:x}.{:x}\n\
         Message-ID: <{number}.{:x}@corp.example>\nDate: Tue, 05 Mar 2024 10:{:02}:{:02} +0300\n\
         From: Anna Petrova <anna@corp.example>\nTo: Boris Ivanov <boris@corp.example>\nSubject: Report {number}\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n",
        randomness.next(),
        randomness.next(),
        randomness.below(60),
        randomness.below(60),
    );
    // Whole lines of 73 bytes from a random place of the filler, as often around as it takes.
    let lines = body_bytes / LINE_BYTES + 1;
    let mut text = Vec::with_capacity(head.len() + usize::try_from(lines * LINE_BYTES)?);
    text.extend_from_slice(head.as_bytes());
    let mut start = usize::try_from(randomness.below(FILLER_LINES) * LINE_BYTES)?;
    let mut left = usize::try_from(lines * LINE_BYTES)?;
    while left > 0 {
        let piece = filler.get(start..).unwrap_or_default();
        let piece = piece.get(..left).unwrap_or(piece);
        text.extend_from_slice(piece);
        left -= piece.len();
        start = 0;
    }
    let line_ends = text.iter().filter(|byte| **byte == b'\n').count();
    let flags = ["S", "S", "S", "RS", "FS", ""].get(usize::try_from(randomness.below(6))?).copied().unwrap_or("");
    let seconds = 1_500_000_000 + number * 977;
    let name = format!("cur/{seconds}.M{number}P1.bench,S={},W={}:2,{flags}", text.len(), text.len() + line_ends);
    let mut file = File::create(folder.join(name))?;
    file.write_all(&text)?;
    file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))?;
    Ok(text.len() as u64)
}

const LINE_BYTES: u64 = 73;
const FILLER_LINES: u64 = 8192;

/// Lines of which the bodies are cut.
fn filler(randomness: &mut Randomness, body: Body) -> Vec<u8> {
    match body {
        Body::Attachment => attachment(randomness),
        Body::Text => prose(randomness),
    }
}

/// So many different words make a text.
const WORDS: u64 = 4_000;

/// Lines of words. Deflate takes about as much out of them as out of real letters.
fn prose(randomness: &mut Randomness) -> Vec<u8> {
    const LETTERS: &[u8] = b"eeeeettttaaaooiinnsshhrrdlcumwfgypbvk";
    let word = |randomness: &mut Randomness| -> Vec<u8> {
        let letters = 2 + randomness.below(4) + randomness.below(5);
        let letter = |randomness: &mut Randomness| {
            let at = usize::try_from(randomness.below(LETTERS.len() as u64)).unwrap_or(0);
            LETTERS.get(at).copied().unwrap_or(b'e')
        };
        (0..letters).map(|_| letter(randomness)).collect()
    };
    let words: Vec<Vec<u8>> = (0..WORDS).map(|_| word(randomness)).collect();
    let mut text = Vec::new();
    for _ in 0..FILLER_LINES {
        let mut line = Vec::new();
        while line.len() < 72 {
            // The first words of the list are by far the most frequent, as in every language.
            let at = (0..3).fold(WORDS, |limit, _| randomness.below(limit) + 1) - 1;
            line.extend_from_slice(usize::try_from(at).ok().and_then(|at| words.get(at)).map_or(b"a", |word| word));
            line.push(b' ');
        }
        line.truncate(72);
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    text
}

fn attachment(randomness: &mut Randomness) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for _ in 0..FILLER_LINES {
        for _ in 1..LINE_BYTES {
            let at = usize::try_from(randomness.below(64)).unwrap_or(0);
            text.push(ALPHABET.get(at).copied().unwrap_or(b'A'));
        }
        text.push(b'\n');
    }
    text
}

/// A small generator (xorshift64*), so that a corpus is the same everywhere.
struct Randomness(u64);

impl Randomness {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit.max(1)
    }

    /// Log-normal with this median and sigma, by the central limit theorem.
    fn log_normal(&mut self, median: f64, sigma: f64) -> u64 {
        let sum: f64 = (0..12).map(|_| self.below(1 << 30) as f64 / f64::from(1 << 30)).sum();
        (median * (sigma * (sum - 6.0)).exp()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_lie_around_the_median_and_add_up_to_what_the_scenario_says() {
        let mut randomness = Randomness(42);
        let sizes: Vec<u64> = (0..20_000).map(|message| size(&mut randomness, MAILBOX, message)).collect();
        let total: u64 = sizes.iter().sum();
        assert!((600 << 20..800 << 20).contains(&total), "{total}");
        let mut sorted = sizes;
        sorted.sort_unstable();
        let median = sorted[10_000];
        assert!((11_000..13_000).contains(&median), "{median}");
    }
}
