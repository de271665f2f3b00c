//! `MoveItem` and `CopyItem` ([MS-OXWSCORE] 3.1.4.1, 3.1.4.6).

use super::get_item::shown;
use crate::ews::goid;
use crate::ews::mail_write;
use crate::ews::show::Shape;
use crate::ews::site::{Call, Named};
use crate::ews::soap::{refuse, success};
use crate::ews::store::{no_folder, no_item};
use crate::ews::xml::{Element, m};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let to = request.list("ToFolderId").first().cloned();
    let tells_ids = request.text_of("ReturnNewItemIds") != Some("false");
    let is_copy = request.name == "CopyItem";
    let operation = request.name.clone();
    call.each(request.list("ItemIds"), |call, id| {
        if let Some(moved) = mail_write::relocate(call, id, to.as_ref()).filter(|_| !is_copy) {
            return moved;
        }
        let (mailbox, folder) = call.folder(to.as_ref().ok_or_else(no_folder)?)?;
        let named = call.item(id)?;
        if named.day.is_some() {
            let text = "An occurrence can't be moved or copied.";
            return Err(refuse("ErrorCalendarCannotMoveOrCopyOccurrence", text));
        }
        if mailbox != named.mailbox {
            return Err(refuse("ErrorMoveCopyFailed", "Between mailboxes the lab moves nothing."));
        }
        let number = if is_copy {
            let mut copy = call.state.item(mailbox, named.number).ok_or_else(no_item)?.clone();
            // A copy is another event: [MS-OXOCAL] 3.1.4.3.
            copy.goid = goid::fresh(call.now_s, call.state.number());
            copy.uid = goid::uid(&copy.goid);
            copy.folder = folder;
            call.state.put(mailbox, copy, call.now_s)
        } else {
            call.state.relocate(mailbox, named.number, folder, call.now_s).ok_or_else(no_item)?
        };
        let mut items = m("Items");
        if tells_ids {
            let named = Named { mailbox, number, day: None, change: None };
            items.children.push(shown(call, named, &Shape::id_only())?);
        }
        Ok(success(&operation).with(items))
    })
}
