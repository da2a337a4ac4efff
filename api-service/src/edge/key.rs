//! The header `Idempotency-Key`.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use utoipa::IntoParams;

use super::account::Account;
use crate::domain::idempotency::IdempotencyKey;
use crate::problem::{Code, FieldError, Problem};
use crate::store::idempotency::Claim;

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Says that an answer was given before, to the same request with the same key.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key stands for another request.
pub(crate) fn key_reused() -> Problem {
    let detail = "this Idempotency-Key was used for another request; take a new one";
    Problem::new(Code::IdempotencyKeyReused, detail)
}

/// Another request with the key is being answered: it is told apart from one that was answered, so that
/// nobody takes a request that may still fail for one that is done
/// (draft-ietf-httpapi-idempotency-key-header, section 2.6).
pub(crate) fn key_in_work() -> Problem {
    let detail = "a request with this Idempotency-Key is being answered; send it again in a moment";
    Problem::new(Code::IdempotencyKeyInWork, detail).retry_after(IN_WORK_S)
}

/// When to ask again about a request that is being answered, in seconds.
const IN_WORK_S: u32 = 1;

/// The caller's key, if one is given.
pub(crate) struct MaybeKey(Option<IdempotencyKey>);

impl MaybeKey {
    /// Whether there is one.
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// The caller's claim of the key for one request.
    pub(crate) fn claim(self, account: &Account, request_hash: [u8; 32]) -> Option<Claim> {
        let account = account.id();
        self.0.map(|key| Claim {
            account,
            key,
            request_hash,
        })
    }
}

/// The header, for the `OpenAPI` document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `MaybeKey` reads")]
pub(crate) struct KeyHeader {
    /// A name of the caller's own for this request. The same key with the same request gets the same
    /// answer for 24 hours, with `idempotency-replayed: true` and without what is told once
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 128,
        pattern = "^[!-~]{1,128}$",
        example = "7d6f2f2c-order-4711"
    )]
    idempotency_key: Option<String>,
}

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
