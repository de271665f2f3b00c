//! The endpoint against servers that misbehave, word for word as written down here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::Bytes;
use parom_domain::endpoint::{
    BatchOutcome, Body, BodyStream, Cursor, Endpoint, Item, Letter, LetterBody, LookAt, Looked, ReadFrom,
};
use parom_domain::{Code, FolderPath, Marks, Scope, Uid, UidSet};
use parom_imap::{ImapEndpoint, Login, Mechanism, ServerSettings};
use parom_net::{AllowList, Dialer, Secret, TlsMode, TlsPolicy, Trust};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One exchange: what the client's next command must contain, and the answer, in which `$` stands for the tag.
type Exchange = (&'static str, &'static str);

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN UIDPLUS MOVE MULTIAPPEND] ready\r\n";
const WELCOME: Exchange =
    ("AUTHENTICATE PLAIN AHVzZXIAc2VzYW1l", "$ OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MOVE MULTIAPPEND] in\r\n");
const LIST: Exchange = ("LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\n$ OK done\r\n");
const LSUB: Exchange = ("LSUB \"\" \"*\"", "$ OK done\r\n");
const NOTHING: &str = "";

/// A server that follows one script for each connection.
struct Peer {
    port: u16,
    task: JoinHandle<()>,
}

impl Peer {
    async fn start(scripts: Vec<(&'static str, Vec<Exchange>)>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            for (greeting, script) in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                follow(stream, greeting, &script).await;
            }
        });
        Peer { port, task }
    }

    /// A server that greets, lets in, and lists an inbox; then it follows the script.
    async fn with_inbox(script: Vec<Exchange>) -> Peer {
        let mut whole = vec![WELCOME, LIST, LSUB];
        whole.extend(script);
        Peer::start(vec![(GREETING, whole)]).await
    }

    fn endpoint(&self) -> ImapEndpoint {
        self.endpoint_with(TlsMode::None, Mechanism::Auto, Duration::from_secs(30))
    }

    fn endpoint_with(&self, tls: TlsMode, mechanism: Mechanism, patience: Duration) -> ImapEndpoint {
        let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(20));
        let mut settings =
            ServerSettings::new("127.0.0.1", self.port, tls, Trust::System, TlsPolicy::Modern, dialer).unwrap();
        settings.deadlines.command = patience;
        let login = Login { user: "user".into(), authzid: String::new(), password: Secret::from("sesame"), mechanism };
        ImapEndpoint::new(Arc::new(settings), login, 1)
    }

    /// Every line of the scripts must have been asked for, and nothing else.
    async fn finished(self) {
        self.task.await.unwrap();
    }
}

async fn follow(stream: TcpStream, greeting: &str, script: &[Exchange]) {
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await.unwrap();
    let mut tag = String::new();
    for (expected, answer) in script {
        let command = command(&mut stream).await;
        assert!(command.contains(expected), "expected {expected:?}, the client said {command:?}");
        if let Some((first, _)) = command.split_once(' ') {
            tag = first.to_owned();
        }
        let answer = answer.replace('$', &tag);
        stream.write_all(answer.as_bytes()).await.unwrap();
        if answer.contains("* BYE") {
            return;
        }
    }
    // What comes after the script must be a good-bye.
    let rest = command(&mut stream).await;
    assert!(rest.is_empty() || rest.contains("LOGOUT"), "the script is over, the client said {rest:?}");
}

/// One command with its non-synchronising literals; empty when the client has gone.
async fn command(stream: &mut BufReader<TcpStream>) -> String {
    let mut text = Vec::new();
    loop {
        if stream.read_until(b'\n', &mut text).await.unwrap_or(0) == 0 {
            return String::new();
        }
        let line = String::from_utf8_lossy(&text).trim_end().to_owned();
        let literal = line.strip_suffix("+}").and_then(|line| line.rsplit_once('{')).map(|(_, size)| size.to_owned());
        let Some(size) = literal else { return line };
        let mut body = vec![0; size.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        text.extend_from_slice(&body);
    }
}

const SELECTED: &str = "* FLAGS (\\Seen \\Deleted)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n$ OK [READ-WRITE] open\r\n";

fn uids(set: &[u32]) -> UidSet {
    set.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

fn letter(text: &'static str) -> Letter {
    let body = LetterBody::Small(Bytes::from_static(text.as_bytes()));
    Letter { marks: Marks::default(), date: None, body }
}

fn inbox() -> FolderPath {
    FolderPath::inbox()
}

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
    let list =
        ("STATUS (MESSAGES UIDNEXT UIDVALIDITY))", "* LIST () \"/\" INBOX\r\n* LIST () \"/\" a\r\n$ OK done\r\n");
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
async fn bytes_behind_the_answer_to_starttls_are_refused() {
    let script = vec![("STARTTLS", "$ OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")];
    let peer = Peer::start(vec![(GREETING, script)]).await;
    let endpoint = peer.endpoint_with(TlsMode::StartTls, Mechanism::Auto, Duration::from_secs(30));
    assert_eq!(endpoint.folders().await.err().unwrap().code(), Code::ProtocolError);
    peer.finished().await;
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_password() {
    let peer = Peer::start(vec![(GREETING, vec![("STARTTLS", "$ BAD what\r\n")])]).await;
    let endpoint = peer.endpoint_with(TlsMode::StartTls, Mechanism::Auto, Duration::from_secs(30));
    assert_eq!(endpoint.folders().await.err().unwrap().code(), Code::NoTls);
    peer.finished().await;
}

#[tokio::test]
async fn a_refused_token_is_told_after_the_empty_line_that_the_server_waits_for() {
    let greeting = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready\r\n";
    let script = vec![("AUTHENTICATE XOAUTH2 ", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"), ("", "a1 NO refused\r\n")];
    let peer = Peer::start(vec![(greeting, script)]).await;
    let endpoint = peer.endpoint_with(TlsMode::None, Mechanism::XOAuth2, Duration::from_secs(30));
    assert_eq!(endpoint.folders().await.err().unwrap().code(), Code::SignInRefused);
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
    ])
    .await;
    let endpoint = peer.endpoint();
    let other = FolderPath::new(["Other"]).unwrap();
    assert!(endpoint.shift(&inbox(), 5, &uids(&[1, 2]), &other).await.unwrap().is_empty());
    let moved = endpoint.shift(&inbox(), 5, &uids(&[3, 7]), &other).await.unwrap();
    assert_eq!(moved, [(Uid::new(7).unwrap(), Uid::new(21)), (Uid::new(3).unwrap(), Uid::new(22))]);
    drop(endpoint);
    peer.finished().await;
}

#[tokio::test]
async fn l11_without_uidplus_the_mail_that_others_marked_as_deleted_stays() {
    let caps = "$ OK [CAPABILITY IMAP4rev1] in\r\n";
    let script = |found: &'static str| {
        vec![
            (WELCOME.0, caps),
            LIST,
            LSUB,
            ("SELECT", SELECTED),
            ("UID STORE 2 +FLAGS.SILENT (\\Deleted)", "$ OK\r\n"),
            ("UID SEARCH DELETED", found),
        ]
    };
    let peer = Peer::start(vec![(GREETING, script("* SEARCH 2 3\r\n$ OK\r\n"))]).await;
    let endpoint = peer.endpoint();
    let error = endpoint.expunge(&inbox(), 5, &uids(&[2])).await.err().unwrap();
    assert_eq!((error.code(), error.scope()), (Code::ChangeRefused, Scope::Folder));
    drop(endpoint);
    peer.finished().await;

    let mut alone = script("* SEARCH 2\r\n$ OK\r\n");
    alone.push(("EXPUNGE", "* 2 EXPUNGE\r\n$ OK\r\n"));
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
        ("UID EXPUNGE 2,7", "* 2 EXPUNGE\r\n$ OK\r\n"),
    ])
    .await;
    let endpoint = peer.endpoint();
    endpoint.expunge(&inbox(), 5, &uids(&[2, 7])).await.unwrap();
    drop(endpoint);
    peer.finished().await;
}

// Several folders in one flight.

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
