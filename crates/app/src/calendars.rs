//! The calendars of many accounts, as the command line wants them: one pass each, and what it came to.

pub mod compare;
mod folded;
mod merge;

use crate::config::{Config, MailDomain};
use crate::exit::Exit;
use crate::failure;
use crate::message::Message;
use crate::progress::{self, Phase, Progress, What, Work};
use crate::state;
use crate::sync::{about, seconds};
use crate::wiring::{self, CalendarWiring, Reached};
use async_trait::async_trait;
use compare::{Shelf, Verdict};
use futures_util::{StreamExt, stream};
use merge::EventMerge;
use parom_domain::agenda::{
    Agenda, AgendaAbilities, AgendaLook, CalendarId, CalendarSeen, EventRead, EventSeen, Form, Handle, Token, Written,
};
use parom_domain::events::policy::{CalendarMode, EventPolicy};
use parom_domain::events::state::AgendaState;
use parom_domain::state::{AccountId, Lease, PassSummary};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use parom_engine::agenda::{
    AgendaEvent, AgendaObserver, AgendaPass, AgendaPlan, AgendaReport, LeasedAgendaBook, run_agenda_pass,
};
use parom_engine::{Clock, SystemClock};
use parom_service::{Gates, SideGates, Stop, Tenure};
use parom_store::{Account, Store};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// What is to be done with calendars, and with what.
pub struct Calendars<'a> {
    pub config: &'a Config,
    pub store: &'a Store,
    pub progress: Arc<dyn Progress>,
    pub stop: Stop,
    pub dry_run: bool,
    wiring: CalendarWiring,
    gates: Gates,
}

/// An account and what its calendar link does.
#[derive(Clone)]
pub struct Linked {
    pub account: Account,
    pub mode: CalendarMode,
}

/// How a pass ended.
#[derive(Debug)]
pub enum Ending {
    InStep {
        parked: u64,
    },
    Unsettled {
        parked: u64,
        wake_at_ms: Option<u64>,
        troubles: Vec<Code>,
    },
    /// Why a brake holds something back.
    Held(Message),
    Planned {
        plan: AgendaPlan,
        held: Vec<Message>,
    },
    Failed(Error),
    Interrupted,
}

impl Ending {
    /// What it comes to for a script.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Ending::InStep { .. } | Ending::Planned { .. } => Exit::Done,
            // What is only suspected yet is nothing to complain of.
            Ending::Unsettled { troubles, .. } => Exit::together(troubles.iter().map(|code| Exit::of(*code))),
            Ending::Held(_) => Exit::Held,
            Ending::Failed(error) => Exit::of(error.code()),
            Ending::Interrupted => Exit::Interrupted,
        }
    }
}

/// An attempt that failed for a passing reason is repeated so often.
const ATTEMPTS: u32 = 3;
/// A server that wants a longer pause is left to the next run.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// A pass that is asked to stop has so long to end by itself.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// What was said of each account's calendars; else what the configuration says.
pub async fn linked(config: &Config, store: &Store, accounts: Vec<Account>) -> Result<Vec<Linked>> {
    let said: HashMap<AccountId, CalendarMode> = store.calendar_modes().await?.into_iter().collect();
    let mode = |account: &Account| {
        let preset = || config.domain_of(&account.address).map(|domain| domain.calendars.mode);
        said.get(&account.id).copied().or_else(preset).unwrap_or_default()
    };
    Ok(accounts.into_iter().map(|account| Linked { mode: mode(&account), account }).collect())
}

impl<'a> Calendars<'a> {
    pub fn new(
        config: &'a Config,
        store: &'a Store,
        progress: Arc<dyn Progress>,
        stop: Stop,
        dry_run: bool,
    ) -> Result<Calendars<'a>> {
        let wiring = CalendarWiring::new(config)?;
        Ok(Calendars { config, store, progress, stop, dry_run, wiring, gates: Gates::new(false) })
    }

    /// For passes that go on and on: what a person must put right is looked at again after a while.
    #[must_use]
    pub fn watching(self) -> Calendars<'a> {
        Calendars { gates: Gates::new(true), ..self }
    }

    /// One pass for each account, several at once. One that fails stops no other.
    pub async fn pass(&self, accounts: &[Linked]) -> Vec<(Arc<str>, Ending)> {
        let passes = stream::iter(accounts).map(async |linked| {
            let address: Arc<str> = linked.account.address.as_str().into();
            let ending = self.account(linked, &address).await;
            (address, ending)
        });
        passes.buffered(self.wiring.at_once()).collect().await
    }

    /// Passes until it is asked to stop: again after so long, or as soon as something that waits can go on.
    pub async fn watch(&self, accounts: &[Linked], every: Duration) -> Vec<(Arc<str>, Ending)> {
        loop {
            let ended = self.pass(accounts).await;
            let wakes = ended.iter().filter_map(|(_, ending)| match ending {
                Ending::Unsettled { wake_at_ms, .. } => *wake_at_ms,
                _ => None,
            });
            let wake = wakes.min().map(|at| Duration::from_millis(at.saturating_sub(SystemClock.now_ms()).max(1000)));
            tokio::select! {
                () = self.stop.asked() => return ended,
                () = tokio::time::sleep(wake.map_or(every, |wake| wake.min(every))) => {}
            }
        }
    }

    async fn account(&self, linked: &Linked, address: &Arc<str>) -> Ending {
        let tell = |what: What| self.progress.on(&progress::Event { account: address.clone(), what });
        let mut attempt = 1;
        loop {
            if self.stop.is_asked() {
                return Ending::Interrupted;
            }
            tell(What::BeganCalendars);
            tell(What::Phase(Phase::Connecting));
            let ending = match self.once(linked, address, &tell).await {
                Ok(report) => self.ended(report, &linked.account.address, &tell),
                Err(error) if error.code() == Code::Cancelled => Ending::Interrupted,
                Err(error) => Ending::Failed(error),
            };
            let again = match &ending {
                Ending::Failed(error) if attempt < ATTEMPTS => pause(error, attempt),
                _ => None,
            };
            tell(What::Ended(shown(&ending, again, address)));
            let Some(pause) = again else { return ending };
            attempt += 1;
            tokio::select! {
                () = self.stop.asked() => return Ending::Interrupted,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn once(&self, linked: &Linked, address: &Arc<str>, tell: &(dyn Fn(What) + Sync)) -> Result<AgendaReport> {
        let Linked { account, mode } = linked;
        let domain = wiring::domain(self.config, account)?;
        let missing = || {
            let error = Error::new(Code::CalendarsNotConfigured, Scope::Account, Retry::WhenFixed);
            error.with("account", &account.address).with("path", self.config.file.display())
        };
        let policy = domain.event_policy(*mode, &account.address, &self.config.limits).ok_or_else(missing)?;
        let mut tenure = match self.dry_run {
            true => Tenure::of_a_dry_run(account.id),
            false => Tenure::of(None, self.store, account.id, state::OWNER).await?,
        };
        let lease = tenure.lease;
        let done = tokio::select! {
            done = self.leased(account, domain, policy, lease, (address, tell)) => done,
            error = tenure.keep(self.store) => Err(error),
            () = self.stopped_too_long() => Err(cancelled()),
        };
        if !self.dry_run {
            let summary = summary(&done);
            let noted = self.store.note_calendar_pass(&tenure.lease, summary).await;
            let released = self.store.release(tenure.lease).await;
            if let Err(error) = noted.and(released) {
                tracing::warn!(account = %account.address, error = ?error, "the end of a pass could not be written down");
            }
        }
        done
    }

    async fn stopped_too_long(&self) {
        self.stop.asked().await;
        tokio::time::sleep(STOP_WITHIN).await;
    }

    async fn leased(
        &self,
        account: &Account,
        domain: &MailDomain,
        policy: EventPolicy,
        lease: Lease,
        (address, tell): (&Arc<str>, &(dyn Fn(What) + Sync)),
    ) -> Result<AgendaReport> {
        let state = self.store.load_agenda(account.id).await?;
        let reached = self.reach(account, domain, &state).await?;
        let gated =
            reached.as_ref().map(|reached| Gated { inner: &*reached.agenda, gates: self.gates.of(&reached.place) });
        tell(What::Phase(Phase::Observing));
        let others = self.config.domains.iter();
        let merge =
            EventMerge { homes: others.map(|domain| (domain.name.clone(), domain.home)).collect(), home: domain.home };
        let pass = AgendaPass {
            sides: Both::new(&gated.source, &gated.target),
            book: &LeasedAgendaBook { store: self.store, lease },
            merge: &merge,
            clock: &SystemClock,
            observer: &Watcher { stop: &self.stop, address, tell },
            policy,
            dry_run: self.dry_run,
        };
        let done = run_agenda_pass(&pass, state).await;
        match done {
            Err(error) => Err(self.refused(error, &reached, &gated).await),
            done => done,
        }
    }

    /// Both sides of an account, nothing connected yet.
    async fn reach(&self, account: &Account, domain: &MailDomain, state: &AgendaState) -> Result<Both<Reached>> {
        let side = |side: Side| self.wiring.reach(self.config, self.store, account, side);
        let mut reached = Both::new(side(Side::Source).await?, side(Side::Target).await?);
        if let Some(category) = &domain.calendars.folded {
            let links = self.store.event_links(account.id).await?;
            reached.target.agenda = Arc::new(folded::target(reached.target.agenda, category, state, &links));
        }
        Ok(reached)
    }

    /// A refused sign-in is remembered, so that no server locks anybody out, whichever run of ours asks next.
    async fn refused(&self, error: Error, reached: &Both<Reached>, gated: &Both<Gated<'_>>) -> Error {
        if error.code() != Code::SignInRefused {
            return error;
        }
        let refusing = |side: &Side| error.arg("host").is_some_and(|host| reached[*side].is_at(host));
        let Some(side) = Side::ALL.into_iter().find(refusing) else { return error };
        if !self.dry_run {
            let concerns_all = gated[side].gates.is_password_in_doubt();
            reached[side].refused(self.store, concerns_all, &error).await;
        }
        reached[side].named(error).with("side", side)
    }

    /// Reads both sides of each account, and tells what differs. Nothing is written anywhere.
    pub async fn compare(&self, accounts: &[Linked]) -> Vec<(Arc<str>, Result<(Both<Shelf>, Verdict)>)> {
        let compared = stream::iter(accounts).map(async |linked| {
            let address: Arc<str> = linked.account.address.as_str().into();
            let compared = tokio::select! {
                compared = self.compared(&linked.account, &address) => compared,
                () = self.stop.asked() => Err(cancelled()),
            };
            (address, compared)
        });
        compared.buffered(self.wiring.at_once()).collect().await
    }

    async fn compared(&self, account: &Account, address: &Arc<str>) -> Result<(Both<Shelf>, Verdict)> {
        let tell = |what: What| self.progress.on(&progress::Event { account: address.clone(), what });
        tell(What::BeganCalendars);
        let state = self.store.load_agenda(account.id).await?;
        let reached = self.reach(account, wiring::domain(self.config, account)?, &state).await?;
        let gated =
            reached.as_ref().map(|reached| Gated { inner: &*reached.agenda, gates: self.gates.of(&reached.place) });
        let step = |events| tell(What::Did(Work { events, ..Work::default() }));
        let (source, target) = tokio::join!(compare::take(&gated.source, &step), compare::take(&gated.target, &step));
        let shelves = match (source, target) {
            (Ok(source), Ok(target)) => Both::new(source, target),
            (Err(error), _) | (_, Err(error)) => return Err(self.refused(error, &reached, &gated).await),
        };
        let (parked, links) = (self.store.parked_events(account.id).await?, self.store.event_links(account.id).await?);
        let verdict = compare::compare(&shelves, &parked, &links);
        Ok((shelves, verdict))
    }

    fn ended(&self, report: AgendaReport, address: &str, tell: &dyn Fn(What)) -> Ending {
        let held: Vec<Message> =
            report.held.iter().map(|(brake, calendar)| braked(brake, calendar.as_deref(), address)).collect();
        let mut troubles = Vec::new();
        for (calendar, error) in &report.trouble {
            troubles.push(error.code());
            tell(What::Trouble { why: about_calendar(error, calendar.as_deref(), address) });
        }
        for (side, calendar) in &report.unpaired {
            // Its events are put aside with that reason: nobody is out of step because of it.
            let message = Message::new("calendar-unpaired").with("side", Message::new(failure::side_key(*side)));
            tell(What::Trouble { why: message.with("calendar", calendar.clone()) });
        }
        if let Some(plan) = report.plan {
            return Ending::Planned { plan, held };
        }
        if let Some(first) = held.into_iter().next() {
            return Ending::Held(first);
        }
        if report.settled && troubles.is_empty() {
            return Ending::InStep { parked: report.parked };
        }
        Ending::Unsettled { parked: report.parked, wake_at_ms: report.wake_at_ms, troubles }
    }
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, Scope::Account, Retry::Soon).with("what", "calendar")
}

/// The sentence of an error about a calendar.
fn about_calendar(error: &Error, calendar: Option<&str>, address: &str) -> Message {
    let (code, mut args) = kept(error);
    let more = [("account", Some(address)), ("what", calendar)];
    args.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
    failure::stored(&code, &args)
}

fn pause(error: &Error, attempt: u32) -> Option<Duration> {
    match error.retry() {
        Retry::Soon => Some(Duration::from_secs(1 << (2 * attempt.min(4)))),
        Retry::After(pause) if pause <= LONGEST_PAUSE => Some(pause.max(Duration::from_secs(1))),
        _ => None,
    }
}

fn shown(ending: &Ending, again: Option<Duration>, address: &str) -> progress::Ending {
    match ending {
        Ending::InStep { parked } => progress::Ending::InStep { parked: *parked },
        Ending::Unsettled { parked, .. } => progress::Ending::Unsettled { parked: *parked },
        Ending::Held(why) => progress::Ending::Held { why: why.clone() },
        Ending::Planned { .. } => progress::Ending::Planned,
        Ending::Interrupted => progress::Ending::Interrupted,
        Ending::Failed(error) => {
            let why = about(error, None, address);
            match again {
                Some(pause) => progress::Ending::Again { why, seconds: seconds(pause) },
                None => progress::Ending::Failed { why },
            }
        }
    }
}

/// What is kept of a pass for those who ask later.
fn summary(done: &Result<AgendaReport>) -> PassSummary {
    let at_ms = SystemClock.now_ms();
    match done {
        Ok(report) => PassSummary {
            at_ms,
            last_ok_ms: report.settled.then_some(at_ms),
            parked: report.parked,
            carried: report.created.source.saturating_add(report.created.target),
            folders: report.calendars,
            error: report.trouble.first().map(|(_, error)| kept(error)),
        },
        Err(error) => PassSummary { at_ms, error: Some(kept(error)), ..PassSummary::default() },
    }
}

fn kept(error: &Error) -> (String, Vec<(String, String)>) {
    let args = error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    (error.code().as_str().to_owned(), args.collect())
}

/// Why a brake holds events back.
fn braked(brake: &parom_domain::events::guard::CalendarBrake, calendar: Option<&str>, address: &str) -> Message {
    let args = [
        ("brake", brake.name.as_str().to_owned()),
        ("account", address.to_owned()),
        ("side", brake.side.to_string()),
        ("folder", calendar.unwrap_or_default().to_owned()),
        ("count", brake.count.to_string()),
        ("total", brake.total.to_string()),
    ];
    failure::stored(Code::Braked.as_str(), &args.map(|(name, value)| (name.to_owned(), value)))
}

/// An agenda behind the gates of its server and its password: what one account found out spares the others the attempt.
struct Gated<'a> {
    inner: &'a dyn Agenda,
    gates: SideGates,
}

#[async_trait]
impl Agenda for Gated<'_> {
    async fn calendars(&self) -> Result<(Vec<CalendarSeen>, AgendaAbilities)> {
        self.gates.through(self.inner.calendars()).await
    }

    async fn observe(&self, calendar: &CalendarId, since: Option<&Token>) -> Result<AgendaLook> {
        self.noted(self.inner.observe(calendar, since).await)
    }

    async fn read(&self, calendar: &CalendarId, handles: &[Handle]) -> Result<Vec<EventRead>> {
        self.noted(self.inner.read(calendar, handles).await)
    }

    async fn find(&self, calendar: &CalendarId, uid: &str) -> Result<Vec<EventRead>> {
        self.noted(self.inner.find(calendar, uid).await)
    }

    async fn create(&self, calendar: &CalendarId, form: &Form) -> Result<Written> {
        self.noted(self.inner.create(calendar, form).await)
    }

    async fn update(&self, calendar: &CalendarId, seen: &EventSeen, base: &Form, form: &Form) -> Result<Written> {
        self.noted(self.inner.update(calendar, seen, base, form).await)
    }

    async fn remove(&self, calendar: &CalendarId, seen: &EventSeen) -> Result<()> {
        self.noted(self.inner.remove(calendar, seen).await)
    }

    async fn make_calendar(&self, name: &str) -> Result<CalendarSeen> {
        self.noted(self.inner.make_calendar(name).await)
    }
}

impl Gated<'_> {
    fn noted<T>(&self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer {
            self.gates.note(error);
        }
        answer
    }
}

/// Tells progress what a pass tells.
struct Watcher<'a> {
    stop: &'a Stop,
    address: &'a str,
    tell: &'a (dyn Fn(What) + Sync),
}

impl AgendaObserver for Watcher<'_> {
    fn event(&self, event: AgendaEvent) {
        let one = || What::Did(Work { events: 1, ..Work::default() });
        (self.tell)(match event {
            AgendaEvent::Planned { events: 0 } => return,
            AgendaEvent::Planned { events } => {
                (self.tell)(What::Planned(Work { events, ..Work::default() }));
                What::Phase(Phase::Carrying)
            }
            AgendaEvent::Created { .. }
            | AgendaEvent::Updated { .. }
            | AgendaEvent::Moved { .. }
            | AgendaEvent::Deleted { .. } => one(),
            AgendaEvent::Parked { calendar, parked } => What::ParkedEvent {
                side: parked.side,
                why: failure::parked_event(&parked, self.address, &calendar),
                uid: parked.uid,
                calendar,
            },
        });
    }

    fn should_stop(&self) -> bool {
        self.stop.is_asked()
    }
}
