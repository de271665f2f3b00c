//! Several calendars of a person on a target that lets nobody make calendars: one that does all else, and one that is treated as
//! VK WorkSpace (no tokens, no multiget, no search).

use crate::faults::{ALWAYS, Fault, Faults};
use crate::stage::{Stage, at, has, has_no, phone};
use parom_lab::ews::{Event, Outlook};

const FOLDED: &str = "several = \"first-with-category\"\nseveral_category = \"Календарь: {name}\"";

/// Anna with a second and a third calendar, and a target where she has opened her one calendar.
fn open(stage: &Stage, product: &str, more: &str) {
    stage.configure(more);
    stage.target_is(product);
    stage.radicale.make("anna", "Мой календарь");
    if product != "vk-workspace" {
        stage.radicale.make_no_more("anna");
    }
    let outlook = stage.outlook();
    for name in ["Проекты", "Travel"] {
        outlook.make_calendar(name).unwrap();
    }
    outlook.add(&at("Lunch", 2, 12)).unwrap();
    let launch = Event { categories: vec!["Важное".to_owned()], ..at("Launch", 3, 9).daily(3) };
    let launch = outlook.add_to("Проекты", &launch).unwrap();
    outlook.edit_occurrence(&launch, "2026-03-04", |event| event.subject = "Launch again".to_owned()).unwrap();
    outlook.add_to("Travel", &at("Flight", 4, 9)).unwrap();
}

fn titles(outlook: &Outlook, calendar: &str) -> Vec<String> {
    let mut titles: Vec<String> = outlook.events_in(calendar).into_iter().map(|(_, event)| event.subject).collect();
    titles.sort();
    titles
}

#[test]
fn further_calendars_go_into_the_first_one_with_a_category_and_come_back_to_their_own() {
    for product in ["vk-workspace", "radicale"] {
        if let Some(stage) = Stage::of(&["anna"]) {
            there_and_back(&stage, product);
        }
    }
}

fn there_and_back(stage: &Stage, product: &str) {
    let outlook = stage.outlook();
    open(stage, product, FOLDED);
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.settle();
    assert_eq!(stage.radicale.calendars("anna").len(), 1);
    let text = |title: &str| stage.radicale.event("anna", title).1;
    has(&text("Launch"), &["CATEGORIES:Важное,Календарь: Проекты"]);
    assert_eq!(text("Launch").matches("Календарь: Проекты").count(), 2, "the series and its exception");
    has(&text("Flight"), &["CATEGORIES:Календарь: Travel"]);
    has_no(&text("Lunch"), &["CATEGORIES"]);
    assert_eq!(stage.source_writes(), 0, "nothing comes back that nobody changed");
    assert_eq!(outlook.events_in("Проекты")[0].1.categories, ["Важное"]);

    // On the phone: a new one for Travel, one moved to another calendar, one whose categories a client drops, one renamed.
    let hotel = "DTSTART:20260310T100000Z\nDTEND:20260310T110000Z\nSUMMARY:Hotel\nCATEGORIES:Календарь: Travel,Red";
    stage.radicale.add("anna", "hotel", &phone("hotel", hotel));
    stage.radicale.edit("anna", "Flight", |text| text.replace("Календарь: Travel", "Календарь: Проекты"));
    stage.radicale.edit("anna", "Launch", |text| {
        let kept = text.lines().filter(|line| !line.starts_with("CATEGORIES"));
        kept.map(|line| format!("{line}\n")).collect()
    });
    stage.radicale.edit("anna", "Lunch", |text| text.replace("SUMMARY:Lunch", "SUMMARY:Late lunch"));
    stage.settle();
    assert_eq!(titles(&outlook, "calendar"), ["Late lunch"]);
    assert_eq!(titles(&outlook, "Проекты"), ["Flight", "Launch"]);
    assert_eq!(titles(&outlook, "Travel"), ["Hotel"]);
    assert_eq!(outlook.events_in("Travel")[0].1.categories, ["Red"]);
    let launch = outlook.events_in("Проекты").into_iter().find(|(_, event)| event.subject == "Launch").unwrap();
    assert_eq!(launch.1.categories, Vec::<String>::new(), "the category of people's own was dropped on the phone");

    // In Outlook: moved to the first calendar, out of it, and deleted. On the phone: deleted.
    outlook.move_to(&launch.0, "calendar").unwrap();
    let lunch = outlook.events_in("calendar").into_iter().find(|(_, event)| event.subject == "Late lunch").unwrap();
    outlook.move_to(&lunch.0, "Travel").unwrap();
    outlook
        .delete(&outlook.events_in("Travel").into_iter().find(|(_, event)| event.subject == "Hotel").unwrap().0)
        .unwrap();
    stage.radicale.delete("anna", &stage.radicale.event("anna", "Flight").0);
    stage.until("the deletions", || stage.radicale.events("anna").len() == 2 && titles(&outlook, "Проекты").is_empty());
    stage.settle();
    assert_eq!(
        (titles(&outlook, "calendar"), titles(&outlook, "Travel")),
        (vec!["Launch".into()], vec!["Late lunch".into()])
    );
    has_no(&text("Launch"), &["Календарь:"]);
    has(&text("Late lunch"), &["CATEGORIES:Календарь: Travel"]);
    assert_eq!(outlook.read_occurrence(&outlook.events()[0].0, "2026-03-04").unwrap().subject, "Launch again");
    assert_eq!((stage.parked().len(), stage.ews.outgoing().len()), (0, 0));
    let verdict = stage.json(&["verify", "anna@corp.example", "--json"]);
    assert_eq!(verdict["differences"], 0, "{verdict}");
}

#[test]
fn a_server_that_drops_categories_gets_no_events_of_further_calendars() {
    let mut faults = None;
    let Some(stage) = Stage::behind(&["anna"], |port| faults.insert(Faults::before(port)).port) else { return };
    open(&stage, "vk-workspace", FOLDED);
    faults.unwrap().on(
        "GET",
        &[".ics"],
        ALWAYS,
        Fault::Spoil(Box::new(|_, body| {
            *body = body.split_inclusive("\r\n").filter(|line| !line.starts_with("CATEGORIES")).collect();
        })),
    );
    stage.calendar(&["subscribe", "anna@corp.example"]);
    stage.settle();
    assert_eq!(stage.radicale.events("anna").len(), 1);
    let parked = stage.parked();
    assert_eq!(parked.len(), 2, "{parked:#?}");
    assert!(parked.iter().all(|one| one["text"].as_str().unwrap().contains("drops categories")), "{parked:#?}");
    assert_eq!((titles(&stage.outlook(), "Проекты").len(), titles(&stage.outlook(), "Travel").len()), (1, 1));
}

#[test]
fn further_calendars_wait_with_their_reason_until_there_is_a_place_for_them() {
    let Some(stage) = Stage::of(&["anna"]) else { return };
    let outlook = stage.outlook();
    open(&stage, "vk-workspace", "");
    let said = stage.calendar(&["subscribe", "anna@corp.example"]);
    assert!(said.contains("The calendar \"Travel\" has no partner"), "{said}");
    stage.settle();
    assert_eq!(stage.radicale.events("anna").len(), 1);
    let parked = stage.parked();
    assert_eq!(parked.iter().map(|one| one["code"].as_str().unwrap()).collect::<Vec<_>>(), ["calendar-unpaired"; 2]);
    assert!(parked.iter().any(|one| one["text"].as_str().unwrap().contains("\"Travel\"")), "{parked:#?}");
    assert_eq!(stage.json(&["status", "--json"])["standing"], "in-step");
    let verdict = stage.json(&["verify", "anna@corp.example", "--json"]);
    assert_eq!((&verdict["differences"], &verdict["explained"]), (&0.into(), &2.into()), "{verdict}");
    // Somebody edits what waits, which waits on.
    outlook.edit(&outlook.events_in("Travel")[0].0, |event| event.location = "Gate 7".to_owned()).unwrap();
    stage.settle();
    assert_eq!(stage.parked().len(), 2);
    // She makes one of them by hand.
    stage.radicale.make("anna", "Travel");
    stage.settle();
    has(&stage.radicale.event("anna", "Flight").1, &["LOCATION:Gate 7"]);
    assert_eq!(stage.parked().len(), 1);
    // And for the other one the admin decides otherwise.
    stage.configure(FOLDED);
    stage.target_is("vk-workspace");
    stage.settle();
    has(&stage.radicale.event("anna", "Launch").1, &["CATEGORIES:Важное,Календарь: Проекты"]);
    assert_eq!((stage.parked().len(), stage.ews.outgoing().len()), (0, 0));
}
