//! GET: one event as it is stored, or an attachment that is kept beside it.

use crate::classify::Asked;
use crate::dav::Dav;
use bytes::Bytes;
use parom_domain::Result;
use parom_net::http::{Method, Request, header};

pub struct Got {
    /// The ETag as the server wrote it.
    pub etag: Option<String>,
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
        200 => Ok(Some(Got { etag: answer.etag().map(str::to_owned), text: answer.body })),
        404 | 410 => Ok(None),
        _ => Err(dav.refused(Asked::Read, &answer)),
    }
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
