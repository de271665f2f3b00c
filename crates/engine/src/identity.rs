//! Which folder is which, on a side that tells permanent ids only folder by folder ([`Endpoint::identify`]).
//!
//! UIDVALIDITY alone does not tell: Cyrus numbers it by the second, and folders that were made together (by us, in one
//! flight) have the same one. When two of them exchange names, each looks like the other with new mail or with mail gone.
//!
//! [`Endpoint::identify`]: parom_domain::endpoint::Endpoint::identify

use crate::pass::Run;
use crate::work::FolderWork;
use futures_util::future::join;
use parom_domain::endpoint::Listing;
use parom_domain::state::{Change, FolderId, FolderPair};
use parom_domain::{Both, FolderPath, FolderSeen, Result, Side};
use std::collections::{BTreeMap, HashMap};

/// Adds ids to the listings, for folders that may be other ones than their names say. Where nothing has changed no folder
/// is asked, so an idle pass costs nothing; nor does a side that has no such ids, or lists them.
pub async fn tell_apart(run: &Run<'_>, listings: &mut Both<Listing>) -> Result<()> {
    let doubtful = Both::from_fn(|side| doubtful(&run.state.folders, &listings[side].folders, side));
    let paths = Both::from_fn(|side| paths(&listings[side].folders, &doubtful[side]));
    let (source, target) = join(ask(run, Side::Source, &paths.source), ask(run, Side::Target, &paths.target)).await;
    let ids = Both::new(source?, target?);
    for side in Side::ALL {
        for (at, id) in doubtful[side].iter().zip(&ids[side]) {
            if let Some(folder) = listings[side].folders.get_mut(*at) {
                folder.mailbox_id.clone_from(id);
            }
        }
    }
    Ok(())
}

/// Learns the ids of the folders that the pass has worked on, once for each.
pub async fn learn(run: &mut Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Result<()> {
    for side in Side::ALL {
        let unknown =
            run.state.folders.iter().filter(|pair| works.contains_key(&pair.id) && pair.mailbox_ids[side].is_none());
        let (folders, paths): (Vec<FolderId>, Vec<FolderPath>) =
            unknown.filter_map(|pair| Some((pair.id, pair.paths[side].clone()?))).unzip();
        let ids = ask(run, side, &paths).await?;
        let mut changes = Vec::new();
        for (folder, id) in folders.into_iter().zip(ids) {
            if let (Some(pair), Some(id)) = (run.pair_mut(folder), id) {
                pair.mailbox_ids[side] = Some(id);
                changes.push(Change::PutFolder(pair.clone()));
            }
        }
        run.pass.book.commit(changes).await?;
    }
    Ok(())
}

async fn ask(run: &Run<'_>, side: Side, paths: &[FolderPath]) -> Result<Vec<Option<String>>> {
    if paths.is_empty() { Ok(Vec::new()) } else { run.pass.sides[side].identify(paths).await }
}

fn paths(folders: &[FolderSeen], chosen: &[usize]) -> Vec<FolderPath> {
    chosen.iter().filter_map(|at| folders.get(*at)).map(|folder| folder.path.clone()).collect()
}

/// Folders of a listing that have to be asked, by index.
fn doubtful(pairs: &[FolderPair], folders: &[FolderSeen], side: Side) -> Vec<usize> {
    let known: HashMap<&FolderPath, &FolderPair> = pairs
        .iter()
        .filter(|pair| pair.mailbox_ids[side].is_some())
        .filter_map(|pair| Some((pair.paths[side].as_ref()?, pair)))
        .collect();
    if known.is_empty() {
        return Vec::new();
    }
    let by_path: HashMap<&FolderPath, &FolderSeen> =
        folders.iter().filter(|folder| folder.selectable).map(|folder| (&folder.path, folder)).collect();
    let mut alike: HashMap<u32, u32> = HashMap::new();
    for status in folders.iter().filter_map(|folder| folder.status) {
        *alike.entry(status.validity).or_default() += 1;
    }
    let is_elsewhere = |(path, pair): (&&FolderPath, &&FolderPair)| match (by_path.get(*path), pair.cursors[side]) {
        (None, _) => true,
        (Some(there), Some(cursor)) => there.status.is_some_and(|status| status.validity != cursor.validity),
        (Some(_), None) => false,
    };
    let some_are_elsewhere = known.iter().any(is_elsewhere);
    let is_doubtful = |folder: &FolderSeen| match known.get(&folder.path) {
        Some(pair) => match (pair.cursors[side], folder.status) {
            (Some(then), Some(now)) if then.validity == now.validity => {
                then != now && alike.get(&now.validity).is_some_and(|count| *count > 1)
            }
            (Some(_), Some(_)) => true,
            _ => false,
        },
        None => some_are_elsewhere && !folder.path.is_inbox(),
    };
    let asked = folders.iter().enumerate().filter(|(_, folder)| folder.selectable && folder.mailbox_id.is_none());
    asked.filter(|(_, folder)| is_doubtful(folder)).map(|(at, _)| at).collect()
}
