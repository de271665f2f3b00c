//! The first transfer of many calendars: how much of the time Parom itself works, and how busy it keeps the connections that it
//! may have. The servers are the lab's, and every answer takes as long as it does over a distance.

use super::measure::{self, Cost, Invocation};
use crate::live::calendars::{Peer, Plot, Rig};
use crate::{Result, failure, paths};
use parom_lab::ews::Event;
use parom_lab::gauge::Load;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

pub const KEY: &str = "calendars";
const TITLE: &str = "First transfer of calendars";
const USAGE: &str = "cargo xtask bench calendars [--calendars N] [--events N] [--latency MS] [--connections N] [--dry]";
/// Parom's share of the time, and how busy a connection is that it may have.
const MOST_CPU: f64 = 0.20;
const LEAST_BUSY: f64 = 0.90;

/// What is measured.
#[derive(Clone, Copy, Debug)]
struct Wish {
    calendars: usize,
    events: usize,
    latency_ms: u64,
    /// To each server, and accounts at once.
    connections: usize,
    saved: bool,
}

impl Wish {
    fn read(words: &[&str]) -> Result<Wish> {
        // Ten connections share fifty calendars without a rest.
        let mut wish = Wish { calendars: 50, events: 1000, latency_ms: 30, connections: 10, saved: true };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|n| n.parse().ok()).ok_or_else(|| failure(USAGE));
            match *word {
                "--calendars" => wish.calendars = number()?,
                "--events" => wish.events = number()?,
                "--latency" => wish.latency_ms = number()? as u64,
                "--connections" => wish.connections = number()?,
                "--dry" => wish.saved = false,
                _ => return Err(failure(format!("unknown word {word}\n{USAGE}"))),
            }
        }
        Ok(wish)
    }
}

/// Prints the section of the report, and keeps it unless told otherwise.
pub fn run(words: &[&str], state: &Path, machine: &str) -> Result<()> {
    let wish = Wish::read(words)?;
    let section = measured(&wish, &state.join("calendars"), machine)?;
    println!("\n{section}");
    if wish.saved { super::report::save(&section) } else { Ok(()) }
}

fn measured(wish: &Wish, folder: &Path, machine: &str) -> Result<String> {
    let Wish { calendars, events, latency_ms, connections, .. } = *wish;
    let plot = Plot { people: calendars, peer: Peer::Lab, relays: false, accounts_at_once: connections, connections };
    let rig = Rig::build(folder, &plot)?;
    let dav = rig.target.lab().ok_or_else(|| failure("no server to look into"))?;
    println!("{TITLE}: {calendars} calendars of {events} events");
    for name in &rig.people {
        (0..events).try_for_each(|number| plan(&rig, name, number))?;
    }
    let latency = Duration::from_millis(latency_ms);
    rig.ews.switch(|switches| switches.latency = latency);
    dav.switch(|switches| switches.latency = latency);
    let parom = paths::parom().ok_or_else(|| failure("parom is not built: cargo build --release -p parom-app"))?;
    let config = rig.parom.config();
    let arguments = ["--config", &config.to_string_lossy(), "calendar", "subscribe", "--all"].map(str::to_owned);
    let cost = measure::run(&Invocation::new(parom, rig.parom.folder(), arguments))?;
    let loads = [rig.ews.load(), dav.load()];
    rig.ews.switch(|switches| switches.latency = Duration::ZERO);
    dav.switch(|switches| switches.latency = Duration::ZERO);
    if dav.count() != calendars * events {
        return Err(failure(format!("{} events arrived, not {}", dav.count(), calendars * events)));
    }
    rig.parom.run(&["calendar", "verify"])?.ok()?;
    if !(rig.ews.outgoing().is_empty() && dav.letters().is_empty()) {
        return Err(failure("somebody was written to"));
    }
    Ok(section(wish, cost, loads, machine))
}

/// An event of one hour; every tenth is a series of ten weeks, of which one occurrence is elsewhere and one is left out.
pub fn plan(rig: &Rig, name: &str, number: usize) -> Result<()> {
    let refused = |code: &'static str| failure(format!("the lab's Exchange refused an event: {code}"));
    let (month, day, hour) = (1 + number / 28 % 12, 1 + number % 28, 7 + number % 11);
    let at = |minute: u32| format!("2027-{month:02}-{day:02}T{hour:02}:{minute:02}:00");
    let mut event = Event::at(&format!("Event {number} of {name}"), &at(0), &at(45));
    event.location = format!("Room {}", number % 40);
    event.body = "What is to be talked about, in a sentence or two that are neither long nor short. ".repeat(3);
    if !number.is_multiple_of(10) {
        return rig.outlook(name).add(&event).map(drop).map_err(refused);
    }
    let outlook = rig.outlook(name);
    let id = outlook.add(&event.daily(10)).map_err(refused)?;
    let days = outlook.occurrences(&id, 10).map_err(refused)?;
    let (Some((moved, start)), Some((skipped, _))) = (days.get(3), days.get(5)) else {
        return Err(failure("a series without occurrences"));
    };
    let at = |clock: &str| format!("{}T{clock}:00", start.get(..10).unwrap_or_default());
    let elsewhere = |event: &mut Event| (event.start, event.end) = (at("20:00"), at("20:45"));
    outlook.edit_occurrence(&id, moved, elsewhere).map_err(refused)?;
    outlook.delete_occurrence(&id, skipped).map_err(refused)
}

fn section(wish: &Wish, cost: Cost, loads: [Load; 2], machine: &str) -> String {
    let Wish { calendars, events, latency_ms, connections, .. } = *wish;
    let Cost { wall_s, cpu_s, peak_mb } = cost;
    let mut text = format!("## {TITLE}\n\n`cargo xtask bench {KEY}` on {machine}\n\n");
    let _ = write!(
        text,
        "{calendars} calendars of {events} events, every tenth a series with one occurrence moved and one left out, from the lab's \
         Exchange to the lab's CalDAV server, which share the machine with Parom. Every answer of either takes {latency_ms} ms \
         more than its making. Parom may have {connections} connections to each, and works on as many accounts at once. Then all was \
         compared, and nobody had been written to.\n\n\
         | wall, s | CPU, s | CPU per event, ms | peak, MB | requests to Exchange | to the target | most at once, Exchange | target |\n\
         |---|---|---|---|---|---|---|---|\n"
    );
    let all = (calendars * events) as f64;
    let [source, target] = loads;
    let _ = writeln!(
        text,
        "| {wall_s:.1} | {cpu_s:.2} | {:.3} | {peak_mb:.1} | {} | {} | {} | {} |\n",
        cpu_s * 1000.0 / all,
        source.requests,
        target.requests,
        source.most_at_once,
        target.most_at_once,
    );
    let busy = |load: Load| load.busy.as_secs_f64() / (wall_s * connections as f64);
    let share = cpu_s / wall_s;
    let met = |is_met: bool| if is_met { "met" } else { "MISSED" };
    let _ =
        writeln!(text, "- Parom's CPU, share of the wall time: {share:.3}, bar {MOST_CPU}: {}", met(share < MOST_CPU));
    let _ = writeln!(
        text,
        "- a request is under way on a permitted connection to the target, share of the time: {:.2}, bar {LEAST_BUSY}: {}",
        busy(target),
        met(busy(target) >= LEAST_BUSY)
    );
    let _ = writeln!(
        text,
        "- the same to Exchange: {:.2}, with {:.1} events for each request",
        busy(source),
        all / source.requests.max(1) as f64
    );
    text
}
