//! Runs the text scenarios: as they are, dying at every step, with the connection cut at every step, and with the sides
//! exchanged. Every run has to end the same.
//!
//! A scenario is a list of lines; `#` begins a comment.
//!
//! ```text
//! policy deletions trash|expunge|never      policy mode to-target      policy home target
//! SIDE is plain                             no extensions on that side
//! SIDE add FOLDER ID [MARK...]              SIDE expunge FOLDER ID     SIDE move FOLDER ID FOLDER
//! SIDE mark FOLDER ID [+MARK|-MARK...]      SIDE create|remove FOLDER  SIDE rename FOLDER FOLDER
//! SIDE role FOLDER ROLE                     SIDE renumber FOLDER N     SIDE replace FOLDER
//! forget                                    the state is lost
//! settle                                    passes until nothing is left to do; the last one is run with crashes
//! equal                                     both sides hold the same
//! SIDE holds FOLDER: ID...                  exactly these, as many times as they are named
//! SIDE lacks FOLDER
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod world;

use parom_domain::policy::{Deletions, Mode};
use parom_domain::{Role, Side};
use parom_lab::memory::{Fault, Switches};
use std::fmt::Write;
use world::book::assert_same_state;
use world::{World, path};

struct Scenario {
    lines: Vec<Vec<String>>,
    swapped: bool,
}

impl Scenario {
    fn parse(text: &str, swapped: bool) -> Scenario {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
        let lines = lines.filter(|line| !line.is_empty());
        Scenario { lines: lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect(), swapped }
    }

    fn side(&self, word: &str) -> Option<Side> {
        let side = match word {
            "source" => Side::Source,
            "target" => Side::Target,
            _ => return None,
        };
        Some(if self.swapped { side.other() } else { side })
    }

    /// The line of the `settle` that is run with crashes: the last.
    fn last_settle(&self) -> usize {
        self.lines.iter().rposition(|line| line[0] == "settle").expect("a scenario settles")
    }

    async fn world(&self) -> World {
        let mut switches = parom_domain::Both::new(Switches::default(), Switches::default());
        for line in &self.lines {
            if let [side, is, plain] = line.as_slice()
                && is == "is"
                && plain == "plain"
            {
                switches[self.side(side).unwrap()] = Switches::plain();
            }
        }
        // One way round the book is the real store, the other way round it is kept in memory, which is faster.
        if self.swapped {
            World::in_memory(switches.source, switches.target)
        } else {
            World::new(switches.source, switches.target).await
        }
    }

    async fn run(&self, world: &mut World, lines: std::ops::Range<usize>) {
        for line in &self.lines[lines] {
            self.step(world, line).await;
        }
    }

    async fn step(&self, world: &mut World, line: &[String]) {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["settle"] => {
                world.settle().await;
            }
            ["equal"] => world.assert_equal(),
            ["forget"] => world.forget().await,
            ["policy", "deletions", "trash"] => world.policy.deletions = Deletions::Trash,
            ["policy", "deletions", "expunge"] => world.policy.deletions = Deletions::Expunge,
            ["policy", "deletions", "never"] => world.policy.deletions = Deletions::Never,
            ["policy", "mode", "to-target"] => world.policy.mode = Mode::ToTarget,
            ["policy", "home", side] => world.policy.home = self.side(side).unwrap(),
            [side, rest @ ..] => match self.side(side) {
                Some(side) => self.edit(world, side, rest),
                None => panic!("unknown line: {line:?}"),
            },
            [] => {}
        }
    }

    fn edit(&self, world: &World, side: Side, words: &[&str]) {
        let server = &world.servers[side];
        match words {
            ["is", "plain"] => {}
            ["add", folder, id, marks @ ..] => {
                world.add(side, folder, id, marks);
            }
            ["expunge", folder, id] => world.expunge(side, folder, id),
            ["move", from, id, to] => world.shift(side, from, id, to),
            ["mark", folder, id, marks @ ..] => {
                let with = |sign: char| marks.iter().filter_map(|mark| mark.strip_prefix(sign)).collect::<Vec<_>>();
                world.mark(side, folder, id, &with('+'), &with('-'));
            }
            ["create", folder] => server.create(&path(folder)).unwrap(),
            ["role", folder, role] => server.create_with_role(&path(folder), Role::from_name(role).unwrap()).unwrap(),
            ["remove", folder] => server.remove(&path(folder)).unwrap(),
            ["rename", from, to] => server.rename(&path(from), &path(to)).unwrap(),
            ["renumber", folder, validity] => server.renumber(&path(folder), validity.parse().unwrap()).unwrap(),
            ["replace", folder] => server.replace_folder(&path(folder)),
            ["holds", folder, ids @ ..] => {
                let folder = folder.trim_end_matches(':');
                let mut wanted: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
                wanted.sort();
                assert_eq!(world.ids(side, folder), wanted, "{side} {folder}");
            }
            ["lacks", folder] => assert!(!server.folders().contains(&path(folder)), "{side} still has {folder}"),
            _ => panic!("unknown words: {words:?}"),
        }
    }

    /// The plan of the pass that the last `settle` begins with, as a dry run prints it.
    async fn plan(&self) -> String {
        let mut world = self.world().await;
        self.run(&mut world, 0..self.last_settle()).await;
        let report = world.dry_run().await;
        let mut text = String::new();
        let plan = report.plan.unwrap();
        for step in &plan.steps {
            writeln!(text, "{step:?}").unwrap();
        }
        for planned in &plan.moves {
            writeln!(
                text,
                "move on {} uid {} from {:?} to {:?}",
                planned.side, planned.item.uid, planned.from, planned.to
            )
            .unwrap();
        }
        for folder in plan.folders.values() {
            let name = folder.name.as_ref().map(ToString::to_string).unwrap_or_default();
            for side in Side::ALL {
                if !folder.creates[side].is_empty() {
                    writeln!(text, "{name}: create {} on {side}", folder.creates[side].len()).unwrap();
                }
                for (change, _) in &folder.marks[side] {
                    let names = |marks: &parom_domain::Marks| marks.names().collect::<Vec<_>>().join(" ");
                    writeln!(
                        text,
                        "{name}: mark {} on {side} +({}) -({})",
                        change.uids,
                        names(&change.add),
                        names(&change.remove)
                    )
                    .unwrap();
                }
                if !folder.deletes[side].is_empty() {
                    writeln!(text, "{name}: delete {} on {side}", folder.deletes[side].len()).unwrap();
                }
                if !folder.known[side].is_empty() {
                    writeln!(text, "{name}: leave {} on {side}", folder.known[side].len()).unwrap();
                }
            }
            if !folder.sleep.is_empty() || !folder.forget.is_empty() {
                writeln!(text, "{name}: sleep {} forget {}", folder.sleep.len(), folder.forget.len()).unwrap();
            }
        }
        for (brake, _) in &report.held {
            writeln!(text, "held by {}", brake.key()).unwrap();
        }
        text
    }
}

async fn check(name: &str, text: &str) {
    let symmetric = !text.contains("policy mode") && !text.contains("policy home");
    for swapped in if symmetric { vec![false, true] } else { vec![false] } {
        let scenario = Scenario::parse(text, swapped);
        if !swapped {
            let plan = scenario.plan().await;
            insta::with_settings!({snapshot_path => "scenarios/plans", prepend_module_to_snapshot => false}, {
                insta::assert_snapshot!(name, plan);
            });
        }
        let last = scenario.last_settle();
        let end = scenario.lines.len();
        let mut world = scenario.world().await;
        scenario.run(&mut world, 0..last).await;
        world.revive();
        scenario.run(&mut world, last..end).await;
        let (steps, trail) = (world.steps.taken(), world.steps.trail());
        world.assert_idle().await;
        assert_same_state(world.state().await, world.book.state());
        let wanted = parom_domain::Both::from_fn(|side| world.servers[side].picture());
        for fault in [Fault::Death, Fault::Cut] {
            for at in 1..=steps {
                let place = format!("{name}, swapped {swapped}, {fault:?} at step {at}: {}", trail[at as usize - 1]);
                let mut world = scenario.world().await;
                scenario.run(&mut world, 0..last).await;
                world.revive();
                world.steps.fail_at(at, fault);
                // The settle that dies; then the next life.
                for _ in 0..12 {
                    match world.pass().await {
                        Err(_) if fault == Fault::Death => break,
                        Ok(report) if report.settled => break,
                        _ => {
                            world.wait_out_the_grace();
                        }
                    }
                }
                world.revive();
                let result = tokio::spawn(async move {
                    world.settle().await;
                    world.assert_idle().await;
                    world
                })
                .await;
                let world = result.unwrap_or_else(|error| panic!("{place}: {error}"));
                for side in Side::ALL {
                    assert_eq!(world.servers[side].picture(), wanted[side], "{place}, {side}");
                }
            }
        }
    }
}

macro_rules! scenarios {
    ($($name:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(stringify!($name), include_str!(concat!("scenarios/", stringify!($name), ".txt"))).await;
        })*

        #[test]
        fn every_scenario_is_run() {
            let listed = [$(concat!(stringify!($name), ".txt")),*];
            let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
            let mut found: Vec<String> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name.ends_with(".txt")).collect();
            found.sort();
            let mut listed: Vec<String> = listed.iter().map(|name| (*name).to_owned()).collect();
            listed.sort();
            assert_eq!(found, listed);
        }
    };
}

scenarios! {
    a_delete_beats_a_flag,
    both_ways_at_once,
    both_were_full,
    deleted_into_the_trash,
    deletions_never,
    edits_of_every_kind,
    empty_folder_below_a_renamed,
    equal_on_both_sides,
    first_copy,
    folder_removed,
    folder_removed_with_new_mail,
    folder_renamed,
    folders_swapped,
    move_and_flag,
    moved_away_and_put_back,
    moved_below_a_renamed,
    moved_below_each_other,
    moved_differently,
    moved_into_a_folder_that_is_removed,
    moved_into_a_missing_folder,
    moved_into_each_others_folders,
    moved_into_folders_that_both_removed,
    moved_out_before_both_folders_went,
    moved_twice_the_same,
    moved_while_a_folder_is_renamed,
    one_way,
    plain_servers,
    renamed_above_others,
    renamed_to_one_name,
    renumbered,
    state_lost,
    takes_the_name_of_a_deleted,
    to_a_new_folder,
    trash_emptied,
}
