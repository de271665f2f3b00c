//! A look that costs nothing: what the answers to our own changes tell of a folder.

use crate::fetch::Fetched;
use crate::pool::Lent;
use crate::response::Response;
use parom_domain::endpoint::{Cursor, Holds, Sighting, Snapshot};
use parom_domain::{Marks, Uid, UidSet};
use std::collections::{BTreeMap, BTreeSet};

/// What the answers to our STOREs tell of a folder that nobody had touched before.
///
/// Each command that changes a folder gets a mod-sequence of its own (RFC 7162 section 3.1). So where those of the answers
/// follow that of the cursor without a gap, nothing has changed the folder but what they tell.
pub struct Echo {
    since: Cursor,
    holds: Holds,
    rows: BTreeMap<Uid, Marks>,
    modseqs: BTreeSet<u64>,
    disturbed: bool,
}

impl Echo {
    /// `None` where the folder was not opened just now and found where the cursor says.
    pub fn of(conn: &Lent, since: &Cursor) -> Option<Echo> {
        let selected = conn.selected.as_ref().filter(|it| since.modseq > 0 && it.stood.as_ref() == Some(since))?;
        let (rows, modseqs) = (BTreeMap::new(), BTreeSet::new());
        Some(Echo { since: *since, holds: selected.holds.clone(), rows, modseqs, disturbed: false })
    }

    pub fn note(&mut self, response: &Response<'_>) {
        if let Some((_, rest)) = response.numbered("FETCH") {
            let fetched = Fetched::parse(rest);
            match fetched.as_ref().and_then(|it| Some((it.uid?, it.marks()?, it.modseq?))) {
                Some((uid, marks, modseq)) => {
                    self.rows.insert(uid, marks);
                    self.modseqs.extend(Some(modseq).filter(|modseq| *modseq > self.since.modseq));
                }
                None => self.disturbed = true,
            }
        } else if let Some((exists, _)) = response.numbered("EXISTS") {
            self.disturbed |= exists != self.since.exists;
        } else if response.numbered("EXPUNGE").is_some() || response.vanished().is_some() {
            self.disturbed = true;
        }
    }

    /// What a look from the cursor would show now. `None` where the answers may not tell all of it.
    pub fn snapshot(self) -> Option<Snapshot> {
        let modseq = self.modseqs.last().copied().unwrap_or(self.since.modseq);
        let without_a_gap = modseq - self.since.modseq == self.modseqs.len() as u64;
        (without_a_gap && !self.disturbed).then(|| Snapshot {
            cursor: Cursor { modseq, ..self.since },
            holds: self.holds,
            present: self.rows.into_iter().map(|(uid, marks)| Sighting { uid, marks }).collect(),
            listed: None,
            vanished: UidSet::new(),
        })
    }
}
