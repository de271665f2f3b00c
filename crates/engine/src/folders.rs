//! Folder trees in a pass: listed, compared and brought in step.

use crate::pass::{Pass, Run};
use crate::ports::Event;
use crate::{foresee, identity, unlisted, unmade};
use futures_util::future::join;
use parom_domain::endpoint::Listing;
use parom_domain::state::{Change, FolderId, FolderOp, Intent, Work};
use parom_domain::tree::{self, Candidate, TreePlan, TreeStep, Trees, Withheld};
use parom_domain::uid::UidSet;
use parom_domain::{Both, Code, Error, FolderPath, FolderSeen, Result, Role, Side, names, roles};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many messages are compared before a folder is believed to be another one renamed.
const SAMPLE: usize = 20;

/// Folders that are not carried.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    pub roles: HashSet<Role>,
    /// Names of folders at any depth, or whole paths as they are printed; compared without regard to case.
    pub names: HashSet<String>,
}

impl Exclusions {
    #[must_use]
    pub fn covers(&self, path: &FolderPath, role: Option<Role>) -> bool {
        role.is_some_and(|role| role == Role::Virtual || self.roles.contains(&role))
            || (!path.is_inbox()
                && (self.names.contains(&path.to_string().to_lowercase())
                    || path.segments().iter().any(|segment| self.names.contains(&segment.to_lowercase()))))
    }

    /// Which folders of a listing are left out: the named ones and all that is below them.
    fn of(&self, folders: &[FolderSeen], roles: &[Option<Role>]) -> Vec<bool> {
        let named = folders.iter().zip(roles).filter(|(folder, role)| self.covers(&folder.path, **role));
        let roots: Vec<&FolderPath> = named.map(|(folder, _)| &folder.path).collect();
        folders
            .iter()
            .map(|folder| {
                roots.iter().any(|root| folder.path == **root || (folder.path.is_below(root) && !root.is_inbox()))
            })
            .collect()
    }
}

/// Lists both sides at once.
pub async fn list(pass: &Pass<'_>) -> Result<Both<Listing>> {
    let (source, target) = join(pass.sides.source.folders(), pass.sides.target.folders()).await;
    Ok(Both::new(source?, target?))
}

fn trees<'a>(run: &'a Run<'_>, listings: &'a Both<Listing>) -> Trees<'a> {
    let roles = listings.as_ref().map(|listing| roles::roles(&listing.folders));
    let excluded = Both::from_fn(|side| run.pass.exclusions.of(&listings[side].folders, &roles[side]));
    Trees { pairs: &run.state.folders, listings: listings.as_ref(), roles, excluded }
}

/// Plans the trees and does the plan's creations, renames and subscriptions. Returns listings that know the new folders.
pub async fn bring_in_step(run: &mut Run<'_>, mut listings: Both<Listing>) -> Result<(Both<Listing>, TreePlan)> {
    unlisted::add(run, &mut listings).await?;
    identity::tell_apart(run, &mut listings).await?;
    let wanted = wanted_renames(run);
    let matched = tree::match_folders(&trees(run, &listings));
    let mut renamed = Vec::new();
    for candidate in &matched.candidates {
        let certain = candidate.certain || is_the_same_folder(run, &listings, candidate).await?;
        // One folder has one name: the first proof counts.
        let known = |c: &Candidate| (c.id == candidate.id || c.at == candidate.at) && c.side == candidate.side;
        if certain && !renamed.iter().any(known) {
            renamed.push(*candidate);
        }
    }
    let plan =
        tree::plan(&trees(run, &listings), &matched, &renamed, &wanted, &run.pass.policy, run.pass.clock.now_ms());
    run.trees_wait = plan.unsettled;
    tell_withheld(run, &listings, &plan);
    if run.pass.dry_run {
        adopt_pairs(run, &plan);
        return Ok((foresee::as_if_made(run, listings, &plan), plan));
    }
    subscribe_renamed(run, &plan).await?;
    store_pairs(run, &plan).await?;
    if plan.steps.is_empty() {
        return Ok((listings, plan));
    }
    let subscribed = run.state.folders.iter().map(|pair| (pair.id, pair.subscribed)).collect();
    let done = do_steps(run, &listings, &plan).await?;
    let made = |side: Side| {
        plan.steps.iter().any(|step| !matches!(step, TreeStep::Subscribe { .. }) && step_side(step) == side)
    };
    // A second listing tells where the new folders stand, in one round trip for all of them.
    let (source, target) = join(
        async { if made(Side::Source) { run.pass.sides.source.folders().await.map(Some) } else { Ok(None) } },
        async { if made(Side::Target) { run.pass.sides.target.folders().await.map(Some) } else { Ok(None) } },
    )
    .await;
    let fresh = source.and_then(|source| Ok(Both::new(source, target?)));
    let unmade = fresh.as_ref().map(|fresh| unmade::of_plan(run, &plan, fresh)).unwrap_or_default();
    // INVARIANT: only what was done counts. Whoever runs passes takes a step for progress, and would try at once and for
    // ever what a server refuses.
    let count = done.iter().filter(|id| !unmade.contains_key(id)).count() as u64;
    run.report.folder_steps += count;
    if count > 0 {
        run.pass.observer.event(Event::Stepped { count });
    }
    unmade::give_up(run, &unmade, &subscribed).await?;
    let fresh = fresh?;
    let mut listings = Both::new(fresh.source.unwrap_or(listings.source), fresh.target.unwrap_or(listings.target));
    unlisted::add(run, &mut listings).await?;
    learn_mailbox_ids(run, &listings).await?;
    Ok((listings, plan))
}

/// What a side does not list this time is that folder's trouble: the others go on.
fn tell_withheld(run: &mut Run<'_>, listings: &Both<Listing>, plan: &TreePlan) {
    for Withheld { side, id, path } in &plan.withheld {
        let Some(why) = &listings[*side].withheld else { continue };
        let error = crate::hidden::unreached(path, why);
        match id {
            Some(id) => run.trouble(*id, error),
            None => run.report.trouble.push((Some(path.clone()), error)),
        }
    }
}

/// Folders that were made just now have got their permanent ids; were they learnt by the next pass, it would not be idle.
async fn learn_mailbox_ids(run: &mut Run<'_>, listings: &Both<Listing>) -> Result<()> {
    let mut changes = Vec::new();
    for side in Side::ALL {
        let told = listings[side].folders.iter().filter_map(|seen| Some((&seen.path, seen.mailbox_id.as_ref()?)));
        let told: HashMap<&FolderPath, &String> = told.collect();
        for pair in run.state.folders.iter_mut().filter(|pair| pair.mailbox_ids[side].is_none()) {
            if let Some(id) = pair.paths[side].as_ref().and_then(|path| told.get(path)) {
                pair.mailbox_ids[side] = Some((*id).clone());
                changes.push(Change::PutFolder(pair.clone()));
            }
        }
    }
    run.pass.book.commit(changes).await
}

/// Remembers in which folders a server hides others. It is no trouble, and yet nobody else would say it.
pub async fn note_hidden(run: &mut Run<'_>, listings: &Both<Listing>) -> Result<()> {
    if run.pass.dry_run {
        return Ok(());
    }
    let mut changes = Vec::new();
    for side in Side::ALL {
        let hiding = listings[side].folders.iter().filter(|seen| seen.hides_children).map(|seen| &seen.path);
        let hiding: HashSet<&FolderPath> = hiding.collect();
        for pair in &mut run.state.folders {
            let Some(path) = &pair.paths[side] else { continue };
            let hides = hiding.contains(path);
            if pair.hides[side] == hides {
                continue;
            }
            pair.hides[side] = hides;
            if hides {
                run.pass.observer.event(Event::Hidden { side, folder: path.clone() });
            }
            changes.push(Change::PutFolder(pair.clone()));
        }
    }
    run.pass.book.commit(changes).await
}

fn step_side(step: &TreeStep) -> Side {
    match step {
        TreeStep::Create { side, .. } | TreeStep::Rename { side, .. } | TreeStep::Subscribe { side, .. } => *side,
    }
}

fn adopt_pairs(run: &mut Run<'_>, plan: &TreePlan) {
    for pair in &plan.put {
        match run.pair_mut(pair.id) {
            Some(old) => *old = pair.clone(),
            None => run.state.folders.push(pair.clone()),
        }
    }
}

async fn store_pairs(run: &mut Run<'_>, plan: &TreePlan) -> Result<()> {
    adopt_pairs(run, plan);
    let mut changes: Vec<Change> = plan.put.iter().map(|pair| Change::PutFolder(pair.clone())).collect();
    run.forgotten = plan.forget.iter().copied().collect();
    // The renames are announced in the same commit that takes the other side's new names over: were it a later one, a
    // crash in between would leave the names different for ever.
    let mut goals: BTreeMap<(FolderId, Side), FolderPath> = BTreeMap::new();
    for step in &plan.steps {
        if let TreeStep::Rename { id, side, to } = step {
            goals.insert((*id, *side), to.clone());
        }
    }
    for ((folder, side), to) in goals {
        let Some(from) = run.pair(folder).and_then(|pair| pair.paths[side].clone()) else { continue };
        if is_goal_of(run, folder, side, &to) {
            continue;
        }
        changes.extend(close_goals(run, folder, side));
        changes.push(announce_rename(run, folder, side, from, to, true));
    }
    run.pass.book.commit(changes).await
}

/// Returns whose were done, once for each.
async fn do_steps(run: &mut Run<'_>, listings: &Both<Listing>, plan: &TreePlan) -> Result<Vec<FolderId>> {
    let mut done = Vec::new();
    for step in &plan.steps {
        if let TreeStep::Rename { id, side, to } = step {
            let outcome = match rename(run, *id, *side, to).await {
                Err(error) if error.code() == Code::FolderRefused => {
                    rename_beside(run, &listings[*side], *id, *side, to, error).await
                }
                outcome => outcome,
            };
            done.extend(outcome.is_ok().then_some(*id));
            note(run, *id, outcome)?;
        }
    }
    for side in Side::ALL {
        done.extend(create_all(run, plan, side).await?);
    }
    done.extend(subscribe_all(run, plan).await?);
    Ok(done)
}

/// What a person renamed without taking the subscription along gets it back before the new name is written down: later
/// nobody could tell it from a folder that was unsubscribed.
async fn subscribe_renamed(run: &mut Run<'_>, plan: &TreePlan) -> Result<()> {
    for step in &plan.steps {
        let TreeStep::Subscribe { id, side, on: true } = step else { continue };
        let new = plan.put.iter().find(|pair| pair.id == *id).and_then(|pair| pair.paths[*side].clone());
        let old = run.pair(*id).and_then(|pair| pair.paths[*side].clone());
        if let (Some(new), Some(old)) = (new, old)
            && new != old
        {
            let outcome = run.pass.sides[*side].subscribe(&new, true).await;
            note(run, *id, told(*side, Step::Subscribe(true), outcome))?;
        }
    }
    Ok(())
}

async fn subscribe_all(run: &mut Run<'_>, plan: &TreePlan) -> Result<Vec<FolderId>> {
    let mut done = Vec::new();
    let mut agreed: BTreeMap<FolderId, bool> = BTreeMap::new();
    let mut refused = HashSet::new();
    for step in &plan.steps {
        if let TreeStep::Subscribe { id, side, on } = step {
            let path = run.pair(*id).and_then(|pair| pair.paths[*side].clone());
            let outcome = match path {
                Some(path) => run.pass.sides[*side].subscribe(&path, *on).await,
                // It could not be made.
                None => {
                    refused.insert(*id);
                    continue;
                }
            };
            match outcome {
                Ok(()) => done.push(*id),
                Err(_) => _ = refused.insert(*id),
            }
            note(run, *id, told(*side, Step::Subscribe(*on), outcome))?;
            agreed.insert(*id, *on);
        }
    }
    let mut changes = Vec::new();
    for (id, on) in agreed.into_iter().filter(|(id, _)| !refused.contains(id)) {
        if let Some(pair) = run.pair_mut(id) {
            pair.subscribed = on;
            changes.push(Change::PutFolder(pair.clone()));
        }
    }
    run.pass.book.commit(changes).await?;
    Ok(done)
}

/// RENAME leaves subscriptions with the old names (RFC 3501 section 6.3.5 says nothing of them): they follow, and the old
/// names go. Comes before the rename is settled, so that a crash does not leave it out. Returns the names that are subscribed
/// now.
pub async fn resubscribe(run: &mut Run<'_>, side: Side, from: &FolderPath, to: &FolderPath) -> Result<Vec<FolderPath>> {
    let moved = run.state.folders.iter().filter(|pair| pair.subscribed).filter_map(|pair| {
        let old = pair.paths[side].as_ref().filter(|path| *path == from || path.is_below(from))?;
        Some((pair.id, old.clone(), old.rebased(from, to)))
    });
    let mut subscribed = Vec::new();
    for (id, old, new) in moved.collect::<Vec<_>>() {
        let outcome = run.pass.sides[side].subscribe(&new, true).await;
        subscribed.extend(outcome.is_ok().then_some(new));
        note(run, id, told(side, Step::Subscribe(true), outcome))?;
        // A server may have forgotten the old name by itself.
        if let Err(error) = run.pass.sides[side].subscribe(&old, false).await
            && crate::pass::stops_the_pass(&error)
        {
            return Err(error);
        }
    }
    Ok(subscribed)
}

/// What is done to a folder, as a refusal of it is told.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Create,
    Rename,
    /// Out of the way, before it is deleted.
    SetAside,
    GiveBack,
    Delete,
    Subscribe(bool),
}

impl Step {
    fn as_str(self) -> &'static str {
        match self {
            Step::Create => "create",
            Step::Rename => "rename",
            Step::SetAside => "set-aside",
            Step::GiveBack => "give-back",
            Step::Delete => "delete",
            Step::Subscribe(true) => "subscribe",
            Step::Subscribe(false) => "unsubscribe",
        }
    }
}

/// A server's words of refusal seldom tell what was refused.
pub fn told<T>(side: Side, step: Step, outcome: Result<T>) -> Result<T> {
    outcome.map_err(|error| match error.code() {
        Code::FolderRefused => error.with("side", side).with("change", step.as_str()),
        _ => error,
    })
}

/// A step that one folder's state forbids is that folder's trouble; anything wider ends the pass.
pub fn note(run: &mut Run<'_>, id: FolderId, outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(error) if crate::pass::stops_the_pass(&error) => Err(error),
        // The folders are where they were, and what is in them goes on.
        Err(error) if error.code() == Code::FolderRefused => {
            run.refused.insert(id);
            run.complain(id, error);
            Ok(())
        }
        Err(error) => {
            run.trouble(id, error);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

fn goal_of(intent: &Intent, of: FolderId, side: Side) -> Option<&FolderPath> {
    match &intent.work {
        Work::Folder { side: on, op: FolderOp::Rename { folder, to, goal: true, .. } } => {
            (*on == side && *folder == of).then_some(to)
        }
        _ => None,
    }
}

fn is_goal_of(run: &Run<'_>, folder: FolderId, side: Side, to: &FolderPath) -> bool {
    run.state.intents.iter().any(|intent| goal_of(intent, folder, side) == Some(to))
}

/// A folder has one goal: a new one ends the old.
pub fn close_goals(run: &mut Run<'_>, folder: FolderId, side: Side) -> Vec<Change> {
    let closed = run.state.intents.extract_if(.., |intent| goal_of(intent, folder, side).is_some());
    closed.map(|intent| Change::CloseIntent(intent.id)).collect()
}

/// Names a rename before it leaves, as a change to be committed.
pub fn announce_rename(
    run: &mut Run<'_>,
    folder: FolderId,
    side: Side,
    from: FolderPath,
    to: FolderPath,
    goal: bool,
) -> Change {
    let work = Work::Folder { side, op: FolderOp::Rename { folder, from, to, goal } };
    let intent = Intent { id: run.intent_id(), at_ms: run.pass.clock.now_ms(), work };
    run.state.intents.push(intent.clone());
    Change::OpenIntent(intent)
}

async fn rename(run: &mut Run<'_>, id: FolderId, side: Side, to: &FolderPath) -> Result<()> {
    let Some(from) = run.pair(id).and_then(|pair| pair.paths[side].clone()) else { return Ok(()) };
    if from != *to {
        let announced = run.state.intents.iter().any(|intent| {
            matches!(&intent.work, Work::Folder { side: on, op: FolderOp::Rename { folder, from: a, to: b, .. } }
                if *on == side && *folder == id && *a == from && b == to)
        });
        if !announced {
            let change = announce_rename(run, id, side, from.clone(), to.clone(), false);
            run.pass.book.commit(vec![change]).await?;
        }
        told(side, Step::Rename, run.pass.sides[side].rename(&from, to).await)?;
        resubscribe(run, side, &from, to).await?;
    }
    settle_rename(run, id, side, &from, to).await
}

/// All names of a side that are listed or remembered.
#[must_use]
pub fn names_in_use(run: &Run<'_>, listing: &Listing, side: Side) -> HashSet<FolderPath> {
    let known = run.state.folders.iter().filter_map(|pair| pair.paths[side].clone());
    listing.folders.iter().map(|folder| folder.path.clone()).chain(known).collect()
}

/// Some servers have no room for a folder under a name below which others stand. Then it gets a number, as it does where the
/// name is taken.
async fn rename_beside(
    run: &mut Run<'_>,
    listing: &Listing,
    id: FolderId,
    side: Side,
    to: &FolderPath,
    refused: Error,
) -> Result<()> {
    let mut taken = names_in_use(run, listing, side);
    if !taken.iter().any(|path| path.is_below(to)) {
        return Err(refused);
    }
    taken.insert(to.clone());
    // The last pass may have died between the number and its note.
    let now = run.pair(id).and_then(|pair| pair.paths[side].clone());
    if !now.is_some_and(|now| names::is_numbered(&now, to)) {
        let beside = names::free(to.clone(), &taken, listing.abilities.case_sensitive);
        rename(run, id, side, &beside).await?;
    }
    let changes = close_goals(run, id, side);
    run.pass.book.commit(changes).await
}

/// A rename carries everything below along. It ends its own announcement, and the goal that it reaches.
pub async fn settle_rename(
    run: &mut Run<'_>,
    id: FolderId,
    side: Side,
    from: &FolderPath,
    to: &FolderPath,
) -> Result<()> {
    let mut changes = Vec::new();
    for pair in &mut run.state.folders {
        let Some(path) = &pair.paths[side] else { continue };
        let now = path.rebased(from, to);
        if now != *path {
            pair.paths[side] = Some(now);
            changes.push(Change::PutFolder(pair.clone()));
        }
    }
    let places: BTreeMap<FolderId, Option<FolderPath>> =
        run.state.folders.iter().map(|pair| (pair.id, pair.paths[side].clone())).collect();
    let is_done = |intent: &Intent| match &intent.work {
        Work::Folder { side: on, op: FolderOp::Rename { folder, from: began, to: end, goal } } if *on == side => {
            let reached = *goal && places.get(folder).and_then(Option::as_ref) == Some(end);
            reached || (*folder == id && !*goal && began == from && end == to)
        }
        _ => false,
    };
    changes.extend(run.state.intents.iter().filter(|intent| is_done(intent)).map(|i| Change::CloseIntent(i.id)));
    run.state.intents.retain(|intent| !is_done(intent));
    run.pass.book.commit(changes).await
}

async fn create_all(run: &mut Run<'_>, plan: &TreePlan, side: Side) -> Result<Vec<FolderId>> {
    let mut ids = Vec::new();
    let mut folders = Vec::new();
    for step in &plan.steps {
        if let TreeStep::Create { id, side: on, path, role } = step
            && *on == side
        {
            ids.push(*id);
            folders.push((path.clone(), *role));
        }
    }
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    // A CREATE is repeated without harm: a folder that exists is a success, and pairs by its name. So it needs no intent.
    let results = run.pass.sides[side].create_all(&folders).await;
    let (mut done, mut changes) = (Vec::new(), Vec::new());
    for ((id, (path, _)), outcome) in ids.into_iter().zip(folders).zip(results) {
        match told(side, Step::Create, outcome) {
            Ok(()) => {
                done.push(id);
                if let Some(pair) = run.pair_mut(id) {
                    pair.paths[side] = Some(path);
                    changes.push(Change::PutFolder(pair.clone()));
                }
            }
            Err(error) => note(run, id, Err(error))?,
        }
    }
    run.pass.book.commit(changes).await?;
    Ok(done)
}

/// Renames that a crash left undone.
fn wanted_renames(run: &Run<'_>) -> Vec<(FolderId, Side, FolderPath)> {
    let goals = run.state.intents.iter().filter_map(|intent| match &intent.work {
        Work::Folder { side, op: FolderOp::Rename { folder, to, goal: true, .. } } => {
            Some((*folder, *side, to.clone()))
        }
        _ => None,
    });
    goals.filter(|(id, side, to)| run.pair(*id).is_some_and(|pair| pair.paths[*side].as_ref() != Some(to))).collect()
}

/// Compares a sample of what is linked with what the candidate holds under the same UIDs.
async fn is_the_same_folder(run: &Run<'_>, listings: &Both<Listing>, candidate: &Candidate) -> Result<bool> {
    let Some(folder) = listings[candidate.side].folders.get(candidate.at) else { return Ok(false) };
    let Some(cursor) = run.pair(candidate.id).and_then(|pair| pair.cursors[candidate.side]) else { return Ok(false) };
    let links = run.pass.book.links(candidate.id).await?;
    let known: Vec<_> = links.iter().filter_map(|(_, link)| Some((link.uids[candidate.side]?, link))).collect();
    let step = (known.len() / (2 * SAMPLE)).max(1);
    let sample: UidSet = known.iter().step_by(step).take(2 * SAMPLE).map(|(uid, _)| *uid).collect();
    let stamps = run.pass.sides[candidate.side].stamps(&folder.path, cursor.validity, &sample).await?;
    let mut agree = 0usize;
    for stamp in &stamps {
        let Some(link) = links.at(candidate.side, stamp.uid) else { continue };
        if link.short != stamp.fingerprint.short() {
            return Ok(false);
        }
        agree += 1;
    }
    // A folder with fewer messages than a sample has to agree in most of them; an empty one is never a rename.
    Ok(agree >= SAMPLE.min((known.len() * 4).div_ceil(5)) && agree > 0)
}

/// The listed folder of a pair on one side.
#[must_use]
pub fn listed<'a>(listing: &'a Listing, path: &FolderPath) -> Option<&'a FolderSeen> {
    listing.folders.iter().find(|folder| folder.path == *path)
}
