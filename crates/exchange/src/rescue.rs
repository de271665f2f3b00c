//! Messages that IMAP cannot convert, as EWS gives them (`MimeContent`).
//!
//! IMAP's UID is a property of the item (PidTagInternetArticleNumber). Whether it is in every version nobody could try, so it is
//! never believed alone: the item must have come in the same second, and have the subject that the substitute quotes. Where it
//! does not lead anywhere, the second and the subject have to find exactly one item.

use crate::classify::{About, classify};
use crate::client::{Client, Transport};
use crate::item::ItemId;
use crate::op::{FindFolder, FindItem, Folder, FolderRef, GetFolder, GetMime, Look, Mime};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use parom_domain::endpoint::{BodyRescue, Veiled};
use parom_domain::{FolderPath, Result};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The mail of one mailbox.
pub struct MailRescue<T> {
    client: Client<T>,
    /// The ids of the folders, as far as they were asked for.
    folders: Mutex<HashMap<FolderPath, String>>,
}

/// So many items of one second are looked at. More is no evidence any more.
const MOST_ALIKE: usize = 20;
/// A longer message is not taken: all of it is in memory, and half as much again of base64.
const MOST_BYTES: usize = 64 << 20;

impl<T: Transport> MailRescue<T> {
    #[must_use]
    pub fn new(client: Client<T>) -> MailRescue<T> {
        MailRescue { client, folders: Mutex::default() }
    }

    /// The id of the folder that IMAP calls by this path.
    async fn folder(&self, path: &FolderPath) -> Result<Option<String>> {
        if let Some(id) = self.known().get(path) {
            return Ok(Some(id.clone()));
        }
        // One that is not known may be a new one.
        let all = self.all_folders().await?;
        *self.known() = all;
        Ok(self.known().get(path).cloned())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<FolderPath, String>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn all_folders(&self) -> Result<HashMap<FolderPath, String>> {
        let roots = ["msgfolderroot", "inbox"].map(FolderRef::Known);
        let told = self.client.ask(&GetFolder { folders: roots.to_vec() }).await?;
        let told: Vec<Folder> = told
            .into_iter()
            .collect::<std::result::Result<_, _>>()
            .map_err(|refusal| classify(About::Account, &refusal))?;
        let [root, inbox] = told.as_slice() else { return Ok(HashMap::new()) };
        let mut all: HashMap<String, Folder> = HashMap::new();
        let mut offset = Some(0);
        while let Some(from) = offset {
            let page = self.client.ask(&FindFolder { below: FolderRef::Known("msgfolderroot"), offset: from }).await?;
            let page = page.map_err(|refusal| classify(About::Account, &refusal))?;
            offset = page.next;
            all.extend(page.folders.into_iter().map(|folder| (folder.id.clone(), folder)));
        }
        let paths = all.keys().filter_map(|id| Some((path(id, &all, &root.id, &inbox.id)?, id.clone())));
        Ok(paths.collect())
    }

    async fn find(&self, folder: &str, look: Look) -> Result<Vec<ItemId>> {
        let folder = FolderRef::Id(folder.to_owned());
        let found = self.client.ask(&FindItem { folder, look }).await?;
        // A server that does not know the property has no answer, which is one.
        Ok(found.map(|found| if found.is_last { found.items } else { Vec::new() }).unwrap_or_default())
    }

    async fn told(&self, id: &ItemId, with_content: bool) -> Result<Option<Mime>> {
        let mut told = self.client.ask(&GetMime { items: vec![id.clone()], with_content }).await?;
        Ok(told.pop().and_then(std::result::Result::ok))
    }
}

/// Where a folder is, below the root of the mail. IMAP has a name of its own for the inbox alone.
fn path(id: &str, all: &HashMap<String, Folder>, root: &str, inbox: &str) -> Option<FolderPath> {
    let (mut names, mut at) = (Vec::new(), id);
    while at != root {
        // Nothing is so deep: the folders go in a circle.
        if names.len() > all.len() {
            return None;
        }
        let folder = all.get(at)?;
        if at == inbox && names.is_empty() {
            return Some(FolderPath::inbox());
        }
        names.push(if at == inbox { "INBOX" } else { folder.name.as_str() });
        at = folder.parent.as_str();
    }
    names.reverse();
    FolderPath::new(names)
}

/// Which second it is, where it is known.
fn is_at(mime: &Mime, received: Timestamp) -> bool {
    mime.received.is_some_and(|at| at.as_second() == received.as_second())
}

fn words(subject: &str) -> String {
    subject.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl<T: Transport> BodyRescue for MailRescue<T> {
    async fn rescue(&self, wanted: &Veiled) -> Result<Option<Bytes>> {
        let received = wanted.date.and_then(|date| Timestamp::from_second(date.unix_s).ok());
        let (Some(received), Some(folder)) = (received, self.folder(&wanted.folder).await?) else { return Ok(None) };
        let next = received.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(received);
        for look in [Look::Article(wanted.uid.get()), Look::Received(received, next)] {
            let found = self.find(&folder, look).await?;
            if found.len() > MOST_ALIKE {
                continue;
            }
            let mut fitting = Vec::new();
            for id in found {
                let is_it = |mime: &Mime| is_at(mime, received) && words(&mime.subject) == wanted.subject;
                if self.told(&id, false).await?.is_some_and(|mime| is_it(&mime)) {
                    fitting.push(id);
                }
            }
            if let [only] = fitting.as_slice() {
                let mime = self.told(only, true).await?;
                let content = mime.map(|mime| mime.content).filter(|content| !content.is_empty());
                return Ok(content.filter(|content| content.len() <= MOST_BYTES));
            }
        }
        Ok(None)
    }
}
