//! Who calls: the bearer token of a request, checked.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokens::{Caller, TokenError};

use crate::api::Api;
use crate::domain::idempotency::request_hash;
use crate::domain::rights::Right;
use crate::problem::{Code, Problem};

/// A caller whose token is good. What it may do is asked with [`Account::require`].
#[derive(Debug, Clone)]
pub(crate) struct Account(Arc<Caller>);

impl Account {
    /// Refuses unless the caller has a right.
    pub(crate) fn require(&self, right: Right) -> Result<(), Problem> {
        if self.has(right) {
            return Ok(());
        }
        let roles = right.roles().join(" or ");
        Err(Problem::new(
            Code::Forbidden,
            format!("this needs the role {roles}"),
        ))
    }

    /// Whether the caller has a right.
    pub(crate) fn has(&self, right: Right) -> bool {
        right.is_had(|role| self.0.has_role(role))
    }

    /// The account in records: a hash over issuer and subject, since a subject alone is unique only
    /// with its issuer, and a record of what was done needs no name.
    pub(crate) fn key(&self) -> String {
        let parts = [self.0.issuer.as_bytes(), self.0.subject.as_bytes()];
        URL_SAFE_NO_PAD.encode(request_hash(&parts))
    }
}

impl FromRequestParts<Api> for Account {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let token = bearer(parts)?;
        match api.verifier.verify(token, (api.clock)()).await {
            Ok(caller) => {
                tracing::Span::current().record("subject", caller.subject.as_str());
                Ok(Self(caller))
            }
            Err(TokenError::KeysUnavailable) => Err(Problem::new(
                Code::IssuerUnavailable,
                "the signing keys of the token's issuer cannot be fetched at the moment",
            )),
            Err(error) => {
                api.metrics
                    .tokens_refused
                    .with_label_values(&[error.code()])
                    .inc();
                Err(Problem::new(Code::TokenInvalid, error.to_string()))
            }
        }
    }
}

/// The token of the one `Authorization: Bearer` header (RFC 6750 section 2.1). Tokens in a query or
/// a form are not read: they end up in logs.
fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let missing = || {
        let detail = "send an access token in one header: Authorization: Bearer <token>";
        Problem::new(Code::TokenMissing, detail)
    };
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(missing());
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(token.trim())
}
