//! A fleet of software grow controllers: manufactured over the API, connected by MQTT 5 over mTLS.
//!
//! Each device holds its P-256 key in a [`secure_element`], is enrolled by [`enrolment`], keeps what
//! it got in a [`state`] folder, and then lives in a [`session`] that reports a simulated grow
//! [`tent`]. [`fleet`] runs any number of them in one process and [`report`] tells what happened.
//!
//! The crate shares no code with the services it exercises: what it believes about their wire forms
//! is written here a second time on purpose, so that a mistake in one place shows.

pub mod backoff;
pub mod cli;
pub mod device_id;
pub mod enrolment;
pub mod failure;
pub mod fleet;
mod hex;
pub mod noise;
pub mod qr;
pub mod report;
pub mod secure_element;
pub mod session;
pub mod state;
pub mod telemetry;
pub mod tent;
pub mod topics;
pub mod trust;
