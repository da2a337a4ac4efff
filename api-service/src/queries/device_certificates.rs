//! `GET /api/v1/devices/{id}/certificates`: what a device has proven itself with.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::edge::account::Account;
use crate::edge::path::DevicePath;
use crate::edge::require::sees_as_maker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::views::CertificateView;

/// A device's certificates.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificatesView {
    /// Newest first, at most 100.
    certificates: Vec<CertificateView>,
}

/// The certificates of a device.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/certificates", operation_id = "listDeviceCertificates",
    tag = "certificates", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 200, body = CertificatesView, description = "Its certificates"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<Json<CertificatesView>, Problem> {
    let connection = api.store.connect().await?;
    sees_as_maker(&connection, &account, &id).await?;
    let rows = connection.certificates(&id).await?;
    // A device is registered together with its first certificate.
    if rows.is_empty() && connection.device(&id).await?.is_none() {
        return Err(Problem::unknown_device());
    }
    Ok(Json(CertificatesView {
        certificates: rows.into_iter().map(CertificateView::from).collect(),
    }))
}
