//! Messages that IMAP cannot convert, as EWS gives them (`MimeContent`).
//!
//! IMAP's UID is a property of the item (PidTagInternetArticleNumber). Whether it is in every version nobody could try, so it is
//! never believed alone: the item must have come in the same second, and have the subject that the substitute quotes. Where it
//! does not lead anywhere, the second and the subject have to find exactly one item.

use crate::client::Transport;
use crate::item::ItemId;
use crate::mail_tree::MailTree;
use crate::op::{FindItem, FolderRef, GetMime, Look, Mime};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use parom_domain::Result;
use parom_domain::endpoint::{BodyRescue, Veiled};
use std::sync::Arc;

/// The mail of one mailbox.
pub struct MailRescue<T> {
    tree: Arc<MailTree<T>>,
}

/// So many items of one second are looked at. More is no evidence any more.
const MOST_ALIKE: usize = 20;
/// A longer message is not taken: all of it is in memory, and half as much again of base64.
pub(crate) const MOST_BYTES: usize = 64 << 20;

impl<T: Transport> MailRescue<T> {
    #[must_use]
    pub fn new(tree: Arc<MailTree<T>>) -> MailRescue<T> {
        MailRescue { tree }
    }

    async fn find(&self, folder: &str, look: Look) -> Result<Vec<ItemId>> {
        let folder = FolderRef::Id(folder.to_owned());
        let found = self.tree.client.ask(&FindItem { folder, look }).await?;
        // A server that does not know the property has no answer, which is one.
        Ok(found.map(|found| if found.is_last { found.items } else { Vec::new() }).unwrap_or_default())
    }

    async fn told(&self, id: &ItemId, with_content: bool) -> Result<Option<Mime>> {
        let mut told = self.tree.client.ask(&GetMime { items: vec![id.clone()], with_content }).await?;
        Ok(told.pop().and_then(std::result::Result::ok))
    }
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
        let (Some(received), Some(folder)) = (received, self.tree.find(&wanted.folder).await?) else { return Ok(None) };
        let next = received.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(received);
        for look in [Look::Article(wanted.uid.get()), Look::Received(received, next)] {
            let found = self.find(&folder.id, look).await?;
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
