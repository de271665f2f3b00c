//! What of a request the schema would refuse before the server looks at it: elements in the wrong place or order, and
//! values of the wrong kind. Only of what our kind of client says; the whole schema is Microsoft's.

use super::fields::{self, FIELDS};
use super::op::user_oof_settings;
use super::soap::{Fault, ill_formed};
use super::time;
use super::version::{Level, newest};
use super::xml::{Element, Ns};
use crate::exchange::Version;

/// The children that an element may have, in this order. A name that stands here with `*` may be repeated.
const ORDERS: &[(&str, &[&str])] = &[
    ("GetItem", &["ItemShape", "ItemIds"]),
    ("GetFolder", &["FolderShape", "FolderIds"]),
    (
        "FindItem",
        &[
            "ItemShape",
            "IndexedPageItemView",
            "FractionalPageItemView",
            "SeekToConditionPageItemView",
            "CalendarView",
            "ContactsView",
            "GroupBy",
            "DistinguishedGroupBy",
            "Restriction",
            "SortOrder",
            "ParentFolderIds",
            "QueryString",
        ],
    ),
    (
        "FindFolder",
        &["FolderShape", "IndexedPageFolderView", "FractionalPageFolderView", "Restriction", "ParentFolderIds"],
    ),
    ("CreateItem", &["SavedItemFolderId", "Items"]),
    ("UpdateItem", &["SavedItemFolderId", "ItemChanges"]),
    ("DeleteItem", &["ItemIds"]),
    ("MoveItem", &["ToFolderId", "ItemIds", "ReturnNewItemIds"]),
    ("CopyItem", &["ToFolderId", "ItemIds", "ReturnNewItemIds"]),
    ("CreateFolder", &["ParentFolderId", "Folders"]),
    ("UpdateFolder", &["FolderChanges"]),
    ("FolderChange", &["FolderId", "DistinguishedFolderId", "Updates"]),
    ("MoveFolder", &["ToFolderId", "FolderIds"]),
    ("DeleteFolder", &["FolderIds"]),
    (
        "SyncFolderItems",
        &[
            "ItemShape",
            "SyncFolderId",
            "SyncState",
            "Ignore",
            "MaxChangesReturned",
            "SyncScope",
            "NumberOfDays",
            "MaximumCount",
            "MinimumCount",
        ],
    ),
    ("SyncFolderHierarchy", &["FolderShape", "SyncFolderId", "SyncState"]),
    ("CreateAttachment", &["ParentItemId", "Attachments"]),
    ("GetAttachment", &["AttachmentShape", "AttachmentIds"]),
    ("DeleteAttachment", &["AttachmentIds"]),
    ("GetServerTimeZones", &["Ids"]),
    ("ResolveNames", &["ParentFolderIds", "UnresolvedEntry"]),
    ("GetEvents", &["SubscriptionId", "Watermark"]),
    ("GetStreamingEvents", &["SubscriptionIds", "ConnectionTimeout"]),
    ("Unsubscribe", &["SubscriptionId"]),
    ("ConvertId", &["SourceIds"]),
    ("GetUserConfiguration", &["UserConfigurationName", "UserConfigurationProperties"]),
    ("ExportItems", &["ItemIds"]),
    ("UploadItems", &["Items"]),
    (
        "ItemShape",
        &[
            "BaseShape",
            "IncludeMimeContent",
            "BodyType",
            "UniqueBodyType",
            "NormalizedBodyType",
            "FilterHtmlContent",
            "ConvertHtmlCodePageToUTF8",
            "InlineImageUrlTemplate",
            "BlockExternalImages",
            "AddBlankTargetToLinks",
            "MaximumBodySize",
            "AdditionalProperties",
        ],
    ),
    ("FolderShape", &["BaseShape", "AdditionalProperties"]),
    ("ItemChange", &["ItemId", "OccurrenceItemId", "RecurringMasterItemId", "Updates"]),
    ("PullSubscriptionRequest", &["FolderIds", "EventTypes", "Watermark", "Timeout"]),
    ("StreamingSubscriptionRequest", &["FolderIds", "EventTypes"]),
    (
        "FileAttachment",
        &[
            "AttachmentId",
            "Name",
            "ContentType",
            "ContentId",
            "ContentLocation",
            "Size",
            "LastModifiedTime",
            "IsInline",
            "IsContactPhoto",
            "Content",
        ],
    ),
    ("Attendee", &["Mailbox", "ResponseType", "LastResponseTime", "ProposedStart", "ProposedEnd"]),
    ("Mailbox", &["Name", "EmailAddress", "RoutingType", "MailboxType", "ItemId", "OriginalDisplayName"]),
    ("ExtendedProperty", &["ExtendedFieldURI", "Value", "Values"]),
    ("DailyRecurrence", &["Interval"]),
    ("WeeklyRecurrence", &["Interval", "DaysOfWeek", "FirstDayOfWeek"]),
    ("AbsoluteMonthlyRecurrence", &["Interval", "DayOfMonth"]),
    ("RelativeMonthlyRecurrence", &["Interval", "DaysOfWeek", "DayOfWeekIndex"]),
    ("AbsoluteYearlyRecurrence", &["DayOfMonth", "Month"]),
    ("RelativeYearlyRecurrence", &["DaysOfWeek", "DayOfWeekIndex", "Month"]),
    ("NoEndRecurrence", &["StartDate"]),
    ("EndDateRecurrence", &["StartDate", "EndDate"]),
    ("NumberedRecurrence", &["StartDate", "NumberOfOccurrences"]),
    (
        "CalendarFolder",
        &[
            "FolderId",
            "ParentFolderId",
            "FolderClass",
            "DisplayName",
            "TotalCount",
            "ChildFolderCount",
            "ExtendedProperty",
        ],
    ),
    ("StartTimeZone", &["Periods", "TransitionsGroups", "Transitions"]),
    ("EndTimeZone", &["Periods", "TransitionsGroups", "Transitions"]),
];

/// Children that there must be.
const REQUIRED: &[(&str, &[&str])] = &[
    ("GetItem", &["ItemShape", "ItemIds"]),
    ("GetFolder", &["FolderShape", "FolderIds"]),
    ("FindItem", &["ItemShape", "ParentFolderIds"]),
    ("FindFolder", &["FolderShape", "ParentFolderIds"]),
    ("CreateItem", &["Items"]),
    ("UpdateItem", &["ItemChanges"]),
    ("DeleteItem", &["ItemIds"]),
    ("SyncFolderItems", &["ItemShape", "SyncFolderId", "MaxChangesReturned"]),
    ("SyncFolderHierarchy", &["FolderShape"]),
    ("ItemShape", &["BaseShape"]),
    ("FolderShape", &["BaseShape"]),
    ("CreateAttachment", &["ParentItemId", "Attachments"]),
    ("GetEvents", &["SubscriptionId", "Watermark"]),
    ("GetStreamingEvents", &["SubscriptionIds", "ConnectionTimeout"]),
    ("PullSubscriptionRequest", &["EventTypes", "Timeout"]),
    ("StreamingSubscriptionRequest", &["EventTypes"]),
    ("ExportItems", &["ItemIds"]),
    ("UploadItems", &["Items"]),
];

const TIMES: &[&str] = &["Start", "End", "DateTimeStamp", "RecurrenceId", "ReminderDueBy"];
const FLAGS: &[&str] = &[
    "IsAllDayEvent",
    "ReminderIsSet",
    "IsResponseRequested",
    "AllowNewTimeProposal",
    "IsOnlineMeeting",
    "IsInline",
    "IncludeMimeContent",
];
const NUMBERS: &[&str] =
    &["MaxChangesReturned", "ReminderMinutesBeforeStart", "ConferenceType", "Timeout", "ConnectionTimeout"];
const WORDS: &[(&str, &[&str])] = &[
    ("Sensitivity", &["Normal", "Personal", "Private", "Confidential"]),
    ("Importance", &["Low", "Normal", "High"]),
    ("LegacyFreeBusyStatus", &["Free", "Tentative", "Busy", "OOF", "WorkingElsewhere", "NoData"]),
    ("BaseShape", &["IdOnly", "Default", "AllProperties"]),
    ("BodyType", &["Best", "HTML", "Text"]),
];

pub fn check(operation: &Element, level: Level) -> Result<(), Fault> {
    if user_oof_settings::REQUESTS.contains(&operation.name.as_str()) {
        return user_oof_settings::check(operation);
    }
    // The oldest operation of all takes its parts from either namespace.
    if operation.name == "GetUserAvailabilityRequest" {
        return Ok(());
    }
    check_below(operation, Ns::Messages, level)
}

/// What stands in an operation itself is of its namespace, all below of the types'.
fn check_below(element: &Element, ns: Ns, level: Level) -> Result<(), Fault> {
    if let Some(stranger) = element.children.iter().find(|child| child.ns != ns) {
        return Err(wrong_child(element, stranger));
    }
    let name = element.name.as_str();
    let order: Option<Vec<&str>> = match name {
        "CalendarItem" => Some(FIELDS.iter().map(|field| field.name).collect()),
        name => ORDERS.iter().find(|(known, _)| *known == name).map(|(_, order)| order.to_vec()),
    };
    if let Some(order) = order {
        let mut reached = 0;
        for child in &element.children {
            let at = order.iter().position(|known| *known == child.name);
            match at {
                Some(at) if at >= reached => reached = at,
                _ => return Err(wrong_child(element, child)),
            }
        }
    }
    if let Some((_, required)) = REQUIRED.iter().find(|(known, _)| *known == name)
        && let Some(missing) = required.iter().find(|required| element.child(required).is_none())
    {
        return Err(ill_formed(&format!(
            "The element '{name}' has incomplete content. List of possible elements expected: '{missing}'."
        )));
    }
    let text = element.text.trim();
    let is_bad = (TIMES.contains(&name) && time::parse(text).is_none())
        || (FLAGS.contains(&name) && !["true", "false", "1", "0"].contains(&text))
        || (NUMBERS.contains(&name) && text.parse::<i64>().is_err())
        || WORDS.iter().any(|(known, words)| *known == name && element.children.is_empty() && !words.contains(&text))
        || (name == "MaxChangesReturned" && !text.parse::<i64>().is_ok_and(|count| (1..=512).contains(&count)))
        || (name == "LegacyFreeBusyStatus" && text == "WorkingElsewhere" && level < Level::V2013);
    if is_bad {
        return Err(ill_formed(&format!(
            "The '{name}' element is invalid - The value '{text}' is invalid according to its datatype."
        )));
    }
    // What stands in a nested item is checked as the item itself.
    element.children.iter().try_for_each(|child| check_below(child, Ns::Types, level))
}

/// What a schema of that version cannot know: attributes, and paths too where `knows_paths` is set.
pub fn check_version(element: &Element, version: Version, knows_paths: bool) -> Result<(), Fault> {
    if version == Version::E2010 && element.attribute("SuppressReadReceipts").is_some() {
        return Err(ill_formed("The 'SuppressReadReceipts' attribute is not declared."));
    }
    if let Some(uri) = element.attribute("FieldURI").filter(|_| knows_paths)
        && fields::by_uri(uri).is_some_and(|field| field.since > newest(version))
    {
        let text =
            format!("The 'FieldURI' attribute is invalid - The value '{uri}' is invalid according to its datatype.");
        return Err(ill_formed(&text));
    }
    element.children.iter().try_for_each(|child| check_version(child, version, knows_paths))
}

fn wrong_child(element: &Element, child: &Element) -> Fault {
    ill_formed(&format!("The element '{}' has invalid child element '{}'.", element.name, child.name))
}
