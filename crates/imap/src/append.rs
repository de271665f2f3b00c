//! Carries messages into a folder: batches under way one behind the other, long bodies in pieces.

use crate::classify::{Answer, Request, classify};
use crate::command::{Command, Literals, WireName};
use crate::folders;
use crate::names::SharedNames;
use crate::pool::{Lent, again};
use crate::response::{Condition, Response, ranges};
use crate::select::validity_changed;
use crate::tokens::Token;
use async_trait::async_trait;
use parom_domain::endpoint::{BatchOutcome, Chunks, Landed, Letter, LetterBody, Writer};
use parom_domain::{Error, FolderPath, Result, Uid};
use std::collections::VecDeque;

/// So much of a long body may wait for the network.
const UNSENT_MAX: usize = 512 * 1024;

pub struct Appender {
    conn: Lent,
    names: SharedNames,
    literals: Literals,
    /// Batches without an answer: tag and number of messages.
    under_way: VecDeque<(u32, usize)>,
    /// Answers that nobody has asked for yet.
    outcomes: VecDeque<Result<BatchOutcome>>,
}

/// How the wait for a literal's go-ahead ended.
enum Wait {
    Granted,
    /// The command has its answer already: nothing more of it may be sent.
    Refused,
}

impl Appender {
    #[must_use]
    pub fn new(conn: Lent, names: SharedNames) -> Appender {
        let literals = conn.literals();
        Appender { conn, names, literals, under_way: VecDeque::new(), outcomes: VecDeque::new() }
    }

    /// The folder's name on the wire. APPEND names no UIDVALIDITY: the one just observed (or told by LIST) is believed
    /// without another round trip; should the folder be replaced in this moment, APPENDUID tells, and recovery does the rest.
    async fn destination(&mut self, folder: &FolderPath, validity: u32) -> Result<WireName> {
        let known = self.names.with(|names| {
            let name = names.name(folder)?;
            let validity = names.validity(&name);
            Ok((name, validity))
        });
        let known = known.ok_or_else(|| Error::internal("a message for a folder that was never listed"))?;
        let (name, told) = known.map_err(|refused: Error| refused.with("host", &self.conn.host))?;
        if told == Some(validity) {
            return Ok(name);
        }
        // Answers to batches come first: nothing else may be asked while they are outstanding.
        while !self.under_way.is_empty() {
            self.conn.advance().await?;
            self.note()?;
        }
        let told = folders::validity(&mut self.conn, &name).await?;
        self.names.with(|names| names.set_validity(&name, told));
        if told == validity { Ok(name) } else { Err(validity_changed(&self.conn)) }
    }

    async fn transmit(&mut self, name: &WireName, tag: u32, batch: Vec<Letter>) -> Result<()> {
        let opening = Command::new("APPEND", Request::Append).string(name, self.literals);
        for (at, part) in opening.parts().enumerate() {
            if at > 0
                && let Wait::Refused = self.wait(tag).await?
            {
                return Ok(());
            }
            self.conn.wire.push(part);
        }
        for letter in batch {
            let len = match &letter.body {
                LetterBody::Small(body) => body.len() as u64,
                LetterBody::Big { len, .. } => *len,
            };
            self.conn.wire.push(preamble(&letter, self.literals.announce(len)).as_bytes());
            if self.literals.waits(len)
                && let Wait::Refused = self.wait(tag).await?
            {
                return Ok(());
            }
            match letter.body {
                LetterBody::Small(body) => self.conn.wire.push_body(body),
                LetterBody::Big { len, chunks } => self.stream(len, chunks).await?,
            }
        }
        self.conn.wire.push(b"\r\n");
        self.conn.wire.send_down_to(0).await
    }

    async fn stream(&mut self, len: u64, mut chunks: Box<dyn Chunks>) -> Result<()> {
        let mut left = len;
        while let Some(chunk) = chunks.next().await? {
            left = left
                .checked_sub(chunk.len() as u64)
                .ok_or_else(|| Error::internal("a body is longer than was announced"))?;
            self.conn.wire.push_body(chunk);
            self.conn.wire.send_down_to(UNSENT_MAX).await?;
        }
        if left == 0 { Ok(()) } else { Err(Error::internal("a body is shorter than was announced")) }
    }

    /// Waits for the go-ahead for a literal; answers to earlier batches come first.
    async fn wait(&mut self, tag: u32) -> Result<Wait> {
        loop {
            self.conn.advance().await?;
            if let Response::Continue(_) = self.conn.current()? {
                return Ok(Wait::Granted);
            }
            self.note()?;
            if !self.under_way.iter().any(|(sent, _)| *sent == tag) {
                return Ok(Wait::Refused);
            }
        }
    }

    /// Takes the response that has just come.
    fn note(&mut self) -> Result<()> {
        let Response::Tagged(tag, condition) = self.conn.current()? else { return Ok(()) };
        // Servers answer APPENDs in order; an answer out of turn would be given to the wrong batch.
        let (sent, count) = match self.under_way.front() {
            Some(front) => *front,
            None => return Err(self.conn.wire.nonsense("an answer to a command that was not sent")),
        };
        if sent != tag {
            return Err(self.conn.wire.nonsense("an answer out of turn"));
        }
        let answer = Answer::of(&condition);
        let outcome = if answer.is_ok() {
            BatchOutcome::Landed(landed(&condition, count, self.conn.ext.uidplus))
        } else {
            BatchOutcome::Refused(classify(Request::Append, &answer).with("host", &self.conn.host))
        };
        self.under_way.pop_front();
        self.outcomes.push_back(Ok(outcome));
        if self.under_way.is_empty() {
            self.conn.set_busy(false);
        }
        Ok(())
    }
}

#[async_trait]
impl Writer for Appender {
    async fn send(&mut self, folder: &FolderPath, validity: u32, batch: Vec<Letter>) -> Result<()> {
        if batch.is_empty() {
            return Err(Error::internal("an empty batch"));
        }
        let name = self.destination(folder, validity).await.map_err(|error| error.with("folder", folder))?;
        let count = batch.len();
        self.conn.set_busy(true);
        let tag = self.conn.begin("APPEND");
        self.under_way.push_back((tag, count));
        let sent = self.transmit(&name, tag, batch).await;
        if sent.is_err() {
            // Its fate is unknown, and the caller knows that from here; the connection is of no use any more.
            self.under_way.retain(|(sent, _)| *sent != tag);
            self.conn.discard();
        }
        sent
    }

    async fn outcome(&mut self) -> Option<Result<BatchOutcome>> {
        while self.outcomes.is_empty() && !self.under_way.is_empty() {
            let step = match self.conn.advance().await {
                Ok(()) => self.note(),
                Err(error) => Err(error),
            };
            if let Err(error) = step {
                // Nothing is known about any of them.
                for _ in self.under_way.drain(..).skip(1) {
                    self.outcomes.push_back(Err(again(&error)));
                }
                self.conn.discard();
                return Some(Err(error));
            }
        }
        self.outcomes.pop_front()
    }
}

/// What stands before a message: flags, date, and the announcement of its literal.
fn preamble(letter: &Letter, announcement: String) -> String {
    let mut text = String::with_capacity(80);
    text.push_str(" (");
    for (at, name) in letter.marks.names().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(name);
    }
    text.push_str(") ");
    if let Some(date) = letter.date {
        text.push_str(&format!("\"{date}\" "));
    }
    text + &announcement
}

/// The UIDs of `[APPENDUID validity uids]` in the order of the batch (RFC 4315 section 3). If there are not as many as
/// messages, none is believed.
fn landed(condition: &Condition<'_>, count: usize, uidplus: bool) -> Vec<Landed> {
    let unknown = Landed { validity: None, uid: None };
    let Some(mut code) = condition.code("APPENDUID").filter(|_| uidplus) else { return vec![unknown; count] };
    let validity = code.next().and_then(Token::number).and_then(|value| u32::try_from(value).ok());
    let uids = match code.next() {
        Some(Token::Atom(set)) => expanded(set, count),
        _ => None,
    };
    match uids {
        Some(uids) => uids.into_iter().map(|uid| Landed { validity, uid: Some(uid) }).collect(),
        None => vec![Landed { validity, uid: None }; count],
    }
}

/// Exactly `count` UIDs in the order of the set.
pub fn expanded(set: &[u8], count: usize) -> Option<Vec<Uid>> {
    let mut uids = Vec::with_capacity(count);
    for (first, last) in ranges(set) {
        for uid in first.get()..=last.get() {
            if uids.len() == count {
                return None;
            }
            uids.extend(Uid::new(uid));
        }
    }
    (uids.len() == count).then_some(uids)
}
