//! Brakes in a pass over calendars: what trips is written down, shown, and not done, until a person releases it or the cause
//! is gone.

use super::pass::Run;
use super::plan::{Plan, Task};
use crate::tripped::{self, DAY_MS, Tripped};
use parom_domain::events::decide::Deed;
use parom_domain::events::guard::{self, CalendarBrake, CalendarBrakeName, CalendarLoss};
use parom_domain::events::state::{AgendaChange, DeletedEvents};
use parom_domain::events::{CalendarNumber, EventNumber};
use parom_domain::{Result, Side};
use std::collections::BTreeMap;

/// Asks the guard, takes what it holds out of the plan, and records it.
pub async fn apply_brakes(run: &mut Run<'_>, plan: &mut Plan) -> Result<()> {
    let losses = losses(run, plan);
    let total = u32::try_from(run.links.len()).unwrap_or(u32::MAX);
    let done = run.state.deleted_since(run.now_ms().saturating_sub(DAY_MS));
    let brakes = guard::brakes(&losses, total, done, &run.pass.policy, &run.state.held);
    for brake in &brakes {
        plan.deletes.retain(|task| !is_about(run, brake, task));
    }
    let named: Vec<_> = brakes.into_iter().map(|brake| (brake, called(run, &brake))).collect();
    if !run.pass.dry_run {
        record(run, &named).await?;
    }
    run.report.held = named;
    // While something could not be looked at, an event that is missing may have gone there.
    if !run.unseen.is_empty() && !plan.deletes.is_empty() {
        for task in std::mem::take(&mut plan.deletes) {
            run.unfinished.insert(task.calendar);
        }
    }
    Ok(())
}

/// The calendar that a brake is about, as it is or was called where something is gone: each side may have renamed its own.
fn called(run: &Run<'_>, brake: &CalendarBrake) -> Option<String> {
    let pair = run.pair(brake.calendar?)?;
    let there = &pair.names[brake.side];
    Some(if there.is_empty() { pair.name().to_owned() } else { there.clone() })
}

/// The calendar from which an event is gone.
fn lost_from(run: &Run<'_>, event: EventNumber, side: Side) -> Option<CalendarNumber> {
    run.links.get(event)?.ends[side].as_ref().map(|end| end.calendar)
}

fn is_about(run: &Run<'_>, brake: &CalendarBrake, task: &Task) -> bool {
    let Deed::Delete { on } = task.deed else { return false };
    let side = on.other();
    brake.side == side && brake.calendar.is_none_or(|calendar| lost_from(run, task.event, side) == Some(calendar))
}

fn losses(run: &Run<'_>, plan: &Plan) -> Vec<CalendarLoss> {
    let mut counts: BTreeMap<(CalendarNumber, Side), u32> = BTreeMap::new();
    for task in &plan.deletes {
        let Deed::Delete { on } = task.deed else { continue };
        if let Some(calendar) = lost_from(run, task.event, on.other()) {
            *counts.entry((calendar, on.other())).or_default() += 1;
        }
    }
    let loss = |((calendar, side), gone): ((CalendarNumber, Side), u32)| CalendarLoss {
        calendar,
        side,
        linked: u32::try_from(run.links.count(side, calendar)).unwrap_or(u32::MAX),
        gone,
        vanished: run.pair(calendar).is_none_or(|pair| pair.missing_since_ms[side].is_some()),
    };
    counts.into_iter().map(loss).collect()
}

async fn record(run: &mut Run<'_>, named: &[(CalendarBrake, Option<String>)]) -> Result<()> {
    let told = |(brake, calendar): &(CalendarBrake, Option<String>)| Tripped {
        key: brake.key(),
        brake: brake.name.as_str(),
        side: brake.side,
        what: calendar.clone(),
        count: brake.count,
        total: brake.total,
    };
    let (now_ms, saw_everything) = (run.now_ms(), run.unseen.is_empty());
    let recorded = tripped::record(&mut run.state.held, named.iter().map(told).collect(), saw_everything, now_ms);
    let holds = recorded.hold.into_iter().map(AgendaChange::Hold);
    let changes = holds.chain(recorded.unhold.into_iter().map(|key| AgendaChange::Unhold { key })).collect();
    run.commit(changes).await
}

/// After a pass went through: what was released has been done.
pub async fn forget_released(run: &mut Run<'_>) -> Result<()> {
    let (saw_everything, now_ms) = (run.unseen.is_empty(), run.now_ms());
    // Nothing is deleted by a pass that did not see everything.
    let released = tripped::take_released(&mut run.state.held, saw_everything, &[], now_ms);
    let mut changes = Vec::new();
    // A person has agreed to what the volume brake counted.
    if released.iter().any(|held| held.brake == CalendarBrakeName::ManyDeletions.as_str()) {
        changes.push(AgendaChange::ForgetDeleted { before_ms: u64::MAX });
        run.state.deleted.clear();
    }
    changes.extend(released.into_iter().map(|held| AgendaChange::Unhold { key: held.key }));
    run.commit(changes).await
}

/// Notes events that were deleted, to be committed with the end of their links. What is older than a day goes with it.
pub fn count_deleted(run: &mut Run<'_>, events: usize) -> Vec<AgendaChange> {
    if events == 0 {
        return Vec::new();
    }
    let at_ms = run.now_ms();
    let before_ms = at_ms.saturating_sub(DAY_MS);
    let deleted = DeletedEvents { at_ms, events: u32::try_from(events).unwrap_or(u32::MAX) };
    run.state.deleted.retain(|old| old.at_ms >= before_ms);
    run.state.deleted.push(deleted);
    vec![AgendaChange::CountDeleted(deleted), AgendaChange::ForgetDeleted { before_ms }]
}
