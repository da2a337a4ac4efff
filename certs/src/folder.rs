//! The folder of PKI files: who is in it, what they are called, and how they come to be.
//!
//! ```text
//! root-ca.{pem,key}                      the root; its key belongs offline
//! device-ca.{pem,key} device-ca-2.{..}   issuing authorities, numbered from the second on
//! service-ca..., server-ca...
//! device-trust.pem service-trust.pem server-trust.pem    every root + every authority of a kind
//! authorities.json                       an index of all of them
//! ```
//!
//! A key is never overwritten. Trust bundles and the index are derived and written anew when they
//! differ.

pub mod authorities;
mod bundle;
mod error;
mod index;
mod init;
mod leaf;
pub mod read;
mod report;
mod rotate;
pub mod write;

use std::path::{Path, PathBuf};

pub use self::authorities::{AuthorityFiles, MAX_AUTHORITIES};
pub use self::error::PkiFolderError;
pub use self::index::INDEX_FILE;
pub use self::init::{InitOptions, Outcome, Step};
pub use self::leaf::{Leaf, LeafOptions};
pub use self::report::{ReportLine, ReportedAs};
pub use self::rotate::Rotation;

/// A folder of PKI files.
#[derive(Debug, Clone)]
pub struct PkiFolder {
    dir: PathBuf,
}

impl PkiFolder {
    /// Names a folder, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}
