//! `GetFolder`, `CreateFolder`, `UpdateFolder`, `MoveFolder`, `DeleteFolder` ([MS-OXWSFOLD] 3.1.4).

use crate::ews::mail;
use crate::ews::mail_write;
use crate::ews::show::{Lens, Shape};
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::{Folder, no_folder};
use crate::ews::xml::{Element, m};
use parom_domain::FolderPath;

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
        if class.starts_with("IPF.Note")
            && let Some(number) = create_shared(call, mailbox, parent, &name)?
        {
            return Ok(success("CreateFolder").with(m("Folders").with(shown(
                call,
                mailbox,
                number,
                &Shape::id_only(),
            )?)));
        }
        let number = call.state.make_folder(mailbox, parent, &name, class, call.now_s).ok_or_else(no_folder)?;
        Ok(success("CreateFolder").with(m("Folders").with(shown(call, mailbox, number, &Shape::id_only())?)))
    })
}

/// In the shared mailbox, where there is one.
fn create_shared(call: &mut Call<'_>, mailbox: u32, parent: u64, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(hands) = mail::hands(call) else { return Ok(None) };
    let root = call.state.mailbox(mailbox).map_or(0, |place| place.standard_number("msgfolderroot"));
    let path = match mail::shared_path(call, mailbox, parent) {
        Some(above) => Some(above.child(name)),
        None if parent == root => FolderPath::new([name]),
        None => None,
    };
    let Some(path) = path else { return Ok(None) };
    hands.create(&path, None).map_err(|_| refuse("ErrorFolderSave", "Folder save failed."))?;
    mail::refresh(call);
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let is_it = |known: &&Folder| known.parent == Some(parent) && known.name == name;
    Ok(place.folders.values().find(is_it).map(|known| known.number))
}

/// Only the name of a folder for mail.
pub fn update(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("FolderChanges"), |call, change| {
        let at = call.folder(change.children.first().ok_or_else(no_folder)?)?;
        let update = change.list("Updates").first().and_then(|update| update.children.get(1));
        let name = update.and_then(|folder| folder.text_of("DisplayName")).unwrap_or_default().trim().to_owned();
        if name.is_empty() {
            return Err(refuse("ErrorInvalidPropertySet", "Set action is invalid for property."));
        }
        let renamed = mail_write::folder(call, at, |hands, path| {
            let to = path.parent().map_or_else(|| FolderPath::new([&name]), |above| Some(above.child(&name)));
            hands.rename(path, &to.ok_or("no name")?)
        });
        renamed.ok_or_else(no_folder)??;
        Ok(success("UpdateFolder").with(m("Folders").with(shown(call, at.0, at.1, &Shape::id_only())?)))
    })
}

/// Only a folder for mail.
pub fn relocate(call: &mut Call<'_>, request: &Element) -> Element {
    let to = request.list("ToFolderId").first().cloned();
    call.each(request.list("FolderIds"), |call, id| {
        let at = call.folder(id)?;
        let (mailbox, above) = call.folder(to.as_ref().ok_or_else(no_folder)?)?;
        let above = mail::shared_path(call, mailbox, above);
        let moved = mail_write::folder(call, at, |hands, path| {
            let to = match &above {
                Some(above) => Some(above.child(path.name())),
                None => FolderPath::new([path.name()]),
            };
            hands.rename(path, &to.ok_or("no name")?)
        });
        moved.ok_or_else(no_folder)??;
        Ok(success("MoveFolder").with(m("Folders").with(shown(call, at.0, at.1, &Shape::id_only())?)))
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
        if !to_trash
            && let Some(deleted) = mail_write::folder(call, (mailbox, folder), |hands, path| {
                let below = hands.folders().into_iter().filter(|known| known == path || known.is_below(path));
                below.into_iter().try_for_each(|known| hands.delete(&known))
            })
        {
            return deleted.map(|()| success("DeleteFolder"));
        }
        let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
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
