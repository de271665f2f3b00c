//! Several folders in one flight, against servers that refuse, replace or lose one of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;

use parom_domain::endpoint::{BatchOutcome, Body, BodyStream, Cursor, Endpoint, Item, LookAt, Looked, ReadFrom};
use parom_domain::{Code, FolderPath, Uid, UidSet};
use parom_imap::Mechanism;
use parom_net::TlsMode;
use peer::*;
use std::time::Duration;

const LIST_MANY: Exchange = (
    "LIST \"\" \"*\"",
    "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n* LIST () \"/\" b\r\n* LIST () \"/\" c\r\n$ OK done\r\n",
);
const EXCHANGE: &str =
    "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN] The Microsoft Exchange IMAP4 service is ready.\r\n";
const OPEN_A: &str = "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n$ OK [READ-WRITE] open\r\n";
const OPEN_C: &str = "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 10] n\r\n$ OK [READ-WRITE] open\r\n";
const LIST_A: &str = "* 1 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n";
const LIST_C: &str = "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n";
const BODY_A: &str = "* 1 FETCH (UID 3 BODY[] {4}\r\nof a)\r\n$ OK done\r\n";
const BODY_C: &str = "* 2 FETCH (UID 3 BODY[] {4}\r\nof c)\r\n$ OK done\r\n";

impl Peer {
    /// A server that lists an inbox and the folders a, b and c, and then follows the script.
    async fn with_folders(greeting: &'static str, script: Vec<Exchange>) -> Peer {
        let mut whole = vec![WELCOME, LIST_MANY, LSUB];
        whole.extend(script);
        Peer::start(vec![(greeting, whole)]).await
    }
}

fn folder(name: &str) -> FolderPath {
    FolderPath::new([name]).unwrap()
}

fn looks(names: &[&str]) -> Vec<LookAt> {
    names.iter().map(|name| LookAt { folder: folder(name), since: None, ask: UidSet::new() }).collect()
}

/// Message 3 of each of these folders, under the UIDVALIDITY that goes with it.
fn third_of(wanted: &[(&str, u32)]) -> Vec<ReadFrom> {
    let from =
        |(name, validity): &(&str, u32)| ReadFrom { folder: folder(name), validity: *validity, uids: uids(&[3]) };
    wanted.iter().map(from).collect()
}

/// UIDVALIDITY and number of messages told of each folder, or why nothing was told.
fn seen(results: &[parom_domain::Result<Looked>]) -> Vec<Result<(u32, usize), Code>> {
    let told = |looked: &Looked| (looked.snapshot.cursor.validity, looked.snapshot.present.len());
    results.iter().map(|result| result.as_ref().map(told).map_err(parom_domain::Error::code)).collect()
}

/// What a folder's part of the stream gives: the texts, or why it gives none.
async fn texts(stream: &mut dyn BodyStream) -> Result<Vec<String>, Code> {
    let mut texts = Vec::new();
    loop {
        match stream.next().await {
            Ok(Some(Item { body: Body::Small(body), .. })) => texts.push(String::from_utf8(body.to_vec()).unwrap()),
            Ok(Some(item)) => panic!("{item:?}"),
            Ok(None) => return Ok(texts),
            Err(error) => return Err(error.code()),
        }
    }
}

#[tokio::test]
async fn a_folder_that_is_refused_in_the_middle_of_a_flight_says_nothing_of_the_others() {
    let refusals = [
        // As a server does that has closed the folder before, and as one that has not.
        ("$ NO [NONEXISTENT] gone\r\n", "$ BAD nothing is open\r\n"),
        ("* OK [CLOSED] c\r\n$ NO [NONEXISTENT] gone\r\n", "* 1 FETCH (UID 3 FLAGS (\\Seen))\r\n$ OK done\r\n"),
    ];
    for (refused, followed) in refusals {
        let script = vec![
            ("SELECT \"a\"", OPEN_A),
            ("UID FETCH 1:* (UID FLAGS)", LIST_A),
            ("SELECT \"b\"", refused),
            ("UID FETCH 1:* (UID FLAGS)", followed),
            ("SELECT \"c\"", OPEN_C),
            ("UID FETCH 1:* (UID FLAGS)", LIST_C),
            // The folder that was opened last is the one that is open.
            ("NOOP", "$ OK\r\n"),
            ("BODY.PEEK[HEADER.FIELDS", "$ OK done\r\n"),
        ];
        let peer = Peer::with_folders(GREETING, script).await;
        let endpoint = peer.endpoint();
        endpoint.folders().await.unwrap();
        let results = endpoint.observe_all(&looks(&["a", "b", "c"])).await;
        assert_eq!(results[1].as_ref().err().unwrap().arg("folder"), Some("b"));
        assert_eq!(seen(&results), [Ok((5, 1)), Err(Code::FolderGone), Ok((7, 2))]);
        assert_eq!(endpoint.stamps(&folder("c"), 7, &uids(&[1])).await.unwrap(), []);
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn after_a_flight_whose_last_folder_was_refused_none_is_thought_to_be_open() {
    let script = vec![
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 1:* (UID FLAGS)", LIST_A),
        ("SELECT \"b\"", "$ NO [INUSE] locked\r\n"),
        ("UID FETCH 1:* (UID FLAGS)", "$ BAD nothing is open\r\n"),
        ("SELECT \"a\"", OPEN_A),
        ("BODY.PEEK[HEADER.FIELDS", "$ OK done\r\n"),
    ];
    let peer = Peer::with_folders(GREETING, script).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let results = endpoint.observe_all(&looks(&["a", "b"])).await;
    assert_eq!(seen(&results), [Ok((5, 1)), Err(Code::FolderCannotOpen)]);
    endpoint.stamps(&folder("a"), 5, &uids(&[3])).await.unwrap();
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn what_is_told_of_the_folder_before_is_not_taken_for_the_next_ones() {
    // A server without [CLOSED] tells, while it opens c, what has happened in a meanwhile.
    let opened: &'static str = format!("* 1 FETCH (UID 3 FLAGS (\\Deleted))\r\n* 7 EXISTS\r\n{OPEN_C}").leak();
    let script = vec![
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 1:* (UID FLAGS)", LIST_A),
        ("SELECT \"c\"", opened),
        ("UID FETCH 1:* (UID FLAGS)", "* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 4 FLAGS ())\r\n$ OK done\r\n"),
    ];
    let peer = Peer::with_folders(GREETING, script).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let mut results = endpoint.observe_all(&looks(&["a", "c"])).await;
    let c = results.pop().unwrap().unwrap().snapshot;
    assert_eq!((c.listed, c.cursor.exists), (Some(uids(&[1, 4])), 2));
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn a_flag_that_changed_in_the_folder_before_is_no_change_in_the_next_one() {
    let caps = "$ OK [CAPABILITY IMAP4rev1 LITERAL+ CONDSTORE] in\r\n";
    let open = |stray: &str, validity: u32, exists: u32| -> &'static str {
        format!(
            "{stray}* {exists} EXISTS\r\n* OK [UIDVALIDITY {validity}] v\r\n* OK [UIDNEXT 10] n\r\n\
             * OK [HIGHESTMODSEQ 60] m\r\n$ OK open\r\n"
        )
        .leak()
    };
    let script = vec![
        (WELCOME.0, caps),
        LIST_MANY,
        LSUB,
        ("SELECT \"a\" (CONDSTORE)", open("", 5, 1)),
        ("(CHANGEDSINCE 60)", "$ OK\r\n"),
        ("UID SEARCH ALL", "* SEARCH 3\r\n$ OK\r\n"),
        ("SELECT \"c\" (CONDSTORE)", open("* 1 FETCH (UID 3 MODSEQ (61) FLAGS (\\Deleted))\r\n", 7, 1)),
        ("(CHANGEDSINCE 60)", "$ OK\r\n"),
        ("UID SEARCH ALL", "* SEARCH 3\r\n$ OK\r\n"),
    ];
    let peer = Peer::start(vec![(GREETING, script)]).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let mut asked = looks(&["a", "c"]);
    for (look, validity) in asked.iter_mut().zip([5, 7]) {
        look.since = Some(Cursor { validity, uidnext: 10, modseq: 60, exists: 1 });
    }
    let results = endpoint.observe_all(&asked).await;
    assert_eq!(seen(&results), [Ok((5, 0)), Ok((7, 0))], "nothing has changed in either");
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn where_nothing_may_follow_a_select_each_folder_is_opened_by_itself() {
    let script = vec![
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 1:* (UID FLAGS)", LIST_A),
        // Nothing is asked about a folder that is not open: Exchange counts mistakes.
        ("SELECT \"b\"", "$ NO [NONEXISTENT] gone\r\n"),
        ("SELECT \"c\"", OPEN_C),
        ("UID FETCH 1:* (UID FLAGS)", LIST_C),
    ];
    let peer = Peer::with_folders(EXCHANGE, script).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let results = endpoint.observe_all(&looks(&["a", "b", "c"])).await;
    assert_eq!(seen(&results), [Ok((5, 1)), Err(Code::FolderGone), Ok((7, 2))]);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn a_connection_that_is_lost_among_the_folders_is_not_asked_about_the_rest() {
    for greeting in [GREETING, EXCHANGE] {
        // The second folder's answer is never given. Pipelined, the third one's questions were sent before.
        let mut script = vec![("SELECT \"a\"", OPEN_A), ("UID FETCH 1:*", LIST_A), ("SELECT \"b\"", NOTHING)];
        if greeting == GREETING {
            script.extend([("UID FETCH 1:*", NOTHING), ("SELECT \"c\"", NOTHING), ("UID FETCH 1:*", NOTHING)]);
        }
        let peer = Peer::with_folders(greeting, script).await;
        let endpoint = peer.endpoint_with(TlsMode::None, Mechanism::Auto, Duration::from_millis(200));
        endpoint.folders().await.unwrap();
        let results = endpoint.observe_all(&looks(&["a", "b", "c"])).await;
        assert_eq!(seen(&results), [Err(Code::TimedOut); 3], "{greeting}");
        // It is not lent again either.
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn a_name_that_waits_for_the_servers_word_is_opened_in_its_turn() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n";
    let script = |rest: Vec<Exchange>| {
        let list = (
            "LIST",
            "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n* LIST () \"/\" caf\u{e9}\r\n* LIST () \"/\" c\r\n$ OK\r\n",
        );
        let begin = vec![(WELCOME.0, "$ OK [CAPABILITY IMAP4rev1] in\r\n"), list, LSUB];
        vec![(greeting, begin.into_iter().chain(rest).collect())]
    };
    let open_b = "* 1 EXISTS\r\n* OK [UIDVALIDITY 6] v\r\n* OK [UIDNEXT 10] n\r\n$ OK open\r\n";
    let peer = Peer::start(script(vec![
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 1:*", LIST_A),
        ("SELECT {5}", "+ go on\r\n"),
        ("caf\u{e9}", open_b),
        ("UID FETCH 1:*", LIST_A),
        ("SELECT \"c\"", OPEN_C),
        ("UID FETCH 1:*", LIST_C),
    ]))
    .await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let results = endpoint.observe_all(&looks(&["a", "caf\u{e9}", "c"])).await;
    assert_eq!(seen(&results), [Ok((5, 1)), Ok((6, 1)), Ok((7, 2))]);
    drop(endpoint);
    peer.finished().await;

    let peer = Peer::start(script(vec![
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 3", BODY_A),
        ("SELECT {5}", "+ go on\r\n"),
        ("caf\u{e9}", open_b),
        ("UID FETCH 3", "* 1 FETCH (UID 3 BODY[] {4}\r\nof b)\r\n$ OK done\r\n"),
        ("SELECT \"c\"", OPEN_C),
        ("UID FETCH 3", BODY_C),
    ]))
    .await;
    let endpoint = peer.endpoint_with(TlsMode::None, Mechanism::Auto, Duration::from_secs(2));
    endpoint.folders().await.unwrap();
    let mut stream = endpoint.read_all(third_of(&[("a", 5), ("caf\u{e9}", 6), ("c", 7)])).await.unwrap();
    for text in ["of a", "of b", "of c"] {
        assert_eq!(texts(stream.as_mut()).await, Ok(vec![text.to_owned()]));
        assert_eq!(stream.turn().await.unwrap(), text != "of c");
    }
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn bodies_of_a_folder_that_is_refused_or_replaced_are_not_given_and_the_next_folder_is_read() {
    for greeting in [GREETING, EXCHANGE] {
        for (opened, code) in [
            ("$ NO [NONEXISTENT] gone\r\n", Code::FolderGone),
            ("* 1 EXISTS\r\n* OK [UIDVALIDITY 66] v\r\n$ OK open\r\n", Code::ValidityChanged),
            ("* 1 EXISTS\r\n$ OK without a UIDVALIDITY\r\n", Code::ValidityChanged),
        ] {
            let mut script = vec![("SELECT \"a\"", OPEN_A), ("UID FETCH 3", BODY_A), ("SELECT \"b\"", opened)];
            if greeting == GREETING {
                // What was asked in good faith comes all the same.
                script.push(("UID FETCH 3", "* 1 FETCH (UID 3 BODY[] {4}\r\nodd!)\r\n$ OK done\r\n"));
            }
            script.extend([("SELECT \"c\"", OPEN_C), ("UID FETCH 3", BODY_C)]);
            // The connection is whole, and c is what is open on it.
            script.extend([("NOOP", "$ OK\r\n"), ("BODY.PEEK[HEADER.FIELDS", "$ OK done\r\n")]);
            let peer = Peer::with_folders(greeting, script).await;
            let endpoint = peer.endpoint();
            endpoint.folders().await.unwrap();
            let mut stream = endpoint.read_all(third_of(&[("a", 5), ("b", 6), ("c", 7)])).await.unwrap();
            assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of a".to_owned()]));
            assert!(stream.turn().await.unwrap());
            assert_eq!(texts(stream.as_mut()).await, Err(code));
            assert!(stream.turn().await.unwrap());
            assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of c".to_owned()]));
            assert!(!stream.turn().await.unwrap());
            drop(stream);
            endpoint.stamps(&folder("c"), 7, &uids(&[3])).await.unwrap();
            drop(endpoint);
            peer.finished().await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_second_folder_gives_nothing_of_it_and_is_not_lent_again() {
    let broken = vec![
        WELCOME,
        LIST_MANY,
        LSUB,
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 3", BODY_A),
        ("SELECT \"b\"", "* 1 EXISTS\r\n* BYE going down\r\n"),
    ];
    let again = vec![WELCOME, ("SELECT \"c\"", OPEN_C), ("UID FETCH 3", BODY_C)];
    let peer = Peer::start(vec![(GREETING, broken), (GREETING, again)]).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let mut stream = endpoint.read_all(third_of(&[("a", 5), ("b", 6), ("c", 7)])).await.unwrap();
    assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of a".to_owned()]));
    assert!(stream.turn().await.unwrap());
    assert_eq!(texts(stream.as_mut()).await, Err(Code::ServerUnavailable));
    assert_eq!(stream.turn().await.err().map(|error| error.code()), Some(Code::ServerUnavailable));
    drop(stream);
    let mut stream = endpoint.read_all(third_of(&[("c", 7)])).await.unwrap();
    assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of c".to_owned()]));
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_stream_that_is_dropped_with_folders_to_come_takes_its_connection_along() {
    let dropped = vec![
        WELCOME,
        LIST_MANY,
        LSUB,
        ("SELECT \"a\"", OPEN_A),
        ("UID FETCH 3", BODY_A),
        ("SELECT \"c\"", NOTHING),
        ("UID FETCH 3", NOTHING),
    ];
    let again = vec![WELCOME, ("SELECT \"a\"", OPEN_A), ("UID FETCH 3", BODY_A)];
    let peer = Peer::start(vec![(GREETING, dropped), (GREETING, again)]).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let mut stream = endpoint.read_all(third_of(&[("a", 5), ("c", 7)])).await.unwrap();
    assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of a".to_owned()]));
    drop(stream);
    let mut stream = endpoint.read_all(third_of(&[("a", 5)])).await.unwrap();
    assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of a".to_owned()]));
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn what_a_folder_still_had_to_say_is_skipped_and_not_taken_for_the_next_ones() {
    let long: &'static str = {
        let body = "x".repeat(1_500_000);
        format!(
            "* 1 FETCH (UID 3 BODY[] {{1500000}}\r\n{body})\r\n* 2 FETCH (UID 4 BODY[] {{1}}\r\ny)\r\n$ OK done\r\n"
        )
        .leak()
    };
    let script =
        vec![("SELECT \"a\"", OPEN_A), ("UID FETCH 3:4", long), ("SELECT \"c\"", OPEN_C), ("UID FETCH 3", BODY_C)];
    let peer = Peer::with_folders(GREETING, script).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    let mut wanted = third_of(&[("a", 5), ("c", 7)]);
    wanted[0].uids = uids(&[3, 4]);
    let mut stream = endpoint.read_all(wanted).await.unwrap();
    assert!(matches!(stream.next().await.unwrap().unwrap().body, Body::Big { .. }));
    // Given up in the middle of the long body.
    assert!(!stream.chunk().await.unwrap().unwrap().is_empty());
    assert!(stream.turn().await.unwrap());
    assert_eq!(texts(stream.as_mut()).await, Ok(vec!["of c".to_owned()]));
    drop((stream, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn batches_for_a_folder_that_was_replaced_do_not_leave_and_the_others_do() {
    let script = vec![
        ("STATUS \"a\" (UIDVALIDITY)", "* STATUS a (UIDVALIDITY 5)\r\n$ OK\r\n"),
        ("APPEND \"a\" () {1+}\r\nx", "$ OK [APPENDUID 5 11] done\r\n"),
        ("STATUS \"b\" (UIDVALIDITY)", "* STATUS b (UIDVALIDITY 66)\r\n$ OK\r\n"),
        ("APPEND \"a\" () {1+}\r\ny", "$ OK [APPENDUID 5 12] done\r\n"),
        ("STATUS \"c\" (UIDVALIDITY)", "$ NO [NONEXISTENT] gone\r\n"),
        ("APPEND \"a\" () {1+}\r\nz", "$ OK [APPENDUID 5 13] done\r\n"),
    ];
    let peer = Peer::with_folders(GREETING, script).await;
    let endpoint = peer.endpoint();
    let mut writer = endpoint.writer().await.unwrap();
    writer.send(&folder("a"), 5, vec![letter("x")]).await.unwrap();
    let replaced = writer.send(&folder("b"), 6, vec![letter("-")]).await.err().unwrap();
    writer.send(&folder("a"), 5, vec![letter("y")]).await.unwrap();
    let gone = writer.send(&folder("c"), 7, vec![letter("-")]).await.err().unwrap();
    writer.send(&folder("a"), 5, vec![letter("z")]).await.unwrap();
    assert_eq!((replaced.code(), gone.code()), (Code::ValidityChanged, Code::FolderGone));
    for uid in [11, 12, 13] {
        let Some(Ok(BatchOutcome::Landed(landed))) = writer.outcome().await else { panic!("landed") };
        assert_eq!(landed[0].uid, Uid::new(uid));
    }
    assert!(writer.outcome().await.is_none());
    drop((writer, endpoint));
    peer.finished().await;
}
