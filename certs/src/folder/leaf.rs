//! Key and certificate of a server or service client, made in the folder.
//!
//! The key file is made once and kept; `renew` puts a new certificate for the same key in the
//! place of the old one.

use std::path::{Path, PathBuf};

use rand::CryptoRng;
use time::OffsetDateTime;

use super::{Outcome, PkiFolder, PkiFolderError, write};
use crate::authority::read_certificate;
use crate::{
    CaKind, Certificate, IssueError, IssuingCa, PrivateKey, PublicKey, ServerSpec, ServiceSpec,
};

/// How a leaf is made.
#[derive(Debug, Clone, Copy)]
pub struct LeafOptions<'a> {
    /// File name without ending.
    pub stem: &'a str,
    /// Whether an existing certificate is replaced by a new one for the same key.
    pub renew: bool,
}

/// A leaf in the folder.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The certificate file: the leaf and its issuer, as TLS servers and clients send them.
    pub certificate_file: PathBuf,
    /// The private key file, mode 0600.
    pub key_file: PathBuf,
    /// The leaf.
    pub certificate: Certificate,
    /// What happened.
    pub outcome: Outcome,
}

impl PkiFolder {
    /// Makes or keeps a server's key and certificate.
    ///
    /// A kept certificate that has ended or lacks one of the names is an error that says
    /// `--renew`, never silently kept.
    pub fn server_leaf(
        &self,
        options: LeafOptions<'_>,
        spec: &ServerSpec<'_>,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Leaf, PkiFolderError> {
        let wanted: Vec<String> = spec.names.iter().map(ToString::to_string).collect();
        let fits = |there: &Certificate| {
            let names = there.alternative_names();
            wanted.iter().all(|name| names.contains(name))
        };
        self.leaf(options, CaKind::Server, now, fits, rng, |ca, key, rng| {
            ca.issue_server(key, spec, now, rng)
        })
    }

    /// Makes or keeps a service client's key and certificate; the same rules.
    pub fn service_leaf(
        &self,
        options: LeafOptions<'_>,
        spec: &ServiceSpec<'_>,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Leaf, PkiFolderError> {
        let wanted = format!("svc.{}", spec.name);
        let fits = |there: &Certificate| there.common_name().as_ref() == Some(&wanted);
        self.leaf(options, CaKind::Service, now, fits, rng, |ca, key, rng| {
            ca.issue_service(key, spec, now, rng)
        })
    }

    fn leaf<R: CryptoRng + ?Sized>(
        &self,
        options: LeafOptions<'_>,
        kind: CaKind,
        now: OffsetDateTime,
        fits: impl FnOnce(&Certificate) -> bool,
        rng: &mut R,
        issue: impl FnOnce(&IssuingCa, &PublicKey, &mut R) -> Result<Certificate, IssueError>,
    ) -> Result<Leaf, PkiFolderError> {
        let certificate_file = self.path(&format!("{}.pem", options.stem));
        let key_file = self.path(&format!("{}.key", options.stem));
        let there = (certificate_file.exists(), key_file.exists());
        let (certificate, outcome) = match there {
            (true, with_key) if !options.renew => {
                let kept = keep(&certificate_file, with_key.then_some(&key_file), now, fits)?;
                let outcome = if with_key {
                    Outcome::Kept
                } else {
                    Outcome::KeptWithoutKey
                };
                (kept, outcome)
            }
            (true, false) => return Err(PkiFolderError::NoKey { path: key_file }),
            (with_certificate, with_key) => {
                let ca = self.load_issuing(kind)?;
                if !with_key {
                    PrivateKey::generate(rng).create_file(&key_file)?;
                }
                // Read back even when just written, as for authorities.
                let key = PrivateKey::read_file(&key_file)?;
                let certificate = issue(&ca, &key.public_key(), rng)?;
                let chain = certificate.pem() + &ca.certificate().pem();
                write::write_public(&certificate_file, chain.as_bytes())
                    .map_err(PkiFolderError::io(&certificate_file))?;
                (certificate, Outcome::of_leaf(with_certificate, with_key))
            }
        };
        Ok(Leaf {
            certificate_file,
            key_file,
            certificate,
            outcome,
        })
    }
}

/// Looks at what is there and must still do.
fn keep(
    certificate_file: &Path,
    key_file: Option<&PathBuf>,
    now: OffsetDateTime,
    fits: impl FnOnce(&Certificate) -> bool,
) -> Result<Certificate, PkiFolderError> {
    let path = || certificate_file.to_owned();
    let certificate = read_certificate(certificate_file)?;
    if certificate.not_after() <= now {
        return Err(PkiFolderError::LeafEnded { path: path() });
    }
    if !fits(&certificate) {
        return Err(PkiFolderError::LeafNames { path: path() });
    }
    if let Some(key_file) = key_file {
        let key = PrivateKey::read_file(key_file)?;
        if certificate.public_key() != Ok(key.public_key()) {
            return Err(PkiFolderError::LeafKey { path: path() });
        }
    }
    Ok(certificate)
}
