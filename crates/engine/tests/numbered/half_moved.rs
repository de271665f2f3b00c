//! D4, where a message is half moved and another client gives what is left of it a new UID.

use crate::moved_meanwhile::servers_without_move;
use crate::total;
use crate::world::{World, date, mail, path};
use parom_domain::policy::Deletions;
use parom_domain::{Code, Marks, Role, Side, UidSet};
use parom_lab::memory::{MemoryServer, ReadFault, Switches};

/// Another client edits a message, or moves it away and puts it back: it is there under a new UID.
fn renew(server: &MemoryServer) {
    for (from, to) in [("INBOX", "elsewhere"), ("elsewhere", "INBOX")] {
        let uids = server.uids_of(&path(from), "<a@");
        server.shift(&path(from), &uids, &path(to)).unwrap();
    }
}

/// An edit in the middle of the last pass is seen by the next one.
async fn settle_after_edits(world: &World) {
    for _ in 0..2 {
        world.settle().await;
    }
}

fn assert_one(world: &World) {
    for side in Side::ALL {
        assert_eq!(total(&world.servers[side]), 1, "{side}");
    }
    world.assert_equal();
}

#[tokio::test]
async fn d4_half_a_move_whose_original_is_renewed_while_we_recover_is_no_second_message() {
    let marking = servers_that_mark().into_iter();
    let marking = marking.flat_map(|it| [(it.clone(), "target search expunge"), (it, "target expunge")]);
    for (switches, step) in servers_without_move().map(|it| (it, "target expunge")).into_iter().chain(marking) {
        let world = World::in_memory(Switches::default(), switches);
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
        // Recovery has seen both halves, and is about to remove the old one.
        let server = world.servers.target.clone();
        world.steps.on(step, 1, move || renew(&server));
        settle_after_edits(&world).await;
        assert_one(&world);
        assert_unmarked(&world);
        world.assert_idle().await;
    }
}

/// Recovery must not conclude from a folder that it cannot see. Meanwhile somebody takes the original along.
#[tokio::test]
async fn d4_half_a_move_that_may_not_be_ended_waits_for_a_folder_that_is_not_listed() {
    for (hidden, opens) in [("there", true), ("there", false), ("work", true), ("work", false), ("INBOX", true)] {
        let to = if hidden == "INBOX" { "INBOX" } else { "there" };
        for switches in servers_without_move() {
            let world = World::in_memory(Switches::default(), switches);
            world.add(Side::Source, "work", "a", &[]);
            let _ = world.servers.source.create(&path(to));
            world.settle().await;
            world.shift(Side::Source, "work", "a", to);
            let server = world.servers.target.clone();
            world.steps.on("target copy", 1, move || server.switch(|switches| switches.may_expunge = false));
            world.pass().await.unwrap();
            world.servers.target.switch(|switches| {
                switches.unlisted.insert(path(hidden));
                switches.unlisted_opens = opens;
            });
            world.pass().await.unwrap();
            world.servers.target.switch(|switches| {
                switches.unlisted.clear();
                switches.may_expunge = true;
            });
            world.shift(Side::Target, "work", "a", to);
            world.servers.target.remove(&path("work")).unwrap();
            world.servers.target.create(&path("work")).unwrap();
            for _ in 0..3 {
                world.pass().await.unwrap();
                world.book.release();
            }
            settle_after_edits(&world).await;
            assert_one(&world);
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_half_a_move_whose_original_is_renewed_again_while_we_look_for_it_is_no_second_message() {
    for switches in servers_without_move() {
        for step in ["stamps", "read"] {
            let world = World::in_memory(Switches::default(), switches.clone());
            world.add(Side::Source, "INBOX", "a", &[]);
            for folder in ["there", "elsewhere"] {
                world.servers.source.create(&path(folder)).unwrap();
            }
            world.settle().await;
            world.shift(Side::Source, "INBOX", "a", "there");
            let server = world.servers.target.clone();
            world.steps.on("target expunge copied", 1, move || renew(&server));
            world.pass().await.unwrap();
            let server = world.servers.target.clone();
            world.steps.on(&format!("target {step}"), 1, move || renew(&server));
            settle_after_edits(&world).await;
            assert_one(&world);
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_two_halves_of_a_move_that_somebody_moved_on_are_one_message() {
    for switches in servers_without_move() {
        let world = World::in_memory(Switches::default(), switches);
        world.add(Side::Source, "INBOX", "a", &["\\Seen"]);
        for folder in ["there", "elsewhere", "later"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        world.shift(Side::Source, "INBOX", "a", "there");
        let steps = world.steps.clone();
        world.steps.on("target copy answer", 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        // The original is moved on before recovery comes, and the copy after it was found.
        world.shift(Side::Target, "INBOX", "a", "elsewhere");
        let server = world.servers.target.clone();
        world.steps.on("target read", 1, move || {
            let uids = server.uids_of(&path("there"), "<a@");
            server.shift(&path("there"), &uids, &path("later")).unwrap();
        });
        settle_after_edits(&world).await;
        assert_one(&world);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_half_a_move_into_a_folder_that_is_renamed_is_no_second_message() {
    for switches in servers_without_move() {
        for to in ["there", "elsewhere"] {
            let world = World::in_memory(Switches::default(), switches.clone());
            world.add(Side::Source, "INBOX", "a", &[]);
            for folder in ["there", "elsewhere"] {
                world.servers.source.create(&path(folder)).unwrap();
            }
            world.settle().await;
            world.shift(Side::Source, "INBOX", "a", "there");
            let (server, steps) = (world.servers.target.clone(), world.steps.clone());
            world.steps.on("target expunge copied", 1, move || {
                let uids = server.uids_of(&path("INBOX"), "<a@");
                server.shift(&path("INBOX"), &uids, &path(to)).unwrap();
                steps.crash_at(steps.taken() + 2);
            });
            world.pass().await.unwrap_err();
            world.revive();
            // Nothing was known in it, so it is not known again.
            world.servers.target.rename(&path("there"), &path("renamed")).unwrap();
            settle_after_edits(&world).await;
            assert_one(&world);
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_two_halves_of_a_move_that_were_moved_on_before_we_look_are_one_message() {
    for switches in servers_without_move() {
        let world = World::in_memory(Switches::default(), switches);
        world.add(Side::Source, "INBOX", "a", &[]);
        for folder in ["there", "elsewhere", "later"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        world.shift(Side::Source, "INBOX", "a", "there");
        let steps = world.steps.clone();
        world.steps.on("target copy answer", 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        world.shift(Side::Target, "INBOX", "a", "elsewhere");
        world.shift(Side::Target, "there", "a", "later");
        settle_after_edits(&world).await;
        assert_one(&world);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_true_doubles_that_are_moved_on_after_half_a_move_stay_two() {
    for switches in servers_without_move() {
        let world = World::in_memory(Switches::default(), switches);
        world.add(Side::Source, "INBOX", "a", &[]);
        world.add(Side::Source, "INBOX", "a", &[]);
        for folder in ["there", "elsewhere"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        let one = world.servers.source.uids_of(&path("INBOX"), "<a@").iter().next().unwrap();
        world.servers.source.shift(&path("INBOX"), &UidSet::range(one, one), &path("there")).unwrap();
        // The move is announced, and the process dies before it leaves.
        let steps = world.steps.clone();
        world.steps.on("book committed", 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        assert_eq!(world.steps.trail().last().unwrap(), "target copy");
        world.revive();
        world.shift(Side::Target, "INBOX", "a", "elsewhere");
        settle_after_edits(&world).await;
        for side in Side::ALL {
            assert_eq!(total(&world.servers[side]), 2, "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// Servers that copy, mark and expunge.
fn servers_that_mark() -> [Switches; 2] {
    servers_without_move().map(|switches| Switches { marks_before_expunge: true, ..switches })
}

/// Nothing bears the mark of removal, which a mail program would act upon.
fn assert_unmarked(world: &World) {
    for side in Side::ALL {
        for folder in world.servers[side].folders() {
            let messages = world.servers[side].messages(&folder);
            assert!(messages.iter().all(|(_, stored)| !stored.marks.deleted()), "{side} {folder}");
        }
    }
}

#[tokio::test]
async fn d4_what_is_edited_or_moved_while_it_bears_our_mark_is_one_message_without_it() {
    for switches in servers_that_mark() {
        for (step, to) in [("search", "elsewhere"), ("search", "INBOX"), ("expunge", "INBOX")] {
            let world = World::in_memory(Switches::default(), switches.clone());
            world.add(Side::Source, "INBOX", "a", &["\\Seen"]);
            world.add(Side::Source, "INBOX", "b", &[]);
            for folder in ["there", "elsewhere"] {
                world.servers.source.create(&path(folder)).unwrap();
            }
            world.settle().await;
            world.shift(Side::Source, "INBOX", "a", "there");
            let server = world.servers.target.clone();
            let step = if step == "search" { "target search expunge copied" } else { "target expunge copied" };
            world.steps.on(step, 1, move || {
                let uids = server.uids_of(&path("INBOX"), "<a@");
                assert_eq!(uids.count(), 1);
                server.shift(&path("INBOX"), &uids, &path(to)).unwrap();
            });
            settle_after_edits(&world).await;
            for side in Side::ALL {
                let ids = world.ids(side, to);
                assert_eq!(
                    (ids.contains(&"a".to_owned()), total(&world.servers[side])),
                    (true, 2),
                    "{side} {step} {to}"
                );
            }
            assert_unmarked(&world);
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn d4_what_comes_or_is_marked_while_we_remove_what_we_moved_costs_a_look_and_no_message() {
    for switches in servers_that_mark() {
        let world = World::in_memory(Switches::default(), switches);
        for id in ["a", "b"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        for folder in ["there", "elsewhere"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        world.shift(Side::Source, "INBOX", "a", "there");
        let server = world.servers.target.clone();
        world.steps.on("target expunge copied", 1, move || {
            let marked = |id| (mail(id), Marks::from_names(["\\Deleted"]), date(1));
            // Somebody's own copy, made of the original while that bears our mark; another message; and mail that comes.
            for (folder, (bytes, marks, date)) in [("elsewhere", marked("a")), ("INBOX", marked("c"))] {
                server.add(&path(folder), bytes, marks, date).unwrap();
            }
            server.add(&path("INBOX"), mail("d"), Marks::default(), date(1)).unwrap();
        });
        settle_after_edits(&world).await;
        for side in Side::ALL {
            assert_eq!(world.ids(side, "INBOX"), ["b", "c", "d"], "{side}");
            assert_eq!([world.ids(side, "there"), world.ids(side, "elsewhere")], [["a"], ["a"]], "{side}");
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn d4_of_two_halves_the_one_in_the_trash_goes() {
    for switches in servers_without_move() {
        for kept in ["a first", "z last"] {
            let mut world = World::in_memory(Switches::default(), switches.clone());
            world.policy.deletions = Deletions::Trash;
            world.add(Side::Source, "INBOX", "a", &[]);
            for side in Side::ALL {
                world.servers[side].create_with_role(&path("Trash"), Role::Trash).unwrap();
            }
            world.settle().await;
            world.expunge(Side::Source, "INBOX", "a");
            let steps = world.steps.clone();
            world.steps.on("target copy answer", 1, move || steps.crash_at(steps.taken() + 1));
            while world.pass().await.is_ok() {
                world.wait_out_the_grace();
            }
            world.revive();
            // Somebody keeps the original, in a new folder, and calls the trash otherwise.
            let (server, kept_path) = (world.servers.target.clone(), path(kept));
            server.create(&kept_path).unwrap();
            world.shift(Side::Target, "INBOX", "a", kept);
            server.rename(&path("Trash"), &path("Bin")).unwrap();
            settle_after_edits(&world).await;
            assert_eq!(server.uids_of(&kept_path, "<a@").count(), 1, "{kept}");
            assert_eq!(total(&server), 1, "{kept}");
            world.assert_equal();
        }
    }
}

/// COPY says OK where nothing is left to copy, and tells no UIDs (Courier 5.0). Nothing is wrong with any listing then.
#[tokio::test]
async fn what_went_before_it_was_copied_is_no_trouble() {
    for side in Side::ALL {
        let switches = Switches { moves_atomically: false, ..Switches::default() };
        let world = World::in_memory(switches.clone(), switches);
        let other = side.other();
        for id in ["a", "b", "c"] {
            world.add(side, "INBOX", id, &[]);
        }
        world.servers[side].create(&path("work")).unwrap();
        world.settle().await;
        world.shift(side, "INBOX", "a", "work");
        world.shift(side, "INBOX", "b", "work");
        let server = world.servers[other].clone();
        world.steps.on(&format!("{other} copy"), 1, move || {
            for id in ["<a@", "<b@"] {
                let uids = server.uids_of(&path("INBOX"), id);
                server.expunge(&path("INBOX"), &uids).unwrap();
            }
        });
        for _ in 0..6 {
            let report = world.pass().await.unwrap();
            assert!(report.trouble.is_empty(), "{side}: {:?}", report.trouble);
            world.wait_out_the_grace();
        }
        world.settle().await;
        assert_eq!(world.ids(side, "INBOX"), ["c"]);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn a_half_whose_headers_are_refused_holds_up_its_two_folders_only() {
    for side in Side::ALL {
        let switches = Switches { moves_atomically: false, ..Switches::default() };
        let world = World::in_memory(switches.clone(), switches);
        let other = side.other();
        world.add(side, "INBOX", "a", &[]);
        world.servers[side].create(&path("work")).unwrap();
        world.servers[side].create(&path("more")).unwrap();
        world.settle().await;
        world.shift(side, "INBOX", "a", "work");
        let steps = world.steps.clone();
        world.steps.on(&format!("{other} copy answer"), 1, move || steps.crash_at(steps.taken() + 1));
        world.pass().await.unwrap_err();
        world.revive();
        let fault = ("<a@".to_owned(), ReadFault::RefusedWithHeaders);
        world.servers[other].switch(|switches| switches.read_faults.push(fault));
        world.add(side, "more", "b", &[]);
        world.add(side, "work", "c", &[]);
        for _ in 0..3 {
            let report = world.pass().await.unwrap();
            assert_eq!(report.trouble[0].1.code(), Code::MessageUnreadable, "{:?}", report.trouble);
            world.wait_out_the_grace();
        }
        assert_eq!((world.ids(other, "more").len(), world.ids(other, "work").len()), (1, 1), "{side}");
        world.servers[other].switch(|switches| switches.read_faults.clear());
        world.settle().await;
        assert_eq!(world.ids(other, "work"), ["a", "c"]);
        world.assert_equal();
        world.assert_idle().await;
    }
}
