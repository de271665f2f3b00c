//! Batches on their way into a memory server.

use super::endpoint::MemoryEndpoint;
use super::refusal;
use super::server::MemoryServer;
use super::steps::Steps;
use super::switches::{BatchLanding, RefusedBatch, Switches};
use super::world::{Stored, World};
use async_trait::async_trait;
use bytes::BytesMut;
use parom_domain::endpoint::{BatchOutcome, Landed, Letter, LetterBody, Writer};
use parom_domain::{Error, FolderPath, InternalDate, Marks, Result};
use std::collections::VecDeque;

/// A lane whose batches land when they are sent and are answered when they are asked for, so that a crash between the
/// two leaves an effect that nobody was told of.
pub(super) fn lane(endpoint: &MemoryEndpoint) -> Box<dyn Writer> {
    Box::new(MemoryWriter {
        name: endpoint.name.clone(),
        server: endpoint.server.clone(),
        steps: endpoint.steps.clone(),
        unanswered: VecDeque::new(),
        broken: false,
    })
}

/// A message without a date gets this one, so that runs can be compared: 1 January 2024, 00:00 UTC.
const NOW: InternalDate = InternalDate { unix_s: 1_704_067_200, offset_min: 0 };

/// The turns that everybody else gets before a slow answer comes.
const A_WHILE: usize = 20;

struct MemoryWriter {
    name: String,
    server: MemoryServer,
    steps: Steps,
    unanswered: VecDeque<BatchOutcome>,
    /// The connection is gone: what was sent stays unanswered for ever.
    broken: bool,
}

impl MemoryWriter {
    fn step(&mut self, what: &str) -> Result<()> {
        if self.broken {
            return Err(refusal::lost(&self.name, what));
        }
        let step = self.steps.step(&format!("{} {what}", self.name));
        self.broken = step.is_err();
        step
    }

    /// The refusal of a letter whose bytes are not even taken.
    fn refused_unread(&self, folder: &FolderPath, letter: &Letter) -> Option<Error> {
        let LetterBody::Big { len, .. } = &letter.body else { return None };
        let limit = self.server.look(|world| world.switches.hidden_limit).filter(|limit| len > limit)?;
        Some(refusal::too_large(&self.name, folder, *len, limit))
    }

    /// Takes the bytes of a letter off the wire.
    async fn receive(&mut self, letter: Letter) -> Result<Stored> {
        let bytes = match letter.body {
            LetterBody::Small(bytes) => bytes,
            LetterBody::Big { len, mut chunks } => {
                let mut whole = BytesMut::new();
                loop {
                    match chunks.next().await {
                        Ok(Some(chunk)) => whole.extend_from_slice(&chunk),
                        Ok(None) if whole.len() as u64 == len => break,
                        // What ends inside a literal ends the connection, and nothing of the message landed.
                        other => {
                            self.broken = true;
                            return Err(other
                                .err()
                                .unwrap_or_else(|| refusal::lost(&self.name, "a literal ended early")));
                        }
                    }
                    self.step("append chunk")?;
                }
                whole.freeze()
            }
        };
        let (bare, rewriting) = self.server.look(|world| (world.switches.appends_bare, world.switches.rewriting));
        let marks = if bare { Marks::default() } else { letter.marks };
        Ok(Stored { bytes: rewriting.of(bytes), date: Some(letter.date.unwrap_or(NOW)), marks, modseq: 0 })
    }

    /// Lets the batch happen.
    fn land(&mut self, folder: &FolderPath, mut letters: Vec<Stored>) -> Result<BatchOutcome> {
        let verdicts = self.server.look(|world| verdicts(world, &self.name, folder, &letters));
        let first_bad = verdicts.iter().position(Option::is_some);
        let how = self.server.look(|world| world.switches.refused_batch);
        if let Some(first_bad) = first_bad {
            match how {
                RefusedBatch::Nothing => letters.clear(),
                RefusedBatch::TheOnesBefore => letters.truncate(first_bad),
                RefusedBatch::TheGoodOnes => {
                    let mut good = verdicts.iter().map(Option::is_none);
                    letters.retain(|_| good.next().unwrap_or(false));
                }
            }
        }
        let landed = self.effect(folder, letters)?;
        if let Some(error) = verdicts.into_iter().flatten().next() {
            return Ok(BatchOutcome::Refused(error));
        }
        Ok(landed.map_or_else(BatchOutcome::Refused, BatchOutcome::Landed))
    }

    /// The outer error is the connection's, the inner one the server's refusal.
    fn effect(&mut self, folder: &FolderPath, letters: Vec<Stored>) -> Result<Result<Vec<Landed>>> {
        let tells = self.server.look(|world| world.switches.abilities.tells_new_uids);
        let one_by_one = self.server.look(|world| world.switches.batch_landing) == BatchLanding::OneByOne;
        let size = if one_by_one { 1 } else { letters.len().max(1) };
        let mut landed = Vec::with_capacity(letters.len());
        let mut rest = letters.into_iter();
        loop {
            let part: Vec<Stored> = rest.by_ref().take(size).collect();
            if part.is_empty() {
                return Ok(Ok(landed));
            }
            if let Err(error) = self.step("append") {
                self.keep_for_later(folder, part.into_iter().chain(rest).collect());
                return Err(error);
            }
            match self.server.edit(|world| world.land(&self.name, folder, part)) {
                Ok(uids) => {
                    landed.extend(uids.into_iter().map(|(validity, uid)| Landed {
                        validity: tells.then_some(validity),
                        uid: tells.then_some(uid),
                    }))
                }
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    fn keep_for_later(&self, folder: &FolderPath, letters: Vec<Stored>) {
        let folder = folder.clone();
        self.server.edit(|world| {
            if world.switches.late_commit {
                world.late.push((folder, letters));
            }
        });
    }
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn send(&mut self, folder: &FolderPath, validity: u32, batch: Vec<Letter>) -> Result<()> {
        let mut letters = Vec::with_capacity(batch.len());
        self.step("send")?;
        self.server.look(|world| world.opened(&self.name, folder, Some(validity)).map(drop))?;
        for letter in batch {
            if let Some(refused) = self.refused_unread(folder, &letter) {
                self.unanswered.push_back(BatchOutcome::Refused(refused));
                return Ok(());
            }
            letters.push(self.receive(letter).await?);
        }
        let outcome = self.land(folder, letters)?;
        self.unanswered.push_back(outcome);
        Ok(())
    }

    async fn outcome(&mut self) -> Option<Result<BatchOutcome>> {
        if self.server.look(|world| world.switches.slow_answers) {
            // A caller that sends meanwhile gives this up and calls again.
            for _ in 0..A_WHILE {
                tokio::task::yield_now().await;
            }
        }
        let answer = self.unanswered.pop_front()?;
        Some(self.step("append answer").map(|()| answer))
    }
}

/// Why the server would refuse each of these messages.
fn verdicts(world: &World, host: &str, folder: &FolderPath, letters: &[Stored]) -> Vec<Option<Error>> {
    let Switches { abilities, quota_bytes, .. } = &world.switches;
    let mut held = world.bytes_held();
    let verdict = |letter: &Stored| {
        let bytes = letter.bytes.len() as u64;
        held = held.saturating_add(bytes);
        if let Err(gone) = world.folder(host, folder) {
            return Some(gone);
        }
        if let Some(limit) = abilities.append_limit.filter(|limit| bytes > *limit) {
            return Some(refusal::too_large(host, folder, bytes, limit));
        }
        if quota_bytes.is_some_and(|quota| held > quota) || world.switches.no_room_in.contains(folder) {
            return Some(refusal::quota_full(host, folder));
        }
        let is_refused = !world.switches.refused_keywords(&letter.marks).is_empty();
        (is_refused || world.switches.is_refused(&letter.bytes)).then(|| refusal::refused(host, folder))
    };
    letters.iter().map(verdict).collect()
}
