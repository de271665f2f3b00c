//! The ordinary start of a pass: what was announced and not settled is looked up, and settled or dropped.

use crate::pass::{Run, stops_the_pass};
use crate::ports::Event;
use crate::work::FolderWork;
use crate::{folders, halves, held, likeness, shift, unlisted};
use parom_domain::endpoint::{Listing, Stamp};
use parom_domain::link::{Link, LinkTable, stored_size};
use parom_domain::recover::{self, MoveRecovery, Recovery};
use parom_domain::state::{Appending, Change, FolderId, FolderOp, Intent, Moving, Recent, Work};
use parom_domain::{Both, Code, FolderPath, Marks, Result, Scope, Side, Uid, UidSet};
use std::collections::{BTreeMap, HashSet};

/// How long a late twin of a message that was given up is recognised.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Settles every open intent.
///
/// What that changes of the subscriptions is put right in the listings, which were made before.
pub async fn recover(run: &mut Run<'_>, listings: &mut Both<Listing>) -> Result<()> {
    if run.state.intents.is_empty() {
        return Ok(());
    }
    tracing::info!(intents = run.state.intents.len(), "the last pass ended early; looking up what it had announced");
    unlisted::add(run, listings).await?;
    recover_folder_steps(run, listings).await?;
    let mut appends: BTreeMap<(FolderId, Side), Vec<Intent>> = BTreeMap::new();
    let mut moves = Vec::new();
    for intent in run.state.intents.clone() {
        match &intent.work {
            Work::Append { folder, into, .. } => appends.entry((*folder, *into)).or_default().push(intent),
            Work::Move { .. } => moves.push(intent),
            Work::Folder { .. } => {}
        }
    }
    for ((folder, into), intents) in appends {
        let recovered = recover_appends(run, listings, folder, into, &intents).await;
        or_wait(run, &[folder], recovered)?;
    }
    for intent in moves {
        let Work::Move { from, to, .. } = &intent.work else { continue };
        let recovered = recover_move(run, listings, &intent).await;
        or_wait(run, &[*from, *to], recovered)?;
    }
    Ok(())
}

/// Messages about which the server says nothing are no reason to stop all the others: what was announced for their folders
/// stays so.
fn or_wait(run: &mut Run<'_>, folders: &[FolderId], recovered: Result<()>) -> Result<()> {
    match recovered {
        Err(error) if error.scope() == Scope::Item => {
            run.unseen.extend(folders);
            if let Some(folder) = folders.first() {
                run.trouble(*folder, error);
            }
            Ok(())
        }
        recovered => recovered,
    }
}

/// A rename is done when the new name is listed and the old is not. A goal that is not reached stays open: the tree plan
/// takes it up. Creations and removals are decided anew.
async fn recover_folder_steps(run: &mut Run<'_>, listings: &mut Both<Listing>) -> Result<()> {
    // Steps first. While a folder has a step of its own, the goal says nothing about where it is: its name may be listed
    // because another folder still has it.
    let mut intents = run.state.intents.clone();
    intents.sort_by_key(|intent| is_goal(&intent.work));
    let stepping: HashSet<FolderId> = intents
        .iter()
        .filter_map(|intent| match &intent.work {
            Work::Folder { op: FolderOp::Rename { folder, goal: false, .. }, .. } => Some(*folder),
            _ => None,
        })
        .collect();
    for intent in intents {
        let Work::Folder { side, op } = &intent.work else { continue };
        let FolderOp::Rename { folder, from, to, goal } = op else {
            close(run, vec![], &[intent.id]).await?;
            continue;
        };
        let is_listed = |path: &FolderPath| folders::listed(&listings[*side], path).is_some();
        let now = run.pair(*folder).and_then(|pair| pair.paths[*side].clone());
        let tells = !*goal || !stepping.contains(folder);
        // Somebody may have made a folder of the old name since: then the folders themselves tell which is ours.
        let went = is_listed(to) && (!is_listed(from) || is_ours(run, &listings[*side], *folder, *side, from, to));
        if tells && now.as_ref() == Some(from) && went {
            let subscribed = folders::resubscribe(run, *side, from, to).await?;
            for folder in listings[*side].folders.iter_mut().filter(|folder| subscribed.contains(&folder.path)) {
                folder.subscribed = true;
            }
            folders::settle_rename(run, *folder, *side, from, to).await?;
        }
        let reached = run.pair(*folder).is_none_or(|pair| pair.paths[*side].as_ref() == Some(to));
        if !*goal || reached {
            close(run, vec![], &[intent.id]).await?;
        }
    }
    Ok(())
}

/// Is it the folder under the new name that we knew under the old one?
fn is_ours(run: &Run<'_>, listing: &Listing, folder: FolderId, side: Side, from: &FolderPath, to: &FolderPath) -> bool {
    let Some(pair) = run.pair(folder) else { return false };
    let same = |path: &FolderPath| {
        let seen = folders::listed(listing, path)?;
        match (&pair.mailbox_ids[side], &seen.mailbox_id) {
            (Some(mine), Some(theirs)) => Some(mine == theirs),
            _ => Some(pair.cursors[side]?.validity == seen.status?.validity),
        }
    };
    same(to) == Some(true) && same(from) == Some(false)
}

fn is_goal(work: &Work) -> bool {
    matches!(work, Work::Folder { op: FolderOp::Rename { goal: true, .. }, .. })
}

async fn close(run: &mut Run<'_>, mut changes: Vec<Change>, intents: &[u64]) -> Result<()> {
    changes.extend(intents.iter().map(|id| Change::CloseIntent(*id)));
    run.pass.book.commit(changes).await?;
    run.state.intents.retain(|intent| !intents.contains(&intent.id));
    Ok(())
}

/// Where a folder is on a side, if it still exists under the UIDVALIDITY that the intent speaks of.
fn place(run: &Run<'_>, listings: &Both<Listing>, folder: FolderId, side: Side) -> Option<FolderPath> {
    let path = run.pair(folder)?.paths[side].clone()?;
    // A name that is listed only because others stand below it is no folder.
    folders::listed(&listings[side], &path).filter(|folder| folder.selectable).map(|_| path)
}

/// It is not believed to be gone, whether it is listed or not.
fn is_known(run: &Run<'_>, folder: FolderId, side: Side) -> bool {
    run.pair(folder).is_some_and(|pair| pair.paths[side].is_some())
}

/// It is missing from the listing, and not for long.
fn may_come_back(run: &Run<'_>, folder: FolderId, side: Side, path: &Option<FolderPath>) -> bool {
    let is_new = |since: u64| run.pass.clock.now_ms().saturating_sub(since) < run.pass.policy.grace_ms;
    let since = run.pair(folder).and_then(|pair| pair.missing_since_ms[side]);
    path.is_none() && is_known(run, folder, side) && since.is_none_or(is_new)
}

async fn find(run: &Run<'_>, side: Side, path: &FolderPath, validity: u32, floor: Uid) -> Result<Option<Vec<Stamp>>> {
    match likeness::find(run, side, path, validity, floor).await {
        Ok(stamps) => Ok(Some(stamps)),
        // The folder was replaced: what was announced for the old one means nothing now.
        Err(error) if matches!(error.code(), Code::ValidityChanged | Code::FolderGone) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn stamps(run: &Run<'_>, side: Side, path: &FolderPath, validity: u32, uids: &UidSet) -> Result<Vec<Stamp>> {
    match likeness::stamps(run, side, path, validity, uids).await {
        Err(error) if matches!(error.code(), Code::ValidityChanged | Code::FolderGone) => Ok(Vec::new()),
        other => other,
    }
}

async fn recover_appends(
    run: &mut Run<'_>,
    listings: &Both<Listing>,
    folder: FolderId,
    into: Side,
    intents: &[Intent],
) -> Result<()> {
    let ids: Vec<u64> = intents.iter().map(|intent| intent.id).collect();
    let mut announced: Vec<&Appending> = Vec::new();
    let (mut floor, mut of_validity) = (Uid::MAX, 0);
    for intent in intents {
        if let Work::Append { validity, floor: from, items, .. } = &intent.work {
            announced.extend(items);
            floor = floor.min(*from);
            of_validity = *validity;
        }
    }
    // The links that were settled before the process died may hold marks that nobody has seen on their messages.
    run.interrupted.insert((folder, into));
    let Some(path) = place(run, listings, folder, into) else {
        // A folder that is missing may hold what was announced for it, and be found again under another name. Until it is
        // back or believed gone, that stays open.
        if !is_known(run, folder, into) {
            run.homeless.extend(&ids);
        }
        return Ok(());
    };
    // When the last process died is unknown, so the grace counts from now: the server may have had its bytes until then.
    let grace_over_at = run.pass.clock.now_ms().saturating_add(listings[into].abilities.recovery_grace_ms);
    let mut links = run.pass.book.links(folder).await?;
    loop {
        let is_over = run.pass.clock.now_ms() >= grace_over_at;
        let Some(found) = find(run, into, &path, of_validity, floor).await? else {
            run.homeless.extend(&ids);
            return Ok(());
        };
        // What was linked meanwhile (by an earlier recovery that crashed too) is not announced any more.
        let open: Vec<&Appending> =
            announced.iter().copied().filter(|item| links.slot(into.other(), item.origin).is_none()).collect();
        let mut answers = recover::recover_appends(&open, &found, &links, into, is_over);
        let lacking = if is_over { Recovery::Redo } else { Recovery::Wait };
        for (item, answer) in open.iter().zip(&mut answers) {
            if let Recovery::Doubtful(uid) = *answer {
                let place = (&path, of_validity, uid);
                let is_ours = came_from(run, listings, folder, into, place, item.origin).await?;
                *answer = if is_ours { Recovery::Adopt(uid) } else { lacking };
            }
        }
        if answers.contains(&Recovery::Wait) {
            let ms = grace_over_at.saturating_sub(run.pass.clock.now_ms()).max(1);
            run.pass.observer.event(Event::Waiting { ms });
            run.pass.clock.sleep_ms(ms).await;
            continue;
        }
        let mut recent = Vec::new();
        for (item, answer) in open.into_iter().zip(answers) {
            let uid = match answer {
                Recovery::Adopt(uid) => Some(uid),
                Recovery::Redo | Recovery::Wait | Recovery::Doubtful(_) => None,
            };
            match uid {
                Some(uid) => {
                    let marks = borne(&item.marks, &found, uid);
                    adopt(&mut links, into, &Appending { marks, ..item.clone() }, uid);
                }
                // What is given up is sent again. Should the server commit it even later, the twin is recognised by this.
                None => recent.push(given_up(run, folder, into, item)),
            }
        }
        run.gave_up |= !recent.is_empty();
        let mut changes = put_links(folder, &mut links);
        run.state.recent.extend(recent.iter().copied());
        let before_ms = run.pass.clock.now_ms().saturating_sub(DAY_MS);
        changes.extend([Change::ForgetRecent { before_ms }, Change::Remember(recent)]);
        return close(run, changes, &ids).await;
    }
}

/// Does what arrived say the same as what it was sent from? What is not there any more tells nothing.
async fn came_from(
    run: &Run<'_>,
    listings: &Both<Listing>,
    folder: FolderId,
    into: Side,
    arrived: likeness::Place<'_>,
    origin: Uid,
) -> Result<bool> {
    let from = into.other();
    let Some(path) = place(run, listings, folder, from) else { return Ok(false) };
    let listed = folders::listed(&listings[from], &path).and_then(|folder| folder.status);
    let known = run.pair(folder).and_then(|pair| pair.cursors[from]);
    let Some(cursor) = listed.or(known) else { return Ok(false) };
    let origin = (&path, cursor.validity, origin);
    let places = Both::from_fn(|side| if side == into { arrived } else { origin });
    likeness::say_the_same(run, places).await
}

/// Closes the announcements for folders that are no more, when this pass has seen everything and left nothing to the next one: what
/// had arrived there and was moved out of it is known by now. Where a brake holds the folder, that waits with it.
pub async fn close_homeless(run: &mut Run<'_>, works: &BTreeMap<FolderId, FolderWork>) -> Result<()> {
    let is_held = |intent: &Intent| match &intent.work {
        Work::Append { folder, .. } => run.braked.contains(folder),
        Work::Move { .. } | Work::Folder { .. } => false,
    };
    let held: HashSet<u64> =
        run.state.intents.iter().filter(|intent| is_held(intent)).map(|intent| intent.id).collect();
    let ids: Vec<u64> = run.homeless.iter().copied().filter(|id| !held.contains(id)).collect();
    if ids.is_empty() || !run.sees_everything() || works.values().any(FolderWork::stays) {
        return Ok(());
    }
    run.homeless.clear();
    close(run, vec![], &ids).await
}

/// What was sent and is not on the message that arrived was never agreed: the folder may not have kept it at that time.
fn borne(sent: &Marks, found: &[Stamp], uid: Uid) -> Marks {
    let found = found.iter().find(|stamp| stamp.uid == uid);
    found.map_or_else(|| sent.clone(), |stamp| sent.intersection(&stamp.marks))
}

/// Links an appended message to where it came from.
pub fn adopt(links: &mut LinkTable, into: Side, item: &Appending, uid: Uid) {
    let mut uids = Both::default();
    uids[into] = Some(uid);
    uids[into.other()] = Some(item.origin);
    let size = stored_size(item.len);
    links.insert(Link { uids, base: item.marks.clone(), short: item.fingerprint.short(), size });
}

fn given_up(run: &Run<'_>, folder: FolderId, into: Side, item: &Appending) -> Recent {
    let at_ms = run.pass.clock.now_ms();
    Recent { folder, into, fingerprint: item.fingerprint, len: item.len, content: item.content, uid: None, at_ms }
}

fn put_links(folder: FolderId, links: &mut LinkTable) -> Vec<Change> {
    links.take_dirty().into_iter().map(|(chunk, links)| Change::PutLinks { folder, chunk, links }).collect()
}

async fn recover_move(run: &mut Run<'_>, listings: &Both<Listing>, intent: &Intent) -> Result<()> {
    let Work::Move { side, from, to, from_validity, to_validity, floor, items } = &intent.work else { return Ok(()) };
    let from_path = place(run, listings, *from, *side);
    let to_path = place(run, listings, *to, *side);
    // Half of a move may be in a folder that is missing. Until it is back or the grace is over, nothing is concluded, and what is
    // in the other one may be a half too.
    if may_come_back(run, *from, *side, &from_path) || may_come_back(run, *to, *side, &to_path) {
        run.unseen.extend([*from, *to]);
        return Ok(());
    }
    let endpoint = run.pass.sides[*side];
    let grace_over_at = run.pass.clock.now_ms().saturating_add(listings[*side].abilities.recovery_grace_ms);
    let wanted: UidSet = items.iter().map(|item| item.uid).collect();
    let mut old_links = run.pass.book.links(*from).await?;
    let mut new_links = run.pass.book.links(*to).await?;
    loop {
        // In a folder that is missing now, or replaced, nothing is left of what we know.
        let stamps = match &from_path {
            Some(path) => stamps(run, *side, path, *from_validity, &wanted).await?,
            None => Vec::new(),
        };
        let found = match &to_path {
            Some(path) => find(run, *side, path, *to_validity, *floor).await?.unwrap_or_default(),
            None => Vec::new(),
        };
        let left = recover::sizes(&stamps);
        let answers = recover::recover_moves(items, &left, &found, &new_links, *side);
        let unsure = answers.iter().any(|answer| matches!(answer, MoveRecovery::Redo | MoveRecovery::Lost));
        if unsure && run.pass.clock.now_ms() < grace_over_at {
            let ms = grace_over_at.saturating_sub(run.pass.clock.now_ms()).max(1);
            run.pass.observer.event(Event::Waiting { ms });
            run.pass.clock.sleep_ms(ms).await;
            continue;
        }
        let both = items.iter().zip(&answers).filter(|(_, answer)| matches!(answer, MoveRecovery::Half(_)));
        let halves: UidSet = both.map(|(item, _)| item.uid).collect();
        let mut removed = UidSet::new();
        if let Some(path) = from_path.filter(|_| !halves.is_empty()) {
            let answer = endpoint.expunge(&path, *from_validity, &halves).await;
            let answer = match answer.and_then(|answer| held::none_spared(*side, answer)) {
                Ok(answer) => answer,
                Err(error) if stops_the_pass(&error) => return Err(error),
                // Both halves stay, and both folders wait until the original may be removed. The others go on.
                Err(error) => {
                    let to_path = to_path.unwrap_or_else(FolderPath::inbox);
                    run.trouble(*from, shift::of_move(error, &to_path));
                    run.unseen.insert(*to);
                    return Ok(());
                }
            };
            removed = answer.there;
            if answer.doubted {
                let last = old_links.iter().filter_map(|(_, link)| link.uids[*side]).max();
                let floor = last.and_then(Uid::next).unwrap_or(Uid::MIN);
                let renewed = halves::renewed(run, *side, (&path, *from_validity), floor, items).await?;
                removed = removed.iter().filter(|uid| !renewed.contains(*uid)).collect();
            }
        }
        let mut recent = Vec::new();
        for (item, answer) in items.iter().zip(&answers) {
            match answer {
                MoveRecovery::Done(uid) | MoveRecovery::Half(uid) => {
                    let item = Moving { marks: borne(&item.marks, &found, *uid), ..item.clone() };
                    settle_moved(&mut old_links, &mut new_links, *side, &item, *uid);
                }
                MoveRecovery::Redo | MoveRecovery::Lost => {}
            }
            // Somebody may have moved the other half meanwhile, the original or the copy.
            let linked = match answer {
                MoveRecovery::Done(uid) => Some((*to, *uid, &found)),
                MoveRecovery::Redo => Some((*from, item.uid, &stamps)),
                // The original went before we came to it.
                MoveRecovery::Half(uid) if !removed.contains(item.uid) => Some((*to, *uid, &found)),
                MoveRecovery::Half(_) | MoveRecovery::Lost => None,
            };
            if let Some((folder, uid, stamps)) = linked
                && let Some(stamp) = stamps.iter().find(|stamp| stamp.uid == uid)
            {
                recent.push(halves::half(run, folder, *side, stamp));
            }
            // Where both are, nobody knows yet: the copy may be in a folder that is missing, or may have been moved too.
            if *answer == MoveRecovery::Lost {
                recent.push(halves::of_lost(run, *from, *side, item));
            }
        }
        let mut changes = put_links(*from, &mut old_links);
        changes.extend(put_links(*to, &mut new_links));
        let others = items.iter().filter_map(|item| item.other);
        let linked = others.filter(|uid| new_links.slot(side.other(), *uid).is_some());
        changes.extend(linked.filter_map(|uid| run.unpark(*to, side.other(), uid)));
        if !listings[*side].abilities.moves_in_one_step {
            run.state.recent.extend(recent.iter().copied());
            changes.push(Change::Remember(recent));
        }
        return close(run, changes, &[intent.id]).await;
    }
}

/// A message is in its new folder: the link goes with it. One that went to the trash keeps no other end.
pub fn settle_moved(old: &mut LinkTable, new: &mut LinkTable, side: Side, item: &Moving, uid: Uid) {
    if let Some(slot) = old.slot(side, item.uid) {
        old.remove(slot);
    }
    let mut uids = Both::default();
    uids[side] = Some(uid);
    uids[side.other()] = item.other;
    new.insert(Link { uids, base: item.marks.clone(), short: item.short, size: item.size });
}
