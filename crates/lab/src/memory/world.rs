//! The state of a memory server and the effects that change it. Nothing here fails half-way.

use super::refusal;
use super::server::HOST;
use super::switches::Switches;
use bytes::Bytes;
use parom_domain::endpoint::{Cursor, Holds};
use parom_domain::{Error, FolderPath, FolderSeen, InternalDate, Marks, Result, Role, Uid, UidSet};
use std::collections::{BTreeMap, BTreeSet};

/// A message as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub bytes: Bytes,
    /// `None` for a date that is none, such as `00-Jan-0000`.
    pub date: Option<InternalDate>,
    pub marks: Marks,
    pub(super) modseq: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub validity: u32,
    /// `None` once the last possible UID is taken.
    pub uidnext: Option<Uid>,
    pub modseq: u64,
    pub messages: BTreeMap<Uid, Stored>,
    /// What was expunged, with the mod-sequence at which it went.
    pub expunged: Vec<(u64, Uid)>,
    pub role: Option<Role>,
    pub mailbox_id: String,
}

/// A copy of the whole world is a backup of the server.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub folders: BTreeMap<FolderPath, Folder>,
    pub subscribed: BTreeSet<FolderPath>,
    pub switches: Switches,
    /// Batches whose connection died before they landed, see [`Switches::late_commit`].
    pub late: Vec<(FolderPath, Vec<Stored>)>,
    /// Every folder that was ever made counts, so that no UIDVALIDITY and no id comes twice.
    made: u32,
    /// Effects that changed something.
    pub writes: u64,
    /// Bodies handed out.
    pub bodies_read: u64,
}

impl World {
    pub(super) fn new(switches: Switches) -> World {
        let mut world = World {
            folders: BTreeMap::new(),
            subscribed: BTreeSet::new(),
            switches,
            late: Vec::new(),
            made: 0,
            writes: 0,
            bodies_read: 0,
        };
        world.make(FolderPath::inbox(), Some(Role::Inbox));
        world
    }

    /// The spelling under which the server knows this folder.
    pub(super) fn spelled(&self, path: &FolderPath) -> Option<FolderPath> {
        if self.folders.contains_key(path) {
            return Some(path.clone());
        }
        if self.switches.abilities.case_sensitive {
            return None;
        }
        self.folders.keys().find(|known| same_but_case(known, path)).cloned()
    }

    pub(super) fn folder(&self, host: &str, path: &FolderPath) -> Result<&Folder> {
        let known = self.spelled(path).and_then(|known| self.folders.get(&known));
        known.ok_or_else(|| refusal::folder_gone(host, path))
    }

    pub(super) fn folder_mut(&mut self, host: &str, path: &FolderPath) -> Result<&mut Folder> {
        let known = self.spelled(path);
        known.and_then(|known| self.folders.get_mut(&known)).ok_or_else(|| refusal::folder_gone(host, path))
    }

    /// The folder, if it can be opened and still has this UIDVALIDITY.
    pub(super) fn opened(&self, host: &str, path: &FolderPath, validity: Option<u32>) -> Result<&Folder> {
        let folder = self.folder(host, path)?;
        if self.switches.unlisted.contains(path) && !self.switches.unlisted_opens {
            return Err(refusal::folder_gone(host, path));
        }
        if self.switches.cannot_open.contains(path) {
            return Err(refusal::cannot_open(host, path));
        }
        match validity {
            Some(validity) if validity != folder.validity => Err(refusal::validity_changed(host, path)),
            _ => Ok(folder),
        }
    }

    /// What the folder keeps of what our account writes.
    pub(super) fn holds(&self, path: &FolderPath, folder: &Folder) -> Holds {
        let own = self.switches.holds_in.get(path);
        self.limited(own.unwrap_or(&self.switches.holds).clone(), folder)
    }

    /// People have all rights.
    fn holds_for(&self, host: &str, path: &FolderPath, folder: &Folder) -> Holds {
        match host {
            HOST => self.limited(Holds { marks: Marks::from_system(31), any_keyword: true }, folder),
            _ => self.holds(path, folder),
        }
    }

    fn limited(&self, mut holds: Holds, folder: &Folder) -> Holds {
        if let Some(limit) = self.switches.keyword_limit {
            let mut used = Marks::default();
            for message in folder.messages.values() {
                used = used.union(&message.marks);
            }
            if used.keywords().count() >= limit {
                holds = Holds { marks: Marks::from_system(holds.marks.system()).union(&used), any_keyword: false };
            }
        }
        holds
    }

    pub(super) fn listing(&self) -> Vec<FolderSeen> {
        let mut seen: BTreeMap<FolderPath, FolderSeen> = BTreeMap::new();
        for (path, folder) in self.folders.iter().filter(|(path, _)| !self.switches.unlisted.contains(*path)) {
            let mut above = path.parent();
            while let Some(implied) = above {
                seen.entry(implied.clone()).or_insert_with(|| FolderSeen {
                    selectable: false,
                    subscribed: self.subscribed.contains(&implied),
                    ..self.seen(&implied, None)
                });
                above = implied.parent();
            }
            seen.insert(path.clone(), self.seen(path, Some(folder)));
        }
        seen.into_values().collect()
    }

    fn seen(&self, path: &FolderPath, folder: Option<&Folder>) -> FolderSeen {
        let switches = &self.switches;
        FolderSeen {
            path: path.clone(),
            role: folder.and_then(|folder| folder.role),
            selectable: true,
            may_have_children: true,
            hides_children: false,
            subscribed: self.subscribed.contains(path),
            subscribable: true,
            status: folder.filter(|_| switches.lists_status).map(|folder| self.cursor(path, folder)),
            mailbox_id: folder.filter(|_| switches.has_mailbox_ids).map(|folder| folder.mailbox_id.clone()),
        }
    }

    /// Where the folder stands, as the server tells it.
    pub(super) fn cursor(&self, path: &FolderPath, folder: &Folder) -> Cursor {
        let hidden = self.unnoticed(path).filter(|uid| folder.messages.contains_key(uid)).count();
        Cursor {
            validity: folder.validity,
            uidnext: folder.uidnext.map_or(0, Uid::get),
            modseq: if self.switches.counts_changes { folder.modseq } else { 0 },
            exists: saturated(folder.messages.len() - hidden),
        }
    }

    /// UIDs that the server hides consistently.
    pub(super) fn unnoticed(&self, path: &FolderPath) -> impl Iterator<Item = Uid> {
        let hidden = match self.switches.omits.get(path) {
            Some((uids, super::Omission::Unnoticed)) => uids.clone(),
            _ => UidSet::new(),
        };
        hidden.iter().collect::<Vec<_>>().into_iter()
    }

    pub(super) fn has_room_to_copy(&self, from: &FolderPath, uids: &UidSet) -> bool {
        let messages = self.folders.get(from).into_iter().flat_map(|folder| &folder.messages);
        let asked = messages.filter(|(uid, _)| uids.contains(**uid));
        let bytes: u64 = asked.map(|(_, message)| message.bytes.len() as u64).sum();
        self.switches.quota_bytes.is_none_or(|quota| self.bytes_held().saturating_add(bytes) <= quota)
    }

    pub(super) fn bytes_held(&self) -> u64 {
        self.folders
            .values()
            .flat_map(|folder| folder.messages.values())
            .map(|message| message.bytes.len() as u64)
            .sum()
    }

    /// Stores messages; the ones without a date get one that depends on the UID only.
    pub(super) fn land(&mut self, host: &str, path: &FolderPath, letters: Vec<Stored>) -> Result<Vec<(u32, Uid)>> {
        let mut landed = Vec::with_capacity(letters.len());
        for mut letter in letters {
            let holds = self.holds_for(host, path, self.folder(host, path)?);
            let folder = self.folder_mut(host, path)?;
            let uid = folder.uidnext.ok_or_else(|| refusal::folder_refused(host, path, "NO no UID is left"))?;
            folder.uidnext = uid.next();
            letter.marks = holds.of(&letter.marks);
            folder.modseq += 1;
            letter.modseq = folder.modseq;
            folder.messages.insert(uid, letter);
            landed.push((folder.validity, uid));
            self.writes += 1;
        }
        Ok(landed)
    }

    /// Adds and removes marks. Missing messages and marks that the folder does not hold are passed over in silence.
    pub(super) fn mark(
        &mut self,
        host: &str,
        path: &FolderPath,
        uids: &UidSet,
        add: &Marks,
        remove: &Marks,
    ) -> Result<()> {
        let unkept = self.holds_for(host, path, self.folder(host, path)?).unkept(add, remove).all();
        let (add, remove) = (add.minus(&unkept), remove.minus(&unkept));
        let folder = self.folder_mut(host, path)?;
        let mut changed = 0;
        for (_, message) in folder.messages.iter_mut().filter(|(uid, _)| uids.contains(**uid)) {
            let marks = message.marks.union(&add).minus(&remove);
            if marks != message.marks {
                folder.modseq += 1;
                (message.marks, message.modseq) = (marks, folder.modseq);
                changed += 1;
            }
        }
        self.writes += changed;
        Ok(())
    }

    pub(super) fn present(&self, host: &str, path: &FolderPath, uids: &UidSet) -> Result<UidSet> {
        let there = self.folder(host, path)?.messages.keys().copied();
        Ok(there.filter(|uid| uids.contains(*uid)).collect())
    }

    pub(super) fn expunge(&mut self, host: &str, path: &FolderPath, uids: &UidSet) -> Result<Vec<(Uid, Stored)>> {
        if !self.switches.may_expunge && host != HOST {
            return Ok(Vec::new());
        }
        let folder = self.folder_mut(host, path)?;
        let gone: Vec<Uid> = folder.messages.keys().copied().filter(|uid| uids.contains(*uid)).collect();
        let mut taken = Vec::with_capacity(gone.len());
        for uid in gone {
            if let Some(message) = folder.messages.remove(&uid) {
                folder.modseq += 1;
                folder.expunged.push((folder.modseq, uid));
                taken.push((uid, message));
            }
        }
        self.writes += taken.len() as u64;
        Ok(taken)
    }

    pub(super) fn copy(
        &mut self,
        host: &str,
        from: &FolderPath,
        uids: &UidSet,
        to: &FolderPath,
    ) -> Result<Vec<(Uid, Uid)>> {
        // The destination is asked for first: a server refuses the whole command when it is missing.
        self.folder(host, to)?;
        let chosen: Vec<(Uid, Stored)> = self
            .folder(host, from)?
            .messages
            .iter()
            .filter(|(uid, _)| uids.contains(**uid))
            .map(|(uid, message)| (*uid, message.clone()))
            .collect();
        let mut pairs = Vec::with_capacity(chosen.len());
        for (uid, message) in chosen {
            pairs.extend(self.land(host, to, vec![message])?.into_iter().map(|(_, new)| (uid, new)));
        }
        Ok(pairs)
    }

    pub(super) fn create(&mut self, host: &str, path: &FolderPath, role: Option<Role>) -> Result<()> {
        if self.spelled(path).is_some() {
            return Ok(());
        }
        let path = self.respelled(path);
        self.check_name(host, &path)?;
        let path = self.switches.writes_otherwise.get(&path).cloned().unwrap_or(path);
        if self.spelled(&path).is_some() {
            return Ok(());
        }
        self.make(path, role);
        self.writes += 1;
        Ok(())
    }

    pub(super) fn rename(&mut self, host: &str, from: &FolderPath, to: &FolderPath) -> Result<()> {
        let implied = self.folders.keys().any(|path| path.is_below(from));
        let from = match self.spelled(from) {
            Some(known) => known,
            None if implied => from.clone(),
            None => return Err(refusal::folder_gone(host, from)),
        };
        let to = self.respelled(to);
        self.check_name(host, &to)?;
        let taken = self.spelled(&to).is_some_and(|known| known != from);
        if taken || to.is_below(&from) || to.is_inbox() {
            return Err(refusal::folder_refused(host, &to, "NO [ALREADYEXISTS] the new name is taken"));
        }
        let stands_above = self.folders.keys().any(|path| path.is_below(&to) && *path != from && !path.is_below(&from));
        if self.switches.refuses_names_above && stands_above {
            return Err(refusal::folder_refused(host, &to, "NO [CANNOT] others stand below the new name"));
        }
        self.writes += 1;
        if from.is_inbox() {
            self.empty_inbox_into(to);
            return Ok(());
        }
        let moved: Vec<FolderPath> =
            self.folders.keys().filter(|path| **path == from || path.is_below(&from)).cloned().collect();
        for path in moved {
            if let Some(mut folder) = self.folders.remove(&path) {
                folder.modseq += u64::from(self.switches.is_like_cyrus);
                if !self.switches.rename_keeps_validity {
                    self.made += 1;
                    folder.validity = self.made;
                }
                self.folders.insert(path.rebased(&from, &to), folder);
            }
        }
        Ok(())
    }

    /// RENAME of the inbox moves its messages and leaves an empty inbox (RFC 3501 section 6.3.5).
    fn empty_inbox_into(&mut self, to: FolderPath) {
        self.make(to.clone(), None);
        let Some(inbox) = self.folders.get_mut(&FolderPath::inbox()) else { return };
        let messages = std::mem::take(&mut inbox.messages);
        for uid in messages.keys() {
            inbox.modseq += 1;
            inbox.expunged.push((inbox.modseq, *uid));
        }
        if let Some(folder) = self.folders.get_mut(&to) {
            folder.uidnext = messages.keys().next_back().map_or(Some(Uid::MIN), |last| last.next());
            folder.messages = messages;
        }
    }

    pub(super) fn remove(&mut self, host: &str, path: &FolderPath) -> Result<()> {
        if path.is_inbox() {
            return Err(refusal::folder_refused(host, path, "NO the inbox stays"));
        }
        let Some(known) = self.spelled(path) else { return Ok(()) };
        let with_children = self.switches.remove_takes_children;
        self.folders.retain(|path, _| *path != known && !(with_children && path.is_below(&known)));
        self.writes += 1;
        Ok(())
    }

    pub(super) fn subscribe(&mut self, path: &FolderPath, subscribed: bool) {
        let path = self.spelled(path).unwrap_or_else(|| path.clone());
        let changed = if subscribed { self.subscribed.insert(path) } else { self.subscribed.remove(&path) };
        self.writes += u64::from(changed);
    }

    /// Puts a new empty folder into this place, whatever was there.
    pub(super) fn make(&mut self, path: FolderPath, role: Option<Role>) {
        self.made += 1;
        let folder = Folder {
            validity: if self.switches.is_like_cyrus { 1 } else { self.made },
            uidnext: Some(Uid::MIN),
            modseq: 1,
            messages: BTreeMap::new(),
            expunged: Vec::new(),
            role,
            mailbox_id: format!("M{}", self.made),
        };
        self.folders.insert(path, folder);
    }

    /// The new name with the spelling of those folders above it that are there already.
    fn respelled(&self, path: &FolderPath) -> FolderPath {
        let mut above = path.parent();
        while let Some(parent) = above {
            if let Some(known) = self.spelled(&parent) {
                return path.rebased(&parent, &known);
            }
            above = parent.parent();
        }
        path.clone()
    }

    fn check_name(&self, host: &str, path: &FolderPath) -> Result<(), Error> {
        if self.switches.refuses_names.contains(path) {
            return Err(refusal::folder_refused(host, path, "NO this name is not allowed"));
        }
        let forbidden = &self.switches.abilities.forbidden_in_names;
        let bad = |segment: &String| {
            segment.contains(forbidden.as_slice())
                || self.switches.name_limit.is_some_and(|limit| segment.chars().count() > limit)
        };
        if path.segments().iter().any(bad) {
            return Err(refusal::folder_refused(host, path, "NO [CANNOT] invalid mailbox name"));
        }
        Ok(())
    }
}

fn same_but_case(a: &FolderPath, b: &FolderPath) -> bool {
    a.depth() == b.depth() && a.segments().iter().zip(b.segments()).all(|(a, b)| a.to_lowercase() == b.to_lowercase())
}

pub(super) fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
