//! A client that says what it is told to say.

use parom_lab::caldav::{CalDav, Config, Person};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn etag(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("ETag: "))
    }
}

pub async fn server() -> CalDav {
    let config = Config::plain().with(Person::new("anna", "anna")).with(Person::new("boris", "boris"));
    CalDav::start(config).await.unwrap()
}

/// One request of a person, over a connection of its own. `None` where the server hung up.
pub async fn try_ask(addr: SocketAddr, who: &str, line: &str, headers: &str, body: &str) -> Option<Answer> {
    use base64::Engine;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{who}:{who}"));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let text = format!(
        "{line} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nAuthorization: Basic {login}\r\nContent-Length: {}\r\n\
         {headers}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

pub async fn ask(dav: &CalDav, line: &str, headers: &str, body: &str) -> Answer {
    try_ask(dav.addr(), "anna", line, headers, body).await.unwrap()
}

/// An event, with further lines.
pub fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20260302T100000Z\r\nDTEND:20260302T110000Z\r\nSUMMARY:{uid}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}
