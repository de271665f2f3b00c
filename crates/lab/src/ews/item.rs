//! What is stored of an event, a series and its exceptions.

use super::recurrence::Recurrence;
use super::time::{DAY_S, Date};
use super::xml::Element;
use super::zones::Zone;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The name of an extended property, however a client spells its set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The GUID of the set in lower case, or `tag`.
    pub set: String,
    /// The number in decimal, or the name after a quote.
    pub id: String,
    /// `String`, `Binary`, ...
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub number: u64,
    pub name: String,
    pub content_type: Option<String>,
    pub content_id: Option<String>,
    pub content_location: Option<String>,
    pub is_inline: bool,
    pub modified_s: i64,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// In base64.
    File(String),
    /// An item, as the client gave it.
    Item(Box<Element>),
}

/// What a single event, a series or an occurrence says of itself. Elements stand under their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub fields: BTreeMap<&'static str, Element>,
    pub extended: BTreeMap<Key, Element>,
    pub start_s: i64,
    pub end_s: i64,
    pub start_zone: Zone,
    pub end_zone: Zone,
    pub attachments: Vec<Attachment>,
}

impl Part {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|element| element.text.as_str())
    }

    pub fn is(&self, name: &str, default: bool) -> bool {
        self.text(name).map_or(default, |text| matches!(text, "true" | "1"))
    }

    pub fn is_all_day(&self) -> bool {
        self.is("IsAllDayEvent", false)
    }

    /// The addresses of all attendees, as they were written.
    pub fn attendees(&self) -> Vec<String> {
        ["RequiredAttendees", "OptionalAttendees", "Resources"]
            .into_iter()
            .filter_map(|list| self.fields.get(list))
            .flat_map(|list| &list.children)
            .filter_map(|attendee| attendee.child("Mailbox")?.text_of("EmailAddress"))
            .map(str::to_owned)
            .collect()
    }
}

/// How one occurrence differs from its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// `None` for what the series has and this occurrence has not.
    pub fields: BTreeMap<&'static str, Option<Element>>,
    pub extended: BTreeMap<Key, Option<Element>>,
    pub start_s: i64,
    pub end_s: i64,
    pub zones: Option<(Zone, Zone)>,
    pub attachments: Option<Vec<Attachment>>,
    pub modified_s: i64,
    pub my_response: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub recurrence: Recurrence,
    /// By the number of the local day that the occurrence was meant for.
    pub exceptions: BTreeMap<i64, Exception>,
    pub deleted: BTreeSet<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub address: String,
}

#[derive(Clone, Debug)]
pub struct Item {
    pub number: u64,
    pub change: u64,
    pub folder: u64,
    pub class: String,
    pub part: Part,
    pub series: Option<Series>,
    /// The clean GlobalObjectId, and the day for an item that is one occurrence of another's series.
    pub goid: Vec<u8>,
    pub goid_day: Option<Date>,
    pub uid: String,
    pub created_s: i64,
    pub modified_s: i64,
    pub stamp_s: i64,
    pub replied_s: Option<i64>,
    pub sequence: i64,
    pub organizer: Person,
    /// Came from another, who organizes it.
    pub is_received: bool,
    pub is_cancelled: bool,
    pub request_was_sent: bool,
    pub my_response: String,
    /// The server cannot read it any more: this response code tells so.
    pub broken: Option<&'static str>,
}

/// One occurrence, as the pattern and the exceptions have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The local day that it was meant for.
    pub day: i64,
    /// From 1, with deleted ones counted.
    pub index: usize,
    pub original_s: i64,
    pub start_s: i64,
    pub end_s: i64,
    pub is_exception: bool,
    pub is_deleted: bool,
}

impl Item {
    pub fn is_event(&self) -> bool {
        self.class.starts_with("IPM.Appointment")
    }

    pub fn is_meeting(&self) -> bool {
        self.is_received || !self.part.attendees().is_empty()
    }

    /// Every occurrence in order of the pattern, deleted ones too.
    pub fn occurrences(&self) -> impl Iterator<Item = Occurrence> + '_ {
        self.series.iter().flat_map(move |series| {
            series.recurrence.days().enumerate().map(move |(at, day)| self.occurrence_on(series, at + 1, day))
        })
    }

    fn occurrence_on(&self, series: &Series, index: usize, day: i64) -> Occurrence {
        let zone = &self.part.start_zone;
        let local_s = zone.local_s(self.part.start_s);
        let original_s = zone.instant_s(day * DAY_S + local_s.rem_euclid(DAY_S));
        // The end keeps its time on the wall too.
        let local_length_s = self.part.end_zone.local_s(self.part.end_s) - local_s;
        let end_local_s = zone.local_s(original_s) + local_length_s;
        let end_s = self.part.end_zone.instant_s(end_local_s).max(original_s);
        let exception = series.exceptions.get(&day);
        Occurrence {
            day,
            index,
            original_s,
            start_s: exception.map_or(original_s, |exception| exception.start_s),
            end_s: exception.map_or(end_s, |exception| exception.end_s),
            is_exception: exception.is_some(),
            is_deleted: series.deleted.contains(&day),
        }
    }

    /// The occurrence that was meant for this day, unless it was deleted.
    pub fn occurrence(&self, day: i64) -> Option<Occurrence> {
        let found = self.occurrences().take_while(|occurrence| occurrence.day <= day).last()?;
        (found.day == day && !found.is_deleted).then_some(found)
    }

    /// What the occurrence says of itself, with what it inherits.
    pub fn part_of(&self, occurrence: &Occurrence) -> Part {
        let mut part = Part { start_s: occurrence.start_s, end_s: occurrence.end_s, ..self.part.clone() };
        let exception = self.series.as_ref().and_then(|series| series.exceptions.get(&occurrence.day));
        let Some(exception) = exception else { return part };
        for (name, element) in &exception.fields {
            match element {
                Some(element) => part.fields.insert(name, element.clone()),
                None => part.fields.remove(name),
            };
        }
        for (key, element) in &exception.extended {
            match element {
                Some(element) => part.extended.insert(key.clone(), element.clone()),
                None => part.extended.remove(key),
            };
        }
        if let Some((start_zone, end_zone)) = exception.zones.clone() {
            (part.start_zone, part.end_zone) = (start_zone, end_zone);
        }
        if let Some(attachments) = &exception.attachments {
            part.attachments.clone_from(attachments);
        }
        part
    }

    /// The exception for an occurrence, made if there is none.
    pub fn exception_mut(&mut self, occurrence: &Occurrence, now_s: i64) -> Option<&mut Exception> {
        let fresh = Exception {
            fields: BTreeMap::new(),
            extended: BTreeMap::new(),
            start_s: occurrence.start_s,
            end_s: occurrence.end_s,
            zones: None,
            attachments: None,
            modified_s: now_s,
            my_response: None,
        };
        Some(self.series.as_mut()?.exceptions.entry(occurrence.day).or_insert(fresh))
    }

    pub fn attachments_mut(&mut self, day: Option<i64>, now_s: i64) -> Option<&mut Vec<Attachment>> {
        let Some(day) = day else { return Some(&mut self.part.attachments) };
        let occurrence = self.occurrence(day)?;
        let inherited = self.part_of(&occurrence).attachments;
        Some(self.exception_mut(&occurrence, now_s)?.attachments.get_or_insert(inherited))
    }

    /// Where an attachment hangs: on the item, or on the occurrence of this day.
    pub fn holder(&self, attachment: u64) -> Option<(Option<i64>, &Attachment)> {
        let find = |list: &'_ [Attachment]| list.iter().position(|known| known.number == attachment);
        if let Some(at) = find(&self.part.attachments) {
            return Some((None, self.part.attachments.get(at)?));
        }
        self.series.iter().flat_map(|series| &series.exceptions).find_map(|(day, exception)| {
            let list = exception.attachments.as_deref()?;
            Some((Some(*day), list.get(find(list)?)?))
        })
    }
}

/// An item or one occurrence of it, looked at.
pub struct Seen<'a> {
    pub item: &'a Item,
    pub occurrence: Option<Occurrence>,
    pub part: Cow<'a, Part>,
}

impl<'a> Seen<'a> {
    pub fn whole(item: &'a Item) -> Seen<'a> {
        Seen { item, occurrence: None, part: Cow::Borrowed(&item.part) }
    }

    pub fn one(item: &'a Item, occurrence: Occurrence) -> Seen<'a> {
        Seen { item, occurrence: Some(occurrence), part: Cow::Owned(item.part_of(&occurrence)) }
    }

    pub fn exception(&self) -> Option<&'a Exception> {
        self.item.series.as_ref()?.exceptions.get(&self.occurrence?.day)
    }
}
