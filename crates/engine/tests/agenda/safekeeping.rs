//! Nothing that others made is overwritten or removed before it was kept.

use crate::world::TestClock;
use async_trait::async_trait;
use parom_domain::agenda::{Agenda, CalendarId, EventSeen, Form};
use parom_domain::events::state::KeptEvent;
use parom_domain::{Code, Error, Result, Retry, Scope, Side};
use parom_engine::agenda::{Safe, Safekeeping};
use parom_lab::memory::{AgendaSwitches, CalendarServer, MemoryAgenda, Steps, form};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Knows one event that Parom brought.
#[derive(Default)]
struct Chest {
    kept: Mutex<Vec<KeptEvent>>,
    is_full: AtomicBool,
}

#[async_trait]
impl Safe for Chest {
    async fn settled(&self, _: Side) -> Result<HashSet<String>> {
        let kept = self.kept.lock().unwrap().iter().map(|event| event.uid.clone()).collect::<Vec<_>>();
        Ok(kept.into_iter().chain(["brought".to_owned()]).collect())
    }

    async fn keep(&self, event: KeptEvent) -> Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(Error::new(Code::StateFull, Scope::System, Retry::WhenFixed));
        }
        self.kept.lock().unwrap().push(event);
        Ok(())
    }
}

impl Chest {
    fn uids(&self) -> Vec<String> {
        self.kept.lock().unwrap().iter().map(|event| event.uid.clone()).collect()
    }
}

fn text(uid: &str, title: &str) -> Form {
    form(&format!("title={title}\nuid={uid}\n"))
}

/// A server with these events, and where they are.
async fn server(uids: &[&str]) -> (CalendarServer, MemoryAgenda, CalendarId) {
    let server = CalendarServer::new(AgendaSwitches::default());
    let agenda = MemoryAgenda::new("source", server.clone(), Steps::new());
    let calendar = agenda.calendars().await.unwrap().0.remove(0);
    for uid in uids {
        assert!(server.add(&calendar.name, &text(uid, "old").text));
    }
    (server, agenda, calendar.id)
}

async fn find(agenda: &dyn Agenda, calendar: &CalendarId, uid: &str) -> (EventSeen, Form) {
    let found = agenda.find(calendar, uid).await.unwrap().remove(0);
    (EventSeen { handle: found.handle, version: found.version }, found.form.unwrap())
}

async fn retitle(agenda: &dyn Agenda, calendar: &CalendarId, uid: &str, title: &str) -> Result<()> {
    let (seen, base) = find(agenda, calendar, uid).await;
    agenda.update(calendar, &seen, &base, &text(uid, title)).await.map(drop)
}

#[tokio::test]
async fn what_others_made_is_kept_once_as_it_was() {
    let (_, agenda, calendar) = server(&["theirs", "brought", "removed"]).await;
    let (safe, clock) = (Chest::default(), TestClock::new());
    let keeping = Safekeeping::new(&agenda, Side::Source, &safe, &clock);
    for title in ["new", "newer"] {
        for uid in ["theirs", "brought"] {
            retitle(&keeping, &calendar, uid, title).await.unwrap();
        }
    }
    let (seen, _) = find(&keeping, &calendar, "removed").await;
    keeping.remove(&calendar, &seen).await.unwrap();
    // One that is made here is nobody else's.
    keeping.create(&calendar, &text("made", "x")).await.unwrap();
    retitle(&keeping, &calendar, "made", "y").await.unwrap();
    assert_eq!(safe.uids(), ["theirs", "removed"]);
    let kept = safe.kept.lock().unwrap()[0].clone();
    assert_eq!((kept.side, &kept.text, kept.export), (Side::Source, &text("theirs", "old").text, None));
    // Another pass knows of it.
    let again = Safekeeping::new(&agenda, Side::Source, &safe, &clock);
    retitle(&again, &calendar, "theirs", "newest").await.unwrap();
    assert_eq!(safe.uids().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_touched() {
    let (server, agenda, calendar) = server(&["theirs"]).await;
    let (safe, clock) = (Chest::default(), TestClock::new());
    safe.is_full.store(true, Ordering::Relaxed);
    let keeping = Safekeeping::new(&agenda, Side::Source, &safe, &clock);
    let before = server.picture();
    assert_eq!(retitle(&keeping, &calendar, "theirs", "new").await.unwrap_err().code(), Code::StateFull);
    let (seen, _) = find(&keeping, &calendar, "theirs").await;
    assert_eq!(keeping.remove(&calendar, &seen).await.unwrap_err().code(), Code::StateFull);
    assert_eq!(server.picture(), before);
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_refused_and_not_kept_by_a_removal() {
    let (server, agenda, calendar) = server(&["theirs"]).await;
    let (safe, clock) = (Chest::default(), TestClock::new());
    let keeping = Safekeeping::new(&agenda, Side::Source, &safe, &clock);
    let (seen, _) = find(&keeping, &calendar, "theirs").await;
    let name = server.picture().into_keys().next().unwrap();
    server.edit(&name, "theirs", "title", Some("edited"));
    assert_eq!(keeping.remove(&calendar, &seen).await.unwrap_err().code(), Code::EventChanged);
    assert_eq!(safe.uids(), Vec::<String>::new());
}
