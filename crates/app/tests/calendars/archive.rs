//! What is overwritten in Exchange is kept first, and can be had again.

use crate::stage::{Stage, at, in_outlook, told};

const ANNA: &str = "anna@corp.example";

fn entries(stage: &Stage) -> Vec<serde_json::Value> {
    let text = stage.calendar(&["archive", "list", "--json"]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// On the phone, this becomes that in the event of this title.
fn on_the_phone(stage: &Stage, title: &str, from: &str, to: &str) {
    let (href, text) = stage.radicale.event("anna", title);
    assert!(text.contains(from), "{text}");
    stage.radicale.put("anna", &href, &text.replace(from, to));
}

fn subscribed(titles: &[&str]) -> Option<Stage> {
    let stage = Stage::of(&["anna"])?;
    for (title, day) in titles.iter().zip(2..) {
        stage.outlook().add(&at(title, day, 12)).unwrap();
    }
    stage.calendar(&["subscribe", ANNA]);
    stage.check();
    assert_eq!(entries(&stage), Vec::<serde_json::Value>::new());
    Some(stage)
}

#[test]
fn what_people_made_is_kept_once_before_it_is_overwritten() {
    let Some(stage) = subscribed(&["Lunch"]) else { return };
    on_the_phone(&stage, "Lunch", "SUMMARY:Lunch", "SUMMARY:Dinner");
    stage.until("the phone's edit", || stage.titles().0.contains_key("Dinner"));
    on_the_phone(&stage, "Dinner", "SUMMARY:Dinner", "SUMMARY:Supper");
    stage.until("the phone's second edit", || stage.titles().0.contains_key("Supper"));
    // What Parom itself made there, it may change.
    let calendar = stage.radicale.calendars("anna").remove(0);
    let new = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:from-the-phone\nDTSTAMP:20260101T000000Z\n\
               DTSTART:20260320T100000Z\nDTEND:20260320T110000Z\nSUMMARY:New\nEND:VEVENT\nEND:VCALENDAR\n";
    stage.radicale.put("anna", &format!("{calendar}new.ics"), new);
    stage.until("the phone's event", || stage.titles().0.contains_key("New"));
    on_the_phone(&stage, "New", "SUMMARY:New", "SUMMARY:Newer");
    stage.until("the edit of the phone's event", || stage.titles().0.contains_key("Newer"));

    let entries = entries(&stage);
    assert_eq!(entries.len(), 1, "{entries:?}");
    let of = |name: &str| entries[0][name].clone();
    assert_eq!((of("account"), of("number")), (ANNA.into(), 1.into()));
    assert_eq!((of("title"), of("day")), ("Lunch".into(), "2026-03-02".into()));
    assert_eq!((of("side"), of("why"), of("exported")), ("source".into(), "overwritten".into(), true.into()));
    assert_eq!(stage.ews.count("ExportItems"), 1);
    let kept = stage.calendar(&["archive", "get", ANNA, "1"]);
    assert!(kept.contains("SUMMARY:Lunch") && kept.starts_with("BEGIN:VCALENDAR"), "{kept}");
    let list = stage.calendar(&["archive", "list", ANNA]);
    assert!(list.contains("overwritten") && list.contains("2026-03-02  Lunch  "), "{list}");
    stage.calendar(&["archive", "get", ANNA, "1", "--out", "kept.ics"]);
    let again = stage.run(&["calendar", "archive", "get", ANNA, "1", "--out", "kept.ics"]);
    assert_eq!(again.status.code(), Some(2), "a file that is there stays: {}", told(&again));
    let unknown = stage.run(&["calendar", "archive", "get", ANNA, "2"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", told(&unknown));
    stage.check();
}

#[test]
fn what_was_removed_can_be_put_back_as_exchange_had_it_or_as_it_was_read() {
    for exports in [true, false] {
        let Some(stage) = subscribed(&["Lunch", "Stays"]) else { return };
        stage.ews.switch(|switches| switches.exports = exports);
        let (_, before) = in_outlook(&stage.outlook(), "Lunch");
        let too_early = |stage: &Stage| {
            let refused = stage.run(&["calendar", "archive", "restore", ANNA, "1"]);
            assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
        };
        too_early(&stage);
        let (href, _) = stage.radicale.event("anna", "Lunch");
        stage.radicale.delete("anna", &href);
        let differs = stage.run(&["calendar", "verify", ANNA]);
        assert_eq!(differs.status.code(), Some(7), "{}", told(&differs));
        let named = "\"Calendar\": the event \"Lunch\" of 2026-03-02 (UID ";
        let missing = ") is missing on the target; the source has it";
        assert!(told(&differs).contains(named) && told(&differs).contains(missing), "{}", told(&differs));
        stage.until("the deletion", || !stage.titles().0.contains_key("Lunch"));
        let entries = entries(&stage);
        assert_eq!((entries.len(), &entries[0]["exported"]), (1, &exports.into()), "{entries:?}");
        assert!(stage.calendar(&["archive", "restore", ANNA, "1"]).contains("was put back"));
        let (_, after) = in_outlook(&stage.outlook(), "Lunch");
        assert_eq!((after.start, after.end, after.location), (before.start, before.end, before.location));
        stage.until("the restored event", || stage.titles().1.contains_key("Lunch"));
        too_early(&stage);
        assert_eq!(stage.ews.count("UploadItems"), u64::from(exports));
        stage.check();
    }
}

#[test]
fn what_a_merge_gave_up_can_be_had_too() {
    let Some(stage) = subscribed(&["Lunch"]) else { return };
    let (lunch, _) = in_outlook(&stage.outlook(), "Lunch");
    stage.outlook().edit(&lunch, |event| event.subject = "Brunch".to_owned()).unwrap();
    on_the_phone(&stage, "Lunch", "SUMMARY:Lunch", "SUMMARY:Dinner");
    stage.calendar(&["sync", "--all"]);
    let given_up: Vec<_> = entries(&stage).into_iter().filter(|entry| entry["why"] == "given-up").collect();
    assert_eq!(given_up.len(), 1, "{given_up:?}");
    let lost = stage.calendar(&["archive", "get", ANNA, &given_up[0]["number"].to_string()]);
    let (source, _) = stage.titles();
    let other = if source.contains_key("Dinner") { "Brunch" } else { "Dinner" };
    assert!(lost.contains(&format!("SUMMARY:{other}")), "{lost}");
    stage.check();
}
