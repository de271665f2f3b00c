//! Calendars that are large in one way or another, by the built binary: events of fifty megabytes, a calendar of ten thousand
//! events. `cargo xtask long large-events large-calendar`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the report")]

use parom_lab::ews::Event;
use parom_lab::phone;
use std::time::Instant;
use xtask::bench::calendars::plan;
use xtask::bench::measure::{self, Cost, Invocation};
use xtask::live::PASSWORD;
use xtask::live::calendars::{Peer, Plot, Rig, Target};

const MB: usize = 1 << 20;

fn rig(folder: &tempfile::TempDir, people: usize, peer: Peer) -> Rig {
    let plot = Plot { people, peer, relays: false, accounts_at_once: 2, connections: 4 };
    Rig::build(folder.path(), &plot).unwrap()
}

/// Runs the binary over calendars, which has to succeed.
fn run(rig: &Rig, words: &[&str]) -> Cost {
    let config = rig.parom.config();
    let mut all = vec!["--config".to_owned(), config.to_string_lossy().into_owned(), "calendar".to_owned()];
    all.extend(words.iter().map(|word| (*word).to_owned()));
    let program = xtask::paths::parom().unwrap();
    let cost = measure::run(&Invocation::new(program, rig.parom.folder(), all)).unwrap();
    println!("{:50} {:6.2} s, {:6.2} s of CPU, {:5.0} MB", words.join(" "), cost.wall_s, cost.cpu_s, cost.peak_mb);
    cost
}

/// Base64 of so many bytes.
fn packed(bytes: usize) -> String {
    "AAAA".repeat(bytes / 3)
}

fn at(title: &str) -> Event {
    Event::at(title, "2027-03-01T10:00:00", "2027-03-01T11:00:00")
}

/// The calendar that a person has at the target.
fn calendar(rig: &Rig, name: &str) -> String {
    match &rig.target {
        Target::Lab(_) => format!("/calendars/{name}/calendar/"),
        Target::Sogo(_) => format!("/SOGo/dav/{name}/Calendar/personal/"),
        Target::Radicale(_) => {
            let home = format!("/{name}/");
            let answer = phone::request(rig.target.port(), (name, PASSWORD), ("PROPFIND", &home), "Depth: 1\r\n", "");
            let answer = answer.unwrap().body;
            let mut hrefs = answer.split("<href>").filter_map(|part| part.split("</href>").next());
            hrefs.find(|href| href.starts_with(&home) && *href != home).unwrap().to_owned()
        }
    }
}

/// What a phone stores: an event with these lines, in the folds of RFC 5545.
fn put(rig: &Rig, name: &str, uid: &str, lines: &str) {
    let mut text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//phone//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\n");
    text += "DTSTAMP:20260101T000000Z\r\nDTSTART:20270302T100000Z\r\nDTEND:20270302T110000Z\r\n";
    for line in lines.lines() {
        let mut parts = line.as_bytes().chunks(74);
        text += std::str::from_utf8(parts.next().unwrap()).unwrap();
        for part in parts {
            text += "\r\n ";
            text += std::str::from_utf8(part).unwrap();
        }
        text += "\r\n";
    }
    text += "END:VEVENT\r\nEND:VCALENDAR\r\n";
    println!("a phone stores {uid}: {:.1} MB", text.len() as f64 / MB as f64);
    let path = format!("{}{uid}.ics", calendar(rig, name));
    let kind = "Content-Type: text/calendar; charset=utf-8\r\n";
    let answer = phone::request(rig.target.port(), (name, PASSWORD), ("PUT", &path), kind, &text).unwrap();
    assert!(matches!(answer.status, 201 | 204), "{} {}", answer.status, answer.body);
}

fn get(rig: &Rig, name: &str, uid: &str) -> Option<String> {
    let path = format!("{}{uid}.ics", calendar(rig, name));
    let answer = phone::request(rig.target.port(), (name, PASSWORD), ("GET", &path), "", "").unwrap();
    (answer.status == 200).then(|| answer.body.replace("\r\n ", ""))
}

/// What is put aside, in words.
fn parked(rig: &Rig) -> Vec<String> {
    let said = rig.parom.run(&["parked", "--json"]).unwrap().ok().unwrap().stdout;
    let text =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    said.lines().map(text).collect()
}

fn retry(rig: &Rig) {
    rig.parom.run(&["parked", "--retry"]).unwrap().ok().unwrap();
}

#[test]
#[ignore = "long: cargo xtask long large-events"]
fn events_of_fifty_megabytes_are_carried_or_told_and_the_others_go_on() {
    for peer in [Peer::Lab, Peer::Radicale] {
        println!("{peer:?}");
        large_events(peer);
    }
}

fn large_events(peer: Peer) {
    let folder = tempfile::tempdir().unwrap();
    let rig = rig(&folder, 2, peer);
    let (name, other) = (rig.people[0].as_str(), rig.people[1].as_str());
    if let Some(dav) = rig.target.lab() {
        dav.switch(|switches| switches.most_bytes = 100 * MB);
    }
    let mut peaks = Vec::new();
    let mut sync = |words: &[&str]| peaks.push(run(&rig, words).peak_mb);

    // From Exchange: what is beyond twenty megabytes of attachments stays there, and is told in the event.
    let outlook = rig.outlook(name);
    let big = outlook.add(&Event { uid: "big@corp.example".to_owned(), ..at("Big") }).unwrap();
    outlook.attach(&big, "big.bin", &packed(50 * MB)).unwrap();
    let fits = outlook.add(&Event { uid: "fits@corp.example".to_owned(), ..at("Fits") }).unwrap();
    outlook.attach(&fits, "fits.bin", &packed(19 * MB)).unwrap();
    outlook.add(&Event { uid: "small@corp.example".to_owned(), ..at("Small") }).unwrap();
    rig.outlook(other).add(&at("Of somebody else")).unwrap();
    sync(&["subscribe", "--all"]);
    let told = get(&rig, name, "big%40corp.example").unwrap();
    assert!(told.contains("X-PAROM-ATTACHMENT-LEFT-OUT") && told.len() < 5000, "{}", told.len());
    let whole = get(&rig, name, "fits%40corp.example").unwrap();
    assert!(whole.len() > 25 * MB && whole.contains("FILENAME=fits.bin"));
    assert!(get(&rig, name, "small%40corp.example").is_some());

    // From a phone: more than Exchange takes is put aside, and what it takes is carried.
    put(
        &rig,
        name,
        "phone",
        &format!("SUMMARY:Phone\nATTACH;FILENAME=a;ENCODING=BASE64;VALUE=BINARY:{}", packed(37 * MB)),
    );
    put(&rig, name, "little", "SUMMARY:Little");
    put(&rig, other, "theirs", "SUMMARY:Theirs");
    rig.ews.switch(|switches| switches.attachment_limit = 40 * MB);
    sync(&["sync", "--all"]);
    let titles = || outlook.events().into_iter().map(|(_, event)| event.subject).collect::<Vec<_>>();
    assert!(titles().contains(&"Little".to_owned()) && !titles().contains(&"Phone".to_owned()), "{:?}", titles());
    assert_eq!(rig.outlook(other).events().len(), 2);
    let words = parked(&rig);
    assert!(words.len() == 1 && words[0].contains("which is more than 127.0.0.1 takes"), "{words:?}");
    rig.ews.switch(|switches| switches.attachment_limit = 60 * MB);
    retry(&rig);
    sync(&["sync", "--all"]);
    assert_eq!(parked(&rig), Vec::<String>::new());
    let (phone, event) = outlook.events().into_iter().find(|(_, event)| event.subject == "Phone").unwrap();
    assert_eq!(event.attachments[0].1.len(), packed(37 * MB).len());
    drop(event);

    // An edit of either side leaves what is large where it is.
    outlook.edit(&phone, |event| event.location = "Room 1".to_owned()).unwrap();
    sync(&["sync", "--all"]);
    let there = get(&rig, name, "phone").unwrap();
    assert!(there.contains("\r\nLOCATION:Room 1\r\n") && there.len() > 49 * MB, "{}", there.len());
    drop(there);
    outlook.edit(&big, |event| event.location = "Room 2".to_owned()).unwrap();
    sync(&["sync", "--all"]);
    assert!(get(&rig, name, "big%40corp.example").unwrap().contains("\r\nLOCATION:Room 2\r\n"));
    assert_eq!(outlook.read(&big).unwrap().attachments[0].1.len(), packed(50 * MB).len());

    match &rig.target {
        // The target tells how much it takes.
        Target::Lab(dav) => {
            dav.switch(|switches| switches.most_bytes = 10 * MB);
            let late = outlook.add(&at("Late")).unwrap();
            outlook.attach(&late, "late.bin", &packed(15 * MB)).unwrap();
            outlook.add(&at("Later")).unwrap();
            sync(&["sync", "--all"]);
            let words = parked(&rig);
            assert!(words.len() == 1 && words[0].contains("takes at most 10.0\u{a0}MB"), "{words:?}");
            assert!(dav.events(name).values().any(|text| text.contains("SUMMARY:Later")));
        }
        // More than an Exchange takes in a request: the lab's hangs up, as IIS may.
        Target::Radicale(_) | Target::Sogo(_) => {
            put(
                &rig,
                name,
                "huge",
                &format!("SUMMARY:Huge\nATTACH;FILENAME=a;ENCODING=BASE64;VALUE=BINARY:{}", packed(49 * MB)),
            );
            put(&rig, name, "late", "SUMMARY:Late");
            sync(&["sync", "--all"]);
            let words = parked(&rig);
            assert!(words.len() == 1 && words[0].contains("which is more than 127.0.0.1 takes"), "{words:?}");
            assert!(titles().contains(&"Late".to_owned()) && !titles().contains(&"Huge".to_owned()));
        }
    }
    assert!(rig.ews.outgoing().is_empty());
    let peak = peaks.into_iter().fold(0.0, f64::max);
    println!("{peer:?}: at most {peak:.0} MB");
    assert!(peak < MOST_MB, "{peak:.0} MB");
}

/// What Parom may take for an event of fifty megabytes. A merge takes most, where three versions of it are at hand: 440.
const MOST_MB: f64 = 600.0;

#[test]
#[ignore = "long: cargo xtask long large-calendar"]
fn ten_thousand_events_cross_both_ways_and_then_cost_next_to_nothing() {
    const MANY: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let rig = rig(&folder, 2, Peer::Lab);
    let dav = rig.target.lab().unwrap();
    let (source, target) = (rig.people[0].clone(), rig.people[1].clone());
    let began = Instant::now();
    (0..MANY).try_for_each(|number| plan(&rig, &source, number)).unwrap();
    for number in 0..MANY {
        let (month, day, hour) = (1 + number / 28 % 12, 1 + number % 28, 7 + number % 11);
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//phone//EN\r\nBEGIN:VEVENT\r\nUID:phone-{number}\r\n\
             DTSTAMP:20260101T000000Z\r\nDTSTART:2027{month:02}{day:02}T{hour:02}0000Z\r\n\
             DTEND:2027{month:02}{day:02}T{hour:02}3000Z\r\nSUMMARY:Phone {number}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let path = format!("{}phone-{number}.ics", calendar(&rig, &target));
        let (status, said) = dav.ask(&target, "PUT", &path, &[("Content-Type", "text/calendar")], &text);
        assert_eq!(status, 201, "{said}");
    }
    println!("the servers hold {} events after {:.1} s", 2 * MANY, began.elapsed().as_secs_f64());
    let asked = || [rig.ews.load().requests, dav.load().requests];
    let run = |words: &[&str]| {
        let before = asked();
        let cost = run(&rig, words);
        let after = asked();
        let requests = [after[0] - before[0], after[1] - before[1]];
        println!("    requests to Exchange {}, to the target {}", requests[0], requests[1]);
        (cost, requests)
    };
    run(&["subscribe", &format!("{source}@corp.example")]);
    assert_eq!(dav.events(&source).len(), MANY);
    run(&["subscribe", &format!("{target}@corp.example")]);
    assert_eq!(rig.outlook(&target).events().len(), MANY);
    run(&["sync", "--all"]);
    let (cost, requests) = run(&["sync", "--all"]);
    assert!(cost.wall_s < 2.0 && requests.iter().all(|count| *count <= 16), "an idle pass over two accounts");
    // A few changes on either side.
    let outlook = rig.outlook(&source);
    let some: Vec<_> = outlook.events().into_iter().step_by(MANY / 5).map(|(id, _)| id).collect();
    for id in &some {
        outlook.edit(id, |event| event.location = "Elsewhere".to_owned()).unwrap();
    }
    for (path, text) in dav.events(&target).into_iter().step_by(MANY / 5) {
        let text = text.replace("SUMMARY:", "LOCATION:Elsewhere\r\nSUMMARY:");
        let (status, said) = dav.ask(&target, "PUT", &path, &[("Content-Type", "text/calendar")], &text);
        assert_eq!(status, 204, "{said}");
    }
    let (cost, requests) = run(&["sync", "--all"]);
    assert!(cost.wall_s < 5.0 && requests.iter().all(|count| *count <= 80), "a few changes");
    let moved = |texts: Vec<String>| texts.iter().filter(|text| text.contains("Elsewhere")).count();
    assert_eq!(moved(dav.events(&source).into_values().collect()), some.len());
    let theirs = rig.outlook(&target).events().into_iter().map(|(_, event)| event.location);
    assert_eq!(moved(theirs.collect()), 5);
    run(&["verify"]);
    assert!(rig.ews.outgoing().is_empty() && dav.letters().is_empty());
}
