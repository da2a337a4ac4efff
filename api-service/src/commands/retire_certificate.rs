//! `POST /api/v1/certificates/{fingerprint}/retire`: a certificate that was replaced lets nobody in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::end_certificate::{CertificateEnded, End, end_certificate};
use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::FingerprintPath;
use crate::edge::wait::{WaitFor, WaitParameter};
use crate::problem::{Problem, ProblemView, Refusals};

/// Retires a certificate: it is not needed any more and was never lost.
#[utoipa::path(
    post, path = "/api/v1/certificates/{fingerprint}/retire", operation_id = "retireCertificate",
    tag = "certificates", security(("bearer" = [])),
    params(
        ("fingerprint" = String, Path, description = "SHA-256 over its DER: 64 hexadecimal digits in \
         any case, with or without colons"),
        WaitParameter,
    ),
    responses(
        (status = 200, body = CertificateEnded,
            description = "Retired, and what was waited for is reached"),
        (status = 202, body = CertificateEnded,
            description = "Retired; the session that used it is being ended. Repeating it is harmless"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It is revoked"),
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
    fields.finish()?;
    end_certificate(&api, account.actor(), which, End::Retire, phase).await
}
