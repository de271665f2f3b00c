//! The IANA database that is built in, and its zones as definitions.

use super::{Definition, Iana, Observance};
use crate::rule::{ByDay, Ends, Freq, Rule, canonical};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Dst, Offset, TimeZoneDatabase};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

pub(super) fn get(name: &str) -> Option<Iana> {
    let zone = database().get(name).ok()?;
    // Of the names of one zone, the primary one; its data is the same.
    let name = zone.primary_iana_name().or(zone.iana_name())?;
    (name != "UTC").then(|| Iana { name: Arc::from(name), zone: zone.clone() })
}

/// Is it one of the database's other names of UTC (`GMT`, `Etc/Greenwich`)?
pub(super) fn is_utc(name: &str) -> bool {
    database().get(name).is_ok_and(|zone| zone.primary_iana_name().or(zone.iana_name()) == Some("UTC"))
}

/// Every zone that the database names first.
pub(super) fn all() -> Vec<Iana> {
    let names: Vec<String> = database().available().map(|name| name.as_str().to_owned()).collect();
    names.iter().filter_map(|name| get(name).filter(|zone| *zone.name == **name)).collect()
}

impl Iana {
    /// The offset at the beginning, and every change of it after that, up to the end; in seconds.
    pub(super) fn steps(&self, from: i64, to: i64) -> (i32, Vec<(i64, i32)>) {
        let Ok(start) = Timestamp::from_second(from) else { return (0, Vec::new()) };
        let changes = self.zone.following(start).map(|step| (step.timestamp().as_second(), step.offset().seconds()));
        (self.zone.to_offset(start).seconds(), changes.take_while(|(at, _)| *at < to).collect())
    }
}

/// How far ahead the rules of a zone are looked at: after 28 years the weekdays fall on the same dates again.
const CYCLE: i16 = 28;
/// From here on the database has nothing but rules (except for Morocco, whose changes follow the moon).
const ONLY_RULES: i16 = 2038;

/// One change of clocks.
struct Change {
    local: DateTime,
    from: i32,
    to: i32,
    daylight: bool,
}

/// As [`definition`], made once: every event that is written asks for its zone.
pub(super) fn known_definition(iana: &Iana, first_year: i16, last_year: Option<i16>) -> Arc<Definition> {
    type Known = HashMap<(Arc<str>, i16, Option<i16>), Arc<Definition>>;
    static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();
    /// Some dozens are usual; odd years in odd events must not fill the memory.
    const MOST: usize = 1000;
    let known = KNOWN.get_or_init(Mutex::default);
    let key = (Arc::clone(&iana.name), first_year, last_year);
    if let Some(definition) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Arc::clone(definition);
    }
    let made = Arc::new(definition(iana, first_year, last_year));
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(key, Arc::clone(&made));
    made
}

fn definition(iana: &Iana, first_year: i16, last_year: Option<i16>) -> Definition {
    let last = last_year.unwrap_or(ONLY_RULES.max(first_year)).max(first_year);
    let mut observances = vec![before(&iana.zone, first_year)];
    let endless = if last_year.is_none() { endless_rules(iana, last) } else { Vec::new() };
    let mut changes = changes(&iana.zone, first_year, last);
    for observance in &endless {
        // The rule begins where it first holds; what it tells needs no line of its own.
        let told = told_from(observance, &changes);
        let mut told = Observance { onset: told, ..observance.clone() };
        told.rule = told.rule.map(|rule| canonical(rule, told.onset));
        changes.retain(|change| !told.tells(change.local, change.from, change.to));
        observances.push(told);
    }
    observances.extend(changes.into_iter().map(|change| Observance {
        daylight: change.daylight,
        onset: change.local,
        from: change.from,
        to: change.to,
        rule: None,
        dates: Vec::new(),
    }));
    observances.sort_by_key(|observance| observance.onset);
    Definition::new(&iana.name, observances)
}

/// What holds when the first year begins.
fn before(zone: &TimeZone, first_year: i16) -> Observance {
    let begin = new_year(first_year);
    let start = Offset::UTC.to_timestamp(begin).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset = zone.to_offset_info(start);
    let seconds = offset.offset().seconds();
    let onset = begin.saturating_sub(jiff::SignedDuration::from_hours(48));
    let daylight = offset.dst() == Dst::Yes;
    Observance { daylight, onset, from: seconds, to: seconds, rule: None, dates: Vec::new() }
}

fn changes(zone: &TimeZone, first_year: i16, last_year: i16) -> Vec<Change> {
    let start = Offset::UTC.to_timestamp(new_year(first_year)).unwrap_or(Timestamp::MIN);
    let end = new_year(last_year.saturating_add(1));
    let mut from = zone.to_offset(start).seconds();
    let mut found = Vec::new();
    for step in zone.following(start) {
        let to = step.offset().seconds();
        let Ok(offset) = Offset::from_seconds(from) else { break };
        let local = offset.to_datetime(step.timestamp());
        if local >= end {
            break;
        }
        if from != to {
            found.push(Change { local, from, to, daylight: step.dst() == Dst::Yes });
        }
        from = to;
    }
    found
}

fn new_year(year: i16) -> DateTime {
    Date::new(year, 1, 1).unwrap_or(Date::MIN).at(0, 0, 0, 0)
}

/// The rules that hold from the given year on for ever, as observances whose first onset lies in it.
fn endless_rules(iana: &Iana, from_year: i16) -> Vec<Observance> {
    let changes = changes(&iana.zone, from_year, from_year.saturating_add(CYCLE - 1));
    let mut rules: Vec<Observance> = Vec::new();
    let kinds = changes.iter().map(|change| (change.from, change.to, change.local.month()));
    let mut kinds: Vec<(i32, i32, i8)> = kinds.collect();
    kinds.sort_unstable();
    kinds.dedup();
    for (from, to, month) in kinds {
        let of_kind = |change: &&Change| (change.from, change.to, change.local.month()) == (from, to, month);
        let of_kind: Vec<&Change> = changes.iter().filter(of_kind).collect();
        let Some(rule) = yearly_rule(&of_kind) else { return Vec::new() };
        let Some(first) = of_kind.first() else { return Vec::new() };
        let daylight = first.daylight;
        rules.push(Observance { daylight, onset: first.local, from, to, rule: Some(rule), dates: Vec::new() });
    }
    rules
}

/// The rule that yields exactly these onsets, one in each year of a whole cycle; its start is not in it.
fn yearly_rule(changes: &[&Change]) -> Option<Rule> {
    let first = changes.first()?;
    let same = changes
        .iter()
        .all(|change| change.local.time() == first.local.time() && change.local.weekday() == first.local.weekday());
    if changes.len() != usize::try_from(CYCLE).ok()? || !same {
        return None;
    }
    let days = changes.iter().map(|change| change.local.day());
    let (earliest, latest) = (days.clone().min()?, days.max()?);
    if latest - earliest != 6 {
        return None;
    }
    let mut rule = Rule { by_month: vec![first.local.month()], ..Rule::every(Freq::Yearly, 1) };
    let day: Weekday = first.local.weekday();
    if earliest % 7 == 1 && earliest < 29 {
        rule.by_day = vec![ByDay { nth: (earliest - 1) / 7 + 1, day }];
    } else if latest == first.local.date().days_in_month() {
        rule.by_day = vec![ByDay { nth: -1, day }];
    } else {
        rule.by_day = vec![ByDay::every(day)];
        rule.by_month_day = (earliest..=latest).collect();
    }
    Some(rule)
}

/// The first onset since which the rule tells every change of its kind without a gap.
fn told_from(rule: &Observance, changes: &[Change]) -> DateTime {
    let mut first = rule.onset;
    let kept = |year: i16| {
        changes.iter().filter(|change| change.local.year() == year).find(|change| {
            change.from == rule.from
                && change.to == rule.to
                && change.local.time() == rule.onset.time()
                && rule.rule.as_ref().is_some_and(|rule| rule.meets(change.local))
        })
    };
    while let Some(change) = kept(first.year() - 1) {
        first = change.local;
    }
    first
}

impl Observance {
    /// Is this change one of its onsets?
    fn tells(&self, local: DateTime, from: i32, to: i32) -> bool {
        let Some(rule) = &self.rule else { return false };
        let mut onsets = rule.occurrences(self.onset).skipping_to(local.date());
        (self.from, self.to) == (from, to)
            && rule.ends == Ends::Never
            && onsets.find(|onset| *onset >= local) == Some(local)
    }
}
