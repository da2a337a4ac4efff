//! The fingerprint of the certificate that a client proved, in either identity mode.

use std::mem::MaybeUninit;

use base64_simd::{AsOut, STANDARD};
use certs::Fingerprint;

use super::{Connect, Deny, IdentityMode};

/// The longest certificate that is looked at, in bytes of DER. Ours have about 700.
const DER_BYTES_MAX: usize = 4096;
/// The same in base64: a little less than what decodes to [`DER_BYTES_MAX`].
const BASE64_CHARS_MAX: usize = DER_BYTES_MAX / 3 * 4;

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
    if text.len() > BASE64_CHARS_MAX {
        return Err(Deny::BadCertificate);
    }
    let mut der = [MaybeUninit::uninit(); DER_BYTES_MAX];
    let der = STANDARD
        .decode(text.as_bytes(), der.as_mut_slice().as_out())
        .map_err(|_| Deny::BadCertificate)?;
    Ok(Fingerprint::of_der(der))
}
