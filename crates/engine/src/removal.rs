//! Folders whose partner is gone are removed, at the very end of a pass and once nothing is left in them.
//!
//! IMAP has no deletion of empty folders only: a message that somebody moves into the folder between our last look and our
//! DELETE would go with it. So a folder that looks empty is first renamed to a name that nobody knows, where nothing can
//! come any more that was meant for it; then comes the last look, and then it is deleted or gets its name back. The name is
//! announced as a goal: the pass after a crash gives it back, too.

use crate::folders::{Step, announce_rename, close_goals, names_in_use, note, settle_rename, told};
use crate::lanes::side_by_side;
use crate::pass::Run;
use crate::ports::Event;
use crate::work::FolderWork;
use futures_util::future::BoxFuture;
use parom_domain::endpoint::{Listing, LookAt};
use parom_domain::policy::Deletions;
use parom_domain::state::{Change, FolderId, FolderPair};
use parom_domain::tree::TreePlan;
use parom_domain::{Both, FolderPath, Result, Side, UidSet, names};
use std::collections::{BTreeMap, HashSet};

type Works = BTreeMap<FolderId, FolderWork>;

/// A folder whose partner is gone, where it still is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub id: FolderId,
    pub side: Side,
    pub path: FolderPath,
}

/// The folders whose partner is gone, the deepest first: a folder can go once nothing stands below it.
#[must_use]
pub fn left(run: &Run<'_>, trees: &TreePlan) -> Vec<Left> {
    let mut left: Vec<Left> = trees
        .gone
        .iter()
        .filter_map(|(id, gone)| {
            let side = gone.other();
            Some(Left { id: *id, side, path: run.pair(*id)?.paths[side].clone()? })
        })
        .collect();
    left.sort_by_key(|folder| (std::cmp::Reverse(folder.path.depth()), folder.side));
    left
}

/// Does anything stand below the folder that was not removed? What nobody carries counts too, and what the server does not
/// show: it may delete it along.
#[must_use]
pub fn holds_others(listing: &Listing, path: &FolderPath, removed: &HashSet<FolderPath>) -> bool {
    listing.folders.iter().any(|folder| {
        let is_below = folder.selectable && folder.path.is_below(path);
        (is_below && !removed.contains(&folder.path)) || (folder.hides_children && folder.path == *path)
    })
}

/// Removes what is empty. New mail in such a folder keeps it alive: it is then made again on the other side by the next
/// pass.
pub async fn remove_gone(
    run: &mut Run<'_>,
    works: &mut Works,
    trees: &TreePlan,
    listings: &Both<Listing>,
) -> Result<()> {
    forget(run).await?;
    let mut removed: Both<HashSet<FolderPath>> = Both::default();
    let left = left(run, trees);
    for flight in left.chunk_by(|a, b| (a.path.depth(), a.side) == (b.path.depth(), b.side)) {
        let Some(side) = flight.first().map(|folder| folder.side) else { continue };
        let workable = |folder: &&Left| works.get(&folder.id).is_some_and(|work| !work.stays());
        let open: Vec<Left> = flight.iter().filter(workable).cloned().collect();
        if !run.pass.policy.writes(side) {
            continue;
        }
        let never = run.pass.policy.deletions == Deletions::Never;
        let holds = |folder: &Left| never || holds_others(&listings[side], &folder.path, &removed[side]);
        let (kept, free): (Vec<Left>, Vec<Left>) = open.into_iter().partition(holds);
        let (empty, full) = look(run, side, free).await?;
        let aside = set_aside(run, &listings[side], side, empty).await?;
        let gone = last_look_and_delete(run, works, side, aside).await?;
        removed[side].extend(gone);
        for folder in kept.iter().chain(&full) {
            separate(run, works, folder).await?;
        }
    }
    Ok(())
}

/// While some folder could not be looked at, what was moved out of these may be in it: until everything is seen, it is known
/// by their links what is no new mail.
async fn forget(run: &mut Run<'_>) -> Result<()> {
    if !run.sees_everything() {
        return Ok(());
    }
    run.state.folders.retain(|pair| !run.forgotten.contains(&pair.id));
    run.pass.book.commit(run.forgotten.iter().map(|id| Change::DropFolder(*id)).collect()).await
}

/// Sorts folders into the empty ones and the others.
async fn look(run: &mut Run<'_>, side: Side, folders: Vec<Left>) -> Result<(Vec<Left>, Vec<Left>)> {
    if folders.is_empty() {
        return Ok((folders, Vec::new()));
    }
    let look = |folder: &Left| LookAt { folder: folder.path.clone(), since: None, ask: UidSet::default() };
    let looks: Vec<LookAt> = folders.iter().map(look).collect();
    let results = run.pass.sides[side].observe_all(&looks).await;
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    for (folder, result) in folders.into_iter().zip(results) {
        match result {
            Ok(looked) if looked.snapshot.cursor.exists == 0 => empty.push(folder),
            Ok(_) => full.push(folder),
            Err(error) => note(run, folder.id, Err(error))?,
        }
    }
    Ok((empty, full))
}

/// A folder under its spare name.
struct Aside {
    folder: Left,
    spare: FolderPath,
}

/// Renames the folders, announced before and settled after.
async fn set_aside(run: &mut Run<'_>, listing: &Listing, side: Side, folders: Vec<Left>) -> Result<Vec<Aside>> {
    let mut taken = names_in_use(run, listing, side);
    let (mut changes, mut asides) = (Vec::new(), Vec::new());
    for folder in folders {
        let first = first_number(run);
        let spare = spare(&folder.path, &mut taken, listing.abilities.case_sensitive, first);
        taken.insert(spare.clone());
        changes.extend(close_goals(run, folder.id, side));
        changes.push(announce_rename(run, folder.id, side, folder.path.clone(), folder.path.clone(), true));
        changes.push(announce_rename(run, folder.id, side, folder.path.clone(), spare.clone(), false));
        asides.push(Aside { folder, spare });
    }
    run.pass.book.commit(changes).await?;
    let renames = asides.iter().map(|aside| (&aside.folder.path, &aside.spare)).collect();
    let results = rename_all(run, side, renames).await;
    let mut done = Vec::new();
    for (aside, result) in asides.into_iter().zip(results) {
        match told(side, Step::SetAside, result) {
            Ok(()) => {
                settle_rename(run, aside.folder.id, side, &aside.folder.path, &aside.spare).await?;
                done.push(aside);
            }
            Err(error) => note(run, aside.folder.id, Err(error))?,
        }
    }
    Ok(done)
}

/// So many letters of the name are enough to tell whose spare name it is. Names have limits, and a number makes them longer.
const LETTERS: usize = 20;

/// A crash may have left a folder under a spare name where people saw it, and what they still have for that name must not
/// come into a folder that is about to be deleted: the same name is not used again soon.
fn first_number(run: &Run<'_>) -> u32 {
    let tenths = run.pass.clock.now_ms() / 100 % 90_000;
    u32::try_from(tenths).unwrap_or(0) + 10_000
}

fn spare(path: &FolderPath, taken: &mut HashSet<FolderPath>, case_sensitive: bool, first: u32) -> FolderPath {
    let name: String = path.name().chars().take(LETTERS).collect();
    let short = match path.parent() {
        Some(parent) => Some(parent.child(name.trim_end())),
        None => FolderPath::new([name.trim_end()]),
    };
    let short = short.unwrap_or_else(|| path.clone());
    // It has a number in any case.
    taken.insert(short.clone());
    names::free_from(short, taken, case_sensitive, first)
}

async fn rename_all(run: &Run<'_>, side: Side, renames: Vec<(&FolderPath, &FolderPath)>) -> Vec<Result<()>> {
    let rename = |(at, (from, to))| -> BoxFuture<'_, (usize, Result<()>)> {
        Box::pin(async move { (at, run.pass.sides[side].rename(from, to).await) })
    };
    in_order(side_by_side(run.lanes, renames.into_iter().enumerate().map(rename).collect()).await)
}

fn in_order(mut results: Vec<(usize, Result<()>)>) -> Vec<Result<()>> {
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Deletes what is still empty under its spare name, and gives the others their names back. Returns the names that are
/// free now.
async fn last_look_and_delete(
    run: &mut Run<'_>,
    works: &mut Works,
    side: Side,
    asides: Vec<Aside>,
) -> Result<Vec<FolderPath>> {
    if asides.is_empty() {
        return Ok(Vec::new());
    }
    // A folder that somebody made below it meanwhile was carried along.
    let listing = run.pass.sides[side].folders().await?;
    let spares: Vec<Left> =
        asides.iter().map(|aside| Left { path: aside.spare.clone(), ..aside.folder.clone() }).collect();
    let (empty, _) = look(run, side, spares).await?;
    let is_empty = |aside: &Aside| empty.iter().any(|folder| folder.id == aside.folder.id);
    let may_go = |aside: &Aside| is_empty(aside) && !holds_others(&listing, &aside.spare, &HashSet::new());
    let (go, stay): (Vec<Aside>, Vec<Aside>) = asides.into_iter().partition(may_go);
    // Somebody was faster: these live on.
    for folder in give_back(run, side, stay).await? {
        separate(run, works, &folder).await?;
    }
    let results = {
        let run = &*run;
        let remove = |(at, aside): (usize, &Aside)| -> BoxFuture<'_, (usize, Result<()>)> {
            let spare = aside.spare.clone();
            Box::pin(async move { (at, run.pass.sides[side].remove(&spare).await) })
        };
        in_order(side_by_side(run.lanes, go.iter().enumerate().map(remove).collect()).await)
    };
    let (mut freed, mut refused) = (Vec::new(), Vec::new());
    for (aside, result) in go.into_iter().zip(results) {
        match told(side, Step::Delete, result) {
            Ok(()) => {
                unsubscribe(run, &aside.folder).await?;
                drop_pair(run, works, &aside.folder).await?;
                freed.push(aside.folder.path);
            }
            Err(error) => {
                note(run, aside.folder.id, Err(error))?;
                refused.push(aside);
            }
        }
    }
    give_back(run, side, refused).await?;
    Ok(freed)
}

/// Gives folders their names back; returns those that have them.
async fn give_back(run: &mut Run<'_>, side: Side, asides: Vec<Aside>) -> Result<Vec<Left>> {
    let renames = asides.iter().map(|aside| (&aside.spare, &aside.folder.path)).collect();
    let results = rename_all(run, side, renames).await;
    let mut back = Vec::new();
    for (aside, result) in asides.into_iter().zip(results) {
        match told(side, Step::GiveBack, result) {
            Ok(()) => {
                settle_rename(run, aside.folder.id, side, &aside.spare, &aside.folder.path).await?;
                back.push(aside.folder);
            }
            // Somebody has made a folder of that name. The goal stays, and the next pass finds a name.
            Err(error) => note(run, aside.folder.id, Err(error))?,
        }
    }
    Ok(back)
}

/// Servers keep the subscription of a folder that is no more (RFC 3501 section 6.3.4).
async fn unsubscribe(run: &Run<'_>, folder: &Left) -> Result<()> {
    if !run.pair(folder.id).is_some_and(|pair| pair.subscribed) {
        return Ok(());
    }
    match run.pass.sides[folder.side].subscribe(&folder.path, false).await {
        Err(error) if crate::pass::stops_the_pass(&error) => Err(error),
        // Some servers forget it by themselves, and have nothing to unsubscribe from.
        _ => Ok(()),
    }
}

async fn drop_pair(run: &mut Run<'_>, works: &mut Works, folder: &Left) -> Result<()> {
    run.report.folder_steps += 1;
    run.pass.observer.event(Event::Stepped { count: 1 });
    run.state.folders.retain(|pair| pair.id != folder.id);
    // The name is free now for a folder that has a number instead.
    run.unfinished |= run.state.folders.iter().any(|pair| pair.paths.source != pair.paths.target);
    works.remove(&folder.id);
    let mut changes = close_goals(run, folder.id, folder.side);
    changes.push(Change::DropFolder(folder.id));
    run.pass.book.commit(changes).await
}

/// The folder stays where something is left in it: it has no partner any more.
async fn separate(run: &mut Run<'_>, works: &mut Works, folder: &Left) -> Result<()> {
    let gone_side = folder.side.other();
    if run.pass.policy.deletions == Deletions::Never || !run.pass.policy.writes(gone_side) {
        return Ok(());
    }
    let Some(old) = run.pair(folder.id).cloned() else { return Ok(()) };
    let mut paths = old.paths.clone();
    paths[gone_side] = None;
    let pair = FolderPair {
        paths,
        cursors: Both::default(),
        missing_since_ms: Both::default(),
        mailbox_ids: {
            let mut ids = old.mailbox_ids.clone();
            ids[gone_side] = None;
            ids
        },
        ..old
    };
    works.remove(&folder.id);
    run.state.folders.retain(|pair| pair.id != folder.id);
    run.state.folders.push(pair.clone());
    run.unfinished = true;
    run.pass.book.commit(vec![Change::DropFolder(folder.id), Change::PutFolder(pair)]).await
}
