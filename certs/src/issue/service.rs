//! Certificates of service clients.

use rand::CryptoRng;
use time::OffsetDateTime;

use super::{IssueError, leaf_window};
use crate::names::{check_service_name, distinguished};
use crate::profile::Purpose;
use crate::{CaKind, Certificate, CrlUrl, IssuingCa, PublicKey};

/// What a service client's certificate is to say.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSpec<'a> {
    /// The name (`^[a-z0-9-]{1,32}$`); the common name is `svc.<name>`.
    pub name: &'a str,
    /// Days of validity, 1 to [`MAX_LEAF_DAYS`](crate::MAX_LEAF_DAYS); cut at the issuer's end.
    pub days: u16,
    /// Where the revocation list for this certificate is served.
    pub crl_url: Option<&'a CrlUrl>,
}

impl IssuingCa {
    /// Issues a service client's certificate: `CN=svc.<name>`, client authentication alone.
    pub fn issue_service(
        &self,
        key: &PublicKey,
        spec: &ServiceSpec<'_>,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.require(CaKind::Service)?;
        check_service_name(spec.name)?;
        let window = leaf_window(now, spec.days, self.certificate())?;
        let subject = distinguished(&format!("svc.{}", spec.name), None)?;
        let mut profile = self.leaf_profile(subject, key, Purpose::Client)?;
        profile.add_uri(&format!("urn:iot-hub:service:{}", spec.name))?;
        if let Some(url) = spec.crl_url {
            profile.add_crl_url(url)?;
        }
        self.sign_leaf(profile, window, key, rng)
    }
}
