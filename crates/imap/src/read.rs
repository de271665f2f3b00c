//! Reads bodies: several FETCHes under way, short bodies whole, long ones in pieces.

use crate::classify::{Answer, Request, classify};
use crate::command::{Command, WireName};
use crate::fetch::Fetched;
use crate::framer::Frame;
use crate::pool::Lent;
use crate::response::Response;
use crate::select::{Opening, ensure_open, select, validity_changed};
use crate::stamps::SET_BYTES;
use crate::substitute::substituted_subject;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{Body, BodyStream, Item, ReadFrom};
use parom_domain::{Result, Scope, Uid, UidSet};
use std::collections::VecDeque;

/// A body up to this length is handed over whole.
pub const WHOLE_MAX: u64 = 1 << 20;
/// So many FETCHes are under way: enough that the server never waits for the next one.
const UNDER_WAY: usize = 4;

pub struct Bodies {
    conn: Lent,
    /// The first one is at hand. Those behind it may have been asked for already.
    folders: VecDeque<Folder>,
    body: InHand,
}

/// A folder on the way.
struct Folder {
    name: WireName,
    validity: u32,
    uids: UidSet,
    unsent: VecDeque<UidSet>,
    /// Commands without an answer: tags, and the messages each asked for.
    under_way: VecDeque<(u32, UidSet)>,
    opening: Opens,
    /// It could not be opened, or is another one: nothing that comes is of it.
    failed: bool,
}

enum Opens {
    /// Nothing was sent yet.
    Not,
    /// The SELECT is under way.
    Asked(u32, Opening),
    Open,
}

impl Folder {
    fn new(name: WireName, from: &ReadFrom, items: u32) -> Folder {
        Folder {
            name,
            validity: from.validity,
            uids: from.uids.clone(),
            unsent: from.uids.chunks(SET_BYTES, items).into(),
            under_way: VecDeque::new(),
            opening: Opens::Not,
            failed: false,
        }
    }

    fn is_done(&self) -> bool {
        let asked = matches!(self.opening, Opens::Open) && self.unsent.is_empty();
        self.under_way.is_empty() && (asked || self.failed)
    }
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
    /// Sends the first commands. Without a round trip where folders must be opened first: FETCH only reads, so it may follow
    /// SELECT at once, and nothing is handed over before the UIDVALIDITY is known.
    pub async fn start(mut conn: Lent, names: Vec<WireName>, wanted: &[ReadFrom]) -> Result<Bodies> {
        let items = conn.quirks.fetch_items;
        let mut folders: VecDeque<Folder> =
            names.into_iter().zip(wanted).map(|(name, from)| Folder::new(name, from, items)).collect();
        if let Some(first) = folders.front_mut()
            && conn.selected.as_ref().is_some_and(|it| it.name == first.name && it.validity == first.validity)
        {
            ensure_open(&mut conn, &first.name, first.validity).await?;
            first.opening = Opens::Open;
        }
        conn.set_busy(true);
        conn.wire.announce_bodies(true);
        let mut bodies = Bodies { conn, folders, body: InHand::Nothing };
        bodies.fill();
        Ok(bodies)
    }

    /// Keeps enough commands under way, those of the folders to come among them.
    fn fill(&mut self) {
        let mut commands: usize = self.folders.iter().map(|folder| folder.under_way.len()).sum();
        let asked = self.folders.iter().flat_map(|folder| &folder.under_way).map(|(_, set)| set.count());
        let mut messages: u64 = asked.sum();
        let enough = UNDER_WAY as u64 * u64::from(self.conn.quirks.fetch_items);
        for at in 0..self.folders.len() {
            let Some(folder) = self.folders.get_mut(at) else { return };
            if matches!(folder.opening, Opens::Not) {
                let command = select(&self.conn, &folder.name, "");
                let waits = command.parts().count() > 1;
                // A SELECT that has to wait for the server's go-ahead is for `open` to send.
                if commands >= self.conn.quirks.depth || waits || at > 0 && !self.conn.quirks.pipelines_select {
                    return;
                }
                self.conn.selected = None;
                folder.opening = Opens::Asked(self.conn.push(&command), Opening::default());
            }
            if !self.conn.quirks.pipelines_select && !matches!(folder.opening, Opens::Open) {
                return;
            }
            while let Some(set) = folder.unsent.pop_front() {
                let many = commands >= UNDER_WAY && messages + set.count() > enough;
                if many || commands >= self.conn.quirks.depth {
                    folder.unsent.push_front(set);
                    return;
                }
                let what = format!("{set} (UID FLAGS INTERNALDATE BODY.PEEK[])");
                let tag = self.conn.push(&Command::new("UID FETCH", Request::Read).raw(&what));
                messages += set.count();
                commands += 1;
                folder.under_way.push_back((tag, set));
            }
        }
    }

    /// Opens the folder at hand where nothing else may be under way with its SELECT.
    async fn open(&mut self) -> Result<()> {
        let Some(folder) = self.folders.front_mut().filter(|folder| matches!(folder.opening, Opens::Not)) else {
            return Ok(());
        };
        self.conn.wire.announce_bodies(false);
        let opened = ensure_open(&mut self.conn, &folder.name, folder.validity).await;
        // `ensure_open` gives the connection back, but its answers are ours.
        self.conn.set_busy(true);
        self.conn.wire.announce_bodies(true);
        folder.failed = opened.is_err();
        folder.opening = Opens::Open;
        opened?;
        // Nothing has been asked yet about what is open now, and an answer is what `next` waits for.
        self.fill();
        Ok(())
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
                    // Asked for alone, the message needs no name. Where the next folder is open already, it is missing.
                    let alone = fetched.uid.map(|uid| UidSet::range(uid, uid));
                    let next = self.folders.get(1).is_some_and(|next| !matches!(next.opening, Opens::Not));
                    if let Some(folder) = self.folders.front_mut().filter(|_| !next) {
                        folder.unsent.extend(alone);
                    }
                    None
                }
                InHand::Coming | InHand::HandedOver => None,
            };
            let Some(body) = body else { return Ok(None) };
            let uid = fetched.uid.or_else(|| self.only_one()).filter(|_| self.conn.quirks.substitutes);
            let subject = uid.and_then(|uid| substituted_subject(&body, uid));
            let body = subject.map_or(Body::Small(body), |subject| Body::Substitute { subject });
            return self.item(&fetched, body);
        }
        if let Response::Tagged(tag, condition) = response {
            let answer = Answer::of(&condition);
            return self.answered(tag, &answer).map(|()| None);
        }
        if let Some(Folder { opening: Opens::Asked(_, opening), .. }) = self.folders.front_mut()
            && let Some(response) = Response::parse(self.conn.wire.response())
        {
            opening.note(&response);
        }
        Ok(None)
    }

    fn answered(&mut self, tag: u32, answer: &Answer) -> Result<()> {
        let Some(folder) = self.folders.front_mut() else {
            return Err(self.conn.wire.nonsense("an answer to a command that was not sent"));
        };
        if let Opens::Asked(sent, opening) = &folder.opening
            && *sent == tag
        {
            let mut opening = opening.clone();
            opening.note_answer(answer);
            let found = opening.validity.unwrap_or(0);
            folder.opening = Opens::Open;
            folder.failed = true;
            self.conn.selected = None;
            self.conn.checked(Request::Open, Some(answer.clone()))?;
            // Where the next SELECT has been sent already, that folder is the open one when all is read.
            self.conn.selected = Some(opening.selected(&folder.name));
            folder.failed = found != folder.validity;
            return if folder.failed { Err(validity_changed(&self.conn)) } else { Ok(()) };
        }
        let Some(at) = folder.under_way.iter().position(|(sent, _)| *sent == tag) else {
            return Err(self.conn.wire.nonsense("an answer to a command that was not sent"));
        };
        let asked = folder.under_way.remove(at).map_or(0, |(_, asked)| asked.count());
        if answer.is_ok() || folder.failed {
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
        let Some(folder) = self.folders.front() else { return Ok(None) };
        if !matches!(folder.opening, Opens::Open) {
            return Err(self.conn.wire.nonsense("a message from a folder that is not open"));
        }
        if folder.failed {
            return Ok(None);
        }
        let Some(uid) = fetched.uid.or_else(|| self.only_one()) else {
            return Err(self.conn.wire.nonsense("a body without its UID"));
        };
        let item = Item { uid, marks: fetched.marks().unwrap_or_default(), date: fetched.date(), body };
        Ok(folder.uids.contains(uid).then_some(item))
    }

    /// The message that the oldest command asks for, when it is only one.
    fn only_one(&self) -> Option<Uid> {
        let (_, asked) = self.folders.front()?.under_way.front()?;
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
            self.open().await?;
            if self.folders.front().is_none_or(Folder::is_done) {
                if self.folders.len() <= 1 {
                    self.conn.wire.announce_bodies(false);
                    self.conn.set_busy(false);
                }
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

    async fn turn(&mut self) -> Result<bool> {
        // Whatever the folder at hand still has to say must not be taken for the next one's.
        if let Some(folder) = self.folders.front_mut() {
            folder.unsent.clear();
        }
        loop {
            match self.next().await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) if error.scope() <= Scope::Folder => {}
                Err(error) => return Err(error),
            }
        }
        self.folders.pop_front();
        Ok(!self.folders.is_empty())
    }
}
