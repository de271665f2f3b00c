//! Keeps events of others' making, as they were, before they are first overwritten or removed.

use super::book::LeasedAgendaBook;
use crate::Clock;
use async_trait::async_trait;
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Written,
};
use parom_domain::events::state::KeptEvent;
use parom_domain::{Result, Scope, Side};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Where events are kept.
#[async_trait]
pub trait Safe: Send + Sync {
    /// The UIDs of events that need not be kept any more: kept ones, and those that Parom itself brought to the side.
    async fn settled(&self, side: Side) -> Result<HashSet<String>>;

    /// Durable when it returns.
    async fn keep(&self, event: KeptEvent) -> Result<()>;
}

#[async_trait]
impl Safe for LeasedAgendaBook<'_> {
    async fn settled(&self, side: Side) -> Result<HashSet<String>> {
        let kept = self.store.kept_events(self.lease.account, side).await?;
        let links = self.store.event_links(self.lease.account).await?;
        let brought = links.into_iter().filter(|link| link.brought == Some(side)).map(|link| link.uid);
        Ok(kept.into_iter().chain(brought).collect())
    }

    async fn keep(&self, event: KeptEvent) -> Result<()> {
        self.store.keep_event(&self.lease, event).await
    }
}

/// One side's calendars. What is overwritten or removed through this is kept first.
pub struct Safekeeping<'a> {
    inner: &'a dyn Agenda,
    side: Side,
    safe: &'a dyn Safe,
    clock: &'a dyn Clock,
    /// Asked for when the first event is about to be overwritten.
    settled: Mutex<Option<HashSet<String>>>,
}

impl<'a> Safekeeping<'a> {
    #[must_use]
    pub fn new(inner: &'a dyn Agenda, side: Side, safe: &'a dyn Safe, clock: &'a dyn Clock) -> Safekeeping<'a> {
        Safekeeping { inner, side, safe, clock, settled: Mutex::new(None) }
    }

    /// INVARIANT: when this returns `Ok`, the event is in the safe, or need not be.
    async fn keep(&self, calendar: &CalendarId, seen: &EventSeen, form: &Form) -> Result<()> {
        if self.is_settled(&form.uid).await? {
            return Ok(());
        }
        let export = match self.inner.export(calendar, seen).await {
            Ok(export) => export,
            Err(error) if error.scope() >= Scope::Account => return Err(error),
            Err(error) => {
                tracing::info!(side = %self.side, error = ?error, "an event cannot be exported; its normal form is kept");
                None
            }
        };
        let (uid, text) = (form.uid.clone(), form.text.clone());
        self.safe.keep(KeptEvent { at_ms: self.clock.now_ms(), uid, side: self.side, text, export }).await?;
        // Whatever becomes of the write, what is there then is no event of others' making.
        self.settle(&form.uid).await;
        Ok(())
    }

    async fn is_settled(&self, uid: &str) -> Result<bool> {
        let mut settled = self.settled.lock().await;
        if settled.is_none() {
            *settled = Some(self.safe.settled(self.side).await?);
        }
        Ok(settled.as_ref().is_some_and(|settled| settled.contains(uid)))
    }

    /// From now on the event is what Parom made of it.
    async fn settle(&self, uid: &str) {
        if let Some(settled) = self.settled.lock().await.as_mut() {
            settled.insert(uid.to_owned());
        }
    }
}

#[async_trait]
impl Agenda for Safekeeping<'_> {
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        self.inner.calendars().await
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        self.inner.observe(calendar, since).await
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        self.inner.read(calendar, handles).await
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        self.inner.find(calendar, uid).await
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        // Before it is asked for the first time, so that what is created here is not taken for somebody else's.
        self.is_settled(&form.uid).await?;
        let written = self.inner.create(calendar, form).await?;
        self.settle(&form.uid).await;
        Ok(written)
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written> {
        self.keep(calendar, seen, base).await?;
        let written = self.inner.update(calendar, seen, base, form).await?;
        self.settle(&form.uid).await;
        Ok(written)
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        let read = self.inner.read(calendar, std::slice::from_ref(&seen.handle)).await?.into_iter().next();
        // One that is gone, or is another by now, is not removed: the side says so itself.
        if let Some(read) = read.filter(|read| read.version == seen.version) {
            self.keep(calendar, seen, &read.form?).await?;
        }
        self.inner.remove(calendar, seen).await
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        self.inner.make_calendar(name).await
    }

    async fn export(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<Option<Arc<str>>> {
        self.inner.export(calendar, seen).await
    }

    async fn restore(&self, calendar: &CalendarId, export: &str) -> Result<Written> {
        self.inner.restore(calendar, export).await
    }
}
