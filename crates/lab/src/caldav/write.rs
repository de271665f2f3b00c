//! PUT, DELETE, MOVE, MKCALENDAR and PROPPATCH.

use super::object::Object;
use super::place::Place;
use super::schedule::Change;
use super::site::{Answer, Call, refuse, xml};
use super::store::{Calendar, MOST_CALENDARS, MOST_OBJECTS};
use super::switches::Switches;
use super::xml::{CALDAV, DAV, Element, c, d, href};
use crate::ews::http::Reply;

/// A calendar may have so many properties that clients have made up.
const MOST_PROPERTIES: usize = 50;

pub fn put(call: &mut Call<'_>) -> Answer {
    let Place::Object(login, calendar, name) = call.place.clone() else {
        return Err(Reply::new(405, String::new()));
    };
    let Some(held) = call.state.calendar(&login, &calendar) else {
        return Err(Reply::new(409, "no such calendar".to_owned()));
    };
    conditions(call)?;
    let request = call.request;
    if request.header("content-type").is_some_and(|kind| !kind.to_ascii_lowercase().starts_with("text/calendar")) {
        return Err(refuse(403, c("supported-calendar-data")));
    }
    if request.body.len() > call.state.switches.most_bytes {
        return Err(refuse(403, c("max-resource-size")));
    }
    if held.objects.len() >= MOST_OBJECTS {
        return Err(refuse(507, d("quota-not-exceeded")));
    }
    let object = Object::read(&request.body).map_err(|fault| {
        tracing::debug!(condition = fault.condition, detail = fault.detail, "an object was refused");
        let condition = c(fault.condition).says(fault.detail);
        refuse(403, condition)
    })?;
    if !held.holds(&object.kind) {
        return Err(refuse(403, c("supported-calendar-component")));
    }
    let before = held.objects.get(&name).map(|stored| stored.object.clone());
    let conflict =
        call.state.place_of(&login, &calendar, &object.uid).filter(|place| *place != (calendar.clone(), name.clone()));
    if let Some((calendar, name)) = conflict {
        let place = Place::Object(login, calendar, name);
        return Err(refuse(403, c("no-uid-conflict").with(href(&place.path()))));
    }
    if before.as_ref().is_some_and(|before| before.uid != object.uid) {
        return Err(refuse(403, c("no-uid-conflict").with(href(&call.place.path()))));
    }
    let (object, text) = match call.state.switches.rewrites {
        true => rewritten(object),
        false => (object, String::from_utf8_lossy(&request.body).into_owned()),
    };
    let change = Change {
        method: "PUT",
        before: before.as_ref(),
        after: Some(&object),
        is_silent: request.header("schedule-reply").is_some_and(|reply| reply.eq_ignore_ascii_case("f")),
    };
    call.state.schedule(&login, &change);
    let is_new = call.state.put(&login, &calendar, &name, object, text).unwrap_or(true);
    let reply = Reply::new(if is_new { 201 } else { 204 }, String::new());
    let Switches { rewrites, .. } = call.state.switches;
    let etag = call.state.object(&login, &calendar, &name).and_then(|stored| call.state.etag(stored));
    Ok(match etag.filter(|_| !rewrites) {
        Some(etag) => reply.header("ETag", etag),
        None => reply,
    })
}

/// What is stored where the server knows better: without the properties and parameters that it does not know.
fn rewritten(mut object: Object) -> (Object, String) {
    for line in object.root.lines.iter_mut().filter(|line| line.name == "PRODID") {
        line.raw = "PRODID:-//Parom lab//CalDAV//EN".to_owned();
        line.value = "-//Parom lab//CalDAV//EN".to_owned();
    }
    for part in object.root.children.iter_mut().filter(|part| part.name != "VTIMEZONE") {
        part.lines.retain(|line| !line.name.starts_with("X-"));
        for line in &mut part.lines {
            let unknown: Vec<String> =
                line.params.iter().filter(|(name, _)| name.starts_with("X-")).map(|(name, _)| name.clone()).collect();
            if unknown.is_empty() {
                continue;
            }
            line.params.retain(|(name, _)| !unknown.contains(name));
            let params: String = line.params.iter().map(|(name, value)| format!(";{name}=\"{value}\"")).collect();
            line.raw = format!("{}{params}:{}", line.name, line.value);
        }
    }
    object.root.lines.retain(|line| !line.name.starts_with("X-"));
    let text = object.root.written();
    (object, text)
}

pub fn delete(call: &mut Call<'_>) -> Answer {
    let missing = || Reply::new(404, String::new());
    let is_silent = call.request.header("schedule-reply").is_some_and(|reply| reply.eq_ignore_ascii_case("f"));
    match call.place.clone() {
        Place::Object(login, calendar, name) => {
            call.state.object(&login, &calendar, &name).ok_or_else(missing)?;
            conditions(call)?;
            let removed = call.state.remove(&login, &calendar, &name).ok_or_else(missing)?;
            let change = Change { method: "DELETE", before: Some(&removed.object), after: None, is_silent };
            call.state.schedule(&login, &change);
        }
        Place::Calendar(login, calendar) => {
            let home = call.state.homes.get_mut(&login).ok_or_else(missing)?;
            let removed = home.calendars.remove(&calendar).ok_or_else(missing)?;
            for stored in removed.objects.values() {
                let change = Change { method: "DELETE", before: Some(&stored.object), after: None, is_silent };
                call.state.schedule(&login, &change);
            }
        }
        Place::Letter(login, name) => {
            let home = call.state.homes.get_mut(&login).ok_or_else(missing)?;
            home.inbox.remove(&name).ok_or_else(missing)?;
        }
        _ => return Err(Reply::new(403, String::new())),
    }
    Ok(Reply::new(204, String::new()))
}

/// If-Match and If-None-Match (RFC 9110 section 13.1): strong comparison, so that a weak tag matches nothing but `*`.
fn conditions(call: &Call<'_>) -> Result<(), Reply> {
    let Place::Object(login, calendar, name) = &call.place else { return Ok(()) };
    let stored = call.state.object(login, calendar, name);
    let etag = stored.and_then(|stored| call.state.etag(stored));
    let matches = |wanted: &str| {
        let tags = wanted.split(',').map(str::trim);
        let is_strong = |tag: &&str| !tag.starts_with("W/");
        stored.is_some() && (wanted == "*" || tags.filter(is_strong).any(|tag| Some(tag) == etag.as_deref()))
    };
    let refused = || Reply::new(412, String::new());
    if call.request.header("if-match").is_some_and(|wanted| !matches(wanted)) {
        return Err(refused());
    }
    match call.request.header("if-none-match") {
        Some("*") if stored.is_some() => Err(refused()),
        Some(wanted) if wanted != "*" && matches(wanted) => Err(refused()),
        _ => Ok(()),
    }
}

pub fn relocate(call: &mut Call<'_>) -> Answer {
    let Place::Object(login, from, name) = call.place.clone() else { return Err(Reply::new(403, String::new())) };
    let destination = call.request.header("destination").map(Place::read);
    let Some(Place::Object(owner, to, new_name)) = destination else { return Err(Reply::new(403, String::new())) };
    if owner != login {
        return Err(refuse(403, d("need-privileges")));
    }
    let stored = call.state.object(&login, &from, &name).ok_or_else(|| Reply::new(404, String::new()))?;
    let (object, text) = (stored.object.clone(), stored.text.clone());
    conditions(call)?;
    let held = call.state.calendar(&login, &to).ok_or_else(|| Reply::new(409, String::new()))?;
    if !held.holds(&object.kind) {
        return Err(refuse(403, c("supported-calendar-component")));
    }
    let is_there = held.objects.contains_key(&new_name);
    if is_there && call.request.header("overwrite").is_some_and(|overwrite| overwrite.eq_ignore_ascii_case("f")) {
        return Err(Reply::new(412, String::new()));
    }
    let conflict = call.state.place_of(&login, &to, &object.uid);
    let source = (from.clone(), name.clone());
    let target = (to.clone(), new_name.clone());
    if conflict.is_some_and(|place| place != source && place != target) {
        return Err(refuse(403, c("no-uid-conflict")));
    }
    if source != target {
        call.state.remove(&login, &from, &name);
        call.state.put(&login, &to, &new_name, object, text);
    }
    Ok(Reply::new(if is_there { 204 } else { 201 }, String::new()))
}

pub fn make_calendar(call: &mut Call<'_>) -> Answer {
    if !call.state.switches.makes_calendars {
        return Err(Reply::new(405, String::new()));
    }
    let Place::Calendar(login, name) = call.place.clone() else {
        return Err(refuse(403, c("calendar-collection-location-ok")));
    };
    let body = call.body()?;
    if body.as_ref().is_some_and(|root| !root.is(CALDAV, "mkcalendar")) {
        return Err(Reply::new(415, String::new()));
    }
    let number = call.state.number();
    let home = call.state.homes.get_mut(&login).ok_or_else(|| Reply::new(404, String::new()))?;
    if home.calendars.contains_key(&name) {
        return Err(refuse(403, d("resource-must-be-null")));
    }
    if home.calendars.len() >= MOST_CALENDARS {
        return Err(refuse(507, d("quota-not-exceeded")));
    }
    let mut calendar = Calendar::new(number, &name);
    let sets = body.iter().flat_map(|root| root.all(DAV, "set"));
    for property in sets.flat_map(|set| set.all(DAV, "prop")).flat_map(|prop| &prop.children) {
        set(&mut calendar, property, true);
    }
    home.calendars.insert(name, calendar);
    Ok(Reply::new(201, String::new()))
}

/// Sets a property of a calendar; `false` for one that is not the client's to set.
fn set(calendar: &mut Calendar, property: &Element, is_new: bool) -> bool {
    match (property.ns.as_str(), property.name.as_str()) {
        (DAV, "displayname") => calendar.display_name = property.text.trim().to_owned(),
        (CALDAV, "supported-calendar-component-set") if is_new => {
            let names = property.all(CALDAV, "comp").filter_map(|component| component.attribute("name"));
            calendar.components = names.map(str::to_owned).collect();
        }
        (CALDAV, "supported-calendar-component-set" | "max-resource-size") => return false,
        (DAV, name) if name != "resourcetype" => return false,
        (DAV, _) => {}
        (ns, name) => {
            calendar.properties.retain(|known| !known.is(ns, name));
            if calendar.properties.len() >= MOST_PROPERTIES {
                return false;
            }
            calendar.properties.push(property.clone());
        }
    }
    true
}

pub fn patch(call: &mut Call<'_>) -> Answer {
    let body = call.body()?.filter(|root| root.is(DAV, "propertyupdate"));
    let root = body.ok_or_else(|| Reply::new(400, "no propertyupdate".to_owned()))?;
    let path = call.place.path();
    let Place::Calendar(login, name) = call.place.clone() else { return Err(Reply::new(403, String::new())) };
    let change = call.state.number();
    let calendar = call.state.homes.get_mut(&login).and_then(|home| home.calendars.get_mut(&name));
    let calendar = calendar.ok_or_else(|| Reply::new(404, String::new()))?;
    let mut response = d("response").with(href(&path));
    for update in &root.children {
        for property in update.all(DAV, "prop").flat_map(|prop| &prop.children) {
            let done = match update.name.as_str() {
                "remove" => {
                    calendar.properties.retain(|known| !known.is(&property.ns, &property.name));
                    true
                }
                _ => set(calendar, property, false),
            };
            let status = if done { "HTTP/1.1 200 OK" } else { "HTTP/1.1 403 Forbidden" };
            let named = d("prop").with(Element::new(&property.ns, &property.name));
            response = response.with(d("propstat").with(named).with(d("status").says(status)));
        }
    }
    calendar.change = change;
    Ok(xml(207, &d("multistatus").with(response)))
}
