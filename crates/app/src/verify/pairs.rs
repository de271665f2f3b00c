//! Which folder is compared with which: by their names and roles alone, as nothing is known of them.

use parom_domain::endpoint::Listing;
use parom_domain::policy::Policy;
use parom_domain::state::FolderPair;
use parom_domain::tree::{self, TreePlan, TreeStep, Trees, Withheld};
use parom_domain::{Both, FolderPath, FolderSeen, Role, Side, names, roles};

/// The folders of both sides, each with its partner where it has one.
pub(super) struct Pairs {
    pub paths: Vec<Both<Option<FolderPath>>>,
    /// What a side does not list this time.
    pub withheld: Vec<Withheld>,
}

/// The pairs that a first pass would make. Where one side had no room for a second folder of a name (it ignores case, or the
/// name is spelled otherwise there) that folder has a number, which a first pass cannot know: `work` is `work (2)`.
pub(super) fn pairs(listings: &Both<Listing>, excluded: impl Fn(&[FolderSeen], &[Option<Role>]) -> Vec<bool>) -> Pairs {
    let roles = listings.as_ref().map(|listing| roles::roles(&listing.folders));
    let excluded = Both::from_fn(|side| excluded(&listings[side].folders, &roles[side]));
    let mut numbered: Vec<FolderPair> = Vec::new();
    loop {
        let trees =
            Trees { pairs: &numbered, listings: listings.as_ref(), roles: roles.clone(), excluded: excluded.clone() };
        let matched = tree::match_folders(&trees);
        let plan = tree::plan(&trees, &matched, &[], &[], &Policy::default(), 0);
        // With each pair that is known, those below it find their partners by name.
        if let Some(pair) = first_numbered(listings, &plan) {
            numbered.push(pair);
            continue;
        }
        let planned: Vec<Both<Option<FolderPath>>> = plan.put.iter().map(|pair| pair.paths.clone()).collect();
        let known = numbered.into_iter().map(|pair| pair.paths).filter(|paths| !planned.contains(paths));
        return Pairs { paths: known.chain(planned.iter().cloned()).collect(), withheld: plan.withheld };
    }
}

/// Two folders, each on one side only, of which one is called like the other but for its number.
fn first_numbered(listings: &Both<Listing>, plan: &TreePlan) -> Option<FolderPair> {
    let alone = |side: Side| {
        let alone =
            plan.put.iter().filter(move |pair| pair.paths[side].is_some() && pair.paths[side.other()].is_none());
        alone.filter_map(move |pair| Some((pair, pair.paths[side].as_ref()?)))
    };
    Side::ALL.into_iter().find_map(|side| {
        alone(side).find_map(|(pair, path)| {
            let made = plan.steps.iter().find_map(|step| match step {
                TreeStep::Create { id, path, .. } if *id == pair.id => Some(path),
                _ => None,
            })?;
            let name = names::spelled(path.name(), &listings[side.other()].abilities.forbidden_in_names);
            let plain = made.parent().map_or_else(|| FolderPath::new([&name]), |above| Some(above.child(&name)))?;
            let (other, there) = alone(side.other()).find(|(_, there)| names::is_numbered(there, &plain))?;
            let mut joined = pair.clone();
            joined.paths[side.other()] = Some(there.clone());
            joined.mailbox_ids[side.other()].clone_from(&other.mailbox_ids[side.other()]);
            Some(joined)
        })
    })
}
