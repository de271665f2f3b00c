//! Writes to mail over EWS, which change the shared mailbox as any other client would, and what of it would be sent to people.

use super::mail::{self, FLAG_STATUS, LAST_VERB, Letter};
use super::paths;
use super::site::Call;
use super::soap::{Refusal, refuse, success};
use super::store::{no_folder, no_item};
use super::time;
use super::trap::{Outgoing, OutgoingKind};
use super::xml::{Element, m, t, tt};
use super::zones::Zone;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parom_domain::{FolderPath, InternalDate};

/// PidTagMessageFlags, PidTagMessageDeliveryTime, PidTagFollowupIcon.
const MESSAGE_FLAGS: u16 = 0x0E07;
const DELIVERED: u16 = 0x0E06;
const FLAG_ICON: u16 = 0x1095;

/// `CreateItem` of a message with its MIME content; `None` where it goes to no shared folder, or has none.
pub fn create(
    call: &mut Call<'_>,
    request: &Element,
    folder: Option<&Element>,
    item: &Element,
) -> Option<Result<Element, Refusal>> {
    let content = item.text_of("MimeContent")?;
    let (mailbox, number) = call.folder(folder?).ok()?;
    let path = mail::shared_path(call, mailbox, number)?;
    Some(created(call, request, item, content, (mailbox, number, &path)))
}

fn created(
    call: &mut Call<'_>,
    request: &Element,
    item: &Element,
    content: &str,
    (mailbox, number, path): (u32, u64, &FolderPath),
) -> Result<Element, Refusal> {
    let broken = || refuse("ErrorMimeContentInvalidBase64String", "The MIME content is not valid Base64.");
    let packed: String = content.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| broken())?;
    let mut flags = Vec::new();
    let said = extended(item, call, MESSAGE_FLAGS);
    match said.as_deref().map(str::parse::<i64>) {
        Some(Ok(bits)) => {
            flags.extend((bits & 1 != 0).then_some("\\Seen"));
            flags.extend((bits & 8 != 0).then_some("\\Draft"));
        }
        // What is saved is a draft, unless it is said otherwise.
        _ => flags.extend(["\\Seen", "\\Draft"]),
    }
    flags.extend((extended(item, call, FLAG_STATUS).as_deref() == Some("2")).then_some("\\Flagged"));
    flags.extend((extended(item, call, LAST_VERB).as_deref() == Some("102")).then_some("\\Answered"));
    let delivered = extended(item, call, DELIVERED).and_then(|text| time::parse(&text));
    let unix_s = delivered.map_or(call.now_s, |stamp| Zone::utc().instant_of(stamp));
    let date = InternalDate { unix_s, offset_min: 0 };
    let hands = mail::hands(call).ok_or_else(no_folder)?;
    let uid = hands.add(path, bytes, &flags, date).map_err(|_| no_folder())?;
    mail::refresh(call);
    let letter = at(call, mailbox, number, uid)?;
    if request.attribute("MessageDisposition") != Some("SaveOnly") {
        trap(call, &letter);
    }
    Ok(success("CreateItem").with(m("Items").with(t("Message").with(letter.id()))))
}

/// `UpdateItem` of a message; `None` where the id is of none.
pub fn update(call: &mut Call<'_>, request: &Element, change: &Element) -> Option<Result<Element, Refusal>> {
    let letter = mail::letter(call, change.children.first()?)?;
    Some(updated(call, request, change, &letter))
}

fn updated(call: &mut Call<'_>, request: &Element, change: &Element, letter: &Letter) -> Result<Element, Refusal> {
    let has_key = change.children.first().is_some_and(|id| id.attribute("ChangeKey").is_some());
    if !has_key && request.attribute("ConflictResolution") != Some("AlwaysOverwrite") {
        let text = "A change key is required for this operation.";
        return Err(refuse("ErrorChangeKeyRequiredForWriteOperations", text));
    }
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for update in change.list("Updates") {
        let path = update.children.first().ok_or_else(no_item)?;
        let value = update.children.get(1);
        if path.attribute("FieldURI") == Some("message:IsRead") {
            let said = value.and_then(|message| message.text_of("IsRead")).unwrap_or_default();
            let is_read = matches!(said.trim(), "true" | "1");
            if is_read {
                add.push("\\Seen")
            } else {
                remove.push("\\Seen")
            }
            continue;
        }
        let key = paths::key(path).filter(|key| key.set == "tag").and_then(|key| key.id.parse::<u16>().ok());
        match key {
            Some(FLAG_STATUS) => {
                let told = value.and_then(|message| extended(message, call, FLAG_STATUS));
                if told.as_deref() == Some("2") { add.push("\\Flagged") } else { remove.push("\\Flagged") }
            }
            Some(LAST_VERB) => {
                let told = value.and_then(|message| extended(message, call, LAST_VERB));
                if told.as_deref() == Some("102") { add.push("\\Answered") } else { remove.push("\\Answered") }
            }
            Some(FLAG_ICON) => {}
            _ => return Err(refuse("ErrorInvalidPropertySet", "Set action is invalid for property.").at(path)),
        }
    }
    let path = mail::shared_path(call, letter.mailbox, letter.folder).ok_or_else(no_item)?;
    if add.contains(&"\\Seen") {
        receipt(call, request, letter);
    }
    let hands = mail::hands(call).ok_or_else(no_item)?;
    hands.flag(&path, letter.uid, &add, &remove).map_err(|_| no_item())?;
    mail::refresh(call);
    let items = m("Items").with(t("Message").with(letter.id()));
    Ok(success("UpdateItem").with(items).with(m("ConflictResults").with(tt("Count", 0))))
}

/// `DeleteItem` of a message; `None` where the id is of none.
pub fn delete(call: &mut Call<'_>, request: &Element, id: &Element) -> Option<Result<Element, Refusal>> {
    let letter = mail::letter(call, id)?;
    let path = mail::shared_path(call, letter.mailbox, letter.folder)?;
    receipt(call, request, &letter);
    let hands = mail::hands(call)?;
    let place = call.state.mailbox(letter.mailbox)?;
    let trash = place.standard_number("deleteditems");
    let is_in_trash = letter.folder == trash || place.is_below(letter.folder, trash);
    let done = match (request.attribute("DeleteType"), mail::shared_path(call, letter.mailbox, trash)) {
        (Some("MoveToDeletedItems"), Some(trash)) if !is_in_trash => {
            hands.shift(&path, &[letter.uid], &trash).map(drop)
        }
        _ => hands.remove(&path, &[letter.uid]),
    };
    mail::refresh(call);
    Some(done.map(|()| success("DeleteItem")).map_err(|_| no_item()))
}

/// `MoveItem` of a message, which gets a new id; `None` where the id is of none.
pub fn relocate(call: &mut Call<'_>, id: &Element, to: Option<&Element>) -> Option<Result<Element, Refusal>> {
    let letter = mail::letter(call, id)?;
    Some(relocated(call, &letter, to))
}

fn relocated(call: &mut Call<'_>, letter: &Letter, to: Option<&Element>) -> Result<Element, Refusal> {
    let (mailbox, folder) = call.folder(to.ok_or_else(no_folder)?)?;
    let from = mail::shared_path(call, letter.mailbox, letter.folder).ok_or_else(no_item)?;
    let to = mail::shared_path(call, mailbox, folder).ok_or_else(no_folder)?;
    let hands = mail::hands(call).ok_or_else(no_item)?;
    let moved = hands.shift(&from, &[letter.uid], &to).map_err(|_| no_folder())?;
    let uid = moved.first().copied().ok_or_else(no_item)?;
    mail::refresh(call);
    let new = at(call, mailbox, folder, uid)?;
    Ok(success("MoveItem").with(m("Items").with(t("Message").with(new.id()))))
}

/// What a change of a folder does to the shared mailbox. `None` where the folder is not of it.
pub fn folder(
    call: &mut Call<'_>,
    (mailbox, folder): (u32, u64),
    change: impl FnOnce(&crate::server::Hands, &FolderPath) -> Result<(), String>,
) -> Option<Result<(), Refusal>> {
    let path = mail::shared_path(call, mailbox, folder)?;
    let done = change(&mail::hands(call)?, &path);
    mail::refresh(call);
    Some(done.map_err(|_| refuse("ErrorFolderExists", "A folder with the specified name already exists.")))
}

fn at(call: &Call<'_>, mailbox: u32, folder: u64, uid: u32) -> Result<Letter, Refusal> {
    let is_it = |letter: &&Letter| (letter.mailbox, letter.folder, letter.uid) == (mailbox, folder, uid);
    call.state.letters.iter().find(is_it).cloned().ok_or_else(no_item)
}

/// The value of an extended property with this tag.
fn extended(item: &Element, call: &Call<'_>, tag: u16) -> Option<String> {
    let is_it = |property: &&Element| {
        let uri = property.child("ExtendedFieldURI").map(|uri| paths::read(uri, call.level));
        matches!(uri, Some(Ok(paths::Path::Extended(key, _))) if key.set == "tag" && key.id == tag.to_string())
    };
    let property = item.children.iter().filter(|child| child.name == "ExtendedProperty").find(is_it)?;
    property.text_of("Value").map(|text| text.trim().to_owned())
}

/// The receipt that Exchange sends when a message that asks for one is read, or deleted unread, and nobody forbids it.
fn receipt(call: &mut Call<'_>, request: &Element, letter: &Letter) {
    let is_suppressed = matches!(request.attribute("SuppressReadReceipts"), Some("true" | "1"));
    if letter.asks_receipt() && !letter.has("\\Seen") && !is_suppressed {
        trap(call, letter);
    }
}

fn trap(call: &mut Call<'_>, letter: &Letter) {
    let from = call.state.mailbox(letter.mailbox).map(|place| place.user.address.clone()).unwrap_or_default();
    let (kind, operation) = (OutgoingKind::Message, call.operation.clone());
    call.state.outgoing.push(Outgoing { from, to: Vec::new(), kind, subject: letter.subject(), operation });
}
