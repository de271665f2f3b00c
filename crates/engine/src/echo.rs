//! The end of a pass: cursors advance past what was settled, and past the echo of our own writing.
//!
//! INVARIANT: a cursor is one that was taken before our writing, or one up to which a second look found nothing but what
//! is linked. So it never covers a change that was not settled, parked or suspected.

use crate::lanes::side_by_side;
use crate::pass::{Run, stops_the_pass};
use crate::work::{FolderWork, Open, Seen};
use futures_util::future::BoxFuture;
use parom_domain::endpoint::Cursor;
use parom_domain::look::{self, Known};
use parom_domain::state::{Change, FolderId};
use parom_domain::{Both, Error, Result, Side};
use std::collections::BTreeMap;

/// Where the cursors of one folder may stand now.
struct Advanced {
    id: FolderId,
    cursors: Both<Option<Cursor>>,
    settled: bool,
}

pub async fn advance_cursors(run: &mut Run<'_>, works: &mut BTreeMap<FolderId, FolderWork>) -> Result<()> {
    let results = {
        let run = &*run;
        let mut looks: Vec<BoxFuture<'_, (FolderId, Result<Advanced>)>> = Vec::new();
        for work in works.values().filter(|work| !work.failed && work.gone_side.is_none()) {
            looks.push(Box::pin(async move { (work.id, advance(run, work).await) }));
        }
        side_by_side(run.lanes, looks).await
    };
    let mut changes = Vec::new();
    for (id, result) in results {
        match result {
            Ok(advanced) => {
                if let Some(work) = works.get_mut(&id) {
                    work.settled &= advanced.settled;
                }
                let Some(pair) = run.pair_mut(id) else { continue };
                for side in Side::ALL {
                    if advanced.cursors[side].is_some() && pair.cursors[side] != advanced.cursors[side] {
                        pair.cursors[side] = advanced.cursors[side];
                        changes.push(Change::SetCursor { folder: advanced.id, side, cursor: advanced.cursors[side] });
                    }
                }
            }
            Err(error) if stops_the_pass(&error) => return Err(error),
            Err(error) => {
                if let Some(work) = works.get_mut(&id) {
                    work.settled = false;
                }
                run.trouble(id, error);
            }
        }
    }
    run.pass.book.commit(changes).await
}

async fn advance(run: &Run<'_>, work: &FolderWork) -> Result<Advanced> {
    let mut advanced = Advanced { id: work.id, cursors: Both::default(), settled: true };
    for side in Side::ALL {
        let Some(Seen { cursor, .. }) = &work.seen[side] else { continue };
        advanced.cursors[side] = Some(*cursor);
        if work.wrote[side] {
            let path = work.paths[side].as_ref().ok_or_else(|| Error::internal("a folder without a name"))?;
            let since = Some(cursor).filter(|cursor| cursor.modseq > 0);
            let snapshot = run.pass.sides[side].observe(path, since).await?;
            let open = Open::of(work.id, &run.state.parked, &run.state.suspected, &[]);
            let known = Known {
                links: &work.links,
                parked: open.parked,
                suspected: open.suspected,
                now_ms: run.pass.clock.now_ms(),
                grace_ms: run.pass.policy.grace_ms,
            };
            let mut both = Both::new(None, None);
            both[side] = Some(&snapshot);
            let findings = look::look(&known, both);
            let same = snapshot.cursor.validity == cursor.validity;
            if same && findings.is_empty() && look::adds_up(&known, side, &snapshot, &findings) {
                advanced.cursors[side] = Some(snapshot.cursor);
            } else {
                // Somebody else was at work too: the next pass looks from the cursor that was taken before.
                advanced.settled = false;
            }
        }
    }
    Ok(advanced)
}
