//! `certs rotate`: a new issuing authority beside the one that signs now.

use std::path::PathBuf;
use std::process::ExitCode;

use certs::folder::{AuthorityFiles, InitOptions, Rotation};
use certs::{CaKind, MAX_CA_DAYS, PkiFolder};
use clap::Args;
use serde_json::json;

use super::Context;
use super::init::organization;

/// Make a new issuing authority under the same root; the older ones stay trusted
///
/// New certificates are signed by the new authority. The older ones stay in the trust bundle, and go
/// on signing their revocation lists until the last certificate that they signed has ended. Give the
/// trust bundle to whoever trusts certificates of this kind before you let the new authority sign.
#[derive(Args, Debug)]
pub(crate) struct Rotate {
    /// Folder of the PKI
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Which authority
    #[arg(long, value_name = "device|service|server")]
    ca: CaKind,
    /// The O of the new authority's name
    #[arg(long, value_name = "TEXT", default_value = "IoT Hub", value_parser = organization)]
    organization: String,
    /// Days of validity of the new authority; it ends with the root at the latest
    #[arg(long, value_name = "DAYS", default_value_t = 3_650,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CA_DAYS)))]
    ca_days: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Rotate {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let options = InitOptions {
            organization: self.organization,
            authority_days: self.ca_days,
            ..InitOptions::default()
        };
        let folder = PkiFolder::new(self.dir);
        let rotation = folder.rotate(self.ca, &options, context.now, &mut context.rng)?;
        let bundle = folder.path(&format!("{}-trust.pem", self.ca));
        let mut lines: Vec<String> = rotation
            .steps
            .iter()
            .map(|step| format!("{:<17}{}", step.outcome.as_str(), step.file))
            .collect();
        lines.push(format!("1. Hand out       {}", bundle.display()));
        lines.extend(settings(self.ca, &rotation));
        let value = json!({
            "current": files(&rotation.current),
            "retired": rotation.retired.iter().map(files).collect::<Vec<_>>(),
            "trustFile": bundle,
            "steps": rotation
                .steps
                .iter()
                .map(|step| json!({ "file": step.file, "outcome": step.outcome.as_str() }))
                .collect::<Vec<_>>(),
        });
        context.say(self.json, &lines.join("\n"), &value)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What to set where. Only device certificates are signed by a service; the rest by this program,
/// which takes the newest authority whose key is there.
fn settings(ca: CaKind, rotation: &Rotation) -> Vec<String> {
    if ca != CaKind::Device {
        return vec!["2. Renew the leaves with --renew before the older authority ends".to_owned()];
    }
    let retired: Vec<String> = rotation
        .retired
        .iter()
        .map(|files| files.certificate.display().to_string())
        .collect();
    vec![
        "2. Set, and restart api-service".to_owned(),
        format!(
            "   API_DEVICE_CA_CERT_FILE={}",
            rotation.current.certificate.display()
        ),
        format!(
            "   API_DEVICE_CA_KEY_FILE={}",
            rotation.current.key.display()
        ),
        format!("   API_DEVICE_CA_RETIRED_FILES={}", retired.join(",")),
    ]
}

fn files(files: &AuthorityFiles) -> serde_json::Value {
    json!({ "certificateFile": files.certificate, "keyFile": files.key })
}
