//! `GET /api/v1/certificates/expiring`: devices that will be locked out by the end of their
//! certificate, the next one first.

use axum::Json;
use axum::extract::State;
use certs::{Fingerprint, MAX_LEAF_DAYS};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters, Place};
use crate::edge::parameters::Wrong;
use crate::problem::{Problem, Refusals};
use crate::store::certificate_end::{EndPlace, EndingRow};

const WITHIN_DAYS_DEFAULT: u16 = 30;

/// Bytes of a time in a cursor, before those of the fingerprint.
const TIME_BYTES: usize = 8;

/// Which certificates: those that end within so many days.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WithinDays(u16);

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
        PageParameters,
    ),
    responses(
        (status = 200, body = ExpiringCertificatesView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<EndPlace, WithinDays>,
) -> Result<Json<ExpiringCertificatesView>, Problem> {
    account.require(Right::ReadDevices)?;
    let now: OffsetDateTime = (api.clock)().into();
    let until = now + Duration::days(page.filter.0.into());
    let connection = api.store.connect().await?;
    let rows = connection
        .ending(now, page.after.as_ref(), until, page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, EndingRow::place);
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

impl Default for WithinDays {
    fn default() -> Self {
        Self(WITHIN_DAYS_DEFAULT)
    }
}

impl Filter for WithinDays {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        if name != "withinDays" {
            return Err(Wrong::Unknown);
        }
        let days = value.parse().ok();
        let days = days.filter(|days| (1..=MAX_LEAF_DAYS).contains(days));
        let expected = format_args!("must be a number from 1 to {MAX_LEAF_DAYS}");
        self.0 = days.ok_or_else(|| Wrong::value(expected))?;
        Ok(())
    }
}

impl Place for EndPlace {
    fn to_bytes(&self) -> Vec<u8> {
        // The database keeps microseconds.
        let micros = self.not_after.unix_timestamp_nanos() / 1_000;
        let micros = i64::try_from(micros).unwrap_or(i64::MAX).to_be_bytes();
        [micros.as_slice(), self.fingerprint.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (micros, fingerprint) = bytes.split_at_checked(TIME_BYTES)?;
        let nanos = i128::from(i64::from_be_bytes(micros.try_into().ok()?)) * 1_000;
        Some(Self {
            not_after: OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?,
            fingerprint: Fingerprint::from_slice(fingerprint)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Expiring = Page<EndPlace, WithinDays>;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let place = EndPlace {
            not_after: OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap(),
            fingerprint: Fingerprint::of_der(b"x"),
        };
        let query = format!("withinDays=3650&limit=200&{}", Expiring::continued(&place));
        let page = Expiring::parse(&query).unwrap();
        assert_eq!((page.filter.0, page.rows_to_read()), (3_650, 201));
        assert_eq!(page.after, Some(place));
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "withinDays=0",
            "withinDays=3651",
            "withinDays=-1",
            "limit=0",
            "limit=201",
            "cursor=",
            "cursor=AAAA",
            "cursor=%%",
            "days=7",
        ] {
            assert!(Expiring::parse(bad).is_err(), "{bad}");
        }
        let page = Expiring::parse("").unwrap();
        assert_eq!((page.filter.0, page.rows_to_read()), (30, 51));
    }
}
