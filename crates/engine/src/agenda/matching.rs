//! Newcomers by their UID: an old event with a new handle, a twin to be put aside, or something new, perhaps on both sides.

use super::copies;
use super::looks::{Now, Shown, Sights};
use super::pass::{Run, grouped};
use parom_domain::events::state::ParkedEvent;
use parom_domain::events::{CalendarNumber, EventNumber, pair};
use parom_domain::{Both, Code, Error, Retry, Scope, Side};
use std::collections::BTreeMap;

/// Gives every newcomer its place.
pub fn match_newcomers(run: &mut Run<'_>, sights: &mut Sights) {
    let mut newcomers = std::mem::take(&mut sights.newcomers);
    // Nothing is done about what was announced and may still arrive. It is looked at again.
    for side in Side::ALL {
        for (_, shown) in newcomers[side].extract_if(.., |(uid, _)| run.announced.contains(uid)) {
            run.unfinished.insert(shown.calendar);
        }
    }
    let hashes = newcomers.as_ref().map(|list| {
        let mut hashes: BTreeMap<String, Vec<[u8; 32]>> = BTreeMap::new();
        list.iter().for_each(|(uid, shown)| hashes.entry(uid.clone()).or_default().push(shown.hash));
        hashes
    });
    let mut fresh: BTreeMap<String, Both<Vec<Shown>>> = BTreeMap::new();
    for (side, list) in [(Side::Source, newcomers.source), (Side::Target, newcomers.target)] {
        for (uid, shown) in grouped(list.into_iter()) {
            let others = hashes[side.other()].get(&uid).cloned().unwrap_or_default();
            for shown in match_uid(run, sights, side, &uid, shown, &others) {
                fresh.entry(uid.clone()).or_default()[side].push(shown);
            }
        }
    }
    for (uid, both) in fresh {
        pair_fresh(run, sights, &uid, both);
    }
}

/// The newcomers of one side with one UID. Returns those that belong to no link.
fn match_uid(
    run: &mut Run<'_>,
    sights: &mut Sights,
    side: Side,
    uid: &str,
    newcomers: Vec<Shown>,
    others: &[[u8; 32]],
) -> Vec<Shown> {
    let mut chosen = Vec::new();
    for (calendar, mut twins) in grouped(newcomers.into_iter().map(|shown| (shown.calendar, shown))) {
        twins.sort_by(|a, b| a.handle.cmp(&b.handle));
        let linked = free_link(run, sights, side, uid, calendar)
            .and_then(|event| run.links.get(event)?.ends[side].as_ref().map(|end| end.hash));
        let hashes: Vec<[u8; 32]> = twins.iter().map(|twin| twin.hash).collect();
        let kept = pair::keep(&hashes, linked, others);
        for (at, twin) in twins.into_iter().enumerate() {
            if at == kept && !is_taken(run, sights, side, uid, calendar) {
                chosen.push(twin);
            } else {
                put_aside(run, side, uid, &twin);
            }
        }
    }
    let mut fresh: Vec<Shown> = Vec::new();
    for shown in chosen {
        if let Some(event) = free_link(run, sights, side, uid, shown.calendar) {
            if copies::is_twin_at(run, side, shown.calendar, &shown.handle) {
                run.let_go_of(event, side);
            } else {
                run.found_at(event, side, &shown);
            }
            sights.set(event, side, Now::Present(shown));
        } else if run.abilities[side.other()].unique_uids && (is_elsewhere(run, side, uid) || !fresh.is_empty()) {
            // The other side would refuse the second one.
            put_aside(run, side, uid, &shown);
        } else {
            fresh.push(shown);
        }
    }
    fresh
}

/// A link that waits for this UID on this side: the one of the calendar first.
fn free_link(run: &Run<'_>, sights: &Sights, side: Side, uid: &str, calendar: CalendarNumber) -> Option<EventNumber> {
    let is_free = |event: &&EventNumber| match run.links.get(**event) {
        Some(link) if link.ends[side].is_none() => {
            !sights.linked.get(event).is_some_and(|both| matches!(both[side], Now::Present(_)))
        }
        Some(_) => sights.is_missing(**event, side),
        None => false,
    };
    let free: Vec<EventNumber> = run.links.of_uid(uid).iter().filter(is_free).copied().collect();
    let here = |event: &&EventNumber| run.links.get(**event).is_some_and(|link| link.calendar == calendar);
    free.iter().find(here).or_else(|| free.first()).copied()
}

/// Another event of this UID is known in the calendar, and is still there.
fn is_taken(run: &Run<'_>, sights: &Sights, side: Side, uid: &str, calendar: CalendarNumber) -> bool {
    run.links.of_uid(uid).iter().any(|event| {
        let end = run.links.get(*event).and_then(|link| link.ends[side].as_ref());
        end.is_some_and(|end| end.calendar == calendar) && !sights.is_missing(*event, side)
    })
}

fn is_elsewhere(run: &Run<'_>, side: Side, uid: &str) -> bool {
    run.links.of_uid(uid).iter().any(|event| run.links.get(*event).is_some_and(|link| link.ends[side].is_some()))
}

fn put_aside(run: &mut Run<'_>, side: Side, uid: &str, shown: &Shown) {
    let what = run.name(shown.calendar).unwrap_or_default();
    let error = Error::new(Code::EventDoubled, Scope::Item, Retry::WhenFixed).with("what", what).with("uid", uid);
    let parked = parked(run, side, uid, shown, None).because(&error);
    let change = run.park(parked, shown.text.as_deref());
    run.findings.push(change);
}

/// An event that is put aside at the version that it shows.
pub fn parked(run: &Run<'_>, side: Side, uid: &str, shown: &Shown, until_ms: Option<u64>) -> ParkedEvent {
    ParkedEvent {
        calendar: shown.calendar,
        side,
        handle: shown.handle.clone(),
        version: Some(shown.version.clone()),
        uid: Some(uid.to_owned()),
        code: String::new(),
        args: Vec::new(),
        since_ms: run.now_ms(),
        until_ms,
    }
}

/// New on both sides: those of one calendar are one event, and so are those of two.
fn pair_fresh(run: &mut Run<'_>, sights: &mut Sights, uid: &str, both: Both<Vec<Shown>>) {
    let Both { source, mut target } = both;
    let mut rest = Vec::new();
    let mut pairs: Vec<Both<Option<Shown>>> = Vec::new();
    for shown in source {
        match target.iter().position(|other| other.calendar == shown.calendar) {
            Some(at) => pairs.push(Both::new(Some(shown), Some(target.remove(at)))),
            None => rest.push(shown),
        }
    }
    let mut target = target.into_iter();
    for shown in rest {
        pairs.push(Both::new(Some(shown), target.next()));
    }
    pairs.extend(target.map(|shown| Both::new(None, Some(shown))));
    for pair in pairs {
        let number = run.event_number();
        sights.fresh.insert(number, (uid.to_owned(), pair));
    }
}
