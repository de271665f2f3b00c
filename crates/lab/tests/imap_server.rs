//! The lab's IMAP server, line by line.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

use parom_domain::{FolderPath, InternalDate};
use parom_lab::server::{Config, Extensions, Hands, IndexLag, LabServer, Omitted, Reaction, Switches};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const DATE: InternalDate = InternalDate { unix_s: 837_596_665, offset_min: -420 };

fn inbox() -> FolderPath {
    FolderPath::inbox()
}

fn path(text: &str) -> FolderPath {
    FolderPath::new(text.split('/')).unwrap()
}

fn mail(subject: &str) -> String {
    format!("From: a@corp.example\r\nSubject: {subject}\r\n\r\nbody of {subject}\r\n")
}

/// A client that knows nothing but lines.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(server: &LabServer) -> Client {
        let mut client = Client(BufReader::new(TcpStream::connect(server.addr()).await.unwrap()));
        assert!(client.line().await.starts_with("* OK [CAPABILITY IMAP4rev1"));
        client
    }

    async fn signed_in(server: &LabServer) -> Client {
        let mut client = Client::connect(server).await;
        assert!(client.ok("LOGIN alice alice").await.is_empty());
        client
    }

    /// Signed in and selected.
    async fn in_inbox(server: &LabServer) -> Client {
        let mut client = Client::signed_in(server).await;
        client.ok("SELECT INBOX").await;
        client
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await.unwrap();
        String::from_utf8(line).unwrap().trim_end_matches("\r\n").to_owned()
    }

    async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Everything up to the tagged answer, and that one without its tag.
    async fn talk(&mut self, command: &str) -> (Vec<String>, String) {
        self.send(&format!("t {command}\r\n")).await;
        self.answer().await
    }

    async fn answer(&mut self) -> (Vec<String>, String) {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            match line.strip_prefix("t ") {
                Some(end) => return (lines, end.to_owned()),
                None if line.is_empty() && self.0.buffer().is_empty() && self.at_end().await => {
                    return (lines, String::new());
                }
                None => lines.push(line),
            }
        }
    }

    async fn at_end(&mut self) -> bool {
        self.0.fill_buf().await.map_or(true, <[u8]>::is_empty)
    }

    async fn ok(&mut self, command: &str) -> Vec<String> {
        let (lines, end) = self.talk(command).await;
        assert!(end.starts_with("OK"), "{command}: {end}");
        lines
    }

    async fn no(&mut self, command: &str) -> String {
        let (_, end) = self.talk(command).await;
        assert!(end.starts_with("NO") || end.starts_with("BAD"), "{command}: {end}");
        end
    }
}

async fn server_with(switches: Switches) -> (LabServer, Hands) {
    let config = Config { master: Some(("root".to_owned(), "secret".to_owned())), switches, ..Config::default() };
    let server = LabServer::start(config.with_account("alice")).await.unwrap();
    let hands = server.mailbox("alice").unwrap();
    (server, hands)
}

/// The inbox holds `one`, `two` and `three`.
async fn three() -> (LabServer, Hands) {
    let (server, hands) = server_with(Switches::default()).await;
    for subject in ["one", "two", "three"] {
        hands.add(&inbox(), mail(subject), &[], DATE).unwrap();
    }
    (server, hands)
}

#[tokio::test]
async fn signing_in_has_four_forms_and_one_refusal() {
    let (server, _) = three().await;
    for command in [
        "LOGIN alice alice",
        "LOGIN \"alice*root\" {6+}\r\nsecret",
        "AUTHENTICATE PLAIN AGFsaWNlAGFsaWNl",
        // authzid alice, authcid root.
        "AUTHENTICATE PLAIN YWxpY2UAcm9vdABzZWNyZXQ=",
    ] {
        let mut client = Client::connect(&server).await;
        client.ok(command).await;
        client.ok("SELECT INBOX").await;
    }
    let mut client = Client::connect(&server).await;
    // The last one is authzid alice, authcid bob, who is not the master.
    for command in [
        "LOGIN alice wrong",
        "LOGIN nobody x",
        "LOGIN alice*alice alice",
        "AUTHENTICATE PLAIN YWxpY2UAYm9iAHNlY3JldA==",
    ] {
        assert!(client.no(command).await.starts_with("NO [AUTHENTICATIONFAILED]"), "{command}");
    }
    assert!(Client::connect(&server).await.no("SELECT INBOX").await.starts_with("BAD"));
}

#[tokio::test]
async fn connections_of_one_user_are_limited_and_given_back() {
    let (server, _) = server_with(Switches { max_connections: Some(1), ..Switches::default() }).await;
    let mut first = Client::signed_in(&server).await;
    let mut second = Client::connect(&server).await;
    assert!(second.no("LOGIN alice alice").await.contains("[LIMIT]"));
    first.ok("LOGOUT").await;
    assert!(first.at_end().await);
    while server.connections("alice") > 0 {
        tokio::task::yield_now().await;
    }
    second.ok("LOGIN alice alice").await;
}

#[tokio::test]
async fn a_message_comes_back_byte_for_byte() {
    let (server, hands) = server_with(Switches::default()).await;
    let mut client = Client::in_inbox(&server).await;
    let body = "Subject: x\r\n\r\n8-bit \u{416} and NUL \0 and a lone \n and }\r\n";
    client.send(&format!("t APPEND INBOX (\\Seen work) \"17-Jul-1996 02:44:25 -0700\" {{{}}}\r\n", body.len())).await;
    assert!(client.line().await.starts_with('+'));
    client.send(&format!("{body}\r\n")).await;
    let (lines, end) = client.answer().await;
    assert_eq!(lines, ["* 1 EXISTS"]);
    assert!(end.starts_with("OK [APPENDUID 1000 1]"), "{end}");
    let seen = hands.messages(&inbox());
    assert_eq!((seen[0].bytes.as_ref(), seen[0].date), (body.as_bytes(), DATE));
    assert_eq!(seen[0].flags, ["\\Seen", "work"]);

    client.send("t UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])\r\n").await;
    let head = client.line().await;
    let size = body.len();
    assert_eq!(
        head,
        format!(
            "* 1 FETCH (UID 1 FLAGS (\\Seen work) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE {size} BODY[] {{{size}}}"
        )
    );
    let mut bytes = vec![0; size];
    client.0.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, body.as_bytes());
    assert_eq!(client.line().await, ")");
    assert!(client.line().await.starts_with("t OK"));
}

#[tokio::test]
async fn several_messages_land_in_order_or_not_at_all() {
    let (server, hands) = server_with(Switches::default()).await;
    let mut client = Client::signed_in(&server).await;
    let batch = |subjects: &[&str]| {
        let letters = subjects
            .iter()
            .map(|subject| mail(subject))
            .map(|mail| format!(" (\\Flagged) {{{}+}}\r\n{mail}", mail.len()));
        format!("APPEND INBOX{}", letters.collect::<String>())
    };
    let (_, end) = client.talk(&batch(&["a", "b", "c"])).await;
    assert!(end.starts_with("OK [APPENDUID 1000 1:3]"), "{end}");
    server.switch(|switches| switches.refuses = vec!["bad".to_owned()]);
    client.no(&batch(&["d", "bad", "e"])).await;
    server.switch(|switches| switches.quota_bytes = Some(300));
    assert!(client.no(&batch(&["d", "e", "f", "g"])).await.contains("[OVERQUOTA]"));
    server.switch(|switches| switches.extensions.multiappend = false);
    assert!(client.no(&batch(&["d", "e"])).await.starts_with("BAD"));
    assert!(client.no("APPEND nowhere {1+}\r\nx").await.contains("[TRYCREATE]"));
    server.switch(|switches| switches.append_limit = Some(3));
    client.send("t APPEND INBOX {4}\r\n").await;
    assert!(client.answer().await.1.contains("[TOOBIG]"), "refused before the literal was sent");
    assert!(client.no("APPEND INBOX {4+}\r\nxxxx").await.contains("[TOOBIG]"));
    assert_eq!(hands.messages(&inbox()).len(), 3);
}

#[tokio::test]
async fn reading_marks_as_seen_only_without_peek() {
    let (server, hands) = three().await;
    let mut client = Client::in_inbox(&server).await;
    let before = hands.changes();
    client.ok("FETCH 1:3 (BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT]<0.4> RFC822.HEADER)").await;
    assert_eq!(hands.changes(), before);
    let lines = client.ok("FETCH 2 BODY[TEXT]<5.3>").await;
    assert_eq!(lines[..2], ["* 2 FETCH (BODY[TEXT]<5> {3}".to_owned(), "of )".to_owned()]);
    assert_eq!(hands.messages(&inbox())[1].flags, ["\\Seen"]);
    client.ok("EXAMINE INBOX").await;
    client.ok("FETCH 3 BODY[]").await;
    assert!(client.no("STORE 3 +FLAGS (\\Seen)").await.contains("[READ-ONLY]"));
    assert!(hands.messages(&inbox())[2].flags.is_empty());
}

#[tokio::test]
async fn others_hear_of_changes_when_they_may() {
    let (server, hands) = three().await;
    let mut client = Client::in_inbox(&server).await;
    hands.remove(&inbox(), &[1]).unwrap();
    hands.flag(&inbox(), 3, &["\\Flagged"], &[]).unwrap();
    hands.add(&inbox(), mail("four"), &[], DATE).unwrap();
    // Nothing may renumber during FETCH, STORE and SEARCH.
    assert_eq!(client.ok("STORE 2 +FLAGS.SILENT (\\Seen)").await, ["* 3 FETCH (FLAGS (\\Flagged))", "* 4 EXISTS"]);
    assert_eq!(client.ok("NOOP").await, ["* 1 EXPUNGE"]);
    assert!(client.ok("NOOP").await.is_empty());
    assert_eq!(client.ok("UID SEARCH ALL").await, ["* SEARCH 2 3 4"]);
    assert!(client.no("FETCH 4 FLAGS").await.starts_with("BAD"));
    // The trap: a set that begins above the last message holds the last message.
    assert_eq!(client.ok("UID FETCH 9:* (UID)").await, ["* 3 FETCH (UID 4)"]);
}

#[tokio::test]
async fn idle_tells_at_once() {
    let (server, hands) = three().await;
    let mut client = Client::in_inbox(&server).await;
    client.send("t IDLE\r\n").await;
    assert_eq!(client.line().await, "+ idling");
    hands.add(&inbox(), mail("four"), &[], DATE).unwrap();
    assert_eq!(client.line().await, "* 4 EXISTS");
    hands.remove(&inbox(), &[2]).unwrap();
    assert_eq!(client.line().await, "* 2 EXPUNGE");
    client.send("DONE\r\n").await;
    assert!(client.answer().await.1.starts_with("OK"));
}

#[tokio::test]
async fn a_quick_resynchronisation_tells_what_vanished_and_changed() {
    let (server, hands) = three().await;
    let mut client = Client::signed_in(&server).await;
    assert_eq!(client.ok("ENABLE QRESYNC X-NOTHING").await, ["* ENABLED QRESYNC"]);
    let lines = client.ok("SELECT INBOX").await;
    assert!(lines.contains(&"* OK [HIGHESTMODSEQ 4] highest".to_owned()), "{lines:?}");
    hands.remove(&inbox(), &[2]).unwrap();
    hands.flag(&inbox(), 3, &["work"], &[]).unwrap();
    let news = ["* VANISHED 2", "* 2 FETCH (UID 3 FLAGS (work) MODSEQ (6))"];
    assert_eq!(client.ok("NOOP").await, news);
    let lines = client.ok("SELECT INBOX (QRESYNC (1000 4))").await;
    let news = ["* VANISHED (EARLIER) 2", "* 2 FETCH (UID 3 FLAGS (work) MODSEQ (6))"];
    assert_eq!(lines[lines.len() - 2..], news);
    assert_eq!(lines[0], "* OK [CLOSED] the mailbox selected before is closed");
    let lines = client.ok("SELECT INBOX (QRESYNC (999 4))").await;
    assert!(!lines.iter().any(|line| line.contains("VANISHED")), "another UIDVALIDITY");
    let lines = client.ok("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 4 VANISHED)").await;
    assert_eq!(lines, ["* VANISHED (EARLIER) 2", "* 2 FETCH (UID 3 FLAGS (work) MODSEQ (6))"]);
    let (lines, end) = client.talk("UID STORE 1,3 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)").await;
    assert_eq!(lines, ["* 1 FETCH (UID 1 MODSEQ (7))"]);
    assert!(end.starts_with("OK [MODIFIED 3]"), "{end}");
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    let (lines, end) = client.talk("UID EXPUNGE 1:3").await;
    assert_eq!((lines[0].as_str(), end.as_str()), ("* VANISHED 1", "OK [HIGHESTMODSEQ 9] expunged"));
}

#[tokio::test]
async fn messages_are_copied_moved_and_expunged() {
    let (server, hands) = three().await;
    let mut client = Client::in_inbox(&server).await;
    assert!(client.no("COPY 1 Архив").await.starts_with("NO"));
    client.ok("CREATE &BBAEQARFBDgEMg-").await;
    let (lines, end) = client.talk("COPY 1:2 &BBAEQARFBDgEMg-").await;
    assert!(lines.is_empty() && end.starts_with("OK [COPYUID 1001 1:2 1:2]"), "{end}");
    let lines = client.ok("UID MOVE 1,3 &BBAEQARFBDgEMg-").await;
    assert_eq!(lines, ["* OK [COPYUID 1001 1,3 3:4] moved", "* 3 EXPUNGE", "* 1 EXPUNGE"]);
    assert_eq!(hands.messages(&path("Архив")).iter().map(|seen| seen.uid).collect::<Vec<_>>(), [1, 2, 3, 4]);
    client.ok("SELECT \"&BBAEQARFBDgEMg-\"").await;
    client.ok("STORE 1:2 +FLAGS (\\Deleted)").await;
    assert_eq!(client.ok("UID EXPUNGE 2:9").await, ["* 2 EXPUNGE"]);
    client.ok("CLOSE").await;
    assert_eq!(hands.messages(&path("Архив")).len(), 2);
    assert!(client.no("EXPUNGE").await.starts_with("BAD"));
}

#[tokio::test]
async fn folders_are_listed_with_everything_asked_for() {
    let (server, hands) = three().await;
    let mut client = Client::signed_in(&server).await;
    for name in ["Sent (USE (\\Sent))", "\"a/b \\\"q\\\" \\\\ & % *\"", "inbox/sub", "a/c/"] {
        client.ok(&format!("CREATE {}", name.replace('&', "&-"))).await;
    }
    client.ok("SUBSCRIBE a/c").await;
    client.ok("SUBSCRIBE gone").await;
    let lines = client.ok("LIST \"\" * RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))").await;
    assert_eq!(
        lines,
        [
            "* LIST (\\HasChildren) \"/\" \"INBOX\"",
            "* STATUS \"INBOX\" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 1000)",
            "* LIST (\\HasNoChildren) \"/\" \"INBOX/sub\"",
            "* STATUS \"INBOX/sub\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1003)",
            "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent\"",
            "* STATUS \"Sent\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1001)",
            "* LIST (\\NonExistent \\HasChildren) \"/\" \"a\"",
            "* LIST (\\HasNoChildren) \"/\" \"a/b \\\"q\\\" \\\\ &- % *\"",
            "* STATUS \"a/b \\\"q\\\" \\\\ &- % *\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1002)",
            "* LIST (\\HasNoChildren \\Subscribed) \"/\" \"a/c\"",
            "* STATUS \"a/c\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1004)",
        ]
    );
    assert_eq!(client.ok("LIST \"\" \"\"").await, ["* LIST (\\Noselect) \"/\" \"\""]);
    assert_eq!(client.ok("LIST a/ %").await.len(), 2);
    assert_eq!(client.ok("LSUB \"\" *").await.len(), 2);
    let lines = client.ok("LIST (SUBSCRIBED) \"\" *").await;
    assert_eq!(lines[1], "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" \"gone\"");
    client.ok("RENAME a z").await;
    assert_eq!(hands.folders().last(), Some(&path("z/c")));
    assert!(client.no("RENAME Sent z/c").await.contains("[ALREADYEXISTS]"));
    assert!(client.no("CREATE Sent").await.contains("[ALREADYEXISTS]"));
    assert!(client.no("DELETE INBOX").await.starts_with("NO"));
    client.ok("DELETE z/c").await;
    assert!(client.no("SELECT z/c").await.contains("[NONEXISTENT]"));
    client.ok("RENAME INBOX old").await;
    assert_eq!((hands.messages(&path("old")).len(), hands.messages(&inbox()).len()), (3, 0));
    client.ok("ENABLE UTF8=ACCEPT").await;
    client.ok("CREATE \"Отправленные\"").await;
    let lines = client.ok("LIST \"\" О*").await;
    assert_eq!(lines, ["* LIST (\\HasNoChildren) \"/\" \"Отправленные\""]);
}

#[tokio::test]
async fn a_deleted_mailbox_is_told_with_a_good_bye() {
    let (server, hands) = three().await;
    hands.create(&path("x"), None).unwrap();
    let mut client = Client::signed_in(&server).await;
    client.ok("SELECT x").await;
    hands.delete(&path("x")).unwrap();
    assert_eq!(client.talk("NOOP").await.0, ["* BYE the selected mailbox was deleted"]);
    let mut client = Client::in_inbox(&server).await;
    hands.renumber(&inbox(), 77).unwrap();
    assert_eq!(client.talk("UID FETCH 1 FLAGS").await.0.last().unwrap(), "* BYE the selected mailbox was renumbered");
    let mut client = Client::signed_in(&server).await;
    assert!(client.ok("SELECT INBOX").await.contains(&"* OK [UIDVALIDITY 77] valid".to_owned()));
}

#[tokio::test]
async fn searches_find_what_they_should() {
    let (server, hands) = three().await;
    hands.flag(&inbox(), 2, &["\\Deleted", "work"], &[]).unwrap();
    let mut client = Client::in_inbox(&server).await;
    for (keys, found) in [
        ("ALL", " 1 2 3"),
        ("DELETED", " 2"),
        ("UNDELETED UNSEEN", " 1 3"),
        ("NOT KEYWORD Work", " 1 3"),
        ("OR UID 3 1", " 1 3"),
        ("HEADER subject TWO", " 2"),
        ("(TEXT \"body of o\") ALL", " 1"),
        ("SINCE 18-Jul-1996", ""),
        ("ON 17-Jul-1996", " 1 2 3"),
        ("LARGER 5 SMALLER 10", ""),
        ("UID 2:*", " 2 3"),
    ] {
        assert_eq!(client.ok(&format!("UID SEARCH {keys}")).await, [format!("* SEARCH{found}")], "{keys}");
    }
    let lines = client.ok("UID SEARCH RETURN (ALL COUNT MIN) UNDELETED").await;
    assert_eq!(lines, ["* ESEARCH (TAG \"t\") UID MIN 1 COUNT 2 ALL 1,3"]);
    assert_eq!(client.ok("UID SEARCH RETURN () DRAFT").await, ["* ESEARCH (TAG \"t\") UID"]);
    assert!(client.no("SEARCH CHARSET KOI8-R ALL").await.contains("[BADCHARSET"));
}

#[tokio::test]
async fn extensions_that_are_off_are_neither_told_nor_done() {
    let (server, _) = server_with(Switches { extensions: Extensions::NONE, ..Switches::default() }).await;
    let mut client = Client::connect(&server).await;
    let greeting = client.ok("CAPABILITY").await;
    assert_eq!(greeting, ["* CAPABILITY IMAP4rev1 AUTH=PLAIN CHILDREN"]);
    client.ok("LOGIN alice alice").await;
    client.ok("SELECT INBOX").await;
    for command in [
        "ENABLE QRESYNC",
        "ID NIL",
        "IDLE",
        "NAMESPACE",
        "UID EXPUNGE 1",
        "UID MOVE 1 x",
        "UNSELECT",
        "SELECT INBOX (CONDSTORE)",
        "UID SEARCH RETURN (ALL) ALL",
        "LIST \"\" * RETURN (STATUS (MESSAGES))",
        "APPEND INBOX {1+}\r\nx",
    ] {
        assert!(client.no(command).await.starts_with("BAD"), "{command}");
    }
    client.send("t APPEND INBOX {1}\r\n").await;
    assert!(client.line().await.starts_with('+'));
    client.send("x\r\n").await;
    assert_eq!(client.answer().await.1, "OK appended");
}

#[tokio::test]
async fn the_server_misbehaves_as_it_is_told() {
    let (server, hands) = three().await;
    let fetch = "UID FETCH 1:* (UID INTERNALDATE BODY.PEEK[])";
    server.switch(|switches| {
        switches.unfetchable = vec!["two".to_owned()];
        switches.bad_dates = vec!["three".to_owned()];
    });
    let mut client = Client::in_inbox(&server).await;
    let lines = client.ok(fetch).await;
    let heads: Vec<&String> = lines.iter().filter(|line| line.starts_with('*')).collect();
    assert_eq!(heads.len(), 2);
    assert!(heads[1].contains("UID 3 INTERNALDATE \"00-Jan-0000 00:00:00 +0000\""), "{heads:?}");
    assert_eq!(server.count("BODY"), 2);

    server.switch(|switches| switches.lying_literals = vec![("one".to_owned(), 5)]);
    let size = mail("one").len() + 5;
    let lines = client.ok("UID FETCH 1 BODY.PEEK[]").await;
    assert_eq!(lines[0], format!("* 1 FETCH (UID 1 BODY[] {{{size}}}"));

    server.switch(|switches| switches.poison = vec!["three".to_owned()]);
    let (lines, end) = client.talk(fetch).await;
    assert!(end.is_empty(), "the connection ended");
    assert!(lines.concat().len() > 60, "after the messages before the poisoned one");

    let omitted = Omitted { uids: [2].into(), consistently: false };
    server.switch(|switches| _ = switches.omitted.insert(inbox(), omitted));
    let mut client = Client::signed_in(&server).await;
    assert!(client.ok("SELECT INBOX").await.contains(&"* 3 EXISTS".to_owned()));
    assert_eq!(client.ok("UID FETCH 1:* (UID)").await, ["* 1 FETCH (UID 1)", "* 3 FETCH (UID 3)"]);
    server.switch(|switches| switches.omitted.values_mut().for_each(|omitted| omitted.consistently = true));
    assert!(client.ok("SELECT INBOX").await.contains(&"* 2 EXISTS".to_owned()));
    assert_eq!(client.ok("UID SEARCH ALL").await, ["* SEARCH 1 3"]);

    server.switch(|switches| {
        switches.cannot_select.insert(inbox());
        switches.unlisted.insert(path("hidden"));
    });
    hands.create(&path("hidden"), None).unwrap();
    assert_eq!(client.no("SELECT INBOX").await, "NO this mailbox cannot be opened");
    assert_eq!(client.ok("LIST \"\" *").await.len(), 1);
}

#[tokio::test]
async fn an_appended_message_may_appear_late() {
    let (server, hands) = server_with(Switches { index_lag: IndexLag::UntilReleased, ..Switches::default() }).await;
    let mut client = Client::in_inbox(&server).await;
    let mail = mail("late");
    let (lines, end) = client.talk(&format!("APPEND INBOX {{{}+}}\r\n{mail}", mail.len())).await;
    assert!(lines.is_empty() && end.starts_with("OK [APPENDUID 1000 1]"), "{end}");
    assert_eq!(client.ok("UID SEARCH ALL").await, ["* SEARCH"]);
    hands.release_index();
    assert_eq!(client.ok("NOOP").await, ["* 1 EXISTS"]);
}

#[tokio::test]
async fn scripted_answers_come_once() {
    let (server, hands) = three().await;
    let mut client = Client::in_inbox(&server).await;
    server.script("UID STORE", Reaction::No("[CANNOT] not today".to_owned()));
    assert_eq!(client.no("UID STORE 1 FLAGS (a)").await, "NO [CANNOT] not today");
    client.ok("UID STORE 1 FLAGS (a)").await;
    server.script("APPEND", Reaction::DisconnectAfter);
    assert_eq!(client.talk("APPEND INBOX {1+}\r\nx").await, (vec![], String::new()));
    assert_eq!(hands.messages(&inbox()).len(), 4);
    server.script("APPEND", Reaction::Disconnect);
    let mut client = Client::signed_in(&server).await;
    assert_eq!(client.talk("APPEND INBOX {1+}\r\nx").await.1, "");
    assert_eq!(hands.messages(&inbox()).len(), 4);
    let mut client = Client::signed_in(&server).await;
    server.disconnect_all();
    assert!(client.at_end().await);
}

#[tokio::test]
async fn nonsense_is_answered_and_survived() {
    let (server, _) = three().await;
    let mut client = Client::in_inbox(&server).await;
    for command in [
        "",
        "FETCH",
        "UID",
        "UID FETCH x (FLAGS)",
        "FETCH 1 (BODY.PEEK[HEADER.FIELDS (A)",
        "FETCH 1 ENVELOPE",
        "SELECT \"INBOX",
        "STORE 1 +FLAGS (\\Seen",
        "SEARCH",
        "SEARCH ((((",
        "APPEND INBOX",
        "LIST",
        "CREATE \"a//b\"",
        "FETCH 4294967295:1 (FLAGS)",
        "\u{0} \u{1}",
        "COPY 1 INBOX extra",
    ] {
        client.no(command).await;
    }
    assert_eq!(client.ok("UID SEARCH ALL").await, ["* SEARCH 1 2 3"]);
}
