//! Trees of both sides under creates, renames, swaps, cycles, clashes and deletions; run from both sides.

use super::*;
use crate::endpoint::{Abilities, Cursor};
use crate::policy::Mode;
use proptest::prelude::*;

fn abilities() -> Abilities {
    Abilities {
        tells_vanished: true,
        moves_in_one_step: true,
        tells_new_uids: true,
        keeps_bytes: true,
        lists_every_folder: true,
        case_sensitive: true,
        forbidden_in_names: vec!['/'],
        batch_items: 64,
        batch_bytes: 4 << 20,
        batches_under_way: 8,
        append_limit: None,
        renames_roles: false,
        sends_receipts: false,
        shallow_flags: false,
        recovery_grace_ms: 0,
        index_lag_ms: 0,
        round_trip_ms: 0,
    }
}

fn path(text: &str) -> FolderPath {
    FolderPath::new(text.split('/')).unwrap()
}

/// A model server: names with the identity (UIDVALIDITY) of what they name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Server(Vec<(String, u32)>);

impl Server {
    fn listing(&self) -> Listing {
        let folders = self.0.iter().map(|(name, validity)| FolderSeen {
            path: path(name),
            role: None,
            selectable: true,
            may_have_children: true,
            hides_children: false,
            subscribed: false,
            subscribable: true,
            status: Some(Cursor { validity: *validity, uidnext: 2, modseq: 1, exists: 1 }),
            mailbox_id: None,
        });
        Listing { folders: folders.collect(), abilities: abilities(), withheld: None }
    }

    fn rename(&mut self, from: &FolderPath, to: &FolderPath) {
        assert!(!self.0.iter().any(|(name, _)| path(name) == *to), "RENAME to a name that is taken: {to}");
        for (name, _) in &mut self.0 {
            *name = path(name).rebased(from, to).to_string();
        }
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

struct World {
    servers: Both<Server>,
    pairs: Vec<FolderPair>,
    now_ms: u64,
    policy: Policy,
    next_validity: u32,
}

impl World {
    fn new(source: &[&str], target: &[&str]) -> World {
        let server =
            |names: &[&str], from: u32| Server(names.iter().zip(from..).map(|(n, v)| ((*n).to_owned(), v)).collect());
        World {
            servers: Both::new(server(source, 1000), server(target, 2000)),
            pairs: Vec::new(),
            now_ms: 1,
            policy: Policy::default(),
            next_validity: 5000,
        }
    }

    fn planned(&self) -> TreePlan {
        let listings = Both::from_fn(|side| self.servers[side].listing());
        let trees = Trees {
            pairs: &self.pairs,
            listings: listings.as_ref(),
            roles: listings.as_ref().map(|listing| crate::roles::roles(&listing.folders)),
            excluded: listings.as_ref().map(|listing| vec![false; listing.folders.len()]),
        };
        let matched = match_folders(&trees);
        // The model's UIDVALIDITYs are unique, so every candidate proves true.
        plan(&trees, &matched, &matched.candidates, &[], &self.policy, self.now_ms)
    }

    /// One pass over the trees, as the engine does it.
    fn pass(&mut self) -> TreePlan {
        let plan = self.planned();
        for pair in &plan.put {
            match self.pairs.iter_mut().find(|old| old.id == pair.id) {
                Some(old) => *old = pair.clone(),
                None => self.pairs.push(pair.clone()),
            }
        }
        for step in &plan.steps {
            match step {
                TreeStep::Create { id, side, path, .. } => {
                    assert!(
                        !self.servers[*side].names().contains(&path.to_string().as_str()),
                        "{path} exists on {side}"
                    );
                    self.servers[*side].0.push((path.to_string(), self.next_validity));
                    self.next_validity += 1;
                    self.pairs.iter_mut().find(|pair| pair.id == *id).unwrap().paths[*side] = Some(path.clone());
                }
                TreeStep::Rename { id, side, to } => {
                    let from = self.pairs.iter().find(|pair| pair.id == *id).unwrap().paths[*side].clone().unwrap();
                    self.servers[*side].rename(&from, to);
                    for pair in &mut self.pairs {
                        let moved = pair.paths[*side].as_ref().map(|path| path.rebased(&from, to));
                        pair.paths[*side] = moved;
                    }
                }
                TreeStep::Subscribe { .. } => {}
            }
        }
        for (id, gone) in &plan.gone {
            let pair = self.pairs.iter().find(|pair| pair.id == *id).unwrap();
            let there = pair.paths[gone.other()].clone().unwrap().to_string();
            self.servers[gone.other()].0.retain(|(name, _)| *name != there);
        }
        let ended: Vec<FolderId> = plan.gone.iter().map(|(id, _)| *id).chain(plan.forget.iter().copied()).collect();
        self.pairs.retain(|pair| !ended.contains(&pair.id));
        // What the engine learns when it looks into the folders.
        for pair in &mut self.pairs {
            for side in Side::ALL {
                let name = pair.paths[side].as_ref().map(FolderPath::to_string);
                let found = self.servers[side].0.iter().find(|(known, _)| Some(known) == name.as_ref());
                pair.cursors[side] =
                    found.map(|(_, validity)| Cursor { validity: *validity, uidnext: 2, modseq: 1, exists: 1 });
            }
        }
        self.now_ms += 100_000;
        plan
    }

    fn settle(&mut self) {
        for _ in 0..6 {
            self.pass();
        }
        let idle = self.planned();
        assert!(idle.steps.is_empty() && idle.put.is_empty() && idle.gone.is_empty(), "not idle: {idle:?}");
    }

    fn is_equal(&self) -> bool {
        self.servers.source.names() == self.servers.target.names()
    }
}

fn rename(world: &mut World, side: Side, from: &str, to: &str) {
    world.servers[side].rename(&path(from), &path(to));
}

#[test]
fn both_trees_become_their_union() {
    let mut world = World::new(&["INBOX", "a", "a/b", "a/b/c"], &["INBOX", "x/y", "a"]);
    world.settle();
    assert_eq!(world.servers.source.names(), ["INBOX", "a", "a/b", "a/b/c", "x/y"]);
    assert!(world.is_equal());
}

#[test]
fn a_rename_crosses_as_a_rename_with_its_children() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "a", "a/b", "a/b/c"], &["INBOX"]);
        world.settle();
        let before: Vec<u32> = world.servers[side.other()].0.iter().map(|(_, validity)| *validity).collect();
        rename(&mut world, side, "a", "z");
        let plan = world.pass();
        assert_eq!(plan.steps.len(), 1, "the children follow their parent: {plan:?}");
        world.settle();
        assert!(world.is_equal());
        assert_eq!(world.servers.source.names(), ["INBOX", "z", "z/b", "z/b/c"]);
        let after: Vec<u32> = world.servers[side.other()].0.iter().map(|(_, validity)| *validity).collect();
        assert_eq!(before, after, "nothing was made anew");
    }
}

#[test]
fn a_swap_and_a_cycle_cross() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "a", "b", "c"], &["INBOX"]);
        world.settle();
        let ids: HashMap<String, u32> = world.servers[side.other()].0.iter().cloned().collect();
        rename(&mut world, side, "a", "t");
        rename(&mut world, side, "b", "a");
        rename(&mut world, side, "c", "b");
        rename(&mut world, side, "t", "c");
        world.settle();
        let now: HashMap<String, u32> = world.servers[side.other()].0.iter().cloned().collect();
        assert_eq!((now["c"], now["a"], now["b"]), (ids["a"], ids["b"], ids["c"]));
    }
}

#[test]
fn a_folder_that_both_sides_moved_goes_where_the_folders_above_it_go() {
    let mut world = World::new(&["INBOX", "a", "b", "c"], &["INBOX"]);
    world.settle();
    rename(&mut world, Side::Target, "c", "b/d");
    rename(&mut world, Side::Source, "c", "b/d");
    rename(&mut world, Side::Source, "a", "c");
    rename(&mut world, Side::Target, "b", "a/d");
    world.settle();
    assert!(world.is_equal(), "{:?}", world.servers);
    assert_eq!(world.servers.source.names(), ["INBOX", "c", "c/d", "c/d/d"]);
}

#[test]
fn renamed_on_both_sides_homes_name_wins() {
    let mut world = World::new(&["INBOX", "a"], &["INBOX"]);
    world.settle();
    rename(&mut world, Side::Source, "a", "home");
    rename(&mut world, Side::Target, "a", "away");
    world.settle();
    assert!(world.is_equal());
    assert_eq!(world.servers.source.names(), ["INBOX", "home"]);
}

#[test]
fn a_folder_that_takes_the_name_of_a_deleted_one_keeps_it() {
    for (side, home) in [Side::Source, Side::Target].into_iter().flat_map(|side| Side::ALL.map(|home| (side, home))) {
        let mut world = World::new(&["INBOX", "a", "b", "b/c"], &["INBOX"]);
        world.policy.home = home;
        world.settle();
        world.servers[side].0.retain(|(name, _)| name != "a");
        rename(&mut world, side, "b", "a");
        world.settle();
        assert_eq!(world.servers[side].names(), ["INBOX", "a", "a/c"], "{side}, home {home}");
        assert!(world.is_equal(), "{side}, home {home}: {:?}", world.servers);
    }
}

#[test]
fn a_folder_below_one_that_takes_a_name_is_made_below_its_own() {
    // One side renames a folder to what the other side has just made, with another below it.
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "b"], &["INBOX"]);
        world.settle();
        rename(&mut world, side, "b", "a");
        world.servers[side.other()].0.extend([("a".to_owned(), 7000), ("a/d".to_owned(), 7001)]);
        world.settle();
        assert!(world.is_equal(), "{:?}", world.servers);
    }
}

#[test]
fn a_listed_folder_is_one_pairs_only() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "a", "b"], &["INBOX"]);
        world.settle();
        world.servers[side].0.retain(|(name, _)| name != "b");
        // The book as a crash may leave it: the missing folder of one pair had the name that the other's has now.
        let missing = world.pairs.iter_mut().find(|pair| pair.paths[side] == Some(path("b"))).unwrap();
        (missing.paths[side], missing.cursors[side]) = (Some(path("a")), None);
        let id = missing.id;
        let plan = world.planned();
        assert!(!plan.active.contains(&id) && plan.unsettled, "{plan:?}");
        assert_eq!(plan.active.len(), 2, "{plan:?}");
        world.settle();
        assert!(world.is_equal());
    }
}

#[test]
fn a_missing_folder_is_believed_gone_only_when_a_second_listing_agrees() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "a", "b"], &["INBOX"]);
        world.settle();
        let saved = world.servers[side].clone();
        world.servers[side].0.retain(|(name, _)| name != "a");
        let plan = world.pass();
        assert!(plan.gone.is_empty() && plan.unsettled && plan.steps.is_empty(), "{plan:?}");
        // It was only a hiccup of the server.
        let short = std::mem::replace(&mut world.servers[side], saved);
        world.settle();
        assert!(world.is_equal());
        world.servers[side] = short;
        world.settle();
        assert_eq!(world.servers[side.other()].names(), ["INBOX", "b"]);
    }
}

#[test]
fn a_folder_below_the_name_of_a_missing_one_waits_until_that_is_known() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "a"], &["INBOX"]);
        world.settle();
        rename(&mut world, side.other(), "a", "b");
        let server = &mut world.servers[side].0;
        server.retain(|(name, _)| name != "a");
        server.push(("a/c".to_owned(), 7000));
        let plan = world.pass();
        assert!(plan.steps.is_empty() && plan.unsettled, "{plan:?}");
        world.settle();
        assert!(world.is_equal(), "{:?}", world.servers);
        assert_eq!(world.servers.source.names(), ["INBOX", "a/c"]);
    }
}

#[test]
fn a_folder_below_a_missing_one_that_is_back_is_made_below_its_partner() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "Sent Items"], &["INBOX", "Sent"]);
        world.settle();
        let [name, theirs] = if side == Side::Source { ["Sent Items", "Sent"] } else { ["Sent", "Sent Items"] };
        assert_eq!(world.pairs.len(), 2);
        world.servers[side].0.push((format!("{name}/new"), 7000));
        let whole = world.servers[side].clone();
        world.servers[side].0.retain(|(known, _)| known != name);
        let plan = world.pass();
        assert!(plan.steps.is_empty() && plan.unsettled, "{plan:?}");
        world.servers[side] = whole;
        world.settle();
        let wanted = format!("{theirs}/new");
        assert!(world.servers[side.other()].names().contains(&wanted.as_str()), "{:?}", world.servers);
    }
}

#[test]
fn one_way_never_touches_the_source() {
    let mut world = World::new(&["INBOX", "a"], &["INBOX", "own"]);
    world.policy.mode = Mode::ToTarget;
    world.settle();
    rename(&mut world, Side::Target, "a", "mine");
    world.settle();
    assert_eq!(world.servers.source.names(), ["INBOX", "a"]);
    assert_eq!(world.servers.target.names(), ["INBOX", "mine", "own"]);
}

#[test]
fn roles_pair_folders_of_different_names() {
    let mut world = World::new(&["INBOX", "Отправленные", "Отправленные/2024"], &["INBOX", "Sent"]);
    world.settle();
    assert_eq!(world.servers.target.names(), ["INBOX", "Sent", "Sent/2024"]);
    assert_eq!(world.servers.source.names(), ["INBOX", "Отправленные", "Отправленные/2024"]);
}

#[test]
fn a_lost_state_finds_the_spelled_name_from_either_side() {
    let (plain, spelled) = (["v1.2", "v1.2/a.b"], ["v1\u{2024}2", "v1\u{2024}2/a\u{2024}b"]);
    for side in Side::ALL {
        // `side` is the one that cannot have the dot.
        let world = if side == Side::Source { World::new(&spelled, &plain) } else { World::new(&plain, &spelled) };
        let mut listings = Both::from_fn(|side| world.servers[side].listing());
        listings[side].abilities.forbidden_in_names.push('.');
        let trees = Trees {
            pairs: &[],
            listings: listings.as_ref(),
            roles: listings.as_ref().map(|listing| crate::roles::roles(&listing.folders)),
            excluded: listings.as_ref().map(|listing| vec![false; listing.folders.len()]),
        };
        let planned = plan(&trees, &match_folders(&trees), &[], &[], &world.policy, world.now_ms);
        assert_eq!(planned.put.len(), 2, "{side:?}");
        assert_eq!(planned.steps, [], "{side:?}");
    }
}

#[test]
fn names_that_differ_by_case_do_not_merge_on_a_server_that_ignores_it() {
    let listings = Both::new(
        Server(vec![("INBOX".into(), 1), ("work".into(), 2), ("Work".into(), 3)]).listing(),
        Listing {
            abilities: Abilities { case_sensitive: false, ..abilities() },
            ..Server(vec![("INBOX".into(), 9)]).listing()
        },
    );
    let trees = Trees {
        pairs: &[],
        listings: listings.as_ref(),
        roles: Both::new(vec![None; 3], vec![None; 1]),
        excluded: Both::new(vec![false; 3], vec![false; 1]),
    };
    let plan = plan(&trees, &match_folders(&trees), &[], &[], &Policy::default(), 1);
    let mut made: Vec<String> = plan
        .steps
        .iter()
        .filter_map(|step| if let TreeStep::Create { path, .. } = step { Some(path.to_string()) } else { None })
        .collect();
    made.sort();
    assert_eq!(made, ["Work", "work (2)"]);
}

#[test]
fn a_listing_that_does_not_tell_all_is_no_evidence_about_the_rest() {
    for side in Side::ALL {
        let mut world = World::new(&["INBOX", "a", "b"], &["INBOX", "a", "b"]);
        world.settle();
        // This side cannot have a name that one of its folders has all the same, and does not tell it this time; nor does it
        // tell one that is gone.
        world.servers[side].0.retain(|(name, _)| !["a", "b"].contains(&name.as_str()));
        let hidden = FolderPath::new(["x/y"]).unwrap();
        let pair = world.pairs.iter_mut().find(|pair| pair.paths[side] == Some(path("b"))).unwrap();
        pair.paths[side] = Some(hidden.clone());
        let mut listings = Both::from_fn(|side| world.servers[side].listing());
        // On the other side there is a new folder, and one that may be the partner of what is not told.
        for name in ["c", "z\u{2215}y"] {
            let template = listings[side.other()].folders[0].clone();
            listings[side.other()].folders.push(FolderSeen { path: FolderPath::new([name]).unwrap(), ..template });
        }
        let error = crate::Error::new(crate::Code::ServerUnavailable, crate::Scope::Account, crate::Retry::Soon);
        listings[side].withheld = Some(std::sync::Arc::new(error));
        let trees = Trees {
            pairs: &world.pairs,
            listings: listings.as_ref(),
            roles: listings.as_ref().map(|listing| vec![None; listing.folders.len()]),
            excluded: listings.as_ref().map(|listing| vec![false; listing.folders.len()]),
        };
        let now_ms = world.now_ms + 1_000_000;
        let plan = plan(&trees, &match_folders(&trees), &[], &[], &world.policy, now_ms);
        assert!(plan.gone.is_empty() && plan.forget.is_empty() && plan.unsettled);
        let missing: Vec<&FolderPair> =
            plan.put.iter().filter(|pair| pair.missing_since_ms != Both::default()).collect();
        assert!(matches!(missing.as_slice(), [pair] if pair.paths[side] == Some(path("a"))), "{missing:?}");
        let mut withheld: Vec<(Option<FolderId>, FolderPath)> =
            plan.withheld.iter().map(|folder| (folder.id, folder.path.clone())).collect();
        withheld.sort();
        assert_eq!(withheld.iter().map(|(id, _)| id.is_some()).collect::<Vec<_>>(), [false, true]);
        assert_eq!(withheld[1].1, hidden);
        assert_eq!(plan.active.len(), 2, "all others are worked on");
        let made = |step: &TreeStep| matches!(step, TreeStep::Create { path, .. } if path.to_string() == "c");
        assert!(plan.steps.len() == 1 && plan.steps.iter().all(made), "{:?}", plan.steps);
    }
}

proptest! {
    /// Random renames and new folders on both sides: the trees come to rest, every folder has exactly one partner, and
    /// nothing is made twice.
    #[test]
    fn random_trees_converge(steps in proptest::collection::vec((any::<bool>(), 0usize..4, 0usize..6, 0usize..6), 1..14)) {
        let names = ["a", "b", "c", "a/d", "b/d", "e"];
        let mut world = World::new(&["INBOX", "a", "b"], &["INBOX", "c"]);
        world.settle();
        for (here, what, from, to) in steps {
            let side = if here { Side::Source } else { Side::Target };
            let (from, to) = (path(names[from]), path(names[to]));
            let has = |p: &FolderPath| world.servers[side].0.iter().any(|(name, _)| path(name) == *p);
            let below = world.servers[side].0.iter().any(|(name, _)| path(name).is_below(&to));
            match what {
                0 | 1 if has(&from) && !has(&to) && !below && !to.is_below(&from) && from != to => world.servers[side].rename(&from, &to),
                2 if !has(&to) => {
                    let validity = world.next_validity;
                    world.next_validity += 1;
                    world.servers[side].0.push((to.to_string(), validity));
                }
                3 => world.settle(),
                _ => {}
            }
        }
        world.settle();
        for side in Side::ALL {
            let mut paired: Vec<String> = world.pairs.iter().map(|pair| pair.paths[side].as_ref().unwrap().to_string()).collect();
            paired.sort();
            prop_assert_eq!(&paired, &world.servers[side].names(), "{:?}", world.servers);
        }
        prop_assert!(world.is_equal(), "{:?}", world.servers);
    }
}
