//! Folders that do not let us write for a while, or never take some marks: nobody's marks are lost or taken away for it.

use crate::world::{World, mail, path};
use parom_domain::endpoint::Holds;
use parom_domain::{Code, Marks, Side};
use parom_engine::Report;
use parom_lab::memory::Switches;

const ALL: u8 = 31;

/// The target's folders keep these marks and no others from now on.
fn keeps(world: &World, system: u8, any_keyword: bool) {
    let holds = Holds { marks: Marks::from_system(system), any_keyword };
    world.servers.target.switch(|switches| switches.holds = holds);
}

fn marks(world: &World, side: Side, folder: &str, id: &str) -> Vec<String> {
    let server = &world.servers[side];
    let uid = server.uids_of(&path(folder), &format!("<{id}@")).iter().next().unwrap();
    let (_, message) = server.messages(&path(folder)).into_iter().find(|(it, _)| *it == uid).unwrap();
    message.marks.names().map(str::to_owned).collect()
}

fn troubles(report: &Report) -> Vec<Code> {
    report.trouble.iter().map(|(_, error)| error.code()).collect()
}

fn worlds() -> Vec<World> {
    let modes = [Switches::default(), Switches::plain()];
    modes.iter().flat_map(|a| modes.iter().map(|b| World::in_memory(a.clone(), b.clone()))).collect()
}

#[tokio::test]
async fn marks_wait_for_the_rights_to_write_them() {
    // Read-only, only \Seen, and all but \Seen.
    for (system, any_keyword) in [(0, false), (Marks::SEEN, false), (ALL & !Marks::SEEN, true)] {
        for world in worlds() {
            for id in ["a", "b", "c", "d"] {
                world.add(Side::Source, "INBOX", id, if id == "d" { &["\\Flagged", "\\Seen"] } else { &[] });
            }
            world.settle().await;
            keeps(&world, system, any_keyword);
            world.mark(Side::Source, "INBOX", "a", &["\\Flagged", "important"], &[]);
            world.mark(Side::Source, "INBOX", "b", &["\\Seen"], &[]);
            world.mark(Side::Source, "INBOX", "d", &[], &["\\Flagged", "\\Seen"]);
            for _ in 0..3 {
                let report = world.pass().await.unwrap();
                assert_eq!(troubles(&report), [Code::MarksWithheld], "{system}");
                assert!(!report.settled);
            }
            keeps(&world, ALL, true);
            // Somebody else's mark brings the messages into view.
            world.mark(Side::Target, "INBOX", "a", &["\\Answered"], &[]);
            world.mark(Side::Target, "INBOX", "c", &["\\Answered"], &[]);
            let report = world.settle().await;
            assert!(report.settled);
            for side in Side::ALL {
                assert_eq!(marks(&world, side, "INBOX", "a"), ["\\Answered", "\\Flagged", "important"], "{system}");
                assert_eq!(marks(&world, side, "INBOX", "b"), ["\\Seen"]);
                assert_eq!(marks(&world, side, "INBOX", "d"), Vec::<String>::new());
            }
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn a_mark_that_came_and_went_while_the_other_could_not_be_written_does_not_come_back() {
    for world in worlds() {
        world.add(Side::Source, "INBOX", "a", &[]);
        world.settle().await;
        keeps(&world, Marks::SEEN, false);
        world.mark(Side::Source, "INBOX", "a", &["\\Flagged", "\\Seen"], &[]);
        world.pass().await.unwrap();
        assert_eq!(marks(&world, Side::Target, "INBOX", "a"), ["\\Seen"]);
        world.mark(Side::Source, "INBOX", "a", &[], &["\\Seen"]);
        world.pass().await.unwrap();
        assert_eq!(marks(&world, Side::Target, "INBOX", "a"), Vec::<String>::new());
        keeps(&world, ALL, true);
        world.settle().await;
        assert_eq!(marks(&world, Side::Source, "INBOX", "a"), ["\\Flagged"]);
        world.assert_equal();
    }
}

#[tokio::test]
async fn new_mail_gets_its_marks_when_there_are_rights_to_write_them() {
    for world in worlds() {
        world.add(Side::Source, "INBOX", "a", &[]);
        world.settle().await;
        keeps(&world, Marks::SEEN, false);
        world.add(Side::Source, "INBOX", "b", &["\\Flagged", "\\Seen", "work"]);
        world.pass().await.unwrap();
        let report = world.pass().await.unwrap();
        assert_eq!(troubles(&report), [Code::MarksWithheld]);
        assert_eq!(marks(&world, Side::Target, "INBOX", "b"), ["\\Seen"]);
        keeps(&world, ALL, true);
        world.mark(Side::Target, "INBOX", "b", &["\\Answered"], &[]);
        world.settle().await;
        assert_eq!(marks(&world, Side::Source, "INBOX", "b"), ["\\Seen", "\\Answered", "\\Flagged", "work"]);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn the_marks_of_new_and_moved_mail_wait_beside_those_of_old_mail() {
    for world in worlds() {
        world.add(Side::Source, "INBOX", "old", &[]);
        world.add(Side::Source, "Other", "moved", &["\\Flagged", "\\Seen", "work"]);
        world.settle().await;
        keeps(&world, 0, false);
        world.mark(Side::Source, "INBOX", "old", &["\\Flagged"], &[]);
        world.add(Side::Source, "INBOX", "new", &["\\Flagged", "\\Seen", "work"]);
        world.shift(Side::Source, "Other", "moved", "INBOX");
        for _ in 0..2 {
            world.pass().await.unwrap();
        }
        keeps(&world, ALL, true);
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(marks(&world, side, "INBOX", "old"), ["\\Flagged"]);
            for id in ["new", "moved"] {
                assert_eq!(marks(&world, side, "INBOX", id), ["\\Seen", "\\Flagged", "work"], "{id}");
            }
        }
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn a_keyword_that_a_side_never_keeps_troubles_nobody_and_is_never_taken_away() {
    for world in worlds() {
        keeps(&world, ALL, false);
        world.add(Side::Source, "INBOX", "a", &["work"]);
        world.add(Side::Source, "INBOX", "b", &[]);
        world.settle().await;
        world.mark(Side::Source, "INBOX", "b", &["later", "\\Flagged"], &[]);
        world.mark(Side::Target, "INBOX", "a", &["\\Seen"], &[]);
        let report = world.settle().await;
        assert!(report.settled && report.trouble.is_empty());
        let writes = [world.servers.source.writes(), world.servers.target.writes()];
        for _ in 0..2 {
            let report = world.pass().await.unwrap();
            assert!(report.settled && report.trouble.is_empty() && report.marked == 0);
        }
        assert_eq!(writes, [world.servers.source.writes(), world.servers.target.writes()]);
        assert_eq!(marks(&world, Side::Target, "INBOX", "b"), ["\\Flagged"]);
        // The server learns to keep keywords: that it has none is no removal.
        keeps(&world, ALL, true);
        for id in ["a", "b"] {
            world.mark(Side::Target, "INBOX", id, &["\\Answered"], &[]);
        }
        world.settle().await;
        assert_eq!(marks(&world, Side::Source, "INBOX", "a"), ["\\Seen", "\\Answered", "work"]);
        assert_eq!(marks(&world, Side::Source, "INBOX", "b"), ["\\Answered", "\\Flagged", "later"]);
        for id in ["a", "b"] {
            world.mark(Side::Source, "INBOX", id, &["\\Draft"], &[]);
        }
        world.settle().await;
        world.assert_equal();
    }
}

#[tokio::test]
async fn what_may_not_be_deleted_is_told_and_stays_until_it_may() {
    for world in worlds() {
        world.servers.target.switch(|switches| switches.marks_before_expunge = true);
        for id in ["a", "b"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        world.settle().await;
        keeps(&world, ALL & !Marks::DELETED, true);
        world.expunge(Side::Source, "INBOX", "a");
        for _ in 0..2 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        let report = world.pass().await.unwrap();
        assert_eq!(troubles(&report), [Code::DeletionWithheld]);
        assert_eq!(report.deleted, 0);
        assert_eq!(
            (world.ids(Side::Source, "INBOX"), world.ids(Side::Target, "INBOX").len()),
            (vec!["b".to_owned()], 2)
        );
        keeps(&world, ALL, true);
        world.settle().await;
        world.assert_equal();
        assert_eq!(world.ids(Side::Target, "INBOX"), ["b"]);
    }
}

#[tokio::test]
async fn what_may_be_marked_as_deleted_and_not_expunged_is_told_and_stays_until_it_may() {
    for world in worlds() {
        for stepwise in [false, true] {
            world.servers.target.switch(|switches| {
                (switches.may_expunge, switches.marks_before_expunge) = (true, stepwise);
            });
            for id in ["a", "b", "c"] {
                world.add(Side::Source, "INBOX", id, &[]);
            }
            world.settle().await;
            world.servers.target.switch(|switches| switches.may_expunge = false);
            world.expunge(Side::Source, "INBOX", "a");
            for _ in 0..2 {
                world.pass().await.unwrap();
                world.wait_out_the_grace();
            }
            for _ in 0..2 {
                let report = world.pass().await.unwrap();
                assert_eq!(troubles(&report), [Code::DeletionWithheld]);
                assert_eq!((report.deleted, report.carried.source), (0, 0));
                assert_eq!(world.ids(Side::Source, "INBOX"), ["b", "c"]);
            }
            world.servers.target.switch(|switches| switches.may_expunge = true);
            world.settle().await;
            world.assert_equal();
            assert_eq!(world.ids(Side::Target, "INBOX"), ["b", "c"]);
            world.assert_idle().await;
            for id in ["b", "c"] {
                world.expunge(Side::Source, "INBOX", id);
            }
            world.settle().await;
        }
    }
}

/// A copy was made, and then the right to remove the original was withdrawn: both folders wait, and nothing else does.
#[tokio::test]
async fn half_a_move_that_may_not_be_ended_holds_up_no_other_folder() {
    for stepwise in [false, true] {
        let switches = Switches { moves_atomically: false, marks_before_expunge: stepwise, ..Switches::default() };
        let world = World::in_memory(Switches::default(), switches);
        world.add(Side::Source, "INBOX", "a", &[]);
        for folder in ["there", "other"] {
            world.servers.source.create(&path(folder)).unwrap();
        }
        world.settle().await;
        world.shift(Side::Source, "INBOX", "a", "there");
        let server = world.servers.target.clone();
        world.steps.on("target copy", 1, move || server.switch(|switches| switches.may_expunge = false));
        let report = world.pass().await.unwrap();
        assert_eq!(troubles(&report), [Code::DeletionWithheld]);
        world.add(Side::Source, "other", "b", &[]);
        world.add(Side::Source, "there", "c", &[]);
        for _ in 0..3 {
            let report = world.pass().await.unwrap();
            assert_eq!(troubles(&report), [Code::DeletionWithheld]);
            assert_eq!(report.trouble[0].0, Some(path("INBOX")));
            world.wait_out_the_grace();
        }
        assert_eq!(world.ids(Side::Target, "other"), ["b"]);
        assert_eq!(world.ids(Side::Source, "there"), ["a", "c"], "the move is not undone");
        assert_eq!(
            (world.ids(Side::Target, "INBOX"), world.ids(Side::Target, "there")),
            (vec!["a".into()], vec!["a".into()])
        );
        world.servers.target.switch(|switches| switches.may_expunge = true);
        world.settle().await;
        world.assert_equal();
        assert_eq!(world.ids(Side::Target, "there"), ["a", "c"]);
        assert_eq!(world.ids(Side::Target, "INBOX"), Vec::<String>::new());
        world.assert_idle().await;
    }
}

/// A person marks a message that somebody moves on the other side, and the folder into which it goes keeps no marks for us.
#[tokio::test]
async fn marks_of_what_is_moved_where_they_cannot_be_written_are_not_lost() {
    for world in worlds() {
        world.add(Side::Source, "INBOX", "a", &["\\Seen", "gone"]);
        world.servers.source.create(&path("there")).unwrap();
        world.settle().await;
        world.mark(Side::Target, "INBOX", "a", &["\\Flagged", "work"], &[]);
        world.mark(Side::Source, "INBOX", "a", &["\\Answered"], &["gone"]);
        world.shift(Side::Source, "INBOX", "a", "there");
        let none = Holds { marks: Marks::default(), any_keyword: false };
        world.servers.target.switch(|switches| switches.holds_in = [(path("there"), none)].into());
        for _ in 0..3 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        let all = ["\\Seen", "\\Answered", "\\Flagged", "work"];
        assert_eq!(marks(&world, Side::Source, "there", "a"), all);
        world.servers.target.switch(|switches| switches.holds_in.clear());
        world.settle().await;
        assert_eq!(marks(&world, Side::Target, "there", "a"), all);
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// Our own late twin may not be removed: it waits, and everything else goes on.
#[tokio::test]
async fn a_late_twin_that_may_not_be_removed_holds_up_nothing_else() {
    let world = World::in_memory(Switches::default(), Switches { late_commit: true, ..Switches::default() });
    world.add(Side::Source, "INBOX", "a", &[]);
    let steps = world.steps.clone();
    world.steps.on("target send", 1, move || steps.crash_at(steps.taken() + 1));
    world.pass().await.unwrap_err();
    world.revive();
    world.settle().await;
    assert_eq!(world.servers.target.release_late(), 1);
    world.servers.target.switch(|switches| switches.may_expunge = false);
    world.add(Side::Source, "INBOX", "b", &[]);
    world.add(Side::Source, "other", "c", &[]);
    for _ in 0..3 {
        let report = world.pass().await.unwrap();
        assert_eq!(troubles(&report), [Code::DeletionWithheld]);
    }
    assert_eq!(world.ids(Side::Source, "INBOX"), ["a", "b"], "no double is carried back");
    assert_eq!((world.ids(Side::Target, "INBOX").len(), world.ids(Side::Target, "other")), (2, vec!["c".into()]));
    world.servers.target.switch(|switches| switches.may_expunge = true);
    world.settle().await;
    world.assert_equal();
    assert_eq!(world.ids(Side::Target, "INBOX"), ["a", "b"]);
}

/// Too long, a letter that it does not take, or one too many: the message crosses, and so do its other marks.
#[tokio::test]
async fn a_keyword_that_a_server_refuses_holds_up_neither_mail_nor_other_marks() {
    for world in worlds() {
        world.servers.target.switch(|switches| switches.refuses_keywords = vec!["[br]".to_owned()]);
        world.add(Side::Source, "INBOX", "old", &[]);
        world.settle().await;
        world.mark(Side::Source, "INBOX", "old", &["\\Flagged", "[br]", "work"], &[]);
        let seen = Marks::from_names(["\\Seen", "[br]", "work"]);
        for id in ["new", "newer"] {
            world.add(Side::Source, "INBOX", id, &["\\Seen", "[br]", "work"]);
        }
        // This one is streamed, and has passed when it is refused.
        world.servers.source.switch(|switches| switches.big_from = 50_000);
        let large = format!("{}{}", mail("large"), "y".repeat(60_000));
        world.servers.source.add(&path("INBOX"), large, seen, None).unwrap();
        world.add(Side::Source, "INBOX", "plain", &["\\Seen"]);
        let report = world.settle().await;
        assert_eq!((report.parked, report.trouble.len()), (0, 0));
        assert_eq!(marks(&world, Side::Target, "INBOX", "old"), ["\\Flagged", "work"]);
        for id in ["new", "newer", "large"] {
            assert_eq!(marks(&world, Side::Target, "INBOX", id), ["\\Seen", "work"], "{id}");
            assert_eq!(marks(&world, Side::Source, "INBOX", id), ["\\Seen", "[br]", "work"], "{id}");
        }
        world.mark(Side::Target, "INBOX", "new", &["\\Answered"], &["work"]);
        world.settle().await;
        assert_eq!(marks(&world, Side::Source, "INBOX", "new"), ["\\Seen", "\\Answered", "[br]"]);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn deletions_go_on_where_a_mark_cannot_be_written() {
    for world in worlds() {
        for id in ["a", "b"] {
            world.add(Side::Source, "INBOX", id, &[]);
        }
        world.settle().await;
        keeps(&world, ALL & !Marks::SEEN, true);
        world.mark(Side::Source, "INBOX", "a", &["\\Seen"], &[]);
        world.expunge(Side::Source, "INBOX", "b");
        for _ in 0..3 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        assert_eq!(world.ids(Side::Target, "INBOX"), ["a"]);
        let report = world.pass().await.unwrap();
        assert_eq!(troubles(&report), [Code::MarksWithheld]);
    }
}
