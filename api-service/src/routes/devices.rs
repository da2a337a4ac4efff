//! The routes of devices: making, owning and describing them, and what their owners are told.

use axum::Router;
use axum::routing::{delete, get, patch, post};

use crate::api::Api;
use crate::commands::{
    approve_recovery, bind_device, cancel_binding, confirm_binding, describe_device, make_qr,
    manufacture_devices, offer_device, read_notification, recover_device, release_device,
    transfer_device, unbind_device,
};
use crate::queries::{binding, device_history, devices, notifications};

/// All of them.
pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(
            "/api/v1/manufacturing/devices/bulk",
            post(manufacture_devices::handler),
        )
        .route("/api/v1/devices/my", get(devices::mine))
        .route(
            "/api/v1/organizations/{id}/devices",
            get(devices::of_organization),
        )
        .route("/api/v1/groups/{id}/devices", get(devices::of_group))
        .route("/api/v1/devices/bind", post(bind_device::handler))
        .route("/api/v1/devices/bind-qr", post(bind_device::qr_handler))
        .route("/api/v1/devices/unbind", post(unbind_device::by_id))
        .route("/api/v1/devices/{id}", patch(describe_device::handler))
        .route("/api/v1/devices/{id}/binding", get(binding::handler))
        .route(
            "/api/v1/devices/{id}/binding",
            delete(cancel_binding::handler),
        )
        .route(
            "/api/v1/devices/{id}/binding/confirm",
            post(confirm_binding::handler),
        )
        .route("/api/v1/devices/{id}/unbind", post(unbind_device::handler))
        .route(
            "/api/v1/devices/{id}/release",
            post(release_device::handler),
        )
        .route(
            "/api/v1/devices/{id}/transfer",
            post(transfer_device::handler),
        )
        .route(
            "/api/v1/devices/{id}/offer",
            post(offer_device::handler).delete(offer_device::withdraw),
        )
        .route("/api/v1/devices/{id}/qr", post(make_qr::handler))
        .route("/api/v1/devices/{id}/history", get(device_history::handler))
        .route(
            "/api/v1/devices/{id}/recovery",
            post(approve_recovery::handler).delete(approve_recovery::withdraw),
        )
        .route(
            "/api/v1/devices/{id}/recovery/enrol",
            post(recover_device::handler),
        )
        .route("/api/v1/notifications", get(notifications::handler))
        .route(
            "/api/v1/notifications/{id}/read",
            post(read_notification::handler),
        )
}
