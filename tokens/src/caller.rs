//! Who calls, as far as a token proves it.

use std::collections::BTreeSet;

/// Who calls: an issuer's subject with its roles. What the caller may do is decided elsewhere.
///
/// An account is identified by issuer and subject together, never by an e-mail or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The issuer, exactly as configured.
    pub issuer: String,
    /// The issuer's name for the account, 1 to 255 bytes.
    pub subject: String,
    /// The client that got the token (`azp`, else `client_id`), if the token tells.
    pub client: Option<String>,
    /// Roles of the realm, and of this service's own audience in `resource_access`.
    pub roles: BTreeSet<String>,
    /// Group paths. They are names, not roles: nothing is granted by them here.
    pub groups: BTreeSet<String>,
    /// When the token ends, in seconds since 1970.
    pub expires_at_s: u64,
}

impl Caller {
    /// Whether the caller has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }
}
