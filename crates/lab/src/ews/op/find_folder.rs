//! `FindFolder` ([MS-OXWSSRCH] 3.1.4.1).

use super::find_item::page;
use crate::ews::paths::Path;
use crate::ews::query;
use crate::ews::show::{Lens, Shape};
use crate::ews::site::Call;
use crate::ews::soap::success;
use crate::ews::store::{Folder, no_folder};
use crate::ews::xml::{Element, m, t};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let shape = Shape::read(request.child("FolderShape"), call.level);
    let is_deep = request.attribute("Traversal") == Some("Deep");
    call.each(request.list("ParentFolderIds"), |call, id| {
        let shape = shape.clone()?;
        let (mailbox, parent) = call.folder(id)?;
        let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
        let lens = Lens { state: call.state, mailbox: place, zone: &call.zone, level: call.level, is_table: true };
        let mut found: Vec<&Folder> = Vec::new();
        for folder in place.folders.values() {
            let is_below = if is_deep { place.is_below(folder.number, parent) } else { folder.parent == Some(parent) };
            let holds = match request.child("Restriction") {
                Some(restriction) => query::holds(restriction, call.level, &|path| look(folder, path))?,
                None => true,
            };
            if is_below && holds {
                found.push(folder);
            }
        }
        let total = found.len();
        let (from, to) = page(request.child("IndexedPageFolderView"), total, usize::MAX);
        let shown = found.get(from..to).unwrap_or_default().iter().map(|folder| lens.folder(folder, &shape));
        let root = m("RootFolder")
            .set("IndexedPagingOffset", to)
            .set("TotalItemsInView", total)
            .set("IncludesLastItemInRange", to == total)
            .with(t("Folders").with_all(shown));
        Ok(success("FindFolder").with(root))
    })
}

fn look(folder: &Folder, path: &Path) -> Option<String> {
    match path {
        Path::Folder("FolderClass") => Some(folder.class.clone()),
        Path::Folder("DisplayName") => Some(folder.name.clone()),
        Path::Extended(key, _) if key.set == "tag" && key.id == 0x3613.to_string() => Some(folder.class.clone()),
        Path::Extended(key, _) if key.set == "tag" && key.id == 0x10F4.to_string() => Some("false".to_owned()),
        _ => None,
    }
}
