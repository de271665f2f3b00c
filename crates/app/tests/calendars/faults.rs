//! What stands between the binary and its CalDAV server: it answers in the server's place, or spoils an answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Changes the head and the body of an answer.
type Spoiler = dyn Fn(&mut String, &mut String) + Send;

/// What becomes of a request.
pub enum Fault {
    /// It never gets to the server: this status with these headers and this body comes back.
    Answer { status: u16, headers: &'static str, body: String },
    /// The connection ends without an answer.
    HangUp,
    /// The same, after this was done.
    Last(Box<dyn Fn() + Send>),
    /// The server answers, and this is done to the answer's head and body.
    Spoil(Box<Spoiler>),
    /// Somebody is quicker: this is done before the server gets it.
    First(Box<dyn Fn() + Send>),
}

struct Rule {
    method: &'static str,
    /// All of these are in the request, head or body; of words with a bar between them one is enough.
    words: Vec<String>,
    /// So often; each time counts.
    times: usize,
    fault: Fault,
}

type Rules = Arc<Mutex<Vec<Rule>>>;

pub struct Faults {
    pub port: u16,
    rules: Rules,
}

impl Faults {
    /// In front of the server at this port. It ends with the process.
    pub fn before(server: u16) -> Faults {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = Rules::default();
        let kept = rules.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let rules = kept.clone();
                std::thread::spawn(move || serve(stream, server, &rules));
            }
        });
        Faults { port, rules }
    }

    /// Requests of this method with all these words fare so, this many times.
    pub fn on(&self, method: &'static str, words: &[&str], times: usize, fault: Fault) {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        lock(&self.rules).push(Rule { method, words, times, fault });
    }

    pub fn answer(&self, method: &'static str, words: &[&str], times: usize, status: u16, body: &str) {
        self.on(method, words, times, Fault::Answer { status, headers: "", body: body.to_owned() });
    }

    /// From now on everything goes through. How often each fault is still to come.
    pub fn mend(&self) -> Vec<usize> {
        lock(&self.rules).drain(..).map(|rule| rule.times).collect()
    }
}

pub const ALWAYS: usize = usize::MAX;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, server: u16, rules: &Rules) {
    let mut buffer = Vec::new();
    while let Some(request) = request(&mut stream, &mut buffer) {
        let Some(answer) = answer(&request, server, rules) else { return };
        let Ok(()) = stream.write_all(&answer) else { return };
    }
}

/// `None`: there is none.
fn answer(request: &[u8], server: u16, rules: &Rules) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(request).into_owned();
    let mut rules = lock(rules);
    let fits = |rule: &&mut Rule| {
        rule.times > 0
            && text.starts_with(&format!("{} ", rule.method))
            && rule.words.iter().all(|words| words.split('|').any(|word| text.contains(word)))
    };
    let Some(rule) = rules.iter_mut().find(fits) else {
        drop(rules);
        return Some(forwarded(request, server));
    };
    if rule.times != ALWAYS {
        rule.times -= 1;
    }
    Some(match &rule.fault {
        Fault::HangUp => return None,
        Fault::Last(act) => {
            act();
            return None;
        }
        Fault::Answer { status, headers, body } => whole(&format!("HTTP/1.1 {status} Said\r\n{headers}"), body),
        Fault::Spoil(spoil) => {
            let answer = forwarded(request, server);
            let answer = String::from_utf8_lossy(&answer).into_owned();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let kept = head.lines().filter(|line| !line.to_lowercase().starts_with("content-length:"));
            let (mut head, mut body) = (kept.map(|line| format!("{line}\r\n")).collect::<String>(), body.to_owned());
            spoil(&mut head, &mut body);
            whole(&head, &body)
        }
        Fault::First(act) => {
            act();
            drop(rules);
            forwarded(request, server)
        }
    })
}

fn whole(head: &str, body: &str) -> Vec<u8> {
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The server's answer, whole. It is asked over a connection of its own, which it closes.
fn forwarded(request: &[u8], server: u16) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", server)).unwrap();
    let line = request.windows(2).position(|it| it == b"\r\n").unwrap() + 2;
    stream.write_all(&request[..line]).unwrap();
    stream.write_all(b"Connection: close\r\n").unwrap();
    stream.write_all(&request[line..]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // What was closed is this connection, and not the client's.
    let close = b"Connection: close\r\n";
    if let Some(at) = answer.windows(close.len()).position(|it| it == close) {
        answer.drain(at..at + close.len());
    }
    answer
}

/// One request; header names come in small letters from our client.
fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let whole = end + 4 + length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
            if buffer.len() >= whole {
                return Some(buffer.drain(..whole).collect());
            }
        }
        let mut some = [0; 65_536];
        match stream.read(&mut some) {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&some[..read]),
        }
    }
}
