//! The properties of items and folders: in which order they stand, since when they are known, who may write them.
//!
//! Order after [MS-OXWSCORE] 2.2.4.24 and [MS-OXWSMTGS] 2.2.4.9, versions after the footnotes there and the interoperability
//! tests that Microsoft published (Interop-TestSuites, `MS-OXWSMTGS_ExchangeServer*_SHOULDMAY`).

use super::version::Level;
use Level::{V2007, V2010, V2010Sp2, V2013, V2013Sp1, V2016};
use Write::{Always, Creating, Never};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Never,
    Creating,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// `item` or `calendar`.
    pub set: &'static str,
    pub name: &'static str,
    pub since: Level,
    pub write: Write,
}

const fn item(name: &'static str, since: Level, write: Write) -> Field {
    Field { set: "item", name, since, write }
}

const fn calendar(name: &'static str, since: Level, write: Write) -> Field {
    Field { set: "calendar", name, since, write }
}

/// In the order of the schema.
pub const FIELDS: &[Field] = &[
    // Until it is sent, exchangelib's `mime_content` may be written at any time.
    item("MimeContent", V2007, Always),
    item("ItemId", V2007, Never),
    item("ParentFolderId", V2007, Never),
    item("ItemClass", V2007, Always),
    item("Subject", V2007, Always),
    item("Sensitivity", V2007, Always),
    item("Body", V2007, Always),
    item("Attachments", V2007, Creating),
    item("DateTimeReceived", V2007, Never),
    item("Size", V2007, Never),
    item("Categories", V2007, Always),
    item("Importance", V2007, Always),
    item("InReplyTo", V2007, Always),
    item("IsSubmitted", V2007, Never),
    item("IsDraft", V2007, Never),
    item("IsFromMe", V2007, Never),
    item("IsResend", V2007, Never),
    item("IsUnmodified", V2007, Never),
    item("InternetMessageHeaders", V2007, Never),
    item("DateTimeSent", V2007, Never),
    item("DateTimeCreated", V2007, Never),
    item("ResponseObjects", V2007, Never),
    item("ReminderDueBy", V2007, Always),
    item("ReminderIsSet", V2007, Always),
    item("ReminderNextTime", V2016, Never),
    item("ReminderMinutesBeforeStart", V2007, Always),
    item("DisplayCc", V2007, Never),
    item("DisplayTo", V2007, Never),
    item("HasAttachments", V2007, Never),
    item("ExtendedProperty", V2007, Always),
    item("Culture", V2007, Always),
    item("EffectiveRights", V2007, Never),
    item("LastModifiedName", V2007, Never),
    item("LastModifiedTime", V2007, Never),
    item("IsAssociated", V2010, Never),
    item("WebClientReadFormQueryString", V2010, Never),
    item("WebClientEditFormQueryString", V2010, Never),
    item("ConversationId", V2010, Never),
    item("UniqueBody", V2010, Never),
    item("Flag", V2013, Always),
    item("StoreEntryId", V2010Sp2, Never),
    item("InstanceKey", V2013, Never),
    item("NormalizedBody", V2013, Never),
    item("EntityExtractionResult", V2013, Never),
    item("PolicyTag", V2013, Always),
    item("ArchiveTag", V2013, Always),
    item("RetentionDate", V2013, Never),
    item("Preview", V2013, Never),
    item("RightsManagementLicenseData", V2013, Never),
    item("BlockStatus", V2013, Never),
    item("HasBlockedImages", V2013, Never),
    item("TextBody", V2013, Never),
    item("IconIndex", V2013, Never),
    item("MimeContentUTF8", V2013Sp1, Never),
    calendar("UID", V2007, Creating),
    calendar("RecurrenceId", V2007, Never),
    calendar("DateTimeStamp", V2007, Creating),
    calendar("Start", V2007, Always),
    calendar("End", V2007, Always),
    calendar("OriginalStart", V2007, Never),
    calendar("IsAllDayEvent", V2007, Always),
    calendar("LegacyFreeBusyStatus", V2007, Always),
    calendar("Location", V2007, Always),
    calendar("When", V2007, Always),
    calendar("IsMeeting", V2007, Never),
    calendar("IsCancelled", V2007, Never),
    calendar("IsRecurring", V2007, Never),
    calendar("MeetingRequestWasSent", V2007, Never),
    calendar("IsResponseRequested", V2007, Always),
    calendar("CalendarItemType", V2007, Never),
    calendar("MyResponseType", V2007, Never),
    calendar("Organizer", V2007, Never),
    calendar("RequiredAttendees", V2007, Always),
    calendar("OptionalAttendees", V2007, Always),
    calendar("Resources", V2007, Always),
    calendar("ConflictingMeetingCount", V2007, Never),
    calendar("AdjacentMeetingCount", V2007, Never),
    calendar("ConflictingMeetings", V2007, Never),
    calendar("AdjacentMeetings", V2007, Never),
    calendar("Duration", V2007, Never),
    calendar("TimeZone", V2007, Never),
    calendar("AppointmentReplyTime", V2007, Never),
    calendar("AppointmentSequenceNumber", V2007, Never),
    calendar("AppointmentState", V2007, Never),
    calendar("Recurrence", V2007, Always),
    calendar("FirstOccurrence", V2007, Never),
    calendar("LastOccurrence", V2007, Never),
    calendar("ModifiedOccurrences", V2007, Never),
    calendar("DeletedOccurrences", V2007, Never),
    calendar("MeetingTimeZone", V2007, Always),
    calendar("StartTimeZone", V2010, Always),
    calendar("EndTimeZone", V2010, Always),
    calendar("ConferenceType", V2007, Always),
    calendar("AllowNewTimeProposal", V2007, Always),
    calendar("IsOnlineMeeting", V2007, Always),
    calendar("MeetingWorkspaceUrl", V2007, Always),
    calendar("NetShowUrl", V2007, Always),
    calendar("EnhancedLocation", V2013, Always),
    calendar("StartWallClock", V2013, Never),
    calendar("EndWallClock", V2013, Never),
    calendar("StartTimeZoneId", V2013, Always),
    calendar("EndTimeZoneId", V2013, Always),
    calendar("IntendedFreeBusyStatus", V2013, Never),
    calendar("JoinOnlineMeetingUrl", V2013, Never),
    calendar("OnlineMeetingSettings", V2013, Never),
    calendar("IsOrganizer", V2013, Never),
    calendar("InboxReminders", V2016, Always),
];

/// The shape `Default` of a calendar item.
pub const DEFAULT: &[&str] = &[
    "ItemId",
    "Subject",
    "HasAttachments",
    "Start",
    "End",
    "LegacyFreeBusyStatus",
    "Location",
    "CalendarItemType",
    "Organizer",
    "ResponseObjects",
    "IsAssociated",
    "UID",
    "DateTimeStamp",
    "RequiredAttendees",
    "OptionalAttendees",
    "Resources",
    "Recurrence",
    "FirstOccurrence",
    "LastOccurrence",
    "ModifiedOccurrences",
    "DeletedOccurrences",
    "MyResponseType",
    "AppointmentReplyTime",
    "ParentFolderId",
];

/// `FindItem` reads from a table, where these are not.
pub const NOT_IN_TABLES: &[&str] = &[
    "MimeContent",
    "Body",
    "UniqueBody",
    "NormalizedBody",
    "TextBody",
    "Attachments",
    "RequiredAttendees",
    "OptionalAttendees",
    "Resources",
    "ConflictingMeetings",
    "AdjacentMeetings",
    "FirstOccurrence",
    "LastOccurrence",
    "ModifiedOccurrences",
    "DeletedOccurrences",
    "Recurrence",
    "MeetingTimeZone",
    "ResponseObjects",
    "InternetMessageHeaders",
];

/// By the URI of its path, as in `calendar:Start`.
pub fn by_uri(uri: &str) -> Option<&'static Field> {
    let (set, name) = uri.split_once(':')?;
    FIELDS.iter().find(|field| field.set == set && field.name == name)
}

/// By the name of its element, with its place.
pub fn by_name(name: &str) -> Option<(usize, &'static Field)> {
    FIELDS.iter().enumerate().find(|(_, field)| field.name == name)
}

/// Paths of folders, with the version that knows them.
pub const FOLDER_FIELDS: &[(&str, Level)] = &[
    ("FolderId", V2007),
    ("ParentFolderId", V2007),
    ("FolderClass", V2007),
    ("DisplayName", V2007),
    ("TotalCount", V2007),
    ("ChildFolderCount", V2007),
    ("ManagedFolderInformation", V2007),
    ("EffectiveRights", V2007),
    ("DistinguishedFolderId", V2013),
    ("PolicyTag", V2013),
    ("ArchiveTag", V2013),
    ("UnreadCount", V2007),
    ("SearchParameters", V2007),
    ("SharingEffectiveRights", V2010),
    ("PermissionSet", V2007),
];
