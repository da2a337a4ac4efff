//! The floor: a server that does as little as one can. It finds the end of each request by the
//! exact bytes that the generator writes, and answers prebuilt bytes. No HTTP beyond that.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use anyhow::Context;
use memchr::memmem;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventFlags};
use rustix::fd::AsFd;
use serde_json::json;

use super::Constants;
use super::constant::Arguments;

const INPUT_BYTES: usize = 256 * 1024;
const LENGTH: &[u8] = b"content-length: ";

/// How often a thread looks for new connections when nothing else happens.
const ACCEPT_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// Runs until it is killed.
pub(crate) fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.tied {
        super::child::tie_to_parent();
    }
    let constants = Constants::from_argument(&arguments.bodies)?;
    let address = start(&constants, crate::machine::cores())?;
    super::announce(&json!({ "http": address }))?;
    loop {
        std::thread::park();
    }
}

/// Binds and serves with this many threads, until the process ends.
pub(crate) fn start(constants: &Constants, threads: usize) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("binding")?;
    let address = listener.local_addr()?;
    let answers = Arc::new((answer(&constants.authn), answer(&constants.authz)));
    let threads: Vec<SyncSender<TcpStream>> = (0..threads)
        .map(|_| {
            let (sender, receiver) = sync_channel(1024);
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || run(&receiver, &answers));
            sender
        })
        .collect();
    std::thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            if let Ok(stream) = stream {
                // Fails only when that thread is gone, and then the process is about to be.
                let _ = threads[index % threads.len()].send(stream);
            }
        }
    });
    Ok(address)
}

fn answer(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         date: Sun, 22 Nov 2026 00:00:00 GMT\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    filled: usize,
    out: Vec<u8>,
}

fn run(new: &Receiver<TcpStream>, answers: &(Vec<u8>, Vec<u8>)) -> anyhow::Result<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut number = 0;
    let mut events = Vec::with_capacity(64);
    loop {
        loop {
            match new.try_recv() {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                    number += 1;
                    let data = epoll::EventData::new_u64(number);
                    epoll::add(&epoll, stream.as_fd(), data, EventFlags::IN)?;
                    connections.insert(
                        number,
                        Connection {
                            stream,
                            input: vec![0; INPUT_BYTES],
                            filled: 0,
                            out: Vec::new(),
                        },
                    );
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        events.clear();
        match epoll::wait(
            &epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&ACCEPT_EVERY),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            let id = event.data.u64();
            let Some(connection) = connections.get_mut(&id) else {
                continue;
            };
            let waited = !connection.out.is_empty();
            if connection.happened(answers).is_err() {
                connections.remove(&id);
                continue;
            }
            let waits = !connection.out.is_empty();
            if waits != waited {
                let flags = if waits {
                    EventFlags::OUT
                } else {
                    EventFlags::IN
                };
                epoll::modify(&epoll, connection.stream.as_fd(), event.data, flags)?;
            }
        }
    }
}

impl Connection {
    /// Reads once, answers every whole request in one write. What the peer does not take waits, and
    /// until it is taken nothing more is read.
    fn happened(&mut self, answers: &(Vec<u8>, Vec<u8>)) -> std::io::Result<()> {
        if self.out.is_empty() {
            match self.stream.read(&mut self.input[self.filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            let mut at = 0;
            while let Some(length) = request_length(&self.input[at..self.filled]) {
                let authz = self.input[at..].starts_with(b"POST /authz ");
                let answer = if authz { &answers.1 } else { &answers.0 };
                self.out.extend_from_slice(answer);
                at += length;
            }
            self.input.copy_within(at..self.filled, 0);
            self.filled -= at;
        }
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) if written == self.out.len() => self.out.clear(),
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The length of the first request, if it is there as a whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let value = memmem::find(&bytes[..head], LENGTH)? + LENGTH.len();
    let digits = bytes[value..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let body = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    (bytes.len() >= head + body).then_some(head + body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_only_as_a_whole() {
        let request = b"POST /authz HTTP/1.1\r\ncontent-length: 12\r\nhost: x\r\n\r\nabcdefghijkl";
        for split in 0..request.len() {
            assert_eq!(request_length(&request[..split]), None, "{split}");
        }
        assert_eq!(request_length(request), Some(request.len()));
        assert_eq!(
            request_length(&[&request[..], request].concat()),
            Some(request.len())
        );
    }
}
