//! What storms have in common, of mail and of calendars: people whose deeds are remembered, the moments at which they act, what
//! breaks meanwhile, and seeds.
//!
//! `PAROM_STORM_SEED=7` runs one storm and prints what happened in it; `PAROM_STORM_COUNT=20000` runs many, and
//! `PAROM_STORM_FROM=20000` others.

use crate::memory::{Fault, Steps};
use crate::sample::Random;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// People never act, and nothing ever breaks, later in a pass than at these steps.
const LAST_ACT: u64 = 60;

/// What people did: what came into being, and what somebody deleted.
#[derive(Debug, Default)]
pub struct Deeds {
    pub born: BTreeSet<String>,
    pub deleted: BTreeSet<String>,
    /// What happened in the storm, line by line.
    pub log: Vec<String>,
}

/// The people of one storm. Clones are the same people.
#[derive(Clone, Debug)]
pub struct Crowd {
    deeds: Arc<Mutex<Deeds>>,
    random: Arc<Mutex<Random>>,
}

impl Crowd {
    #[must_use]
    pub fn new(random: Random) -> Crowd {
        Crowd { deeds: Arc::default(), random: Arc::new(Mutex::new(random)) }
    }

    pub fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What decides about their next deed.
    pub fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note(&self, text: String) {
        self.deeds().log.push(text);
    }

    /// Prints what happened in a storm that ended badly, and in one that runs alone.
    pub fn tell(&self, verdict: &Result<(), String>) {
        if verdict.is_err() || is_alone() {
            eprintln!("{}", self.deeds().log.join("\n"));
        }
    }

    /// Lets somebody act in the middle of the next pass, and lets things break in it: each fault, once in so many passes, at
    /// one of its first `last` steps.
    pub fn gather(
        &self,
        random: &mut Random,
        (pass, steps): (usize, &Steps),
        faults: &[(usize, Fault)],
        last: u64,
        act: impl Fn(&str) + Clone + Send + 'static,
    ) {
        for _ in 0..random.index(5) {
            let (act, step) = (act.clone(), 1 + random.below(LAST_ACT));
            steps.at(step, move || act(&format!("in pass {pass}, at step {step}")));
        }
        for (chances, fault) in faults {
            if random.one_in(*chances) {
                let step = 1 + random.below(last);
                steps.fail_at(step, *fault);
                self.note(format!("{fault:?} is due at step {step} of pass {pass}"));
            }
        }
    }
}

/// One storm was asked for, and everything that happens in it.
#[must_use]
pub fn is_alone() -> bool {
    asked("SEED").is_some()
}

fn asked(what: &str) -> Option<u64> {
    std::env::var(format!("PAROM_STORM_{what}")).ok()?.parse().ok()
}

/// Raises the storms that were asked for, else the first `count`. Tells which ended badly.
pub async fn raise(count: u64, storm: impl AsyncFn(u64) -> Result<(), String>) -> Vec<u64> {
    let seeds = match asked("SEED") {
        Some(seed) => seed..seed.saturating_add(1),
        None => {
            let from = asked("FROM").unwrap_or(0);
            from..from.saturating_add(asked("COUNT").unwrap_or(count))
        }
    };
    let mut failed = Vec::new();
    for seed in seeds {
        if let Err(why) = storm(seed).await {
            eprintln!("storm {seed}: {why}\n");
            failed.push(seed);
        }
    }
    failed
}
