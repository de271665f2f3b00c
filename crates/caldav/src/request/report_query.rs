//! REPORT calendar-query (RFC 4791 section 7.8): the events with a UID.

use crate::classify::{Asked, Refusal};
use crate::dav::{self, DEPTH, Dav, XML};
use crate::multistatus::Multistatus;
use crate::xml::{DECLARATION, PREFIXES, escaped};
use parom_domain::Result;
use parom_net::http::{Url, header};

/// A text matches also where it is only a part, and some servers match more: the caller looks at what is found.
///
/// # Errors
/// Those of the connection, and what is no multistatus.
pub async fn query_uid(dav: &Dav, calendar: &str, uid: &str) -> Result<Result<(Url, Multistatus), Refusal>> {
    let body = format!(
        "{DECLARATION}<c:calendar-query {PREFIXES}><d:prop><d:getetag/></d:prop><c:filter>\
         <c:comp-filter name=\"VCALENDAR\"><c:comp-filter name=\"VEVENT\"><c:prop-filter name=\"UID\">\
         <c:text-match collation=\"i;ascii-casemap\">{}</c:text-match></c:prop-filter></c:comp-filter></c:comp-filter>\
         </c:filter></c:calendar-query>",
        escaped(uid)
    );
    let request =
        dav::request("REPORT", calendar)?.with(DEPTH, "1")?.with(header::CONTENT_TYPE, XML)?.body(body).repeatable();
    let answer = dav.send(request).await?;
    if answer.status() != 207 {
        return Ok(Err(answer.refusal()));
    }
    let multistatus = dav.multistatus(Asked::Look, &answer)?;
    Ok(Ok((answer.head.url, multistatus)))
}
