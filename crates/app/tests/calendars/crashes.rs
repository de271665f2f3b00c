//! Killed in the middle, and run again: nothing is lost and nothing is doubled.

use crate::stage::{Stage, at};
use std::time::{Duration, Instant};

const EVENTS: u32 = 40;

fn title(number: u32) -> String {
    format!("Event {number}")
}

/// Kills the run as soon as it got so far. One that only waits for what an earlier one left in the air is begun again.
fn kill_when(stage: &Stage, args: &[&str], is_there: impl Fn() -> bool) {
    let mut run = stage.begin(args);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_there() {
        assert!(Instant::now() < deadline, "it never got so far: {}", stage.said());
        if let Some(ended) = run.try_wait().unwrap() {
            assert!(ended.success() && stage.said().contains("not settled"), "{}", stage.said());
            run = stage.begin(args);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn a_kill_on_the_way_to_the_target_doubles_nothing() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    for number in 0..EVENTS {
        stage.outlook().add(&at(&title(number), 1 + number % 28, 8 + number / 28)).unwrap();
    }
    for share in [3, 11, 23] {
        kill_when(&stage, &["sync", "anna@corp.example"], || stage.radicale.count() >= share);
    }
    assert!(stage.radicale.count() < EVENTS as usize, "it was killed on the way");
    stage.until("the rest", || stage.radicale.events("anna").len() >= EVENTS as usize);
    stage.check();
    assert!(stage.calendar(&["sync", "--all"]).contains("no changes"));
}

#[test]
fn a_kill_on_the_way_to_exchange_doubles_nothing() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    stage.outlook().add(&at("First", 1, 7)).unwrap();
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let calendar = stage.radicale.calendars("anna").remove(0);
    for number in 0..EVENTS {
        let (day, hour) = (1 + number % 28, 8 + number / 28);
        let text = format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:phone-{number}\nDTSTAMP:20260101T000000Z\n\
             DTSTART:202603{day:02}T{hour:02}0000Z\nDTEND:202603{day:02}T{hour:02}3000Z\nSUMMARY:{}\nEND:VEVENT\nEND:VCALENDAR\n",
            title(number)
        );
        stage.radicale.put("anna", &format!("{calendar}{number}.ics"), &text);
    }
    for share in [4, 12, 25] {
        kill_when(&stage, &["sync", "--all"], || stage.outlook().events().len() >= share);
    }
    assert!(stage.outlook().events().len() < EVENTS as usize, "it was killed on the way");
    stage.until("the rest", || stage.outlook().events().len() > EVENTS as usize);
    stage.check();
    assert!(stage.calendar(&["sync", "--all"]).contains("no changes"));
}
