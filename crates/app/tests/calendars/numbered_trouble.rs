//! Servers that fail, lie and forget, and events that cannot be carried, by the numbers of `docs/scenarios.md`. Each has a
//! name and a sentence, and the others go on.

use crate::faults::{ALWAYS, Fault, Faults};
use crate::radicale::PASSWORD;
use crate::stage::{Office, Stage, at, has, in_outlook, told};
use parom_lab::caldav::{CalDav, Config, Person};
use parom_lab::ews::{Event, Reaction};
use std::time::{Duration, Instant};

/// A Radicale behind what spoils its answers.
fn behind_faults(users: &[&str]) -> Option<(Stage, Faults)> {
    let mut faults = None;
    let stage = Stage::behind(users, |port| faults.insert(Faults::before(port)).port)?;
    Some((stage, faults.unwrap()))
}

fn dav_error(condition: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><error xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><{condition}/></error>"
    )
}

/// A run over all accounts: the exit code and what was said.
fn run(stage: &Stage) -> (i32, String) {
    let done = stage.run(&["calendar", "sync", "--all"]);
    (done.status.code().unwrap(), told(&done))
}

#[test]
fn e39_e40_e41_e42_a_server_that_lies_or_forgets_loses_and_doubles_nothing() {
    let Some((stage, faults)) = behind_faults(&["anna"]) else { return };
    let outlook = stage.outlook();
    // Fewer would be taken for tidying, once they are missing for longer than the grace.
    for (day, title) in (2..).zip(["One", "Two", "Three", "Four", "Five", "Six"]) {
        outlook.add(&at(title, day, 9)).unwrap();
    }
    // E40: no ETag comes back, or a weak one, or the listing forgets one.
    faults.on(
        "PUT",
        &["SUMMARY:One"],
        1,
        Fault::Spoil(Box::new(|head, _| {
            *head = head
                .lines()
                .filter(|line| !line.to_lowercase().starts_with("etag"))
                .map(|line| format!("{line}\r\n"))
                .collect();
        })),
    );
    faults.on(
        "PUT",
        &["SUMMARY:Two"],
        1,
        Fault::Spoil(Box::new(|head, _| *head = head.replace("ETag: \"", "ETag: W/\""))),
    );
    stage.calendar(&["subscribe", "anna@corp.example"]);
    assert_eq!(faults.mend(), [0, 0]);
    stage.check();

    // E42: neither side knows any more where we were.
    faults.answer("REPORT", &["sync-collection", "http"], ALWAYS, 403, &dav_error("valid-sync-token"));
    stage.ews.switch(|switches| switches.forgets_sync_states = true);
    for _ in 0..2 {
        assert_eq!(run(&stage).0, 0);
    }
    stage.ews.switch(|switches| switches.forgets_sync_states = false);
    faults.mend();
    stage.check();

    // E39: nothing is there, says the server, and means its disk.
    let written = stage.source_writes();
    let emptied: fn(&mut String, &mut String) = |_, body| {
        let members: Vec<&str> = body.split_inclusive("</response>").collect();
        *body = members.iter().filter(|member| !member.contains(".ics</")).copied().collect();
    };
    faults.on("PROPFIND", &["depth: 1", "getetag"], ALWAYS, Fault::Spoil(Box::new(emptied)));
    faults.answer("REPORT", &["sync-collection"], ALWAYS, 403, &dav_error("valid-sync-token"));
    for _ in 0..3 {
        run(&stage);
        std::thread::sleep(Duration::from_millis(600));
    }
    assert_eq!((stage.source_writes(), outlook.events().len()), (written, 6));
    faults.mend();
    stage.check();

    // E41: somebody else is quicker, between our look and our PUT.
    let (href, text) = stage.radicale.event("anna", "Three");
    let quick = text.replace("\nTRANSP:", "\nLOCATION:Hall\nTRANSP:");
    let port = stage.radicale.port;
    faults.on(
        "PUT",
        &["SUMMARY:Three and more"],
        1,
        Fault::First(Box::new(move || {
            crate::radicale::put_at(port, "anna", &href, &quick);
        })),
    );
    outlook.edit(&in_outlook(&outlook, "Three").0, |event| event.subject = "Three and more".to_owned()).unwrap();
    stage.until("the merge", || stage.titles().1.contains_key("Three and more"));
    stage.settle();
    assert_eq!(faults.mend(), [0], "the fault came");
    has(&stage.radicale.event("anna", "Three and more").1, &["LOCATION:Hall"]);
    assert_eq!(in_outlook(&outlook, "Three and more").1.location, "Hall");
    stage.check();
}

#[test]
fn what_one_account_cannot_have_has_a_name_and_the_others_go_on() {
    let Some((stage, faults)) = behind_faults(&["anna", "boris", "clara", "emil"]) else { return };
    for user in ["anna", "boris", "clara"] {
        stage.ews.outlook(&format!("{user}@corp.example")).add(&at("Lunch", 2, 12)).unwrap();
    }
    // Dora has an account and no mailbox.
    stage.employ("dora");
    let all =
        ["calendar", "subscribe", "dora@corp.example", "boris@corp.example", "clara@corp.example", "anna@corp.example"];
    // Boris's home is full, and Clara has never opened her calendar.
    faults.answer("PUT", &["/boris/"], ALWAYS, 507, "");
    faults.answer("PROPFIND", &["Y2xhcmE6c2VzYW1l"], ALWAYS, 404, "");
    let done = stage.run(&all);
    let said = told(&done);
    assert_ne!(done.status.code(), Some(0));
    assert!(said.contains("anna@corp.example: in step"), "{said}");
    assert!(
        said.contains(
            "boris@corp.example: failed: At 127.0.0.1 there is no room for all that should go into the calendar \"Calendar\""
        ),
        "{said}"
    );
    assert!(said.contains("clara@corp.example: failed: There is no mailbox or calendar of clara"), "{said}");
    assert!(said.contains("dora@corp.example: failed: There is no mailbox or calendar of dora"), "{said}");
    for (user, code) in [("boris", "quota-full"), ("clara", "mailbox-missing"), ("dora", "mailbox-missing")] {
        let status = stage.json(&["status", &format!("{user}@corp.example"), "--json"]);
        assert_eq!(status["code"], code, "{status}");
    }
    // E46: a right that is taken away in the middle of it all deletes nothing.
    faults.mend();
    stage.ews.deny("anna@corp.example");
    let (_, mut said) = run(&stage);
    // What was refused in the middle is looked for until its grace is over.
    let deadline = Instant::now() + Duration::from_secs(30);
    while !said.contains("boris@corp.example: in step") && Instant::now() < deadline {
        (_, said) = run(&stage);
    }
    assert!(said.contains("anna@corp.example: failed: The service account may not act for"), "{said}");
    assert!(said.contains("boris@corp.example: in step") && said.contains("clara@corp.example: in step"), "{said}");
    assert_eq!(stage.radicale.events("anna").len(), 1);
    stage.ews.allow("anna@corp.example");
    let (_, said) = run(&stage);
    assert!(said.contains("anna@corp.example: in step"), "{said}");

    // What answers is no calendar server, or no XML: to each something else, in one run, because each is tried three times.
    let garbage = [
        ("anna", 200, "<html>Sign in</html>"),
        ("boris", 207, "<multistatus xmlns=\"DAV:\"><response><href>"),
        ("clara", 207, "\u{1}"),
    ];
    stage.calendar(&["unsubscribe", "dora@corp.example"]);
    stage.calendar(&["subscribe", "emil@corp.example"]);
    let lunch = |user: &str| stage.ews.outlook(&format!("{user}@corp.example"));
    for (user, status, body) in garbage {
        let outlook = lunch(user);
        outlook.edit(&in_outlook(&outlook, "Lunch").0, |event| event.location.push('x')).unwrap();
        for method in ["PROPFIND", "REPORT"] {
            faults.answer(method, &[&format!("/{user}/")], ALWAYS, status, body);
        }
    }
    let (code, said) = run(&stage);
    assert!(code != 0 && said.contains("emil@corp.example: in step"), "{said}");
    for (user, ..) in garbage {
        let failed = said.split('\n').find(|line| line.starts_with(&format!("{user}@corp.example: failed:"))).unwrap();
        assert!(failed.contains("gave an answer that is not the expected protocol"), "{said}");
        assert_eq!((stage.radicale.events(user).len(), lunch(user).events().len()), (1, 1));
    }
    faults.mend();
    stage.settle();
}

/// It is told and put aside, it may be tried again, and nobody is asked anything meanwhile.
#[test]
fn a_deletion_that_the_server_refuses_goes_round_in_no_circle() {
    const MANY: usize = 1000;
    let Some((stage, faults)) = behind_faults(&["anna"]) else { return };
    let outlook = stage.outlook();
    for title in ["Lunch", "Dinner"] {
        outlook.add(&at(title, 2, 12)).unwrap();
    }
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.check();
    faults.answer("DELETE", &[], MANY, 403, "");
    outlook.delete(&in_outlook(&outlook, "Lunch").0).unwrap();
    stage.until("the refusal", || !stage.parked().is_empty());
    let parked = stage.parked().remove(0);
    assert_eq!(parked["code"], "event-not-removed", "{parked}");
    let (text, fix) = (parked["text"].as_str().unwrap(), parked["fix"].as_str().unwrap());
    assert!(text.contains("was deleted on the source") && text.contains("in \"Calendar\": 403"), "{text}");
    assert!(fix.contains("by hand") && fix.contains("the right to delete"), "{fix}");
    let verdict = stage.json(&["verify", "anna@corp.example", "--json"]);
    assert_eq!((&verdict["differences"], &verdict["explained"]), (&0.into(), &1.into()), "{verdict}");

    // One look at the start, and one more where a glance or a notification asks for it.
    stage.edit_configuration("look_every_s = 1\n", "look_every_s = 3600\n");
    let looks = stage.ews.count("SyncFolderItems");
    let mut watch = stage.begin(&["sync", "--all", "--watch"]);
    std::thread::sleep(Duration::from_secs(5));
    watch.kill().unwrap();
    watch.wait().unwrap();
    let looks = stage.ews.count("SyncFolderItems") - looks;
    assert!((1..=6).contains(&looks), "{looks} looks: {}", stage.said());
    assert_eq!(faults.mend(), [MANY - 1], "it was tried once");
    stage.edit_configuration("look_every_s = 3600\n", "look_every_s = 1\n");
    assert_eq!(stage.titles().1.len(), 2);

    assert!(stage.run(&["parked", "--retry"]).status.success());
    stage.until("the deletion", || stage.titles().1.len() == 1);
    stage.check();

    // Whose calendars may not be seen at all is not told as a matter of Exchange.
    faults.answer("PROPFIND", &[], ALWAYS, 403, "");
    let (code, said) = run(&stage);
    assert!(code != 0 && said.contains("does not let Parom see the calendars of anna: 403"), "{said}");
    assert!(!said.contains("impersonat") && !said.contains("Impersonation"), "{said}");
}

#[test]
fn e43_a_busy_exchange_is_waited_for_or_left_to_the_next_run() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    for number in 0..25 {
        outlook.add(&at(&format!("Event {number}"), 1 + number, 9)).unwrap();
    }
    // Not for long, in the middle of a batch, and without an answer.
    stage.ews.script("FindFolder", Reaction::Busy { backoff_ms: 0 });
    stage.ews.script("GetItem", Reaction::StopBatchAfter(3));
    stage.ews.script("GetItem", Reaction::Busy { backoff_ms: 0 });
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.check();
    // For longer than a run waits: it is told when to come again.
    stage.ews.script("SyncFolderItems", Reaction::Busy { backoff_ms: 301_000 });
    outlook.add(&at("Late", 28, 9)).unwrap();
    let (code, said) = run(&stage);
    assert!(code != 0 && said.replace('\u{a0}', " ").contains("5 min"), "{said}");
    stage.check();
}

#[test]
fn e38_e44_e51_twins_broken_events_and_edits_of_both_sides() {
    let Some((stage, faults)) = behind_faults(&["anna"]) else { return };
    let outlook = stage.outlook();
    let twin = |subject: &str| Event { uid: "twin@corp.example".to_owned(), ..at(subject, 2, 9) };
    // E38: twice in one folder, and a third time in another.
    outlook.add(&twin("Twin")).unwrap();
    outlook.add(&twin("Twin")).unwrap();
    outlook.make_calendar("Other").unwrap();
    outlook.add_to("Other", &twin("Twin elsewhere")).unwrap();
    // E44.
    let broken = outlook.add(&at("Broken", 3, 9)).unwrap();
    outlook.spoil(&broken, Some("ErrorItemCorrupt")).unwrap();
    for title in ["Place", "Deleted here", "Deleted there", "Whole"] {
        outlook.add(&at(title, 4, 9)).unwrap();
    }
    // A UID that the server keeps somewhere out of sight.
    outlook.add(&Event { uid: "hidden@corp.example".to_owned(), ..at("Hidden", 5, 9) }).unwrap();
    faults.answer("PUT", &["SUMMARY:Hidden"], ALWAYS, 409, &dav_error("C:no-uid-conflict"));
    // Larger than the server takes.
    outlook.add(&Event { uid: "large@corp.example".to_owned(), ..at("Large", 6, 9) }).unwrap();
    faults.answer("PUT", &["SUMMARY:Large"], ALWAYS, 413, "");
    // What is not read on a screen may be a log.
    let log = stage.calendar(&["subscribe", "anna@corp.example"]);
    assert!(log.contains("The event large@corp.example in") && !log.contains("\"Large\""), "{log}");
    let texts: Vec<String> = stage.radicale.events("anna").into_values().collect();
    let titled = |title: &str| texts.iter().filter(|text| text.contains(&format!("\nSUMMARY:{title}\n"))).count();
    assert_eq!((titled("Twin"), titled("Twin elsewhere"), titled("Broken"), titled("Whole")), (1, 1, 0, 1));
    let codes: std::collections::BTreeMap<String, usize> =
        stage.parked().iter().fold(Default::default(), |mut codes, one| {
            *codes.entry(one["code"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            assert!(one["uid"].is_null() || !one["text"].as_str().unwrap().contains('—'), "{one}");
            codes
        });
    // The hidden one is tried again by each pass.
    let expected = [("event-doubled", 1), ("event-too-large", 1), ("event-unreadable", 1)];
    assert_eq!(codes, expected.map(|(code, count)| (code.to_owned(), count)).into());

    // A server that says no more than 413 tells no limit.
    let (_, text) = stage.parked_for("large@corp.example");
    assert!(text.contains("which is more than 127.0.0.1 takes"), "{text}");
    assert!(text.starts_with("The event \"Large\" of 2026-03-06 in \"Calendar\""), "{text}");
    let large = stage.parked().into_iter().find(|one| one["uid"] == "large@corp.example").unwrap();
    assert_eq!((&large["title"], &large["day"]), (&"Large".into(), &"2026-03-06".into()));
    let told_to_people = told(&stage.run(&["parked"]));
    let head = "event \"Large\" of 2026-03-06 (UID large@corp.example)";
    assert!(told_to_people.contains(head) && !told_to_people.contains("parom parked\n"), "{told_to_people}");
    assert!(told_to_people.contains("The event \"Twin\" of "), "{told_to_people}");

    // E51: other fields, the same field, a deletion against an edit, on either side.
    let place = in_outlook(&outlook, "Place").0;
    outlook.edit(&place, |event| event.location = "Said in Outlook".to_owned()).unwrap();
    stage.radicale.edit("anna", "Place", |text| text.replace("\nTRANSP:", "\nLOCATION:Said on the phone\nTRANSP:"));
    outlook.delete(&in_outlook(&outlook, "Deleted here").0).unwrap();
    stage.radicale.edit("anna", "Deleted here", |text| text.replace("\nTRANSP:", "\nLOCATION:Kept\nTRANSP:"));
    stage.radicale.delete("anna", &stage.radicale.event("anna", "Deleted there").0);
    outlook.edit(&in_outlook(&outlook, "Deleted there").0, |event| event.location = "Kept".to_owned()).unwrap();
    // What was in the way is gone.
    faults.mend();
    outlook.spoil(&broken, None).unwrap();
    assert!(stage.run(&["parked", "--retry"]).status.success());
    stage.until("the edits", || {
        let (source, target) = stage.titles();
        source.contains_key("Deleted here") && target.contains_key("Deleted there") && target.contains_key("Broken")
    });
    stage.settle();
    let place = in_outlook(&outlook, "Place").1.location;
    assert!(place.starts_with("Said "), "{place}");
    has(&stage.radicale.event("anna", "Place").1, &[&format!("LOCATION:{place}")]);
    for title in ["Deleted here", "Deleted there"] {
        assert_eq!(in_outlook(&outlook, title).1.location, "Kept");
        has(&stage.radicale.event("anna", title).1, &["LOCATION:Kept"]);
    }
    let target = stage.titles().1;
    assert_eq!((target.get("Large"), target.get("Hidden")), (Some(&1), Some(&1)));
    assert_eq!(stage.ews.outgoing(), []);
}

/// The lab's own server, whose index can be damaged for as long as wanted.
#[test]
fn e39_a_small_calendar_whose_list_lies_is_told_and_loses_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let people = ["anna", "boris"];
    let config = people.iter().map(|name| Person::new(name, PASSWORD)).fold(Config::plain(), Config::with);
    let dav = runtime.block_on(CalDav::start(config)).unwrap();
    let folder = tempfile::Builder::new().prefix("parom-calendars-").tempdir().unwrap();
    let office = Office::open(folder, dav.addr().port(), &people);
    let (outlook, boris) = (office.outlook(), office.ews.outlook("boris@corp.example"));
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    outlook.add(&at("Dinner", 3, 18)).unwrap();
    boris.add(&at("Lunch", 2, 12)).unwrap();
    office.calendar(&["subscribe", "anna@corp.example", "boris@corp.example"]);
    office.settle();
    assert_eq!((dav.events("anna").len(), dav.events("boris").len()), (2, 1));

    let written = office.source_writes();
    dav.switch(|switches| (switches.hides_objects_of, switches.forgets_tokens) = (Some("anna"), true));
    boris.add(&at("Talk", 4, 9)).unwrap();
    assert_eq!(office.run(&["calendar", "sync", "--all"]).status.code(), Some(0), "within the grace it is a suspicion");
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(1100));
        let done = office.run(&["calendar", "sync", "--all"]);
        let said = told(&done);
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.contains("The calendar \"Calendar\" on the target lists no events"), "{said}");
        assert!(said.contains("boris@corp.example: in step"), "{said}");
    }
    assert_eq!((office.source_writes(), outlook.events().len()), (written, 2));
    assert_eq!(dav.events("boris").len(), 2, "the others go on");
    let status = office.json(&["status", "anna@corp.example", "--json"]);
    assert_eq!(status["code"], "calendar-incomplete", "{status}");

    dav.switch(|switches| (switches.hides_objects_of, switches.forgets_tokens) = (None, false));
    office.settle();
    assert_eq!((dav.events("anna").len(), outlook.events().len()), (2, 2));
    // Whoever really empties a small calendar does so on both sides.
    for (id, _) in outlook.events() {
        outlook.delete(&id).unwrap();
    }
    office.until("the deletion", || dav.events("anna").is_empty());
    office.settle();
}
