//! What people do while a pass is at work, dies, or waits for what it sent. Each of these was found by a storm, or by looking
//! for the cause of one.

use crate::world::World;
use parom_domain::agenda::Version;
use parom_domain::events::state::AgendaChange;
use parom_domain::{Code, Side};
use parom_lab::memory::AgendaSwitches;

const CALENDARS: [&str; 4] = ["Calendar", "Work", "Home", "New"];

/// `e0` in the default calendar of both sides, and two more calendars.
async fn linked(switches: impl Fn(Side) -> AgendaSwitches) -> World {
    let world = World::new(switches(Side::Source), switches(Side::Target));
    world.servers.source.add_calendar("Work");
    world.servers.source.add_calendar("Home");
    world.add(Side::Source, "Calendar", "e0");
    world.settle().await;
    world.steps.revive();
    world
}

fn late(_: Side) -> AgendaSwitches {
    AgendaSwitches { late_commit: true, ..AgendaSwitches::default() }
}

fn plain(_: Side) -> AgendaSwitches {
    AgendaSwitches::default()
}

/// A world whose pass died at the first step of this name. The process lives again.
async fn died_at(make: impl AsyncFn() -> World, step: &str) -> World {
    for at in 1.. {
        let world = make().await;
        world.steps.revive();
        world.steps.crash_at(at);
        assert!(world.pass().await.is_err(), "a pass has no {step}");
        if world.steps.trail().last().is_some_and(|last| last == step) {
            world.steps.revive();
            return world;
        }
    }
    unreachable!()
}

/// In which calendars `e0` is.
fn places(world: &World, side: Side) -> Vec<&'static str> {
    let server = &world.servers[side];
    let each = |calendar: &&'static str| vec![*calendar; server.uids(calendar).len()];
    CALENDARS.iter().flat_map(each).collect()
}

#[track_caller]
fn assert_places(world: &World, wanted: &[&str]) {
    for side in Side::ALL {
        assert_eq!(places(world, side), wanted, "on {side}");
    }
    world.assert_equal();
}

#[tokio::test]
async fn s1_what_is_moved_between_the_looks_at_two_calendars_is_one_event() {
    for here in Side::ALL {
        let world = linked(plain).await;
        let server = world.servers[here].clone();
        world.steps.on(&format!("{here} observe"), 2, move || _ = server.shift("Calendar", "e0", "Work"));
        world.pass().await.unwrap();
        assert_places(&world, &["Work"]);
        world.settle().await;
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s2_what_is_deleted_while_its_copy_is_waited_for_goes() {
    for here in Side::ALL {
        let make = async || {
            let world = World::new(late(Side::Source), late(Side::Target));
            world.settle().await;
            world.add(here, "Calendar", "e0");
            world
        };
        let world = died_at(make, &format!("{} create", here.other())).await;
        world.servers[here].delete("Calendar", "e0");
        assert!(!world.pass().await.unwrap().settled);
        world.servers[here.other()].land_late();
        world.settle().await;
        assert_places(&world, &[]);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s3_what_is_moved_while_its_copy_is_waited_for_is_one_event() {
    for here in Side::ALL {
        let make = async || {
            let world = World::new(late(Side::Source), late(Side::Target));
            world.servers[here].add_calendar("Work");
            world.settle().await;
            world.add(here, "Calendar", "e0");
            world
        };
        let world = died_at(make, &format!("{} create", here.other())).await;
        world.servers[here].shift("Calendar", "e0", "Work");
        assert!(!world.pass().await.unwrap().settled);
        world.servers[here.other()].land_late();
        world.settle().await;
        assert_places(&world, &["Work"]);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s4_a_moved_copy_that_arrives_late_makes_no_second_event() {
    for here in Side::ALL {
        let make = async || {
            let world = linked(late).await;
            world.servers[here].shift("Calendar", "e0", "Work");
            world
        };
        let world = died_at(make, &format!("{} create", here.other())).await;
        world.servers[here].shift("Work", "e0", "Calendar");
        assert!(!world.pass().await.unwrap().settled);
        world.servers[here.other()].land_late();
        world.settle().await;
        assert_places(&world, &["Calendar"]);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s5_edits_of_both_copies_of_what_we_move_are_kept_in_one() {
    for here in Side::ALL {
        let there = here.other();
        let world = linked(plain).await;
        world.servers[here].shift("Calendar", "e0", "Work");
        let server = world.servers[there].clone();
        world.steps.on(&format!("{there} remove"), 1, move || {
            server.edit("Calendar", "e0", "note", Some("in the old place"));
            server.edit("Work", "e0", "place", Some("in the new one"));
        });
        world.settle().await;
        assert_places(&world, &["Work"]);
        for side in Side::ALL {
            assert_eq!(world.get(side, "e0", "note").as_deref(), Some("in the old place"));
            assert_eq!(world.get(side, "e0", "place").as_deref(), Some("in the new one"));
        }
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s6_half_a_move_that_somebody_moved_on_is_one_event() {
    for here in Side::ALL {
        let there = here.other();
        let make = async || {
            let world = linked(plain).await;
            world.servers[here].shift("Calendar", "e0", "Work");
            world
        };
        let world = died_at(make, &format!("{there} remove")).await;
        world.servers[there].shift("Work", "e0", "Home");
        world.settle().await;
        assert_eq!(places(&world, here).len(), 1);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s7_a_twin_in_the_way_of_a_move_is_told_and_loses_nothing() {
    let unique = AgendaSwitches { unique_uids: true, ..AgendaSwitches::default() };
    let world = World::new(AgendaSwitches::default(), unique);
    world.servers.source.add_calendar("Work");
    world.add(Side::Source, "Calendar", "e0");
    world.settle().await;
    world.servers.source.add("Work", "note=of its own\ntitle=te0\nuid=e0\n");
    world.settle().await;
    world.servers.target.shift("Calendar", "e0", "Work");
    let report = world.settle().await;
    assert_eq!(report.parked, 1);
    assert_eq!(world.book.state().parked[0].code, Code::EventDoubled.as_str());
    assert_eq!(places(&world, Side::Source), ["Calendar", "Work"]);
    assert_eq!(world.servers.source.get("Work", "e0", "note").as_deref(), Some("of its own"));
    assert_eq!(world.get(Side::Target, "e0", "note").as_deref(), Some("ne0"));
    world.servers.source.delete("Work", "e0");
    world.settle().await;
    assert_places(&world, &["Work"]);
    assert_eq!(world.get(Side::Source, "e0", "note").as_deref(), Some("ne0"));
    world.assert_idle().await;
}

/// An event that was put aside until later, and is settled after a crash, is put aside no longer.
#[tokio::test]
async fn s8_what_was_put_aside_and_is_settled_after_a_crash_comes_to_rest() {
    let make = async || {
        let unique = AgendaSwitches { unique_uids: true, ..AgendaSwitches::default() };
        let world = World::new(AgendaSwitches::default(), unique);
        world.settle().await;
        world.servers.target.add_calendar("Trash");
        world.servers.target.switch(|switches| switches.closed = Some("Trash".to_owned()));
        world.add(Side::Target, "Trash", "e0");
        world.add(Side::Source, "Calendar", "e0");
        world.pass().await.unwrap();
        assert_eq!(world.book.state().parked[0].code, Code::EventExists.as_str());
        world.servers.target.remove_calendar("Trash");
        world.wait_ms(10 * 60 * 1000);
        world.steps.revive();
        world
    };
    let world = make().await;
    world.settle().await;
    for at in 1..=world.steps.taken() {
        let world = make().await;
        world.steps.crash_at(at);
        _ = world.pass().await;
        world.steps.revive();
        world.settle().await;
        assert_eq!(world.book.state().parked, [], "after a crash at step {at}");
        assert_eq!(places(&world, Side::Target), ["Calendar"]);
        world.assert_idle().await;
    }
}

/// Where a UID may be in one calendar only, a moved event is nowhere for a moment.
#[tokio::test]
async fn s9_what_is_removed_to_be_moved_and_refused_is_not_taken_for_deleted() {
    for here in Side::ALL {
        let there = here.other();
        let unique = |side: Side| AgendaSwitches { unique_uids: side == there, ..AgendaSwitches::default() };
        let world = linked(unique).await;
        world.servers[there].switch(|switches| switches.refuses = Some("uid=e0".to_owned()));
        world.servers[here].shift("Calendar", "e0", "Work");
        for _ in 0..4 {
            let report = world.pass().await.unwrap();
            assert!(!report.settled && !report.trouble.is_empty(), "it is told");
            world.wait_out_the_grace();
        }
        assert_eq!(places(&world, here), ["Work"]);
        world.servers[there].switch(|switches| switches.refuses = None);
        world.settle().await;
        assert_places(&world, &["Work"]);
        world.assert_idle().await;
    }
}

/// A book that believes in an old version, as one of yesterday does.
#[tokio::test]
async fn s10_a_version_that_no_look_speaks_of_is_looked_up() {
    for here in Side::ALL {
        let there = here.other();
        let world = linked(plain).await;
        let mut link = world.book.all()[0].clone();
        link.ends[there].as_mut().unwrap().version = Some(Version("of yesterday".into()));
        world.book.apply(vec![AgendaChange::PutEvent { link, base: None }]);
        world.servers[here].delete("Calendar", "e0");
        world.settle().await;
        assert_places(&world, &[]);
        world.assert_idle().await;
    }
}

/// What was on both sides before stays theirs, also where a crash came between writing and settling.
#[tokio::test]
async fn s11_what_both_sides_had_was_not_brought_by_us_whatever_crashes() {
    let make = async || {
        let world = World::plain();
        world.add(Side::Source, "Calendar", "e0");
        world.add(Side::Target, "Calendar", "e0");
        world.edit(Side::Source, "Calendar", "e0", "place", "hall");
        world
    };
    let world = make().await;
    world.settle().await;
    for at in 1..=world.steps.taken() {
        let world = make().await;
        world.steps.crash_at(at);
        _ = world.pass().await;
        world.steps.revive();
        world.settle().await;
        let links = world.book.all();
        assert_eq!((links.len(), links[0].brought), (1, None), "after a crash at step {at}");
        world.assert_equal();
    }
}

#[tokio::test]
async fn s12_a_twin_that_takes_a_place_takes_nothing_away() {
    for (here, edited) in [(Side::Source, false), (Side::Target, false), (Side::Source, true), (Side::Target, true)] {
        let there = here.other();
        let world = World::plain();
        world.add(here, "Calendar", "e0");
        world.add(here, "Calendar", "e0");
        world.settle().await;
        world.edit(there, "Calendar", "e0", "place", "hall");
        world.settle().await;
        world.servers[here].delete_one("Calendar", "e0");
        if edited {
            world.edit(here, "Calendar", "e0", "room", "4");
        }
        world.settle().await;
        assert_places(&world, &["Calendar"]);
        for side in Side::ALL {
            assert_eq!(world.get(side, "e0", "place").as_deref(), Some("hall"), "on {side}");
        }
        world.assert_idle().await;
    }
}

/// Where the old place takes it back, it waits there and is told.
#[tokio::test]
async fn s13_what_the_new_place_refuses_goes_back_and_is_tried_again_later() {
    for here in Side::ALL {
        let there = here.other();
        let unique = |side: Side| AgendaSwitches { unique_uids: side == there, ..AgendaSwitches::default() };
        let world = linked(unique).await;
        world.servers[there].switch(|switches| switches.refuses = Some("uid=e0".to_owned()));
        world.servers[here].shift("Calendar", "e0", "Work");
        let server = world.servers[there].clone();
        world.steps.on(&format!("{there} create"), 1, {
            let (steps, there) = (world.steps.clone(), format!("{there} create"));
            move || steps.on(&there, 2, move || server.switch(|switches| switches.refuses = None))
        });
        let report = world.pass().await.unwrap();
        assert_eq!((report.settled, report.parked), (false, 1));
        assert_eq!(world.book.state().parked[0].code, Code::EventRefused.as_str());
        assert_eq!((places(&world, here), places(&world, there)), (vec!["Work"], vec!["Calendar"]));
        world.pass().await.unwrap();
        assert_eq!(places(&world, there), ["Calendar"], "not before its time");
        world.wait_ms(10 * 60 * 1000);
        world.settle().await;
        assert_places(&world, &["Work"]);
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s14_what_is_moved_to_a_calendar_that_is_just_made_while_we_move_it_is_one_event() {
    for here in Side::ALL {
        let there = here.other();
        let world = linked(plain).await;
        world.servers[here].shift("Calendar", "e0", "Work");
        let server = world.servers[there].clone();
        world.steps.on(&format!("{there} create answer"), 1, move || {
            server.add_calendar("New");
            server.shift("Calendar", "e0", "New");
        });
        world.settle().await;
        assert_eq!(places(&world, here).len(), 1);
        world.assert_equal();
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn s15_what_somebody_moves_back_while_the_copies_are_looked_for_is_not_removed() {
    for here in Side::ALL {
        let there = here.other();
        let world = World::plain();
        world.servers[here].add_calendar("Work");
        world.add(here, "Work", "e0");
        world.settle().await;
        world.servers[here].shift("Work", "e0", "Calendar");
        let server = world.servers[there].clone();
        world.steps.revive();
        world.steps.on(&format!("{there} find"), 2, move || _ = server.shift("Calendar", "e0", "Work"));
        world.settle().await;
        assert_eq!(places(&world, here).len(), 1);
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// No look speaks of what comes and goes between two of them.
#[tokio::test]
async fn s16_what_is_deleted_as_soon_as_we_have_made_it_is_deleted_everywhere() {
    for here in Side::ALL {
        let there = here.other();
        for (step, count) in [("read", 1), ("observe", 2)] {
            let silent = || AgendaSwitches { tells_fleeting: false, ..AgendaSwitches::default() };
            let world = World::new(silent(), silent());
            world.add(here, "Calendar", "other");
            world.settle().await;
            world.steps.revive();
            world.add(here, "Calendar", "e0");
            let server = world.servers[there].clone();
            world.steps.on(&format!("{there} {step}"), count, move || _ = server.delete("Calendar", "e0"));
            world.settle().await;
            for side in Side::ALL {
                assert_eq!(world.servers[side].uids("Calendar"), ["other"], "{step} on {side}");
            }
            world.assert_idle().await;
        }
    }
}

fn silent(_: Side) -> AgendaSwitches {
    AgendaSwitches { tells_fleeting: false, ..AgendaSwitches::default() }
}

/// The pass that saw it in its new place dies before a token knows of that place.
#[tokio::test]
async fn s17_what_is_moved_and_deleted_around_a_crash_is_deleted_everywhere() {
    for (here, to) in [(Side::Source, "Work"), (Side::Target, "Work"), (Side::Source, "Calendar")] {
        for at in 1.. {
            let world = linked(silent).await;
            world.servers[here].shift("Calendar", "e0", to);
            world.steps.crash_at(at);
            let died = world.pass().await.is_err();
            world.steps.revive();
            world.servers[here].delete(to, "e0");
            world.settle().await;
            assert_places(&world, &[]);
            world.assert_idle().await;
            if !died {
                break;
            }
        }
    }
}

/// From the moment on when both copies are there. Before, the event is made anew.
#[tokio::test]
async fn s18_what_is_deleted_while_we_move_it_is_deleted_everywhere() {
    for here in Side::ALL {
        let there = here.other();
        let world = linked(silent).await;
        world.servers[here].shift("Calendar", "e0", "Work");
        world.pass().await.unwrap();
        let trail = world.steps.trail();
        let made = trail.iter().position(|step| *step == format!("{there} create answer")).unwrap();
        for at in made + 1..=trail.len() {
            let world = linked(silent).await;
            world.servers[here].shift("Calendar", "e0", "Work");
            let server = world.servers[there].clone();
            world.steps.at(at as u64, move || {
                server.delete("Calendar", "e0");
                server.delete("Work", "e0");
            });
            world.pass().await.unwrap();
            world.settle().await;
            assert_eq!(places(&world, there), Vec::<&str>::new(), "deleted at {}", trail[at - 1]);
            assert_places(&world, &[]);
            world.assert_idle().await;
        }
    }
}

/// After a crash the book suspects what no token knows of yet. Its grace begins when it is missing for the first time.
#[tokio::test]
async fn s19_what_is_moved_between_two_looks_after_a_crash_is_one_event() {
    for here in Side::ALL {
        let there = here.other();
        for at in 1.. {
            let world = World::plain();
            world.servers[here].add_calendar("Work");
            world.settle().await;
            world.add(here, "Work", "e0");
            world.steps.revive();
            world.steps.crash_at(at);
            let died = world.pass().await.is_err();
            world.steps.revive();
            let is_there = !world.book.all().is_empty();
            if is_there {
                world.edit(there, "Work", "e0", "note", "new");
            }
            world.wait_out_the_grace();
            world.servers[here].forget_tokens();
            let server = world.servers[here].clone();
            world.steps.on(&format!("{here} observe"), 2, move || _ = server.shift("Work", "e0", "Calendar"));
            let deleted = world.pass().await.unwrap().deleted;
            assert_eq!((deleted.source, deleted.target), (0, 0));
            world.settle().await;
            assert_places(&world, &["Calendar"]);
            for side in Side::ALL {
                let note = world.get(side, "e0", "note");
                assert_eq!(note.as_deref(), Some(if is_there { "new" } else { "ne0" }), "died at {at}");
            }
            world.assert_idle().await;
            if !died {
                break;
            }
        }
    }
}

/// What somebody puts back as it was before it was deleted is not what we were about to make.
#[tokio::test]
async fn s20_what_is_put_back_while_we_make_it_anew_takes_no_edit_away() {
    for here in Side::ALL {
        let make = async || {
            let world = linked(plain).await;
            world.servers[here].delete("Calendar", "e0");
            world.pass().await.unwrap();
            world.wait_out_the_grace();
            world.edit(here.other(), "Calendar", "e0", "note", "new");
            world
        };
        let world = died_at(make, &format!("{here} create")).await;
        world.add(here, "Work", "e0");
        world.settle().await;
        for side in Side::ALL {
            assert_eq!(world.get(side, "e0", "note").as_deref(), Some("new"), "on {side}");
        }
        assert_eq!(places(&world, here).len(), 1);
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// What only waits for a token keeps nobody waiting for a grace.
#[tokio::test]
async fn a_pass_that_somebody_disturbs_is_followed_by_another_at_once() {
    for here in Side::ALL {
        let there = here.other();
        let world = linked(plain).await;
        world.add(here, "Calendar", "e1");
        let server = world.servers[there].clone();
        world.steps.on(&format!("{there} observe"), 4, move || _ = server.edit("Calendar", "e0", "note", Some("new")));
        let report = world.pass().await.unwrap();
        assert_eq!((report.settled, report.wake_at_ms), (false, None));
        let report = world.pass().await.unwrap();
        assert_eq!((report.settled, report.wake_at_ms), (true, None));
        world.assert_equal();
        world.assert_idle().await;
    }
}
