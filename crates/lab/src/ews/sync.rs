//! What a client has been told of a folder: the meaning of a sync state.
//!
//! The real one carries this in itself; here it is a number, and the server remembers.

use super::store::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub struct Known {
    pub mailbox: u32,
    /// The folder for items; the root of the tree for a hierarchy.
    pub folder: u64,
    pub is_hierarchy: bool,
    /// Every item or folder with the change that was told.
    pub told: BTreeMap<u64, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Create(u64),
    Update(u64),
    Delete(u64),
}

impl Known {
    /// What to tell next, and what is known after that. `now` has every number with its change, in the order to tell.
    pub fn next(mut self, now: &[(u64, u64)], most: usize) -> (Vec<Change>, Known, bool) {
        let mut changes = Vec::new();
        for (number, change) in now {
            match self.told.get(number) {
                None => changes.push((Change::Create(*number), *change)),
                Some(told) if told != change => changes.push((Change::Update(*number), *change)),
                Some(_) => {}
            }
        }
        let there: BTreeSet<u64> = now.iter().map(|(number, _)| *number).collect();
        let gone: Vec<u64> = self.told.keys().filter(|number| !there.contains(number)).copied().collect();
        changes.extend(gone.into_iter().map(|number| (Change::Delete(number), 0)));
        let is_last = changes.len() <= most;
        changes.truncate(most);
        for (what, change) in &changes {
            match what {
                Change::Create(number) | Change::Update(number) => self.told.insert(*number, *change),
                Change::Delete(number) => self.told.remove(number),
            };
        }
        (changes.into_iter().map(|(what, _)| what).collect(), self, is_last)
    }
}

impl State {
    pub fn keep_sync_state(&mut self, known: Known) -> String {
        let number = self.number();
        self.sync_states.insert(number, known);
        // A real one begins so, being a block that was packed.
        let mut bytes = vec![0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 4, 0];
        bytes.extend(number.to_le_bytes());
        bytes.extend(number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        STANDARD.encode(bytes)
    }

    /// `None` for a state that is none, or that the server would rather not know.
    pub fn sync_state(&self, text: &str) -> Option<&Known> {
        if self.switches.forgets_sync_states {
            return None;
        }
        let bytes = STANDARD.decode(text.trim()).ok()?;
        let number = u64::from_le_bytes(bytes.get(10..18)?.try_into().ok()?);
        let check = u64::from_le_bytes(bytes.get(18..26)?.try_into().ok()?);
        (check == number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).then(|| self.sync_states.get(&number))?
    }
}
