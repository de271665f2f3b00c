//! Kept in step by one process for as long as it runs. It looks by itself once in an hour, so whatever crosses sooner was
//! rung for: by a notification of Exchange, or by a glance at the target.

use crate::stage::{Stage, at, in_outlook, told};
use parom_domain::{FolderPath, InternalDate};
use parom_lab::ews::Reaction;
use parom_lab::server::{Config, LabServer};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Whatever rings is looked at within seconds; this is for slow machines.
const SOON: Duration = Duration::from_secs(180);

/// A watch that ends with the test.
struct Watching<'a> {
    stage: &'a Stage,
    child: Child,
    patience: Duration,
}

impl Watching<'_> {
    fn until(&mut self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + self.patience;
        while !is_so() {
            assert!(Instant::now() < deadline, "never came: {what}: {}", self.stage.said());
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended: {}", self.stage.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Until Exchange tells of so many mailboxes, and everything that this brought about is over.
    fn until_calm(&mut self, subscriptions: usize) {
        let ews = &self.stage.ews;
        self.until("the subscriptions", || ews.subscriptions() == subscriptions && ews.streams() > 0);
        self.until_nobody_looks();
    }

    fn until_nobody_looks(&self) {
        let deadline = Instant::now() + self.patience;
        let mut last = (0, Instant::now());
        while last.1.elapsed() < Duration::from_secs(5) {
            assert!(Instant::now() < deadline, "it never rests: {}", self.stage.said());
            let looks = self.stage.ews.count("SyncFolderItems");
            if looks != last.0 {
                last = (looks, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.code(), Some(130), "{}", self.stage.said());
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stage {
    /// Nothing is looked at within the hour by itself, streams last a second, and the target is glanced at every second.
    fn hourly(&self) {
        self.edit_configuration("look_every_s = 1\n", "look_every_s = 3600\n");
        self.edit_configuration("[domain.target.caldav]\n", "[domain.target.caldav]\nglance_every_s = 1\n");
        self.ews.switch(|switches| {
            switches.minute = Duration::from_secs(1);
            switches.wants_affinity = true;
        });
    }

    fn watch(&self, args: &[&str]) -> Watching<'_> {
        Watching { stage: self, child: self.start(args), patience: SOON }
    }
}

const WATCH: &[&str] = &["calendar", "subscribe", "--all", "--watch"];

#[test]
fn what_happens_on_either_side_is_heard_and_carried() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    stage.hourly();
    let outlook = stage.outlook();
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    let mut watching = stage.watch(WATCH);
    watching.until("the first transfer", || stage.titles().1.contains_key("Lunch"));
    watching.until_calm(1);

    outlook.add(&at("Dentist", 3, 9)).unwrap();
    watching.until("the new event", || stage.titles().1.contains_key("Dentist"));
    watching.until_calm(1);
    // A burst is few looks: each of these saves is told two or three times.
    let before = stage.ews.count("FindFolder");
    for hour in 8..18 {
        outlook.edit(&in_outlook(&outlook, "Dentist").0, |event| event.location = format!("Room {hour}")).unwrap();
    }
    watching.until("the last edit", || stage.radicale.event("anna", "Dentist").1.contains("LOCATION:Room 17"));
    assert!(stage.ews.count("FindFolder") - before <= 4, "one look for each save");
    watching.until_calm(1);

    let (href, text) = stage.radicale.event("anna", "Lunch");
    stage.radicale.put("anna", &href, &text.replace("SUMMARY:Lunch\n", "SUMMARY:Supper\n"));
    watching.until("the edit on the phone", || stage.titles().0.contains_key("Supper"));
    outlook.delete(&in_outlook(&outlook, "Dentist").0).unwrap();
    watching.until("the deletion", || !stage.titles().1.contains_key("Dentist"));
    watching.stop();
    stage.edit_configuration("look_every_s = 3600\n", "look_every_s = 1\n");
    stage.check();
}

#[test]
fn a_lost_subscription_costs_nothing_but_time() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    stage.hourly();
    let outlook = stage.outlook();
    outlook.add(&at("Event 0", 1, 12)).unwrap();
    let mut watching = stage.watch(WATCH);
    watching.until("the first transfer", || stage.titles().1.contains_key("Event 0"));
    watching.until_calm(1);
    // What happens while nobody hears.
    let cases: [(&str, &dyn Fn()); 4] = [
        ("the server was started anew", &|| stage.ews.forget_subscriptions()),
        ("a connection breaks without a word", &|| stage.ews.cut_streams()),
        ("the server is too busy", &|| {
            stage.ews.script("GetStreamingEvents", Reaction::Busy { backoff_ms: 2500 });
            stage.ews.script("Subscribe", Reaction::Busy { backoff_ms: 0 });
            stage.ews.forget_subscriptions();
        }),
        ("a proxy answers", &|| {
            stage.ews.script("GetStreamingEvents", Reaction::Status(503));
            stage.ews.cut_streams();
        }),
    ];
    for (at_day, (what, happens)) in (2..).zip(cases) {
        let title = format!("Event {at_day}");
        happens();
        outlook.add(&at(&title, at_day, 12)).unwrap();
        watching.until(what, || stage.titles().1.contains_key(&title));
        watching.until_calm(1);
    }
    watching.stop();
    stage.edit_configuration("look_every_s = 3600\n", "look_every_s = 1\n");
    stage.check();
}

#[test]
fn where_there_are_no_streams_mailboxes_are_asked_in_turn() {
    let Some(stage) = Stage::of(&["anna", "boris"]) else { return };
    stage.hourly();
    stage.edit_configuration("look_every_s = 3600\n", "look_every_s = 2\n");
    stage.edit_configuration("[domain.source.ews]\n", "[domain.source.ews]\nstreams = 0\n");
    let outlook = stage.outlook();
    let mut watching = stage.watch(WATCH);
    watching.until("the questions", || stage.ews.count("GetEvents") > 3 && stage.ews.subscriptions() == 2);
    // From here a look is one that GetEvents has rung for: by itself there is one in an hour.
    watching.until_nobody_looks();
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    watching.until("the new event", || stage.titles().1.contains_key("Lunch"));
    stage.ews.forget_subscriptions();
    outlook.add(&at("Supper", 2, 18)).unwrap();
    watching.until("the other one", || stage.titles().1.contains_key("Supper"));
    assert_eq!(stage.ews.count("GetStreamingEvents"), 0);
    watching.stop();
}

#[test]
fn whoever_tells_nothing_is_looked_at_from_time_to_time_and_one_who_fails_stops_nobody() {
    let Some(stage) = Stage::of(&["anna", "boris"]) else { return };
    stage.hourly();
    stage.edit_configuration("look_every_s = 3600\n", "look_every_s = 2\n");
    stage.ews.deny("boris@corp.example");
    for _ in 0..2 {
        stage.ews.script("Subscribe", Reaction::Fault("ErrorAccessDenied"));
    }
    let mut watching = stage.watch(WATCH);
    watching.until("both refusals", || stage.ews.count("Subscribe") == 2);
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    watching.until("the new event", || stage.titles().1.contains_key("Lunch"));
    assert_eq!((stage.ews.subscriptions(), stage.ews.count("Subscribe")), (0, 2), "nobody insists");
    assert!(stage.said().contains("boris@corp.example: "), "{}", stage.said());
    let status = told(&stage.run(&["calendar", "status"]));
    assert!(status.contains("may not act for"), "{status}");
    watching.stop();
}

#[test]
fn one_process_watches_mail_and_calendars() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    stage.hourly();
    let start = |validity| {
        let accounts = vec![("anna".to_owned(), "pass".to_owned())];
        let config = Config { accounts, first_validity: validity, ..Config::default() };
        stage.runtime().block_on(LabServer::start(config)).unwrap()
    };
    let (source, target) = (start(1), start(2));
    for (table, server) in [("source", &source), ("target", &target)] {
        let to = format!(
            "[domain.{table}.imap]\nport = {}\ntls = \"none\"\npassword = \"secret:mail\"\n",
            server.addr().port()
        );
        stage.edit_configuration(&format!("[domain.{table}.imap]\n"), &to);
    }
    stage.write("mail", "pass");
    assert!(stage.run(&["secret", "set", "mail", "--file", "mail"]).status.success());
    stage.calendar(&["subscribe", "anna@corp.example"]);
    let inbox = FolderPath::inbox();
    let deliver = |text: &str| {
        let date = InternalDate { unix_s: 1_700_000_000, offset_min: 0 };
        let mail = format!("Message-ID: <{text}@x>\r\nSubject: {text}\r\n\r\n{text}\r\n").into_bytes();
        source.mailbox("anna").unwrap().add(&inbox, mail, &["\\Seen"], date).unwrap();
    };
    let arrived = || target.mailbox("anna").unwrap().messages(&inbox).len();
    deliver("first");
    stage.outlook().add(&at("Lunch", 2, 12)).unwrap();
    let mut watching = stage.watch(&["sync", "--all", "--watch"]);
    watching.until("both", || arrived() == 1 && stage.titles().1.contains_key("Lunch"));
    watching.until_calm(1);
    for (number, title) in (2..).zip(["Dentist", "Cinema", "Supper"]) {
        deliver(title);
        stage.outlook().add(&at(title, 3, 9)).unwrap();
        watching.until(title, || arrived() == number && stage.titles().1.contains_key(title));
    }
    let said = stage.said();
    assert!(
        said.contains("anna@corp.example: in step") && said.contains("anna@corp.example, calendars: in step"),
        "{said}"
    );
    watching.stop();
}

#[test]
fn two_hundred_mailboxes_are_told_of_on_one_stream() {
    let names: Vec<String> = (0..200).map(|number| format!("u{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(stage) = Stage::crowd(&names) else { return };
    stage.hourly();
    // So many glances would be a load of their own.
    stage.edit_configuration("glance_every_s = 1\n", "glance_every_s = 3600\n");
    let mut watching = stage.watch(WATCH);
    // Radicale takes its time for two hundred first transfers.
    watching.patience = Duration::from_secs(900);
    watching.until_calm(200);
    watching.until("one stream", || stage.ews.streams() == 1);
    for name in ["u000", "u117", "u199"] {
        stage.ews.outlook(&format!("{name}@corp.example")).add(&at("Lunch", 2, 12)).unwrap();
        let there = || stage.radicale.events(name).values().any(|text| text.contains("SUMMARY:Lunch"));
        watching.until(name, there);
    }
    watching.stop();
}
