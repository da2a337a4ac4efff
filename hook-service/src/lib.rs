//! Tells EMQX, from memory, who may connect and what each client may publish and subscribe.
//!
//! Read [`endpoints`] for what EMQX sees, [`decide`] for the rules, [`fleet`] for the table they
//! read, [`feed`] for how it stays in step with PostgreSQL, and [`service`] for how it all starts
//! and stops. No request waits for anything outside this process.

pub mod config;
pub mod decide;
pub mod endpoints;
pub mod feed;
pub mod fleet;
pub mod listener;
pub mod metrics;
pub mod overload;
pub mod rights;
pub mod service;
pub mod threads;
pub mod topic;
