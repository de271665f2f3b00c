//! Compares the two sides of an account, message by message. It asks the two servers only, never the state: what Parom
//! believes is no evidence of what it did.

mod compare;
mod pairs;
mod read;

pub use compare::Difference;

use crate::progress::Work;
use parom_domain::endpoint::{Endpoint, Listing, Permits, Snapshot};
use parom_domain::{Both, FolderPath, FolderSeen, Result, Role, Side, Uid};
use read::{Reading, Seen};
use std::collections::HashMap;

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Pairs of folders that were compared.
    pub folders: u64,
    /// Messages that are equal on both sides.
    pub equal: u64,
    /// Messages seen on each side.
    pub messages: Both<u64>,
    pub differences: Vec<Difference>,
    /// Differences with a cause that was known beforehand, see [`Verdict::set_apart`].
    pub explained: Vec<(Cause, Difference)>,
    /// The UIDVALIDITY of each folder that was compared.
    validities: Both<HashMap<FolderPath, u32>>,
}

/// Why a message may be on one side only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is parked.
    Parked,
    /// It was deleted on the other side, and what a deletion leaves is in this side's trash.
    Deleted,
}

impl Verdict {
    /// Sets differences apart that come of a message of which the cause is known: on that side, in that folder under that
    /// UIDVALIDITY. They stay differences, and are told.
    pub fn set_apart(&mut self, cause: impl Fn(Side, &FolderPath, u32, Uid) -> Option<Cause>) {
        let mut rest = Vec::with_capacity(self.differences.len());
        for difference in self.differences.drain(..) {
            let cause = difference.message().and_then(|(side, folder, uid)| {
                self.validities[side].get(folder).and_then(|validity| cause(side, folder, *validity, uid))
            });
            match cause {
                Some(cause) => self.explained.push((cause, difference)),
                None => rest.push(difference),
            }
        }
        self.differences = rest;
    }

    /// How many differences have this cause.
    #[must_use]
    pub fn count(&self, cause: Cause) -> usize {
        self.explained.iter().filter(|(one, _)| *one == cause).count()
    }
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Planned(Work),
    Did(Work),
}

/// Compares all folders but those that `excluded` leaves out. See [`pairs::pairs`] for which
/// folder is compared with which.
pub async fn verify(
    sides: Both<&dyn Endpoint>,
    excluded: impl Fn(&[FolderSeen], &[Option<Role>]) -> Vec<bool>,
    permits: &dyn Permits,
    told: &(dyn Fn(Step) + Sync),
) -> Result<Verdict> {
    let (source, target) = tokio::join!(sides.source.folders(), sides.target.folders());
    let listings = Both::new(source?, target?);
    let mut verdict = Verdict::default();
    let pairs = pairs::pairs(&listings, excluded);
    // What a side does not list this time is neither there nor missing.
    for waiting in &pairs.withheld {
        if let Some(why) = &listings[waiting.side].withheld {
            return Err(parom_engine::unreached(&waiting.path, why));
        }
    }
    for paths in pairs.paths {
        match (paths.source, paths.target) {
            (Some(source), Some(target)) => {
                folder(sides, &listings, Both::new(source, target), (permits, told), &mut verdict).await?;
            }
            (Some(only), None) => verdict.differences.push(missing(sides, Side::Target, only).await?),
            (None, Some(only)) => verdict.differences.push(missing(sides, Side::Source, only).await?),
            (None, None) => {}
        }
    }
    Ok(verdict)
}

async fn missing(sides: Both<&dyn Endpoint>, side: Side, folder: FolderPath) -> Result<Difference> {
    let there = sides[side.other()].observe(&folder, None).await?;
    Ok(Difference::FolderMissing { side, folder, messages: there.present.len() as u64 })
}

async fn folder(
    sides: Both<&dyn Endpoint>,
    listings: &Both<Listing>,
    paths: Both<FolderPath>,
    (permits, told): (&dyn Permits, &(dyn Fn(Step) + Sync)),
    verdict: &mut Verdict,
) -> Result<()> {
    let (source, target) =
        tokio::join!(sides.source.observe(&paths.source, None), sides.target.observe(&paths.target, None));
    let looks: Both<Snapshot> = Both::new(source?, target?);
    let messages = looks.as_ref().map(|look| look.present.len() as u64);
    told(Step::Planned(Work { messages: messages.source.saturating_add(messages.target), ..Work::default() }));
    // Only where both servers keep bytes can bytes be compared.
    let exact = Side::ALL.iter().all(|side| listings[*side].abilities.keeps_bytes);
    let did = |bytes| told(Step::Did(Work { messages: 1, bytes, ..Work::default() }));
    let reading = Reading { exact, permits, did: &did };
    let (source, target) = tokio::join!(
        reading.all(sides.source, &paths.source, &looks.source),
        reading.all(sides.target, &paths.target, &looks.target),
    );
    let seen: Both<Vec<Seen>> = Both::new(source?, target?);
    let compared = compare::compare(&paths, seen, |marks| looks.source.holds.of(&looks.target.holds.of(marks)));
    verdict.folders = verdict.folders.saturating_add(1);
    verdict.equal = verdict.equal.saturating_add(compared.equal);
    for side in Side::ALL {
        verdict.messages[side] = verdict.messages[side].saturating_add(messages[side]);
        verdict.validities[side].insert(paths[side].clone(), looks[side].cursor.validity);
    }
    verdict.differences.extend(compared.differences);
    Ok(())
}

#[cfg(test)]
#[path = "verify/tests.rs"]
mod tests;
