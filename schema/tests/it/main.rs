//! Everything here runs on a real PostgreSQL server.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests end the test at the first surprise"
)]

mod numbering;
mod support;
