//! The command line, and nothing that acts on it.

use std::path::PathBuf;

/// Kills, pauses, cuts and slows the parts of the local stack under load, and judges what devices were
/// told meanwhile. Exit codes: 0 everything held, 1 it did not or could not be judged, 64 bad usage.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "chaos", version)]
pub(crate) struct Arguments {
    /// A few faults with a small load, done within a minute
    #[arg(long)]
    pub(crate) short: bool,
    /// The last line of standard output is one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Only the faults whose name contains this
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
    /// What every delay is drawn from; printed at the start of each run
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// List the faults and end
    #[arg(long)]
    pub(crate) list: bool,
    /// The folder of the built programs; without it they are built beside this one
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
}
