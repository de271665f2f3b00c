//! D1-D14: whatever servers, crashes and people do, nothing is doubled.

use crate::world::{World, date, mail, path, uid};
use crate::{survives_every_crash, total};
use parom_domain::policy::Deletions;
use parom_domain::state::{Change, FolderId};
use parom_domain::{Both, Code, Marks, Role, Side};
use parom_engine::{Book, LeasedBook};
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
async fn d7_what_is_made_below_the_old_name_of_a_renamed_folder_has_one_name() {
    for side in Side::ALL {
        let mut servers = Both::new(Switches::default(), Switches::default());
        servers[side].rename_keeps_validity = false;
        let world = World::in_memory(servers.source, servers.target);
        world.add(Side::Source, "a", "m", &[]);
        world.settle().await;
        // Here nothing says that it is the same folder, and it stands below its own old name. There the old one has another.
        for (from, to) in [("a", "c"), ("c", "a/c")] {
            world.servers[side].rename(&path(from), &path(to)).unwrap();
        }
        world.servers[side.other()].rename(&path("a"), &path("b/e")).unwrap();
        world.settle().await;
        world.add(side, "a/c", "n", &[]);
        world.settle().await;
        assert_eq!(world.ids(side.other(), "a/c"), ["m", "n"]);
        assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [2, 2]);
        world.assert_equal();
        world.assert_idle().await;
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
