//! Parking: a message that cannot be carried is put aside with its reason, counts as accounted for, and stops nothing.

use crate::survives_every_crash;
use crate::world::{World, mail, path};
use parom_domain::policy::Deletions;
use parom_domain::{Code, Marks, Role, Side};
use parom_lab::memory::{BatchLanding, Fault, ReadFault, RefusedBatch, Switches};

const IDS: [&str; 7] = ["a", "b", "bad", "c", "d", "e", "f"];

fn add_all(world: &World) {
    for id in IDS {
        world.add(Side::Source, "INBOX", id, &["\\Seen"]);
    }
}

fn good() -> Vec<&'static str> {
    IDS.into_iter().filter(|id| *id != "bad").collect()
}

fn parked(world: &World) -> Vec<String> {
    world.book.state().parked.iter().map(|item| item.code.clone()).collect()
}

#[tokio::test]
async fn a_refused_message_in_the_middle_of_a_batch_is_parked_alone() {
    for refused_batch in [RefusedBatch::Nothing, RefusedBatch::TheOnesBefore, RefusedBatch::TheGoodOnes] {
        for batch_landing in [BatchLanding::Atomic, BatchLanding::OneByOne] {
            for tells_new_uids in [true, false] {
                let world = survives_every_crash(async || {
                    let mut target = Switches { refused_batch, batch_landing, ..Switches::default() };
                    target.abilities.tells_new_uids = tells_new_uids;
                    target.refuses.push("<bad@".into());
                    let world = World::in_memory(Switches::default(), target);
                    add_all(&world);
                    world
                })
                .await;
                assert_eq!(world.ids(Side::Target, "INBOX"), good(), "{refused_batch:?} {batch_landing:?}");
                assert_eq!(parked(&world), [Code::MessageRefused.as_str()]);
            }
        }
    }
}

#[tokio::test]
async fn what_goes_while_it_is_read_again_is_not_parked() {
    // The connection breaks, and before the message is asked for alone somebody renames its folder.
    let world = World::modern();
    world.add(Side::Source, "old", "first", &[]);
    world.settle().await;
    world.add(Side::Source, "old", "a", &[]);
    let steps = world.steps.clone();
    world.steps.on("source read", 1, move || steps.fail_at(steps.taken() + 1, Fault::Cut));
    let server = world.servers.source.clone();
    world.steps.on("source read", 3, move || server.rename(&path("old"), &path("new")).unwrap());
    world.settle().await;
    assert_eq!(parked(&world), Vec::<String>::new());
    assert_eq!(world.ids(Side::Target, "new"), ["a", "first"]);
    world.assert_equal();
}

#[tokio::test]
async fn a_parked_message_that_is_deleted_is_forgotten() {
    for switches in [Switches::default(), Switches::plain()] {
        let world = World::in_memory(switches.clone(), switches);
        world.servers.target.switch(|switches| switches.refuses.push("<bad@".into()));
        add_all(&world);
        world.settle().await;
        assert_eq!(world.book.state().parked.len(), 1);
        world.expunge(Side::Source, "INBOX", "bad");
        world.settle().await;
        assert_eq!(parked(&world), Vec::<String>::new());
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_parked_before_it_is_sent() {
    let mut target = Switches { big_from: 1000, ..Switches::default() };
    target.abilities.append_limit = Some(5_000);
    let world = World::in_memory(Switches { big_from: 1000, ..Switches::default() }, target);
    add_all(&world);
    let large = format!("{}{}", mail("large"), "x".repeat(10_000));
    world.servers.source.add(&path("INBOX"), large, Marks::default(), None).unwrap();
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "INBOX").len(), IDS.len());
    assert_eq!(parked(&world), [Code::MessageTooLarge.as_str()]);
    let sends = world.steps.trail().iter().filter(|step| step.ends_with("target send")).count();
    assert_eq!(sends, 1, "only the good ones left, in one batch");
    world.assert_idle().await;
}

#[tokio::test]
async fn a_message_that_breaks_the_connection_each_time_is_parked_and_the_rest_is_read() {
    let faults = [ReadFault::BreaksConnection, ReadFault::SendsAway];
    for (bad, fault) in faults.into_iter().flat_map(|fault| ["a", "c", "f"].map(|bad| (bad, fault))) {
        let world = World::modern();
        world.servers.source.switch(|s| s.read_faults.push((format!("<{bad}@"), fault)));
        add_all(&world);
        world.settle().await;
        let rest: Vec<&str> = {
            let mut rest: Vec<&str> = IDS.into_iter().filter(|id| *id != bad).collect();
            rest.sort_unstable();
            rest
        };
        assert_eq!(world.ids(Side::Target, "INBOX"), rest, "{bad}");
        assert_eq!(parked(&world), [Code::MessageUnreadable.as_str()]);
        world.assert_idle().await;
    }
}

/// Dovecot says BYE where a file is damaged, whatever is asked about it: the headers, to pair it, or the body.
#[tokio::test]
async fn a_damaged_message_holds_up_no_pairing_and_takes_no_copy_along() {
    let bad = |world: &World| {
        world.servers.source.switch(|switches| switches.read_faults.push(("<b@".into(), ReadFault::SendsAway)));
    };
    // Two mailboxes that are full already.
    let world = World::modern();
    for side in Side::ALL {
        add_all(&world);
        for id in ["a", "b", "c", "d", "e", "f"].into_iter().filter(|_| side == Side::Target) {
            world.add(side, "INBOX", id, &[]);
        }
    }
    bad(&world);
    world.settle().await;
    for id in ["a", "c", "d", "e", "f"] {
        let copies = Side::ALL.map(|side| world.ids(side, "INBOX").iter().filter(|it| *it == id).count());
        assert_eq!(copies[0], copies[1], "{id}");
    }
    world.assert_idle().await;
    // One that is moved, beside others that go: its copy is all that can be read of it. The server knows its size; else all
    // stays that went in that moment.
    for hides_sizes in [false, true] {
        let world = World::modern();
        for id in ["a", "b", "gone"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        world.servers.source.create(&path("there")).unwrap();
        world.settle().await;
        bad(&world);
        world.servers.source.switch(|switches| switches.hides_sizes = hides_sizes);
        world.shift(Side::Source, "INBOX", "b", "there");
        world.expunge(Side::Source, "INBOX", "gone");
        world.add(Side::Source, "there", "new", &[]);
        world.settle().await;
        let stay: &[&str] = if hides_sizes { &["a", "b", "gone"] } else { &["a", "b"] };
        assert_eq!(world.ids(Side::Target, "INBOX"), stay);
        assert_eq!(world.ids(Side::Target, "there"), ["new"]);
        assert_eq!(parked(&world), [Code::MessageUnreadable.as_str()]);
        world.add(Side::Source, "INBOX", "later", &[]);
        world.settle().await;
        world.expunge(Side::Source, "INBOX", "later");
        world.settle().await;
        assert_eq!(world.ids(Side::Target, "INBOX"), stay);
        world.assert_idle().await;
    }
}

/// The folder that it left is looked at later than the one that it came to: by then it is parked.
#[tokio::test]
async fn a_damaged_message_that_was_parked_before_it_is_missed_takes_no_copy_along() {
    let world = World::modern();
    for id in ["b", "gone"] {
        world.add(Side::Source, "INBOX", id, &[]);
    }
    world.servers.source.create(&path("there")).unwrap();
    world.settle().await;
    world.servers.source.switch(|switches| switches.read_faults.push(("<b@".into(), ReadFault::SendsAway)));
    world.add(Side::Source, "there", "b", &[]);
    world.settle().await;
    assert_eq!(parked(&world), [Code::MessageUnreadable.as_str()]);
    world.expunge(Side::Source, "INBOX", "b");
    world.expunge(Side::Source, "INBOX", "gone");
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "INBOX"), ["b"]);
    world.assert_idle().await;
}

#[tokio::test]
async fn a_message_that_is_listed_and_never_given_is_parked() {
    let world = World::modern();
    world.servers.source.switch(|switches| switches.read_faults.push(("<bad@".into(), ReadFault::Missing)));
    add_all(&world);
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "INBOX"), good());
    assert_eq!(parked(&world), [Code::MessageUnreadable.as_str()]);
    world.assert_idle().await;
}

#[tokio::test]
async fn a_message_whose_reading_is_refused_is_parked_and_the_rest_is_read() {
    let world = World::modern();
    world.servers.source.switch(|switches| switches.read_faults.push(("<bad@".into(), ReadFault::Refused)));
    add_all(&world);
    world.settle().await;
    assert_eq!(world.ids(Side::Target, "INBOX"), good());
    assert_eq!(parked(&world), [Code::MessageUnreadable.as_str()]);
    world.assert_idle().await;
}

#[tokio::test]
async fn big_messages_are_streamed_between_small_ones_whatever_crashes() {
    survives_every_crash(async || {
        let switches = Switches { big_from: 50_000, ..Switches::default() };
        let world = World::in_memory(switches.clone(), switches);
        for (id, len) in [("a", 10), ("big", 150_000), ("b", 10), ("bigger", 200_001), ("c", 10)] {
            let bytes = format!("{}{}", mail(id), "y".repeat(len));
            world.servers.source.add(&path("INBOX"), bytes, Marks::default(), crate::world::date(1)).unwrap();
        }
        world
    })
    .await
    .assert_equal();
}

#[tokio::test]
async fn a_full_quota_stops_with_its_name_and_goes_on_when_there_is_room() {
    for refused_batch in [RefusedBatch::Nothing, RefusedBatch::TheOnesBefore] {
        let mut target = Switches { refused_batch, ..Switches::default() };
        target.abilities.batch_items = 3;
        let room = 4 * mail("a").len() as u64;
        target.quota_bytes = Some(room);
        let world = World::in_memory(Switches::default(), target);
        add_all(&world);
        for _ in 0..3 {
            assert_eq!(world.pass().await.unwrap_err().code(), Code::QuotaFull);
        }
        assert_eq!(parked(&world), Vec::<String>::new(), "a full mailbox is nothing of the message's");
        world.servers.target.switch(|switches| switches.quota_bytes = None);
        world.settle().await;
        assert_eq!(world.ids(Side::Target, "INBOX").len(), IDS.len());
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// What is larger than the room that is left waits, and what fits goes on.
#[tokio::test]
async fn mail_that_finds_no_room_does_not_hold_up_what_fits() {
    for refused_batch in [RefusedBatch::Nothing, RefusedBatch::TheOnesBefore] {
        for side in Side::ALL {
            let servers = [Switches::default(), Switches { refused_batch, ..Switches::default() }];
            let [this, that] = if side == Side::Target { servers } else { [servers[1].clone(), servers[0].clone()] };
            let world = World::in_memory(this, that);
            let other = side.other();
            world.add(other, "INBOX", "a", &[]);
            for (id, bytes) in [("big", 400_000), ("huge", 5_000_000), ("less", 200_000)] {
                let mail = format!("{}{}", mail(id), "y".repeat(bytes));
                world.servers[other].add(&path("INBOX"), mail, Marks::default(), crate::world::date(1)).unwrap();
            }
            for id in ["b", "c"] {
                world.add(other, "INBOX", id, &[]);
                world.add(other, "next", id, &[]);
            }
            world.servers[side].switch(|switches| switches.quota_bytes = Some(300_000));
            for _ in 0..3 {
                let error = world.pass().await.unwrap_err();
                assert_eq!((error.code(), error.arg("folder")), (Code::QuotaFull, Some("INBOX")));
            }
            assert_eq!(world.ids(side, "INBOX"), ["a", "b", "c", "less"]);
            assert_eq!(world.ids(side, "next"), ["b", "c"]);
            assert!(world.book.state().intents.is_empty(), "nothing is looked for again");
            world.servers[side].switch(|switches| switches.quota_bytes = None);
            world.settle().await;
            assert_eq!(world.ids(side, "INBOX"), ["a", "b", "big", "c", "huge", "less"]);
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

/// A folder with a quota of its own, and one that takes no mail from others: neither holds up anything else.
#[tokio::test]
async fn what_cannot_be_moved_holds_up_nothing_else() {
    for quota in [false, true] {
        for plain in [false, true] {
            let switches = if plain { Switches::plain() } else { Switches::default() };
            let world = World::in_memory(switches.clone(), switches);
            for id in ["a", "b", "c", "d"] {
                world.add(Side::Source, "INBOX", id, &[]);
            }
            world.add(Side::Source, "shared", "z", &[]);
            world.settle().await;
            world.servers.target.switch(|switches| {
                let closed = if quota { &mut switches.no_room_in } else { &mut switches.takes_no_moves };
                closed.insert(path("shared"));
            });
            world.shift(Side::Source, "INBOX", "a", "shared");
            world.expunge(Side::Source, "INBOX", "b");
            world.mark(Side::Source, "INBOX", "c", &["\\Flagged"], &[]);
            world.expunge(Side::Source, "shared", "z");
            world.add(Side::Source, "INBOX", "new", &[]);
            world.add(Side::Source, "other", "new", &[]);
            let mut told = Vec::new();
            for _ in 0..4 {
                told = match world.pass().await {
                    Ok(report) => report.trouble.iter().map(|(_, error)| error.code()).collect(),
                    Err(error) => {
                        assert_eq!(error.arg("folder"), Some("shared"));
                        vec![error.code()]
                    }
                };
                world.wait_out_the_grace();
            }
            assert_eq!(told, [if quota { Code::QuotaFull } else { Code::MoveRefused }]);
            assert_eq!(world.ids(Side::Target, "INBOX"), ["a", "c", "d", "new"]);
            assert_eq!(world.ids(Side::Target, "shared"), Vec::<String>::new());
            assert_eq!(world.ids(Side::Target, "other"), ["new"]);
            assert_eq!(world.ids(Side::Source, "shared"), ["a"], "the move is not undone");
            world.servers.target.switch(|switches| {
                switches.no_room_in.clear();
                switches.takes_no_moves.clear();
            });
            world.settle().await;
            assert_eq!(world.ids(Side::Target, "INBOX"), ["c", "d", "new"]);
            assert_eq!(world.ids(Side::Target, "shared"), ["a"]);
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

/// Without MOVE what goes to the trash is copied first, and needs room for that moment: not all of it at once.
#[tokio::test]
async fn what_finds_no_room_in_the_trash_holds_up_no_other_deletion() {
    for side in Side::ALL {
        let mut world = World::in_memory(Switches::plain(), Switches::plain());
        world.policy.deletions = Deletions::Trash;
        for (side, name) in [(Side::Source, "Deleted"), (Side::Target, "Trash")] {
            world.servers[side].create_with_role(&path(name), Role::Trash).unwrap();
        }
        let trash = if side == Side::Source { "Deleted" } else { "Trash" };
        let big = |id: &str| format!("{}{}", mail(id), "y".repeat(50_000));
        world.servers[side].add(&path("INBOX"), big("big"), Marks::default(), crate::world::date(1)).unwrap();
        for at in 0..30 {
            world.add(side, "INBOX", &format!("m{at}"), &[]);
        }
        world.add(side, "INBOX", "kept", &[]);
        world.settle().await;
        let held: usize = world.servers[side].messages(&path("INBOX")).iter().map(|(_, it)| it.bytes.len()).sum();
        world.servers[side].switch(|it| it.quota_bytes = Some((held + 5 * mail("m10").len()) as u64));
        let other = world.servers[side.other()].uids_of(&path("INBOX"), "Text of m");
        world.servers[side.other()].expunge(&path("INBOX"), &other).unwrap();
        world.expunge(side.other(), "INBOX", "big");
        for _ in 0..3 {
            world.wait_out_the_grace();
            // The first passes only suspect.
            if let Err(error) = world.pass().await {
                assert_eq!((error.code(), error.arg("folder")), (Code::QuotaFull, Some(trash)));
            }
        }
        assert_eq!(world.ids(side, "INBOX"), ["big", "kept"]);
        assert_eq!(world.ids(side, trash).len(), 30);
        assert_eq!(world.state().await.intents, []);
        world.servers[side].switch(|it| it.quota_bytes = None);
        world.settle().await;
        assert_eq!(world.ids(side, "INBOX"), ["kept"]);
        world.assert_idle().await;
    }
}

/// A copy that somebody makes of what could not be moved is her own, and a move that is taken back removes nothing.
#[tokio::test]
async fn a_refused_move_leaves_nothing_to_be_looked_for() {
    for quota in [false, true] {
        for plain in [false, true] {
            let switches = if plain { Switches::plain() } else { Switches::default() };
            let world = World::in_memory(switches.clone(), switches);
            for id in ["a", "b"] {
                world.add(Side::Source, "INBOX", id, &[]);
            }
            world.servers.source.create(&path("shared")).unwrap();
            world.settle().await;
            let close = |closed: bool| {
                world.servers.target.switch(|switches| {
                    let folders = if quota { &mut switches.no_room_in } else { &mut switches.takes_no_moves };
                    folders.clear();
                    folders.extend(closed.then(|| path("shared")));
                });
            };
            close(true);
            world.shift(Side::Source, "INBOX", "a", "shared");
            for _ in 0..3 {
                let _ = world.pass().await;
                world.wait_out_the_grace();
            }
            assert_eq!(world.state().await.intents, [], "{quota} {plain}");
            world.shift(Side::Source, "shared", "a", "INBOX");
            close(false);
            world.add(Side::Target, "shared", "a", &[]);
            world.settle().await;
            assert_eq!(world.ids(Side::Target, "shared"), ["a"], "her copy stays");
            assert_eq!(world.ids(Side::Target, "INBOX"), ["a", "b"]);
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn a_full_side_still_hears_of_deletions_and_marks() {
    for full in Side::ALL {
        let world = World::modern();
        let other = full.other();
        for id in ["a", "b", "c"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        world.settle().await;
        world.servers[full].switch(|switches| switches.quota_bytes = Some(1));
        world.add(other, "INBOX", "new", &[]);
        world.expunge(other, "INBOX", "a");
        world.mark(other, "INBOX", "b", &["\\Flagged"], &[]);
        world.mark(full, "INBOX", "c", &["\\Answered"], &[]);
        world.add(full, "INBOX", "theirs", &[]);
        for _ in 0..2 {
            let error = world.pass().await.unwrap_err();
            assert_eq!(error.code(), Code::QuotaFull);
        }
        assert_eq!(world.ids(full, "INBOX"), ["b", "c", "theirs"], "{full} is full");
        assert_eq!(world.ids(other, "INBOX"), ["b", "c", "new", "theirs"]);
        world.servers[full].switch(|switches| switches.quota_bytes = None);
        world.settle().await;
        assert_eq!(world.ids(full, "INBOX"), ["b", "c", "new", "theirs"]);
        world.assert_equal();
        world.assert_idle().await;
    }
}
