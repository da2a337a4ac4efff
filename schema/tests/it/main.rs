//! Everything here runs on a real PostgreSQL server.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests end the test at the first surprise"
)]

mod care;
mod checks;
mod command;
mod concurrency;
mod crl;
mod migrating;
mod numbering;
mod rights;
mod support;
mod words;
