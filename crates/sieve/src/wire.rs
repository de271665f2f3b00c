//! Lines of tokens over a connection, each within a deadline.

use crate::tokens::{Token, cut};
use bytes::{Buf, BytesMut};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::Stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// A connection that is being spoken over.
pub struct Wire {
    stream: Stream,
    buffer: BytesMut,
    host: Arc<str>,
    patience: Duration,
    /// What the server is asked for now, for errors.
    pub command: &'static str,
}

impl Wire {
    pub fn new(stream: Stream, host: Arc<str>, patience: Duration) -> Wire {
        Wire { stream, buffer: BytesMut::new(), host, patience, command: "greeting" }
    }

    /// The connection itself, for TLS. What the server has said beyond its answer is forgotten: it was said in the clear
    /// (RFC 5804 section 2.2).
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.patience, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(parom_net::broken(&self.host, error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// The next line.
    pub async fn line(&mut self) -> Result<Vec<Token>> {
        loop {
            match cut(&self.buffer) {
                Ok(Some((tokens, used))) => {
                    self.buffer.advance(used);
                    return Ok(tokens);
                }
                Ok(None) => {}
                Err(garbage) => return Err(self.nonsense(garbage.0)),
            }
            match timeout(self.patience, self.stream.read_buf(&mut self.buffer)).await {
                Ok(Ok(0)) => return Err(parom_net::closed(&self.host, "the server closed it")),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(parom_net::broken(&self.host, error)),
                Err(_) => return Err(self.timed_out()),
            }
        }
    }

    /// What is no ManageSieve.
    pub fn nonsense(&self, detail: &str) -> Error {
        Error::new(Code::AnswerUnexpected, Scope::Server, Retry::WhenFixed)
            .with("host", &self.host)
            .with("answer", format!("{detail} ({})", self.command))
    }

    fn timed_out(&self) -> Error {
        parom_net::timed_out(&self.host, self.patience, self.command)
    }
}

/// A string as a client says it: quoted where it is short and of one line, else a literal that is sent without waiting.
pub fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    let is_plain = text.len() <= 1024 && !text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    if is_plain && std::str::from_utf8(text).is_ok() {
        out.push(b'"');
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(format!("{{{}+}}\r\n", text.len()).as_bytes());
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_string_arrives_as_it_was_sent(text: Vec<u8>, likely in "[a\"\\\\ж\r\n{}+]{0,20}") {
            for text in [text.as_slice(), likely.as_bytes()] {
                let mut out = Vec::new();
                push_string(&mut out, text);
                out.extend_from_slice(b"\r\n");
                let (tokens, used) = cut(&out).unwrap().unwrap();
                prop_assert_eq!(used, out.len());
                prop_assert_eq!(tokens, vec![Token::Text(text.to_vec())]);
            }
        }
    }
}
