//! Calendars: which belong together, which are missing, which have to be made.

use super::pass::{AgendaPass, Run, stops_the_pass};
use futures_util::future::join;
use parom_domain::agenda::{AgendaAbilities, CalendarId, CalendarSeen};
use parom_domain::events::pair::pair_calendars;
use parom_domain::events::state::AgendaChange;
use parom_domain::events::{CalendarNumber, CalendarPair};
use parom_domain::{Both, Result, Side};
use std::collections::HashSet;

pub struct Listed {
    pub calendars: Both<Vec<CalendarSeen>>,
    pub abilities: Both<AgendaAbilities>,
}

impl Listed {
    pub fn read_only(&self) -> Both<HashSet<CalendarId>> {
        let read_only = |calendars: &Vec<CalendarSeen>| {
            calendars.iter().filter(|calendar| !calendar.writable).map(|calendar| calendar.id.clone()).collect()
        };
        self.calendars.as_ref().map(read_only)
    }
}

/// Asks both sides at once.
pub async fn list(pass: &AgendaPass<'_>) -> Result<Listed> {
    let (source, target) = join(pass.sides.source.calendars(), pass.sides.target.calendars()).await;
    let ((source, source_can), (target, target_can)) = (source?, target?);
    Ok(Listed { calendars: Both::new(source, target), abilities: Both::new(source_can, target_can) })
}

/// Pairs what is listed. A calendar that is missing is noted, and nothing is done about it before a grace has passed.
pub async fn bring_in_step(run: &mut Run<'_>, listed: &Listed) -> Result<()> {
    let seen = Both::new(&*listed.calendars.source, &*listed.calendars.target);
    let plan = pair_calendars(&run.state.calendars, seen, run.now_ms());
    let mut changes = Vec::new();
    for mut pair in plan.changed {
        for side in Side::ALL {
            let old = run.pair(pair.number).and_then(|old| old.ids[side].clone());
            if old != pair.ids[side] {
                pair.tokens[side] = None;
            }
            if old.is_none() && pair.ids[side].is_some() {
                // What was left for want of a partner is looked at again.
                pair.tokens[side.other()] = None;
            }
        }
        run.state.calendars.retain(|old| old.number != pair.number);
        run.state.calendars.push(pair.clone());
        changes.push(AgendaChange::PutCalendar(pair));
    }
    run.state.calendars.sort_by_key(|pair| pair.number);
    if run.pass.dry_run { Ok(()) } else { run.commit(changes).await }
}

/// Makes the calendars that one side does not have. One that is gone from a side is not made again.
///
/// After a crash the new calendar is found by its name, so that it needs no announcement.
pub async fn make_missing(run: &mut Run<'_>) -> Result<()> {
    for pair in run.state.calendars.clone() {
        for side in Side::ALL {
            let waits = pair.ids[side].is_none() && pair.missing_since_ms[side].is_none();
            let other = side.other();
            let is_there = pair.ids[other].is_some() && pair.missing_since_ms[other].is_none();
            if !waits || !is_there || !run.pass.policy.writes[side] {
                continue;
            }
            if !run.abilities[side].makes_calendars {
                run.report.unpaired.push((side, pair.name().to_owned()));
                continue;
            }
            run.go_on()?;
            match run.pass.sides[side].make_calendar(pair.name()).await {
                Ok(made) => {
                    run.report.calendars_made += 1;
                    let Some(pair) = run.state.calendars.iter_mut().find(|known| known.number == pair.number) else {
                        continue;
                    };
                    pair.ids[side] = Some(made.id);
                    pair.names[side] = made.name;
                    pair.tokens[other] = None;
                    let change = AgendaChange::PutCalendar(pair.clone());
                    run.commit(vec![change]).await?;
                }
                Err(error) if stops_the_pass(&error) => return Err(error),
                Err(error) => run.trouble(pair.number, error),
            }
        }
    }
    Ok(())
}

/// Does a calendar lack a partner on this side, where none can be made?
pub fn is_unpaired(run: &Run<'_>, calendar: CalendarNumber, side: Side) -> bool {
    let lacks = |pair: &CalendarPair| pair.ids[side].is_none() && pair.missing_since_ms[side].is_none();
    run.pass.policy.writes[side] && !run.abilities[side].makes_calendars && run.pair(calendar).is_some_and(lacks)
}

/// A calendar that is gone, and of which no event is left in the book, is gone for good: a new one of its name may take its
/// place, and it is not made again. A pair of which nothing is left on either side is forgotten.
pub async fn let_go(run: &mut Run<'_>) -> Result<()> {
    let now = run.now_ms();
    let grace = run.pass.policy.grace_ms;
    let mut changes = Vec::new();
    for mut pair in run.state.calendars.clone() {
        let before = pair.clone();
        for side in Side::ALL {
            let believed = pair.missing_since_ms[side].is_some_and(|since| since.saturating_add(grace) <= now);
            if believed && pair.ids[side].is_some() && run.links.count(side, pair.number) == 0 {
                pair.ids[side] = None;
                pair.tokens[side] = None;
            }
        }
        let linked = Side::ALL.into_iter().any(|side| run.links.count(side, pair.number) > 0);
        if pair.ids == Both::new(None, None) && !linked {
            run.state.calendars.retain(|old| old.number != pair.number);
            run.state.parked.retain(|parked| parked.calendar != pair.number);
            changes.push(AgendaChange::DropCalendar(pair.number));
        } else if pair != before {
            run.state.calendars.iter_mut().filter(|old| old.number == pair.number).for_each(|old| *old = pair.clone());
            changes.push(AgendaChange::PutCalendar(pair));
        }
    }
    run.commit(changes).await
}
