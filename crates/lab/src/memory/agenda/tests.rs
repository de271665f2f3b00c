//! The promises of calendars in memory, through their port.

use super::*;
use crate::memory::{Fault, Steps};
use parom_domain::Code;
use parom_domain::agenda::{Agenda, CalendarId, EventSeen};

const EVENT: &str = "attendee=b@corp.example\ntitle=Talk\nuid=1\n";

async fn one(switches: AgendaSwitches) -> (CalendarServer, MemoryAgenda, CalendarId, EventSeen) {
    let server = CalendarServer::new(switches);
    server.add("Calendar", EVENT);
    let agenda = MemoryAgenda::new("target", server.clone(), Steps::new());
    let id = agenda.calendars().await.unwrap().0[0].id.clone();
    let seen = agenda.observe(&id, None).await.unwrap().present[0].clone();
    (server, agenda, id, seen)
}

#[tokio::test]
async fn looks_are_deltas_until_their_token_is_forgotten() {
    let (server, agenda, id, _) = one(AgendaSwitches::default()).await;
    let full = agenda.observe(&id, None).await.unwrap();
    assert!(full.complete);
    server.add("Calendar", "uid=2\n");
    server.delete("Calendar", "1");
    let delta = agenda.observe(&id, full.token.as_ref()).await.unwrap();
    assert_eq!((delta.complete, delta.present.len(), delta.gone.len()), (false, 1, 1));
    let rest = agenda.observe(&id, delta.token.as_ref()).await.unwrap();
    assert_eq!((rest.complete, rest.present.len(), rest.gone.len()), (false, 0, 0));
    server.forget_tokens();
    let again = agenda.observe(&id, delta.token.as_ref()).await.unwrap();
    assert_eq!((again.complete, again.present.len(), again.gone.len()), (true, 1, 0));
    for (tokens, complete_when_quiet) in [(true, false), (false, true)] {
        server.switch(|switches| (switches.tokens, switches.deltas) = (tokens, false));
        let look = agenda.observe(&id, None).await.unwrap();
        let quiet = agenda.observe(&id, look.token.as_ref()).await.unwrap();
        assert_eq!((quiet.complete, quiet.token.is_some()), (complete_when_quiet, tokens));
        server.touch("Calendar", "2");
        assert!(agenda.observe(&id, look.token.as_ref()).await.unwrap().complete);
    }
}

#[tokio::test]
async fn a_write_names_the_version_it_believes_in() {
    let (server, agenda, id, seen) = one(AgendaSwitches::default()).await;
    server.touch("Calendar", "1");
    let (base, new) = (form(EVENT), form("title=Other\nuid=1\n"));
    assert_eq!(agenda.update(&id, &seen, &base, &new).await.unwrap_err().code(), Code::EventChanged);
    assert_eq!(agenda.remove(&id, &seen).await.unwrap_err().code(), Code::EventChanged);
    assert_eq!(agenda.create(&id, &new).await.unwrap_err().code(), Code::EventExists);
    let seen = agenda.observe(&id, None).await.unwrap().present[0].clone();
    agenda.update(&id, &seen, &base, &new).await.unwrap();
    assert_eq!(server.get("Calendar", "1", "title").as_deref(), Some("Other"));
    agenda.remove(&id, &seen).await.unwrap_err();
}

#[tokio::test]
async fn the_trap_hears_people_and_not_the_port() {
    let (server, agenda, id, seen) = one(AgendaSwitches::default()).await;
    assert_eq!(server.letters(), 1, "somebody invited somebody");
    agenda.update(&id, &seen, &form(EVENT), &form(&with_field(EVENT, "title", Some("x")))).await.unwrap();
    let seen = agenda.observe(&id, None).await.unwrap().present[0].clone();
    agenda.remove(&id, &seen).await.unwrap();
    agenda.create(&id, &form(EVENT)).await.unwrap();
    assert_eq!(server.letters(), 1);
    server.delete("Calendar", "1");
    assert_eq!(server.letters(), 2);
}

#[tokio::test]
async fn what_arrives_late_is_taken_only_where_it_would_have_been_taken_in_time() {
    for unique_uids in [false, true] {
        let switches = AgendaSwitches { late_commit: true, unique_uids, ..AgendaSwitches::default() };
        let (server, steps) = (CalendarServer::new(switches), Steps::new());
        server.add_calendar("Work");
        let agenda = MemoryAgenda::new("target", server.clone(), steps.clone());
        let id = agenda.calendars().await.unwrap().0[0].id.clone();
        steps.fail_at(2, Fault::Cut);
        agenda.create(&id, &form(EVENT)).await.unwrap_err();
        server.add("Work", EVENT);
        server.land_late();
        assert_eq!(server.uids("Calendar").is_empty(), unique_uids);
    }
}
