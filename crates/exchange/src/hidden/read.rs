//! Reads messages of hidden folders one by one: of each there is one in memory.

use super::{Content, Mail, marks};
use crate::client::Transport;
use crate::op::MailSeen;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{Body, BodyStream, Item, ReadFrom};
use parom_domain::{InternalDate, Result, Uid};
use std::collections::VecDeque;
use std::sync::Arc;

/// A message up to this length is handed over whole.
const WHOLE_MAX: usize = 1 << 20;
/// The pieces of a longer one.
const PIECE: usize = 256 << 10;

pub struct Bodies<T> {
    mail: Arc<Mail<T>>,
    /// Those at hand and to come.
    folders: VecDeque<ReadFrom>,
    /// What is left of the folder at hand, once it was listed.
    left: Option<VecDeque<(Uid, MailSeen)>>,
    /// What is left of the big message at hand.
    rest: Bytes,
}

impl<T: Transport> Bodies<T> {
    pub fn new(mail: Arc<Mail<T>>, wanted: Vec<ReadFrom>) -> Bodies<T> {
        Bodies { mail, folders: wanted.into(), left: None, rest: Bytes::new() }
    }

    async fn next_seen(&mut self) -> Result<Option<(Uid, MailSeen)>> {
        let Some(from) = self.folders.front() else { return Ok(None) };
        if self.left.is_none() {
            // Should it fail, there is nothing more of this folder.
            self.left = Some(VecDeque::new());
            let chosen = self.mail.chosen(&from.folder, from.validity, |uid| from.uids.contains(uid)).await?;
            self.left = Some(chosen.into_iter().collect());
        }
        Ok(self.left.as_mut().and_then(VecDeque::pop_front))
    }
}

#[async_trait]
impl<T: Transport + 'static> BodyStream for Bodies<T> {
    async fn next(&mut self) -> Result<Option<Item>> {
        self.rest = Bytes::new();
        while let Some((uid, seen)) = self.next_seen().await? {
            let Content::Told(bytes) = self.mail.content(&seen).await? else { continue };
            let date = seen.received.map(|at| InternalDate { unix_s: at.as_second(), offset_min: 0 });
            let body = if bytes.len() <= WHOLE_MAX {
                Body::Small(bytes)
            } else {
                let len = bytes.len() as u64;
                self.rest = bytes;
                Body::Big { len }
            };
            return Ok(Some(Item { uid, marks: marks(&seen), date, body }));
        }
        Ok(None)
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Ok((!piece.is_empty()).then_some(piece))
    }

    async fn turn(&mut self) -> Result<bool> {
        (self.left, self.rest) = (None, Bytes::new());
        self.folders.pop_front();
        Ok(!self.folders.is_empty())
    }
}
