//! Missing events: suspected first, and believed gone only with evidence.

use super::emptied;
use super::looks::{Looks, Now, Shown, Sights};
use super::pass::{Run, stops_the_pass};
use super::undeleted;
use parom_domain::events::missing::{Belief, Evidence, believe};
use parom_domain::events::{CalendarNumber, EventNumber};
use parom_domain::{Result, Side};
use std::collections::HashSet;

/// Questions for one UID are asked of at most so many events in one pass; the rest waits.
const MOST_QUESTIONS: usize = 500;

/// What is believed to be gone, and where.
pub type Gone = HashSet<(EventNumber, Side)>;

/// Suspects what is missing, and tells of what it may be believed. What a question finds is put in its place.
pub async fn suspect(run: &mut Run<'_>, looks: &Looks, sights: &mut Sights) -> Result<Gone> {
    let now = run.now_ms();
    let grace = run.pass.policy.grace_ms;
    let mut gone = Gone::new();
    let mut asked = 0;
    let missing: Vec<(EventNumber, Side)> = sights
        .linked
        .iter()
        .flat_map(|(event, both)| both.iter().map(|(side, now)| (*event, side, matches!(now, Now::Missing))))
        .filter(|(_, _, is_missing)| *is_missing)
        .map(|(event, side, _)| (event, side))
        .collect();
    for (event, side) in missing {
        if undeleted::rests(run, event, side) {
            run.missing.insert((event, side));
            continue;
        }
        let since_ms = since(run, event, side);
        let needs_question = looks.0[side].values().any(|look| !look.complete);
        let saw_everything = !run.unseen.iter().any(|(_, unseen)| *unseen == side);
        let mut evidence = Evidence { since_ms, saw_everything, needs_question, found: None };
        if believe(evidence, now, grace) == Belief::Ask && asked < MOST_QUESTIONS {
            asked += 1;
            run.go_on()?;
            evidence.found = ask(run, sights, looks, event, side).await?;
        }
        if evidence.found != Some(true) {
            run.missing.insert((event, side));
        }
        match believe(evidence, now, grace) {
            Belief::Gone => _ = gone.insert((event, side)),
            Belief::Ask => unfinished(run, event),
            Belief::Wait => {}
        }
    }
    emptied::doubt_empty_lists(run, looks, sights, &mut gone).await?;
    Ok(gone)
}

fn unfinished(run: &mut Run<'_>, event: EventNumber) {
    if let Some(link) = run.links.get(event) {
        run.unfinished.insert(link.calendar);
    }
}

fn since(run: &mut Run<'_>, event: EventNumber, side: Side) -> u64 {
    if let Some(known) = run.state.suspected.since_ms(event, side).filter(|since_ms| *since_ms > 0) {
        return known;
    }
    // What vanished with its calendar has been missing for as long.
    let calendar = run.links.get(event).and_then(|link| link.ends[side].as_ref()).map(|end| end.calendar);
    let vanished = calendar.and_then(|calendar| run.pair(calendar)?.missing_since_ms[side]);
    let since_ms = vanished.unwrap_or(run.now_ms());
    let change = run.suspect(event, side, since_ms);
    run.findings.push(change);
    since_ms
}

/// Asks every calendar of the side for the UID. `None` where one does not answer.
async fn ask(
    run: &mut Run<'_>,
    sights: &mut Sights,
    looks: &Looks,
    event: EventNumber,
    side: Side,
) -> Result<Option<bool>> {
    let Some(uid) = run.links.get(event).map(|link| link.uid.clone()) else { return Ok(Some(false)) };
    let calendars: Vec<CalendarNumber> = looks.0[side].keys().copied().collect();
    for calendar in calendars {
        let Some(id) = run.id(calendar, side) else { continue };
        let found = match run.pass.sides[side].find(&id, &uid).await {
            Ok(found) => found,
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(error) => {
                run.unseen.insert((calendar, side));
                run.trouble(calendar, error);
                return Ok(None);
            }
        };
        for read in found {
            let of = run.links.at(side, calendar, &read.handle);
            let placed = sights.fresh.values().any(|(_, both)| {
                both[side].as_ref().is_some_and(|shown| (shown.calendar, &shown.handle) == (calendar, &read.handle))
            });
            let given = sights.linked.iter().any(|(other, both)| {
                *other != event
                    && matches!(&both[side], Now::Present(shown)
                        if (shown.calendar, &shown.handle) == (calendar, &read.handle))
            });
            let aside = run
                .state
                .parked
                .iter()
                .any(|parked| (parked.side, parked.calendar, &parked.handle) == (side, calendar, &read.handle));
            if of.is_some_and(|of| of != event) || placed || given || aside {
                continue;
            }
            // No look has spoken of it. Where it is as the book has it, the tokens know of it.
            let end = run.links.get(event).and_then(|link| link.ends[side].as_ref());
            let is_as_it_was = end.is_some_and(|end| {
                (end.calendar, &end.handle, end.version.as_ref()) == (calendar, &read.handle, Some(&read.version))
            });
            let change = if is_as_it_was || read.form.is_err() {
                run.unsuspect(event, side)
            } else {
                run.await_token(event, side)
            };
            run.findings.extend(change);
            match read.form {
                Ok(form) => {
                    let shown = Shown::of(calendar, read.handle, read.version, &form).marked(read.half);
                    run.found_at(event, side, &shown);
                    sights.set(event, side, Now::Present(shown));
                }
                // It is there, whatever it says.
                Err(_) => sights.set(event, side, Now::Unmentioned),
            }
            return Ok(Some(true));
        }
    }
    Ok(Some(false))
}

/// Writes down what was found out before anything is done: suspicions, and what was put aside or taken up again.
pub async fn record(run: &mut Run<'_>) -> Result<()> {
    let findings = std::mem::take(&mut run.findings);
    run.commit(findings).await
}
