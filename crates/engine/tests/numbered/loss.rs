//! L1-L19: whatever servers, crashes and people do, nothing is lost.

use crate::world::{World, date, mail, path, uid};
use crate::{survives_every_crash, total};
use parom_domain::policy::{Deletions, Mode};
use parom_domain::state::Change;
use parom_domain::{Both, Code, Marks, Side, Uid, UidSet};
use parom_engine::Book;
use parom_lab::memory::{MemoryServer, Omission, ReadFault, RefusedBatch, Switches};

/// A world in step with `n` messages in the inbox, m1 to mn.
pub async fn in_step(n: u32, source: Switches, target: Switches) -> World {
    let world = World::in_memory(source, target);
    for at in 1..=n {
        world.add(Side::Source, "INBOX", &format!("m{at}"), &[]);
    }
    world.settle().await;
    world
}

fn hide(world: &World, side: Side, uids: std::ops::RangeInclusive<u32>, how: Omission) {
    let set = UidSet::range(uid(*uids.start()), uid(*uids.end()));
    world.servers[side].switch(|switches| _ = switches.omits.insert(path("INBOX"), (set, how)));
}

#[tokio::test]
async fn l1_a_lost_state_deletes_nothing_and_copies_nothing_twice() {
    let mut world = in_step(20, Switches::default(), Switches::plain()).await;
    world.add(Side::Source, "work", "twin", &["\\Seen"]);
    world.add(Side::Source, "work", "twin", &["\\Seen"]);
    world.settle().await;
    // What was deleted on one side while nobody remembered comes back from the other: kept rather than lost.
    world.forget().await;
    world.expunge(Side::Target, "INBOX", "m7");
    let before = Side::ALL.map(|side| total(&world.servers[side]));
    let report = world.settle().await;
    assert_eq!((report.deleted, world.state().await.deleted), (0, vec![]));
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [before[0], before[1] + 1]);
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn l1_an_empty_target_behind_a_lost_state_is_filled_and_the_source_is_not_purged() {
    let mut world = in_step(60, Switches::default(), Switches::default()).await;
    world.forget().await;
    world.servers.target.replace_mailbox();
    world.settle().await;
    assert_eq!(total(&world.servers.source), 60);
    world.assert_equal();
}

#[tokio::test]
async fn l2_a_partial_listing_that_is_noticed_deletes_nothing() {
    for side in Side::ALL {
        let world = in_step(10, Switches::plain(), Switches::plain()).await;
        hide(&world, side, 2..=9, Omission::Noticed);
        for _ in 0..3 {
            let report = world.pass().await.unwrap();
            assert_eq!(report.trouble[0].1.code(), Code::ListingIncomplete);
            world.wait_out_the_grace();
        }
        world.servers[side].switch(|switches| switches.omits.clear());
        world.settle().await;
        assert_eq!(total(&world.servers.source), 10);
        world.assert_equal();
    }
}

#[tokio::test]
async fn l2_a_listing_that_lies_once_only_raises_a_suspicion() {
    for switches in [Switches::plain(), Switches::default()] {
        for side in Side::ALL {
            let world = in_step(10, switches.clone(), switches.clone()).await;
            hide(&world, side, 2..=9, Omission::Unnoticed);
            // Something happens in the folder, so that it is looked at.
            world.add(side, "INBOX", "new", &[]);
            let report = world.pass().await.unwrap();
            assert_eq!((report.deleted, report.settled), (0, false));
            assert_eq!(world.book.state().suspected.len(), 8);
            world.servers[side].switch(|switches| switches.omits.clear());
            world.wait_out_the_grace();
            world.settle().await;
            assert!(world.book.state().suspected.is_empty());
            assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [11, 11]);
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn l2_a_listing_that_stays_partial_is_held_by_a_brake() {
    // The case of offlineimap #327: 190 of 191 were deleted.
    let world = in_step(191, Switches::plain(), Switches::plain()).await;
    hide(&world, Side::Source, 2..=191, Omission::Unnoticed);
    for _ in 0..4 {
        let report = world.pass().await.unwrap();
        assert_eq!(report.deleted, 0);
        world.wait_out_the_grace();
    }
    assert_eq!(world.book.state().held[0].brake, "many-deletions");
    assert_eq!(total(&world.servers.target), 191);
    world.servers.source.switch(|switches| switches.omits.clear());
    world.settle().await;
    assert_eq!(world.book.state().held, [], "the cause is gone, and so is the brake");
    world.assert_equal();
}

#[tokio::test]
async fn l3_a_message_that_a_fetch_leaves_out_is_not_a_deletion() {
    let world = in_step(5, Switches::default(), Switches::default()).await;
    world.add(Side::Source, "INBOX", "odd", &[]);
    world.servers.source.switch(|switches| switches.read_faults.push(("<odd@".into(), ReadFault::Missing)));
    let report = world.settle().await;
    assert_eq!((report.parked, report.deleted), (1, 0));
    // It goes on being there, and being known.
    assert_eq!((world.count(Side::Source, "INBOX", "<odd@"), world.count(Side::Target, "INBOX", "<odd@")), (1, 0));
    world.assert_idle().await;
}

#[tokio::test]
async fn l4_a_body_that_is_not_given_is_never_stored_as_an_empty_one() {
    for fault in [ReadFault::Missing, ReadFault::Refused, ReadFault::BreaksConnection] {
        let world = World::modern();
        for id in ["a", "bad", "c"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        world.servers.source.switch(|switches| switches.read_faults.push(("<bad@".into(), fault)));
        for _ in 0..3 {
            _ = world.pass().await;
        }
        let there = world.servers.target.messages(&path("INBOX"));
        assert!(there.iter().all(|(_, stored)| !stored.bytes.is_empty()), "{fault:?}");
        assert_eq!(world.count(Side::Target, "INBOX", "<bad@"), 0, "{fault:?}");
        assert_eq!(world.count(Side::Source, "INBOX", "<bad@"), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn l5_a_cursor_never_covers_what_has_not_arrived() {
    survives_every_crash(async || {
        let mut source = Switches::default();
        source.abilities.batch_items = 2;
        let world = World::in_memory(source, Switches::default());
        for at in 0..5 {
            world.add(Side::Source, "INBOX", &format!("m{at}"), &["\\Seen"]);
        }
        let server = world.servers.source.clone();
        // Mail that comes while the copy runs.
        world.steps.on("append", 1, move || {
            server.add(&path("INBOX"), mail("late"), Marks::default(), date(9)).unwrap();
        });
        world
    })
    .await
    .assert_equal();
}

#[tokio::test]
async fn l6_exactly_the_deleted_ones_go_at_every_edge_of_a_range() {
    for deleted in [&[1][..], &[9], &[1, 9], &[4, 5, 6], &[1, 2, 8, 9], &[2, 4, 6, 8]] {
        for switches in [Switches::default(), Switches::plain()] {
            let world = in_step(9, switches.clone(), switches).await;
            for at in deleted {
                world.expunge(Side::Target, "INBOX", &format!("m{at}"));
            }
            world.settle().await;
            let left: Vec<String> = (1..=9).filter(|at| !deleted.contains(at)).map(|at| format!("m{at}")).collect();
            assert_eq!(world.ids(Side::Source, "INBOX"), left);
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn l7_a_message_found_again_after_a_crash_is_linked_and_never_taken_for_deleted() {
    let world = World::in_memory(Switches::plain(), Switches::plain());
    world.add(Side::Source, "INBOX", "a", &[]);
    // It lands, and the process dies before the answer.
    let steps = world.steps.clone();
    world.steps.on("target append answer", 1, move || steps.crash_at(steps.taken() + 1));
    world.pass().await.unwrap_err();
    world.revive();
    let report = world.settle().await;
    assert_eq!((report.carried.target, report.deleted), (0, 0), "it was there already");
    world.assert_equal();
    // The link is a whole one: a deletion crosses.
    world.expunge(Side::Source, "INBOX", "a");
    world.settle().await;
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [0, 0]);
}

#[tokio::test]
async fn l8_deletions_come_last_and_only_touch_what_was_carried() {
    let world = in_step(3, Switches::default(), Switches::default()).await;
    world.expunge(Side::Source, "INBOX", "m1");
    world.mark(Side::Source, "INBOX", "m2", &["\\Flagged"], &[]);
    world.add(Side::Source, "INBOX", "new", &[]);
    world.add(Side::Target, "INBOX", "other", &[]);
    world.revive();
    world.settle().await;
    let trail = world.steps.trail();
    let first_expunge = trail.iter().position(|step| step.ends_with("expunge")).unwrap();
    for earlier in ["append answer", "mark answer"] {
        let last = trail.iter().rposition(|step| step.ends_with(earlier)).unwrap();
        assert!(last < first_expunge, "{earlier} after an expunge: {trail:?}");
    }
    world.assert_equal();
}

#[tokio::test]
async fn l8_a_folder_whose_copy_fails_loses_nothing() {
    let world = in_step(3, Switches::default(), Switches::default()).await;
    world.servers.source.switch(|switches| switches.readers_lost = 50);
    world.add(Side::Source, "INBOX", "new", &[]);
    world.expunge(Side::Source, "INBOX", "m1");
    assert_eq!(world.pass().await.unwrap_err().code(), Code::ConnectionLost);
    assert_eq!(total(&world.servers.target), 3, "the deletion waits for the copy");
    world.servers.source.switch(|switches| switches.readers_lost = 0);
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn l9_another_uidvalidity_deletes_nothing_even_in_the_middle_of_a_pass() {
    for occurrence in 1..=3 {
        for step in ["observe", "send", "mark", "expunge"] {
            let world = in_step(6, Switches::default(), Switches::default()).await;
            world.expunge(Side::Source, "INBOX", "m1");
            world.mark(Side::Source, "INBOX", "m2", &["\\Flagged"], &[]);
            world.add(Side::Source, "INBOX", "new", &[]);
            world.revive();
            let server = world.servers.target.clone();
            world
                .steps
                .on(&format!("target {step}"), occurrence, move || server.renumber(&path("INBOX"), 777).unwrap());
            _ = world.pass().await;
            world.settle().await;
            for id in ["m2", "m3", "m4", "m5", "m6", "new"] {
                for side in Side::ALL {
                    assert_eq!(
                        world.count(side, "INBOX", &format!("<{id}@")),
                        1,
                        "{id} on {side}, {step} {occurrence}"
                    );
                }
            }
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn l9_what_was_suspected_or_parked_before_a_renumbering_says_nothing_of_the_new_numbers() {
    let world = in_step(6, Switches::plain(), Switches::plain()).await;
    world.servers.target.switch(|switches| switches.refuses.push("<bad@".into()));
    world.add(Side::Source, "INBOX", "bad", &[]);
    world.settle().await;
    hide(&world, Side::Source, 2..=2, Omission::Unnoticed);
    world.pass().await.unwrap();
    assert_eq!((world.book.state().suspected.len(), world.book.state().parked.len()), (1, 1));
    // Under the new numbers UID 2 is missing once more: it is another message, and suspected anew.
    world.servers.source.renumber(&path("INBOX"), 777).unwrap();
    world.servers.target.switch(|switches| switches.refuses.clear());
    world.wait_out_the_grace();
    let report = world.pass().await.unwrap();
    assert_eq!(report.deleted, 0);
    world.servers.source.switch(|switches| switches.omits.clear());
    world.settle().await;
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [7, 7]);
    world.assert_equal();
}

#[tokio::test]
async fn l10_an_empty_folder_of_the_same_name_holds_the_pass() {
    for side in Side::ALL {
        let world = in_step(5, Switches::default(), Switches::default()).await;
        world.servers[side].replace_folder(&path("INBOX"));
        for _ in 0..3 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        assert_eq!(world.book.state().held[0].brake, "other-mailbox");
        assert_eq!(total(&world.servers[side.other()]), 5);
        assert_eq!(total(&world.servers[side]), 0, "nothing is carried into what may not be ours");
        // A person says that it is: then it is filled again, and nothing is deleted.
        world.book.release();
        world.settle().await;
        assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [5, 5]);
        world.assert_equal();
    }
}

#[tokio::test]
async fn l12_folders_that_differ_by_case_lose_only_what_was_theirs() {
    let mut target = Switches::default();
    target.abilities.case_sensitive = false;
    let world = World::in_memory(Switches::default(), target);
    world.add(Side::Source, "work", "small", &[]);
    world.add(Side::Source, "Work", "large", &[]);
    world.settle().await;
    assert_eq!(total(&world.servers.target), 2);
    world.servers.source.remove(&path("work")).unwrap();
    world.settle().await;
    let left: Vec<String> =
        world.servers.target.folders().iter().flat_map(|folder| world.ids(Side::Target, &folder.to_string())).collect();
    assert_eq!(left, ["large"]);
}

#[tokio::test]
async fn l13_mail_that_only_the_target_has_is_never_deleted() {
    for mode in [Mode::TwoWay, Mode::ToTarget] {
        for forget in [false, true] {
            let mut world = in_step(3, Switches::default(), Switches::default()).await;
            world.policy.mode = mode;
            world.add(Side::Target, "INBOX", "after", &[]);
            world.add(Side::Target, "own", "own", &[]);
            if forget {
                world.forget().await;
            }
            world.settle().await;
            assert_eq!(world.count(Side::Target, "INBOX", "<after@"), 1);
            assert_eq!(world.count(Side::Target, "own", "<own@"), 1);
            let on_source = u64::from(mode == Mode::TwoWay);
            assert_eq!(world.count(Side::Source, "INBOX", "<after@"), on_source);
        }
    }
}

#[tokio::test]
async fn l14_a_server_that_forgets_what_it_confirmed_takes_nothing_from_the_other() {
    let world = in_step(5, Switches::default(), Switches::default()).await;
    let backup = world.servers.target.backup();
    for at in 6..=40 {
        world.add(Side::Source, "INBOX", &format!("m{at}"), &[]);
    }
    world.settle().await;
    // A power cut on the target: the messages that it had confirmed are not on its disk.
    world.servers.target.restore(&backup);
    for _ in 0..3 {
        world.pass().await.unwrap();
        world.wait_out_the_grace();
    }
    assert_eq!(total(&world.servers.source), 40);
    world.book.release();
    world.settle().await;
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [40, 40]);
    world.assert_equal();
}

#[tokio::test]
async fn l16_another_mailbox_behind_the_same_login_holds_the_pass() {
    for side in Side::ALL {
        let world = in_step(5, Switches::default(), Switches::default()).await;
        world.servers[side].replace_mailbox();
        for _ in 0..4 {
            let report = world.pass().await.unwrap();
            assert_eq!(report.deleted, 0);
            world.wait_out_the_grace();
        }
        assert_eq!(world.book.state().held[0].brake, "other-mailbox");
        assert_eq!(total(&world.servers[side.other()]), 5);
    }
}

#[tokio::test]
async fn l17_an_equal_message_id_does_not_make_two_mails_one() {
    let other = |id: &str| mail(id).replace("Text of", "An answer to");
    for both_at_once in [false, true] {
        let world = World::modern();
        world.add(Side::Source, "INBOX", "same", &[]);
        world.servers.source.add(&path("INBOX"), other("same"), Marks::default(), date(1)).unwrap();
        if both_at_once {
            world.servers.target.add(&path("INBOX"), other("same"), Marks::default(), date(1)).unwrap();
        }
        world.settle().await;
        assert_eq!(total(&world.servers.target), 2);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn l18_links_that_were_lost_are_found_again_and_delete_nothing() {
    let world = in_step(8, Switches::default(), Switches::default()).await;
    let folder = world.book.state().folders[0].id;
    world.book.commit(vec![Change::PutLinks { folder, chunk: 0, links: vec![] }]).await.unwrap();
    world.add(Side::Source, "INBOX", "new", &[]);
    world.expunge(Side::Target, "INBOX", "m1");
    let report = world.settle().await;
    assert_eq!(report.deleted, 0);
    // Nobody knows any more that m1 was on both sides, so it is carried again.
    assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [9, 9]);
    world.assert_equal();
}

#[tokio::test]
async fn l19_mail_that_comes_while_we_delete_stays() {
    for deletions in [Deletions::Expunge, Deletions::Trash] {
        for side in Side::ALL {
            let mut world = in_step(5, Switches::default(), Switches::default()).await;
            world.policy.deletions = deletions;
            for at in [1, 3, 5] {
                world.expunge(side, "INBOX", &format!("m{at}"));
            }
            world.revive();
            let server = world.servers[side.other()].clone();
            world.steps.on(&format!("{} expunge", side.other()), 1, move || {
                server.add(&path("INBOX"), mail("between"), Marks::default(), date(2)).unwrap();
            });
            world.settle().await;
            assert_eq!(world.ids(Side::Source, "INBOX"), ["between", "m2", "m4"]);
            world.assert_equal();
        }
    }
}

/// Removes a folder on the source while somebody, at step `n` of the pass that carries the removal over, does something on
/// the target. Returns that world, settled, and how many steps the pass had.
async fn removed_while(n: u64, somebody: impl FnOnce(MemoryServer) + Send + 'static) -> (World, u64) {
    let world = in_step(2, Switches::default(), Switches::default()).await;
    world.servers.source.create(&path("old")).unwrap();
    world.add(Side::Source, "old", "known", &[]);
    world.settle().await;
    world.servers.source.remove(&path("old")).unwrap();
    world.pass().await.unwrap();
    world.wait_out_the_grace();
    world.revive();
    let server = world.servers.target.clone();
    world.steps.at(n, move || somebody(server));
    let removing = world.pass().await;
    let steps = world.steps.taken();
    assert!(removing.is_ok_and(|report| report.trouble.is_empty()));
    world.settle().await;
    (world, steps)
}

#[tokio::test]
async fn l19_a_message_that_is_moved_into_a_folder_while_it_is_removed_stays() {
    let (mut n, mut last, mut kept) = (1, 1, 0);
    while n <= last {
        let (world, steps) = removed_while(n, |server| {
            let message = server.uids_of(&path("INBOX"), "m1");
            // Where the folder has gone, the client of that somebody says so, and the message stays where it was.
            let _ = server.shift(&path("INBOX"), &message, &path("old"));
        })
        .await;
        for side in Side::ALL {
            let places = [world.ids(side, "INBOX"), world.ids(side, "old")].concat();
            assert_eq!(places.iter().filter(|id| *id == "m1").count(), 1, "at step {n} on the {side}: {places:?}");
        }
        world.assert_equal();
        kept += u64::from(world.ids(Side::Target, "old") == ["m1"]);
        (n, last) = (n + 1, steps);
    }
    assert!(kept > 3 && kept < last, "{kept} of {last} steps keep the folder");
}

#[tokio::test]
async fn l19_a_folder_that_is_made_below_one_while_it_is_removed_stays() {
    let (mut n, mut last) = (1, 1);
    while n <= last {
        let (world, steps) = removed_while(n, |server| {
            let below = path("old/new");
            server.create(&below).unwrap();
            server.add(&below, mail("below"), Marks::default(), date(3)).unwrap();
        })
        .await;
        for side in Side::ALL {
            assert_eq!(world.ids(side, "old/new"), ["below"], "at step {n} on the {side}");
        }
        world.assert_equal();
        (n, last) = (n + 1, steps);
    }
}

#[tokio::test]
async fn a_refused_batch_in_front_of_a_deletion_loses_nothing() {
    let world = in_step(4, Switches::default(), Switches::default()).await;
    world.servers.target.switch(|switches| {
        switches.refuses.push("<bad@".into());
        switches.refused_batch = RefusedBatch::TheOnesBefore;
    });
    for id in ["x", "bad", "y"] {
        world.add(Side::Source, "INBOX", id, &[]);
    }
    world.expunge(Side::Source, "INBOX", "m2");
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "INBOX"), ["m1", "m3", "m4", "x", "y"]);
    assert_eq!(world.ids(Side::Source, "INBOX"), ["bad", "m1", "m3", "m4", "x", "y"]);
}

/// A suspicion that began with the first complete listing is confirmed although every later look could be a delta.
#[tokio::test]
async fn a_deletion_before_the_first_delta_crosses_too() {
    let world = World::modern();
    world.add(Side::Source, "INBOX", "a", &[]);
    // It lands, is linked, and is deleted over there before the first pass has a cursor.
    let (steps, server) = (world.steps.clone(), world.servers.target.clone());
    world.steps.on("target observe", 1, move || {
        server.expunge(&path("INBOX"), &UidSet::range(Uid::MIN, Uid::MAX)).unwrap();
        steps.crash_at(steps.taken() + 1);
    });
    world.pass().await.unwrap_err();
    world.revive();
    world.settle().await;
    assert_eq!(Both::from_fn(|side| total(&world.servers[side])), Both::new(0, 0));
    world.assert_idle().await;
}

/// A crash leaves a folder under its spare name, and somebody makes one of its own name again.
#[tokio::test]
async fn no_folder_keeps_its_spare_name_whatever_crashes() {
    for long in [false, true] {
        let name = if long { "old ".repeat(15).trim().to_owned() } else { "old".to_owned() };
        let (mut at, mut last) = (1, 1);
        while at <= last {
            let world = in_step(1, Switches::default(), Switches::default()).await;
            world.servers.source.create(&path(&name)).unwrap();
            world.settle().await;
            world.servers.source.remove(&path(&name)).unwrap();
            world.pass().await.unwrap();
            world.wait_out_the_grace();
            world.revive();
            world.steps.fail_at(at, parom_lab::memory::Fault::Death);
            let died = world.pass().await.is_err();
            if died {
                let _ = world.servers.target.create(&path(&name));
                last = at + 1;
            }
            world.revive();
            world.settle().await;
            for side in Side::ALL {
                let spare: Vec<_> =
                    world.servers[side].folders().into_iter().filter(|it| it.name().ends_with(')')).collect();
                assert!(spare.is_empty(), "on the {side} after a death at step {at}: {spare:?}");
            }
            world.assert_equal();
            at += 1;
        }
    }
}

#[tokio::test]
async fn l9_a_folder_that_is_gone_on_one_side_deletes_nothing_in_one_made_anew_on_the_other() {
    for side in Side::ALL {
        let world = World::modern();
        world.add(Side::Source, "old", "a", &[]);
        world.add(Side::Source, "INBOX", "kept", &[]);
        world.settle().await;
        let (gone, anew) = (world.servers[side].clone(), world.servers[side.other()].clone());
        anew.shift(&path("old"), &anew.uids_of(&path("old"), "<a@"), &path("INBOX")).unwrap();
        anew.remove(&path("old")).unwrap();
        anew.create(&path("old")).unwrap();
        anew.shift(&path("INBOX"), &anew.uids_of(&path("INBOX"), "<a@"), &path("old")).unwrap();
        gone.remove(&path("old")).unwrap();
        for _ in 0..5 {
            world.pass().await.unwrap();
            world.book.release();
            world.wait_out_the_grace();
        }
        assert_eq!(world.ids(side, "old"), ["a"], "{side}");
        world.assert_equal();
    }
}

#[tokio::test]
async fn l9_a_folder_made_anew_is_not_taken_for_the_one_into_which_a_move_was_on_its_way() {
    for side in Side::ALL {
        for crash_at in ["move answer", "copy answer"] {
            let atomic = Switches { moves_atomically: crash_at == "move answer", ..Switches::default() };
            let world = World::in_memory(atomic.clone(), atomic);
            for id in ["old", "new"] {
                world.add(Side::Source, "INBOX", id, &[]);
            }
            world.settle().await;
            let there = world.servers[side].clone();
            there.create(&path("a")).unwrap();
            world.shift(side, "INBOX", "old", "a");
            let steps = world.steps.clone();
            world.steps.on(&format!("{} {crash_at}", side.other()), 1, move || steps.crash_at(steps.taken() + 1));
            world.pass().await.unwrap_err();
            world.revive();
            // The folder goes with what was moved into it, on one side after the other, and its name is given to another.
            there.remove(&path("a")).unwrap();
            world.pass().await.unwrap();
            world.servers[side.other()].remove(&path("a")).unwrap();
            there.create(&path("a")).unwrap();
            world.shift(side, "INBOX", "new", "a");
            world.wait_out_the_grace();
            for _ in 0..6 {
                world.pass().await.unwrap();
                world.book.release();
                world.wait_out_the_grace();
            }
            for side in Side::ALL {
                assert_eq!(world.ids(side, "a"), ["new"], "{side} {crash_at}");
            }
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn l9_what_is_moved_into_a_folder_made_anew_is_not_linked_as_if_it_were_the_one_we_know() {
    for side in Side::ALL {
        for moves_atomically in [true, false] {
            let switches = Switches { moves_atomically, ..Switches::default() };
            let world = World::in_memory(switches.clone(), switches);
            world.add(side, "work", "old", &[]);
            world.add(side, "INBOX", "new", &[]);
            world.settle().await;
            world.shift(side, "INBOX", "new", "work");
            // Between the listing and our move somebody makes the folder anew: its first UID is that of the message which
            // went with the old one.
            let server = world.servers[side.other()].clone();
            world.steps.on(&format!("{} observe", side.other()), 1, move || {
                server.remove(&path("work")).unwrap();
                server.create(&path("work")).unwrap();
            });
            for _ in 0..6 {
                world.pass().await.unwrap();
                world.book.release();
                world.wait_out_the_grace();
            }
            world.settle().await;
            assert_eq!(world.ids(side, "work"), ["new", "old"], "{side}");
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}
