//! Folder trees: which folder of one side is which of the other, and what must be created, renamed or removed.
//!
//! Two steps with a question between them. [`match_folders`] finds every pair in both listings and names the renames that
//! it suspects; the engine looks at samples of those; [`plan`] then decides. A folder that is missing from one listing is
//! only noted; a second listing a grace later has to agree.

mod renames;

use crate::endpoint::Listing;
use crate::names;
use crate::policy::Policy;
use crate::state::{FolderId, FolderPair};
use crate::{Both, FolderPath, FolderSeen, Role, Side};
use std::collections::{HashMap, HashSet};

/// Both trees and what is known of them.
pub struct Trees<'a> {
    pub pairs: &'a [FolderPair],
    pub listings: Both<&'a Listing>,
    pub roles: Both<Vec<Option<Role>>>,
    /// Folders that are not carried, by index in the listing.
    pub excluded: Both<Vec<bool>>,
}

/// Where a pair's folder is on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has not been made here yet.
    Never,
    /// In the listing, at this index.
    At(usize),
    Missing,
}

/// A listed folder that may be the new name of a missing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: FolderId,
    pub side: Side,
    pub at: usize,
    /// The permanent id is the same, or the role: no sample is needed.
    pub certain: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    pub places: HashMap<FolderId, Both<Option<Presence>>>,
    pub candidates: Vec<Candidate>,
}

/// Finds the known pairs in both listings.
#[must_use]
pub fn match_folders(trees: &Trees<'_>) -> Matched {
    let mut matched = Matched::default();
    for side in Side::ALL {
        let folders = &trees.listings[side].folders;
        let mut taken = HashSet::new();
        let mut lost = Vec::new();
        for (pair, claim) in claims(trees, side) {
            let presence = match claim {
                _ if pair.paths[side].is_none() => Presence::Never,
                Some((at, _)) => Presence::At(at),
                None => Presence::Missing,
            };
            matched.places.entry(pair.id).or_default()[side] = Some(presence);
            match claim {
                Some((at, Kinship::Same | Kinship::Unknown)) => {
                    taken.insert(at);
                }
                _ if presence == Presence::Never => {}
                _ => lost.push(pair),
            }
        }
        for pair in lost {
            let kin = folders.iter().enumerate().filter(|(at, folder)| {
                folder.selectable && !taken.contains(at) && pair.paths[side].as_ref() != Some(&folder.path)
            });
            for (at, folder) in kin {
                // Exchange calls its own folders otherwise when their owner chooses another language.
                let has_its_role = trees.listings[side].abilities.renames_roles
                    && pair.role.is_some()
                    && trees.roles[side].get(at).copied().flatten() == pair.role;
                let certain = match (&pair.mailbox_ids[side], &folder.mailbox_id) {
                    (Some(mine), Some(theirs)) if mine == theirs => true,
                    (Some(_), Some(_)) => continue,
                    _ => has_its_role,
                };
                let sampled =
                    kinship(pair, side, folder) == Kinship::Same && folder.status.is_some_and(|s| s.exists > 0);
                if certain || sampled {
                    matched.candidates.push(Candidate { id: pair.id, side, at, certain });
                }
            }
        }
    }
    matched
}

/// The listed folder under each pair's name, and how sure it is. Two pairs may remember one name: the folder of one was
/// renamed to what the missing folder of the other was called. A listed folder is one pair's only: the surest claim counts.
fn claims<'a>(trees: &Trees<'a>, side: Side) -> Vec<(&'a FolderPair, Option<(usize, Kinship)>)> {
    let folders = &trees.listings[side].folders;
    let listed = folders.iter().zip(0..).filter(|(folder, _)| folder.selectable);
    let by_path: HashMap<&FolderPath, (usize, &FolderSeen)> = listed.map(|(f, at)| (&f.path, (at, f))).collect();
    let claim = |pair: &FolderPair| {
        let (at, folder) = *by_path.get(pair.paths[side].as_ref()?)?;
        Some((at, kinship(pair, side, folder)))
    };
    let mut claims: Vec<_> = trees.pairs.iter().map(|pair| (pair, claim(pair))).collect();
    let mut order: Vec<usize> = (0..claims.len()).collect();
    order.sort_by_key(|index| {
        let (pair, claim) = claims.get(*index)?;
        Some((claim.map(|(_, kinship)| kinship), pair.missing_since_ms[side].is_some(), pair.id))
    });
    let mut claimed = HashSet::new();
    for index in order {
        if let Some((_, claim)) = claims.get_mut(index) {
            *claim = claim.filter(|(at, _)| claimed.insert(*at));
        }
    }
    claims
}

/// From the surest to the least sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kinship {
    Same,
    Unknown,
    Other,
}

/// Could this folder be the pair's? Permanent ids tell; without them an equal UIDVALIDITY is a hint and a different one a
/// strong doubt.
fn kinship(pair: &FolderPair, side: Side, folder: &FolderSeen) -> Kinship {
    if let (Some(mine), Some(theirs)) = (&pair.mailbox_ids[side], &folder.mailbox_id) {
        return if mine == theirs { Kinship::Same } else { Kinship::Other };
    }
    match (&pair.cursors[side], &folder.status) {
        (Some(cursor), Some(status)) if cursor.validity == status.validity => Kinship::Same,
        (Some(_), Some(_)) => Kinship::Other,
        _ => Kinship::Unknown,
    }
}

/// One step on one side's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeStep {
    Create {
        id: FolderId,
        side: Side,
        path: FolderPath,
        role: Option<Role>,
    },
    /// From wherever the pair's folder is by then (a parent may have been renamed before it).
    Rename {
        id: FolderId,
        side: Side,
        to: FolderPath,
    },
    Subscribe {
        id: FolderId,
        side: Side,
        on: bool,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreePlan {
    /// Pairs that are new or changed, as they have to be stored before the steps.
    pub put: Vec<FolderPair>,
    pub steps: Vec<TreeStep>,
    /// Pairs to work on in this pass: not excluded, not missing.
    pub active: Vec<FolderId>,
    /// Pairs whose folder is gone on a side, with evidence: what was known there is deleted, then the folder.
    pub gone: Vec<(FolderId, Side)>,
    /// Gone on both sides.
    pub forget: Vec<FolderId>,
    /// Some folder is missing but not yet believed gone: deletions of unpaired items wait.
    pub unsettled: bool,
    /// Folders that wait because a listing does not tell all.
    pub withheld: Vec<Withheld>,
}

/// A folder of which nothing is known because this side's listing does not tell all ([`Listing::withheld`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    pub side: Side,
    /// `None`: the other side's folder at `path` may be its partner, and is not carried until that is known.
    pub id: Option<FolderId>,
    pub path: FolderPath,
}

/// Decides about both trees. `renamed` are the candidates that proved to be renames; `wanted` are renames that a crash
/// left undone.
#[must_use]
pub fn plan(
    trees: &Trees<'_>,
    matched: &Matched,
    renamed: &[Candidate],
    wanted: &[(FolderId, Side, FolderPath)],
    policy: &Policy,
    now_ms: u64,
) -> TreePlan {
    let mut planner = Planner::new(trees, policy, now_ms);
    planner.place_known(matched, &renames::with_followers(trees, matched, renamed));
    planner.plan_renames(wanted);
    planner.pair_unlinked();
    planner.add_unlinked();
    planner.settle_numbers();
    planner.create();
    planner.subscribe();
    planner.finish()
}

/// A pair while it is being planned.
struct Work {
    pair: FolderPair,
    /// Where it will be once the steps planned so far are done.
    places: Both<Option<FolderPath>>,
    old: Option<FolderPair>,
    at: Both<Option<usize>>,
    renamed: Both<bool>,
    gone: Both<bool>,
    missing: Both<bool>,
    withheld: Both<bool>,
}

struct Planner<'a> {
    trees: &'a Trees<'a>,
    policy: &'a Policy,
    now_ms: u64,
    works: Vec<Work>,
    used: Both<HashSet<usize>>,
    next_id: u32,
    steps: Vec<TreeStep>,
    /// Folders that are to be made.
    creates: Vec<(FolderId, Side)>,
    renames: Vec<(FolderId, Side, FolderPath)>,
    /// Whose names these renames change.
    renamed: Both<HashSet<FolderId>>,
    /// The renames as they were planned: side, from, to.
    moved: Vec<(Side, FolderPath, FolderPath)>,
    withheld: Vec<Withheld>,
}

impl<'a> Planner<'a> {
    fn new(trees: &'a Trees<'a>, policy: &'a Policy, now_ms: u64) -> Self {
        let next_id = trees.pairs.iter().map(|pair| pair.id.0).max().unwrap_or(0).saturating_add(1);
        Planner {
            trees,
            policy,
            now_ms,
            works: Vec::new(),
            used: Both::default(),
            next_id,
            steps: Vec::new(),
            creates: Vec::new(),
            renames: Vec::new(),
            renamed: Both::default(),
            moved: Vec::new(),
            withheld: Vec::new(),
        }
    }

    fn folder(&self, side: Side, at: usize) -> Option<&'a FolderSeen> {
        self.trees.listings[side].folders.get(at)
    }

    fn role(&self, side: Side, at: usize) -> Option<Role> {
        self.trees.roles[side].get(at).copied().flatten()
    }

    fn is_excluded(&self, side: Side, at: usize) -> bool {
        self.trees.excluded[side].get(at).copied().unwrap_or(false)
    }

    fn place_known(&mut self, matched: &Matched, renamed: &[Candidate]) {
        for old in self.trees.pairs {
            let mut work = Work {
                pair: old.clone(),
                places: Both::default(),
                old: Some(old.clone()),
                at: Both::default(),
                renamed: Both::default(),
                gone: Both::default(),
                missing: Both::default(),
                withheld: Both::default(),
            };
            for side in Side::ALL {
                let proved = renamed.iter().find(|c| c.id == old.id && c.side == side);
                let presence = matched.places.get(&old.id).and_then(|places| places[side]).unwrap_or(Presence::Never);
                let at = match (proved, presence) {
                    (Some(candidate), _) => Some(candidate.at),
                    (None, Presence::At(at)) => Some(at),
                    (None, _) => None,
                };
                // A name that another pair's folder was proved to have now is no longer this pair's.
                let at = at.filter(|at| {
                    proved.is_some() || !renamed.iter().any(|c| c.side == side && c.at == *at && c.id != old.id)
                });
                match at.and_then(|at| Some((at, self.folder(side, at)?))) {
                    Some((at, folder)) => {
                        self.used[side].insert(at);
                        work.at[side] = Some(at);
                        work.renamed[side] = work.pair.paths[side].as_ref() != Some(&folder.path);
                        work.pair.paths[side] = Some(folder.path.clone());
                        if folder.mailbox_id.is_some() {
                            work.pair.mailbox_ids[side].clone_from(&folder.mailbox_id);
                        }
                        work.pair.missing_since_ms[side] = None;
                        work.pair.role = work.pair.role.or(self.role(side, at));
                    }
                    // Only a listing that tells such folders is evidence about them.
                    None if self.is_withheld(side, work.pair.paths[side].as_ref()) => {
                        (work.missing[side], work.withheld[side]) = (true, true);
                    }
                    None if work.pair.paths[side].is_some() => {
                        let since = *work.pair.missing_since_ms[side].get_or_insert(self.now_ms);
                        let old_enough = work.old.as_ref().is_some_and(|old| old.missing_since_ms[side].is_some())
                            && self.now_ms.saturating_sub(since) >= self.policy.grace_ms;
                        work.gone[side] = old_enough;
                        work.missing[side] = !old_enough;
                    }
                    None => {}
                }
            }
            work.places = work.pair.paths.clone();
            self.works.push(work);
        }
        self.catch_up();
    }

    /// A folder that is back after it was missing has not seen what the other side called its own meanwhile: that counts as a
    /// rename of now.
    fn catch_up(&mut self) {
        let is_behind = |work: &Work, side: Side| {
            let back = work.old.as_ref().is_some_and(|old| old.missing_since_ms[side].is_some());
            let (Some(here), Some(there)) = (&work.places[side], &work.places[side.other()]) else { return false };
            if !back || work.at.iter().any(|(_, at)| at.is_none()) || work.pair.role.is_some() || work.renamed[side] {
                return false;
            }
            let wanted = self.place_on(side, there);
            let numbered = names::is_numbered(here, &wanted) || names::is_numbered(&wanted, here);
            // One name may be the spelling of the other, whichever side it came from.
            let alike = |side: Side, a: &FolderPath, b: &FolderPath| self.keyed(side, a) == self.keyed(side, b);
            let spelled = alike(side, here, &wanted) || alike(side.other(), there, &self.place_on(side.other(), here));
            !numbered && !spelled
        };
        let behind: Vec<(usize, Side)> = self
            .works
            .iter()
            .enumerate()
            .flat_map(|(index, work)| {
                Side::ALL.into_iter().filter(move |side| is_behind(work, *side)).map(move |side| (index, side))
            })
            .collect();
        for (index, side) in behind {
            if let Some(work) = self.works.get_mut(index) {
                work.renamed[side.other()] = true;
            }
        }
    }

    /// A pair that has no folder on one side yet, and an unlinked folder at just that place: it was made by a pass that
    /// died before it could write it down, or by a person.
    fn complete_pairs(&mut self) {
        for side in Side::ALL {
            for index in 0..self.works.len() {
                let Some(work) = self.works.get(index) else { continue };
                let lacks = work.at[side].is_none() && work.pair.paths[side].is_none();
                let Some(here) = work.places[side.other()].clone().filter(|_| lacks && work.at[side.other()].is_some())
                else {
                    continue;
                };
                let place = self.keyed(side, &self.place_on(side, &here));
                let found = self.unlinked(side).into_iter().find(|at| {
                    self.folder(side, *at)
                        .is_some_and(|folder| self.keyed(side, &self.renamed_by_steps(side, &folder.path)) == place)
                });
                if let Some(at) = found {
                    self.used[side].insert(at);
                    let path = self.folder(side, at).map(|folder| folder.path.clone());
                    let id = self.folder(side, at).and_then(|folder| folder.mailbox_id.clone());
                    let later = path.as_ref().map(|path| self.renamed_by_steps(side, path));
                    if let Some(work) = self.works.get_mut(index) {
                        work.at[side] = Some(at);
                        work.pair.paths[side] = path;
                        work.pair.mailbox_ids[side] = id;
                        work.places[side] = later;
                    }
                }
            }
        }
    }

    /// Unlinked folders that exist on both sides: by role first, then by name.
    fn pair_unlinked(&mut self) {
        self.complete_pairs();
        for at in self.unlinked(Side::Source) {
            let Some(here) = self.folder(Side::Source, at) else { continue };
            let role = self.role(Side::Source, at);
            let role_is_free = role.is_some() && !self.works.iter().any(|work| work.pair.role == role);
            let by_role = self
                .unlinked(Side::Target)
                .into_iter()
                .find(|there| role_is_free && self.role(Side::Target, *there) == role);
            let there = by_role.or_else(|| {
                if self.hangs(Side::Source, at) {
                    return None;
                }
                let path = self.place_on(Side::Target, &self.renamed_by_steps(Side::Source, &here.path));
                let same = |folder: &FolderSeen| {
                    let there = self.renamed_by_steps(Side::Target, &folder.path);
                    self.keyed(Side::Target, &there) == self.keyed(Side::Target, &path)
                };
                let unlinked = self.unlinked(Side::Target);
                let unlinked: Vec<usize> =
                    unlinked.into_iter().filter(|there| !self.hangs(Side::Target, *there)).collect();
                let by_name = unlinked.iter().find(|there| self.folder(Side::Target, **there).is_some_and(same));
                // Else the one that this folder may be the spelling of: its name has characters that only the target can
                // have, and the state that knew of the pair is lost.
                let spelling = || unlinked.iter().find(|there| self.is_spelled_on_source(**there, &here.path));
                by_name.or_else(spelling).copied()
            });
            if let Some(there) = there {
                self.new_pair(Both::new(Some(at), Some(there)));
            }
        }
    }

    /// The rest is new on one side, and is made on the other if that side may be written.
    fn add_unlinked(&mut self) {
        for side in Side::ALL {
            for at in self.unlinked(side) {
                if self.hangs(side, at) {
                    continue;
                }
                if let Some(path) = self.may_have_a_hidden_partner(side, at) {
                    self.withheld.push(Withheld { side: side.other(), id: None, path });
                    continue;
                }
                let mut ends = Both::default();
                ends[side] = Some(at);
                self.new_pair(ends);
            }
        }
        let mut taken: Both<HashSet<FolderPath>> =
            Both::from_fn(|side| self.names_now(side).into_iter().map(|(_, path)| self.keyed(side, &path)).collect());
        let mut order: Vec<usize> = (0..self.works.len()).collect();
        order.sort_by_key(|at| {
            let places = self.works.get(*at).map(|work| &work.places);
            places.map(|places| Side::ALL.iter().filter_map(|side| places[*side].as_ref().map(FolderPath::depth)).min())
        });
        for at in order {
            for side in Side::ALL {
                let Some(work) = self.works.get(at) else { continue };
                let wanted = work.at[side].is_none()
                    && work.at[side.other()].is_some()
                    && !work.gone[side]
                    && !work.missing[side]
                    && self.policy.writes(side);
                let Some(here) = work.places[side.other()].clone().filter(|_| wanted) else { continue };
                let path = self.place_on(side, &here);
                let path = names::free(path, &taken[side], self.trees.listings[side].abilities.case_sensitive);
                taken[side].insert(self.keyed(side, &path));
                let Some(work) = self.works.get_mut(at) else { continue };
                // The path is stored when the folder has been made; its children are placed below it meanwhile.
                work.places[side] = Some(path);
                self.creates.push((work.pair.id, side));
            }
        }
    }

    /// Does it stand below a name whose folder is missing? That folder may be called otherwise by now, or be gone, and then
    /// others stand above this one: where it belongs on the other side is known when that is.
    fn hangs(&self, side: Side, at: usize) -> bool {
        let mut above = self.folder(side, at).and_then(|folder| self.renamed_by_steps(side, &folder.path).parent());
        while let Some(here) = above {
            let named = |work: &&Work| work.places[side].as_ref() == Some(&here) && !work.gone[side];
            let mut named = self.works.iter().filter(named).peekable();
            if named.peek().is_some() {
                return named.all(|work| work.missing[side] && !work.withheld[side]);
            }
            above = here.parent();
        }
        false
    }

    /// Is it one of the folders that this side's listing does not tell this time? They have names that none of the others has.
    fn is_withheld(&self, side: Side, path: Option<&FolderPath>) -> bool {
        let hides = self.trees.listings[side].withheld.is_some();
        hides && path.is_some_and(|path| names::is_forbidden(path, self.forbidden(side)))
    }

    /// Is the name one that a folder would have here which the other side's listing does not tell this time? Were it made
    /// there, that one would have a twin.
    fn may_have_a_hidden_partner(&self, side: Side, at: usize) -> Option<FolderPath> {
        let path = &self.folder(side, at)?.path;
        let hides = self.trees.listings[side.other()].withheld.is_some();
        (hides && names::may_be_spelled(path, self.forbidden(side.other()))).then(|| path.clone())
    }

    /// Folders are made where they belong once all renames are done, parents first.
    fn create(&mut self) {
        let mut steps: Vec<TreeStep> = Vec::new();
        for (id, side) in &self.creates {
            let Some(work) = self.works.iter().find(|work| work.pair.id == *id) else { continue };
            let Some(path) = work.places[*side].clone() else { continue };
            steps.push(TreeStep::Create { id: *id, side: *side, path, role: work.pair.role });
        }
        let depth = |step: &TreeStep| if let TreeStep::Create { path, .. } = step { path.depth() } else { 0 };
        steps.sort_by_key(depth);
        self.steps.append(&mut steps);
    }

    /// The selectable names of a side as they will be once the steps planned so far are done, and whose they are.
    fn names_now(&self, side: Side) -> Vec<(Option<FolderId>, FolderPath)> {
        let owned: HashMap<usize, &Work> = self.works.iter().filter_map(|work| Some((work.at[side]?, work))).collect();
        let listed = self.trees.listings[side].folders.iter().enumerate().filter(|(_, folder)| folder.selectable);
        listed
            .map(|(at, folder)| match owned.get(&at) {
                Some(work) => (Some(work.pair.id), work.places[side].clone().unwrap_or_else(|| folder.path.clone())),
                None => (None, self.renamed_by_steps(side, &folder.path)),
            })
            .collect()
    }

    /// A folder that belongs to no pair is carried along when a paired ancestor is renamed.
    fn renamed_by_steps(&self, side: Side, path: &FolderPath) -> FolderPath {
        self.moved
            .iter()
            .filter(|(on, _, _)| *on == side)
            .fold(path.clone(), |path, (_, from, to)| path.rebased(from, to))
    }

    /// Plans subscriptions. The base of a folder that needs a step stays as it was: the engine writes the new one down when
    /// the steps are done, so that a crash in between is not taken for a person's unsubscribing.
    fn subscribe(&mut self) {
        for work in &mut self.works {
            let is_made = |side: Side| self.creates.contains(&(work.pair.id, side));
            let folder = |side: Side| work.at[side].and_then(|at| self.trees.listings[side].folders.get(at));
            // What a side cannot remember cannot differ there.
            if Side::ALL.iter().any(|side| folder(*side).is_some_and(|folder| !folder.subscribable)) {
                continue;
            }
            if !Side::ALL.iter().all(|side| work.at[*side].is_some() || is_made(*side)) {
                continue;
            }
            let seen = Both::from_fn(|side| folder(side).is_some_and(|folder| folder.subscribed));
            let base = work.pair.subscribed;
            // As with flags: where the two differ, the side that left the base wins. A new pair starts unsubscribed. What was
            // renamed or is still to be made lost nothing by a person's will: RENAME does not carry subscriptions along.
            let unsaid = Side::ALL.iter().any(|side| work.renamed[*side] || is_made(*side));
            let agreed = match seen.source == seen.target {
                _ if unsaid => seen.source || seen.target || base,
                true => seen.source,
                false => !base,
            };
            let mut steps = 0;
            for side in Side::ALL {
                if seen[side] != agreed && self.policy.writes(side) {
                    self.steps.push(TreeStep::Subscribe { id: work.pair.id, side, on: agreed });
                    steps += 1;
                }
            }
            if steps == 0 {
                work.pair.subscribed = agreed;
            }
        }
    }

    fn finish(self) -> TreePlan {
        let mut plan = TreePlan { withheld: self.withheld, ..TreePlan::default() };
        for work in self.works {
            let excluded = Side::ALL.iter().any(|side| {
                work.at[*side].is_some_and(|at| self.trees.excluded[*side].get(at).copied().unwrap_or(false))
            });
            let missing = work.missing.source || work.missing.target;
            plan.unsettled |= missing;
            plan.withheld.extend(Side::ALL.into_iter().filter(|side| work.withheld[*side]).filter_map(|side| {
                Some(Withheld { side, id: Some(work.pair.id), path: work.pair.paths[side].clone()? })
            }));
            // Where the other side never had the folder (or has not any more), nothing is left of the pair.
            let is_left = |side: Side| work.pair.paths[side].is_some() && !work.gone[side];
            match (work.gone.source, work.gone.target) {
                (source, target) if (source || target) && !is_left(Side::Source) && !is_left(Side::Target) => {
                    plan.forget.push(work.pair.id);
                }
                (false, false) if !missing && !excluded => plan.active.push(work.pair.id),
                (true, false) if !missing => plan.gone.push((work.pair.id, Side::Source)),
                (false, true) if !missing => plan.gone.push((work.pair.id, Side::Target)),
                _ => {}
            }
            if work.old.as_ref() != Some(&work.pair) {
                plan.put.push(work.pair);
            }
        }
        plan.steps = self.steps;
        plan
    }

    /// Selectable folders of a side that no pair has, in the order of their depth.
    fn unlinked(&self, side: Side) -> Vec<usize> {
        let folders = &self.trees.listings[side].folders;
        let mut free: Vec<usize> = folders
            .iter()
            .enumerate()
            .filter(|(at, folder)| folder.selectable && !self.used[side].contains(at) && !self.is_excluded(side, *at))
            .map(|(at, _)| at)
            .collect();
        free.sort_by_key(|at| folders.get(*at).map(|folder| (folder.path.depth(), folder.path.clone())));
        free
    }

    fn new_pair(&mut self, at: Both<Option<usize>>) {
        let mut pair = FolderPair {
            id: FolderId(self.next_id),
            paths: Both::default(),
            role: None,
            cursors: Both::default(),
            mailbox_ids: Both::default(),
            subscribed: false,
            missing_since_ms: Both::default(),
            hides: Both::default(),
        };
        self.next_id = self.next_id.saturating_add(1);
        for side in Side::ALL {
            let Some(index) = at[side] else { continue };
            self.used[side].insert(index);
            if let Some(folder) = self.folder(side, index) {
                pair.paths[side] = Some(folder.path.clone());
                pair.mailbox_ids[side].clone_from(&folder.mailbox_id);
            }
            pair.role = pair.role.or(self.role(side, index));
        }
        let places = Both::from_fn(|side| pair.paths[side].as_ref().map(|path| self.renamed_by_steps(side, path)));
        self.works.push(Work {
            places,
            pair,
            old: None,
            at,
            renamed: Both::default(),
            gone: Both::default(),
            missing: Both::default(),
            withheld: Both::default(),
        });
    }

    fn forbidden(&self, side: Side) -> &'a [char] {
        &self.trees.listings[side].abilities.forbidden_in_names
    }

    /// Where a folder of the other side belongs on this one, below its nearest paired ancestor.
    fn place_on(&self, side: Side, path: &FolderPath) -> FolderPath {
        let mut above = path.parent();
        while let Some(here) = above {
            // One that is missing on this side has no place there, and one that is gone on the other is nothing's ancestor.
            let is_ancestor = |work: &&Work| {
                work.places[side.other()].as_ref() == Some(&here)
                    && !work.missing[side]
                    && Side::ALL.iter().all(|side| !work.gone[*side])
            };
            // A folder may have taken the name of one that is missing.
            let ancestor = self.works.iter().filter(is_ancestor).min_by_key(|work| work.missing[side.other()]);
            if let Some(work) = ancestor {
                let planned = self.renames.iter().find(|(id, on, _)| *id == work.pair.id && *on == side);
                let planned = planned.map(|(_, _, to)| to.clone());
                if let Some(there) = planned.or_else(|| Some(self.carried_along(side, work.places[side].as_ref()?))) {
                    return names::place(path, Some((&here, &there)), self.forbidden(side));
                }
            }
            above = here.parent();
        }
        names::place(path, None, self.forbidden(side))
    }

    /// Would the target's folder be made on the source as just this one?
    fn is_spelled_on_source(&self, there: usize, here: &FolderPath) -> bool {
        let Some(folder) = self.folder(Side::Target, there) else { return false };
        // The name alone rules out nearly all, and costs no search for ancestors.
        let name = names::spelled(folder.path.name(), self.forbidden(Side::Source));
        let alike = name == here.name()
            || !self.trees.listings.source.abilities.case_sensitive
                && name.to_lowercase() == here.name().to_lowercase();
        let here = self.renamed_by_steps(Side::Source, here);
        let place = || self.place_on(Side::Source, &self.renamed_by_steps(Side::Target, &folder.path));
        alike && self.keyed(Side::Source, &place()) == self.keyed(Side::Source, &here)
    }

    fn keyed(&self, side: Side, path: &FolderPath) -> FolderPath {
        if self.trees.listings[side].abilities.case_sensitive { path.clone() } else { names::folded(path) }
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
