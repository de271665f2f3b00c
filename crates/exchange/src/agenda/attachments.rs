//! Attachments: fetched up to a limit, and brought in step by name and content.

use super::Calendars;
use crate::classify::{About, classify, classify_large, is_lost_attachment};
use crate::client::Transport;
use crate::item::{AttachmentSeen, CalendarItem, ItemId};
use crate::op::{CreateAttachment, DeleteAttachment, GetAttachment, NewAttachment, Shape};
use parom_domain::Result;
use std::sync::Arc;

impl<T: Transport> Calendars<T> {
    /// What is larger than the rest of the limit, or cannot be given, stays without content.
    pub(super) async fn fetch_attachments(&self, items: &mut [CalendarItem]) -> Result<()> {
        let mut left = self.settings.most_attachment_bytes;
        for attachment in items.iter_mut().flat_map(|item| &mut item.attachments) {
            if attachment.size <= left && !attachment.id.is_empty() {
                attachment.content = self.content(&attachment.id).await?.filter(|content| content.len() as u64 <= left);
                left -= attachment.content.as_ref().map_or(0, |content| content.len() as u64);
            }
        }
        Ok(())
    }

    async fn content(&self, id: &str) -> Result<Option<Arc<[u8]>>> {
        match self.client.ask(&GetAttachment { id: id.to_owned() }).await? {
            Ok(content) => Ok(content),
            // INVARIANT: what comes next time is not left out: the other side would take it for removed.
            Err(refusal) if !is_lost_attachment(&refusal.code) => Err(classify(About::Read, &refusal)),
            Err(_) => Ok(None),
        }
    }

    /// Adds what is new and removes what is not wanted any more. The item with its change key after that. An exception lists what
    /// its `master` has, too, and to remove that there would be to remove it from all.
    pub(super) async fn attach(
        &self,
        mut id: ItemId,
        from: &[AttachmentSeen],
        to: &[AttachmentSeen],
        master: Option<&ItemId>,
    ) -> Result<ItemId> {
        let added = to.iter().filter(|attachment| !from.iter().any(|other| is_same(attachment, other)));
        for attachment in added {
            let Some(content) = &attachment.content else { continue };
            let file = NewAttachment {
                name: attachment.name.clone(),
                content_type: attachment.content_type.clone(),
                content: content.clone(),
            };
            let made = self.client.ask(&CreateAttachment { parent: id.clone(), file }).await;
            let made = made.and_then(|made| made.map_err(|refusal| classify(About::Write, &refusal)));
            id = made.map_err(|error| classify_large(error, content.len()))?.root;
        }
        let removed: Vec<&AttachmentSeen> =
            from.iter().filter(|attachment| !to.iter().any(|other| is_same(attachment, other))).collect();
        if removed.is_empty() {
            return Ok(id);
        }
        let there = self.listed(&id).await?;
        let of_all = match master {
            Some(master) => self.listed(&ItemId { id: master.id.clone(), change_key: None }).await?,
            None => Vec::new(),
        };
        for attachment in removed {
            let is_own = |other: &&AttachmentSeen| !of_all.iter().any(|shared| shared.id == other.id);
            for candidate in there.iter().filter(is_own).filter(|other| other.name == attachment.name) {
                // Two of one name are told apart by what is in them.
                if self.content(&candidate.id).await? != attachment.content {
                    continue;
                }
                let deleted = self.client.ask(&DeleteAttachment { id: candidate.id.clone() }).await?;
                id = deleted.map_err(|refusal| classify(About::Write, &refusal))?;
                break;
            }
        }
        Ok(id)
    }

    async fn listed(&self, id: &ItemId) -> Result<Vec<AttachmentSeen>> {
        let item = self.get_shaped(std::slice::from_ref(id), Shape::Full).await?.into_iter().next();
        Ok(item.and_then(std::result::Result::ok).flatten().map(|item| item.attachments).unwrap_or_default())
    }
}

fn is_same(one: &AttachmentSeen, two: &AttachmentSeen) -> bool {
    one.name == two.name && one.content == two.content
}
