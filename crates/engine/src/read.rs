//! Reads the messages of a convoy, folder by folder, whatever some of them do to the connection: one that breaks it again
//! and again, or never comes, is parked, and the rest is read.

use crate::pass::stops_the_pass;
use crate::transfer::{Convoy, Lane};
use crate::{likeness, veiled};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use parom_domain::date::InternalDate;
use parom_domain::endpoint::{Body, BodyStream, Holds, Item, ReadFrom};
use parom_domain::state::Appending;
use parom_domain::uid::UidSet;
use parom_domain::{Code, Error, Fingerprint, Marks, Result, Retry, Scope, Uid};
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// A header longer than this is cut for the fingerprint (a hostile message may have no end of header).
const HEAD_LIMIT: usize = 256 * 1024;
/// What a streamed message takes of the budget for bodies: its pieces on the way, not its length.
const BIG_COST: u64 = 1024 * 1024;
/// So many times may reading a message break the connection. On a bad line good messages break it too, but hardly so often in a
/// row.
pub const STRIKES: u32 = 4;

/// Why such a message is parked.
pub const BREAKS: &str = "reading it breaks the connection";

pub enum Feed {
    Letter(Incoming),
    /// The budget is used up, perhaps by what waits in the batch that is being formed: send it.
    Flush,
}

/// A message on its way, with the part of the memory budget that it holds.
pub struct Incoming {
    /// The place of its lane in the convoy.
    pub lane: usize,
    pub uid: Uid,
    pub marks: Marks,
    pub date: Option<InternalDate>,
    pub fingerprint: Fingerprint,
    pub len: u64,
    /// The size by which it is recognised.
    pub size: u64,
    pub body: IncomingBody,
    pub _budget: Box<dyn Send + Sync>,
}

pub enum IncomingBody {
    Small(Bytes),
    Big(mpsc::Receiver<Result<Bytes>>),
}

impl Incoming {
    /// As it is sent into a folder that keeps these marks: a link with more would take what was never there for removed.
    #[must_use]
    pub fn announced(&self, holds: &Holds) -> Appending {
        Appending {
            origin: self.uid,
            fingerprint: self.fingerprint,
            len: self.size,
            content: 0,
            marks: holds.of(&self.marks),
        }
    }

    /// One of them may be why the message was refused.
    #[must_use]
    pub fn has_keywords(&self) -> bool {
        self.marks != without_keywords(&self.marks)
    }

    /// Takes the keywords off. `false` where the body has passed and is not here to be sent again.
    pub fn leave_keywords(&mut self) -> bool {
        let can = matches!(self.body, IncomingBody::Small(_));
        if can {
            self.marks = without_keywords(&self.marks);
        }
        can
    }
}

fn without_keywords(marks: &Marks) -> Marks {
    Marks::from_system(marks.system())
}

/// Nobody takes messages any more: the stage after this one failed.
struct Closed;

enum End {
    /// The answer was complete.
    Complete,
    /// The server refused some message of those that were asked for.
    Refused(Error),
    Broken(Error),
    Closed,
}

/// One lane while it is read.
struct Reading<'a> {
    lane: &'a Lane<'a>,
    left: BTreeSet<Uid>,
}

/// How a round over the folders of a convoy ended.
struct Round {
    /// Folders whose answer is complete and lacks messages, by their place in the round.
    lacking: Vec<usize>,
    broken: Option<Broken>,
}

/// The connection broke while this folder was read.
struct Broken {
    at: usize,
    /// Some of its messages had come.
    progressed: bool,
    error: Error,
}

/// Reads everything into `feed`. The errors of single folders are left with their lanes. Returns false when nobody took
/// messages any more, so that not everything was read.
pub async fn read(convoy: &Convoy<'_>, feed: mpsc::Sender<Feed>) -> Result<bool> {
    let mut readings = Vec::with_capacity(convoy.lanes.len());
    for lane in &convoy.lanes {
        let mut left: BTreeSet<Uid> = lane.uids.iter().copied().collect();
        park_scarred(lane, &mut left).await?;
        readings.push(Reading { lane, left });
    }
    loop {
        readings.retain(|reading| !reading.left.is_empty() && !reading.lane.has_failed());
        if readings.is_empty() {
            return Ok(true);
        }
        let Ok(Round { lacking, broken }) = round(convoy, &mut readings, &feed).await? else { return Ok(false) };
        for at in lacking {
            let Some(Reading { lane, left }) = readings.get_mut(at) else { continue };
            if !kept(lane, read_omitted_ones(lane, left, &feed).await)? {
                return Ok(false);
            }
        }
        if let Some(Broken { at, progressed: false, error }) = broken
            && let Some(Reading { lane, left }) = readings.get_mut(at)
            && let Some(suspect) = left.first().copied()
            && !kept(lane, read_suspect(lane, suspect, left, &feed, error).await)?
        {
            return Ok(false);
        }
    }
}

/// Leaves the error of a folder with its lane: the others go on. So they do when only this folder's messages are not taken
/// any more.
fn kept(lane: &Lane<'_>, outcome: Result<bool>) -> Result<bool> {
    let taken = outcome.or_else(|error| lane.fail(error).map(|()| true))?;
    Ok(taken || lane.has_failed())
}

/// Reads the folders one after another over one connection, until all answers have ended or the connection breaks.
async fn round(
    convoy: &Convoy<'_>,
    readings: &mut [Reading<'_>],
    feed: &mpsc::Sender<Feed>,
) -> Result<Result<Round, Closed>> {
    let mut round = Round { lacking: Vec::new(), broken: None };
    let wanted = readings.iter().map(|Reading { lane, left }| ReadFrom {
        folder: lane.from_path.clone(),
        validity: lane.from.cursor.validity,
        uids: left.iter().copied().collect(),
    });
    let mut stream = convoy.run.pass.sides[convoy.into.other()].read_all(wanted.collect()).await?;
    for (at, Reading { lane, left }) in readings.iter_mut().enumerate() {
        let before = left.len();
        let turned = if at > 0 { stream.turn().await.map(drop) } else { Ok(()) };
        lane.begin();
        let end = match turned {
            Ok(()) => read_folder(lane, stream.as_mut(), left, feed).await,
            Err(error) => ended(error),
        };
        match end {
            Ok(End::Complete | End::Refused(_)) if left.is_empty() => {}
            Ok(End::Complete | End::Refused(_)) => round.lacking.push(at),
            Ok(End::Broken(error)) => {
                round.broken = Some(Broken { at, progressed: left.len() < before, error });
                break;
            }
            Ok(End::Closed) if lane.has_failed() => {}
            Ok(End::Closed) => return Ok(Err(Closed)),
            Err(error) => lane.fail(error)?,
        }
    }
    Ok(Ok(round))
}

/// What the server left out of a complete answer, one by one. Returns false when nobody takes messages any more.
async fn read_omitted_ones(lane: &Lane<'_>, left: &mut BTreeSet<Uid>, feed: &mpsc::Sender<Feed>) -> Result<bool> {
    let mut failed = Ok(true);
    for uid in std::mem::take(left) {
        match read_omitted(lane, uid, feed).await {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            // The server may give it later, so it is nothing to park; the others come first.
            Err(error) if error.scope() == Scope::Item => failed = Err(error),
            Err(error) => return Err(error),
        }
    }
    failed
}

async fn park_scarred(lane: &Lane<'_>, left: &mut BTreeSet<Uid>) -> Result<()> {
    let side = lane.into.other();
    let scarred = |uid: &Uid| lane.run.pass.scars.count(lane.folder, side, *uid) >= STRIKES;
    let bad: Vec<Uid> = left.iter().copied().filter(scarred).collect();
    for uid in bad {
        left.remove(&uid);
        lane.park(uid, &unreadable(lane, uid, "reading it broke the connection each time")).await?;
    }
    Ok(())
}

/// Reads a few messages by themselves, taking what arrived out of `left`.
async fn read_set(
    lane: &Lane<'_>,
    wanted: &UidSet,
    left: &mut BTreeSet<Uid>,
    feed: &mpsc::Sender<Feed>,
) -> Result<End> {
    let endpoint = lane.run.pass.sides[lane.into.other()];
    // A connection that cannot be had says nothing of the message: none has been asked for yet.
    let mut stream = endpoint.read(&lane.from_path, lane.from.cursor.validity, wanted).await?;
    read_folder(lane, stream.as_mut(), left, feed).await
}

/// Reads the folder at hand until the answer ends or breaks, taking what arrived out of `left`.
async fn read_folder(
    lane: &Lane<'_>,
    stream: &mut dyn BodyStream,
    left: &mut BTreeSet<Uid>,
    feed: &mpsc::Sender<Feed>,
) -> Result<End> {
    loop {
        if lane.run.pass.observer.should_stop() {
            return Err(crate::ports::cancelled());
        }
        // Its messages cannot be appended any more: there is no use in reading them.
        if lane.has_failed() {
            return Ok(End::Closed);
        }
        let item = match stream.next().await {
            Ok(Some(item)) => item,
            Ok(None) => return Ok(End::Complete),
            Err(error) => return ended(error),
        };
        let uid = item.uid;
        if !left.remove(&uid) {
            continue;
        }
        match deliver(lane, item, stream, feed).await? {
            Ok(()) => {}
            Err(Closed) => return Ok(End::Closed),
        }
    }
}

fn ended(error: Error) -> Result<End> {
    match error.scope() {
        _ if is_broken(&error) => Ok(End::Broken(error)),
        Scope::Item => Ok(End::Refused(error)),
        _ => Err(error),
    }
}

/// Is it the connection that failed, and not the server's answer? Dovecot says BYE where it cannot read a message; so does a
/// server that goes down, which shows when it is asked again.
pub fn is_broken(error: &Error) -> bool {
    match error.code() {
        Code::ConnectionLost | Code::TimedOut | Code::ProtocolError => true,
        Code::ServerUnavailable => error.scope() == Scope::Account,
        _ => false,
    }
}

/// A message that the server left out of a complete answer. It may have been expunged meanwhile, or the server cannot
/// give it. Returns false when nobody takes messages any more.
async fn read_omitted(lane: &Lane<'_>, uid: Uid, feed: &mpsc::Sender<Feed>) -> Result<bool> {
    let mut left = BTreeSet::from([uid]);
    let only = UidSet::range(uid, uid);
    match read_set(lane, &only, &mut left, feed).await? {
        End::Closed => return Ok(false),
        End::Broken(error) => return read_suspect(lane, uid, &mut left, feed, error).await,
        End::Refused(error) if error.retry() == Retry::Soon => return Err(error),
        End::Complete | End::Refused(_) => {}
    }
    if left.remove(&uid) {
        park_withheld(lane, uid).await?;
    }
    Ok(true)
}

/// A message that a complete answer lacks, though it was asked for alone, is parked if it is still there.
async fn park_withheld(lane: &Lane<'_>, uid: Uid) -> Result<()> {
    let endpoint = lane.run.pass.sides[lane.into.other()];
    let only = UidSet::range(uid, uid);
    if endpoint.present(&lane.from_path, lane.from.cursor.validity, &only).await?.contains(uid) {
        lane.park(uid, &unreadable(lane, uid, "the server lists it but does not give its text")).await?;
    }
    Ok(())
}

/// The message at which the connection broke. It is asked for alone; if that breaks too while the server answers other
/// questions, it is parked. Returns false when nobody takes messages any more.
async fn read_suspect(
    lane: &Lane<'_>,
    uid: Uid,
    left: &mut BTreeSet<Uid>,
    feed: &mpsc::Sender<Feed>,
    error: Error,
) -> Result<bool> {
    let endpoint = lane.run.pass.sides[lane.into.other()];
    let only = UidSet::range(uid, uid);
    let mut last = error;
    for _ in 0..STRIKES {
        // The server must be able to speak of the message; else it is the server that fails, not the message.
        let present = match endpoint.present(&lane.from_path, lane.from.cursor.validity, &only).await {
            Ok(present) => present,
            Err(_) => return Err(last),
        };
        if present.is_empty() {
            left.remove(&uid);
            return Ok(true);
        }
        match read_set(lane, &only, left, feed).await? {
            End::Closed => return Ok(false),
            End::Refused(error) if error.retry() == Retry::Soon => return Err(error),
            End::Complete | End::Refused(_) => {
                if left.remove(&uid) {
                    park_withheld(lane, uid).await?;
                }
                return Ok(true);
            }
            End::Broken(error) => last = error,
        }
    }
    left.remove(&uid);
    let place = (&lane.from_path, lane.from.cursor.validity);
    let size = likeness::size_of(lane.run, lane.into.other(), place.0, place.1, &only).await?;
    let error = unreadable(lane, uid, BREAKS).caused_by(last);
    // By its size it is recognised when it goes missing elsewhere (`veiled`).
    let error = size.into_iter().fold(error, |error, size| error.with(veiled::SIZE, size));
    lane.park(uid, &error).await?;
    Ok(true)
}

fn unreadable(lane: &Lane<'_>, uid: Uid, answer: &str) -> Error {
    Error::new(Code::MessageUnreadable, Scope::Item, Retry::WhenFixed)
        .with("folder", &lane.from_path)
        .with("uid", uid)
        .with("answer", answer)
}

/// Hands one message on. The inner error says that nobody takes it.
async fn deliver(
    lane: &Lane<'_>,
    item: Item,
    stream: &mut dyn BodyStream,
    feed: &mpsc::Sender<Feed>,
) -> Result<Result<(), Closed>> {
    let len = match &item.body {
        Body::Small(bytes) => bytes.len() as u64,
        Body::Big { len } => *len,
        Body::Substitute { .. } => {
            let error = Error::new(Code::MessageSubstituted, Scope::Item, Retry::WhenFixed);
            lane.park(item.uid, &error.with("folder", &lane.from_path).with("uid", item.uid)).await?;
            return Ok(Ok(()));
        }
    };
    if let Some(limit) = lane.abilities.append_limit.filter(|limit| len > *limit) {
        let error = Error::new(Code::MessageTooLarge, Scope::Item, Retry::WhenFixed)
            .with("folder", &lane.into_path)
            .with("uid", item.uid)
            .with("bytes", len)
            .with("limit", limit);
        lane.park(item.uid, &error).await?;
        return Ok(Ok(()));
    }
    let cost = if matches!(item.body, Body::Small(_)) { len } else { BIG_COST };
    let permits = lane.run.pass.permits;
    let ready = permits.bytes(cost).now_or_never();
    let budget = match ready {
        Some(budget) => budget,
        None => {
            if feed.send(Feed::Flush).await.is_err() {
                return Ok(Err(Closed));
            }
            permits.bytes(cost).await
        }
    };
    let Item { uid, marks, date, body } = item;
    let size = lane.run.evident_size(len);
    match body {
        // Parked above.
        Body::Substitute { .. } => Ok(Ok(())),
        Body::Small(bytes) => {
            let fingerprint = Fingerprint::of_headers(&bytes);
            let body = IncomingBody::Small(bytes);
            let letter = Incoming { lane: lane.at, uid, marks, date, fingerprint, len, size, body, _budget: budget };
            Ok(feed.send(Feed::Letter(letter)).await.map_err(|_| Closed))
        }
        Body::Big { .. } => {
            let head = match read_head(stream).await {
                Ok(head) => head,
                Err(error) => return Err(scarred(lane, uid, error)),
            };
            let fingerprint = Fingerprint::of_headers(&head);
            let marks = match lane.run.pass.scars.goes_without_keywords(lane.folder, lane.into.other(), uid) {
                true => {
                    // They are news once more when the next pass looks.
                    lane.done().withheld = true;
                    without_keywords(&marks)
                }
                false => marks,
            };
            let (pieces, body) = mpsc::channel(2);
            let body = IncomingBody::Big(body);
            let letter = Incoming { lane: lane.at, uid, marks, date, fingerprint, len, size, body, _budget: budget };
            if feed.send(Feed::Letter(letter)).await.is_err() {
                return Ok(Err(Closed));
            }
            // Nobody may want the pieces: a message is refused by its length alone, or its folder has failed. What became
            // of it is known where it was to be appended, and the next message is as welcome as before.
            if pieces.send(Ok(head)).await.is_ok() {
                pump(lane, uid, stream, pieces).await?;
            }
            Ok(Ok(()))
        }
    }
}

/// The first pieces of a big message, until its header is complete.
pub async fn read_head(stream: &mut dyn BodyStream) -> Result<Bytes> {
    let mut head = BytesMut::new();
    while let Some(piece) = stream.chunk().await? {
        head.extend_from_slice(&piece);
        let ends = head.windows(4).any(|four| four == b"\r\n\r\n");
        if ends || head.len() >= HEAD_LIMIT {
            break;
        }
    }
    Ok(head.freeze())
}

/// Hands on the rest of a big message, until its end or until nobody wants it any more.
async fn pump(
    lane: &Lane<'_>,
    uid: Uid,
    stream: &mut dyn BodyStream,
    pieces: mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    loop {
        match stream.chunk().await {
            Ok(Some(piece)) => {
                if pieces.send(Ok(piece)).await.is_err() {
                    return Ok(());
                }
            }
            Ok(None) => return Ok(()),
            Err(error) => {
                // A literal that was begun cannot be taken back: the appending side breaks off, and the pass ends.
                let told =
                    Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("detail", "a message broke off");
                let _ = pieces.send(Err(told)).await;
                return Err(scarred(lane, uid, error));
            }
        }
    }
}

/// A big message that breaks in the middle takes the pass down; the next one knows.
fn scarred(lane: &Lane<'_>, uid: Uid, error: Error) -> Error {
    if !stops_the_pass(&error) || is_broken(&error) {
        lane.run.pass.scars.add(lane.folder, lane.into.other(), uid);
    }
    error
}
