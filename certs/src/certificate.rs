//! A certificate that was made or read: its DER and what can be asked of it.
//!
//! Never judges trust beyond one signature: chains and purposes are for the TLS libraries.

mod error;

use std::fmt::{self, Write as _};

use const_oid::AssociatedOid;
use const_oid::db::rfc5280::ID_KP_CLIENT_AUTH;
use der::asn1::BitStringRef;
use der::{Decode, DecodeOwned, Encode, Reader, SliceReader};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use spki::DecodePublicKey;
use time::OffsetDateTime;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;

pub use self::error::CertificateError;
use crate::key::PublicKey;
use crate::{Fingerprint, Serial, timestamp};

/// Most bytes of a certificate file or bundle.
pub const MAX_CERTIFICATE_FILE_BYTES: usize = 256 * 1024;
/// Most certificates in a bundle.
pub const MAX_BUNDLE_CERTIFICATES: usize = 64;

const PEM_LABEL: &str = "CERTIFICATE";

/// One certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    inner: x509_cert::Certificate,
    der: Vec<u8>,
    serial: Serial,
}

impl Certificate {
    /// Reads one certificate in DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let inner = x509_cert::Certificate::from_der(der).map_err(CertificateError::Der)?;
        let serial = Serial::from_bytes(inner.tbs_certificate().serial_number().as_bytes())
            .map_err(CertificateError::Serial)?;
        Ok(Self {
            inner,
            der: der.to_vec(),
            serial,
        })
    }

    /// Reads one or more certificates, in PEM with any text between the blocks, or one in DER.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        if bytes.len() > MAX_CERTIFICATE_FILE_BYTES {
            return Err(CertificateError::TooLarge { bytes: bytes.len() });
        }
        if bytes.first() == Some(&0x30) {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        let text = str::from_utf8(bytes).map_err(|_| CertificateError::NoCertificate)?;
        let certificates = pem_blocks(text)
            .take(MAX_BUNDLE_CERTIFICATES + 1)
            .map(|block| {
                let (label, der) = der::pem::decode_vec(block.as_bytes())
                    .map_err(|_| CertificateError::MalformedPem)?;
                if label != PEM_LABEL {
                    return Err(CertificateError::Label);
                }
                Self::from_der(&der)
            })
            .collect::<Result<Vec<_>, _>>()?;
        match certificates.len() {
            0 => Err(CertificateError::NoCertificate),
            1..=MAX_BUNDLE_CERTIFICATES => Ok(certificates),
            _ => Err(CertificateError::TooMany),
        }
    }

    /// Reads the first certificate of a file's content: the leaf, when a chain follows.
    pub fn read_first(bytes: &[u8]) -> Result<Self, CertificateError> {
        Ok(Self::read_all(bytes)?.swap_remove(0))
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as one PEM block with a line feed at its end.
    pub fn pem(&self) -> String {
        der::pem::encode_string(PEM_LABEL, der::pem::LineEnding::LF, &self.der)
            .expect("a certificate is far from the largest PEM block")
    }

    /// SHA-256 over the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_der(&self.der)
    }

    /// The issuer's number for it.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// First second of validity.
    pub fn not_before(&self) -> OffsetDateTime {
        timestamp::from_x509(self.inner.tbs_certificate().validity().not_before)
    }

    /// Last second of validity.
    pub fn not_after(&self) -> OffsetDateTime {
        timestamp::from_x509(self.inner.tbs_certificate().validity().not_after)
    }

    /// The subject as RFC 4514 writes it.
    pub fn subject(&self) -> String {
        written(self.inner.tbs_certificate().subject())
    }

    /// The issuer as RFC 4514 writes it.
    pub fn issuer(&self) -> String {
        written(self.inner.tbs_certificate().issuer())
    }

    /// The first common name of the subject.
    pub fn common_name(&self) -> Option<String> {
        let name = self
            .inner
            .tbs_certificate()
            .subject()
            .common_name()
            .ok()??;
        Some(name.value().into_owned())
    }

    /// The public key, if it is a P-256 key.
    pub fn public_key(&self) -> Result<PublicKey, CertificateError> {
        let spki = self.inner.tbs_certificate().subject_public_key_info();
        let der = spki.to_der().map_err(CertificateError::Der)?;
        VerifyingKey::from_public_key_der(&der)
            .map(PublicKey::new)
            .map_err(|_| CertificateError::NotP256)
    }

    /// Whether it may issue certificates and revocation lists (RFC 5280 sections 4.2.1.3, 4.2.1.9).
    pub fn is_ca(&self) -> bool {
        let signs = self
            .extension::<KeyUsage>()
            .is_some_and(|usage| usage.key_cert_sign() && usage.crl_sign());
        signs
            && self
                .extension::<BasicConstraints>()
                .is_some_and(|basic| basic.ca)
    }

    /// Whether it is for a TLS client that signs, and for nothing else: what devices are given (RFC
    /// 5280 sections 4.2.1.3, 4.2.1.9, 4.2.1.12).
    pub fn is_client_leaf(&self) -> bool {
        let signs = self
            .extension::<KeyUsage>()
            .is_some_and(|usage| usage.digital_signature() && !usage.key_cert_sign());
        let leaf = self
            .extension::<BasicConstraints>()
            .is_none_or(|basic| !basic.ca);
        let client = self
            .extension::<ExtendedKeyUsage>()
            .is_some_and(|purposes| purposes.0 == [ID_KP_CLIENT_AUTH]);
        signs && leaf && client
    }

    /// DNS names, addresses and URIs of the subject, as text in the order of the certificate.
    pub fn alternative_names(&self) -> Vec<String> {
        let names = self
            .extension::<SubjectAltName>()
            .map_or_else(Vec::new, |names| names.0);
        names.iter().filter_map(shown).collect()
    }

    /// Where the revocation list for it is served: the first URL of its first distribution point.
    pub fn crl_url(&self) -> Option<String> {
        let points = self.extension::<CrlDistributionPoints>()?.0;
        first_url(points.first()?.distribution_point.as_ref()?)
    }

    /// Whether the issuer's key made the signature over this certificate and the names agree.
    pub fn is_issued_by(&self, issuer: &Self) -> bool {
        self.inner.tbs_certificate().issuer() == issuer.inner.tbs_certificate().subject()
            && issuer
                .public_key()
                .is_ok_and(|key| verify_signed(&self.der, key.verifier()).is_some())
    }

    /// The parsed form.
    pub(crate) fn x509(&self) -> &x509_cert::Certificate {
        &self.inner
    }

    /// What its own leaves and lists name it by (RFC 5280 section 4.2.1.2).
    pub(crate) fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        self.extension::<SubjectKeyIdentifier>()
            .map(|ski| ski.0.into_bytes().into_vec())
    }

    fn extension<T: DecodeOwned<Error = der::Error> + AssociatedOid>(&self) -> Option<T> {
        let extensions = self.inner.tbs_certificate().extensions()?;
        let found = extensions
            .iter()
            .find(|extension| extension.extn_id == T::OID)?;
        T::from_der(found.extn_value.as_bytes()).ok()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

/// The first URL of a distribution point, of a certificate or of a list.
pub(crate) fn first_url(point: &DistributionPointName) -> Option<String> {
    let DistributionPointName::FullName(names) = point else {
        return None;
    };
    names.iter().find_map(|name| match name {
        GeneralName::UniformResourceIdentifier(url) => Some(url.to_string()),
        _ => None,
    })
}

/// A name as RFC 4514 writes it, as far as it can be written: a stranger's certificate may hold
/// values that cannot.
fn written(name: &Name) -> String {
    let mut text = String::new();
    let _ = write!(text, "{name}");
    text
}

fn shown(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
            v4.or_else(|_| v6()).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// Verifies `SEQUENCE { signed, algorithm, signature }`, which is what certificates and
/// revocation lists are, and returns the signed bytes exactly as they came.
pub(crate) fn verify_signed<'a>(der: &'a [u8], key: &VerifyingKey) -> Option<&'a [u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    let (signed, algorithm, signature) = reader
        .sequence(|body| {
            let signed = body.tlv_bytes()?;
            let algorithm = spki::AlgorithmIdentifierRef::decode(body)?;
            Ok::<_, der::Error>((signed, algorithm, BitStringRef::decode(body)?))
        })
        .ok()?;
    if !reader.is_finished() || algorithm.oid != const_oid::db::rfc5912::ECDSA_WITH_SHA_256 {
        return None;
    }
    let signature = DerSignature::from_bytes(signature.as_bytes()?).ok()?;
    key.verify(signed, &signature).ok().map(|()| signed)
}

/// The PEM blocks of a text, without what stands between them.
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("-----BEGIN ")?;
        let body = &rest[start..];
        let end = body.find("-----END ")?;
        let length = body[end..]
            .find('\n')
            .map_or(body.len(), |newline| end + newline + 1);
        rest = &body[length..];
        Some(body[..length].trim_end())
    })
}
