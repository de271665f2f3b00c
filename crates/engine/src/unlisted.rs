//! Folders that a listing does not show, and that are there all the same: the account has lost the right to look them up (`l` of
//! RFC 4314), or a server forgot them in one answer. One that opens under its name and UIDVALIDITY is not gone.

use crate::looks::observe_many;
use crate::pass::{Run, stops_the_pass};
use parom_domain::endpoint::{Listing, LookAt};
use parom_domain::uid::UidSet;
use parom_domain::{Both, FolderPath, FolderSeen, Result, Side, names};
use std::collections::HashSet;

/// Adds them to the listings. INBOX is always there (RFC 3501 section 5.1).
pub async fn add(run: &Run<'_>, listings: &mut Both<Listing>) -> Result<()> {
    for side in Side::ALL {
        if !listings[side].folders.iter().any(|seen| seen.path.is_inbox()) {
            listings[side].folders.push(unlisted(FolderPath::inbox()));
        }
        let lost = lost(run, side, &listings[side]);
        if lost.is_empty() {
            continue;
        }
        let looks = lost.iter().map(|(folder, since)| {
            let (folder, since) = (folder.clone(), Some(*since).filter(|since| since.modseq > 0));
            (LookAt { folder, since, ask: UidSet::new() }, 0)
        });
        let answers = observe_many(run, side, looks.collect()).await;
        for ((path, since), answer) in lost.into_iter().zip(answers) {
            match answer {
                Ok(looked) if looked.snapshot.cursor.validity == since.validity => {
                    tracing::warn!(side = %side, folder = ?path, "the server does not list a folder that it opens");
                    listings[side].folders.push(unlisted(path));
                }
                Err(error) if stops_the_pass(&error) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(())
}

fn unlisted(path: FolderPath) -> FolderSeen {
    FolderSeen {
        path,
        role: None,
        selectable: true,
        may_have_children: true,
        hides_children: false,
        subscribed: true,
        subscribable: false,
        status: None,
        mailbox_id: None,
    }
}

/// What is known here and not listed, but for what is listed under another name or in another spelling.
fn lost(run: &Run<'_>, side: Side, listing: &Listing) -> Vec<(FolderPath, parom_domain::endpoint::Cursor)> {
    if listing.withheld.is_some() {
        return Vec::new();
    }
    let paths: HashSet<FolderPath> = listing.folders.iter().map(|seen| names::folded(&seen.path)).collect();
    let ids: HashSet<&String> = listing.folders.iter().filter_map(|seen| seen.mailbox_id.as_ref()).collect();
    let pairs = run.state.folders.iter().filter(|pair| {
        let is_listed = pair.paths[side].as_ref().is_none_or(|path| paths.contains(&names::folded(path)));
        !is_listed && pair.mailbox_ids[side].as_ref().is_none_or(|id| !ids.contains(id))
    });
    pairs.filter_map(|pair| Some((pair.paths[side].clone()?, pair.cursors[side]?))).collect()
}
