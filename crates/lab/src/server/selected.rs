//! A session's view of its folder: what the client has been told, and telling it what has changed since.

use super::args::{Set, set_to_wire};
use super::session::{Enabled, Failure};
use super::store::{Folder, FolderId, Message, Store};
use super::switches::Switches;
use super::wire::Output;
use parom_domain::FolderPath;
use std::time::Instant;

pub(super) struct Selected {
    pub folder: FolderId,
    pub read_only: bool,
    validity: u32,
    /// The UIDs behind the sequence numbers that the client knows.
    view: Vec<u32>,
    /// The client knows all changes up to this mod-sequence, but maybe not all expunges.
    told: u64,
    /// Expunges up to this mod-sequence are known too.
    told_expunges: u64,
    /// UIDs that are hidden from this session for good.
    hidden: Vec<u32>,
    /// A set whose last UID is gone is a mistake.
    gone_is_bad: bool,
}

/// A message that a command is about.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// The sequence number.
    pub seq: usize,
    pub uid: u32,
}

impl Selected {
    /// Everything that is there now is known from now on.
    pub fn new(id: FolderId, path: &FolderPath, folder: &mut Folder, read_only: bool, switches: &Switches) -> Selected {
        folder.show_due(Instant::now());
        let omitted = switches.omitted.get(path).filter(|omitted| omitted.consistently);
        let hidden: Vec<u32> = omitted.into_iter().flat_map(|omitted| omitted.uids.iter().copied()).collect();
        let view = folder.messages.iter().map(|message| message.uid).filter(|uid| !hidden.contains(uid)).collect();
        let (told, validity) = (folder.modseq, folder.validity);
        Selected {
            folder: id,
            read_only,
            validity,
            view,
            told,
            told_expunges: told,
            hidden,
            gone_is_bad: switches.gone_is_bad,
        }
    }

    /// EXISTS, as this session knows it.
    pub fn exists(&self) -> usize {
        self.view.len()
    }

    pub fn uids(&self) -> &[u32] {
        &self.view
    }

    pub fn seq_of(&self, uid: u32) -> Option<usize> {
        self.view.binary_search(&uid).ok().map(|at| at + 1)
    }

    /// The messages that a set names, in order. A sequence number that is not there is an error; a UID is not.
    pub fn targets(&self, set: &Set, by_uid: bool) -> Result<Vec<Target>, Failure> {
        let mut targets = Vec::new();
        if by_uid {
            let highest = self.view.last().copied().unwrap_or(1);
            let ranges = set.ranges(highest);
            let is_gone = |uid: u32| uid < highest && self.seq_of(uid).is_none();
            if self.gone_is_bad && ranges.last().is_some_and(|(_, last)| is_gone(*last)) {
                return Err(Failure::Bad("failed to parse message set".to_owned()));
            }
            for (first, last) in ranges {
                let from = self.view.partition_point(|uid| *uid < first);
                let rest = self.view.iter().enumerate().skip(from).take_while(|(_, uid)| **uid <= last);
                targets.extend(rest.map(|(at, uid)| Target { seq: at + 1, uid: *uid }));
            }
            return Ok(targets);
        }
        for (first, last) in set.ranges(u32::try_from(self.view.len().max(1)).unwrap_or(u32::MAX)) {
            for seq in first as usize..=last as usize {
                let uid = *self.view.get(seq - 1).ok_or_else(|| Failure::Bad("no such sequence number".to_owned()))?;
                targets.push(Target { seq, uid });
            }
        }
        Ok(targets)
    }

    /// The folder behind this view.
    pub fn folder_in<'a>(&self, store: &'a mut Store) -> Result<&'a mut Folder, Failure> {
        let folder = store.folders.get_mut(&self.folder);
        let folder = folder.ok_or_else(|| Failure::Bye("the selected mailbox was deleted".to_owned()))?;
        if folder.validity != self.validity {
            return Err(Failure::Bye("the selected mailbox was renumbered".to_owned()));
        }
        Ok(folder)
    }

    /// Tells everything that happened since the last time. Expunges only where the command allows them, because they
    /// renumber (RFC 3501 section 7.4.1).
    pub fn sync(&mut self, folder: &mut Folder, expunges: bool, enabled: Enabled, out: &mut Output) {
        folder.show_due(Instant::now());
        if expunges && self.told_expunges != folder.modseq {
            self.tell_expunges(folder, enabled, out);
        }
        if self.told == folder.modseq {
            return;
        }
        let last = self.view.last().copied().unwrap_or(0);
        for message in folder.messages.iter().filter(|message| message.modseq > self.told && message.uid <= last) {
            if let Some(seq) = self.seq_of(message.uid) {
                out.line(&flags_line(seq, message, enabled, enabled.qresync));
            }
        }
        let from = folder.messages.partition_point(|message| message.uid <= last);
        let fresh =
            folder.messages.iter().skip(from).map(|message| message.uid).filter(|uid| !self.hidden.contains(uid));
        let before = self.view.len();
        self.view.extend(fresh);
        if self.view.len() > before {
            out.line(&format!("* {} EXISTS", self.view.len()));
        }
        self.told = folder.modseq;
    }

    fn tell_expunges(&mut self, folder: &Folder, enabled: Enabled, out: &mut Output) {
        let is_gone = |uid: &u32| folder.find(*uid).is_none();
        if enabled.qresync {
            let gone: Vec<u32> = self.view.iter().copied().filter(is_gone).collect();
            if !gone.is_empty() {
                out.line(&format!("* VANISHED {}", set_to_wire(gone)));
            }
        } else {
            // From the end, so that the numbers of those still to come stay as they are.
            for (at, _) in self.view.iter().enumerate().rev().filter(|(_, uid)| is_gone(uid)) {
                out.line(&format!("* {} EXPUNGE", at + 1));
            }
        }
        self.view.retain(|uid| !is_gone(uid));
        self.told_expunges = folder.modseq;
    }

    /// What changed up to now was the client's own doing and was answered; call it under the lock of the change.
    pub fn known(&mut self, folder: &Folder) {
        self.told = folder.modseq;
    }
}

/// An untagged FETCH with the flags of a message.
pub(super) fn flags_line(seq: usize, message: &Message, enabled: Enabled, with_uid: bool) -> String {
    let uid = if with_uid { format!("UID {} ", message.uid) } else { String::new() };
    let modseq = if enabled.condstore { format!(" MODSEQ ({})", message.modseq) } else { String::new() };
    format!("* {seq} FETCH ({uid}FLAGS {}{modseq})", message.flags.to_wire())
}
