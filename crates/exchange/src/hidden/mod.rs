//! The folders that Exchange hides from IMAP, over EWS, as an [`Endpoint`]: those with a `/` in their name, and all below them.
//!
//! A message is known by the number that IMAP would tell as its UID (PidTagInternetArticleNumber), a folder by its id. Numbers are
//! believed only where each message of a folder has one of its own: else the whole folder is told as not carried. That numbers of
//! other folders, or of IMAP, are the same is never needed.

mod read;
mod write;

use crate::classify::{About, classify, is_gone};
use crate::client::Transport;
use crate::item::ItemId;
use crate::mail_tree::MailTree;
use crate::op::{
    CreateFolder, DeleteFolder, FolderKind, FolderRef, GetMime, ListMail, MailSeen, MoveFolder, RenameFolder,
};
use crate::rescue::MOST_BYTES;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{
    Abilities, BodyStream, Cursor, Endpoint, Holds, Listing, MarkChange, Marked, ReadFrom, Removed, Shifted, Sighting,
    Snapshot, Stamp, Writer,
};
use parom_domain::{Code, Error, Fingerprint, FolderPath, FolderSeen, Marks, Result, Retry, Role, Scope, Uid, UidSet};
use read::Bodies;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use write::Posting;

/// Does Exchange leave this folder out of what IMAP lists?
#[must_use]
pub fn is_hidden(path: &FolderPath) -> bool {
    path.segments().iter().any(|name| name.contains('/'))
}

/// As a server would list it to which `/` is nothing but a delimiter.
#[must_use]
pub fn misread(path: &FolderPath) -> Option<FolderPath> {
    FolderPath::new(path.segments().iter().flat_map(|name| name.split('/')))
}

/// The hidden folders of one mailbox.
pub struct HiddenFolders<T> {
    mail: Arc<Mail<T>>,
}

/// What all calls, streams and lanes share.
struct Mail<T> {
    tree: Arc<MailTree<T>>,
}

/// A folder that is there.
struct Place {
    id: String,
    validity: u32,
}

/// What a folder holds, by number.
type Listed = BTreeMap<Uid, MailSeen>;

impl<T: Transport> HiddenFolders<T> {
    #[must_use]
    pub fn new(tree: Arc<MailTree<T>>) -> HiddenFolders<T> {
        HiddenFolders { mail: Arc::new(Mail { tree }) }
    }
}

impl<T: Transport> Mail<T> {
    /// The folder at this path, which must be the one that the caller believes in.
    async fn place(&self, path: &FolderPath, validity: Option<u32>) -> Result<Place> {
        let folder = self.tree.find(path).await?;
        let Some(folder) = folder.filter(crate::op::Folder::is_mail) else {
            return Err(self.about(Code::FolderGone, Retry::Soon, path));
        };
        let place = Place { validity: validity_of(&folder.id), id: folder.id };
        match validity {
            Some(believed) if believed != place.validity => Err(self.about(Code::ValidityChanged, Retry::Soon, path)),
            _ => Ok(place),
        }
    }

    fn about(&self, code: Code, retry: Retry, folder: &FolderPath) -> Error {
        Error::new(code, Scope::Folder, retry).with("host", self.tree.client.host()).with("folder", folder)
    }

    /// Everything in the folder. What does not add up is no listing.
    async fn listed(&self, path: &FolderPath, place: &Place) -> Result<Listed> {
        let mut items: Vec<MailSeen> = Vec::new();
        let (mut offset, mut total) = (Some(0), None);
        while let Some(from) = offset {
            let folder = FolderRef::Id(place.id.clone());
            let page = self.tree.client.ask(&ListMail { folder, offset: from }).await?;
            let page = page.map_err(|refusal| classify(About::MailFolder, &refusal).with("folder", path))?;
            offset = page.next;
            total = page.total.or(total);
            items.extend(page.items);
        }
        let count = items.len();
        // Between two pages messages may come and go.
        let ids: HashSet<&str> = items.iter().map(|item| item.id.id.as_str()).collect();
        if ids.len() != count || total.is_some_and(|total| total != count) {
            let incomplete = self.about(Code::ListingIncomplete, Retry::Soon, path);
            return Err(incomplete.with("listed", ids.len()).with("exists", total.unwrap_or(count)));
        }
        let numbered = items.into_iter().filter_map(|item| Some((item.number.and_then(Uid::new)?, item)));
        let listed: Listed = numbered.collect();
        // INVARIANT: every message has one number, and every number one message.
        if listed.len() != count {
            let unnumbered = self.about(Code::HiddenFolderUnnumbered, Retry::WhenFixed, path);
            return Err(unnumbered.with("count", count - listed.len()).with("total", count));
        }
        Ok(listed)
    }

    /// Those of the messages that are there.
    async fn chosen(&self, path: &FolderPath, validity: u32, wanted: impl Fn(Uid) -> bool) -> Result<Listed> {
        let place = self.place(path, Some(validity)).await?;
        let mut listed = self.listed(path, &place).await?;
        listed.retain(|uid, _| wanted(*uid));
        Ok(listed)
    }

    /// A message as it is. `None` where the server does not give it, or where it is none.
    async fn content(&self, seen: &MailSeen) -> Result<Content> {
        if !seen.is_mail || seen.bytes > MOST_BYTES as u64 {
            return Ok(Content::Withheld);
        }
        let mut told = self.tree.client.ask(&GetMime { items: vec![seen.id.clone()], with_content: true }).await?;
        match told.pop() {
            Some(Ok(mime)) if !mime.content.is_empty() && mime.content.len() <= MOST_BYTES => {
                Ok(Content::Told(mime.content))
            }
            Some(Err(refusal)) if is_gone(&refusal.code) => Ok(Content::Gone),
            Some(Err(refusal)) => match classify(About::MailRead, &refusal) {
                error if error.scope() > Scope::Item => Err(error.with("host", self.tree.client.host())),
                _ => Ok(Content::Withheld),
            },
            _ => Ok(Content::Withheld),
        }
    }

    async fn stamps(&self, listed: Listed) -> Result<Vec<Stamp>> {
        let mut stamps = Vec::with_capacity(listed.len());
        for (uid, seen) in listed {
            let (head, substituted) = match self.content(&seen).await? {
                Content::Told(bytes) => (bytes, false),
                Content::Withheld => (Bytes::new(), true),
                Content::Gone => continue,
            };
            let fingerprint = Fingerprint::of_headers(&head);
            stamps.push(Stamp { uid, fingerprint, size: seen.bytes, marks: marks(&seen), substituted });
        }
        Ok(stamps)
    }
}

/// What became of the question for a message.
enum Content {
    Told(Bytes),
    /// It is there, and its text is not given.
    Withheld,
    Gone,
}

fn marks(seen: &MailSeen) -> Marks {
    let bits = [
        (seen.is_read, Marks::SEEN),
        (seen.is_flagged, Marks::FLAGGED),
        (seen.is_answered, Marks::ANSWERED),
        (seen.is_draft, Marks::DRAFT),
    ];
    Marks::from_system(bits.into_iter().filter(|(is_set, _)| *is_set).map(|(_, bit)| bit).sum())
}

/// What can be written. That a message is a draft is told, and nothing more.
fn holds() -> Holds {
    Holds { marks: Marks::from_system(Marks::SEEN | Marks::FLAGGED | Marks::ANSWERED), any_keyword: false }
}

/// A UIDVALIDITY of the folder's id, the same for ever, and none that IMAP would tell: those of Exchange are small.
fn validity_of(id: &str) -> u32 {
    let hash = id.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash | 0x8000_0000
}

fn ids(listed: &Listed) -> Vec<(Uid, ItemId)> {
    listed.iter().map(|(uid, seen)| (*uid, seen.id.clone())).collect()
}

#[async_trait]
impl<T: Transport + 'static> Endpoint for HiddenFolders<T> {
    async fn folders(&self) -> Result<Listing> {
        let all = self.mail.tree.list().await?;
        let hidden = all.iter().filter(|(path, folder)| is_hidden(path) && folder.is_mail());
        let folders = hidden.map(|(path, folder)| FolderSeen {
            path: path.clone(),
            role: None,
            selectable: true,
            may_have_children: true,
            hides_children: false,
            subscribed: false,
            subscribable: false,
            status: None,
            mailbox_id: Some(folder.id.clone()),
        });
        let mut folders: Vec<FolderSeen> = folders.collect();
        folders.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Listing { folders, abilities: abilities(), withheld: None })
    }

    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        let all = self.mail.tree.list().await?;
        Ok(folders.iter().map(|path| Some(all.get(path)?.id.clone())).collect())
    }

    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot> {
        let place = self.mail.place(folder, since.map(|cursor| cursor.validity)).await?;
        let listed = self.mail.listed(folder, &place).await?;
        let exists = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        Ok(Snapshot {
            // Nobody tells which number comes next, nor what was changed since.
            cursor: Cursor { validity: place.validity, uidnext: 0, modseq: 0, exists },
            holds: holds(),
            present: listed.iter().map(|(uid, seen)| Sighting { uid: *uid, marks: marks(seen) }).collect(),
            listed: Some(listed.keys().copied().collect()),
            vanished: UidSet::new(),
        })
    }

    async fn stamps(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
        let chosen = self.mail.chosen(folder, validity, |uid| uids.contains(uid)).await?;
        self.mail.stamps(chosen).await
    }

    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        let chosen = self.mail.chosen(folder, validity, |uid| uids.contains(uid)).await?;
        Ok(chosen.into_keys().collect())
    }

    /// Exchange estimates sizes.
    async fn sizes(&self, _: &FolderPath, _: u32, _: &UidSet) -> Result<Vec<(Uid, u64)>> {
        Ok(Vec::new())
    }

    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        let chosen = self.mail.chosen(folder, validity, |uid| uids.contains(uid)).await?;
        Ok(chosen.into_iter().filter(|(_, seen)| seen.asks_receipt && !seen.is_read).map(|(uid, _)| uid).collect())
    }

    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>> {
        Ok(Box::new(Bodies::new(self.mail.clone(), wanted)))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Posting::new(self.mail.clone())))
    }

    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
        let listed = self.mail.chosen(folder, since.validity, |_| true).await?;
        let mut results = Vec::with_capacity(changes.len());
        for change in changes {
            let done = self.mail.mark(folder, &listed, change).await;
            results.push(done.map(|()| holds().unkept(&change.add, &change.remove)));
        }
        let marked = changes.iter().flat_map(|change| change.uids.iter());
        let missing = marked.filter(|uid| !listed.contains_key(uid)).collect();
        Ok(Marked { results, missing, echo: None })
    }

    async fn shift(&self, from: (&FolderPath, u32), uids: &UidSet, to: (&FolderPath, u32)) -> Result<Vec<Shifted>> {
        self.mail.shift(from, uids, to).await
    }

    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        self.mail.expunge(folder, validity, uids).await
    }

    async fn create(&self, folder: &FolderPath, _: Option<Role>) -> Result<()> {
        let below = self.mail.parent(folder).await?;
        let create = CreateFolder { below, name: folder.name().to_owned(), kind: FolderKind::Mail };
        match self.mail.tree.client.ask(&create).await? {
            Ok(_) => {}
            Err(refusal) if refusal.code == "ErrorFolderExists" => {}
            Err(refusal) => return Err(self.mail.refused(folder, &refusal)),
        }
        self.mail.tree.list().await.map(drop)
    }

    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        // What another program has done since the listing counts.
        let all = self.mail.tree.list().await?;
        let Some(folder) = all.get(from) else { return Err(self.mail.about(Code::FolderGone, Retry::Soon, from)) };
        let client = &self.mail.tree.client;
        if from.parent() != to.parent() {
            let moved = client.ask(&MoveFolder { id: folder.id.clone(), to: self.mail.parent(to).await? }).await?;
            moved.map_err(|refusal| self.mail.refused(to, &refusal))?;
        }
        if from.name() != to.name() {
            let renamed = client.ask(&RenameFolder { id: folder.id.clone(), name: to.name().to_owned() }).await?;
            renamed.map_err(|refusal| self.mail.refused(to, &refusal))?;
        }
        self.mail.tree.list().await.map(drop)
    }

    async fn remove(&self, folder: &FolderPath) -> Result<()> {
        let all = self.mail.tree.list().await?;
        let Some(known) = all.get(folder) else { return Ok(()) };
        match self.mail.tree.client.ask(&DeleteFolder { id: known.id.clone() }).await? {
            Ok(()) => {}
            Err(refusal) if refusal.code == "ErrorFolderNotFound" => {}
            Err(refusal) => return Err(self.mail.refused(folder, &refusal)),
        }
        self.mail.tree.list().await.map(drop)
    }

    async fn subscribe(&self, _: &FolderPath, _: bool) -> Result<()> {
        Ok(())
    }

    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
        let chosen = self.mail.chosen(folder, validity, |uid| uid >= floor).await?;
        self.mail.stamps(chosen).await
    }

    async fn wait(&self, _: &FolderPath, limit_ms: u64) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(limit_ms)).await;
        Ok(())
    }

    async fn close(&self) {}
}

/// What these folders can do. Behind those that IMAP shows they are one side with them, and that one's abilities count.
fn abilities() -> Abilities {
    Abilities {
        tells_vanished: false,
        moves_in_one_step: true,
        tells_new_uids: true,
        keeps_bytes: false,
        case_sensitive: false,
        lists_every_folder: true,
        forbidden_in_names: Vec::new(),
        batch_items: 1,
        batch_bytes: MOST_BYTES as u64,
        batches_under_way: 1,
        append_limit: None,
        renames_roles: false,
        sends_receipts: true,
        shallow_flags: false,
        recovery_grace_ms: 0,
        index_lag_ms: 0,
        round_trip_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_validity_for_ever_and_no_small_one() {
        let validity = validity_of("AAMkAGQ=");
        assert_eq!(validity, validity_of("AAMkAGQ="));
        assert_ne!(validity, validity_of("AAMkAGR="));
        assert!(validity > 1 << 31 && validity_of("") >= 1 << 31);
    }

    #[test]
    fn what_has_a_slash_and_what_is_below_is_hidden() {
        let path = |names: &[&str]| FolderPath::new(names.iter().copied()).unwrap();
        assert!(is_hidden(&path(&["a/b"])) && is_hidden(&path(&["a/b", "c"])) && is_hidden(&path(&["INBOX", "/"])));
        assert!(!is_hidden(&path(&["a", "b\u{2215}c"])));
    }
}
