//! Looks at every calendar of both sides, and reads what is new or changed.

use super::pass::{LANES, Run, grouped, stops_the_pass};
use super::undeleted::is_undeleted;
use super::{copies, halves};
use futures_util::future::{BoxFuture, join};
use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use parom_domain::agenda::{Agenda, AgendaLook, CalendarId, EventRead, Form, Handle, Token, Version};
use parom_domain::events::state::ParkedEvent;
use parom_domain::events::{CalendarNumber, EventLink, EventNumber};
use parom_domain::{Both, Error, Result, Side};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Texts beyond this are not kept from the look to the write, but read again, in bytes.
const KEPT_BYTES: usize = 32 << 20;

/// A batch with more text than this is not read beside others.
const LARGE_BYTES: usize = 1 << 20;

/// What is kept already, of both sides together.
#[derive(Default)]
struct Room(AtomicUsize);

impl Room {
    fn has(&self, bytes: usize) -> bool {
        let taken = self.0.fetch_add(bytes, Ordering::Relaxed);
        let fits = taken.saturating_add(bytes) <= KEPT_BYTES;
        if !fits {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }
}

/// What the looks found, by calendar.
#[derive(Default)]
pub struct Looks(pub Both<BTreeMap<CalendarNumber, AgendaLook>>);

impl Looks {
    /// Nothing was found that was not there at the last look.
    pub fn is_empty(&self) -> bool {
        let quiet = |look: &AgendaLook| !look.complete && look.present.is_empty() && look.gone.is_empty();
        self.0.iter().all(|(_, looks)| looks.values().all(quiet))
    }
}

/// An event as a side shows it now.
#[derive(Clone, Debug)]
pub struct Shown {
    pub calendar: CalendarNumber,
    pub handle: Handle,
    pub version: Version,
    pub hash: [u8; 32],
    /// How long its text is.
    pub bytes: usize,
    /// `None`: it is read again when it is needed.
    pub text: Option<Arc<str>>,
    /// A write of ours has not come to its end here.
    pub is_half: bool,
    /// What a half event says now, once hash and text tell what it says when it is whole (`halves.rs`).
    pub there: Option<Form>,
}

impl Shown {
    pub fn of(calendar: CalendarNumber, handle: Handle, version: Version, form: &Form) -> Shown {
        let (bytes, text) = (form.text.len(), Some(form.text.clone()));
        Shown { calendar, handle, version, hash: form.hash, bytes, text, is_half: false, there: None }
    }

    pub fn marked(self, is_half: bool) -> Shown {
        Shown { is_half, ..self }
    }

    pub fn form(&self, uid: &str) -> Option<Form> {
        Some(Form { uid: uid.to_owned(), hash: self.hash, text: self.text.clone()? })
    }

    pub fn end(&self) -> parom_domain::events::End {
        parom_domain::events::End {
            calendar: self.calendar,
            handle: self.handle.clone(),
            version: Some(self.version.clone()),
            hash: self.hash,
        }
    }
}

/// What one side shows of a linked event.
#[derive(Clone, Debug, Default)]
pub enum Now {
    #[default]
    Unmentioned,
    Present(Shown),
    Missing,
}

/// What was found, by event.
#[derive(Default)]
pub struct Sights {
    pub linked: BTreeMap<EventNumber, Both<Now>>,
    /// With their UIDs.
    pub newcomers: Both<Vec<(String, Shown)>>,
    /// New events by number, once they are paired.
    pub fresh: BTreeMap<EventNumber, (String, Both<Option<Shown>>)>,
}

impl Sights {
    pub fn set(&mut self, event: EventNumber, side: Side, now: Now) {
        self.linked.entry(event).or_default()[side] = now;
    }

    pub fn is_missing(&self, event: EventNumber, side: Side) -> bool {
        self.linked.get(&event).is_some_and(|both| matches!(both[side], Now::Missing))
    }
}

/// Looks at all calendars, both sides at once.
pub async fn look(run: &mut Run<'_>) -> Result<Looks> {
    let (source, target) = join(look_at(run, Side::Source), look_at(run, Side::Target)).await;
    let mut looks = Looks::default();
    for (side, found) in [(Side::Source, source?), (Side::Target, target?)] {
        for (calendar, look) in found {
            match look {
                Ok(look) => _ = looks.0[side].insert(calendar, look),
                Err(error) => {
                    run.unseen.insert((calendar, side));
                    run.trouble(calendar, error);
                }
            }
        }
    }
    // What was in a calendar that is missing may be anywhere.
    let grace = run.pass.policy.grace_ms;
    let now = run.now_ms();
    for pair in run.state.calendars.clone() {
        for side in Side::ALL {
            if let Some(since) = pair.missing_since_ms[side].filter(|_| pair.ids[side].is_some()) {
                let believed_at = since.saturating_add(grace);
                if believed_at > now {
                    run.unseen.insert((pair.number, side));
                    run.wake(believed_at);
                }
            }
        }
    }
    Ok(looks)
}

async fn look_at(run: &Run<'_>, side: Side) -> Result<Vec<(CalendarNumber, Result<AgendaLook, Error>)>> {
    let mut found = Vec::new();
    for pair in &run.state.calendars {
        let Some(id) = run.id(pair.number, side) else { continue };
        run.go_on()?;
        match run.pass.sides[side].observe(&id, pair.tokens[side].as_ref()).await {
            Err(error) if stops_the_pass(&error) => return Err(error),
            look => found.push((pair.number, look)),
        }
    }
    Ok(found)
}

/// Where an event is on a side.
pub type Place = (CalendarNumber, Handle);

/// What one side's looks mean, before anything is read.
#[derive(Default)]
struct Sorted {
    wanted: BTreeSet<Place>,
    missing: Vec<EventNumber>,
    unpark: Vec<Place>,
    /// Suspected, and there after all.
    back: Vec<EventNumber>,
}

/// Sorts what was found and reads what has to be read, both sides at once.
pub async fn read_what_changed(run: &mut Run<'_>, looks: &Looks) -> Result<Sights> {
    let sorted = Both::from_fn(|side| sort(run, looks, side));
    let mut sights = Sights::default();
    for side in Side::ALL {
        for event in &sorted[side].missing {
            sights.set(*event, side, Now::Missing);
        }
        for event in &sorted[side].back {
            let change = run.await_token(*event, side);
            run.findings.extend(change);
        }
        for (calendar, handle) in &sorted[side].unpark {
            unpark(run, *calendar, side, handle);
        }
    }
    let wanted = sorted.map(|sorted| sorted.wanted);
    let room = Room::default();
    read_and_place(run, &mut sights, &wanted, &room).await?;
    // A twin that was put aside takes the place of the one that is gone, and one that is put aside for another reason is
    // the partner of what is new on the other side.
    let twins = Both::from_fn(|side| {
        let is_free = |parked: &&ParkedEvent| {
            let Some(uid) = parked.uid.as_deref() else { return false };
            let links = run.links.of_uid(uid);
            let waits = |event: &EventNumber| run.links.get(*event).is_some_and(|link| link.ends[side].is_none());
            let is_freed =
                links.is_empty() || links.iter().any(|event| sights.is_missing(*event, side) || waits(event));
            let is_partner = sights.newcomers[side.other()].iter().any(|(other, _)| other == uid);
            let is_twin = copies::is_twin(parked);
            // An edit that was put aside still beats a delete.
            let event = run.links.at(side, parked.calendar, &parked.handle);
            let is_missed = |event| sights.is_missing(event, side.other());
            let is_left_alone = !is_undeleted(parked) && event.is_some_and(is_missed);
            let place = (parked.calendar, parked.handle.clone());
            let is_wanted = is_twin && is_freed || is_partner || is_left_alone;
            parked.side == side && !wanted[side].contains(&place) && is_wanted
        };
        let found = run.state.parked.iter().filter(is_free);
        found.map(|parked| (parked.calendar, parked.handle.clone())).collect::<BTreeSet<Place>>()
    });
    read_and_place(run, &mut sights, &twins, &room).await?;
    Ok(sights)
}

/// A newcomer whose UID a link has in another place of its side may be that very event, moved between the looks at two
/// calendars. So before it counts as a second one, it is looked up whether the first one is still in its place.
pub async fn look_up_linked(run: &mut Run<'_>, sights: &mut Sights) -> Result<()> {
    for side in Side::ALL {
        let mut places: BTreeMap<Place, EventNumber> = BTreeMap::new();
        for (uid, _) in &sights.newcomers[side] {
            for event in run.links.of_uid(uid) {
                let is_seen = sights.linked.get(event).is_some_and(|both| !matches!(both[side], Now::Unmentioned));
                let end = run.links.get(*event).and_then(|link| link.ends[side].as_ref());
                if let Some(end) = end.filter(|_| !is_seen) {
                    places.insert((end.calendar, end.handle.clone()), *event);
                }
            }
        }
        let found = read_on(run, side, places.keys().cloned(), &Room(KEPT_BYTES.into())).await?;
        for (calendar, error) in found.failed {
            run.unseen.insert((calendar, side));
            run.trouble(calendar, error);
        }
        for event in found.events {
            places.remove(&(event.calendar, event.handle));
        }
        places.retain(|(calendar, _), _| !run.unseen.contains(&(*calendar, side)));
        for event in places.into_values() {
            sights.set(event, side, Now::Missing);
        }
    }
    Ok(())
}

fn sort(run: &Run<'_>, looks: &Looks, side: Side) -> Sorted {
    let mut sorted = Sorted::default();
    let now = run.now_ms();
    let suspected: HashSet<EventNumber> =
        run.state.suspected.iter().filter(|it| it.side == side).map(|it| it.event).collect();
    let mut parked: BTreeMap<Place, &ParkedEvent> = BTreeMap::new();
    for item in run.state.parked.iter().filter(|item| item.side == side) {
        parked.insert((item.calendar, item.handle.clone()), item);
    }
    let mut there: HashSet<EventNumber> = HashSet::new();
    for (calendar, look) in &looks.0[side] {
        for seen in &look.present {
            let place = (*calendar, seen.handle.clone());
            let link = run.links.at(side, *calendar, &seen.handle).and_then(|event| run.links.get(event));
            if let Some(link) = link {
                there.insert(link.number);
                if suspected.contains(&link.number) {
                    sorted.back.push(link.number);
                }
            }
            let version = link.and_then(|link| link.ends[side].as_ref()).and_then(|end| end.version.as_ref());
            let waits = parked.get(&place).is_some_and(|it| it.version.as_ref() == Some(&seen.version));
            if version != Some(&seen.version) && !waits {
                sorted.wanted.insert(place);
            }
        }
        let listed: HashSet<&Handle> = look.present.iter().map(|seen| &seen.handle).collect();
        for handle in &look.gone {
            if !listed.contains(handle) {
                sorted.unpark.push((*calendar, handle.clone()));
                sorted.missing.extend(run.links.at(side, *calendar, handle));
            }
        }
        if look.complete {
            let gone = parked.keys().filter(|(of, handle)| of == calendar && !listed.contains(handle));
            sorted.unpark.extend(gone.cloned());
        }
    }
    sorted.unpark.retain(|place| parked.contains_key(place));
    for item in parked.values().filter(|item| item.until_ms.is_some_and(|until| until <= now)) {
        if !sorted.unpark.contains(&(item.calendar, item.handle.clone())) {
            sorted.wanted.insert((item.calendar, item.handle.clone()));
        }
    }
    // What is half is read in each pass until it is whole.
    for end in run.state.intents.iter().filter(|intent| intent.side == side).filter_map(halves::place) {
        if looks.0[side].contains_key(&end.calendar) && !sorted.unpark.contains(&(end.calendar, end.handle.clone())) {
            sorted.wanted.insert((end.calendar, end.handle.clone()));
        }
    }
    // So is what people changed while it could not be carried, as soon as it can.
    for link in run.links.iter().filter(|link| run.policy(link.calendar).writes[side.other()]) {
        let Some(end) = link.ends[side].as_ref().filter(|end| end.is_own()) else { continue };
        if looks.0[side].get(&end.calendar).is_some_and(|look| !look.gone.contains(&end.handle)) {
            sorted.wanted.insert((end.calendar, end.handle.clone()));
        }
    }
    let grace = run.pass.policy.grace_ms;
    for link in run.links.iter().filter(|link| !there.contains(&link.number)) {
        let Some(end) = &link.ends[side] else { continue };
        let unlisted = looks.0[side].get(&end.calendar).is_some_and(|look| look.complete);
        let without = run.pair(end.calendar).is_none_or(|pair| match pair.missing_since_ms[side] {
            Some(since) => since.saturating_add(grace) <= now,
            None => false,
        });
        if unlisted || without || suspected.contains(&link.number) {
            sorted.missing.push(link.number);
        }
    }
    sorted
}

/// Reads what is wanted, and puts it where it belongs: to its link, to the newcomers, or aside.
async fn read_and_place(
    run: &mut Run<'_>,
    sights: &mut Sights,
    wanted: &Both<BTreeSet<Place>>,
    room: &Room,
) -> Result<()> {
    let ask = |side: Side| read_on(run, side, wanted[side].iter().cloned(), room);
    let (source, target) = join(ask(Side::Source), ask(Side::Target)).await;
    for (side, found) in [(Side::Source, source?), (Side::Target, target?)] {
        for (calendar, error) in found.failed {
            run.unseen.insert((calendar, side));
            run.trouble(calendar, error);
        }
        let mut answered = BTreeSet::new();
        for event in found.events {
            answered.insert((event.calendar, event.handle.clone()));
            place(run, sights, side, event);
        }
        for (calendar, handle) in &wanted[side] {
            if answered.contains(&(*calendar, handle.clone())) || run.unseen.contains(&(*calendar, side)) {
                continue;
            }
            // Gone between the look and the reading.
            unpark(run, *calendar, side, handle);
            match run.links.at(side, *calendar, handle) {
                Some(event) => sights.set(event, side, Now::Missing),
                None => _ = run.unfinished.insert(*calendar),
            }
        }
    }
    Ok(())
}

fn place(run: &mut Run<'_>, sights: &mut Sights, side: Side, seen: Seen) {
    let Seen { calendar, handle, version, shown } = seen;
    let event = run.links.at(side, calendar, &handle);
    match shown {
        Ok((uid, shown)) => {
            // One that shows what it showed when it was put aside stays so until it is settled: no look speaks of it again.
            // And one that is half until its time comes: our own attempts change its version.
            let now = run.now_ms();
            let is_as_it_was = run.state.parked.iter().any(|parked| {
                let waits = shown.is_half && parked.until_ms.is_some_and(|until| until > now);
                (parked.calendar, parked.side, &parked.handle) == (calendar, side, &handle)
                    && (waits || parked.version.as_ref() == Some(&version))
            });
            // A twin that was edited is still one, until it is known whether it takes a place.
            if !is_as_it_was && !copies::is_twin_at(run, side, calendar, &handle) {
                unpark(run, calendar, side, &handle);
            }
            let same = |event: &EventNumber| run.links.get(*event).is_some_and(|link| link.uid == uid);
            match event.filter(same) {
                Some(event) => sights.set(event, side, Now::Present(shown)),
                None => {
                    if let Some(event) = event {
                        sights.set(event, side, Now::Missing);
                    }
                    sights.newcomers[side].push((uid, shown));
                }
            }
        }
        Err(error) => {
            let uid = event.and_then(|event| run.links.get(event)).map(|link: &EventLink| link.uid.clone());
            let parked = ParkedEvent {
                calendar,
                side,
                handle,
                version: Some(version),
                uid,
                code: String::new(),
                args: Vec::new(),
                since_ms: run.now_ms(),
                until_ms: None,
            };
            let error = error.with("what", run.name(calendar).unwrap_or_default());
            let change = run.park(parked.because(&error), None);
            run.findings.push(change);
        }
    }
}

fn unpark(run: &mut Run<'_>, calendar: CalendarNumber, side: Side, handle: &Handle) {
    let change = run.unpark(calendar, side, handle);
    run.findings.extend(change);
}

/// Events of one side as they were read, and calendars that could not be read.
#[derive(Default)]
pub struct Found {
    pub events: Vec<(CalendarNumber, EventRead)>,
    pub failed: Vec<(CalendarNumber, Error)>,
}

/// An event that was read after a look.
struct Seen {
    calendar: CalendarNumber,
    handle: Handle,
    version: Version,
    /// With its UID.
    shown: Result<(String, Shown)>,
}

#[derive(Default)]
struct SeenAll {
    events: Vec<Seen>,
    failed: Vec<(CalendarNumber, Error)>,
}

/// Reads events of one side, a few batches at once, until somebody wants the pass to stop. Texts are kept while there is room.
async fn read_on(run: &Run<'_>, side: Side, places: impl Iterator<Item = Place>, room: &Room) -> Result<SeenAll> {
    let places = grouped(places);
    let mut all = SeenAll::default();
    let mut lanes = LANES;
    for (calendar, handles) in &places {
        let Some(id) = run.id(*calendar, side) else { continue };
        let mut batches = handles.chunks(run.abilities[side].batch_items.max(1));
        let mut parts = FuturesUnordered::new();
        loop {
            while parts.len() < lanes
                && let Some(batch) = batches.next()
            {
                run.go_on()?;
                parts.push(run.pass.sides[side].read(&id, batch));
            }
            let mut bytes = 0;
            match parts.next().await {
                None => break,
                Some(Ok(events)) => {
                    all.events.extend(events.into_iter().map(|EventRead { handle, version, form, half }| {
                        let shown = form.map(|form| {
                            bytes += form.text.len();
                            let mut shown = Shown::of(*calendar, handle.clone(), version.clone(), &form).marked(half);
                            shown.text = shown.text.filter(|text| half || room.has(text.len()));
                            (form.uid, shown)
                        });
                        Seen { calendar: *calendar, handle, version, shown }
                    }))
                }
                Some(Err(error)) if stops_the_pass(&error) => return Err(error),
                Some(Err(error)) => {
                    all.failed.push((*calendar, error));
                    break;
                }
            }
            // Where events are large, one batch after the other is in memory.
            if bytes > LARGE_BYTES {
                lanes = 1;
            }
        }
    }
    Ok(all)
}

/// Reads events of one side, a few batches at once. What was begun is read to its end: a write is settled even if the pass is to stop.
pub async fn read(run: &Run<'_>, side: Side, places: impl Iterator<Item = Place>) -> Result<Found> {
    let id = |calendar| run.id(calendar, side);
    read_by(run.pass.sides[side], run.abilities[side].batch_items, id, places).await
}

/// The same by itself, where the account's state is in other hands.
pub async fn read_by(
    agenda: &dyn Agenda,
    batch_items: usize,
    id: impl Fn(CalendarNumber) -> Option<CalendarId>,
    places: impl Iterator<Item = Place>,
) -> Result<Found> {
    let places = grouped(places);
    let mut found = Found::default();
    for (calendar, handles) in &places {
        let Some(id) = id(*calendar) else { continue };
        let mut parts: Vec<BoxFuture<'_, Result<Vec<EventRead>>>> = Vec::new();
        for batch in handles.chunks(batch_items.max(1)) {
            parts.push(agenda.read(&id, batch));
        }
        let mut parts = stream::iter(parts).buffered(LANES);
        while let Some(part) = parts.next().await {
            match part {
                Ok(events) => found.events.extend(events.into_iter().map(|event| (*calendar, event))),
                Err(error) if stops_the_pass(&error) => return Err(error),
                Err(error) => {
                    found.failed.push((*calendar, error));
                    break;
                }
            }
        }
    }
    Ok(found)
}

/// A token that was taken before anything of a look was read.
pub fn token(looks: &Looks, side: Side, calendar: CalendarNumber) -> Option<Token> {
    looks.0[side].get(&calendar)?.token.clone()
}
