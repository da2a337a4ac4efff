//! `certs init`: makes what is missing.

use std::path::PathBuf;
use std::process::ExitCode;

use certs::folder::InitOptions;
use certs::{CaKind, MAX_CA_DAYS, NameError, PkiFolder, names};
use clap::Args;
use serde_json::json;

use super::Context;

/// Make the root, the three issuing authorities and the trust bundles, as far as they are missing
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// Folder of the PKI; made with mode 0700 if it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The O of the authorities' names
    #[arg(long, value_name = "TEXT", default_value = "IoT Hub", value_parser = organization)]
    organization: String,
    /// Days of validity of a new root
    #[arg(long, value_name = "DAYS", default_value_t = 7_300,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CA_DAYS)))]
    root_days: u16,
    /// Days of validity of a new issuing authority; it ends with the root at the latest
    #[arg(long, value_name = "DAYS", default_value_t = 3_650,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CA_DAYS)))]
    ca_days: u16,
    /// Make one more authority of this kind, for a rotation: the trust bundles list both, and new
    /// certificates come from the newest whose key is there. May be repeated
    #[arg(long, value_name = "device|service|server")]
    add: Vec<CaKind>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let options = InitOptions {
            organization: self.organization,
            root_days: self.root_days,
            authority_days: self.ca_days,
            add: self.add,
        };
        let folder = PkiFolder::new(self.dir);
        let steps = folder.init(&options, context.now, &mut context.rng)?;
        let lines: Vec<String> = steps
            .iter()
            .map(|step| format!("{:<17}{}", step.outcome.as_str(), step.file))
            .collect();
        let value: Vec<_> = steps
            .iter()
            .map(|step| json!({ "file": step.file, "outcome": step.outcome.as_str() }))
            .collect();
        let value = json!({ "dir": folder.dir(), "steps": value });
        context.say(self.json, &lines.join("\n"), &value)?;
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn organization(text: &str) -> Result<String, NameError> {
    names::check_organization(text).map(|()| text.to_owned())
}
