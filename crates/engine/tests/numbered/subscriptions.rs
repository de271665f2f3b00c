//! Which folders a person sees is a person's choice: no rename, no new folder and no crash unsubscribes anything.

use crate::world::{World, path};
use parom_domain::{FolderPath, Side};
use parom_lab::memory::{Fault, Switches};

/// Does something on the source and lets it cross, with a death at every step; checks what is subscribed then.
async fn crosses(prepare: impl AsyncFn(&World), wanted: &[&str]) {
    let wanted: Vec<FolderPath> = wanted.iter().map(|name| path(name)).collect();
    let (mut at, mut last) = (0, 1);
    while at <= last {
        let world = World::in_memory(Switches::default(), Switches::default());
        world.servers.source.create(&path("old/below")).unwrap();
        world.servers.source.create(&path("old")).unwrap();
        for name in ["old", "old/below"] {
            world.add(Side::Source, name, name, &[]);
            world.servers.source.subscribe(&path(name), true);
        }
        world.settle().await;
        assert_eq!(world.servers.target.subscribed(), [path("old"), path("old/below")], "in the first settling");
        prepare(&world).await;
        world.revive();
        if at > 0 {
            world.steps.fail_at(at, Fault::Death);
        }
        let report = world.pass().await;
        if at == 0 {
            last = world.steps.taken();
            drop(report);
        }
        world.revive();
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(world.servers[side].subscribed(), wanted, "on the {side}, death at step {at} of {last}");
        }
        world.assert_idle().await;
        at += 1;
    }
}

#[tokio::test]
async fn a_renamed_folder_stays_subscribed_under_its_new_name() {
    // A careful mail program, and one that leaves the subscriptions where they were.
    for careful in [true, false] {
        crosses(
            async |world| {
                let source = &world.servers.source;
                source.rename(&path("old"), &path("new")).unwrap();
                for (old, new) in [("old", "new"), ("old/below", "new/below")] {
                    source.subscribe(&path(old), false);
                    source.subscribe(&path(new), careful);
                }
            },
            &["new", "new/below"],
        )
        .await;
    }
}

#[tokio::test]
async fn a_new_folder_comes_with_its_subscription_in_the_same_pass() {
    let world = World::modern();
    world.servers.source.create(&path("new")).unwrap();
    world.servers.source.subscribe(&path("new"), true);
    assert!(world.pass().await.unwrap().settled);
    assert_eq!(world.servers.target.subscribed(), [path("new")]);
    world.assert_idle().await;
}

/// What a server refuses is no progress: whoever runs passes would try it again at once, and for ever.
#[tokio::test]
async fn a_refused_folder_that_is_subscribed_counts_as_no_step() {
    for side in Side::ALL {
        let world = World::modern();
        let refusing = &world.servers[side.other()];
        refusing.switch(|switches| _ = switches.refuses_names.insert(path("odd")));
        for name in ["odd", "fine"] {
            world.servers[side].create(&path(name)).unwrap();
            world.servers[side].subscribe(&path(name), true);
        }
        let steps = async || {
            let report = world.pass().await.unwrap();
            assert_eq!(report.trouble.len(), 1, "{:?}", report.trouble);
            report.folder_steps
        };
        // The other folder is made and subscribed.
        assert_eq!([steps().await, steps().await, steps().await], [2, 0, 0], "{side}");
        refusing.switch(|switches| switches.refuses_names.clear());
        assert_eq!(world.settle().await.folder_steps, 2);
        assert_eq!(refusing.subscribed(), [path("fine"), path("odd")]);
    }
}

#[tokio::test]
async fn what_a_person_unsubscribes_is_unsubscribed() {
    crosses(async |world| world.servers.source.subscribe(&path("old"), false), &["old/below"]).await;
}

#[tokio::test]
async fn a_removed_folder_leaves_no_subscription() {
    let world = World::modern();
    world.servers.source.create(&path("old")).unwrap();
    world.servers.source.subscribe(&path("old"), true);
    world.settle().await;
    world.servers.source.subscribe(&path("old"), false);
    world.servers.source.remove(&path("old")).unwrap();
    world.settle().await;
    assert_eq!(world.servers.target.subscribed(), [] as [FolderPath; 0]);
}
