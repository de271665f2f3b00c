//! What a phone says to a CalDAV server: one request over a connection of its own, which shares nothing with our client.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Servers take their time over what is large.
const PATIENCE: Duration = Duration::from_secs(600);

pub struct Answer {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: String,
}

impl Answer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.into_iter().find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value.trim()))
    }
}

/// Asks the server at this port of loopback. `headers` are lines with their ends.
///
/// # Errors
/// Those of the connection, and what is no answer: a server that is just being restarted hangs up.
pub fn request(
    port: u16,
    (user, password): (&str, &str),
    (method, path): (&str, &str),
    headers: &str,
    body: &str,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let login = STANDARD.encode(format!("{user}:{password}"));
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\n\
         Content-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
