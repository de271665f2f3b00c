//! Calendars: what is committed comes back, a lost lease stops every kind of change, and mail is not touched.

use crate::samples::*;
use parom_domain::agenda::{CalendarId, Handle, Token, Version};
use parom_domain::events::breaker::Write;
use parom_domain::events::policy::CalendarMode;
use parom_domain::events::state::{
    AgendaChange, AgendaIntent, AgendaState, AgendaWork, ArchivedEvent, DeletedEvents, KeptEvent, ParkedEvent,
    SuspectedEvent,
};
use parom_domain::events::{CalendarNumber, CalendarPair, End, EventLink, EventNumber};
use parom_domain::state::{AccountId, Lease, PassSummary};
use parom_domain::{Both, Code, Side};
use parom_store::Store;

fn calendar(number: u32) -> CalendarPair {
    CalendarPair {
        number: CalendarNumber(number),
        ids: Both::new(Some(CalendarId(format!("AAMk{number}").as_str().into())), None),
        names: Both::new("Календарь".to_owned(), String::new()),
        is_default: true,
        tokens: Both::new(None, Some(Token("data:,7".into()))),
        missing_since_ms: Both::new(Some(5), None),
    }
}

fn end(calendar: u32, handle: &str) -> End {
    let version = Some(Version(format!("\"{handle}\"").as_str().into()));
    End { calendar: CalendarNumber(calendar), handle: Handle(handle.into()), version, hash: [calendar as u8; 32] }
}

fn link(number: u64) -> EventLink {
    EventLink {
        number: EventNumber(number),
        uid: format!("uid-{number}@corp.example"),
        calendar: CalendarNumber(1),
        ends: Both::new(Some(end(1, "a")), Some(End { version: None, ..end(2, "/b.ics") })),
        base: [9; 32],
        brought: Some(Side::Target),
        asleep: None,
        writes: vec![Write { side: Side::Source, at_ms: 1 }, Write { side: Side::Target, at_ms: u64::MAX }],
    }
}

fn left(number: u64) -> EventLink {
    EventLink { ends: Both::new(None, Some(end(1, "left"))), brought: None, writes: vec![], ..link(number) }
}

fn asleep(number: u64) -> EventLink {
    EventLink { asleep: Some(Side::Source), ..left(number) }
}

fn intent(id: u64) -> AgendaIntent {
    AgendaIntent {
        id,
        at_ms: 77,
        event: EventNumber(4),
        uid: "новое".to_owned(),
        side: Side::Target,
        work: AgendaWork::Move { to: CalendarNumber(3) },
        hash: [7; 32],
        text: "BEGIN:VCALENDAR\r\n".into(),
        was: Some("BEGIN:VEVENT\r\n".into()),
        ends: Both::new(Some(end(1, "x")), None),
    }
}

fn parked(handle: &str) -> ParkedEvent {
    ParkedEvent {
        calendar: CalendarNumber(1),
        side: Side::Source,
        handle: Handle(handle.into()),
        version: Some(Version("v".into())),
        uid: None,
        code: "event-unfit".to_owned(),
        args: vec![("uid".to_owned(), "x".to_owned())],
        since_ms: 5,
        until_ms: Some(9),
    }
}

fn suspected(event: u64, side: Side) -> SuspectedEvent {
    SuspectedEvent { event: EventNumber(event), side, since_ms: 6 }
}

fn archived(uid: &str) -> ArchivedEvent {
    ArchivedEvent { at_ms: 3, uid: uid.to_owned(), side: Side::Source, text: "lost".into() }
}

fn put(link: EventLink, base: &str) -> AgendaChange {
    AgendaChange::PutEvent { link, base: Some(base.into()) }
}

fn agenda_held(key: &str) -> parom_domain::state::Held {
    held(&format!("calendar:{key}"))
}

fn agenda_filled() -> Vec<AgendaChange> {
    vec![
        AgendaChange::PutCalendar(calendar(1)),
        put(link(1), "one"),
        put(left(2), "two"),
        put(asleep(3), "three"),
        AgendaChange::OpenIntent(intent(1)),
        AgendaChange::Park(parked("a")),
        AgendaChange::Suspect(suspected(1, Side::Source)),
        AgendaChange::Archive(archived("first")),
        AgendaChange::CountDeleted(DeletedEvents { at_ms: 40, events: 1 }),
        AgendaChange::CountDeleted(DeletedEvents { at_ms: 41, events: 2 }),
        AgendaChange::Hold(agenda_held("emptied")),
    ]
}

/// One of each kind, in an order in which they may be committed after [`agenda_filled`].
fn agenda_one_of_each() -> Vec<AgendaChange> {
    let (calendar_one, side) = (CalendarNumber(1), Side::Source);
    let all = vec![
        AgendaChange::PutCalendar(calendar(2)),
        AgendaChange::DropCalendar(CalendarNumber(2)),
        AgendaChange::SetToken { calendar: calendar_one, side, token: Some(Token("s".into())) },
        AgendaChange::SetToken { calendar: calendar_one, side: Side::Target, token: None },
        AgendaChange::PutEvent { link: EventLink { uid: "new".to_owned(), ..link(1) }, base: None },
        AgendaChange::DropEvent(EventNumber(2)),
        AgendaChange::OpenIntent(intent(70)),
        AgendaChange::CloseIntent(1),
        AgendaChange::Park(parked("b")),
        AgendaChange::Unpark { calendar: calendar_one, side, handle: Handle("a".into()) },
        AgendaChange::Suspect(suspected(3, Side::Target)),
        AgendaChange::Unsuspect { event: EventNumber(1), side },
        AgendaChange::Archive(archived("second")),
        AgendaChange::CountDeleted(DeletedEvents { at_ms: 41, events: 7 }),
        AgendaChange::ForgetDeleted { before_ms: 41 },
        AgendaChange::Hold(agenda_held("other")),
        AgendaChange::Unhold { key: "calendar:emptied".to_owned() },
    ];
    // A new kind of change does not get past this line without a sample above.
    for change in &all {
        match change {
            AgendaChange::PutCalendar(_)
            | AgendaChange::DropCalendar(_)
            | AgendaChange::SetToken { .. }
            | AgendaChange::PutEvent { .. }
            | AgendaChange::DropEvent(_)
            | AgendaChange::OpenIntent(_)
            | AgendaChange::CloseIntent(_)
            | AgendaChange::Park(_)
            | AgendaChange::Unpark { .. }
            | AgendaChange::Suspect(_)
            | AgendaChange::Unsuspect { .. }
            | AgendaChange::Archive(_)
            | AgendaChange::CountDeleted(_)
            | AgendaChange::ForgetDeleted { .. }
            | AgendaChange::Hold(_)
            | AgendaChange::Unhold { .. } => {}
        }
    }
    all
}

async fn agenda_picture(store: &Store, account: AccountId) -> String {
    let state = store.load_agenda(account).await.unwrap();
    let links = store.event_links(account).await.unwrap();
    let mut bases = Vec::new();
    for link in &links {
        bases.push(store.event_base(account, link.number).await.unwrap());
    }
    let archived = store.archived_events(account).await.unwrap();
    format!("{state:#?}\n{links:#?}\n{bases:#?}\n{archived:#?}")
}

#[tokio::test]
async fn calendars_come_back_after_a_restart() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit_agenda(&lease, agenda_filled()).await.unwrap();
    let before = agenda_picture(&state.store, lease.account).await;
    let state = state.reopened().await;
    assert_eq!(agenda_picture(&state.store, lease.account).await, before);
    let loaded = state.store.load_agenda(lease.account).await.unwrap();
    let wanted = AgendaState {
        calendars: vec![calendar(1)],
        intents: vec![intent(1)],
        parked: vec![parked("a")],
        suspected: [suspected(1, Side::Source)].into_iter().collect(),
        held: vec![agenda_held("emptied")],
        deleted: vec![DeletedEvents { at_ms: 40, events: 1 }, DeletedEvents { at_ms: 41, events: 2 }],
        left: 1,
    };
    assert_eq!(loaded, wanted);
    assert_eq!(state.store.event_links(lease.account).await.unwrap(), [link(1), left(2), asleep(3)]);
    assert_eq!(state.store.event_base(lease.account, EventNumber(2)).await.unwrap().as_deref(), Some("two"));
    assert_eq!(state.store.archived_events(lease.account).await.unwrap(), [archived("first")]);
}

#[tokio::test]
async fn what_waits_to_be_carried_is_counted() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit_agenda(&lease, agenda_filled()).await.unwrap();
    let mut own = link(4);
    own.ends.target.as_mut().unwrap().hash = End::OWN;
    assert!(own.waits() && left(2).waits() && !link(1).waits());
    state.store.commit_agenda(&lease, vec![AgendaChange::PutEvent { link: own, base: Some("".into()) }]).await.unwrap();
    assert_eq!(state.store.load_agenda(lease.account).await.unwrap().left, 2);
}

#[tokio::test]
async fn every_change_of_calendars_does_what_it_says() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit_agenda(&lease, agenda_filled()).await.unwrap();
    state.store.commit_agenda(&lease, agenda_one_of_each()).await.unwrap();
    let loaded = state.store.load_agenda(lease.account).await.unwrap();
    let wanted = AgendaState {
        calendars: vec![CalendarPair { tokens: Both::new(Some(Token("s".into())), None), ..calendar(1) }],
        intents: vec![intent(70)],
        parked: vec![parked("b")],
        suspected: [suspected(3, Side::Target)].into_iter().collect(),
        held: vec![agenda_held("other")],
        deleted: vec![DeletedEvents { at_ms: 41, events: 9 }],
        left: 0,
    };
    assert_eq!(loaded, wanted);
    let renamed = EventLink { uid: "new".to_owned(), ..link(1) };
    assert_eq!(state.store.event_links(lease.account).await.unwrap(), [renamed, asleep(3)]);
    assert_eq!(state.store.event_base(lease.account, EventNumber(1)).await.unwrap().as_deref(), Some("one"));
    assert_eq!(state.store.archived_events(lease.account).await.unwrap(), [archived("first"), archived("second")]);
}

#[tokio::test]
async fn announcements_that_end_together_leave_the_others_open() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit_agenda(&lease, agenda_filled()).await.unwrap();
    let opened = [2, 3, 4, 5, 7, 8, u64::MAX].map(|id| AgendaChange::OpenIntent(intent(id)));
    state.store.commit_agenda(&lease, opened.to_vec()).await.unwrap();
    let closed = [8, 3, u64::MAX, 2, 5, 5, 6].map(AgendaChange::CloseIntent);
    state.store.commit_agenda(&lease, closed.to_vec()).await.unwrap();
    let left = state.store.load_agenda(lease.account).await.unwrap().intents;
    assert_eq!(left.iter().map(|intent| intent.id).collect::<Vec<_>>(), [1, 4, 7]);
}

#[tokio::test]
async fn a_lost_lease_stops_every_kind_of_change_of_calendars() {
    let state = State::new().await;
    let lost = state.account("a@corp.example").await;
    state.store.commit_agenda(&lost, agenda_filled()).await.unwrap();
    let held = state.store.acquire(lost.account, "test", 2000, 60_000).await.unwrap().unwrap();
    let before = agenda_picture(&state.store, lost.account).await;
    for change in agenda_one_of_each() {
        let error = state.store.commit_agenda(&lost, vec![change.clone()]).await.unwrap_err();
        assert_eq!(error.code(), Code::LeaseLost, "{change:?}");
        assert_eq!(agenda_picture(&state.store, lost.account).await, before, "{change:?}");
    }
    for change in agenda_one_of_each() {
        state.store.commit_agenda(&held, vec![change]).await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_of_calendars_that_fails_late_leaves_nothing() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit_agenda(&lease, agenda_filled()).await.unwrap();
    let before = agenda_picture(&state.store, lease.account).await;
    let mut changes = agenda_one_of_each();
    // A suspicion of an event that nobody knows: a defect of the caller, met by the last statement.
    changes.push(AgendaChange::Suspect(suspected(77, Side::Source)));
    let error = state.store.commit_agenda(&lease, changes).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(agenda_picture(&state.store, lease.account).await, before);
}

#[tokio::test]
async fn brakes_of_mail_and_of_calendars_are_shown_together_and_loaded_apart() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    state.store.commit(&lease, vec![parom_domain::state::Change::Hold(held("volume"))]).await.unwrap();
    state.store.commit_agenda(&lease, vec![AgendaChange::Hold(agenda_held("emptied"))]).await.unwrap();
    assert_eq!(state.store.load(lease.account).await.unwrap().held, [held("volume")]);
    assert_eq!(state.store.load_agenda(lease.account).await.unwrap().held, [agenda_held("emptied")]);
    assert_eq!(state.store.held(None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_said_of_calendars_and_how_they_ended_is_kept() {
    let state = State::new().await;
    let store = &state.store;
    let lease = state.account("anna@corp.example").await;
    let (anna, boris) = (lease.account, state.account("boris@corp.example").await.account);
    assert_eq!(store.calendar_modes().await.unwrap(), []);
    store.set_calendar_mode(boris, CalendarMode::Sync).await.unwrap();
    for mode in CalendarMode::ALL {
        store.set_calendar_mode(anna, mode).await.unwrap();
    }
    let modes = [(anna, CalendarMode::Subscribe), (boris, CalendarMode::Sync)];
    assert_eq!(store.calendar_modes().await.unwrap(), modes);
    let nobody = store.set_calendar_mode(AccountId(99), CalendarMode::Off).await.unwrap_err();
    assert_eq!(nobody.code(), Code::AccountUnknown);

    let ok = PassSummary { at_ms: 7, last_ok_ms: Some(7), parked: 1, carried: 2, folders: 3, error: None };
    store.note_calendar_pass(&lease, ok.clone()).await.unwrap();
    let failed = PassSummary {
        at_ms: 8,
        last_ok_ms: None,
        error: Some(("timed-out".to_owned(), vec![("host".to_owned(), "h".to_owned())])),
        ..ok.clone()
    };
    store.note_calendar_pass(&lease, failed.clone()).await.unwrap();
    let kept = PassSummary { last_ok_ms: Some(7), ..failed };
    assert_eq!(store.calendar_summaries().await.unwrap(), [(anna, kept)]);
    assert_eq!(store.summaries().await.unwrap(), [], "mail has its own");

    store.commit_agenda(&lease, vec![AgendaChange::PutCalendar(calendar(1))]).await.unwrap();
    let put = |link| AgendaChange::PutEvent { link, base: Some("x".into()) };
    store.commit_agenda(&lease, vec![put(link(1)), put(link(2)), put(left(3))]).await.unwrap();
    assert_eq!(store.linked_events().await.unwrap(), [(anna, 2)]);

    let old = Lease { epoch: lease.epoch - 1, ..lease };
    assert_eq!(store.note_calendar_pass(&old, ok).await.unwrap_err().code(), Code::LeaseLost);
}

#[tokio::test]
async fn the_archive_holds_what_was_given_up_and_what_was_kept() {
    let state = State::new().await;
    let lease = state.account("a@corp.example").await;
    let other = state.account("b@corp.example").await;
    let kept = |uid: &str, export: Option<&str>| KeptEvent {
        at_ms: 7,
        uid: uid.to_owned(),
        side: Side::Source,
        text: "as it was".into(),
        export: export.map(Into::into),
    };
    let store = &state.store;
    store.commit_agenda(&lease, vec![AgendaChange::Archive(archived("lost"))]).await.unwrap();
    store.keep_event(&lease, kept("one", Some("AAEC"))).await.unwrap();
    store.keep_event(&lease, kept("two", None)).await.unwrap();
    store.keep_event(&other, kept("three", None)).await.unwrap();
    let entries = store.archive(lease.account).await.unwrap();
    let told: Vec<_> = entries.iter().map(|it| (it.number, it.uid.as_str(), it.is_kept, it.is_exported)).collect();
    assert_eq!(told, [(1, "lost", false, false), (2, "one", true, true), (3, "two", true, false)]);
    assert_eq!(store.kept_events(lease.account, Side::Source).await.unwrap(), ["one", "two"]);
    assert_eq!(store.kept_events(lease.account, Side::Target).await.unwrap(), Vec::<String>::new());
    let item = store.archived(lease.account, 2).await.unwrap().unwrap();
    assert_eq!(
        (item.entry.clone(), &*item.text, item.export.as_deref()),
        (entries[1].clone(), "as it was", Some("AAEC"))
    );
    assert!(store.archived(lease.account, 4).await.unwrap().is_none());
    // What merges gave up is told as before, and whoever has lost the account keeps nothing.
    assert_eq!(store.archived_events(lease.account).await.unwrap(), [archived("lost")]);
    let old = Lease { epoch: lease.epoch - 1, ..lease };
    assert_eq!(store.keep_event(&old, kept("late", None)).await.unwrap_err().code(), Code::LeaseLost);
    state.store.close().await;
}
