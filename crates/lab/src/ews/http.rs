//! HTTP/1.1 as far as clients of EWS and CalDAV need it: requests with a length or in chunks, connections that stay open,
//! answers whole or as a stream of chunks.

use std::future::Future;
use std::io;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// More than IIS takes by default would be 30 MB; attachments of 20 MB grow by a third.
const MOST_BYTES: usize = 64 << 20;
const MOST_HEADERS: usize = 100;

pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

pub enum Body {
    Whole(String),
    /// Each a chunk; the answer ends with an empty one. A sender that is gone before takes the connection with it.
    Stream(mpsc::Receiver<String>),
    /// The connection ends without a word.
    Broken,
}

impl Reply {
    pub fn new(status: u16, body: String) -> Reply {
        Reply { status, headers: Vec::new(), body: Body::Whole(body) }
    }

    pub fn header(mut self, name: &'static str, value: impl ToString) -> Reply {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Serves one connection until either side has enough.
pub async fn serve<F: Future<Output = Reply>>(stream: TcpStream, answer: impl Fn(Request) -> F) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let wants_close = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let reply = answer(request).await;
        let says_close = reply.headers.iter().any(|(name, value)| *name == "Connection" && value == "close");
        let is_whole = write(&mut stream, reply, wants_close && !says_close).await?;
        if wants_close || says_close || !is_whole {
            break;
        }
    }
    stream.shutdown().await
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let limit = 65_536;
    if (&mut *stream).take(limit).read_until(b'\n', &mut bytes).await? == 0 {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(bad("a header line without end"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map(Some).map_err(|_| bad("a header that is not text"))
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let Some(first) = line(stream).await? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(path), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err(bad("a request line of other shape"));
    };
    let mut request =
        Request { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() };
    if version == "HTTP/1.0" {
        request.headers.push(("connection".to_owned(), "close".to_owned()));
    }
    loop {
        let header = line(stream).await?.ok_or_else(|| bad("headers without end"))?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or_else(|| bad("a header without colon"))?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        if request.headers.len() > MOST_HEADERS {
            return Err(bad("too many headers"));
        }
    }
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(stream).await?.ok_or_else(|| bad("chunks without end"))?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| bad("a chunk without size"))?;
            add(stream, &mut request.body, size).await?;
            let _ = line(stream).await?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(size) = request.header("content-length") {
        let size = size.parse().map_err(|_| bad("a length that is no number"))?;
        add(stream, &mut request.body, size).await?;
    }
    Ok(Some(request))
}

async fn add(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>, size: usize) -> io::Result<()> {
    let start = body.len();
    let end = start.checked_add(size).filter(|end| *end <= MOST_BYTES).ok_or_else(|| bad("too large a body"))?;
    body.resize(end, 0);
    stream.read_exact(body.get_mut(start..).unwrap_or_default()).await?;
    Ok(())
}

/// Says whether the connection may go on.
async fn write(stream: &mut BufReader<TcpStream>, reply: Reply, closes: bool) -> io::Result<bool> {
    let reason = match reply.status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        207 => "Multi-Status",
        301 => "Moved Permanently",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Other",
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if closes {
        head += "Connection: close\r\n";
    }
    match reply.body {
        Body::Whole(body) => {
            // RFC 9110 section 8.6: an answer without content has no length either.
            if reply.status != 204 {
                head += &format!("Content-Length: {}\r\n", body.len());
            }
            head += "\r\n";
            stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
            Ok(true)
        }
        Body::Stream(mut chunks) => {
            head += "Transfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            let mut byte = [0_u8; 1];
            loop {
                let chunk = tokio::select! {
                    chunk = chunks.recv() => chunk,
                    // A client that has gone away, or says more before the answer ended.
                    _ = stream.read(&mut byte) => return Ok(false),
                };
                let Some(chunk) = chunk else { return Ok(false) };
                if chunk.is_empty() {
                    break;
                }
                stream.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await?;
                stream.flush().await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
            Ok(true)
        }
        Body::Broken => Ok(false),
    }
}
