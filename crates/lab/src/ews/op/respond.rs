//! `AcceptItem`, `TentativelyAcceptItem`, `DeclineItem` within `CreateItem` ([MS-OXWSMTGS] 2.2.4).

use super::get_item::shown;
use crate::ews::show::Shape;
use crate::ews::site::{Call, Named};
use crate::ews::soap::{Refusal, refuse, success};
use crate::ews::store::no_item;
use crate::ews::trap::{Letter, OutgoingKind};
use crate::ews::xml::{Element, m, tt};

pub fn run(call: &mut Call<'_>, request: &Element, response: &Element) -> Result<Element, Refusal> {
    let disposition = request.attribute("MessageDisposition").ok_or_else(|| {
        refuse("ErrorMessageDispositionRequired", "The MessageDisposition attribute is required for responses.")
    })?;
    let named = call.item(response.child("ReferenceItemId").ok_or_else(no_item)?)?;
    let named = of_event(call, named)?;
    let item = call.state.item(named.mailbox, named.number).ok_or_else(no_item)?;
    let (answer, owner, cancelled) = match response.name.as_str() {
        "AcceptItem" => ("Accept", "ErrorCalendarIsOrganizerForAccept", "ErrorCalendarIsCancelledForAccept"),
        "TentativelyAcceptItem" => {
            ("Tentative", "ErrorCalendarIsOrganizerForTentative", "ErrorCalendarIsCancelledForTentative")
        }
        _ => ("Decline", "ErrorCalendarIsOrganizerForDecline", "ErrorCalendarIsCancelledForDecline"),
    };
    if !item.is_received {
        return Err(refuse(owner, "You can't respond to a meeting that you organize."));
    }
    if item.is_cancelled {
        return Err(refuse(cancelled, "The meeting was cancelled."));
    }
    let now_s = call.now_s;
    call.state.touch(named.mailbox, named.number, now_s, |item| match named.day {
        None => {
            item.my_response = answer.to_owned();
            item.replied_s = Some(now_s);
            let busy = if answer == "Tentative" { "Tentative" } else { "Busy" };
            item.part.fields.insert("LegacyFreeBusyStatus", tt("LegacyFreeBusyStatus", busy));
        }
        Some(day) => {
            if let Some(occurrence) = item.occurrence(day)
                && let Some(exception) = item.exception_mut(&occurrence, now_s)
            {
                exception.my_response = Some(answer.to_owned());
            }
        }
    });
    let answered = call.state.item(named.mailbox, named.number).ok_or_else(no_item)?.clone();
    if disposition != "SaveOnly" {
        let to = vec![answered.organizer.address.clone()];
        let operation = call.operation.clone();
        let saves_copy = disposition == "SendAndSaveCopy";
        let mut said = answered.clone();
        said.my_response = answer.to_owned();
        call.state.send(
            named.mailbox,
            &said,
            Letter { kind: OutgoingKind::Response, operation: &operation, to, saves_copy },
            now_s,
        );
    }
    let kept = settle(call, named, answer)?;
    let mut items = m("Items");
    if let Some(kept) = kept {
        items.children.push(shown(call, kept, &Shape::id_only())?);
    }
    Ok(success("CreateItem").with(items))
}

/// A response may be to the invitation in the inbox: then the event of the same id is meant.
fn of_event(call: &Call<'_>, named: Named) -> Result<Named, Refusal> {
    let place = call.state.mailbox(named.mailbox).ok_or_else(no_item)?;
    let item = place.items.get(&named.number).ok_or_else(no_item)?;
    if item.is_event() {
        return Ok(named);
    }
    if item.class != "IPM.Schedule.Meeting.Request" {
        return Err(refuse(
            "ErrorInvalidItemForOperationCreateItem",
            "The item is neither an event nor an invitation.",
        ));
    }
    let calendar = place.standard_number("calendar");
    let meant =
        place.items.values().find(|event| event.is_event() && event.folder == calendar && event.goid == item.goid);
    let meant =
        meant.ok_or_else(|| refuse("ErrorCalendarMeetingRequestIsOutOfDate", "The meeting request is out of date."))?;
    Ok(Named { number: meant.number, day: None, ..named })
}

/// A declined event goes to Deleted Items; any other may be made anew under another id.
fn settle(call: &mut Call<'_>, named: Named, answer: &str) -> Result<Option<Named>, Refusal> {
    let now_s = call.now_s;
    match (answer, named.day) {
        ("Decline", Some(day)) => {
            call.state.delete_occurrence(named.mailbox, named.number, day, now_s)?;
            Ok(None)
        }
        ("Decline", None) => {
            let place = call.state.mailbox(named.mailbox).ok_or_else(no_item)?;
            let trash = place.standard_number("deleteditems");
            call.state.relocate(named.mailbox, named.number, trash, now_s);
            Ok(None)
        }
        (_, None) if call.state.switches.responses_make_anew => {
            let item = call.state.remove(named.mailbox, named.number, now_s).ok_or_else(no_item)?;
            let number = call.state.put(named.mailbox, item, now_s);
            Ok(Some(Named { number, ..named }))
        }
        _ => Ok(Some(named)),
    }
}
