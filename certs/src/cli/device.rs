//! `certs device`: a device certificate without the API, for a factory that is offline.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use certs::csr::MAX_CSR_BYTES;
use certs::folder::write::write_once;
use certs::{CaKind, CheckedCsr, CrlUrl, DeviceSpec, MAX_LEAF_DAYS, NameError, PkiFolder, names};
use clap::Args;
use serde_json::json;

use super::{Context, read_input, shown};

/// Issue a device certificate for a signing request; register its fingerprint afterwards
#[derive(Args, Debug)]
pub(crate) struct DeviceIssue {
    /// Folder of the PKI
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The request (PKCS#10, PEM or DER), - for standard input. Only its key is taken over
    #[arg(long, value_name = "FILE")]
    csr: PathBuf,
    /// The registered id (A-Z a-z 0-9 _ -, at most 64): CN and SAN URI of the certificate
    #[arg(long, value_name = "ID", value_parser = device_id)]
    device_id: String,
    /// Days of validity; it ends with the issuing authority at the latest
    #[arg(long, value_name = "DAYS", default_value_t = 365,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_LEAF_DAYS)))]
    days: u16,
    /// Where the revocation list for this certificate is served (http only)
    #[arg(long, value_name = "URL")]
    crl_url: Option<CrlUrl>,
    /// File for the certificate and its issuer [default: device-<ID>.pem in the folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DeviceIssue {
    pub(super) fn run(self, context: &mut Context<'_>) -> anyhow::Result<ExitCode> {
        let folder = PkiFolder::new(&self.dir);
        let csr = CheckedCsr::parse(&read_input(&self.csr, MAX_CSR_BYTES)?)
            .with_context(|| self.csr.display().to_string())?;
        let ca = folder.load_issuing(CaKind::Device)?;
        let spec = DeviceSpec {
            device_id: &self.device_id,
            days: self.days,
            crl_url: self.crl_url.as_ref(),
        };
        let certificate = ca.issue_device(&csr, &spec, context.now, &mut context.rng)?;
        let file = self
            .out
            .unwrap_or_else(|| folder.path(&format!("device-{}.pem", self.device_id)));
        let chain = certificate.pem() + &ca.certificate().pem();
        write_once(&file, chain.as_bytes(), 0o644)
            .with_context(|| format!("{}: give another --out", file.display()))?;
        let lines = format!(
            "made             {}\nsubject          {}\nends             {}\nserial           {}\n\
             fingerprint      {}",
            file.display(),
            certificate.subject(),
            shown(certificate.not_after()),
            certificate.serial(),
            certificate.fingerprint(),
        );
        let value = json!({
            "deviceId": self.device_id,
            "certificateFile": file,
            "serial": certificate.serial().to_string(),
            "notBefore": shown(certificate.not_before()),
            "notAfter": shown(certificate.not_after()),
            "fingerprint": certificate.fingerprint().to_string(),
        });
        context.say(self.json, &lines, &value)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn device_id(text: &str) -> Result<String, NameError> {
    names::check_device_id(text).map(|()| text.to_owned())
}
