//! REPORT sync-collection (RFC 6578): what changed since a token.

use crate::classify::{Asked, Refusal};
use crate::dav::{self, DEPTH, Dav, XML};
use crate::multistatus::Multistatus;
use crate::xml::{DECLARATION, PREFIXES, escaped};
use parom_domain::Result;
use parom_net::http::{Url, header};

/// One part of what changed.
pub struct Changes {
    /// Where the answer came from: its hrefs are read from there.
    pub url: Url,
    pub multistatus: Multistatus,
}

/// The refusal where there is no 207: the caller knows what follows from it.
///
/// # Errors
/// Those of the connection, and what is no multistatus.
pub async fn sync(dav: &Dav, calendar: &str, token: &str) -> Result<Result<Changes, Refusal>> {
    let body = format!(
        "{DECLARATION}<d:sync-collection {PREFIXES}><d:sync-token>{}</d:sync-token><d:sync-level>1</d:sync-level>\
         <d:prop><d:resourcetype/><d:getetag/><d:getcontenttype/></d:prop></d:sync-collection>",
        escaped(token)
    );
    // RFC 6578 section 3.2: the depth is 0, whatever the level.
    let request =
        dav::request("REPORT", calendar)?.with(DEPTH, "0")?.with(header::CONTENT_TYPE, XML)?.body(body).repeatable();
    let answer = dav.send(request).await?;
    if answer.status() != 207 {
        return Ok(Err(answer.refusal()));
    }
    let multistatus = dav.multistatus(Asked::Look, &answer)?;
    Ok(Ok(Changes { url: answer.head.url, multistatus }))
}
