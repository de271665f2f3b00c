//! Items with their exceptions and attachments, as events.

use super::{BATCH, Calendars, form, handle, version};
use crate::classify::{About, classify, is_corrupt, is_gone};
use crate::client::Transport;
use crate::convert::{from_ews, label};
use crate::envelope::Refusal;
use crate::item::{AttachmentSeen, CalendarItem, ItemBody, ItemId};
use crate::op::{GetItem, ItemRef, Outcome, Shape};
use parom_domain::agenda::{CalendarId, EventRead, Handle, Version};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::VecDeque;

/// What asking for an item gave.
enum Got {
    Item(Box<CalendarItem>),
    Gone,
    /// Something else than a calendar item.
    Other,
    /// Why this one cannot be had, and its version where that much was told.
    Failed(Error, Option<ItemId>),
}

/// The exceptions of several series, in the order of the series.
struct Exceptions {
    /// Not asked for yet, by series.
    ahead: VecDeque<Vec<ItemId>>,
    read: VecDeque<Got>,
}

impl Exceptions {
    fn of(series: &[Got]) -> Exceptions {
        let ids = |got: &Got| match got {
            Got::Item(item) => item.modified_occurrences.iter().map(|occurrence| occurrence.id.clone()).collect(),
            _ => Vec::new(),
        };
        let ahead = series.iter().map(ids).filter(|ids| !ids.is_empty()).collect();
        Exceptions { ahead, read: VecDeque::new() }
    }

    /// Those of the next series, and of the ones behind it while one request is enough for all.
    fn next(&mut self) -> Vec<ItemId> {
        let mut ids = self.ahead.pop_front().unwrap_or_default();
        while let Some(more) = self.ahead.pop_front_if(|more| ids.len() + more.len() <= BATCH) {
            ids.extend(more);
        }
        ids
    }
}

impl<T: Transport> Calendars<T> {
    pub(super) async fn read_events(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        let mut read = Vec::with_capacity(handles.len());
        for some in handles.chunks(BATCH) {
            let ids: Vec<ItemId> =
                some.iter().map(|handle| ItemId { id: handle.0.to_string(), change_key: None }).collect();
            read.extend(self.get(&ids).await.map_err(|error| self.about(calendar, "", error))?);
        }
        let mut exceptions = Exceptions::of(&read);
        let mut events = Vec::with_capacity(handles.len());
        for (handle, got) in handles.iter().zip(read) {
            let nothing = Version("".into());
            let event = match got {
                Got::Gone => continue,
                Got::Other => EventRead {
                    handle: handle.clone(),
                    version: nothing,
                    form: Err(
                        Error::new(Code::EventUnfit, Scope::Item, Retry::WhenFixed).with("detail", "not-an-event")
                    ),
                    half: false,
                },
                Got::Failed(error, id) => {
                    let version = id.as_ref().map_or(nothing, version);
                    EventRead { handle: handle.clone(), version, form: Err(error), half: false }
                }
                Got::Item(item) => {
                    let exceptions = self.exceptions(&item, &mut exceptions).await?;
                    self.whole(*item, exceptions).await?
                }
            };
            let form = event.form.map_err(|error| self.about(calendar, "", error));
            events.push(EventRead { form, ..event });
            // Making events of many keeps the thread from other requests, whose answers may have come.
            tokio::task::yield_now().await;
        }
        Ok(events)
    }

    /// The exceptions of a series, as it lists them. Those of the next series come with them where all are few.
    async fn exceptions(&self, master: &CalendarItem, all: &mut Exceptions) -> Result<Vec<Got>> {
        let count = master.modified_occurrences.len();
        if all.read.len() < count {
            for some in all.next().chunks(BATCH) {
                all.read.extend(self.get(some).await?);
            }
        }
        Ok(all.read.drain(..count.min(all.read.len())).collect())
    }

    /// An item with everything that belongs to it.
    async fn whole(&self, master: CalendarItem, exceptions: Vec<Got>) -> Result<EventRead> {
        let id = master.id.clone().unwrap_or_default();
        let half = master.half;
        match half {
            true => _ = self.memory().halves.insert(id.id.clone()),
            false => _ = self.memory().halves.remove(&id.id),
        }
        let known = label(&master, &self.context());
        let failed = |error: Error| EventRead {
            handle: handle(&id),
            version: version(&id),
            form: Err(error.labelled(&known)),
            half,
        };
        let listed = master.modified_occurrences.clone();
        let mut items = vec![master];
        for (occurrence, got) in listed.iter().zip(exceptions) {
            match got {
                Got::Item(item) => {
                    let original_start = item.original_start.or(Some(occurrence.original_start));
                    items.push(CalendarItem { original_start, ..*item });
                }
                // INVARIANT: an exception that cannot be read is not taken for one that is not there.
                Got::Gone => {
                    let error = Error::new(Code::EventChanged, Scope::Item, Retry::Soon);
                    return Ok(failed(error.with("uid", items_uid(&items))));
                }
                Got::Other => return Ok(failed(unreadable("an exception that is no calendar item"))),
                Got::Failed(error, _) => return Ok(failed(error)),
            }
        }
        self.resolve_people(&mut items).await?;
        match self.fetch_attachments(&mut items).await {
            Err(error) if error.scope() == Scope::Item => return Ok(failed(error)),
            fetched => fetched?,
        }
        let uid = items_uid(&items);
        let [master, exceptions @ ..] = items.as_slice() else { return Ok(failed(unreadable("nothing"))) };
        let event = from_ews(master, exceptions, &self.context());
        let form = event.map(form).map_err(|trouble| unreadable(trouble).with("uid", uid).labelled(&known));
        Ok(EventRead { handle: handle(&id), version: version(&id), form, half })
    }

    /// Items in full, at most [`BATCH`]; what is corrupt with less of it, and marked so.
    async fn get(&self, ids: &[ItemId]) -> Result<Vec<Got>> {
        let mut all = Vec::with_capacity(ids.len());
        for (id, outcome) in ids.iter().zip(self.get_shaped(ids, Shape::Full).await?) {
            all.push(match outcome {
                Err(refusal) if is_corrupt(&refusal.code) => self.get_less(id, refusal).await?,
                outcome => got(outcome)?,
            });
        }
        Ok(all)
    }

    async fn get_less(&self, id: &ItemId, refusal: Refusal) -> Result<Got> {
        for shape in [Shape::WithoutBody, Shape::WithoutAttachments] {
            let outcome = self.get_shaped(std::slice::from_ref(id), shape).await?.into_iter().next();
            match outcome {
                Some(Err(again)) if is_corrupt(&again.code) => {}
                Some(outcome) => {
                    let mut got = got(outcome)?;
                    if let Got::Item(item) = &mut got {
                        item.body_left_out = item.body == ItemBody::None;
                        if shape == Shape::WithoutAttachments {
                            item.attachments = vec![AttachmentSeen::unknown()];
                        }
                    }
                    return Ok(got);
                }
                None => break,
            }
        }
        let error = classify(About::Read, &refusal);
        for shape in [Shape::Outline, Shape::Bones] {
            let found = self.get_shaped(std::slice::from_ref(id), shape).await?.into_iter().next();
            if let Some(item) = found.and_then(Result::ok).flatten() {
                let error = error.labelled(&label(&item, &self.context()));
                let uid = items_uid(std::slice::from_ref(&item));
                return Ok(Got::Failed(if uid.is_empty() { error } else { error.with("uid", uid) }, item.id));
            }
        }
        Ok(Got::Failed(error, None))
    }

    /// One outcome for each id. What the server did not get to is asked for again.
    pub(super) async fn get_shaped(&self, ids: &[ItemId], shape: Shape) -> Result<Vec<Outcome<Option<CalendarItem>>>> {
        let items: Vec<ItemRef> = ids.iter().cloned().map(ItemRef::Item).collect();
        self.get_refs(&items, shape).await
    }

    pub(super) async fn get_refs(&self, items: &[ItemRef], shape: Shape) -> Result<Vec<Outcome<Option<CalendarItem>>>> {
        let mut all = Vec::with_capacity(items.len());
        while let Some(rest) = items.get(all.len()..).filter(|rest| !rest.is_empty()) {
            let asked = self.client.ask(&GetItem { items: rest.to_vec(), shape }).await?;
            let before = all.len();
            let reached = |outcome: &Outcome<_>| !matches!(outcome, Err(refusal) if refusal.code == "ErrorBatchProcessingStopped");
            let stopped =
                asked.iter().find_map(|outcome| outcome.as_ref().err().filter(|_| !reached(outcome)).cloned());
            all.extend(asked.into_iter().take(rest.len()).take_while(reached));
            if all.len() == before {
                let refusal =
                    stopped.unwrap_or_else(|| Refusal { text: "no answer for an item".into(), ..Refusal::default() });
                return Err(classify(About::Account, &refusal));
            }
        }
        Ok(all)
    }
}

/// What concerns more than this one item ends the reading.
fn got(outcome: Outcome<Option<CalendarItem>>) -> Result<Got> {
    Ok(match outcome {
        Ok(Some(item)) => Got::Item(Box::new(item)),
        Ok(None) => Got::Other,
        Err(refusal) if is_gone(&refusal.code) => Got::Gone,
        Err(refusal) => {
            let error = classify(About::Read, &refusal);
            if error.scope() > Scope::Item {
                return Err(error);
            }
            Got::Failed(error, None)
        }
    })
}

fn items_uid(items: &[CalendarItem]) -> String {
    items.first().map(|item| parom_calendar::canonical_uid(&item.uid)).unwrap_or_default()
}

fn unreadable(detail: impl ToString) -> Error {
    Error::new(Code::EventUnreadable, Scope::Item, Retry::WhenFixed).with("answer", detail)
}
