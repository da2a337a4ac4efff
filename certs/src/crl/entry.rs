//! One revoked certificate.

use std::fmt;
use std::str::FromStr;

use time::OffsetDateTime;
use x509_cert::crl::RevokedCert;
use x509_cert::ext::ToExtension;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::name::Name;

use crate::{Serial, timestamp};

/// Why a certificate was revoked (RFC 5280 section 5.3.1).
///
/// Revocation is final here, so there is neither `certificateHold` nor `removeFromCRL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// Not said; written as no reason at all, as the RFC asks.
    Unspecified,
    /// The device's key is, or may be, known to others.
    KeyCompromise,
    /// The authority's key is, or may be, known to others.
    CaCompromise,
    /// The subject's name is no longer right.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// The device is out of service.
    CessationOfOperation,
    /// The device lost its right.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// The word that OpenSSL uses, in lower camel case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "CACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    pub(super) const fn from_x509(reason: CrlReason) -> Self {
        match reason {
            CrlReason::KeyCompromise => Self::KeyCompromise,
            CrlReason::CaCompromise => Self::CaCompromise,
            CrlReason::AffiliationChanged => Self::AffiliationChanged,
            CrlReason::Superseded => Self::Superseded,
            CrlReason::CessationOfOperation => Self::CessationOfOperation,
            CrlReason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
            _ => Self::Unspecified,
        }
    }

    const fn to_x509(self) -> Option<CrlReason> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(CrlReason::KeyCompromise),
            Self::CaCompromise => Some(CrlReason::CaCompromise),
            Self::AffiliationChanged => Some(CrlReason::AffiliationChanged),
            Self::Superseded => Some(CrlReason::Superseded),
            Self::CessationOfOperation => Some(CrlReason::CessationOfOperation),
            Self::PrivilegeWithdrawn => Some(CrlReason::PrivilegeWithdrawn),
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for RevocationReason {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str().eq_ignore_ascii_case(text))
            .ok_or(
                "a reason is one of: unspecified, keyCompromise, CACompromise, affiliationChanged, \
             superseded, cessationOfOperation, privilegeWithdrawn",
            )
    }
}

/// One revoked certificate of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedEntry {
    /// The certificate's number.
    pub serial: Serial,
    /// When it was revoked, in whole seconds.
    pub at: OffsetDateTime,
    /// Why.
    pub reason: RevocationReason,
}

impl RevokedEntry {
    pub(super) fn to_x509(self) -> der::Result<RevokedCert> {
        let extension = self
            .reason
            .to_x509()
            .map(|reason| (&reason).to_extension(&Name::default(), &[]))
            .transpose()?;
        Ok(RevokedCert {
            serial_number: self.serial.to_x509(),
            revocation_date: timestamp::to_x509(self.at)?,
            crl_entry_extensions: extension.map(|extension| vec![extension]),
        })
    }
}
