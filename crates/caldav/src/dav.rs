//! One account's way to its server: requests go out, answers come back with a verdict at hand.

use crate::classify::{Asked, Refusal, classify};
use crate::multistatus::{self, Multistatus};
use crate::xml::Broken;
use bytes::Bytes;
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::http::{Client, Head, HeaderName, Method, Request, header};

pub const DEPTH: HeaderName = HeaderName::from_static("depth");
/// RFC 6638 section 8.1. sabre/dav goes by it on PUT too.
pub const SCHEDULE_REPLY: HeaderName = HeaderName::from_static("schedule-reply");
/// The argument `service` of errors.
pub const SERVICE: &str = "caldav";
pub const XML: &str = "application/xml; charset=utf-8";

/// Sends an account's requests.
pub struct Dav {
    pub client: Client,
    pub host: String,
    /// Whose calendars they are.
    pub owner: String,
    /// A larger event is not read.
    pub most_event_bytes: u64,
}

/// An answer of any status.
pub struct Answer {
    pub head: Head,
    pub body: Bytes,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    pub fn refusal(&self) -> Refusal {
        if let Some(wrapped) = self.wrapped() {
            return wrapped;
        }
        let conditions = if self.head.status.is_success() { Vec::new() } else { multistatus::conditions(&self.body) };
        let mut text = self.head.status.canonical_reason().unwrap_or_default().to_owned();
        if let Some(elsewhere) = self.head.redirect() {
            // What a sign-in page is asked may be a secret.
            let path = elsewhere.path.split('?').next().unwrap_or_default();
            text = format!("{text} to {}{path}", elsewhere.origin);
        }
        Refusal { status: self.status(), conditions, retry_after: self.head.retry_after(), text }
    }

    /// A refusal of one resource in the dress of a 207, under a name that it does not have: so Xandikos 0.2 says that there is
    /// no such calendar, and that an event is refused.
    fn wrapped(&self) -> Option<Refusal> {
        if self.status() != 207 {
            return None;
        }
        let members = Multistatus::parse(&self.body).ok()?.members;
        let [only] = members.as_slice() else { return None };
        let status = only.status.filter(|status| *status >= 400 && only.found.is_empty())?;
        Some(Refusal { status, conditions: only.conditions.clone(), ..Refusal::default() })
    }

    /// The ETag header, as it is.
    pub fn etag(&self) -> Option<&str> {
        self.head.header(&header::ETAG).filter(|etag| !etag.is_empty())
    }
}

impl Dav {
    pub async fn send(&self, request: Request) -> Result<Answer> {
        let response = self.client.send(request).await.map_err(|error| error.with("service", SERVICE))?;
        Ok(Answer { head: response.head, body: response.body })
    }

    /// The error that an answer means, with all that is known here.
    pub fn refused(&self, asked: Asked, answer: &Answer) -> Error {
        self.named(classify(asked, &answer.refusal()))
    }

    /// The error with all that is known here.
    pub fn named(&self, error: Error) -> Error {
        error.with("host", &self.host).with("login", &self.owner).with("service", SERVICE)
    }

    /// The error that an answer about one resource means; for a 207 too, if it is a refusal.
    pub fn refused_itself(&self, asked: Asked, answer: &Answer) -> Option<Error> {
        let refusal = if answer.status() == 207 { answer.wrapped()? } else { answer.refusal() };
        Some(self.named(classify(asked, &refusal)))
    }

    /// The answer as a multistatus; any other is an error.
    pub fn multistatus(&self, asked: Asked, answer: &Answer) -> Result<Multistatus> {
        if answer.status() != 207 {
            return Err(self.refused(asked, answer));
        }
        Multistatus::parse(&answer.body).map_err(|broken| self.unexpected(asked, broken))
    }

    /// An answer that cannot be what was asked for: nothing in it is believed.
    pub fn unexpected(&self, asked: Asked, Broken(what): Broken) -> Error {
        let scope = match asked {
            Asked::Home => Scope::Account,
            Asked::Look | Asked::Make => Scope::Folder,
            Asked::Read | Asked::Create | Asked::Update | Asked::Remove => Scope::Item,
        };
        Error::new(Code::AnswerUnexpected, scope, Retry::Soon).with("host", &self.host).with("answer", what)
    }
}

/// A request with a method that HTTP itself does not have.
pub fn request(method: &str, at: &str) -> Result<Request> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Error::internal("a method that is none"))?;
    Ok(Request::new(method, at))
}
