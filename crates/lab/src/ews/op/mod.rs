//! One file for each operation.

pub mod attachments;
pub mod convert_id;
pub mod create_item;
pub mod delete_item;
pub mod find_folder;
pub mod find_item;
pub mod folders;
pub mod get_item;
pub mod get_user_availability;
pub mod get_user_configuration;
pub mod move_item;
pub mod resolve_names;
pub mod respond;
pub mod subscribe;
pub mod sync_folder_hierarchy;
pub mod sync_folder_items;
pub mod transfer;
pub mod update_item;
pub mod user_oof_settings;

use super::mail;
use super::site::Call;
use super::soap::{Fault, fault, response, success};
use super::version::Level;
use super::xml::{Element, m};
use super::zones;

pub fn run(call: &mut Call<'_>, request: &Element) -> Result<Element, Fault> {
    mail::refresh(call);
    Ok(match request.name.as_str() {
        "GetFolder" => folders::get(call, request),
        "CreateFolder" => folders::create(call, request),
        "UpdateFolder" => folders::update(call, request),
        "MoveFolder" => folders::relocate(call, request),
        "DeleteFolder" => folders::delete(call, request),
        "FindFolder" => find_folder::run(call, request),
        "SyncFolderHierarchy" => sync_folder_hierarchy::run(call, request),
        "SyncFolderItems" => sync_folder_items::run(call, request),
        "GetItem" => get_item::run(call, request),
        "FindItem" => find_item::run(call, request),
        "CreateItem" => create_item::run(call, request),
        "UpdateItem" => update_item::run(call, request),
        "DeleteItem" => delete_item::run(call, request),
        "MoveItem" | "CopyItem" => move_item::run(call, request),
        "CreateAttachment" => attachments::create(call, request),
        "GetAttachment" => attachments::get(call, request),
        "DeleteAttachment" => attachments::delete(call, request),
        "ResolveNames" => resolve_names::run(call, request),
        "Subscribe" => subscribe::run(call, request),
        "Unsubscribe" => subscribe::end(call, request),
        "GetEvents" => subscribe::get_events(call, request),
        "GetServerTimeZones" if call.level >= Level::V2010 => {
            let is_full = request.attribute("ReturnFullTimeZoneData") != Some("false");
            let told = zones::told(request.list("Ids"), is_full);
            let message = success("GetServerTimeZones").with(m("TimeZoneDefinitions").with_all(told));
            response("GetServerTimeZones", vec![message])
        }
        "GetUserOofSettingsRequest" => user_oof_settings::get(call, request),
        "SetUserOofSettingsRequest" => user_oof_settings::set(call, request),
        "ConvertId" => convert_id::run(call, request)?,
        "GetUserAvailabilityRequest" => get_user_availability::run(call, request)?,
        "GetUserConfiguration" if call.level >= Level::V2010 => get_user_configuration::run(call, request),
        "ExportItems" if call.level >= Level::V2010Sp1 && call.state.switches.exports => {
            transfer::export(call, request)
        }
        "UploadItems" if call.level >= Level::V2010Sp1 && call.state.switches.exports => {
            transfer::upload(call, request)
        }
        _ => return Err(fault("ErrorInvalidRequest", "The request is invalid.")),
    })
}
