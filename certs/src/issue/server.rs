//! Certificates of servers: the broker, the hooks, the API.

use rand::CryptoRng;
use time::OffsetDateTime;

use super::{IssueError, leaf_window};
use crate::names::distinguished;
use crate::profile::Purpose;
use crate::{CaKind, Certificate, IssuingCa, PublicKey, ServerName};

/// Most names in one server certificate.
pub const MAX_SERVER_NAMES: usize = 100;
/// Most characters of a common name (RFC 5280 appendix A, `ub-common-name`).
const MAX_COMMON_NAME_CHARS: usize = 64;

/// What a server certificate is to say.
#[derive(Debug, Clone, Copy)]
pub struct ServerSpec<'a> {
    /// What the server answers to: 1 to [`MAX_SERVER_NAMES`].
    pub names: &'a [ServerName],
    /// Days of validity, 1 to [`MAX_LEAF_DAYS`](crate::MAX_LEAF_DAYS); cut at the issuer's end.
    pub days: u16,
}

impl IssuingCa {
    /// Issues a server certificate: all names as alternative names, server authentication alone.
    pub fn issue_server(
        &self,
        key: &PublicKey,
        spec: &ServerSpec<'_>,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        self.require(CaKind::Server)?;
        let names = spec.names.len();
        if !(1..=MAX_SERVER_NAMES).contains(&names) {
            return Err(IssueError::ServerNames { names });
        }
        let window = leaf_window(now, spec.days, self.certificate())?;
        let subject = distinguished(common_name(spec.names), None)?;
        let mut profile = self.leaf_profile(subject, key, Purpose::Server)?;
        profile.add_server_names(spec.names)?;
        self.sign_leaf(profile, window, key, rng)
    }
}

/// The first DNS name that fits. Clients look at the alternative names only (RFC 6125), so the
/// common name is for people.
fn common_name(names: &[ServerName]) -> &str {
    let fitting = names.iter().find_map(|name| match name {
        ServerName::Dns(name) if name.len() <= MAX_COMMON_NAME_CHARS => Some(name.as_str()),
        _ => None,
    });
    fitting.unwrap_or("server")
}
