//! One side alone is written: what people change on the other stays theirs, and crosses once both sides are written.

use crate::numbered::filled;
use crate::world::World;
use parom_domain::Side;
use parom_domain::events::policy::{CalendarMode, EventPolicy};

/// `sync`: to the target only, and only what it brought is taken away again.
#[tokio::test]
async fn sync_writes_one_side_and_removes_only_what_it_brought() {
    let mut world = World::plain();
    world.policy = EventPolicy::of(CalendarMode::Sync, true).unwrap();
    world.add(Side::Source, "Calendar", "brought");
    world.add(Side::Source, "Calendar", "both");
    world.add(Side::Target, "Calendar", "both");
    world.add(Side::Target, "Calendar", "own");
    world.settle().await;
    world.assert_idle().await;
    assert_eq!(world.servers.target.uids("Calendar"), ["both", "brought", "own"]);
    assert_eq!(world.servers.source.uids("Calendar"), ["both", "brought"]);
    world.edit(Side::Target, "Calendar", "brought", "note", "my own");
    world.edit(Side::Source, "Calendar", "brought", "title", "new");
    world.settle().await;
    assert_eq!(world.get(Side::Target, "brought", "title").as_deref(), Some("new"));
    assert_eq!(world.get(Side::Target, "brought", "note").as_deref(), Some("my own"));
    world.edit(Side::Source, "Calendar", "brought", "title", "newer");
    world.settle().await;
    assert_eq!(world.get(Side::Target, "brought", "note").as_deref(), Some("my own"));
    world.servers.source.delete("Calendar", "brought");
    world.servers.source.delete("Calendar", "both");
    world.settle().await;
    world.assert_idle().await;
    assert_eq!(world.servers.target.uids("Calendar"), ["both", "brought", "own"], "an edit beats a delete");
    world.servers.target.delete("Calendar", "brought");
    world.settle().await;
    assert_eq!(world.servers.target.uids("Calendar"), ["both", "own"]);
    assert_eq!(world.servers.source.writes(), 0);
    // Then the account is subscribed: what was left is carried, what was deleted stays deleted.
    world.policy = EventPolicy::default();
    world.settle().await;
    world.assert_idle().await;
    assert_eq!(world.servers.source.uids("Calendar"), ["own"]);
}

/// What people changed on the target while it was not carried is theirs until it may be.
#[tokio::test]
async fn what_was_changed_before_the_account_was_subscribed_crosses_then() {
    for tells_changes in [true, false] {
        let mut world = World::plain();
        world.policy = EventPolicy::of(CalendarMode::Sync, true).unwrap();
        let mut world = filled(world, Side::Source, 4).await;
        for uid in ["e0", "e1", "e2"] {
            world.edit(Side::Target, "Calendar", uid, "note", "own");
        }
        for _ in 0..2 {
            world.settle().await;
            world.assert_idle().await;
        }
        world.edit(Side::Source, "Calendar", "e1", "title", "theirs");
        world.servers.source.delete("Calendar", "e2");
        world.servers.target.delete("Calendar", "e3");
        world.settle().await;
        world.assert_idle().await;
        assert_eq!(world.servers.source.writes(), 0);
        assert_eq!(world.servers.target.uids("Calendar"), ["e0", "e1", "e2"]);
        if !tells_changes {
            world.servers.target.forget_tokens();
        }
        world.policy = EventPolicy::default();
        let planned = world.dry_run().await.plan.unwrap().events;
        assert_eq!(planned.iter().map(|it| it.uid.as_str()).collect::<Vec<_>>(), ["e0", "e1", "e2"]);
        world.settle().await;
        world.assert_idle().await;
        for uid in ["e0", "e1", "e2"] {
            assert_eq!(world.get(Side::Source, uid, "note").as_deref(), Some("own"), "{uid}");
        }
        assert_eq!(world.get(Side::Source, "e1", "title").as_deref(), Some("theirs"));
        assert_eq!(world.servers.source.uids("Calendar"), ["e0", "e1", "e2", "e3"], "what was deleted stays deleted");
        assert_eq!(world.servers.target.uids("Calendar"), ["e0", "e1", "e2"]);
        assert!(world.dry_run().await.plan.unwrap().events.is_empty(), "a plan of nothing");
    }
}

/// C9: whoever may not write back is a mirror.
#[tokio::test]
async fn without_leave_to_write_back_the_source_is_not_touched() {
    let mut world = World::plain();
    world.policy = EventPolicy::of(CalendarMode::Subscribe, false).unwrap();
    let world = filled(world, Side::Source, 3).await;
    world.edit(Side::Target, "Calendar", "e0", "title", "own");
    world.servers.target.delete("Calendar", "e1");
    world.add(Side::Target, "Calendar", "own");
    world.settle().await;
    world.servers.source.delete("Calendar", "e2");
    world.settle().await;
    world.assert_idle().await;
    assert_eq!(world.servers.source.writes(), 0);
    assert_eq!(world.servers.source.uids("Calendar"), ["e0", "e1"]);
    assert_eq!(world.servers.target.uids("Calendar"), ["e0", "own"]);
}
