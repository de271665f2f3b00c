//! Newcomers that were moved while a pass looked: they were seen where they went, and the folder that they left had been looked
//! at before, when they were still there. They wait for the next look, which sees both ends of the move. Carried as new mail
//! they would be there twice if somebody moved the same message on the other side too.
//!
//! What a newcomer is, is known when its body has been read. Only if it looks like a linked message of another folder, that
//! folder is asked whether it still has the message. That goes for the folders that this pass had no reason to look at, too:
//! somebody may have emptied one since it was listed. Their links are read from the book when there is something to carry,
//! once in a pass, and what is kept of them is what the messages look like and where they are.

use crate::pass::{Run, stops_the_pass};
use crate::plan::AccountPlan;
use crate::read::Incoming;
use crate::transfer::Lane;
use crate::work::FolderWork;
use parom_domain::link::{Link, stored_size};
use parom_domain::state::{FolderId, FolderPair};
use parom_domain::tree::TreePlan;
use parom_domain::uid::UidSet;
use parom_domain::{Both, Code, FolderPath, Result, Side, Uid};
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
    pub async fn of(
        run: &Run<'_>,
        works: &BTreeMap<FolderId, FolderWork>,
        trees: &TreePlan,
        plan: &AccountPlan,
    ) -> Result<Origins> {
        let mut origins = Origins::default();
        origins.add_looked_at(works);
        // A side from which nothing is carried is not asked.
        let carries =
            Both::from_fn(|from: Side| plan.folders.values().any(|folder| !folder.creates[from.other()].is_empty()));
        for pair in still(run, works, trees) {
            let holds = |side: &Side| carries[*side] && pair.cursors[*side].is_some_and(|cursor| cursor.exists > 0);
            if Side::ALL.iter().any(holds) {
                origins.add_still(run, pair).await?;
            }
        }
        origins.links.sort_unstable_by_key(|origin| origin.look);
        Ok(origins)
    }

    fn add_looked_at(&mut self, works: &BTreeMap<FolderId, FolderWork>) {
        for work in works.values() {
            let lost = Both::from_fn(|side| {
                let slots = work.findings.gone[side].iter().chain(&work.findings.missing[side]);
                slots.copied().collect::<HashSet<_>>()
            });
            let whole = work.links.iter().filter(|(_, link)| is_known(link));
            self.links.extend(whole.map(|(slot, link)| Origin {
                look: (link.short, link.size),
                folder: work.id,
                uids: Both::from_fn(|side| link.uids[side].filter(|_| !lost[side].contains(&slot))),
            }));
            let place = |side| Some((work.paths[side].clone()?, work.validity(side)?));
            self.folders.insert(work.id, Both::from_fn(place));
        }
    }

    async fn add_still(&mut self, run: &Run<'_>, pair: &FolderPair) -> Result<()> {
        let links = run.pass.book.links(pair.id).await?;
        let whole = links.iter().filter(|(_, link)| is_known(link));
        self.links.extend(whole.map(|(_, link)| Origin {
            look: (link.short, link.size),
            folder: pair.id,
            uids: link.uids,
        }));
        let place = |side| Some((pair.paths[side].clone()?, pair.cursors[side]?.validity));
        self.folders.insert(pair.id, Both::from_fn(place));
        Ok(())
    }

    /// The places in other folders where a message that looks like this one was seen.
    fn places(&self, lane: &Lane<'_>, item: &Incoming) -> impl Iterator<Item = (FolderId, Uid)> {
        let (look, side) = ((item.fingerprint.short(), stored_size(item.size)), lane.into.other());
        let first = self.links.partition_point(|origin| origin.look < look);
        let alike = self.links.iter().skip(first).take_while(move |origin| origin.look == look);
        let elsewhere = alike.filter(|origin| origin.folder != lane.folder);
        elsewhere.filter_map(move |origin| Some((origin.folder, origin.uids[side]?)))
    }
}

/// The folders that stood still when they were listed. The next pass sees what was moved out of one. It does not see that in
/// folders that are excluded by now, and newcomers that may come out of missing ones wait already.
fn still<'a>(
    run: &'a Run<'_>,
    works: &'a BTreeMap<FolderId, FolderWork>,
    trees: &'a TreePlan,
) -> impl Iterator<Item = &'a FolderPair> {
    let active: HashSet<FolderId> = trees.active.iter().copied().collect();
    let pairs = run.state.folders.iter().filter(move |pair| active.contains(&pair.id));
    pairs.filter(|pair| !works.contains_key(&pair.id) && !run.unseen.contains(&pair.id))
}

fn is_known(link: &Link) -> bool {
    link.short != 0 && !link.is_one_sided()
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

/// Nothing is, in a folder that is gone or was replaced: the next look tells what became of it. So is nothing known of one
/// that cannot be read, and that is told, as it may go on.
async fn still_there(lane: &Lane<'_>, folder: FolderId, uids: &UidSet) -> Result<UidSet> {
    let side: Side = lane.into.other();
    let place = lane.origins.folders.get(&folder).and_then(|places| places[side].as_ref());
    let Some((path, validity)) = place else { return Ok(UidSet::new()) };
    match lane.run.pass.sides[side].present(path, *validity, uids).await {
        Ok(present) => Ok(present),
        Err(error) if stops_the_pass(&error) => Err(error),
        Err(error) => {
            if !matches!(error.code(), Code::FolderGone | Code::ValidityChanged) {
                lane.done().troubles.insert(folder, error);
            }
            Ok(UidSet::new())
        }
    }
}
