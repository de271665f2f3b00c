//! One folder pair while a pass works on it.

use crate::pass::Run;
use parom_domain::endpoint::{Cursor, Holds, Sighting, Snapshot, Stamp};
use parom_domain::link::LinkTable;
use parom_domain::look::{Findings, Known};
use parom_domain::state::{Change, FolderId, FolderPair, Parked, Recent, Suspected};
use parom_domain::{Both, FolderPath, Marks, Role, Side, Uid};
use std::collections::{HashMap, HashSet};

pub struct FolderWork {
    pub id: FolderId,
    pub role: Option<Role>,
    pub paths: Both<Option<FolderPath>>,
    pub links: LinkTable,
    /// What the look found, and where each side stood then. `None` on a side that has no folder (any more).
    pub seen: Both<Option<Seen>>,
    pub findings: Findings,
    /// Headers of newcomers, where pairing asked for them.
    pub stamps: Both<HashMap<Uid, Stamp>>,
    /// Newcomers whose headers break the connection each time, with their size where the server tells it all the same.
    pub unreadable: Both<HashMap<Uid, Option<u64>>>,
    /// The folder is gone from this side, with evidence.
    pub gone_side: Option<Side>,
    /// The folder is gone from one side, and renumbered on the other: that what is there is what went, is a guess by what
    /// it looks like.
    pub is_guessed: bool,
    /// By the side whose UIDs changed: what was linked there and is not found again, as fingerprint and size.
    pub strays: Both<Vec<(u64, u32)>>,
    /// The UIDs of this side are not the ones that the cursor speaks of: links were found again by what the messages are.
    pub renumbered: Both<bool>,
    pub replaced: Both<bool>,
    pub went_back: Both<bool>,
    /// Something was written to this side, so that the cursor has to be taken past our own echo.
    pub wrote: Both<bool>,
    /// What the answers to our writing told, where that is all that a look would tell.
    pub echo: Both<Option<Snapshot>>,
    /// Nothing that the look found is left undone.
    pub settled: bool,
    /// Something failed here: cursors stay where they are, and nothing is deleted.
    pub failed: bool,
    /// Something is held back here: cursors stay where they are, and all else goes on.
    pub waits: bool,
    /// All of this side is looked at again.
    pub relook: Both<bool>,
}

/// What is kept of a snapshot once its sightings were compared.
#[derive(Clone, Debug)]
pub struct Seen {
    pub cursor: parom_domain::endpoint::Cursor,
    pub holds: Holds,
}

impl Seen {
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Seen {
        Seen { cursor: snapshot.cursor, holds: snapshot.holds.clone() }
    }

    /// No message that arrives from now on can have a UID below this one.
    #[must_use]
    pub fn floor(&self, last_known: Option<Uid>) -> Uid {
        let after_last = last_known.and_then(Uid::next);
        match (Uid::new(self.cursor.uidnext), after_last) {
            // INVARIANT: the floor is never above the first UID that our next append can get.
            (Some(next), Some(after)) => next.min(after),
            (Some(next), None) => next,
            (None, after) => after.unwrap_or(Uid::MIN),
        }
    }
}

impl FolderWork {
    #[must_use]
    pub fn new(pair: &FolderPair, links: LinkTable, gone_side: Option<Side>) -> FolderWork {
        FolderWork {
            id: pair.id,
            role: pair.role,
            paths: pair.paths.clone(),
            links,
            seen: Both::default(),
            findings: Findings::default(),
            stamps: Both::default(),
            unreadable: Both::default(),
            gone_side,
            is_guessed: false,
            strays: Both::default(),
            renumbered: Both::default(),
            replaced: Both::default(),
            went_back: Both::default(),
            wrote: Both::default(),
            echo: Both::default(),
            settled: true,
            failed: false,
            waits: false,
            relook: Both::default(),
        }
    }

    /// What the look found is not all done: the next one looks from where this one did.
    #[must_use]
    pub fn stays(&self) -> bool {
        self.failed || self.waits
    }

    #[must_use]
    pub fn validity(&self, side: Side) -> Option<u32> {
        self.seen[side].as_ref().map(|seen| seen.cursor.validity)
    }

    /// Both folders are there and open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.paths.source.is_some()
            && self.paths.target.is_some()
            && self.seen.source.is_some()
            && self.seen.target.is_some()
    }

    /// What a side never keeps of a change of marks.
    #[must_use]
    pub fn unkept(&self, side: Side, add: &Marks, remove: &Marks) -> Marks {
        match &self.seen[side] {
            Some(seen) => seen.holds.unkept(add, remove).never,
            None => add.union(remove),
        }
    }

    /// Takes out of the links what a side shows without, and does not keep: that was never agreed with it. What it would
    /// keep if we had the rights waits for them, and the other side has to show once more that it has it.
    pub fn unlearn(&mut self, side: Side, snapshot: &Snapshot) {
        for sighting in &snapshot.present {
            let Some(slot) = self.links.slot(side, sighting.uid) else { continue };
            let Some(link) = self.links.get(slot).filter(|link| !link.is_one_sided()) else { continue };
            let lacking = link.base.minus(&sighting.marks);
            let lacking = lacking.minus(&snapshot.holds.of(&lacking));
            if lacking.is_empty() {
                continue;
            }
            let base = link.base.minus(&lacking);
            if !snapshot.holds.unkept(&lacking, &Marks::default()).withheld.is_empty() {
                self.waits = true;
                self.settled = false;
                self.relook[side.other()] = true;
            }
            self.links.set_base(slot, base);
        }
    }

    /// Takes out of the links what was never seen on a message that came here by us since that cursor: some servers say OK to
    /// the marks of APPEND and keep none (GNU imap4d 3.15). Nobody took them away, and the other side shows them once more.
    pub fn doubt(&mut self, side: Side, snapshot: &Snapshot, covered: Cursor) {
        if covered == Cursor::covering_nothing(covered.validity) || covered.validity != snapshot.cursor.validity {
            return;
        }
        for sighting in snapshot.present.iter().filter(|sighting| sighting.uid.get() >= covered.uidnext) {
            let Some(slot) = self.links.slot(side, sighting.uid) else { continue };
            let Some(link) = self.links.get(slot).filter(|link| !link.is_one_sided()) else { continue };
            let base = link.base.intersection(&sighting.marks);
            if base != link.base {
                self.settled = false;
                self.relook[side.other()] = true;
                self.links.set_base(slot, base);
            }
        }
    }

    /// Takes a newcomer out of the list, because it was explained.
    pub fn take_newcomer(&mut self, side: Side, uid: Uid) -> Option<Sighting> {
        let list = &mut self.findings.newcomers[side];
        let at = list.binary_search_by_key(&uid, |sighting| sighting.uid).ok();
        let at = at.or_else(|| list.iter().position(|sighting| sighting.uid == uid))?;
        Some(list.remove(at))
    }

    pub fn take_newcomers(&mut self, side: Side, uids: &HashSet<Uid>) {
        if !uids.is_empty() {
            self.findings.newcomers[side].retain(|sighting| !uids.contains(&sighting.uid));
        }
    }

    #[must_use]
    pub fn newcomer_marks(&self, side: Side, uid: Uid) -> Option<&Marks> {
        self.findings.newcomers[side].iter().find(|sighting| sighting.uid == uid).map(|sighting| &sighting.marks)
    }

    /// The changed chunks, ready to be committed.
    pub fn link_changes(&mut self) -> Vec<Change> {
        let folder = self.id;
        self.links.take_dirty().into_iter().map(|(chunk, links)| Change::PutLinks { folder, chunk, links }).collect()
    }
}

/// The parked and suspected items and the recent appends of one folder, out of the account's lists.
pub struct Open<'a> {
    pub parked: Both<HashSet<Uid>>,
    pub suspected: Both<HashMap<Uid, u64>>,
    pub recent: Both<Vec<&'a Recent>>,
}

impl<'a> Open<'a> {
    #[must_use]
    pub fn of(folder: FolderId, parked: &[Parked], suspected: &[Suspected], recent: &'a [Recent]) -> Open<'a> {
        let mut open = Open { parked: Both::default(), suspected: Both::default(), recent: Both::default() };
        for item in parked.iter().filter(|item| item.folder == folder) {
            open.parked[item.side].insert(item.uid);
        }
        for item in suspected.iter().filter(|item| item.folder == folder) {
            open.suspected[item.side].insert(item.uid, item.since_ms);
        }
        for item in recent.iter().filter(|item| item.folder == folder) {
            open.recent[item.into].push(item);
        }
        open
    }

    /// Together with the links: what a look is compared with.
    #[must_use]
    pub fn known<'l>(self, links: &'l LinkTable, run: &Run<'_>) -> Known<'l> {
        let (now_ms, grace_ms) = (run.pass.clock.now_ms(), run.grace_ms);
        Known { links, parked: self.parked, suspected: self.suspected, now_ms, grace_ms }
    }
}
