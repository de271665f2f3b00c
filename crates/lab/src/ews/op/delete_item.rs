//! `DeleteItem` ([MS-OXWSCORE] 3.1.4.3).

use crate::ews::mail_write;
use crate::ews::site::Call;
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::trap::{Letter, OutgoingKind};
use crate::ews::xml::Element;

pub fn run(call: &mut Call<'_>, request: &Element) -> Element {
    call.each(request.list("ItemIds"), |call, id| match mail_write::delete(call, request, id) {
        Some(deleted) => deleted,
        None => delete(call, request, id),
    })
}

fn delete(call: &mut Call<'_>, request: &Element, id: &Element) -> Result<Element, Refusal> {
    let named = call.item(id)?;
    let item = call.state.item(named.mailbox, named.number).ok_or_else(no_item)?.clone();
    let sends = request.attribute("SendMeetingCancellations");
    if item.is_event() && sends.is_none() {
        let text = "The SendMeetingCancellations attribute is required for calendar items.";
        return Err(refuse("ErrorSendMeetingCancellationsRequired", text));
    }
    let sends = sends.unwrap_or("SendToNone");
    let is_whole = match named.day {
        Some(day) => call.state.delete_occurrence(named.mailbox, named.number, day, call.now_s)?,
        None => true,
    };
    if is_whole {
        let place = call.state.mailbox(named.mailbox).ok_or_else(no_item)?;
        let trash = place.standard_number("deleteditems");
        let is_in_trash = item.folder == trash || place.is_below(item.folder, trash);
        if request.attribute("DeleteType") == Some("MoveToDeletedItems") && !is_in_trash {
            call.state.relocate(named.mailbox, named.number, trash, call.now_s);
        } else {
            call.state.remove(named.mailbox, named.number, call.now_s);
        }
    }
    let to = item.part.attendees();
    if item.is_event() && sends != "SendToNone" {
        let operation = call.operation.clone();
        if item.is_received {
            // Who deletes what another organizes declines.
            let mut declined = item.clone();
            declined.my_response = "Decline".to_owned();
            let to = vec![item.organizer.address.clone()];
            call.state.send(
                named.mailbox,
                &declined,
                Letter {
                    kind: OutgoingKind::Response,
                    operation: &operation,
                    to,
                    saves_copy: sends.ends_with("SaveCopy"),
                },
                call.now_s,
            );
        } else if !to.is_empty() {
            call.state.send(
                named.mailbox,
                &item,
                Letter {
                    kind: OutgoingKind::Cancellation,
                    operation: &operation,
                    to,
                    saves_copy: sends.ends_with("SaveCopy"),
                },
                call.now_s,
            );
        }
    }
    Ok(success("DeleteItem"))
}
