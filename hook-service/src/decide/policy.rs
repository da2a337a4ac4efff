//! How this service was set up to decide.

use super::Deny;
use crate::fleet::Standing;

/// How a client's certificate is proven. One explicit setting; never chosen by what a request lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityMode {
    /// EMQX 5.8 and later sends the TLS peer certificate; the fingerprint is computed here.
    CertPem,
    /// EMQX 5.3 to 5.7, or TLS ended at a balancer: the common name comes from the broker, the
    /// fingerprint from the password.
    CnAndPassword,
}

/// The words of the setting.
pub const IDENTITY_MODES: &[(&str, IdentityMode)] = &[
    ("cert_pem", IdentityMode::CertPem),
    ("cn_and_password", IdentityMode::CnAndPassword),
];

/// The settings that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How certificates are proven.
    pub identity: IdentityMode,
    /// How long a session lasts before the broker must ask again, in seconds. Each client's own
    /// length differs by up to a fifth, so that a fleet does not come back all at once.
    pub session_ttl_s: u32,
    /// Whether clients that are in the table are still served when it is out of date.
    pub serve_known: bool,
}

impl Policy {
    /// Whether an allow may leave while the table stands so. Asked after the decision, last of all.
    ///
    /// Whoever was allowed is in the table, so with `serve_known` staleness does not shut them out.
    pub fn may_allow(&self, standing: Standing) -> Result<(), Deny> {
        match standing {
            Standing::Fresh => Ok(()),
            Standing::Stale if self.serve_known => Ok(()),
            Standing::Stale => Err(Deny::Stale),
            Standing::NotReady => Err(Deny::NotReady),
        }
    }
}
