//! Judging a certificate signing request (PKCS#10, RFC 2986).
//!
//! Only two things are taken from a request: the public key, and the proof that the sender holds
//! its private half. The subject and every requested extension or attribute are walked over and
//! never looked into, so nothing a device writes there can reach a certificate.

mod envelope;
mod error;
mod public_key;

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::Verifier;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

pub use self::error::CsrError;
use crate::key::PublicKey;

/// Most bytes of a request, in whichever form it comes. One with a P-256 key takes 300 to 1,000.
pub const MAX_CSR_BYTES: usize = 8 * 1024;

/// A request with a good P-256 key and a valid signature by that key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedCsr {
    public_key: PublicKey,
}

impl CheckedCsr {
    /// Judges one request in PEM or DER, of at most [`MAX_CSR_BYTES`].
    ///
    /// PEM may have white space around its one block and nothing else; DER may have nothing after
    /// its last byte.
    pub fn parse(bytes: &[u8]) -> Result<Self, CsrError> {
        if bytes.len() > MAX_CSR_BYTES {
            return Err(CsrError::TooLarge { bytes: bytes.len() });
        }
        let der = envelope::open(bytes)?;
        let request = Request::split(&der)?;
        let public_key = public_key::check(&request.key)?;
        request.check_signature(&public_key)?;
        Ok(Self { public_key })
    }

    /// The key that the certificate is for.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

/// The parts of a request that are looked at.
struct Request<'a> {
    /// The bytes that the signature covers, exactly as they came.
    signed: &'a [u8],
    key: SubjectPublicKeyInfoRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

impl<'a> Request<'a> {
    fn split(der: &'a [u8]) -> Result<Self, CsrError> {
        let mut reader = SliceReader::new(der).map_err(|_| CsrError::MalformedDer)?;
        let (signed, algorithm, signature) = reader
            .sequence(|body| {
                let parts = (body.tlv_bytes()?, body.decode()?, body.decode()?);
                Ok::<_, der::Error>(parts)
            })
            .map_err(|_| CsrError::MalformedDer)?;
        if !reader.is_finished() {
            return Err(CsrError::TrailingData);
        }
        let key = Self::key_of(signed)?;
        Ok(Self {
            signed,
            key,
            algorithm,
            signature,
        })
    }

    /// Walks over version, subject and attributes to the key.
    fn key_of(signed: &'a [u8]) -> Result<SubjectPublicKeyInfoRef<'a>, CsrError> {
        let mut reader = SliceReader::new(signed).map_err(|_| CsrError::MalformedDer)?;
        let (version, key) = reader
            .sequence(|info| {
                let version: AnyRef<'a> = info.decode()?;
                let subject: AnyRef<'a> = info.decode()?;
                subject.tag().assert_eq(Tag::Sequence)?;
                let key = SubjectPublicKeyInfoRef::decode(info)?;
                // RFC 2986 has the attributes always there, but some encoders leave an empty set
                // out; either way they don't count.
                if !info.is_finished() {
                    let attributes: AnyRef<'a> = info.decode()?;
                    if !attributes.tag().is_context_specific() {
                        return Err(attributes.tag().unexpected_error(None).into());
                    }
                }
                Ok::<_, der::Error>((version, key))
            })
            .map_err(|_| CsrError::MalformedDer)?;
        if version.tag() != Tag::Integer || version.value() != [0] {
            return Err(CsrError::Version);
        }
        Ok(key)
    }

    fn check_signature(&self, key: &PublicKey) -> Result<(), CsrError> {
        // RFC 5758 section 3.2: ecdsa-with-SHA256 has no parameters, not even NULL.
        if self.algorithm.oid != const_oid::db::rfc5912::ECDSA_WITH_SHA_256
            || self.algorithm.parameters.is_some()
        {
            return Err(CsrError::SignatureAlgorithm);
        }
        let signature = self
            .signature
            .as_bytes()
            .and_then(|bytes| DerSignature::from_bytes(bytes).ok())
            .ok_or(CsrError::Signature)?;
        key.verifier()
            .verify(self.signed, &signature)
            .map_err(|_| CsrError::Signature)
    }
}

#[cfg(test)]
mod tests;
