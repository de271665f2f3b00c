//! The copies of an event that is moved on one side: finds them, and puts what two of them say into one.

use super::batch::form_of;
use super::halves;
use super::pass::{Run, stops_the_pass};
use parom_domain::agenda::{CalendarId, EventSeen, Form, Handle, Version};
use parom_domain::events::copies::{EventCopy, Spot};
use parom_domain::events::state::{AgendaChange, AgendaIntent, AgendaWork, ArchivedEvent, ParkedEvent};
use parom_domain::events::{CalendarNumber, End};
use parom_domain::{Both, Code, Result, Side};

/// One copy.
pub struct Found {
    pub is: EventCopy,
    pub calendar: CalendarNumber,
    pub handle: Handle,
    pub version: Version,
    /// `None` where it cannot be read. Of one that is half: what it says when it is whole.
    pub form: Option<Form>,
    /// What a half one says now.
    pub half: Option<Form>,
}

/// Put aside because another event has its UID.
pub fn is_twin(parked: &ParkedEvent) -> bool {
    parked.code == Code::EventDoubled.as_str()
}

pub fn is_twin_at(run: &Run<'_>, side: Side, calendar: CalendarNumber, handle: &Handle) -> bool {
    let here = |parked: &ParkedEvent| (parked.side, parked.calendar, &parked.handle) == (side, calendar, handle);
    run.state.parked.iter().any(|parked| here(parked) && is_twin(parked))
}

/// All copies of the event that is moved. `None` where a calendar does not answer: then nothing is known.
pub async fn find(run: &Run<'_>, intent: &AgendaIntent, old: &End, to: CalendarNumber) -> Result<Option<Vec<Found>>> {
    let on = intent.side;
    let mut copies = Vec::new();
    for pair in &run.state.calendars {
        let Some(id) = run.id(pair.number, on) else {
            let is_back_soon =
                |since: u64| since.saturating_add(run.pass.policy.grace_ms) > run.now_ms() && pair.ids[on].is_some();
            if pair.missing_since_ms[on].is_some_and(is_back_soon) {
                return Ok(None);
            }
            continue;
        };
        let found = match run.pass.sides[on].find(&id, &intent.uid).await {
            Ok(found) => found,
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(_) => return Ok(None),
        };
        for read in found {
            let of = run.links.at(on, pair.number, &read.handle);
            let is_aside = of.is_none() && is_twin_at(run, on, pair.number, &read.handle);
            if of.is_some_and(|of| of != intent.event) || is_aside {
                continue;
            }
            let spot = match pair.number {
                number if number == to => Spot::New,
                number if number == old.calendar => Spot::Old,
                _ => Spot::Elsewhere,
            };
            let there = read.form.ok();
            let half = there.clone().filter(|_| read.half);
            let form = match &half {
                Some(half) => Some(halves::whole_copy(run, intent, half)?),
                None => there,
            };
            // This side may hold less than what was sent to it.
            let changed = form.as_ref().is_none_or(|form| form.hash != intent.hash && form.hash != old.hash);
            let (calendar, handle, version) = (pair.number, read.handle, read.version);
            copies.push(Found { is: EventCopy { spot, changed }, calendar, handle, version, form, half });
        }
    }
    Ok(Some(copies))
}

/// Writes a half copy to its end. False where that is not possible now.
pub async fn finish(run: &mut Run<'_>, intent: &AgendaIntent, copy: &Found) -> Result<bool> {
    let (Some(half), Some(form), Some(id)) = (&copy.half, &copy.form, run.id(copy.calendar, intent.side)) else {
        return Ok(false);
    };
    put(run, intent, copy, &id, half, form).await
}

/// INVARIANT: a write that may be left half is announced, with what is there now: else what people made of that would be lost.
async fn put(
    run: &mut Run<'_>,
    intent: &AgendaIntent,
    copy: &Found,
    id: &CalendarId,
    from: &Form,
    to: &Form,
) -> Result<bool> {
    let on = intent.side;
    let seen = EventSeen { handle: copy.handle.clone(), version: copy.version.clone() };
    let mut ends = Both::new(None, None);
    let (calendar, handle, version) = (copy.calendar, copy.handle.clone(), Some(copy.version.clone()));
    ends[on] = Some(End { calendar, handle, version, hash: from.hash });
    let (id_of, at_ms) = (run.intent_id(), run.now_ms());
    let (hash, text, was) = (to.hash, to.text.clone(), Some(from.text.clone()));
    let announced =
        AgendaIntent { id: id_of, at_ms, work: AgendaWork::Update, hash, text, was, ends, ..intent.clone() };
    let in_steps = run.abilities[on].writes_in_steps;
    if in_steps {
        run.state.intents.push(announced.clone());
        run.commit(vec![AgendaChange::OpenIntent(announced)]).await?;
    }
    let written = run.pass.sides[on].update(id, &seen, from, to).await;
    let is_left_open = written.as_ref().is_err_and(|error| stops_the_pass(error) || halves::is_half(error));
    if in_steps && !is_left_open {
        run.state.intents.retain(|open| open.id != id_of);
        let mut changes = vec![AgendaChange::CloseIntent(id_of)];
        if written.is_ok() {
            changes.extend(halves::forget(run, intent.event, &Both::from_fn(|side| side == on)));
        }
        run.commit(changes).await?;
    }
    match written {
        Ok(_) => {
            run.wrote.insert((copy.calendar, on));
            Ok(true)
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) => {
            if error.code() != Code::EventChanged {
                run.trouble(copy.calendar, error);
            }
            Ok(false)
        }
    }
}

pub async fn is_there(run: &Run<'_>, on: Side, copy: &Found) -> Result<bool> {
    let Some(id) = run.id(copy.calendar, on) else { return Ok(false) };
    match run.pass.sides[on].read(&id, std::slice::from_ref(&copy.handle)).await {
        Ok(read) => Ok(!read.is_empty()),
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Puts what `other` says into `kept`, from what was moved. False where that is not possible now.
pub async fn fold(run: &mut Run<'_>, intent: &AgendaIntent, kept: &Found, other: &Found) -> Result<bool> {
    let on = intent.side;
    let (Some(ours), Some(theirs), Some(id)) = (&kept.form, &other.form, run.id(kept.calendar, on)) else {
        return Ok(false);
    };
    let base = form_of(&intent.uid, intent.hash, &intent.text);
    let merge = |form: &Form, rest: &Form| {
        run.pass.merge.merge(Some(&base), Both::from_fn(|side| if side == on { form } else { rest }))
    };
    // Each copy is merged as what this side says, so that what this side cannot hold is not taken for removed.
    let one = merge(theirs, &base)?.form;
    let both = merge(ours, &one)?;
    if let Some(side) = both.lost {
        let text = if side == on { ours.text.clone() } else { theirs.text.clone() };
        let lost = ArchivedEvent { at_ms: run.now_ms(), uid: intent.uid.clone(), side: on, text };
        run.report.archived += 1;
        run.commit(vec![AgendaChange::Archive(lost)]).await?;
    }
    if both.form.hash == ours.hash {
        return Ok(true);
    }
    put(run, intent, kept, &id, ours, &both.form).await
}
