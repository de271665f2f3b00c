//! One pass's view of calendars in memory through the `Agenda` port.

use super::server::{Calendar, CalendarServer, Stored, World, field, form, of_uid, with_field};
use crate::memory::Steps;
use async_trait::async_trait;
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Version,
    Written,
};
use parom_domain::{Code, Error, Result, Retry, Scope};

/// Each call is one step before its effect and, where it changes something, a second one before its answer.
pub struct MemoryAgenda {
    name: String,
    server: CalendarServer,
    steps: Steps,
}

impl MemoryAgenda {
    /// `name` is the host in errors and the first word in the names of steps.
    #[must_use]
    pub fn new(name: &str, server: CalendarServer, steps: Steps) -> MemoryAgenda {
        MemoryAgenda { name: name.to_owned(), server, steps }
    }

    fn ask<T>(&self, what: &str, look: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        self.steps.step(&format!("{} {what}", self.name))?;
        self.server.with(|world| {
            self.allowed(world)?;
            look(world)
        })
    }

    fn act<T>(&self, what: &str, change: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        self.steps.step(&format!("{} {what}", self.name))?;
        let done = self.server.with(|world| {
            self.allowed(world)?;
            let done = change(world)?;
            world.writes += 1;
            Ok(done)
        });
        self.steps.step(&format!("{} {what} answer", self.name))?;
        done
    }

    /// Lets others go first.
    async fn queue(&self) {
        let waits = self.server.with(|world| {
            world.asked += 1;
            if world.switches.overtakes { world.asked % 3 } else { 0 }
        });
        for _ in 0..waits {
            tokio::task::yield_now().await;
        }
    }

    fn allowed(&self, world: &World) -> Result<()> {
        if !world.switches.denied {
            return Ok(());
        }
        let error = Error::new(Code::ImpersonationDenied, Scope::Account, Retry::WhenFixed);
        Err(error.with("host", &self.name).with("login", "a").with("answer", "ErrorImpersonateUserDenied"))
    }

    fn opened<'w>(&self, world: &'w World, id: &CalendarId) -> Result<&'w Calendar> {
        let gone = || Error::new(Code::CalendarGone, Scope::Folder, Retry::Soon).with("host", &self.name);
        let calendar = world.calendar(id).ok_or_else(gone)?;
        if world.switches.closed.as_ref() == Some(&calendar.name) {
            let error = Error::new(Code::CalendarRefused, Scope::Folder, Retry::Soon).with("host", &self.name);
            return Err(error.with("what", &calendar.name).with("answer", "500"));
        }
        Ok(calendar)
    }

    fn of_event(&self, code: Code, retry: Retry, uid: &str) -> Error {
        Error::new(code, Scope::Item, retry).with("host", &self.name).with("uid", uid)
    }

    fn accepts(&self, world: &World, event: &Form) -> Result<()> {
        self.unlocked(world, &event.text)?;
        match &world.switches.refuses {
            Some(part) if event.text.contains(part.as_str()) => {
                Err(self.of_event(Code::EventRefused, Retry::WhenFixed, &event.uid).with("answer", "403"))
            }
            _ => Ok(()),
        }
    }

    fn unlocked(&self, world: &World, text: &str) -> Result<()> {
        match &world.switches.locks {
            Some(part) if text.contains(part.as_str()) => {
                Err(self.of_event(Code::EventLocked, Retry::Soon, &form(text).uid).with("answer", "423 Locked"))
            }
            _ => Ok(()),
        }
    }

    fn lets_go(&self, world: &World, text: &str) -> Result<()> {
        self.unlocked(world, text)?;
        match &world.switches.keeps {
            Some(part) if text.contains(part.as_str()) => Err(self
                .of_event(Code::EventForbidden, Retry::WhenFixed, &form(text).uid)
                .with("answer", "403 Forbidden")),
            _ => Ok(()),
        }
    }

    /// The further requests of a write. Each one believes in what the last one left.
    fn go_on(&self, calendar: &CalendarId, mut done: Written, mut text: String, stops: Vec<String>) -> Result<Written> {
        let uid = form(&text).uid;
        let half = |cause: Code| {
            self.of_event(Code::EventHalf, Retry::Soon, &uid).with("cause", cause.as_str()).with("answer", "500")
        };
        let most = stops.len();
        for (at, next) in stops.into_iter().enumerate() {
            let is_last = at + 1 == most;
            done = self.act(if is_last { "write end" } else { "write part" }, |world| {
                let refuses = world.switches.refuses_on_the_way.clone();
                if refuses.is_some_and(|part| next.contains(part.as_str())) {
                    return Err(half(Code::EventRefused));
                }
                let stored = self.opened(world, calendar)?.events.get(&done.handle);
                if stored.is_none_or(|stored| *stored.text != *text) {
                    return Err(half(Code::EventChanged));
                }
                world.put(calendar, done.handle.clone(), &next, true);
                world.mark(calendar, &done.handle, !is_last);
                Ok(written(world, calendar, done.handle.clone()))
            })?;
            text = next;
        }
        Ok(done)
    }

    fn shown(&self, world: &mut World, handle: &Handle, stored: &Stored) -> EventRead {
        world.reads += 1;
        let read = form(&stored.text);
        let unreadable = world.switches.unreadable.as_ref().is_some_and(|part| stored.text.contains(part.as_str()));
        let error = || self.of_event(Code::EventUnreadable, Retry::WhenFixed, &read.uid).with("answer", "500");
        let read = if unreadable { Err(error()) } else { Ok(read) };
        EventRead { handle: handle.clone(), version: version(stored), form: read, half: stored.half }
    }
}

/// What an event says after each request of a write, where it is more than one.
fn stops(world: &World, from: &str, to: &str) -> Vec<String> {
    if !world.switches.writes_in_steps {
        return Vec::new();
    }
    let is_part = |name: &str| name.starts_with("mark") || name.starts_with("note");
    let names = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.to_owned()).collect()
    };
    let mut text = to.to_owned();
    let is_anew = field(from, "title") != field(to, "title");
    for name in names(to).into_iter().chain(names(from)).filter(|name| is_part(name)) {
        text = with_field(&text, &name, field(from, &name).filter(|_| !is_anew));
    }
    let mut stops = if text == from { Vec::new() } else { vec![text.clone()] };
    for name in names(to).into_iter().chain(names(from)).filter(|name| is_part(name)) {
        let next = with_field(&text, &name, field(to, &name));
        if next != text {
            stops.push(next.clone());
            text = next;
        }
    }
    match stops.len() {
        0 | 1 => Vec::new(),
        // The last one takes the mark away.
        _ => [stops, vec![text]].concat(),
    }
}

fn version(stored: &Stored) -> Version {
    Version(format!("v{}", stored.changed).as_str().into())
}

fn written(world: &mut World, calendar: &CalendarId, handle: Handle) -> Written {
    let now = |world: &World| world.calendar(calendar).and_then(|it| it.events.get(&handle)).cloned();
    let stored = now(world);
    let tells = world.switches.tells_versions;
    let version = stored.as_ref().filter(|_| tells).map(version);
    if let Some(stored) = stored.filter(|_| world.switches.restless) {
        let text = with_field(&stored.text, "restless", Some(&world.clock.to_string()));
        world.put(calendar, handle.clone(), &text, true);
    }
    Written { handle, version }
}

#[async_trait]
impl Agenda for MemoryAgenda {
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        self.ask("calendars", |world| {
            let seen = |calendar: &Calendar| CalendarSeen {
                id: calendar.id.clone(),
                name: calendar.name.clone(),
                is_default: calendar.is_default,
                writable: calendar.writable,
            };
            let abilities = AgendaAbilities {
                makes_calendars: world.switches.makes_calendars,
                moves: false,
                tells_changes: world.switches.tokens && world.switches.deltas,
                batch_items: world.switches.batch_items,
                max_bytes: None,
                unique_uids: world.switches.unique_uids,
                writes_in_steps: world.switches.writes_in_steps,
            };
            Ok((world.calendars.iter().map(seen).collect(), abilities))
        })
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        self.ask("observe", |world| {
            let seen = self.opened(world, calendar)?;
            let token = |at: u64| Token(format!("t{}-{at}", world.age).as_str().into());
            let tokens = world.switches.tokens;
            let known = since.and_then(|since| since.0.strip_prefix(&format!("t{}-", world.age))?.parse::<u64>().ok());
            let from = known.filter(|_| tokens && !world.switches.lists_nothing);
            let is_quiet = from == Some(seen.changed);
            let is_delta = from.is_some() && (world.switches.deltas || is_quiet);
            let after = if is_delta { from.unwrap_or(0) } else { 0 };
            let shown =
                |(handle, stored): (&Handle, &Stored)| EventSeen { handle: handle.clone(), version: version(stored) };
            let is_hidden = world.switches.lists_nothing || world.switches.hides.as_ref() == Some(&seen.name);
            let is_shown = |stored: &Stored| stored.changed > after && !is_hidden;
            let is_told = |born: u64| born <= after || world.switches.tells_fleeting;
            let gone = seen.gone.iter().filter(|gone| is_delta && gone.at > after && is_told(gone.born));
            Ok(AgendaLook {
                present: seen.events.iter().filter(|(_, stored)| is_shown(stored)).map(shown).collect(),
                gone: gone.map(|gone| gone.handle.clone()).collect(),
                complete: !is_delta,
                token: tokens.then(|| token(seen.changed)),
            })
        })
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        self.queue().await;
        self.ask("read", |world| {
            let seen = self.opened(world, calendar)?;
            let wanted = handles.iter().filter_map(|handle| Some((handle, seen.events.get(handle)?.clone())));
            let wanted: Vec<_> = wanted.collect();
            Ok(wanted.iter().map(|(handle, stored)| self.shown(world, handle, stored)).collect())
        })
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        self.ask("find", |world| {
            let seen = self.opened(world, calendar)?;
            if world.switches.hides.as_ref() == Some(&seen.name) {
                return Ok(Vec::new());
            }
            let events = seen.events.clone();
            let handles: Vec<Handle> = of_uid(world, calendar, uid).into_iter().map(|(handle, _)| handle).collect();
            let found = handles.iter().filter_map(|handle| Some((handle, events.get(handle)?)));
            Ok(found.map(|(handle, stored)| self.shown(world, handle, stored)).collect())
        })
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        self.queue().await;
        if let Err(error) = self.steps.step(&format!("{} create", self.name)) {
            self.server.with(|world| {
                if world.switches.late_commit {
                    world.late.push((calendar.clone(), form.text.clone()));
                }
            });
            return Err(error);
        }
        let done = self.server.with(|world| {
            self.allowed(world)?;
            self.opened(world, calendar)?;
            self.accepts(world, form)?;
            let ids: Vec<CalendarId> = world.calendars.iter().map(|calendar| calendar.id.clone()).collect();
            let unique = world.switches.unique_uids;
            let in_the_way = ids.iter().filter(|id| unique || *id == calendar);
            if in_the_way.into_iter().any(|id| !of_uid(world, id, &form.uid).is_empty()) {
                return Err(self.of_event(Code::EventExists, Retry::Soon, &form.uid));
            }
            let handle = world.handle();
            let mut stops = stops(world, "", &form.text);
            let first = if stops.is_empty() { form.text.to_string() } else { stops.remove(0) };
            world.put(calendar, handle.clone(), &first, true);
            world.mark(calendar, &handle, !stops.is_empty());
            world.writes += 1;
            Ok((written(world, calendar, handle), first, stops))
        });
        self.steps.step(&format!("{} create answer", self.name))?;
        let (written, first, stops) = done?;
        self.go_on(calendar, written, first, stops)
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written> {
        self.queue().await;
        let changed = || self.of_event(Code::EventChanged, Retry::Soon, &form.uid);
        let (written, first, stops) = self.act("update", |world| {
            self.accepts(world, form)?;
            let stored = self.opened(world, calendar)?.events.get(&seen.handle).ok_or_else(changed)?;
            if version(stored) != seen.version {
                return Err(changed());
            }
            if *stored.text != *base.text {
                return Err(Error::internal("the base of an update is not what the side has now"));
            }
            let was_half = stored.half;
            let mut stops = stops(world, &base.text, &form.text);
            if was_half && stops.is_empty() {
                stops = vec![form.text.to_string(), form.text.to_string()];
            }
            let first = if stops.is_empty() { form.text.to_string() } else { stops.remove(0) };
            world.put(calendar, seen.handle.clone(), &first, true);
            world.mark(calendar, &seen.handle, !stops.is_empty());
            Ok((written(world, calendar, seen.handle.clone()), first, stops))
        })?;
        self.go_on(calendar, written, first, stops)
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        self.act("remove", |world| {
            let Some(stored) = self.opened(world, calendar)?.events.get(&seen.handle) else { return Ok(()) };
            if version(stored) != seen.version {
                return Err(self.of_event(Code::EventChanged, Retry::Soon, form(&stored.text).uid.as_str()));
            }
            let text = stored.text.clone();
            self.lets_go(world, &text)?;
            world.take(calendar, &seen.handle, true);
            Ok(())
        })
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        self.act("make calendar", |world| {
            if world.switches.makes_calendars {
                return Ok(world.add_calendar(name, false));
            }
            let error = Error::new(Code::CalendarRefused, Scope::Folder, Retry::WhenFixed).with("host", &self.name);
            Err(error.with("what", name).with("answer", "403"))
        })
    }
}
