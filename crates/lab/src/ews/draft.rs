//! What a client wants of an event: read from `CreateItem` and `UpdateItem`, then put into an item or an exception.

use super::fields::{self, Field, Write};
use super::ical::import;
use super::item::{Attachment, Content, Exception, Key, Part, Person};
use super::paths::{self, Path};
use super::recurrence::Recurrence;
use super::soap::{Refusal, refuse};
use super::switches::Switches;
use super::time::{self, DAY_S, Stamp};
use super::version::Level;
use super::xml::{Element, t, tt};
use super::zones::Zone;
use std::collections::BTreeMap;

/// Changes, none of which is made yet.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub fields: BTreeMap<&'static str, Option<Element>>,
    pub extended: BTreeMap<Key, Option<Element>>,
    pub start: Option<Stamp>,
    pub end: Option<Stamp>,
    pub start_zone: Option<Zone>,
    pub end_zone: Option<Zone>,
    pub recurrence: Option<Option<Recurrence>>,
    pub uid: Option<String>,
    pub class: Option<String>,
    pub attachments: Vec<Attachment>,
    pub appended_body: Option<String>,
    /// Of a series that came as MIME: when the occurrences began that are gone, and those that differ.
    pub deleted: Vec<Stamp>,
    pub exceptions: Vec<(Stamp, Draft)>,
    /// Who invites, by the MIME.
    pub organizer: Option<Person>,
}

const TEXT_LIMIT: usize = 255;

impl Draft {
    /// Reads a whole new `CalendarItem`. Numbers of attachments are given later.
    pub fn of_new(item: &Element, level: Level, switches: &Switches) -> Result<Draft, Refusal> {
        let mut draft = Draft::default();
        for child in &item.children {
            let Some((_, field)) = fields::by_name(&child.name) else { continue };
            known_to(field, level)?;
            if field.write == Write::Never {
                let text = "Set action is invalid for property.";
                return Err(refuse("ErrorInvalidPropertySet", text).at(&paths::uri(field)));
            }
            draft.set(field, child, level, switches)?;
        }
        Ok(draft)
    }

    /// Reads the `Updates` of one item.
    pub fn of_updates(updates: &[Element], level: Level, switches: &Switches) -> Result<Draft, Refusal> {
        let mut draft = Draft::default();
        for update in updates {
            let Some(path) = update.children.first() else { continue };
            let read = paths::read(path, level)?;
            let value = update.children.get(1).and_then(|holder| match holder.children.as_slice() {
                [value] => Some(value),
                _ => None,
            });
            let (code, text) = match update.name.as_str() {
                "SetItemField" => ("ErrorInvalidPropertySet", "Set action is invalid for property."),
                "DeleteItemField" => ("ErrorInvalidPropertyDelete", "Delete action is invalid for property."),
                _ => ("ErrorInvalidPropertyAppend", "Append action is invalid for property."),
            };
            let refused = || refuse(code, text).at(path);
            let mismatch = || {
                refuse("ErrorUpdatePropertyMismatch", "The property to be updated and the given one differ.").at(path)
            };
            match (update.name.as_str(), &read) {
                ("SetItemField", Path::Field(field)) => {
                    let value = value.filter(|value| value.name == field.name).ok_or_else(mismatch)?;
                    if field.write != Write::Always {
                        return Err(refused());
                    }
                    draft.set(field, value, level, switches)?;
                }
                ("SetItemField", Path::Extended(key, _)) => {
                    let value = value.filter(|value| value.name == "ExtendedProperty").ok_or_else(mismatch)?;
                    let (given, value) = extended(value)?;
                    if given != *key {
                        return Err(mismatch());
                    }
                    draft.set_extended(given, value, level, switches)?;
                }
                ("DeleteItemField", Path::Field(field)) => {
                    let keeps = ["Start", "End", "StartTimeZone", "EndTimeZone", "ItemClass", "IsAllDayEvent"];
                    if field.write != Write::Always || keeps.contains(&field.name) {
                        return Err(refused());
                    }
                    match field.name {
                        "Recurrence" => draft.recurrence = Some(None),
                        "Location" | "EnhancedLocation" => {
                            draft.fields.insert("Location", None);
                            draft.fields.insert("EnhancedLocation", None);
                        }
                        name => {
                            draft.fields.insert(name, None);
                        }
                    }
                }
                ("DeleteItemField", Path::Extended(key, _)) => match paths::named(key) {
                    Some(name) => {
                        draft.fields.insert(name, None);
                    }
                    None => {
                        draft.extended.insert(key.clone(), None);
                    }
                },
                ("AppendToItemField", Path::Field(field)) if field.name == "Body" => {
                    draft.appended_body = Some(value.ok_or_else(mismatch)?.text.clone());
                }
                ("AppendToItemField", Path::Field(field))
                    if field.name.ends_with("Attendees") || field.name == "Resources" =>
                {
                    let list = attendees(field, value.ok_or_else(mismatch)?);
                    draft.fields.insert(field.name, Some(list.set("appends", "true")));
                }
                _ => return Err(refused()),
            }
        }
        Ok(draft)
    }

    /// Sets a property by its number or name, which may be one that has a field of its own.
    fn set_extended(&mut self, key: Key, value: Element, level: Level, switches: &Switches) -> Result<(), Refusal> {
        let Some((_, field)) = paths::named(&key).and_then(fields::by_name) else {
            self.extended.insert(key, Some(value));
            return Ok(());
        };
        let element = match field.name {
            "Categories" => t("Categories").with_all(value.children.iter().map(|value| tt("String", &value.text))),
            "Body" => tt("Body", &value.text).set("BodyType", "Text"),
            name => tt(name, &value.text),
        };
        self.set(field, &element, level, switches)
    }

    pub fn set(
        &mut self,
        field: &'static Field,
        value: &Element,
        level: Level,
        switches: &Switches,
    ) -> Result<(), Refusal> {
        let text = value.text.as_str();
        let path = || paths::uri(field);
        let bad_time =
            || refuse("ErrorInvalidValueForProperty", "The specified value is invalid for property.").at(&path());
        let bad_zone = || refuse("ErrorCalendarInvalidTimeZone", "The time zone is invalid.").at(&path());
        match field.name {
            "Start" => self.start = Some(time::parse(text).ok_or_else(bad_time)?),
            "End" => self.end = Some(time::parse(text).ok_or_else(bad_time)?),
            "StartTimeZone" => self.start_zone = Some(Zone::read(value).ok_or_else(bad_zone)?),
            "EndTimeZone" => self.end_zone = Some(Zone::read(value).ok_or_else(bad_zone)?),
            "StartTimeZoneId" => self.start_zone = Some(Zone::known(text).ok_or_else(bad_zone)?),
            "EndTimeZoneId" => self.end_zone = Some(Zone::known(text).ok_or_else(bad_zone)?),
            "Recurrence" => {
                let read = Recurrence::read(value).and_then(Recurrence::settle);
                self.recurrence = Some(Some(read.map_err(|(code, text)| refuse(code, text))?));
            }
            "UID" => self.uid = Some(text.to_owned()),
            "ItemClass" => self.class = Some(text.to_owned()),
            "Attachments" => self.attachments = value.children.iter().map(attachment).collect(),
            "ExtendedProperty" => {
                let (key, value) = extended(value)?;
                self.set_extended(key, value, level, switches)?;
            }
            "MimeContent" => import::read_into(self, text, level, switches)?,
            "IsOnlineMeeting" if switches.fixes_online_meetings => {
                return Err(refuse("ErrorInvalidPropertySet", "Set action is invalid for property.").at(&path()));
            }
            // Ignored where StartTimeZone is known.
            "MeetingTimeZone" | "ReminderDueBy" => {}
            "EnhancedLocation" => {
                let name = value.text_of("DisplayName").unwrap_or_default();
                self.fields.insert("Location", Some(tt("Location", name)));
                self.fields.insert("EnhancedLocation", Some(value.clone()));
            }
            "Subject" | "Location" => {
                if text.chars().count() > TEXT_LIMIT {
                    let text = "The property has a value that is too long.";
                    return Err(refuse("ErrorItemSavePropertyError", text).at(&path()));
                }
                let text = match field.name {
                    _ if !switches.trims => text,
                    "Subject" => text.trim_end(),
                    _ => text.trim(),
                };
                self.fields.insert(field.name, Some(tt(field.name, text)));
                if field.name == "Location" {
                    self.fields.insert("EnhancedLocation", None);
                }
            }
            "Categories" => {
                let mut seen = Vec::new();
                let mut list = t("Categories");
                for category in &value.children {
                    let folded = category.text.to_lowercase();
                    if !seen.contains(&folded) && !category.text.is_empty() {
                        seen.push(folded);
                        list.children.push(tt("String", &category.text));
                    }
                }
                self.fields.insert("Categories", (!list.children.is_empty()).then_some(list));
            }
            "RequiredAttendees" | "OptionalAttendees" | "Resources" => {
                let list = attendees(field, value);
                if list.children.iter().any(|attendee| {
                    !attendee.list("Mailbox").iter().any(|part| part.name == "EmailAddress" && part.text.contains('@'))
                }) {
                    return Err(refuse("ErrorInvalidRecipients", "At least one recipient isn't valid.").at(&path()));
                }
                self.fields.insert(field.name, (!list.children.is_empty()).then_some(list));
            }
            "LegacyFreeBusyStatus" if text == "WorkingElsewhere" && level < Level::V2013 => {
                return Err(
                    refuse("ErrorInvalidValueForProperty", "The specified value is invalid for property.").at(&path())
                );
            }
            name => {
                let mut kept = value.clone();
                kept.name = name.to_owned();
                self.fields.insert(name, Some(kept));
            }
        }
        Ok(())
    }

    pub fn moves(&self) -> bool {
        self.start.is_some()
            || self.end.is_some()
            || self.start_zone.is_some()
            || self.fields.contains_key("IsAllDayEvent")
    }

    /// Puts the changes into a part. `zone` is the request's: a start without a zone of its own takes it, as Exchange does
    /// (exchangelib #471).
    pub fn apply(&self, part: &mut Part, zone: &Zone) {
        for (name, value) in &self.fields {
            match (value, part.fields.get_mut(name)) {
                (Some(value), Some(known)) if value.attribute("appends").is_some() => {
                    known.children.extend(value.children.iter().cloned());
                }
                (Some(value), _) => {
                    let mut value = value.clone();
                    value.attributes.retain(|(name, _)| name != "appends");
                    part.fields.insert(name, value);
                }
                (None, _) => {
                    part.fields.remove(name);
                }
            }
        }
        for (key, value) in &self.extended {
            match value {
                Some(value) => part.extended.insert(key.clone(), value.clone()),
                None => part.extended.remove(key),
            };
        }
        if let Some(more) = &self.appended_body {
            let body = part.fields.entry("Body").or_insert_with(|| t("Body").set("BodyType", "Text"));
            body.text.push_str(more);
        }
        if let Some(start) = self.start {
            part.start_s = zone.instant_of(start);
            part.start_zone = self.start_zone.clone().unwrap_or_else(|| zone.clone());
        }
        if let Some(end) = self.end {
            part.end_s = zone.instant_of(end);
            part.end_zone = self.end_zone.clone().or(self.start_zone.clone()).unwrap_or_else(|| zone.clone());
        }
        if let Some(zone) = &self.start_zone {
            part.start_zone = zone.clone();
        }
        if let Some(zone) = &self.end_zone {
            part.end_zone = zone.clone();
        }
        if part.is_all_day() && self.moves() {
            whole_days(part);
        }
    }

    /// Puts the changes into an exception, which says only what differs; `before` is what the occurrence said until now.
    pub fn apply_to_exception(&self, exception: &mut Exception, before: Part, zone: &Zone) -> Part {
        let mut after = before.clone();
        self.apply(&mut after, zone);
        let names = after.fields.keys().chain(before.fields.keys()).copied().collect::<Vec<_>>();
        for name in names {
            if after.fields.get(name) != before.fields.get(name) || self.fields.contains_key(name) {
                exception.fields.insert(name, after.fields.get(name).cloned());
            }
        }
        for key in self.extended.keys() {
            exception.extended.insert(key.clone(), after.extended.get(key).cloned());
        }
        (exception.start_s, exception.end_s) = (after.start_s, after.end_s);
        if after.start_zone != before.start_zone || after.end_zone != before.end_zone {
            exception.zones = Some((after.start_zone.clone(), after.end_zone.clone()));
        }
        after
    }
}

/// An all-day event lasts from midnight to midnight in its zone, whatever its maker said.
fn whole_days(part: &mut Part) {
    let start = part.start_zone.local_s(part.start_s).div_euclid(DAY_S);
    let end_local_s = part.end_zone.local_s(part.end_s);
    let end = (end_local_s + DAY_S - 1).div_euclid(DAY_S).max(start + 1);
    part.start_s = part.start_zone.instant_s(start * DAY_S);
    part.end_s = part.end_zone.instant_s(end * DAY_S);
}

pub fn known_to(field: &'static Field, level: Level) -> Result<(), Refusal> {
    if field.since <= level {
        return Ok(());
    }
    Err(refuse("ErrorInvalidPropertyRequest", "The request is invalid for this property.").at(&paths::uri(field)))
}

fn attendees(field: &Field, value: &Element) -> Element {
    let mut list = t(field.name);
    for attendee in &value.children {
        let given = attendee.child("Mailbox");
        let address = given.and_then(|mailbox| mailbox.text_of("EmailAddress")).unwrap_or_default().trim();
        let name = given.and_then(|mailbox| mailbox.text_of("Name")).filter(|name| !name.is_empty()).unwrap_or(address);
        // What others answered is not the client's to say.
        let mailbox =
            t("Mailbox").with(tt("Name", name)).with(tt("EmailAddress", address)).with(tt("RoutingType", "SMTP"));
        list.children.push(t("Attendee").with(mailbox).with(tt("ResponseType", "Unknown")));
    }
    list
}

pub fn attachment(element: &Element) -> Attachment {
    let text = |name: &str| element.text_of(name).map(str::to_owned);
    let content = match element.name.as_str() {
        "ItemAttachment" => {
            let own = [
                "AttachmentId",
                "Name",
                "ContentType",
                "ContentId",
                "ContentLocation",
                "Size",
                "LastModifiedTime",
                "IsInline",
            ];
            let item = element.children.iter().find(|child| !own.contains(&child.name.as_str()));
            Content::Item(Box::new(item.cloned().unwrap_or_else(|| t("Item"))))
        }
        _ => Content::File(text("Content").unwrap_or_default()),
    };
    Attachment {
        number: 0,
        name: text("Name").unwrap_or_default(),
        content_type: text("ContentType"),
        content_id: text("ContentId"),
        content_location: text("ContentLocation"),
        is_inline: text("IsInline").is_some_and(|text| text == "true" || text == "1"),
        modified_s: 0,
        content,
    }
}

/// The key of an `ExtendedProperty`, and its `Value` or `Values`.
fn extended(element: &Element) -> Result<(Key, Element), Refusal> {
    let broken = || refuse("ErrorInvalidExtendedProperty", "The extended property attribute combination is invalid.");
    let key = element.child("ExtendedFieldURI").and_then(paths::key).ok_or_else(broken)?;
    let value = element.child("Value").or(element.child("Values"));
    let value =
        value.ok_or_else(|| refuse("ErrorInvalidExtendedPropertyValue", "The extended property value is invalid."))?;
    if value.name == "Values" && !key.kind.ends_with("Array") {
        return Err(refuse("ErrorInvalidExtendedPropertyValue", "The extended property value is invalid."));
    }
    Ok((key, value.clone()))
}
