//! Appends batches and settles them: a batch under way while the next is sent, refusals taken apart message by message,
//! and nothing counted as landed that the server did not say, or that was not found there.

use crate::ports::Event;
use crate::read::{Incoming, IncomingBody};
use crate::recovery;
use crate::transfer::{self, Lane};
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{BatchOutcome, Chunks, Landed, Letter, LetterBody, Writer};
use parom_domain::recover::{Recovery, recover_appends};
use parom_domain::state::{Appending, Change};
use parom_domain::{Code, Error, Result, Retry, Scope, Uid};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// How many batches may be under way: one that the server works on, and one that fills its buffers.
const DEPTH: usize = 2;
/// So many messages whose UIDs the server did not tell are looked up together.
const UNTOLD: usize = 256;

/// Messages that were announced together.
pub struct Batch {
    pub intent: u64,
    pub items: Vec<Incoming>,
}

/// A batch that was sent. Small bodies are kept until it is settled, in case the messages have to be sent one by one.
struct Sent {
    intent: u64,
    items: Vec<Incoming>,
}

struct Appender<'a> {
    lane: &'a Lane<'a>,
    writer: Box<dyn Writer>,
    under_way: VecDeque<Sent>,
    /// Messages of a refused batch, each announced anew.
    singles: VecDeque<Sent>,
    /// Landed, but the server did not say where.
    untold: Vec<(u64, Vec<Appending>)>,
}

/// Appends what comes until the channel closes.
pub async fn append(lane: &Lane<'_>, mut batches: mpsc::Receiver<Batch>) -> Result<()> {
    let Some(first) = batches.recv().await else { return Ok(()) };
    let endpoint = lane.run.pass.sides[lane.into];
    let writer = endpoint.writer(&lane.into_path, lane.to.cursor.validity).await?;
    let mut appender =
        Appender { lane, writer, under_way: VecDeque::new(), singles: VecDeque::new(), untold: Vec::new() };
    appender.send(Sent { intent: first.intent, items: first.items }).await?;
    let mut open = true;
    loop {
        if appender.under_way.is_empty()
            && let Some(single) = appender.singles.pop_front()
        {
            appender.send(single).await?;
        }
        let may_send = open && appender.under_way.len() < DEPTH && appender.singles.is_empty();
        let waiting = !appender.under_way.is_empty();
        if !may_send && !waiting {
            break;
        }
        tokio::select! {
            biased;
            outcome = appender.writer.outcome(), if waiting => {
                let lost = || Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("detail", "no answer");
                appender.settle(outcome.ok_or_else(lost)??).await?;
            }
            batch = batches.recv(), if may_send => match batch {
                Some(batch) => appender.send(Sent { intent: batch.intent, items: batch.items }).await?,
                None => open = false,
            },
        }
    }
    appender.look_up_untold().await
}

impl Appender<'_> {
    async fn send(&mut self, mut sent: Sent) -> Result<()> {
        let letters = sent.items.iter_mut().map(|item| letter(self.lane, item)).collect();
        self.writer.send(letters).await?;
        self.under_way.push_back(sent);
        Ok(())
    }

    async fn settle(&mut self, outcome: BatchOutcome) -> Result<()> {
        let Some(sent) = self.under_way.pop_front() else { return Ok(()) };
        match outcome {
            BatchOutcome::Landed(landed) => self.settle_landed(sent, &landed).await,
            BatchOutcome::Refused(error) => self.settle_refused(sent, error).await,
        }
    }

    async fn settle_landed(&mut self, sent: Sent, landed: &[Landed]) -> Result<()> {
        let lane = self.lane;
        if let Some(other) = landed.iter().filter_map(|l| l.validity).find(|v| *v != lane.to.cursor.validity) {
            tracing::warn!(folder = ?lane.into_path, validity = other, "the folder was replaced while it was written to");
            return Err(Error::new(Code::ValidityChanged, Scope::Folder, Retry::Soon).with("folder", &lane.into_path));
        }
        let told = landed.len() == sent.items.len() && landed.iter().all(|landed| landed.uid.is_some());
        let announced: Vec<Appending> = sent.items.iter().map(Incoming::announced).collect();
        count(lane, &sent.items);
        if !told {
            self.untold.push((sent.intent, announced));
            let waiting: usize = self.untold.iter().map(|(_, items)| items.len()).sum();
            return if waiting >= UNTOLD { self.look_up_untold().await } else { Ok(()) };
        }
        let uids: Vec<Uid> = landed.iter().filter_map(|landed| landed.uid).collect();
        let pairs: Vec<(&Appending, Uid)> = announced.iter().zip(uids).collect();
        let mut changes = link(lane, &pairs);
        changes.push(Change::CloseIntent(sent.intent));
        lane.run.pass.book.commit(changes).await
    }

    /// A refused batch may have landed in part all the same: what is found is linked, the rest is sent one by one, so
    /// that only the message that the server means is parked.
    async fn settle_refused(&mut self, sent: Sent, error: Error) -> Result<()> {
        let lane = self.lane;
        let book = lane.run.pass.book;
        if let [item] = sent.items.as_slice() {
            book.commit(vec![Change::CloseIntent(sent.intent)]).await?;
            return match error.scope() {
                Scope::Item => lane.park(item.uid, &error.with("folder", &lane.into_path).with("uid", item.uid)).await,
                _ => Err(error),
            };
        }
        let announced: Vec<Appending> = sent.items.iter().map(Incoming::announced).collect();
        let landed = find(lane, &announced).await?;
        let found: Vec<(&Appending, Uid)> =
            announced.iter().zip(&landed).filter_map(|(item, uid)| Some((item, (*uid)?))).collect();
        let mut changes = link(lane, &found);
        changes.push(Change::CloseIntent(sent.intent));
        if error.scope() != Scope::Item {
            book.commit(changes).await?;
            return Err(error);
        }
        let (mut arrived, mut again) = (Vec::new(), Vec::new());
        for (item, uid) in sent.items.into_iter().zip(landed) {
            if uid.is_some() { arrived.push(item) } else { again.push(item) }
        }
        count(lane, &arrived);
        for item in again {
            let intent = transfer::intent(lane, vec![item.announced()]);
            self.singles.push_back(Sent { intent: intent.id, items: vec![item] });
            changes.push(Change::OpenIntent(intent));
        }
        book.commit(changes).await
    }

    /// Servers without UIDPLUS do not say where a message landed: it is found by what it is. The intents stay open until
    /// then, so that a crash finds them.
    async fn look_up_untold(&mut self) -> Result<()> {
        if self.untold.is_empty() {
            return Ok(());
        }
        let lane = self.lane;
        let untold = std::mem::take(&mut self.untold);
        let announced: Vec<Appending> = untold.iter().flat_map(|(_, items)| items.iter().cloned()).collect();
        let landed = find(lane, &announced).await?;
        let found: Vec<(&Appending, Uid)> =
            announced.iter().zip(&landed).filter_map(|(item, uid)| Some((item, (*uid)?))).collect();
        let all = found.len() == announced.len();
        let mut changes = link(lane, &found);
        if all {
            changes.extend(untold.iter().map(|(intent, _)| Change::CloseIntent(*intent)));
            return lane.run.pass.book.commit(changes).await;
        }
        lane.run.pass.book.commit(changes).await?;
        // The server said yes and shows nothing yet: the open intents are looked up again by the next pass.
        Err(Error::new(Code::ListingIncomplete, Scope::Folder, Retry::Soon).with("folder", &lane.into_path))
    }
}

fn count(lane: &Lane<'_>, items: &[Incoming]) {
    let mut done = lane.done();
    for item in items {
        done.carried += 1;
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
    }
    let folder = lane.folder;
    let chunks = links.take_dirty().into_iter();
    chunks.map(|(chunk, links)| Change::PutLinks { folder, chunk, links }).collect()
}

/// Which of these messages are in the folder.
async fn find(lane: &Lane<'_>, announced: &[Appending]) -> Result<Vec<Option<Uid>>> {
    let endpoint = lane.run.pass.sides[lane.into];
    let found = endpoint.find(&lane.into_path, lane.to.cursor.validity, lane.floor()).await?;
    let wanted: Vec<&Appending> = announced.iter().collect();
    let answers = recover_appends(&wanted, &found, &lane.links(), lane.into, true);
    let uids = answers.into_iter().map(|answer| match answer {
        Recovery::Adopt(uid) => Some(uid),
        Recovery::Wait | Recovery::Redo => None,
    });
    Ok(uids.collect())
}

/// The message as it is written: a mark that the folder cannot keep is left out, and stays in the link.
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
