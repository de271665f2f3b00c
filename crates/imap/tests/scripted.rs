//! The endpoint against servers that misbehave, word for word as written down here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;

use parom_domain::endpoint::{BatchOutcome, Body, Cursor, Endpoint, MarkChange, Shifted};
use parom_domain::{Code, FolderPath, Marks, Scope, Uid, UidSet};
use parom_imap::Mechanism;
use parom_net::TlsMode;
use peer::*;
use std::time::Duration;

#[tokio::test]
async fn a_greeting_of_bye_is_an_unavailable_server() {
    let peer = Peer::start(vec![("* BYE too busy\r\n", vec![])]).await;
    let error = peer.endpoint().folders().await.err().unwrap();
    assert_eq!(
        (error.code(), error.scope(), error.arg("answer")),
        (Code::ServerUnavailable, Scope::Server, Some("too busy"))
    );
    peer.finished().await;
}

#[tokio::test]
async fn what_is_no_imap_is_a_protocol_error() {
    let peer = Peer::start(vec![("220 mail.example.org ESMTP\r\n", vec![])]).await;
    let error = peer.endpoint().folders().await.err().unwrap();
    assert_eq!((error.code(), error.scope()), (Code::ProtocolError, Scope::Server));
    peer.finished().await;
}

#[tokio::test]
async fn l15_a_listing_without_an_inbox_is_not_believed() {
    let list = ("LIST", "* LIST () \"/\" Other\r\n$ OK done\r\n");
    let peer = Peer::start(vec![(GREETING, vec![WELCOME, list, LSUB])]).await;
    assert_eq!(peer.endpoint().folders().await.err().unwrap().code(), Code::ListingIncomplete);
    peer.finished().await;
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let peer = Peer::start(vec![(GREETING, vec![WELCOME, ("LIST", NOTHING), ("LSUB", NOTHING)])]).await;
    let error =
        peer.endpoint_with(TlsMode::None, Mechanism::Auto, Duration::from_millis(50)).folders().await.err().unwrap();
    assert_eq!((error.code(), error.arg("command")), (Code::TimedOut, Some("LIST")));
    peer.finished().await;
}

#[tokio::test]
async fn l2_a_listing_that_is_too_short_is_not_believed() {
    let fetch =
        ("UID FETCH 1:* (UID FLAGS)", "* 1 FETCH (UID 1 FLAGS ())\r\n* 3 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n");
    let peer = Peer::with_inbox(vec![("SELECT \"INBOX\"", SELECTED), fetch]).await;
    let endpoint = peer.endpoint();
    let error = endpoint.observe(&inbox(), None).await.err().unwrap();
    assert_eq!(
        (error.code(), error.arg("listed"), error.arg("exists")),
        (Code::ListingIncomplete, Some("2"), Some("3"))
    );
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn d14_what_goes_and_comes_while_listing_is_counted_once() {
    let fetch = (
        "UID FETCH 1:* (UID FLAGS)",
        // Message 1 goes while it is listed, 3 (then 2) changes its flags, and a new one comes.
        "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 4 FLAGS ())\r\n* 1 EXPUNGE\r\n* 2 FETCH (UID 9 FLAGS ())\r\n\
         * 3 EXISTS\r\n* 1 FETCH (UID 4 FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (UID 10 FLAGS ())\r\n$ OK done\r\n",
    );
    let peer = Peer::with_inbox(vec![("SELECT", SELECTED), fetch]).await;
    let endpoint = peer.endpoint();
    let snapshot = endpoint.observe(&inbox(), None).await.unwrap();
    let seen: Vec<_> = snapshot.present.iter().map(|it| (it.uid.get(), it.marks.seen())).collect();
    assert_eq!(seen, [(4, true), (9, false), (10, false)]);
    assert_eq!(snapshot.cursor, Cursor { validity: 5, uidnext: 10, modseq: 0, exists: 3 });
    assert_eq!(snapshot.listed, Some(uids(&[4, 9, 10])));
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn l15_a_folder_that_cannot_be_opened_is_said_so_whatever_follows() {
    let refused = ("SELECT", "$ NO [INUSE] locked\r\n");
    let peer = Peer::with_inbox(vec![refused, ("UID FETCH", "$ BAD nothing is open\r\n")]).await;
    let endpoint = peer.endpoint();
    assert_eq!(endpoint.observe(&inbox(), None).await.err().unwrap().code(), Code::FolderCannotOpen);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn a_server_that_went_back_in_time_is_listed_whole() {
    let caps = "$ OK [CAPABILITY IMAP4rev1 ENABLE QRESYNC] in\r\n";
    let older = "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 4] n\r\n* OK [HIGHESTMODSEQ 50] m\r\n";
    let opened: &'static str = Box::leak(format!("{older}* VANISHED (EARLIER) 1:9\r\n$ OK open\r\n").into_boxed_str());
    let reopened: &'static str = Box::leak(format!("* OK [CLOSED] c\r\n{older}$ OK open\r\n").into_boxed_str());
    let peer = Peer::start(vec![(
        GREETING,
        vec![
            (WELCOME.0, caps),
            ("ENABLE QRESYNC", "* ENABLED QRESYNC\r\n$ OK\r\n"),
            LIST,
            LSUB,
            ("SELECT \"INBOX\" (QRESYNC (5 77))", opened),
            ("SELECT \"INBOX\"", reopened),
            ("UID FETCH 1:* (UID FLAGS)", "* 1 FETCH (UID 3 FLAGS () MODSEQ (50))\r\n$ OK done\r\n"),
        ],
    )])
    .await;
    let endpoint = peer.endpoint();
    let since = Cursor { validity: 5, uidnext: 10, modseq: 77, exists: 4 };
    let snapshot = endpoint.observe(&inbox(), Some(&since)).await.unwrap();
    assert_eq!((snapshot.listed, snapshot.vanished.is_empty()), (Some(uids(&[3])), true));
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn d13_the_last_message_is_not_taken_for_a_new_one() {
    let fetch = (
        "UID FETCH 10:*",
        "* 3 FETCH (UID 9 FLAGS () RFC822.SIZE 3 BODY[HEADER.FIELDS (Date)] {2}\r\n\r\n)\r\n$ OK done\r\n",
    );
    let peer = Peer::with_inbox(vec![("SELECT", SELECTED), fetch]).await;
    let endpoint = peer.endpoint();
    assert!(endpoint.find(&inbox(), 5, Uid::new(10).unwrap()).await.unwrap().is_empty());
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn messages_come_in_whatever_form_the_server_chooses() {
    let fetch = (
        "UID FETCH 1:5 (UID FLAGS INTERNALDATE BODY.PEEK[])",
        "* 1 FETCH (BODY[] {3}\r\none UID 1)\r\n* 2 FETCH (UID 2 BODY[] NIL)\r\n* 3 FETCH (UID 3 BODY[] \"a\\\\b\")\r\n\
         * 4 FETCH (FLAGS (\\Seen))\r\n* 4 FETCH (UID 4 INTERNALDATE \"00-Jan-0000 00:00:00 +0000\" BODY[] {0}\r\n)\r\n\
         * 9 FETCH (UID 9 BODY[] {3}\r\nnot)\r\n$ NO [EXPUNGEISSUED] some are gone\r\n",
    );
    let peer = Peer::with_inbox(vec![("SELECT", SELECTED), fetch]).await;
    let endpoint = peer.endpoint();
    let mut stream = endpoint.read(&inbox(), 5, &uids(&[1, 2, 3, 4, 5])).await.unwrap();
    let mut got = Vec::new();
    while let Some(item) = stream.next().await.unwrap() {
        let Body::Small(body) = item.body else { panic!("small") };
        got.push((item.uid.get(), String::from_utf8(body.to_vec()).unwrap()));
        assert!(item.date.is_none());
    }
    assert_eq!(got, [(1, "one".to_owned()), (3, "a\\b".to_owned()), (4, String::new())]);
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_long_body_that_comes_before_its_uid_is_asked_for_alone() {
    let body = "x".repeat(1_500_000);
    let answer = |end: &str| -> &'static str {
        let head = "* 1 FETCH (FLAGS (\\Seen) BODY[] {1500000}\r\n";
        Box::leak(format!("{head}{body} UID 3)\r\n{end}$ OK done\r\n").into_boxed_str())
    };
    let peer = Peer::with_inbox(vec![
        ("SELECT", SELECTED),
        ("UID FETCH 3:4 ", answer("* 2 FETCH (UID 4 BODY[] {1}\r\ny)\r\n")),
        ("UID FETCH 3 ", answer("")),
    ])
    .await;
    let endpoint = peer.endpoint();
    let mut stream = endpoint.read(&inbox(), 5, &uids(&[3, 4])).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().uid.get(), 4);
    let item = stream.next().await.unwrap().unwrap();
    assert!(item.marks.seen() && matches!(item.body, Body::Big { len: 1_500_000 }) && item.uid.get() == 3);
    let mut got = 0;
    while let Some(chunk) = stream.chunk().await.unwrap() {
        got += chunk.len();
    }
    assert_eq!(got, 1_500_000);
    assert!(stream.next().await.unwrap().is_none());
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_reader_that_is_given_up_in_the_middle_of_a_body_goes_on_where_it_was() {
    let head = "* 1 FETCH (UID 1 BODY[] {200000}\r\n";
    let first: &'static str = Box::leak(format!("{head}{}", "x".repeat(100_000)).into_boxed_str());
    let rest: &'static str = Box::leak(format!("{})\r\n$ OK done\r\n", "y".repeat(100_000)).into_boxed_str());
    // The second half comes when the client says something: here, the FETCH of the second chunk is what it says.
    let peer = Peer::with_inbox(vec![("SELECT", SELECTED), ("UID FETCH", first), ("UID FETCH", rest)]).await;
    let endpoint = peer.endpoint();
    let all = UidSet::range(Uid::MIN, Uid::new(1001).unwrap());
    let mut stream = endpoint.read(&inbox(), 5, &all).await.unwrap();
    let item = loop {
        // Given up at every point where it has to wait.
        let attempt = tokio::time::timeout(Duration::ZERO, stream.next()).await;
        if let Ok(item) = attempt {
            break item.unwrap().unwrap();
        }
    };
    let Body::Small(body) = item.body else { panic!("small") };
    assert_eq!((body.len(), body[99_999], body[100_000]), (200_000, b'x', b'y'));
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn l9_bodies_of_another_uidvalidity_are_not_handed_over() {
    let peer = Peer::with_inbox(vec![
        ("SELECT", SELECTED),
        ("UID FETCH", "* 1 FETCH (UID 1 BODY[] {3}\r\none)\r\n$ OK done\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    let mut stream = endpoint.read(&inbox(), 6, &uids(&[1])).await.unwrap();
    assert_eq!(stream.next().await.err().unwrap().code(), Code::ValidityChanged);
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn c7_a_literal_that_lies_about_its_length_spoils_nothing_but_the_connection() {
    for lie in [
        "* 1 FETCH (UID 1 BODY[] {2}\r\none)\r\n$ OK done\r\n",
        "* 1 FETCH (UID 1 BODY[] {6}\r\none)\r\nwhatever\r\n$ OK done\r\n",
    ] {
        let peer = Peer::with_inbox(vec![("SELECT", SELECTED), ("UID FETCH", lie)]).await;
        let endpoint = peer.endpoint();
        let mut stream = endpoint.read(&inbox(), 5, &uids(&[1])).await.unwrap();
        assert_eq!(stream.next().await.err().unwrap().code(), Code::ProtocolError, "{lie}");
        drop((stream, endpoint));
        peer.finished().await;
    }
}

#[tokio::test]
async fn a_bye_in_the_middle_of_a_fetch_is_the_reason_that_is_told() {
    let fetch = ("UID FETCH", "* 1 FETCH (UID 1 BODY[] {3}\r\none)\r\n* BYE [UNAVAILABLE] disk trouble\r\n");
    let again =
        vec![WELCOME, ("SELECT", SELECTED), ("UID FETCH", "* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n$ OK done\r\n")];
    let peer =
        Peer::start(vec![(GREETING, vec![WELCOME, LIST, LSUB, ("SELECT", SELECTED), fetch]), (GREETING, again)]).await;
    let endpoint = peer.endpoint();
    let mut stream = endpoint.read(&inbox(), 5, &uids(&[1, 2])).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().uid.get(), 1);
    let error = stream.next().await.err().unwrap();
    assert_eq!((error.code(), error.scope()), (Code::ServerUnavailable, Scope::Server));
    assert_eq!(error.arg("answer"), Some("[UNAVAILABLE] disk trouble"));
    drop(stream);
    let mut stream = endpoint.read(&inbox(), 5, &uids(&[2])).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().uid.get(), 2);
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_refused_batch_says_why_and_the_next_one_lands() {
    let peer = Peer::with_inbox(vec![
        ("STATUS \"INBOX\" (UIDVALIDITY)", "* STATUS INBOX (UIDVALIDITY 5)\r\n$ OK\r\n"),
        ("APPEND \"INBOX\" () {1+}\r\na () {1+}\r\nb", "$ NO [OVERQUOTA] full\r\n"),
        ("APPEND \"INBOX\" () {1+}\r\nc", "* 4 EXISTS\r\n$ OK [APPENDUID 5 12] done\r\n"),
        ("APPEND \"INBOX\" () {1+}\r\nd () {1+}\r\ne", "$ OK [APPENDUID 5 13] odd\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    let mut writer = endpoint.writer().await.unwrap();
    for batch in [vec![letter("a"), letter("b")], vec![letter("c")], vec![letter("d"), letter("e")]] {
        writer.send(&inbox(), 5, batch).await.unwrap();
    }
    let Some(Ok(BatchOutcome::Refused(error))) = writer.outcome().await else { panic!("refused") };
    assert_eq!((error.code(), error.arg("answer")), (Code::QuotaFull, Some("[OVERQUOTA] full")));
    let Some(Ok(BatchOutcome::Landed(landed))) = writer.outcome().await else { panic!("landed") };
    assert_eq!((landed[0].uid, landed[0].validity), (Uid::new(12), Some(5)));
    // One UID for two messages: which has it, nobody knows.
    let Some(Ok(BatchOutcome::Landed(landed))) = writer.outcome().await else { panic!("landed") };
    assert_eq!(landed.iter().filter_map(|it| it.uid).count(), 0);
    drop((writer, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_literal_that_the_server_does_not_want_is_not_sent() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL-] ready\r\n";
    let caps = "$ OK [CAPABILITY IMAP4rev1 LITERAL-] in\r\n";
    let long: &'static str = Box::leak("x".repeat(5000).into_boxed_str());
    let peer = Peer::start(vec![(
        greeting,
        vec![
            (WELCOME.0, caps),
            LIST,
            LSUB,
            ("STATUS", "* STATUS INBOX (UIDVALIDITY 5)\r\n$ OK\r\n"),
            ("APPEND \"INBOX\" () {5000}", "$ NO [TOOBIG] no\r\n"),
            ("APPEND \"INBOX\" () {1+}\r\nb", "$ OK done\r\n"),
        ],
    )])
    .await;
    let endpoint = peer.endpoint();
    let mut writer = endpoint.writer().await.unwrap();
    writer.send(&inbox(), 5, vec![letter(long)]).await.unwrap();
    writer.send(&inbox(), 5, vec![letter("b")]).await.unwrap();
    let Some(Ok(BatchOutcome::Refused(error))) = writer.outcome().await else { panic!("refused") };
    assert_eq!(error.code(), Code::MessageTooLarge);
    assert!(matches!(writer.outcome().await, Some(Ok(BatchOutcome::Landed(_)))));
    drop((writer, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_every_batch_unknown() {
    let peer = Peer::with_inbox(vec![
        ("STATUS", "* STATUS INBOX (UIDVALIDITY 5)\r\n$ OK\r\n"),
        ("APPEND", NOTHING),
        ("APPEND", "this is not IMAP\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    let mut writer = endpoint.writer().await.unwrap();
    writer.send(&inbox(), 5, vec![letter("a")]).await.unwrap();
    writer.send(&inbox(), 5, vec![letter("b")]).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(writer.outcome().await, Some(Err(error)) if error.code() == Code::ProtocolError));
    }
    assert!(writer.outcome().await.is_none());
    drop((writer, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn messages_that_were_gone_are_missing_from_a_move() {
    let peer = Peer::with_inbox(vec![
        ("SELECT", SELECTED),
        ("UID MOVE 1:2 \"Other\"", "* OK [COPYUID 14  ] moved\r\n$ OK done\r\n"),
        ("NOOP", "$ OK\r\n"),
        ("UID MOVE 3,7 \"Other\"", "* OK [COPYUID 14 7,3 21:22] moved\r\n* VANISHED 3,7\r\n$ OK done\r\n"),
        ("NOOP", "$ OK\r\n"),
        ("UID MOVE 8 \"Other\"", "* OK [COPYUID 15 8 1] moved\r\n* VANISHED 8\r\n$ OK done\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    let other = FolderPath::new(["Other"]).unwrap();
    let shifted = |old, new| Shifted {
        old: Uid::new(old).unwrap(),
        new: Uid::new(new),
        overtaken: false,
        kept: false,
        doubted: false,
    };
    // Exchange may say nothing in any case: where they are now has to be looked up.
    let moved = endpoint.shift((&inbox(), 5), &uids(&[1, 2]), (&other, 14)).await.unwrap();
    assert_eq!(moved, [shifted(1, 0), shifted(2, 0)]);
    let moved = endpoint.shift((&inbox(), 5), &uids(&[3, 7]), (&other, 14)).await.unwrap();
    assert_eq!(moved, [shifted(7, 21), shifted(3, 22)]);
    // Somebody has made the folder anew: its UIDs are not those of the folder that we know.
    let moved = endpoint.shift((&inbox(), 5), &uids(&[8]), (&other, 14)).await.unwrap();
    assert_eq!(moved, [shifted(8, 0)]);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn marks_that_the_folder_does_not_hold_are_not_sent() {
    let selected = "* FLAGS (\\Seen \\Flagged old)\r\n* OK [PERMANENTFLAGS (\\Seen old)] kept\r\n\
                    * OK [UIDVALIDITY 5] v\r\n* 3 EXISTS\r\n$ OK [READ-WRITE] open\r\n";
    let peer = Peer::with_inbox(vec![
        ("SELECT", selected),
        ("UID STORE 1 +FLAGS (\\Seen old)", "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n$ OK\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    let add = |uid: u32, add: &[&str], remove: &[&str]| MarkChange {
        uids: uids(&[uid]),
        add: Marks::from_names(add.iter().copied()),
        remove: Marks::from_names(remove.iter().copied()),
    };
    let changes =
        [add(1, &["\\Seen", "old", "new"], &[]), add(2, &["\\Flagged"], &["\\Flagged"]), add(3, &["new"], &[])];
    let marked = endpoint.mark(&inbox(), &Cursor::covering_nothing(5), &changes).await.unwrap();
    let withheld = marked.results.into_iter().map(|result| result.unwrap().withheld).collect::<Vec<_>>();
    assert_eq!(withheld, ["new", "\\Flagged", "new"].map(|name| Marks::from_names([name])));
    assert!(marked.echo.is_none());
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn the_answers_to_marks_stand_for_a_look_only_where_they_tell_all() {
    let selected = "* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n* OK [HIGHESTMODSEQ 70] m\r\n\
                    $ OK [READ-WRITE] open\r\n";
    let row =
        |uid: u32, flags: &str, modseq: u64| format!("* 1 FETCH (UID {uid} FLAGS ({flags}) MODSEQ ({modseq}))\r\n");
    let ours = || row(1, "\\Seen", 71);
    let cases = [
        ("ours alone", ours(), row(2, "\\Seen", 72), Some((72, 2))),
        ("nothing was to be changed", row(1, "\\Seen", 12), row(2, "\\Seen", 70), Some((70, 2))),
        ("one was to be changed", row(1, "\\Seen", 12), row(2, "\\Seen", 71), Some((71, 2))),
        (
            "somebody else's change came in between, and is told",
            row(3, "", 71) + &row(1, "\\Seen", 72),
            row(2, "", 73),
            Some((73, 3)),
        ),
        ("and is not told", ours(), row(2, "\\Seen", 73), None),
        ("without a MODSEQ", ours(), "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n".into(), None),
        ("without a UID", ours(), "* 2 FETCH (FLAGS (\\Seen) MODSEQ (72))\r\n".into(), None),
        ("new mail", ours(), row(2, "\\Seen", 72) + "* 4 EXISTS\r\n", None),
        ("a removal", ours(), row(2, "\\Seen", 72) + "* 3 EXPUNGE\r\n", None),
        ("a removal by UID", ours(), row(2, "\\Seen", 72) + "* VANISHED 9\r\n", None),
    ];
    let since = Cursor { validity: 5, uidnext: 10, modseq: 70, exists: 3 };
    let change = |uid| MarkChange { uids: uids(&[uid]), add: Marks::from_names(["\\Seen"]), remove: Marks::default() };
    for (what, first, second, told) in cases {
        for stood in
            [since, Cursor { modseq: 69, ..since }, Cursor { uidnext: 9, ..since }, Cursor { exists: 2, ..since }]
        {
            let lines = [(1, &first), (2, &second)].map(|(uid, told)| -> (&str, &str) {
                (format!("UID STORE {uid} +FLAGS (\\Seen)").leak(), format!("{told}$ OK\r\n").leak())
            });
            let welcome = (WELCOME.0, "$ OK [CAPABILITY IMAP4rev1 CONDSTORE] in\r\n");
            let mut script = vec![welcome, LIST, LSUB, ("SELECT \"INBOX\" (CONDSTORE)", selected)];
            script.extend(lines);
            if !second.contains("UID 2") {
                script.push(("UID FETCH 2 (UID FLAGS)", "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n$ OK\r\n"));
            }
            let peer = Peer::start(vec![(GREETING, script)]).await;
            let endpoint = peer.endpoint();
            let marked = endpoint.mark(&inbox(), &stood, &[change(1), change(2)]).await.unwrap();
            assert!(marked.results.iter().all(Result::is_ok) && marked.missing.is_empty(), "{what}");
            let echo = marked.echo.map(|echo| (echo.cursor.modseq, echo.present.len()));
            assert_eq!(echo, told.filter(|_| stood == since), "{what}, {stood:?}");
            drop(endpoint);
            peer.finished().await;
        }
    }
}

#[tokio::test]
async fn without_move_the_message_that_somebody_took_before_we_removed_it_is_told() {
    for (uidplus, last) in [(true, "UID EXPUNGE 1:2"), (false, "EXPUNGE")] {
        let caps =
            if uidplus { "$ OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n" } else { "$ OK [CAPABILITY IMAP4rev1] in\r\n" };
        let copied = if uidplus { "$ OK [COPYUID 14 1:2 21:22] done\r\n" } else { "$ OK done\r\n" };
        let script = vec![
            (WELCOME.0, caps),
            LIST,
            LSUB,
            ("SELECT", SELECTED),
            ("UID SEARCH DELETED", "* SEARCH\r\n$ OK\r\n"),
            ("UID COPY 1:2 \"Other\"", copied),
            ("UID SEARCH DELETED", "* SEARCH\r\n$ OK\r\n"),
            ("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", "* 1 EXPUNGE\r\n$ OK\r\n"),
            ("UID SEARCH DELETED", "* SEARCH 2\r\n$ OK\r\n"),
            (last, "* 1 EXPUNGE\r\n$ OK\r\n"),
        ];
        // Whoever has no UID EXPUNGE asks first what else would go.
        let script =
            script.into_iter().enumerate().filter(|(at, _)| !(uidplus && [4, 6].contains(at))).map(|(_, it)| it);
        let again = ("UID SEARCH DELETED", "* SEARCH\r\n$ OK\r\n");
        let script = script.chain(uidplus.then_some(again)).chain([("UID FETCH 1:2 (UID FLAGS)", "$ OK\r\n")]);
        let script = script.collect();
        let peer = Peer::start(vec![(GREETING, script)]).await;
        let endpoint = peer.endpoint();
        let other = FolderPath::new(["Other"]).unwrap();
        let moved = endpoint.shift((&inbox(), 5), &uids(&[1, 2]), (&other, 14)).await.unwrap();
        assert_eq!(moved.iter().map(|shifted| shifted.overtaken).collect::<Vec<_>>(), [true, false]);
        assert!(moved.iter().all(|shifted| !shifted.doubted));
        assert_eq!(moved.iter().all(|shifted| shifted.new.is_some()), uidplus);
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn without_move_what_bears_our_mark_under_a_new_uid_is_told() {
    // An edit, mail that comes, what another client had marked before, and what is left of ours.
    let edited = "* SEARCH 7 9\r\n$ OK\r\n";
    for (after, doubted) in [(edited, true), ("* SEARCH 7\r\n$ OK\r\n", false), ("* SEARCH 1 7\r\n$ OK\r\n", false)] {
        let caps = "$ OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n";
        let script = vec![
            (WELCOME.0, caps),
            LIST,
            LSUB,
            ("SELECT", SELECTED),
            ("UID COPY 1:2 \"Other\"", "$ OK [COPYUID 14 1:2 21:22] done\r\n"),
            ("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
            ("UID SEARCH DELETED", "* SEARCH 1 2 7\r\n$ OK\r\n"),
            ("UID EXPUNGE 1:2", "* 1 EXPUNGE\r\n* 4 EXISTS\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n$ OK\r\n"),
            ("UID SEARCH DELETED", after),
            ("UID FETCH 1:2 (UID FLAGS)", "$ OK\r\n"),
        ];
        let peer = Peer::start(vec![(GREETING, script)]).await;
        let endpoint = peer.endpoint();
        let other = FolderPath::new(["Other"]).unwrap();
        let moved = endpoint.shift((&inbox(), 5), &uids(&[1, 2]), (&other, 14)).await.unwrap();
        assert!(moved.iter().all(|shifted| !shifted.overtaken && shifted.doubted == doubted), "{moved:?}");
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn l11_without_uidplus_the_mail_that_others_marked_as_deleted_stays() {
    let caps = "$ OK [CAPABILITY IMAP4rev1] in\r\n";
    let opened = || vec![(WELCOME.0, caps), LIST, LSUB, ("SELECT", SELECTED)];
    let search = |found: &'static str| ("UID SEARCH DELETED", found);
    let mark = ("UID STORE 2,4 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n");
    // Nothing is marked that cannot be removed.
    let before = vec![search("* SEARCH 2 3\r\n$ OK\r\n")];
    // What comes in between is noticed, and only our own mark is taken off.
    let between = vec![
        search("* SEARCH 2\r\n$ OK\r\n"),
        mark,
        search("* SEARCH 2 3 4\r\n$ OK\r\n"),
        ("UID STORE 4 -FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
    ];
    for story in [before, between] {
        let peer = Peer::start(vec![(GREETING, [opened(), story].concat())]).await;
        let endpoint = peer.endpoint();
        let error = endpoint.expunge(&inbox(), 5, &uids(&[2, 4])).await.err().unwrap();
        assert_eq!((error.code(), error.scope()), (Code::OthersMarkedDeleted, Scope::Folder));
        drop(endpoint);
        peer.finished().await;
    }

    // Nor is anything copied that could not be removed afterwards.
    let peer = Peer::start(vec![(GREETING, [opened(), vec![search("* SEARCH 3\r\n$ OK\r\n")]].concat())]).await;
    let endpoint = peer.endpoint();
    let other = FolderPath::new(["Other"]).unwrap();
    let error = endpoint.shift((&inbox(), 5), &uids(&[2]), (&other, 14)).await.err().unwrap();
    assert_eq!(error.code(), Code::OthersMarkedDeleted);
    drop(endpoint);
    peer.finished().await;

    let mut alone = opened();
    alone.push(search("* SEARCH\r\n$ OK\r\n"));
    alone.push(("UID STORE 2 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"));
    alone.push(search("* SEARCH 2\r\n$ OK\r\n"));
    alone.push(("EXPUNGE", "* 2 EXPUNGE\r\n$ OK\r\n"));
    alone.push(("UID FETCH 2 (UID FLAGS)", "$ OK\r\n"));
    let peer = Peer::start(vec![(GREETING, alone)]).await;
    let endpoint = peer.endpoint();
    endpoint.expunge(&inbox(), 5, &uids(&[2])).await.unwrap();
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn c3_nothing_that_reads_marks_a_message_as_seen() {
    let headers = "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 9 BODY[HEADER.FIELDS (Date)] {2}\r\n\r\n)\r\n$ OK done\r\n";
    let peer = Peer::with_inbox(vec![
        ("SELECT", SELECTED),
        (
            "UID FETCH 1 (UID FLAGS INTERNALDATE BODY.PEEK[])",
            "* 1 FETCH (UID 1 FLAGS () BODY[] {1}\r\nx)\r\n$ OK done\r\n",
        ),
        ("NOOP", "$ OK\r\n"),
        ("BODY.PEEK[HEADER.FIELDS", headers),
        ("SELECT", SELECTED),
        ("BODY.PEEK[HEADER.FIELDS", headers),
    ])
    .await;
    let endpoint = peer.endpoint();
    let mut stream = endpoint.read(&inbox(), 5, &uids(&[1])).await.unwrap();
    assert!(!stream.next().await.unwrap().unwrap().marks.seen());
    assert!(stream.next().await.unwrap().is_none());
    drop(stream);
    assert_eq!(endpoint.stamps(&inbox(), 5, &uids(&[1])).await.unwrap().len(), 1);
    assert_eq!(endpoint.find(&inbox(), 5, Uid::MIN).await.unwrap().len(), 1);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn l4_a_body_that_the_server_does_not_give_is_no_empty_message() {
    for answer in [
        "* 1 FETCH (UID 1 FLAGS ())\r\n$ NO [SERVERBUG] try later\r\n",
        "* 1 FETCH (UID 1 FLAGS () BODY[] NIL)\r\n$ NO [SERVERBUG] try later\r\n",
        "$ NO [UNAVAILABLE] try later\r\n",
    ] {
        let peer = Peer::with_inbox(vec![("SELECT", SELECTED), ("UID FETCH 1", answer)]).await;
        let endpoint = peer.endpoint();
        let mut stream = endpoint.read(&inbox(), 5, &uids(&[1])).await.unwrap();
        let error = stream.next().await.err().unwrap();
        assert!(error.retry() == parom_domain::Retry::Soon, "{answer}: {error:?}");
        drop((stream, endpoint));
        peer.finished().await;
    }
}

#[tokio::test]
async fn l19_only_the_named_messages_are_expunged() {
    let peer = Peer::with_inbox(vec![
        ("SELECT", SELECTED),
        ("UID STORE 2,7 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
        ("UID SEARCH DELETED", "* SEARCH 2 9\r\n$ OK\r\n"),
        ("UID EXPUNGE 2,7", "* 2 EXPUNGE\r\n$ OK\r\n"),
        ("UID FETCH 2,7 (UID FLAGS)", "$ OK\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    let removed = endpoint.expunge(&inbox(), 5, &uids(&[2, 7])).await.unwrap();
    assert_eq!(removed.there, uids(&[2]), "7 was gone before");
    drop(endpoint);
    peer.finished().await;
}
