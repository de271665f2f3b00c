//! Events that were moved to another calendar on one side follow on the other: made in the new place, then removed from the
//! old one. Where a UID may be in one calendar only, it is the other way round, and the intent keeps the text meanwhile.
//!
//! In the end the side is asked which copies there are, after a crash and in a quiet pass alike. Somebody may have moved or
//! edited the event meanwhile, in either place: `domain` says which copy stays, and the others go, version by version.

use super::batch::form_of;
use super::book::AgendaEvent;
use super::copies::{self, Found};
use super::halves;
use super::pass::{Run, stops_the_pass};
use parom_domain::agenda::{EventSeen, Version};
use parom_domain::events::breaker;
use parom_domain::events::copies::{Outcome, Spot, which_stays};
use parom_domain::events::decide::{Place, place};
use parom_domain::events::state::{AgendaChange, AgendaIntent, AgendaWork, ParkedEvent};
use parom_domain::events::{CalendarNumber, End, EventLink};
use parom_domain::{Both, Code, Error, Result, Side};

/// So often the copies are asked for, before somebody else's work is left to the next pass.
const MOST_ROUNDS: usize = 8;

pub async fn move_all(run: &mut Run<'_>) -> Result<()> {
    let apart = |link: &&EventLink| {
        let at = |side: Side| link.ends[side].as_ref().map(|end| end.calendar);
        let (source, target) = (at(Side::Source), at(Side::Target));
        source.is_some() && target.is_some() && (source != target || source != Some(link.calendar))
    };
    let links: Vec<EventLink> = run.links.iter().filter(apart).cloned().collect();
    for link in links {
        let is_missing = Side::ALL.into_iter().any(|side| run.missing.contains(&(link.number, side)));
        let is_half = run.state.intents.iter().any(|intent| intent.event == link.number);
        if is_missing || is_half || run.announced.contains(&link.uid) {
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
                let changes = run.remember(EventLink { calendar, ..link }, None);
                run.commit(changes).await?;
            }
            Place::Agreed(_) => {}
            Place::Move { on, to } => {
                if run.policy(to).writes[on] && run.id(to, on).is_some() && may_go(run, &link, on, to) {
                    run.go_on()?;
                    move_one(run, link, on, to).await?;
                }
            }
        }
    }
    Ok(())
}

/// Not where a twin is in the way, which is told. And not while the event is put aside until later: see [`make_or_put_back`].
fn may_go(run: &Run<'_>, link: &EventLink, on: Side, to: CalendarNumber) -> bool {
    let waits = |parked: &ParkedEvent| {
        let end = link.ends[on].as_ref().filter(|_| parked.side == on && parked.until_ms.is_some());
        end.is_some_and(|end| (end.calendar, &end.handle) == (parked.calendar, &parked.handle))
    };
    if run.state.parked.iter().any(waits) {
        return false;
    }
    let mut twins = run.state.parked.iter().filter(|parked| copies::is_twin(parked));
    !twins.any(|twin| (twin.side, twin.calendar, twin.uid.as_deref()) == (on, to, Some(&*link.uid)))
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
        was: None,
        ends: link.ends.clone(),
    };
    run.state.intents.push(intent.clone());
    // INVARIANT: the intent is committed before this line.
    run.commit(vec![AgendaChange::OpenIntent(intent.clone())]).await?;
    carry_out(run, &intent, to, false).await
}

/// A move on its way: of `old`, which is where the link has it, to another calendar.
struct Move<'a> {
    intent: &'a AgendaIntent,
    old: End,
    to: CalendarNumber,
    /// The old one was gone before we removed it. Somebody may have moved it to a calendar that we do not know yet.
    vanished: bool,
    /// Why it was put back.
    refused: Option<Error>,
}

/// Takes every step of a move that is not taken yet. `again`: it was announced by an earlier pass.
pub async fn carry_out(run: &mut Run<'_>, intent: &AgendaIntent, to: CalendarNumber, again: bool) -> Result<()> {
    let on = intent.side;
    let is_known = run.links.get(intent.event).is_some();
    let Some(old) = intent.ends[on].clone().filter(|_| is_known) else {
        return close(run, intent, vec![]).await;
    };
    let mut this = Move { intent, old, to, vanished: false, refused: None };
    let mut may_arrive = false;
    if again {
        may_arrive = intent.at_ms.saturating_add(run.pass.policy.grace_ms) > run.now_ms();
    } else if run.abilities[on].unique_uids {
        remove_old(run, &mut this).await?;
    } else {
        match make(run, intent, to).await? {
            Making::Made => remove_old(run, &mut this).await?,
            Making::Exists(_) | Making::Half => {}
            Making::Refused(error) => {
                if let Some(error) = error {
                    run.trouble(to, error);
                }
                run.unfinished.insert(to);
                return close(run, intent, vec![]).await;
            }
        }
    }
    sort_out(run, &mut this, may_arrive).await
}

/// Brings it about that there is one copy, and links that.
async fn sort_out(run: &mut Run<'_>, this: &mut Move<'_>, mut may_arrive: bool) -> Result<()> {
    let removes_first = run.abilities[this.intent.side].unique_uids;
    let mut folded = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let Some(mut found) = copies::find(run, this.intent, &this.old, this.to).await? else { break };
        if let Some(half) = found.iter().find(|copy| copy.half.is_some()) {
            may_arrive &= half.is.spot != Spot::New;
            if !copies::finish(run, this.intent, half).await? {
                break;
            }
            continue;
        }
        let copies: Vec<_> = found.iter().map(|copy| copy.is).collect();
        // The next pass knows all calendars.
        if this.vanished && copies.iter().all(|copy| copy.spot == Spot::New) {
            break;
        }
        match which_stays(&copies, may_arrive, removes_first) {
            Outcome::Wait => break,
            Outcome::Lost => return lose(run, this).await,
            Outcome::Make => {
                if !make_or_put_back(run, this).await? {
                    break;
                }
            }
            Outcome::Keep(at) => {
                // What has arrived stays so, though it may not be seen any more when the old one is gone.
                may_arrive = false;
                let kept = found.swap_remove(at.min(found.len().saturating_sub(1)));
                let Some(other) = found.pop() else { return settle(run, this, kept).await };
                if !drop_one(run, this, &kept, &other, &mut folded).await? {
                    break;
                }
            }
        }
    }
    wait(run, this);
    Ok(())
}

/// The intent stays open: the next pass goes on from what it finds then.
fn wait(run: &mut Run<'_>, this: &Move<'_>) {
    run.announced.insert(this.intent.uid.clone());
    let arrives_until = this.intent.at_ms.saturating_add(run.pass.policy.grace_ms);
    if arrives_until > run.now_ms() {
        run.wake(arrives_until);
    }
    run.unfinished.extend([this.old.calendar, this.to]);
    run.unfinished.extend(run.links.get(this.intent.event).map(|link| link.calendar));
}

/// Somebody removed it: it is missing like any other event, and may still turn up.
async fn lose(run: &mut Run<'_>, this: &Move<'_>) -> Result<()> {
    let (event, side) = (this.intent.event, this.intent.side);
    let mut changes = Vec::new();
    if run.state.suspected.since_ms(event, side).is_none_or(|since_ms| since_ms == 0) {
        changes.push(run.suspect(event, side, run.now_ms()));
    }
    close(run, this.intent, changes).await
}

async fn settle(run: &mut Run<'_>, this: &mut Move<'_>, kept: Found) -> Result<()> {
    let (on, to) = (this.intent.side, this.to);
    let Some(mut link) = run.links.get(this.intent.event).cloned() else {
        return close(run, this.intent, vec![]).await;
    };
    let mut changes = Vec::new();
    if kept.calendar == to {
        link.calendar = to;
        run.report.moved[on] += 1;
        run.pass.observer.event(AgendaEvent::Moved { on });
    } else {
        run.unfinished.extend([kept.calendar, to, link.calendar]);
    }
    if (kept.calendar, &kept.handle) != (this.old.calendar, &this.old.handle) {
        changes.extend(run.unpark(this.old.calendar, on, &this.old.handle));
    }
    // What was changed is read by the next pass, and compared with what this side said before.
    let (version, hash) = match &kept.form {
        Some(form) if !kept.is.changed => (Some(kept.version), form.hash),
        _ => {
            changes.push(run.look_at_all(kept.calendar, on));
            (None, this.old.hash)
        }
    };
    let end = End { calendar: kept.calendar, handle: kept.handle, version, hash };
    if let Some(error) = this.refused.take().filter(|_| end.calendar != to) {
        let now = run.now_ms();
        let name = run.name(to).unwrap_or_default();
        let parked = ParkedEvent {
            calendar: end.calendar,
            side: on,
            handle: end.handle.clone(),
            version: end.version.clone(),
            uid: Some(link.uid.clone()),
            code: String::new(),
            args: Vec::new(),
            since_ms: now,
            until_ms: Some(now.saturating_add(breaker::WINDOW_MS)),
        };
        changes.push(run.park(parked.because(&error.with("what", name)), Some(&this.intent.text)));
    }
    link.ends[on] = Some(end);
    changes.extend(run.remember(link, None));
    close(run, this.intent, changes).await
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

/// What became of an attempt to make the event somewhere.
enum Making {
    Made,
    /// One of its UID is there, or somewhere else on a server that has each UID once.
    Exists(Error),
    /// It is there, and not whole yet.
    Half,
    Refused(Option<Error>),
}

async fn make(run: &mut Run<'_>, intent: &AgendaIntent, calendar: CalendarNumber) -> Result<Making> {
    let on = intent.side;
    let Some(id) = run.id(calendar, on) else { return Ok(Making::Refused(None)) };
    match run.pass.sides[on].create(&id, &form_of(&intent.uid, intent.hash, &intent.text)).await {
        Ok(_) => {
            run.wrote.insert((calendar, on));
            Ok(Making::Made)
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) if error.code() == Code::EventExists => Ok(Making::Exists(error)),
        Err(error) if halves::is_half(&error) => Ok(Making::Half),
        Err(error) => Ok(Making::Refused(Some(error))),
    }
}

/// Makes what was removed first. Where the new place refuses it, it goes back, because an event that is nowhere would count as
/// deleted, and is put aside for a while, because each try removes it anew. False where it can be made nowhere: then the
/// intent keeps it.
async fn make_or_put_back(run: &mut Run<'_>, this: &mut Move<'_>) -> Result<bool> {
    for calendar in [this.to, this.old.calendar] {
        let error = match make(run, this.intent, calendar).await? {
            Making::Made | Making::Half => return Ok(true),
            Making::Exists(error) | Making::Refused(Some(error)) => error,
            Making::Refused(None) => continue,
        };
        if let Some(first) = this.refused.replace(error) {
            run.trouble(this.to, first);
        }
    }
    if let Some(error) = this.refused.take() {
        run.trouble(this.old.calendar, error);
    }
    Ok(false)
}

/// Removes the old one as it was. Where it is another one by now, the copies tell.
async fn remove_old(run: &mut Run<'_>, this: &mut Move<'_>) -> Result<()> {
    let on = this.intent.side;
    let (Some(id), Some(version)) = (run.id(this.old.calendar, on), this.old.version.clone()) else { return Ok(()) };
    match run.pass.sides[on].read(&id, std::slice::from_ref(&this.old.handle)).await {
        Ok(read) => this.vanished = read.is_empty(),
        Err(error) if stops_the_pass(&error) => return Err(error),
        Err(_) => {}
    }
    let seen = EventSeen { handle: this.old.handle.clone(), version };
    match run.pass.sides[on].remove(&id, &seen).await {
        Ok(()) => {
            run.wrote.insert((this.old.calendar, on));
            Ok(())
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) => {
            if error.code() != Code::EventChanged {
                run.trouble(this.old.calendar, error);
            }
            Ok(())
        }
    }
}

/// Brings one copy nearer to its end: what it says goes into the one that stays, or it is removed. False where that is not
/// possible now.
async fn drop_one(
    run: &mut Run<'_>,
    this: &Move<'_>,
    kept: &Found,
    other: &Found,
    folded: &mut Vec<(CalendarNumber, Version)>,
) -> Result<bool> {
    let key = (other.calendar, other.version.clone());
    if other.is.changed && !folded.contains(&key) {
        let is_done = copies::fold(run, this.intent, kept, other).await?;
        folded.extend(is_done.then_some(key));
        return Ok(is_done);
    }
    let on = this.intent.side;
    // INVARIANT: the one that stays was there after the other one was seen. Calendars are asked one after the other, so both
    // may be one event, on its way from where the first was seen to where the second was.
    if !copies::is_there(run, on, kept).await? {
        return Ok(true);
    }
    let Some(id) = run.id(other.calendar, on) else { return Ok(false) };
    let seen = EventSeen { handle: other.handle.clone(), version: other.version.clone() };
    match run.pass.sides[on].remove(&id, &seen).await {
        Ok(()) => {
            run.wrote.insert((other.calendar, on));
            Ok(true)
        }
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) if error.code() == Code::EventChanged => Ok(true),
        Err(error) => {
            run.trouble(other.calendar, error);
            Ok(false)
        }
    }
}
