//! D4 once more: what a folder made anew has lost is looked for everywhere, and is one message.

use crate::world::{World, path};
use crate::{survives_every_crash, total};
use parom_domain::{Both, Code, Side, Uid, UidSet};
use parom_lab::memory::{MemoryServer, Switches};

fn all() -> UidSet {
    UidSet::range(Uid::MIN, Uid::MAX)
}

/// Somebody moves everything out of the folder, removes it, and makes it anew.
fn make_anew(server: &MemoryServer, folder: &str, to: &str) {
    server.shift(&path(folder), &all(), &path(to)).unwrap();
    server.remove(&path(folder)).unwrap();
    server.create(&path(folder)).unwrap();
}

/// Two messages in `work`, and the folders `done` and `later`, in step.
async fn in_step() -> World {
    let world = World::modern();
    for folder in ["done", "later", "work"] {
        world.servers.source.create(&path(folder)).unwrap();
    }
    world.add(Side::Source, "work", "a", &[]);
    world.add(Side::Source, "work", "b", &["\\Flagged"]);
    world.settle().await;
    world
}

fn how_many(world: &World, side: Side, folder: &str, id: &str) -> usize {
    world.ids(side, folder).iter().filter(|there| *there == id).count()
}

async fn held(world: &World) {
    world.pass().await.unwrap();
    assert_eq!(world.book.state().held[0].brake, "other-mailbox");
}

#[tokio::test]
async fn d4_what_a_folder_made_anew_lost_is_known_after_a_crash_too() {
    for side in Side::ALL {
        let world = survives_every_crash(async || {
            let world = in_step().await;
            make_anew(&world.servers[side], "work", "INBOX");
            held(&world).await;
            world.book.release();
            world
        })
        .await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "INBOX").len(), total(&world.servers[side])), (2, 2), "{side}");
        }
        assert_eq!(world.book.state().strays, []);
    }
}

#[tokio::test]
async fn d4_what_is_moved_after_the_listing_and_before_recovery_looks_is_not_sent_again() {
    for side in Side::ALL {
        let world = in_step().await;
        world.add(side, "INBOX", "c", &[]);
        let steps = world.steps.clone();
        world.steps.on(&format!("{} append answer", side.other()), 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        let server = world.servers[side.other()].clone();
        world.steps.on(&format!("{} find", side.other()), 1, move || {
            let uids = server.uids_of(&path("INBOX"), "<c@");
            server.shift(&path("INBOX"), &uids, &path("done")).unwrap();
        });
        world.settle().await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "done"), total(&world.servers[side])), (vec!["c".to_owned()], 3), "{side}");
        }
        world.assert_equal();
    }
}

/// What had been announced explains the move, and is needed until the move is done.
#[tokio::test]
async fn d4_what_arrived_in_a_folder_made_anew_is_one_message_though_its_move_is_refused_first() {
    for side in Side::ALL {
        let world = in_step().await;
        world.add(side, "later", "c", &[]);
        let steps = world.steps.clone();
        world.steps.on(&format!("{} append answer", side.other()), 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        make_anew(&world.servers[side.other()], "later", "done");
        world.servers[side].switch(|switches| switches.takes_no_moves.extend([path("done")]));
        for _ in 0..3 {
            let report = world.pass().await.unwrap();
            assert_eq!(report.trouble[0].1.code(), Code::MoveRefused);
            world.wait_out_the_grace();
        }
        world.servers[side].switch(|switches| switches.takes_no_moves.clear());
        world.settle().await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "done"), total(&world.servers[side])), (vec!["c".to_owned()], 3), "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
        assert_eq!(world.state().await.intents, []);
    }
}

#[tokio::test]
async fn d4_what_is_moved_out_of_a_folder_made_anew_while_we_look_is_one_message() {
    for side in Side::ALL {
        let world = in_step().await;
        make_anew(&world.servers[side], "work", "INBOX");
        held(&world).await;
        world.book.release();
        // The other side's inbox is looked at before.
        world.add(side.other(), "INBOX", "c", &[]);
        let server = world.servers[side.other()].clone();
        world.steps.on(&format!("{} observe", side.other()), 2, move || {
            let uids = server.uids_of(&path("work"), "<a@");
            server.shift(&path("work"), &uids, &path("INBOX")).unwrap();
        });
        world.settle().await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "INBOX").len(), total(&world.servers[side])), (3, 3), "{side}");
        }
        world.assert_equal();
    }
}

#[tokio::test]
async fn d4_after_a_renumbering_the_book_says_that_everything_is_to_be_listed() {
    for side in Side::ALL {
        let world = in_step().await;
        for at in 0..24 {
            world.add(side, "work", &format!("more{at}"), &[]);
        }
        world.settle().await;
        world.servers[side].renumber(&path("work"), 900).unwrap();
        world.expunge(side, "work", "b");
        // What lost its link waits for another look, so that this pass does not get to its end there.
        world.pass().await.unwrap();
        let state = world.book.state();
        let pair = state.folders.iter().find(|pair| pair.paths.source == Some(path("work"))).unwrap();
        assert_eq!(pair.cursors[side].unwrap().validity, 900);
        for side in Side::ALL {
            assert_eq!((pair.cursors[side].unwrap().modseq, pair.cursors[side].unwrap().uidnext), (0, 0), "{side}");
        }
        world.settle().await;
        world.assert_equal();
        assert_eq!(total(&world.servers.source), 26, "what a renumbered folder lost comes back");
    }
}

#[tokio::test]
async fn d4_what_both_sides_move_apart_while_a_brake_holds_one_of_the_folders_is_one_message() {
    for side in Side::ALL {
        let world = in_step().await;
        world.add(side, "later", "c", &[]);
        world.settle().await;
        let there = &world.servers[side.other()];
        there.remove(&path("work")).unwrap();
        there.create(&path("work")).unwrap();
        held(&world).await;
        world.shift(side, "later", "c", "work");
        world.pass().await.unwrap();
        world.shift(side.other(), "later", "<c@", "done");
        world.pass().await.unwrap();
        world.wait_out_the_grace();
        world.pass().await.unwrap();
        world.book.release();
        world.settle().await;
        for side in Side::ALL {
            let places = ["work", "done", "later"].map(|folder| how_many(&world, side, folder, "c"));
            assert_eq!(places.iter().sum::<usize>(), 1, "{side}: {places:?}");
        }
        world.assert_equal();
    }
}

#[tokio::test]
async fn d4_what_both_sides_move_into_a_folder_made_anew_and_one_moves_on_is_one_message() {
    for side in Side::ALL {
        for switches in [Switches::default(), Switches::plain()] {
            let world = World::in_memory(switches.clone(), switches);
            world.servers.source.create(&path("work")).unwrap();
            world.add(Side::Source, "work", "a", &[]);
            world.add(Side::Source, "work", "b", &[]);
            world.add(Side::Source, "INBOX", "c", &[]);
            world.settle().await;
            let server = &world.servers[side];
            server.remove(&path("work")).unwrap();
            server.create(&path("work")).unwrap();
            for side in Side::ALL {
                world.shift(side, "INBOX", "c", "work");
            }
            held(&world).await;
            world.wait_out_the_grace();
            world.pass().await.unwrap();
            world.shift(side, "work", "c", "INBOX");
            world.pass().await.unwrap();
            world.book.release();
            world.settle().await;
            for side in Side::ALL {
                let places = ["work", "INBOX"].map(|folder| how_many(&world, side, folder, "c"));
                assert_eq!(places.iter().sum::<usize>(), 1, "{side}: {places:?}");
            }
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn d4_what_gets_a_new_uid_in_a_folder_that_the_other_side_renames_is_one_message() {
    for side in Side::ALL {
        for removed in [true, false] {
            let mut servers = Both::new(Switches::default(), Switches::default());
            servers[side].rename_keeps_validity = false;
            let world = World::in_memory(servers.source, servers.target);
            world.servers.source.create(&path("work")).unwrap();
            world.add(Side::Source, "work", "a", &["\\Seen"]);
            world.settle().await;
            world.shift(side.other(), "work", "a", "work");
            // Nothing says that it is the same folder.
            world.servers[side].rename(&path("work"), &path("renamed")).unwrap();
            world.pass().await.unwrap();
            // Neither folder is on both sides then, and either holds the message on one.
            if removed {
                world.servers[side.other()].remove(&path("renamed")).unwrap();
                world.pass().await.unwrap();
            }
            world.settle().await;
            for side in Side::ALL {
                assert_eq!((world.ids(side, "renamed").len(), total(&world.servers[side])), (1, 1), "{side}");
            }
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}
