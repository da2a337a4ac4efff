//! Devices and their first certificates, many in a statement.

use certs::Certificate;
use time::OffsetDateTime;

use super::device::NewDevice;
use super::row::get;
use super::{Connection, StoreError, Tx};

const KNOWN: &str = "
-- store::enrol_many::known
SELECT device_id
  FROM device
 WHERE device_id = ANY($1)";

/// In the order of the ids, so that two calls that share some wait for each other and never crosswise.
const DEVICES: &str = "
-- store::enrol_many::devices
INSERT INTO device (device_id, model, firmware_version, public_key)
SELECT device_id, model, firmware_version, public_key
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
       AS new (device_id, model, firmware_version, public_key)
 ORDER BY device_id
    ON CONFLICT (device_id) DO NOTHING
RETURNING device_id";

const CERTIFICATES: &str = "
-- store::enrol_many::certificates
INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der, crl_shard)
SELECT fingerprint, device_id, serial, not_before, not_after, der, crl_shard
  FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::timestamptz[], $5::timestamptz[],
              $6::bytea[], $7::integer[])
       AS new (fingerprint, device_id, serial, not_before, not_after, der, crl_shard)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[KNOWN, DEVICES, CERTIFICATES];

/// A new device's first certificate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstCertificate<'a> {
    pub(crate) device_id: &'a str,
    pub(crate) certificate: &'a Certificate,
    /// The shard of the revocation list that it names.
    pub(crate) crl_shard: Option<i32>,
}

impl Connection {
    /// Those of some ids that are registered.
    pub(crate) async fn known_devices(&self, ids: &[&str]) -> Result<Vec<String>, StoreError> {
        let rows = self.rows(KNOWN, &[&ids]).await?;
        rows.iter().map(|row| get(row, "device_id")).collect()
    }
}

impl Tx<'_> {
    /// Stores new devices and gives the ids of those that were not there. Waits for other transactions
    /// that are about to take one of them.
    pub(crate) async fn insert_devices(
        &self,
        new: &[NewDevice<'_>],
    ) -> Result<Vec<String>, StoreError> {
        let ids: Vec<&str> = new.iter().map(|new| new.device_id.as_str()).collect();
        let models: Vec<&str> = new.iter().map(|new| new.model).collect();
        let firmware: Vec<Option<&str>> = new.iter().map(|new| new.firmware_version).collect();
        let keys: Vec<&[u8]> = new.iter().map(|new| new.public_key).collect();
        let rows = self
            .rows(DEVICES, &[&ids, &models, &firmware, &keys])
            .await?;
        rows.iter().map(|row| get(row, "device_id")).collect()
    }

    /// Stores the certificates of devices that were stored in this transaction.
    pub(crate) async fn insert_certificates(
        &self,
        new: &[FirstCertificate<'_>],
    ) -> Result<(), StoreError> {
        let prints: Vec<_> = new
            .iter()
            .map(|new| new.certificate.fingerprint())
            .collect();
        let prints: Vec<&[u8]> = prints.iter().map(|p| p.as_bytes().as_slice()).collect();
        let ids: Vec<&str> = new.iter().map(|new| new.device_id).collect();
        let serials: Vec<_> = new.iter().map(|new| new.certificate.serial()).collect();
        let serials: Vec<&[u8]> = serials.iter().map(certs::Serial::as_bytes).collect();
        let begins: Vec<OffsetDateTime> = new.iter().map(|n| n.certificate.not_before()).collect();
        let ends: Vec<OffsetDateTime> = new.iter().map(|n| n.certificate.not_after()).collect();
        let ders: Vec<&[u8]> = new.iter().map(|new| new.certificate.der()).collect();
        let shards: Vec<Option<i32>> = new.iter().map(|new| new.crl_shard).collect();
        let touched = self
            .change(
                CERTIFICATES,
                &[&prints, &ids, &serials, &begins, &ends, &ders, &shards],
            )
            .await?;
        if touched == new.len() as u64 {
            Ok(())
        } else {
            Err(StoreError::Count {
                statement: "insert certificates",
                touched,
            })
        }
    }
}
