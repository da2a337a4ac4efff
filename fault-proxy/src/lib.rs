//! A TCP proxy with faults, for tests and chaos runs: it forwards, and on demand it refuses, cuts,
//! delays, throttles or goes silent.
//!
//! It never changes, loses or reorders a byte of a connection that lives on: TCP does not either, and
//! a fault that no network has would prove nothing. Listens on 127.0.0.1 only.

mod entrance;
mod faults;
mod pump;
mod random;
mod relay;
mod totals;

pub use entrance::Proxy;
pub use faults::{Delay, Direction, Entry, Faults};
pub use totals::Totals;
