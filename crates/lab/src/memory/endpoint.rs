//! One pass's view of a memory server through the `Endpoint` port.

use super::refusal;
use super::server::MemoryServer;
use super::steps::Steps;
use super::switches::{Omission, ReadFault};
use super::world::{Folder, World};
use async_trait::async_trait;
use parom_domain::endpoint::{
    Abilities, BodyStream, Cursor, Endpoint, Listing, MarkChange, Marked, ReadFrom, Removed, Shifted, Sighting,
    Snapshot, Stamp, Writer,
};
use parom_domain::{Fingerprint, FolderPath, Marks, Result, Role, Uid, UidSet};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Each call is one step before its effect and, where it changes something, a second one before its answer.
pub struct MemoryEndpoint {
    pub(super) name: String,
    pub(super) server: MemoryServer,
    pub(super) steps: Steps,
    /// The mod-sequence of each folder at the last look, so that [`Endpoint::wait`] misses nothing that came since.
    looked: Mutex<HashMap<FolderPath, u64>>,
}

impl MemoryEndpoint {
    /// `name` is the host in errors and the first word in the names of steps.
    #[must_use]
    pub fn new(name: &str, server: MemoryServer, steps: Steps) -> MemoryEndpoint {
        MemoryEndpoint { name: name.to_owned(), server, steps, looked: Mutex::default() }
    }

    fn step(&self, what: &str) -> Result<()> {
        self.steps.step(&format!("{} {what}", self.name))
    }

    /// A question: one step, no effect.
    fn ask<T>(&self, what: &str, look: impl FnOnce(&World) -> Result<T>) -> Result<T> {
        self.step(what)?;
        self.server.look(look)
    }

    /// An effect: one step before it and one before its answer.
    fn act<T>(&self, what: &str, change: impl FnOnce(&mut World) -> Result<T>) -> Result<T> {
        self.step(what)?;
        let done = self.server.edit(change);
        self.step(&format!("{what} answer"))?;
        done
    }

    /// Removes messages, in one step or as IMAP does it.
    fn take_out(&self, what: &str, folder: &FolderPath, uids: &UidSet) -> Result<Removed> {
        let name = &self.name;
        if !self.server.look(|world| world.switches.marks_before_expunge) {
            return self.act(what, |world| {
                let there = world.present(name, folder, uids)?;
                world.expunge(name, folder, uids)?;
                Ok(Removed { spared: world.present(name, folder, &there)?, there, doubted: false })
            });
        }
        let deleted = Marks::from_system(Marks::DELETED);
        self.act(&format!("flag {what}"), |world| world.mark(name, folder, uids, &deleted, &Marks::default()))?;
        let marked = |world: &World| -> Result<UidSet> {
            let messages = world.folder(name, folder)?.messages.iter();
            Ok(messages.filter(|(_, it)| it.marks.deleted()).map(|(uid, _)| *uid).collect())
        };
        let before = self.ask(&format!("search {what}"), marked)?;
        let (spared, after) = self.act(what, |world| {
            let theirs = marked(world)?;
            let ours: UidSet = uids.iter().filter(|uid| theirs.contains(*uid)).collect();
            world.expunge(name, folder, &ours)?;
            Ok((world.present(name, folder, uids)?, marked(world)?))
        })?;
        let there = uids.iter().filter(|uid| before.contains(*uid)).collect();
        let doubted = after.iter().any(|uid| !before.contains(uid) && !uids.contains(uid));
        Ok(Removed { there, spared, doubted })
    }

    fn stamps_of(&self, folder: &Folder, wanted: impl Fn(Uid) -> bool) -> Vec<Stamp> {
        let chosen = folder.messages.iter().filter(|(uid, _)| wanted(**uid));
        chosen
            .map(|(uid, message)| Stamp {
                uid: *uid,
                fingerprint: Fingerprint::of_headers(&message.bytes),
                size: message.bytes.len() as u64,
                marks: message.marks.clone(),
                substituted: false,
            })
            .collect()
    }
}

#[async_trait]
impl Endpoint for MemoryEndpoint {
    async fn folders(&self) -> Result<Listing> {
        self.ask("list", |world| {
            let moves_in_one_step = world.switches.moves_atomically;
            let abilities = Abilities { moves_in_one_step, ..world.switches.abilities.clone() };
            Ok(Listing { folders: world.listing(), abilities, withheld: None })
        })
    }

    async fn identify(&self, folders: &[FolderPath]) -> Result<Vec<Option<String>>> {
        if !self.server.look(|world| Ok(world.switches.is_like_cyrus))? {
            return Ok(vec![None; folders.len()]);
        }
        self.ask("identify", |world| {
            let id = |path| world.opened(&self.name, path, None).ok().map(|folder| folder.mailbox_id.clone());
            Ok(folders.iter().map(id).collect())
        })
    }

    async fn observe(&self, folder: &FolderPath, since: Option<&Cursor>) -> Result<Snapshot> {
        let (snapshot, modseq) = self.ask("observe", |world| {
            let seen = world.opened(&self.name, folder, since.map(|cursor| cursor.validity))?;
            Ok((snapshot(&self.name, world, folder, seen, since)?, seen.modseq))
        })?;
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.clone(), modseq);
        Ok(snapshot)
    }

    async fn stamps(&self, path: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
        self.ask("stamps", |world| {
            let folder = world.opened(&self.name, path, Some(validity))?;
            let mut asked = folder.messages.iter().filter(|(uid, _)| uids.contains(**uid));
            if let Some((uid, fault)) = asked.find_map(|(uid, it)| Some((*uid, world.switches.read_fault(&it.bytes)?)))
            {
                match fault {
                    ReadFault::SendsAway => return Err(refusal::sent_away(&self.name)),
                    ReadFault::RefusedWithHeaders => return Err(refusal::unreadable(&self.name, path, uid)),
                    _ => {}
                }
            }
            Ok(self.stamps_of(folder, |uid| uids.contains(uid)))
        })
    }

    async fn present(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.ask("present", |world| {
            let folder = world.opened(&self.name, folder, Some(validity))?;
            Ok(folder.messages.keys().copied().filter(|uid| uids.contains(*uid)).collect())
        })
    }

    async fn sizes(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<(Uid, u64)>> {
        self.ask("sizes", |world| {
            let tells = !world.switches.hides_sizes;
            let folder = world.opened(&self.name, folder, Some(validity))?;
            let asked = folder.messages.iter().filter(|(uid, _)| tells && uids.contains(**uid));
            Ok(asked.map(|(uid, message)| (*uid, message.bytes.len() as u64)).collect())
        })
    }

    async fn asking_receipts(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<UidSet> {
        self.ask("receipts", |world| {
            let folder = world.opened(&self.name, folder, Some(validity))?;
            let asks = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("\nDisposition-Notification-To:");
            let asking = folder
                .messages
                .iter()
                .filter(|(uid, message)| uids.contains(**uid) && !message.marks.seen() && asks(&message.bytes));
            Ok(asking.map(|(uid, _)| *uid).collect())
        })
    }

    async fn read_all(&self, wanted: Vec<ReadFrom>) -> Result<Box<dyn BodyStream>> {
        if self.server.look(|world| world.switches.readers_lost > 0) {
            self.server.switch(|switches| switches.readers_lost -= 1);
            return Err(refusal::lost(&self.name, "open reader"));
        }
        Ok(super::read::stream(self, wanted))
    }

    async fn writer(&self) -> Result<Box<dyn Writer>> {
        self.step("open writer")?;
        Ok(super::write::lane(self))
    }

    async fn mark(&self, folder: &FolderPath, since: &Cursor, changes: &[MarkChange]) -> Result<Marked> {
        let mut results = Vec::with_capacity(changes.len());
        let mut stands = Some(*since);
        let mut echo = None;
        let mut missing = UidSet::new();
        for change in changes {
            results.push(self.act("mark", |world| {
                let there = world.present(&self.name, folder, &change.uids)?;
                missing.extend(change.uids.iter().filter(|uid| !there.contains(*uid)));
                let before = world.cursor(folder, world.opened(&self.name, folder, Some(since.validity))?);
                let mut unkept =
                    world.holds(folder, world.folder(&self.name, folder)?).unkept(&change.add, &change.remove);
                let refused = world.switches.refused_keywords(&change.add);
                world.mark(&self.name, folder, &change.uids, &change.add.minus(&refused), &change.remove)?;
                unkept.never = unkept.never.union(&refused);
                // Only what nobody else has touched since the cursor is told by these changes alone.
                let is_calm = before.modseq > 0 && stands == Some(before);
                let marked = world.opened(&self.name, folder, None)?;
                stands = is_calm.then(|| world.cursor(folder, marked));
                echo = match stands {
                    Some(_) => Some(snapshot(&self.name, world, folder, marked, Some(since))?),
                    None => None,
                };
                Ok(unkept)
            }));
            // The UIDVALIDITY and a lost connection are the matter of all changes, not of one.
            if let Some(Err(error)) = results.pop_if(|result| is_common(result)) {
                return Err(error);
            }
        }
        Ok(Marked { results, missing, echo })
    }

    async fn shift(
        &self,
        (from, validity): (&FolderPath, u32),
        uids: &UidSet,
        (to, to_validity): (&FolderPath, u32),
    ) -> Result<Vec<Shifted>> {
        let name = &self.name;
        self.server.look(|world| {
            let super::switches::Switches { may_expunge, moves_atomically, takes_no_moves, no_room_in, .. } =
                &world.switches;
            // A MOVE within a mailbox needs no room, and a COPY does.
            let has_room = *moves_atomically || world.has_room_to_copy(from, uids);
            match () {
                () if takes_no_moves.contains(to) => Err(refusal::not_moved(name, from)),
                () if *moves_atomically && !may_expunge => Err(refusal::not_moved(name, from)),
                () if no_room_in.contains(to) || !has_room => Err(refusal::quota_full(name, from)),
                () => Ok(()),
            }
        })?;
        let (pairs, removed) = if self.server.look(|world| world.switches.moves_atomically) {
            self.act("move", |world| {
                world.opened(name, from, Some(validity))?;
                let pairs = world.copy(name, from, uids, to)?;
                let there = world.expunge(name, from, uids)?.into_iter().map(|(uid, _)| uid).collect();
                Ok((pairs, Removed { there, ..Removed::default() }))
            })?
        } else {
            let pairs = self.act("copy", |world| {
                world.opened(name, from, Some(validity))?;
                world.copy(name, from, uids, to)
            })?;
            if pairs.is_empty() && self.server.look(|world| world.switches.abilities.tells_new_uids) {
                // COPY says OK and tells nothing: an adapter cannot know whether anything was there.
                let untold = |old| Shifted { old, new: None, overtaken: false, kept: true, doubted: false };
                return Ok(uids.iter().map(untold).collect());
            }
            let copied: UidSet = pairs.iter().map(|(old, _)| *old).collect();
            (pairs, self.take_out("expunge copied", from, &copied)?)
        };
        let is_known = self.server.validity(to) == Some(to_validity);
        let tells = is_known && self.server.look(|world| world.switches.abilities.tells_new_uids);
        let shifted = |(old, new)| Shifted {
            old,
            new: tells.then_some(new),
            overtaken: !removed.there.contains(old) && !removed.spared.contains(old),
            kept: removed.spared.contains(old),
            doubted: removed.doubted,
        };
        Ok(pairs.into_iter().map(shifted).collect())
    }

    async fn expunge(&self, folder: &FolderPath, validity: u32, uids: &UidSet) -> Result<Removed> {
        self.server.look(|world| world.opened(&self.name, folder, Some(validity)).map(drop))?;
        self.take_out("expunge", folder, uids)
    }

    async fn create(&self, folder: &FolderPath, role: Option<Role>) -> Result<()> {
        self.act("create", |world| world.create(&self.name, folder, role))
    }

    async fn rename(&self, from: &FolderPath, to: &FolderPath) -> Result<()> {
        self.act("rename", |world| world.rename(&self.name, from, to))
    }

    async fn remove(&self, folder: &FolderPath) -> Result<()> {
        self.act("remove", |world| world.remove(&self.name, folder))
    }

    async fn subscribe(&self, folder: &FolderPath, subscribed: bool) -> Result<()> {
        self.act("subscribe", |world| {
            world.subscribe(folder, subscribed);
            Ok(())
        })
    }

    async fn find(&self, folder: &FolderPath, validity: u32, floor: Uid) -> Result<Vec<Stamp>> {
        self.ask("find", |world| {
            let folder = world.opened(&self.name, folder, Some(validity))?;
            Ok(self.stamps_of(folder, |uid| uid >= floor))
        })
    }

    async fn wait(&self, folder: &FolderPath, limit_ms: u64) -> Result<()> {
        let mut changes = self.server.changes();
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner).get(folder).copied();
        let quiet =
            || self.server.look(|world| world.folder(&self.name, folder).ok().map(|seen| seen.modseq) == looked);
        let rung = async { while quiet() && changes.changed().await.is_ok() {} };
        // Running into the limit is the ordinary end of a quiet wait.
        let _ = tokio::time::timeout(Duration::from_millis(limit_ms), rung).await;
        if self.steps.is_dead() { Err(refusal::lost(&self.name, "wait")) } else { Ok(()) }
    }

    async fn close(&self) {}
}

fn is_common<T>(result: &Result<T>) -> bool {
    use parom_domain::Code;
    let code = result.as_ref().err().map(parom_domain::Error::code);
    matches!(code, Some(Code::ConnectionLost | Code::ValidityChanged | Code::FolderGone | Code::FolderCannotOpen))
}

/// What an honest adapter would make of this server's answers.
fn snapshot(host: &str, world: &World, path: &FolderPath, folder: &Folder, since: Option<&Cursor>) -> Result<Snapshot> {
    let mut hidden = UidSet::new();
    hidden.extend(world.unnoticed(path));
    let there: UidSet = folder.messages.keys().copied().filter(|uid| !hidden.contains(*uid)).collect();
    let cursor = world.cursor(path, folder);

    // A delta needs mod-sequences; without them every look lists everything.
    let delta = since.filter(|since| since.modseq > 0 && cursor.modseq > 0);
    let changed_after = delta.map_or(0, |since| since.modseq);
    let chosen =
        folder.messages.iter().filter(|(uid, message)| there.contains(**uid) && message.modseq > changed_after);
    let present = chosen.map(|(uid, message)| Sighting { uid: *uid, marks: message.marks.clone() }).collect();

    let tells_vanished = delta.is_some() && world.switches.abilities.tells_vanished;
    let listed = if tells_vanished {
        None
    } else if let Some((omitted, Omission::Noticed)) = world.switches.omits.get(path)
        && omitted.iter().any(|uid| there.contains(uid))
    {
        let listed = there.iter().filter(|uid| !omitted.contains(*uid)).count();
        return Err(refusal::listing_incomplete(host, path, listed, folder.messages.len()));
    } else {
        Some(there.clone())
    };
    let vanished = match since.filter(|_| tells_vanished) {
        Some(since) if world.switches.vanished_overtells => {
            let known = since.uidnext.saturating_sub(1);
            (1..=known).filter_map(Uid::new).filter(|uid| !there.contains(*uid)).collect()
        }
        Some(since) => {
            let gone = folder.expunged.iter().filter(|(modseq, _)| *modseq > since.modseq);
            gone.map(|(_, uid)| *uid).collect()
        }
        None => UidSet::new(),
    };
    Ok(Snapshot { cursor, holds: world.holds(path, folder), present, listed, vanished })
}
