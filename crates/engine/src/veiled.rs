//! Messages that cannot be read where they are, not even their headers (Dovecot breaks the connection where a file is damaged), and
//! that may have been moved there: then the copy on the other side is all that can be read of them, and it stays.
//!
//! A server knows the size of such a message from when it came. So what goes from that side and has this size stays on the other side,
//! for as long as the message is parked. Where it does not tell the size, all stays that goes in the pass that meets the message.

use crate::pass::Run;
use crate::plan::{AccountPlan, FolderPlan};
use crate::work::FolderWork;
use parom_domain::link::stored_size;
use parom_domain::state::{FolderId, Parked};
use parom_domain::{Both, Code, Side};
use std::collections::{BTreeMap, HashSet};

/// The argument of a parked item that holds the size of what cannot be read.
pub const SIZE: &str = "bytes";

/// The sizes, as links hold them, of what cannot be read on a side.
pub struct Veiled(Both<HashSet<u32>>);

impl Veiled {
    #[must_use]
    pub fn of(run: &Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Veiled {
        Veiled(Both::from_fn(|side| {
            let parked = run.state.parked.iter().filter(|item| item.side == side).filter_map(parked_size);
            let met = works.values().flat_map(|work| work.unreadable[side].values().copied().flatten());
            parked.chain(met).map(stored_size).collect()
        }))
    }

    /// Before the brakes are asked: what sleeps is no loss.
    pub fn let_alike_sleep(&self, work: &FolderWork, folder: &mut FolderPlan) {
        for side in Side::ALL {
            let is_alike = |slot: &mut _| work.links.get(*slot).is_some_and(|link| self.0[side].contains(&link.size));
            let alike = folder.deletes[side.other()].extract_if(.., is_alike).map(|slot| (slot, side));
            folder.sleep.extend(alike);
        }
    }
}

fn parked_size(item: &Parked) -> Option<u64> {
    let is_unreadable = item.code == Code::MessageUnreadable.as_str();
    let (_, size) = item.args.iter().find(|(name, _)| is_unreadable && name == SIZE)?;
    size.parse().ok()
}

/// After the brakes were asked, so that what they hold is held as long as ever: where nobody knows the size, whatever else goes may
/// be that message.
pub fn let_all_sleep(works: &BTreeMap<FolderId, FolderWork>, plan: &mut AccountPlan) {
    let is_met = |side: Side| works.values().any(|work| work.unreadable[side].values().any(Option::is_none));
    for side in Side::ALL.into_iter().filter(|side| is_met(*side)) {
        for folder in plan.folders.values_mut() {
            folder.sleep.extend(folder.deletes[side.other()].drain(..).map(|slot| (slot, side)));
        }
    }
}
