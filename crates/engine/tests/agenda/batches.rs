//! Batches of one account overlap, and each keeps its order: announced, written, read back, settled.

use crate::world::World;
use parom_domain::Side;

async fn trail(world: &World) -> Vec<String> {
    world.steps.revive();
    world.pass().await.unwrap();
    world.steps.trail()
}

/// Where steps of that name are in a trail.
fn places(trail: &[String], name: &str) -> Vec<usize> {
    trail.iter().enumerate().filter(|(_, step)| *step == name).map(|(at, _)| at).collect()
}

#[tokio::test]
async fn a_batch_is_written_before_the_last_one_was_read_back() {
    let mut world = World::plain();
    world.batch = 3;
    for at in 0..9 {
        world.add(Side::Source, "Calendar", &format!("e{at}"));
    }
    let trail = trail(&world).await;
    let (creates, reads) = (places(&trail, "target create"), places(&trail, "target read"));
    assert_eq!((creates.len(), reads.len()), (9, 3), "{trail:?}");
    assert!(creates[3] < reads[0], "{trail:?}");
    // The third batch waits until the first one is settled: two are in memory.
    let settled = places(&trail, "book committed");
    assert!(settled.iter().any(|at| reads[0] < *at && *at < creates[6]), "{trail:?}");
    world.settle().await;
    world.assert_equal();
    world.assert_idle().await;
}

#[tokio::test]
async fn what_was_written_is_settled_where_another_batch_is_stopped() {
    for at in 1..=9 {
        let mut world = World::plain();
        world.batch = 3;
        for at in 0..9 {
            world.add(Side::Source, "Calendar", &format!("e{at}"));
        }
        let stop = world.watch.stop.clone();
        world.steps.on("target create", at, move || stop.store(true, std::sync::atomic::Ordering::Relaxed));
        let _ = world.pass().await;
        let carried = world.servers.target.uids("Calendar").len();
        assert_eq!((world.book.all().len(), world.book.state().intents.len()), (carried, 0), "stopped at {at}");
        world.watch.stop.store(false, std::sync::atomic::Ordering::Relaxed);
        world.settle().await;
        world.assert_equal();
    }
}
