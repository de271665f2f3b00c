//! A calendar that shows nothing of what is linked in it: people have emptied it, or its list lies.

use super::looks::{self, Looks, Now, Sights};
use super::pass::{Run, grouped};
use super::suspicion::Gone;
use parom_domain::agenda::Handle;
use parom_domain::events::decide::{Deed, Sight, Tie, decide};
use parom_domain::events::{CalendarNumber, End, EventNumber, guard};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};

/// Believes an emptied calendar only when the server has none of its events for whoever asks for them one by one. A damaged index
/// lists nothing for days, and finds nothing by a UID. Where so much is gone that a brake holds it anyway, nobody is asked.
pub async fn doubt_empty_lists(run: &mut Run<'_>, looks: &Looks, sights: &Sights, gone: &mut Gone) -> Result<()> {
    let place = |(event, side): &(EventNumber, Side)| {
        let end = run.links.get(*event)?.ends[*side].as_ref()?;
        Some(((end.calendar, *side), (*event, end.handle.clone())))
    };
    for ((calendar, side), events) in grouped(gone.iter().filter_map(place)) {
        let is_listed = looks.0[side].contains_key(&calendar);
        if !is_listed || !shows_nothing(run, calendar, side) || is_held(run, sights, calendar, side, &events) {
            continue;
        }
        if lies(run, calendar, side, events).await? {
            let what = run.name(calendar).unwrap_or_default();
            let error = Error::new(Code::CalendarIncomplete, Scope::Folder, Retry::WhenFixed);
            run.unseen.insert((calendar, side));
            run.trouble(calendar, error.with("what", what).with("side", side));
        }
    }
    // What is missing elsewhere may have gone to a calendar that cannot be seen.
    gone.retain(|(_, side)| !run.unseen.iter().any(|(_, unseen)| unseen == side));
    Ok(())
}

/// Nothing that is linked there was found.
fn shows_nothing(run: &Run<'_>, calendar: CalendarNumber, side: Side) -> bool {
    let is_there = |end: &End| end.calendar == calendar;
    let mut linked = run.links.iter().filter(|link| link.ends[side].as_ref().is_some_and(is_there));
    linked.all(|link| run.missing.contains(&(link.number, side)))
}

/// The brake on emptied calendars counts deletions only.
fn is_held(
    run: &Run<'_>,
    sights: &Sights,
    calendar: CalendarNumber,
    side: Side,
    events: &[(EventNumber, Handle)],
) -> bool {
    let on = side.other();
    let policy = run.policy(calendar);
    let is_deleted = |event: &EventNumber| {
        let has_news = sights.linked.get(event).is_some_and(|both| matches!(both[on], Now::Present(_)));
        let there = if has_news { Sight::Changed } else { Sight::Same };
        let sight = Both::from_fn(|it| if it == side { Sight::Gone } else { there });
        let tie = run.links.get(*event).map(Tie::of);
        tie.is_some_and(|tie| decide(Some(&tie), sight, &policy) == Deed::Delete { on })
    };
    let deleted = events.iter().filter(|(event, _)| is_deleted(event)).count();
    guard::is_emptied(count(deleted), count(run.links.count(side, calendar)))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Does the server have one of these events, though its list has none?
async fn lies(
    run: &mut Run<'_>,
    calendar: CalendarNumber,
    side: Side,
    events: Vec<(EventNumber, Handle)>,
) -> Result<bool> {
    let handles: Vec<Handle> = events.into_iter().map(|(_, handle)| handle).collect();
    for batch in handles.chunks(run.abilities[side].batch_items.max(1)) {
        run.go_on()?;
        let found = looks::read(run, side, batch.iter().map(|handle| (calendar, handle.clone()))).await?;
        if !found.events.is_empty() {
            return Ok(true);
        }
        if let Some((calendar, error)) = found.failed.into_iter().next() {
            run.unseen.insert((calendar, side));
            run.trouble(calendar, error);
            return Ok(false);
        }
    }
    Ok(false)
}
