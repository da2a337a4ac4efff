//! A revocation list that was made or read.

use const_oid::AssociatedOid;
use der::asn1::Uint;
use der::{Decode, DecodeOwned};
use time::OffsetDateTime;
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};

use super::{CrlError, RevocationReason, RevokedEntry};
use crate::certificate::{first_url, verify_signed};
use crate::{Certificate, Serial, timestamp};

/// Most bytes of a list that is read, in PEM or DER.
pub const MAX_CRL_BYTES: usize = 16 * 1024 * 1024;

const PEM_LABEL: &str = "X509 CRL";

/// One revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    inner: CertificateList,
    der: Vec<u8>,
}

impl RevocationList {
    /// Reads one list in PEM or DER, without verifying it.
    pub fn parse(bytes: &[u8]) -> Result<Self, CrlError> {
        if bytes.len() > MAX_CRL_BYTES {
            return Err(CrlError::TooLarge { bytes: bytes.len() });
        }
        if bytes.first() == Some(&0x30) {
            return Self::from_der(bytes.to_vec());
        }
        match der::pem::decode_vec(bytes.trim_ascii()) {
            Ok((PEM_LABEL, der)) => Self::from_der(der),
            _ => Err(CrlError::Malformed),
        }
    }

    pub(super) fn from_der(der: Vec<u8>) -> Result<Self, CrlError> {
        let inner = CertificateList::from_der(&der).map_err(|_| CrlError::Malformed)?;
        Ok(Self { inner, der })
    }

    /// The list in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The list as one PEM block: what EMQX needs, since its refresh up to 6.2.0 reads PEM only.
    pub fn pem(&self) -> String {
        der::pem::encode_string(PEM_LABEL, der::pem::LineEnding::LF, &self.der)
            .expect("a list is far from the largest PEM block")
    }

    /// Its number, if it has one that fits into 64 bits. Ours always have.
    pub fn number(&self) -> Option<u64> {
        let CrlNumber(number) = self.extension()?;
        to_u64(&number)
    }

    /// When it was made.
    pub fn this_update(&self) -> OffsetDateTime {
        timestamp::from_x509(self.inner.tbs_cert_list.this_update)
    }

    /// When the next one is there at the latest.
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.inner
            .tbs_cert_list
            .next_update
            .map(timestamp::from_x509)
    }

    /// The URL whose certificates alone it covers, if it says so in a critical extension.
    pub fn shard_url(&self) -> Option<String> {
        let id = const_oid::db::rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT;
        let extensions = self.inner.tbs_cert_list.crl_extensions.as_ref()?;
        let found = extensions
            .iter()
            .find(|extension| extension.extn_id == id && extension.critical)?;
        let point = IssuingDistributionPoint::from_der(found.extn_value.as_bytes()).ok()?;
        first_url(&point.distribution_point?)
    }

    /// The issuer as RFC 4514 writes it.
    pub fn issuer(&self) -> String {
        self.inner.tbs_cert_list.issuer.to_string()
    }

    /// What it revokes, in its own order. A reason that we don't give reads as unspecified.
    pub fn entries(&self) -> impl Iterator<Item = RevokedEntry> {
        let revoked = self
            .inner
            .tbs_cert_list
            .revoked_certificates
            .iter()
            .flatten();
        revoked.filter_map(|entry| {
            let reason = entry
                .crl_entry_extensions
                .iter()
                .flatten()
                .find(|extension| extension.extn_id == CrlReason::OID)
                .and_then(|extension| CrlReason::from_der(extension.extn_value.as_bytes()).ok());
            Some(RevokedEntry {
                serial: Serial::from_bytes(entry.serial_number.as_bytes()).ok()?,
                at: timestamp::from_x509(entry.revocation_date),
                reason: reason.map_or(RevocationReason::Unspecified, RevocationReason::from_x509),
            })
        })
    }

    /// Whether the authority's key signed it and the names agree.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        self.inner.tbs_cert_list.issuer == *issuer.x509().tbs_certificate().subject()
            && issuer
                .public_key()
                .is_ok_and(|key| verify_signed(&self.der, key.verifier()).is_some())
    }

    fn extension<T: DecodeOwned<Error = der::Error> + AssociatedOid>(&self) -> Option<T> {
        let extensions = self.inner.tbs_cert_list.crl_extensions.as_ref()?;
        let found = extensions
            .iter()
            .find(|extension| extension.extn_id == T::OID)?;
        T::from_der(found.extn_value.as_bytes()).ok()
    }
}

fn to_u64(number: &Uint) -> Option<u64> {
    let bytes = number.as_bytes();
    (bytes.len() <= 8).then(|| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    })
}
