//! The ways of the simulated EWS that documents and reports tell of, each asked for in plain XML.

use crate::said::{Said, between, codes, create, fields, get};
use parom_lab::ews::{Config, Event, Ews, OutgoingKind, Reaction, Switches, User};
use parom_lab::exchange::{Budget, Version};
use std::time::Duration;

const ALICE: &str = "alice@corp.example";
const BOB: &str = "bob@corp.example";
const LUNCH: &str =
    "<t:Subject>Lunch </t:Subject><t:Start>2024-03-04T12:00:00Z</t:Start><t:End>2024-03-04T13:00:00Z</t:End>";

async fn start(version: Version) -> Ews {
    let mut user = User::new("half@corp.example", "Half");
    user.has_no_mailbox = true;
    let config = Config::new(version)
        .with(User::new(ALICE, "Alice").also("a.smith@corp.example"))
        .with(User::new(BOB, "Bob"))
        .with(user);
    Ews::start(config).await.unwrap()
}

fn id(answer: &str) -> &str {
    between(answer, "<t:ItemId Id=\"", "\"")
}

fn change_key(answer: &str) -> &str {
    between(between(answer, "<t:ItemId ", "/>"), "ChangeKey=\"", "\"")
}

const FOLDER: &str = "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>\
                      <t:DistinguishedFolderId Id=\"calendar\"/></m:FolderIds></m:GetFolder>";

#[tokio::test]
async fn ews_tells_who_may_not_be_impersonated() {
    let ews = start(Version::E2016).await;
    ews.deny(BOB);
    for (person, code) in [
        (Some(ALICE), "NoError"),
        (Some(BOB), "ErrorImpersonateUserDenied"),
        (Some("half@corp.example"), "ErrorNonExistentMailbox"),
        (Some("nobody@corp.example"), "ErrorNonExistentMailbox"),
        (Some("a.smith@corp.example"), "ErrorNonPrimarySmtpAddress"),
        (None, "ErrorMissingEmailAddress"),
    ] {
        let answer = Said { person, ..Said::by(ALICE) }.ask(&ews, FOLDER).await;
        assert_eq!(codes(&answer), [code], "{person:?}");
        let is_fault = person.is_some() && code != "NoError";
        assert_eq!(answer.starts_with("HTTP/1.1 500"), is_fault, "{answer}");
    }
    let answer = Said::by("a.smith@corp.example").ask(&ews, FOLDER).await;
    assert_eq!(between(&answer, "Name=\"Primary\">", "<"), ALICE);
    let answer = Said { person: None, login: "alice:alice", ..Said::by(ALICE) }.ask(&ews, FOLDER).await;
    assert_eq!(codes(&answer), ["NoError"]);
    let answer = Said { person: Some(ALICE), login: "bob:bob", ..Said::by(ALICE) }.ask(&ews, FOLDER).await;
    assert_eq!(codes(&answer), ["ErrorImpersonateUserDenied"]);
    let answer = Said { login: "svc:wrong", ..Said::by(ALICE) }.ask(&ews, FOLDER).await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("WWW-Authenticate: Basic"), "{answer}");
}

#[tokio::test]
async fn ews_knows_only_the_properties_of_its_version() {
    for version in Version::ALL {
        let ews = start(version).await;
        let alice = Said::by(ALICE);
        let made = alice.ask(&ews, &create(LUNCH)).await;
        let new = get(id(&made), &fields(&["calendar:StartTimeZoneId"]));
        assert_eq!(codes(&alice.ask(&ews, &new).await), ["ErrorInvalidPropertyRequest"]);
        let newer = Said { version: "Exchange2013_SP1", ..Said::by(ALICE) };
        let expected = if version == Version::E2010 { "ErrorInvalidServerVersion" } else { "NoError" };
        assert_eq!(codes(&newer.ask(&ews, &new).await), [expected]);
        let newest = Said { version: "Exchange2016", ..Said::by(ALICE) };
        let expected = if version <= Version::E2013 { "ErrorInvalidServerVersion" } else { "NoError" };
        assert_eq!(codes(&newest.ask(&ews, &new).await), [expected]);
    }
}

#[tokio::test]
async fn ews_refuses_what_the_schema_refuses() {
    let ews = start(Version::E2016).await;
    for wrong in [
        // Elements out of order, a date that is none, a word that is none, a character that XML lacks.
        create("<t:Start>2024-03-04T12:00:00Z</t:Start><t:Subject>s</t:Subject>"),
        create("<t:Subject>s</t:Subject><t:Start>tomorrow</t:Start>"),
        create("<t:Sensitivity>Secret</t:Sensitivity>"),
        create("<t:Subject>a&#x1;b</t:Subject>"),
        FOLDER.replace("FolderShape", "ItemShape"),
    ] {
        let answer = Said::by(ALICE).ask(&ews, &wrong).await;
        assert_eq!(codes(&answer), ["ErrorSchemaValidation"], "{wrong}");
        assert!(answer.starts_with("HTTP/1.1 500"));
    }
    assert!(ews.outlook(ALICE).events().is_empty());
}

#[tokio::test]
async fn ews_adds_what_a_client_does_not_say() {
    let ews = start(Version::E2016).await;
    let alice = Said::by(ALICE);
    let with_body = LUNCH.replace("<t:Start>", "<t:Body BodyType=\"Text\">a &lt; b</t:Body><t:Start>");
    let made = alice.ask(&ews, &create(&with_body)).await;
    let paths =
        fields(&["item:Subject", "item:Body", "item:ReminderIsSet", "item:ReminderMinutesBeforeStart", "calendar:UID"]);
    let read = alice.ask(&ews, &get(id(&made), &paths)).await;
    assert!(read.contains("<t:Subject>Lunch</t:Subject>"), "{read}");
    assert!(read.contains("<t:ReminderIsSet>true<") && read.contains("BeforeStart>15<"), "{read}");
    assert!(read.contains("converted from text") && read.contains("a &amp;lt; b"), "{read}");
    assert_eq!(between(&read, "<t:UID>", "<").len(), 112);
    assert_ne!(change_key(&read), change_key(&made), "the server has touched it since");
    ews.switch(|switches| *switches = Switches::none());
    let made = alice.ask(&ews, &create(LUNCH)).await;
    let read = alice.ask(&ews, &get(id(&made), &paths)).await;
    assert!(read.contains("<t:Subject>Lunch </t:Subject>") && read.contains("<t:ReminderIsSet>false<"), "{read}");
    assert_eq!(change_key(&read), change_key(&made));
}

fn update(id: &str, key: &str, attributes: &str, subject: &str) -> String {
    format!(
        "<m:UpdateItem ConflictResolution=\"NeverOverwrite\" {attributes}><m:ItemChanges><t:ItemChange><t:ItemId Id=\"{id}\" \
         {key}/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"item:Subject\"/><t:CalendarItem><t:Subject>{subject}\
         </t:Subject></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
}

#[tokio::test]
async fn ews_lets_nobody_write_over_what_he_has_not_seen() {
    let ews = start(Version::E2016).await;
    let alice = Said::by(ALICE);
    let silent = "SendMeetingInvitationsOrCancellations=\"SendToNone\"";
    let made = alice.ask(&ews, &create(LUNCH)).await;
    let key = format!("ChangeKey=\"{}\"", change_key(&made));
    for (key, attributes, code) in [
        ("", silent, "ErrorChangeKeyRequiredForWriteOperations"),
        ("ChangeKey=\"x\"", silent, "ErrorInvalidChangeKey"),
        (key.as_str(), silent, "ErrorIrresolvableConflict"),
        (key.as_str(), "", "ErrorSendMeetingInvitationsOrCancellationsRequired"),
    ] {
        let answer = alice.ask(&ews, &update(id(&made), key, attributes, "x")).await;
        assert_eq!(codes(&answer), [code]);
    }
    let read = alice.ask(&ews, &get(id(&made), "")).await;
    let key = format!("ChangeKey=\"{}\"", change_key(&read));
    let answer = alice.ask(&ews, &update(id(&made), &key, silent, "Dinner")).await;
    assert_eq!((codes(&answer), id(&answer)), (vec!["NoError"], id(&made)));
    let events = ews.outlook(ALICE).events();
    assert_eq!(events[0].1.subject, "Dinner");
}

#[tokio::test]
async fn the_trap_of_ews_catches_what_is_sent_and_nothing_else() {
    let ews = start(Version::E2016).await;
    let alice = Said::by(ALICE);
    let to_bob = "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>bob@corp.example</t:EmailAddress>\
                  </t:Mailbox></t:Attendee></t:RequiredAttendees>";
    let meeting = create(&format!("{LUNCH}{to_bob}"));
    let silent = alice.ask(&ews, &meeting).await;
    let silent_update = "SendMeetingInvitationsOrCancellations=\"SendToNone\"";
    let read = alice.ask(&ews, &get(id(&silent), "")).await;
    let key = format!("ChangeKey=\"{}\"", change_key(&read));
    alice.ask(&ews, &update(id(&silent), &key, silent_update, "Silent")).await;
    let delete = |id: &str, sends: &str| {
        format!(
            "<m:DeleteItem DeleteType=\"MoveToDeletedItems\" SendMeetingCancellations=\"{sends}\"><m:ItemIds>\
             <t:ItemId Id=\"{id}\"/></m:ItemIds></m:DeleteItem>"
        )
    };
    alice.ask(&ews, &delete(id(&silent), "SendToNone")).await;
    assert_eq!(ews.outgoing(), []);
    assert_eq!((ews.outlook(BOB).count("inbox"), ews.outlook(ALICE).count("sentitems")), (0, 0));
    // Now aloud.
    let loud = alice.ask(&ews, &meeting.replace("SendToNone", "SendToAllAndSaveCopy")).await;
    let caught = ews.outgoing();
    assert_eq!(caught.len(), 1);
    assert_eq!((caught[0].kind, caught[0].operation.as_str()), (OutgoingKind::Request, "CreateItem"));
    assert_eq!((caught[0].from.as_str(), caught[0].to.clone()), (ALICE, vec![BOB.to_owned()]));
    assert_eq!((ews.outlook(BOB).count("inbox"), ews.outlook(ALICE).count("sentitems")), (1, 1));
    let (received, event) = ews.outlook(BOB).events().remove(0);
    assert_eq!((event.my_response.as_str(), event.organizer.as_str()), ("NoResponseReceived", ALICE));
    let read = alice.ask(&ews, &get(id(&loud), "")).await;
    let key = format!("ChangeKey=\"{}\"", change_key(&read));
    alice.ask(&ews, &update(id(&loud), &key, "SendMeetingInvitationsOrCancellations=\"SendOnlyToAll\"", "Loud")).await;
    assert_eq!(ews.outlook(BOB).read(&received).unwrap().subject, "Loud");
    // Bob answers, first silently; with a response his event is made anew.
    let found = Said::by(BOB)
        .ask(
            &ews,
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
             <m:ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\"/></m:ParentFolderIds></m:FindItem>",
        )
        .await;
    let respond = |disposition: &str, word: &str, id: &str| {
        format!(
            "<m:CreateItem MessageDisposition=\"{disposition}\"><m:Items><t:{word}><t:ReferenceItemId Id=\"{id}\"/>\
             </t:{word}></m:Items></m:CreateItem>"
        )
    };
    let answered = Said::by(BOB).ask(&ews, &respond("SaveOnly", "AcceptItem", id(&found))).await;
    assert_eq!(ews.outgoing().len(), 2, "an invitation and its change");
    assert_ne!(id(&answered), id(&found));
    let own = alice.ask(&ews, &respond("SaveOnly", "AcceptItem", id(&loud))).await;
    assert_eq!(codes(&own), ["ErrorCalendarIsOrganizerForAccept"]);
    Said::by(BOB).ask(&ews, &respond("SendOnly", "TentativelyAcceptItem", id(&answered))).await;
    alice.ask(&ews, &delete(id(&loud), "SendOnlyToAll")).await;
    let kinds: Vec<OutgoingKind> = ews.outgoing().into_iter().map(|outgoing| outgoing.kind).collect();
    use OutgoingKind::{Cancellation, Request, Response};
    assert_eq!(kinds, [Request, Request, Response, Cancellation]);
}

#[tokio::test]
async fn ews_is_busy_or_broken_when_told_to() {
    let ews = start(Version::E2013).await;
    let alice = Said::by(ALICE);
    ews.script("GetFolder", Reaction::Busy { backoff_ms: 0 });
    let answer = alice.ask(&ews, FOLDER).await;
    assert!(answer.starts_with("HTTP/1.1 500"));
    assert_eq!((codes(&answer), between(&answer, "BackOffMilliseconds\">", "<")), (vec!["ErrorServerBusy"], "0"));
    ews.script("GetFolder", Reaction::Status(503));
    assert!(alice.ask(&ews, FOLDER).await.contains("Retry-After: 1"));
    ews.script("CreateItem", Reaction::Broken);
    assert_eq!(alice.ask(&ews, &create(LUNCH)).await.find("<s:"), None);
    assert!(ews.outlook(ALICE).events().is_empty());
    ews.script("CreateItem", Reaction::BrokenAfter);
    assert_eq!(alice.ask(&ews, &create(LUNCH)).await.find("<s:"), None);
    assert_eq!(ews.outlook(ALICE).events().len(), 1);
    ews.script("CreateItem", Reaction::StopBatchAfter(1));
    let item = format!("<t:CalendarItem>{LUNCH}</t:CalendarItem>");
    let batch = create(LUNCH).replace(&item, &item.repeat(3));
    let answer = alice.ask(&ews, &batch).await;
    assert_eq!(codes(&answer), ["NoError", "ErrorBatchProcessingStopped", "ErrorBatchProcessingStopped"]);
    assert_eq!(ews.outlook(ALICE).events().len(), 2);
    ews.throttle("svc@corp.example", Duration::from_secs(300));
    let left: u64 = between(&alice.ask(&ews, FOLDER).await, "BackOffMilliseconds\">", "<").parse().unwrap();
    assert!((200_000..=300_000).contains(&left), "{left}");
    assert_eq!(ews.count("CreateItem"), 3);
    let ews = start(Version::E2013).await;
    ews.switch(|switches| {
        switches.budget = Some(Budget {
            burst_ms: 2,
            cutoff_ms: 2,
            command_ms: 2,
            recharge_ms_per_hour: 1,
            longest_backoff_ms: 9_000,
            ..Budget::usual()
        });
    });
    let mut refused = 0;
    for _ in 0..5 {
        refused += u32::from(codes(&alice.ask(&ews, FOLDER).await) == ["ErrorServerBusy"]);
    }
    assert!(refused >= 2, "{refused}");
}

#[tokio::test]
async fn ews_shows_times_in_the_zone_of_the_request() {
    let ews = start(Version::E2016).await;
    let outlook = ews.outlook(ALICE);
    let event = Event {
        zone: "W. Europe Standard Time".to_owned(),
        ..Event::at("x", "2024-07-01T09:00:00", "2024-07-01T10:00:00")
    };
    outlook.add(&event).unwrap();
    let view = "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>\
                <t:FieldURI FieldURI=\"calendar:Start\"/></t:AdditionalProperties></m:ItemShape><m:CalendarView \
                StartDate=\"2024-07-01T00:00:00Z\" EndDate=\"2024-07-02T00:00:00Z\"/><m:ParentFolderIds>\
                <t:DistinguishedFolderId Id=\"calendar\"/></m:ParentFolderIds></m:FindItem>";
    for (zone, shown) in [
        ("UTC", "2024-07-01T07:00:00Z"),
        ("Russian Standard Time", "2024-07-01T10:00:00+03:00"),
        ("Pacific Standard Time", "2024-07-01T00:00:00-07:00"),
    ] {
        let context = format!("<t:TimeZoneContext><t:TimeZoneDefinition Id=\"{zone}\"/></t:TimeZoneContext>");
        let answer = Said { headers: &context, ..Said::by(ALICE) }.ask(&ews, view).await;
        assert_eq!(between(&answer, "<t:Start>", "<"), shown);
    }
    let context = "<t:TimeZoneContext><t:TimeZoneDefinition Id=\"Nowhere\"/></t:TimeZoneContext>";
    let answer = Said { headers: context, ..Said::by(ALICE) }.ask(&ews, view).await;
    assert_eq!(codes(&answer), ["ErrorTimeZone"]);
}

#[tokio::test]
async fn outlook_works_beside_the_clients_of_ews() {
    let ews = start(Version::E2019).await;
    let outlook = ews.outlook(ALICE);
    let series = Event::at("Планёрка", "2024-03-04T09:00:00", "2024-03-04T09:30:00").daily(5);
    let id = outlook.add(&series).unwrap();
    outlook.edit_occurrence(&id, "2024-03-05", |event| event.location = "Зал".to_owned()).unwrap();
    outlook
        .edit_occurrence(&id, "2024-03-06", |event| {
            event.start = "2024-03-06T15:00:00".to_owned();
            event.end = "2024-03-06T15:30:00".to_owned();
        })
        .unwrap();
    outlook.delete_occurrence(&id, "2024-03-07").unwrap();
    outlook.edit(&id, |event| event.subject = "Летучка".to_owned()).unwrap();
    let second = outlook.read_occurrence(&id, "2024-03-05").unwrap();
    assert_eq!((second.subject.as_str(), second.location.as_str()), ("Летучка", "Зал"), "the rest is inherited");
    let starts: Vec<String> = outlook.occurrences(&id, 9).unwrap().into_iter().map(|(_, start)| start).collect();
    assert_eq!(starts, ["2024-03-04T09:00:00", "2024-03-05T09:00:00", "2024-03-06T15:00:00", "2024-03-08T09:00:00"]);
    // Another time for all: the exceptions go.
    outlook
        .edit(&id, |event| {
            event.start = "2024-03-04T10:00:00".to_owned();
            event.end = "2024-03-04T10:30:00".to_owned();
        })
        .unwrap();
    assert_eq!(outlook.occurrences(&id, 9).unwrap().len(), 5);
    outlook.delete(&id).unwrap();
    assert_eq!((outlook.events().len(), outlook.events_in("deleteditems").len()), (0, 1));
    assert_eq!(outlook.edit(&id, |_| {}), Err("ErrorItemNotFound"));
    outlook.make_calendar("Отпуска").unwrap();
    outlook.add_to("Отпуска", &series).unwrap();
    assert!(outlook.folders().contains(&"Отпуска".to_owned()));
    outlook.delete_calendar("Отпуска").unwrap();
    assert!(outlook.add_to("Отпуска", &series).is_err());
    assert!(ews.outgoing().is_empty());
}
