//! The endpoint against a real Dovecot, as the engine uses it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use async_trait::async_trait;
use bytes::Bytes;
use parom_domain::endpoint::{BatchOutcome, Body, Chunks, Cursor, Endpoint, Letter, LetterBody, MarkChange, Snapshot};
use parom_domain::{Code, Error, FolderPath, InternalDate, Marks, Result, Uid, UidSet};
use parom_imap::{ImapEndpoint, Login, Mechanism, ServerSettings};
use parom_net::{AllowList, Dialer, Secret, TlsMode, TlsPolicy, Trust};
use std::sync::Arc;
use std::time::Duration;
use support::{Dovecot, PASSWORD};

/// Everything on, and each extension that changes the conversation off in turn.
const WAYS: [&[&str]; 7] = [
    &[],
    &["qresync"],
    &["qresync", "condstore"],
    &["literal_plus"],
    &["multiappend", "uidplus"],
    &["list_status", "list_extended", "namespace"],
    &["move_messages", "esearch", "sasl_ir", "idle"],
];

fn endpoint(dovecot: &Dovecot, user: &str, password: &str, off: &[&str], on: &[&str]) -> ImapEndpoint {
    let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(20));
    let mut settings =
        ServerSettings::new("127.0.0.1", dovecot.port, TlsMode::None, Trust::System, TlsPolicy::Modern, dialer)
            .unwrap();
    let switches = off.iter().map(|name| (*name, false)).chain(on.iter().map(|name| (*name, true)));
    settings.overrides.extensions = switches.map(|(name, on)| (name.to_owned(), on)).collect();
    let login = Login {
        user: user.to_owned(),
        authzid: String::new(),
        password: Secret::from(password),
        mechanism: Mechanism::Auto,
    };
    ImapEndpoint::new(Arc::new(settings), login, 3)
}

fn small(text: impl Into<Vec<u8>>, marks: &[&str]) -> Letter {
    Letter {
        marks: Marks::from_names(marks.iter().copied()),
        date: InternalDate::parse("17-Jul-1996 02:44:25 -0700"),
        body: LetterBody::Small(Bytes::from(text.into())),
    }
}

struct Pieces(Vec<Bytes>);

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(self.0.pop())
    }
}

fn big(len: usize, piece: usize) -> Letter {
    let mut pieces = Vec::new();
    let mut left = len - HEAD.len();
    while left > 0 {
        let now = left.min(piece);
        pieces.push(Bytes::from(vec![b'x'; now]));
        left -= now;
    }
    pieces.push(Bytes::from_static(HEAD));
    let body = LetterBody::Big { len: len as u64, chunks: Box::new(Pieces(pieces)) };
    Letter { marks: Marks::default(), date: None, body }
}

const HEAD: &[u8] = b"Subject: big\r\n\r\n";

async fn append(
    endpoint: &ImapEndpoint,
    folder: &FolderPath,
    validity: u32,
    batches: Vec<Vec<Letter>>,
) -> Vec<Option<Uid>> {
    let mut writer = endpoint.writer().await.unwrap();
    let count = batches.len();
    for batch in batches {
        writer.send(folder, validity, batch).await.unwrap();
    }
    let mut uids = Vec::new();
    for _ in 0..count {
        match writer.outcome().await.unwrap().unwrap() {
            BatchOutcome::Landed(landed) => uids.extend(landed.into_iter().map(|it| it.uid)),
            BatchOutcome::Refused(error) => panic!("{error:?}"),
        }
    }
    assert!(writer.outcome().await.is_none());
    uids
}

async fn bodies(
    endpoint: &ImapEndpoint,
    folder: &FolderPath,
    snapshot: &Snapshot,
) -> Vec<(Uid, Marks, Option<InternalDate>, Vec<u8>)> {
    let uids: UidSet = snapshot.present.iter().map(|sighting| sighting.uid).collect();
    let mut stream = endpoint.read(folder, snapshot.cursor.validity, &uids).await.unwrap();
    let mut out = Vec::new();
    while let Some(item) = stream.next().await.unwrap() {
        let body = match item.body {
            Body::Small(body) => body.to_vec(),
            Body::Big { len } => {
                let mut body = Vec::new();
                while let Some(chunk) = stream.chunk().await.unwrap() {
                    assert!(chunk.len() <= 256 * 1024);
                    body.extend_from_slice(&chunk);
                }
                assert_eq!(body.len() as u64, len);
                body
            }
            Body::Substitute { .. } => panic!("this server gives what it has"),
        };
        out.push((item.uid, item.marks, item.date, body));
    }
    out
}

fn path(segments: &[&str]) -> FolderPath {
    FolderPath::new(segments.iter().copied()).unwrap()
}

fn set(uids: &[Uid]) -> UidSet {
    uids.iter().copied().collect()
}

#[tokio::test]
async fn messages_go_in_and_come_out_alike_with_and_without_each_extension() {
    let Some(dovecot) = Dovecot::start("sdbox:~/sdbox", "/", "") else { return };
    for (at, off) in WAYS.iter().enumerate() {
        let endpoint = endpoint(&dovecot, &format!("u{at}"), PASSWORD, off, &[]);
        let listing = endpoint.folders().await.unwrap();
        assert!(listing.folders.iter().any(|folder| folder.path.is_inbox()));
        let folder = path(&["Проверка & \"100%\"", "a\\b"]);
        endpoint.create(&folder, None).await.unwrap();
        endpoint.create(&folder, None).await.unwrap();
        endpoint.subscribe(&folder, true).await.unwrap();
        let listing = endpoint.folders().await.unwrap();
        let seen = listing.folders.iter().find(|seen| seen.path == folder).unwrap_or_else(|| panic!("{listing:?}"));
        assert!(seen.subscribed && seen.selectable, "{off:?}");

        let empty = endpoint.observe(&folder, None).await.unwrap();
        assert_eq!((empty.cursor.exists, empty.present.len()), (0, 0));
        let validity = empty.cursor.validity;
        let mails: [&[u8]; 4] = [
            b"Subject: one\r\n\r\nbody\r\n",
            b"Message-ID: <2@x>\r\n",
            b"\r\nno header\r\n* 1 FETCH (UID 7 BODY[] {3}\r\n",
            "Subject: \u{444}\r\n\r\n8-bit \u{444}\u{444} and a long line ".as_bytes(),
        ];
        let singles = off.contains(&"multiappend");
        let letters = |marks: &[&str]| mails.iter().map(|mail| small(*mail, marks)).collect::<Vec<_>>();
        let batches = |marks: &[&str]| match singles {
            true => letters(marks).into_iter().map(|letter| vec![letter]).collect(),
            false => vec![letters(marks)],
        };
        let mut all = batches(&["\\Seen", "$Work"]);
        all.push(vec![big(3_000_000, 100_000)]);
        all.extend(batches(&[]));
        let uids = append(&endpoint, &folder, validity, all).await;
        assert_eq!(uids.len(), 9);
        assert_eq!(uids.iter().all(Option::is_some), !off.contains(&"uidplus"), "{off:?}");

        let full = endpoint.observe(&folder, None).await.unwrap();
        assert_eq!(full.present.len(), 9);
        assert!(full.holds.any_keyword);
        let read = bodies(&endpoint, &folder, &full).await;
        assert_eq!(read.len(), 9);
        for (item, mail) in read.iter().zip(mails) {
            assert_eq!(item.3, mail);
            assert_eq!(item.1, Marks::from_names(["\\Seen", "$Work"]));
            // Dovecot tells the moment in its own time zone.
            assert_eq!(item.2.unwrap().unix_s, InternalDate::parse("17-Jul-1996 02:44:25 -0700").unwrap().unix_s);
        }
        assert_eq!(read[4].3.len(), 3_000_000);
        assert!(read[4].3.starts_with(HEAD) && read[5].1.is_empty());
        let uids: Vec<Uid> = full.present.iter().map(|sighting| sighting.uid).collect();
        let stamps = endpoint.stamps(&folder, validity, &set(&uids)).await.unwrap();
        assert_eq!(stamps.iter().map(|stamp| stamp.size).collect::<Vec<_>>()[4], 3_000_000);
        assert_eq!(stamps[0].fingerprint, parom_domain::Fingerprint::of_headers(mails[0]));
        // The trap: `n:*` names the last message even when n is beyond it.
        let beyond = uids[8].next().unwrap();
        assert!(endpoint.find(&folder, validity, beyond).await.unwrap().is_empty());
        assert_eq!(endpoint.find(&folder, validity, uids[7]).await.unwrap().len(), 2);

        let change = MarkChange {
            uids: set(&uids[..2]),
            add: Marks::from_names(["\\Flagged", "$Новое"]),
            remove: Marks::from_names(["$Work"]),
        };
        let refused = endpoint.mark(&folder, &full.cursor, std::slice::from_ref(&change)).await.unwrap();
        // Keywords are ASCII (RFC 3501 section 9, `atom`): the server says no to that one.
        let unkept = refused.results[0].as_ref().unwrap();
        assert_eq!(unkept.never, Marks::from_names(["$Новое"]), "{off:?}");
        let change = MarkChange { add: Marks::from_names(["\\Flagged", "new"]), ..change };
        assert!(endpoint.mark(&folder, &full.cursor, &[change]).await.unwrap().results[0].is_ok());
        endpoint.expunge(&folder, validity, &set(&uids[3..4])).await.unwrap();
        endpoint.expunge(&folder, validity, &set(&uids[3..4])).await.unwrap();
        let other = path(&["Other"]);
        endpoint.create(&other, Some(parom_domain::Role::Archive)).await.unwrap();
        let there = endpoint.observe(&other, None).await.unwrap().cursor.validity;
        let moved = endpoint.shift((&folder, validity), &set(&uids[4..6]), (&other, there)).await.unwrap();
        assert_eq!(moved.iter().filter(|shifted| !shifted.overtaken).count(), 2);
        assert_eq!(moved.iter().all(|shifted| shifted.new.is_some()), !off.contains(&"uidplus"));

        let delta = endpoint.observe(&folder, Some(&full.cursor)).await.unwrap();
        let gone = set(&uids[3..6]);
        match (&delta.listed, off.contains(&"qresync")) {
            (None, false) => assert_eq!(delta.vanished, gone),
            (Some(listed), true) => assert_eq!(listed.count(), 6),
            other => panic!("{off:?}: {other:?}"),
        }
        let marked = delta.present.iter().find(|sighting| sighting.uid == uids[0]).unwrap();
        assert_eq!(marked.marks, Marks::from_names(["\\Seen", "\\Flagged", "new"]));
        if !off.contains(&"condstore") {
            assert_eq!(delta.present.len(), 2, "{off:?}");
        }
        // What the listing tells along is what opening the folder tells: two equal cursors mean that nothing happened.
        let listing = endpoint.folders().await.unwrap();
        let seen = listing.folders.iter().find(|seen| seen.path == folder).unwrap();
        let told = (!off.contains(&"list_status")).then_some(delta.cursor);
        assert_eq!(
            seen.status,
            told.map(|it| Cursor { modseq: if off.contains(&"condstore") { 0 } else { it.modseq }, ..it }),
            "{off:?}"
        );
        let again = endpoint.observe(&folder, Some(&delta.cursor)).await.unwrap();
        assert_eq!(again.cursor, delta.cursor);
        assert!(again.vanished.is_empty());

        let renamed = path(&["Renamed"]);
        endpoint.rename(&folder, &renamed).await.unwrap();
        assert_eq!(endpoint.observe(&renamed, None).await.unwrap().present.len(), 6);
        let gone = endpoint.observe(&folder, None).await.unwrap_err();
        assert_eq!(gone.code(), Code::FolderGone, "{gone}");
        endpoint.remove(&renamed).await.unwrap();
        endpoint.remove(&renamed).await.unwrap();
        let wrong = endpoint.stamps(&other, validity.wrapping_add(77), &set(&uids)).await.unwrap_err();
        assert_eq!(wrong.code(), Code::ValidityChanged);
        let mut writer = endpoint.writer().await.unwrap();
        let letter = Letter { marks: Marks::default(), date: None, body: LetterBody::Small("a: b\r\n\r\n".into()) };
        let wrong = writer.send(&other, validity.wrapping_add(77), vec![letter]).await.unwrap_err();
        drop(writer);
        assert_eq!(wrong.code(), Code::ValidityChanged);
        endpoint.close().await;
    }
}

fn another(dovecot: &Dovecot, user: &str) -> ImapEndpoint {
    endpoint(dovecot, user, PASSWORD, &[], &[])
}

#[tokio::test]
async fn the_answers_to_marks_stand_for_a_look_where_nobody_else_was_at_work() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "") else { return };
    for off in [&[][..], &["qresync"], &["qresync", "condstore"]] {
        let user = format!("echo{}", off.len());
        let endpoint = endpoint(&dovecot, &user, PASSWORD, off, &[]);
        let stranger = another(&dovecot, &user);
        let inbox = FolderPath::inbox();
        let validity = endpoint.observe(&inbox, None).await.unwrap().cursor.validity;
        let letters = (0..4).map(|at| vec![small(format!("Subject: {at}\r\n\r\nx\r\n"), &[])]).collect();
        append(&endpoint, &inbox, validity, letters).await;
        let full = endpoint.observe(&inbox, None).await.unwrap();
        let uids: Vec<Uid> = full.present.iter().map(|sighting| sighting.uid).collect();
        let change = |uids: &[Uid], add: &str| MarkChange {
            uids: set(uids),
            add: Marks::from_names([add]),
            remove: Marks::from_names(["\\Draft"]),
        };
        let changes = [change(&uids[..2], "\\Flagged"), change(&uids[2..3], "$Work"), change(&uids[..1], "\\Seen")];
        let marked = endpoint.mark(&inbox, &full.cursor, &changes).await.unwrap();
        assert!(marked.results.iter().all(Result::is_ok));
        let looked = stranger.observe(&inbox, Some(&full.cursor)).await.unwrap();
        assert_eq!(marked.echo.is_some(), !off.contains(&"condstore"), "{off:?}");
        let stands = match marked.echo {
            Some(echo) => {
                assert_eq!((echo.cursor, echo.present), (looked.cursor, looked.present));
                assert!(echo.vanished.is_empty() && looked.vanished.is_empty());
                echo.cursor
            }
            None => looked.cursor,
        };

        // What is so already moves nothing. Dovecot does not even tell it.
        let marked = endpoint.mark(&inbox, &stands, &changes[..1]).await.unwrap();
        assert!(marked.echo.is_none_or(|echo| echo.cursor == stands), "{off:?}");

        stranger.mark(&inbox, &stands, &[change(&uids[3..], "\\Answered")]).await.unwrap();
        let marked = endpoint.mark(&inbox, &stands, &[change(&uids[..1], "$New")]).await.unwrap();
        assert!(marked.results[0].is_ok() && marked.echo.is_none(), "somebody else was at work");
        endpoint.close().await;
    }
}

#[tokio::test]
async fn compression_changes_nothing_but_the_wire() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "zlib imap_zlib") else { return };
    let endpoint = endpoint(&dovecot, "packed", PASSWORD, &[], &["compress"]);
    let inbox = FolderPath::inbox();
    let start = endpoint.observe(&inbox, None).await.unwrap();
    let batch = vec![
        vec![small("Subject: a\r\n\r\nx\r\n", &[]), small("Subject: b\r\n\r\ny\r\n", &[])],
        vec![big(2_500_000, 70_000)],
    ];
    append(&endpoint, &inbox, start.cursor.validity, batch).await;
    let full = endpoint.observe(&inbox, None).await.unwrap();
    let read = bodies(&endpoint, &inbox, &full).await;
    assert_eq!(read.iter().map(|item| item.3.len()).collect::<Vec<_>>(), [17, 17, 2_500_000]);
}

#[tokio::test]
async fn tls_carries_the_same_from_the_start_and_after_starttls() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "") else { return };
    for (tls, port) in [(TlsMode::Implicit, dovecot.tls_port), (TlsMode::StartTls, dovecot.port)] {
        let endpoint = |trust| {
            let dialer = Dialer::new(AllowList::of(["localhost"]), Duration::from_secs(20));
            let settings = ServerSettings::new("localhost", port, tls, trust, TlsPolicy::Modern, dialer).unwrap();
            let (user, password) = (format!("tls{port}"), Secret::from(PASSWORD));
            let login = Login { user, authzid: String::new(), password, mechanism: Mechanism::Auto };
            ImapEndpoint::new(Arc::new(settings), login, 2)
        };
        let stranger = endpoint(Trust::System).folders().await.err().unwrap();
        assert_eq!((stranger.code(), stranger.arg("detail")), (Code::CertificateRefused, Some("unknown issuer")));
        let endpoint = endpoint(Trust::CaFile(dovecot.certificate()));
        let inbox = FolderPath::inbox();
        let start = endpoint.observe(&inbox, None).await.unwrap();
        let letters = (0..20).map(|at| small("x".repeat(at * 5000 + 1), &[])).collect();
        append(&endpoint, &inbox, start.cursor.validity, vec![letters, vec![big(2_500_000, 70_000)]]).await;
        let full = endpoint.observe(&inbox, None).await.unwrap();
        let read = bodies(&endpoint, &inbox, &full).await;
        let lengths: Vec<usize> = (0..20).map(|at| at * 5000 + 1).chain([2_500_000]).collect();
        assert_eq!(read.iter().map(|item| item.3.len()).collect::<Vec<_>>(), lengths);
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "") else { return };
    let endpoint = endpoint(&dovecot, "mallory", "wrong", &[], &[]);
    let inbox = FolderPath::inbox();
    let (first, second) = tokio::join!(endpoint.folders(), endpoint.observe(&inbox, None));
    for error in [first.err().unwrap(), second.err().unwrap(), endpoint.folders().await.err().unwrap()] {
        assert_eq!((error.code(), error.arg("login")), (Code::SignInRefused, Some("mallory")));
        assert!(!format!("{error:?}").contains("wrong"));
    }
    drop(endpoint);
    // Dovecot writes its line when it has noticed that we are gone.
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while !dovecot.log().contains("auth failed") {
        assert!(std::time::Instant::now() < until, "no sign-in was tried");
        tokio::task::yield_now().await;
    }
    assert_eq!(dovecot.log().matches("auth failed, 1 attempts").count(), 1, "{}", dovecot.log());
}

#[tokio::test]
async fn a_name_that_was_deleted_and_has_folders_below_it_is_no_folder() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "") else { return };
    for (user, off) in [("names", &[][..]), ("plain", &["list_status", "list_extended"])] {
        let endpoint = endpoint(&dovecot, user, PASSWORD, off, &[]);
        for name in [&["X"][..], &["X", "sub"], &["Y"], &["Y", "sub"]] {
            endpoint.create(&path(name), None).await.unwrap();
        }
        endpoint.remove(&path(&["X"])).await.unwrap();
        let listing = endpoint.folders().await.unwrap();
        let selectable = |name: &[&str]| {
            let seen = listing.folders.iter().find(|seen| seen.path == path(name));
            seen.map(|seen| seen.selectable)
        };
        assert_ne!(selectable(&["X"]), Some(true), "{user}");
        assert_eq!([selectable(&["X", "sub"]), selectable(&["Y"]), selectable(&["Y", "sub"])], [Some(true); 3]);
    }
}

#[tokio::test]
async fn every_folder_keeps_its_path_beside_others_of_several_namespaces() {
    let namespace = |name: &str, kind: &str, prefix: &str| {
        format!(
            "}}\nnamespace {name} {{\n type = {kind}\n separator = .\n prefix = {prefix}\n location = maildir:~/{name}\n"
        )
    };
    let separator = [
        ".\n prefix = INBOX.\n".to_owned(),
        namespace("old", "private", "Old."),
        namespace("public", "public", "INBOX.Public."),
    ];
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", &separator.concat(), "") else { return };
    let endpoint = endpoint(&dovecot, "spaces", PASSWORD, &[], &[]);
    endpoint.folders().await.unwrap();
    let own = [&["a"][..], &["INBOX", "a"], &["INBOX", "INBOX", "a"], &["Old", "a"], &["Old", "a", "b"]];
    let wanted: Vec<_> = own.iter().map(|segments| (path(segments), None)).collect();
    for made in endpoint.create_all(&wanted).await {
        made.unwrap();
    }
    let theirs = endpoint.create(&path(&["Public", "a"]), None).await.unwrap_err();
    assert_eq!(theirs.code(), Code::FolderRefused);
    let listing = endpoint.folders().await.unwrap();
    let listed = listing.folders.iter().filter(|seen| seen.selectable && seen.path.depth() > 0);
    let mut listed: Vec<String> = listed.map(|seen| seen.path.to_string()).collect();
    listed.sort();
    assert_eq!(listed, ["INBOX", "INBOX/INBOX/a", "INBOX/a", "Old/a", "Old/a/b", "a"]);
    endpoint.rename(&path(&["a"]), &path(&["INBOX", "b"])).await.unwrap();
    assert!(endpoint.folders().await.unwrap().folders.iter().any(|seen| seen.path == path(&["INBOX", "b"])));
}

#[tokio::test]
async fn a_bell_rings_when_mail_comes() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "") else { return };
    let endpoint = endpoint(&dovecot, "bell", PASSWORD, &[], &[]);
    let inbox = FolderPath::inbox();
    let start = endpoint.observe(&inbox, None).await.unwrap();
    // The first wait opens the folder; what comes between two waits is told by the second.
    endpoint.wait(&inbox, 1).await.unwrap();
    append(&endpoint, &inbox, start.cursor.validity, vec![vec![small("Subject: a\r\n\r\n", &[])]]).await;
    tokio::time::timeout(Duration::from_secs(60), endpoint.wait(&inbox, 600_000)).await.unwrap().unwrap();
    endpoint.close().await;
}

#[tokio::test]
async fn a_reader_that_is_dropped_midway_and_a_source_that_fails_leave_the_endpoint_sane() {
    let Some(dovecot) = Dovecot::start("maildir:~/Maildir", ".", "") else { return };
    let endpoint = endpoint(&dovecot, "drop", PASSWORD, &[], &[]);
    let inbox = FolderPath::inbox();
    let start = endpoint.observe(&inbox, None).await.unwrap();
    let validity = start.cursor.validity;
    let batches = (0..20).map(|at| vec![small(format!("Subject: {at}\r\n\r\nx\r\n"), &[])]).collect();
    append(&endpoint, &inbox, validity, batches).await;
    let full = endpoint.observe(&inbox, None).await.unwrap();
    let uids: UidSet = full.present.iter().map(|sighting| sighting.uid).collect();
    for _ in 0..5 {
        let mut stream = endpoint.read(&inbox, validity, &uids).await.unwrap();
        assert!(stream.next().await.unwrap().is_some());
    }
    struct Failing(u32);
    #[async_trait]
    impl Chunks for Failing {
        async fn next(&mut self) -> Result<Option<Bytes>> {
            self.0 += 1;
            if self.0 < 3 {
                Ok(Some(Bytes::from_static(&[b'x'; 1000])))
            } else {
                Err(Error::internal("the source broke"))
            }
        }
    }
    let mut writer = endpoint.writer().await.unwrap();
    let body = LetterBody::Big { len: 2_000_000, chunks: Box::new(Failing(0)) };
    let error =
        writer.send(&inbox, validity, vec![Letter { marks: Marks::default(), date: None, body }]).await.unwrap_err();
    assert_eq!(error.arg("detail"), Some("the source broke"));
    assert!(writer.outcome().await.is_none());
    drop(writer);
    assert_eq!(endpoint.observe(&inbox, None).await.unwrap().present.len(), 20);
    assert_eq!(bodies(&endpoint, &inbox, &full).await.len(), 20);
}
