//! COMPRESS=DEFLATE (RFC 4978): a transport that packs what it sends and unpacks what it receives.

use crate::wire::Transport;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// As much as is packed before the network is asked to take it.
const PENDING_MAX: usize = 64 * 1024;

pub struct Deflated {
    inner: Box<dyn Transport>,
    packer: Compress,
    unpacker: Decompress,
    /// Packed bytes on their way out.
    pending: Vec<u8>,
    /// There is something the packer still keeps to itself.
    dirty: bool,
    /// Packed bytes that have come in, from `taken` on.
    received: Vec<u8>,
    taken: usize,
}

impl Deflated {
    #[must_use]
    pub fn new(inner: Box<dyn Transport>) -> Deflated {
        Deflated {
            inner,
            packer: Compress::new(Compression::fast(), false),
            unpacker: Decompress::new(false),
            pending: Vec::new(),
            dirty: false,
            received: Vec::new(),
            taken: 0,
        }
    }

    fn pack(&mut self, mut bytes: &[u8], flush: FlushCompress) -> io::Result<()> {
        loop {
            self.pending.reserve(4096);
            let before = self.packer.total_in();
            self.packer.compress_vec(bytes, &mut self.pending, flush).map_err(io::Error::other)?;
            let eaten = usize::try_from(self.packer.total_in() - before).unwrap_or(bytes.len());
            bytes = bytes.get(eaten..).unwrap_or_default();
            // Room left over means that the packer has nothing more to say.
            if bytes.is_empty() && self.pending.len() < self.pending.capacity() {
                return Ok(());
            }
        }
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl Transport for Deflated {}

impl AsyncRead for Deflated {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let room = buf.initialize_unfilled();
        if room.is_empty() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let input = me.received.get(me.taken..).unwrap_or_default();
            let (in_before, out_before) = (me.unpacker.total_in(), me.unpacker.total_out());
            let status = me.unpacker.decompress(input, room, FlushDecompress::Sync).map_err(io::Error::other)?;
            me.taken += usize::try_from(me.unpacker.total_in() - in_before).unwrap_or(0);
            let unpacked = usize::try_from(me.unpacker.total_out() - out_before).unwrap_or(0);
            if unpacked > 0 {
                buf.advance(unpacked);
                return Poll::Ready(Ok(()));
            }
            if status == Status::StreamEnd {
                return Poll::Ready(Ok(()));
            }
            me.received.resize(16 * 1024, 0);
            me.taken = me.received.len();
            let mut fresh = ReadBuf::new(&mut me.received);
            ready!(Pin::new(&mut me.inner).poll_read(cx, &mut fresh))?;
            let length = fresh.filled().len();
            me.received.truncate(length);
            me.taken = 0;
            if length == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Deflated {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        if me.pending.len() >= PENDING_MAX {
            ready!(me.poll_drain(cx))?;
        }
        let part = bytes.get(..bytes.len().min(PENDING_MAX)).unwrap_or_default();
        me.pack(part, FlushCompress::None)?;
        me.dirty = true;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        if me.dirty {
            me.pack(&[], FlushCompress::Sync)?;
            me.dirty = false;
        }
        ready!(me.poll_drain(cx))?;
        Pin::new(&mut me.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_goes_in_comes_out_in_both_directions() {
        let (a, b) = tokio::io::duplex(100);
        let (mut a, mut b) = (Deflated::new(Box::new(a)), Deflated::new(Box::new(b)));
        // Neither all alike nor random, and longer than every buffer on the way.
        let text: Vec<u8> = (0u32..300_000).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
        let expected = text.clone();
        let sender = async move {
            a.write_all(&text).await.unwrap();
            a.flush().await.unwrap();
            let mut echo = [0; 5];
            a.read_exact(&mut echo).await.unwrap();
            echo
        };
        let receiver = async move {
            let mut got = vec![0; expected.len()];
            b.read_exact(&mut got).await.unwrap();
            assert_eq!(got, expected);
            b.write_all(b"thanx").await.unwrap();
            b.flush().await.unwrap();
        };
        let (echo, ()) = tokio::join!(sender, receiver);
        assert_eq!(&echo, b"thanx");
    }
}
