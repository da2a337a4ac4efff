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
    // Sent together: the database answers them one after another without waiting for us in between.
    let (for_maker, device, certificates) = futures::try_join!(
        sees_as_maker(&connection, &account, &id),
        async { Ok::<_, Problem>(connection.device(&id).await?) },
        async { Ok(connection.certificates(&id).await?) },
    )?;
    let device = device.ok_or_else(Problem::unknown_device)?;
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
