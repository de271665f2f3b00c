//! `SyncFolderItems` ([MS-OXWSSYNC] 3.1.4.2). It knows nothing of calendars: events and series appear, occurrences never.

use crate::ews::fields::NOT_IN_TABLES;
use crate::ews::ids::Id;
use crate::ews::item::Seen;
use crate::ews::show::{Lens, Shape};
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, response, success};
use crate::ews::store::{no_folder, no_item};
use crate::ews::sync::{Change, Known};
use crate::ews::version::Level;
use crate::ews::xml::{Element, m, mt, t};
use std::collections::BTreeMap;

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    // A refusal has an empty state with it: exchangelib, made for the real one, relies on that.
    let refuse = |message: Element| message.with(m("SyncState")).with(mt("IncludesLastItemInRange", true));
    let message = answer(call, request).unwrap_or_else(|refused| refuse(refused.message("SyncFolderItems")));
    response("SyncFolderItems", vec![message])
}

fn answer(call: &mut Call<'_>, request: &Element) -> Result<Element, Refusal> {
    // What a table lacks is left out here, without a word; FindItem refuses.
    let mut shape = Shape::read(request.child("ItemShape"), call.level)?;
    shape.names.retain(|name| !NOT_IN_TABLES.contains(name));
    let (mailbox, folder) =
        call.folder(request.list("SyncFolderId").first().ok_or_else(no_folder)?).map_err(|refused| {
            match refused.code {
                "ErrorFolderNotFound" => {
                    refuse("ErrorSyncFolderNotFound", "The folder to be synchronized could not be found.")
                }
                _ => refused,
            }
        })?;
    let most = request.text_of("MaxChangesReturned").and_then(|most| most.trim().parse().ok()).unwrap_or(512);
    let invalid = || refuse("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.");
    let mut known = match request.text_of("SyncState").filter(|state| !state.trim().is_empty()) {
        None => Known { mailbox, folder, is_hierarchy: false, told: BTreeMap::new() },
        Some(state) => call.state.sync_state(state).cloned().ok_or_else(invalid)?,
    };
    if (known.mailbox, known.folder, known.is_hierarchy) != (mailbox, folder, false) {
        return Err(invalid());
    }
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let items = place.items.values().filter(|item| item.folder == folder);
    let mut now: Vec<(u64, u64)> = items.map(|item| (item.number, item.change)).collect();
    if call.level >= Level::V2010Sp2 {
        // Newest first, which the older ones told last.
        now.reverse();
    }
    for ignored in request.list("Ignore") {
        if let Ok(named) = call.item(ignored) {
            let told = now.iter().find(|(number, _)| *number == named.number);
            known.told.extend(told.copied());
        }
    }
    let (changes, known, is_last) = known.next(&now, most);
    let place = call.state.mailbox(mailbox).ok_or_else(no_folder)?;
    let lens = Lens { state: call.state, mailbox: place, zone: &call.zone, level: call.level, is_table: true };
    let mut list = m("Changes");
    for change in changes {
        let shown = |number: u64| {
            place.items.get(&number).map(|item| lens.item(&Seen::whole(item), &shape)).ok_or_else(no_item)
        };
        list.children.push(match change {
            Change::Create(number) => t("Create").with(shown(number)?),
            Change::Update(number) => t("Update").with(shown(number)?),
            Change::Delete(number) => t("Delete").with(t("ItemId").set("Id", Id::Item(number).written(mailbox))),
        });
    }
    let state = call.state.keep_sync_state(known);
    Ok(success("SyncFolderItems").with(mt("SyncState", state)).with(mt("IncludesLastItemInRange", is_last)).with(list))
}
