//! Moves bytes between the framer and the network: both ways at once, within a deadline that progress renews.

use crate::framer::{Frame, Framer, Garbage};
use crate::response::Response;
use crate::tokens::Tokens;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use parom_domain::{Code, Error, Result, Retry, Scope};
use parom_net::{Paced, Stream};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

/// Something to speak IMAP over.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// The connection itself, where nothing is wrapped around it; STARTTLS needs it.
    fn into_stream(self: Box<Self>) -> Option<Stream> {
        None
    }
}

impl Transport for Stream {
    fn into_stream(self: Box<Self>) -> Option<Stream> {
        Some(*self)
    }
}

impl Transport for tokio::io::DuplexStream {}

impl Transport for Paced<Box<dyn Transport>> {}

/// The text of one response may take so much. A search of two million messages on one line fits.
const RESPONSE_MAX: usize = 16 * 1024 * 1024;
/// Room for one read while only listings are expected, and while bodies are.
const READ_SMALL: usize = 16 * 1024;
const READ_LARGE: usize = 256 * 1024;
/// A body whose rest is at least so long is read straight into its own buffer.
const DIRECT_MIN: u64 = 64 * 1024;

pub struct Wire {
    io: Box<dyn Transport>,
    framer: Framer,
    out: Outgoing,
    /// The part of a whole body that is here.
    collected: Vec<u8>,
    read_size: usize,
    timer: Pin<Box<Sleep>>,
    patience: Duration,
    /// Something moved since the timer was set.
    moved: bool,
    host: Arc<str>,
    /// The oldest command under way, for messages.
    pub command: &'static str,
}

impl Wire {
    #[must_use]
    pub fn new(io: Box<dyn Transport>, host: Arc<str>, patience: Duration) -> Wire {
        let out = Outgoing::new(io.is_write_vectored());
        Wire {
            io,
            framer: Framer::new(RESPONSE_MAX),
            out,
            collected: Vec::new(),
            read_size: READ_SMALL,
            timer: Box::pin(sleep(patience)),
            patience,
            moved: true,
            host,
            command: "",
        }
    }

    /// Changes what lies below: TLS after STARTTLS, packing after COMPRESS.
    ///
    /// # Errors
    /// When the server has already said more: whoever sits in between could have put it there (CVE-2011-0411).
    pub fn rewrap(self, wrap: impl FnOnce(Box<dyn Transport>) -> Box<dyn Transport>) -> Result<Wire> {
        if !self.framer.is_idle() || !self.out.is_empty() {
            return Err(self.nonsense("bytes arrived before the change of layer was agreed on"));
        }
        let (host, patience) = (self.host, self.patience);
        Ok(Wire::new(wrap(self.io), host, patience))
    }

    /// The connection below, for STARTTLS. Nothing may be buffered: see [`Wire::rewrap`].
    ///
    /// # Errors
    /// As [`Wire::rewrap`].
    pub fn into_stream(self) -> Result<Stream> {
        if !self.framer.is_idle() || !self.out.is_empty() {
            return Err(self.nonsense("bytes arrived before TLS was agreed on"));
        }
        self.io.into_stream().ok_or_else(|| Error::internal("STARTTLS over a wrapped connection"))
    }

    /// Bodies are announced rather than kept in the text of the response from now on (or no longer).
    pub fn announce_bodies(&mut self, announces: bool) {
        self.framer.announce_bodies(announces);
        self.read_size = if announces { READ_LARGE } else { READ_SMALL };
    }

    /// Sets how long nothing may move before the connection is given up.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
        self.moved = true;
    }

    /// Puts text behind what is waiting to be sent. It leaves with the next call that waits for something.
    pub fn push(&mut self, text: &[u8]) {
        self.out.text(text);
    }

    /// The same for a body, without copying a long one.
    pub fn push_body(&mut self, body: Bytes) {
        self.out.body(body);
    }

    #[must_use]
    pub fn unsent(&self) -> usize {
        self.out.length
    }

    /// The next frame. Meanwhile what waits to be sent is sent.
    ///
    /// # Errors
    /// `ConnectionLost`, `TimedOut`, `ProtocolError`.
    pub async fn next(&mut self) -> Result<Frame> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(frame);
            }
            self.read().await?;
        }
    }

    /// The next frame if it has already arrived.
    pub fn buffered(&mut self) -> Result<Option<Frame>> {
        self.framer.cut().map_err(|Garbage(what)| self.nonsense(what))
    }

    /// The text of the last response.
    #[must_use]
    pub fn response(&self) -> &[u8] {
        self.framer.response()
    }

    /// What a FETCH response has said before the body that was just announced.
    #[must_use]
    pub fn head(&self) -> Option<Tokens<'_>> {
        Response::parse(self.framer.head())?.numbered("FETCH").map(|(_, rest)| rest)
    }

    /// Has the server said nothing that is not yet read, and are we done with our part?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.framer.is_idle() && self.out.is_empty()
    }

    /// Sends until at most `rest` bytes wait. When the network does not take them, answers are read into the buffer
    /// meanwhile: a server that waits for us to read would otherwise wait for ever.
    pub async fn send_down_to(&mut self, rest: usize) -> Result<()> {
        while self.out.length > rest || rest == 0 && self.out.needs_flush {
            let (io, out, framer) = (&mut self.io, &mut self.out, &mut self.framer);
            let (timer, moved, patience) = (&mut self.timer, &mut self.moved, self.patience);
            let size = self.read_size;
            let step = poll_fn(|cx| {
                let before = out.length;
                let sent = out.poll_send(io, cx)?;
                *moved |= out.length != before;
                if sent.is_ready() || out.length <= rest && rest > 0 {
                    return Poll::Ready(io::Result::Ok(()));
                }
                let room = framer.room(size);
                if let Poll::Ready(read) = pin!(io.read_buf(room)).poll(cx) {
                    *moved = true;
                    return Poll::Ready(some(read?).map(drop));
                }
                poll_timer(timer, moved, patience, cx)
            });
            step.await.map_err(|error| self.lost(error))?;
        }
        Ok(())
    }

    /// Reads an announced body of moderate length whole: from the socket straight into its own buffer, for the most part.
    /// May be given up and called again.
    pub async fn body(&mut self) -> Result<Bytes> {
        let left = usize::try_from(self.framer.body_left()).map_err(|_| Error::internal("a body too long to hold"))?;
        self.collected.reserve_exact(left);
        self.framer.copy_body(&mut self.collected);
        while self.framer.body_left() > 0 {
            if self.framer.body_left() < DIRECT_MIN {
                // The rest is short: what follows it is read along with it.
                self.read().await?;
                self.framer.copy_body(&mut self.collected);
            } else {
                self.read_body().await?;
            }
        }
        Ok(Bytes::from(std::mem::take(&mut self.collected)))
    }

    /// The next piece of an announced body, `None` after its end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        while self.framer.body_left() > 0 {
            let piece = self.framer.take_body(READ_LARGE);
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
            self.read().await?;
        }
        Ok(None)
    }

    /// Sends what waits, without insisting; for the last words on a connection.
    pub async fn part(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.send_down_to(0)).await;
    }

    async fn read(&mut self) -> Result<()> {
        let size = self.read_size;
        let (io, out, framer) = (&mut self.io, &mut self.out, &mut self.framer);
        let (timer, moved, patience) = (&mut self.timer, &mut self.moved, self.patience);
        let step = poll_fn(|cx| {
            let before = out.length;
            let _ = out.poll_send(io, cx)?;
            *moved |= out.length != before;
            if let Poll::Ready(read) = pin!(io.read_buf(framer.room(size))).poll(cx) {
                *moved = true;
                return Poll::Ready(some(read?).map(drop));
            }
            poll_timer(timer, moved, patience, cx)
        });
        step.await.map_err(|error| self.lost(error))
    }

    /// One read past the framer's buffer, which is empty while it waits for the rest of a body.
    async fn read_body(&mut self) -> Result<()> {
        let (io, out, framer, collected) = (&mut self.io, &mut self.out, &mut self.framer, &mut self.collected);
        let (timer, moved, patience) = (&mut self.timer, &mut self.moved, self.patience);
        let left = usize::try_from(framer.body_left()).unwrap_or(usize::MAX);
        let step = poll_fn(|cx| {
            let before = out.length;
            let _ = out.poll_send(io, cx)?;
            *moved |= out.length != before;
            let mut rest = (&mut *collected).limit(left);
            if let Poll::Ready(read) = pin!(io.read_buf(&mut rest)).poll(cx) {
                *moved = true;
                framer.body_read_directly(some(read?)?);
                return Poll::Ready(io::Result::Ok(()));
            }
            poll_timer(timer, moved, patience, cx)
        });
        step.await.map_err(|error| self.lost(error))
    }

    fn lost(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::TimedOut => parom_net::timed_out(&self.host, self.patience, self.command),
            _ => parom_net::broken(&self.host, error),
        }
    }

    /// The server says something that is not IMAP.
    #[must_use]
    pub fn nonsense(&self, detail: &str) -> Error {
        Error::new(Code::ProtocolError, Scope::Account, Retry::Soon).with("host", &self.host).with("detail", detail)
    }
}

/// Nothing read means that the other end has closed the connection.
fn some(read: usize) -> io::Result<usize> {
    if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

fn poll_timer(
    timer: &mut Pin<Box<Sleep>>,
    moved: &mut bool,
    patience: Duration,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    if std::mem::take(moved) {
        timer.as_mut().reset(Instant::now() + patience);
    }
    ready!(timer.as_mut().poll(cx));
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

/// What waits to be sent. Short pieces are put together, so that they make few system calls and few TLS records; long
/// bodies are passed on as they are.
struct Outgoing {
    queue: VecDeque<Bytes>,
    tail: BytesMut,
    length: usize,
    needs_flush: bool,
    vectored: bool,
}

/// A body at least so long is worth its own piece: on a socket that takes many pieces in one call, and where each piece
/// costs a call (and with TLS a record of at most 16 KiB).
const PIECE_MIN_VECTORED: usize = 4 * 1024;
const PIECE_MIN: usize = 64 * 1024;
const TAIL_MAX: usize = 128 * 1024;

impl Outgoing {
    fn new(vectored: bool) -> Outgoing {
        Outgoing { queue: VecDeque::new(), tail: BytesMut::new(), length: 0, needs_flush: false, vectored }
    }

    fn is_empty(&self) -> bool {
        self.length == 0 && !self.needs_flush
    }

    fn text(&mut self, text: &[u8]) {
        self.tail.extend_from_slice(text);
        self.length += text.len();
        if self.tail.len() >= TAIL_MAX {
            self.seal();
        }
    }

    fn body(&mut self, body: Bytes) {
        if body.len() < if self.vectored { PIECE_MIN_VECTORED } else { PIECE_MIN } {
            self.text(&body);
        } else {
            self.seal();
            self.length += body.len();
            self.queue.push_back(body);
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(self.tail.split().freeze());
        }
    }

    /// Ready when everything has left.
    fn poll_send(&mut self, io: &mut Box<dyn Transport>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.length > 0 {
            self.seal();
            let written = if self.vectored {
                let mut slices = [IoSlice::new(&[]); 64];
                let mut count = 0;
                for (slice, piece) in slices.iter_mut().zip(&self.queue) {
                    *slice = IoSlice::new(piece);
                    count += 1;
                }
                let slices = slices.get(..count).unwrap_or_default();
                ready!(Pin::new(&mut *io).poll_write_vectored(cx, slices))?
            } else {
                let piece = self.queue.front().map_or(&[][..], |piece| piece);
                ready!(Pin::new(&mut *io).poll_write(cx, piece))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.length -= written;
            self.needs_flush = true;
            self.forget(written);
        }
        if self.needs_flush {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    fn forget(&mut self, mut written: usize) {
        while let Some(front) = self.queue.front_mut() {
            if front.len() > written {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.queue.pop_front();
        }
    }
}
