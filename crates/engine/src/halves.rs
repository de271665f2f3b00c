//! Halves of moves. A server without MOVE copies and expunges, and a crash in between leaves both; recovery puts that right,
//! unless somebody moved the copy or the original on before it came to look. Then one message of ours is there twice.

use crate::gather::{contents, fetch_stamps};
use crate::pass::Run;
use crate::work::FolderWork;
use parom_domain::endpoint::Stamp;
use parom_domain::state::{Change, FolderId, Recent};
use parom_domain::uid::UidSet;
use parom_domain::{Result, Uid};
use std::collections::BTreeMap;

type Works = BTreeMap<FolderId, FolderWork>;

/// Removes the half that is not linked, once its body was compared with that of the one that is. It is looked for once, in
/// the first look after the crash that sees everything: what appears later is somebody's own copy.
pub async fn drop_halves(run: &mut Run<'_>, works: &mut Works) -> Result<()> {
    let (halves, rest): (Vec<Recent>, Vec<Recent>) = run.state.recent.iter().partition(|item| item.uid.is_some());
    if halves.is_empty() || run.pass.dry_run {
        return Ok(());
    }
    for half in &halves {
        for work in works.values_mut().filter(|work| !work.findings.newcomers[half.into].is_empty()) {
            fetch_stamps(run, work, half.into).await?;
        }
        if let [(folder, uid)] = alike(works, half).as_slice() {
            drop_half(run, works, half, *folder, *uid).await?;
        }
    }
    if run.sees_everything() {
        let before_ms = run.pass.clock.now_ms().saturating_add(1);
        run.pass.book.commit(vec![Change::ForgetRecent { before_ms }, Change::Remember(rest.clone())]).await?;
        run.state.recent = rest;
    }
    Ok(())
}

/// Newcomers that look like the linked half.
fn alike(works: &Works, half: &Recent) -> Vec<(FolderId, Uid)> {
    let is_alike = |stamp: &&Stamp| (stamp.fingerprint, stamp.size) == (half.fingerprint, half.len);
    let places = works.values().flat_map(|work| {
        let newcomers = work.findings.newcomers[half.into].iter();
        let stamps = newcomers.filter_map(|sighting| work.stamps[half.into].get(&sighting.uid)).filter(is_alike);
        stamps.map(|stamp| (work.id, stamp.uid)).collect::<Vec<_>>()
    });
    places.collect()
}

async fn drop_half(run: &Run<'_>, works: &mut Works, half: &Recent, folder: FolderId, uid: Uid) -> Result<()> {
    let side = half.into;
    let (Some(linked), Some(work)) = (works.get(&half.folder), works.get(&folder)) else { return Ok(()) };
    let Some(kept) = half.uid.filter(|uid| linked.links.slot(side, *uid).is_some()) else { return Ok(()) };
    let mine = contents(run, work, side, &[uid]).await?;
    let kept = contents(run, linked, side, &[kept]).await?;
    let (Some((_, mine)), Some((_, kept))) = (mine.first(), kept.first()) else { return Ok(()) };
    let (Some(path), Some(validity)) = (work.paths[side].clone(), work.validity(side)) else { return Ok(()) };
    if mine != kept {
        return Ok(());
    }
    tracing::warn!(side = %side, folder = ?path, %uid, "removing a half of a move that a crash left behind");
    run.pass.sides[side].expunge(&path, validity, &UidSet::range(uid, uid)).await?;
    if let Some(work) = works.get_mut(&folder) {
        work.take_newcomer(side, uid);
        work.wrote[side] = true;
    }
    Ok(())
}
