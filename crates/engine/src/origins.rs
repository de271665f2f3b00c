//! Newcomers that were moved while a pass looked: they were seen where they went, and the folder that they left had been looked
//! at before, when they were still there. They wait for the next look, which sees both ends of the move. Carried as new mail
//! they would be there twice if somebody moved the same message on the other side too.
//!
//! What a newcomer is, is known when its body has been read. Only if it looks like a linked message of another folder, that
//! folder is asked whether it still has the message. Links of folders that this pass did not look at are not loaded, so a
//! message that was moved out of one of them meanwhile is carried as new mail.

use crate::pass::stops_the_pass;
use crate::read::Incoming;
use crate::transfer::Lane;
use crate::work::FolderWork;
use parom_domain::link::stored_size;
use parom_domain::state::FolderId;
use parom_domain::uid::UidSet;
use parom_domain::{Both, FolderPath, Result, Side, Uid};
use std::collections::{BTreeMap, HashSet};

/// Where the linked messages of the folders were when they were looked at.
#[derive(Default)]
pub struct Origins {
    /// Sorted by what the message looks like.
    links: Vec<Origin>,
    folders: BTreeMap<FolderId, Both<Option<(FolderPath, u32)>>>,
}

struct Origin {
    look: (u64, u32),
    folder: FolderId,
    /// `None` where the look lacked it.
    uids: Both<Option<Uid>>,
}

impl Origins {
    #[must_use]
    pub fn of(works: &BTreeMap<FolderId, FolderWork>) -> Origins {
        let mut origins = Origins::default();
        for work in works.values() {
            let lost = Both::from_fn(|side| {
                let slots = work.findings.gone[side].iter().chain(&work.findings.missing[side]);
                slots.copied().collect::<HashSet<_>>()
            });
            let whole = work.links.iter().filter(|(_, link)| link.short != 0 && !link.is_one_sided());
            origins.links.extend(whole.map(|(slot, link)| Origin {
                look: (link.short, link.size),
                folder: work.id,
                uids: Both::from_fn(|side| link.uids[side].filter(|_| !lost[side].contains(&slot))),
            }));
            let place = |side| Some((work.paths[side].clone()?, work.validity(side)?));
            origins.folders.insert(work.id, Both::from_fn(place));
        }
        origins.links.sort_unstable_by_key(|origin| origin.look);
        origins
    }

    /// The places in other folders where a message that looks like this one was seen.
    fn places(&self, lane: &Lane<'_>, item: &Incoming) -> impl Iterator<Item = (FolderId, Uid)> {
        let (look, side) = ((item.fingerprint.short(), stored_size(item.len)), lane.into.other());
        let first = self.links.partition_point(|origin| origin.look < look);
        let alike = self.links.iter().skip(first).take_while(move |origin| origin.look == look);
        let elsewhere = alike.filter(|origin| origin.folder != lane.folder);
        elsewhere.filter_map(move |origin| Some((origin.folder, origin.uids[side]?)))
    }
}

/// Takes out of a batch what has left another folder since that was looked at.
pub async fn leave_moved(lane: &Lane<'_>, mut items: Vec<Incoming>) -> Result<Vec<Incoming>> {
    let mut asked: BTreeMap<FolderId, UidSet> = BTreeMap::new();
    for (folder, uid) in items.iter().flat_map(|item| lane.origins.places(lane, item)) {
        asked.entry(folder).or_default().insert(uid);
    }
    let mut left: HashSet<(FolderId, Uid)> = HashSet::new();
    for (folder, uids) in asked {
        let there = still_there(lane, folder, &uids).await?;
        left.extend(uids.iter().filter(|uid| !there.contains(*uid)).map(|uid| (folder, uid)));
    }
    if !left.is_empty() {
        let before = items.len();
        items.retain(|item| !lane.origins.places(lane, item).any(|place| left.contains(&place)));
        lane.done().waiting += (before - items.len()) as u64;
    }
    Ok(items)
}

/// Nothing is, in a folder that cannot be asked any more: the next look tells what became of it.
async fn still_there(lane: &Lane<'_>, folder: FolderId, uids: &UidSet) -> Result<UidSet> {
    let side: Side = lane.into.other();
    let place = lane.origins.folders.get(&folder).and_then(|places| places[side].as_ref());
    let Some((path, validity)) = place else { return Ok(UidSet::new()) };
    match lane.run.pass.sides[side].present(path, *validity, uids).await {
        Ok(present) => Ok(present),
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(_) => Ok(UidSet::new()),
    }
}
