//! A book in memory, where a thousand crashes cost nothing.

use async_trait::async_trait;
use parom_domain::events::state::{AgendaChange, AgendaState, ArchivedEvent, ParkedEvent};
use parom_domain::events::{EventLink, EventNumber};
use parom_domain::{Result, Side};
use parom_engine::agenda::AgendaBook;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct MemoryBook(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    state: AgendaState,
    events: BTreeMap<EventNumber, (EventLink, Arc<str>)>,
    archived: Vec<ArchivedEvent>,
    commits: u64,
    last: Vec<AgendaChange>,
}

impl MemoryBook {
    pub fn state(&self) -> AgendaState {
        let pages = self.pages();
        let left = pages.events.values().filter(|(link, _)| link.waits()).count() as u64;
        AgendaState { left, ..pages.state.clone() }
    }

    pub fn all(&self) -> Vec<EventLink> {
        self.pages().events.values().map(|(link, _)| link.clone()).collect()
    }

    pub fn archived(&self) -> Vec<ArchivedEvent> {
        self.pages().archived.clone()
    }

    pub fn commits(&self) -> u64 {
        self.pages().commits
    }

    pub fn last(&self) -> Vec<AgendaChange> {
        self.pages().last.clone()
    }

    /// Releases all brakes, as a person does.
    pub fn release(&self) {
        self.pages().state.held.iter_mut().for_each(|held| held.released = true);
    }

    /// Has everything tried again that is put aside, as a person does.
    pub fn try_again(&self) {
        let parked = self.state().parked;
        let unpark = |it: &ParkedEvent| {
            let ParkedEvent { calendar, side, handle, .. } = it.clone();
            let look = AgendaChange::SetToken { calendar, side, token: None };
            [AgendaChange::Unpark { calendar, side, handle }, look]
        };
        self.apply(parked.iter().flat_map(unpark).collect());
    }

    pub fn apply(&self, changes: Vec<AgendaChange>) {
        let mut pages = self.pages();
        pages.commits += 1;
        pages.last.clone_from(&changes);
        changes.into_iter().for_each(|change| pages.apply(change));
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AgendaBook for MemoryBook {
    async fn commit(&self, changes: Vec<AgendaChange>) -> Result<()> {
        self.apply(changes);
        Ok(())
    }

    async fn links(&self) -> Result<Vec<EventLink>> {
        Ok(self.all())
    }

    async fn base(&self, event: EventNumber) -> Result<Option<Arc<str>>> {
        Ok(self.pages().events.get(&event).map(|(_, base)| base.clone()))
    }
}

impl Pages {
    fn apply(&mut self, change: AgendaChange) {
        let state = &mut self.state;
        match change {
            AgendaChange::PutCalendar(pair) => {
                state.calendars.retain(|old| old.number != pair.number);
                state.calendars.push(pair);
                state.calendars.sort_by_key(|pair| pair.number);
            }
            AgendaChange::DropCalendar(number) => {
                state.calendars.retain(|pair| pair.number != number);
                state.parked.retain(|parked| parked.calendar != number);
            }
            AgendaChange::SetToken { calendar, side, token } => {
                if let Some(pair) = state.calendars.iter_mut().find(|pair| pair.number == calendar) {
                    pair.tokens[side] = token;
                }
            }
            AgendaChange::PutEvent { link, base } => {
                let known = self.events.get(&link.number).map(|(_, base)| base.clone());
                let base = base.or(known).expect("a new link brings its base");
                self.events.insert(link.number, (link, base));
            }
            AgendaChange::DropEvent(number) => {
                self.events.remove(&number);
                for side in Side::ALL {
                    state.suspected.end(number, side);
                }
            }
            AgendaChange::OpenIntent(intent) => {
                state.intents.push(intent);
                state.intents.sort_by_key(|intent| intent.id);
            }
            AgendaChange::CloseIntent(id) => state.intents.retain(|intent| intent.id != id),
            AgendaChange::Park(parked) => {
                let key = (parked.calendar, parked.side, parked.handle.clone());
                state.parked.retain(|old| (old.calendar, old.side, old.handle.clone()) != key);
                state.parked.push(parked);
                state.parked.sort_by_key(|old| (old.calendar, old.side, old.handle.clone()));
            }
            AgendaChange::Unpark { calendar, side, handle } => {
                state.parked.retain(|old| (old.calendar, old.side, &old.handle) != (calendar, side, &handle));
            }
            AgendaChange::Suspect(suspected) => {
                assert!(self.events.contains_key(&suspected.event), "a suspicion about nobody");
                state.suspected.put(suspected);
            }
            AgendaChange::Unsuspect { event, side } => _ = state.suspected.end(event, side),
            AgendaChange::Archive(archived) => self.archived.push(archived),
            AgendaChange::CountDeleted(deleted) => {
                match state.deleted.iter_mut().find(|old| old.at_ms == deleted.at_ms) {
                    Some(old) => old.events += deleted.events,
                    None => state.deleted.push(deleted),
                }
            }
            AgendaChange::ForgetDeleted { before_ms } => state.deleted.retain(|old| old.at_ms >= before_ms),
            AgendaChange::Hold(held) => {
                state.held.retain(|old| old.key != held.key);
                state.held.push(held);
                state.held.sort_by(|a, b| a.key.cmp(&b.key));
            }
            AgendaChange::Unhold { key } => state.held.retain(|held| held.key != key),
        }
    }
}
