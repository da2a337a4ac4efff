//! Basic authentication with key and secret, compared in constant time.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

use super::Management;
use super::refused::Refused;
use crate::options::ApiKey;

/// Lets a call through if it carries the key.
pub(super) async fn require_key(
    State(management): State<Arc<Management>>,
    request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if header.is_some_and(|header| opens(header, &management.key)) {
        return Ok(next.run(request).await);
    }
    Err(Refused::bad_key())
}

fn opens(header: &str, key: &ApiKey) -> bool {
    let Some(encoded) = header.strip_prefix("Basic ") else {
        return false;
    };
    let Ok(given) = STANDARD.decode(encoded.trim()) else {
        return false;
    };
    let wanted = format!("{}:{}", key.key, key.secret);
    bool::from(given.ct_eq(wanted.as_bytes()))
}
