//! Many folders over the same connections: what becomes of one is nothing to the others, and none is carried twice, left
//! out, or waited for in vain.

use crate::world::{Budget, World, date, mail, path};
use crate::{survives_every_crash, total};
use parom_domain::{Code, Marks, Side};
use parom_lab::memory::{BatchLanding, Fault, ReadFault, RefusedBatch, Switches};
use std::time::Duration;

const FOLDERS: [&str; 3] = ["a", "b", "c"];

/// Three folders with some messages each, b among them with a big one in the middle.
fn three_folders(source: Switches, target: Switches) -> World {
    let mut world = World::in_memory(Switches { big_from: 50_000, ..source }, Switches { big_from: 50_000, ..target });
    // All in one convoy.
    world.lanes = 1;
    for folder in FOLDERS {
        for at in 1..=3 {
            if (folder, at) == ("b", 2) {
                add_big(&world, "b", "b2", 200_000);
            } else {
                world.add(Side::Source, folder, &format!("{folder}{at}"), &["\\Seen"]);
            }
        }
    }
    world
}

fn add_big(world: &World, folder: &str, id: &str, len: usize) {
    let bytes = format!("{}{}", mail(id), "y".repeat(len));
    world.servers.source.add(&path(folder), bytes, Marks::default(), date(1)).unwrap();
}

fn small_batches(items: usize) -> Switches {
    let mut switches = Switches { slow_answers: true, ..Switches::default() };
    switches.abilities.batch_items = items;
    switches
}

/// With and without MULTIAPPEND and UIDPLUS.
fn targets() -> Vec<Switches> {
    let mut untold = small_batches(2);
    untold.abilities.tells_new_uids = false;
    vec![small_batches(2), untold, Switches::plain()]
}

#[tokio::test]
async fn three_folders_in_one_convoy_arrive_once_whatever_crashes() {
    for target in targets() {
        let world = survives_every_crash(async || three_folders(Switches::default(), target.clone())).await;
        world.assert_equal();
    }
}

#[tokio::test]
async fn a_folder_that_is_replaced_in_the_middle_of_a_convoy_is_filled_anew_and_the_others_arrive_once() {
    for target in targets() {
        for occurrence in [1, 2, 3] {
            let world = survives_every_crash(async || {
                let world = three_folders(Switches::default(), target.clone());
                world.servers.target.create(&path("b")).unwrap();
                let server = world.servers.target.clone();
                world.steps.on("target send", occurrence, move || server.renumber(&path("b"), 777).unwrap());
                world
            })
            .await;
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn a_source_folder_that_is_replaced_in_the_middle_of_a_convoy_is_read_again_and_the_others_arrive_once() {
    for occurrence in [1, 2, 3] {
        let world = survives_every_crash(async || {
            let world = three_folders(Switches::default(), small_batches(2));
            let server = world.servers.source.clone();
            // Steps of this name are those of all folders.
            world.steps.on("source read", occurrence * 3, move || server.renumber(&path("b"), 777).unwrap());
            world
        })
        .await;
        world.assert_equal();
    }
}

#[tokio::test]
async fn a_folder_that_is_refused_in_the_middle_of_a_convoy_leaves_the_others_alone() {
    for side in Side::ALL {
        for target in targets() {
            let world = three_folders(Switches::default(), target);
            let server = world.servers[side].clone();
            let step = if side == Side::Source { "source read" } else { "target send" };
            world.steps.on(step, 2, move || server.switch(|switches| _ = switches.cannot_open.insert(path("b"))));
            let report = world.pass().await.unwrap();
            assert_eq!(report.trouble.len(), 1, "{:?}", report.trouble);
            assert_eq!((report.trouble[0].1.code(), report.settled), (Code::FolderCannotOpen, false));
            for folder in ["a", "c"] {
                assert_eq!(world.ids(Side::Target, folder).len(), 3, "{folder}");
            }
            world.servers[side].switch(|switches| switches.cannot_open.clear());
            world.settle().await;
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn a_folder_that_is_deleted_in_the_middle_of_a_convoy_leaves_the_others_alone() {
    for side in Side::ALL {
        for occurrence in 1..=4 {
            for target in targets() {
                let world = three_folders(Switches::default(), target);
                let server = world.servers[side].clone();
                let step = if side == Side::Source { "source read" } else { "target send" };
                world.steps.on(step, occurrence, move || server.remove(&path("b")).unwrap());
                world.pass().await.unwrap();
                for folder in ["a", "c"] {
                    assert_eq!(world.ids(Side::Target, folder).len(), 3, "{folder}, {side} {occurrence}");
                }
                world.settle().await;
                let source = world.ids(Side::Source, "b");
                let mut once = source.clone();
                once.dedup();
                assert_eq!(source, once, "nothing is doubled");
                world.assert_equal();
                world.assert_idle().await;
            }
        }
    }
}

#[tokio::test]
async fn a_refused_batch_in_front_of_others_that_land_is_not_sent_again() {
    for refused_batch in [RefusedBatch::Nothing, RefusedBatch::TheOnesBefore, RefusedBatch::TheGoodOnes] {
        for tells_new_uids in [true, false] {
            for bad in ["a1", "a2", "b3"] {
                let world = survives_every_crash(async || {
                    let mut target = Switches { refused_batch, ..small_batches(2) };
                    target.abilities.tells_new_uids = tells_new_uids;
                    target.refuses.push(format!("<{bad}@"));
                    let mut world = World::in_memory(Switches::default(), target);
                    world.lanes = 1;
                    for folder in ["a", "b"] {
                        for at in 1..=7 {
                            world.add(Side::Source, folder, &format!("{folder}{at}"), &[]);
                        }
                    }
                    world
                })
                .await;
                let state = world.book.state();
                assert_eq!(state.parked.len(), 1, "{refused_batch:?} {tells_new_uids} {bad}");
                assert_eq!(total(&world.servers.target), 13);
            }
        }
    }
}

#[tokio::test]
async fn twins_around_a_refused_message_stay_as_many_as_they_were() {
    for refused_batch in [RefusedBatch::Nothing, RefusedBatch::TheOnesBefore, RefusedBatch::TheGoodOnes] {
        for tells_new_uids in [true, false] {
            let mut target = Switches { refused_batch, ..small_batches(2) };
            target.abilities.tells_new_uids = tells_new_uids;
            target.refuses.push("<bad@".into());
            let world = World::in_memory(Switches::default(), target);
            for id in ["twin", "bad", "twin", "twin", "x", "twin", "bad", "twin", "y"] {
                world.add(Side::Source, "INBOX", id, &[]);
            }
            world.settle().await;
            assert_eq!(world.ids(Side::Target, "INBOX"), ["twin", "twin", "twin", "twin", "twin", "x", "y"]);
            assert_eq!(total(&world.servers.source), 9);
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn a_big_message_that_is_refused_before_its_bytes_are_taken_is_parked_alone() {
    let world = survives_every_crash(async || {
        let world = three_folders(Switches::default(), Switches { hidden_limit: Some(100_000), ..small_batches(2) });
        add_big(&world, "c", "c-big", 300_000);
        world.add(Side::Source, "c", "c4", &[]);
        world
    })
    .await;
    assert_eq!(world.book.state().parked.len(), 2);
    assert_eq!(FOLDERS.map(|folder| world.ids(Side::Target, folder).len()), [3, 2, 4]);

    // Already the first pass carries everything else.
    let world = three_folders(Switches::default(), Switches { hidden_limit: Some(100_000), ..small_batches(2) });
    let report = world.pass().await.unwrap();
    assert_eq!((report.carried.target, report.parked, report.trouble.len()), (8, 1, 0));
}

#[tokio::test]
async fn a_folder_that_fails_is_not_read_to_its_end() {
    let mut world = World::in_memory(Switches::default(), small_batches(2));
    world.lanes = 1;
    for at in 0..300 {
        world.add(Side::Source, "a", &format!("a{at}"), &[]);
    }
    world.add(Side::Source, "b", "b", &[]);
    let server = world.servers.target.clone();
    world.steps.on("target send", 1, move || server.switch(|switches| _ = switches.cannot_open.insert(path("a"))));
    let report = world.pass().await.unwrap();
    assert_eq!((report.trouble.len(), report.carried.target), (1, 1));
    assert!(
        world.servers.source.bodies_read() < 100,
        "{} bodies were read for nothing",
        world.servers.source.bodies_read()
    );
    world.servers.target.switch(|switches| switches.cannot_open.clear());
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn when_the_target_is_lost_nothing_more_is_read_or_announced() {
    let mut world = World::in_memory(Switches::default(), small_batches(2));
    world.lanes = 1;
    for folder in FOLDERS {
        for at in 0..200 {
            world.add(Side::Source, folder, &format!("{folder}{at}"), &[]);
        }
    }
    let steps = world.steps.clone();
    world.steps.on("target append answer", 1, move || steps.fail_at(steps.taken() + 1, Fault::Cut));
    assert_eq!(world.pass().await.unwrap_err().code(), Code::ConnectionLost);
    let (read, announced) = (world.servers.source.bodies_read(), world.book.state().intents.len());
    assert!(read < 150 && announced < 50, "{read} bodies were read and {announced} batches announced for nothing");
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn a_connection_that_breaks_at_a_message_of_the_second_folder_costs_that_message_alone() {
    for bad in ["b1", "b2", "b3", "c1"] {
        let mut world = three_folders(Switches::default(), small_batches(2));
        // Nothing is streamed: then it would end the pass.
        world.servers.source.switch(|switches| {
            switches.big_from = 1 << 20;
            switches.read_faults.push((format!("<{bad}@"), ReadFault::BreaksConnection));
        });
        world.lanes = 1;
        let report = world.pass().await.unwrap();
        assert_eq!((report.carried.target, report.parked, report.trouble.len()), (8, 1, 0), "{bad}");
        world.settle().await;
        assert_eq!(total(&world.servers.target), 8);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_had_says_nothing_of_any_message() {
    let world = three_folders(Switches::default(), small_batches(2));
    world.servers.source.switch(|switches| switches.readers_lost = 3);
    for _ in 0..3 {
        assert_eq!(world.pass().await.unwrap_err().code(), Code::ConnectionLost);
    }
    assert_eq!(world.settle().await.parked, 0);
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn convoys_of_both_directions_share_a_small_budget_and_come_to_an_end() {
    for budget in [1, 700, 60_000] {
        for lanes in [1, 2, 3] {
            for refused_batch in [RefusedBatch::Nothing, RefusedBatch::TheGoodOnes] {
                let switches = || {
                    let mut switches = Switches { big_from: 50_000, refused_batch, ..small_batches(3) };
                    switches.batch_landing = BatchLanding::OneByOne;
                    switches.refuses.push("<bad".into());
                    switches
                };
                let mut world = World::in_memory(switches(), switches());
                (world.permits, world.lanes) = (Box::new(Budget::of(budget)), lanes);
                for (at, folder) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
                    for n in 0..7 {
                        for side in Side::ALL {
                            world.add(side, folder, &format!("{folder}{n}{side}"), &[]);
                        }
                    }
                    world.add(Side::ALL[at % 2], folder, &format!("bad{at}"), &[]);
                    add_big(&world, folder, &format!("big{at}"), 150_000);
                }
                let settled = tokio::time::timeout(Duration::from_secs(60), world.settle()).await;
                assert!(settled.is_ok(), "nothing moves any more: {budget} bytes, {lanes} lanes");
                assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [78, 77]);
            }
        }
    }
}
