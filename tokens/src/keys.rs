//! An issuer's signing keys, and what a signature made with one of them must look like.
//!
//! The algorithm belongs to the key: RSA of 2048 to 8192 bits verifies RS256, P-256 verifies ES256,
//! and nothing else is a key here. So neither `none` nor a public key used as an HMAC secret can
//! pass, whatever a header says (RFC 8725 sections 2.1 and 3.1).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use crate::TokenError;
use crate::compact::{Compact, KEY_ID_BYTES_MAX};

/// An issuer with more keys than this is not believed to rotate keys, it is broken.
pub(crate) const KEYS_MAX: usize = 64;

/// RSA moduli of other sizes are left out, in bytes.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// One key.
#[derive(Clone)]
struct Key {
    algorithm: Algorithm,
    decoding: DecodingKey,
    /// The public parts as published, to see whether a refresh changed anything.
    parts: (String, String),
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
        self.keys.len() == other.keys.len()
            && self.keys.iter().all(|(kid, key)| {
                other.keys.get(kid).is_some_and(|theirs| {
                    theirs.algorithm == key.algorithm && theirs.parts == key.parts
                })
            })
    }

    /// Checks a token's signature with the key it names.
    pub(crate) fn check(&self, token: &Compact<'_>) -> Result<(), TokenError> {
        let key = self
            .keys
            .get(token.header.key_id()?)
            .ok_or(TokenError::UnknownKey)?;
        let name = match key.algorithm {
            Algorithm::RS256 => "RS256",
            _ => "ES256",
        };
        if token.header.alg != name {
            return Err(TokenError::Algorithm);
        }
        let good = jsonwebtoken::crypto::verify(
            token.signature,
            token.signed,
            &key.decoding,
            key.algorithm,
        );
        match good {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenError::Signature),
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
    let (algorithm, decoding, parts) = match jwk.kty.as_str() {
        "EC" if jwk.crv.as_deref() == Some("P-256") && fits("ES256") => {
            let (x, y) = (jwk.x?, jwk.y?);
            let coordinate = |text: &str| decoded_len(text) == Some(32);
            if !coordinate(&x) || !coordinate(&y) {
                return None;
            }
            let key = DecodingKey::from_ec_components(&x, &y).ok()?;
            (Algorithm::ES256, key, (x, y))
        }
        "RSA" if fits("RS256") => {
            let (n, e) = (jwk.n?, jwk.e?);
            if !RSA_MODULUS_BYTES.contains(&decoded_len(&n)?) {
                return None;
            }
            let key = DecodingKey::from_rsa_components(&n, &e).ok()?;
            (Algorithm::RS256, key, (n, e))
        }
        _ => return None,
    };
    let key = Key {
        algorithm,
        decoding,
        parts,
    };
    Some((jwk.kid, key))
}

fn decoded_len(text: &str) -> Option<usize> {
    URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| bytes.len())
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.keys()).finish()
    }
}

#[cfg(test)]
mod tests;
