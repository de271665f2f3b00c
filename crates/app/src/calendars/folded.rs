//! The target of an account whose further calendars go into its first one.

use parom_caldav::Folded;
use parom_domain::Side;
use parom_domain::agenda::{Agenda, CalendarId};
use parom_domain::events::state::AgendaState;
use parom_domain::events::{CalendarNumber, EventLink};
use std::sync::Arc;

/// With what the state knows of where its events are.
pub fn target(inner: Arc<dyn Agenda>, category: &str, state: &AgendaState, links: &[EventLink]) -> Folded {
    let id = |number: CalendarNumber| {
        let pair = state.calendars.iter().find(|pair| pair.number == number);
        pair.and_then(|pair| pair.ids.target.clone())
    };
    let folds: Vec<CalendarId> = state.calendars.iter().filter_map(|pair| pair.ids.target.clone()).collect();
    let parked = state.parked.iter().filter(|parked| parked.side == Side::Target);
    let parked =
        parked.filter_map(|parked| Some((parked.handle.clone(), parked.version.clone(), id(parked.calendar)?)));
    let ends = links.iter().filter_map(|link| link.ends.target.as_ref());
    let linked = ends.filter_map(|end| Some((end.handle.clone(), end.version.clone(), id(end.calendar)?)));
    Folded::new(inner, category, folds, parked.chain(linked))
}
