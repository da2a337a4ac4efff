//! hook-service as a whole: real HTTP on sockets, a real PostgreSQL behind it.

mod faults;
mod feed;
mod http;
mod statements;
mod support;
mod tls;
mod wire;
mod words;
