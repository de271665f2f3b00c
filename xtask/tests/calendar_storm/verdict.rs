//! After the storm: both sides come to rest and hold the same, each event once; a run with nothing to do writes nothing, and
//! nobody was written to.

use crate::{Deeds, id_of, phone};
use parom_lab::face::Face;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use xtask::live::calendars::{Rig, address};

/// Runs until nothing is to do any more.
pub fn calm(rig: &Rig, deeds: &Deeds, within: Duration) {
    let began = Instant::now();
    let mut runs = 0;
    loop {
        runs += 1;
        let before = writes(rig);
        let run = rig.parom.run(&["calendar", "sync", "--all"]).unwrap();
        let is_quiet = !["not settled", "parked"].iter().any(|word| run.said().contains(word));
        if run.code == Some(0) && is_quiet && writes(rig) == before {
            println!("at rest after {runs} runs and {:.0} s", began.elapsed().as_secs_f64());
            return;
        }
        if began.elapsed() > within {
            let parked = rig.parom.run(&["parked"]).unwrap().said();
            let about = deeds.born.keys().filter(|id| parked.contains(&format!("{id}@"))).map(|id| deeds.about(id));
            let about: Vec<String> = about.collect();
            panic!("it does not come to rest: {:?}\n{}\n{parked}\n{}", run.code, run.said(), about.join("\n"));
        }
        if run.said().contains("held") {
            for name in rig.people.iter().filter(|name| run.said().contains(&address(name))) {
                rig.parom.run(&["brakes", "release", &address(name)]).unwrap();
            }
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Requests that write. Of a server that cannot be looked into: everything that is there.
fn writes(rig: &Rig) -> (u64, BTreeMap<String, String>) {
    let calls = rig.ews.calls();
    let source = ["CreateItem", "UpdateItem", "DeleteItem", "MoveItem", "CreateFolder", "CreateAttachment"];
    let source: u64 = source.iter().filter_map(|name| calls.get(*name)).sum();
    match rig.target.lab() {
        Some(dav) => (source + dav.writes(), BTreeMap::new()),
        None => (source, rig.people.iter().flat_map(|name| phone::events(rig, name)).collect()),
    }
}

type Seen = BTreeMap<String, Vec<Face>>;

fn on_exchange(rig: &Rig, name: &str) -> Seen {
    let outlook = rig.outlook(name);
    let mut seen = Seen::new();
    for (id, event) in outlook.events() {
        seen.entry(id_of(&event.subject).to_owned()).or_default().push(Face::of_event(&outlook, &id, &event));
    }
    seen
}

fn at_the_target(rig: &Rig, name: &str) -> Seen {
    let mut seen = Seen::new();
    for (path, text) in phone::events(rig, name) {
        let face = Face::of_ical(&text).unwrap_or_else(|| panic!("{path} is no event: {text}"));
        seen.entry(id_of(&face.title).to_owned()).or_default().push(face);
    }
    seen
}

pub fn judge(rig: &Rig, deeds: &Deeds) {
    let mut events = 0;
    let verified = rig.parom.run(&["calendar", "verify"]).unwrap();
    for name in &rig.people {
        let (here, there) = (on_exchange(rig, name), at_the_target(rig, name));
        let of_this = deeds.born.iter().filter(|(_, whose)| *whose == name).map(|(id, _)| id);
        for id in of_this {
            let story = || format!("{}'s {id}\n{}\nParom says: {}", address(name), deeds.about(id), verified.said());
            let (a, b) = (here.get(id).map_or(&[][..], Vec::as_slice), there.get(id).map_or(&[][..], Vec::as_slice));
            assert!(a.len() <= 1 && b.len() <= 1, "doubled: {a:#?} {b:#?}\n{}", story());
            assert_eq!(a, b, "Exchange and the target differ: {}", story());
            assert!(a.len() == 1 || deeds.deleted.contains(id), "lost: {}", story());
            events += a.len();
        }
        let strangers = here.keys().chain(there.keys()).filter(|id| deeds.born.get(*id) != Some(name));
        assert_eq!(strangers.collect::<Vec<_>>(), Vec::<&String>::new(), "events that nobody made");
    }
    assert_eq!(verified.code, Some(0), "{}", verified.said());
    let before = writes(rig);
    rig.parom.run(&["calendar", "sync", "--all"]).unwrap().ok().unwrap();
    assert_eq!(writes(rig), before, "a run with nothing to do has written");
    assert_eq!(rig.ews.outgoing(), [], "Exchange has written to people");
    if let Some(dav) = rig.target.lab() {
        assert_eq!(dav.letters(), [], "the target has written to people");
    }
    println!("{events} events are the same on both sides, nothing is left to do, and nobody was written to");
}
