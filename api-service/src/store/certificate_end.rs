//! Certificates whose end locks their device out: active ones without a later active one beside them.

use certs::{Fingerprint, Serial};
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;

use super::row::{fingerprint, get};
use super::{Connection, StoreError};
use crate::domain::key_id::KeyId;

const ENDING: &str = "
-- store::certificate_end::ending
SELECT fingerprint, device_id, serial, issuer, not_after
  FROM certificate
 WHERE state = 'active'
   AND (not_after, fingerprint) > ($1, $2)
   AND not_after <= $3
   AND NOT EXISTS (SELECT FROM certificate AS later
                    WHERE later.device_id = certificate.device_id
                      AND later.state = 'active'
                      AND later.not_after > certificate.not_after)
 ORDER BY not_after, fingerprint
 LIMIT $4";

const COUNT: &str = "
-- store::certificate_end::count
SELECT count(*) FILTER (WHERE not_after <= $2) AS week, count(*) AS month
  FROM certificate
 WHERE state = 'active'
   AND not_after > $1
   AND not_after <= $3
   AND NOT EXISTS (SELECT FROM certificate AS later
                    WHERE later.device_id = certificate.device_id
                      AND later.state = 'active'
                      AND later.not_after > certificate.not_after)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[ENDING, COUNT];

/// A place in the order of ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndPlace {
    pub(crate) not_after: OffsetDateTime,
    pub(crate) fingerprint: Fingerprint,
}

/// A certificate that ends.
#[derive(Debug, Clone)]
pub(crate) struct EndingRow {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) device_id: String,
    pub(crate) serial: Serial,
    pub(crate) issuer: Option<KeyId>,
    pub(crate) not_after: OffsetDateTime,
}

/// How many end soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endings {
    /// Within 7 days.
    pub(crate) week: i64,
    /// Within 30 days.
    pub(crate) month: i64,
}

impl EndingRow {
    /// Where it stands.
    pub(crate) fn place(&self) -> EndPlace {
        EndPlace {
            not_after: self.not_after,
            fingerprint: self.fingerprint,
        }
    }
}

impl TryFrom<&Row> for EndingRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        let issuer: Option<&[u8]> = get(row, "issuer")?;
        Ok(Self {
            fingerprint: fingerprint(row, "fingerprint")?,
            device_id: get(row, "device_id")?,
            serial: Serial::from_bytes(get(row, "serial")?)
                .map_err(|_| StoreError::Row { column: "serial" })?,
            issuer: issuer.and_then(KeyId::from_slice),
            not_after: get(row, "not_after")?,
        })
    }
}

impl Connection {
    /// Those that end from now on (or after a place) and not later than `until`, the next first.
    pub(crate) async fn ending(
        &self,
        now: OffsetDateTime,
        after: Option<&EndPlace>,
        until: OffsetDateTime,
        limit: i64,
    ) -> Result<Vec<EndingRow>, StoreError> {
        // No fingerprint is empty, so every one comes after the empty bytes.
        let nothing: &[u8] = &[];
        let (from, fingerprint) = after.map_or((now, nothing), |place| {
            (place.not_after, place.fingerprint.as_bytes().as_slice())
        });
        let rows = self
            .rows(ENDING, &[&from, &fingerprint, &until, &limit])
            .await?;
        rows.iter().map(EndingRow::try_from).collect()
    }

    /// How many end soon.
    pub(crate) async fn count_endings(&self, now: OffsetDateTime) -> Result<Endings, StoreError> {
        let (week, month) = (now + Duration::days(7), now + Duration::days(30));
        let row = self.row(COUNT, &[&now, &week, &month]).await?;
        let row = row.ok_or(StoreError::Row { column: "month" })?;
        Ok(Endings {
            week: get(&row, "week")?,
            month: get(&row, "month")?,
        })
    }
}
