//! Everything here runs a real PostgreSQL server.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests end the test at the first surprise"
)]

mod cluster;
mod command;
mod shared;
mod support;
mod test_database;
