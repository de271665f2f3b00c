//! Listing and making folders, against servers that say what is written down here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod peer;

use parom_domain::endpoint::{Endpoint, LookAt};
use parom_domain::{Code, Error, FolderPath, Retry, Scope, UidSet};
use peer::*;

#[tokio::test]
async fn a_mailbox_id_of_uninitialised_memory_is_no_id() {
    let welcome = (WELCOME.0, "$ OK [CAPABILITY IMAP4rev1 LITERAL+ LIST-EXTENDED LIST-STATUS OBJECTID] in\r\n");
    let list = (
        "RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY MAILBOXID))",
        "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 MAILBOXID (\u{b0}\u{e5}\u{1}U))\r\n\
         * LIST () \"/\" a\r\n* STATUS a (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 8 MAILBOXID (twice))\r\n\
         * LIST () \"/\" b\r\n* STATUS b (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 9 MAILBOXID (twice))\r\n\
         * LIST () \"/\" c\r\n* STATUS c (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 9 MAILBOXID (\"(\"x\"))\r\n\
         * LIST () \"/\" d\r\n* STATUS d (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5 MAILBOXID (d-1))\r\n$ OK done\r\n",
    );
    let peer = Peer::start(vec![(GREETING, vec![welcome, list])]).await;
    let listing = peer.endpoint().folders().await.unwrap();
    let seen = |name: &str| listing.folders.iter().find(|folder| folder.path.name() == name).unwrap();
    let told = |name: &str| (seen(name).status.map(|status| status.validity), seen(name).mailbox_id.as_deref());
    assert_eq!(told("INBOX"), (Some(7), None));
    // An id that two folders have is none.
    assert_eq!((told("a"), told("b")), ((Some(8), None), (Some(9), None)));
    // Of a line that cannot be read, the rest is not believed either; the folder is looked into instead.
    assert_eq!(told("c"), (None, None));
    assert_eq!(told("d"), (Some(5), Some("d-1")));
    peer.finished().await;
}

#[tokio::test]
async fn cyrus_is_asked_for_mailbox_ids_where_a_folder_is_opened() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN] mail Cyrus IMAP 3.6.1 server ready\r\n";
    let welcome = (WELCOME.0, "$ OK [CAPABILITY IMAP4rev1 LITERAL+ LIST-EXTENDED LIST-STATUS OBJECTID] in\r\n");
    let list = (
        "STATUS (MESSAGES UIDNEXT UIDVALIDITY))",
        "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n* STATUS a (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5)\r\n$ OK done\r\n",
    );
    let first =
        ("EXAMINE \"INBOX\"", "* 0 EXISTS\r\n* OK [MAILBOXID (ahgz0i7yvxl1zfxv)] Ok\r\n$ OK [READ-ONLY] done\r\n");
    let gone = ("EXAMINE \"b\"", "$ NO Mailbox does not exist\r\n");
    let second =
        ("EXAMINE \"a\"", "* OK [CLOSED] Ok\r\n* OK [MAILBOXID (ooi6bxh8yindwi8q)] Ok\r\n$ OK [READ-ONLY] done\r\n");
    let peer = Peer::start(vec![(greeting, vec![welcome, list, first, gone, second])]).await;
    let endpoint = peer.endpoint();
    let listing = endpoint.folders().await.unwrap();
    assert!(listing.abilities.forbidden_in_names.contains(&'%'));
    let folder = |name: &str| FolderPath::new([name]).unwrap();
    let ids = endpoint.identify(&[folder("INBOX"), folder("b"), folder("a")]).await.unwrap();
    assert_eq!(ids, [Some("ahgz0i7yvxl1zfxv".to_owned()), None, Some("ooi6bxh8yindwi8q".to_owned())]);
    endpoint.close().await;
    peer.finished().await;
}

#[tokio::test]
async fn who_tells_ids_in_the_listing_or_has_none_is_not_asked() {
    for offered in ["OBJECTID LIST-EXTENDED LIST-STATUS", "LIST-EXTENDED"] {
        let welcome: &'static str = format!("$ OK [CAPABILITY IMAP4rev1 LITERAL+ {offered}] in\r\n").leak();
        let list = ("LIST", "* LIST () \"/\" INBOX\r\n$ OK done\r\n");
        let peer = Peer::start(vec![(GREETING, vec![(WELCOME.0, welcome), list])]).await;
        let endpoint = peer.endpoint();
        endpoint.folders().await.unwrap();
        assert_eq!(endpoint.identify(&[inbox()]).await.unwrap(), [None]);
        endpoint.close().await;
        peer.finished().await;
    }
}

#[tokio::test]
async fn a_name_with_others_below_it_is_asked_whether_it_is_a_folder() {
    let list = (
        "LIST \"\" \"*\"",
        "* LIST (\\HasChildren) \".\" INBOX\r\n* LIST (\\HasNoChildren) \".\" INBOX.x\r\n* LIST (\\HasChildren) \".\" gone\r\n\
         * LIST () \".\" gone.x\r\n* LIST (\\HasChildren) \".\" here\r\n* LIST () \".\" here.x\r\n\
         * LIST (\\Noselect) \".\" never\r\n* LIST () \".\" never.x\r\n$ OK done\r\n",
    );
    let gone = ("STATUS \"gone\"", "$ NO Mailbox doesn't exist: gone\r\n");
    let here = ("STATUS \"here\"", "* STATUS here (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 8)\r\n$ OK done\r\n");
    let peer = Peer::start(vec![(GREETING, vec![WELCOME, list, LSUB, gone, here])]).await;
    let endpoint = peer.endpoint();
    let listing = endpoint.folders().await.unwrap();
    let openable = listing.folders.iter().filter(|folder| folder.selectable).map(|folder| folder.path.to_string());
    assert_eq!(openable.collect::<Vec<_>>(), ["INBOX", "INBOX/x", "gone/x", "here", "here/x", "never/x"]);
    drop(endpoint);
    peer.finished().await;

    // Exchange deletes what is below along with a folder, so that there nobody is asked.
    let greeting = "* OK The Microsoft Exchange IMAP4 service is ready.\r\n";
    let capability = ("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+\r\n$ OK done\r\n");
    let list =
        ("LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n* LIST () \"/\" a/b\r\n$ OK done\r\n");
    let peer = Peer::start(vec![(greeting, vec![capability, WELCOME, list, LSUB])]).await;
    let endpoint = peer.endpoint();
    endpoint.folders().await.unwrap();
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn what_has_no_name_of_its_own_on_a_server_is_refused_alone() {
    let welcome = (WELCOME.0, "$ OK [CAPABILITY IMAP4rev1 LITERAL+ NAMESPACE] in\r\n");
    let spaces = (
        "NAMESPACE",
        "* NAMESPACE ((\"INBOX.\" \".\")(\"Old.\" \".\")) NIL ((\"INBOX.Public.\" \".\"))\r\n$ OK done\r\n",
    );
    let list = (
        "LIST \"\" \"*\"",
        "* LIST () \".\" INBOX\r\n* LIST () \".\" Inbox.a\r\n* LIST (\\Noselect) \".\" Old\r\n* LIST () \".\" Old.b\r\n\
         * LIST () \".\" INBOX.Public.c\r\n* LIST () \".\" elsewhere\r\n$ OK done\r\n",
    );
    let missing = "$ NO [NONEXISTENT] no such mailbox\r\n";
    let script = vec![
        welcome,
        spaces,
        list,
        LSUB,
        ("CREATE \"INBOX.INBOX.a\"", "$ OK\r\n"),
        ("CREATE \"Old.d\"", "$ OK\r\n"),
        ("SELECT \"INBOX.x\"", missing),
        ("UID FETCH", "$ BAD nothing is open\r\n"),
        ("SELECT \"Old.b\"", missing),
        ("UID FETCH", "$ BAD nothing is open\r\n"),
    ];
    let peer = Peer::start(vec![(GREETING, script)]).await;
    let endpoint = peer.endpoint();
    let listing = endpoint.folders().await.unwrap();
    let paths: Vec<String> = listing.folders.iter().map(|folder| folder.path.to_string()).collect();
    assert_eq!(paths, ["INBOX", "a", "Old", "Old/b"]);
    let path = |segments: &[&str]| FolderPath::new(segments.iter().copied()).unwrap();
    let secret = path(&["Public", "Secret"]);
    let wanted = [path(&["INBOX", "a"]), secret.clone(), path(&["Old", "d"])].map(|path| (path, None));
    let made: Vec<_> = endpoint.create_all(&wanted).await;
    assert!(made[0].is_ok() && made[2].is_ok());
    let refused = |error: &Error| {
        assert_eq!(
            (error.code(), error.scope(), error.retry()),
            (Code::FolderRefused, Scope::Folder, Retry::WhenFixed)
        );
        assert_eq!((error.arg("folder"), error.arg("host")), (Some("Public/Secret"), Some("127.0.0.1")));
        assert!(error.arg("answer").unwrap().contains("exclude it"));
    };
    refused(made[1].as_ref().unwrap_err());
    refused(&endpoint.rename(&path(&["a"]), &secret).await.unwrap_err());
    refused(&endpoint.subscribe(&secret, true).await.unwrap_err());
    let look = |folder: FolderPath| LookAt { folder, since: None, ask: UidSet::new() };
    let looked = endpoint.observe_all(&[look(path(&["x"])), look(secret.clone()), look(path(&["Old", "b"]))]).await;
    let codes: Vec<Code> = looked.iter().map(|looked| looked.as_ref().unwrap_err().code()).collect();
    assert_eq!(codes, [Code::FolderGone, Code::FolderRefused, Code::FolderGone]);
    let mut writer = endpoint.writer().await.unwrap();
    refused(&writer.send(&secret, 5, vec![letter("x")]).await.unwrap_err());
    drop((writer, endpoint));
    peer.finished().await;
}

#[tokio::test]
async fn a_folder_that_is_there_and_not_shown_is_not_called_made() {
    let status = [
        ("$ NO Mailbox doesn't exist\r\n", Some(Code::FolderCannotOpen)),
        ("* STATUS work (UIDVALIDITY 3)\r\n$ OK done\r\n", None),
        ("$ NO [INUSE] locked\r\n", None),
    ];
    let work = FolderPath::new(["work"]).unwrap();
    for (answer, expected) in status {
        let create = ("CREATE", "$ NO [ALREADYEXISTS] Mailbox already exists\r\n");
        let script = vec![create, ("STATUS", answer), create, ("STATUS", answer)];
        let peer = Peer::with_inbox(script).await;
        let endpoint = peer.endpoint();
        let alone = endpoint.create(&work, None).await.err();
        let among = endpoint.create_all(&[(work.clone(), None)]).await.pop().unwrap().err();
        for error in [alone, among] {
            assert_eq!(error.as_ref().map(Error::code), expected, "{answer}");
            assert!(error.is_none_or(|error| error.retry() == Retry::WhenFixed && error.arg("host").is_some()));
        }
        drop(endpoint);
        peer.finished().await;
    }
}

#[tokio::test]
async fn a_folder_that_is_not_made_for_want_of_another_is_refused_and_not_gone() {
    let work = FolderPath::new(["work", "x"]).unwrap();
    let create = ("CREATE \"work/x\"", "$ NO Mailbox doesn't exist: work\r\n");
    let peer = Peer::with_inbox(vec![create, create]).await;
    let endpoint = peer.endpoint();
    let alone = endpoint.create(&work, None).await.unwrap_err();
    let among = endpoint.create_all(&[(work.clone(), None)]).await.pop().unwrap().unwrap_err();
    for error in [alone, among] {
        assert_eq!((error.code(), error.retry()), (Code::FolderRefused, Retry::WhenFixed));
    }
    drop(endpoint);
    peer.finished().await;
}

/// Courier 5.0: `NO Can't RENAME the currently-open folder`, and it has no UNSELECT.
#[tokio::test]
async fn a_folder_is_left_before_it_is_renamed_or_deleted() {
    const OPEN: &str = "* 0 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n$ OK [READ-WRITE] open\r\n";
    let list = (LIST.0, "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n* LIST () \"/\" b\r\n$ OK done\r\n");
    for has_unselect in [false, true] {
        let extension = if has_unselect { " UNSELECT" } else { "" };
        let welcome = format!("$ OK [CAPABILITY IMAP4rev1 LITERAL+{extension}] in\r\n").leak();
        let leave = if has_unselect { ("UNSELECT", "$ OK\r\n") } else { ("EXAMINE \"INBOX\"", OPEN) };
        let fetch = ("UID FETCH", "$ OK\r\n");
        let script = vec![
            (WELCOME.0, &*welcome),
            list,
            LSUB,
            ("SELECT \"a\"", OPEN),
            fetch,
            // Another one is open.
            ("RENAME \"b\" \"c\"", "$ OK\r\n"),
            leave,
            ("RENAME \"a\" \"d\"", "$ OK\r\n"),
            ("SELECT \"d\"", OPEN),
            fetch,
            leave,
            ("DELETE \"d\"", "$ OK\r\n"),
        ];
        let peer = Peer::start(vec![(GREETING, script)]).await;
        let endpoint = peer.endpoint();
        endpoint.folders().await.unwrap();
        let path = |name: &str| FolderPath::new([name]).unwrap();
        let look = async |name: &str| endpoint.present(&path(name), 5, &uids(&[1])).await.unwrap();
        look("a").await;
        endpoint.rename(&path("b"), &path("c")).await.unwrap();
        endpoint.rename(&path("a"), &path("d")).await.unwrap();
        look("d").await;
        endpoint.remove(&path("d")).await.unwrap();
        drop(endpoint);
        peer.finished().await;
    }
}
