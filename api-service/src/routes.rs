//! All routes, and the wrapping that every one of them gets.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::api::Api;
use crate::commands::{
    abandon_operation, declare_replica_dead, disable_user, edit_profile, edit_user, enable_user,
    manufacture_device, resume_device, retire_certificate, retry_operation, revoke_certificate,
    revoke_device, revoke_devices, sign_out, suspend_device,
};
use crate::edge::around::{around, around_lists};
use crate::edge::body::{BODY_BYTES_MAX, LONG_BODY_BYTES_MAX};
use crate::edge::compress;
use crate::openapi;
use crate::problem::{Code, Problem};
use crate::queries::{
    audit_entries, audit_export, audit_head, ca_certificates, certificate, device,
    device_certificates, devices as list_devices, expiring_certificates, hook_replicas, me,
    operation, operations, profile, revocation, revocation_list, user, users, verify_certificate,
};

mod devices;
mod organizations;
mod people;

/// The public listener's routes.
pub(crate) fn router(api: &Api) -> Router {
    Router::new()
        .route(
            "/api/v1/manufacturing/devices",
            post(manufacture_device::handler),
        )
        .route("/api/v1/devices", get(list_devices::handler))
        .route("/api/v1/devices/{id}", get(device::handler))
        .route("/api/v1/devices/{id}/revoke", post(revoke_device::handler))
        .route(
            "/api/v1/devices/{id}/suspend",
            post(suspend_device::handler),
        )
        .route("/api/v1/devices/{id}/resume", post(resume_device::handler))
        .route(
            "/api/v1/devices/{id}/certificates",
            get(device_certificates::handler),
        )
        .route(
            "/api/v1/certificates/verify",
            post(verify_certificate::handler),
        )
        .route(
            "/api/v1/certificates/{fingerprint}",
            get(certificate::handler),
        )
        .route(
            "/api/v1/certificates/{fingerprint}/retire",
            post(retire_certificate::handler),
        )
        .route(
            "/api/v1/certificates/{fingerprint}/revoke",
            post(revoke_certificate::handler),
        )
        .route(
            "/api/v1/revocations",
            post(revoke_devices::handler).layer(DefaultBodyLimit::max(LONG_BODY_BYTES_MAX)),
        )
        .route("/api/v1/revocations/{id}", get(revocation::handler))
        .route("/api/v1/operations", get(operations::handler))
        .route("/api/v1/operations/{id}", get(operation::handler))
        .route(
            "/api/v1/operations/{id}/retry",
            post(retry_operation::handler),
        )
        .route(
            "/api/v1/operations/{id}/abandon",
            post(abandon_operation::handler),
        )
        .route("/api/v1/hook-replicas", get(hook_replicas::handler))
        .route(
            "/api/v1/hook-replicas/{uuid}/declare-dead",
            post(declare_replica_dead::handler),
        )
        .route("/api/v1/audit", get(audit_entries::handler))
        .route("/api/v1/audit/head", get(audit_head::handler))
        .route("/api/v1/audit/export", get(audit_export::handler))
        .route("/api/v1/certificates/ca", get(ca_certificates::handler))
        .route("/api/v1/auth/me", get(me::handler))
        .route(
            "/api/v1/auth/profile",
            get(profile::handler).patch(edit_profile::handler),
        )
        .route("/api/v1/auth/logout", post(sign_out::handler))
        .route("/api/v1/users", get(users::handler))
        .route(
            "/api/v1/users/{id}",
            get(user::handler).patch(edit_user::handler),
        )
        .route("/api/v1/users/{id}/disable", post(disable_user::handler))
        .route("/api/v1/users/{id}/enable", post(enable_user::handler))
        .route("/api/v1/openapi.json", get(openapi::handler))
        .route("/api/docs", get(openapi::page::handler))
        .route(
            "/api/v1/certificates/expiring",
            get(expiring_certificates::handler),
        )
        .merge(organizations::routes())
        .merge(devices::routes())
        .merge(people::routes())
        .merge(lists())
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(api.clone(), around))
        .layer(compress::layer())
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
