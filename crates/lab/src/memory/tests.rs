//! The promises of the memory endpoint, through its port.

use super::*;
use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{
    BatchOutcome, Body, Chunks, Cursor, Endpoint, Letter, LetterBody, MarkChange, Shifted, Snapshot,
};
use parom_domain::{Code, FolderPath, InternalDate, Marks, Result, Uid, UidSet};
use std::time::Duration;

const DATE: InternalDate = InternalDate { unix_s: 1_700_000_000, offset_min: 180 };

fn inbox() -> FolderPath {
    FolderPath::inbox()
}

fn path(text: &str) -> FolderPath {
    FolderPath::new(text.split('/')).unwrap()
}

fn uid(value: u32) -> Uid {
    Uid::new(value).unwrap()
}

fn uids(values: &[u32]) -> UidSet {
    values.iter().copied().map(uid).collect()
}

fn mail(text: &str) -> Bytes {
    Bytes::from(format!("Message-ID: <{text}>\r\n\r\n{text}\r\n"))
}

fn letter(text: &str) -> Letter {
    Letter { marks: Marks::default(), date: Some(DATE), body: LetterBody::Small(mail(text)) }
}

/// A server whose inbox holds messages `a`, `b` and `c` with the UIDs 1 to 3.
fn three(switches: Switches) -> (MemoryServer, Steps, MemoryEndpoint) {
    let server = MemoryServer::new(switches);
    for text in ["a", "b", "c"] {
        server.add(&inbox(), mail(text), Marks::default(), Some(DATE)).unwrap();
    }
    let steps = Steps::new();
    (server.clone(), steps.clone(), MemoryEndpoint::new("target", server, steps))
}

async fn look(endpoint: &MemoryEndpoint, since: Option<&Cursor>) -> Snapshot {
    endpoint.observe(&inbox(), since).await.unwrap()
}

fn present(snapshot: &Snapshot) -> Vec<u32> {
    snapshot.present.iter().map(|seen| seen.uid.get()).collect()
}

fn code<T>(result: Result<T>) -> Code {
    result.err().map(|error| error.code()).unwrap()
}

async fn append(endpoint: &MemoryEndpoint, texts: &[&str]) -> Result<BatchOutcome> {
    let validity = endpoint.server.validity(&inbox()).unwrap();
    let mut writer = endpoint.writer().await?;
    writer.send(&inbox(), validity, texts.iter().map(|text| letter(text)).collect()).await?;
    writer.outcome().await.unwrap()
}

#[tokio::test]
async fn a_delta_tells_what_is_new_changed_and_gone() {
    let (server, _, endpoint) = three(Switches::default());
    let full = look(&endpoint, None).await;
    assert_eq!((present(&full), full.listed), (vec![1, 2, 3], Some(uids(&[1, 2, 3]))));
    server.mark(&inbox(), uid(2), &Marks::from_names(["\\Seen", "work"]), &Marks::default()).unwrap();
    server.expunge(&inbox(), &uids(&[1])).unwrap();
    server.add(&inbox(), mail("d"), Marks::default(), None).unwrap();
    let delta = look(&endpoint, Some(&full.cursor)).await;
    assert_eq!((present(&delta), delta.vanished, delta.listed), (vec![2, 4], uids(&[1]), None));
    assert_eq!((delta.cursor.exists, delta.cursor.uidnext), (3, 5));
    let rest = look(&endpoint, Some(&delta.cursor)).await;
    assert_eq!((rest.present.len(), rest.cursor), (0, delta.cursor));
}

#[tokio::test]
async fn a_plain_server_lists_everything_every_time() {
    let (server, _, endpoint) = three(Switches::plain());
    let first = look(&endpoint, None).await;
    server.expunge(&inbox(), &uids(&[2])).unwrap();
    let second = look(&endpoint, Some(&first.cursor)).await;
    assert_eq!((present(&second), second.listed, second.cursor.modseq), (vec![1, 3], Some(uids(&[1, 3])), 0));
    assert!(second.vanished.is_empty());
}

#[tokio::test]
async fn a_crash_before_an_append_leaves_nothing_and_one_before_its_answer_leaves_the_message() {
    // The steps are: open writer, send, append, append answer.
    for (step, landed) in [(1, false), (2, false), (3, false), (4, true)] {
        let (server, steps, endpoint) = three(Switches::default());
        steps.crash_at(step);
        assert_eq!(code(append(&endpoint, &["d"]).await), Code::ConnectionLost);
        assert_eq!(!server.uids_of(&inbox(), "<d>").is_empty(), landed, "step {step}: {:?}", steps.trail());
        assert_eq!(code(endpoint.folders().await), Code::ConnectionLost);
        steps.revive();
        assert!(endpoint.folders().await.is_ok());
    }
}

#[tokio::test]
async fn a_batch_lands_whole_or_in_part_as_the_server_has_it() {
    let (server, steps, endpoint) = three(Switches::default());
    server.switch(|switches| switches.batch_landing = BatchLanding::OneByOne);
    steps.crash_at(4);
    assert!(append(&endpoint, &["d", "e"]).await.is_err());
    assert_eq!(server.uids_of(&inbox(), "<d>"), uids(&[4]));
    assert!(server.uids_of(&inbox(), "<e>").is_empty());
}

#[tokio::test]
async fn a_late_commit_lands_when_it_is_released() {
    let (server, steps, endpoint) = three(Switches { late_commit: true, ..Switches::default() });
    steps.crash_at(3);
    assert!(append(&endpoint, &["d"]).await.is_err());
    assert_eq!(server.messages(&inbox()).len(), 3);
    assert_eq!((server.release_late(), server.release_late()), (1, 0));
    assert_eq!(server.uids_of(&inbox(), "<d>"), uids(&[4]));
}

#[tokio::test]
async fn a_refused_batch_leaves_behind_what_the_server_is_known_for() {
    for (how, left) in [
        (RefusedBatch::Nothing, vec![]),
        (RefusedBatch::TheOnesBefore, vec!["d"]),
        (RefusedBatch::TheGoodOnes, vec!["d", "f"]),
    ] {
        let switches = Switches { refused_batch: how, refuses: vec!["<bad>".to_owned()], ..Switches::default() };
        let (server, _, endpoint) = three(switches);
        let outcome = append(&endpoint, &["d", "bad", "f"]).await.unwrap();
        assert!(matches!(outcome, BatchOutcome::Refused(error) if error.code() == Code::MessageRefused));
        let there =
            ["d", "bad", "f"].into_iter().filter(|text| !server.uids_of(&inbox(), &format!("<{text}>")).is_empty());
        assert_eq!(there.collect::<Vec<_>>(), left);
    }
}

#[tokio::test]
async fn limits_are_told_apart() {
    let (server, _, endpoint) = three(Switches::default());
    server.switch(|switches| switches.abilities.append_limit = Some(10));
    assert!(
        matches!(append(&endpoint, &["d"]).await, Ok(BatchOutcome::Refused(e)) if e.code() == Code::MessageTooLarge)
    );
    server.switch(|switches| {
        switches.abilities.append_limit = None;
        switches.quota_bytes = Some(80);
    });
    assert!(matches!(append(&endpoint, &["d"]).await, Ok(BatchOutcome::Refused(e)) if e.code() == Code::QuotaFull));
    assert_eq!(server.messages(&inbox()).len(), 3);
}

#[tokio::test]
async fn another_uidvalidity_stops_every_call() {
    let (server, _, endpoint) = three(Switches::default());
    let before = look(&endpoint, None).await.cursor;
    server.renumber(&inbox(), 77).unwrap();
    let all = uids(&[1, 2, 3]);
    assert_eq!(code(endpoint.observe(&inbox(), Some(&before)).await), Code::ValidityChanged);
    assert_eq!(code(endpoint.expunge(&inbox(), before.validity, &all).await), Code::ValidityChanged);
    let change = MarkChange { uids: all.clone(), add: Marks::from_system(1), remove: Marks::default() };
    assert_eq!(code(endpoint.mark(&inbox(), &before, &[change]).await), Code::ValidityChanged);
    let mut bodies = endpoint.read(&inbox(), before.validity, &all).await.unwrap();
    assert_eq!(code(bodies.next().await), Code::ValidityChanged);
    assert!(!bodies.turn().await.unwrap());
    let mut writer = endpoint.writer().await.unwrap();
    assert_eq!(code(writer.send(&inbox(), before.validity, vec![letter("d")]).await), Code::ValidityChanged);
    assert_eq!(server.messages(&inbox()).len(), 3);
}

#[tokio::test]
async fn a_move_without_move_may_be_caught_half_way() {
    let (server, steps, endpoint) = three(Switches::plain());
    let to = path("Архив");
    server.create(&to).unwrap();
    let [validity, there] = [&inbox(), &to].map(|folder| server.validity(folder).unwrap());
    // Steps: copy, copy answer, expunge copied, its answer.
    steps.crash_at(3);
    assert!(endpoint.shift((&inbox(), validity), &uids(&[1]), (&to, there)).await.is_err());
    assert_eq!((server.messages(&inbox()).len(), server.messages(&to).len()), (3, 1));
    steps.revive();
    server.switch(|switches| *switches = Switches::default());
    let moved = endpoint.shift((&inbox(), validity), &uids(&[2, 9]), (&to, there)).await.unwrap();
    assert_eq!(moved, [Shifted { old: uid(2), new: Some(uid(2)), overtaken: false, kept: false, doubted: false }]);
    assert_eq!(server.messages(&inbox()).len(), 2);
}

#[tokio::test]
async fn listings_that_omit_messages_are_errors_when_the_numbers_tell() {
    let (server, _, endpoint) = three(Switches::plain());
    server.switch(|switches| _ = switches.omits.insert(inbox(), (uids(&[2]), Omission::Noticed)));
    assert_eq!(code(endpoint.observe(&inbox(), None).await), Code::ListingIncomplete);
    server.switch(|switches| _ = switches.omits.insert(inbox(), (uids(&[2]), Omission::Unnoticed)));
    let snapshot = look(&endpoint, None).await;
    assert_eq!((present(&snapshot), snapshot.cursor.exists), (vec![1, 3], 2));
}

#[tokio::test]
async fn names_follow_the_server_rules() {
    let (server, _, endpoint) = three(Switches::default());
    server.switch(|switches| switches.abilities.case_sensitive = false);
    endpoint.create(&path("Work/Заказы"), None).await.unwrap();
    endpoint.create(&path("work/заказы"), None).await.unwrap();
    endpoint.create(&path("WORK/заказы/new"), None).await.unwrap();
    assert_eq!(server.folders(), [inbox(), path("Work/Заказы"), path("Work/Заказы/new")]);
    let listing = endpoint.folders().await.unwrap();
    let work = listing.folders.iter().find(|seen| seen.path == path("Work")).unwrap();
    assert!(!work.selectable, "a folder that is only a parent is listed and cannot be opened");
    endpoint.rename(&path("Work"), &path("work")).await.unwrap();
    assert_eq!(server.folders(), [inbox(), path("work/Заказы"), path("work/Заказы/new")]);
    assert_eq!(code(endpoint.create(&FolderPath::new(["a/b"]).unwrap(), None).await), Code::FolderRefused);
    assert_eq!(code(endpoint.rename(&path("work"), &inbox()).await), Code::FolderRefused);
    endpoint.remove(&path("nowhere")).await.unwrap();
    assert_eq!(code(endpoint.observe(&path("nowhere"), None).await), Code::FolderGone);
}

#[tokio::test]
async fn keywords_beyond_the_limit_are_not_held() {
    let (server, _, endpoint) = three(Switches { keyword_limit: Some(2), ..Switches::default() });
    server.mark(&inbox(), uid(1), &Marks::from_names(["a", "b"]), &Marks::default()).unwrap();
    server.mark(&inbox(), uid(2), &Marks::from_names(["b", "c", "\\Seen"]), &Marks::default()).unwrap();
    let snapshot = look(&endpoint, None).await;
    assert!(!snapshot.holds.any_keyword);
    assert_eq!(snapshot.present[1].marks, Marks::from_names(["b", "\\Seen"]));
}

#[tokio::test]
async fn reading_meets_missing_and_poisoned_messages() {
    let (server, _, endpoint) = three(Switches::default());
    server.switch(|switches| {
        switches.read_faults =
            vec![("<a>".to_owned(), ReadFault::Missing), ("<c>".to_owned(), ReadFault::BreaksConnection)];
        switches.big_from = 10;
    });
    let validity = server.validity(&inbox()).unwrap();
    let mut stream = endpoint.read(&inbox(), validity, &uids(&[1, 2, 3])).await.unwrap();
    let item = stream.next().await.unwrap().unwrap();
    assert_eq!((item.uid, item.date), (uid(2), Some(DATE)));
    assert!(matches!(item.body, Body::Big { len } if len == mail("b").len() as u64));
    assert_eq!(stream.chunk().await.unwrap(), Some(mail("b")));
    assert_eq!(stream.chunk().await.unwrap(), None);
    assert_eq!(code(stream.next().await), Code::ConnectionLost);
    assert_eq!(code(stream.next().await), Code::ConnectionLost);
    assert_eq!(server.bodies_read(), 1);
}

struct Pieces(Vec<Bytes>);

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok((!self.0.is_empty()).then(|| self.0.remove(0)))
    }
}

#[tokio::test]
async fn a_big_body_that_ends_early_breaks_the_lane_and_lands_nothing() {
    let (server, _, endpoint) = three(Switches::default());
    let big = |len: u64| Letter {
        marks: Marks::default(),
        date: None,
        body: LetterBody::Big { len, chunks: Box::new(Pieces(vec![Bytes::from("ab"), Bytes::from("cd")])) },
    };
    let validity = server.validity(&inbox()).unwrap();
    let mut writer = endpoint.writer().await.unwrap();
    writer.send(&inbox(), validity, vec![big(4)]).await.unwrap();
    assert_eq!(code(writer.send(&inbox(), validity, vec![big(5)]).await), Code::ConnectionLost);
    assert_eq!(code(writer.outcome().await.unwrap()), Code::ConnectionLost);
    assert!(writer.outcome().await.is_none());
    assert_eq!(server.messages(&inbox()).last().unwrap().1.bytes, Bytes::from("abcd"));
    assert_eq!(server.messages(&inbox()).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_a_change_even_one_that_came_before_it() {
    let (server, _, endpoint) = three(Switches::default());
    look(&endpoint, None).await;
    let quiet = tokio::time::timeout(Duration::from_secs(5), endpoint.wait(&inbox(), 60_000)).await;
    assert!(quiet.is_err(), "nothing happened");
    server.add(&inbox(), mail("d"), Marks::default(), None).unwrap();
    tokio::time::timeout(Duration::from_secs(5), endpoint.wait(&inbox(), 60_000)).await.unwrap().unwrap();
    look(&endpoint, None).await;
    let folder = inbox();
    let (wait, add) =
        tokio::join!(tokio::time::timeout(Duration::from_secs(5), endpoint.wait(&folder, 60_000)), async {
            server.expunge(&inbox(), &uids(&[1]))
        });
    wait.unwrap().unwrap();
    add.unwrap();
}

#[tokio::test]
async fn a_backup_is_an_older_server_and_pictures_ignore_uids() {
    let (server, _, _) = three(Switches::default());
    let (other, _, _) = three(Switches::plain());
    other.expunge(&inbox(), &uids(&[2])).unwrap();
    assert_ne!(server.picture(), other.picture());
    other.add(&inbox(), mail("b"), Marks::default(), Some(DATE)).unwrap();
    assert_eq!(server.picture(), other.picture());
    let backup = server.backup();
    server.replace_mailbox();
    assert_ne!(server.validity(&inbox()), backup.validity(&inbox()));
    assert!(server.messages(&inbox()).is_empty());
    server.restore(&backup);
    assert_eq!(server.picture(), other.picture());
}

#[tokio::test]
async fn the_echo_of_marks_is_what_a_look_shows_where_nobody_else_was_at_work() {
    let (server, _, endpoint) = three(Switches::default());
    let before = look(&endpoint, None).await.cursor;
    let change = |set: &[u32], add: &str| MarkChange {
        uids: uids(set),
        add: Marks::from_names([add]),
        remove: Marks::default(),
    };
    let marked = endpoint.mark(&inbox(), &before, &[change(&[1, 2], "\\Seen"), change(&[1], "a")]).await.unwrap();
    let looked = look(&endpoint, Some(&before)).await;
    assert_eq!(format!("{:?}", marked.echo.unwrap()), format!("{looked:?}"));

    server.mark(&inbox(), uid(3), &Marks::from_names(["\\Seen"]), &Marks::default()).unwrap();
    assert!(endpoint.mark(&inbox(), &looked.cursor, &[change(&[1], "b")]).await.unwrap().echo.is_none());
}
