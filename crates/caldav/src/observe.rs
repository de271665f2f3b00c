//! What is in a calendar, or what changed in it (RFC 6578, else the CTag and ETags).

use crate::agenda::CalDavAgenda;
use crate::classify::{Asked, classify, token_is_unknown};
use crate::discover::Way;
use crate::href;
use crate::multistatus::Member;
use crate::now::{listed, listed_version};
use crate::request::{Depth, Properties, propfind, sync};
use crate::xml::{Broken, Ns};
use parom_domain::agenda::{AgendaLook, CalendarId, EventSeen, Handle, Token, Version};
use parom_domain::{Error, Result};
use parom_net::http::Url;

/// What a token of ours is.
#[derive(Debug, PartialEq, Eq)]
enum Mark<'a> {
    Sync(&'a str),
    CTag(&'a str),
}

impl Mark<'_> {
    fn parse(token: &Token) -> Option<Mark<'_>> {
        match token.0.split_once(':')? {
            // An empty one asks a server for everything, and calls that what changed.
            (_, "") => None,
            ("sync", token) => Some(Mark::Sync(token)),
            ("ctag", ctag) => Some(Mark::CTag(ctag)),
            _ => None,
        }
    }

    fn token(&self) -> Token {
        match self {
            Mark::Sync(token) => Token(format!("sync:{token}").into()),
            Mark::CTag(ctag) => Token(format!("ctag:{ctag}").into()),
        }
    }
}

/// A delta comes in at most so many parts; then everything is looked at instead.
const MOST_PARTS: usize = 1000;

impl CalDavAgenda {
    pub(crate) async fn look(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        let way = self.way().await?;
        match since.and_then(Mark::parse) {
            Some(Mark::Sync(token)) if way.quirks.sync_tokens && self.syncs(calendar) => {
                if let Some(look) = self.changes(calendar, token).await? {
                    return Ok(look);
                }
            }
            Some(Mark::CTag(ctag)) if way.quirks.ctags => {
                let now = self.state(&way, calendar).await?;
                if now.as_ref().and_then(Mark::parse) == Some(Mark::CTag(ctag)) {
                    return Ok(AgendaLook { token: now, ..AgendaLook::default() });
                }
            }
            _ => {}
        }
        self.everything(&way, calendar).await
    }

    /// What changed since a token; `None` where that cannot be told.
    async fn changes(&self, calendar: &CalendarId, since: &str) -> Result<Option<AgendaLook>> {
        let mut look = AgendaLook::default();
        let mut unversioned = Vec::new();
        let mut token = since.to_owned();
        for _ in 0..MOST_PARTS {
            let changes = match sync(&self.dav, &calendar.0, &token).await? {
                Ok(changes) => changes,
                Err(refusal) if token_is_unknown(&refusal) => {
                    if matches!(refusal.status, 405 | 415 | 501) || refusal.tells("supported-report") {
                        self.learn_without_sync(calendar);
                    }
                    return Ok(None);
                }
                Err(refusal) => return Err(self.dav.named(classify(Asked::Look, &refusal))),
            };
            let mut more = false;
            for member in &changes.multistatus.members {
                let Some(place) = href::place(&self.dav.client.origin(), &changes.url, &member.href) else { continue };
                let Some(name) = href::child(&calendar.0, &place) else {
                    // RFC 6578 section 3.6: so the server says that there is more.
                    more |= member.status == Some(507)
                        || member.conditions.iter().any(|it| it == "number-of-matches-within-limits");
                    continue;
                };
                match member.status {
                    Some(404 | 410) => gone(&mut look, &mut unversioned, Handle(place.into())),
                    None | Some(200) if !member.is_troubled() => {
                        note(member, name, Handle(place.clone().into()), &mut look, &mut unversioned);
                    }
                    // Something is not as it should be with one of them: what it is, the whole list tells.
                    _ => return Ok(None),
                }
            }
            let Some(next) = changes.multistatus.sync_token else { return Ok(None) };
            if !more {
                look.token = Some(Mark::Sync(&next).token());
                self.settle(calendar, &mut look, unversioned).await?;
                return Ok(Some(look));
            }
            // A server that stays where it is would keep us here for ever.
            if next == token {
                return Ok(None);
            }
            token = next;
        }
        Ok(None)
    }

    /// Where a calendar stands: what the next look may begin from.
    async fn state(&self, way: &Way, calendar: &CalendarId) -> Result<Option<Token>> {
        let (head, all) = propfind(&self.dav, Asked::Look, &calendar.0, Depth::Itself, Properties::STATE).await?;
        let member = self.own(&head, all).ok_or_else(|| self.dav.unexpected(Asked::Look, Broken("an empty list")))?;
        if member.is_troubled() {
            return Err(self.dav.unexpected(Asked::Look, Broken("a calendar in trouble")));
        }
        let sync = member.text(Ns::Dav, "sync-token").filter(|_| way.quirks.sync_tokens && self.syncs(calendar));
        let ctag = member.text(Ns::CalendarServer, "getctag").filter(|_| way.quirks.ctags);
        Ok(sync.map(Mark::Sync).or(ctag.map(Mark::CTag)).map(|mark| mark.token()))
    }

    async fn everything(&self, way: &Way, calendar: &CalendarId) -> Result<AgendaLook> {
        // INVARIANT: the token is taken before the list, so that what comes in between is seen again.
        let token = self.state(way, calendar).await?;
        let (head, all) = propfind(&self.dav, Asked::Look, &calendar.0, Depth::Members, listed(&way.quirks)).await?;
        let mut look = AgendaLook { complete: true, token, ..AgendaLook::default() };
        let mut unversioned = Vec::new();
        let (mut itself, mut skipped) = (false, 0);
        for member in &all.members {
            if member.is_troubled() || member.status == Some(507) {
                return Err(self.dav.unexpected(Asked::Look, Broken("a list that is not complete")));
            }
            let place = href::place(&self.dav.client.origin(), &head.url, &member.href);
            let Some(place) = place else { continue };
            let Some(name) = href::child(&calendar.0, &place) else {
                itself |= href::collection(place) == *calendar.0;
                continue;
            };
            if matches!(member.status, Some(404 | 410)) {
                continue;
            }
            if !note(member, name, Handle(place.clone().into()), &mut look, &mut unversioned) {
                skipped += 1;
            }
        }
        // The calendar is in its own list. What has not even that is no list, whatever its status.
        if !itself && look.present.is_empty() && unversioned.is_empty() {
            return Err(self.dav.unexpected(Asked::Look, Broken("an empty list")));
        }
        self.settle(calendar, &mut look, unversioned).await?;
        self.count_skipped(calendar, skipped);
        Ok(look)
    }

    /// Events without an ETag are known by what they say, and so cannot change unseen.
    async fn settle(&self, calendar: &CalendarId, look: &mut AgendaLook, unversioned: Vec<Handle>) -> Result<()> {
        for event in self.fetch(calendar, &unversioned).await? {
            look.present.push(EventSeen { handle: event.handle, version: event.version });
        }
        // Later parts of a delta tell of the same event again.
        look.present.reverse();
        let mut seen = std::collections::BTreeSet::new();
        look.present.retain(|event| seen.insert(event.handle.clone()));
        look.present.reverse();
        look.gone.sort();
        look.gone.dedup();
        Ok(())
    }
}

fn gone(look: &mut AgendaLook, unversioned: &mut Vec<Handle>, handle: Handle) {
    look.present.retain(|event| event.handle != handle);
    unversioned.retain(|known| *known != handle);
    look.gone.push(handle);
}

/// Takes an event into the look; `false` for what is none.
fn note(member: &Member, name: &str, handle: Handle, look: &mut AgendaLook, unversioned: &mut Vec<Handle>) -> bool {
    let is_collection = member.property(Ns::Dav, "resourcetype").is_some_and(|kind| kind.has(Ns::Dav, "collection"));
    if is_collection || !may_be_event(member.text(Ns::Dav, "getcontenttype"), name) {
        return false;
    }
    // It was taken away and has come again.
    look.gone.retain(|known| *known != handle);
    match listed_version(member) {
        Some(version) => look.present.push(EventSeen { handle, version }),
        None => unversioned.push(handle),
    }
    true
}

/// `text/calendar; component=VJOURNAL` is no event; who tells no component may have any.
fn may_be_event(content_type: Option<&str>, name: &str) -> bool {
    let Some(content_type) = content_type.map(str::to_ascii_lowercase) else {
        return !name.starts_with('.');
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_calendar = parts.next().is_some_and(|kind| kind == "text/calendar" || kind == "application/octet-stream");
    let component = parts.find_map(|part| part.strip_prefix("component="));
    is_calendar && component.is_none_or(|component| component.trim_matches('"') == "vevent")
}

/// An ETag without its weakness: the same event must have the same version in a list, a GET and a PUT, whatever a proxy in
/// between made of it. `None` for an empty one.
pub fn version(etag: &str) -> Option<Version> {
    let etag = etag.trim();
    let opaque = etag.strip_prefix("W/").or_else(|| etag.strip_prefix("w/")).unwrap_or(etag);
    let opaque = opaque.trim_matches('"');
    (!opaque.is_empty()).then(|| Version(format!("\"{opaque}\"").into()))
}

/// The version of an event that has no ETag: what it says. XML does not keep line ends, so they count for nothing.
pub fn version_of(text: &[u8]) -> Version {
    let plain: Vec<u8> = text.trim_ascii().iter().copied().filter(|byte| *byte != b'\r').collect();
    Version(format!("#{}", blake3::hash(&plain).to_hex()).into())
}

/// Is it a version that the server knows too?
pub fn is_etag(version: &Version) -> bool {
    version.0.starts_with('"')
}

/// The event is another one than was believed.
pub fn changed(agenda: &CalDavAgenda, calendar: &CalendarId, uid: &str) -> Error {
    agenda.event_error(parom_domain::Code::EventChanged, parom_domain::Retry::Soon, calendar, uid)
}

/// Where an answer's hrefs lead, told by handle.
pub fn handle(agenda: &CalDavAgenda, at: &Url, href: &str) -> Option<Handle> {
    href::place(&agenda.dav.client.origin(), at, href).map(|place| Handle(place.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_has_one_spelling() {
        for etag in ["\"abc\"", "W/\"abc\"", "abc", " w/\"abc\" "] {
            assert_eq!(version(etag), Some(Version("\"abc\"".into())), "{etag}");
        }
        assert_eq!(version("\"\""), None);
        assert!(is_etag(&version("abc").unwrap()) && !is_etag(&version_of(b"x")));
        assert_eq!(version_of(b"a\r\nb\r\n"), version_of(b"a\nb"));
    }

    #[test]
    fn tokens_are_read_back() {
        for mark in [Mark::Sync("http://x/ns/sync:1"), Mark::CTag("\"a:b\"")] {
            assert_eq!(Mark::parse(&mark.token()).as_ref(), Some(&mark));
        }
        assert_eq!(Mark::parse(&Token("other".into())), None);
    }

    #[test]
    fn tasks_are_no_events() {
        for (content_type, expected) in [
            (None, true),
            (Some("text/calendar"), true),
            (Some("text/calendar; charset=utf-8; component=VEVENT"), true),
            (Some("text/calendar;charset=utf-8;component=VFREEBUSY"), false),
            (Some("text/calendar; component=\"VJOURNAL\""), false),
            (Some("text/vcard"), false),
        ] {
            assert_eq!(may_be_event(content_type, "1.ics"), expected, "{content_type:?}");
        }
    }
}
