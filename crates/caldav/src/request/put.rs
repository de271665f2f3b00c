//! PUT (RFC 4791 section 5.3.2): an event is created or replaced.

use crate::classify::{Refusal, classify_large};
use crate::dav::{Dav, SCHEDULE_REPLY};
use bytes::Bytes;
use parom_domain::Result;
use parom_net::http::{Method, Request, Url, header};

/// What must hold for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is there.
    New,
    /// Nothing is there, asked of a server that does not heed `If-None-Match: *`: SOGo 5.8 lets an event be made whatever
    /// `If-Match` says, and compares it where one is there.
    NewByMatch,
    /// What is there has this strong ETag, in its quotation marks.
    Is(String),
    /// Something is there.
    Any,
}

impl Condition {
    pub fn set(&self, request: Request) -> Result<Request> {
        match self {
            Condition::New => request.with(header::IF_NONE_MATCH, "*"),
            Condition::NewByMatch => request.with(header::IF_NONE_MATCH, "*")?.with(header::IF_MATCH, "\"nothing\""),
            Condition::Is(etag) => request.with(header::IF_MATCH, etag),
            Condition::Any => request.with(header::IF_MATCH, "*"),
        }
    }
}

/// How it was stored.
pub struct Put {
    pub url: Url,
    /// Where the server put it, if it says so.
    pub location: Option<String>,
    /// The ETag as the server wrote it. A strong one says that what is stored is what was sent (RFC 4791 section 5.3.4).
    pub etag: Option<String>,
}

/// # Errors
/// Those of the connection: then it is not known whether the event was stored.
pub async fn put(dav: &Dav, place: &str, condition: &Condition, text: Bytes) -> Result<Result<Put, Refusal>> {
    let octets = text.len();
    let request = Request::new(Method::PUT, place)
        .with(header::CONTENT_TYPE, "text/calendar; charset=utf-8")?
        // INVARIANT: nobody is mailed because of us. The participants' SCHEDULE-AGENT is in the text.
        .with(SCHEDULE_REPLY, "F")?
        .body(text);
    let answer = dav.send(condition.set(request)?).await.map_err(|error| classify_large(error, octets))?;
    if !matches!(answer.status(), 200 | 201 | 204) {
        return Ok(Err(answer.refusal()));
    }
    Ok(Ok(Put {
        location: answer.head.header(&header::LOCATION).map(str::to_owned),
        etag: answer.etag().map(str::to_owned),
        url: answer.head.url,
    }))
}
