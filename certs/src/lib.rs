//! The PKI of IoT Hub: one root, three issuing authorities, CSR checking, certificates and
//! revocation lists.
//!
//! - [`Fingerprint`]: what a certificate is known by in the database and in the hooks.
//! - [`CheckedCsr`]: a signing request whose key and proof of possession were judged.
//! - [`IssuingCa`] and [`RootCa`]: they sign leaves, issuing authorities and revocation lists.
//! - [`PkiFolder`]: the files that `certs init` makes and keeps.
//!
//! The rules come from RFC 5280 (certificates and lists), RFC 2986 (requests), RFC 5480 and RFC
//! 5758 (elliptic curve keys and signatures). Only P-256 with SHA-256 is spoken, because that is
//! what the secure elements of the devices can do.
//!
//! The library never reads a clock or draws a random number on its own, never opens a network
//! connection and never prints a private key. What it signs it parses and verifies again before
//! handing it out.

pub mod authority;
pub mod certificate;
pub mod crl;
pub mod csr;
pub mod fingerprint;
pub mod folder;
pub mod issue;
pub mod key;
pub mod names;
mod profile;
pub mod serial;
mod sign;
mod timestamp;

pub use authority::{AuthorityError, CaKind, IssuingCa, RootCa};
pub use certificate::{Certificate, CertificateError};
pub use crl::{
    CrlError, CrlSpec, CrlUrl, CrlUrlError, RevocationList, RevocationReason, RevokedEntry,
};
pub use csr::{CheckedCsr, CsrError};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use folder::{PkiFolder, PkiFolderError};
pub use issue::{DeviceSpec, IssueError, ServerSpec, ServiceSpec};
pub use key::{KeyError, KeyFileError, PrivateKey, PublicKey};
pub use names::{NameError, ServerName};
pub use serial::{Serial, SerialError};
pub use sign::SignError;

/// Most days a leaf certificate may be asked for (ten years, the life of a default issuing CA).
pub const MAX_LEAF_DAYS: u16 = 3_650;
/// Most days a root or issuing certificate may be asked for (25 years).
pub const MAX_CA_DAYS: u16 = 9_131;
