//! Deletions that a server refuses, and events that somebody has locked: nothing goes round in circles.

use crate::world::World;
use parom_domain::events::state::ParkedEvent;
use parom_domain::{Code, Side};
use parom_lab::memory::{AgendaSwitches, Fault};

const MINUTE_MS: u64 = 60_000;
const WAYS: [(bool, bool); 3] = [(true, true), (true, false), (false, false)];

/// Three events on both sides; the first is not removed from the other side than this one.
async fn kept(here: Side, (tokens, deltas): (bool, bool)) -> World {
    let switches = || AgendaSwitches { tokens, deltas, ..AgendaSwitches::default() };
    let world = World::new(switches(), switches());
    for uid in ["e0", "e1", "e2"] {
        world.add(here, "Calendar", uid);
    }
    world.settle().await;
    keep(&world, here.other(), Some("uid=e0"));
    world
}

fn keep(world: &World, side: Side, part: Option<&str>) {
    world.servers[side].switch(|switches| switches.keeps = part.map(str::to_owned));
}

fn lock(world: &World, side: Side, part: Option<&str>) {
    world.servers[side].switch(|switches| switches.locks = part.map(str::to_owned));
}

/// The same, after the first one was deleted and its deletion refused.
async fn refused(here: Side, ways: (bool, bool)) -> World {
    let world = kept(here, ways).await;
    world.servers[here].delete("Calendar", "e0");
    let report = world.settle().await;
    assert_eq!((report.parked, report.trouble.len(), report.wake_at_ms), (1, 0, None));
    world
}

fn parked(world: &World) -> ParkedEvent {
    let mut parked = world.book.state().parked;
    assert_eq!(parked.len(), 1);
    parked.remove(0)
}

fn tries(world: &World, step: &str) -> usize {
    world.steps.trail().iter().filter(|taken| taken.as_str() == step).count()
}

async fn assert_over(world: &World, uids: &[&str]) {
    let report = world.settle().await;
    assert_eq!((report.parked, world.book.state().parked), (0, Vec::new()));
    world.assert_equal();
    assert_eq!(world.servers.source.uids("Calendar"), uids);
    world.assert_idle().await;
}

#[tokio::test]
async fn a_refused_deletion_is_put_aside_with_its_reason_and_costs_nothing_more() {
    for here in Side::ALL {
        for ways in WAYS {
            let there = here.other();
            let world = kept(here, ways).await;
            for uid in ["e0", "e1"] {
                world.servers[here].delete("Calendar", uid);
            }
            let report = world.settle().await;
            assert_eq!((report.parked, report.trouble.len(), report.wake_at_ms), (1, 0, None));
            assert_eq!(world.servers[there].uids("Calendar"), ["e0", "e2"], "the others go on");
            let parked = parked(&world);
            assert_eq!((parked.code.as_str(), parked.side, parked.until_ms), ("event-not-removed", there, None));
            let arg = |name: &str| parked.args.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            let told = ["uid", "title", "side", "what", "host", "answer"].map(|name| arg(name).unwrap());
            assert_eq!(told, ["e0", "te0", here.as_str(), "Calendar", there.as_str(), "403 Forbidden"]);
            world.steps.revive();
            for _ in 0..3 {
                world.assert_idle().await;
                world.wait_out_the_grace();
            }
            assert_eq!((tries(&world, &format!("{there} remove")), tries(&world, &format!("{here} find"))), (0, 0));
            // What else happens goes on as ever.
            world.edit(there, "Calendar", "e2", "note", "new");
            world.add(here, "Calendar", "e3");
            world.settle().await;
            assert_eq!(world.get(here, "e2", "note").as_deref(), Some("new"));
            assert_eq!(world.servers[there].uids("Calendar"), ["e0", "e2", "e3"]);
            world.assert_idle().await;
        }
    }
}

#[tokio::test]
async fn who_has_it_tried_again_gets_it_done_once_it_is_allowed() {
    for here in Side::ALL {
        for ways in WAYS {
            let there = here.other();
            let world = refused(here, ways).await;
            world.book.try_again();
            let report = world.settle().await;
            assert_eq!((report.parked, world.servers[there].uids("Calendar").len()), (1, 3), "refused once more");
            keep(&world, there, None);
            world.assert_idle().await;
            world.book.try_again();
            assert_over(&world, &["e1", "e2"]).await;
        }
    }
}

#[tokio::test]
async fn a_refused_deletion_is_over_when_somebody_removes_the_event_there_too() {
    for here in Side::ALL {
        for ways in WAYS {
            let world = refused(here, ways).await;
            world.servers[here.other()].delete("Calendar", "e0");
            assert_over(&world, &["e1", "e2"]).await;
            assert_eq!(world.book.all().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_refused_deletion_is_over_when_the_event_comes_back() {
    for here in Side::ALL {
        for (ways, title) in WAYS.into_iter().flat_map(|ways| [(ways, "te0"), (ways, "restored")]) {
            let world = refused(here, ways).await;
            world.servers[here].add("Calendar", &format!("color=red\nnote=ne0\ntitle={title}\nuid=e0\n"));
            assert_over(&world, &["e0", "e1", "e2"]).await;
            assert_eq!(world.get(here.other(), "e0", "title").as_deref(), Some(title));
        }
    }
}

#[tokio::test]
async fn an_edit_beats_a_deletion_that_was_refused_too() {
    for here in Side::ALL {
        for ways in WAYS {
            let world = refused(here, ways).await;
            world.edit(here.other(), "Calendar", "e0", "note", "wanted");
            assert_over(&world, &["e0", "e1", "e2"]).await;
            assert_eq!(world.get(here, "e0", "note").as_deref(), Some("wanted"));
        }
    }
}

#[tokio::test]
async fn a_refused_deletion_survives_a_death_at_every_step() {
    for here in Side::ALL {
        for at in 1.. {
            let world = kept(here, (true, true)).await;
            world.servers[here].delete("Calendar", "e0");
            world.pass().await.unwrap();
            world.wait_out_the_grace();
            world.steps.revive();
            world.steps.fail_at(at, Fault::Death);
            let is_through = world.pass().await.is_ok() && !world.steps.is_dead();
            world.steps.revive();
            let report = world.settle().await;
            assert_eq!((report.parked, parked(&world).side), (1, here.other()), "after a death at step {at}");
            world.assert_idle().await;
            keep(&world, here.other(), None);
            world.book.try_again();
            assert_over(&world, &["e1", "e2"]).await;
            if is_through {
                break;
            }
        }
    }
}

/// Who locks an event lets it go again: that needs nobody, and the server is left in peace meanwhile.
#[tokio::test]
async fn what_is_locked_is_tried_again_by_itself_and_more_and_more_seldom() {
    for here in Side::ALL {
        let there = here.other();
        for (deletes, step) in [(true, "remove"), (false, "update")] {
            let world = kept(here, (true, true)).await;
            keep(&world, there, None);
            lock(&world, there, Some("uid=e0"));
            if deletes {
                world.servers[here].delete("Calendar", "e0");
                world.pass().await.unwrap();
                world.wait_out_the_grace();
            } else {
                world.edit(here, "Calendar", "e0", "note", "new");
            }
            world.steps.revive();
            let mut pauses = Vec::new();
            for _ in 0..9 {
                let report = world.pass().await.unwrap();
                assert_eq!((report.settled, report.parked, report.trouble.len()), (false, 1, 0));
                let is_early = world.pass().await.unwrap();
                assert_eq!(is_early.wake_at_ms, report.wake_at_ms);
                let pause = report.wake_at_ms.unwrap() - parom_engine::Clock::now_ms(&world.clock);
                pauses.push(pause / MINUTE_MS);
                world.wait_ms(pause);
            }
            assert_eq!(pauses, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
            assert_eq!(tries(&world, &format!("{there} {step}")), 9);
            let code = if deletes { Code::EventNotRemoved } else { Code::EventLocked };
            assert_eq!(parked(&world).code, code.as_str());
            lock(&world, there, None);
            assert_over(&world, if deletes { &["e1", "e2"] } else { &["e0", "e1", "e2"] }).await;
        }
    }
}
