//! The test's own hands on calendars in memory: content, edits, switches, disasters.

use parom_domain::agenda::{CalendarId, CalendarSeen, Form, Handle};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How a server of calendars behaves.
#[derive(Clone, Debug)]
pub struct AgendaSwitches {
    /// Looks have tokens.
    pub tokens: bool,
    /// Looks since a token are deltas. Without, a token tells only whether something changed.
    pub deltas: bool,
    /// A write tells the new version.
    pub tells_versions: bool,
    /// A fields of this name is not kept.
    pub drops: Option<String>,
    /// Changes what is written a moment later, and differently each time.
    pub restless: bool,
    /// Each UID may be in one calendar only.
    pub unique_uids: bool,
    pub makes_calendars: bool,
    pub batch_items: usize,
    /// Events that contain this are not taken.
    pub refuses: Option<String>,
    /// Events that contain this are not removed.
    pub keeps: Option<String>,
    /// Somebody has locked the events that contain this.
    pub locks: Option<String>,
    /// Events that contain this cannot be read.
    pub unreadable: Option<String>,
    /// An outage that looks like success: every look is complete and empty.
    pub lists_nothing: bool,
    /// The calendar with this name lists nothing, and nothing is found in it: its index is damaged. Who asks for an event gets it.
    pub hides: Option<String>,
    /// The calendar with this name cannot be looked at.
    pub closed: Option<String>,
    /// The right to act for this person is gone.
    pub denied: bool,
    /// A create whose connection dies lands later, when somebody calls [`CalendarServer::land_late`].
    pub late_commit: bool,
    /// A delta speaks of what came and went since the token, too. Exchange does not.
    pub tells_fleeting: bool,
    /// A write is several requests: what a title and its like are, then mark by mark and note by note. A new title takes all marks
    /// and notes away, as a new rule does the exceptions of a series in Exchange. In between the event is marked as half.
    pub writes_in_steps: bool,
    /// Events that contain this are refused on their way, when they are half.
    pub refuses_on_the_way: Option<String>,
    /// Of requests that are under way together every second one is overtaken by the others.
    pub overtakes: bool,
}

impl Default for AgendaSwitches {
    fn default() -> Self {
        AgendaSwitches {
            tokens: true,
            deltas: true,
            tells_versions: true,
            drops: None,
            restless: false,
            unique_uids: false,
            makes_calendars: true,
            batch_items: 50,
            refuses: None,
            keeps: None,
            locks: None,
            unreadable: None,
            lists_nothing: false,
            hides: None,
            closed: None,
            denied: false,
            late_commit: false,
            tells_fleeting: true,
            overtakes: true,
            writes_in_steps: false,
            refuses_on_the_way: None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub text: Arc<str>,
    /// A write through the port has not come to its end.
    pub half: bool,
    pub changed: u64,
    /// When it came here.
    pub born: u64,
}

/// What was here.
#[derive(Clone, Debug)]
pub(super) struct Departed {
    pub handle: Handle,
    pub at: u64,
    pub born: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Calendar {
    pub id: CalendarId,
    pub name: String,
    pub is_default: bool,
    pub writable: bool,
    pub events: BTreeMap<Handle, Stored>,
    pub gone: Vec<Departed>,
    /// When anything in it changed last.
    pub changed: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub calendars: Vec<Calendar>,
    pub switches: AgendaSwitches,
    /// Counts changes; a version and a token are moments of it.
    pub clock: u64,
    /// Tokens of another age are not known any more.
    pub age: u64,
    pub writes: u64,
    /// Requests that could overtake one another.
    pub asked: u64,
    pub reads: u64,
    /// Letters that people got because of a change.
    pub letters: u64,
    pub late: Vec<(CalendarId, Arc<str>)>,
    made: u64,
}

impl World {
    pub(super) fn calendar(&self, id: &CalendarId) -> Option<&Calendar> {
        self.calendars.iter().find(|calendar| calendar.id == *id)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Makes or overwrites an event. `quiet`: nobody is told.
    pub(super) fn put(&mut self, id: &CalendarId, handle: Handle, text: &str, quiet: bool) {
        self.clock += 1;
        let changed = self.clock;
        let mut text = text.to_owned();
        if let Some(name) = &self.switches.drops {
            text = with_field(&text, name, None);
        }
        self.letters += u64::from(!quiet && field(&text, "attendee").is_some());
        if let Some(calendar) = self.calendars.iter_mut().find(|calendar| calendar.id == *id) {
            calendar.changed = changed;
            calendar.gone.retain(|gone| gone.handle != handle);
            let old = calendar.events.get(&handle);
            let (born, half) = old.map_or((changed, false), |stored| (stored.born, stored.half));
            calendar.events.insert(handle, Stored { text: text.into(), half, changed, born });
        }
    }

    /// Marks an event as half, or as whole.
    pub(super) fn mark(&mut self, id: &CalendarId, handle: &Handle, half: bool) {
        let calendar = self.calendars.iter_mut().find(|calendar| calendar.id == *id);
        if let Some(stored) = calendar.and_then(|calendar| calendar.events.get_mut(handle)) {
            stored.half = half;
        }
    }

    pub(super) fn take(&mut self, id: &CalendarId, handle: &Handle, quiet: bool) -> Option<Stored> {
        self.clock += 1;
        let clock = self.clock;
        let calendar = self.calendars.iter_mut().find(|calendar| calendar.id == *id)?;
        let stored = calendar.events.remove(handle)?;
        calendar.changed = clock;
        calendar.gone.push(Departed { handle: handle.clone(), at: clock, born: stored.born });
        self.letters += u64::from(!quiet && field(&stored.text, "attendee").is_some());
        Some(stored)
    }

    pub(super) fn handle(&mut self) -> Handle {
        Handle(format!("h{}", self.number()).as_str().into())
    }

    pub(super) fn add_calendar(&mut self, name: &str, is_default: bool) -> CalendarSeen {
        let id = CalendarId(format!("c{}", self.number()).as_str().into());
        self.clock += 1;
        self.calendars.push(Calendar {
            id: id.clone(),
            name: name.to_owned(),
            is_default,
            writable: true,
            events: BTreeMap::new(),
            gone: Vec::new(),
            changed: self.clock,
        });
        CalendarSeen { id, name: name.to_owned(), is_default, writable: true }
    }
}

/// The value of a field of an event's text.
#[must_use]
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The text with another value of a field, or without it. Fields are in the order of their names.
#[must_use]
pub fn with_field(text: &str, name: &str, value: Option<&str>) -> String {
    let mut fields: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    match value {
        Some(value) => fields.insert(name, value),
        None => fields.remove(name),
    };
    fields.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

/// The normal form of a text.
#[must_use]
pub fn form(text: &str) -> Form {
    let uid = field(text, "uid").unwrap_or_default().to_owned();
    Form { uid, hash: *blake3::hash(text.as_bytes()).as_bytes(), text: text.into() }
}

/// One person's calendars on one side. Clones are handles to the same calendars.
#[derive(Clone)]
pub struct CalendarServer(Arc<Mutex<World>>);

/// What the calendars hold, without handles: sorted texts under the names of calendars.
pub type CalendarPicture = BTreeMap<String, Vec<String>>;

impl Default for CalendarServer {
    fn default() -> Self {
        CalendarServer::new(AgendaSwitches::default())
    }
}

impl CalendarServer {
    /// With one default calendar, called `Calendar`.
    #[must_use]
    pub fn new(switches: AgendaSwitches) -> CalendarServer {
        let mut world = World { switches, ..World::default() };
        world.add_calendar("Calendar", true);
        CalendarServer(Arc::new(Mutex::new(world)))
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn switch(&self, change: impl FnOnce(&mut AgendaSwitches)) {
        self.with(|world| change(&mut world.switches));
    }

    pub fn add_calendar(&self, name: &str) {
        self.with(|world| _ = world.add_calendar(name, false));
    }

    pub fn set_writable(&self, name: &str, writable: bool) {
        self.with(|world| {
            world.calendars.iter_mut().filter(|calendar| calendar.name == name).for_each(|it| it.writable = writable);
        });
    }

    pub fn rename_calendar(&self, name: &str, now: &str) {
        self.with(|world| {
            world.calendars.iter_mut().filter(|calendar| calendar.name == name).for_each(|it| it.name = now.to_owned());
        });
    }

    /// Takes a calendar away with all that is in it.
    pub fn remove_calendar(&self, name: &str) {
        self.with(|world| world.calendars.retain(|calendar| calendar.name != name));
    }

    /// Adds an event, whatever else has its UID. False where there is no such calendar.
    pub fn add(&self, calendar: &str, text: &str) -> bool {
        self.with(|world| {
            let Some(id) = id_of(world, calendar) else { return false };
            let handle = world.handle();
            let text = with_field(text, "", None);
            world.put(&id, handle, &text, false);
            true
        })
    }

    /// Changes one field of all events with this UID in a calendar. Tells how many there are.
    pub fn edit(&self, calendar: &str, uid: &str, name: &str, value: Option<&str>) -> usize {
        self.with(|world| {
            let Some(id) = id_of(world, calendar) else { return 0 };
            let found = of_uid(world, &id, uid);
            for (handle, text) in &found {
                world.put(&id, handle.clone(), &with_field(text, name, value), false);
            }
            found.len()
        })
    }

    /// Deletes the events with this UID from a calendar.
    pub fn delete(&self, calendar: &str, uid: &str) -> usize {
        self.with(|world| {
            let Some(id) = id_of(world, calendar) else { return 0 };
            let found = of_uid(world, &id, uid);
            for (handle, _) in &found {
                world.take(&id, handle, false);
            }
            found.len()
        })
    }

    /// Deletes the first of the events with this UID.
    pub fn delete_one(&self, calendar: &str, uid: &str) {
        self.with(|world| {
            let Some(id) = id_of(world, calendar) else { return };
            if let Some((handle, _)) = of_uid(world, &id, uid).first() {
                world.take(&id, handle, false);
            }
        });
    }

    /// Moves an event to another calendar, where it gets another handle; to the same one it is what accepting an invitation
    /// does: one is deleted, and another one made.
    pub fn shift(&self, from: &str, uid: &str, to: &str) -> usize {
        self.with(|world| {
            let (Some(from), Some(to)) = (id_of(world, from), id_of(world, to)) else { return 0 };
            let found = of_uid(world, &from, uid);
            for (handle, text) in &found {
                let half = world.take(&from, handle, true).is_some_and(|stored| stored.half);
                let handle = world.handle();
                world.put(&to, handle.clone(), text, true);
                world.mark(&to, &handle, half);
            }
            found.len()
        })
    }

    /// An event changes its version, and nothing else of it.
    pub fn touch(&self, calendar: &str, uid: &str) {
        self.edit(calendar, uid, "", None);
    }

    /// No token that was given is known any more.
    pub fn forget_tokens(&self) {
        self.with(|world| world.age += 1);
    }

    /// What died on its way arrives after all, unless its UID is in the way.
    pub fn land_late(&self) {
        self.with(|world| {
            for (id, text) in std::mem::take(&mut world.late) {
                let uid = field(&text, "uid").unwrap_or_default().to_owned();
                let unique = world.switches.unique_uids;
                let mut in_the_way = world.calendars.iter().filter(|calendar| unique || calendar.id == id);
                if in_the_way.all(|calendar| of_uid(world, &calendar.id, &uid).is_empty()) {
                    let handle = world.handle();
                    world.put(&id, handle, &text, true);
                }
            }
        });
    }

    /// Writes through the port so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.with(|world| world.writes)
    }

    /// Events read through the port so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.with(|world| world.reads)
    }

    /// Letters that people got so far.
    #[must_use]
    pub fn letters(&self) -> u64 {
        self.with(|world| world.letters)
    }

    #[must_use]
    pub fn picture(&self) -> CalendarPicture {
        self.with(|world| {
            let mut picture = CalendarPicture::new();
            for calendar in &world.calendars {
                // Two calendars may have one name.
                let texts = picture.entry(calendar.name.clone()).or_default();
                texts.extend(calendar.events.values().map(|stored| stored.text.to_string()));
                texts.sort();
            }
            picture
        })
    }

    /// So many events are half.
    #[must_use]
    pub fn halves(&self) -> usize {
        let halves = |calendar: &Calendar| calendar.events.values().filter(|stored| stored.half).count();
        self.with(|world| world.calendars.iter().map(halves).sum())
    }

    /// The UIDs in a calendar, sorted.
    #[must_use]
    pub fn uids(&self, calendar: &str) -> Vec<String> {
        let picture = self.picture();
        let texts = picture.get(calendar).map_or(&[][..], Vec::as_slice);
        let mut uids: Vec<String> = texts.iter().filter_map(|text| field(text, "uid")).map(str::to_owned).collect();
        uids.sort();
        uids
    }

    /// The value of a field of the event with this UID.
    #[must_use]
    pub fn get(&self, calendar: &str, uid: &str, name: &str) -> Option<String> {
        self.with(|world| {
            let id = id_of(world, calendar)?;
            let found = of_uid(world, &id, uid);
            found.first().and_then(|(_, text)| field(text, name)).map(str::to_owned)
        })
    }
}

fn id_of(world: &World, name: &str) -> Option<CalendarId> {
    world.calendars.iter().find(|calendar| calendar.name == name).map(|calendar| calendar.id.clone())
}

pub(super) fn of_uid(world: &World, id: &CalendarId, uid: &str) -> Vec<(Handle, Arc<str>)> {
    let events = world.calendar(id).into_iter().flat_map(|calendar| &calendar.events);
    let found = events.filter(|(_, stored)| field(&stored.text, "uid") == Some(uid));
    found.map(|(handle, stored)| (handle.clone(), stored.text.clone())).collect()
}
