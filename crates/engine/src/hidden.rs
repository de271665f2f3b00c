//! A side that does not show all of its folders, and another way to those that it hides: together they are one side, and nobody
//! behind this knows the difference.
//!
//! INVARIANT: what keeps the other way closed is the trouble of the hidden folders alone, and never evidence about them.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::future::join;
use parom_domain::endpoint::{
    BatchOutcome, Body, BodyStream, Cursor, Endpoint, Item, Letter, LetterBody, Listing, LookAt, Looked, MarkChange,
    Marked, ReadFrom, Removed, Shifted, Snapshot, Stamp, Writer,
};
use parom_domain::{Code, Error, FolderPath, FolderSeen, Result, Role, Scope, Uid, UidSet};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// The side and the way.
pub struct WithHidden {
    shown: Arc<dyn Endpoint>,
    hidden: Arc<dyn Endpoint>,
    names: HiddenNames,
}

/// Which folders a side hides: it is told by their names.
#[derive(Clone, Copy, Debug)]
pub struct HiddenNames {
    pub hides: fn(&FolderPath) -> bool,
    /// What such a folder would be called by a server that does not hide it, and does not tell its name right either.
    pub misread: fn(&FolderPath) -> Option<FolderPath>,
}

impl WithHidden {
    #[must_use]
    pub fn new(shown: Arc<dyn Endpoint>, hidden: Arc<dyn Endpoint>, names: HiddenNames) -> WithHidden {
        WithHidden { shown, hidden, names }
    }

    fn hides(&self, folder: &FolderPath) -> bool {
        (self.names.hides)(folder)
    }

    /// The folders that the other way lists and the side does not, under whatever name. Nobody shall have them twice.
    async fn really_hidden(&self, listed: Vec<FolderSeen>, shown: &HashSet<FolderPath>) -> Result<Vec<FolderSeen>> {
        let mut hidden = Vec::with_capacity(listed.len());
        for folder in listed {
            let misread = (self.names.misread)(&folder.path).filter(|path| shown.contains(path));
            let is_shown = match misread {
                // It is another folder, if the other way has one of that name.
                Some(path) => self.hidden.identify(&[path]).await?.iter().all(Option::is_none),
                None => false,
            };
            if !is_shown && !shown.contains(&folder.path) {
                hidden.push(folder);
            }
        }
        Ok(hidden)
    }

    fn side(&self, folder: &FolderPath) -> &dyn Endpoint {
        if self.hides(folder) { &*self.hidden } else { &*self.shown }
    }

    fn told<T>(&self, folder: &FolderPath, outcome: Result<T>) -> Result<T> {
        if self.hides(folder) { outcome.map_err(|error| of_folder(folder, error)) } else { outcome }
    }

    /// Into a hidden folder there is no way in one step: the copy comes first, and then the removal.
    async fn bring(
        &self,
        (from, from_validity): (&FolderPath, u32),
        uids: &UidSet,
        (to, to_validity): (&FolderPath, u32),
    ) -> Result<Vec<Shifted>> {
        let mut stream = self.shown.read(from, from_validity, uids).await?;
        let mut writer = self.hidden.writer().await.map_err(|error| of_folder(to, error))?;
        let mut copied = Vec::new();
        while let Some(Item { uid, marks, date, body }) = stream.next().await? {
            let body = match body {
                Body::Small(bytes) => LetterBody::Small(bytes),
                Body::Big { len } if len > MOST_WHOLE => continue,
                Body::Big { len } => {
                    let mut bytes = BytesMut::with_capacity(usize::try_from(len).unwrap_or(0).min(MOST_AHEAD));
                    while let Some(chunk) = stream.chunk().await? {
                        bytes.extend_from_slice(&chunk);
                    }
                    LetterBody::Small(bytes.freeze())
                }
                Body::Substitute { .. } => continue,
            };
            let letter = Letter { marks, date, body };
            writer.send(to, to_validity, vec![letter]).await.map_err(|error| of_folder(to, error))?;
            match writer.outcome().await {
                Some(Ok(BatchOutcome::Landed(landed))) => {
                    copied.push((uid, landed.first().and_then(|landed| landed.uid)));
                }
                Some(Ok(BatchOutcome::Refused(error)) | Err(error)) => return Err(of_folder(to, error)),
                None => {}
            }
        }
        let originals: UidSet = copied.iter().map(|(uid, _)| *uid).collect();
        let removed = self.shown.expunge(from, from_validity, &originals).await?;
        let shifted = |(old, new): (Uid, Option<Uid>)| Shifted {
            old,
            new,
            overtaken: !removed.there.contains(old) && !removed.spared.contains(old),
            kept: removed.spared.contains(old),
            doubted: removed.doubted,
        };
        Ok(copied.into_iter().map(shifted).collect())
    }
}

/// Longer messages stay where they are: each is in memory as a whole.
const MOST_WHOLE: u64 = 64 << 20;
/// What is set aside for a message that is put together, before its bytes are there.
const MOST_AHEAD: usize = 1 << 20;

/// The trouble of a folder that the other way does not give at present.
#[must_use]
pub fn unreached(folder: &FolderPath, why: &Error) -> Error {
    let answer = [why.arg("answer"), why.arg("detail")].into_iter().flatten().next().unwrap_or_default();
    Error::new(Code::HiddenFolderUnreached, Scope::Folder, why.retry())
        .with("host", why.arg("host").unwrap_or("Exchange"))
        .with("folder", folder)
        .with("answer", format!("{} {answer}", why.code().as_str()).trim_end())
}

/// An error of the other way reaches no further than the folder. A broken connection there says nothing of the side's own.
fn of_folder(folder: &FolderPath, error: Error) -> Error {
    let is_broken = matches!(error.code(), Code::ConnectionLost | Code::TimedOut | Code::ProtocolError);
    if error.scope() <= Scope::Folder && !is_broken {
        return error.with("folder", folder);
    }
    tracing::info!(%folder, error = ?error, "a hidden folder is out of reach");
    if error.code() == Code::QuotaFull {
        return error.reaching(Scope::Folder).with("folder", folder);
    }
    unreached(folder, &error)
}

#[async_trait]
impl Endpoint for WithHidden {
    async fn folders(&self) -> Result<Listing> {
        let (shown, hidden) = join(self.shown.folders(), self.hidden.folders()).await;
        let mut listing = shown?;
        let known: HashSet<FolderPath> = listing.folders.iter().map(|folder| folder.path.clone()).collect();
        let hidden = match hidden {
            Ok(hidden) => self.really_hidden(hidden.folders, &known).await,
            Err(error) => Err(error),
        };
        let hidden = match hidden {
            Ok(hidden) => hidden,
            Err(error) => {
                tracing::info!(error = ?error, "the folders that IMAP hides cannot be listed");
                listing.withheld = Some(Arc::new(error));
                return Ok(listing);
            }
        };
        listing.abilities.lists_every_folder = true;
        listing.abilities.moves_in_one_step &= hidden.is_empty();
        listing.folders.extend(hidden);
        // What is still not listed below a folder is no folder for mail, and it is there.
        let above: HashSet<FolderPath> = listing.folders.iter().filter_map(|folder| folder.path.parent()).collect();
        for folder in &mut listing.folders {
            folder.hides_children &= !above.contains(&folder.path);
        }
        Ok(listing)
    }

    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        // The hidden ones tell theirs with the listing.
        let shown: Vec<FolderPath> = folders.iter().filter(|folder| !self.hides(folder)).cloned().collect();
        let mut told = self.shown.identify(&shown).await?.into_iter();
        Ok(folders.iter().map(|folder| if self.hides(folder) { None } else { told.next().flatten() }).collect())
    }

    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot> {
        self.told(folder, self.side(folder).observe(folder, since).await)
    }

    async fn observe_all(&self, looks: &[LookAt]) -> Vec<Result<Looked>> {
        let of = |hidden: bool| -> Vec<LookAt> {
            looks.iter().filter(|look| self.hides(&look.folder) == hidden).cloned().collect()
        };
        let (shown, hidden) = (of(false), of(true));
        if hidden.is_empty() {
            return self.shown.observe_all(&shown).await;
        }
        let (shown, hidden) = join(self.shown.observe_all(&shown), self.hidden.observe_all(&hidden)).await;
        let (mut shown, mut hidden) = (shown.into_iter(), hidden.into_iter());
        let looked = looks.iter().map(|look| {
            let next = if self.hides(&look.folder) { hidden.next() } else { shown.next() };
            self.told(&look.folder, next.unwrap_or_else(|| Err(Error::internal("a look without an answer"))))
        });
        looked.collect()
    }

    async fn stamps(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
        self.told(folder, self.side(folder).stamps(folder, validity, uids).await)
    }

    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.told(folder, self.side(folder).present(folder, validity, uids).await)
    }

    async fn sizes(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<(Uid, u64)>> {
        self.told(folder, self.side(folder).sizes(folder, validity, uids).await)
    }

    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.told(folder, self.side(folder).asking_receipts(folder, validity, uids).await)
    }

    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>> {
        let is_hidden: VecDeque<(bool, FolderPath)> =
            wanted.iter().map(|from| (self.hides(&from.folder), from.folder.clone())).collect();
        let (hidden, shown): (Vec<ReadFrom>, Vec<ReadFrom>) =
            wanted.into_iter().partition(|from| self.hides(&from.folder));
        if hidden.is_empty() {
            return self.shown.read_all(shown).await;
        }
        let shown = if shown.is_empty() { None } else { Some(Reading::new(self.shown.read_all(shown).await?)) };
        // Where nothing is asked yet, nothing is refused.
        let hidden = Some(Reading::new(self.hidden.read_all(hidden).await?));
        Ok(Box::new(Bodies { folders: is_hidden, shown, hidden }))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Writing {
            ends: [self.shown.clone(), self.hidden.clone()],
            writers: [None, None],
            hides: self.names.hides,
            owed: VecDeque::new(),
        }))
    }

    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
        let mut marked = self.told(folder, self.side(folder).mark(folder, since, changes).await)?;
        let results = std::mem::take(&mut marked.results).into_iter().map(|result| self.told(folder, result)).collect();
        Ok(Marked { results, ..marked })
    }

    async fn shift(&self, from: (&FolderPath, u32), uids: &UidSet, to: (&FolderPath, u32)) -> Result<Vec<Shifted>> {
        match (self.hides(from.0), self.hides(to.0)) {
            (false, false) => self.shown.shift(from, uids, to).await,
            (false, true) => self.bring(from, uids, to).await,
            (true, _) => self.told(from.0, self.hidden.shift(from, uids, to).await),
        }
    }

    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        self.told(folder, self.side(folder).expunge(folder, validity, uids).await)
    }

    async fn create(&self, folder: &FolderPath, role: Option<Role>) -> Result<()> {
        self.told(folder, self.side(folder).create(folder, role).await)
    }

    async fn create_all(&self, folders: &[(FolderPath, Option<Role>)]) -> Vec<Result<()>> {
        if !folders.iter().any(|(folder, _)| self.hides(folder)) {
            return self.shown.create_all(folders).await;
        }
        // Parents first, whatever they are.
        let mut results = Vec::with_capacity(folders.len());
        for (folder, role) in folders {
            results.push(self.create(folder, *role).await);
        }
        results
    }

    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        match self.hides(from) || self.hides(to) {
            true => self.hidden.rename(from, to).await.map_err(|error| of_folder(from, error)),
            false => self.shown.rename(from, to).await,
        }
    }

    async fn remove(&self, folder: &FolderPath) -> Result<()> {
        self.told(folder, self.side(folder).remove(folder).await)
    }

    async fn subscribe(&self, folder: &FolderPath, subscribed: bool) -> Result<()> {
        // Nobody can, and nothing is subscribed that has another name now.
        if self.hides(folder) { Ok(()) } else { self.shown.subscribe(folder, subscribed).await }
    }

    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
        self.told(folder, self.side(folder).find(folder, validity, floor).await)
    }

    async fn warm(&self, lanes: usize) {
        self.shown.warm(lanes).await;
    }

    async fn wait(&self, folder: &FolderPath, limit_ms: u64) -> Result<()> {
        self.side(folder).wait(folder, limit_ms).await
    }

    async fn close(&self) {
        join(self.shown.close(), self.hidden.close()).await;
    }
}

/// One of the two streams.
struct Reading {
    stream: Box<dyn BodyStream>,
    has_begun: bool,
}

impl Reading {
    fn new(stream: Box<dyn BodyStream>) -> Reading {
        Reading { stream, has_begun: false }
    }
}

/// Bodies of both kinds of folders, in the order in which these were asked for.
struct Bodies {
    /// Those at hand and to come, and whether they are hidden.
    folders: VecDeque<(bool, FolderPath)>,
    shown: Option<Reading>,
    hidden: Option<Reading>,
}

impl Bodies {
    fn at_hand(&mut self) -> Option<(bool, FolderPath, &mut Reading)> {
        let (is_hidden, folder) = self.folders.front().cloned()?;
        let reading = if is_hidden { self.hidden.as_mut() } else { self.shown.as_mut() }?;
        Some((is_hidden, folder, reading))
    }
}

fn told_of<T>(is_hidden: bool, folder: &FolderPath, outcome: Result<T>) -> Result<T> {
    if is_hidden { outcome.map_err(|error| of_folder(folder, error)) } else { outcome }
}

#[async_trait]
impl BodyStream for Bodies {
    async fn next(&mut self) -> Result<Option<Item>> {
        let Some((is_hidden, folder, reading)) = self.at_hand() else { return Ok(None) };
        reading.has_begun = true;
        told_of(is_hidden, &folder, reading.stream.next().await)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let Some((is_hidden, folder, reading)) = self.at_hand() else { return Ok(None) };
        told_of(is_hidden, &folder, reading.stream.chunk().await)
    }

    async fn turn(&mut self) -> Result<bool> {
        // One that was passed over unread is behind its stream too.
        if let Some((.., reading)) = self.at_hand() {
            reading.has_begun = true;
        }
        self.folders.pop_front();
        let Some((is_hidden, folder, reading)) = self.at_hand() else { return Ok(false) };
        if !reading.has_begun {
            reading.has_begun = true;
            return Ok(true);
        }
        told_of(is_hidden, &folder, reading.stream.turn().await)
    }
}

/// A lane into folders of both kinds.
struct Writing {
    /// Shown and hidden.
    ends: [Arc<dyn Endpoint>; 2],
    writers: [Option<Box<dyn Writer>>; 2],
    hides: fn(&FolderPath) -> bool,
    /// Which of the writers owes the answers, oldest first.
    owed: VecDeque<(bool, FolderPath)>,
}

impl Writing {
    fn writer(&mut self, is_hidden: bool) -> &mut Option<Box<dyn Writer>> {
        let [shown, hidden] = &mut self.writers;
        if is_hidden { hidden } else { shown }
    }
}

#[async_trait]
impl Writer for Writing {
    async fn send(&mut self, folder: &FolderPath, validity: u32, batch: Vec<Letter>) -> Result<()> {
        let is_hidden = (self.hides)(folder);
        if self.writer(is_hidden).is_none() {
            let [shown, hidden] = &self.ends;
            let opened = if is_hidden { hidden.writer().await } else { shown.writer().await };
            *self.writer(is_hidden) = Some(told_of(is_hidden, folder, opened)?);
        }
        if let Some(writer) = self.writer(is_hidden) {
            told_of(is_hidden, folder, writer.send(folder, validity, batch).await)?;
            self.owed.push_back((is_hidden, folder.clone()));
        }
        Ok(())
    }

    async fn outcome(&mut self) -> Option<Result<BatchOutcome>> {
        let (is_hidden, folder) = self.owed.front().cloned()?;
        let outcome = self.writer(is_hidden).as_mut()?.outcome().await;
        self.owed.pop_front();
        Some(told_of(is_hidden, &folder, outcome?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parom_domain::Retry;

    #[test]
    fn an_error_of_the_other_way_stops_no_other_folder() {
        let folder = FolderPath::new(["a/b"]).unwrap_or_else(FolderPath::inbox);
        for (code, scope, told) in [
            (Code::ConnectionLost, Scope::Folder, Code::HiddenFolderUnreached),
            (Code::Throttled, Scope::Account, Code::HiddenFolderUnreached),
            (Code::SignInRefused, Scope::Credential, Code::HiddenFolderUnreached),
            (Code::CannotConnect, Scope::Server, Code::HiddenFolderUnreached),
            (Code::QuotaFull, Scope::Account, Code::QuotaFull),
            (Code::MessageUnreadable, Scope::Item, Code::MessageUnreadable),
            (Code::ValidityChanged, Scope::Folder, Code::ValidityChanged),
        ] {
            let error = Error::new(code, scope, Retry::Soon).with("host", "ex").with("answer", "no");
            let narrowed = of_folder(&folder, error);
            assert_eq!(narrowed.code(), told, "{code:?}");
            assert!(narrowed.scope() <= Scope::Folder && narrowed.arg("folder") == Some("a//b"), "{code:?}");
        }
    }
}
