//! A new event.

use crate::agenda::CalDavAgenda;
use crate::classify::{Asked, Refusal, classify};
use crate::discover::Way;
use crate::form::{event, outgoing, stored};
use crate::href;
use crate::observe::version;
use crate::request::{Condition, Put, put};
use crate::silence::plain;
use bytes::Bytes;
use parom_calendar::Event;
use parom_domain::agenda::{CalendarId, Form, Handle, Version, Written};
use parom_domain::{Code, Error, Result, Retry};

/// Why an event is not stored (yet): a key of a sentence in every language.
pub const ORGANIZER_LACKS_IT: &str = "organizer-lacks-it";

/// So many names are tried for an event.
const MOST_NAMES: u32 = 4;

impl CalDavAgenda {
    pub(crate) async fn store_new(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        // The event itself is not kept while its text is sent: it may be large.
        let text = self.fitting(calendar, &event(form)?, None).await?;
        let way = self.way().await?;
        let condition = if way.quirks.ignores_none_match { Condition::NewByMatch } else { Condition::New };
        let (mut turn, mut is_again) = (0, false);
        while turn < MOST_NAMES {
            let place = format!("{}{}", calendar.0, href::of_uid(&form.uid, turn));
            let refusal = match put(&self.dav, &place, &condition, text.clone()).await? {
                Ok(put) => {
                    let told =
                        put.location.as_deref().and_then(|it| href::place(&self.dav.client.origin(), &put.url, it));
                    let place = told.filter(|told| href::child(&calendar.0, told).is_some()).unwrap_or(place);
                    return self.written(Handle(place.into()), &put, form).await;
                }
                Err(refusal) if refusal.status == 412 => refusal,
                Err(refusal) => {
                    return Err(self.why_not(calendar, form, &refusal).await?.with("bytes", text.len()));
                }
            };
            match self.now(&place).await? {
                // Something has this name: another event that somebody has named so, or this one.
                Some(there) if !is_of(&there.text, &form.uid) => turn += 1,
                Some(_) => return Err(self.refusal(Asked::Create, &refusal)),
                // Xandikos says so of a UID.
                None if refusal.says_uid_is_taken() => return Err(self.refusal(Asked::Create, &refusal)),
                // It went in between, or it was never there, and the server means something else.
                None if !is_again => is_again = true,
                None => return Err(self.not_made(&way, calendar, form, &refusal).await?),
            }
        }
        Err(self
            .event_error(Code::EventRefused, Retry::WhenFixed, calendar, &form.uid)
            .with("answer", "all names for the event are taken"))
    }

    /// SOGo 5.8 says 412 where an invitation is stored whose organizer has an account there, and not the meeting. They may get
    /// it another day.
    async fn not_made(&self, way: &Way, calendar: &CalendarId, form: &Form, refusal: &Refusal) -> Result<Error> {
        let told = self.refusal(Asked::Create, refusal);
        if told.code() != Code::EventExists {
            return Ok(told);
        }
        if !self.search(calendar, &form.uid).await?.is_empty() {
            return Ok(self.event_error(Code::EventExists, Retry::Soon, calendar, &form.uid));
        }
        let organizers = event(form)?.all_details().filter_map(|it| it.organizer.clone()).collect::<Vec<_>>();
        let other = organizers.into_iter().find(|it| !way.watch.addresses.contains(&plain(&it.address)));
        Ok(match other {
            Some(organizer) => {
                let error = self.event_error(Code::EventUnfit, Retry::Soon, calendar, &form.uid);
                error.with("detail", ORGANIZER_LACKS_IT).with("to", organizer.address)
            }
            None => self
                .event_error(Code::EventRefused, Retry::Soon, calendar, &form.uid)
                .with("answer", refusal.printable()),
        })
    }

    /// A bare 409 is told by servers for a UID that is there already, and for a calendar that is gone.
    async fn why_not(&self, calendar: &CalendarId, form: &Form, refusal: &Refusal) -> Result<Error> {
        let error = self.refusal(Asked::Create, refusal);
        if refusal.status != 409 || error.code() != Code::EventRefused || !refusal.conditions.is_empty() {
            return Ok(error);
        }
        if self.search(calendar, &form.uid).await?.is_empty() {
            return Ok(error);
        }
        Ok(self.event_error(Code::EventExists, Retry::Soon, calendar, &form.uid))
    }

    pub(crate) fn refusal(&self, asked: Asked, refusal: &Refusal) -> Error {
        self.dav.named(classify(asked, refusal))
    }

    /// The text of an event, if the server may have it: nobody hears of it, and it is not too large.
    pub(crate) async fn fitting(&self, calendar: &CalendarId, event: &Event, now: Option<&[u8]>) -> Result<Bytes> {
        let way = self.way().await?;
        if let Some(letter) = way.watch.letter(now, Some(event)) {
            return Err(letter.error(self, calendar, &event.uid));
        }
        let text = Bytes::from(outgoing(event));
        let bytes = text.len() as u64;
        match self.facts(calendar).await?.max_bytes {
            Some(limit) if bytes > limit => Err(self
                .event_error(Code::EventTooLarge, Retry::WhenFixed, calendar, &event.uid)
                .with("bytes", bytes)
                .with("limit", limit)),
            _ => Ok(text),
        }
    }

    /// How an event was left by a PUT.
    pub(crate) async fn written(&self, handle: Handle, put: &Put, form: &Form) -> Result<Written> {
        let quirks = &self.way().await?.quirks;
        let strong = put.etag.as_deref().filter(|etag| !etag.starts_with("W/")).and_then(version);
        // What rewrites events may say nothing of it, and what counts anew tells only half of the version.
        let version = match strong.filter(|_| !quirks.rewrites && !quirks.reuses_etags) {
            Some(version) => Some(version),
            None => self.version_if(&handle, form).await?,
        };
        Ok(Written { handle, version })
    }

    /// The version of what is stored, if that means what was sent: between the PUT and this look somebody may have changed it,
    /// and then it has to be looked at like any other change.
    pub(crate) async fn version_if(&self, handle: &Handle, form: &Form) -> Result<Option<Version>> {
        let Some(now) = self.now(&handle.0).await? else { return Ok(None) };
        let same = stored(&now.text, self.settings.zone.as_ref()).is_ok_and(|there| there.form.hash == form.hash);
        Ok(same.then_some(now.version))
    }
}

/// Is a stored event of this UID? What cannot be read may be.
fn is_of(text: &[u8], uid: &str) -> bool {
    stored(text, None).map_or(true, |stored| stored.form.uid == uid)
}
