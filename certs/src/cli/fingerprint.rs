//! `certs fingerprint`: what a certificate is known by.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use certs::Certificate;
use certs::certificate::MAX_CERTIFICATE_FILE_BYTES;
use clap::Args;
use serde_json::json;

use super::{Context, read_input, shown};

/// Print the SHA-256 fingerprint of a certificate (of the first one, when a chain follows)
#[derive(Args, Debug)]
pub(crate) struct FingerprintOf {
    /// The certificate (PEM or DER), - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl FingerprintOf {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let bytes = read_input(&self.file, MAX_CERTIFICATE_FILE_BYTES)?;
        let certificate =
            Certificate::read_first(&bytes).with_context(|| self.file.display().to_string())?;
        let fingerprint = certificate.fingerprint().to_string();
        let value = json!({
            "fingerprint": fingerprint,
            "subject": certificate.subject(),
            "issuer": certificate.issuer(),
            "serial": certificate.serial().to_string(),
            "notAfter": shown(certificate.not_after()),
        });
        context.say(self.json, &fingerprint, &value)?;
        Ok(ExitCode::SUCCESS)
    }
}
