//! hook-service as a whole: real HTTP on sockets, a real PostgreSQL behind it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, with its place"
)]

mod faults;
mod feed;
mod fence;
mod handover;
mod hostile;
mod http;
mod in_memory;
mod overload;
mod people;
mod plans;
mod statements;
mod support;
mod tls;
mod wire;
mod words;
