//! `ExportItems` and `UploadItems` ([MS-OXWSBTRF]): whole items out and in, in a form that only the server reads.
//!
//! A real one gives a stream of all properties ([MS-OXCFXICS]). The lab keeps what it exported and gives a ticket for it, as long
//! as a small item and told apart from all others: it shows nothing of the item, as clients must not look into it.

use super::get_item::shown;
use crate::ews::ids::Id;
use crate::ews::show::Shape;
use crate::ews::site::{Call, Named};
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::xml::{Element, mt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const MARK: &[u8] = b"LAB\0FAST TRANSFER\0";

pub fn export(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("ItemIds"), |call, id| {
        let named = call.item(id)?;
        if named.day.is_some() {
            return Err(refuse("ErrorInvalidIdMalformed", "An occurrence can't be exported."));
        }
        let item = call.state.item(named.mailbox, named.number).ok_or_else(no_item)?.clone();
        if let Some(code) = item.broken {
            return Err(refuse(code, "The item can't be exported."));
        }
        let ticket = call.state.exports.len() as u64;
        call.state.exports.push(item);
        let data = STANDARD.encode([MARK, &ticket.to_le_bytes(), &[0x5A; 200]].concat());
        let told = shown(call, named, &Shape::id_only())?;
        let mut id = told.child("ItemId").cloned().ok_or_else(no_item)?;
        id.ns = crate::ews::xml::Ns::Messages;
        Ok(success("ExportItems").with(id).with(mt("Data", data)))
    })
}

pub fn upload(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("Items"), |call, wanted| {
        let parent = wanted.child("ParentFolderId").and_then(|parent| parent.attribute("Id")).unwrap_or_default();
        let known = |(mailbox, id)| match id {
            Id::Folder(number) if call.mailbox == Some(mailbox) || call.has_full_access => Some((mailbox, number)),
            _ => None,
        };
        let (mailbox, folder) = Id::read(parent)
            .and_then(known)
            .filter(|(mailbox, number)| call.state.mailbox(*mailbox).is_some_and(|it| it.folders.contains_key(number)))
            .ok_or_else(crate::ews::store::no_folder)?;
        if wanted.attribute("CreateAction") != Some("CreateNew") {
            return Err(refuse("ErrorInvalidRequest", "The lab uploads new items only."));
        }
        let mut item = exported(call, wanted.text_of("Data").unwrap_or_default())?;
        item.folder = folder;
        // It is the same event: UID and GlobalObjectId are properties like others.
        let number = call.state.put(mailbox, item, call.now_s);
        let named = Named { mailbox, number, day: None, change: None };
        let told = shown(call, named, &Shape::id_only())?;
        let mut id = told.child("ItemId").cloned().ok_or_else(no_item)?;
        id.ns = crate::ews::xml::Ns::Messages;
        Ok(success("UploadItems").with(id))
    })
}

fn exported(call: &Call<'_>, data: &str) -> Result<crate::ews::item::Item, Refusal> {
    let corrupt = || refuse("ErrorCorruptData", "The stream of properties can't be read.");
    let bytes = STANDARD.decode(data.trim()).map_err(|_| corrupt())?;
    let rest = bytes.strip_prefix(MARK).ok_or_else(corrupt)?;
    let ticket = u64::from_le_bytes(rest.get(..8).and_then(|it| it.try_into().ok()).ok_or_else(corrupt)?);
    let at = usize::try_from(ticket).map_err(|_| corrupt())?;
    call.state.exports.get(at).cloned().ok_or_else(corrupt)
}
