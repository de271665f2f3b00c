//! What goes wrong on the way and on the servers.

use parom_lab::sample::Random;
use parom_lab::{caldav, ews};
use std::time::Duration;
use xtask::live::calendars::{Rig, address};

/// Lets something go wrong now or very soon, and says what.
pub fn strike(rig: &Rig, random: &mut Random) -> String {
    let relays = rig.relays.as_ref().unwrap();
    let side = random.index(2);
    let name = rig.people[random.index(rig.people.len())].clone();
    // What dragged until now does so no longer.
    relays.iter().for_each(|relay| relay.proxy().change(|conditions| conditions.round_trip = Duration::ZERO));
    let operations = ["GetItem", "SyncFolderItems", "CreateItem", "UpdateItem", "DeleteItem", "SyncFolderHierarchy"];
    let operation = operations[random.index(operations.len())];
    let methods = ["PUT", "GET", "REPORT", "PROPFIND", "DELETE"];
    let method = methods[random.index(methods.len())];
    match (random.index(12), rig.target.lab()) {
        (0..=3, _) => {
            relays[side].proxy().reset_all();
            format!("connections to {} are reset", ["Exchange", "the target"][side])
        }
        (4, _) => {
            let round_trip = Duration::from_millis(20 + random.below(80));
            relays[side].proxy().change(|conditions| conditions.round_trip = round_trip);
            format!("new connections to {} drag", ["Exchange", "the target"][side])
        }
        (5, _) => {
            rig.ews.throttle("svc@corp.example", Duration::from_millis(500 + random.below(1500)));
            "Exchange throttles the service account".to_owned()
        }
        (6, _) => {
            rig.ews.script(operation, ews::Reaction::Busy { backoff_ms: 100 + random.below(900) });
            format!("Exchange is busy at the next {operation}")
        }
        (7, _) => {
            let reaction = [ews::Reaction::Broken, ews::Reaction::BrokenAfter][random.index(2)];
            rig.ews.script(operation, reaction);
            format!("Exchange: {reaction:?} at the next {operation}")
        }
        (8, Some(dav)) => {
            dav.throttle(&name, Duration::from_secs(1));
            format!("the target throttles {}", address(&name))
        }
        (9, Some(_)) => {
            rig.restart_target().unwrap();
            "the target is restarted".to_owned()
        }
        (10, Some(dav)) => {
            dav.switch(|switches| switches.forgets_tokens = !switches.forgets_tokens);
            "the target forgets its tokens, or remembers them".to_owned()
        }
        (_, Some(dav)) => {
            let reactions = [
                caldav::Reaction::Broken,
                caldav::Reaction::BrokenAfter,
                caldav::Reaction::Status(502),
                caldav::Reaction::Busy { retry_after_s: 1 },
            ];
            let reaction = reactions[random.index(reactions.len())];
            dav.script(method, reaction);
            format!("the target: {reaction:?} at the next {method}")
        }
        (_, None) => {
            relays[1].proxy().reset_all();
            "connections to the target are reset".to_owned()
        }
    }
}

/// Everything works again, but for what was to go wrong at a request that never came.
pub fn end(rig: &Rig) {
    for relay in rig.relays.as_ref().unwrap() {
        relay.proxy().change(|conditions| conditions.round_trip = Duration::ZERO);
    }
    if let Some(dav) = rig.target.lab() {
        dav.switch(|switches| switches.forgets_tokens = false);
    }
}
