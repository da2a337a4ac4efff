//! The command and query backend over PostgreSQL: manufacturing, devices, revocation.
//!
//! Commands change the database and queries read it; workers carry effects outward. The arrows are
//! `commands, queries -> domain, store -> schema`: `store` never names axum, `domain` neither axum nor
//! `tokio_postgres`, and `problem` is the one file that turns errors into HTTP bodies.
//!
//! It never takes a private key from anybody, never signs a name that a request brings, and never
//! answers a command before it is committed.

pub mod cli;
pub mod config;
pub mod openapi;
pub mod serve;

mod accounts;
mod api;
mod bindings;
mod broker;
mod bulk;
mod commands;
mod crl;
mod doctor;
mod domain;
mod edge;
mod expiry;
mod fence;
mod guesses;
mod health;
mod metrics;
mod outbox;
mod pki;
mod problem;
mod queries;
mod rates;
mod replicas;
mod retention;
mod routes;
mod sealer;
mod signing;
mod store;
mod traces;
mod views;

/// Every SQL statement of this service, for the test that prepares them against a migrated database.
pub use store::STATEMENTS;
