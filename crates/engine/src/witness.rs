//! Is the mailbox behind the login still the one that we know? Numbers do not tell: another mailbox may have the same
//! UIDVALIDITY and a higher UIDNEXT. So before anything is done in a side that changed, a few linked messages are asked
//! who they are.

use crate::pass::Run;
use parom_domain::guard::BrakeName;
use parom_domain::link::{LinkTable, stored_size};
use parom_domain::state::{AccountState, Change, FolderPair, Held};
use parom_domain::uid::UidSet;
use parom_domain::{Code, Error, FolderPath, Result, Retry, Scope, Side};

/// So many messages are asked.
const SAMPLE: usize = 8;

/// Asks one of the folders that changed. Most of the messages that answer must be what they were; those that are gone say
/// nothing.
pub async fn ask(run: &Run<'_>, pair: &FolderPair, links: &LinkTable, side: Side) -> Result<bool> {
    let (Some(path), Some(cursor)) = (&pair.paths[side], &pair.cursors[side]) else { return Ok(true) };
    let known: Vec<_> = links.iter().filter(|(_, link)| link.short != 0).filter_map(|(_, l)| l.uids[side]).collect();
    let step = known.len().div_ceil(SAMPLE).max(1);
    let sample: UidSet = known.iter().copied().step_by(step).collect();
    if sample.is_empty() {
        return Ok(true);
    }
    let stamps = match run.pass.sides[side].stamps(path, cursor.validity, &sample).await {
        Ok(stamps) => stamps,
        // Another UIDVALIDITY, or no such folder: the look finds that out, and knows what to do.
        Err(error) if matches!(error.code(), Code::ValidityChanged | Code::FolderGone | Code::FolderCannotOpen) => {
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    let strangers = stamps
        .iter()
        .filter(|stamp| {
            // Another message has other headers and another length. Headers alone do not tell: Cyrus 3.6 shows some of
            // them otherwise when it is asked for single fields than in the whole message.
            links.at(side, stamp.uid).is_some_and(|link| {
                link.size != 0 && link.short != stamp.fingerprint.short() && link.size != stored_size(stamp.size)
            })
        })
        .count();
    Ok(strangers * 2 <= stamps.len())
}

/// The folder that is asked: the inbox, if it changed. Any other may have changed its name with a sibling that was made in
/// the same second, and so has the same UIDVALIDITY (Cyrus 3.6): that is a rename, and no other mailbox.
#[must_use]
pub fn choose<'a>(mut pairs: impl Iterator<Item = &'a FolderPair>) -> Option<&'a FolderPair> {
    pairs.find(|pair| Side::ALL.iter().all(|side| pair.paths[*side].as_ref().is_some_and(FolderPath::is_inbox)))
}

fn key(side: Side) -> String {
    format!("{}:{side}", BrakeName::OtherMailbox.as_str())
}

/// Holds the account: nothing at all is done while another mailbox answers.
pub async fn hold(run: &mut Run<'_>, side: Side) -> Result<()> {
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
    Err(Error::new(Code::OtherMailbox, Scope::Account, Retry::WhenFixed).with("side", side))
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
    run.pass.book.commit(changes).await?;
    let held = std::mem::take(&mut run.state.held).into_iter().filter(|held| !keys.contains(&held.key)).collect();
    run.state = AccountState { held, ..AccountState::default() };
    Ok(())
}
