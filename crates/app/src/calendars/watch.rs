//! The calendars of accounts, kept in step until somebody has had enough: what the service needs to know of them.

use super::{Calendars, Ending, Linked, shown};
use crate::progress::{self, Phase, What};
use crate::state;
use crate::sync::{about, seconds};
use crate::wiring::Reached;
use async_trait::async_trait;
use parom_domain::agenda::Token;
use parom_domain::events::policy::CalendarMode;
use parom_domain::state::{AccountId, PassSummary};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use parom_engine::agenda::AgendaReport;
use parom_exchange::HttpTransport;
use parom_exchange::notices::{Ear, Guest, Manner, Notices};
use parom_service::{
    CalendarPassed, CalendarPasses, CalendarService, CalendarSettings, Ending as Ended, Hands, Leases, Wakes,
};
use parom_store::Account;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where all that happens rings, an account is looked at so often all the same: what rings is never all there is.
const CALM: Duration = Duration::from_secs(3600);

/// The calendars of these accounts, to be kept in step.
pub struct Watch {
    calendars: Calendars,
    accounts: Vec<Linked>,
    apart: bool,
}

impl Watch {
    /// `None` where there is nothing to do for any of them. `apart`: their mail is kept in step in the same process.
    #[must_use]
    pub fn over(calendars: Calendars, accounts: Vec<Linked>, apart: bool) -> Option<Watch> {
        let is_on = |linked: &Linked| linked.mode != CalendarMode::Off;
        let accounts: Vec<Linked> = accounts.into_iter().filter(is_on).collect();
        (!accounts.is_empty()).then_some(Watch { calendars, accounts, apart })
    }

    /// Until stopping is asked for. How each account's last pass ended.
    pub async fn run(self, leases: Arc<Leases>) -> Result<Vec<(Arc<str>, Ended)>> {
        let Watch { calendars, accounts, apart } = self;
        let limits = &calendars.config.limits;
        let every = Duration::from_secs(limits.look_every_s);
        let settings = CalendarSettings {
            owner: state::OWNER.to_owned(),
            accounts_at_once: calendars.wiring.at_once(),
            every,
            calm: CALM.max(every),
        };
        let wakes = Wakes::default();
        let (store, stop) = (calendars.store.clone(), calendars.stop.clone());
        let all = accounts.iter().map(|linked| linked.account.clone()).collect();
        let passes = Arc::new(Passes::new(calendars, accounts, &wakes, (every, apart)));
        CalendarService::new(store, passes, wakes, stop, leases, settings).run(all).await
    }
}

struct Passes {
    calendars: Calendars,
    linked: HashMap<AccountId, Linked>,
    /// By domain.
    notices: HashMap<String, Notices<HttpTransport>>,
    /// The target of each account whose last pass was a good one, with all it has learnt: it is glanced at.
    targets: Mutex<HashMap<AccountId, Reached>>,
    /// What is written down of each account's last pass.
    summaries: Mutex<HashMap<AccountId, PassSummary>>,
    apart: bool,
}

impl Passes {
    fn new(calendars: Calendars, accounts: Vec<Linked>, wakes: &Wakes, (every, apart): (Duration, bool)) -> Passes {
        let names = accounts.iter().map(|it| (Arc::from(it.account.address.as_str()), it.account.id)).collect();
        let ear: Arc<dyn Ear> = Arc::new(Listener { wakes: wakes.clone(), accounts: names });
        let notices = calendars.config.domains.iter().filter_map(|domain| {
            let ews = domain.calendars.ews.as_ref()?;
            let streams = ews.streams.map(|streams| usize::try_from(streams).unwrap_or(usize::MAX));
            let manner = Manner { streams, pull_every: every, ..Manner::default() };
            Some((domain.name.clone(), Notices::new(ear.clone(), manner)))
        });
        let notices = notices.collect();
        let linked = accounts.into_iter().map(|linked| (linked.account.id, linked)).collect();
        let (targets, summaries) = (Mutex::default(), Mutex::default());
        Passes { calendars, linked, notices, targets, summaries, apart }
    }

    fn tell(&self, account: &Account, what: What) {
        let account = account.address.as_str().into();
        self.calendars.progress.on(&progress::Event { account, apart: self.apart, what });
    }

    fn targets(&self) -> MutexGuard<'_, HashMap<AccountId, Reached>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reach(&self, account: &Account) -> Result<Both<Reached>> {
        let Calendars { wiring, config, store, .. } = &self.calendars;
        let known = self.targets().get(&account.id).cloned();
        let target = match known {
            Some(known) => known,
            None => wiring.reach(config, store, account, Side::Target).await?,
        };
        Ok(Both::new(wiring.reach(config, store, account, Side::Source).await?, target))
    }

    async fn work(&self, account: &Account, hands: &Hands<'_>) -> (Result<AgendaReport>, Option<Token>) {
        let Some(linked) = self.linked.get(&account.id) else {
            return (Err(Error::internal("an account that nobody named")), None);
        };
        let reached = match self.reach(account).await {
            Ok(reached) => reached,
            Err(error) => return (Err(error), None),
        };
        let target = match self.calendars.unfolded(account, reached.target.agenda.clone()).await {
            Ok(target) => target,
            Err(error) => return (Err(error), None),
        };
        let agendas = Both::new(&*reached.source.agenda, &*target);
        let guarded = Both::from_fn(|side| hands.guard(side, agendas[side]));
        let address: Arc<str> = account.address.as_str().into();
        let tell = |what| self.tell(account, what);
        let done = self.calendars.under(&hands.tenure, linked, (&reached, &guarded), (&address, &tell)).await;
        drop(guarded);
        let sign = reached.target.agenda.sign();
        // Of thousands of accounts none keeps a connection that it does not need.
        reached.iter().for_each(|(_, side)| side.agenda.rest());
        if done.is_ok() {
            self.attend(account, &reached.source).await;
            self.targets().insert(account.id, reached.target);
        } else {
            self.targets().remove(&account.id);
        }
        (done, sign)
    }

    /// Has the account told of. Those who are told of already cost nothing.
    async fn attend(&self, account: &Account, source: &Reached) {
        let (Some(hanging), Some(notices)) = (&source.hanging, self.notices.get(&account.domain)) else { return };
        let known = match self.calendars.store.load_agenda(account.id).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(account = %account.address, error = ?error, "the calendars could not be read");
                return;
            }
        };
        let is_there = |missing: &Both<Option<u64>>| missing.source.is_none();
        let folders = known.calendars.iter().filter(|pair| is_there(&pair.missing_since_ms));
        notices.attend(Guest {
            name: account.address.as_str().into(),
            mailbox: hanging.mailbox.clone(),
            folders: folders.filter_map(|pair| Some(pair.ids.source.as_ref()?.0.to_string())).collect(),
            login: hanging.login.clone(),
            affinity: account.database.as_deref().or(hanging.group.as_deref()).unwrap_or_default().into(),
            impersonates: hanging.impersonates,
            transport: hanging.transport.clone(),
        });
    }

    /// An idle pass writes nothing.
    async fn note(&self, account: &Account, hands: &Hands<'_>, summary: PassSummary, did: bool) {
        let parts = |it: &PassSummary| (it.parked, it.folders, it.error.clone(), it.last_ok_ms.is_some());
        let last = self.summaries.lock().unwrap_or_else(PoisonError::into_inner).get(&account.id).map(parts);
        if !did && last == Some(parts(&summary)) {
            return;
        }
        match self.calendars.store.note_calendar_pass(&hands.tenure.lease, summary.clone()).await {
            Ok(()) => {
                self.summaries.lock().unwrap_or_else(PoisonError::into_inner).insert(account.id, summary);
            }
            Err(error) => {
                tracing::warn!(account = %account.address, error = ?error, "the end of a pass could not be written down");
            }
        }
    }
}

#[async_trait]
impl CalendarPasses for Passes {
    fn places(&self, account: &Account) -> Result<Both<parom_service::Place>> {
        let place = |side: Side| self.calendars.wiring.place(&self.calendars.config, account, side);
        Ok(Both::new(place(Side::Source)?, place(Side::Target)?))
    }

    async fn pass(&self, account: &Account, hands: &Hands<'_>) -> CalendarPassed {
        self.tell(account, What::BeganCalendars);
        self.tell(account, What::Phase(Phase::Connecting));
        let (done, sign) = self.work(account, hands).await;
        let did = done.as_ref().is_ok_and(did_anything);
        self.note(account, hands, super::summary(&done), did).await;
        let ending = match done {
            Ok(report) => self.calendars.ended(report, &account.address, &|what| self.tell(account, what)),
            Err(error) if error.code() == Code::Cancelled => Ending::Interrupted,
            Err(error) => Ending::Failed(error),
        };
        // A failure is told with the time until the next attempt.
        if !matches!(ending, Ending::Failed(_)) {
            // A watch goes on, whenever that is.
            self.tell(account, What::Ended(shown(&ending, Some(Duration::ZERO), &account.address)));
        }
        CalendarPassed { ending: kept(ending), progressed: did, sign }
    }

    async fn glance(&self, account: &Account) -> Result<Option<Token>> {
        let known = self.targets().get(&account.id).cloned();
        let Some(target) = known else { return Ok(None) };
        let listed = target.agenda.calendars().await;
        target.agenda.rest();
        match listed {
            Ok(_) => Ok(target.agenda.sign()),
            Err(error) => {
                if error.code() == Code::SignInRefused {
                    // What refused one account may be the password of all, which the pass that follows finds out.
                    target.door.refused(&self.calendars.store, false, &error).await;
                }
                self.targets().remove(&account.id);
                Err(error)
            }
        }
    }

    fn glance_every(&self, account: &Account) -> Duration {
        let domain = self.calendars.config.domain_of(&account.address);
        let caldav = domain.and_then(|domain| domain.calendars.caldav.as_ref());
        Duration::from_secs(caldav.map_or(15, |caldav| caldav.glance_every_s))
    }

    fn ended(&self, account: &Account, ending: &Ended, again: Option<Duration>) {
        if let Ended::Failed(error) = ending {
            let why = about(error, None, &account.address);
            self.tell(
                account,
                What::Ended(match again {
                    Some(pause) => progress::Ending::Again { why, seconds: seconds(pause) },
                    None => progress::Ending::Failed { why },
                }),
            );
        }
    }

    fn waits(&self, account: &Account, error: &Error, pause: Duration) {
        let why = about(error, None, &account.address);
        self.tell(account, What::Ended(progress::Ending::Again { why, seconds: seconds(pause) }));
    }
}

fn did_anything(report: &AgendaReport) -> bool {
    let counts = [&report.created, &report.updated, &report.moved, &report.deleted];
    counts.into_iter().any(|both| both.source + both.target > 0) || report.adopted + report.calendars_made > 0
}

/// As the service takes it.
fn kept(ending: Ending) -> Ended {
    match ending {
        Ending::InStep { parked } => Ended::InStep { parked },
        Ending::Unsettled { parked, wake_at_ms, soon, troubles } => {
            Ended::Unsettled { parked, wake_at_ms, soon, troubles }
        }
        // Why has been told.
        Ending::Held(_) => Ended::Held(Error::new(Code::Braked, Scope::Account, Retry::WhenFixed)),
        Ending::Planned { .. } => Ended::Failed(Error::internal("a plan where nobody asked for one")),
        Ending::Failed(error) => Ended::Failed(error),
        Ending::Interrupted => Ended::Interrupted,
    }
}

/// Hands on what the source tells.
struct Listener {
    wakes: Wakes,
    accounts: HashMap<Arc<str>, AccountId>,
}

impl Ear for Listener {
    fn look(&self, name: &Arc<str>) {
        if let Some(account) = self.accounts.get(name) {
            self.wakes.ring(*account);
        }
    }

    fn attended(&self, name: &Arc<str>, is_attended: bool) {
        tracing::debug!(account = %name, is_attended, "notifications");
        if let Some(account) = self.accounts.get(name) {
            self.wakes.attend(*account, is_attended);
        }
    }
}
