//! Occurrences of a series that are not as its master says.

use super::Calendars;
use crate::classify::{About, classify, is_gone};
use crate::client::Transport;
use crate::convert::Draft;
use crate::item::{CalendarItem, Field, FieldChange, ItemId, changes};
use crate::op::{DeleteItem, ItemRef, Shape, UpdateItem};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rules of a zone may differ so much between the server and us.
const SAME_OCCURRENCE: SignedDuration = SignedDuration::from_hours(12);

/// What the occurrences of a series are on Exchange now.
#[derive(Default)]
pub(super) struct Now {
    /// Exceptions whose fields we know.
    pub exceptions: BTreeMap<DateTime, CalendarItem>,
    /// Exceptions of which we know only that they are there.
    pub unknown: Vec<(ItemId, Timestamp)>,
    pub deleted: Vec<Timestamp>,
}

impl<T: Transport> Calendars<T> {
    /// Makes the occurrences what the draft says. One after the other: each write changes the version of the whole series.
    pub(super) async fn write_occurrences(&self, master: &ItemId, draft: &Draft, now: &Now) -> Result<()> {
        let context = self.context();
        let is_at = |original: DateTime, at: &Timestamp| {
            draft.instant(original, &context).is_some_and(|instant| is_near(instant, *at))
        };
        for (original, exception) in &draft.exceptions {
            let known = now.exceptions.get(original);
            if known == Some(exception) {
                continue;
            }
            let id = self
                .occurrence(master, draft, *original)
                .await?
                .ok_or_else(|| lost("a deleted occurrence is to come back"))?;
            let is_unknown = now.unknown.iter().any(|(_, at)| is_at(*original, at));
            let before = match known {
                Some(known) => known.clone(),
                None if is_unknown => self.actual(&id).await?,
                None => draft.occurrence(*original, &context).ok_or_else(|| lost("an occurrence beyond all dates"))?,
            };
            let id = self.change_occurrence(id, &before, exception).await?;
            self.attach(id, &before.attachments, &exception.attachments, Some(master)).await?;
        }
        // Exceptions that are none any more, and that a new recurrence has left as they were.
        for (id, at) in &now.unknown {
            let is_wanted = |original: &DateTime| is_at(*original, at);
            if draft.exceptions.keys().any(is_wanted) || draft.deleted.iter().any(is_wanted) {
                continue;
            }
            let rule = draft.series.as_ref().map(|series| series.rule(draft.start));
            let original = rule.as_ref().and_then(|rule| {
                rule.occurrences(draft.start)
                    .take_while(|original| !is_past(draft, *original, *at, &context))
                    .find(is_wanted)
            });
            if let Some(plain) = original.and_then(|original| draft.occurrence(original, &context)) {
                let actual = self.actual(id).await?;
                let id = actual.id.clone().unwrap_or_else(|| id.clone());
                self.change_occurrence(id, &actual, &plain).await?;
            }
        }
        for original in &draft.deleted {
            if !now.deleted.iter().any(|at| is_at(*original, at)) {
                self.delete_occurrence(master, draft, *original).await?;
            }
        }
        Ok(())
    }

    async fn change_occurrence(&self, id: ItemId, from: &CalendarItem, to: &CalendarItem) -> Result<ItemId> {
        let to = Arc::new(to.clone());
        let mut changes = changes(from, &to);
        // A series has no place for further names of zones, and no occurrence has a series of its own.
        changes.retain(|change| !matches!(change.field(), Field::Recurrence | Field::Residue | Field::Half));
        if changes.is_empty() {
            // An exception that is as the master says is one all the same.
            changes.push(FieldChange::Set(Field::Busy, to));
        }
        let updated = self.client.ask(&UpdateItem { item: ItemRef::Item(id), changes }).await?;
        updated.map_err(|refusal| classify(About::Write, &refusal))
    }

    async fn delete_occurrence(&self, master: &ItemId, draft: &Draft, original: DateTime) -> Result<()> {
        if self.occurrence(master, draft, original).await?.is_none() {
            return Ok(());
        }
        let index = number(draft, original)?;
        let master = ItemId { id: master.id.clone(), change_key: None };
        let items = vec![ItemRef::Occurrence { master, index }];
        for outcome in self.client.ask(&DeleteItem { items }).await? {
            match outcome {
                Err(refusal) if !is_gone(&refusal.code) => return Err(classify(About::Write, &refusal)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The id of an occurrence, found by its number and proven by its original start. `None` for one that is deleted.
    async fn occurrence(&self, master: &ItemId, draft: &Draft, original: DateTime) -> Result<Option<ItemId>> {
        let index = number(draft, original)?;
        let master = ItemId { id: master.id.clone(), change_key: None };
        let asked = self.get_refs(&[ItemRef::Occurrence { master, index }], Shape::Bones).await?;
        let item = match asked.into_iter().next() {
            Some(Ok(Some(item))) => item,
            Some(Err(refusal)) if is_gone(&refusal.code) => return Ok(None),
            Some(Err(refusal)) => return Err(classify(About::Write, &refusal)),
            _ => return Err(lost("an occurrence that is no calendar item")),
        };
        let wanted = draft.instant(original, &self.context());
        let is_it =
            item.original_start.or(item.start).zip(wanted).is_some_and(|(found, wanted)| is_near(found, wanted));
        // INVARIANT: no other occurrence than the one that is meant is ever written to.
        if !is_it {
            return Err(lost("the server counts the occurrences otherwise"));
        }
        Ok(item.id)
    }

    async fn actual(&self, id: &ItemId) -> Result<CalendarItem> {
        match self.get_shaped(std::slice::from_ref(id), Shape::Full).await?.into_iter().next() {
            Some(Ok(Some(item))) => Ok(item),
            Some(Err(refusal)) => Err(classify(About::Write, &refusal)),
            _ => Err(lost("an exception that is no calendar item")),
        }
    }
}

fn is_near(one: Timestamp, two: Timestamp) -> bool {
    one.duration_until(two).abs() < SAME_OCCURRENCE
}

fn is_past(draft: &Draft, original: DateTime, at: Timestamp, context: &crate::convert::Context) -> bool {
    draft.instant(original, context).is_none_or(|instant| at.duration_until(instant) > SAME_OCCURRENCE)
}

fn number(draft: &Draft, original: DateTime) -> Result<u32> {
    draft.index_of(original).ok_or_else(|| lost("an occurrence that the series does not have"))
}

fn lost(detail: &str) -> Error {
    Error::new(Code::EventRefused, Scope::Item, Retry::WhenFixed).with("answer", detail)
}
