//! The calendars of many accounts, as the command line wants them: one pass each, and what it came to.

pub mod compare;
mod folded;
mod merge;
mod restore;
mod watch;

pub use restore::Put;
pub use watch::Watch;

use crate::config::{Config, MailDomain};
use crate::exit::Exit;
use crate::failure;
use crate::message::Message;
use crate::progress::{self, Phase, Progress, What, Work};
use crate::state;
use crate::sync::{about, seconds};
use crate::wiring::{self, CalendarWiring, Reached, SharedLanes, SharedMailboxes};
use compare::{Shelf, Verdict};
use futures_util::{StreamExt, stream};
use merge::EventMerge;
use parom_domain::agenda::Agenda;
use parom_domain::events::policy::{CalendarMode, EventPolicy};
use parom_domain::state::{AccountId, Lease, PassSummary};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use parom_engine::agenda::{
    AgendaEvent, AgendaObserver, AgendaPass, AgendaPlan, AgendaReport, BATCH, LeasedAgendaBook, Safekeeping,
    run_agenda_pass,
};
use parom_engine::{Clock, SystemClock};
use parom_service::{Gates, GuardedAgenda, Stop, Tenure};
use parom_store::{Account, Store};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// What is to be done with calendars, and with what.
pub struct Calendars {
    pub config: Config,
    pub store: Store,
    pub progress: Arc<dyn Progress>,
    pub stop: Stop,
    pub dry_run: bool,
    wiring: CalendarWiring,
    gates: Gates,
    shared: OnceCell<SharedMailboxes>,
}

/// An account and what its calendar link does.
#[derive(Clone)]
pub struct Linked {
    pub account: Account,
    pub mode: CalendarMode,
    /// Somebody has said of this account that its calendars are to be left alone.
    pub is_switched_off: bool,
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
        /// Another pass right now may bring it further.
        soon: bool,
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
    let linked = |account: Account| {
        let said = said.get(&account.id).copied();
        let preset = || config.domain_of(&account.address).map(|domain| domain.calendars.mode);
        let mode = said.or_else(preset).unwrap_or_default();
        Linked { account, mode, is_switched_off: said == Some(CalendarMode::Off) }
    };
    Ok(accounts.into_iter().map(linked).collect())
}

impl Calendars {
    pub fn new(
        config: &Config,
        store: &Store,
        progress: Arc<dyn Progress>,
        stop: Stop,
        dry_run: bool,
    ) -> Result<Calendars> {
        Calendars::beside(&SharedLanes::default(), config, store, progress, (stop, dry_run))
    }

    /// Beside other work, with which connections to a server are counted together.
    pub fn beside(
        lanes: &SharedLanes,
        config: &Config,
        store: &Store,
        progress: Arc<dyn Progress>,
        (stop, dry_run): (Stop, bool),
    ) -> Result<Calendars> {
        let wiring = CalendarWiring::new(config, lanes)?;
        let (config, store) = (config.clone(), store.clone());
        let shared = OnceCell::new();
        Ok(Calendars { config, store, progress, stop, dry_run, wiring, gates: Gates::new(false), shared })
    }

    async fn shared(&self) -> Result<&SharedMailboxes> {
        let find = async || {
            let accounts = self.store.accounts().await?;
            Ok(SharedMailboxes::among(&self.config, accounts.iter().filter(|account| account.enabled)))
        };
        self.shared.get_or_try_init(find).await
    }

    /// One pass for each account, several at once. One that fails stops no other.
    pub async fn pass(&self, accounts: &[Linked]) -> Vec<(Arc<str>, Ending)> {
        let passes = accounts.iter().map(async |linked| {
            let address: Arc<str> = linked.account.address.as_str().into();
            let ending = self.account(linked, &address).await;
            (address, ending)
        });
        in_order(passes, self.wiring.at_once()).await
    }

    async fn account(&self, linked: &Linked, address: &Arc<str>) -> Ending {
        let tell = |what: What| self.progress.on(&progress::Event::new(address.clone(), what));
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
        let account = &linked.account;
        // What is wrong with what was said of the account is told before anything is taken.
        self.policy(linked)?;
        self.shared().await?.check(account)?;
        let tenure = match self.dry_run {
            true => Tenure::of_a_dry_run(account.id),
            false => Tenure::of(None, &self.store, account.id, state::OWNER).await?,
        };
        let done = match self.reach(account).await {
            Ok(reached) => {
                let guarded = reached
                    .as_ref()
                    .map(|reached| GuardedAgenda::new(&*reached.agenda, self.gates.of(&reached.door.place)));
                self.under(&tenure, linked, (&reached, &guarded), (address, tell)).await
            }
            Err(error) => Err(error),
        };
        if !self.dry_run {
            let noted = self.store.note_calendar_pass(&tenure.lease, summary(&done)).await;
            let released = self.store.release(tenure.lease).await;
            if let Err(error) = noted.and(released) {
                tracing::warn!(account = %account.address, error = ?error, "the end of a pass could not be written down");
            }
        }
        done
    }

    /// One pass under a lease, which is renewed for as long as it takes.
    async fn under(
        &self,
        tenure: &Tenure,
        linked: &Linked,
        sides: (&Both<Reached>, &Both<GuardedAgenda<'_>>),
        who: (&Arc<str>, &(dyn Fn(What) + Sync)),
    ) -> Result<AgendaReport> {
        tokio::select! {
            done = self.leased(linked, tenure.lease, sides, who) => done,
            error = tenure.keep(&self.store) => Err(error),
            () = self.stopped_too_long() => Err(cancelled()),
        }
    }

    async fn stopped_too_long(&self) {
        self.stop.asked().await;
        tokio::time::sleep(STOP_WITHIN).await;
    }

    fn policy(&self, Linked { account, mode, .. }: &Linked) -> Result<(&MailDomain, EventPolicy)> {
        let domain = wiring::domain(&self.config, account)?;
        let missing = || {
            let error = Error::new(Code::CalendarsNotConfigured, Scope::Account, Retry::WhenFixed);
            error.with("account", &account.address).with("path", self.config.file.display())
        };
        let policy = domain.event_policy(*mode, &account.address, &self.config.limits).ok_or_else(missing)?;
        Ok((domain, policy))
    }

    async fn leased(
        &self,
        linked: &Linked,
        lease: Lease,
        (reached, guarded): (&Both<Reached>, &Both<GuardedAgenda<'_>>),
        (address, tell): (&Arc<str>, &(dyn Fn(What) + Sync)),
    ) -> Result<AgendaReport> {
        let (domain, policy) = self.policy(linked)?;
        tell(What::Phase(Phase::Observing));
        let others = self.config.domains.iter();
        let merge = EventMerge {
            homes: others.map(|domain| (domain.name.clone(), domain.home)).collect(),
            home: domain.home,
            owner: vec![linked.account.address.clone()],
        };
        let book = LeasedAgendaBook { store: &self.store, lease };
        // What people made in Exchange is kept before it is overwritten there for the first time.
        let source = Safekeeping::new(&guarded.source, Side::Source, &book, &SystemClock);
        let pass = AgendaPass {
            sides: Both::new(&source, &guarded.target),
            book: &book,
            merge: &merge,
            clock: &SystemClock,
            observer: &Watcher { stop: &self.stop, address, tell },
            policy,
            batch: BATCH,
            dry_run: self.dry_run,
        };
        let state = self.store.load_agenda(linked.account.id).await?;
        let done = run_agenda_pass(&pass, state).await;
        match done {
            Err(error) => Err(self.refused(error, reached, guarded).await),
            done => done,
        }
    }

    /// Both sides of an account, nothing connected yet.
    async fn reach(&self, account: &Account) -> Result<Both<Reached>> {
        let side = |side: Side| self.wiring.reach(&self.config, &self.store, account, side);
        let mut reached = Both::new(side(Side::Source).await?, side(Side::Target).await?);
        reached.target.agenda = self.unfolded(account, reached.target.agenda).await?;
        Ok(reached)
    }

    /// The target as passes see it: where further calendars go into the first one, each is shown by itself.
    async fn unfolded(&self, account: &Account, target: Arc<dyn Agenda>) -> Result<Arc<dyn Agenda>> {
        let Some(category) = &wiring::domain(&self.config, account)?.calendars.folded else { return Ok(target) };
        let state = self.store.load_agenda(account.id).await?;
        let links = self.store.event_links(account.id).await?;
        Ok(Arc::new(folded::target(target, category, &state, &links)))
    }

    /// A refused sign-in is remembered, so that no server locks anybody out, whichever run of ours asks next.
    async fn refused(&self, error: Error, reached: &Both<Reached>, guarded: &Both<GuardedAgenda<'_>>) -> Error {
        if error.code() != Code::SignInRefused {
            return error;
        }
        let refusing = |side: &Side| error.arg("host").is_some_and(|host| reached[*side].door.is_at(host));
        let Some(side) = Side::ALL.into_iter().find(refusing) else { return error };
        if !self.dry_run {
            let concerns_all = guarded[side].gates.is_password_in_doubt();
            reached[side].door.refused(&self.store, concerns_all, &error).await;
        }
        reached[side].door.named(error).with("side", side)
    }

    /// Reads both sides of each account, and tells what differs. Nothing is written anywhere.
    pub async fn compare(&self, accounts: &[Linked]) -> Vec<(Arc<str>, Result<(Both<Shelf>, Verdict)>)> {
        let compared = accounts.iter().map(async |linked| {
            let address: Arc<str> = linked.account.address.as_str().into();
            let compared = tokio::select! {
                compared = self.compared(&linked.account, &address) => compared,
                () = self.stop.asked() => Err(cancelled()),
            };
            (address, compared)
        });
        in_order(compared, self.wiring.at_once()).await
    }

    async fn compared(&self, account: &Account, address: &Arc<str>) -> Result<(Both<Shelf>, Verdict)> {
        let tell = |what: What| self.progress.on(&progress::Event::new(address.clone(), what));
        tell(What::BeganCalendars);
        let reached = self.reach(account).await?;
        let guarded =
            reached.as_ref().map(|reached| GuardedAgenda::new(&*reached.agenda, self.gates.of(&reached.door.place)));
        let step = |events| tell(What::Did(Work { events, ..Work::default() }));
        let (source, target) =
            tokio::join!(compare::take(&guarded.source, &step), compare::take(&guarded.target, &step));
        let shelves = match (source, target) {
            (Ok(source), Ok(target)) => Both::new(source, target),
            (Err(error), _) | (_, Err(error)) => return Err(self.refused(error, &reached, &guarded).await),
        };
        let (parked, links) = (self.store.parked_events(account.id).await?, self.store.event_links(account.id).await?);
        let verdict = compare::compare(&shelves, &parked, &links);
        Ok((shelves, verdict))
    }

    fn ended(&self, report: AgendaReport, address: &str, tell: &dyn Fn(What)) -> Ending {
        let held: Vec<Message> =
            report.held.iter().map(|(brake, calendar)| braked(brake, calendar.as_deref(), address)).collect();
        let mut troubles = Vec::new();
        let may_pass = |error: &Error| matches!(error.retry(), Retry::Soon | Retry::After(_));
        let soon = match report.trouble.as_slice() {
            [] => report.wake_at_ms.is_none() && !report.settled,
            troubles => troubles.iter().any(|(_, error)| may_pass(error)),
        };
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
        Ending::Unsettled { parked: report.parked, wake_at_ms: report.wake_at_ms, soon, troubles }
    }
}

/// What becomes of all of them, in their order, so many at once. One that takes long keeps no other from beginning.
async fn in_order<T>(all: impl Iterator<Item = impl Future<Output = T>>, at_once: usize) -> Vec<T> {
    let numbered = all.enumerate().map(async |(at, one)| (at, one.await));
    let mut done: Vec<(usize, T)> = stream::iter(numbered).buffer_unordered(at_once).collect().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, it)| it).collect()
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, Scope::Account, Retry::Soon).with("what", "calendar")
}

/// The sentence of an error about a calendar.
pub fn about_calendar(error: &Error, calendar: Option<&str>, address: &str) -> Message {
    let (code, mut args) = kept(error);
    // Mail may come over EWS too, and then goes on by another command.
    let is_of_line = matches!(error.code(), Code::ConnectionLost | Code::TimedOut);
    for (_, value) in args.iter_mut().filter(|(name, value)| is_of_line && name == "service" && value == "ews") {
        "calendars".clone_into(value);
    }
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
        Ending::Unsettled { parked, .. } => progress::Ending::Unsettled { parked: *parked, goes_on: again.is_some() },
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
            AgendaEvent::Parked { calendar, parked } => {
                // What is not read at once is kept, and what people plan is nobody's business in a log.
                let parked = if std::io::stderr().is_terminal() { parked } else { parked.unlabelled() };
                What::ParkedEvent {
                    side: parked.side,
                    why: failure::parked_event(&parked, self.address, &calendar),
                    uid: parked.uid,
                    calendar,
                }
            }
        });
    }

    fn should_stop(&self) -> bool {
        self.stop.is_asked()
    }
}
