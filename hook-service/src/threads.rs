//! Threads that serve connections, each with a runtime of its own.
//!
//! A runtime of several threads wakes another thread for most requests that come alone, and that
//! thread finds nothing to do: measured, half of what a request costs when few are under way. A
//! connection stays on its thread, as nginx's stay with their worker. `benches/RESULTS.md` has the
//! figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// After so many turns of connections a thread looks which others have something to read: that gives
/// them their place in the queue.
const EVENT_INTERVAL: u32 = 8;

/// Threads with a runtime each. When this value is dropped they end, and with them what they serve.
#[derive(Debug)]
pub struct Threads {
    threads: Vec<Thread>,
    _stop: DropGuard,
}

/// One of them.
#[derive(Debug)]
pub struct Thread {
    /// Which one, from 0.
    pub number: usize,
    /// To put tasks there.
    pub runtime: Handle,
    busy: Arc<AtomicUsize>,
}

/// A task's place on a thread, for as long as it is held.
#[derive(Debug)]
pub struct Place {
    busy: Arc<AtomicUsize>,
}

impl Threads {
    /// Starts `count` of them, at least one.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let threads = (0..count.max(1))
            .map(|number| {
                let runtime = Builder::new_current_thread()
                    .enable_io()
                    .enable_time()
                    .event_interval(EVENT_INTERVAL)
                    .build()?;
                let handle = runtime.handle().clone();
                let stop = stop.clone();
                std::thread::Builder::new()
                    .name(format!("hooks-{number}"))
                    .spawn(move || runtime.block_on(stop.cancelled_owned()))?;
                Ok(Thread {
                    number,
                    runtime: handle,
                    busy: Arc::default(),
                })
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            threads,
            _stop: stop.drop_guard(),
        })
    }

    /// The runtime that this is called in, instead of threads: for a test that holds its clock.
    pub fn this_runtime() -> Self {
        let thread = Thread {
            number: 0,
            runtime: Handle::current(),
            busy: Arc::default(),
        };
        Self {
            threads: vec![thread],
            _stop: CancellationToken::new().drop_guard(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.threads.iter()
    }

    /// The one with the fewest places taken, and a place there.
    pub fn take_place(&self) -> (&Thread, Place) {
        let thread = self
            .iter()
            .min_by_key(|thread| thread.busy.load(Relaxed))
            .expect("there is at least one thread");
        thread.busy.fetch_add(1, Relaxed);
        let busy = Arc::clone(&thread.busy);
        (thread, Place { busy })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.busy.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_to_the_thread_that_has_the_fewest() {
        let threads = Threads::start(3).unwrap();
        let mut places: Vec<_> = (0..6).map(|_| threads.take_place()).collect();
        let numbers: Vec<_> = places.iter().map(|(thread, _)| thread.number).collect();
        assert_eq!(numbers, [0, 1, 2, 0, 1, 2]);
        places.retain(|(thread, _)| thread.number != 1);
        assert_eq!(threads.take_place().0.number, 1);
    }

    #[test]
    fn a_task_runs_on_its_own_thread_and_ends_with_the_value() {
        let threads = Threads::start(1).unwrap();
        let runtime = &threads.iter().next().unwrap().runtime;
        let (told, hears) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let name = std::thread::current().name().map(str::to_owned);
            told.send(name).unwrap();
            std::future::pending::<()>().await;
        });
        assert_eq!(hears.recv().unwrap().as_deref(), Some("hooks-0"));
        drop(threads);
        // The task held the sender, so the channel closes when the task is dropped.
        assert!(hears.recv().is_err());
    }
}
