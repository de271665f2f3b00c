//! Items to an event.

use super::html::{html_to_text, unwrapped};
use super::instance::stood_for;
use super::residue;
use super::{ATTACHMENT_LEFT_OUT, BODY_LEFT_OUT, Context, clean, zones};
use crate::item::{AttachmentSeen, AttendeeSeen, CalendarItem, ItemBody, Mailbox, ZoneSeen};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parom_calendar::event::{
    Alarm, Answer, Attachment, Attendee, Body, Busy, Content, Details, Event, Kind, Person, Recurrence, Role, Status,
};
use parom_calendar::ical::Line;
use parom_calendar::ical::values::escape;
use parom_calendar::{Frame, When, canonical_uid, label};
use parom_domain::agenda::Label;
use std::fmt;

/// Why an item is no event that can be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server told something without which it is not the same event.
    NotUnderstood(&'static str),
    NoUid,
    NoTime,
    EndBeforeStart,
    /// A series in a zone that nobody knows and that nothing defines.
    UnknownZone,
    /// An exception does not say which occurrence it is.
    NoOriginalStart,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::NotUnderstood(what) => what,
            Trouble::NoUid => "no UID",
            Trouble::NoTime => "no start or no end",
            Trouble::EndBeforeStart => "an end before the start",
            Trouble::UnknownZone => "a time zone that is not known",
            Trouble::NoOriginalStart => "an exception without its original start",
        })
    }
}

/// The event of a single item, or of a master with the items of its exceptions.
pub fn from_ews(master: &CalendarItem, exceptions: &[CalendarItem], context: &Context) -> Result<Event, Trouble> {
    let seen = as_seen(master, exceptions, context)?;
    Ok(match &master.residue {
        Some(packed) => stood_for(residue::completed(packed, &seen, context).unwrap_or(seen)),
        None => seen,
    })
}

/// By what people know an item that is perhaps no event that can be carried.
pub(crate) fn label(item: &CalendarItem, context: &Context) -> Label {
    let name = item.zones.as_deref().and_then(|names| names.split(';').next());
    let first = item.start.map(|start| {
        let home = context.home.clone().map_or(Frame::Utc, Frame::Zoned);
        let frame = zone_of(item.start_zone.as_ref(), name, start, context).unwrap_or_else(|| home.clone());
        if item.all_day { day(start, &frame, Some(&home)) } else { shown(start, &frame).date() }
    });
    label::of(&clean(&item.subject), item.sensitivity, first)
}

/// What Exchange itself holds of it.
pub(super) fn as_seen(master: &CalendarItem, exceptions: &[CalendarItem], context: &Context) -> Result<Event, Trouble> {
    if let Some(what) = master.trouble.or_else(|| exceptions.iter().find_map(|exception| exception.trouble)) {
        return Err(Trouble::NotUnderstood(what));
    }
    let uid = canonical_uid(&master.uid);
    if uid.is_empty() {
        return Err(Trouble::NoUid);
    }
    let details = details(master, context)?;
    let frame = details.start.frame();
    let mut event = Event::single(&uid, details);
    let Some(repeat) = &master.recurrence else { return Ok(event) };
    let start = event.frame_start();
    event.recurrence = Some(Recurrence { rule: Some(repeat.rule(start)), ..Recurrence::default() });
    let days = day_zone(master, context);
    for exception in exceptions {
        let original = exception.original_start.ok_or(Trouble::NoOriginalStart)?;
        let original = occurrence(&event, original, &frame, &days);
        event.exceptions.insert(original, self::details(exception, context)?);
    }
    for original in &master.deleted_occurrences {
        let original = occurrence(&event, *original, &frame, &days);
        // An exception says more than that the occurrence is not where it was.
        if !event.exceptions.contains_key(&original) {
            event.deleted.insert(original);
        }
    }
    Ok(event)
}

trait Starts {
    fn frame_start(&self) -> DateTime;
}

impl Starts for Event {
    fn frame_start(&self) -> DateTime {
        self.master().map_or(DateTime::MIN, |master| master.start.local())
    }
}

/// Which occurrence began then. Where the server's rules of the zone are not ours, or a clock was changed over it, the time of
/// day is not that of the series: then the only one of that day is meant, or the nearest within half a day.
fn occurrence(event: &Event, at: Timestamp, frame: &Frame, days: &Frame) -> DateTime {
    let local = match frame {
        Frame::Date => day(at, days, None).to_datetime(Time::midnight()),
        frame => shown(at, frame),
    };
    let Some(rule) = event.recurrence.as_ref().and_then(|recurrence| recurrence.rule.as_ref()) else { return local };
    let start = event.frame_start();
    let near: Vec<DateTime> = rule
        .occurrences(start)
        .skipping_to(local.date().saturating_sub(1.day()))
        .take_while(|other| other.date() <= local.date().saturating_add(1.day()))
        .filter(|other| other.duration_until(local).abs() <= SignedDuration::from_hours(12))
        .collect();
    let is_exact = near.contains(&local);
    let nearest =
        near.into_iter().min_by_key(|other| (other.date() != local.date(), other.duration_until(local).abs()));
    nearest.filter(|_| !is_exact).unwrap_or(local)
}

/// What a clock in the frame shows.
fn shown(at: Timestamp, frame: &Frame) -> DateTime {
    match frame {
        Frame::Zoned(zone) => zone.local(at),
        Frame::Utc | Frame::Date | Frame::Floating => Offset::UTC.to_datetime(at),
    }
}

/// The zone whose midnights are meant by whole days.
fn day_zone(item: &CalendarItem, context: &Context) -> Frame {
    let at = item.start.unwrap_or(Timestamp::UNIX_EPOCH);
    zone_of(item.start_zone.as_ref(), None, at, context).unwrap_or(Frame::Utc)
}

/// The date of a midnight: in the item's own zone, else in the owner's, else the nearest one.
fn day(at: Timestamp, zone: &Frame, home: Option<&Frame>) -> Date {
    let here = shown(at, zone);
    if here.time() == Time::midnight() {
        return here.date();
    }
    match home.map(|home| shown(at, home)) {
        Some(there) if there.time() == Time::midnight() => there.date(),
        _ => here.saturating_add(SignedDuration::from_hours(12)).date(),
    }
}

fn zone_of(seen: Option<&ZoneSeen>, name: Option<&str>, at: Timestamp, context: &Context) -> Option<Frame> {
    zones::frame(seen.filter(|zone| !zone.id.is_empty() || zone.definition.is_some())?, name, at, context)
}

fn times(item: &CalendarItem, context: &Context) -> Result<(When, When), Trouble> {
    let (Some(start), Some(end)) = (item.start, item.end) else { return Err(Trouble::NoTime) };
    if end < start {
        return Err(Trouble::EndBeforeStart);
    }
    let names = item.zones.as_deref().unwrap_or_default();
    let (start_name, end_name) = names.split_once(';').unwrap_or((names, names));
    let home = context.home.clone().map_or(Frame::Utc, Frame::Zoned);
    let of_start = zone_of(item.start_zone.as_ref(), Some(start_name), start, context);
    let of_end = zone_of(item.end_zone.as_ref(), Some(end_name), end, context);
    let frame = match (of_start, &of_end) {
        (Some(frame), _) => frame,
        // Teams leaves the start's empty.
        (None, Some(frame)) => frame.clone(),
        // Right for one moment, wrong for the next ones.
        (None, None) if item.recurrence.is_some() => return Err(Trouble::UnknownZone),
        (None, None) => home.clone(),
    };
    if item.all_day {
        let first = day(start, &frame, Some(&home));
        let after = day(end, of_end.as_ref().unwrap_or(&frame), Some(&home));
        let after = if after > first { after } else { first.tomorrow().map_err(|_| Trouble::NoTime)? };
        return Ok((When::Date(first), When::Date(after)));
    }
    let end_frame = of_end.unwrap_or_else(|| frame.clone());
    Ok((frame.at(shown(start, &frame)), end_frame.at(shown(end, &end_frame))))
}

fn details(item: &CalendarItem, context: &Context) -> Result<Details, Trouble> {
    let (start, end) = times(item, context)?;
    let mut details = Details::new(start, end);
    details.subject = clean(&item.subject);
    details.body = body(&item.body);
    details.location = clean(&item.location);
    details.busy = item.busy.unwrap_or(Busy::Busy);
    details.sensitivity = item.sensitivity;
    details.importance = item.importance;
    for category in &item.categories {
        let category = clean(category);
        if !details.categories.iter().any(|known| known.to_lowercase() == category.to_lowercase()) {
            details.categories.push(category);
        }
    }
    details.status = item.is_cancelled.then_some(Status::Cancelled);
    people(item, &mut details, context);
    details.alarms.extend(item.reminder.map(Alarm::reminder));
    details.online_meeting.clone_from(&item.join_url);
    for attachment in &item.attachments {
        carry(attachment, &mut details);
    }
    if item.body_left_out {
        details.extras.push(Line::new(BODY_LEFT_OUT, "TRUE"));
    }
    details.no_counter = item.no_counter;
    details.sequence = item.sequence;
    details.stamps.stamped = item.stamped;
    details.stamps.created = item.created;
    details.stamps.modified = item.modified;
    Ok(details)
}

fn body(body: &ItemBody) -> Body {
    match body {
        ItemBody::None => Body::default(),
        ItemBody::Text(text) => Body { text: clean(text), html: String::new() },
        ItemBody::Html(html) => {
            let (html, text) = (unwrapped(&clean(html)).to_owned(), html_to_text(html));
            // Outlook writes a page around nothing.
            let is_empty = text.trim().is_empty() && !html.to_ascii_lowercase().contains("<img");
            if is_empty { Body::default() } else { Body { text, html } }
        }
    }
}

/// Only meetings have an organizer: Exchange tells the owner for everything else.
fn people(item: &CalendarItem, details: &mut Details, context: &Context) {
    let roles = [
        (&item.required, Role::Required, Kind::Individual),
        (&item.optional, Role::Optional, Kind::Individual),
        (&item.resources, Role::NonParticipant, Kind::Resource),
    ];
    if !item.is_meeting && roles.iter().all(|(list, ..)| list.is_empty()) {
        return;
    }
    details.organizer = item.organizer.as_ref().map(person);
    let organizer = details.organizer.clone();
    let is_organizer = |person: &Person| organizer.as_ref().is_some_and(|organizer| organizer.is(person));
    let is_own = organizer.as_ref().is_none_or(|organizer| context.is_owner(organizer));
    for (list, role, kind) in roles {
        for AttendeeSeen { mailbox, response } in list {
            let person = person(mailbox);
            if is_organizer(&person) || details.attendees.iter().any(|known| known.person.is(&person)) {
                continue;
            }
            // In a copy the owner's own answer is told apart from the list.
            let answer = if !is_own && context.is_owner(&person) { item.my_response } else { *response };
            let rsvp = item.response_requested && answer == Answer::NeedsAction;
            details.attendees.push(Attendee { person, role, kind, answer, rsvp });
        }
    }
    // Who was invited by way of a group is not in the list, and answers all the same.
    if !is_own && !details.attendees.iter().any(|attendee| context.is_owner(&attendee.person)) {
        let address = context.owner.first().map(String::as_str).unwrap_or_default();
        let answer = item.my_response;
        let rsvp = item.response_requested && answer == Answer::NeedsAction;
        details.attendees.push(Attendee { answer, rsvp, ..Attendee::new(address, "") });
    }
}

/// Who has no name is called by the address.
fn person(mailbox: &Mailbox) -> Person {
    let (address, name) = (clean(&mailbox.address), clean(&mailbox.name));
    let is_name = !name.eq_ignore_ascii_case(&address);
    Person::new(&address, if is_name { &name } else { "" })
}

fn carry(attachment: &AttachmentSeen, details: &mut Details) {
    let name = clean(&attachment.name);
    match &attachment.content {
        Some(content) => {
            let media_type = match (attachment.content_type.as_str(), attachment.is_file) {
                ("", true) => String::new(),
                (told, true) => clean(told),
                (_, false) => "message/rfc822".to_owned(),
            };
            let content = Content::Inline(content.clone());
            details.attachments.push(Attachment { name, media_type, content, params: Vec::new() });
        }
        // INVARIANT: what is not carried is told.
        None => {
            details.extras.push(Line::new(ATTACHMENT_LEFT_OUT, escape(&name)).with("SIZE", attachment.size.to_string()))
        }
    }
}
