//! An event to items.

use super::from_ews::as_seen;
use super::instance::stand_in;
use super::residue;
use super::{ATTACHMENT_LEFT_OUT, BODY_LEFT_OUT, Context, clean, zones};
use crate::item::{AttachmentSeen, AttendeeSeen, CalendarItem, ItemBody, ItemKind, Mailbox, ZoneSeen};
use crate::version::Feature;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use parom_calendar::event::{Answer, Attendee, Busy, Content, Details, Event, Kind, Role};
use parom_calendar::ladder::{self, NoPlan};
use parom_calendar::pattern::Repeat;
use parom_calendar::{EventHash, Frame, When, Zone};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What Exchange gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub master: CalendarItem,
    /// By their original starts, each with its number in the series, from 1 on.
    pub exceptions: BTreeMap<DateTime, CalendarItem>,
    pub deleted: BTreeSet<DateTime>,
    /// The occurrences of Exchange's series, where there is one: what they are numbered by.
    pub series: Option<Repeat>,
    /// The frame in which original starts are told.
    pub frame: Frame,
    pub start: DateTime,
}

/// Why an event has no place in Exchange. Each is a key of a sentence in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoPlace {
    Series(NoPlan),
    /// Some occurrences would have to be events of their own.
    Apart,
    /// An exception of an occurrence that the series does not have.
    StrayException,
    /// An exception passes its neighbour, overlaps it or shares a day with it.
    Crossing,
    /// Nothing takes place any more.
    NoOccurrence,
    /// There is nothing but exceptions, and more than one.
    InstancesOnly,
    /// A series in a zone that Windows does not have.
    Zone,
    /// A series in a zone that Windows has, and this server does not: it lacks updates.
    ServersZone,
    /// Before 1601-04-01 or after 4500-08-31.
    OutOfRange,
    /// Longer than five years.
    TooLong,
    /// More than fits beside the item.
    ResidueTooLarge,
}

impl NoPlace {
    pub const ALL: [NoPlace; 13] = [
        NoPlace::Series(NoPlan::TooMany),
        NoPlace::Series(NoPlan::OutsideWindow),
        NoPlace::Series(NoPlan::OutOfRange),
        NoPlace::Apart,
        NoPlace::StrayException,
        NoPlace::Crossing,
        NoPlace::NoOccurrence,
        NoPlace::InstancesOnly,
        NoPlace::Zone,
        NoPlace::ServersZone,
        NoPlace::OutOfRange,
        NoPlace::TooLong,
        NoPlace::ResidueTooLarge,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NoPlace::Series(plan) => plan.as_str(),
            NoPlace::Apart => "series-apart",
            NoPlace::StrayException => "stray-exception",
            NoPlace::Crossing => "exception-crossing",
            NoPlace::NoOccurrence => "no-occurrence",
            NoPlace::InstancesOnly => "instances-only",
            NoPlace::Zone => "zone-unknown-to-windows",
            NoPlace::ServersZone => "zone-unknown-to-server",
            NoPlace::OutOfRange => "out-of-range",
            NoPlace::TooLong => "too-long",
            NoPlace::ResidueTooLarge => "too-much-beside",
        }
    }
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What Exchange takes of a subject and of a location, in characters.
const LONGEST_LINE: usize = 255;
/// ReminderMinutesBeforeStartType.
const MOST_MINUTES: u32 = 2_629_800;
const EARLIEST: Date = Date::constant(1601, 4, 1);
const LATEST: Date = Date::constant(4500, 8, 31);
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365 * 5);

/// The items that make an event on Exchange, with a residue of what they cannot say.
pub fn to_ews(event: &Event, context: &Context) -> Result<Draft, NoPlace> {
    let event = stand_in(without_left_out(event));
    let mut draft = plain(&event, context)?;
    let seen = shown(&draft, &event, context).ok_or(NoPlace::OutOfRange)?;
    if EventHash::of(&seen) != EventHash::of(&event) {
        draft.master.residue = Some(residue::packed(&event, &seen).ok_or(NoPlace::ResidueTooLarge)?);
    }
    Ok(draft)
}

/// What was left out on the way from Exchange is still there, and no words of the event.
fn without_left_out(event: &Event) -> Event {
    let mut event = event.clone();
    let plain = |details: &mut Details| {
        details.extras.retain(|line| line.name != ATTACHMENT_LEFT_OUT && line.name != BODY_LEFT_OUT);
    };
    if let Some(master) = event.master_mut() {
        plain(master);
    }
    event.exceptions.values_mut().for_each(plain);
    event
}

/// What a look at Exchange would show of it, without a residue.
pub(super) fn shown(draft: &Draft, event: &Event, context: &Context) -> Option<Event> {
    let mut master = draft.master.clone();
    master.kind = if draft.series.is_some() { ItemKind::Master } else { ItemKind::Single };
    let organizer_of = |details: &Details| {
        let told = details.organizer.as_ref();
        let (address, name) = match told {
            Some(person) => (person.address.clone(), clean(&person.name).trim().to_owned()),
            None => (context.owner.first().cloned().unwrap_or_default(), String::new()),
        };
        Some(Mailbox { name, address, routing: "SMTP".into() })
    };
    master.organizer = event.master().and_then(organizer_of);
    master.deleted_occurrences = draft.deleted.iter().map(|at| draft.instant(*at, context)).collect::<Option<_>>()?;
    let exceptions = draft.exceptions.iter().map(|(original, item)| {
        let original_start = Some(draft.instant(*original, context)?);
        let organizer = event.exceptions.get(original).and_then(organizer_of);
        Some(CalendarItem { kind: ItemKind::Exception, original_start, organizer, ..item.clone() })
    });
    let exceptions: Vec<CalendarItem> = exceptions.collect::<Option<_>>()?;
    let mut seen = as_seen(&master, &exceptions, context).ok()?;
    // What somebody has changed and when is no part of what it is.
    seen.uid.clone_from(&event.uid);
    Some(seen)
}

impl Draft {
    /// When an occurrence would begin.
    #[must_use]
    pub fn instant(&self, original: DateTime, context: &Context) -> Option<Timestamp> {
        place(&self.frame.at(original), context).map(|place| place.at)
    }

    /// The number of an occurrence, from 1 on; those that are deleted count.
    #[must_use]
    pub fn index_of(&self, original: DateTime) -> Option<u32> {
        let rule = self.series.as_ref()?.rule(self.start);
        let before = rule.occurrences(self.start).take_while(|at| *at <= original);
        let (index, last) = before.enumerate().last()?;
        (last == original).then(|| u32::try_from(index + 1).ok()).flatten()
    }

    /// The item that an occurrence is as long as it is no exception.
    #[must_use]
    pub fn occurrence(&self, original: DateTime, context: &Context) -> Option<CalendarItem> {
        let start = self.instant(original, context)?;
        let (first, end) = (self.master.start?, self.master.end?);
        let end = if self.frame == Frame::Date {
            // So many days, whatever the clocks do.
            let (home, _) = zones::home(context);
            let days = local(end, home.as_ref()).duration_until(local(first, home.as_ref()));
            let after = original.checked_sub(days).ok()?;
            place(&When::Date(after.date()), context)?.at
        } else {
            start.checked_add(first.duration_until(end)).ok()?
        };
        let mut item = self.master.clone();
        (item.start, item.end) = (Some(start), Some(end));
        (item.recurrence, item.residue) = (None, None);
        (item.uid, item.attachments) = (String::new(), Vec::new());
        Some(item)
    }
}

pub(super) fn plain(event: &Event, context: &Context) -> Result<Draft, NoPlace> {
    let master = event.master().ok_or(NoPlace::InstancesOnly)?;
    let start = master.start.local();
    let mut draft = Draft {
        master: item(master, event.recurrence.is_some(), context)?,
        exceptions: BTreeMap::new(),
        deleted: BTreeSet::new(),
        series: None,
        frame: master.start.frame(),
        start,
    };
    draft.master.uid.clone_from(&event.uid);
    let Some(recurrence) = &event.recurrence else {
        return if event.exceptions.is_empty() { Ok(draft) } else { Err(NoPlace::StrayException) };
    };
    let window = (start.date(), start.date());
    let plan = ladder::plan(start, recurrence, master.length(), window).map_err(NoPlace::Series)?;
    let Some(repeat) = plan.series.filter(|_| plan.apart.is_empty() && plan.complete) else {
        return Err(NoPlace::Apart);
    };
    let rule = repeat.rule(start);
    let is_in = |at: DateTime| rule.occurrences(start).skipping_to(at.date()).find(|other| *other >= at) == Some(at);
    draft.deleted.extend(event.deleted.iter().chain(&plan.deleted).copied().filter(|at| is_in(*at)));
    for (original, details) in &event.exceptions {
        if !is_in(*original) {
            return Err(NoPlace::StrayException);
        }
        let mut exception = item(details, true, context)?;
        // A series has one zone for all; what differs is told beside the master.
        exception.zones = exception.zones.filter(|zones| Some(zones) != draft.master.zones.as_ref());
        draft.exceptions.insert(*original, exception);
    }
    let takes_place = rule.occurrences(start).take(draft.deleted.len() + 1).any(|at| !draft.deleted.contains(&at));
    if !takes_place {
        return Err(NoPlace::NoOccurrence);
    }
    draft.master.recurrence = Some(repeat.clone());
    draft.series = Some(repeat);
    if crosses(&draft, context) { Err(NoPlace::Crossing) } else { Ok(draft) }
}

/// Does an exception pass its neighbour, overlap it or share a day with it? Exchange keeps the occurrences in their order
/// ([MS-OXOCAL] 2.2.1.44.2), and would refuse it when the series is already made.
fn crosses(draft: &Draft, context: &Context) -> bool {
    let (Some(series), Some(last)) = (&draft.series, draft.exceptions.keys().last()) else { return false };
    let rule = series.rule(draft.start);
    let (home, _) = zones::home(context);
    let day = |at: Timestamp| match &draft.frame {
        Frame::Zoned(zone) => zone.local(at).date(),
        Frame::Utc => local(at, None).date(),
        Frame::Date | Frame::Floating => local(at, home.as_ref()).date(),
    };
    let mut before: Option<(Timestamp, Timestamp, bool)> = None;
    for original in rule.occurrences(draft.start).filter(|original| !draft.deleted.contains(original)) {
        let exception = draft.exceptions.get(&original);
        let item = exception.cloned().or_else(|| draft.occurrence(original, context));
        let Some((start, end)) = item.and_then(|item| item.start.zip(item.end)) else { return true };
        let is_exception = exception.is_some();
        if let Some((earlier, until, was_exception)) = before
            && (is_exception || was_exception)
            && (day(start) <= day(earlier) || until > start)
        {
            return true;
        }
        if original > *last {
            return false;
        }
        before = Some((start, end, is_exception));
    }
    false
}

/// A moment, the Windows id of its clock, and the clock's own name where that says more.
struct Place {
    at: Timestamp,
    zone: &'static str,
    name: Option<String>,
    /// Why the clock is not the event's.
    foreign: Option<NoPlace>,
}

fn place(when: &When, context: &Context) -> Option<Place> {
    let (home, home_id) = zones::home(context);
    let at_home = |local: DateTime| {
        let at = match &home {
            Some(zone) => zone.instant(local)?,
            None => Offset::UTC.to_timestamp(local).ok()?,
        };
        Some(Place { at, zone: home_id, name: None, foreign: None })
    };
    match when {
        When::Date(date) => at_home(date.to_datetime(Time::midnight())),
        When::Floating(local) => at_home(*local),
        When::Utc(_) => Some(Place { at: when.instant()?, zone: "UTC", name: None, foreign: None }),
        When::Zoned(_, zone) => {
            let at = when.instant()?;
            Some(match zones::id_of(zone, context) {
                Ok((zone, name)) => Place { at, zone, name, foreign: None },
                Err(reason) => Place { at, zone: "UTC", name: None, foreign: Some(reason) },
            })
        }
    }
}

fn local(at: Timestamp, zone: Option<&Zone>) -> DateTime {
    zone.map_or_else(|| Offset::UTC.to_datetime(at), |zone| zone.local(at))
}

fn item(details: &Details, in_series: bool, context: &Context) -> Result<CalendarItem, NoPlace> {
    let days = [details.start.local().date(), details.end.local().date()];
    if days.iter().any(|day| !(EARLIEST..=LATEST).contains(day)) {
        return Err(NoPlace::OutOfRange);
    }
    if details.length() > LONGEST {
        return Err(NoPlace::TooLong);
    }
    let start = place(&details.start, context).ok_or(NoPlace::OutOfRange)?;
    let end = place(&details.end, context).ok_or(NoPlace::OutOfRange)?;
    if let Some(reason) = start.foreign.filter(|_| in_series) {
        return Err(reason);
    }
    let zones = match (start.name, end.name) {
        (None, None) => None,
        (start, end) => Some(format!("{};{}", start.unwrap_or_default(), end.unwrap_or_default())),
    };
    let busy = match details.shown_busy() {
        Busy::WorkingElsewhere if !context.version.knows(Feature::WorkingElsewhere) => Busy::Busy,
        shown => shown,
    };
    let mut item = CalendarItem {
        subject: clipped(&details.subject),
        sensitivity: details.sensitivity,
        body: match (details.body.html.trim().is_empty(), details.body.text.is_empty()) {
            (false, _) => ItemBody::Html(details.body.html.clone()),
            (true, false) => ItemBody::Text(details.body.text.clone()),
            (true, true) => ItemBody::None,
        },
        attachments: details.attachments.iter().filter_map(file).collect(),
        categories: details.categories.clone(),
        importance: details.importance,
        reminder: details.reminder_minutes().filter(|minutes| *minutes <= MOST_MINUTES),
        zones,
        start: Some(start.at),
        end: Some(end.at),
        all_day: details.is_all_day(),
        busy: Some(busy),
        location: clipped(&details.location),
        start_zone: Some(ZoneSeen::known(start.zone)),
        end_zone: Some(ZoneSeen::known(end.zone)),
        no_counter: details.no_counter,
        ..CalendarItem::default()
    };
    // Exchange makes the owner the organizer of whatever is created. Who only takes part must not become one: deleting the
    // event in Outlook would cancel it for everybody.
    if details.organizer.as_ref().is_none_or(|organizer| context.is_owner(organizer)) {
        attend(details, &mut item, context);
    }
    Ok(item)
}

fn attend(details: &Details, item: &mut CalendarItem, context: &Context) {
    for Attendee { person, role, kind, rsvp, .. } in &details.attendees {
        let is_mail =
            person.address.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
        if !is_mail || person.address.contains(':') || context.is_owner(person) {
            continue;
        }
        let name = clean(&person.name).trim().to_owned();
        let mailbox = Mailbox { name, address: person.address.trim().to_owned(), routing: "SMTP".into() };
        let list = match (kind, role) {
            (Kind::Resource | Kind::Room, _) => &mut item.resources,
            (_, Role::Optional | Role::NonParticipant) => &mut item.optional,
            (_, Role::Required | Role::Chair) => &mut item.required,
        };
        list.push(AttendeeSeen { mailbox, response: Answer::NeedsAction });
        item.response_requested |= *rsvp;
    }
}

fn clipped(text: &str) -> String {
    clean(text).chars().take(LONGEST_LINE).collect()
}

fn file(attachment: &parom_calendar::event::Attachment) -> Option<AttachmentSeen> {
    let Content::Inline(bytes) = &attachment.content else { return None };
    let name = if attachment.name.is_empty() { "attachment" } else { &attachment.name };
    Some(AttachmentSeen {
        id: String::new(),
        name: clean(name),
        content_type: clean(&attachment.media_type),
        size: bytes.len() as u64,
        is_file: true,
        content: Some(bytes.clone()),
    })
}
