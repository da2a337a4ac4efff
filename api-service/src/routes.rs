//! All routes, and the wrapping that every one of them gets.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::api::Api;
use crate::commands::{manufacture_device, revoke_device};
use crate::edge::around::{around, around_lists};
use crate::edge::body::BODY_BYTES_MAX;
use crate::openapi;
use crate::problem::{Code, Problem};
use crate::queries::{
    ca_certificates, device, devices, expiring_certificates, operation, revocation_list,
};

/// The public listener's routes.
pub(crate) fn router(api: &Api) -> Router {
    Router::new()
        .route(
            "/api/v1/manufacturing/devices",
            post(manufacture_device::handler),
        )
        .route("/api/v1/devices", get(devices::handler))
        .route("/api/v1/devices/{id}", get(device::handler))
        .route("/api/v1/devices/{id}/revoke", post(revoke_device::handler))
        .route("/api/v1/operations/{id}", get(operation::handler))
        .route("/api/v1/certificates/ca", get(ca_certificates::handler))
        .route("/api/v1/openapi.json", get(openapi::handler))
        .route(
            "/api/v1/certificates/expiring",
            get(expiring_certificates::handler),
        )
        .merge(lists())
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(api.clone(), around))
        .with_state(api.clone())
}

/// The routes of the revocation lists' own listener, which needs neither the issuer of tokens nor, once
/// the lists were read, the database.
pub(crate) fn lists_router(api: &Api) -> Router {
    lists()
        .fallback(unknown)
        .layer(from_fn_with_state(api.clone(), around_lists))
        .with_state(api.clone())
}

fn lists() -> Router<Api> {
    Router::new()
        .route("/crl/device.pem", get(revocation_list::pem))
        .route("/crl/device.der", get(revocation_list::der))
        .route("/crl/{issuer}/{file}", get(revocation_list::list))
}

async fn unknown() -> Problem {
    Problem::new(
        Code::RouteNotFound,
        "there is no such path; /api/v1/openapi.json lists all",
    )
}
