//! The HTTP client that asks hooks, shaped like EMQX's: a fixed pool of HTTP/1.1 connections with
//! real pipelining, so that a hook which answers out of order or stalls is found out here.
//!
//! As on EMQX a stalled answer holds up those behind it on the same connection. Unlike EMQX, which
//! picks a connection at random, the least busy one is taken, so tests are not left to chance.
//! There is no health check: a hook that comes back is used at once, not up to 15 s later.

mod connection;
mod request;
mod response;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

pub(crate) use request::{RenderError, render};

use crate::answer::HttpAnswer;
use crate::settings::HttpSource;

/// Requests waiting for one connection before callers wait themselves.
const QUEUE: usize = 1024;
/// What EMQX adds to the request time-out before the caller gives up (seen on 5.8.9).
const CALL_MARGIN: Duration = Duration::from_millis(500);

/// Why a hook gave no answer. All of them count as "ignore" or "no match".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HookFailure {
    /// Nobody listens, or the connection took too long.
    #[error("the hook can't be reached")]
    Unreachable,
    /// Closed before answering, three times.
    #[error("the hook closed the connection before it answered")]
    Closed,
    /// No answer in time.
    #[error("the hook did not answer in time")]
    TimedOut,
    /// Not HTTP, or an answer beyond the limits.
    #[error("the hook's answer is not HTTP/1.1 or is too large")]
    Broken,
}

/// One source's pool.
#[derive(Debug)]
pub(crate) struct HookClient {
    source: HttpSource,
    connections: Vec<Connection>,
    next: AtomicUsize,
}

#[derive(Debug)]
struct Connection {
    queue: mpsc::Sender<Job>,
    in_flight: Arc<AtomicUsize>,
}

/// One request on its way.
struct Job {
    bytes: Bytes,
    sent: u8,
    reply: oneshot::Sender<Result<HttpAnswer, HookFailure>>,
    _load: Load,
}

/// Counts a job as load of its connection until it is answered or dropped there, which may be long
/// after its caller gave up.
struct Load(Arc<AtomicUsize>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HookClient {
    /// Starts the pool's tasks; they connect when the first request comes.
    pub(crate) fn new(source: HttpSource) -> Self {
        let connections = (0..source.pool_size.max(1))
            .map(|_| {
                let (queue, jobs) = mpsc::channel(QUEUE);
                tokio::spawn(connection::run(
                    source.url.authority.clone(),
                    source.connect_timeout,
                    source.pipelining.max(1),
                    jobs,
                ));
                Connection {
                    queue,
                    in_flight: Arc::default(),
                }
            })
            .collect();
        Self {
            source,
            connections,
            next: AtomicUsize::new(0),
        }
    }

    /// The source it asks.
    pub(crate) fn source(&self) -> &HttpSource {
        &self.source
    }

    /// Sends a rendered request and waits for its answer, at most the request time-out + 0.5 s.
    pub(crate) async fn call(&self, bytes: Vec<u8>) -> Result<HttpAnswer, HookFailure> {
        let connection = self.least_busy();
        connection.in_flight.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let job = Job {
            bytes: bytes.into(),
            sent: 0,
            reply,
            _load: Load(Arc::clone(&connection.in_flight)),
        };
        let exchange = async {
            connection
                .queue
                .send(job)
                .await
                .map_err(|_| HookFailure::Unreachable)?;
            answer.await.unwrap_or(Err(HookFailure::Closed))
        };
        let patience = self.source.request_timeout + CALL_MARGIN;
        tokio::time::timeout(patience, exchange)
            .await
            .unwrap_or(Err(HookFailure::TimedOut))
    }

    fn least_busy(&self) -> &Connection {
        let count = self.connections.len();
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let order = (0..count).map(|offset| &self.connections[(start + offset) % count]);
        order
            .min_by_key(|connection| connection.in_flight.load(Ordering::Relaxed))
            .expect("a pool holds at least one connection")
    }
}
