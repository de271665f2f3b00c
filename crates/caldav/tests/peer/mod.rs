//! A CalDAV server that says word for word what a script tells, and wants to be asked for it in that order.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use parom_caldav::{CalDavAgenda, ServerSettings};
use parom_net::http::{Identity, Patience, Target};
use parom_net::{AllowList, Dialer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One exchange: all of this must be in the request, and so it is answered. In the answer `$` stands for the server's port.
pub struct Exchange {
    expected: Vec<&'static str>,
    head: String,
    body: String,
}

impl Exchange {
    fn answer(&self, port: u16) -> String {
        let (head, body) = (self.head.replace('$', &port.to_string()), self.body.replace('$', &port.to_string()));
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
    }
}

/// `expected`: parts of the request, separated by ` | `; the first is its beginning.
pub fn on(expected: &'static str, status: &str, headers: &str, body: &str) -> Exchange {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for header in headers.split('|').map(str::trim).filter(|header| !header.is_empty()) {
        head.push_str(header);
        head.push_str("\r\n");
    }
    Exchange { expected: expected.split(" | ").collect(), head, body: body.to_owned() }
}

/// A 207 with these responses and whatever else.
pub fn multi(expected: &'static str, inside: &str) -> Exchange {
    let body = format!(
        "<d:multistatus xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:cs=\"http://calendarserver.org/ns/\">{inside}</d:multistatus>"
    );
    on(expected, "207 Multi-Status", "", &body)
}

/// A response with properties that were found.
pub fn found(href: &str, properties: &str) -> String {
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{properties}</d:prop>\
         <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

/// A response with a status.
pub fn status(href: &str, status: &str) -> String {
    format!("<d:response><d:href>{href}</d:href><d:status>HTTP/1.1 {status}</d:status></d:response>")
}

pub fn error(condition: &str) -> String {
    format!("<d:error xmlns:d=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><{condition}/></d:error>")
}

pub const CALENDAR: &str = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>";
pub const COLLECTION: &str = "<d:resourcetype><d:collection/></d:resourcetype>";

/// How an account finds its home, at a server that calls itself so and has these classes.
pub fn way(server: &str, dav: &str) -> Vec<Exchange> {
    let home = "<c:calendar-home-set><d:href>/anna/</d:href></c:calendar-home-set>\
                <c:calendar-user-address-set><d:href>mailto:Anna@corp.example</d:href></c:calendar-user-address-set>";
    vec![
        multi("PROPFIND /anna/ | depth: 0", &found("/anna/", home)),
        on("OPTIONS /anna/", "200 OK", &format!("Server: {server} | DAV: {dav}"), ""),
    ]
}

/// The usual way, and where the calendar `/anna/c/` stands.
pub fn begun(state: &str) -> Vec<Exchange> {
    let mut all = way("test", "1, calendar-access");
    all.push(multi("PROPFIND /anna/c/ | depth: 0 | getctag", &found("/anna/c/", &format!("{CALENDAR}{state}"))));
    all
}

pub struct Peer {
    pub port: u16,
    script: Arc<Mutex<VecDeque<Exchange>>>,
    faults: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub async fn start(script: Vec<Exchange>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (script, faults) = (Arc::new(Mutex::new(VecDeque::from(script))), Arc::new(Mutex::new(Vec::new())));
        let (lines, notes) = (script.clone(), faults.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(follow(stream, port, lines.clone(), notes.clone()));
            }
        });
        Peer { port, script, faults }
    }

    pub fn agenda(&self) -> CalDavAgenda {
        self.agenda_with(|_| {})
    }

    pub fn agenda_with(&self, change: impl FnOnce(&mut ServerSettings)) -> CalDavAgenda {
        let dialer = Dialer::new(AllowList::of(["127.0.0.1"]), Duration::from_secs(20));
        let target = Target { host: "127.0.0.1".into(), port: self.port, tls: None };
        let mut settings = ServerSettings::new(dialer, target);
        settings.start = "/anna/".to_owned();
        settings.patience = Patience { answer: Duration::from_secs(10), ..Patience::default() };
        change(&mut settings);
        let identity = Identity::Basic { user: "anna".into(), password: "sesame".into() };
        CalDavAgenda::new(Arc::new(settings), identity, "anna")
    }

    /// Every line of the script must have been asked for, and nothing else.
    pub fn finished(self) {
        assert_eq!(*self.faults.lock().unwrap(), Vec::<String>::new());
        let left: Vec<Vec<&str>> = self.script.lock().unwrap().iter().map(|it| it.expected.clone()).collect();
        assert!(left.is_empty(), "never asked for: {left:?}");
    }
}

async fn follow(
    mut stream: TcpStream,
    port: u16,
    script: Arc<Mutex<VecDeque<Exchange>>>,
    faults: Arc<Mutex<Vec<String>>>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = request(&mut stream, &mut buffer).await {
        let next = script.lock().unwrap().pop_front();
        let answer = match next {
            Some(exchange) if fits(&request, &exchange.expected) => exchange.answer(port),
            other => {
                let expected = other.map(|it| it.expected);
                faults.lock().unwrap().push(format!("expected {expected:?}, the client said {request}"));
                "HTTP/1.1 599 Not in the script\r\nContent-Length: 0\r\n\r\n".to_owned()
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn fits(request: &str, expected: &[&str]) -> bool {
    request.starts_with(&format!("{} ", expected[0])) && expected[1..].iter().all(|part| request.contains(part))
}

/// One request; header names come in small letters from our client.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let whole = end + 4 + length.map_or(0, |length| length.trim().parse().unwrap());
            if buffer.len() >= whole {
                let request = String::from_utf8_lossy(&buffer[..whole]).into_owned();
                buffer.drain(..whole);
                return Some(request);
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
