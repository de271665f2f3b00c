//! Writes to hidden folders: messages, marks, moves, removals. Nothing of it reaches anybody but the owner.

use super::{Listed, Mail, ids};
use crate::classify::{About, classify, is_gone};
use crate::client::Transport;
use crate::envelope::Refusal;
use crate::item::ItemId;
use crate::op::{CreateMail, ExpungeMail, FolderRef, GetNumbers, MarkMail, MoveItem};
use crate::rescue::MOST_BYTES;
use crate::version::Feature;
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use parom_domain::endpoint::{BatchOutcome, Landed, Letter, LetterBody, MarkChange, Removed, Shifted, Writer};
use parom_domain::{Code, Error, FolderPath, Marks, Result, Retry, Scope, Uid, UidSet};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// So many items go into one request.
const AT_ONCE: usize = 100;

impl<T: Transport> Mail<T> {
    pub(super) async fn mark(&self, folder: &FolderPath, listed: &Listed, change: &MarkChange) -> Result<()> {
        let said = |bit: u8| {
            let is_in = |marks: &Marks| marks.system() & bit != 0;
            if is_in(&change.add) { Some(true) } else { is_in(&change.remove).then_some(false) }
        };
        let (read, flagged, answered) = (said(Marks::SEEN), said(Marks::FLAGGED), said(Marks::ANSWERED));
        if [read, flagged, answered] == [None; 3] {
            return Ok(());
        }
        let there: Listed = change.uids.iter().filter_map(|uid| Some((uid, listed.get(&uid)?.clone()))).collect();
        if read == Some(true) {
            self.keep_silent(folder, &there)?;
        }
        for items in ids(&there).chunks(AT_ONCE) {
            let items = items.iter().map(|(_, id)| id.clone()).collect();
            for outcome in self.tree.client.ask(&MarkMail { items, read, flagged, answered }).await? {
                self.done(Code::ChangeRefused, folder, outcome)?;
            }
        }
        Ok(())
    }

    pub(super) async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        let there = self.chosen(folder, validity, |uid| uids.contains(uid)).await?;
        self.keep_silent(folder, &there)?;
        let mut removed = Removed::default();
        for some in ids(&there).chunks(AT_ONCE) {
            let items = some.iter().map(|(_, id)| id.clone()).collect();
            let outcomes = self.tree.client.ask(&ExpungeMail { items }).await?;
            for ((uid, _), outcome) in some.iter().zip(outcomes) {
                if self.done(Code::ChangeRefused, folder, outcome)? {
                    removed.there.insert(*uid);
                }
            }
        }
        Ok(removed)
    }

    /// Into any folder of the mailbox. The new number is told only where it is one that we go by.
    pub(super) async fn shift(
        &self,
        (from, from_validity): (&FolderPath, u32),
        uids: &UidSet,
        (to, to_validity): (&FolderPath, u32),
    ) -> Result<Vec<Shifted>> {
        let is_ours = super::is_hidden(to);
        let place = match is_ours {
            true => self.place(to, Some(to_validity)).await?.id,
            false => {
                let folder = self.tree.find(to).await?;
                folder.ok_or_else(|| self.about(Code::FolderGone, Retry::Soon, to))?.id
            }
        };
        let there = self.chosen(from, from_validity, |uid| uids.contains(uid)).await?;
        let mut shifted = Vec::new();
        for some in ids(&there).chunks(AT_ONCE) {
            let items = some.iter().map(|(_, id)| id.clone()).collect();
            let outcomes = self.tree.client.ask(&MoveItem { to: FolderRef::Id(place.clone()), items }).await?;
            let mut landed: Vec<(Uid, ItemId)> = Vec::new();
            for ((old, _), outcome) in some.iter().zip(outcomes) {
                match outcome {
                    Ok(new) => landed.push((*old, new)),
                    Err(refusal) if is_gone(&refusal.code) => {}
                    Err(refusal) => return Err(self.refusal(Code::ChangeRefused, from, &refusal)),
                }
            }
            let news = match is_ours {
                true => self.numbers(landed.iter().map(|(_, id)| id.clone()).collect()).await?,
                false => HashMap::new(),
            };
            shifted.extend(landed.into_iter().map(|(old, id)| Shifted {
                old,
                new: news.get(&id.id).copied(),
                overtaken: false,
                kept: false,
                doubted: false,
            }));
        }
        Ok(shifted)
    }

    /// By which numbers items are known, where the server tells.
    async fn numbers(&self, items: Vec<ItemId>) -> Result<HashMap<String, Uid>> {
        if items.is_empty() {
            return Ok(HashMap::new());
        }
        let told = self.tree.client.ask(&GetNumbers { items: items.clone() }).await?;
        let numbers = items.into_iter().zip(told).filter_map(|(id, told)| Some((id.id, Uid::new(told.ok()??)?)));
        Ok(numbers.collect())
    }

    /// The folder in which the one at this path stands.
    pub(super) async fn parent(&self, folder: &FolderPath) -> Result<FolderRef> {
        match folder.parent() {
            None => Ok(FolderRef::Known("msgfolderroot")),
            Some(parent) => match self.tree.find(&parent).await? {
                Some(parent) => Ok(FolderRef::Id(parent.id)),
                None => Err(self.about(Code::FolderGone, Retry::Soon, &parent)),
            },
        }
    }

    pub(super) fn refused(&self, folder: &FolderPath, refusal: &Refusal) -> Error {
        self.refusal(Code::FolderRefused, folder, refusal)
    }

    /// What concerns no more than this folder is called by `code`.
    fn refusal(&self, code: Code, folder: &FolderPath, refusal: &Refusal) -> Error {
        let error = classify(About::MailWrite, refusal);
        let error = match error.scope() {
            Scope::Item | Scope::Folder => {
                Error::new(code, Scope::Folder, error.retry()).with("answer", error.arg("answer").unwrap_or_default())
            }
            _ => error,
        };
        error.with("host", self.tree.client.host()).with("folder", folder)
    }

    /// Was it there? One that is gone meanwhile needs no change.
    fn done(&self, code: Code, folder: &FolderPath, outcome: std::result::Result<(), Refusal>) -> Result<bool> {
        match outcome {
            Ok(()) => Ok(true),
            Err(refusal) if is_gone(&refusal.code) => Ok(false),
            Err(refusal) => Err(self.refusal(code, folder, &refusal)),
        }
    }

    /// INVARIANT: nobody gets a receipt because of us. An Exchange before 2013 SP1 cannot be told to send none.
    fn keep_silent(&self, folder: &FolderPath, there: &Listed) -> Result<()> {
        let is_told = self.tree.client.version().knows(Feature::SuppressReadReceipts);
        if is_told || !there.values().any(|seen| seen.asks_receipt && !seen.is_read) {
            return Ok(());
        }
        let held = self.about(Code::ChangeRefused, Retry::WhenFixed, folder);
        Err(held.with("answer", "this Exchange would send a receipt for an unread message"))
    }

    async fn post(&self, folder: &FolderPath, validity: u32, letter: Letter) -> Result<BatchOutcome> {
        let place = self.place(folder, Some(validity)).await?;
        let Some(content) = whole(letter.body).await? else {
            let limit = MOST_BYTES.to_string();
            let error = Error::new(Code::MessageTooLarge, Scope::Item, Retry::WhenFixed);
            return Ok(BatchOutcome::Refused(error.with("host", self.tree.client.host()).with("limit", limit)));
        };
        let create = CreateMail {
            folder: FolderRef::Id(place.id),
            content,
            received: letter.date.and_then(|date| Timestamp::from_second(date.unix_s).ok()),
            is_read: letter.marks.seen(),
            is_flagged: letter.marks.system() & Marks::FLAGGED != 0,
            is_answered: letter.marks.system() & Marks::ANSWERED != 0,
        };
        match self.tree.client.ask(&create).await? {
            Ok(id) => {
                // Where it cannot be told it is looked up later, like any that came back without a UID.
                let numbers = self.numbers(vec![id.clone()]).await.unwrap_or_default();
                let uid = numbers.get(&id.id).copied();
                Ok(BatchOutcome::Landed(vec![Landed { validity: Some(validity), uid }]))
            }
            Err(refusal) => match classify(About::MailWrite, &refusal) {
                // The answer to a request that is not known to have failed is looked up by the next pass.
                error if error.scope() > Scope::Item => Err(error.with("host", self.tree.client.host())),
                error => Ok(BatchOutcome::Refused(error.with("host", self.tree.client.host()))),
            },
        }
    }
}

/// All of a body; `None` where it is more than is taken.
async fn whole(body: LetterBody) -> Result<Option<Bytes>> {
    let mut chunks = match body {
        LetterBody::Small(bytes) => return Ok(Some(bytes).filter(|bytes| bytes.len() <= MOST_BYTES)),
        LetterBody::Big { len, .. } if len > MOST_BYTES as u64 => return Ok(None),
        LetterBody::Big { chunks, .. } => chunks,
    };
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes.freeze()))
}

/// A lane into hidden folders. Each message is sent and answered before the next one.
pub struct Posting<T> {
    mail: Arc<Mail<T>>,
    answered: VecDeque<BatchOutcome>,
}

impl<T> Posting<T> {
    pub fn new(mail: Arc<Mail<T>>) -> Posting<T> {
        Posting { mail, answered: VecDeque::new() }
    }
}

#[async_trait]
impl<T: Transport + 'static> Writer for Posting<T> {
    /// What is not known to have failed or landed ends in an error here: the announcement stays, and the next pass looks for it.
    async fn send(&mut self, folder: &FolderPath, validity: u32, batch: Vec<Letter>) -> Result<()> {
        let mut landed = Vec::with_capacity(batch.len());
        for letter in batch {
            match self.mail.post(folder, validity, letter).await? {
                BatchOutcome::Landed(mut one) => landed.append(&mut one),
                refused @ BatchOutcome::Refused(_) => {
                    self.answered.push_back(refused);
                    return Ok(());
                }
            }
        }
        self.answered.push_back(BatchOutcome::Landed(landed));
        Ok(())
    }

    async fn outcome(&mut self) -> Option<Result<BatchOutcome>> {
        self.answered.pop_front().map(Ok)
    }
}
