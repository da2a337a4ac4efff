//! The claims of a token whose signature is good: times, audience, and who it speaks for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use self::person::PersonClaims;
use crate::compact::Kind;
use crate::{Caller, TokenError};

mod person;

/// Clocks of issuer and service may differ by this much, in seconds.
pub(crate) const LEEWAY_S: u64 = 30;

/// A longer subject is refused, in bytes (`OpenID` Connect Core 1.0 section 2 says 255).
const SUBJECT_BYTES_MAX: usize = 255;

/// The claims that are read. `iss` picks the keys before the signature is checked, the rest counts
/// only after.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    /// Who issued the token.
    pub iss: String,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<serde_json::Number>,
    nbf: Option<serde_json::Number>,
    iat: Option<serde_json::Number>,
    typ: Option<String>,
    azp: Option<String>,
    client_id: Option<String>,
    #[serde(default)]
    realm_access: Roles,
    #[serde(default)]
    resource_access: BTreeMap<String, Roles>,
    #[serde(default)]
    groups: BTreeSet<String>,
    #[serde(default)]
    organization: Organizations,
    name: Option<serde_json::Value>,
    preferred_username: Option<serde_json::Value>,
    email: Option<serde_json::Value>,
    picture: Option<serde_json::Value>,
}

/// Keycloak's `organization`: one alias, several, or what is known of each by alias.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Organizations {
    One(String),
    Many(BTreeSet<String>),
    Described(BTreeMap<String, serde_json::Value>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
struct Roles {
    #[serde(default)]
    roles: BTreeSet<String>,
}

impl Claims {
    /// Reads claims. Duplicate names, wrong types and an `iss` that is not one string are refused.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, TokenError> {
        serde_json::from_slice(json).map_err(|_| TokenError::Malformed)
    }

    /// Turns the claims of a token with a good signature into a caller, at `now_s` (seconds since
    /// 1970).
    pub(crate) fn into_caller(
        mut self,
        kind: Kind,
        audience: &str,
        now_s: u64,
    ) -> Result<Caller, TokenError> {
        // Keycloak's ID tokens have the header type `JWT` too and differ by this claim alone.
        let bearer = self.typ.as_deref() == Some("Bearer");
        if !bearer && (kind == Kind::Plain || self.typ.is_some()) {
            return Err(TokenError::Type);
        }
        let expires_at_s = seconds(self.exp.as_ref(), "exp")?.ok_or(TokenError::Claim("exp"))?;
        if expired(expires_at_s, now_s) {
            return Err(TokenError::Expired);
        }
        let not_before = seconds(self.nbf.as_ref(), "nbf")?.unwrap_or(0);
        let issued_at_s = seconds(self.iat.as_ref(), "iat")?.unwrap_or(0);
        if not_before.max(issued_at_s) > now_s.saturating_add(LEEWAY_S) {
            return Err(TokenError::NotYetValid);
        }
        if !self.aud.as_ref().is_some_and(|given| given.names(audience)) {
            return Err(TokenError::Audience);
        }
        let subject = self
            .sub
            .filter(|sub| !sub.is_empty() && sub.len() <= SUBJECT_BYTES_MAX)
            .ok_or(TokenError::Claim("sub"))?;
        let mut roles = self.realm_access.roles;
        // Roles that another client defines mean something there, not here.
        if let Some(own) = self.resource_access.remove(audience) {
            roles.extend(own.roles);
        }
        let person = PersonClaims {
            name: self.name,
            preferred_username: self.preferred_username,
            email: self.email,
            picture: self.picture,
        };
        let client = self.azp.or(self.client_id);
        // RFC 9068 section 2.2: without a resource owner the subject is the client itself.
        let is_service = client
            .as_deref()
            .is_some_and(|client| client == subject || person.is_service_account_of(client));
        Ok(Caller {
            issuer: self.iss,
            subject,
            client,
            is_service,
            roles,
            groups: self.groups,
            organizations: self.organization.into_aliases(),
            person: person.into_person(),
            issued_at_s,
            expires_at_s,
        })
    }
}

impl Default for Organizations {
    fn default() -> Self {
        Self::Many(BTreeSet::new())
    }
}

impl Organizations {
    fn into_aliases(self) -> BTreeSet<String> {
        match self {
            Self::One(alias) => BTreeSet::from([alias]),
            Self::Many(aliases) => aliases,
            Self::Described(described) => described.into_keys().collect(),
        }
    }
}

/// Whether a token that ends at `expires_at_s` has ended.
pub(crate) fn expired(expires_at_s: u64, now_s: u64) -> bool {
    expires_at_s.saturating_add(LEEWAY_S) <= now_s
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds, possibly with a fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked just before"
)]
fn seconds(
    number: Option<&serde_json::Number>,
    claim: &'static str,
) -> Result<Option<u64>, TokenError> {
    let Some(number) = number else {
        return Ok(None);
    };
    if let Some(whole) = number.as_u64() {
        return Ok(Some(whole));
    }
    // 2^53: up to there a double counts seconds exactly.
    match number.as_f64() {
        Some(value) if (0.0..9_007_199_254_740_992.0).contains(&value) => Ok(Some(value as u64)),
        _ => Err(TokenError::Claim(claim)),
    }
}

#[cfg(test)]
mod tests;
