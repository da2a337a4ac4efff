//! A connection's socket, between the kernel and the HTTP library.
//!
//! Usually it passes bytes on and leaves marks in the connection's watch. In overload it is a gate:
//! it reads what came into a buffer of its own, lets one turn of requests through to the library, and
//! denies what has waited too long behind them by itself, in one go. That costs a tenth of the way
//! through the library, and five times as much as can be decided must at least be refused in time.
//!
//! The order of answers cannot suffer: the gate opens and closes only between requests, when every
//! request that the library was given is answered and every answer has left.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::front::Front;
use crate::endpoints::{Hooks, Watch};

/// Requests of a connection that are let through the gate at once.
const TURN: usize = 8;

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
    /// The library asked for more than its turn, and is woken when that is over.
    asked: bool,
    /// What is held has had its first turn.
    had_a_turn: bool,
    /// Denies that the stream has not taken yet: `denies[denied..]`.
    denies: Vec<u8>,
    denied: usize,
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
            had_a_turn: false,
            denies: Vec::new(),
            denied: 0,
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
        Poll::Ready(Ok(()))
    }

    /// Reads past the gate.
    fn pass(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        if into.filled().len() > before {
            self.whole = false;
            let tick = self.hooks.overload.ticks();
            self.watch.read(into.remaining() == 0, tick);
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
        let (count, full) = (buffer.filled().len(), buffer.remaining() == 0);
        if count == 0 {
            return Poll::Ready(Ok(false));
        }
        self.to += count;
        self.had_a_turn = false;
        self.watch.read(full, self.hooks.overload.ticks());
        Poll::Ready(Ok(true))
    }

    /// Denies every whole request that is held.
    fn shed(&mut self) {
        while let Front::Whole { bytes, hook } = Front::of(&self.held[self.from..self.to]) {
            self.from += bytes;
            self.denies.extend_from_slice(DENY);
            self.hooks.shed(hook);
        }
        self.watch.shed(self.from == self.to);
    }

    /// Where one turn of what is held ends. What is odd waits for its own.
    fn turn_ends(&self) -> usize {
        let mut end = self.from;
        for _ in 0..TURN {
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
        self.had_a_turn = true;
        self.watch.handed();
    }

    /// Between requests: reads, sheds or gives a turn, as the load is.
    fn gate(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if !self.hooks.overload.is_near() {
            if self.from < self.to {
                self.hand(self.to, false, into);
                return Poll::Ready(Ok(()));
            }
            self.held = Vec::new();
            (self.from, self.to, self.granted) = (0, 0, 0);
            return self.pass(context, into);
        }
        let front = loop {
            match Front::of(&self.held[self.from..self.to]) {
                Front::Partial if ready!(self.hold(context))? => {}
                front => break front,
            }
        };
        match front {
            // The end of the stream, or what only the library can judge.
            Front::Partial | Front::Odd => {
                self.hand(self.to, false, into);
                Poll::Ready(Ok(()))
            }
            Front::Whole { .. } => {
                let overload = &self.hooks.overload;
                let (waited_ms, tick) = (self.watch.waited_ms(), self.watch.read_at_tick());
                let late = self.had_a_turn && overload.is_late(waited_ms, tick);
                if late || overload.sheds_all() {
                    self.shed();
                    // Others have their turn before this connection goes on.
                    context.waker().wake_by_ref();
                    ready!(self.write_denies(context))?;
                    return Poll::Pending;
                }
                self.hand(self.turn_ends(), true, into);
                Poll::Ready(Ok(()))
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
        if self.asked && self.watch.is_between_requests() {
            self.asked = false;
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.write_denies(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
