//! `CreateAttachment`, `GetAttachment`, `DeleteAttachment` ([MS-OXWSATT] 3.1.4).

use crate::ews::draft;
use crate::ews::ids::Id;
use crate::ews::item::Content;
use crate::ews::show::{Lens, root_change_key};
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::xml::{Element, m, t};

pub fn create(call: &mut Call<'_>, request: &Element) -> Element {
    let parent = request.child("ParentItemId").cloned();
    call.each(request.list("Attachments"), |call, wanted| {
        let parent = parent.as_ref().ok_or_else(no_item)?;
        let named = call.item(parent)?;
        let mut attachment = draft::attachment(wanted);
        if let Content::File(base64) = &attachment.content
            && base64.len() > call.state.switches.attachment_limit
        {
            return Err(refuse("ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."));
        }
        (attachment.number, attachment.modified_s) = (call.state.number(), call.now_s);
        let number = attachment.number;
        let now_s = call.now_s;
        let change = call.state.touch(named.mailbox, named.number, now_s, |item| {
            if let Some(list) = item.attachments_mut(named.day, now_s) {
                list.push(attachment);
            }
        });
        let change = change.ok_or_else(no_item)?;
        let id = t("AttachmentId")
            .set("Id", Id::Attachment(number).written(named.mailbox))
            .set("RootItemId", parent.attribute("Id").unwrap_or_default())
            .set("RootItemChangeKey", root_change_key(change));
        Ok(success("CreateAttachment").with(m("Attachments").with(t(&wanted.name).with(id))))
    })
}

/// The mailbox, the item, and the day of the occurrence that it hangs on.
fn find(call: &Call<'_>, id: &Element) -> Result<(u32, u64, Option<i64>, u64), Refusal> {
    let broken = || refuse("ErrorInvalidAttachmentId", "The attachment Id is invalid.");
    let gone = || refuse("ErrorItemNotFound", "The specified object was not found in the store.");
    let (mailbox, id) = Id::read(id.attribute("Id").unwrap_or_default()).ok_or_else(broken)?;
    let Id::Attachment(number) = id else { return Err(broken()) };
    if !call.has_full_access && call.mailbox != Some(mailbox) {
        return Err(gone());
    }
    let place = call.state.mailbox(mailbox).ok_or_else(gone)?;
    let found = place.items.values().find_map(|item| Some((item.number, item.holder(number)?.0)));
    found.map(|(item, day)| (mailbox, item, day, number)).ok_or_else(gone)
}

pub fn get(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("AttachmentIds"), |call, id| {
        let (mailbox, item, _, number) = find(call, id)?;
        let place = call.state.mailbox(mailbox).ok_or_else(no_item)?;
        let lens = Lens { state: call.state, mailbox: place, zone: &call.zone, level: call.level, is_table: false };
        let (_, attachment) = place.items.get(&item).and_then(|item| item.holder(number)).ok_or_else(no_item)?;
        Ok(success("GetAttachment").with(m("Attachments").with(lens.attachment(attachment, true))))
    })
}

pub fn delete(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("AttachmentIds"), |call, id| {
        let (mailbox, item, day, number) = find(call, id)?;
        let now_s = call.now_s;
        let change = call.state.touch(mailbox, item, now_s, |item| {
            if let Some(list) = item.attachments_mut(day, now_s) {
                list.retain(|attachment| attachment.number != number);
            }
        });
        let root = match day {
            Some(day) => Id::Occurrence(item, day),
            None => Id::Item(item),
        };
        let root = m("RootItemId")
            .set("RootItemId", root.written(mailbox))
            .set("RootItemChangeKey", root_change_key(change.ok_or_else(no_item)?));
        Ok(success("DeleteAttachment").with(root))
    })
}
