//! From an HTTP request to its answer: who asks, may they, and which method.

use super::place::Place;
use super::store::State;
use super::xml::{Element, d};
use super::{Reaction, properties, report, write};
use crate::ews::http::{Body, Reply, Request};
use crate::gauge::Gauge;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

pub const METHODS: &str = "OPTIONS, GET, PUT, DELETE, MOVE, PROPFIND, PROPPATCH, REPORT, MKCALENDAR";

pub struct Site {
    state: Mutex<State>,
    pub gauge: Gauge,
}

/// What a method works with.
pub struct Call<'a> {
    pub state: &'a mut State,
    /// Who asks.
    pub login: &'a str,
    pub place: Place,
    pub request: &'a Request,
}

/// An answer that is none of success.
pub type Answer = Result<Reply, Reply>;

impl Site {
    pub fn new(state: State) -> Site {
        Site { state: Mutex::new(state), gauge: Gauge::default() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn answer(&self, request: Request) -> Reply {
        let _busy = self.gauge.enter();
        let latency = self.state().switches.latency;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        self.respond(&request)
    }

    pub fn respond(&self, request: &Request) -> Reply {
        // RFC 6764 section 5: whoever asks is shown the way before he is asked for his name.
        if request.path.trim_end_matches('/') == "/.well-known/caldav" {
            return Reply::new(301, String::new()).header("Location", "/");
        }
        let mut state = self.state();
        *state.calls.entry(request.method.clone()).or_default() += 1;
        let Some(login) = sign_in(&state, request) else {
            return Reply::new(401, String::new()).header("WWW-Authenticate", "Basic realm=\"calendars\"");
        };
        if let Some(wait) = blocked(&state, &login) {
            return Reply::new(503, String::new()).header("Retry-After", wait.as_secs().max(1));
        }
        let at = state.scripts.iter().position(|(method, _)| *method == request.method);
        let mut loses_answer = false;
        match at.and_then(|at| state.scripts.remove(at)).map(|(_, reaction)| reaction) {
            Some(Reaction::Busy { retry_after_s }) => {
                return Reply::new(503, String::new()).header("Retry-After", retry_after_s);
            }
            Some(Reaction::Status(status)) => return Reply::new(status, String::new()),
            Some(Reaction::Broken) => return broken(),
            Some(Reaction::BrokenAfter) => loses_answer = true,
            None => {}
        }
        let mut call = Call { state: &mut state, login: &login, place: Place::read(&request.path), request };
        let reply = call.perform().unwrap_or_else(|refused| refused);
        if loses_answer { broken() } else { reply.header("DAV", classes(&state)) }
    }
}

fn broken() -> Reply {
    Reply { status: 200, headers: Vec::new(), body: Body::Broken }
}

/// The DAV header (RFC 4918 section 10.1).
fn classes(state: &State) -> &'static str {
    match state.switches.scheduling {
        super::Scheduling::Off => "1, 3, access-control, calendar-access",
        _ => "1, 3, access-control, calendar-access, calendar-auto-schedule",
    }
}

fn blocked(state: &State, login: &str) -> Option<Duration> {
    state.homes.get(login)?.blocked_until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// Who signed in, by Basic.
fn sign_in(state: &State, request: &Request) -> Option<String> {
    let (scheme, secret) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(secret.trim()).ok()?).ok()?;
    let (login, password) = pair.split_once(':')?;
    state.homes.get(login).filter(|home| home.person.password == password).map(|home| home.person.login.clone())
}

impl Call<'_> {
    fn perform(&mut self) -> Answer {
        if self.place.owner().is_some_and(|owner| owner != self.login) {
            return Err(refuse(403, d("need-privileges")));
        }
        match self.request.method.as_str() {
            "OPTIONS" => Ok(Reply::new(200, String::new()).header("Allow", METHODS)),
            "PROPFIND" => properties::find(self),
            "PROPPATCH" => write::patch(self),
            "REPORT" => report::report(self),
            "GET" => self.get(),
            "PUT" => write::put(self),
            "DELETE" => write::delete(self),
            "MOVE" => write::relocate(self),
            "MKCALENDAR" => write::make_calendar(self),
            _ => Err(Reply::new(405, String::new()).header("Allow", METHODS)),
        }
    }

    fn get(&mut self) -> Answer {
        let missing = || Reply::new(404, String::new());
        match &self.place {
            Place::Object(login, calendar, name) => {
                let stored = self.state.object(login, calendar, name).ok_or_else(missing)?;
                let reply = Reply::new(200, stored.text.clone()).header("Content-Type", kind(stored));
                Ok(match self.state.etag(stored) {
                    Some(etag) => reply.header("ETag", etag),
                    None => reply,
                })
            }
            Place::Letter(login, name) => {
                let home = self.state.homes.get(login).ok_or_else(missing)?;
                let text = home.inbox.get(name).ok_or_else(missing)?;
                Ok(Reply::new(200, text.clone()).header("Content-Type", "text/calendar; charset=utf-8"))
            }
            Place::Nowhere => Err(missing()),
            _ => Err(Reply::new(405, String::new()).header("Allow", METHODS)),
        }
    }

    /// The body as XML; `None` where there is none.
    pub fn body(&self) -> Result<Option<Element>, Reply> {
        if self.request.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let text = std::str::from_utf8(&self.request.body).map_err(|_| Reply::new(400, "not UTF-8".to_owned()))?;
        Element::parse(text).map(Some).map_err(|error| Reply::new(400, error))
    }
}

/// The kind of what is stored, as a header and a property tell it.
pub fn kind(stored: &super::store::Stored) -> String {
    format!("text/calendar; charset=utf-8; component={}", stored.object.kind.to_lowercase())
}

/// A refusal with the precondition that does not hold (RFC 4918 section 16).
pub fn refuse(status: u16, condition: Element) -> Reply {
    xml(status, &d("error").with(condition))
}

pub fn xml(status: u16, document: &Element) -> Reply {
    Reply::new(status, document.document()).header("Content-Type", "application/xml; charset=utf-8")
}
