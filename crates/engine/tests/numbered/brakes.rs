//! Brakes: what looks like a disaster is held under its name, nothing is lost while it is, and a release goes on.

use crate::total;
use crate::world::{World, path};
use parom_domain::policy::Deletions;
use parom_domain::{Code, Role, Side, Uid, UidSet};
use parom_lab::memory::{ReadFault, Switches};

const MANY: u32 = 80;

async fn full() -> World {
    filled(World::in_memory(Switches::default(), Switches::default())).await
}

async fn filled(world: World) -> World {
    for at in 0..MANY {
        world.add(Side::Source, "work", &format!("w{at}"), &[]);
    }
    world.add(Side::Source, "INBOX", "kept", &[]);
    world.settle().await;
    world
}

/// Several passes go by, and the brake of this name holds the account.
async fn assert_held(world: &World, brake: &str, on: Side) {
    for _ in 0..4 {
        let report = world.pass().await.unwrap();
        assert_eq!((report.deleted, report.settled && !report.held.is_empty()), (0, false));
        world.wait_out_the_grace();
    }
    let held = world.state().await.held;
    assert!(held.iter().any(|held| held.brake == brake && held.args[0].1 == on.to_string()), "{held:?}");
}

#[tokio::test]
async fn an_emptied_folder_is_held_until_it_is_released() {
    for side in Side::ALL {
        let world = full().await;
        world.servers[side].expunge(&path("work"), &UidSet::range(Uid::MIN, Uid::MAX)).unwrap();
        assert_held(&world, "emptied-folder", side).await;
        assert_eq!(total(&world.servers[side.other()]), MANY as usize + 1);
        world.book.release();
        world.settle().await;
        assert_eq!(total(&world.servers[side.other()]), 1);
        assert_eq!(world.book.state().held, [], "a release counts once");
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn a_brake_does_not_let_go_because_what_went_may_be_a_damaged_message() {
    for hides_sizes in [true, false] {
        let world = full().await;
        world.servers.source.expunge(&path("work"), &UidSet::range(Uid::MIN, Uid::MAX)).unwrap();
        assert_held(&world, "emptied-folder", Side::Source).await;
        world.servers.source.switch(|switches| {
            switches.read_faults.push(("<damaged@".into(), ReadFault::SendsAway));
            switches.hides_sizes = hides_sizes;
        });
        world.add(Side::Source, "INBOX", "damaged", &[]);
        assert_held(&world, "emptied-folder", Side::Source).await;
        assert_eq!(total(&world.servers.target), MANY as usize + 1);
        world.book.release();
        world.settle().await;
        assert_eq!(total(&world.servers.target), 1);
        world.assert_idle().await;
    }
}

/// A pass that cannot tell what became of the messages has no brake to pull, and that is no reason to let go of one: new mail
/// in the folder would be taken for proof that it was tidied.
#[tokio::test]
async fn a_brake_does_not_let_go_because_nobody_could_look() {
    for unseen in [true, false] {
        let world = full().await;
        world.servers.source.create(&path("other")).unwrap();
        world.settle().await;
        world.servers.source.expunge(&path("work"), &UidSet::range(Uid::MIN, Uid::MAX)).unwrap();
        assert_held(&world, "emptied-folder", Side::Source).await;
        world.add(Side::Source, "work", "fresh", &[]);
        world.pass().await.unwrap();
        if unseen {
            world.add(Side::Source, "other", "x", &[]);
            world.servers.source.switch(|switches| switches.cannot_open = [path("other")].into());
        } else {
            // Something comes between the looks and the question whether anything came.
            let server = world.servers.source.clone();
            world.steps.on("source observe", 1, move || {
                server
                    .add(
                        &path("other"),
                        crate::world::mail("late"),
                        parom_domain::Marks::default(),
                        crate::world::date(1),
                    )
                    .unwrap();
            });
            world.add(Side::Source, "INBOX", "x", &[]);
        }
        for _ in 0..3 {
            let report = world.pass().await.unwrap();
            assert_eq!(report.deleted, 0);
            world.wait_out_the_grace();
        }
        world.servers.source.switch(|switches| switches.cannot_open.clear());
        assert_held(&world, "emptied-folder", Side::Source).await;
        assert_eq!(world.ids(Side::Target, "work").len(), MANY as usize + 1);
        world.book.release();
        world.settle().await;
        assert_eq!(world.ids(Side::Target, "work"), ["fresh"]);
        world.assert_equal();
    }
}

/// What a person has agreed to is done once, whatever else holds up the account.
#[tokio::test]
async fn a_release_counts_once_though_the_other_side_is_full() {
    let world = full().await;
    world.servers.target.switch(|switches| switches.quota_bytes = Some(1 << 20));
    let large = crate::world::mail(&"x".repeat(2 << 20));
    world.servers.source.add(&path("INBOX"), large, parom_domain::Marks::default(), None).unwrap();
    let empty = || world.servers.source.expunge(&path("work"), &UidSet::range(Uid::MIN, Uid::MAX)).unwrap();
    empty();
    for _ in 0..4 {
        assert_eq!(world.pass().await.unwrap_err().code(), Code::QuotaFull);
        world.wait_out_the_grace();
    }
    assert_eq!(world.ids(Side::Target, "work").len(), MANY as usize, "held");
    world.book.release();
    for _ in 0..3 {
        assert_eq!(world.pass().await.unwrap_err().code(), Code::QuotaFull);
    }
    assert_eq!(world.ids(Side::Target, "work"), Vec::<String>::new());
    for at in 0..MANY {
        world.add(Side::Source, "work", &format!("again{at}"), &[]);
    }
    world.pass().await.unwrap_err();
    assert_eq!(world.ids(Side::Target, "work").len(), MANY as usize);
    empty();
    for _ in 0..4 {
        world.pass().await.unwrap_err();
        world.wait_out_the_grace();
    }
    assert_eq!(world.ids(Side::Target, "work").len(), MANY as usize, "nobody has agreed to this");
}

#[tokio::test]
async fn what_is_held_does_not_hold_the_rest() {
    let world = full().await;
    world.servers.source.expunge(&path("work"), &UidSet::range(Uid::MIN, Uid::MAX)).unwrap();
    world.add(Side::Source, "INBOX", "new", &[]);
    world.add(Side::Target, "work", "fresh", &[]);
    world.mark(Side::Target, "INBOX", "kept", &["\\Flagged"], &[]);
    assert_held(&world, "emptied-folder", Side::Source).await;
    assert_eq!(world.ids(Side::Target, "INBOX"), ["kept", "new"]);
    assert_eq!(world.ids(Side::Source, "work"), ["fresh"]);
}

#[tokio::test]
async fn a_vanished_folder_is_held_until_it_is_back_or_released() {
    for side in Side::ALL {
        for comes_back in [false, true] {
            let world = full().await;
            let backup = world.servers[side].backup();
            world.servers[side].remove(&path("work")).unwrap();
            assert_held(&world, "vanished-folder", side).await;
            assert_eq!(total(&world.servers[side.other()]), MANY as usize + 1);
            if comes_back {
                world.servers[side].restore(&backup);
                world.settle().await;
                assert_eq!(total(&world.servers[side.other()]), MANY as usize + 1);
            } else {
                world.book.release();
                world.settle().await;
                assert_eq!(total(&world.servers[side.other()]), 1);
            }
            assert_eq!(world.book.state().held, []);
            world.assert_equal();
        }
    }
}

#[tokio::test]
async fn another_mailbox_is_held_and_takes_no_mail() {
    for side in Side::ALL {
        let world = full().await;
        world.servers[side].replace_mailbox();
        world.add(side.other(), "INBOX", "new", &[]);
        assert_held(&world, "other-mailbox", side).await;
        assert_eq!(world.count(side, "INBOX", "<new@"), 0, "no mail of ours in a mailbox that may be another's");
        assert_eq!(total(&world.servers[side.other()]), MANY as usize + 2);
    }
}

#[tokio::test]
async fn a_server_that_was_restored_is_held_and_takes_nothing_along() {
    for side in Side::ALL {
        let world = World::modern();
        world.add(Side::Source, "INBOX", "first", &[]);
        world.settle().await;
        let backup = world.servers[side].backup();
        for at in 0..MANY {
            world.add(side.other(), "INBOX", &format!("m{at}"), &[]);
        }
        world.settle().await;
        world.servers[side].restore(&backup);
        assert_held(&world, "restored-server", side).await;
        assert_eq!(total(&world.servers[side.other()]), MANY as usize + 1);
        world.book.release();
        world.settle().await;
        assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [MANY as usize + 1; 2]);
        world.assert_equal();
    }
}

#[tokio::test]
async fn many_deletions_are_held_and_a_few_are_not() {
    let world = full().await;
    let most = |count: u32| UidSet::range(Uid::MIN, Uid::new(count).unwrap());
    world.servers.source.expunge(&path("work"), &most(50)).unwrap();
    world.settle().await;
    assert_eq!(total(&world.servers.target), MANY as usize - 49, "fifty are housekeeping");
    let world = full().await;
    world.servers.source.expunge(&path("work"), &most(51)).unwrap();
    assert_held(&world, "many-deletions", Side::Source).await;
    assert_eq!(total(&world.servers.target), MANY as usize + 1);
    world.book.release();
    world.settle().await;
    assert_eq!(total(&world.servers.target), MANY as usize - 50);
    world.assert_equal();
}

#[tokio::test]
async fn a_release_counts_once_also_where_another_folder_is_in_trouble() {
    for side in Side::ALL {
        let world = full().await;
        for at in 0..MANY {
            world.add(Side::Source, "more", &format!("m{at}"), &[]);
        }
        world.add(Side::Source, "locked", "kept", &[]);
        world.settle().await;
        let most = |count: u32| UidSet::range(Uid::MIN, Uid::new(count).unwrap());
        world.servers[side].expunge(&path("work"), &most(60)).unwrap();
        assert_held(&world, "many-deletions", side).await;
        world.servers[side].switch(|switches| _ = switches.cannot_open.insert(path("locked")));
        world.book.release();
        for _ in 0..3 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        assert_eq!(total(&world.servers[side.other()]), 2 * MANY as usize + 2 - 60);
        world.servers[side].expunge(&path("more"), &most(70)).unwrap();
        assert_held(&world, "many-deletions", side).await;
        assert_eq!(total(&world.servers[side.other()]), 2 * MANY as usize + 2 - 60, "nobody agreed to these");
    }
}

const DAY_MS: u64 = 86_400_000;

fn pass_time(world: &World, ms: u64) {
    world.clock.0.fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
}

fn expunge(world: &World, folder: &str, from: u32, to: u32) {
    let uids = UidSet::range(Uid::new(from).unwrap(), Uid::new(to).unwrap());
    world.servers.source.expunge(&path(folder), &uids).unwrap();
}

#[tokio::test]
async fn a_restart_does_not_forget_what_was_deleted_today() {
    let mut world = filled(World::plain().await).await;
    expunge(&world, "work", 1, 40);
    world.settle().await;
    assert_eq!(total(&world.servers.target), MANY as usize - 39);
    world.restart().await;
    world.assert_idle().await;
    expunge(&world, "work", 41, 60);
    assert_held(&world, "many-deletions", Side::Source).await;
    assert_eq!(total(&world.servers.target), MANY as usize - 39);
    world.restart().await;
    pass_time(&world, DAY_MS);
    world.settle().await;
    assert_eq!(total(&world.servers.target), MANY as usize - 59, "another day");
    world.assert_equal();
}

#[tokio::test]
async fn deletions_are_counted_for_a_day_and_then_forgotten() {
    let world = full().await;
    expunge(&world, "work", 1, 40);
    world.settle().await;
    pass_time(&world, DAY_MS / 2);
    expunge(&world, "work", 41, 50);
    world.settle().await;
    let counted = |world: &World| world.book.state().deleted.iter().map(|deleted| deleted.messages).collect::<Vec<_>>();
    assert_eq!(counted(&world), [40, 10]);
    pass_time(&world, DAY_MS / 2 + 1);
    world.assert_idle().await;
    expunge(&world, "work", 51, 79);
    assert_eq!(world.settle().await.held, []);
    assert_eq!(counted(&world), [10, 29]);
    world.assert_equal();
}

#[tokio::test]
async fn a_release_begins_the_day_anew() {
    let world = full().await;
    expunge(&world, "work", 1, 51);
    assert_held(&world, "many-deletions", Side::Source).await;
    world.book.release();
    world.settle().await;
    assert_eq!(world.book.state().deleted, []);
    expunge(&world, "work", 52, 60);
    assert_eq!(world.settle().await.held, []);
    assert_eq!(total(&world.servers.target), MANY as usize - 59);
}

#[tokio::test]
async fn an_emptied_trash_counts_for_no_day() {
    let world = full().await;
    for side in Side::ALL {
        world.servers[side].create_with_role(&path("Trash"), Role::Trash).unwrap();
    }
    for at in 0..60 {
        world.add(Side::Source, "Trash", &format!("t{at}"), &[]);
    }
    world.settle().await;
    expunge(&world, "Trash", 1, 60);
    expunge(&world, "work", 1, 10);
    world.settle().await;
    assert_eq!(world.book.state().deleted_since(0), 10);
}

#[tokio::test]
async fn what_goes_to_the_trash_and_what_is_moved_is_no_volume() {
    let mut world = full().await;
    world.policy.deletions = Deletions::Trash;
    for (side, name) in [(Side::Source, "Deleted"), (Side::Target, "Trash")] {
        world.servers[side].create_with_role(&path(name), Role::Trash).unwrap();
    }
    world.servers.source.create(&path("done")).unwrap();
    world.settle().await;
    let uids = |from: u32, to: u32| UidSet::range(Uid::new(from).unwrap(), Uid::new(to).unwrap());
    world.servers.source.expunge(&path("work"), &uids(1, 30)).unwrap();
    world.servers.source.shift(&path("work"), &uids(31, 79), &path("done")).unwrap();
    let report = world.settle().await;
    assert_eq!(report.held.len(), 0);
    assert_eq!(world.ids(Side::Target, "Trash").len(), 30);
    assert_eq!(world.ids(Side::Target, "done").len(), 49);
    assert_eq!(world.ids(Side::Target, "work").len(), 1);
}
