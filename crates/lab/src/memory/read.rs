//! Bodies on their way out of a memory server.

use super::endpoint::MemoryEndpoint;
use super::refusal;
use super::server::MemoryServer;
use super::steps::Steps;
use super::switches::ReadFault;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{Body, BodyStream, Item, ReadFrom};
use parom_domain::{Result, Uid};
use std::collections::VecDeque;

/// The size of the pieces of a big body.
const CHUNK: usize = 64 << 10;

/// Hands out these messages one step each; one that is expunged meanwhile is missing.
pub(super) fn stream(endpoint: &MemoryEndpoint, wanted: Vec<ReadFrom>) -> Box<dyn BodyStream> {
    Box::new(MemoryBodies {
        name: endpoint.name.clone(),
        server: endpoint.server.clone(),
        steps: endpoint.steps.clone(),
        folders: wanted.into(),
        open: None,
        big: Bytes::new(),
        broken: false,
    })
}

struct MemoryBodies {
    name: String,
    server: MemoryServer,
    steps: Steps,
    /// The first one is at hand.
    folders: VecDeque<ReadFrom>,
    /// What is still to come of it, once it was opened.
    open: Option<std::vec::IntoIter<Uid>>,
    /// What is left of the big body under way.
    big: Bytes,
    /// The connection is gone for good.
    broken: bool,
}

impl MemoryBodies {
    fn step(&mut self, what: &str) -> Result<()> {
        if self.broken {
            return Err(refusal::lost(&self.name, what));
        }
        let step = self.steps.step(&format!("{} {what}", self.name));
        self.broken = step.is_err();
        step
    }

    /// Opens the folder at hand; what was asked for of it, less what the server leaves out.
    fn opened(&mut self) -> Result<Vec<Uid>> {
        self.step("read")?;
        let Some(ReadFrom { folder, validity, uids }) = self.folders.front() else { return Ok(Vec::new()) };
        self.server.look(|world| {
            let seen = world.opened(&self.name, folder, Some(*validity))?;
            let mut wanted = Vec::new();
            for (uid, message) in seen.messages.iter().filter(|(uid, _)| uids.contains(**uid)) {
                match world.switches.read_fault(&message.bytes) {
                    Some(ReadFault::Refused | ReadFault::RefusedWithHeaders) => {
                        return Err(refusal::unreadable(&self.name, folder, *uid));
                    }
                    Some(ReadFault::Missing) => {}
                    Some(ReadFault::BreaksConnection | ReadFault::SendsAway) | None => wanted.push(*uid),
                }
            }
            Ok(wanted)
        })
    }
}

#[async_trait]
impl BodyStream for MemoryBodies {
    async fn next(&mut self) -> Result<Option<Item>> {
        self.big = Bytes::new();
        let mut left = match self.open.take() {
            Some(left) => left,
            None => self.opened()?.into_iter(),
        };
        loop {
            self.step("read body")?;
            let Some(uid) = left.next() else {
                self.open = Some(left);
                return Ok(None);
            };
            let (found, big_from) = self.server.look(|world| {
                let folder = self.folders.front().and_then(|at| world.folder(&self.name, &at.folder).ok());
                (folder.and_then(|folder| folder.messages.get(&uid).cloned()), world.switches.big_from)
            });
            let Some(message) = found else { continue };
            let fault = match self.server.look(|world| world.switches.read_fault(&message.bytes)) {
                Some(ReadFault::BreaksConnection) => Some(refusal::lost(&self.name, "read body")),
                Some(ReadFault::SendsAway) => Some(refusal::sent_away(&self.name)),
                Some(ReadFault::Missing | ReadFault::Refused | ReadFault::RefusedWithHeaders) | None => None,
            };
            if let Some(fault) = fault {
                self.broken = true;
                return Err(fault);
            }
            self.server.count_body();
            let len = message.bytes.len() as u64;
            let body = if len >= big_from {
                self.big = message.bytes;
                Body::Big { len }
            } else {
                Body::Small(message.bytes)
            };
            self.open = Some(left);
            return Ok(Some(Item { uid, marks: message.marks, date: message.date, body }));
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if self.big.is_empty() {
            return Ok(None);
        }
        self.step("read chunk")?;
        let len = self.big.len().min(CHUNK);
        Ok(Some(self.big.split_to(len)))
    }

    async fn turn(&mut self) -> Result<bool> {
        if self.broken {
            return Err(refusal::lost(&self.name, "read"));
        }
        self.folders.pop_front();
        (self.open, self.big) = (None, Bytes::new());
        Ok(!self.folders.is_empty())
    }
}
