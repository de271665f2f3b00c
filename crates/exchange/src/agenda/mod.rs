//! The calendars of one mailbox, as the engine wants them.

mod attachments;
mod export;
mod look;
mod names;
mod occurrences;
mod read;
mod write;

use crate::classify::{About, classify};
use crate::client::{Client, Transport};
use crate::convert::{Context, NoPlace};
use crate::envelope::Refusal;
use crate::item::{ItemId, Mailbox};
use crate::op::{Configuration, FolderRef, GetServerTimeZones, GetUserConfiguration};
use async_trait::async_trait;
use parom_calendar::zone::iana_of_windows;
use parom_calendar::{Event, EventHash, Scheduling, Zone, canonical_uid, from_ical, to_ical};
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Version,
    Written,
};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// What has to be known of the owner beside the address.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Further addresses of the owner: organizers and attendees with them are the owner.
    pub aliases: Vec<String>,
    /// Where the owner's days begin. `None`: where the mailbox says, and UTC where nobody knows.
    pub home: Option<Zone>,
    /// The attachments of an item that are carried, in bytes together. Larger ones are left out and told of.
    pub most_attachment_bytes: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { aliases: Vec::new(), home: None, most_attachment_bytes: 20 << 20 }
    }
}

/// The calendars of one mailbox.
pub struct Calendars<T> {
    client: Client<T>,
    settings: Settings,
    memory: Mutex<Memory>,
}

/// What need not be asked twice.
#[derive(Default)]
struct Memory {
    calendar_names: HashMap<String, String>,
    server_zones: Option<Arc<BTreeSet<String>>>,
    /// `Some(None)`: the mailbox does not say.
    home: Option<Option<Zone>>,
    /// By legacy addresses; `None` for those that the directory does not know.
    people: HashMap<String, Option<Mailbox>>,
    /// Items that were read, and on which a write had not come to its end.
    halves: HashSet<String>,
    /// The server does not know how.
    exports_nothing: bool,
}

/// GetItem takes so many at a time, as Microsoft advises for calendar items.
const BATCH: usize = 10;
/// So many are read together, because their exceptions share requests; they are in memory together, with their attachments.
const TOGETHER: usize = 2 * BATCH;

impl<T: Transport> Calendars<T> {
    #[must_use]
    pub fn new(client: Client<T>, settings: Settings) -> Calendars<T> {
        Calendars { client, settings, memory: Mutex::default() }
    }

    fn context(&self) -> Context {
        let mut owner = vec![self.client.mailbox().to_owned()];
        owner.extend(self.settings.aliases.iter().cloned());
        let memory = self.memory();
        let home = self.settings.home.clone().or_else(|| memory.home.clone().flatten());
        Context { owner, home, version: self.client.version(), server_zones: memory.server_zones.clone() }
    }

    /// Asks the mailbox in which zone its owner lives, once. Outlook on the web knows it of everybody who has ever opened it.
    async fn learn_home(&self) -> Result<()> {
        if self.settings.home.is_some() || self.memory().home.is_some() {
            return Ok(());
        }
        let told = match self.client.ask(&GetUserConfiguration::outlook_on_the_web()).await {
            Ok(told) => told.unwrap_or_default(),
            // A server that does not know the question.
            Err(error) if error.code() == Code::AnswerUnexpected => Configuration::default(),
            Err(error) => return Err(error),
        };
        let id = told.pairs.iter().find(|(name, _)| name == "timezone").map(|(_, id)| id.as_str());
        let zone = id.and_then(iana_of_windows).and_then(Zone::named);
        self.memory().home = Some(zone);
        Ok(())
    }

    /// Before something is written, it must be known in which zones the server can think.
    async fn learn_zones(&self) -> Result<()> {
        self.learn_home().await?;
        if self.memory().server_zones.is_some() {
            return Ok(());
        }
        let told = self.client.ask(&GetServerTimeZones { ids: Vec::new(), in_full: false }).await?;
        let told = told.map_err(|refusal| classify(About::Account, &refusal))?;
        self.memory().server_zones = Some(Arc::new(told.into_iter().map(|zone| zone.id).collect()));
        Ok(())
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what an error has to say about where it happened.
    fn about(&self, calendar: &CalendarId, uid: &str, error: Error) -> Error {
        let name = self.memory().calendar_names.get(&*calendar.0).cloned();
        let error = error.with("host", self.client.host()).with("login", self.client.mailbox());
        let error = error.with("what", name.unwrap_or_else(|| "-".into()));
        if uid.is_empty() { error } else { error.with("uid", uid) }
    }

    fn refused(&self, about: About, calendar: &CalendarId, uid: &str, refusal: &Refusal) -> Error {
        self.about(calendar, uid, classify(about, refusal))
    }
}

fn folder(calendar: &CalendarId) -> FolderRef {
    FolderRef::Id(calendar.0.to_string())
}

fn item_id(seen: &EventSeen) -> ItemId {
    ItemId { id: seen.handle.0.to_string(), change_key: Some(seen.version.0.to_string()) }
}

fn handle(id: &ItemId) -> Handle {
    Handle(id.id.as_str().into())
}

fn version(id: &ItemId) -> Version {
    Version(id.change_key.as_deref().unwrap_or_default().into())
}

fn written(id: &ItemId) -> Written {
    let version = id.change_key.as_deref().map(|key| Version(key.into()));
    Written { handle: handle(id), version }
}

/// The form of an event, under the canonical spelling of its UID.
fn form(mut event: Event) -> Form {
    event.uid = canonical_uid(&event.uid);
    let hash = EventHash::of(&event).to_bytes();
    let text = to_ical(&event, Scheduling::Server);
    Form { uid: event.uid, hash, text: Arc::from(text) }
}

fn event(form: &Form) -> Result<Event> {
    from_ical(form.text.as_bytes(), None)
        .map_err(|unfit| Error::internal(format!("a normal form that cannot be read: {unfit}")))
}

fn unfit(reason: NoPlace) -> Error {
    Error::new(Code::EventUnfit, Scope::Item, Retry::WhenFixed).with("detail", reason)
}

#[async_trait]
impl<T: Transport> Agenda for Calendars<T> {
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        let calendars = self.list().await?;
        let abilities = AgendaAbilities {
            makes_calendars: true,
            moves: false,
            tells_changes: true,
            batch_items: TOGETHER,
            max_bytes: None,
            unique_uids: false,
            writes_in_steps: true,
        };
        Ok((calendars, abilities))
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        self.look(calendar, since).await
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        self.learn_home().await.map_err(|error| self.about(calendar, "", error))?;
        self.read_events(calendar, handles).await
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        self.learn_home().await.map_err(|error| self.about(calendar, uid, error))?;
        let handles: Vec<Handle> = self.with_uid(calendar, uid).await?.iter().map(handle).collect();
        let mut found = self.read_events(calendar, &handles).await?;
        let wanted = canonical_uid(uid);
        found.retain(|read| read.form.as_ref().map_or(true, |form| form.uid == wanted));
        Ok(found)
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        self.create_event(calendar, form).await.map_err(|error| self.about(calendar, &form.uid, error))
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written> {
        let written = self.update_event(calendar, seen, base, form).await;
        written.map_err(|error| self.about(calendar, &form.uid, error))
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        self.remove_event(calendar, seen).await.map_err(|error| self.about(calendar, "", error))
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        self.make(name).await
    }

    async fn export(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<Option<Arc<str>>> {
        self.export_event(seen).await.map_err(|error| self.about(calendar, "", error))
    }

    async fn restore(&self, calendar: &CalendarId, export: &str) -> Result<Written> {
        self.restore_event(calendar, export).await.map_err(|error| self.about(calendar, "", error))
    }
}
