//! An issuing authority of one kind.

use std::path::Path;

use rand::CryptoRng;
use x509_cert::name::Name;

use super::{AuthorityError, CaKind, Pair, hexadecimal};
use crate::profile::{Profile, Purpose};
use crate::sign::{Window, sign_certificate};
use crate::{Certificate, IssueError, PrivateKey, PublicKey, Serial};

/// An authority that issues leaves of one kind and signs their revocation lists.
///
/// The kind is the caller's word: it says which file was meant, and a device authority refuses to
/// issue anything else. The private key is wiped when dropped and never printed.
#[derive(Debug)]
pub struct IssuingCa {
    kind: CaKind,
    pub(crate) pair: Pair,
}

impl IssuingCa {
    pub(crate) fn new(
        kind: CaKind,
        certificate: Certificate,
        key: PrivateKey,
    ) -> Result<Self, AuthorityError> {
        Ok(Self {
            kind,
            pair: Pair::new(certificate, key)?,
        })
    }

    /// Reads certificate (PEM or DER, first of a chain) and key (PKCS#8 PEM) from files.
    ///
    /// A key that group or others may use is refused; certificate and key must belong together.
    pub fn load(kind: CaKind, certificate: &Path, key: &Path) -> Result<Self, AuthorityError> {
        Ok(Self {
            kind,
            pair: Pair::load(certificate, key)?,
        })
    }

    /// The same from texts, for a key that comes from a secret store. Wipe the text afterwards.
    pub fn from_pem(kind: CaKind, certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        Ok(Self {
            kind,
            pair: Pair::from_pem(certificate, key)?,
        })
    }

    /// What it issues for.
    pub fn kind(&self) -> CaKind {
        self.kind
    }

    /// Its certificate, which goes into trust bundles and chains.
    pub fn certificate(&self) -> &Certificate {
        &self.pair.certificate
    }

    /// Its key identifier in lower-case hexadecimal: tells two authorities of a kind apart, for
    /// instance in the path of a revocation list.
    pub fn key_identifier(&self) -> String {
        hexadecimal(self.key_identifier_bytes())
    }

    /// The same as it stands in what the authority signs (RFC 5280 section 4.2.1.1).
    pub fn key_identifier_bytes(&self) -> &[u8] {
        &self.pair.key_identifier
    }

    pub(crate) fn require(&self, needs: CaKind) -> Result<(), IssueError> {
        if self.kind == needs {
            Ok(())
        } else {
            Err(IssueError::Kind {
                has: self.kind,
                needs,
            })
        }
    }

    pub(crate) fn leaf_profile(
        &self,
        subject: Name,
        key: &PublicKey,
        purpose: Purpose,
    ) -> der::Result<Profile> {
        Profile::leaf(
            self.pair.name(),
            subject,
            key,
            &self.pair.key_identifier,
            purpose,
        )
    }

    pub(crate) fn sign_leaf(
        &self,
        profile: Profile,
        window: Window,
        key: &PublicKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Certificate, IssueError> {
        let serial = Serial::random(rng);
        Ok(sign_certificate(
            profile,
            serial,
            window,
            key,
            &self.pair.key,
        )?)
    }
}
