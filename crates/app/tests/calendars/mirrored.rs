//! A mailbox that a client of others edits while Parom keeps it in step.

use crate::stage::{Stage, at, told};
use parom_lab::python;
use std::path::Path;
use std::process::Command;

#[test]
fn a_mailbox_that_exchangelib_edits_meanwhile_stays_in_step() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let Some(python) = python::with(python::EXCHANGELIB) else { return };
    for day in 1..=10 {
        stage.outlook().add(&at(&format!("Event {day}"), day, 12)).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/live/ews_mirror.py");
    let mut client = Command::new(python);
    client.arg(script).arg(stage.ews.url()).args(["anna@corp.example", "7", "60"]).env("TZ", "UTC");
    let editing = std::thread::spawn(move || python::run(&mut client));
    let mut runs = 0;
    while !editing.is_finished() {
        stage.calendar(&["sync", "--all"]);
        runs += 1;
    }
    let said = editing.join().unwrap().unwrap_or_else(|error| panic!("{error}"));
    assert!(said.starts_with("60 edits") && runs > 2, "{runs} runs beside {said}");
    assert!(told(&stage.run(&["parked"])).contains("Nothing is parked"), "{}", told(&stage.run(&["parked"])));
    stage.check();
}
