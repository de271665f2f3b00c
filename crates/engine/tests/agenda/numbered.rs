//! The scenarios of the list of 55 that are about keeping calendars in step, by their numbers.

use crate::world::World;
use parom_domain::events::decide::Deed;
use parom_domain::{Both, Code, Side};
use parom_engine::agenda::{BATCH, PlannedEvent};
use parom_lab::memory::AgendaSwitches;

pub async fn filled(world: World, here: Side, events: usize) -> World {
    for at in 0..events {
        world.add(here, "Calendar", &format!("e{at}"));
    }
    world.settle().await;
    world
}

async fn plain(here: Side, events: usize) -> World {
    filled(World::plain(), here, events).await
}

/// 25, 26, 27: writes of ours tell nobody anything, and the trap is shown to catch.
#[tokio::test]
async fn nothing_that_a_pass_does_is_told_to_anybody() {
    for here in Side::ALL {
        let world = World::plain();
        let text = "attendee=b@corp.example\ntitle=Talk\nuid=m\n";
        world.servers[here].add("Calendar", text);
        world.settle().await;
        world.edit(here, "Calendar", "m", "attendee", "c@corp.example");
        world.settle().await;
        world.servers[here].delete("Calendar", "m");
        world.settle().await;
        world.assert_equal();
        assert_eq!(world.servers[here].letters(), 3, "what people do is told");
        assert_eq!(world.servers[here.other()].letters(), 0);
    }
}

/// 28: accepting an invitation deletes one item and makes another; it stays one event.
#[tokio::test]
async fn an_accepted_invitation_is_still_the_same_event() {
    for here in Side::ALL {
        let world = plain(here, 2).await;
        let number = world.book.all()[0].number;
        world.servers[here].shift("Calendar", "e0", "Calendar");
        world.edit(here, "Calendar", "e0", "status", "accepted");
        let deleted = world.settle().await.deleted;
        assert_eq!((deleted.source, deleted.target), (0, 0));
        assert_eq!(world.book.all()[0].number, number);
        assert_eq!(world.get(here.other(), "e0", "status").as_deref(), Some("accepted"));
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// 29: an invitation that arrived on both sides is one event.
#[tokio::test]
async fn an_event_that_came_to_both_sides_is_paired_and_not_doubled() {
    let world = World::plain();
    for side in Side::ALL {
        world.add(side, "Calendar", "m");
    }
    world.edit(Side::Target, "Calendar", "m", "answer", "yes");
    let report = world.pass().await.unwrap();
    assert_eq!((report.adopted, report.created.source + report.created.target), (1, 0));
    assert_eq!(world.get(Side::Source, "m", "answer").as_deref(), Some("yes"));
    world.assert_equal();
    world.settle().await;
    world.assert_idle().await;
}

/// 30, 40: what changes nothing of an event, and what a server rewrites, is written nowhere.
#[tokio::test]
async fn a_new_version_without_a_change_is_noted_and_not_written() {
    for here in Side::ALL {
        let world = plain(here, 2).await;
        let writes = world.servers[here.other()].writes();
        world.servers[here].touch("Calendar", "e0");
        world.settle().await;
        assert_eq!(world.servers[here.other()].writes(), writes);
        world.assert_idle().await;
    }
}

/// 40: a server that does not keep a field, with and without telling versions: the other side keeps it, edits of the rest
/// arrive, and nothing goes back and forth.
#[tokio::test]
async fn what_a_side_cannot_hold_stays_on_the_other() {
    for (tells_versions, less) in [(true, Side::Target), (false, Side::Target), (true, Side::Source)] {
        let more = less.other();
        let switches = |side| AgendaSwitches {
            drops: (side == less).then(|| "color".to_owned()),
            tells_versions,
            ..AgendaSwitches::default()
        };
        let mut world = World::new(switches(Side::Source), switches(Side::Target));
        world.merge.blind[less] = Some("color".to_owned());
        let world = filled(world, more, 2).await;
        world.assert_idle().await;
        assert_eq!(world.get(less, "e0", "color"), None);
        world.edit(less, "Calendar", "e0", "title", "new");
        world.settle().await;
        assert_eq!(world.get(more, "e0", "title").as_deref(), Some("new"));
        assert_eq!(world.get(more, "e0", "color").as_deref(), Some("red"));
        world.assert_idle().await;
        world.edit(more, "Calendar", "e0", "color", "blue");
        world.settle().await;
        assert_eq!(world.get(more, "e0", "color").as_deref(), Some("blue"));
        world.assert_idle().await;
        // Deleted where all of it is, edited where less is: what was known comes back.
        world.servers[more].delete("Calendar", "e0");
        world.edit(less, "Calendar", "e0", "title", "kept");
        world.settle().await;
        assert_eq!(world.get(more, "e0", "color").as_deref(), Some("blue"));
        assert_eq!(world.get(more, "e0", "title").as_deref(), Some("kept"));
        world.assert_idle().await;
    }
}

/// 37: thousands of events, in batches.
#[tokio::test]
async fn a_large_calendar_is_carried_in_batches_and_then_costs_nothing() {
    let world = filled(World { batch: BATCH, ..World::plain() }, Side::Source, 3000).await;
    world.assert_equal();
    let reads = world.servers.as_ref().map(|server| server.reads());
    assert_eq!(reads, Both::new(3000, 3000), "each event is read once, and once after it was written");
    world.assert_idle().await;
}

/// 38: duplicates of one UID in a calendar: one is carried, the other waits, and takes its place when it is gone.
#[tokio::test]
async fn of_two_events_with_one_uid_one_is_carried_and_the_other_put_aside() {
    for here in Side::ALL {
        let world = World::plain();
        world.add(here, "Calendar", "twin");
        world.add(here, "Calendar", "twin");
        world.add(here, "Calendar", "other");
        let report = world.settle().await;
        assert_eq!(report.parked, 1);
        let parked = world.book.state().parked;
        assert_eq!((parked[0].code.as_str(), parked[0].uid.as_deref()), ("event-doubled", Some("twin")));
        assert_eq!(world.servers[here.other()].uids("Calendar"), ["other", "twin"]);
        world.assert_idle().await;
        world.servers[here].delete_one("Calendar", "twin");
        let report = world.settle().await;
        assert_eq!(report.parked, 0);
        world.assert_equal();
        assert_eq!(world.servers[here].uids("Calendar"), ["other", "twin"], "the other one took its place");
        world.assert_idle().await;
    }
}

/// 38: one UID in two calendars: carried where the other side may hold both, else put aside.
#[tokio::test]
async fn one_uid_in_two_calendars_depends_on_what_the_other_side_can_hold() {
    for unique_uids in [false, true] {
        let world = World::new(AgendaSwitches::default(), AgendaSwitches { unique_uids, ..AgendaSwitches::default() });
        world.servers.source.add_calendar("Work");
        world.add(Side::Source, "Calendar", "m");
        world.add(Side::Source, "Work", "m");
        let report = world.settle().await;
        assert_eq!(report.parked, u64::from(unique_uids));
        let picture = world.servers.target.picture();
        assert_eq!(picture["Calendar"].len() + picture["Work"].len(), 2 - usize::from(unique_uids));
        world.assert_idle().await;
    }
}

/// 38: a UID that is somewhere where nobody looks is put aside, and tried again after a while.
#[tokio::test]
async fn a_uid_that_the_server_has_hidden_is_tried_again_later() {
    let world =
        World::new(AgendaSwitches::default(), AgendaSwitches { unique_uids: true, ..AgendaSwitches::default() });
    world.settle().await;
    world.servers.target.add_calendar("Trash");
    world.servers.target.switch(|switches| switches.closed = Some("Trash".to_owned()));
    world.add(Side::Target, "Trash", "m");
    world.add(Side::Source, "Calendar", "m");
    let report = world.pass().await.unwrap();
    assert_eq!((report.settled, report.parked), (false, 1));
    assert_eq!(world.book.state().parked[0].code, Code::EventExists.as_str());
    world.servers.target.remove_calendar("Trash");
    world.wait_ms(10 * 60 * 1000);
    world.pass().await.unwrap();
    assert_eq!(world.servers.target.uids("Calendar"), ["m"]);
}

/// 39: an outage that looks like an empty calendar deletes nothing, however long it lasts.
#[tokio::test]
async fn an_empty_list_deletes_nothing() {
    for here in Side::ALL {
        let world = plain(here, 8).await;
        world.servers[here].switch(|switches| switches.lists_nothing = true);
        for _ in 0..4 {
            let report = world.pass().await.unwrap();
            assert!(!report.settled);
            assert_eq!((report.deleted.source, report.deleted.target), (0, 0));
            world.wait_out_the_grace();
        }
        world.servers[here].switch(|switches| switches.lists_nothing = false);
        world.settle().await;
        assert_eq!(world.servers[here.other()].uids("Calendar").len(), 8);
        assert_eq!(world.book.state().held, [], "the cause is gone");
        world.assert_idle().await;
    }
}

/// A calendar that people really emptied waits for a person, and then goes.
#[tokio::test]
async fn an_emptied_calendar_is_held_until_it_is_released() {
    for here in Side::ALL {
        let world = plain(here, 8).await;
        for at in 0..8 {
            world.servers[here].delete("Calendar", &format!("e{at}"));
        }
        for _ in 0..4 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        let held = world.book.state().held;
        assert_eq!((held.len(), held[0].brake.as_str()), (1, "emptied-calendar"));
        assert_eq!(world.servers[here.other()].uids("Calendar").len(), 8);
        world.book.release();
        world.settle().await;
        world.assert_equal();
        assert_eq!(world.book.state().held, [], "a release counts once");
        world.assert_idle().await;
    }
}

#[tokio::test]
async fn a_vanished_calendar_is_held_and_is_not_made_again_once_it_is_let_go() {
    for here in Side::ALL {
        let world = World::plain();
        world.servers[here].add_calendar("Work");
        world.add(here, "Work", "w");
        world.add(here, "Calendar", "a");
        world.settle().await;
        world.servers[here].remove_calendar("Work");
        for _ in 0..4 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        assert_eq!(world.servers[here.other()].uids("Work"), ["w"]);
        let held = world.book.state().held;
        assert_eq!((held.len(), held[0].brake.as_str()), (1, "vanished-calendar"));
        world.book.release();
        world.settle().await;
        assert!(world.servers[here.other()].uids("Work").is_empty());
        assert!(!world.servers[here].picture().contains_key("Work"));
        assert_eq!(world.servers[here].uids("Calendar"), ["a"]);
    }
}

#[tokio::test]
async fn a_vanished_calendar_is_named_as_it_was_called_last_where_it_is_gone() {
    for here in Side::ALL {
        let world = World::plain();
        world.servers[here].add_calendar("Work");
        world.add(here, "Work", "w");
        world.settle().await;
        world.servers[here].rename_calendar("Work", "Projects");
        world.settle().await;
        world.servers[here].remove_calendar("Projects");
        for _ in 0..4 {
            world.pass().await.unwrap();
            world.wait_out_the_grace();
        }
        let held = world.book.state().held;
        assert_eq!((held.len(), held[0].brake.as_str()), (1, "vanished-calendar"));
        assert!(held[0].args.contains(&("folder".to_owned(), "Projects".to_owned())), "{here}: {:?}", held[0].args);
    }
}

#[tokio::test]
async fn many_deletions_are_held_and_a_days_deletions_add_up() {
    let world = plain(Side::Source, 120).await;
    for at in 0..60 {
        world.servers.source.delete("Calendar", &format!("e{at}"));
    }
    for _ in 0..3 {
        world.pass().await.unwrap();
        world.wait_out_the_grace();
    }
    assert_eq!(world.book.state().held[0].brake, "many-event-deletions");
    assert_eq!(world.servers.target.uids("Calendar").len(), 120);
    world.book.release();
    world.settle().await;
    world.assert_equal();
}

/// 41: somebody edits between our look and our write.
#[tokio::test]
async fn an_edit_between_look_and_write_is_merged_and_not_overwritten() {
    for here in Side::ALL {
        let there = here.other();
        for step in ["update", "book commit"] {
            let world = plain(here, 1).await;
            world.edit(here, "Calendar", "e0", "title", "here");
            let server = world.servers[there].clone();
            let cue = if step == "update" { format!("{there} update") } else { step.to_owned() };
            world.steps.on(&cue, 1, move || _ = server.edit("Calendar", "e0", "note", Some("there")));
            world.settle().await;
            for side in Side::ALL {
                assert_eq!(world.get(side, "e0", "title").as_deref(), Some("here"));
                assert_eq!(world.get(side, "e0", "note").as_deref(), Some("there"));
            }
            world.assert_idle().await;
        }
    }
}

/// 41: an edit that comes while we delete.
#[tokio::test]
async fn an_edit_that_comes_just_before_our_deletion_beats_it() {
    for here in Side::ALL {
        let there = here.other();
        let world = plain(here, 3).await;
        world.servers[here].delete("Calendar", "e0");
        world.pass().await.unwrap();
        world.wait_out_the_grace();
        let server = world.servers[there].clone();
        world
            .steps
            .on(&format!("{there} remove"), 1, move || _ = server.edit("Calendar", "e0", "note", Some("wanted")));
        world.settle().await;
        assert_eq!(world.get(here, "e0", "note").as_deref(), Some("wanted"));
        world.assert_equal();
    }
}

/// 42: tokens that nobody knows any more.
#[tokio::test]
async fn forgotten_tokens_lead_to_a_new_look_and_not_to_new_events() {
    let world = plain(Side::Source, 5).await;
    for side in Side::ALL {
        world.servers[side].forget_tokens();
        world.servers[side].delete("Calendar", if side == Side::Source { "e0" } else { "e1" });
    }
    let report = world.settle().await;
    assert_eq!((report.created.source, report.created.target), (0, 0));
    world.assert_equal();
    assert_eq!(world.servers.source.uids("Calendar"), ["e2", "e3", "e4"]);
    world.assert_idle().await;
}

/// 44: what cannot be read or is not taken is put aside with its reason, the rest goes on, and it follows once it can.
#[tokio::test]
async fn what_cannot_be_carried_is_put_aside_and_follows_once_it_can() {
    for here in Side::ALL {
        let there = here.other();
        for unreadable in [true, false] {
            let world = World::plain();
            let bad = Some("note=bad".to_owned());
            world.servers[if unreadable { here } else { there }]
                .switch(|switches| if unreadable { switches.unreadable = bad } else { switches.refuses = bad });
            world.add(here, "Calendar", "good");
            world.servers[here].add("Calendar", "note=bad\ntitle=x\nuid=broken\n");
            let report = world.settle().await;
            assert_eq!((report.parked, report.settled), (1, true));
            let code = if unreadable { "event-unreadable" } else { "event-refused" };
            assert_eq!(world.book.state().parked[0].code, code);
            assert!(world.book.state().parked[0].args.iter().any(|(name, _)| name == "uid"));
            // The text of what cannot be read is known to its side alone.
            let label = world.book.state().parked[0].label();
            assert_eq!((label.title.as_deref(), unreadable), (Some("x").filter(|_| !unreadable), unreadable));
            assert!(!format!("{:?}", world.book.state().parked).contains("title"));
            assert_eq!(world.servers[there].uids("Calendar"), ["good"]);
            world.assert_idle().await;
            world.edit(here, "Calendar", "broken", "note", "mended");
            let report = world.settle().await;
            assert_eq!(report.parked, 0);
            world.assert_equal();
            world.assert_idle().await;
        }
    }
}

/// 44, of an event that is linked: the change waits, a deletion on the other side does not beat it.
#[tokio::test]
async fn a_refused_change_waits_and_is_not_lost() {
    for here in Side::ALL {
        let there = here.other();
        let world = plain(here, 2).await;
        world.servers[there].switch(|switches| switches.refuses = Some("bad".to_owned()));
        world.edit(here, "Calendar", "e0", "title", "bad");
        let report = world.settle().await;
        assert_eq!(report.parked, 1);
        world.assert_idle().await;
        // Its other side changes: both changes are merged, and refused again.
        world.edit(there, "Calendar", "e0", "note", "more");
        world.pass().await.unwrap();
        assert_eq!(world.get(here, "e0", "title").as_deref(), Some("bad"));
        world.servers[there].delete("Calendar", "e0");
        world.pass().await.unwrap();
        world.wait_out_the_grace();
        world.pass().await.unwrap();
        assert_eq!(world.get(here, "e0", "title").as_deref(), Some("bad"), "an edit beats a delete");
        world.servers[there].switch(|switches| switches.refuses = None);
        world.edit(here, "Calendar", "e0", "title", "good");
        world.settle().await;
        world.assert_equal();
        world.assert_idle().await;
    }
}

/// 46: the right to act for the person is gone: the pass stops, and nothing is deleted.
#[tokio::test]
async fn a_lost_right_stops_the_pass_and_deletes_nothing() {
    let world = plain(Side::Source, 3).await;
    world.servers.source.delete("Calendar", "e0");
    let server = world.servers.source.clone();
    world.steps.on("source observe", 2, move || server.switch(|switches| switches.denied = true));
    for _ in 0..4 {
        match world.pass().await {
            Err(error) => assert_eq!(error.code(), Code::ImpersonationDenied),
            Ok(report) => assert!(!report.settled),
        }
        world.wait_out_the_grace();
    }
    assert_eq!(world.servers.target.uids("Calendar").len(), 3);
    world.servers.source.switch(|switches| switches.denied = false);
    world.settle().await;
    world.assert_equal();
}

/// 51: the same event edited on both sides.
#[tokio::test]
async fn edits_on_both_sides_meet() {
    for (wins, here) in [(Side::Source, Side::Target), (Side::Target, Side::Source)] {
        let mut world = World::plain();
        world.merge.wins = wins;
        let world = filled(world, here, 1).await;
        world.edit(here, "Calendar", "e0", "title", "lost");
        world.edit(wins, "Calendar", "e0", "title", "won");
        world.edit(here, "Calendar", "e0", "note", "kept");
        let report = world.settle().await;
        assert_eq!(report.archived, 1);
        for side in Side::ALL {
            assert_eq!(world.get(side, "e0", "title").as_deref(), Some("won"));
            assert_eq!(world.get(side, "e0", "note").as_deref(), Some("kept"));
        }
        let archived = world.book.archived();
        assert_eq!((archived.len(), archived[0].side), (1, here));
        assert!(archived[0].text.contains("title=lost"));
        world.assert_idle().await;
    }
}

/// A calendar that cannot be looked at stops deletions, because what is missing may have gone there, and nothing else.
#[tokio::test]
async fn while_a_calendar_is_closed_nothing_is_deleted() {
    let world = World::plain();
    world.servers.source.add_calendar("Work");
    world.add(Side::Source, "Calendar", "a");
    world.add(Side::Source, "Calendar", "b");
    world.settle().await;
    world.servers.source.switch(|switches| switches.closed = Some("Work".to_owned()));
    world.servers.source.shift("Calendar", "a", "Work");
    world.add(Side::Source, "Calendar", "new");
    for _ in 0..3 {
        let report = world.pass().await.unwrap();
        assert_eq!(report.trouble[0].1.code(), Code::CalendarRefused);
        world.wait_out_the_grace();
    }
    assert_eq!(world.servers.target.uids("Calendar"), ["a", "b", "new"]);
    world.servers.source.switch(|switches| switches.closed = None);
    world.settle().await;
    assert_eq!(world.servers.target.uids("Work"), ["a"]);
    world.assert_equal();
}

/// Whoever edits one event again and again is no server that rewrites it: each edit crosses at once.
#[tokio::test]
async fn people_may_edit_one_event_as_often_as_they_like() {
    let world = World::plain();
    world.add(Side::Source, "Calendar", "m");
    world.settle().await;
    for side in [Side::Source, Side::Target] {
        for edit in 0..8 {
            world.edit(side, "Calendar", "m", "note", &format!("{side} {edit}"));
            world.settle().await;
            world.wait_ms(1000);
            assert_eq!(world.get(side.other(), "m", "note"), Some(format!("{side} {edit}")));
        }
        world.wait_ms(10 * 60 * 1000);
    }
    world.assert_idle().await;
}

/// A server that changes whatever is written does not keep us busy.
#[tokio::test]
async fn a_restless_server_is_left_alone_for_a_while() {
    let world = World::new(AgendaSwitches::default(), AgendaSwitches { restless: true, ..AgendaSwitches::default() });
    world.add(Side::Source, "Calendar", "m");
    for _ in 0..20 {
        world.pass().await.unwrap();
        world.wait_ms(1000);
    }
    let writes = world.servers.source.writes() + world.servers.target.writes();
    for edit in 1..=20 {
        world.edit(Side::Source, "Calendar", "m", "note", &edit.to_string());
        world.pass().await.unwrap();
        world.wait_ms(1000);
    }
    let later = world.servers.source.writes() + world.servers.target.writes();
    assert!(later - writes <= 6, "{writes} {later}");
    assert_eq!(world.book.state().parked[0].code, Code::EventRestless.as_str());
    // Once it is quiet there, both sides meet.
    world.servers.target.switch(|switches| switches.restless = false);
    world.wait_ms(10 * 60 * 1000);
    world.settle().await;
    assert_eq!(world.get(Side::Target, "m", "note").as_deref(), Some("20"));
    world.assert_equal();
}

#[tokio::test]
async fn a_read_only_calendar_is_not_written() {
    let world = World::plain();
    world.servers.source.add_calendar("Team");
    world.add(Side::Source, "Team", "t");
    world.settle().await;
    world.servers.source.set_writable("Team", false);
    world.edit(Side::Target, "Team", "t", "title", "own");
    world.edit(Side::Source, "Team", "t", "note", "theirs");
    world.settle().await;
    assert_eq!(world.get(Side::Source, "t", "title").as_deref(), Some("tt"));
    assert_eq!(world.get(Side::Target, "t", "note").as_deref(), Some("theirs"));
    world.assert_idle().await;
}

#[tokio::test]
async fn a_side_that_lets_us_make_no_calendar_is_named() {
    let world =
        World::new(AgendaSwitches::default(), AgendaSwitches { makes_calendars: false, ..AgendaSwitches::default() });
    world.servers.source.add_calendar("Work");
    world.add(Side::Source, "Work", "w");
    world.add(Side::Source, "Calendar", "a");
    let report = world.settle().await;
    assert_eq!(report.unpaired, [(Side::Target, "Work".to_owned())]);
    assert_eq!(world.servers.target.uids("Calendar"), ["a"]);
    // Somebody makes it: what was left follows.
    world.servers.target.add_calendar("Work");
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_done_and_does_nothing() {
    let world = World::plain();
    world.servers.source.add_calendar("Work");
    world.add(Side::Source, "Work", "w");
    world.add(Side::Target, "Calendar", "a");
    let plan = world.dry_run().await.plan.unwrap();
    assert_eq!(plan.calendars, [(Side::Target, "Work".to_owned())]);
    let planned = |calendar: &str, uid: &str, into| PlannedEvent {
        calendar: calendar.to_owned(),
        uid: uid.to_owned(),
        deed: Deed::Create { into },
    };
    assert_eq!(plan.events, [planned("Calendar", "a", Side::Source), planned("Work", "w", Side::Target)]);
    world.settle().await;
    world.assert_equal();
}

#[tokio::test]
async fn a_pass_that_is_told_to_stop_stops_between_operations() {
    let world = World::plain();
    for at in 0..10 {
        world.add(Side::Source, "Calendar", &format!("e{at}"));
    }
    let stop = world.watch.stop.clone();
    world.steps.on("target create", 5, move || stop.store(true, std::sync::atomic::Ordering::Relaxed));
    assert_eq!(world.pass().await.unwrap_err().code(), Code::Cancelled);
    let carried = world.servers.target.uids("Calendar").len();
    assert!((1..10).contains(&carried), "{carried}");
    assert_eq!(world.book.all().len(), carried, "what was done is settled");
    assert_eq!(world.book.state().intents, []);
    world.watch.stop.store(false, std::sync::atomic::Ordering::Relaxed);
    world.settle().await;
    world.assert_equal();
}

/// The state may be lost: everything equal is paired, nothing is deleted, nothing is carried twice.
#[tokio::test]
async fn a_lost_state_is_rebuilt() {
    let mut world = plain(Side::Source, 5).await;
    world.edit(Side::Target, "Calendar", "e1", "title", "edited meanwhile");
    world.book = crate::book::MemoryBook::default();
    let report = world.settle().await;
    assert_eq!((report.created.source, report.created.target), (0, 0));
    world.assert_equal();
    assert_eq!(world.servers.source.uids("Calendar").len(), 5);
    world.assert_idle().await;
}

/// A create that arrives late, after it was looked for, is recognised within the grace.
#[tokio::test]
async fn a_create_that_arrives_late_makes_no_twin() {
    let late = || AgendaSwitches { late_commit: true, ..AgendaSwitches::default() };
    let mut at = 0;
    let world = loop {
        at += 1;
        let world = World::new(AgendaSwitches::default(), late());
        world.add(Side::Source, "Calendar", "late");
        world.steps.crash_at(at);
        world.pass().await.unwrap_err();
        if world.steps.trail().last().is_some_and(|step| step == "target create") {
            break world;
        }
    };
    world.steps.revive();
    let report = world.pass().await.unwrap();
    assert!(!report.settled && report.wake_at_ms.is_some());
    world.servers.target.land_late();
    world.settle().await;
    assert_eq!(world.servers.target.uids("Calendar"), ["late"]);
    world.assert_equal();
    world.assert_idle().await;
}
