//! L15: a folder that a listing leaves out, or that cannot be opened, is not gone for that.

use crate::loss::in_step;
use crate::total;
use crate::world::{World, path};
use parom_domain::{Code, Side};
use parom_lab::memory::Switches;

#[tokio::test]
async fn l15_a_folder_that_is_missing_from_one_listing_keeps_its_mail() {
    for side in Side::ALL {
        let world = in_step(2, Switches::default(), Switches::default()).await;
        world.add(Side::Source, "work", "a", &[]);
        world.add(Side::Source, "work/deep", "b", &[]);
        world.settle().await;
        world.servers[side].switch(|switches| {
            switches.unlisted.insert(path("work"));
            switches.unlisted.insert(path("work/deep"));
        });
        let report = world.pass().await.unwrap();
        assert_eq!((report.deleted, report.folder_steps, report.settled), (0, 0, false));
        world.servers[side].switch(|switches| switches.unlisted.clear());
        world.wait_out_the_grace();
        world.settle().await;
        assert_eq!(Side::ALL.map(|side| total(&world.servers[side])), [4, 4]);
        world.assert_equal();
    }
}

#[tokio::test]
async fn l15_a_folder_that_is_not_listed_and_opens_goes_on_as_before() {
    for switches in [Switches::default(), Switches::plain()] {
        for side in Side::ALL {
            let world = in_step(2, switches.clone(), switches.clone()).await;
            world.add(Side::Source, "work", "a", &[]);
            world.settle().await;
            world.servers[side].switch(|switches| {
                switches.unlisted.insert(path("work"));
                switches.unlisted_opens = true;
            });
            world.add(Side::Source, "work", "b", &[]);
            world.add(Side::Target, "work", "c", &[]);
            for _ in 0..4 {
                let report = world.pass().await.unwrap();
                assert_eq!((report.deleted, report.folder_steps), (0, 0));
                world.wait_out_the_grace();
            }
            assert_eq!(Side::ALL.map(|side| world.ids(side, "work").len()), [3, 3]);
            world.assert_equal();
            world.assert_idle().await;
            // A person deletes it after all.
            world.servers[side].remove(&path("work")).unwrap();
            world.settle().await;
            assert_eq!(world.servers[side.other()].folders(), [path("INBOX")]);
        }
    }
}

#[tokio::test]
async fn l15_a_folder_that_cannot_be_opened_is_not_absent() {
    for side in Side::ALL {
        let world = in_step(2, Switches::plain(), Switches::plain()).await;
        world.add(Side::Source, "work", "a", &[]);
        world.settle().await;
        world.servers[side].switch(|switches| _ = switches.cannot_open.insert(path("work")));
        // A message that is missing elsewhere meanwhile may have gone there: its deletion waits.
        world.expunge(side, "INBOX", "m1");
        let folders = Side::ALL.map(|side| world.servers[side].folders());
        for _ in 0..4 {
            let report = world.pass().await.unwrap();
            assert_eq!(report.trouble[0].1.code(), Code::FolderCannotOpen);
            world.wait_out_the_grace();
        }
        assert_eq!(world.count(side.other(), "INBOX", "<m1@"), 1);
        assert_eq!(Side::ALL.map(|side| world.servers[side].folders()), folders, "nothing is made or removed");
        world.servers[side].switch(|switches| switches.cannot_open.clear());
        world.settle().await;
        assert_eq!(world.ids(Side::Source, "work"), ["a"]);
        assert_eq!(world.count(side.other(), "INBOX", "<m1@"), 0);
        world.assert_equal();
    }
}

/// A name that the other side does not take: its folder waits, and what may have been moved into it. All else goes on.
#[tokio::test]
async fn a_folder_that_the_other_side_refuses_holds_up_no_other_deletion() {
    for side in Side::ALL {
        for is_plain in [false, true] {
            let switches = if is_plain { Switches::plain() } else { Switches::default() };
            let world = World::in_memory(switches.clone(), switches);
            let other = side.other();
            for id in ["moved", "gone", "theirs", "kept"] {
                world.add(side, "INBOX", id, &[]);
            }
            world.add(side, "old", "o", &[]);
            world.add(side, "named", "n", &[]);
            world.settle().await;
            world.servers[other].switch(|switches| {
                switches.refuses_names.extend([path("odd"), path("odder")]);
            });
            world.servers[side].create(&path("odd")).unwrap();
            world.shift(side, "INBOX", "moved", "odd");
            world.expunge(side, "INBOX", "gone");
            world.expunge(other, "INBOX", "theirs");
            world.servers[side].remove(&path("old")).unwrap();
            world.servers[side].rename(&path("named"), &path("odder")).unwrap();
            world.add(side, "odder", "more", &[]);
            for _ in 0..4 {
                let report = world.pass().await.unwrap();
                let told: Vec<_> = report.trouble.iter().map(|(_, error)| error.code()).collect();
                assert!(told.contains(&Code::FolderRefused) && !report.settled, "{told:?}");
                world.book.release();
                world.wait_out_the_grace();
            }
            assert_eq!(world.ids(other, "INBOX"), ["kept", "moved"], "{side}");
            assert_eq!(world.ids(side, "INBOX"), ["kept"]);
            assert!(world.servers[other].validity(&path("old")).is_none(), "a removed folder goes");
            // A plain server does not tell a folder that was renamed and written to from a new one.
            if !is_plain {
                assert_eq!(world.ids(other, "named"), ["more", "n"], "a folder is in step under two names");
            }
            world.servers[side].rename(&path("odd"), &path("fine")).unwrap();
            world.servers[side].rename(&path("odder"), &path("finer")).unwrap();
            world.settle().await;
            assert_eq!(world.ids(other, "fine"), ["moved"]);
            assert_eq!(world.ids(other, "finer"), ["more", "n"]);
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

/// Hoodiecrow makes `quote\s` of `quote"s` and says OK. The folder is refused; no mail is carried that would come back under the
/// other name, and no pass takes it for progress.
#[tokio::test]
async fn a_folder_that_is_said_to_be_made_and_is_not_listed_is_refused() {
    for side in Side::ALL {
        let world = World::modern();
        let (here, there) = (&world.servers[side], &world.servers[side.other()]);
        there.switch(|switches| _ = switches.writes_otherwise.insert(path("quote\"s"), path("quote\\s")));
        world.add(side, "quote\"s", "q", &[]);
        world.add(side, "fine", "f", &[]);
        for name in ["quote\"s", "fine"] {
            here.subscribe(&path(name), true);
        }
        let mut steps = Vec::new();
        for _ in 0..4 {
            let report = world.pass().await.unwrap();
            let told: Vec<_> = report.trouble.iter().map(|(_, error)| (error.code(), error.arg("change"))).collect();
            assert_eq!(told, [(Code::FolderRefused, Some("create"))], "{side}");
            steps.push(report.folder_steps);
            world.wait_out_the_grace();
        }
        // What the server made of the name is a folder like any other, and empty.
        assert_eq!(steps, [2, 1, 0, 0]);
        assert_eq!(world.ids(side.other(), "fine"), ["f"]);
        assert_eq!((world.ids(side, "quote\"s"), world.ids(side, "quote\\s").len()), (vec!["q".to_owned()], 0));
        assert!(here.subscribed().contains(&path("quote\"s")));
        there.switch(|switches| switches.writes_otherwise.clear());
        world.settle().await;
        assert_eq!(world.ids(side.other(), "quote\"s"), ["q"]);
        assert!(here.subscribed().contains(&path("quote\"s")));
        world.assert_equal();
        world.assert_idle().await;
    }
}
