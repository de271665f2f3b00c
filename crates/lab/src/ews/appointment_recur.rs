//! PidLidAppointmentRecur: the pattern and its exceptions as the store keeps them ([MS-OXOCAL] 2.2.1.44).

use super::item::{Exception, Item, Occurrence};
use super::recurrence::{End, Pattern};
use super::time::{DAY_S, Date, weekday};
use super::zones::Zone;

const SUBJECT: u16 = 0x01;
const REMINDER_DELTA: u16 = 0x04;
const REMINDER: u16 = 0x08;
const LOCATION: u16 = 0x10;
const BUSY: u16 = 0x20;
const SUB_TYPE: u16 = 0x80;
const BODY: u16 = 0x200;
const NEVER: u32 = 0x5AE9_80DF;

fn put(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn put_short(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_le_bytes());
}

/// Minutes since 1601 of a local time in seconds since 1970.
fn minutes(local_s: i64) -> u32 {
    u32::try_from(local_s / 60 + 134_774 * 1440).unwrap_or(NEVER)
}

pub fn blob(item: &Item) -> Option<Vec<u8>> {
    let series = item.series.as_ref()?;
    let recurrence = &series.recurrence;
    let zone = &item.part.start_zone;
    let mut out = Vec::new();
    put_short(&mut out, 0x3004);
    put_short(&mut out, 0x3004);
    let (frequency, kind, period) = match recurrence.pattern {
        Pattern::Daily { interval } => (0x200A, 0, interval * 1440),
        Pattern::Weekly { interval, .. } => (0x200B, 1, interval),
        Pattern::Monthly { interval, .. } => (0x200C, 2, interval),
        Pattern::MonthlyNth { interval, .. } => (0x200C, 3, interval),
        Pattern::Yearly { .. } => (0x200D, 2, 12),
        Pattern::YearlyNth { .. } => (0x200D, 3, 12),
    };
    put_short(&mut out, frequency);
    put_short(&mut out, kind);
    put_short(&mut out, 0);
    let start_min = (recurrence.start + 134_774) * 1440;
    let first = match recurrence.pattern {
        Pattern::Daily { .. } => start_min % period.max(1),
        Pattern::Weekly { first, .. } => {
            let week = recurrence.start - (weekday(recurrence.start) - first).rem_euclid(7);
            ((week + 134_774) * 1440) % (period * 7 * 1440).max(1)
        }
        _ => {
            let date = Date::from_number(recurrence.start);
            let months = ((date.year - 1601) * 12 + date.month - 1) % period.max(1);
            let (year, month) = Date::new(1601, 1, 1).month_later(months);
            (Date::new(year, month, 1).number() + 134_774) * 1440
        }
    };
    let short = |number: i64| u32::try_from(number).unwrap_or(0);
    put(&mut out, short(first));
    put(&mut out, short(period));
    put(&mut out, 0);
    match recurrence.pattern {
        Pattern::Daily { .. } => {}
        Pattern::Weekly { days, .. } => put(&mut out, days.mask()),
        Pattern::Monthly { day, .. } | Pattern::Yearly { day, .. } => put(&mut out, short(day)),
        Pattern::MonthlyNth { days, index, .. } | Pattern::YearlyNth { days, index, .. } => {
            put(&mut out, days.mask());
            put(&mut out, u32::try_from(index + 1).unwrap_or(5));
        }
    }
    let (end, count, last) = match recurrence.end {
        End::Never => (0x2023, 10, NEVER),
        End::On(day) => (0x2021, u32::try_from(recurrence.days().count()).unwrap_or(0), minutes(day * DAY_S)),
        End::After(count) => {
            let last = recurrence.days().last().unwrap_or(recurrence.start);
            (0x2022, short(count), minutes(last * DAY_S))
        }
    };
    put(&mut out, end);
    put(&mut out, count);
    put(
        &mut out,
        match recurrence.pattern {
            Pattern::Weekly { first, .. } => short(first),
            _ => 0,
        },
    );
    let until = series.deleted.last().copied().max(series.exceptions.keys().last().copied());
    let changed: Vec<Occurrence> = match until {
        Some(until) => item.occurrences().take_while(|occurrence| occurrence.day <= until).collect(),
        None => Vec::new(),
    };
    let is_changed = |occurrence: &&Occurrence| occurrence.is_deleted || occurrence.is_exception;
    let originals: Vec<u32> =
        changed.iter().filter(is_changed).map(|occurrence| minutes(occurrence.day * DAY_S)).collect();
    put(&mut out, u32::try_from(originals.len()).unwrap_or(0));
    originals.iter().for_each(|day| put(&mut out, *day));
    let modified: Vec<(&Occurrence, &Exception)> = changed
        .iter()
        .filter(|occurrence| !occurrence.is_deleted)
        .filter_map(|occurrence| Some((occurrence, series.exceptions.get(&occurrence.day)?)))
        .collect();
    let mut days: Vec<u32> =
        modified.iter().map(|(_, it)| minutes(zone.local_s(it.start_s).div_euclid(DAY_S) * DAY_S)).collect();
    days.sort_unstable();
    put(&mut out, u32::try_from(days.len()).unwrap_or(0));
    days.iter().for_each(|day| put(&mut out, *day));
    put(&mut out, minutes(recurrence.start * DAY_S));
    put(&mut out, last);
    put(&mut out, 0x3006);
    put(&mut out, 0x3009);
    let start_s = zone.local_s(item.part.start_s).rem_euclid(DAY_S);
    let length_s = item.part.end_zone.local_s(item.part.end_s) - zone.local_s(item.part.start_s);
    put(&mut out, short(start_s / 60));
    put(&mut out, short((start_s + length_s) / 60));
    put_short(&mut out, u16::try_from(modified.len()).unwrap_or(0));
    modified.iter().for_each(|(occurrence, exception)| info(&mut out, occurrence, exception, zone));
    put(&mut out, 0);
    modified.iter().for_each(|(occurrence, exception)| wide(&mut out, occurrence, exception, zone));
    put(&mut out, 0);
    Some(out)
}

fn text<'a>(exception: &'a Exception, name: &str) -> Option<&'a str> {
    Some(exception.fields.get(name)?.as_ref().map_or("", |element| element.text.as_str()))
}

fn times(out: &mut Vec<u8>, occurrence: &Occurrence, exception: &Exception, zone: &Zone) {
    for instant_s in [exception.start_s, exception.end_s, occurrence.original_s] {
        put(out, minutes(zone.local_s(instant_s)));
    }
}

fn info(out: &mut Vec<u8>, occurrence: &Occurrence, exception: &Exception, zone: &Zone) {
    times(out, occurrence, exception, zone);
    let flags = [
        ("Subject", SUBJECT),
        ("ReminderMinutesBeforeStart", REMINDER_DELTA),
        ("ReminderIsSet", REMINDER),
        ("Location", LOCATION),
        ("LegacyFreeBusyStatus", BUSY),
        ("IsAllDayEvent", SUB_TYPE),
        ("Body", BODY),
    ];
    let said = flags.iter().filter(|(name, _)| exception.fields.contains_key(name));
    put_short(out, said.fold(0, |all, (_, flag)| all | flag));
    // Of the narrow texts no one needs more than a likeness: the wide ones follow.
    let narrow = |out: &mut Vec<u8>, text: &str| {
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let size = u16::try_from(bytes.len()).unwrap_or(0);
        put_short(out, size + 1);
        put_short(out, size);
        out.extend(bytes);
    };
    let flag = |name: &str| text(exception, name).map(|text| u32::from(text == "true" || text == "1"));
    if let Some(subject) = text(exception, "Subject") {
        narrow(out, subject);
    }
    if let Some(minutes) = text(exception, "ReminderMinutesBeforeStart") {
        put(out, minutes.parse().unwrap_or(0));
    }
    if let Some(is_set) = flag("ReminderIsSet") {
        put(out, is_set);
    }
    if let Some(location) = text(exception, "Location") {
        narrow(out, location);
    }
    if let Some(busy) = text(exception, "LegacyFreeBusyStatus") {
        put(
            out,
            match busy {
                "Free" => 0,
                "Tentative" => 1,
                "OOF" => 3,
                "WorkingElsewhere" => 4,
                _ => 2,
            },
        );
    }
    if let Some(is_all_day) = flag("IsAllDayEvent") {
        put(out, is_all_day);
    }
}

fn wide(out: &mut Vec<u8>, occurrence: &Occurrence, exception: &Exception, zone: &Zone) {
    put(out, 4);
    put(out, 0);
    put(out, 0);
    let texts = [text(exception, "Subject"), text(exception, "Location")];
    if texts.iter().all(Option::is_none) {
        return;
    }
    times(out, occurrence, exception, zone);
    for text in texts.into_iter().flatten() {
        let units: Vec<u16> = text.encode_utf16().collect();
        put_short(out, u16::try_from(units.len()).unwrap_or(0));
        units.into_iter().for_each(|unit| put_short(out, unit));
    }
    put(out, 0);
}
