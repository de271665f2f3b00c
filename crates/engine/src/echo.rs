//! The end of a pass: cursors advance past what was settled, and past the echo of our own writing.
//!
//! INVARIANT: a cursor is one that was taken before our writing, or one up to which a second look, or what stands for one, found
//! nothing but what is linked. So it never covers a change that was not settled, parked or suspected.

use crate::execute::restart_cursors;
use crate::looks::observe_many;
use crate::pass::{Run, stops_the_pass};
use crate::work::{FolderWork, Open, Seen};
use futures_util::future::join;
use parom_domain::endpoint::{Cursor, LookAt, Looked, Snapshot};
use parom_domain::look;
use parom_domain::state::{Change, FolderId};
use parom_domain::uid::UidSet;
use parom_domain::{Both, Result, Side};
use std::collections::{BTreeMap, HashMap};

pub async fn advance_cursors(run: &mut Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>) -> Result<()> {
    works.values_mut().for_each(|work| take_echoes(run, work));
    let (source, target) = join(look_again(run, works, Side::Source), look_again(run, works, Side::Target)).await;
    let mut again = Both::new(source, target);
    let mut changes = Vec::new();
    for work in works.values_mut() {
        for side in Side::ALL {
            if let Some(Ok(looked)) = again[side].get(&work.id)
                && work.validity(side) == Some(looked.snapshot.cursor.validity)
            {
                work.unlearn(side, &looked.snapshot);
                if let Some(before) = work.seen[side].as_ref().map(|seen| seen.cursor) {
                    work.doubt(side, &looked.snapshot, before);
                }
            }
        }
        changes.extend(work.link_changes());
        if work.waits || work.relook.source || work.relook.target {
            changes.extend(restart_cursors(run, work));
        }
    }
    for work in works.values_mut().filter(|work| !work.stays() && work.gone_side.is_none()) {
        for side in Side::ALL.into_iter().filter(|side| !work.relook[*side]) {
            let Some(Seen { cursor, .. }) = work.seen[side].clone() else { continue };
            let cursor = match again[side].remove(&work.id) {
                None => cursor,
                Some(Ok(looked)) => beyond_our_echo(run, work, side, &looked.snapshot).unwrap_or_else(|| {
                    // Somebody else was at work too: the next pass looks from the cursor that was taken before.
                    work.settled = false;
                    cursor
                }),
                Some(Err(error)) if stops_the_pass(&error) => return Err(error),
                Some(Err(error)) => {
                    work.settled = false;
                    run.trouble(work.id, error);
                    continue;
                }
            };
            let Some(pair) = run.pair_mut(work.id) else { continue };
            if pair.cursors[side] != Some(cursor) {
                pair.cursors[side] = Some(cursor);
                changes.push(Change::SetCursor { folder: work.id, side, cursor: Some(cursor) });
            }
        }
    }
    run.pass.book.commit(changes).await
}

/// What the answers to our marks told stands for a look. Where it is more than our own writing, a look tells the rest.
fn take_echoes(run: &Run<'_>, work: &mut FolderWork) {
    for side in Side::ALL {
        let Some(echo) = work.echo[side].take() else { continue };
        match beyond_our_echo(run, work, side, &echo) {
            Some(cursor) => work.seen[side].iter_mut().for_each(|seen| seen.cursor = cursor),
            None => work.wrote[side] = true,
        }
    }
}

/// Looks at the folders that we wrote to, from where they stood before. Where the cursor stays, it still tells which marks of ours
/// the folder did not keep: by the next pass it may keep them, and what is not there would pass for taken away.
async fn look_again(
    run: &Run<'_>,
    works: &BTreeMap<FolderId, FolderWork>,
    side: Side,
) -> HashMap<FolderId, Result<Looked>> {
    let (mut ids, mut looks) = (Vec::new(), Vec::new());
    for work in works.values().filter(|work| work.gone_side.is_none() && work.wrote[side]) {
        let (Some(Seen { cursor, .. }), Some(folder)) = (&work.seen[side], work.paths[side].clone()) else { continue };
        ids.push(work.id);
        let since = Some(*cursor).filter(|cursor| cursor.modseq > 0);
        // A delta tells what came since; a listing tells everything.
        let known = if since.is_some() { u64::from(cursor.exists) } else { 0 };
        let messages = (work.links.len() as u64).saturating_sub(known);
        looks.push((LookAt { folder, since, ask: UidSet::new() }, messages));
    }
    ids.into_iter().zip(observe_many(run, side, looks).await).collect()
}

/// Where the cursor may stand, if the second look found nothing but what is linked.
fn beyond_our_echo(run: &Run<'_>, work: &FolderWork, side: Side, snapshot: &Snapshot) -> Option<Cursor> {
    let open = Open::of(work.id, &run.state.parked, &run.state.suspected, &[]);
    let known = open.known(&work.links, run);
    let mut both = Both::new(None, None);
    both[side] = Some(snapshot);
    let findings = look::look(&known, both);
    let same = work.validity(side) == Some(snapshot.cursor.validity);
    (same && findings.is_empty() && look::adds_up(&known, side, snapshot, &findings)).then_some(snapshot.cursor)
}
