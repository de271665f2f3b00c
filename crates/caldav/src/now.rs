//! An event as it is stored now, with the version that lists tell of it.

use crate::agenda::CalDavAgenda;
use crate::multistatus::Member;
use crate::observe::{version, version_of};
use crate::quirks::Quirks;
use crate::request::{Got, Properties, get, get_created};
use crate::xml::Ns;
use bytes::Bytes;
use parom_domain::Result;
use parom_domain::agenda::Version;

pub struct Now {
    pub version: Version,
    /// The ETag that was told is no strong one.
    pub is_weak: bool,
    pub text: Bytes,
}

impl CalDavAgenda {
    /// `None` for one that is gone.
    ///
    /// # Errors
    /// As those of [`get`].
    pub(crate) async fn now(&self, place: &str) -> Result<Option<Now>> {
        let quirks = &self.way().await?.quirks;
        let got =
            if quirks.reuses_etags { get_created(&self.dav, place).await? } else { get(&self.dav, place).await? };
        let Some(Got { etag, created, text }) = got else { return Ok(None) };
        let told = etag.as_deref().and_then(version).map(|version| dated(version, created.as_deref()));
        let is_weak = etag.is_none_or(|etag| etag.starts_with("W/"));
        Ok(Some(Now { version: told.unwrap_or_else(|| version_of(&text)), is_weak, text }))
    }
}

/// What is asked of events in a list.
pub fn listed(quirks: &Quirks) -> Properties {
    if quirks.reuses_etags { Properties::EVENTS_CREATED } else { Properties::EVENTS }
}

/// The version that a list tells of an event. `None` where it has no ETag.
pub fn listed_version(member: &Member) -> Option<Version> {
    let version = member.text(Ns::Dav, "getetag").and_then(version)?;
    Some(dated(version, member.text(Ns::Dav, "creationdate")))
}

/// A version that is another one for another event which has been made under the same name: SOGo 5.8 counts from nought again.
fn dated(version: Version, created: Option<&str>) -> Version {
    created.map_or(version.clone(), |created| Version(format!("{}@{created}", version.0).into()))
}

/// The ETag in a version: what the server itself knows. `None` for a version of ours.
pub fn etag_of(version: &Version) -> Option<&str> {
    let rest = version.0.strip_prefix('"')?;
    rest.find('"').and_then(|end| version.0.get(..end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_version_knows_its_etag() {
        let plain = version("\"gcs1\"").unwrap();
        let dated = dated(plain.clone(), Some("Sat, 28 Nov 2026 10:37:49 +0300"));
        assert_ne!(plain, dated);
        assert_eq!((etag_of(&plain), etag_of(&dated)), (Some("\"gcs1\""), Some("\"gcs1\"")));
        assert_eq!(etag_of(&version_of(b"x")), None);
    }
}
