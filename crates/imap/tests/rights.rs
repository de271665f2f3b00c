//! What a server does not let us do in a folder is told, also where it says OK and does nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;

use parom_domain::endpoint::{Cursor, Endpoint, MarkChange};
use parom_domain::{Code, FolderPath, Marks, Scope};
use peer::*;

const FLAGS: &str =
    "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft work)\r\n* OK [UIDVALIDITY 5] v\r\n* 3 EXISTS\r\n";

fn selected(permanent: &str, mode: &str) -> &'static str {
    format!("{FLAGS}* OK [PERMANENTFLAGS ({permanent})] kept\r\n$ OK [{mode}] open\r\n").leak()
}

fn change(add: &[&str], remove: &[&str]) -> MarkChange {
    let marks = |names: &[&str]| Marks::from_names(names.iter().copied());
    MarkChange { uids: uids(&[1]), add: marks(add), remove: marks(remove) }
}

#[tokio::test]
async fn marks_that_want_for_rights_are_told_apart_from_those_that_are_never_kept() {
    // What the folder keeps and how it is open; what is sent then, what is told as withheld, and what as never kept.
    type Row = (&'static str, &'static str, Option<&'static str>, &'static [&'static str], &'static [&'static str]);
    let table: [Row; 4] = [
        ("\\Seen \\Flagged", "READ-ONLY", None, &["\\Seen", "\\Flagged", "work"], &[]),
        ("\\Seen", "READ-WRITE", Some("(\\Seen)"), &["\\Flagged", "work"], &[]),
        ("\\Answered \\Flagged \\Draft \\*", "READ-WRITE", Some("(\\Flagged work)"), &["\\Seen"], &[]),
        ("\\Seen \\Answered \\Flagged", "READ-WRITE", Some("(\\Seen \\Flagged)"), &[], &["work"]),
    ];
    for (permanent, mode, sent, withheld, never) in table {
        let mut script = vec![("SELECT", selected(permanent, mode))];
        for sign in ['+', '-'] {
            let stored = sent.map(|sent| {
                // A keyword that a message has can be taken away where no new one is kept.
                let work = if sign == '-' && !never.is_empty() { sent.replace(')', " work)") } else { sent.to_owned() };
                &*format!("UID STORE 1 {sign}FLAGS {work}").leak()
            });
            script.extend(stored.map(|stored| (stored, "* 1 FETCH (UID 1 FLAGS ())\r\n$ OK\r\n")));
        }
        let peer = Peer::with_inbox(script).await;
        let endpoint = peer.endpoint();
        let names = ["\\Seen", "\\Flagged", "work"];
        let changes = [change(&names, &[]), change(&[], &names)];
        let marked = endpoint.mark(&inbox(), &Cursor::covering_nothing(5), &changes).await.unwrap();
        let told: Vec<_> = marked.results.into_iter().map(Result::unwrap).collect();
        let named = |names: &[&str]| Marks::from_names(names.iter().copied());
        assert_eq!(told[0].withheld, named(withheld), "{permanent}");
        assert_eq!(told[0].never, named(never), "{permanent}");
        assert_eq!((&told[1].withheld, told[1].never.is_empty()), (&named(withheld), true), "{permanent}");
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn a_keyword_that_the_server_refuses_takes_no_other_mark_along() {
    let script = vec![
        ("SELECT", selected("\\Seen \\Answered \\Flagged \\*", "READ-WRITE")),
        ("UID STORE 1 +FLAGS (\\Seen [br] work)", "$ BAD Invalid keyword\r\n"),
        ("UID STORE 2 +FLAGS (\\Flagged)", "$ OK\r\n"),
        ("UID STORE 1 +FLAGS (\\Seen)", "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n$ OK\r\n"),
        ("UID STORE 1 +FLAGS ([br])", "$ BAD Invalid keyword\r\n"),
        ("UID STORE 1 +FLAGS (work)", "$ OK\r\n"),
        // No answer shows the other message: it went before we came.
        ("UID FETCH 2 (UID FLAGS)", "$ OK\r\n"),
    ];
    let peer = Peer::with_inbox(script).await;
    let endpoint = peer.endpoint();
    let flagged = MarkChange { uids: uids(&[2]), ..change(&["\\Flagged"], &[]) };
    let changes = [change(&["\\Seen", "[br]", "work"], &[]), flagged];
    let marked = endpoint.mark(&inbox(), &Cursor::covering_nothing(5), &changes).await.unwrap();
    assert_eq!(marked.missing, uids(&[2]));
    let told: Vec<_> = marked.results.into_iter().map(Result::unwrap).collect();
    assert_eq!((&told[0].never, told[0].withheld.is_empty()), (&Marks::from_names(["[br]"]), true));
    assert!(told[1].all().is_empty());
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn a_refused_mark_is_named() {
    let script = vec![
        ("SELECT", selected("\\Seen \\Answered \\Flagged \\*", "READ-WRITE")),
        ("UID STORE 1 +FLAGS (\\Seen)", "$ NO [LIMIT] Too many flags.\r\n"),
        ("UID FETCH 1 (UID FLAGS)", "* 1 FETCH (UID 1 FLAGS ())\r\n$ OK\r\n"),
    ];
    let peer = Peer::with_inbox(script).await;
    let endpoint = peer.endpoint();
    let marked = endpoint.mark(&inbox(), &Cursor::covering_nothing(5), &[change(&["\\Seen"], &[])]).await.unwrap();
    let error = marked.results.into_iter().next().unwrap().err().unwrap();
    assert_eq!((error.code(), error.arg("answer")), (Code::ChangeRefused, Some("[LIMIT] Too many flags (\\Seen)")));
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn what_may_not_be_removed_is_not_copied() {
    let other = FolderPath::new(["Other"]).unwrap();
    // MOVE that wants for rights, and COPY where the mark of removal is not kept.
    let lacking = ("SELECT", selected("\\Seen \\Answered \\Flagged \\Draft \\*", "READ-WRITE"));
    let refused = ("UID MOVE 1 \"Other\"", "$ NO [NOPERM] Permission denied\r\n");
    let plain = (WELCOME.0, "$ OK [CAPABILITY IMAP4rev1 UIDPLUS] in\r\n");
    // And COPY where the mark is kept and means nothing.
    let controlled = (WELCOME.0, "$ OK [CAPABILITY IMAP4rev1 UIDPLUS ACL] in\r\n");
    let all = ("SELECT", selected("\\Seen \\Deleted", "READ-WRITE"));
    let rights = ("MYRIGHTS \"INBOX\"", "* MYRIGHTS INBOX lrwsti\r\n$ OK\r\n");
    // Dovecot and Cyrus show the old `d` beside any right that it was split into.
    let shown = ("MYRIGHTS \"INBOX\"", "* MYRIGHTS INBOX lrswipktcd\r\n$ OK\r\n");
    for script in [
        vec![WELCOME, LIST, LSUB, lacking, refused],
        vec![plain, LIST, LSUB, lacking],
        vec![controlled, LIST, LSUB, all, rights],
        vec![controlled, LIST, LSUB, all, shown],
    ] {
        let peer = Peer::start(vec![(GREETING, script)]).await;
        let endpoint = peer.endpoint();
        let error = endpoint.shift((&inbox(), 5), &uids(&[1]), (&other, 14)).await.err().unwrap();
        assert_eq!((error.code(), error.scope()), (Code::ChangeRefused, Scope::Folder));
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn what_the_server_says_it_expunged_and_did_not_is_told() {
    // Where no other message can be hit it is tried twice.
    // Dovecot 2.3 where the account has the right `t` and not `e`; a server without UIDPLUS the same.
    let seen = "* 2 FETCH (UID 2 FLAGS (\\Deleted))\r\n$ OK\r\n";
    for (capabilities, expunge) in
        [("IMAP4rev1 UIDPLUS MOVE", "UID EXPUNGE 1:2"), ("IMAP4rev1", "EXPUNGE"), ("IMAP4rev1 MOVE", "EXPUNGE")]
    {
        let caps = &*format!("$ OK [CAPABILITY {capabilities}] in\r\n").leak();
        let mut script = vec![
            (WELCOME.0, caps),
            LIST,
            LSUB,
            ("SELECT", selected("\\Seen \\Deleted", "READ-WRITE")),
            ("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
            ("UID SEARCH DELETED", "* SEARCH 1 2\r\n$ OK\r\n"),
            (expunge, "* 1 EXPUNGE\r\n$ OK Expunge ignored: Permission denied\r\n"),
            ("UID FETCH 1:2 (UID FLAGS)", seen),
        ];
        if !capabilities.contains("UIDPLUS") {
            script.insert(4, ("UID SEARCH DELETED", "* SEARCH\r\n$ OK\r\n"));
        }
        if capabilities.contains("UIDPLUS") {
            script.extend([
                ("UID STORE 2 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
                ("UID EXPUNGE 2", "$ OK Expunge ignored: Permission denied\r\n"),
                ("UID FETCH 2 (UID FLAGS)", seen),
            ]);
        }
        let peer = Peer::start(vec![(GREETING, script)]).await;
        let endpoint = peer.endpoint();
        let removed = endpoint.expunge(&inbox(), 5, &uids(&[1, 2])).await.unwrap();
        assert_eq!((removed.there, removed.spared), (uids(&[1, 2]), uids(&[2])), "{capabilities}");
        drop(endpoint);
        peer.finished().await;
    }
}
