//! The header `Idempotency-Key`.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;

use crate::domain::idempotency::IdempotencyKey;
use crate::problem::{Code, FieldError, Problem};

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Says that an answer was given before, to the same request with the same key.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key stands for another request.
pub(crate) fn key_reused() -> Problem {
    let detail = "this Idempotency-Key was used for another request; take a new one";
    Problem::new(Code::IdempotencyKeyReused, detail)
}

/// The caller's key, if one is given.
pub(crate) struct MaybeKey(pub(crate) Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for MaybeKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (first, second) = (values.next(), values.next());
        let Some(value) = first else {
            return Ok(Self(None));
        };
        let parsed = value.to_str().ok().map(IdempotencyKey::parse);
        match (parsed, second) {
            (Some(Ok(key)), None) => Ok(Self(Some(key))),
            _ => Err(Problem::invalid(vec![FieldError {
                field: "Idempotency-Key".to_owned(),
                detail: "must be given once, as 1 to 128 visible ASCII characters".to_owned(),
            }])),
        }
    }
}
