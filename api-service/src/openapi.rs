//! The `OpenAPI` 3.1 document, made from the code. `docs/openapi.json` is its committed copy.

use axum::http::{HeaderName, header};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::commands::{
    abandon_operation, approve_recovery, bind_device, cancel_binding, confirm_binding,
    declare_replica_dead, describe_device, disable_user, edit_profile, edit_user, enable_user,
    make_qr, manufacture_device, manufacture_devices, offer_device, read_notification,
    recover_device, release_device, resume_device, retire_certificate, retry_operation,
    revoke_certificate, revoke_device, revoke_devices, sign_out, suspend_device, transfer_device,
    unbind_device,
};
use crate::queries::{
    audit_entries, audit_export, audit_head, binding, ca_certificates, certificate, device,
    device_certificates, device_history, devices, expiring_certificates, hook_replicas, me,
    notifications, operation, operations, profile, revocation, revocation_list, user, users,
    verify_certificate,
};

mod bounds;
mod closed;
mod complete;
mod headers;
mod organizations;
pub(crate) mod page;
mod people;

/// A signing request that the examples show: for the device `tent-0001`, by a key that nobody kept.
pub(crate) const EXAMPLE_CSR: &str = include_str!("openapi/example.csr.pem");

/// A certificate that the examples show: of no authority, by a key that nobody kept.
pub(crate) const EXAMPLE_CERTIFICATE: &str = include_str!("openapi/example.cert.pem");

#[derive(OpenApi)]
#[openapi(
    info(
        title = "IoT Hub API",
        description = "Manufacturing, devices, certificates and revocation. Errors are problem \
                       documents (RFC 9457) with a stable `code`; docs/API.md lists them.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/")),
    paths(
        manufacture_device::handler,
        devices::handler,
        device::handler,
        revoke_device::handler,
        suspend_device::handler,
        resume_device::handler,
        revoke_devices::handler,
        revocation::handler,
        device_certificates::handler,
        certificate::handler,
        verify_certificate::handler,
        retire_certificate::handler,
        revoke_certificate::handler,
        operations::handler,
        operation::handler,
        retry_operation::handler,
        abandon_operation::handler,
        hook_replicas::handler,
        declare_replica_dead::handler,
        me::handler,
        profile::handler,
        edit_profile::handler,
        sign_out::handler,
        users::handler,
        user::handler,
        edit_user::handler,
        disable_user::handler,
        enable_user::handler,
        manufacture_devices::handler,
        devices::mine,
        devices::of_organization,
        devices::of_group,
        bind_device::handler,
        bind_device::qr_handler,
        unbind_device::handler,
        unbind_device::by_id,
        describe_device::handler,
        binding::handler,
        cancel_binding::handler,
        confirm_binding::handler,
        release_device::handler,
        transfer_device::handler,
        offer_device::handler,
        offer_device::withdraw,
        make_qr::handler,
        device_history::handler,
        approve_recovery::handler,
        approve_recovery::withdraw,
        recover_device::handler,
        notifications::handler,
        read_notification::handler,
        audit_entries::handler,
        audit_head::handler,
        audit_export::handler,
        ca_certificates::handler,
        expiring_certificates::handler,
        revocation_list::list,
        revocation_list::pem,
        revocation_list::der
    ),
    modifiers(&Bearer)
)]
struct Document;

/// Access tokens of a configured issuer.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "An access token of a configured OpenID Connect issuer",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document as JSON, with a line feed at its end.
pub fn json() -> String {
    let mut document = Document::openapi();
    document.merge(organizations::Organizations::openapi());
    document.merge(people::People::openapi());
    complete::complete(&mut document);
    let mut text = document
        .to_pretty_json()
        .expect("the document is made of texts and numbers");
    text.push('\n');
    text
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn handler() -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], json())
}
