//! Pairs what appeared or vanished before anything is decided: newcomers of both sides, and moves across folders.

use crate::held;
use crate::likeness::{contents, essences, stamps_apart};
use crate::pass::{Run, both_paths, stops_the_pass};
use crate::work::{FolderWork, Open, Seen};
use parom_domain::endpoint::Stamp;
use parom_domain::link::{Link, stored_size};
use parom_domain::pair;
use parom_domain::policy::Mode;
use parom_domain::state::FolderId;
use parom_domain::uid::UidSet;
use parom_domain::{Both, Error, Marks, Result, Side, Uid, recover};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Newcomers that appeared on both sides of a folder are the same message or not: headers tell, and where they do not,
/// bodies do.
pub async fn pair_newcomers(run: &mut Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>) -> Result<()> {
    let recent = std::mem::take(&mut run.state.recent);
    let mut adopted: Looks = Looks::new();
    let mut refused = Vec::new();
    // What a brake holds is not paired before it lets go: the links of today end with the pairing.
    let strangers = &run.strangers;
    for work in works.values_mut().filter(|work| work.is_open() && !strangers.contains(&work.id)) {
        let open = Open::of(work.id, &[], &[], &recent);
        let on_both = !work.findings.newcomers.source.is_empty() && !work.findings.newcomers.target.is_empty();
        for side in Side::ALL {
            if on_both || (!open.recent[side].is_empty() && !work.findings.newcomers[side].is_empty()) {
                fetch_stamps(run, work, side).await?;
            }
        }
        refused.extend(drop_twins(run, work, &open).await?.map(|error| (work.id, error)));
        if !on_both {
            continue;
        }
        let stamps = Both::from_fn(|side| {
            let newcomers = work.findings.newcomers[side].iter();
            newcomers.filter_map(|sighting| work.stamps[side].get(&sighting.uid).cloned()).collect::<Vec<_>>()
        });
        let paired = pair::pair_newcomers(&stamps);
        let mut pairs = paired.pairs;
        for group in paired.unclear {
            let source = contents(run, work, Side::Source, &group.source).await?;
            let target = contents(run, work, Side::Target, &group.target).await?;
            pairs.extend(pair::pair_by_content(&Both::new(source, target)));
        }
        for group in paired.altered {
            let source = essences(run, work, Side::Source, &group.source).await?;
            let target = essences(run, work, Side::Target, &group.target).await?;
            pairs.extend(pair::pair_by_content(&Both::new(source, target)));
        }
        run.report.adopted += pairs.len() as u64;
        let adopts = pairs.iter().filter_map(|pair| work.stamps.source.get(&pair.source));
        for stamp in adopts {
            *adopted.entry((stamp.fingerprint.short(), stored_size(stamp.size))).or_default() += 1;
        }
        adopt(run, work, &pairs);
    }
    run.state.recent = recent;
    for (folder, error) in refused {
        works.remove(&folder);
        run.trouble(folder, error);
    }
    crate::moves::end_moved_on_both(works, &adopted);
    Ok(())
}

/// How many messages look like that.
pub type Looks = HashMap<(u64, u32), usize>;

/// Links pairs; what their marks differ in is then merged like any other change.
fn adopt(run: &Run<'_>, work: &mut FolderWork, pairs: &[Both<Uid>]) {
    let taken = Both::from_fn(|side| pairs.iter().map(|pair| pair[side]).collect::<HashSet<Uid>>());
    let marks: Both<HashMap<Uid, Marks>> = Both::from_fn(|side| {
        let newcomers = work.findings.newcomers[side].iter();
        newcomers.map(|sighting| (sighting.uid, sighting.marks.clone())).collect()
    });
    for side in Side::ALL {
        work.take_newcomers(side, &taken[side]);
    }
    for pair in pairs {
        let (Some(source), Some(target)) = (marks.source.get(&pair.source), marks.target.get(&pair.target)) else {
            continue;
        };
        let stamp = work.stamps.source.get(&pair.source);
        let base = first_base(run.pass.policy.mode, source, target);
        let slot = work.links.insert(Link {
            uids: Both::new(Some(pair.source), Some(pair.target)),
            base: base.clone(),
            short: stamp.map_or(0, |stamp| stamp.fingerprint.short()),
            size: stamp.map_or(0, |stamp| stored_size(stamp.size)),
        });
        if *source != base || *target != base {
            work.findings.changed.push((slot, Both::new(Some(source.clone()), Some(target.clone()))));
        }
    }
}

/// The base of two messages that were never linked. It is what makes the merge come out as agreed: a mark that both should have
/// is new on the side that has it, and \Deleted on one side only is a change of that side taken back.
#[must_use]
pub fn first_base(mode: Mode, source: &Marks, target: &Marks) -> Marks {
    let common = source.intersection(target);
    match mode {
        Mode::TwoWay => common.union(&source.union(target).minus(&Marks::agree(source, target))),
        Mode::ToTarget => common,
    }
}

pub async fn fetch_stamps(run: &Run<'_>, work: &mut FolderWork, side: Side) -> Result<()> {
    let wanted: UidSet = work.findings.newcomers[side]
        .iter()
        .map(|sighting| sighting.uid)
        .filter(|uid| !work.stamps[side].contains_key(uid))
        .collect();
    let (Some(path), Some(validity)) = (work.paths[side].clone(), work.validity(side)) else { return Ok(()) };
    let wanted = wanted.iter().filter(|uid| !work.unreadable[side].contains_key(uid)).collect();
    let (stamps, unreadable) = stamps_apart(run, side, &path, validity, &wanted).await?;
    work.unreadable[side].extend(unreadable);
    work.stamps[side].extend(stamps.into_iter().map(|stamp| (stamp.uid, stamp)));
    Ok(())
}

/// A message that a slow server committed after we had given it up and sent it again is our own double: the later copy is
/// removed, once its content has been compared with the one that is linked.
///
/// Returns why one could not be removed: then its folder waits.
async fn drop_twins(run: &Run<'_>, work: &mut FolderWork, open: &Open<'_>) -> Result<Option<Error>> {
    let mut refused = None;
    for side in Side::ALL {
        let recent = &open.recent[side];
        if recent.is_empty() || run.pass.dry_run {
            continue;
        }
        let suspects: Vec<Stamp> = work.findings.newcomers[side]
            .iter()
            .filter_map(|sighting| work.stamps[side].get(&sighting.uid))
            .filter(|stamp| recover::may_be_twin(stamp, recent))
            .cloned()
            .collect();
        for stamp in suspects {
            let short = stamp.fingerprint.short();
            let linked = work.links.iter().filter(|(_, link)| link.short == short);
            let linked: Vec<Uid> = linked.filter_map(|(_, link)| link.uids[side]).collect();
            let mut uids = linked.clone();
            uids.push(stamp.uid);
            let hashes: HashMap<Uid, [u8; 32]> = contents(run, work, side, &uids).await?.into_iter().collect();
            let Some(mine) = hashes.get(&stamp.uid) else { continue };
            if !linked.iter().any(|uid| hashes.get(uid) == Some(mine)) {
                continue;
            }
            let (Some(path), Some(validity)) = (work.paths[side].clone(), work.validity(side)) else { continue };
            tracing::warn!(side = %side, folder = ?path, uid = %stamp.uid, "removing a late twin of a message that was sent again");
            let mut set = UidSet::new();
            set.insert(stamp.uid);
            let removed = run.pass.sides[side].expunge(&path, validity, &set).await;
            match removed.and_then(|removed| held::none_spared(side, removed)) {
                Ok(_) => {
                    work.take_newcomer(side, stamp.uid);
                    work.wrote[side] = true;
                }
                Err(error) if stops_the_pass(&error) => return Err(error),
                Err(error) => refused = Some(error),
            }
        }
    }
    Ok(refused)
}

/// Brings a folder into the pass that had nothing to do until now (the trash that receives deletions). What a look finds
/// there is left to the next pass: its cursors stay.
pub async fn ensure_loaded(
    run: &Run<'_>,
    works: &mut BTreeMap<FolderId, FolderWork>,
    id: FolderId,
    side: Side,
) -> Result<()> {
    if works.get(&id).is_some_and(|work| work.seen[side].is_some()) {
        return Ok(());
    }
    load(run, works, id, &[side]).await
}

/// The same for both sides of a folder that is not in the pass.
pub async fn ensure_open(run: &Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>, id: FolderId) -> Result<()> {
    if works.contains_key(&id) || run.pair(id).is_none_or(|pair| both_paths(pair).is_none()) {
        return Ok(());
    }
    load(run, works, id, &Side::ALL).await
}

async fn load(run: &Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>, id: FolderId, sides: &[Side]) -> Result<()> {
    let Some(pair) = run.pair(id).cloned() else { return Ok(()) };
    let links = run.pass.book.links(id).await?;
    let mut work = FolderWork::new(&pair, links, None);
    for side in sides.iter().copied() {
        let path = pair.paths[side].as_ref().ok_or_else(|| Error::internal("a folder without a name"))?;
        let since = pair.cursors[side].filter(|cursor| cursor.modseq > 0);
        work.seen[side] = Some(Seen::of(&run.pass.sides[side].observe(path, since.as_ref()).await?));
    }
    work.failed = true;
    work.settled = false;
    works.insert(id, work);
    Ok(())
}
