//! Renames of folders: what one side did is done on the other, in an order in which each name is free when it is needed.

use super::{Candidate, Kinship, Matched, Planner, Presence, TreeStep, Trees, Work, kinship};
use crate::policy::Mode;
use crate::state::FolderId;
use crate::{Both, FolderPath, Side, names};
use std::collections::HashSet;

/// A proved rename proves those of all that was below: the server carried it along. So an empty folder is followed too,
/// of which no sample could tell anything.
pub(super) fn with_followers(trees: &Trees<'_>, matched: &Matched, proved: &[Candidate]) -> Vec<Candidate> {
    let mut all = proved.to_vec();
    for side in Side::ALL {
        let folders = &trees.listings[side].folders;
        for pair in trees.pairs.iter().filter(|pair| is_lost(matched, pair.id, side)) {
            let Some(path) = &pair.paths[side] else { continue };
            let now = carried(trees, proved, side, path);
            let at = now.and_then(|now| folders.iter().position(|folder| folder.path == now && folder.selectable));
            let Some((at, folder)) = at.and_then(|at| Some((at, folders.get(at)?))) else { continue };
            let known = all.iter().any(|c| c.side == side && (c.id == pair.id || c.at == at));
            let owned = matched.places.values().any(|places| places[side] == Some(Presence::At(at)));
            // What was sampled and has not proved true is not believed here either.
            let sampled = matched.candidates.iter().any(|c| c.side == side && c.id == pair.id && c.at == at);
            if !known && !owned && !sampled && kinship(pair, side, folder) != Kinship::Other {
                all.push(Candidate { id: pair.id, side, at, certain: false });
            }
        }
    }
    all
}

fn is_lost(matched: &Matched, id: FolderId, side: Side) -> bool {
    matched.places.get(&id).is_some_and(|places| places[side] == Some(Presence::Missing))
}

/// Where a path is after the renames that were proved: the nearest folder above it that was renamed counts.
fn carried(trees: &Trees<'_>, proved: &[Candidate], side: Side, path: &FolderPath) -> Option<FolderPath> {
    let renames = proved.iter().filter(|candidate| candidate.side == side).filter_map(|candidate| {
        let pair = trees.pairs.iter().find(|pair| pair.id == candidate.id)?;
        Some((pair.paths[side].as_ref()?, &trees.listings[side].folders.get(candidate.at)?.path))
    });
    let above = renames.filter(|(from, _)| path.is_below(from)).max_by_key(|(from, _)| from.depth());
    above.map(|(from, to)| path.rebased(from, to))
}

impl Planner<'_> {
    /// What one side renamed is renamed on the other; where both did, home's name wins.
    pub(super) fn plan_renames(&mut self, wanted: &[(FolderId, Side, FolderPath)]) {
        for side in [self.policy.home, self.policy.home.other()] {
            let other = side.other();
            if !self.policy.writes(other) {
                continue;
            }
            let mut renamed: Vec<(FolderId, FolderPath)> = self
                .works
                .iter()
                .filter(|work| work.renamed[side] && work.at[other].is_some())
                .filter(|work| !self.is_called_otherwise(side, work))
                // What is to be renamed on this side by us was not renamed by a person.
                .filter(|work| !wanted.iter().any(|(id, on, _)| *id == work.pair.id && *on == side))
                .filter_map(|work| Some((work.pair.id, work.pair.paths[side].clone()?)))
                .filter(|(id, _)| !self.renames.iter().any(|(done, _, _)| done == id))
                .collect();
            renamed.sort_by_key(|(_, path)| path.depth());
            for (id, path) in renamed {
                if side == self.policy.home {
                    self.untangle(id, &path);
                }
                // A folder above may have been untangled from this one, and has its place already.
                if !self.renames.iter().any(|(done, _, _)| *done == id) {
                    let to = self.place_on(other, &path);
                    self.renames.push((id, other, to));
                }
            }
        }
        for (id, side, to) in wanted {
            if !self.renames.iter().any(|(done, _, _)| done == id) {
                self.renames.push((*id, *side, to.clone()));
            }
        }
        // From here on the places tell where everything will be.
        let planned = std::mem::take(&mut self.renames);
        for side in Side::ALL {
            let renames = planned.iter().filter(|(_, on, _)| *on == side);
            self.order_renames(side, renames.map(|(id, _, to)| (*id, to.clone())).collect());
        }
        self.renamed =
            Both::from_fn(|side| planned.iter().filter(|(_, on, _)| *on == side).map(|(id, ..)| *id).collect());
        self.put_back();
    }

    /// Where a place on this side is once the renames that are planned so far are done: that of the nearest folder above it counts.
    pub(super) fn carried_along(&self, side: Side, place: &FolderPath) -> FolderPath {
        let renames = self.renames.iter().filter(|(_, on, _)| *on == side).filter_map(|(id, _, to)| {
            let work = self.works.iter().find(|work| work.pair.id == *id)?;
            Some((work.places[side].as_ref()?, to))
        });
        let above = renames.filter(|(from, _)| place.is_below(from)).max_by_key(|(from, _)| from.depth());
        above.map_or_else(|| place.clone(), |(from, to)| place.rebased(from, to))
    }

    /// A folder that has its role under its new name, too, was given that name in another language.
    fn is_called_otherwise(&self, side: Side, work: &Work) -> bool {
        let role = work.at[side].and_then(|at| self.role(side, at));
        self.trees.listings[side].abilities.renames_roles && role.is_some() && role == work.pair.role
    }

    /// Home moved a folder below one that the other side moved below the former. Home's move is done, and the other is
    /// taken back.
    fn untangle(&mut self, id: FolderId, path: &FolderPath) {
        let away = self.policy.home.other();
        let Some(own) = self.works.iter().find(|work| work.pair.id == id).and_then(|work| work.places[away].clone())
        else {
            return;
        };
        let mut above = path.parent();
        while let Some(here) = above {
            let at_home = |work: &&Work| work.places[self.policy.home].as_ref() == Some(&here);
            let tangled = self.works.iter().find(at_home).filter(|work| {
                work.renamed[away] && work.places[away].as_ref().is_some_and(|there| there.is_below(&own))
            });
            if let Some(id) = tangled.map(|work| work.pair.id)
                && !self.renames.iter().any(|(done, _, _)| *done == id)
            {
                let to = self.place_on(away, &here);
                self.renames.push((id, away, to));
            }
            above = here.parent();
        }
    }

    /// A rename carries along all that is below, and so also what the leading side had taken out of there before: that goes
    /// back to where it belongs.
    fn put_back(&mut self) {
        for side in Side::ALL {
            let mut astray: Vec<_> = self.works.iter().filter_map(|work| self.astray(side, work)).collect();
            astray.sort_by_key(|(_, path): &(FolderId, FolderPath)| path.depth());
            self.order_renames(side, astray);
        }
    }

    fn astray(&self, side: Side, work: &Work) -> Option<(FolderId, FolderPath)> {
        let (was, there) = (work.pair.paths[side].as_ref()?, work.places[side.other()].as_ref()?);
        let place = work.places[side].as_ref().filter(|place| work.at[side].is_some() && *place != was)?;
        let wanted = self.place_on(side, there);
        let ours = self.renamed[side].contains(&work.pair.id) || wanted == *was;
        (ours && *place != wanted && !names::is_numbered(place, &wanted)).then_some((work.pair.id, wanted))
    }

    /// Where two folders wanted one name, one of them has got a number, perhaps on one side only. It loses the number where
    /// the name is free. Where it is not, home decides which of the two is numbered on both sides.
    pub(super) fn settle_numbers(&mut self) {
        if self.policy.mode != Mode::TwoWay {
            return;
        }
        for side in [self.policy.home.other(), self.policy.home] {
            // One after the other, from the root: each may carry others along.
            for _ in 0..2 * self.works.len() {
                let Some(renames) = self.next_number(side) else { break };
                self.order_renames(side, renames.clone());
                // A folder that is still to be made is not renamed, but made under its right name.
                for work in self.works.iter_mut().filter(|work| work.at[side].is_none()) {
                    let to = renames.iter().find(|(id, _)| *id == work.pair.id).map(|(_, to)| to.clone());
                    work.places[side] = to.or(work.places[side].take());
                }
                self.follow_parents(side);
            }
            self.put_back();
        }
    }

    /// What is still to be made is made where the folder above it will be by then.
    fn follow_parents(&mut self, side: Side) {
        let unmade = |at: &usize| self.works.get(*at).is_some_and(|work| work.at[side].is_none());
        let depth = |at: &usize| self.works.get(*at)?.places[side.other()].as_ref().map(FolderPath::depth);
        let mut order: Vec<usize> = (0..self.works.len()).filter(unmade).collect();
        order.sort_by_key(depth);
        for at in order {
            let Some(work) = self.works.get(at) else { continue };
            let (Some(here), Some(there)) = (&work.places[side], &work.places[side.other()]) else { continue };
            let above = self.place_on(side, there).parent();
            let place = above.map_or_else(|| FolderPath::new([here.name()]), |above| Some(above.child(here.name())));
            if let Some(work) = self.works.get_mut(at).filter(|_| place.is_some()) {
                work.places[side] = place;
            }
        }
    }

    /// The next folders to be renamed on this side so that their numbers are the same on both.
    fn next_number(&self, side: Side) -> Option<Vec<(FolderId, FolderPath)>> {
        // Most names are alike, and tell at once that there is nothing to do.
        let name = |work: &&Work, side: Side| work.places[side].as_ref().map(|path| path.name().to_owned());
        let differs = |work: &&Work| self.is_planned(side, work) && name(work, side) != name(work, side.other());
        let mut works: Vec<&Work> = self.works.iter().filter(differs).collect();
        if works.is_empty() {
            return None;
        }
        let names = self.names_planned(side);
        works.sort_by_key(|work| work.places[side].as_ref().map(FolderPath::depth));
        works.into_iter().find_map(|work| {
            let (to, here) = (self.renumbered(side, work)?, work.places[side].as_ref()?);
            let key = self.keyed(side, &to);
            // Not every server renames to a name below which something stands.
            let in_the_way = |(owner, path): &&(Option<FolderId>, FolderPath)| {
                *owner != Some(work.pair.id) && (self.keyed(side, path) == key || path.is_below(&to))
            };
            let mut in_the_way = names.iter().filter(in_the_way);
            let Some((owner, path)) = in_the_way.clone().min_by_key(|(_, path)| path.depth()) else {
                return Some(vec![(work.pair.id, to)]);
            };
            // Two that have each other's name here change places.
            let other = self.works.iter().find(|other| Some(other.pair.id) == *owner)?;
            let swap = *path == to && self.renumbered(side, other).as_ref() == Some(here);
            let carried = in_the_way.all(|(_, below)| below == path || below.is_below(path));
            (swap && carried).then(|| vec![(work.pair.id, to), (other.pair.id, here.clone())])
        })
    }

    /// What a folder is called on this side with its number taken off, or with the one that it has at home.
    fn renumbered(&self, side: Side, work: &Work) -> Option<FolderPath> {
        let (here, there) = (work.places[side].as_ref()?, work.places[side.other()].as_ref()?);
        let to = self.place_on(side, there);
        let loses = names::is_numbered(here, &to);
        let gains = || {
            let plain = there.parent().map_or_else(|| FolderPath::new([here.name()]), |p| Some(p.child(here.name())));
            let held = |(owner, path): &(Option<FolderId>, FolderPath)| {
                *owner != Some(work.pair.id)
                    && Some(path) == plain.as_ref()
                    && !owner.is_some_and(|id| self.ends(side, id))
            };
            names::is_numbered(&to, here) && self.names_planned(side.other()).iter().any(held)
        };
        (loses || side != self.policy.home && work.at[side].is_some() && gains()).then_some(to)
    }

    /// Is the folder missing on this side? It may be gone, and its name on the other side is free then.
    fn ends(&self, side: Side, id: FolderId) -> bool {
        self.works.iter().any(|work| {
            work.pair.id == id && work.pair.paths[side].is_some() && work.at[side].is_none() && !work.withheld[side]
        })
    }

    fn is_planned(&self, side: Side, work: &Work) -> bool {
        work.at[side].is_some() || self.creates.contains(&(work.pair.id, side))
    }

    /// The names of a side once all steps are done.
    fn names_planned(&self, side: Side) -> Vec<(Option<FolderId>, FolderPath)> {
        let unmade = self.works.iter().filter(|work| work.at[side].is_none() && self.is_planned(side, work));
        let unmade = unmade.filter_map(|work| Some((Some(work.pair.id), work.places[side].clone()?)));
        self.names_now(side).into_iter().chain(unmade).collect()
    }

    /// Puts renames into an order in which each name is free when it is needed; a cycle goes through a spare name. What a
    /// rename carries along that had reached its goal is renamed again.
    fn order_renames(&mut self, side: Side, mut goals: Vec<(FolderId, FolderPath)>) {
        if goals.is_empty() {
            return;
        }
        let case_sensitive = self.trees.listings[side].abilities.case_sensitive;
        let mut current = self.names_now(side);
        let mut through_spare = HashSet::new();
        // Each folder moves to a spare name, to its goal, and a few times more if others carry it along.
        for _ in 0..5 * goals.len() {
            let todo: Vec<(FolderId, FolderPath, FolderPath)> = goals
                .iter()
                .filter_map(|(id, to)| Some((*id, name_of(&current, *id)?, to.clone())))
                .filter(|(_, from, to)| from != to)
                .collect();
            let Some(first) = todo.first() else { break };
            let mut occupied: HashSet<FolderPath> = current.iter().map(|(_, path)| path.clone()).collect();
            let (id, from, to) = if let Some(ready) = next_ready(&todo, &occupied) {
                ready.clone()
            } else if let Some((id, own, goal)) = next_to_spare(&todo, &through_spare) {
                through_spare.insert(*id);
                // The spare name is not below the folder either, should that be where it goes.
                let beside = if goal.is_below(own) { own } else { goal };
                occupied.insert(beside.clone());
                (*id, own.clone(), names::free(beside.clone(), &occupied, case_sensitive))
            } else {
                // The name stays taken, by a folder that goes nowhere: the rename keeps the number.
                goals.retain(|(id, _)| *id != first.0);
                continue;
            };
            for (_, place) in &mut current {
                *place = place.rebased(&from, &to);
            }
            // What is not there yet is not carried along.
            for work in self.works.iter_mut().filter(|work| work.at[side].is_some()) {
                work.places[side] = work.places[side].as_ref().map(|place| place.rebased(&from, &to));
            }
            self.moved.push((side, from, to.clone()));
            self.steps.push(TreeStep::Rename { id, side, to });
        }
    }
}

fn name_of(current: &[(Option<FolderId>, FolderPath)], id: FolderId) -> Option<FolderPath> {
    current.iter().find(|(owner, _)| *owner == Some(id)).map(|(_, path)| path.clone())
}

/// A rename whose new name no folder has, nor any of the names of what it carries along. That others stand below the new
/// name does no harm, but no server renames a folder to a place below itself. Those go first that no later rename carries
/// away.
fn next_ready<'a>(
    todo: &'a [(FolderId, FolderPath, FolderPath)],
    occupied: &HashSet<FolderPath>,
) -> Option<&'a (FolderId, FolderPath, FolderPath)> {
    let is_ready = |(_, from, to): &&(FolderId, FolderPath, FolderPath)| {
        let lands_on = |path: &FolderPath| path.is_below(from) && occupied.contains(&path.rebased(from, to));
        !occupied.contains(to) && !to.is_below(from) && !occupied.iter().any(lands_on)
    };
    let stays = |(_, _, to): &&(FolderId, FolderPath, FolderPath)| !todo.iter().any(|(_, from, _)| to.is_below(from));
    todo.iter().filter(is_ready).find(stays).or_else(|| todo.iter().find(is_ready))
}

/// A rename that is in the way of others and goes through a spare name: one that goes below itself has to in any case.
fn next_to_spare<'a>(
    todo: &'a [(FolderId, FolderPath, FolderPath)],
    through_spare: &HashSet<FolderId>,
) -> Option<&'a (FolderId, FolderPath, FolderPath)> {
    let mut left = todo.iter().filter(|(id, ..)| !through_spare.contains(id));
    left.clone().find(|(_, from, to)| to.is_below(from)).or_else(|| left.next())
}
