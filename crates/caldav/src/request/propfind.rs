//! PROPFIND (RFC 4918 section 9.1): properties of a resource, and of those in it.

use crate::classify::Asked;
use crate::dav::{self, DEPTH, Dav, XML};
use crate::multistatus::Multistatus;
use crate::xml::{DECLARATION, PREFIXES};
use parom_domain::Result;
use parom_net::http::{Head, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Itself,
    Members,
}

/// Which properties: XML with the prefixes of [`crate::xml::PREFIXES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Properties(pub &'static str);

impl Properties {
    /// Where somebody's calendars are.
    pub const WAY: Properties = Properties(
        "<d:resourcetype/><d:current-user-principal/><d:owner/><c:calendar-home-set/><c:schedule-inbox-URL/>\
         <c:calendar-user-address-set/>",
    );
    /// What a calendar is.
    pub const CALENDAR: Properties = Properties(
        "<d:resourcetype/><d:displayname/><d:current-user-privilege-set/><d:supported-report-set/><d:sync-token/>\
         <cs:getctag/><c:supported-calendar-component-set/><c:max-resource-size/>",
    );
    /// Where the server puts invitations.
    pub const INBOX: Properties = Properties("<c:schedule-default-calendar-URL/>");
    /// Where a calendar stands.
    pub const STATE: Properties = Properties("<d:resourcetype/><d:sync-token/><cs:getctag/>");
    /// Which events there are.
    pub const EVENTS: Properties = Properties("<d:resourcetype/><d:getetag/><d:getcontenttype/>");
    /// The same, and when they were made.
    pub const EVENTS_CREATED: Properties =
        Properties("<d:resourcetype/><d:getetag/><d:getcontenttype/><d:creationdate/>");
}

/// # Errors
/// Whatever is no 207.
pub async fn propfind(
    dav: &Dav,
    asked: Asked,
    at: &str,
    depth: Depth,
    Properties(properties): Properties,
) -> Result<(Head, Multistatus)> {
    let body = format!("{DECLARATION}<d:propfind {PREFIXES}><d:prop>{properties}</d:prop></d:propfind>");
    let depth = if depth == Depth::Itself { "0" } else { "1" };
    let request = dav::request("PROPFIND", at)?
        .with(DEPTH, depth)?
        .with(header::CONTENT_TYPE, XML)?
        .body(body)
        .repeatable()
        .following(if asked == Asked::Home { 5 } else { 0 });
    let answer = dav.send(request).await?;
    if let Some(error) = dav.refused_itself(asked, &answer) {
        return Err(error);
    }
    let multistatus = dav.multistatus(asked, &answer)?;
    Ok((answer.head, multistatus))
}
