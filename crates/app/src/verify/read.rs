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
    Given(Identity),
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
        let (identity, bytes) = match body {
            Body::Small(bytes) => (self.identity(&bytes), bytes.len() as u64),
            Body::Big { len } if !self.exact && len <= MOST_PARSED => {
                let _held = self.permits.bytes(len).await;
                let mut bytes = Vec::new();
                while let Some(chunk) = stream.chunk().await? {
                    bytes.extend_from_slice(&chunk);
                }
                (self.identity(&bytes), len)
            }
            Body::Big { len } => (self.identity_in_pieces(stream).await?, len),
            Body::Substitute { .. } => return Ok(Text::Substitute),
        };
        (self.did)(bytes);
        Ok(Text::Given(identity))
    }

    fn identity(&self, bytes: &[u8]) -> Identity {
        let content = if self.exact { blake3::hash(bytes) } else { essence(bytes) };
        Identity { headers: Fingerprint::of_headers(bytes), content: content.into() }
    }

    /// A big body passes by. Its headers are in the first piece, which is far larger than headers are. One that is too big
    /// to be looked into is known by its headers alone where bytes are not kept.
    async fn identity_in_pieces(&self, stream: &mut dyn BodyStream) -> Result<Identity> {
        let mut hasher = blake3::Hasher::new();
        let mut headers = None;
        while let Some(chunk) = stream.chunk().await? {
            if self.exact {
                hasher.update(&chunk);
            }
            headers = headers.or_else(|| Some(Fingerprint::of_headers(&chunk)));
        }
        let headers = headers.unwrap_or_else(|| Fingerprint::of_headers(b""));
        Ok(Identity { headers, content: hasher.finalize().into() })
    }
}
