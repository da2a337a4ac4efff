//! `GET /api/v1/certificates/expiring`: devices that will be locked out by the end of their
//! certificate, the next one first.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::expiring::{Expiring, cursor};
use crate::problem::{Problem, ProblemView};
use crate::store::certificate_end::EndingRow;

/// One page of certificates that end.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpiringCertificatesView {
    /// The certificates of this page, the next to end first.
    certificates: Vec<ExpiringCertificateView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The last active certificate of a device, which ends soon.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpiringCertificateView {
    /// Whose it is.
    device_id: String,
    /// SHA-256 over its DER, upper-case hexadecimal with colons.
    fingerprint: String,
    /// Its serial number, upper-case hexadecimal.
    serial: String,
    /// The key identifier of the authority that signed it; absent if that is not one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_after: OffsetDateTime,
    /// Whole days until then.
    days_left: i64,
}

/// Certificates that end soon and have no later one beside them.
#[utoipa::path(
    get, path = "/api/v1/certificates/expiring", operation_id = "listExpiringCertificates",
    tag = "certificates", security(("bearer" = [])),
    params(
        ("withinDays" = Option<u16>, Query, minimum = 1, maximum = 3650,
            description = "Ends within so many days; 30 if not given"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200,
            description = "Certificates of a page; 50 if not given"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses(
        (status = 200, body = ExpiringCertificatesView, description = "One page"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    asked: Expiring,
) -> Result<Json<ExpiringCertificatesView>, Problem> {
    account.require(Right::ReadDevices)?;
    let now: OffsetDateTime = (api.clock)().into();
    let until = now + Duration::days(asked.within_days.into());
    let connection = api.store.connect().await?;
    // One more than asked for tells whether there is another page.
    let mut rows = connection
        .ending(now, asked.after.as_ref(), until, asked.limit + 1)
        .await?;
    let more = rows.len() > usize::from(asked.limit);
    rows.truncate(usize::from(asked.limit));
    let next_cursor = rows
        .last()
        .filter(|_| more)
        .map(|last| cursor(&last.place()));
    let view = |row: EndingRow| ExpiringCertificateView {
        device_id: row.device_id,
        fingerprint: row.fingerprint.to_string(),
        serial: row.serial.to_string(),
        issuer: row.issuer.map(|issuer| issuer.to_string()),
        not_after: row.not_after,
        days_left: (row.not_after - now).whole_days(),
    };
    Ok(Json(ExpiringCertificatesView {
        certificates: rows.into_iter().map(view).collect(),
        next_cursor,
    }))
}
