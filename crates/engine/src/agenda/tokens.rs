//! The end of a pass: tokens advance past what was settled, and past the echo of our own writing.
//!
//! INVARIANT: a token is one that was taken before our writing, or one up to which a second look found nothing but what is
//! linked. So it never covers a change that was not settled, parked or suspected.

use super::looks::{Looks, token};
use super::pass::{Run, stops_the_pass};
use super::suspicion;
use futures_util::future::join;
use parom_domain::agenda::{AgendaLook, Token};
use parom_domain::events::state::AgendaChange;
use parom_domain::events::{CalendarNumber, EventNumber};
use parom_domain::{Result, Side};
use std::collections::HashMap;

pub async fn advance(run: &mut Run<'_>, looks: &Looks) -> Result<()> {
    suspicion::record(run).await?;
    let (source, target) = join(look_again(run, looks, Side::Source), look_again(run, looks, Side::Target)).await;
    let (source, target) = (source?, target?);
    let mut changes = Vec::new();
    for number in run.state.calendars.iter().map(|pair| pair.number).collect::<Vec<_>>() {
        if run.unfinished.contains(&number) {
            continue;
        }
        for (side, again) in [(Side::Source, &source), (Side::Target, &target)] {
            let Some(look) = looks.0[side].get(&number) else { continue };
            changes.extend(seen(run, number, side, look));
            let Some(first) = look.token.clone() else { continue };
            let again = again.get(&number);
            let beyond = again.and_then(|look| Some((look, beyond_our_echo(run, number, side, look)?)));
            let token = match beyond {
                Some((look, token)) => {
                    changes.extend(seen(run, number, side, look));
                    token
                }
                None => {
                    // Somebody else was at work too: the next pass looks from the token that was taken before.
                    run.unfinished.extend(again.map(|_| number));
                    first
                }
            };
            let Some(pair) = run.state.calendars.iter_mut().find(|pair| pair.number == number) else { continue };
            if pair.tokens[side].as_ref() != Some(&token) {
                pair.tokens[side] = Some(token.clone());
                changes.push(AgendaChange::SetToken { calendar: number, side, token: Some(token) });
            }
        }
    }
    run.commit(changes).await
}

/// Looks at the calendars that we wrote to, from the token that was taken before.
async fn look_again(run: &Run<'_>, looks: &Looks, side: Side) -> Result<HashMap<CalendarNumber, AgendaLook>> {
    let mut found = HashMap::new();
    for pair in &run.state.calendars {
        let Some(id) = run.id(pair.number, side) else { continue };
        let Some(first) = token(looks, side, pair.number) else { continue };
        if !run.wrote.contains(&(pair.number, side)) || run.unfinished.contains(&pair.number) {
            continue;
        }
        match run.pass.sides[side].observe(&id, Some(&first)).await {
            Ok(look) => _ = found.insert(pair.number, look),
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// What a look speaks of that the token covers was there, and is suspected no more: when it goes, the next look says so. Where
/// there is no token, the next look shows everything.
fn seen(run: &mut Run<'_>, calendar: CalendarNumber, side: Side, look: &AgendaLook) -> Vec<AgendaChange> {
    let seen = look.present.iter().filter_map(|seen| run.links.at(side, calendar, &seen.handle));
    let seen = seen.filter(|event| !run.missing.contains(&(*event, side)));
    let seen: Vec<EventNumber> = seen.collect();
    seen.into_iter().filter_map(|event| run.unsuspect(event, side)).collect()
}

/// The token of the second look, if it found nothing but what is linked or parked as it is.
fn beyond_our_echo(run: &Run<'_>, calendar: CalendarNumber, side: Side, look: &AgendaLook) -> Option<Token> {
    let is_ours = |seen: &parom_domain::agenda::EventSeen| {
        let link = run.links.at(side, calendar, &seen.handle).and_then(|event| run.links.get(event));
        let version = link.and_then(|link| link.ends[side].as_ref()).and_then(|end| end.version.as_ref());
        let parked = run.state.parked.iter().any(|parked| {
            (parked.side, parked.calendar, &parked.handle) == (side, calendar, &seen.handle)
                && parked.version.as_ref() == Some(&seen.version)
        });
        version == Some(&seen.version) || parked
    };
    let is_known = look.gone.iter().all(|handle| run.links.at(side, calendar, handle).is_none())
        && look.present.iter().all(is_ours)
        && (!look.complete || look.present.len() >= run.links.count(side, calendar));
    look.token.clone().filter(|_| is_known)
}
