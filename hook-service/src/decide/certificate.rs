//! The fingerprint of the certificate that a client proved, in either identity mode.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::Fingerprint;

use super::{Connect, Deny, IdentityMode};

/// The longest certificate that is looked at, in bytes of DER. Ours have about 700.
const DER_BYTES_MAX: usize = 4096;

impl Connect<'_> {
    /// The fingerprint that `mode` takes as proof.
    pub(super) fn fingerprint(&self, mode: IdentityMode) -> Result<Fingerprint, Deny> {
        match mode {
            IdentityMode::CertPem => of_base64(self.cert_pem.ok_or(Deny::NoCertificate)?),
            IdentityMode::CnAndPassword => self
                .password
                .ok_or(Deny::NoCertificate)?
                .parse()
                .map_err(|_| Deny::BadCertificate),
        }
    }
}

fn of_base64(text: &str) -> Result<Fingerprint, Deny> {
    let mut der = [0; DER_BYTES_MAX];
    let length = STANDARD
        .decode_slice(text, &mut der)
        .map_err(|_| Deny::BadCertificate)?;
    Ok(Fingerprint::of_der(&der[..length]))
}
