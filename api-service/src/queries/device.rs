//! `GET /api/v1/devices/{id}`: a device with its certificates.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::edge::account::Account;
use crate::edge::path::DevicePath;
use crate::edge::require::sees_as_maker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::views::{CertificateView, DeviceDetailView, DeviceView};

/// A device with its certificates.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}", operation_id = "getDevice",
    tag = "devices", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 200, body = DeviceDetailView, description = "The device"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<Json<DeviceDetailView>, Problem> {
    let connection = api.store.connect().await?;
    let for_maker = sees_as_maker(&connection, &account, &id).await?;
    let device = connection
        .device(&id)
        .await?
        .ok_or_else(Problem::unknown_device)?;
    let certificates = connection.certificates(&id).await?;
    Ok(Json(DeviceDetailView {
        device: if for_maker {
            DeviceView::for_maker(device)
        } else {
            device.into()
        },
        certificates: certificates
            .into_iter()
            .map(CertificateView::from)
            .collect(),
    }))
}
