//! MKCALENDAR (RFC 4791 section 5.3.1): a calendar for events.

use crate::classify::Refusal;
use crate::dav::{self, Dav, XML};
use crate::xml::{DECLARATION, PREFIXES, escaped};
use parom_domain::Result;
use parom_net::http::header;

pub enum Made {
    Now,
    /// Something of that path is there already.
    Before,
    Refused(Refusal),
}

/// # Errors
/// Those of the connection.
pub async fn mkcalendar(dav: &Dav, place: &str, name: &str) -> Result<Made> {
    let body = format!(
        "{DECLARATION}<c:mkcalendar {PREFIXES}><d:set><d:prop><d:displayname>{}</d:displayname>\
         <c:supported-calendar-component-set><c:comp name=\"VEVENT\"/></c:supported-calendar-component-set>\
         </d:prop></d:set></c:mkcalendar>",
        escaped(name)
    );
    let request = dav::request("MKCALENDAR", place)?.with(header::CONTENT_TYPE, XML)?.body(body);
    let answer = dav.send(request).await?;
    if matches!(answer.status(), 200 | 201) {
        return Ok(Made::Now);
    }
    let refusal = answer.refusal();
    // RFC 4791 section 5.3.1.1; 405 is what MKCOL says, and also what a server says that has no such method.
    let before = refusal.tells("resource-must-be-null") || refusal.status == 405 || refusal.status == 409;
    Ok(if before { Made::Before } else { Made::Refused(refusal) })
}
