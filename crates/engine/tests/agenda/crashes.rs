//! Kills and cuts at every step of every scenario, from both sides: both sides end equal, nothing is doubled, and a further
//! pass does nothing.

use crate::world::World;
use parom_domain::Side;
use parom_lab::memory::{AgendaSwitches, CalendarPicture, Fault};

type Act = fn(&World, Side);

struct Scenario {
    name: &'static str,
    /// Before the first pass.
    before: Act,
    /// After both sides came to rest.
    then: Act,
}

fn servers(kind: usize) -> World {
    let plain = AgendaSwitches { tokens: false, deltas: false, tells_versions: false, ..AgendaSwitches::default() };
    let strict = AgendaSwitches { unique_uids: true, batch_items: 1, ..AgendaSwitches::default() };
    match kind {
        0 => World::plain(),
        1 => World::new(AgendaSwitches::default(), plain),
        3 => World::new(stepwise(), AgendaSwitches { writes_in_steps: true, ..strict }),
        _ => World::new(AgendaSwitches { deltas: false, ..AgendaSwitches::default() }, strict),
    }
}

fn stepwise() -> AgendaSwitches {
    AgendaSwitches { writes_in_steps: true, tells_fleeting: false, ..AgendaSwitches::default() }
}

fn three(world: &World, here: Side) {
    world.servers[here].add_calendar("Work");
    for uid in ["a", "b", "c"] {
        world.add(here, "Calendar", uid);
    }
    world.add(here, "Work", "w");
}

fn nothing(_: &World, _: Side) {}

const SCENARIOS: [Scenario; 15] = [
    Scenario { name: "first copy", before: nothing, then: three },
    Scenario {
        name: "both have something already",
        before: nothing,
        then: |world, here| {
            three(world, here);
            let there = here.other();
            world.add(there, "Calendar", "a");
            world.add(there, "Calendar", "x");
            world.edit(there, "Calendar", "a", "place", "hall");
        },
    },
    Scenario {
        name: "an edit on one side",
        before: three,
        then: |world, here| world.edit(here, "Calendar", "a", "title", "new"),
    },
    Scenario {
        name: "a new title, which takes away what is written again",
        before: |world, here| {
            three(world, here);
            world.edit(here, "Calendar", "a", "mark1", "1");
            world.edit(here, "Calendar", "a", "mark2", "1");
        },
        then: |world, here| {
            world.edit(here, "Calendar", "a", "title", "new");
            world.edit(here, "Calendar", "a", "mark3", "1");
            world.edit(here, "Calendar", "a", "note", "new");
            world.edit(here.other(), "Calendar", "a", "mark4", "1");
        },
    },
    Scenario {
        name: "different fields on both sides",
        before: three,
        then: |world, here| {
            world.edit(here, "Calendar", "a", "title", "new");
            world.edit(here.other(), "Calendar", "a", "note", "other");
        },
    },
    Scenario {
        name: "the same field on both sides",
        before: three,
        then: |world, here| {
            world.edit(here, "Calendar", "a", "title", "new");
            world.edit(here.other(), "Calendar", "a", "title", "other");
        },
    },
    Scenario {
        name: "the same edit on both sides",
        before: three,
        then: |world, here| {
            world.edit(here, "Calendar", "a", "title", "new");
            world.edit(here.other(), "Calendar", "a", "title", "new");
        },
    },
    Scenario { name: "deleted", before: three, then: |world, here| _ = world.servers[here].delete("Calendar", "a") },
    Scenario {
        name: "deleted here and edited there",
        before: three,
        then: |world, here| {
            world.servers[here].delete("Calendar", "a");
            world.edit(here.other(), "Calendar", "a", "title", "wanted");
        },
    },
    Scenario {
        name: "deleted on both sides",
        before: three,
        then: |world, here| {
            world.servers[here].delete("Calendar", "a");
            world.servers[here.other()].delete("Calendar", "a");
        },
    },
    Scenario {
        name: "moved to another calendar",
        before: three,
        then: |world, here| _ = world.servers[here].shift("Calendar", "a", "Work"),
    },
    Scenario {
        name: "moved and edited, edited there",
        before: three,
        then: |world, here| {
            world.servers[here].shift("Calendar", "a", "Work");
            world.edit(here, "Work", "a", "title", "moved");
            world.edit(here.other(), "Calendar", "a", "note", "edited");
        },
    },
    Scenario {
        name: "accepted, which makes a new event of it",
        before: three,
        then: |world, here| {
            world.servers[here].shift("Calendar", "a", "Calendar");
            world.edit(here, "Calendar", "a", "status", "accepted");
        },
    },
    Scenario {
        name: "a new calendar with events",
        before: three,
        then: |world, here| {
            world.servers[here].add_calendar("Home");
            world.add(here, "Home", "h");
        },
    },
    Scenario {
        name: "everything at once",
        before: three,
        then: |world, here| {
            let there = here.other();
            world.servers[here].delete("Calendar", "a");
            world.edit(here, "Calendar", "b", "title", "one");
            world.edit(there, "Calendar", "b", "note", "two");
            world.add(here, "Work", "n");
            world.add(there, "Calendar", "m");
            world.servers[there].shift("Calendar", "c", "Work");
            world.servers[there].delete("Work", "w");
        },
    },
];

async fn prepared(scenario: &Scenario, kind: usize, here: Side) -> World {
    let world = servers(kind);
    (scenario.before)(&world, here);
    world.settle().await;
    (scenario.then)(&world, here);
    world
}

fn pictures(world: &World) -> [CalendarPicture; 2] {
    Side::ALL.map(|side| world.servers[side].picture())
}

async fn check(scenario: &Scenario, kind: usize, here: Side) -> usize {
    let world = prepared(scenario, kind, here).await;
    world.steps.revive();
    world.settle().await;
    let trail = world.steps.trail();
    world.assert_equal();
    world.assert_idle().await;
    let wanted = pictures(&world);
    for fault in [Fault::Death, Fault::Cut] {
        for at in 1..=trail.len() as u64 {
            let place = format!(
                "{}, kind {kind}, here {here}, {fault:?} at step {at}: {}",
                scenario.name,
                trail[at as usize - 1]
            );
            let world = prepared(scenario, kind, here).await;
            world.steps.revive();
            world.steps.fail_at(at, fault);
            for _ in 0..16 {
                match world.pass().await {
                    Err(_) if fault == Fault::Death => break,
                    Ok(report) if report.settled => break,
                    _ => world.wait_out_the_grace(),
                }
            }
            world.steps.revive();
            let result = tokio::spawn(async move {
                world.settle().await;
                world.assert_equal();
                world.assert_idle().await;
                assert_eq!(Side::ALL.map(|side| world.servers[side].halves()), [0, 0]);
                world
            });
            let world = result.await.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(pictures(&world), wanted, "{place}");
        }
    }
    trail.len()
}

#[tokio::test]
async fn every_crash_ends_like_a_quiet_day() {
    let mut steps = 0;
    for scenario in &SCENARIOS {
        for kind in 0..4 {
            for here in Side::ALL {
                steps += check(scenario, kind, here).await;
            }
        }
    }
    assert!(steps > 1000, "{steps} steps");
}

#[tokio::test]
async fn the_store_says_what_the_book_in_memory_says() {
    for scenario in &SCENARIOS {
        let world = servers(0).with_disk().await;
        (scenario.before)(&world, Side::Source);
        world.settle().await;
        world.assert_same_state().await;
        (scenario.then)(&world, Side::Source);
        for _ in 0..6 {
            world.pass().await.unwrap();
            world.assert_same_state().await;
            world.wait_out_the_grace();
        }
    }
}
