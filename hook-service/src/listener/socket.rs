//! A connection's socket, between the kernel and the HTTP library.
//!
//! Requests that look exactly as EMQX writes them are answered here, from the bytes that were read to the
//! bytes that are written: the way through the library costs as much as the decision. Whatever is unusual
//! in any way is passed on to the library, which alone decides what is HTTP; both ask the same
//! [`Hooks`]. A turn that allows no more decisions is answered with denies, in one go.
//!
//! The order of answers cannot suffer: a request is answered here only when every request that the
//! library was given is answered and every answer has left, and the library is given nothing before
//! what was answered here has left.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::front::Front;
use super::out::Out;
use crate::endpoints::{Hook, Hooks, Watch};

/// Room for what is read, in bytes, and how far it grows where that is filled: a hundred requests.
const HELD_BYTES: usize = 8 * 1024;
const HELD_BYTES_MAX: usize = 128 * 1024;

/// A stream, its watch, and what was read from it.
pub(super) struct Socket<'a, S> {
    stream: S,
    watch: &'a Watch,
    hooks: &'a Hooks,
    /// Read and not answered: `held[from..to]`.
    held: Vec<u8>,
    from: usize,
    to: usize,
    /// Answers that the stream has not taken yet.
    out: Out,
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
            out: Out::default(),
        }
    }

    /// Writes every answer; nothing else may be read or written before.
    fn write_out(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !self.out.is_empty() {
            let left = self.out.left();
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, left))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.out.written(written);
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Reads behind what is held; `false` at the end of the stream.
    fn hold(&mut self, context: &mut Context<'_>) -> Poll<Result<bool>> {
        if self.to == self.held.len() {
            // It was filled. A request is shorter than the most of it, so there is always room.
            let room = (2 * self.to).clamp(HELD_BYTES, HELD_BYTES_MAX);
            self.held.resize(room, 0);
        }
        self.held.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        let mut buffer = ReadBuf::new(&mut self.held[self.to..]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let count = buffer.filled().len();
        if count > 0 {
            self.to += count;
            self.watch.read();
        }
        Poll::Ready(Ok(count > 0))
    }

    /// Answers the requests that are held, up to one that is not whole or not EMQX's: as many as the
    /// turn allows with a decision, and then the others.
    fn answer(&mut self) -> Front<'_> {
        let before = self.from;
        while let Front::Whole { bytes, asked } = Front::of(&self.held[self.from..self.to]) {
            if !self.watch.may_decide() {
                self.shed();
                break;
            }
            self.hooks.answer(self.watch, &asked, &mut self.out);
            self.from += bytes;
        }
        if self.from > before {
            self.watch.answered_at_once(self.from == self.to);
        }
        Front::of(&self.held[self.from..self.to])
    }

    /// Denies the requests that are held without looking at them.
    fn shed(&mut self) {
        let since_ns = self.hooks.overload.look();
        let mut shed = [0; Hook::ALL.len()];
        while let Front::Whole { bytes, asked } = Front::of(&self.held[self.from..self.to]) {
            self.out.deny();
            shed[asked.hook.index()] += 1;
            self.from += bytes;
        }
        for (hook, count) in Hook::ALL.into_iter().zip(shed) {
            self.hooks.metrics.shed(hook, count);
        }
        self.hooks.overload.has_shed(shed.iter().sum(), since_ns);
    }

    /// Between requests of the library: answers what comes, as often as the runtime lets one task go
    /// on, until something is for the library.
    fn serve(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        loop {
            let partial = matches!(self.answer(), Front::Partial);
            ready!(self.write_out(context))?;
            if !partial || !ready!(self.hold(context))? {
                // The end of the stream, or what only the library can judge.
                self.pass(into);
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Passes what is held on to the library, as much as it has room for.
    fn pass(&mut self, into: &mut ReadBuf<'_>) {
        let count = (self.to - self.from).min(into.remaining());
        into.put_slice(&self.held[self.from..self.from + count]);
        self.from += count;
        if count > 0 {
            self.watch.handed();
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
        ready!(this.write_out(context))?;
        if this.watch.is_between_requests() {
            return this.serve(context, into);
        }
        if this.from < this.to {
            this.pass(into);
            return Poll::Ready(Ok(()));
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, into))?;
        if into.filled().len() > before {
            this.watch.read();
            this.watch.handed();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.write_out(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.write_out(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// The library flushes when it has taken up all bytes and handed over all answers.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.write_out(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let was_busy = !self.watch.is_between_requests();
        self.watch.flushed();
        if was_busy && self.from < self.to && self.watch.is_between_requests() {
            // What came behind the library's requests has not been looked at.
            self.watch.go_on();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.write_out(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
