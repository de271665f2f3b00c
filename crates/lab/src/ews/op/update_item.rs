//! `UpdateItem` ([MS-OXWSCORE] 3.1.4.9).

use super::create_item::invite;
use super::get_item::shown;
use crate::ews::draft::Draft;
use crate::ews::mail_write;
use crate::ews::show::Shape;
use crate::ews::site::{Call, Named};
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::trap::{Letter, OutgoingKind};
use crate::ews::xml::{Element, m, tt};

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("ItemChanges"), |call, change| match mail_write::update(call, request, change) {
        Some(updated) => updated,
        None => update(call, request, change),
    })
}

fn update(call: &mut Call<'_>, request: &Element, change: &Element) -> Result<Element, Refusal> {
    let id = change.children.first().ok_or_else(no_item)?;
    let named = call.item(id)?;
    let item = call.state.item(named.mailbox, named.number).ok_or_else(no_item)?;
    let sends = request.attribute("SendMeetingInvitationsOrCancellations");
    if item.is_event() && sends.is_none() {
        let text = "The SendMeetingInvitationsOrCancellations attribute is required for calendar items.";
        return Err(refuse("ErrorSendMeetingInvitationsOrCancellationsRequired", text));
    }
    let overwrites = request.attribute("ConflictResolution") == Some("AlwaysOverwrite");
    match named.change {
        None if !overwrites => {
            let text = "A change key is required for this operation.";
            return Err(refuse("ErrorChangeKeyRequiredForWriteOperations", text));
        }
        // With AutoResolve the store merges what does not collide; the lab lets it pass.
        Some(told) if told != item.change && request.attribute("ConflictResolution") == Some("NeverOverwrite") => {
            let text = "The send or update operation could not be performed because the change key passed in the request \
                        does not match the current change key for the item.";
            return Err(refuse("ErrorIrresolvableConflict", text));
        }
        _ => {}
    }
    let before = item.part.attendees();
    let draft = Draft::of_updates(change.list("Updates"), call.level, &call.state.switches)?;
    let zone = call.zone.clone();
    match named.day {
        Some(day) => call.state.change_occurrence(named.mailbox, named.number, day, &draft, &zone, call.now_s)?,
        None => call.state.change_event(named.mailbox, named.number, &draft, &zone, call.now_s)?,
    }
    notify(call, named, sends.unwrap_or("SendToNone"), &before);
    let answer = success("UpdateItem")
        .with(m("Items").with(shown(call, named, &Shape::id_only())?))
        .with(m("ConflictResults").with(tt("Count", 0)));
    call.state.touch_later(named.mailbox, named.number, call.now_s);
    Ok(answer)
}

fn notify(call: &mut Call<'_>, named: Named, sends: &str, before: &[String]) {
    if sends == "SendToNone" {
        return;
    }
    let Some(item) = call.state.item(named.mailbox, named.number).cloned() else { return };
    if item.is_received {
        return;
    }
    let now = item.part.attendees();
    let is_new = |address: &&String| !before.contains(address);
    let added: Vec<String> = now.iter().filter(is_new).cloned().collect();
    let gone: Vec<String> = before.iter().filter(|address| !now.contains(address)).cloned().collect();
    let saves_copy = sends.ends_with("SaveCopy");
    call.state.touch(named.mailbox, named.number, call.now_s, |item| item.sequence += 1);
    let to = if sends.contains("Changed") { added } else { now };
    invite(call, named.mailbox, named.number, Some(to), saves_copy);
    if !gone.is_empty() {
        let operation = call.operation.clone();
        call.state.send(
            named.mailbox,
            &item,
            Letter { kind: OutgoingKind::Cancellation, operation: &operation, to: gone, saves_copy },
            call.now_s,
        );
    }
}
