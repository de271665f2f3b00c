//! REPORT calendar-multiget (RFC 4791 section 7.9): events in full, by name.

use crate::classify::Refusal;
use crate::dav::{self, DEPTH, Dav, XML};
use crate::multistatus::Multistatus;
use crate::xml::{DECLARATION, PREFIXES, escaped};
use parom_domain::Result;
use parom_net::http::{Url, header};

/// A longer answer is not read to its end: the caller asks for fewer events at once. So many large ones are never in memory
/// together.
const MOST_BYTES: u64 = 16 << 20;

/// `None` where the answer is no multistatus that can be read: one event in it may be the reason, and they are then read one
/// by one. A refusal is the caller's business.
///
/// # Errors
/// Those of the connection, and with an argument `limit` that of an answer which is too long.
pub async fn multiget(
    dav: &Dav,
    calendar: &str,
    places: &[&str],
) -> Result<Result<Option<(Url, Multistatus)>, Refusal>> {
    let mut body =
        format!("{DECLARATION}<c:calendar-multiget {PREFIXES}><d:prop><d:getetag/><c:calendar-data/></d:prop>");
    for place in places {
        body.push_str("<d:href>");
        body.push_str(&escaped(place));
        body.push_str("</d:href>");
    }
    body.push_str("</c:calendar-multiget>");
    let request = dav::request("REPORT", calendar)?.with(DEPTH, "1")?.with(header::CONTENT_TYPE, XML)?;
    let request = request.body(body).repeatable().at_most(MOST_BYTES);
    let answer = dav.send(request).await?;
    if answer.status() != 207 {
        return Ok(Err(answer.refusal()));
    }
    Ok(Ok(Multistatus::parse(&answer.body).ok().map(|multistatus| (answer.head.url, multistatus))))
}
