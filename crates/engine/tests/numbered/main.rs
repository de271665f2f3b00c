//! The loss, duplication and corruption scenarios by their numbers, the brakes and the parking: `docs/scenarios.md` lists
//! them all, and says where those are tested that are about the wire or the store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../world/mod.rs"]
mod world;

mod absent;
mod altered;
mod brakes;
mod convoys;
mod corruption;
mod duplication;
mod half_moved;
mod index;
mod loss;
mod moved_meanwhile;
mod parking;
mod rights;
mod strays;
mod subscriptions;

use parom_domain::Side;
use parom_lab::memory::{Fault, MemoryServer, Picture};
use world::World;

/// Runs the passes after `prepare` once undisturbed, then with a death and with a cut at every step. Every run has to end
/// as the first one did, and then rest. Hooks that `prepare` has set run once, in whichever life their step comes.
async fn survives_every_crash(prepare: impl AsyncFn() -> World) -> World {
    let first = prepare().await;
    let before = first.steps.taken();
    rest(&first).await;
    let trail = first.steps.trail().split_off(before as usize);
    first.assert_idle().await;
    let pictures = |world: &World| Side::ALL.map(|side| world.servers[side].picture());
    let wanted: [Picture; 2] = pictures(&first);
    for fault in [Fault::Death, Fault::Cut] {
        for at in 1..=trail.len() as u64 {
            let place = format!("{fault:?} at step {at}: {}", trail[at as usize - 1]);
            let world = prepare().await;
            world.steps.fail_at(world.steps.taken() + at, fault);
            for _ in 0..12 {
                match world.pass().await {
                    Err(_) if fault == Fault::Death => break,
                    Ok(report) if report.settled => break,
                    _ => world.wait_out_the_grace(),
                }
            }
            world.steps.go_on();
            eprintln!("{place}");
            rest(&world).await;
            world.assert_idle().await;
            assert_eq!(pictures(&world), wanted, "{place}");
        }
    }
    first
}

/// What happens in a folder after a pass has looked at it is for the next pass.
async fn rest(world: &World) {
    world.settle().await;
    world.settle().await;
}

/// All messages of a mailbox.
fn total(server: &MemoryServer) -> usize {
    server.picture().values().map(Vec::len).sum()
}
