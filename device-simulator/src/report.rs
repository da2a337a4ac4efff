//! What the fleet tells: events as they happen, counters that a supervisor can wait on, a summary.

mod board;
mod event;
mod printer;
mod progress;
mod status_file;
mod summary;

pub use board::{Board, DeviceCounters};
pub use event::Event;
pub use printer::{Output, Printer, Telling};
pub use progress::Progress;
pub use status_file::StatusFile;
pub use summary::Summary;
