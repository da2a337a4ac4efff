//! A device of the load: a certificate that the device CA signed, and a compact MQTT 5 client.

mod client;
mod make;

pub use client::{Answer, Session, Target, connect};
pub use make::{Authority, Device, Registered};
