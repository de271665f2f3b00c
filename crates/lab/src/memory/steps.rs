//! Numbers everything that happens in a scenario, so that it can be made to fail at any one place.

use parom_domain::{Code, Error, Result, Retry, Scope};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happens at the step that was chosen to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies: this step and every later one fails, on both sides and in the store.
    Death,
    /// One connection breaks: this step fails, the next ones work again.
    Cut,
    /// A server that has had enough of whoever signs in refuses this step, and asks for a pause.
    Throttle { pause_ms: u64 },
}

/// A counter shared by both endpoints and the store of one scenario.
///
/// Call [`Steps::step`] before every effect and again before its answer is handed on: an error at the first means that
/// nothing happened, an error at the second that it happened and nobody was told.
#[derive(Clone, Default)]
pub struct Steps(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    trail: Vec<String>,
    faults: Vec<(u64, Fault)>,
    dead: bool,
    hooks: Vec<(Cue, Box<dyn FnOnce() + Send>)>,
}

/// When a hook is due.
enum Cue {
    Step(u64),
    /// The `left`-th step from now whose name contains `part`.
    Name {
        part: String,
        left: u64,
    },
}

impl Steps {
    #[must_use]
    pub fn new() -> Steps {
        Steps::default()
    }

    /// Makes step `n` fail, counted from 1 over the life of this counter.
    pub fn fail_at(&self, n: u64, fault: Fault) {
        self.lock().faults.push((n, fault));
    }

    /// Makes the world die at step `n`.
    pub fn crash_at(&self, n: u64) {
        self.fail_at(n, Fault::Death);
    }

    /// Runs `hook` at step `n`, before the effect of that step: somebody else's edit in the middle of a pass.
    pub fn at(&self, n: u64, hook: impl FnOnce() + Send + 'static) {
        self.lock().hooks.push((Cue::Step(n), Box::new(hook)));
    }

    /// Runs `hook` at the `occurrence`-th step (from 1) whose name contains `part`, before the effect of that step.
    pub fn on(&self, part: &str, occurrence: u64, hook: impl FnOnce() + Send + 'static) {
        self.lock().hooks.push((Cue::Name { part: part.to_owned(), left: occurrence }, Box::new(hook)));
    }

    /// One step. The error is what the caller of a dead or cut connection would see.
    pub fn step(&self, name: &str) -> Result<()> {
        let mut inner = self.lock();
        if inner.dead {
            return Err(lost(name));
        }
        inner.trail.push(name.to_owned());
        let now = inner.trail.len() as u64;
        let fault = inner.faults.iter().find(|(n, _)| *n == now).map(|(_, fault)| *fault);
        if let Some(fault) = fault {
            inner.dead = fault == Fault::Death;
            return Err(match fault {
                Fault::Death | Fault::Cut => lost(name),
                Fault::Throttle { pause_ms } => throttled(pause_ms),
            });
        }
        let (due, later) = std::mem::take(&mut inner.hooks)
            .into_iter()
            .map(|(cue, hook)| (heard(cue, now, name), hook))
            .fold((Vec::new(), Vec::new()), |(mut due, mut later), (cue, hook)| {
                match cue {
                    Some(cue) => later.push((cue, hook)),
                    None => due.push(hook),
                }
                (due, later)
            });
        inner.hooks = later;
        // Hooks touch servers and may set more hooks, so they run without the lock.
        drop(inner);
        due.into_iter().for_each(|hook| hook());
        Ok(())
    }

    /// How many steps were taken so far; a step that failed counts, those after a death do not.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.lock().trail.len() as u64
    }

    /// The names of all steps taken, in order.
    #[must_use]
    pub fn trail(&self) -> Vec<String> {
        self.lock().trail.clone()
    }

    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// The next life of the process: alive, nothing counted, no faults and no hooks.
    pub fn revive(&self) {
        *self.lock() = Inner::default();
    }

    /// The next life of the process, in which everybody else goes on: alive and without faults, but what was counted and
    /// the hooks that are not due yet stay.
    pub fn go_on(&self) {
        let mut inner = self.lock();
        inner.faults.clear();
        inner.dead = false;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` when the cue is due now, else what is left of it.
fn heard(cue: Cue, now: u64, name: &str) -> Option<Cue> {
    match cue {
        Cue::Step(n) => (n != now).then_some(Cue::Step(n)),
        Cue::Name { part, left } if name.contains(&part) => (left > 1).then(|| Cue::Name { part, left: left - 1 }),
        cue @ Cue::Name { .. } => Some(cue),
    }
}

fn lost(name: &str) -> Error {
    Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("host", "memory").with("detail", name)
}

fn throttled(pause_ms: u64) -> Error {
    let error = Error::new(Code::Throttled, Scope::Credential, Retry::After(Duration::from_millis(pause_ms)));
    error.with("host", "memory").with("answer", "slow down").with("backoff_ms", pause_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_death_is_for_ever_and_a_cut_for_once() {
        let steps = Steps::new();
        steps.fail_at(2, Fault::Cut);
        steps.crash_at(4);
        let alive: Vec<bool> = (0..6).map(|_| steps.step("x").is_ok()).collect();
        assert_eq!(alive, [true, false, true, false, false, false]);
        assert_eq!((steps.taken(), steps.is_dead()), (4, true));
        steps.revive();
        assert!(steps.step("x").is_ok());
        assert_eq!(steps.taken(), 1);
    }

    #[test]
    fn those_who_wait_in_the_world_outlive_a_death() {
        let (steps, sum) = (Steps::new(), Arc::new(AtomicU64::new(0)));
        let heard = Arc::clone(&sum);
        steps.on("x", 2, move || _ = heard.fetch_add(1, Ordering::Relaxed));
        steps.step("x").unwrap();
        steps.crash_at(2);
        assert!(steps.step("x").is_err() && steps.step("x").is_err());
        steps.go_on();
        assert_eq!((steps.taken(), sum.load(Ordering::Relaxed)), (2, 0));
        steps.step("x").unwrap();
        assert_eq!((steps.taken(), sum.load(Ordering::Relaxed)), (3, 1));
    }

    #[test]
    fn hooks_run_once_where_they_were_set() {
        let (steps, sum) = (Steps::new(), Arc::new(AtomicU64::new(0)));
        for (n, worth) in [(1, 1), (3, 10)] {
            let sum = Arc::clone(&sum);
            steps.at(n, move || _ = sum.fetch_add(worth, Ordering::Relaxed));
        }
        let (inner, inner_steps) = (Arc::clone(&sum), steps.clone());
        steps.on("app", 2, move || {
            inner.fetch_add(100, Ordering::Relaxed);
            // A hook may set another one.
            inner_steps.on("read", 1, move || _ = inner.fetch_add(1000, Ordering::Relaxed));
        });
        let mut seen = Vec::new();
        for name in ["append", "read", "append", "read", "append"] {
            steps.step(name).unwrap();
            seen.push(sum.load(Ordering::Relaxed));
        }
        assert_eq!(seen, [1, 1, 111, 1111, 1111]);
    }
}
