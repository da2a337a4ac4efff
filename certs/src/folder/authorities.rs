//! Which authorities a folder holds.

use std::path::PathBuf;

use super::{PkiFolder, PkiFolderError};
use crate::authority::Pair;
use crate::{CaKind, IssuingCa, RootCa};

/// Most authorities of one kind in a folder.
pub const MAX_AUTHORITIES: u32 = 32;

/// The two files of one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityFiles {
    /// File name without ending, for instance `device-ca-2`.
    pub stem: String,
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key, which may be kept elsewhere.
    pub key: PathBuf,
}

impl PkiFolder {
    /// The files that an authority of this name has or would have.
    pub fn authority_files(&self, stem: &str) -> AuthorityFiles {
        AuthorityFiles {
            stem: stem.to_owned(),
            certificate: self.path(&format!("{stem}.pem")),
            key: self.path(&format!("{stem}.key")),
        }
    }

    /// The authorities of a kind whose certificate is there, oldest first.
    pub fn authorities(&self, kind: CaKind) -> Vec<AuthorityFiles> {
        self.present(kind.as_str())
    }

    /// The roots whose certificate is there, oldest first.
    pub fn roots(&self) -> Vec<AuthorityFiles> {
        self.present("root")
    }

    /// Loads the newest root whose key is there.
    pub fn load_root(&self) -> Result<RootCa, PkiFolderError> {
        let files = self.newest_with_key("root", self.roots())?;
        Ok(RootCa::load(&files.certificate, &files.key)?)
    }

    /// Loads the newest authority of a kind whose key is there.
    pub fn load_issuing(&self, kind: CaKind) -> Result<IssuingCa, PkiFolderError> {
        let files = self.newest_with_key(kind.as_str(), self.authorities(kind))?;
        Ok(IssuingCa::load(kind, &files.certificate, &files.key)?)
    }

    /// Loads the authority of a kind with this number, 1 being the first.
    pub fn load_issuing_numbered(
        &self,
        kind: CaKind,
        number: u32,
    ) -> Result<IssuingCa, PkiFolderError> {
        let files = self.authority_files(&stem(kind.as_str(), number));
        let files = self.newest_with_key(kind.as_str(), vec![files])?;
        Ok(IssuingCa::load(kind, &files.certificate, &files.key)?)
    }

    /// The stem that the next authority of a kind gets. One that has a key and no certificate is
    /// taken first: it was cut off.
    pub(super) fn next_stem(&self, word: &str) -> Result<String, PkiFolderError> {
        (1..=MAX_AUTHORITIES)
            .map(|number| stem(word, number))
            .find(|stem| !self.authority_files(stem).certificate.exists())
            .ok_or(PkiFolderError::TooMany)
    }

    fn present(&self, word: &str) -> Vec<AuthorityFiles> {
        (1..=MAX_AUTHORITIES)
            .map(|number| self.authority_files(&stem(word, number)))
            .filter(|files| files.certificate.exists())
            .collect()
    }

    fn newest_with_key(
        &self,
        word: &str,
        mut candidates: Vec<AuthorityFiles>,
    ) -> Result<AuthorityFiles, PkiFolderError> {
        let newest = candidates.iter().rposition(|files| files.key.exists());
        if let Some(index) = newest {
            return Ok(candidates.swap_remove(index));
        }
        match candidates.pop() {
            Some(files) if files.certificate.exists() => {
                Err(PkiFolderError::NoKey { path: files.key })
            }
            Some(AuthorityFiles { stem, .. }) => Err(PkiFolderError::NoAuthority {
                dir: self.dir().to_owned(),
                stem,
            }),
            None => {
                let stem = stem(word, 1);
                Err(PkiFolderError::NoAuthority {
                    dir: self.dir().to_owned(),
                    stem,
                })
            }
        }
    }
}

/// `device-ca`, `device-ca-2`, and so on.
fn stem(word: &str, number: u32) -> String {
    if number == 1 {
        format!("{word}-ca")
    } else {
        format!("{word}-ca-{number}")
    }
}

/// Reads a pair only to see that both files are usable and belong together.
pub(super) fn check_pair(files: &AuthorityFiles) -> Result<(), PkiFolderError> {
    Ok(Pair::load(&files.certificate, &files.key).map(drop)?)
}
