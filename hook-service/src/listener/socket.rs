//! A connection's socket, between the kernel and the HTTP library.
//!
//! Usually it passes bytes on and leaves marks in the connection's watch. In overload it is a gate:
//! it reads what came into a buffer of its own, lets through to the library what the turn allows, and
//! denies the rest by itself, in one go. That costs a small part of the way
//! through the library, and five times as much as can be decided must at least be refused in time.
//!
//! The order of answers cannot suffer: the gate opens and closes only between requests, when every
//! request that the library was given is answered and every answer has left.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::front::Front;
use crate::endpoints::{Hook, Hooks, Watch};

/// What is read at once in overload, in bytes: a hundred requests.
const HELD_BYTES_MAX: usize = 128 * 1024;

/// The answer to what is shed. Without a date, which only caches look at.
const DENY: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n\
                      {\"result\":\"deny\"}";

/// A stream, its watch, and in overload what is held back.
pub(super) struct Socket<'a, S> {
    stream: S,
    watch: &'a Watch,
    hooks: &'a Hooks,
    /// Read and not passed on: `held[from..to]`. Empty unless there is overload.
    held: Vec<u8>,
    from: usize,
    to: usize,
    /// The end of the turn that is being passed on.
    granted: usize,
    /// Whole requests were passed on, and nothing besides: the library needs no more for them.
    whole: bool,
    /// The library asked for more than its quota, and is asked again when that is answered.
    asked: bool,
    /// Denies that the stream has not taken yet: `denies[denied..]`.
    denies: Vec<u8>,
    denied: usize,
    /// How many, and the thread's time when they were made.
    denying: u32,
    deny_since_ns: u64,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Socket<'a, S> {
    pub(super) fn new(stream: S, watch: &'a Watch, hooks: &'a Hooks) -> Self {
        Self {
            stream,
            watch,
            hooks,
            held: Vec::new(),
            from: 0,
            to: 0,
            granted: 0,
            whole: false,
            asked: false,
            denies: Vec::new(),
            denied: 0,
            denying: 0,
            deny_since_ns: 0,
        }
    }

    /// Writes every deny; nothing else may be written before.
    fn write_denies(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.denies.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.denied < self.denies.len() {
            let left = &self.denies[self.denied..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, left))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.denied += written;
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.denies.clear();
        self.denied = 0;
        let count = std::mem::take(&mut self.denying);
        self.hooks.overload.has_shed(count, self.deny_since_ns);
        Poll::Ready(Ok(()))
    }

    /// Reads past the gate.
    fn pass(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        if into.filled().len() > before {
            self.whole = false;
            self.watch.read();
            self.watch.handed();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads behind what is held; `false` at the end of the stream. A request is shorter than the
    /// room for it, so there is always some.
    fn hold(&mut self, context: &mut Context<'_>) -> Poll<Result<bool>> {
        self.held.resize(HELD_BYTES_MAX, 0);
        self.held.copy_within(self.from..self.to, 0);
        (self.from, self.to, self.granted) = (0, self.to - self.from, 0);
        let mut buffer = ReadBuf::new(&mut self.held[self.to..]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        if count == 0 {
            return Poll::Ready(Ok(false));
        }
        self.to += count;
        self.watch.read();
        Poll::Ready(Ok(true))
    }

    /// Denies every whole request that is held.
    fn shed(&mut self) {
        self.deny_since_ns = self.hooks.overload.look();
        let mut counts = [0; Hook::ALL.len()];
        while let Front::Whole { bytes, hook } = Front::of(&self.held[self.from..self.to]) {
            self.from += bytes;
            self.denies.extend_from_slice(DENY);
            counts[hook.index()] += 1;
        }
        for (hook, count) in Hook::ALL.into_iter().zip(counts) {
            if count > 0 {
                self.hooks.metrics.shed(hook, count);
            }
        }
        self.denying = counts.iter().sum();
        self.watch.shed(self.from == self.to);
    }

    /// Where so many whole requests of what is held end. What is odd waits for its own turn.
    fn end_of(&self, requests: usize) -> usize {
        let mut end = self.from;
        for _ in 0..requests {
            let Front::Whole { bytes, .. } = Front::of(&self.held[end..self.to]) else {
                break;
            };
            end += bytes;
        }
        end
    }

    /// Passes on what is held, up to `end`, which may take several calls.
    fn hand(&mut self, end: usize, whole: bool, into: &mut ReadBuf<'_>) {
        self.whole = whole;
        let count = (end - self.from).min(into.remaining());
        into.put_slice(&self.held[self.from..self.from + count]);
        self.from += count;
        self.granted = end;
        self.watch.handed();
    }

    /// Between requests: reads, lets through what the turn allows, and sheds the rest.
    fn gate(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let Some(allowance) = self.watch.allowance() else {
            if self.from < self.to {
                self.hand(self.to, false, into);
                return Poll::Ready(Ok(()));
            }
            self.held = Vec::new();
            (self.from, self.to, self.granted) = (0, 0, 0);
            return self.pass(context, into);
        };
        loop {
            match Front::of(&self.held[self.from..self.to]) {
                Front::Whole { .. } if allowance > 0 => {
                    self.hand(self.end_of(allowance), true, into);
                    return Poll::Ready(Ok(()));
                }
                Front::Whole { .. } => {
                    self.shed();
                    ready!(self.write_denies(context))?;
                }
                // What comes meanwhile is read with it, as often as the runtime lets one task go on.
                Front::Partial if ready!(self.hold(context))? => {}
                // The end of the stream, or what only the library can judge.
                Front::Partial | Front::Odd => {
                    self.hand(self.to, false, into);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        ready!(this.write_denies(context))?;
        if this.watch.is_between_requests() {
            return this.gate(context, into);
        }
        if this.from < this.granted {
            // The library had less room than its turn is long.
            this.hand(this.granted, this.whole, into);
            return Poll::Ready(Ok(()));
        }
        if this.whole {
            // It looks ahead while it answers the last request that it was given.
            this.asked = true;
            return Poll::Pending;
        }
        if this.from < this.to {
            this.hand(this.to, false, into);
            return Poll::Ready(Ok(()));
        }
        this.pass(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.write_denies(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.write_denies(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The library flushes when it has taken up all bytes and handed over all answers.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.write_denies(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.watch.flushed();
        if (self.asked || self.from < self.to) && self.watch.is_between_requests() {
            self.asked = false;
            self.watch.go_on();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.write_denies(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
