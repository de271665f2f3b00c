//! GET: one event as it is stored, or an attachment that is kept beside it.

use crate::classify::Asked;
use crate::dav::{self, DEPTH, Dav, XML};
use crate::multistatus::Multistatus;
use crate::xml::{Broken, DECLARATION, Ns, PREFIXES};
use bytes::Bytes;
use parom_domain::Result;
use parom_net::http::{Method, Request, header};

pub struct Got {
    /// The ETag as the server wrote it.
    pub etag: Option<String>,
    /// When it was made, as the server wrote it, where that was asked for.
    pub created: Option<String>,
    pub text: Bytes,
}

/// `None` for one that is gone.
///
/// # Errors
/// Whatever is neither 200 nor 404 nor 410, and with an argument `limit` that of an event that is too large.
pub async fn get(dav: &Dav, place: &str) -> Result<Option<Got>> {
    let request = Request::new(Method::GET, place).with(header::ACCEPT, "text/calendar")?.repeatable();
    let request = request.at_most(dav.most_event_bytes);
    let answer = dav.send(request).await?;
    match answer.status() {
        200 => Ok(Some(Got { etag: answer.etag().map(str::to_owned), created: None, text: answer.body })),
        404 | 410 => Ok(None),
        _ => Err(dav.refused(Asked::Read, &answer)),
    }
}

/// The same by PROPFIND (`calendar-data` as a property of its own is SOGo's), with when it was made, which no header tells.
///
/// # Errors
/// As those of [`get`].
pub async fn get_created(dav: &Dav, place: &str) -> Result<Option<Got>> {
    let properties = "<d:getetag/><d:creationdate/><c:calendar-data/>";
    let body = format!("{DECLARATION}<d:propfind {PREFIXES}><d:prop>{properties}</d:prop></d:propfind>");
    let request = dav::request("PROPFIND", place)?.with(DEPTH, "0")?.with(header::CONTENT_TYPE, XML)?;
    let answer = dav.send(request.body(body).repeatable().at_most(dav.most_event_bytes)).await?;
    if matches!(answer.status(), 404 | 410) {
        return Ok(None);
    }
    if let Some(error) = dav.refused_itself(Asked::Read, &answer) {
        return Err(error);
    }
    let broken = |what| dav.unexpected(Asked::Read, Broken(what));
    let members = Multistatus::parse(&answer.body).map_err(|Broken(what)| broken(what))?.members;
    let member = members.first().ok_or_else(|| broken("an empty list"))?;
    if matches!(member.status, Some(404 | 410)) {
        return Ok(None);
    }
    let text = member.property(Ns::CalDav, "calendar-data").ok_or_else(|| broken("an event without its text"))?;
    let told = |name| member.text(Ns::Dav, name).map(str::to_owned);
    let text = Bytes::copy_from_slice(text.text.as_bytes());
    Ok(Some(Got { etag: told("getetag"), created: told("creationdate"), text }))
}

/// What is stored at a place, whatever it is. `None` for what is gone.
///
/// # Errors
/// Whatever is neither 200 nor 404 nor 410.
pub async fn content(dav: &Dav, place: &str) -> Result<Option<Bytes>> {
    let answer = dav.send(Request::new(Method::GET, place).repeatable()).await?;
    match answer.status() {
        200 => Ok(Some(answer.body)),
        404 | 410 => Ok(None),
        _ => Err(dav.refused(Asked::Read, &answer)),
    }
}
