//! `POST /api/v1/certificates/{fingerprint}/revoke`: a certificate is withdrawn for good, and on the
//! revocation list until it would have ended. Its device stays, with its other certificates.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certs::RevocationReason;
use utoipa::ToSchema;

use super::end_certificate::{CertificateEnded, End, end_certificate};
use crate::api::Api;
use crate::domain::reason;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::fields::Fields;
use crate::edge::path::FingerprintPath;
use crate::edge::wait::WaitFor;
use crate::problem::{Problem, ProblemView};

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = RevokeCertificate)]
#[expect(
    dead_code,
    reason = "describes the body that `read` reads field by field"
)]
pub(crate) struct Wire {
    /// `unspecified` (default), `keyCompromise`, `affiliationChanged`, `superseded`,
    /// `cessationOfOperation` or `privilegeWithdrawn` (RFC 5280 section 5.3.1).
    #[schema(example = "keyCompromise")]
    reason: Option<String>,
}

/// Revokes a certificate for good.
#[utoipa::path(
    post, path = "/api/v1/certificates/{fingerprint}/revoke", operation_id = "revokeCertificate",
    tag = "certificates", security(("bearer" = [])),
    params(
        ("fingerprint" = String, Path, description = "SHA-256 over its DER: 64 hexadecimal digits in \
         any case, with or without colons"),
        ("wait" = Option<String>, Query, description = "`closed`: answer when the live session is \
         gone; `complete`: when nothing that began before can come back. For at most 8 seconds: \
         then the answer is 202 with what is known"),
    ),
    request_body = Option<Wire>,
    responses(
        (status = 200, body = CertificateEnded,
            description = "Revoked, and what was waited for is reached"),
        (status = 202, body = CertificateEnded,
            description = "Revoked; the session that used it is being ended. Repeating it is harmless"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
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
    let reason = read(fields)?;
    end_certificate(&api, which, End::Revoke(reason), phase).await
}

fn read(mut fields: Fields) -> Result<RevocationReason, Problem> {
    let reason = fields.optional("reason", reason::parse);
    fields.finish()?;
    Ok(reason.unwrap_or(RevocationReason::Unspecified))
}
