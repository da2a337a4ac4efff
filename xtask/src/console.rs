//! Progress for people: one line per event on stderr, with the seconds since the start.
//!
//! stdout is never written here: it belongs to results (the screen of `up`, JSON lines).

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

/// Says what happens, and when.
#[derive(Debug)]
pub(crate) struct Console {
    started: Instant,
}

impl Console {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// One progress line. A closed stderr is no reason to stop.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        let seconds = self.started.elapsed().as_secs_f64();
        let _ = writeln!(std::io::stderr(), "[{seconds:7.1} s] {}", line.as_ref());
    }
}

/// Writes a result to stdout, as one line or many.
pub(crate) fn result(text: impl AsRef<str>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    out.flush()
}

/// The times of the steps of one run, in order.
#[derive(Debug)]
pub(crate) struct Steps {
    started: Instant,
    current: Instant,
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            current: now,
            done: Vec::new(),
        }
    }

    /// Closes the step that ran since the last call (or since the start) under this name.
    pub(crate) fn done(&mut self, name: &'static str) -> Duration {
        let now = Instant::now();
        let took = now - self.current;
        self.current = now;
        self.done.push((name, took));
        took
    }

    pub(crate) fn total(&self) -> Duration {
        self.started.elapsed()
    }

    /// `{"postgres": 0.9, ...}`: seconds per step, to a hundredth.
    pub(crate) fn as_json(&self) -> Value {
        let entries = self
            .done
            .iter()
            .map(|(name, took)| ((*name).to_owned(), seconds(*took)));
        Value::Object(entries.collect::<Map<_, _>>())
    }
}

/// Seconds to a hundredth, as a JSON number.
pub(crate) fn seconds(took: Duration) -> Value {
    Value::from((took.as_secs_f64() * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_by_name_with_seconds() {
        let mut steps = Steps::new();
        steps.done("postgres");
        steps.done("broker");
        let json = steps.as_json();
        assert!(json["postgres"].is_number() && json["broker"].is_number());
    }

    #[test]
    fn seconds_are_rounded_to_a_hundredth() {
        assert_eq!(seconds(Duration::from_micros(1_234_567)), Value::from(1.23));
    }
}
