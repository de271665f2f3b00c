//! One account in this process: its lease, one pass over it, and what is kept of it between passes.

use crate::connections::Grant;
use crate::ending::{Ending, Totals};
use crate::guarded::Guarded;
use crate::lease::Tenure;
use crate::ports::{Notice, Terms};
use crate::service::Shared;
use crate::summary;
use parom_domain::endpoint::Endpoint;
use parom_domain::state::{Change, PassSummary};
use parom_domain::{Both, Code, Error, FolderPath, Result, Retry, Scope, Side};
use parom_engine::{Clock, Event, LeasedBook, Observer, Pass, Report, Scars, SystemClock, run_pass};
use parom_store::Account;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a pass that was asked to stop may take to do so before its connections are cut.
const STOP_WITHIN: Duration = Duration::from_secs(20);

pub struct Member {
    pub account: Arc<Account>,
    pub address: Arc<str>,
    scars: Scars,
    /// The last one that is stored.
    summary: PassSummary,
    /// The troubles of the last pass, by folder, kind and host: the same once more is no news.
    told: Vec<(Option<FolderPath>, Code, Option<String>)>,
}

/// A pass that is over.
pub struct Passed {
    pub ending: Ending,
    pub totals: Totals,
    /// It brought something forward, even if it failed afterwards.
    pub progressed: bool,
    /// It was kept from trying: others had been told to wait.
    pub was_held: bool,
}

impl Member {
    #[must_use]
    pub fn new(account: Arc<Account>, summary: Option<PassSummary>) -> Member {
        Member {
            address: account.address.as_str().into(),
            account,
            scars: Scars::default(),
            summary: summary.unwrap_or_default(),
            told: Vec::new(),
        }
    }

    /// Runs one pass and keeps a summary of it.
    pub async fn pass(&mut self, shared: &Shared, terms: &Terms, grant: &Grant) -> Passed {
        let watcher = Watcher {
            shared,
            address: &self.address.clone(),
            progressed: AtomicBool::new(false),
            was_held: AtomicBool::new(false),
        };
        let result = self.try_pass(shared, terms, grant, &watcher).await;
        let mut totals = Totals { passes: 1, ..Totals::default() };
        let ending = match result {
            Ok(report) => {
                totals = Totals::of(&report);
                self.passed(shared, report, totals.did_anything()).await
            }
            Err(error) => self.failed(shared, error).await,
        };
        let progressed = totals.did_anything() || watcher.progressed.load(Ordering::Relaxed);
        Passed { ending, totals, progressed, was_held: watcher.was_held.load(Ordering::Relaxed) }
    }

    /// What an error before a pass comes to.
    pub async fn failed(&mut self, shared: &Shared, error: Error) -> Ending {
        if error.code() == Code::Cancelled {
            return Ending::Interrupted;
        }
        let error = error.with("account", &self.address);
        tracing::info!(account = %self.address, error = ?error, "a pass failed");
        let is_ours = error.scope() != Scope::System && error.code() != Code::LeaseLost && !shared.settings.dry_run;
        let summary = summary::after_error(&self.summary, &error, SystemClock.now_ms());
        if let Some(summary) = summary.filter(|_| is_ours)
            && let Err(error) = self.write(shared, summary).await
        {
            tracing::warn!(account = %self.address, error = ?error, "the failure could not be written down");
        }
        Ending::Failed(error)
    }

    async fn try_pass(
        &mut self,
        shared: &Shared,
        terms: &Terms,
        grant: &Grant,
        watcher: &Watcher<'_>,
    ) -> Result<Report> {
        let endpoint = async |side: Side| -> Result<Guarded<'_>> {
            let at = terms.at(side);
            let endpoint = shared.factory.endpoint(&self.account, at, grant.connections).await?;
            let gates = shared.gates.of(at.place);
            if at.place.credential.is_some() && shared.factory.is_proved(&self.account, at).await {
                gates.trust();
            }
            Ok(Guarded::new(at, endpoint, gates, grant, &shared.paces))
        };
        let endpoints = Both::new(endpoint(Side::Source).await?, endpoint(Side::Target).await?);
        let report = self.with_endpoints(shared, terms, grant, watcher, &endpoints).await;
        watcher.was_held.store(endpoints.source.was_held() || endpoints.target.was_held(), Ordering::Relaxed);
        tokio::join!(endpoints.source.close(), endpoints.target.close());
        if !shared.settings.dry_run {
            shared.write_paces().await;
            self.remember_proofs(shared, &endpoints).await;
            if let Err(error) = &report {
                self.remember_refusal(shared, &endpoints, error).await;
            }
        }
        report
    }

    async fn remember_proofs(&self, shared: &Shared, endpoints: &Both<Guarded<'_>>) {
        for side in Side::ALL.into_iter().filter(|side| endpoints[*side].gates.is_newly_proved()) {
            endpoints[side].gates.trust();
            shared.factory.proved(&self.account, endpoints[side].at).await;
        }
    }

    /// A server locks accounts after a few refusals, whichever run of ours they come from.
    async fn remember_refusal(&self, shared: &Shared, endpoints: &Both<Guarded<'_>>, error: &Error) {
        let refusing =
            |side: &Side| error.arg("side") == Some(side.to_string().as_str()) && endpoints[*side].was_called();
        let Some(side) = Side::ALL.into_iter().find(refusing).filter(|_| error.code() == Code::SignInRefused) else {
            return;
        };
        let concerns_all = endpoints[side].gates.is_password_in_doubt();
        // The password was right, and only this mailbox is not there for it, or not now: nothing is counted against anybody.
        if error.scope() == Scope::Account && !concerns_all {
            return;
        }
        shared.factory.refused(&self.account, endpoints[side].at, concerns_all, error).await;
    }

    async fn with_endpoints(
        &mut self,
        shared: &Shared,
        terms: &Terms,
        grant: &Grant,
        watcher: &Watcher<'_>,
        endpoints: &Both<Guarded<'_>>,
    ) -> Result<Report> {
        let tenure = self.tenure(shared).await?;
        let state = shared.store.load(self.account.id).await?;
        watcher.tell(Notice::Looking);
        let pass = Pass {
            sides: Both::new(&endpoints.source, &endpoints.target),
            book: &LeasedBook { store: &shared.store, lease: tenure.lease },
            clock: &SystemClock,
            permits: &shared.budget,
            observer: watcher,
            policy: terms.policy,
            exclusions: &terms.exclusions,
            lanes: grant.connections.saturating_sub(1).max(1),
            scars: &self.scars,
            dry_run: shared.settings.dry_run,
        };
        let report = tokio::select! {
            report = run_pass(&pass, state) => report,
            error = tenure.keep(&shared.store) => Err(error),
            () = stopped_too_long(shared) => Err(cancelled()),
        };
        if matches!(&report, Err(error) if error.code() == Code::LeaseLost) {
            shared.leases.lose(tenure.lease).await;
        }
        report
    }

    async fn tenure(&self, shared: &Shared) -> Result<Tenure> {
        if shared.settings.dry_run {
            return Ok(Tenure::of_a_dry_run(self.account.id));
        }
        shared.leases.of(&shared.store, self.account.id, &shared.settings.owner).await
    }

    async fn passed(&mut self, shared: &Shared, report: Report, did: bool) -> Ending {
        let now_ms = SystemClock.now_ms();
        // A server's answer does not tell them apart: it may hold the time that it took.
        let named = |(folder, error): &(Option<FolderPath>, Error)| {
            (folder.clone(), error.code(), error.arg("host").map(ToOwned::to_owned))
        };
        for trouble in report.trouble.iter().filter(|trouble| !self.told.contains(&named(trouble))) {
            let (folder, error) = trouble;
            shared.listener.on(&self.address, Notice::Trouble { folder: folder.as_ref(), error });
        }
        self.told = report.trouble.iter().map(named).collect();
        if report.plan.is_none() {
            let (summary, is_new) = summary::after_report(&self.summary, &report, did, now_ms);
            if !is_new {
                self.summary = summary;
            } else if let Err(error) = self.write(shared, summary).await {
                return self.failed(shared, error).await;
            }
        }
        Ending::of(report)
    }

    async fn write(&mut self, shared: &Shared, summary: PassSummary) -> Result<()> {
        let tenure = self.tenure(shared).await?;
        shared.store.commit(&tenure.lease, vec![Change::Summary(summary.clone())]).await?;
        self.summary = summary;
        Ok(())
    }
}

/// Hands on what a pass tells, and notices whether it gets anywhere.
struct Watcher<'a> {
    shared: &'a Shared,
    address: &'a Arc<str>,
    progressed: AtomicBool,
    was_held: AtomicBool,
}

impl Watcher<'_> {
    fn tell(&self, notice: Notice<'_>) {
        self.shared.listener.on(self.address, notice);
    }
}

impl Observer for Watcher<'_> {
    fn event(&self, event: Event) {
        let forward = match event {
            Event::Carried { .. } | Event::Parked { .. } => true,
            Event::Marked { count } | Event::Moved { count } | Event::Deleted { count } | Event::Stepped { count } => {
                count > 0
            }
            _ => false,
        };
        if forward {
            self.progressed.store(true, Ordering::Relaxed);
        }
        self.tell(Notice::Pass(event));
    }

    fn should_stop(&self) -> bool {
        self.shared.stop.is_asked()
    }
}

async fn stopped_too_long(shared: &Shared) {
    shared.stop.asked().await;
    tokio::time::sleep(STOP_WITHIN).await;
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, Scope::Account, Retry::Soon).with("what", "sync")
}
