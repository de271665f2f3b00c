//! How a pass ended, and what all passes of an account came to.

use parom_domain::guard::Brake;
use parom_domain::{Both, Code, Error, FolderPath, Retry, Scope};
use parom_engine::{AccountPlan, Report};
use std::sync::Arc;

/// How a pass ended.
#[derive(Debug)]
pub enum Ending {
    /// Both sides agree, except for what is parked.
    InStep {
        parked: u64,
    },
    /// There is more to do, or something could not be done.
    Unsettled {
        parked: u64,
        /// When a suspicion can be confirmed at the earliest.
        wake_at_ms: Option<u64>,
        /// Another pass right now may bring it further.
        soon: bool,
        /// What could not be done in single folders.
        troubles: Vec<Code>,
    },
    /// A brake holds something back; the error names it.
    Held(Error),
    /// Of a dry run: what would be done, and what a brake would hold.
    Planned {
        plan: AccountPlan,
        held: Vec<Error>,
    },
    Failed(Error),
    Interrupted,
}

impl Ending {
    /// What a finished pass came to.
    #[must_use]
    pub fn of(report: Report) -> Ending {
        if let Some(plan) = report.plan {
            let held = report.held.iter().map(|(brake, folder)| braked(brake, folder.as_ref())).collect();
            return Ending::Planned { plan, held };
        }
        if let Some((brake, folder)) = report.held.first() {
            return Ending::Held(braked(brake, folder.as_ref()));
        }
        if report.settled {
            return Ending::InStep { parked: report.parked };
        }
        let may_pass = |error: &Error| matches!(error.retry(), Retry::Soon | Retry::After(_));
        let soon = match report.trouble.as_slice() {
            // Somebody wrote while we did.
            [] => report.wake_at_ms.is_none() || report.moved_anything(),
            troubles => troubles.iter().any(|(_, error)| may_pass(error)) || report.moved_anything(),
        };
        let troubles = report.trouble.iter().map(|(_, error)| error.code()).collect();
        Ending::Unsettled { parked: report.parked, wake_at_ms: report.wake_at_ms, soon, troubles }
    }
}

fn braked(brake: &Brake, folder: Option<&FolderPath>) -> Error {
    let held = Error::new(brake.name.code(), Scope::Account, Retry::WhenFixed)
        .with("brake", brake.name.as_str())
        .with("side", brake.side)
        .with("count", brake.count)
        .with("total", brake.total);
    match folder {
        Some(folder) => held.with("folder", folder),
        None => held,
    }
}

trait Moved {
    fn moved_anything(&self) -> bool;
}

impl Moved for Report {
    fn moved_anything(&self) -> bool {
        Totals::of(self).did_anything()
    }
}

/// What one pass or many did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub passes: u32,
    pub carried: Both<u64>,
    pub bytes: u64,
    pub adopted: u64,
    pub marked: u64,
    pub moved: u64,
    pub deleted: u64,
    pub folder_steps: u64,
}

impl Totals {
    #[must_use]
    pub fn of(report: &Report) -> Totals {
        Totals {
            passes: 1,
            carried: report.carried,
            bytes: report.bytes,
            adopted: report.adopted,
            marked: report.marked,
            moved: report.moved,
            deleted: report.deleted,
            folder_steps: report.folder_steps,
        }
    }

    #[must_use]
    pub fn did_anything(&self) -> bool {
        let counts = [self.carried.source, self.carried.target, self.adopted, self.marked];
        counts.into_iter().chain([self.moved, self.deleted, self.folder_steps]).any(|count| count > 0)
    }

    pub fn add(&mut self, more: &Totals) {
        self.passes = self.passes.saturating_add(more.passes);
        let counts = [
            (&mut self.carried.source, more.carried.source),
            (&mut self.carried.target, more.carried.target),
            (&mut self.bytes, more.bytes),
            (&mut self.adopted, more.adopted),
            (&mut self.marked, more.marked),
            (&mut self.moved, more.moved),
            (&mut self.deleted, more.deleted),
            (&mut self.folder_steps, more.folder_steps),
        ];
        for (sum, count) in counts {
            *sum = sum.saturating_add(count);
        }
    }
}

/// What became of an account.
#[derive(Debug)]
pub struct AccountOutcome {
    pub address: Arc<str>,
    /// How its last pass ended.
    pub ending: Ending,
    pub totals: Totals,
}
