//! Answers that are meant to last: the documents of a stream, one by one as they arrive.

use crate::client::Transport;
use crate::xml::Broken;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use parom_domain::Result;
use std::time::Duration;

/// A transport whose answers can be read as they come.
#[async_trait]
pub trait Hanging: Transport {
    /// Asks, and gives the answer piece by piece. Between two pieces no more than `patience` may pass.
    ///
    /// # Errors
    /// What keeps the request from being answered at all. Every status is an answer.
    async fn hang(&self, headers: &[(&'static str, String)], body: Bytes, patience: Duration) -> Result<Hung>;
}

/// The beginning of an answer, and the way to the rest.
pub struct Hung {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// What `Set-Cookie` said: names and values.
    pub cookies: Vec<(String, String)>,
    pub pieces: Box<dyn Pieces>,
}

/// The rest of an answer. Dropping it ends the answer.
#[async_trait]
pub trait Pieces: Send {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>>;
}

#[async_trait]
impl<T: Hanging + ?Sized> Hanging for std::sync::Arc<T> {
    async fn hang(&self, headers: &[(&'static str, String)], body: Bytes, patience: Duration) -> Result<Hung> {
        (**self).hang(headers, body, patience).await
    }
}

/// One document of a stream is no larger: notifications of 200 busy mailboxes take a tenth of that.
const MOST_BYTES: usize = 8 << 20;

/// Puts pieces together to documents. Where one document ends, its last tag tells: servers neither say how long a document is
/// nor put each of them into a chunk of its own.
#[derive(Default)]
pub struct Documents {
    kept: BytesMut,
    /// Up to here there is no end.
    searched: usize,
}

impl Documents {
    pub fn add(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// The next whole document, if it is here.
    ///
    /// # Errors
    /// `TooLarge`.
    pub fn take_whole(&mut self) -> Result<Option<Bytes>, Broken> {
        while let Some(at) = find(self.kept.get(self.searched..).unwrap_or_default(), b"</") {
            let begin = self.searched + at;
            let Some(length) = find(self.kept.get(begin..).unwrap_or_default(), b">") else {
                self.searched = begin;
                return self.none_yet();
            };
            let end = begin + length + 1;
            let name = self.kept.get(begin + 2..end - 1).unwrap_or_default().trim_ascii();
            if name.rsplit(|byte| *byte == b':').next() == Some(b"Envelope") {
                self.searched = 0;
                return Ok(Some(self.kept.split_to(end).freeze()));
            }
            self.searched = end;
        }
        // The last byte may be the first half of a tag's beginning.
        self.searched = self.searched.max(self.kept.len().saturating_sub(1));
        self.none_yet()
    }

    fn none_yet(&self) -> Result<Option<Bytes>, Broken> {
        if self.kept.len() > MOST_BYTES { Err(Broken::TooLarge) } else { Ok(None) }
    }

    /// What came after the last whole document.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.kept
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "<?xml version='1.0'?><s:Envelope><s:Body><m:Envelope2></m:Envelope2></s:Body></s:Envelope>\
                       <?xml version='1.0'?><Envelope><t:Text>&lt;/s:Envelope&gt;</t:Text></Envelope >\n";

    #[test]
    fn documents_are_whole_however_the_bytes_arrive() {
        for size in [1, 2, 3, 7, 40, 1000] {
            let mut documents = Documents::default();
            let mut all = Vec::new();
            for piece in TWO.as_bytes().chunks(size) {
                documents.add(piece);
                while let Some(document) = documents.take_whole().unwrap() {
                    all.push(String::from_utf8(document.to_vec()).unwrap());
                }
            }
            assert_eq!(all.len(), 2, "{size}");
            assert!(all[0].ends_with("</s:Envelope>") && all[1].ends_with("</Envelope >"), "{all:?}");
            assert_eq!(documents.rest(), b"\n");
        }
    }

    #[test]
    fn a_document_without_end_is_not_waited_for() {
        let mut documents = Documents::default();
        documents.add(b"<s:Envelope>");
        for _ in 0..MOST_BYTES / 1024 + 1 {
            documents.add(&[b' '; 1024]);
        }
        assert_eq!(documents.take_whole(), Err(Broken::TooLarge));
    }
}
