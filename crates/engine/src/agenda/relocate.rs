//! Events that were moved to another calendar on one side follow on the other: made in the new place, then removed from the
//! old one. Where a UID may be in one calendar only, it is the other way round, and the intent keeps the text meanwhile.

use super::batch::form_of;
use super::book::AgendaEvent;
use super::pass::{Run, stops_the_pass};
use parom_domain::agenda::{EventSeen, Form};
use parom_domain::events::decide::{Place, place};
use parom_domain::events::state::{AgendaChange, AgendaIntent, AgendaWork};
use parom_domain::events::{CalendarNumber, End, EventLink};
use parom_domain::{Both, Code, Result, Side};

pub async fn move_all(run: &mut Run<'_>) -> Result<()> {
    let apart = |link: &&EventLink| {
        let at = |side: Side| link.ends[side].as_ref().map(|end| end.calendar);
        let (source, target) = (at(Side::Source), at(Side::Target));
        source.is_some() && target.is_some() && (source != target || source != Some(link.calendar))
    };
    let links: Vec<EventLink> = run.links.iter().filter(apart).cloned().collect();
    for link in links {
        let suspected = run.state.suspected.iter().any(|it| it.event == link.number);
        if suspected || run.announced.contains(&link.uid) {
            run.unfinished.insert(link.calendar);
            continue;
        }
        let (Some(source), Some(target)) = (&link.ends.source, &link.ends.target) else { continue };
        let mut policy = run.policy(link.calendar);
        for (side, end) in [(Side::Source, source), (Side::Target, target)] {
            policy.writes[side] = run.pass.policy.writes[side] && run.policy(end.calendar).writes[side];
        }
        match place(link.calendar, Both::new(source.calendar, target.calendar), &policy) {
            Place::Agreed(calendar) if calendar != link.calendar => {
                let change = run.remember(EventLink { calendar, ..link }, None);
                run.commit(vec![change]).await?;
            }
            Place::Agreed(_) => {}
            Place::Move { on, to } => {
                if run.policy(to).writes[on] && run.id(to, on).is_some() {
                    run.go_on()?;
                    move_one(run, link, on, to).await?;
                }
            }
        }
    }
    Ok(())
}

async fn move_one(run: &mut Run<'_>, link: EventLink, on: Side, to: CalendarNumber) -> Result<()> {
    let Some(text) = run.pass.book.base(link.number).await? else { return Ok(()) };
    let intent = AgendaIntent {
        id: run.intent_id(),
        at_ms: run.now_ms(),
        event: link.number,
        uid: link.uid.clone(),
        side: on,
        work: AgendaWork::Move { to },
        hash: link.base,
        text,
        ends: link.ends.clone(),
    };
    run.state.intents.push(intent.clone());
    // INVARIANT: the intent is committed before this line.
    run.commit(vec![AgendaChange::OpenIntent(intent.clone())]).await?;
    carry_out(run, &intent, to, false).await
}

/// Takes every step of a move that is not taken yet. `again`: it was announced by an earlier pass.
pub async fn carry_out(run: &mut Run<'_>, intent: &AgendaIntent, to: CalendarNumber, again: bool) -> Result<()> {
    let on = intent.side;
    let Some(old) = intent.ends[on].clone() else { return close(run, intent, vec![]).await };
    let form = form_of(&intent.uid, intent.hash, &intent.text);
    let removes_first = run.abilities[on].unique_uids;
    let mut new = if again { find_new(run, intent, to, &form).await? } else { None };
    if again && new.is_none() && is_there(run, on, &old).await? {
        // Nothing was done of it: it is decided anew.
        return close(run, intent, vec![]).await;
    }
    let Some(mut link) = run.links.get(intent.event).cloned() else { return close(run, intent, vec![]).await };
    if removes_first && new.is_none() && !remove_old(run, intent, &old).await? {
        return close(run, intent, vec![]).await;
    }
    if removes_first && let Some(elsewhere) = find_elsewhere(run, intent, to, &old).await? {
        link.ends[on] = Some(elsewhere);
        let change = run.remember(link, None);
        run.unfinished.insert(to);
        return close(run, intent, vec![change]).await;
    }
    if new.is_none() {
        new = match create_new(run, intent, to, &form).await? {
            Some(end) => Some(end),
            None => return close(run, intent, vec![]).await,
        };
    }
    if !removes_first {
        if !remove_old(run, intent, &old).await? {
            // Somebody changed it in the old place meanwhile. That is the one; the move is decided anew.
            undo(run, on, new.as_ref()).await?;
            run.unfinished.insert(old.calendar);
            return close(run, intent, vec![]).await;
        }
        if let Some(elsewhere) = find_elsewhere(run, intent, to, &old).await? {
            undo(run, on, new.as_ref()).await?;
            link.ends[on] = Some(elsewhere);
            let change = run.remember(link, None);
            run.unfinished.insert(to);
            return close(run, intent, vec![change]).await;
        }
    }
    link.ends[on] = new;
    link.calendar = to;
    run.report.moved[on] += 1;
    run.pass.observer.event(AgendaEvent::Moved { on });
    let change = run.remember(link, None);
    close(run, intent, vec![change]).await
}

/// Somebody moved it too, to a third calendar, before we removed it from the old one: there it is.
async fn find_elsewhere(run: &Run<'_>, intent: &AgendaIntent, to: CalendarNumber, old: &End) -> Result<Option<End>> {
    let others = run.state.calendars.iter().map(|pair| pair.number).filter(|number| *number != to);
    for calendar in others {
        let Some(id) = run.id(calendar, intent.side) else { continue };
        let found = match run.pass.sides[intent.side].find(&id, &intent.uid).await {
            Ok(found) => found,
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(_) => continue,
        };
        let is_free = |handle: &parom_domain::agenda::Handle| {
            run.links.at(intent.side, calendar, handle).is_none_or(|event| event == intent.event)
        };
        if let Some(read) = found.into_iter().find(|read| is_free(&read.handle)) {
            return Ok(Some(End { calendar, handle: read.handle, version: None, hash: old.hash }));
        }
    }
    Ok(None)
}

/// Takes back what was made in the new place, unless somebody has changed it there.
async fn undo(run: &mut Run<'_>, on: Side, new: Option<&End>) -> Result<()> {
    let Some(End { calendar, handle, version: Some(version), .. }) = new else { return Ok(()) };
    let Some(id) = run.id(*calendar, on) else { return Ok(()) };
    run.wrote.insert((*calendar, on));
    let seen = EventSeen { handle: handle.clone(), version: version.clone() };
    match run.pass.sides[on].remove(&id, &seen).await {
        Err(error) if stops_the_pass(&error) => Err(error),
        _ => Ok(()),
    }
}

async fn close(run: &mut Run<'_>, intent: &AgendaIntent, mut changes: Vec<AgendaChange>) -> Result<()> {
    if changes.is_empty()
        && let Some(link) = run.links.get(intent.event)
    {
        run.unfinished.insert(link.calendar);
    }
    changes.push(AgendaChange::CloseIntent(intent.id));
    run.state.intents.retain(|open| open.id != intent.id);
    run.commit(changes).await
}

/// The event in its new place, if it is no other link's.
async fn find_new(run: &Run<'_>, intent: &AgendaIntent, to: CalendarNumber, form: &Form) -> Result<Option<End>> {
    let Some(id) = run.id(to, intent.side) else { return Ok(None) };
    let found = match run.pass.sides[intent.side].find(&id, &intent.uid).await {
        Ok(found) => found,
        Err(error) if stops_the_pass(&error) => return Err(error),
        Err(_) => return Ok(None),
    };
    for read in found {
        if run.links.at(intent.side, to, &read.handle).is_some_and(|event| event != intent.event) {
            continue;
        }
        let hash = read.form.map(|form| form.hash).unwrap_or(form.hash);
        // What it says is compared with what was written, when it is read next.
        let version = (hash == form.hash).then_some(read.version);
        return Ok(Some(End { calendar: to, handle: read.handle, version, hash: form.hash }));
    }
    Ok(None)
}

async fn is_there(run: &Run<'_>, on: Side, old: &End) -> Result<bool> {
    let Some(id) = run.id(old.calendar, on) else { return Ok(false) };
    match run.pass.sides[on].read(&id, std::slice::from_ref(&old.handle)).await {
        Ok(read) => Ok(!read.is_empty()),
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(_) => Ok(true),
    }
}

async fn create_new(run: &mut Run<'_>, intent: &AgendaIntent, to: CalendarNumber, form: &Form) -> Result<Option<End>> {
    let on = intent.side;
    let Some(id) = run.id(to, on) else { return Ok(None) };
    match run.pass.sides[on].create(&id, form).await {
        Ok(written) => {
            run.wrote.insert((to, on));
            let read = run.pass.sides[on].read(&id, std::slice::from_ref(&written.handle)).await;
            let read = match read {
                Ok(read) => read.into_iter().next(),
                Err(error) if stops_the_pass(&error) => return Err(error),
                Err(_) => None,
            };
            let same = read.filter(|read| written.version.is_none() || written.version.as_ref() == Some(&read.version));
            Ok(Some(match same.and_then(|read| Some((read.form.ok()?.hash, read.version))) {
                Some((hash, version)) => End { calendar: to, handle: written.handle, version: Some(version), hash },
                None => End { calendar: to, handle: written.handle, version: written.version, hash: form.hash },
            }))
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) if error.code() == Code::EventExists => find_new(run, intent, to, form).await,
        Err(error) => {
            run.trouble(to, error);
            Ok(None)
        }
    }
}

/// False where it was changed meanwhile.
async fn remove_old(run: &mut Run<'_>, intent: &AgendaIntent, old: &End) -> Result<bool> {
    let on = intent.side;
    let (Some(id), Some(version)) = (run.id(old.calendar, on), old.version.clone()) else { return Ok(true) };
    let seen = EventSeen { handle: old.handle.clone(), version };
    match run.pass.sides[on].remove(&id, &seen).await {
        Ok(()) => {
            run.wrote.insert((old.calendar, on));
            Ok(true)
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) => {
            if error.code() != Code::EventChanged {
                run.trouble(old.calendar, error);
            }
            Ok(false)
        }
    }
}
