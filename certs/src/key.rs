//! P-256 keys: the private half, which never prints, and the public half.
//!
//! A private key leaves this module only as PKCS#8 PEM in memory that is wiped when dropped.

mod file;

use std::fmt;

use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use spki::SubjectPublicKeyInfoOwned;
use zeroize::Zeroizing;

pub use self::file::{KeyFileError, MAX_KEY_FILE_BYTES};

/// A P-256 private key. Wiped when dropped; its `Debug` says nothing about it.
pub struct PrivateKey(Box<SigningKey>);

impl PrivateKey {
    /// Makes a new key from the caller's randomness.
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self(Box::new(SigningKey::generate_from_rng(rng)))
    }

    /// Reads one unencrypted PKCS#8 block (`-----BEGIN PRIVATE KEY-----`).
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        let pem = pem.trim_ascii();
        if pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(KeyError::Encrypted);
        }
        if !pem.starts_with("-----BEGIN PRIVATE KEY-----") {
            return Err(KeyError::NotPkcs8);
        }
        // The reason is left out: it could quote the key.
        SigningKey::from_pkcs8_pem(pem)
            .map(|key| Self(Box::new(key)))
            .map_err(|_| KeyError::NotP256)
    }

    /// Writes the key as PKCS#8 PEM, in memory that is wiped when dropped.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        self.0
            .to_pkcs8_pem(LineEnding::LF)
            .expect("a valid P-256 key has a PKCS#8 form")
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::new(*self.0.verifying_key())
    }

    /// What signs.
    pub(crate) fn signer(&self) -> &SigningKey {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKey(not shown)")
    }
}

/// A P-256 public key: a valid point other than the identity.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    der: Vec<u8>,
}

impl PublicKey {
    /// Wraps a key and remembers its one canonical form.
    pub(crate) fn new(key: VerifyingKey) -> Self {
        let document = key
            .to_public_key_der()
            .expect("a valid P-256 key has a DER form");
        Self {
            key,
            der: document.into_vec(),
        }
    }

    /// The `SubjectPublicKeyInfo` in DER (RFC 5480): 91 bytes, uncompressed point.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key identifier of RFC 7093 section 2 method 1: the leftmost 160 bits of SHA-256 over
    /// the point. Chosen over the SHA-1 of RFC 5280 because nothing new should need SHA-1.
    pub(crate) fn identifier(&self) -> [u8; 20] {
        let digest = Sha256::digest(self.key.to_sec1_point(false).as_bytes());
        let mut identifier = [0; 20];
        identifier.copy_from_slice(&digest[..20]);
        identifier
    }

    /// The form that goes into a certificate.
    pub(crate) fn to_spki(&self) -> spki::Result<SubjectPublicKeyInfoOwned> {
        SubjectPublicKeyInfoOwned::from_key(&self.key)
    }

    /// What verifies.
    pub(crate) fn verifier(&self) -> &VerifyingKey {
        &self.key
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PublicKey(")?;
        self.identifier()
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02X}"))?;
        formatter.write_str(")")
    }
}

/// Why a text is not a private key for us. Never repeats a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another PEM label, or no PEM.
    #[error(
        "the key is not PKCS#8 PEM (-----BEGIN PRIVATE KEY-----); \
         convert it with: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW"
    )]
    NotPkcs8,
    /// A passphrase would be needed.
    #[error(
        "the key is encrypted; decrypt it into a file that only its owner can read: \
         openssl pkcs8 -in OLD -out NEW && chmod 600 NEW"
    )]
    Encrypted,
    /// Damaged, more than one block, or of another kind or curve.
    #[error("the key is damaged, followed by something else, or not an elliptic curve P-256 key")]
    NotP256,
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{KeyError, PrivateKey};

    #[test]
    fn a_private_key_reads_back_and_never_shows_in_debug() {
        let key = PrivateKey::generate(&mut StdRng::seed_from_u64(1));
        let pem = key.to_pkcs8_pem();
        let again = PrivateKey::from_pkcs8_pem(&pem).expect("our own form");
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(key.public_key().der().len(), 91);
        assert_eq!(format!("{key:?}"), "PrivateKey(not shown)");
    }

    #[test]
    fn other_forms_of_a_key_are_refused_with_their_mend() {
        let refused = |text: &str| PrivateKey::from_pkcs8_pem(text).map(|_| ());
        assert_eq!(refused(""), Err(KeyError::NotPkcs8));
        assert_eq!(
            refused("-----BEGIN EC PRIVATE KEY-----\n"),
            Err(KeyError::NotPkcs8)
        );
        assert_eq!(
            refused("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
            Err(KeyError::Encrypted)
        );
        assert_eq!(
            refused("-----BEGIN PRIVATE KEY-----\nAAAA\n"),
            Err(KeyError::NotP256)
        );
    }

    #[test]
    fn two_keys_in_one_text_are_refused() {
        let pem = PrivateKey::generate(&mut StdRng::seed_from_u64(1)).to_pkcs8_pem();
        let twice = format!("{}{}", *pem, *pem);
        assert_eq!(
            PrivateKey::from_pkcs8_pem(&twice).map(|_| ()),
            Err(KeyError::NotP256)
        );
    }
}
