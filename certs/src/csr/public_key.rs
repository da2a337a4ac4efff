//! Judging the public key of a request: P-256, named curve, uncompressed, a valid point.

use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, SECP_256_R_1};
use der::{Tag, Tagged};
use p256::ecdsa::VerifyingKey;
use spki::SubjectPublicKeyInfoRef;

use super::CsrError;
use crate::key::PublicKey;

/// SEC 1 section 2.3.3: the first byte of an uncompressed point.
const UNCOMPRESSED: u8 = 0x04;

/// Refuses everything but a point on P-256 other than the identity.
pub(super) fn check(key: &SubjectPublicKeyInfoRef<'_>) -> Result<PublicKey, CsrError> {
    if key.algorithm.oid != ID_EC_PUBLIC_KEY {
        return Err(CsrError::KeyAlgorithm);
    }
    // RFC 5480 section 2.1.1: explicit parameters and the implicit curve must not be used. They
    // let the sender choose a generator, which makes any key look like any other.
    let curve = key
        .algorithm
        .parameters
        .filter(|parameters| parameters.tag() == Tag::ObjectIdentifier)
        .ok_or(CsrError::CurveParameters)?;
    if curve.value() != SECP_256_R_1.as_bytes() {
        return Err(CsrError::Curve);
    }
    let point = key.subject_public_key.as_bytes().ok_or(CsrError::Point)?;
    if matches!(point.first(), Some(0x02 | 0x03 | 0x06 | 0x07)) {
        return Err(CsrError::PointForm);
    }
    if point.first() != Some(&UNCOMPRESSED) {
        return Err(CsrError::Point);
    }
    VerifyingKey::from_sec1_bytes(point)
        .map(PublicKey::new)
        .map_err(|_| CsrError::Point)
}
