//! Puts an archived version of an event back on the side where it was.

use super::Calendars;
use crate::state;
use parom_domain::agenda::{Agenda, Form};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_service::{GuardedAgenda, Tenure};
use parom_store::{Account, ArchiveItem};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Back,
    /// The event is there, as somebody wants it now: nothing was done.
    InTheWay,
    /// The side has no calendar that may be written.
    Nowhere,
}

impl Calendars {
    /// Into the calendar that invitations come into. Nothing that is there is touched, and nobody is told; the next pass finds it
    /// like any event that somebody restored.
    pub async fn restore(&self, account: &Account, item: &ArchiveItem) -> Result<Put> {
        let tenure = Tenure::of(None, &self.store, account.id, state::OWNER).await?;
        let done = tokio::select! {
            done = self.put_back(account, item) => done,
            error = tenure.keep(&self.store) => Err(error),
            () = self.stop.asked() => Err(super::cancelled()),
        };
        self.store.release(tenure.lease).await?;
        done
    }

    async fn put_back(&self, account: &Account, item: &ArchiveItem) -> Result<Put> {
        let side = item.entry.side;
        let reached = self.wiring.reach(&self.config, &self.store, account, side).await?;
        let agenda = GuardedAgenda::new(&*reached.agenda, self.gates.of(&reached.door.place));
        let (calendars, _) = agenda.calendars().await?;
        let mut writable: Vec<_> = calendars.into_iter().filter(|calendar| calendar.writable).collect();
        writable.sort_by_key(|calendar| !calendar.is_default);
        for calendar in &writable {
            if !agenda.find(&calendar.id, &item.entry.uid).await?.is_empty() {
                return Ok(Put::InTheWay);
            }
        }
        let Some(calendar) = writable.first() else { return Ok(Put::Nowhere) };
        match &item.export {
            Some(export) => agenda.restore(&calendar.id, export).await?,
            None => {
                let event = parom_calendar::from_ical(item.text.as_bytes(), None).map_err(|unfit| {
                    Error::new(Code::EventUnfit, Scope::Item, Retry::WhenFixed).with("detail", unfit)
                })?;
                let hash = parom_calendar::EventHash::of(&event).to_bytes();
                agenda.create(&calendar.id, &Form { uid: event.uid, hash, text: item.text.clone() }).await?
            }
        };
        Ok(Put::Back)
    }
}
