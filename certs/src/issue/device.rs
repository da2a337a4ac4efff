//! Certificates of devices.

use rand::CryptoRng;
use time::OffsetDateTime;

use super::{IssueError, leaf_window};
use crate::names::{check_device_id, distinguished};
use crate::profile::Purpose;
use crate::{CaKind, Certificate, CheckedCsr, CrlUrl, IssuingCa};

/// What a device certificate is to say. All of it comes from the registration.
#[derive(Debug, Clone, Copy)]
pub struct DeviceSpec<'a> {
    /// The registered id (`^[A-Za-z0-9_-]{1,64}$`): common name and URI of the certificate.
    pub device_id: &'a str,
    /// Days of validity, 1 to [`MAX_LEAF_DAYS`](crate::MAX_LEAF_DAYS); cut at the issuer's end.
    pub days: u16,
    /// Where the revocation list for this certificate is served. An EMQX listener with its CRL
    /// check on refuses a certificate that names none.
    pub crl_url: Option<&'a CrlUrl>,
}

impl IssuingCa {
    /// Issues a device certificate for the key of a checked request.
    ///
    /// `CN=<deviceId>` and `urn:iot-hub:device:<deviceId>`, client authentication alone, valid
    /// from one hour before `now`.
    pub fn issue_device(
        &self,
        csr: &CheckedCsr,
        spec: &DeviceSpec<'_>,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.require(CaKind::Device)?;
        check_device_id(spec.device_id)?;
        let window = leaf_window(now, spec.days, self.certificate())?;
        let subject = distinguished(spec.device_id, None)?;
        let mut profile = self.leaf_profile(subject, csr.public_key(), Purpose::Client)?;
        profile.add_uri(&device_uri(spec.device_id))?;
        if let Some(url) = spec.crl_url {
            profile.add_crl_url(url)?;
        }
        self.sign_leaf(profile, window, csr.public_key(), rng)
    }
}

/// The URI by which a certificate names its device.
fn device_uri(device_id: &str) -> String {
    format!("urn:iot-hub:device:{device_id}")
}
