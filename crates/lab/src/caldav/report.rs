//! REPORT: calendar-multiget, calendar-query (RFC 4791 sections 7.8, 7.9) and sync-collection (RFC 6578).

use super::lines::{Component, Line};
use super::place::Place;
use super::properties::{Wanted, only_status, response};
use super::site::{Answer, Call, refuse, xml};
use super::store::Happened;
use super::xml::{CALDAV, DAV, Element, c, d};
use crate::ews::http::Reply;

/// A report may name so many resources.
const MOST_NAMED: usize = 10_000;

pub fn report(call: &Call<'_>) -> Answer {
    let root = call.body()?.ok_or_else(|| Reply::new(400, "no report".to_owned()))?;
    let Place::Calendar(login, name) = &call.place else {
        return Err(refuse(403, d("supported-report")));
    };
    if call.state.calendar(login, name).is_none() {
        return Err(Reply::new(404, String::new()));
    }
    match (root.ns.as_str(), root.name.as_str()) {
        (CALDAV, "calendar-multiget") => multiget(call, &root),
        (CALDAV, "calendar-query") => query(call, login, name, &root),
        (DAV, "sync-collection") if call.state.switches.tells_changes => sync(call, login, name, &root),
        (DAV, "sync-collection") => Err(Reply::new(415, String::new())),
        _ => Err(refuse(403, d("supported-report"))),
    }
}

fn multiget(call: &Call<'_>, root: &Element) -> Answer {
    let wanted = Wanted::of(Some(root));
    let mut responses = Vec::new();
    for href in root.all(DAV, "href").take(MOST_NAMED) {
        let place = Place::read(href.text.trim());
        let is_there = match &place {
            Place::Object(login, calendar, name) => {
                // Only what is below the calendar that was asked.
                let is_own = Place::Calendar(login.clone(), calendar.clone()) == call.place;
                is_own && call.state.object(login, calendar, name).is_some()
            }
            _ => false,
        };
        responses.push(match is_there {
            true => response(call.state, call.login, &place, &wanted),
            false => only_status(href.text.trim(), "HTTP/1.1 404 Not Found"),
        });
    }
    Ok(xml(207, &d("multistatus").with_all(responses)))
}

fn query(call: &Call<'_>, login: &str, name: &str, root: &Element) -> Answer {
    let wanted = Wanted::of(Some(root));
    let filter = root.child(CALDAV, "filter").and_then(|filter| filter.child(CALDAV, "comp-filter"));
    let filter = filter.filter(|filter| filter.attribute("name") == Some("VCALENDAR"));
    let filter = filter.ok_or_else(|| refuse(403, c("valid-filter")))?;
    let judge = Judge { finds_text: call.state.switches.finds_text };
    let shown = call.state.calendar(login, name).filter(|_| call.state.switches.hides_objects_of != Some(login));
    let objects = shown.into_iter().flat_map(|calendar| &calendar.objects);
    let fitting = objects.filter(|(_, stored)| judge.fits(filter, &stored.object.root));
    let responses = fitting.map(|(object, _)| {
        let place = Place::Object(login.to_owned(), name.to_owned(), object.clone());
        response(call.state, call.login, &place, &wanted)
    });
    Ok(xml(207, &d("multistatus").with_all(responses)))
}

fn sync(call: &Call<'_>, login: &str, name: &str, root: &Element) -> Answer {
    let wanted = Wanted::of(Some(root));
    let token = root.child(DAV, "sync-token").map(|token| token.text.trim()).unwrap_or_default();
    let calendar = call.state.calendar(login, name).ok_or_else(|| Reply::new(404, String::new()))?;
    let known = calendar.since(token).filter(|_| token.is_empty() || !call.state.switches.forgets_tokens);
    let all = known.ok_or_else(|| refuse(403, d("valid-sync-token")))?;
    let limit = call.state.switches.part_limit.unwrap_or(usize::MAX).max(1);
    let is_cut = all.len() > limit;
    let mut responses = Vec::new();
    let mut last = calendar.change;
    for (change, object, happened) in all.into_iter().take(limit) {
        let place = Place::Object(login.to_owned(), name.to_owned(), object.to_owned());
        responses.push(match happened {
            Happened::Changed => response(call.state, call.login, &place, &wanted),
            Happened::Gone => only_status(&place.path(), "HTTP/1.1 404 Not Found"),
        });
        if is_cut {
            last = change;
        }
    }
    if is_cut {
        let more = only_status(&call.place.path(), "HTTP/1.1 507 Insufficient Storage");
        responses.push(more.with(d("error").with(d("number-of-matches-within-limits"))));
    }
    let token = d("sync-token").says(calendar.token(last));
    Ok(xml(207, &d("multistatus").with_all(responses).with(token)))
}

/// Says whether an object is what a filter asks for (RFC 4791 section 9.7).
struct Judge {
    finds_text: bool,
}

impl Judge {
    fn fits(&self, filter: &Element, component: &Component) -> bool {
        filter.children.iter().all(|test| match test.name.as_str() {
            "comp-filter" => {
                let name = test.attribute("name").unwrap_or_default();
                let mut fitting = component.children.iter().filter(|child| child.name.eq_ignore_ascii_case(name));
                match test.child(CALDAV, "is-not-defined") {
                    Some(_) => fitting.next().is_none(),
                    None => fitting.any(|child| self.fits(test, child)),
                }
            }
            "prop-filter" => {
                let name = test.attribute("name").unwrap_or_default().to_ascii_uppercase();
                let mut lines = component.all(&name);
                match test.child(CALDAV, "is-not-defined") {
                    Some(_) => lines.next().is_none(),
                    None => lines.any(|line| self.line_fits(test, line)),
                }
            }
            "time-range" => overlaps(component, test),
            _ => true,
        })
    }

    fn line_fits(&self, filter: &Element, line: &Line) -> bool {
        filter.children.iter().all(|test| match test.name.as_str() {
            "text-match" => self.text_fits(test, &line.value),
            "param-filter" => {
                let value = line.param(&test.attribute("name").unwrap_or_default().to_ascii_uppercase());
                match (test.child(CALDAV, "is-not-defined"), value) {
                    (Some(_), value) => value.is_none(),
                    (None, None) => false,
                    (None, Some(value)) => test.all(CALDAV, "text-match").all(|test| self.text_fits(test, value)),
                }
            }
            _ => true,
        })
    }

    /// A part is enough, in the case of ASCII whatever the case.
    fn text_fits(&self, test: &Element, value: &str) -> bool {
        let is_negated = test.attribute("negate-condition") == Some("yes");
        let plain = value.replace("\\,", ",").replace("\\;", ";").replace("\\n", "\n").replace("\\\\", "\\");
        let found = plain.to_ascii_lowercase().contains(&test.text.to_ascii_lowercase());
        self.finds_text && found != is_negated
    }
}

/// Does a component touch a time? Zones are not reckoned with but for a day more on either side, and a series is taken to go
/// on until its end: too many may be found, and never too few.
fn overlaps(component: &Component, range: &Element) -> bool {
    let bound = |name: &str| range.attribute(name).and_then(day);
    let (from, to) = (bound("start").unwrap_or(i64::MIN), bound("end").unwrap_or(i64::MAX));
    let Some(start) = component.value("DTSTART").and_then(day) else { return true };
    let goes_on = |line: &Line| line.value.split(';').find_map(|part| part.strip_prefix("UNTIL=")).and_then(day);
    let end = match component.line("RRULE") {
        Some(rule) => goes_on(rule).unwrap_or(i64::MAX),
        None if component.line("RDATE").is_some() || component.line("DURATION").is_some() => i64::MAX,
        None => component.value("DTEND").and_then(day).unwrap_or(start),
    };
    start <= to.saturating_add(1) && end >= from.saturating_sub(1)
}

/// The day of a time, counted so that later ones are greater.
fn day(value: &str) -> Option<i64> {
    let number = |from: usize, to: usize| value.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (shifted, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * month + 2) / 5 + day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_without_gaps() {
        let of = |text| day(text).unwrap();
        assert_eq!(of("20240301") - of("20240228"), 2);
        assert_eq!(of("20270101T000000Z") - of("20260101"), 365);
        assert_eq!(day("now"), None);
    }

    #[test]
    fn a_series_touches_what_is_before_its_end() {
        let event = |lines: &str| Component::parse(&format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT")).unwrap();
        let range = |start: &str, end: &str| {
            let mut range = c("time-range");
            range.attributes = vec![("start".to_owned(), start.to_owned()), ("end".to_owned(), end.to_owned())];
            range
        };
        let june = range("20260601T000000Z", "20260701T000000Z");
        for (lines, expected) in [
            ("DTSTART:20260610T100000Z\nDTEND:20260610T110000Z", true),
            ("DTSTART:20260510T100000Z\nDTEND:20260510T110000Z", false),
            ("DTSTART:20260510T100000Z\nRRULE:FREQ=DAILY", true),
            ("DTSTART:20260510T100000Z\nRRULE:FREQ=DAILY;UNTIL=20260520T000000Z", false),
            ("DTSTART;VALUE=DATE:20260801", false),
        ] {
            assert_eq!(overlaps(&event(lines), &june), expected, "{lines}");
        }
    }
}
