//! Signing keys of the issuer: the current one signs, older ones stay published until dropped.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use serde_json::{Value, json};

/// One key with its id.
pub(crate) struct Key {
    pub(crate) id: String,
    signing: SigningKey,
}

impl Key {
    /// A new key of the operating system's randomness.
    pub(crate) fn generate() -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            signing: SigningKey::generate(),
        }
    }

    /// The public key as a JWK (RFC 7518 section 6.2).
    pub(crate) fn jwk(&self) -> Value {
        let point = self.public_key();
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]),
            "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        })
    }

    /// The public key as an uncompressed point, 65 bytes.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let point = self.signing.verifying_key().to_sec1_point(false);
        point.as_bytes().to_vec()
    }

    /// A token in compact form over exactly this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature: Signature = self.signing.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}
