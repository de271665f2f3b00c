//! The calendars of a mailbox over a transport that answers by script: what is asked in which order, and what is made of answers
//! that are refusals.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use async_trait::async_trait;
use bytes::Bytes;
use parom_calendar::{EventHash, Scheduling, canonical_uid, from_ical, to_ical};
use parom_domain::agenda::{Agenda, CalendarId, EventSeen, Form, Handle, Token, Version};
use parom_domain::{Code, Result, Retry, Scope};
use parom_exchange::xml::{self, Element};
use parom_exchange::{Calendars, Client, Reply, Settings, Transport};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is answered to the next request, which has to be of that operation.
enum Step {
    /// Response messages.
    Say(&'static str, String),
    Fault(&'static str, &'static str),
    Status(&'static str, u16),
}

#[derive(Clone, Default)]
struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    /// What is asked once, whenever that is.
    aside: Arc<Mutex<Vec<Step>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Transport for Script {
    async fn call(&self, headers: &[(&'static str, String)], body: Bytes, _: bool) -> Result<Reply> {
        assert!(headers.contains(&("X-AnchorMailbox", "owner@corp.example".to_owned())));
        let root = xml::read(&body).unwrap();
        let request: &Element = &root.child("Body").unwrap().children[0];
        let step = if request.name == "GetServerTimeZones" {
            self.aside.lock().unwrap().pop()
        } else {
            self.asked.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
            self.steps.lock().unwrap().pop_front()
        };
        let step = step.unwrap_or_else(|| panic!("nobody expected {}", request.name));
        let soap = |inner: String| {
            format!("<s:Envelope xmlns:s='s' xmlns:t='t' xmlns:m='m' xmlns:e='e'><s:Body>{inner}</s:Body></s:Envelope>")
        };
        let (operation, status, text) = match step {
            Step::Say(operation, messages) => (
                operation,
                200,
                soap(format!(
                    "<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"
                )),
            ),
            Step::Fault(operation, code) => (
                operation,
                500,
                soap(format!(
                    "<s:Fault><faultcode>a:{code}</faultcode><faultstring>x</faultstring><detail><e:ResponseCode>{code}\
                     </e:ResponseCode></detail></s:Fault>"
                )),
            ),
            Step::Status(operation, status) => (operation, status, "<html/>".to_owned()),
        };
        assert_eq!(request.name, operation);
        Ok(Reply { status, retry_after: None, body: text.into() })
    }

    fn host(&self) -> &str {
        "mail.corp.example"
    }
}

impl Script {
    fn of(steps: impl IntoIterator<Item = Step>) -> (Script, Calendars<Script>) {
        let script = Script { steps: Arc::new(Mutex::new(steps.into_iter().collect())), ..Script::default() };
        let zones = Step::Say(
            "GetServerTimeZones",
            ok("<m:TimeZoneDefinitions><t:TimeZoneDefinition Id='Russian Standard Time'/></m:TimeZoneDefinitions>"),
        );
        script.aside.lock().unwrap().push(zones);
        let settings = Settings { home: parom_calendar::Zone::named("Europe/Moscow"), ..Settings::default() };
        (script.clone(), Calendars::new(Client::new(script, "owner@corp.example", true), settings))
    }

    /// Everything that was expected has been asked.
    fn is_done(&self) -> bool {
        self.steps.lock().unwrap().is_empty()
    }

    fn asked(&self, at: usize) -> String {
        self.asked.lock().unwrap()[at].clone()
    }
}

fn ok(inner: &str) -> String {
    format!("<m:X ResponseClass='Success'><m:ResponseCode>NoError</m:ResponseCode>{inner}</m:X>")
}

fn no(code: &str) -> String {
    format!(
        "<m:X ResponseClass='Error'><m:MessageText>No.</m:MessageText><m:ResponseCode>{code}</m:ResponseCode></m:X>"
    )
}

fn item(id: &str, key: u32, inner: &str) -> String {
    ok(&format!("<m:Items><t:CalendarItem><t:ItemId Id='{id}' ChangeKey='{key}'/>{inner}</t:CalendarItem></m:Items>"))
}

fn page(state: &str, is_last: bool, changes: &str) -> Step {
    let inner = format!(
        "<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{is_last}</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
    );
    Step::Say("SyncFolderItems", ok(&inner))
}

fn create(id: &str, class: &str) -> String {
    format!(
        "<t:Create><t:CalendarItem><t:ItemId Id='{id}' ChangeKey='1'/><t:ItemClass>{class}</t:ItemClass></t:CalendarItem></t:Create>"
    )
}

const SINGLE: &str = "<t:Subject>a</t:Subject><t:UID>1@x</t:UID><t:Start>2026-03-02T07:00:00Z</t:Start>\
    <t:End>2026-03-02T08:00:00Z</t:End><t:CalendarItemType>Single</t:CalendarItemType><t:StartTimeZone Id='Russian Standard Time'/>";

fn calendar() -> CalendarId {
    CalendarId("C".into())
}

fn handle(id: &str) -> Handle {
    Handle(id.into())
}

fn seen(id: &str, key: &str) -> EventSeen {
    EventSeen { handle: handle(id), version: Version(key.into()) }
}

fn form(lines: &str) -> Form {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@x\r\nDTSTART;TZID=Europe/Moscow:20260302T100000\r\n\
         DTEND;TZID=Europe/Moscow:20260302T110000\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let event = from_ical(text.as_bytes(), None).unwrap();
    let hash = EventHash::of(&event).to_bytes();
    Form { uid: canonical_uid(&event.uid), hash, text: to_ical(&event, Scheduling::Server).into() }
}

#[tokio::test]
async fn a_look_goes_on_to_the_last_page_and_shows_events_only() {
    let first = create("A", "IPM.Appointment")
        + &create("M", "IPM.Schedule.Meeting.Request")
        + &create("B", "IPM.Appointment.Room");
    let second = "<t:Delete><t:ItemId Id='B'/></t:Delete>".to_owned() + &create("D", "IPM.Appointment");
    let (script, agenda) = Script::of([page("S1", false, &first), page("S2", true, &second)]);
    let look = agenda.observe(&calendar(), None).await.unwrap();
    let present: Vec<&str> = look.present.iter().map(|seen| &*seen.handle.0).collect();
    assert_eq!((present, look.gone.len(), look.complete), (vec!["A", "D"], 0, true));
    assert_eq!(look.token, Some(Token("S2".into())));
    assert!(script.is_done() && script.asked(1).contains("<m:SyncState>S1</m:SyncState>"));
}

#[tokio::test]
async fn a_delta_tells_who_is_gone() {
    let (_, agenda) = Script::of([page("S2", true, "<t:Delete><t:ItemId Id='B'/></t:Delete>")]);
    let look = agenda.observe(&calendar(), Some(&Token("S1".into()))).await.unwrap();
    assert_eq!((look.present.len(), look.gone, look.complete), (0, vec![handle("B")], false));
}

#[tokio::test]
async fn a_forgotten_state_makes_the_look_complete() {
    let (script, agenda) = Script::of([
        Step::Say("SyncFolderItems", no("ErrorInvalidSyncStateData")),
        page("S9", true, &create("A", "IPM.Appointment")),
    ]);
    let look = agenda.observe(&calendar(), Some(&Token("old".into()))).await.unwrap();
    assert!(look.complete && look.present.len() == 1 && script.is_done());
}

#[tokio::test]
async fn a_listing_that_does_not_get_on_is_no_listing() {
    let (_, agenda) = Script::of([page("S1", false, ""), page("S1", false, "")]);
    let error = agenda.observe(&calendar(), None).await.unwrap_err();
    assert_eq!(error.code(), Code::ListingIncomplete);
}

#[tokio::test]
async fn versions_step_down_until_the_mailbox_understands() {
    let (script, agenda) = Script::of([
        Step::Fault("SyncFolderItems", "ErrorInvalidServerVersion"),
        Step::Say("SyncFolderItems", no("ErrorInvalidSchemaVersionForMailboxVersion")),
        page("S1", true, ""),
        page("S2", true, ""),
    ]);
    agenda.observe(&calendar(), None).await.unwrap();
    agenda.observe(&calendar(), None).await.unwrap();
    for (at, version) in ["Exchange2016", "Exchange2013_SP1", "Exchange2013", "Exchange2013"].into_iter().enumerate() {
        assert!(script.asked(at).contains(&format!("Version=\"{version}\"")), "{at}");
    }
}

#[tokio::test]
async fn refusals_of_everything_reach_as_far_as_they_should() {
    let table = [
        (Step::Fault("SyncFolderItems", "ErrorImpersonateUserDenied"), Code::ImpersonationDenied, Scope::Account),
        (Step::Fault("SyncFolderItems", "ErrorNonExistentMailbox"), Code::MailboxMissing, Scope::Account),
        (Step::Fault("SyncFolderItems", "ErrorServerBusy"), Code::Throttled, Scope::Account),
        (Step::Say("SyncFolderItems", no("ErrorSyncFolderNotFound")), Code::CalendarGone, Scope::Folder),
        (Step::Status("SyncFolderItems", 401), Code::SignInRefused, Scope::Credential),
        (Step::Status("SyncFolderItems", 200), Code::AnswerUnexpected, Scope::Server),
        (Step::Status("SyncFolderItems", 503), Code::ServerUnavailable, Scope::Server),
    ];
    for (step, code, scope) in table {
        let (_, agenda) = Script::of([step]);
        let error = agenda.observe(&calendar(), None).await.unwrap_err();
        assert_eq!((error.code(), error.scope()), (code, scope));
        assert_eq!((error.arg("host"), error.arg("login")), (Some("mail.corp.example"), Some("owner@corp.example")));
        if code == Code::Throttled {
            assert_eq!(error.retry(), Retry::After(Duration::from_secs(1)));
        }
    }
}

#[tokio::test]
async fn calendars_are_all_but_those_in_the_trash() {
    let folder = |id: &str, parent: &str, class: &str| {
        format!(
            "<t:Folder><t:FolderId Id='{id}'/><t:ParentFolderId Id='{parent}'/><t:FolderClass>{class}</t:FolderClass>\
             <t:DisplayName>{id}</t:DisplayName></t:Folder>"
        )
    };
    let of = |folder: String| ok(&format!("<m:Folders>{folder}</m:Folders>"));
    let known = of(folder("C", "R", "IPF.Appointment")) + &of(folder("T", "R", "IPF.Note"));
    let all: String = [
        folder("C", "R", "IPF.Appointment"),
        folder("Team", "C", "IPF.Appointment"),
        folder("T", "R", "IPF.Note"),
        folder("Old", "T", "IPF.Note"),
        folder("Older", "Old", "IPF.Appointment"),
        folder("People", "R", "IPF.Contact"),
    ]
    .concat();
    let root = format!("<m:RootFolder IncludesLastItemInRange='true'><t:Folders>{all}</t:Folders></m:RootFolder>");
    let (_, agenda) = Script::of([Step::Say("GetFolder", known), Step::Say("FindFolder", ok(&root))]);
    let (calendars, abilities) = agenda.calendars().await.unwrap();
    let told: Vec<_> = calendars.iter().map(|calendar| (calendar.name.as_str(), calendar.is_default)).collect();
    assert_eq!(told, [("C", true), ("Team", false)]);
    assert!(abilities.tells_changes && abilities.makes_calendars);
}

#[tokio::test]
async fn one_broken_event_keeps_nobody_from_the_others() {
    let (script, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, SINGLE) + &no("ErrorItemNotFound") + &no("ErrorItemCorrupt")),
        Step::Say("GetItem", no("ErrorItemCorrupt")),
        Step::Say("GetItem", no("ErrorCorruptData")),
        Step::Say(
            "GetItem",
            item("X", 7, "<t:Subject>a</t:Subject><t:UID>2@x</t:UID><t:Start>2026-03-02T22:00:00Z</t:Start>"),
        ),
    ]);
    let read = agenda.read(&calendar(), &[handle("A"), handle("B"), handle("X")]).await.unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].form.as_ref().unwrap().uid, "1@x");
    let error = read[1].form.as_ref().unwrap_err();
    assert_eq!((error.code(), &*read[1].version.0), (Code::EventUnreadable, "7"));
    // The day of its owner, where it says no zone.
    assert_eq!((error.arg("title"), error.arg("day"), error.arg("uid")), (Some("a"), Some("2026-03-03"), Some("2@x")));
    assert!(script.asked(3).contains("calendar:UID"));
    assert!(script.is_done());
}

#[tokio::test]
async fn what_is_left_out_of_a_corrupt_item_is_told() {
    let (_, agenda) =
        Script::of([Step::Say("GetItem", no("ErrorItemCorrupt")), Step::Say("GetItem", item("A", 1, SINGLE))]);
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    assert!(read[0].form.as_ref().unwrap().text.contains("X-PAROM-BODY-LEFT-OUT"));
}

/// What is left out looks removed to the other side: so only what will never come may be.
#[tokio::test]
async fn an_attachment_that_comes_next_time_is_waited_for() {
    let inner = SINGLE.replace(
        "<t:Subject>",
        "<t:Attachments><t:FileAttachment><t:AttachmentId Id='F'/><t:Name>a</t:Name><t:Size>3</t:Size></t:FileAttachment></t:Attachments><t:Subject>",
    );
    let (_, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, &inner)),
        Step::Say("GetAttachment", no("ErrorInternalServerError")),
    ]);
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    let error = read[0].form.as_ref().unwrap_err();
    assert_eq!(error.code(), Code::EventUnreadable);
    assert_eq!((error.arg("title"), error.arg("day")), (Some("a"), Some("2026-03-02")));
    let (_, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, &inner)),
        Step::Say("GetAttachment", no("ErrorAttachmentNotFound")),
    ]);
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    assert!(read[0].form.as_ref().unwrap().text.contains("X-PAROM-ATTACHMENT-LEFT-OUT"));
}

/// Items of some kinds have no MIME text, today or tomorrow.
#[tokio::test]
async fn an_attached_item_without_bytes_is_left_out_and_the_event_carried() {
    let inner = SINGLE.replace(
        "<t:Subject>",
        "<t:Attachments><t:ItemAttachment><t:AttachmentId Id='F'/><t:Name>Contact</t:Name><t:Size>3</t:Size></t:ItemAttachment></t:Attachments><t:Subject>",
    );
    let attached =
        "<m:Attachments><t:ItemAttachment><t:AttachmentId Id='F'/><t:Contact/></t:ItemAttachment></m:Attachments>";
    let (script, agenda) =
        Script::of([Step::Say("GetItem", item("A", 1, &inner)), Step::Say("GetAttachment", ok(attached))]);
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    let text = &read[0].form.as_ref().unwrap().text;
    assert!(text.contains("SUMMARY:a") && text.contains("X-PAROM-ATTACHMENT-LEFT-OUT"), "{text}");
    assert!(script.is_done());
}

#[tokio::test]
async fn a_batch_that_stops_goes_on_where_it_stopped() {
    let stopped = "<m:X ResponseClass='Warning'><m:ResponseCode>ErrorBatchProcessingStopped</m:ResponseCode></m:X>";
    let (script, agenda) =
        Script::of([Step::Say("GetItem", item("A", 1, SINGLE) + stopped), Step::Say("GetItem", item("B", 1, SINGLE))]);
    assert_eq!(agenda.read(&calendar(), &[handle("A"), handle("B")]).await.unwrap().len(), 2);
    assert!(script.is_done() && !script.asked(1).contains("Id=\"A\""));
}

const MASTER: &str = "<t:UID>1@x</t:UID><t:Start>2026-03-02T07:00:00Z</t:Start><t:End>2026-03-02T08:00:00Z</t:End>\
    <t:CalendarItemType>RecurringMaster</t:CalendarItemType><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval>\
    </t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2026-03-02</t:StartDate><t:NumberOfOccurrences>5\
    </t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence><t:ModifiedOccurrences><t:Occurrence><t:ItemId Id='E'\
    ChangeKey='1'/><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>\
    <t:OriginalStart>2026-03-03T07:00:00Z</t:OriginalStart></t:Occurrence></t:ModifiedOccurrences><t:DeletedOccurrences>\
    <t:DeletedOccurrence><t:Start>2026-03-05T07:00:00Z</t:Start></t:DeletedOccurrence></t:DeletedOccurrences>\
    <t:StartTimeZone Id='Russian Standard Time'/>";

#[tokio::test]
async fn a_series_is_read_with_its_exceptions() {
    let exception = SINGLE.replace("Single", "Exception").replace("T07:00", "T09:00").replace("T08:00", "T10:00");
    let exception = exception.replace("2026-03-02", "2026-03-03").replace(">a<", ">moved<");
    let (_, agenda) =
        Script::of([Step::Say("GetItem", item("A", 1, MASTER)), Step::Say("GetItem", item("E", 1, &exception))]);
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    let event = from_ical(read[0].form.as_ref().unwrap().text.as_bytes(), None).unwrap();
    let at = jiff::civil::date(2026, 3, 3).at(10, 0, 0, 0);
    assert_eq!(event.exceptions[&at].subject, "moved");
    assert_eq!(event.exceptions[&at].start.local(), jiff::civil::date(2026, 3, 3).at(12, 0, 0, 0));
    assert!(event.deleted.contains(&jiff::civil::date(2026, 3, 5).at(10, 0, 0, 0)));
}

#[tokio::test]
async fn the_mailbox_says_where_its_owner_lives() {
    let entry = "<t:DictionaryEntry><t:DictionaryKey><t:Value>timezone</t:Value></t:DictionaryKey><t:DictionaryValue>\
        <t:Value>Tonga Standard Time</t:Value></t:DictionaryValue></t:DictionaryEntry>";
    let told = ok(&format!("<m:UserConfiguration><t:Dictionary>{entry}</t:Dictionary></m:UserConfiguration>"));
    let day = SINGLE.replace("T07:00", "T11:00").replace("T08:00", "T11:30").replace("Russian", "Unheard");
    let day = day + "<t:IsAllDayEvent>true</t:IsAllDayEvent>";
    for (answer, expected) in [(told, "20260303"), (no("ErrorItemNotFound"), "20260302")] {
        let steps = [
            Step::Say("GetUserConfiguration", answer),
            Step::Say("GetItem", item("A", 1, &day)),
            Step::Say("GetItem", item("A", 1, &day)),
        ];
        let script = Script { steps: Arc::new(Mutex::new(steps.into())), ..Script::default() };
        let agenda = Calendars::new(Client::new(script.clone(), "owner@corp.example", true), Settings::default());
        for _ in 0..2 {
            let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
            assert!(read[0].form.as_ref().unwrap().text.contains(&format!("DTSTART;VALUE=DATE:{expected}")));
        }
        assert!(script.is_done());
    }
}

#[tokio::test]
async fn an_exception_that_is_not_there_any_more_fails_its_series() {
    let (_, agenda) =
        Script::of([Step::Say("GetItem", item("A", 1, MASTER)), Step::Say("GetItem", no("ErrorItemNotFound"))]);
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    assert_eq!(read[0].form.as_ref().unwrap_err().code(), Code::EventChanged);
}

fn found(ids: &[&str]) -> Step {
    let items: String =
        ids.iter().map(|id| format!("<t:CalendarItem><t:ItemId Id='{id}' ChangeKey='1'/></t:CalendarItem>")).collect();
    Step::Say(
        "FindItem",
        ok(&format!("<m:RootFolder IncludesLastItemInRange='true'><t:Items>{items}</t:Items></m:RootFolder>")),
    )
}

fn occurrence(id: &str, original: &str) -> Step {
    let inner =
        format!("<t:CalendarItemType>Occurrence</t:CalendarItemType><t:OriginalStart>{original}</t:OriginalStart>");
    Step::Say("GetItem", item(id, 3, &inner))
}

const DAILY: &str = "RRULE:FREQ=DAILY;COUNT=5\r\nEXDATE;TZID=Europe/Moscow:20260304T100000\r\n";

/// The form of a daily series whose second occurrence has another subject.
fn with_exception() -> Form {
    let exception = "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:1@x\r\nRECURRENCE-ID;TZID=Europe/Moscow:20260303T100000\r\n\
        DTSTART;TZID=Europe/Moscow:20260303T100000\r\nDTEND;TZID=Europe/Moscow:20260303T110000\r\nSUMMARY:other\r\n";
    form(&format!("{DAILY}{exception}"))
}

#[tokio::test]
async fn a_series_is_created_with_its_exceptions_and_deletions() {
    let (script, agenda) = Script::of([
        found(&[]),
        Step::Say("CreateItem", item("N", 1, "")),
        occurrence("O", "2026-03-03T07:00:00Z"),
        Step::Say("UpdateItem", item("O", 4, "")),
        occurrence("P", "2026-03-04T07:00:00Z"),
        Step::Say("DeleteItem", ok("")),
        Step::Say("GetItem", item("N", 9, "")),
        Step::Say("UpdateItem", item("N", 10, "")),
    ]);
    let written = agenda.create(&calendar(), &with_exception()).await.unwrap();
    assert_eq!((written.handle, written.version), (handle("N"), Some(Version("10".into()))));
    assert!(script.is_done());
    // From the first request to the last one it is marked as half.
    assert!(script.asked(1).contains("Parom.Half") && script.asked(7).contains("ChangeKey=\"9\""));
    assert!(script.asked(7).contains("<t:DeleteItemField>") && script.asked(7).contains("Parom.Half"));
    assert!(script.asked(2).contains("InstanceIndex=\"2\"") && script.asked(5).contains("InstanceIndex=\"3\""));
    let update = script.asked(3);
    assert!(update.contains("<t:ItemId Id=\"O\" ChangeKey=\"3\"/>") && update.contains("<t:Subject>other</t:Subject>"));
    assert_eq!(update.matches("SetItemField>").count(), 2, "{update}");
}

#[tokio::test]
async fn no_other_occurrence_is_ever_written_to() {
    let (script, agenda) =
        Script::of([found(&[]), Step::Say("CreateItem", item("N", 1, "")), occurrence("O", "2026-03-04T07:00:00Z")]);
    let error = agenda.create(&calendar(), &with_exception()).await.unwrap_err();
    assert_eq!((error.code(), error.arg("uid")), (Code::EventHalf, Some("1@x")));
    assert_eq!(error.arg("cause"), Some(Code::EventRefused.as_str()));
    assert!(script.is_done());
}

#[tokio::test]
async fn an_event_that_is_there_is_not_created_again() {
    let (_, agenda) = Script::of([found(&["A"])]);
    assert_eq!(agenda.create(&calendar(), &form("")).await.unwrap_err().code(), Code::EventExists);
}

#[tokio::test]
async fn an_edit_sends_what_differs_and_the_version_it_believes_in() {
    let (script, agenda) = Script::of([Step::Say("UpdateItem", item("A", 2, ""))]);
    let written =
        agenda.update(&calendar(), &seen("A", "1"), &form("SUMMARY:a\r\n"), &form("SUMMARY:b\r\n")).await.unwrap();
    assert_eq!(written.version, Some(Version("2".into())));
    let asked = script.asked(0);
    assert!(asked.contains("<t:ItemId Id=\"A\" ChangeKey=\"1\"/>") && asked.contains("NeverOverwrite"));
    assert_eq!(asked.matches("<t:SetItemField>").count(), 1);
}

#[tokio::test]
async fn a_conflict_is_told_and_nothing_is_done() {
    let (script, agenda) = Script::of([Step::Say("UpdateItem", no("ErrorIrresolvableConflict"))]);
    let error =
        agenda.update(&calendar(), &seen("A", "1"), &form("SUMMARY:a\r\n"), &form("SUMMARY:b\r\n")).await.unwrap_err();
    assert_eq!((error.code(), error.scope(), script.is_done()), (Code::EventChanged, Scope::Item, true));
    let (_, agenda) = Script::of([Step::Say("GetItem", item("A", 2, ""))]);
    let error = agenda.update(&calendar(), &seen("A", "1"), &form(DAILY), &with_exception()).await.unwrap_err();
    assert_eq!(error.code(), Code::EventChanged);
    let (_, agenda) = Script::of([Step::Say("GetItem", item("A", 2, ""))]);
    assert_eq!(agenda.remove(&calendar(), &seen("A", "1")).await.unwrap_err().code(), Code::EventChanged);
}

#[tokio::test]
async fn an_occurrence_edited_alone_leaves_the_master_alone() {
    let (script, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, "")),
        occurrence("O", "2026-03-03T07:00:00Z"),
        Step::Say("UpdateItem", item("O", 4, "")),
        Step::Say("GetItem", item("A", 2, "")),
    ]);
    let written = agenda.update(&calendar(), &seen("A", "1"), &form(DAILY), &with_exception()).await.unwrap();
    assert_eq!(written.version, Some(Version("2".into())));
    assert!(script.is_done());
}

#[tokio::test]
async fn an_exception_goes_back_by_a_new_recurrence_and_the_rest_is_made_again() {
    let (script, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, "")),
        Step::Say("UpdateItem", item("A", 2, "")),
        // The server has dropped everything.
        Step::Say("GetItem", item("A", 2, "")),
        occurrence("P", "2026-03-04T07:00:00Z"),
        Step::Say("DeleteItem", ok("")),
        Step::Say("GetItem", item("A", 3, "")),
        Step::Say("UpdateItem", item("A", 4, "")),
    ]);
    let written = agenda.update(&calendar(), &seen("A", "1"), &with_exception(), &form(DAILY)).await.unwrap();
    assert_eq!(written.version, Some(Version("4".into())));
    assert!(script.is_done() && script.asked(1).contains("<t:Recurrence>") && script.asked(1).contains("Parom.Half"));
    assert!(script.asked(6).contains("<t:DeleteItemField>") && script.asked(6).contains("Parom.Half"));
}

/// E56: refused on its way it is told to be half, and the next write of it ends that, whatever it has to write.
#[tokio::test]
async fn what_was_refused_on_its_way_is_half_until_it_is_written_to_its_end() {
    let (script, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, "")),
        Step::Say("UpdateItem", item("A", 2, "")),
        Step::Say("GetItem", item("A", 2, "")),
        occurrence("P", "2026-03-04T07:00:00Z"),
        Step::Say("DeleteItem", no("ErrorInternalServerError")),
        Step::Say("GetItem", item("A", 2, &(SINGLE.to_owned() + HALF))),
        Step::Say("UpdateItem", item("A", 3, "")),
    ]);
    let error = agenda.update(&calendar(), &seen("A", "1"), &with_exception(), &form(DAILY)).await.unwrap_err();
    assert_eq!((error.code(), error.scope()), (Code::EventHalf, Scope::Item));
    let read = agenda.read(&calendar(), &[handle("A")]).await.unwrap();
    assert!(read[0].half);
    let there = read[0].form.as_ref().unwrap();
    agenda.update(&calendar(), &seen("A", "2"), there, there).await.unwrap();
    assert!(script.is_done() && script.asked(6).contains("<t:DeleteItemField>"));
}

const HALF: &str = "<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId='PublicStrings'
    PropertyName='Parom.Half' PropertyType='String'/><t:Value>1</t:Value></t:ExtendedProperty>";

#[tokio::test]
async fn what_is_gone_already_is_removed() {
    let (_, agenda) = Script::of([Step::Say("GetItem", no("ErrorItemNotFound"))]);
    agenda.remove(&calendar(), &seen("A", "1")).await.unwrap();
    let (_, agenda) =
        Script::of([Step::Say("GetItem", item("A", 1, "")), Step::Say("DeleteItem", no("ErrorItemNotFound"))]);
    agenda.remove(&calendar(), &seen("A", "1")).await.unwrap();
}

#[tokio::test]
async fn names_of_the_directory_become_addresses_once() {
    let inner = SINGLE.to_owned()
        + "<t:IsMeeting>true</t:IsMeeting><t:Organizer><t:Mailbox><t:Name>Boss</t:Name><t:EmailAddress>/o=Corp/cn=boss\
           </t:EmailAddress><t:RoutingType>EX</t:RoutingType></t:Mailbox></t:Organizer>";
    let set = "<m:ResolutionSet><t:Resolution><t:Mailbox><t:Name>Boss</t:Name><t:EmailAddress>boss@corp.example\
        </t:EmailAddress><t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:Resolution></m:ResolutionSet>";
    let (script, agenda) = Script::of([
        Step::Say("GetItem", item("A", 1, &inner) + &item("B", 1, &inner)),
        Step::Say("ResolveNames", ok(set)),
    ]);
    let read = agenda.read(&calendar(), &[handle("A"), handle("B")]).await.unwrap();
    assert!(read.iter().all(|read| read.form.as_ref().unwrap().text.contains("mailto:boss@corp.example")));
    assert!(script.is_done());
}

#[tokio::test]
async fn ones_own_answer_is_noted_without_a_mail() {
    let meeting = |answer: &str| {
        form(&format!("ORGANIZER:mailto:boss@corp.example\r\nATTENDEE;PARTSTAT={answer}:mailto:owner@corp.example\r\n"))
    };
    let (script, agenda) =
        Script::of([Step::Say("UpdateItem", item("A", 2, "")), Step::Say("CreateItem", ok("")), found(&["A2"])]);
    let written =
        agenda.update(&calendar(), &seen("A", "1"), &meeting("NEEDS-ACTION"), &meeting("ACCEPTED")).await.unwrap();
    assert_eq!(written.handle, handle("A2"));
    assert!(script.asked(1).contains("MessageDisposition=\"SaveOnly\"><m:Items><t:AcceptItem>"));
}

#[tokio::test]
async fn a_calendar_that_is_there_is_as_good_as_made() {
    let (_, agenda) = Script::of([Step::Say(
        "CreateFolder",
        ok("<m:Folders><t:CalendarFolder><t:FolderId Id='N'/></t:CalendarFolder></m:Folders>"),
    )]);
    assert_eq!(agenda.make_calendar("Team").await.unwrap().id, CalendarId("N".into()));
}

/// What Exchange could not give is there all the same: neither is the body written over, nor the attachment doubled.
#[tokio::test]
async fn what_could_not_be_read_is_not_written_over() {
    let base = form("SUMMARY:a\r\nX-PAROM-BODY-LEFT-OUT:TRUE\r\nX-PAROM-ATTACHMENT-LEFT-OUT;SIZE=3:a.txt\r\n");
    let known = "DESCRIPTION:agreed on\r\nATTACH;VALUE=BINARY;ENCODING=BASE64;FILENAME=a.txt:YWJj\r\n";
    let (script, agenda) = Script::of([Step::Say("UpdateItem", item("A", 2, ""))]);
    agenda.update(&calendar(), &seen("A", "1"), &base, &form(&format!("SUMMARY:b\r\n{known}"))).await.unwrap();
    let asked = script.asked(0);
    assert!(asked.contains("<t:Subject>b</t:Subject>") && !asked.contains("item:Body"), "{asked}");
    assert_eq!(asked.matches("<t:SetItemField>").count(), 1, "{asked}");
    // Where nothing else differs, nothing is asked at all.
    let (script, agenda) = Script::of([]);
    let written = agenda.update(&calendar(), &seen("A", "1"), &base, &form(&format!("SUMMARY:a\r\n{known}"))).await;
    assert_eq!((written.unwrap().version, script.is_done()), (Some(Version("1".into())), true));
}

fn exported(data: &str) -> Step {
    Step::Say("ExportItems", ok(&format!("<m:ItemId Id='A'/><m:Data>{data}</m:Data>")))
}

#[tokio::test]
async fn an_event_is_exported_in_the_version_that_was_seen_and_put_back_as_a_new_one() {
    let (script, agenda) = Script::of([
        exported("AAEC"),
        Step::Say("ExportItems", no("ErrorItemNotFound")),
        Step::Say("ExportItems", no("ErrorItemCorrupt")),
        Step::Say("UploadItems", ok("<m:ItemId Id='N' ChangeKey='1'/>")),
    ]);
    let (place, version) = (calendar(), seen_version());
    let export = || agenda.export(&place, &version);
    assert_eq!(export().await.unwrap().as_deref(), Some("AAEC"));
    assert!(script.asked(0).contains("<t:ItemId Id=\"A\" ChangeKey=\"1\"/>"));
    assert_eq!(export().await.unwrap(), None);
    let error = export().await.unwrap_err();
    assert_eq!((error.code(), error.scope()), (Code::EventUnreadable, Scope::Item));
    assert_eq!(agenda.restore(&calendar(), "AAEC").await.unwrap().handle, handle("N"));
    let asked = script.asked(3);
    assert!(asked.contains("CreateAction=\"CreateNew\"") && asked.contains("<t:ParentFolderId Id=\"C\"/>"), "{asked}");
}

fn seen_version() -> EventSeen {
    seen("A", "1")
}

#[tokio::test]
async fn a_server_that_exports_nothing_is_asked_once() {
    let (script, agenda) = Script::of([Step::Fault("ExportItems", "ErrorInvalidRequest")]);
    for _ in 0..2 {
        assert_eq!(agenda.export(&calendar(), &seen_version()).await.unwrap(), None);
    }
    assert!(script.is_done());
    // What may pass is no answer: nothing may be overwritten meanwhile.
    let (_, agenda) = Script::of([Step::Fault("ExportItems", "ErrorServerBusy")]);
    assert_eq!(agenda.export(&calendar(), &seen_version()).await.unwrap_err().code(), Code::Throttled);
}
