//! Events in full, many at once where the server can.

use crate::agenda::CalDavAgenda;
use crate::classify::{Asked, classify, report_is_unknown};
use crate::form::{Stored, stored};
use crate::href;
use crate::multistatus::Member;
use crate::now::{Now, listed, listed_version};
use crate::observe::{handle, version, version_of};
use crate::request::{Depth, multiget, propfind};
use crate::xml::Ns;
use parom_calendar::{Unfit, from_ical, label};
use parom_domain::agenda::{CalendarId, EventRead, Handle, Version};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::BTreeMap;

impl CalDavAgenda {
    pub(crate) async fn fetch(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        if handles.is_empty() {
            return Ok(Vec::new());
        }
        let way = self.way().await?;
        let mut events = Vec::with_capacity(handles.len());
        // Last first: what is halved is put back and comes next.
        let mut waiting: Vec<&[Handle]> = handles.chunks(way.quirks.batch_items.max(1)).rev().collect();
        while let Some(batch) = waiting.pop() {
            if batch.len() == 1 || !way.quirks.multiget || !self.multigets() {
                for handle in batch {
                    events.extend(self.fetch_one(calendar, handle).await?);
                }
                continue;
            }
            match self.fetch_batch(calendar, batch).await {
                Ok(Some(found)) => events.extend(found),
                // Something in it is more than the server or we can bear; which it is, halves tell.
                Ok(None) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) if error.arg("limit").is_some() => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) => return Err(error),
            }
        }
        let mut whole = Vec::with_capacity(events.len());
        for EventRead { handle, version, form, .. } in events {
            let form = match form {
                Ok(form) => match self.with_contents(calendar, form).await {
                    Err(error) if error.scope() >= Scope::Folder => return Err(error),
                    whole => whole,
                },
                broken => broken,
            };
            whole.push(EventRead { handle, version, form, half: false });
        }
        Ok(whole)
    }

    /// `None`: the batch as a whole could not be read.
    async fn fetch_batch(&self, calendar: &CalendarId, batch: &[Handle]) -> Result<Option<Vec<EventRead>>> {
        let places: Vec<&str> = batch.iter().map(|handle| &*handle.0).collect();
        let (url, multistatus) = match multiget(&self.dav, &calendar.0, &places).await? {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(refusal) if report_is_unknown(&refusal) => {
                self.learn_without_multiget();
                return Ok(None);
            }
            Err(refusal) => return Err(self.dav.named(classify(Asked::Look, &refusal))),
        };
        let members = multistatus.members.iter();
        let mut found: BTreeMap<Handle, &Member> =
            members.filter_map(|member| Some((handle(self, &url, &member.href)?, member))).collect();
        let mut events = Vec::with_capacity(batch.len());
        for handle in batch {
            let member = found.remove(handle);
            if member.is_some_and(|member| matches!(member.status, Some(404 | 410))) {
                continue;
            }
            let text = member.and_then(|member| member.property(Ns::CalDav, "calendar-data"));
            match text.filter(|text| !text.trimmed().is_empty()) {
                Some(text) => {
                    let etag = member.and_then(|member| member.text(Ns::Dav, "getetag"));
                    events.push(self.event(calendar, handle, etag, text.text.as_bytes()));
                    // Reading many keeps the thread from other requests, whose answers may have come.
                    tokio::task::yield_now().await;
                }
                // Nothing was said about it, or not enough: it is asked for by itself.
                None => events.extend(self.fetch_one(calendar, handle).await?),
            }
        }
        Ok(Some(events))
    }

    /// `None` for one that is gone.
    pub(crate) async fn fetch_one(&self, calendar: &CalendarId, handle: &Handle) -> Result<Option<EventRead>> {
        match self.now(&handle.0).await {
            Ok(Some(Now { version, text, .. })) => {
                let event = from_ical(&text, self.settings.zone.as_ref())
                    .map_err(|unfit| self.unfit(calendar, handle, unfit, &text));
                // An event that is alone may be large: what was read of it is not kept beside its form.
                drop(text);
                let form = event.map(|event| Stored::of(event).form);
                Ok(Some(EventRead { handle: handle.clone(), version, form, half: false }))
            }
            Ok(None) => Ok(None),
            Err(error) if error.arg("limit").is_some() => {
                let error = self.event_error(Code::EventTooLarge, Retry::WhenFixed, calendar, &href::last(&handle.0));
                let form = Err(error.with("limit", self.settings.most_event_bytes));
                Ok(Some(EventRead {
                    handle: handle.clone(),
                    version: self.version_of(handle).await?,
                    form,
                    half: false,
                }))
            }
            Err(error) if error.scope() == Scope::Item => {
                let about = self.about(calendar);
                let told = error.arg("answer").unwrap_or_default().to_owned();
                let error = Error::new(Code::EventUnreadable, Scope::Item, error.retry()).with("answer", told);
                let form = Err(about(error).with("uid", href::last(&handle.0)));
                Ok(Some(EventRead { handle: handle.clone(), version: Version("".into()), form, half: false }))
            }
            Err(error) => Err(error),
        }
    }

    /// The version of what is not read, so that it is left alone until it has another one.
    async fn version_of(&self, handle: &Handle) -> Result<Version> {
        let way = self.way().await?;
        let (_, all) = propfind(&self.dav, Asked::Read, &handle.0, Depth::Itself, listed(&way.quirks)).await?;
        Ok(all.members.first().and_then(listed_version).unwrap_or_else(|| Version("".into())))
    }

    pub(crate) fn event(&self, calendar: &CalendarId, handle: &Handle, etag: Option<&str>, text: &[u8]) -> EventRead {
        let form = stored(text, self.settings.zone.as_ref()).map(|stored| stored.form);
        let form = form.map_err(|unfit| self.unfit(calendar, handle, unfit, text));
        let version = etag.and_then(version).unwrap_or_else(|| version_of(text));
        EventRead { handle: handle.clone(), version, form, half: false }
    }

    fn unfit(&self, calendar: &CalendarId, handle: &Handle, unfit: Unfit, text: &[u8]) -> Error {
        self.event_error(Code::EventUnfit, Retry::WhenFixed, calendar, &href::last(&handle.0))
            .with("detail", unfit.as_str())
            .labelled(&label::of_broken(text))
    }
}
