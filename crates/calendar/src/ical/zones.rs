//! VTIMEZONE, and which zone a TZID means in one calendar object.

use super::lines::Line;
use super::tree::Component;
use super::values::{escape, parse_datetime, parse_offset, print_datetime, print_offset, split_list, unescape};
use crate::rule::{self, Ends};
use crate::zone::{Definition, Observance, Zone, resolve};
use crate::{Unfit, When};
use jiff::SignedDuration;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The TZIDs of one object.
pub struct Zones<'a> {
    definitions: HashMap<String, Result<Definition, Unfit>>,
    years: RangeInclusive<i16>,
    home: Option<&'a Zone>,
    known: RefCell<HashMap<String, Result<Option<Zone>, Unfit>>>,
}

/// Where a series has no end, its zone is compared over so many years.
const AHEAD: i16 = 10;
/// And never over more than these.
const MOST: i16 = 60;

impl<'a> Zones<'a> {
    /// The definitions of a calendar, for the years of these events.
    pub fn new(calendar: &Component, events: &[&Component], home: Option<&'a Zone>) -> Zones<'a> {
        let zones = calendar.children.iter().filter(|child| child.name == "VTIMEZONE");
        let mut definitions = HashMap::new();
        for zone in zones {
            if let Some(id) = zone.line("TZID") {
                // Here it is TEXT, with backslashes before commas; in a parameter it is not.
                let id = unescape(id.value.trim());
                definitions.entry(key(&id)).or_insert_with(|| definition(zone, &id));
            }
        }
        Zones { definitions, years: years(events), home, known: RefCell::default() }
    }

    pub fn home(&self) -> Option<&Zone> {
        self.home
    }

    /// `None` is UTC.
    fn get(&self, id: &str) -> Result<Option<Zone>, Unfit> {
        let key = key(id);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        let definition = self.definitions.get(&key);
        let found = resolve(id, definition.and_then(|known| known.as_ref().ok()), self.years.clone(), self.home);
        let found = match (found, definition) {
            (Some(resolved), _) => Ok(resolved.zone),
            (None, Some(Err(broken))) => Err(*broken),
            (None, _) => Err(Unfit::UnknownZone),
        };
        self.known.borrow_mut().insert(key, found.clone());
        found
    }

    /// One value of a line whose value type is DATE or DATE-TIME.
    pub fn when(&self, line: &Line, value: &str) -> Result<When, Unfit> {
        let is_date = line.param("VALUE").is_some_and(|kind| kind.eq_ignore_ascii_case("DATE"));
        if is_date || value.trim().len() == 8 {
            // Exchange has been seen to write a time of midnight under VALUE=DATE.
            let date = value.trim().split(['T', 't']).next().unwrap_or_default();
            return super::values::parse_date(date).map(When::Date);
        }
        let (at, utc) = parse_datetime(value)?;
        let zone = line.param("TZID").filter(|_| !utc);
        Ok(match zone.map(|id| self.get(id)).transpose()? {
            Some(Some(zone)) => When::Zoned(at, zone),
            Some(None) => When::Utc(at),
            None if utc => When::Utc(at),
            None => When::Floating(at),
        })
    }
}

fn key(id: &str) -> String {
    id.trim().trim_matches('"').trim().to_lowercase()
}

/// From the first year in which something is to the last.
fn years(events: &[&Component]) -> RangeInclusive<i16> {
    const DATED: [&str; 5] = ["DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"];
    let lines = || events.iter().flat_map(|event| &event.lines);
    let year = |value: &str| value.trim().get(..4).and_then(|digits| digits.parse::<i16>().ok());
    let dated = lines().filter(|line| DATED.contains(&line.name.as_str()));
    let all: Vec<i16> = dated.flat_map(|line| split_list(&line.value)).filter_map(year).collect();
    let first = all.iter().min().copied().unwrap_or(1970);
    let mut last = all.iter().max().copied().unwrap_or(1970);
    for line in lines().filter(|line| line.name == "RRULE") {
        let upper = line.value.to_ascii_uppercase();
        let until = upper.split_once("UNTIL=").and_then(|(_, value)| year(value));
        last = last.max(until.unwrap_or_else(|| last.saturating_add(AHEAD)));
    }
    first..=last.min(first.saturating_add(MOST))
}

fn definition(zone: &Component, id: &str) -> Result<Definition, Unfit> {
    let parts = zone.children.iter().filter(|child| matches!(child.name.as_str(), "STANDARD" | "DAYLIGHT"));
    let mut observances = Vec::new();
    for part in parts {
        observances.extend(observance(part)?);
    }
    if observances.is_empty() { Err(Unfit::BadZone) } else { Ok(Definition::new(id, observances)) }
}

/// One STANDARD or DAYLIGHT; with several RRULEs, one for each.
fn observance(part: &Component) -> Result<Vec<Observance>, Unfit> {
    let value = |name| part.line(name).map(|line| line.value.as_str()).ok_or(Unfit::BadZone);
    let time = |text: &str| parse_datetime(text).map(|(at, _)| at).map_err(|_| Unfit::BadZone);
    let mut dates = Vec::new();
    for line in part.lines.iter().filter(|line| line.name == "RDATE") {
        for date in split_list(&line.value) {
            dates.push(time(date)?);
        }
    }
    let plain = Observance {
        daylight: part.name == "DAYLIGHT",
        onset: time(value("DTSTART")?)?,
        from: parse_offset(value("TZOFFSETFROM")?)?,
        to: parse_offset(value("TZOFFSETTO")?)?,
        rule: None,
        dates,
    };
    let rules: Vec<&Line> = part.lines.iter().filter(|line| line.name == "RRULE").collect();
    if rules.is_empty() {
        return Ok(vec![plain]);
    }
    rules.into_iter().map(|line| plain.clone().with_rule(&line.value)).collect()
}

/// The VTIMEZONE that tells a definition under a TZID.
pub fn component(definition: &Definition, id: &str) -> Component {
    let mut zone = Component::new("VTIMEZONE");
    zone.lines.push(Line::new("TZID", escape(id)));
    for observance in definition.observances() {
        let mut part = Component::new(if observance.daylight { "DAYLIGHT" } else { "STANDARD" });
        part.lines.push(Line::new("DTSTART", print_datetime(observance.onset)));
        part.lines.push(Line::new("TZOFFSETFROM", print_offset(observance.from)));
        part.lines.push(Line::new("TZOFFSETTO", print_offset(observance.to)));
        if let Some(rule) = &observance.rule {
            let last = match rule.ends {
                Ends::On(date) => Some(date.to_datetime(observance.onset.time())),
                Ends::At(at) => Some(at),
                _ => None,
            };
            let utc = last.map(|last| last.saturating_sub(SignedDuration::from_secs(observance.from.into())));
            let until = utc.map(|utc| format!("{}Z", print_datetime(utc)));
            part.lines.push(Line::new("RRULE", rule::print(rule, until.as_deref())));
        }
        part.lines.extend(observance.dates.iter().map(|date| Line::new("RDATE", print_datetime(*date))));
        zone.children.push(part);
    }
    zone
}
