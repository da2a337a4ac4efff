//! Making a revocation list.
//!
//! Written out by hand, since the builder of the X.509 library names the issuer's issuer as the
//! signing key and writes an empty list of entries where the RFC wants none.

use der::Encode;
use der::asn1::BitString;
use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::Signer;
use spki::DynSignatureAlgorithmIdentifier;
use time::{Duration, OffsetDateTime};
use x509_cert::crl::{CertificateList, TbsCertList};
use x509_cert::ext::pkix::CrlNumber;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::{Extension, ToExtension};

use super::{CrlError, CrlUrl, MAX_CRL_DAYS, MAX_CRL_ENTRIES, RevocationList, RevokedEntry};
use crate::authority::Pair;
use crate::profile::{authority_key_identifier, crl_point_name};
use crate::sign::SignError;
use crate::{IssuingCa, RootCa, timestamp};

/// What a list is to say about itself.
#[derive(Debug, Clone, Copy)]
pub struct CrlSpec<'a> {
    /// Its number: higher than that of every earlier list of the same issuer and shard.
    pub number: u64,
    /// When it is made.
    pub this_update: OffsetDateTime,
    /// When the next one is there at the latest, at most [`MAX_CRL_DAYS`] later.
    pub next_update: OffsetDateTime,
    /// The distribution point, when it covers only the certificates that name this URL.
    ///
    /// Then the list says so in a critical extension (RFC 5280 section 5.2.5), so that nobody on
    /// the way can serve one shard's list in place of another's. Leave it out for the one list
    /// of an issuer.
    pub shard: Option<&'a CrlUrl>,
}

impl IssuingCa {
    /// Signs a list over this authority's revoked certificates.
    ///
    /// Entries are sorted by number; of two with the same number the earlier revocation counts.
    pub fn sign_crl(
        &self,
        spec: &CrlSpec<'_>,
        entries: Vec<RevokedEntry>,
    ) -> Result<RevocationList, CrlError> {
        sign(&self.pair, spec, entries)
    }
}

impl RootCa {
    /// Signs a list over revoked issuing authorities.
    pub fn sign_crl(
        &self,
        spec: &CrlSpec<'_>,
        entries: Vec<RevokedEntry>,
    ) -> Result<RevocationList, CrlError> {
        sign(&self.pair, spec, entries)
    }
}

fn sign(
    issuer: &Pair,
    spec: &CrlSpec<'_>,
    mut entries: Vec<RevokedEntry>,
) -> Result<RevocationList, CrlError> {
    entries.sort_by_key(|entry| (entry.serial, entry.at));
    entries.dedup_by_key(|entry| entry.serial);
    if entries.len() > MAX_CRL_ENTRIES {
        return Err(CrlError::TooManyEntries {
            entries: entries.len(),
        });
    }
    let ahead = spec.next_update - spec.this_update;
    if ahead < Duration::SECOND || ahead > Duration::days(MAX_CRL_DAYS.into()) {
        return Err(CrlError::NextUpdate);
    }
    let key = issuer.key.signer();
    let algorithm = key
        .signature_algorithm_identifier()
        .map_err(SignError::from)?;
    let revoked = entries
        .into_iter()
        .map(RevokedEntry::to_x509)
        .collect::<der::Result<Vec<_>>>()?;
    let list = TbsCertList {
        version: x509_cert::Version::V2,
        signature: algorithm.clone(),
        issuer: issuer.name(),
        this_update: timestamp::to_x509(spec.this_update)?,
        next_update: Some(timestamp::to_x509(spec.next_update)?),
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: Some(extensions(issuer, spec)?),
    };
    let signature: DerSignature = key
        .try_sign(&list.to_der()?)
        .map_err(|_| SignError::SelfCheck)?;
    let der = CertificateList {
        tbs_cert_list: list,
        signature_algorithm: algorithm,
        signature: BitString::from_bytes(signature.as_bytes())?,
    }
    .to_der()?;
    let list = RevocationList::from_der(der).map_err(|_| SignError::SelfCheck)?;
    let stands = list.is_issued_by(&issuer.certificate)
        && list.number() == Some(spec.number)
        && list.shard_url().as_deref() == spec.shard.map(CrlUrl::as_str);
    if stands {
        Ok(list)
    } else {
        Err(SignError::SelfCheck.into())
    }
}

fn extensions(issuer: &Pair, spec: &CrlSpec<'_>) -> Result<Vec<Extension>, CrlError> {
    let name = issuer.name();
    let mut extensions = vec![
        (false, &authority_key_identifier(&issuer.key_identifier)?).to_extension(&name, &[])?,
        (false, &CrlNumber::try_from(spec.number)?).to_extension(&name, &[])?,
    ];
    if let Some(url) = spec.shard {
        let point = IssuingDistributionPoint {
            distribution_point: Some(crl_point_name(url)?),
            only_contains_user_certs: true,
            only_contains_ca_certs: false,
            only_some_reasons: None,
            indirect_crl: false,
            only_contains_attribute_certs: false,
        };
        // Named here because the library's own constant is that of another extension.
        let id = const_oid::db::rfc5280::ID_CE_ISSUING_DISTRIBUTION_POINT;
        extensions.push((id, true, &point).to_extension(&name, &[])?);
    }
    Ok(extensions)
}
