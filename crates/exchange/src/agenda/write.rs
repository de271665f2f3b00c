//! Events created, changed and removed. Nobody is told of it.

use super::occurrences::Now;
use super::{Calendars, event, folder, item_id, unfit, written};
use crate::classify::{About, classify, classify_large, is_gone};
use crate::client::Transport;
use crate::convert::{Draft, stand_in, to_ews};
use crate::item::{AttachmentSeen, CalendarItem, Field, FieldChange, ItemId, changes};
use crate::op::{CreateItem, DeleteItem, ItemRef, Respond, Response, Shape, UpdateItem};
use parom_calendar::Event;
use parom_calendar::event::{Answer, Details};
use parom_calendar::merge::{hides, hides_body};
use parom_domain::agenda::{CalendarId, EventSeen, Form, Written};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::sync::Arc;

impl<T: Transport> Calendars<T> {
    pub(super) async fn create_event(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        self.learn_zones().await?;
        let draft = to_ews(&event(form)?, &self.context()).map_err(unfit)?;
        // Exchange takes any number of items of one UID.
        if !self.with_uid(calendar, &form.uid).await?.is_empty() {
            return Err(Error::new(Code::EventExists, Scope::Item, Retry::Soon));
        }
        let is_short = draft.exceptions.is_empty() && draft.deleted.is_empty() && draft.master.attachments.is_empty();
        let item = CalendarItem { half: !is_short, ..draft.master.clone() };
        let made = self.client.ask(&CreateItem { folder: folder(calendar), item }).await;
        let made = made.and_then(|made| made.map_err(|refusal| classify(About::Write, &refusal)));
        let id = made.map_err(|error| classify_large(error, form.text.len()))?;
        if is_short {
            return Ok(written(&id));
        }
        let id = match self.attach(id.clone(), &[], &draft.master.attachments, None).await {
            // Half an event is none: what is put aside is on one side only.
            Err(error) if error.scope() == Scope::Item => {
                self.delete(ItemId { change_key: None, ..id }).await.map_err(half)?;
                return Err(error);
            }
            attached => attached.map_err(half)?,
        };
        let rest = if draft.exceptions.is_empty() && draft.deleted.is_empty() {
            self.unmark(id).await
        } else {
            self.write_rest(&id, &draft, &Now::default(), true).await
        };
        Ok(written(&rest.map_err(half)?))
    }

    /// The end of a write in several requests: the item is half no more.
    async fn unmark(&self, id: ItemId) -> Result<ItemId> {
        let changes = vec![FieldChange::Delete(Field::Half)];
        let updated = self.client.ask(&UpdateItem { item: ItemRef::Item(id), changes }).await?;
        updated.map_err(|refusal| classify(About::Write, &refusal))
    }

    pub(super) async fn update_event(
        &self,
        calendar: &CalendarId,
        seen: &EventSeen,
        base: &Form,
        form: &Form,
    ) -> Result<Written> {
        self.learn_zones().await?;
        let context = self.context();
        let (base, mut event) = (stand_in(event(base)?), stand_in(event(form)?));
        prefer_new_words(&base, &mut event);
        leave_unseen(&base, &mut event);
        let mut from = to_ews(&base, &context).map_err(unfit)?;
        let to = to_ews(&event, &context).map_err(unfit)?;
        let mut id = item_id(seen);
        let is_anew = is_series_anew(&from, &to);
        let mut was_half = self.memory().halves.contains(&id.id);
        if from.series.is_some() {
            // A change of an occurrence alone would not be refused for a version that is not the latest.
            let now = self.bones(&id).await?.ok_or_else(changed)?;
            if now.id.as_ref() != Some(&id) {
                return Err(changed());
            }
            was_half = now.half;
        }
        let steps = steps(&from, &to, is_anew);
        let is_marked = was_half || steps > 1;
        let master = Arc::new(CalendarItem { half: is_marked, ..to.master.clone() });
        from.master.half = was_half;
        let mut changes = changes(&from.master, &master);
        let is_told = changes.iter().any(|change| change.field() == Field::Recurrence);
        if is_anew && !is_told && to.series.is_some() {
            changes.push(FieldChange::Set(Field::Recurrence, Arc::clone(&master)));
        }
        if !changes.is_empty() {
            let updated = self.client.ask(&UpdateItem { item: ItemRef::Item(id.clone()), changes }).await?;
            id = updated.map_err(|refusal| classify(About::Write, &refusal))?;
        }
        let rest = async {
            let id = self.attach(id, &from.master.attachments, &to.master.attachments, None).await?;
            let is_about_occurrences =
                to.series.is_some() && (is_anew || from.exceptions != to.exceptions || from.deleted != to.deleted);
            match (is_about_occurrences, is_anew) {
                (false, _) if is_marked => self.unmark(id).await,
                (false, _) => Ok(id),
                (true, true) => self.write_rest(&id, &to, &self.after_rewriting(&id).await?, is_marked).await,
                (true, false) => self.write_rest(&id, &to, &known(&from, &context), is_marked).await,
            }
        };
        id = rest.await.map_err(|error| if is_marked { half(error) } else { error })?;
        self.memory().halves.remove(&id.id);
        match answered(&base, &event, &context.owner) {
            Some(response) => self.respond(calendar, &form.uid, id, response).await,
            None => Ok(written(&id)),
        }
    }

    /// The occurrences, and the end of a write that had more than one step.
    async fn write_rest(&self, id: &ItemId, to: &Draft, now: &Now, is_marked: bool) -> Result<ItemId> {
        self.write_occurrences(id, to, now).await?;
        let id = self.bones(id).await?.and_then(|item| item.id).ok_or_else(changed)?;
        if is_marked { self.unmark(id).await } else { Ok(id) }
    }

    pub(super) async fn remove_event(&self, _: &CalendarId, seen: &EventSeen) -> Result<()> {
        let id = item_id(seen);
        // DeleteItem does not ask which version is meant.
        match self.bones(&id).await? {
            None => return Ok(()),
            Some(now) if now.id.as_ref() != Some(&id) => return Err(changed()),
            Some(_) => {}
        }
        self.delete(id).await
    }

    async fn delete(&self, id: ItemId) -> Result<()> {
        for outcome in self.client.ask(&DeleteItem { items: vec![ItemRef::Item(id)] }).await? {
            match outcome {
                Err(refusal) if !is_gone(&refusal.code) => return Err(classify(About::Write, &refusal)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes the owner's own answer. The item may have another id after that, or lie with the deleted ones.
    async fn respond(&self, calendar: &CalendarId, uid: &str, id: ItemId, response: Response) -> Result<Written> {
        let done = self.client.ask(&Respond { item: id.clone(), response }).await?;
        done.map_err(|refusal| classify(About::Write, &refusal))?;
        let found = self.with_uid(calendar, uid).await?;
        Ok(found.first().map_or_else(|| Written { version: None, ..written(&id) }, written))
    }

    /// What an item is now, as far as it tells its version; `None` where it is gone.
    async fn bones(&self, id: &ItemId) -> Result<Option<CalendarItem>> {
        let id = ItemId { id: id.id.clone(), change_key: None };
        match self.get_shaped(std::slice::from_ref(&id), Shape::Bones).await?.into_iter().next() {
            Some(Ok(item)) => Ok(item),
            Some(Err(refusal)) if is_gone(&refusal.code) => Ok(None),
            Some(Err(refusal)) => Err(classify(About::Write, &refusal)),
            None => Ok(None),
        }
    }

    /// A new recurrence drops exceptions and deletions, on most versions; what it has left is looked at.
    async fn after_rewriting(&self, id: &ItemId) -> Result<Now> {
        let now = self.bones(id).await?.ok_or_else(changed)?;
        let unknown = now.modified_occurrences.into_iter().map(|occurrence| (occurrence.id, occurrence.original_start));
        Ok(Now { unknown: unknown.collect(), deleted: now.deleted_occurrences, ..Now::default() })
    }
}

fn known(from: &Draft, context: &crate::convert::Context) -> Now {
    Now {
        exceptions: from.exceptions.clone(),
        unknown: Vec::new(),
        deleted: from.deleted.iter().filter_map(|original| from.instant(*original, context)).collect(),
    }
}

/// What was refused when a part was written already. What stops everything is told as it is: whoever comes back looks first.
fn half(error: Error) -> Error {
    if error.scope() >= Scope::Account {
        return error;
    }
    let half = Error::new(Code::EventHalf, Scope::Item, Retry::Soon).with("cause", error.code().as_str());
    error.args().iter().fold(half, |half, (name, value)| half.with(name, value))
}

/// So many requests change something. A new recurrence takes all exceptions away before they are written again.
fn steps(from: &Draft, to: &Draft, is_anew: bool) -> usize {
    let apart = |one: &[AttachmentSeen], two: &[AttachmentSeen]| {
        let is_in = |list: &[AttachmentSeen], it: &AttachmentSeen| {
            list.iter().any(|other| (&other.name, &other.content) == (&it.name, &it.content))
        };
        one.iter().filter(|it| !is_in(two, it)).count() + two.iter().filter(|it| !is_in(one, it)).count()
    };
    let master = usize::from(!changes(&from.master, &Arc::new(to.master.clone())).is_empty());
    let attached = apart(&from.master.attachments, &to.master.attachments);
    if is_anew {
        return 1 + attached + to.exceptions.len() + to.deleted.len() + from.exceptions.len();
    }
    let changed = to.exceptions.iter().filter(|(at, exception)| from.exceptions.get(at) != Some(exception));
    let exceptions = changed.map(|(at, exception)| {
        let before = from.exceptions.get(at).map_or(&[][..], |before| &before.attachments);
        1 + apart(before, &exception.attachments)
    });
    let deleted = to.deleted.iter().filter(|at| !from.deleted.contains(at)).count();
    master + attached + exceptions.sum::<usize>() + deleted
}

/// Nothing but a new recurrence brings an exception back to what its master says, or a deleted occurrence back at all.
fn is_series_anew(from: &Draft, to: &Draft) -> bool {
    if from.series.is_none() || to.series.is_none() {
        return false;
    }
    let moves = from.series != to.series || from.frame != to.frame || from.start != to.start;
    let back = from.exceptions.keys().any(|at| !to.exceptions.contains_key(at) && !to.deleted.contains(at));
    moves || back || from.deleted.iter().any(|at| !to.deleted.contains(at))
}

/// Who edits the text of a body that has HTML too knows nothing of the HTML: the text counts.
fn prefer_new_words(base: &Event, event: &mut Event) {
    let prefer = |base: &Details, details: &mut Details| {
        if details.body.html == base.body.html && details.body.text != base.body.text {
            details.body.html.clear();
        }
    };
    if let (Some(base), Some(details)) = (base.master(), event.master_mut()) {
        prefer(base, details);
    }
    for (original, details) in &mut event.exceptions {
        if let Some(base) = base.exceptions.get(original) {
            prefer(base, details);
        }
    }
}

/// What Exchange has and could not give is not written over: the words that we have of it are older.
fn leave_unseen(base: &Event, event: &mut Event) {
    let leave = |base: &Details, details: &mut Details| {
        if hides_body(base) {
            details.body = base.body.clone();
        }
        details.attachments.retain(|attachment| !hides(base, attachment));
    };
    if let (Some(base), Some(details)) = (base.master(), event.master_mut()) {
        leave(base, details);
    }
    for (original, details) in &mut event.exceptions {
        if let Some(base) = base.exceptions.get(original) {
            leave(base, details);
        }
    }
}

/// The owner's answer to somebody else's meeting, where it is another now.
fn answered(base: &Event, event: &Event, owner: &[String]) -> Option<Response> {
    let is_owner = |address: &str| owner.iter().any(|own| own.eq_ignore_ascii_case(address));
    let answer = |event: &Event| {
        let master = event.master()?;
        let organizer = master.organizer.as_ref().filter(|organizer| !is_owner(&organizer.address));
        organizer?;
        Some(master.attendees.iter().find(|attendee| is_owner(&attendee.person.address))?.answer)
    };
    match (answer(base)?, answer(event)?) {
        (before, now) if before == now => None,
        (_, Answer::Accepted) => Some(Response::Accept),
        (_, Answer::Tentative) => Some(Response::Tentative),
        (_, Answer::Declined) => Some(Response::Decline),
        (_, Answer::NeedsAction | Answer::Delegated) => None,
    }
}

fn changed() -> Error {
    Error::new(Code::EventChanged, Scope::Item, Retry::Soon)
}
