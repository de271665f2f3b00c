//! The folders of a mailbox by the paths that IMAP has for them.

use crate::classify::{About, classify};
use crate::client::{Client, Transport};
use crate::op::{FindFolder, Folder, FolderRef, GetFolder};
use parom_domain::{Code, Error, FolderPath, Result, Retry, Scope};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folders of one mailbox, as far as they were asked for.
pub struct MailTree<T> {
    pub(crate) client: Client<T>,
    /// The root of the mail and the inbox, which stay.
    roots: Mutex<Option<[String; 2]>>,
    known: Mutex<Arc<HashMap<FolderPath, Folder>>>,
}

impl<T: Transport> MailTree<T> {
    #[must_use]
    pub fn new(client: Client<T>) -> MailTree<T> {
        MailTree { client, roots: Mutex::default(), known: Mutex::default() }
    }

    /// The folder that IMAP calls by this path.
    pub(crate) async fn find(&self, path: &FolderPath) -> Result<Option<Folder>> {
        if let Some(folder) = held(&self.known).get(path) {
            return Ok(Some(folder.clone()));
        }
        // One that is not known may be a new one.
        Ok(self.list().await?.get(path).cloned())
    }

    /// All folders below the root of the mail, whatever they are for.
    pub(crate) async fn list(&self) -> Result<Arc<HashMap<FolderPath, Folder>>> {
        let [root, inbox] = self.roots().await?;
        let mut all: HashMap<String, Folder> = HashMap::new();
        let mut offset = Some(0);
        let mut total = None;
        while let Some(from) = offset {
            let page = self.client.ask(&FindFolder { below: FolderRef::Known("msgfolderroot"), offset: from }).await?;
            let page = page.map_err(|refusal| classify(About::Account, &refusal))?;
            offset = page.next;
            total = page.total.or(total);
            all.extend(page.folders.into_iter().map(|folder| (folder.id.clone(), folder)));
        }
        // Folders may come and go between two pages. What does not add up is no listing.
        if total.is_some_and(|total| total != all.len()) {
            return Err(Error::new(Code::ListingIncomplete, Scope::Account, Retry::Soon)
                .with("host", self.client.host())
                .with("folder", "msgfolderroot")
                .with("listed", all.len())
                .with("exists", total.unwrap_or(0)));
        }
        let paths = all.keys().filter_map(|id| Some((path(id, &all, &root, &inbox)?, all.get(id)?.clone())));
        let listed = Arc::new(paths.collect::<HashMap<_, _>>());
        *held(&self.known) = listed.clone();
        Ok(listed)
    }

    async fn roots(&self) -> Result<[String; 2]> {
        if let Some(known) = held(&self.roots).clone() {
            return Ok(known);
        }
        let told =
            self.client.ask(&GetFolder { folders: ["msgfolderroot", "inbox"].map(FolderRef::Known).to_vec() }).await?;
        let told: Vec<Folder> = told
            .into_iter()
            .collect::<std::result::Result<_, _>>()
            .map_err(|refusal| classify(About::Account, &refusal))?;
        let Ok([root, inbox]) = <[Folder; 2]>::try_from(told) else {
            return Err(Error::new(Code::AnswerUnexpected, Scope::Account, Retry::Soon)
                .with("host", self.client.host())
                .with("answer", "no root of the mail"));
        };
        Ok(held(&self.roots).insert([root.id, inbox.id]).clone())
    }
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
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
