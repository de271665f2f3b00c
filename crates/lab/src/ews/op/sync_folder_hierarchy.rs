//! `SyncFolderHierarchy` ([MS-OXWSSYNC] 3.1.4.1).

use super::folders::shown;
use crate::ews::ids::Id;
use crate::ews::show::Shape;
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, response, success};
use crate::ews::store::no_folder;
use crate::ews::sync::{Change, Known};
use crate::ews::xml::{Element, m, mt, t};
use std::collections::BTreeMap;

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    // A refusal has an empty state with it: exchangelib, made for the real one, relies on that.
    let refuse = |message: Element| message.with(m("SyncState")).with(mt("IncludesLastFolderInRange", true));
    let message = answer(call, request).unwrap_or_else(|refused| refuse(refused.message("SyncFolderHierarchy")));
    response("SyncFolderHierarchy", vec![message])
}

fn answer(call: &mut Call<'_>, request: &Element) -> Result<Element, Refusal> {
    let shape = Shape::read(request.child("FolderShape"), call.level)?;
    let top = t("DistinguishedFolderId").set("Id", "msgfolderroot");
    let (mailbox, folder) = call.folder(request.list("SyncFolderId").first().unwrap_or(&top))?;
    let invalid = || refuse("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.");
    let known = match request.text_of("SyncState").filter(|state| !state.trim().is_empty()) {
        None => Known { mailbox, folder, is_hierarchy: true, told: BTreeMap::new() },
        Some(state) => call.state.sync_state(state).cloned().ok_or_else(invalid)?,
    };
    if (known.mailbox, known.folder, known.is_hierarchy) != (mailbox, folder, true) {
        return Err(invalid());
    }
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let below = place.folders.values().filter(|child| place.is_below(child.number, folder));
    let now: Vec<(u64, u64)> = below.map(|child| (child.number, child.change)).collect();
    let (changes, known, is_last) = known.next(&now, usize::MAX);
    let mut list = m("Changes");
    for change in changes {
        list.children.push(match change {
            Change::Create(number) => t("Create").with(shown(call, mailbox, number, &shape)?),
            Change::Update(number) => t("Update").with(shown(call, mailbox, number, &shape)?),
            Change::Delete(number) => t("Delete").with(t("FolderId").set("Id", Id::Folder(number).written(mailbox))),
        });
    }
    let state = call.state.keep_sync_state(known);
    Ok(success("SyncFolderHierarchy")
        .with(mt("SyncState", state))
        .with(mt("IncludesLastFolderInRange", is_last))
        .with(list))
}
