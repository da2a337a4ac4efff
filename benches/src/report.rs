//! What people and machines read: progress on standard error, figures on standard output.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// Where a scenario's figures go.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Output {
    /// End with one line of JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Also write everything, histograms included, to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<std::path::PathBuf>,
}

/// A sentence for whoever waits.
#[expect(
    clippy::print_stderr,
    reason = "progress is for people and must not mix with figures"
)]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// A table, or any other text for people, on standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing to standard output")
}

impl Output {
    /// Ends a scenario: the file with `details`, then the one line.
    pub(crate) fn finish(&self, figures: &Value, details: &Value) -> anyhow::Result<()> {
        if let Some(path) = &self.out {
            write(
                path,
                &serde_json::json!({ "figures": figures, "details": details }),
            )?;
        }
        if self.json {
            print(&figures.to_string())?;
        }
        Ok(())
    }
}

fn write(path: &Path, all: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string(all).context("writing JSON")?;
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Rounds for reading: three decimals are more than a shared machine gives.
pub(crate) fn rounded(value: f64) -> Value {
    let rounded = (value * 1000.0).round() / 1000.0;
    serde_json::Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}
