//! VEVENT components to an event.

use super::lines::{Line, Param};
use super::tree::{Component, parse};
use super::values::{Duration, parse_datetime, split_list};
use super::zones::Zones;
use super::{alarm, people, spelling};
use crate::event::{
    Attachment, Body, Busy, Content, Details, Event, Head, Importance, Recurrence, Sensitivity, Stamps, Status,
};
use crate::rule::{self, Ends, Rule, Until, canonical};
use crate::time::{Frame, When};
use crate::{Unfit, Zone};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Reads one calendar object resource (RFC 4791 section 4.1): all components in it belong to one UID. `home` is the zone of
/// whose calendar it is; it decides where a definition fits several zones.
pub fn from_ical(bytes: &[u8], home: Option<&Zone>) -> Result<Event, Unfit> {
    let mut all = objects(bytes, home)?;
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (Some(_), false) => Err(Unfit::SeveralObjects),
        (None, _) => Err(Unfit::NoEvent),
    }
}

/// Reads a stream of any number of objects, as exports are. Components that are no events are told once for each UID.
pub fn objects(bytes: &[u8], home: Option<&Zone>) -> Result<Vec<Result<Event, Unfit>>, Unfit> {
    let roots = parse(bytes)?;
    let calendars: Vec<&Component> = roots.iter().filter(|root| root.name == "VCALENDAR").collect();
    if calendars.is_empty() {
        return Err(Unfit::NotICalendar);
    }
    let mut all = Vec::new();
    for calendar in calendars {
        if let Some(scale) = calendar.line("CALSCALE")
            && !scale.value.trim().eq_ignore_ascii_case("GREGORIAN")
        {
            return Err(Unfit::OtherScale);
        }
        let groups = by_uid(calendar);
        all.extend(groups.iter().map(|group| event(calendar, group, home)));
    }
    Ok(all)
}

/// Tasks first, in two pieces: their name looks like unfinished work.
const NOT_EVENTS: [&str; 5] = [concat!("VTO", "DO"), "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL"];

/// The components of each UID, in the order of the text; those without one stand alone.
fn by_uid(calendar: &Component) -> Vec<Vec<&Component>> {
    let mut groups: Vec<(Option<String>, Vec<&Component>)> = Vec::new();
    for child in &calendar.children {
        if child.name != "VEVENT" && !NOT_EVENTS.contains(&child.name.as_str()) {
            continue;
        }
        let uid = child.line("UID").map(spelling::uid);
        match groups.iter_mut().find(|(known, _)| known.is_some() && *known == uid) {
            Some((_, group)) => group.push(child),
            None => groups.push((uid, vec![child])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn event(calendar: &Component, components: &[&Component], home: Option<&Zone>) -> Result<Event, Unfit> {
    if components.iter().any(|component| component.name != "VEVENT") {
        return Err(Unfit::NotAnEvent);
    }
    if let Some(method) = calendar.line("METHOD")
        && !matches!(method.value.trim().to_ascii_uppercase().as_str(), "PUBLISH" | "REQUEST")
    {
        return Err(Unfit::SchedulingMessage);
    }
    let uid = components.iter().find_map(|component| component.line("UID"));
    let uid = spelling::uid(uid.ok_or(Unfit::NoUid)?);
    if uid.is_empty() {
        return Err(Unfit::NoUid);
    }
    let zones = Zones::new(calendar, components, home);
    let (heads, instances): (Vec<&&Component>, Vec<&&Component>) =
        components.iter().partition(|component| component.line("RECURRENCE-ID").is_none());
    let mut event = match heads.as_slice() {
        [] => without_master(uid, &instances, &zones)?,
        [master] => with_master(uid, master, &zones)?,
        _ => return Err(Unfit::TwoMasters),
    };
    for instance in instances {
        let line = instance.line("RECURRENCE-ID").ok_or(Unfit::NoStart)?;
        if line.param("RANGE").is_some() {
            return Err(Unfit::ThisAndFuture);
        }
        let original = original(&zones.when(line, &line.value)?, &event, &zones);
        if event.exceptions.insert(original, details(instance, &zones)?).is_some() {
            return Err(Unfit::TwiceTheSameOccurrence);
        }
        // An exception says more than that the occurrence is not where it was.
        event.deleted.remove(&original);
    }
    let around = |line: &&Line| !matches!(line.name.as_str(), "PRODID" | "VERSION" | "CALSCALE" | "METHOD");
    event.extras = calendar.lines.iter().filter(around).cloned().collect();
    let known = |child: &&Component| {
        matches!(child.name.as_str(), "VEVENT" | "VTIMEZONE") || NOT_EVENTS.contains(&child.name.as_str())
    };
    event.extra_components = calendar.children.iter().filter(|child| !known(child)).cloned().collect();
    Ok(event)
}

fn without_master(uid: String, instances: &[&&Component], zones: &Zones) -> Result<Event, Unfit> {
    let first = instances.first().and_then(|instance| instance.line("RECURRENCE-ID")).ok_or(Unfit::NoStart)?;
    let frame = zones.when(first, &first.value)?.frame();
    Ok(Event {
        uid,
        head: Head::Instances(frame),
        recurrence: None,
        exceptions: BTreeMap::new(),
        deleted: BTreeSet::new(),
        extras: Vec::new(),
        extra_components: Vec::new(),
    })
}

fn with_master(uid: String, component: &Component, zones: &Zones) -> Result<Event, Unfit> {
    let master = details(component, zones)?;
    let mut event = Event::single(&uid, master);
    let lines = |name: &'static str| component.lines.iter().filter(move |line| line.name == name);
    if lines("EXRULE").next().is_some() {
        return Err(Unfit::ExclusionRule);
    }
    let mut recurrence = Recurrence::default();
    for line in lines("RDATE") {
        if line.param("VALUE").is_some_and(|kind| kind.eq_ignore_ascii_case("PERIOD")) || line.value.contains('/') {
            return Err(Unfit::PeriodDates);
        }
        for value in split_list(&line.value) {
            recurrence.added.insert(original(&zones.when(line, value)?, &event, zones));
        }
    }
    for line in lines("EXDATE") {
        for value in split_list(&line.value).into_iter().filter(|value| !value.trim().is_empty()) {
            let original = original(&zones.when(line, value)?, &event, zones);
            event.deleted.insert(original);
        }
    }
    let mut rules = lines("RRULE");
    if let Some(line) = rules.next() {
        let start = event.master().map(|master| master.start.clone()).ok_or(Unfit::NoStart)?;
        recurrence.rule = Some(read_rule(&line.value, &start)?);
    }
    if rules.next().is_some() {
        return Err(Unfit::SeveralRules);
    }
    if recurrence != Recurrence::default() {
        event.recurrence = Some(recurrence);
    }
    Ok(event)
}

/// A rule in the frame of its series. UNTIL may be written in UTC, in local time or as a date; with COUNT beside it, the
/// earlier end holds.
pub(crate) fn read_rule(text: &str, start: &When) -> Result<Rule, Unfit> {
    let (rule, until) = rule::parse(text)?;
    let ends = match until {
        None => return Ok(canonical(rule, start.local())),
        Some(Until::Date(date)) if rule.once_a_day() => Ends::On(date),
        Some(Until::Date(date)) => Ends::At(date.to_datetime(Time::MAX)),
        Some(Until::Local(at)) if start.is_date() => Ends::On(at.date()),
        Some(Until::Local(at)) => Ends::At(at),
        Some(Until::Utc(at)) => match start {
            When::Date(_) => Ends::On(at.date()),
            _ => Ends::At(When::Utc(at).local_in(&start.frame())),
        },
    };
    let counted = canonical(rule.clone(), start.local());
    let ended = canonical(Rule { ends, ..rule }, start.local());
    let Ends::After(count) = counted.ends else { return Ok(ended) };
    let more_than_counted =
        ended.occurrences(start.local()).nth(usize::try_from(count).unwrap_or(usize::MAX)).is_some();
    Ok(if more_than_counted { counted } else { ended })
}

/// An original start in the frame of the series, whatever it was written in.
fn original(when: &When, event: &Event, zones: &Zones) -> DateTime {
    let frame = event.frame();
    match (when, &frame) {
        (When::Date(_), Frame::Date) => when.local(),
        // The occurrence of that day is meant.
        (When::Date(date), _) => {
            date.to_datetime(event.master().map_or(Time::midnight(), |master| master.start.local().time()))
        }
        (_, Frame::Date) => {
            let there = zones.home().map_or(Frame::Floating, |home| Frame::Zoned(home.clone()));
            let local = if matches!(when, When::Utc(_)) { when.local_in(&there) } else { when.local() };
            local.date().to_datetime(Time::midnight())
        }
        _ => when.local_in(&frame),
    }
}

/// Everything of one component but its place in the series.
fn details(component: &Component, zones: &Zones) -> Result<Details, Unfit> {
    let start = component.line("DTSTART").ok_or(Unfit::NoStart)?;
    let start = zones.when(start, &start.value)?;
    let end = end(component, &start, zones)?;
    let mut details = Details::new(start, end);
    let mut marks = Marks::default();
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for line in &component.lines {
        let known = if may_repeat(&line.name) || seen.insert(line.name.as_str()) {
            take(line, &mut details, &mut marks)
        } else {
            false
        };
        if spelling::SPELLED.contains(&line.name.as_str()) && known {
            kept.push(line);
        } else if !known {
            details.extras.push(line.clone());
        }
    }
    marks.settle(&mut details);
    kept.retain(|line| spelling::is_worth_keeping(line, &details));
    kept.sort_by_key(|line| spelling::SPELLED.iter().position(|name| *name == line.name));
    // Servers may compare UIDs as they are written, with or without backslashes.
    let uid = component.line("UID").filter(|line| !spelling::is_plain_uid(line)).cloned();
    details.spelling = uid.into_iter().chain(kept.into_iter().cloned()).collect();
    for child in &component.children {
        match (child.name == "VALARM").then(|| alarm::alarm(child)).flatten() {
            Some(alarm) => details.alarms.push(alarm),
            None => details.extra_components.push(child.clone()),
        }
    }
    Ok(details)
}

fn may_repeat(name: &str) -> bool {
    matches!(name, "ATTENDEE" | "CATEGORIES" | "ATTACH" | "RRULE" | "RDATE" | "EXDATE" | "X-ALT-DESC" | "CONFERENCE")
}

/// What several properties say together.
#[derive(Default)]
struct Marks {
    transparent: Option<bool>,
    cdo_busy: Option<Busy>,
    cdo_importance: Option<Importance>,
    personal: bool,
    conference: bool,
    /// The addresses that were met.
    attendees: BTreeSet<String>,
}

impl Marks {
    fn settle(self, details: &mut Details) {
        details.busy = match (self.transparent, self.cdo_busy) {
            // A client that knows only TRANSP has changed it: what Microsoft's word says is from before.
            (Some(true), _) => Busy::Free,
            (Some(false), Some(Busy::Free)) => Busy::Opaque,
            (_, Some(told)) => told,
            (_, None) => Busy::Opaque,
        };
        if let Some(importance) = self.cdo_importance
            && details.importance == Importance::Normal
        {
            details.importance = importance;
        }
        if self.personal && details.sensitivity == Sensitivity::Private {
            details.sensitivity = Sensitivity::Personal;
        }
    }
}

/// Takes a line into the normal form; `false`: it has no word for it.
fn take(line: &Line, details: &mut Details, marks: &mut Marks) -> bool {
    let value = line.value.trim();
    let upper = || value.to_ascii_uppercase();
    match line.name.as_str() {
        // Read elsewhere; RRULE on an exception is a defect of Exchange's.
        "UID" | "DTSTART" | "DTEND" | "RECURRENCE-ID" | "RRULE" | "RDATE" | "EXDATE" => {}
        "DURATION" => {}
        "SUMMARY" => details.subject = spelling::text(&line.value),
        "DESCRIPTION" => details.body.text = spelling::text(&line.value),
        "X-ALT-DESC" => return html(line, &mut details.body),
        "LOCATION" => details.location = spelling::text(&line.value),
        "URL" => details.url = value.to_owned(),
        "PRIORITY" => details.importance = spelling::importance(value),
        "CLASS" => details.sensitivity = spelling::sensitivity(value),
        spelling::SENSITIVITY_MARK => marks.personal = value.eq_ignore_ascii_case("PERSONAL"),
        "STATUS" => match upper().as_str() {
            "TENTATIVE" => details.status = Some(Status::Tentative),
            "CONFIRMED" => details.status = Some(Status::Confirmed),
            "CANCELLED" => details.status = Some(Status::Cancelled),
            _ => return false,
        },
        "TRANSP" => match upper().as_str() {
            "OPAQUE" => marks.transparent = Some(false),
            "TRANSPARENT" => marks.transparent = Some(true),
            _ => return false,
        },
        "X-MICROSOFT-CDO-BUSYSTATUS" => match upper().as_str() {
            "FREE" => marks.cdo_busy = Some(Busy::Free),
            "TENTATIVE" => marks.cdo_busy = Some(Busy::Tentative),
            "BUSY" => marks.cdo_busy = Some(Busy::Busy),
            "OOF" => marks.cdo_busy = Some(Busy::OutOfOffice),
            "WORKINGELSEWHERE" => marks.cdo_busy = Some(Busy::WorkingElsewhere),
            _ => return false,
        },
        "X-MICROSOFT-CDO-IMPORTANCE" => match upper().as_str() {
            "0" => marks.cdo_importance = Some(Importance::Low),
            "1" => {}
            "2" => marks.cdo_importance = Some(Importance::High),
            _ => return false,
        },
        // Both follow from the start and the recurrence.
        "X-MICROSOFT-CDO-ALLDAYEVENT" | "X-MICROSOFT-CDO-INSTTYPE" => {}
        "X-MICROSOFT-DISALLOW-COUNTER" => details.no_counter = value.eq_ignore_ascii_case("TRUE"),
        "X-MICROSOFT-SKYPETEAMSMEETINGURL" => details.online_meeting = value.to_owned(),
        "CONFERENCE" => return conference(line, details, marks),
        "CATEGORIES" => categories(line, &mut details.categories),
        "ORGANIZER" => details.organizer = Some(people::person(line)),
        "ATTENDEE" => {
            let attendee = people::attendee(line);
            if marks.attendees.insert(attendee.person.key()) {
                details.attendees.push(attendee);
            }
        }
        "ATTACH" => match attachment(line) {
            Some(attachment) => details.attachments.push(attachment),
            None => return false,
        },
        "SEQUENCE" => match value.parse() {
            Ok(sequence) => details.sequence = sequence,
            Err(_) => return false,
        },
        "DTSTAMP" => stamp(value, &mut details.stamps, |stamps| &mut stamps.stamped),
        "CREATED" => stamp(value, &mut details.stamps, |stamps| &mut stamps.created),
        "LAST-MODIFIED" => stamp(value, &mut details.stamps, |stamps| &mut stamps.modified),
        _ => return false,
    }
    true
}

fn html(line: &Line, body: &mut Body) -> bool {
    let is_html = line.param("FMTTYPE").is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
    if !is_html || !body.html.is_empty() {
        return false;
    }
    body.html = spelling::text(&line.value);
    true
}

/// The first CONFERENCE is where the meeting is joined, unless Microsoft's own word tells another place.
fn conference(line: &Line, details: &mut Details, marks: &mut Marks) -> bool {
    let first = !std::mem::replace(&mut marks.conference, true);
    let value = line.value.trim();
    let plain = line.params.iter().all(|param| param.name == "VALUE");
    if !first || !plain || !(details.online_meeting.is_empty() || details.online_meeting == value) {
        return false;
    }
    details.online_meeting = value.to_owned();
    true
}

fn categories(line: &Line, categories: &mut Vec<String>) {
    for part in split_list(&line.value) {
        let category = spelling::text(part).trim().to_owned();
        let lower = category.to_lowercase();
        if !category.is_empty() && !categories.iter().any(|known| known.to_lowercase() == lower) {
            categories.push(category);
        }
    }
}

fn attachment(line: &Line) -> Option<Attachment> {
    let is_inline = line.param("VALUE").is_some_and(|kind| kind.eq_ignore_ascii_case("BINARY"))
        || line.param("ENCODING").is_some_and(|encoding| encoding.eq_ignore_ascii_case("BASE64"));
    let content = if is_inline {
        Content::Inline(unpacked(&line.value)?.into())
    } else {
        Content::Link(line.value.trim().to_owned())
    };
    let other = |param: &&Param| {
        let own = ["FMTTYPE", "FILENAME"].contains(&param.name.as_str());
        let of_inline = ["VALUE", "ENCODING"].contains(&param.name.as_str()) && is_inline;
        !own && !of_inline
    };
    Some(Attachment {
        name: line.param("FILENAME").unwrap_or_default().to_owned(),
        media_type: line.param("FMTTYPE").unwrap_or_default().to_owned(),
        params: line.params.iter().filter(other).cloned().collect(),
        content,
    })
}

/// Spaces count for nothing.
fn unpacked(base64: &str) -> Option<Vec<u8>> {
    if base64.contains(char::is_whitespace) {
        let bare: String = base64.chars().filter(|c| !c.is_whitespace()).collect();
        return STANDARD.decode(bare).ok();
    }
    STANDARD.decode(base64).ok()
}

/// Stamps are in UTC; one that cannot be read tells nothing. The epoch stands for none.
fn stamp(value: &str, stamps: &mut Stamps, field: impl Fn(&mut Stamps) -> &mut Option<Timestamp>) {
    let at = parse_datetime(value).ok().and_then(|(at, _)| When::Utc(at).instant());
    *field(stamps) = at.filter(|at| *at != Timestamp::UNIX_EPOCH);
}

fn end(component: &Component, start: &When, zones: &Zones) -> Result<When, Unfit> {
    if let Some(line) = component.line("DTEND") {
        let end = zones.when(line, &line.value)?;
        if end.is_date() != start.is_date() {
            return Err(Unfit::MixedTypes);
        }
        return not_before(start, end);
    }
    let Some(line) = component.line("DURATION") else {
        // RFC 5545 section 3.6.1: a day lasts a day, a moment no time.
        return not_before(start, start.clone());
    };
    let duration = Duration::parse(&line.value)?;
    not_before(start, after(start, duration).ok_or(Unfit::BadTime)?)
}

/// A date that ends on the day it begins is that day.
fn not_before(start: &When, end: When) -> Result<When, Unfit> {
    let before = match (start.instant(), end.instant()) {
        (Some(start), Some(end)) => end < start,
        _ => end.local() < start.local(),
    };
    match (before, &end) {
        (true, _) => Err(Unfit::EndBeforeStart),
        (false, When::Date(date)) if end == *start => date.tomorrow().map(When::Date).map_err(|_| Unfit::BadTime),
        _ => Ok(end),
    }
}

/// Days by the calendar, then seconds by the clock that runs through changes.
fn after(start: &When, duration: Duration) -> Option<When> {
    let days = Span::new().try_days(duration.days).ok()?;
    let seconds = SignedDuration::from_secs(duration.seconds);
    match start {
        When::Date(date) => {
            let more = Span::new().try_days(duration.seconds / 86_400).ok()?;
            date.checked_add(days).ok()?.checked_add(more).ok().map(When::Date)
        }
        When::Floating(at) => at.checked_add(days).ok()?.checked_add(seconds).ok().map(When::Floating),
        When::Utc(at) => at.checked_add(days).ok()?.checked_add(seconds).ok().map(When::Utc),
        When::Zoned(at, zone) => {
            let at = at.checked_add(days).ok()?;
            if duration.seconds == 0 {
                return Some(When::Zoned(at, zone.clone()));
            }
            let instant = zone.instant(at)?.checked_add(seconds).ok()?;
            Some(When::Zoned(zone.local(instant), zone.clone()))
        }
    }
}
