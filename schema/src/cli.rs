//! The commands, one file each, and what they share: the connection, exit codes, one output line.

pub(crate) mod bump_epoch;
pub(crate) mod check;
mod connect;
mod exit;
pub(crate) mod migrate;
mod secret_file;
mod tls;
pub(crate) mod trim;

pub(crate) use connect::Connection;
pub(crate) use exit::Failure;

/// Prints one line of result.
fn say(line: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}").map_err(Failure::other)
}
