//! An agenda behind the gates of its server and its password: what one account found out spares the others the attempt.

use crate::connections::Grant;
use crate::gate::SideGates;
use crate::paces::Paces;
use async_trait::async_trait;
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Written,
};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

pub struct GuardedAgenda<'a> {
    inner: &'a dyn Agenda,
    pub gates: SideGates,
    load: Option<Load<'a>>,
}

/// What goes slower when the server says that this is too much.
struct Load<'a> {
    server: &'a str,
    grant: &'a Grant,
    paces: &'a Paces,
}

impl<'a> GuardedAgenda<'a> {
    /// For work that counts no connections.
    #[must_use]
    pub fn new(inner: &'a dyn Agenda, gates: SideGates) -> GuardedAgenda<'a> {
        GuardedAgenda { inner, gates, load: None }
    }

    pub(super) fn loaded(
        inner: &'a dyn Agenda,
        gates: SideGates,
        server: &'a str,
        (grant, paces): (&'a Grant, &'a Paces),
    ) -> GuardedAgenda<'a> {
        GuardedAgenda { inner, gates, load: Some(Load { server, grant, paces }) }
    }

    fn noted<T>(&self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer {
            self.gates.note(error);
            self.slow_down(error);
        }
        answer
    }

    fn slow_down(&self, error: &Error) {
        let Some(Load { server, grant, paces }) = &self.load else { return };
        // Exchange charges whoever it calls too busy: the mailbox waits as long as it is told to, and nobody else. But those
        // who are let in by the same service account had better be fewer.
        let is_of_one = error.code() == Code::Throttled && error.scope() == Scope::Account;
        let of_many = Error::new(Code::Throttled, Scope::Credential, Retry::Soon)
            .with("answer", error.arg("answer").unwrap_or_default());
        let told = if is_of_one { &of_many } else { error };
        if let Some((bound, speed)) = grant.slow_down(server, told, !is_of_one && self.gates.throttles_one()) {
            paces.slowed(bound, speed, told);
        }
    }
}

#[async_trait]
impl Agenda for GuardedAgenda<'_> {
    /// A pass begins with this call: it is the one that signs in.
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        let began = Instant::now();
        let was_called = AtomicBool::new(false);
        let call = async {
            was_called.store(true, Ordering::Relaxed);
            self.inner.calendars().await
        };
        let listed = self.gates.through(call).await;
        match &listed {
            Ok(_) => {
                self.gates.went_well(began);
                self.load.iter().for_each(|load| load.grant.went_well());
            }
            // What a gate remembers is no news.
            Err(error) if was_called.load(Ordering::Relaxed) => self.slow_down(error),
            Err(_) => {}
        }
        listed
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        self.noted(self.inner.observe(calendar, since).await)
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        self.noted(self.inner.read(calendar, handles).await)
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        self.noted(self.inner.find(calendar, uid).await)
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        self.noted(self.inner.create(calendar, form).await)
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written> {
        self.noted(self.inner.update(calendar, seen, base, form).await)
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        self.noted(self.inner.remove(calendar, seen).await)
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        self.noted(self.inner.make_calendar(name).await)
    }

    async fn export(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<Option<Arc<str>>> {
        self.noted(self.inner.export(calendar, seen).await)
    }

    async fn restore(&self, calendar: &CalendarId, export: &str) -> Result<Written> {
        self.noted(self.inner.restore(calendar, export).await)
    }

    fn sign(&self) -> Option<Token> {
        self.inner.sign()
    }

    fn rest(&self) {
        self.inner.rest();
    }
}
