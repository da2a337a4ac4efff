//! Certificates of devices. History is kept: a certificate changes its state and never goes.

use certs::{Certificate, Fingerprint, RevocationReason, Serial};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::row::{fingerprint, get};
use super::{Connection, StoreError, Tx};
use crate::domain::key_id::KeyId;
use schema::CertificateState;
use schema::DeviceId;

/// Newest first; a device has few, and this bounds what a broken factory line could make.
const OF_DEVICE: &str = "
-- store::certificate::of_device
SELECT fingerprint, serial, state, not_before, not_after, issued_at, ended_at, revocation_reason,
       issuer
  FROM certificate
 WHERE device_id = $1
 ORDER BY issued_at DESC, fingerprint
 LIMIT 100";

const GET: &str = "
-- store::certificate::get
SELECT device_id, fingerprint, serial, state, not_before, not_after, issued_at, ended_at,
       revocation_reason, issuer
  FROM certificate
 WHERE fingerprint = $1";

const DER: &str = "
-- store::certificate::der
SELECT der
  FROM certificate
 WHERE fingerprint = $1";

const INSERT: &str = "
-- store::certificate::insert
INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der, crl_shard)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

const RETIRE: &str = "
-- store::certificate::retire
UPDATE certificate
   SET state = 'retired', ended_at = now()
 WHERE fingerprint = $1
   AND state = 'active'";

const REVOKE: &str = "
-- store::certificate::revoke
UPDATE certificate
   SET state = 'revoked', ended_at = coalesce(ended_at, now()), revocation_reason = $2
 WHERE fingerprint = $1
   AND state <> 'revoked'";

/// Retired ones too: they may still be valid in time, and a revocation list must name them.
const REVOKE_ALL: &str = "
-- store::certificate::revoke_all
UPDATE certificate
   SET state = 'revoked', ended_at = coalesce(ended_at, now()), revocation_reason = $2
 WHERE device_id = $1
   AND state <> 'revoked'";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[OF_DEVICE, GET, DER, INSERT, RETIRE, REVOKE, REVOKE_ALL];

/// A certificate as stored, without its DER.
#[derive(Debug, Clone)]
pub(crate) struct CertificateRow {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) serial: Serial,
    pub(crate) state: CertificateState,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
    pub(crate) revocation_reason: Option<String>,
    /// Which authority signed it; nothing if its DER does not say so in the usual form.
    pub(crate) issuer: Option<KeyId>,
}

impl TryFrom<&Row> for CertificateRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            fingerprint: fingerprint(row, "fingerprint")?,
            serial: Serial::from_bytes(get(row, "serial")?)
                .map_err(|_| StoreError::Row { column: "serial" })?,
            state: get(row, "state")?,
            not_before: get(row, "not_before")?,
            not_after: get(row, "not_after")?,
            issued_at: get(row, "issued_at")?,
            ended_at: get(row, "ended_at")?,
            revocation_reason: get(row, "revocation_reason")?,
            issuer: get::<Option<&[u8]>>(row, "issuer")?.and_then(KeyId::from_slice),
        })
    }
}

impl Connection {
    /// A certificate and whose it is.
    pub(crate) async fn certificate(
        &self,
        which: &Fingerprint,
    ) -> Result<Option<(DeviceId, CertificateRow)>, StoreError> {
        let row = self.row(GET, &[&which.as_bytes().as_slice()]).await?;
        row.map(|row| Ok((get(&row, "device_id")?, CertificateRow::try_from(&row)?)))
            .transpose()
    }

    /// A certificate's bytes.
    pub(crate) async fn certificate_der(
        &self,
        which: &Fingerprint,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.row(DER, &[&which.as_bytes().as_slice()]).await?;
        row.map(|row| get(&row, "der")).transpose()
    }

    /// The certificates of a device, newest first, at most 100.
    pub(crate) async fn certificates(
        &self,
        id: &DeviceId,
    ) -> Result<Vec<CertificateRow>, StoreError> {
        let rows = self.rows(OF_DEVICE, &[&id.as_str()]).await?;
        rows.iter().map(CertificateRow::try_from).collect()
    }
}

impl Tx<'_> {
    /// The certificates of a device, newest first, at most 100.
    pub(crate) async fn certificates(
        &self,
        id: &DeviceId,
    ) -> Result<Vec<CertificateRow>, StoreError> {
        let rows = self.rows(OF_DEVICE, &[&id.as_str()]).await?;
        rows.iter().map(CertificateRow::try_from).collect()
    }

    /// A certificate and whose it is.
    pub(crate) async fn certificate(
        &self,
        which: &Fingerprint,
    ) -> Result<Option<(DeviceId, CertificateRow)>, StoreError> {
        let row = self.row(GET, &[&which.as_bytes().as_slice()]).await?;
        row.map(|row| Ok((get(&row, "device_id")?, CertificateRow::try_from(&row)?)))
            .transpose()
    }

    /// Stores a new certificate of a device, with the shard of the revocation list that it names.
    pub(crate) async fn insert_certificate(
        &self,
        id: &DeviceId,
        certificate: &Certificate,
        crl_shard: Option<i32>,
    ) -> Result<(), StoreError> {
        let fingerprint = certificate.fingerprint();
        let (serial, der) = (certificate.serial(), certificate.der());
        self.change_one(
            "insert certificate",
            INSERT,
            &[
                &fingerprint.as_bytes().as_slice(),
                &id.as_str(),
                &serial.as_bytes(),
                &certificate.not_before(),
                &certificate.not_after(),
                &der,
                &crl_shard,
            ],
        )
        .await
    }

    /// Retires an active certificate.
    pub(crate) async fn retire_certificate(&self, which: &Fingerprint) -> Result<(), StoreError> {
        self.change_one("retire", RETIRE, &[&which.as_bytes().as_slice()])
            .await
    }

    /// Revokes a certificate that is not revoked yet.
    pub(crate) async fn revoke_certificate(
        &self,
        which: &Fingerprint,
        reason: RevocationReason,
    ) -> Result<(), StoreError> {
        let which = which.as_bytes().as_slice();
        self.change_one("revoke certificate", REVOKE, &[&which, &reason.as_str()])
            .await
    }

    /// Revokes all certificates of a device.
    pub(crate) async fn revoke_certificates(
        &self,
        id: &DeviceId,
        reason: RevocationReason,
    ) -> Result<u64, StoreError> {
        self.change(REVOKE_ALL, &[&id.as_str(), &reason.as_str()])
            .await
    }
}
