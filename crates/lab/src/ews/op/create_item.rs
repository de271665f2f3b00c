//! `CreateItem` ([MS-OXWSCORE] 3.1.4.2): events, plain messages, and responses to invitations.

use super::get_item::shown;
use super::respond;
use crate::ews::draft::Draft;
use crate::ews::item::Item;
use crate::ews::mail_write;
use crate::ews::show::Shape;
use crate::ews::site::{Call, Named};
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::trap::{Letter, OutgoingKind};
use crate::ews::xml::{Element, m};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    let folder = request.list("SavedItemFolderId").first().cloned();
    call.each(request.list("Items"), |call, item| match item.name.as_str() {
        "CalendarItem" => event(call, request, folder.as_ref(), item),
        "AcceptItem" | "TentativelyAcceptItem" | "DeclineItem" => respond::run(call, request, item),
        "Message" => match mail_write::create(call, request, folder.as_ref(), item) {
            Some(created) => created,
            None => message(call, request, folder.as_ref(), item),
        },
        _ => Err(refuse("ErrorInvalidRequest", "Items of this kind are beyond the lab.")),
    })
}

fn event(call: &mut Call<'_>, request: &Element, folder: Option<&Element>, item: &Element) -> Result<Element, Refusal> {
    let sends = request.attribute("SendMeetingInvitations").ok_or_else(|| {
        let text = "The SendMeetingInvitations attribute is required for calendar items.";
        refuse("ErrorSendMeetingInvitationsRequired", text)
    })?;
    let (mailbox, folder) = match folder {
        Some(folder) => call.folder(folder)?,
        None => call.folder(&crate::ews::xml::t("DistinguishedFolderId").set("Id", "calendar"))?,
    };
    let class = call.state.mailbox(mailbox).and_then(|place| place.folders.get(&folder)).map(|folder| &folder.class);
    if !class.is_some_and(|class| class.starts_with("IPF.Appointment")) {
        let text = "The item cannot be created in a folder that isn't a calendar.";
        return Err(refuse("ErrorCannotCreateCalendarItemInNonCalendarFolder", text));
    }
    let draft = Draft::of_new(item, call.level, &call.state.switches)?;
    let made = call.state.new_event(mailbox, folder, draft, &call.zone.clone(), call.now_s)?;
    let number = call.state.put(mailbox, made, call.now_s);
    if sends != "SendToNone" {
        let saves_copy = sends == "SendToAllAndSaveCopy";
        invite(call, mailbox, number, None, saves_copy);
    }
    let named = Named { mailbox, number, day: None, change: None };
    let answer = success("CreateItem").with(m("Items").with(shown(call, named, &Shape::id_only())?));
    call.state.touch_later(mailbox, number, call.now_s);
    Ok(answer)
}

/// Sends invitations to these, or to all attendees.
pub fn invite(call: &mut Call<'_>, mailbox: u32, number: u64, to: Option<Vec<String>>, saves_copy: bool) {
    let Some(item) = call.state.item(mailbox, number) else { return };
    let to = to.unwrap_or_else(|| item.part.attendees());
    if to.is_empty() || item.is_received {
        return;
    }
    let operation = call.operation.clone();
    call.state.touch(mailbox, number, call.now_s, |item| item.request_was_sent = true);
    if let Some(event) = call.state.item(mailbox, number).cloned() {
        call.state.send(
            mailbox,
            &event,
            Letter { kind: OutgoingKind::Request, operation: &operation, to, saves_copy },
            call.now_s,
        );
    }
}

fn message(
    call: &mut Call<'_>,
    request: &Element,
    folder: Option<&Element>,
    item: &Element,
) -> Result<Element, Refusal> {
    let disposition = request.attribute("MessageDisposition").ok_or_else(|| {
        refuse("ErrorMessageDispositionRequired", "The MessageDisposition attribute is required for messages.")
    })?;
    let drafts = crate::ews::xml::t("DistinguishedFolderId").set("Id", "drafts");
    let (mailbox, folder) = call.folder(folder.unwrap_or(&drafts))?;
    let known: Vec<Element> =
        item.children.iter().filter(|child| ["Subject", "Body"].contains(&child.name.as_str())).cloned().collect();
    let mut reduced = item.clone();
    reduced.children = known;
    let draft = Draft::of_new(&reduced, call.level, &call.state.switches)?;
    let made = call.state.new_event(mailbox, folder, draft, &call.zone.clone(), call.now_s)?;
    let made = Item { class: "IPM.Note".to_owned(), ..made };
    if disposition == "SaveOnly" {
        let number = call.state.put(mailbox, made, call.now_s);
        let named = Named { mailbox, number, day: None, change: None };
        return Ok(success("CreateItem").with(m("Items").with(shown(call, named, &Shape::id_only())?)));
    }
    let lists = ["ToRecipients", "CcRecipients", "BccRecipients"];
    let to = lists.iter().flat_map(|list| item.list(list)).filter_map(|to| to.text_of("EmailAddress"));
    let to: Vec<String> = to.map(str::to_owned).collect();
    let saves_copy = disposition == "SendAndSaveCopy";
    let operation = call.operation.clone();
    call.state.send(
        mailbox,
        &made,
        Letter { kind: OutgoingKind::Message, operation: &operation, to, saves_copy },
        call.now_s,
    );
    call.state.mailbox(mailbox).ok_or_else(no_item)?;
    Ok(success("CreateItem").with(m("Items")))
}
