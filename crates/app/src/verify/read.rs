//! Reads a folder for comparison: what each message is, without keeping its body.

use parom_domain::endpoint::{Body, BodyStream, Endpoint, Item, Permits, Snapshot};
use parom_domain::{Fingerprint, FolderPath, InternalDate, Marks, Result, Uid, UidSet};
use parom_engine::{MOST_PARSED, essence};
use std::collections::HashSet;

/// One message of one side.
#[derive(Clone, Debug)]
pub struct Seen {
    pub uid: Uid,
    pub text: Text,
    pub marks: Marks,
    pub date: Option<InternalDate>,
}

/// What the server gave when it was asked for the message.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    Given(Identity, Shape),
    /// Another text: it cannot convert the message (Exchange).
    Substitute,
    Withheld,
}

/// Equal for equal messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub headers: Fingerprint,
    /// The hash of all bytes; where a server does not keep bytes, of what the decoded parts say.
    content: [u8; 32],
}

/// What else there is to tell of two messages with the same headers that are not equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub bytes: u64,
    /// The hash of all bytes, whatever its lines end with and whether the last one does; where bytes are compared.
    pub folded: Option<[u8; 32]>,
}

/// How messages are read.
pub struct Reading<'a> {
    /// By their bytes.
    pub exact: bool,
    pub permits: &'a dyn Permits,
    /// Hears of each message, with its bytes.
    pub did: &'a (dyn Fn(u64) + Sync),
}

impl Reading<'_> {
    /// Reads all messages that the look found.
    pub async fn all(&self, side: &dyn Endpoint, folder: &FolderPath, look: &Snapshot) -> Result<Vec<Seen>> {
        let uids: UidSet = look.present.iter().map(|sighting| sighting.uid).collect();
        let mut seen = Vec::with_capacity(look.present.len());
        if uids.is_empty() {
            return Ok(seen);
        }
        let mut stream = side.read(folder, look.cursor.validity, &uids).await?;
        while let Some(Item { uid, marks, date, body }) = stream.next().await? {
            let text = self.text(body, stream.as_mut()).await?;
            seen.push(Seen { uid, text, marks, date });
        }
        let given: HashSet<Uid> = seen.iter().map(|message| message.uid).collect();
        let rest = look.present.iter().filter(|sighting| !given.contains(&sighting.uid));
        seen.extend(rest.map(|sighting| Seen {
            uid: sighting.uid,
            text: Text::Withheld,
            marks: sighting.marks.clone(),
            date: None,
        }));
        seen.sort_by_key(|message| message.uid);
        Ok(seen)
    }

    async fn text(&self, body: Body, stream: &mut dyn BodyStream) -> Result<Text> {
        let (identity, shape) = match body {
            Body::Small(bytes) => (self.identity(&bytes), self.shape(&bytes)),
            Body::Big { len } if !self.exact && len <= MOST_PARSED => {
                let _held = self.permits.bytes(len).await;
                let mut bytes = Vec::new();
                while let Some(chunk) = stream.chunk().await? {
                    bytes.extend_from_slice(&chunk);
                }
                (self.identity(&bytes), self.shape(&bytes))
            }
            Body::Big { len } => self.in_pieces(stream, len).await?,
            Body::Substitute { .. } => return Ok(Text::Substitute),
        };
        (self.did)(shape.bytes);
        Ok(Text::Given(identity, shape))
    }

    fn shape(&self, bytes: &[u8]) -> Shape {
        let mut folded = Folded::default();
        if self.exact {
            folded.add(bytes);
        }
        Shape { bytes: bytes.len() as u64, folded: self.exact.then(|| folded.finish()) }
    }

    fn identity(&self, bytes: &[u8]) -> Identity {
        let content = if self.exact { blake3::hash(bytes) } else { essence(bytes) };
        Identity { headers: Fingerprint::of_headers(bytes), content: content.into() }
    }

    /// A big body passes by. Its headers are in the first piece, which is far larger than headers are. One that is too big
    /// to be looked into is known by its headers alone where bytes are not kept.
    async fn in_pieces(&self, stream: &mut dyn BodyStream, bytes: u64) -> Result<(Identity, Shape)> {
        let mut hasher = blake3::Hasher::new();
        let (mut headers, mut folded) = (None, Folded::default());
        while let Some(chunk) = stream.chunk().await? {
            if self.exact {
                hasher.update(&chunk);
                folded.add(&chunk);
            }
            headers = headers.or_else(|| Some(Fingerprint::of_headers(&chunk)));
        }
        let headers = headers.unwrap_or_else(|| Fingerprint::of_headers(b""));
        let shape = Shape { bytes, folded: self.exact.then(|| folded.finish()) };
        Ok((Identity { headers, content: hasher.finalize().into() }, shape))
    }
}

/// The hash of a message in which each line ends with LF, and the last one with nothing.
#[derive(Default)]
struct Folded {
    hasher: blake3::Hasher,
    /// A CR that may belong to a line end.
    cr: bool,
    /// Line ends that may be the last ones.
    ends: usize,
}

impl Folded {
    fn add(&mut self, bytes: &[u8]) {
        let mut text = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.cr && *byte != b'\n' {
                self.text(&mut text, b'\r');
            }
            self.cr = *byte == b'\r';
            match byte {
                b'\n' => self.ends += 1,
                b'\r' => {}
                other => self.text(&mut text, *other),
            }
        }
        self.hasher.update(&text);
    }

    fn text(&mut self, text: &mut Vec<u8>, byte: u8) {
        text.extend(std::iter::repeat_n(b'\n', std::mem::take(&mut self.ends)));
        text.push(byte);
    }

    fn finish(mut self) -> [u8; 32] {
        if self.cr {
            let mut text = Vec::new();
            self.text(&mut text, b'\r');
            self.hasher.update(&text);
        }
        self.hasher.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(pieces: &[&str]) -> [u8; 32] {
        let mut folded = Folded::default();
        pieces.iter().for_each(|piece| folded.add(piece.as_bytes()));
        folded.finish()
    }

    #[test]
    fn line_ends_make_no_difference_and_all_else_does() {
        let wanted = folded(&["a: b\n\nx\ny"]);
        for same in ["a: b\r\n\r\nx\r\ny\r\n", "a: b\r\n\r\nx\ny\r\n\r\n", "a: b\n\nx\ny\n"] {
            assert_eq!(folded(&[same]), wanted, "{same:?}");
            for at in 0..=same.len() {
                let (first, second) = same.split_at(at);
                assert_eq!(folded(&[first, "", second]), wanted, "{same:?} cut at {at}");
            }
        }
        for other in ["a: b\n\nx\n\ny", "a: b\n\nxy", "a: b\n\nx\ny\r", "a: b\n\nx\ry", "a: b\n\nx\ny "] {
            assert_ne!(folded(&[other]), wanted, "{other:?}");
        }
    }
}
