//! D4 in all its forms: a message that people move while we look, carry or crash is one message.

use crate::total;
use crate::world::{World, date, mail, path};
use parom_domain::policy::Deletions;
use parom_domain::{Code, Marks, Role, Side, Uid, UidSet};
use parom_engine::Clock;
use parom_lab::memory::{MemoryServer, Switches};

#[tokio::test]
async fn d4_what_is_moved_on_before_we_saw_where_it_landed_is_not_sent_again() {
    for switches in [Switches::plain(), Switches::default()] {
        let world = World::in_memory(Switches::default(), switches);
        world.add(Side::Source, "INBOX", "a", &["\\Seen"]);
        world.servers.target.create(&path("done")).unwrap();
        let (steps, server) = (world.steps.clone(), world.servers.target.clone());
        world.steps.on("target append answer", 1, move || {
            let uids = server.uids_of(&path("INBOX"), "<a@");
            server.shift(&path("INBOX"), &uids, &path("done")).unwrap();
            steps.crash_at(steps.taken() + 1);
        });
        world.pass().await.unwrap_err();
        world.revive();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "INBOX").len(), world.ids(side, "done")), (0, vec!["a".to_owned()]), "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_what_was_on_its_way_into_a_folder_that_is_renamed_is_not_sent_again() {
    for side in Side::ALL {
        let world = World::modern();
        world.servers[side].create(&path("old")).unwrap();
        world.settle().await;
        world.add(side, "old", "a", &[]);
        let (steps, server) = (world.steps.clone(), world.servers[side.other()].clone());
        // Nothing is linked in the folder, so that nothing tells that it was renamed.
        world.steps.on(&format!("{} append answer", side.other()), 1, move || {
            server.rename(&path("old"), &path("new")).unwrap();
            steps.crash_at(steps.taken() + 1);
        });
        world.pass().await.unwrap_err();
        world.revive();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(world.ids(side, "new"), ["a"], "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_what_was_on_its_way_into_a_folder_that_is_no_more_is_not_sent_again() {
    // The folder is renamed, or the message is moved out of it, before we knew that it had arrived. Then the name is given to
    // another folder, or stands only above one.
    for (moved, made) in [(true, "old"), (false, "old/below")] {
        for side in Side::ALL {
            let world = World::modern();
            world.servers[side].create(&path("old")).unwrap();
            world.settle().await;
            world.add(side, "old", "a", &[]);
            let (steps, server) = (world.steps.clone(), world.servers[side.other()].clone());
            world.steps.on(&format!("{} append answer", side.other()), 1, move || {
                server.rename(&path("old"), &path("new")).unwrap();
                if moved {
                    server.shift(&path("new"), &server.uids_of(&path("new"), "<a@"), &path("INBOX")).unwrap();
                }
                server.create(&path(made)).unwrap();
                steps.crash_at(steps.taken() + 1);
            });
            world.pass().await.unwrap_err();
            world.revive();
            world.settle().await;
            for side in Side::ALL {
                let there = world.ids(side, if moved { "INBOX" } else { "new" });
                assert_eq!((total(&world.servers[side]), there), (1, vec!["a".to_owned()]), "{side}");
            }
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_what_is_moved_between_a_look_and_the_reading_of_its_headers_is_not_sent_again() {
    for side in Side::ALL {
        let world = World::modern();
        world.servers[side].create(&path("done")).unwrap();
        world.settle().await;
        world.add(side, "INBOX", "a", &[]);
        let shift = |side: Side| {
            let server = world.servers[side].clone();
            move || {
                let uids = server.uids_of(&path("INBOX"), "<a@");
                server.shift(&path("INBOX"), &uids, &path("done")).unwrap();
            }
        };
        // It arrived and was moved on before we knew.
        let (steps, move_on) = (world.steps.clone(), shift(side.other()));
        world.steps.on(&format!("{} append answer", side.other()), 1, move || {
            move_on();
            steps.crash_at(steps.taken() + 1);
        });
        world.pass().await.unwrap_err();
        world.revive();
        // Where it came from it is still seen in its old place, and then it is in a folder that was looked at already.
        world.add(side, "done", "b", &[]);
        world.steps.on(&format!("{side} stamps"), 1, shift(side));
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(world.ids(side, "done"), ["a", "b"], "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_what_is_moved_while_we_look_is_no_new_mail() {
    for switches in [Switches::default(), Switches::plain()] {
        for side in Side::ALL {
            for to in ["done", "elsewhere"] {
                let world = World::in_memory(switches.clone(), switches.clone());
                world.add(Side::Source, "INBOX", "a", &[]);
                for folder in ["done", "elsewhere"] {
                    world.servers.source.create(&path(folder)).unwrap();
                }
                world.settle().await;
                // Both folders are looked at; the message is moved when the one has been, and the other has not.
                world.mark(side, "INBOX", "a", &["\\Flagged"], &[]);
                world.add(side, "done", "b", &[]);
                let (steps, server) = (world.steps.clone(), world.servers[side].clone());
                let shift = move || {
                    let uids = server.uids_of(&path("INBOX"), "<a@");
                    server.shift(&path("INBOX"), &uids, &path("done")).unwrap();
                };
                world.steps.on(&format!("{side} observe"), 1, move || {
                    let next = steps.clone();
                    next.on(&format!("{side} observe"), 1, shift);
                });
                let report = world.pass().await.unwrap();
                assert_eq!((report.carried[side.other()], report.settled), (1, false), "only b is new mail");
                world.shift(side.other(), "INBOX", "a", to);
                world.settle().await;
                for side in Side::ALL {
                    assert_eq!(total(&world.servers[side]), 2, "{side}, moved to {to}");
                }
                world.assert_equal();
                world.assert_idle().await;
            }
        }
    }
}

#[tokio::test]
async fn d4_what_is_moved_into_a_folder_that_stood_still_is_moved_and_not_deleted() {
    for (lists_status, side, look) in [true, false]
        .into_iter()
        .flat_map(|told| Side::ALL.into_iter().flat_map(move |side| (1..=4).map(move |look| (told, side, look))))
    {
        let switches = || Switches { lists_status, ..Switches::default() };
        let mut world = World::in_memory(switches(), switches());
        world.policy.deletions = Deletions::Trash;
        for name in ["done", "late"] {
            world.servers.source.create(&path(name)).unwrap();
        }
        world.servers[side.other()].create_with_role(&path("bin"), Role::Trash).unwrap();
        world.add(Side::Source, "late", "a", &[]);
        world.settle().await;
        // When the folders are listed the message is where it was. It is moved when they are looked at, one after the other.
        world.mark(side, "late", "a", &["\\Flagged"], &[]);
        let server = world.servers[side].clone();
        world.steps.on(&format!("{side} observe"), look, move || {
            let uids = server.uids_of(&path("late"), "<a@");
            server.shift(&path("late"), &uids, &path("done")).unwrap();
        });
        let (mut moved, mut lost) = (0, 0);
        for _ in 0..4 {
            let report = world.pass().await.unwrap();
            moved += report.moved;
            lost += report.deleted + report.carried[side.other()];
        }
        let was_reached = world.ids(side, "done") == ["a"];
        assert_eq!((moved, lost), (u64::from(was_reached), 0), "{side}, look {look}, {lists_status}");
        assert!(was_reached || look > 1, "{side}, look {look}, {lists_status}");
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_what_is_put_back_on_one_side_and_moved_on_the_other_while_we_look_is_one_message() {
    for switches in [Switches::default(), Switches::plain()] {
        for side in Side::ALL {
            let world = World::in_memory(switches.clone(), switches.clone());
            world.add(Side::Source, "INBOX", "a", &[]);
            world.servers.source.create(&path("done")).unwrap();
            world.settle().await;
            world.shift(side.other(), "INBOX", "a", "done");
            world.shift(side.other(), "done", "a", "INBOX");
            // Whether it is the same message, the bodies of both sides tell. On this side it is gone when it is read.
            world.mark(side, "INBOX", "a", &["\\Flagged"], &[]);
            world.add(side, "done", "b", &[]);
            let server = world.servers[side].clone();
            world.steps.on(&format!("{side} read"), 1, move || {
                let uids = server.uids_of(&path("INBOX"), "<a@");
                server.shift(&path("INBOX"), &uids, &path("done")).unwrap();
            });
            world.pass().await.unwrap();
            world.settle().await;
            for side in Side::ALL {
                assert_eq!(total(&world.servers[side]), 2, "{side}");
            }
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_what_both_sides_moved_and_somebody_moves_on_after_a_crash_is_one_message() {
    for side in Side::ALL {
        for at in 1..40 {
            let world = World::modern();
            world.add(Side::Source, "INBOX", "a", &[]);
            for folder in ["done", "elsewhere"] {
                world.servers.source.create(&path(folder)).unwrap();
            }
            world.settle().await;
            for side in Side::ALL {
                world.shift(side, "INBOX", "a", "done");
            }
            world.steps.crash_at(world.steps.taken() + at);
            let ended = world.pass().await;
            world.revive();
            world.shift(side, "done", "a", "elsewhere");
            world.settle().await;
            assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [1, 1], "{side}, death at {at}");
            world.assert_equal();
            if ended.is_ok() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn d4_what_arrived_in_a_renumbered_folder_and_was_moved_into_a_missing_one_is_not_sent_again() {
    for side in Side::ALL {
        let world = World::modern();
        for folder in ["here", "there"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        world.add(side, "here", "a", &[]);
        let (steps, servers) = (world.steps.clone(), world.servers.clone());
        world.steps.on(&format!("{} append answer", side.other()), 1, move || {
            let server = &servers[side.other()];
            server.shift(&path("here"), &server.uids_of(&path("here"), "<a@"), &path("there")).unwrap();
            server.renumber(&path("here"), 77).unwrap();
            servers[side].remove(&path("there")).unwrap();
            steps.crash_at(steps.taken() + 1);
        });
        world.pass().await.unwrap_err();
        world.revive();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(total(&world.servers[side]), 1, "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_somebodys_own_copy_is_new_mail_at_once() {
    for switches in [Switches::default(), Switches::plain()] {
        let world = World::in_memory(switches.clone(), switches);
        world.add(Side::Source, "INBOX", "a", &[]);
        world.servers.source.create(&path("done")).unwrap();
        world.settle().await;
        world.mark(Side::Source, "INBOX", "a", &["\\Flagged"], &[]);
        world.add(Side::Source, "done", "a", &[]);
        assert_eq!(world.pass().await.unwrap().carried.target, 1);
        world.settle().await;
        assert_eq!(
            (world.ids(Side::Target, "INBOX"), world.ids(Side::Target, "done")),
            (vec!["a".to_owned()], vec!["a".to_owned()])
        );
    }
}

#[tokio::test]
async fn d4_what_is_moved_out_of_a_folder_that_is_renumbered_is_moved_and_not_copied() {
    for side in Side::ALL {
        let world = World::modern();
        let ids: Vec<String> = (10..40).map(|at| format!("m{at}")).collect();
        for id in &ids {
            world.add(Side::Source, "here", id, &[]);
        }
        world.settle().await;
        let bodies = Side::ALL.map(|side| world.servers[side].bodies_read());
        world.servers[side].renumber(&path("here"), 77).unwrap();
        world.shift(side, "here", "m10", "INBOX");
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(
                (world.ids(side, "INBOX"), world.ids(side, "here")),
                (vec!["m10".to_owned()], ids[1..].to_vec())
            );
        }
        assert_eq!(Side::ALL.map(|side| world.servers[side].bodies_read()), bodies, "bodies moved");
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_half_a_move_that_somebody_moved_on_is_no_second_message() {
    // The copy and the original are there when we die; somebody moves the one or the other.
    for (from, to) in [("there", "elsewhere"), ("INBOX", "elsewhere"), ("there", "INBOX")] {
        let world = World::in_memory(Switches::default(), Switches::plain());
        world.add(Side::Source, "INBOX", "a", &[]);
        for folder in ["there", "elsewhere"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        world.shift(Side::Source, "INBOX", "a", "there");
        let steps = world.steps.clone();
        world.steps.on("target copy answer", 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        world.shift(Side::Target, from, "a", to);
        world.settle().await;
        let count =
            |side| ["INBOX", "there", "elsewhere"].map(|folder| world.ids(side, folder).len()).iter().sum::<usize>();
        assert_eq!(Side::ALL.map(count), [1, 1], "{from} to {to}");
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// Servers that copy and expunge, with and without UIDPLUS.
pub fn servers_without_move() -> [Switches; 2] {
    [Switches { moves_atomically: false, ..Switches::default() }, Switches::plain()]
}

#[tokio::test]
async fn d4_what_somebody_moves_while_we_move_it_without_move_is_no_second_message() {
    for switches in servers_without_move() {
        for to in ["there", "elsewhere"] {
            for side in Side::ALL {
                let world = World::in_memory(switches.clone(), switches.clone());
                world.add(Side::Source, "INBOX", "a", &[]);
                for folder in ["there", "elsewhere"] {
                    world.servers.source.create(&path(folder)).unwrap();
                }
                world.settle().await;
                world.shift(side, "INBOX", "a", "there");
                let server = world.servers[side.other()].clone();
                world.steps.on(&format!("{} expunge copied", side.other()), 1, move || {
                    let uids = server.uids_of(&path("INBOX"), "<a@");
                    server.shift(&path("INBOX"), &uids, &path(to)).unwrap();
                });
                world.settle().await;
                for side in Side::ALL {
                    assert_eq!((total(&world.servers[side]), world.ids(side, to)), (1, vec!["a".to_owned()]), "{side}");
                }
                world.assert_equal();
                world.assert_idle().await;
            }
        }
    }
}

#[tokio::test]
async fn d4_somebodys_own_copy_of_what_we_move_without_move_stays() {
    for switches in servers_without_move() {
        for step in ["copy", "copy answer", "expunge copied", "expunge copied answer"] {
            let world = World::in_memory(switches.clone(), switches.clone());
            world.add(Side::Source, "INBOX", "a", &[]);
            for folder in ["there", "elsewhere"] {
                world.servers.source.create(&path(folder)).unwrap();
            }
            world.settle().await;
            world.shift(Side::Source, "INBOX", "a", "there");
            let server = world.servers.target.clone();
            world.steps.on(&format!("target {step}"), 1, move || {
                server.add(&path("elsewhere"), mail("a"), Marks::default(), date(1)).unwrap();
            });
            world.pass().await.unwrap();
            world.settle().await;
            for side in Side::ALL {
                assert_eq!((world.ids(side, "there").len(), world.ids(side, "elsewhere").len()), (1, 1), "{step}");
            }
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn d4_what_somebody_takes_while_we_put_it_into_the_trash_stays_out_of_it() {
    for switches in servers_without_move() {
        let mut world = World::in_memory(switches.clone(), switches.clone());
        world.policy.deletions = Deletions::Trash;
        for side in Side::ALL {
            world.servers[side].create_with_role(&path("Trash"), Role::Trash).unwrap();
            world.servers[side].create(&path("kept")).unwrap();
        }
        for id in ["a", "b"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        world.settle().await;
        world.expunge(Side::Source, "INBOX", "a");
        let server = world.servers.target.clone();
        world.steps.on("target expunge copied", 1, move || {
            let uids = server.uids_of(&path("INBOX"), "<a@");
            server.shift(&path("INBOX"), &uids, &path("kept")).unwrap();
        });
        world.settle().await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "kept"), world.ids(side, "Trash").len()), (vec!["a".to_owned()], 0), "{side}");
        }
        world.assert_equal();
    }
}

#[tokio::test]
async fn d4_what_both_sides_move_while_we_delete_it_is_moved_and_not_copied() {
    for policy in [Deletions::Expunge, Deletions::Trash] {
        for side in Side::ALL {
            let mut world = World::modern();
            world.policy.deletions = policy;
            for folder in ["work", "kept"] {
                world.servers.source.create(&path(folder)).unwrap();
            }
            world.add(Side::Source, "work", "a", &[]);
            world.settle().await;
            // One side moves it into a folder at which this pass has looked already, and so its deletion is all that is seen.
            let (mover, taker) = (world.servers[side].clone(), world.servers[side.other()].clone());
            world.steps.on(&format!("{side} observe"), 2, move || {
                mover.shift(&path("work"), &mover.uids_of(&path("work"), "<a@"), &path("INBOX")).unwrap();
            });
            world.steps.on(&format!("{} expunge", side.other()), 1, move || {
                taker.shift(&path("work"), &taker.uids_of(&path("work"), "<a@"), &path("kept")).unwrap();
            });
            world.add(side, "INBOX", "news", &[]);
            world.add(side, "work", "other news", &[]);
            world.settle().await;
            for side in Side::ALL {
                let places = ["INBOX", "kept"].map(|folder| world.ids(side, folder).contains(&"a".to_owned()));
                assert_eq!(places.iter().filter(|there| **there).count(), 1, "{side}");
            }
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_what_both_sides_moved_and_move_apart_within_the_grace_is_one_message() {
    // A server that tells nothing of what vanished: the old link waits until the grace is over.
    for side in Side::ALL {
        let world = World::in_memory(Switches::plain(), Switches::plain());
        for folder in ["old", "new", "other"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.add(Side::Source, "old", "a", &[]);
        world.settle().await;
        for side in Side::ALL {
            world.shift(side, "old", "a", "new");
        }
        world.pass().await.unwrap();
        world.shift(side, "new", "a", "old");
        world.shift(side.other(), "new", "a", "other");
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(total(&world.servers[side]), 1, "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_what_is_moved_out_of_a_folder_that_is_then_removed_is_moved_and_not_copied() {
    for side in Side::ALL {
        let world = World::modern();
        for id in ["a", "b"] {
            world.add(Side::Source, "old", id, &["\\Seen"]);
        }
        world.settle().await;
        let bodies = Side::ALL.map(|side| world.servers[side].bodies_read());
        world.shift(side, "old", "a", "INBOX");
        world.shift(side, "old", "b", "INBOX");
        world.servers[side].remove(&path("old")).unwrap();
        let report = world.settle().await;
        assert_eq!(report.deleted, 0);
        assert_eq!(Side::ALL.map(|side| world.servers[side].bodies_read()), bodies, "bodies moved");
        assert_eq!(world.ids(side.other(), "INBOX"), ["a", "b"]);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_a_folder_that_both_emptied_and_removed_is_not_doubled_while_another_is_missing() {
    for side in Side::ALL {
        let mut world = World::modern();
        world.policy.grace_ms = 3_000;
        let ids: Vec<String> = (0..8).map(|at| format!("m{at}")).collect();
        for folder in ["here", "there"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        for id in &ids {
            world.add(Side::Source, "old", id, &[]);
        }
        world.settle().await;
        for (side, to) in [(side, "here"), (side.other(), "there")] {
            empty_into(&world.servers[side], "old", to);
        }
        world.pass().await.unwrap();
        world.clock.sleep_ms(2_000).await;
        // What the other side moved into it is to be seen there once it is known to be gone here.
        world.servers[side].remove(&path("there")).unwrap();
        world.pass().await.unwrap();
        world.clock.sleep_ms(1_500).await;
        world.pass().await.unwrap();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(total(&world.servers[side]), ids.len(), "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// Somebody moves everything out of a folder into another and removes it.
fn empty_into(server: &MemoryServer, from: &str, to: &str) {
    server.shift(&path(from), &UidSet::range(Uid::MIN, Uid::MAX), &path(to)).unwrap();
    server.remove(&path(from)).unwrap();
}

/// Empties a folder that is in step into another at step `n` of a pass, and removes it. Returns that world, settled, and how
/// many steps the pass had.
async fn emptied_while(n: u64, side: Side, switches: &Switches) -> (World, u64) {
    let world = World::in_memory(switches.clone(), switches.clone());
    for at in 0..25 {
        world.add(Side::Source, "old", &format!("m{at}"), &[]);
    }
    world.servers.source.create(&path("there")).unwrap();
    world.settle().await;
    world.add(side, "there", "new", &[]);
    world.revive();
    let server = world.servers[side].clone();
    world.steps.at(n, move || empty_into(&server, "old", "there"));
    let report = world.pass().await.unwrap();
    let steps = world.steps.taken();
    assert!(report.carried[side.other()] <= 1, "at step {n} on the {side}: {report:?}");
    world.settle().await;
    (world, steps)
}

#[tokio::test]
async fn d4_a_folder_that_is_emptied_into_another_and_removed_while_we_look_is_moved_and_not_copied() {
    for switches in [Switches::default(), Switches::plain()] {
        for side in Side::ALL {
            let (mut n, mut last) = (1, 1);
            while n <= last {
                let (world, steps) = emptied_while(n, side, &switches).await;
                for side in Side::ALL {
                    assert_eq!(world.ids(side, "there").len(), 26, "at step {n} on the {side}");
                    assert_eq!(total(&world.servers[side]), 26, "at step {n} on the {side}");
                }
                world.assert_equal();
                world.assert_idle().await;
                (n, last) = (n + 1, steps);
            }
        }
    }
}

#[tokio::test]
async fn d4_new_mail_costs_no_question_about_folders_that_stand_still() {
    let world = World::modern();
    for folder in ["old", "older"] {
        world.add(Side::Source, folder, folder, &[]);
    }
    world.settle().await;
    world.add(Side::Source, "INBOX", "new", &[]);
    world.revive();
    assert_eq!(world.pass().await.unwrap().carried.target, 1);
    assert!(!world.steps.trail().iter().any(|step| step.ends_with("present")), "{:?}", world.steps.trail());
}

#[tokio::test]
async fn d4_what_cannot_be_asked_where_it_comes_from_waits_and_is_told() {
    for side in Side::ALL {
        let world = World::modern();
        world.add(Side::Source, "old", "a", &[]);
        world.settle().await;
        world.add(side, "INBOX", "a", &[]);
        let server = world.servers[side].clone();
        world.steps.on(&format!("{side} present"), 1, move || {
            server.switch(|switches| _ = switches.cannot_open.insert(path("old")));
        });
        let report = world.pass().await.unwrap();
        assert_eq!((report.carried[side.other()], report.settled), (0, false));
        assert_eq!(report.trouble.iter().map(|(_, error)| error.code()).collect::<Vec<_>>(), [Code::FolderCannotOpen]);
        world.servers[side].switch(|switches| switches.cannot_open.clear());
        world.settle().await;
        world.assert_equal();
        assert_eq!(world.ids(side.other(), "INBOX"), ["a"]);
    }
}

#[tokio::test]
async fn d4_what_left_a_folder_before_it_was_made_anew_waits_while_a_brake_holds_that() {
    for side in Side::ALL {
        let world = World::modern();
        world.add(side, "work", "old", &[]);
        world.settle().await;
        world.add(side, "work", "a", &[]);
        world.add(side, "work", "b", &[]);
        let (steps, server) = (world.steps.clone(), world.servers[side.other()].clone());
        // Two have arrived, and nothing says so yet. Somebody empties the folder, and makes it anew.
        world.steps.on(&format!("{} append answer", side.other()), 1, move || {
            server.shift(&path("work"), &all(), &path("INBOX")).unwrap();
            server.remove(&path("work")).unwrap();
            server.create(&path("work")).unwrap();
            steps.crash_at(steps.taken() + 1);
        });
        world.pass().await.unwrap_err();
        world.revive();
        for _ in 0..3 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        assert_eq!(world.book.state().held[0].brake, "other-mailbox");
        assert_eq!(world.ids(side, "INBOX").len(), 0, "nothing is carried that may still be in the folder");
        world.book.release();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!((world.ids(side, "INBOX"), total(&world.servers[side])), (ids(["a", "b", "old"]), 3), "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_what_left_a_folder_that_was_made_anew_for_one_that_is_missing_is_there_once() {
    for side in Side::ALL {
        let world = World::modern();
        world.servers[side].create(&path("away")).unwrap();
        world.add(side, "work", "a", &[]);
        world.add(side, "work", "b", &[]);
        world.settle().await;
        let server = &world.servers[side.other()];
        server.shift(&path("work"), &all(), &path("away")).unwrap();
        server.remove(&path("work")).unwrap();
        server.create(&path("work")).unwrap();
        world.pass().await.unwrap();
        assert_eq!(world.book.state().held[0].brake, "other-mailbox");
        world.servers[side].remove(&path("away")).unwrap();
        world.book.release();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(total(&world.servers[side]), 2, "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

fn all() -> UidSet {
    UidSet::range(Uid::MIN, Uid::MAX)
}

fn ids<const N: usize>(ids: [&str; N]) -> Vec<String> {
    ids.map(str::to_owned).into()
}
