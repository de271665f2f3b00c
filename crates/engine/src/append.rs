//! Appends batches and settles them: a batch under way while the next is sent, refusals taken apart message by message,
//! and nothing counted as landed that the server did not say, or that was not found there.

use crate::likeness;
use crate::ports::Event;
use crate::read::{Incoming, IncomingBody};
use crate::recovery;
use crate::transfer::{self, Convoy, Lane};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use parom_domain::endpoint::{BatchOutcome, Chunks, Landed, Letter, LetterBody, Writer};
use parom_domain::recover::{Recovery, recover_appends};
use parom_domain::state::{Appending, Change};
use parom_domain::{Both, Code, Error, Marks, Result, Retry, Scope, Uid};
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::mpsc;

/// Whatever their size, two batches may be under way: one that the server works on, and one that fills its buffers.
const AT_LEAST: usize = 2;
/// More of them may be, as long as all together hold no more than this: near, where the server's buffers alone keep it
/// busy, and over a distance, where what is on the way keeps the line busy.
const NEAR_BYTES: u64 = 512 * 1024;
const FAR_BYTES: u64 = 4 << 20;
/// So many messages whose UIDs the server did not tell are looked up together.
const UNTOLD: usize = 256;

/// Messages that were announced together.
///
/// Small bodies are kept until the batch is settled, in case the messages have to be sent one by one.
pub struct Batch {
    /// The place of the lane in the convoy.
    pub lane: usize,
    pub intent: u64,
    /// None of its messages can have a UID below this one, whatever has landed since it was announced.
    pub floor: Uid,
    pub items: Vec<Incoming>,
}

/// A batch that landed, and the server did not say where.
struct Untold {
    intent: u64,
    floor: Uid,
    announced: Vec<Appending>,
}

impl Batch {
    fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.len).sum()
    }
}

struct Appender<'a> {
    convoy: &'a Convoy<'a>,
    writer: Box<dyn Writer>,
    under_way: VecDeque<Batch>,
    under_way_bytes: u64,
    /// Batches that the server refused.
    refused: VecDeque<(Batch, Error)>,
    /// What is left of batches: messages of a refused one, each announced anew, and those for which there is room.
    again: VecDeque<Batch>,
    /// By lane.
    untold: BTreeMap<usize, Vec<Untold>>,
}

/// Appends what comes until the channel closes. The errors of single folders are left with their lanes.
pub async fn append(convoy: &Convoy<'_>, mut batches: mpsc::Receiver<Batch>) -> Result<()> {
    let Some(first) = batches.recv().await else { return Ok(()) };
    let writer = convoy.run.pass.sides[convoy.into].writer().await?;
    let mut appender = Appender {
        convoy,
        writer,
        under_way: VecDeque::new(),
        under_way_bytes: 0,
        refused: VecDeque::new(),
        again: VecDeque::new(),
        untold: BTreeMap::new(),
    };
    appender.send(first).await?;
    let mut open = true;
    loop {
        while appender.under_way.is_empty() && appender.take_apart().await? {}
        let may_send = open && appender.has_room() && !appender.has_leftovers();
        let waiting = !appender.under_way.is_empty();
        if !may_send && !waiting {
            break;
        }
        tokio::select! {
            biased;
            outcome = appender.writer.outcome(), if waiting => appender.settle(outcome).await?,
            batch = batches.recv(), if may_send => match batch {
                Some(batch) => appender.send(batch).await?,
                None => open = false,
            },
        }
    }
    let lanes: Vec<usize> = appender.untold.keys().copied().collect();
    for at in lanes {
        appender.look_up_untold(at).await?;
    }
    Ok(())
}

impl Appender<'_> {
    fn has_room(&self) -> bool {
        let bytes = if self.convoy.run.is_far() { FAR_BYTES } else { NEAR_BYTES };
        let small = self.under_way_bytes < bytes;
        self.under_way.len() < AT_LEAST || small && self.under_way.len() < self.convoy.abilities.batches_under_way
    }

    fn has_leftovers(&self) -> bool {
        !(self.refused.is_empty() && self.again.is_empty())
    }

    /// Deals with one of the leftovers, when all that was sent is answered: what landed of other batches is linked by then,
    /// and is not taken for a part of the refused one. Returns false when there is none.
    async fn take_apart(&mut self) -> Result<bool> {
        if let Some((batch, error)) = self.refused.pop_front() {
            let lane = self.convoy.lane(batch.lane)?;
            self.look_up_untold(batch.lane).await?;
            self.settle_refused(batch, error).await.or_else(|error| lane.fail(error))?;
        } else if let Some(batch) = self.again.pop_front() {
            self.send(batch).await?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Sends a batch, unless its folder has failed: then its announcement stays, and the next pass looks for it.
    async fn send(&mut self, mut batch: Batch) -> Result<()> {
        let lane = self.convoy.lane(batch.lane)?;
        if batch.items.iter().any(|item| item.len >= lane.room()) {
            return self.leave_out(batch).await;
        }
        if lane.has_failed() {
            return Ok(());
        }
        let letters = batch.items.iter_mut().map(|item| letter(lane, item)).collect();
        match self.writer.send(&lane.into_path, lane.to.cursor.validity, letters).await {
            Ok(()) => {
                self.under_way_bytes += batch.bytes();
                self.under_way.push_back(batch);
                Ok(())
            }
            Err(error) => lane.fail(error),
        }
    }

    /// Announces a batch anew without the messages for which there is no room.
    async fn leave_out(&mut self, batch: Batch) -> Result<()> {
        let lane = self.convoy.lane(batch.lane)?;
        let fits: Vec<Incoming> = batch.items.into_iter().filter(|item| item.len < lane.room()).collect();
        let mut changes = vec![Change::CloseIntent(batch.intent)];
        if !fits.is_empty() {
            let (again, intent) = transfer::batch(lane, fits);
            self.again.push_back(again);
            changes.push(Change::OpenIntent(intent));
        }
        lane.run.pass.book.commit(changes).await
    }

    /// Settles the oldest batch, and those whose answers have come along with its own, in one commit.
    async fn settle(&mut self, outcome: Option<Result<BatchOutcome>>) -> Result<()> {
        let lost = || Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("detail", "no answer");
        let mut outcome = Some(outcome.ok_or_else(lost)?);
        let mut changes = Vec::new();
        while let Some(told) = outcome {
            let Some(batch) = self.under_way.pop_front() else { break };
            self.under_way_bytes = self.under_way_bytes.saturating_sub(batch.bytes());
            match told {
                Ok(BatchOutcome::Landed(landed)) => changes.extend(self.settle_landed(batch, &landed)?),
                Ok(BatchOutcome::Refused(error)) => {
                    let folder = &self.convoy.lane(batch.lane)?.into_path;
                    self.refused.push_back((batch, error.with("folder", folder)));
                }
                Err(error) => {
                    // What landed before is known all the same.
                    self.convoy.run.pass.book.commit(changes).await?;
                    return Err(error);
                }
            }
            outcome = self.writer.outcome().now_or_never().flatten();
        }
        self.convoy.run.pass.book.commit(changes).await?;
        let many = |untold: &[Untold]| untold.iter().map(|batch| batch.announced.len()).sum::<usize>() >= UNTOLD;
        let due: Vec<usize> = self.untold.iter().filter(|(_, untold)| many(untold)).map(|(at, _)| *at).collect();
        for at in due {
            self.look_up_untold(at).await?;
        }
        Ok(())
    }

    /// What a batch that landed changes in the book. Nothing may be waited for before that is written: a later state of
    /// the same links must not be written before this one.
    fn settle_landed(&mut self, batch: Batch, landed: &[Landed]) -> Result<Vec<Change>> {
        let lane = self.convoy.lane(batch.lane)?;
        if let Some(other) = landed.iter().filter_map(|l| l.validity).find(|v| *v != lane.to.cursor.validity) {
            tracing::warn!(folder = ?lane.into_path, validity = other, "the folder was replaced while it was written to");
            let error = Error::new(Code::ValidityChanged, Scope::Folder, Retry::Soon).with("folder", &lane.into_path);
            return lane.fail(error).map(|()| Vec::new());
        }
        let told = landed.len() == batch.items.len() && landed.iter().all(|landed| landed.uid.is_some());
        let announced: Vec<Appending> = batch.items.iter().map(|item| item.announced(&lane.to.holds)).collect();
        count(lane, &batch.items);
        if !told {
            let Batch { intent, floor, .. } = batch;
            self.untold.entry(batch.lane).or_default().push(Untold { intent, floor, announced });
            return Ok(Vec::new());
        }
        let uids: Vec<Uid> = landed.iter().filter_map(|landed| landed.uid).collect();
        let pairs: Vec<(&Appending, Uid)> = announced.iter().zip(uids).collect();
        let mut changes = link(lane, &pairs);
        changes.push(Change::CloseIntent(batch.intent));
        Ok(changes)
    }

    /// A refused batch may have landed in part all the same: what is found is linked, the rest is sent one by one, so
    /// that only the message that the server means is parked.
    async fn settle_refused(&mut self, mut sent: Batch, error: Error) -> Result<()> {
        let lane = self.convoy.lane(sent.lane)?;
        let book = lane.run.pass.book;
        let side = lane.into.other();
        if let [item] = sent.items.as_mut_slice()
            && error.code() == Code::MessageRefused
            && item.has_keywords()
            && !lane.run.pass.scars.goes_without_keywords(lane.folder, side, item.uid)
        {
            // It may be a keyword that the server means. The message does not wait for it; the keyword does, for the next pass.
            lane.done().withheld = true;
            let mut changes = vec![Change::CloseIntent(sent.intent)];
            if item.leave_keywords() {
                let (again, intent) = transfer::batch(lane, sent.items);
                self.again.push_back(again);
                changes.push(Change::OpenIntent(intent));
            } else {
                // Its body has to be read again, by the next pass.
                lane.run.pass.scars.refuse_keywords(lane.folder, side, item.uid);
            }
            return book.commit(changes).await;
        }
        if let [item] = sent.items.as_slice() {
            book.commit(vec![Change::CloseIntent(sent.intent)]).await?;
            return match error.scope() {
                _ if error.code() == Code::QuotaFull => {
                    lane.no_room(item.len, error);
                    Ok(())
                }
                Scope::Item => lane.park(item.uid, &error.with("uid", item.uid)).await,
                _ => Err(error),
            };
        }
        let announced: Vec<Appending> = sent.items.iter().map(|item| item.announced(&lane.to.holds)).collect();
        let landed = find(lane, sent.floor, &announced).await?;
        let found: Vec<(&Appending, Uid)> =
            announced.iter().zip(&landed).filter_map(|(item, uid)| Some((item, (*uid)?))).collect();
        let mut changes = link(lane, &found);
        changes.push(Change::CloseIntent(sent.intent));
        if error.scope() != Scope::Item && error.code() != Code::QuotaFull {
            book.commit(changes).await?;
            return Err(error);
        }
        let (mut arrived, mut again) = (Vec::new(), Vec::new());
        for (item, uid) in sent.items.into_iter().zip(landed) {
            if uid.is_some() { arrived.push(item) } else { again.push(item) }
        }
        count(lane, &arrived);
        for item in again {
            let (single, intent) = transfer::batch(lane, vec![item]);
            self.again.push_back(single);
            changes.push(Change::OpenIntent(intent));
        }
        book.commit(changes).await
    }

    /// Servers without UIDPLUS do not say where a message landed: it is found by what it is. The intents stay open until
    /// then, so that a crash finds them.
    async fn look_up_untold(&mut self, at: usize) -> Result<()> {
        let lane = self.convoy.lane(at)?;
        let Some(untold) = self.untold.remove(&at) else { return Ok(()) };
        let outcome = look_up(lane, &untold).await;
        outcome.or_else(|error| lane.fail(error))
    }
}

async fn look_up(lane: &Lane<'_>, untold: &[Untold]) -> Result<()> {
    let announced: Vec<Appending> = untold.iter().flat_map(|batch| batch.announced.iter().cloned()).collect();
    let floor = untold.iter().map(|batch| batch.floor).min().unwrap_or(Uid::MIN);
    let landed = find(lane, floor, &announced).await?;
    let found: Vec<(&Appending, Uid)> =
        announced.iter().zip(&landed).filter_map(|(item, uid)| Some((item, (*uid)?))).collect();
    let all = found.len() == announced.len();
    let mut changes = link(lane, &found);
    if all {
        changes.extend(untold.iter().map(|batch| Change::CloseIntent(batch.intent)));
        return lane.run.pass.book.commit(changes).await;
    }
    lane.run.pass.book.commit(changes).await?;
    // The server said yes and shows nothing yet: the open intents are looked up again by the next pass.
    Err(crate::shift::not_shown(lane.into, &lane.into_path))
}

fn count(lane: &Lane<'_>, items: &[Incoming]) {
    let mut done = lane.done();
    for item in items {
        done.carried += 1;
        done.withheld |= !lane.to.holds.unkept(&item.marks, &Marks::default()).withheld.is_empty();
        done.bytes += item.len;
        lane.run.pass.observer.event(Event::Carried { into: lane.into, bytes: item.len });
    }
}

/// Links landed messages.
fn link(lane: &Lane<'_>, pairs: &[(&Appending, Uid)]) -> Vec<Change> {
    let mut links = lane.links();
    for (item, uid) in pairs {
        recovery::adopt(&mut links, lane.into, item, *uid);
        lane.raise_floor(*uid);
        if lane.abilities.shallow_flags && item.marks.system() & Marks::FLAGGED != 0 {
            lane.done().shallow.push(*uid);
        }
    }
    let folder = lane.folder;
    let chunks = links.take_dirty().into_iter();
    chunks.map(|(chunk, links)| Change::PutLinks { folder, chunk, links }).collect()
}

/// Which of these messages are in the folder, at or above the floor that was known when they were announced. That of the
/// lane may have risen since, past a refused batch that landed in part all the same.
async fn find(lane: &Lane<'_>, floor: Uid, announced: &[Appending]) -> Result<Vec<Option<Uid>>> {
    let found = likeness::find(lane.run, lane.into, &lane.into_path, lane.to.cursor.validity, floor).await?;
    let wanted: Vec<&Appending> = announced.iter().collect();
    let answers = recover_appends(&wanted, &found, &lane.links(), lane.into, true);
    let mut uids = Vec::with_capacity(answers.len());
    for (item, answer) in announced.iter().zip(answers) {
        uids.push(match answer {
            Recovery::Adopt(uid) => Some(uid),
            Recovery::Doubtful(uid) => {
                let arrived = (&lane.into_path, lane.to.cursor.validity, uid);
                let origin = (&lane.from_path, lane.from.cursor.validity, item.origin);
                let places = Both::from_fn(|side| if side == lane.into { arrived } else { origin });
                likeness::say_the_same(lane.run, places).await?.then_some(uid)
            }
            Recovery::Wait | Recovery::Redo => None,
        });
    }
    Ok(uids)
}

/// The message as it is written: a mark that the folder cannot keep is left out.
fn letter(lane: &Lane<'_>, item: &mut Incoming) -> Letter {
    let body = match &mut item.body {
        IncomingBody::Small(bytes) => LetterBody::Small(bytes.clone()),
        IncomingBody::Big(pieces) => {
            let (_, closed) = mpsc::channel(1);
            let pieces = std::mem::replace(pieces, closed);
            LetterBody::Big { len: item.len, chunks: Box::new(Pieces(pieces)) }
        }
    };
    Letter { marks: lane.to.holds.of(&item.marks), date: item.date, body }
}

struct Pieces(mpsc::Receiver<Result<Bytes>>);

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.0.recv().await.transpose()
    }
}
