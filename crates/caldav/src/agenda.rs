//! The agenda of one account on a CalDAV server.

use crate::dav::Dav;
use crate::discover::Way;
use crate::href;
use crate::settings::ServerSettings;
use async_trait::async_trait;
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Written,
};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::http::{Client, Identity, Lanes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One person's calendars on a CalDAV server.
pub struct CalDavAgenda {
    pub(crate) dav: Dav,
    pub(crate) settings: Arc<ServerSettings>,
    known: Mutex<Known>,
}

/// What was learned on the way. All of it can be learned again.
#[derive(Default)]
struct Known {
    way: Option<Arc<Way>>,
    calendars: BTreeMap<CalendarId, Facts>,
    /// Calendars whose server refused sync-collection.
    without_sync: BTreeSet<CalendarId>,
    without_multiget: bool,
    skipped: BTreeMap<CalendarId, u64>,
    /// Where all calendars stood when they were listed last.
    sign: Option<Token>,
}

/// What a calendar tells about itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub name: String,
    pub offers_sync: bool,
    pub max_bytes: Option<u64>,
}

impl CalDavAgenda {
    /// `owner` is whose calendars they are: the login itself, or another one where a service account signs in.
    #[must_use]
    pub fn new(settings: Arc<ServerSettings>, identity: Identity, owner: &str) -> CalDavAgenda {
        let (dialer, target, patience) = (settings.dialer.clone(), settings.target.clone(), settings.patience);
        let lanes = settings.lanes.clone().unwrap_or_else(|| Lanes::new(patience.connections));
        let client = Client::sharing(dialer, target, identity, patience, lanes);
        let (host, owner) = (settings.target.host.to_string(), owner.to_owned());
        let dav = Dav { client, host, owner, most_event_bytes: settings.most_event_bytes };
        CalDavAgenda { dav, settings, known: Mutex::default() }
    }

    /// What the last complete look at a calendar left out: tasks, journal entries, and what is nothing of a calendar.
    #[must_use]
    pub fn skipped(&self, calendar: &CalendarId) -> u64 {
        self.known().skipped.get(calendar).copied().unwrap_or_default()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the calendars are and how the server wants to be treated; asked for once.
    pub(crate) async fn way(&self) -> Result<Arc<Way>> {
        if let Some(way) = &self.known().way {
            return Ok(way.clone());
        }
        let way = Arc::new(self.discover().await?);
        self.known().way = Some(way.clone());
        Ok(way)
    }

    pub(crate) fn forget_way(&self) {
        self.known().way = None;
    }

    pub(crate) fn facts_at_hand(&self, calendar: &CalendarId) -> Option<Facts> {
        self.known().calendars.get(calendar).cloned()
    }

    pub(crate) fn learn(&self, calendar: &CalendarId, facts: Facts) {
        self.known().calendars.insert(calendar.clone(), facts);
    }

    pub(crate) fn syncs(&self, calendar: &CalendarId) -> bool {
        !self.known().without_sync.contains(calendar)
    }

    pub(crate) fn learn_without_sync(&self, calendar: &CalendarId) {
        self.known().without_sync.insert(calendar.clone());
    }

    pub(crate) fn multigets(&self) -> bool {
        !self.known().without_multiget
    }

    pub(crate) fn learn_without_multiget(&self) {
        self.known().without_multiget = true;
    }

    pub(crate) fn count_skipped(&self, calendar: &CalendarId, count: u64) {
        self.known().skipped.insert(calendar.clone(), count);
    }

    pub(crate) fn learn_sign(&self, sign: Option<Token>) {
        self.known().sign = sign;
    }

    /// The name of a calendar, for sentences.
    pub(crate) fn name(&self, calendar: &CalendarId) -> String {
        self.facts_at_hand(calendar).map_or_else(|| href::last(&calendar.0), |facts| facts.name)
    }

    /// Adds what a sentence about a calendar needs.
    pub(crate) fn about(&self, calendar: &CalendarId) -> impl Fn(Error) -> Error {
        let (host, what) = (self.dav.host.clone(), self.name(calendar));
        move |error| {
            let error = error.with("host", &host).with("what", &what);
            // The sentence is the one of mail.
            if error.code() == Code::QuotaFull { error.with("folder", &what) } else { error }
        }
    }

    /// An error about one event.
    pub(crate) fn event_error(&self, code: Code, retry: Retry, calendar: &CalendarId, uid: &str) -> Error {
        self.about(calendar)(Error::new(code, Scope::Item, retry)).with("uid", uid)
    }
}

#[async_trait]
impl Agenda for CalDavAgenda {
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        self.list().await
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        self.look(calendar, since).await.map_err(self.about(calendar))
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        self.fetch(calendar, handles).await.map_err(self.about(calendar))
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        self.search(calendar, uid).await.map_err(self.about(calendar))
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        let about = self.about(calendar);
        self.store_new(calendar, form).await.map_err(|error| about(error).with("uid", &form.uid))
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, _base: &Form, form: &Form) -> Result<Written> {
        let about = self.about(calendar);
        self.replace(calendar, seen, form).await.map_err(|error| about(error).with("uid", &form.uid))
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        let about = self.about(calendar);
        self.take_away(calendar, seen).await.map_err(|error| about(error).with("uid", href::last(&seen.handle.0)))
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        self.make(name).await.map_err(|error| error.with("host", &self.dav.host).with("what", name))
    }

    fn sign(&self) -> Option<Token> {
        self.known().sign.clone()
    }

    fn rest(&self) {
        self.dav.client.rest();
    }
}
