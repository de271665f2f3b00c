//! One file for each operation: what it asks, what comes back, and the page that defines it.

mod convert_id;
mod create_attachment;
mod create_folder;
mod create_item;
mod create_mail;
mod delete_attachment;
mod delete_folder;
mod delete_item;
mod export_items;
mod expunge_mail;
mod find_folder;
mod find_item;
mod get_attachment;
mod get_events;
mod get_folder;
mod get_item;
mod get_mime;
mod get_numbers;
mod get_server_time_zones;
mod get_streaming_events;
mod get_user_availability;
mod get_user_configuration;
mod get_user_oof_settings;
mod list_mail;
mod mark_mail;
mod move_folder;
mod move_item;
mod rename_folder;
mod resolve_names;
mod respond;
mod set_user_oof_settings;
mod subscribe;
mod sync_folder_hierarchy;
mod sync_folder_items;
mod unsubscribe;
mod update_item;
mod upload_items;

pub use convert_id::{ConvertId, Converted, IdFormat};
pub use create_attachment::{Attached, CreateAttachment, NewAttachment};
pub use create_folder::{CreateFolder, FolderKind};
pub use create_item::CreateItem;
pub use create_mail::CreateMail;
pub use delete_attachment::DeleteAttachment;
pub use delete_folder::DeleteFolder;
pub use delete_item::DeleteItem;
pub use export_items::ExportItems;
pub use expunge_mail::ExpungeMail;
pub use find_folder::{FindFolder, FoldersFound};
pub use find_item::{FindItem, ItemsFound, Look};
pub use get_attachment::GetAttachment;
pub use get_events::{EventsTold, GetEvents};
pub use get_folder::GetFolder;
pub use get_item::{GetItem, Shape};
pub use get_mime::{GetMime, Mime};
pub use get_numbers::GetNumbers;
pub use get_server_time_zones::GetServerTimeZones;
pub use get_streaming_events::{GetStreamingEvents, Streamed};
pub use get_user_availability::{Availability, BusyTime, GetUserAvailability};
pub use get_user_configuration::{Category, Configuration, GetUserConfiguration};
pub use get_user_oof_settings::{GetUserOofSettings, OofTold};
pub use list_mail::{ListMail, MailPage, MailSeen};
pub use mark_mail::MarkMail;
pub use move_folder::MoveFolder;
pub use move_item::MoveItem;
pub use rename_folder::RenameFolder;
pub use resolve_names::ResolveNames;
pub use respond::{Respond, Response};
pub use set_user_oof_settings::SetUserOofSettings;
pub use subscribe::{Delivery, Subscribe, Subscribed};
pub use sync_folder_hierarchy::{FolderChange, FolderChanges, SyncFolderHierarchy};
pub use sync_folder_items::{Change, Changes, SyncFolderItems};
pub use unsubscribe::Unsubscribe;
pub use update_item::UpdateItem;
pub use upload_items::UploadItems;

use crate::classify::About;
use crate::envelope::{Refusal, backoff};
use crate::item::ItemId;
use crate::version::Version;
use crate::xml::{Element, Out};

/// One operation of the service.
pub trait Operation: Sync {
    /// The name of its element.
    const NAME: &'static str;
    /// What a fault is about.
    const ABOUT: About;
    /// A request whose answer was lost on the way may be sent again.
    const IS_REPEATABLE: bool = true;
    type Answer: Send;

    /// Writes the element into the SOAP body.
    fn write(&self, out: &mut Out, version: Version);

    /// Reads the response element; `None` where it is none.
    fn read(&self, response: &Element) -> Option<Self::Answer>;
}

/// What became of one item of a request.
pub type Outcome<T> = Result<T, Refusal>;

/// The response messages in the order of the request. One that was not reached (`ErrorBatchProcessingStopped`, a warning) is
/// refused too.
pub(crate) fn messages(response: &Element) -> impl Iterator<Item = Outcome<&Element>> {
    let all = response.child("ResponseMessages").into_iter().flat_map(|messages| &messages.children);
    all.map(|message| refusal(message).map_or(Ok(message), Err))
}

/// What a response message refuses.
fn refusal(message: &Element) -> Option<Refusal> {
    let code = message.text_of("ResponseCode").unwrap_or_default().trim();
    let is_error = message.attribute("ResponseClass") == Some("Error");
    (is_error || code == "ErrorBatchProcessingStopped").then(|| Refusal {
        code: code.to_owned(),
        text: message.text_of("MessageText").unwrap_or_default().trim().to_owned(),
        backoff_ms: backoff(message),
    })
}

/// All messages, each read; an answer that cannot be read is refused without a code.
pub(crate) fn outcomes<T>(response: &Element, read: impl Fn(&Element) -> Option<T>) -> Option<Vec<Outcome<T>>> {
    let all = messages(response).map(|message| {
        let unread =
            || Refusal { code: String::new(), text: "an answer without what was asked for".into(), backoff_ms: None };
        message.and_then(|message| read(message).ok_or_else(unread))
    });
    Some(all.collect())
}

/// The message of an operation that has only one by its nature: it stands in the response itself.
pub(crate) fn lone(response: &Element) -> Option<Outcome<()>> {
    let message = response.child("ResponseMessage")?;
    Some(match refusal(message) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    })
}

/// The only message of an operation about one thing.
pub(crate) fn outcome<T>(response: &Element, read: impl Fn(&Element) -> Option<T>) -> Option<Outcome<T>> {
    outcomes(response, read)?.into_iter().next()
}

/// A folder of the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderRef {
    Id(String),
    /// `calendar`, `msgfolderroot`, `deleteditems`: found whatever it is called in the owner's language.
    Known(&'static str),
}

impl FolderRef {
    pub(crate) fn write(&self, out: &mut Out) {
        match self {
            FolderRef::Id(id) => out.empty("t:FolderId", &[("Id", id)]),
            FolderRef::Known(name) => out.empty("t:DistinguishedFolderId", &[("Id", name)]),
        }
    }
}

/// What is told of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    pub id: String,
    pub parent: String,
    /// `IPF.Appointment` and what begins so are calendars, `IPF.Note` is mail.
    pub class: String,
    pub name: String,
    /// Items may be created, changed and removed in it.
    pub writable: bool,
}

impl Folder {
    #[must_use]
    pub fn is_calendar(&self) -> bool {
        let class = self.class.to_ascii_lowercase();
        class == "ipf.appointment" || class.starts_with("ipf.appointment.")
    }

    /// Without a class it is for mail ([MS-OXOSFLD]).
    #[must_use]
    pub fn is_mail(&self) -> bool {
        let class = self.class.to_ascii_lowercase();
        class.is_empty() || class == "ipf.note" || class.starts_with("ipf.note.")
    }

    pub(crate) fn read(element: &Element) -> Option<Folder> {
        let rights = element.child("EffectiveRights");
        let right = |name: &str| rights.is_none_or(|rights| rights.flag(name) != Some(false));
        Some(Folder {
            id: element.child("FolderId")?.attribute("Id")?.to_owned(),
            parent: element.child("ParentFolderId").and_then(|id| id.attribute("Id")).unwrap_or_default().to_owned(),
            class: element.text_of("FolderClass").unwrap_or_default().to_owned(),
            name: element.text_of("DisplayName").unwrap_or_default().to_owned(),
            writable: right("CreateContents") && right("Modify"),
        })
    }
}

/// What [`Folder`] is made of.
pub(crate) fn write_folder_shape(out: &mut Out) {
    out.within("m:FolderShape", &[], |out| {
        out.leaf("t:BaseShape", "IdOnly");
        out.within("t:AdditionalProperties", &[], |out| {
            for uri in ["folder:ParentFolderId", "folder:DisplayName", "folder:FolderClass", "folder:EffectiveRights"] {
                out.empty("t:FieldURI", &[("FieldURI", uri)]);
            }
        });
    });
}

/// An item, or an occurrence of a series by its number from 1 on, where deleted ones count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemRef {
    Item(ItemId),
    Occurrence { master: ItemId, index: u32 },
}

impl ItemRef {
    pub(crate) fn write(&self, out: &mut Out) {
        match self {
            ItemRef::Item(id) => write_id(out, "t:ItemId", id),
            ItemRef::Occurrence { master, index } => {
                let index = index.to_string();
                let mut attributes = vec![("RecurringMasterId", master.id.as_str())];
                attributes.extend(master.change_key.as_deref().map(|key| ("ChangeKey", key)));
                attributes.push(("InstanceIndex", &index));
                out.empty("t:OccurrenceItemId", &attributes);
            }
        }
    }
}

pub(crate) fn write_id(out: &mut Out, name: &str, id: &ItemId) {
    let mut attributes = vec![("Id", id.id.as_str())];
    attributes.extend(id.change_key.as_deref().map(|key| ("ChangeKey", key)));
    out.empty(name, &attributes);
}

/// The id of the first item of a response message.
pub(crate) fn first_id(message: &Element) -> Option<ItemId> {
    message.child("Items")?.children.iter().find_map(ItemId::of)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Operation;
    use crate::envelope::{Body, answer};

    /// What an operation reads in an answer around these response messages.
    pub(crate) fn read<O: Operation>(operation: &O, messages: &str) -> O::Answer {
        let text = format!(
            "<s:Envelope xmlns:s='s' xmlns:t='t' xmlns:m='m'><s:Body><m:{0}Response><m:ResponseMessages>{messages}\
             </m:ResponseMessages></m:{0}Response></s:Body></s:Envelope>",
            O::NAME
        );
        let Body::Response(element) = answer(text.as_bytes()).unwrap().body else { panic!("a fault") };
        operation.read(&element).unwrap()
    }
}
