//! An event that is there already: changed or taken away, and only as it was seen.

use crate::agenda::CalDavAgenda;
use crate::classify::Asked;
use crate::form::{event, outgoing, stored};
use crate::href;
use crate::now::{Now, etag_of};
use crate::observe::{changed, is_etag};
use crate::request::{Condition, Deleted, delete, put};
use crate::silence::plain;
use bytes::Bytes;
use parom_calendar::Event;
use parom_calendar::event::{Answer, Attendee, Details};
use parom_domain::agenda::{CalendarId, EventSeen, Form, Handle, Version, Written};
use parom_domain::{Code, Result};

impl CalDavAgenda {
    pub(crate) async fn replace(&self, calendar: &CalendarId, seen: &EventSeen, form: &Form) -> Result<Written> {
        let way = self.way().await?;
        // What is there now is needed: the UID as it is written there, and who would hear of the change.
        let Some(now) = self.now(&seen.handle.0).await? else {
            return Err(changed(self, calendar, &form.uid));
        };
        if now.version != seen.version {
            return Err(changed(self, calendar, &form.uid));
        }
        let mut event = event(form)?;
        // It may be large, and is let go as soon as it has told what it knows.
        if let Ok(stored) = stored(&now.text, self.settings.zone.as_ref()) {
            if stored.form.uid != form.uid {
                return Err(changed(self, calendar, &form.uid));
            }
            if stored.form.hash == form.hash {
                return Ok(Written { handle: seen.handle.clone(), version: Some(seen.version.clone()) });
            }
            event.uid = stored.uid;
            not_before(&mut event, stored.sequence);
            self.keep_managed(calendar, &mut event, &stored.form).await?;
        }
        let text = self.fitting(calendar, &event, Some(&now.text)).await?;
        drop(event);
        if way.watch.would_answer(&now.text) {
            return self.exchange(calendar, seen, &now, text, form).await;
        }
        // What may be large is not kept while it is sent.
        drop(now);
        let mut condition = condition(&seen.version);
        loop {
            match put(&self.dav, &seen.handle.0, &condition, text.clone()).await? {
                Ok(_) if way.quirks.rewrites => return self.answered(calendar, seen.handle.clone(), form).await,
                Ok(put) => return self.written(seen.handle.clone(), &put, form).await,
                Err(refusal) if refusal.status == 412 && condition != Condition::Any => {
                    // A server that finds its own ETag weak takes it for no match (RFC 9110 section 8.8.3.2).
                    let now = self.now(&seen.handle.0).await?;
                    if !now.is_some_and(|now| now.is_weak && now.version == seen.version) {
                        return Err(changed(self, calendar, &form.uid));
                    }
                    condition = Condition::Any;
                }
                Err(refusal) => return Err(self.refusal(Asked::Update, &refusal).with("bytes", text.len())),
            }
        }
    }

    /// A change makes some servers ask everybody anew: SOGo 5.8 raises SEQUENCE and sets each PARTSTAT to NEEDS-ACTION, and says
    /// nothing of it. Told the answers once more, with the SEQUENCE that it gave, it keeps them.
    async fn answered(&self, calendar: &CalendarId, handle: Handle, form: &Form) -> Result<Written> {
        let unknown = |handle| Ok(Written { handle, version: None });
        let Some(now) = self.now(&handle.0).await? else { return unknown(handle) };
        let Ok(there) = stored(&now.text, self.settings.zone.as_ref()) else { return unknown(handle) };
        if there.form.hash == form.hash {
            return Ok(Written { handle, version: Some(now.version) });
        }
        let mut event = event(form)?;
        if there.form.uid != form.uid || !has_lost_answers(&event, &self::event(&there.form)?) {
            return unknown(handle);
        }
        event.uid = there.uid;
        event.all_details_mut().for_each(|details| details.sequence = details.sequence.max(there.sequence));
        self.keep_managed(calendar, &mut event, &there.form).await?;
        // What may not be written is left as it is: it is looked at again.
        let Ok(text) = self.fitting(calendar, &event, Some(&now.text)).await else { return unknown(handle) };
        match put(&self.dav, &handle.0, &condition(&now.version), text).await? {
            Ok(_) => {
                let version = self.version_if(&handle, form).await?;
                Ok(Written { handle, version })
            }
            Err(_) => unknown(handle),
        }
    }

    /// Takes an invitation away, which is silent by its header, and puts the new event in its place, which is silent because it
    /// is in our hands. What is interrupted in between is a deletion here and an edit there, and the edit wins.
    async fn exchange(
        &self,
        calendar: &CalendarId,
        seen: &EventSeen,
        now: &Now,
        text: Bytes,
        form: &Form,
    ) -> Result<Written> {
        let place = &seen.handle.0;
        match delete(&self.dav, place, &condition(&seen.version)).await? {
            Deleted::Gone => {}
            Deleted::Refused(refusal) => return Err(self.refusal(Asked::Update, &refusal)),
        }
        // Nothing is there now, so a PUT that got lost may come twice; this is no place to give up at once.
        let stored_now = match put(&self.dav, place, &Condition::New, text.clone()).await {
            Err(error) if matches!(error.code(), Code::ConnectionLost | Code::TimedOut) => {
                put(&self.dav, place, &Condition::New, text).await?
            }
            other => other?,
        };
        let refusal = match stored_now {
            Ok(put) => return self.written(seen.handle.clone(), &put, form).await,
            Err(refusal) if refusal.status == 412 => match self.version_if(&seen.handle, form).await? {
                None => return Err(changed(self, calendar, &form.uid)),
                version => return Ok(Written { handle: seen.handle.clone(), version }),
            },
            Err(refusal) => refusal,
        };
        // As it was, but for the hands it is in.
        let before = stored(&now.text, self.settings.zone.as_ref()).ok();
        if let Some(before) = before {
            let mut event = event(&before.form)?;
            event.uid = before.uid;
            let back = put(&self.dav, place, &Condition::New, outgoing(&event).into()).await?;
            if let Err(refusal) = back {
                return Err(self.refusal(Asked::Create, &refusal));
            }
        }
        Err(self.refusal(Asked::Update, &refusal))
    }

    pub(crate) async fn take_away(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        let way = self.way().await?;
        let uid = href::last(&seen.handle.0);
        let must_look = way.watch.schedules || way.quirks.reuses_etags || !is_etag(&seen.version);
        if must_look {
            let Some(now) = self.now(&seen.handle.0).await? else { return Ok(()) };
            if now.version != seen.version {
                return Err(changed(self, calendar, &uid));
            }
            if let Some(letter) = way.watch.letter(Some(&now.text), None) {
                return Err(letter.error(self, calendar, &uid));
            }
        }
        let mut condition = condition(&seen.version);
        loop {
            match delete(&self.dav, &seen.handle.0, &condition).await? {
                Deleted::Gone => return Ok(()),
                Deleted::Refused(refusal) if refusal.status == 412 && condition != Condition::Any => {
                    let Some(now) = self.now(&seen.handle.0).await? else { return Ok(()) };
                    if !now.is_weak || now.version != seen.version {
                        return Err(changed(self, calendar, &uid));
                    }
                    condition = Condition::Any;
                }
                // It is gone: `If-Match: *` holds for nothing.
                Deleted::Refused(refusal) if refusal.status == 412 => return Ok(()),
                Deleted::Refused(refusal) => return Err(self.refusal(Asked::Remove, &refusal)),
            }
        }
    }
}

/// What a version asks for. One that is not the server's own was compared by us.
fn condition(version: &Version) -> Condition {
    etag_of(version).map_or(Condition::Any, |etag| Condition::Is(etag.to_owned()))
}

/// Was an answer that was sent set back to none?
fn has_lost_answers(sent: &Event, there: &Event) -> bool {
    let lost = |sent: &Details, there: &Details| {
        let of = |address: &str| there.attendees.iter().find(|it| plain(&it.person.address) == plain(address));
        let is_lost = |it: &Attendee| {
            it.answer != Answer::NeedsAction
                && of(&it.person.address).is_some_and(|there| there.answer == Answer::NeedsAction)
        };
        sent.attendees.iter().any(is_lost)
    };
    let exceptions = sent.exceptions.iter().filter_map(|(at, sent)| Some((sent, there.exceptions.get(at)?)));
    sent.master().zip(there.master()).into_iter().chain(exceptions).any(|(sent, there)| lost(sent, there))
}

/// Clients and servers take what has a lower SEQUENCE than they know for old (RFC 5546 section 2.1.4).
fn not_before(event: &mut Event, sequence: u32) {
    if let Some(master) = event.master_mut() {
        master.sequence = master.sequence.max(sequence);
    }
}
