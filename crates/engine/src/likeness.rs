//! What tells that two messages are one: their headers; their size, where both sides keep what they were given; and where
//! that leaves a doubt, what they say.
//!
//! Exchange keeps properties and makes the bytes anew for each who asks: its sizes are estimates, and a message that was
//! appended never comes back as it was. There sizes say nothing, and content is what the decoded parts hold.

use crate::pass::Run;
use crate::read::{STRIKES, is_broken};
use crate::work::FolderWork;
use mail_parser::{Message, MessageParser, PartType};
use parom_domain::endpoint::{Body, BodyStream, Stamp};
use parom_domain::{Both, Code, Error, FolderPath, Result, Side, Uid, UidSet};

/// Longer messages are not taken into memory to look into them.
pub const MOST_PARSED: u64 = 32 << 20;

/// The headers of these messages.
pub async fn stamps(
    run: &Run<'_>,
    side: Side,
    folder: &FolderPath,
    validity: u32,
    uids: &UidSet,
) -> Result<Vec<Stamp>> {
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(evident(run, run.pass.sides[side].stamps(folder, validity, uids).await?))
}

/// Messages whose headers break the connection each time, with their size where the server tells it all the same.
pub type Unreadable = Vec<(Uid, Option<u64>)>;

/// The headers of these messages, whatever some of them do to the connection, and those that broke it each time.
pub async fn stamps_apart(
    run: &Run<'_>,
    side: Side,
    folder: &FolderPath,
    validity: u32,
    uids: &UidSet,
) -> Result<(Vec<Stamp>, Unreadable)> {
    let (mut all, mut unreadable) = (Vec::new(), Unreadable::new());
    let mut sets = vec![uids.clone()];
    while let Some(set) = sets.pop() {
        let uids: Vec<Uid> = set.iter().collect();
        match stamps(run, side, folder, validity, &set).await {
            Ok(stamps) => all.extend(stamps),
            Err(error) if !is_broken(&error) => return Err(error),
            Err(_) if uids.len() > 1 => {
                let (first, second) = uids.split_at(uids.len() / 2);
                sets.extend([second, first].map(|half| half.iter().copied().collect::<UidSet>()));
            }
            Err(error) => match alone(run, side, folder, validity, &set, error).await? {
                Some(stamps) => all.extend(stamps),
                None => {
                    let size = size_of(run, side, folder, validity, &set).await?;
                    unreadable.extend(uids.into_iter().map(|uid| (uid, size)));
                }
            },
        }
    }
    Ok((all, unreadable))
}

/// One message that broke the connection is asked for again. `None` where it does so each time, while the server answers other
/// questions about it.
async fn alone(
    run: &Run<'_>,
    side: Side,
    folder: &FolderPath,
    validity: u32,
    only: &UidSet,
    error: Error,
) -> Result<Option<Vec<Stamp>>> {
    let mut last = error;
    for _ in 1..STRIKES {
        // Else it is the server that fails, not the message.
        match run.pass.sides[side].present(folder, validity, only).await {
            Ok(present) if present.is_empty() => return Ok(Some(Vec::new())),
            Ok(_) => {}
            Err(_) => return Err(last),
        }
        match stamps(run, side, folder, validity, only).await {
            Ok(stamps) => return Ok(Some(stamps)),
            Err(error) if is_broken(&error) => last = error,
            Err(error) => return Err(error),
        }
    }
    tracing::info!(side = %side, folder = ?folder, uids = %only, error = ?last, "the headers of a message break the connection");
    Ok(None)
}

/// The size of one message that cannot be read. It is told from what the server wrote down when the message came, and is the one
/// that we know from other places: `None` where the server would have to read it, or estimates.
pub async fn size_of(
    run: &Run<'_>,
    side: Side,
    folder: &FolderPath,
    validity: u32,
    only: &UidSet,
) -> Result<Option<u64>> {
    if !run.keeps_bytes {
        return Ok(None);
    }
    match run.pass.sides[side].sizes(folder, validity, only).await {
        Ok(sizes) => Ok(sizes.first().map(|(_, size)| *size)),
        Err(error) if is_broken(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The headers of all messages at or above the floor.
pub async fn find(run: &Run<'_>, side: Side, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
    Ok(evident(run, run.pass.sides[side].find(folder, validity, floor).await?))
}

/// A size that is no evidence is zero, here and in what is announced and linked.
fn evident(run: &Run<'_>, mut stamps: Vec<Stamp>) -> Vec<Stamp> {
    stamps.iter_mut().for_each(|stamp| stamp.size = run.evident_size(stamp.size));
    stamps
}

/// A hash of what each message says, for messages that headers cannot tell apart.
pub async fn contents(run: &Run<'_>, work: &FolderWork, side: Side, uids: &[Uid]) -> Result<Vec<(Uid, [u8; 32])>> {
    let (Some(path), Some(validity)) = (&work.paths[side], work.validity(side)) else { return Ok(Vec::new()) };
    hashes(run, side, (path, validity), uids, run.keeps_bytes).await
}

/// The same, where the bytes may be others though it is the same message.
pub async fn essences(run: &Run<'_>, work: &FolderWork, side: Side, uids: &[Uid]) -> Result<Vec<(Uid, [u8; 32])>> {
    let (Some(path), Some(validity)) = (&work.paths[side], work.validity(side)) else { return Ok(Vec::new()) };
    hashes(run, side, (path, validity), uids, false).await
}

/// A message: in which folder under which UIDVALIDITY, and its UID.
pub type Place<'p> = (&'p FolderPath, u32, Uid);

/// Do these two say the same, whatever their bytes? What cannot be read says nothing.
pub async fn say_the_same(run: &Run<'_>, places: Both<Place<'_>>) -> Result<bool> {
    let mut hashes_of = Both::new(None, None);
    for side in Side::ALL {
        let (path, validity, uid) = places[side];
        match hashes(run, side, (path, validity), &[uid], false).await {
            Ok(found) => hashes_of[side] = found.first().map(|(_, hash)| *hash),
            Err(error) if matches!(error.code(), Code::ValidityChanged | Code::FolderGone) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hashes_of.source.is_some() && hashes_of.source == hashes_of.target)
}

async fn hashes(
    run: &Run<'_>,
    side: Side,
    (path, validity): (&FolderPath, u32),
    uids: &[Uid],
    exact: bool,
) -> Result<Vec<(Uid, [u8; 32])>> {
    let set: UidSet = uids.iter().copied().collect();
    let mut stream = run.pass.sides[side].read(path, validity, &set).await?;
    let mut contents = Vec::new();
    while let Some(item) = stream.next().await? {
        let hash = match item.body {
            Body::Small(bytes) if exact => blake3::hash(&bytes),
            Body::Small(bytes) => essence(&bytes),
            Body::Big { len } if !exact && len <= MOST_PARSED => {
                let _held = run.pass.permits.bytes(len).await;
                let mut bytes = Vec::new();
                while let Some(chunk) = stream.chunk().await? {
                    bytes.extend_from_slice(&chunk);
                }
                essence(&bytes)
            }
            Body::Big { .. } => match hash_of(stream.as_mut()).await? {
                hash if exact => hash,
                // The bytes are others each time, and say nothing.
                _ => continue,
            },
            // It says nothing of the message, and two of them are not the same message.
            Body::Substitute { .. } => continue,
        };
        contents.push((item.uid, *hash.as_bytes()));
    }
    Ok(contents)
}

async fn hash_of(stream: &mut dyn BodyStream) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    while let Some(chunk) = stream.chunk().await? {
        hasher.update(&chunk);
    }
    Ok(hasher.finalize())
}

/// A hash of the decoded parts of a message in their order: other boundaries, transfer encodings, line ends and fields make no
/// difference. What cannot be parsed is hashed as it is.
#[must_use]
pub fn essence(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    match MessageParser::default().parse(bytes) {
        Some(message) => add(&mut hasher, &message),
        None => drop(hasher.update(bytes)),
    }
    hasher.finalize()
}

fn add(hasher: &mut blake3::Hasher, message: &Message<'_>) {
    for part in &message.parts {
        match &part.body {
            // Letters that were not understood would all look alike.
            PartType::Text(text) | PartType::Html(text) if text.contains(char::REPLACEMENT_CHARACTER) => {
                let (from, to) = (part.raw_body_offset() as usize, part.raw_end_offset() as usize);
                hasher.update(message.raw_message().get(from..to).unwrap_or_default());
            }
            PartType::Text(text) | PartType::Html(text) => {
                // A last line end comes and goes with the encoding.
                for line in text.trim_end().lines() {
                    hasher.update(line.as_bytes());
                    hasher.update(b"\n");
                }
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => drop(hasher.update(bytes)),
            PartType::Message(inner) => add(hasher, inner),
            PartType::Multipart(_) => continue,
        }
        hasher.update(&[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_rendering_says_the_same_and_another_text_does_not() {
        let plain = "From: a@x\r\nSubject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nПривет, мир\r\n";
        let quoted = "Received: by y\r\nSubject: s\r\nFrom: a@x\r\nContent-Type: text/plain;\r\n\tcharset=\"utf-8\"\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82, =D0=BC=D0=B8=D1=80";
        assert_eq!(essence(plain.as_bytes()), essence(quoted.as_bytes()));
        assert_ne!(essence(plain.as_bytes()), essence(plain.replace("мир", "мор").as_bytes()));
        let parts = |boundary: &str, attached: &str| {
            format!(
                "Subject: s\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\r\ntext\r\n\
                 --{boundary}\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{attached}\r\n\
                 --{boundary}--\r\n"
            )
        };
        assert_eq!(essence(parts("one", "AAEC").as_bytes()), essence(parts("other", "AA\r\nEC").as_bytes()));
        assert_ne!(essence(parts("one", "AAEC").as_bytes()), essence(parts("one", "AAED").as_bytes()));
        assert_ne!(essence(b"Subject: s\r\n\r\n"), essence(b"Subject: s\r\n\r\nx"));
        // Whatever the character set, other letters are another text.
        for charset in ["windows-1251", "koi8-r", "shift_jis", "gb2312", "unheard-of"] {
            let text = |bytes: &[u8]| {
                let head = format!("Content-Type: text/plain; charset={charset}\r\n\r\n");
                essence(&[head.as_bytes(), bytes].concat())
            };
            assert_ne!(text(b"\xCF\xF0\xE8"), text(b"\xCF\xF0\xE9"), "{charset}");
        }
    }
}
