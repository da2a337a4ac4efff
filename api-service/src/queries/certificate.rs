//! `GET /api/v1/certificates/{fingerprint}`: one certificate, to whoever may see its device.

use axum::Json;
use axum::extract::State;
use certs::Certificate;
use schema::CertificateState;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::api::Api;
use crate::edge::account::Account;
use crate::edge::path::FingerprintPath;
use crate::edge::require::sees;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::certificate::CertificateRow;
use crate::views::CertificateView;

/// How a certificate stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CertificateStatusView {
    /// It proves its device.
    Active,
    /// Its validity has not begun.
    NotYetValid,
    /// Its validity is over.
    Expired,
    /// It was replaced or taken out of use.
    Retired,
    /// It is withdrawn for good.
    Revoked,
}

/// A certificate with its device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateDetailView {
    /// The certificate.
    #[serde(flatten)]
    certificate: CertificateView,
    /// Whose it is.
    #[schema(example = "tent-1")]
    device_id: String,
    /// How it stands now: its state, or how its validity does.
    status: CertificateStatusView,
    /// Its subject, as RFC 4514 writes it.
    #[schema(example = "CN=tent-1")]
    subject: String,
    /// Who signed it, likewise.
    issuer_name: String,
    /// Its other names.
    alternative_names: Vec<String>,
    /// The certificate itself.
    #[schema(example = "-----BEGIN CERTIFICATE-----\n...")]
    pem: String,
}

/// A certificate. Who may not see its device is answered as if there was none.
#[utoipa::path(
    get, path = "/api/v1/certificates/{fingerprint}", operation_id = "getCertificate",
    tag = "certificates", security(("bearer" = [])),
    params(("fingerprint" = String, Path, description = "SHA-256 over its DER: 64 hexadecimal digits \
        in any case, with or without colons")),
    responses(
        (status = 200, body = CertificateDetailView, description = "The certificate"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    FingerprintPath(which): FingerprintPath,
) -> Result<Json<CertificateDetailView>, Problem> {
    let connection = api.store.connect().await?;
    let found = connection.certificate(&which).await?;
    let (device_id, row) = found.ok_or_else(Problem::unknown_certificate)?;
    if !sees(&connection, &account, &device_id).await? {
        return Err(Problem::unknown_certificate());
    }
    let der = connection.certificate_der(&which).await?;
    drop(connection);
    let der = der.ok_or_else(Problem::unknown_certificate)?;
    let certificate = Certificate::from_der(&der).map_err(Problem::internal)?;
    Ok(Json(CertificateDetailView {
        device_id: device_id.to_string(),
        status: status(&row, (api.clock)().into()),
        subject: certificate.subject(),
        issuer_name: certificate.issuer(),
        alternative_names: certificate.alternative_names(),
        pem: certificate.pem(),
        certificate: row.into(),
    }))
}

fn status(row: &CertificateRow, now: OffsetDateTime) -> CertificateStatusView {
    match row.state {
        CertificateState::Revoked => CertificateStatusView::Revoked,
        CertificateState::Retired => CertificateStatusView::Retired,
        CertificateState::Active if now > row.not_after => CertificateStatusView::Expired,
        CertificateState::Active if now < row.not_before => CertificateStatusView::NotYetValid,
        CertificateState::Active => CertificateStatusView::Active,
    }
}
