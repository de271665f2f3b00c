//! What other clients than ours ask for: MIME, ids of other interfaces, availability, configurations, Autodiscover.

use crate::said::{Said, between, codes, create, fields, get};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parom_lab::ews::{Config, Event, Ews, User};
use parom_lab::exchange::Version;

const ALICE: &str = "alice@corp.example";
const BOB: &str = "bob@corp.example";

async fn start() -> Ews {
    let mut alice = User::new(ALICE, "Alice").living_in("Russian Standard Time");
    alice.categories = vec![("Важно & <скоро>".to_owned(), 0)];
    Ews::start(Config::new(Version::E2016).with(alice).with(User::new(BOB, "Bob"))).await.unwrap()
}

fn id(answer: &str) -> &str {
    between(answer, "<t:ItemId Id=\"", "\"")
}

fn mime(answer: &str) -> String {
    let packed = between(answer, "<t:MimeContent CharacterSet=\"UTF-8\">", "<");
    String::from_utf8(STANDARD.decode(packed).unwrap()).unwrap().replace("\r\n ", "")
}

async fn mime_of(ews: &Ews, id: &str) -> String {
    mime(&Said::by(ALICE).ask(ews, &get(id, &fields(&["item:MimeContent"]))).await)
}

const SERIES: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:PUBLISH\r\nBEGIN:VTIMEZONE\r\nTZID:Far\r\n\
    BEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0500\r\nTZOFFSETTO:+0500\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
    BEGIN:VEVENT\r\nUID:from-elsewhere\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Far:20260302T100000\r\n\
    DTEND;TZID=Far:20260302T110000\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\nEXDATE;TZID=Far:20260316T100000\r\n\
    SUMMARY:Встреча\\, важная\r\nLOCATION:Room\r\nCLASS:PRIVATE\r\nCATEGORIES:a\\,b,c\r\nTRANSP:TRANSPARENT\r\n\
    ATTENDEE;ROLE=OPT-PARTICIPANT;CN=Bob:mailto:bob@corp.example\r\nORGANIZER:mailto:alice@corp.example\r\nBEGIN:VALARM\r\n\
    ACTION:DISPLAY\r\nTRIGGER:-PT1H\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:from-elsewhere\r\n\
    DTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260309T050000Z\r\nDTSTART;TZID=Far:20260310T120000\r\n\
    DTEND;TZID=Far:20260310T130000\r\nSUMMARY:Moved\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test]
async fn a_series_that_comes_as_mime_is_stored_and_told_again() {
    let ews = start().await;
    let made = create(&format!("<t:MimeContent>{}</t:MimeContent>", STANDARD.encode(SERIES)));
    let made = Said::by(ALICE).ask(&ews, &made).await;
    assert_eq!(codes(&made), ["NoError"]);
    let alice = ews.outlook(ALICE);
    let (event, seen) = alice.events().remove(0);
    assert_eq!((seen.uid.as_str(), seen.subject.as_str()), ("from-elsewhere", "Встреча, важная"));
    assert_eq!((seen.sensitivity.as_str(), seen.busy.as_str(), seen.reminder_min), ("Private", "Free", Some(60)));
    assert_eq!((seen.categories, seen.optional), (vec!["a,b".to_owned(), "c".to_owned()], vec![BOB.to_owned()]));
    let days = alice.occurrences(&event, 9).unwrap();
    let days: Vec<&str> = days.iter().map(|(_, start)| start.as_str()).collect();
    assert_eq!(days, ["2026-03-02T10:00:00", "2026-03-10T12:00:00", "2026-03-23T10:00:00"]);
    assert_eq!(alice.read_occurrence(&event, "2026-03-09").unwrap().subject, "Moved");
    let told = mime_of(&ews, id(&made)).await;
    for line in [
        "TZOFFSETTO:+0500",
        "DTSTART;TZID=\"tzone://Microsoft/Custom\":20260302T100000",
        "EXDATE;TZID=\"tzone://Microsoft/Custom\":20260316T100000",
        "RRULE:FREQ=WEEKLY;COUNT=4;INTERVAL=1;BYDAY=MO;WKST=MO",
        "SUMMARY;LANGUAGE=en-US:Встреча\\, важная",
        "RECURRENCE-ID;TZID=\"tzone://Microsoft/Custom\":20260309T100000",
        "X-MICROSOFT-CDO-INSTTYPE:1",
        "X-MICROSOFT-CDO-INSTTYPE:3",
        "CLASS:PRIVATE",
        "TRANSP:TRANSPARENT",
        "TRIGGER;RELATED=START:-PT60M",
        "CATEGORIES:a\\,b,c",
    ] {
        assert!(told.contains(&format!("{line}\r\n")), "{line}\n{told}");
    }
    assert!(!told.contains("ATTENDEE"));
    ews.switch(|switches| switches.mime_names_attendees = true);
    let told = mime_of(&ews, id(&made)).await;
    let bob = "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=Bob:MAILTO:bob@corp.example\r\n";
    assert!(told.contains(bob), "{told}");
    assert!(ews.outgoing().is_empty());
}

#[tokio::test]
async fn mime_may_replace_an_event_and_may_be_refused() {
    let ews = start().await;
    let alice = Said::by(ALICE);
    let event = ews.outlook(ALICE).add(&Event::at("Lunch", "2026-03-02T12:00:00", "2026-03-02T13:00:00")).unwrap();
    let found = "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
                 <m:ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\"/></m:ParentFolderIds></m:FindItem>";
    let found = alice.ask(&ews, found).await;
    let (id, key) = (id(&found), between(&found, "ChangeKey=\"", "\""));
    let update = |packed: &str| {
        format!(
            "<m:UpdateItem ConflictResolution=\"AutoResolve\" MessageDisposition=\"SaveOnly\" \
             SendMeetingInvitationsOrCancellations=\"SendToNone\"><m:ItemChanges><t:ItemChange><t:ItemId Id=\"{id}\" \
             ChangeKey=\"{key}\"/><t:Updates><t:SetItemField><t:FieldURI FieldURI=\"item:MimeContent\"/><t:CalendarItem>\
             <t:MimeContent>{packed}</t:MimeContent></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges>\
             </m:UpdateItem>"
        )
    };
    assert_eq!(codes(&alice.ask(&ews, &update("%")).await), ["ErrorMimeContentInvalidBase64String"]);
    assert_eq!(codes(&alice.ask(&ews, &update(&STANDARD.encode("text"))).await), ["ErrorMimeContentInvalid"]);
    let odd = SERIES.replace("FREQ=WEEKLY", "FREQ=HOURLY");
    assert_eq!(codes(&alice.ask(&ews, &update(&STANDARD.encode(odd))).await), ["ErrorMimeContentConversionFailed"]);
    assert_eq!(ews.outlook(ALICE).read(&event).unwrap().subject, "Lunch");
    assert_eq!(codes(&alice.ask(&ews, &update(&STANDARD.encode(SERIES))).await), ["NoError"]);
    assert_eq!(ews.outlook(ALICE).read(&event).unwrap().subject, "Встреча, важная");
    assert_eq!(ews.outlook(ALICE).occurrences(&event, 9).unwrap().len(), 3);
}

#[tokio::test]
async fn ids_have_other_names_elsewhere() {
    let ews = start().await;
    let made = Said::by(ALICE).ask(&ews, &create("<t:Subject>Lunch</t:Subject>")).await;
    let convert = |from: &str, id: &str, to: &str| {
        format!(
            "<m:ConvertId DestinationFormat=\"{to}\"><m:SourceIds><t:AlternateId Format=\"{from}\" Id=\"{id}\" \
             Mailbox=\"blah@blah.com\"/></m:SourceIds></m:ConvertId>"
        )
    };
    for format in ["HexEntryId", "EntryId", "OwaId", "StoreId", "EwsLegacyId"] {
        let there = Said::by(ALICE).ask(&ews, &convert("EwsId", id(&made), format)).await;
        assert_eq!(between(&there, "Mailbox=\"", "\""), ALICE);
        let back = convert(format, between(&there, " Id=\"", "\""), "EwsId");
        let back = Said::by(ALICE).ask(&ews, &back).await;
        assert_eq!(between(&back, " Id=\"", "\""), id(&made), "{format}");
    }
    let broken = Said::by(ALICE).ask(&ews, &convert("HexEntryId", "0", "EwsId")).await;
    assert_eq!(codes(&broken), ["ErrorInvalidIdMalformed"]);
    let theirs = Said::by(BOB).ask(&ews, &convert("EwsId", id(&made), "EntryId")).await;
    assert_eq!(codes(&theirs), ["ErrorItemNotFound"]);
}

fn availability(people: &[&str], from: &str, to: &str) -> String {
    let never = "<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>\
                 <t:DayOfWeek>Sunday</t:DayOfWeek>";
    let people: String = people
        .iter()
        .map(|address| {
            format!(
                "<t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>\
                 </t:MailboxData>"
            )
        })
        .collect();
    format!(
        "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>-180</t:Bias><t:StandardTime>{never}</t:StandardTime><t:DaylightTime>\
         {never}</t:DaylightTime></t:TimeZone><m:MailboxDataArray>{people}</m:MailboxDataArray><t:FreeBusyViewOptions>\
         <t:TimeWindow><t:StartTime>{from}</t:StartTime><t:EndTime>{to}</t:EndTime></t:TimeWindow>\
         <t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>DetailedMerged\
         </t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
    )
}

#[tokio::test]
async fn everybody_sees_when_somebody_is_busy_and_few_see_why() {
    let ews = start().await;
    let alice = ews.outlook(ALICE);
    let mut round = Event::at("Round", "2026-03-02T09:00:00", "2026-03-02T10:00:00").daily(3);
    round.busy = "OOF".to_owned();
    let round = alice.add(&round).unwrap();
    alice.delete_occurrence(&round, "2026-03-03").unwrap();
    let mut free = Event::at("Free", "2026-03-02T11:00:00", "2026-03-02T12:00:00");
    free.busy = "Free".to_owned();
    alice.add(&free).unwrap();
    alice.add(&Event::at("Half", "2026-03-02T10:30:00", "2026-03-02T11:00:00")).unwrap();
    let ask = availability(&[ALICE, "nobody@corp.example"], "2026-03-02T08:00:00", "2026-03-02T12:00:00");
    for (who, kind, subject) in [(ALICE, "DetailedMerged", true), (BOB, "FreeBusyMerged", false)] {
        let told = Said::by(who).ask(&ews, &ask).await;
        assert_eq!(codes(&told), ["NoError", "ErrorMailRecipientNotFound"]);
        assert_eq!(between(&told, "<t:FreeBusyViewType>", "<"), kind);
        assert_eq!(between(&told, "<t:MergedFreeBusy>", "<"), "0320");
        assert_eq!(between(&told, "<t:StartTime>", "<"), "2026-03-02T09:00:00");
        assert_eq!(told.contains("<t:Subject>Round</t:Subject>"), subject);
    }
    let next = Said::by(BOB).ask(&ews, &availability(&[ALICE], "2026-03-03T08:00:00", "2026-03-03T12:00:00")).await;
    assert_eq!(between(&next, "<t:MergedFreeBusy>", "<"), "0000");
    let long = Said::by(BOB).ask(&ews, &availability(&[ALICE], "2026-03-03T08:00:00", "2026-05-03T12:00:00")).await;
    assert_eq!(codes(&long), ["ErrorTimeIntervalTooBig"]);
}

#[tokio::test]
async fn configurations_are_told_to_whom_they_belong() {
    let ews = start().await;
    let ask = |name: &str, folder: &str| {
        format!(
            "<m:GetUserConfiguration><m:UserConfigurationName Name=\"{name}\"><t:DistinguishedFolderId Id=\"{folder}\"/>\
             </m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties>\
             </m:GetUserConfiguration>"
        )
    };
    let options = Said::by(ALICE).ask(&ews, &ask("OWA.UserOptions", "root")).await;
    assert!(
        options.contains("<t:Value>timezone</t:Value>") && options.contains("<t:Value>Russian Standard Time</t:Value>")
    );
    let list = Said::by(ALICE).ask(&ews, &ask("CategoryList", "calendar")).await;
    let list = String::from_utf8(STANDARD.decode(between(&list, "<t:XmlData>", "<")).unwrap()).unwrap();
    assert!(list.contains("xmlns=\"CategoryList.xsd\""), "{list}");
    assert!(list.contains("name=\"Важно &amp; &lt;скоро&gt;\" color=\"0\""), "{list}");
    for (who, name, folder) in
        [(BOB, "CategoryList", "calendar"), (ALICE, "CategoryList", "inbox"), (ALICE, "x", "root")]
    {
        let none = Said::by(who).ask(&ews, &ask(name, folder)).await;
        assert_eq!(codes(&none), ["ErrorItemNotFound"]);
    }
}
