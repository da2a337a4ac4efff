//! `dev-postgres find`: are there binaries, and which.

use std::io::Write as _;

use anyhow::Context as _;
use dev_postgres::Binaries;

pub(crate) fn run() -> anyhow::Result<()> {
    let binaries = Binaries::find()?;
    let found = serde_json::json!({
        "bin": binaries.folder(),
        "major": binaries.major(),
        "psql": binaries.optional("psql").ok(),
    });
    writeln!(std::io::stdout(), "{found}").context("cannot write to standard output")
}
