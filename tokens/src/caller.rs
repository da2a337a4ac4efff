//! Who calls, as far as a token proves it.

use std::collections::BTreeSet;
use std::fmt;

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
    /// Whether a program got the token for itself (client credentials) rather than for a person.
    pub is_service: bool,
    /// Roles of the realm, and of this service's own audience in `resource_access`.
    pub roles: BTreeSet<String>,
    /// Group paths. They are names, not roles: nothing is granted by them here.
    pub groups: BTreeSet<String>,
    /// Aliases of the issuer's organizations. Names as well: our organizations are not the issuer's.
    pub organizations: BTreeSet<String>,
    /// What the issuer says of the person. Nobody is recognised by it.
    pub person: Person,
    /// When the token was issued, in seconds since 1970; 0 if it does not tell.
    pub issued_at_s: u64,
    /// When the token ends, in seconds since 1970.
    pub expires_at_s: u64,
}

/// What names a person, for people to read. Too long or odd texts are left out, not refused: they
/// decide nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The claim `name`, else `preferred_username`: 1 to 128 characters.
    pub name: Option<String>,
    /// The claim `email`: 3 to 254 characters.
    pub email: Option<String>,
    /// The claim `picture`: an https address of at most 1024 characters.
    pub picture: Option<String>,
}

impl Caller {
    /// Whether the caller has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }

    /// Whether the token is older than a moment, in microseconds since 1970. Tokens tell whole
    /// seconds, so one of the same second counts as older: after a logout nothing slips through, and
    /// the next login may have to be repeated once.
    pub fn is_issued_before(&self, micros: i128) -> bool {
        i128::from(self.issued_at_s) * 1_000_000 < micros
    }
}

/// Tells what is known and not what it is: logs are no place for names.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person")
            .field("name", &self.name.is_some())
            .field("email", &self.email.is_some())
            .field("picture", &self.picture.is_some())
            .finish()
    }
}
