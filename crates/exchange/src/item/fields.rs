//! What can be written to an item, one field at a time, in the order that the schema wants.

use super::{CLEAN_OBJECT_ID, CalendarItem, Extended, HALF, ItemBody, OBJECT_ID, RESIDUE, ZONES, recurrence};
use crate::op::Shape;
use crate::version::{Feature, Version};
use crate::xml::Out;
use parom_calendar::event::{Busy, Importance, Sensitivity};
use std::sync::Arc;

/// A field that we write. The order is that of the sequence in CalendarItemType, which servers insist on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Subject,
    Sensitivity,
    Body,
    Categories,
    Importance,
    ReminderIsSet,
    ReminderMinutes,
    Residue,
    Zones,
    Half,
    Start,
    End,
    AllDay,
    Busy,
    Location,
    ResponseRequested,
    Required,
    Optional,
    Resources,
    Recurrence,
    StartZone,
    EndZone,
    NewTimes,
}

use Field::{
    AllDay, Body, Categories, End, EndZone, Half, Location, NewTimes, Optional, Recurrence, ReminderIsSet,
    ReminderMinutes, Required, Residue, Resources, ResponseRequested, Start, StartZone, Subject, Zones,
};

impl Field {
    pub const ALL: [Field; 23] = [
        Subject,
        Field::Sensitivity,
        Body,
        Categories,
        Field::Importance,
        ReminderIsSet,
        ReminderMinutes,
        Residue,
        Zones,
        Half,
        Start,
        End,
        AllDay,
        Field::Busy,
        Location,
        ResponseRequested,
        Required,
        Optional,
        Resources,
        Recurrence,
        StartZone,
        EndZone,
        NewTimes,
    ];

    /// Fields that mean something only together: a start is nothing without its zone.
    pub const TIME: [Field; 5] = [Start, End, AllDay, StartZone, EndZone];

    fn path(self) -> Result<&'static str, Extended> {
        Ok(match self {
            Subject => "item:Subject",
            Field::Sensitivity => "item:Sensitivity",
            Body => "item:Body",
            Categories => "item:Categories",
            Field::Importance => "item:Importance",
            ReminderIsSet => "item:ReminderIsSet",
            ReminderMinutes => "item:ReminderMinutesBeforeStart",
            Residue => return Err(RESIDUE),
            Zones => return Err(ZONES),
            Half => return Err(HALF),
            Start => "calendar:Start",
            End => "calendar:End",
            AllDay => "calendar:IsAllDayEvent",
            Field::Busy => "calendar:LegacyFreeBusyStatus",
            Location => "calendar:Location",
            ResponseRequested => "calendar:IsResponseRequested",
            Required => "calendar:RequiredAttendees",
            Optional => "calendar:OptionalAttendees",
            Resources => "calendar:Resources",
            Recurrence => "calendar:Recurrence",
            StartZone => "calendar:StartTimeZone",
            EndZone => "calendar:EndTimeZone",
            NewTimes => "calendar:AllowNewTimeProposal",
        })
    }

    /// May an item be without it?
    fn is_removable(self) -> bool {
        matches!(
            self,
            Subject
                | Body
                | Categories
                | Residue
                | Zones
                | Half
                | Location
                | Required
                | Optional
                | Resources
                | Recurrence
        )
    }

    fn write_path(self, out: &mut Out) {
        match self.path() {
            Ok(uri) => out.empty("t:FieldURI", &[("FieldURI", uri)]),
            Err(extended) => extended.write(out),
        }
    }

    /// The element with the value; nothing where the item has none.
    fn write(self, out: &mut Out, item: &CalendarItem) {
        let flag = |value: bool| if value { "true" } else { "false" };
        let text = |out: &mut Out, name: &str, text: &str| {
            if !text.is_empty() {
                out.leaf(name, text);
            }
        };
        match self {
            Subject => text(out, "t:Subject", &item.subject),
            Field::Sensitivity => out.leaf("t:Sensitivity", sensitivity(item.sensitivity)),
            Body => match &item.body {
                ItemBody::None => {}
                ItemBody::Text(text) => out.leaf_with("t:Body", &[("BodyType", "Text")], text),
                ItemBody::Html(html) => out.leaf_with("t:Body", &[("BodyType", "HTML")], html),
            },
            Categories => {
                if !item.categories.is_empty() {
                    out.within("t:Categories", &[], |out| {
                        item.categories.iter().for_each(|category| out.leaf("t:String", category));
                    });
                }
            }
            Field::Importance => out.leaf("t:Importance", importance(item.importance)),
            ReminderIsSet => out.leaf("t:ReminderIsSet", flag(item.reminder.is_some())),
            ReminderMinutes => {
                if let Some(minutes) = item.reminder {
                    out.leaf("t:ReminderMinutesBeforeStart", &minutes.to_string());
                }
            }
            Residue => write_extended(out, RESIDUE, item.residue.as_deref()),
            Zones => write_extended(out, ZONES, item.zones.as_deref()),
            Half => write_extended(out, HALF, item.half.then_some("1")),
            Start => {
                if let Some(at) = item.start {
                    out.leaf("t:Start", &at.to_string());
                }
            }
            End => {
                if let Some(at) = item.end {
                    out.leaf("t:End", &at.to_string());
                }
            }
            AllDay => out.leaf("t:IsAllDayEvent", flag(item.all_day)),
            Field::Busy => {
                if let Some(value) = item.busy {
                    out.leaf("t:LegacyFreeBusyStatus", busy(value));
                }
            }
            Location => text(out, "t:Location", &item.location),
            ResponseRequested => {
                if has_attendees(item) {
                    out.leaf("t:IsResponseRequested", flag(item.response_requested));
                }
            }
            Required => write_attendees(out, "t:RequiredAttendees", &item.required),
            Optional => write_attendees(out, "t:OptionalAttendees", &item.optional),
            Resources => write_attendees(out, "t:Resources", &item.resources),
            Recurrence => {
                if let Some(repeat) = &item.recurrence {
                    recurrence::write(out, repeat);
                }
            }
            StartZone => {
                if let Some(zone) = &item.start_zone {
                    zone.write(out, "t:StartTimeZone");
                }
            }
            EndZone => {
                if let Some(zone) = &item.end_zone {
                    zone.write(out, "t:EndTimeZone");
                }
            }
            NewTimes => out.leaf("t:AllowNewTimeProposal", flag(!item.no_counter)),
        }
    }

    fn rendered(self, item: &CalendarItem) -> String {
        let mut out = Out::new();
        self.write(&mut out, item);
        out.finish()
    }
}

fn sensitivity(value: Sensitivity) -> &'static str {
    match value {
        Sensitivity::Normal => "Normal",
        Sensitivity::Personal => "Personal",
        Sensitivity::Private => "Private",
        Sensitivity::Confidential => "Confidential",
    }
}

fn importance(value: Importance) -> &'static str {
    match value {
        Importance::Low => "Low",
        Importance::Normal => "Normal",
        Importance::High => "High",
    }
}

fn busy(value: Busy) -> &'static str {
    match value {
        Busy::Free => "Free",
        Busy::Tentative => "Tentative",
        Busy::Busy | Busy::Opaque => "Busy",
        Busy::OutOfOffice => "OOF",
        Busy::WorkingElsewhere => "WorkingElsewhere",
    }
}

fn has_attendees(item: &CalendarItem) -> bool {
    !(item.required.is_empty() && item.optional.is_empty() && item.resources.is_empty())
}

fn write_extended(out: &mut Out, property: Extended, value: Option<&str>) {
    let Some(value) = value else { return };
    out.within("t:ExtendedProperty", &[], |out| {
        property.write(out);
        out.leaf("t:Value", value);
    });
}

fn write_attendees(out: &mut Out, name: &str, attendees: &[super::AttendeeSeen]) {
    if attendees.is_empty() {
        return;
    }
    out.within(name, &[], |out| {
        for attendee in attendees {
            out.within("t:Attendee", &[], |out| {
                out.within("t:Mailbox", &[], |out| {
                    if !attendee.mailbox.name.is_empty() {
                        out.leaf("t:Name", &attendee.mailbox.name);
                    }
                    out.leaf("t:EmailAddress", &attendee.mailbox.address);
                    out.leaf("t:RoutingType", "SMTP");
                });
            });
        }
    });
}

/// A whole new item.
pub fn write_new(out: &mut Out, item: &CalendarItem, _: Version) {
    out.within("t:CalendarItem", &[], |out| {
        for field in Field::ALL {
            // The UID stands between what all items have and what only events have.
            if field == Start && !item.uid.is_empty() {
                out.leaf("t:UID", &item.uid);
            }
            // Where nothing is to be kept from anybody, the server's default is right.
            if field != NewTimes || item.no_counter {
                field.write(out, item);
            }
        }
    });
}

/// A change of one field.
#[derive(Clone, Debug)]
pub enum FieldChange {
    /// To what the item has there.
    Set(Field, Arc<CalendarItem>),
    Delete(Field),
}

impl FieldChange {
    #[must_use]
    pub fn field(&self) -> Field {
        match self {
            FieldChange::Set(field, _) | FieldChange::Delete(field) => *field,
        }
    }

    pub(crate) fn write(&self, out: &mut Out, _: Version) {
        match self {
            FieldChange::Set(field, item) => out.within("t:SetItemField", &[], |out| {
                field.write_path(out);
                out.within("t:CalendarItem", &[], |out| field.write(out, item));
            }),
            FieldChange::Delete(field) => out.within("t:DeleteItemField", &[], |out| field.write_path(out)),
        }
    }
}

/// The fewest changes that make one item the other. Neither UID nor attachments are fields.
#[must_use]
pub fn changes(from: &CalendarItem, to: &Arc<CalendarItem>) -> Vec<FieldChange> {
    let differs = |field: Field| field.rendered(from) != field.rendered(to);
    let moves = Field::TIME.into_iter().any(differs);
    let mut all = Vec::new();
    for field in Field::ALL {
        let is_meant = differs(field) || moves && Field::TIME.contains(&field);
        if !is_meant {
            continue;
        }
        if !field.rendered(to).is_empty() {
            all.push(FieldChange::Set(field, Arc::clone(to)));
        } else if field.is_removable() {
            all.push(FieldChange::Delete(field));
        }
    }
    all
}

/// The paths that make up a shape.
pub fn write_paths(out: &mut Out, shape: Shape, version: Version) {
    const BONES: [&str; 6] = [
        "calendar:CalendarItemType",
        "calendar:Start",
        "calendar:OriginalStart",
        "calendar:Recurrence",
        "calendar:ModifiedOccurrences",
        "calendar:DeletedOccurrences",
    ];
    const OUTLINE: [&str; 5] =
        ["item:Subject", "item:Sensitivity", "calendar:UID", "calendar:IsAllDayEvent", "calendar:StartTimeZone"];
    const REST: [&str; 36] = [
        "item:ItemClass",
        "item:Subject",
        "item:Sensitivity",
        "item:Body",
        "item:Attachments",
        "item:Categories",
        "item:Importance",
        "item:DateTimeCreated",
        "item:ReminderIsSet",
        "item:ReminderMinutesBeforeStart",
        "item:HasAttachments",
        "item:LastModifiedTime",
        "calendar:UID",
        "calendar:DateTimeStamp",
        "calendar:End",
        "calendar:IsAllDayEvent",
        "calendar:LegacyFreeBusyStatus",
        "calendar:Location",
        "calendar:IsMeeting",
        "calendar:IsCancelled",
        "calendar:IsRecurring",
        "calendar:IsResponseRequested",
        "calendar:MyResponseType",
        "calendar:Organizer",
        "calendar:RequiredAttendees",
        "calendar:OptionalAttendees",
        "calendar:Resources",
        "calendar:AppointmentSequenceNumber",
        "calendar:AppointmentState",
        "calendar:StartTimeZone",
        "calendar:EndTimeZone",
        "calendar:AllowNewTimeProposal",
        "calendar:ConferenceType",
        "calendar:IsOnlineMeeting",
        "calendar:NetShowUrl",
        "calendar:MeetingWorkspaceUrl",
    ];
    const SINCE_2013: [&str; 1] = ["calendar:JoinOnlineMeetingUrl"];
    let left_out: &[&str] = match shape {
        Shape::Full | Shape::Bones | Shape::Outline => &[],
        Shape::WithoutBody => &["item:Body"],
        Shape::WithoutAttachments => &["item:Body", "item:Attachments"],
    };
    let mut path = |uri: &str| {
        if !left_out.contains(&uri) {
            out.empty("t:FieldURI", &[("FieldURI", uri)]);
        }
    };
    BONES.into_iter().for_each(&mut path);
    if matches!(shape, Shape::Bones | Shape::Outline) {
        OUTLINE.into_iter().filter(|_| shape == Shape::Outline).for_each(&mut path);
        HALF.write(out);
        return;
    }
    REST.into_iter().for_each(&mut path);
    if version.knows(Feature::Properties2013) {
        SINCE_2013.into_iter().for_each(&mut path);
    }
    for extended in [OBJECT_ID, CLEAN_OBJECT_ID, RESIDUE, ZONES, HALF] {
        extended.write(out);
    }
}
