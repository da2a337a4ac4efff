//! A certificate and its key, as files.

use std::path::PathBuf;

use anyhow::Context;

/// What a TLS client shows: a certificate (with its chain) and the key to it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// The certificate as a hook gets it: base64 of the DER, one line, no armour.
    pub(crate) fn cert_pem(&self) -> anyhow::Result<String> {
        let text = std::fs::read_to_string(&self.certificate);
        let text = text.with_context(|| format!("reading {}", self.certificate.display()))?;
        let body = text
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN CERTIFICATE"))
            .skip(1);
        Ok(body
            .take_while(|line| !line.starts_with("-----END"))
            .collect())
    }
}
