//! `GetFolder`, `CreateFolder`, `DeleteFolder` ([MS-OXWSFOLD] 3.1.4).

use crate::ews::show::{Lens, Shape};
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_folder;
use crate::ews::xml::{Element, m};

pub fn get(call: &mut Call<'_>, request: &Element) -> Element {
    let shape = Shape::read(request.child("FolderShape"), call.level);
    call.each(request.list("FolderIds"), |call, id| {
        let (mailbox, folder) = call.folder(id)?;
        Ok(success("GetFolder").with(m("Folders").with(shown(call, mailbox, folder, &shape.clone()?)?)))
    })
}

pub fn shown(call: &Call<'_>, mailbox: u32, folder: u64, shape: &Shape) -> Result<Element, Refusal> {
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let lens = Lens { state: call.state, mailbox: place, zone: &call.zone, level: call.level, is_table: false };
    Ok(lens.folder(place.folders.get(&folder).ok_or_else(no_folder)?, shape))
}

pub fn create(call: &mut Call<'_>, request: &Element) -> Element {
    let parent = request.list("ParentFolderId").first().cloned();
    call.each(request.list("Folders"), |call, wanted| {
        let (mailbox, parent) = call.folder(parent.as_ref().ok_or_else(no_folder)?)?;
        let name = wanted.text_of("DisplayName").unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            return Err(refuse("ErrorFolderSave", "Folder save failed: a folder must have a name."));
        }
        let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
        let is_taken = |name: &str| {
            place.folders.values().any(|known| known.parent == Some(parent) && known.name.eq_ignore_ascii_case(name))
        };
        if is_taken(&name) {
            return Err(refuse("ErrorFolderExists", "A folder with the specified name already exists."));
        }
        let class = wanted.text_of("FolderClass").unwrap_or(match wanted.name.as_str() {
            "CalendarFolder" => "IPF.Appointment",
            "ContactsFolder" => "IPF.Contact",
            "TasksFolder" => "IPF.Task",
            _ => "IPF.Note",
        });
        let number = call.state.make_folder(mailbox, parent, &name, class, call.now_s).ok_or_else(no_folder)?;
        Ok(success("CreateFolder").with(m("Folders").with(shown(call, mailbox, number, &Shape::id_only())?)))
    })
}

pub fn delete(call: &mut Call<'_>, request: &Element) -> Element {
    let to_trash = request.attribute("DeleteType") == Some("MoveToDeletedItems");
    call.each(request.list("FolderIds"), |call, id| {
        let (mailbox, folder) = call.folder(id)?;
        let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
        if place.folders.get(&folder).is_some_and(|folder| folder.distinguished.is_some()) {
            return Err(refuse("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."));
        }
        if to_trash {
            let (trash, change) = (place.standard_number("deleteditems"), call.state.next_change());
            let place = call.state.mailbox_mut(mailbox).ok_or_else(no_folder)?;
            let moved = place.folders.get_mut(&folder).ok_or_else(no_folder)?;
            (moved.parent, moved.change) = (Some(trash), change);
        } else {
            call.state.remove_folder(mailbox, folder, call.now_s);
        }
        Ok(success("DeleteFolder"))
    })
}
