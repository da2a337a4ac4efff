//! Discovery, keys, and the token endpoint (RFC 6749 sections 4.3, 4.4 and 5).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Kind;
use crate::issuer::{Shared, TOKEN_S};

/// A token request is a handful of short fields, in bytes.
const FORM_BYTES_MAX: usize = 8 * 1024;

/// All routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/token", post(token))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&shared), outage))
        .with_state(shared)
}

async fn outage(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if shared.down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let issuer = &shared.issuer;
    Json(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "token_endpoint": format!("{issuer}/token"),
        "grant_types_supported": ["client_credentials", "password"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    shared.key_fetches.fetch_add(1, Ordering::SeqCst);
    Json(shared.jwks())
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (kind, name, secret) = match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {
            let (id, secret) =
                basic(&headers).unwrap_or_else(|| (field("client_id"), field("client_secret")));
            (Kind::Client, id, secret)
        }
        Some("password") => (Kind::User, field("username"), field("password")),
        _ => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
    };
    let Some(account) = shared.accounts.login(kind, &name, &secret) else {
        return match kind {
            Kind::Client => refused(StatusCode::UNAUTHORIZED, "invalid_client"),
            Kind::User => refused(StatusCode::BAD_REQUEST, "invalid_grant"),
        };
    };
    let body = json!({
        "access_token": shared.mint(kind, &account.name, &account.roles),
        "token_type": "Bearer",
        "expires_in": TOKEN_S,
        "scope": "openid",
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

/// Id and secret of `Authorization: Basic` (RFC 6749 section 2.3.1: both form-encoded).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let text = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        url::form_urlencoded::parse(part.as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}
