//! Reads bodies: several FETCHes under way, short bodies whole, long ones in pieces.

use crate::classify::{Answer, Request, classify};
use crate::command::{Command, WireName};
use crate::connection::Selected;
use crate::fetch::Fetched;
use crate::framer::Frame;
use crate::pool::Lent;
use crate::response::Response;
use crate::select::{Opening, ensure_open, select, validity_changed};
use crate::stamps::SET_BYTES;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{Body, BodyStream, Item};
use parom_domain::{Result, Scope, Uid, UidSet};
use std::collections::VecDeque;

/// A body up to this length is handed over whole.
pub const WHOLE_MAX: u64 = 1 << 20;
/// So many FETCHes are under way: enough that the server never waits for the next one.
const UNDER_WAY: usize = 4;

pub struct Bodies {
    conn: Lent,
    validity: u32,
    uids: UidSet,
    unsent: VecDeque<UidSet>,
    /// Commands without an answer: tags, and the messages each asked for.
    under_way: VecDeque<(u32, UidSet)>,
    /// The SELECT that goes ahead, until its answer is there.
    opening: Option<(u32, WireName, Opening)>,
    body: InHand,
}

/// What became of the body of the response that is being read.
enum InHand {
    /// There was none so far.
    Nothing,
    /// It is being collected.
    Coming,
    Whole(Bytes),
    /// The message was already handed over by its head.
    HandedOver,
    /// It is too long to hold, and the server had not said yet whose it is.
    Nameless,
}

impl Bodies {
    /// Sends the first commands. Without a round trip where the folder must be opened first: FETCH only reads, so it may
    /// follow SELECT at once, and nothing is handed over before the UIDVALIDITY is known.
    pub async fn start(mut conn: Lent, name: &WireName, validity: u32, uids: &UidSet) -> Result<Bodies> {
        let unsent = uids.chunks(SET_BYTES, conn.quirks.fetch_items).into();
        let open = conn.selected.as_ref().is_some_and(|it| it.name == *name && it.validity == validity);
        let command = select(&conn, name, "");
        let waits = command.parts().count() > 1;
        let mut opening = None;
        if open || !conn.quirks.pipelines_select || waits {
            ensure_open(&mut conn, name, validity).await?;
        } else {
            conn.selected = None;
            let tag = conn.push(&command);
            opening = Some((tag, name.clone(), Opening::default()));
        }
        conn.set_busy(true);
        conn.wire.announce_bodies(true);
        let uids = uids.clone();
        let under_way = VecDeque::new();
        let mut bodies = Bodies { conn, validity, uids, unsent, under_way, opening, body: InHand::Nothing };
        bodies.fill();
        Ok(bodies)
    }

    /// Keeps enough commands under way.
    fn fill(&mut self) {
        while self.under_way.len() < UNDER_WAY
            && let Some(set) = self.unsent.pop_front()
        {
            let what = format!("{set} (UID FLAGS INTERNALDATE BODY.PEEK[])");
            let tag = self.conn.push(&Command::new("UID FETCH", Request::Read).raw(&what));
            self.under_way.push_back((tag, set));
        }
    }

    /// Deals with one complete response: an item, or nothing.
    fn response(&mut self) -> Result<Option<Item>> {
        if self.conn.is_swallowed()? {
            return Ok(None);
        }
        let response = self.conn.current()?;
        if let Some((_, rest)) = response.numbered("FETCH") {
            let Some(fetched) = Fetched::parse(rest) else {
                return Err(self.conn.wire.nonsense("a FETCH response that does not add up"));
            };
            let body = match std::mem::replace(&mut self.body, InHand::Nothing) {
                InHand::Whole(body) => Some(body),
                // A short body may come as a quoted string.
                InHand::Nothing => fetched.body.as_ref().and_then(|body| body.as_deref().map(Bytes::copy_from_slice)),
                InHand::Nameless => {
                    // Asked for alone, the message needs no name.
                    self.unsent.extend(fetched.uid.map(|uid| UidSet::range(uid, uid)));
                    None
                }
                InHand::Coming | InHand::HandedOver => None,
            };
            let Some(body) = body else { return Ok(None) };
            return self.item(&fetched, Body::Small(body));
        }
        if let Response::Tagged(tag, condition) = response {
            let answer = Answer::of(&condition);
            return self.answered(tag, &answer).map(|()| None);
        }
        if let Some((_, _, opening)) = &mut self.opening
            && let Some(response) = Response::parse(self.conn.wire.response())
        {
            opening.note(&response);
        }
        Ok(None)
    }

    fn answered(&mut self, tag: u32, answer: &Answer) -> Result<()> {
        if let Some((_, name, opening)) = self.opening.take_if(|(opening, ..)| *opening == tag) {
            self.conn.checked(Request::Open, Some(answer.clone()))?;
            let found = opening.validity.unwrap_or(0);
            self.conn.selected = Some(Selected { name, validity: found });
            return if found == self.validity { Ok(()) } else { Err(validity_changed(&self.conn)) };
        }
        let Some(at) = self.under_way.iter().position(|(sent, _)| *sent == tag) else {
            return Err(self.conn.wire.nonsense("an answer to a command that was not sent"));
        };
        let asked = self.under_way.remove(at).map_or(0, |(_, asked)| asked.count());
        if answer.is_ok() {
            return Ok(());
        }
        let error = classify(Request::Read, answer).with("host", &self.conn.host);
        if asked > 1 && error.scope() == Scope::Item {
            // Which of them cannot be read is found out one by one; those that came are good.
            tracing::debug!(%error, asked, "a FETCH was refused in part");
            return Ok(());
        }
        if asked == 1 && answer.has_code("EXPUNGEISSUED") {
            return Ok(());
        }
        Err(error)
    }

    /// An item, unless nobody asked for it.
    fn item(&self, fetched: &Fetched<'_>, body: Body) -> Result<Option<Item>> {
        if self.opening.is_some() {
            return Err(self.conn.wire.nonsense("a message from a folder that is not open"));
        }
        let Some(uid) = fetched.uid.or_else(|| self.only_one()) else {
            return Err(self.conn.wire.nonsense("a body without its UID"));
        };
        let item = Item { uid, marks: fetched.marks().unwrap_or_default(), date: fetched.date(), body };
        Ok(self.uids.contains(uid).then_some(item))
    }

    /// The message that the oldest command asks for, when it is only one.
    fn only_one(&self) -> Option<Uid> {
        let (_, asked) = self.under_way.front()?;
        asked.first().filter(|first| asked.last() == Some(*first))
    }

    async fn skip_body(&mut self) -> Result<()> {
        while self.conn.wire.piece().await?.is_some() {}
        Ok(())
    }
}

#[async_trait]
impl BodyStream for Bodies {
    async fn next(&mut self) -> Result<Option<Item>> {
        // The last call may have been given up in the middle of a body.
        match self.body {
            InHand::Coming => self.body = InHand::Whole(self.conn.wire.body().await?),
            _ => self.skip_body().await?,
        }
        loop {
            self.fill();
            if self.under_way.is_empty() && self.opening.is_none() {
                self.conn.wire.announce_bodies(false);
                self.conn.set_busy(false);
                return Ok(None);
            }
            match self.conn.frame().await? {
                Frame::Body(length) if length <= WHOLE_MAX => {
                    self.body = InHand::Coming;
                    self.body = InHand::Whole(self.conn.wire.body().await?);
                }
                Frame::Body(len) => {
                    let Some(fetched) = self.conn.wire.head().and_then(Fetched::parse_head) else {
                        return Err(self.conn.wire.nonsense("a body outside of a FETCH response"));
                    };
                    if fetched.uid.is_none() && self.only_one().is_none() {
                        self.body = InHand::Nameless;
                        self.skip_body().await?;
                        continue;
                    }
                    let item = self.item(&fetched, Body::Big { len })?;
                    self.body = InHand::HandedOver;
                    match item {
                        Some(item) => return Ok(Some(item)),
                        None => self.skip_body().await?,
                    }
                }
                Frame::Response => {
                    if let Some(item) = self.response()? {
                        return Ok(Some(item));
                    }
                }
            }
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.conn.wire.piece().await
    }
}
