//! Making what is missing in a PKI folder.
//!
//! Runs again without harm: what is there stays, a run that was cut off is finished. The key is
//! written before its certificate, so a key without one is a cut-off run and gets a certificate.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;

use rand::CryptoRng;
use time::OffsetDateTime;

use super::authorities::check_pair;
use super::{PkiFolder, PkiFolderError, write};
use crate::{CaKind, Certificate, PrivateKey, RootCa};

/// How to make a PKI.
#[derive(Debug, Clone)]
pub struct InitOptions {
    /// The `O` of every authority's name.
    pub organization: String,
    /// Days of a new root, 1 to [`MAX_CA_DAYS`](crate::MAX_CA_DAYS).
    pub root_days: u16,
    /// Days of a new issuing authority; cut at the root's end.
    pub authority_days: u16,
    /// Kinds that get one more authority, for a rotation.
    pub add: Vec<CaKind>,
}

impl Default for InitOptions {
    /// Twenty years for the root and ten for the authorities under it.
    fn default() -> Self {
        Self {
            organization: "IoT Hub".to_owned(),
            root_days: 7_300,
            authority_days: 3_650,
            add: Vec::new(),
        }
    }
}

/// What happened to one file or pair of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// File name, or the stem of a pair.
    pub file: String,
    /// What happened.
    pub outcome: Outcome,
}

impl Step {
    pub(super) fn new(file: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            file: file.into(),
            outcome,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Made,
    /// It was there and is untouched.
    Kept,
    /// Its certificate was there; its key is kept elsewhere.
    KeptWithoutKey,
    /// A run that was cut off had left a key, which now has its certificate.
    Finished,
    /// A derived file was written anew, or a certificate was renewed.
    Updated,
}

impl Outcome {
    /// What happened to a leaf that was written, by what was there before.
    pub(super) const fn of_leaf(with_certificate: bool, with_key: bool) -> Self {
        match (with_certificate, with_key) {
            (true, _) => Self::Updated,
            (false, true) => Self::Finished,
            (false, false) => Self::Made,
        }
    }

    /// The word for people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Kept => "kept",
            Self::KeptWithoutKey => "kept_without_key",
            Self::Finished => "finished",
            Self::Updated => "updated",
        }
    }
}

impl PkiFolder {
    /// Makes the folder (mode 0700), the root, one authority of each kind and the trust bundles,
    /// as far as they are missing, and one more authority of each kind in `options.add`.
    ///
    /// The root's key is needed only when an authority is to be made.
    pub fn init(
        &self,
        options: &InitOptions,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<Step>, PkiFolderError> {
        if !self.dir().is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(self.dir())
                .map_err(PkiFolderError::io(self.dir()))?;
        }
        let mut steps = vec![self.ensure("root-ca", rng, |key, rng| {
            let root = RootCa::create(key, &options.organization, options.root_days, now, rng)?;
            Ok(root.certificate().clone())
        })?];
        for kind in CaKind::ALL {
            steps.push(self.ensure_authority(kind, &format!("{kind}-ca"), options, now, rng)?);
        }
        for kind in &options.add {
            let stem = self.next_stem(kind.as_str())?;
            steps.push(self.ensure_authority(*kind, &stem, options, now, rng)?);
        }
        for kind in CaKind::ALL {
            steps.push(self.write_bundle(kind)?);
        }
        steps.push(self.write_index()?);
        Ok(steps)
    }

    fn ensure_authority(
        &self,
        kind: CaKind,
        stem: &str,
        options: &InitOptions,
        now: OffsetDateTime,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Step, PkiFolderError> {
        self.ensure(stem, rng, |key, rng| {
            let issued = self.load_root()?.issue_authority(
                kind,
                key,
                &options.organization,
                options.authority_days,
                now,
                rng,
            )?;
            Ok(issued.certificate().clone())
        })
    }

    /// Keeps a pair that is there, or makes its key and then its certificate.
    fn ensure<R: CryptoRng + ?Sized>(
        &self,
        stem: &str,
        rng: &mut R,
        certify: impl FnOnce(PrivateKey, &mut R) -> Result<Certificate, PkiFolderError>,
    ) -> Result<Step, PkiFolderError> {
        let files = self.authority_files(stem);
        let outcome = match (files.certificate.exists(), files.key.exists()) {
            (true, false) => return Ok(Step::new(stem, Outcome::KeptWithoutKey)),
            (true, true) => {
                check_pair(&files)?;
                return Ok(Step::new(stem, Outcome::Kept));
            }
            (false, true) => Outcome::Finished,
            (false, false) => Outcome::Made,
        };
        if outcome == Outcome::Made {
            PrivateKey::generate(rng).create_file(&files.key)?;
        }
        // Read back even when just written: the certificate must fit what the file really holds.
        let certificate = certify(PrivateKey::read_file(&files.key)?, rng)?;
        let path = &files.certificate;
        write::write_once(path, certificate.pem().as_bytes(), 0o644).map_err(|error| {
            let error = std::io::Error::other(error);
            PkiFolderError::Io {
                path: path.clone(),
                error,
            }
        })?;
        Ok(Step::new(stem, outcome))
    }
}
