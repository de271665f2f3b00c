//! A server that says word for word what a script tells, and wants to be asked for it in that order.

#![allow(dead_code, clippy::unwrap_used)]

use bytes::Bytes;
use parom_domain::endpoint::{Letter, LetterBody};
use parom_domain::{FolderPath, Marks, Uid, UidSet};
use parom_imap::{ImapEndpoint, Login, Mechanism, ServerSettings};
use parom_net::{AllowList, Dialer, Secret, TlsMode, TlsPolicy, Trust};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One exchange: what the client's next command must contain, and the answer, in which `$` stands for the tag.
pub type Exchange = (&'static str, &'static str);

pub const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN UIDPLUS MOVE MULTIAPPEND] ready\r\n";
pub const WELCOME: Exchange =
    ("AUTHENTICATE PLAIN AHVzZXIAc2VzYW1l", "$ OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS MOVE MULTIAPPEND] in\r\n");
pub const LIST: Exchange = ("LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\n$ OK done\r\n");
pub const LSUB: Exchange = ("LSUB \"\" \"*\"", "$ OK done\r\n");
pub const NOTHING: &str = "";

/// A server that follows one script for each connection.
pub struct Peer {
    port: u16,
    task: JoinHandle<()>,
}

impl Peer {
    pub async fn start(scripts: Vec<(&'static str, Vec<Exchange>)>) -> Peer {
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
    pub async fn with_inbox(script: Vec<Exchange>) -> Peer {
        let mut whole = vec![WELCOME, LIST, LSUB];
        whole.extend(script);
        Peer::start(vec![(GREETING, whole)]).await
    }

    pub fn endpoint(&self) -> ImapEndpoint {
        self.endpoint_with(TlsMode::None, Mechanism::Auto, Duration::from_secs(30))
    }

    pub fn endpoint_with(&self, tls: TlsMode, mechanism: Mechanism, patience: Duration) -> ImapEndpoint {
        let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(20));
        let mut settings =
            ServerSettings::new("127.0.0.1", self.port, tls, Trust::System, TlsPolicy::Modern, dialer).unwrap();
        settings.deadlines.command = patience;
        let login = Login { user: "user".into(), authzid: String::new(), password: Secret::from("sesame"), mechanism };
        ImapEndpoint::new(Arc::new(settings), login, 1)
    }

    /// Every line of the scripts must have been asked for, and nothing else.
    pub async fn finished(self) {
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

pub const SELECTED: &str = "* FLAGS (\\Seen \\Deleted)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 5] v\r\n* OK [UIDNEXT 10] n\r\n$ OK [READ-WRITE] open\r\n";

pub fn uids(set: &[u32]) -> UidSet {
    set.iter().filter_map(|uid| Uid::new(*uid)).collect()
}

pub fn letter(text: &'static str) -> Letter {
    let body = LetterBody::Small(Bytes::from_static(text.as_bytes()));
    Letter { marks: Marks::default(), date: None, body }
}

pub fn inbox() -> FolderPath {
    FolderPath::inbox()
}
