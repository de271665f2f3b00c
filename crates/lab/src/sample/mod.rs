//! The mail of a company that does not exist: realistic, in Russian and English, the same for the same seed.
//!
//! Every message depends on the seed, its folder and its number alone, so a mailbox of any size is made lazily: take
//! [`folders`] and iterate over [`FolderPlan::messages`]; [`mailbox`] is for what fits into memory.

mod compose;
mod encode;
mod names;
mod random;
mod words;

use bytes::Bytes;
use compose::{Kind, ODD};
use parom_domain::{FolderPath, InternalDate};
pub use random::Random;

/// What a mailbox should be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The owner's address.
    pub owner: String,
    /// In all folders together, the big ones included.
    pub messages: usize,
    pub folders: usize,
    /// Half of the messages are smaller (log-normal distribution).
    pub median_bytes: usize,
    /// So many messages have an attachment of 2 to 20 MB.
    pub big: usize,
    /// Include messages and folder names that have broken other tools.
    pub odd: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            owner: "a.smirnova@corp.example".to_owned(),
            messages: 200,
            folders: 8,
            median_bytes: 12 << 10,
            big: 0,
            odd: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFolder {
    pub path: FolderPath,
    pub messages: Vec<SampleMessage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleMessage {
    pub bytes: Bytes,
    /// Flags and keywords.
    pub flags: Vec<&'static str>,
    pub date: InternalDate,
}

/// A folder whose messages are made when they are asked for.
#[derive(Clone, Debug)]
pub struct FolderPlan {
    pub path: FolderPath,
    /// How many messages it holds.
    pub count: usize,
    seed: u64,
    number: usize,
    /// The messages before this number are big.
    big: usize,
    shape: Shape,
}

/// The whole mailbox in memory.
#[must_use]
pub fn mailbox(seed: u64, shape: &Shape) -> Vec<SampleFolder> {
    let plans = folders(seed, shape).into_iter();
    plans.map(|plan| SampleFolder { messages: plan.messages().collect(), path: plan.path }).collect()
}

/// The folders of a mailbox, the inbox first. It gets three shares of the messages, every other folder one.
#[must_use]
pub fn folders(seed: u64, shape: &Shape) -> Vec<FolderPlan> {
    let paths = names::folders(shape.folders.max(1), shape.odd);
    let shares = paths.len() + 2;
    let part = |total: usize, from: usize, to: usize| total * to / shares - total * from / shares;
    let plans = paths.into_iter().enumerate().map(|(number, path)| {
        let (from, to) = if number == 0 { (0, 3) } else { (number + 2, number + 3) };
        FolderPlan {
            path,
            count: part(shape.messages, from, to),
            seed,
            number,
            big: part(shape.big, from, to),
            shape: shape.clone(),
        }
    });
    plans.collect()
}

impl FolderPlan {
    /// The messages, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = SampleMessage> + '_ {
        (0..self.count).map(|at| self.message(at))
    }

    fn message(&self, at: usize) -> SampleMessage {
        let kind = self.kind(at);
        // A twin repeats what came before it, in whole or in its Message-ID.
        let source = if matches!(kind, Kind::Duplicate | Kind::SameId) { at.saturating_sub(1) } else { at };
        let mut random = self.random(source);
        let moment = self.date(source);
        let mut bytes = compose::message(&mut random, &self.shape, self.kind(source), moment);
        if kind == Kind::SameId {
            bytes.extend_from_slice(b"\r\nThis one ends differently.\r\n");
        }
        SampleMessage { bytes: bytes.into(), flags: flags(&mut self.random(at)), date: self.date(at) }
    }

    /// Each odd kind comes once near the top of the inbox, and then now and then everywhere.
    fn kind(&self, at: usize) -> Kind {
        if at < self.big {
            return Kind::Big;
        }
        let after_big = at - self.big;
        let odd = if self.number == 0 && (2..=2 * ODD.len()).contains(&after_big) && after_big.is_multiple_of(2) {
            ODD.get(after_big / 2 - 1)
        } else if after_big % 25 == 24 {
            ODD.get((after_big / 25 + self.number) % ODD.len())
        } else {
            None
        };
        odd.copied().filter(|_| self.shape.odd).unwrap_or(Kind::Ordinary)
    }

    fn random(&self, at: usize) -> Random {
        Random::new(self.seed).fork(self.number as u64).fork(at as u64)
    }

    /// From the beginning of 2016 on, over some nine years, with hours of jitter that keep the order.
    fn date(&self, at: usize) -> InternalDate {
        const START: i64 = 1_451_595_600;
        const NINE_YEARS_S: i64 = 9 * 365 * 86_400;
        let step = NINE_YEARS_S / i64::try_from(self.count.max(1)).unwrap_or(i64::MAX);
        let at = i64::try_from(at).unwrap_or(0);
        let jitter = i64::try_from(self.random(usize::try_from(at).unwrap_or(0)).below(3600)).unwrap_or(0);
        InternalDate { unix_s: START + at * step + jitter.min(step / 2), offset_min: 180 }
    }
}

fn flags(random: &mut Random) -> Vec<&'static str> {
    let chances = [
        ("\\Seen", 80),
        ("\\Answered", 20),
        ("\\Flagged", 8),
        ("\\Draft", 1),
        ("$Forwarded", 5),
        ("$Label1", 6),
        ("NonJunk", 10),
        ("contract-2024", 2),
    ];
    chances.into_iter().filter(|(_, percent)| random.below(100) < *percent).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
