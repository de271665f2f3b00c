//! PROPFIND (RFC 4918 section 9.1) and the properties that there are.

use super::object::KINDS;
use super::place::Place;
use super::site::{Answer, Call, kind, refuse, xml};
use super::store::{Calendar, DEFAULT, State, Stored};
use super::switches::Scheduling;
use super::xml::{CALDAV, DAV, Element, SERVER, c, d, href};
use crate::ews::http::Reply;

/// Which properties are asked for.
pub enum Wanted {
    /// Those that have names here, in empty elements.
    Named(Vec<Element>),
    /// Those of RFC 4918 alone.
    All,
}

impl Wanted {
    /// Reads what a request or a report asks for.
    pub fn of(root: Option<&Element>) -> Wanted {
        match root.and_then(|root| root.child(DAV, "prop")) {
            Some(prop) => Wanted::Named(prop.children.clone()),
            None => Wanted::All,
        }
    }
}

pub fn find(call: &Call<'_>) -> Answer {
    let body = call.body()?;
    if body.as_ref().is_some_and(|root| !root.is(DAV, "propfind")) {
        return Err(Reply::new(400, "no propfind".to_owned()));
    }
    let wanted = Wanted::of(body.as_ref());
    let depth = call.request.header("depth").unwrap_or("infinity");
    let mut places = vec![call.place.clone()];
    match depth {
        "0" => {}
        "1" => places.extend(members(call.state, &call.place, call.login)),
        _ => return Err(refuse(403, d("propfind-finite-depth"))),
    }
    if !is_there(call.state, &call.place) {
        return Err(Reply::new(404, String::new()));
    }
    let responses = places.iter().map(|place| response(call.state, call.login, place, &wanted));
    Ok(xml(207, &d("multistatus").with_all(responses)))
}

fn is_there(state: &State, place: &Place) -> bool {
    match place {
        Place::Root | Place::Shelf(_) => true,
        Place::Principal(login) | Place::Home(login) | Place::Inbox(login) => state.homes.contains_key(login),
        Place::Letter(login, name) => state.homes.get(login).is_some_and(|home| home.inbox.contains_key(name)),
        Place::Calendar(login, calendar) => state.calendar(login, calendar).is_some(),
        Place::Object(login, calendar, name) => state.object(login, calendar, name).is_some(),
        Place::Nowhere => false,
    }
}

/// What is right in a collection. Of others nobody hears.
fn members(state: &State, place: &Place, who: &str) -> Vec<Place> {
    let own = str::to_owned;
    match place {
        Place::Root => vec![Place::Shelf("principals"), Place::Shelf("calendars")],
        Place::Shelf("principals") => vec![Place::Principal(own(who))],
        Place::Shelf(_) => vec![Place::Home(own(who))],
        Place::Home(login) => {
            let home = state.homes.get(login);
            let calendars = home.into_iter().flat_map(|home| home.calendars.keys());
            let calendars = calendars.map(|calendar| Place::Calendar(own(login), own(calendar)));
            let inbox = (state.switches.scheduling != Scheduling::Off).then(|| Place::Inbox(own(login)));
            calendars.chain(inbox).collect()
        }
        Place::Inbox(login) => {
            let letters = state.homes.get(login).into_iter().flat_map(|home| home.inbox.keys());
            letters.map(|name| Place::Letter(own(login), own(name))).collect()
        }
        Place::Calendar(login, calendar) => {
            let shown =
                state.calendar(login, calendar).filter(|_| state.switches.hides_objects_of != Some(login.as_str()));
            let objects = shown.into_iter().flat_map(|calendar| calendar.objects.keys());
            objects.map(|name| Place::Object(own(login), own(calendar), own(name))).collect()
        }
        Place::Principal(_) | Place::Letter(..) | Place::Object(..) | Place::Nowhere => Vec::new(),
    }
}

/// What a multistatus says of one resource: what it has, and what not.
pub fn response(state: &State, who: &str, place: &Place, wanted: &Wanted) -> Element {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    match wanted {
        Wanted::Named(names) => {
            for name in names {
                match property(state, who, place, name) {
                    Some(property) => found.push(property),
                    None => missing.push(Element::new(&name.ns, &name.name)),
                }
            }
        }
        Wanted::All => {
            let names = ["resourcetype", "displayname", "getetag", "getcontenttype", "getcontentlength"];
            found.extend(names.iter().filter_map(|name| property(state, who, place, &d(name))));
        }
    }
    let propstat = |properties: Vec<Element>, status: &str| {
        d("propstat").with(d("prop").with_all(properties)).with(d("status").says(status))
    };
    let mut response = d("response").with(href(&place.path()));
    if !found.is_empty() || missing.is_empty() {
        response = response.with(propstat(found, "HTTP/1.1 200 OK"));
    }
    if !missing.is_empty() {
        response = response.with(propstat(missing, "HTTP/1.1 404 Not Found"));
    }
    response
}

/// A resource that is not there, or of which something else is to be said.
pub fn only_status(path: &str, status: &str) -> Element {
    d("response").with(href(path)).with(d("status").says(status))
}

fn property(state: &State, who: &str, place: &Place, name: &Element) -> Option<Element> {
    let own = str::to_owned;
    let element = Element::new(&name.ns, &name.name);
    let principal = || href(&Place::Principal(own(who)).path());
    match (name.ns.as_str(), name.name.as_str()) {
        (DAV, "current-user-principal" | "owner") => return Some(element.with(principal())),
        (DAV, "principal-collection-set") => return Some(element.with(href("/principals/"))),
        (DAV, "current-user-privilege-set") => {
            let all = ["read", "read-current-user-privilege-set", "write", "write-content", "bind", "unbind"];
            return Some(element.with_all(all.map(|name| d("privilege").with(d(name)))));
        }
        _ => {}
    }
    match place {
        Place::Root | Place::Shelf(_) => name.is(DAV, "resourcetype").then(|| element.with(d("collection"))),
        Place::Principal(login) => of_principal(state, login, element),
        Place::Home(_) => match name.name.as_str() {
            "resourcetype" => Some(element.with(d("collection"))),
            "displayname" => Some(element.says("Calendars")),
            _ => None,
        },
        Place::Inbox(login) => match name.name.as_str() {
            "resourcetype" => Some(element.with(d("collection")).with(c("schedule-inbox"))),
            "schedule-default-calendar-URL" => {
                let default = Place::Calendar(own(login), own(DEFAULT.0));
                Some(element.with(href(&default.path())))
            }
            _ => None,
        },
        Place::Letter(..) => match name.name.as_str() {
            "resourcetype" => Some(element),
            "getcontenttype" => Some(element.says("text/calendar; charset=utf-8")),
            _ => None,
        },
        Place::Calendar(login, calendar) => of_calendar(state, state.calendar(login, calendar)?, element),
        Place::Object(login, calendar, name) => of_object(state, state.object(login, calendar, name)?, element),
        Place::Nowhere => None,
    }
}

fn of_principal(state: &State, login: &str, element: Element) -> Option<Element> {
    let person = &state.homes.get(login)?.person;
    let own = || login.to_owned();
    match (element.ns.as_str(), element.name.as_str()) {
        (DAV, "resourcetype") => Some(element.with(d("collection")).with(d("principal"))),
        (DAV, "displayname") => Some(element.says(&person.login)),
        (DAV, "principal-URL") => Some(element.with(href(&Place::Principal(own()).path()))),
        (CALDAV, "calendar-home-set") => Some(element.with(href(&Place::Home(own()).path()))),
        (CALDAV, "calendar-user-address-set") => Some(element.with(href(&format!("mailto:{}", person.address)))),
        (CALDAV, "schedule-inbox-URL") if state.switches.scheduling != Scheduling::Off => {
            Some(element.with(href(&Place::Inbox(own()).path())))
        }
        _ => None,
    }
}

fn of_calendar(state: &State, calendar: &Calendar, element: Element) -> Option<Element> {
    let switches = &state.switches;
    match (element.ns.as_str(), element.name.as_str()) {
        (DAV, "resourcetype") => Some(element.with(d("collection")).with(c("calendar"))),
        (DAV, "displayname") => Some(element.says(&calendar.display_name)),
        (DAV, "sync-token") if switches.tells_changes => Some(element.says(calendar.token(calendar.change))),
        (SERVER, "getctag") if switches.tells_ctags => Some(element.says(calendar.token(calendar.change))),
        (CALDAV, "supported-calendar-component-set") => {
            let all = KINDS.into_iter().filter(|kind| calendar.holds(kind));
            Some(element.with_all(all.map(|kind| {
                let mut component = c("comp");
                component.attributes.push(("name".to_owned(), kind.to_owned()));
                component
            })))
        }
        (CALDAV, "max-resource-size") => Some(element.says(switches.most_bytes)),
        (DAV, "supported-report-set") => {
            let report = |report: Element| d("supported-report").with(d("report").with(report));
            let all = [c("calendar-query"), c("calendar-multiget")].map(report);
            let sync = switches.tells_changes.then(|| report(d("sync-collection")));
            Some(element.with_all(all).with_all(sync))
        }
        (ns, name) => calendar.properties.iter().find(|known| known.is(ns, name)).cloned(),
    }
}

fn of_object(state: &State, stored: &Stored, element: Element) -> Option<Element> {
    match (element.ns.as_str(), element.name.as_str()) {
        (DAV, "resourcetype") => Some(element),
        (DAV, "getetag") => state.etag(stored).map(|etag| element.says(etag)),
        (DAV, "getcontenttype") => Some(element.says(kind(stored))),
        (DAV, "getcontentlength") => Some(element.says(stored.text.len())),
        (CALDAV, "calendar-data") if state.switches.reports_lack_attendees => {
            let mut root = stored.object.root.clone();
            for part in &mut root.children {
                part.lines.retain(|line| line.name != "ATTENDEE");
            }
            Some(element.says(root.written()))
        }
        (CALDAV, "calendar-data") => Some(element.says(&stored.text)),
        _ => None,
    }
}
