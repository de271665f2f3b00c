//! Makes the elements of a response from what is stored.

use super::fields::{self, FIELDS};
use super::ids::{self, Id};
use super::item::{Attachment, Content, Key, Occurrence, Person, Seen};
use super::paths::{self, Path};
use super::soap::{Refusal, refuse};
use super::store::{Folder, Mailbox, State};
use super::time::{self, DAY_S, Date};
use super::version::Level;
use super::xml::{Element, t, tt};
use super::zones::Zone;
use super::{appointment_recur, goid, ical};
use crate::exchange::Version;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;

/// What a client wants to see.
#[derive(Clone, Debug)]
pub struct Shape {
    pub names: BTreeSet<&'static str>,
    pub extended: Vec<(Key, Element)>,
    pub folder_names: BTreeSet<&'static str>,
    pub body: BodyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Best,
    Html,
    Text,
}

impl Shape {
    pub fn id_only() -> Shape {
        let names = BTreeSet::from(["ItemId"]);
        Shape { names, extended: Vec::new(), folder_names: BTreeSet::from(["FolderId"]), body: BodyKind::Best }
    }

    pub fn read(element: Option<&Element>, level: Level) -> Result<Shape, Refusal> {
        let Some(element) = element else { return Ok(Shape::id_only()) };
        let mut shape = Shape::id_only();
        match element.text_of("BaseShape").unwrap_or_default().trim() {
            "Default" => {
                let known = |name: &&&str| fields::by_name(name).is_some_and(|(_, field)| field.since <= level);
                shape.names.extend(fields::DEFAULT.iter().filter(known).copied());
                shape.folder_names.extend(["DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"]);
            }
            "AllProperties" => {
                let all = FIELDS.iter().filter(|field| field.since <= level && !field.name.starts_with("Mime"));
                shape.names.extend(all.map(|field| field.name));
                let all = fields::FOLDER_FIELDS.iter().filter(|(_, since)| *since <= level);
                shape.folder_names.extend(all.map(|(name, _)| *name));
            }
            _ => {}
        }
        shape.body = match element.text_of("BodyType").map(str::trim) {
            Some("HTML") => BodyKind::Html,
            Some("Text") => BodyKind::Text,
            _ => BodyKind::Best,
        };
        if element.text_of("IncludeMimeContent").is_some_and(|text| matches!(text.trim(), "true" | "1")) {
            shape.names.insert("MimeContent");
        }
        for path in element.list("AdditionalProperties") {
            match paths::read(path, level)? {
                Path::Field(field) => {
                    shape.names.insert(field.name);
                }
                Path::Folder(name) => {
                    shape.folder_names.insert(name);
                }
                Path::Extended(key, uri) => shape.extended.push((key, uri)),
                Path::Foreign => {}
            }
        }
        Ok(shape)
    }

    /// `FindItem` reads from a table; what is not there cannot be asked for.
    pub fn in_table(mut self, asked: Option<&Element>) -> Result<Shape, Refusal> {
        let asked = asked.map_or(&[][..], |shape| shape.list("AdditionalProperties"));
        for path in asked {
            let name = path.attribute("FieldURI").and_then(fields::by_uri).map_or("", |field| field.name);
            if fields::NOT_IN_TABLES.contains(&name) {
                let text = "The property can not be used with this type of request.";
                return Err(refuse("ErrorInvalidPropertyRequest", text).at(path));
            }
        }
        self.names.retain(|name| !fields::NOT_IN_TABLES.contains(name));
        Ok(self)
    }
}

/// Through which a mailbox is looked at.
pub struct Lens<'a> {
    pub state: &'a State,
    pub mailbox: &'a Mailbox,
    pub zone: &'a Zone,
    pub level: Level,
    /// Only names of organizers, as in tables.
    pub is_table: bool,
}

impl Lens<'_> {
    pub fn item(&self, seen: &Seen<'_>, shape: &Shape) -> Element {
        let element = match seen.item.class.as_str() {
            class if class.starts_with("IPM.Appointment") => "CalendarItem",
            "IPM.Schedule.Meeting.Request" => "MeetingRequest",
            "IPM.Schedule.Meeting.Canceled" => "MeetingCancellation",
            class if class.starts_with("IPM.Schedule.Meeting.Resp") => "MeetingResponse",
            "IPM.Note" => "Message",
            _ => "Item",
        };
        let mut shown = t(element);
        for field in FIELDS {
            if field.name == "ExtendedProperty" {
                let all = shape.extended.iter().filter_map(|(key, uri)| self.extended(seen, key, uri));
                shown.children.extend(all);
            } else if shape.names.contains(field.name) && (element == "CalendarItem" || field.set == "item") {
                shown.children.extend(self.value(seen, field.name, shape.body));
            }
        }
        shown
    }

    pub fn time(&self, name: &str, instant_s: i64) -> Element {
        if self.state.switches.tells_naive_times && self.zone.id != "UTC" {
            return tt(name, time::written_local(self.zone.local_s(instant_s)));
        }
        tt(name, self.zone.written(instant_s))
    }

    fn value(&self, seen: &Seen<'_>, name: &'static str, body: BodyKind) -> Option<Element> {
        let (item, part) = (seen.item, seen.part.as_ref());
        let is_occurrence = seen.occurrence.is_some();
        let is_master = item.series.is_some() && !is_occurrence;
        let level = self.level;
        let flag = |value: bool| Some(tt(name, value));
        let stored = || part.fields.get(name).cloned();
        let or = |default: &str| Some(part.fields.get(name).cloned().unwrap_or_else(|| tt(name, default)));
        Some(match name {
            "MimeContent" if item.is_event() => {
                tt(name, STANDARD.encode(ical::export::calendar(self, seen))).set("CharacterSet", "UTF-8")
            }
            "ItemId" => self.mailbox.item_id(name, item, seen.occurrence.as_ref()),
            "ParentFolderId" => self.mailbox.folder_id(name, item.folder),
            "ItemClass" => tt(
                name,
                match seen.occurrence {
                    Some(Occurrence { is_exception: true, .. }) => {
                        "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"
                    }
                    Some(_) => "IPM.Appointment.Occurrence",
                    None => item.class.as_str(),
                },
            ),
            "Sensitivity" | "Importance" => return or("Normal"),
            "Body" => return self.body(part.fields.get("Body"), body),
            "TextBody" => {
                let mut text = self.body(part.fields.get("Body"), BodyKind::Text)?;
                name.clone_into(&mut text.name);
                text
            }
            "Attachments" => {
                if part.attachments.is_empty() {
                    return None;
                }
                t(name).with_all(part.attachments.iter().map(|attachment| self.attachment(attachment, false)))
            }
            "DateTimeReceived" | "DateTimeSent" | "DateTimeCreated" => self.time(name, item.created_s),
            "Size" => tt(name, 1000 + part.fields.values().map(|element| element.text.len()).sum::<usize>()),
            "IsSubmitted" | "IsDraft" | "IsFromMe" | "IsResend" | "IsUnmodified" | "IsAssociated" => {
                return flag(false);
            }
            "ResponseObjects" => {
                let objects: &[&str] = match () {
                    () if item.is_received => &["AcceptItem", "TentativelyAcceptItem", "DeclineItem", "ForwardItem"],
                    () if item.is_meeting() => &["CancelCalendarItem", "ForwardItem"],
                    () => &["ForwardItem"],
                };
                t(name).with_all(objects.iter().map(|object| t(object)))
            }
            "ReminderDueBy" => self.time(name, part.start_s),
            "ReminderIsSet" => return flag(part.is(name, false)),
            "ReminderMinutesBeforeStart" => return or("0"),
            "DisplayTo" | "DisplayCc" => {
                let list = if name == "DisplayTo" { "RequiredAttendees" } else { "OptionalAttendees" };
                let list = part.fields.get(list).map_or(&[][..], |list| &list.children);
                let names: Vec<&str> =
                    list.iter().filter_map(|attendee| attendee.child("Mailbox")?.text_of("Name")).collect();
                tt(name, names.join("; "))
            }
            "HasAttachments" => return flag(part.attachments.iter().any(|attachment| !attachment.is_inline)),
            "Culture" => return or("en-US"),
            "EffectiveRights" => rights(level),
            "LastModifiedName" => tt(name, &self.mailbox.user.name),
            "LastModifiedTime" => {
                self.time(name, seen.exception().map_or(item.modified_s, |exception| exception.modified_s))
            }
            "StoreEntryId" => tt(name, STANDARD.encode([&[0; 4][..], &item.number.to_le_bytes()].concat())),
            "UID" if self.state.switches.tells_foreign_uids_in_hex => tt(name, goid::hex(&item.goid)),
            "UID" => tt(name, &item.uid),
            "RecurrenceId" => self.time(name, seen.occurrence?.original_s),
            "DateTimeStamp" => self.time(name, item.stamp_s),
            "Start" => self.time(name, part.start_s),
            "End" => self.time(name, part.end_s),
            "OriginalStart" => self.time(name, seen.occurrence?.original_s),
            "IsAllDayEvent" => return flag(part.is(name, false)),
            "LegacyFreeBusyStatus" => match stored() {
                Some(element) if element.text == "WorkingElsewhere" && level < Level::V2013 => tt(name, "Free"),
                Some(element) => element,
                None => tt(name, "Busy"),
            },
            "IsMeeting" => return flag(item.is_meeting()),
            "IsCancelled" => return flag(item.is_cancelled),
            "IsRecurring" => return flag(is_occurrence),
            "MeetingRequestWasSent" => return flag(item.request_was_sent),
            "IsResponseRequested" => return or("true"),
            "CalendarItemType" => tt(
                name,
                match (&item.series, &seen.occurrence) {
                    (None, _) => "Single",
                    (Some(_), None) => "RecurringMaster",
                    (Some(_), Some(Occurrence { is_exception: true, .. })) => "Exception",
                    (Some(_), Some(_)) => "Occurrence",
                },
            ),
            "MyResponseType" => {
                let own = seen.exception().and_then(|exception| exception.my_response.as_deref());
                tt(name, own.unwrap_or(&item.my_response))
            }
            "Organizer" => t(name).with(self.person(&item.organizer)),
            "RequiredAttendees" | "OptionalAttendees" | "Resources" => self.attendees(&stored()?),
            "ConflictingMeetingCount" | "AdjacentMeetingCount" => tt(name, 0),
            "Duration" => tt(name, duration(part.end_s - part.start_s)),
            "TimeZone" => {
                let tells = self.state.version <= Version::E2013 || item.series.is_some();
                return tells.then(|| tt(name, &part.start_zone.name));
            }
            "AppointmentReplyTime" => self.time(name, item.replied_s?),
            "AppointmentSequenceNumber" => tt(name, item.sequence),
            "AppointmentState" => tt(name, state_flags(seen)),
            "Recurrence" if is_master => item.series.as_ref()?.recurrence.written(),
            "FirstOccurrence" if is_master => {
                let first = item.occurrences().find(|occurrence| !occurrence.is_deleted)?;
                self.occurrence(name, seen, &first)
            }
            "LastOccurrence" if is_master => {
                let series = item.series.as_ref()?;
                if series.recurrence.end == super::recurrence::End::Never {
                    return None;
                }
                let last = item.occurrences().filter(|occurrence| !occurrence.is_deleted).last()?;
                self.occurrence(name, seen, &last)
            }
            "ModifiedOccurrences" if is_master => {
                let series = item.series.as_ref()?;
                let until = *series.exceptions.keys().last()?;
                let all = item.occurrences().take_while(|occurrence| occurrence.day <= until);
                let all = all.filter(|occurrence| occurrence.is_exception && !occurrence.is_deleted);
                let list: Vec<Element> =
                    all.map(|occurrence| self.occurrence("Occurrence", seen, &occurrence)).collect();
                if list.is_empty() {
                    return None;
                }
                t(name).with_all(list)
            }
            "DeletedOccurrences" if is_master => {
                let series = item.series.as_ref()?;
                let until = *series.deleted.last()?;
                let all = item.occurrences().take_while(|occurrence| occurrence.day <= until);
                let all = all.filter(|occurrence| occurrence.is_deleted);
                t(name).with_all(all.map(|deleted| t("DeletedOccurrence").with(self.time("Start", deleted.original_s))))
            }
            "StartTimeZone" => self.told_zone(name, &part.start_zone),
            "EndTimeZone" => self.told_zone(name, &part.end_zone),
            "StartTimeZoneId" => tt(name, &part.start_zone.id),
            "EndTimeZoneId" => tt(name, &part.end_zone.id),
            "StartWallClock" | "EndWallClock" => {
                let (zone, instant_s) = match name {
                    "StartWallClock" => (&part.start_zone, part.start_s),
                    _ => (&part.end_zone, part.end_s),
                };
                tt(name, zone.written(instant_s))
            }
            "AllowNewTimeProposal" => return or("true"),
            "IsOnlineMeeting" => return or("false"),
            "ConferenceType" => return or("0"),
            "EnhancedLocation" => {
                let location = || tt("DisplayName", part.text("Location").unwrap_or_default());
                return Some(stored().unwrap_or_else(|| t(name).with(location())));
            }
            "IntendedFreeBusyStatus" => return None,
            "IsOrganizer" => return flag(!item.is_received),
            _ => return stored(),
        })
    }

    fn told_zone(&self, name: &str, zone: &Zone) -> Element {
        if self.state.switches.tells_whole_zones || zone.is_custom() { zone.definition(name) } else { zone.short(name) }
    }

    fn occurrence(&self, name: &str, seen: &Seen<'_>, occurrence: &Occurrence) -> Element {
        t(name)
            .with(self.mailbox.item_id("ItemId", seen.item, Some(occurrence)))
            .with(self.time("Start", occurrence.start_s))
            .with(self.time("End", occurrence.end_s))
            .with(self.time("OriginalStart", occurrence.original_s))
    }

    pub fn body(&self, stored: Option<&Element>, kind: BodyKind) -> Option<Element> {
        let is_html = |body: &Element| body.attribute("BodyType") == Some("HTML");
        let text = stored.map_or("", |body| body.text.as_str());
        let was_html = stored.is_some_and(is_html);
        let wraps = self.state.switches.wraps_bodies;
        let (kind, text) = match (kind, was_html) {
            (BodyKind::Html, false) | (BodyKind::Best, false)
                if kind == BodyKind::Html && stored.is_none() && !wraps =>
            {
                ("HTML", String::new())
            }
            (BodyKind::Html, false) => ("HTML", html_of_text(text)),
            (BodyKind::Html | BodyKind::Best, true) => {
                ("HTML", if wraps { html_with_head(text) } else { text.to_owned() })
            }
            (BodyKind::Text, true) => ("Text", text_of_html(text)),
            (BodyKind::Text | BodyKind::Best, false) => ("Text", text.to_owned()),
        };
        Some(tt("Body", text).set("BodyType", kind))
    }

    fn person(&self, person: &Person) -> Element {
        if self.is_table {
            return t("Mailbox").with(tt("Name", &person.name));
        }
        let mailbox = t("Mailbox").with(tt("Name", &person.name)).with(tt("EmailAddress", &person.address));
        self.routed(&mailbox.with(tt("RoutingType", "SMTP")))
    }

    /// Tells a stored `Mailbox` with what the directory knows of it.
    fn routed(&self, stored: &Element) -> Element {
        let address = stored.text_of("EmailAddress").unwrap_or_default();
        let own = self.state.at(address);
        let mut shown = stored.clone();
        if let Some(own) = own.filter(|_| self.state.switches.tells_ex_addresses) {
            let dn = legacy_dn(&own.user.address);
            shown = t("Mailbox")
                .with(tt("Name", &own.user.name))
                .with(tt("EmailAddress", dn))
                .with(tt("RoutingType", "EX"));
        }
        shown.children.retain(|child| child.name != "MailboxType");
        shown.with(tt("MailboxType", if own.is_some() { "Mailbox" } else { "OneOff" }))
    }

    fn attendees(&self, list: &Element) -> Element {
        let mut shown = list.clone();
        for attendee in &mut shown.children {
            if let Some(mailbox) = attendee.children.first_mut() {
                *mailbox = self.routed(mailbox);
            }
            for told in attendee.children.iter_mut().filter(|child| child.name == "LastResponseTime") {
                if let Some(stamp) = time::parse(&told.text) {
                    *told = self.time("LastResponseTime", Zone::utc().instant_of(stamp));
                }
            }
        }
        shown
    }

    pub fn attachment(&self, attachment: &Attachment, with_content: bool) -> Element {
        let id = t("AttachmentId").set("Id", Id::Attachment(attachment.number).written(self.mailbox.number));
        let (element, size) = match &attachment.content {
            Content::File(base64) => ("FileAttachment", base64.len() / 4 * 3),
            Content::Item(_) => ("ItemAttachment", 1000),
        };
        let mut shown = t(element).with(id).with(tt("Name", &attachment.name));
        let optional = [
            ("ContentType", &attachment.content_type),
            ("ContentId", &attachment.content_id),
            ("ContentLocation", &attachment.content_location),
        ];
        shown.children.extend(optional.iter().filter_map(|(name, text)| Some(tt(name, text.as_ref()?))));
        if self.level >= Level::V2010 {
            shown = shown
                .with(tt("Size", size))
                .with(self.time("LastModifiedTime", attachment.modified_s))
                .with(tt("IsInline", attachment.is_inline));
        }
        match &attachment.content {
            Content::File(base64) if with_content => shown.with(tt("Content", base64)),
            Content::Item(item) if with_content => shown.with(Element::clone(item)),
            _ => shown,
        }
    }

    fn extended(&self, seen: &Seen<'_>, key: &Key, uri: &Element) -> Option<Element> {
        let value = self.computed(seen, key).or_else(|| seen.part.extended.get(key).cloned())?;
        Some(t("ExtendedProperty").with(uri.clone()).with(value))
    }

    /// What Exchange derives itself.
    fn computed(&self, seen: &Seen<'_>, key: &Key) -> Option<Element> {
        let (item, part) = (seen.item, seen.part.as_ref());
        let is = |set: &str, id: i64, kind: &str| paths::is(key, set, id) && key.kind == kind;
        let binary = |bytes: &[u8]| tt("Value", STANDARD.encode(bytes));
        let instant = |instant_s: i64| tt("Value", time::written_utc(instant_s));
        if !item.is_event() {
            return None;
        }
        if is("Meeting", 3, "Binary") {
            let day = match seen.occurrence {
                Some(occurrence) => Some(Date::from_number(occurrence.day)),
                None => item.goid_day,
            };
            return Some(binary(&day.map_or_else(|| item.goid.clone(), |day| goid::dated(&item.goid, day))));
        }
        if is("Meeting", 35, "Binary") {
            return Some(binary(&item.goid));
        }
        let busy = || match part.text("LegacyFreeBusyStatus").unwrap_or("Busy") {
            "Free" => 0,
            "Tentative" => 1,
            "OOF" => 3,
            "WorkingElsewhere" => 4,
            _ => 2,
        };
        Some(match key.set.as_str() {
            _ if is("Appointment", 0x8216, "Binary") => binary(&appointment_recur::blob(item)?),
            _ if is("Appointment", 0x8217, "Integer") => tt("Value", state_flags(seen)),
            _ if is("Appointment", 0x8218, "Integer") => tt(
                "Value",
                match item.my_response.as_str() {
                    "Organizer" if item.is_meeting() => 1,
                    "Tentative" => 2,
                    "Accept" => 3,
                    "Decline" => 4,
                    "NoResponseReceived" => 5,
                    _ => 0,
                },
            ),
            _ if is("Appointment", 0x8234, "String") => tt("Value", &part.start_zone.name),
            _ if is("Appointment", 0x820D, "SystemTime") => instant(part.start_s),
            _ if is("Appointment", 0x820E, "SystemTime") => instant(part.end_s),
            _ if is("Appointment", 0x8205, "Integer") => tt("Value", busy()),
            _ if is("Appointment", 0x8208, "String") => tt("Value", part.text("Location")?),
            _ if is("Appointment", 0x8215, "Boolean") => tt("Value", part.is_all_day()),
            _ if is("Appointment", 0x8223, "Boolean") => tt("Value", item.series.is_some()),
            _ if is("Appointment", 0x8201, "Integer") => tt("Value", item.sequence),
            _ if paths::named(key) == Some("Categories") => {
                let list = part.fields.get("Categories")?;
                t("Values").with_all(list.children.iter().map(|category| tt("Value", &category.text)))
            }
            _ if is("Common", 0x8506, "Boolean") => {
                tt("Value", matches!(part.text("Sensitivity"), Some("Private" | "Confidential")))
            }
            "tag" => match (key.id.parse().unwrap_or(0), key.kind.as_str()) {
                (0x0037_u32, "String") => tt("Value", part.text("Subject")?),
                (0x001A, "String") => tt("Value", &item.class),
                (0x3001, "String") => tt("Value", part.text("Subject")?),
                (0x1000, "String") => tt("Value", self.body(part.fields.get("Body"), BodyKind::Text)?.text),
                // PR_INTERNET_ARTICLE_NUMBER, by which IMAP tells items apart.
                (0x0E23, "Integer") => tt("Value", item.number),
                (0x3007, "SystemTime") => instant(item.created_s),
                (0x3008, "SystemTime") => instant(item.modified_s),
                _ => return None,
            },
            _ => return None,
        })
    }

    pub fn folder(&self, folder: &Folder, shape: &Shape) -> Element {
        let element = match folder.class.as_str() {
            class if class.starts_with("IPF.Appointment") => "CalendarFolder",
            class if class.starts_with("IPF.Contact") => "ContactsFolder",
            class if class.starts_with("IPF.Task") => "TasksFolder",
            _ => "Folder",
        };
        let has = |name: &str| shape.folder_names.contains(name);
        let mut shown = t(element).with(self.mailbox.folder_id("FolderId", folder.number));
        let mut add = |name: &str, value: &dyn Fn() -> Option<Element>| {
            if has(name) {
                shown.children.extend(value());
            }
        };
        let items = self.mailbox.items.values().filter(|item| item.folder == folder.number).count();
        let children = self.mailbox.folders.values().filter(|child| child.parent == Some(folder.number)).count();
        add("ParentFolderId", &|| {
            Some(self.mailbox.folder_id("ParentFolderId", folder.parent.unwrap_or(folder.number)))
        });
        add("FolderClass", &|| (!folder.class.is_empty()).then(|| tt("FolderClass", &folder.class)));
        add("DisplayName", &|| Some(tt("DisplayName", &folder.name)));
        add("TotalCount", &|| Some(tt("TotalCount", items)));
        add("ChildFolderCount", &|| Some(tt("ChildFolderCount", children)));
        for (key, uri) in &shape.extended {
            let value = match (key.set.as_str(), key.id.parse::<u32>().unwrap_or(0)) {
                ("tag", 0x670A) => Some(time::written_utc(folder.commit_s)),
                ("tag", 0x670B) => Some(folder.deleted_count.to_string()),
                ("tag", 0x3001) => Some(folder.name.clone()),
                ("tag", 0x3008) => Some(time::written_utc(folder.commit_s)),
                ("tag", 0x3602) => Some(items.to_string()),
                ("tag", 0x3603) => Some("0".to_owned()),
                ("tag", 0x360A) => Some((children > 0).to_string()),
                ("tag", 0x3613) => Some(folder.class.clone()),
                ("tag", 0x10F4) => Some("false".to_owned()),
                _ => None,
            };
            let value = value.map(|value| t("ExtendedProperty").with(uri.clone()).with(tt("Value", value)));
            shown.children.extend(value);
        }
        let mut add = |name: &str, value: &dyn Fn() -> Option<Element>| {
            if has(name) {
                shown.children.extend(value());
            }
        };
        add("EffectiveRights", &|| Some(rights(self.level)));
        add("DistinguishedFolderId", &|| Some(tt("DistinguishedFolderId", folder.distinguished?)));
        add("UnreadCount", &|| matches!(element, "Folder" | "TasksFolder").then(|| tt("UnreadCount", 0)));
        shown
    }
}

fn rights(level: Level) -> Element {
    let mut rights = t("EffectiveRights");
    for name in ["CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read"] {
        rights.children.push(tt(name, true));
    }
    if level >= Level::V2010Sp1 {
        rights.children.push(tt("ViewPrivateItems", true));
    }
    rights
}

/// PidLidAppointmentStateFlags: 1 meeting, 2 received, 4 cancelled.
fn state_flags(seen: &Seen<'_>) -> i64 {
    let item = seen.item;
    i64::from(item.is_meeting()) + 2 * i64::from(item.is_received) + 4 * i64::from(item.is_cancelled)
}

fn duration(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    let mut written = String::from("P");
    if days > 0 {
        written += &format!("{days}D");
    }
    let (hours, minutes) = (rest / 3600, rest / 60 % 60);
    if rest > 0 || days == 0 {
        written.push('T');
        if hours > 0 {
            written += &format!("{hours}H");
        }
        if minutes > 0 || hours == 0 {
            written += &format!("{minutes}M");
        }
    }
    written
}

/// What the directory calls a recipient.
pub fn legacy_dn(address: &str) -> String {
    let alias = address.split('@').next().unwrap_or_default();
    format!("/O=CORP/OU=EXCHANGE ADMINISTRATIVE GROUP (FYDIBOHF23SPDLT)/CN=RECIPIENTS/CN={}", alias.to_uppercase())
}

const HEAD: &str = "<html>\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n";

/// As Exchange converts text.
fn html_of_text(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        lines += &line;
        lines += "<br>\r\n";
    }
    format!(
        "{HEAD}<meta name=\"Generator\" content=\"Microsoft Exchange Server\">\r\n<!-- converted from text -->\r\n<style><!-- \
         .EmailQuote {{ margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; }} --></style>\r\n</head>\r\n\
         <body>\r\n<font size=\"2\"><span style=\"font-size:11pt;\"><div class=\"PlainText\">{lines}</div></span></font>\r\n\
         </body>\r\n</html>\r\n"
    )
}

/// A head of Exchange's own, whatever stood there.
fn html_with_head(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let inner = match (lower.find("<body"), lower.rfind("</body>")) {
        (Some(start), Some(end)) => {
            let start = html.get(start..).and_then(|rest| rest.find('>')).map_or(start, |close| start + close + 1);
            html.get(start..end).unwrap_or(html)
        }
        _ => html,
    };
    format!("{HEAD}</head>\r\n<body>\r\n{}\r\n</body>\r\n</html>\r\n", inner.trim())
}

fn text_of_html(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<body").unwrap_or(0);
    let (mut text, mut tag, mut is_tag) = (String::new(), String::new(), false);
    for character in html.get(start..).unwrap_or(html).chars() {
        match character {
            '<' => is_tag = true,
            '>' if is_tag => {
                let name = tag.trim_start_matches('/').to_ascii_lowercase();
                if name.starts_with("br") || tag.eq_ignore_ascii_case("/p") || tag.eq_ignore_ascii_case("/div") {
                    text.push_str("\r\n");
                }
                tag.clear();
                is_tag = false;
            }
            character if is_tag => tag.push(character),
            '\r' | '\n' => {}
            character => text.push(character),
        }
    }
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&amp;", "&").trim().to_owned()
}

/// The change key of a state, as attachments tell it of their item.
pub fn root_change_key(change: u64) -> String {
    ids::change_key(change)
}
