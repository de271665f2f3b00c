//! A dry run tells what the next pass would do, and changes nothing (`World::dry_run` checks that each time).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod world;

use parom_domain::Side;
use parom_engine::{AccountPlan, FolderStep};
use parom_lab::memory::Switches;
use world::{World, path};

async fn planned(world: &World) -> AccountPlan {
    world.dry_run().await.plan.unwrap()
}

/// What the plan brings into a folder of the target.
fn into_target(plan: &AccountPlan, folder: &str) -> usize {
    let found = plan.folders.values().find(|planned| planned.name == Some(path(folder)));
    found.map_or(0, |planned| planned.creates.target.len())
}

#[tokio::test]
async fn what_would_come_into_new_folders_is_counted() {
    for switches in [Switches::default(), Switches::plain()] {
        let world = World::in_memory(switches.clone(), switches);
        for id in ["a", "b", "c"] {
            world.add(Side::Source, "work/2026", id, &[]);
        }
        world.add(Side::Source, "INBOX", "d", &[]);
        world.servers.source.create(&path("empty")).unwrap();
        let plan = planned(&world).await;
        for folder in ["work/2026", "empty"] {
            let make = FolderStep::Make { side: Side::Target, path: path(folder) };
            assert!(plan.steps.contains(&make), "{:?}", plan.steps);
        }
        assert_eq!(["work/2026", "INBOX", "empty"].map(|folder| into_target(&plan, folder)), [3, 1, 0]);
        world.settle().await;
        assert!(planned(&world).await.is_empty());
    }
}

#[tokio::test]
async fn a_folder_that_takes_the_name_of_a_renamed_one_is_told_as_both() {
    let world = World::modern();
    for at in 0..30 {
        world.add(Side::Source, "work", &format!("w{at}"), &[]);
    }
    world.settle().await;
    world.servers.source.rename(&path("work"), &path("old work")).unwrap();
    world.add(Side::Source, "work", "fresh", &[]);
    let plan = planned(&world).await;
    let side = Side::Target;
    let rename = FolderStep::Rename { side, from: path("work"), to: path("old work") };
    assert_eq!(plan.steps, [rename, FolderStep::Make { side, path: path("work") }]);
    assert_eq!((into_target(&plan, "work"), plan.creates()), (1, 1));
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn a_removed_folder_is_told_as_missing_and_then_as_to_be_removed() {
    for side in Side::ALL {
        let world = World::modern();
        for folder in ["old", "old/below", "kept"] {
            world.add(side, folder, &format!("in-{}", path(folder).name()), &[]);
        }
        world.settle().await;
        world.servers[side].remove(&path("old/below")).unwrap();
        world.servers[side].remove(&path("old")).unwrap();
        let other = side.other();
        let missing = |folder| FolderStep::Missing { side, path: path(folder) };
        let steps = planned(&world).await.steps;
        assert_eq!(steps.len(), 2);
        assert!(steps.contains(&missing("old")) && steps.contains(&missing("old/below")), "{steps:?}");
        // The pass notes it; when the grace is over, the next one would remove them from below.
        world.pass().await.unwrap();
        world.wait_out_the_grace();
        let remove = |folder| FolderStep::Remove { side: other, path: path(folder) };
        assert_eq!(planned(&world).await.steps, [remove("old/below"), remove("old")]);
        // New mail keeps its folder and the ones above it.
        let undisturbed = world.servers[other].backup();
        world.add(other, "old/below", "new", &[]);
        assert_eq!(planned(&world).await.steps, []);
        world.servers[other].restore(&undisturbed);
        world.settle().await;
        assert!(!world.servers[other].folders().contains(&path("old")));
        world.assert_equal();
    }
}

#[tokio::test]
async fn what_a_brake_would_hold_is_told_and_not_planned() {
    let world = World::modern();
    for at in 0..30 {
        world.add(Side::Source, "work", &format!("w{at}"), &[]);
    }
    world.settle().await;
    world.servers.source.remove(&path("work")).unwrap();
    world.pass().await.unwrap();
    world.wait_out_the_grace();
    let report = world.dry_run().await;
    assert_eq!(report.held.len(), 1);
    assert!(report.plan.unwrap().is_empty());
}
