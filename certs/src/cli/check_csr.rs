//! `certs check-csr`: whether a request would be taken.

use std::path::PathBuf;
use std::process::ExitCode;

use certs::csr::MAX_CSR_BYTES;
use certs::{CheckedCsr, Fingerprint};
use clap::Args;
use serde_json::json;

use super::{Context, read_input};

/// Judge a certificate signing request; exits with 1 and says why if it would be refused
#[derive(Args, Debug)]
pub(crate) struct CheckCsr {
    /// The request (PKCS#10, PEM or DER), - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CheckCsr {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        match CheckedCsr::parse(&read_input(&self.file, MAX_CSR_BYTES)?) {
            Ok(csr) => {
                let key = Fingerprint::of_der(csr.public_key().der()).to_string();
                let lines = format!("good: P-256, signed by its own key\nkey SHA-256      {key}");
                context.say(
                    self.json,
                    &lines,
                    &json!({ "good": true, "keySha256": key }),
                )?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                let lines = format!("refused ({}): {error}", error.code());
                let value =
                    json!({ "good": false, "code": error.code(), "detail": error.to_string() });
                context.say(self.json, &lines, &value)?;
                Ok(ExitCode::from(1))
            }
        }
    }
}
