//! One connection of a pool: what waits for a place on it, what is in flight, and the answers.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;

use crate::fleet::{BURST_MAX, Requests};
use crate::load::{Parsed, Parser};

/// Room for the answers to everything in flight, so that one read takes them.
const INPUT_BYTES: usize = 128 * 1024;

/// A request on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) index: usize,
    /// When it was meant to be sent, nanoseconds after the run's start.
    pub(super) intended_ns: u64,
    /// When it was written last.
    pub(super) written_ns: u64,
    /// How often it was written.
    pub(super) times: u32,
}

/// Whether a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Closed,
}

/// A connection and its books.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    pub(super) stream: TcpStream,
    requests: &'a Requests,
    /// The request that is sent next.
    next: usize,
    /// When what waits for a place was meant to be sent.
    pub(super) waiting: VecDeque<u64>,
    out: VecDeque<Range<usize>>,
    pub(super) in_flight: VecDeque<Sent>,
    input: Vec<u8>,
    filled: usize,
    parser: Parser,
}

impl<'a> Connection<'a> {
    pub(super) fn new(stream: TcpStream, requests: &'a Requests, first: usize) -> Self {
        Self {
            stream,
            requests,
            next: first % requests.len(),
            waiting: VecDeque::new(),
            out: VecDeque::new(),
            in_flight: VecDeque::new(),
            input: vec![0; INPUT_BYTES],
            filled: 0,
            parser: Parser::default(),
        }
    }

    /// Goes on with another stream: what was in flight is sent again, in the same order, unless it
    /// was written `times_max` times already. Gives how many are sent again, and how many are not.
    pub(super) fn renew(&mut self, stream: TcpStream, now_ns: u64, times_max: u32) -> (u64, u64) {
        self.stream = stream;
        self.filled = 0;
        self.out.clear();
        let before = self.in_flight.len();
        self.in_flight.retain(|sent| sent.times < times_max);
        for sent in &mut self.in_flight {
            sent.times += 1;
            sent.written_ns = now_ns;
            self.out.push_back(self.requests.range(sent.index, 1));
        }
        let repeated = self.in_flight.len();
        (repeated as u64, (before - repeated) as u64)
    }

    /// Writes what waits while fewer than `depth` are in flight.
    pub(super) fn send(&mut self, depth: usize, now_ns: u64) -> State {
        while !self.waiting.is_empty() && self.in_flight.len() < depth {
            let room = depth - self.in_flight.len();
            let count = self.waiting.len().min(room).min(BURST_MAX);
            self.out.push_back(self.requests.range(self.next, count));
            for intended_ns in self.waiting.drain(..count) {
                self.in_flight.push_back(Sent {
                    index: self.next,
                    intended_ns,
                    written_ns: now_ns,
                    times: 1,
                });
                self.next = (self.next + 1) % self.requests.len();
            }
        }
        self.flush()
    }

    /// Writes until the socket takes no more.
    pub(super) fn flush(&mut self) -> State {
        while let Some(front) = self.out.front_mut() {
            match self.stream.write(self.requests.bytes(front.clone())) {
                Ok(written) => front.start += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return State::Closed,
            }
            if front.start >= front.end {
                self.out.pop_front();
            }
        }
        State::Open
    }

    /// Whether the socket must be watched for room.
    pub(super) fn wants_room(&self) -> bool {
        !self.out.is_empty()
    }

    /// Reads what came and gives each answer with its request to `answered`.
    pub(super) fn receive(
        &mut self,
        mut answered: impl FnMut(Sent, &[u8]) -> Result<(), String>,
    ) -> Result<State, String> {
        loop {
            let room = &mut self.input[self.filled..];
            let asked = room.len();
            let read = match self.stream.read(room) {
                Ok(0) => return Ok(State::Closed),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(State::Open),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Ok(State::Closed),
            };
            self.filled += read;
            let mut at = 0;
            while at < self.filled
                && let Parsed::Answer { length, body } =
                    self.parser.parse(&self.input[at..self.filled])?
            {
                let sent = self.in_flight.pop_front();
                let sent = sent.ok_or("an answer came that nobody asked for")?;
                answered(sent, body)?;
                at += length;
            }
            self.input.copy_within(at..self.filled, 0);
            self.filled -= at;
            if read < asked {
                return Ok(State::Open);
            }
        }
    }
}
