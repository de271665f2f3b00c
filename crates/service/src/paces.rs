//! What goes slower than it may, written down for `parom status` and for the next run.

use crate::connections::{Bound, BoundOf, Connections, Speed};
use crate::gate::Gates;
use parom_domain::{Error, Result, Retry};
use parom_engine::{Clock, SystemClock};
use parom_store::{PaceRecord, Store};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was slowed down, in this run or an earlier one.
#[derive(Default)]
pub struct Paces(Mutex<HashMap<Bound, Known>>);

struct Known {
    record: PaceRecord,
    is_written: bool,
}

impl Paces {
    /// Notes that a server said that this is too much.
    pub fn slowed(&self, bound: Bound, speed: Speed, error: &Error) {
        let now_ms = SystemClock.now_ms();
        let pause_ms = match error.retry() {
            Retry::After(pause) => Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)),
            _ => None,
        };
        tracing::info!(?bound, allowed = speed.allowed, error = ?error, "slowed down");
        let record = PaceRecord {
            allowed: number(speed.allowed),
            most: number(speed.limit),
            slowed_at_ms: now_ms,
            until_ms: pause_ms.map(|pause| now_ms.saturating_add(pause)),
            answer: error.arg("answer").unwrap_or_default().to_owned(),
            ..record(&bound)
        };
        self.lock().insert(bound, Known { record, is_written: false });
    }

    /// Goes on as slowly as an earlier run did, and keeps the pauses that are not over.
    pub async fn resume(&self, store: &Store, connections: &Connections, gates: &Gates) -> Result<()> {
        let now_ms = SystemClock.now_ms();
        for record in store.paces().await? {
            let Some(bound) = bound(&record) else { continue };
            let connection = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
            let speed = Speed { allowed: connection(record.allowed), limit: connection(record.most) };
            connections.resume(bound.clone(), speed);
            if let Some(left) = pause(&record, now_ms) {
                gates.resume(bound.clone(), left, &record.answer);
            }
            self.lock().insert(bound, Known { record, is_written: true });
        }
        Ok(())
    }

    /// Writes down what has changed. What goes at full speed again is forgotten.
    pub async fn write(&self, store: &Store, connections: &Connections) -> Result<()> {
        let slowed: HashMap<Bound, Speed> = connections.slowed().into_iter().collect();
        let (mut changed, mut over) = (Vec::new(), Vec::new());
        self.lock().retain(|bound, known| {
            let Some(speed) = slowed.get(bound) else {
                // Nobody has asked for it in this run, or it has recovered.
                let is_over = connections.is_known(bound);
                over.extend(is_over.then(|| bound.clone()));
                return !is_over;
            };
            if known.record.allowed != number(speed.allowed) || !known.is_written {
                known.record.allowed = number(speed.allowed);
                known.is_written = true;
                changed.push(known.record.clone());
            }
            true
        });
        for record in changed {
            store.put_pace(record).await?;
        }
        for bound in over {
            let PaceRecord { server, kind, name, .. } = record(&bound);
            store.forget_pace(&server, &kind, &name).await?;
        }
        Ok(())
    }

    /// Something was slowed down, and that is not written yet.
    pub fn has_news(&self) -> bool {
        self.lock().values().any(|known| !known.is_written)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bound, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the gates of servers that have asked an earlier run for pauses.
pub fn keep_pauses(records: &[PaceRecord], gates: &Gates) {
    let now_ms = SystemClock.now_ms();
    for record in records {
        if let (Some(bound), Some(left)) = (bound(record), pause(record, now_ms)) {
            gates.resume(bound, left, &record.answer);
        }
    }
}

/// What is left of a pause. A clock that was set back makes none longer than it was.
fn pause(record: &PaceRecord, now_ms: u64) -> Option<Duration> {
    let until = record.until_ms?;
    let left = until.saturating_sub(now_ms).min(until.saturating_sub(record.slowed_at_ms));
    (left > 0).then(|| Duration::from_millis(left))
}

fn number(connections: usize) -> u32 {
    u32::try_from(connections).unwrap_or(u32::MAX)
}

fn record(bound: &Bound) -> PaceRecord {
    let (kind, name) = match &bound.of {
        BoundOf::Server => ("server", ""),
        BoundOf::Login(name) => ("login", &**name),
        BoundOf::Database(name) => ("database", &**name),
    };
    PaceRecord {
        server: bound.server.to_string(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        allowed: 0,
        most: 0,
        slowed_at_ms: 0,
        until_ms: None,
        answer: String::new(),
    }
}

/// `None` for what a newer version counts.
fn bound(record: &PaceRecord) -> Option<Bound> {
    let of = match record.kind.as_str() {
        "server" => BoundOf::Server,
        "login" => BoundOf::Login(record.name.as_str().into()),
        "database" => BoundOf::Database(record.name.as_str().into()),
        _ => return None,
    };
    Some(Bound { server: record.server.as_str().into(), of })
}
