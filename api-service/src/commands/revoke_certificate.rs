//! `POST /api/v1/certificates/{fingerprint}/revoke`: a certificate is withdrawn for good, and on the
//! revocation list until it would have ended. Its device stays, with its other certificates.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::end_certificate::{CertificateEnded, End, end_certificate};
use super::reason_body::{RevocationReasonBody, revocation_reason};
use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::FingerprintPath;
use crate::edge::wait::{WaitFor, WaitParameter};
use crate::problem::{Problem, ProblemView, Refusals};

/// Revokes a certificate for good.
#[utoipa::path(
    post, path = "/api/v1/certificates/{fingerprint}/revoke", operation_id = "revokeCertificate",
    tag = "certificates", security(("bearer" = [])),
    params(
        ("fingerprint" = String, Path, description = "SHA-256 over its DER: 64 hexadecimal digits in \
         any case, with or without colons"),
        WaitParameter,
    ),
    request_body = Option<RevocationReasonBody>,
    responses(
        (status = 200, body = CertificateEnded,
            description = "Revoked, and what was waited for is reached"),
        (status = 202, body = CertificateEnded,
            description = "Revoked; the session that used it is being ended. Repeating it is harmless"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    FingerprintPath(which): FingerprintPath,
    WaitFor(phase): WaitFor,
    OptionalBody(fields): OptionalBody,
) -> Result<(StatusCode, Json<CertificateEnded>), Problem> {
    account.require(Right::EndCertificate)?;
    let reason = revocation_reason(fields)?;
    end_certificate(&api, account.actor(), which, End::Revoke(reason), phase).await
}
