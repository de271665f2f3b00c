//! L15: a folder that a listing leaves out, or that cannot be opened, is not gone for that.

use crate::loss::in_step;
use crate::total;
use crate::world::path;
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
