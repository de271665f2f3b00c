//! Two memory servers, made different in one thing at a time.

use super::*;
use parom_domain::{InternalDate, Marks, Uid};
use parom_lab::memory::{MemoryEndpoint, MemoryServer, ReadFault, Steps};
use parom_service::Budget;
use std::sync::Mutex;

fn inbox() -> FolderPath {
    FolderPath::inbox()
}

fn path(name: &str) -> FolderPath {
    FolderPath::new(name.split('/')).unwrap()
}

const DATE: InternalDate = InternalDate { unix_s: 1_000_000_000, offset_min: 180 };

fn add(server: &MemoryServer, folder: &FolderPath, text: &str, marks: &[&str]) -> Uid {
    let bytes = format!("Message-ID: <{text}@x>\r\n\r\n{text}\r\n").into_bytes();
    server.add(folder, bytes, Marks::from_names(marks.iter().copied()), Some(DATE)).unwrap()
}

/// Two servers with the same mail: a duplicate, a folder of its own, different folder names for one role.
fn alike() -> Both<MemoryServer> {
    let sides = Both::from_fn(|_| MemoryServer::default());
    for (side, server) in sides.iter() {
        // UIDs differ between the sides, as they do between real servers.
        if side == Side::Target {
            let extra = add(server, &inbox(), "gone", &[]);
            server.expunge(&inbox(), &[extra].into_iter().collect()).unwrap();
        }
        for _ in 0..2 {
            add(server, &inbox(), "twin", &["\\Seen"]);
        }
        add(server, &inbox(), "flagged", &["\\Flagged", "work"]);
        add(server, &path(if side == Side::Source { "Отправленные" } else { "Sent" }), "sent", &[]);
        add(server, &path("A/B"), "deep", &[]);
    }
    sides
}

async fn run(sides: &Both<MemoryServer>, excluded: &str) -> (Verdict, Work) {
    let endpoints = Both::from_fn(|side| MemoryEndpoint::new(side.as_str(), sides[side].clone(), Steps::new()));
    let did = Mutex::new(Work::default());
    let told = |step| {
        if let Step::Did(work) = step {
            let mut did = did.lock().unwrap();
            did.messages += work.messages;
            did.bytes += work.bytes;
        }
    };
    let leave_out = |folders: &[FolderSeen], _: &[Option<Role>]| {
        folders.iter().map(|folder| folder.path.to_string() == excluded).collect()
    };
    let sides: Both<&dyn Endpoint> = Both::new(&endpoints.source, &endpoints.target);
    let verdict = verify(sides, leave_out, &Budget::new(1 << 20), &told).await.unwrap();
    (verdict, did.into_inner().unwrap())
}

#[tokio::test]
async fn equal_mailboxes_are_equal_whatever_their_uids_and_folder_names() {
    let sides = alike();
    let (verdict, did) = run(&sides, "").await;
    assert_eq!(verdict.differences, []);
    assert_eq!((verdict.equal, verdict.messages), (5, Both::new(5, 5)));
    assert_eq!(did.messages, 10);
    assert!(did.bytes > 0);
}

#[tokio::test]
async fn each_difference_is_found_on_either_side() {
    for side in Side::ALL {
        let other = side.other();
        let change = |change: &dyn Fn(&MemoryServer)| {
            let sides = alike();
            change(&sides[side]);
            sides
        };

        let sides = change(&|server| {
            add(server, &inbox(), "new", &[]);
        });
        let uid = sides[side].uids_of(&inbox(), "new").first().unwrap();
        let missing = Difference::Missing { side: other, folder: inbox(), uid };
        assert_eq!(run(&sides, "").await.0.differences, [missing]);

        // One twin more is one message too many, not the same message again.
        let sides = change(&|server| {
            add(server, &inbox(), "twin", &["\\Seen"]);
        });
        let uid = sides[side].uids_of(&inbox(), "twin").iter().last().unwrap();
        let found = run(&sides, "").await.0.differences;
        assert_eq!(found, [Difference::Doubled { side, folder: inbox(), uid }]);

        let sides = change(&|server| {
            let uid = server.uids_of(&inbox(), "flagged").first().unwrap();
            server.mark(&inbox(), uid, &Marks::from_names(["\\Seen"]), &Marks::from_names(["work"])).unwrap();
        });
        let found = run(&sides, "").await.0.differences;
        let [Difference::Marks { only, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(only[side], Marks::from_names(["\\Seen"]));
        assert_eq!(only[other], Marks::from_names(["work"]));

        let sides = change(&|server| {
            add(server, &path("Only/Here"), "x", &[]);
        });
        let found = run(&sides, "").await.0.differences;
        let here = Difference::FolderMissing { side: other, folder: path("Only/Here"), messages: 1 };
        assert!(found.contains(&here), "{found:?}");

        let sides = change(&|server| {
            server.switch(|switches| {
                switches.read_faults.push(("deep".to_owned(), ReadFault::Missing));
            });
        });
        let found = run(&sides, "").await.0.differences;
        assert!(
            found.iter().any(|found| matches!(found, Difference::Unreadable { side: s, .. } if *s == side)),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_byte_or_a_second_is_a_difference() {
    let sides = Both::from_fn(|_| MemoryServer::default());
    for (side, server) in sides.iter() {
        let later = InternalDate { unix_s: DATE.unix_s + i64::from(side == Side::Target), offset_min: 0 };
        server.add(&inbox(), b"a: b\r\n\r\nx".to_vec(), Marks::default(), Some(later)).unwrap();
        let zone = InternalDate { offset_min: if side == Side::Source { 0 } else { 300 }, ..DATE };
        server.add(&inbox(), b"a: c\r\n\r\nx".to_vec(), Marks::default(), Some(zone)).unwrap();
        let body = if side == Side::Source { b"a: d\r\n\r\nx" } else { b"a: d\r\n\r\ny" };
        server.add(&inbox(), body.to_vec(), Marks::default(), Some(DATE)).unwrap();
    }
    let (verdict, _) = run(&sides, "").await;
    let kinds: Vec<&str> = verdict
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::Date { .. } => "date",
            Difference::Altered { .. } => "altered",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["date", "altered"]);
    assert_eq!(verdict.equal, 1, "the zone in which a moment is told is no difference");
}

#[tokio::test]
async fn line_ends_are_a_difference_of_their_own_and_sizes_are_told() {
    let sides = Both::from_fn(|_| MemoryServer::default());
    let long = "x".repeat(2 << 20);
    for (side, server) in sides.iter() {
        let (end, last) = if side == Side::Source { ("\r\n", "\r\n") } else { ("\n", "") };
        for text in ["short", &long] {
            let head = format!("Message-ID: <{}@x>\r\n\r\n", text.len());
            let bytes = format!("{head}{text}{end}{text}{last}");
            server.add(&inbox(), bytes.into_bytes(), Marks::default(), Some(DATE)).unwrap();
        }
        let other = format!("Message-ID: <other@x>\r\n\r\n{}", if side == Side::Source { "one" } else { "two " });
        server.add(&inbox(), other.into_bytes(), Marks::default(), Some(DATE)).unwrap();
    }
    let (verdict, _) = run(&sides, "").await;
    let told: Vec<(&str, u64)> = verdict
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::LineEnds { bytes, .. } => ("line-ends", bytes.source - bytes.target),
            Difference::Altered { bytes, .. } => ("altered", bytes.target - bytes.source),
            _ => ("other", 0),
        })
        .collect();
    assert_eq!(told, [("line-ends", 3), ("line-ends", 3), ("altered", 1)]);
    assert_eq!(verdict.equal, 0);
}

#[tokio::test]
async fn what_is_known_is_set_apart_and_nothing_else() {
    for side in Side::ALL {
        let sides = alike();
        let parked = add(&sides[side], &inbox(), "parked", &[]);
        let lost = add(&sides[side], &inbox(), "lost", &[]);
        let (mut verdict, _) = run(&sides, "").await;
        let validity = verdict.validities[side][&inbox()];
        let missing = |uid| Difference::Missing { side: side.other(), folder: inbox(), uid };
        let known = |is_it: bool| is_it.then_some(Cause::Parked);
        // A UID of the other side, of another folder, or of another time is another message.
        verdict.set_apart(|on, _, _, uid| known(on != side && uid == parked));
        verdict.set_apart(|_, folder, _, uid| known(*folder != inbox() && uid == parked));
        verdict.set_apart(|_, _, under, uid| known(under != validity && uid == parked));
        assert_eq!((&verdict.differences, &verdict.explained), (&vec![missing(parked), missing(lost)], &vec![]));
        let told = (side, &inbox(), validity, parked);
        verdict.set_apart(|on, folder, under, uid| known((on, folder, under, uid) == told));
        assert_eq!((verdict.count(Cause::Parked), verdict.count(Cause::Deleted)), (1, 0));
        assert_eq!(verdict.differences, [missing(lost)]);
        assert_eq!(verdict.explained, [(Cause::Parked, missing(parked))]);
    }
}

#[tokio::test]
async fn excluded_folders_are_not_looked_at() {
    let sides = alike();
    add(&sides.source, &path("Drafts"), "draft", &[]);
    assert_ne!(run(&sides, "").await.0.differences, []);
    assert_eq!(run(&sides, "Drafts").await.0.differences, []);
}

#[tokio::test]
async fn a_folder_with_a_number_is_compared_with_the_one_it_belongs_to() {
    for side in Side::ALL {
        let sides = alike();
        for text in ["one", "two"] {
            add(&sides[side], &path("work"), text, &[]);
            add(&sides[side.other()], &path("work (2)"), text, &[]);
        }
        add(&sides[side], &path("work/below"), "below", &[]);
        add(&sides[side.other()], &path("work (2)/below"), "below", &[]);
        let verdict = run(&sides, "").await.0;
        assert_eq!((verdict.differences, verdict.equal), (Vec::new(), 8));

        let uid = add(&sides[side], &path("work/below"), "new", &[]);
        let missing = Difference::Missing { side: side.other(), folder: path("work/below"), uid };
        assert_eq!(run(&sides, "").await.0.differences, [missing]);

        // A number alone makes no pair.
        add(&sides[side], &path("plan (2)"), "x", &[]);
        add(&sides[side.other()], &path("plan (3)"), "x", &[]);
        assert_eq!(run(&sides, "").await.0.differences.len(), 3);
    }
}
