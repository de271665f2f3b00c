//! A calendar item as Exchange tells it and is told it ([MS-OXWSMTGS] CalendarItemType), in the words of the calendar crate
//! where it has them.

mod fields;
mod read;
pub(crate) use read::{busy, time};
mod recurrence;
mod zone;

pub use fields::{Field, FieldChange, changes, write_new, write_paths};
pub(crate) use read::time as moment;
pub use zone::ZoneSeen;

use crate::xml::{Element, Out};
use jiff::Timestamp;
use parom_calendar::event::{Answer, Busy, Importance, Sensitivity};
use parom_calendar::pattern::Repeat;
use std::fmt;
use std::sync::Arc;

/// Which item, and in which version. The id stays while the item stays in its folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ItemId {
    pub id: String,
    pub change_key: Option<String>,
}

impl ItemId {
    /// From the element with the attributes.
    #[must_use]
    pub fn read(element: &Element) -> Option<ItemId> {
        let id = element.attribute("Id")?.to_owned();
        Some(ItemId { id, change_key: element.attribute("ChangeKey").map(ToOwned::to_owned) })
    }

    /// Of an item of any kind.
    #[must_use]
    pub fn of(item: &Element) -> Option<ItemId> {
        ItemId::read(item.child("ItemId")?)
    }
}

/// Everything that is asked of a calendar item, and everything that can be written to one.
#[derive(Clone, Default, PartialEq)]
pub struct CalendarItem {
    pub id: Option<ItemId>,
    pub class: String,
    pub subject: String,
    pub sensitivity: Sensitivity,
    pub body: ItemBody,
    /// The server could not give the body.
    pub body_left_out: bool,
    pub attachments: Vec<AttachmentSeen>,
    pub categories: Vec<String>,
    pub importance: Importance,
    /// Minutes before the start; `None` where no reminder is set.
    pub reminder: Option<u32>,
    pub created: Option<Timestamp>,
    pub modified: Option<Timestamp>,
    pub stamped: Option<Timestamp>,
    /// What of the event has no place in Exchange: `convert::residue`.
    pub residue: Option<String>,
    /// The IANA zones of start and end, where their Windows ids would be read as others.
    pub zones: Option<String>,
    /// A write of ours has not come to its end.
    pub half: bool,
    /// The GlobalObjectId, with the date of an instance where it is one.
    pub object_id: Option<Vec<u8>>,
    /// As `calendar:UID` has it.
    pub uid: String,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    /// Of an occurrence: when its series would have it.
    pub original_start: Option<Timestamp>,
    pub all_day: bool,
    pub busy: Option<Busy>,
    pub location: String,
    pub is_meeting: bool,
    pub is_cancelled: bool,
    pub response_requested: bool,
    pub kind: ItemKind,
    /// The owner's own answer.
    pub my_response: Answer,
    pub organizer: Option<Mailbox>,
    pub required: Vec<AttendeeSeen>,
    pub optional: Vec<AttendeeSeen>,
    pub resources: Vec<AttendeeSeen>,
    pub sequence: u32,
    pub recurrence: Option<Repeat>,
    pub modified_occurrences: Vec<OccurrenceSeen>,
    /// When they would begin.
    pub deleted_occurrences: Vec<Timestamp>,
    pub start_zone: Option<ZoneSeen>,
    pub end_zone: Option<ZoneSeen>,
    /// New times may not be proposed.
    pub no_counter: bool,
    pub join_url: String,
    /// What could not be understood, and without which it is not the same event.
    pub trouble: Option<&'static str>,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub enum ItemBody {
    #[default]
    None,
    Text(String),
    Html(String),
}

/// CalendarItemTypeType.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ItemKind {
    #[default]
    Single,
    Occurrence,
    Exception,
    Master,
}

/// Somebody, with an address of a routing type: `SMTP`, or `EX` for a name of the directory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    pub name: String,
    pub address: String,
    /// In capitals; empty where it was not told.
    pub routing: String,
}

impl Mailbox {
    #[must_use]
    pub fn read(element: &Element) -> Mailbox {
        let text = |name: &str| element.text_of(name).unwrap_or_default().trim().to_owned();
        Mailbox { name: text("Name"), address: text("EmailAddress"), routing: text("RoutingType").to_ascii_uppercase() }
    }

    /// Is the address one of the directory, that means nothing to others?
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.routing == "EX" || self.address.to_ascii_lowercase().starts_with("/o=")
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({})", self.routing)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttendeeSeen {
    pub mailbox: Mailbox,
    pub response: Answer,
}

/// An exception, as its master lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OccurrenceSeen {
    pub id: ItemId,
    pub start: Timestamp,
    pub original_start: Timestamp,
}

/// An attachment, as its item lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct AttachmentSeen {
    pub id: String,
    pub name: String,
    pub content_type: String,
    /// As the server counts; 0 where it does not tell (2010 RTM).
    pub size: u64,
    /// A file; else another item, or a link to the cloud.
    pub is_file: bool,
    /// Once it has been asked for.
    pub content: Option<Arc<[u8]>>,
}

impl AttachmentSeen {
    /// What stands for attachments that the server does not even list.
    #[must_use]
    pub fn unknown() -> AttachmentSeen {
        let (id, name, content_type) = (String::new(), String::new(), String::new());
        AttachmentSeen { id, name, content_type, size: 0, is_file: true, content: None }
    }
}

impl fmt::Debug for AttachmentSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttachmentSeen({} octets)", self.size)
    }
}

impl fmt::Debug for CalendarItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Shapes, and nothing of what it says.
        f.debug_struct("CalendarItem")
            .field("kind", &self.kind)
            .field("start", &self.start)
            .field("end", &self.end)
            .field("all_day", &self.all_day)
            .field("recurrence", &self.recurrence)
            .field("modified_occurrences", &self.modified_occurrences.len())
            .field("deleted_occurrences", &self.deleted_occurrences.len())
            .field("start_zone", &self.start_zone.as_ref().map(|zone| &zone.id))
            .finish_non_exhaustive()
    }
}

/// A property that Exchange keeps beside those of its schema ([MS-OXWSXPROP]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    attributes: &'static [(&'static str, &'static str)],
}

const MEETING: &str = "6ED8DA90-450B-101B-98DA-00AA003F1305";

/// PidLidGlobalObjectId and PidLidCleanGlobalObjectId ([MS-OXOCAL] 2.2.1.27 and 2.2.1.28).
pub const OBJECT_ID: Extended =
    Extended { attributes: &[("PropertySetId", MEETING), ("PropertyId", "3"), ("PropertyType", "Binary")] };
pub const CLEAN_OBJECT_ID: Extended =
    Extended { attributes: &[("PropertySetId", MEETING), ("PropertyId", "35"), ("PropertyType", "Binary")] };
pub const RESIDUE: Extended = Extended {
    attributes: &[
        ("DistinguishedPropertySetId", "PublicStrings"),
        ("PropertyName", "Parom.Ics"),
        ("PropertyType", "String"),
    ],
};
pub const ZONES: Extended = Extended {
    attributes: &[
        ("DistinguishedPropertySetId", "PublicStrings"),
        ("PropertyName", "Parom.Zones"),
        ("PropertyType", "String"),
    ],
};

/// A write of ours takes several requests, and has not come to its end.
pub const HALF: Extended = Extended {
    attributes: &[
        ("DistinguishedPropertySetId", "PublicStrings"),
        ("PropertyName", "Parom.Half"),
        ("PropertyType", "String"),
    ],
};

/// PidTagInternetArticleNumber ([MS-OXPROPS]): what IMAP calls the UID.
pub const ARTICLE: Extended = Extended { attributes: &[("PropertyTag", "0x0E23"), ("PropertyType", "Integer")] };
/// PidTagFlagStatus ([MS-OXOFLAG] 2.2.1.1): 2 is flagged, 1 is done.
pub const FLAG_STATUS: Extended = Extended { attributes: &[("PropertyTag", "0x1090"), ("PropertyType", "Integer")] };
/// PidTagFollowupIcon ([MS-OXOFLAG] 2.2.1.2): the colour of the flag.
pub const FLAG_ICON: Extended = Extended { attributes: &[("PropertyTag", "0x1095"), ("PropertyType", "Integer")] };
/// PidTagLastVerbExecuted ([MS-OXOMSG] 2.2.1.26).
pub const LAST_VERB: Extended = Extended { attributes: &[("PropertyTag", "0x1081"), ("PropertyType", "Integer")] };
/// PidTagMessageDeliveryTime ([MS-OXOMSG] 2.2.3.9).
pub const DELIVERED: Extended = Extended { attributes: &[("PropertyTag", "0x0E06"), ("PropertyType", "SystemTime")] };
/// PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6): 1 is read, 8 is a draft.
pub const MESSAGE_FLAGS: Extended = Extended { attributes: &[("PropertyTag", "0x0E07"), ("PropertyType", "Integer")] };

impl Extended {
    pub(crate) fn write(&self, out: &mut Out) {
        out.empty("t:ExtendedFieldURI", self.attributes);
    }

    /// With a value, as an item has it.
    pub(crate) fn write_value(&self, out: &mut Out, value: &str) {
        out.within("t:ExtendedProperty", &[], |out| {
            self.write(out);
            out.leaf("t:Value", value);
        });
    }

    /// What an item has of it.
    pub(crate) fn of<'a>(&self, item: &'a Element) -> Option<&'a str> {
        let property =
            item.all("ExtendedProperty").find(|one| one.child("ExtendedFieldURI").is_some_and(|uri| self.is(uri)))?;
        property.text_of("Value").map(str::trim)
    }

    /// Is it the one that this element is about?
    fn is(&self, uri: &Element) -> bool {
        let is = |name: &str, told: &str, value: &str| match name {
            // The server writes the tag as a number of its own: `0xe23`.
            "PropertyTag" => tag(told).is_some() && tag(told) == tag(value),
            _ => told.trim().eq_ignore_ascii_case(value),
        };
        self.attributes.iter().all(|(name, value)| uri.attribute(name).is_some_and(|told| is(name, told, value)))
    }
}

fn tag(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
