//! Is the mailbox behind the login still the one that we know? Numbers do not tell: another mailbox may have the same
//! UIDVALIDITY and a higher UIDNEXT. So before anything is done in a side that changed, a few linked messages are asked
//! who they are.

use crate::pass::Run;
use parom_domain::endpoint::{Looked, Stamp};
use parom_domain::guard::BrakeName;
use parom_domain::link::{Link, LinkTable, stored_size};
use parom_domain::state::{AccountState, Change, FolderPair, Held};
use parom_domain::uid::UidSet;
use parom_domain::{Code, Error, FolderPath, Result, Retry, Scope, Side};

/// So many messages are asked.
const SAMPLE: usize = 8;

/// The messages to ask; none where nothing is known yet.
#[must_use]
pub fn sample(pair: &FolderPair, links: &LinkTable, side: Side) -> UidSet {
    if pair.cursors[side].is_none() {
        return UidSet::new();
    }
    let known: Vec<_> = links.iter().filter(|(_, link)| link.short != 0).filter_map(|(_, l)| l.uids[side]).collect();
    known.iter().copied().step_by(known.len().div_ceil(SAMPLE).max(1)).collect()
}

/// So many that answered must all be others, where only their headers tell.
const STRANGERS: usize = 4;

/// Most of the messages that answered must be what they were; those that are gone say nothing.
#[must_use]
pub fn knows(pair: &FolderPair, links: &LinkTable, side: Side, looked: &Looked) -> bool {
    if pair.cursors[side].is_none_or(|cursor| cursor.validity != looked.snapshot.cursor.validity) {
        // Another UIDVALIDITY: the comparison finds that out, and knows what to do.
        return true;
    }
    let known = looked.stamps.iter().filter(|stamp| !stamp.substituted);
    let asked: Vec<(&Link, &Stamp)> = known.filter_map(|stamp| Some((links.at(side, stamp.uid)?, stamp))).collect();
    let others = asked.iter().filter(|(link, stamp)| link.short != stamp.fingerprint.short());
    // Another message has other headers and another length. Headers alone do not tell: Cyrus 3.6 shows some of them otherwise when
    // it is asked for single fields than in the whole message. Where lengths are no evidence, all have to be others.
    let strangers =
        others.clone().filter(|(link, stamp)| link.size != 0 && link.size != stored_size(stamp.size)).count();
    let unsized_strangers = others.filter(|(link, _)| link.size == 0).count();
    let all_are_others = asked.len() >= STRANGERS && strangers + unsized_strangers == asked.len();
    strangers * 2 <= looked.stamps.len() && !all_are_others
}

/// The folder whose messages are asked: the inbox, if it changed. Any other may have changed its name with a sibling that was
/// made in the same second, and so has the same UIDVALIDITY (Cyrus 3.6): that is a rename, and no other mailbox.
#[must_use]
pub fn choose<'a>(mut pairs: impl Iterator<Item = &'a FolderPair>) -> Option<usize> {
    pairs.position(|pair| Side::ALL.iter().all(|side| pair.paths[*side].as_ref().is_some_and(FolderPath::is_inbox)))
}

fn key(side: Side) -> String {
    format!("{}:{side}", BrakeName::OtherMailbox.as_str())
}

/// Holds the account: nothing at all is done while another mailbox answers. Returns the error that says so.
pub async fn hold(run: &mut Run<'_>, side: Side) -> Result<Error> {
    let key = key(side);
    if !run.pass.dry_run && !run.state.held.iter().any(|held| held.key == key) {
        let held = Held {
            key,
            brake: BrakeName::OtherMailbox.as_str().to_owned(),
            args: [
                ("side", side.to_string()),
                ("folder", String::new()),
                ("count", "0".to_owned()),
                ("total", "0".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            since_ms: run.pass.clock.now_ms(),
            released: false,
        };
        run.pass.book.commit(vec![Change::Hold(held)]).await?;
    }
    Ok(Error::new(Code::OtherMailbox, Scope::Account, Retry::WhenFixed).with("side", side))
}

/// A person has said that the other mailbox is right: what was known of the account is forgotten, and both sides are
/// paired anew. Nothing is deleted for it.
pub async fn accept_released(run: &mut Run<'_>) -> Result<()> {
    let accepted = |held: &Held| held.released && Side::ALL.iter().any(|side| held.key == key(*side));
    let keys: Vec<String> = run.state.held.iter().filter(|held| accepted(held)).map(|held| held.key.clone()).collect();
    if keys.is_empty() || run.pass.dry_run {
        return Ok(());
    }
    let mut changes: Vec<Change> = run.state.folders.iter().map(|pair| Change::DropFolder(pair.id)).collect();
    changes.extend(run.state.intents.iter().map(|intent| Change::CloseIntent(intent.id)));
    changes.extend(keys.iter().map(|key| Change::Unhold { key: key.clone() }));
    changes.push(Change::ForgetStrays);
    run.pass.book.commit(changes).await?;
    let held = std::mem::take(&mut run.state.held).into_iter().filter(|held| !keys.contains(&held.key)).collect();
    // What was deleted today was deleted for this person all the same.
    let deleted = std::mem::take(&mut run.state.deleted);
    run.state = AccountState { held, deleted, ..AccountState::default() };
    Ok(())
}
