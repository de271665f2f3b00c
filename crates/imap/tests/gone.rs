//! Messages that went away before they were asked for, on a server that calls that a mistake (GNU imap4d 3.15): a set of UIDs
//! whose last one is gone is `BAD Failed to parse message set`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;

use parom_domain::endpoint::{Cursor, Endpoint, LookAt, MarkChange};
use parom_domain::{Code, Marks, Scope};
use peer::*;

const BAD: &str = "$ BAD UID FETCH Failed to parse message set\r\n";
const OPENED: Exchange = ("SELECT \"INBOX\"", SELECTED);
const SEARCH: &str = "UID SEARCH ALL";
const STAMP: &str = "* 1 FETCH (UID 3 FLAGS () RFC822.SIZE 9 BODY[HEADER.FIELDS (MESSAGE-ID)] {17}\r\nMessage-ID: <a>\r\n)\r\n$ OK done\r\n";

#[tokio::test]
async fn what_is_gone_is_missing_from_the_answer_and_the_others_are_told() {
    let script = vec![
        OPENED,
        // All are gone.
        ("UID FETCH 5 (UID FLAGS)", BAD),
        (SEARCH, "* SEARCH 3 6\r\n$ OK done\r\n"),
        // Some are.
        ("NOOP", "$ OK\r\n"),
        ("UID FETCH 3,5 (UID FLAGS)", BAD),
        (SEARCH, "* SEARCH 3 6\r\n$ OK done\r\n"),
        ("UID FETCH 3 (UID FLAGS)", "* 1 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n"),
        ("NOOP", "$ OK\r\n"),
        ("UID FETCH 3,5 (UID FLAGS RFC822.SIZE", BAD),
        (SEARCH, "* SEARCH 3 6\r\n$ OK done\r\n"),
        ("UID FETCH 3 (UID FLAGS RFC822.SIZE", STAMP),
    ];
    let peer = Peer::with_inbox(script).await;
    let endpoint = peer.endpoint();
    assert!(endpoint.present(&inbox(), 5, &uids(&[5])).await.unwrap().is_empty());
    assert_eq!(endpoint.present(&inbox(), 5, &uids(&[3, 5])).await.unwrap(), uids(&[3]));
    let stamps = endpoint.stamps(&inbox(), 5, &uids(&[3, 5])).await.unwrap();
    assert_eq!(stamps.iter().map(|stamp| stamp.uid.get()).collect::<Vec<_>>(), [3]);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn a_refusal_about_what_is_there_is_one() {
    let searches = ["* SEARCH 3 5\r\n$ OK done\r\n", "$ NO not now\r\n"];
    for search in searches {
        let peer = Peer::with_inbox(vec![OPENED, ("UID FETCH 3,5 (UID FLAGS)", BAD), (SEARCH, search)]).await;
        let endpoint = peer.endpoint();
        let error = endpoint.present(&inbox(), 5, &uids(&[3, 5])).await.unwrap_err();
        assert_eq!((error.code(), error.scope()), (Code::MessageUnreadable, Scope::Item));
        assert_eq!(error.arg("answer"), Some("UID FETCH Failed to parse message set"));
        drop(endpoint);
        peer.finished().await;
    }
    // Nothing is asked of a server that wants to be left alone.
    let peer = Peer::with_inbox(vec![OPENED, ("UID FETCH", "$ NO [UNAVAILABLE] later\r\n")]).await;
    let endpoint = peer.endpoint();
    assert_eq!(endpoint.present(&inbox(), 5, &uids(&[3])).await.unwrap_err().code(), Code::ServerUnavailable);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn a_look_is_not_spoilt_by_what_is_gone_among_the_messages_that_are_asked_for() {
    let listed = ("UID FETCH 1:* (UID FLAGS)", "* 1 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n");
    let opened = ("SELECT \"INBOX\"", "* 1 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n$ OK open\r\n");
    let script = vec![
        opened,
        listed,
        ("UID FETCH 3,5 (UID FLAGS RFC822.SIZE", BAD),
        ("NOOP", "$ OK\r\n"),
        ("UID FETCH 3,5 (UID FLAGS RFC822.SIZE", BAD),
        (SEARCH, "* SEARCH 3\r\n$ OK done\r\n"),
        ("UID FETCH 3 (UID FLAGS RFC822.SIZE", STAMP),
    ];
    let peer = Peer::with_inbox(script).await;
    let endpoint = peer.endpoint();
    let look = LookAt { folder: inbox(), since: None, ask: uids(&[3, 5]) };
    let looked = endpoint.observe_all(&[look]).await.pop().unwrap().unwrap();
    assert_eq!(looked.snapshot.present.len(), 1);
    assert_eq!(looked.stamps.iter().map(|stamp| stamp.uid.get()).collect::<Vec<_>>(), [3]);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn the_others_are_marked_and_no_keyword_is_blamed() {
    let opened = "* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\*)] p\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n$ OK open\r\n";
    let there = "* 1 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n";
    let script = vec![
        ("SELECT \"INBOX\"", opened),
        ("UID STORE 3,5 +FLAGS ($Work)", "$ BAD UID STORE Failed to parse message set\r\n"),
        // The keyword alone.
        ("UID STORE 3,5 +FLAGS ($Work)", "$ BAD UID STORE Failed to parse message set\r\n"),
        ("UID FETCH 3,5 (UID FLAGS)", BAD),
        (SEARCH, "* SEARCH 3\r\n$ OK done\r\n"),
        ("UID FETCH 3 (UID FLAGS)", there),
        ("UID STORE 3 +FLAGS ($Work)", "* 1 FETCH (UID 3 FLAGS ($Work))\r\n$ OK done\r\n"),
    ];
    let peer = Peer::with_inbox(script).await;
    let endpoint = peer.endpoint();
    let since = Cursor { validity: 5, uidnext: 10, modseq: 0, exists: 3 };
    let add = Marks::from_names(["$Work"]);
    let change = MarkChange { uids: uids(&[3, 5]), add, remove: Marks::default() };
    let marked = endpoint.mark(&inbox(), &since, &[change]).await.unwrap();
    assert!(marked.results[0].as_ref().unwrap().all().is_empty(), "{:?}", marked.results);
    assert_eq!(marked.missing, uids(&[5]));
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn the_others_are_expunged() {
    let there = "* 1 FETCH (UID 3 FLAGS ())\r\n$ OK done\r\n";
    let store = "$ BAD UID STORE Failed to parse message set\r\n";
    let script = vec![
        OPENED,
        ("UID STORE 3,5 +FLAGS.SILENT (\\Deleted)", store),
        ("UID SEARCH DELETED", "* SEARCH\r\n$ OK done\r\n"),
        ("UID EXPUNGE 3,5", store),
        ("UID FETCH 3,5 (UID FLAGS)", BAD),
        (SEARCH, "* SEARCH 3\r\n$ OK done\r\n"),
        ("UID FETCH 3 (UID FLAGS)", there),
        ("UID STORE 3 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
        ("UID SEARCH DELETED", "* SEARCH 3\r\n$ OK done\r\n"),
        ("UID EXPUNGE 3", "* 1 EXPUNGE\r\n$ OK\r\n"),
        // Gone by ourselves.
        ("UID FETCH 3 (UID FLAGS)", BAD),
        (SEARCH, "* SEARCH\r\n$ OK done\r\n"),
    ];
    let peer = Peer::with_inbox(script).await;
    let endpoint = peer.endpoint();
    let removed = endpoint.expunge(&inbox(), 5, &uids(&[3, 5])).await.unwrap();
    assert_eq!((removed.there, removed.spared), (uids(&[3]), uids(&[])));
    drop(endpoint);
    peer.finished().await;
}
