//! Events that were written only half: what they say when they are whole.
//!
//! On a side that writes in steps, a write may end between two of them, by our death or by a refusal. The side marks such an
//! event, and its intent, or what recovery makes of it ([`AgendaWork::Half`]), tells what it was to say. INVARIANT: what a half event
//! does not show is never taken for removed. It counts as what it is to be, with what people have changed of it since, and
//! is written once more, to its end.

use super::batch::form_of;
use super::looks::{Now, Shown, Sights};
use super::pass::{Run, stops_the_pass};
use parom_domain::agenda::Form;
use parom_domain::events::state::{AgendaChange, AgendaIntent, AgendaWork};
use parom_domain::events::{End, EventLink, EventNumber};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};

/// Was the event left half by what was refused?
pub fn is_half(error: &Error) -> bool {
    error.code() == Code::EventHalf
}

/// Where an event is that is known to be half.
pub fn place(intent: &AgendaIntent) -> Option<&End> {
    intent.ends[intent.side].as_ref().filter(|_| intent.work == AgendaWork::Half)
}

/// A refusal of an event that was half before.
pub fn still(error: &Error) -> Error {
    let half = Error::new(Code::EventHalf, Scope::Item, Retry::Soon).with("cause", error.code().as_str());
    error.args().iter().fold(half, |half, (name, value)| half.with(name, value))
}

/// Nothing can be done about it: there is no leave to write there.
pub fn rests(run: &Run<'_>, intent: &AgendaIntent) -> bool {
    place(intent).is_some_and(|end| !run.policy(end.calendar).writes[intent.side])
}

/// It was refused again, and its time has not come yet.
pub fn waits(run: &Run<'_>, side: Side, shown: &Both<Option<Shown>>) -> bool {
    let Some(shown) = &shown[side] else { return false };
    let now = run.now_ms();
    run.state.parked.iter().any(|parked| {
        (parked.side, parked.calendar, &parked.handle) == (side, shown.calendar, &shown.handle)
            && parked.until_ms.is_some_and(|until| until > now)
    })
}

/// What it was before, and what it was to be.
fn known<'r>(run: &'r Run<'_>, event: EventNumber, side: Side) -> Option<&'r AgendaIntent> {
    let mut halves = run.state.intents.iter().filter(|intent| place(intent).is_some());
    halves.find(|intent| (intent.event, intent.side) == (event, side))
}

pub fn is_known(run: &Run<'_>, event: EventNumber, side: Side) -> bool {
    known(run, event, side).is_some()
}

fn whole(run: &Run<'_>, intent: &AgendaIntent, half: &Form) -> Result<Form> {
    let was = intent.was.as_ref().map(|text| form_of(&intent.uid, [0; 32], text));
    run.pass.merge.whole(half, was.as_ref(), &form_of(&intent.uid, intent.hash, &intent.text))
}

/// What a copy says when it is whole, of an event that is moved or was written by what `intent` announced.
pub fn whole_copy(run: &Run<'_>, intent: &AgendaIntent, half: &Form) -> Result<Form> {
    whole(run, known(run, intent.event, intent.side).unwrap_or(intent), half)
}

/// Says of every half event that was found what it is when it is whole.
pub async fn complete(run: &mut Run<'_>, sights: &mut Sights) -> Result<()> {
    let is_open = |now: &Now| matches!(now, Now::Present(shown) if is_open(shown));
    let linked: Vec<EventNumber> =
        sights.linked.iter().filter(|(_, both)| both.iter().any(|(_, now)| is_open(now))).map(|(it, _)| *it).collect();
    for event in linked {
        let Some(link) = run.links.get(event).cloned() else { continue };
        let Some(both) = sights.linked.get_mut(&event) else { continue };
        let mut shown = both.as_ref().map(|now| match now {
            Now::Present(shown) => Some(shown.clone()),
            _ => None,
        });
        match complete_both(run, &link.uid, Some(&link), &mut shown).await {
            Ok(()) => {
                for (side, shown) in [(Side::Source, shown.source), (Side::Target, shown.target)] {
                    if let Some(shown) = shown {
                        both[side] = Now::Present(shown);
                    }
                }
            }
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(error) => {
                sights.linked.remove(&event);
                run.trouble(link.calendar, error);
            }
        }
    }
    Ok(())
}

fn is_open(shown: &Shown) -> bool {
    shown.is_half && shown.there.is_none()
}

/// The same for one event. Where nobody knows what it was to be, because the state was lost, it is what both sides last agreed
/// on, else what the other side says.
pub async fn complete_both(
    run: &Run<'_>,
    uid: &str,
    link: Option<&EventLink>,
    has: &mut Both<Option<Shown>>,
) -> Result<()> {
    for side in Side::ALL {
        let Some(shown) = has[side].as_ref().filter(|shown| is_open(shown)) else { continue };
        let Some(half) = shown.form(uid) else { continue };
        let form = match link.and_then(|link| known(run, link.number, side)) {
            Some(intent) => whole(run, intent, &half)?,
            None => {
                let base = match link {
                    Some(link) => run.pass.book.base(link.number).await?.map(|text| form_of(uid, link.base, &text)),
                    None => None,
                };
                let other = has[side.other()].as_ref().and_then(|shown| shown.form(uid));
                match base.or(other) {
                    Some(known) => run.pass.merge.whole(&half, None, &known)?,
                    None => half.clone(),
                }
            }
        };
        if let Some(shown) = &mut has[side] {
            (shown.hash, shown.bytes, shown.text) = (form.hash, form.text.len(), Some(form.text));
            shown.there = Some(half);
        }
    }
    Ok(())
}

/// Whole now where it was written.
pub fn forget(run: &mut Run<'_>, event: EventNumber, written: &Both<bool>) -> Vec<AgendaChange> {
    let is_it = |intent: &AgendaIntent| intent.event == event && written[intent.side] && place(intent).is_some();
    let closed = run.state.intents.extract_if(.., |intent| is_it(intent));
    closed.map(|intent| AgendaChange::CloseIntent(intent.id)).collect()
}

/// Looks at what was known to be half when the last pass ended: somebody may have removed it, or moved it away.
pub async fn look_again(run: &mut Run<'_>, intents: Vec<AgendaIntent>) -> Result<()> {
    let mut changes = Vec::new();
    for intent in intents {
        let found = match place(&intent).and_then(|end| Some((run.id(end.calendar, intent.side)?, &end.handle))) {
            Some((id, handle)) => run.pass.sides[intent.side].read(&id, std::slice::from_ref(handle)).await,
            None => continue,
        };
        match found {
            Ok(read) if read.first().is_some_and(|read| read.half) => {}
            Ok(_) => {
                run.state.intents.retain(|open| open.id != intent.id);
                changes.push(AgendaChange::CloseIntent(intent.id));
            }
            Err(error) if stops_the_pass(&error) => return Err(error),
            // Nothing is done about it before it is known.
            Err(_) => _ = run.announced.insert(intent.uid),
        }
    }
    run.commit(changes).await
}

/// What a write came to that was found half: it stays known, in place of what announced it.
pub async fn keep(run: &mut Run<'_>, intent: &AgendaIntent, end: &End) -> Result<Vec<AgendaChange>> {
    let was = match (&intent.was, &intent.work, &intent.ends[intent.side]) {
        (Some(was), _, _) => Some(was.clone()),
        // What it was is what both sides had agreed on.
        (None, AgendaWork::Update, Some(_)) => run.pass.book.base(intent.event).await?,
        _ => None,
    };
    let mut changes = forget(run, intent.event, &Both::from_fn(|side| side == intent.side));
    let mut ends = Both::new(None, None);
    ends[intent.side] = Some(end.clone());
    let half = AgendaIntent { id: run.intent_id(), work: AgendaWork::Half, was, ends, ..intent.clone() };
    run.state.intents.push(half.clone());
    changes.push(AgendaChange::OpenIntent(half));
    Ok(changes)
}
