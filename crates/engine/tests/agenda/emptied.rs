//! Calendars that list nothing: people have emptied them, or the server has lost its index. Number 39 of the list of 55.

use crate::world::World;
use parom_domain::events::policy::{CalendarMode, EventPolicy};
use parom_domain::{Code, Side};
use parom_lab::memory::AgendaSwitches;

/// Three events in the default calendar of both sides, and one more calendar.
async fn small(here: Side, (tokens, deltas): (bool, bool)) -> World {
    let switches = || AgendaSwitches { tokens, deltas, ..AgendaSwitches::default() };
    let world = World::new(switches(), switches());
    world.servers[here].add_calendar("Work");
    for uid in ["e0", "e1", "e2"] {
        world.add(here, "Calendar", uid);
    }
    world.settle().await;
    world
}

#[tokio::test]
async fn a_small_calendar_whose_list_lies_loses_nothing_and_is_told() {
    for here in Side::ALL {
        for ways in [(true, true), (true, false), (false, false)] {
            let there = here.other();
            let world = small(here, ways).await;
            world.servers[here].switch(|switches| switches.hides = Some("Calendar".to_owned()));
            world.servers[here].forget_tokens();
            for round in 0..4 {
                world.add(here, "Work", &format!("w{round}"));
                let report = world.pass().await.unwrap();
                assert!(!report.settled);
                assert_eq!((report.deleted.source, report.deleted.target), (0, 0));
                let told: Vec<_> =
                    report.trouble.iter().map(|(name, error)| (name.as_deref().unwrap(), error.code())).collect();
                let lies = [("Calendar", Code::CalendarIncomplete)];
                assert_eq!(told, if round == 0 { &[][..] } else { &lies[..] }, "within the grace nothing is believed");
                world.wait_out_the_grace();
            }
            assert_eq!(world.servers[there].uids("Calendar"), ["e0", "e1", "e2"]);
            assert_eq!(world.servers[there].uids("Work"), ["w0", "w1", "w2", "w3"], "the others go on");
            world.servers[here].switch(|switches| switches.hides = None);
            world.settle().await;
            world.assert_equal();
            assert_eq!(world.servers[here].uids("Calendar").len(), 3);
            world.assert_idle().await;
        }
    }
}

/// What may have gone to a calendar that lies is not believed gone either.
#[tokio::test]
async fn while_a_list_lies_nothing_is_deleted_elsewhere() {
    for here in Side::ALL {
        let there = here.other();
        let world = small(here, (true, true)).await;
        world.add(here, "Work", "w0");
        world.settle().await;
        world.servers[here].switch(|switches| switches.hides = Some("Calendar".to_owned()));
        world.servers[here].forget_tokens();
        world.servers[here].shift("Work", "w0", "Calendar");
        for _ in 0..3 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        assert_eq!(world.servers[there].uids("Work"), ["w0"]);
        world.servers[here].switch(|switches| switches.hides = None);
        world.servers[here].forget_tokens();
        world.settle().await;
        assert_eq!(world.servers[there].uids("Calendar"), ["e0", "e1", "e2", "w0"]);
        world.assert_equal();
    }
}

#[tokio::test]
async fn a_small_calendar_that_people_emptied_costs_one_question_more() {
    for here in Side::ALL {
        let world = small(here, (true, false)).await;
        for (uids, questions) in [(&["e0"][..], 0), (&["e1", "e2"][..], 1)] {
            for uid in uids {
                world.servers[here].delete("Calendar", uid);
            }
            world.pass().await.unwrap();
            world.wait_out_the_grace();
            world.steps.revive();
            let report = world.pass().await.unwrap();
            assert_eq!(report.deleted[here.other()], uids.len() as u64);
            let reads = world.steps.trail().iter().filter(|step| **step == format!("{here} read")).count();
            assert_eq!(reads, questions, "{uids:?}");
        }
        world.settle().await;
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// Nothing is written where the list lies: an edit of the other side waits, and arrives once.
#[tokio::test]
async fn an_edit_meets_a_list_that_lies_and_makes_no_twin() {
    for here in Side::ALL {
        let world = small(here, (false, false)).await;
        world.servers[here].switch(|switches| switches.hides = Some("Calendar".to_owned()));
        world.pass().await.unwrap();
        world.wait_out_the_grace();
        world.edit(here.other(), "Calendar", "e0", "note", "new");
        world.pass().await.unwrap();
        world.servers[here].switch(|switches| switches.hides = None);
        world.settle().await;
        assert_eq!(world.servers[here].uids("Calendar"), ["e0", "e1", "e2"]);
        assert_eq!(world.get(here, "e0", "note").as_deref(), Some("new"));
        world.assert_equal();
    }
}

/// Where only what we brought is taken away, fewer go than were linked, and no brake holds them.
#[tokio::test]
async fn a_list_that_lies_takes_nothing_from_a_mirror() {
    let mut world = World::plain();
    world.policy = EventPolicy::of(CalendarMode::Sync, true).unwrap();
    let uids: Vec<String> = (0..6).map(|at| format!("e{at}")).collect();
    for uid in &uids {
        world.add(Side::Source, "Calendar", uid);
    }
    for uid in &uids[..2] {
        world.add(Side::Target, "Calendar", uid);
    }
    world.settle().await;
    world.servers.source.switch(|switches| switches.hides = Some("Calendar".to_owned()));
    world.servers.source.forget_tokens();
    for _ in 0..3 {
        world.pass().await.unwrap();
        world.wait_out_the_grace();
    }
    assert_eq!(world.servers.target.uids("Calendar"), uids);
    world.servers.source.switch(|switches| switches.hides = None);
    world.settle().await;
    world.assert_equal();
    world.assert_idle().await;
}
