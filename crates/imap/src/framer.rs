//! Cuts the server's bytes into responses, without any I/O.
//!
//! A response is a line together with the literals inside it. Small literals stay where they are, in the text; the body
//! of a message is announced instead and handed out in pieces, so that its size costs no memory here.

use bytes::{Buf, Bytes, BytesMut};

/// What the server sent that cannot be understood at all. The connection is of no use afterwards.
#[derive(Debug, PartialEq, Eq)]
pub struct Garbage(pub &'static str);

/// What stands at the front of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole response; its text is [`Framer::response`] until the next call.
    Response,
    /// The body of a message begins, so many bytes long. They must be taken out before the next call; in the text of
    /// the response an empty literal stands for it.
    Body(u64),
}

/// The state of cutting. Bytes go into [`Framer::room`], frames come out of [`Framer::cut`].
pub struct Framer {
    buffer: BytesMut,
    /// How much of the buffer the last response took: it goes away with the next call.
    used: usize,
    /// Up to where no line end was found.
    scanned: usize,
    /// Where the text of the current response ends within the buffer, once it is complete.
    end: usize,
    /// The first part of a response whose body was handed out.
    head: Vec<u8>,
    from_head: bool,
    body_left: u64,
    /// Announce bodies rather than keep them in the text.
    announces_bodies: bool,
    max_response: usize,
}

/// What replaces a body in the text: a literal without bytes.
const EMPTY_LITERAL: &[u8] = b"{0}\r\n";

impl Framer {
    /// `max_response` limits the text of one response, small literals included. Listings of a folder as one line
    /// (SEARCH, VANISHED) need some 8 bytes for each message.
    #[must_use]
    pub fn new(max_response: usize) -> Framer {
        Framer {
            buffer: BytesMut::new(),
            used: 0,
            scanned: 0,
            end: 0,
            head: Vec::new(),
            from_head: false,
            body_left: 0,
            announces_bodies: false,
            max_response,
        }
    }

    pub fn announce_bodies(&mut self, announces: bool) {
        self.announces_bodies = announces;
    }

    /// Where the next bytes from the server go: the end of this buffer, with room for about `size` bytes.
    pub fn room(&mut self, size: usize) -> &mut BytesMut {
        if self.buffer.capacity() - self.buffer.len() < (size / 4).max(1) {
            self.forget_used();
            self.buffer.reserve(size);
        }
        &mut self.buffer
    }

    /// The next frame, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// A response that is too long, or a literal of impossible length.
    pub fn cut(&mut self) -> Result<Option<Frame>, Garbage> {
        debug_assert_eq!(self.body_left, 0, "a body was left behind");
        self.forget_used();
        loop {
            let unread = self.buffer.get(self.scanned..).unwrap_or_default();
            let Some(newline) = unread.iter().position(|byte| *byte == b'\n') else {
                self.scanned = self.scanned.max(self.buffer.len());
                return self.within_limit(self.buffer.len()).map(|()| None);
            };
            let line_end = self.scanned + newline + 1;
            self.within_limit(line_end)?;
            let line = self.buffer.get(..line_end).unwrap_or_default();
            let text = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line);
            let Some((announced_at, size)) = announcement(text)? else {
                let text_end = text.len();
                return Ok(Some(self.finish(text_end, line_end)));
            };
            // Only the first part of a response tells what it is; a status line holds free text and no literals.
            if self.head.is_empty() && is_status(text) {
                let text_end = text.len();
                return Ok(Some(self.finish(text_end, line_end)));
            }
            if self.announces_bodies && is_body(text.get(..announced_at).unwrap_or_default()) {
                self.head.extend_from_slice(text.get(..announced_at).unwrap_or_default());
                self.head.extend_from_slice(EMPTY_LITERAL);
                self.buffer.advance(line_end);
                self.scanned = 0;
                self.body_left = size;
                return Ok(Some(Frame::Body(size)));
            }
            let size = usize::try_from(size).map_err(|_| Garbage("a literal is too long"))?;
            let after = line_end.checked_add(size).ok_or(Garbage("a literal is too long"))?;
            self.within_limit(after)?;
            // What the literal holds is not text: the search for the line end goes on behind it.
            self.scanned = after;
            if self.buffer.len() < after {
                return Ok(None);
            }
        }
    }

    /// The text of the response that [`Framer::cut`] has just found, without its line end.
    #[must_use]
    pub fn response(&self) -> &[u8] {
        if self.from_head { &self.head } else { self.buffer.get(..self.end).unwrap_or_default() }
    }

    /// The text of the current response up to the body that [`Framer::cut`] has just announced.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// How much of the announced body has not been taken yet.
    #[must_use]
    pub fn body_left(&self) -> u64 {
        self.body_left
    }

    /// Takes what the buffer holds of the announced body, at most `most` bytes, without copying; empty when more must
    /// be read first.
    pub fn take_body(&mut self, most: usize) -> Bytes {
        let bytes = self.available(most);
        self.body_left -= bytes as u64;
        self.buffer.split_to(bytes).freeze()
    }

    /// Like [`Framer::take_body`], into a buffer of the caller's.
    pub fn copy_body(&mut self, into: &mut Vec<u8>) {
        let bytes = self.available(usize::MAX);
        into.extend_from_slice(self.buffer.get(..bytes).unwrap_or_default());
        self.buffer.advance(bytes);
        self.body_left -= bytes as u64;
    }

    /// Notes that so many bytes of the body were read past this buffer, which must be empty.
    pub fn body_read_directly(&mut self, bytes: usize) {
        debug_assert!(self.buffer.is_empty());
        self.body_left = self.body_left.saturating_sub(bytes as u64);
    }

    /// Has every byte been handed out?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.buffer.len() == self.used && (self.head.is_empty() || self.from_head) && self.body_left == 0
    }

    fn available(&self, most: usize) -> usize {
        let left = usize::try_from(self.body_left).unwrap_or(usize::MAX);
        self.buffer.len().min(left).min(most)
    }

    fn finish(&mut self, text_end: usize, line_end: usize) -> Frame {
        self.used = line_end;
        self.end = text_end;
        self.from_head = !self.head.is_empty();
        if self.from_head {
            self.head.extend_from_slice(self.buffer.get(..text_end).unwrap_or_default());
        }
        Frame::Response
    }

    fn forget_used(&mut self) {
        if self.used > 0 {
            self.buffer.advance(self.used);
            self.used = 0;
            self.scanned = 0;
            if self.from_head {
                self.head.clear();
                self.from_head = false;
            }
        }
    }

    fn within_limit(&self, buffered: usize) -> Result<(), Garbage> {
        if self.head.len().saturating_add(buffered) > self.max_response {
            return Err(Garbage("a response is too long"));
        }
        Ok(())
    }
}

/// The literal that a line ends in: where its announcement begins, and its length.
fn announcement(text: &[u8]) -> Result<Option<(usize, u64)>, Garbage> {
    let Some(inner) = text.strip_suffix(b"}") else { return Ok(None) };
    // A server never sends `{n+}` (RFC 7888), but it would be plain what it means.
    let inner = inner.strip_suffix(b"+").unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = inner.split_at(inner.len() - digits);
    let Some(before) = before.strip_suffix(b"{") else { return Ok(None) };
    if number.is_empty() {
        return Ok(None);
    }
    // 18 digits fit u64; a message of an exabyte does not exist.
    if number.len() > 18 {
        return Err(Garbage("a literal is too long"));
    }
    let size = number.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    // `~{n}`: binary data (RFC 3516).
    let at = before.len() - usize::from(before.ends_with(b"~"));
    Ok(Some((at, size)))
}

/// Is this a status response or a continuation, whose free text may end in anything, `{5}` too?
fn is_status(text: &[u8]) -> bool {
    let mut words = text.split(|byte| *byte == b' ');
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return true };
    let states: [&[u8]; 5] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"];
    first == b"+" || states.iter().any(|state| state.eq_ignore_ascii_case(second))
}

/// Does the literal that follows hold a whole message?
fn is_body(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let Some(at) = before.len().checked_sub(6) else { return false };
    before.get(at..).is_some_and(|name| name.eq_ignore_ascii_case(b"BODY[]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything a framer says about `wire` when it arrives cut at `cuts`.
    fn frames(wire: &[u8], cuts: &[usize], bodies: bool) -> Result<Vec<String>, Garbage> {
        let mut framer = Framer::new(4096);
        framer.announce_bodies(bodies);
        let mut said: Vec<String> = Vec::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([wire.len()]) {
            framer.room(1).extend_from_slice(&wire[from..to]);
            from = to;
            loop {
                if framer.body_left() > 0 {
                    let taken = framer.take_body(3);
                    if taken.is_empty() {
                        break;
                    }
                    match said.last_mut() {
                        Some(last) => last.push_str(&String::from_utf8_lossy(&taken)),
                        None => unreachable!("a body follows its announcement"),
                    }
                    continue;
                }
                match framer.cut()? {
                    Some(Frame::Response) => said.push(String::from_utf8_lossy(framer.response()).into_owned()),
                    Some(Frame::Body(size)) => said.push(format!("body {size}:")),
                    None => break,
                }
            }
        }
        Ok(said)
    }

    const WIRE: &[u8] = b"* OK hello {5}\r\n* LIST () \"/\" {3}\r\na\r\n\r\n* 1 FETCH (UID 7 BODY[] {11}\r\n* 2 EXPUNGE FLAGS ())\r\n* 2 FETCH (BODY[] ~{0}\r\n UID 8)\n+ idling {3}\r\na1 OK done\r\n";

    #[test]
    fn every_way_of_cutting_the_stream_gives_the_same_frames() {
        let whole = frames(WIRE, &[], true).unwrap();
        assert_eq!(
            whole,
            [
                "* OK hello {5}",
                "* LIST () \"/\" {3}\r\na\r\n",
                "body 11:* 2 EXPUNGE",
                "* 1 FETCH (UID 7 BODY[] {0}\r\n FLAGS ())",
                "body 0:",
                "* 2 FETCH (BODY[] {0}\r\n UID 8)",
                "+ idling {3}",
                "a1 OK done",
            ]
        );
        for first in 0..WIRE.len() {
            assert_eq!(frames(WIRE, &[first], true).unwrap(), whole, "cut at {first}");
            for second in first..WIRE.len() {
                assert_eq!(frames(WIRE, &[first, second], true).unwrap(), whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn bodies_stay_in_the_text_where_nobody_asked_for_them() {
        let said = frames(b"* 1 FETCH (BODY[] {3}\r\na\0b)\r\n", &[], false).unwrap();
        assert_eq!(said, ["* 1 FETCH (BODY[] {3}\r\na\0b)"]);
    }

    #[test]
    fn what_never_ends_is_refused_before_it_fills_the_memory() {
        let endless = vec![b'x'; 5000];
        assert_eq!(frames(&endless, &[], true), Err(Garbage("a response is too long")));
        assert_eq!(frames(b"* LIST () \"/\" {99999}\r\n", &[], true), Err(Garbage("a response is too long")));
        assert!(frames(b"* LIST () \"/\" {9999999999999999999}\r\n", &[], true).is_err());
        let many = b"* 1 FETCH (BODY[] {0}\r\n BODY[] {0}\r\n".repeat(300);
        assert!(frames(&many, &[], true).is_err());
    }

    #[test]
    fn a_body_above_four_gigabytes_is_announced_with_its_size() {
        let mut framer = Framer::new(4096);
        framer.announce_bodies(true);
        framer.room(1).extend_from_slice(b"* 1 FETCH (UID 7 BODY[] {5000000000}\r\nabc");
        assert_eq!(framer.cut(), Ok(Some(Frame::Body(5_000_000_000))));
        assert_eq!(framer.take_body(100), "abc");
        framer.body_read_directly(1_000_000);
        assert_eq!(framer.body_left(), 5_000_000_000 - 3 - 1_000_000);
    }
}
