//! A side with another way to the messages that it does not show: where it gives a text in place of a message, the message itself
//! is fetched, and nobody behind this knows the difference.

use crate::substitutes::subject_of;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{
    Body, BodyRescue, BodyStream, Cursor, Endpoint, Item, Listing, LookAt, Looked, MarkChange, Marked, ReadFrom,
    Removed, Shifted, Snapshot, Stamp, Veiled, Writer,
};
use parom_domain::{Fingerprint, FolderPath, Result, Role, Uid, UidSet};
use std::collections::VecDeque;
use std::sync::Arc;

/// The side and the way.
pub struct Rescued {
    side: Arc<dyn Endpoint>,
    rescue: Arc<dyn BodyRescue>,
}

/// A message up to this length is handed over whole, as the adapters do.
const WHOLE_MAX: usize = 1 << 20;
/// The pieces of a longer one.
const PIECE: usize = 256 << 10;

impl Rescued {
    #[must_use]
    pub fn new(side: Arc<dyn Endpoint>, rescue: Arc<dyn BodyRescue>) -> Rescued {
        Rescued { side, rescue }
    }

    /// What headers tell of a message must be what its body tells: else it would be another message to whoever knows its copy.
    async fn unveil(&self, folder: &FolderPath, validity: u32, stamps: &mut [Stamp]) -> Result<()> {
        let veiled: UidSet = stamps.iter().filter(|stamp| stamp.substituted).map(|stamp| stamp.uid).collect();
        if veiled.is_empty() {
            return Ok(());
        }
        let mut stream = self.read(folder, validity, &veiled).await?;
        while let Some(item) = stream.next().await? {
            let (head, size) = match item.body {
                Body::Small(bytes) => (bytes.clone(), bytes.len() as u64),
                Body::Big { len } => (stream.chunk().await?.unwrap_or_default(), len),
                Body::Substitute { .. } => continue,
            };
            if let Some(stamp) = stamps.iter_mut().find(|stamp| stamp.uid == item.uid) {
                (stamp.fingerprint, stamp.size, stamp.substituted) = (Fingerprint::of_headers(&head), size, false);
            }
        }
        Ok(())
    }
}

/// A stream that fetches what it lacks.
struct Bodies {
    inner: Box<dyn BodyStream>,
    rescue: Arc<dyn BodyRescue>,
    /// Those at hand and to come.
    folders: VecDeque<FolderPath>,
    /// What is left of a big message that was fetched.
    rest: Option<Bytes>,
}

#[async_trait]
impl BodyStream for Bodies {
    async fn next(&mut self) -> Result<Option<Item>> {
        self.rest = None;
        let Some(item) = self.inner.next().await? else { return Ok(None) };
        let (Body::Substitute { subject }, Some(folder)) = (&item.body, self.folders.front()) else {
            return Ok(Some(item));
        };
        // It may be quoted in encoded words.
        let subject = subject_of(format!("Subject: {subject}\r\n\r\n").as_bytes()).unwrap_or_default();
        let wanted = Veiled { folder: folder.clone(), uid: item.uid, date: item.date, subject };
        let body = match self.rescue.rescue(&wanted).await {
            Ok(Some(bytes)) if bytes.len() <= WHOLE_MAX => Body::Small(bytes),
            Ok(Some(bytes)) => {
                let len = bytes.len() as u64;
                self.rest = Some(bytes);
                Body::Big { len }
            }
            Ok(None) => item.body,
            // The other messages do not wait for it: it is put aside like any that cannot be shown.
            Err(error) => {
                tracing::warn!(folder = %wanted.folder, uid = %wanted.uid, error = ?error, "the other way is closed");
                item.body
            }
        };
        Ok(Some(Item { body, ..item }))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match &mut self.rest {
            Some(rest) if rest.is_empty() => Ok(None),
            Some(rest) => Ok(Some(rest.split_to(rest.len().min(PIECE)))),
            None => self.inner.chunk().await,
        }
    }

    async fn turn(&mut self) -> Result<bool> {
        self.rest = None;
        self.folders.pop_front();
        self.inner.turn().await
    }
}

#[async_trait]
impl Endpoint for Rescued {
    async fn folders(&self) -> Result<Listing> {
        self.side.folders().await
    }

    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        self.side.identify(folders).await
    }

    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot> {
        self.side.observe(folder, since).await
    }

    async fn observe_all(&self, looks: &[LookAt]) -> Vec<Result<Looked>> {
        let mut all = self.side.observe_all(looks).await;
        for (look, looked) in looks.iter().zip(&mut all) {
            if let Ok(seen) = looked
                && let Err(error) = self.unveil(&look.folder, seen.snapshot.cursor.validity, &mut seen.stamps).await
            {
                *looked = Err(error);
            }
        }
        all
    }

    async fn stamps(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
        let mut stamps = self.side.stamps(folder, validity, uids).await?;
        self.unveil(folder, validity, &mut stamps).await?;
        Ok(stamps)
    }

    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.side.present(folder, validity, uids).await
    }

    async fn sizes(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<(Uid, u64)>> {
        self.side.sizes(folder, validity, uids).await
    }

    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.side.asking_receipts(folder, validity, uids).await
    }

    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>> {
        let folders = wanted.iter().map(|from| from.folder.clone()).collect();
        let inner = self.side.read_all(wanted).await?;
        Ok(Box::new(Bodies { inner, rescue: self.rescue.clone(), folders, rest: None }))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.side.writer().await
    }

    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
        self.side.mark(folder, since, changes).await
    }

    async fn shift(&self, from: (&FolderPath, u32), uids: &UidSet, to: (&FolderPath, u32)) -> Result<Vec<Shifted>> {
        self.side.shift(from, uids, to).await
    }

    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        self.side.expunge(folder, validity, uids).await
    }

    async fn create(&self, folder: &FolderPath, role: Option<Role>) -> Result<()> {
        self.side.create(folder, role).await
    }

    async fn create_all(&self, folders: &[(FolderPath, Option<Role>)]) -> Vec<Result<()>> {
        self.side.create_all(folders).await
    }

    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        self.side.rename(from, to).await
    }

    async fn remove(&self, folder: &FolderPath) -> Result<()> {
        self.side.remove(folder).await
    }

    async fn subscribe(&self, folder: &FolderPath, subscribed: bool) -> Result<()> {
        self.side.subscribe(folder, subscribed).await
    }

    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
        let mut stamps = self.side.find(folder, validity, floor).await?;
        self.unveil(folder, validity, &mut stamps).await?;
        Ok(stamps)
    }

    async fn warm(&self, lanes: usize) {
        self.side.warm(lanes).await;
    }

    async fn wait(&self, folder: &FolderPath, limit_ms: u64) -> Result<()> {
        self.side.wait(folder, limit_ms).await
    }

    async fn close(&self) {
        self.side.close().await;
    }
}
