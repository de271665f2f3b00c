//! Servers that keep other bytes than they are given, or drop the marks that come with a message: what they did is no person's doing.

use crate::survives_every_crash;
use crate::world::{World, date, mail, path};
use parom_domain::{Marks, Side};
use parom_lab::memory::{Fault, Rewriting, Switches};

const REWRITING: [Rewriting; 2] = [Rewriting::LastLineEnd, Rewriting::LineEnds];

/// A message whose last line does not end.
fn add_unended(world: &World, side: Side, folder: &str, id: &str) {
    let text = mail(id);
    let marks = Marks::from_names(["\\Seen"]);
    world.servers[side].add(&path(folder), text.trim_end().to_owned(), marks, date(id.len() as i64)).unwrap();
}

/// The target rewrites what it is given.
fn altering(rewriting: Rewriting, plain: bool) -> World {
    let mut target = if plain { Switches::plain() } else { Switches::default() };
    target.rewriting = rewriting;
    target.abilities.batch_items = target.abilities.batch_items.min(2);
    World::in_memory(Switches::default(), target)
}

fn filled(rewriting: Rewriting, plain: bool) -> World {
    let world = altering(rewriting, plain);
    for id in ["a", "twin", "twin", "b"] {
        add_unended(&world, Side::Source, "INBOX", id);
    }
    world.add(Side::Source, "INBOX", "whole", &[]);
    world
}

const ALL: [&str; 5] = ["a", "b", "twin", "twin", "whole"];

fn assert_ids(world: &World, folder: &str, wanted: &[&str]) {
    for side in Side::ALL {
        assert_eq!(world.ids(side, folder), wanted, "{folder} on {side}");
    }
}

#[tokio::test]
async fn a_crash_doubles_nothing_where_the_server_keeps_other_bytes() {
    for rewriting in REWRITING {
        for plain in [false, true] {
            let world = survives_every_crash(async || filled(rewriting, plain)).await;
            assert_ids(&world, "INBOX", &ALL);
        }
    }
}

#[tokio::test]
async fn a_lost_state_doubles_nothing_where_the_server_keeps_other_bytes() {
    for rewriting in REWRITING {
        let mut world = filled(rewriting, false);
        world.settle().await;
        world.forget().await;
        world.settle().await;
        assert_ids(&world, "INBOX", &ALL);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn equal_headers_are_not_equal_messages_there() {
    for rewriting in REWRITING {
        let world = altering(rewriting, false);
        add_unended(&world, Side::Source, "INBOX", "a");
        let other = format!("{}Another text altogether.\r\n", mail("a"));
        world.servers.target.add(&path("INBOX"), other, Marks::default(), date(1)).unwrap();
        world.settle().await;
        assert_ids(&world, "INBOX", &["a", "a"]);
        for side in Side::ALL {
            assert_eq!(world.count(side, "INBOX", "Another text"), 1);
        }
    }
}

#[tokio::test]
async fn new_uids_double_nothing_where_the_server_keeps_other_bytes() {
    for rewriting in REWRITING {
        for side in Side::ALL {
            let mut world = filled(rewriting, false);
            world.servers.target.switch(|switches| switches.rename_keeps_validity = false);
            world.add(Side::Source, "Work", "x", &[]);
            for id in ["y", "z", "v", "w", "same", "same"] {
                add_unended(&world, Side::Source, "Work", id);
            }
            world.settle().await;
            world.servers[side].rename(&path("Work"), &path("Labour")).unwrap();
            world.settle().await;
            world.wait_out_the_grace();
            world.settle().await;
            assert_ids(&world, "Labour", &["same", "same", "v", "w", "x", "y", "z"]);
            assert_ids(&world, "INBOX", &ALL);
            world.restart().await;
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn a_move_there_crosses_as_a_move() {
    for rewriting in REWRITING {
        for side in Side::ALL {
            let world = survives_every_crash(async || {
                let world = filled(rewriting, false);
                world.add(Side::Source, "Work", "x", &[]);
                world.settle().await;
                world.shift(side, "INBOX", "a", "Work");
                world
            })
            .await;
            assert_ids(&world, "INBOX", &ALL[1..]);
            assert_ids(&world, "Work", &["a", "x"]);
            // It is the same message still, and no copy of the other side's.
            let there = world.servers.source.messages(&path("Work"));
            assert!(there.iter().any(|(_, it)| it.bytes == mail("a").trim_end().as_bytes()));
        }
    }
}

#[tokio::test]
async fn marks_that_append_dropped_are_set_again_and_not_taken_away() {
    for side in Side::ALL {
        for plain in [false, true] {
            let mut switches = if plain { Switches::plain() } else { Switches::default() };
            switches.appends_bare = true;
            switches.abilities.batch_items = 2;
            let marks = ["\\Seen", "\\Flagged", "work"];
            let filled = || {
                let mut both = [Switches::default(), switches.clone()];
                if side == Side::Target {
                    both.reverse();
                }
                let [source, target] = both;
                let world = World::in_memory(source, target);
                for id in ["a", "b", "c", "d", "e"] {
                    world.add(side, "INBOX", id, &marks);
                }
                world
            };
            let world = filled();
            world.settle().await;
            for (of, server) in world.servers.iter() {
                let all = server.messages(&path("INBOX"));
                assert!(all.iter().all(|(_, it)| it.marks == Marks::from_names(marks)), "on {of}, plain: {plain}");
            }
            world.assert_equal();
            world.assert_idle().await;

            // What a person takes away there goes.
            world.mark(side.other(), "INBOX", "a", &[], &["\\Seen"]);
            world.settle().await;
            assert_eq!(
                world.servers[side].messages(&path("INBOX"))[0].1.marks,
                Marks::from_names(marks.into_iter().skip(1))
            );

            let world = filled();
            world.steps.fail_at(world.steps.taken() + 18, Fault::Death);
            world.pass().await.unwrap_err();
            world.revive();
            world.settle().await;
            world.assert_equal();
            let all = world.servers[side].messages(&path("INBOX"));
            assert!(all.iter().all(|(_, it)| it.marks == Marks::from_names(marks)));
        }
    }
}
