//! Several calendars in one, for servers that let their users make no more.
//!
//! Calendars that cannot be made are folded into the first one: an event of theirs gets a category that says where it belongs,
//! and what is read comes without it, in a calendar of that name that only we see.
//!
//! An event that has lost its category stays where it was known to be, because clients that know no categories drop them.
//! A category of another calendar moves it there.

use crate::form::{event, form as form_of};
use async_trait::async_trait;
use parom_calendar::Event;
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Version,
    Written,
};
use parom_domain::{Code, Error, Result, Retry, Scope};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Divides the calendar that is there from the name of the one that is folded into it. No path of a collection has it.
const FOLD: char = '#';
/// Stands for the calendar's name in the category.
pub const NAME: &str = "{name}";

/// The event already has a category that would put it into another calendar.
pub const MISLEADING: &str = "category-of-calendar";
/// The server drops categories, and nothing would tell where the event belongs.
pub const DROPPED: &str = "categories-are-dropped";

/// The calendars of an account, of which those that the server does not have are folded into its first one.
pub struct Folded {
    inner: Arc<dyn Agenda>,
    /// With [`NAME`] where the name goes.
    category: String,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Calendars that the server has, with their names.
    real: BTreeMap<CalendarId, String>,
    folds: BTreeMap<CalendarId, String>,
    /// The one into which others are folded; `None` where the server makes calendars, or has none.
    first: Option<CalendarId>,
    batch_items: usize,
    /// Where events are, and in which version that was seen.
    places: HashMap<Handle, (Option<Version>, CalendarId)>,
    /// The server was seen to keep a category.
    keeps_categories: bool,
}

impl Folded {
    /// `known`: where events were seen before. The calendars in which they were, and `folds`, are there again.
    pub fn new(
        inner: Arc<dyn Agenda>,
        category: &str,
        folds: impl IntoIterator<Item = CalendarId>,
        known: impl IntoIterator<Item = (Handle, Option<Version>, CalendarId)>,
    ) -> Folded {
        let name = |id: &CalendarId| id.0.split_once(FOLD).map(|(_, name)| name.to_owned());
        let folds = folds.into_iter().filter_map(|id| Some((id.clone(), name(&id)?))).collect();
        let places = known.into_iter().map(|(handle, version, at)| (handle, (version, at))).collect();
        let memory = Mutex::new(Memory { folds, places, ..Memory::default() });
        Folded { inner, category: category.to_owned(), memory }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn label(&self, name: &str) -> String {
        self.category.replace(NAME, name)
    }

    /// Does nothing but this calendar lie in it?
    fn is_plain(&self, calendar: &CalendarId) -> bool {
        let real = real(calendar);
        !self.memory().folds.keys().any(|fold| self::real(fold) == real)
    }

    /// The calendars that lie in a real one, itself included, with their categories.
    fn labels(&self, real: &CalendarId) -> Vec<(String, CalendarId)> {
        let memory = self.memory();
        let folds = memory.folds.iter().filter(|(id, _)| self::real(id) == *real);
        let own = memory.real.get_key_value(real);
        folds.chain(own).map(|(id, name)| (self.label(name), id.clone())).collect()
    }

    /// What an event says without the category that tells where it belongs, and where that is.
    fn unfolded(&self, real: &CalendarId, handle: &Handle, form: &Form) -> Result<(CalendarId, Form)> {
        let labels = self.labels(real);
        let mut event = event(form)?;
        let of = |event: &Event| {
            let categories = event.all_details().flat_map(|details| &details.categories);
            let mut named = categories.filter_map(|name| labels.iter().find(|(label, _)| label == name.trim()));
            named.next().map(|(_, id)| id.clone())
        };
        let Some(told) = of(&event) else {
            let known = self.memory().places.get(handle).map(|(_, at)| at.clone());
            let place = known.filter(|at| self::real(at) == *real).unwrap_or_else(|| real.clone());
            return Ok((place, form.clone()));
        };
        self.memory().keeps_categories = true;
        let bare = |categories: &mut Vec<String>| {
            categories.retain(|name| !labels.iter().any(|(label, _)| label == name.trim()));
        };
        event.all_details_mut().for_each(|details| bare(&mut details.categories));
        Ok((told, form_of(event)))
    }

    /// What is stored for an event of this calendar.
    fn folded(&self, calendar: &CalendarId, form: &Form) -> Result<Form> {
        let real = real(calendar);
        let labels = self.labels(&real);
        let mut event = event(form)?;
        let is_label = |name: &String| labels.iter().any(|(label, _)| label == name.trim());
        if event.all_details().flat_map(|details| &details.categories).any(is_label) {
            // It would come back as an event of another calendar.
            let error = Error::new(Code::EventUnfit, Scope::Item, Retry::WhenFixed);
            return Err(error.with("uid", &form.uid).with("detail", MISLEADING));
        }
        let name = self.memory().folds.get(calendar).cloned();
        let Some(name) = name else { return Ok(form.clone()) };
        let label = self.label(&name);
        event.all_details_mut().for_each(|details| details.categories.push(label.clone()));
        Ok(form_of(event))
    }

    /// A new calendar within the first one; `None` where the server makes calendars itself.
    fn fold(&self, name: &str) -> Option<CalendarSeen> {
        let mut memory = self.memory();
        let first = memory.first.clone()?;
        // Calendars below others may have one name. Each keeps its own events.
        let taken = |name: &String| memory.folds.values().chain(memory.real.values()).any(|known| known == name);
        let mut names = (1..).map(|turn| if turn == 1 { name.to_owned() } else { format!("{name} ({turn})") });
        let name = names.find(|name| !taken(name))?;
        let id = CalendarId(format!("{}{FOLD}{name}", first.0).into());
        memory.folds.insert(id.clone(), name.clone());
        Some(CalendarSeen { id, name, is_default: false, writable: true })
    }

    fn noted(&self, handle: &Handle, version: Option<Version>, at: &CalendarId) {
        self.memory().places.insert(handle.clone(), (version, at.clone()));
    }

    /// What was read in a real calendar, each with its place.
    fn sorted(&self, real: &CalendarId, read: Vec<EventRead>) -> Result<Vec<(CalendarId, EventRead)>> {
        let mut sorted = Vec::new();
        for mut event in read {
            let place = match &event.form {
                Ok(form) => {
                    let (place, form) = self.unfolded(real, &event.handle, form)?;
                    event.form = Ok(form);
                    place
                }
                Err(_) => {
                    let known = self.memory().places.get(&event.handle).map(|(_, at)| at.clone());
                    known.filter(|at| self::real(at) == *real).unwrap_or_else(|| real.clone())
                }
            };
            self.noted(&event.handle, Some(event.version.clone()), &place);
            sorted.push((place, event));
        }
        Ok(sorted)
    }

    /// Reads those of which it is not known where they belong.
    async fn learn_places(&self, real: &CalendarId, seen: &[EventSeen]) -> Result<()> {
        let (unknown, batch): (Vec<Handle>, usize) = {
            let memory = self.memory();
            let is_known = |seen: &EventSeen| {
                memory.places.get(&seen.handle).is_some_and(|(version, _)| version.as_ref() == Some(&seen.version))
            };
            let unknown = seen.iter().filter(|seen| !is_known(seen)).map(|seen| seen.handle.clone());
            (unknown.collect(), memory.batch_items.max(1))
        };
        for some in unknown.chunks(batch) {
            let read = self.inner.read(real, some).await?;
            self.sorted(real, read)?;
        }
        Ok(())
    }

    /// A server that drops categories cannot hold folded calendars: what was made is taken away again.
    async fn prove(&self, real: &CalendarId, written: &Written, form: &Form) -> Result<()> {
        if self.memory().keeps_categories {
            return Ok(());
        }
        let read = self.inner.read(real, std::slice::from_ref(&written.handle)).await?;
        let Some(EventRead { handle, version, form: Ok(stored), .. }) = read.into_iter().next() else { return Ok(()) };
        self.unfolded(real, &handle, &stored)?;
        if self.memory().keeps_categories {
            return Ok(());
        }
        self.inner.remove(real, &EventSeen { handle, version }).await?;
        let error = Error::new(Code::EventUnfit, Scope::Item, Retry::WhenFixed);
        Err(error.with("uid", &form.uid).with("detail", DROPPED))
    }
}

/// The calendar that the server has.
fn real(calendar: &CalendarId) -> CalendarId {
    match calendar.0.split_once(FOLD) {
        Some((real, _)) => CalendarId(real.into()),
        None => calendar.clone(),
    }
}

#[async_trait]
impl Agenda for Folded {
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        let (mut calendars, mut abilities) = self.inner.calendars().await?;
        let mut memory = self.memory();
        let first = calendars.iter().find(|it| it.is_default).or(calendars.first());
        memory.first = first.filter(|it| it.writable && !abilities.makes_calendars).map(|it| it.id.clone());
        memory.real = calendars.iter().map(|it| (it.id.clone(), it.name.clone())).collect();
        memory.batch_items = abilities.batch_items;
        // A calendar that came later under the name of a folded one would be that one twice.
        calendars.retain(|real| real.is_default || !memory.folds.values().any(|name| *name == real.name));
        let folds = memory.folds.iter().filter_map(|(id, name)| {
            let around = calendars.iter().find(|it| it.id == real(id))?;
            Some(CalendarSeen { id: id.clone(), name: name.clone(), is_default: false, writable: around.writable })
        });
        let folds: Vec<CalendarSeen> = folds.collect();
        abilities.makes_calendars |= memory.first.is_some();
        // Those that lie in one share its UIDs.
        abilities.unique_uids |= memory.first.is_some() || !folds.is_empty();
        calendars.extend(folds);
        Ok((calendars, abilities))
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        let real = real(calendar);
        let mut look = self.inner.observe(&real, since).await?;
        if self.is_plain(calendar) {
            return Ok(look);
        }
        self.learn_places(&real, &look.present).await?;
        let memory = self.memory();
        // One that went while it was asked about is nowhere.
        let is_here = |seen: &EventSeen| memory.places.get(&seen.handle).is_some_and(|(_, at)| at == calendar);
        let (here, elsewhere): (Vec<EventSeen>, Vec<EventSeen>) = look.present.into_iter().partition(is_here);
        look.present = here;
        if !look.complete {
            // What belongs elsewhere now may have been here.
            look.gone.extend(elsewhere.into_iter().map(|seen| seen.handle));
        }
        Ok(look)
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        let real = real(calendar);
        let read = self.inner.read(&real, handles).await?;
        if self.is_plain(calendar) {
            return Ok(read);
        }
        Ok(self.sorted(&real, read)?.into_iter().filter(|(at, _)| at == calendar).map(|(_, event)| event).collect())
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        let real = real(calendar);
        let found = self.inner.find(&real, uid).await?;
        if self.is_plain(calendar) {
            return Ok(found);
        }
        Ok(self.sorted(&real, found)?.into_iter().filter(|(at, _)| at == calendar).map(|(_, event)| event).collect())
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        let real = real(calendar);
        let written = self.inner.create(&real, &self.folded(calendar, form)?).await?;
        if real != *calendar {
            self.prove(&real, &written, form).await?;
        }
        self.noted(&written.handle, written.version.clone(), calendar);
        Ok(written)
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written> {
        let form = self.folded(calendar, form)?;
        let written = self.inner.update(&real(calendar), seen, base, &form).await?;
        self.noted(&written.handle, written.version.clone(), calendar);
        Ok(written)
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        self.inner.remove(&real(calendar), seen).await?;
        self.memory().places.remove(&seen.handle);
        Ok(())
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        match self.fold(name) {
            Some(made) => Ok(made),
            None => self.inner.make_calendar(name).await,
        }
    }
}
