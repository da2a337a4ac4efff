//! `GET /api/v1/certificates/ca`: what a device needs to know of our authorities. Public.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::api::Api;
use crate::signing::Authority;

/// Our authorities, as a device sees them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CaCertificates {
    /// What a device trusts when it connects to the broker, PEM.
    trust: String,
    /// What issues device certificates, up to the root if it is configured, PEM: a device sends it
    /// along with its own certificate.
    chain: String,
    /// The device authority.
    issuer: AuthorityView,
    /// Former device authorities, whose certificates are still good.
    retired: Vec<AuthorityView>,
}

/// An authority.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorityView {
    /// Its name (RFC 4514).
    subject: String,
    /// SHA-256 over its DER, upper-case hexadecimal with colons.
    fingerprint: String,
    /// Its key identifier, lower-case hexadecimal: the `issuer` of what it signs.
    key_identifier: String,
    /// First second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_before: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_after: OffsetDateTime,
}

/// The certificates of our authorities.
#[utoipa::path(
    get, path = "/api/v1/certificates/ca", operation_id = "getCaCertificates",
    tag = "certificates",
    responses((status = 200, body = CaCertificates, description = "The authorities"))
)]
pub(crate) async fn handler(State(api): State<Api>) -> Json<CaCertificates> {
    Json(CaCertificates {
        trust: api.server_chain.clone(),
        chain: api.device_chain.clone(),
        issuer: api.signer.signing().into(),
        retired: api.signer.retired().map(AuthorityView::from).collect(),
    })
}

impl From<&Authority> for AuthorityView {
    fn from(authority: &Authority) -> Self {
        let certificate = authority.certificate();
        Self {
            key_identifier: authority.issuer().to_string(),
            subject: certificate.subject(),
            fingerprint: certificate.fingerprint().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }
}
