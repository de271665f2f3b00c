//! D1-D14: whatever servers, crashes and people do, nothing is doubled.

use crate::world::{World, date, mail, path, uid};
use crate::{survives_every_crash, total};
use parom_domain::policy::Deletions;
use parom_domain::state::{Change, FolderId};
use parom_domain::{Code, Marks, Role, Side, Uid, UidSet};
use parom_engine::{Book, Clock, LeasedBook};
use parom_lab::memory::{BatchLanding, Fault, MemoryServer, Switches};

/// The servers that matter to an append: with and without UIDPLUS and MULTIAPPEND, atomic and not.
fn appending_servers() -> Vec<Switches> {
    let one_by_one = Switches { batch_landing: BatchLanding::OneByOne, ..Switches::default() };
    let mut untold = Switches::default();
    untold.abilities.tells_new_uids = false;
    let mut grace = Switches::plain();
    grace.abilities.recovery_grace_ms = 5_000;
    vec![Switches::default(), one_by_one, untold, Switches::plain(), grace]
}

#[tokio::test]
async fn d1_a_crash_around_an_append_doubles_nothing() {
    for switches in appending_servers() {
        for side in Side::ALL {
            let world = survives_every_crash(async || {
                let mut switches = switches.clone();
                switches.abilities.batch_items = switches.abilities.batch_items.min(3);
                let world = World::in_memory(switches.clone(), switches);
                // True duplicates among them, which headers and lengths cannot tell apart.
                for id in ["a", "twin", "twin", "b", "twin"] {
                    world.add(side, "INBOX", id, &["\\Seen"]);
                }
                world
            })
            .await;
            assert_eq!(world.ids(side.other(), "INBOX"), ["a", "b", "twin", "twin", "twin"]);
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn d2_a_server_that_commits_late_gets_its_twin_removed() {
    for batch in [1, 3] {
        let mut target = Switches { late_commit: true, ..Switches::default() };
        target.abilities.batch_items = batch;
        let world = World::in_memory(Switches::default(), target);
        for id in ["a", "b", "c"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        let steps = world.steps.clone();
        world.steps.on("target send", 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        // Nothing is found after the restart, so the messages are sent again; only then the server wakes up.
        world.settle().await;
        assert_eq!(total(&world.servers.target), 3);
        assert_eq!(world.servers.target.release_late(), batch);
        world.settle().await;
        assert_eq!(world.ids(Side::Target, "INBOX"), ["a", "b", "c"]);
        assert_eq!(world.ids(Side::Source, "INBOX"), ["a", "b", "c"]);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d2_what_appears_within_the_grace_is_adopted_and_not_sent_again() {
    let mut target = Switches { late_commit: true, ..Switches::default() };
    target.abilities.recovery_grace_ms = 10_000;
    let world = World::in_memory(Switches::default(), target);
    for id in ["a", "twin", "twin"] {
        world.add(Side::Source, "INBOX", id, &[]);
    }
    let steps = world.steps.clone();
    world.steps.on("target send", 1, move || steps.crash_at(steps.taken() + 1));
    world.pass().await.unwrap_err();
    world.revive();
    // The first search finds nothing (the index lags); before the second one the messages are there.
    let server = world.servers.target.clone();
    world.steps.on("target find", 2, move || assert_eq!(server.release_late(), 3));
    let report = world.settle().await;
    assert_eq!(report.carried.target, 0);
    assert_eq!(world.ids(Side::Target, "INBOX"), ["a", "twin", "twin"]);
    world.assert_equal();
}

#[tokio::test]
async fn d2_somebody_elses_equal_message_is_no_twin() {
    // After a crash the message is sent again; the same mail is then delivered once more by somebody else, with a body of
    // its own. It is mail, and stays.
    let world = World::in_memory(Switches::default(), Switches { late_commit: true, ..Switches::default() });
    world.add(Side::Source, "INBOX", "a", &[]);
    let steps = world.steps.clone();
    world.steps.on("target send", 1, move || steps.crash_at(steps.taken() + 1));
    world.pass().await.unwrap_err();
    world.revive();
    world.settle().await;
    let other = mail("a").replace("Text of", "Tixt of");
    world.servers.target.add(&path("INBOX"), other, Marks::default(), date(5)).unwrap();
    world.settle().await;
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [2, 2]);
    world.assert_equal();
}

#[tokio::test]
async fn d3_an_append_whose_answer_is_lost_is_not_repeated_blindly() {
    for switches in appending_servers() {
        let world = World::in_memory(Switches::default(), switches);
        for id in ["a", "twin", "twin"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        let steps = world.steps.clone();
        world.steps.on("target append", 1, move || steps.fail_at(steps.taken() + 1, Fault::Cut));
        assert_eq!(world.pass().await.unwrap_err().code(), Code::ConnectionLost);
        // The same process goes on.
        world.settle().await;
        assert_eq!(world.ids(Side::Target, "INBOX"), ["a", "twin", "twin"]);
        let scars = (1..=3).map(|at| world.scars.count(FolderId(1), Side::Source, uid(at))).sum::<u32>();
        assert_eq!(scars, 0, "the connection that broke was not the one that was read from");
        world.assert_equal();
    }
}

#[tokio::test]
async fn d4_a_move_carries_no_body_and_leaves_one_copy() {
    for switches in [Switches::default(), Switches::plain()] {
        for side in Side::ALL {
            let world = World::in_memory(switches.clone(), switches.clone());
            for at in 0..6 {
                world.add(Side::Source, "INBOX", &format!("m{at}"), &["\\Seen"]);
            }
            world.servers.source.create(&path("done")).unwrap();
            world.settle().await;
            let bodies = Side::ALL.map(|side| world.servers[side].bodies_read());
            for at in 0..3 {
                world.shift(side, "INBOX", &format!("m{at}"), "done");
            }
            let report = world.settle().await;
            assert_eq!(report.deleted, 0);
            assert_eq!(Side::ALL.map(|side| world.servers[side].bodies_read()), bodies, "bodies moved");
            assert_eq!(world.ids(side.other(), "done"), ["m0", "m1", "m2"]);
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn d7_a_renamed_tree_is_renamed_and_not_copied() {
    for ids in [true, false] {
        for side in Side::ALL {
            let switches = Switches { has_mailbox_ids: ids, ..Switches::default() };
            let world = World::in_memory(switches.clone(), switches);
            for at in 0..25 {
                world.add(Side::Source, "old", &format!("m{at}"), &[]);
                world.add(Side::Source, "old/deep/er", &format!("d{at}"), &[]);
            }
            world.settle().await;
            let bodies = Side::ALL.map(|side| world.servers[side].bodies_read());
            world.servers[side].rename(&path("old"), &path("new")).unwrap();
            world.settle().await;
            assert_eq!(Side::ALL.map(|side| world.servers[side].bodies_read()), bodies, "bodies moved");
            assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [50, 50]);
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn d8_two_mailboxes_that_hold_the_same_are_paired_in_every_multiplicity() {
    for (source, target) in [(1, 1), (3, 3), (3, 1), (1, 3), (0, 2)] {
        let world = World::modern();
        for (side, count) in [(Side::Source, source), (Side::Target, target)] {
            for _ in 0..count {
                world.add(side, "work", "twin", &[]);
            }
            world.add(side, "work", "single", &[]);
        }
        let report = world.settle().await;
        let most = source.max(target);
        assert_eq!(Side::ALL.map(|side| world.count(side, "work", "<twin@")), [most, most]);
        assert_eq!(report.carried.source + report.carried.target, source.abs_diff(target));
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d9_mail_that_is_delivered_while_we_append_is_not_taken_for_ours() {
    for switches in appending_servers() {
        for occurrence in 1..=2 {
            for step in ["open writer", "send", "append", "append answer"] {
                let world = World::in_memory(Switches::default(), switches.clone());
                for id in ["a", "b"] {
                    world.add(Side::Source, "INBOX", id, &["\\Seen"]);
                }
                let server = world.servers.target.clone();
                world.steps.on(&format!("target {step}"), occurrence, move || {
                    server.add(&path("INBOX"), mail("guest"), Marks::default(), date(3)).unwrap();
                });
                world.settle().await;
                for side in Side::ALL {
                    let guests = usize::from(world.count(side, "INBOX", "<guest@") > 0);
                    assert_eq!(world.ids(side, "INBOX").len(), 2 + guests, "{step} {occurrence}");
                }
                world.assert_equal();
                world.assert_idle().await;
            }
        }
    }
}

#[tokio::test]
async fn d10_trashing_again_puts_one_copy_into_the_trash() {
    for switches in [Switches::default(), Switches::plain()] {
        let world = survives_every_crash(async || {
            let mut world = World::in_memory(switches.clone(), switches.clone());
            world.policy.deletions = Deletions::Trash;
            for (side, name) in [(Side::Source, "Deleted"), (Side::Target, "Trash")] {
                world.servers[side].create_with_role(&path(name), Role::Trash).unwrap();
            }
            for id in ["a", "b", "c"] {
                world.add(Side::Source, "INBOX", id, &[]);
            }
            world.settle().await;
            world.expunge(Side::Source, "INBOX", "a");
            world.expunge(Side::Source, "INBOX", "b");
            world
        })
        .await;
        assert_eq!(world.ids(Side::Target, "Trash"), ["a", "b"]);
        assert_eq!(total(&world.servers.source), 1, "it is not carried back from the trash");
    }
}

#[tokio::test]
async fn d11_two_engines_on_one_mailbox_cannot_both_write_the_book() {
    let world = World::plain().await;
    for id in ["a", "b", "c"] {
        world.add(Side::Source, "INBOX", id, &[]);
    }
    let disk = world.disk.as_ref().unwrap();
    let mine = disk.lease(world.clock.now()).await;
    assert_eq!(disk.store.acquire(disk.account, "another", world.clock.now(), 1000).await.unwrap(), None);
    // Another one takes over while the first is in the middle of something: what the first writes is refused.
    let theirs = disk.lease(world.clock.now()).await;
    let late = LeasedBook { store: &disk.store, lease: mine };
    let error = late.commit(vec![Change::CloseIntent(1)]).await.unwrap_err();
    assert_eq!(error.code(), Code::LeaseLost);
    LeasedBook { store: &disk.store, lease: theirs }.commit(vec![Change::CloseIntent(1)]).await.unwrap();
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn d12_our_own_writing_is_no_news() {
    for switches in [Switches::default(), Switches::plain()] {
        let world = World::in_memory(switches.clone(), switches);
        for (at, side) in [Side::Source, Side::Target, Side::Source, Side::Target].into_iter().enumerate() {
            world.add(side, "INBOX", &format!("m{at}"), &["\\Seen"]);
        }
        world.pass().await.unwrap();
        let writes = writes(&world);
        for _ in 0..5 {
            world.wait_out_the_grace();
            world.pass().await.unwrap();
        }
        assert_eq!(self::writes(&world), writes, "an echo was answered");
        world.mark(Side::Source, "INBOX", "m0", &["\\Flagged"], &["\\Seen"]);
        world.shift(Side::Target, "INBOX", "m1", "INBOX");
        world.settle().await;
        world.assert_equal();
        world.assert_idle().await;
    }
}

fn writes(world: &World) -> [u64; 2] {
    Side::ALL.map(|side| MemoryServer::writes(&world.servers[side]))
}

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
fn servers_without_move() -> [Switches; 2] {
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
