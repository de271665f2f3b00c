//! An item's element to what it says.

use super::{
    AttachmentSeen, AttendeeSeen, CalendarItem, HALF, ItemBody, ItemId, ItemKind, Mailbox, OBJECT_ID, OccurrenceSeen,
    RESIDUE, ZONES, ZoneSeen, recurrence,
};
use crate::xml::Element;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use parom_calendar::event::{Answer, Busy, Importance, Sensitivity};

impl CalendarItem {
    /// `None` only where it has no id.
    #[must_use]
    pub fn read(element: &Element) -> Option<CalendarItem> {
        let text = |name: &str| element.text_of(name).unwrap_or_default();
        let time = |name: &str| element.text_of(name).and_then(time);
        let reminds = element.flag("ReminderIsSet") == Some(true);
        let mut item = CalendarItem {
            id: Some(ItemId::of(element)?),
            class: text("ItemClass").trim().to_owned(),
            subject: text("Subject").to_owned(),
            sensitivity: match text("Sensitivity").trim() {
                "Personal" => Sensitivity::Personal,
                "Private" => Sensitivity::Private,
                "Confidential" => Sensitivity::Confidential,
                _ => Sensitivity::Normal,
            },
            body: element.child("Body").map(body).unwrap_or_default(),
            attachments: element.child("Attachments").map(attachments).unwrap_or_default(),
            categories: element.child("Categories").into_iter().flat_map(strings).collect(),
            importance: match text("Importance").trim() {
                "Low" => Importance::Low,
                "High" => Importance::High,
                _ => Importance::Normal,
            },
            reminder: reminds.then(|| text("ReminderMinutesBeforeStart").trim().parse().unwrap_or(0)),
            created: time("DateTimeCreated"),
            modified: time("LastModifiedTime"),
            stamped: time("DateTimeStamp"),
            uid: text("UID").trim().to_owned(),
            start: time("Start"),
            end: time("End"),
            original_start: time("OriginalStart"),
            all_day: element.flag("IsAllDayEvent") == Some(true),
            busy: element.text_of("LegacyFreeBusyStatus").map(busy),
            location: text("Location").to_owned(),
            is_meeting: element.flag("IsMeeting") == Some(true),
            is_cancelled: element.flag("IsCancelled") == Some(true),
            response_requested: element.flag("IsResponseRequested") == Some(true),
            kind: match text("CalendarItemType").trim() {
                "Occurrence" => ItemKind::Occurrence,
                "Exception" => ItemKind::Exception,
                "RecurringMaster" => ItemKind::Master,
                _ => ItemKind::Single,
            },
            my_response: response(text("MyResponseType")),
            organizer: element.child("Organizer").and_then(|organizer| organizer.child("Mailbox")).map(Mailbox::read),
            required: attendees(element.child("RequiredAttendees")),
            optional: attendees(element.child("OptionalAttendees")),
            resources: attendees(element.child("Resources")),
            sequence: text("AppointmentSequenceNumber").trim().parse().unwrap_or(0),
            start_zone: element.child("StartTimeZone").map(ZoneSeen::read),
            end_zone: element.child("EndTimeZone").map(ZoneSeen::read),
            no_counter: element.flag("AllowNewTimeProposal") == Some(false),
            join_url: text("JoinOnlineMeetingUrl").trim().to_owned(),
            ..CalendarItem::default()
        };
        item.read_extended(element);
        item.read_series(element);
        Some(item)
    }

    fn read_extended(&mut self, element: &Element) {
        for property in element.all("ExtendedProperty") {
            let Some(uri) = property.child("ExtendedFieldURI") else { continue };
            let Some(value) = property.text_of("Value") else { continue };
            if RESIDUE.is(uri) {
                self.residue = Some(value.trim().to_owned());
            } else if ZONES.is(uri) {
                self.zones = Some(value.trim().to_owned());
            } else if HALF.is(uri) {
                self.half = true;
            } else if OBJECT_ID.is(uri) {
                self.object_id = STANDARD.decode(value.trim()).ok();
            }
        }
    }

    /// INVARIANT: a series that is not understood whole is trouble. An exception that went unseen would be taken for gone.
    fn read_series(&mut self, element: &Element) {
        if let Some(recurrence) = element.child("Recurrence") {
            self.recurrence = recurrence::read(recurrence);
            if self.recurrence.is_none() {
                self.trouble = Some("a recurrence that is not known");
            }
        }
        for occurrence in element.child("ModifiedOccurrences").into_iter().flat_map(|list| list.all("Occurrence")) {
            let at = |name: &str| occurrence.text_of(name).and_then(time);
            match (ItemId::of(occurrence), at("Start"), at("OriginalStart")) {
                (Some(id), Some(start), Some(original_start)) => {
                    self.modified_occurrences.push(OccurrenceSeen { id, start, original_start });
                }
                _ => self.trouble = Some("an exception without its original start"),
            }
        }
        for occurrence in element.child("DeletedOccurrences").into_iter().flat_map(|list| list.all("DeletedOccurrence"))
        {
            match occurrence.text_of("Start").and_then(time) {
                Some(at) => self.deleted_occurrences.push(at),
                None => self.trouble = Some("a deleted occurrence without its start"),
            }
        }
    }
}

/// Times come in UTC, as we ask for them; one without an offset is meant so too.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

fn body(body: &Element) -> ItemBody {
    match body.attribute("BodyType") {
        _ if body.text.trim().is_empty() => ItemBody::None,
        Some("HTML") => ItemBody::Html(body.text.clone()),
        _ => ItemBody::Text(body.text.clone()),
    }
}

fn strings(list: &Element) -> impl Iterator<Item = String> {
    list.children.iter().map(|string| string.text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn attachments(list: &Element) -> Vec<AttachmentSeen> {
    let all = list.children.iter().filter_map(|attachment| {
        let text = |name: &str| attachment.text_of(name).unwrap_or_default().to_owned();
        Some(AttachmentSeen {
            id: attachment.child("AttachmentId")?.attribute("Id")?.to_owned(),
            name: text("Name"),
            content_type: text("ContentType"),
            size: text("Size").trim().parse().unwrap_or(0),
            is_file: attachment.name == "FileAttachment",
            content: None,
        })
    });
    all.collect()
}

pub(crate) fn busy(text: &str) -> Busy {
    match text.trim() {
        "Free" => Busy::Free,
        "Tentative" => Busy::Tentative,
        "OOF" => Busy::OutOfOffice,
        "WorkingElsewhere" => Busy::WorkingElsewhere,
        // NoData too: nobody knows, so nobody may count on it.
        _ => Busy::Busy,
    }
}

fn response(text: &str) -> Answer {
    match text.trim() {
        "Accept" | "Organizer" => Answer::Accepted,
        "Decline" => Answer::Declined,
        "Tentative" => Answer::Tentative,
        _ => Answer::NeedsAction,
    }
}

fn attendees(list: Option<&Element>) -> Vec<AttendeeSeen> {
    let all = list.into_iter().flat_map(|list| list.all("Attendee")).filter_map(|attendee| {
        Some(AttendeeSeen {
            mailbox: Mailbox::read(attendee.child("Mailbox")?),
            response: response(attendee.text_of("ResponseType").unwrap_or_default()),
        })
    });
    all.collect()
}
