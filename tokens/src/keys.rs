//! An issuer's signing keys, and what a signature made with one of them must look like.
//!
//! The algorithm belongs to the key: RSA of 2048 to 8192 bits verifies RS256, P-256 verifies ES256,
//! and nothing else is a key here. So neither `none` nor a public key used as an HMAC secret can
//! pass, whatever a header says (RFC 8725 sections 2.1 and 3.1). Signatures are checked by ring, as TLS
//! checks them.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use crate::TokenError;
use crate::compact::{Compact, KEY_ID_BYTES_MAX};

/// An issuer with more keys than this is not believed to rotate keys, it is broken.
pub(crate) const KEYS_MAX: usize = 64;

/// RSA moduli of other sizes are left out, in bytes.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Bytes of a coordinate of a point on P-256 (RFC 7518 section 6.2.1.2).
const COORDINATE_BYTES: usize = 32;

/// One key.
#[derive(Clone, PartialEq, Eq)]
enum Key {
    /// A point on P-256, uncompressed.
    Es256(Vec<u8>),
    /// Both numbers big-endian, without leading zeros.
    Rs256 { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl Key {
    /// What tokens call its algorithm.
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256 { .. } => "RS256",
        }
    }

    /// Whether a signature over some bytes is this key's.
    fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(bytes, signature)
                .is_ok(),
            Self::Rs256 { modulus, exponent } => RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, bytes, signature)
            .is_ok(),
        }
    }
}

/// The keys of an issuer by their id.
#[derive(Clone, Default)]
pub(crate) struct KeySet {
    keys: HashMap<String, Key>,
}

/// A JWKS that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeySetError {
    /// Not a JWKS (RFC 7517 section 5).
    #[error("the key document is not a JWKS")]
    NotJwks,
    /// More keys than [`KEYS_MAX`].
    #[error("the key document has more than 64 keys")]
    TooMany,
    /// No key that could verify an access token.
    #[error("the key document has no usable key: RSA of 2048 bits or more, or P-256, with a kid")]
    NoneUsable,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Reads a JWKS. Keys of other kinds and for other uses are left out, as RFC 7517 section 5
    /// asks; of two keys with one id the first counts.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let jwks: Jwks = serde_json::from_slice(json).map_err(|_| KeySetError::NotJwks)?;
        if jwks.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooMany);
        }
        let mut keys = HashMap::new();
        for value in jwks.keys {
            if let Some((kid, key)) = usable(value) {
                keys.entry(kid).or_insert(key);
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoneUsable);
        }
        Ok(Self { keys })
    }

    /// Whether there is any key.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether there is a key of this id.
    #[cfg(test)]
    fn has(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// Whether both hold the same keys.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.keys == other.keys
    }

    /// Checks a token's signature with the key it names.
    pub(crate) fn check(&self, token: &Compact<'_>) -> Result<(), TokenError> {
        let key = self
            .keys
            .get(token.header.key_id()?)
            .ok_or(TokenError::UnknownKey)?;
        if token.header.alg != key.algorithm() {
            return Err(TokenError::Algorithm);
        }
        let signature = decoded(token.signature).ok_or(TokenError::Signature)?;
        if key.signed(token.signed, &signature) {
            Ok(())
        } else {
            Err(TokenError::Signature)
        }
    }
}

fn usable(value: serde_json::Value) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if jwk.kid.is_empty() || jwk.kid.len() > KEY_ID_BYTES_MAX {
        return None;
    }
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return None;
    }
    let fits = |name: &str| jwk.alg.as_deref().is_none_or(|alg| alg == name);
    let key = match jwk.kty.as_str() {
        "EC" if jwk.crv.as_deref() == Some("P-256") && fits("ES256") => {
            let (x, y) = (decoded(&jwk.x?)?, decoded(&jwk.y?)?);
            if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
                return None;
            }
            // The mark of an uncompressed point (SEC 1 section 2.3.3).
            Key::Es256([&[4], &x[..], &y[..]].concat())
        }
        "RSA" if fits("RS256") => {
            let (modulus, exponent) = (number(&jwk.n?)?, number(&jwk.e?)?);
            if !RSA_MODULUS_BYTES.contains(&modulus.len()) {
                return None;
            }
            Key::Rs256 { modulus, exponent }
        }
        _ => return None,
    };
    Some((jwk.kid, key))
}

/// A number; some issuers write a leading zero, which RFC 7518 section 2 forbids.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = decoded(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes[zeros..].to_vec())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
