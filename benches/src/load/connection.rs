//! One connection: what waits to be sent, what is in flight, and the answers as they come.

use std::collections::VecDeque;
use std::ops::Range;

use super::answer::{Parsed, Parser};
use super::expect::Expect;
use super::stream::Stream;
use crate::fleet::{BURST_MAX, Requests};

/// Room for the answers to a whole burst, so that one read takes them.
const INPUT_BYTES: usize = 256 * 1024;

/// A connection and its books.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    pub(super) stream: Stream,
    requests: &'a Requests,
    expect: &'a Expect,
    /// The request that is sent next.
    next: usize,
    /// Bytes of requests that the socket has not taken yet.
    out: VecDeque<Range<usize>>,
    /// Intended times of what is due and has no place on the connection yet.
    due: VecDeque<u64>,
    /// Request and intended time of what was sent, oldest first.
    in_flight: VecDeque<(usize, u64)>,
    input: Vec<u8>,
    filled: usize,
    parser: Parser,
    answered: u64,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        stream: Stream,
        requests: &'a Requests,
        expect: &'a Expect,
        first: usize,
    ) -> Self {
        Self {
            stream,
            requests,
            expect,
            next: first % requests.len(),
            out: VecDeque::new(),
            due: VecDeque::new(),
            in_flight: VecDeque::new(),
            input: vec![0; INPUT_BYTES],
            filled: 0,
            parser: Parser::default(),
            answered: 0,
        }
    }

    /// A request is meant to be sent at `intended_ns`.
    pub(super) fn owe(&mut self, intended_ns: u64) {
        self.due.push_back(intended_ns);
    }

    /// Nothing is due and nothing in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.due.is_empty() && self.in_flight.is_empty()
    }

    /// Sends what is due while fewer than `depth` are in flight.
    pub(super) fn send(&mut self, depth: usize) -> Result<(), String> {
        while !self.due.is_empty() && self.in_flight.len() < depth {
            let room = depth - self.in_flight.len();
            let count = self.due.len().min(room).min(BURST_MAX);
            let range = self.requests.range(self.next, count);
            for (offset, intended) in self.due.drain(..count).enumerate() {
                let index = (self.next + offset) % self.requests.len();
                self.in_flight.push_back((index, intended));
            }
            self.next = (self.next + count) % self.requests.len();
            self.out.push_back(range);
        }
        self.flush()
    }

    /// Writes until the socket takes no more.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        while let Some(front) = self.out.front_mut() {
            let written = self.stream.write(self.requests.bytes(front.clone()));
            let written =
                written.map_err(|error| format!("a request could not be sent: {error}"))?;
            if written == 0 {
                break;
            }
            front.start += written;
            if front.start >= front.end {
                self.out.pop_front();
            }
        }
        let flushed = self.stream.flush();
        flushed.map_err(|error| format!("a request could not be sent: {error}"))
    }

    /// Whether the socket must be watched for room.
    pub(super) fn wants_room(&self) -> bool {
        !self.out.is_empty() || self.stream.wants_write()
    }

    /// Reads what came and judges it; calls `answered` with the intended time of each answer.
    pub(super) fn receive(&mut self, mut answered: impl FnMut(u64)) -> Result<(), String> {
        loop {
            let room = &mut self.input[self.filled..];
            let asked = room.len();
            let read = self.stream.read(room);
            let Some(read) = read.map_err(|error| format!("an answer is missing: {error}"))? else {
                return Ok(());
            };
            self.filled += read;
            let consumed = self.take_answers(&mut answered)?;
            self.input.copy_within(consumed..self.filled, 0);
            self.filled -= consumed;
            if read < asked && self.stream.short_read_is_all() {
                return Ok(());
            }
        }
    }

    fn take_answers(&mut self, answered: &mut impl FnMut(u64)) -> Result<usize, String> {
        let mut at = 0;
        while let Parsed::Answer { length, body } =
            self.parser.parse(&self.input[at..self.filled])?
        {
            let (index, intended) = self
                .in_flight
                .pop_front()
                .ok_or("an answer came that nobody asked for")?;
            self.expect
                .check(self.requests, index, body, self.answered)?;
            self.answered += 1;
            answered(intended);
            at += length;
            if at == self.filled {
                break;
            }
        }
        Ok(at)
    }
}
