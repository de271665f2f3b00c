//! Occurrence by occurrence: deleted, different, or as the master says.

use super::details::merge_details;
use super::{Dispute, Field};
use crate::event::{Details, Event};
use crate::hash::EventHash;
use crate::rule::Rule;
use crate::time::{Frame, When};
use jiff::civil::{DateTime, Time};
use parom_domain::{Both, Side};
use std::collections::BTreeMap;

/// What becomes of one occurrence.
#[derive(Clone, Debug)]
enum State {
    /// As the master says.
    Plain,
    Deleted,
    Different(Box<Details>),
}

impl PartialEq for State {
    fn eq(&self, other: &State) -> bool {
        match (self, other) {
            (State::Plain, State::Plain) | (State::Deleted, State::Deleted) => true,
            (State::Different(one), State::Different(two)) => same_details(one, two),
            _ => false,
        }
    }
}

/// Do they mean the same? Stamps and spelling do not count.
pub(super) fn same_details(one: &Details, two: &Details) -> bool {
    let hash = |details: &Details| EventHash::of(&Event::single("", details.clone()));
    one == two || hash(one) == hash(two)
}

/// Exceptions and deletions of all three, in the frame of the merged series.
pub(super) fn merge_occurrences(dispute: &mut Dispute, base: Option<&Event>, both: Both<&Event>, merged: &mut Event) {
    let of_base = base.map(|base| states(base, merged));
    let mut of = Both::from_fn(|side| states(both[side], merged));
    for side in Side::ALL {
        for (original, state) in std::mem::take(&mut of[side].homeless) {
            // An exception of an occurrence that the other side's change of the series has taken away.
            let is_new = of_base.as_ref().is_none_or(|base| !base.homeless.contains(&(original, state.clone())));
            if is_new && matches!(state, State::Different(_)) {
                dispute.occurrence = Some(original);
                dispute.lose(side, Field::Occurrence);
            }
        }
    }
    let empty = States::default();
    let known = of_base.as_ref().unwrap_or(&empty);
    let mut keys: Vec<DateTime> =
        [known, &of.source, &of.target].iter().flat_map(|states| states.known.keys().copied()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        dispute.occurrence = Some(key);
        let before = of_base.as_ref().map(|states| states.at(key));
        let now = of.as_ref().map(|states| states.at(key));
        match settle(dispute, key, before, now, base) {
            State::Plain => {}
            State::Deleted => {
                merged.deleted.insert(key);
            }
            State::Different(details) => {
                merged.exceptions.insert(key, *details);
            }
        }
    }
    dispute.occurrence = None;
}

fn settle(
    dispute: &mut Dispute,
    key: DateTime,
    before: Option<State>,
    now: Both<State>,
    base: Option<&Event>,
) -> State {
    if now.source == now.target || before.as_ref() == Some(&now.source) {
        return now.target;
    }
    if before.as_ref() == Some(&now.target) {
        return now.source;
    }
    match (now.source, now.target) {
        (State::Different(source), State::Different(target)) => {
            // What it was before: the exception, or the occurrence as the base's master told it.
            let plain = || base.and_then(|base| plain_occurrence(base, key));
            let before = match before {
                Some(State::Different(details)) => Some(*details),
                _ => plain(),
            };
            State::Different(Box::new(merge_details(dispute, before.as_ref(), Both::new(&*source, &*target))))
        }
        // An edit beats a deletion, and what takes it back.
        (edited @ State::Different(_), other) => {
            if base.is_some() || other == State::Deleted {
                dispute.lose(Side::Target, Field::Occurrence);
            }
            edited
        }
        (other, edited @ State::Different(_)) => {
            if base.is_some() || other == State::Deleted {
                dispute.lose(Side::Source, Field::Occurrence);
            }
            edited
        }
        // One deleted it, the other let it be as the master says.
        (source, target) => {
            let winner = dispute.judge.winner(Field::Occurrence);
            dispute.lose(winner.other(), Field::Occurrence);
            if winner == Side::Source { source } else { target }
        }
    }
}

/// One occurrence as the master tells it.
pub(super) fn plain_occurrence(event: &Event, original: DateTime) -> Option<Details> {
    let master = event.master()?;
    let mut details = master.clone();
    move_to(&mut details, &event.frame(), original);
    Some(details)
}

/// Moves to another start, as long as before.
fn move_to(details: &mut Details, frame: &Frame, start: DateTime) {
    let length = details.start.local().duration_until(details.end.local());
    let zone = details.end.frame();
    details.start = frame.at(start);
    details.end = zone.at(start.saturating_add(length));
}

#[derive(Default)]
struct States {
    known: BTreeMap<DateTime, State>,
    /// With no such occurrence in the merged series.
    homeless: Vec<(DateTime, State)>,
}

impl States {
    fn at(&self, key: DateTime) -> State {
        self.known.get(&key).cloned().unwrap_or(State::Plain)
    }
}

fn states(event: &Event, merged: &Event) -> States {
    let mut states = States::default();
    let deleted = event.deleted.iter().map(|original| (*original, State::Deleted));
    let different =
        event.exceptions.iter().map(|(original, details)| (*original, State::Different(Box::new(details.clone()))));
    for (original, state) in deleted.chain(different) {
        match place(event, original, merged) {
            Some(there) => {
                let state = if there == original { state } else { moved(state, event, original, there, merged) };
                states.known.insert(there, state);
            }
            None => states.homeless.push((original, state)),
        }
    }
    states
}

/// An exception that had stayed at its original time goes with the series.
fn moved(state: State, event: &Event, from: DateTime, to: DateTime, merged: &Event) -> State {
    match state {
        State::Different(mut details) if details.start == event.frame().at(from) => {
            move_to(&mut details, &merged.frame(), to);
            State::Different(details)
        }
        state => state,
    }
}

/// Where an occurrence of this event is in the merged series: on the same day, else as far from the start as before.
fn place(event: &Event, original: DateTime, merged: &Event) -> Option<DateTime> {
    let (Some(from), Some(to)) = (event.master(), merged.master()) else { return Some(original) };
    if from.start == to.start && event.recurrence == merged.recurrence {
        return Some(original);
    }
    let time = if to.start.is_date() { Time::midnight() } else { to.start.local().time() };
    // The time of day counts only where occurrences have one.
    let same_day = if from.start.local().time() == original.time() || to.start.is_date() {
        original.date().to_datetime(time)
    } else {
        original
    };
    let as_far = to.start.local().saturating_add(from.start.local().duration_until(original));
    if from.start == to.start && takes_place(merged, original) {
        return Some(original);
    }
    // The frame may have changed: 01:00 in Moscow is the day before in UTC.
    let same_moment = from.start.frame().at(original);
    let same_moment = match (&same_moment, to.start.frame()) {
        (When::Date(_), _) | (_, Frame::Date) => same_day,
        (when, frame) => when.local_in(&frame),
    };
    [same_day, as_far, same_moment].into_iter().find(|there| takes_place(merged, *there))
}

fn takes_place(event: &Event, at: DateTime) -> bool {
    let Some(master) = event.master() else { return true };
    let start = master.start.local();
    let Some(recurrence) = &event.recurrence else { return at == start };
    let by_rule = |rule: &Rule| rule.occurrences(start).skipping_to(at.date()).find(|there| *there >= at) == Some(at);
    at == start || recurrence.added.contains(&at) || recurrence.rule.as_ref().is_some_and(by_rule)
}
