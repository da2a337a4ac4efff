//! The last look of all: bytes that hold an allow are given to the kernel only while allowing is
//! still allowed.
//!
//! Answers of pipelined requests are collected and written together; a process can be stopped in
//! between for longer than its lease, and a peer can be slow to take them. What was allowed then
//! must not leave when it pleases: the connection is closed, and the broker asks again on another
//! one. It never looks at what is written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::endpoints::{Hooks, Watch};

/// An allow that was held back longer leaves no more: shorter than every lease, so that none leaves
/// after a lapse under the next lease; and the broker's own time-out is at least as long, so that
/// little is lost.
const HELD_MAX: Duration = Duration::from_secs(1);

/// A connection whose allows leave only in time.
pub(super) struct LastLook<'a, S> {
    stream: S,
    hooks: &'a Hooks,
    watch: &'a Watch,
}

impl<'a, S> LastLook<'a, S> {
    pub(super) fn new(stream: S, hooks: &'a Hooks, watch: &'a Watch) -> Self {
        Self {
            stream,
            hooks,
            watch,
        }
    }

    fn may_leave(&self) -> io::Result<()> {
        let now = Instant::now();
        let Some(held_for) = self.watch.allow_held_for(now) else {
            return Ok(());
        };
        let standing = self.hooks.fleet.standing(now);
        if held_for <= HELD_MAX && self.hooks.policy.may_allow(standing).is_ok() {
            return Ok(());
        }
        let text = "an allow was held back for too long";
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LastLook<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LastLook<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.may_leave()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.may_leave()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked when nothing is left to write, so no allow is either.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.watch.allows_left();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
