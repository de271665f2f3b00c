//! The ordinary start of a pass: what was announced and not settled is looked up, and settled or dropped.

use super::pass::{Run, stops_the_pass};
use super::{copies, halves, relocate};
use parom_domain::agenda::EventRead;
use parom_domain::events::state::{AgendaChange, AgendaIntent, AgendaWork, ParkedEvent};
use parom_domain::events::{CalendarNumber, End, EventLink, EventNumber, breaker};
use parom_domain::{Both, Result, Side};

/// What became of one announced write.
enum Fate {
    /// It arrived; this is where.
    Landed(End),
    /// It began to arrive and did not come to its end. Where one side alone is written, that settles nothing.
    Half { end: End, settles: bool },
    /// It did not arrive, or nobody can tell: what both sides show is merged from the base that still holds.
    Unknown,
    /// It may still arrive.
    Pending,
}

/// Settles every open intent.
pub async fn recover(run: &mut Run<'_>) -> Result<()> {
    if run.state.intents.is_empty() {
        return Ok(());
    }
    tracing::info!(intents = run.state.intents.len(), "the last pass ended early; looking up what it had announced");
    run.load_links().await?;
    let mut events: Vec<_> = run.state.intents.iter().map(|intent| intent.event).collect();
    events.sort_unstable();
    events.dedup();
    for event in events {
        let intents = run.state.intents.iter().filter(|intent| intent.event == event).cloned();
        let (halves, open): (Vec<AgendaIntent>, Vec<AgendaIntent>) =
            intents.partition(|intent| intent.work == AgendaWork::Half);
        let moved = open.iter().find_map(|intent| match intent.work {
            AgendaWork::Move { to } => Some((intent.clone(), to)),
            _ => None,
        });
        match moved {
            Some((intent, to)) => {
                let folds = open.into_iter().filter(|other| other.id != intent.id).collect();
                recover_folds(run, folds).await?;
                relocate::carry_out(run, &intent, to, true).await?;
            }
            None if open.is_empty() => halves::look_again(run, halves).await?,
            None => recover_writes(run, open).await?,
        }
    }
    Ok(())
}

/// Copies of an event on its way, one put into the other: all that has to be known of that write is whether it was left half.
async fn recover_folds(run: &mut Run<'_>, intents: Vec<AgendaIntent>) -> Result<()> {
    for intent in intents {
        let mut changes = vec![AgendaChange::CloseIntent(intent.id)];
        match fate(run, &intent).await? {
            Fate::Half { end, .. } => changes.extend(halves::keep(run, &intent, &end).await?),
            Fate::Landed(_) | Fate::Unknown => {}
            Fate::Pending => continue,
        }
        run.state.intents.retain(|open| open.id != intent.id);
        run.commit(changes).await?;
    }
    Ok(())
}

/// The writes of one event, on one side or both. They are settled together or not at all.
async fn recover_writes(run: &mut Run<'_>, intents: Vec<AgendaIntent>) -> Result<()> {
    let mut landed = Vec::new();
    let mut half = Vec::new();
    for intent in &intents {
        match fate(run, intent).await? {
            Fate::Landed(end) => landed.push((intent.side, end)),
            // What it is to be when it is whole is settled. What people have changed of it is compared with that.
            Fate::Half { end, settles } => {
                half.push((intent.clone(), end.clone()));
                landed.extend(settles.then_some((intent.side, end)));
            }
            Fate::Unknown => {}
            Fate::Pending => {
                run.announced.insert(intent.uid.clone());
                let at_ms = intent.at_ms.saturating_add(run.pass.policy.grace_ms);
                run.wake(at_ms);
                return Ok(());
            }
        }
    }
    let mut changes: Vec<AgendaChange> = intents.iter().map(|it| AgendaChange::CloseIntent(it.id)).collect();
    for (side, _) in &landed {
        changes.extend(halves::forget(run, event_of(&intents), &Both::from_fn(|it| it == *side)));
    }
    // Before the base is another one.
    for (intent, end) in &half {
        changes.extend(halves::keep(run, intent, end).await?);
    }
    let (all, first) = (landed.len() == intents.len(), intents.first());
    if let (true, Some(intent)) = (all, first) {
        changes.extend(settled(run, intent, landed).await?);
    }
    run.state.intents.retain(|open| !intents.iter().any(|intent| intent.id == open.id));
    run.commit(changes).await
}

fn event_of(intents: &[AgendaIntent]) -> EventNumber {
    intents.first().map_or(EventNumber(0), |intent| intent.event)
}

async fn settled(run: &mut Run<'_>, intent: &AgendaIntent, landed: Vec<(Side, End)>) -> Result<Vec<AgendaChange>> {
    let known = run.links.get(intent.event).cloned();
    let mut changes = Vec::new();
    let mut missing = Vec::new();
    for (side, end) in intent.ends.iter() {
        let Some(end) = end.as_ref().filter(|_| landed.iter().all(|(written, _)| *written != side)) else { continue };
        // The looks may have spoken of its end while the write was waited for, and say it once.
        if !is_there(run, side, end).await? {
            missing.push(side);
        }
        let is_settled = |parked: &ParkedEvent| {
            (parked.calendar, parked.side, &parked.handle) == (end.calendar, side, &end.handle)
                && parked.version == end.version
        };
        if run.state.parked.iter().any(is_settled) {
            changes.extend(run.unpark(end.calendar, side, &end.handle));
        }
    }
    let mut ends = intent.ends.clone();
    // What was on both sides before was not brought by us.
    let into = match intent.work {
        AgendaWork::Create { .. } => landed.first().map(|(side, _)| *side),
        _ => None,
    };
    for (side, end) in landed {
        // What is half and was refused again waits for its time.
        if !halves::is_known(run, intent.event, side) {
            changes.extend(run.unpark(end.calendar, side, &end.handle));
        }
        ends[side] = Some(end);
    }
    let home = run.pass.policy.home;
    let at_home = ends[home].as_ref().or(ends[home.other()].as_ref()).map(|end| end.calendar);
    let calendar = match intent.work {
        AgendaWork::Create { calendar } => calendar,
        _ => at_home.unwrap_or(CalendarNumber(0)),
    };
    let mut writes = known.as_ref().map(|link| link.writes.clone()).unwrap_or_default();
    writes.push(breaker::Write { side: intent.side, at_ms: intent.at_ms });
    let link = EventLink {
        number: intent.event,
        uid: intent.uid.clone(),
        calendar: known.as_ref().map_or(calendar, |link| link.calendar),
        ends,
        base: intent.hash,
        brought: known.as_ref().map_or(into, |link| link.brought),
        asleep: None,
        writes,
    };
    changes.extend(run.remember(link, Some(intent.text.clone())));
    for side in missing {
        changes.push(run.suspect(intent.event, side, run.now_ms()));
    }
    Ok(changes)
}

/// Where nobody answers it is looked for too.
async fn is_there(run: &Run<'_>, side: Side, end: &End) -> Result<bool> {
    let Some(id) = run.id(end.calendar, side) else { return Ok(false) };
    match run.pass.sides[side].read(&id, std::slice::from_ref(&end.handle)).await {
        Ok(read) => Ok(!read.is_empty()),
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

async fn fate(run: &mut Run<'_>, intent: &AgendaIntent) -> Result<Fate> {
    let side = intent.side;
    match (&intent.work, &intent.ends[side]) {
        (AgendaWork::Create { calendar }, _) => {
            // Somebody may have moved it since.
            let others = run.state.calendars.iter().map(|pair| pair.number).filter(|number| number != calendar);
            for calendar in std::iter::once(*calendar).chain(others) {
                let Some(id) = run.id(calendar, side) else { continue };
                let found = match run.pass.sides[side].find(&id, &intent.uid).await {
                    Ok(found) => found,
                    Err(error) if stops_the_pass(&error) => return Err(error),
                    Err(_) => return Ok(Fate::Pending),
                };
                let is_free = |read: &&EventRead| {
                    run.links.at(side, calendar, &read.handle).is_none_or(|event| event == intent.event)
                        && !copies::is_twin_at(run, side, calendar, &read.handle)
                };
                let same = |read: &EventRead| read.form.as_ref().is_ok_and(|form| form.hash == intent.hash);
                let free: Vec<&EventRead> = found.iter().filter(is_free).collect();
                // One of a known link that says something else may be the old one, moved or put back: what ours was to say, it
                // has not been told.
                let edited = free.first().filter(|_| run.links.get(intent.event).is_none());
                let half = free.iter().find(|read| read.half);
                if let Some(read) = free.iter().find(|read| same(read)).or(half).or(edited) {
                    let end = End {
                        calendar,
                        handle: read.handle.clone(),
                        // What differs from what was written is compared with it when it is read next.
                        version: (same(read) && !read.half).then(|| read.version.clone()),
                        hash: intent.hash,
                    };
                    return Ok(if read.half { Fate::Half { end, settles: true } } else { Fate::Landed(end) });
                }
            }
            // A server may commit what still sat in a socket buffer.
            let waits = intent.at_ms.saturating_add(run.pass.policy.grace_ms) > run.now_ms();
            Ok(if waits { Fate::Pending } else { Fate::Unknown })
        }
        (AgendaWork::Update, Some(old)) => {
            let Some(id) = run.id(old.calendar, side) else { return Ok(Fate::Unknown) };
            let read = match run.pass.sides[side].read(&id, std::slice::from_ref(&old.handle)).await {
                Ok(read) => read.into_iter().next(),
                Err(error) if stops_the_pass(&error) => return Err(error),
                Err(_) => return Ok(Fate::Pending),
            };
            // One way, what was written is not what both agree on: the leading side says that.
            let one_way = run.policy(old.calendar).only().is_some();
            if let Some(read) = read.as_ref().filter(|read| read.half && old.version.as_ref() != Some(&read.version)) {
                let (calendar, handle) = (old.calendar, read.handle.clone());
                let end = End { calendar, handle, version: None, hash: intent.hash };
                return Ok(Fate::Half { end, settles: !one_way });
            }
            let Some(EventRead { handle, version, form: Ok(form), .. }) = read else { return Ok(Fate::Unknown) };
            if one_way || old.version.as_ref() == Some(&version) {
                return Ok(Fate::Unknown);
            }
            // A side that is known not to hold all of this event shows something else than was written.
            let link = run.links.get(intent.event);
            let holds_less = link.is_some_and(|link| link.ends[side].as_ref().is_some_and(|end| end.hash != link.base));
            if form.hash == intent.hash || holds_less {
                let end = End { calendar: old.calendar, handle, version: Some(version), hash: form.hash };
                return Ok(Fate::Landed(end));
            }
            Ok(Fate::Unknown)
        }
        (AgendaWork::Move { .. } | AgendaWork::Update | AgendaWork::Half, _) => Ok(Fate::Unknown),
    }
}
