//! Commands off the socket, literals included, and answers onto it.

use super::session::Failure;
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A command line may be so long, without its literals.
const LINE_LIMIT: usize = 1 << 20;

/// Answers are collected up to so many bytes before they are sent.
const FLUSH_AT: usize = 64 << 10;

/// A literal of this size is never taken.
const LITERAL_LIMIT: u64 = 2 << 30;

/// A piece of a command: text without line ends and literal announcements, or a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(Bytes),
    Literal(Bytes),
}

/// A command as it was read.
pub(super) struct Command {
    pub parts: Vec<Part>,
    /// Why it cannot be carried out, when that was clear before it was complete.
    pub refusal: Option<Failure>,
}

impl Command {
    /// Its length without the literals.
    pub fn text_bytes(&self) -> usize {
        let texts = self.parts.iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 });
        texts.sum()
    }
}

pub(super) struct Input {
    stream: OwnedReadHalf,
    buffer: BytesMut,
}

impl Input {
    pub fn new(stream: OwnedReadHalf) -> Input {
        Input { stream, buffer: BytesMut::with_capacity(16 << 10) }
    }

    /// The next command, `None` when the client has gone. `check` sees what was read so far and the size of the literal to
    /// come, and may refuse it. Answers are flushed before waiting for the client.
    pub async fn command(
        &mut self,
        out: &mut Output,
        check: impl Fn(&[Part], u64, bool) -> Option<Failure>,
    ) -> io::Result<Option<Command>> {
        let mut command = Command { parts: Vec::new(), refusal: None };
        loop {
            let Some(line) = self.line(out).await? else { return Ok(None) };
            let Some((text, len, waits)) = announced(&line) else {
                command.parts.push(Part::Text(line));
                return Ok(Some(command));
            };
            command.parts.push(Part::Text(line.slice(..text)));
            if command.refusal.is_none() {
                command.refusal = if len > LITERAL_LIMIT {
                    Some(Failure::Bad("this literal is too large".to_owned()))
                } else {
                    check(&command.parts, len, waits)
                };
            }
            match (waits, command.refusal.is_some()) {
                // A client that waits is told instead of asked, and the command ends here.
                (true, true) => return Ok(Some(command)),
                (true, false) => {
                    out.line("+ OK");
                    out.flush().await?;
                }
                (false, _) => {}
            }
            let literal = self.literal(out, len, command.refusal.is_none()).await?;
            command.parts.push(Part::Literal(literal));
        }
    }

    /// A line without its line end, `None` at the end of the stream.
    pub async fn line(&mut self, out: &mut Output) -> io::Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(searched + at + 1).freeze();
                line.truncate(line.len() - 1);
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return Ok(Some(line));
            }
            searched = self.buffer.len();
            if searched > LINE_LIMIT {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the command line is too long"));
            }
            if self.fill(out).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn literal(&mut self, out: &mut Output, len: u64, keep: bool) -> io::Result<Bytes> {
        let mut left = len;
        let mut bytes = Vec::with_capacity(if keep { usize::try_from(len).unwrap_or(0) } else { 0 });
        while left > 0 {
            if self.buffer.is_empty() && self.fill(out).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let now = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if keep {
                bytes.extend_from_slice(self.buffer.get(..now).unwrap_or_default());
            }
            self.buffer.advance(now);
            left -= now as u64;
        }
        Ok(bytes.into())
    }

    async fn fill(&mut self, out: &mut Output) -> io::Result<usize> {
        out.flush().await?;
        self.buffer.reserve(16 << 10);
        self.stream.read_buf(&mut self.buffer).await
    }
}

/// The literal that a line announces: the length of the text before it, its size, and whether the client waits for leave.
fn announced(line: &[u8]) -> Option<(usize, u64, bool)> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|byte| *byte == b'{')?;
    let (before, size) = inner.split_at_checked(open)?;
    let size = size.get(1..)?;
    let (digits, waits) = match size.strip_suffix(b"+") {
        Some(digits) => (digits, false),
        None => (size, true),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let len = std::str::from_utf8(digits).ok()?.parse().ok()?;
    // The tilde of a literal8 (RFC 3516) belongs to the announcement.
    Some((before.strip_suffix(b"~").unwrap_or(before).len(), len, waits))
}

pub(super) struct Output {
    stream: OwnedWriteHalf,
    buffer: Vec<u8>,
}

impl Output {
    pub fn new(stream: OwnedWriteHalf) -> Output {
        Output { stream, buffer: Vec::new() }
    }

    pub fn line(&mut self, text: &str) {
        self.text(text);
        self.text("\r\n");
    }

    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Large bodies go to the socket without a copy.
    pub async fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() < FLUSH_AT {
            self.bytes(bytes);
            return self.ease().await;
        }
        self.flush().await?;
        self.stream.write_all(bytes).await
    }

    /// Sends what has piled up.
    pub async fn ease(&mut self) -> io::Result<()> {
        if self.buffer.len() >= FLUSH_AT { self.flush().await } else { Ok(()) }
    }

    pub async fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.stream.write_all(&self.buffer).await?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Forgets what was not sent yet.
    pub fn forget(&mut self) {
        self.buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_recognised_at_the_end_of_a_line_only() {
        for (line, expected) in [
            ("a APPEND x {12}", Some((11, 12, true))),
            ("a APPEND x {12+}", Some((11, 12, false))),
            ("a APPEND x ~{0+}", Some((11, 0, false))),
            ("a LOGIN {3} x", None),
            ("a LOGIN {}", None),
            ("a LOGIN {-1}", None),
            ("a LOGIN {99999999999999999999}", None),
            ("}", None),
        ] {
            assert_eq!(announced(line.as_bytes()), expected, "{line}");
        }
    }
}
