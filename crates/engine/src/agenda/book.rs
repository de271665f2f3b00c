//! What a pass over calendars needs besides the two sides: the book it writes, and somebody who watches.

use async_trait::async_trait;
use parom_domain::events::state::{AgendaChange, ParkedEvent};
use parom_domain::events::{EventLink, EventNumber};
use parom_domain::state::Lease;
use parom_domain::{Result, Side};
use parom_store::Store;
use std::sync::Arc;

/// Where a pass writes down what it is about to do and what happened. A commit is durable when it returns.
#[async_trait]
pub trait AgendaBook: Send + Sync {
    async fn commit(&self, changes: Vec<AgendaChange>) -> Result<()>;
    async fn links(&self) -> Result<Vec<EventLink>>;
    /// The form that both sides last agreed on.
    async fn base(&self, event: EventNumber) -> Result<Option<Arc<str>>>;
}

/// The store, as far as one lease reaches.
pub struct LeasedAgendaBook<'a> {
    pub store: &'a Store,
    pub lease: Lease,
}

#[async_trait]
impl AgendaBook for LeasedAgendaBook<'_> {
    async fn commit(&self, changes: Vec<AgendaChange>) -> Result<()> {
        self.store.commit_agenda(&self.lease, changes).await
    }

    async fn links(&self) -> Result<Vec<EventLink>> {
        self.store.event_links(self.lease.account).await
    }

    async fn base(&self, event: EventNumber) -> Result<Option<Arc<str>>> {
        self.store.event_base(self.lease.account, event).await
    }
}

/// What a pass tells while it runs. Names of calendars only, and never what people plan: whoever writes a log leaves out by
/// what label an event was put aside.
#[derive(Clone, Debug)]
pub enum AgendaEvent {
    /// The look is over; so many events are to be written or deleted.
    Planned {
        events: u64,
    },
    Created {
        into: Side,
    },
    Updated {
        on: Side,
    },
    Moved {
        on: Side,
    },
    Deleted {
        on: Side,
    },
    /// An event could not be carried and was put aside, out of this calendar.
    Parked {
        calendar: String,
        parked: ParkedEvent,
    },
}

pub trait AgendaObserver: Send + Sync {
    fn event(&self, event: AgendaEvent);
    /// Asked between operations: true ends the pass cleanly.
    fn should_stop(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug)]
pub struct SilentAgenda;

impl AgendaObserver for SilentAgenda {
    fn event(&self, _: AgendaEvent) {}
}
