//! What folders with new UIDs lost, and what was in folders that are gone on both sides. It stays in the book until a pass
//! could look for it everywhere: each of these messages may have been moved, and is then paired by what it looks like
//! (`overtaken.rs`).

use crate::pass::Run;
use crate::work::FolderWork;
use parom_domain::state::{Change, FolderId, FolderPair, Strays};
use parom_domain::{Result, Side};
use std::collections::{BTreeMap, HashSet};

/// A folder that nobody can open must not hold back what looks like a stray for longer.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// Adds what the looks did not find again, and what was in folders that are gone on both sides, to what is known already.
pub async fn note(run: &mut Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Result<()> {
    let now_ms = run.pass.clock.now_ms();
    run.state.strays.retain(|strays| strays.at_ms.saturating_add(KEPT_MS) > now_ms);
    for work in works.values() {
        for side in Side::ALL {
            add(run, work.id, side, &work.strays[side]);
        }
    }
    let forgotten: Vec<FolderId> = run.forgotten.iter().copied().collect();
    for folder in forgotten {
        let links = run.pass.book.links(folder).await?;
        let whole = links.iter().map(|(_, link)| link).filter(|link| !link.is_one_sided());
        add(run, folder, Side::Target, &whole.map(|link| (link.short, link.size)).collect::<Vec<_>>());
    }
    Ok(())
}

/// Adds what these messages look like. Their place on this side is not known any more; it was this folder.
pub fn add(run: &mut Run<'_>, folder: FolderId, side: Side, lost: &[(u64, u32)]) {
    let same = |strays: &Strays| (strays.folder, strays.side) == (folder, side);
    let old = run.state.strays.iter().position(same).map(|at| run.state.strays.swap_remove(at));
    let mut strays = old.unwrap_or(Strays { folder, side, at_ms: 0, looks: Vec::new() });
    let mut known: HashSet<(u64, u32)> = strays.looks.iter().copied().collect();
    let before = strays.looks.len();
    strays.looks.extend(lost.iter().filter(|(short, _)| *short != 0).filter(|look| known.insert(**look)));
    if strays.looks.len() > before {
        strays.at_ms = run.pass.clock.now_ms();
        run.new_strays.insert((folder, side));
    }
    if !strays.looks.is_empty() {
        run.state.strays.push(strays);
    }
}

/// What is to be committed together with the links from which they fell.
pub fn take_changes(run: &mut Run<'_>) -> Vec<Change> {
    let new = std::mem::take(&mut run.new_strays);
    let strays = run.state.strays.iter().filter(|strays| new.contains(&(strays.folder, strays.side)));
    strays.cloned().map(Change::PutStrays).collect()
}

/// Ends the search after a pass that saw everything and left nothing back. A folder that has no partner yet was not seen.
pub async fn forget(run: &mut Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Result<()> {
    let is_whole = |pair: &FolderPair| Side::ALL.iter().all(|side| pair.paths[*side].is_some());
    let is_over = run.sees_everything()
        && run.braked.is_empty()
        && works.values().all(|work| !work.stays())
        && run.state.folders.iter().all(is_whole);
    if run.state.strays.is_empty() || !is_over {
        return Ok(());
    }
    run.state.strays.clear();
    run.pass.book.commit(vec![Change::ForgetStrays]).await
}
