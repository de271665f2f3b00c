//! How an event comes to be and changes, whoever asks: a client by EWS or a person in Outlook.

use super::draft::Draft;
use super::goid;
use super::item::{Item, Part, Person, Series};
use super::soap::{Refusal, refuse};
use super::store::{State, no_folder, no_item};
use super::time::{DAY_S, Date};
use super::xml::tt;
use super::zones::Zone;
use std::collections::{BTreeMap, BTreeSet};

/// Five years.
const LONGEST_S: i64 = 5 * 366 * DAY_S;

impl State {
    /// Makes an event of a draft; it is not yet anywhere.
    pub fn new_event(
        &mut self,
        mailbox: u32,
        folder: u64,
        draft: Draft,
        zone: &Zone,
        now_s: i64,
    ) -> Result<Item, Refusal> {
        let place = self.mailbox(mailbox).ok_or_else(no_folder)?;
        let owner = Person { name: place.user.name.clone(), address: place.user.address.clone() };
        let next = now_s - now_s.rem_euclid(1800) + 1800;
        let mut part = Part {
            fields: BTreeMap::new(),
            extended: BTreeMap::new(),
            start_s: next,
            end_s: next + 1800,
            start_zone: draft.start_zone.clone().unwrap_or_else(|| zone.clone()),
            end_zone: draft.end_zone.clone().or(draft.start_zone.clone()).unwrap_or_else(|| zone.clone()),
            attachments: Vec::new(),
        };
        draft.apply(&mut part, zone);
        if draft.start.is_some() && draft.end.is_none() {
            part.end_s = part.start_s + 1800;
        }
        if let Some(minutes) = self.switches.default_reminder_min {
            part.fields.entry("ReminderIsSet").or_insert_with(|| tt("ReminderIsSet", true));
            let minutes = || tt("ReminderMinutesBeforeStart", minutes);
            part.fields.entry("ReminderMinutesBeforeStart").or_insert_with(minutes);
        }
        let goid = match &draft.uid {
            Some(uid) => goid::of_uid(uid),
            None => goid::fresh(now_s, self.number()),
        };
        for mut attachment in draft.attachments.clone() {
            (attachment.number, attachment.modified_s) = (self.number(), now_s);
            part.attachments.push(attachment);
        }
        let flags = |name: i64| {
            let value = part.extended.iter().find(|(key, _)| super::paths::is(key, "Appointment", name));
            value.and_then(|(_, value)| value.text.trim().parse::<i64>().ok())
        };
        let tag = |tag: u32| {
            let value = part.extended.iter().find(|(key, _)| key.set == "tag" && key.id == tag.to_string());
            value.map(|(_, value)| value.text.clone())
        };
        let is_received = self.switches.takes_received_events && flags(0x8217).is_some_and(|flags| flags & 2 != 0);
        let my_response = match flags(0x8218) {
            _ if !is_received => "Organizer",
            Some(2) => "Tentative",
            Some(3) => "Accept",
            Some(4) => "Decline",
            Some(5) => "NoResponseReceived",
            _ => "Unknown",
        };
        let organizer = match (is_received, tag(0x0065).or_else(|| tag(0x5D02)), &draft.organizer) {
            (true, Some(address), _) => Person { name: tag(0x0042).unwrap_or_else(|| address.clone()), address },
            (true, None, Some(told)) => told.clone(),
            _ => owner,
        };
        let mut item = Item {
            number: 0,
            change: 0,
            folder,
            class: draft.class.clone().unwrap_or_else(|| "IPM.Appointment".to_owned()),
            uid: goid::uid(&goid),
            goid,
            goid_day: None,
            created_s: now_s,
            modified_s: now_s,
            stamp_s: now_s,
            replied_s: None,
            sequence: 0,
            organizer,
            is_received,
            is_cancelled: false,
            request_was_sent: false,
            my_response: my_response.to_owned(),
            broken: None,
            part,
            series: None,
        };
        if let Some(Some(recurrence)) = draft.recurrence {
            recur(&mut item, recurrence);
        }
        validate(&item)?;
        differ(&mut item, &draft, zone, now_s)?;
        Ok(item)
    }

    /// Changes an event or a series as a whole.
    pub fn change_event(
        &mut self,
        mailbox: u32,
        number: u64,
        draft: &Draft,
        zone: &Zone,
        now_s: i64,
    ) -> Result<(), Refusal> {
        let drops = self.switches.drops_exceptions;
        let mut changed = self.item(mailbox, number).ok_or_else(no_item)?.clone();
        let before = changed.part.clone();
        draft.apply(&mut changed.part, zone);
        if let Some(class) = &draft.class {
            changed.class.clone_from(class);
        }
        match draft.recurrence {
            Some(Some(recurrence)) => recur(&mut changed, recurrence),
            Some(None) => changed.series = None,
            None => {
                let part = changed.part.clone();
                let day = part.start_zone.local_s(part.start_s).div_euclid(DAY_S);
                let is_moved =
                    (part.start_s, part.end_s, &part.start_zone) != (before.start_s, before.end_s, &before.start_zone);
                if let Some(series) = changed.series.as_mut().filter(|_| is_moved) {
                    // Another time of the series: its exceptions lose their ground ([MS-OXOCAL] 3.1.4.5).
                    series.recurrence.start = day;
                    let settled = series.recurrence.settle().map_err(|(code, text)| refuse(code, text))?;
                    if drops {
                        (series.exceptions, series.deleted) = (BTreeMap::new(), BTreeSet::new());
                    }
                    let exceptions = series.clone();
                    recur(&mut changed, settled);
                    if let Some(series) = changed.series.as_mut() {
                        (series.exceptions, series.deleted) = (exceptions.exceptions, exceptions.deleted);
                    }
                }
            }
        }
        validate(&changed)?;
        differ(&mut changed, draft, zone, now_s)?;
        self.touch(mailbox, number, now_s, |item| *item = changed).ok_or_else(no_item)?;
        Ok(())
    }

    /// Changes one occurrence, which becomes an exception.
    pub fn change_occurrence(
        &mut self,
        mailbox: u32,
        number: u64,
        day: i64,
        draft: &Draft,
        zone: &Zone,
        now_s: i64,
    ) -> Result<(), Refusal> {
        let mut changed = self.item(mailbox, number).ok_or_else(no_item)?.clone();
        if draft.recurrence.is_some() {
            let text = "A single occurrence cannot recur.";
            return Err(refuse("ErrorCalendarCannotUpdateDeletedItem", text));
        }
        let occurrence = changed.occurrence(day).ok_or_else(no_item)?;
        let before = changed.part_of(&occurrence);
        let exception = changed.exception_mut(&occurrence, now_s).ok_or_else(no_item)?;
        let after = draft.apply_to_exception(exception, before, zone);
        exception.modified_s = now_s;
        if after.end_s < after.start_s {
            return Err(early_end());
        }
        if draft.moves() {
            stays_in_line(&changed, day)?;
        }
        self.touch(mailbox, number, now_s, |item| *item = changed).ok_or_else(no_item)?;
        Ok(())
    }

    /// Deletes one occurrence. With the last the series goes: then true is said, and the item is still there.
    pub fn delete_occurrence(&mut self, mailbox: u32, number: u64, day: i64, now_s: i64) -> Result<bool, Refusal> {
        let item = self.item(mailbox, number).ok_or_else(no_item)?;
        item.occurrence(day).ok_or_else(no_item)?;
        let is_last = !item.occurrences().any(|occurrence| !occurrence.is_deleted && occurrence.day != day);
        if is_last {
            return Ok(true);
        }
        self.touch(mailbox, number, now_s, |item| {
            if let Some(series) = item.series.as_mut() {
                series.exceptions.remove(&day);
                series.deleted.insert(day);
            }
        });
        Ok(false)
    }
}

/// Makes a series of an event: it begins on the first day of its pattern, at its time of day.
fn recur(item: &mut Item, recurrence: super::recurrence::Recurrence) {
    let part = &mut item.part;
    let (start, end) = (part.start_zone.local_s(part.start_s), part.end_zone.local_s(part.end_s));
    let first = recurrence.start * DAY_S + start.rem_euclid(DAY_S);
    part.start_s = part.start_zone.instant_s(first);
    part.end_s = part.end_zone.instant_s(first + end - start);
    item.series = Some(Series { recurrence, exceptions: BTreeMap::new(), deleted: BTreeSet::new() });
}

/// Takes out and changes the occurrences that a draft names. One that the pattern does not have is passed over.
fn differ(item: &mut Item, draft: &Draft, zone: &Zone, now_s: i64) -> Result<(), Refusal> {
    let series_zone = item.part.start_zone.clone();
    let day_of = |stamp| series_zone.local_s(zone.instant_of(stamp)).div_euclid(DAY_S);
    for gone in &draft.deleted {
        let day = day_of(*gone);
        let is_there = item.occurrence(day).is_some();
        if let Some(series) = item.series.as_mut().filter(|_| is_there) {
            series.deleted.insert(day);
        }
    }
    for (original, changes) in &draft.exceptions {
        let Some(occurrence) = item.occurrence(day_of(*original)) else { continue };
        let before = item.part_of(&occurrence);
        let Some(exception) = item.exception_mut(&occurrence, now_s) else { continue };
        let after = changes.apply_to_exception(exception, before, zone);
        if after.end_s < after.start_s {
            return Err(early_end());
        }
        stays_in_line(item, occurrence.day)?;
    }
    Ok(())
}

fn early_end() -> Refusal {
    refuse("ErrorCalendarEndDateIsEarlierThanStartDate", "EndDate is earlier than StartDate")
}

fn validate(item: &Item) -> Result<(), Refusal> {
    let part = &item.part;
    if part.end_s < part.start_s {
        return Err(early_end());
    }
    if part.end_s - part.start_s > LONGEST_S {
        return Err(refuse("ErrorCalendarDurationIsTooLong", "The duration of the calendar item is too long."));
    }
    let first = Date::new(1601, 1, 1).number() * DAY_S;
    let last = Date::new(4500, 9, 1).number() * DAY_S;
    if part.start_s < first || part.end_s > last {
        return Err(refuse("ErrorCalendarOutOfRange", "A date is out of range."));
    }
    if let Some(series) = &item.series {
        let gap_s = series.recurrence.shortest_gap().saturating_mul(DAY_S);
        if part.end_s - part.start_s > gap_s {
            let text = "The duration of an occurrence is longer than the time to the next.";
            return Err(refuse("ErrorOccurrenceTimeSpanTooBig", text));
        }
    }
    Ok(())
}

/// An occurrence may neither pass its neighbours nor share a day with one ([MS-OXOCAL] 2.2.1.44.2).
fn stays_in_line(item: &Item, day: i64) -> Result<(), Refusal> {
    let zone = &item.part.start_zone;
    let day_of = |instant_s: i64| zone.local_s(instant_s).div_euclid(DAY_S);
    let all = item.occurrences().filter(|occurrence| !occurrence.is_deleted);
    let (mut before, mut moved, mut after) = (None, None, None);
    for occurrence in all {
        match occurrence.day.cmp(&day) {
            std::cmp::Ordering::Less => before = Some(occurrence),
            std::cmp::Ordering::Equal => moved = Some(occurrence),
            std::cmp::Ordering::Greater => {
                after = Some(occurrence);
                break;
            }
        }
    }
    let Some(moved) = moved else { return Ok(()) };
    let crosses = before.is_some_and(|before| day_of(moved.start_s) <= day_of(before.start_s))
        || after.is_some_and(|after| day_of(moved.start_s) >= day_of(after.start_s));
    if crosses {
        let text = "Modified occurrence is crossing or overlapping adjacent occurrence.";
        return Err(refuse("ErrorOccurrenceCrossingBoundary", text));
    }
    Ok(())
}
