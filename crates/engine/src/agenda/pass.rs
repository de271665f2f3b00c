//! One pass over the calendars of one account. Recovery after a crash is its ordinary start.

use super::book::{AgendaBook, AgendaEvent, AgendaObserver};
use super::links::Links;
use super::looks::{Looks, Shown};
use super::plan::{AgendaPlan, Plan};
use super::{
    batch, calendars, copies, delete, halves, held, looks, matching, plan, recovery, relocate, suspicion, tokens,
    undeleted,
};
use crate::ports::Clock;
use futures_util::future::BoxFuture;
use parom_domain::agenda::{Agenda, AgendaAbilities, CalendarId, Handle, Merge};
use parom_domain::events::guard::CalendarBrake;
use parom_domain::events::policy::EventPolicy;
use parom_domain::events::state::{AgendaChange, AgendaState, ParkedEvent, SuspectedEvent};
use parom_domain::events::{CalendarNumber, CalendarPair, End, EventLink, EventNumber};
use parom_domain::{Both, Code, Error, Result, Scope, Side};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Requests to one side that are under way at once. Its adapter may let fewer through.
pub const LANES: usize = 4;

/// Everything one pass works with.
pub struct AgendaPass<'a> {
    pub sides: Both<&'a dyn Agenda>,
    pub book: &'a dyn AgendaBook,
    pub merge: &'a dyn Merge,
    pub clock: &'a dyn Clock,
    pub observer: &'a dyn AgendaObserver,
    pub policy: EventPolicy,
    /// Events that are announced together, usually [`BATCH`](super::BATCH).
    pub batch: usize,
    /// Look and plan, but change nothing anywhere.
    pub dry_run: bool,
}

/// What a pass did and what it left.
#[derive(Debug, Default)]
pub struct AgendaReport {
    pub created: Both<u64>,
    pub updated: Both<u64>,
    pub moved: Both<u64>,
    pub deleted: Both<u64>,
    /// Events that both sides had already, and that are linked now.
    pub adopted: u64,
    /// Versions that a merge gave up. They are kept.
    pub archived: u64,
    pub parked: u64,
    pub calendars: u32,
    pub calendars_made: u64,
    /// Calendars that a side has no partner for, and why none can be made there: it does not let us.
    pub unpaired: Vec<(Side, String)>,
    /// Brakes that hold something back, with the calendar's name.
    pub held: Vec<(CalendarBrake, Option<String>)>,
    /// Calendars that could not be worked on, and why. The rest of the account went on.
    pub trouble: Vec<(Option<String>, Error)>,
    /// A look right now would find nothing to do, as far as this pass knows.
    pub settled: bool,
    /// When something that waits can go on at the earliest.
    pub wake_at_ms: Option<u64>,
    /// What a dry run would do.
    pub plan: Option<AgendaPlan>,
}

/// The running state of a pass: what is known of the account, kept in step with the book.
pub struct Run<'a> {
    pub pass: &'a AgendaPass<'a>,
    pub state: AgendaState,
    pub links: Links,
    pub links_loaded: bool,
    pub report: AgendaReport,
    pub abilities: Both<AgendaAbilities>,
    /// Calendars that are listed and may not be written.
    pub read_only: Both<HashSet<CalendarId>>,
    /// Calendars that this pass could not look at. What is in them is unknown.
    pub unseen: HashSet<(CalendarNumber, Side)>,
    /// Calendars in which something is left for the next pass: their tokens stay.
    pub unfinished: HashSet<CalendarNumber>,
    pub wrote: HashSet<(CalendarNumber, Side)>,
    /// Ends that this pass did not find where the link has them, nor anywhere else.
    pub missing: HashSet<(EventNumber, Side)>,
    /// UIDs of events that were announced and may still arrive: nothing is done about them.
    pub announced: HashSet<String>,
    /// What is written with the tokens, because it is covered by them.
    pub findings: Vec<AgendaChange>,
    next_intent: u64,
    next_event: u64,
    wakes: Vec<u64>,
}

impl<'a> Run<'a> {
    pub fn now_ms(&self) -> u64 {
        self.pass.clock.now_ms()
    }

    pub fn intent_id(&mut self) -> u64 {
        self.next_intent += 1;
        self.next_intent
    }

    pub fn event_number(&mut self) -> EventNumber {
        self.next_event = self.next_event.max(self.links.next_number());
        self.next_event += 1;
        EventNumber(self.next_event - 1)
    }

    #[must_use]
    pub fn pair(&self, number: CalendarNumber) -> Option<&CalendarPair> {
        self.state.calendars.iter().find(|pair| pair.number == number)
    }

    /// Where a calendar is on a side, while it is listed there.
    #[must_use]
    pub fn id(&self, number: CalendarNumber, side: Side) -> Option<CalendarId> {
        let pair = self.pair(number)?;
        pair.ids[side].clone().filter(|_| pair.missing_since_ms[side].is_none())
    }

    #[must_use]
    pub fn name(&self, number: CalendarNumber) -> Option<String> {
        self.pair(number).map(|pair| pair.name().to_owned())
    }

    /// What may be done with an event of this calendar.
    #[must_use]
    pub fn policy(&self, number: CalendarNumber) -> EventPolicy {
        let Some(pair) = self.pair(number) else { return self.pass.policy };
        let writable = Both::from_fn(|side| match &pair.ids[side] {
            Some(id) => pair.missing_since_ms[side].is_none() && !self.read_only[side].contains(id),
            // A dry run makes no calendar, and plans as if it had.
            None => self.pass.dry_run && self.abilities[side].makes_calendars && pair.missing_since_ms[side].is_none(),
        });
        self.pass.policy.within(writable)
    }

    pub fn wake(&mut self, at_ms: u64) {
        self.wakes.push(at_ms);
    }

    pub fn trouble(&mut self, calendar: CalendarNumber, error: Error) {
        let name = self.name(calendar);
        tracing::info!(calendar = ?name, error = ?error, "a calendar could not be brought in step");
        self.unfinished.insert(calendar);
        self.report.trouble.push((name, error));
    }

    /// The same where it is told of each event of the calendar.
    pub fn trouble_once(&mut self, calendar: CalendarNumber, error: Error) {
        let name = self.name(calendar);
        self.unfinished.insert(calendar);
        if self.report.trouble.iter().all(|(told, _)| *told != name) {
            self.trouble(calendar, error);
        }
    }

    /// Puts a link in step with the book. What was put aside as a second event of its UID is none where the link has it.
    ///
    /// INVARIANT: an end of which no token of the book knows is suspected. What comes and goes between two looks is spoken of by
    /// neither, so when the next look from that token is silent about such an end, it has to be asked for. The suspicion ends
    /// with the commit of a token that knows of it (`tokens.rs`).
    pub fn remember(&mut self, link: EventLink, base: Option<Arc<str>>) -> Vec<AgendaChange> {
        let mut changes = Vec::new();
        let old = self.links.get(link.number).map(|old| old.ends.clone()).unwrap_or_default();
        let place = |end: &Option<End>| end.as_ref().map(|end| (end.calendar, end.handle.clone()));
        let moved = Both::from_fn(|side| place(&old[side]) != place(&link.ends[side]));
        let has_end = link.ends.as_ref().map(|end| end.is_some());
        for side in Side::ALL {
            let Some(end) = &link.ends[side] else { continue };
            let is_this = |parked: &ParkedEvent| {
                (parked.calendar, parked.side, &parked.handle) == (end.calendar, side, &end.handle)
                    && copies::is_twin(parked)
                    && parked.uid.as_ref() == Some(&link.uid)
            };
            if self.state.parked.iter().any(is_this) {
                changes.extend(self.unpark(end.calendar, side, &end.handle));
            }
        }
        let event = link.number;
        self.links.put(link.clone());
        changes.push(AgendaChange::PutEvent { link, base });
        for side in Side::ALL.into_iter().filter(|side| moved[*side]) {
            self.missing.remove(&(event, side));
            changes.extend(if has_end[side] { self.await_token(event, side) } else { self.unsuspect(event, side) });
        }
        changes
    }

    /// The end is there. Whether a token knows of it is not known, where there are any that tell changes.
    pub fn await_token(&mut self, event: EventNumber, side: Side) -> Option<AgendaChange> {
        if !self.abilities[side].tells_changes {
            return self.unsuspect(event, side);
        }
        let waits = self.state.suspected.since_ms(event, side) == Some(0);
        (!waits).then(|| self.suspect(event, side, 0))
    }

    /// The next look at this calendar speaks of every event in it: what we believe of one of them is not true.
    pub fn look_at_all(&mut self, calendar: CalendarNumber, side: Side) -> AgendaChange {
        self.unfinished.insert(calendar);
        let pairs = self.state.calendars.iter_mut().filter(|pair| pair.number == calendar);
        pairs.for_each(|pair| pair.tokens[side] = None);
        AgendaChange::SetToken { calendar, side, token: None }
    }

    /// A linked event was found in another place of its side. The link learns that before anything else is done: what was
    /// said to be gone there is not said again. What it says now is compared with what it said before.
    pub fn found_at(&mut self, event: EventNumber, side: Side, shown: &Shown) {
        let Some(mut link) = self.links.get(event).cloned() else { return };
        let Some(end) = &mut link.ends[side] else { return };
        if (end.calendar, &end.handle) != (shown.calendar, &shown.handle) {
            (end.calendar, end.handle, end.version) = (shown.calendar, shown.handle.clone(), None);
            let changes = self.remember(link, None);
            self.findings.extend(changes);
        }
    }

    /// Another event of its UID takes the place of one that is gone. It is not that one: what it never said was not removed
    /// from it, so both sides are merged as if they had never met.
    pub fn let_go_of(&mut self, event: EventNumber, side: Side) {
        let Some(mut link) = self.links.get(event).cloned() else { return };
        if link.ends[side].take().is_some() {
            let changes = self.remember(link, None);
            self.findings.extend(changes);
        }
    }

    /// Its end on this side may be gone: a look that does not speak of it makes it be asked for.
    pub fn suspect(&mut self, event: EventNumber, side: Side, since_ms: u64) -> AgendaChange {
        let suspected = SuspectedEvent { event, side, since_ms };
        self.state.suspected.put(suspected);
        AgendaChange::Suspect(suspected)
    }

    pub fn unsuspect(&mut self, event: EventNumber, side: Side) -> Option<AgendaChange> {
        self.state.suspected.end(event, side).then_some(AgendaChange::Unsuspect { event, side })
    }

    /// Forgets a link and every suspicion about it.
    pub fn forget(&mut self, number: EventNumber) -> AgendaChange {
        self.links.drop(number);
        for side in Side::ALL {
            self.state.suspected.end(number, side);
        }
        AgendaChange::DropEvent(number)
    }

    /// Puts an event aside. It is named by the text, where one is at hand.
    pub fn park(&mut self, parked: ParkedEvent, text: Option<&str>) -> AgendaChange {
        let calendar = self.name(parked.calendar).unwrap_or_default();
        let same =
            |old: &ParkedEvent| (old.calendar, old.side, &old.handle) == (parked.calendar, parked.side, &parked.handle);
        let known = self.state.parked.iter().find(|old| same(old) && old.code == parked.code);
        let since_ms = known.map_or(parked.since_ms, |old| old.since_ms);
        // Of one that shows what it showed when it was put aside, it is known already.
        let before = self.state.parked.iter().find(|old| same(old) && old.version == parked.version);
        let label = text.and_then(|text| self.pass.merge.label(text)).or_else(|| before.map(ParkedEvent::label));
        self.state.parked.retain(|old| !same(old));
        let parked = ParkedEvent { since_ms, ..parked }.labelled(&label.unwrap_or_default());
        self.state.parked.push(parked.clone());
        self.pass.observer.event(AgendaEvent::Parked { calendar, parked: parked.clone() });
        AgendaChange::Park(parked)
    }

    /// Since when it has been put aside for this reason, if it has.
    #[must_use]
    pub fn aside_since(&self, calendar: CalendarNumber, side: Side, handle: &Handle, code: Code) -> Option<u64> {
        let is = |it: &&ParkedEvent| (it.calendar, it.side, &it.handle) == (calendar, side, handle);
        let mut known = self.state.parked.iter().filter(is);
        known.find(|it| it.code == code.as_str()).map(|it| it.since_ms)
    }

    /// What was put aside there is no more, if anything was.
    pub fn unpark(&mut self, calendar: CalendarNumber, side: Side, handle: &Handle) -> Option<AgendaChange> {
        let is = |parked: &ParkedEvent| (parked.calendar, parked.side, &parked.handle) == (calendar, side, handle);
        let at = self.state.parked.iter().position(is)?;
        self.state.parked.remove(at);
        Some(AgendaChange::Unpark { calendar, side, handle: handle.clone() })
    }

    /// The event is settled: nothing of it is put aside any more.
    pub fn unpark_ends(&mut self, ends: &Both<Option<End>>) -> Vec<AgendaChange> {
        let mut changes = Vec::new();
        for side in Side::ALL {
            if let Some(end) = &ends[side] {
                changes.extend(self.unpark(end.calendar, side, &end.handle));
            }
        }
        changes
    }

    /// Commits what is given, and nothing where nothing is.
    pub async fn commit(&self, changes: Vec<AgendaChange>) -> Result<()> {
        if changes.is_empty() { Ok(()) } else { self.pass.book.commit(changes).await }
    }

    /// Stops the pass if somebody wants it to stop.
    pub fn go_on(&self) -> Result<()> {
        if self.pass.observer.should_stop() { Err(crate::ports::cancelled()) } else { Ok(()) }
    }

    pub async fn load_links(&mut self) -> Result<()> {
        if !self.links_loaded {
            self.links = Links::new(self.pass.book.links().await?);
            self.links_loaded = true;
        }
        Ok(())
    }
}

/// Runs one pass. An error means that the pass could not go on at all; what was done until then is written down, and the
/// next pass goes on from there.
pub fn run_agenda_pass<'a>(pass: &'a AgendaPass<'a>, state: AgendaState) -> BoxFuture<'a, Result<AgendaReport>> {
    Box::pin(work(pass, state))
}

async fn work(pass: &AgendaPass<'_>, state: AgendaState) -> Result<AgendaReport> {
    let listed = calendars::list(pass).await?;
    let mut run = Run {
        pass,
        links: Links::default(),
        links_loaded: false,
        report: AgendaReport::default(),
        abilities: listed.abilities.clone(),
        read_only: listed.read_only(),
        unseen: HashSet::new(),
        unfinished: HashSet::new(),
        wrote: HashSet::new(),
        missing: HashSet::new(),
        announced: HashSet::new(),
        findings: Vec::new(),
        next_intent: state.intents.iter().map(|intent| intent.id).max().unwrap_or(0),
        next_event: state.intents.iter().map(|intent| intent.event.0 + 1).max().unwrap_or(0),
        wakes: Vec::new(),
        state,
    };
    calendars::bring_in_step(&mut run, &listed).await?;
    if !pass.dry_run {
        recovery::recover(&mut run).await?;
        calendars::make_missing(&mut run).await?;
    }
    let looks = looks::look(&mut run).await?;
    if is_quiet(&run, &looks) {
        if pass.dry_run {
            let nothing = Plan::default().printable(&run);
            run.report.plan = Some(nothing);
            return Ok(run.report);
        }
        tokens::advance(&mut run, &looks).await?;
        return Ok(finish(run));
    }
    run.load_links().await?;
    let mut sights = looks::read_what_changed(&mut run, &looks).await?;
    looks::look_up_linked(&mut run, &mut sights).await?;
    matching::match_newcomers(&mut run, &mut sights);
    let gone = suspicion::suspect(&mut run, &looks, &mut sights).await?;
    undeleted::forget_what_is_back(&mut run);
    halves::complete(&mut run, &mut sights).await?;
    let mut plan = plan::make(&mut run, sights, &gone);
    held::apply_brakes(&mut run, &mut plan).await?;
    if pass.dry_run {
        run.report.plan = Some(plan.printable(&run));
        return Ok(run.report);
    }
    pass.observer.event(AgendaEvent::Planned { events: plan.count() });
    run.go_on()?;
    suspicion::record(&mut run).await?;
    plan::note(&mut run, &mut plan).await?;
    batch::write_all(&mut run, &mut plan).await?;
    relocate::move_all(&mut run).await?;
    delete::delete_all(&mut run, &mut plan).await?;
    calendars::let_go(&mut run).await?;
    tokens::advance(&mut run, &looks).await?;
    held::forget_released(&mut run).await?;
    Ok(finish(run))
}

/// Nothing was found, and nothing waits: then no link is loaded.
fn is_quiet(run: &Run<'_>, looks: &Looks) -> bool {
    let now = run.now_ms();
    let due = |parked: &ParkedEvent| parked.until_ms.is_some_and(|until| until <= now);
    looks.is_empty()
        && run.state.suspected.is_empty()
        && run.state.intents.is_empty()
        && !run.state.parked.iter().any(due)
        && !(run.state.left > 0 && run.pass.policy.is_two_way())
        && run.state.calendars.iter().all(|pair| pair.missing_since_ms == Both::default())
        && run.state.held.is_empty()
}

fn finish(mut run: Run<'_>) -> AgendaReport {
    let now = run.now_ms();
    let grace = run.pass.policy.grace_ms;
    let suspected: Vec<_> =
        run.state.suspected.iter().filter(|it| !undeleted::rests(&run, it.event, it.side)).collect();
    // What only waits for a token waits for no moment: the next pass may come at once.
    let missing = suspected.iter().filter(|it| it.since_ms > 0).map(|it| it.since_ms.saturating_add(grace));
    let parked = run.state.parked.iter().filter_map(|it| it.until_ms);
    let waits: Vec<u64> = missing.chain(parked).chain(run.wakes.iter().copied()).collect();
    run.report.wake_at_ms = waits.iter().copied().min().map(|at| at.max(now));
    run.report.parked = run.state.parked.len() as u64;
    run.report.calendars = u32::try_from(run.state.calendars.len()).unwrap_or(u32::MAX);
    run.report.settled = waits.is_empty()
        && suspected.is_empty()
        && run.unseen.is_empty()
        && run.unfinished.is_empty()
        && run.state.intents.iter().all(|intent| halves::rests(&run, intent))
        && run.report.trouble.is_empty()
        && run.report.held.is_empty();
    run.report
}

/// Does the whole account stop on this error, or only the calendar that met it?
#[must_use]
pub fn stops_the_pass(error: &Error) -> bool {
    error.scope() >= Scope::Account
}

/// One list for each key, in the order of the keys.
pub fn grouped<K: std::hash::Hash + Eq + Ord + Clone, V>(items: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    items.for_each(|(key, value)| groups.entry(key).or_default().push(value));
    let mut groups: Vec<(K, Vec<V>)> = groups.into_iter().collect();
    groups.sort_by(|(a, _), (b, _)| a.cmp(b));
    groups
}
