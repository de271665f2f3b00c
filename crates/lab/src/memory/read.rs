//! Bodies on their way out of a memory server.

use super::endpoint::MemoryEndpoint;
use super::refusal;
use super::server::MemoryServer;
use super::steps::Steps;
use super::switches::ReadFault;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{Body, BodyStream, Item};
use parom_domain::{FolderPath, Result, Uid};

/// The size of the pieces of a big body.
const CHUNK: usize = 64 << 10;

/// Hands out these messages one step each; one that is expunged meanwhile is missing.
pub(super) fn stream(endpoint: &MemoryEndpoint, folder: &FolderPath, wanted: Vec<Uid>) -> Box<dyn BodyStream> {
    Box::new(MemoryBodies {
        name: endpoint.name.clone(),
        server: endpoint.server.clone(),
        steps: endpoint.steps.clone(),
        folder: folder.clone(),
        wanted: wanted.into_iter(),
        big: Bytes::new(),
        broken: false,
    })
}

struct MemoryBodies {
    name: String,
    server: MemoryServer,
    steps: Steps,
    folder: FolderPath,
    wanted: std::vec::IntoIter<Uid>,
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
}

#[async_trait]
impl BodyStream for MemoryBodies {
    async fn next(&mut self) -> Result<Option<Item>> {
        self.big = Bytes::new();
        loop {
            self.step("read body")?;
            let Some(uid) = self.wanted.next() else { return Ok(None) };
            let (found, big_from) = self.server.look(|world| {
                let folder = world.folder(&self.name, &self.folder).ok();
                (folder.and_then(|folder| folder.messages.get(&uid).cloned()), world.switches.big_from)
            });
            let Some(message) = found else { continue };
            if self.server.look(|world| world.switches.read_fault(&message.bytes)) == Some(ReadFault::BreaksConnection)
            {
                self.broken = true;
                return Err(refusal::lost(&self.name, "read body"));
            }
            self.server.count_body();
            let len = message.bytes.len() as u64;
            let body = if len >= big_from {
                self.big = message.bytes;
                Body::Big { len }
            } else {
                Body::Small(message.bytes)
            };
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
}
