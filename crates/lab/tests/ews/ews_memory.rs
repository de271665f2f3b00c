//! What the simulated EWS remembers of a client, and how it forgets: sync states, subscriptions, limits.

use crate::said::{Said, between, codes, create, fields, get};
use parom_lab::ews::{Config, Event, Ews, Switches, User};
use parom_lab::exchange::{Language, Version};
use std::time::Duration;

const ALICE: &str = "alice@corp.example";

async fn start(version: Version) -> Ews {
    let mut config = Config::new(version).with(User::new(ALICE, "Alice").speaking(Language::Russian));
    config.switches = Switches { minute: Duration::from_millis(300), ..Switches::none() };
    Ews::start(config).await.unwrap()
}

fn event(subject: &str) -> Event {
    Event::at(subject, "2024-03-04T12:00:00", "2024-03-04T13:00:00")
}

fn sync(state: &str, most: u32) -> String {
    let state = if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
    format!(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>{}\
         </t:AdditionalProperties></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id=\"calendar\"/></m:SyncFolderId>\
         {state}<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>",
        fields(&["item:Subject"])
    )
}

fn state(answer: &str) -> &str {
    between(answer, "<m:SyncState>", "<")
}

/// What changed, as `Create a`.
fn changes(answer: &str) -> Vec<String> {
    let changes = ["Create", "Update", "Delete"].into_iter().flat_map(|kind| {
        let open = format!("<t:{kind}>");
        let parts = answer.split(&open).skip(1).map(move |part| {
            let subject = part.split("</t:").next().and_then(|part| part.split("<t:Subject>").nth(1));
            format!("{kind} {}", subject.unwrap_or_default())
        });
        parts.collect::<Vec<_>>()
    });
    changes.collect()
}

#[tokio::test]
async fn ews_tells_each_change_of_a_folder_once() {
    let ews = start(Version::E2016).await;
    let (alice, outlook) = (Said::by(ALICE), ews.outlook(ALICE));
    let ids = ["a", "b", "c"].map(|subject| outlook.add(&event(subject)).unwrap());
    let first = alice.ask(&ews, &sync("", 2)).await;
    assert_eq!(changes(&first), ["Create c", "Create b"], "newest first");
    assert!(first.contains("IncludesLastItemInRange>false<"));
    let second = alice.ask(&ews, &sync(state(&first), 2)).await;
    assert_eq!(changes(&second), ["Create a"]);
    outlook.edit(&ids[0], |event| event.subject = "A".to_owned()).unwrap();
    outlook.erase(&ids[1]).unwrap();
    let third = alice.ask(&ews, &sync(state(&second), 512)).await;
    assert_eq!(changes(&third), ["Update A", "Delete "]);
    // An old state is as good as ever: what it had not heard is told again.
    let again = alice.ask(&ews, &sync(state(&first), 512)).await;
    assert_eq!(changes(&again), ["Create A", "Delete "]);
    assert_eq!(changes(&alice.ask(&ews, &sync(state(&third), 512)).await), Vec::<String>::new());
    // Of a series only the series is told, whatever happened to it.
    let series = outlook.add(&event("daily").daily(5)).unwrap();
    let fourth = alice.ask(&ews, &sync(state(&third), 512)).await;
    assert_eq!(changes(&fourth), ["Create daily"]);
    outlook.delete_occurrence(&series, "2024-03-05").unwrap();
    let fifth = alice.ask(&ews, &sync(state(&fourth), 512)).await;
    assert_eq!(changes(&fifth), ["Update daily"]);
    ews.switch(|switches| switches.forgets_sync_states = true);
    assert_eq!(codes(&alice.ask(&ews, &sync(state(&fifth), 512)).await), ["ErrorInvalidSyncStateData"]);
    assert_eq!(changes(&alice.ask(&ews, &sync("", 512)).await).len(), 3);
}

fn subscribe(kind: &str) -> String {
    let timeout = if kind == "Pull" { "<t:Timeout>10</t:Timeout>" } else { "" };
    format!(
        "<m:Subscribe><m:{kind}SubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id=\"calendar\"/></t:FolderIds>\
         <t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes>{timeout}</m:{kind}SubscriptionRequest>\
         </m:Subscribe>"
    )
}

fn stream(ids: &[&str]) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:SubscriptionId>{id}</t:SubscriptionId>")).collect();
    format!(
        "<m:GetStreamingEvents><m:SubscriptionIds>{ids}</m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout>\
         </m:GetStreamingEvents>"
    )
}

#[tokio::test]
async fn a_stream_of_ews_tells_what_happens_until_its_time_is_over() {
    let ews = start(Version::E2013).await;
    let alice = Said::by(ALICE);
    let subscribed = alice.ask(&ews, &subscribe("Streaming")).await;
    let id = between(&subscribed, "<m:SubscriptionId>", "<").to_owned();
    ews.outlook(ALICE).add(&event("a")).unwrap();
    let told = alice.ask(&ews, &stream(&[&id])).await;
    assert_eq!(told.matches("<t:CreatedEvent>").count(), 1, "{told}");
    assert_eq!(told.matches("<?xml").count(), 3, "a sequence of documents");
    assert!(told.contains("ConnectionStatus>OK<") && told.contains("ConnectionStatus>Closed<"));
    // One bad id silences the good one.
    let told = alice.ask(&ews, &stream(&[&id, "bad"])).await;
    assert_eq!(codes(&told), ["ErrorSubscriptionNotFound"]);
    assert_eq!(between(&told, "<m:ErrorSubscriptionIds><t:SubscriptionId>", "<"), "bad");
    ews.switch(|switches| switches.hanging_limit = 0);
    assert_eq!(codes(&alice.ask(&ews, &stream(&[&id])).await), ["ErrorExceededConnectionCount"]);
    ews.switch(|switches| switches.forgets_subscriptions = true);
    assert_eq!(codes(&alice.ask(&ews, &stream(&[&id])).await), ["ErrorSubscriptionNotFound"]);
}

#[tokio::test]
async fn ews_pulls_from_any_watermark() {
    let ews = start(Version::E2010).await;
    let alice = Said::by(ALICE);
    let subscribed = alice.ask(&ews, &subscribe("Pull")).await;
    let (id, mark) = (between(&subscribed, "<m:SubscriptionId>", "<"), between(&subscribed, "<m:Watermark>", "<"));
    ews.outlook(ALICE).add(&event("a")).unwrap();
    let pull = |mark: &str| {
        format!("<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark></m:GetEvents>")
    };
    for _ in 0..2 {
        let told = alice.ask(&ews, &pull(mark)).await;
        let next = between(&told, "<t:CreatedEvent><t:Watermark>", "<").to_owned();
        assert!(alice.ask(&ews, &pull(&next)).await.contains("<t:StatusEvent>"));
    }
    assert_eq!(codes(&alice.ask(&ews, &pull("nonsense")).await), ["ErrorInvalidWatermark"]);
}

#[tokio::test]
async fn ews_spoils_items_and_renames_zones_for_a_test() {
    let ews = start(Version::E2016).await;
    let (alice, outlook) = (Said::by(ALICE), ews.outlook(ALICE));
    let id = outlook.add(&Event { uid: "x@caldav.example".to_owned(), ..event("a") }).unwrap();
    let told = alice.ask(&ews, &sync("", 10)).await;
    let item = between(&told, "<t:ItemId Id=\"", "\"").to_owned();
    outlook.call_zone(&id, "Customized Time Zone", "Moscow, as somebody calls it").unwrap();
    let read = alice.ask(&ews, &get(&item, &fields(&["calendar:StartTimeZone", "calendar:UID"]))).await;
    assert!(read.contains("Id=\"Customized Time Zone\"><t:Periods><t:Period Bias=\"-PT180M\""), "{read}");
    assert_eq!(between(&read, "<t:UID>", "<"), "x@caldav.example");
    ews.switch(|switches| switches.tells_foreign_uids_in_hex = true);
    let read = alice.ask(&ews, &get(&item, &fields(&["calendar:UID"]))).await;
    assert!(between(&read, "<t:UID>", "<").starts_with("040000008200E00074C5B7101A82E008"));
    outlook.spoil(&id, Some("ErrorItemCorrupt")).unwrap();
    let read = alice.ask(&ews, &get(&item, &fields(&["calendar:UID"]))).await;
    assert_eq!(codes(&read), ["ErrorItemCorrupt"]);
    ews.switch(|switches| switches.attachment_limit = 4);
    let attach = |content: &str| {
        format!(
            "<m:CreateAttachment><m:ParentItemId Id=\"{item}\"/><m:Attachments><t:FileAttachment><t:Name>n</t:Name>\
             <t:Content>{content}</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>"
        )
    };
    assert_eq!(codes(&alice.ask(&ews, &attach("YWFh")).await), ["NoError"]);
    assert_eq!(codes(&alice.ask(&ews, &attach("YWFhYWFh")).await), ["ErrorMessageSizeExceeded"]);
    assert_eq!(outlook.read(&id).unwrap().attachments, [("n".to_owned(), "YWFh".to_owned())]);
}

#[tokio::test]
async fn ews_refuses_the_events_that_exchange_cannot_hold() {
    let ews = start(Version::E2016).await;
    let alice = Said::by(ALICE);
    let times = |start: &str, end: &str| format!("<t:Start>{start}</t:Start><t:End>{end}</t:End>");
    let day = times("2024-03-04T12:00:00Z", "2024-03-04T13:00:00Z");
    let daily = |range: &str| {
        format!("<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>{range}</t:Recurrence>")
    };
    let until = |end: &str| {
        format!(
            "<t:EndDateRecurrence><t:StartDate>2024-03-04</t:StartDate><t:EndDate>{end}</t:EndDate></t:EndDateRecurrence>"
        )
    };
    let long = "x".repeat(256);
    for (event, code) in [
        (times("2024-03-04T12:00:00Z", "2024-03-04T11:00:00Z"), "ErrorCalendarEndDateIsEarlierThanStartDate"),
        (times("2024-03-04T12:00:00Z", "2030-03-04T11:00:00Z"), "ErrorCalendarDurationIsTooLong"),
        (times("1600-03-04T12:00:00Z", "1600-03-04T13:00:00Z"), "ErrorCalendarOutOfRange"),
        (day.clone() + &daily(&until("2024-03-01")), "ErrorRecurrenceHasNoOccurrence"),
        (day.clone() + &daily(&until("4501-01-01")), "ErrorRecurrenceEndDateTooBig"),
        (
            times("2024-03-04T12:00:00Z", "2024-03-06T12:00:00Z") + &daily(&until("2024-04-01")),
            "ErrorOccurrenceTimeSpanTooBig",
        ),
        (format!("<t:Subject>{long}</t:Subject>{day}"), "ErrorItemSavePropertyError"),
        (format!("{day}<t:UID>late</t:UID>"), "ErrorSchemaValidation"),
        (format!("{day}<t:MyResponseType>Accept</t:MyResponseType>"), "ErrorInvalidPropertySet"),
    ] {
        let answer = alice.ask(&ews, &create(&event)).await;
        assert_eq!(codes(&answer), [code], "{event}");
    }
    assert!(ews.outlook(ALICE).events().is_empty());
    let answer = alice.ask(&ews, &create(&day).replace(" SendMeetingInvitations=\"SendToNone\"", "")).await;
    assert_eq!(codes(&answer), ["ErrorSendMeetingInvitationsRequired"]);
    let inbox = "<m:SavedItemFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:SavedItemFolderId><m:Items>";
    let answer = alice.ask(&ews, &create(&day).replace("<m:Items>", inbox)).await;
    assert_eq!(codes(&answer), ["ErrorCannotCreateCalendarItemInNonCalendarFolder"]);
}

#[tokio::test]
async fn ews_takes_an_event_for_received_where_it_may() {
    let ews = start(Version::E2016).await;
    let alice = Said::by(ALICE);
    let property = |attributes: &str, value: &str| {
        format!("<t:ExtendedProperty><t:ExtendedFieldURI {attributes}/><t:Value>{value}</t:Value></t:ExtendedProperty>")
    };
    let appointment =
        |id: u32| format!("DistinguishedPropertySetId=\"Appointment\" PropertyId=\"{id}\" PropertyType=\"Integer\"");
    let received = [
        property(&appointment(33303), "3"),
        property(&appointment(33304), "3"),
        property("PropertyTag=\"0x0065\" PropertyType=\"String\"", "boss@elsewhere.example"),
        "<t:Start>2024-03-04T12:00:00Z</t:Start><t:End>2024-03-04T13:00:00Z</t:End>".to_owned(),
    ]
    .concat();
    let paths = fields(&["calendar:IsMeeting", "calendar:MyResponseType", "calendar:Organizer"]);
    for (takes, response, organizer) in [(true, "Accept", "boss@elsewhere.example"), (false, "Organizer", ALICE)] {
        ews.switch(|switches| switches.takes_received_events = takes);
        let made = alice.ask(&ews, &create(&received)).await;
        let read = alice.ask(&ews, &get(between(&made, "<t:ItemId Id=\"", "\""), &paths)).await;
        assert_eq!(between(&read, "<t:IsMeeting>", "<"), takes.to_string());
        assert_eq!(between(&read, "<t:MyResponseType>", "<"), response);
        assert_eq!(between(&read, "<t:EmailAddress>", "<"), organizer);
    }
    ews.switch(|switches| switches.tells_ex_addresses = true);
    let made = alice.ask(&ews, &create("")).await;
    let read = alice.ask(&ews, &get(between(&made, "<t:ItemId Id=\"", "\""), &paths)).await;
    let address = between(&read, "<t:EmailAddress>", "<");
    assert!(address.starts_with("/O=CORP/") && read.contains("<t:RoutingType>EX<"), "{read}");
    let resolve = format!(
        "<m:ResolveNames ReturnFullContactData=\"false\"><m:UnresolvedEntry>{address}</m:UnresolvedEntry></m:ResolveNames>"
    );
    assert_eq!(between(&alice.ask(&ews, &resolve).await, "<t:EmailAddress>", "<"), ALICE);
}
