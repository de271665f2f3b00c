//! Events that are larger than a server takes: each is told with what is known of it, and the others go on. Fifty megabytes are in
//! `xtask/tests/large_calendars.rs`.

use crate::caldav_servers::{Kind, Server};
use crate::faults::{ALWAYS, Fault, Faults};
use crate::stage::{Office, Stage, at, in_outlook, phone};

const HOUR: &str = "DTSTART;TZID=Europe/Moscow:20260310T100000\nDTEND;TZID=Europe/Moscow:20260310T110000";

/// So many bytes as an attachment in Outlook, or within a phone's event.
fn attachment(bytes: usize) -> String {
    "AAAA".repeat(bytes.div_ceil(3))
}

fn line(bytes: usize) -> String {
    format!("ATTACH;FILENAME=big.bin;ENCODING=BASE64;VALUE=BINARY:{}", attachment(bytes))
}

#[test]
fn a_target_that_tells_its_limit_gets_nothing_larger_and_the_others_go_on() {
    let Some(server) = Server::start(Kind::Lab) else { return };
    let dav = server.lab().unwrap();
    dav.switch(|switches| switches.most_bytes = 100 << 10);
    let folder = tempfile::Builder::new().prefix("parom-calendars-").tempdir().unwrap();
    let office = Office::open(folder, server.port, &["anna"]);
    let outlook = office.outlook();
    let large = outlook.add(&at("Large", 2, 9)).unwrap();
    outlook.attach(&large, "big.bin", &attachment(150 << 10)).unwrap();
    outlook.add(&at("Small", 2, 10)).unwrap();
    office.calendar(&["subscribe", "anna@corp.example"]);
    let titled = |title: &str| dav.events("anna").values().filter(|text| text.contains(title)).count();
    assert_eq!((titled("SUMMARY:Small"), titled("SUMMARY:Large")), (1, 0));
    let (code, text) = office.parked_for(&outlook.read(&large).unwrap().uid);
    assert_eq!(code, "event-too-large");
    assert!(text.contains("takes at most 100\u{a0}KB"), "{text}");
    // What does not change is not tried again, and no request is made for it.
    let puts = dav.calls().get("PUT").copied();
    assert!(office.calendar(&["sync", "--all"]).contains("no changes"));
    assert_eq!(dav.calls().get("PUT").copied(), puts);
    dav.switch(|switches| switches.most_bytes = 10 << 20);
    assert!(office.run(&["parked", "--retry"]).status.success());
    office.settle();
    assert_eq!((titled("SUMMARY:Large"), office.parked().len()), (1, 0));
}

#[test]
fn an_event_larger_than_exchange_takes_is_put_aside_whole_and_the_others_go_on() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    stage.ews.switch(|switches| switches.attachment_limit = 256 << 10);
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.radicale.add("anna", "big", &phone("big", &format!("{HOUR}\nSUMMARY:Big\n{}", line(384 << 10))));
    stage.radicale.add("anna", "small", &phone("small", &format!("{HOUR}\nSUMMARY:Small")));
    stage.until("what is put aside", || !stage.parked().is_empty());
    in_outlook(&outlook, "Small");
    let (code, text) = stage.parked_for("big");
    assert_eq!(code, "event-too-large", "{text}");
    assert!(text.contains("has 384\u{a0}KB, which is more than 127.0.0.1 takes"), "{text}");
    // Half of it is not on Exchange, neither now nor after it was tried once more.
    assert!(stage.run(&["parked", "--retry"]).status.success());
    stage.settle();
    assert_eq!(outlook.events().len(), 1);
    assert_eq!(stage.parked_for("big").0, "event-too-large");
    // What the server takes now goes on.
    stage.ews.switch(|switches| switches.attachment_limit = 1 << 20);
    assert!(stage.run(&["parked", "--retry"]).status.success());
    stage.settle();
    assert_eq!(in_outlook(&outlook, "Big").1.attachments[0].1.len(), 512 << 10);
    assert_eq!(stage.parked(), Vec::<serde_json::Value>::new());
    stage.check();
}

/// A proxy may hang up on a body that is too large for it, and says nothing at all.
#[test]
fn a_server_that_hangs_up_on_a_large_event_keeps_nobody_from_the_others() {
    let mut faults = None;
    let Some(stage) = Stage::behind(&["anna"], |port| faults.insert(Faults::before(port)).port) else { return };
    let faults = faults.unwrap();
    let outlook = stage.outlook();
    let large = outlook.add(&at("Large", 2, 9)).unwrap();
    outlook.attach(&large, "big.bin", &attachment(1 << 20)).unwrap();
    outlook.add(&at("Small", 2, 10)).unwrap();
    faults.on("PUT", &["SUMMARY:Large"], ALWAYS, Fault::HangUp);
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.radicale.event("anna", "Small");
    let (code, text) = stage.parked_for(&outlook.read(&large).unwrap().uid);
    assert_eq!(code, "event-too-large", "{text}");
    assert!(text.contains("which is more than 127.0.0.1 takes"), "{text}");
    faults.mend();
    assert!(stage.run(&["parked", "--retry"]).status.success());
    stage.settle();
    stage.radicale.event("anna", "Large");
}
