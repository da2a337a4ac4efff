//! `certs report`: what ends when.

use std::path::PathBuf;
use std::process::ExitCode;

use certs::PkiFolder;
use clap::Args;
use serde_json::json;
use time::Duration;

use super::{Context, shown};

/// List every certificate and revocation list of the folder, the next to end first
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// Folder of the PKI
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Exit with 1 if something has ended or ends within so many days
    #[arg(long, value_name = "DAYS")]
    fail_within: Option<u16>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let report = PkiFolder::new(self.dir).report()?;
        let mut lines = vec![format!(
            "{:>6}  {:<20}  {:<9}  file",
            "days", "ends", "what"
        )];
        let mut values = Vec::new();
        for line in &report {
            let days = (line.ends - context.now).whole_days();
            let (ends, what) = (shown(line.ends), line.what.as_str());
            lines.push(format!(
                "{days:>6}  {ends:<20}  {what:<9}  {} ({})",
                line.file, line.name
            ));
            values.push(json!({
                "file": line.file,
                "what": what,
                "name": line.name,
                "ends": ends,
                "daysLeft": days,
                "fingerprint": line.fingerprint.map(|fingerprint| fingerprint.to_string()),
            }));
        }
        context.say(self.json, &lines.join("\n"), &json!(values))?;
        let due = self.fail_within.is_some_and(|days| {
            let bound = context.now + Duration::days(days.into());
            report.first().is_some_and(|first| first.ends <= bound)
        });
        Ok(ExitCode::from(u8::from(due)))
    }
}
