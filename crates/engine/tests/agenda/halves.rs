//! E56: a write that takes several steps and ends between them is brought to its end, and is never taken for an edit.

use crate::world::World;
use parom_domain::events::breaker;
use parom_domain::{Both, Code, Side};
use parom_lab::memory::{AgendaSwitches, Fault};

const HERE: Side = Side::Target;
const THERE: Side = Side::Source;

/// Exchange on one side, where writes take several steps.
fn exchange() -> World {
    let source = AgendaSwitches { writes_in_steps: true, tells_fleeting: false, ..AgendaSwitches::default() };
    World::new(source, AgendaSwitches::default())
}

/// An event whose marks are lost and written again with each new title.
async fn carried(is_update: bool) -> World {
    let world = exchange();
    world.servers[HERE].add("Calendar", "color=red\nmark1=1\nmark2=1\nnote=n\ntitle=t\nuid=a\n");
    if is_update {
        world.settle().await;
        world.edit(HERE, "Calendar", "a", "title", "new");
        world.edit(HERE, "Calendar", "a", "mark1", "2");
    }
    world.steps.revive();
    world
}

/// What happens while an event is half.
type Meanwhile = (&'static str, fn(&World), &'static [(&'static str, Option<&'static str>)]);

const NOBODY: Meanwhile = ("nobody", |_| {}, &[]);

const MEANWHILE: [Meanwhile; 6] = [
    NOBODY,
    (
        "edited in Exchange",
        |world| _ = world.servers[THERE].edit("Calendar", "a", "place", Some("hall")),
        &[("place", Some("hall"))],
    ),
    (
        "its first occurrence edited in Exchange",
        |world| _ = world.servers[THERE].edit("Calendar", "a", "mark1", Some("7")),
        &[("mark1", Some("7"))],
    ),
    (
        "edited on the phone",
        |world| _ = world.servers[HERE].edit("Calendar", "a", "mark2", Some("5")),
        &[("mark2", Some("5"))],
    ),
    (
        "taken back on the phone",
        |world| _ = world.servers[HERE].edit("Calendar", "a", "mark2", None),
        &[("mark2", None)],
    ),
    (
        "edited on both sides",
        |world| {
            world.servers[THERE].edit("Calendar", "a", "mark9", Some("9"));
            world.servers[HERE].edit("Calendar", "a", "note", Some("phone"));
        },
        &[("mark9", Some("9")), ("note", Some("phone"))],
    ),
];

/// Of the event: what it is to say in the end.
fn wanted(is_update: bool, changed: &[(&str, Option<&str>)]) -> String {
    let text = if is_update {
        "color=red\nmark1=2\nmark2=1\nnote=n\ntitle=new\nuid=a\n"
    } else {
        "color=red\nmark1=1\nmark2=1\nnote=n\ntitle=t\nuid=a\n"
    };
    changed.iter().fold(text.to_owned(), |text, (name, value)| parom_lab::memory::with_field(&text, name, *value))
}

fn assert_whole(world: &World, wanted: &str, place: &str) {
    for side in Side::ALL {
        let picture = world.servers[side].picture();
        assert_eq!(picture["Calendar"], [wanted], "{place}, on {side}");
        assert_eq!(world.servers[side].halves(), 0, "{place}");
    }
}

/// At each step of the write, by a death and by a cut, with and without somebody at work meanwhile.
#[tokio::test]
async fn a_write_that_ended_between_its_steps_is_brought_to_its_end() {
    for is_update in [false, true] {
        let quiet = carried(is_update).await;
        quiet.pass().await.unwrap();
        let trail = quiet.steps.trail();
        let steps: Vec<u64> =
            (1..=trail.len() as u64).filter(|at| trail[*at as usize - 1].contains("source ")).collect();
        assert!(trail.iter().filter(|step| step.contains("write")).count() >= 6, "{trail:?}");
        for fault in [Fault::Death, Fault::Cut] {
            for (who, act, changed) in MEANWHILE {
                for at in &steps {
                    let world = carried(is_update).await;
                    world.steps.fail_at(*at, fault);
                    let _ = world.pass().await;
                    let is_written = world.get(THERE, "a", "title").is_some();
                    // Nobody edits what is not there yet.
                    let is_about_it = who.contains("Exchange") || who.contains("both");
                    if is_about_it && !is_written {
                        continue;
                    }
                    let has_mark = world.get(THERE, "a", "mark1").is_some();
                    if who.contains("occurrence") && !has_mark {
                        continue;
                    }
                    let is_half = world.servers[THERE].halves() == 1;
                    act(&world);
                    world.steps.revive();
                    let place = format!("{who}, {fault:?} at {} ({at}), update {is_update}", trail[*at as usize - 1]);
                    world.settle().await;
                    assert_whole(&world, &wanted(is_update, changed), &place);
                    assert!(!is_half || world.book.archived().is_empty(), "{place}");
                    world.assert_idle().await;
                }
            }
        }
    }
}

/// It is refused on its way: known as half, tried again, told, and never merged as if it were whole.
#[tokio::test]
async fn a_write_that_was_refused_on_its_way_is_tried_again_and_then_told() {
    for is_update in [false, true] {
        let world = carried(is_update).await;
        world.servers[THERE].switch(|switches| switches.refuses_on_the_way = Some("mark2=1".into()));
        world.pass().await.unwrap();
        assert_eq!((world.servers[THERE].halves(), world.book.state().parked.len()), (1, 0), "the next pass goes on");
        for _ in 0..4 {
            world.pass().await.unwrap();
            let state = world.book.state();
            assert!(state.parked.iter().any(|parked| parked.side == THERE), "{state:?}");
            assert!(state.parked.iter().all(|parked| parked.code == Code::EventHalf.as_str()), "{state:?}");
            assert_eq!(world.get(HERE, "a", "mark2").as_deref(), Some("1"), "nothing is taken away");
        }
        let writes = world.servers[THERE].writes();
        world.pass().await.unwrap();
        assert_eq!(world.servers[THERE].writes(), writes, "it waits for its time");
        world.servers[THERE].switch(|switches| switches.refuses_on_the_way = None);
        world.wait_ms(breaker::WINDOW_MS + 1);
        world.settle().await;
        assert_whole(&world, &wanted(is_update, &[]), "refused");
        assert_eq!(world.book.state().parked, []);
        world.assert_idle().await;
    }
}

/// What was in the way is taken away on the phone: that is written at once.
#[tokio::test]
async fn what_was_refused_on_its_way_is_written_when_the_phone_mends_it() {
    for is_update in [false, true] {
        let world = carried(is_update).await;
        world.servers[THERE].switch(|switches| switches.refuses_on_the_way = Some("mark2=1".into()));
        for _ in 0..3 {
            world.pass().await.unwrap();
        }
        world.edit(HERE, "Calendar", "a", "mark2", "good");
        world.settle().await;
        assert_whole(&world, &wanted(is_update, &[("mark2", Some("good"))]), "mended");
        world.assert_idle().await;
    }
}

/// Where the state is lost, the mark on the event still tells that it is half.
#[tokio::test]
async fn a_half_event_is_known_as_half_without_the_state() {
    for is_update in [false, true] {
        let world = carried(is_update).await;
        world.steps.on("source write part", 2, || {});
        let trail_of = carried(is_update).await;
        trail_of.pass().await.unwrap();
        let trail = trail_of.steps.trail();
        let at = trail.iter().position(|step| step == "source write part").unwrap() as u64 + 1;
        world.steps.fail_at(at, Fault::Death);
        world.pass().await.unwrap_err();
        assert_eq!(world.servers[THERE].halves(), 1);
        let world = World { book: Default::default(), ..world };
        world.steps.revive();
        world.settle().await;
        assert_whole(&world, &wanted(is_update, &[]), "without the state");
        world.assert_idle().await;
    }
}

/// Deleted on the phone before it was whole: it goes, and does not come back as half an event.
#[tokio::test]
async fn what_is_deleted_while_it_is_half_goes() {
    for is_update in [false, true] {
        let world = carried(is_update).await;
        let trail_of = carried(is_update).await;
        trail_of.pass().await.unwrap();
        let at = trail_of.steps.trail().iter().position(|step| step == "source write part").unwrap() as u64 + 1;
        world.steps.fail_at(at, Fault::Death);
        world.pass().await.unwrap_err();
        world.servers[HERE].delete("Calendar", "a");
        world.steps.revive();
        world.settle().await;
        assert_eq!(Both::from_fn(|side| world.servers[side].uids("Calendar").len()), Both::new(0, 0));
        world.assert_idle().await;
    }
}
