//! Python's imaplib as a test sees it: calls go in, and what came over the wire comes out.

use parom_domain::{FolderPath, InternalDate};
use parom_lab::exchange::{ExchangeConfig, ExchangeServer, Outlook, Person, Quirks, Version};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

pub const DATE: InternalDate = InternalDate { unix_s: 1_700_000_000, offset_min: 180 };

/// How a call ended, and what the server said.
#[derive(Debug)]
pub struct Answer {
    pub word: String,
    pub heard: String,
}

impl Answer {
    pub fn is(&self, word: &str) -> bool {
        self.word == word
    }

    pub fn says(&self, text: &str) -> bool {
        self.heard.contains(text)
    }

    /// The lines that begin like this, without their line ends.
    pub fn lines(&self, start: &str) -> Vec<&str> {
        self.heard.split("\r\n").filter(|line| line.starts_with(start)).collect()
    }

    /// The number behind this text.
    pub fn number(&self, before: &str) -> u64 {
        let (_, rest) = self.heard.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {self:?}"));
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("no number behind {before:?} in {self:?}"))
    }
}

/// A process that runs the driver. It serves one test after another, because Python is slow to start.
struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

static IDLE: Mutex<Vec<Python>> = Mutex::new(Vec::new());

impl Python {
    fn take() -> Python {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(Python::start)
    }

    /// It ends when its input does, with the tests at the latest.
    fn start() -> Python {
        let mut python = Command::new("python3");
        python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchange/imaplib_driver.py"));
        python.env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3 is needed to run this test");
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Python { child, input, output: BufReader::new(output) }
    }

    /// `None` when the process has failed.
    fn call(&mut self, call: &str) -> Option<Answer> {
        writeln!(self.input, "({call},)").ok()?;
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        let (word, hex) = line.trim_end_matches('\n').split_once(' ')?;
        let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
        Some(Answer { word: word.to_owned(), heard: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection.
pub struct Imaplib {
    /// `None` only while it is dropped.
    python: Option<Python>,
    /// What the connection began with.
    pub began: Answer,
}

impl Imaplib {
    pub fn connect(addr: SocketAddr) -> Imaplib {
        let mut python = Python::take();
        let began = python.call(&format!("'connect', {}", addr.port())).expect("the driver ended");
        Imaplib { python: Some(python), began }
    }

    /// Signed in as alice.
    pub fn alice(exchange: &ExchangeServer) -> Imaplib {
        let mut imap = Imaplib::connect(exchange.addr());
        imap.ok("'login', 'alice', 'alice'");
        imap
    }

    /// In her inbox.
    pub fn in_inbox(exchange: &ExchangeServer) -> Imaplib {
        let mut imap = Imaplib::alice(exchange);
        imap.ok("'select'");
        imap
    }

    /// Calls a method: its name and arguments as Python writes them.
    pub fn call(&mut self, call: &str) -> Answer {
        self.python.as_mut().unwrap().call(call).unwrap_or_else(|| panic!("the driver ended at {call}"))
    }

    pub fn ok(&mut self, call: &str) -> Answer {
        let answer = self.call(call);
        assert!(answer.is("OK"), "{call}: {answer:?}");
        answer
    }
}

impl Drop for Imaplib {
    fn drop(&mut self) {
        if let Some(mut python) = self.python.take()
            && python.call("'hang_up'").is_some()
        {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(python);
        }
    }
}

/// An Exchange without faults but those that are asked for, with alice, bob and a service account that may open both.
pub async fn exchange(version: Version, change: impl FnOnce(&mut Quirks)) -> ExchangeServer {
    let mut config = ExchangeConfig::new(version);
    config.quirks = Quirks::none();
    change(&mut config.quirks);
    config.people = vec![Person::new("alice"), Person::new("bob").on("DB2"), Person::new("svc")];
    let exchange = ExchangeServer::start(config).await.unwrap();
    exchange.grant("svc", "alice");
    exchange.grant("svc", "bob");
    exchange
}

pub fn outlook(exchange: &ExchangeServer) -> Outlook {
    exchange.outlook("alice").unwrap()
}

pub fn inbox() -> FolderPath {
    FolderPath::inbox()
}

pub fn folder(name: &str) -> FolderPath {
    FolderPath::new([name]).unwrap()
}

pub fn mail(subject: &str) -> String {
    format!(
        "Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\nSubject: {subject}\r\nFrom: b@corp.example\r\n\
         Message-ID: <{subject}@corp.example>\r\nX-Own: kept\r\n\r\nbody of {subject}\r\n"
    )
}

/// Puts mail with these subjects into alice's inbox.
pub fn seed(exchange: &ExchangeServer, subjects: &[&str]) -> Vec<u32> {
    let hands = outlook(exchange).hands();
    subjects.iter().map(|subject| hands.add(&inbox(), mail(subject), &[], DATE).unwrap()).collect()
}
