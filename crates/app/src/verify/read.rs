//! Reads a folder for comparison: what each message is, without keeping its body.

use parom_domain::endpoint::{Body, BodyStream, Endpoint, Item, Snapshot};
use parom_domain::{Fingerprint, FolderPath, InternalDate, Marks, Result, Uid, UidSet};
use std::collections::HashSet;

/// One message of one side.
#[derive(Clone, Debug)]
pub struct Seen {
    pub uid: Uid,
    /// `None` when the server listed the message and did not give it.
    pub identity: Option<Identity>,
    pub marks: Marks,
    pub date: Option<InternalDate>,
}

/// Equal for equal messages: the hash of all bytes, or of the headers where a server does not keep bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity([u8; 32]);

/// Reads all messages that the look found. `exact`: by their bytes; else by their headers.
pub async fn read(
    side: &dyn Endpoint,
    folder: &FolderPath,
    look: &Snapshot,
    exact: bool,
    did: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Seen>> {
    let uids: UidSet = look.present.iter().map(|sighting| sighting.uid).collect();
    let mut seen = Vec::with_capacity(look.present.len());
    if uids.is_empty() {
        return Ok(seen);
    }
    let mut stream = side.read(folder, look.cursor.validity, &uids).await?;
    while let Some(Item { uid, marks, date, body }) = stream.next().await? {
        let (identity, bytes) = match body {
            Body::Small(bytes) if exact => (Identity(blake3::hash(&bytes).into()), bytes.len() as u64),
            Body::Small(bytes) => (Identity::of_headers(&bytes), bytes.len() as u64),
            Body::Big { len } => (big(stream.as_mut(), exact).await?, len),
            // The message itself was not given.
            Body::Substitute => continue,
        };
        did(bytes);
        seen.push(Seen { uid, identity: Some(identity), marks, date });
    }
    let given: HashSet<Uid> = seen.iter().map(|message| message.uid).collect();
    let rest = look.present.iter().filter(|sighting| !given.contains(&sighting.uid));
    seen.extend(rest.map(|sighting| Seen {
        uid: sighting.uid,
        identity: None,
        marks: sighting.marks.clone(),
        date: None,
    }));
    Ok(seen)
}

/// A big body passes by in pieces. Its headers are in the first one, which is far larger than headers are.
async fn big(stream: &mut dyn BodyStream, exact: bool) -> Result<Identity> {
    let mut hasher = blake3::Hasher::new();
    let mut headers = None;
    while let Some(chunk) = stream.chunk().await? {
        if exact {
            hasher.update(&chunk);
        } else if headers.is_none() {
            headers = Some(Identity::of_headers(&chunk));
        }
    }
    Ok(headers.unwrap_or_else(|| Identity(hasher.finalize().into())))
}

impl Identity {
    fn of_headers(bytes: &[u8]) -> Identity {
        let mut identity = [0; 32];
        for (to, from) in identity.iter_mut().zip(Fingerprint::of_headers(bytes).to_bytes()) {
            *to = from;
        }
        Identity(identity)
    }
}
