//! What a pass is going to do, as plain data: made by the decisions of `domain`, printed by a dry run, executed as it is.

use super::calendars;
use super::halves;
use super::looks::{Now, Shown, Sights};
use super::matching::parked;
use super::pass::Run;
use super::suspicion::Gone;
use super::undeleted::is_undeleted;
use parom_domain::events::decide::{Deed, Sight, Tie, decide};
use parom_domain::events::state::{AgendaChange, ParkedEvent};
use parom_domain::events::{CalendarNumber, End, EventLink, EventNumber};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};

/// One event and what is to be done about it.
#[derive(Clone, Debug)]
pub struct Task {
    pub event: EventNumber,
    pub uid: String,
    pub calendar: CalendarNumber,
    /// What the sides show, where they were looked at. An event that is missing shows nothing.
    pub shown: Both<Option<Shown>>,
    pub deed: Deed,
}

#[derive(Debug, Default)]
pub struct Plan {
    /// Adopt, Merge, Create: what needs both texts.
    pub writes: Vec<Task>,
    /// Note, Sleep, Leave, Forget: what is only written down.
    pub notes: Vec<Task>,
    pub deletes: Vec<Task>,
}

/// What a dry run prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgendaPlan {
    /// Calendars that would be made.
    pub calendars: Vec<(Side, String)>,
    pub events: Vec<PlannedEvent>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedEvent {
    pub calendar: String,
    pub uid: String,
    pub deed: Deed,
}

impl Plan {
    pub fn count(&self) -> u64 {
        (self.writes.len() + self.deletes.len()) as u64
    }

    pub fn printable(&self, run: &Run<'_>) -> AgendaPlan {
        let tasks = self.writes.iter().chain(&self.notes).chain(&self.deletes);
        let mut calendars = Vec::new();
        for pair in &run.state.calendars {
            for side in Side::ALL {
                let waits = pair.ids[side].is_none() && pair.missing_since_ms[side].is_none();
                if waits && run.pass.policy.writes[side] && run.abilities[side].makes_calendars {
                    calendars.push((side, pair.name().to_owned()));
                }
            }
        }
        let planned = |task: &Task| PlannedEvent {
            calendar: run.name(task.calendar).unwrap_or_default(),
            uid: task.uid.clone(),
            deed: task.deed,
        };
        AgendaPlan { calendars, events: tasks.filter(|task| task.deed != Deed::Note).map(planned).collect() }
    }
}

/// Decides about everything that was found.
pub fn make(run: &mut Run<'_>, mut sights: Sights, gone: &Gone) -> Plan {
    let mut plan = Plan::default();
    // What was left until it may be carried may be carried now.
    let may_go = |link: &&EventLink| {
        let there = Side::ALL.into_iter().find(|side| link.ends[*side].is_none());
        link.is_left() && there.is_some_and(|there| run.policy(link.calendar).writes[there])
    };
    let left: Vec<EventNumber> = run.links.iter().filter(may_go).map(|link| link.number).collect();
    for event in left {
        sights.linked.entry(event).or_default();
    }
    for (event, both) in std::mem::take(&mut sights.linked) {
        let Some(link) = run.links.get(event).cloned() else { continue };
        if let Some(task) = of_link(run, &link, both, gone) {
            sort(&mut plan, task);
        }
    }
    for (event, (uid, shown)) in std::mem::take(&mut sights.fresh) {
        let sight = shown.as_ref().map(|shown| if shown.is_some() { Sight::Changed } else { Sight::Absent });
        let Some(calendar) = calendar_of(run, None, &shown) else { continue };
        let deed = decide(None, sight, &run.policy(calendar));
        sort(&mut plan, Task { event, uid, calendar, shown, deed });
    }
    plan
}

fn sort(plan: &mut Plan, task: Task) {
    match task.deed {
        Deed::Nothing => {}
        Deed::Note | Deed::Sleep { .. } | Deed::Leave | Deed::Forget => plan.notes.push(task),
        Deed::Adopt | Deed::Merge | Deed::Create { .. } => plan.writes.push(task),
        Deed::Delete { .. } => plan.deletes.push(task),
    }
}

/// Where an event belongs: where its link is, else where home has it.
fn calendar_of(run: &Run<'_>, link: Option<&EventLink>, shown: &Both<Option<Shown>>) -> Option<CalendarNumber> {
    let home = run.pass.policy.home;
    let first = |side: Side| shown[side].as_ref().map(|shown| shown.calendar);
    link.map(|link| link.calendar).or_else(|| first(home)).or_else(|| first(home.other()))
}

fn of_link(run: &mut Run<'_>, link: &EventLink, both: Both<Now>, gone: &Gone) -> Option<Task> {
    let is_gone = |side: Side| gone.contains(&(link.number, side));
    let is_missing = |side: Side| matches!(both[side], Now::Missing) && !is_gone(side);
    let sight = Both::from_fn(|side| match (&both[side], &link.ends[side]) {
        (Now::Present(shown), Some(end)) if shown.hash == end.hash => Sight::Same,
        (Now::Present(_), _) => Sight::Changed,
        (_, None) => Sight::Absent,
        (Now::Missing, Some(_)) if is_gone(side) => Sight::Gone,
        // It was changed, in whichever pass.
        (Now::Unmentioned, Some(end)) if end.is_own() => Sight::Changed,
        (Now::Missing | Now::Unmentioned, Some(_)) => Sight::Same,
    });
    // An event that is missing somewhere may have moved: until that is known, it is neither written nor removed there.
    let waits = Side::ALL.into_iter().any(is_missing);
    let has_new_end = Side::ALL.into_iter().any(|side| match (&both[side], &link.ends[side]) {
        (Now::Present(shown), Some(end)) => shown.end() != *end,
        _ => false,
    });
    let shown = Both { source: present(both.source), target: present(both.target) };
    // Both ends decide about the calendar in which the event may be written.
    let mut policy = run.policy(link.calendar);
    for side in Side::ALL {
        if let Some(shown) = &shown[side]
            && shown.calendar != link.calendar
            && !run.policy(shown.calendar).writes[side]
        {
            policy.writes[side] = false;
        }
    }
    let deed = decide(Some(&Tie::of(link)), sight, &policy);
    // Both sides agree on what was put aside here: it is no longer.
    let was_aside = shown.iter().any(|(side, shown)| {
        let is_at = |parked: &ParkedEvent, shown: &Shown| {
            (parked.side, parked.calendar, &parked.handle) == (side, shown.calendar, &shown.handle)
                && !is_undeleted(parked)
        };
        shown.as_ref().is_some_and(|shown| run.state.parked.iter().any(|parked| is_at(parked, shown)))
    });
    let is_announced = run.announced.contains(&link.uid);
    // What is half is written to its end, and where that was refused, tried again after a while.
    let half = Side::ALL.into_iter().find(|side| shown[*side].as_ref().is_some_and(|shown| shown.is_half));
    let is_edited = half.is_some_and(|side| sight[side.other()] == Sight::Changed);
    let deed = match (deed, half) {
        (Deed::Nothing | Deed::Note | Deed::Merge, Some(side)) if !is_edited && halves::waits(run, side, &shown) => {
            return None;
        }
        (Deed::Nothing | Deed::Note, Some(side)) if policy.writes[side] => Deed::Merge,
        (deed, _) => deed,
    };
    let deed = match deed {
        Deed::Nothing if (has_new_end || was_aside) && !is_announced => Deed::Note,
        Deed::Nothing if !has_new_end => deed,
        Deed::Note | Deed::Forget | Deed::Sleep { .. } if !is_announced => deed,
        _ if !waits && !is_announced => deed,
        _ => {
            run.unfinished.insert(link.calendar);
            for shown in [&shown.source, &shown.target].into_iter().flatten() {
                run.unfinished.insert(shown.calendar);
            }
            return None;
        }
    };
    Some(Task { event: link.number, uid: link.uid.clone(), calendar: link.calendar, shown, deed })
}

fn present(now: Now) -> Option<Shown> {
    match now {
        Now::Present(shown) => Some(shown),
        Now::Unmentioned | Now::Missing => None,
    }
}

/// Writes down what nobody else has to know: new handles and versions, events that stay where they are, and those that are
/// gone everywhere.
pub async fn note(run: &mut Run<'_>, plan: &mut Plan) -> Result<()> {
    let mut changes = Vec::new();
    for task in std::mem::take(&mut plan.notes) {
        let link = run.links.get(task.event).cloned();
        let shown = task.shown.as_ref().map(|shown| shown.as_ref().map(Shown::end));
        changes.extend(run.unpark_ends(&shown));
        match (task.deed, link) {
            (Deed::Forget, _) => changes.push(run.forget(task.event)),
            (Deed::Leave, link) => {
                let Some((side, shown)) = task.shown.iter().find_map(|(side, it)| Some((side, it.as_ref()?))) else {
                    continue;
                };
                let mut ends = Both::new(None, None);
                ends[side] = Some(shown.end());
                let text = shown.text.clone();
                let link = EventLink {
                    number: task.event,
                    uid: task.uid.clone(),
                    calendar: shown.calendar,
                    ends,
                    base: shown.hash,
                    brought: None,
                    asleep: None,
                    writes: link.map(|link| link.writes).unwrap_or_default(),
                };
                run.state.left += 1;
                changes.extend(run.remember(link, Some(text.unwrap_or_else(|| "".into()))));
                changes.extend(told_unpaired(run, &task));
            }
            (deed, Some(mut link)) => {
                let waited = link.waits();
                for side in Side::ALL {
                    if let Some(shown) = &task.shown[side] {
                        let is_changed = link.ends[side].as_ref().is_some_and(|end| end.hash != shown.hash);
                        let mut end = shown.end();
                        // Nobody carries it, and nobody may take it for agreed when somebody does.
                        end.hash = if is_changed { End::OWN } else { end.hash };
                        link.ends[side] = Some(end);
                    }
                }
                if let Deed::Sleep { gone } = deed {
                    link.ends[gone] = None;
                    link.asleep = Some(gone);
                }
                let is_left = link.is_left();
                run.state.left += u64::from(link.waits() && !waited);
                changes.extend(run.remember(link, None));
                if is_left {
                    changes.extend(told_unpaired(run, &task));
                }
            }
            (_, None) => {}
        }
    }
    run.commit(changes).await
}

/// An event whose calendar has no partner, and can get none, is put aside with that reason. It is left, so that it goes on by
/// itself when there is one.
fn told_unpaired(run: &mut Run<'_>, task: &Task) -> Option<AgendaChange> {
    let (side, shown) = task.shown.iter().find_map(|(side, shown)| Some((side, shown.as_ref()?)))?;
    if !calendars::is_unpaired(run, shown.calendar, side.other()) {
        return None;
    }
    let what = run.name(shown.calendar).unwrap_or_default();
    let error = Error::new(Code::CalendarUnpaired, Scope::Folder, Retry::WhenFixed);
    let error = error.with("what", what).with("uid", &task.uid).with("side", side.other());
    let parked = parked(run, side, &task.uid, shown, None).because(&error);
    Some(run.park(parked, shown.text.as_deref()))
}
