//! One account in this process: its lease, one pass over it, and what is written down about the pass.

use super::Sync;
use super::observer::Watcher;
use crate::config::{MailDomain, PasswordFrom};
use crate::exit::Exit;
use crate::failure::{Failure, sentence};
use crate::message::Message;
use crate::progress::{Ending, Phase, What};
use crate::state::{OWNER, now_ms};
use crate::wiring;
use parom_domain::endpoint::Endpoint;
use parom_domain::state::{Change, Lease, PassSummary};
use parom_domain::{Both, Code, Error, Result, Retry, Scope, Side};
use parom_engine::{AccountPlan, LeasedBook, Pass, Report, Scars, SystemClock, run_pass};
use parom_imap::ImapEndpoint;
use parom_store::Account;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// For how long a lease is taken. It is renewed during long passes, and taken anew without a write while it lasts.
const LEASE_MS: u64 = 600_000;
/// How long a pass that was asked to stop may take to do so, before its connections are cut.
const STOP_WITHIN: Duration = Duration::from_secs(20);
const DAY_MS: u64 = 86_400_000;

pub struct Member {
    account: Account,
    address: Arc<str>,
    lease: Option<Held>,
    scars: Scars,
    /// Irreversible deletions with their moments.
    deletions: VecDeque<(u64, u32)>,
    /// The last one that is stored.
    summary: Option<PassSummary>,
}

#[derive(Clone, Copy)]
struct Held {
    lease: Lease,
    until_ms: u64,
}

/// What a pass came to.
#[derive(Debug)]
pub enum Outcome {
    Settled,
    /// There is more to do, or something could not be done.
    Unsettled {
        did: bool,
        wake_at_ms: Option<u64>,
        exit: Exit,
    },
    Held,
    Failed {
        scope: Scope,
        retry: Retry,
        exit: Exit,
    },
    Interrupted,
    /// Of a dry run.
    Planned(Planned),
}

/// What a dry run would do to an account.
#[derive(Debug)]
pub struct Planned {
    pub account: String,
    pub plan: AccountPlan,
}

/// Why there was no report: an error of the work, or something that has to be corrected here first.
enum Stopped {
    Error(Error),
    Failure(Failure),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Error(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Stopped {
        Stopped::Failure(failure)
    }
}

impl Outcome {
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Outcome::Settled | Outcome::Planned(_) => Exit::Done,
            Outcome::Unsettled { exit, .. } | Outcome::Failed { exit, .. } => *exit,
            Outcome::Held => Exit::Held,
            Outcome::Interrupted => Exit::Interrupted,
        }
    }

    #[must_use]
    pub fn into_plan(self) -> Option<Planned> {
        match self {
            Outcome::Planned(planned) => Some(planned),
            _ => None,
        }
    }
}

impl Member {
    #[must_use]
    pub fn new(account: Account, summary: Option<PassSummary>) -> Member {
        let address = account.address.as_str().into();
        let (scars, deletions) = (Scars::default(), VecDeque::new());
        Member { account, address, lease: None, scars, deletions, summary }
    }

    /// Runs one pass, tells how it went, and keeps a summary for `parom status`.
    pub async fn pass(&mut self, sync: &Sync) -> Outcome {
        let watcher =
            Watcher { account: self.address.clone(), progress: sync.progress.clone(), stop: sync.stop.clone() };
        watcher.tell(What::Began);
        let (outcome, ending) = match self.try_pass(sync, &watcher).await {
            Ok(report) => self.passed(sync, &watcher, report).await,
            Err(Stopped::Error(error)) => self.failed(sync, error.with("account", &self.account.address)).await,
            Err(Stopped::Failure(failure)) => {
                let why = failure.messages.into_iter().next().unwrap_or_else(|| Message::new("ended-interrupted"));
                let outcome = Outcome::Failed { scope: Scope::Account, retry: Retry::WhenFixed, exit: failure.exit };
                (outcome, Ending::Failed { why })
            }
        };
        watcher.tell(What::Ended(ending));
        outcome
    }

    async fn try_pass(&mut self, sync: &Sync, watcher: &Watcher) -> Result<Report, Stopped> {
        watcher.tell(What::Phase(Phase::Connecting));
        let domain = wiring::domain(&sync.config, &self.account)?.clone();
        let endpoints =
            sync.wiring.endpoints(&sync.config, &sync.store, &self.account, sync.share.lanes.max(2)).await?;
        let report = self.with_endpoints(sync, watcher, &domain, &endpoints).await;
        tokio::join!(endpoints.source.close(), endpoints.target.close());
        if let Err(error) = &report
            && let Some(side) = side_of(error, &domain)
        {
            sync.breakers.note(&domain.name, side, error).await;
        }
        Ok(report?)
    }

    async fn with_endpoints(
        &mut self,
        sync: &Sync,
        watcher: &Watcher,
        domain: &MailDomain,
        endpoints: &Both<ImapEndpoint>,
    ) -> Result<Report> {
        for (side, endpoint) in endpoints.iter() {
            let shared = matches!(domain.sides[side].password, PasswordFrom::Secret(_));
            sync.breakers.pass(&domain.name, side, shared, endpoint).await?;
        }
        let lease = self.lease(sync).await?;
        let state = sync.store.load(self.account.id).await?;
        watcher.tell(What::Phase(Phase::Observing));
        let exclusions = wiring::exclusions(domain);
        let deleted_today = self.deleted_today(now_ms());
        let pass = Pass {
            sides: Both::new(&endpoints.source, &endpoints.target),
            book: &LeasedBook { store: &sync.store, lease },
            clock: &SystemClock,
            permits: &sync.budget,
            observer: watcher,
            policy: domain.policy(&sync.config.limits),
            exclusions: &exclusions,
            // One connection of each side stays free for the questions that a lane asks while it holds the others.
            lanes: sync.share.lanes.saturating_sub(1).max(1),
            deleted_today,
            scars: &self.scars,
            dry_run: sync.dry_run,
        };
        let renewing = renew(sync, lease);
        tokio::select! {
            report = run_pass(&pass, state) => report,
            error = renewing => Err(error),
            () = stopped_too_long(sync) => Err(cancelled()),
        }
    }

    /// The lease for a pass. While the last one lasts for a good while yet, nothing is written.
    async fn lease(&mut self, sync: &Sync) -> Result<Lease> {
        if sync.dry_run {
            // An epoch that no lease has: whatever would be written by mistake is refused.
            return Ok(Lease { account: self.account.id, epoch: -1 });
        }
        let now = now_ms();
        if let Some(held) = self.lease.filter(|held| held.until_ms.saturating_sub(now) > LEASE_MS / 2) {
            return Ok(held.lease);
        }
        let taken = sync.store.acquire(self.account.id, OWNER, now, LEASE_MS).await?;
        let lost = || Error::new(Code::LeaseLost, Scope::Account, Retry::Soon);
        let lease = taken.ok_or_else(lost)?;
        self.lease = Some(Held { lease, until_ms: now.saturating_add(LEASE_MS) });
        Ok(lease)
    }

    fn deleted_today(&mut self, now: u64) -> u32 {
        while self.deletions.front().is_some_and(|(at, _)| at.saturating_add(DAY_MS) < now) {
            self.deletions.pop_front();
        }
        self.deletions.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    async fn passed(&mut self, sync: &Sync, watcher: &Watcher, report: Report) -> (Outcome, Ending) {
        if let Some(plan) = report.plan {
            let planned = Planned { account: self.account.address.clone(), plan };
            return (Outcome::Planned(planned), Ending::Planned);
        }
        if report.irreversible > 0 {
            self.deletions.push_back((now_ms(), report.irreversible));
        }
        let mut exits = Vec::new();
        for (folder, error) in &report.trouble {
            exits.push(Exit::of(error.code()));
            watcher.tell(What::Trouble { why: about(error, folder.as_ref().map(ToString::to_string), &self.address) });
        }
        let did = did_anything(&report);
        let written = self.summarize(sync, &report, did).await;
        if let Err(error) = written {
            return self.failed(sync, error.with("account", &self.account.address)).await;
        }
        if let Some((brake, folder)) = report.held.first() {
            let held = Error::new(Code::Braked, Scope::Account, Retry::WhenFixed)
                .with("brake", brake.name.as_str())
                .with("count", brake.count)
                .with("total", brake.total);
            let why = about(&held, folder.as_ref().map(ToString::to_string), &self.address);
            return (Outcome::Held, Ending::Held { why });
        }
        let parked = report.parked;
        if report.settled {
            return (Outcome::Settled, Ending::InStep { parked });
        }
        let outcome = Outcome::Unsettled { did, wake_at_ms: report.wake_at_ms, exit: Exit::together(exits) };
        (outcome, Ending::Unsettled { parked })
    }

    /// The engine stores a summary when it did something. What is left is the first look at an account with nothing to
    /// do, and the end of trouble.
    async fn summarize(&mut self, sync: &Sync, report: &Report, did: bool) -> Result<()> {
        let now = now_ms();
        let last = self.summary.take().unwrap_or_default();
        let trouble = report.trouble.first().map(|(_, error)| stored(error));
        let fresh = PassSummary {
            at_ms: now,
            last_ok_ms: if trouble.is_none() { Some(now) } else { last.last_ok_ms },
            linked: if report.linked > 0 || did { report.linked } else { last.linked },
            parked: report.parked,
            carried: report.carried.source.saturating_add(report.carried.target),
            folders: report.folders,
            error: trouble,
        };
        let stored_already = did || !report.trouble.is_empty();
        let needed = !stored_already && (last.at_ms == 0 || last.error.is_some());
        if needed {
            self.store(sync, fresh.clone()).await?;
        }
        self.summary = Some(if needed || stored_already { fresh } else { last });
        Ok(())
    }

    async fn failed(&mut self, sync: &Sync, error: Error) -> (Outcome, Ending) {
        if error.code() == Code::Cancelled {
            return (Outcome::Interrupted, Ending::Interrupted);
        }
        tracing::info!(account = %self.address, error = ?error, "a pass failed");
        let last = self.summary.clone().unwrap_or_default();
        let new = Some(stored(&error));
        // The same failure again and again is one thing to know, not many.
        if error.scope() != Scope::System && error.code() != Code::LeaseLost && last.error != new && !sync.dry_run {
            let summary = PassSummary { at_ms: now_ms(), error: new, carried: 0, ..last };
            if let Err(error) = self.store(sync, summary.clone()).await {
                tracing::warn!(account = %self.address, error = ?error, "the failure could not be written down");
            }
            self.summary = Some(summary);
        }
        let outcome = Outcome::Failed { scope: error.scope(), retry: error.retry(), exit: Exit::of(error.code()) };
        (outcome, Ending::Failed { why: sentence(&error) })
    }

    async fn store(&mut self, sync: &Sync, summary: PassSummary) -> Result<()> {
        let lease = self.lease(sync).await?;
        sync.store.commit(&lease, vec![Change::Summary(summary)]).await
    }
}

/// Keeps the lease during a pass, and ends with the error when it is lost.
async fn renew(sync: &Sync, lease: Lease) -> Error {
    if sync.dry_run {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(LEASE_MS / 3)).await;
        if let Err(error) = sync.store.renew(lease, now_ms(), LEASE_MS).await {
            return error;
        }
    }
}

async fn stopped_too_long(sync: &Sync) {
    sync.stop.asked().await;
    tokio::time::sleep(STOP_WITHIN).await;
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, Scope::Account, Retry::Soon).with("what", "sync")
}

/// The side whose server an error names; `None` when it names none, or could mean either.
fn side_of(error: &Error, domain: &MailDomain) -> Option<Side> {
    let named = |side: Side| {
        let settings = &domain.sides[side];
        let port = error.arg("port").is_none_or(|port| port == settings.port.to_string());
        error.arg("host") == Some(settings.host.as_str()) && port
    };
    match (named(Side::Source), named(Side::Target)) {
        (true, false) => Some(Side::Source),
        (false, true) => Some(Side::Target),
        _ => None,
    }
}

fn did_anything(report: &Report) -> bool {
    let counts = [
        report.carried.source,
        report.carried.target,
        report.adopted,
        report.marked,
        report.moved,
        report.deleted,
        report.folder_steps,
    ];
    counts.iter().any(|count| *count > 0)
}

/// Code and arguments, as the state keeps them.
fn stored(error: &Error) -> (String, Vec<(String, String)>) {
    let args = error.args().iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    (error.code().as_str().to_owned(), args)
}

/// The sentence of an error, with what the error itself may not know.
fn about(error: &Error, folder: Option<String>, account: &str) -> Message {
    let (code, mut args) = stored(error);
    let mut add = |name: &str, value: String| {
        if !args.iter().any(|(known, _)| known == name) {
            args.push((name.to_owned(), value));
        }
    };
    add("account", account.to_owned());
    if let Some(folder) = folder {
        add("folder", folder);
    }
    crate::failure::stored(&code, &args)
}
