//! Events to stdout, one JSON object a line, by one task behind a bounded queue.
//!
//! A reader that stops reading must not stop the fleet: when the queue is full, events are dropped
//! and counted (`events_dropped` of the summary).

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::event::Event;
use crate::telemetry::rfc3339;

/// Events waiting for stdout.
const QUEUE_EVENTS: usize = 65_536;

/// What goes to stdout and stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Every event to stdout.
    Json,
    /// Only trouble, to stderr.
    Text,
}

/// A handle to tell events with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Telling {
    queue: mpsc::Sender<(OffsetDateTime, Event)>,
    dropped: Arc<AtomicU64>,
}

impl Telling {
    /// Tells an event, now. Never waits.
    pub fn tell(&self, event: Event) {
        if self
            .queue
            .try_send((OffsetDateTime::now_utc(), event))
            .is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The task that writes.
#[derive(Debug)]
pub struct Printer {
    telling: Telling,
    task: JoinHandle<()>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    event: &'a Event,
}

impl Printer {
    /// Starts the task; needs a tokio runtime.
    pub fn start(output: Output) -> Self {
        let (queue, mut events) = mpsc::channel::<(OffsetDateTime, Event)>(QUEUE_EVENTS);
        let telling = Telling {
            queue,
            dropped: Arc::default(),
        };
        // Blocking: a full pipe makes a write wait, and that must not hold a runtime thread.
        let task = tokio::task::spawn_blocking(move || {
            while let Some((at, event)) = events.blocking_recv() {
                let written = match output {
                    Output::Json => print_line(&Line {
                        at: rfc3339(at),
                        event: &event,
                    }),
                    Output::Text if event.is_trouble() => complain(&event),
                    Output::Text => Ok(()),
                };
                if written.is_err() {
                    // Nobody reads stdout any more; the fleet goes on and the rest is dropped.
                    return;
                }
            }
        });
        Self { telling, task }
    }

    /// A handle for a device.
    pub fn telling(&self) -> Telling {
        self.telling.clone()
    }

    /// Writes out what waits, and returns how many events were dropped. All other handles must be
    /// gone.
    pub async fn finish(self) -> u64 {
        let dropped = Arc::clone(&self.telling.dropped);
        drop(self.telling);
        let _ = self.task.await;
        dropped.load(Ordering::Relaxed)
    }
}

/// One JSON object as a line on stdout.
pub(crate) fn print_line(value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

fn complain(event: &Event) -> io::Result<()> {
    if let Event::EnrolFailed { device, message } = event {
        writeln!(io::stderr(), "{device}: {message}")?;
    }
    Ok(())
}
